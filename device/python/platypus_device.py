# SPDX-License-Identifier: GPL-2.0-or-later
"""A model of a platform device, in a process of its own.

The guest's emulator is the client of a socket (the vfio-user protocol) that
this module serves: ``-device vfio-user-platform,socket=PATH``. A model says
what its registers and lines are and is called when the guest uses them::

    import platypus_device
    from platypus_device import Line, Region

    class Counter(platypus_device.Device):
        regions = [Region(0x1000)]
        lines = [Line()]
        count = 0

        def read(self, region, offset, size):
            return self.count

        def write(self, region, offset, size, value):
            self.count += 1
            self.set_line(0, self.count % 10 == 0)

    Counter().serve("/run/counter.sock")

What there is: Device, which a model is a subclass of; Region, Doorbell and
Line, which say what it has; Reject, which its callbacks may raise; Loop and
Timer, READ and WRITE, for time and descriptors of its own; run() and main(),
for programs.

It needs Linux, Python 3.9 and the standard library. A device and its loop
belong to one thread. Numbers that the guest reads and writes are little
endian on the bus and plain integers here.

What a model raises is logged, is an error for the guest (which reads ones)
and does not end the server. The same raised at the same place again is logged
at level DEBUG, since a guest can have it raised at will. Nothing that a client
sends ends the server either. Because of clients there are 20 warnings at a
time, and one a minute from then on; all others come at level DEBUG.
"""

from __future__ import annotations

import argparse
import array
import bisect
import collections
import contextlib
import errno
import fcntl
import functools
import heapq
import itertools
import json
import logging
import mmap
import operator
import os
import select
import selectors
import signal
import socket
import stat
import struct
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from typing import (Any, Callable, Iterator, NamedTuple, Optional, Sequence,
                    Union)

__all__ = ["Device", "Doorbell", "Line", "Loop", "READ", "Region", "Reject",
           "Timer", "WRITE", "main", "run"]

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE

log = logging.getLogger("platypus_device")


# ---- what a device is ----

class Reject(Exception):
    """Raised by a model's read() or write(): there is no such register.

    The guest reads ones, and what it wrote is lost. Not logged.
    """


@dataclass(frozen=True)
class Doorbell:
    """A register whose writes only say that there is something to do.

    A write of @size bytes (0: of any size) at @offset calls Device.ring()
    instead of Device.write(): once for several writes that came together,
    where the client can signal an eventfd for it (Python 3.10), else for
    each. The value that is written does not come.
    """

    offset: int
    size: int = 0


@dataclass(frozen=True)
class Region:
    """A range of registers or memory.

    The @areas, (offset, size) in whole pages and in order, are memory that
    the guest uses without a call of the model's; Device.memory() is its view
    of it. All else calls Device.read() and Device.write(), or is an error for
    the guest where the region is not @readable or not @writable.
    """

    size: int
    areas: Sequence[tuple[int, int]] = ()
    doorbells: Sequence[Doorbell] = ()
    readable: bool = True
    writable: bool = True

    def __post_init__(self) -> None:
        end = 0
        for offset, size in self.areas:
            if size <= 0 or offset % mmap.PAGESIZE or size % mmap.PAGESIZE:
                raise ValueError("an area is whole pages")
            if offset < end:
                raise ValueError("areas are in order and do not overlap")
            end = offset + size
        if self.size <= 0 or end > self.size:
            raise ValueError("a region has a size and its areas are inside")
        for bell in self.doorbells:
            if not 0 <= bell.offset <= self.size - max(bell.size, 1):
                raise ValueError("a doorbell is inside its region")
            if bell.size not in (0, 1, 2, 4, 8):
                raise ValueError("a doorbell's size is 0, 1, 2, 4 or 8")
            if any(start <= bell.offset < start + size
                   for start, size in self.areas):
                raise ValueError("a doorbell is not in an area")

    def _runs(self, offset: int,
              count: int) -> Iterator[tuple[int, int, bool]]:
        """The parts of a range: start, size, whether it is memory."""
        end = offset + count
        for start, size in self.areas:
            if offset < min(start, end):
                yield offset, min(start, end) - offset, False
            offset, stop = max(offset, start), min(end, start + size)
            if offset < stop:
                yield offset, stop - offset, True
            offset = max(offset, min(start + size, end))
        if offset < end:
            yield offset, end - offset, False


@dataclass(frozen=True)
class Line:
    """An interrupt line: a level, or with @edge each raise is one event."""

    edge: bool = False


def _model_error(error: Exception) -> tuple[type, Exception, Any]:
    """For the log: without our own frames at the beginning."""
    tb = error.__traceback__
    while tb and tb.tb_frame.f_globals is globals():
        tb = tb.tb_next
    return type(error), error, tb


# ---- the loop ----

class Timer:
    """A call that is to come; made by call_later()."""

    def __init__(self, loop: Loop, when: float, callback: Callable[[], Any]):
        self.when = when
        self._loop = loop
        self._callback = callback

    def __lt__(self, other: Timer) -> bool:
        return self.when < other.when

    def cancel(self) -> None:
        """Does nothing when the call has been made."""
        with contextlib.suppress(ValueError):
            self._loop._timers.remove(self)
            heapq.heapify(self._loop._timers)


class _Watch:
    """What is called for a descriptor."""

    def __init__(self, fd: int, callback: Callable[[int, int], Any],
                 events: int):
        self.fd = fd
        self.callback = callback
        self.events = events


