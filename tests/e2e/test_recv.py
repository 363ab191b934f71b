# SPDX-License-Identifier: BSD-3-Clause
"""receive = auto: push, and buffer mode while somebody does not read; hex."""
from __future__ import annotations

import threading
import time

import pytest

from harness.dns import addresses, query
from harness.servers import Visit, hold, source, udp_echo
from harness.traffic import MIB, hostile_body, receive_all, receive_exactly, sha
from harness.waiting import wait_for
from harness.world import RESOLVER, SERVERS4, World

SLOW = hostile_body(MIB, seed=31)
LINE = 921600  # a paced line, as the ones in the field


def slow_client(world: World, address: tuple[str, int]):
    """A client that reads nothing yet, with a small receive buffer of its own."""
    s = world.client(timeout=120)
    s.setsockopt(1, 8, 8192)  # SOL_SOCKET, SO_RCVBUF
    s.connect(address)
    return s


def wait_mode(world: World, mode: str, timeout: float = 30) -> None:
    assert world.gwd
    wait_for(f"{mode} mode", lambda: world.gwd.modem()["receive"] == mode, timeout)


def switched(world: World, sim: dict[str, object] | None = None, gwd: dict[str, object] | None = None,
             body: bytes = SLOW):
    """A daemon that is in buffer mode because of a client that reads nothing: that client."""
    world.up(sim, gwd)
    server = world.serve(source(body), port=8001)
    slow = slow_client(world, server.address)
    wait_mode(world, "buffer")
    return slow


def read_at(s, rate: int) -> bytes:
    """To the end, at so many bytes a second."""
    parts, began, got = [], time.monotonic(), 0
    while data := s.recv(4096):
        parts.append(data)
        got += len(data)
        time.sleep(max(0.0, began + got / rate - time.monotonic()))
    return b"".join(parts)


def unread(world: World) -> int:
    assert world.sim
    return max(x.get("unread", 0) for x in world.sim.stats()["links"])


@pytest.mark.long
def test_a_slow_reader_gets_every_byte_while_another_downloads_at_full_speed(world: World) -> None:
    world.up({"baud": LINE})
    gwd = world.gwd
    assert gwd and gwd.modem()["receive"] == "push" and gwd.modem()["receive_configured"] == "auto"
    fast_body = hostile_body(2 * MIB, seed=32)
    slow_server, fast_server = world.serve(source(SLOW), port=8001), world.serve(source(fast_body))
    slow = slow_client(world, slow_server.address)
    got: list[bytes] = []
    thread = threading.Thread(target=lambda: got.append(read_at(slow, 20_000)), daemon=True)
    thread.start()
    wait_mode(world, "buffer")
    assert sha(receive_all(world.connect(fast_server.address))) == sha(fast_body)
    assert thread.is_alive(), "the slow one must outlast the fast one"
    assert unread(world) > 0  # the module keeps what nobody reads, and stops the peer with it
    thread.join(120)
    assert got and sha(got[0]) == sha(SLOW)
    assert gwd.counter("tcp_reset") == 0
    world.close_clients()
    wait_mode(world, "push")
    modem = gwd.modem()
    assert modem["receive_switches"] == 1 and modem["buffer_mode_s"] > 1


def test_the_modules_window_stops_the_peer(world: World) -> None:
    """The server cannot get rid of what the client does not take."""
    world.up()
    sent = []

    def flood(visit: Visit) -> None:
        visit.conn.settimeout(1)
        try:
            while sum(sent) < 64 * MIB:
                sent.append(visit.conn.send(b"x" * 65536))
        except TimeoutError:
            sent.append(0)
        visit.conn.settimeout(60)
        visit.recv()

    server = world.serve(flood, port=8001)
    slow = slow_client(world, server.address)
    wait_mode(world, "buffer")
    wait_for("the server to be stopped", lambda: sent and sent[-1] == 0)
    assert sum(sent) < 16 * MIB
    gwd = world.gwd
    assert gwd and gwd.flows("tcp")[0]["rx_buffered_bytes"] <= 65536
    slow.close()


