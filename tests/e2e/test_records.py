# SPDX-License-Identifier: BSD-3-Clause
"""What gwd writes down for people: the AT dialogue, its log's last lines, captures, the report."""
from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import struct
import subprocess
from pathlib import Path

import pytest

from harness.gwd import Gwd
from harness.servers import echo, source
from harness.traffic import MIB, hostile_body, receive_all, receive_exactly, sha
from harness.waiting import wait_for
from harness.world import World

PASSWORD = "hunter2-or-so"
PIN = "4711"
ICCID = "8949020000123456789"


def secrets(world: World) -> dict[str, object]:
    """A SIM with a PIN and an access point with a password."""
    for name, text in (("pin", PIN), ("password", PASSWORD)):
        (world.folder / name).touch(0o600)
        (world.folder / name).write_text(text + "\n")
    return {"modem.pin_file": world.folder / "pin", "modem.auth": "pap", "modem.user": "ann",
            "modem.password_file": world.folder / "password"}


SIM_WITH_SECRETS = {"pin": PIN, "apn_login": f"pap:ann:{PASSWORD}", "echo_at_boot": "on"}


def say(world: World, s: socket.socket, text: bytes) -> None:
    s.sendall(text)
    assert receive_exactly(s, len(text)) == text


# -- the dialogue ----------------------------------------------------------------------------------


def test_trace_shows_the_dialogue_a_line_each_without_payload_and_secrets(world: World) -> None:
    gwd = world.up(SIM_WITH_SECRETS, secrets(world) | {"log.level": "trace"})
    s = world.connect(world.serve(echo).address)
    say(world, s, b"only for the peer")
    wait_for("the answer in the log", lambda: "< [17 bytes, link 9]\n" in gwd.process.text())
    text = gwd.process.text()
    assert re.search(r"modem0: > AT\+CIPSEND=9,17\n.*modem0: < >\n.*modem0: > \[17 bytes, link 9\]\n", text, re.S)
    assert "modem0: < +RECEIVE,9,17\n" in text
    assert "modem0: > AT+CPIN=...\n" in text and "modem0: > AT+CGAUTH=...\n" in text
    for hidden in (PASSWORD, PIN, "only for the peer"):
        assert hidden not in text


def test_payload_is_in_the_dialogue_when_that_is_asked_for(world: World) -> None:
    gwd = world.up(gwd={"log.level": "trace", "log.payload": "yes"})
    s = world.connect(world.serve(echo).address)
    say(world, s, b"for\r\nall to see")
    wait_for("the answer in the log", lambda: '< [15 bytes, link 9] "for\\r\\nall to see"' in gwd.process.text())
    say(world, s, b"x" * 300)
    assert '> [300 bytes, link 9] "' + "x" * 64 + '"...' in gwd.process.text()


def test_the_last_lines_of_the_log_can_be_asked_for_whatever_its_level(world: World) -> None:
    gwd = world.up(gwd={"log.level": "error"})
    lines = gwd.request("log")["lines"]
    assert not gwd.process.text(), "they are not printed"
    assert [x for x in lines if x["level"] == "info" and x["text"].startswith("gwd ") and "cell0 over" in x["text"]]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", x["time"]) for x in lines)
    assert [x["time"] for x in lines] == sorted(x["time"] for x in lines)
    assert gwd.request("log", lines=1)["lines"] == gwd.request("log")["lines"][-1:]


# -- captures --------------------------------------------------------------------------------------


