"""What is done once for all scenarios, as ctest fixtures.

    fixture.py boot FOLDER PACKAGES LEDGER_LOAD   # boots a machine and installs the package from the folder PACKAGES
    fixture.py halt FOLDER

Exit code 77: no machine can be had here; each scenario then says why. With WINDLASS_SYSTEMD_TESTS=required in the
environment that is a failure.
"""
import json
import os
import pathlib
import sys

import machine

EXIT_FAILED, EXIT_SKIPPED = 1, 77
PACKAGES = "/srv/packages"  # in the machine
LEDGER_LOAD = "/srv/ledger_load"


def find_packages(folder):
    """The package of this version, and the same again as if it were the next one."""
    upcoming = list(folder.glob("windlass_*+next_*.deb"))
    current = [path for path in folder.glob("windlass_*.deb") if path not in upcoming]
    if len(upcoming) != 1 or len(current) != 1:
        raise RuntimeError(f"{folder} has packages {current} and {upcoming}; one of each is needed")
    return {"current": current[0], "next": upcoming[0]}


def install(container, folder, packages, ledger_load):
    """Copies what scenarios use into the machine, and installs the package as an operator does."""
    files = {}
    for name, path in find_packages(packages).items():
        files[name] = f"{PACKAGES}/{path.name}"
        container.copy_in(path, files[name])
    container.copy_in(ledger_load, LEDGER_LOAD)
    container.run("dpkg", "--purge", "windlass", "windlass-dev")  # if the host has it
    result = container.run("dpkg", *machine.DPKG_OPTIONS, "--install", files["current"])
    (folder / "install.log").write_text(result.stdout + result.stderr)
    if result.returncode != 0:
        raise RuntimeError(result.stderr)
    container.run("systemctl", "stop", "windlass")
    (folder / "packages.json").write_text(json.dumps(files | {"ledger_load": LEDGER_LOAD}))


def boot(folder, packages, ledger_load):
    try:
        machine.boot(folder)
    except machine.Unavailable as reason:
        print(f"SKIPPED: {reason}")
        return EXIT_FAILED if os.environ.get("WINDLASS_SYSTEMD_TESTS") == "required" else EXIT_SKIPPED
    try:
        install(machine.Machine.attach(folder), folder, packages, ledger_load)
    except Exception:
        machine.halt(folder)
        raise
    return 0


def main(what, *paths):
    paths = [pathlib.Path(path).absolute() for path in paths]
    if what == "boot":
        return boot(*paths)
    machine.halt(*paths)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
