"""A real haproxy before two listeners, with health checks and connections that it keeps and shares: while the server
reloads under load, no request fails and nobody is taken for dead, by its own counters and by the client's."""
import csv
import contextlib
import http.client
import io
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import unittest

from load import answered_by_h2load, h2load
from server import HELLO, TIMEOUT, Server, listener, served, tried
from smuggling_rows import all_rows

RELOADS = 10
CHECK_EVERY_MS = 50
# Nothing that hides a failure: no retries, no other server instead.
CONFIGURATION = """
global
  stats socket {folder}/stats.sock mode 600
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout check 10s
  retries 0
  option http-keep-alive
  option httpchk
  http-reuse always
  http-check send meth GET uri {check_path} ver HTTP/1.1 hdr Host {check_host}
  http-check expect status 200
frontend clients
  bind 127.0.0.1:{port}
  default_backend windlass
backend windlass
  balance roundrobin
  default-server inter {inter}ms fall 1 rise 1
  server one 127.0.0.1:{ports[0]} check {check_more} {server_more}
  server two 127.0.0.1:{ports[1]} check {check_more} {server_more}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Haproxy:
    """In front of both listeners of the server. Ended by close()."""

    def __init__(self, server, check_path="/hello", check_port=None, server_more=""):
        self.folder = tempfile.TemporaryDirectory(prefix="windlass-haproxy-")
        folder = pathlib.Path(self.folder.name)
        self.port = free_port()
        configuration = folder / "haproxy.cfg"
        configuration.write_text(CONFIGURATION.format(
            folder=folder, port=self.port, ports=server.ports, check_path=check_path, inter=CHECK_EVERY_MS,
            check_host="127.0.0.1" if check_port is None else f"127.0.0.1:{check_port}",
            check_more="" if check_port is None else f"port {check_port}", server_more=server_more))
        self.stats = folder / "stats.sock"
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(["haproxy", "-db", "-f", configuration], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        try:
            served.wait_until(self.has_checked_both, TIMEOUT)
        except BaseException:
            self.close()
            raise

    def has_checked_both(self):
        if self.process.poll() is not None:
            raise AssertionError(f"haproxy ended:\n{self.log.read_text()}")
        return self.stats.exists() and all(row["check_status"] == "L7OK" for row in self.servers())

    def rows(self):
        """`show stat`: a row for the frontend, each server and the backend."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(TIMEOUT)
            client.connect(str(self.stats))
            client.sendall(b"show stat\n")
            said = b"".join(iter(lambda: client.recv(1 << 16), b"")).decode()
        return list(csv.DictReader(io.StringIO(said.removeprefix("# "))))

    def row(self, name):
        return next(row for row in self.rows() if row["svname"] == name)

    def servers(self):
        return [self.row("one"), self.row("two")]

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def close(self):
        tried.end(self.process, signal.SIGTERM)
        self.folder.cleanup()


