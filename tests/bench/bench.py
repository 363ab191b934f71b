#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Figures of the release build: how much of the line is used, and what the daemon costs.

Every rate is given as a share of what the line allows, by these formulas (R = baud / 10 bytes a
second, 8N1; n bytes of payload a piece):

  down, push    G = R * n / (n + h)           h: the header in force, from the dialogue's own bytes
  down, buffer  G = n / ((c + n + h) / R + tau)      c: AT+CIPRXGET=2,... ; one read after another
  up            G = n / ((c + p + n + k) / R + tau_prompt + tau_done)
                c: AT+CIPSEND=..., p: the prompt, k: OK and +CIPSEND; the two delays are the
                simulator's own (prompt_delay_ms, which holds the parser's, and send_confirm_delay_ms)
  transparent   G = R, both ways; beside it the same bytes in the other modes, measured in the same run

The table is for people; nothing here passes or fails.
"""
from __future__ import annotations

import argparse
import dataclasses
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Iterator

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "e2e"))

from harness.netns import remove_stale  # noqa: E402
from harness.servers import digest_of_counted, echo, request_reply, source, udp_echo  # noqa: E402
from harness.traffic import all_fine, at_once, hostile_body, receive_all, receive_exactly, upload  # noqa: E402
from harness.world import Binaries, World  # noqa: E402

CHUNK = 1460
PARSER_MS, PROMPT_MS, DONE_MS = 5, 39, 3  # of the profile a7670e, set explicitly below
PROFILE = {"profile": "a7670e", "boot_time_s": 0, "urc_in_response": "never", "parser_latency_ms": PARSER_MS,
           "prompt_delay_ms": PROMPT_MS, "send_confirm_delay_ms": DONE_MS}


@dataclasses.dataclass
class Row:
    what: str
    value: str
    share: str = ""
    note: str = ""


class Bench:
    def __init__(self, binaries: Binaries, seconds: int) -> None:
        self.seconds = seconds
        self.binaries = binaries

    def world(self, sim: dict[str, object], gwd: dict[str, object] | None = None) -> "Running":
        return Running(self.binaries, sim, {"log.level": "warn"} | (gwd or {}))

    # -- line use -----------------------------------------------------------------------------

    def down(self, baud: int, receive: str) -> Row:
        rate = baud / 10
        size = int(rate * self.seconds)
        with self.world(PROFILE | {"baud": baud}, {"modem.receive": receive, "modem.baud": baud}) as w:
            server = w.serve(source(hostile_body(size)))
            s = w.connect(server.address)
            skip = size // 8  # past the start: connect, first window
            receive_exactly(s, skip)
            wire = w.gwd.modem()["rx_wire_bytes"]
            began = time.monotonic()
            got = len(receive_all(s))
            took = time.monotonic() - began
            wire = w.gwd.modem()["rx_wire_bytes"] - wire
        goodput = got / took
        if receive == "push":
            header = len(f"\r\nRECV FROM:{server.address[0]}:{server.address[1]}\r\n+RECEIVE,9,{CHUNK}\r\n")
            allowed = rate * CHUNK / (CHUNK + header)
        else:
            command = len(f"AT+CIPRXGET=2,9,{CHUNK}\r")
            header = len(f"\r\n+CIPRXGET: 2,9,{CHUNK},0000\r\n") + len("\r\nOK\r\n")
            allowed = CHUNK / ((command + CHUNK + header) / rate + PARSER_MS / 1000)
        return Row(f"down, {receive}, {baud}", f"{goodput / 1000:8.2f} kB/s", f"{goodput / allowed:.2%} of {allowed / 1000:.2f}",
                   f"{goodput / rate:.1%} of the line, {wire / took / rate:.1%} busy")

    def up(self, baud: int) -> Row:
        rate = baud / 10
        with self.world(PROFILE | {"baud": baud}, {"modem.baud": baud}) as w:
            server = w.serve(digest_of_counted)
            command = len(f"AT+CIPSEND=9,{CHUNK}\r")
            around = command + len("\r\n>") + len(f"\r\nOK\r\n\r\n+CIPSEND: 9,{CHUNK},{CHUNK}\r\n")
            period = (around + CHUNK) / rate + (PROMPT_MS + DONE_MS) / 1000
            allowed = CHUNK / period
            body = hostile_body(int(allowed * self.seconds))
            began = time.monotonic()
            upload(w.connect(server.address), body)
            took = time.monotonic() - began
            sends = w.sim.stats()
        goodput = len(body) / took
        return Row(f"up, {baud}", f"{goodput / 1000:8.2f} kB/s", f"{goodput / allowed:.2%} of {allowed / 1000:.2f}",
                   f"{goodput / rate:.1%} of the line, {len(body) / max(1, sends['sends']):.0f} B a CIPSEND")

    # -- transparent mode -------------------------------------------------------------------------

    def transparent(self, baud: int) -> Iterator[Row]:
        """The same bytes in each mode, from the SYN to the last of them. The end of a flow, which costs
        transparent mode seconds (silence, escape, question), stands beside it: short flows pay it too."""
        size = int(baud / 10 * self.seconds)
        modes = {mode: self.there_and_back(baud, mode, size) for mode in ("transparent", "push", "buffer")}
        *_, end = modes["transparent"]
        for n, way in enumerate(("down", "up")):
            own = modes["transparent"][n]
            others = [f"{own / rates[n]:.2f} x {mode}" for mode, rates in modes.items() if mode != "transparent"]
            yield Row(f"{way}, transparent, {baud}", f"{own / 1000:8.2f} kB/s", f"{own / (baud / 10):.1%} of the line",
                      ", ".join(others) + f"; {end:.1f} s more to its end")

    def there_and_back(self, baud: int, receive: str, size: int) -> tuple[float, float, float]:
        """Bytes a second down and up, each of a flow of its own; seconds from the last byte down to FIN."""
        sim = PROFILE | {"baud": baud, "flow_control": "rtscts"}
        with self.world(sim, {"modem.receive": receive, "modem.baud": baud}) as w:
            body = hostile_body(size)
            sink, server = w.serve(digest_of_counted), w.serve(source(body), port=8001)
            began = time.monotonic()
            s = w.connect(server.address)
            receive_exactly(s, size)
            down = time.monotonic()
            receive_all(s)
            end = time.monotonic() - down
            w.close_clients()
            w.gwd.wait_no_tcp()
            again = time.monotonic()
            s = w.connect(sink.address)
            s.sendall(b"%010d" % size + body)
            receive_exactly(s, 64)  # the digest, when all is there
            return size / (down - began), size / (time.monotonic() - again), end

    # -- latency and rates --------------------------------------------------------------------

    def latency(self, baud: int) -> Iterator[Row]:
        """64 bytes there and back on an idle line; what the wire and the module themselves take, apart."""
        rate = baud / 10
        with self.world(PROFILE | {"baud": baud}, {"modem.baud": baud}) as w:
            server = w.serve(echo)
            w.serve_udp(udp_echo)
            s, u = w.connect(server.address), w.udp()
            for name, around in (("TCP", lambda: (s.sendall(b"x" * 64), receive_exactly(s, 64))),
                                 ("UDP", lambda: (u.sendto(b"x" * 64, server.address), u.recv(100)))):
                samples = []
                for n in range(42):
                    began = time.monotonic()
                    around()
                    samples.append((time.monotonic() - began) * 1000)
                    time.sleep(0.02)
                peer = "" if name == "TCP" else f',"{server.address[0]}",{server.address[1]}'
                header = len(f"\r\nRECV FROM:{server.address[0]}:{server.address[1]}\r\n+RECEIVE,9,64\r\n")
                # The answer is pushed behind the confirmation of the question.
                confirm = len("\r\nOK\r\n\r\n+CIPSEND: 9,64,64\r\n")
                wire = len(f"AT+CIPSEND=9,64{peer}\r") + 3 + 64 + confirm + header + 64
                least = wire / rate * 1000 + PROMPT_MS + DONE_MS
                median = statistics.median(samples[2:])
                yield Row(f"64 B round trip, {name}, {baud}", f"{median:8.2f} ms", f"{median - least:+.2f} ms",
                          f"over the {least:.2f} ms of line, prompt and confirmation")

    def connects(self) -> Row:
        with self.world({"profile": "fast", "baud": 0}) as w:
            server = w.serve(request_reply(b"hello"))
            began, n = time.monotonic(), 0
            while time.monotonic() - began < 4:
                with w.inner.tcp() as s:
                    s.connect(server.address)
                    s.sendall(b"\n")
                    assert receive_all(s) == b"hello"
                n += 1
            return Row("request and answer, one after another", f"{n / (time.monotonic() - began):8.0f} /s", "",
                       "connect, 1 B up, 5 B down, close; simulator without delays")

    # -- cost -----------------------------------------------------------------------------------

    def cost(self) -> Iterator[Row]:
        # Buffer mode: in push mode no line is this fast, and a reader that falls behind is reset.
        with self.world({"profile": "fast", "baud": 0}, {"modem.receive": "buffer"}) as w:
            before = status(w.gwd.process.pid)
            yield Row("memory, no flow", f"{before['VmRSS']:8d} kB", "", f"{before['RssAnon']} kB of it private")
            time.sleep(2)
            switches, ticks = wakeups(w.gwd.process.pid), cpu(w.gwd.process.pid)
            time.sleep(20)
            yield Row("wake-ups, no flow", f"{(wakeups(w.gwd.process.pid) - switches) / 20:8.2f} /s", "",
                      f"{cpu(w.gwd.process.pid) - ticks} ticks of CPU in 20 s")
            server = w.serve(source(hostile_body(4 << 20)))
            all_fine(at_once([lambda: len(receive_all(w.connect(server.address))) for _ in range(9)]))
            w.close_clients()
            w.gwd.wait_no_tcp()
            after = status(w.gwd.process.pid)
            yield Row("memory, after nine flows of 4 MiB", f"{after['VmRSS']:8d} kB", "", f"{after['RssAnon']} kB of it private")
            ticks = cpu(w.gwd.process.pid)
            began = time.monotonic()
            got = len(receive_all(w.connect(server.address)))
            took = time.monotonic() - began
            yield Row("down, buffer, unpaced", f"{got / took / 1e6:8.2f} MB/s", "",
                      f"{(cpu(w.gwd.process.pid) - ticks) * 10} ms of CPU for {got >> 20} MiB")

    def sizes(self) -> Iterator[Row]:
        for path in (self.binaries.gwd, self.binaries.gwctl, self.binaries.a76sim):
            with tempfile.NamedTemporaryFile() as stripped:
                subprocess.run(["strip", "-o", stripped.name, str(path)], check=True)
                size = Path(stripped.name).stat().st_size
            yield Row(f"size of {path.name}, stripped", f"{size / 1000:8.0f} kB")


class Running:
    """A world with both programs up; ended however the block ends."""

    def __init__(self, binaries: Binaries, sim: dict[str, object], gwd: dict[str, object]) -> None:
        self._world = World(binaries)
        self._sim, self._gwd = sim, gwd

    def __enter__(self) -> World:
        try:
            self._world.up(self._sim, self._gwd)
        except BaseException:
            self._world.destroy()
            raise
        return self._world

    def __exit__(self, kind, *_args) -> None:
        try:
            if kind is None:
                self._world.finish()
        finally:
            self._world.destroy()


def status(pid: int) -> dict[str, int]:
    text = Path(f"/proc/{pid}/status").read_text()
    return {k: int(v) for k, v in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.M)}


def wakeups(pid: int) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    return sum(int(n) for n in re.findall(r"^\w*voluntary_ctxt_switches:\s+(\d+)", text, re.M)[:1])


def cpu(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def show(rows: list[Row]) -> None:
    for row in rows:
        print(f"{row.what:42} {row.value:14} {row.share:20} {row.note}".rstrip(), flush=True)


def built(folder: Path) -> Binaries:
    return Binaries(folder / "gwd" / "gwd", folder / "gwd" / "gwctl", folder / "sim" / "a76sim")


def installed() -> Binaries:
    paths = [shutil.which(name, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin")
             for name in ("gwd", "gwctl", "a76sim")]
    return Binaries(*(Path(path or sys.exit("gwd, gwctl or a76sim is not installed")) for path in paths))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=TOP / "build" / "release")
    parser.add_argument("--installed", action="store_true", help="the programs of this system instead")
    parser.add_argument("--seconds", type=int, default=6, help="of line a figure (6)")
    parser.add_argument("--only", default="", help="figures whose name holds this word (line, transparent, latency, cost, sizes)")
    args = parser.parse_args()
    remove_stale()
    bench = Bench(installed() if args.installed else built(args.build.resolve()), args.seconds)
    groups = {
        "sizes": lambda: show(list(bench.sizes())),
        "line": lambda: [show([bench.down(baud, receive)]) for baud in (115200, 921600)
                         for receive in ("push", "buffer")] + [show([bench.up(baud)]) for baud in (115200, 921600)],
        "transparent": lambda: [show(list(bench.transparent(baud))) for baud in (115200, 921600)],
        "latency": lambda: [show(list(bench.latency(baud))) for baud in (115200, 921600)],
        "cost": lambda: (show(list(bench.cost())), show([bench.connects()])),
    }
    failed = 0
    for name, run in groups.items():
        if args.only in name:
            try:
                run()
            except Exception as e:  # the other figures are still worth having
                failed = 1
                print(f"{name}: {type(e).__name__}: {e}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
