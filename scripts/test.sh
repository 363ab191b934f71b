#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Builds gwd in every way that matters and runs its tests: one line a suite, logs in build/logs.
set -u
cd "$(dirname "$0")/.." || exit 1
TOP=$PWD
ALL=(unit valgrind tidy shellcheck docs fuzz e2e knobs container deb openwrt release bench)
LOGS=$TOP/build/logs
PYTHON=/usr/bin/python3
JOBS=$(nproc)
FUZZ_SECONDS=20
SOAK=

usage() {
	cat <<-TXT
	usage: test.sh [SUITE...] [--fuzz-seconds N] [--soak] [--list]

	  unit        cmocka and simulator tests with ASan and UBSan, built by gcc and by clang
	  valgrind    the cmocka tests once more, under memcheck
	  tidy        clang-tidy on the project's own sources
	  shellcheck  the shell scripts
	  docs        man pages lint, the example configuration loads, the note is covered row by row
	  fuzz        each libFuzzer target for some seconds (default $FUZZ_SECONDS)
	  e2e         real programs through cell0, against the simulated modem, with sanitizers
	  knobs       every value of every knob of the simulated modem, and random combinations
	  container   the images, built without a network and run by podman
	  deb         the Debian packages, in a clean Debian under a real systemd
	  openwrt     static programs with musl, their sizes, netifd's handler and LuCI's form
	  release     the tarball: the same bytes for everybody, builds without a network
	  bench       line use, memory, sizes: figures of the release build, no verdict

	  --soak      30 minutes a fuzz target, e2e three times over, new combinations of knobs, long bench
	Without SUITE: all of them.
	TXT
}

fail_usage() {
	echo "test.sh: $*" >&2
	usage >&2
	exit 64
}

SUITES=()
while [ $# -gt 0 ]; do
	case $1 in
	--list)
		printf '%s\n' "${ALL[@]}"
		exit 0
		;;
	--fuzz-seconds)
		[[ ${2-} =~ ^[0-9]+$ ]] || fail_usage "--fuzz-seconds wants a number"
		FUZZ_SECONDS=$2
		shift
		;;
	--soak)
		SOAK=1
		FUZZ_SECONDS=1800
		;;
	-h | --help)
		usage
		exit 0
		;;
	*)
		[[ " ${ALL[*]} " == *" $1 "* ]] || fail_usage "no suite is called $1"
		SUITES+=("$1")
		;;
	esac
	shift
done
[ ${#SUITES[@]} -gt 0 ] || SUITES=("${ALL[@]}")

# -- builds --------------------------------------------------------------------------------------

declare -A STEPS
once() { # STEP PRESET COMMAND...: once a run; its log is build/logs/STEP-PRESET.log
	local step=$1-$2 status=0
	shift 2
	[ -n "${STEPS[$step]-}" ] && return "${STEPS[$step]}"
	"$@" >"$LOGS/$step.log" 2>&1 || status=1
	STEPS[$step]=$status
	if [ $status != 0 ]; then
		echo "$step failed:"
		grep -E -m 8 'error|FAILED|Error' "$LOGS/$step.log" || tail -n 15 "$LOGS/$step.log"
	fi
	return $status
}
configure() { once configure "$1" cmake --preset "$1"; }
build() { configure "$1" && once build "$1" cmake --build "build/$1" -j "$JOBS"; }

# -- suites: output goes to the suite's log; PASSED and FAILED count what it ran, NOTE is for people: what
# was measured, and what was left out

run_ctest() { # PRESET
	build "$1" || return 1
	local out=$LOGS/ctest-$1.txt
	ctest --preset "$1" -j "$JOBS" >"$out" 2>&1
	local status=$?
	cat "$out"
	PASSED=$((PASSED + $(grep -Ec ' +Passed +[0-9.]+ sec' "$out")))
	FAILED=$((FAILED + $(grep -Ec '\*\*\*(Failed|Timeout|Exception|Not Run)' "$out")))
	return $status
}

suite_unit() {
	local status=0
	run_ctest dev || status=1
	run_ctest clang || status=1
	return $status
}

# Paths of the cmocka programs of a build; the simulator's test drives a program and is left out.
unit_programs() {
	ctest --test-dir "build/$1" --show-only=json-v1 | "$PYTHON" -c '
import json, sys
for test in json.load(sys.stdin)["tests"]:
    if len(test["command"]) == 1:
        print(test["command"][0])'
}

run_valgrind() { # PROGRAM
	local log
	log=$LOGS/valgrind-$(basename "$1").txt
	valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite,indirect \
		--child-silent-after-fork=yes "$1" >"$log" 2>&1
	local status=$?
	case $status in
	0 | 77) echo "ok $1" ;;
	*)
		echo "not ok $1 (exit $status)"
		tail -n 40 "$log"
		;;
	esac
}

