#!/bin/sh
# Fetches lwIP's source tarball as Debian's source package, with an apt state of its own: neither the
# system's package lists nor its sources are touched. The mirror is the one this machine uses.
#
# usage: fetch-lwip.sh CACHE_DIR TARBALL_NAME SHA256
set -eu
cache=$1 name=$2 sha256=$3
suites="trixie forky sid"

fail() {
	echo "fetch-lwip: $*" >&2
	exit 1
}

command -v apt-get >/dev/null || fail "needs apt-get; this is no Debian system"
mkdir -p "$cache"
work=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
chmod 755 "$work"

mirror=$(apt-get indextargets --format '$(SITE)' 'Identifier: Packages' 2>/dev/null |
	grep -v -e security -e '^$' | sort | uniq -c | sort -rn | awk 'NR == 1 {print $2}')
[ -n "$mirror" ] || fail "apt knows no Debian mirror (run apt-get update first)"

for suite in $suites; do
	echo "deb-src $mirror $suite main" >"$work/sources.list"
	mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
	set -- -qq -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" \
		-o APT::Sandbox::User=root -o Acquire::Retries=2
	apt-get "$@" update >"$work/log" 2>&1 || continue
	(cd "$work" && apt-get "$@" source --download-only --tar-only lwip) >>"$work/log" 2>&1 || continue
	[ -f "$work/$name" ] || continue
	echo "$sha256  $work/$name" | sha256sum -c --quiet >/dev/null 2>&1 ||
		fail "$suite: $name has another checksum than the pinned one"
	mv "$work/$name" "$cache/$name"
	exit 0
done
cat "$work/log" >&2
fail "no suite of $suites has $name"
