# SPDX-License-Identifier: BSD-3-Clause
"""modem.ip = 6: the same gateway over an IPv6 bearer, and the truth about what that bearer cannot carry."""
from __future__ import annotations

import errno
import json
import socket

import pytest

from harness.dns import NameServer
from harness.servers import TcpServer, digest_of_counted, echo, udp_echo
from harness.traffic import connect_errno, hostile_body, sha, upload
from harness.waiting import wait_for
from harness.world import RESOLVER6, SERVERS4, SERVERS6, World
from test_clients import web

ADDRESS = "2409:8960:1e64:94d8:1:0:3b3b:7118"
HOST, PEER = SERVERS6[0], (SERVERS6[0], 80)
REMOTE = (HOST, 8000)
KNOB = f"open_result@{HOST}:80"
IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO, IPV6_PMTUDISC_DONT = 23, 2, 0
IP_RECVERR, IPV6_RECVERR = 11, 25  # without it UDP does not hear of unreachable networks


def up(world: World, sim: dict[str, object] | None = None, gwd: dict[str, object] | None = None, **kw) -> None:
    world.up({"ipv6": "on", **(sim or {})}, {"modem.ip": 6, **(gwd or {})}, **kw)


def client(world: World, timeout: float = 20) -> socket.socket:
    return world.client(timeout=timeout, family=socket.AF_INET6)


def udp(world: World) -> socket.socket:
    return world.udp(family=socket.AF_INET6)


def addresses(world: World) -> list[tuple[str, int]]:
    shown = json.loads(world.inner.ip("-json", "-6", "addr", "show", "cell0"))
    return [(a["local"], a["prefixlen"]) for entry in shown for a in entry.get("addr_info", [])]


def default_routes(world: World) -> list[dict]:
    return [r for r in json.loads(world.inner.ip("-json", "-6", "route", "show")) if r["dst"] == "default"]


def own_address(world: World, address: str) -> None:
    """The namespace has an address of this IP version elsewhere, as any real machine has."""
    world.inner.ip("addr", "add", address, "dev", "lo", *(["nodad"] if ":" in address else []))


# -- the interface -----------------------------------------------------------------------------


def test_address_carrier_and_default_route_follow_the_bearer(world: World) -> None:
    world.start_sim(ipv6="on")
    world.start_gwd({"modem.ip": 6, "interface.default_route": "yes"}, route=None)
    gwd, sim = world.gwd, world.sim
    assert gwd and sim
    wait_for("the address", lambda: addresses(world) == [(ADDRESS, 128)])
    wait_for("the route", lambda: default_routes(world))
    route = default_routes(world)[0]
    assert route["dev"] == "cell0" and route["metric"] == 700
    assert gwd.status()["interface"]["address"] == ADDRESS and gwd.status()["interface"]["default_route"]
    server = world.serve(echo, *REMOTE)
    with world.connect(server.address) as s:
        assert s.getsockname()[0] == ADDRESS
        s.sendall(b"x")
        assert s.recv(1) == b"x"
    sim.set("netopen_result", "1")
    sim.set("ip6_address", "2001:db8:9::7")
    sim.command("cipevent")
    wait_for("the route to go", lambda: not default_routes(world))
    sim.set("netopen_result", "0")
    wait_for("the new address", lambda: addresses(world) == [("2001:db8:9::7", 128)], timeout=90)
    wait_for("the route", lambda: default_routes(world))


def test_an_interface_that_was_down_gets_its_address_back(world: World) -> None:
    """The kernel takes IPv6 addresses off an interface that goes down."""
    up(world, gwd={"interface.default_route": "yes"}, route=None)
    wait_for("the route", lambda: default_routes(world))
    world.inner.ip("link", "set", "cell0", "down")
    wait_for("the address to go", lambda: not addresses(world))
    world.inner.ip("link", "set", "cell0", "up")
    wait_for("the address", lambda: addresses(world) == [(ADDRESS, 128)])
    wait_for("the route", lambda: default_routes(world))
    with world.connect(world.serve(echo, *REMOTE).address) as s:
        s.sendall(b"x")
        assert s.recv(1) == b"x"


def test_a_configured_address_is_used(world: World) -> None:
    up(world, gwd={"interface.address": "2001:db8:7::7/64", "interface.mtu": 1280})
    assert addresses(world) == [("2001:db8:7::7", 64)]
    with world.connect(world.serve(echo, *REMOTE).address) as s:
        assert s.getsockname()[0] == "2001:db8:7::7"
        s.sendall(b"x" * 5000)
        got = 0
        while got < 5000:
            got += len(s.recv(5000))


def test_the_kernels_own_ipv6_chatter_is_no_fault(world: World) -> None:
    """Multicast listener reports and neighbour discovery are ignored, not counted as malformed."""
    up(world)
    world.inner.ip("addr", "add", "fe80::1/64", "dev", "cell0", "nodad")
    with world.inner.entered():
        s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    index = int(world.gwd.status()["interface"]["ifindex"])  # type: ignore[union-attr]
    for kind in (133, 135, 143):  # router and neighbour solicitation, MLDv2 report
        s.sendto(bytes([kind]) + bytes(23), ("ff02::1", 0, 0, index))
    s.close()
    gwd = world.gwd
    assert gwd
    wait_for("the packets", lambda: gwd.counter("rx_unsupported") >= 3)
    assert gwd.counter("rx_malformed") == 0


