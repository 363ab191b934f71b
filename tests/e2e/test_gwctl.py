# SPDX-License-Identifier: BSD-3-Clause
"""gwctl: what it prints, of answers that are prepared here, and what it does with a real gwd."""
from __future__ import annotations

import copy
import json
import os
import pty
import re
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Callable, Iterator

import pytest

from harness.fakecontrol import FakeControl, error
from harness.process import sanitizer_env
from harness.servers import hold
from harness.waiting import wait_for
from harness.world import Binaries, World

MODEM = {
    "modem": 0, "device": "/dev/ttyUSB2", "baud": 115200, "state": "up", "since_s": 11700.1,
    "since": "2026-11-22T20:14:00Z", "failure": None, "reason": None, "address": "10.148.0.17",
    "receive": "push", "receive_configured": "auto", "buffer_mode_s": 0.0, "receive_switches": 0,
    "transparent_state": None, "model": "A7670E-FASE", "revision": "A7670M7_V1.11.1",
    "operator": "Telekom.de", "technology": "LTE", "rssi_dbm": -67, "creg": 0, "cgreg": 1, "cereg": 1,
    "turnaround_ms": 3.1, "prompt_delay_ms": 39.0, "rung": 0, "rung_name": None, "recoveries": 0,
    "boots": 1, "timeouts": 0, "tx_wire_bytes": 120000, "rx_wire_bytes": 3400000,
    "tx_payload_bytes": 100000, "rx_payload_bytes": 3300000, "line_bytes_per_s": 11520,
    "tx_wire_bytes_per_s": 1000, "rx_wire_bytes_per_s": 5760, "tx_line_share": 0.087,
    "rx_line_share": 0.5, "links_free": 7, "links_tcp": 1, "links_udp": 1, "links_dns": 1}
STATUS = {
    "gwd_version": "0.1.0", "pid": 812, "time": "2026-11-22T23:30:00Z", "uptime_s": 12000.5,
    "interface": {"name": "cell0", "mtu": 1500, "address": "10.148.0.17", "carrier": True,
                  "default_route": True},
    "modems": [MODEM], "flows": {"tcp": 1, "held": 0, "udp": 2, "dns_pending": 0},
    "forwards": [{"modem": 0, "server": 0, "port": 8080, "target": "192.0.2.1:80", "state": "failed",
                  "error": "bind failed", "accepted": 3, "refused": 1, "active": 0}],
    "counters": {}}


def flow(number: int, **fields: object) -> dict:
    return {"id": number, "protocol": "tcp", "direction": "out", "local": f"10.148.0.17:{40000 + number}",
            "remote": "198.51.100.1:8000", "state": "open", "class": "bulk", "age_s": 47.2, "idle_s": 0.1,
            "tx_bytes": 1000, "rx_bytes": 50000, "tx_bytes_per_s": 0, "rx_bytes_per_s": 0, "modem": 0,
            "link": number, "uid": 4000000, "inode": 1, "cgroup_id": 1, "why": None, "tx_queued_bytes": 0,
            "rx_buffered_bytes": 0} | fields


class Tool:
    """gwctl, asked of a fake gwd."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self.binary = binary
        self.fake = FakeControl(folder / "fake.sock", {"status": STATUS, "flows": {"flows": []}})
        self.answers = self.fake.answers

    def run(self, *argv: str, **kw) -> subprocess.CompletedProcess:
        kw.setdefault("stdout", subprocess.PIPE)
        return subprocess.run([str(self.binary), "-s", str(self.fake.path), *argv], stderr=subprocess.PIPE,
                              text=True, timeout=60, env=sanitizer_env(), **kw)

    def shown(self, *argv: str) -> str:
        done = self.run(*argv)
        assert done.returncode == 0 and not done.stderr, done.stderr
        return done.stdout


@pytest.fixture
def tool(binaries: Binaries) -> Iterator[Tool]:
    with tempfile.TemporaryDirectory(prefix="gwd-gwctl-") as folder:
        made = Tool(binaries.gwctl, Path(folder))
        yield made
        made.fake.stop()


# -- for people -----------------------------------------------------------------------------------


def test_status_of_a_module_that_is_fine(tool: Tool) -> None:
    assert tool.shown("status") == """\
modem 0        up for 3h15m, since 2026-11-22T20:14:00Z
  network      Telekom.de, LTE, home network
  signal       -67 dBm, excellent
  address      10.148.0.17
  module       A7670E-FASE, A7670M7_V1.11.1 on /dev/ttyUSB2, 115200 baud
  receive      push (auto)
  turnaround   3.1 ms, prompt 39.0 ms
  line         up 1.0 kB/s (9 %), down 5.8 kB/s (50 %) of 11.5 kB/s
  payload      100 kB sent, 3.3 MB received (on the line 120 kB, 3.4 MB)
  links        7 free, 1 tcp, 1 udp, 1 dns
  recovery     1 boots, 0 recoveries, 0 time-outs
