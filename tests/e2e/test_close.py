# SPDX-License-Identifier: BSD-3-Clause
"""How a connection ends: FIN means that every byte was delivered (decisions 10 and 11)."""
from __future__ import annotations

import socket
import time

import pytest

from harness.servers import Visit, digest_of_counted, hold, read_exactly, reset, sink, source
from harness.traffic import ends_in_reset, hostile_body, receive_all, sha, upload
from harness.waiting import wait_for
from harness.world import World

LONG_LINGER = {"tcp.linger": "60s"}


# -- decision 10: the peer closes ----------------------------------------------------------------


def test_a_remote_close_delivers_everything_and_then_fin(world: World, receive: str) -> None:
    world.up({"byte_split": "on"}, {"modem.receive": receive})
    body = hostile_body(200_000)

    def send_and_close(visit: Visit) -> None:
        visit.conn.sendall(body)

    server = world.serve(send_and_close)
    assert sha(receive_all(world.connect(server.address))) == sha(body)


def test_a_remote_close_right_after_the_answer_to_a_request_is_fin(world: World, receive: str) -> None:
    world.up(gwd={"modem.receive": receive})

    def one_answer(visit: Visit) -> None:
        read_exactly(visit, 4)
        visit.conn.sendall(b"answer")

    server = world.serve(one_answer)
    for _ in range(20):
        s = world.connect(server.address)
        s.sendall(b"ask\n")
        assert receive_all(s) == b"answer"


def test_a_remote_close_ends_both_directions(world: World) -> None:
    world.up()
    server = world.serve(source(b"bye"))
    s = world.connect(server.address)
    assert receive_all(s) == b"bye"
    assert world.gwd
    wait_for("the link to be free", lambda: world.gwd.links("tcp") == [])
    with pytest.raises(ConnectionError):
        for _ in range(20):
            s.sendall(b"late")
            time.sleep(0.1)


def test_host_bytes_the_peer_did_not_take_end_in_reset(world: World, receive: str) -> None:
    """The server goes while bytes of the host are under way."""
    world.up({"send_confirm_delay_ms": 300}, {"modem.receive": receive})

    def go_early(visit: Visit) -> None:
        read_exactly(visit, 1000)
        visit.conn.sendall(b"enough")

    server = world.serve(go_early)
    s = world.connect(server.address)
    with pytest.raises(ConnectionError):
        s.sendall(hostile_body(300_000))
        receive_all(s)


def test_a_send_that_ends_in_minus_one_resets(world: World) -> None:
    world.up({"send_confirm": "-1"})
    server = world.serve(sink)
    assert ends_in_reset(world.connect(server.address), poke=True)


def test_a_short_confirm_that_cannot_be_accounted_for_resets(world: World) -> None:
    world.up({"cipack": "error"})
    server = world.serve(sink)
    s = world.connect(server.address)
    assert world.sim
    world.sim.set("short_confirm_once", "10")
    with pytest.raises(ConnectionError):
        s.sendall(b"x" * 1000)
        receive_all(s)


def test_a_send_without_any_confirm_resets_and_the_next_flow_works(world: World) -> None:
    world.up({"send_confirm": "never"})
    server = world.serve(sink)
    assert ends_in_reset(world.connect(server.address), poke=True)
    assert world.sim
    world.sim.set("send_confirm", "full")
    world.serve(digest_of_counted, port=8001)
    body = hostile_body(5000)
    assert upload(world.connect((server.address[0], 8001)), body) == sha(body)


def test_unread_data_the_module_threw_away_ends_in_reset(world: World) -> None:
    """Buffer mode: data was announced, the peer closed, and the drain finds less."""
    world.up({"rx_after_ipclose": "discarded", "rx_buffer_bytes": 8192, "parser_latency_ms": 30},
             {"modem.receive": "buffer"})

    def send_and_close(visit: Visit) -> None:
        visit.conn.sendall(b"x" * 6000)

    server = world.serve(send_and_close)
    s = world.connect(server.address)
    with pytest.raises(ConnectionResetError):
        assert len(receive_all(s)) == 6000, "FIN although bytes are missing"
        raise ConnectionResetError  # all of it was read in time: nothing was lost


def test_a_close_by_send_time_out_resets(world: World) -> None:
    world.mistakes_expected = True  # the injected line is a lie about a link that lives
    world.up()
    server = world.serve(hold)
    s = world.connect(server.address)
    assert world.gwd and world.sim
    link = world.gwd.links("tcp")[0]["link"]
    world.sim.command(f"urc +IPCLOSE: {link},2")
    assert ends_in_reset(s)


