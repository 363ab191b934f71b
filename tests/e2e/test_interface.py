# SPDX-License-Identifier: BSD-3-Clause
"""The interface tells the truth: carrier, address, MTU, routes."""
from __future__ import annotations

import json
import socket

from harness.servers import echo
from harness.traffic import connect_errno
from harness.waiting import wait_for
from harness.world import World


def link(world: World) -> dict:
    return json.loads(world.inner.ip("-json", "link", "show", "cell0"))[0]


def addresses4(world: World) -> list[str]:
    shown = json.loads(world.inner.ip("-json", "-4", "addr", "show", "cell0"))
    return [a["local"] for entry in shown for a in entry.get("addr_info", [])]


def routes(world: World) -> list[dict]:
    return json.loads(world.inner.ip("-json", "-4", "route", "show"))


def test_carrier_and_address_follow_the_bearer(world: World) -> None:
    world.start_sim(ip_address="10.20.30.40")
    world.start_gwd(route=None)
    gwd, sim = world.gwd, world.sim
    assert gwd and sim
    wait_for("the address", lambda: addresses4(world) == ["10.20.30.40"])
    assert "LOWER_UP" in link(world)["flags"] and link(world)["mtu"] == 1500
    status = gwd.status()
    assert status["interface"]["carrier"] and status["interface"]["address"].startswith("10.20.30.40")
    sim.set("netopen_result", "1")
    sim.set("ip_address", "10.20.30.41")
    sim.command("cipevent")
    wait_for("the carrier to go", lambda: "LOWER_UP" not in link(world)["flags"])
    assert not gwd.status()["interface"]["carrier"]
    sim.set("netopen_result", "0")
    wait_for("the new address", lambda: addresses4(world) == ["10.20.30.41"], timeout=90)
    assert "LOWER_UP" in link(world)["flags"]


def test_no_default_route_is_made_unasked(world: World) -> None:
    world.start_sim()
    world.start_gwd(route=None)
    wait_for("the address", lambda: addresses4(world))
    assert [r for r in routes(world) if r["dst"] == "default"] == []


def test_the_default_route_comes_and_goes_with_the_bearer(world: World) -> None:
    world.start_sim()
    world.start_gwd({"interface.default_route": "yes"}, route=None)
    sim = world.sim
    assert sim

    def default() -> list[dict]:
        return [r for r in routes(world) if r["dst"] == "default"]

    wait_for("the route", default)
    assert default()[0]["dev"] == "cell0" and default()[0]["metric"] == 700
    assert default()[0]["protocol"] not in ("boot", "static", "kernel")
    sim.set("netopen_result", "1")
    sim.command("cipevent")
    wait_for("the route to go", lambda: not default())
    assert connect_errno(world.client(timeout=20), ("198.51.100.1", 80)) == "ENETUNREACH"
    sim.set("netopen_result", "0")
    wait_for("the route to come back", default, timeout=90)
    server = world.serve(echo)
    s = world.connect(server.address)
    s.sendall(b"x")
    assert s.recv(1) == b"x"


def test_a_configured_address_and_mtu_are_used(world: World) -> None:
    world.up(gwd={"interface.address": "192.0.2.7/24", "interface.mtu": 1300})
    assert addresses4(world) == ["192.0.2.7"] and link(world)["mtu"] == 1300
    server = world.serve(echo)
    s = world.connect(server.address)
    assert s.getsockname()[0] == "192.0.2.7"
    s.sendall(b"x")
    assert s.recv(1) == b"x"


def test_the_name_is_the_configured_one_and_goes_with_the_daemon(world: World) -> None:
    world.start_sim()
    world.start_gwd({"interface.name": "lte7"}, route=None)
    assert "lte7" in world.inner.ip("link", "show")
    world.stop_gwd()
    assert "lte7" not in world.inner.ip("link", "show")


def test_the_kernel_counts_what_the_interface_carried(world: World) -> None:
    world.up()
    server = world.serve(echo)
    s = world.connect(server.address)
    s.sendall(b"x" * 5000)
    got = 0
    while got < 5000:
        got += len(s.recv(5000))
    stats = json.loads(world.inner.ip("-json", "-s", "link", "show", "cell0"))[0]["stats64"]
    assert stats["rx"]["bytes"] >= 5000 and stats["tx"]["bytes"] >= 5000


def test_odd_packets_disturb_nothing(world: World) -> None:
    """IGMP, an unknown protocol, IPv6 without an IPv6 bearer, a bare RST, a stray FIN."""
    world.up()
    server = world.serve(echo)
    with world.inner.entered():
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    import struct
    for proto, payload in ((2, b"\x16\0\0\0\xe0\0\0\1"), (132, b"x" * 30), (47, b""), (6, b"short"),
                           (6, struct.pack("!HHIIBBHHH", 1, 80, 1, 0, 0x50, 0x04, 0, 0, 0)),
                           (6, struct.pack("!HHIIBBHHH", 1, 80, 1, 0, 0x50, 0x01, 0, 0, 0)),
                           (17, b"\0\1"), (1, b"\3\3")):
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, proto, 0,
                           socket.inet_aton("10.148.0.17"), socket.inet_aton("198.51.100.1"))
        raw.sendto(head + payload, ("198.51.100.1", 0))
    raw.close()
    s = world.connect(server.address)
    s.sendall(b"x")
    assert s.recv(1) == b"x"
