# SPDX-License-Identifier: BSD-3-Clause
"""Ends that a module or a host makes hard: closes with bytes still under way, half-closes under
pressure, links that are dead and do not say so (decision 11, AT reference 16)."""
from __future__ import annotations

import socket
import subprocess

import pytest

from harness.servers import Visit, echo, hold, read_exactly, sink
from harness.traffic import ends_in_reset, hostile_body, receive_exactly, sha
from harness.waiting import wait_for
from harness.world import World

# What a CIPCLOSE finds unsent is lost, and two seconds of the upload still are.
CUTTING = {"close_unsent": "lost", "uplink_bps": 16000, "tx_buffer_bytes": 6144}


@pytest.mark.parametrize("cipack", ["on", "error"])
def test_a_close_never_cuts_what_is_under_way(world: World, cipack: str) -> None:
    world.up(CUTTING | {"cipack": cipack})
    server = world.serve(sink)
    body = hostile_body(4000)
    s = world.connect(server.address)
    s.sendall(body)
    s.close()
    visit = server.finished(timeout=40)
    assert visit.received == len(body) and visit.digest == sha(body)
    assert visit.end == "fin"


@pytest.mark.needs("nc")
def test_nc_that_ends_its_input_still_gets_a_late_answer(world: World) -> None:
    """nc -N shuts its half down at the end of its input and waits; no linger time is spent on it."""
    world.up(gwd={"tcp.linger": "1s"})

    def late(visit: Visit) -> None:
        assert read_exactly(visit, 4) == b"ask\n"
        wait_for("the half-close to be old", lambda: world.gwd and any(
            f["state"] == "linger" and f["age_s"] > 5 for f in world.gwd.flows("tcp")))
        visit.conn.sendall(b"late answer")

    server = world.serve(late)
    done = world.inner.run("nc", "-N", server.address[0], str(server.address[1]), input="ask\n")
    assert done.stdout == "late answer"


def test_a_killed_program_frees_its_link_at_once(world: World) -> None:
    """Its half-closed socket has no owner any more; nobody closes it but the kernel."""
    world.up(gwd={"tcp.linger": "120s"})
    server = world.serve(sink)
    client = subprocess.Popen(world.inner.command(
        ["nc", "-N", server.address[0], str(server.address[1])]), stdin=subprocess.PIPE)
    try:
        assert client.stdin and world.gwd
        client.stdin.write(b"x")
        client.stdin.close()
        wait_for("the half-close", lambda: [f for f in world.gwd.flows("tcp") if f["state"] == "linger"])
    finally:
        client.kill()
        client.wait(10)
    world.gwd.wait_no_tcp()
    server.finished(timeout=20)


def test_under_pressure_a_half_close_of_unknown_owner_goes_first(world: World) -> None:
    world.up(gwd={"tcp.linger": "120s"})
    server = world.serve(hold)
    lan = world.namespace("lan")
    world.inner.ip("link", "add", "lan0", "type", "veth", "peer", "name", "eth0", "netns", lan.name)
    world.inner.ip("addr", "add", "192.168.7.1/24", "dev", "lan0")
    world.inner.ip("link", "set", "lan0", "up")
    lan.ip("addr", "add", "192.168.7.2/24", "dev", "eth0")
    lan.ip("link", "set", "eth0", "up")
    lan.ip("route", "add", "default", "via", "192.168.7.1")
    world.inner.sysctl("net.ipv4.ip_forward", 1)

    def half_close(s: socket.socket) -> None:
        s.sendall(b"x")
        s.shutdown(socket.SHUT_WR)

    own = [world.connect(server.address) for _ in range(8)]
    for s in own:
        half_close(s)
    stranger = lan.tcp(timeout=60)
    world.clients.append(stranger)
    stranger.connect(server.address)
    half_close(stranger)  # the last of all
    assert world.gwd
    wait_for("nine idle half-closes", lambda: [f["state"] for f in world.gwd.flows("tcp")
                                               if f["idle_s"] > 1.2] == ["linger"] * 9)
    tenth = world.connect(server.address, timeout=50)
    tenth.sendall(b"ten")
    assert ends_in_reset(stranger)
    assert sum(f["state"] == "linger" for f in world.gwd.flows("tcp")) == 8


@pytest.mark.long
def test_an_idle_zombie_link_is_found_and_its_flow_reset(world: World, receive: str) -> None:
    """Every list calls it open; only CIPACK knows better. Its neighbour is not touched."""
    world.mistakes_expected = True  # the link is killed behind gwd's back
    world.up(gwd={"modem.receive": receive})
    server = world.serve(echo)
    s, neighbour = world.connect(server.address), world.connect(server.address)
    for c in (s, neighbour):
        c.sendall(b"x")
        assert receive_exactly(c, 1) == b"x"
    assert world.gwd and world.sim
    local = "%s:%d" % s.getsockname()
    link = next(f["link"] for f in world.gwd.flows("tcp") if f["local"] == local)
    world.sim.command(f"zombie-link {link}")
    s.settimeout(120)
    assert ends_in_reset(s)
    neighbour.sendall(b"y")
    assert receive_exactly(neighbour, 1) == b"y"
    again = world.connect(server.address)
    again.sendall(b"z")
    assert receive_exactly(again, 1) == b"z"


def test_a_zombie_link_that_is_written_to_is_found_at_once(world: World) -> None:
    world.mistakes_expected = True
    world.up()
    server = world.serve(echo)
    s = world.connect(server.address)
    assert world.gwd and world.sim
    world.sim.command(f"zombie-link {world.gwd.links('tcp')[0]['link']}")
    assert ends_in_reset(s, poke=True)
    carried = world.connect(server.address)
    carried.sendall(b"z")
    assert receive_exactly(carried, 1) == b"z"
