# SPDX-License-Identifier: BSD-3-Clause
"""connect() tells the truth: what, and not before it is known (architecture page, section 4)."""
from __future__ import annotations

import socket
import threading

import pytest

from harness.dns import addresses, query
from harness.servers import echo, hold, reset
from harness.traffic import all_fine, at_once, connect_errno
from harness.waiting import wait_for
from harness.world import RESOLVER, World

PEER = ("198.51.100.8", 80)
KNOB = f"open_result@{PEER[0]}:{PEER[1]}"


@pytest.mark.parametrize("code, expected", [
    (1, "ECONNREFUSED"), (2, "ENETUNREACH"), (3, "ECONNREFUSED"), (5, "ECONNREFUSED"), (6, "ECONNREFUSED"),
    (7, "ECONNREFUSED"), (10, "EHOSTUNREACH"), (11, "ECONNREFUSED"), (12, "ECONNREFUSED"),
])
def test_the_clients_errno_follows_the_modules_code(world: World, code: int, expected: str) -> None:
    world.up({KNOB: code})
    assert connect_errno(world.client(timeout=20), PEER) == expected


def test_a_port_nobody_listens_on_is_refused(world: World) -> None:
    world.up()
    assert connect_errno(world.client(timeout=20), ("198.51.100.1", 9)) == "ECONNREFUSED"


@pytest.mark.parametrize("code", [4, 8, 9])
def test_codes_about_the_module_itself_are_tried_again(world: World, code: int) -> None:
    world.up({KNOB: code})
    world.serve(echo, *PEER)
    s = world.client(timeout=40)
    result = at_once_connect(s)
    sim = world.sim
    assert sim
    wait_for("a first CIPOPEN", lambda: sim.commands("CIPOPEN") >= 1)
    sim.set(KNOB, "real")
    assert result() == ""
    s.sendall(b"x")
    assert s.recv(1) == b"x"


def at_once_connect(s: socket.socket, address: tuple[str, int] = PEER):
    """Connects in a thread; the returned function waits for the result."""
    box: list[str] = []
    thread = threading.Thread(target=lambda: box.append(connect_errno(s, address)), daemon=True)
    thread.start()

    def result() -> str:
        thread.join(60)
        assert box, "connect() is still running"
        return box[0]
    return result


def test_silence_ends_as_host_unreachable(world: World) -> None:
    world.up({KNOB: "never"}, {"tcp.connect_timeout": "3s"})
    assert connect_errno(world.client(timeout=30), PEER) == "EHOSTUNREACH"


def test_a_held_connect_ends_as_network_unreachable_when_the_bearer_goes(world: World) -> None:
    world.up({KNOB: "never"})
    gwd, sim = world.gwd, world.sim
    assert gwd and sim
    result = at_once_connect(world.client(timeout=30))
    wait_for("a link to be opening", lambda: [x for x in gwd.links() if x["state"] == "opening"])
    sim.set("netopen_result", "1")
    sim.command("cipevent")
    assert result() == "ENETUNREACH"
    sim.set("netopen_result", "0")


def test_connect_returns_only_when_the_remote_side_is_connected(world: World) -> None:
    world.up({f"open_delay_ms@{PEER[0]}:{PEER[1]}": 1500})
    server = world.serve(hold, *PEER)
    s = world.client()
    gwd = world.gwd
    assert gwd
    s.setblocking(False)
    s.connect_ex(PEER)
    wait_for("the link to be opening", lambda: [x for x in gwd.links() if x["state"] == "opening"])
    assert s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    with pytest.raises(OSError):
        s.getpeername()  # not connected yet
    wait_for("the connection", lambda: connected(s))
    assert len(server.visits) == 1 or server.visit()


def connected(s: socket.socket) -> bool:
    try:
        s.getpeername()
    except OSError:
        return False
    return True


