# SPDX-License-Identifier: BSD-3-Clause
"""The ways of a query (dns.mode): UDP, one TCP link, the module's own resolver."""
from __future__ import annotations

import socket
import struct

import pytest

from harness.dns import AAAA, TXT, NameServer, addresses, answer, query, question
from harness.servers import Visit, echo, read_exactly, source
from harness.traffic import receive_all
from harness.waiting import wait_for
from harness.world import OTHERS4, RESOLVER, RESOLVER6, World

SERVER = (RESOLVER, 53)
SECOND = (OTHERS4[0], 53)
HTTPS, PTR = 65, 12
FORMERR, SERVFAIL, NXDOMAIN, NOTIMP = 1, 2, 3, 4


def rcode(message: bytes) -> int:
    return message[3] & 0xF


def ask(world: World, name: str, ident: int = 7, qtype: int = 1, server=SERVER) -> bytes:
    s = world.udp()
    s.sendto(query(name, ident, qtype), server)
    reply, peer = s.recvfrom(2000)
    assert peer == server and question(reply)[:3] == (ident, name, qtype)
    return reply


def sixty(world: World) -> None:
    """At once, each from its own port, all with the same id."""
    sockets = [world.udp() for _ in range(60)]
    for n, s in enumerate(sockets):
        s.sendto(query(f"h{n}.test", 4711), SERVER)
    for n, s in enumerate(sockets):
        reply, peer = s.recvfrom(600)
        assert peer == SERVER and question(reply)[:2] == (4711, f"h{n}.test")
        assert addresses(reply) == [f"198.51.100.{n}"]


def only_tcp(world: World, handler):
    """A resolver that has no UDP."""
    return world.serve(handler, RESOLVER, 53)


def read_query(visit: Visit) -> bytes:
    head = read_exactly(visit, 2)
    return read_exactly(visit, struct.unpack("!H", head)[0]) if len(head) == 2 else b""


def send_answer(visit: Visit, message: bytes) -> None:
    reply = answer(message, tcp=True)
    visit.conn.sendall(struct.pack("!H", len(reply)) + reply)


@pytest.mark.parametrize("mode, modem", [("tcp", "push"), ("tcp", "buffer"), ("auto", "buffer")])
def test_sixty_queries_at_once_go_by_one_tcp_connection(world: World, resolver, mode: str, modem: str) -> None:
    world.up({"byte_split": "on"}, {"dns.mode": mode, "modem.receive": modem})
    gwd = world.gwd
    assert gwd and world.sim
    sixty(world)
    assert len(resolver.tcp.visits) == 1 and not resolver.udp.seen
    assert world.sim.commands("CIPOPEN") == 1
    assert [x["remote"] for x in gwd.links("dns")] == [f"{RESOLVER}:53"]


def test_auto_asks_by_udp_while_the_module_pushes(world: World, resolver) -> None:
    world.up(gwd={"modem.receive": "push"})
    sixty(world)
    assert not resolver.tcp.visits and len(resolver.udp.seen) == 60


def test_udp_can_be_had_in_buffer_mode_too(world: World, resolver) -> None:
    world.up(gwd={"dns.mode": "udp", "modem.receive": "buffer"})
    assert addresses(ask(world, "h3.test")) == ["198.51.100.3"]
    assert not resolver.tcp.visits


@pytest.mark.needs("dig")
@pytest.mark.parametrize("mode", ["udp", "tcp"])
def test_dig_gets_everything_in_each_mode(world: World, resolver, mode: str, receive: str) -> None:
    world.up(gwd={"dns.mode": mode, "modem.receive": receive})

    def dig(*argv: str) -> str:
        return world.inner.run("dig", f"@{RESOLVER}", "+tries=1", "+time=10", *argv).stdout

    assert dig("+short", "h7.test", "A").strip() == "198.51.100.7"
    assert dig("+short", "h7.test", "AAAA").strip() == "2001:db8:1::7"
    assert "NXDOMAIN" in dig("nothing.example", "A")
    assert len(dig("+short", "big.test", "TXT").splitlines()) == 8
    assert dig("+short", "+tcp", "h8.test", "A").strip() == "198.51.100.8"


