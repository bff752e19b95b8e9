"""The process that owns the container of the systemd tests.

Run by machine.boot as `unshare --mount --pid ... keeper.py FOLDER OWNER`. It makes a copy-on-write root out of the
running system, boots systemd in it, says in FOLDER/boot.json how that went, and waits. The container ends when the
keeper gets SIGTERM, when OWNER (a pidfd, of the test runner) has ended, or when the keeper dies, however that happens:
 - it is the first process of a pid namespace, so the kernel kills all that it has started;
 - everything that the container writes is in a tmpfs, and every mount in the keeper's own mount namespace.
What can be left behind then is a few empty cgroups, which the next keeper removes.
"""
import os
import pathlib
import secrets
import select
import signal
import subprocess
import sys
import time

from machine import ENVIRONMENT, children, first_child, last_line, write_json

BOOT_SECONDS = 60
CGROUP_PREFIX = "windlass-systemd-tests-"
# Hierarchies in which the container gets a cgroup of its own: controllers as in /proc/self/cgroup, "" is version 2.
HIERARCHIES = ("name=systemd", "memory", "")
# What a host image may have that does nothing, or nothing but harm, in this container.
MASKED_UNITS = ("console-getty.service", "getty.target", "systemd-logind.service", "systemd-networkd.service",
                "systemd-resolved.service", "systemd-timesyncd.service", "systemd-udevd.service",
                "systemd-tmpfiles-clean.timer", "e2scrub_reap.service", "ssh.service")


class CannotRun(Exception):
    """This machine does not let a container boot; not a fault of what is tested."""


def run(*command):
    """A command that must succeed: CalledProcessError otherwise."""
    return subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          env=ENVIRONMENT)


# --- The root file system ---

def mount_root(folder):
    """The host's root, copy-on-write, in FOLDER/mnt/root; returns it."""
    base = folder / "mnt"
    base.mkdir(exist_ok=True)
    try:
        run("mount", "-t", "tmpfs", "-o", "size=50%,mode=755", "tmpfs", base)
        for name in ("upper", "work", "root"):
            (base / name).mkdir()
        for name in ("dev", "run", "tmp"):  # empty in the copy
            (base / "upper" / name).mkdir()
            os.setxattr(base / "upper" / name, "trusted.overlay.opaque", b"y")
        run("mount", "-t", "overlay", "-o", f"lowerdir=/,upperdir={base}/upper,workdir={base}/work", "overlay",
            base / "root")
        run("mount", "-t", "tmpfs", "tmpfs", "/run")  # systemd-nspawn leaves files there
    except subprocess.CalledProcessError as error:
        raise CannotRun(error.stderr.strip()) from None
    except OSError as error:
        raise CannotRun(f"a copy-on-write root: {error}") from None
    return base / "root"


def prepare_root(root):
    """Makes the host's image one that boots in a moment, with nothing of the host's that would run."""
    if not (root / "usr/lib/systemd/systemd").exists():
        raise CannotRun("no systemd in the root file system")
    units = root / "etc/systemd/system"
    units.mkdir(parents=True, exist_ok=True)
    run("find", units, "-name", "*.wants", "-prune", "-exec", "rm", "-rf", "{}", "+")
    for unit in MASKED_UNITS:
        path = units / unit
        path.unlink(missing_ok=True)
        path.symlink_to("/dev/null")
    (root / "etc/machine-id").write_text("")
    (root / "usr/sbin/policy-rc.d").unlink(missing_ok=True)  # in images for containers: packages start nothing
    (root / "var/lib/man-db/auto-update").unlink(missing_ok=True)  # else every dpkg takes seconds
    # Messages as they come, all of them, in memory.
    conf = root / "etc/systemd/journald.conf.d"
    conf.mkdir(parents=True, exist_ok=True)
    (conf / "tests.conf").write_text("[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\n")


# --- Cgroups ---

def own_cgroups():
    """{controllers: folder of this process's cgroup} of those HIERARCHIES that are mounted."""
    groups = {}
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        mount = cgroup_mount(controllers)
        if mount is not None and controllers in HIERARCHIES:
            groups[controllers] = pathlib.Path(mount + path)
    return groups


def cgroup_mount(controllers):
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        _, folder, kind, options = line.split()[:4]
        if kind == "cgroup2" and controllers == "":
            return folder
        if kind == "cgroup" and controllers and controllers in options.split(","):
            return folder
    return None


