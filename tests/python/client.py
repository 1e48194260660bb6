# SPDX-License-Identifier: GPL-2.0-or-later
"""The client's side of the wire, message by message, for the tests.

`Case` is a test case with devices that are served by a thread of its own, and
with clients whose descriptors are closed at its end. The layouts are written
out here once more, so that a mistake in the module is not repeated by its
test.
"""

import array
import contextlib
import ctypes
import gc
import json
import logging
import os
import pathlib
import select
import socket
import struct
import sys
import tempfile
import threading
import time
import unittest

import platypus_device

MODULE = pathlib.Path(platypus_device.__file__).parent

VERSION, DMA_MAP, DMA_UNMAP, GET_INFO, REGION_INFO, IO_FDS = range(1, 7)
IRQ_INFO, SET_IRQS, READ, WRITE, DMA_READ, DMA_WRITE, RESET = range(7, 14)
WRITE_MULTI, FEATURE, MIG_READ = 15, 16, 17
REPLY, NO_REPLY, ERROR = 1, 0x10, 0x20
NONE, BOOL, EVENTFD, MASK, UNMASK, TRIGGER = 1, 2, 4, 8, 16, 32

# Nothing here takes that long: what hangs fails.
PATIENCE = 20


def eventfd():
    """Of the C library's, since Python has it from 3.10 on only."""
    fd = ctypes.CDLL(None, use_errno=True).eventfd(0, os.O_CLOEXEC)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "eventfd")
    return fd


def events(fd):
    """How often it was signalled; 0 without waiting."""
    if not select.select([fd], [], [], 0)[0]:
        return 0
    return int.from_bytes(os.read(fd, 8), sys.byteorder)


def memory(size, seals=platypus_device.fcntl.F_SEAL_SHRINK):
    """A memfd."""
    fd = os.memfd_create("test", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.truncate(fd, size)
    platypus_device.fcntl.fcntl(fd, platypus_device.fcntl.F_ADD_SEALS, seals)
    return fd


class Message:
    """One that came."""

    def __init__(self, header, payload, fds):
        self.id, self.command, self.size, self.flags, self.error = header
        self.payload = payload
        self.fds = fds

    def unpack(self, layout):
        return struct.unpack(layout, self.payload)


class Wire:
    """A socket of the client's: the main one or the twin."""

    def __init__(self, sock):
        sock.settimeout(PATIENCE)
        self.sock = sock
        self.next_id = 0x1000
        self.fds = []

    def close(self):
        self.sock.close()
        for fd in self.fds:
            with contextlib.suppress(OSError):
                os.close(fd)
        self.fds = []

    def send(self, command, payload=b"", fds=(), flags=0, error=0, ident=None,
             size=None):
        """Returns the message's id."""
        if ident is None:
            ident = self.next_id
            self.next_id = (self.next_id + 1) & 0xffff
        size = 16 + len(payload) if size is None else size
        self.send_bytes(struct.pack("=HHIII", ident, command, size, flags,
                                    error) + payload, fds)
        return ident

    def send_bytes(self, data, fds=()):
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                   array.array("i", fds))] if fds else []
        sent = self.sock.sendmsg([data], rights)
        if data[sent:]:
            self.sock.sendall(data[sent:])

    def receive_bytes(self, size, fds):
        """EOFError at the end."""
        data = b""
        while len(data) < size:
            part, ancillary, _, _ = self.sock.recvmsg(
                size - len(data), socket.CMSG_SPACE(253 * 4))
            for _, _, raw in ancillary:
                got = array.array("i")
                got.frombytes(raw)
                fds += got
                self.fds += got
            if not part:
                raise EOFError
            data += part
        return data

    def receive(self):
        fds = []
        header = struct.unpack("=HHIII", self.receive_bytes(16, fds))
        return Message(header, self.receive_bytes(header[2] - 16, fds), fds)


