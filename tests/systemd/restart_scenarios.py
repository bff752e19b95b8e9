"""Restarts, wanted and unwanted, and what clients notice of them: nothing, where a socket unit holds the sockets."""
import threading
import time

import clients
from scenario import CONFIG, LINE, LINE_LISTENER, MESSAGE, Scenario
from service import eventually

LINE_SOCKET = """
[Socket]
ListenStream=127.0.0.1:65434
FileDescriptorName=lines
Backlog=4096
Service=windlass.service
"""
RESTARTS = 3


class Restart(Scenario):
    def start_by_socket(self):
        """The socket unit is there first; the first client starts the service."""
        self.socket = self.unit("windlass.socket")
        self.socket.start()
        self.assertEqual(self.service.show("ActiveState"), "inactive")
        self.assertEqual(clients.echo_message(MESSAGE, b"first"), b"first")
        self.service.wait_until("ActiveState", "active")

    def restart_often(self):
        for _ in range(RESTARTS):
            pid = self.service.main_pid()
            self.service.restart()
            self.assertNotEqual(self.service.main_pid(), pid)
            time.sleep(0.3)  # of load on the new one

    def test_restart_with_socket_unit_under_load(self):
        self.start_by_socket()
        with clients.Visitors(MESSAGE) as visitors:
            self.restart_often()
        self.assertEqual(visitors.troubles, [])
        self.assertGreater(visitors.answered, 100)

    def test_restart_with_two_socket_units_by_name_under_load(self):
        lines = self.unit("windlass-lines.socket")
        lines.define(LINE_SOCKET)
        lines.start()
        self.service.configure(CONFIG + LINE_LISTENER.replace("127.0.0.1:65434", "systemd:lines"))
        self.start_by_socket()
        with clients.Visitors(MESSAGE, count=2) as messages, \
                clients.Visitors(LINE, clients.echo_line, count=2) as texts:
            self.restart_often()
        self.assertEqual(messages.troubles + texts.troubles, [])
        self.assertGreater(messages.answered, 50)
        self.assertGreater(texts.answered, 50)

    def test_restart_without_socket_unit_frees_and_takes_the_port(self):
        self.service.start()
        self.restart_often()
        self.assertEqual(clients.echo_message(MESSAGE, b"here"), b"here")

    def test_passed_socket_that_nobody_uses_is_warned_about(self):
        lines = self.unit("windlass-lines.socket")
        lines.define(LINE_SOCKET)
        lines.start()
        self.service.start()
        warning = self.journal.wait_for("no listener uses socket 'lines' (127.0.0.1:65434)")
        self.assertIn(warning, self.journal.messages(priority="4"))
        self.assertEqual(clients.echo_message(MESSAGE, b"here"), b"here")

    # --- Deaths of the master

    def expect_another_master(self, old, old_processes):
        """Waits until the service runs again, with nothing of the old one left."""
        eventually(lambda: self.service.is_active() and self.service.main_pid() not in (0, old), self.service.status)
        self.assertEqual(self.service.show("NRestarts"), "1")
        for pid in old_processes:
            self.assertFalse(self.process_is(pid), f"process {pid} of the old master")

    def test_killed_master_is_restarted(self):
        self.service.start()
        old, processes = self.service.main_pid(), self.service.processes()
        self.assertEqual(len(processes), 7, processes)  # master, zygote, admin, workers, pool processes
        self.signal("KILL", old)
        self.expect_another_master(old, processes)
        self.assertEqual(clients.echo_message(MESSAGE, b"here"), b"here")
        self.assertIn("Failed with result 'signal'", self.journal.text())

    def test_killed_master_with_socket_unit_refuses_nobody(self):
        self.start_by_socket()
        old, processes = self.service.main_pid(), self.service.processes()
        with clients.Visitors(MESSAGE) as visitors:
            self.signal("KILL", old)
            self.expect_another_master(old, processes)
            answered = visitors.answered
            eventually(lambda: visitors.answered > answered + 100, "answers by the new master")
        # Those that it had accepted may have been cut off or answered `unavailable`; nobody was turned away.
        self.assertEqual(visitors.refused, 0, visitors.troubles)

    def test_stopped_master_is_found_by_the_watchdog(self):
        self.service.drop_in("[Service]\nWatchdogSec=2s\n")
        self.service.start()
        old, processes = self.service.main_pid(), self.service.processes()
        time.sleep(3)  # a healthy one is left alone for longer than the watchdog waits
        self.assertEqual(self.service.main_pid(), old)
        self.signal("STOP", old)
        self.expect_another_master(old, processes)
        self.assertIn("Watchdog timeout (limit 2s)!", self.journal.text())
        self.assertIn("Failed with result 'watchdog'", self.journal.text())
        self.assertEqual(clients.echo_message(MESSAGE, b"here"), b"here")

    # --- Ends that are none of its fault

    def test_wrong_configuration_at_start_is_not_restarted(self):
        self.service.configure(CONFIG.replace("count = 2", "count = -2"))
        result = self.service.systemctl("start", self.service.name)
        self.assertNotEqual(result.returncode, 0)
        # A unit that is to be restarted is `activating`, not `failed`.
        self.assertEqual(self.service.show("ActiveState"), "failed")
        self.assertEqual(self.service.show("Result"), "exit-code")
        self.assertEqual(self.service.show("ExecMainStatus"), "78")
        self.assertEqual(self.service.show("NRestarts"), "0")
        where = "/etc/windlass/windlass.toml:3:9: "
        self.assertIn(where, self.journal.text())
        self.assertIn(where, self.service.show("StatusText"))

    def test_wrong_configuration_with_socket_unit_is_not_started_without_end(self):
        self.start_by_socket()
        self.service.stop()
        self.service.configure(CONFIG.replace("count = 2", "count = -2"))
        with clients.Visitors(MESSAGE, count=2):
            eventually(lambda: self.socket.show("ActiveState") == "failed", self.socket.status)
        self.assertEqual(self.socket.show("Result"), "trigger-limit-hit")
        starts = self.journal.text().count("windlass.toml:3:9: ")
        self.assertLess(starts, 20)
        self.service.configure(CONFIG)
        eventually(self.serves_after_a_restart_of_the_socket, "served again")  # when the ten seconds are over

    def serves_after_a_restart_of_the_socket(self):
        self.service.systemctl("restart", self.socket.name)
        try:
            return clients.echo_message(MESSAGE, b"again") == b"again"
        except OSError:
            return False

    def stop_while_it_burns(self, seconds):
        """A job runs when the service is told to stop; returns what its client hears, once the service has stopped."""
        with clients.Connection(MESSAGE) as client:
            client.send({"action": "burn", "ms": seconds * 1000})
            eventually(lambda: "burn" in self.ctl("jobs").stdout, "the job runs")
            stop = threading.Thread(target=self.service.stop)
            stop.start()
            self.service.wait_until("ActiveState", "deactivating")
            self.assertTrue(self.service.show("StatusText").startswith("stopping"), self.service.status())
            answer = client.receive()
            stop.join()
        return answer

    def expect_stopped_well(self):
        self.assertEqual(self.service.show("ActiveState"), "inactive")
        self.assertEqual(self.service.show("Result"), "success")
        self.assertEqual(self.service.show("ExecMainStatus"), "0")

    def test_stop_drains(self):
        self.service.start()
        begin = time.monotonic()
        self.assertEqual(self.stop_while_it_burns(seconds=2).status, "ok")
        self.assertGreater(time.monotonic() - begin, 2)
        self.expect_stopped_well()

    def test_stop_drains_longer_than_the_unit_allows_if_the_configuration_does(self):
        self.service.drop_in("[Service]\nTimeoutStopSec=1s\n")
        self.service.start()
        self.assertEqual(self.stop_while_it_burns(seconds=3).status, "ok")
        self.expect_stopped_well()
