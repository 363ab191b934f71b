#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Builds what gwd links, statically and with musl, from Debian's source packages (cmake/fetch-source.sh):
# libev, json-c, inih, crypt(3) and the part of libnl that sets up an interface. libmnl's source is not to
# be had that way; such a build has GWD_NETLINK=libnl. It is done once: the result stays in the cache, in a
# folder of its own for each version of this script and of the compiler.
#
# usage: musl-deps.sh [--print]      --print: only say where the result is, or would be
#
# Then, for static programs (packages: musl-tools, make, and what install-deps.sh --build-only installs):
#   scripts/musl-deps.sh
#   cmake --preset musl && cmake --build build/musl    # build/musl/gwd/gwd, build/musl/gwd/gwctl
# Another compiler of that kind than musl-gcc: MUSL_CC, and -DCMAKE_C_COMPILER= for cmake.
set -eu
cd "$(dirname "$0")/.."
cc=${MUSL_CC:-musl-gcc}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gwd

fail() {
	echo "musl-deps: $*" >&2
	exit 1
}

command -v "$cc" >/dev/null || fail "$cc is missing (Debian: musl-tools)"
version=$({
	cat scripts/musl-deps.sh
	"$cc" --version
} | sha256sum | cut -c 1-12)
prefix=$cache/musl-$(uname -m)-$version
CFLAGS="-Os -ffunction-sections -fdata-sections -isystem $prefix/include"

case ${1-} in
--print)
	echo "$prefix"
	exit 0
	;;
'') ;;
*) fail "unknown argument $1 (usage: musl-deps.sh [--print])" ;;
esac

mkdir -p "$cache"
exec 9>"$cache/musl.lock"
flock 9
[ ! -e "$prefix/.complete" ] || exit 0

cmake/fetch-source.sh "$cache" \
	libev libev_4.33.orig.tar.gz \
	507eb7b8d1015fbec5b935f34ebed15bf346bed04a11ab82b8eee848c4205aea \
	json-c json-c_0.18+ds.orig.tar.xz \
	f6439962c9622c1f9f4746d5b3daf5e0800c335281b048fab00159f2a29d7daa \
	libinih libinih_59.orig.tar.gz \
	062279922805f5e9a369551a08d5ddb506140fe50774183ffdbb7c22bb97e3f4 \
	libnl3 libnl3_3.7.0.orig.tar.gz \
	9fe43ccbeeea72c653bdcf8c93332583135cda46a79507bfd0a483bb57f65939 \
	musl musl_1.2.5.orig.tar.gz \
	a9a118bbe84d8764da0ea0d28b3ab3fae8477fc7e4085d90102b8596fc7c75e4

work=$(mktemp -d "$cache/musl.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
rm -rf "$prefix"
mkdir -p "$prefix/include" "$prefix/lib/pkgconfig"

# musl has no kernel headers. The kernel's own stand beside glibc's, so their folders are named one by
# one: the compiler must not see the rest of /usr/include.
kernel_headers() {
	ln -s /usr/include/linux /usr/include/asm-generic "$prefix/include/"
	if [ -d /usr/include/asm ]; then
		ln -s /usr/include/asm "$prefix/include/asm"
	else
		ln -s "/usr/include/$(gcc -print-multiarch)/asm" "$prefix/include/asm"
	fi
}

unpack() { # TARBALL: its only folder becomes the current one
	mkdir "$work/${1%%_*}"
	cd "$work/${1%%_*}"
	tar --strip-components 1 -xf "$cache/$1"
}

archive() { # LIBRARY SOURCE...
	library=$1
	shift
	for source in "$@"; do
		object=$(echo "$source" | tr / _).o
		# shellcheck disable=SC2086 # flags are words
		"$cc" $CFLAGS ${DEFINES-} -c "$source" -o "$object"
		ar rc "$prefix/lib/$library" "$object"
	done
}

pc() { # MODULE VERSION LIBS [REQUIRES]
	cat >"$prefix/lib/pkgconfig/$1.pc" <<-PC
	Name: $1
	Description: static, for musl
	Version: $2
	Requires: ${4-}
	Cflags: -isystem $prefix/include
	Libs: -L$prefix/lib $3
	PC
}

build_libev() {
	unpack libev_4.33.orig.tar.gz
	./configure CC="$cc" CFLAGS="$CFLAGS" --disable-shared
	make libev.la
	cp .libs/libev.a "$prefix/lib/"
	cp ev.h "$prefix/include/"
}

build_json_c() {
	unpack json-c_0.18+ds.orig.tar.xz
	cmake -G Ninja -S . -B out -DCMAKE_C_COMPILER="$cc" -DCMAKE_C_FLAGS="$CFLAGS" \
		-DCMAKE_BUILD_TYPE=None -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib \
		-DBUILD_SHARED_LIBS=OFF -DBUILD_TESTING=OFF -DBUILD_APPS=OFF -DDISABLE_EXTRA_LIBS=ON
	cmake --build out
	cmake --install out
}

build_inih() {
	unpack libinih_59.orig.tar.gz
	archive libinih.a ini.c
	cp ini.h "$prefix/include/"
	pc inih 59 -linih
}

# Without the traffic control part of libnl-route, which needs flex and bison.
build_libnl() {
	unpack libnl3_3.7.0.orig.tar.gz
	./configure FLEX=true YACC=true CC="$cc" CFLAGS="$CFLAGS" --disable-shared --disable-cli
	DEFINES="-D_GNU_SOURCE -DSYSCONFDIR=\"/etc\" -I. -Iinclude -Iinclude/linux-private -Ilib -w"
	archive libnl-3.a lib/*.c
	archive libnl-route-3.a lib/route/addr.c lib/route/link.c lib/route/link/api.c \
		lib/route/link/inet6.c lib/route/link/sriov.c lib/route/nexthop.c lib/route/nexthop_encap.c \
		lib/route/nh_encap_mpls.c lib/route/route.c lib/route/route_obj.c \
		lib/route/route_utils.c lib/route/rtnl.c lib/mpls.c
	cp -r include/netlink "$prefix/include/"
	pc libnl-3.0 3.7.0 -lnl-3
	pc libnl-route-3.0 3.7.0 -lnl-route-3 libnl-3.0
}

# Debian's musl leaves crypt(3) out. Of musl's own the one scheme gwd uses is enough.
build_crypt() {
	unpack musl_1.2.5.orig.tar.gz
	cat >"$prefix/include/crypt.h" <<-H
	struct crypt_data { char output[256]; };
	char *crypt_r(const char *key, const char *setting, struct crypt_data *data);
	H
	cat >crypt_r.c <<-C
	#include <crypt.h>
	char *__crypt_sha256(const char *key, const char *setting, char *output);
	char *crypt_r(const char *key, const char *setting, struct crypt_data *data)
	{
	        return __crypt_sha256(key, setting, data->output);
	}
	C
	archive libcrypt.a src/crypt/crypt_sha256.c crypt_r.c
}

# In the background "set -e" holds, which it does not in a condition.
build_all() {
	pids=''
	for part in "$@"; do
		"build_$part" >"$work/$part.log" 2>&1 &
		pids="$pids $part:$!"
	done
	for pid in $pids; do
		wait "${pid#*:}" && continue
		tail -n 30 "$work/${pid%:*}.log" >&2
		fail "${pid%:*} cannot be built"
	done
}

kernel_headers
build_all libev json_c inih libnl crypt
touch "$prefix/.complete"
