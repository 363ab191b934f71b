# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Iterator

import pytest

from harness import netns
from harness.dns import NameServer
from harness.world import RESOLVER, Binaries, World

pytest_plugins = ["harness.knobreport"]
TOP = Path(__file__).resolve().parents[2]
TOOLS = ["ip", "setpriv", "sysctl"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--build", default=str(TOP / "build" / "dev"), help="build folder to test")
    parser.addoption("--limit", type=int, default=200, help="most seconds a test may take")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: takes more than some ten seconds")
    config.addinivalue_line("markers", "needs(*tools): real programs the test runs")


def pytest_sessionstart(session: pytest.Session) -> None:
    if os.geteuid() != 0:
        pytest.exit("the end-to-end tests make network namespaces: run them as root", 2)
    missing = [x for x in TOOLS if not shutil.which(x)]
    if missing:
        pytest.exit(f"missing: {' '.join(missing)} (scripts/install-deps.sh)", 2)
    # A SIGTERM unwinds like Ctrl-C does, so that the fixtures clean up.
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", 143))
    netns.remove_stale()


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        for tool in mark.args:
            assert shutil.which(tool), f"{tool} is missing (scripts/install-deps.sh)"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    outcome = yield
    report = outcome.get_result()
    setattr(item, f"passed_{report.when}", report.passed)
    world = getattr(item, "funcargs", {}).get("world")
    if report.failed and world and call.when == "call":
        for name, text in world.report():
            report.sections.append((name, text))


@pytest.fixture(autouse=True)
def limit(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that hangs ends as a failure with its logs, and leaves nothing behind either."""
    def too_long(*_args) -> None:
        raise AssertionError(f"still running after {seconds} s")

    seconds = request.config.getoption("--limit")
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(seconds)
    yield
    signal.alarm(0)


@pytest.fixture(scope="session")
def binaries(request: pytest.FixtureRequest) -> Binaries:
    build = Path(request.config.getoption("--build")).resolve()
    found = Binaries(gwd=build / "gwd" / "gwd", gwctl=build / "gwd" / "gwctl",
                     a76sim=build / "sim" / "a76sim")
    for path in (found.gwd, found.a76sim):
        if not path.exists():
            pytest.exit(f"{path} is not built", 2)
    return found


@pytest.fixture
def world(request: pytest.FixtureRequest, binaries: Binaries) -> Iterator[World]:
    w = World(binaries)
    try:
        yield w
        if getattr(request.node, "passed_call", False):
            try:
                w.finish()
            except BaseException:
                for name, text in w.report():
                    print(f"--- {name}\n{text}")
                raise
    finally:
        w.destroy()


@pytest.fixture
def resolver(world: World) -> NameServer:
    server = NameServer(world.outer, (RESOLVER, 53))
    world.servers.append(server)  # type: ignore[arg-type]
    return server


@pytest.fixture(params=["auto", "buffer"])
def receive(request: pytest.FixtureRequest) -> str:
    """Push with its way out, and buffer mode. Push alone resets whoever falls behind a line without
    a speed, which on a busy machine is everybody now and then."""
    return request.param
