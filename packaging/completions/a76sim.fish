# SPDX-License-Identifier: BSD-3-Clause
# fish completion for a76sim.

function __a76sim_knobs
    a76sim --list-knobs 2>/dev/null | string replace -rf '^  ([a-z0-9_]+=).*$' '$1'
end

complete -c a76sim -f
complete -c a76sim -l link -r -F -d "symlink to the pty"
complete -c a76sim -l baud -x -d "line rate"
complete -c a76sim -l profile -x -a "a7670e sim7600 fast" -d "of the module"
complete -c a76sim -l set -x -a "(__a76sim_knobs)" -d "a knob"
complete -c a76sim -l seed -x -d "of everything random"
complete -c a76sim -l control -r -F -d "socket that takes commands"
complete -c a76sim -l record -r -F -d "file for the dialogue"
complete -c a76sim -l list-knobs -d "print the knobs"
complete -c a76sim -l help -d "print help"
complete -c a76sim -l version -d "print the version"