class Pcapng:
    """The blocks of a file, each looked at in every byte of its frame."""

    def __init__(self, data: bytes) -> None:
        self.names: list[str] = []
        self.packets: list[tuple[str, bytes, int, str]] = []  # interface, bytes, length, comment
        self.counts: dict[str, tuple[int, int]] = {}  # interface: received, dropped
        self.told: list[int] = []  # behind how many packets counts stand
        at = 0
        while at < len(data):
            kind, size = struct.unpack_from("<II", data, at)
            assert size % 4 == 0 and struct.unpack_from("<I", data, at + size - 4) == (size,)
            assert (kind == 0x0a0d0d0a) == (at == 0)
            self.take(kind, data[at + 8:at + size - 4])
            at += size

    @staticmethod
    def options(body: bytes) -> dict[int, bytes]:
        found, at = {}, 0
        while True:
            code, size = struct.unpack_from("<HH", body, at)
            if code == 0:
                assert at + 4 == len(body)
                return found
            found[code] = body[at + 4:at + 4 + size]
            at += 4 + (size + 3) // 4 * 4

    def take(self, kind: int, body: bytes) -> None:
        if kind == 1:
            self.names.append(self.options(body[8:])[2].decode())
        elif kind == 6:
            number, _, _, kept, length = struct.unpack_from("<5I", body)
            comment = self.options(body[20 + (kept + 3) // 4 * 4:]).get(1, b"").decode()
            self.packets.append((self.names[number], body[20:20 + kept], length, comment))
        elif kind == 5:
            found = self.options(body[12:])
            self.told.append(len(self.packets))
            self.counts[self.names[struct.unpack_from("<I", body)[0]]] = (
                int.from_bytes(found[4], "little"), int.from_bytes(found[5], "little"))

    def of(self, name: str) -> list[tuple[str, bytes, int, str]]:
        return [p for p in self.packets if p[0] == name]


class Recorder:
    """gwctl capture, as somebody at a terminal uses it."""

    def __init__(self, world: World, name: str, *arguments: str) -> None:
        assert world.gwd
        self.path = world.folder / name
        self.process = world.background(world.inner, [str(world.binaries.gwctl), "-s", str(world.gwd.socket),
                                                      "capture", str(self.path), *arguments], name)
        # Its own file, and gwd's word that it began: what happens from here on is in it.
        wait_for("the capture to begin", lambda: self.path.exists() and self.path.read_bytes()[:4] == b"\n\r\r\n")

    def end(self) -> Pcapng:
        self.process.signal(signal.SIGINT)
        return self.ended()

    def ended(self) -> Pcapng:
        assert self.process.wait(20) == 0, self.process.text()
        return Pcapng(self.path.read_bytes())


def tshark(path: Path, *arguments: str) -> str:
    done = subprocess.run(["tshark", "-n", "-r", str(path), *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.needs("tshark", "capinfos")
def test_a_capture_has_both_sides_of_the_gateway_and_wireshark_reads_it(world: World) -> None:
    gwd = world.up(SIM_WITH_SECRETS, secrets(world))
    address = world.serve(echo).address
    capture = Recorder(world, "all.pcapng")
    s = world.connect(address)
    say(world, s, b"only for the peer")
    assert world.sim
    world.sim.command("reset")  # the PIN and the password are needed again
    wait_for("the way up", lambda: gwd.modem()["boots"] >= 1 and gwd.state() == "up", timeout=60)
    s.close()
    file = capture.end()
    assert capture.path.stat().st_mode & 0o777 == 0o600
    assert file.names == ["cell0", "at0"]
    assert file.counts == {name: (len(file.of(name)), 0) for name in file.names}
    # What programs send is in the packets, as in any capture, and nowhere else; secrets are nowhere.
    assert any(b"only for the peer" in data for _, data, _, _ in file.of("cell0"))
    at = file.of("at0")
    assert not any(b"only for the peer" in data or "only for" in comment for _, data, _, comment in at)
    assert [p for p in at if p[3] == "> [17 bytes, link 9]" and p[2] == len(p[1]) + 17]
    assert [p for p in at if p[3] == "> AT+CIPSEND=9,17" and p[1].endswith(b"AT+CIPSEND=9,17\r")]
    assert [p for p in at if p[3] == "> AT+CPIN=..."] and [p for p in at if p[3] == "> AT+CGAUTH=..."]
    assert PASSWORD.encode() not in capture.path.read_bytes()
    assert not any(PIN in comment or PIN.encode() in data for _, data, _, comment in at)
    # Wireshark's own view.
    assert not tshark(capture.path, "-Y", "_ws.malformed || tcp.analysis.lost_segment")
    tcp = tshark(capture.path, "-Y", "tcp.flags.syn == 1 && tcp.dstport == 8000", "-T", "fields", "-e",
                 "frame.interface_name", "-e", "frame.p2p_dir", "-e", "ip.dst")
    assert tcp.split() == ["cell0", "0", "198.51.100.1"]
    lines = tshark(capture.path, "-Y", "frame.interface_name == at0 && at", "-T", "fields", "-e", "frame.comment",
                   "-e", "_ws.col.Protocol")
    assert "> AT+CIPSEND=9,17\tAT\n" in lines
    assert "Number of interfaces in file: 2" in subprocess.run(["capinfos", str(capture.path)], check=True,
                                                               capture_output=True, text=True).stdout


def test_a_capture_is_cut_down_to_what_was_asked_for(world: World) -> None:
    world.up()
    s = world.connect(world.serve(echo).address)
    with_payload = Recorder(world, "at.pcapng", "-i", "at", "-p", "-l", "20")
    headers = Recorder(world, "tun.pcapng", "--interface=tun", "--snaplen=40")
    busy = world.gwctl("capture", str(world.folder / "none"), check=False)
    assert busy.returncode == 1 and "2 captures" in busy.stderr and not (world.folder / "none").exists()
    say(world, s, b"a secret of thirty-one letters.")
    wait_for("the answer", lambda: "< [31 bytes" in with_payload.path.read_bytes().decode("latin1"))
    at, tun = with_payload.end(), headers.end()
    assert at.names == ["at0"] and tun.names == ["cell0"]
    payload, = [p for p in at.packets if p[3].startswith("< [31 bytes")]
    assert payload[1].endswith(b"a secret of thirty-o") and payload[2] == len(payload[1]) + 11
    assert all(len(data) <= 40 for _, data, _, _ in tun.packets)
    assert max(length for _, _, length, _ in tun.packets) > 40
    # A file that others could read is made ours, a link is not followed.
    old = world.folder / "old"
    old.write_text("old")
    (world.folder / "link").symlink_to(old)
    assert world.gwctl("capture", str(world.folder / "link"), check=False).returncode == 1
    assert old.read_text() == "old"
    full = Recorder(world, "old", "--size", "20k")
    say(world, s, b"x" * 60000)
    assert "size limit" in (full.ended() and full.process.text())
    assert 17000 < full.path.stat().st_size <= 20000 and full.path.stat().st_mode & 0o777 == 0o600
    piped = world.inner.run("sh", "-c", f"{world.binaries.gwctl} -s {world.gwd.socket} capture -d 1 - | tshark -n -r -")
    assert "packets" in piped.stderr


def open_capture(gwd: Gwd, **parameters: object) -> socket.socket:
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(str(gwd.socket))
    s.sendall(json.dumps({"request": "capture", **parameters}).encode() + b"\n")
    line = b""
    while not line.endswith(b"\n"):
        line += s.recv(1)
    assert json.loads(line) == {"version": 1, "ok": True, "capture": {"format": "pcapng"}}
    return s


def test_a_reader_that_stops_costs_packets_of_its_own_and_nobody_else_anything(world: World) -> None:
    gwd = world.up()
    body = hostile_body(3 * MIB)
    stuck = open_capture(gwd, payload=True)
    address = world.serve(source(body)).address
    assert sha(receive_all(world.connect(address))) == sha(body)
    # It reads again, and the gap is told before the next packet, not only at the end.
    stuck.setblocking(False)
    data = bytearray()
    with contextlib.suppress(BlockingIOError):
        while True:
            data += stuck.recv(1 << 20)
    stuck.settimeout(20)
    assert sha(receive_all(world.connect(address))) == sha(body)
    stuck.sendall(b"\n")
    data += receive_all(stuck)
    file = Pcapng(bytes(data))
    assert file.counts["cell0"][1] > 0 and file.told[0] < file.told[-1] == len(file.packets)
    for name in file.names:
        received, dropped = file.counts[name]
        assert received - dropped == len(file.of(name))
    # Whoever goes without a word leaves its place.
    for _ in range(5):
        open_capture(gwd).close()
    for other in (open_capture(gwd), open_capture(gwd)):
        other.close()


# -- the report ------------------------------------------------------------------------------------


def test_a_report_has_what_is_asked_for_first_and_nobodys_secrets(world: World) -> None:
    # A secret where it should not be, too, in a command the simulator does not know.
    world.mistakes_expected = True
    gwd = world.up(SIM_WITH_SECRETS | {"iccid": ICCID},
                   secrets(world) | {"log.level": "trace", "modem.init": 'AT+CLCK="SC",2,"86429"'})
    s = world.connect(world.serve(echo).address)
    say(world, s, b"only for the peer")
    text = world.gwctl("report").stdout
    for part in ("versions", "status", "modem", "links", "flows", "config", "metrics", "network", "log"):
        assert text.count(f"\n==== {part} ====\n") == 1
    for wanted in ("Read this before you send it", "kernel  Linux", '"carrier":true', "198.51.100.1:8000",
                   "apn = internet", "gwd_", "$ ip -s addr show dev cell0", "\ndefault ",
                   "trace modem0: > AT+CIPSEND=9,17"):
        assert wanted in text, wanted
    assert ICCID in gwd.process.text(), "the dialogue has it"
    for hidden in (PASSWORD, f'"{PIN}"', "86429", "only for the peer", ICCID):
        assert hidden not in text, hidden
    assert "86429" not in gwd.process.text()
    assert "*" * 15 + ICCID[-4:] in text
    assert ICCID in world.gwctl("report", "--full").stdout


def test_a_report_is_written_when_gwd_is_not_there(world: World) -> None:
    path = world.folder / "report.txt"
    done = world.inner.run(str(world.binaries.gwctl), "-s", str(world.folder / "none.sock"), "report", str(path))
    text = path.read_text()
    assert "read it before you send it" in done.stderr and path.stat().st_mode & 0o777 == 0o600
    assert text.count("failed: ") >= 7 and "is gwd running?" in text
    assert "kernel  Linux" in text and 'Device "cell0" does not exist' in text
    no_ip = world.inner.run("env", "PATH=/nowhere", str(world.binaries.gwctl), "-s", str(world.folder / "none.sock"),
                            "report", "-")
    assert "$ ip -4 rule show\nfailed: there is no such program" in no_ip.stdout
