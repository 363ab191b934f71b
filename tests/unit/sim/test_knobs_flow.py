#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Knobs of sending, receiving, links and servers."""
import socket
import sys
import time
import unittest

import harness
from harness import Case, free_port, free_udp_port, listener, port_of, receive

OK = b"\r\nOK\r\n"
OK_ERROR = b"\r\n\r\nERROR\r\n"
SENT = b"\r\nOK\r\n\r\n+CIPSEND: 1,%d,%d\r\n"


class Sending(Case):
    def linked(self, *knobs, **options):
        s = self.online(*knobs, **options)
        return s, self.tcp(s)

    def test_send_max_and_overlen(self):
        s, _ = self.linked("send_max=1024")
        self.assertEqual(s.cmd("AT+CIPSEND=1,1025"), b"\r\n+CIPERROR: 3" + OK_ERROR)
        s.set("send_overlen=error")
        self.assertEqual(s.cmd("AT+CIPSEND=1,1025"), b"\r\nERROR\r\n")
        s.set("send_overlen=clamp")
        self.assertEqual(s.send(1, b"x" * 1025)[:14], SENT[:14])
        self.assertEqual(s.mistakes().count("send over the limit"), 3)

    def early(self, *knobs):
        s, peer = self.linked("prompt_delay_ms=500", *knobs)
        s.write("AT+CIPSEND=1,6\r")
        time.sleep(0.03)
        s.write("ab")
        return s, peer

    def test_early_bytes(self):
        s, peer = self.early()
        s.until("\r\n>")
        s.write("cdef")
        self.assertEqual(s.until("6,6\r\n"), SENT % (6, 6))
        self.assertEqual(receive(peer, 6), b"abcdef")
        self.assertIn("payload before the prompt", s.mistakes())
        for value, data in (("dropped", b"cdefgh"), ("drop:1", b"bcdefg")):
            s, peer = self.early("early_bytes=" + value)
            s.until("\r\n>")
            s.write("cdefgh")
            s.until("6,6\r\n")
            self.assertEqual(receive(peer, 6), data)
        s, peer = self.early("early_bytes=abort")
        self.assertEqual(s.until("ERROR\r\n"), b"\r\nERROR\r\n")

    def test_lf_after_cr(self):
        for value, data in (("swallowed", b"abc"), ("counted", b"\nab")):
            s, peer = self.linked("lf_after_cr=" + value)
            s.write("AT+CIPSEND=1,3\r\n")
            s.until(">")
            s.write("abc")
            self.assertEqual(receive(peer, 3), data)
            self.assertIn("lf after cr", s.mistakes())

    def test_ctrlz_after_fixed(self):
        for value, tail in (("ignored", b""), ("stray", b"\x1a"), ("esc_ignored", b"")):
            s, _ = self.linked("ctrlz_after_fixed=" + value)
            s.write("AT+CIPSEND=1,3\r")
            s.until(">")
            s.write(b"abc\x1a" + (b"\x1b" if value == "esc_ignored" else b""))
            self.assertEqual(s.until("3,3\r\n") + s.only(tail), SENT % (3, 3) + tail)
            self.assertEqual(s.cmd("AT"), OK)

    def test_send_busy_scope(self):
        for value, other, same in (("module", False, False), ("link", True, False),
                                   ("none", True, True)):
            s, _ = self.linked("send_busy_scope=" + value, "send_confirm_delay_ms=400")
            self.tcp(s, 2)
            s.write("AT+CIPSEND=1,1\r")
            s.until(">")
            s.write("x")
            s.until("OK\r\n")
            for link, allowed in ((1, same), (2, other)):
                s.write("AT+CIPSEND=%d,1\r" % link)
                if not allowed:
                    self.assertEqual(s.until("ERROR\r\n"), b"\r\n+CIPERROR: 8" + OK_ERROR)
                    continue
                self.assertEqual(s.until(">"), b"\r\n>")
                s.write("y")
                s.until("OK\r\n")

    def test_send_confirm(self):
        for value, cnf, arrives in (("partial:3", 3, b"abc"), ("0", 0, b""), ("-1", -1, b"")):
            s, peer = self.linked("send_confirm=" + value)
            self.assertEqual(s.send(1, b"abcdef"), SENT % (6, cnf))
            if cnf == -1:
                self.assertEqual(s.cmd("AT+CIPCLOSE=1"), b"\r\n+CIPCLOSE: 1,4" + OK_ERROR)
            else:
                s.cmd("AT+CIPCLOSE=1")
                self.assertEqual(receive(peer, 6), arrives)
        s, peer = self.linked("send_confirm=never")
        s.write("AT+CIPSEND=1,3\r")
        s.until(">")
        s.write("abc")
        self.assertEqual(receive(peer, 3), b"abc")
        self.assertEqual(s.only(OK), OK)
        self.assertEqual(s.cmd("AT+CIPSEND=1,3"), b"\r\n+CIPERROR: 8" + OK_ERROR)

    def test_short_confirm_once(self):
        s, peer = self.linked("short_confirm_once=2")
        self.assertEqual(s.send(1, b"abcd"), SENT % (4, 2))
        self.assertEqual(s.send(1, b"efgh"), SENT % (4, 4))
        self.assertEqual(receive(peer, 6), b"abefgh")
        self.assertEqual(s.cmd("AT+CIPACK=1"), b"\r\n+CIPACK: 6,6,0\r\n" + OK)

    def test_send_after_ipclose(self):
        for value, answer in (("minus1", SENT % (3, -1)), ("error", b"\r\nERROR\r\n"),
                              ("ok_only", OK)):
            s, _ = self.linked("send_after_ipclose=" + value)
            s.write("AT+CIPSEND=1,3\r")
            s.until(">")
            s.ctl("drop-link 1")
            s.until("1,1\r\n")
            s.write("abc")
            self.assertEqual(s.only(answer), answer)

    def test_send_confirm_delay(self):
        s, _ = self.linked("send_confirm_delay_ms=1000")
        s.write("AT+CIPSEND=1,3\r")
        s.until(">")
        s.write("abc")
        self.assertEqual(s.until("OK\r\n"), OK)
        self.assertEqual(s.cmd("AT"), OK)
        self.assertEqual(s.until("3,3\r\n"), b"\r\n+CIPSEND: 1,3,3\r\n")
        s.set("send_confirm_delay_ms=at_ack")
        self.assertEqual(s.send(1, b"abc"), SENT % (3, 3))

    def test_prompt_delay_never_still_takes_the_payload(self):
        s, peer = self.linked("prompt_delay_ms=never")
        s.write("AT+CIPSEND=1,3\r")
        self.assertEqual(s.silent(), b"")
        s.write("abc")
        self.assertEqual(s.until("3,3\r\n"), SENT % (3, 3))

    def stuffed(self, *knobs):
        """A link whose peer does not read, with all of its send buffer in use."""
        s, peer = self.linked("tx_buffer_bytes=2048", *knobs)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        for _ in range(200):
            sent = s.send(1, b"z" * 1024)
            if sent != SENT % (1024, 1024):
                return s, peer, sent
        raise AssertionError("the buffer never filled")

    def test_tx_full_zero_and_partial(self):
        _, _, sent = self.stuffed("tx_full=zero")
        self.assertEqual(sent, SENT % (1024, 0))
        s, _, sent = self.stuffed("tx_full=partial")
        self.assertRegex(sent, rb"\r\n\+CIPSEND: 1,1024,\d+\r\n$")
        link = s.stats()["links"][1]
        self.assertLessEqual(link["sent"] - link["acked"], 2048)

    def test_tx_full_delay_confirms_when_the_peer_reads(self):
        s, peer = self.linked("tx_buffer_bytes=2048", "send_busy_scope=none")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        total = 0
        while True:
            s.write("AT+CIPSEND=1,1024\r")
            s.until(">")
            s.write(b"z" * 1024)
            total += 1024
            s.until("OK\r\n")
            if b"1024,1024" not in s.silent(0.05):
                break
        self.assertEqual(receive(peer, total), b"z" * total)
        self.assertEqual(s.until("1024\r\n"), b"\r\n+CIPSEND: 1,1024,1024\r\n")

    def test_data_entry_timeout(self):
        s, _ = self.linked("data_entry_timeout=50")
        s.write("AT+CIPSEND=1,3\r")
        self.assertEqual(s.until("ERROR\r\n"), b"\r\n>\r\nERROR\r\n")
        self.assertEqual(s.cmd("AT"), OK)

    def test_cmd_between_ok_and_cipsend(self):
        s, _ = self.linked("cmd_between_ok_and_cipsend=error", "send_confirm_delay_ms=200")
        s.write("AT+CIPSEND=1,3\r")
        s.until(">")
        s.write("abc")
        s.until("OK\r\n")
        self.assertEqual(s.cmd("AT+CSQ"), b"\r\nERROR\r\n")
        s.until("3,3\r\n")
        self.assertEqual(s.cmd("AT"), OK)

    def test_cipack_and_its_third_field(self):
        s, peer = self.linked()
        s.send(1, b"abc")
        receive(peer, 3)
        peer.sendall(b"12345")
        s.until("12345")
        self.assertEqual(s.cmd("AT+CIPACK=1"), b"\r\n+CIPACK: 3,3,0\r\n" + OK)
        s.set("cipack_third=received")
        self.assertEqual(s.cmd("AT+CIPACK=1"), b"\r\n+CIPACK: 3,3,5\r\n" + OK)
        s.set("cipack=error")
        self.assertEqual(s.cmd("AT+CIPACK=1"), b"\r\nERROR\r\n")