def test_an_answer_too_large_for_a_datagram_is_truncated_and_had_by_tcp(world: World, resolver) -> None:
    world.up(gwd={"dns.mode": "tcp"})
    assert world.gwd
    reply = ask(world, "big.test", 9, TXT)
    assert reply[2] & 0x02 and len(reply) < 512
    assert world.gwd.counter("dns_truncated") == 1
    s = world.connect(SERVER)
    message = query("big.test", 9, TXT)
    s.sendall(struct.pack("!H", len(message)) + message)
    got = s.makefile("rb").read(2 + 2000)
    assert struct.unpack_from("!H", got)[0] > 2000


def test_a_resolver_that_closes_after_each_answer_answers_all_the_same(world: World, resolver) -> None:
    """Two connections are tried, the rest goes by UDP."""
    world.up(gwd={"dns.mode": "tcp"})
    resolver.tcp.handler = lambda visit: send_answer(visit, read_query(visit))
    sixty(world)
    assert world.gwd and world.gwd.counter("dns_fallbacks") >= 58


def test_a_resolver_that_closes_when_it_has_answered_is_connected_to_again(world: World) -> None:
    def one(visit: Visit) -> None:
        send_answer(visit, read_query(visit))

    world.up(gwd={"dns.mode": "tcp"})
    server = only_tcp(world, one)
    for n in range(4):
        assert addresses(ask(world, f"h{n}.test", n)) == [f"198.51.100.{n}"]
        server.finished(n)
    assert world.gwd and world.gwd.counter("dns_fallbacks") == 0


def test_answers_may_come_in_any_order(world: World) -> None:
    def backwards(visit: Visit) -> None:
        for message in reversed([read_query(visit) for _ in range(10)]):
            send_answer(visit, message)
        read_query(visit)

    world.up(gwd={"dns.mode": "tcp"})
    only_tcp(world, backwards)
    sockets = [world.udp() for _ in range(10)]
    for n, s in enumerate(sockets):
        s.sendto(query(f"h{n}.test", 1), SERVER)
    for n, s in enumerate(sockets):
        assert addresses(s.recv(600)) == [f"198.51.100.{n}"]


def test_a_resolver_without_tcp_is_asked_by_udp(world: World, receive: str) -> None:
    world.up(gwd={"dns.mode": "tcp", "modem.receive": receive})
    resolver = NameServer(world.outer, SERVER)
    resolver.tcp.stop()
    world.servers.append(resolver)  # type: ignore[arg-type]
    sixty(world)
    assert len(resolver.udp.seen) >= 60


def test_two_resolvers_share_the_one_link(world: World, resolver) -> None:
    world.up(gwd={"dns.mode": "tcp"})
    second = NameServer(world.outer, SECOND)
    world.servers.append(second)  # type: ignore[arg-type]
    for n in range(3):
        assert addresses(ask(world, f"h{n}.test", n, server=SERVER)) == [f"198.51.100.{n}"]
        assert addresses(ask(world, f"h{n}.test", n, server=SECOND)) == [f"198.51.100.{n}"]
    assert not resolver.udp.seen and not second.udp.seen
    assert world.gwd and len(world.gwd.links("dns")) == 1


def test_the_link_for_names_does_not_keep_a_flow_waiting(world: World, resolver) -> None:
    """Nine flows, names by TCP, and other UDP, which wants the tenth link: all are served in turn."""
    world.up(gwd={"dns.mode": "tcp", "links.udp": 1, "links.connecting": 9})
    server = world.serve(echo)
    noise = world.serve_udp(lambda data, peer, s: s.sock.sendto(data, peer))
    u = world.udp()
    u.sendto(b"x", noise.address)
    assert u.recv(10) == b"x"
    assert addresses(ask(world, "h1.test")) == ["198.51.100.1"]
    clients = [world.connect(server.address) for _ in range(9)]
    for s in clients:
        s.sendall(b"y")
        assert s.recv(1) == b"y"
    assert addresses(ask(world, "h2.test")) == ["198.51.100.2"]


def test_the_link_for_names_is_closed_when_it_is_idle(world: World, resolver) -> None:
    world.up(gwd={"dns.mode": "tcp"})
    gwd = world.gwd
    assert gwd
    ask(world, "h1.test")
    assert gwd.links("dns")
    wait_for("the link to be free", lambda: gwd.links() == [], timeout=30)


