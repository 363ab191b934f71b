# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# bash completion for gwctl, gwd and a76sim; installed under each of these names.

_gwctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' words='' i
	local socket=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-s | --socket)
			socket=(-s "${COMP_WORDS[++i]}")
			;;
		--color) ((++i)) ;;
		-*) ;;
		*) command=${command:-${COMP_WORDS[i]}} ;;
		esac
	done
	COMPREPLY=()
	case $command:$prev in
	*:-s | *:--socket | metrics:-t | metrics:--textfile)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	*:--color) words='auto always never' ;;
	capture:-i | capture:--interface) words='tun at' ;;
	check:-[wc] | check:--warning | check:--critical) words='rssi=' ;;
	top:-[nd] | top:--count | top:--delay | wait:-t | wait:--timeout | log:-n | log:--lines | at:-t | \
		at:--timeout | capture:-[Sdl] | capture:--size | capture:--duration | capture:--snaplen)
		return
		;;
	*)
		case $command in
		'') words='status flows links modem top check wait events log metrics capture report at close reload config' ;;
		flows) words='-n --numeric -w --wide' ;;
		top) words='-b --batch -n --count -d --delay' ;;
		check) words='-w --warning -c --critical -u --up' ;;
		wait) words='-u --up -d --down -t --timeout' ;;
		events) words='-f --follow bearer link flow receive recovery forward interface reload log' ;;
		log) words='-n --lines' ;;
		metrics) words='-t --textfile' ;;
		capture)
			words='-S --size -d --duration -i --interface -l --snaplen -p --payload'
			[[ $cur == -* ]] || mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			;;
		report)
			words='-f --full'
			[[ $cur == -* ]] || mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			;;
		at) words='-t --timeout' ;;
		close) words=$("${COMP_WORDS[0]}" "${socket[@]}" flows --numeric 2>/dev/null |
			while read -r i _; do [[ $i == ID ]] || echo "$i"; done) ;;
		esac
		words+=' -s --socket -j --json --color -V --version -h --help'
		;;
	esac
	# Options are offered when one is begun, or where there is nothing else.
	if [[ $cur != -* ]]; then
		local word rest=''
		for word in $words; do [[ $word == -* ]] || rest+=" $word"; done
		[[ -z $rest && ${#COMPREPLY[@]} == 0 && $command != at ]] || words=$rest
	fi
	mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W "$words" -- "$cur")
}

_gwd() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local words='-c --config -o --option -d --device -a --apn -i --interface --check --print-config
		-v --verbose --version --help'
	COMPREPLY=()
	case $prev in
	-c | --config | -d | --device) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	-o | --option)
		compopt -o nospace
		words=$("${COMP_WORDS[0]}" --help 2>/dev/null | sed -n 's/^  \([a-z_]*\.[a-z_]*=\).*/\1/p')
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
		;;
	-a | --apn | -i | --interface) ;;
	*) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur") ;;
	esac
}

_a76sim() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local words='--link --baud --profile --set --seed --control --record --list-knobs --help --version'
	COMPREPLY=()
	case $prev in
	--link | --control | --record)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--profile) words='a7670e sim7600 fast' ;;
	--set)
		compopt -o nospace
		words=$("${COMP_WORDS[0]}" --list-knobs 2>/dev/null | sed -n 's/^  \([a-z0-9_]*=\).*/\1/p')
		;;
	--baud | --seed) return ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -o filenames -F _gwctl gwctl
complete -o filenames -F _gwd gwd
complete -o filenames -F _a76sim a76sim