suite_valgrind() {
	build plain || return 1
	export LOGS
	export -f run_valgrind
	unit_programs plain | xargs -r -n 1 -P "$JOBS" bash -c 'run_valgrind "$1"' _ | count_oks
}

count_oks() { # passes TAP-like lines on and counts them; false when one failed or there was none
	local line ok=0 bad=0
	while IFS= read -r line; do
		echo "$line"
		case $line in
		"ok "*) ok=$((ok + 1)) ;;
		"not ok "*) bad=$((bad + 1)) ;;
		esac
	done
	echo "$ok $bad" >"$COUNTS"
	[ $bad = 0 ] && [ $ok != 0 ]
}

# A file is checked again only when its preprocessed text, its flags or the checks changed.
run_tidy() { # FILE
	local key cache=${XDG_CACHE_HOME:-$HOME/.cache}/gwd/tidy
	local flags
	flags=$("$PYTHON" - "$1" <<-'PY'
	import json, shlex, sys
	for entry in json.load(open("build/clang/compile_commands.json")):
	    if entry["file"] == sys.argv[1]:
	        words = shlex.split(entry["command"])
	        print(shlex.join(w for i, w in enumerate(words[1:], 1)
	              if w not in ("-c", "-o") and words[i - 1] not in ("-c", "-o")))
	        break
	PY
	)
	# shellcheck disable=SC2086 # flags are words
	key=$({
		clang-tidy --version
		cat .clang-tidy
		echo "$flags"
		eval "clang $flags -E '$1'"
	} 2>&1 | sha256sum | cut -d ' ' -f 1)
	if [ -e "$cache/$key" ] || clang-tidy --quiet -p build/clang "$1" 2>/dev/null; then
		mkdir -p "$cache" && touch "$cache/$key"
		echo "ok $1"
	else
		echo "not ok $1"
	fi
}

suite_tidy() {
	configure clang || return 1
	export PYTHON
	export -f run_tidy
	git ls-files '*/src/*.c' 'gwd/ctl/*.c' | sed "s,^,$TOP/," |
		xargs -r -n 1 -P "$JOBS" bash -c 'run_tidy "$1"' _ | count_oks
}

check_shell() { # FILE SHELLCHECK ARGUMENT...
	local file=$1
	shift
	if shellcheck -x "$@" "$file"; then echo "ok $file"; else echo "not ok $file"; fi
}

