#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What scripts/test.sh openwrt runs: static programs with musl, their sizes, and the OpenWrt packages, as
# far as they can be tried without OpenWrt. Prints "ok ..." and "not ok ..." lines; root is needed.
#
# usage: run.sh [PYTEST ARGUMENT...]
set -u
cd "$(dirname "$0")/../.." || exit 1
TOP=$PWD
BUILD=$TOP/build/openwrt         # static, configured as OpenWrt's package is
SHARED=$TOP/build/openwrt-shared # the same with this system's libraries, libmnl among them
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

check() { # WHAT COMMAND...: its output only when it fails
	local what=$1
	shift
	if "$@" >"$work/log" 2>&1; then
		echo "ok $what"
	else
		echo "not ok $what"
		tail -n 40 "$work/log"
		return 1
	fi
}

build() {
	scripts/musl-deps.sh && cmake --fresh --preset musl && cmake --build build/musl
}

configure_package() { # BUILD CMAKE ARGUMENT...
	local build=$1
	shift
	cmake --fresh -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=MinSizeRel -DGWD_TESTS=OFF -DGWD_LIBNL=OFF \
		-DGWD_TOP=OFF -DGWD_RUN_DIR=/var/run/gwd "$@"
}

# libubus is not in Debian: a stand-in of it (tests/openwrt/ubus) is what this build is linked with.
build_package() {
	mkdir -p "$SHARED"
	# shellcheck disable=SC2046 # flags are words
	gcc -Os $(pkg-config --cflags json-c) -Itests/openwrt/ubus -c tests/openwrt/ubus/fake.c -o "$SHARED/fake.o" &&
		ar rcs "$SHARED/libfake.a" "$SHARED/fake.o" &&
		configure_package "$SHARED" -DGWD_UBUS=ON -DUBUS_INCLUDE_DIR="$TOP/tests/openwrt/ubus" \
			-DUBUS_LIBRARY="$SHARED/libfake.a" -DUBOX_LIBRARY="$SHARED/libfake.a" \
			-DBLOBMSG_JSON_LIBRARY="$SHARED/libfake.a" &&
		cmake --build "$SHARED" --target gwd gwctl a76sim
}

# libmnl is not to be had for musl here (scripts/musl-deps.sh), so libnl's core stands in for it.
build_static_package() {
	configure_package "$BUILD" --toolchain cmake/toolchain-musl.cmake -DGWD_NETLINK=libnl &&
		cmake --build "$BUILD"
}

is_static() { # PROGRAM...
	local program
	for program in "$@"; do
		! ldd "$program" 2>/dev/null | grep '=>' || return 1
	done
}

run_e2e() { # BUILD PYTEST ARGUMENT...
	local build=$1
	shift
	(cd tests/e2e && PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m pytest -p no:cacheprovider -q \
		--tb=short --build="$build" -n 4 "$@")
}

# A build without the object would skip the test.
is_on_the_bus() { # PYTEST ARGUMENT...
	local status=0
	run_e2e "$SHARED" test_openwrt.py -rs -k on_the_bus "$@" >"$work/bus" || status=1
	cat "$work/bus"
	! grep -q SKIPPED "$work/bus" && [ $status = 0 ]
}

# A build that cannot set addresses refuses to be asked for it, and says why.
refuses_addresses() { # BUILD
	"$1/gwd/gwd" -d /dev/null --check 2>&1 | grep -F 'interface.address: expected none' &&
		"$1/gwd/gwd" -d /dev/null -o interface.address=none --check
}

# -- sizes

kib() { # FILE...: in KiB with one decimal
	cat "$@" | wc -c | awk '{printf "%.1f", $1 / 1024}'
}

