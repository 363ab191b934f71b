# SPDX-License-Identifier: BSD-3-Clause
# Stands in for OpenWrt's functions.sh: reads a file of /etc/config as far as the tests write one.

config_load() {
	local word name value
	config_sections=''
	while read -r word name value; do
		case $word in
		config)
			config_section=$(eval "echo $value")
			config_sections="$config_sections $name:$config_section"
			;;
		option) eval "CONFIG_${config_section}_$name=$value" ;;
		list)
			eval "CONFIG_${config_section}_$name=\"\${CONFIG_${config_section}_$name}$(eval "echo $value")
\""
			;;
		esac
	done <"/etc/config/$1"
}

config_get() { eval "$1=\${CONFIG_$2_$3:-$4}"; }
config_get_bool() { config_get "$@"; }

config_foreach() { # FUNCTION TYPE
	local section
	for section in $config_sections; do
		[ "${section%%:*}" != "$2" ] || "$1" "${section#*:}"
	done
}

config_list_foreach() { # SECTION NAME FUNCTION
	local items item IFS='
'
	eval "items=\$CONFIG_$1_$2"
	for item in $items; do
		"$3" "$item"
	done
}
