#!/usr/bin/env python3
"""Builds and runs the fuzzers (README.md). What they find stays in the build directory: inputs that reach something
new in fuzz/found/NAME, inputs that break something in fuzz/crashes."""
import os
import pathlib
import shlex
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
BUILD = pathlib.Path(os.environ.get("WINDLASS_BUILD_DIR", SOURCE / "build")).resolve() / "fuzz"
SKIP_RETURN_CODE = 77  # what ctest calls Skipped
MOST_BYTES = 4096      # of an input; a framing's limits in the fuzzers are below it

# Debian's libraries are not instrumented: containers that they have a part in look as if they overflowed.
ENVIRONMENT = dict(os.environ, ASAN_OPTIONS="detect_container_overflow=0:handle_abort=1",
                   UBSAN_OPTIONS="print_stacktrace=1")


def skip(why):
    print(f"SKIPPED: {why}")
    sys.exit(SKIP_RETURN_CODE)


def names():
    return sorted(path.name.removesuffix("_fuzz.cc") for path in HERE.glob("*_fuzz.cc"))


def can_build():
    command = ["clang++", "-fsanitize=fuzzer,address,undefined", "-x", "c++", "-", "-o", os.devnull]
    text = b"#include <stddef.h>\nextern \"C\" int LLVMFuzzerTestOneInput(const char*, size_t) { return 0; }"
    try:
        return subprocess.run(command, input=text, stderr=subprocess.DEVNULL, check=False).returncode == 0
    except FileNotFoundError:
        return False


def build(is_test):
    if not can_build():
        if is_test:
            skip("no clang with libFuzzer (tools/install_deps.sh fuzz)")
        print("no clang with libFuzzer (tools/install_deps.sh fuzz): no fuzzers")
        return
    if not (BUILD / "build.ninja").exists():
        subprocess.run(["cmake", "-S", SOURCE, "-B", BUILD, "-G", "Ninja", "-DWINDLASS_FUZZ=ON",
                        "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_COMPILER=clang", "-DCMAKE_CXX_COMPILER=clang++",
                        "-DCMAKE_CXX_FLAGS_DEBUG=-O1 -gline-tables-only"],
                       check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", BUILD, "-j", str(os.cpu_count()), "--target", "fuzz_programs"], check=True)


def program(name, kind="_fuzz"):
    path = BUILD / "programs" / f"{name}{kind}"
    if not path.exists():
        skip(f"not built: {path}")
    return path


def run(command, environment=None):
    print(shlex.join(map(str, command)), flush=True)
    environment = environment or ENVIRONMENT
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False).returncode == 0


def replay(name):
    seeds = sorted((HERE / "corpus" / name).iterdir())
    return bool(seeds) and run([program(name), *seeds])


def search(name, seconds):
    found, crashes = BUILD / "found" / name, BUILD / "crashes"
    found.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(exist_ok=True)
    before = set(crashes.iterdir())
    words = HERE / f"{name}.dict"
    is_right = run([program(name), f"-max_total_time={seconds}", f"-max_len={MOST_BYTES}", "-timeout=10", "-len_control=20",
                    "-rss_limit_mb=2048", "-print_final_stats=1", f"-artifact_prefix={crashes}/{name}-",
                    *([f"-dict={words}"] if words.exists() else []), found, HERE / "corpus" / name])
    for path in sorted(set(crashes.iterdir()) - before):
        if path.name.startswith(f"{name}-"):
            print(f"FOUND {path}\nto reproduce: {program(name)} {path}", flush=True)
    return is_right


def main(action, *arguments):
    if action == "build":
        build(is_test="--or-skip" in arguments)
        return True
    if action == "sanitized":  # the tests of one folder, with sanitizers
        # They abort on purpose, too.
        return run([program(arguments[0], kind="")], ENVIRONMENT | {"ASAN_OPTIONS": "detect_container_overflow=0"})
    if action == "replay":
        return replay(arguments[0])
    if action == "new":
        return search(arguments[0], arguments[1])
    if action == "all":
        seconds = os.environ.get("FUZZ_SECONDS", "60")
        return all([search(name, seconds) for name in names()])
    raise SystemExit(f"{action}: not known")


if __name__ == "__main__":
    sys.exit(not main(*sys.argv[1:]))
