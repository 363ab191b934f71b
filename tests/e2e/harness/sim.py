# SPDX-License-Identifier: BSD-3-Clause
"""a76sim and its control socket."""
from __future__ import annotations

import json
import socket
from pathlib import Path

from .netns import Namespace
from .process import Process
from .waiting import wait_for


class Sim:
    def __init__(self, ns: Namespace, binary: Path, folder: Path, profile: str, baud: int,
                 knobs: dict[str, object]) -> None:
        self.link = folder / "ttyA76"
        self.control = folder / "sim.sock"
        argv = [str(binary), "--link", str(self.link), "--control", str(self.control),
                "--profile", profile, "--baud", str(baud), "--record", str(folder / "dialogue.txt")]
        for knob, value in knobs.items():
            argv += ["--set", f"{knob}={value}"]
        self.process = Process(ns, argv, folder / "a76sim.log")
        wait_for("a76sim to be ready", self._ready, timeout=30)

    def _ready(self) -> bool:
        if not self.process.running():
            raise AssertionError(f"a76sim ended at once:\n{self.process.tail()}")
        return "ready " in self.process.text()

    def command(self, line: str) -> str:
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(str(self.control))
            s.sendall(line.encode() + b"\n")
            answer = s.makefile("rb").readline().decode(errors="replace").strip()
        if answer.startswith("error"):
            raise AssertionError(f"a76sim: {line}: {answer}")
        return answer

    def set(self, knob: str, value: object) -> None:
        self.command(f"set {knob}={value}")

    def stats(self) -> dict:
        return json.loads(self.command("stats"))

    def mistakes(self) -> list:
        return json.loads(self.command("mistakes"))

    def commands(self, name: str) -> int:
        """How often the host gave this command, e.g. CIPOPEN."""
        return int(self.stats()["commands"].get(f"+{name}", 0))
