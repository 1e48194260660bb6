# SPDX-License-Identifier: GPL-2.0-or-later
"""Guest memory: shared, asked for, and taken away."""

import errno
import fcntl
import os
import struct
import types
import unittest.mock

from client import (Case, DMA_MAP, DMA_READ, DMA_UNMAP, DMA_WRITE, ERROR,
                    GET_INFO, NO_REPLY, READ, REPLY, RESET, WRITE, eventfd,
                    memory)
from platypus_device import Device, Region

PAGE = 4096


class Dma(Device):
    """Reads and writes guest memory when its register is written."""

    regions = [Region(0x100)]

    def __init__(self):
        self.job = None
        self.result = None
        self.writes = []

    def do(self):
        try:
            self.result = self.job()
        except OSError as error:
            self.result = error

    def write(self, region, offset, size, value):
        self.writes.append(value)
        if offset == 0:
            self.do()

    def read(self, region, offset, size):
        return 0x55


class DmaCase(Case):
    def start(self, caps=None):
        self.device = Dma()
        self.client = self.serve(self.device, caps)

    def read_in_loop(self, iova, size):
        return self.in_loop(self.device.dma_read, iova, size)

    def write_in_loop(self, iova, data):
        return self.in_loop(self.device.dma_write, iova, data)

    def expect_errno(self, number, call, *args):
        with self.assertRaises(OSError) as caught:
            self.in_loop(call, *args)
        self.assertEqual(caught.exception.errno, number)

    def share(self, iova, size, flags=3, offset=0, **other):
        fd = self.close_later(memory(offset + size, **other))
        self.client.map(iova, size, flags, fd, offset)
        return fd

    def unmap(self, iova, size):
        request = struct.pack("=IIQQ", 24, 0, iova, size)
        self.assertEqual(self.client.do(DMA_UNMAP, request).payload, request)


class Shared(DmaCase):
    def test_both_ways(self):
        self.start()
        fd = self.share(0x10000, 4 * PAGE, offset=2 * PAGE)
        os.pwrite(fd, b"from the guest", 3 * PAGE - 4)
        self.assertEqual(self.read_in_loop(0x10000 + PAGE - 4, 14),
                         b"from the guest")
        self.write_in_loop(0x10000 + 3 * PAGE, bytearray(b"to the guest"))
        self.assertEqual(os.pread(fd, 12, 5 * PAGE), b"to the guest")
        self.assertEqual(self.read_in_loop(0x10000, 0), b"")

    def test_across_windows(self):
        self.start()
        low = self.share(0x10000, PAGE)
        high = self.share(0x11000, PAGE)
        self.write_in_loop(0x11000 - 3, b"abcdef")
        self.assertEqual(os.pread(low, 3, PAGE - 3), b"abc")
        self.assertEqual(os.pread(high, 3, 0), b"def")
        self.assertEqual(self.read_in_loop(0x11000 - 3, 6), b"abcdef")

    def test_what_is_not_mapped(self):
        self.start()
        self.expect_errno(errno.EFAULT, self.device.dma_read, 0, 4)
        fd = self.share(0x10000, PAGE)
        self.share(0x12000, PAGE)
        for iova, size in ((0xffff, 1), (0xfffe, 4), (0x10ffe, 4),
                           (0x10000, 3 * PAGE), (0x13000, 1),
                           ((1 << 64) - 1, 4), (0x10000, 1 << 60)):
            self.expect_errno(errno.EFAULT, self.device.dma_read, iova, size)
        for iova, size in ((0xfffe, 4), (0x10000, PAGE + 1)):
            self.expect_errno(errno.EFAULT, self.device.dma_write, iova,
                              b"x" * size)
        self.assertEqual(os.pread(fd, PAGE, 0), bytes(PAGE))

    def test_one_way(self):
        self.start()
        self.share(0x10000, PAGE, flags=1)
        self.share(0x20000, PAGE, flags=2)
        self.share(0x30000, PAGE, flags=0)
        self.read_in_loop(0x10000, 4)
        self.expect_errno(errno.EFAULT, self.device.dma_write, 0x10000, b"x")
        self.write_in_loop(0x20000, b"x")
        for iova in (0x20000, 0x30000):
            self.expect_errno(errno.EFAULT, self.device.dma_read, iova, 1)

    def test_taken_away(self):
        self.start()
        self.share(0x10000, PAGE)
        self.share(0x11000, PAGE)
        self.unmap(0x10000, PAGE)
        self.expect_errno(errno.EFAULT, self.device.dma_read, 0x10000, 4)
        self.read_in_loop(0x11000, 4)
        self.share(0x10000, PAGE)
        self.read_in_loop(0x10000, 4)

    def test_the_top_of_all(self):
        self.start()
        self.share((1 << 64) - PAGE, PAGE)
        self.write_in_loop((1 << 64) - 4, b"last")
        self.assertEqual(self.read_in_loop((1 << 64) - 4, 4), b"last")
        self.unmap((1 << 64) - PAGE, PAGE)

    def test_no_client(self):
        self.start()
        self.share(0x10000, PAGE)
        self.client.close()
        self.in_loop(lambda: None)
        self.expect_errno(errno.ENOTCONN, self.device.dma_read, 0x10000, 4)
        self.client = self.attach(self.device)
        self.expect_errno(errno.ENOTCONN, self.device.dma_read, 0x10000, 4)
        self.client.version()
        self.expect_errno(errno.EFAULT, self.device.dma_read, 0x10000, 4)


