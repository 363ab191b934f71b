#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Options, control socket, the host's mistakes, the parser, hostile input, and whole transfers."""
import os
import random
import socket
import subprocess
import sys
import time
import unittest

import harness
from harness import Case, Sim, free_port, listener, port_of, receive

OK = b"\r\nOK\r\n"


class Options(Case):
    def run_sim(self, *args):
        return subprocess.run([harness.BINARY, *args], capture_output=True, text=True,
                              timeout=harness.PATIENCE, check=False)

    def test_help_and_version(self):
        self.assertEqual(self.run_sim("--help").returncode, 0)
        self.assertIn("--link PATH", self.run_sim("--help").stdout)
        self.assertRegex(self.run_sim("--version").stdout, r"^a76sim \d")

    def test_bad_usage_is_64_and_names_what_was_expected(self):
        for args, expected in (
                ([], "--link PATH"), (["--link", "/nowhere/x", "y"], "only options"),
                (["--link", "x", "--set", "nosuch=1"], "no knob named 'nosuch'"),
                (["--link", "x", "--set", "prompt_form=round"], "crlf|crlf_blank"),
                (["--link", "x", "--set", "prompt_form"], "prompt_form=VALUE"),
                (["--link", "x", "--baud", "fast"], "baud=0..4000000"),
                (["--link", "x", "--profile", "none"], "a7670e, sim7600 or fast"),
                (["--link", "x", "--seed", "-1"], "seed=clock|0.."),
                (["--list-knobs=html"], "expected markdown"), (["--nosuch"], "--nosuch")):
            r = self.run_sim(*args)
            self.assertEqual(r.returncode, 64, args)
            self.assertIn(expected, r.stderr)

    def test_a_stale_symlink_is_replaced_and_a_file_is_not(self):
        s = self.sim()
        stale, real = os.path.join(s.dir, "stale"), os.path.join(s.dir, "real")
        os.symlink("/nowhere", stale)
        with open(real, "w", encoding="ascii"):
            pass
        self.assertEqual(self.run_sim("--link", real).returncode, 73)
        self.assertTrue(os.path.isfile(real))
        with subprocess.Popen([harness.BINARY, "--link", stale], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as p:
            self.assertEqual(p.stdout.readline().decode(), "ready %s\n" % stale)
            self.assertTrue(os.readlink(stale).startswith("/dev/pts/"))
            p.terminate()
            self.assertEqual(p.wait(harness.PATIENCE), 0)
        self.assertFalse(os.path.lexists(stale))

    def test_sim7600_profile(self):
        s = self.sim("boot_time_s=0", profile="sim7600")
        self.assertIn(b"SIM7600E-H", s.cmd("ATI"))
        self.assertEqual(s.cmd("AT+CSOCKSETPN=1,1"), b"\r\nERROR\r\n")

    def test_record_has_the_whole_dialogue(self):
        folder = self.sim().dir
        path = os.path.join(folder, "record")
        s = self.sim(args=("--record", path))
        s.cmd("AT+CSQ")
        s.ctl("urc \x01")
        s.until("\x01\r\n")
        s.cmd("AT")
        with open(path, encoding="ascii") as f:
            text = f.read()
        self.assertIn("H> AT+CSQ\\x0d\n", text)
        self.assertIn("M> \\x0d\\x0a+CSQ: 23,0\\x0d\\x0a\\x0d\\x0aOK\\x0d\\x0a", text)
        self.assertRegex(text, r"(?m)^\d+\.\d{6} M> .*\\x01")

    def test_random_value_is_one_of_the_words(self):
        s = self.sim()
        seen = set()
        for _ in range(60):
            s.set("prompt_form=random")
            seen.add(s.ctl("get prompt_form"))
        self.assertEqual(seen, {"crlf", "crlf_blank", "bare", "bare_blank"})
        self.assertTrue(s.ctl("set model=").startswith("ok"))
        self.assertTrue(s.ctl("set rtt_ms=random").startswith("error: "))


class Control(Case):
    def test_set_get_and_errors(self):
        s = self.sim()
        self.assertEqual(s.ctl("set rssi=7"), "ok")
        self.assertEqual(s.ctl("get rssi"), "7")
        self.assertIn(b"+CSQ: 7,0", s.cmd("AT+CSQ"))
        for line in ("set rssi=77", "set nosuch=1", "get nosuch", "nosuch", "", "freeze maybe",
                     "drop-link 10", "drop-link 3", "kill-link", "noise 0", "unplug soon"):
            self.assertTrue(s.ctl(line).startswith("error: "), line)

    def test_stats_count(self):
        s = self.online()
        peer = self.tcp(s)
        self.tcp(s, 2)
        s.send(1, b"abc")
        peer.sendall(b"12345")
        s.until("12345")
        stats = s.stats()
        self.assertEqual((stats["payload_from_host"], stats["payload_to_host"]), (3, 5))
        self.assertEqual((stats["opens"], stats["sends"], stats["links_max"]), (2, 1, 2))
        self.assertEqual(stats["commands"]["+CIPOPEN"], 2)
        self.assertEqual(stats["links"][1]["state"], "open")
        self.assertEqual(stats["links"][1]["peer"], "127.0.0.1:%d" % peer.getsockname()[1])
        self.assertEqual(s.ctl("clear"), "ok")
        self.assertEqual((s.stats()["opens"], s.stats()["links_open"]), (0, 2))

    def test_line_busy_time_is_that_of_the_bytes(self):
        s = self.sim(baud=115200)
        stats = s.stats()
        self.assertAlmostEqual(stats["line_busy_to_host_s"], stats["wire_to_host"] / 11520, 5)
        self.assertGreater(stats["line_busy_from_host_s"], 0)

    def test_freeze_and_urc_and_noise(self):
        s = self.sim()
        s.ctl("freeze on")
        s.write("AT\r")
        self.assertEqual(s.silent(), b"")
        s.ctl("freeze off")
        self.assertEqual(s.cmd("AT"), OK)
        s.ctl("urc +CMTI: \"SM\",1")
        self.assertEqual(s.until("1\r\n"), b'\r\n+CMTI: "SM",1\r\n')
        s.ctl("noise 300")
        self.assertEqual(len(s.read(300)), 300)

    def test_drop_link_tells_both_sides(self):
        s = self.online()
        peer = self.tcp(s)
        s.ctl("drop-link 1")
        self.assertEqual(s.until("1,1\r\n"), b"\r\n+IPCLOSE: 1,1\r\n")
        self.assertEqual(peer.recv(1), b"")

    def test_unplug_hangs_up_and_comes_back_under_the_same_path(self):
        s = self.online()
        self.tcp(s)
        s.ctl("unplug")
        self.assertFalse(os.path.lexists(s.tty))
        self.assertRaises(OSError, os.write, s.fd, b"AT\r")
        s.ctl("plug")
        os.close(s.fd)
        s.open()
        self.assertIn(b"+CIPCLOSE: 0,1,0", s.cmd("AT+CIPCLOSE?"))
        s.ctl("unplug 20 reset")
        os.close(s.fd)
        s.wait(lambda: os.path.lexists(s.tty))
        s.open()
        self.assertIn(b"+CIPCLOSE: 0,0,0", s.cmd("AT+CIPCLOSE?"))

    def test_quit_ends_with_0(self):
        s = Sim()
        self.assertEqual(s.ctl("quit"), "ok")
        self.assertEqual(s.process.wait(harness.PATIENCE), 0)
        s.close()

    def test_two_clients_and_a_broken_one(self):
        s = self.sim()
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(s.control_path)
            other.sendall(b"get " + b"x" * 5000)
            other.settimeout(harness.PATIENCE)
            try:
                self.assertEqual(other.recv(10), b"")
            except ConnectionResetError:
                pass
        self.assertEqual(s.ctl("get rssi"), "23")


class Parser(Case):
    def test_chained_commands_give_one_ok(self):
        s = self.sim()
        s.cmd("ATE1")
        self.assertEqual(s.cmd("AT&F;E0"), b"AT&F;E0\r" + OK)
        self.assertEqual(s.cmd("AT+CMEE=2;+CSQ;+CMEE?"),
                         b"\r\n+CSQ: 23,0\r\n\r\n+CMEE: 2\r\n" + OK)
        self.assertEqual(s.cmd("AT+NOSUCH;+CSQ"), b"\r\nERROR\r\n")

    def test_lower_case_and_crlf(self):
        s = self.sim()
        self.assertEqual(s.cmd("at+csq"), b"\r\n+CSQ: 23,0\r\n" + OK)
        s.write("AT\r\nAT\r\n")
        self.assertEqual(s.until("OK\r\n") + s.until("OK\r\n"), OK + OK)

    def test_a_semicolon_in_quotes_ends_nothing(self):
        s = self.sim()
        self.assertEqual(s.cmd('AT+CGDCONT=1,"IP","a;b"'), OK)
        self.assertIn(b'+CGDCONT: 1,"IP","a;b"', s.cmd("AT+CGDCONT?"))

    def test_answers_to_the_bring_up_commands(self):
        s = self.sim()
        for command, line in (
                ("AT+CGSN", b"860000000000017"), ("AT+CGATT?", b"+CGATT: 1"),
                ("AT+CGACT?", b"+CGACT: 1,1"), ("AT+CFUN?", b"+CFUN: 1"),
                ("AT+COPS?", b'+COPS: 0,0,"a76sim",7'), ("AT+IFC?", b"+IFC: 0,0"),
                ("AT+CIPHEAD?", b"+CIPHEAD: 1"), ("AT+CIPSRIP?", b"+CIPSRIP: 1"),
                ("AT+CIPMODE?", b"+CIPMODE: 0"), ("AT+CIPSENDMODE?", b"+CIPSENDMODE: 0"),
                ("AT+CIPTIMEOUT?", b"+CIPTIMEOUT: 120000,120000,120000"),
                ("AT+CIPRXGET?", b"+CIPRXGET: 0"), ("AT+CSOCKSETPN?", b"+CSOCKSETPN: 1"),
                ("AT+CTCPKA?", b"+CTCPKA: 0,1,5,1"), ("AT+CIPSEND=?", b"+CIPSEND: (0-9),(1-1500)"),
                ("AT+CIPOPEN=?", b'+CIPOPEN: (0-9),("TCP","UDP")'),
                ("AT+CGAUTH?", b"+CGAUTH: 1,0")):
            self.assertEqual(s.cmd(command), b"\r\n" + line + b"\r\n" + OK, command)
        self.assertEqual(s.cmd("AT+CIPRXGET=1;+CGACT=1,1;+CFUN=1;+CSQ"),
                         b"\r\n+CSQ: 23,0\r\n" + OK)
        for command in ("AT", "AT+CNMI=2,1", "AT+IFC=2,2", "AT&D1", "AT+CIPTIMEOUT=75000,15000,15000",
                        "AT+CTCPKA=1,2,5,1", 'AT+CDNSCFG="192.0.2.1","192.0.2.2"',
                        'AT+CGAUTH=1,1,"u","p"', "AT+CGACT=1,1", "AT+CMEE=2"):
            self.assertEqual(s.cmd(command), OK, command)
        for command in ("AT+CSOC=1", "AT+CIPTIMEOUT=1,2,3", "AT+CIPMODE=2", "AT+CFUN=9",
                        'AT+CGDCONT=1,"X"', "AT+IPR=7"):
            self.assertEqual(s.cmd(command), b"\r\nERROR\r\n", command)

    def test_cipopen_list(self):
        s = self.online()
        peer = self.tcp(s)
        port = peer.getsockname()[1]
        lines = [b"+CIPOPEN: %d\r\n" % i for i in range(10)]
        lines[1] = b'+CIPOPEN: 1,"TCP","127.0.0.1",%d,-1\r\n' % port
        self.assertEqual(s.cmd("AT+CIPOPEN?"), b"\r\n" + b"".join(lines) + OK)

    def test_cfun_cycle_loses_the_service(self):
        s = self.online()
        s.write("AT+CFUN=0\r")
        self.assertEqual(s.until("LY\r\n"), b"\r\nOK\r\n\r\n+SIMCARD: NOT AVAILABLE\r\n"
                         b"\r\n+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY\r\n")
        self.assertEqual(s.cmd("AT+CREG?"), b"\r\n+CREG: 0,0\r\n" + OK)
        s.cmd("AT+CFUN=1")
        s.until("+CPIN: READY\r\n")
        s.net()

    def test_creset_and_cpof(self):
        s = self.sim()
        self.assertEqual(s.cmd("AT+CRESET"), OK)
        s.until("\r\nPB DONE\r\n")
        self.assertEqual(s.cmd("AT+CPOF"), b"AT+CPOF\r" + OK)
        s.until("NORMAL POWER DOWN\r\n")
        s.write("AT\r")
        self.assertEqual(s.silent(), b"")
        s.ctl("power-cycle")
        s.until("*ATREADY: 1\r\n")

    def test_variable_length_send(self):
        s = self.online()
        peer = self.tcp(s)
        s.write("AT+CIPSEND=1,\r")
        s.until(">")
        s.write(b"ab\x03\x1acd\x1a")
        self.assertEqual(s.until("5,5\r\n"), b"\r\nOK\r\n\r\n+CIPSEND: 1,5,5\r\n")
        self.assertEqual(receive(peer, 5), b"ab\x1acd")
        s.write("AT+CIPSEND=1,\r")
        s.until(">")
        s.write(b"ab\x1b")
        self.assertEqual(s.until("ERROR\r\n"), b"\r\nERROR\r\n")

    def test_confirmation_after_the_ack_of_the_peer(self):
        s = self.online()
        s.cmd("AT+CIPSENDMODE=1")
        peer = self.tcp(s)
        self.assertEqual(s.send(1, b"abc"), b"\r\nOK\r\n\r\n+CIPSEND: 1,3,3\r\n")
        self.assertEqual(receive(peer, 3), b"abc")


class Mistakes(Case):
    def test_each_kind_is_seen(self):
        s = self.sim("parser_latency_ms=30", "send_confirm_delay_ms=100")
        s.cmd('AT+CIPOPEN=1,"TCP","127.0.0.1",80')
        s.net()
        self.tcp(s)
        s.cmd('AT+CIPOPEN=1,"TCP","127.0.0.1",80')
        s.write("AT+CSQ\r")
        time.sleep(0.01)
        s.write("AT\r")
        s.until("OK\r\n")
        s.until("OK\r\n")
        s.write("AT+CIPSEND=1,2\r")
        s.until(">")
        s.write("abrest\r")
        s.until("OK\r\n")
        s.cmd("AT+CIPSEND=1,2")
        s.until("2,2\r\n")
        s.cmd("AT+NOSUCH")
        s.cmd('AT+CIPOPEN=2,"TCP')
        s.cmd("AT\r\n")
        s.cmd("AT" + "x" * 600)
        s.cmd("AT+CIPSEND=1,1501")
        s.ctl("drop-link 1")
        s.until("1,1\r\n")
        time.sleep(0.12)
        s.cmd("AT+CIPSEND=1,2")
        kinds = s.mistakes()
        for kind in ("open while the service is closed", "reuse of an unclosed link",
                     "command while one is pending", "stray",
                     "send before the last one was confirmed", "unknown command",
                     "malformed command", "lf after cr", "line too long", "send over the limit",
                     "send on a closed link"):
            self.assertIn(kind, kinds)

    def test_command_in_data_mode(self):
        s = self.online()
        self.tcp(s)
        s.write("AT+CIPSEND=1,50\r")
        s.until(">")
        s.write("AT+LOOKS=LIKE")
        time.sleep(1.05)
        self.assertEqual(s.mistakes(), [])
        s.write("AT+CSQ\r")
        s.wait(lambda: s.mistakes() == ["command in data mode"])

    def test_a_well_behaved_host_makes_none(self):
        s = self.online()
        peer = self.tcp(s)
        for n in (1, 80, 1460):
            s.send(1, b"x" * n)
        receive(peer, 1541)
        s.cmd("AT+CIPCLOSE=1")
        s.until("1,0\r\n")
        s.cmd("AT+NETCLOSE")
        self.assertEqual(s.mistakes(), [])

    def test_the_ring_keeps_the_last_thousand(self):
        s = self.sim()
        for i in range(1020):
            s.write("AT+X%d\r" % i)
            if i % 50 == 49:
                s.silent(0.01)
        s.wait(lambda: s.stats()["mistakes"] >= 1020)
        self.assertEqual(len(s.mistakes()), 1000)


class Transfers(Case):
    HARD = ("byte_split=on", "urc_in_response=often", "urc_storm=200", "mid_payload_pause=1",
            "push_trailing_crlf=no")

    def push_reader(self, s, wanted):
        """Reads HeaderType 1 pushes by count until link l has wanted[l] bytes."""
        got = {link: b"" for link in wanted}
        while any(len(got[link]) < wanted[link] for link in wanted):
            head = s.until("\r\n+RECEIVE,") + s.until("\r\n")
            link, n = head.rsplit(b"+RECEIVE,", 1)[1].split(b",")
            got[int(link)] += s.read(int(n))
        return got

    def test_payload_that_looks_like_results_survives_on_two_links(self):
        s = self.online()
        s.cmd("AT+CIPSRIP=0")
        s.cmd("AT+CIPCCFG=10,0,0,1,1,0,500")
        peers = {0: self.tcp(s, 0), 7: self.tcp(s, 7)}
        s.set(*self.HARD)
        data = b"\r\nOK\r\n\r\n+IPCLOSE: 0,1\r\n>\r\n+RECEIVE,7,5\r\n" * 150
        for peer in peers.values():
            peer.sendall(data)
        got = self.push_reader(s, {0: len(data), 7: len(data)})
        self.assertEqual(got[0], data)
        self.assertEqual(got[7], data)

    def test_random_upload_arrives_whole(self):
        s = self.online()
        peer = self.tcp(s)
        rng = random.Random(3)
        data = rng.randbytes(40000)
        at = 0
        while at < len(data):
            n = rng.randint(1, 1500)
            s.send(1, data[at:at + n])
            at += n
        self.assertEqual(receive(peer, len(data)), data)

    def test_garbage_on_the_line_does_not_hurt(self):
        s = self.online()
        rng = random.Random(5)
        for _ in range(40):
            s.write(rng.randbytes(rng.randint(1, 300)))
            s.write(rng.choice([b"\r", b"AT+CIPSEND=", b'AT+CIPOPEN=0,"', b"AT;;;+\r", b",,,,\r"]))
        s.silent(0.1)
        s.write(b"\x1b\x1a\r")
        s.ctl("reset")
        s.until("PB DONE\r\n")
        self.assertEqual(s.cmd("AT"), b"AT\r" + OK)

    def test_host_that_goes_away_in_data_entry_finds_the_module_there(self):
        s = self.online()
        peer = self.tcp(s)
        s.write("AT+CIPSEND=1,10\r")
        s.until(">")
        os.close(s.fd)
        s.open()
        s.write("AT\r")
        self.assertEqual(s.silent(), b"")
        s.write("\0" * 7)
        self.assertEqual(s.until("10,10\r\n"), b"\r\nOK\r\n\r\n+CIPSEND: 1,10,10\r\n")
        self.assertEqual(receive(peer, 10), b"AT\r" + b"\0" * 7)

    def test_two_simulators_do_not_meet(self):
        first, second = self.online(), self.online()
        a, b = self.tcp(first), self.tcp(second)
        first.send(1, b"first")
        second.send(1, b"second")
        self.assertEqual(receive(a, 5) + receive(b, 6), b"firstsecond")


if __name__ == "__main__":
    harness.BINARY = sys.argv.pop(1)
    unittest.main()
