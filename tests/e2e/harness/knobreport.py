# SPDX-License-Identifier: BSD-3-Clause
"""The knob suite's options, its run seed, and the table of what was seen (a pytest plugin)."""
from __future__ import annotations

import collections
import random
from pathlib import Path

import pytest

COMBINATIONS = 50


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--knob-seed", type=int, action="append",
                     help="only the combination of this seed; may repeat")
    parser.addoption("--knob-run-seed", type=int, help="start of the sequence of seeds; printed")


def pytest_configure(config: pytest.Config) -> None:
    told = getattr(config, "workerinput", {}).get("knob_run_seed")
    chosen = config.getoption("--knob-run-seed")
    if told is None:
        told = random.SystemRandom().randrange(1 << 32) if chosen is None else chosen
    config.knob_run_seed = told  # type: ignore[attr-defined]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Every worker must collect the same combinations."""
    node.workerinput["knob_run_seed"] = node.config.knob_run_seed


def seeds_of(config: pytest.Config) -> list[int]:
    """Of the combinations beside the fixed ones: as asked for, or from the run's seed."""
    rng = random.Random(config.knob_run_seed)  # type: ignore[attr-defined]
    return config.getoption("--knob-seed") or [rng.randrange(1 << 32) for _ in range(COMBINATIONS)]


def table(reports: list) -> list[str]:
    lines = []
    for report in reports:
        seen = dict(report.user_properties)
        if "knob" in seen:
            word = seen.get("class", "?") if report.passed else f"FAILED ({seen.get('class', '?')})"
            lines.append(f"{word:<12} {seen.get('seconds', 0):6.1f} s  {seen['mode']:<12} {seen['knob']}")
    return sorted(lines)


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    reports = [x for word in ("passed", "failed") for x in terminalreporter.stats.get(word, [])
               if getattr(x, "when", "") == "call"]
    lines = table(reports)
    if not lines or hasattr(config, "workerinput"):
        return
    classes = collections.Counter(line[:12].strip() for line in lines)
    totals = ", ".join(f"{n} {word}" for word, n in sorted(classes.items()))
    path = Path(config.getoption("--build")) / "knobs.txt"
    path.write_text("\n".join([f"run seed {config.knob_run_seed}", totals, "", *lines, ""]))
    terminalreporter.write_line(f"knobs: {totals}; run seed {config.knob_run_seed}; table in {path}")
