# SPDX-License-Identifier: BSD-3-Clause
"""Steering the daemon through its control socket: events, waiting, reload, ending flows, who may do it."""
from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import schema
from harness.control import Control
from harness.gwd import Gwd
from harness.servers import echo, hold, udp_echo
from harness.waiting import wait_for
from harness.world import World

NOBODY, DAEMON = 65534, 1  # uids and gids that every Debian has


@pytest.fixture(autouse=True)
def held_against_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Control, "check", staticmethod(schema.check))


def start_from_file(world: World, text: str) -> tuple[Gwd, Path]:
    world.start_sim()
    path = world.folder / "gwd.conf"
    path.write_text(text)
    path.chmod(0o600)
    return world.start_gwd(arguments=["-c", str(path)]), path


def download(world: World, size: int) -> tuple[socket.socket, str]:
    """A flow that has begun to receive, and the digest of all it will."""
    data = os.urandom(size)
    server = world.serve(hold)
    s = world.connect(server.address)
    conn = server.visit().conn
    threading.Thread(target=conn.sendall, args=(data,), daemon=True).start()
    return s, hashlib.sha256(data).hexdigest()


def finish(s: socket.socket, size: int) -> str:
    digest = hashlib.sha256()
    while size:
        piece = s.recv(min(size, 65536))
        assert piece
        digest.update(piece)
        size -= len(piece)
    return digest.hexdigest()


def test_events_tell_what_happens_as_it_happens(world: World) -> None:
    gwd = world.up()
    server = world.serve(hold)
    with gwd.control() as c:
        assert len(c.ask("events")["events"]["kinds"]) == 9
        s = world.connect(server.address)
        new = c.until(event="flow", what="new")["flow"]
        assert new["remote"] == "198.51.100.1:8000" and new["state"] == "waiting"
        assert c.until(event="link", what="open")["link"]["type"] == "tcp"
        assert c.until(event="flow", what="state")["flow"]["id"] == new["id"]
        s.close()
        assert c.until(event="flow", what="end")["why"] == "finished"
        c.until(event="link", what="free")
        assert world.sim
        world.sim.command("reset")
        assert c.until(event="bearer", state="probe")["address"] is None
        assert c.until(event="interface")["interface"]["up"] is False
        assert c.until(event="bearer", state="up")["address"] == "10.148.0.17"
        assert c.until(event="interface")["interface"]["up"] is True


def test_only_the_kinds_that_were_asked_for_come(world: World) -> None:
    gwd = world.up()
    server = world.serve(echo)
    with gwd.control() as c:
        assert c.ask("events", kinds=["reload", "log"])["events"]["kinds"] == ["reload", "log"]
        world.connect(server.address).close()
        assert gwd.ask("reload")["ok"]
        assert c.line()["event"] == "reload"
        for wrong in (["nonsense"], [], "flow", [1]):
            error = gwd.ask("events", kinds=wrong)["error"]
            assert error["code"] == "bad_argument" and "flow" in error["text"]


def test_a_subscriber_that_never_reads_loses_events_and_hurts_nobody(world: World) -> None:
    gwd = world.up()
    s, digest = download(world, 400_000)
    with gwd.control() as deaf, gwd.control() as keen, ThreadPoolExecutor(2) as reader:
        received = reader.submit(finish, s, 400_000)
        deaf.send("events", kinds=["flow"])
        assert keen.ask("events", kinds=["flow"])["ok"]
        heard = reader.submit(until_last, keen)
        u = world.udp()
        for port in range(1000, 2000):  # an event each for the beginning of a mapping, of some for the end
            u.sendto(b"x", ("198.51.100.2", port))
        assert received.result() == digest
        u.sendto(b"x", ("198.51.100.2", 999))
        n = heard.result()
        deaf.send("wait", **{"for": "up"})  # an answer is never lost: it ends what was kept of the events
        assert deaf.line()["events"]
        lines = list(iter(deaf.line, {"version": 1, "ok": True, "wait": {"state": "up"}}))
        u.sendto(b"x", ("198.51.100.2", 998))  # what is told next says how many were lost before
        lines += [deaf.line(), deaf.line()]
        lost = [x["count"] for x in lines if x["event"] == "lost"]
        assert sum(lost) > 0 and sum(lost) + len(lines) - len(lost) >= n
    assert gwd.state() == "up"


def until_last(c: Control) -> int:
    """How many events there were, with those that even this reader lost."""
    n, event = 0, {}
    while event.get("what") != "new" or event["flow"]["remote"] != "198.51.100.2:999":
        event = c.line()
        n += event.get("count", 1)
    return n


