# SPDX-License-Identifier: BSD-3-Clause
"""interface.script: what it hears and when, and what becomes of one that misbehaves."""
from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from harness.waiting import wait_for
from harness.world import World

VARIABLES = ["GWD_ADDRESS", "GWD_DEFAULT_ROUTE", "GWD_DNS", "GWD_DNS_MODE", "GWD_EVENT", "GWD_FAMILY",
             "GWD_IFNAME", "GWD_METRIC", "GWD_MTU", "GWD_PREFIX", "PATH"]


class Script:
    """A program that notes its environment, and does what the test wants besides."""

    def __init__(self, world: World, body: str = "") -> None:
        self.folder = world.folder
        self.path = world.folder / "a script"  # a blank is no end of it
        self.path.write_text(f"#!/bin/sh\ndir='{self.folder}'\n"
                             "n=$(ls $dir | grep -c '^run')\n"
                             "tr '\\0' '\\n' < /proc/$$/environ > $dir/tmp.$$ && mv $dir/tmp.$$ $dir/run.$n\n"
                             f"{body}\n")
        self.path.chmod(0o755)

    def runs(self) -> list[dict[str, str]]:
        n = len(list(self.folder.glob("run.*")))
        return [dict(line.split("=", 1) for line in (self.folder / f"run.{i}").read_text().splitlines())
                for i in range(n)]

    def events(self) -> list[str]:
        return [r["GWD_EVENT"] for r in self.runs()]

    def wait(self, *events: str) -> None:
        wait_for(f"events {events}", lambda: self.events() == list(events), timeout=40)


def log(world: World) -> str:
    assert world.gwd
    return world.gwd.process.text()


def bearer_away_and_back(world: World) -> None:
    assert world.sim and world.gwd
    world.sim.set("registration", "searching")
    world.sim.command("cipevent")
    wait_for("the bearer to be down", lambda: world.gwd and world.gwd.state() != "up")
    world.sim.set("registration", "home")


def test_up_and_down_with_the_facts_and_nothing_else(world: World) -> None:
    script = Script(world)
    gwd = world.up({"operator_dns": "192.0.2.53,192.0.2.54"},
                   {"interface.script": script.path, "modem.dns": "192.0.2.1", "interface.metric": 77,
                    "interface.default_route": "yes"})
    script.wait("up")
    facts = script.runs()[0]
    assert sorted(facts) == VARIABLES
    assert facts["GWD_IFNAME"] == "cell0" and facts["GWD_FAMILY"] == "4"
    assert facts["GWD_ADDRESS"] == "10.148.0.17" and facts["GWD_PREFIX"] == "32"
    assert facts["GWD_DNS"] == "192.0.2.1 192.0.2.53 192.0.2.54"
    assert facts["GWD_MTU"] == "1500" and facts["GWD_METRIC"] == "77"
    assert facts["GWD_DEFAULT_ROUTE"] == "yes" and facts["GWD_DNS_MODE"] == "auto"
    status = gwd.status()["interface"]
    assert status["dns"] == ["192.0.2.1", "192.0.2.53", "192.0.2.54"]
    wait_for("its end in status", lambda: gwd.status()["interface"]["script"] == {
        "event": "up", "running": False, "exit_status": 0})
    world.stop_gwd()
    assert script.events() == ["up", "down"]
    assert script.runs()[1]["GWD_ADDRESS"] == "10.148.0.17"


def test_a_lost_bearer_is_a_down_and_an_up(world: World) -> None:
    script = Script(world)
    world.up(gwd={"interface.script": script.path})
    script.wait("up")
    bearer_away_and_back(world)
    script.wait("up", "down", "up")


def test_a_new_address_and_new_servers_are_told(world: World) -> None:
    script = Script(world)
    world.up(gwd={"interface.script": script.path})
    assert world.sim
    script.wait("up")
    world.sim.set("ip_address", "10.148.0.18")
    world.sim.set("operator_dns", "203.0.113.53")
    bearer_away_and_back(world)
    script.wait("up", "down", "up")
    facts = script.runs()[2]
    assert facts["GWD_ADDRESS"] == "10.148.0.18" and facts["GWD_DNS"] == "203.0.113.53"


def test_on_an_ipv6_bearer_the_servers_are_those_of_ipv6(world: World) -> None:
    script = Script(world)
    world.up({"ipv6": "on", "operator_dns": "2001:db8:1::53,192.0.2.53"},
             {"interface.script": script.path, "modem.ip": 6, "modem.dns": "192.0.2.1"})
    script.wait("up")
    facts = script.runs()[0]
    assert facts["GWD_FAMILY"] == "6" and facts["GWD_PREFIX"] == "128" and ":" in facts["GWD_ADDRESS"]
    assert facts["GWD_DNS"] == "2001:db8:1::53"


