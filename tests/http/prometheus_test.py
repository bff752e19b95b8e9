"""A real Prometheus scrapes the admin pages while the server reloads and its pool processes crash: no counter ever goes
backwards, no scrape fails, and what was asked for is what was counted."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from server import TIMEOUT, Server, listener, served, skip_unless_found, tried

RELOADS = 20
CRASHES = 100
CONFIGURATION = """
global:
  scrape_interval: 200ms
  scrape_timeout: 200ms
scrape_configs:
- job_name: windlass
  static_configs:
  - targets: ['127.0.0.1:{port}']
"""
FAULT = f"""
[[handler]]
name = "fault"
library = "{tried.BUILD}/plugins/fault.so"
idempotent = false
"""
COUNTERS = '{__name__=~"windlass_.*(_total|_bucket|_count|_sum)"}'


class Prometheus:
    def __init__(self, admin_port):
        self.folder = tempfile.TemporaryDirectory(prefix="windlass-prometheus-")
        folder = pathlib.Path(self.folder.name)
        (folder / "prometheus.yml").write_text(CONFIGURATION.format(port=admin_port))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = (folder / "log").open("wb+")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address=127.0.0.1:{self.port}"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env={**os.environ, "GOMAXPROCS": "1"})
        try:
            served.wait_until(lambda: self.value("scrape_samples_scraped > 0") is not None, TIMEOUT)
        except BaseException:
            self.close()
            raise

    def ask(self, text):
        """What it finds; None while it cannot be asked."""
        url = f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode({"query": text})
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
                return json.load(answer)["data"]["result"]
        except (OSError, urllib.error.URLError):
            return None

    def histories(self, text):
        """[(labels, values)] of a range."""
        found = self.ask(text)
        if found is None:
            raise AssertionError(f"cannot be asked: {text}")
        return [(one["metric"], [float(value) for _, value in one["values"]]) for one in found]

    def value(self, text):
        """The only one there is; None when there is none."""
        found = self.ask(text)
        return float(found[0]["value"][1]) if found else None

    def close(self):
        tried.end(self.process, signal.SIGKILL)
        self.log.close()
        self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def ask(server, path, body=None):
    """The status of the answer."""
    request = urllib.request.Request(server.url(path), data=body)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            answer.read()
            return answer.status
    except urllib.error.HTTPError as error:
        error.read()
        return error.code


class PrometheusScrapes(unittest.TestCase):
    def test_no_counter_goes_backwards_over_reloads_and_crashes(self):
        skip_unless_found("prometheus")
        with Server(FAULT + listener("127.0.0.1:0"), workers=2, pool=2, admin="127.0.0.1:0") as server, \
                Prometheus(server.admin_port) as prometheus:
            good = []

            def reload_again_and_again():
                for _ in range(RELOADS):
                    server.reload()
                    time.sleep(0.1)  # so that scrapes fall between them, too

            reloading = threading.Thread(target=reload_again_and_again)
            reloading.start()
            codes = []
            for _ in range(CRASHES):
                codes.append(ask(server, "/h/fault", b'{"action": "fault", "kind": "segv", "n": %d}' % len(codes)))
                good.append(ask(server, "/h/search?value=ring"))
            reloading.join()
            self.assertEqual(set(good), {200})
            self.assertEqual(set(codes), {500})
            status = server.status()
            self.assertEqual(status["generation"], RELOADS + 1)

            # The last word is scraped.
            served.wait_until(lambda: prometheus.value(
                'sum(windlass_requests_total{handler="search", code="ok"})') == CRASHES, TIMEOUT)
            served.wait_until(lambda: prometheus.value(
                'sum(windlass_requests_total{handler="fault", code="handler_crashed"})') == CRASHES, TIMEOUT)
            served.wait_until(lambda: prometheus.value("windlass_generation") == RELOADS + 1, TIMEOUT)
            served.wait_until(lambda: prometheus.value("sum(windlass_deaths_total)") >= CRASHES, TIMEOUT)
            self.assertEqual(prometheus.value('sum(windlass_request_duration_seconds_count{handler="search"})'),
                             CRASHES)
            self.assertGreater(prometheus.value(f"count({COUNTERS})"), 50)
            histories = prometheus.histories(COUNTERS + "[10m]")
            self.assertGreater(max(len(values) for _, values in histories), 10)
            backwards = [(labels, values) for labels, values in histories if values != sorted(values)]
            self.assertEqual(backwards, [])
            ups = prometheus.histories('up{job="windlass"}[10m]')
            self.assertEqual([set(values) for _, values in ups], [{1.0}], "every scrape was answered")


if __name__ == "__main__":
    tried.main()