@pytest.mark.long
def test_dead_destinations_never_stop_live_ones(world: World, resolver) -> None:
    dead = [f"203.0.113.{n}" for n in range(1, 6)]
    knobs = {f"open_result@{address}:{80 + n}": "never" for address in dead for n in range(4)}
    world.up(knobs, {"tcp.connect_timeout": "5s"})
    world.serve(echo)
    attempts = [at_once_connect(world.client(timeout=90), (address, 80 + n))
                for address in dead for n in range(4)]
    gwd = world.gwd
    assert gwd
    wait_for("many links to be opening", lambda: sum(x["state"] == "opening" for x in gwd.links()) >= 3)

    def live() -> bytes:
        s = world.connect(("198.51.100.1", 8000), timeout=60)
        s.sendall(b"live")
        return s.recv(10)

    def name() -> list[str]:
        s = world.udp(timeout=20)
        s.sendto(query("h4.test", 9), (RESOLVER, 53))
        return addresses(s.recv(600))

    assert all_fine(at_once([live, live, live, name])) == [b"live"] * 3 + [["198.51.100.4"]]
    assert {x() for x in attempts} == {"EHOSTUNREACH"}


def test_dns_does_not_wait_while_every_link_connects_to_the_dead(world: World, resolver) -> None:
    knobs = {f"open_result@203.0.113.1:{n}": "never" for n in range(80, 100)}
    world.up(knobs, {"tcp.connect_timeout": "10s", "links.connecting": 9})
    pending = [world.client() for _ in range(20)]
    for n, s in enumerate(pending):
        s.setblocking(False)
        s.connect_ex(("203.0.113.1", 80 + n))
    gwd = world.gwd
    assert gwd
    wait_for("links to be opening", lambda: len(gwd.links("tcp")) >= 6)
    s = world.udp(timeout=8)
    s.sendto(query("h4.test", 9), (RESOLVER, 53))
    assert addresses(s.recv(600)) == ["198.51.100.4"]
    assert [x for x in gwd.links("tcp") if x["state"] == "opening"], "the dead ended too early to tell"


def test_a_client_that_gave_up_frees_its_link(world: World) -> None:
    world.up({KNOB: "never"}, {"tcp.connect_timeout": "12s"})
    gwd = world.gwd
    assert gwd
    s = world.client()
    s.setblocking(False)
    s.connect_ex(PEER)
    wait_for("the link to be opening", lambda: gwd.links("tcp"))
    s.close()
    wait_for("the flow to go", lambda: not gwd.flows("tcp"), timeout=50)
    assert world.sim
    world.sim.set(KNOB, "real")


def test_a_destination_that_just_failed_is_remembered(world: World) -> None:
    """Its next clients hear it at once, and no link is spent on it."""
    world.up({KNOB: 10})
    assert connect_errno(world.client(timeout=20), PEER) == "EHOSTUNREACH"
    sim = world.sim
    assert sim
    opens = sim.commands("CIPOPEN")
    assert connect_errno(world.client(timeout=20), PEER) == "EHOSTUNREACH"
    assert sim.commands("CIPOPEN") == opens


def test_a_connection_reset_during_the_opening_leaves_nothing(world: World) -> None:
    world.up({f"open_delay_ms@{PEER[0]}:{PEER[1]}": 800})
    server = world.serve(hold, *PEER)
    gwd = world.gwd
    assert gwd
    s = world.client()
    s.setblocking(False)
    s.connect_ex(PEER)
    wait_for("the link to be opening", lambda: gwd.links("tcp"))
    reset(s)
    wait_for("the link to be free", lambda: not gwd.links("tcp"), timeout=50)
    assert all(v.recv() == b"" for v in server.visits)


def test_many_sources_to_one_slow_destination_each_get_their_own_connection(world: World) -> None:
    world.up({f"open_delay_ms@{PEER[0]}:{PEER[1]}": 300})
    world.serve(echo, *PEER)

    def job(n: int) -> bytes:
        with world.connect(PEER) as s:
            s.sendall(b"%04d" % n)
            return s.recv(4)

    assert all_fine(at_once([lambda n=n: job(n) for n in range(15)])) == [b"%04d" % n for n in range(15)]
