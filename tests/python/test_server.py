# SPDX-License-Identifier: GPL-2.0-or-later
"""Sockets, clients that come and go, and the loop."""

import errno
import logging
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
import unittest
import unittest.mock

import platypus_device
from client import (Case, GET_INFO, MODULE, PATIENCE, READ, REPLY, VERSION,
                    WRITE, open_fds)
from platypus_device import Device, Line, Loop, Region

INFO = struct.pack("=IIII", 16, 0, 0, 0)


class Counting(Device):
    regions = [Region(0x100)]
    lines = [Line()]

    def __init__(self):
        self.value = 0
        self.seen = []

    def read(self, region, offset, size):
        return self.value

    def write(self, region, offset, size, value):
        self.value = value

    def connected(self, connected):
        self.seen.append(connected)


class Listening(Case):
    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.folder(), "s")
        self.device = self.adopt(Counting())

    def listen(self):
        self.in_loop(self.device.listen, self.path)

    def client(self):
        client = self.connect(self.path)
        client.version()
        return client

    def test_mode(self):
        before = os.umask(0)
        self.addCleanup(os.umask, before)
        self.listen()
        status = os.stat(self.path)
        self.assertTrue(stat.S_ISSOCK(status.st_mode))
        self.assertEqual(stat.S_IMODE(status.st_mode), 0o600)

    def test_one_after_the_other(self):
        self.listen()
        for number in range(3):
            client = self.client()
            self.assertEqual(client.read(0, 0, 4), struct.pack("<I", number))
            client.write(0, 0, struct.pack("<I", number + 1))
            client.close()
            self.in_loop(lambda: None)
        self.assertEqual(self.device.seen, [True, False] * 3)
        self.assertEqual(self.errors(), [])

    def test_two_at_once(self):
        self.listen()
        first = self.client()
        for _ in range(3):
            self.assertTrue(self.connect(self.path).is_closed())
        first.do(GET_INFO, INFO)
        self.assertEqual(self.errors(),
                         ["Counting: another client is turned away"])
        first.close()
        self.in_loop(lambda: None)
        self.client()

    def test_nobody_who_says_nothing_is_told_of(self):
        self.listen()
        self.connect(self.path).close()
        self.in_loop(lambda: None)
        self.assertEqual(self.device.seen, [])

    def test_a_stale_socket(self):
        with socket.socket(socket.AF_UNIX) as old:
            old.bind(self.path)
        self.listen()
        self.client()

    def test_somebody_listens(self):
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(self.path)
            other.listen()
            with self.assertRaises(OSError) as caught:
                self.listen()
        self.assertEqual(caught.exception.errno, errno.EADDRINUSE)
        self.assertEqual(caught.exception.filename, self.path)
        self.assertTrue(os.path.exists(self.path))

    def test_no_socket(self):
        with open(self.path, "w"):
            pass
        with self.assertRaises(FileExistsError):
            self.listen()
        self.assertTrue(os.path.isfile(self.path))

    def test_no_folder(self):
        self.path = os.path.join(self.folder(), "none", "s")
        with self.assertRaises(FileNotFoundError):
            self.listen()

    def test_a_path_that_is_too_long(self):
        self.path += "x" * 200
        with self.assertRaises(OSError):
            self.listen()

    def test_close_removes_the_socket(self):
        self.listen()
        client = self.client()
        self.in_loop(self.device.close)
        self.assertFalse(os.path.exists(self.path))
        self.assertTrue(client.is_closed())
        self.assertEqual(self.device.seen, [True, False])
        self.in_loop(self.device.close)
        # It can be used again.
        self.listen()
        self.client()

    def test_close_leaves_what_is_not_its_own(self):
        self.listen()
        os.unlink(self.path)
        with open(self.path, "w"):
            pass
        self.in_loop(self.device.close)
        self.assertTrue(os.path.exists(self.path))

    def test_used_twice(self):
        self.listen()
        with self.assertRaises(ValueError):
            self.listen()
        self.client()
        ours, theirs = socket.socketpair()
        with ours, theirs, self.assertRaises(ValueError):
            self.in_loop(self.device.attach, theirs)

    def test_two_devices(self):
        other = self.adopt(Counting())
        self.listen()
        path = self.path + "2"
        self.in_loop(other.listen, path)
        one, two = self.client(), self.connect(path)
        two.version()
        one.write(0, 0, b"\1\0\0\0")
        two.write(0, 0, b"\2\0\0\0")
        self.assertEqual((one.read(0, 0, 1), two.read(0, 0, 1)),
                         (b"\1", b"\2"))
        self.in_loop(other.close)
        self.assertTrue(two.is_closed())
        one.read(0, 0, 1)

    def test_closed_by_its_own_model(self):
        class Closing(Counting):
            def write(self, region, offset, size, value):
                self.close()

        self.device = self.adopt(Closing())
        self.listen()
        client = self.client()
        client.send(WRITE, struct.pack("=QIII", 0, 0, 4, 1))
        client.send(READ, struct.pack("=QII", 0, 0, 4))
        self.assertTrue(client.is_closed())
        self.assertEqual(self.errors(), [])

    def test_no_descriptors_left(self):
        """Nobody spins meanwhile, and clients can come afterwards."""
        import resource
        self.listen()
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        waiting = socket.socket(socket.AF_UNIX)
        self.addCleanup(waiting.close)
        highest = max(int(entry.split()[0]) for entry in open_fds())
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, limits[1]))
        fillers = []
        try:
            while True:
                fillers.append(os.dup(0))
        except OSError:
            pass
        try:
            waiting.connect(self.path)
            self.in_loop(lambda: None)
            self.in_loop(lambda: None)
            told = self.errors()
        finally:
            for fd in fillers:
                os.close(fd)
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        self.assertEqual(len(told), 1, told)
        self.assertIn("no client can come", told[0])
        waiting.settimeout(PATIENCE)
        waiting.sendall(struct.pack("=HHIIIHH", 1, VERSION, 20, 0, 0, 0, 2))
        self.assertEqual(waiting.recv(4), struct.pack("=HH", 1, VERSION))


    def seconds(self, count):
        """What VERSION may take, for a test."""
        patch = unittest.mock.patch("platypus_device._VERSION_SECONDS", count)
        patch.start()
        self.addCleanup(patch.stop)

    def test_one_that_says_nothing(self):
        """It does not keep the others out."""
        self.seconds(0.01)
        self.listen()
        self.assertTrue(self.connect(self.path).is_closed())
        half = self.connect(self.path)
        half.send_bytes(b"1234567")
        self.assertTrue(half.is_closed())
        self.assertEqual(
            self.errors(),
            ["Counting: the client is lost: it does not say its VERSION"] * 2)
        self.seconds(PATIENCE)
        self.client()
        # And one that has said it may be silent.
        self.assertEqual(self.loop._timers, [])
        self.assertEqual(self.errors(), [])

    def test_one_that_leaves_at_once(self):
        self.listen()
        self.connect(self.path).close()
        self.in_loop(lambda: None)
        self.assertEqual(self.loop._timers, [])
        self.assertEqual(self.errors(), [])

    def test_an_attached_one_may_be_silent(self):
        self.attach(self.device)
        self.assertEqual(self.loop._timers, [])

    def test_who_wants_to_listen_too_is_not_heard_of(self):
        self.listen()
        self.client()
        other = Counting()
        other.loop = self.loop
        self.addCleanup(other.close)
        with unittest.mock.patch.object(self.device, "_accepted") as accepted:
            for _ in range(3):
                with self.assertRaises(OSError) as caught:
                    self.in_loop(other.listen, self.path)
                self.assertEqual(str(caught.exception),
                                 "[Errno 98] somebody listens there already: "
                                 f"'{self.path}'")
            self.in_loop(lambda: None)
        accepted.assert_not_called()
        self.assertEqual(self.errors(), [])

    def test_no_socket_stays_when_it_cannot_listen(self):
        with unittest.mock.patch("socket.socket.listen",
                                 side_effect=OSError(errno.ENOBUFS, "no")):
            with self.assertRaises(OSError):
                self.listen()
        self.assertFalse(os.path.exists(self.path))

    def test_the_log_is_bounded(self):
        """What clients say has no end, what is logged of it has one."""
        for _ in range(100):
            client = self.attach(self.device)
            client.send_bytes(bytes(16))
            self.assertTrue(client.is_closed())
        texts = self.errors()
        self.assertLess(len(texts), 40)
        self.assertEqual(texts[19:21], [
            "Counting: the client is lost: a message of 0 bytes",
            "Counting: of clients only one line a minute comes from here on"])

    def test_the_log_goes_on(self):
        with unittest.mock.patch("time.monotonic", return_value=1000) as now:
            budget = platypus_device._Budget()
            self.assertEqual([budget.take() for _ in range(22)],
                             [True] * 20 + [False] * 2)
            now.return_value += 130
            self.assertEqual([budget.take() for _ in range(3)],
                             [True, True, False])
            now.return_value += 50
            self.assertTrue(budget.take())
            now.return_value += 1e6
            self.assertEqual([budget.take() for _ in range(21)],
                             [True] * 20 + [False])

    def test_help_is_of_what_is_public(self):
        import pydoc
        text = pydoc.plain(pydoc.render_doc(platypus_device))
        for name in platypus_device.__all__:
            self.assertIn(name, platypus_device.__doc__)
            self.assertIn(name, text)
        self.assertNotIn("class _", text)


