"""windlassd as PID 1, as in a container: strangers are reaped and ignored, SIGTERM drains."""
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import served  # noqa: E402
import tried  # noqa: E402

UNSHARE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
# Leaves a grandchild behind that only PID 1 can reap, and that ends with this exit code.
ORPHAN = "import os, time\nif os.fork() == 0:\n    time.sleep(1)\n    os._exit({code})\n"


def children_of(pid):
    return [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def state_of(pid):
    """One letter of /proc/PID/stat; nothing when it is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


class Pid1(unittest.TestCase):
    def setUp(self):
        self.server = served.Server("--pool=2", "--workers=1", before=UNSHARE)
        self.addCleanup(self.server.close)
        (self.master,) = children_of(self.server.process.pid)  # its pid out here

    def leave_orphan(self, code):
        """Its pid out here, once it is PID 1's child."""
        before = set(children_of(self.master))
        command = ("nsenter", f"--target={self.master}", "--pid", "--mount", sys.executable, "-c",
                   ORPHAN.format(code=code))
        subprocess.run(command, check=True, timeout=20)
        (orphan,) = set(children_of(self.master)) - before
        return orphan

    def answer(self):
        with socket.create_connection(self.server.address, timeout=20) as client:
            return served.ask(client, served.search("ring"))[1]

    def test_is_pid_1(self):
        status = pathlib.Path(f"/proc/{self.master}/status").read_text()
        self.assertEqual(status.partition("NSpid:")[2].split("\n")[0].split()[-1], "1")
        self.assertIn(b"Misty Mountains", self.answer())

    def test_strangers_are_reaped_and_their_exit_codes_mean_nothing(self):
        own = set(children_of(self.master))
        for code in (0, 3, 78):
            orphan = self.leave_orphan(code)
            self.assertTrue(state_of(orphan))
            served.wait_until(lambda pid=orphan: not state_of(pid), 10)
        self.assertEqual(set(children_of(self.master)), own)
        self.assertIn(b"Misty Mountains", self.answer())
        self.assertIsNone(self.server.process.poll())

    def test_a_stranger_that_is_killed_is_no_death_of_ours(self):
        before = self.server.control("deaths", "--json").stdout
        orphan = self.leave_orphan(0)
        os.kill(orphan, signal.SIGKILL)
        served.wait_until(lambda: not state_of(orphan), 10)
        self.assertEqual(self.server.control("deaths", "--json").stdout, before)

    def test_sigterm_finishes_the_running_job_and_ends_with_0(self):
        with socket.create_connection(self.server.address, timeout=20) as client:
            begun = time.monotonic()
            client.sendall(served.burn(1500))
            served.wait_until(lambda: '"running": true' in self.server.control("jobs", "--json").stdout, 10)
            os.kill(self.master, signal.SIGTERM)
            header, _ = served.receive_answer(client)
            self.assertNotIn("status", header)
            self.assertGreater(time.monotonic() - begun, 1.4)
        self.assertEqual(self.server.process.wait(20), 0)

    def test_nothing_is_left_when_it_ends(self):
        family = [self.master, *children_of(self.master)]
        os.kill(self.master, signal.SIGTERM)
        self.assertEqual(self.server.process.wait(20), 0)
        self.assertEqual([pid for pid in family if state_of(pid)], [])


if __name__ == "__main__":
    if os.geteuid() != 0:
        tried.skip("not root: cannot make a pid namespace")
    tried.skip_unless_found("unshare", "nsenter")
    if tried.run(*UNSHARE, "true").returncode != 0:
        tried.skip("unshare --pid is not permitted here")
    tried.main()
