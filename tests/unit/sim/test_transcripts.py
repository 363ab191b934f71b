#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The sessions T1-T15 of the description of the wire, byte for byte."""
import os
import sys
import time
import unittest

import harness
from harness import Case, free_udp_port, listener, port_of, receive

ALL_CLOSED = b"\r\n+CIPCLOSE: 0,0,0,0,0,0,0,0,0,0\r\n\r\nOK\r\n"
NOT_OPEN = b"\r\n+NETCLOSE: 2\r\n\r\nERROR\r\n"
OK = b"\r\nOK\r\n"


class Transcripts(Case):
    def test_t1_cold_boot_with_echo(self):
        s = self.sim("boot_time_s=1", "cpin_early=failure:1", "parser_latency_ms=5",
                     boot=False, baud=115200)
        s.write("AT\r")
        self.assertEqual(s.until("*ATREADY: 1\r\n"), b"\r\n*ATREADY: 1\r\n")
        s.write("AT\r")
        s.until("AT\r\r\nOK\r\n")
        s.write("AT+CPIN?\r")
        s.until("AT+CPIN?\r")  # a line of the boot may come before the answer
        s.until("\r\n+CME ERROR: SIM failure\r\n")
        rest = s.until("\r\nPB DONE\r\n")
        places = [rest.index(line) for line in (
            b"\r\n+CPIN: READY\r\n", b"\r\nSMS DONE\r\n", b"\r\n+CGEV: EPS PDN ACT 1\r\n",
            b"\r\nPB DONE\r\n")]
        self.assertEqual(places, sorted(places))
        s.write("ATE0\r")
        self.assertEqual(s.until("OK\r\n"), b"ATE0\r\r\nOK\r\n")

    def test_t2_module_that_kept_its_state(self):
        s = self.online("close_delay_ms=62")
        self.assertEqual(s.cmd("AT+CIPCCFG?"), b"\r\n+CIPCCFG: 10,0,0,1,0,0,500\r\n\r\nOK\r\n")
        self.tcp(s, 1)
        os.close(s.fd)
        s.open()
        s.write("AT+NETCLOSE\r")
        self.assertEqual(s.until("+NETCLOSE: 0\r\n"),
                         b"\r\nOK\r\n\r\n+CIPCLOSE: 1,0\r\n\r\n+NETCLOSE: 0\r\n")
        s.write("AT+NETOPEN\r")
        self.assertEqual(s.until("+NETOPEN: 0\r\n"), b"\r\nOK\r\n\r\n+NETOPEN: 0\r\n")
        self.assertEqual(s.cmd("AT+NETOPEN"),
                         b"\r\n+IP ERROR: Network is already opened\r\n\r\nERROR\r\n")
        self.assertEqual(s.cmd("AT+NETOPEN?"), b"\r\n+NETOPEN: 1\r\n\r\nOK\r\n")

    def test_t3_tcp_push_with_default_headers(self):
        s = self.online()
        with listener() as server:
            port = port_of(server)
            s.write('AT+CIPOPEN=1,"TCP","127.0.0.1",%d\r' % port)
            peer = server.accept()[0]
        self.addCleanup(peer.close)
        self.assertEqual(s.until("1,0\r\n"), b"\r\nOK\r\n\r\n+CIPOPEN: 1,0\r\n")
        s.write("AT+CIPSEND=1,81\r")
        self.assertEqual(s.read(3), b"\r\n>")
        s.write(b"a" * 81)
        self.assertEqual(s.until("81,81\r\n"), b"\r\nOK\r\n\r\n+CIPSEND: 1,81,81\r\n")
        self.assertEqual(receive(peer, 81), b"a" * 81)
        peer.sendall(b"b" * 176)
        s.wait(lambda: s.stats()["payload_to_host"] == 176)
        peer.close()
        self.assertEqual(s.until("+IPCLOSE: 1,1\r\n"),
                         b"\r\nRECV FROM:127.0.0.1:%d\r\n+IPD176\r\n" % port + b"b" * 176 +
                         b"\r\n+IPCLOSE: 1,1\r\n")

    def test_t4_two_links_with_header_type_1(self):
        s = self.online()
        for command in ("AT+CIPHEAD=1", "AT+CIPSRIP=0", "AT+CIPCCFG=10,0,0,1,1,0,500"):
            self.assertEqual(s.cmd(command), OK)
        zero, one = self.tcp(s, 0), self.tcp(s, 1)
        zero.sendall(b"z" * 16)
        self.assertEqual(s.until(b"z" * 16), b"\r\n+RECEIVE,0,16\r\n" + b"z" * 16)
        one.sendall(b"four")
        self.assertEqual(s.until("four"), b"\r\n+RECEIVE,1,4\r\nfour")

    def test_t5_buffer_mode_with_foreign_notifications(self):
        s = self.online("parser_latency_ms=30", "mid_payload_pause=50")
        self.assertEqual(s.cmd("AT+CIPRXGET=1"), OK)
        zero, one = self.tcp(s, 0), self.tcp(s, 1)
        zero.sendall(b"a" * 1960)
        self.assertEqual(s.until("1,0\r\n"), b"\r\n+CIPRXGET: 1,0\r\n")
        s.wait(lambda: s.stats()["links"][0]["unread"] == 1960)
        s.write("AT+CIPRXGET=4,0\r")
        one.sendall(b"Data from s")
        self.assertEqual(s.until("OK\r\n"), b"\r\n+CIPRXGET: 1,1\r\n"
                         b"\r\n+CIPRXGET: 4,0,1960\r\n\r\nOK\r\n")
        self.assertEqual(s.cmd("AT+CIPRXGET=2,0,1500"),
                         b"\r\n+CIPRXGET: 2,0,1500,460\r\n" + b"a" * 1500 + OK)
        self.assertEqual(s.cmd("AT+CIPRXGET=2,0,1500"),
                         b"\r\n+CIPRXGET: 2,0,460,0\r\n" + b"a" * 460 + OK)
        self.assertEqual(s.cmd("AT+CIPRXGET=2,0,1500"),
                         b"\r\n+IP ERROR: No data\r\n\r\nERROR\r\n")
        self.assertEqual(s.cmd("AT+CIPRXGET=2,1,5"), b"\r\n+CIPRXGET: 2,1,5,6\r\nData \r\nOK\r\n")
        self.assertEqual(s.cmd("AT+CIPRXGET=3,1,5"),
                         b"\r\n+CIPRXGET: 3,1,5,1\r\n66726F6D20\r\nOK\r\n")

    def test_t6_udp_push_then_buffer(self):
        s = self.online()
        port = free_udp_port()
        self.assertEqual(s.cmd('AT+CIPOPEN=1,"UDP",,,%d' % port),
                         b"\r\n+CIPOPEN: 1,0\r\n\r\nOK\r\n")
        peer = harness.socket.socket(type=harness.socket.SOCK_DGRAM)
        self.addCleanup(peer.close)
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(harness.PATIENCE)
        self.assertEqual(s.send(1, b"HELLO", ("127.0.0.1", port_of(peer))),
                         b"\r\nOK\r\n\r\n+CIPSEND: 1,5,5\r\n")
        self.assertEqual(peer.recv(100), b"HELLO")
        peer.sendto(b"HELLO CLIENT\r\n", ("127.0.0.1", port))
        self.assertEqual(s.until("CLIENT\r\n"), b"\r\nRECV FROM:127.0.0.1:%d\r\n+IPD14\r\n"
                         b"HELLO CLIENT\r\n" % port_of(peer))
        self.assertEqual(s.cmd("AT+CIPRXGET=1"), OK)
        peer.sendto(b"data from server", ("127.0.0.1", port))
        self.assertEqual(s.until("1,1\r\n"), b"\r\n+CIPRXGET: 1,1\r\n")
        self.assertEqual(s.cmd("AT+CIPRXGET=2,1,5"),
                         b"\r\n+CIPRXGET: 2,1,5,11\r\ndata \r\nOK\r\n")
        self.assertEqual(s.cmd("AT+CIPCLOSE=1"), b"\r\n+CIPCLOSE: 1,0\r\n\r\nOK\r\n")

    def test_t7_udp_open_without_local_port(self):
        s = self.online()
        self.assertEqual(s.cmd('AT+CIPOPEN=1,"UDP","192.0.2.4",12345'),
                         b"\r\n+CIPOPEN: 1,3\r\n\r\nERROR\r\n")

    def test_t8_network_lost_right_after_open(self):
        s = self.sim("open_delay_ms=200")
        self.assertEqual(s.cmd("AT+NETCLOSE"), NOT_OPEN)
        s.net()
        self.assertEqual(s.cmd("AT+CIPRXGET=1"), OK)
        with listener() as server:
            s.write('AT+CIPOPEN=0,"TCP","127.0.0.1",%d\r' % port_of(server))
            self.assertEqual(s.until("OK\r\n"), OK)
            self.addCleanup(server.accept()[0].close)
            s.ctl("urc +CGEV: ME DETACH")
            self.assertEqual(s.until("0,0\r\n"),
                             b"\r\n+CGEV: ME DETACH\r\n\r\n+CIPOPEN: 0,0\r\n")
        s.ctl("cipevent")
        self.assertEqual(s.until("LY\r\n"), b"\r\n+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY\r\n")
        self.assertEqual(s.cmd("AT+NETOPEN?"), b"\r\n+NETOPEN: 0\r\n\r\nOK\r\n")
        self.assertEqual(s.cmd("AT+NETCLOSE"), NOT_OPEN)
        self.assertEqual(s.cmd("AT+CIPSEND=0,40"), b"\r\n+CIPERROR: 4\r\n\r\nERROR\r\n")
        self.assertEqual(s.cmd("AT+CIPRXGET=4,0"), b"\r\n+CIPRXGET: 4,0,0\r\n\r\nOK\r\n")
        self.assertEqual(s.cmd("AT+CIPCLOSE?"), ALL_CLOSED)
        self.assertEqual(s.cmd("AT+CIPCLOSE=0"), b"\r\n+CIPCLOSE: 0,4\r\n\r\nERROR\r\n")

    def test_t9_cipevent_while_polling_with_echo(self):
        s = self.online()
        s.cmd("AT+CIPRXGET=1")
        self.tcp(s, 1)
        s.cmd("ATE1")
        self.assertEqual(s.cmd("AT+CIPCLOSE?"), b"AT+CIPCLOSE?\r\r\n"
                         b"+CIPCLOSE: 0,1,0,0,0,0,0,0,0,0\r\n\r\nOK\r\n")
        s.ctl("cipevent")
        self.assertEqual(s.cmd("AT+CIPRXGET=4,1"),
                         b"\r\n+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY\r\n"
                         b"AT+CIPRXGET=4,1\r\r\n+CIPRXGET: 4,1,0\r\n\r\nOK\r\n")
        self.assertEqual(s.cmd("AT+CIPCLOSE?"), b"AT+CIPCLOSE?\r" + ALL_CLOSED)

    def test_t10_send_while_a_send_is_pending(self):
        s = self.online("send_confirm_delay_ms=200")
        self.tcp(s, 0)
        self.tcp(s, 1)
        s.write("AT+CIPSEND=0,4\r")
        self.assertEqual(s.read(3), b"\r\n>")
        s.write("four")
        self.assertEqual(s.until("OK\r\n"), OK)
        self.assertEqual(s.cmd("AT+CIPSEND=1,4"), b"\r\n+CIPERROR: 8\r\n\r\nERROR\r\n")
        self.assertEqual(s.until("4,4\r\n"), b"\r\n+CIPSEND: 0,4,4\r\n")
        s.write("AT+CIPSEND=1,4\r")
        self.assertEqual(s.read(3), b"\r\n>")

    def test_t11_zombie_link(self):
        s = self.online()
        self.tcp(s, 1)
        s.ctl("kill-link 1")
        self.assertEqual(s.cmd("AT+CIPCLOSE?"),
                         b"\r\n+CIPCLOSE: 0,1,0,0,0,0,0,0,0,0\r\n\r\nOK\r\n")
        self.assertEqual(s.cmd("AT+CIPSEND=1,2"), b"\r\n+CIPERROR: 4\r\n\r\nERROR\r\n")
        self.assertEqual(s.cmd("AT+CIPCLOSE?"), ALL_CLOSED)
        self.assertEqual(s.cmd("AT+CIPCLOSE=1"), b"\r\n+CIPCLOSE: 1,4\r\n\r\nERROR\r\n")
        self.tcp(s, 1)

    def test_zombie_link_is_listed_until_it_is_closed(self):
        s = self.online()
        self.tcp(s, 1)
        s.ctl("zombie-link 1")
        for _ in range(2):
            self.assertEqual(s.cmd("AT+CIPCLOSE?"),
                             b"\r\n+CIPCLOSE: 0,1,0,0,0,0,0,0,0,0\r\n\r\nOK\r\n")
            self.assertEqual(s.cmd("AT+CIPSEND=1,2"), b"\r\n+CIPERROR: 4\r\n\r\nERROR\r\n")
            self.assertEqual(s.cmd("AT+CIPACK=1"),
                             b"\r\n+IP ERROR: Connection is not created\r\n\r\nERROR\r\n")
        self.assertEqual(s.cmd("AT+CIPCLOSE=1"), b"\r\n+CIPCLOSE: 1,4\r\n\r\nERROR\r\n")
        self.assertEqual(s.cmd("AT+CIPCLOSE?"), ALL_CLOSED)

    def test_t12_host_restarted_inside_transparent_mode(self):
        s = self.sim("escape_guard_ms=200")
        s.cmd("AT+CIPMODE=1")
        s.net()
        with listener() as server:
            s.write('AT+CIPOPEN=0,"TCP","127.0.0.1",%d\r' % port_of(server))
            peer = server.accept()[0]
        self.addCleanup(peer.close)
        self.assertEqual(s.until("0\r\n"), b"\r\nCONNECT 115200\r\n")
        os.close(s.fd)
        s.open()
        s.set("close_delay_ms=300")
        time.sleep(0.25)
        s.write("+++")
        self.assertEqual(s.until("OK\r\n"), OK)
        s.cmd("ATE1")
        self.assertEqual(s.cmd("ATE0"), b"ATE0\r\r\nOK\r\n")
        self.assertEqual(s.cmd("AT+CIPCLOSE=0"), OK)
        self.assertEqual(s.cmd("AT+CIPCLOSE=0"), b"\r\n+CIPCLOSE: 0,4\r\n\r\nERROR\r\n")
        self.assertEqual(s.cmd("AT+NETCLOSE"), OK)
        self.assertEqual(s.cmd("AT+NETCLOSE"), OK)
        self.assertEqual(s.until("+NETCLOSE: 0\r\n"),
                         b"\r\nCLOSED\r\n\r\n+CIPCLOSE: 0,0\r\n\r\n+NETCLOSE: 0\r\n")
        self.assertEqual(s.cmd("AT+CIPMODE=1"), OK)

    def test_t13_remote_close_inside_the_send_window(self):
        s = self.online()
        self.tcp(s, 1)
        s.write("AT+CIPSEND=1,200\r")
        self.assertEqual(s.read(3), b"\r\n>")
        s.ctl("drop-link 1")
        self.assertEqual(s.until("1,1\r\n"), b"\r\n+IPCLOSE: 1,1\r\n")
        s.write(b"x" * 200)
        self.assertEqual(s.until("-1\r\n"), b"\r\nOK\r\n\r\n+CIPSEND: 1,200,-1\r\n")

    def test_t14_server(self):
        s = self.online()
        port = harness.free_port()
        self.assertEqual(s.cmd("AT+SERVERSTART=%d,0" % port), OK)
        self.assertEqual(s.cmd("AT+SERVERSTART?"), b"\r\n+SERVERSTART: 0,%d\r\n\r\nOK\r\n" % port)
        peer = harness.socket.create_connection(("127.0.0.1", port), harness.PATIENCE)
        self.addCleanup(peer.close)
        self.assertEqual(s.until("%d\r\n" % port_of(peer)),
                         b"\r\n+CLIENT: 0,0,127.0.0.1:%d\r\n" % port_of(peer))
        peer.sendall(b"abc")
        self.assertEqual(s.until("abc"),
                         b"\r\nRECV FROM:127.0.0.1:%d\r\n+IPD3\r\nabc" % port_of(peer))
        self.assertEqual(s.send(0, b"HELLO"), b"\r\nOK\r\n\r\n+CIPSEND: 0,5,5\r\n")
        self.assertEqual(receive(peer, 5), b"HELLO")
        peer.close()
        self.assertEqual(s.until("0,1\r\n"), b"\r\n+IPCLOSE: 0,1\r\n")
        self.assertEqual(s.cmd("AT+SERVERSTOP=0"), b"\r\n+SERVERSTOP: 0,0\r\n\r\nOK\r\n")

    def test_t15_reset_during_cipopen(self):
        s = self.online("reset_at=open")
        s.cmd("ATE1")
        command = 'AT+CIPOPEN=0,"TCP","127.0.0.1",%d' % harness.free_port()
        s.set("open_result=never")
        s.write(command + "\r")
        self.assertEqual(s.until("PB DONE\r\n"), command.encode() + b"\r\r\nOK\r\n"
                         b"\x00\r\n*ATREADY: 1\r\n\r\n*ISIMAID: \"A0000000871004FF54F0\"\r\n"
                         b"\r\n+CPIN: READY\r\n\r\nSMS DONE\r\n\r\n+CGEV: EPS PDN ACT 1\r\n"
                         b"\r\nPB DONE\r\n")
        self.assertEqual(s.cmd(command),
                         command.encode() + b"\r\r\n+CIPOPEN: 0,2\r\n\r\nERROR\r\n")
        self.assertEqual(s.cmd("AT+NETCLOSE"), b"AT+NETCLOSE\r" + NOT_OPEN)


if __name__ == "__main__":
    harness.BINARY = sys.argv.pop(1)
    unittest.main()
