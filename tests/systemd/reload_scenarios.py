"""Reloading through systemd: good files, bad files, and what the operator is told."""
import clients
from scenario import CONFIG, MESSAGE, Scenario
from service import eventually

MORE_POOL = CONFIG.replace("processes = 2", "processes = 3")
# The third line is at fault.
UNKNOWN_KEY = "\n[workers]\ncuont = 2\n" + CONFIG.replace("[workers]\ncount = 2", "")
UNKNOWN_KEY_IS = "/etc/windlass/windlass.toml:3:1: unknown key 'workers.cuont'"
SERVING_1 = "serving: 2 workers, 2 pool processes, generation 1"
SERVING_2 = "serving: 2 workers, 3 pool processes, generation 2"


class Reload(Scenario):
    def test_reload_good_and_bad(self):
        self.service.start()
        self.assertEqual(self.service.show("StatusText"), SERVING_1)
        with clients.Connection(MESSAGE) as old_client, clients.Visitors(MESSAGE) as visitors:
            self.good_file_takes_effect()
            self.bad_file_changes_nothing_and_is_explained()
            self.assertEqual(old_client.ask(b"still here", handler="echo").content, b"still here")
            self.repaired_file_leaves_no_trace_of_it()
        self.assertEqual(visitors.troubles, [])
        self.assertGreater(visitors.answered, 100)

    def good_file_takes_effect(self):
        pid = self.service.main_pid()
        self.service.configure(MORE_POOL)
        self.service.reload()
        self.assertEqual(self.service.show("StatusText"), SERVING_2)
        self.assertEqual(self.service.show("ReloadResult"), "success")
        self.assertEqual(self.service.main_pid(), pid)

    def bad_file_changes_nothing_and_is_explained(self):
        self.service.configure(UNKNOWN_KEY)
        result = self.service.systemctl("reload", self.service.name)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertTrue(self.service.is_active())
        self.assertEqual(self.service.show("SubState"), "running")
        status = self.service.show("StatusText")
        self.assertTrue(status.startswith(f"{SERVING_2}; the last reload failed: {UNKNOWN_KEY_IS}"), status)
        self.assertIn(UNKNOWN_KEY_IS, self.service.status())
        self.journal.wait_for(UNKNOWN_KEY_IS)

    def repaired_file_leaves_no_trace_of_it(self):
        self.service.configure(CONFIG)
        self.service.reload()
        status = self.service.show("StatusText")
        self.assertRegex(status, r"^serving: 2 workers, 2 pool processes, generation [34]$")
        self.assertNotIn("failed", self.service.status())

    def test_reload_by_signal_is_seen_in_the_status_too(self):
        self.service.start()
        self.service.configure(UNKNOWN_KEY)
        self.signal("HUP", self.service.main_pid())
        eventually(lambda: UNKNOWN_KEY_IS in self.service.show("StatusText"), self.service.status)
        self.assertTrue(self.service.is_active())
        self.service.configure(MORE_POOL)
        self.signal("HUP", self.service.main_pid())
        eventually(lambda: "3 pool processes" in self.service.show("StatusText"), self.service.status)
        self.assertNotIn("failed", self.service.show("StatusText"))

    def test_reload_is_a_job_of_systemd(self):
        self.service.start()
        self.service.configure(MORE_POOL)
        self.service.reload()
        self.assertEqual([text for text in self.journal.of_systemd() if text.startswith("Reload")],
                         ["Reloading windlass.service - Windlass worker-pool server...",
                          "Reloaded windlass.service - Windlass worker-pool server."])
