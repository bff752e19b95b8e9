"""What a server says of itself in /status and /deaths, made up: it gets busy, reloads, and crashes as it is told."""
import bisect
import datetime
import math
import random

CODES = ("invalid_argument", "not_found", "too_large", "overloaded", "deadline_exceeded", "handler_crashed",
         "quarantined", "handler_failed", "unavailable")
HANDLERS = ("thumbnail", "transcode", "search", "embed")
# Four buckets an octave from 16 us to 64 s; the last one has no upper bound.
UPPER_US = [(1 << octave) * (4 + part) // 4 for octave in range(4, 26) for part in (1, 2, 3, 4)]
MOST_DEATHS = 64
SEGV_STACK = ["jpeg::HuffmanTable::Lookup(unsigned int) const (thumbnail.so+0x3fd21)",
              "jpeg::Decoder::Scan(jpeg::Component*, int) (thumbnail.so+0x418a0)",
              "Thumbnail::Handle(windlass::Request const&, windlass::HandlerContext&) (thumbnail.so+0x12f7e)",
              "windlass::JobLoop::RunOne(windlass::Job&) (windlassd+0x8c1d4)"]
SPIN_STACK = ["re::Backtrack(re::Node const*, char const*) (search.so+0x9e10)",
              "Search::Handle(windlass::Request const&, windlass::HandlerContext&) (search.so+0x4c02)",
              "windlass::JobLoop::RunOne(windlass::Job&) (windlassd+0x8c1d4)"]


def utc(seconds_ago=0.0):
    moment = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds_ago)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Histogram:
    def __init__(self):
        self.counts, self.sum_us = [0] * (len(UPPER_US) + 1), 0

    def add(self, microseconds, times):
        self.counts[bisect.bisect_left(UPPER_US, microseconds)] += times
        self.sum_us += int(microseconds * times)

    def report(self):
        return {"upper_us": UPPER_US, "counts": list(self.counts), "sum_us": self.sum_us}


