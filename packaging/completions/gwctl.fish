# SPDX-License-Identifier: BSD-3-Clause
# fish completion for gwctl.

function __gwctl_flows
    gwctl flows --numeric 2>/dev/null | string replace -rf '^ *([0-9]+)  +(.*)$' '$1\t$2'
end

complete -c gwctl -f
complete -c gwctl -s s -l socket -r -F -d "gwd's control socket"
complete -c gwctl -s j -l json -d "print gwd's answer as JSON"
complete -c gwctl -l color -x -a "auto always never" -d colour
complete -c gwctl -s V -l version -d "print the version"
complete -c gwctl -s h -l help -d "print help"

complete -c gwctl -n __fish_use_subcommand -a status -d "what works, what does not and why; line and network"
complete -c gwctl -n __fish_use_subcommand -a flows -d "TCP connections and UDP mappings, and whose they are"
complete -c gwctl -n __fish_use_subcommand -a links -d "the module's ten sockets and what each is used for"
complete -c gwctl -n __fish_use_subcommand -a modem -d "all that is known of the module, its SIM and network"
complete -c gwctl -n __fish_use_subcommand -a top -d "live view: the line, the ten links, flows by rate"
complete -c gwctl -n __fish_use_subcommand -a check -d "a line and an exit status for monitoring systems"
complete -c gwctl -n __fish_use_subcommand -a wait -d "until the bearer is up, or down"
complete -c gwctl -n __fish_use_subcommand -a events -d "the next event of any kind, or of these"
complete -c gwctl -n __fish_use_subcommand -a log -d "the last lines of the log, kept in gwd's memory"
complete -c gwctl -n __fish_use_subcommand -a metrics -d "all figures in Prometheus' text format"
complete -c gwctl -n __fish_use_subcommand -a capture -d "write packets and AT dialogue to a pcapng file"
complete -c gwctl -n __fish_use_subcommand -a report -d "collect in one text what a bug report needs"
complete -c gwctl -n __fish_use_subcommand -a at -d "AT commands, up to the first that is not answered OK"
complete -c gwctl -n __fish_use_subcommand -a close -d "end a flow"
complete -c gwctl -n __fish_use_subcommand -a reload -d "read the configuration again and say what has changed"
complete -c gwctl -n __fish_use_subcommand -a config -d "the configuration in force, without its secrets"

complete -c gwctl -n "__fish_seen_subcommand_from flows" -s n -l numeric -d "numbers, no names"
complete -c gwctl -n "__fish_seen_subcommand_from flows" -s w -l wide -d "class and control group as well"
complete -c gwctl -n "__fish_seen_subcommand_from top" -s b -l batch -d "print text"
complete -c gwctl -n "__fish_seen_subcommand_from top" -s n -l count -x -d screens
complete -c gwctl -n "__fish_seen_subcommand_from top" -s d -l delay -x -d "seconds between screens"
complete -c gwctl -n "__fish_seen_subcommand_from check" -s w -l warning -x -d "last good values"
complete -c gwctl -n "__fish_seen_subcommand_from check" -s c -l critical -x -d "last tolerable values"
complete -c gwctl -n "__fish_seen_subcommand_from check" -s u -l up -d "only whether it is up"
complete -c gwctl -n "__fish_seen_subcommand_from wait" -s u -l up -d "until it is up"
complete -c gwctl -n "__fish_seen_subcommand_from wait" -s d -l down -d "until it is not"
complete -c gwctl -n "__fish_seen_subcommand_from wait" -s t -l timeout -x -d "seconds to wait"
complete -c gwctl -n "__fish_seen_subcommand_from events" -s f -l follow -d "go on until interrupted"
complete -c gwctl -n "__fish_seen_subcommand_from events" \
    -a "bearer link flow receive recovery forward interface reload log"
complete -c gwctl -n "__fish_seen_subcommand_from log" -s n -l lines -x -d "only the last"
complete -c gwctl -n "__fish_seen_subcommand_from metrics" -s t -l textfile -r -F -d "for node_exporter"
complete -c gwctl -n "__fish_seen_subcommand_from capture" -F
complete -c gwctl -n "__fish_seen_subcommand_from capture" -s S -l size -x -d "end at this size"
complete -c gwctl -n "__fish_seen_subcommand_from capture" -s d -l duration -x -d "end after so many seconds"
complete -c gwctl -n "__fish_seen_subcommand_from capture" -s i -l interface -x -a "tun at" -d "only this"
complete -c gwctl -n "__fish_seen_subcommand_from capture" -s l -l snaplen -x -d "bytes of a packet"
complete -c gwctl -n "__fish_seen_subcommand_from capture" -s p -l payload -d "of the AT dialogue, too"
complete -c gwctl -n "__fish_seen_subcommand_from report" -F
complete -c gwctl -n "__fish_seen_subcommand_from report" -s f -l full -d "with whole numbers of module and SIM"
complete -c gwctl -n "__fish_seen_subcommand_from at" -s t -l timeout -x -d "seconds for each answer"
complete -c gwctl -n "__fish_seen_subcommand_from close" -a "(__gwctl_flows)"
