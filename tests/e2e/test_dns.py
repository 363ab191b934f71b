# SPDX-License-Identifier: BSD-3-Clause
"""DNS shares one link, and answers go where their questions came from."""
from __future__ import annotations

import pytest

from harness.dns import AAAA, addresses, query, question
from harness.waiting import wait_for
from harness.world import RESOLVER, World

SERVER = (RESOLVER, 53)


def test_sixty_queries_from_sixty_ports_use_one_link(world: World, resolver) -> None:
    world.up({"byte_split": "on"})
    sockets = [world.udp() for _ in range(60)]
    for n, s in enumerate(sockets):
        s.sendto(query(f"h{n % 250}.s{n}.test", 1000 + n), SERVER)
    for n, s in enumerate(sockets):
        answer, peer = s.recvfrom(600)
        assert peer == SERVER
        assert question(answer)[:2] == (1000 + n, f"h{n % 250}.s{n}.test")
        assert addresses(answer) == [f"198.51.100.{n % 250}"]
    assert world.sim and world.sim.commands("CIPOPEN") == 1
    assert len(resolver.udp.peers()) == 1


def test_sixty_queries_of_the_same_id_are_told_apart(world: World, resolver) -> None:
    """Every one of them from its own port with the same id and nearly the same name."""
    world.up()
    sockets = [world.udp() for _ in range(60)]
    for n, s in enumerate(sockets):
        s.sendto(query(f"h{n}.test", 4711), SERVER)
    for n, s in enumerate(sockets):
        answer = s.recv(600)
        assert question(answer)[0] == 4711 and addresses(answer) == [f"198.51.100.{n}"]


def test_the_query_ids_on_the_network_are_not_the_clients(world: World, resolver) -> None:
    """Translated and unpredictable: 20 queries with ids 1-20 do not leave with ids 1-20."""
    world.up()
    for n in range(1, 21):
        s = world.udp()
        s.sendto(query(f"h{n}.test", n), SERVER)
        s.recv(600)
    seen = [question(data)[0] for data, _ in resolver.udp.seen]
    assert len(set(seen)) == 20 and seen != list(range(1, 21))


def test_an_answer_with_a_wrong_id_is_not_believed(world: World, resolver) -> None:
    world.up()
    s = world.udp()
    s.sendto(query("wrong-h9.test", 5), SERVER)
    assert question(s.recv(600))[0] == 5
    s.settimeout(0.5)
    with pytest.raises(TimeoutError):
        s.recv(600)


def test_a_slow_answer_does_not_hold_up_a_fast_one(world: World, resolver) -> None:
    world.up()
    slow, fast = world.udp(), world.udp()
    slow.sendto(query("slow-h1.test", 1), SERVER)
    fast.sendto(query("h2.test", 2), SERVER)
    assert addresses(fast.recv(600)) == ["198.51.100.2"]
    assert addresses(slow.recv(600)) == ["198.51.100.1"]


def test_a_question_nobody_answers_is_forgotten(world: World, resolver) -> None:
    world.up(gwd={"udp.dns_timeout": "2s"})
    gwd = world.gwd
    assert gwd
    s = world.udp()
    s.sendto(query("silent-h1.test", 1), SERVER)
    wait_for("the question to be pending", lambda: gwd.status()["flows"]["dns_pending"] == 1)
    wait_for("the question to be forgotten", lambda: gwd.status()["flows"]["dns_pending"] == 0)
    s.sendto(query("h2.test", 2), SERVER)
    assert addresses(s.recv(600)) == ["198.51.100.2"]


def test_a_resolvers_retry_does_not_make_two_answers_wrong(world: World, resolver) -> None:
    world.up()
    s = world.udp()
    for _ in range(3):
        s.sendto(query("slow-h3.test", 33), SERVER)
    assert question(s.recv(600))[:2] == (33, "slow-h3.test")


def test_garbage_on_port_53_does_not_stop_names(world: World, resolver) -> None:
    world.up()
    s = world.udp()
    for junk in (b"x", b"\0" * 12, b"\xff" * 40, query("h1.test", 1)[:-3], b"\r\nOK\r\n" * 20):
        s.sendto(junk, SERVER)
    s.sendto(query("h2.test", 2), SERVER)
    wait_for("the answer", lambda: addresses_or_none(s.recv(600)) == ["198.51.100.2"])


def addresses_or_none(message: bytes) -> list[str] | None:
    try:
        return addresses(message)
    except (IndexError, ValueError):
        return None


@pytest.mark.needs("dig")
def test_dig_gets_a_aaaa_nxdomain_and_a_large_answer_over_tcp(world: World, resolver) -> None:
    world.up()

    def dig(*argv: str) -> str:
        return world.inner.run("dig", f"@{RESOLVER}", "+tries=1", "+time=10", *argv).stdout

    assert dig("+short", "h7.test", "A").strip() == "198.51.100.7"
    assert dig("+short", "h7.test", "AAAA").strip() == "2001:db8:1::7"
    assert "NXDOMAIN" in dig("nothing.example", "A")
    assert len(dig("+short", "big.test", "TXT").splitlines()) == 8
    assert dig("+short", "+tcp", "h8.test", "A").strip() == "198.51.100.8"


def test_names_work_in_buffer_mode(world: World, resolver) -> None:
    world.up(gwd={"modem.receive": "buffer"})
    sockets = [world.udp() for _ in range(20)]
    for n, s in enumerate(sockets):
        s.sendto(query(f"h{n}.test", n, AAAA if n % 2 else 1), SERVER)
    for n, s in enumerate(sockets):
        answer = s.recv(600)
        assert question(answer)[:2] == (n, f"h{n}.test")
        assert addresses(answer) == [f"2001:db8:1::{n:x}" if n % 2 else f"198.51.100.{n}"]


def test_the_link_of_dns_is_closed_when_it_is_idle(world: World, resolver) -> None:
    world.up(gwd={"udp.timeout": "5s", "udp.dns_timeout": "2s"})
    gwd = world.gwd
    assert gwd
    s = world.udp()
    s.sendto(query("h2.test", 2), SERVER)
    s.recv(600)
    wait_for("the link to be free", lambda: gwd.links() == [], timeout=30)
