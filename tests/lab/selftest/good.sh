# SPDX-License-Identifier: GPL-2.0-or-later
# variants: a b
case $VARIANT in
a) pass ;;
b) skip "not on this board" ;;
esac
