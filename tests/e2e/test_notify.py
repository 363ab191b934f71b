# SPDX-License-Identifier: BSD-3-Clause
"""What a service manager hears: readiness, status, reload, watchdog, end (a datagram socket plays it)."""
from __future__ import annotations

import signal
import socket

from harness.waiting import wait_for
from harness.world import World

# The watchdog's time; a sign of life comes every half of it.
WATCHDOG_USEC = 400_000


class Manager:
    """Messages in the order they came, each as its variables."""

    def __init__(self, world: World) -> None:
        self.name = f"gwd-e2e-{world.folder.name}"
        self.socket = world.inner.socket(socket.SOCK_DGRAM, socket.AF_UNIX, 20)
        self.socket.bind(f"\0{self.name}")
        self.socket.setblocking(False)
        self.messages: list[dict[str, str]] = []

    def wrap(self) -> list[str]:
        return ["sh", "-c", f"NOTIFY_SOCKET=@{self.name} WATCHDOG_USEC={WATCHDOG_USEC} WATCHDOG_PID=$$ "
                            'exec "$@"', "sh"]

    def read(self) -> list[dict[str, str]]:
        while True:
            try:
                text = self.socket.recv(4096).decode()
            except BlockingIOError:
                return self.messages
            self.messages.append(dict(line.split("=", 1) for line in text.splitlines()))

    def wait(self, **variables: str) -> dict[str, str]:
        """The first message with these variables; what came before it is forgotten."""
        def find() -> int:
            return next((i for i, m in enumerate(self.read(), 1) if variables.items() <= m.items()), 0)

        wait_for(f"a message with {variables}", find, timeout=60)
        n = find()
        message, self.messages = self.messages[n - 1], self.messages[n:]
        return message

    def wait_status(self, begin: str) -> dict[str, str]:
        wait_for(f"the status {begin}",
                 lambda: any(m.get("STATUS", "").startswith(begin) for m in self.read()), timeout=60)
        return next(m for m in self.messages if m.get("STATUS", "").startswith(begin))


def test_it_tells_a_service_manager_where_it_stands(world: World) -> None:
    manager = Manager(world)
    gwd = world.start_gwd(wait=None, route=None, wrap=manager.wrap())
    # Ready without a module: the interface and the control socket are there.
    assert manager.wait(READY="1")["STATUS"].startswith("absent")
    assert gwd.state() == "absent" and "cell0" in world.inner.ip("link", "show")

    sim = world.start_sim(rssi=21)
    assert manager.wait_status("up")["STATUS"] == "up: 10.148.0.17, LTE, -71 dBm"
    sim.set("registration", "searching")
    sim.command("cipevent")
    manager.wait_status("register")
    sim.set("registration", "home")
    gwd.wait_state("up")

    for reload in (lambda: gwd.process.signal(signal.SIGHUP), lambda: gwd.request("reload")):
        reload()
        assert int(manager.wait(RELOADING="1")["MONOTONIC_USEC"]) > 0
        manager.wait(READY="1")

    for _ in range(2):
        assert list(manager.wait(WATCHDOG="1")) == ["WATCHDOG"]
    world.stop_gwd()
    manager.wait(STOPPING="1")
    assert not any("READY" in m for m in manager.read())


def test_a_path_is_an_address_too_and_no_watchdog_is_no_wake_up(world: World) -> None:
    path = world.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(str(path))
        s.settimeout(20)
        world.start_gwd(wait=None, route=None, wrap=["env", f"NOTIFY_SOCKET={path}"])
        messages = [s.recv(4096).decode()]
        while "READY=1" not in messages[-1].splitlines():
            messages.append(s.recv(4096).decode())
        world.stop_gwd()
        while "STOPPING=1" not in messages[-1].splitlines():
            messages.append(s.recv(4096).decode())
    assert not any("WATCHDOG" in m for m in messages)


def test_without_its_socket_the_manager_is_missed_by_nobody(world: World) -> None:
    world.start_sim()
    world.start_gwd(wrap=["env", f"NOTIFY_SOCKET={world.folder}/nobody", "WATCHDOG_USEC=100000"])
    assert world.gwd
    wait_for("a word about it", lambda: world.gwd and "service manager: " in world.gwd.process.text())
