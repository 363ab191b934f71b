# SPDX-License-Identifier: BSD-3-Clause
"""Module, bearer, tty or daemon fails: flows are reset, never silently cut, and new flows work."""
from __future__ import annotations

import contextlib
import select
import signal
import socket

import pytest

from harness.dns import addresses, query
from harness.servers import echo, hold, source, udp_echo
from harness.traffic import MIB, ends_in_reset, hostile_body, receive_exactly
from harness.waiting import wait_for
from harness.world import RESOLVER, World


def works(world: World, port: int) -> None:
    """A new TCP flow, a datagram and a name."""
    s = world.connect(("198.51.100.2", port))
    s.sendall(b"again")
    assert receive_exactly(s, 5) == b"again"
    u = world.udp()
    u.sendto(b"datagram", ("198.51.100.2", port))
    assert u.recvfrom(20) == (b"datagram", ("198.51.100.2", port))
    u.sendto(query("h3.test", 3), (RESOLVER, 53))
    assert addresses(u.recv(600)) == ["198.51.100.3"]


def serve(world: World, port: int = 7000) -> int:
    world.serve(echo, "198.51.100.2", port)
    world.serve_udp(udp_echo, "198.51.100.2", port)
    return port


def works_in_the_end(world: World, port: int) -> None:
    """Some attempts may fail while the daemon still finds out; each failure must be an error."""
    def attempt() -> bool:
        try:
            works(world, port)
        except (OSError, AssertionError):
            world.close_clients()
            return False
        return True

    wait_for("new flows to work", attempt, timeout=90, every=0.5)


EVENTS = {
    "module reset": "reset",
    "power failure": "power-cycle",
    "network closed unexpectedly": "cipevent",
    "tty unplugged for a second": "unplug 1000",
}


@pytest.mark.parametrize("event", EVENTS.values(), ids=[x.replace(" ", "-") for x in EVENTS])
def test_open_flows_are_reset_and_new_ones_work(world: World, resolver, receive: str, event: str) -> None:
    world.up(gwd={"modem.receive": receive})
    port = serve(world)
    server = world.serve(hold)
    idle, reading = world.connect(server.address), world.connect(server.address)
    reading.sendall(b"x")
    wait_for("the byte to arrive", lambda: select.select([v.conn for v in server.visits], [], [], 0)[0])
    gwd, sim = world.gwd, world.sim
    assert gwd and sim
    since = gwd.modem()["since_s"]
    sim.command(event)
    assert ends_in_reset(idle) and ends_in_reset(reading)
    wait_for("the modem to come up again", lambda: again_up(world, since), timeout=90)
    works(world, port)


def again_up(world: World, _since: float) -> bool:
    assert world.gwd
    return world.gwd.state() == "up" and carrier(world)


def carrier(world: World) -> bool:
    return "LOWER_UP" in world.inner.ip("link", "show", "cell0")


@pytest.mark.parametrize("event", ["reset", "cipevent", "unplug 1000"])
def test_an_event_in_the_middle_of_bulk_is_never_a_clean_end(world: World, resolver, receive: str,
                                                            event: str) -> None:
    world.up({"baud": 921600, "byte_split": "on"}, {"modem.receive": receive, "udp.timeout": "5s"})
    port = serve(world)
    body = hostile_body(4 * MIB)
    server = world.serve(source(body))
    s = world.connect(server.address)
    got = s.recv(65536)
    assert world.sim
    world.sim.command(event)
    with pytest.raises(ConnectionResetError):
        while piece := s.recv(65536):
            got += piece
    # A banner in the middle of counted payload is payload, as far as anybody can tell: the reset says so.
    assert event == "reset" or body.startswith(got), "what was delivered is not a prefix of what was sent"
    world.mistakes_expected = True  # the module forgot a dialogue in the middle of it
    works_in_the_end(world, port)


@pytest.mark.parametrize("when", ["open", "send"])
def test_a_reset_in_the_middle_of_a_command_is_survived(world: World, resolver, when: str) -> None:
    world.mistakes_expected = True
    world.up()
    port = serve(world)
    assert world.sim and world.gwd
    gwd = world.gwd
    boots = gwd.modem()["boots"]
    world.sim.set("reset_at", when)
    s = world.client(timeout=60)
    with contextlib.suppress(OSError):  # "open": may well succeed in the module's next life
        s.connect(("198.51.100.2", port))
        s.sendall(b"x" * 100)
        assert s.recv(100) != b"", "FIN although nothing was delivered"
    wait_for("the reset", lambda: gwd.modem()["boots"] > boots)
    wait_for("the modem to come up again", lambda: again_up(world, 0), timeout=90)
    works(world, port)


def test_flows_held_while_the_module_boots_connect_when_it_is_up(world: World) -> None:
    """A SYN is held for its patience: a short outage is only a slow connect, or a clear error."""
    world.up()
    port = serve(world)
    assert world.sim
    world.mistakes_expected = True  # CIPOPEN may cross the event on the line
    world.sim.command("cipevent")
    s = world.client(timeout=60)
    try:
        s.connect(("198.51.100.2", port))
    except OSError as e:
        assert e.errno in (101, 113)  # ENETUNREACH, EHOSTUNREACH
        return
    s.sendall(b"x")
    assert s.recv(1) == b"x"


