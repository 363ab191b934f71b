# SPDX-License-Identifier: BSD-3-Clause
"""Many flows on ten links."""
from __future__ import annotations

import pytest

from harness.dns import addresses, query
from harness.process import LITTLE_QUARANTINE
from harness.servers import digest_of_counted, hold, request_reply
from harness.traffic import all_fine, at_once, hostile_body, receive_all, sha, upload
from harness.waiting import wait_for
from harness.world import RESOLVER, World


def test_nine_tcp_flows_and_dns_at_once(world: World, resolver, receive: str) -> None:
    world.up(gwd={"modem.receive": receive})
    server = world.serve(hold)
    flows = [world.connect(server.address) for _ in range(9)]
    assert world.gwd and len(world.gwd.links("tcp")) == 9
    resolve(world, "h5.test", "198.51.100.5")
    for n, s in enumerate(flows):  # each still is its own connection
        peer = server.visit(n)
        peer.conn.sendall(b"hello %d" % n)
    got = sorted(s.recv(100) for s in flows)
    assert got == sorted(b"hello %d" % n for n in range(9))
    resolve(world, "h6.test", "198.51.100.6")


def resolve(world: World, name: str, expected: str) -> None:
    s = world.udp()
    s.sendto(query(name, 77), (RESOLVER, 53))
    answer, peer = s.recvfrom(600)
    assert peer == (RESOLVER, 53) and addresses(answer) == [expected]


def test_the_tenth_tcp_flow_waits_for_a_link_and_then_gets_it(world: World) -> None:
    world.up()
    server = world.serve(hold)
    flows = [world.connect(server.address) for _ in range(9)]
    tenth = world.client(timeout=40)
    tenth.setblocking(False)
    tenth.connect_ex(server.address)
    gwd = world.gwd
    assert gwd
    wait_for("the tenth flow to be held", lambda: gwd.status()["flows"]["held"] == 1)
    server.visit(8)
    assert len(server.visits) == 9
    flows[4].close()
    server.visit(9)
    tenth.settimeout(20)
    server.visit(9).conn.sendall(b"yours")
    assert tenth.recv(10) == b"yours"


def test_thirty_flows_started_at_once_all_finish(world: World, receive: str) -> None:
    world.up(gwd={"modem.receive": receive})
    server = world.serve(digest_of_counted)

    def job(n: int) -> bool:
        body = hostile_body(20_000 + n, seed=n)
        return upload(world.connect(server.address, timeout=100), body) == sha(body)

    assert all_fine(at_once([lambda n=n: job(n) for n in range(30)])) == [True] * 30


@pytest.mark.long
def test_a_thousand_short_connections_leave_nothing_behind(world: World) -> None:
    world.sanitizer_options = LITTLE_QUARANTINE
    world.up()
    server = world.serve(request_reply(b"HTTP/1.0 200 OK\r\n\r\nhello"))
    gwd = world.gwd
    assert gwd

    def visits(n: int) -> None:
        for _ in range(n):
            s = world.connect(server.address)
            s.sendall(b"GET / HTTP/1.0\r\n")
            assert receive_all(s).endswith(b"hello")
            s.close()
            world.clients.clear()

    visits(300)
    gwd.wait_no_tcp()
    before = gwd.memory_kib()
    visits(700)
    gwd.wait_no_tcp()
    assert gwd.links() == [] and gwd.flows() == []
    assert gwd.memory_kib() - before < 700, "memory grows by a kilobyte a connection"
    for visit in server.visits:
        assert visit.done.is_set()


def test_connections_that_fail_leave_nothing_behind(world: World) -> None:
    world.up({"open_result@198.51.100.2:80": "1", "open_result@198.51.100.3:80": "10"})
    gwd = world.gwd
    assert gwd
    for n in range(60):
        s = world.client(timeout=20)
        with pytest.raises(OSError):
            s.connect((f"198.51.100.{2 + n % 2}", 80))
        s.close()
    gwd.wait_no_tcp()
    assert world.open_links() == []