def test_wait_ends_when_the_interface_is_up_and_says_when_it_is_not(world: World) -> None:
    world.start_sim(boot_time_s=2)
    gwd = world.start_gwd(wait=None)
    wait_for("the control socket", gwd.state)
    with gwd.control() as c, gwd.control() as gone:
        assert gwd.ask("wait", **{"for": "up", "timeout_s": 0})["error"]["code"] == "timeout"
        gone.send("wait", **{"for": "up", "timeout_s": 300})
        c.send("wait", **{"for": "up", "timeout_s": 60})
        c.send("status")  # is answered behind it
        c.socket.shutdown(socket.SHUT_WR)
        gone.close()
        assert c.line()["wait"] == {"state": "up"}
        assert c.line()["status"]["interface"]["up"] is True
        assert c.line() == {}
    assert gwd.ask("wait", **{"for": "up"})["wait"] == {"state": "up"}
    assert gwd.ask("wait", **{"for": "down", "timeout_s": 1})["error"]["code"] == "timeout"
    assert gwd.ask("wait", **{"for": "sideways"})["error"]["code"] == "bad_argument"
    assert gwd.ask("wait", **{"for": "up", "timeout_s": "soon"})["error"]["code"] == "bad_argument"


def test_who_waits_or_listens_leaves_places_for_who_asks(world: World) -> None:
    gwd = world.up()
    kept = [gwd.control() for _ in range(6)]
    for c in kept:
        assert c.ask("events", kinds=["reload"])["ok"]
    refused = gwd.ask("events")["error"]
    assert refused["code"] == "busy" and "6" in refused["text"]
    assert gwd.ask("wait", **{"for": "down"})["error"]["code"] == "busy"
    silent = []
    for _ in range(20):
        silent.append(gwd.control())
        assert gwd.status()["pid"] == gwd.process.pid
    for c in kept:
        assert c.ask("status")["ok"]
    for c in (*kept, *silent):
        c.close()
    wait_for("a free place", lambda: gwd.ask("events")["ok"])


def test_waiters_that_left_without_a_word_make_room(world: World) -> None:
    """Behind "nc -N" a client's end is not heard of until somebody looks."""
    gwd = world.up()
    for _ in range(6):
        with gwd.control() as c:
            c.send("wait", **{"for": "down", "timeout_s": 3600})
            c.socket.shutdown(socket.SHUT_WR)
            gwd.ask("wait", **{"for": "up"})  # the one before was read
    with gwd.control() as c:
        c.send("wait", **{"for": "down", "timeout_s": 60})
        wait_for("its place", lambda: gwd.ask("wait", **{"for": "down", "timeout_s": 1})["error"]["code"] == "timeout")
        assert world.sim
        world.sim.command("reset")
        assert c.line()["wait"] == {"state": "down"}


def test_a_listener_that_asks_for_more_and_leaves_hands_nothing_on(world: World) -> None:
    """The next client in its place waits for nothing."""
    gwd = world.up()
    kept = [gwd.control() for _ in range(6)]
    for c in kept:
        assert c.ask("events", kinds=["reload"])["ok"]
    os.kill(gwd.process.pid, signal.SIGSTOP)  # it hears of both at once
    for c in kept:
        c.send("wait", **{"for": "down", "timeout_s": 3600})
        c.close()
    os.kill(gwd.process.pid, signal.SIGCONT)
    kept = [gwd.control() for _ in range(8)]
    for c in kept:
        assert c.ask("status")["ok"]
    for c in kept:
        c.close()


def test_a_flow_survives_every_reload(world: World) -> None:
    text = "[log]\nlevel = %s\n[tcp]\nlinger = %d\nconnect_timeout = %d\n[interface]\nmtu = %d\nmetric = %d\n" \
           "default_route = yes\n[forward]\ntcp = %d:198.18.0.9:80\n[udp]\ntimeout = %d\n[links]\nudp = %d\n"
    gwd, path = start_from_file(world, text % ("info", 10, 30, 1500, 700, 8080, 120, 2))
    s, digest = download(world, 300_000)
    for i in range(1, 6):
        path.write_text(text % ("info", 10 + i, 30 + i, 1500 - i, 700 + i, 8080 + i, 120 + i, 1 + i % 2))
        answer = gwd.request("reload")
        assert {"tcp.linger", "tcp.connect_timeout", "interface.mtu", "interface.metric", "forward.tcp"} \
            <= set(answer["changed"])
        assert answer["restart"] == []
    assert finish(s, 300_000) == digest
    assert gwd.status()["interface"]["mtu"] == 1495
    assert "mtu 1495" in world.inner.ip("link", "show", "cell0")
    assert "metric 705" in world.inner.ip("route", "show", "default")
    assert world.sim
    wait_for("the module to hear of it",
             lambda: "CIPTIMEOUT=120000,35000" in (world.folder / "gwd.log").read_text() or
             world.sim.commands("CIPTIMEOUT") > 1)


