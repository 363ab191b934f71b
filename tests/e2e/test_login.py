# SPDX-License-Identifier: BSD-3-Clause
"""The access point's log-in, and the facts about the network that are shown."""
from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.servers import echo
from harness.traffic import receive_exactly
from harness.waiting import wait_for
from harness.world import World

SECRET = "s3cret pass,word;"


def login(world: World, auth: str = "pap", password: str = SECRET, **more: object) -> dict[str, object]:
    path = world.folder / "password"
    path.write_text(password + "\n")
    path.chmod(0o600)
    return {"modem.auth": auth, "modem.user": "ann", "modem.password_file": path} | more


def dialogue(world: World) -> str:
    """What went over the line; the record keeps quotes as \\x22."""
    return (world.folder / "dialogue.txt").read_text(errors="replace").replace("\\x22", '"')


def carries_a_byte(world: World) -> None:
    server = world.serve(echo)
    s = world.connect(server.address)
    s.sendall(b"x")
    assert receive_exactly(s, 1) == b"x"


@pytest.mark.parametrize("auth", ["pap", "chap"])
def test_a_network_that_wants_a_log_in_gets_it(world: World, auth: str) -> None:
    world.up({"apn_login": f"{auth}:ann:{SECRET}"}, login(world, auth))
    carries_a_byte(world)


def test_a_module_that_wants_the_password_first_comes_up_too(world: World) -> None:
    """SIM7600's order is known by its model; another module's is found out."""
    world.up({"apn_login": f"pap:ann:{SECRET}", "cgauth": "password_first", "model": "SIMCOM_SIM7600E-H"},
             login(world))
    assert dialogue(world).count("+CGAUTH") == 1
    world.stop_gwd()
    assert world.sim
    world.sim.set("model", "A7670E-FASE")
    world.start_gwd(login(world))


def test_a_fixed_order_is_not_turned_round(world: World) -> None:
    world.start_sim(apn_login=f"pap:ann:{SECRET}", cgauth="password_first")
    gwd = world.start_gwd(login(world) | {"modem.auth_order": "user"}, wait=None)
    wait_for("three attempts", lambda: gwd.state() and world.sim and world.sim.commands("NETOPEN") >= 4, timeout=60)
    assert f'"ann","{SECRET}"' in dialogue(world)
    assert f'"{SECRET}","ann"' not in dialogue(world)


@pytest.mark.long
def test_a_wrong_password_is_the_failure_apn(world: World) -> None:
    world.start_sim(apn_login="pap:ann:other")
    world.start_gwd(login(world) | {"modem.give_up": "yes"}, wait=None)
    assert world.gwd
    wait_for("gwd to give up", lambda: not world.gwd.process.running(), timeout=90)
    world.forget_gwd(84)


def test_the_password_is_nowhere_to_be_seen(world: World) -> None:
    """Neither in the log at its most talkative, nor in any answer, nor in the printed configuration."""
    world.up({"apn_login": f"chap:ann:{SECRET}", "echo_at_boot": "on"},
             login(world, "chap") | {"log.level": "trace"})
    assert world.gwd
    assert SECRET in dialogue(world), "it was sent"
    assert "AT+CGAUTH=..." in world.gwd.process.text()
    seen = world.gwd.process.text() + json.dumps(world.gwd.status()) + world.gwctl("status").stdout
    assert SECRET not in seen


def test_a_password_on_the_command_line_leaves_the_process_list(world: World) -> None:
    world.up({"apn_login": f"pap:ann:{SECRET}"},
             {"modem.auth": "pap", "modem.user": "ann", "modem.password": SECRET})
    assert world.gwd
    argv = Path(f"/proc/{world.gwd.process.pid}/cmdline").read_bytes()
    assert b"modem.password=***" in argv and SECRET.encode() not in argv
    assert "modem.password_file is safer" in world.gwd.process.text()
    printed = world.inner.run(str(world.binaries.gwd), "-d", "/dev/null", "-o", f"modem.password={SECRET}",
                              "--print-config").stdout
    assert "password is set" in printed and SECRET not in printed


def test_a_password_no_command_can_carry_is_refused_and_not_told(world: World) -> None:
    path = world.folder / "password"
    path.write_text('s3cret"x\n')
    done = world.inner.run(str(world.binaries.gwd), "-d", "/dev/null", "-o", "modem.auth=pap", "-o",
                           "modem.user=ann", "-o", f"modem.password_file={path}", "--check", check=False)
    assert done.returncode == 78
    assert "modem.password_file" in done.stderr and "s3cret" not in done.stderr


def test_operator_and_technology_are_shown(world: World) -> None:
    world.up()
    assert world.gwd
    modem = world.gwd.modem()
    assert (modem["operator"], modem["technology"]) == ("a76sim", "LTE")
    assert "a76sim, LTE" in world.gwctl("status").stdout


def test_keep_alive_is_the_modules_own_unless_asked_for(world: World) -> None:
    world.up()
    assert "CTCPKA" not in dialogue(world)
    world.stop_gwd()
    world.start_gwd({"modem.keepalive": "3m"})
    assert "AT+CTCPKA=1,3,5,1" in dialogue(world)
