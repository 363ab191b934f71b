# SPDX-License-Identifier: BSD-3-Clause
"""The daemon as a process: exit status, messages, signals (architecture page, section 5)."""
from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import stat
from pathlib import Path

import pytest

from harness.servers import echo
from harness.waiting import wait_for
from harness.world import World

USAGE, NOPERM, CONFIG, OSERR = 64, 77, 78, 71


def run(world: World, *argv: str):
    return world.inner.run(str(world.binaries.gwd), *argv, check=False, timeout=30)


def config_file(world: World, text: str) -> Path:
    path = world.folder / "gwd.conf"
    path.write_text(text)
    return path


def test_bad_usage_exits_64(world: World) -> None:
    for argv in (["--no-such-option"], ["surplus"], ["-c"]):
        done = run(world, *argv)
        assert done.returncode == USAGE and done.stderr, argv


@pytest.mark.parametrize("text, words", [
    ("[modem]\ndevice = /dev/null\nbaud = fast\n", [":3:", "modem.baud", "expected"]),
    ("[modem]\ndevice = /dev/null\nspeed = 1\n", [":3:", "modem.speed"]),
    ("[modem]\ndevice = /dev/null\n[tcp]\nlinger = soon\n", [":4:", "tcp.linger", "expected"]),
    ("[nonsense]\nx = 1\n", [":1:", "nonsense"]),
    ("[interface]\nname = cell0\n", ["modem.device"]),
    ("[modem]\ndevice = /dev/null\nreceive = sometimes\n", ["modem.receive"]),
    ("[modem]\ndevice = /dev/null\napn = a\"b\n", [":3:", "modem.apn"]),
])
def test_bad_configuration_exits_78_and_names_the_place(world: World, text: str, words: list[str]) -> None:
    path = config_file(world, text)
    for extra in ([], ["--check"]):
        done = run(world, "-c", str(path), *extra)
        assert done.returncode == CONFIG, done.stderr
        for word in words:
            assert word in done.stderr, f"{word!r} is missing in: {done.stderr}"


def test_a_bad_override_exits_78_and_a_missing_file_too(world: World) -> None:
    assert run(world, "-d", "/dev/null", "-o", "tcp.linger=x").returncode == CONFIG
    done = run(world, "-c", "/nonexistent/gwd.conf")
    assert done.returncode == CONFIG and "/nonexistent/gwd.conf" in done.stderr


def test_what_print_config_prints_is_accepted_again(world: World) -> None:
    printed = run(world, "-d", "/dev/null", "-o", "tcp.linger=7s", "-o", "modem.init=AT+CSQ", "--print-config")
    assert printed.returncode == 0 and printed.stdout
    path = config_file(world, printed.stdout)
    assert run(world, "-c", str(path), "--check").returncode == 0
    assert run(world, "-c", str(path), "--print-config").stdout == printed.stdout


def test_help_and_version_exit_0(world: World) -> None:
    assert "modem.device" in run(world, "--help").stdout
    assert run(world, "--version").stdout.startswith("gwd ")


def test_an_interface_name_taken_by_something_else_exits_71(world: World) -> None:
    world.start_sim()
    world.inner.ip("tuntap", "add", "cell0", "mode", "tap")
    gwd = world.start_gwd(wait=None)
    assert gwd.process.wait(20) == OSERR, gwd.process.tail()
    world.forget_gwd(OSERR)


AS_NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


def for_nobody(world: World) -> None:
    """The user reaches the tty, the folder of the control socket, and a copy of the program."""
    world.folder.chmod(0o777)
    shutil.copy(world.binaries.gwd, world.folder / "gwd")
    world.binaries = dataclasses.replace(world.binaries, gwd=world.folder / "gwd")
    (world.folder / "ttyA76").resolve().chmod(0o666)


def test_without_permission_it_exits_77(world: World) -> None:
    world.start_sim()
    for_nobody(world)
    world.start_gwd(wait=None, wrap=[*AS_NOBODY, "--inh-caps=-all"])
    world.forget_gwd(NOPERM)


def as_nobody_with_net_admin(world: World) -> list[str]:
    # Debian's udev lets everybody open /dev/net/tun; not every machine has udev.
    node = world.folder / "tun"
    os.mknod(node, stat.S_IFCHR | 0o666, os.makedev(10, 200))
    node.chmod(0o666)
    return ["sh", "-c", f"mount --bind {node} /dev/net/tun && exec \"$@\"", "sh",
            *AS_NOBODY, "--inh-caps=+net_admin", "--ambient-caps=+net_admin"]


def test_an_ordinary_user_with_cap_net_admin_is_enough(world: World) -> None:
    world.start_sim()
    for_nobody(world)
    wrap = as_nobody_with_net_admin(world)
    gwd = world.start_gwd(wrap=wrap)
    server = world.serve(echo)
    s = world.connect(server.address)
    s.sendall(b"x")
    assert s.recv(1) == b"x"
    # Killed, it leaves nothing behind that would keep an ordinary user from the tty.
    gwd.process.signal(signal.SIGKILL)
    world.forget_gwd(-signal.SIGKILL)
    world.close_clients()
    world.start_gwd(wrap=wrap, route=None)


# -- the SIM and the network -----------------------------------------------------------------------


def pin_file(world: World, pin: str) -> dict[str, object]:
    path = world.folder / "pin"
    path.write_text(pin + "\n")
    path.chmod(0o600)
    return {"modem.pin_file": path}


def test_the_right_pin_is_entered_once_and_never_logged(world: World) -> None:
    world.up({"pin": "4711"}, pin_file(world, "4711") | {"log.level": "trace"})
    assert world.gwd and "4711" not in world.gwd.process.text()


