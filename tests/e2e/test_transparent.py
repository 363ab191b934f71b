# SPDX-License-Identifier: BSD-3-Clause
"""Transparent mode: one flow at a time has the line, and nobody's bytes are lost or made up."""
from __future__ import annotations

import signal
import socket
import time

import pytest

from harness.dns import addresses, query
from harness.servers import Visit, both_ways, digest_of_counted, echo, hold, request_reply, reset, source, udp_echo
from harness.traffic import (connect_errno, ends_in_reset, exchange, hostile_body, receive_all,
                             receive_exactly, sha, upload)
from harness.waiting import wait_for
from harness.world import RESOLVER, SERVERS4, World

TRANSPARENT = {"modem.receive": "transparent"}
SIM = {"flow_control": "rtscts"}


def up(world: World, sim: dict[str, object] | None = None, **options: object):
    settings = {k.replace("__", "."): v for k, v in options.items()}
    return world.up({**SIM, **(sim or {})}, {**TRANSPARENT, **settings})


def session(world: World) -> str:
    assert world.gwd
    return world.gwd.modem()["transparent_state"]


def test_a_body_with_everything_in_it_comes_down_whole(world: World) -> None:
    up(world, {"byte_split": "on"})
    body = hostile_body(300_000)
    server = world.serve(source(body))
    assert sha(receive_all(world.connect(server.address))) == sha(body)


def test_a_body_with_everything_in_it_goes_up_whole(world: World) -> None:
    up(world)
    body = hostile_body(300_000, seed=2)
    server = world.serve(digest_of_counted)
    assert upload(world.connect(server.address), body) == sha(body)


def test_both_ways_at_once(world: World) -> None:
    up(world, {"byte_split": "on"})
    down, body = hostile_body(150_000, seed=3), hostile_body(150_000, seed=4)
    server = world.serve(both_ways(down))
    got, digest = exchange(world.connect(server.address), body, len(down))
    assert (sha(got), digest) == (sha(down), sha(body))


def test_the_hosts_lone_escape_is_data(world: World) -> None:
    """NOTE 1.5.4: three pluses between two silences would leave data mode."""
    up(world)
    s = world.connect(world.serve(echo).address)
    for text in (b"+++", b"++", b"+", b"++++++", b"+++"):
        time.sleep(1.3)
        s.sendall(text)
        assert receive_exactly(s, len(text)) == text
    s.sendall(b"+")
    time.sleep(0.6)
    s.sendall(b"++")
    assert receive_exactly(s, 3) == b"+++"
    assert session(world) == "data"


@pytest.mark.parametrize("text", [b"\r\nCLOSED\r\n", b"x\r\nNO CARRIER\r\n", b"\r\n*ATREADY: 1\r\n",
                                  b"\r\nCLOSED\r\n\r\n+IPCLOSE: 0,1\r\n", b"\r\nOK\r\n", b"\r\nCLO"])
def test_what_looks_like_the_end_at_the_end_of_data_is_data(world: World, text: bytes) -> None:
    up(world)
    s = world.connect(world.serve(echo).address)
    s.sendall(text)
    assert receive_exactly(s, len(text)) == text
    s.sendall(b"and on")
    assert receive_exactly(s, 6) == b"and on"


@pytest.mark.parametrize("form", ["closed", "closed_ipclose", "no_carrier"])
def test_the_peers_end_is_told_as_fin_behind_its_last_byte(world: World, form: str) -> None:
    up(world, {"transparent_remote_close": form, "byte_split": "on"})
    body = hostile_body(20_000, seed=5) + b"\r\n"
    s = world.connect(world.serve(request_reply(body)).address)
    s.sendall(b"GET\n")
    assert receive_all(s) == body


def escaped(world: World, sim: dict[str, object]) -> tuple[socket.socket, Visit]:
    """A flow whose session is in command mode because its peer wrote what looks like its end."""
    up(world, sim)
    server = world.serve(hold)
    s = world.connect(server.address)
    visit = server.visit()
    world.sim.set("parser_latency_ms", 1500)  # long enough to be seen
    visit.conn.sendall(b"before\r\nCLOSED\r\n")
    wait_for("command mode", lambda: session(world) == "command")
    return s, visit


