#!/usr/bin/env python3
"""What users write today: asyncio over concurrent.futures.ProcessPoolExecutor, 128-byte jobs.

Prints one line of JSON. Usage: process_pool_peer.py [--outstanding N] [--processes N] [--seconds S]
"""
import argparse
import asyncio
import concurrent.futures
import json
import time


def first_ten(data):
    return data[:10]


async def client(loop, pool, data, until, latencies):
    """One request at a time, as one of the outstanding ones."""
    count = 0
    while (start := time.monotonic()) < until:
        answer = await loop.run_in_executor(pool, first_ten, data)
        assert answer == data[:10]
        latencies.append(time.monotonic() - start)
        count += 1
    return count


async def measure(pool, outstanding, seconds):
    loop = asyncio.get_running_loop()
    data = bytes(range(128))
    latencies = []
    until = time.monotonic() + 0.5  # imports and first forks are not what is measured
    await asyncio.gather(*(client(loop, pool, data, until, []) for _ in range(outstanding)))
    start = time.monotonic()
    clients = (client(loop, pool, data, start + seconds, latencies) for _ in range(outstanding))
    count = sum(await asyncio.gather(*clients))
    return count, time.monotonic() - start, latencies


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--outstanding", type=int, default=64)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=5)
    args = parser.parse_args()
    with concurrent.futures.ProcessPoolExecutor(args.processes) as pool:
        count, seconds, latencies = asyncio.run(measure(pool, args.outstanding, args.seconds))
    latencies.sort()
    latency = {name: round(latencies[len(latencies) * part // 100] * 1e6)
               for name, part in (("p50", 50), ("p99", 99))}
    print(json.dumps({"rps": round(count / seconds), "outstanding": args.outstanding,
                      "requests": count, "seconds": round(seconds, 3), "latency_us": latency}))


if __name__ == "__main__":
    main()
