"""The part of `make bench` that is about http: Windlass beside nginx, and beside nginx + php-fpm.

The same client (wrk) for both, in turns. For the fixed answer the bytes on the wire are as many.
"""
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

from processes import BenchError, Processes, cpu_seconds

STATIC_CONNECTIONS = 64
PAYLOAD = 128
NGINX = """
worker_processes {workers};
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
user root;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; uwsgi_temp_path {folder}/uwsgi;
  fastcgi_temp_path {folder}/fastcgi; scgi_temp_path {folder}/scgi;
  # Not kept over requests: with as few children as there are, each would be held by one connection,
  # and all clients but two would starve.
  upstream php {{ server unix:{folder}/php.sock; }}
  server {{
    listen 127.0.0.1:{port} reuseport;
    location / {{ default_type text/plain; return 200 "{body}"; }}
    location /h/binary {{
      fastcgi_pass php;
      fastcgi_keep_conn on;
      fastcgi_param SCRIPT_FILENAME {folder}/binary.php;
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param CONTENT_LENGTH $content_length;
      fastcgi_param CONTENT_TYPE $content_type;
    }}
  }}
}}
"""
# What the handler `binary` does.
PHP = """<?php
header('Content-Type: binary/custom-server-binary-type');
echo 'First 10 bytes of request: ' . substr(file_get_contents('php://input'), 0, 10);
"""
PHP_FPM = """
[global]
error_log = {folder}/php.log
daemonize = no
[www]
user = root
group = root
listen = {folder}/php.sock
pm = static
pm.max_children = 2
"""
POST = """wrk.method = "POST"
wrk.body = string.rep("x", {bytes})
wrk.headers["Content-Type"] = "application/octet-stream"
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def needed(program):
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        raise BenchError(f"{program} is not there: tools/install_deps.sh bench")
    return path


def exchange(port, request):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(request)
        return client.recv(65536)


def wait_for(port, request, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if exchange(port, request).startswith(b"HTTP/1.1 200"):
                return
        except OSError:
            pass
        time.sleep(0.02)
    raise BenchError(f"nothing serves on port {port}")


GET = b"GET /hello HTTP/1.1\r\nHost: bench\r\n\r\n"
POST_ONE = (b"POST /h/binary HTTP/1.1\r\nHost: bench\r\nContent-Type: application/octet-stream\r\n"
            b"Content-Length: 128\r\n\r\n" + b"x" * PAYLOAD)


class HttpBench:
    """`start(config text)` gives a server of ours with the port of its `http` listener."""

    def __init__(self, processes: Processes, start):
        self.processes = processes
        self.start = start
        self.folder = tempfile.TemporaryDirectory(prefix="windlass-bench-")

    def windlass(self, workers, pool, body):
        return self.start("\n".join([
            "[workers]", f"count = {workers}", "[pool]", f"processes = {pool}", "[[listener]]",
            'protocol = "http"', 'address = "127.0.0.1:0"', 'routes = { "/hello" = "hello" }',
            "[[handler]]", 'name = "hello"', 'builtin = "static"', f'options = {{ body = "{body}" }}',
            ""]))

    def nginx(self, workers, body):
        folder = pathlib.Path(self.folder.name)
        port = free_port()
        (folder / "nginx.conf").write_text(
            NGINX.format(workers=workers, folder=folder, port=port, body=body))
        process = self.processes.start([needed("nginx"), "-c", folder / "nginx.conf", "-p", folder],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(port, GET)
        return process, port

    def php_fpm(self):
        folder = pathlib.Path(self.folder.name)
        (folder / "binary.php").write_text(PHP)
        (folder / "fpm.conf").write_text(PHP_FPM.format(folder=folder))
        programs = sorted(pathlib.Path("/usr/sbin").glob("php-fpm*"))
        if not programs:
            raise BenchError("php-fpm is not there: tools/install_deps.sh bench")
        return self.processes.start(
            [programs[-1], "-F", "-R", "-y", folder / "fpm.conf", "-d", "opcache.enable=1"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def wrk(self, port, path, connections, seconds, script=None):
        command = [needed("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
        if script is not None:
            command += ["-s", str(script)]
        process = self.processes.start([*command, f"http://127.0.0.1:{port}{path}"],
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            out, _ = process.communicate(timeout=seconds + 20)
        finally:
            self.processes.end(process)
        requests = re.search(r"(\d+) requests in", out)
        if requests is None or "Non-2xx" in out or "Socket errors" in out:
            raise BenchError(f"wrk: {out}")
        p99, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
        return {"requests": int(requests.group(1)),
                "rps": float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)),
                "p99_us": float(p99) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]}

    # --- CPU time of a fixed answer ---

    def same_bytes(self):
        """Two bodies with which the whole answers are equally long."""
        body = "hello from here"
        nginx, port = self.nginx(1, body)
        theirs = len(exchange(port, GET))
        self.processes.end(nginx)
        with self.windlass(1, 1, body) as server:
            ours = len(exchange(server.ports["http"], GET))
        return body + "." * max(0, theirs - ours), body + "." * max(0, ours - theirs)

    def static(self, rounds, seconds):
        our_body, their_body = self.same_bytes()
        per_request, rps = {"windlass": [], "nginx": []}, {"windlass": [], "nginx": []}
        with self.windlass(1, 1, our_body) as server:
            nginx, port = self.nginx(1, their_body)
            servers = {"windlass": (server.process, server.ports["http"]), "nginx": (nginx, port)}
            sizes = {name: len(exchange(at, GET)) for name, (_, at) in servers.items()}
            if len(set(sizes.values())) != 1:
                raise BenchError(f"answers of different lengths: {sizes}")
            for _, at in servers.values():
                self.wrk(at, "/hello", STATIC_CONNECTIONS, 1)  # warm
            for turn in range(rounds):
                order = list(servers.items())
                for name, (process, at) in order if turn % 2 == 0 else reversed(order):
                    before = cpu_seconds(process.pid)
                    load = self.wrk(at, "/hello", STATIC_CONNECTIONS, seconds)
                    after = cpu_seconds(process.pid)
                    finer = 1 if after[1] > 0 else 0
                    per_request[name].append((after[finer] - before[finer]) * 1e6 / load["requests"])
                    rps[name].append(load["rps"])
            self.processes.end(nginx)
        return per_request, rps, sizes

    # --- The pool's path ---

    def pool(self, rounds, seconds):
        folder = pathlib.Path(self.folder.name)
        script = folder / "post.lua"
        script.write_text(POST.format(bytes=PAYLOAD))
        results = {name: {8: [], 64: []} for name in ("windlass", "php-fpm")}
        with self.windlass(2, 2, "hello") as server:
            php = self.php_fpm()
            nginx, port = self.nginx(2, "hello")
            wait_for(port, POST_ONE)
            if b"First 10 bytes of request: xxxxxxxxxx" not in exchange(port, POST_ONE):
                raise BenchError("php-fpm answers something else")
            servers = {"windlass": server.ports["http"], "php-fpm": port}
            for at in servers.values():
                self.wrk(at, "/h/binary", 8, 1, script)
            for turn in range(rounds):
                for connections in (8, 64):
                    order = list(servers.items())
                    for name, at in order if turn % 2 == 0 else reversed(order):
                        results[name][connections].append(
                            self.wrk(at, "/h/binary", connections, seconds, script))
            self.processes.end(nginx)
            self.processes.end(php)
        return results


def http_figures(bench, figure, quick):
    def static():
        per_request, rps, sizes = bench.static(*((1, 1) if quick else (7, 3)))
        ratios = [ours / theirs for ours, theirs in zip(per_request["windlass"], per_request["nginx"])]
        figures = [figure(f"CPU per fixed answer of {name}, -c64", statistics.median(values), "us")
                   for name, values in per_request.items()]
        figures.append(figure("CPU per fixed answer: Windlass / nginx, median of the rounds",
                              statistics.median(ratios), "x", target=1.05, at_least=False))
        return figures, {"cpu_us": per_request, "rps": rps, "bytes": sizes}

    def pool():
        results = bench.pool(*((1, 1) if quick else (3, 4)))
        figures = []
        for connections in (8, 64):
            medians = {name: {key: statistics.median(run[key] for run in runs[connections])
                              for key in ("rps", "p99_us")} for name, runs in results.items()}
            ours, theirs = medians["windlass"], medians["php-fpm"]
            figures += [
                figure(f"POST of 128 B, -c{connections}: rps of Windlass", ours["rps"]),
                figure(f"POST of 128 B, -c{connections}: rps of nginx + php-fpm", theirs["rps"]),
                figure(f"POST of 128 B, -c{connections}: rps, Windlass / nginx + php-fpm",
                       ours["rps"] / theirs["rps"], "x", target=3, at_least=True),
                figure(f"POST of 128 B, -c{connections}: p99, Windlass / nginx + php-fpm",
                       ours["p99_us"] / theirs["p99_us"], "x", target=0.5, at_least=False)]
        return figures, results

    return {"http fixed answer": static, "http through the pool": pool}
