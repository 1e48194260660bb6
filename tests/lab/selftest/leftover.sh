# SPDX-License-Identifier: GPL-2.0-or-later
# Whoever leaves a device bound or a machine running has not passed.
bind_vfio $RTC
BOUND=
pass
