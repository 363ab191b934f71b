#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Builds the Debian packages from the files of this tree, as a distribution would: in a clean folder, from
# two upstream tarballs (gwd, lwIP) and packaging/debian, without network.
#
# usage: build.sh [OUT]      (default: build/debian)
#
# DEB_BUILD_OPTIONS as ever (nocheck, parallel=N). Build dependencies: dpkg-checkbuilddeps packaging/debian/control.
set -euo pipefail
export LC_ALL=C TZ=UTC
umask 022
cd "$(dirname "$0")/../.."

fail() {
	echo "build: $*" >&2
	exit 1
}

files() { # of this tree, NUL separated: those git knows and new ones, or all of a release tarball's
	if [ -e .git ]; then
		git ls-files -z -co --exclude-standard --deduplicate | while IFS= read -r -d '' file; do
			[ ! -e "$file" ] || printf '%s\0' "$file"
		done
	else
		find . \( -type f -o -type l \) ! -path './build/*' -printf '%P\0'
	fi
}

lwip_tarball() { # prints the path of the pinned one; see cmake/lwip.cmake
	local name sum cache=${XDG_CACHE_HOME:-$HOME/.cache}/gwd
	name=$(sed -n 's/^set(LWIP_TARBALL_NAME \(.*\))/\1/p' cmake/lwip.cmake)
	sum=$(sed -n 's/^set(LWIP_SHA256 \(.*\))/\1/p' cmake/lwip.cmake)
	sh cmake/fetch-source.sh "$cache" lwip "$name" "$sum" >&2 || fail "lwIP's source is missing"
	echo "$cache/$name"
}

mkdir -p "${1-build/debian}"
out=$(realpath "${1-build/debian}")
version=$(dpkg-parsechangelog -l packaging/debian/changelog -S Version)
upstream=${version%-*}
epoch=$(dpkg-parsechangelog -l packaging/debian/changelog -S Timestamp)
lwip=$(lwip_tarball)
work=$(mktemp -d "${TMPDIR:-/tmp}/gwd-debian.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

files | sort -z | tar --no-recursion --null --mtime="@$epoch" --owner=0 --group=0 --numeric-owner \
	--transform="flags=rSh;s,^,gwd-$upstream/," -c --files-from=- |
	xz -T0 -1 >"$work/gwd_$upstream.orig.tar.xz"
cp "$lwip" "$work/gwd_$upstream.orig-lwip.tar.xz"

tar -C "$work" -xf "$work/gwd_$upstream.orig.tar.xz"
mkdir "$work/gwd-$upstream/lwip"
tar -C "$work/gwd-$upstream/lwip" --strip-components=1 -xf "$lwip"
cp -a packaging/debian "$work/gwd-$upstream/debian"
rm "$work/gwd-$upstream/debian/"*.sh
(cd "$work/gwd-$upstream" && dpkg-buildpackage --no-sign --no-check-builddeps)
rm -rf "$work/gwd-$upstream"
cp "$work"/* "$out/"
(cd "$out" && ls -l gwd*_"$version"*.deb)
