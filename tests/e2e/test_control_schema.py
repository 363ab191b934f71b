# SPDX-License-Identifier: BSD-3-Clause
"""docs/control.schema.json is what the daemon writes, in every state, no key more and none less."""
from __future__ import annotations

import json
import re

import pytest

from harness import schema
from harness.control import Control
from harness.gwd import Gwd
from harness.servers import hold, udp_echo
from harness.waiting import wait_for
from harness.world import World

ROOT = schema.SCHEMA.parents[1]
#: What makes a request answer; the others need nothing.
PARAMETERS: dict[str, dict] = {"wait": {"for": "up", "timeout_s": 0}, "at": {"command": "AT"}, "close": {"flow": 1}}


@pytest.fixture(autouse=True)
def held_against_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Control, "check", staticmethod(schema.check))


def requests(gwd: Gwd) -> list[str]:
    return re.findall(r"\w+", gwd.ask("nonsense")["error"]["text"].split("expected")[1].replace(" or ", " "))


def test_the_schema_is_one_and_knows_every_request(world: World) -> None:
    import jsonschema
    jsonschema.Draft202012Validator.check_schema(json.loads(schema.SCHEMA.read_text()))
    gwd = world.up()
    text = (ROOT / "docs" / "control.md").read_text()
    for name in requests(gwd):
        assert f"answer_{name}" in schema.definitions() and f"| `{name}` |" in text
    for kind in gwd.ask("events")["events"]["kinds"]:
        assert f"event_{kind}" in schema.definitions() and f"| `{kind}` |" in text


def test_what_it_does_not_know_is_found() -> None:
    good = {"version": 1, "ok": True, "wait": {"state": "up"}}
    schema.check(good)
    for bad in ({**good, "wait": {"state": "up", "more": 1}}, {**good, "wait": {}}, {**good, "version": 2},
                {"version": 1, "ok": False, "error": {"code": "other", "text": "x"}}):
        with pytest.raises(AssertionError):
            schema.check(bad)


def test_every_answer_fits_in_every_state(world: World) -> None:
    world.start_sim()
    world.sim.command("freeze on")
    gwd = world.start_gwd({"forward.tcp": "8080:198.18.0.9:80"}, wait=None)
    wait_for("the control socket", gwd.state)
    for name in requests(gwd):
        gwd.ask(name, **{**PARAMETERS.get(name, {}), **({"timeout_s": 1} if name == "at" else {})})
    world.sim.command("freeze off")
    gwd.wait_state("up")
    world.route("default")
    server = world.serve(hold)
    world.connect(server.address)
    world.serve_udp(udp_echo)
    u = world.udp()
    u.sendto(b"x", server.address)
    u.recv(1)
    held = world.client(timeout=0.2)
    with pytest.raises(OSError):
        held.connect(("192.0.2.77", 9))  # nobody is there: a SYN that is held, or was refused
    for name in requests(gwd):
        gwd.ask(name, **PARAMETERS.get(name, {}))
    assert gwd.ask("close", flow=1)["error"]["code"] == "not_found"
