# SPDX-License-Identifier: BSD-3-Clause
"""Metrics: the page, its three ways out, and what is built upon it (alerts, dashboard, documentation)."""
from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from harness.process import LITTLE_QUARANTINE
from harness.servers import echo, hold, udp_echo
from harness.traffic import receive_exactly
from harness.waiting import wait_for
from harness.world import SERVERS4, World

TOP = Path(__file__).resolve().parents[2]
AT = ("127.0.0.1", 9776)
LISTEN = {"metrics.listen": "%s:%d" % AT}
TYPE = "text/plain; version=0.0.4; charset=utf-8"
OWN_LABELS = {"job", "instance"}  # those that a scraper adds
# What promtool check metrics has to say of names, and base units only.
UNITS = re.compile(r"_(milliseconds|ms|minutes|hours|days|kilobytes|megabytes|bits|percent)(_|$)")


class Page:
    """A page read strictly: by the client library of others, and by the rules of the format."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families = {}
        self.samples: dict[tuple, float] = {}
        assert text.endswith("\n") and "\r" not in text and "\n\n" not in text
        for family in text_string_to_metric_families(text):
            name = family.name + ("_total" if family.type == "counter" else "")
            assert name not in self.families, f"{name} stands there twice"
            self.families[name] = family
            assert family.documentation and family.documentation.endswith(".")
            assert family.type in ("gauge", "counter"), (name, family.type)
            assert re.fullmatch(r"gwd_[a-z][a-z0-9_]*", name) and not UNITS.search(name), name
            assert family.type == "counter" or not name.endswith(("_total", "_count", "_sum", "_bucket"))
            for sample in family.samples:
                key = (sample.name, *sorted(sample.labels.items()))
                assert sample.name == name and key not in self.samples, f"{key} stands there twice"
                assert sample.labels.get("interface") == "cell0", key
                self.samples[key] = sample.value
        self._lines_stand_in_order()

    def _lines_stand_in_order(self) -> None:
        """HELP, TYPE, then all samples of the family, once a family."""
        seen, family = [], ""
        lines = iter(self.text.splitlines())
        for line in lines:
            if line.startswith("# HELP "):
                family = line.split()[2]
                seen.append(family)
                assert next(lines).startswith(f"# TYPE {family} ")
            else:
                assert line.startswith(family + "{"), line
        assert len(seen) == len(set(seen)) == len(self.families)

    def get(self, name: str, **labels: str) -> float:
        """The sum of the samples with these labels; a missing family is an error."""
        assert name in self.families, name
        return sum(s.value for s in self.families[name].samples
                   if set(labels.items()) <= set(s.labels.items()))

    def labels(self, name: str) -> set[str]:
        return {x for s in self.families[name].samples for x in s.labels}


def curl(world: World, *argv: str) -> subprocess.CompletedProcess:
    return world.inner.run("curl", "-sS", "--max-time", "20", *argv)


def scrape(world: World) -> Page:
    return Page(curl(world, "-f", "http://%s:%d/metrics" % AT).stdout)


def raw(world: World, request: bytes) -> bytes:
    """What comes back for these bytes."""
    with world.inner.tcp(timeout=30) as s:
        s.connect(AT)
        s.sendall(request)
        answer = b""
        while data := s.recv(65536):
            answer += data
    return answer


# -- the page --------------------------------------------------------------------------------------


def table_of(page: Page) -> list[str]:
    """The lines that docs/metrics.md has to have."""
    rows = []
    for name, family in page.families.items():
        labels = ", ".join(f"`{x}`" for x in list(dict.fromkeys(
            x for s in family.samples for x in s.labels if x != "interface")))
        rows.append(f"| `{name}` | {family.type} | {labels} | {family.documentation} |")
    return rows


def used_in(text: str) -> list[tuple[str, set[str]]]:
    """Metrics of a PromQL expression, with the labels that stand in their braces."""
    found = []
    for name, braces in re.findall(r"\b(gwd_[a-z0-9_]+)(\{[^}]*\})?", text):
        found.append((name, set(re.findall(r"([a-z_]+)\s*(?:=~|!=|!~|=)", braces))))
    return found


def expressions_of_the_dashboard() -> list[str]:
    board = json.loads((TOP / "packaging/grafana/gwd.json").read_text())
    found = [t["expr"] for p in board["panels"] for t in p.get("targets", [])]
    found += [v["query"]["query"] for v in board["templating"]["list"] if v["type"] == "query"]
    assert {p["datasource"]["uid"] for p in board["panels"] if p["type"] != "row"} == {"${datasource}"}
    assert len({p["id"] for p in board["panels"]}) == len(board["panels"])
    return found


def as_rules(expressions: list[str]) -> str:
    """A dashboard's queries in the form that promtool reads."""
    known = {"$__rate_interval": "5m", "$__range": "1d", "$instance": ".*", "$interface": ".*"}
    rules = []
    for i, text in enumerate(x for x in expressions if not x.startswith("label_values")):
        for name, value in known.items():
            text = text.replace(name, value)
        assert "$" not in text, text
        rules.append({"record": f"panel:{i}", "expr": text})
    return json.dumps({"groups": [{"name": "dashboard", "rules": rules}]})  # JSON is YAML


