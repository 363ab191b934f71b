#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Knobs of the module's life, of the card and network, of timing and of the line's rate."""
import os
import re
import socket
import subprocess
import sys
import termios
import time
import unittest

import harness
from harness import Case, free_port, listener, port_of, receive

OK = b"\r\nOK\r\n"
OK_ERROR = b"\r\n\r\nERROR\r\n"


class Life(Case):
    def test_boot_profile(self):
        s = self.sim("boot_profile=sim7600")
        s.ctl("reset")
        self.assertEqual(s.until("PB DONE\r\n"), b"\r\nRDY\r\n\r\n+CPIN: READY\r\n"
                         b"\r\nSMS DONE\r\n\r\nPB DONE\r\n")
        s.set("boot_profile=none")
        s.ctl("reset")
        self.assertEqual(s.silent(), b"")
        self.assertEqual(s.cmd("AT"), b"AT\r" + OK)

    def test_a_nul_precedes_the_banner_of_a_reset_but_not_of_a_power_cycle(self):
        s = self.sim()
        s.ctl("reset")
        self.assertTrue(s.until("PB DONE\r\n").startswith(b"\x00\r\n*ATREADY: 1\r\n"))
        s.ctl("power-cycle")
        self.assertTrue(s.until("PB DONE\r\n").startswith(b"\r\n*ATREADY: 1\r\n"))

    def test_boot_time_and_at_before_banner(self):
        s = self.sim()
        s.set("boot_time_s=1")
        s.ctl("reset")
        s.write("AT\r")
        self.assertNotIn(b"OK", s.until("*ATREADY: 1\r\n"))
        s.set("at_before_banner=answered")
        s.ctl("reset")
        self.assertEqual(s.cmd("AT"), b"AT\r" + OK)

    def test_reset_at(self):
        s = self.online("reset_at=bytes:400")
        while b"*ATREADY: 1\r\n" not in s.got:
            s.write("AT+CSQ\r")
            s.read_some()
        s.until("PB DONE\r\n")
        s.write("AT+NETOPEN?\r")
        s.until("+NETOPEN: 0\r\n")
        self.assertEqual(s.stats()["resets"], 1)
        s.set("reset_at=time:1")
        s.wait(lambda: s.stats()["resets"] == 2)
        s = self.online("reset_at=send")
        self.tcp(s)
        s.write("AT+CIPSEND=1,10\r")
        s.until(">")
        s.write("12345")
        s.until("*ATREADY: 1\r\n")

    def test_reset_loses_links_and_volatile_settings(self):
        s = self.online()
        s.cmd("AT+CIPRXGET=1")
        peer = self.tcp(s)
        s.ctl("reset")
        s.until("PB DONE\r\n")
        self.assertEqual(s.cmd("AT+CIPRXGET?"), b"AT+CIPRXGET?\r\r\n+CIPRXGET: 0\r\n" + OK)
        self.assertRaises(ConnectionResetError, peer.recv, 1)

    def test_cpin_early(self):
        s = self.sim("cpin_early=failure:600")
        self.assertEqual(s.cmd("AT+CPIN?"), b"\r\n+CME ERROR: SIM failure\r\n")
        s.set("cpin_early=ready")
        self.assertEqual(s.cmd("AT+CPIN?"), b"\r\n+CPIN: READY\r\n" + OK)

    def test_registration(self):
        s = self.sim()
        for value, creg, cereg in (("home", 1, 1), ("roaming", 5, 5), ("lte_only", 3, 5),
                                   ("searching", 2, 2), ("denied", 3, 3)):
            s.set("registration=" + value)
            self.assertEqual(s.cmd("AT+CREG?"), b"\r\n+CREG: 0,%d\r\n" % creg + OK)
            self.assertEqual(s.cmd("AT+CEREG?"), b"\r\n+CEREG: 0,%d\r\n" % cereg + OK)
        self.assertEqual(s.cmd("AT+NETOPEN"), b"\r\nERROR\r\n")

    def test_pb_done_without_reset(self):
        for value, lines in (("off", b""), ("on", b"\r\nSMS DONE\r\n\r\nPB DONE\r\n")):
            s = self.sim("pb_done_without_reset=" + value)
            s.cmd("AT+CGATT=0")
            self.assertEqual(s.cmd("AT+CGATT=1") + s.only(lines), OK + lines)

    def test_cme_text(self):
        for value, answer in (("text", b"\r\n+CME ERROR: SIM not inserted\r\n"),
                              ("numeric", b"\r\n+CME ERROR: 10\r\n"), ("error", b"\r\nERROR\r\n")):
            s = self.sim("sim=absent", "cme_text=" + value)
            self.assertEqual(s.cmd("AT+CPIN?"), answer)

    def test_at_timeout_hangs_the_parser_until_a_reset(self):
        s = self.sim()
        s.set("at_timeout=3")
        self.assertEqual(s.cmd("AT"), OK)
        self.assertEqual(s.cmd("AT"), OK)
        s.write("AT\r")
        s.write("AT\r")
        self.assertEqual(s.silent(), b"")
        s.set("at_timeout=none")
        s.ctl("reset")
        s.until("PB DONE\r\n")
        self.assertEqual(s.cmd("AT"), b"AT\r" + OK)

    def test_apn_login_and_the_orders_of_cgauth(self):
        s = self.sim("apn_login=chap:ann:secret")

        def netopen(*auth):
            s.cmd("AT+CGAUTH=1," + ",".join(auth))
            s.cmd("AT+NETOPEN")
            return s.until("+NETOPEN: ") + s.until("\r\n")

        self.assertIn(b"1\r\n", netopen("0"))
        self.assertIn(b"1\r\n", netopen("1", '"ann"', '"secret"'))
        self.assertIn(b"1\r\n", netopen("2", '"secret"', '"ann"'))
        s.set("cgauth=password_first")
        self.assertIn(b"0\r\n", netopen("2", '"secret"', '"ann"'))
        s.set("cgauth=error")
        self.assertEqual(s.cmd('AT+CGAUTH=1,2,"ann","secret"'), b"\r\nERROR\r\n")

    def test_sim_and_pin(self):
        s = self.sim("sim=puk")
        self.assertEqual(s.cmd("AT+CPIN?"), b"\r\n+CPIN: SIM PUK\r\n" + OK)
        s.set("sim=ready", "pin=1234", "pin_tries=2")
        self.assertEqual(s.cmd("AT+CPIN?"), b"\r\n+CPIN: SIM PIN\r\n" + OK)
        self.assertEqual(s.cmd("AT+NETOPEN"), b"\r\nERROR\r\n")
        self.assertEqual(s.cmd('AT+CPIN="0000"'), b"\r\n+CME ERROR: incorrect password\r\n")
        self.assertEqual(s.cmd("AT+SPIC"), b"\r\n+SPIC: 1,10,0,10\r\n" + OK)
        s.set("spic=error")
        self.assertEqual(s.cmd("AT+SPIC"), b"\r\nERROR\r\n")
        s.write('AT+CPIN="1234"\r')
        self.assertEqual(s.until("READY\r\n"), b"\r\nOK\r\n\r\n+CPIN: READY\r\n")
        s.until("PB DONE\r\n")
        s.ctl("power-cycle")
        s.until("SIM PIN\r\n")
        for _ in range(2):
            s.cmd('AT+CPIN="0000"')
        self.assertIn(b"SIM PUK", s.cmd("AT+CPIN?"))

    def test_texts_of_the_module(self):
        s = self.sim("rssi=99", "model=A7672S", "revision=R1", "iccid=123", "ip_address=10.0.0.9",
                     "operator_dns=192.0.2.1,192.0.2.2")
        self.assertEqual(s.cmd("AT+CSQ"), b"\r\n+CSQ: 99,99\r\n" + OK)
        self.assertEqual(s.cmd("AT+CGMM"), b"\r\nA7672S\r\n" + OK)
        self.assertEqual(s.cmd("AT+CGMR"), b"\r\n+CGMR: R1\r\n" + OK)
        self.assertEqual(s.cmd("AT+CICCID"), b"\r\n+ICCID: 123\r\n" + OK)
        self.assertIn(b'"192.0.2.1","192.0.2.2"', s.cmd("AT+CGCONTRDP=1"))
        s.set("operator_dns=2001:db8::35")
        self.assertIn(b'"32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.53",""', s.cmd("AT+CGCONTRDP=1"))
        s.set("operator_dns=error")
        self.assertEqual(s.cmd("AT+CGCONTRDP=1"), b"\r\nERROR\r\n")
        s.net()
        self.assertEqual(s.cmd("AT+IPADDR"), b"\r\n+IPADDR: 10.0.0.9\r\n" + OK)
        s.set("ip6_address=2001:db8::9", "ipv6=on")
        s.cmd("AT+CSOCKSETPN=1,6")
        self.assertEqual(s.cmd("AT+IPADDR"), b"\r\n+IPADDR: 2001:db8::9\r\n" + OK)

    def test_netopen_result_and_delay(self):
        s = self.sim("netopen_result=1", "netopen_delay_ms=100")
        start = time.monotonic()
        s.write("AT+NETOPEN\r")
        self.assertEqual(s.until("N: 1\r\n"), OK + b"\r\n+NETOPEN: 1\r\n")
        self.assertGreaterEqual(time.monotonic() - start, 0.1)
        self.assertEqual(s.cmd("AT+NETOPEN?"), b"\r\n+NETOPEN: 0\r\n" + OK)
        s.set("netopen_result=error")
        self.assertEqual(s.cmd("AT+NETOPEN"), b"\r\nERROR\r\n")
        s.set("netopen_result=never", "netopen_delay_ms=0")
        self.assertEqual(s.cmd("AT+NETOPEN") + s.silent(), OK)

    def test_apn_required(self):
        s = self.sim("apn_required=internet")
        s.write("AT+NETOPEN\r")
        s.until("\r\n+NETOPEN: 1\r\n")
        s.cmd('AT+CGDCONT=1,"IP","internet"')
        s.net()

    def test_state_survives_host_restart(self):
        for value, mode in (("yes", b"1"), ("no", b"0")):
            s = self.online("state_survives_host_restart=" + value)
            s.ctl("unplug 10")
            os.close(s.fd)
            s.wait(lambda: os.path.lexists(s.tty))
            s.open()
            self.assertIn(b"+NETOPEN: " + mode, s.cmd("AT+NETOPEN?"))

    def test_csocksetpn_2nd_arg(self):
        s = self.sim()
        self.assertEqual(s.cmd("AT+CSOCKSETPN=1,1"), OK)
        s.set("csocksetpn_2nd_arg=error")
        self.assertEqual(s.cmd("AT+CSOCKSETPN=1,1"), b"\r\nERROR\r\n")

    def test_headertype1_and_cipccfg(self):
        s = self.sim("headertype1=error")
        self.assertEqual(s.cmd("AT+CIPCCFG=10,0,0,1,1,0,500"), b"\r\nERROR\r\n")
        s.set("headertype1=ignored")
        self.assertEqual(s.cmd("AT+CIPCCFG=10,0,0,1,1,0,500"), OK)
        self.assertIn(b"10,0,0,1,0,0,500", s.cmd("AT+CIPCCFG?"))
        s.set("cipccfg=error")
        self.assertEqual(s.cmd("AT+CIPCCFG=10,0,0,1,0,0,500"), b"\r\nERROR\r\n")

    def test_ping_result(self):
        s = self.sim("ping_result=ok:20")
        self.assertEqual(s.cmd('AT+CPING="192.0.2.1",1,1,32,1000,10000,255'), OK)
        self.assertEqual(s.until("20,20,20\r\n"), b"\r\n+CPING: 1,192.0.2.1,32,20,64\r\n"
                         b"\r\n+CPING: 3,1,1,0,20,20,20\r\n")
        s.set("ping_result=timeout")
        s.cmd('AT+CPING="192.0.2.1",1,1,32,1000,1000,255')
        self.assertEqual(s.until("0,0,0\r\n"), b"\r\n+CPING: 2\r\n\r\n+CPING: 3,1,0,1,0,0,0\r\n")
        s.set("ping_result@192.0.2.9=ok:5")
        s.cmd('AT+CPING="192.0.2.9",1,1,32,1000,1000,255')
        self.assertIn(b"+CPING: 1,192.0.2.9,32,5,64\r\n", s.until("5,5,5\r\n"))
        s.set("ping_result=error")
        self.assertEqual(s.cmd('AT+CPING="192.0.2.1",1'), b"\r\nERROR\r\n")
        self.assertEqual(s.cmd('AT+CPING="192.0.2.1"'), b"\r\nERROR\r\n")

    def test_urc_storm(self):
        s = self.sim()
        s.set("urc_storm=200")
        self.assertEqual(len(s.read(1000)), 1000)
        s.set("urc_storm=off")
        s.wait(lambda: s.silent(0.1) == b"")


