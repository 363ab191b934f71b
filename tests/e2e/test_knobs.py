# SPDX-License-Identifier: BSD-3-Clause
"""Every single value of every knob of the modem, and random combinations, each with its class.

    pytest test_knobs.py --knob-seed N     only the combination of seed N
    pytest test_knobs.py -k send_confirm   only the values of one knob
"""
from __future__ import annotations

import random
from typing import Iterator

import pytest

from harness.classes import MODES, TABLE, Row
from harness.knobreport import seeds_of
from harness.knobs import Knob, knobs_of
from harness.sweep import Bench, Class, Run, bench


@pytest.fixture(scope="session")
def knobs(binaries) -> dict[str, Knob]:
    return knobs_of(binaries.a76sim)


@pytest.fixture(scope="session")
def world(binaries) -> Iterator[Bench]:
    with bench(binaries) as b:
        yield b


def cases() -> list:
    """Those that wait for a time-out first: the workers then end at about the same time."""
    found = [(row, value, mode) for row in TABLE for value in row.values.split()
             for mode in row.in_modes()]
    found.sort(key=lambda x: -x[0].expected)
    return [pytest.param(*x, id=f"{x[0].knob}={x[1]}-{x[2]}") for x in found]


def check(world: Bench, run: Run, note) -> None:
    seen, outcomes, seconds = world.perform(run)
    told = "; ".join(str(x) for x in outcomes if x.word != "whole")
    note(("seconds", round(seconds, 1)))
    if run.expected == Class.SLOWER and seen == Class.WORKS:
        seen = Class.SLOWER
    note(("class", str(seen)))
    assert seen <= run.expected, f"expected to be '{run.expected}' at worst, was '{seen}': {told}"
    assert run.chance or seen == run.expected, \
        f"better than expected ('{seen}', not '{run.expected}'): mend the table"


def test_every_value_of_every_knob_has_a_class(knobs: dict[str, Knob]) -> None:
    listed = {(row.knob, value) for row in TABLE for value in row.values.split()}
    missing = [f"no class for knob {knob.name} value {alternative}"
               for knob in knobs.values() for alternative in knob.values
               if not any(k == knob.name and knob.accepts(alternative, v) for k, v in listed)]
    unknown = [f"a76sim has no {k}={v}" for k, v in listed
               if k not in knobs or not any(knobs[k].accepts(a, v) for a in knobs[k].values)]
    default = [f"no class for the default of {knob.name}, {knob.default}" for knob in knobs.values()
               if (knob.name, knob.default) not in listed]
    assert not missing + unknown + default
    assert not [row for row in TABLE if row.expected != Class.WORKS and not row.why], "a class without reason"


@pytest.mark.parametrize("row, value, mode", cases())
def test_single_value(world: Bench, record_property, row: Row, value: str, mode: str) -> None:
    record_property("knob", f"{row.knob}={value}")
    record_property("mode", mode)
    check(world, row.run(value, mode), lambda x: record_property(*x))


# -- combinations --------------------------------------------------------------------------------

# Combinations that once found something stay, written out: what a seed means changes with the table.
FOUND = [
    ("default", "byte_split=on coalesce=on"),  # the simulator's line came to a crawl
    ("default", "send_max=1024 send_overlen=error err_mode=numeric err_numbers=shifted coalesce=on"),
    ("buffer", "send_confirm_delay_ms=at_ack byte_split=on coalesce=on echo_payload=on lf_after_cr=counted"),
]
OFF_DEFAULT = 12  # knobs a combination turns, about
COMBINABLE = [row for row in TABLE if not row.alone and row.expected in (Class.WORKS, Class.RESET)]
FRAGMENTS = [row for row in TABLE if row.knob in ("byte_split", "coalesce")]


def merge(a: Run, b: Run) -> Run:
    """The class of a combination is the worst of its values' classes."""
    return Run({**a.knobs, **b.knobs}, {**a.options, **b.options}, min(a.size, b.size),
               max(a.expected, b.expected), True, a.mistakes or b.mistakes, a.tail or b.tail)


def merged(start: Run, mode: str, chosen: list[tuple[Row, str]]) -> Run:
    for row, value in chosen:
        start = merge(start, row.run(value, mode))
    return start


def written(mode: str, text: str) -> Run:
    pairs = [pair.split("=", 1) for pair in text.split()]
    chosen = [next((row, value) for row in TABLE if row.knob == knob and value in row.values.split())
              for knob, value in pairs]
    return merged(Run({}, dict(MODES[mode])), mode, chosen)


def combination(seed: int) -> tuple[Run, str]:
    """Some knobs off their defaults, few of them such that end in resets; fragments and bursts in most."""
    rng = random.Random(seed)
    mode = rng.choice(list(MODES))
    chosen: dict[str, tuple[Row, str]] = {}
    for row in rng.sample(COMBINABLE, k=len(COMBINABLE)):
        chance = OFF_DEFAULT / len(COMBINABLE) / (1 if row.expected == Class.WORKS else 4)
        if row.knob not in chosen and (not row.modes or mode in row.modes.split()) and rng.random() < chance:
            chosen[row.knob] = row, rng.choice(row.values.split())
    for row in FRAGMENTS:
        if rng.random() < 0.7:
            chosen[row.knob] = row, "on"
    start = Run({"seed": str(rng.randrange(1 << 31))}, dict(MODES[mode]))
    return merged(start, mode, list(chosen.values())), mode


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", seeds_of(metafunc.config))


def check_combination(world: Bench, record_property, run: Run, mode: str, name: str) -> None:
    told = f"{name}: " + " ".join(f"{k}={v}" for k, v in run.knobs.items())
    print(f"{mode}, {told}")
    record_property("knob", told)
    record_property("mode", mode)
    check(world, run, lambda x: record_property(*x))


def test_combination(world: Bench, record_property, seed: int) -> None:
    run, mode = combination(seed)
    check_combination(world, record_property, run, mode, f"--knob-seed {seed}")


@pytest.mark.parametrize("mode, text", FOUND)
def test_combination_that_once_found_something(world: Bench, record_property, mode: str, text: str) -> None:
    check_combination(world, record_property, written(mode, text), mode, "kept")