class Loop:
    """Waits for clients, descriptors and time. Most models need no call of
    it: a device uses the loop of the thread that it is first used in, and
    several devices of a thread share that one.
    """

    _of_thread = threading.local()

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[Timer] = []
        self._watches: dict[int, _Watch] = {}
        self._calls: collections.deque[Callable[[], Any]] = collections.deque()
        self._serving: set[Device] = set()
        self._stopped = False
        self._wake_read, self._wake_write = os.pipe2(
            os.O_CLOEXEC | os.O_NONBLOCK)
        self.watch(self._wake_read, self._woken)

    @classmethod
    def current(cls) -> Loop:
        """This thread's."""
        if not hasattr(cls._of_thread, "loop"):
            cls._of_thread.loop = cls()
        return cls._of_thread.loop

    def watch(self, fd: int, callback: Callable[[int, int], Any],
              events: int = READ) -> None:
        """Calls @callback(fd, events) while @fd has any of @events (READ,
        WRITE); replaces an earlier watch of it. @fd stays yours. A callback
        that raises something is not called again.
        """
        watch = _Watch(fd, callback, events)
        if fd in self._watches:
            self._selector.modify(fd, events, watch)
        else:
            self._selector.register(fd, events, watch)
        self._watches[fd] = watch

    def unwatch(self, fd: int) -> None:
        """Before @fd is closed. Fine for one that is not watched."""
        if self._watches.pop(fd, None):
            self._selector.unregister(fd)

    def call_later(self, delay: float, callback: Callable[..., Any],
                   *args: Any) -> Timer:
        """Calls @callback(*args) in @delay seconds."""
        timer = Timer(self, time.monotonic() + delay,
                      functools.partial(callback, *args))
        heapq.heappush(self._timers, timer)
        return timer

    def call_soon(self, callback: Callable[..., Any], *args: Any) -> None:
        """Calls @callback(*args) from the loop. From any thread."""
        self._calls.append(functools.partial(callback, *args))
        self._wake()

    def run(self) -> None:
        """Serves until stop(), or until no device listens or has a client."""
        while self._serving and not self._stopped:
            self.dispatch()
        self._stopped = False

    def stop(self) -> None:
        """Ends run(). From any thread and from signal handlers."""
        self._stopped = True
        self._wake()

    def dispatch(self, timeout: Optional[float] = None) -> None:
        """Waits (None: for as long as it takes) and does what there is to
        do: one round of run(), for those with a loop of their own.
        """
        for key, events in self._selector.select(self._until_timer(timeout)):
            watch = key.data
            if self._watches.get(watch.fd) is watch:
                self._call_watch(watch, events)
        for _ in range(len(self._calls)):
            self._call(self._calls.popleft())
        now = time.monotonic()
        while self._timers and self._timers[0].when <= now:
            self._call(heapq.heappop(self._timers)._callback)

    def close(self) -> None:
        """Lets go of its descriptors; its devices are closed before."""
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _until_timer(self, timeout: Optional[float]) -> Optional[float]:
        if not self._timers:
            return timeout
        left = max(0.0, self._timers[0].when - time.monotonic())
        # Not too long for epoll.
        return min(left, 3600.0 if timeout is None else timeout)

    def _call(self, callback: Callable[[], Any]) -> None:
        try:
            callback()
        except Exception as error:
            log.error("a call of the loop's failed",
                      exc_info=_model_error(error))

    def _call_watch(self, watch: _Watch, events: int) -> None:
        try:
            watch.callback(watch.fd, events)
        except Exception as error:
            log.error("descriptor %d is not watched any more", watch.fd,
                      exc_info=_model_error(error))
            if self._watches.get(watch.fd) is watch:
                self.unwatch(watch.fd)

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_write, b"\0")

    def _woken(self, fd: int, events: int) -> None:
        os.read(fd, 4096)


# ---- messages ----

_HEADER = struct.Struct("=HHIII")
_VERSION = struct.Struct("=HH")
_DMA_MAP = struct.Struct("=IIQQQ")
_DMA_UNMAP = struct.Struct("=IIQQ")
_INFO = struct.Struct("=IIII")
_REGION_INFO = struct.Struct("=IIIIQQ")
_SPARSE = struct.Struct("=HHIII")
_AREA = struct.Struct("=QQ")
_IO_FD = struct.Struct("=QQIIIIQ")
_IRQ_SET = struct.Struct("=IIIII")
_ACCESS = struct.Struct("=QII")
_DMA_ACCESS = struct.Struct("=QQ")
_COUNT = struct.Struct("=Q")
_WRITE = struct.Struct("=QII8s")

_MAJOR, _MINOR = 0, 2
_TYPE, _COMMAND, _REPLY, _NO_REPLY, _ERROR = 0xf, 0, 1, 0x10, 0x20
_CMD_VERSION, _CMD_DMA_READ, _CMD_DMA_WRITE = 1, 11, 12
_DMA_F_READ, _DMA_F_WRITE = 1, 2
_DEVICE_RESETTABLE, _DEVICE_PLATFORM = 1, 4
_REGION_READ, _REGION_WRITE, _REGION_MMAP, _REGION_CAPS = 1, 2, 4, 8
_CAP_SPARSE = 1
_IRQ_EVENTFD, _IRQ_MASKABLE, _IRQ_AUTOMASKED = 1, 2, 4
_DATA_NONE, _DATA_BOOL, _DATA_EVENTFD = 1, 2, 4
_ACTION_MASK, _ACTION_UNMASK, _ACTION_TRIGGER = 8, 16, 32

# What the server tells the client of itself, and keeps to.
_MAX_DATA = 1 << 20
_MAX_FDS = 1
_MAX_WINDOWS = 65535
_PAGE = 4096
_MAX_MESSAGE = _HEADER.size + _ACCESS.size + _MAX_DATA
# Other bounds: of what a client can have us keep.
_MAX_JSON = 1 << 16
_MAX_QUEUE, _MAX_QUEUE_BYTES = 4096, 4 << 20
_MAX_HELD_FDS = 64
_VERSION_SECONDS = 5.0
_LOG_BURST, _LOG_SECONDS = 20, 60.0
_KERNEL_MAX_FDS = 253


class _Refused(Exception):
    """A request gets an error reply."""

    def __init__(self, code: int = errno.EINVAL):
        super().__init__(os.strerror(code))
        self.code = code


class _Lost(Exception):
    """The connection is of no use any more; says why."""


def _close_all(fds: Sequence[int]) -> None:
    for fd in fds:
        os.close(fd)


def _unpack(layout: struct.Struct, payload: bytes):
    """The fields of a payload that begins with @layout. What has an argsz may
    be longer than what we know of it, and others have data behind.
    """
    if len(payload) < layout.size:
        raise _Refused()
    return layout.unpack_from(payload)


@dataclass
class _Message:
    """A message that came; owns its descriptors."""

    id: int
    command: int
    flags: int
    error: int
    payload: bytes
    fds: list[int]

    def is_reply(self) -> bool:
        return self.flags & _TYPE == _REPLY

    def take_fd(self) -> int:
        """The only one."""
        if len(self.fds) != 1:
            raise _Refused()
        return self.fds.pop()

    def close(self) -> None:
        _close_all(self.fds)
        self.fds = []


