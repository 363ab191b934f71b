#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Shows gwd at work without a modem: two network namespaces, a simulated A76XX between them, and
# real programs through cell0. Leaves nothing behind but the build.
set -u
cd "$(dirname "$0")/.." || exit 1

BAUD=921600
SHELL_WANTED=
SERVER=198.51.100.1

usage() {
	echo "usage: demo.sh [--shell] [--baud N]"
	echo "  --shell  leave a shell where the programs run: try your own (exit ends the demo)"
	echo "  --baud   speed of the simulated serial line (default $BAUD)"
}
fail() {
	echo "demo: $*" >&2
	exit 1
}
while [ $# -gt 0 ]; do
	case $1 in
	--shell) SHELL_WANTED=1 ;;
	--baud)
		[[ ${2-} =~ ^[1-9][0-9]*$ ]] || fail "--baud wants a number"
		BAUD=$2
		shift
		;;
	-h | --help)
		usage
		exit 0
		;;
	*)
		usage >&2
		exit 64
		;;
	esac
	shift
done
[ "$(id -u)" = 0 ] || fail "needs root for its network namespaces: sudo scripts/demo.sh"

# -- build ---------------------------------------------------------------------------------------

echo "== packages and build"
scripts/install-deps.sh --demo || exit 1
mkdir -p build
{ cmake --preset release -DGWD_TESTS=OFF && cmake --build build/release -j "$(nproc)"; } >build/demo-build.log 2>&1 || {
	tail -n 20 build/demo-build.log
	fail "the build failed (build/demo-build.log)"
}
GWD=$PWD/build/release/gwd/gwd
GWCTL=$PWD/build/release/gwd/gwctl
SIM=$PWD/build/release/sim/a76sim

# -- the world: made here, removed by the trap ---------------------------------------------------

