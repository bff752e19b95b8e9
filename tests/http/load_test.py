"""http under the load of wrk and h2load: nothing fails, also while the server reloads, and contents that come slowly
cost nobody anything."""
import unittest

import answers
from load import answered_by_h2load, answered_by_wrk, h2load, wrk
from server import Server, listener, tried

RELOADS = 10
SLOW_CLIENTS = 50
SLOW_BYTES = 3  # rounds of a byte each
PER_ROUND = 2000


class UnderLoad(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(listener("127.0.0.1:0"), workers=2, pool=2)
        cls.addClassCleanup(cls.server.close)
        cls.content = cls.server.path / "content"
        cls.content.write_bytes(b"c" * 128)
        cls.script = cls.server.path / "post.lua"
        cls.script.write_text('wrk.method = "POST"\nwrk.body = string.rep("c", 128)\n')

    def reload_while(self, load):
        """As often as RELOADS, or as long as the load runs."""
        done = 0
        while done < RELOADS and load.runs():
            self.server.reload()
            done += 1
        self.assertGreaterEqual(done, 3, "too few reloads while it ran")

    def test_wrk_on_a_fixed_answer(self):
        with wrk(self.server.url("/hello")) as load:
            self.assertGreater(answered_by_wrk(load.said()), 1000)

    def test_wrk_on_the_pool(self):
        with wrk(self.server.url("/h/binary"), "-s", self.script) as load:
            self.assertGreater(answered_by_wrk(load.said()), 1000)

    def test_h2load_on_a_fixed_answer(self):
        with h2load(self.server.url("/hello"), "-n20000", "-m8") as load:
            self.assertEqual(answered_by_h2load(load.said()), 20000)

    def test_h2load_on_the_pool(self):
        with h2load(self.server.url("/h/binary"), "-n10000", "-d", self.content) as load:
            self.assertEqual(answered_by_h2load(load.said()), 10000)

    def test_wrk_while_the_server_reloads(self):
        with wrk(self.server.url("/h/binary"), "-s", self.script, seconds=4) as load:
            self.reload_while(load)
            self.assertGreater(answered_by_wrk(load.said()), 1000)

    def test_h2load_while_the_server_reloads(self):
        with h2load(self.server.url("/h/binary"), "-D4", "-d", self.content, connections=16) as load:
            self.reload_while(load)
            self.assertGreater(answered_by_h2load(load.said()), 1000)

    def test_pipelines_while_the_server_reloads(self):
        with h2load(self.server.url("/hello"), "-D4", "-m16") as load:
            self.reload_while(load)
            self.assertGreater(answered_by_h2load(load.said()), 1000)


class SlowContents(unittest.TestCase):
    def setUp(self):
        self.server = Server(listener("127.0.0.1:0"), pool=2)
        self.addCleanup(self.server.close)

    def slow_requests(self):
        """Of each kind: small and large, with a length and in chunks, and without a byte of content yet."""
        head = b"POST /h/binary HTTP/1.1\r\nHost: a\r\n"
        small, large = b"x" * 100, b"y" * 200_000
        kinds = [head + b"Content-Length: %d\r\n\r\n" % len(content) + content for content in (small, large)]
        kinds += [head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(content), content)
                  for content in (small, large)]
        for number in range(SLOW_CLIENTS):
            request = kinds[number % len(kinds)]
            client = self.server.connect()
            self.addCleanup(client.close)
            yield client, request, request.index(b"\r\n\r\n") + 4 + number % 7

    def pool(self):
        return [process for process in self.server.status()["processes"] if process["role"] == "pool"]

    def test_they_cost_no_pool_process(self):
        slow = list(self.slow_requests())
        for client, request, begun in slow:
            client.sendall(request[:begun])
        content = self.server.path / "content"
        content.write_bytes(b"c" * 128)
        for number in range(SLOW_BYTES):
            for client, request, begun in slow:
                client.sendall(request[begun + number:begun + number + 1])
            before = sum(process["jobs"] for process in self.pool())
            with h2load(self.server.url("/h/binary"), f"-n{PER_ROUND}", "-d", content) as load:
                self.assertEqual(answered_by_h2load(load.said()), PER_ROUND)
            self.assertEqual(sum(process["jobs"] for process in self.pool()) - before, PER_ROUND)
            self.assertEqual([process["job_id"] for process in self.pool()], [None, None])
        self.assertEqual(self.server.status()["totals"]["connections"], SLOW_CLIENTS)
        for client, request, begun in slow:
            client.sendall(request[begun + SLOW_BYTES:])
        for client, request, _ in slow:
            self.assertEqual(answers.Reader(client).next().content, b"First 10 bytes of request: " + request[-15:-14] * 10
                             if b"chunked" in request else b"First 10 bytes of request: " + request[-1:] * 10)


if __name__ == "__main__":
    tried.main()
