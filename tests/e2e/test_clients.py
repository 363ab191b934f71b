# SPDX-License-Identifier: BSD-3-Clause
"""Real programs through cell0."""
from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from harness.servers import Visit
from harness.traffic import hostile_body, sha
from harness.waiting import wait_for
from harness.world import RESOLVER, SERVERS4, World

HOST = SERVERS4[0]


def web(body: bytes):
    def handler(visit: Visit) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            data = visit.recv()
            if not data:
                return
            request += data
        visit.conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
    return handler


@pytest.mark.needs("curl")
def test_curl_fetches_by_name(world: World, resolver, receive: str) -> None:
    world.up({"byte_split": "on"}, {"modem.receive": receive})
    body = hostile_body(400_000)
    world.serve(web(body), port=80)
    conf = Path("/etc/netns") / world.inner.name
    conf.mkdir(parents=True)
    try:
        (conf / "resolv.conf").write_text(f"nameserver {RESOLVER}\n")
        out = world.folder / "fetched"
        world.inner.run("curl", "-sS", "-m", "50", "-o", str(out), "http://h1.test/file")
    finally:
        (conf / "resolv.conf").unlink()
        conf.rmdir()
    assert sha(out.read_bytes()) == sha(body)


@pytest.mark.needs("curl")
def test_curl_hears_of_a_refused_connection(world: World) -> None:
    world.up()
    done = world.inner.run("curl", "-sS", "-m", "20", f"http://{HOST}:9/", check=False)
    assert done.returncode == 7 and "connect" in done.stderr


@pytest.mark.needs("iperf3")
@pytest.mark.parametrize("arguments", [[], ["-R"], ["--bidir"], ["-P", "3"]], ids=["up", "down", "both", "three"])
def test_iperf3_runs_to_its_end(world: World, arguments: list[str]) -> None:
    world.up({"baud": 921600})
    world.background(world.outer, ["iperf3", "-s", "-1", "-B", HOST], "iperf3-server")
    wait_for("iperf3's server", lambda: "5201" in world.outer.run("ss", "-ltn").stdout)
    done = world.inner.run("iperf3", "-c", HOST, "-t", "2", "-J", *arguments)
    assert json.loads(done.stdout)["end"]["sum_received"]["bytes"] > 10_000


@pytest.mark.needs("ssh", "sshd", "ssh-keygen")
def test_ssh_logs_in_runs_a_command_and_carries_data_both_ways(world: World) -> None:
    world.up({"byte_split": "on"})
    folder = world.folder
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    Path("/run/sshd").mkdir(exist_ok=True)
    config = folder / "sshd_config"
    config.write_text(f"Port 22\nListenAddress {HOST}\nHostKey {folder / 'host'}\nPidFile none\n"
                      f"AuthorizedKeysFile {folder / 'user.pub'}\nStrictModes no\nUsePAM no\n"
                      "PasswordAuthentication no\nPermitRootLogin yes\n")
    world.background(world.outer, ["/usr/sbin/sshd", "-D", "-e", "-f", str(config)], "sshd")
    wait_for("sshd", lambda: ":22 " in world.outer.run("ss", "-ltn").stdout)
    body = hostile_body(150_000)
    done = world.inner.run("ssh", "-F", "none", "-i", str(folder / "user"), "-o", "StrictHostKeyChecking=no",
                           "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", f"root@{HOST}",
                           "cat", input=body, text=False)
    assert sha(done.stdout) == sha(body)


@pytest.mark.needs("mosquitto", "mosquitto_pub", "mosquitto_sub")
def test_mqtt_messages_go_both_ways(world: World) -> None:
    world.up()
    config = world.folder / "mosquitto.conf"
    config.write_text(f"listener 1883 {HOST}\nallow_anonymous true\nuser root\n")
    world.background(world.outer, ["mosquitto", "-c", str(config)], "mosquitto")
    wait_for("mosquitto", lambda: ":1883" in world.outer.run("ss", "-ltn").stdout)
    listener = world.background(world.inner, ["stdbuf", "-oL", "mosquitto_sub", "-h", HOST, "-t", "room/#", "-C", "3", "-q", "1", "-d"],
                                "mosquitto_sub")
    wait_for("the subscription", lambda: "SUBACK" in listener.text())
    for n in range(3):
        world.inner.run("mosquitto_pub", "-h", HOST, "-t", f"room/{n}", "-m", f"message {n}", "-q", "1")
    assert listener.wait(20) == 0
    assert all(f"message {n}" in listener.text() for n in range(3))


@pytest.mark.needs("nc")
def test_nc_with_a_half_close_gets_its_answer(world: World) -> None:
    world.up()

    def reverse(visit: Visit) -> None:
        line = b""
        while not line.endswith(b"\n"):
            line += visit.recv(1)
        visit.conn.sendall(line[::-1])

    server = world.serve(reverse)
    done = world.inner.run("nc", "-N", HOST, str(server.address[1]), input="abc\n", timeout=30)
    assert done.stdout == "\ncba"
