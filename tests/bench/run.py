#!/usr/bin/env python3
"""The runner of `make bench`: Windlass beside bare peers, in one run on one machine, as ratios.

Alternates Windlass and its peers, takes medians, prints every figure with its target, ends after
about nine minutes, with every process that it started gone. Loopback only.

Exit code: 0 all figures were measured (targets may be missed; --strict makes that 1), 1 not all.
"""
import argparse
import json
import os
import pathlib
import re
import resource
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

from faults import FaultBench, fault_figures
from http_peers import HttpBench, http_figures
from large import LargeBench, large_figures
from processes import (BenchError, Processes, Server, cpu_seconds, descendants,
                       memory_and_descriptors)

HERE = pathlib.Path(__file__).resolve().parent
WHOLE_RUN_SECONDS = 900
CONNECTIONS = 10_000
NO_ADMIN = '--set=admin.address=""'  # other servers may run beside
HOLDERS = 2  # processes that hold the idle connections: one may have 20,000 descriptors only


class Bench:
    def __init__(self, build):
        self.build = build
        self.processes = Processes()
        self.runtime = tempfile.TemporaryDirectory(prefix="windlass-bench-")
        self.environment = {**os.environ, "RUNTIME_DIRECTORY": self.runtime.name}

    def windlass(self, *protocols, workers=2, pool=2):
        command = [self.build / "windlassd", f"--workers={workers}", f"--pool={pool}", NO_ADMIN]
        command += [f"--listen={protocol}://127.0.0.1:0" for protocol in protocols]
        return Server(self.processes, command, len(protocols), "stderr",
                      r"listening protocol=(\S+) address=\S*:(\d+)", env=self.environment)

    def faulty(self, config):
        path = self.written(config)
        return Server(self.processes, [self.build / "windlassd", f"--config={path}", NO_ADMIN], 1,
                      "stderr", r"listening protocol=(\S+) address=\S*:(\d+)",
                      keep=r" debug master.* -> ", env=self.environment)

    def written(self, config):
        path = pathlib.Path(self.runtime.name) / "windlass.toml"
        path.write_text(config)
        return path

    def echo_peer(self):
        return Server(self.processes, [self.build / "echo_peer"], 1, "stdout",
                      r"(listening) on \S+:(\d+)")

    def load(self, protocol, port, connections, pipeline, seconds, size=128, handler="binary"):
        command = [self.build / "windlass-bench", f"--target={protocol}://127.0.0.1:{port}",
                   f"--connections={connections}", f"--pipeline={pipeline}",
                   f"--duration={seconds}s", f"--size={size}", "--json"]
        if protocol == "message":
            command.append(f"--handler={handler}")
        result = self.processes.run_json(command, seconds + 30)
        if result["errors"] != 0 or result["mismatched"] != 0 or result["requests"] == 0:
            raise BenchError(f"wrong answers: {result}")
        return result

    # --- (1) message through the pool, against a bare hop and against what users write today ---

    def pool_throughput(self, rounds, seconds):
        results = {"64x1": [], "1x64": [], "seqpacket": [], "process_pool": []}
        with self.windlass("message") as server:
            port = server.ports["message"]
            self.load("message", port, 64, 1, 1)  # warm
            for _ in range(rounds):
                results["64x1"].append(self.load("message", port, 64, 1, seconds))
                results["seqpacket"].append(
                    self.processes.run_json([self.build / "seqpacket_peer", 8, 2, 3], 30))
                results["1x64"].append(self.load("message", port, 1, 64, seconds))
                results["process_pool"].append(self.processes.run_json(
                    [sys.executable, HERE / "process_pool_peer.py", f"--seconds={seconds}"],
                    seconds + 60))
        rps = {name: statistics.median(run["rps"] for run in runs)
               for name, runs in results.items()}
        figures = [figure(f"{name}: rps of Windlass, 128 B through the pool", rps[name])
                   for name in ("64x1", "1x64")]
        figures.append(figure("rps of seqpacket_peer, 8 outstanding", rps["seqpacket"]))
        figures.append(figure("rps of process_pool_peer, 64 outstanding", rps["process_pool"]))
        for name in ("64x1", "1x64"):
            figures.append(figure(f"{name}: Windlass / seqpacket_peer",
                                  rps[name] / rps["seqpacket"], "x"))
            figures.append(figure(f"{name}: Windlass / process_pool_peer",
                                  rps[name] / rps["process_pool"], "x", target=15, at_least=True))
        for name in ("64x1", "1x64"):
            p99 = statistics.median(run["latency_us"]["p99"] for run in results[name])
            figures.append(figure(f"{name}: p99 latency of Windlass", p99, "us"))
        return figures, results

    # --- (2) CPU time of an echo request, against a bare epoll loop ---

    def echo_cpu(self, rounds, seconds):
        per_request = {"windlass": [], "echo_peer": []}
        with self.windlass("echo", workers=1, pool=1) as ours, self.echo_peer() as peer:
            servers = {"windlass": (ours, ours.ports["echo"]),
                       "echo_peer": (peer, peer.ports["listening"])}
            for name, (_, port) in servers.items():
                self.load("echo", port, 64, 1, 1)  # warm
            for _ in range(rounds):
                for name, (server, port) in servers.items():
                    before = cpu_seconds(server.process.pid)
                    requests = self.load("echo", port, 64, 1, seconds)["requests"]
                    after = cpu_seconds(server.process.pid)
                    finer = 1 if after[1] > 0 else 0
                    per_request[name].append((after[finer] - before[finer]) * 1e6 / requests)
        median = {name: statistics.median(values) for name, values in per_request.items()}
        figures = [figure(f"CPU per echo request of {name}, 64x1, 128 B", value, "us")
                   for name, value in median.items()]
        figures.append(figure("CPU per echo request: Windlass / echo_peer",
                              median["windlass"] / median["echo_peer"], "x", target=1.5,
                              at_least=False))
        return figures, per_request

    # --- (3) what an access log of every request costs, where requests are cheapest ---

    def access_log_cost(self, rounds, seconds):
        log = pathlib.Path(self.runtime.name) / "access.log"
        listener = '[[listener]]\nprotocol = "line"\naddress = "127.0.0.1:0"\n'
        path = self.written(f'workers.count = 1\npool.processes = 1\n{listener}'
                            f'{listener}access_log = "{log}"\n')
        rps = {"without": [], "with": []}
        with Server(self.processes, [self.build / "windlassd", f"--config={path}", NO_ADMIN], 2,
                    "stderr", r"listening protocol=line (address=\S*:(\d+))",
                    env=self.environment) as server:
            ports = dict(zip(rps, server.ports.values()))  # one worker has both
            for port in ports.values():
                self.load("line", port, 64, 1, 1)  # warm
            for turn in range(rounds):
                for name in sorted(ports, reverse=turn % 2 == 0):  # many short turns: it is noisy
                    os.truncate(log, 0)
                    rps[name].append(self.load("line", ports[name], 64, 1, seconds)["rps"])
        return [figure("rps of line echo: all logged / none logged",
                       statistics.median(ours / bare for bare, ours in zip(*rps.values())),
                       "x", target=0.95, at_least=True)], rps

    # --- (4) user memory of an idle connection ---

    def idle_memory(self):
        with self.windlass("message", "echo") as server:
            port = server.ports["message"]
            self.end_holders(self.hold(port, 64))  # first requests cost what is not per connection
            time.sleep(2)
            before = memory_and_descriptors(pid for pid, _ in descendants(server.process.pid))
            holders = self.hold(port, CONNECTIONS)
            time.sleep(2)
            after = memory_and_descriptors(before)
            self.end_holders(holders)
        # Workers are those that hold the connections.
        workers = [pid for pid in after if after[pid][1] - before[pid][1] > CONNECTIONS // 100]
        held = sum(after[pid][1] - before[pid][1] for pid in workers)
        if held < CONNECTIONS:
            raise BenchError(f"the server holds {held} connections of {CONNECTIONS}")
        grown = {pid: after[pid][0] - before[pid][0] for pid in after}
        figures = [figure(f"user memory per idle connection, at {CONNECTIONS}",
                          sum(grown[pid] for pid in workers) / CONNECTIONS, "B", target=512,
                          at_least=False),
                   figure("the same, growth of all processes",
                          sum(grown.values()) / CONNECTIONS, "B")]
        return figures, {"workers": len(workers), "before_pss": [before[pid][0] for pid in workers],
                         "after_pss": [after[pid][0] for pid in workers]}

    def hold(self, port, connections):
        command = [sys.executable, __file__, "--hold", port, connections // HOLDERS]
        holders = [self.processes.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                   for _ in range(HOLDERS)]
        for holder in holders:
            if holder.stdout.readline().strip() != "held":
                raise BenchError("a holder of connections failed")
        return holders

    def end_holders(self, holders):
        for holder in holders:
            self.processes.end(holder)


# --- The helper that holds connections ---

def receive_exactly(connection, count):
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise BenchError("the server closed a connection")
        data += piece
    return data


def one_request(connection):
    header = json.dumps({"byteorder": sys.byteorder, "content-type": "binary/x",
                         "content-encoding": "binary", "content-length": 10,
                         "handler": "binary"}).encode()
    connection.sendall(struct.pack(">H", len(header)) + header + b"0123456789")
    header_bytes = struct.unpack(">H", receive_exactly(connection, 2))[0]
    answer = json.loads(receive_exactly(connection, header_bytes))
    content = receive_exactly(connection, answer["content-length"])
    if content != b"First 10 bytes of request: 0123456789":
        raise BenchError(f"wrong answer: {answer} {content!r}")


def hold_connections(port, count):
    """Opens connections, makes one request on each, says so, and holds them until stdin ends."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    held = []
    for _ in range(count):
        held.append(socket.create_connection(("127.0.0.1", port), timeout=20))
        one_request(held[-1])
    print("held", flush=True)
    sys.stdin.read()


# --- Report ---

def figure(name, value, unit="", target=None, at_least=None):
    passed = None if target is None else (value >= target if at_least else value <= target)
    return {"name": name, "value": value, "unit": unit, "target": target, "at_least": at_least,
            "pass": passed}


def print_figure(one):
    value = f"{one['value']:,.0f}" if one["value"] >= 1000 else f"{one['value']:.2f}"
    verdict = ""
    if one["target"] is not None:
        sign = ">=" if one["at_least"] else "<="
        verdict = f"  {sign} {one['target']}{one['unit']}  {'pass' if one['pass'] else 'FAIL'}"
    print(f"  {one['name']:<58} {value + ' ' + one['unit']:>12}{verdict}", flush=True)


def machine():
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())
    return {"cores": len(os.sched_getaffinity(0)), "kernel": os.uname().release,
            "cpu": cpu.group(1) if cpu else os.uname().machine,
            "memory_mib": int(memory.group(1)) // 1024, "python": sys.version.split()[0]}


def stop_run(signum, _):
    if signum == signal.SIGALRM:
        sys.exit(f"the run took more than {WHOLE_RUN_SECONDS} s")
    sys.exit(128 + signum)  # what was started is ended on the way out


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parent.parent / "build")
    parser.add_argument("--json", type=pathlib.Path, help="also write every figure there")
    parser.add_argument("--strict", action="store_true", help="a missed target is a failure")
    parser.add_argument("--only", help="the parts whose names have this in them")
    parser.add_argument("--quick", action="store_true", help="short runs, to try the runner with")
    parser.add_argument("--hold", nargs=2, type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.hold:
        return hold_connections(*args.hold)
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
        signal.signal(signum, stop_run)
    signal.alarm(WHOLE_RUN_SECONDS)

    bench = Bench(args.build.resolve())
    facts = machine()
    print(f"{facts['cores']} cores, {facts['cpu']}, {facts['memory_mib']} MiB, "
          f"Linux {facts['kernel']}, Python {facts['python']}", flush=True)
    rounds, seconds = (1, 1) if args.quick else (3, 5)
    parts = {"pool throughput": lambda: bench.pool_throughput(rounds, seconds),
             "echo CPU": lambda: bench.echo_cpu(*((1, 1) if args.quick else (7, 2))),
             "access log": lambda: bench.access_log_cost(*((2, 0.2) if args.quick else (80, 0.2))),
             "idle memory": bench.idle_memory,
             **fault_figures(FaultBench(bench.build, bench.faulty), figure, args.quick),
             **large_figures(LargeBench(bench.faulty, bench.load, bench.echo_peer, bench.windlass,
                                        bench.processes), figure, args.quick),
             **http_figures(HttpBench(bench.processes, bench.faulty), figure, args.quick)}
    report, figures, failed = {"machine": facts, "raw": {}, "errors": {}}, [], False
    for name, part in parts.items():
        if args.only and args.only not in name:
            continue
        print(f"{name}:", flush=True)
        try:
            measured, report["raw"][name] = part()
            figures += measured
            for one in measured:
                print_figure(one)
        except (BenchError, OSError) as error:
            report["errors"][name] = str(error)
            failed = True
            print(f"  NOT MEASURED: {error}", flush=True)
        finally:
            bench.processes.end_all()
    report["figures"] = figures
    if args.json:
        args.json.write_text(json.dumps(report, indent=1) + "\n")
    targets = [one for one in figures if one["pass"] is not None]
    missed = [one for one in targets if not one["pass"]]
    print(f"{len(targets) - len(missed)} of {len(targets)} measured targets are met")
    return 1 if failed or (args.strict and missed) else 0


if __name__ == "__main__":
    sys.exit(main())
