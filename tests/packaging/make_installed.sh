#!/bin/sh
# make_installed.sh BUILD: what `make install` gives, in BUILD/tests/installed.
set -eu
rm -rf "$1/tests/installed"
cmake --install "$1" --prefix "$1/tests/installed"