class Receiving(Case):
    def buffered(self, *knobs):
        s = self.online(*knobs)
        s.cmd("AT+CIPRXGET=1")
        return s, self.tcp(s)

    def test_rx_mode_at_boot(self):
        s = self.sim("rx_mode_at_boot=1")
        self.assertEqual(s.cmd("AT+CIPRXGET?"), b"\r\n+CIPRXGET: 1\r\n" + OK)

    def test_push_chunk_max(self):
        s = self.online("push_chunk_max=512")
        s.cmd("AT+CIPSRIP=0")
        peer = self.tcp(s)
        peer.sendall(b"a" * 1024)
        out = b""
        while out.count(b"a") < 1024:
            out += s.read(1)
        self.assertNotIn(b"a" * 513, out)

    def test_rx_notify(self):
        s, peer = self.buffered()
        line = b"\r\n+CIPRXGET: 1,1\r\n"

        def arrivals(expected):
            for _ in range(3):
                before = s.stats()["links"][1]["received"]
                peer.sendall(b"x")
                s.wait(lambda: s.stats()["links"][1]["received"] == before + 1)
            self.assertEqual(s.only(expected), expected)
        arrivals(line)
        s.cmd("AT+CIPRXGET=2,1")
        arrivals(line)
        s.set("rx_notify=every")
        arrivals(line * 3)
        s.cmd("AT+CIPRXGET=2,1")
        s.set("rx_notify=periodic:20")
        peer.sendall(b"x")
        self.assertEqual(s.read(3 * len(line)), line * 3)
        s.set("rx_notify=lossy:1")
        s.silent(0.05)
        s.cmd("AT+CIPRXGET=2,1")
        arrivals(b"")

    def test_rx_notify_form(self):
        s, peer = self.buffered("rx_notify_form=receive")
        peer.sendall(b"abc")
        self.assertEqual(s.until("3\r\n"), b"\r\n+RECEIVE,1,3\r\n")

    def test_rx_empty_read(self):
        s, _ = self.buffered("rx_empty_read=zero")
        self.assertEqual(s.cmd("AT+CIPRXGET=2,1"), b"\r\n+CIPRXGET: 2,1,0,0\r\n" + OK)
        s.set("rx_empty_read=error")
        self.assertEqual(s.cmd("AT+CIPRXGET=2,1"), b"\r\nERROR\r\n")

    def test_rx_buffer_closes_the_tcp_window(self):
        s, peer = self.buffered("rx_buffer_bytes=1000")
        peer.settimeout(0.3)
        sent = 0
        try:
            while sent < 4000000:
                sent += peer.send(b"w" * 10000)
        except socket.timeout:
            pass
        self.assertLess(sent, 4000000)
        self.assertIn(b"4,1,1000\r\n", s.cmd("AT+CIPRXGET=4,1"))

    def test_rx_buffer_drops_datagrams(self):
        s = self.online("rx_buffer_bytes=1000")
        s.cmd("AT+CIPRXGET=1")
        peer, port = self.udp(s)
        for _ in range(3):
            peer.sendto(b"d" * 400, ("127.0.0.1", port))
        s.wait(lambda: s.stats()["dropped"] == 400)
        self.assertIn(b"4,1,800\r\n", s.cmd("AT+CIPRXGET=4,1"))

    def datagrams(self, *knobs):
        s = self.online(*knobs)
        s.cmd("AT+CIPRXGET=1")
        peer, port = self.udp(s)
        for data in (b"first", b"second"):
            peer.sendto(data, ("127.0.0.1", port))
        s.wait(lambda: s.stats()["links"][1]["unread"] == 11)
        s.silent(0.02)
        return s, peer

    def test_udp_boundaries(self):
        s, _ = self.datagrams()
        self.assertIn(b"2,1,11,0\r\nfirstsecond", s.cmd("AT+CIPRXGET=2,1"))
        s, _ = self.datagrams("udp_boundaries=datagram")
        self.assertIn(b"2,1,5,6\r\nfirst\r\n", s.cmd("AT+CIPRXGET=2,1"))
        self.assertIn(b"2,1,3,3\r\nsec\r\n", s.cmd("AT+CIPRXGET=2,1,3"))
        self.assertIn(b"2,1,3,0\r\nond\r\n", s.cmd("AT+CIPRXGET=2,1"))
        s, _ = self.datagrams("udp_boundaries=truncate")
        self.assertIn(b"2,1,2,6\r\nfi\r\n", s.cmd("AT+CIPRXGET=2,1,2"))
        self.assertIn(b"2,1,6,0\r\nsecond\r\n", s.cmd("AT+CIPRXGET=2,1"))

    def test_udp_source_in_buffer(self):
        s, peer = self.datagrams("udp_source_in_buffer=appended")
        self.assertIn(b"+CIPRXGET: 2,1,5,6,127.0.0.1:%d\r\nfirst" % port_of(peer),
                      s.cmd("AT+CIPRXGET=2,1,5"))

    def test_rx_after_ipclose(self):
        for value, pause, left in (("kept", 0, 3), ("discarded", 0, 0), ("30", 0.1, 0)):
            s, peer = self.buffered("rx_after_ipclose=" + value)
            peer.sendall(b"abc")
            s.until("1,1\r\n")
            peer.close()
            s.until("+IPCLOSE: 1,1\r\n")
            time.sleep(pause)
            self.assertIn(b"4,1,%d\r\n" % left, s.cmd("AT+CIPRXGET=4,1"))

    def test_buffer_to_push(self):
        s, peer = self.buffered()
        peer.sendall(b"abc")
        s.until("1,1\r\n")
        s.cmd("AT+CIPRXGET=0")
        self.assertEqual(s.silent(0.05), b"")
        self.assertTrue(s.cmd("AT+CIPRXGET=1").endswith(OK))
        s.until("\r\n+CIPRXGET: 1,1\r\n")
        s.set("buffer_to_push=pushed")
        s.cmd("AT+CIPSRIP=0")
        s.cmd("AT+CIPRXGET=0")
        self.assertEqual(s.until("abc"), b"\r\n+IPD3\r\nabc")

    def test_rxget_switch(self):
        s = self.online("rxget_switch=refused")
        self.assertEqual(s.cmd("AT+CIPRXGET=1"), OK)
        self.assertEqual(s.cmd("AT+CIPRXGET=0"), OK)
        self.tcp(s, 1)
        self.assertEqual(s.cmd("AT+CIPRXGET=0"), OK)
        self.assertEqual(s.cmd("AT+CIPRXGET=1"), b"\r\nERROR\r\n")
        s.set("rxget_switch=accepted")
        self.assertEqual(s.cmd("AT+CIPRXGET=1"), OK)

    def test_modes234_without_mode1(self):
        s = self.online()
        self.assertEqual(s.cmd("AT+CIPRXGET=4,1"), b"\r\nERROR\r\n")
        s.set("modes234_without_mode1=work")
        self.assertEqual(s.cmd("AT+CIPRXGET=4,1"), b"\r\n+CIPRXGET: 4,1,0\r\n" + OK)


