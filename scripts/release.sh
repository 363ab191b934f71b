#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Makes a release: gwd-VERSION.tar.xz of a revision, lwIP's tarball beside it, and SHA256SUMS. The same
# revision gives the same bytes, whoever runs it, where and when (with the same xz).
#
# usage: release.sh [-o FOLDER] [REVISION]      (default: dist, HEAD; FOLDER from the top of the tree)
set -euo pipefail
export LC_ALL=C TZ=UTC
umask 022
cd "$(dirname "$0")/.."

fail() {
	echo "release: $*" >&2
	exit 1
}

out=dist
while getopts o: option; do
	case $option in
	o) out=$OPTARG ;;
	*) fail "usage: release.sh [-o FOLDER] [REVISION]" ;;
	esac
done
shift $((OPTIND - 1))
revision=$(git rev-parse --verify --quiet "${1-HEAD}^{commit}") || fail "no revision ${1-HEAD}"
[ $# -le 1 ] || fail "usage: release.sh [-o FOLDER] [REVISION]"

# Only what is committed is released; say so before somebody misses his last change.
[ -n "${1-}" ] || [ -z "$(git status --porcelain --untracked-files=no)" ] ||
	fail "there are changes that are not committed"
version=$(git show "$revision:CMakeLists.txt" | sed -n 's/^project(gwd VERSION \([0-9.]*\) .*/\1/p')
[ -n "$version" ] || fail "CMakeLists.txt of $revision names no version"
scripts/check-versions.sh "$revision"

name=gwd-$version
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
mkdir -p "$out"

# git archive sorts, takes the commit's time for every file and no owner of this machine; the user's own
# settings of git must not matter. One thread, because xz cuts its blocks by their number.
git -c tar.umask=0022 -c core.autocrlf=false -c core.eol=lf -c core.attributesFile=/dev/null archive --format=tar --prefix="$name/" "$revision" | xz -9e -T1 >"$work/$name.tar.xz"

lwip=$(sed -n 's/^set(LWIP_TARBALL_NAME \(.*\))/\1/p' cmake/lwip.cmake)
sum=$(sed -n 's/^set(LWIP_SHA256 \(.*\))/\1/p' cmake/lwip.cmake)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gwd
[ -e "$cache/$lwip" ] || sh cmake/fetch-source.sh "$cache" lwip "$lwip" "$sum"
echo "$sum  $cache/$lwip" | sha256sum --check --quiet || fail "$cache/$lwip is not the pinned lwIP"
cp "$cache/$lwip" "$work/"

(cd "$work" && sha256sum -- "$name.tar.xz" "$lwip" >SHA256SUMS)
mv "$work/$name.tar.xz" "$work/$lwip" "$work/SHA256SUMS" "$out/"
chmod 644 "$out/$name.tar.xz" "$out/$lwip" "$out/SHA256SUMS"
echo "$out: $name.tar.xz ($(stat -c %s "$out/$name.tar.xz") bytes), $lwip, SHA256SUMS"