def test_a_reload_is_a_change(world: World) -> None:
    script = Script(world)
    conf = world.folder / "gwd.conf"
    conf.write_text(f"[interface]\nscript = {script.path}\n")
    world.start_sim()
    gwd = world.start_gwd(arguments=["-c", str(conf)])
    script.wait("up")
    conf.write_text(f"[interface]\nscript = {script.path}\nmetric = 5\n[dns]\nmode = modem\n")
    gwd.process.popen.send_signal(signal.SIGHUP)
    script.wait("up", "change")
    facts = script.runs()[1]
    assert facts["GWD_METRIC"] == "5" and facts["GWD_DNS_MODE"] == "modem"


def test_one_at_a_time_and_nothing_is_lost(world: World) -> None:
    """The first run lasts until the test lets it go; two outages happen meanwhile."""
    script = Script(world, 'mkdir $dir/busy || echo "two at a time"\n'
                           "while [ $GWD_EVENT = up ] && [ ! -e $dir/go ]; do sleep 0.1; done\nrmdir $dir/busy")
    world.up(gwd={"interface.script": script.path})
    script.wait("up")
    for _ in range(2):
        bearer_away_and_back(world)
        assert world.gwd
        world.gwd.wait_state("up")
    assert script.events() == ["up"]
    (world.folder / "go").touch()
    script.wait("up", "down", "up")
    assert "two at a time" not in log(world)


def test_what_it_prints_is_in_the_log_and_bounded(world: World) -> None:
    script = Script(world, "echo hello; printf 'a\\033[2Jb\\n' >&2; read x || echo no input\n"
                           "i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done; printf end; exit 3")
    world.up(gwd={"interface.script": script.path})
    wait_for("its end in the log", lambda: "exit status 3" in log(world))
    text = log(world)
    assert "interface.script: hello" in text and "no input" in text
    assert "\\x1b[2Jb" in text and "\033" not in text
    assert "line 10\n" in text and "line 400" not in text and "prints too much" in text


def test_it_inherits_no_file_of_the_daemon(world: World) -> None:
    script = Script(world, "for f in /proc/$$/fd/*; do echo file $(readlink $f); done")
    world.up(gwd={"interface.script": script.path})
    wait_for("the files", lambda: log(world).count("file pipe:") >= 2)
    files = [x.split("file ", 1)[1] for x in log(world).splitlines() if "interface.script: file " in x]
    assert all(x.startswith(("pipe:", "/dev/null", str(world.folder / "a script"))) for x in files), files


def test_one_that_hangs_is_stopped_and_killed(world: World) -> None:
    """It and its children ignore SIGTERM; the end of the daemon is in time all the same."""
    script = Script(world, "trap '' TERM; sleep 1000 & echo $! > $dir/pid; wait; sleep 1000")
    world.up(gwd={"interface.script": script.path})
    script.wait("up")
    wait_for("its child", lambda: (world.folder / "pid").exists() and (world.folder / "pid").read_text())
    child = int((world.folder / "pid").read_text())
    world.stop_gwd()
    assert script.events() == ["up", "down"]
    wait_for("its child to be gone", lambda: not Path(f"/proc/{child}").exists() or
             "State:\tZ" in Path(f"/proc/{child}/status").read_text())


@pytest.mark.long
def test_the_time_limit_is_half_a_minute(world: World) -> None:
    script = Script(world, "[ $GWD_EVENT = up ] && exec sleep 1000")
    world.up(gwd={"interface.script": script.path})
    script.wait("up")
    began = time.monotonic()
    wait_for("it to be stopped", lambda: "signal 15" in log(world), timeout=60)
    assert time.monotonic() - began > 20
    assert world.gwd and world.gwd.status()["interface"]["script"]["exit_status"] is None


def test_one_that_is_missing_stops_nothing(world: World) -> None:
    gwd = world.up(gwd={"interface.script": "/nonexistent/script"})
    wait_for("the message", lambda: "/nonexistent/script: up: No such file" in log(world))
    assert gwd.state() == "up"


def test_data_flows_while_it_runs(world: World) -> None:
    script = Script(world, "[ $GWD_EVENT = up ] && sleep 20")
    world.up(gwd={"interface.script": script.path})
    script.wait("up")
    server = world.serve_udp(lambda data, peer, s: s.sock.sendto(data, peer))
    u = world.udp()
    u.sendto(b"x", server.address)
    assert u.recv(10) == b"x"


def test_a_device_that_is_deleted_is_a_down_and_an_up(world: World) -> None:
    script = Script(world)
    world.up(gwd={"interface.script": script.path})
    script.wait("up")
    world.inner.ip("link", "del", "cell0")
    script.wait("up", "down", "up")
    assert os.path.exists(script.path)