def test_a_host_without_ipv6_is_told_so(world: World) -> None:
    world.start_sim(ipv6="on")
    world.inner.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
    gwd = world.start_gwd({"modem.ip": 6, "interface.default_route": "yes"}, route=None)
    wait_for("the reason", lambda: "IPv6 is disabled here" in gwd.process.text())
    assert gwd.status()["interface"]["address"] is None


# -- the bearer --------------------------------------------------------------------------------


def test_a_module_without_ip_types_says_so_and_does_not_come_up_as_ipv4(world: World) -> None:
    world.start_sim(csocksetpn_2nd_arg="error")
    gwd = world.start_gwd({"modem.ip": 6}, wait=None)
    wait_for("the failure", lambda: gwd.state() and gwd.modem()["failure"] == "ip")
    assert "IPv6" in gwd.modem()["reason"] and gwd.modem()["address"] is None
    assert world.sim and world.sim.commands("NETOPEN") == 0 or gwd.state() != "up"


def test_a_network_that_gives_ipv4_is_not_taken_for_ipv6(world: World) -> None:
    world.start_sim(ipv6="off")
    gwd = world.start_gwd({"modem.ip": 6}, wait=None)
    wait_for("the reason", lambda: gwd.state() and "expected IPv6" in (gwd.modem()["reason"] or ""))
    assert addresses(world) == []
    assert world.sim
    world.sim.set("ipv6", "on")
    gwd.wait_state("up", timeout=60)
    assert gwd.modem()["address"] == ADDRESS


def test_an_ipv4_network_left_open_is_opened_anew_as_ipv6(world: World) -> None:
    world.start_sim(ipv6="on")
    gwd = world.start_gwd(route=None)
    assert gwd.modem()["address"] == "10.148.0.17"
    gwd.process.kill()
    gwd = world.start_gwd({"modem.ip": 6})
    assert gwd.modem()["address"] == ADDRESS and gwd.modem()["recoveries"] == 0


def test_giving_up_on_ipv6_is_an_exit_of_its_own(world: World) -> None:
    world.start_sim(csocksetpn_2nd_arg="error")
    world.start_gwd({"modem.ip": 6, "modem.give_up": "yes"}, wait=None)
    world.forget_gwd(78)


@pytest.mark.parametrize("form", ["plain", "brackets"])
def test_either_form_of_an_address_is_found(world: World, form: str) -> None:
    up(world, {"ip6_literal": form})
    server = world.serve(echo, *REMOTE)
    world.serve_udp(udp_echo, *REMOTE)
    with world.connect(server.address) as s:
        s.sendall(b"x")
        assert s.recv(1) == b"x"
    d = udp(world)
    d.sendto(b"y", REMOTE)
    assert d.recv(10) == b"y"
    assert world.gwd and world.gwd.counter("tcp_refused") == 0


# -- TCP ---------------------------------------------------------------------------------------


@pytest.mark.needs("curl")
def test_curl_gets_and_puts_every_byte(world: World, receive: str) -> None:
    up(world, {"byte_split": "on"}, {"modem.receive": receive})
    body = hostile_body(300_000)
    world.serve(web(body), *PEER)
    out = world.folder / "fetched"
    world.inner.run("curl", "-6", "-sS", "-m", "50", "-o", str(out), f"http://[{HOST}]/file")
    assert sha(out.read_bytes()) == sha(body)
    server = world.serve(digest_of_counted, *REMOTE)
    with world.connect(server.address) as s:
        assert upload(s, body) == sha(body)


@pytest.mark.parametrize("code, expected", [
    ("1", "ECONNREFUSED"), ("2", "ENETUNREACH"), ("3", "ECONNREFUSED"), ("10", "EHOSTUNREACH"),
    ("11", "ECONNREFUSED"), ("12", "ECONNREFUSED"),
])
def test_the_clients_errno_follows_the_modules_code(world: World, code: str, expected: str) -> None:
    up(world, {KNOB: code, f"open_result@[{HOST}]:80": code})
    assert connect_errno(client(world), PEER) == expected


def test_silence_ends_as_host_unreachable(world: World) -> None:
    up(world, {KNOB: "never"}, {"tcp.connect_timeout": "3s"})
    assert connect_errno(client(world, 30), PEER) == "EHOSTUNREACH"


def test_after_kill_9_old_connections_are_reset_and_new_ones_work(world: World) -> None:
    up(world)
    server = world.serve(echo, *REMOTE)
    old = world.connect(server.address)
    old.sendall(b"x")
    assert old.recv(1) == b"x"
    assert world.gwd
    world.gwd.process.kill()
    up_again = world.start_gwd({"modem.ip": 6})
    assert addresses(world) == [(ADDRESS, 128)]
    with pytest.raises(OSError) as e:
        for _ in range(100):
            old.sendall(b"y")
            old.recv(1)
    assert e.value.errno in (errno.ECONNRESET, errno.EPIPE, errno.ETIMEDOUT)
    with world.connect(server.address) as s:
        s.sendall(b"z")
        assert s.recv(1) == b"z"
    assert up_again.modem()["address"] == ADDRESS