class Requests(DmaCase):
    def error(self, *fields, fds=(), layout="=IIQQQ"):
        return self.client.error(DMA_MAP, struct.pack(layout, *fields), fds)

    def test_wrong_maps(self):
        self.start()
        fd = self.close_later(memory(PAGE))
        for fields in ((31, 3, 0, 0, PAGE), (32, 4, 0, 0, PAGE),
                       (32, 8, 0, 0, PAGE), (32, 3, 0, 0, 0),
                       (32, 3, 0, 1, PAGE), (32, 3, 0, 0, PAGE + 1),
                       (32, 3, 1, 0, PAGE), (32, 3, 0, -PAGE % 2 ** 64,
                                             2 * PAGE),
                       (32, 3, 0, PAGE, 2 ** 64 - PAGE + PAGE // 2)):
            self.assertEqual(self.error(*fields), errno.EINVAL, fields)
        self.assertEqual(self.error(32, 3, 0, 0, PAGE, fds=[fd, fd]),
                         errno.EINVAL)
        self.assertEqual(self.client.error(DMA_MAP, bytes(31)), errno.EINVAL)
        self.expect_errno(errno.EFAULT, self.device.dma_read, 0, 1)

    def test_overlaps(self):
        self.start()
        self.client.map(0x10000, 4 * PAGE)
        for iova, pages in ((0x10000, 4), (0x10000, 1), (0x11000, 1),
                            (0x13000, 2), (0xf000, 2), (0xf000, 9)):
            self.assertEqual(self.error(32, 3, 0, iova, pages * PAGE),
                             errno.EEXIST)
        self.client.map(0xf000, PAGE)
        self.client.map(0x14000, PAGE)

    def test_wrong_unmaps(self):
        self.start()
        self.client.map(0x10000, 4 * PAGE)
        for argsz, flags, iova, size, code in (
                (23, 0, 0x10000, 4 * PAGE, errno.EINVAL),
                (24, 1, 0x10000, 4 * PAGE, errno.EINVAL),
                (24, 0, 0x10000, PAGE, errno.ENOENT),
                (24, 0, 0x11000, PAGE, errno.ENOENT),
                (24, 0, 0xf000, 4 * PAGE, errno.ENOENT),
                (24, 0, 0, 0, errno.ENOENT)):
            self.assertEqual(self.client.error(DMA_UNMAP, struct.pack(
                "=IIQQ", argsz, flags, iova, size)), code)
        self.assertEqual(self.client.error(DMA_UNMAP, bytes(23)),
                         errno.EINVAL)
        self.unmap(0x10000, 4 * PAGE)

    def test_too_many(self):
        self.start()
        for i in range(65535):
            self.client.send(DMA_MAP, struct.pack(
                "=IIQQQ", 32, 3, 0, i * PAGE, PAGE), flags=NO_REPLY)
        self.assertEqual(self.error(32, 3, 0, 65535 * PAGE, PAGE),
                         errno.ENOSPC)
        self.unmap(77 * PAGE, PAGE)
        self.client.map(65535 * PAGE, PAGE)


class AskedCases:
    """By message; with the twin socket and without."""

    caps = None

    def wire(self):
        return self.client.twin or self.client

    def begin(self, job, **caps):
        """A write to the register, which asks for guest memory."""
        self.start({**(self.caps or {}), **caps})
        self.client.map(0x10000, 64 * PAGE)
        self.go(job)

    def go(self, job):
        self.device.job = job
        self.ident = self.client.send(
            WRITE, struct.pack("=QIII", 0, 0, 4, 1))

    def expect_end(self):
        reply = self.client.receive()
        self.assertEqual((reply.id, reply.command, reply.flags),
                         (self.ident, WRITE, REPLY))
        return self.device.result

    def expect_request(self, command, iova, count):
        request = self.wire().receive()
        self.assertEqual((request.command, request.flags, request.error),
                         (command, 0, 0))
        self.assertEqual(struct.unpack_from("=QQ", request.payload),
                         (iova, count))
        self.assertEqual(len(request.payload),
                         16 + (count if command == DMA_WRITE else 0))
        return request

    def answer(self, request, payload, flags=REPLY, **other):
        other.setdefault("ident", request.id)
        self.wire().send(request.command, payload, flags=flags, **other)

    def test_read(self):
        self.begin(lambda: self.device.dma_read(0x10004, 5))
        request = self.expect_request(DMA_READ, 0x10004, 5)
        self.answer(request, request.payload + b"guest")
        self.assertEqual(self.expect_end(), b"guest")

    def test_write(self):
        self.begin(lambda: self.device.dma_write(0x10004, b"guest"))
        request = self.expect_request(DMA_WRITE, 0x10004, 5)
        self.assertEqual(request.payload[16:], b"guest")
        self.answer(request, request.payload[:16])
        self.assertIsNone(self.expect_end())

    def test_a_short_reply_to_a_write(self):
        """As the specification has it: with half of the count."""
        self.begin(lambda: self.device.dma_write(0x10004, b"guest"))
        request = self.expect_request(DMA_WRITE, 0x10004, 5)
        self.answer(request, request.payload[:12])
        self.assertIsNone(self.expect_end())

    def test_in_pieces(self):
        self.begin(lambda: self.device.dma_read(0x10000, 2500),
                   max_data_xfer_size=1000)
        for at, count in ((0, 1000), (1000, 1000), (2000, 500)):
            request = self.expect_request(DMA_READ, 0x10000 + at, count)
            self.answer(request, request.payload + bytes([at // 1000]) * count)
        self.assertEqual(self.expect_end(),
                         b"\0" * 1000 + b"\1" * 1000 + b"\2" * 500)
        self.go(lambda: self.device.dma_write(0x10000, b"ab" * 600))
        for at, count in ((0, 1000), (1000, 200)):
            request = self.expect_request(DMA_WRITE, 0x10000 + at, count)
            self.assertEqual(request.payload[16:], b"ab" * (count // 2))
            self.answer(request, request.payload[:16])
        self.assertIsNone(self.expect_end())

    def test_partly_shared(self):
        self.begin(lambda: None)
        self.expect_end()
        fd = self.share(0x50000, PAGE)
        os.pwrite(fd, b"s" * PAGE, 0)
        self.go(lambda: self.device.dma_read(0x4f000, 2 * PAGE))
        request = self.expect_request(DMA_READ, 0x4f000, PAGE)
        self.answer(request, request.payload + b"m" * PAGE)
        self.assertEqual(self.expect_end(), b"m" * PAGE + b"s" * PAGE)
        self.go(lambda: self.device.dma_write(0x50000 - 2, b"abcd"))
        request = self.expect_request(DMA_WRITE, 0x50000 - 2, 2)
        self.assertEqual(request.payload[16:], b"ab")
        self.answer(request, request.payload[:16])
        self.assertIsNone(self.expect_end())
        self.assertEqual(os.pread(fd, 4, 0), b"cdss")

    def test_refused(self):
        self.begin(lambda: self.device.dma_read(0x10000, 4))
        request = self.expect_request(DMA_READ, 0x10000, 4)
        self.answer(request, b"", flags=REPLY | ERROR, error=errno.EPERM)
        self.assertEqual(self.expect_end().errno, errno.EPERM)
        # And it goes on. Without a reason it is EIO.
        self.go(lambda: self.device.dma_read(0x10000, 4))
        request = self.expect_request(DMA_READ, 0x10000, 4)
        self.answer(request, request.payload, flags=REPLY | ERROR)
        self.assertEqual(self.expect_end().errno, errno.EIO)
        self.test_more(lambda: self.device.dma_read(0x10000, 4))

    def test_more(self, job=None):
        if not job:
            self.begin(lambda: self.device.dma_read(0x10000, 4))
        else:
            self.go(job)
        request = self.expect_request(DMA_READ, 0x10000, 4)
        self.answer(request, request.payload + b"more")
        self.assertEqual(self.expect_end(), b"more")

    def test_other_requests_wait(self):
        self.begin(lambda: self.device.dma_read(0x10000, 4))
        request = self.expect_request(DMA_READ, 0x10000, 4)
        fd = self.close_later(memory(PAGE))
        self.client.send(WRITE, struct.pack("=QIII", 8, 0, 4, 2),
                         flags=NO_REPLY)
        self.client.send(DMA_MAP, struct.pack("=IIQQQ", 32, 3, 0, 0, PAGE),
                         [fd])
        read = self.client.send(READ, struct.pack("=QII", 0, 0, 4))
        self.answer(request, request.payload + b"late")
        self.assertEqual(self.expect_end(), b"late")
        self.assertEqual(self.client.receive().command, DMA_MAP)
        self.assertEqual(self.client.receive().id, read)
        self.assertEqual(self.device.writes, [1, 2])
        self.assertEqual(self.read_in_loop(0, 4), bytes(4))

    def test_from_a_timer(self):
        """Nobody waits for it; what comes meanwhile is served after."""
        self.start(self.caps)
        self.client.map(0x10000, PAGE)
        self.device.job = lambda: self.device.dma_read(0x10000, 4)
        self.loop.call_soon(self.device.do)
        request = self.expect_request(DMA_READ, 0x10000, 4)
        ident = self.client.send(READ, struct.pack("=QII", 0, 0, 4))
        self.answer(request, request.payload + b"time")
        self.assertEqual(self.client.receive().id, ident)
        self.assertEqual(self.device.result, b"time")

    def test_wrong_replies(self):
        """The connection is of no use any more."""
        for name, wrong in (
                ("short", lambda r: self.answer(r, r.payload + b"123")),
                ("long", lambda r: self.answer(r, r.payload + b"12345")),
                ("empty", lambda r: self.answer(r, b"")),
                ("elsewhere", lambda r: self.answer(
                    r, struct.pack("=QQ", 0x10001, 4) + b"1234")),
                ("another count", lambda r: self.answer(
                    r, struct.pack("=QQ", 0x10000, 3) + b"1234")),
                ("another command", lambda r: self.wire().send(
                    DMA_WRITE, r.payload + b"1234", flags=REPLY,
                    ident=r.id)),
                ("no size", lambda r: self.wire().send(
                    DMA_READ, r.payload, flags=REPLY, ident=r.id, size=3)),
                ("a huge one", lambda r: self.wire().send(
                    DMA_READ, r.payload, flags=REPLY, ident=r.id,
                    size=1 << 30))):
            with self.subTest(name):
                self.begin(lambda: self.device.dma_read(0x10000, 4))
                wrong(self.expect_request(DMA_READ, 0x10000, 4))
                self.assertTrue(self.client.is_closed())
                self.assertEqual(self.in_loop(
                    lambda: self.device.result.errno), errno.ENOTCONN)
                self.assertEqual(len(self.errors()), 1)

    def test_left_meanwhile(self):
        self.begin(lambda: self.device.dma_read(0x10000, 4))
        self.expect_request(DMA_READ, 0x10000, 4)
        self.client.close()
        self.assertEqual(self.in_loop(lambda: self.device.result.errno),
                         errno.ENOTCONN)
        self.expect_errno(errno.ENOTCONN, self.device.dma_read, 0x10000, 4)

    def test_left_after_a_posted_write(self):
        """What it has sent before it was lost is not served."""
        self.start(self.caps)
        self.client.map(0x10000, PAGE)
        self.device.job = lambda: self.device.dma_read(0x10000, 4)
        for _ in range(2):
            self.client.send(WRITE, struct.pack("=QIII", 0, 0, 4, 1),
                             flags=NO_REPLY)
        request = self.expect_request(DMA_READ, 0x10000, 4)
        self.answer(request, b"wrong")
        self.assertTrue(self.client.is_closed())
        self.in_loop(lambda: None)
        self.assertEqual(self.device.writes, [1])
        self.assertEqual(self.errors(), [
            "Dma: the client is lost: a wrong reply to a DMA request"])

    def test_lost_for_the_rest_of_the_callback(self):
        def twice():
            for _ in range(2):
                try:
                    self.device.dma_read(0x10000, 4)
                except OSError as error:
                    last = error.errno
            return last

        self.begin(twice)
        self.expect_request(DMA_READ, 0x10000, 4)
        self.client.close()
        self.assertEqual(self.in_loop(lambda: self.device.result),
                         errno.ENOTCONN)

    def test_no_reply_in_time(self):
        self.begin(lambda: None)
        self.expect_end()
        self.device.dma_timeout = 0.05
        self.go(lambda: self.device.dma_read(0x10000, 4))
        late = self.expect_request(DMA_READ, 0x10000, 4)
        self.assertEqual(self.expect_end().errno, errno.ETIMEDOUT)
        # It comes after all, and means nothing.
        self.answer(late, late.payload + b"late")
        self.device.dma_timeout = 20
        self.test_more(lambda: self.device.dma_read(0x10000, 4))

    def test_a_client_that_does_not_read(self):
        self.start(self.caps)
        self.client.map(0, 1 << 20)
        self.device.dma_timeout = 0.05
        self.go(lambda: self.device.dma_write(0, bytes(1 << 20)))
        self.assertEqual(self.in_loop(lambda: self.device.result.errno),
                         errno.ENOTCONN)

    def test_a_flood_meanwhile(self):
        for name, payload in (("many", b""), ("large", bytes(1 << 20))):
            with self.subTest(name):
                self.begin(lambda: self.device.dma_read(0x10000, 4))
                self.expect_request(DMA_READ, 0x10000, 4)
                with self.assertRaises(OSError):
                    for _ in range(1 << 20):
                        self.wire_flood(payload)
                self.assertEqual(self.in_loop(
                    lambda: self.device.result.errno), errno.ENOTCONN)
                self.client.close()

    def wire_flood(self, payload):
        self.wire().send(WRITE, payload, flags=NO_REPLY)

    def test_a_flood_of_descriptors(self):
        self.begin(lambda: self.device.dma_read(0x10000, 4))
        self.expect_request(DMA_READ, 0x10000, 4)
        fd = self.close_later(eventfd())
        with self.assertRaises(OSError):
            for _ in range(1000):
                self.wire().send(RESET, b"", [fd], flags=NO_REPLY)
        self.assertEqual(self.in_loop(lambda: self.device.result.errno),
                         errno.ENOTCONN)


class AskedOnTheSocket(AskedCases, DmaCase):
    pass


class AskedOnTheTwin(AskedCases, DmaCase):
    caps = {"twin_socket": {"supported": True}}

    def test_other_requests_wait_there(self):
        """They are not even read."""
        self.begin(lambda: self.device.dma_read(0x10000, 4))
        request = self.expect_request(DMA_READ, 0x10000, 4)
        ident = self.client.send(GET_INFO, struct.pack("=IIII", 16, 0, 0, 0))
        self.answer(request, request.payload + b"twin")
        self.assertEqual(self.expect_end(), b"twin")
        self.assertEqual(self.client.receive().id, ident)

    def test_the_other_socket_alone_is_closed(self):
        self.begin(lambda: self.device.dma_read(0x10000, 4))
        self.expect_request(DMA_READ, 0x10000, 4)
        self.client.sock.close()
        self.assertEqual(self.in_loop(lambda: self.device.result.errno),
                         errno.ENOTCONN)

    def test_the_twin_alone_is_closed(self):
        self.begin(lambda: self.device.dma_read(0x10000, 4))
        self.expect_request(DMA_READ, 0x10000, 4)
        self.client.twin.close()
        self.assertTrue(self.client.is_closed())


class NotShared(DmaCase):
    """What cannot be mapped safely is asked for."""

    def asked(self, fd, flags=3, size=PAGE, offset=0):
        self.start()
        self.client.map(0x10000, size, flags, fd, offset)
        self.device.job = lambda: self.device.dma_read(0x10000, 4)
        self.client.send(WRITE, struct.pack("=QIII", 0, 0, 4, 1))
        request = self.client.receive()
        self.assertEqual(request.command, DMA_READ)
        self.client.send(DMA_READ, request.payload + b"asks", flags=REPLY,
                         ident=request.id)
        self.assertEqual(self.client.receive().command, WRITE)
        self.assertEqual(self.device.result, b"asks")
        self.assertEqual(len(self.errors()), 1)

    def test_not_sealed(self):
        self.asked(self.close_later(memory(PAGE, seals=0)))

    def test_sealed_but_for_that(self):
        self.asked(self.close_later(memory(PAGE, fcntl.F_SEAL_GROW)))

    def test_too_short(self):
        fd = self.close_later(memory(PAGE))
        self.asked(fd, size=2 * PAGE)
        self.asked(fd, offset=PAGE)
        self.asked(fd, offset=2 ** 64 - PAGE)

    def test_huge_pages(self):
        statistics = types.SimpleNamespace(f_bsize=2 << 20)
        with unittest.mock.patch("os.fstatvfs", lambda fd: statistics):
            self.asked(self.close_later(memory(PAGE)))

    def test_no_memory_at_all(self):
        self.asked(self.close_later(eventfd()))

    def test_read_only(self):
        fd = self.close_later(memory(PAGE))
        read_only = self.close_later(
            os.open(f"/proc/self/fd/{fd}", os.O_RDONLY))
        self.asked(read_only)

    def test_read_only_where_that_will_do(self):
        self.start()
        fd = self.close_later(memory(PAGE))
        read_only = self.close_later(
            os.open(f"/proc/self/fd/{fd}", os.O_RDONLY))
        os.pwrite(fd, b"here", 0)
        self.client.map(0x10000, PAGE, 1, read_only)
        self.assertEqual(self.read_in_loop(0x10000, 4), b"here")


class Mapping(DmaCase):
    def test_nothing_is_left_mapped(self):
        self.start()
        for _ in range(3):
            self.share(0x10000, 64 * PAGE)
            self.unmap(0x10000, 64 * PAGE)
        with open("/proc/self/maps") as maps:
            self.assertEqual(
                [line for line in maps if "memfd:test" in line], [])
