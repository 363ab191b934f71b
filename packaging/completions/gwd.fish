# SPDX-License-Identifier: BSD-3-Clause
# fish completion for gwd.

function __gwd_options
    gwd --help 2>/dev/null | string replace -rf '^  ([a-z_]+\.[a-z_]+=)\S* +(.*)$' '$1\t$2'
end

complete -c gwd -f
complete -c gwd -s c -l config -r -F -d "the configuration"
complete -c gwd -s o -l option -x -a "(__gwd_options)" -d "set section.key"
complete -c gwd -s d -l device -r -F -d modem.device
complete -c gwd -s a -l apn -x -d modem.apn
complete -c gwd -s i -l interface -x -d interface.name
complete -c gwd -l check -d "check the configuration"
complete -c gwd -l print-config -d "print the effective configuration"
complete -c gwd -s v -l verbose -d "say more"
complete -c gwd -l version -d "print the version"
complete -c gwd -l help -d "print help"