class Links(Case):
    def test_links(self):
        s = self.online("links=5")
        self.assertEqual(s.cmd('AT+CIPOPEN=5,"UDP",,,5000'),
                         b"\r\n+IP ERROR: Invalid parameter" + OK_ERROR)
        self.udp(s, 4)

    def client(self, s, port):
        peer = socket.create_connection(("127.0.0.1", port), harness.PATIENCE)
        self.addCleanup(peer.close)
        return peer

    def test_accept_link_choice(self):
        s = self.online("accept_link_choice=highest")
        port = free_port()
        s.cmd("AT+SERVERSTART=%d,2" % port)
        self.client(s, port)
        self.assertIn(b"\r\n+CLIENT: 9,2,127.0.0.1:", s.until("\r\n+CLIENT: 9") + s.until(":"))

    def test_accept_when_full(self):
        s = self.online("links=1")
        port = free_port()
        s.cmd("AT+SERVERSTART=%d,0" % port)
        self.udp(s, 0)
        with self.assertRaises(ConnectionResetError):
            self.client(s, port).recv(1)
        s.set("accept_when_full=ignore")
        peer = self.client(s, port)
        peer.settimeout(0.1)
        self.assertRaises(socket.timeout, peer.recv, 1)
        s.cmd("AT+CIPCLOSE=0")
        s.until("+CLIENT: 0,0,")

    def test_listeners(self):
        s = self.online("listeners=2")
        self.assertEqual(s.cmd("AT+SERVERSTART=%d,2" % free_port()),
                         b"\r\n+CIPERROR: 3" + OK_ERROR)

    def test_open_result_and_delay(self):
        s = self.online("open_result@192.0.2.1:80=10", "open_result@192.0.2.2=never",
                        "open_delay_ms@192.0.2.1:80=100")
        start = time.monotonic()
        s.write('AT+CIPOPEN=1,"TCP","192.0.2.1",80\r')
        s.until("\r\nOK\r\n\r\n+CIPOPEN: 1,10\r\n")
        self.assertGreaterEqual(time.monotonic() - start, 0.1)
        s.cmd('AT+CIPOPEN=2,"TCP","192.0.2.2",80')
        self.assertEqual(s.silent(), b"")
        s.set("open_result=11")
        s.write('AT+CIPOPEN=3,"TCP","192.0.2.3",80\r')
        s.until("+CIPOPEN: 3,11\r\n")
        s.set("open_result=late:150", "open_delay_ms=0")
        start = time.monotonic()
        self.tcp(s, 4)
        self.assertGreaterEqual(time.monotonic() - start, 0.15)

    def test_refused_is_1_and_silence_is_10(self):
        s = self.online()
        s.write('AT+CIPOPEN=1,"TCP","127.0.0.1",%d\r' % free_port())
        self.assertEqual(s.until(",1\r\n"), b"\r\nOK\r\n\r\n+CIPOPEN: 1,1\r\n")
        s.cmd("AT+CIPTIMEOUT=3000,3000,3000")
        with socket.socket() as full:  # a queue of one that nobody empties answers no SYN
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            plugs = [socket.socket() for _ in range(3)]
            for plug in plugs:
                plug.setblocking(False)
                plug.connect_ex(("127.0.0.1", port_of(full)))
            s.write('AT+CIPOPEN=1,"TCP","127.0.0.1",%d\r' % port_of(full))
            self.assertEqual(s.until("1,10\r\n"), b"\r\nOK\r\n\r\n+CIPOPEN: 1,10\r\n")
            for plug in plugs:
                plug.close()

    def test_concurrent_open(self):
        s = self.online("open_result@192.0.2.2=never")
        s.cmd('AT+CIPOPEN=2,"TCP","192.0.2.2",80')
        self.tcp(s, 1)
        s.set("concurrent_open=busy")
        self.assertEqual(s.cmd('AT+CIPOPEN=3,"TCP","127.0.0.1",80'),
                         b"\r\n+CIPOPEN: 3,8" + OK_ERROR)

    def test_open_used_link(self):
        s = self.online()
        self.udp(s)
        for value, answer in (("4", b"\r\n+CIPOPEN: 1,4" + OK_ERROR),
                              ("8", b"\r\n+CIPOPEN: 1,8" + OK_ERROR),
                              ("error", b"\r\nERROR\r\n")):
            s.set("open_used_link=" + value)
            self.assertEqual(s.cmd('AT+CIPOPEN=1,"UDP",,,5000'), answer)

    def test_send_err_when_service_closed(self):
        s = self.sim("send_err_when_service_closed=2")
        self.assertEqual(s.cmd("AT+CIPSEND=1,1"), b"\r\n+CIPERROR: 2" + OK_ERROR)

    def test_close_delay(self):
        s = self.online("close_delay_ms=100")
        self.tcp(s)
        self.assertEqual(s.cmd("AT+CIPCLOSE=1"), OK)
        self.assertIn(b"0,1,0", s.cmd("AT+CIPCLOSE?"))
        self.assertEqual(s.until("1,0\r\n"), b"\r\n+CIPCLOSE: 1,0\r\n")
        s.set("close_delay_ms=never")
        self.tcp(s)
        self.assertEqual(s.cmd("AT+CIPCLOSE=1"), OK)
        self.assertEqual(s.cmd("AT+CIPCLOSE=1"), b"\r\n+CIPCLOSE: 1,4" + OK_ERROR)

    def test_stale_open_state(self):
        s = self.online("stale_open_state=on")
        self.tcp(s).close()
        s.until("+IPCLOSE: 1,1\r\n")
        self.assertIn(b"0,1,0", s.cmd("AT+CIPCLOSE?"))
        self.assertIn(b"0,0,0", s.cmd("AT+CIPCLOSE?"))

    def test_reopen_quarantine(self):
        s = self.online("reopen_quarantine_ms=60000")
        self.tcp(s)
        s.cmd("AT+CIPCLOSE=1")
        s.until("1,0\r\n")
        self.tcp(s)
        self.assertEqual(s.until("1,1\r\n"), b"\r\n+IPCLOSE: 1,1\r\n")

    def test_half_close(self):
        s = self.online("half_close=writable:200")
        peer = self.tcp(s)
        peer.shutdown(socket.SHUT_WR)
        self.assertEqual(s.silent(0.05), b"")
        s.send(1, b"late")
        self.assertEqual(receive(peer, 4), b"late")
        self.assertEqual(s.until("1,1\r\n"), b"\r\n+IPCLOSE: 1,1\r\n")

    def test_dns(self):
        s = self.online("dns@peer.example=127.0.0.1", "dns@none.example=fail")
        with listener() as server:
            s.write('AT+CIPOPEN=1,"TCP","peer.example",%d\r' % port_of(server))
            server.accept()[0].close()
            s.until("+CIPOPEN: 1,0\r\n")
        s.write('AT+CIPOPEN=2,"TCP","none.example",80\r')
        s.until("+CIPOPEN: 2,11\r\n")
        self.assertEqual(s.cmd('AT+CDNSGIP="peer.example"'),
                         b'\r\n+CDNSGIP: 1,"peer.example","127.0.0.1"\r\n' + b"\r\nOK\r\n")
        s.set("dns=fail")
        self.assertEqual(s.cmd('AT+CDNSGIP="localhost"'), b"\r\n+CDNSGIP: 0,10" + OK_ERROR)
        s.set("dns=delay:100")
        start = time.monotonic()
        self.assertEqual(s.cmd('AT+CDNSGIP="localhost"'),
                         b'\r\n+CDNSGIP: 1,"localhost","127.0.0.1"\r\n' + OK)
        self.assertGreaterEqual(time.monotonic() - start, 0.1)
        s.set("dns=host")
        self.assertEqual(s.cmd('AT+CDNSGIP="localhost"'),
                         b'\r\n+CDNSGIP: 1,"localhost","127.0.0.1"\r\n' + OK)

    def test_ipv6(self):
        s = self.sim("ipv6=on")
        s.cmd('AT+CGDCONT=1,"IPV6","internet"')
        self.assertEqual(s.cmd("AT+CSOCKSETPN=1,6"), OK)
        s.net()
        self.assertEqual(s.cmd("AT+IPADDR"),
                         b"\r\n+IPADDR: 2409:8960:1e64:94d8:1:0:3b3b:7118\r\n" + OK)
        with socket.socket(socket.AF_INET6) as server:
            try:
                server.bind(("::1", 0))
            except OSError:
                self.skipTest("no IPv6 loopback")
            server.listen()
            s.write('AT+CIPOPEN=1,"TCP","::1",%d\r' % server.getsockname()[1])
            peer = server.accept()[0]
            s.until("+CIPOPEN: 1,0\r\n")
            peer.sendall(b"six")
            self.assertIn(b"RECV FROM:::1:", s.until("six"))
            peer.close()
        s.write('AT+CIPOPEN=2,"TCP","127.0.0.1",80\r')
        s.until("+CIPOPEN: 2,1\r\n")

    def test_ip6_literal(self):
        s = self.sim("ipv6=on", "ip6_literal=brackets")
        s.cmd("AT+CSOCKSETPN=1,6")
        s.net()
        self.assertEqual(s.cmd('AT+CIPOPEN=1,"TCP","::1",80'), b"\r\n+CIPOPEN: 1,3\r\n\r\nERROR\r\n")
        self.assertEqual(s.cmd('AT+CPING="::1",2,1'), b"\r\nERROR\r\n")
        self.assertEqual(s.cmd('AT+CIPOPEN=1,"UDP",,,5000'), b"\r\n+CIPOPEN: 1,0\r\n" + OK)
        self.assertEqual(s.cmd('AT+CIPSEND=1,5,"::1",80'), b"\r\n+CIPERROR: 3\r\n\r\nERROR\r\n")
        s.set("ip6_literal=plain")
        self.assertEqual(s.cmd('AT+CIPSEND=1,5,"[::1]",80'), b"\r\n+CIPERROR: 3\r\n\r\nERROR\r\n")
        self.assertEqual(s.cmd('AT+CPING="::1",2,1'), OK)

    def test_ipv6_off_refuses_an_ipv6_destination(self):
        s = self.online()
        s.write('AT+CIPOPEN=1,"TCP","::1",80\r')
        s.until("+CIPOPEN: 1,1\r\n")


if __name__ == "__main__":
    harness.BINARY = sys.argv.pop(1)
    unittest.main()
