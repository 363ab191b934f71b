# SPDX-License-Identifier: BSD-3-Clause
"""The daemon under test and its control socket."""
from __future__ import annotations

from pathlib import Path

from .control import Control
from .netns import Namespace
from .process import Process
from .waiting import wait_for


class Gwd:
    def __init__(self, ns: Namespace, binary: Path, folder: Path, options: dict[str, object],
                 arguments: list[str] | None = None, wrap: list[str] | None = None,
                 sanitizer: str = "") -> None:
        self.socket = folder / "gwd.sock"
        self.binary = binary
        argv = [str(binary), "-o", f"control.socket={self.socket}"]
        for key, value in options.items():
            for item in value if isinstance(value, (list, tuple)) else [value]:
                argv += ["-o", f"{key}={item}"]
        self.process = Process(ns, argv + (arguments or []), folder / "gwd.log", wrap,
                               sanitizer=sanitizer)

    def control(self) -> Control:
        return Control(self.socket)

    def ask(self, name: str, **parameters: object) -> dict:
        """The whole answer, be it an error."""
        with self.control() as c:
            return c.ask(name, **parameters)

    def request(self, name: str, **parameters: object) -> dict:
        answer = self.ask(name, **parameters)
        assert answer["version"] == 1 and answer["ok"], answer
        return answer[name]

    def status(self) -> dict:
        return self.request("status")

    def flows(self, protocol: str | None = None) -> list[dict]:
        return [f for f in self.request("flows")["flows"] if protocol in (None, f["protocol"])]

    def links(self, kind: str | None = None) -> list[dict]:
        """Links that are not free; of one type if given."""
        return [x for x in self.request("links")["links"]
                if x["state"] != "free" and kind in (None, x["type"])]

    def modem(self) -> dict:
        return self.status()["modems"][0]

    def counter(self, name: str) -> int:
        return int(self.status()["counters"][name])

    def state(self) -> str:
        """The modem's state, or "" while nobody answers."""
        if not self.process.running():
            raise AssertionError(f"gwd ended ({self.process.popen.returncode}):\n{self.process.tail()}")
        try:
            return self.modem()["state"]
        except (OSError, ValueError, KeyError, IndexError):
            return ""

    def wait_state(self, state: str, timeout: float = 40) -> None:
        wait_for(f"the modem to be {state}", lambda: self.state() == state, timeout)

    def wait_no_tcp(self, timeout: float = 30) -> None:
        """No TCP flow, no TCP link."""
        wait_for("all TCP flows to be gone", lambda: not self.flows("tcp"), timeout)
        wait_for("all TCP links to be free", lambda: not self.links("tcp"), timeout)

    def memory_kib(self) -> int:
        """Resident and private, of the daemon."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(x for x in text.splitlines() if x.startswith("RssAnon")).split()[1])
