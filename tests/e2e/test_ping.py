# SPDX-License-Identifier: BSD-3-Clause
"""ping through cell0: the module asks the peer (AT+CPING), and nothing is answered that nobody said."""
from __future__ import annotations

import random
import re
import socket
import struct

import pytest

from harness.servers import echo, source
from harness.traffic import hostile_body, receive_all, sha
from harness.waiting import wait_for
from harness.world import SERVERS4, SERVERS6, World

HOST, DEAD = SERVERS4[0], "203.0.113.99"
SUMMARY = re.compile(r"(\d+) packets transmitted, (\d+) received")


def ping(world: World, *argv: str) -> tuple[int, int, str]:
    """Sent, received and all that was said."""
    done = world.inner.run("ping", "-n", *argv, check=False)
    match = SUMMARY.search(done.stdout)
    assert match, done.stdout + done.stderr
    return int(match[1]), int(match[2]), done.stdout


def times(text: str) -> list[float]:
    return [float(x) for x in re.findall(r"time=([\d.]+) ms", text)]


class Pinger:
    """An echo socket of its own id, for what ping(8) does not let one see."""

    def __init__(self, world: World, ident: int) -> None:
        with world.inner.entered():
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        world.clients.append(self.sock)
        self.sock.settimeout(20)
        self.ident = ident

    def send(self, host: str, seq: int, body: bytes = b"0123456789") -> None:
        head = struct.pack("!BBHHH", 8, 0, 0, self.ident, seq)
        whole = head + body + b"\0" * (len(body) % 2)
        total = sum(struct.unpack(f"!{len(whole) // 2}H", whole))
        total = (total >> 16) + (total & 0xFFFF)
        checksum = ~(total + (total >> 16)) & 0xFFFF
        self.sock.sendto(struct.pack("!BBHHH", 8, 0, checksum, self.ident, seq) + body, (host, 0))

    def receive(self) -> tuple[str, int, int, bytes]:
        """Who, type, seq and payload of the next message that is about our echoes."""
        while True:
            packet, (peer, _) = self.sock.recvfrom(4000)
            kind, _, _, ident, seq = struct.unpack_from("!BBHHH", packet, 20)
            if kind == 3:
                ident, seq = struct.unpack_from("!HH", packet, 20 + 8 + 20 + 4)
            if ident == self.ident and kind != 8:
                return peer, kind, seq, packet[28:]

    def silent(self, seconds: float = 0.5) -> bool:
        self.sock.settimeout(seconds)
        try:
            self.receive()
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(20)
        return False


@pytest.mark.needs("ping")
def test_ping_gets_its_replies_with_the_time_the_module_needed(world: World) -> None:
    gwd = world.up({"ping_result": "ok:150", "byte_split": "on", "urc_in_response": "often"})
    sent, received, text = ping(world, "-c", "3", "-i", "0.3", HOST)
    assert (sent, received) == (3, 3)
    assert all(x >= 150 for x in times(text)), text
    assert world.sim and world.sim.commands("CPING") == 3
    assert gwd.counter("echo_replies") == 3 and gwd.modem()["ping_rtt_ms"] == 150


@pytest.mark.needs("ping")
@pytest.mark.parametrize("size", [0, 1, 4, 56, 187, 188])
def test_every_size_that_cping_knows_comes_back_byte_for_byte(world: World, size: int) -> None:
    world.up({"ping_result": "ok:5"})
    # ping(8) compares the pattern itself
    sent, received, text = ping(world, "-c", "1", "-s", str(size), "-p", "5aa5", HOST)
    assert (sent, received) == (1, 1) and "wrong data byte" not in text


def test_a_reply_has_the_id_number_and_bytes_of_its_request(world: World) -> None:
    world.up({"ping_result": "ok:20"})
    body = hostile_body(188)
    one, two = Pinger(world, 0x1234), Pinger(world, 0x4321)
    one.send(HOST, 7, body)
    two.send(SERVERS4[1], 9, b"other")
    assert one.receive() == (HOST, 0, 7, body)
    assert two.receive() == (SERVERS4[1], 0, 9, b"other")


def test_larger_ones_and_short_lived_ones_are_dropped_and_counted(world: World) -> None:
    gwd = world.up()
    p = Pinger(world, 1)
    for size in (189, 1400, 3000):
        p.send(HOST, 1, b"x" * size)
    p.sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 3)  # as traceroute does
    p.send(HOST, 2)
    assert p.silent()
    assert gwd.counter("echo_dropped_unfit") == 4 and gwd.counter("echo_dropped") == 4
    assert world.sim and world.sim.commands("CPING") == 0


@pytest.mark.needs("ping")
def test_nobody_at_home_is_silence(world: World) -> None:
    gwd = world.up({f"ping_result@{DEAD}": "timeout"})
    sent, received, text = ping(world, "-c", "1", "-W", "2", DEAD)
    assert (sent, received) == (1, 0) and "nreachable" not in text
    wait_for("the module's verdict", lambda: gwd.counter("echo_timeouts") == 1)


@pytest.mark.needs("ping")
def test_a_dead_target_does_not_stop_the_others(world: World) -> None:
    world.up({f"ping_result@{DEAD}": "timeout", "ping_result": "ok:10"})
    dead = world.background(world.inner, ["ping", "-n", "-i", "0.5", DEAD], "dead")
    wait_for("the first", lambda: world.gwd and world.gwd.counter("echo_requests") >= 1)
    sent, received, _ = ping(world, "-c", "5", "-i", "1", "-W", "6", HOST)
    assert (sent, received) == (5, 5)
    dead.kill()