def remove_cgroups(groups):
    """Removes those that have no process, with all below them."""
    for group in groups:
        for folder, _, _ in os.walk(group, topdown=False):
            try:
                os.rmdir(folder)
            except OSError as error:
                print(f"rmdir {folder}: {error}", flush=True)


def make_cgroups():
    """{controllers: folder of a new cgroup} below this process's own; removes what other keepers have left."""
    groups, unique = {}, secrets.token_hex(4)
    for name, parent in own_cgroups().items():
        remove_cgroups(parent.glob(CGROUP_PREFIX + "*"))
        groups[name] = parent / f"{CGROUP_PREFIX}{unique}"
        groups[name].mkdir()
    return groups


# --- The container ---

def start_container(root, groups, console):
    """systemd-nspawn as a child, in the cgroups `groups`."""
    def in_child():
        for group in groups:
            (group / "cgroup.procs").write_text(str(os.getpid()))
    command = ["systemd-nspawn", f"--directory={root}", "--machine=windlass-tests", "--boot", "--register=no",
               "--keep-unit", "--console=pipe", "--private-network", "--resolv-conf=off", "--timezone=off",
               "--link-journal=no"]
    try:
        with open(console, "w", encoding="utf-8") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENVIRONMENT,
                                    preexec_fn=in_child)
    except (OSError, subprocess.SubprocessError) as error:
        raise CannotRun(f"a container in its own cgroups: {error}") from None


def inside(leader, *command):
    return subprocess.run(["nsenter", "-t", str(leader), "-a", *command], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, env=ENVIRONMENT)


def wait_until_running(nspawn, console):
    """Waits until the container's systemd has reached its target; returns that systemd's pid."""
    deadline = time.monotonic() + BOOT_SECONDS
    state = "not there"
    while time.monotonic() < deadline:
        if nspawn.poll() is not None:
            raise CannotRun(f"systemd-nspawn ended: {last_line(console)}")
        leader = first_child(nspawn.pid)
        if leader is not None:
            answer = inside(leader, "systemctl", "is-system-running")
            state = answer.stdout.strip() or answer.stderr.strip()
            if state == "running":
                return leader
            if state == "degraded":
                # Services of other packages that the machine below happens to have; ours is not there yet.
                print("failed at boot:", inside(leader, "systemctl", "--failed", "--no-legend").stdout, flush=True)
                return leader
        time.sleep(0.05)
    raise RuntimeError(f"after {BOOT_SECONDS} s the container's systemd is {state}")


def hand_over_memory_controller(leader):
    """systemd-nspawn mounts the controllers of cgroup version 1 read-only. Mounted again inside, memory is writable in
    the container's own part of the hierarchy, and the systemd there uses it once it has looked again."""
    folder = "/sys/fs/cgroup/memory"
    for command in (("umount", folder), ("mount", "-t", "cgroup", "-o", "memory", "cgroup", folder),
                    ("systemctl", "daemon-reexec")):
        inside(leader, *command).check_returncode()


def boot(folder, groups):
    root = mount_root(folder)
    prepare_root(root)
    console = folder / "console.log"
    nspawn = start_container(root, groups.values(), console)
    leader = wait_until_running(nspawn, console)
    if "memory" in groups:
        hand_over_memory_controller(leader)
        wait_until_running(nspawn, console)
    write_json(folder / "boot.json", {})
    return nspawn


def wait_for_end(owner, nspawn):
    """Returns when one of the two has ended."""
    select.select([os.pidfd_open(nspawn.pid), owner], [], [])


def end_container():
    """Kills the container's first process, with which all others go, and waits until nothing is left."""
    for child in children(os.getpid()):
        leader = first_child(child)
        os.kill(child if leader is None else leader, signal.SIGKILL)
        for _ in range(100):  # systemd-nspawn has a little to put away
            if os.waitpid(child, os.WNOHANG) != (0, 0):
                break
            time.sleep(0.05)
        else:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def main(folder, owner):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    groups = make_cgroups()
    try:
        wait_for_end(owner, boot(folder, groups))
    except CannotRun as reason:
        write_json(folder / "boot.json", {"skip": str(reason)})
    except Exception as error:
        write_json(folder / "boot.json", {"error": str(error)})
        raise
    finally:
        end_container()
        remove_cgroups(groups.values())


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), int(sys.argv[2]))
