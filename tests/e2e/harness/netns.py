# SPDX-License-Identifier: BSD-3-Clause
"""Network namespaces by name, and sockets made inside one.

A socket stays in the namespace it was made in, so the tests' own clients and servers are plain
threads of one process: only the moment of socket() happens inside.
"""
from __future__ import annotations

import contextlib
import ctypes
import errno
import itertools
import os
import re
import socket
import subprocess
from pathlib import Path
from typing import Iterator

CLONE_NEWNET = 0x40000000
PREFIX = "gwde2e"
RUN_NETNS = Path("/run/netns")
_libc = ctypes.CDLL(None, use_errno=True)
_counter = itertools.count(1)


def _setns(fd: int) -> None:
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        err = ctypes.get_errno()
        raise OSError(err, os.strerror(err))


def unique_name(suffix: str) -> str:
    return f"{PREFIX}-{os.getpid()}-{next(_counter)}-{suffix}"


class Namespace:
    def __init__(self, suffix: str) -> None:
        self.name = unique_name(suffix)
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        self.ip("link", "set", "lo", "up")

    def delete(self) -> None:
        subprocess.run(["ip", "netns", "del", self.name], check=False, stderr=subprocess.DEVNULL)

    def command(self, argv: list[str]) -> list[str]:
        """argv, run inside; the child dies with its parent, whatever happens to it."""
        return ["ip", "netns", "exec", self.name, "setpriv", "--pdeathsig", "KILL", *argv]

    def run(self, *argv: str, timeout: float = 60, check: bool = True,
            **kw) -> subprocess.CompletedProcess:
        kw.setdefault("stdout", subprocess.PIPE)
        kw.setdefault("stderr", subprocess.PIPE)
        kw.setdefault("text", True)
        done = subprocess.run(self.command(list(argv)), timeout=timeout, **kw)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def ip(self, *argv: str, check: bool = True) -> str:
        done = subprocess.run(["ip", "-n", self.name, *argv], check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if check and done.returncode != 0:
            raise AssertionError(f"ip {' '.join(argv)}: {done.stderr.strip()}")
        return done.stdout

    def sysctl(self, key: str, value: object) -> None:
        self.run("sysctl", "-qw", f"{key}={value}")

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """The calling thread is inside while the block runs."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(RUN_NETNS / self.name, os.O_RDONLY)
        try:
            _setns(there)
            yield
        finally:
            _setns(before)
            os.close(there)
            os.close(before)

    def socket(self, kind: int = socket.SOCK_STREAM, family: int = socket.AF_INET,
               timeout: float = 60) -> socket.socket:
        with self.entered():
            s = socket.socket(family, kind)
        s.settimeout(timeout)
        return s

    def tcp(self, **kw) -> socket.socket:
        return self.socket(socket.SOCK_STREAM, **kw)

    def udp(self, **kw) -> socket.socket:
        return self.socket(socket.SOCK_DGRAM, **kw)


def remove_stale() -> None:
    """Namespaces of runs that were killed before they could clean up."""
    if not RUN_NETNS.is_dir():
        return
    for path in RUN_NETNS.iterdir():
        match = re.fullmatch(rf"{PREFIX}-(\d+)-\d+-\w+", path.name)
        if not match:
            continue
        try:
            os.kill(int(match[1]), 0)
        except OSError as e:
            if e.errno == errno.ESRCH:
                subprocess.run(["ip", "netns", "del", path.name], check=False)