cell0          10.148.0.17, mtu 1500, carrier on, default route
flows          1 tcp (0 held), 2 udp, 0 names pending
forward 8080   failed to 192.0.2.1:80, 0 clients now, 3 so far, 1 refused (bind failed)
gwd            0.1.0, running for 3h20m (pid 812)
"""


def test_status_says_why_it_is_slow_and_names_the_process(tool: Tool) -> None:
    with socket.socket() as s:
        ours = {"inode": os.fstat(s.fileno()).st_ino, "uid": os.getuid()}
        modem = MODEM | {"receive": "buffer", "receive_switches": 1, "buffer_mode_s": 13.0, "links_free": 0,
                         "rx_line_share": 0.97}
        tool.answers["status"] = STATUS | {"modems": [modem]}
        tool.answers["flows"] = {"flows": [
            flow(1), flow(2, **ours, rx_buffered_bytes=30000, rx_bytes_per_s=11000), flow(3, **ours),
            flow(4, state="waiting", link=None, why="a free link")]}
        text = tool.shown("status")
    us = f"{Path('/proc/self/comm').read_text().strip()}/{os.getpid()}"
    assert [x.strip() for x in text.splitlines() if x.startswith("  ! ")] == [
        f"! 1 TCP flow waits for a free link, TCP has 1 of the ten links; {us} holds most, 2",
        "! buffer mode, which is slower, until the last TCP flow ends: a program reads slower than the line,"
        f" now flow 2 of {us} (198.51.100.1:8000)",
        f"! the line is full downwards, 97 % of 11.5 kB/s; most is flow 2 of {us} (198.51.100.1:8000)"]


def test_status_says_why_it_is_down(tool: Tool) -> None:
    down = MODEM | {"state": "recover", "failure": "pin", "reason": "the SIM wants a PIN", "since_s": 5,
                    "rung": 0, "address": None, "operator": None, "technology": None, "rssi_dbm": None}
    tool.answers["status"] = STATUS | {"modems": [down], "forwards": []}
    head, why, *_ = tool.shown("status").splitlines()
    assert head == "modem 0        recover for 5.0s, since 2026-11-22T20:14:00Z"
    assert "PIN" in why and "modem.pin_file" in why


def test_status_of_a_gwd_that_knows_next_to_nothing(tool: Tool) -> None:
    """Another version's answer is shown as far as it goes."""
    tool.answers["status"] = {"modems": [{"state": "up"}, {}, 5], "interface": None}
    assert "up for" in tool.shown("status")


def test_flows_come_with_their_owners_and_the_fastest_first(tool: Tool) -> None:
    with socket.socket() as s:
        ours = {"inode": os.fstat(s.fileno()).st_ino, "uid": os.getuid()}
        tool.answers["flows"] = {"flows": [
            flow(1), flow(2, state="waiting", link=None, why="a free link", tx_bytes=0, rx_bytes=0),
            flow(3, **ours, rx_bytes_per_s=1500, remote="[2001:db8::1]:443"),
            flow(4, protocol="udp", tx_bytes=70000)]}
        lines = [re.split("  +", x.strip()) for x in tool.shown("flows").splitlines()]
        numeric = tool.shown("flows", "-n")
        wide = tool.shown("flows", "--wide")
    us = f"{Path('/proc/self/comm').read_text().strip()}/{os.getpid()}"
    assert lines[0] == ["ID", "PROTO", "DIR", "LOCAL", "REMOTE", "STATE", "LINK", "AGE", "SENT", "RECEIVED",
                        "DOWN", "USER", "PROCESS", "WAITS FOR"]
    assert [x[0] for x in lines[1:]] == ["3", "4", "1", "2"]
    assert lines[1][3:] == ["10.148.0.17:40003", "[2001:db8::1]:443", "open", "3", "47s", "1.0 kB", "50.0 kB",
                            "1.5 kB/s", "root", us]
    assert lines[4][-1] == "a free link"
    assert "INODE" in numeric and us not in numeric and str(ours["inode"]) in numeric
    assert "CGROUP" in wide and "bulk" in wide and "bulk" not in numeric