class Transparent(Case):
    def session(self, *knobs):
        s = self.sim("escape_guard_ms=200", *knobs)
        s.cmd("AT+CIPMODE=1")
        s.net()
        with listener() as server:
            s.write('AT+CIPOPEN=0,"TCP","127.0.0.1",%d\r' % port_of(server))
            peer = server.accept()[0]
        self.addCleanup(peer.close)
        peer.settimeout(harness.PATIENCE)
        self.assertEqual(s.until("200\r\n"), b"\r\nCONNECT 115200\r\n")
        return s, peer

    def escape(self, s):
        time.sleep(0.25)
        s.write("+++")
        self.assertEqual(s.until("OK\r\n"), OK)

    def test_bytes_pass_both_ways_unchanged(self):
        s, peer = self.session()
        data = bytes(range(256)) * 8
        s.write(data)
        self.assertEqual(receive(peer, len(data)), data)
        peer.sendall(data)
        self.assertEqual(s.read(len(data)), data)

    def test_escape_guard_ms(self):
        s, peer = self.session()
        time.sleep(0.25)
        s.write("+++x")
        s.write("y+++")
        self.assertEqual(receive(peer, 5), b"+++xy")
        self.assertEqual(receive(peer, 3), b"+++")
        self.escape(s)
        self.assertEqual(s.cmd("AT+CIPCLOSE=0") + s.until("0,0\r\n"),
                         b"\r\nOK\r\n\r\nCLOSED\r\n\r\n+CIPCLOSE: 0,0\r\n")

    def test_pluses_split_by_the_guard_are_data(self):
        s, peer = self.session()
        time.sleep(0.25)
        s.write("++")
        self.assertEqual(receive(peer, 2), b"++")
        s.write("+")
        self.assertEqual(receive(peer, 1), b"+")

    def test_data_while_escaped(self):
        s, peer = self.session()
        self.escape(s)
        peer.sendall(b"held")
        self.assertEqual(s.silent(0.05), b"")
        s.write("ATO\r")
        self.assertEqual(s.until("held"), b"\r\nCONNECT 115200\r\nheld")
        self.escape(s)
        s.cmd("AT+CIPSRIP=0")
        s.set("data_while_escaped=pushed")
        peer.sendall(b"pushed")
        self.assertEqual(s.until("pushed"), b"\r\n+IPD6\r\npushed")

    def test_transparent_remote_close(self):
        for value, text in (("closed", b"\r\nCLOSED\r\n"),
                            ("closed_ipclose", b"\r\nCLOSED\r\n\r\n+IPCLOSE: 0,1\r\n"),
                            ("no_carrier", b"\r\nNO CARRIER\r\n")):
            s, peer = self.session("transparent_remote_close=" + value)
            peer.close()
            self.assertEqual(s.only(text), text)
            self.assertEqual(s.cmd("AT"), OK)

    def test_ato_without_a_session(self):
        self.assertEqual(self.sim().cmd("ATO"), b"\r\nNO CARRIER\r\n")

    def test_connect_fail(self):
        s = self.sim("open_result=1")
        s.cmd("AT+CIPMODE=1")
        s.net()
        s.write('AT+CIPOPEN=0,"TCP","192.0.2.1",80\r')
        self.assertEqual(s.until("FAIL\r\n"), b"\r\nCONNECT FAIL\r\n")
        self.assertEqual(s.cmd("AT"), OK)

    def test_transparent_server(self):
        s = self.sim()
        s.cmd("AT+CIPMODE=1")
        s.net()
        port = free_port()
        s.cmd("AT+SERVERSTART=%d,0" % port)
        peer = socket.create_connection(("127.0.0.1", port), harness.PATIENCE)
        self.addCleanup(peer.close)
        self.assertEqual(s.until("200\r\n"), b"\r\n+CLIENT: 0,0,127.0.0.1:%d\r\n"
                         b"\r\nCONNECT 115200\r\n" % port_of(peer))
        s.write("raw")
        self.assertEqual(receive(peer, 3), b"raw")

    def test_dtr_escapes_or_closes(self):
        s, _ = self.session()
        self.escape(s)
        s.cmd("AT&D1")
        s.write("ATO\r")
        s.until("200\r\n")
        s.ctl("dtr off")
        self.assertEqual(s.until("OK\r\n"), OK)
        s.cmd("AT&D2")
        s.write("ATO\r")
        s.until("200\r\n")
        s.ctl("dtr off")
        self.assertEqual(s.until("0,2\r\n"), b"\r\n+IPCLOSE: 0,2\r\n")

    def flood(self, seconds, *knobs):
        """More than the module can hold for a peer that does not read, until some of it is lost or that
        time is over; returns what was lost."""
        s, _ = self.session("tx_buffer_bytes=1024", *knobs)
        s.set("baud=921600")
        os.set_blocking(s.fd, False)
        end = time.monotonic() + seconds
        while time.monotonic() < end and not s.stats()["dropped"]:
            try:
                os.write(s.fd, b"q" * 512)
            except BlockingIOError:
                time.sleep(0.01)
        return s.stats()["dropped"]

    def test_flow_control(self):
        self.assertGreater(self.flood(harness.PATIENCE, "flow_control=none"), 0)
        self.assertEqual(self.flood(1.0, "flow_control=rtscts"), 0)


