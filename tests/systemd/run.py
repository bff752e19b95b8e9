"""Runs one scenario, for ctest:

    run.py FOLDER MODULE NAME     # exit code 0 passed, 1 failed, 77 skipped

FOLDER is where fixture.py booted the machine; the scenario is the method test_NAME of a class in MODULE.
"""
import importlib
import pathlib
import sys
import unittest

import scenario

EXIT_FAILED, EXIT_SKIPPED = 1, 77


class Result(unittest.TextTestResult):
    """Has a scenario explain itself while things still are as they were when it failed."""

    def addFailure(self, test, err):
        super().addFailure(test, err)
        test.explain()

    def addError(self, test, err):
        super().addError(test, err)
        test.explain()


def find(module, name):
    for suite in unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(module)):
        for test in suite:
            if test.id().endswith(f".test_{name}"):
                return test
    raise LookupError(f"no scenario {name} in {module}")


def main(folder, module, name):
    scenario.FOLDER = pathlib.Path(folder)
    result = unittest.TextTestRunner(verbosity=2, resultclass=Result).run(find(module, name))
    if result.skipped:
        print(f"SKIPPED {name}: {result.skipped[0][1]}")
        return EXIT_SKIPPED
    return 0 if result.wasSuccessful() else EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