class Backlog(Case):
    def test_a_client_that_does_not_read(self):
        """Its requests are not read either, and others are served."""
        lazy = self.serve(Counting())
        other = self.serve(Counting())
        lazy.sock.setblocking(False)
        request = struct.pack("=HHIIIQII", 1, READ, 32, 0, 0, 0, 0, 0x100)
        sent = 0
        with self.assertRaises(BlockingIOError):
            while sent < 64 << 20:
                sent += lazy.sock.send(request * 1000)
        other.read(0, 0, 4)
        # When it reads, all that it asked for comes.
        lazy.sock.settimeout(PATIENCE)
        for _ in range(sent // 32):
            reply = lazy.receive()
            self.assertEqual((reply.command, reply.flags, reply.size),
                             (READ, REPLY, 16 + 16 + 0x100))
        if sent % 32:
            lazy.send_bytes((request * 1000)[sent % 32:32])
            lazy.receive()


class Loops(unittest.TestCase):
    def setUp(self):
        self.loop = Loop()
        self.addCleanup(self.loop.close)
        self.device = Counting()
        self.device.loop = self.loop
        self.logged = []
        handler = logging.Handler()
        handler.emit = lambda record: self.logged.append(record.getMessage())
        logger = logging.getLogger("platypus_device")
        logger.propagate = False
        logger.setLevel(logging.WARNING)
        logger.addHandler(handler)
        self.addCleanup(logger.removeHandler, handler)

    def attach(self):
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        self.addCleanup(self.device.close)
        self.device.attach(theirs)
        return ours

    def test_ends_when_the_client_leaves(self):
        ours = self.attach()
        self.device.call_later(0.01, ours.close)
        self.loop.run()

    def test_stop(self):
        self.attach()
        for _ in range(2):
            self.device.call_later(0.01, self.loop.stop)
            self.loop.run()

    def test_stop_from_a_thread(self):
        self.attach()
        thread = threading.Timer(0.01, self.loop.stop)
        thread.start()
        self.loop.run()
        thread.join()

    def test_run_in_a_thread(self):
        """Which cannot have signal handlers."""
        self.attach()
        thread = threading.Thread(target=platypus_device.run,
                                  args=[self.loop])
        thread.start()
        self.loop.stop()
        thread.join(PATIENCE)
        self.assertFalse(thread.is_alive())

    def test_timers_in_order(self):
        self.attach()
        calls = []
        self.device.call_later(0.03, self.loop.stop)
        self.device.call_later(0.02, calls.append, 2)
        self.device.call_later(0.01, calls.append, 1)
        self.device.call_later(0, calls.append, 0)
        cancelled = self.device.call_later(0.015, calls.append, "no")
        cancelled.cancel()
        cancelled.cancel()
        self.loop.run()
        self.assertEqual(calls, [0, 1, 2])

    def test_a_cancelled_timer_is_gone(self):
        for _ in range(1000):
            self.device.call_later(1e9, print).cancel()
        self.assertEqual(self.loop._timers, [])
        self.device.call_later(1e300, print)
        self.loop.dispatch(0)

    def test_a_timer_is_not_early(self):
        self.attach()
        start = time.monotonic()
        seen = []

        def call():
            seen.append(time.monotonic() - start)
            self.loop.stop()

        self.device.call_later(0.0123, call)
        self.loop.run()
        self.assertGreaterEqual(seen[0], 0.0123)

    def test_a_timer_that_fails(self):
        self.attach()
        self.device.call_later(0, [].pop)
        self.device.call_later(0.001, self.loop.stop)
        self.loop.run()
        self.assertEqual(self.logged, ["a call of the loop's failed"])

    def test_watch(self):
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        self.addCleanup(os.close, write)
        seen = []
        self.device.watch(
            read, lambda fd, events: seen.append((fd, events, os.read(fd, 9))))
        self.device.watch(
            write, lambda fd, events: seen.append((fd, events)),
            platypus_device.WRITE)
        self.loop.dispatch(0)
        self.assertEqual(seen, [(write, platypus_device.WRITE)])
        self.device.unwatch(write)
        self.device.unwatch(write)
        os.write(write, b"seen")
        self.loop.dispatch(0)
        self.assertEqual(seen[1:], [(read, platypus_device.READ, b"seen")])
        # Another callback in its place.
        self.device.watch(read, lambda fd, events: seen.append("other"))
        os.write(write, b"again")
        self.loop.dispatch(0)
        self.assertEqual(seen[2:], ["other"])

    def test_a_watch_that_fails_is_dropped(self):
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        self.addCleanup(os.close, write)
        self.device.watch(read, lambda fd, events: [].pop())
        os.write(write, b"x")
        for _ in range(3):
            self.loop.dispatch(0)
        self.assertEqual(self.logged,
                         [f"descriptor {read} is not watched any more"])

    def test_unwatched_by_another_callback(self):
        pipes = [os.pipe() for _ in range(2)]
        calls = []

        def once(fd, events):
            calls.append(fd)
            for read, _ in pipes:
                self.device.unwatch(read)

        for read, write in pipes:
            self.addCleanup(os.close, read)
            self.addCleanup(os.close, write)
            self.device.watch(read, once)
            os.write(write, b"x")
        self.loop.dispatch(0)
        self.assertEqual(len(calls), 1)

    def test_each_thread_has_one(self):
        loops = []

        def add():
            loops.append(Loop.current())
            assert Loop.current() is loops[-1]

        for _ in range(2):
            thread = threading.Thread(target=add)
            thread.start()
            thread.join()
        self.assertIsNot(*loops)
        for loop in loops:
            loop.close()


class Programs(unittest.TestCase):
    """A process of its own."""

    SOURCE = ("import sys; sys.dont_write_bytecode = True\n"
              "sys.path.insert(0, {!r})\n"
              "import platypus_device as p\n"
              "class Nothing(p.Device):\n"
              "    'Nothing at all.'\n"
              "    regions = [p.Region(16)]\n"
              "p.main(Nothing())\n").format(str(MODULE))

    def start(self, *args):
        child = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", self.SOURCE, *args],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(child.wait, PATIENCE)
        self.addCleanup(child.kill)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.stderr.close)
        return child

    def test_signals_end_it_in_order(self):
        folder = Case.folder(self)
        for number in (signal.SIGTERM, signal.SIGINT):
            path = os.path.join(folder, str(int(number)))
            child = self.start("--socket", path, "--verbose")
            Case.connect(self, path).version()
            child.send_signal(number)
            out, err = child.communicate(timeout=PATIENCE)
            self.assertEqual((child.returncode, out), (0, ""))
            self.assertEqual(err, "Nothing: a client came\n"
                                  "Nothing: the client left\n")
            self.assertFalse(os.path.exists(path))

    def test_an_error_is_one_line(self):
        child = self.start("--socket", "/nonexistent/s")
        _, err = child.communicate(timeout=PATIENCE)
        self.assertEqual(child.returncode, 1)
        self.assertEqual(len(err.splitlines()), 1, err)
        self.assertIn("/nonexistent/s", err)

    def test_a_used_socket_is_one_line(self):
        path = os.path.join(Case.folder(self), "s")
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(path)
            other.listen()
            child = self.start("--socket", path)
            out, err = child.communicate(timeout=PATIENCE)
        self.assertEqual((child.returncode, out), (1, ""))
        self.assertEqual(err, f"Nothing: cannot listen on '{path}': "
                              "somebody listens there already\n")

    def test_help(self):
        child = self.start("--help")
        out, _ = child.communicate(timeout=PATIENCE)
        self.assertEqual(child.returncode, 0)
        self.assertIn("Nothing at all.", out)
        self.assertIn("--socket PATH", out)