def promtool(*argv: str, **kw) -> None:
    """Prometheus's own judgement, where it is installed: it is no package the tests ask for (96 MB)."""
    if tool := shutil.which("promtool"):
        done = subprocess.run([tool, *argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)
        assert done.returncode == 0, done.stdout


@pytest.mark.needs("curl", "ping")
def test_the_page_is_one_wherever_it_comes_out_and_all_that_is_built_on_it_holds(world: World) -> None:
    world.inner.ip("addr", "add", "192.0.2.10/32", "dev", "lo")
    gwd = world.up(gwd={**LISTEN, "forward.tcp": "8080:192.0.2.10:80"})
    world.inner.run("ping", "-c", "1", "-W", "10", SERVERS4[0])
    world.serve(hold)
    s = world.connect((SERVERS4[0], 8000))
    s.sendall(b"x")
    wait_for("the listener of the forward", lambda: gwd.status()["forwards"][0]["state"] == "listening")
    wait_for("the module's confirmation", lambda: gwd.flows("tcp")[0]["tx_bytes"] == 1)
    page = scrape(world)
    assert page.get("gwd_build_info") == page.get("gwd_up") == page.get("gwd_forward_listening", port="8080") == 1
    assert page.get("gwd_modem_state") == page.get("gwd_modem_state", state="up") == 1
    assert page.get("gwd_modem_signal_dbm") == gwd.modem()["rssi_dbm"]
    assert page.get("gwd_links", state="free") == 9 and page.get("gwd_links") == 10
    empty = {name for name, f in page.families.items() if not f.samples}
    assert not empty, "the tables of labels below would not be complete"
    # nobody's identity, no series a flow
    assert not re.search(r"imei|iccid|imsi|198\.51\.100|10\.148\.0\.17", page.text, re.IGNORECASE)

    assert list(Page(gwd.request("metrics")["text"]).families) == list(page.families)
    assert list(Page(world.gwctl("metrics").stdout).families) == list(page.families)
    assert "text" in json.loads(world.gwctl("metrics", "--json").stdout)

    documented = [x for x in (TOP / "docs/metrics.md").read_text().splitlines() if x.startswith("| `gwd_")]
    assert [x for x in documented if re.search(r"\| (gauge|counter) \|", x)] == table_of(page), \
        "docs/metrics.md should have:\n" + "\n".join(table_of(page))
    for name, label, text in re.findall(r"^\| `(gwd_\w+)` \| `(\w+)` \| (.*) \|$", "\n".join(documented), re.M):
        values = {s.labels[label] for s in page.families[name].samples if s.labels.get("protocol") != "tcp"}
        assert values <= set(re.findall(r"`(\w+)`", text)), (name, values)
    rules = (TOP / "packaging/prometheus/gwd-alerts.yml").read_text()
    series = (TOP / "packaging/prometheus/gwd-alerts-test.yml").read_text()
    for text in (rules, series, *expressions_of_the_dashboard()):
        assert "gwd_" in text
        for name, labels in used_in(text):
            assert name in page.families, f"{name} is no metric: {text}"
            assert labels <= page.labels(name) | OWN_LABELS, f"{name} has not all of {labels}: {text}"
    tested = set(re.findall(r"alertname[:=] ?\"?(\w+)", series))
    assert set(re.findall(r"- alert: (\w+)", rules)) == tested
    promtool("check", "metrics", input=page.text)
    promtool("test", "rules", "gwd-alerts-test.yml", cwd=TOP / "packaging/prometheus")
    queries = world.folder / "queries.yml"
    queries.write_text(as_rules(expressions_of_the_dashboard()))
    promtool("check", "rules", str(queries))


@pytest.mark.needs("curl")
def test_counters_move_with_the_traffic_and_states_with_the_bearer(world: World) -> None:
    gwd = world.up(gwd=LISTEN)
    world.serve(echo)
    world.serve_udp(udp_echo)
    before = scrape(world)
    s = world.connect((SERVERS4[0], 8000))
    s.sendall(b"x" * 50_000)
    receive_exactly(s, 50_000)
    u = world.udp()
    u.sendto(b"y" * 100, (SERVERS4[0], 8000))
    assert u.recv(200) == b"y" * 100
    # an echo may be faster than the module's word that it took the last bytes
    wait_for("the last confirmation", lambda: scrape(world).get("gwd_modem_payload_bytes_total", direction="tx")
             - before.get("gwd_modem_payload_bytes_total", direction="tx") >= 50_100)
    during = scrape(world)

    def grown(name: str, **labels: str) -> float:
        return during.get(name, **labels) - before.get(name, **labels)

    assert grown("gwd_tcp_connections_total", outcome="opened") == 1
    assert grown("gwd_udp_datagrams_total", direction="tx") == grown("gwd_udp_datagrams_total", direction="rx") == 1
    for way in ("tx", "rx"):
        assert grown("gwd_modem_payload_bytes_total", direction=way) == 50_100
        assert grown("gwd_modem_wire_bytes_total", direction=way) > 50_100
        assert grown("gwd_interface_bytes_total", direction=way) > 50_100
        assert grown("gwd_interface_packets_total", direction=way) > 35
    assert grown("gwd_flows", protocol="udp", state="open") == 1
    assert during.get("gwd_flows", protocol="tcp") == 1
    assert grown("gwd_uptime_seconds") > 0 and grown("gwd_tcp_resets_total") == 0

    world.sim.command("cipevent")
    wait_for("the loss to be counted", lambda: scrape(world).get("gwd_tcp_resets_total", reason="lost") == 1)
    gwd.wait_state("up")


# -- HTTP ------------------------------------------------------------------------------------------

HOST = b"Host: localhost\r\n"
GET = b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n"


@pytest.mark.needs("curl")
def test_the_listener_answers_one_page_and_refuses_the_rest(world: World) -> None:
    gwd = world.start_sim() and world.start_gwd(LISTEN, wait=None)
    wait_for("the listener", lambda: gwd.state() != "")
    url = "http://%s:%d" % AT
    head = curl(world, "-I", url + "/metrics").stdout
    body = curl(world, "-D", "-", "-o", "/dev/null", url + "/metrics?x=1").stdout
    for text in (head, body):
        assert text.startswith("HTTP/1.1 200 OK\n") and f"Content-Type: {TYPE}\n" in text
        assert "Connection: close\n" in text and re.search(r"Content-Length: \d{4,}\n", text)
    for request, status in ((b"GET / HTTP/1.1\r\n", b"404"), (b"POST /metrics HTTP/1.1\r\n", b"405"),
                            (b"DELETE /metrics HTTP/1.0\r\n", b"405"), (b"GET /metrics HTTP/2.0\r\n", b"505"),
                            (b"GET /metrics\r\n", b"400"), (b"nonsense\r\n", b"400"),
                            (b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 3000 + b"\r\n", b"200"),
                            (b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 60_000, b"431")):
        answer = raw(world, request + HOST + b"\r\n")
        first, _, rest = answer.partition(b"\r\n\r\n")
        assert first.startswith(b"HTTP/1.1 " + status), (request[:60], first)
        assert int(re.search(rb"Content-Length: (\d+)", first)[1]) == len(rest)
        assert (status == b"405") == (b"Allow: GET, HEAD" in first)
    assert raw(world, b"HEAD /metrics HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\n")
    # a request in pieces, and two in one
    with world.inner.tcp(timeout=30) as s:
        s.connect(AT)
        for i in range(len(GET)):
            s.sendall(GET[i:i + 1])
        assert s.recv(20).startswith(b"HTTP/1.1 200")
    assert raw(world, GET + GET).count(b"HTTP/1.1 200") == 1
    # nobody else is let in
    with world.inner.tcp(timeout=5) as s, pytest.raises(ConnectionRefusedError):
        s.connect(("127.0.0.2", AT[1]))


def test_hostile_clients_of_the_listener_disturb_nobody(world: World) -> None:
    world.sanitizer_options = LITTLE_QUARANTINE
    gwd = world.up(gwd=LISTEN)
    raw(world, GET)
    before = gwd.memory_kib()
    for junk in (b"", b"\0" * 5000, b"\xff" * 100_000, b"\n" * 3000, b"\r\n\r\n", b"GET " + b"/" * 9000,
                 b"\x16\x03\x01\x02\0\x01\0\x01\xfc" + b"x" * 507 + b"\n\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                 GET[:-2] + b"Content-Length: 99999999\r\n\r\n" + b"x" * 200_000):
        with world.inner.tcp(timeout=30) as s:
            s.connect(AT)
            try:
                s.sendall(junk)
                s.shutdown(socket.SHUT_WR)
                while s.recv(65536):
                    pass
            except OSError:
                pass
    silent = []
    for i in range(40):  # more than are served at once: the oldest give way
        s = world.inner.tcp(timeout=30)
        s.connect(AT)
        s.sendall(GET if i % 2 else b"GET /metr")  # half of them never read their answer
        silent.append(s)
    assert raw(world, GET).startswith(b"HTTP/1.1 200")
    world.serve(echo)
    s = world.connect((SERVERS4[0], 8000))
    s.sendall(b"x")
    assert s.recv(1) == b"x"
    for s in silent:
        s.close()
    assert raw(world, GET).startswith(b"HTTP/1.1 200")
    assert gwd.memory_kib() - before < 1024


def test_a_client_that_says_nothing_is_let_go_after_ten_seconds(world: World) -> None:
    world.start_sim()
    gwd = world.start_gwd(LISTEN, wait=None)
    wait_for("the listener", lambda: gwd.state() != "")
    with world.inner.tcp(timeout=60) as silent, world.inner.tcp(timeout=60) as slow:
        for s in (silent, slow):
            s.connect(AT)
        slow.sendall(b"GET /metrics HTTP/1.1\r\n")
        assert silent.recv(1) == b"" and slow.recv(1) == b""


@pytest.mark.needs("curl")
def test_a_reload_moves_the_listener_and_a_taken_port_does_not_end_gwd(world: World) -> None:
    world.start_sim()
    path = world.folder / "gwd.conf"
    unix = world.folder / "metrics.sock"
    text = f"[modem]\ndevice = {world.folder / 'ttyA76'}\napn = internet\nbaud = 921600\n[metrics]\nlisten = %s\n"
    path.write_text(text % ("%s:%d" % AT))
    taken = world.inner.tcp()
    taken.bind(AT)
    taken.listen(1)
    gwd = world.start_gwd({"modem.device": None, "modem.apn": None, "modem.baud": None}, arguments=["-c", str(path)])
    assert "metrics.listen" in gwd.process.text() and "in use" in gwd.process.text()
    taken.close()

    def reload(value: str) -> None:
        path.write_text(text % value)
        gwd.process.signal(signal.SIGHUP)

    reload(str(unix))
    wait_for("the socket", unix.exists)
    assert unix.stat().st_mode & 0o777 == 0o660
    Page(curl(world, "-f", "--unix-socket", str(unix), "http://localhost/metrics").stdout)
    reload("[::1]:9776")
    wait_for("the socket to go", lambda: not unix.exists())
    Page(curl(world, "-f", "http://[::1]:9776/metrics").stdout)
    reload("")
    wait_for("the listener to go", lambda: curl_fails(world, "http://[::1]:9776/metrics"))
    reload("192.0.2.1:9776")
    wait_for("the word about the address", lambda: "127.0.0.0/8" in gwd.process.text())


def curl_fails(world: World, url: str) -> bool:
    return world.inner.run("curl", "-s", "-o", "/dev/null", url, check=False).returncode == 7


# -- the file --------------------------------------------------------------------------------------


def test_the_textfile_is_whole_readable_and_never_old(world: World) -> None:
    gwd = world.up()
    folder = world.folder / "node-exporter"
    folder.mkdir()
    file = folder / "gwd.prom"
    for _ in range(2):
        world.gwctl("metrics", "--textfile", str(file))
        assert Page(file.read_text()).get("gwd_up") == 1
        assert file.stat().st_mode & 0o777 == 0o644 and list(folder.iterdir()) == [file]
    assert world.gwctl("metrics", "--textfile", str(folder / "none" / "x.prom"), check=False).returncode == 1
    assert world.gwctl("metrics", "-t", str(file), "--json", check=False).returncode == 2
    world.close_clients()
    sock = gwd.socket
    world.stop_gwd()
    gone = world.inner.run(str(world.binaries.gwctl), "-s", str(sock), "metrics", "-t", str(file), check=False)
    assert gone.returncode == 3 and list(folder.iterdir()) == []
