# SPDX-License-Identifier: BSD-3-Clause
"""Drives an a76sim process over its pty, its control socket and loopback sockets."""
import json
import os
import select
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

BINARY = None
QUIET = ["urc_in_response=never", "push_between_ok_and_cipsend=never"]
PATIENCE = 10.0  # s; bounds a failing test, never decides a passing one


class Sim:
    """One simulator; `fast` with no echo unless told otherwise."""

    def __init__(self, *knobs, profile="fast", baud=0, boot=True, args=()):
        self.dir = tempfile.mkdtemp(prefix="a76sim-")
        self.tty = os.path.join(self.dir, "tty")
        self.control_path = os.path.join(self.dir, "control")
        command = [BINARY, "--link", self.tty, "--control", self.control_path,
                   "--profile", profile, "--baud", str(baud), "--seed", "1"]
        for knob in QUIET + list(knobs):
            command += ["--set", knob]
        self.process = subprocess.Popen(command + list(args), stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        self.got = b""
        self.fd = self.control = self.answers = None
        try:
            self.start(boot)
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def start(self, boot):
        ready = self.process.stdout.readline()
        assert ready == b"ready " + self.tty.encode() + b"\n", ready
        self.open()
        self.control = socket.socket(socket.AF_UNIX)
        self.control.connect(self.control_path)
        self.answers = self.control.makefile("rb")
        if boot:
            self.wait(lambda: self.stats()["mode"] != "boot")
            self.cmd("ATE0")

    def open(self):
        self.fd = os.open(self.tty, os.O_RDWR | os.O_NOCTTY)

    def close(self):
        for f in (self.answers, self.control):
            f.close()
        if self.fd is not None:
            os.close(self.fd)
        self.process.terminate()
        status = self.process.wait(PATIENCE)
        self.process.stdout.close()
        left = os.path.lexists(self.tty) or os.path.exists(self.control_path)
        shutil.rmtree(self.dir)
        assert status == 0, "a76sim ended with status %d" % status
        assert not left, "symlink or control socket left behind"

    # the line
    def write(self, data):
        if isinstance(data, str):
            data = data.encode()
        while data:
            data = data[os.write(self.fd, data):]

    def read_some(self, seconds=PATIENCE):
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        self.got += os.read(self.fd, 65536)
        return True

    def read(self, n):
        """The next n bytes."""
        end = time.monotonic() + PATIENCE
        while len(self.got) < n and time.monotonic() < end:
            self.read_some(0.2)
        out, self.got = self.got[:n], self.got[n:]
        return out

    def until(self, text):
        """Everything up to and including text."""
        if isinstance(text, str):
            text = text.encode()
        end = time.monotonic() + PATIENCE
        while text not in self.got:
            if time.monotonic() > end:
                raise AssertionError("no %r in %r" % (text, self.got))
            self.read_some(0.2)
        n = self.got.index(text) + len(text)
        out, self.got = self.got[:n], self.got[n:]
        return out

    def only(self, text, seconds=0.05):
        """As many bytes as text has, however long they take, and what follows within a while: it is
        text if that came and nothing else."""
        return self.read(len(text)) + self.silent(seconds)

    def silent(self, seconds=0.15):
        """What came within a while: the way to see that nothing came."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read_some(0.05)
        out, self.got = self.got, b""
        return out

    def cmd(self, command):
        """A command and its answer up to the final result."""
        self.write(command + "\r")
        end = time.monotonic() + PATIENCE
        while True:
            for final in (b"\r\nOK\r\n", b"ERROR\r\n", b"\r\nNO CARRIER\r\n"):
                at = self.got.find(final)
                if at >= 0:
                    n = at + len(final)
                    out, self.got = self.got[:n], self.got[n:]
                    return out
            if b"+CME ERROR: " in self.got and self.got.endswith(b"\r\n"):
                out, self.got = self.got, b""
                return out
            if time.monotonic() > end:
                raise AssertionError("no final result for %s in %r" % (command, self.got))
            self.read_some(0.2)

    # the control socket
    def ctl(self, line):
        self.control.sendall(line.encode() + b"\n")
        return self.answers.readline().decode().rstrip("\n")

    def set(self, *knobs):
        for knob in knobs:
            answer = self.ctl("set " + knob)
            assert answer == "ok", answer

    def stats(self):
        return json.loads(self.ctl("stats"))

    def mistakes(self):
        return [m["kind"] for m in json.loads(self.ctl("mistakes"))]

    def wait(self, condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise AssertionError("condition did not come true")
            time.sleep(0.005)

    # the network
    def net(self):
        self.cmd("AT+NETOPEN")
        self.until("\r\n+NETOPEN: 0\r\n")

    def tcp(self, link=1):
        """Opens a TCP link to a listener of ours; returns our end of it."""
        with listener() as server:
            self.write('AT+CIPOPEN=%d,"TCP","127.0.0.1",%d\r' % (link, port_of(server)))
            peer = server.accept()[0]
        peer.settimeout(PATIENCE)
        self.until("\r\nOK\r\n\r\n+CIPOPEN: %d,0\r\n" % link)
        return peer

    def udp(self, link=1):
        """Opens a UDP link; returns a bound peer and the link's port."""
        port = free_udp_port()
        self.write('AT+CIPOPEN=%d,"UDP",,,%d\r' % (link, port))
        self.until("\r\n+CIPOPEN: %d,0\r\n\r\nOK\r\n" % link)
        peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(PATIENCE)
        return peer, port

    def send(self, link, data, to=None):
        """A CIPSEND; returns everything from the prompt's end to +CIPSEND's line."""
        where = ',"%s",%d' % to if to else ""
        self.write("AT+CIPSEND=%d,%d%s\r" % (link, len(data), where))
        self.until(">")
        self.write(data)
        return self.until("\r\n+CIPSEND: ") + self.until("\r\n")


def listener():
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", 0))
    s.listen(16)
    s.settimeout(PATIENCE)
    return s


def port_of(s):
    return s.getsockname()[1]


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return port_of(s)


def free_port():
    """A port nothing listens on (at the time)."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return port_of(s)


def receive(peer, n):
    data = b""
    while len(data) < n:
        part = peer.recv(n - len(data))
        if not part:
            break
        data += part
    return data


class Case(unittest.TestCase):
    maxDiff = 2000

    def sim(self, *knobs, **options):
        s = Sim(*knobs, **options)
        self.addCleanup(s.close)
        return s

    def online(self, *knobs, **options):
        """A simulator with NETOPEN done."""
        s = self.sim(*knobs, **options)
        s.net()
        return s

    def tcp(self, s, link=1):
        peer = s.tcp(link)
        self.addCleanup(peer.close)
        return peer

    def udp(self, s, link=1):
        peer, port = s.udp(link)
        self.addCleanup(peer.close)
        return peer, port
