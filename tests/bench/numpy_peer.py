#!/usr/bin/env python3
"""What users write today: a model in NumPy, asyncio over concurrent.futures.ProcessPoolExecutor, batches of one.

Prints one line of JSON. Usage: numpy_peer.py MODEL [--outstanding N] [--processes N] [--seconds S]
"""
import argparse
import asyncio
import concurrent.futures
import json
import struct
import time

import numpy as np

layers = []  # of this process


def load(path):
    with open(path, "rb") as file:
        assert file.read(8) == b"WLDENSE1"
        for _ in range(struct.unpack("<I", file.read(4))[0]):
            inputs, outputs, activation = struct.unpack("<III", file.read(12))
            weights = np.frombuffer(file.read(4 * inputs * outputs), "<f4").reshape(outputs, inputs)
            layers.append((weights.T.copy(), np.frombuffer(file.read(4 * outputs), "<f4"), activation))


def run(data):
    values = np.frombuffer(data, "<f4").reshape(1, -1)
    for weights, biases, activation in layers:
        values = values @ weights + biases
        if activation == 1:
            values = np.maximum(values, 0)
        elif activation == 2:
            values = np.exp(values - values.max(axis=1, keepdims=True))
            values /= values.sum(axis=1, keepdims=True)
    return values.tobytes()


async def client(loop, pool, data, until):
    count = 0
    while time.monotonic() < until:
        answer = await loop.run_in_executor(pool, run, data)
        assert len(answer) == 40
        count += 1
    return count


async def measure(pool, outstanding, seconds):
    loop = asyncio.get_running_loop()
    data = np.linspace(0, 1, 64, dtype="<f4").tobytes()
    await asyncio.gather(*(client(loop, pool, data, time.monotonic() + 0.5) for _ in range(outstanding)))
    start = time.monotonic()
    counts = await asyncio.gather(*(client(loop, pool, data, start + seconds) for _ in range(outstanding)))
    return sum(counts), time.monotonic() - start


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--outstanding", type=int, default=64)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=5)
    args = parser.parse_args()
    with concurrent.futures.ProcessPoolExecutor(args.processes, initializer=load, initargs=(args.model,)) as pool:
        count, seconds = asyncio.run(measure(pool, args.outstanding, args.seconds))
    print(json.dumps({"rps": round(count / seconds), "outstanding": args.outstanding, "requests": count}))


if __name__ == "__main__":
    main()
