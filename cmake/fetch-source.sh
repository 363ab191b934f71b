#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Fetches source tarballs of Debian's source packages, with an apt state of its own: neither the
# system's package lists nor its sources are touched. The mirror is the one this machine uses. What is
# in the cache with the right checksum is not fetched again.
#
# usage: fetch-source.sh CACHE_DIR {PACKAGE TARBALL_NAME SHA256}...
set -eu
cache=$1
shift
suites="trixie forky sid bookworm"

fail() {
	echo "fetch-source: $*" >&2
	exit 1
}

have() { # FILE SHA256
	[ -f "$1" ] && echo "$2  $1" | sha256sum -c --quiet >/dev/null 2>&1
}

missing='' # lines of PACKAGE TARBALL_NAME SHA256
while [ $# -ge 3 ]; do
	have "$cache/$2" "$3" || missing="$missing$1 $2 $3
"
	shift 3
done
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null || fail "needs apt-get; this is no Debian system"
mkdir -p "$cache"
work=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
chmod 755 "$work"

mirror=$(apt-get indextargets --format '$(SITE)' 'Identifier: Packages' 2>/dev/null |
	grep -v -e security -e '^$' | sort | uniq -c | sort -rn | awk 'NR == 1 {print $2}')
[ -n "$mirror" ] || fail "apt knows no Debian mirror (run apt-get update first)"

apt() {
	apt-get -qq -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" \
		-o APT::Sandbox::User=root -o Acquire::Retries=2 "$@" >>"$work/log" 2>&1
}

fetch_one() { # SUITE PACKAGE TARBALL_NAME SHA256: false if the suite has it not
	(cd "$work" && apt source --download-only --tar-only "$2") || return 1
	[ -f "$work/$3" ] || return 1
	have "$work/$3" "$4" || fail "$1: $3 has another checksum than the pinned one"
	mv "$work/$3" "$cache/$3"
}

for suite in $suites; do
	echo "deb-src $mirror $suite main" >"$work/sources.list"
	mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
	: >"$work/log"
	apt update || continue
	echo "$missing" >"$work/wanted"
	missing=''
	while read -r package name sha256; do
		[ -n "$package" ] || continue
		fetch_one "$suite" "$package" "$name" "$sha256" || missing="$missing$package $name $sha256
"
	done <"$work/wanted"
	[ -n "$missing" ] || exit 0
done
cat "$work/log" >&2
fail "no suite of $suites has" "$(echo "$missing" | cut -d ' ' -f 2 | tr '\n' ' ')"
