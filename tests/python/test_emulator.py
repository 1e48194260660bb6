# SPDX-License-Identifier: GPL-2.0-or-later
"""Models in Python as a guest sees them: the emulator, driven over the qtest
protocol, with devices that this process serves.

The test's argument is the emulator.
"""

import json
import mmap
import os
import signal
import socket
import subprocess
import time

import pl031
from client import Case, PATIENCE
from platypus_device import Device, Doorbell, Line, Region, Reject

RAM = 0x40000000
BASE = 0x0c000000  # of the first device on the platform bus
SPI = 112
ONES = 0xffffffff
PAGE = mmap.PAGESIZE


class Scratch(Device):
    """Memory, a trapped page with a DMA engine, and an edge."""

    regions = [Region(3 * PAGE, areas=[(0, PAGE), (2 * PAGE, PAGE)],
                      doorbells=[Doorbell(PAGE + 0x100, size=4)])]
    lines = [Line(), Line(edge=True)]
    SOURCE, TARGET, SIZE, EDGE = range(PAGE, PAGE + 32, 8)

    def __init__(self):
        self.registers = {}
        self.rung = 0

    def read(self, region, offset, size):
        if offset == PAGE + 0x200:
            raise Reject
        if offset == PAGE + 0x208:
            raise RuntimeError("broken")
        return self.registers.get(offset, 0)

    def write(self, region, offset, size, value):
        self.registers[offset] = value
        if offset == self.EDGE:
            self.raise_line(1)

    def ring(self, region, offset):
        self.rung += 1
        data = self.dma_read(self.registers[self.SOURCE],
                             self.registers[self.SIZE])
        self.dma_write(self.registers[self.TARGET], data)
        self.raise_line(1)

    def reset(self):
        self.registers.clear()


class Emulator:
    """One that runs without a CPU."""

    def __init__(self, test, *args):
        folder = test.folder()
        self.levels = {}
        self.counts = {}
        listeners = []
        for name in ("qtest", "qmp"):
            listeners.append(socket.socket(socket.AF_UNIX))
            test.addCleanup(listeners[-1].close)
            listeners[-1].settimeout(PATIENCE)
            listeners[-1].bind(os.path.join(folder, name))
            listeners[-1].listen()
        self.log = os.path.join(folder, "log")
        with open(self.log, "w") as log:
            self.child = subprocess.Popen(
                [ARGUMENTS[0], "-M", "virt", "-accel", "qtest",
                 "-display", "none", "-qtest", f"unix:{folder}/qtest",
                 "-chardev", f"socket,path={folder}/qmp,id=char0",
                 "-mon", "chardev=char0,mode=control", *args],
                stderr=log)
        test.addCleanup(self.child.wait, PATIENCE)
        test.addCleanup(self.child.kill)
        self.qmp, self.send_qmp = self.accept(test, listeners[1])
        self.qtest, self.send_qtest = self.accept(test, listeners[0])
        json.loads(self.qmp.readline())
        self.ask({"execute": "qmp_capabilities"})
        self.command("irq_intercept_in /machine/gic")

    @staticmethod
    def accept(test, listener):
        """To read from, and what sends."""
        sock, _ = listener.accept()
        sock.settimeout(PATIENCE)
        stream = sock.makefile("r")
        test.addCleanup(sock.close)
        test.addCleanup(stream.close)
        return stream, lambda line: sock.sendall(line.encode() + b"\n")

    def ask(self, request):
        self.send_qmp(json.dumps(request))
        while True:
            answer = json.loads(self.qmp.readline())
            if "event" not in answer:
                return answer["return"]

    def command(self, text):
        """The words of the answer behind OK."""
        self.send_qtest(text)
        while True:
            words = self.qtest.readline().split()
            if words[0] == "OK":
                return words[1:]
            assert words[0] == "IRQ", words
            line = int(words[2])
            self.levels[line] = words[1] == "raise"
            self.counts[line] = self.counts.get(line, 0) + self.levels[line]

    def readl(self, address):
        return int(self.command(f"readl {address:#x}")[0], 0)

    def writel(self, address, value):
        self.command(f"writel {address:#x} {value:#x}")

    def writeq(self, address, value):
        self.command(f"writeq {address:#x} {value:#x}")

    def memread(self, address, size):
        return bytes.fromhex(
            self.command(f"read {address:#x} {size:#x}")[0][2:])

    def memwrite(self, address, data):
        self.command(f"write {address:#x} {len(data):#x} 0x{data.hex()}")

    def quit(self):
        """Its status."""
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(PATIENCE)