def test_people_are_told(world: World) -> None:
    slow = switched(world, body=SLOW[:400_000])
    text = world.gwctl("status").stdout
    assert "buffer (auto)" in text and "1 switches" in text
    assert "! buffer mode" in text and "reads slower than the line, now flow" in text
    assert sha(receive_all(slow)) == sha(SLOW[:400_000])
    slow.close()
    wait_mode(world, "push")
    assert "push (auto)" in world.gwctl("status").stdout


def test_push_is_back_as_soon_as_no_tcp_flow_is_left(world: World) -> None:
    slow = switched(world)
    gwd = world.gwd
    assert gwd
    other = world.connect(world.serve(hold).address)
    assert sha(receive_all(slow)) == sha(SLOW)
    slow.close()
    wait_for("the slow flow to end", lambda: len(gwd.flows("tcp")) == 1)
    assert gwd.modem()["receive"] == "buffer"
    other.close()
    wait_mode(world, "push")
    body = hostile_body(300_000)
    assert sha(receive_all(world.connect(world.serve(source(body), port=8003).address))) == sha(body)
    assert gwd.modem()["receive"] == "push" and gwd.counter("tcp_reset") == 0


def test_with_buffer_return_empty_push_is_back_while_flows_live(world: World) -> None:
    world.up(gwd={"modem.buffer_return": "empty"})

    def twice(visit: Visit) -> None:
        visit.conn.sendall(SLOW)
        visit.recv(1)
        visit.conn.sendall(SLOW[:50_000])

    slow = slow_client(world, world.serve(twice, port=8001).address)
    wait_mode(world, "buffer")
    assert receive_exactly(slow, MIB) == SLOW
    wait_mode(world, "push")
    slow.sendall(b"+")
    assert receive_exactly(slow, 50_000) == SLOW[:50_000]


@pytest.mark.parametrize("knob, value", [
    ("rx_notify", "every"), ("rx_notify", "lossy:0.5"), ("rx_notify_form", "receive"),
    ("rx_empty_read", "zero"), ("rx_tail", "crlf_crlf"), ("rx_after_ipclose", "kept"),
    ("byte_split", "on"), ("mid_payload_pause", "20"), ("urc_in_response", "often"),
    ("push_leading_crlf", "no"), ("push_trailing_crlf", "yes"), ("buffer_to_push", "pushed"),
])
def test_the_switch_loses_nothing_whatever_the_modules_output(world: World, knob: str,
                                                              value: str) -> None:
    slow = switched(world, {knob: value}, body=SLOW[:400_000])
    body = hostile_body(200_000, seed=33)
    assert sha(receive_all(world.connect(world.serve(source(body)).address))) == sha(body)
    assert sha(receive_all(slow)) == sha(SLOW[:400_000])
    slow.close()
    wait_mode(world, "push")
    assert world.gwd and world.gwd.counter("tcp_reset") == 0


def test_switches_under_load_lose_nothing(world: World) -> None:
    """Again and again, with other flows starting and ending meanwhile."""
    world.up({"byte_split": "on", "baud": LINE})
    server = world.serve(source(SLOW[:150_000]), port=8001)
    body = hostile_body(60_000, seed=34)
    other = world.serve(source(body))
    gwd = world.gwd
    assert gwd
    for n in range(1, 5):
        slow = slow_client(world, server.address)
        wait_for("a switch", lambda: gwd.modem()["receive_switches"] == n)
        assert sha(receive_all(world.connect(other.address))) == sha(body)
        assert sha(receive_all(slow)) == sha(SLOW[:150_000])
        slow.close()
        world.close_clients()
        wait_mode(world, "push")
    assert gwd.counter("tcp_reset") == 0


def test_a_refused_switch_costs_the_slow_flow_alone(world: World) -> None:
    world.up({"rxget_switch": "refused"})
    body = hostile_body(2 * MIB, seed=35)
    slow = slow_client(world, world.serve(source(body), port=8001).address)
    gwd = world.gwd
    assert gwd
    other = world.connect(world.serve(source(SLOW)).address)
    assert sha(receive_all(other)) == sha(SLOW)
    wait_for("the slow flow to be reset", lambda: gwd.counter("tcp_reset_buffer") == 1)
    with pytest.raises(ConnectionResetError):
        receive_all(slow)
    assert gwd.modem()["receive"] == "push"
    assert world.sim and world.sim.commands("CIPRXGET") <= 2  # at bring-up, and once
    assert gwd.counter("tcp_reset") == 1


