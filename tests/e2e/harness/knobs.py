# SPDX-License-Identifier: BSD-3-Clause
"""The simulator's own list of knobs, as a76sim prints it: no second list that could drift from it."""
from __future__ import annotations

import dataclasses
import re
import subprocess
from pathlib import Path

LINE = re.compile(r"^  (?P<name>\w+)(?P<keyed>\[@KEY\])?=(?P<values>\S+)$")
DEFAULT = re.compile(r"^      default (?P<default>[^;]*); ")
RANGE = re.compile(r"^(?:(?P<word>\w+):)?(?P<low>\d+)\.\.(?P<high>\d+)$")


@dataclasses.dataclass(frozen=True)
class Knob:
    name: str
    values: tuple[str, ...]  # alternatives: a word, A..B, WORD:A..B or TEXT
    default: str
    keyed: bool

    def accepts(self, alternative: str, value: str) -> bool:
        """Whether this alternative is the one that a76sim would take for the value."""
        if alternative == "TEXT":
            return value not in self.values
        match = RANGE.match(alternative)
        if not match:
            return value == alternative
        word = f"{match['word']}:" if match["word"] else ""
        if not value.startswith(word) or value in self.values:
            return False
        try:
            return float(match["low"]) <= float(value[len(word):]) <= float(match["high"])
        except ValueError:
            return False


def knobs_of(a76sim: Path) -> dict[str, Knob]:
    text = subprocess.run([str(a76sim), "--list-knobs"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.splitlines()
    found = {}
    for line, after in zip(text, text[1:]):
        match = LINE.match(line)
        if match:
            default = DEFAULT.match(after)
            assert default, after
            found[match["name"]] = Knob(match["name"], tuple(match["values"].split("|")),
                                        default["default"], bool(match["keyed"]))
    assert len(found) > 100, "a76sim --list-knobs prints its list in another form"
    return found
