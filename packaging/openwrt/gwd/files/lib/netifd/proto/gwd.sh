#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# netifd's handler for "option proto 'gwd'". gwd stays in the foreground as the interface's task and
# retries inside, because netifd starts again at once what ends: only what no time cures (a wrong PIN,
# a wrong configuration) ends it, and then the interface waits for an "ifup". Addresses, routes and name
# servers are netifd's; gwd says them through /lib/netifd/gwd-notify.
[ -n "$INCLUDE_ONLY" ] || {
	. /lib/functions.sh
	. ../netifd-proto.sh
	init_proto "$@"
}
. /usr/share/gwd/uci.sh

proto_gwd_init_config() {
	no_device=1
	available=1
	lasterror=1
	local row type
	for row in $GWD_PARAMETERS; do
		type=${row#*:}
		"proto_config_add_${type%%:*}" "${row%%:*}"
	done
	proto_config_add_array 'options:list(string)'
	proto_config_add_defaults
}

# An error that an "ifup", and nothing else, makes worth another try.
gwd_hopeless() { # INTERFACE ERROR
	proto_notify_error "$1" "$2"
	proto_block_restart "$1"
}

proto_gwd_setup() {
	local interface="$1"
	local $GWD_NAMES
	json_get_vars $GWD_NAMES
	# The package's own group may steer, unless the options name another.
	! grep -q '^gwd:' /etc/group || gwd_add_extra control.group=gwd
	json_for_each_item gwd_add_extra options

	# The kernel's names have 15 characters; gwd-notify finds the interface by its name.
	[ ${#interface} -le 11 ] || {
		gwd_hopeless "$interface" NAME_TOO_LONG
		return 1
	}
	[ -n "$device" ] || {
		gwd_hopeless "$interface" NO_DEVICE
		return 1
	}
	[ "$device" = auto ] || [ -c "$device" ] || {
		echo "$device is not there"
		proto_notify_error "$interface" NO_DEVICE
		proto_set_available "$interface" 0 # until the hotplug script sees it
		return 1
	}
	gwd_add_extra modem.give_up=pin
	gwd_add_extra interface.script=/lib/netifd/gwd-notify
	gwd_call "gwd-$interface" proto_run_command "$interface"
}

# ERROR is the exit status if gwd ended by itself (0 also for a signal).
proto_gwd_teardown() {
	local interface="$1"
	case $ERROR in
	'') ;;
	64 | 78) gwd_hopeless "$interface" INVALID_CONFIG ;;
	71) gwd_hopeless "$interface" NO_TUN ;;
	77) gwd_hopeless "$interface" PERMISSION_DENIED ;;
	80) gwd_hopeless "$interface" PIN_FAILED ;;
	81) gwd_hopeless "$interface" PUK_NEEDED ;;
	82) gwd_later "$interface" NO_SIM ;;
	83) gwd_later "$interface" REGISTRATION_DENIED ;;
	84) gwd_later "$interface" APN_REJECTED ;;
	*) gwd_later "$interface" DAEMON_FAILED ;;
	esac
	proto_kill_command "$interface"
	gwd_forget "gwd-$interface"
}

# netifd starts it again as soon as this ends, and waits five seconds for that.
gwd_later() { # INTERFACE ERROR
	proto_notify_error "$1" "$2"
	sleep 4
}

[ -n "$INCLUDE_ONLY" ] || add_protocol gwd
