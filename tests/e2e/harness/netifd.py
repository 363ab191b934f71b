# SPDX-License-Identifier: BSD-3-Clause
"""An OpenWrt root that is small, and a netifd that is smaller still.

The root has busybox, gwd and the package's own files; tests/openwrt/root holds what stands in for
OpenWrt's shell libraries. Netifd plays the daemon as far as a protocol handler can see it: it runs
setup and teardown, watches the task, sets up again at once what ended (there is no back-off), and
kills what needs more than five seconds to end.
"""
from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

from .gwd import Gwd
from .process import Process
from .world import World

TOP = Path(__file__).resolve().parents[3]
PACKAGE = TOP / "packaging" / "openwrt" / "gwd" / "files"
STAND_INS = TOP / "tests" / "openwrt" / "root"
TEARDOWN_S = 5.0
ENTER = 'mount --rbind /dev "$1/dev" && mount -t proc proc "$1/proc" && exec chroot "$@"'


class Root:
    def __init__(self, world: World) -> None:
        self.world = world
        self.path = world.folder / "root"
        for name in ("bin", "sbin", "usr/sbin", "usr/bin", "dev", "proc", "etc", "tmp/run"):
            (self.path / name).mkdir(parents=True)
        (self.path / "var").symlink_to("tmp")
        shutil.copytree(PACKAGE, self.path, symlinks=True, dirs_exist_ok=True)
        shutil.copytree(STAND_INS, self.path, dirs_exist_ok=True)
        (self.path / "etc/rc.common").chmod(0o755)
        busybox = shutil.which("busybox")
        assert busybox, "busybox is missing (scripts/install-deps.sh)"
        self._copy_program(busybox, "bin/busybox")
        for applet in ("sh", "ash", "mkdir", "rm", "readlink", "sleep", "cat", "grep"):
            (self.path / "bin" / applet).symlink_to("busybox")
        (self.path / "sbin/ip").symlink_to("../bin/busybox")
        self._copy_program(str(world.binaries.gwd), "usr/sbin/gwd")
        self._copy_program(str(world.binaries.gwctl), "usr/bin/gwctl")

    def _copy_program(self, program: str, to: str) -> None:
        """With the libraries it wants, if it is not static."""
        shutil.copy(program, self.path / to)
        listed = subprocess.run(["ldd", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                text=True, check=False).stdout
        for library in (word for word in listed.split() if word.startswith("/")):
            target = self.path / library.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, target)

    def command(self, *argv: str) -> list[str]:
        return ["unshare", "-m", "--propagation", "private", "sh", "-c", ENTER, "sh", str(self.path), *argv]

    def run(self, *argv: str, **kw) -> subprocess.CompletedProcess:
        return self.world.inner.run(*self.command(*argv), **kw)

    def write_config(self, name: str, text: str) -> None:
        (self.path / "etc/config" / name).write_text(text)


class Handled(Gwd):
    """The control socket of a gwd that somebody else started."""

    def __init__(self, path: Path, process: Process) -> None:  # pylint: disable=super-init-not-called
        self.socket = path
        self.process = process


