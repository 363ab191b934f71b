# SPDX-License-Identifier: BSD-3-Clause
"""A name server with one rule, enough to test a gateway: it knows every name under "test".

hN.test         A 198.51.100.N, AAAA 2001:db8:1::N
hN.sP.test      the same, for tests that need many different names (P is any label)
silent….test    is never answered
slow….test      is answered after a delay
wrong….test     gets an answer with another id first, then the right one
big….test       TXT-sized answer: TC over UDP, whole over TCP
anything else   NXDOMAIN
"""
from __future__ import annotations

import re
import socket
import struct
import threading

from .netns import Namespace
from .servers import Address, TcpServer, UdpServer, Visit, read_exactly

A, AAAA, TXT = 1, 28, 16
SLOW_S = 1.0


def query(name: str, ident: int, qtype: int = A) -> bytes:
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split("."))
    return struct.pack("!6H", ident, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", qtype, 1)


def question(message: bytes) -> tuple[int, str, int, int]:
    """id, name, type and where the question ends."""
    ident = struct.unpack_from("!H", message)[0]
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode())
        at += 1 + message[at]
    return ident, ".".join(labels), struct.unpack_from("!H", message, at + 1)[0], at + 5


def addresses(answer: bytes) -> list[str]:
    """The A and AAAA records of an answer of this server (names are compressed to the question)."""
    count = struct.unpack_from("!H", answer, 6)[0]
    at, found = question(answer)[3], []
    for _ in range(count):
        rtype, _, _, size = struct.unpack_from("!HHIH", answer, at + 2)
        data = answer[at + 12:at + 12 + size]
        if rtype in (A, AAAA):
            found.append(socket.inet_ntop(socket.AF_INET if rtype == A else socket.AF_INET6, data))
        at += 12 + size
    return found


def records(name: str, qtype: int) -> list[bytes] | None:
    """rdata of what exists; None: no such name."""
    match = re.fullmatch(r"(?:[a-z]+-)?h(\d+)(?:\.\w+)?\.test", name)
    if name.startswith("big") and qtype == TXT:
        return [bytes([255]) + b"x" * 255] * 8
    if not match:
        return None
    n = int(match[1])
    if qtype == A:
        return [socket.inet_aton(f"198.51.100.{n}")]
    if qtype == AAAA:
        return [socket.inet_pton(socket.AF_INET6, f"2001:db8:1::{n:x}")]
    return []


def answer(message: bytes, tcp: bool) -> bytes:
    ident, name, qtype, end = question(message)
    found = records(name, qtype)
    flags = 0x8580 | (3 if found is None else 0)
    body = b"".join(struct.pack("!HHHIH", 0xC00C, qtype, 1, 60, len(x)) + x for x in found or [])
    if not tcp and len(body) > 500:
        return struct.pack("!6H", ident, flags | 0x0200, 1, 0, 0, 0) + message[12:end]
    return struct.pack("!6H", ident, flags, 1, len(found or []), 0, 0) + message[12:end] + body


class NameServer:
    def __init__(self, ns: Namespace, address: Address) -> None:
        self.udp = UdpServer(ns, address, self._datagram)
        self.tcp = TcpServer(ns, address, self._stream)

    def _datagram(self, data: bytes, peer: Address, server: UdpServer) -> None:
        try:
            name = question(data)[1]
            reply = answer(data, tcp=False)
        except (IndexError, UnicodeDecodeError, struct.error):
            return  # a name server has nothing to say to garbage
        if name.startswith("silent"):
            return
        if name.startswith("wrong"):
            ident = struct.unpack_from("!H", reply)[0]
            server.sock.sendto(struct.pack("!H", ident ^ 0x5A5A) + reply[2:], peer)
        if name.startswith("slow"):
            threading.Timer(SLOW_S, server.sock.sendto, (reply, peer)).start()
        else:
            server.sock.sendto(reply, peer)

    @staticmethod
    def _stream(visit: Visit) -> None:
        while len(head := read_exactly(visit, 2)) == 2:
            reply = answer(read_exactly(visit, struct.unpack("!H", head)[0]), tcp=True)
            visit.conn.sendall(struct.pack("!H", len(reply)) + reply)

    def names(self) -> list[str]:
        return [question(data)[1] for data, _ in self.udp.seen]

    def stop(self) -> None:
        self.udp.stop()
        self.tcp.stop()
