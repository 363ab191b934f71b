# SPDX-License-Identifier: BSD-3-Clause
"""Everything one test needs, and what every test must leave behind: nothing."""
from __future__ import annotations

import dataclasses
import shutil
import socket
import tempfile
from pathlib import Path

from .gwd import Gwd
from .netns import Namespace
from .process import Process
from .servers import TcpServer, UdpServer
from .sim import Sim
from .waiting import wait_for

SERVERS4 = [f"198.51.100.{n}" for n in range(1, 10)]
OTHERS4 = [f"203.0.113.{n}" for n in range(1, 6)]
SERVERS6 = ["2001:db8:1::1", "2001:db8:1::2"]
RESOLVER = "198.51.100.53"
RESOLVER6 = "2001:db8:1::53"
SIGTERM_LIMIT = 4.0  # architecture page, section 5: exits 0 after an orderly close


@dataclasses.dataclass
class Binaries:
    gwd: Path
    gwctl: Path
    a76sim: Path


class World:
    def __init__(self, binaries: Binaries) -> None:
        self.binaries = binaries
        self.folder = Path(tempfile.mkdtemp(prefix="gwd-e2e-"))
        self.namespaces: list[Namespace] = []
        self.processes: list[Process] = []
        self.servers: list[TcpServer | UdpServer] = []
        self.clients: list[socket.socket] = []
        self.sim: Sim | None = None
        self.gwd: Gwd | None = None
        self.mistakes_expected = False
        self.sanitizer_options = ""
        try:
            self.outer = self.namespace("out")
            self.inner = self.namespace("in")
            for address in (*SERVERS4, *OTHERS4, RESOLVER):
                self.outer.ip("addr", "add", f"{address}/32", "dev", "lo")
            for address in (*SERVERS6, RESOLVER6):
                self.outer.ip("addr", "add", f"{address}/128", "dev", "lo", "nodad")
        except BaseException:
            self.destroy()
            raise

    # -- the parts ----------------------------------------------------------------------------

    def namespace(self, suffix: str) -> Namespace:
        ns = Namespace(suffix)
        self.namespaces.append(ns)
        return ns

    def start_sim(self, profile: str = "fast", baud: int = 0, **knobs: object) -> Sim:
        self.sim = Sim(self.outer, self.binaries.a76sim, self.folder, profile, baud, knobs)
        self.processes.append(self.sim.process)
        return self.sim

    def start_gwd(self, options: dict[str, object] | None = None, wait: str | None = "up",
                  route: str | None = "default", arguments: list[str] | None = None,
                  wrap: list[str] | None = None) -> Gwd:
        settings: dict[str, object] = {"modem.device": self.folder / "ttyA76", "modem.apn": "internet",
                                       "modem.baud": 921600, "modem.state_dir": self.folder / "state",
                                       "log.level": "debug"}
        settings.update(options or {})
        settings = {k: v for k, v in settings.items() if v is not None}
        self.gwd = Gwd(self.inner, self.binaries.gwd, self.folder, settings, arguments, wrap,
                       self.sanitizer_options)
        self.processes.append(self.gwd.process)
        if wait:
            self.gwd.wait_state(wait)
        if route and wait == "up":
            self.route(route)
        return self.gwd

    def route(self, destination: str) -> None:
        """"default" is the default route of the bearer's IP version."""
        wait_for("cell0 to take a route", lambda: "LOWER_UP" in self.inner.ip("link", "show", "cell0"))
        assert self.gwd
        six = ":" in destination or (destination == "default" and ":" in self.gwd.modem()["address"])
        self.inner.ip("-6" if six else "-4", "route", "replace", destination, "dev", "cell0")

    def up(self, sim: dict[str, object] | None = None, gwd: dict[str, object] | None = None,
           **kw) -> Gwd:
        """A modem that is up and a default route through it."""
        self.start_sim(**(sim or {}))  # type: ignore[arg-type]
        return self.start_gwd(gwd, **kw)

    def serve(self, handler, address: str = SERVERS4[0], port: int = 8000, **kw) -> TcpServer:
        server = TcpServer(self.outer, (address, port), handler, **kw)
        self.servers.append(server)
        return server

    def serve_udp(self, handler, address: str = SERVERS4[0], port: int = 8000) -> UdpServer:
        server = UdpServer(self.outer, (address, port), handler)
        self.servers.append(server)
        return server

    def connect(self, address: tuple[str, int], timeout: float = 60) -> socket.socket:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        s = self.client(timeout=timeout, family=family)
        s.connect(address)
        return s

    def client(self, kind: int = socket.SOCK_STREAM, timeout: float = 60,
               family: int = socket.AF_INET) -> socket.socket:
        s = self.inner.socket(kind, family, timeout)
        self.clients.append(s)
        return s

    def udp(self, timeout: float = 20, family: int = socket.AF_INET) -> socket.socket:
        return self.client(socket.SOCK_DGRAM, timeout, family)

    def background(self, ns: Namespace, argv: list[str], name: str) -> Process:
        process = Process(ns, argv, self.folder / f"{name}.log")
        self.processes.append(process)
        return process

    def gwctl(self, *argv: str, check: bool = True, **kw):
        assert self.gwd
        return self.inner.run(str(self.binaries.gwctl), "-s", str(self.gwd.socket), *argv, check=check, **kw)

    # -- the end ------------------------------------------------------------------------------

    def close_clients(self) -> None:
        for s in self.clients:
            s.close()
        self.clients.clear()

    def stop_gwd(self) -> None:
        """SIGTERM must end it orderly, in time and without a finding of the sanitizers."""
        gwd, self.gwd = self.gwd, None
        assert gwd
        status, seconds = gwd.process.terminate(SIGTERM_LIMIT)
        assert not gwd.process.sanitizer_report(), gwd.process.sanitizer_report()
        assert status == 0, f"gwd's exit status after SIGTERM: {status} (None: not within {SIGTERM_LIMIT} s)"
        assert seconds < SIGTERM_LIMIT

    def forget_gwd(self, status: int) -> None:
        """The test ended the daemon itself and expects this exit status."""
        gwd, self.gwd = self.gwd, None
        assert gwd
        assert gwd.process.wait(10) == status, gwd.process.tail()
        assert not gwd.process.sanitizer_report(), gwd.process.sanitizer_report()

    def finish(self) -> None:
        """What must hold after every test that passed."""
        self.close_clients()
        if self.gwd:
            if self.gwd.state() == "up":
                self.gwd.wait_no_tcp()
            self.stop_gwd()
            links = "" if not self.sim else self.open_links()
            assert not links, f"links the daemon left open in the module: {links}"
        if self.sim:
            assert not self.sim.process.sanitizer_report(), self.sim.process.sanitizer_report()
            assert self.sim.process.running(), f"a76sim ended by itself:\n{self.sim.process.tail()}"
            mistakes = [] if self.mistakes_expected else self.sim.mistakes()
            assert not mistakes, f"mistakes the simulator noted: {mistakes[:10]}"

    def open_links(self) -> list:
        assert self.sim
        return [x for x in self.sim.stats()["links"] if x.get("state", "free") not in ("free", "closed")]

    def destroy(self) -> None:
        """Always runs; ends what this world started and nothing else."""
        for server in self.servers:
            server.stop()
        for s in self.clients:
            s.close()
        for process in self.processes:
            if process.running():
                process.kill()
        for ns in self.namespaces:
            ns.delete()
        shutil.rmtree(self.folder, ignore_errors=True)

    def report(self) -> list[tuple[str, str]]:
        """What helps to understand a failure."""
        parts = [(p.log.name, p.tail(60)) for p in self.processes]
        dialogue = self.folder / "dialogue.txt"
        if dialogue.exists():
            lines = dialogue.read_text(errors="replace").splitlines()[-40:]
            parts.append(("dialogue.txt", "\n".join(x[:200] for x in lines)))
        return parts
