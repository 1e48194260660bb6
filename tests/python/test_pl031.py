# SPDX-License-Identifier: GPL-2.0-or-later
"""The example, a PL031, against its manual (DDI 0224)."""

import os
import signal
import struct
import subprocess
import sys
import time
import unittest.mock

import pl031
from client import (Case, EVENTFD, MODULE, NONE, PATIENCE, RESET, TRIGGER,
                    UNMASK, eventfd, events)
from pl031 import CR, DR, ICR, IMSC, LR, MIS, MR, RIS


class Clock:
    """A time that stands still between the steps of a test."""

    def __init__(self):
        self.ns = 5 * 10 ** 9 + 250_000_000
        self.offset = 1_700_000_000 * 10 ** 9 - self.ns

    def monotonic_ns(self):
        return self.ns

    def time_ns(self):
        return self.ns + self.offset


class Registers(Case):
    def setUp(self):
        super().setUp()
        self.clock = Clock()
        patch = unittest.mock.patch.object(pl031, "time", self.clock)
        patch.start()
        self.addCleanup(patch.stop)
        self.device = pl031.Pl031()
        self.timers = []
        self.device.call_later = self.call_later
        self.client = self.serve(self.device)
        self.fd = self.close_later(eventfd())
        self.client.set_irqs(EVENTFD | TRIGGER, fds=[self.fd])

    def call_later(self, delay, callback):
        timer = unittest.mock.Mock()
        timer.delay, timer.callback = delay, callback
        self.timers.append(timer)
        return timer

    def read(self, offset):
        return struct.unpack("<I", self.client.read(0, offset, 4))[0]

    def write(self, offset, value):
        self.client.write(0, offset, struct.pack("<I", value))

    def unmask(self):
        self.client.set_irqs(NONE | UNMASK)

    def expire(self):
        """The last timer's time has come."""
        timer = self.timers[-1]
        timer.cancel.assert_not_called()
        self.clock.ns += round(timer.delay * 10 ** 9)
        self.in_loop(timer.callback)

    def test_identification(self):
        self.assertEqual(
            [self.read(0xfe0 + 4 * i) for i in range(8)],
            [0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1])

    def test_at_the_start(self):
        self.assertEqual([self.read(r) for r in (MR, LR, CR, IMSC, RIS, MIS)],
                         [0, 0, 1, 0, 0, 0])
        self.assertEqual(self.read(DR), 1_700_000_000)

    def test_counts(self):
        self.clock.ns += 999_999_999
        self.assertEqual(self.read(DR), 1_700_000_000)
        self.clock.ns += 1
        self.assertEqual(self.read(DR), 1_700_000_001)

    def test_load(self):
        self.write(LR, 77)
        self.assertEqual((self.read(LR), self.read(DR)), (77, 77))
        self.clock.ns += 10 ** 9
        self.assertEqual((self.read(LR), self.read(DR)), (77, 78))

    def test_wraps(self):
        self.write(LR, 0xffffffff)
        self.clock.ns += 10 ** 9
        self.assertEqual(self.read(DR), 0)

    def test_match(self):
        self.write(LR, 100)
        self.clock.ns += 600_000_000
        self.write(IMSC, 1)
        self.write(MR, 103)
        self.assertAlmostEqual(self.timers[-1].delay, 2.4)
        self.assertEqual((self.read(RIS), events(self.fd)), (0, 0))
        self.expire()
        self.assertEqual(self.read(DR), 103)
        self.assertEqual((self.read(RIS), self.read(MIS)), (1, 1))
        self.assertEqual(events(self.fd), 1)
        self.unmask()
        self.assertEqual(events(self.fd), 1)
        self.write(ICR, 0)
        self.assertEqual(self.read(RIS), 1)
        self.write(ICR, 1)
        self.assertEqual((self.read(RIS), self.read(MIS)), (0, 0))
        self.unmask()
        self.assertEqual(events(self.fd), 0)

    def test_masked(self):
        self.write(MR, self.read(DR))
        self.assertEqual((self.read(RIS), self.read(MIS)), (1, 0))
        self.assertEqual(events(self.fd), 0)
        self.write(IMSC, 0xffffffff)
        self.assertEqual((self.read(IMSC), self.read(MIS)), (1, 1))
        self.assertEqual(events(self.fd), 1)
        self.write(IMSC, 0)
        self.unmask()
        self.assertEqual(events(self.fd), 0)

    def test_another_match_replaces_it(self):
        self.write(LR, 100)
        self.write(MR, 200)
        first = self.timers[-1]
        self.write(MR, 300)
        first.cancel.assert_called_once_with()
        self.assertAlmostEqual(self.timers[-1].delay, 200)

    def test_load_moves_the_match(self):
        self.write(MR, 500)
        self.write(LR, 490)
        self.assertAlmostEqual(self.timers[-1].delay, 10)
        self.write(LR, 500)
        self.assertEqual(self.read(RIS), 1)

    def test_a_match_in_the_past(self):
        self.write(LR, 100)
        self.write(MR, 99)
        self.assertAlmostEqual(self.timers[-1].delay, 2 ** 32 - 1)

    def test_what_has_no_effect(self):
        for offset in (DR, CR, RIS, MIS, 0x20, 0xfe0):
            self.write(offset, 0)
        self.assertEqual([self.read(r) for r in (DR, CR, RIS, MIS, 0x20)],
                         [1_700_000_000, 1, 0, 0, 0])
        self.assertEqual((self.read(ICR), self.read(0xfdc)), (0, 0))

    def test_words_only(self):
        for size in (1, 2):
            self.assertEqual(self.client.read(0, DR, size), b"\xff" * size)
            self.client.write(0, LR, bytes(size))
        self.assertEqual(self.read(DR), 1_700_000_000)

    def test_reset(self):
        self.write(LR, 100)
        self.write(IMSC, 1)
        self.write(MR, 100)
        self.assertEqual(events(self.fd), 1)
        self.write(MR, 900)
        timer = self.timers[-1]
        self.client.do(RESET)
        timer.cancel.assert_called_once_with()
        self.assertEqual([self.read(r) for r in (MR, LR, IMSC, RIS, MIS)],
                         [0] * 5)
        self.assertEqual(self.read(DR), 100)
        self.unmask()
        self.assertEqual(events(self.fd), 0)


class Program(Case):
    def test_as_it_is_run(self):
        path = os.path.join(self.folder(), "rtc")
        child = subprocess.Popen(
            [sys.executable, "-B", str(MODULE / "models/pl031.py"),
             "--socket", path], stderr=subprocess.PIPE)
        self.addCleanup(child.stderr.close)
        self.addCleanup(child.wait, PATIENCE)
        self.addCleanup(child.kill)
        client = self.connect(path)
        client.version()
        fd = self.close_later(eventfd())
        client.set_irqs(EVENTFD | TRIGGER, fds=[fd])
        now = struct.unpack("<I", client.read(0, DR, 4))[0]
        self.assertLess(abs(now - time.time()), 3600)
        client.write(0, IMSC, b"\1\0\0\0")
        client.write(0, MR, struct.pack("<I", now + 1))
        os.read(fd, 8)  # waits for it
        later = struct.unpack("<I", client.read(0, DR, 4))[0]
        self.assertGreaterEqual(later, now + 1)
        child.send_signal(signal.SIGTERM)
        self.assertEqual(child.communicate(timeout=PATIENCE)[1], b"")
        self.assertEqual(child.returncode, 0)
