"""A limit on the memory of the service, and a client whose payload does not fit."""
import clients
from scenario import CONFIG, MESSAGE, Scenario

# JSON takes many times its size when it is parsed. These fit into the limit before that, and not after.
LIMIT = "160M"
NUMBERS = 8_000_000
ROOMY = CONFIG.replace("[workers]", '[workers]\npayload_memory = "128MiB"')
OUT_OF_MEMORY = "was killed by SIGKILL (Killed): out of memory in cgroup /"


class Memory(Scenario):
    def test_memory_limit_kill_is_explained(self):
        self.service.configure(ROOMY)
        self.service.drop_in(f"[Service]\nMemoryMax={LIMIT}\nMemorySwapMax=0\n")
        self.service.start()
        if not self.service.show("MemoryCurrent").isdigit():
            self.skipTest("the cgroups of this machine give a container no memory controller")
        pid = self.service.main_pid()
        hostile = b'{"action": "search", "value": [1' + b",1" * NUMBERS + b"]}"
        with clients.Visitors(MESSAGE) as visitors, clients.Connection(MESSAGE) as client:
            client.send(hostile, content_type="text/json")
            self.assertEqual(client.receive().status, "handler_crashed")
            # The connection that it came over is as good as before.
            self.assertEqual(client.ask({"action": "search", "value": "ring"}).status, "ok")
        self.assertEqual(visitors.troubles, [])
        self.assertGreater(visitors.answered, 20)
        self.assertTrue(self.service.is_active())
        self.assertEqual(self.service.main_pid(), pid)
        self.assertEqual(self.service.show("NRestarts"), "0")
        self.assertIn("/system.slice/windlass.service", self.journal.wait_for(OUT_OF_MEMORY))
        deaths = self.ctl("deaths")
        self.assertRegex(deaths.stdout, r"pool-\d.* out of memory in cgroup /\S*/system.slice/windlass.service")
        self.assertEqual(len(self.service.processes()), 7, "the dead one is replaced")