class _Stream:
    """Messages on a socket that never blocks."""

    def __init__(self, sock: socket.socket):
        sock.setblocking(False)
        self.sock = sock
        self._in = bytearray()
        self._taken = 0  # the position of _in in all that came
        self._fds: list[tuple[int, list[int]]] = []  # position, descriptors
        self._out: collections.deque[tuple[memoryview, list[int]]] = (
            collections.deque())

    def receive(self) -> None:
        """Reads once. What comes belongs to messages that take() returns;
        descriptors to the message with the last of the bytes.
        """
        try:
            data, ancillary, flags, _ = self.sock.recvmsg(
                1 << 18, socket.CMSG_SPACE(_KERNEL_MAX_FDS * 4),
                socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return
        except OSError as error:
            raise _Lost(error.strerror) from None
        self._in += data
        fds = array.array("i")
        for level, kind, raw in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(raw[:len(raw) - len(raw) % fds.itemsize])
        if fds:
            self._fds.append((self._taken + len(self._in), list(fds)))
        if not data:
            raise _Lost("it left in a message" if self._in else "")
        if (flags & socket.MSG_CTRUNC
                or sum(len(f) for _, f in self._fds) > _MAX_HELD_FDS):
            raise _Lost("too many descriptors")

    def take(self) -> Optional[_Message]:
        """The next message that is complete."""
        if len(self._in) < _HEADER.size:
            return None
        ident, command, size, flags, error = _HEADER.unpack_from(self._in)
        if not _HEADER.size <= size <= _MAX_MESSAGE:
            raise _Lost(f"a message of {size} bytes")
        if len(self._in) < size:
            return None
        payload = bytes(memoryview(self._in)[_HEADER.size:size])
        del self._in[:size]
        self._taken += size
        fds: list[int] = []
        while self._fds and self._fds[0][0] <= self._taken:
            fds += self._fds.pop(0)[1]
        return _Message(ident, command, flags, error, payload, fds)

    def send(self, data: bytes, fds: Sequence[int] = ()) -> None:
        """Now or as soon as it can be. Takes the descriptors over."""
        self._out.append((memoryview(data), list(fds)))
        self.flush()

    def flush(self) -> None:
        while self._out:
            data, fds = self._out[0]
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                       array.array("i", fds))] if fds else []
            try:
                sent = self.sock.sendmsg([data], rights, socket.MSG_NOSIGNAL)
            except BlockingIOError:
                return
            except OSError as error:
                raise _Lost(error.strerror) from None
            _close_all(fds)
            if sent < len(data):
                self._out[0] = data[sent:], []
            else:
                self._out.popleft()

    def is_blocked(self) -> bool:
        """Not all was sent."""
        return bool(self._out)

    def wait(self, deadline: float, main: socket.socket) -> None:
        """Until something comes or goes, and does it. TimeoutError."""
        poll = select.poll()
        poll.register(main, 0)  # its end is noticed
        poll.register(self.sock, select.POLLIN
                      | (select.POLLOUT if self._out else 0))
        left = max(0.0, deadline - time.monotonic())
        ready = dict(poll.poll(left * 1000))
        if not ready:
            if self._out:
                raise _Lost("it does not read")
            raise TimeoutError(errno.ETIMEDOUT, "no reply to a DMA request")
        if self.sock.fileno() not in ready:
            raise _Lost("it left")
        self.flush()
        self.receive()

    def close(self) -> None:
        self.sock.close()
        for _, fds in itertools.chain(self._fds, self._out):
            _close_all(fds)
        self._fds.clear()
        self._out.clear()


# ---- what a client has given us ----

class _LineState:
    """A line, and who listens to it."""

    def __init__(self, line: Line):
        self.edge = line.edge
        # A level that is asserted; an edge that nobody has been told of.
        self.up = False
        self.masked = False
        self.fd: Optional[int] = None

    def info_flags(self) -> int:
        if self.edge:
            return _IRQ_EVENTFD
        return _IRQ_EVENTFD | _IRQ_MASKABLE | _IRQ_AUTOMASKED

    def raise_(self) -> None:
        self.up = True
        self._deliver()

    def lower(self) -> None:
        if not self.edge:
            self.up = False

    def trigger(self) -> None:
        """The client wants to see an interrupt."""
        if not self.masked:
            self._signal()

    def mask(self, masked: bool) -> None:
        """Levels only."""
        self.masked = masked
        self._deliver()

    def listen(self, fd: Optional[int]) -> None:
        """Takes @fd over. With nobody left to unmask it, it is unmasked."""
        if self.fd is not None:
            os.close(self.fd)
        self.fd = fd
        if fd is None:
            self.masked = False
        self._deliver()

    def _deliver(self) -> None:
        if self.up and not self.masked:
            self._signal()

    def _signal(self) -> None:
        if self.fd is None:
            return
        if self.edge:
            self.up = False
        else:
            self.masked = True
        # A full eventfd says already what there is to say, and would block.
        poll = select.poll()
        poll.register(self.fd, select.POLLOUT)
        if any(events & select.POLLOUT for _, events in poll.poll(0)):
            with contextlib.suppress(OSError):
                os.write(self.fd, (1).to_bytes(8, sys.byteorder))


class _Window:
    """Guest memory; @memory is None when it must be asked for."""

    def __init__(self, iova: int, size: int, flags: int,
                 memory: Optional[mmap.mmap]):
        self.iova = iova
        self.end = iova + size
        self.flags = flags
        self.memory = memory

    def __lt__(self, other: _Window) -> bool:
        return self.iova < other.iova

    def close(self) -> None:
        if self.memory:
            self.memory.close()


def _map_window(fd: int, offset: int, size: int, flags: int) -> mmap.mmap:
    """OSError where the client could take it away under us, and others."""
    prot = mmap.PROT_READ
    if flags & _DMA_F_WRITE:
        prot |= mmap.PROT_WRITE
    if not fcntl.fcntl(fd, fcntl.F_GET_SEALS) & fcntl.F_SEAL_SHRINK:
        raise OSError(errno.EPERM, "it is not sealed against shrinking")
    # A page that a client punches out may not come back (SIGBUS).
    if os.fstatvfs(fd).f_bsize > mmap.PAGESIZE:
        raise OSError(errno.EPERM, "it is of huge pages")
    if offset + size > os.fstat(fd).st_size:
        raise OSError(errno.ENXIO, "it ends before")
    return mmap.mmap(fd, size, mmap.MAP_SHARED, prot, offset=offset)


class _Windows:
    """All of them, in order."""

    def __init__(self) -> None:
        self._list: list[_Window] = []

    def add(self, window: _Window) -> None:
        at = bisect.bisect(self._list, window)
        if len(self._list) >= _MAX_WINDOWS:
            raise _Refused(errno.ENOSPC)
        if (at and self._list[at - 1].end > window.iova
                or at < len(self._list)
                and self._list[at].iova < window.end):
            raise _Refused(errno.EEXIST)
        self._list.insert(at, window)

    def remove(self, iova: int, size: int) -> None:
        at = self._find(iova)
        if at < 0 or (self._list[at].iova,
                      self._list[at].end) != (iova, iova + size):
            raise _Refused(errno.ENOENT)
        self._list.pop(at).close()

    def pieces(self, iova: int, size: int,
               flag: int) -> list[tuple[_Window, int, int]]:
        """Window, start and size of each part of a range. OSError."""
        pieces = []
        at, end = self._find(iova), iova + size
        while iova < end:
            window = self._list[at] if 0 <= at < len(self._list) else None
            if (not window or not window.flags & flag
                    or not window.iova <= iova < window.end):
                raise OSError(errno.EFAULT, f"no DMA at {iova:#x}")
            count = min(end, window.end) - iova
            pieces.append((window, iova, count))
            iova += count
            at += 1
        return pieces

    def clear(self) -> None:
        for window in self._list:
            window.close()
        self._list.clear()

    def _find(self, iova: int) -> int:
        """The last one that begins at or below @iova; or -1."""
        return bisect.bisect(self._list, _Window(iova, 0, 0, None)) - 1


