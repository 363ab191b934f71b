#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# From UCI to gwd's command line, for the netifd handler and the init script: UCI name, its type, and
# gwd's option. Those without an option are handled below by name.
GWD_PARAMETERS='
device:string:modem.device
apn:string:modem.apn
pincode:string:
auth:string:modem.auth
username:string:modem.user
password:string:
pdptype:string:
baud:int:modem.baud
flow_control:string:modem.flow_control
receive:string:modem.receive
dns_mode:string:dns.mode
mtu:int:interface.mtu
loglevel:string:log.level
'
GWD_RUN=/var/run/gwd
GWD_NAMES=''
for gwd_row in $GWD_PARAMETERS; do
	GWD_NAMES="$GWD_NAMES ${gwd_row%%:*}"
done

# Options of gwd's that UCI has no name for, one a line.
gwd_extra=''
gwd_add_extra() { # SECTION.KEY=VALUE
	gwd_extra="$gwd_extra$1
"
}

# A PIN and a password have no place on a command line or in a log: gwd reads them from files.
gwd_secret() { # PATH VALUE: false without one
	rm -f "$1"
	[ -n "$2" ] || return 1
	(umask 077 && printf '%s\n' "$2" >"$1")
}

gwd_forget() { # IFNAME
	rm -f "$GWD_RUN/$1.pin" "$GWD_RUN/$1.password"
}

# Runs COMMAND... with gwd's command line behind it, from variables named as the parameters are. What gwd
# knows of a refused PIN has to outlive a restart, and only /etc does: a few bytes for each new PIN.
gwd_call() { # IFNAME COMMAND...
	local ifname="$1" row key value IFS
	shift
	mkdir -p "$GWD_RUN"
	[ -d /etc/gwd ] || mkdir -m 700 /etc/gwd
	set -- "$@" /usr/sbin/gwd -i "$ifname" -o "control.socket=$GWD_RUN/$ifname.sock" \
		-o modem.state_dir=/etc/gwd -o interface.address=none
	for row in $GWD_PARAMETERS; do
		key=${row##*:}
		eval "value=\$${row%%:*}"
		[ -z "$key" ] || [ -z "$value" ] || set -- "$@" -o "$key=$value"
	done
	case $pdptype in
	'' | [iI][pP] | [iI][pP][vV]4) ;;
	[iI][pP][vV]6) set -- "$@" -o modem.ip=6 ;;
	*) set -- "$@" -o "modem.ip=$pdptype" ;;
	esac
	gwd_secret "$GWD_RUN/$ifname.pin" "$pincode" &&
		set -- "$@" -o "modem.pin_file=$GWD_RUN/$ifname.pin"
	gwd_secret "$GWD_RUN/$ifname.password" "$password" &&
		set -- "$@" -o "modem.password_file=$GWD_RUN/$ifname.password"
	IFS='
'
	set -f # AT commands have question marks and asterisks
	for value in $gwd_extra; do
		set -- "$@" -o "$value"
	done
	set +f
	unset IFS
	"$@"
}
