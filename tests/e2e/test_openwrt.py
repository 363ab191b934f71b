# SPDX-License-Identifier: BSD-3-Clause
"""The OpenWrt package's scripts, by busybox ash in a root of their own, with the real daemon."""
from __future__ import annotations

import json
import stat
from typing import Iterator

import pytest

from harness.netifd import Netifd, Root
from harness.servers import echo
from harness.waiting import wait_for
from harness.world import World

PARAMETERS = ["device", "apn", "pincode", "auth", "username", "password", "pdptype", "baud", "flow_control",
              "receive", "dns_mode", "mtu", "loglevel", "options:list(string)", "defaultroute", "peerdns", "metric"]


class Router:
    """A root with one interface; what it leaves running is ended."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.root = Root(world)
        self.netifds: list[Netifd] = []

    def tty(self) -> str:
        return str((self.world.folder / "ttyA76").resolve())

    def interface(self, name: str = "wan", **config: object) -> Netifd:
        n = Netifd(self.root, name, **{"device": self.tty(), "apn": "internet", "baud": 921600} | config)
        self.netifds.append(n)
        return n

    def addresses(self, device: str = "gwd-wan") -> list[str]:
        shown = json.loads(self.world.inner.ip("-json", "addr", "show", "dev", device, check=False) or "[]")
        return [a["local"] for entry in shown for a in entry.get("addr_info", [])]

    def echo(self, address: str = "198.51.100.1") -> None:
        server = self.world.serve(echo, address)
        s = self.world.connect(server.address)
        s.sendall(b"x")
        assert s.recv(1) == b"x"
        s.close()


@pytest.fixture
def router(world: World) -> Iterator[Router]:
    r = Router(world)
    yield r
    for n in r.netifds:
        n.stop()


def commands(world: World) -> list[str]:
    return [x for x in (world.folder / "dialogue.txt").read_text(errors="replace").splitlines() if "AT+" in x]


def test_the_handler_names_its_parameters(router: Router) -> None:
    router.root.run("/bin/sh", "-c", "cd /lib/netifd/proto && ./gwd.sh '' dump")
    said = [x.split("\t") for x in (router.root.path / "tmp/run/netifd.calls").read_text().splitlines()]
    assert [x[1] for x in said if x[0] == "param"] == PARAMETERS
    assert said[-1] == ["protocol", "gwd", "no_device=1", "available=1", "lasterror=1", "renew_handler=0",
                        "no_proto_task=0"]


def test_netifd_sets_what_the_bearer_gives(router: Router) -> None:
    world = router.world
    sim = world.start_sim(operator_dns="192.0.2.53,192.0.2.54", pin="4711", apn_required="internet")
    (router.root.path / "etc/group").write_text("root:x:0:\ngwd:x:4242:\n")  # by the package's USERID
    n = router.interface(metric=30, pincode="4711", auth="pap", username="user name", password="s3cret x",
                         mtu=1400, options=["modem.init=AT+CSQ", "modem.power_command=/bin/x a b"])
    n.ifup()
    wait_for("the interface", lambda: n.up, timeout=60)
    assert router.addresses() == ["10.148.0.17"] and n.dns == ["192.0.2.53", "192.0.2.54"]
    route = json.loads(world.inner.ip("-json", "route", "show", "default"))[0]
    assert route["dev"] == "gwd-wan" and route["metric"] == 30 and route["protocol"] == "static"
    assert "mtu 1400" in world.inner.ip("link", "show", "gwd-wan")
    assert n.gwd().status()["interface"]["default_route"] is False
    control = (router.root.path / "tmp/run/gwd/gwd-wan.sock").stat()
    assert control.st_gid == 4242 and stat.S_IMODE(control.st_mode) == 0o660
    router.echo()
    assert any("AT+CSQ" in x for x in commands(world))

    [argv] = n.runs
    assert "modem.power_command=/bin/x a b" in argv and "modem.user=user name" in argv
    assert not [x for x in argv if "4711" in x or "s3cret" in x]
    secrets = sorted((router.root.path / "tmp/run/gwd").glob("gwd-wan.p*"))
    assert [x.read_text() for x in secrets] == ["s3cret x\n", "4711\n"]
    assert [stat.S_IMODE(x.stat().st_mode) for x in secrets] == [0o600, 0o600]

    n.ifdown()
    wait_for("its end", lambda: n.task is None)
    error, seconds = n.teardowns[0]
    assert error is None and seconds < 4 and not n.overrun
    assert "gwd-wan" not in world.inner.ip("link", "show")
    assert not list((router.root.path / "tmp/run/gwd").glob("gwd-wan.p*"))
    assert any("NETCLOSE" in x for x in commands(world)) and sim.process.running()


def test_values_reach_gwd_as_they_are_written(router: Router) -> None:
    """Quotes, blanks, patterns that match files, words like options: one argument each, and none is run."""
    router.world.start_sim()
    (router.root.path / "lib/netifd/proto/modem.init=AT+CSQ").touch()  # where netifd runs the handler
    odd = "a'b\"c $(touch /tmp/run/ran) `id` ; * \\n"
    options = ["modem.init=AT+CS?", "modem.init=AT+COPS=?", "-c", f"modem.power_command={odd}"]
    n = router.interface("wan", pincode="12'; id", password=odd, username=odd, apn="--apn", options=options)
    n.stop()  # the handler alone: gwd is not run
    assert n.handler("setup").wait(20) == 0
    [argv] = [x.split("\t") for x in n.calls_file.read_text().splitlines() if x.startswith("run\t")]
    values = [value for flag, value in zip(argv, argv[1:]) if flag == "-o"]
    for value in [*options, f"modem.user={odd}", "modem.apn=--apn"]:
        assert value in values, values
    folder = router.root.path / "tmp/run"
    assert (folder / "gwd/gwd-wan.password").read_text() == f"{odd}\n"
    assert (folder / "gwd/gwd-wan.pin").read_text() == "12'; id\n"
    assert not (folder / "ran").exists()


def test_a_lost_bearer_is_a_pending_interface_and_not_a_new_daemon(router: Router) -> None:
    sim = router.world.start_sim()
    n = router.interface()
    n.ifup()
    wait_for("the interface", lambda: n.up, timeout=60)
    sim.set("netopen_result", "1")
    sim.set("ip_address", "10.148.0.99")
    sim.command("cipevent")
    wait_for("it to be pending", lambda: not n.up)
    assert router.addresses() == [] and n.task and n.task.running()
    sim.set("netopen_result", "0")
    wait_for("it to be back", lambda: n.up, timeout=90)
    assert router.addresses() == ["10.148.0.99"]
    wait_for("it in status", lambda: n.gwd().status()["interface"]["address"] == "10.148.0.99")
    router.echo()
    assert len(n.runs) == 1 and "somebody" not in n.task.text()


def test_over_ipv6_addresses_and_routes_are_those_of_ipv6(router: Router) -> None:
    router.world.start_sim(ipv6="on", operator_dns="2001:db8:1::53")
    n = router.interface(pdptype="IPV6")
    n.ifup()
    wait_for("the interface", lambda: n.up, timeout=60)
    [address] = [x for x in router.addresses() if not x.startswith("fe80")]
    assert ":" in address and n.dns == ["2001:db8:1::53"]
    assert "gwd-wan" in router.world.inner.ip("-6", "route", "show", "default")


@pytest.mark.parametrize("knobs, error, tries", [({"pin": "4711"}, "PIN_FAILED", 1), ({"sim": "puk"}, "PUK_NEEDED", 0)],
                         ids=["pin", "puk"])
def test_a_pin_that_is_refused_is_tried_once_and_waits_for_an_ifup(router: Router, knobs: dict, error: str,
                                                                 tries: int) -> None:
    router.world.mistakes_expected = True
    router.world.start_sim(**knobs)
    n = router.interface(pincode="1234")
    for runs in (1, 2):
        n.ifup()
        wait_for("the error", lambda k=runs: n.errors == [error] * k and not n.task, timeout=60)
        assert not n.autostart and len(n.runs) == runs
    assert len([x for x in commands(router.world) if "CPIN=" in x]) == tries


@pytest.mark.parametrize("config, error", [
    ({"apn": "inter net\""}, "INVALID_CONFIG"), ({"pdptype": "IPV4V6"}, "INVALID_CONFIG"),
    ({"pincode": "12"}, "INVALID_CONFIG"), ({"device": ""}, "NO_DEVICE"),
    ({"options": ["interface.default_route=yes"]}, "INVALID_CONFIG")],
    ids=["apn", "pdptype", "pin", "no-device", "option"])
def test_what_cannot_work_is_said_and_not_tried_again(router: Router, config: dict, error: str) -> None:
    router.world.start_sim()
    n = router.interface(**config)
    n.ifup()
    wait_for("the error", lambda: n.errors == [error] and not n.task, timeout=30)
    assert not n.autostart and len(n.runs) <= 1


def test_a_name_too_long_for_a_device_is_said(router: Router) -> None:
    router.world.start_sim()
    n = router.interface("wan_twelve_c")
    n.ifup()
    wait_for("the error", lambda: n.errors == ["NAME_TOO_LONG"])
    assert not n.autostart and not n.runs


def test_the_tty_comes_and_goes_with_the_interface(router: Router) -> None:
    world = router.world
    n = router.interface(device=str(world.folder / "absent"))
    router.root.write_config("network", "config interface 'lan'\n\toption proto 'static'\n"
                             f"config interface 'wan'\n\toption proto 'gwd'\n\toption device '{n.root.path}'\n")
    n.ifup()
    wait_for("the error", lambda: n.errors == ["NO_DEVICE"])
    assert not n.available and n.autostart and not n.runs
    world.start_sim()
    tty = router.tty()
    n.config.write_text(f"JSON_device={tty}\nJSON_apn=internet\n")
    router.root.write_config("network", f"config interface 'lan'\n\toption device '{tty}'\n"
                             f"config interface 'wan'\n\toption proto 'gwd'\n\toption device '{tty}'\n")
    n.hotplug("add", "ttyOTHER")
    assert "available\twan\t1" not in n.calls_file.read_text()
    n.hotplug("add", tty.rsplit("/", 1)[1])
    wait_for("the interface", lambda: n.up, timeout=60)
    n.hotplug("remove", tty.rsplit("/", 1)[1])
    wait_for("its end", lambda: n.task is None)
    assert n.autostart and not n.available and n.errors == ["NO_DEVICE"]


def test_a_daemon_that_dies_is_started_again_after_a_while(router: Router) -> None:
    router.world.mistakes_expected = True
    router.world.start_sim()
    n = router.interface()
    n.ifup()
    wait_for("the interface", lambda: n.up, timeout=60)
    assert n.task
    n.task.popen.kill()
    wait_for("another", lambda: len(n.runs) == 2 and n.up, timeout=90)
    assert n.errors == ["DAEMON_FAILED"]
    error, seconds = n.teardowns[0]
    assert error == "0" and seconds > 3.5 and not n.overrun


def test_each_exit_status_has_its_error(router: Router) -> None:
    n = router.interface()
    fatal = {64: "INVALID_CONFIG", 71: "NO_TUN", 77: "PERMISSION_DENIED", 78: "INVALID_CONFIG", 80: "PIN_FAILED",
             81: "PUK_NEEDED"}
    later = {70: "DAEMON_FAILED", 82: "NO_SIM", 83: "REGISTRATION_DENIED", 84: "APN_REJECTED"}
    scripts = {status: n.handler("teardown", str(status)) for status in fatal | later}
    for status, script in scripts.items():
        assert script.wait(20) == 0, status
    said = n.calls_file.read_text().splitlines()
    for error in set((fatal | later).values()):
        assert f"error\twan\t{error}" in said
    assert len([x for x in said if x.startswith("block")]) == len(fatal)
    assert len([x for x in said if x.startswith("kill")]) == len(scripts)


def instance(router: Router, **options: str) -> dict[str, list[list[str]]]:
    lines = "".join(f"\toption {k} {v!r}\n" for k, v in options.items())
    router.root.write_config("gwd", f"config gwd 'off'\n\toption device '/dev/x'\nconfig gwd 'cell7'\n{lines}"
                             "\tlist options 'links.udp=3'\n\tlist options 'tcp.linger=5s'\n")
    done = router.root.run("/bin/sh", "/etc/rc.common", "/etc/init.d/gwd", "start")
    said: dict[str, list[list[str]]] = {}
    for line in done.stdout.splitlines():
        name, *words = line.split("\t")
        said.setdefault(name, []).append(words)
    return said


def test_without_netifd_the_init_script_runs_it_and_the_address_script_sets_it_up(router: Router) -> None:
    world = router.world
    world.start_sim(pin="4711")
    said = instance(router, enabled="1", device=router.tty(), apn="internet", pincode="4711", metric="77",
                    defaultroute="1")
    assert said["open"] == [["cell7"]] and said["jail"] == [["gwd-cell7", "log", "procfs"]]
    params = {words[0]: words[1:] for words in said["param"]}
    argv = params["command"]
    assert argv[0] == "/usr/sbin/gwd" and "links.udp=3" in argv and "tcp.linger=5s" in argv
    assert not [x for x in argv if "4711" in x] and params["no_new_privs"] == ["1"]
    capabilities = json.loads((router.root.path / params["capabilities"][0].lstrip("/")).read_text())
    assert set(map(tuple, capabilities.values())) == {("CAP_NET_ADMIN",)} and len(capabilities) == 5
    daemon = world.background(world.inner, router.root.command(*argv), "gwd")
    wait_for("the default route", lambda: "cell7" in world.inner.ip("route", "show", "default"), timeout=60)
    assert router.addresses("cell7") == ["10.148.0.17"]
    assert "metric 77" in world.inner.ip("route", "show", "default")
    router.echo()
    assert world.sim
    world.sim.set("netopen_result", "1")
    world.sim.command("cipevent")
    wait_for("the route to go", lambda: "cell7" not in world.inner.ip("route", "show", "default"))
    world.sim.set("netopen_result", "0")
    wait_for("it to come back", lambda: "cell7" in world.inner.ip("route", "show", "default"), timeout=90)
    status, seconds = daemon.terminate(4)
    assert status == 0 and seconds < 4


def test_the_programs_tell_the_same_version(router: Router) -> None:
    said = [router.root.run(x, "--version").stdout.split() for x in ("/usr/sbin/gwd", "/usr/bin/gwctl")]
    assert [x[0] for x in said] == ["gwd", "gwctl"] and said[0][1] == said[1][1]


def test_gwctl_finds_the_only_interface(router: Router) -> None:
    router.world.start_sim()
    n = router.interface()
    n.ifup()
    wait_for("the interface", lambda: n.up, timeout=60)
    assert "10.148.0.17" in router.root.run("/usr/bin/gwctl", "status").stdout


def test_the_state_is_told_on_the_bus(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build with a stand-in for libubus that writes down what it is told."""
    if b"GWD_FAKE_UBUS" not in world.binaries.gwd.read_bytes():
        pytest.skip("built without GWD_UBUS")
    said = world.folder / "said"
    monkeypatch.setenv("GWD_FAKE_UBUS", str(said))
    world.start_sim()
    gwd = world.start_gwd({"interface.address": "none"}, route=None)
    wait_for("the event", lambda: said.exists() and "state=up" in said.read_text())
    lines = [x.split(" ", 1) for x in said.read_text().splitlines()]
    assert lines[0] == ["object", "gwd.cell0"] and lines[1][0] == "reply"
    assert json.loads(lines[1][1]).keys() == gwd.status().keys()
    events = [x for kind, x in lines if kind == "event"]
    assert events[-1] == "id=gwd.state name=cell0 state=up " and len(events) == len(set(events))