def test_after_kill_9_old_connections_are_reset_and_new_ones_work(world: World, resolver) -> None:
    """The module kept its state: the service is open, links are open, data is waiting."""
    world.up()
    port = serve(world)
    server = world.serve(hold)
    old = [world.connect(server.address) for _ in range(3)]
    gwd = world.gwd
    assert gwd
    gwd.process.signal(signal.SIGKILL)
    gwd.process.wait(10)
    server.visit(0).conn.sendall(hostile_body(5000))  # into the void, as far as gwd is concerned
    world.start_gwd()
    for s in old:
        assert ends_in_reset(s, poke=True)
    works(world, port)
    for visit in server.visits:
        assert visit.recv() == b""


def test_restart_in_the_middle_of_a_send_finds_the_module_again(world: World, resolver) -> None:
    """kill -9 while the module waits for payload: it takes the next command for data."""
    world.mistakes_expected = True
    world.up({"prompt_delay_ms": 300})
    port = serve(world)
    s = world.connect(("198.51.100.2", port))
    gwd, sim = world.gwd, world.sim
    assert gwd and sim
    sends = sim.commands("CIPSEND")
    s.sendall(b"x" * 1400)
    wait_for("CIPSEND", lambda: sim.commands("CIPSEND") > sends)
    gwd.process.signal(signal.SIGKILL)
    gwd.process.wait(10)
    sim.set("prompt_delay_ms", 0)
    world.start_gwd(wait=None)
    assert world.gwd
    world.gwd.wait_state("up", timeout=90)
    world.route("default")
    works(world, port)


def test_a_host_that_stops_orderly_and_starts_again_needs_nothing_special(world: World, resolver) -> None:
    world.up()
    port = serve(world)
    for _ in range(3):
        works(world, port)
        world.close_clients()
        world.stop_gwd()
        world.start_gwd()
    works(world, port)


def test_sigterm_during_traffic_ends_in_time_and_in_reset(world: World, receive: str) -> None:
    world.up({"baud": 115200}, {"modem.receive": receive})
    server = world.serve(source(hostile_body(MIB)))
    readers = [world.connect(server.address) for _ in range(4)]
    for s in readers:
        s.recv(1)
    world.stop_gwd()
    assert not world.open_links()
    for s in readers:
        assert not finished(s), "FIN although bytes are missing"


def finished(s: socket.socket) -> bool:
    """Whether the stream ended with FIN."""
    s.settimeout(1)
    try:
        while s.recv(65536):
            pass
        return True
    except OSError:
        return False


@pytest.mark.long
def test_a_module_that_stops_answering_is_brought_back(world: World, resolver) -> None:
    world.up()
    port = serve(world)
    server = world.serve(hold)
    s = world.connect(server.address)
    gwd, sim = world.gwd, world.sim
    assert gwd and sim
    sim.command("freeze on")
    s.sendall(b"x")
    assert ends_in_reset(s)
    wait_for("the modem to be missed", lambda: gwd.state() != "up", timeout=120)
    sim.command("freeze off")
    wait_for("the modem to come up again", lambda: again_up(world, 0), timeout=180)
    world.mistakes_expected = True
    works(world, port)


def test_a_zombie_link_is_found_and_its_flow_reset(world: World, resolver) -> None:
    """CIPCLOSE? lists it as open, CIPSEND answers 4."""
    world.up()
    port = serve(world)
    s = world.connect(("198.51.100.2", port))
    assert world.gwd and world.sim
    link = world.gwd.links("tcp")[0]["link"]
    world.sim.command(f"kill-link {link}")
    assert ends_in_reset(s, poke=True)
    works(world, port)


def test_a_failing_netopen_is_tried_again(world: World) -> None:
    world.start_sim(netopen_result="1")
    world.start_gwd(wait=None)
    assert world.sim and world.gwd
    sim = world.sim
    wait_for("a first NETOPEN", lambda: sim.commands("NETOPEN") >= 1, timeout=40)
    sim.set("netopen_result", "0")
    world.gwd.wait_state("up", timeout=120)


@pytest.mark.parametrize("knobs", [
    {"registration": "lte_only"}, {"registration": "roaming"}, {"boot_profile": "sim7600"},
    {"cpin_early": "failure:2"}, {"echo_at_boot": "off"}, {"rx_mode_at_boot": "1"},
    {"netopen_query_fields": "2"}, {"closelist_fields": "truncated"}, {"csocksetpn_2nd_arg": "error"},
    {"err_mode": "numeric"}, {"cme_text": "numeric"}, {"netopen_delay_ms": "3000"},
    {"boot_time_s": "2"}, {"urc_storm": "50"}, {"double_error": "on"},
    {"headertype1": "error"}, {"headertype1": "ignored"}, {"cipccfg": "error"},
], ids=lambda knobs: "-".join(f"{k}_{v}" for k, v in knobs.items()))
def test_every_known_kind_of_module_comes_up_and_carries_a_stream(world: World, knobs: dict) -> None:
    world.start_sim(**knobs)
    world.start_gwd()
    body = hostile_body(20_000)
    server = world.serve(source(body))
    s = world.connect(server.address)
    got = b""
    while piece := s.recv(65536):
        got += piece
    assert got == body
