# SPDX-License-Identifier: GPL-2.0-or-later
"""What the module answers to each command, byte by byte."""

import errno
import json
import mmap
import os
import struct
import traceback

from client import (Case, DMA_READ, ERROR, FEATURE, GET_INFO, IO_FDS,
                    IRQ_INFO, MIG_READ, NO_REPLY, READ, REGION_INFO, RESET,
                    VERSION, WRITE, WRITE_MULTI, eventfd)
from platypus_device import Device, Doorbell, Line, Region, Reject

PAGE = mmap.PAGESIZE


class Plain(Device):
    """Says what it was asked."""

    regions = [Region(0x1000), Region(0x100, writable=False),
               Region(0x100, readable=False)]
    lines = [Line(), Line(edge=True)]

    def __init__(self):
        self.calls = []

    def read(self, region, offset, size):
        self.calls.append(("read", region, offset, size))
        if offset == 0xbad:
            raise Reject
        if offset == 0xdead:
            raise RuntimeError("broken")
        return 0x8877665544332211 + offset

    def write(self, region, offset, size, value):
        self.calls.append(("write", region, offset, size, value))
        if offset == 0xba0:
            raise Reject
        if offset == 0xde0:
            raise ValueError("broken")


class Resettable(Plain):
    def reset(self):
        self.calls.append("reset")


class Mapped(Device):
    regions = [Region(4 * PAGE, areas=[(PAGE, PAGE), (3 * PAGE, PAGE)]),
               Region(2 * PAGE, areas=[(0, 2 * PAGE)], writable=False),
               Region(8)]

    def __init__(self):
        self.calls = []

    def read(self, region, offset, size):
        self.calls.append((offset, size))
        return 0xa5

    def write(self, region, offset, size, value):
        self.calls.append((offset, size, value))


class Versions(Case):
    def negotiate(self, payload):
        client = self.attach(self.adopt(Plain()))
        return client, client.ask(VERSION, payload)

    def test_version(self):
        text = b'{"capabilities":{"max_msg_fds":8,"of the future":[1]}}\0'
        _, reply = self.negotiate(struct.pack("=HH", 0, 2) + text)
        self.assertEqual(reply.flags & ERROR, 0)
        self.assertEqual(struct.unpack("=HH", reply.payload[:4]), (0, 2))
        self.assertEqual(json.loads(reply.payload[4:-1]), {"capabilities": {
            "max_msg_fds": 1, "max_data_xfer_size": 1 << 20,
            "max_dma_maps": 65535, "pgsizes": 4096, "write_multiple": True}})
        self.assertEqual(reply.fds, [])

    def test_minor_is_the_lesser(self):
        for theirs, minor in ((0, 0), (1, 1), (2, 2), (77, 2)):
            with self.subTest(theirs):
                _, reply = self.negotiate(struct.pack("=HH", 0, theirs))
                self.assertEqual(
                    struct.unpack_from("=HH", reply.payload), (0, minor))

    def test_refused_and_closed(self):
        good = struct.pack("=HH", 0, 2)
        for payload in (b"", b"\0", struct.pack("=HH", 1, 0),
                        good + b'{"capabilities":{}}', good + b"{\0",
                        good + b"[]\0", good + b"\xff\0", good + b"7\0",
                        good + b'{"capabilities":7}\0',
                        good + b'{"capabilities":{"twin_socket":7}}\0',
                        good + b'{"capabilities":{"max_msg_fds":-1}}\0',
                        good + b'{"capabilities":{"max_msg_fds":"1"}}\0',
                        good + b'{"capabilities":{"max_msg_fds":true}}\0',
                        good + b'{"capabilities":{"max_msg_fds":1.5}}\0',
                        good + b'{"capabilities":'
                               b'{"max_data_xfer_size":0}}\0',
                        good + b"[" * 60000 + b"\0",
                        good + b'{"a":' * 9000 + b"\0",
                        good + b" " * 70000 + b"{}\0"):
            with self.subTest(payload[:80]):
                client, reply = self.negotiate(payload)
                self.assertEqual((reply.flags, reply.error, reply.size),
                                 (0x21, errno.EINVAL, 16))
                self.assertTrue(client.is_closed())

    def test_another_command_first(self):
        client = self.attach(self.adopt(Plain()))
        self.assertEqual(client.error(RESET), errno.EINVAL)
        self.assertTrue(client.is_closed())

    def test_without_reply(self):
        client = self.attach(self.adopt(Plain()))
        client.send(VERSION, struct.pack("=HH", 0, 2), flags=NO_REPLY)
        self.assertTrue(client.is_closed())

    def test_twice(self):
        client = self.serve(Plain())
        self.assertEqual(client.error(VERSION, struct.pack("=HH", 0, 2)),
                         errno.EINVAL)
        client.do(GET_INFO, struct.pack("=IIII", 16, 0, 0, 0))

    def test_twin_is_for_who_can_have_it(self):
        for caps, has in (({"twin_socket": {"supported": True}}, True),
                          ({"twin_socket": {"supported": False}}, False),
                          ({"twin_socket": {}}, False),
                          ({"twin_socket": {"supported": True},
                            "max_msg_fds": 0}, False)):
            with self.subTest(caps):
                client = self.serve(Plain(), caps)
                self.assertEqual(client.twin is not None, has)


