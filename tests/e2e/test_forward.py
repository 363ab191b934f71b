# SPDX-License-Identifier: BSD-3-Clause
"""Clients from outside: servers of the module, forwarded to servers behind cell0."""
from __future__ import annotations

import contextlib
import signal
import socket
import threading

import pytest

from harness.netns import Namespace
from harness.servers import TcpServer, Visit, both_ways, digest_of_counted, echo, hold, read_exactly, source
from harness.traffic import exchange, hostile_body, receive_all, receive_exactly, sha
from harness.waiting import wait_for
from harness.world import OTHERS4, SERVERS4, World

MODULE = SERVERS4[4]  # an address of the module's side of the Internet
CLIENT = OTHERS4[0]
HOST = "192.0.2.10"  # of the machine that gwd runs on
BEHIND = "192.0.2.130"  # a machine behind that one
PORT = 8080


class Outside:
    """What forwards need: an inner server, and clients on the Internet."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.inner.ip("addr", "add", f"{HOST}/32", "dev", "lo")

    def inner(self, handler, address: str = HOST, port: int = 80, ns: Namespace | None = None) -> TcpServer:
        server = TcpServer(ns or self.world.inner, (address, port), handler)
        self.world.servers.append(server)
        return server

    def start(self, *rules: str, sim: dict | None = None, **options: object) -> None:
        self.world.start_sim(**(sim or {}))
        self.begin(*rules, **options)

    def begin(self, *rules: str, **options: object) -> None:
        settings: dict[str, object] = {"forward.tcp": list(rules or [f"{PORT}:{HOST}:80"])}
        settings |= {k.replace("__", "."): v for k, v in options.items()}
        self.world.start_gwd(settings)
        self.listening(len(rules) or 1)

    def listening(self, n: int = 1) -> None:
        wait_for(f"{n} servers to listen", lambda: [x["state"] for x in self.forwards()] == ["listening"] * n)

    def forwards(self) -> list[dict]:
        assert self.world.gwd
        return self.world.gwd.status()["forwards"]

    def client(self, port: int = PORT, source: str = CLIENT, timeout: float = 60) -> socket.socket:
        s = self.world.outer.socket(timeout=timeout)
        self.world.clients.append(s)
        s.bind((source, 0))
        s.connect((MODULE, port))
        return s


@pytest.fixture
def outside(world: World) -> Outside:
    return Outside(world)


def behind(world: World) -> Namespace:
    """A machine behind the host, which routes for it."""
    ns = world.namespace("lan")
    world.inner.ip("link", "add", "lan0", "type", "veth", "peer", "name", "eth0", "netns", ns.name)
    world.inner.ip("addr", "add", "192.0.2.129/30", "dev", "lan0")
    world.inner.ip("link", "set", "lan0", "up")
    world.inner.sysctl("net.ipv4.ip_forward", 1)
    ns.ip("addr", "add", f"{BEHIND}/30", "dev", "eth0")
    ns.ip("link", "set", "eth0", "up")
    ns.ip("route", "add", "default", "via", "192.0.2.129")
    return ns


# -- who is who ------------------------------------------------------------------------------------


def test_the_server_sees_the_clients_own_address_and_port(world: World, outside: Outside, receive: str) -> None:
    outside.start(modem__receive=receive)
    server = outside.inner(echo)
    s = outside.client()
    s.sendall(b"hello")
    assert receive_exactly(s, 5) == b"hello"
    assert server.visit().peer == s.getsockname()
    assert world.gwd
    [flow] = world.gwd.flows("tcp")
    assert flow["direction"] == "in"
    assert flow["remote"] == "%s:%d" % s.getsockname()
    assert flow["local"] == f"{HOST}:80"
    assert flow["inode"], "the owner of the server's socket"
    [forward] = outside.forwards()
    assert (forward["port"], forward["target"]) == (PORT, f"{HOST}:80")
    assert (forward["accepted"], forward["refused"], forward["active"]) == (1, 0, 1)
    assert world.gwctl("flows").stdout.count(" in  ") == 1
    assert f"{PORT}" in world.gwctl("status").stdout


def test_a_machine_behind_the_host_sees_the_client_too(world: World, outside: Outside) -> None:
    ns = behind(world)
    outside.start(f"{PORT}:{BEHIND}:80")
    server = outside.inner(digest_of_counted, BEHIND, ns=ns)
    s = outside.client()
    body = hostile_body(300_000)
    s.sendall(b"%010d" % len(body) + body)
    assert receive_all(s).decode() == sha(body)
    assert server.visit().peer == s.getsockname()


@pytest.mark.parametrize("address", ["auto", "10.77.0.1/24", "10.77.0.2/30"])
def test_with_source_gateway_replies_find_their_way_without_a_route(world: World, outside: Outside,
                                                                   address: str) -> None:
    """And although strict rp_filter would drop what comes from an address that is routed elsewhere."""
    world.inner.sysctl("net.ipv4.conf.all.rp_filter", 1)
    world.start_sim()
    world.start_gwd({"forward.tcp": f"{PORT}:{HOST}:80", "forward.source": "gateway",
                     "interface.address": address}, route=None)
    outside.listening()
    server = outside.inner(echo)
    clients = [outside.client() for _ in range(3)]
    for s in clients:
        s.sendall(b"hello")
        assert receive_exactly(s, 5) == b"hello"
    peers = {v.peer for v in server.visits}
    assert len(peers) == 3 and len({host for host, _ in peers}) == 1
    assert not {host for host, _ in peers} & {CLIENT, HOST}
    assert f"{peers.pop()[0]} dev cell0" in world.inner.ip("route")


def test_source_gateway_serves_a_machine_behind_the_host(world: World, outside: Outside) -> None:
    ns = behind(world)
    world.start_sim()
    world.start_gwd({"forward.tcp": f"{PORT}:{BEHIND}:80", "forward.source": "gateway"}, route=None)
    outside.listening()
    outside.inner(echo, BEHIND, ns=ns)
    s = outside.client()
    s.sendall(b"hello")
    assert receive_exactly(s, 5) == b"hello"


def test_two_routing_rules_are_enough_for_true_addresses(world: World, outside: Outside) -> None:
    """As gwd.conf(5) says, with strict rp_filter."""
    world.inner.sysctl("net.ipv4.conf.all.rp_filter", 1)
    world.start_sim()
    gwd = world.start_gwd({"forward.tcp": f"{PORT}:{HOST}:80"}, route=None)
    assert "rp_filter" in gwd.process.text(), "a warning"
    world.inner.ip("route", "add", "default", "dev", "cell0", "table", "100")
    world.inner.ip("rule", "add", "pref", "100", "lookup", "main", "suppress_prefixlength", "0")
    world.inner.ip("rule", "add", "pref", "101", "from", HOST, "lookup", "100")
    outside.listening()
    server = outside.inner(echo)
    s = outside.client()
    s.sendall(b"hello")
    assert receive_exactly(s, 5) == b"hello"
    assert server.visit().peer == s.getsockname()


# -- bytes -----------------------------------------------------------------------------------------


def test_a_mebibyte_each_way_is_what_was_sent(world: World, outside: Outside, receive: str) -> None:
    outside.start(sim={"byte_split": "on"}, modem__receive=receive)
    body, answer = hostile_body(1 << 20, 1), hostile_body(1 << 20, 2)
    outside.inner(both_ways(answer))
    got, digest = exchange(outside.client(), body, len(answer))
    assert sha(got) == sha(answer)
    assert digest == sha(body)


def test_what_a_client_sends_at_once_waits_for_its_server(world: World, outside: Outside, receive: str) -> None:
    """The SYN to the inner server is on its way, and the client's request is here already."""
    outside.start(modem__receive=receive)
    world.inner.ip("route", "add", "blackhole", CLIENT)
    outside.inner(digest_of_counted)
    s = outside.client()
    body = hostile_body(20_000)
    s.sendall(b"%010d" % len(body) + body)
    assert world.gwd
    wait_for("bytes that wait", lambda: [f["rx_buffered_bytes"] > 0 for f in world.gwd.flows("tcp")] == [True])
    assert [f["state"] for f in world.gwd.flows("tcp")] == ["connect"]
    world.inner.ip("route", "del", "blackhole", CLIENT)
    assert receive_all(s).decode() == sha(body)


