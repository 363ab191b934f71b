# SPDX-License-Identifier: BSD-3-Clause
"""A control socket without a daemon: gives prepared answers, and keeps what it was asked."""
from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from typing import Callable

# An answer: the object under the request's name, an Error, raw bytes, or what makes one of them from
# the request. A list of events follows the answer on the same connection.
Answer = dict | bytes | Callable[[dict], "dict | bytes"]


def error(code: str, text: str) -> bytes:
    return json.dumps({"version": 1, "ok": False, "error": {"code": code, "text": text}}).encode() + b"\n"


class FakeControl:
    def __init__(self, path: Path, answers: dict[str, Answer]) -> None:
        self.path = path
        self.answers = answers
        self.asked: list[dict] = []
        self.streams: dict[str, list[dict]] = {}
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(8)
        self._clients: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        if self._listener.fileno() < 0:
            return
        self._listener.shutdown(socket.SHUT_RDWR)  # a close alone does not wake the thread that accepts
        self._listener.close()
        for s in self._clients:
            s.close()
        self.path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                conn, _ = self._listener.accept()
            except OSError:
                return
            self._clients.append(conn)
            threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, conn: socket.socket) -> None:
        try:
            for line in conn.makefile("rb"):
                request = json.loads(line)
                self.asked.append(request)
                conn.sendall(self._answer(request))
                for event in self.streams.get(request["request"], []):
                    conn.sendall(json.dumps({"version": 1, **event}).encode() + b"\n")
        except OSError:
            pass
        finally:
            conn.close()

    def _answer(self, request: dict) -> bytes:
        name = request["request"]
        answer = self.answers.get(name, error("unknown_request", f"no request {name}"))
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, bytes):
            return answer
        return json.dumps({"version": 1, "ok": True, name: answer}).encode() + b"\n"