# OpenWrt's scripts are for busybox ash, most of them sourced by others, with variables from elsewhere.
suite_shellcheck() {
	local file
	git ls-files -co --exclude-standard | while read -r file; do
		case $file in
		*.json | */etc/config/*) continue ;;
		packaging/openwrt/gwd/files/* | packaging/openwrt/*.sh | tests/openwrt/root/*)
			check_shell "$file" -s dash -e SC1090,SC1091,SC2034,SC2086,SC2154,SC2317,SC3043
			continue
			;;
		esac
		case $(head -c 64 "$file" 2>/dev/null | head -n 1 | tr -d '\0') in
		'#!/bin/sh' | '#!/bin/bash' | '#!/usr/bin/env bash') check_shell "$file" ;;
		esac
	done | count_oks
}

# scdoc sets paragraph macros that mandoc finds superfluous; everything else counts.
lint_page() {
	! mandoc -T lint -W warning "$1" | grep -v ': skipping paragraph macro: '
}

suite_docs() {
	build dev || return 1
	local page
	{
		while read -r page; do
			if lint_page "$page"; then echo "ok $page"; else echo "not ok $page"; fi
		done < <(find build/dev/docs -name '*.[158]' | sort)
		while read -r page; do
			if build/dev/gwd/gwd -c "$page" --check; then echo "ok $page"; else echo "not ok $page"; fi
		done < <(find build/dev/docs docs config -name 'gwd.conf*' ! -name '*.scd*' ! -name '*.[0-9]')
		if scripts/check-conformance.py; then
			echo "ok docs/a76xx-conformance.md"
		else
			echo "not ok docs/a76xx-conformance.md"
		fi
	} 2>&1 | count_oks
}

run_fuzz() { # TARGET
	local name seeds corpus
	name=$(basename "$1")
	seeds=tests/fuzz/$(basename "$(dirname "$1")")/corpus/$name
	corpus=build/fuzz/$name
	mkdir -p "$corpus"
	[ -d "$seeds" ] || seeds=
	# shellcheck disable=SC2086 # no seeds, no argument
	if "$1" -max_total_time="$FUZZ_SECONDS" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
		-artifact_prefix="$LOGS/$name-" "$corpus" $seeds >"$LOGS/$name.txt" 2>&1; then
		echo "ok $name $(sed -n 's/^stat::number_of_executed_units: */runs /p' "$LOGS/$name.txt")"
	else
		echo "not ok $name"
		tail -n 60 "$LOGS/$name.txt"
	fi
}

suite_fuzz() {
	build clang || return 1
	export FUZZ_SECONDS LOGS
	export -f run_fuzz
	find build/clang/tests/fuzz -type f -name 'fuzz_*' -executable | sort |
		xargs -r -n 1 -P "$JOBS" bash -c 'run_fuzz "$1"' _ | count_oks
}

run_pytest() { # LOG ARGUMENT...
	local out=$LOGS/$1 status=0 skipped
	shift
	(cd tests/e2e && PYTHONDONTWRITEBYTECODE=1 "$PYTHON" -m pytest --build="$TOP/build/dev" \
		-rfEs --durations=8 "$@") >"$out" 2>&1 || status=1
	cat "$out"
	PASSED=$((PASSED + $(last_number passed "$out")))
	FAILED=$((FAILED + $(last_number failed "$out") + $(last_number error "$out")))
	skipped=$(last_number skipped "$out")
	[ "$skipped" = 0 ] || NOTE="$skipped skipped: $(grep -o '^SKIPPED.*' "$out" | sed 's/.*: //' | sort -u | paste -s -d ';')"
	return $status
}

# Most of what they do is waiting for time-outs: eight at once keep two processors half busy.
suite_e2e() {
	build dev || return 1
	local round status=0
	for round in 1 ${SOAK:+2 3}; do
		[ -z "$SOAK" ] || echo "round $round"
		run_pytest pytest.txt -n $((4 * JOBS)) --ignore=test_knobs.py \
			--ignore=test_container.py --ignore=test_manifests.py --ignore=test_openwrt.py || status=1
	done
	return $status
}

# The same combinations each time, so that a change is what makes them fail; a soak tries new ones.
suite_knobs() {
	build dev || return 1
	local seed=2340222928
	[ -z "$SOAK" ] || seed=$RANDOM$RANDOM
	run_pytest knobs-pytest.txt -n $((4 * JOBS)) --knob-run-seed "$seed" test_knobs.py
}

# One process, which builds the images once. Where containers cannot run the note says why.
suite_container() {
	build dev || return 1
	local status=0
	run_pytest container-pytest.txt -s test_manifests.py test_container.py || status=1
	NOTE=$(grep -ohE '(static image [0-9]|containers do not run here).*' "$LOGS/container-pytest.txt" | tail -n 1)
	return $status
}

suite_deb() {
	local status=0
	packaging/debian/test.sh | count_oks || status=1
	NOTE=$(grep '^skipped ' "$LOGS/deb.log")
	return $status
}

suite_openwrt() {
	local status=0
	tests/openwrt/run.sh 2>&1 | count_oks || status=1
	NOTE=$(grep -oE "package: files.*" "$LOGS/openwrt.log")
	return $status
}

