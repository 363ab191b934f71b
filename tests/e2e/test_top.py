# SPDX-License-Identifier: BSD-3-Clause
"""gwctl top: on a terminal, which tmux is here, and as text."""
from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Iterator

import pytest

from harness.process import sanitizer_env
from harness.servers import Visit, hold
from harness.waiting import wait_for
from harness.world import World

pytestmark = pytest.mark.needs("tmux")


class Terminal:
    """A terminal with a shell in it, whose screen can be read."""

    def __init__(self, world: World, width: int = 120, height: int = 40, **env: str) -> None:
        self.socket = world.folder / "tmux.sock"
        everything = {**sanitizer_env(), "LC_ALL": "C.UTF-8", "PS1": "ready> ", **env}
        for name in ("TMUX", "NO_COLOR", "PROMPT_COMMAND"):
            if name not in env:
                everything.pop(name, None)
        subprocess.run([*self._tmux(), "-u", "-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y",
                        str(height), "bash", "--norc", "--noprofile"], env=everything, check=True)
        self.wait("ready>")

    def _tmux(self) -> list[str]:
        return ["tmux", "-S", str(self.socket)]

    def tmux(self, *argv: str) -> str:
        done = subprocess.run([*self._tmux(), *argv], check=True, text=True, stdout=subprocess.PIPE)
        return done.stdout

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p")

    def colours(self) -> set[str]:
        """Of the eight, by their numbers."""
        codes = ";".join(re.findall(r"\033\[([0-9;]*)m", self.tmux("capture-pane", "-p", "-e"))).split(";")
        return {c for c in codes if re.fullmatch("[34][0-7]", c)}

    def key(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    def type(self, line: str) -> None:
        self.tmux("send-keys", "-l", line)
        self.key("Enter")

    def resize(self, width: int, height: int) -> None:
        self.tmux("resize-window", "-x", str(width), "-y", str(height))

    def wait(self, *texts: str) -> str:
        """Until the screen has all of these; what it was then."""
        last = ""

        def shown() -> str:
            nonlocal last
            last = self.screen()
            return last if all(t in last for t in texts) else ""

        try:
            return wait_for(f"{texts} on the screen", shown)
        except AssertionError as e:
            raise AssertionError(f"{e}; the screen is\n{last}") from None

    def flags(self) -> str:
        """Alternate screen, cursor, and what keys were told to send."""
        return self.tmux("display", "-p", "#{alternate_on} #{cursor_flag} #{keypad_flag}").strip()

    def child(self) -> int:
        """The program that the shell has started."""
        shell = self.tmux("display", "-p", "#{pane_pid}").strip()
        return int(subprocess.run(["pgrep", "-P", shell], check=True, text=True, stdout=subprocess.PIPE).stdout)

    def close(self) -> None:
        subprocess.run([*self._tmux(), "kill-server"], check=False, stderr=subprocess.DEVNULL)


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for t in opened:
        t.close()


def open_terminal(terminals: list[Terminal], world: World, **kw) -> Terminal:
    t = Terminal(world, **kw)
    terminals.append(t)
    return t


def top(world: World, *argv: str) -> str:
    return " ".join([str(world.binaries.gwctl), "-s", str(world.folder / "gwd.sock"), "top", *argv])


def trickle(visit: Visit) -> None:
    """Something every now and then, little enough for a client that never reads."""
    try:
        while True:
            visit.conn.sendall(b"x" * 100)
            time.sleep(0.05)
    except OSError:
        pass


def start_flows(world: World) -> str:
    """One flow that receives and one that only is; the remote end of the first."""
    moving = world.serve(trickle)
    world.connect(moving.address)
    world.connect(world.serve(hold, port=8001).address)
    return "%s:%d" % moving.address


def widest(screen: str) -> int:
    return max(len(line) for line in screen.splitlines())


def test_a_terminal_shows_flows_and_links_and_is_left_as_it_was(world: World, terminals: list[Terminal]) -> None:
    world.up()
    remote = start_flows(world)
    t = open_terminal(terminals, world)
    t.type("stty -g >%s/before" % world.folder)
    before = t.flags()
    t.type(top(world, "-d", "0.2"))
    screen = t.wait("cell0  10.148.0.17", remote, " tcp ", "dBm", "up  ", "down ", "q quit")
    assert re.search(r"\nlinks 0 +1 .* 8 tcp .* 9 tcp.*\n +free .* free +open +open", screen), screen
    assert "2 flows" in screen and "root/" + Path("/proc/self/comm").read_text().strip() in screen
    # What moves comes first, with a rate; the curve of the line grows.
    wait_for("a rate", lambda: re.search(r"8000 +open +0 +[1-9]\d*\.?\d*k", t.screen()))
    assert screen.index(":8000 ") < screen.index(":8001 ") or t.wait(":8001").index(":8000 ") > 0
    wait_for("a curve", lambda: re.search(r"[\u2581-\u2588]", t.screen().split("links")[0]))
    assert {"35", "36"} <= t.colours()
    # Keys.
    t.key("?")
    t.wait("closed by the peer")
    t.key("?", "s")
    t.wait("sort: bytes", ":8000 ")
    t.key("r")
    t.wait("bytes, reversed")
    t.key("p")
    t.wait("paused", "p go on")
    t.key("p")
    # Smaller terminals.
    t.resize(80, 24)
    wait_for("80 columns", lambda: "LOCAL" not in t.screen() and "REMOTE" in t.screen())
    assert widest(t.screen()) <= 80
    t.resize(40, 10)
    wait_for("40 columns", lambda: "OWNER" not in t.screen() and remote in t.screen())
    assert len(t.screen().splitlines()) <= 10 and "? help" in t.screen().splitlines()[-1]
    # Stopped, the terminal is the shell's; then it goes on.
    t.resize(120, 40)
    t.key("C-z")
    t.wait("Stopped", "ready>")
    assert t.flags() == before
    t.type("fg")
    t.wait("cell0  10.148.0.17", remote)
    assert t.flags().startswith("1 0")
    t.key("q")
    t.type("echo exit=$?; stty -g >%s/after" % world.folder)
    t.wait("exit=0", "ready>")
    wait_for("stty's answer", lambda: (world.folder / "after").exists() and (world.folder / "after").read_text())
    assert (world.folder / "after").read_text() == (world.folder / "before").read_text()
    assert t.flags() == before


def test_a_daemon_that_goes_away_is_said_and_waited_for(world: World, terminals: list[Terminal]) -> None:
    world.up()
    t = open_terminal(terminals, world, width=100, height=24, NO_COLOR="1", LC_ALL="C")
    t.type(top(world, "-d", "0.2") + "; echo exit=$?")
    t.wait("cell0  10.148.0.17")
    # One that is silent; keys work meanwhile.
    pid = world.gwd.status()["pid"]
    os.kill(pid, signal.SIGSTOP)
    t.wait("does not answer; trying again", "10.148.0.17")
    t.key("s")
    t.wait("sort: bytes", "trying again")
    os.kill(pid, signal.SIGCONT)
    wait_for("the figures to be back", lambda: "trying again" not in t.screen())
    # One that has ended.
    world.stop_gwd()
    t.wait("trying again", "10.148.0.17")
    assert not t.colours()
    world.start_gwd()
    remote = start_flows(world)
    t.wait("cell0  10.148.0.17", remote)
    assert "trying again" not in t.screen() and t.screen().isascii()
    # SIGTERM ends it as it ends any program, but the terminal is put right first.
    os.kill(t.child(), signal.SIGTERM)
    t.wait("exit=143", "ready>")
    assert t.flags().startswith("0 1")
    # Without a daemon, and on what is no terminal for it.
    t.type("clear; TERM=nonsense " + top(world) + "; echo exit=$?")
    t.wait("top -b", "exit=1")
    world.close_clients()
    world.stop_gwd()
    t.type("clear; " + top(world) + "; echo exit=$?")
    t.wait("is gwd running?", "exit=3")


def test_text_comes_out_where_there_is_no_terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    world.up()
    remote = start_flows(world)
    shown = world.gwctl("top", "-b", "-n", "2", "-d", "0.2").stdout
    first, second = shown.split("\n\n")
    for screen in (first, second):
        assert screen.startswith("cell0  10.148.0.17") and remote in screen and "q quit" not in screen
    assert "\033" not in shown and widest(shown) <= 120
    assert widest(world.inner.run("env", "COLUMNS=60", str(world.binaries.gwctl), "-s", str(world.gwd.socket), "top",
                                  "-n", "1").stdout) <= 60
    for wrong in (["-d", "0"], ["-d", "x"], ["-n", "0"], ["--json"], ["word"]):
        assert world.gwctl("top", *wrong, check=False).returncode == 2, wrong
