# SPDX-License-Identifier: BSD-3-Clause
"""One run of the knob suite: a modem with some knobs turned, a daemon, get, put, name, close; and a verdict.

What is judged is never how long it took but what the programs at both ends saw:

  works       every byte, every answer, both orderly closes
  slower      the same; the table says why it takes longer
  reset       what is not whole ended in an error that a program can see, never in a clean end
  no bearer   the modem never came up, status says why
  unsound     the line itself changes bytes that nothing protects: only survival is judged

Wrong bytes, a clean end before the last byte, a crash, a finding of the sanitizers, an exit that
takes 4 s, a mistake that the simulator noted: a failure in every class.
"""
from __future__ import annotations

import contextlib
import dataclasses
import enum
import shutil
import socket
import tempfile
import time
from pathlib import Path

from .dns import NameServer, addresses, query
from .servers import TcpServer, Visit, read_exactly
from .traffic import at_once, hostile_body, sha
from .waiting import wait_for
from .world import RESOLVER, RESOLVER6, SERVERS4, SERVERS6, Binaries, World

SIZE = 64 * 1024
CLOSE_SIZE = 8 * 1024
# s; ends a hang. Where a reset is expected, a program that waits has seen no clean end for long enough.
PATIENCE, PATIENCE_FOR_RESET = 60.0, 20.0
DNS_TRIES, DNS_WAIT = 4, 4.0  # as a resolver asks again
SERVFAIL = 2  # RFC 1035 4.1.1: an error that a program sees
FORWARD_PORT = 8080
FORWARD = {"forward.tcp": f"{FORWARD_PORT}:192.0.2.10:80"}  # a run with it has an inbound client, too
# Patience of the daemon, scaled down to what a suite can wait for.
OPTIONS = {"tcp.connect_timeout": "5s", "tcp.linger": "2s", "udp.dns_timeout": "10s"}


class Class(enum.IntEnum):
    WORKS = 0
    SLOWER = 1
    RESET = 2
    NO_BEARER = 3
    UNSOUND = 4

    def __str__(self) -> str:
        return self.name.lower().replace("_", " ")


@dataclasses.dataclass
class Run:
    """What one run is: the knobs that are turned and what the daemon is told."""
    knobs: dict[str, str]
    options: dict[str, object] = dataclasses.field(default_factory=dict)
    size: int = SIZE
    expected: Class = Class.WORKS
    chance: bool = False   # the class is the worst that may be seen, luck may do better
    mistakes: str = ""     # why the simulator may note mistakes of the host
    tail: str = ""         # why bytes before a reset may be none of the stream's
    secrets: dict[str, str] = dataclasses.field(default_factory=dict)  # options that name a file


@dataclasses.dataclass
class Outcome:
    """How one job ended."""
    job: str
    word: str     # "whole", "error", "wrong"
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.job}: {self.word}{' (' + self.detail + ')' if self.detail else ''}"


def judge(outcomes: list[Outcome]) -> Class:
    return Class.WORKS if all(x.word == "whole" for x in outcomes) else Class.RESET