suite_release() { tests/release/run.sh 2>&1 | count_oks; }

last_number() { # WORD FILE: N of pytest's "N WORD" in its last line
	tail -n 1 "$2" | grep -oE "[0-9]+ $1" | grep -oE '[0-9]+' || echo 0
}

# Short: it shows that the figures can be had. Those that are quoted come from bench.py itself.
suite_bench() {
	build release || return 1
	PYTHONDONTWRITEBYTECODE=1 "$PYTHON" tests/bench/bench.py --build="$TOP/build/release" \
		--seconds $((SOAK ? 20 : 2))
}

# -- the run -------------------------------------------------------------------------------------

[ "$(id -u)" = 0 ] || fail_usage "needs root (network namespaces): sudo scripts/test.sh"
scripts/install-deps.sh || exit 1
mkdir -p "$LOGS"
# A suite that cleans up after Ctrl-C ends like any other one; the next must not begin.
trap 'exit 130' INT
trap 'exit 143' TERM
trap '[ -z "$ASIDE_PID" ] || kill -- "-$ASIDE_PID" 2>/dev/null' EXIT

run_suite() { # SUITE: leaves its seconds, verdict, counts and remark in build/logs/SUITE.result
	local began=$SECONDS word=ok
	PASSED=0 FAILED=0 NOTE=
	COUNTS=$LOGS/$1.counts
	rm -f "$COUNTS"
	"suite_$1" >"$LOGS/$1.log" 2>&1 || word=FAILED
	[ ! -e "$COUNTS" ] || read -r PASSED FAILED <"$COUNTS"
	if [ $word = FAILED ]; then
		[ "$FAILED" != 0 ] || FAILED=1
	elif [ "$PASSED" = 0 ]; then
		PASSED=1
	fi
	echo "$((SECONDS - began)) $word $PASSED $FAILED $NOTE" >"$LOGS/$1.result"
}

# clang-tidy computes, the others mostly wait: it takes what they leave of the processors, from the moment
# that there is a build to look at.
ASIDE_PID='' ASIDE=''
begin_aside() { # SUITE
	ASIDE=$1
	set -m
	(
		trap - INT TERM EXIT
		renice -n 19 "$BASHPID" >/dev/null
		run_suite "$1"
	) &
	ASIDE_PID=$!
	set +m
}
total_passed=0 total_failed=0 bad=()
report_suite() { # SUITE
	local seconds word passed failed note
	read -r seconds word passed failed note <"$LOGS/$1.result"
	[ "$word" = ok ] || bad+=("$1")
	total_passed=$((total_passed + passed)) total_failed=$((total_failed + failed))
	printf '%-7s %4d s  %4d passed%s%s\n' "$word" "$seconds" "$passed" \
		"$([ "$failed" = 0 ] || echo ", $failed failed")" "${note:+  ($note)}"
	[ "$word" = ok ] && return
	echo "--- the end of build/logs/$1.log"
	tail -n 40 "$LOGS/$1.log"
	echo "---"
}

end_aside() {
	[ -n "$ASIDE_PID" ] || return
	wait "$ASIDE_PID"
	ASIDE_PID=
	printf '%-11s' "$ASIDE"
	report_suite "$ASIDE"
}

for suite in "${SUITES[@]}"; do
	if [ "$suite" = tidy ]; then
		configure clang
		begin_aside tidy
		continue
	fi
	[ "$suite" != bench ] || end_aside # what is measured wants the machine for itself
	printf '%-11s' "$suite"
	run_suite "$suite"
	report_suite "$suite"
done
end_aside
[[ " ${SUITES[*]} " != *" bench "* ]] || cat "$LOGS/bench.log"

echo "$total_passed passed, $total_failed failed"
if [ ${#bad[@]} -gt 0 ]; then
	list=$(printf ', %s' "${bad[@]}")
	echo "FAILED: ${list#, }"
	exit 1
fi
if [ ${#SUITES[@]} = ${#ALL[@]} ]; then what="all suites"; else what="${SUITES[*]}"; fi
echo "$what passed in $((SECONDS / 60)) min $((SECONDS % 60)) s"