class _Client(NamedTuple):
    """What the client's VERSION says of it."""

    minor: int = _MINOR
    max_msg_fds: int = 1
    max_data_xfer_size: int = 1 << 20
    twin_socket: bool = False


def _number(value: Any, least: int) -> int:
    if type(value) is not int or value < least:
        raise _Refused()
    return value


def _parse_version(payload: bytes) -> _Client:
    if len(payload) < _VERSION.size or len(payload) > _MAX_JSON:
        raise _Refused()
    major, minor = _VERSION.unpack_from(payload)
    text = payload[_VERSION.size:] or b"{}\0"
    if major != _MAJOR or not text.endswith(b"\0"):
        raise _Refused()
    try:
        caps = json.loads(text[:-1].decode()).get("capabilities", {})
        twin = caps.get("twin_socket", {}).get("supported", False)
        fds = caps.get("max_msg_fds", _Client().max_msg_fds)
        size = caps.get("max_data_xfer_size", _Client().max_data_xfer_size)
    except (ValueError, AttributeError, RecursionError):
        raise _Refused() from None
    return _Client(min(minor, _MINOR), _number(fds, 0),
                   min(_number(size, 1), _MAX_DATA), twin is True)


# ---- a client ----

class _Connection:
    """One client: its requests, and our requests to it."""

    def __init__(self, device: Device, sock: socket.socket):
        self.device = device
        self.stream = _Stream(sock)
        self.twin: Optional[_Stream] = None
        self.client: Optional[_Client] = None
        self.windows = _Windows()
        self.lost: Optional[_Lost] = None
        self.closed = False
        self.told_of_another = False
        self._told_unshared = False
        self._patience: Optional[Timer] = None
        self._queue: collections.deque[_Message] = collections.deque()
        self._queue_bytes = self._queue_fds = 0
        self._request_id = 0
        self._late = False  # catch_up() is to be called
        self._events = READ
        device.loop.watch(sock.fileno(), self._ready, READ)

    def expect_version(self) -> None:
        """Whoever came holds the place of the one client."""
        self._patience = self.device.loop.call_later(
            _VERSION_SECONDS, self.device._disconnected,
            "it does not say its VERSION")

    def _stop_waiting(self) -> None:
        if self._patience:
            self._patience.cancel()
            self._patience = None

    def close(self) -> None:
        """Keeps the device's state but for what was this client's."""
        self.closed = True
        self._stop_waiting()
        self.device.loop.unwatch(self.stream.sock.fileno())
        self.stream.close()
        if self.twin:
            self.twin.close()
        for message in self._queue:
            message.close()
        self.windows.clear()
        for line in self.device._line_states:
            line.listen(None)

    def catch_up(self) -> None:
        """Serves what has come; never waits for more."""
        self._late = False
        if self.closed:
            return
        try:
            self.stream.flush()
            if not self.stream.is_blocked():
                self.stream.receive()
            self._process()
        except _Lost as lost:
            self.device._disconnected(str(self.lost or lost))

    def _ready(self, fd: int, events: int) -> None:
        self.catch_up()

    def _process(self) -> None:
        """A client that does not read its replies is not read from."""
        while not self.closed and not self.stream.is_blocked():
            message = self._next()
            if not message:
                break
            try:
                self._serve(message)
            finally:
                message.close()
        if self.lost and not self.closed:
            raise self.lost
        events = WRITE if self.stream.is_blocked() else READ
        if not self.closed and events != self._events:
            self._events = events
            self.device.loop.watch(self.stream.sock.fileno(), self._ready,
                                   events)

    def _next(self) -> Optional[_Message]:
        if self.lost:
            return None
        if not self._queue:
            return self.stream.take()
        message = self._queue.popleft()
        self._queue_bytes -= len(message.payload)
        self._queue_fds -= len(message.fds)
        return message

    def _serve(self, message: _Message) -> None:
        if message.is_reply():
            return  # it came too late
        code, payload, fds = 0, b"", []
        try:
            answer = self._answer(message)
            payload, fds = (answer if isinstance(answer, tuple)
                            else (answer, []))
        except _Refused as refused:
            code = refused.code
        except Exception as error:
            self.device._complain(error, self._describe(message))
            code = errno.EIO
        if self.closed or message.flags & _NO_REPLY:
            _close_all(fds)
        else:
            self.stream.send(_HEADER.pack(
                message.id, message.command, _HEADER.size + len(payload),
                _REPLY | (_ERROR if code else 0), code) + payload, fds)
        if not self.client:
            raise _Lost("its version cannot be served")
        if message.command == _CMD_VERSION and not code:
            self.device._connected()

    def _answer(self, message: _Message) -> Union[
            bytes, tuple[bytes, list[int]]]:
        if message.flags & ~_NO_REPLY:
            raise _Refused()
        if not self.client and message.command != _CMD_VERSION:
            raise _Refused()
        handler = self._HANDLERS.get(message.command)
        if not handler:
            raise _Refused(errno.ENOTSUP)
        if message.fds and handler not in self._WITH_FDS:
            raise _Refused()
        return handler(self, message)

    @staticmethod
    def _describe(message: _Message) -> str:
        """What a model has failed at."""
        word = {9: "read", 10: "write"}.get(message.command)
        if word:
            offset, index, count = _unpack(_ACCESS, message.payload)
            return _describe_access(word, index, offset, count)
        return "reset" if message.command == 13 else (
            f"command {message.command}")

    # -- about the device --

    def _version(self, message: _Message) -> tuple[bytes, list[int]]:
        if self.client or message.flags & _NO_REPLY:
            raise _Refused()
        client = _parse_version(message.payload)
        caps = {"max_msg_fds": _MAX_FDS, "max_data_xfer_size": _MAX_DATA,
                "max_dma_maps": _MAX_WINDOWS, "pgsizes": _PAGE,
                "write_multiple": True}
        fds = []
        if client.twin_socket and client.max_msg_fds:
            ours, theirs = socket.socketpair()
            self.twin = _Stream(ours)
            fds = [theirs.detach()]
            caps["twin_socket"] = {"supported": True, "fd_index": 0}
        self.client = client
        self._stop_waiting()
        text = json.dumps({"capabilities": caps}).encode() + b"\0"
        return _VERSION.pack(_MAJOR, client.minor) + text, fds

    def _device_info(self, message: _Message) -> bytes:
        if _unpack(_INFO, message.payload)[0] < _INFO.size:
            raise _Refused()
        flags = _DEVICE_PLATFORM
        if self.device._has_reset():
            flags |= _DEVICE_RESETTABLE
        return _INFO.pack(_INFO.size, flags, len(self.device.regions),
                          len(self.device.lines))

    def _region_info(self, message: _Message) -> tuple[bytes, list[int]]:
        argsz, _, index, *_ = _unpack(_REGION_INFO, message.payload)
        if argsz < _REGION_INFO.size or index >= len(self.device.regions):
            raise _Refused()
        region = self.device.regions[index]
        flags = (_REGION_READ if region.readable else 0) | (
            _REGION_WRITE if region.writable else 0)
        caps = b""
        assert self.client
        mappable = region.areas and self.client.max_msg_fds > 0
        if mappable:
            flags |= _REGION_MMAP
        if mappable and tuple(region.areas[0]) != (0, region.size):
            flags |= _REGION_CAPS
            caps = _SPARSE.pack(_CAP_SPARSE, 1, 0, len(region.areas), 0)
            caps += b"".join(_AREA.pack(*area) for area in region.areas)
        needed = _REGION_INFO.size + len(caps)
        fits = needed <= argsz
        fds = []
        if fits and mappable:
            fds = [self.device._memories[index].open()]
        return _REGION_INFO.pack(
            needed, flags, index, _REGION_INFO.size if caps and fits else 0,
            region.size, 0) + (caps if fits else b""), fds

    def _region_io_fds(self, message: _Message) -> tuple[bytes, list[int]]:
        argsz, flags, index, _ = _unpack(_INFO, message.payload)
        if argsz < _INFO.size or flags or index >= len(self.device.regions):
            raise _Refused()
        assert self.client
        bells = [(bell, fd) for bell, fd in self.device._bells[index]
                 if fd is not None][:self.client.max_msg_fds]
        entries = b"".join(_IO_FD.pack(bell.offset, bell.size, i, 0, 0, 0, 0)
                           for i, (bell, _) in enumerate(bells))
        needed = _INFO.size + len(entries)
        head = _INFO.pack(needed, 0, index, len(bells))
        if argsz < needed:
            return head, []
        return head + entries, [os.dup(fd) for _, fd in bells]

    def _reset(self, message: _Message) -> bytes:
        if message.payload:
            raise _Refused()
        if not self.device._has_reset():
            raise _Refused(errno.ENOTSUP)
        self.device.reset()
        return b""

    # -- interrupts --

    def _irq_info(self, message: _Message) -> bytes:
        argsz, _, index, _ = _unpack(_INFO, message.payload)
        if argsz < _INFO.size or index >= len(self.device.lines):
            raise _Refused()
        return _INFO.pack(_INFO.size,
                          self.device._line_states[index].info_flags(),
                          index, 1)

    def _set_irqs(self, message: _Message) -> bytes:
        argsz, flags, index, start, count = _unpack(
            _IRQ_SET, message.payload)
        data = flags & (_DATA_NONE | _DATA_BOOL | _DATA_EVENTFD)
        action = flags & (_ACTION_MASK | _ACTION_UNMASK | _ACTION_TRIGGER)
        bools = message.payload[_IRQ_SET.size:]
        if (index >= len(self.device.lines) or start or count > 1
                or flags != data | action or argsz < len(message.payload)
                or data not in (_DATA_NONE, _DATA_BOOL, _DATA_EVENTFD)
                or len(bools) != (count if data == _DATA_BOOL else 0)
                or message.fds and data != _DATA_EVENTFD):
            raise _Refused()
        line = self.device._line_states[index]
        if action == _ACTION_TRIGGER:
            self._trigger(line, data, count, bools, message)
        elif action not in (_ACTION_MASK, _ACTION_UNMASK) or not count:
            raise _Refused()
        elif data == _DATA_EVENTFD:
            raise _Refused(errno.ENOTSUP)
        elif line.edge:
            raise _Refused()
        elif data == _DATA_NONE or bools[0]:
            line.mask(action == _ACTION_MASK)
        return b""

    @staticmethod
    def _trigger(line: _LineState, data: int, count: int, bools: bytes,
                 message: _Message) -> None:
        if not count:
            if data != _DATA_NONE:
                raise _Refused()
            line.listen(None)
        elif data == _DATA_EVENTFD and message.fds:
            # An eventfd has no type; a write to what has one might block.
            if stat.S_IFMT(os.fstat(message.fds[0]).st_mode):
                raise _Refused()
            line.listen(message.take_fd())
        elif data == _DATA_EVENTFD:
            line.listen(None)
        elif data == _DATA_NONE or bools[0]:
            line.trigger()

    # -- registers --

    def _check_range(self, index: int, offset: int, count: int) -> None:
        if (index >= len(self.device.regions) or count > _MAX_DATA
                or offset + count > self.device.regions[index].size):
            raise _Refused()

    def _region_read(self, message: _Message) -> bytes:
        offset, index, count = _unpack(_ACCESS, message.payload)
        self._check_range(index, offset, count)
        return (message.payload[:_ACCESS.size]
                + self.device._read(index, offset, count))

    def _region_write(self, message: _Message) -> bytes:
        offset, index, count = _unpack(_ACCESS, message.payload)
        data = message.payload[_ACCESS.size:]
        self._check_range(index, offset, count)
        if len(data) != count:
            raise _Refused()
        self.device._write(index, offset, data)
        return message.payload[:_ACCESS.size]

    def _write_multi(self, message: _Message) -> bytes:
        """One that fails is lost, as it would be alone; how many did not."""
        number, = _unpack(_COUNT, message.payload)
        rest = message.payload[_COUNT.size:]
        if len(rest) != number * _WRITE.size:
            raise _Refused()
        done = 0
        for offset, index, count, data in _WRITE.iter_unpack(rest):
            try:
                self._check_range(index, offset, count)
                if count <= len(data):
                    self.device._write(index, offset, data[:count])
                    done += 1
            except _Refused:
                pass
            except Exception as error:
                self.device._complain(error, _describe_access(
                    "write", index, offset, count))
        return _COUNT.pack(done)

    # -- guest memory --

    def _dma_map(self, message: _Message) -> bytes:
        argsz, flags, offset, iova, size = _unpack(_DMA_MAP, message.payload)
        if (argsz < _DMA_MAP.size or len(message.fds) > 1 or not size
                or flags & ~(_DMA_F_READ | _DMA_F_WRITE)
                or (iova | size | offset) % _PAGE or iova + size > 1 << 64):
            raise _Refused()
        window = _Window(iova, size, flags, None)
        self.windows.add(window)
        if message.fds:
            try:
                window.memory = _map_window(message.fds[0], offset, size,
                                            flags)
            except (OSError, ValueError, OverflowError) as error:
                self._tell_unshared(error)
        return b""

    def _tell_unshared(self, error: Exception) -> None:
        if not self._told_unshared:
            self._told_unshared = True
            self.device._warn("guest memory is not shared: %s", error)

    def _dma_unmap(self, message: _Message) -> bytes:
        argsz, flags, iova, size = _unpack(_DMA_UNMAP, message.payload)
        if argsz < _DMA_UNMAP.size or flags:
            raise _Refused()
        self.windows.remove(iova, size)
        return message.payload[:_DMA_UNMAP.size]

    def dma_read(self, iova: int, size: int) -> bytes:
        pieces = self.windows.pieces(iova, size, _DMA_F_READ)
        return b"".join(
            window.memory[start - window.iova:start - window.iova + count]
            if window.memory else self._ask_read(start, count)
            for window, start, count in pieces)

    def dma_write(self, iova: int, data: memoryview) -> None:
        for window, start, count in self.windows.pieces(
                iova, len(data), _DMA_F_WRITE):
            part = data[start - iova:start - iova + count]
            if window.memory:
                at = start - window.iova
                window.memory[at:at + count] = part
            else:
                self._ask_write(start, part)

    def _chunks(self, count: int) -> Iterator[tuple[int, int]]:
        assert self.client
        step = self.client.max_data_xfer_size
        for at in range(0, count, step):
            yield at, min(step, count - at)

    def _ask_read(self, iova: int, size: int) -> bytes:
        parts = []
        for at, count in self._chunks(size):
            head = _DMA_ACCESS.pack(iova + at, count)
            reply = self._request(_CMD_DMA_READ, head, len(head) + count)
            parts.append(reply[len(head):])
        return b"".join(parts)

    def _ask_write(self, iova: int, data: memoryview) -> None:
        for at, count in self._chunks(len(data)):
            head = _DMA_ACCESS.pack(iova + at, count)
            self._request(_CMD_DMA_WRITE, head, len(head),
                          data[at:at + count])

    def _request(self, command: int, head: bytes, size: int,
                 data: Union[bytes, memoryview] = b"") -> bytes:
        """Asks the client; its reply begins with @head, of @size in all."""
        if self.lost or self.closed:
            raise OSError(errno.ENOTCONN, "the client is lost")
        self._request_id = (self._request_id + 1) & 0xffff
        header = _HEADER.pack(self._request_id, command,
                              _HEADER.size + len(head) + len(data), 0, 0)
        try:
            reply = self._reply(b"".join((header, head, data)))
            good = (len(reply.payload) == size
                    and reply.payload.startswith(head)
                    # As the specification has it: with half of the count.
                    or command == _CMD_DMA_WRITE
                    and reply.payload == head[:12])
            if reply.command != command or not (
                    good or reply.flags & _ERROR):
                raise _Lost("a wrong reply to a DMA request")
        except _Lost as lost:
            # The loop notices by the end of the socket.
            self.lost = lost
            with contextlib.suppress(OSError):
                self.stream.sock.shutdown(socket.SHUT_RDWR)
            raise OSError(errno.ENOTCONN, "the client is lost") from None
        if reply.flags & _ERROR:
            raise OSError(reply.error or errno.EIO, "the client refused DMA")
        return reply.payload

    def _reply(self, request: bytes) -> _Message:
        """Sends @request and waits; requests of the client wait in turn."""
        stream = self.twin or self.stream
        deadline = time.monotonic() + self.device.dma_timeout
        stream.send(request)
        try:
            while True:
                message = stream.take()
                if not message:
                    stream.wait(deadline, self.stream.sock)
                elif not message.is_reply() and stream is self.twin:
                    message.close()
                    raise _Lost("a request on the twin socket")
                elif not message.is_reply():
                    self._enqueue(message)
                else:
                    message.close()
                    if message.id == self._request_id:
                        return message
        finally:
            # What else has come was read: nothing would wake the loop.
            if not self._late:
                self._late = True
                self.device.loop.call_soon(self.catch_up)

    def _enqueue(self, message: _Message) -> None:
        self._queue.append(message)
        self._queue_bytes += len(message.payload)
        self._queue_fds += len(message.fds)
        if (len(self._queue) > _MAX_QUEUE or self._queue_fds > _MAX_HELD_FDS
                or self._queue_bytes > _MAX_QUEUE_BYTES):
            raise _Lost("too many requests")

    _HANDLERS = {
        _CMD_VERSION: _version, 2: _dma_map, 3: _dma_unmap, 4: _device_info,
        5: _region_info, 6: _region_io_fds, 7: _irq_info, 8: _set_irqs,
        9: _region_read, 10: _region_write, 13: _reset, 15: _write_multi,
    }
    _WITH_FDS = (_dma_map, _set_irqs)