class Client(Wire):
    """The main socket."""

    twin = None

    def ask(self, command, payload=b"", fds=(), **other):
        """Sends a request and returns its reply, whatever it is."""
        ident = self.send(command, payload, fds, **other)
        reply = self.receive()
        assert (reply.id, reply.command) == (ident, command), vars(reply)
        assert reply.flags & ~ERROR == REPLY, reply.flags
        return reply

    def do(self, command, payload=b"", fds=(), **other):
        """The same, and it must not be an error."""
        reply = self.ask(command, payload, fds, **other)
        assert not reply.flags & ERROR, os.strerror(reply.error)
        return reply

    def error(self, command, payload=b"", fds=(), **other):
        """The same, and it must be one: a header and nothing else."""
        reply = self.ask(command, payload, fds, **other)
        assert reply.flags & ERROR and reply.size == 16, vars(reply)
        assert not reply.fds
        return reply.error

    def version(self, caps=None, major=0, minor=2):
        """Negotiates; the server's capabilities."""
        text = json.dumps({"capabilities": caps or {}}).encode() + b"\0"
        reply = self.do(VERSION, struct.pack("=HH", major, minor) + text)
        assert reply.payload[-1:] == b"\0"
        caps = json.loads(reply.payload[4:-1])["capabilities"]
        twin = caps.get("twin_socket", {})
        if twin.get("supported"):
            fd = reply.fds[twin["fd_index"]]
            self.fds.remove(fd)
            self.twin = Wire(socket.socket(fileno=fd))
        return caps

    def close(self):
        if self.twin:
            self.twin.close()
        super().close()

    def read(self, region, offset, count):
        request = struct.pack("=QII", offset, region, count)
        reply = self.do(READ, request)
        assert reply.payload[:16] == request
        assert len(reply.payload) == 16 + count
        return reply.payload[16:]

    def write(self, region, offset, data):
        request = struct.pack("=QII", offset, region, len(data))
        assert self.do(WRITE, request + data).payload == request

    def set_irqs(self, flags, index=0, start=0, count=1, data=b"", fds=()):
        self.do(SET_IRQS, irq_set(flags, index, start, count, data), fds)

    def irq_error(self, flags, index=0, start=0, count=1, data=b"", fds=()):
        return self.error(SET_IRQS, irq_set(flags, index, start, count, data),
                          fds)

    def map(self, iova, size, flags=3, fd=None, offset=0):
        self.do(DMA_MAP, struct.pack("=IIQQQ", 32, flags, offset, iova, size),
                [] if fd is None else [fd])

    def is_closed(self):
        """Whether the server has closed it; waits for that."""
        try:
            return not self.sock.recv(1)
        except ConnectionError:
            return True


def irq_set(flags, index, start, count, data):
    return struct.pack("=IIIII", 20 + len(data), flags, index, start,
                       count) + data


class Case(unittest.TestCase):
    """Devices in a thread, and clients."""

    def setUp(self):
        self.addCleanup(self.check_fds, open_fds())
        self.loop = platypus_device.Loop()
        self.thread = None
        self.logged = []
        handler = logging.Handler()
        handler.emit = self.logged.append
        logger = logging.getLogger("platypus_device")
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        self.addCleanup(logger.removeHandler, handler)
        self.devices = []

    def tearDown(self):
        if self.thread:
            self.in_loop(lambda: [device.close() for device in self.devices])
            self.loop.stop()
            self.thread.join(PATIENCE)
            self.assertFalse(self.thread.is_alive())
        self.loop.close()

    def check_fds(self, before):
        """Registered first, so it comes last."""
        gc.collect()
        self.assertEqual(open_fds(), before, "descriptors are left open")

    def close_later(self, fd):
        self.addCleanup(os.close, fd)
        return fd

    def adopt(self, device):
        """It is served by the thread, with others or alone."""
        device.loop = self.loop
        self.devices.append(device)
        if not self.thread:
            # The loop must go on when no device has a client.
            self.loop._serving.add(self)
            self.thread = threading.Thread(target=self.loop.run, daemon=True)
            self.thread.start()
        return device

    def in_loop(self, callback, *args):
        """Calls it in the thread of the devices, when what has been sent
        there before is done; what it returns.
        """
        done = threading.Event()
        result = []

        def call():
            try:
                result.append((callback(*args), None))
            except Exception as error:
                result.append((None, error))
            done.set()

        # The round of the loop that is under way may have looked before.
        self.loop.call_soon(self.loop.call_soon, call)
        self.assertTrue(done.wait(PATIENCE), "the loop does not go round")
        value, error = result[0]
        if error:
            raise error
        return value

    def attach(self, device):
        """A client without a version."""
        ours, theirs = socket.socketpair()
        self.in_loop(device.attach, theirs)
        client = Client(ours)
        self.addCleanup(client.close)
        return client

    def serve(self, device, caps=None):
        """A client of a device that is new to the thread."""
        self.adopt(device)
        client = self.attach(device)
        client.version(caps)
        return client

    def connect(self, path):
        """Waits for the server, which may have to start first."""
        sock = socket.socket(socket.AF_UNIX)
        client = Client(sock)
        self.addCleanup(client.close)
        for _ in range(PATIENCE * 100):
            if not sock.connect_ex(path):
                return client
            time.sleep(0.01)
        self.fail(f"nobody listens on {path}")

    def folder(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return folder.name

    def errors(self):
        """What was logged as a warning or worse, since the last call."""
        self.in_loop(lambda: None)
        texts = [record.getMessage() for record in self.logged
                 if record.levelno >= logging.WARNING]
        self.logged.clear()
        return texts


def open_fds():
    found = set()
    for fd in os.listdir("/proc/self/fd"):
        # One is that of listdir() itself, which is gone.
        with contextlib.suppress(OSError):
            found.add(fd + " " + os.readlink(f"/proc/self/fd/{fd}"))
    return found