@pytest.mark.parametrize("form", ["ipclose", "cipclose", "both"])
def test_every_form_of_a_passive_close_is_understood(world: World, form: str) -> None:
    world.up({"passive_close_form": form})
    server = world.serve(source(b"data"))
    assert receive_all(world.connect(server.address)) == b"data"


# -- the host closes -----------------------------------------------------------------------------


def test_a_hosts_reset_closes_the_link_at_once(world: World, receive: str) -> None:
    world.up(gwd=LONG_LINGER | {"modem.receive": receive})
    server = world.serve(sink)
    s = world.connect(server.address)
    s.sendall(b"x")
    wait_for("the byte", lambda: server.visit().received == 1)
    reset(s)
    server.finished(timeout=20)


def test_a_closed_socket_sends_all_and_then_closes_the_link_without_lingering(world: World) -> None:
    world.up(gwd=LONG_LINGER)
    server = world.serve(sink)
    body = hostile_body(50_000)
    s = world.connect(server.address)
    s.sendall(body)
    s.close()
    visit = server.finished(timeout=30)
    assert visit.digest == sha(body) and visit.end == "fin"
    assert world.gwd
    wait_for("the flow to go", lambda: not world.gwd.flows("tcp"))


def test_a_half_close_keeps_the_answer(world: World, receive: str) -> None:
    """The socket lives on: no linger time is spent on it, the link stays for the peer's answer."""
    world.up(gwd={"modem.receive": receive, "tcp.linger": "1s"})
    body = hostile_body(30_000)

    def late_answer(visit: Visit) -> None:
        read_exactly(visit, len(body))
        time.sleep(4)
        visit.conn.sendall(visit.digest.encode())

    server = world.serve(late_answer)
    s = world.connect(server.address)
    s.sendall(body)
    s.shutdown(socket.SHUT_WR)
    assert receive_all(s).decode() == sha(body)


def test_a_half_close_that_becomes_a_close_is_noticed(world: World) -> None:
    world.up(gwd=LONG_LINGER)
    server = world.serve(sink)
    s = world.connect(server.address)
    s.sendall(b"x")
    s.shutdown(socket.SHUT_WR)
    assert world.gwd
    time.sleep(1)
    assert world.gwd.links("tcp"), "a half-closed connection must keep its link"
    s.close()
    server.finished(timeout=30)


def test_half_closed_flows_give_way_when_links_run_out(world: World) -> None:
    world.up(gwd=LONG_LINGER)
    server = world.serve(hold)
    for n in range(9):
        s = world.connect(server.address)
        s.sendall(b"%d" % n)
        s.shutdown(socket.SHUT_WR)
    tenth = world.connect(server.address, timeout=50)
    tenth.sendall(b"ten")
    assert server.visit(9).recv(10) == b"ten"


class TestClientsOfAnotherNamespace:
    """Their sockets cannot be looked up (ENOENT): tcp.linger decides (decision 11)."""

    @staticmethod
    def connect(world: World, address: tuple[str, int]) -> socket.socket:
        lan = world.namespace("lan")
        world.inner.ip("link", "add", "lan0", "type", "veth", "peer", "name", "eth0", "netns", lan.name)
        world.inner.ip("addr", "add", "192.168.7.1/24", "dev", "lan0")
        world.inner.ip("link", "set", "lan0", "up")
        lan.ip("addr", "add", "192.168.7.2/24", "dev", "eth0")
        lan.ip("link", "set", "eth0", "up")
        lan.ip("route", "add", "default", "via", "192.168.7.1")
        world.inner.sysctl("net.ipv4.ip_forward", 1)
        s = lan.tcp(timeout=40)
        s.connect(address)
        world.clients.append(s)
        return s

    def test_an_answer_within_the_linger_time_arrives(self, world: World) -> None:
        world.up(gwd={"tcp.linger": "10s"})

        def late_answer(visit: Visit) -> None:
            read_exactly(visit, 3)
            time.sleep(2)
            visit.conn.sendall(b"answer")

        server = world.serve(late_answer)
        s = self.connect(world, server.address)
        s.sendall(b"ask")
        s.shutdown(socket.SHUT_WR)
        assert receive_all(s) == b"answer"

    def test_silence_after_the_linger_time_ends_in_reset(self, world: World) -> None:
        world.up(gwd={"tcp.linger": "2s"})
        server = world.serve(sink)
        s = self.connect(world, server.address)
        s.sendall(b"ask")
        s.shutdown(socket.SHUT_WR)
        assert ends_in_reset(s)
        server.finished(timeout=20)


def test_an_idle_flow_ends_after_its_time_out(world: World) -> None:
    world.up(gwd={"tcp.idle_timeout": "2s"})
    server = world.serve(sink)
    s = world.connect(server.address)
    s.sendall(b"x")
    assert ends_in_reset(s)
    server.finished(timeout=20)
