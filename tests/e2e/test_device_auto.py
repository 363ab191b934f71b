# SPDX-License-Identifier: BSD-3-Clause
"""modem.device = auto: the daemon sees a /sys/class/tty and a /dev of the test's own, by a mount
namespace; the tree is a SIM7600's on USB and the simulator answers on its AT port."""
from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from harness.process import Process
from harness.servers import echo
from harness.traffic import receive_exactly
from harness.waiting import wait_for
from harness.world import World

pytestmark = pytest.mark.needs("unshare", "mount")

# Runs "$@" with the folders $1 over /sys/class/tty and $2 over /dev.
MOUNTS = """
set -e
tty=$1 dev=$2; shift 2
mount --bind "$tty" /sys/class/tty
for d in pts net; do mount --bind /dev/$d "$dev/$d"; done
for f in null urandom; do mount --bind /dev/$f "$dev/$f"; done
mount --rbind "$dev" /dev
exec "$@"
"""


class Usb:
    """What sysfs and /dev say about one module, as files of the world's folder."""

    def __init__(self, folder: Path, product: str = "9001") -> None:
        self.tty, self.dev, self.devices = folder / "class-tty", folder / "dev", folder / "devices"
        for path in (self.tty, self.dev / "pts", self.dev / "net", self.devices / "1-1"):
            path.mkdir(parents=True)
        for name in ("null", "urandom"):
            (self.dev / name).touch()
        (self.devices / "1-1" / "idVendor").write_text("1e0e\n")
        (self.devices / "1-1" / "idProduct").write_text(product + "\n")

    def plug(self, number: int, interface: int, target: Path) -> None:
        port = self.devices / "1-1" / f"1-1:1.{interface}" / f"ttyUSB{number}"
        port.mkdir(parents=True, exist_ok=True)
        (port.parent / "bInterfaceNumber").write_text(f"{interface:02x}\n")
        (self.dev / f"ttyUSB{number}").symlink_to(target)
        (self.tty / f"ttyUSB{number}").mkdir()
        (self.tty / f"ttyUSB{number}" / "device").symlink_to(port)

    def unplug(self, number: int) -> None:
        shutil.rmtree(self.tty / f"ttyUSB{number}")
        (self.dev / f"ttyUSB{number}").unlink()

    @property
    def wrap(self) -> list[str]:
        return ["unshare", "-m", "sh", "-c", MOUNTS, "sh", str(self.tty), str(self.dev)]


def start(world: World, usb: Usb, **kw) -> None:
    world.start_gwd({"modem.device": "auto", "log.level": "debug"}, wrap=usb.wrap, **kw)


def deaf_port() -> tuple[int, Path]:
    """A pty on which nobody answers."""
    master, slave = os.openpty()
    name = os.ttyname(slave)
    os.close(slave)
    return master, Path(name)


def sim_pty(world: World) -> Path:
    return Path(os.readlink(world.folder / "ttyA76"))


def test_the_port_that_answers_is_taken_even_if_a_likelier_one_is_silent(world: World) -> None:
    world.start_sim()
    usb = Usb(world.folder)
    master, deaf = deaf_port()
    try:
        usb.plug(0, 2, deaf)
        usb.plug(1, 3, sim_pty(world))
        start(world, usb)
        assert world.gwd
        assert world.gwd.modem()["device"] == "/dev/ttyUSB1"
        server = world.serve(echo)
        s = world.connect(server.address)
        s.sendall(b"x")
        assert receive_exactly(s, 1) == b"x"
        assert b"AT\r" in os.read(master, 100), "the silent one was asked first"
    finally:
        os.close(master)


def test_a_module_that_is_plugged_in_later_and_again_elsewhere_is_found(world: World) -> None:
    world.start_sim()
    usb = Usb(world.folder, "9011")
    start(world, usb, wait="absent")
    gwd = world.gwd
    assert gwd
    wait_for("the complaint", lambda: "no USB port of a SIMCom module yet" in gwd.process.text())
    assert gwd.modem()["device"] is None
    usb.plug(2, 4, sim_pty(world))
    gwd.wait_state("up")
    assert world.sim
    usb.unplug(2)
    world.sim.command("unplug")
    gwd.wait_state("absent")
    world.sim.command("plug")
    usb.plug(5, 4, sim_pty(world))
    gwd.wait_state("up")
    assert gwd.modem()["device"] == "/dev/ttyUSB5"
    assert gwd.process.text().count("no USB port of a SIMCom module yet") <= 2


def test_a_port_that_another_program_has_is_left_alone(world: World) -> None:
    world.start_sim()
    usb = Usb(world.folder)
    master, other = deaf_port()
    holder = world.background(world.inner, ["flock", "-x", str(other), "sleep", "600"], "holder")
    try:
        wait_for("the lock", lambda: locked(other))
        usb.plug(0, 2, other)
        usb.plug(1, 3, sim_pty(world))
        start(world, usb)
        assert world.gwd
        assert world.gwd.process.text().count("/dev/ttyUSB0 is in use by another program") == 1
        os.set_blocking(master, False)
        with pytest.raises(BlockingIOError):
            os.read(master, 1)
    finally:
        end(holder)
        os.close(master)


def locked(path: Path) -> bool:
    import fcntl
    with open(path, "rb", buffering=0) as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def end(process: Process) -> None:
    """flock's child, too: they are a session of their own."""
    os.killpg(process.pid, signal.SIGKILL)
    process.popen.wait(10)


@pytest.mark.long
def test_a_module_left_in_transparent_mode_is_reached_by_its_ports_number(world: World) -> None:
    world.mistakes_expected = True  # AT into a stream
    world.start_sim()
    world.start_gwd()
    world.stop_gwd()
    assert world.sim
    server = world.serve(echo)
    with open(world.folder / "ttyA76", "r+b", buffering=0) as tty:
        for line in ("ATE0", "AT+CIPMODE=1", "AT+NETOPEN",
                     f'AT+CIPOPEN=0,"TCP","{server.address[0]}",{server.address[1]}'):
            tty.write(line.encode() + b"\r")
            wait_for("an answer", lambda: tty.read(200))
    wait_for("the data mode", lambda: "online" in world.sim.command("stats"))
    usb = Usb(world.folder)
    usb.plug(2, 2, sim_pty(world))
    start(world, usb, wait=None)
    assert world.gwd
    world.gwd.wait_state("up", timeout=90)
    assert "is the AT port by its number" in world.gwd.process.text()