sizes() { # BUILD NAME
	local program to=$work/stripped-${1##*/}
	mkdir -p "$to"
	for program in gwd gwctl; do
		strip -o "$to/$program" "$1/gwd/$program"
		echo "# $2: $program stripped $(kib "$to/$program") KiB"
	done
	echo "# $2: both as xz, about what squashfs takes: $(tar -C "$to" -c . | xz -9 --stdout | kib -) KiB"
}

# -- the package's Makefile

package_make() { # TARGET
	make --no-print-directory -r -C packaging/openwrt/gwd TOPDIR="$TOP/tests/openwrt/make" OUT="$work/make" "$1"
}

names_itself() {
	local version sum
	version=$("$BUILD/gwd/gwd" --version | cut -d ' ' -f 2)
	sum=$(sed -n 's/^set(LWIP_SHA256 \(.*\))/\1/p' cmake/lwip.cmake)
	package_make metadata >"$work/metadata" && cat "$work/metadata" &&
		grep -qx "package gwd $version-1" "$work/metadata" &&
		grep -q '^depends .*+kmod-tun .*+libmnl' "$work/metadata" &&
		package_make prepare >"$work/prepare" && cat "$work/prepare" &&
		grep -q "^download @DEBIAN/.*/lwip_.* $sum\$" "$work/prepare"
}

# What the package copies is all that a build needs.
is_whole() {
	(cd "$work/make/build" && configure_package "$work/make/again" && ninja -C "$work/make/again" -n gwd gwctl)
}

# Each of the package's files is installed, and what is to be run can be.
installs_everything() {
	local file root=$work/make/root
	mkdir -p "$work/make/installed/usr/sbin" "$work/make/installed/usr/bin"
	cp "$work/stripped-openwrt-shared/gwd" "$work/make/installed/usr/sbin/"
	cp "$work/stripped-openwrt-shared/gwctl" "$work/make/installed/usr/bin/"
	package_make install || return 1
	(cd packaging/openwrt/gwd/files && find . ! -type d) | while read -r file; do
		[ -e "$root/$file" ] || { echo "$file is not installed"; exit 1; }
		[ ! -x "packaging/openwrt/gwd/files/$file" ] || [ -x "$root/$file" ] ||
			{ echo "$file cannot be run"; exit 1; }
	done || return 1
	[ "$(stat -c %a "$root/etc/config/gwd")" = 600 ] && # it may have a PIN
		PATH=$root/usr/sbin:$root/usr/bin:$PATH packaging/openwrt/gwd/test-version.sh gwd \
			"$("$BUILD/gwd/gwd" --version | cut -d ' ' -f 2)"
}

package_size() {
	local root=$work/make/root
	echo "# package: files $(find "$root" -type f -exec cat {} + | wc -c | awk '{printf "%.0f", $1 / 1024}') KiB," \
		"as xz $(tar -C "$root" -c . | xz -9 --stdout | kib -) KiB; libev, libinih and libmnl come to it"
}

all_json() {
	local file
	find packaging/openwrt -name '*.json' | while read -r file; do
		python3 -m json.tool "$file" || exit 1
	done
}

# -- LuCI

luci() {
	local file=packaging/openwrt/luci-proto-gwd/htdocs/luci-static/resources/protocol/gwd.js option
	check "$file is JavaScript" node --check "$file"
	node tests/openwrt/luci.js || echo "not ok luci: tests/openwrt/luci.js failed"
	node tests/openwrt/luci.js --values >"$work/values" && [ -s "$work/values" ] || echo "not ok luci names its values"
	while read -r option; do
		"$BUILD/gwd/gwd" -d /dev/null -o interface.address=none -o modem.user=u -o "$option" --check >"$work/log" 2>&1 ||
			echo "not ok luci offers what gwd refuses: $option"
	done <"$work/values"
}

check "static build with musl" build || exit 1
check "static build as for OpenWrt" build_static_package || exit 1
check "build as for OpenWrt" build_package || exit 1
check "gwd and gwctl need no library" is_static "$BUILD"/gwd/{gwd,gwctl} build/musl/gwd/{gwd,gwctl}
check "a static build without libnl-route says what it cannot do" refuses_addresses "$BUILD"
check "a shared build without libnl-route says what it cannot do" refuses_addresses "$SHARED"
check "the static gwd carries traffic" run_e2e "$TOP/build/musl" test_interface.py test_managed.py "$@"
check "netifd's handler and the init script" run_e2e "$BUILD" test_openwrt.py "$@"
check "the object on ubus" is_on_the_bus "$@"
sizes build/musl "static, for containers"
sizes "$SHARED" "for OpenWrt"
check "the package's Makefile" names_itself
check "the package's source is whole" is_whole
check "the package's files" installs_everything
package_size
check "capabilities and ACL are JSON" all_json
luci