def test_a_client_that_asked_and_left_is_served_whole(world: World, outside: Outside, receive: str) -> None:
    outside.start(modem__receive=receive)
    server = outside.inner(lambda visit: read_exactly(visit, 1 << 20))
    body = hostile_body(100_000)
    s = outside.client()
    s.sendall(body)
    s.close()
    visit = server.finished()
    assert (visit.end, visit.digest) == ("fin", sha(body))


# -- ends ------------------------------------------------------------------------------------------


def test_a_server_that_refuses_closes_the_client(world: World, outside: Outside) -> None:
    outside.start()
    s = outside.client()
    assert s.recv(1) == b""
    assert world.gwd
    wait_for("the link to be free", lambda: world.gwd.links("tcp") == [])
    assert outside.forwards()[0]["refused"] == 1
    assert world.gwd.counter("forward_refused") == 1
    outside.inner(echo)
    again = outside.client()
    again.sendall(b"x")
    assert receive_exactly(again, 1) == b"x"


def test_a_machine_that_is_not_there_closes_the_client(world: World, outside: Outside) -> None:
    """The host says "unreachable", long before any time-out of ours."""
    behind(world).delete()
    outside.start(f"{PORT}:{BEHIND}:80")
    s = outside.client(timeout=15)
    assert s.recv(1) == b""


