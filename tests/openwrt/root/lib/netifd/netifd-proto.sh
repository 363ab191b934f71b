# SPDX-License-Identifier: BSD-3-Clause
# Stands in for OpenWrt's netifd-proto.sh and jshn: the functions a protocol handler may call, with their
# arguments and their order of events. What the real one asks of netifd over ubus is a line of a file
# here, its words set off by tabs (harness/netifd.py reads them); the interface's configuration, which
# the real one parses as JSON, comes as shell assignments.
TAB=$(printf '\t')
CALLS=/var/run/netifd.calls

netifd_call() {
	local line="$1" word
	shift
	for word in "$@"; do
		line="$line$TAB$word"
	done
	printf '%s\n' "$line" >>"$CALLS"
}

# -- jshn: what was loaded is JSON_name, the items of a list JSON_name_1, JSON_name_2, ...

json_get_vars() {
	local name
	for name in "$@"; do
		eval "$name=\$JSON_$name"
	done
}

# As the real one it has an empty item where there is no such list.
json_for_each_item() { # FUNCTION NAME
	local i=1 item
	eval "[ -n \"\${JSON_$2_1+set}\" ]" || "$1" '' ''
	while eval "[ -n \"\${JSON_$2_$i+set}\" ]"; do
		eval "item=\$JSON_$2_$i"
		"$1" "$item" "$i"
		i=$((i + 1))
	done
}

# -- the handler's description of itself

proto_config_add() { netifd_call param "$2" "$1"; }
proto_config_add_string() { proto_config_add string "$1"; }
proto_config_add_int() { proto_config_add int "$1"; }
proto_config_add_boolean() { proto_config_add boolean "$1"; }
proto_config_add_array() { proto_config_add array "$1"; }
proto_config_add_defaults() {
	proto_config_add boolean defaultroute
	proto_config_add boolean peerdns
	proto_config_add int metric
}

init_proto() { # PROTO COMMAND [INTERFACE CONFIG]
	proto="$1" cmd="$2" interface="$3"
	case $cmd in
	dump)
		add_protocol() {
			local no_device=0 available=0 lasterror=0 renew_handler=0 no_proto_task=0
			"proto_$1_init_config"
			netifd_call protocol "$1" "no_device=$no_device" "available=$available" \
				"lasterror=$lasterror" "renew_handler=$renew_handler" \
				"no_proto_task=$no_proto_task"
		}
		;;
	*)
		. "$4"
		add_protocol() {
			[ "$proto" = "$1" ] || return 0
			"proto_$1_$cmd" "$interface"
		}
		;;
	esac
}

# -- what a handler and its callback scripts tell netifd

proto_init_update() {
	proto_update="ifname=$1${TAB}up=$2${TAB}external=${3:-0}"
}
proto_set_keep() { proto_update="$proto_update${TAB}keep=$1"; }
proto_add_ipv4_address() { proto_update="$proto_update${TAB}address=$1/$2"; }
proto_add_ipv6_address() { proto_update="$proto_update${TAB}address=$1/$2"; }
proto_add_ipv4_route() { proto_update="$proto_update${TAB}route=$1/$2"; }
proto_add_ipv6_route() { proto_update="$proto_update${TAB}route=$1/$2"; }
proto_add_dns_server() { proto_update="$proto_update${TAB}dns=$1"; }
proto_send_update() { netifd_call update "$1" "$proto_update"; }

proto_run_command() { netifd_call run "$@"; }
proto_kill_command() { netifd_call kill "$@"; }
proto_notify_error() { netifd_call error "$@"; }
proto_block_restart() { netifd_call block "$@"; }
proto_set_available() { netifd_call available "$@"; }
