"""A copy of this machine's files, in which packages can be installed: an overlay that is thrown away."""
import os
import pathlib
import shutil
import tempfile

import tried

# Everything in a mount namespace of its own, so that nothing stays mounted. $0: the folder; $1: "systemd" or "".
ENTER = """
set -e
mount -t overlay overlay -o lowerdir=/,upperdir="$0/upper",workdir="$0/work" "$0/root"
mount -t proc proc "$0/root/proc"
mount --rbind /dev "$0/root/dev"
mount -t tmpfs tmpfs "$0/root/run"
[ -z "$1" ] || mkdir -p "$0/root/run/systemd/system"
shift
exec chroot "$0/root" "$@"
"""
# Instead of the real one: writes down what it is asked, and says that these units run and are enabled.
SYSTEMCTL = """#!/bin/sh
echo "$*" >> /systemctl.log
case $* in
  *list-units*) cat /running 2>/dev/null ;;
  *is-enabled*) echo enabled ;;
  *is-active*) exit 3 ;;
esac
"""


class Unavailable(Exception):
    """This machine does not let us have one, and why."""


class MachineCopy:
    """`systemd`: whether maintainer scripts believe that systemd runs."""

    def __init__(self, systemd=False):
        if os.geteuid() != 0:
            raise Unavailable("not root")
        self.systemd = "systemd" if systemd else ""
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="windlass-machine-"))
        for name in ("upper", "work", "root"):
            (self.folder / name).mkdir()
        os.chmod(self.folder / "upper", 0o755)
        shutil.copytree(tried.PACKAGES, self.path("/packages"))
        entered = self.run("rm", "-f", "/usr/sbin/policy-rc.d")
        if entered.returncode != 0:  # as where temporary files are on an overlay themselves
            self.close()
            raise Unavailable(f"no overlay of this machine: {entered.stderr}")
        self.run("dpkg", "--purge", "windlass")
        if systemd:
            self.write("/usr/bin/systemctl", SYSTEMCTL, 0o755)

    def path(self, inside):
        """Of what was changed there; what was not is not below it."""
        return self.folder / "upper" / inside.lstrip("/")

    def write(self, inside, text, mode=0o644):
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def run(self, *command):
        return tried.run("unshare", "--mount", "sh", "-c", ENTER, self.folder, self.systemd, *command,
                         env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C",
                              "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"})

    def dpkg(self, *arguments):
        """What it said; AssertionError when it failed."""
        # Without what other packages do when one is installed: indexing manual pages takes longer than all the rest.
        done = self.run("dpkg", "--force-unsafe-io", "--no-triggers", *arguments)
        if done.returncode != 0:
            raise AssertionError(f"dpkg {arguments} ended with {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def install(self, version):
        (package,) = tried.PACKAGES.glob(f"windlass_{version}_*.deb")
        return self.dpkg("--install", f"/packages/{package.name}")

    def systemctl_calls(self):
        log = self.path("/systemctl.log")
        return log.read_text().splitlines() if log.exists() else []

    def close(self):
        shutil.rmtree(self.folder)