class EmulatorCase(Case):
    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.folder(), "socket")

    def start(self, device, options=""):
        self.device = self.adopt(device)
        self.in_loop(self.device.listen, self.path)
        return self.another(options)

    def another(self, options=""):
        return Emulator(
            self, "-device", "vfio-user-platform,id=model,compatible=test,,it"
            f",socket={self.path}{options}")

    def wait_for(self, emulator, condition):
        """What comes by an eventfd comes in one of the next rounds."""
        end = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), end, "it never comes")
            emulator.readl(RAM)

    def end(self, emulator):
        self.assertEqual(emulator.quit(), 0)
        with open(emulator.log) as log:
            return log.read()


# Without a CPU nobody reports the end of an interrupt, except that on this
# route the next access is one.
TRAP = ",x-irq-route=trap"


class Rtc(EmulatorCase):
    def test_alarm(self):
        emulator = self.start(pl031.Pl031(), TRAP)
        now = emulator.readl(BASE + pl031.DR)
        self.assertLess(abs(now - time.time()), 3600)
        self.assertEqual([emulator.readl(BASE + 0xfe0 + 4 * i)
                          for i in range(4)], [0x31, 0x10, 4, 0])
        emulator.writel(BASE + pl031.IMSC, 1)
        emulator.writel(BASE + pl031.MR,
                        emulator.readl(BASE + pl031.DR) + 1)
        self.wait_for(emulator, lambda: emulator.levels.get(SPI))
        self.assertEqual(emulator.readl(BASE + pl031.MIS), 1)
        emulator.writel(BASE + pl031.ICR, 1)
        self.wait_for(emulator, lambda: not emulator.levels[SPI])
        # And once more.
        emulator.writel(BASE + pl031.LR, 5)
        emulator.writel(BASE + pl031.MR, 5)
        count = emulator.counts[SPI]
        self.wait_for(emulator, lambda: emulator.counts[SPI] > count)
        self.assertEqual(self.end(emulator), "")

    def test_load_and_reset(self):
        emulator = self.start(pl031.Pl031())
        emulator.writel(BASE + pl031.LR, 1000)
        self.assertEqual(emulator.readl(BASE + pl031.LR), 1000)
        self.assertLess(emulator.readl(BASE + pl031.DR) - 1000, 100)
        emulator.ask({"execute": "system_reset"})
        self.wait_for(emulator,
                      lambda: emulator.readl(BASE + pl031.LR) == 0)
        self.assertEqual(self.end(emulator), "")


class Memory(EmulatorCase):
    def check(self, options):
        emulator = self.start(Scratch(), options)
        for offset in (0, PAGE - 4, 2 * PAGE, 3 * PAGE - 4):
            emulator.writel(BASE + offset, 0x1234 + offset)
        for offset in (0, PAGE - 4, 2 * PAGE, 3 * PAGE - 4):
            self.assertEqual(emulator.readl(BASE + offset), 0x1234 + offset)
            self.assertEqual(self.in_loop(
                lambda at: bytes(self.device.memory()[at:at + 4]), offset),
                (0x1234 + offset).to_bytes(4, "little"))
        # What the model writes, the guest reads.
        self.in_loop(self.device.memory().__setitem__, slice(8, 12),
                     b"\1\2\3\4")
        self.assertEqual(emulator.readl(BASE + 8), 0x04030201)
        self.assertEqual(self.device.registers, {})
        emulator.writel(BASE + PAGE + 0x40, 7)
        self.assertEqual(self.device.registers, {PAGE + 0x40: 7})
        self.assertEqual(emulator.readl(BASE + PAGE + 0x40), 7)
        self.assertEqual(self.end(emulator), "")

    def test_mapped(self):
        self.check("")

    def test_by_message(self):
        self.check(",x-no-mmap=on")

    def test_no_register(self):
        emulator = self.start(Scratch())
        self.assertEqual(emulator.readl(BASE + PAGE + 0x200), ONES)
        self.assertEqual(emulator.readl(BASE + PAGE + 0x208), ONES)
        self.assertEqual(emulator.readl(BASE + PAGE + 0x40), 0)
        self.assertEqual(self.errors(), [
            "Scratch: read of 4 bytes at 0x1208 of region 0 failed"])
        self.end(emulator)

    def test_posted_writes(self):
        emulator = self.start(Scratch(), ",x-posted-writes=on,x-no-mmap=on")
        for i in range(200):
            emulator.writel(BASE + PAGE + 0x40 + 4 * i, i)
        self.assertEqual(
            [emulator.readl(BASE + PAGE + 0x40 + 4 * i) for i in range(200)
             if 4 * i + 0x40 not in (0x100, 0x200, 0x208)],
            [i for i in range(200)
             if 4 * i + 0x40 not in (0x100, 0x200, 0x208)])
        self.end(emulator)


