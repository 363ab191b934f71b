#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# scripts/release.sh gives the same bytes to everybody, and what it gives can be built without a network.
# Prints "ok NAME" or "not ok NAME" a check.
set -u
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

check() { # NAME COMMAND...
	local name=$1
	shift
	if "$@" >"$work/log" 2>&1; then
		echo "ok $name"
	else
		echo "not ok $name"
		tail -n 20 "$work/log"
	fi
}

one_version_everywhere() { scripts/check-versions.sh; }

same_bytes_for_everybody() {
	# Another clone, another folder, mask, zone, language and git settings.
	(umask 022 && TZ=UTC scripts/release.sh -o "$work/a" HEAD) &&
		git clone -q . "$work/clone" && git -C "$work/clone" config tar.umask 0077 &&
		git -C "$work/clone" config core.autocrlf true &&
		(cd "$work/clone" && umask 077 && TZ=Asia/Tokyo LANG=C.UTF-8 scripts/release.sh -o "$work/b") &&
		diff -r "$work/a" "$work/b" && (cd "$work/a" && sha256sum --check SHA256SUMS)
}

changes_are_not_released_unnoticed() {
	echo "# changed" >>"$work/clone/README.md"
	! (cd "$work/clone" && scripts/release.sh -o "$work/c")
}

unpacked() { tar -C "$work" -xf "$work"/a/gwd-*.tar.xz && cd "$work"/gwd-[0-9]* || return; }

builds_without_a_network() {
	local version
	version=$(sed -n 's/^project(gwd VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)
	unpacked && unshare -n cmake -S . -B "$work/build" -G Ninja -DGWD_TESTS=OFF \
		-DLWIP_TARBALL="$(echo "$work"/a/lwip_*)" &&
		unshare -n cmake --build "$work/build" &&
		[ "$("$work/build/gwd/gwd" --version)" = "gwd $version" ] &&
		[ "$("$work/build/gwd/gwctl" --version)" = "gwctl $version" ]
}

holds_what_is_in_git_and_nothing_else() {
	diff <(git ls-files | sort) <(unpacked && find . -type f -o -type l | sed 's,^\./,,' | sort)
}

check "one version everywhere" one_version_everywhere
check "the same bytes for everybody" same_bytes_for_everybody
check "changes that are not committed are not released unnoticed" changes_are_not_released_unnoticed
check "the tarball holds what is in git and nothing else" holds_what_is_in_git_and_nothing_else
check "the tarball builds without a network" builds_without_a_network
