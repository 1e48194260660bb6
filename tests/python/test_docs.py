# SPDX-License-Identifier: GPL-2.0-or-later
"""The model in docs/vfio-user.md, as its reader would run it."""

import os
import pathlib
import re
import signal
import struct
import subprocess
import sys
import time

from client import (Case, EVENTFD, MODULE, NONE, PATIENCE, TRIGGER, UNMASK,
                    eventfd)

DOC = pathlib.Path(__file__).resolve().parents[2] / "docs/vfio-user.md"
PERIOD_MS, COUNT, PENDING = 0, 4, 8


class Ticker(Case):
    def start(self):
        """A client of the model, as a program of its own."""
        folder = self.folder()
        program = os.path.join(folder, "ticker.py")
        path = os.path.join(folder, "socket")
        text, = re.findall(r"^```python\n(.*?)^```$", DOC.read_text(),
                           re.M | re.S)
        with open(program, "w") as file:
            file.write(text)
        self.child = subprocess.Popen(
            [sys.executable, "-B", "-W", "error", program, path],
            env={**os.environ, "PYTHONPATH": str(MODULE)},
            stderr=subprocess.PIPE)
        self.addCleanup(self.child.stderr.close)
        self.addCleanup(self.child.wait, PATIENCE)
        self.addCleanup(self.child.kill)
        client = self.connect(path)
        client.version()
        return client

    def test_ticks(self):
        client = self.start()
        fd = self.close_later(eventfd())
        client.set_irqs(EVENTFD | TRIGGER, fds=[fd])
        client.write(0, PERIOD_MS, struct.pack("<I", 1))
        for _ in range(3):
            os.read(fd, 8)  # waits for it
            self.assertEqual(client.read(0, PENDING, 4), b"\1\0\0\0")
            client.write(0, PENDING, bytes(4))
            client.set_irqs(NONE | UNMASK)
        self.assertGreaterEqual(
            struct.unpack("<I", client.read(0, COUNT, 4))[0], 3)
        # Stopped, it does not tick any more.
        client.write(0, PERIOD_MS, bytes(4))
        count = client.read(0, COUNT, 4)
        time.sleep(0.01)
        self.assertEqual(client.read(0, COUNT, 4), count)
        # No register, and one that cannot be written.
        self.assertEqual(client.read(0, 0xc, 4), b"\xff" * 4)
        client.write(0, COUNT, bytes(4))
        self.assertEqual(client.read(0, COUNT, 4), count)
        self.child.send_signal(signal.SIGTERM)
        self.assertEqual(self.child.communicate(timeout=PATIENCE)[1], b"")
        self.assertEqual(self.child.returncode, 0)