class HaproxyInFront(unittest.TestCase):
    def start(self, check_path="/hello", at_the_admin_pages=False):
        self.server = Server(listener("127.0.0.1:0") + listener("127.0.0.1:0"), workers=2, pool=2,
                             admin="127.0.0.1:0" if at_the_admin_pages else "")
        self.addCleanup(self.server.close)
        self.proxy = Haproxy(self.server, check_path, self.server.admin_port)
        self.addCleanup(self.proxy.close)

    def expect_no_failure(self):
        """Of requests, connections or checks."""
        for row in self.proxy.servers():
            for counter in ("econ", "eresp", "wretr", "wredis", "hrsp_4xx", "hrsp_5xx", "srv_abrt", "chkfail",
                            "chkdown", "downtime"):
                self.assertEqual((row["svname"], counter, row[counter] or "0"), (row["svname"], counter, "0"),
                                 self.proxy.log.read_text())
            self.assertEqual(row["status"], "UP")
            self.assertGreater(int(row["hrsp_2xx"]), 0)
        front = self.proxy.row("FRONTEND")
        self.assertEqual((front["ereq"], front["hrsp_4xx"], front["hrsp_5xx"]), ("0", "0", "0"), front)

    def reload_under_load(self):
        content = os.urandom(300_000)
        client = http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=TIMEOUT)
        self.addCleanup(client.close)
        with h2load(self.proxy.url("/h/binary"), "-D5", "-d", self.server.configuration, connections=16) as load:
            reloads = 0
            while reloads < RELOADS and load.runs():
                self.server.reload()
                reloads += 1
                for sent in (content, iter([content[:1000], content[1000:]])):  # with a length, and in chunks
                    client.request("POST", "/h/echo", sent)
                    answer = client.getresponse()
                    self.assertEqual(answer.status, 200, self.proxy.servers() if answer.status != 200 else None)
                    self.assertTrue(answer.read() == content)
            answered = answered_by_h2load(load.said())
        self.assertGreater(answered, 1000)
        self.assertGreaterEqual(reloads, 3, "too few reloads while it ran")
        self.assertGreaterEqual(sum(int(row["hrsp_2xx"]) for row in self.proxy.servers()), answered + 2 * reloads)
        self.expect_no_failure()

    def test_reloads_under_load_fail_no_request(self):
        self.start()
        self.reload_under_load()

    def test_reloads_under_load_with_checks_on_readyz(self):
        self.start("/readyz", at_the_admin_pages=True)
        self.reload_under_load()

    def expect_the_clients_own_address(self, server_more):
        with tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder) / "access.log"
            more = {"allow": ["127.0.0.0/8"], "proxy_protocol": True, "access_log": str(log)}
            self.server = Server(listener("127.0.0.1:0", **more) + listener("127.0.0.1:0", **more), workers=2, pool=2)
            self.addCleanup(self.server.close)
            self.proxy = Haproxy(self.server, server_more=server_more)
            self.addCleanup(self.proxy.close)
            # An address of its own, so that it is not the proxy's.
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=TIMEOUT,
                                                               source_address=("127.0.0.9", 0))) as client:
                for _ in range(4):  # at both servers
                    client.request("POST", "/h/echo", b"hello", headers={"X-Request-Id": "behind the proxy"})
                    self.assertEqual(client.getresponse().read(), b"hello")
                address = "%s:%d" % client.sock.getsockname()
            self.server.reload()  # which writes what waits
            wanted = f'"peer":"{address}"'
            served.wait_until(lambda: any(wanted in line for line in log.read_text().splitlines()
                                          if '"request_id":"behind the proxy"' in line), TIMEOUT)
            self.expect_no_failure()

    def test_proxy_protocol_1_brings_the_clients_address(self):
        self.expect_the_clients_own_address("send-proxy")

    def test_proxy_protocol_2_brings_the_clients_address(self):
        self.expect_the_clients_own_address("send-proxy-v2 check-send-proxy")

    def test_connections_to_the_server_are_shared_and_kept(self):
        """Or the tests above would show nothing: many requests of many clients are few connections."""
        self.start()
        with h2load(self.proxy.url("/hello"), "-n2000", connections=4) as load:
            self.assertEqual(answered_by_h2load(load.said()), 2000)
        rows = self.proxy.servers()
        self.assertLessEqual(sum(int(row["connect"]) for row in rows), 40)
        self.assertGreaterEqual(sum(int(row["reuse"]) for row in rows), 1900)
        self.expect_no_failure()

    def test_no_request_of_the_smuggling_table_is_answered_to_somebody_else(self):
        """Attackers and others share haproxy's connections: what one sends must not be half of the next one's."""
        self.start()
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=TIMEOUT)) as other:
            for number, row in enumerate(all_rows()):
                with socket.create_connection(("127.0.0.1", self.proxy.port), timeout=TIMEOUT) as attacker:
                    attacker.sendall(row.request + b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
                    # Twice, because there are two servers, and with the attacker still there.
                    for part in range(2):
                        name = f"{number}-{part}"
                        other.request("GET", "/hello", headers={"X-Request-Id": name})
                        answer = other.getresponse()
                        self.assertEqual((answer.status, answer.getheader("X-Request-Id"), answer.read()),
                                         (200, name, HELLO), row.name)

    def test_a_server_that_stops_answers_what_it_has_and_is_seen_to_be_gone(self):
        self.start()
        client = http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=TIMEOUT)
        self.addCleanup(client.close)
        client.request("GET", "/hello")
        self.assertEqual(client.getresponse().read(), HELLO)
        self.server.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.server.process.wait(TIMEOUT), 0)
        served.wait_until(lambda: all(row["status"] == "DOWN" for row in self.proxy.servers()), TIMEOUT)
        client.request("GET", "/hello")
        self.assertEqual(client.getresponse().status, 503)  # haproxy's own


if __name__ == "__main__":
    tried.skip_unless_found("haproxy", "h2load")
    tried.main()