@pytest.mark.long
def test_a_server_that_says_nothing_closes_the_client_after_a_while(world: World, outside: Outside) -> None:
    outside.start()
    world.inner.ip("route", "add", "blackhole", CLIENT)
    s = outside.client()
    assert s.recv(1) == b""
    assert outside.forwards()[0]["refused"] == 1


def test_a_server_that_closes_ends_the_client_after_its_last_byte(world: World, outside: Outside,
                                                                receive: str) -> None:
    outside.start(modem__receive=receive)
    body = hostile_body(200_000)

    def send_and_close(visit: Visit) -> None:
        visit.conn.sendall(body)

    outside.inner(send_and_close)
    assert sha(receive_all(outside.client())) == sha(body)


def test_a_server_that_half_closes_still_hears_the_client(world: World, outside: Outside) -> None:
    """shutdown(SHUT_WR) of the server: its socket has an owner, so the link stays."""
    outside.start()
    server = outside.inner(source(b"bye"))
    s = outside.client()
    wait_for("the half-close to be known", lambda: [f["state"] for f in world.gwd.flows("tcp")] == ["linger"])
    body = hostile_body(50_000)
    s.sendall(body)
    assert receive_exactly(s, 3) == b"bye"
    s.shutdown(socket.SHUT_WR)
    visit = server.finished()
    assert (visit.end, visit.digest) == ("fin", sha(body))


def test_a_server_behind_the_host_that_closes_gives_the_link_back(world: World, outside: Outside) -> None:
    """Its socket is nobody's we could ask: tcp.linger decides."""
    ns = behind(world)
    outside.start(f"{PORT}:{BEHIND}:80", tcp__linger="1s")

    def send_and_close(visit: Visit) -> None:
        visit.conn.sendall(b"bye")

    outside.inner(send_and_close, BEHIND, ns=ns)
    s = outside.client()
    assert receive_exactly(s, 3) == b"bye"
    wait_for("the link to be free", lambda: world.gwd.links("tcp") == [])


def test_a_client_that_half_closes_ends_both_directions(world: World, outside: Outside) -> None:
    """The module closes with its peer (note 4.2): the server gets every byte, then FIN."""
    outside.start()
    server = outside.inner(lambda visit: read_exactly(visit, 1 << 20))
    s = outside.client()
    body = hostile_body(30_000)
    s.sendall(body)
    s.shutdown(socket.SHUT_WR)
    visit = server.finished()
    assert (visit.end, visit.digest) == ("fin", sha(body))


def test_a_reset_of_the_server_closes_the_client(world: World, outside: Outside) -> None:
    outside.start()
    server = outside.inner(hold)
    s = outside.client()
    server.visit().reset()
    assert s.recv(1) == b""


# -- four rules, and changes -----------------------------------------------------------------------


def config(world: World, *rules: str, extra: str = "") -> str:
    text = (f"[modem]\ndevice = {world.folder / 'ttyA76'}\napn = internet\nbaud = 921600\n"
            f"[log]\nlevel = debug\n[forward]\n")
    return text + "".join(f"tcp = {rule}\n" for rule in rules) + extra


def test_four_servers_lead_to_four_places(world: World, outside: Outside) -> None:
    outside.start(*(f"{PORT + i}:{HOST}:{80 + i}" for i in range(4)))
    for i in range(4):
        outside.inner(source(b"%d" % i), port=80 + i)
    for i in range(4):
        assert receive_exactly(outside.client(PORT + i), 1) == b"%d" % i


