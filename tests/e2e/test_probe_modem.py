# SPDX-License-Identifier: BSD-3-Clause
"""scripts/probe-modem: what it asks, what it makes of answers, and that it leaves nothing behind."""
from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import pytest

from harness.waiting import wait_for
from harness.world import SERVERS4, World

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
PROBE = str(SCRIPTS / "probe-modem")
PEER = (SERVERS4[0], 7777)


@pytest.fixture(autouse=True)
def asking_is_no_mistake(world: World) -> None:
    """The simulator notes whatever a driver should not do; here it is done to see what comes of it."""
    world.mistakes_expected = True


class Report:
    def __init__(self, world: World, *argv: str, expect: int = 0) -> None:
        self.file = world.folder / "report.md"
        out = world.folder / "report.json"
        done = world.outer.run(PROBE, str(world.folder / "ttyA76"), "--report", str(self.file),
                               "--json", str(out), *argv, check=False, timeout=150)
        assert done.returncode == expect, done.stdout + done.stderr
        self.text = self.file.read_text()
        data = json.loads(out.read_text())
        self.facts = data["facts"]
        self.rows = {row["id"]: row for row in data["results"]}

    def __getitem__(self, name: str) -> str:
        return self.rows[name]["verdict"]


@pytest.fixture
def peer(world: World) -> str:
    process = world.background(world.outer, [str(SCRIPTS / "probe-peer"), f"{PEER[0]}:{PEER[1]}"], "peer")
    wait_for("probe-peer to serve", lambda: "serving" in process.tail())
    return f"{PEER[0]}:{PEER[1]}"


def settings(world: World) -> list[str]:
    """What the module itself says of everything the probe may touch."""
    rows = Report(world, "--only", "ask-settings", "--only", "ask-sockets").rows
    return [x for row in rows.values() for x in row["verdict"].split("; ")]


def test_without_a_network_it_only_asks_and_masks_who_it_is(world: World) -> None:
    world.start_sim(profile="a7670e")
    report = Report(world)
    assert "A7670E" in report["ask-identity"] and "CIPCCFG: 10,0,0,1,0,0,500" in report["ask-settings"]
    assert "ms (least, median, most of 20)" in report["turnaround"]
    imei = re.search(r"\b\d{15}\b", (world.folder / "dialogue.txt").read_text()).group()  # type: ignore[union-attr]
    assert imei not in report.text and f"***{imei[-4:]}" in report.text
    asked = [x.split("H> ", 1)[1] for x in report.text.splitlines() if " H> " in x]
    assert all("=" not in x or "=?" in x or x.startswith(("AT+CGPADDR=1", "AT+CGCONTRDP=1")) for x in asked), asked


def test_every_question_has_an_answer_and_all_is_put_back(world: World, peer: str) -> None:
    world.start_sim(profile="fast", prompt_delay_ms=5, tx_full="partial", urc_in_response="never")
    before = settings(world)
    report = Report(world, "--apn", "internet", "--server", peer)
    unanswered = {k: r["verdict"] for k, r in report.rows.items() if "not answered" in r["verdict"]}
    assert not unanswered
    assert report["after-close"].endswith("3072 of 3072 bytes read ")
    assert "RECV FROM" in report["header-both"] and "+RECEIVE,9,16" in report["header-both"]
    assert "+IPD16" in report["header-plain"] and "+IPD" not in report["header-no-head"]
    assert report["early-bytes"] == "the peer got hello of hello"
    assert "100000 of 100000" in report["rx-buffer"] and "1472 up: cnf 1472, the peer got 1472" in report["udp-size"]
    assert "not asked" in report["ipv6-literal"] and "CLOSED" in report["transparent-close"]
    assert settings(world) == before


def test_a_second_open_is_asked_while_the_first_is_under_way(world: World) -> None:
    sim = world.start_sim(**{"open_result@192.0.2.1:9": "never"})
    assert "accepted" in Report(world, "--network", "--only", "concurrent-open")["concurrent-open"]
    sim.set("concurrent_open", "busy")
    assert Report(world, "--network", "--only", "concurrent-open")["concurrent-open"] == "busy"


