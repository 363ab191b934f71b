# SPDX-License-Identifier: BSD-3-Clause
"""A child process with its output in a log file."""
from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

from .netns import Namespace

SANITIZER = re.compile(r"(ERROR: (Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error: )")
SANITIZER_EXIT = 99
# The sanitizer keeps freed memory for a while; little of it, where memory is measured.
LITTLE_QUARANTINE = "quarantine_size_mb=0:thread_local_quarantine_size_kb=0:max_malloc_fill_size=0"


def sanitizer_env(more: str = "") -> dict[str, str]:
    env = dict(os.environ)
    env["ASAN_OPTIONS"] = f"exitcode={SANITIZER_EXIT}:detect_leaks=1:detect_stack_use_after_return=1:{more}"
    env["UBSAN_OPTIONS"] = f"print_stacktrace=1:halt_on_error=1:exitcode={SANITIZER_EXIT}"
    return env


class Process:
    def __init__(self, ns: Namespace, argv: list[str], log: Path, wrap: list[str] | None = None,
                 stdin: int | None = subprocess.DEVNULL, sanitizer: str = "") -> None:
        self.argv = argv
        self.log = log
        self._out = open(log, "ab")
        self.popen = subprocess.Popen(ns.command([*(wrap or []), *argv]), stdin=stdin,
                                      stdout=self._out, stderr=subprocess.STDOUT,
                                      env=sanitizer_env(sanitizer), start_new_session=True)

    @property
    def pid(self) -> int:
        return self.popen.pid

    def running(self) -> bool:
        return self.popen.poll() is None

    def signal(self, sig: int) -> None:
        if self.running():
            self.popen.send_signal(sig)

    def wait(self, timeout: float) -> int:
        return self.popen.wait(timeout)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.popen.wait(10)
        self._out.close()

    def terminate(self, timeout: float) -> tuple[int | None, float]:
        """SIGTERM; exit status (None: it had to be killed) and how long it took."""
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        try:
            status: int | None = self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            status = None
        self._out.close()
        return status, time.monotonic() - began

    def text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def tail(self, lines: int = 40) -> str:
        return "\n".join(self.text().splitlines()[-lines:])

    def sanitizer_report(self) -> str:
        text = self.text()
        found = SANITIZER.search(text)
        return text[found.start():found.start() + 4000] if found else ""
