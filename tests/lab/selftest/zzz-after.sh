# SPDX-License-Identifier: GPL-2.0-or-later
# Runs after a reboot of the board: the one before it killed it.
[ -d /sys/bus/platform ] || fail "no sysfs"
pass
