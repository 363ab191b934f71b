# SPDX-License-Identifier: BSD-3-Clause
"""Threaded servers on the outer side and the small behaviours tests give them."""
from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import socket
import struct
import threading
from typing import Callable

from .netns import Namespace
from .waiting import wait_for

Address = tuple[str, int]


@dataclasses.dataclass
class Visit:
    """One connection as the server saw it."""
    conn: socket.socket
    peer: Address
    received: int = 0
    sha: "hashlib._Hash" = dataclasses.field(default_factory=hashlib.sha256)
    end: str = ""  # "fin", "rst", "" while it lasts
    done: threading.Event = dataclasses.field(default_factory=threading.Event)

    def recv(self, n: int = 65536) -> bytes:
        """b"" at the end, whichever it was; .end tells."""
        try:
            data = self.conn.recv(n)
        except ConnectionError:
            self.end = "rst"
            return b""
        if not data:
            self.end = "fin"
        self.received += len(data)
        self.sha.update(data)
        return data

    def reset(self) -> None:
        reset(self.conn)
        self.end = self.end or "rst by us"

    @property
    def digest(self) -> str:
        return self.sha.hexdigest()


Handler = Callable[[Visit], None]


class TcpServer:
    def __init__(self, ns: Namespace, address: Address, handler: Handler, backlog: int = 128,
                 receive_buffer: int | None = None) -> None:
        self.address = address
        self.handler = handler
        self.visits: list[Visit] = []
        self._stop = threading.Event()
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.sock = ns.socket(family=family, timeout=0.2)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.bind(address)
        self.sock.listen(backlog)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                conn, peer = self.sock.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            conn.settimeout(120)
            visit = Visit(conn, peer[:2])
            self.visits.append(visit)
            threading.Thread(target=self._serve, args=(visit,), daemon=True).start()

    def _serve(self, visit: Visit) -> None:
        with contextlib.suppress(OSError):
            self.handler(visit)
        visit.done.set()
        if self.handler is not hold:
            visit.conn.close()

    def visit(self, n: int = 0, timeout: float = 20) -> Visit:
        wait_for(f"connection {n} of {self.address}", lambda: len(self.visits) > n, timeout)
        return self.visits[n]

    def finished(self, n: int = 0, timeout: float = 60) -> Visit:
        visit = self.visit(n)
        assert visit.done.wait(timeout), f"connection {n} of {self.address} never ended"
        return visit

    def stop(self) -> None:
        self._stop.set()
        self.sock.close()
        for visit in self.visits:
            visit.conn.close()


class UdpServer:
    """handler(data, peer, server); server.sock answers."""

    def __init__(self, ns: Namespace, address: Address,
                 handler: Callable[[bytes, Address, "UdpServer"], None]) -> None:
        self.address = address
        self.handler = handler
        self.seen: list[tuple[bytes, Address]] = []
        self._stop = threading.Event()
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.sock = ns.socket(socket.SOCK_DGRAM, family, timeout=0.2)
        self.sock.bind(address)
        threading.Thread(target=self._loop, daemon=True).start()

    def _loop(self) -> None:
        while not self._stop.is_set():
            try:
                data, peer = self.sock.recvfrom(65536)
            except TimeoutError:
                continue
            except OSError:
                return
            self.seen.append((data, peer[:2]))
            with contextlib.suppress(OSError):
                self.handler(data, peer, self)

    def peers(self) -> set[Address]:
        return {peer for _, peer in self.seen}

    def stop(self) -> None:
        self._stop.set()
        self.sock.close()


def reset(s: socket.socket) -> None:
    """RST, not FIN."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


# -- what a server can do with a connection ----------------------------------------------------


def echo(visit: Visit) -> None:
    while data := visit.recv():
        visit.conn.sendall(data)


def sink(visit: Visit) -> None:
    while visit.recv():
        pass


def hold(visit: Visit) -> None:
    """Accepts and leaves the rest to the test."""


def source(body: bytes) -> Handler:
    """Sends the body, then FIN, and reads on."""
    def handler(visit: Visit) -> None:
        visit.conn.sendall(body)
        visit.conn.shutdown(socket.SHUT_WR)
        sink(visit)
    return handler


def digest_of_counted(visit: Visit) -> None:
    """'NNNNNNNNNN', that many bytes in; their sha256 out, close. The length is told because the modem
    cannot pass a half-close on: the server sees no end before the client has its answer."""
    size = int(read_exactly(visit, 10))
    visit.sha = hashlib.sha256()
    read_on(visit, size)
    visit.conn.sendall(visit.digest.encode())


def both_ways(body: bytes) -> Handler:
    """As above, but the body goes out meanwhile; the sha256 follows it."""
    def handler(visit: Visit) -> None:
        size = int(read_exactly(visit, 10))
        visit.sha = hashlib.sha256()
        sender = threading.Thread(target=visit.conn.sendall, args=(body,), daemon=True)
        sender.start()
        read_on(visit, size)
        sender.join()
        visit.conn.sendall(visit.digest.encode())
    return handler


def read_on(visit: Visit, n: int) -> None:
    """n more bytes, or the end."""
    until = visit.received + n
    while visit.received < until and visit.recv(min(65536, until - visit.received)):
        pass


def request_reply(reply: bytes) -> Handler:
    """One line in, one reply out, close; a small web server's life."""
    def handler(visit: Visit) -> None:
        seen = b""
        while b"\n" not in seen:
            data = visit.recv()
            if not data:
                return
            seen += data
        visit.conn.sendall(reply)
    return handler


def read_exactly(visit: Visit, n: int) -> bytes:
    parts = b""
    while len(parts) < n:
        data = visit.recv(n - len(parts))
        if not data:
            break
        parts += data
    return parts


def udp_echo(data: bytes, peer: Address, server: UdpServer) -> None:
    server.sock.sendto(data, peer)