def test_names_by_tcp_do_not_keep_the_module_in_buffer_mode(world: World, resolver) -> None:
    """A slow reader makes it buffer mode; when he is gone, push is back though names are asked all the time."""
    gwd = world.up(gwd={"modem.receive": "auto"})
    slow = world.client()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    slow.connect(world.serve(source(b"x" * 1048576), port=8001).address)
    wait_for("buffer mode", lambda: gwd.modem()["receive"] == "buffer")
    ask(world, "h1.test")
    assert len(resolver.tcp.visits) == 1 and not resolver.udp.seen
    assert len(receive_all(slow)) == 1048576
    slow.close()
    gwd.wait_no_tcp()

    def back() -> bool:
        ask(world, "h2.test")
        return gwd.modem()["receive"] == "push"

    wait_for("push mode", back)
    ask(world, "h3.test")
    assert resolver.udp.seen


# -- the module's own resolver ---------------------------------------------------------------------


def up_by_modem(world: World, sim: dict[str, object] | None = None, **options: object) -> None:
    names = {f"dns@h{n}.test": f"198.51.100.{n}" for n in range(60)}
    world.up({**names, **(sim or {})}, {"dns.mode": "modem", **options})


def test_the_module_resolves_whoever_is_asked(world: World) -> None:
    up_by_modem(world)
    assert world.sim
    assert addresses(ask(world, "h7.test")) == ["198.51.100.7"]
    assert addresses(ask(world, "h8.test", server=("192.0.2.99", 53))) == ["198.51.100.8"]
    sixty(world)
    assert world.sim.commands("CIPOPEN") == 0


def test_what_the_module_cannot_tell_is_said_to_be_so(world: World) -> None:
    up_by_modem(world, {"dns@gone.test": "fail"})
    assert world.sim
    for qtype, code in ((AAAA, 0), (HTTPS, 0), (PTR, NOTIMP), (TXT, NOTIMP)):
        reply = ask(world, "h7.test", qtype=qtype)
        assert rcode(reply) == code and struct.unpack_from("!H", reply, 6)[0] == 0
    assert world.sim.commands("CDNSGIP") == 0
    assert rcode(ask(world, "gone.test")) == SERVFAIL
    s = world.udp()
    s.sendto(query("h1.test", 5)[:-2], SERVER)
    assert rcode(s.recv(600)) == FORMERR
    s.sendto(query('x"y.test', 6), SERVER)
    assert rcode(s.recv(600)) == SERVFAIL
    assert world.sim.commands("CDNSGIP") == 1


@pytest.mark.needs("dig", "getent")
def test_real_resolvers_take_the_modules_answers(world: World) -> None:
    up_by_modem(world)
    done = world.inner.run("dig", "@192.0.2.1", "+tries=1", "+time=10", "h9.test", "A").stdout
    assert "NOERROR" in done and "198.51.100.9" in done and "EDNS: version: 0" in done
    done = world.inner.run("dig", "@192.0.2.1", "+tries=1", "+time=10", "+edns=3", "+noednsneg", "h9.test").stdout
    assert "BADVERS" in done
    conf = world.folder / "resolv.conf"
    conf.write_text("nameserver 192.0.2.1\n")
    found = world.inner.run("sh", "-c", f"mount --bind {conf} /etc/resolv.conf && getent ahosts h11.test")
    assert "198.51.100.11" in found.stdout


def test_names_and_ten_flows_at_once(world: World) -> None:
    """links.udp = 0 gives the tenth link to TCP, since names need none (decision 8)."""
    up_by_modem(world, **{"links.udp": 0, "links.connecting": 9})
    gwd = world.gwd
    assert gwd
    server = world.serve(echo)
    clients = [world.connect(server.address) for _ in range(10)]
    for s in clients:
        s.sendall(b"x")
        assert s.recv(1) == b"x"
    assert len(gwd.links("tcp")) == 10
    sixty(world)
    for s in clients:
        s.sendall(b"y")
        assert s.recv(1) == b"y"


def test_a_slow_look_up_is_servfail_and_the_bearer_stays(world: World) -> None:
    up_by_modem(world, {"dns@late.test": "198.51.100.9"}, **{"udp.dns_timeout": "2s"})
    assert world.sim and world.gwd
    world.sim.set("dns", "delay:4000")
    assert rcode(ask(world, "late.test")) == SERVFAIL
    world.sim.set("dns", "host")
    wait_for("the next name", lambda: addresses(ask(world, "h3.test", 8)) == ["198.51.100.3"])
    assert world.gwd.state() == "up"


