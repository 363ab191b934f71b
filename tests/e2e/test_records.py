# SPDX-License-Identifier: BSD-3-Clause
"""What gwd writes down for people: the AT dialogue, its log's last lines, captures, the report."""
from __future__ import annotations

import re
import socket

from harness.servers import echo
from harness.traffic import receive_exactly
from harness.waiting import wait_for
from harness.world import World

PASSWORD = "hunter2-or-so"
PIN = "4711"


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
