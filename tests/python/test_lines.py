# SPDX-License-Identifier: GPL-2.0-or-later
"""Interrupt lines: what is signalled when, and SET_IRQS."""

import errno
import os
import socket

from client import (BOOL, Case, EVENTFD, MASK, NONE, NO_REPLY, SET_IRQS,
                    TRIGGER, UNMASK, eventfd, events, irq_set)
from platypus_device import Device, Line

LEVEL, EDGE = 0, 1


class Lines(Device):
    lines = [Line(), Line(edge=True)]


class LineCase(Case):
    def setUp(self):
        super().setUp()
        self.device = Lines()
        self.client = self.serve(self.device)

    def listen(self, index, client=None):
        fd = self.close_later(eventfd())
        (client or self.client).set_irqs(EVENTFD | TRIGGER, index, fds=[fd])
        return fd

    def up(self, index):
        self.in_loop(self.device.raise_line, index)

    def down(self, index):
        self.in_loop(self.device.lower_line, index)

    def unmask(self, index=LEVEL):
        self.client.set_irqs(NONE | UNMASK, index)


class Levels(LineCase):
    def test_once_until_unmasked(self):
        fd = self.listen(LEVEL)
        self.assertEqual(events(fd), 0)
        self.up(LEVEL)
        self.assertEqual(events(fd), 1)
        self.up(LEVEL)
        self.down(LEVEL)
        self.up(LEVEL)
        self.assertEqual(events(fd), 0)
        self.unmask()
        self.assertEqual(events(fd), 1)

    def test_unmask_when_it_is_down(self):
        fd = self.listen(LEVEL)
        self.up(LEVEL)
        self.down(LEVEL)
        self.assertEqual(events(fd), 1)
        self.unmask()
        self.assertEqual(events(fd), 0)
        self.up(LEVEL)
        self.assertEqual(events(fd), 1)

    def test_unmask_again_and_again(self):
        fd = self.listen(LEVEL)
        self.up(LEVEL)
        for _ in range(5):
            self.assertEqual(events(fd), 1)
            self.unmask()

    def test_a_posted_end_of_interrupt(self):
        fd = self.listen(LEVEL)
        self.up(LEVEL)
        self.assertEqual(events(fd), 1)
        self.client.send(SET_IRQS, irq_set(NONE | UNMASK, LEVEL, 0, 1, b""),
                         flags=NO_REPLY)
        self.client.set_irqs(NONE | TRIGGER, EDGE)  # it is behind
        self.assertEqual(events(fd), 1)

    def test_masked(self):
        fd = self.listen(LEVEL)
        self.client.set_irqs(NONE | MASK)
        self.up(LEVEL)
        self.assertEqual(events(fd), 0)
        self.unmask()
        self.assertEqual(events(fd), 1)

    def test_up_before_anybody_listens(self):
        self.up(LEVEL)
        self.assertEqual(events(self.listen(LEVEL)), 1)

    def test_gone_before_anybody_listens(self):
        self.up(LEVEL)
        self.down(LEVEL)
        self.assertEqual(events(self.listen(LEVEL)), 0)

    def test_another_listener(self):
        """Whoever was told still owes the unmask."""
        first = self.listen(LEVEL)
        self.up(LEVEL)
        self.assertEqual(events(first), 1)
        second = self.listen(LEVEL)
        self.assertEqual(events(second), 0)
        self.unmask()
        self.assertEqual((events(first), events(second)), (0, 1))

    def test_nobody_listens_any_more(self):
        for count, flags in ((1, EVENTFD | TRIGGER), (0, NONE | TRIGGER)):
            fd = self.listen(LEVEL)
            self.up(LEVEL)
            self.assertEqual(events(fd), 1)
            self.client.set_irqs(flags, count=count)
            self.unmask()
            self.assertEqual(events(fd), 0)
            # Nobody was left to unmask it.
            self.client.set_irqs(flags, count=count)
            self.assertEqual(events(self.listen(LEVEL)), 1)
            self.client.set_irqs(flags, count=count)
            self.down(LEVEL)

    def test_bool(self):
        fd = self.listen(LEVEL)
        self.client.set_irqs(BOOL | MASK, data=b"\0")
        self.up(LEVEL)
        self.assertEqual(events(fd), 1)
        self.client.set_irqs(BOOL | UNMASK, data=b"\0")
        self.assertEqual(events(fd), 0)
        self.client.set_irqs(BOOL | UNMASK, data=b"\1")
        self.assertEqual(events(fd), 1)

    def test_trigger_by_the_client(self):
        fd = self.listen(LEVEL)
        self.client.set_irqs(NONE | TRIGGER)
        self.assertEqual(events(fd), 1)
        self.client.set_irqs(NONE | TRIGGER)  # masked now
        self.assertEqual(events(fd), 0)
        self.unmask()  # and not asserted
        self.assertEqual(events(fd), 0)
        self.client.set_irqs(BOOL | TRIGGER, data=b"\0")
        self.assertEqual(events(fd), 0)
        self.client.set_irqs(BOOL | TRIGGER, data=b"\1")
        self.assertEqual(events(fd), 1)

    def test_set_line(self):
        fd = self.listen(LEVEL)
        self.in_loop(self.device.set_line, LEVEL, 4)
        self.assertEqual(events(fd), 1)
        self.in_loop(self.device.set_line, LEVEL, 0)
        self.unmask()
        self.assertEqual(events(fd), 0)

    def test_a_client_that_comes_back(self):
        fd = self.listen(LEVEL)
        self.up(LEVEL)
        self.assertEqual(events(fd), 1)
        self.client.close()
        self.in_loop(lambda: None)
        self.client = self.attach(self.device)
        self.client.version()
        # It never saw it, so it is not masked.
        self.assertEqual(events(self.listen(LEVEL)), 1)