class Bench(World):
    """A world that outlives its runs: namespaces and servers stay, modem and daemon come anew."""

    GET, PUT, LEAVE = 8000, 8001, 8002
    INNER, MODULE = "192.0.2.10", SERVERS4[4]  # a server of ours, and the module's own address

    def __init__(self, binaries: Binaries) -> None:
        super().__init__(binaries)
        self.top = self.folder
        self.body = b""
        self.host, self.resolver = SERVERS4[0], RESOLVER
        self.patience = PATIENCE
        self.taken: dict[int, bytes] = {}
        self.visited = {(host, port): self.serve(handler, host, port)
                        for host in (SERVERS4[0], SERVERS6[0])
                        for port, handler in ((self.GET, self._give), (self.PUT, self._take),
                                              (self.LEAVE, self._take_all))}
        self.inner.ip("addr", "add", f"{self.INNER}/32", "dev", "lo")
        self.servers.append(TcpServer(self.inner, (self.INNER, 80), self._give_and_close))
        for resolver in (RESOLVER, RESOLVER6):
            self.servers.append(NameServer(self.outer, (resolver, 53)))  # type: ignore[arg-type]

    def destroy(self) -> None:
        super().destroy()
        shutil.rmtree(getattr(self, "top", self.folder), ignore_errors=True)

    def server(self, port: int) -> TcpServer:
        """The one of the IP version of this run."""
        return self.visited[self.host, port]

    # -- servers ------------------------------------------------------------------------------

    def _give(self, visit: Visit) -> None:
        """Sends the body and closes first."""
        visit.conn.sendall(self.body)
        visit.conn.shutdown(socket.SHUT_WR)
        while visit.recv():
            pass

    def _give_and_close(self, visit: Visit) -> None:
        """A shutdown alone would keep the link for the client's answer: the module has no half-close."""
        visit.conn.sendall(self.body)

    def _take(self, visit: Visit) -> None:
        """A counted body in, its digest out; the client closes first."""
        head = read_exactly(visit, 10)
        self.taken[id(visit)] = head
        if not head.isdigit():
            return
        body = read_exactly(visit, int(head))
        self.taken[id(visit)] = head + body
        if len(body) == int(head):
            visit.conn.sendall(sha(body).encode())
        while visit.recv():
            pass

    def _take_all(self, visit: Visit) -> None:
        """Everything until the client closes, which it does at once."""
        body = b""
        while data := visit.recv():
            body += data
            self.taken[id(visit)] = body

    # -- jobs ---------------------------------------------------------------------------------

    def _get(self) -> Outcome:
        got = b""
        try:
            s = self.connect((self.host, self.GET), self.patience)
            while data := s.recv(262144):
                got += data
            s.close()
        except OSError as e:
            word = "error" if self.body.startswith(got) else "wrong tail"
            return Outcome("get", word, f"{type(e).__name__} after {len(got)} bytes")
        if got != self.body:
            return Outcome("get", "wrong", f"a clean end after {len(got)} bytes{differs(got, self.body)}")
        return Outcome("get", "whole")

    def _put(self, before: int) -> Outcome:
        digest, body = b"", b"%010d" % len(self.body) + self.body
        try:
            s = self.connect((self.host, self.PUT), self.patience)
            s.sendall(body)
            while len(digest) < 64 and (data := s.recv(64 - len(digest))):
                digest += data
            s.close()
        except OSError as e:
            if not body.startswith(self._arrived(before)):
                return Outcome("put", "wrong tail", f"the server has other bytes{differs(self._arrived(before), body)}")
            return Outcome("put", "error", type(e).__name__)
        if digest.decode(errors="replace") != sha(self.body):
            return Outcome("put", "wrong", f"the answer was {digest!r}")
        return self._closed("put", self.server(self.PUT), before)

    def _leave(self, before: int) -> Outcome:
        """Sends and closes at once: nobody is there any more who could be told of an error."""
        body = self.body[-min(CLOSE_SIZE, len(self.body)):]
        try:
            s = self.connect((self.host, self.LEAVE), self.patience)
            s.sendall(body)
            s.close()
        except OSError as e:
            return Outcome("close", "error", type(e).__name__)
        outcome = self._closed("close", self.server(self.LEAVE), before)
        visits = self.server(self.LEAVE).visits[before:]
        got = self.taken.get(id(visits[0]), b"") if visits else b""
        if not body.startswith(got):
            return Outcome("close", "wrong tail", f"the server has other bytes{differs(got, body)}")
        if outcome.word == "whole" and got != body:
            return Outcome("close", "error", f"the server has {len(got)} of {len(body)} bytes")
        return outcome

    def _closed(self, job: str, server: TcpServer, before: int) -> Outcome:
        try:
            end = server.finished(before, self.patience).end
        except AssertionError as e:
            return Outcome(job, "error", str(e))
        return Outcome(job, "whole" if end == "fin" else "error", "" if end == "fin" else f"end: {end}")

    def _arrived(self, before: int) -> bytes:
        visits = self.server(self.PUT).visits[before:]
        return self.taken.get(id(visits[0]), b"") if visits else b""

    def _name(self) -> Outcome:
        u = self.udp(DNS_WAIT, socket.AF_INET6 if ":" in self.resolver else socket.AF_INET)
        for n in range(DNS_TRIES):
            try:
                u.sendto(query("h7.test", 100 + n), (self.resolver, 53))
                answer = u.recv(2000)
            except OSError:
                continue
            if answer[3] & 15 == SERVFAIL:
                continue
            found = addresses(answer)
            if found != ["198.51.100.7"]:
                return Outcome("name", "wrong", f"the answer was {found}")
            return Outcome("name", "whole")
        return Outcome("name", "error", f"no answer to {DNS_TRIES} queries")

    def _inbound(self) -> Outcome:
        """A client of the Internet fetches the body from a server behind the gateway."""
        got = b""
        try:
            assert self.gwd
            wait_for("the module to listen", self._listens, self.patience)
            s = self.outer.socket(timeout=self.patience)
            self.clients.append(s)
            s.connect((self.MODULE, FORWARD_PORT))
            while data := s.recv(262144):
                got += data
        except (OSError, AssertionError) as e:
            return Outcome("inbound", "error", f"{type(e).__name__} after {len(got)} bytes")
        if got != self.body:
            word = "error" if self.body.startswith(got) else "wrong"
            return Outcome("inbound", word, f"{len(got)} bytes{differs(got, self.body)}")
        return Outcome("inbound", "whole")

    def _listens(self) -> bool:
        assert self.gwd
        return all(x["state"] == "listening" for x in self.gwd.status()["forwards"])

    def jobs(self, run: Run) -> list[Outcome]:
        put, leave = len(self.server(self.PUT).visits), len(self.server(self.LEAVE).visits)
        jobs = [self._get, lambda: self._put(put), lambda: self._leave(leave), self._name]
        if "forward.tcp" in run.options:
            jobs.append(self._inbound)
        done = at_once(jobs, timeout=3 * PATIENCE)
        for x in done:
            if isinstance(x, BaseException):
                raise x
        return done  # type: ignore[return-value]

    # -- a run --------------------------------------------------------------------------------

    def _fresh(self, run: Run) -> None:
        self.clear()
        self.folder = Path(tempfile.mkdtemp(dir=self.top))
        self.body = hostile_body(run.size, seed=len(run.knobs) + run.size)
        self.mistakes_expected = bool(run.mistakes)
        self.patience = PATIENCE if run.expected <= Class.SLOWER else PATIENCE_FOR_RESET
        six = run.options.get("modem.ip") == 6
        self.host, self.resolver = (SERVERS6[0], RESOLVER6) if six else (SERVERS4[0], RESOLVER)

    def clear(self) -> None:
        """Ends what an earlier run left, passed or not."""
        self.close_clients()
        for process in self.processes:
            process.kill()
        self.processes.clear()
        self.taken.clear()
        self.gwd = self.sim = None
        if self.folder != self.top:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _options(self, run: Run) -> dict[str, object]:
        options: dict[str, object] = {**OPTIONS, **run.options}
        for option, text in run.secrets.items():
            path = self.folder / option
            path.write_text(text + "\n")
            path.chmod(0o600)
            options[option] = path
        return options

    def _bearer(self, run: Run) -> bool:
        """Up, or (False) down with a reason that status tells."""
        assert self.gwd
        gwd = self.gwd

        def told() -> bool:
            state = gwd.state()  # "" while nobody answers
            if run.expected != Class.NO_BEARER or state in ("", "up"):
                return state == "up"
            return bool(gwd.modem()["failure"] or gwd.modem()["recoveries"])

        try:
            wait_for("the bearer, or the reason why there is none", told, PATIENCE)
        except AssertionError:
            return False
        return gwd.state() == "up"

    def perform(self, run: Run) -> tuple[Class, list[Outcome], float]:
        """Raises AssertionError for what no class forgives."""
        began = time.monotonic()
        self._fresh(run)
        self.start_sim(**run.knobs)
        self.start_gwd(self._options(run), wait=None)
        if run.knobs.get("at_before_banner") == "answered":
            # The bearer can be up before the banner, which then ends everything.
            time.sleep(int(run.knobs["boot_time_s"]) + 0.5)
        if not self._bearer(run):
            seen, outcomes = Class.NO_BEARER, []
            assert self.gwd
            status = self.gwd.modem()
            assert status["reason"], f"the bearer is down and status does not say why: {status}"
        else:
            self.route("default")
            outcomes = self.jobs(run)
            seen = judge(outcomes)
        self._end(run, seen)
        bad = [str(x) for x in outcomes if x.word == "wrong" or (x.word == "wrong tail" and not run.tail)]
        if run.expected == Class.UNSOUND:
            return Class.UNSOUND, outcomes, time.monotonic() - began
        assert not bad, f"wrong bytes: {bad}"
        return seen, outcomes, time.monotonic() - began

    def _end(self, run: Run, seen: Class) -> None:
        """An orderly end in time, no finding, no mistake."""
        self.close_clients()
        assert self.gwd and self.sim
        if seen <= Class.SLOWER:
            self.gwd.wait_no_tcp(PATIENCE)
        self.stop_gwd()
        if seen <= Class.SLOWER:
            assert not self.open_links(), f"links the daemon left open: {self.open_links()}"
        assert self.sim.process.running(), f"a76sim ended by itself:\n{self.sim.process.tail()}"
        mistakes = [] if run.mistakes else self.sim.mistakes()
        assert not mistakes, f"mistakes the simulator noted: {mistakes[:10]}"
        status, _ = self.sim.process.terminate(10)
        assert not self.sim.process.sanitizer_report(), self.sim.process.sanitizer_report()
        assert status == 0, f"a76sim's exit status: {status}"


def differs(got: bytes, body: bytes) -> str:
    for at, (a, b) in enumerate(zip(got, body)):
        if a != b:
            return f", other bytes from {at}"
    return ", bytes are missing" if len(got) < len(body) else ", bytes too many"


@contextlib.contextmanager
def bench(binaries: Binaries):
    b = Bench(binaries)
    try:
        yield b
    finally:
        b.destroy()
