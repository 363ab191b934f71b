# SPDX-License-Identifier: BSD-3-Clause
"""UDP: datagrams stay datagrams, from whom they are, and links are shared."""
from __future__ import annotations

import errno
import socket

import pytest

from harness.servers import udp_echo
from harness.traffic import hostile_body
from harness.waiting import wait_for
from harness.world import OTHERS4, SERVERS4, World

IP_MTU_DISCOVER, IP_PMTUDISC_DO = 10, 2
REMOTE = (SERVERS4[0], 8000)


def test_every_size_comes_back_bit_exact_from_its_true_source(world: World) -> None:
    world.up({"byte_split": "on", "urc_in_response": "often"})
    world.serve_udp(udp_echo)
    s = world.udp()
    body = hostile_body(4000)
    for size in range(1, 1473):
        datagram = body[size:2 * size]
        s.sendto(datagram, REMOTE)
        assert s.recvfrom(4000) == (datagram, REMOTE), f"size {size}"
    assert world.gwd and len(world.gwd.links("udp")) == 1


def test_an_empty_datagram_disturbs_nothing(world: World) -> None:
    world.up()
    world.serve_udp(udp_echo)
    s = world.udp()
    s.sendto(b"", REMOTE)
    s.sendto(b"after", REMOTE)
    assert s.recvfrom(100)[0] == b"after"


def test_a_datagram_above_the_limit_is_dropped_and_never_truncated(world: World) -> None:
    """1473 bytes arrive in two fragments; the reassembled datagram does not fit into a CIPSEND."""
    world.up()
    server = world.serve_udp(udp_echo)
    s = world.udp()
    s.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, 0)
    s.sendto(b"x" * 1473, REMOTE)
    s.sendto(b"y" * 1472, REMOTE)
    assert s.recvfrom(4000)[0] == b"y" * 1472
    assert [data for data, _ in server.seen] == [b"y" * 1472]


def test_fragments_of_a_datagram_that_fits_are_put_together(world: World) -> None:
    world.up(gwd={"interface.mtu": 800})
    world.serve_udp(udp_echo)
    s = world.udp()
    s.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, 0)
    body = hostile_body(1472)
    s.sendto(body, REMOTE)
    assert s.recvfrom(4000) == (body, REMOTE)


def test_an_unfragmented_datagram_above_the_limit_is_answered_with_the_path_mtu(world: World) -> None:
    world.up(gwd={"interface.mtu": 2000})
    world.serve_udp(udp_echo)
    s = world.udp()
    s.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
    s.connect(REMOTE)
    s.send(b"x" * 1600)

    def told() -> bool:
        try:
            s.send(b"x" * 1600)
        except OSError as e:
            return e.errno == errno.EMSGSIZE
        return False

    wait_for("EMSGSIZE", told)
    s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # a second answer may be waiting
    s.send(b"fits")
    assert s.recv(100) == b"fits"


def test_one_socket_to_a_hundred_remotes_takes_at_most_two_links(world: World) -> None:
    world.up()
    remotes = [(address, 9000 + n) for address in OTHERS4 for n in range(20)]
    for address, port in remotes:
        world.serve_udp(udp_echo, address, port)
    s = world.udp()
    expected = {}
    got = {}
    for n, remote in enumerate(remotes):
        expected[remote] = b"datagram %d" % n
        s.sendto(expected[remote], remote)
        if n % 20 == 19:  # a queue has its bound
            for _ in range(20):
                data, peer = s.recvfrom(100)
                got[peer] = data
    assert got == expected
    assert world.gwd and 1 <= len(world.gwd.links("udp")) <= 2
    assert world.sim and world.sim.commands("CIPOPEN") <= 2


def test_two_sockets_to_one_remote_never_get_each_others_replies(world: World) -> None:
    world.up()
    world.serve_udp(udp_echo)
    sockets = [world.udp(), world.udp()]
    for n in range(100):
        for k, s in enumerate(sockets):
            s.sendto(b"socket %d datagram %d" % (k, n), REMOTE)
        for k, s in enumerate(sockets):
            assert s.recvfrom(100) == (b"socket %d datagram %d" % (k, n), REMOTE)
    assert world.gwd and len(world.gwd.links("udp")) == 2


