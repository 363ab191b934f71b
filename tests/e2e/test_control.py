# SPDX-License-Identifier: BSD-3-Clause
"""The control socket and gwctl."""
from __future__ import annotations

import json
import socket

from harness.servers import hold, udp_echo
from harness.waiting import wait_for
from harness.world import World

STATUS = {"gwd_version", "pid", "uptime_s", "interface", "modems", "flows", "counters"}
MODEM = {"modem", "device", "state", "since_s", "failure", "reason", "address", "receive", "model", "revision",
         "receive_configured", "buffer_mode_s", "receive_switches",
         "rssi_dbm", "turnaround_ms", "prompt_delay_ms", "baud", "rung", "recoveries", "boots",
         "tx_wire_bytes", "rx_wire_bytes", "tx_payload_bytes", "rx_payload_bytes", "rx_unclaimed_bytes",
         "timeouts", "resyncs", "short_confirms", "links_free"}
FLOW = {"id", "protocol", "local", "remote", "state", "age_s", "idle_s", "tx_bytes", "rx_bytes", "modem", "link",
        "uid", "class", "why"}
LINK = {"modem", "link", "state", "type", "remote", "flows", "tx_bytes", "rx_bytes", "age_s"}


def test_the_answers_hold_what_the_contract_names(world: World) -> None:
    gwd = world.up()
    server = world.serve(hold)
    s = world.connect(server.address)
    s.sendall(b"12345")
    server.visit().conn.sendall(b"123")
    assert s.recv(10) == b"123"
    wait_for("the module's confirmation", lambda: gwd.flows()[0]["tx_bytes"] == 5)
    status = gwd.status()
    assert STATUS <= set(status) and MODEM <= set(status["modems"][0])
    modem = status["modems"][0]
    assert modem["state"] == "up" and modem["model"].startswith("A7670E") and modem["receive"] == "push"
    assert modem["address"] == "10.148.0.17" and modem["rssi_dbm"] == -113 + 2 * 23
    assert modem["links_free"] == 9 and status["pid"] == gwd.process.pid
    flow, = gwd.flows()
    assert FLOW <= set(flow) and flow["protocol"] == "tcp"
    assert flow["remote"] == "198.51.100.1:8000" and flow["local"] == "%s:%d" % s.getsockname()
    assert (flow["tx_bytes"], flow["rx_bytes"], flow["uid"]) == (5, 3, 0)
    link, = gwd.links()
    assert LINK <= set(link) and link["state"] == "open" and link["link"] == flow["link"]
    assert len(gwd.request("links")["links"]) == 10


def test_rates_follow_the_traffic_and_fade_after_it(world: World) -> None:
    gwd = world.up(gwd={"modem.baud": 921600})
    server = world.serve(hold)
    s = world.connect(server.address)
    server.visit().conn.sendall(b"x" * 40_000)
    for _ in range(40):
        s.recv(1000, socket.MSG_WAITALL)
    (flow,), (link,), modem = gwd.flows(), gwd.links(), gwd.status()["modems"][0]
    assert 0 < flow["rx_bytes_per_s"] <= 20_000 and flow["tx_bytes_per_s"] == 0
    assert 0 < link["rx_bytes_per_s"] <= 20_000 and 0 < modem["rx_payload_bytes_per_s"] <= 20_000
    assert modem["rx_payload_bytes_per_s"] < modem["rx_wire_bytes_per_s"] < modem["line_bytes_per_s"] == 92160
    assert 0 < modem["rx_line_share"] < 1
    wait_for("a silent line", lambda: gwd.status()["modems"][0]["rx_line_share"] == 0)
    assert gwd.flows()[0]["rx_bytes_per_s"] == 0


def test_gwctl_shows_the_same_as_text_and_as_json(world: World) -> None:
    gwd = world.up()
    server = world.serve(hold)
    world.connect(server.address)
    world.serve_udp(udp_echo)
    u = world.udp()
    u.sendto(b"x", server.address)
    u.recv(1)
    for what in ("status", "flows", "links"):
        shown = json.loads(world.gwctl(what, "--json").stdout)
        assert set(shown) == set(gwd.request(what))
    assert "198.51.100.1:8000" in world.gwctl("flows").stdout
    assert "up" in world.gwctl("status").stdout
    assert "open" in world.gwctl("links").stdout


def test_gwctl_says_what_is_wrong(world: World) -> None:
    gone = world.inner.run(str(world.binaries.gwctl), "-s", str(world.folder / "none.sock"), "status", check=False)
    assert gone.returncode != 0 and "none.sock" in gone.stderr
    usage = world.inner.run(str(world.binaries.gwctl), "nonsense", check=False)
    assert usage.returncode == 2 and "usage" in usage.stderr


def test_a_hostile_client_of_the_socket_disturbs_nobody(world: World) -> None:
    gwd = world.up()
    before = gwd.memory_kib()
    for junk in (b"\n" * 100, b"{\n", b"[]\n", b"null\n", b'{"request":5}\n', b'{"request":"nonsense"}\n',
                 b'{"request":"status","x":' + b"[" * 5000 + b"\n", b"x" * 200_000, b"\xff\0\n"):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(str(gwd.socket))
            try:
                s.sendall(junk)
                s.recv(65536)
            except OSError:
                pass
    silent = []
    for _ in range(100):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(0.5)
        try:
            s.connect(str(gwd.socket))
        except OSError:
            s.close()
            break
        silent.append(s)
    for s in silent:
        s.close()
    gwd.wait_state("up")
    assert gwd.memory_kib() - before < 2048  # a sanitizer keeps what was freed for a while
    for _ in range(300):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(30)
            s.connect(str(gwd.socket))
            s.sendall(b"x" * 4096)
            assert s.recv(1) == b""
    assert gwd.process.text().count("too long") < 100, "a fault that is repeated fills no log"


def test_a_burst_of_requests_is_answered_in_order_and_to_the_end(world: World) -> None:
    gwd = world.up()
    names = ["flows", "nonsense", "links", "status"] * 100
    with gwd.control() as c:
        c.socket.sendall(b"".join(json.dumps({"request": name}).encode() + b"\n" for name in names))
        c.socket.shutdown(socket.SHUT_WR)
        assert gwd.status()["pid"] == gwd.process.pid  # another one is served meanwhile
        for name in names:
            answer = c.line()
            assert ("error" if name == "nonsense" else name) in answer
        assert c.line() == {}


def test_a_wrong_request_is_answered_with_an_error(world: World) -> None:
    gwd = world.up()
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(5)
        s.connect(str(gwd.socket))
        s.sendall(b'{"request":"nonsense"}\n{"request":"status"}\n')
        reader = s.makefile("rb")
        refused, fine = json.loads(reader.readline()), json.loads(reader.readline())
        assert refused["ok"] is False and refused["error"]["text"]
        assert fine["ok"] is True and "status" in fine
        for wrong in (b'{"request":"status"} more', b'{"request":"status"}{"request":"links"}', b'{"request":"status"',
                      b"", b"{'request':'status'}", b'["status"]'):
            s.sendall(wrong + b"\n")
            assert json.loads(reader.readline())["error"]["code"] == "bad_request"
        s.sendall(b' {"request" : "status"} \r\n')
        assert json.loads(reader.readline())["ok"] is True