def test_reload_adds_and_removes_forwards_and_leaves_flows_alone(world: World, outside: Outside) -> None:
    world.start_sim()
    path = world.folder / "gwd.conf"
    path.write_text(config(world, f"{PORT}:{HOST}:80", f"{PORT + 1}:{HOST}:81"))
    none = {k: None for k in ("modem.device", "modem.apn", "modem.baud", "log.level")}
    gwd = world.start_gwd(none, arguments=["-c", str(path)])
    outside.listening(2)
    outside.inner(echo)
    outside.inner(source(b"81"), port=81)
    outside.inner(source(b"82"), port=82)
    s = outside.client()
    s.sendall(b"x")
    assert receive_exactly(s, 1) == b"x"
    path.write_text(config(world, f"{PORT + 1}:{HOST}:82", f"{PORT + 2}:{HOST}:81"))
    gwd.process.signal(signal.SIGHUP)
    wait_for("the new rules", lambda: [(x["port"], x["state"]) for x in outside.forwards()] in (
        [(PORT + 1, "listening"), (PORT + 2, "listening")], [(PORT + 2, "listening"), (PORT + 1, "listening")]))
    wait_for("the old one's end", lambda: refused(outside, PORT))
    assert receive_exactly(outside.client(PORT + 1), 2) == b"82"
    assert receive_exactly(outside.client(PORT + 2), 2) == b"81"
    s.sendall(b"y")  # its rule is gone, it is not
    assert receive_exactly(s, 1) == b"y"
    path.write_text(config(world, extra="source = gateway\n"))
    gwd.process.signal(signal.SIGHUP)
    wait_for("the end of all rules", lambda: outside.forwards() == [] and refused(outside, PORT + 2))


def refused(outside: Outside, port: int) -> bool:
    try:
        outside.client(port, timeout=10).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize("rule, word", [
    ("8080:127.0.0.1:80", "forward.tcp"), ("8080:localhost:80", "forward.tcp"), ("0:192.0.2.1:80", "forward.tcp"),
    ("8080:192.0.2.1", "forward.tcp"), ("8080:[2001:db8::1]:80", "modem.ip"),
])
def test_check_refuses_rules_that_cannot_work(world: World, rule: str, word: str) -> None:
    done = world.inner.run(str(world.binaries.gwd), "--check", "-o", "modem.device=/dev/ttyUSB2",
                           "-o", f"forward.tcp={rule}", check=False)
    assert done.returncode == 78
    assert word in done.stderr


# -- the module's side -----------------------------------------------------------------------------


def test_all_ten_links_are_taken_by_both_sides(world: World, outside: Outside) -> None:
    outside.start()
    outside.inner(echo)
    server = world.serve(echo)
    hosts = [world.connect(server.address) for _ in range(4)]
    clients = [outside.client() for _ in range(6)]
    for s in hosts + clients:
        s.sendall(b"x")
        assert receive_exactly(s, 1) == b"x"
    assert world.gwd and world.sim
    links = {x["link"]: x for x in world.gwd.links("tcp")}
    assert len(links) == 10
    inbound = {f["link"] for f in world.gwd.flows("tcp") if f["direction"] == "in"}
    assert inbound == set(range(6)), "accepted sockets take the lowest, ours the highest"
    with contextlib.suppress(ConnectionError):  # the module has no link for it
        assert outside.client().recv(1) == b""
    waits = world.client(timeout=60)
    thread = threading.Thread(target=waits.connect, args=(server.address,), daemon=True)
    thread.start()
    wait_for("a held SYN", lambda: world.gwd.status()["flows"]["held"] == 1)
    for c in clients:
        c.close()
    thread.join(30)
    waits.sendall(b"y")
    assert receive_exactly(waits, 1) == b"y"


def test_a_seventh_client_is_closed_and_the_six_stay(world: World, outside: Outside) -> None:
    outside.start()
    outside.inner(echo)
    clients = [outside.client() for _ in range(6)]
    for s in clients:
        s.sendall(b"x")
        assert receive_exactly(s, 1) == b"x"
    with contextlib.suppress(ConnectionError):
        assert outside.client().recv(1) == b""
    for s in clients:
        s.sendall(b"y")
        assert receive_exactly(s, 1) == b"y"


