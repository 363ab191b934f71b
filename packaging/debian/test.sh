#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The suite "deb" of scripts/test.sh: builds the packages, looks at them, installs them in a clean Debian, and
# runs their autopkgtests there under a real systemd. One line a finding: "ok ...", "not ok ...", "skipped ...".
#
# The clean Debian is made once for a list of packages and kept in the cache (170 MB).
# shellcheck disable=SC2317 # functions are called by check()
set -u
cd "$(dirname "$0")/../.." || exit 1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gwd
work=$(mktemp -d "${TMPDIR:-/tmp}/gwd-deb.XXXXXX")
root=$work/root out=$work/out
nspawn=
failed=0

cleanup() {
	if [ -n "$nspawn" ] && kill -0 "$nspawn" 2>/dev/null; then
		kill -KILL "$nspawn" # and with it nspawn and all of the system inside
		wait "$nspawn" 2>/dev/null
	fi
	rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

check() { # NAME COMMAND...
	local name=$1
	shift
	if "$@" >"$work/log" 2>&1; then
		echo "ok $name"
	else
		echo "not ok $name"
		tail -n 40 "$work/log"
		failed=1
		return 1
	fi
}

# What the packages and their tests need, and a systemd that boots.
packages() {
	printf '%s\n' systemd-sysv dbus
	sed -n 's/^Depends: //p' packaging/debian/tests/control | tr ',' '\n'
	for deb in "$out"/*.deb; do
		dpkg-deb -f "$deb" Depends
	done | tr ',' '\n' | sed 's/([^)]*)//; s/|.*//'
}
package_list() {
	packages | tr -d ' ' | grep -v '^gwd' | sort -u | paste -s -d ,
}

# Prints the path of the clean Debian's tarball.
root_tarball() {
	local suite mirror key args
	# shellcheck source=/dev/null
	suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
	mirror=$(apt-get indextargets --format "\$(SITE)" 'Identifier: Packages' 2>/dev/null |
		grep -v -e security -e '^$' | sort | uniq -c | sort -rn | awk 'NR == 1 {print $2}')
	args=(--variant=essential --include="$(package_list)" --dpkgopt='path-exclude=/usr/share/man/*'
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' "$suite")
	key=$(echo "${args[*]}" | sha256sum | cut -c 1-16)
	if [ ! -e "$cache/debian-$key.tar" ]; then
		mkdir -p "$cache"
		mmdebstrap --quiet "${args[@]}" "$work/root.tar" ${mirror:+"$mirror"} >&2 || return 1
		rm -f "$cache"/debian-*.tar # of other lists
		mv "$work/root.tar" "$cache/debian-$key.tar"
	fi
	echo "$cache/debian-$key.tar"
}

make_root() {
	local tarball
	tarball=$(root_tarball) && mkdir "$root" && tar -C "$root" -xf "$tarball"
}

install_packages() {
	cp "$out"/*.deb "$root/tmp/" && chroot "$root" sh -c 'dpkg --install /tmp/*.deb'
}

# A unit runs the tests when the system is up, and ends it; the tests' words are in /suite.
prepare_boot() {
	mkdir "$root/suite"
	cp packaging/debian/tests/cell0 packaging/debian/tests/service "$root/suite/"
	cat >"$root/suite/run" <<-'SH'
	#!/bin/sh
	if sh -e /suite/cell0 >/suite/log 2>&1; then echo "ok cell0: curl through the interface"; else
		echo "not ok cell0"; cat /suite/log; fi
	/suite/service 2>&1
	SH
	cat >"$root/etc/systemd/system/suite.service" <<-'UNIT'
	[Unit]
	After=multi-user.target
	SuccessAction=poweroff-force
	FailureAction=poweroff-force
	[Service]
	Type=oneshot
	ExecStart=/bin/sh /suite/run
	StandardOutput=truncate:/suite/output
	TimeoutStartSec=150
	UNIT
	mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
	ln -s ../suite.service "$root/etc/systemd/system/multi-user.target.wants/"
	ln -s /dev/null "$root/etc/systemd/system/console-getty.service"
	: >"$root/etc/machine-id"
	# Would wait for DHCP on whatever appears; the packages' file must keep it away from ours.
	printf '[Match]\nName=*\n[Network]\nDHCP=yes\n' >"$root/etc/systemd/network/90-all.network"
}

boot() {
	local -a scope=()
	[ -d /run/systemd/system ] || scope=(--keep-unit)
	setpriv --pdeathsig KILL timeout --signal=KILL 180 setpriv --pdeathsig KILL \
		systemd-nspawn --quiet --machine="gwd-deb-$$" --register=no --link-journal=no "${scope[@]}" --private-network \
		--bind=/dev/net/tun --capability=CAP_NET_ADMIN --directory="$root" --boot \
		</dev/null >"$work/console" 2>&1 &
	nspawn=$!
	wait "$nspawn"
	nspawn=
}

run_in_system() {
	prepare_boot
	boot
	if [ -s "$root/suite/output" ]; then
		cat "$root/suite/output"
		! grep -q '^not ok' "$root/suite/output" || failed=1
		grep -q '^ok service: and has its exit status' "$root/suite/output" || check "the boot's tests came to their end" false
	else
		echo "skipped cell0, service: no system boots here ($(grep -v '^$' "$work/console" | tail -n 1))"
	fi
}

lint() { # beside the making of the clean Debian
	lintian --allow-root --display-experimental --fail-on error,warning "$out"/*.changes >"$work/lintian" 2>&1 &
	linter=$!
}
linted() {
	wait "$linter" || {
		cat "$work/lintian"
		return 1
	}
}

harden() { # the unit's exposure, offline: 2.0 of 10 at most
	chroot "$root" systemd-analyze security --offline=true --threshold=20 /lib/systemd/system/gwd@.service
}

purge() {
	chroot "$root" dpkg --purge gwd gwd-tools &&
		! find "$root/etc" "$root/lib/" "$root/usr" "$root/var/lib/gwd" -name '*gwd*' 2>/dev/null | grep .
}

DEB_BUILD_OPTIONS="nocheck noautodbgsym parallel=$(nproc)"
export DEB_BUILD_OPTIONS
check "deb: builds from a clean source" packaging/debian/build.sh "$out" || exit 1
lint
check "deb: a clean Debian can be made" make_root || exit 1
check "deb: installs there" install_packages || exit 1
check "deb: the unit is confined" harden
check "deb: systemd takes the unit" chroot "$root" systemd-analyze verify --man=no gwd@cell0.service
run_in_system
check "deb: lintian has no error and no warning" linted
check "deb: nothing is left after a purge" purge
exit $failed
