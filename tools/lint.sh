#!/usr/bin/env bash
# Runs clang-tidy (checks in .clang-tidy) over sources: lint.sh BUILD_FOLDER SOURCE...
set -euo pipefail
build=$1
shift
printf '%s\0' "$@" | xargs -0 -n 4 -P "$(nproc)" clang-tidy -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option --warnings-as-errors='*'