class Rate(Case):
    def test_baud_switch_and_store(self):
        s = self.sim(baud=9600)
        self.assertEqual(s.cmd("AT+IPR?"), b"\r\n+IPR: 9600\r\n" + OK)
        self.assertEqual(s.cmd("AT+IPR=57600"), OK)
        self.assertEqual(s.cmd("AT+IPR?"), b"\r\n+IPR: 57600\r\n" + OK)
        s.ctl("reset")
        s.until("PB DONE\r\n")
        s.cmd("ATE0")
        self.assertEqual(s.cmd("AT+IPR?"), b"\r\n+IPR: 9600\r\n" + OK)
        s.set("baud_store=persistent")
        s.cmd("AT+IPR=57600")
        s.ctl("reset")
        s.until("PB DONE\r\n")
        self.assertEqual(s.stats()["baud"], 57600)
        s.set("baud_store=volatile")
        s.cmd("ATE0")
        s.cmd("AT+IPREX=19200")
        s.ctl("reset")
        s.until("PB DONE\r\n")
        self.assertEqual(s.stats()["baud"], 19200)
        s.set("baud_switch=delayed:200")
        s.cmd("ATE0")
        start = time.monotonic()
        self.assertEqual(s.cmd("AT+IPR=9600"), OK)
        s.wait(lambda: s.stats()["baud"] == 9600)
        self.assertGreaterEqual(time.monotonic() - start, 0.2)

    def test_baud_mismatch(self):
        s = self.sim(baud=57600)
        self.assertEqual(s.cmd("AT"), OK)
        s.set("baud_mismatch=garbled")
        s.write("AT\r")
        self.assertNotIn(b"OK", s.silent())
        attributes = termios.tcgetattr(s.fd)
        attributes[4] = attributes[5] = termios.B57600
        termios.tcsetattr(s.fd, termios.TCSANOW, attributes)
        s.write("\r")
        self.assertIn(b"OK", s.cmd("AT"))

    def answer_time(self, s, command, text):
        start = time.monotonic()
        s.write(command)
        s.until(text)
        return time.monotonic() - start

    def test_parser_latency_and_prompt_delay_count_from_the_last_byte(self):
        s = self.online("parser_latency_ms=100", "prompt_delay_ms=200")
        self.assertGreaterEqual(self.answer_time(s, "AT\r", "OK\r\n"), 0.1)
        self.tcp(s)
        self.assertGreaterEqual(self.answer_time(s, "AT+CIPSEND=1,1\r", ">"), 0.2)

    def test_rtt(self):
        s = self.online("rtt_ms=150")
        start = time.monotonic()
        peer = self.tcp(s)
        self.assertGreaterEqual(time.monotonic() - start, 0.15)
        start = time.monotonic()
        peer.sendall(b"x")
        s.until("+IPD1\r\nx")
        self.assertGreaterEqual(time.monotonic() - start, 0.15)

    def test_loss(self):
        s = self.online("loss=1")
        peer, port = self.udp(s)
        s.send(1, b"lost", ("127.0.0.1", port_of(peer)))
        peer.sendto(b"lost", ("127.0.0.1", port))
        self.assertEqual(s.silent(), b"")
        s.set("loss=0")
        s.send(1, b"kept", ("127.0.0.1", port_of(peer)))
        self.assertEqual(peer.recv(10), b"kept")

    def test_close_unsent(self):
        # Seconds of it are left when the link is closed, where that matters.
        for value, bps, least, most in (("sent", 40000, 2920, 2920), ("lost", 4000, 0, 2000)):
            s = self.online("uplink_bps=%d" % bps, "close_unsent=" + value)
            peer = self.tcp(s)
            for _ in range(2):
                s.send(1, b"u" * 1460)
            s.cmd("AT+CIPCLOSE=1")
            got = b""
            while data := peer.recv(4096):
                got += data
            self.assertTrue(least <= len(got) <= most, len(got))

    def test_uplink_and_downlink(self):
        s = self.online("uplink_bps=80000", "downlink_bps=80000")  # 10 kB/s
        peer = self.tcp(s)
        start = time.monotonic()
        for _ in range(3):
            s.send(1, b"u" * 1460)
        receive(peer, 3 * 1460)
        self.assertGreaterEqual(time.monotonic() - start, 0.28)
        start = time.monotonic()
        peer.sendall(b"d" * 4380)
        total = b""
        while total.count(b"d") < 4380:
            total += s.read(1)
        self.assertGreaterEqual(time.monotonic() - start, 0.28)

    def test_push_keeps_the_line_busy(self):
        """Time on the wire, as the line's own clock counts it, against the time that passed."""
        s = self.online(baud=115200)
        s.cmd("AT+CIPSRIP=0")
        s.cmd("AT+CIPCCFG=10,0,0,1,1,0,500")
        peer = self.tcp(s)
        n = 20 * 1460
        s.ctl("clear")
        start = time.monotonic()
        peer.sendall(b"\x55" * n)
        s.until(b"\x55")
        rest = n - 1
        wire = 0
        while rest > 0:
            s.read_some()
            rest -= s.got.count(b"\x55")
            wire += len(s.got)
            s.got = b""
        elapsed = time.monotonic() - start
        stats = s.stats()
        self.assertLessEqual(wire, (elapsed + 0.01) * 11520)  # never faster than the line
        if os.environ.get("A76SIM_SHOW"):
            print("line used %.4f, payload/ideal %.4f" % (
                wire / elapsed / 11520, (n - 1) / elapsed / 11520 * (1460 + 20) / 1460))
        # all but the first piece were full: the headers are the ideal share
        self.assertLessEqual(stats["pushes"], 22)

    def test_push_does_not_run_ahead_of_the_line(self):
        s = self.online(baud=9600)
        peer = self.tcp(s)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        peer.settimeout(0.2)
        sent = 0
        try:
            while sent < 1000000:
                sent += peer.send(b"w" * 4096)
        except socket.timeout:
            pass
        self.assertLess(sent, 200000)
        self.assertLess(s.stats()["line_queued"], 5000)

    def test_one_seed_gives_one_sequence(self):
        runs = []
        for seed in ("7", "7", "8"):
            s = self.sim("seed=" + seed, "urc_in_response=often")
            s.set("seed=" + seed)
            runs.append(b"".join(s.cmd("AT+CSQ") for _ in range(30)))
        self.assertEqual(runs[0], runs[1])
        self.assertNotEqual(runs[0], runs[2])


class Completeness(Case):
    def listed(self):
        text = subprocess.run([harness.BINARY, "--list-knobs"], capture_output=True, text=True,
                              check=True).stdout
        return re.findall(r"^  ([a-z0-9_]+)(?:\[@KEY\])?=", text, re.M)

    def test_every_knob_has_a_test(self):
        folder = os.path.dirname(os.path.abspath(__file__))
        text = ""
        for name in os.listdir(folder):
            if name.startswith("test_"):
                with open(os.path.join(folder, name), encoding="ascii") as f:
                    text += f.read()
        knobs = self.listed()
        self.assertGreater(len(knobs), 100)
        self.assertEqual([k for k in knobs if '"%s=' % k not in text and
                          '"%s@' % k not in text], [])

    def test_knobs_md_is_what_the_program_prints(self):
        page = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../sim/KNOBS.md")
        made = subprocess.run([harness.BINARY, "--list-knobs=markdown"], capture_output=True,
                              text=True, check=True).stdout
        with open(page, encoding="ascii") as f:
            self.assertEqual(f.read(), made)


if __name__ == "__main__":
    harness.BINARY = sys.argv.pop(1)
    unittest.main()