class MadeUpServer:
    def __init__(self, workers=4, pool=8, rate=0.0, crashes=0.0, seed=7):
        self.random = random.Random(seed)
        self.rate, self.crashes = rate, crashes     # requests and crashes a second
        self.uptime = 4711.5 if rate else 3.2
        self.state, self.generation, self.pid = "serving", 1, 2200
        self.next_pid, self.next_job, self.now = 2201, 1 << 40, None
        self.totals = dict.fromkeys(("connections_moved", "requests", "jobs", "deaths", "accepted", "retries",
                                     "log_lines_dropped", "bytes_in", "bytes_out", "access_lines_dropped"), 0)
        self.errors = dict.fromkeys(CODES, 0)
        self.latency, self.queue_wait, self.run_time = Histogram(), Histogram(), Histogram()
        self.queue_depth, self.restarts = 0, 0
        self.causes = dict.fromkeys(("signal", "deadline", "cgroup_oom", "exit"), 0)
        self.reloads, self.died, self.ended, self.slow = [], [], [], []
        self.slow_total, self.failed_roles = 0, []
        self.wanted, self.processes, self.generations = (workers, pool), [], []
        self.start_generation("serving", age=self.uptime)

    # What a test does to it.

    def start_generation(self, state="starting", age=0.0):
        number = len(self.generations) and self.generations[-1]["number"] + 1 or 1
        self.generations.append({"number": number, "state": state, "workers": self.wanted[0], "pool": self.wanted[1],
                                 "age_s": age, "note": ""})
        first = (number - 1) * 64
        for role, count in (("zygote", 1), ("worker", self.wanted[0]), ("pool", self.wanted[1]), ("admin", 1)):
            for slot in range(count):
                self.processes.append(self.new_process(role, slot + (first if role == "worker" else 0), number, state,
                                                       age))
        return number

    def new_process(self, role, slot, generation, state="serving", age=0.0):
        self.next_pid += 1
        return {"role": role, "slot": slot, "pid": self.next_pid, "generation": generation, "state": state,
                "age_s": age, "connections": 0, "requests": 0, "jobs": 0,
                "rss_bytes": self.random.randint(5, 60) << 20, "job_id": None, "job_ms": 0, "quick_deaths": 0,
                "cpu_ms": 0, "handler": ""}

    def begin_reload(self):
        """A second generation comes up beside the first."""
        self.state = "reloading"
        for process in self.processes[-sum(self.wanted):] if self.start_generation() else []:
            process["state"] = self.random.choice(("starting", "starting", "serving"))

    def hand_over(self):
        """The new generation serves, the old one drains."""
        self.state, self.generation = "serving", self.generations[-1]["number"]
        for generation in self.generations:
            new = generation["number"] == self.generation
            generation["state"] = "serving" if new else "draining"
            generation["note"] = "" if new else "waits for job 1099511627802 (transcode, 41 s)"
        for process in self.processes:
            process["state"] = "serving" if process["generation"] == self.generation else "draining"
        self.reloads.append({"time": utc(), "ok": True, "message": f"generation {self.generation} serves"})

    def fail_reload(self, message):
        self.reloads.append({"time": utc(), "ok": False, "message": message})

    def crash(self, process, cause="was killed by SIGSEGV (Segmentation fault)", stack=None, handler=None, ago=0.0):
        self.next_job += 1
        self.died.append({"time": utc(ago), "role": process["role"], "slot": process["slot"], "pid": process["pid"],
                          "generation": process["generation"], "kind": "signal", "cause": cause,
                          "age_s": process["age_s"], "peak_rss_bytes": process["rss_bytes"],
                          "job_id": str(self.next_job), "handler": handler or HANDLERS[0], "payload_bytes": 182733,
                          "attempt": 1 + self.next_job % 2, "job_s": 0.012, "fault_address": 16,
                          "stack": stack or SEGV_STACK})
        del self.died[:-MOST_DEATHS]
        self.causes["signal"] += 1
        self.totals["deaths"] += 1
        self.restarts += 1
        self.next_pid += 1
        process.update(pid=self.next_pid, age_s=0.0, jobs=0, job_id=None, job_ms=0, handler="", cpu_ms=0,
                       state=self.random.choice(("starting", "serving")))

    def report_slow(self, process, ago=0.0):
        self.slow_total += 1
        self.next_job += 1
        self.slow.append({"time": utc(ago), "process": f"pool-{process['slot']}", "pid": process["pid"],
                          "job_id": process["job_id"] or str(self.next_job), "handler": "search", "ran_s": 1.502,
                          "past_deadline": bool(self.slow_total % 3 == 0), "stack": SPIN_STACK})

    # Time goes on.

    def catch_up(self, now):
        if self.now is None:
            self.now = now
        seconds, self.now = now - self.now, now
        self.uptime += seconds
        for one in self.processes + self.generations:
            one["age_s"] += seconds
        if self.rate and seconds > 0:
            self.work(seconds)
        for _ in range(self.arrivals(self.crashes * seconds)):
            self.crash(self.random.choice(self.of_role("pool")))
            self.totals["retries"] += 1
            self.errors["handler_crashed"] += self.random.random() < 0.4

    def of_role(self, role):
        return [one for one in self.processes if one["role"] == role and one["state"] in ("serving", "starting")]

    def arrivals(self, mean):
        return int(mean) + (self.random.random() < mean - int(mean))

    def work(self, seconds):
        wave = 1 + 0.25 * math.sin(self.uptime / 23) + self.random.uniform(-0.08, 0.08)
        busy = min(1.3, self.rate * wave / (self.wanted[1] * 700))
        requests = self.arrivals(self.rate * wave * seconds)
        self.totals["requests"] += requests
        self.totals["jobs"] += requests
        self.totals["bytes_in"] += requests * 4800
        self.totals["bytes_out"] += requests * 21000
        self.queue_depth = max(0, int((busy - 0.8) * 90 + self.random.uniform(-6, 9)))
        for code, share in (("not_found", 2e-3), ("overloaded", max(0.0, busy - 1.1) / 20), ("deadline_exceeded", 2e-4)):
            self.errors[code] += self.arrivals(requests * share)
        samples = 400
        for _ in range(samples):
            wait = self.random.lognormvariate(math.log(90 + 1500 * max(0.0, busy - 0.6)), 0.9)
            run = self.random.lognormvariate(math.log(900), 0.5) * (8 if self.random.random() < 0.02 else 1)
            for histogram, value in ((self.queue_wait, wait), (self.run_time, run), (self.latency, wait + run + 60)):
                histogram.add(value, requests // samples)
        workers, pool = self.of_role("worker"), self.of_role("pool")
        for number, one in enumerate(workers):
            one["connections"] = int(self.rate / 60 / len(workers)) + (number * 7) % 5
            one["requests"] += requests // len(workers)
            one["cpu_ms"] += int(seconds * 1000 * min(1, 0.55 * busy + 0.04 * (number % 4)))
            one["jobs"] = self.random.randint(0, int(12 * busy) + 1)
        for one in pool:
            one["jobs"] += requests // len(pool)
            one["cpu_ms"] += int(seconds * 1000 * min(1, busy * self.random.uniform(0.85, 1.1)))
            running = self.random.random() < busy
            self.next_job += 1
            one.update(job_id=str(self.next_job) if running else None, job_ms=self.random.randint(0, 4) if running else 0,
                       handler=self.random.choice(HANDLERS) if running else "")

    # What it says.

    def status(self):
        connections = sum(one["connections"] for one in self.processes)
        self.totals["accepted"] = max(self.totals["accepted"], connections)
        return {
            "version": "0.1.0", "pid": self.pid, "generation": self.generation, "uptime_s": round(self.uptime, 3),
            "state": self.state, "config": "/etc/windlass/windlass.toml", "config_hash": "9f31c04be27a5d18",
            "restarts": self.restarts, "deaths_by_cause": {k: v for k, v in self.causes.items() if v},
            "last_reload": self.reloads[-1] if self.reloads else None, "reloads": self.reloads[-16:],
            "listeners": [{"address": "0.0.0.0:8080", "protocol": "http", "generation": self.generation},
                          {"address": "127.0.0.1:65432", "protocol": "message", "generation": self.generation}],
            "generations": self.generations, "processes": self.processes,
            "totals": {"connections": connections, **self.totals, "errors_by_code": self.errors,
                       "queue_depth": self.queue_depth},
            "latency": self.latency.report(), "queue_wait": self.queue_wait.report(),
            "run_time": self.run_time.report(), "last_death": self.died[-1] if self.died else None,
            "slow_jobs": self.slow_total, "last_slow_job": self.slow[-1] if self.slow else None,
            "workers": {"wanted": self.wanted[0], "configured": self.wanted[0], "kept": False},
            "pool": {"wanted": self.wanted[1], "configured": self.wanted[1], "kept": False},
            "failed_roles": self.failed_roles}

    def deaths(self):
        return {"deaths": self.died, "ended": self.ended, "slow": self.slow[-MOST_DEATHS:],
                "total": self.totals["deaths"], "slow_total": self.slow_total}


def in_reload():
    server = MadeUpServer(rate=4300)
    server.begin_reload()
    return server


def after_reload():
    server = in_reload()
    server.hand_over()
    server.fail_reload("/etc/windlass/windlass.toml:2:1: unknown key 'workers.cuont', did you mean 'workers.count'?; "
                       "generation 2 serves on, untouched")
    return server


def in_storm():
    server = MadeUpServer(rate=3000, crashes=12)
    for ago in range(30, 0, -1):
        server.crash(server.of_role("pool")[0], ago=ago)
    server.crash(server.of_role("worker")[1], "was killed by SIGABRT (Aborted)", SPIN_STACK, "search", 75)
    server.causes["deadline"] += 3
    for ago in (50, 20, 4):
        server.report_slow(server.of_role("pool")[ago % 8], ago)
    return server


def degraded():
    server = MadeUpServer(rate=0)
    server.state, server.failed_roles = "degraded", ["pool"]
    for one in server.processes:
        if one["role"] == "pool":
            one.update(pid=0, state="waiting", age_s=0, quick_deaths=6, rss_bytes=0)
    return server


HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>\u202e"\'&amp;'


def hostile():
    """Whatever a name, a stack or a message can hold, and all of it is text."""
    server = MadeUpServer(rate=500)
    long_name = "A" * 300
    server.crash(server.of_role("pool")[0], HOSTILE, [HOSTILE, long_name, "\n\t" + HOSTILE], HOSTILE)
    server.fail_reload(HOSTILE + long_name)
    server.generations[0]["note"] = HOSTILE + long_name
    server.causes[HOSTILE] = 3
    server.errors[HOSTILE] = 5
    server.failed_roles = [HOSTILE]
    server.of_role("zygote")[0].update(role=HOSTILE, handler=long_name, state=HOSTILE)
    server.report_slow(server.of_role("pool")[1])
    server.slow[-1]["process"] = server.slow[-1]["handler"] = HOSTILE
    return server


SCENES = {
    "idle": MadeUpServer,
    "load": lambda: MadeUpServer(rate=4300),
    "reload": in_reload,
    "after-reload": after_reload,
    "storm": in_storm,
    "many": lambda: MadeUpServer(workers=16, pool=48, rate=26000, crashes=0.2),
    "crowd": lambda: MadeUpServer(workers=60, pool=940, rate=300000, crashes=1),
    "degraded": degraded,
    "hostile": hostile,
}
