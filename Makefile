# A front door to CMake: every target here is one or two commands that can be typed by hand.
BUILD ?= build
JOBS ?= $(shell nproc)
DESTDIR ?=
PREFIX ?= /usr/local
CMAKE_FLAGS ?=
FUZZ_SECONDS ?= 60

.PHONY: all deps configure build run test configure-asan asan asan-units bench soak fuzz lint fmt deb install clean

all: build

deps:
	@tools/install_deps.sh

configure: deps
	@cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=$(PREFIX) $(CMAKE_FLAGS)

build: configure
	@cmake --build $(BUILD) -j $(JOBS)

run: CMAKE_FLAGS += -DWINDLASS_BUILD_TESTS=OFF
run: build
	@$(BUILD)/windlassd --hint

test: CMAKE_FLAGS += -DWINDLASS_BUILD_TESTS=ON
test: build
	@cmake --build $(BUILD) --target fuzzers
	@ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS)

# Tests want to see what a process dies of: the signal, not the sanitizer's exit.
CRASHES_AS_THEY_ARE = handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_abort=0
# One process each. Leaks are looked for in these: what looks for them cannot run in a sandbox. Tests that measure time
# are left out: with sanitizers nothing takes the time that it shall.
UNIT_TESTS = ^(common|report|framing|handler|io|pool|admin|master|tools|plugin|image|ctl)_tests/
# clang -O1: a third of the time that g++ needs with sanitizers.
configure-asan: deps
	@tools/install_deps.sh fuzz
	@cmake -S . -B $(BUILD)-asan -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
	  -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -gline-tables-only -DNDEBUG" \
	  -DWINDLASS_SANITIZE=address,undefined

asan: configure-asan
	@cmake --build $(BUILD)-asan -j $(JOBS)
	@ASAN_OPTIONS=$(CRASHES_AS_THEY_ARE) \
	  ctest --test-dir $(BUILD)-asan --output-on-failure -j $(JOBS) -R '$(UNIT_TESTS)'
	@ASAN_OPTIONS=$(CRASHES_AS_THEY_ARE):detect_leaks=0 \
	  ctest --test-dir $(BUILD)-asan --output-on-failure -j $(JOBS) -E '$(UNIT_TESTS)|^timing_tests/'

asan-units: configure-asan
	@cmake --build $(BUILD)-asan -j $(JOBS) --target unit_tests
	@ctest --test-dir $(BUILD)-asan --output-on-failure -j $(JOBS) \
	  -R '$(UNIT_TESTS)'

bench: CMAKE_FLAGS += -DWINDLASS_BUILD_BENCHMARKS=ON
bench: build
	@tools/install_deps.sh bench
	@cmake --build $(BUILD) --target run_benchmarks

soak: CMAKE_FLAGS += -DWINDLASS_BUILD_TESTS=ON
soak: build
	@cmake --build $(BUILD) --target soak

fuzz: CMAKE_FLAGS += -DWINDLASS_BUILD_TESTS=ON
fuzz: configure
	@tools/install_deps.sh fuzz
	@cmake --build $(BUILD) --target fuzzers
	@cmake -E env FUZZ_SECONDS=$(FUZZ_SECONDS) cmake --build $(BUILD) --target fuzz

lint: configure
	@tools/install_deps.sh lint
	@cmake --build $(BUILD) --target lint

fmt: configure
	@tools/install_deps.sh lint
	@cmake --build $(BUILD) --target fmt

deb: configure
	@cmake --build $(BUILD) --target deb -j $(JOBS)

install: build
	@DESTDIR=$(DESTDIR) cmake --install $(BUILD)

clean:
	@cmake -E rm -rf $(BUILD) $(BUILD)-asan
