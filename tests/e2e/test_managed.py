# SPDX-License-Identifier: BSD-3-Clause
"""interface.address = none: somebody else sets the address, as OpenWrt's netifd does."""
from __future__ import annotations

import json

from harness.servers import echo
from harness.waiting import wait_for
from harness.world import World

SCRIPT = """#!/bin/sh
exec >>{log} 2>&1
echo "$GWD_EVENT $GWD_ADDRESS/$GWD_PREFIX"
case $GWD_EVENT in
up) ip addr add "$GWD_ADDRESS/$GWD_PREFIX" dev "$GWD_IFNAME" && ip route add default dev "$GWD_IFNAME" ;;
down) ip addr flush dev "$GWD_IFNAME" ;;
esac
"""


def addresses(world: World) -> list[str]:
    shown = json.loads(world.inner.ip("-json", "-4", "addr", "show", "cell0"))
    return [a["local"] for entry in shown for a in entry.get("addr_info", [])]


def test_the_script_sets_the_address_and_flows_pass(world: World) -> None:
    told = world.folder / "told"
    script = world.folder / "script"
    script.write_text(SCRIPT.format(log=told))
    script.chmod(0o755)
    world.start_sim()
    gwd = world.start_gwd({"interface.address": "none", "interface.script": str(script)}, route=None)
    sim = world.sim
    assert sim
    wait_for("the route behind the address", lambda: "cell0" in world.inner.ip("route", "show", "default"))
    assert addresses(world) == ["10.148.0.17"]
    wait_for("it in status", lambda: gwd.status()["interface"]["address"] == "10.148.0.17")
    server = world.serve(echo)
    s = world.connect(server.address)
    s.sendall(b"x")
    assert s.recv(1) == b"x"
    sim.set("netopen_result", "1")
    sim.command("cipevent")
    wait_for("the address to go", lambda: addresses(world) == [])
    world.inner.ip("link", "set", "cell0", "down")
    sim.set("netopen_result", "0")
    sim.set("ip_address", "10.148.0.18")
    wait_for("the second up", lambda: "up 10.148.0.18/32" in told.read_text(), timeout=90)
    world.inner.ip("link", "set", "cell0", "up")
    wait_for("the carrier", lambda: gwd.status()["interface"]["carrier"])
    assert told.read_text().splitlines()[:3] == [
        "up 10.148.0.17/32", "down 10.148.0.17/32", "up 10.148.0.18/32"]
    assert "somebody" not in gwd.process.text()