def test_data_that_the_module_holds_while_escaped_follows(world: World) -> None:
    s, visit = escaped(world, {"data_while_escaped": "held"})
    visit.conn.sendall(b"meanwhile")
    assert receive_exactly(s, 25) == b"before\r\nCLOSED\r\nmeanwhile"
    s.sendall(b"and back")
    assert visit.recv() == b"and back"


def test_data_that_is_pushed_past_what_is_held_back_resets_the_flow(world: World) -> None:
    """Its place would be behind the bytes that are still in doubt: never out of order, never left out."""
    s, visit = escaped(world, {"data_while_escaped": "pushed"})
    visit.conn.sendall(b"meanwhile")
    got = b""
    with pytest.raises(ConnectionResetError):
        while more := s.recv(100):
            got += more
    assert b"before\r\nCLOSED\r\n".startswith(got)


def test_the_hosts_end_waits_until_the_peer_has_everything(world: World) -> None:
    up(world, {"uplink_bps": 16_000})  # three seconds
    body = hostile_body(6_000, seed=6)
    server = world.serve(lambda visit: [None for _ in iter(visit.recv, b"")])
    s = world.connect(server.address)
    s.sendall(body)
    s.close()
    visit = server.finished()
    assert (visit.end, visit.digest) == ("fin", sha(body))


def test_the_hosts_reset_closes_the_link(world: World) -> None:
    up(world)
    server = world.serve(hold)
    s = world.connect(server.address)
    visit = server.visit()
    reset(s)
    assert visit.recv() == b""
    world.gwd.wait_no_tcp()
    assert session(world) == "none"


def test_a_half_close_keeps_the_peers_answer(world: World) -> None:
    up(world)
    body = hostile_body(50_000, seed=7)

    def handler(visit):
        assert visit.recv() == b"question"
        time.sleep(4)
        visit.conn.sendall(body)

    s = world.connect(world.serve(handler).address)
    s.sendall(b"question")
    s.shutdown(socket.SHUT_WR)
    assert receive_all(s) == body


def test_a_slow_reader_holds_the_module_up_and_loses_nothing(world: World) -> None:
    up(world, **{"tcp.buffer": 16384})
    body = hostile_body(600_000, seed=8)
    s = world.client()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect(world.serve(source(body)).address)
    time.sleep(3)
    assert sha(receive_all(s)) == sha(body)


def test_a_second_flow_waits_for_the_first(world: World) -> None:
    up(world)
    server = world.serve(echo)
    first = world.connect(server.address)
    second = world.client()
    second.settimeout(0.5)
    with pytest.raises(TimeoutError):
        second.connect(server.address)
    assert [f["why"] for f in world.gwd.flows("tcp") if f["state"] == "waiting"] == [
        "the flow that has the line"]
    first.close()
    second.settimeout(30)
    assert connect_errno(second, server.address) == ""
    second.sendall(b"my turn")
    assert receive_exactly(second, 7) == b"my turn"


def test_a_second_flow_is_refused_if_configured(world: World) -> None:
    up(world, **{"transparent.busy": "refuse"})
    server = world.serve(echo)
    first = world.connect(server.address)
    assert connect_errno(world.client(), server.address) == "ECONNREFUSED"
    first.close()
    world.gwd.wait_no_tcp()
    third = world.connect(server.address)
    third.sendall(b"free")
    assert receive_exactly(third, 4) == b"free"


def test_a_refused_connection_is_refused(world: World) -> None:
    up(world)
    assert connect_errno(world.client(), (SERVERS4[0], 9)) == "ECONNREFUSED"
    assert session(world) == "none"


def test_udp_is_prohibited_unless_allowed(world: World) -> None:
    up(world)
    server = world.serve_udp(udp_echo)
    s = world.udp(5)
    s.connect(server.address)
    with pytest.raises(OSError):
        for _ in range(20):
            s.send(b"hello")
            time.sleep(0.1)


