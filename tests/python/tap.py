#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the unittest cases of a file, and says in TAP how each went.

    tap.py FILE [ARGUMENT...]

The arguments are the module's `ARGUMENTS`.
"""

import importlib.util
import pathlib
import sys
import unittest
import warnings


class TapResult(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.number = 0

    def say(self, word, test, text=""):
        self.number += 1
        print(word, self.number, "-", test.id().split(".", 1)[1], flush=True)
        for line in text.splitlines():
            print("#", line, flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.say("ok", test)

    def addError(self, test, error):
        super().addError(test, error)
        self.say("not ok", test, self.errors[-1][1])

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.say("not ok", test, self.failures[-1][1])

    def addSubTest(self, test, subtest, error):
        """Only those that fail are told of; the test itself then is not."""
        super().addSubTest(test, subtest, error)
        if error:
            text = (self.failures + self.errors)[-1][1]
            self.say("not ok", subtest, text)


def load(path):
    python = path.parents[2] / "device/python"
    sys.path[:0] = [str(path.parent), str(python), str(python / "models")]
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def main():
    # A descriptor that nobody closed is a defect of what is tested, too.
    warnings.simplefilter("error")
    unraisable = []
    sys.unraisablehook = unraisable.append
    module = load(pathlib.Path(sys.argv[1]).resolve())
    module.ARGUMENTS = sys.argv[2:]
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    result = TapResult()
    suite.run(result)
    for error in unraisable:
        print("# in a destructor:", repr(error.exc_value))
    print(f"1..{result.number}")
    good = result.wasSuccessful() and result.number and not unraisable
    return 0 if good else 1


sys.dont_write_bytecode = True
sys.exit(main())
