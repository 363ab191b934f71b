# SPDX-License-Identifier: BSD-3-Clause
"""A slow reader costs nobody else anything, and nobody's memory grows."""
from __future__ import annotations

import time

import pytest

from harness.process import LITTLE_QUARANTINE
from harness.servers import Visit, digest_of_counted, hold, source
from harness.traffic import MIB, hostile_body, receive_all, receive_exactly, sha, upload
from harness.waiting import wait_for
from harness.world import World

BODY = hostile_body(3 * MIB, seed=7)
# A stream far larger than what the daemon may grow by when it cannot pass it on. Of the latter most
# is the sanitizer's: pages of its shadow and of size classes touched for the first time.
LARGE = hostile_body(24 * MIB, seed=8)
GROWTH_KIB = 6 * 1024


def slow_client(world: World, address: tuple[str, int]):
    """A client that reads nothing, with a small receive buffer of its own."""
    s = world.client()
    s.setsockopt(1, 8, 8192)  # SOL_SOCKET, SO_RCVBUF
    s.connect(address)
    return s


def test_buffer_mode_holds_a_slow_readers_stream_and_serves_the_others(world: World) -> None:
    world.sanitizer_options = LITTLE_QUARANTINE
    world.up(gwd={"modem.receive": "buffer"})
    server, large = world.serve(source(BODY)), world.serve(source(LARGE), port=8001)
    gwd = world.gwd
    assert gwd
    before = gwd.memory_kib()
    slow = slow_client(world, large.address)
    wait_for("the slow stream to stand still", lambda: stands_still(world))
    assert sha(receive_all(world.connect(server.address))) == sha(BODY)
    assert gwd.memory_kib() - before < GROWTH_KIB
    assert sha(receive_all(slow)) == sha(LARGE)


def stands_still(world: World) -> bool:
    assert world.gwd
    flows = world.gwd.flows("tcp")
    time.sleep(0.5)
    again = world.gwd.flows("tcp")
    return bool(flows) and flows[0]["rx_bytes"] > 0 and \
        [f["rx_bytes"] for f in flows] == [f["rx_bytes"] for f in again]


def test_push_mode_resets_a_slow_reader_at_its_cap_and_nobody_else(world: World) -> None:
    world.sanitizer_options = LITTLE_QUARANTINE
    world.up(gwd={"modem.receive": "push"})
    server, large = world.serve(source(BODY)), world.serve(source(LARGE), port=8001)
    gwd = world.gwd
    assert gwd
    before = gwd.memory_kib()
    slow = slow_client(world, large.address)
    other = world.connect(server.address)
    assert sha(receive_all(other)) == sha(BODY)
    other.close()
    wait_for("the slow flow to be reset", lambda: not gwd.flows("tcp"))
    with pytest.raises(ConnectionResetError):
        receive_all(slow)
    assert gwd.memory_kib() - before < GROWTH_KIB


def test_a_peer_that_reads_nothing_stops_its_own_client_only(world: World, receive: str) -> None:
    """The module's send buffer of one link is full; the other link sends on."""
    world.sanitizer_options = LITTLE_QUARANTINE
    world.up(gwd={"modem.receive": receive})
    stuck = world.serve(hold, port=8001, receive_buffer=4096)
    server = world.serve(digest_of_counted)
    gwd = world.gwd
    assert gwd
    before = gwd.memory_kib()
    s = world.client()
    s.setsockopt(1, 7, 65536)  # SOL_SOCKET, SO_SNDBUF
    s.connect(stuck.address)
    s.settimeout(0.5)
    sent = 0
    with pytest.raises(TimeoutError):
        while sent < 16 * MIB:
            sent += s.send(b"x" * 65536)
    assert sent < MIB, "back-pressure reached the client late"
    body = hostile_body(200_000)
    assert upload(world.connect(server.address), body) == sha(body)
    assert gwd.memory_kib() - before < GROWTH_KIB
    s.close()
    stuck.visit().reset()


def test_what_the_host_counts_as_sent_is_nearly_what_the_module_has(world: World) -> None:
    """The gateway's own window is small (decision 19: six segments)."""
    world.sanitizer_options = LITTLE_QUARANTINE
    world.up({"prompt_delay_ms": "never"})
    server = world.serve(hold)
    s = world.connect(server.address)
    s.settimeout(1)
    s.setsockopt(1, 7, 4096)  # SOL_SOCKET, SO_SNDBUF
    sent = 0
    with pytest.raises(TimeoutError):
        while True:
            sent += s.send(b"x" * 4096)
    assert sent < 64 * 1024
    world.mistakes_expected = True
    assert world.sim
    world.sim.set("prompt_delay_ms", 0)


def test_a_reader_in_small_sips_gets_everything(world: World) -> None:
    world.sanitizer_options = LITTLE_QUARANTINE
    world.up(gwd={"modem.receive": "buffer"})
    body = BODY[:60_000]
    server = world.serve(source(body))
    s = slow_client(world, server.address)
    got = b""
    while piece := s.recv(1500):
        got += piece
        time.sleep(0.01)
    assert sha(got) == sha(body)


def test_a_stream_that_was_paused_goes_on_where_it_stopped(world: World) -> None:
    world.sanitizer_options = LITTLE_QUARANTINE
    world.up(gwd={"modem.receive": "buffer"})

    def in_two_parts(visit: Visit) -> None:
        visit.conn.sendall(BODY[:MIB])
        visit.recv(1)
        visit.conn.sendall(BODY[MIB:2 * MIB])

    server = world.serve(in_two_parts)
    s = slow_client(world, server.address)
    wait_for("the stream to stand still", lambda: stands_still(world))
    assert receive_exactly(s, MIB) == BODY[:MIB]
    s.sendall(b"+")
    assert receive_exactly(s, MIB) == BODY[MIB:2 * MIB]
