#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Arm PrimeCell real time clock PL031 (DDI 0224), which counts seconds.

    pl031.py --socket PATH

The counter starts at the host's time, runs from the start and cannot be
stopped, and a reset leaves it alone, as on a board whose clock has a battery.
"""

import os
import sys
import time

# The module is in the folder above, in the tree and where it is installed.
sys.path.append(os.path.join(os.path.dirname(__file__), os.pardir))

import platypus_device  # noqa: E402
from platypus_device import Line, Region, Reject  # noqa: E402

DR, MR, LR, CR, IMSC, RIS, MIS, ICR = range(0, 0x20, 4)
ID = 0xfe0  # RTCPeriphID0-3, RTCPCellID0-3
IDS = (0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1)
SECOND = 10 ** 9


class Pl031(platypus_device.Device):
    """A PL031 real time clock, for a guest."""

    name = "pl031"
    regions = [Region(0x1000)]
    lines = [Line()]

    def __init__(self):
        self.offset = time.time_ns() - time.monotonic_ns()
        self.timer = None
        self.reset()

    def reset(self):
        self.match = self.load = self.mask = self.raw = 0
        self.cancel()
        self.update_line()

    def now(self):
        return time.monotonic_ns() + self.offset

    def counter(self):
        return self.now() // SECOND & 0xffffffff

    def cancel(self):
        if self.timer:
            self.timer.cancel()
        self.timer = None

    def schedule(self):
        """The counter is 32 bits wide: a past match is one in the future."""
        self.cancel()
        now = self.now()
        left = self.match - now // SECOND & 0xffffffff
        if left:
            self.timer = self.call_later(
                (left * SECOND - now % SECOND) / SECOND, self.matched)
        else:
            self.matched()

    def matched(self):
        self.raw = 1
        self.update_line()

    def update_line(self):
        self.set_line(0, self.raw & self.mask)

    def read(self, region, offset, size):
        if size != 4:
            raise Reject
        if offset >= ID:
            return IDS[(offset - ID) // 4]
        return {
            DR: self.counter(), MR: self.match, LR: self.load,
            CR: 1, IMSC: self.mask, RIS: self.raw, MIS: self.raw & self.mask,
        }.get(offset, 0)

    def write(self, region, offset, size, value):
        if size != 4:
            raise Reject
        if offset == MR:
            self.match = value
            self.schedule()
        elif offset == LR:
            self.load = value
            self.offset = value * SECOND - time.monotonic_ns()
            self.schedule()
        elif offset == IMSC:
            self.mask = value & 1
            self.update_line()
        elif offset == ICR:
            self.raw &= ~value
            self.update_line()


if __name__ == "__main__":
    platypus_device.main(Pl031())
