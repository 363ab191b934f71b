#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes docs/top.svg: gwctl top in a terminal, over a simulated module with real programs behind it.

usage: sudo docs/top.py [BUILD]      after scripts/install-deps.sh and a build (default: build/release)
"""
from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from html import escape
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests" / "e2e"))

from harness.servers import Visit, sink, udp_echo  # noqa: E402
from harness.world import Binaries, World  # noqa: E402

WIDTH, HEIGHT = 112, 24
SECONDS = 75  # of curves


# -- the scene: a download that fills the line, an upload, and what else a machine does --------------------------


def endless(visit: Visit) -> None:
    while True:
        visit.conn.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + bytes(65536))


def waves(visit: Visit) -> None:
    for n in range(1000):
        visit.conn.sendall(bytes(30000 * (n % 4 == 0)))
        time.sleep(1.3)


def talk(visit: Visit) -> None:
    while True:
        visit.conn.sendall(bytes(150))
        time.sleep(0.4)


def start(world: World, user: str, *argv: str) -> None:
    name = f"{user}-{len(world.processes)}"
    world.background(world.inner, ["setpriv", f"--reuid={user}", "--clear-groups", *argv], name)


def play(world: World) -> None:
    world.serve(waves, "198.51.100.7", 1883)
    world.serve(talk, "198.51.100.2", 22)
    world.serve(sink, "203.0.113.4", 8443)
    world.serve(talk, "203.0.113.2", 443)
    world.serve(endless, "198.51.100.3", 80)
    world.serve_udp(udp_echo, "203.0.113.5", 123)
    start(world, "news", "nc", "198.51.100.7", "1883")
    start(world, "root", "nc", "-T", "lowdelay", "198.51.100.2", "22")
    start(world, "backup", "sh", "-c", "yes | head -c 6k | sleep 2; "
          "while head -c 9k /dev/zero; do sleep 1; done | nc 203.0.113.4 8443")
    start(world, "root", "sh", "-c", "while echo time; do sleep 2; done | nc -u 203.0.113.5 123")
    for _ in range(3):
        start(world, "www-data", "nc", "203.0.113.2", "443")
    time.sleep(SECONDS / 3)
    start(world, "man", "curl", "-s", "-o", "/dev/null", "--max-time", "600", "http://198.51.100.3/")
    time.sleep(SECONDS / 3)
    for _ in range(4):
        start(world, "www-data", "nc", "203.0.113.2", "443")


def screen(world: World, gwctl: Path) -> str:
    tmux = ["tmux", "-S", str(world.folder / "tmux.sock")]
    env = {**os.environ, "LC_ALL": "C.UTF-8"}
    env.pop("TMUX", None)
    subprocess.run([*tmux, "-u", "-f", "/dev/null", "new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT),
                    f"{gwctl} -s {world.folder}/gwd.sock top"], env=env, check=True)
    try:
        play(world)
        time.sleep(SECONDS / 3)
        return subprocess.run([*tmux, "capture-pane", "-p", "-e", "-N"], check=True, text=True,
                              stdout=subprocess.PIPE).stdout
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)


# -- the picture ---------------------------------------------------------------------------------------------------

CELL_W, CELL_H, MARGIN = 8, 17, 12
BACK, FRONT = "#16191d", "#d3d7cf"
PALETTE = ["#2e3436", "#ef5350", "#8bc34a", "#ffca28", "#64b5f6", "#d68fd6", "#4dd0e1", "#eeeeec"]
BLOCKS = "▁▂▃▄▅▆▇█"


class Look:
    def __init__(self) -> None:
        self.front, self.back, self.bold, self.dim, self.reverse = FRONT, "", False, False, False

    def apply(self, codes: str) -> None:
        for code in (int(c or 0) for c in codes.split(";")):
            if code == 0:
                self.__init__()
            elif code in (1, 2, 7):
                self.bold, self.dim, self.reverse = (self.bold or code == 1, self.dim or code == 2,
                                                     self.reverse or code == 7)
            elif 30 <= code <= 37:
                self.front = PALETTE[code - 30]
            elif 40 <= code <= 47:
                self.back = PALETTE[code - 40]
            elif code == 39:
                self.front = FRONT
            elif code == 49:
                self.back = ""

    def colours(self) -> tuple[str, str]:
        return (BACK, "#b8bdb4") if self.reverse else (self.front, self.back)


def draw_run(x: int, y: int, text: str, look: Look) -> str:
    """Text of one look from column x on; blocks as rectangles, because fonts differ in them."""
    front, back = look.colours()
    left, top, out = MARGIN + x * CELL_W, MARGIN + y * CELL_H, ""
    if back:
        out += f'<rect x="{left}" y="{top}" width="{len(text) * CELL_W}" height="{CELL_H}" fill="{back}"/>'
    for i, ch in enumerate(text):
        if ch in BLOCKS:
            high = CELL_H * (BLOCKS.index(ch) + 1) / 8
            out += (f'<rect x="{left + i * CELL_W}" y="{top + CELL_H - high:g}" width="{CELL_W}" '
                    f'height="{high:g}" fill="{front}"/>')
    style = (' font-weight="bold"' if look.bold else "") + (' opacity="0.6"' if look.dim else "")
    for word in re.finditer(f"[^ {BLOCKS}]+( [^ {BLOCKS}]+)*", text):
        out += (f'<text x="{left + word.start() * CELL_W}" y="{top + 13}" fill="{front}"{style} '
                f'textLength="{len(word[0]) * CELL_W}">{escape(word[0])}</text>')
    return out + "\n" if out else ""


def svg(screen: str) -> str:
    lines = screen.splitlines()
    width, height = WIDTH * CELL_W + 2 * MARGIN, len(lines) * CELL_H + 2 * MARGIN
    out = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
           f'viewBox="0 0 {width} {height}" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" '
           f'font-size="13" xml:space="preserve"><title>gwctl top</title>\n'
           f'<rect width="100%" height="100%" rx="8" fill="{BACK}"/>\n')
    look = Look()
    for y, line in enumerate(lines):
        x = 0
        for codes, text in re.findall(r"\033\[([0-9;]*)m|([^\033]+)", line):
            if text:
                out += draw_run(x, y, text.replace("\x0f", ""), look)
                x += len(text.replace("\x0f", ""))
            else:
                look.apply(codes)
    return out + "</svg>\n"


def main() -> None:
    build = Path(sys.argv[1] if len(sys.argv) > 1 else TOP / "build" / "release").resolve()
    gwctl = build / "gwd" / "gwctl"
    world = World(Binaries(gwd=build / "gwd" / "gwd", gwctl=gwctl, a76sim=build / "sim" / "a76sim"))
    try:
        world.up({"baud": 460800, "profile": "a7670e"}, {"modem.baud": 460800})
        (TOP / "docs" / "top.svg").write_text(svg(screen(world, gwctl)))
    finally:
        world.destroy()


if __name__ == "__main__":
    main()
