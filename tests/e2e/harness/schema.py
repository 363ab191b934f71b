# SPDX-License-Identifier: BSD-3-Clause
"""What the daemon writes to its control socket, held against docs/control.schema.json."""
from __future__ import annotations

import functools
import json
from pathlib import Path

SCHEMA = Path(__file__).resolve().parents[3] / "docs" / "control.schema.json"


@functools.lru_cache(maxsize=None)
def definitions() -> dict:
    return json.loads(SCHEMA.read_text())["$defs"]


@functools.lru_cache(maxsize=None)
def validator(name: str):
    import jsonschema  # only the tests that ask for it need the package
    assert name in definitions(), f"docs/control.schema.json has no {name}"
    return jsonschema.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": definitions()})


def kind(line: dict) -> str:
    """Which definition a line has to fit."""
    if "event" in line:
        return f"event_{line['event']}"
    if not line.get("ok"):
        return "error"
    name, = set(line) - {"version", "ok"}
    return f"answer_{name}"


def check(line: dict) -> None:
    problem = next(validator(kind(line)).iter_errors(line), None)
    assert problem is None, f"{kind(line)}: {problem.json_path}: {problem.message}"
