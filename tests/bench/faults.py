"""The part of `make bench` that is about handlers which crash, sleep and hold models."""
import json
import pathlib
import re
import statistics
import tempfile
import time

from fault_load import run_closed_loop
from processes import BenchError, descendants

MODEL_MIB = 512
SLEEP_MS, OUTSTANDING, POOL = 10, 100, 4
GOOD_MS = 2


def fault_config(build, *lines, options=""):
    return "\n".join([
        "[workers]", "count = 2", "[pool]", f"processes = {POOL}", "[log]", 'level = "debug"',
        "[[listener]]", 'protocol = "message"', 'address = "127.0.0.1:0"',
        "[[handler]]", 'name = "fault"', f'library = "{build}/plugins/fault.so"',
        f"options = {{ {options} }}", *lines, ""])


def fault(kind, **more):
    return json.dumps({"action": "fault", "kind": kind, **more})


def pool_pids(server):
    return [pid for pid, _ in descendants(server.process.pid)
            if pathlib.Path(f"/proc/{pid}/comm").read_text().startswith("wl-pool")]


def pss_kib(pid):
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", rollup, re.M).group(1))


def replacement_ms(log):
    """From the line that a pool process is gone to the one that its successor serves."""
    gone, took = {}, []
    for line in log.splitlines():
        match = re.match(r"\S+T(\d+):(\d+):(\d+\.\d+)Z debug master\S* (pool-\d+): (.*)$", line)
        if not match:
            continue
        hours, minutes, seconds, name, change = match.groups()
        ms = (int(hours) * 60 + int(minutes)) * 60_000 + float(seconds) * 1000
        if change == "serving -> waiting":
            gone[name] = ms
        elif change == "starting -> serving" and name in gone:
            took.append(ms - gone.pop(name))
    return took


class FaultBench:
    """`start(config text)` gives a server with the port of its `message` listener."""

    def __init__(self, build, start):
        self.build = build
        self.start = start

    def replacement(self, crashes):
        config = fault_config(self.build, "idempotent = false",
                              options=f'preload_bytes = "{MODEL_MIB}MiB"')
        with self.start(config) as server:
            port = server.ports["message"]

            def touch():
                # Outstanding enough that each process gets some.
                run_closed_loop(port, 4 * POOL, 40 * POOL, lambda job: fault("model"),
                                lambda job, answer: expect(answer, ""))
            touch()
            pids = pool_pids(server)
            together = sum(pss_kib(pid) for pid in pids)
            for crash in range(crashes):
                run_closed_loop(port, 1, 1, lambda job: fault("segv", n=crash),
                                lambda job, answer: expect(answer, "handler_crashed"))
                time.sleep(0.05)
            took = replacement_ms(server.log())
        alone = self.pss_of_one(config)
        if len(took) < crashes:
            raise BenchError(f"{len(took)} replacements of {crashes} are in the log")
        return {"took_ms": took, "pss_kib_of_one": alone, "pss_kib_of_all": together}

    def pss_of_one(self, config):
        with self.start(config.replace(f"processes = {POOL}", "processes = 1")) as server:
            run_closed_loop(server.ports["message"], 1, 4, lambda job: fault("model"),
                            lambda job, answer: expect(answer, ""))
            return pss_kib(pool_pids(server)[0])

    def dispatch(self, seconds):
        jobs = int(seconds * 1000 / SLEEP_MS * POOL)
        latencies, moments = [], []

        def on_answer(_, answer):
            expect(answer, "")
            latencies.append(answer.seconds)
            moments.append(time.monotonic())
        with self.start(fault_config(self.build)) as server:
            port = server.ports["message"]
            sleep = fault("sleep", ms=SLEEP_MS)
            run_closed_loop(port, OUTSTANDING, OUTSTANDING, lambda job: sleep, on_answer)
            latencies.clear()
            moments.clear()
            run_closed_loop(port, OUTSTANDING, jobs, lambda job: sleep, on_answer)
        # While so many were outstanding: not the first ones, which did not wait, and not the last.
        latencies = sorted(latencies[OUTSTANDING:-OUTSTANDING])
        window = moments[-OUTSTANDING] - moments[OUTSTANDING]
        return {"jobs_per_s": (jobs - 2 * OUTSTANDING) / window,
                "median_ms": latencies[len(latencies) // 2] * 1e3,
                "p99_ms": latencies[len(latencies) * 99 // 100] * 1e3}

    def crash_storm(self, good, crashing):
        """Throughput of `good` jobs without, and with, crashing ones among them."""
        results = {}
        for name, crashes in (("quiet", 0), ("storm", crashing)):
            with self.start(fault_config(self.build, "idempotent = true")) as server:
                every = (good + crashes) // crashes if crashes else good + 1
                answered = {"good": 0, "crashed": 0}

                def content_of(job):
                    if job % every == every - 1:
                        return fault("abort", n=job)
                    return fault("echo", value=job, ms=GOOD_MS)

                def on_answer(job, answer):
                    if job % every == every - 1:
                        expect(answer, "handler_crashed")
                        answered["crashed"] += 1
                        return
                    expect(answer, "")
                    if json.loads(answer.content)["result"] != job:
                        raise BenchError(f"job {job} was answered {answer.content}")
                    answered["good"] += 1
                took = run_closed_loop(server.ports["message"], 16, good + crashes, content_of,
                                       on_answer)
                results[name] = {"good_per_s": answered["good"] / took, **answered,
                                 "seconds": took}
        return results


def expect(answer, status):
    if answer.status != status:
        raise BenchError(f"an answer is {answer.status!r}, not {status!r}: {answer.content[:200]}")


def fault_figures(bench, figure, quick):
    """Each part: figures and what they come from."""
    def replacement():
        raw = bench.replacement(5 if quick else 40)
        took = raw["took_ms"]
        return [
            figure(f"replacement of a crashed process, {MODEL_MIB} MiB in the arena, median",
                   statistics.median(took), "ms"),
            figure("the same, slowest", max(took), "ms", target=5, at_least=False),
            figure("Pss of 4 processes / of one", raw["pss_kib_of_all"] / raw["pss_kib_of_one"],
                   "x", target=1.2, at_least=False)], raw

    def dispatch():
        raw = bench.dispatch(2 if quick else 10)
        ideal = 1000 / SLEEP_MS * POOL
        return [
            figure(f"sleep of {SLEEP_MS} ms, {OUTSTANDING} outstanding: share of {ideal:.0f} jobs/s",
                   raw["jobs_per_s"] / ideal * 100, "%", target=99, at_least=True),
            figure("the same, p99 / ideal", raw["p99_ms"] / (OUTSTANDING / ideal * 1000), "x",
                   target=1.1, at_least=False)], raw

    def crash_storm():
        raw = bench.crash_storm(*((2_000, 20) if quick else (100_000, 1_000)))
        return [
            figure("good jobs/s without crashes", raw["quiet"]["good_per_s"]),
            figure(f"the same among {raw['storm']['crashed']} jobs that crash twice",
                   raw["storm"]["good_per_s"] / raw["quiet"]["good_per_s"], "x", target=0.8,
                   at_least=True)], raw
    return {"replacement": replacement, "dispatch": dispatch, "crash storm": crash_storm}