@pytest.mark.parametrize("knob, value, question, verdict", [
    ("rx_after_ipclose", "discarded", "after-close", " 0 of 3072"),
    ("early_bytes", "dropped", "early-bytes", "##### of hello"),
    ("lf_after_cr", "counted", "lf-after-cr", "\\nhell of hello"),
    ("rx_notify", "every", "rx-notice", "4 announcements"),
    ("udp_boundaries", "datagram", "udp-read", "2,9,20,"),
    ("push_leading_crlf", "no", "header-both", "RECV FROM"),
    ("send_busy_scope", "link", "send-busy", "link 8: prompt"),
])
def test_another_module_gives_another_verdict(world: World, peer: str, knob: str, value: str, question: str,
                                              verdict: str) -> None:
    extra = {"send_confirm_delay_ms": 300} if question == "send-busy" else {}
    world.start_sim(**{knob: value}, **extra)
    assert verdict in Report(world, "--server", peer, "--only", question)[question]


def test_a_module_that_falls_silent_ends_the_run_with_a_report(world: World) -> None:
    sim = world.start_sim(at_timeout=4)
    report = Report(world, "--only", "ask-identity", "--only", "turnaround", expect=1)
    assert "three commands in a row without an answer" in report.facts["ended early"]
    assert report["ask-identity"] == "not answered: the probe ended here" and "turnaround" not in report.rows
    assert sim.process.running()


def test_a_port_without_a_module_is_named(world: World) -> None:
    world.start_sim(boot_time_s=100)
    report = Report(world, expect=1)
    assert "no answer to AT" in report.facts["ended early"] and not report.rows


def test_a_port_that_gwd_has_is_left_alone(world: World) -> None:
    world.up()
    done = world.outer.run(PROBE, str(world.folder / "ttyA76"), check=False)
    assert done.returncode == 1 and "gwd (pid" in done.stderr, done.stderr


def test_a_module_that_is_unplugged_ends_the_run_with_a_report(world: World, peer: str) -> None:
    sim = world.start_sim(urc_in_response="never")
    report = world.folder / "cut.md"
    process = world.background(world.outer, [PROBE, str(world.folder / "ttyA76"), "--server", peer, "--only",
                                             "rx-notice", "--report", str(report)], "probe")
    wait_for("the link of the question", lambda: any(x.get("state") == "open" for x in sim.stats()["links"]))
    sim.process.signal(signal.SIGKILL)
    world.sim = None  # its end is no accident
    assert process.wait(40) == 1, process.tail()
    assert "ended early: the tty" in report.read_text() and "not put back: the tty" in report.read_text()


def test_ctrl_c_before_a_prompt_leaves_neither_a_link_nor_half_a_command(world: World, peer: str) -> None:
    """In a network that was open before, which nothing closes afterwards."""
    sim = world.start_sim(urc_in_response="never")
    with open(world.folder / "ttyA76", "r+b", buffering=0) as tty:
        tty.write(b"AT+NETOPEN\r")
        wait_for("the network", lambda: b"NETOPEN: 0" in os.read(tty.fileno(), 4096))
    sim.set("prompt_delay_ms", "never")
    report = world.folder / "cut.md"
    process = world.background(world.outer, [PROBE, str(world.folder / "ttyA76"), "--server", peer, "--only",
                                             "rx-notice", "--report", str(report)], "probe")
    wait_for("the link of the question", lambda: any(x.get("state") == "open" for x in sim.stats()["links"]))
    wait_for("CIPSEND", lambda: "CIPSEND=9" in (world.folder / "dialogue.txt").read_text())
    process.signal(signal.SIGHUP)
    assert process.wait(60) == 1, process.tail()
    assert "interrupted" in report.read_text() and "not put back" not in report.read_text(), report.read_text()
    assert not any(x.get("state") == "open" for x in sim.stats()["links"])
    assert "NETOPEN: 1" in "".join(settings(world))


def test_ctrl_c_puts_everything_back_and_still_reports(world: World, peer: str) -> None:
    sim = world.start_sim(urc_in_response="never")
    before = settings(world)
    report = world.folder / "cut.md"
    process = world.background(world.outer, [PROBE, str(world.folder / "ttyA76"), "--server", peer, "--only",
                                             "window-closed", "--only", "rx-notice", "--report", str(report)], "probe")
    wait_for("the link of the question", lambda: any(x.get("state") == "open" for x in sim.stats()["links"]))
    process.signal(signal.SIGINT)
    assert process.wait(40) == 1
    assert "interrupted" in report.read_text()
    assert settings(world) == before