@pytest.mark.parametrize("answer", ["4", "8", "error"])
def test_an_open_that_loses_its_number_to_a_client_takes_another(world: World, outside: Outside,
                                                                answer: str) -> None:
    """Clients and we take from the same end: numbers collide."""
    outside.start(sim={"accept_link_choice": "highest", "open_used_link": answer, "parser_latency_ms": 20})
    outside.inner(echo)
    server = world.serve(echo)
    world.mistakes_expected = True  # to the simulator a CIPOPEN that is late looks careless
    stop = threading.Event()
    failures: list[str] = []

    def visitors() -> None:
        while not stop.is_set():
            with contextlib.closing(outside.world.outer.socket(timeout=30)) as s:
                s.connect((MODULE, PORT))
                s.sendall(b"in")
                try:
                    if s.recv(2) != b"in":
                        failures.append("a client was closed")
                except ConnectionError:
                    failures.append("a client was reset")

    thread = threading.Thread(target=visitors, daemon=True)
    thread.start()
    for _ in range(25):
        with contextlib.closing(world.connect(server.address)) as s:
            s.sendall(b"out")
            assert receive_exactly(s, 3) == b"out"
    stop.set()
    thread.join(60)
    assert len(failures) <= 5, failures


@pytest.mark.parametrize("sim", [{"client_quotes": "on"}, {"order_serverstop": "ok_first"}],
                         ids=["quotes", "ok-first"])
def test_every_form_of_the_modules_answers_is_understood(world: World, outside: Outside, sim: dict) -> None:
    outside.start(sim=sim)
    server = outside.inner(echo)
    s = outside.client()
    s.sendall(b"x")
    assert receive_exactly(s, 1) == b"x"
    assert server.visit().peer == s.getsockname()


def test_a_reboot_of_the_module_starts_the_servers_again(world: World, outside: Outside) -> None:
    outside.start()
    outside.inner(echo)
    s = outside.client()
    s.sendall(b"x")
    assert receive_exactly(s, 1) == b"x"
    assert world.sim and world.gwd
    world.sim.command("reset")
    wait_for("the reboot to be seen", lambda: world.gwd.modem()["boots"] > 0)
    world.gwd.wait_state("up", timeout=120)
    outside.listening()
    again = outside.client()
    again.sendall(b"y")
    assert receive_exactly(again, 1) == b"y"


@pytest.mark.parametrize("rule", [f"{PORT}:{HOST}:80", f"{PORT + 1}:{HOST}:80"], ids=["same", "other"])
def test_after_kill_9_left_over_servers_and_clients_are_cleaned_up(world: World, outside: Outside,
                                                                  rule: str) -> None:
    outside.start()
    outside.inner(echo)
    s = outside.client()
    s.sendall(b"x")
    assert receive_exactly(s, 1) == b"x"
    assert world.gwd
    world.gwd.process.kill()
    world.gwd = None
    late = outside.client()  # the module goes on accepting
    outside.begin(rule)
    world.gwd.wait_state("up")
    for old in (s, late):
        with contextlib.suppress(ConnectionError):
            assert old.recv(1) == b""
    world.route("default")
    again = outside.client(int(rule.split(":")[0]))
    again.sendall(b"y")
    assert receive_exactly(again, 1) == b"y"
    if not rule.startswith(str(PORT) + ":"):
        assert refused(outside, PORT)


def test_dns_and_clients_share_the_links(world: World, outside: Outside) -> None:
    """A UDP socket and accepted ones do not get in each other's way."""
    outside.start()
    outside.inner(echo)
    seen = []
    server = world.serve_udp(lambda data, peer, srv: (seen.append(data), srv.sock.sendto(data, peer)))
    u = world.udp()
    clients = []
    for i in range(6):
        u.sendto(b"%d" % i, server.address)
        assert u.recv(10) == b"%d" % i
        clients.append(outside.client())
        clients[-1].sendall(b"x")
        assert receive_exactly(clients[-1], 1) == b"x"


def test_a_client_of_the_transparent_server_has_the_line(world: World, outside: Outside) -> None:
    """NOTE 3.4.1."""
    outside.inner(echo)
    outside.start(sim={"flow_control": "rtscts"}, modem__receive="transparent")
    body = hostile_body(50_000)
    s = outside.client()
    s.sendall(body)
    assert receive_exactly(s, len(body)) == body
    assert world.gwd and world.gwd.modem()["transparent_state"] == "data"
    s.close()
    world.gwd.wait_no_tcp()
    again = outside.client()
    again.sendall(b"again")
    assert receive_exactly(again, 5) == b"again"