def test_a_reload_changes_the_mode(world: World, resolver) -> None:
    conf = world.folder / "gwd.conf"
    conf.write_text("[dns]\nmode = udp\n")
    world.start_sim(**{"dns@h1.test": "198.51.100.77"})
    gwd = world.start_gwd(arguments=["-c", str(conf)])
    assert addresses(ask(world, "h1.test")) == ["198.51.100.1"]
    conf.write_text("[dns]\nmode = modem\n")
    gwd.process.popen.send_signal(1)
    wait_for("the new mode", lambda: addresses(ask(world, "h1.test")) == ["198.51.100.77"])


# -- who is asked ----------------------------------------------------------------------------------


def test_the_networks_servers_are_in_status(world: World) -> None:
    gwd = world.up({"operator_dns": "192.0.2.53,192.0.2.54"})
    assert gwd.modem()["dns"] == ["192.0.2.53", "192.0.2.54"]


def test_a_module_that_does_not_say_its_servers_comes_up(world: World) -> None:
    gwd = world.up({"operator_dns": "error"}, {"modem.dns": "192.0.2.1"})
    assert gwd.modem()["dns"] == []


def test_the_modules_own_servers_can_be_set(world: World) -> None:
    world.up(gwd={"modem.dns": ["192.0.2.1", "192.0.2.2"]})
    dialogue = (world.folder / "dialogue.txt").read_text(errors="replace").replace("\\x22", '"')
    assert 'AT+CDNSCFG="192.0.2.1","192.0.2.2"' in dialogue


@pytest.mark.parametrize("bad", [["dns.example"], ["192.0.2.1", "192.0.2.2", "192.0.2.3"], ["0.0.0.0"]])
def test_servers_that_are_none_are_refused(world: World, bad: list[str]) -> None:
    argv = [x for item in bad for x in ("-o", f"modem.dns={item}")]
    done = world.inner.run(str(world.binaries.gwd), "-d", "/dev/null", "--check", *argv, check=False)
    assert done.returncode == 78 and "modem.dns" in done.stderr


# -- over IPv6 -------------------------------------------------------------------------------------


def up6(world: World, sim: dict[str, object] | None = None, **options: object) -> NameServer:
    """An IPv6 bearer, a resolver that only IPv6 reaches, and a host with an IPv4 address of its own."""
    world.up({"ipv6": "on", "operator_dns": RESOLVER6, **(sim or {})}, {"modem.ip": 6, **options})
    world.inner.ip("addr", "add", "192.168.7.7/32", "dev", "lo")
    world.inner.ip("route", "replace", "default", "dev", "cell0", "src", "192.168.7.7")
    server = NameServer(world.outer, (RESOLVER6, 53))
    world.servers.append(server)  # type: ignore[arg-type]
    return server


@pytest.mark.parametrize("mode", ["udp", "tcp"])
def test_on_an_ipv6_bearer_an_ipv4_resolver_is_stood_in_for(world: World, mode: str) -> None:
    server = up6(world, **{"dns.mode": mode})
    assert world.gwd and world.gwd.modem()["dns"] == [RESOLVER6]
    assert addresses(ask(world, "h1.test", qtype=AAAA)) == ["2001:db8:1::1"]
    assert len(server.udp.seen if mode == "udp" else server.tcp.visits) == 1


def test_on_an_ipv6_bearer_the_configured_resolver_comes_first(world: World) -> None:
    server = up6(world, {"operator_dns": "2001:db8:1::99"}, **{"modem.dns": [RESOLVER, RESOLVER6]})
    assert addresses(ask(world, "h1.test", qtype=AAAA)) == ["2001:db8:1::1"]
    assert server.udp.seen


def test_without_a_known_ipv6_resolver_an_ipv4_one_is_refused(world: World) -> None:
    up6(world, {"operator_dns": RESOLVER})
    s = world.udp()
    s.connect(SERVER)
    s.send(query("h1.test", 7))
    with pytest.raises(OSError):
        s.recv(600)


def test_on_an_ipv6_bearer_the_module_finds_ipv6_addresses(world: World) -> None:
    up6(world, {"dns@h1.test": "2001:db8:1::1"}, **{"dns.mode": "modem"})
    assert addresses(ask(world, "h1.test", qtype=AAAA)) == ["2001:db8:1::1"]
    reply = ask(world, "h1.test")
    assert rcode(reply) == 0 and addresses(reply) == []