class Infos(Case):
    def test_device(self):
        for device, flags in ((Plain(), 4), (Resettable(), 5)):
            client = self.serve(device)
            reply = client.do(GET_INFO, struct.pack("=IIII", 16, 0, 0, 0))
            self.assertEqual(reply.unpack("=IIII"), (16, flags, 3, 2))
            reply = client.do(GET_INFO, struct.pack("=IIII", 99, 0, 0, 0))
            self.assertEqual(reply.unpack("=IIII"), (16, flags, 3, 2))
            reply = client.do(GET_INFO, struct.pack("=IIIII", 20, 0, 0, 0, 1))
            self.assertEqual(reply.unpack("=IIII"), (16, flags, 3, 2))
            for payload in (struct.pack("=IIII", 15, 0, 0, 0), b"",
                            struct.pack("=III", 16, 0, 0)):
                self.assertEqual(client.error(GET_INFO, payload),
                                 errno.EINVAL)

    def test_lines(self):
        client = self.serve(Plain())
        for index, flags in ((0, 7), (1, 1)):
            reply = client.do(IRQ_INFO, struct.pack("=IIII", 16, 0, index, 0))
            self.assertEqual(reply.unpack("=IIII"), (16, flags, index, 1))
        for payload in (struct.pack("=IIII", 16, 0, 2, 0),
                        struct.pack("=IIII", 15, 0, 0, 0), b"1234"):
            self.assertEqual(client.error(IRQ_INFO, payload), errno.EINVAL)

    def region(self, client, index, argsz=32):
        reply = client.do(REGION_INFO, struct.pack("=IIIIQQ", argsz, 0, index,
                                                   0, 0, 0))
        return reply, struct.unpack_from("=IIIIQQ", reply.payload)

    def test_regions_without_memory(self):
        client = self.serve(Plain())
        for index, flags, size in ((0, 3, 0x1000), (1, 1, 0x100),
                                   (2, 2, 0x100)):
            reply, info = self.region(client, index)
            self.assertEqual(info, (32, flags, index, 0, size, 0))
            self.assertEqual((reply.size, reply.fds), (48, []))
        for argsz, index in ((31, 0), (32, 3), (32, 0xffffffff)):
            self.assertEqual(client.error(REGION_INFO, struct.pack(
                "=IIIIQQ", argsz, 0, index, 0, 0, 0)), errno.EINVAL)

    def test_areas_come_when_there_is_room(self):
        client = self.serve(Mapped())
        reply, info = self.region(client, 0)
        self.assertEqual(info, (80, 15, 0, 0, 4 * PAGE, 0))
        self.assertEqual((reply.size, reply.fds), (48, []))
        reply, info = self.region(client, 0, 79)
        self.assertEqual((reply.size, reply.fds), (48, []))
        reply, info = self.region(client, 0, 80)
        self.assertEqual(info, (80, 15, 0, 32, 4 * PAGE, 0))
        self.assertEqual(
            struct.unpack("=HHIIIQQQQ", reply.payload[32:]),
            (1, 1, 0, 2, 0, PAGE, PAGE, 3 * PAGE, PAGE))
        self.assertEqual(len(reply.fds), 1)

    def test_a_whole_region_needs_no_list(self):
        device = Mapped()
        client = self.serve(device)
        reply, info = self.region(client, 1)
        self.assertEqual(info, (32, 5, 1, 0, 2 * PAGE, 0))
        self.in_loop(device.memory(1).__setitem__, slice(0, 4), b"fish")
        with mmap.mmap(reply.fds[0], 2 * PAGE, prot=mmap.PROT_READ) as seen:
            self.assertEqual(seen[:4], b"fish")
        # It may not write to what it may not write to.
        with self.assertRaises(PermissionError):
            mmap.mmap(reply.fds[0], PAGE, prot=mmap.PROT_WRITE)

    def test_a_client_that_takes_no_descriptors(self):
        device = Mapped()
        client = self.serve(device, {"max_msg_fds": 0})
        reply, info = self.region(client, 0, 80)
        self.assertEqual(info, (32, 3, 0, 0, 4 * PAGE, 0))
        self.assertEqual((reply.size, reply.fds), (48, []))
        client.write(0, PAGE, b"duck")
        self.assertEqual(client.read(0, PAGE, 4), b"duck")

    def test_memory_cannot_be_cut(self):
        client = self.serve(Mapped())
        reply, _ = self.region(client, 0, 80)
        for size in (0, 5 * PAGE):
            with self.assertRaises(PermissionError):
                os.truncate(reply.fds[0], size)

    def test_memory_is_shared(self):
        device = Mapped()
        client = self.serve(device)
        reply, _ = self.region(client, 0, 80)
        with mmap.mmap(reply.fds[0], 4 * PAGE) as seen:
            seen[PAGE:PAGE + 4] = b"duck"
            self.assertEqual(
                self.in_loop(lambda: bytes(device.memory()[PAGE:PAGE + 4])),
                b"duck")
        # And it is read and written by message, without the model.
        self.assertEqual(client.read(0, PAGE, 4), b"duck")
        client.write(0, 4 * PAGE - 4, b"bill")
        self.assertEqual(client.read(0, 4 * PAGE - 4, 4), b"bill")
        self.assertEqual(device.calls, [])

    def test_access_across_areas(self):
        device = Mapped()
        client = self.serve(device)
        client.write(0, PAGE, b"m" * PAGE)
        self.assertEqual(client.read(0, PAGE - 2, PAGE + 3),
                         b"\xa5\0" + b"m" * PAGE + b"\xa5")
        self.assertEqual(device.calls, [(PAGE - 2, 2), (2 * PAGE, 1)])
        device.calls.clear()
        client.write(0, 2 * PAGE - 1, b"abcde")
        self.assertEqual(device.calls,
                         [(2 * PAGE, 4, int.from_bytes(b"bcde", "little"))])
        self.assertEqual(client.read(0, 2 * PAGE - 1, 1), b"a")
        self.assertEqual(len(client.read(0, 0, 4 * PAGE)), 4 * PAGE)

    def test_no_memory(self):
        device = Mapped()
        self.serve(device)
        with self.assertRaises(ValueError):
            device.memory(2)


