"""What tests of the packaging need: where the build is, what the machine can do, commands that say what failed."""
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("WINDLASS_BUILD_DIR", SOURCE / "build"))
INSTALLED = BUILD / "tests" / "installed"  # made by the ctest fixture `installed`
PACKAGES = BUILD / "packages"              # made by the ctest fixture `deb`
SKIP_RETURN_CODE = 77                      # what ctest calls Skipped


def skip(why):
    print(f"SKIPPED: {why}")
    sys.exit(SKIP_RETURN_CODE)


def skip_unless_found(*programs):
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        skip(f"not installed: {', '.join(missing)}")


def main():
    """As unittest.main, but a run of which nothing is left but skipped tests ends as ctest wants it."""
    result = unittest.main(module="__main__", exit=False).result
    if result.wasSuccessful() and result.testsRun and len(result.skipped) == result.testsRun:
        skip(result.skipped[0][1])
    sys.exit(not result.wasSuccessful())


def run(*command, **options):
    """The finished command, whatever its exit code."""
    return subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=300, check=False, **options)


def output_of(*command, **options):
    """Its standard output; AssertionError with all it said when it fails."""
    done = run(*command, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def end(process, signal_number):
    """Asks the process to end; it is killed when it has not after ten seconds."""
    if process.poll() is not None:
        return
    process.send_signal(signal_number)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def project_version():
    return output_of(BUILD / "windlassd", "--version").split()[1]
