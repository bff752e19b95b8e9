"""The parts of the benchmark with real work: one picture on all cores, 16 MiB there and back, inference."""
import json
import pathlib
import socket
import statistics
import struct
import subprocess
import sys
import time

from processes import BenchError, cpu_seconds

WIDTH, HEIGHT, RADIUS = 6000, 4000, 10
ECHO_BYTES = 16 << 20

# `image` is cut into bands, `whole` is not.
PICTURES = "".join(f"""
[[handler]]
name = "{name}"
library = "image"
entry = "image"
options = {{ split_pixels = {pixels} }}
""" for name, pixels in (("image", 1_000_000), ("whole", 1 << 40)))
CONFIG = f"""
workers.count = 1
pool.processes = 2
[[listener]]
protocol = "message"
address = "127.0.0.1:0"
max_content = "256MiB"
{PICTURES}"""


HERE = pathlib.Path(__file__).resolve().parent
MODEL = HERE.parent.parent / "tools" / "examples" / "infer" / "digits.model"
INFER = f"""
workers.count = 2
pool.processes = 2
[[listener]]
protocol = "message"
address = "127.0.0.1:0"
[[handler]]
name = "infer"
library = "infer"
options = {{ model = "{MODEL}" }}
"""


def python_with_numpy():
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import numpy"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return python
    raise BenchError("numpy is not installed (tools/install_deps.sh bench)")


def picture():
    line = bytes((x * 7 + c * 50) % 256 for x in range(WIDTH) for c in range(3))
    rows = [line[shift:] + line[:shift] for shift in range(0, 251, 3)]
    return b"P6\n%d %d\n255\n" % (WIDTH, HEIGHT) + b"".join(rows[y % len(rows)] for y in range(HEIGHT))


def receive_into(connection, view):
    while len(view) > 0:
        got = connection.recv_into(view)
        if got == 0:
            raise BenchError("the server closed a connection")
        view = view[got:]


class Client:
    """One connection of `message`, with memory for large answers that is kept."""

    def __init__(self, port):
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.memory = bytearray(128 << 20)

    def ask(self, handler, content, **keys):
        header = json.dumps({"byteorder": "little", "content-type": "x/y", "content-encoding": "binary",
                             "content-length": len(content), "handler": handler, **keys}).encode()
        self.connection.sendall(struct.pack(">H", len(header)) + header)
        self.connection.sendall(content)
        view = memoryview(self.memory)
        receive_into(self.connection, view[:2])
        size = struct.unpack(">H", view[:2])[0]
        receive_into(self.connection, view[:size])
        answer = json.loads(bytes(view[:size]))
        receive_into(self.connection, view[:answer["content-length"]])
        if "status" in answer:
            raise BenchError(f"{answer} {bytes(view[:answer['content-length']])}")
        return view[:answer["content-length"]]


class LargeBench:
    def __init__(self, start, load, echo_peer, windlass, processes):
        self.start, self.load, self.echo_peer, self.windlass = start, load, echo_peer, windlass
        self.processes = processes

    # One picture, cut into bands for all processes and not.
    def picture(self, rounds):
        content = picture()
        taken = {name: {"wall": [], "cpu": []} for name in ("image", "whole")}
        answers = {}
        with self.start(CONFIG) as server:
            client = Client(server.ports["message"])
            for turn in range(rounds + 1):  # the first one is for what happens once
                for name in sorted(taken, reverse=turn % 2 == 0):
                    before, begun = cpu_seconds(server.process.pid), time.monotonic()
                    answer = client.ask(name, content, op="blur", radius=str(RADIUS))
                    wall = time.monotonic() - begun
                    time.sleep(0.05)  # what they still do
                    after = cpu_seconds(server.process.pid)
                    finer = 1 if after[1] > 0 else 0
                    if turn > 0:
                        taken[name]["wall"].append(wall * 1e3)
                        taken[name]["cpu"].append((after[finer] - before[finer]) * 1e3)
                    else:
                        answers[name] = bytes(answer)
        if answers["image"] != answers["whole"]:
            raise BenchError("a split picture is not the same")
        return taken

    # The same bytes through the pool and back, and from a bare loop.
    def echo(self, rounds, seconds):
        rps = {"windlass": [], "echo_peer": []}
        with self.windlass("message", workers=1, pool=1) as ours, self.echo_peer() as peer:
            for _ in range(rounds):
                rps["windlass"].append(self.load("message", ours.ports["message"], 1, 1, seconds,
                                                 ECHO_BYTES, "echo")["rps"])
                rps["echo_peer"].append(self.load("echo", peer.ports["listening"], 1, 1, seconds,
                                                  ECHO_BYTES)["rps"])
        return rps


    # Batches of one through the same network.
    def inference(self, rounds, seconds):
        rps = {"windlass": [], "numpy": []}
        python = python_with_numpy()
        with self.start(INFER) as server:
            for _ in range(rounds):
                rps["windlass"].append(self.load("message", server.ports["message"], 64, 1, seconds, 64 * 4,
                                                 "infer")["rps"])
                rps["numpy"].append(self.processes.run_json(
                    [python, HERE / "numpy_peer.py", MODEL, f"--seconds={seconds}"], seconds + 60)["rps"])
        return rps


def large_figures(bench, figure, quick):
    def picture_figures():
        taken = bench.picture(1 if quick else 21)

        def ratio(what, over, under):  # of neighbours: how fast the machine is changes by the second
            pairs = zip(taken[over][what], taken[under][what])
            return statistics.median(one / other for one, other in pairs)

        return [figure("blur of 24 megapixels, PPM, not split", statistics.median(taken["whole"]["wall"]), "ms"),
                figure("the same on 2 pool processes: faster by", ratio("wall", "whole", "image"), "x",
                       target=1.5, at_least=True),
                figure("the same: CPU of all processes, split / not split", ratio("cpu", "image", "whole"), "x",
                       target=1.15, at_least=False)], taken

    def echo_figures():
        rps = bench.echo(*((1, 1) if quick else (5, 2)))
        ours, bare = (statistics.median(rps[name]) for name in ("windlass", "echo_peer"))
        return [figure("16 MiB through the pool and back", ours * ECHO_BYTES / 1e6, "MB/s"),
                figure("the same / a bare loopback echo", ours / bare, "x", target=0.5, at_least=True)], rps

    def inference_figures():
        rps = bench.inference(*((1, 1) if quick else (3, 3)))
        ours, theirs = (statistics.median(rps[name]) for name in ("windlass", "numpy"))
        return [figure("inference, batches of one: rps of Windlass", ours),
                figure("the same: Windlass / NumPy in ProcessPoolExecutor(2)", ours / theirs, "x", target=10,
                       at_least=True)], rps

    return {"inference": inference_figures, "picture on all cores": picture_figures, "16 MiB echo": echo_figures}
