#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The version has one place, project() in CMakeLists.txt; where another file must repeat it, it is the
# same there (OpenWrt's Makefile reads it).
#
# usage: check-versions.sh [REVISION]      (default: the files as they are)
set -eu
cd "$(dirname "$0")/.."
revision=${1-}

text() { # FILE
	if [ -n "$revision" ]; then git show "$revision:$1"; else cat "$1"; fi
}

status=0
same() { # FILE WHAT VERSION
	[ "$3" = "$version" ] && return
	echo "$1: $2 is \"$3\", but CMakeLists.txt says $version" >&2
	status=1
}

version=$(text CMakeLists.txt | sed -n 's/^project(gwd VERSION \([0-9.]*\) .*/\1/p')
[ -n "$version" ] || {
	echo "CMakeLists.txt: project() names no version" >&2
	exit 1
}
same CHANGELOG.md "the newest entry" "$(text CHANGELOG.md | sed -n 's/^## \([0-9.]*\) - .*/\1/p' | head -n 1)"
same packaging/debian/changelog "the newest entry" \
	"$(text packaging/debian/changelog | sed -n '1s/^gwd (\([0-9.]*\)[^)]*).*/\1/p')"
exit $status
