#!/usr/bin/env bash
# Installs what building and testing need from Debian's packages. Idempotent: says what it installs, and nothing when
# all is there. Uses sudo when not root. On other systems it only names what is missing.
# `install_deps.sh lint` adds what formatting and linting need, `install_deps.sh test` what some tests need that say
# SKIPPED without it, `install_deps.sh fuzz` only what fuzzers need, `install_deps.sh bench` the peers that benchmarks
# measure.
set -euo pipefail

packages=(
  g++ cmake ninja-build pkg-config          # build
  libabsl-dev                               # base library
  libprotobuf-dev protobuf-compiler         # internal IPC
  libsimdjson-dev                           # JSON
  libtomlplusplus-dev                       # configuration
  libspdlog-dev                             # logging
  libxxhash-dev                             # fingerprints of payloads
  libsystemd-dev                            # notification, socket activation
  libseccomp-dev                            # the sandbox of pool processes
  libboost-dev                              # HTTP (Boost.Beast)
  libncurses-dev                            # windlassctl top
  libpng-dev libturbojpeg0-dev              # the handler image
  libeigen3-dev                             # the handler infer
  dpkg-dev                                  # the Debian package
  libgtest-dev libgmock-dev                 # tests
  netcat-openbsd                            # a client the tests use
  python3                                   # a peer that the benchmark measures; tests of the packaging
)
for_tests=(
  systemd systemd-container dbus-daemon     # the units; a real systemd, booted in a container
  curl wrk nghttp2-client                   # clients of http
  lintian shellcheck                        # the Debian package and its scripts
  haproxy openssl                           # the example of TLS in front
  tmux                                      # a terminal for windlassctl top
  python3-yaml                              # the Kubernetes manifests
  mandoc man-db groff-base                  # the manual pages
  strace                                    # system calls that fail
  chromium                                  # the dashboard in a real browser
  prometheus                                # promtool: metrics and alert rules
)
for_fuzz=(clang libclang-rt-14-dev)         # libFuzzer
for_bench=(nginx-light php-fpm wrk python3-numpy)  # peers beside which is measured, and a client of http
[ "${1:-}" = bench ] && packages+=("${for_bench[@]}")
[ "${1:-}" = lint ] && packages+=(clang-format clang-tidy)
[ "${1:-}" = fuzz ] && packages+=("${for_fuzz[@]}")
[ "${1:-}" = test ] && packages+=("${for_tests[@]}" "${for_fuzz[@]}")

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
  [ "$status" = "install ok installed" ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "install_deps: no apt-get here; install the equivalents of: ${missing[*]}" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "install_deps: run as root: apt-get install ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "install_deps: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() { "${as_root[@]}" apt-get install -y --no-install-recommends "${missing[@]}" </dev/null >"$log" 2>&1; }
# The package lists may be old or absent: refresh them only when the first try fails.
install || { "${as_root[@]}" apt-get update </dev/null >"$log" 2>&1 && install; } || { cat "$log" >&2; exit 1; }
