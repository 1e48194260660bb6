# SPDX-License-Identifier: GPL-2.0-or-later
# seconds: 3
sleep 100