class Dma(EmulatorCase):
    def check(self, options):
        emulator = self.start(Scratch(), options)
        data = bytes(range(256)) * 300
        emulator.memwrite(RAM + 0x100000, data)
        for register, value in ((Scratch.SOURCE, RAM + 0x100000),
                                (Scratch.TARGET, RAM + 0x200004),
                                (Scratch.SIZE, len(data))):
            emulator.writeq(BASE + register, value)
        emulator.writel(BASE + PAGE + 0x100, 1)
        self.wait_for(emulator, lambda: emulator.counts.get(SPI + 1) == 1)
        self.assertEqual(emulator.memread(RAM + 0x200004, len(data)), data)
        self.assertEqual(self.device.rung, 1)
        # What is no RAM is an error of the model's, and it goes on.
        emulator.writeq(BASE + Scratch.TARGET, BASE)
        emulator.writel(BASE + PAGE + 0x100, 1)
        self.wait_for(emulator, lambda: self.device.rung == 2)
        self.assertRegex("".join(self.errors()),
                         r"^Scratch: .* at 0x1100 of region 0 failed$")
        self.assertEqual(self.end(emulator), "")

    def test_shared(self):
        self.check("")

    def test_asked_for(self):
        self.check(",x-dma-share=off")


class Lines(EmulatorCase):
    def test_edge(self):
        emulator = self.start(Scratch())
        for count in range(1, 4):
            emulator.writel(BASE + Scratch.EDGE, 1)
            self.wait_for(emulator,
                          lambda: emulator.counts.get(SPI + 1) == count)
        self.assertEqual(self.end(emulator), "")

    def test_up_before_the_guest_is_there(self):
        device = Scratch()
        device.raise_line(0)
        emulator = self.start(device, TRAP)
        # The line is up; an access ends that, and it comes again.
        for count in range(1, 4):
            emulator.readl(BASE + PAGE)
            self.wait_for(emulator,
                          lambda: emulator.counts.get(SPI) == count)
        self.in_loop(device.lower_line)
        emulator.readl(BASE + PAGE)
        self.wait_for(emulator, lambda: not emulator.levels[SPI])
        self.assertEqual(emulator.counts[SPI], 3)
        self.end(emulator)


class Comings(EmulatorCase):
    def state(self, emulator):
        return emulator.ask({"execute": "qom-get", "arguments": {
            "path": "/machine/peripheral/model", "property": "state"}})

    def test_back_again(self):
        emulator = self.start(Scratch(), ",reconnect-ms=20")
        emulator.writel(BASE + PAGE + 0x40, 7)
        emulator.writel(BASE, 8)
        self.in_loop(self.device.close)
        self.wait_for(emulator, lambda: self.state(emulator) != "connected")
        self.assertEqual(emulator.readl(BASE + PAGE + 0x40), ONES)
        self.assertEqual(emulator.readl(BASE), ONES)
        self.in_loop(self.device.listen, self.path)
        self.wait_for(emulator, lambda: self.state(emulator) == "connected")
        self.assertEqual(emulator.readl(BASE + PAGE + 0x40), 7)
        self.assertEqual(emulator.readl(BASE), 0)  # new memory
        emulator.writel(BASE + Scratch.EDGE, 1)
        self.wait_for(emulator, lambda: emulator.counts.get(SPI + 1))
        self.end(emulator)

    def test_gone_for_good(self):
        emulator = self.start(Scratch())
        self.in_loop(self.device.close)
        self.wait_for(emulator, lambda: self.state(emulator) == "lost")
        self.assertEqual(emulator.readl(BASE), ONES)
        emulator.writel(RAM, 7)
        self.assertEqual(emulator.readl(RAM), 7)
        errors = [line for line in self.end(emulator).splitlines()
                  if "warning:" not in line]
        self.assertEqual(len(errors), 1, errors)

    def test_one_emulator_after_the_other(self):
        emulator = self.start(Scratch())
        emulator.writel(BASE + PAGE + 0x40, 7)
        self.end(emulator)
        self.in_loop(lambda: None)
        # The device was reset, since it can be.
        emulator = self.another()
        self.assertEqual(emulator.readl(BASE + PAGE + 0x40), 0)
        emulator.writel(BASE + PAGE + 0x40, 8)
        self.assertEqual(emulator.readl(BASE + PAGE + 0x40), 8)
        self.end(emulator)

    def test_a_second_emulator(self):
        emulator = self.start(Scratch())
        second = subprocess.run(
            [ARGUMENTS[0], "-M", "virt", "-accel", "qtest", "-device",
             f"vfio-user-platform,socket={self.path}"],
            stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
        self.assertEqual(second.returncode, 1)
        self.assertEqual(len(second.stderr.splitlines()), 1, second.stderr)
        self.assertIn(self.path, second.stderr)
        emulator.writel(BASE + PAGE + 0x40, 7)
        self.assertEqual(emulator.readl(BASE + PAGE + 0x40), 7)
        self.end(emulator)


ARGUMENTS = []  # tap.py sets them