def test_reload_names_what_it_changed_and_a_bad_file_changes_nothing(world: World) -> None:
    gwd, path = start_from_file(world, "[tcp]\nlinger = 10s\n")
    path.write_text("[tcp]\nlinger = 11s\nbuffer = 32768\n[modem]\ngive_up = yes\n")
    with gwd.control() as c:
        assert c.ask("events", kinds=["reload"])["ok"]
        answer = gwd.request("reload")
        assert answer == {"changed": ["modem.give_up", "tcp.linger"], "restart": ["tcp.buffer"]}
        assert c.line()["reload"] == answer
        before = gwd.request("config")["text"]
        assert "linger = 11s" in before and "buffer = 65536" in before.replace("64k", "65536")
        path.write_text("[tcp]\nlinger = 12s\nnonsense = 1\n")
        error = gwd.ask("reload")["error"]
        assert error["code"] == "bad_config" and f"{path}:3" in error["text"]
        assert c.line()["error"] == error["text"]
    assert gwd.request("config")["text"] == before
    path.write_text("[tcp]\nlinger = 11s\n")
    assert gwd.request("reload") == {"changed": ["modem.give_up"], "restart": []}
    assert gwd.request("reload") == {"changed": [], "restart": []} and "nothing differs" in gwd.process.text()


def test_the_effective_configuration_has_no_secrets(world: World) -> None:
    world.start_sim()
    world.mistakes_expected = True  # the simulator knows no AT+CLCK
    gwd = world.start_gwd({"modem.auth": "pap", "modem.user": "web", "modem.password": "s3cr3t-word",
                           "modem.init": 'AT+CLCK="SC",2,"86429"'})
    text = gwd.request("config")["text"]
    assert "user = web" in text and "s3cr3t-word" not in text
    assert "init = AT+CLCK=***\n" in text and "86429" not in text


def test_a_flow_can_be_ended(world: World) -> None:
    gwd = world.up()
    server = world.serve(hold)
    s = world.connect(server.address)
    world.serve_udp(udp_echo)
    u = world.udp()
    u.sendto(b"x", server.address)
    u.recv(1)
    tcp, udp = gwd.flows("tcp")[0]["id"], gwd.flows("udp")[0]["id"]
    assert gwd.request("close", flow=tcp) == {"flow": tcp}
    with pytest.raises(ConnectionResetError):
        s.recv(1)
    assert gwd.request("close", flow=udp) == {"flow": udp}
    wait_for("both to be gone", lambda: not gwd.flows() and not gwd.links())
    assert gwd.counter("tcp_reset_asked") == 1
    assert gwd.ask("close", flow=tcp)["error"]["code"] == "not_found"
    for wrong in ({}, {"flow": "1"}, {"flow": -1}, {"flow": 1.5}, {"flow": 2 ** 40}):
        assert gwd.ask("close", **wrong)["error"]["code"] == "bad_argument"


def test_at_commands_of_an_operator_take_their_turn_beside_a_download(world: World) -> None:
    gwd = world.up()
    s, digest = download(world, 200_000)
    with ThreadPoolExecutor(1) as pool:
        received = pool.submit(finish, s, 200_000)
        for _ in range(10):
            answer = gwd.request("at", command="AT+CSQ")
            assert (answer["final"], answer["ok"], answer["lines"]) == ("OK", True, ["+CSQ: 23,0"])
        assert received.result() == digest
    assert gwd.request("at", command="AT+CGMI", timeout_s=3)["lines"] == ["SIMCOM INCORPORATED"]
    world.mistakes_expected = True  # the simulator calls it one
    wrong = gwd.request("at", command="AT+NONSENSE")
    assert wrong["ok"] is False and wrong["final"] != "OK"
    assert gwd.state() == "up" and gwd.counter("tcp_reset") == 0


def test_at_refuses_what_would_break_the_driver_and_keeps_secrets(world: World) -> None:
    gwd = world.up()
    refused = gwd.ask("at", command="AT+CIPMODE=1")["error"]
    assert refused["code"] == "not_permitted" and "AT+CIPMODE=1" in refused["text"]
    assert gwd.request("at", command="AT+CIPMODE?")["lines"] == ["+CIPMODE: 0"]
    for wrong in ("", "CSQ", "AT\rATD", "AT+X=\u00e4", "AT+" + "X" * 300):
        assert gwd.ask("at", command=wrong)["error"]["code"] == "bad_argument"
    assert gwd.ask("at")["error"]["code"] == "bad_argument"
    assert gwd.ask("at", command="AT", timeout_s=0)["error"]["code"] == "bad_argument"
    world.mistakes_expected = True  # the simulator has no PIN2
    for secret in ('AT+CPIN="8642"', 'AT+CPIN2="8642"', 'AT+CPIN ="8642"', 'AT+CGAUTH=1,1,"web","8642"', "AT+CGAUTH?"):
        text = json.dumps(gwd.ask("at", command=secret))
        assert "8642" not in text or "not_permitted" in text
    assert "8642" not in gwd.process.text() and "8642" not in json.dumps(gwd.ask("log"))


