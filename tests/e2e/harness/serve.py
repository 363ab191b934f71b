# SPDX-License-Identifier: BSD-3-Clause
"""python3 -m harness.serve ADDRESS: web (80), DNS (53) and echo (7) servers, for the demo.

The web server gives N bytes for /N. Works in the network namespace it was started in, until killed.
"""
from __future__ import annotations

import re
import signal
import socket
import sys

from .dns import NameServer
from .servers import TcpServer, UdpServer, Visit, echo, udp_echo


class Here:
    """The namespace this process lives in, as far as the servers need one."""

    @staticmethod
    def socket(kind: int = socket.SOCK_STREAM, family: int = socket.AF_INET,
               timeout: float = 60) -> socket.socket:
        s = socket.socket(family, kind)
        s.settimeout(timeout)
        return s


def web(visit: Visit) -> None:
    request = b""
    while b"\r\n\r\n" not in request:
        data = visit.recv()
        if not data:
            return
        request += data
    match = re.match(rb"GET /(\d+) ", request)
    size = min(int(match[1]), 1 << 28) if match else 0
    head = "200 OK" if match else "404 Not Found"
    visit.conn.sendall(f"HTTP/1.0 {head}\r\nContent-Length: {size}\r\n\r\n".encode())
    block = bytes(range(256)) * 64
    while size > 0:
        visit.conn.sendall(block[:size])
        size -= min(size, len(block))


def main() -> None:
    address = sys.argv[1]
    here = Here()
    TcpServer(here, (address, 80), web)  # type: ignore[arg-type]
    TcpServer(here, (address, 7), echo)  # type: ignore[arg-type]
    UdpServer(here, (address, 7), udp_echo)  # type: ignore[arg-type]
    NameServer(here, (address, 53))  # type: ignore[arg-type]
    print("ready", flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