def test_a_third_socket_to_one_remote_is_told_instead_of_mixed_up(world: World) -> None:
    """links.udp = 2: two mappings to this remote live, none is re-owned (decision 23)."""
    world.up()
    server = world.serve_udp(udp_echo)
    sockets = [world.udp() for _ in range(3)]
    for k, s in enumerate(sockets):
        s.connect(REMOTE)
        s.send(b"from %d" % k)
        if k < 2:
            assert s.recv(100) == b"from %d" % k
    with pytest.raises(OSError) as told:
        wait_for("the ICMP error", lambda: sockets[2].send(b"again") and False, timeout=5, every=0.2)
    assert told.value.errno in (errno.ECONNREFUSED, errno.EHOSTUNREACH)
    assert len(server.peers()) == 2
    for k, s in enumerate(sockets[:2]):
        s.send(b"still %d" % k)
        assert s.recv(100) == b"still %d" % k


def test_a_mapping_ends_after_its_time_and_frees_the_link(world: World) -> None:
    world.up(gwd={"udp.timeout": "5s"})
    world.serve_udp(udp_echo)
    s = world.udp()
    s.sendto(b"x", REMOTE)
    s.recv(10)
    gwd = world.gwd
    assert gwd and gwd.flows("udp")
    wait_for("the mapping to end", lambda: not gwd.flows("udp") and not gwd.links())
    s.sendto(b"y", REMOTE)
    assert s.recvfrom(10) == (b"y", REMOTE)


def test_replies_come_one_for_one_whatever_their_number(world: World) -> None:
    def three_times(data, peer, server):
        for n in range(3):
            server.sock.sendto(b"%d:" % n + data, peer)

    world.up({"byte_split": "on"})
    world.serve_udp(three_times)
    s = world.udp()
    s.sendto(b"ask", REMOTE)
    assert [s.recv(100) for _ in range(3)] == [b"0:ask", b"1:ask", b"2:ask"]


def test_a_reply_from_a_stranger_is_not_taken_for_the_peers(world: World) -> None:
    """The link's port is open to anybody; a host socket only hears whom it has spoken to as them."""
    world.up()
    stranger = world.serve_udp(udp_echo, SERVERS4[1], 8001)

    def answer_by_stranger(_data, peer, server):
        stranger.sock.sendto(b"stranger", peer)
        server.sock.sendto(b"peer", peer)

    world.serve_udp(answer_by_stranger)
    s = world.udp()
    s.connect(REMOTE)
    s.send(b"ask")
    assert s.recv(100) == b"peer"


def test_buffer_mode_gives_each_remote_a_link_of_its_own(world: World) -> None:
    world.up(gwd={"modem.receive": "buffer"})
    for n in range(2):
        world.serve_udp(udp_echo, SERVERS4[n])
    s = world.udp()
    for n in range(2):
        for size in (1, 500, 1472):
            s.sendto(b"%d" % n * size, (SERVERS4[n], 8000))
            assert s.recvfrom(4000) == (b"%d" % n * size, (SERVERS4[n], 8000))
    gwd = world.gwd
    assert gwd and len(gwd.links("udp")) == 2


def test_udp_beside_bulk_tcp_is_not_starved(world: World) -> None:
    from harness.servers import source
    world.up(baud_options(115200))
    server = world.serve(source(hostile_body(1 << 20)))
    world.serve_udp(udp_echo)
    bulk = world.connect(server.address)
    bulk.recv(1)
    s = world.udp()
    for n in range(5):
        s.sendto(b"%d" % n, REMOTE)
        assert s.recvfrom(10) == (b"%d" % n, REMOTE)


def baud_options(baud: int) -> dict[str, object]:
    return {"baud": baud, "profile": "a7670e", "boot_time_s": 0}
