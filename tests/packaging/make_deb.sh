#!/bin/sh
# make_deb.sh BUILD: the packages of what is built, in BUILD/packages, and windlass once more as the next version: the
# same but for its number, VERSION+next.
set -eu
packages=$1/packages
rm -rf "$packages"
cpack --config "$1/CPackConfig.cmake" -B "$packages"
rm -rf "$packages/_CPack_Packages"

now=$(echo "$packages"/windlass_*.deb)
next=$packages/next
dpkg-deb --raw-extract "$now" "$next"
sed -i 's/^Version: .*/&+next/' "$next/DEBIAN/control"
version=$(sed -n 's/^Version: //p' "$next/DEBIAN/control")
dpkg-deb --root-owner-group --build "$next" "$packages/windlass_${version}_${now##*_}"
rm -rf "$next"