class Accesses(Case):
    def test_sizes(self):
        device = Plain()
        client = self.serve(device)
        word = struct.pack("<Q", 0x8877665544332211)
        for size in (1, 2, 4, 8):
            self.assertEqual(client.read(0, 0, size), word[:size])
            client.write(0, 8, word[:size])
        self.assertEqual(device.calls, [
            ("read", 0, 0, 1), ("write", 0, 8, 1, 0x11),
            ("read", 0, 0, 2), ("write", 0, 8, 2, 0x2211),
            ("read", 0, 0, 4), ("write", 0, 8, 4, 0x44332211),
            ("read", 0, 0, 8), ("write", 0, 8, 8, 0x8877665544332211)])

    def test_natural_pieces(self):
        device = Plain()
        client = self.serve(device)
        for offset, count, pieces in (
                (1, 2, [(1, 1), (2, 1)]), (4, 8, [(4, 4), (8, 4)]),
                (0, 3, [(0, 2), (2, 1)]), (7, 10, [(7, 1), (8, 8), (16, 1)]),
                (0xff9, 7, [(0xff9, 1), (0xffa, 2), (0xffc, 4)])):
            device.calls.clear()
            client.read(0, offset, count)
            self.assertEqual(device.calls,
                             [("read", 0, at, size) for at, size in pieces])
        device.calls.clear()
        client.write(0, 3, b"\1\2\3")
        self.assertEqual(device.calls, [("write", 0, 3, 1, 1),
                                        ("write", 0, 4, 2, 0x302)])

    def test_nothing_at_all(self):
        device = Plain()
        client = self.serve(device)
        self.assertEqual(client.read(0, 0x1000, 0), b"")
        client.write(0, 0, b"")
        self.assertEqual(device.calls, [])

    def test_outside(self):
        client = self.serve(Plain())
        for offset, region, count in (
                (0x1000, 0, 1), (0xffd, 0, 4), (1 << 63, 0, 4),
                ((1 << 64) - 2, 0, 4), (0, 3, 4), (0, 0xffffffff, 4),
                (0, 0, 0xffffffff), (0, 1, 0x101)):
            request = struct.pack("=QII", offset, region, count)
            self.assertEqual(client.error(READ, request), errno.EINVAL)
            if count < 0x1000:
                self.assertEqual(client.error(WRITE, request + bytes(count)),
                                 errno.EINVAL)

    def test_wrong_lengths(self):
        client = self.serve(Plain())
        head = struct.pack("=QII", 0, 0, 4)
        for payload in (b"", head[:15]):
            self.assertEqual(client.error(READ, payload), errno.EINVAL)
        for payload in (b"", head[:15], head, head + b"123", head + b"12345"):
            self.assertEqual(client.error(WRITE, payload), errno.EINVAL)

    def test_read_only_and_write_only(self):
        device = Plain()
        client = self.serve(device)
        self.assertEqual(client.error(WRITE, struct.pack(
            "=QIII", 0, 1, 4, 0)), errno.EACCES)
        self.assertEqual(client.error(READ, struct.pack(
            "=QII", 0, 2, 4)), errno.EACCES)
        self.assertEqual(device.calls, [])

    def test_no_such_register(self):
        client = self.serve(Plain())
        self.assertEqual(client.read(0, 0xbac, 4),
                         struct.pack("<I", 0x44332211 + 0xbac))
        self.assertEqual(client.read(0, 0xbad, 1), b"\xff")
        # Of several pieces it is the one.
        self.assertEqual(client.read(0, 0xbad, 3),
                         b"\xff" + struct.pack("<H", 0x2211 + 0xbae))
        client.write(0, 0xba0, b"1234")
        self.assertEqual(self.errors(), [])

    def test_a_device_without_methods(self):
        class Bare(Device):
            regions = [Region(8)]

        client = self.serve(Bare())
        self.assertEqual(client.read(0, 0, 8), b"\xff" * 8)
        client.write(0, 0, b"1234")

    def test_a_broken_model(self):
        class Broken(Plain):
            regions = [Region(0x10000)]

        client = self.serve(Broken())
        for _ in range(3):
            self.assertEqual(client.error(READ, struct.pack(
                "=QII", 0xdead, 0, 1)), errno.EIO)
        # The same again is not told again.
        self.assertEqual(self.errors(), [
            "Broken: read of 1 bytes at 0xdead of region 0 failed"])
        self.assertEqual(client.error(WRITE, struct.pack(
            "=QIII", 0xde0, 0, 4, 1)), errno.EIO)
        # What is told begins with the model, not with who called it.
        record = self.logged[-1]
        frames = traceback.extract_tb(record.exc_info[2])
        self.assertEqual((frames[0].filename, frames[0].name),
                         (__file__, "write"))
        self.assertEqual(self.errors(), [
            "Broken: write of 4 bytes at 0xde0 of region 0 failed"])
        client.read(0, 0, 4)

    def test_what_is_no_number(self):
        class Strange(Plain):
            def read(self, region, offset, size):
                return [None, "7", 1.5, -1][offset // 8]

        client = self.serve(Strange())
        for offset in (0, 8, 16):
            self.assertEqual(client.error(READ, struct.pack(
                "=QII", offset, 0, 4)), errno.EIO)
        self.assertEqual(client.read(0, 24, 4), b"\xff" * 4)

    def test_posted(self):
        device = Plain()
        client = self.serve(device)
        client.send(WRITE, struct.pack("=QIII", 4, 0, 4, 7), flags=NO_REPLY)
        client.send(WRITE, struct.pack("=QIII", 0xba0, 0, 4, 7),
                    flags=NO_REPLY)
        client.send(99, flags=NO_REPLY)
        client.read(0, 0, 4)
        self.assertEqual(device.calls, [
            ("write", 0, 4, 4, 7), ("write", 0, 0xba0, 4, 7),
            ("read", 0, 0, 4)])

    def test_several_in_one(self):
        device = Plain()
        client = self.serve(device)
        request = struct.pack("=Q" + "QII8s" * 3, 3,
                              4, 0, 4, struct.pack("<Q", 0x0102030405060708),
                              8, 0, 1, b"\xff\2",
                              16, 2, 8, b"\1")
        reply = client.do(WRITE_MULTI, request)
        self.assertEqual(reply.unpack("=Q"), (3,))
        self.assertEqual(device.calls, [
            ("write", 0, 4, 4, 0x05060708), ("write", 0, 8, 1, 0xff),
            ("write", 2, 16, 8, 1)])
        self.assertEqual(client.do(WRITE_MULTI, bytes(8)).unpack("=Q"), (0,))

    def test_several_of_which_some_fail(self):
        device = Plain()
        client = self.serve(device)
        writes = [(0xde0, 0), (0, 1), (0xba0, 0), (8, 0)]
        reply = client.do(WRITE_MULTI, struct.pack("=Q", 4) + b"".join(
            struct.pack("=QII8s", offset, region, 4, b"\5")
            for offset, region in writes))
        self.assertEqual(reply.unpack("=Q"), (2,))
        self.assertEqual(device.calls[-1], ("write", 0, 8, 4, 5))
        # Nor do others suffer from one that is too long or nowhere.
        writes = [(0, 0, 9), (0, 3, 4), (1 << 40, 0, 4), (8, 0, 2)]
        reply = client.do(WRITE_MULTI, struct.pack("=Q", 4) + b"".join(
            struct.pack("=QII8s", offset, region, count, b"\6")
            for offset, region, count in writes))
        self.assertEqual(reply.unpack("=Q"), (1,))
        self.assertEqual(device.calls[-1], ("write", 0, 8, 2, 6))

    def test_several_that_are_wrong(self):
        device = Plain()
        client = self.serve(device)
        good = struct.pack("=QII8s", 0, 0, 4, b"")
        for payload in (b"", bytes(7), struct.pack("=Q", 1),
                        struct.pack("=Q", 1) + good + b"x",
                        struct.pack("=Q", 2) + good,
                        struct.pack("=Q", (1 << 64) // 24 + 1) + good):
            self.assertEqual(client.error(WRITE_MULTI, payload), errno.EINVAL)
        self.assertEqual(device.calls, [])

    def test_pipelined(self):
        client = self.serve(Plain())
        idents = [client.send(READ, struct.pack("=QII", 8 * i, 0, 8))
                  for i in range(50)]
        for i, ident in enumerate(idents):
            reply = client.receive()
            self.assertEqual(reply.id, ident)
            self.assertEqual(reply.payload[16:], struct.pack(
                "<Q", 0x8877665544332211 + 8 * i))


class Others(Case):
    def test_reset(self):
        device = Resettable()
        client = self.serve(device)
        self.assertEqual(client.do(RESET).payload, b"")
        self.assertEqual(device.calls, ["reset"])
        self.assertEqual(client.error(RESET, b"1"), errno.EINVAL)
        self.assertEqual(self.serve(Plain()).error(RESET), errno.ENOTSUP)

    def test_unknown_commands(self):
        client = self.serve(Plain())
        for command in (0, DMA_READ, 14, FEATURE, MIG_READ, 18, 19, 0xffff):
            self.assertEqual(client.error(command, bytes(16)), errno.ENOTSUP)

    def test_flags(self):
        client = self.serve(Plain())
        for flags in (2, 0xf, 0x20, 0x40, 1 << 31):
            self.assertEqual(client.error(READ, struct.pack(
                "=QII", 0, 0, 4), flags=flags), errno.EINVAL)

    def test_a_reply_to_nothing(self):
        client = self.serve(Plain())
        client.send(READ, b"anything", flags=1)
        client.read(0, 0, 4)

    def test_descriptors_that_nobody_asked_for(self):
        client = self.serve(Plain())
        fd = self.close_later(eventfd())
        self.assertEqual(client.error(RESET, b"", [fd]), errno.EINVAL)
        self.assertEqual(client.error(READ, struct.pack(
            "=QII", 0, 0, 4), [fd] * 5), errno.EINVAL)


class Declarations(Case):
    def test_bad_regions(self):
        for arguments in (
                {"size": 0}, {"size": -4096},
                {"size": PAGE, "areas": [(0, 1)]},
                {"size": PAGE, "areas": [(0, 0)]},
                {"size": PAGE, "areas": [(1, PAGE)]},
                {"size": PAGE, "areas": [(0, 2 * PAGE)]},
                {"size": 2 * PAGE, "areas": [(PAGE, PAGE), (0, PAGE)]},
                {"size": 2 * PAGE, "areas": [(0, 2 * PAGE), (PAGE, PAGE)]},
                {"size": PAGE, "areas": [(-PAGE, PAGE)]},
                {"size": 8, "doorbells": [Doorbell(8)]},
                {"size": 8, "doorbells": [Doorbell(-1)]},
                {"size": 8, "doorbells": [Doorbell(6, size=4)]},
                {"size": 8, "doorbells": [Doorbell(0, size=3)]},
                {"size": PAGE, "areas": [(0, PAGE)],
                 "doorbells": [Doorbell(4)]}):
            with self.subTest(arguments), self.assertRaises(ValueError):
                Region(**arguments)


class Bells(Case):
    class Bell(Device):
        regions = [Region(16), Region(64, doorbells=[
            Doorbell(0), Doorbell(8, size=4)])]

        def __init__(self):
            self.calls = []

        def ring(self, region, offset):
            self.calls.append((region, offset))
            if len(self.calls) == 3:
                raise RuntimeError("broken")

        def write(self, region, offset, size, value):
            self.calls.append((region, offset, size, value))

    def test_by_message(self):
        device = self.Bell()
        client = self.serve(device)
        client.write(1, 0, b"\1\2")
        client.write(1, 8, b"\1\2\3\4")
        client.write(1, 8, b"\1")
        client.write(1, 4, b"\1")
        self.assertEqual(device.calls, [(1, 0), (1, 8), (1, 8, 1, 1),
                                        (1, 4, 1, 1)])

    def ask(self, client, region, argsz):
        return client.do(IO_FDS, struct.pack("=IIII", argsz, 0, region, 0))

    def test_descriptors(self):
        device = self.Bell()
        client = self.serve(device, {"max_msg_fds": 8})
        if not hasattr(os, "eventfd"):  # Python 3.9: by message only
            self.assertEqual(self.ask(client, 1, 999).unpack("=IIII"),
                             (16, 0, 1, 0))
            return
        self.assertEqual(self.ask(client, 0, 16).unpack("=IIII"),
                         (16, 0, 0, 0))
        for argsz in (16, 95):
            reply = self.ask(client, 1, argsz)
            self.assertEqual(reply.unpack("=IIII"), (96, 0, 1, 2))
            self.assertEqual(reply.fds, [])
        reply = self.ask(client, 1, 96)
        self.assertEqual(reply.unpack("=IIII" + "QQIIIIQ" * 2), (
            96, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 8, 4, 1, 0, 0, 0, 0))
        self.assertEqual(len(reply.fds), 2)
        # What was written before the bell rings comes before.
        client.send(WRITE, struct.pack("=QII", 4, 0, 1) + b"\7",
                    flags=NO_REPLY)
        os.eventfd_write(reply.fds[1], 3)
        self.wait_for(client, device, 2)
        self.assertEqual(device.calls, [(0, 4, 1, 7), (1, 8)])
        # One that fails rings again.
        os.eventfd_write(reply.fds[0], 1)
        self.wait_for(client, device, 3)
        os.eventfd_write(reply.fds[0], 1)
        self.wait_for(client, device, 4)
        self.assertEqual(self.errors(),
                         ["Bell: doorbell at 0x0 of region 1 failed"])

    def test_one_that_the_client_has_silenced(self):
        device = self.Bell()
        client = self.serve(device)
        if hasattr(os, "eventfd"):
            fd = self.ask(client, 1, 999).fds[0]

            def ring_and_silence():
                os.eventfd_write(fd, 1)
                key = self.loop._watches[device._bells[1][0][1]]
                os.eventfd_read(fd)
                key.callback(key.fd, 1)

            self.in_loop(ring_and_silence)
            self.assertEqual((device.calls, self.errors()), ([], []))

    def wait_for(self, client, device, count):
        for _ in range(10000):
            if len(device.calls) >= count:
                return
            client.do(GET_INFO, struct.pack("=IIII", 16, 0, 0, 0))
        self.fail("the bell does not ring")

    def test_no_more_than_the_client_can_take(self):
        if hasattr(os, "eventfd"):
            client = self.serve(self.Bell())
            reply = self.ask(client, 1, 999)
            self.assertEqual(reply.unpack("=IIII" + "QQIIIIQ")[3], 1)
            self.assertEqual(len(reply.fds), 1)

    def test_wrong_requests(self):
        client = self.serve(self.Bell())
        for payload in (struct.pack("=IIII", 15, 0, 1, 0),
                        struct.pack("=IIII", 16, 1, 1, 0),
                        struct.pack("=IIII", 16, 0, 2, 0), b"", bytes(20),
                        struct.pack("=III", 16, 0, 1)):
            self.assertEqual(client.error(IO_FDS, payload), errno.EINVAL)
