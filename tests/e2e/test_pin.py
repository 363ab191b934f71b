# SPDX-License-Identifier: BSD-3-Clause
"""A PIN is entered once for a given SIM, over restarts of the daemon and of the module."""
from __future__ import annotations

import pytest

from harness.waiting import wait_for
from harness.world import World

RIGHT, WRONG = "4711", "1234"


def options(world: World, pin: str, **more: object) -> dict[str, object]:
    path = world.folder / "pin"
    path.write_text(pin + "\n")
    path.chmod(0o600)
    return {"modem.pin_file": path} | more


def attempts(world: World) -> int:
    """CPIN= alone, not CPIN?."""
    lines = (world.folder / "dialogue.txt").read_text(errors="replace").splitlines()
    return sum("H>" in x and "AT+CPIN=" in x for x in lines)


def fails(world: World, pin: str, **more: object) -> None:
    gwd = world.start_gwd(options(world, pin, **more), wait=None)
    wait_for("the failure", lambda: gwd.state() and gwd.modem()["failure"] == "pin")


def remembered(world: World) -> list[str]:
    """In modem.state_dir, which is the world's own."""
    folder = world.folder / "state"
    return sorted(x.name for x in folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize("spic", ["on", "error"], ids=["tries-known", "tries-unknown"])
def test_a_wrong_pin_is_entered_once_over_restarts(world: World, spic: str) -> None:
    world.mistakes_expected = True  # the wrong PIN
    world.start_sim(pin=RIGHT, pin_tries=3, spic=spic)
    fails(world, WRONG)
    assert attempts(world) == 1
    for _ in range(2):
        world.stop_gwd()
        fails(world, WRONG)
        assert world.gwd and "entered before" in world.gwd.modem()["reason"]
    assert attempts(world) == 1
    assert remembered(world) == ["pin-89860000000000000017"]


def test_another_pin_has_its_own_try_and_the_last_one_is_left_to_people(world: World) -> None:
    world.mistakes_expected = True
    world.start_sim(pin=RIGHT, pin_tries=3)
    fails(world, WRONG)
    world.stop_gwd()
    fails(world, "9999")
    assert attempts(world) == 2
    world.stop_gwd()
    fails(world, RIGHT)
    assert attempts(world) == 2, "one try is left"
    assert world.gwd and "one try left" in world.gwd.modem()["reason"]
    world.stop_gwd()
    world.start_gwd(options(world, RIGHT) | {"modem.pin_force": "yes"})
    assert attempts(world) == 3


def test_the_right_pin_is_entered_at_every_start_and_reset(world: World) -> None:
    world.up({"pin": RIGHT}, options(world, RIGHT))
    assert remembered(world) == []
    assert world.sim and world.gwd
    for n in (1, 2):
        boots = world.gwd.modem()["boots"]
        world.sim.command("power-cycle")
        wait_for("the boot", lambda: world.gwd.modem()["boots"] > boots)
        world.gwd.wait_state("up")
        assert attempts(world) == 1 + n
    world.stop_gwd()
    world.sim.command("power-cycle")
    world.start_gwd(options(world, RIGHT))
    assert remembered(world) == []


def test_without_memory_the_pin_is_entered_only_into_a_card_with_all_its_tries(world: World) -> None:
    world.mistakes_expected = True
    (world.folder / "state").write_text("a file where the folder should be")
    world.start_sim(pin=RIGHT, pin_tries=3)
    fails(world, WRONG)
    world.stop_gwd()
    fails(world, WRONG)
    assert attempts(world) == 1
    assert world.gwd and "modem.state_dir" in world.gwd.modem()["reason"]
    world.stop_gwd()
    assert world.sim
    world.sim.set("pin_tries", 3)
    world.start_gwd(options(world, RIGHT))