class Edges(LineCase):
    def test_each_is_one(self):
        fd = self.listen(EDGE)
        for _ in range(3):
            self.up(EDGE)
        self.down(EDGE)
        self.assertEqual(events(fd), 3)

    def test_one_is_kept(self):
        self.up(EDGE)
        self.up(EDGE)
        self.down(EDGE)
        self.assertEqual(events(self.listen(EDGE)), 1)
        self.assertEqual(events(self.listen(EDGE)), 0)

    def test_kept_from_client_to_client(self):
        self.client.close()
        self.in_loop(lambda: None)
        self.up(EDGE)
        self.client = self.attach(self.device)
        self.client.version()
        self.assertEqual(events(self.listen(EDGE)), 1)

    def test_trigger_by_the_client(self):
        fd = self.listen(EDGE)
        self.client.set_irqs(NONE | TRIGGER, EDGE)
        self.client.set_irqs(BOOL | TRIGGER, EDGE, data=b"\1")
        self.client.set_irqs(BOOL | TRIGGER, EDGE, data=b"\0")
        self.assertEqual(events(fd), 2)

    def test_trigger_when_nobody_listens(self):
        for index in (EDGE, LEVEL):
            self.client.set_irqs(NONE | TRIGGER, index)
            self.assertEqual(events(self.listen(index)), 0)

    def test_cannot_be_masked(self):
        for flags, data in ((NONE | MASK, b""), (NONE | UNMASK, b""),
                            (BOOL | MASK, b"\1"), (BOOL | UNMASK, b"\0")):
            self.assertEqual(self.client.irq_error(flags, EDGE, data=data),
                             errno.EINVAL)


class Requests(LineCase):
    def test_exactly_one_of_each(self):
        allowed = {data | action for data in (NONE, BOOL, EVENTFD)
                   for action in (MASK, UNMASK, TRIGGER)}
        for flags in set(range(128)) - allowed:
            data = b"\0" if flags & BOOL else b""
            self.assertEqual(self.client.irq_error(flags, data=data),
                             errno.EINVAL, flags)

    def test_ranges(self):
        for index, start, count in ((2, 0, 1), (0, 1, 1), (0, 0, 2),
                                    (0, 1, 0), (0, 0xffffffff, 1),
                                    (0, 0, 0xffffffff), (0xffffffff, 0, 1)):
            self.assertEqual(
                self.client.irq_error(NONE | TRIGGER, index, start, count),
                errno.EINVAL)

    def test_none_of_them(self):
        for flags in (NONE | MASK, NONE | UNMASK, BOOL | TRIGGER,
                      EVENTFD | TRIGGER):
            self.assertEqual(self.client.irq_error(flags, count=0),
                             errno.EINVAL)

    def test_lengths(self):
        for flags, data in ((NONE | TRIGGER, b"\1"), (BOOL | TRIGGER, b""),
                            (BOOL | TRIGGER, b"\1\1"),
                            (EVENTFD | TRIGGER, b"\1\0\0\0")):
            self.assertEqual(self.client.irq_error(flags, data=data),
                             errno.EINVAL)
        self.assertEqual(self.client.error(SET_IRQS, bytes(19)),
                         errno.EINVAL)
        short = irq_set(NONE | TRIGGER, 0, 0, 1, b"")
        self.assertEqual(self.client.error(SET_IRQS, b"\x13" + short[1:]),
                         errno.EINVAL)

    def test_descriptors(self):
        fd = self.close_later(eventfd())
        for flags, count in ((NONE | TRIGGER, 1), (NONE | TRIGGER, 0),
                             (EVENTFD | TRIGGER, 0)):
            self.assertEqual(
                self.client.irq_error(flags, count=count, fds=[fd]),
                errno.EINVAL)
        self.assertEqual(
            self.client.irq_error(EVENTFD | TRIGGER, fds=[fd, fd]),
            errno.EINVAL)
        for action in (MASK, UNMASK):
            self.assertEqual(
                self.client.irq_error(EVENTFD | action, fds=[fd]),
                errno.ENOTSUP)

    def test_only_an_eventfd(self):
        """A write to anything else could block."""
        pipe = os.pipe()
        ours, theirs = socket.socketpair()
        null = os.open("/dev/null", os.O_RDWR)
        for fd in (*pipe, null, ours.fileno(), theirs.fileno()):
            self.assertEqual(
                self.client.irq_error(EVENTFD | TRIGGER, fds=[fd]),
                errno.EINVAL)
        ours.close()
        theirs.close()
        for fd in (*pipe, null):
            os.close(fd)

    def test_a_full_eventfd(self):
        fd = self.listen(EDGE)
        full = (1 << 64) - 2
        os.write(fd, full.to_bytes(8, "little"))
        self.up(EDGE)
        self.assertEqual(events(fd), full)
        self.up(EDGE)
        self.assertEqual(events(fd), 1)


class Misuse(LineCase):
    def test_a_line_that_is_not_there(self):
        for call in (self.device.raise_line, self.device.lower_line):
            with self.assertRaises(IndexError):
                self.in_loop(call, 2)
