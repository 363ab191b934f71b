# SPDX-License-Identifier: BSD-3-Clause
"""The harness itself, without the daemon: what it promises the other tests."""
from __future__ import annotations

import os
import socket
import termios

from harness.dns import addresses, query
from harness.servers import digest_of_counted, echo, udp_echo
from harness.traffic import hostile_body, sha, upload
from harness.waiting import wait_for
from harness.world import RESOLVER, World


def test_the_inner_side_reaches_nothing_without_the_daemon(world: World) -> None:
    world.serve(echo)
    s = world.client(timeout=5)
    try:
        s.connect(("198.51.100.1", 8000))
    except OSError as e:
        assert e.errno == 101  # ENETUNREACH
    else:
        raise AssertionError("there is another way out of the inner namespace")


def test_servers_answer_on_the_outer_side(world: World, resolver) -> None:
    world.serve(digest_of_counted)
    body = hostile_body(300_000)
    s = world.outer.tcp()
    s.connect(("198.51.100.1", 8000))
    assert upload(s, body) == sha(body)
    world.serve_udp(udp_echo)
    u = world.outer.udp(timeout=5)
    u.sendto(b"hello", ("198.51.100.1", 8000))
    assert u.recvfrom(100) == (b"hello", ("198.51.100.1", 8000))
    u.sendto(query("h7.test", 4711), (RESOLVER, 53))
    assert addresses(u.recv(600)) == ["198.51.100.7"]
    assert resolver.names() == ["h7.test"]


def test_a_server_knows_a_reset_from_an_end(world: World) -> None:
    from harness.servers import reset
    server = world.serve(echo)
    for n, close in enumerate((socket.socket.close, reset)):
        s = world.outer.tcp()
        s.connect(server.address)
        s.sendall(b"x")
        s.recv(1)
        close(s)
        assert server.finished(n).end == ("fin", "rst")[n]


def test_hostile_bodies_hold_every_byte_value_and_the_words_of_the_modem() -> None:
    body = hostile_body(1 << 20)
    assert len(body) == 1 << 20 and set(body) == set(range(256))
    assert b"\r\n+RECEIVE,3,5\r\n" in body and b"+++" in body


def test_the_simulator_serves_its_tty_and_notes_the_hosts_mistakes(world: World) -> None:
    sim = world.start_sim()
    tty = os.open(sim.link, os.O_RDWR | os.O_NOCTTY)
    try:
        attributes = termios.tcgetattr(tty)
        tty_raw(attributes)
        termios.tcsetattr(tty, termios.TCSANOW, attributes)
        os.write(tty, b"ATE0\r")
        wait_for("OK", lambda: b"OK" in os.read(tty, 1000))
        assert sim.mistakes() == [] and sim.stats()["wire_from_host"] == 5
        os.write(tty, b"AT+NONSENSE=1\r")
        wait_for("ERROR", lambda: b"ERROR" in os.read(tty, 1000))
        wait_for("the mistake to be noted", sim.mistakes)
    finally:
        os.close(tty)
    world.mistakes_expected = True


def tty_raw(attributes: list) -> None:
    attributes[0] = attributes[1] = attributes[3] = 0
