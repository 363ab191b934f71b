# SPDX-License-Identifier: BSD-3-Clause
"""A connection to the control socket, for what one question and one answer do not cover."""
from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Callable


class Control:
    #: Called with each line that came.
    check: Callable[[dict], None] | None = None

    def __init__(self, path: Path, timeout: float = 30) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self.reader = self.socket.makefile("rb")

    def __enter__(self) -> "Control":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.reader.close()
        self.socket.close()

    def send(self, name: str, **parameters: object) -> None:
        self.socket.sendall(json.dumps({"request": name, **parameters}).encode() + b"\n")

    def line(self) -> dict:
        """The next line; {} at the end."""
        text = self.reader.readline()
        line = json.loads(text) if text else {}
        if line and Control.check:
            Control.check(line)
        return line

    def ask(self, name: str, **parameters: object) -> dict:
        """The whole answer, be it an error."""
        self.send(name, **parameters)
        return self.line()

    def until(self, **expected: object) -> dict:
        """The next event that has all of this."""
        while True:
            event = self.line()
            assert event, f"the connection ended before {expected}"
            if expected.items() <= event.items():
                return event