# ---- a device ----

class _Memory:
    """Memory of a region, which a client may map."""

    def __init__(self, name: str, region: Region):
        self._writable = region.writable
        self._fd = os.memfd_create(
            name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        size = -(-region.size // mmap.PAGESIZE) * mmap.PAGESIZE
        os.truncate(self._fd, size)
        fcntl.fcntl(self._fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK
                    | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        self.view = memoryview(mmap.mmap(self._fd, size))[:region.size]

    def open(self) -> int:
        """A descriptor for the client."""
        if self._writable:
            return os.dup(self._fd)
        return os.open(f"/proc/self/fd/{self._fd}",
                       os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        os.close(self._fd)


def _describe_access(word: str, index: int, offset: int, count: int) -> str:
    return f"{word} of {count} bytes at {offset:#x} of region {index}"


class _Budget:
    """How many lines clients can have us log."""

    def __init__(self) -> None:
        self.left = _LOG_BURST
        self.told = False
        self._filled = time.monotonic()

    def take(self) -> bool:
        more, _ = divmod(time.monotonic() - self._filled, _LOG_SECONDS)
        self._filled += more * _LOG_SECONDS
        self.left += int(more)
        if self.left >= _LOG_BURST:
            self.left, self.told = _LOG_BURST, False
        if not self.left:
            return False
        self.left -= 1
        return True


class _Log(logging.LoggerAdapter):
    """Names the device in each line."""

    def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
        assert self.extra
        return f"{self.extra['device']}: {msg}", kwargs


def _pieces(offset: int, count: int) -> Iterator[tuple[int, int]]:
    """Naturally aligned, of 8 bytes at most."""
    end = offset + count
    while offset < end:
        size = min(offset & -offset or 8, 8)
        while offset + size > end:
            size //= 2
        yield offset, size
        offset += size


class Device:
    """Subclass it, and say what the device is: `regions`, `lines`, read(),
    write(), and where there is a need reset(), ring() and connected().

    The lists may also be set by an instance, before anything else is called.
    """

    regions: Sequence[Region] = ()
    lines: Sequence[Line] = ()
    #: In the log; by default the name of the class.
    name: str = ""
    #: Seconds that each DMA request to the client may take.
    dma_timeout: float = 5.0

    # -- what a model has --

    def read(self, region: int, offset: int, size: int) -> int:
        """The guest reads @size bytes: 1, 2, 4 or 8. @offset is a multiple
        of it; whatever else is read comes in several such pieces.
        """
        raise Reject

    def write(self, region: int, offset: int, size: int, value: int) -> None:
        """The guest writes; as for read()."""
        raise Reject

    def reset(self) -> None:
        """A device that does not have this method has no reset. Lines are
        lowered by the model, where its reset does that.
        """

    def ring(self, region: int, offset: int) -> None:
        """The guest has written to the doorbell at @offset."""

    def connected(self, connected: bool) -> None:
        """A client came or went. Lines and registers keep their state."""

    # -- what a model does --

    def raise_line(self, line: int = 0) -> None:
        """Level: asserts the line until it is lowered. Edge: one event.
        Kept while nobody listens: a level for as long as it is up, and one
        event of an edge.
        """
        self._line_states[line].raise_()

    def lower_line(self, line: int = 0) -> None:
        """Level lines; nothing for an edge."""
        self._line_states[line].lower()

    def set_line(self, line: int, level: Union[bool, int]) -> None:
        """raise_line() or lower_line(). For an edge: one event or none."""
        if level:
            self.raise_line(line)
        else:
            self.lower_line(line)

    def memory(self, region: int = 0) -> memoryview:
        """A region with areas, writable bytes from its start; what is not in
        an area is not the guest's. ValueError: it has no areas.
        """
        memory = self._memories[region]
        if not memory:
            raise ValueError(f"region {region} has no areas")
        return memory.view

    def dma_read(self, iova: int, size: int) -> bytes:
        """Guest memory, by the addresses that the guest's driver gives its
        device. Where the client shares it, this is a copy; else it asks the
        client and waits, while other requests wait in turn.

        OSError: EFAULT, not or not all mapped for that; ENOTCONN;
        ETIMEDOUT, no answer within dma_timeout, and the client stays; or
        what the client says.
        """
        return self._client().dma_read(iova, size)

    def dma_write(self, iova: int, data: Union[bytes, bytearray, memoryview]
                  ) -> None:
        """As dma_read(). All of it must be mapped, or nothing is written."""
        self._client().dma_write(iova, memoryview(data).cast("B"))

    def watch(self, fd: int, callback: Callable[[int, int], Any],
              events: int = READ) -> None:
        """Loop.watch(): @callback(fd, events) while @fd has any of them."""
        self.loop.watch(fd, callback, events)

    def unwatch(self, fd: int) -> None:
        """Loop.unwatch()."""
        self.loop.unwatch(fd)

    def call_later(self, delay: float, callback: Callable[..., Any],
                   *args: Any) -> Timer:
        """Loop.call_later(): in @delay seconds."""
        return self.loop.call_later(delay, callback, *args)

    @functools.cached_property
    def loop(self) -> Loop:
        """Loop.current(), unless another is assigned before its first use."""
        return Loop.current()

    @functools.cached_property
    def log(self) -> logging.LoggerAdapter:
        """A child of the logger `platypus_device`, whose lines begin with the
        device's name.
        """
        name = self.name or type(self).__name__
        return _Log(log.getChild(name), {"device": name.replace("%", "%%")})

    # -- how it is served --

    def serve(self, path: Union[str, os.PathLike]) -> None:
        """listen(), run() and close(): for a program with one device. It
        ends with a line on standard error and status 1 (SystemExit) if it
        cannot listen; call the three where that is not what you want.
        """
        try:
            self.listen(path)
        except OSError as error:
            self.close()
            sys.exit(f"{self.name or type(self).__name__}: cannot listen on "
                     f"'{os.fspath(path)}': {error.strerror}")
        try:
            run(self.loop)
        finally:
            self.close()

    def listen(self, path: Union[str, os.PathLike]) -> None:
        """Listens on a new socket @path. One that nobody listens on any more
        is replaced; OSError EADDRINUSE if somebody does, EEXIST if it is no
        socket. One client at a time: another is turned away; when it leaves,
        the next may come. Who comes has 5 seconds to say VERSION.
        """
        if self._listener:
            raise ValueError("the device listens already")
        self._prepare()
        self._listener = _Listener(os.fspath(path), self)
        self.loop._serving.add(self)

    def attach(self, sock: socket.socket) -> None:
        """Takes over a connected socket (as of socketpair()), whose client
        may say VERSION whenever it likes.
        """
        if self._connection:
            raise ValueError("the device has a client")
        self._prepare()
        self._connection = _Connection(self, sock)
        self.loop._serving.add(self)

    def close(self) -> None:
        """Disconnects, removes the socket and lets go of its memory."""
        if self._listener:
            self._listener.close()
            self._listener = None
        if self._connection:
            self._disconnected("")
        self.loop._serving.discard(self)
        for memory in self.__dict__.pop("_memories", ()):
            if memory:
                memory.close()
        for _, fd in itertools.chain(*self.__dict__.pop("_bells", ())):
            if fd is not None:
                self.loop.unwatch(fd)
                os.close(fd)

    # -- for the above --

    _listener: Optional[_Listener] = None
    _connection: Optional[_Connection] = None
    _told = False

    @functools.cached_property
    def _line_states(self) -> list[_LineState]:
        return [_LineState(line) for line in self.lines]

    @functools.cached_property
    def _memories(self) -> list[Optional[_Memory]]:
        name = self.name or type(self).__name__
        return [_Memory(name, region) if region.areas else None
                for region in self.regions]

    @functools.cached_property
    def _bells(self) -> list[list[tuple[Doorbell, Optional[int]]]]:
        return [[(bell, self._make_bell(index, bell))
                 for bell in region.doorbells]
                for index, region in enumerate(self.regions)]

    @functools.cached_property
    def _complaints(self) -> set:
        return set()

    def _make_bell(self, index: int, bell: Doorbell) -> Optional[int]:
        if not hasattr(os, "eventfd"):
            return None
        fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.loop.watch(fd, functools.partial(self._rung, index, bell.offset))
        return fd

    def _rung(self, index: int, offset: int, fd: int, events: int) -> None:
        try:
            os.eventfd_read(fd)
        except BlockingIOError:
            return  # the client has read it
        # Writes that the guest has made before come before.
        if self._connection:
            self._connection.catch_up()
        self._guarded(f"doorbell at {offset:#x} of region {index}",
                      self.ring, index, offset)

    def _prepare(self) -> None:
        self._line_states, self._memories, self._bells

    def _has_reset(self) -> bool:
        return type(self).reset is not Device.reset

    def _client(self) -> _Connection:
        if not self._connection or not self._connection.client:
            raise OSError(errno.ENOTCONN, "there is no client")
        return self._connection

    @functools.cached_property
    def _budget(self) -> _Budget:
        return _Budget()

    def _warn(self, text: str, *args: Any) -> None:
        """What clients can have us say again and again."""
        budget = self._budget
        self.log.log(logging.WARNING if budget.take() else logging.DEBUG,
                     text, *args)
        if not budget.left and not budget.told:
            budget.told = True
            self.log.warning(
                "of clients only one line a minute comes from here on")

    def _guarded(self, what: str, callback: Callable[..., Any],
                 *args: Any) -> None:
        try:
            callback(*args)
        except Exception as error:
            self._complain(error, what)

    def _complain(self, error: Exception, what: str) -> None:
        place = None
        for frame, line in traceback.walk_tb(error.__traceback__):
            place = type(error), frame.f_code, line
        again = place in self._complaints
        self._complaints.add(place)
        self.log.log(logging.DEBUG if again else logging.ERROR,
                     "%s failed", what,
                     exc_info=_model_error(error))

    def _accepted(self, sock: socket.socket) -> None:
        if self._connection:
            if not self._connection.told_of_another:
                self._warn("another client is turned away")
            self._connection.told_of_another = True
            sock.close()
        else:
            self._connection = _Connection(self, sock)
            self._connection.expect_version()

    def _connected(self) -> None:
        self.log.info("a client came")
        self._told = True
        self._guarded("connected(True)", self.connected, True)

    def _disconnected(self, reason: str) -> None:
        connection, self._connection = self._connection, None
        assert connection
        connection.close()
        if reason:
            self._warn("the client is lost: %s", reason)
        else:
            self.log.info("the client left")
        if not self._listener:
            self.loop._serving.discard(self)
        if self._told:
            self._told = False
            self._guarded("connected(False)", self.connected, False)

    def _read(self, index: int, offset: int, count: int) -> bytes:
        region = self.regions[index]
        if not region.readable:
            raise _Refused(errno.EACCES)
        parts: list[Union[bytes, memoryview]] = []
        for start, size, is_memory in region._runs(offset, count):
            if is_memory:
                parts.append(self.memory(index)[start:start + size])
                continue
            for at, width in _pieces(start, size):
                parts.append(self._read_piece(index, at, width))
        return b"".join(parts)

    def _read_piece(self, index: int, offset: int, size: int) -> bytes:
        try:
            value = operator.index(self.read(index, offset, size))
        except Reject:
            value = -1
        return (value & (1 << 8 * size) - 1).to_bytes(size, "little")

    def _write(self, index: int, offset: int, data: bytes) -> None:
        region = self.regions[index]
        if not region.writable:
            raise _Refused(errno.EACCES)
        for start, size, is_memory in region._runs(offset, len(data)):
            part = data[start - offset:start - offset + size]
            if is_memory:
                self.memory(index)[start:start + size] = part
                continue
            for at, width in _pieces(start, size):
                self._write_piece(index, at, width,
                                  part[at - start:at - start + width])

    def _write_piece(self, index: int, offset: int, size: int,
                     data: bytes) -> None:
        for bell in self.regions[index].doorbells:
            if bell.offset == offset and bell.size in (0, size):
                self.ring(index, offset)
                return
        with contextlib.suppress(Reject):
            self.write(index, offset, size, int.from_bytes(data, "little"))


class _Listener:
    """The socket of a device."""

    def __init__(self, path: str, device: Device):
        self._device = device
        self._path = path
        self._identity: Optional[tuple[int, int]] = None
        self._told = False
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM
                                   | socket.SOCK_NONBLOCK)
        try:
            # Linux makes the file with the mode of the socket.
            os.fchmod(self._sock.fileno(), 0o600)
            self._bind()
            status = os.lstat(path)
            self._identity = status.st_dev, status.st_ino
            self._sock.listen()
            self._watch()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._device.loop.unwatch(self._sock.fileno())
        self._sock.close()
        if not self._identity:
            return
        with contextlib.suppress(OSError):
            status = os.lstat(self._path)
            if (status.st_dev, status.st_ino) == self._identity:
                os.unlink(self._path)

    def _bind(self) -> None:
        try:
            self._sock.bind(self._path)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise OSError(error.errno, error.strerror or str(error),
                              self._path) from None
            self._check_stale()
            os.unlink(self._path)
            self._sock.bind(self._path)

    def _check_stale(self) -> None:
        """A socket that nobody has any more. Asked by one of another type,
        which cannot connect, so that who listens does not hear of it.
        """
        if not stat.S_ISSOCK(os.lstat(self._path).st_mode):
            raise OSError(errno.EEXIST, "there is a file, which is no socket",
                          self._path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
            if probe.connect_ex(self._path) != errno.ECONNREFUSED:
                raise OSError(errno.EADDRINUSE,
                              "somebody listens there already", self._path)

    def _watch(self) -> None:
        if self._sock.fileno() >= 0:
            self._device.loop.watch(self._sock.fileno(), self._accept)

    def _accept(self, fd: int, events: int) -> None:
        try:
            sock, _ = self._sock.accept()
        except BlockingIOError:
            return
        except OSError as error:
            # No descriptors left: it stays readable, so ask again later.
            if not self._told:
                self._told = True
                self._device._warn("no client can come: %s", error.strerror)
            self._device.loop.unwatch(fd)
            self._device.loop.call_later(1.0, self._watch)
            return
        self._told = False
        self._device._accepted(sock)


# ---- a program ----

def run(loop: Optional[Loop] = None) -> None:
    """Serves this thread's devices (or those of @loop) until SIGTERM, SIGINT
    or stop(); a second signal acts as it did before.
    """
    loop = loop or Loop.current()
    if threading.current_thread() is not threading.main_thread():
        loop.run()
        return
    before = {}

    def restore() -> None:
        while before:
            signal.signal(*before.popitem())

    def stop(number: int, frame: Any) -> None:
        restore()
        loop.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        before[number] = signal.signal(number, stop)
    try:
        loop.run()
    finally:
        restore()


def main(device: Device, argv: Optional[Sequence[str]] = None) -> None:
    """A program that is this device: `--socket PATH`, and `--verbose`. Ends
    as Device.serve() does.
    """
    parser = argparse.ArgumentParser(description=type(device).__doc__)
    parser.add_argument("--socket", required=True, metavar="PATH",
                        help="where the emulator finds the device")
    parser.add_argument("--verbose", action="store_true",
                        help="log more than warnings")
    args = parser.parse_args(argv)
    logging.basicConfig(format="%(message)s", level=logging.DEBUG
                        if args.verbose else logging.WARNING)
    device.serve(args.socket)