def test_the_control_group_of_a_hidden_process_is_found_by_its_number(tool: Tool) -> None:
    root = next((x for x in map(Path, ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"))
                 if (x / "cgroup.controllers").exists()), None)
    if not root:
        pytest.skip("no cgroup v2 here")
    group = Path(tempfile.mkdtemp(prefix="gwd-test-", dir=root))
    inner = group / "inner"
    try:
        inner.mkdir()
        tool.answers["flows"] = {"flows": [flow(1, cgroup_id=inner.stat().st_ino), flow(2, cgroup_id=2**40)]}
        rows = tool.shown("flows", "-w").splitlines()[1:]
    finally:
        # The kernel's files in a control group go with it; rmtree() would try to remove each.
        inner.rmdir()
        group.rmdir()
    assert rows[1].endswith(f"/{group.name}/inner") and rows[0].endswith("  -")


def test_links_are_one_line_each(tool: Tool) -> None:
    tool.answers["links"] = {"links": [
        {"modem": 0, "link": 0, "state": "free", "type": None, "remote": None, "flows": 0, "tx_bytes": 0,
         "rx_bytes": 0, "age_s": None},
        {"modem": 0, "link": 1, "state": "open", "type": "tcp", "remote": "198.51.100.1:80", "flows": 1,
         "tx_bytes": 10, "rx_bytes": 2_500_000, "age_s": 3, "tx_bytes_per_s": 0, "rx_bytes_per_s": 8000}]}
    assert tool.shown("links") == """\
MODEM  LINK  STATE  TYPE  REMOTE           FLOWS   AGE  SENT  RECEIVED      DOWN
    0     0  free   -     -                    -     -     -         -
    0     1  open   tcp   198.51.100.1:80      1  3.0s  10 B    2.5 MB  8.0 kB/s
"""


def test_modem_shows_each_key_with_its_unit(tool: Tool) -> None:
    tool.answers["modem"] = {"modems": [{
        "modem": 0, "imei": "867322040000000", "iccid": None, "rssi_dbm": -67, "turnaround_ms": 3.14,
        "cereg": 5, "dns": ["10.0.0.1", "10.0.0.2"], "servers": [], "since_s": 300,
        "ladder": {"rung": 0, "backoff_s": 5, "counts": {"retry": 2, "cfun": 0}},
        "quirks": ["no CIPACK"], "forwards": [{"port": 80, "since_s": 60}, {"port": 81, "since_s": None}]}]}
    assert tool.shown("modem") == """\
modem                  0
imei                   867322040000000
iccid                  -
rssi                   -67 dBm, excellent
turnaround             3.1 ms
cereg                  5, roaming
dns                    10.0.0.1
                       10.0.0.2
servers                -
since                  5m00s
ladder
  rung                 0
  backoff              5.0s
  counts
    retry              2
    cfun               0
quirks                 no CIPACK
forwards               port 80, since 1m00s
                       port 81, since -
"""


def test_the_log_and_the_configuration_are_lines(tool: Tool) -> None:
    tool.answers["log"] = {"lines": [
        {"time": "2026-11-22T23:30:00Z", "level": "info", "text": "modem 0: up"},
        {"time": "2026-11-22T23:30:01Z", "level": "warn", "text": "a\u001b[2Jb"}]}
    tool.answers["config"] = {"text": "[modem]\napn = internet\npassword = ***\n"}
    assert tool.shown("log", "-n", "2") == ("2026-11-22T23:30:00Z info  modem 0: up\n"
                                            "2026-11-22T23:30:01Z warn  a?[2Jb\n")
    assert tool.shown("config") == "[modem]\napn = internet\npassword = ***\n"
    assert tool.fake.asked[-2:] == [{"request": "log", "lines": 2}, {"request": "config"}]


EVENTS = [
    ({"event": "bearer", "modem": 0, "state": "up", "address": "10.148.0.17", "failure": None, "reason": None},
     "bearer    0 up, 10.148.0.17"),
    ({"event": "bearer", "modem": 0, "state": "recover", "address": None, "reason": "no PDP address"},
     "bearer    0 recover (no PDP address)"),
    ({"event": "flow", "what": "new", "why": None, "flow": flow(7, state="waiting")},
     "flow      7 new, tcp 10.148.0.17:40007 to 198.51.100.1:8000, waiting"),
    ({"event": "flow", "what": "end", "why": "the host reset it", "flow": flow(7, direction="in")},
     "flow      7 end, tcp 10.148.0.17:40007 from 198.51.100.1:8000, open, 1.0 kB sent, 50.0 kB received"
     " (the host reset it)"),
    ({"event": "link", "what": "failed", "why": "busy", "link": {"link": 9, "type": "tcp", "remote": "192.0.2.1:80"}},
     "link      9 failed, tcp 192.0.2.1:80 (busy)"),
    ({"event": "link", "what": "free", "why": None, "link": {"link": 9, "type": None, "remote": None}},
     "link      9 free"),
    ({"event": "receive", "modem": 0, "what": "buffer", "why": "a slow host"}, "receive   0 buffer (a slow host)"),
    ({"event": "recovery", "modem": 0, "rung": 4, "rung_name": "reset", "reason": "no answer", "recoveries": 3},
     "recovery  0 reset (no answer)"),
    ({"event": "forward", "what": "failed", "why": "bind failed", "forward": STATUS["forwards"][0]},
     "forward   8080 failed, to 192.0.2.1:80 (bind failed)"),
    ({"event": "interface", "interface": STATUS["interface"] | {"up": True}},
     "interface cell0 up, 10.148.0.17, default route"),
    ({"event": "reload", "error": None, "reload": {"changed": ["tcp.linger", "log.level"], "restart": ["modem.baud"]}},
     "reload    done, changed: tcp.linger, log.level, need a restart: modem.baud"),
    ({"event": "reload", "error": "gwd.conf:3: nonsense", "reload": None}, "reload    failed (gwd.conf:3: nonsense)"),
    ({"event": "log", "level": "warn", "text": "x\u0007y"}, "log       warn: x?y"),
    ({"event": "lost", "count": 3}, "lost      3 events were not read in time"),
    ({"event": "later", "x": {"y": 1}},
     'later     {"version":1,"time":"2026-11-22T23:30:00Z","event":"later","x":{"y":1}}'),
]


def test_each_event_is_a_line(tool: Tool) -> None:
    tool.answers["events"] = {"kinds": ["bearer", "flow"]}
    tool.fake.streams["events"] = [{"time": "2026-11-22T23:30:00Z", **event} for event, _ in EVENTS]
    argv = [str(tool.binary), "-s", str(tool.fake.path), "events", "--follow"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout
        for _, line in EVENTS:
            assert following.stdout.readline() == f"2026-11-22T23:30:00Z {line}\n"
        assert following.poll() is None
        following.terminate()


def test_without_follow_the_next_event_is_the_last(tool: Tool) -> None:
    tool.answers["events"] = {"kinds": ["bearer", "flow"]}
    tool.fake.streams["events"] = [{"time": "2026-11-22T23:30:00Z", **event} for event, _ in EVENTS]
    assert tool.shown("events", "bearer", "flow") == "2026-11-22T23:30:00Z bearer    0 up, 10.148.0.17\n"
    assert tool.fake.asked[-1] == {"request": "events", "kinds": ["bearer", "flow"]}
    assert json.loads(tool.shown("events", "-j"))["event"] == "bearer"
    tool.answers["events"] = error("bad_argument", "kinds: expected a list of some of bearer flow")
    assert tool.run("events", "nonsense").returncode == 1


# -- what changes something -----------------------------------------------------------------------


def test_at_prints_what_the_module_says_and_stops_at_an_error(tool: Tool) -> None:
    def answer(request: dict) -> dict:
        bad = request["command"] == "AT+BAD"
        return {"command": request["command"], "final": "ERROR" if bad else "OK", "ok": not bad,
                "lines": [] if bad else ["+CSQ: 23,99"], "duration_ms": 3}

    tool.answers["at"] = answer
    assert tool.shown("at", "-t", "7", "AT+CSQ") == "+CSQ: 23,99\nOK\n"
    assert tool.fake.asked[-1] == {"request": "at", "command": "AT+CSQ", "timeout_s": 7}
    done = tool.run("at", "AT+CSQ", "AT+BAD", "AT+CSQ")
    assert (done.returncode, done.stdout) == (1, "+CSQ: 23,99\nOK\nERROR\n")
    done = tool.run("at", "AT+CSQ", "-", input="\nAT+CSQ\r\nAT+CSQ\nAT+BAD\nAT+CSQ\n")
    assert (done.returncode, done.stdout) == (1, "+CSQ: 23,99\nOK\n" * 3 + "ERROR\n")
    tool.answers["at"] = error("timeout", "AT+CSQ was not answered in time")
    done = tool.run("at", "AT+CSQ")
    assert (done.returncode, done.stderr) == (4, "gwctl: AT+CSQ was not answered in time\n")
    tool.answers["at"] = error("not_permitted", "be root")
    assert tool.run("at", "AT").returncode == 1


def test_close_and_reload(tool: Tool) -> None:
    tool.answers["close"] = lambda request: {"flow": request["flow"]}
    assert tool.shown("close", "12") == ""
    assert tool.fake.asked[-1] == {"request": "close", "flow": 12}
    for wrong in ("x", "-1", "1x", "", "99999999999999999999"):
        assert tool.run("close", "--", wrong).returncode == 2
    tool.answers["reload"] = {"changed": ["log.level"], "restart": ["modem.baud"]}
    assert tool.shown("reload") == "changed:       log.level\nneeds restart: modem.baud\n"
    tool.answers["reload"] = {"changed": [], "restart": []}
    assert tool.shown("reload") == "nothing has changed\n"
    tool.answers["reload"] = error("bad_config", "gwd.conf:3: modem.baud wants a number")
    done = tool.run("reload")
    assert (done.returncode, done.stderr) == (1, "gwctl: gwd.conf:3: modem.baud wants a number\n")


def test_wait_ends_with_the_state_or_the_time(tool: Tool) -> None:
    tool.answers["wait"] = {"state": "up"}
    assert tool.shown("wait", "--up", "--timeout", "9") == ""
    assert tool.fake.asked[-1] == {"request": "wait", "for": "up", "timeout_s": 9}
    tool.answers["wait"] = error("timeout", "still register after 9 s")
    assert tool.run("wait", "--down").returncode == 4
    assert tool.run("wait").returncode == tool.run("wait", "--up", "--down").returncode == 2


def test_wait_for_a_gwd_that_does_not_run(tool: Tool) -> None:
    """It may be about to start; and it is down."""
    tool.fake.stop()
    assert tool.run("wait", "--up", "-t", "1").returncode == 3
    assert tool.run("wait", "--down", "-t", "9").returncode == 0


# -- monitoring -----------------------------------------------------------------------------------


@pytest.mark.parametrize("argv, modem, code, word", [
    ([], {}, 0, "OK"),
    ([], {"rssi_dbm": -101}, 1, "WARNING"),
    ([], {"rssi_dbm": -111}, 2, "CRITICAL"),
    (["-w", "rssi=-60"], {}, 1, "WARNING"),
    (["-w", "links=2", "-c", "rssi=-60,links=5"], {}, 2, "CRITICAL"),
    ([], {"links_tcp": 8}, 1, "WARNING"),
    ([], {"rssi_dbm": None}, 0, "OK"),
    ([], {"state": "register"}, 2, "CRITICAL"),
    (["--up"], {"rssi_dbm": -120, "links_tcp": 8}, 0, "OK"),
    (["--up"], {"state": "recover"}, 2, "CRITICAL"),
])
def test_check_grades(tool: Tool, argv: list[str], modem: dict, code: int, word: str) -> None:
    tool.answers["status"] = STATUS | {"modems": [MODEM | modem]}
    done = tool.run("check", *argv)
    assert done.returncode == code and done.stdout.startswith(f"GWD {word} - cell0 "), done.stdout
    assert done.stdout.count("\n") == 1
    assert json.loads(tool.run("check", "--json", *argv).stdout)["exit_status"] == code


def test_check_has_figures_with_their_thresholds(tool: Tool) -> None:
    assert tool.shown("check", "-w", "rssi=-95") == (
        "GWD OK - cell0 up for 3h15m, 10.148.0.17, Telekom.de LTE, -67 dBm, 3 of 10 links in use |"
        " rssi=-67;-95:;-110: links=3;9;10;0;10 line_up=9%;;;0;100 line_down=50%;;;0;100 flows=3;;;0"
        " uptime=12000s;;;0\n")
    tool.answers["status"] = STATUS | {"modems": [MODEM | {"operator": "a|b=1"}]}
    assert tool.shown("check").count("|") == 1


def test_check_of_what_cannot_be_looked_at(tool: Tool) -> None:
    assert tool.run("check", "-w", "nonsense").returncode == 3
    assert tool.run("check", "word").returncode == 3
    tool.answers["status"] = error("failed", "no")
    assert tool.run("check").returncode == 3
    tool.fake.stop()
    done = tool.run("check")
    assert done.returncode == 2 and done.stdout.startswith("GWD CRITICAL - ")


# -- all commands ---------------------------------------------------------------------------------


def commands(tool: Tool) -> list[str]:
    text = tool.shown("--help")
    return re.findall(r"^  ([a-z]+)\b", text.split("commands:\n")[1].split("\noptions:")[0], re.MULTILINE)


def test_help_is_on_stdout_and_fits_a_terminal(tool: Tool) -> None:
    names = commands(tool)
    assert {"status", "flows", "links", "modem", "check", "wait", "events", "log", "at", "close", "reload",
            "config"} <= set(names)
    for argv in [["--help"], *([x, "--help"] for x in names)]:
        text = tool.shown(*argv)
        assert text.startswith("usage: gwctl ") and max(map(len, text.splitlines())) <= 80
    assert tool.shown("--version").startswith("gwctl ")


def test_a_wrong_command_line_is_said_and_is_status_2(tool: Tool) -> None:
    for argv in ([], ["nonsense"], ["status", "word"], ["status", "-x"], ["-x"], ["at"], ["log", "-n"],
                 ["log", "-n", "0"], ["--color", "pink", "status"], ["flows", "--nonsense"]):
        done = tool.run(*argv)
        assert done.returncode == 2 and "usage: gwctl" in done.stderr and not done.stdout, argv


def test_json_is_what_gwd_said_wherever_the_option_is(tool: Tool) -> None:
    hostile = copy.deepcopy(STATUS)
    hostile["modems"][0]["operator"] = "\u001b[31m\u009b2J\u007fé"
    tool.answers["status"] = hostile
    for argv in (["--json", "status"], ["status", "-j"]):
        text = tool.shown(*argv)
        assert json.loads(text) == hostile
        assert not any(ord(x) < 32 and x != "\n" or 0x7f <= ord(x) <= 0x9f for x in text)


def test_what_comes_from_the_air_reaches_no_terminal_as_it_is(tool: Tool) -> None:
    """Each string of an answer in turn, and the texts of errors."""
    evil = "x\u001b]0;owned\u0007\u009b2J\ny"
    modem: dict = {k: evil if isinstance(v, str) and k != "state" else v for k, v in MODEM.items()}
    tool.answers["status"] = STATUS | {"modems": [modem]}
    tool.answers["flows"] = {"flows": [flow(1, local=evil, remote=evil, why=evil, state=evil)]}
    tool.answers["modem"] = {"modems": [{"quirks": {evil: evil, "x": evil}, evil: [evil]}]}
    tool.answers["config"] = {"text": evil}
    tool.answers["links"] = error("failed", evil)
    for command in ("status", "flows", "modem", "config", "links", "check"):
        done = tool.run(command)
        seen = done.stdout + done.stderr
        assert "owned" in seen
        assert not any(ord(x) < 32 and x not in "\n\t" or 0x7f <= ord(x) <= 0x9f for x in seen), (command, seen)


def on_a_terminal(tool: Tool, env: dict[str, str]) -> str:
    master, slave = pty.openpty()
    done = subprocess.run([str(tool.binary), "-s", str(tool.fake.path), "status"], stdout=slave, timeout=60,
                          env=sanitizer_env() | {"TERM": "xterm"} | env)
    os.close(slave)
    assert done.returncode == 0
    text = os.read(master, 65536).decode()
    os.close(master)
    return text


def test_colour_is_for_terminals_and_can_be_refused(tool: Tool) -> None:
    assert "\033[32mup" in on_a_terminal(tool, {})
    assert "\033" not in on_a_terminal(tool, {"NO_COLOR": "1"})
    assert "\033" not in on_a_terminal(tool, {"TERM": "dumb"})
    assert "\033" not in tool.shown("status")
    assert "\033[32mup" in tool.shown("status", "--color=always")


@pytest.mark.parametrize("answer", [b"", b"x" * 100_000 + b"\n", b"[]\n", b"\xff\xfe\n", b"{\n",
                                    b'{"version":1,"ok":true}\n', b'{"ok":false,"error":5}\n'])
def test_an_answer_that_is_none_is_a_failure(tool: Tool, answer: bytes) -> None:
    if answer:
        tool.answers["status"] = answer
    else:
        def hang_up(_request: dict) -> bytes:
            raise OSError
        tool.answers["status"] = hang_up
    done = tool.run("status")
    assert done.returncode == 1 and done.stderr.startswith("gwctl: "), done
    assert done.stderr.count("\n") == 1


def test_a_full_disk_is_noticed(tool: Tool) -> None:
    with open("/dev/full", "w") as full:
        done = tool.run("status", stdout=full)
    assert done.returncode == 1 and "No space" in done.stderr


# -- with a real gwd ------------------------------------------------------------------------------


def test_a_real_gwd_is_shown(world: World) -> None:
    gwd = world.up()
    server = world.serve(hold)
    s = world.connect(server.address)
    s.sendall(b"x" * 5000)
    wait_for("the module's confirmation", lambda: gwd.flows()[0]["tx_bytes"] == 5000)
    us = f"{Path('/proc/self/comm').read_text().strip()}/{os.getpid()}"
    number, *_, process = re.split("  +", world.gwctl("flows").stdout.splitlines()[1].strip())
    assert int(number) == gwd.flows()[0]["id"] and process == us
    assert f" {gwd.flows()[0]['inode']}" in world.gwctl("flows", "-n").stdout
    group = Path("/proc/self/cgroup").read_text().splitlines()[-1].removeprefix("0::")
    assert world.gwctl("flows", "-w").stdout.splitlines()[1].endswith(f"  {group}")
    status = world.gwctl("status").stdout
    assert re.search(r"^modem 0 +up for .*, since 20\d\d-", status) and "  ! " not in status
    assert "a76sim, LTE, home network" in status and " kB/s" in status
    line = world.gwctl("check").stdout
    assert line.startswith("GWD OK - cell0 up for ") and " rssi=-67;" in line and " links=1;" in line
    modem = world.gwctl("modem").stdout
    assert re.search(r"^imei +\d{15}$", modem, re.MULTILINE)
    assert re.search(r"^serving cell\n( .*\n)*  plmn +001-01$", modem, re.MULTILINE)
    assert world.gwctl("at", "AT+CSQ", "-", input="AT\n").stdout == "+CSQ: 23,0\nOK\nOK\n"
    assert world.gwctl("at", "AT+CPIN=1234", check=False).returncode == 1  # the card asks for none
    refused = world.gwctl("at", "ATE1", check=False)
    assert refused.returncode == 1 and "ATE1 is refused" in refused.stderr
    for _ in range(8):
        world.connect(server.address)
    tenth = world.client()
    tenth.setblocking(False)
    tenth.connect_ex(server.address)
    wait_for("the tenth flow to wait", lambda: any(x["state"] == "waiting" for x in gwd.flows()))
    assert (f"! 1 TCP flow waits for a free link, TCP has 9 of the ten links and the rest is kept for others; {us} holds"
            " most, 9\n") in world.gwctl("status").stdout
    assert "WAITS FOR" in world.gwctl("flows").stdout
    assert "bearer" in world.gwctl("log").stdout


def test_a_real_gwd_says_why_it_is_down(world: World) -> None:
    gwd = world.start_gwd(wait=None, route=None)
    wait_for("gwd to look for its port", lambda: gwd.state() == "absent")
    text = world.gwctl("status").stdout
    assert re.match(r"modem 0 +absent for \d[.\d]*s, since 20", text) and "the port cannot be opened" in text
    # Not since the machine began.
    assert gwd.request("modem")["modems"][0]["since_s"] <= gwd.status()["uptime_s"]
    page = gwd.request("metrics")["text"]
    state, whole = (float(re.search(rf"^{name}\S* (\S+)$", page, re.M)[1])
                    for name in ("gwd_modem_state_seconds", "gwd_uptime_seconds"))
    assert state <= whole
    world.start_sim(pin="1234")
    wait_for("the PIN to be missed", lambda: gwd.state() and gwd.modem()["failure"] == "pin")
    assert "modem.pin_file" in world.gwctl("status").stdout
    done = world.gwctl("check", check=False)
    assert done.returncode == 2 and "PIN" in done.stdout


def test_a_module_that_is_gone_is_on_no_network(world: World) -> None:
    gwd = world.up()
    assert "network" in world.gwctl("status").stdout and gwd.modem()["operator"]
    world.sim.command("unplug")
    gwd.wait_state("absent")
    m, text = gwd.modem(), world.gwctl("status").stdout
    assert {m[x] for x in ("operator", "technology", "rssi_dbm", "creg", "cgreg", "cereg")} == {None}
    assert "  network" not in text and "  signal" not in text
    assert "rssi=" not in world.gwctl("check", check=False).stdout
    world.sim.command("plug")
    gwd.wait_state("up")
    assert gwd.modem()["operator"] and gwd.modem()["rssi_dbm"]


def test_the_reason_of_a_recovery_is_said_in_all_its_states(world: World) -> None:
    """Each round looks for the module anew, which is not why it is down."""
    world.start_sim(netopen_result=1)
    gwd = world.start_gwd(wait=None, route=None)
    wait_for("the first rung", lambda: gwd.state() and gwd.modem()["rung"] == 1)
    rounds = gwd.modem()["recoveries"] + 1
    said = set()
    while gwd.modem()["recoveries"] < rounds:
        said |= {x for x in world.gwctl("status").stdout.splitlines() if x.startswith("  ! ")}
        assert gwd.modem()["rssi_dbm"]  # it is still there
    assert any("NETOPEN failed" in x and "modem.apn" in x for x in said), said
    assert not [x for x in said if "no module answers" in x or "no address yet" in x]


def test_a_real_gwd_is_steered(world: World) -> None:
    world.start_sim()
    path = world.folder / "gwd.conf"
    path.write_text("[tcp]\nlinger = 10s\n")
    gwd = world.start_gwd(arguments=["-c", str(path)])
    assert world.gwctl("wait", "--up").returncode == 0
    assert world.gwctl("wait", "--down", "-t", "1", check=False).returncode == 4
    events = world.background(world.inner, [str(world.binaries.gwctl), "-s", str(gwd.socket), "events", "-f",
                                            "flow", "reload", "link"], "events")
    server = world.serve(hold)
    # A flow that nobody was told of may have been before the events.
    wait_for("an event", lambda: world.connect(server.address) and "flow" in events.text())
    number = gwd.flows("tcp")[-1]["id"]
    world.gwctl("close", str(number))
    wait_for("the flow's end", lambda: re.search(rf" flow +{number} end, ", events.text()))
    assert re.search(r" link +\d open, tcp 198\.51\.100\.1:8000", events.text())
    assert world.gwctl("close", str(number), check=False).returncode == 1
    path.write_text("[tcp]\nlinger = 11s\nbuffer = 32768\n")
    assert world.gwctl("reload").stdout == "changed:       tcp.linger\nneeds restart: tcp.buffer\n"
    wait_for("the reload to be told", lambda: "reload    done, changed: tcp.linger" in events.text())
    assert "linger = 11s" in world.gwctl("config").stdout
    path.write_text("[tcp]\nlinger = sometime\n")
    done = world.gwctl("reload", check=False)
    assert done.returncode == 1 and "gwd.conf:2" in done.stderr
    events.terminate(5)


# -- completions ----------------------------------------------------------------------------------

COMPLETIONS = Path(__file__).resolve().parents[2] / "packaging" / "completions"
SYNTAX = {"_gwd": ["zsh", "-n"], "gwctl.fish": ["fish", "-n"], "gwd.fish": ["fish", "-n"],
          "a76sim.fish": ["fish", "-n"], "gwd.bash": ["bash", "-n"]}


def options_of(text: str) -> list[str]:
    return re.findall(r"(?<![\w-])--([a-z-]+)", text)


def complete(*words: str, path: Path) -> list[str]:
    """What bash would offer for the last of the words."""
    script = ('source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }; "_$1"; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, str(COMPLETIONS / "gwd.bash"), *words], check=True, text=True,
                          stdout=subprocess.PIPE, env=os.environ | {"PATH": f"{path}:{os.environ['PATH']}"})
    return done.stdout.split()


def test_completions_know_each_command_and_option(tool: Tool, binaries: Binaries) -> None:
    files = {x: (COMPLETIONS / x).read_text() for x in ("gwd.bash", "_gwd", "gwctl.fish")}
    names = commands(tool)
    folder = tool.binary.parent
    assert complete("gwctl", "", path=folder) == names
    for name in names:
        options = {f"--{x}" for x in options_of(tool.shown(name, "--help").split("options:")[1])}
        assert set(complete("gwctl", name, "--", path=folder)) == options, name
        assert f"\t\t'{name}:" in files["_gwd"] or f'\t\t"{name}:' in files["_gwd"]
        assert f"-a {name} " in files["gwctl.fish"]
        for option in options:
            assert option in files["_gwd"] and f"-l {option[2:]} " in files["gwctl.fish"], option
    for program, path in (("gwd", binaries.gwd), ("a76sim", binaries.a76sim)):
        text = subprocess.run([path, "--help"], check=True, text=True, stdout=subprocess.PIPE).stdout
        for option in options_of(text.split("Options of the file")[0]):
            assert f"--{option}" in complete(program, "--", path=folder)
            assert f"--{option}" in files["_gwd"]
            assert f"-l {option} " in (COMPLETIONS / f"{program}.fish").read_text()


def test_completions_offer_what_can_stand_there(tool: Tool, binaries: Binaries) -> None:
    tool.answers["flows"] = {"flows": [flow(31), flow(47)]}
    folder = tool.binary.parent
    script = f'source {COMPLETIONS / "gwd.bash"}; complete -p gwctl gwd a76sim'
    assert subprocess.run(["bash", "-c", script], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.count("complete -o filenames -F _") == 3
    assert complete("gwctl", "st", path=folder) == ["status"]
    assert complete("gwctl", "-s", str(tool.fake.path), "close", "", path=folder) == ["47", "31"]
    assert complete("gwctl", "events", "fl", path=folder) == ["flow"]
    assert complete("gwctl", "--color", "a", path=folder) == ["auto", "always"]
    assert complete("gwd", "-o", "log.le", path=folder) == ["log.level="]
    assert "echo_payload=" in complete("a76sim", "--set", "echo", path=binaries.a76sim.parent)


@pytest.mark.parametrize("name", SYNTAX)
def test_completions_are_good_shell(name: str) -> None:
    if not shutil.which(SYNTAX[name][0]):
        pytest.skip(f"{SYNTAX[name][0]} is not installed")
    subprocess.run([*SYNTAX[name], str(COMPLETIONS / name)], check=True)