@pytest.mark.parametrize("knob", ["headertype1=error", "cipccfg=error"])
def test_without_header_type_1_it_is_buffer_mode(world: World, knob: str) -> None:
    name, value = knob.split("=")
    world.up({name: value})
    gwd = world.gwd
    assert gwd and gwd.modem()["receive"] == "buffer"
    slow = slow_client(world, world.serve(source(SLOW), port=8001).address)
    body = hostile_body(200_000)
    assert sha(receive_all(world.connect(world.serve(source(body)).address))) == sha(body)
    assert sha(receive_all(slow)) == sha(SLOW)
    assert gwd.modem()["receive"] == "buffer" and gwd.counter("tcp_reset") == 0


def test_a_socket_with_two_remotes_talks_on_after_a_switch(world: World) -> None:
    world.up()
    gwd = world.gwd
    assert gwd
    for n in range(2):
        world.serve_udp(udp_echo, SERVERS4[n])
    s = world.udp()
    for n in range(2):
        s.sendto(b"push %d" % n, (SERVERS4[n], 8000))
        assert s.recvfrom(100) == (b"push %d" % n, (SERVERS4[n], 8000))
    assert len(gwd.links("udp")) == 1
    slow = slow_client(world, world.serve(source(SLOW), port=8001).address)
    wait_mode(world, "buffer")
    for n in range(2):
        s.sendto(b"buffer %d" % n, (SERVERS4[n], 8000))
        assert s.recvfrom(100) == (b"buffer %d" % n, (SERVERS4[n], 8000))
    assert len(gwd.links("udp")) == 2  # one remote a link
    assert sha(receive_all(slow)) == sha(SLOW)
    slow.close()
    wait_mode(world, "push")
    for n in range(2):
        s.sendto(b"again %d" % n, (SERVERS4[n], 8000))
        assert s.recvfrom(100) == (b"again %d" % n, (SERVERS4[n], 8000))


def test_names_are_found_before_during_and_after_buffer_mode(world: World, resolver) -> None:
    def ask(name: str) -> list[str]:
        s = world.udp()
        s.sendto(query(name, 7), (RESOLVER, 53))
        return addresses(s.recv(600))

    world.up()
    assert ask("h1.test") == ["198.51.100.1"]
    slow = slow_client(world, world.serve(source(SLOW), port=8001).address)
    wait_mode(world, "buffer")
    assert [ask(f"h{n}.test") for n in range(2, 6)] == [[f"198.51.100.{n}"] for n in range(2, 6)]
    assert sha(receive_all(slow)) == sha(SLOW)
    slow.close()
    wait_mode(world, "push")
    assert ask("h6.test") == ["198.51.100.6"]


@pytest.mark.parametrize("case", ["upper", "lower"])
def test_hex_carries_a_stream_and_datagrams(world: World, case: str) -> None:
    world.up({"hex_case": case, "byte_split": "on"}, {"modem.hex": "yes"})
    body = hostile_body(100_000)
    world.serve_udp(udp_echo)
    assert sha(receive_all(world.connect(world.serve(source(body), port=8001).address))) == sha(body)
    s = world.udp()
    for size in (1, 749, 750):
        s.sendto(b"\x00\xff" * (size // 2) + b"x" * (size % 2), (SERVERS4[0], 8000))
        assert len(s.recv(2000)) == size
    gwd = world.gwd
    assert gwd and gwd.modem()["receive"] == "buffer" and gwd.modem()["receive_switches"] == 0
    assert "AT+CIPRXGET=2" not in (world.folder / "dialogue.txt").read_text(errors="replace")


def test_hex_with_push_is_a_wrong_configuration(world: World) -> None:
    world.start_sim()
    world.start_gwd({"modem.hex": "yes", "modem.receive": "push"}, wait=None, route=None)
    world.forget_gwd(78)
