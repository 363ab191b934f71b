# SPDX-License-Identifier: BSD-3-Clause
"""Bodies worth sending, and clients that send and fetch them."""
from __future__ import annotations

import errno
import hashlib
import random
import select
import socket
import threading
import time
from typing import Callable, Iterable, TypeVar

T = TypeVar("T")

MIB = 1 << 20
HOSTILE = [
    b"\r\nOK\r\n", b"+IPCLOSE: 0,1", b"\r\n+IPCLOSE: 9,1\r\n", b"\r\n+RECEIVE,3,5\r\n", b">", b"\r\n>",
    b"\x1a", b"\x1b", b"\x00", b"+++", b"\r\nERROR\r\n", b"\r\n+CIPSEND: 9,1460,1460\r\n",
    b"\r\n*ATREADY: 1\r\n", b"\r\n+CIPRXGET: 1,9\r\n", b"\r\n+CIPRXGET: 2,9,10,10\r\n",
    b"\r\nRECV FROM:198.51.100.1:80\r\n", b"\r\n+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY\r\n",
    b"\r\nCLOSED\r\n", b"\r", b"\n", b"AT\r", bytes(range(256)),
]


def hostile_body(n: int, seed: int = 1) -> bytes:
    """Everything that looks like the modem's own speech, in random order, with random filling."""
    rng = random.Random(seed)
    block = bytearray()
    while len(block) < min(n, 256 * 1024):
        block += rng.choice(HOSTILE)
        if rng.random() < 0.2:
            block += rng.randbytes(rng.randrange(1, 400))
    body = bytearray()
    while len(body) < n:
        body += len(body).to_bytes(8, "big")  # no two blocks are alike
        body += block
    return bytes(body[:n])


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def send_all(s: socket.socket, body: bytes, chunk: int = 65536) -> None:
    view = memoryview(body)
    for at in range(0, len(body), chunk):
        s.sendall(view[at:at + chunk])


def receive_all(s: socket.socket) -> bytes:
    """To the peer's FIN; a RST raises ConnectionResetError."""
    parts = []
    while data := s.recv(262144):
        parts.append(data)
    return b"".join(parts)


def receive_exactly(s: socket.socket, n: int) -> bytes:
    parts = bytearray()
    while len(parts) < n:
        data = s.recv(n - len(parts))
        if not data:
            raise AssertionError(f"the stream ended after {len(parts)} of {n} bytes")
        parts += data
    return bytes(parts)


def upload(s: socket.socket, body: bytes) -> str:
    """To digest_of_counted; the sha256 the server saw."""
    s.sendall(b"%010d" % len(body))
    send_all(s, body)
    return receive_all(s).decode()


def exchange(s: socket.socket, body: bytes, size: int) -> tuple[bytes, str]:
    """With both_ways: sends while it receives; what came, and the sha256 the server saw."""
    failure: list[BaseException] = []

    def sender() -> None:
        try:
            s.sendall(b"%010d" % len(body))
            send_all(s, body)
        except OSError as e:
            failure.append(e)

    thread = threading.Thread(target=sender, daemon=True)
    thread.start()
    got = receive_exactly(s, size)
    digest = receive_all(s).decode()
    thread.join(60)
    if failure:
        raise failure[0]
    return got, digest


def connect_errno(s: socket.socket, address: tuple[str, int]) -> str:
    """"" or the name of the error; "timeout" when the socket's own patience ended.

    A wake-up alone is not believed: the socket is connected when it has a peer.
    """
    patience = s.gettimeout()
    end = None if patience is None else time.monotonic() + patience
    s.setblocking(False)
    try:
        while True:
            code = s.connect_ex(address)
            if code in (0, errno.EISCONN):
                return ""
            if code not in (errno.EINPROGRESS, errno.EALREADY):
                return errno.errorcode[code]
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return "timeout"
            poll = select.poll()
            poll.register(s, select.POLLOUT)
            poll.poll(None if left is None else left * 1000)
    finally:
        s.settimeout(patience)


def ends_in_reset(s: socket.socket, poke: bool = False) -> bool:
    """Whether the connection ends by RST (True) or FIN (False). @poke: by writing, too."""
    try:
        if poke:
            s.sendall(b"?")
        while s.recv(65536):
            pass
    except ConnectionError:
        return True
    return False


def at_once(jobs: Iterable[Callable[[], T]], timeout: float = 120) -> list[T | BaseException]:
    """Runs all jobs at the same time; results or what they raised, in order."""
    results: list = []
    threads = []

    def run(slot: int, job: Callable[[], T]) -> None:
        try:
            results[slot] = job()
        except BaseException as e:  # pylint: disable=broad-except
            results[slot] = e

    for slot, job in enumerate(jobs):
        results.append(TimeoutError("still running"))
        threads.append(threading.Thread(target=run, args=(slot, job), daemon=True))
    for t in threads:
        t.start()
    for t in threads:
        t.join(timeout)
    return results


def all_fine(results: list) -> list:
    bad = [repr(x) for x in results if isinstance(x, BaseException)]
    assert not bad, f"{len(bad)} of {len(results)} failed: {bad[:5]}"
    return results
