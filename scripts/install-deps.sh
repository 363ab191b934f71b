#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Installs the Debian packages that building, testing and the demo need; only what is missing.
#
# usage: install-deps.sh [--build-only | --demo]
#   --build-only  what compiling needs                            (on a bare Debian 12 some 75 MB to download)
#   --demo        that, and the programs scripts/demo.sh runs     (85 MB)
#   (neither)     that, and what all of scripts/test.sh needs     (280 MB, 1.2 GB unpacked)
set -eu

build="gcc libc6-dev cmake ninja-build pkg-config xz-utils
	libnl-3-dev libnl-route-3-dev libmnl-dev libev-dev libinih-dev libjson-c-dev libncurses-dev scdoc"
demo="iproute2 procps util-linux python3 curl bind9-dnsutils iperf3"
tests="clang clang-tidy libclang-rt-14-dev llvm libcmocka-dev valgrind shellcheck mandoc python3-pytest
	python3-pytest-xdist openssh-server openssh-client mosquitto mosquitto-clients netcat-openbsd iputils-ping
	make musl-tools busybox tmux tshark python3-prometheus-client podman runc netavark catatonit mmdebstrap
	python3-yaml python3-jsonschema debhelper lintian systemd-container nodejs"

fail() {
	echo "install-deps: $*" >&2
	exit 1
}

case ${1-} in
--build-only) tests='' demo='' ;;
--demo) tests='' ;;
'') ;;
*) fail "unknown argument $1 (usage: install-deps.sh [--build-only | --demo])" ;;
esac

command -v dpkg-query >/dev/null || fail "this is no Debian system; the packages are named in this script"
missing=''
for package in $build $demo $tests; do
	dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
		missing="$missing $package"
done
[ -n "$missing" ] || exit 0
[ "$(id -u)" = 0 ] || fail "missing:$missing (run as root to install them)"

# The tests run their own sshd and mosquitto; a newly installed system service must not start.
policy=/usr/sbin/policy-rc.d
log=$(mktemp)
made_policy=
cleanup() {
	[ -z "$made_policy" ] || rm -f "$policy"
	rm -f "$log"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
	made_policy=1
fi

echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
install() {
	# shellcheck disable=SC2086 # a list of words
	apt-get install -qq -y --no-install-recommends $missing >"$log" 2>&1
}
if ! install; then
	apt-get update -qq >"$log" 2>&1 || { cat "$log" >&2; fail "apt-get update failed"; }
	install || { tail -n 20 "$log" >&2; fail "apt-get install failed"; }
fi
if [ -d /run/systemd/system ]; then
	case " $missing " in *" openssh-server "*) systemctl disable --quiet ssh ;; esac
	case " $missing " in *" mosquitto "*) systemctl disable --quiet mosquitto ;; esac
	case " $missing " in *" podman "*) systemctl disable --quiet podman.socket podman podman-restart ;; esac
fi