@pytest.mark.parametrize("source", ["remote", "gateway"])
def test_a_forward_leads_a_client_to_a_server_of_the_host(world: World, source: str) -> None:
    target = "2001:db8:5::10"
    own_address(world, f"{target}/128")
    up(world, {"client_quotes": "on"}, {"forward.tcp": f"8080:[{target}]:80", "forward.source": source})
    gwd = world.gwd
    assert gwd
    wait_for("the server to listen", lambda: [x["state"] for x in gwd.status()["forwards"]] == ["listening"])
    server = TcpServer(world.inner, (target, 80), digest_of_counted)
    world.servers.append(server)
    s = world.outer.socket(family=socket.AF_INET6)
    world.clients.append(s)
    s.bind((SERVERS6[0], 0))
    s.connect((SERVERS6[1], 8080))
    body = hostile_body(50_000)
    assert upload(s, body) == sha(body)
    assert (server.visit().peer == s.getsockname()[:2]) == (source == "remote")


# -- UDP and DNS -------------------------------------------------------------------------------


def test_datagrams_of_every_size_come_back_from_their_true_source(world: World) -> None:
    up(world, {"byte_split": "on"})
    for address in SERVERS6:
        world.serve_udp(udp_echo, address)
    s = udp(world)
    body = hostile_body(4000)
    for size in [*range(1, 1453, 29), 1451, 1452]:
        remote = (SERVERS6[size % 2], 8000)
        s.sendto(body[size:2 * size], remote)
        data, peer = s.recvfrom(4000)
        assert (data, peer[:2]) == (body[size:2 * size], remote), f"size {size}"


def test_what_does_not_fit_is_answered_with_the_path_mtu_or_dropped_whole(world: World) -> None:
    up(world, gwd={"interface.mtu": 2000})
    server = world.serve_udp(udp_echo, *REMOTE)
    s = udp(world)
    s.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO)
    s.connect(REMOTE)
    s.send(b"x" * 1453)

    def told() -> bool:
        try:
            s.send(b"x" * 1453)
        except OSError as e:
            return e.errno == errno.EMSGSIZE
        return False

    wait_for("EMSGSIZE", told)
    s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # a second answer may be waiting
    s.send(b"y" * 1452)
    assert s.recv(2000) == b"y" * 1452
    other = udp(world)
    other.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT)
    other.sendto(b"z" * 3000, REMOTE)  # fragments: no error is due, and no part of it goes out
    other.sendto(b"end", REMOTE)
    assert other.recv(100) == b"end"
    assert {len(data) for data, _ in server.seen} == {1452, 3}


def test_fragments_of_a_datagram_that_fits_are_put_together(world: World) -> None:
    up(world, gwd={"interface.mtu": 1280})
    world.serve_udp(udp_echo, *REMOTE)
    s = udp(world)
    body = hostile_body(1452)
    s.sendto(body, REMOTE)
    data, peer = s.recvfrom(4000)
    assert data == body and peer[:2] == REMOTE


@pytest.mark.needs("dig")
def test_dig_asks_a_resolver_over_ipv6(world: World) -> None:
    up(world)
    server = NameServer(world.outer, (RESOLVER6, 53))
    world.servers.append(server)  # type: ignore[arg-type]

    def dig(*argv: str) -> str:
        return world.inner.run("dig", f"@{RESOLVER6}", "+tries=1", "+time=10", "+short", *argv).stdout.strip()

    assert dig("h7.test", "AAAA") == "2001:db8:1::7"
    assert dig("h7.test", "A") == "198.51.100.7"
    assert dig("+tcp", "h8.test", "AAAA") == "2001:db8:1::8"


# -- the other IP version ----------------------------------------------------------------------


def test_ipv4_on_an_ipv6_bearer_is_refused_truthfully(world: World) -> None:
    up(world)
    own_address(world, "192.0.2.9/32")
    world.inner.ip("route", "add", "198.51.100.0/24", "dev", "cell0")
    assert connect_errno(world.client(timeout=20), (SERVERS4[0], 80)) == "ENETUNREACH"
    s = world.udp(timeout=5)
    s.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    s.connect((SERVERS4[0], 8000))
    s.send(b"x")
    with pytest.raises(OSError) as e:
        s.recv(10)
    assert e.value.errno == errno.ENETUNREACH


def test_ipv6_on_an_ipv4_bearer_is_refused_truthfully(world: World) -> None:
    world.up()
    own_address(world, "2001:db8:5::9/128")
    world.inner.ip("-6", "route", "add", "2001:db8:1::/64", "dev", "cell0")
    assert connect_errno(client(world), PEER) == "ENETUNREACH"
    s = udp(world)
    s.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
    s.connect(REMOTE)
    s.send(b"x")
    with pytest.raises(OSError) as e:
        s.recv(10)
    assert e.value.errno == errno.ENETUNREACH