def test_ten_at_once_are_all_answered(world: World) -> None:
    gwd = world.up({"ping_result": "ok:30"})
    pingers = [Pinger(world, 100 + n) for n in range(10)]
    for n, p in enumerate(pingers):
        p.send(SERVERS4[n % 9], n)
    for n, p in enumerate(pingers):
        assert p.receive()[:3] == (SERVERS4[n % 9], 0, n)
    assert gwd.counter("echo_dropped") == 0


def test_a_flood_is_bounded_and_leaves_room_for_others(world: World) -> None:
    gwd = world.up({"ping_result": "ok:100"})
    flood, other = Pinger(world, 1), Pinger(world, 2)
    for seq in range(500):
        flood.send(HOST, seq)
    other.send(SERVERS4[1], 1)
    assert other.receive()[:3] == (SERVERS4[1], 0, 1)
    assert gwd.counter("echo_dropped_queue") >= 400
    assert world.sim and world.sim.commands("CPING") <= 30


def test_other_traffic_goes_on_meanwhile(world: World) -> None:
    gwd = world.up({"ping_result": "ok:20", "baud": 921600})
    body = hostile_body(400_000)
    server = world.serve(source(body))
    background = world.background(world.inner, ["ping", "-n", "-f", "-q", HOST], "flood")
    wait_for("pings", lambda: gwd.counter("echo_replies") > 3)
    with world.connect(server.address) as s:
        assert sha(receive_all(s)) == sha(body)
    assert background.running()
    background.kill()
    assert gwd.counter("echo_replies") > 10


@pytest.mark.needs("ping")
def test_a_module_without_cping_answers_nothing(world: World) -> None:
    gwd = world.up({"ping_result": "error"})
    sent, received, text = ping(world, "-c", "3", "-i", "0.2", "-W", "1", HOST)
    assert (sent, received) == (3, 0) and "nreachable" not in text
    assert gwd.counter("echo_dropped_unsupported") == 3
    assert world.sim and world.sim.commands("CPING") == 2  # with either wait, and never again
    with world.connect(world.serve(echo).address) as s:
        s.sendall(b"x")
        assert s.recv(1) == b"x"


def test_what_the_module_refuses_to_send_is_unreachable(world: World) -> None:
    world.up({f"ping_result@{DEAD}": "error"})
    p = Pinger(world, 5)
    p.send(HOST, 1)
    assert p.receive()[:3] == (HOST, 0, 1)
    p.send(DEAD, 2)
    assert p.receive()[1:3] == (3, 2)


def test_without_a_bearer_the_network_is_unreachable(world: World) -> None:
    gwd = world.up({"ping_result": "ok:5000"}, {"interface.address": "10.148.0.17/32"})
    p = Pinger(world, 6)
    p.send(HOST, 1)
    p.send(HOST, 2)
    wait_for("the first", lambda: world.sim and world.sim.commands("CPING") == 1)
    assert world.sim
    world.sim.set("netopen_result", "1")
    world.sim.command("cipevent")
    assert sorted(p.receive()[1:3] for _ in range(2)) == [(3, 1), (3, 2)]
    world.sim.set("netopen_result", "0")
    world.sim.set("ping_result", "ok:5")
    gwd.wait_state("up", timeout=60)
    world.route("default")
    p.send(HOST, 3)
    assert p.receive()[:3] == (HOST, 0, 3)


def test_the_hosts_own_address_is_the_kernels_business(world: World) -> None:
    gwd = world.up()
    assert ping(world, "-c", "1", "10.148.0.17")[1] == 1
    assert gwd.counter("echo_requests") == 0


@pytest.mark.needs("ping")
@pytest.mark.parametrize("form", ["any", "brackets"])
def test_ping6_works_the_same(world: World, form: str) -> None:
    dead = SERVERS6[1]
    gwd = world.up({"ipv6": "on", "ip6_literal": form, "ping_result": "ok:30", f"ping_result@{dead}": "timeout",
                    f"ping_result@[{dead}]": "timeout"}, {"modem.ip": 6})
    sent, received, text = ping(world, "-6", "-c", "3", "-i", "0.2", "-s", "188", SERVERS6[0])
    assert (sent, received) == (3, 3)
    assert all(x >= 30 for x in times(text)), text
    assert ping(world, "-6", "-c", "1", "-W", "1", "-s", "189", SERVERS6[0])[1] == 0
    assert ping(world, "-6", "-c", "1", "-W", "1", dead)[1] == 0
    assert gwd.counter("echo_dropped_unfit") == 1


def test_tun_packets_of_garbage_icmp_disturb_nothing(world: World) -> None:
    world.up({"ping_result": "ok:5"})
    with world.inner.entered():
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    world.clients.append(raw)
    rng = random.Random(1)
    for _ in range(200):
        raw.sendto(rng.randbytes(rng.randrange(2, 300)), (HOST, 0))  # the kernel wants type and code
    p = Pinger(world, 9)
    p.send(HOST, 1)
    assert p.receive()[:3] == (HOST, 0, 1)