INNER=gwddemo-$$-in OUTER=gwddemo-$$-out
DIR=$(mktemp -d /tmp/gwd-demo.XXXXXX)
declare -a PIDS=()
cleanup() {
	trap - EXIT INT TERM
	local i
	for ((i = ${#PIDS[@]} - 1; i >= 0; i--)); do
		kill "${PIDS[i]}" 2>/dev/null && wait "${PIDS[i]}" 2>/dev/null
	done
	ip netns del "$INNER" 2>/dev/null
	ip netns del "$OUTER" 2>/dev/null
	rm -rf "$DIR" "/etc/netns/$INNER"
	rmdir /etc/netns 2>/dev/null
}
trap cleanup EXIT
trap 'exit 130' INT TERM

start() { # NAMESPACE LOG COMMAND...: in the background, ended by the trap
	local ns=$1 log=$2
	shift 2
	ip netns exec "$ns" setpriv --pdeathsig TERM "$@" >"$DIR/$log" 2>&1 &
	PIDS+=($!)
}
inside() { ip netns exec "$INNER" "$@"; }
wait_for() { # SECONDS WHAT COMMAND...
	local n=$(($1 * 20)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		((n-- > 0)) || {
			tail -n 15 "$DIR"/*.log
			fail "$what: in vain"
		}
		sleep 0.05
	done
}

echo "== two namespaces, servers, a simulated A7670E at $BAUD baud, gwd"
{ ip netns add "$INNER" && ip netns add "$OUTER"; } || fail "cannot make network namespaces"
ip -n "$INNER" link set lo up
ip -n "$OUTER" link set lo up
ip -n "$OUTER" addr add "$SERVER/32" dev lo
mkdir -p "/etc/netns/$INNER"
printf 'nameserver %s\noptions timeout:5\n' "$SERVER" >"/etc/netns/$INNER/resolv.conf"
start "$OUTER" servers.log env PYTHONPATH=tests/e2e PYTHONDONTWRITEBYTECODE=1 \
	/usr/bin/python3 -m harness.serve "$SERVER"
start "$OUTER" iperf3.log iperf3 -s -B "$SERVER"
start "$OUTER" a76sim.log "$SIM" --link "$DIR/ttyA76" --control "$DIR/sim.sock" --baud "$BAUD" \
	--profile a7670e --set boot_time_s=0
wait_for 10 "the simulator" grep -q ready "$DIR/a76sim.log"
wait_for 10 "the servers" grep -q ready "$DIR/servers.log"
start "$INNER" gwd.log "$GWD" -d "$DIR/ttyA76" -a internet -o "modem.baud=$BAUD" \
	-o interface.default_route=yes -o "control.socket=$DIR/gwd.sock"
wait_for 40 "the modem to come up" sh -c "'$GWCTL' -s '$DIR/gwd.sock' status --json | grep -q '\"state\": *\"up\"'"
wait_for 10 "the default route" sh -c "ip -n $INNER route get $SERVER | grep -q cell0"
ip -n "$INNER" -brief addr show cell0

# -- what people do with a network interface -----------------------------------------------------

links() { # the most links in use at a time, sampled while a program runs
	local most=0 now
	while kill -0 "$1" 2>/dev/null; do
		now=$("$GWCTL" -s "$DIR/gwd.sock" links --json 2>/dev/null | grep -o '"state": *"open"' | wc -l)
		[ "$now" -le "$most" ] || most=$now
		sleep 0.2
	done
	echo "$most"
}
payload() { # tx and rx payload bytes so far
	"$GWCTL" -s "$DIR/gwd.sock" status --json |
		/usr/bin/python3 -c 'import json, sys
m = json.load(sys.stdin)["modems"][0]
print(m["tx_payload_bytes"], m["rx_payload_bytes"], m["tx_wire_bytes"], m["rx_wire_bytes"])'
}
TABLE=()
measure() { # NAME COMMAND...: runs it inside, notes bytes, rate, links and the share of the line
	local name=$1 up down wup wdown up2 down2 wup2 wdown2 began ended pid status
	shift
	read -r up down wup wdown < <(payload)
	began=$EPOCHREALTIME
	inside "$@" &
	pid=$!
	most=$(links $pid)
	wait $pid
	status=$?
	ended=$EPOCHREALTIME
	read -r up2 down2 wup2 wdown2 < <(payload)
	TABLE+=("$name $status $((up2 - up)) $((down2 - down)) $((wup2 - wup)) $((wdown2 - wdown)) $began $ended $most")
}

# About three seconds of the line each.
SIZE=$((BAUD * 3 / 10))
echo "== curl: $((SIZE / 1000)) kB down"
measure curl curl -# -m 50 -o /dev/null "http://h1.test/$SIZE"
echo "== dig"
measure dig dig +tries=1 +time=5 +noall +answer +stats h1.test A h7.test A h9.test AAAA
echo "== iperf3, three seconds up, three seconds down"
measure "iperf3-up" iperf3 -c "$SERVER" -t 3 -f k -i 0
measure "iperf3-down" iperf3 -c "$SERVER" -t 3 -f k -i 0 -R

echo "== what happened"
printf '%s\n' "${TABLE[@]}" | awk -v baud="$BAUD" '
	BEGIN {
		printf "%-12s %10s %10s %7s %9s %6s %11s %11s\n", "", "bytes up", "bytes down", "s", "kB/s",
			"links", "line up", "line down"
	}
	{
		s = $8 - $7
		printf "%-12s %10d %10d %7.2f %9.1f %6d %10.1f%% %10.1f%%%s\n", $1, $3, $4, s,
			($3 + $4) / s / 1000, $9, 1000 * $5 / s / baud, 1000 * $6 / s / baud,
			($2 == 0 ? "" : "  exit " $2)
	}'
"$GWCTL" -s "$DIR/gwd.sock" status
"$GWCTL" -s "$DIR/gwd.sock" flows

if [ -n "$SHELL_WANTED" ]; then
	echo "== a shell beside cell0: try 'curl http://h1.test/100000', 'dig h3.test', '$GWCTL -s $DIR/gwd.sock flows'"
	inside env PS1='cell0> ' bash --norc -i
fi

status=0
for row in "${TABLE[@]}"; do
	[ "$(echo "$row" | cut -d ' ' -f 2)" = 0 ] || status=1
done
cleanup
[ $status = 0 ] || fail "some program failed (see above)"
echo "demo finished: every program above used cell0 like any other interface"
