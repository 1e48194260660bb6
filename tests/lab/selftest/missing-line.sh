# SPDX-License-Identifier: GPL-2.0-or-later
vm_start greet
vm_expect 5 '^good bye'
pass