def test_at_without_an_answer_times_out_and_leaves_with_its_client(world: World) -> None:
    gwd = world.up()
    assert world.sim
    world.sim.command("freeze on")
    with gwd.control() as c:
        c.send("at", command="AT+CSQ", timeout_s=3)
        wait_for("it to be under way", lambda: gwd.ask("at", command="AT")["error"]["code"] == "busy")
    world.sim.command("freeze off")
    wait_for("the next turn", lambda: gwd.ask("at", command="AT")["ok"])
    world.sim.command("freeze on")
    assert gwd.ask("at", command="AT+CSQ", timeout_s=1)["error"]["code"] in ("timeout", "busy")
    world.sim.command("freeze off")
    gwd.wait_state("up")


def test_modem_tells_all_that_is_known(world: World) -> None:
    gwd = world.up(gwd={"forward.tcp": "8080:198.18.0.9:80", "modem.power_command": "/bin/true"})
    modem, = gwd.request("modem")["modems"]
    assert modem["manufacturer"].startswith("SIMCOM") and modem["model"].startswith("A7670E")
    assert modem["imei"].isdigit() and modem["iccid"].isdigit()
    assert modem["serving_cell"]["plmn"] == "001-01" and modem["serving_cell"]["band"] == "EUTRAN-BAND20"
    assert modem["registration"]["eps"] == "home" and modem["apn"] == "internet" and modem["auth"] == "none"
    assert modem["ladder"]["counts"] == {"retry": 0, "netclose": 0, "cfun": 0, "reset": 0, "power": 0}
    assert [(x["server"], x["port"]) for x in modem["servers"]] == [(0, 8080)]
    assert modem["imei"] not in json.dumps(gwd.status()) + gwd.request("metrics")["text"]


def ask_as(path: Path, uid: int, gid: int, groups: list[int], request: str) -> str:
    """What another user is told: "ok", the code of an error, or why the socket was not even opened."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups(groups)
            os.setgid(gid)
            os.setuid(uid)
            with Control(path) as c:
                answer = c.ask(request, flow=1)
            told = "ok" if answer["ok"] else answer["error"]["code"]
        except OSError as e:
            told = type(e).__name__
        os.write(write, told.encode())
        os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    with os.fdopen(read) as f:
        return f.read()


def test_members_of_the_group_may_steer_and_others_only_look_if_they_get_in(world: World) -> None:
    world.folder.chmod(0o755)
    world.start_sim()
    gwd = world.start_gwd({"control.group": "daemon"})
    assert gwd.socket.stat().st_gid == DAEMON and gwd.socket.stat().st_mode & 0o777 == 0o660
    assert ask_as(gwd.socket, NOBODY, NOBODY, [], "status") == "PermissionError"
    assert ask_as(gwd.socket, NOBODY, NOBODY, [DAEMON], "status") == "ok"
    assert ask_as(gwd.socket, NOBODY, NOBODY, [DAEMON], "close") == "not_found"
    assert ask_as(gwd.socket, NOBODY, DAEMON, [], "close") == "not_found"
    gwd.socket.chmod(0o666)  # the operator's choice
    assert ask_as(gwd.socket, NOBODY, NOBODY, [], "status") == "ok"
    for request in ("close", "reload", "at", "log", "capture"):
        assert ask_as(gwd.socket, NOBODY, NOBODY, [], request) == "not_permitted"


def test_the_group_can_change_live_and_must_exist(world: World) -> None:
    gwd, path = start_from_file(world, "[control]\ngroup = 1\n")
    assert gwd.socket.stat().st_gid == DAEMON
    path.write_text("[control]\ngroup = no-such-group\n")
    assert "no-such-group" in gwd.ask("reload")["error"]["text"]
    path.write_text("[control]\n")
    assert gwd.request("reload")["changed"] == ["control.group"]
    assert gwd.socket.stat().st_gid == os.getegid()
    check = world.inner.run(str(world.binaries.gwd), "-o", "modem.device=/dev/null", "-o", "control.group=no-such-group",
                            "--check", check=False)
    assert check.returncode == 78 and "no-such-group" in check.stderr
