# SPDX-License-Identifier: BSD-3-Clause
"""A stream arrives whole, whatever is in it and however the modem's output is cut."""
from __future__ import annotations

import contextlib
import threading
from typing import Iterator

import pytest

from harness.servers import both_ways, digest_of_counted, source
from harness.traffic import MIB, all_fine, at_once, exchange, hostile_body, receive_all, sha, upload
from harness.world import World

SIZE = 10 * MIB
NASTY = {"byte_split": "on", "urc_in_response": "often"}


@contextlib.contextmanager
def split_now_and_then(world: World) -> Iterator[None]:
    """Fragments at random take time; half of it without them makes 10 MiB bearable."""
    done = threading.Event()

    def switch() -> None:
        assert world.sim
        while not done.wait(0.4):
            world.sim.set("byte_split", "off")
            done.wait(0.4)
            world.sim.set("byte_split", "on")

    thread = threading.Thread(target=switch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(20)


@pytest.mark.long
def test_ten_mebibytes_down_are_what_the_server_sent(world: World, receive: str) -> None:
    world.up(NASTY, {"modem.receive": receive})
    body = hostile_body(SIZE)
    server = world.serve(source(body))
    with split_now_and_then(world):
        assert sha(receive_all(world.connect(server.address))) == sha(body)


@pytest.mark.long
def test_ten_mebibytes_up_are_what_the_client_sent(world: World, receive: str) -> None:
    world.up(NASTY, {"modem.receive": receive})
    body = hostile_body(SIZE, seed=2)
    server = world.serve(digest_of_counted)
    with split_now_and_then(world):
        assert upload(world.connect(server.address), body) == sha(body)


@pytest.mark.long
def test_ten_mebibytes_each_way_at_once_on_one_connection(world: World, receive: str) -> None:
    world.up(NASTY, {"modem.receive": receive})
    down, up = hostile_body(SIZE, seed=3), hostile_body(SIZE, seed=4)
    server = world.serve(both_ways(down))
    with split_now_and_then(world):
        got, digest = exchange(world.connect(server.address), up, len(down))
    assert (sha(got), digest) == (sha(down), sha(up))


def test_neighbouring_streams_never_mix(world: World, receive: str) -> None:
    world.up(NASTY, {"modem.receive": receive})
    bodies = [hostile_body(120_000 + 1000 * n, seed=10 + n) for n in range(6)]
    servers = [world.serve(both_ways(body), port=8000 + n) for n, body in enumerate(bodies)]

    def job(n: int):
        up = bodies[-1 - n]
        got, digest = exchange(world.connect(servers[n].address), up, len(bodies[n]))
        return sha(got) == sha(bodies[n]) and digest == sha(up)

    assert all_fine(at_once([lambda n=n: job(n) for n in range(6)])) == [True] * 6


@pytest.mark.parametrize("knob, value", [
    ("push_chunk_max", "1"), ("push_chunk_max", "1500"), ("push_colon", "yes"),
    ("push_trailing_crlf", "yes"), ("push_leading_crlf", "no"), ("prompt_form", "bare"),
    ("mid_payload_pause", "20"), ("urc_space", "none"), ("order_tcp_open", "urc_first"),
    ("order_tcp_close", "urc_first"), ("coalesce", "on"),
])
def test_push_mode_takes_every_form_of_the_modules_output(world: World, knob: str, value: str) -> None:
    world.up({knob: value})
    body = hostile_body(60_000)
    server = world.serve(both_ways(body))
    got, digest = exchange(world.connect(server.address), body, len(body))
    assert (sha(got), digest) == (sha(body), sha(body))


@pytest.mark.parametrize("knob, value", [
    ("rx_tail", "crlf_crlf"), ("rx_notify", "every"), ("rx_notify", "lossy:0.3"), ("coalesce", "on"),
    ("rx_notify_form", "receive"), ("rx_empty_read", "zero"), ("rx_buffer_bytes", "2000"),
])
def test_buffer_mode_takes_every_form_of_the_modules_output(world: World, knob: str, value: str) -> None:
    world.up({knob: value}, {"modem.receive": "buffer"})
    body = hostile_body(60_000)
    server = world.serve(both_ways(body))
    got, digest = exchange(world.connect(server.address), body, len(body))
    assert (sha(got), digest) == (sha(body), sha(body))


def test_a_module_that_takes_less_than_asked_loses_and_repeats_nothing(world: World) -> None:
    """Short confirmations: CIPACK tells what was taken (decision 6)."""
    world.up({"send_confirm": "partial:700"})
    body = hostile_body(100_000)
    server = world.serve(digest_of_counted)
    assert upload(world.connect(server.address), body) == sha(body)
    assert world.gwd and world.gwd.modem()["short_confirms"] > 0