class Netifd:
    """One interface of protocol gwd."""

    def __init__(self, root: Root, interface: str = "wan", metric: int = 0, **config: object) -> None:
        self.root = root
        self.world = root.world
        self.interface = interface
        self.metric = metric
        self.device = f"gwd-{interface}"
        self.config = root.path / "tmp" / f"{interface}.config"
        self.config.write_text("".join(self._assign(k, v) for k, v in config.items()))
        self.calls_file = root.path / "tmp/run/netifd.calls"
        self.calls_file.touch()
        self.read_to = 0
        self.runs: list[list[str]] = []
        self.errors: list[str] = []
        self.updates: list[dict[str, list[str]]] = []
        self.dns: list[str] = []
        self.up = self.autostart = self.ending = self.overrun = False
        self.available = True
        self.task: Process | None = None
        self.teardowns: list[tuple[str | None, float]] = []
        self.lock = threading.RLock()
        self.over = False
        self.thread = threading.Thread(target=self._loop, daemon=True)
        self.thread.start()

    @staticmethod
    def _assign(name: str, value: object) -> str:
        if isinstance(value, list):
            return "".join(f"JSON_{name}_{i}={shlex.quote(v)}\n" for i, v in enumerate(value, 1))
        return f"JSON_{name}={shlex.quote(str(value))}\n"

    # -- what a user does -----------------------------------------------------------------------

    def ifup(self) -> None:
        with self.lock:
            self.autostart = True

    def ifdown(self) -> None:
        with self.lock:
            self.autostart = False

    def hotplug(self, action: str, tty: str) -> None:
        self.root.run("/bin/sh", "-c", ". /etc/hotplug.d/tty/30-gwd", env={"ACTION": action, "DEVICENAME": tty,
                      "PATH": os.environ["PATH"]})

    def stop(self) -> None:
        """The end of a test: an interface that is up goes down in time."""
        self.ifdown()
        deadline = time.monotonic() + 15
        while self.task and time.monotonic() < deadline:
            time.sleep(0.02)
        self.over = True
        self.thread.join(10)
        assert not self.task and not self.overrun

    def gwd(self) -> Handled:
        assert self.task
        return Handled(self.root.path / "tmp/run/gwd" / f"{self.device}.sock", self.task)

    def handler(self, what: str, error: str | None = None) -> Process:
        log = self.world.folder / "handler.log"
        script = f"cd /lib/netifd/proto && exec ./gwd.sh gwd {what} {self.interface} /tmp/{self.config.name}"
        if error is not None:
            script = f"export ERROR={error}; {script}"
        process = Process(self.world.inner, self.root.command("/bin/sh", "-c", script), log)
        self.world.processes.append(process)
        return process

    # -- what it does by itself -----------------------------------------------------------------

    def _loop(self) -> None:
        while not self.over:
            with self.lock:
                self._take_calls()
                wanted = self.autostart and self.available
                if wanted and not self.task:
                    self._setup()
                elif self.task and (not wanted or not self.task.running()):
                    self._teardown()
            time.sleep(0.02)

    def _setup(self) -> None:
        self.handler("setup").wait(20)
        self._take_calls()
        if not self.task:
            time.sleep(0.05)  # it said why it did not run the command

    def _teardown(self) -> None:
        assert self.task
        task, error, began = self.task, None, time.monotonic()
        if not task.running():
            error = str(max(task.popen.returncode, 0))
        self.ending = True
        script = self.handler("teardown", error)
        while script.running() or task.running():
            self._take_calls()
            if time.monotonic() - began > TEARDOWN_S:
                self.overrun = True
                for process in (script, task):
                    process.signal(signal.SIGKILL)
            time.sleep(0.02)
        self._take_calls()
        self.teardowns.append((error, time.monotonic() - began))
        self.task, self.up, self.ending = None, False, False

    def _take_calls(self) -> None:
        text = self.calls_file.read_text()
        for line in text[self.read_to:text.rfind("\n") + 1].splitlines():
            name, *words = line.split("\t")
            getattr(self, f"_on_{name}", lambda *_: None)(*words)
        self.read_to = text.rfind("\n") + 1

    def _on_run(self, _interface: str, *argv: str) -> None:
        self.runs.append(list(argv))
        self.task = Process(self.world.inner, self.root.command(*argv), self.world.folder / "gwd.log")
        self.world.processes.append(self.task)

    def _on_kill(self, _interface: str, sig: str = "15") -> None:
        if self.task:
            self.task.signal(int(sig))

    def _on_error(self, _interface: str, *words: str) -> None:
        self.errors.append(" ".join(words))

    def _on_block(self, _interface: str) -> None:
        self.autostart = False

    def _on_available(self, interface: str, value: str) -> None:
        if interface == self.interface:
            self.available = value == "1"

    def _on_update(self, interface: str, *fields: str) -> None:
        assert interface == self.interface
        if self.ending:
            return
        facts: dict[str, list[str]] = {}
        for field in fields:
            key, _, value = field.partition("=")
            facts.setdefault(key, []).append(value)
        self.updates.append(facts)
        self.dns = facts.get("dns", [])
        ip = self.world.inner.ip
        if not ip("link", "show", self.device, check=False):
            return  # it has died meanwhile
        ip("addr", "flush", "dev", self.device)
        if facts["up"] == ["0"]:
            self.up = False
            ip("link", "set", self.device, "down")
            return
        assert facts["ifname"] == [self.device] and facts["external"] == ["0"]
        ip("link", "set", self.device, "up")
        for address in facts["address"]:
            ip("addr", "add", address, "dev", self.device)
        for route in facts["route"]:
            ip("-6" if ":" in route else "-4", "route", "replace", route, "dev", self.device, "proto", "static",
               *(["metric", str(self.metric)] if self.metric else []))
        self.up = True