def test_a_wrong_pin_is_tried_once_only(world: World) -> None:
    world.mistakes_expected = True  # the wrong PIN
    world.start_sim(pin="4711", pin_tries=3)
    world.start_gwd(pin_file(world, "1234"), wait=None)
    gwd, sim = world.gwd, world.sim
    assert gwd and sim
    wait_for("the failure", lambda: gwd.state() and gwd.modem()["failure"] == "pin")
    sim.command("reset")  # even a reboot of the module brings no second try
    wait_for("the module's boot to be seen", lambda: gwd.modem()["boots"] >= 1, timeout=30)
    wait_for("the failure again", lambda: gwd.modem()["failure"] == "pin", timeout=60)
    tries = [x for x in sim.process.log.with_name("dialogue.txt").read_text().splitlines()
             if "CPIN=" in x]
    assert len(tries) == 1


@pytest.mark.parametrize("knobs, pin, status", [
    ({"pin": "4711"}, "1234", 80), ({"pin": "4711"}, None, 80), ({"sim": "puk"}, None, 81),
    ({"sim": "absent"}, None, 82), ({"registration": "denied"}, None, 83),
    ({"apn_required": "other"}, None, 84),
], ids=["wrong-pin", "no-pin", "puk", "no-sim", "denied", "apn"])
@pytest.mark.long
def test_give_up_exits_with_the_reason(world: World, knobs: dict, pin: str | None, status: int) -> None:
    world.mistakes_expected = pin is not None  # the wrong one
    world.start_sim(**knobs)
    options: dict[str, object] = {"modem.give_up": "yes" if status > 81 or pin else "pin"}
    if pin:
        options |= pin_file(world, pin)
    gwd = world.start_gwd(options, wait=None)
    assert gwd.process.wait(180) == status, gwd.process.tail()
    world.forget_gwd(status)


@pytest.mark.parametrize("knobs, cure, failure", [
    ({"sim": "absent"}, "sim=ready", "sim"), ({"registration": "denied"}, "registration=home", "denied"),
], ids=["no-sim", "denied"])
@pytest.mark.long
def test_without_give_up_it_waits_and_comes_up_when_the_cause_is_gone(world: World, knobs: dict, cure: str,
                                                                     failure: str) -> None:
    world.start_sim(**knobs)
    gwd = world.start_gwd({"modem.give_up": "pin" if failure == "sim" else "no"}, wait=None)
    wait_for("the failure", lambda: gwd.state() and gwd.modem()["failure"] == failure, timeout=120)
    assert gwd.modem()["reason"]
    assert world.sim
    world.sim.command(f"set {cure}")
    gwd.wait_state("up", timeout=180)


def test_it_waits_for_a_tty_that_is_not_there_yet(world: World) -> None:
    gwd = world.start_gwd(wait=None)
    wait_for("the control socket", lambda: gwd.state() == "absent")
    world.start_sim()
    gwd.wait_state("up")


# -- signals ---------------------------------------------------------------------------------------


def test_sighup_reloads_what_can_change_and_names_what_cannot(world: World) -> None:
    world.start_sim()
    text = f"[modem]\ndevice = {world.folder / 'ttyA76'}\nbaud = 921600\n[log]\nlevel = %s\n[interface]\nmtu = %d\n"
    path = config_file(world, text % ("info", 1500))
    gwd = world.start_gwd({"modem.device": None, "modem.apn": None, "modem.baud": None, "log.level": None},
                          arguments=["-c", str(path)])
    server = world.serve(echo)
    s = world.connect(server.address)
    path.write_text(text % ("debug", 1400))
    gwd.process.signal(signal.SIGHUP)
    wait_for("the word about interface.mtu", lambda: "interface.mtu" in gwd.process.text())
    s.sendall(b"x")  # no flow was touched
    assert s.recv(1) == b"x"
    path.write_text("[tcp]\nlinger = x\n")
    gwd.process.signal(signal.SIGHUP)
    wait_for("the word about the bad file", lambda: "tcp.linger" in gwd.process.text())
    s.sendall(b"y")
    assert s.recv(1) == b"y"


def test_sigint_ends_it_like_sigterm(world: World) -> None:
    gwd = world.up()
    gwd.process.signal(signal.SIGINT)
    world.forget_gwd(0)
    assert not world.open_links()


@pytest.mark.parametrize("state", ["no tty", "booting", "frozen"])
def test_sigterm_ends_it_in_time_in_every_state(world: World, state: str) -> None:
    if state != "no tty":
        world.start_sim(**({"boot_time_s": 60} if state == "booting" else {}))
    gwd = world.start_gwd(wait="up" if state == "frozen" else None)
    wait_for("the control socket", gwd.state)
    if state == "frozen":
        assert world.sim
        world.sim.command("freeze on")
    world.stop_gwd()


def test_a_deleted_interface_is_an_event_and_no_busy_loop(world: World) -> None:
    """Made anew, or the daemon ends with the TUN's exit status; never a spin."""
    gwd = world.up()
    world.inner.ip("link", "del", "cell0")
    wait_for("the end or a new interface", lambda: not gwd.process.running() or has_cell0(world))
    if not gwd.process.running():
        world.forget_gwd(OSERR)
        return
    gwd.wait_state("up")
    world.route("default")
    server = world.serve(echo)
    s = world.connect(server.address)
    s.sendall(b"x")
    assert s.recv(1) == b"x"


def has_cell0(world: World) -> bool:
    return "cell0" in world.inner.ip("link", "show")
