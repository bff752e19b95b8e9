"""What handlers can do within the unit's limits, and where what they print goes."""
import clients
import scenario
from scenario import CONFIG, MESSAGE, Scenario

FILES_HANDLER = """
[[handler]]
name = "files"
builtin = "file"
options = { root = "/srv/files" }
"""
APPEND_HANDLER = """
[[handler]]
name = "append"
builtin = "append"
options = { file = "/var/lib/windlass/sink" }
"""
TALKATIVE = "/srv/libtalkative_writev.so"  # tests/scenario/talkative_writev.c


class Handlers(Scenario):
    def test_handler_serves_files(self):
        self.machine.run("mkdir", "-p", "/srv/files/below")
        self.machine.write("/srv/files/below/a.txt", "the content")
        self.service.configure(CONFIG + FILES_HANDLER)
        self.service.start()
        self.assertEqual(clients.ask(MESSAGE, b"below/a.txt", "files").content, b"the content")
        self.assertEqual(clients.ask(MESSAGE, b"../../etc/passwd", "files").status, "not_found")

    def test_handler_writes_below_var_lib(self):
        self.service.configure(CONFIG + APPEND_HANDLER)
        self.service.start()
        self.assertEqual(clients.ask(MESSAGE, b"a line", "append").status, "ok")
        self.assertIn("a line\n", self.machine.read("/var/lib/windlass/sink"))

    def test_handler_output_reaches_the_journal(self):
        self.machine.copy_in(scenario.FOLDER.parent / "tests" / "libtalkative_writev.so", TALKATIVE)
        self.service.drop_in(f"[Service]\nEnvironment=LD_PRELOAD={TALKATIVE}\n")
        self.service.configure(CONFIG + APPEND_HANDLER)
        self.service.start()
        self.assertEqual(clients.ask(MESSAGE, b"say hello", "append").status, "ok")
        line = self.journal.wait_for("stderr hello")
        self.assertRegex(line, r"^pool-\d+\[\d+\] output of append, job \d+: stderr hello$")
        self.assertIn(line, self.journal.messages(priority="6"))
        self.assertEqual(clients.ask(MESSAGE, b"die of it", "append").status, "handler_crashed")
        self.assertRegex(self.journal.wait_for("die of it"), r"which has ended in job \d+ of append: die of it$")
