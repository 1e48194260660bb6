# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients that are cut off, lie, or send what comes to mind."""

import mmap
import os
import random
import struct

from client import (Case, DMA_MAP, DMA_UNMAP, EVENTFD, GET_INFO, IO_FDS,
                    IRQ_INFO, MASK, NONE, READ, REGION_INFO, RESET, SET_IRQS,
                    TRIGGER, UNMASK, VERSION, WRITE, WRITE_MULTI, eventfd,
                    irq_set, memory)
from platypus_device import Device, Doorbell, Line, Region

PAGE = mmap.PAGESIZE


class Victim(Device):
    regions = [Region(3 * PAGE, areas=[(PAGE, PAGE)],
                      doorbells=[Doorbell(8)]), Region(16)]
    lines = [Line(), Line(edge=True)]
    dma_timeout = 0.01

    def read(self, region, offset, size):
        self.raise_line(offset // 4 % 2)
        return self.dma(lambda: self.dma_read(0x1000, 3))

    def write(self, region, offset, size, value):
        self.lower_line(0)
        self.dma(lambda: self.dma_write(value, b"xyz"))

    def dma(self, call):
        try:
            call()
        except OSError:
            pass
        return 1

    def reset(self):
        pass


def message(command, payload=b"", flags=0, size=None):
    return struct.pack("=HHIII", 7, command,
                       16 + len(payload) if size is None else size, flags,
                       0) + payload


HELLO = message(VERSION, struct.pack("=HH", 0, 2)
                + b'{"capabilities":{"twin_socket":{"supported":true}}}\0')

SESSION = [
    HELLO,
    message(GET_INFO, struct.pack("=IIII", 16, 0, 0, 0)),
    message(REGION_INFO, struct.pack("=IIIIQQ", 99, 0, 0, 0, 0, 0)),
    message(IO_FDS, struct.pack("=IIII", 99, 0, 0, 0)),
    message(IRQ_INFO, struct.pack("=IIII", 16, 0, 1, 0)),
    message(DMA_MAP, struct.pack("=IIQQQ", 32, 3, 0, 0x1000, 0x1000)),
    message(SET_IRQS, irq_set(EVENTFD | TRIGGER, 0, 0, 1, b"")),
    message(READ, struct.pack("=QII", PAGE - 4, 0, 16)),
    message(WRITE, struct.pack("=QIIQ", 0, 0, 8, 0x1000)),
    message(WRITE_MULTI, struct.pack("=QQII8s", 1, 8, 0, 4, b"1234")),
    message(RESET),
    message(DMA_UNMAP, struct.pack("=IIQQ", 24, 0, 0x1000, 0x1000)),
]


class Hostile(Case):
    def setUp(self):
        super().setUp()
        self.device = self.adopt(Victim())

    def still_serves(self):
        """The next client finds all as it should be."""
        self.in_loop(lambda: None)
        client = self.attach(self.device)
        client.version()
        reply = client.do(GET_INFO, struct.pack("=IIII", 16, 0, 0, 0))
        self.assertEqual(reply.unpack("=IIII"), (16, 5, 2, 2))
        client.close()
        self.in_loop(lambda: None)
        self.assertEqual([record.exc_info for record in self.logged
                          if record.exc_info], [])

    def send_and_close(self, data, fds=()):
        client = self.attach(self.device)
        try:
            client.send_bytes(data, fds)
        except OSError:
            pass  # it has had enough
        client.close()
        self.in_loop(lambda: None)

    def test_closed_at_any_byte(self):
        session = b"".join(SESSION)
        for end in range(len(session) + 1):
            self.send_and_close(session[:end])
        self.still_serves()

    def test_byte_by_byte(self):
        """What comes in pieces is what comes at once."""
        client = self.attach(self.device)
        fd = self.close_later(eventfd())
        data = HELLO + SESSION[1] + SESSION[6] + SESSION[1]
        at = len(HELLO + SESSION[1])
        for i, byte in enumerate(data):
            client.send_bytes(bytes([byte]), [fd] if i == at else [])
        commands = []
        for _ in range(4):
            reply = client.receive()
            self.assertEqual(reply.flags, 1)
            commands.append(reply.command)
        self.assertEqual(commands, [VERSION, GET_INFO, SET_IRQS, GET_INFO])

    def test_sizes_that_cannot_be(self):
        for size in (0, 1, 15, (1 << 20) + 33, 1 << 31, 0xffffffff):
            client = self.attach(self.device)
            client.version()
            client.send(READ, b"", size=size)
            self.assertTrue(client.is_closed())
            self.assertEqual(self.errors(), [
                f"Victim: the client is lost: a message of {size} bytes"])
        self.still_serves()

    def test_the_largest_message(self):
        client = self.attach(self.device)
        client.version()
        client.error(WRITE_MULTI, bytes((1 << 20) + 16))
        client.close()
        self.still_serves()

    def test_descriptors_in_half_a_message(self):
        client = self.attach(self.device)
        client.version()
        fd = self.close_later(eventfd())
        with self.assertRaises(OSError):
            client.send_bytes(message(DMA_MAP, b"", size=4000), [fd] * 10)
            for _ in range(1000):
                client.send_bytes(b"x", [fd])
        client.close()
        self.still_serves()

    def test_many_descriptors(self):
        fd = self.close_later(eventfd())
        self.send_and_close(HELLO, [fd] * 253)
        self.send_and_close(HELLO + SESSION[6], [fd] * 50)
        self.still_serves()

    def test_a_cut_file(self):
        """A window that was sealed cannot be; any other is not mapped."""
        client = self.attach(self.device)
        client.version()
        fd = self.close_later(memory(PAGE, seals=0))
        client.map(0x1000, PAGE, 3, fd)
        os.truncate(fd, 0)
        client.send(READ, struct.pack("=QII", 0, 0, 4))
        client.close()
        self.still_serves()

    def random_message(self, rng):
        kind = rng.randrange(4)
        if kind == 0:  # a good one with some bits changed
            data = bytearray(rng.choice(SESSION))
            for _ in range(rng.randrange(1, 5)):
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            return bytes(data)
        if kind == 1:
            return message(rng.randrange(20), rng.randbytes(
                rng.choice((0, 4, 16, 20, 24, 32, 48))),
                rng.choice((0, 0, 0, 1, 0x10, 0x20)))
        if kind == 2:
            edge = (0, 1, 4, PAGE - 1, PAGE, 3 * PAGE, 1 << 32, 2 ** 64 - 1)
            return message(rng.choice((READ, WRITE)), struct.pack(
                "=QII", rng.choice(edge), rng.randrange(3),
                rng.choice(edge) & 0xffff) + bytes(rng.choice((0, 4, 64))))
        return message(SET_IRQS, irq_set(
            rng.choice((NONE, EVENTFD)) | rng.choice((MASK, UNMASK, TRIGGER)),
            rng.randrange(3), 0, rng.randrange(2), b""))

    def test_anything(self):
        rng = random.Random(3)
        fd = self.close_later(eventfd())
        mapped = self.close_later(memory(2 * PAGE))
        for _ in range(400):
            data = b"".join(self.random_message(rng)
                            for _ in range(rng.randrange(1, 30)))
            fds = rng.choice(([], [], [fd], [mapped], [fd, mapped]))
            self.send_and_close(HELLO + data, fds)
        self.still_serves()

    def test_nothing_but_noise(self):
        rng = random.Random(4)
        for _ in range(200):
            self.send_and_close(rng.randbytes(rng.randrange(1, 3000)))
        self.still_serves()

    def test_noise_on_the_twin(self):
        rng = random.Random(5)
        for _ in range(100):
            client = self.attach(self.device)
            client.version({"twin_socket": {"supported": True}})
            client.map(0x1000, 0x1000)
            client.twin.send_bytes(rng.choice((
                rng.randbytes(rng.randrange(1, 99)),
                message(11, struct.pack("=QQ", 0x1000, 3) + b"abc",
                        rng.choice((0, 1, 0x21))))))
            try:
                client.send_bytes(SESSION[7])
                client.send_bytes(SESSION[1])
            except OSError:
                pass
            client.close()
            self.in_loop(lambda: None)
        self.still_serves()