def test_udp_has_the_line_if_allowed(world: World) -> None:
    up(world, **{"transparent.udp": "yes", "udp.timeout": "5s"})
    server = world.serve_udp(udp_echo)
    s = world.udp()
    for n in range(3):
        s.sendto(b"datagram %d" % n, server.address)
        assert s.recvfrom(2000) == (b"datagram %d" % n, server.address)
    wait_for("the mapping to end", lambda: session(world) == "none", 20)


def test_a_lost_bearer_resets_the_flow_and_comes_back(world: World) -> None:
    up(world)
    server = world.serve(echo)
    s = world.connect(server.address)
    world.sim.command("cipevent")
    assert ends_in_reset(s)
    world.gwd.wait_state("up")
    s = world.connect(server.address)
    s.sendall(b"again")
    assert receive_exactly(s, 5) == b"again"
    world.mistakes_expected = True


def test_a_module_that_boots_in_data_mode_resets_the_flow(world: World) -> None:
    up(world)
    server = world.serve(echo)
    s = world.connect(server.address)
    world.sim.command("reset")
    assert ends_in_reset(s)
    world.gwd.wait_state("up")
    assert world.connect(server.address)
    world.mistakes_expected = True


def test_after_kill_9_in_data_mode_the_peer_gets_nothing_of_ours(world: World) -> None:
    up(world)
    server = world.serve(hold)
    s = world.connect(server.address)
    s.sendall(b"last words")
    visit = server.visit()
    assert visit.recv() == b"last words"
    world.gwd.process.popen.send_signal(signal.SIGKILL)
    world.forget_gwd(-signal.SIGKILL)
    world.start_gwd(TRANSPARENT)
    assert visit.recv() == b""
    assert ends_in_reset(s, poke=True)
    new = world.connect(world.serve(echo, port=8001).address)
    new.sendall(b"new")
    assert receive_exactly(new, 3) == b"new"


@pytest.mark.parametrize("then", ["push", "transparent"])
def test_a_module_found_in_the_other_mode_is_brought_over(world: World, then: str) -> None:
    first = "push" if then == "transparent" else "transparent"
    world.up(SIM, {"modem.receive": first})
    world.gwd.process.popen.send_signal(signal.SIGKILL)
    world.forget_gwd(-signal.SIGKILL)
    world.start_gwd({"modem.receive": then})
    s = world.connect(world.serve(echo).address)
    s.sendall(b"hello")
    assert receive_exactly(s, 5) == b"hello"
    assert world.sim.stats() and world.gwd.modem()["receive"] == then


def test_sigterm_in_data_mode_ends_it_in_time(world: World) -> None:
    up(world)
    server = world.serve(hold)
    world.connect(server.address)
    visit = server.visit()
    world.stop_gwd()
    assert visit.recv() == b""
    assert not world.open_links()


def test_names_come_from_the_module_and_fail_while_a_flow_has_the_line(world: World) -> None:
    up(world, {f"dns@h{n}.test": f"198.51.100.{n}" for n in (7, 8, 9)})
    server = (RESOLVER, 53)
    s = world.udp(15)
    s.sendto(query("h7.test", 1), server)
    assert addresses(s.recv(600)) == ["198.51.100.7"]
    flow = world.connect(world.serve(echo).address)
    s.sendto(query("h8.test", 2), server)
    answer = s.recv(600)
    assert (answer[3] & 15, addresses(answer)) == (2, [])  # SERVFAIL
    s.sendto(query("h9.test", 3), server)
    flow.close()
    assert addresses(s.recv(600)) == ["198.51.100.9"]


def test_ping_is_silent_while_a_flow_has_the_line(world: World) -> None:
    up(world)
    world.connect(world.serve(echo).address)
    world.inner.run("ping", "-c", "1", "-W", "1", SERVERS4[0], check=False)
    assert world.gwd.counter("echo_dropped") == 1
    assert session(world) == "data"
