# SPDX-License-Identifier: GPL-2.0-or-later
# The stand-in for the emulator says two lines, where one is wanted.
refuse hello a b
pass
