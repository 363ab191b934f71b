#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Knobs of text framing, ordering and interleaving: each value changes the bytes as documented."""
import sys
import time
import unittest

import harness
from harness import Case, free_port, free_udp_port, listener, port_of

OK = b"\r\nOK\r\n"
OK_ERROR = b"\r\n\r\nERROR\r\n"


class Framing(Case):
    def test_echo_at_boot(self):
        s = self.sim("echo_at_boot=off", boot=False)
        s.cmd("AT")
        self.assertEqual(s.cmd("AT"), OK)
        s.set("echo_at_boot=on")
        s.ctl("reset")
        s.until("PB DONE\r\n")
        self.assertEqual(s.cmd("AT"), b"AT\r" + OK)

    def test_echo_payload(self):
        s = self.online("echo_payload=on")
        self.tcp(s)
        s.cmd("ATE1")
        self.assertEqual(s.send(1, b"abc"), b"abc\r\nOK\r\n\r\n+CIPSEND: 1,3,3\r\n")

    def test_prompt_form(self):
        s = self.online()
        self.tcp(s)
        for value, prompt in (("crlf", b"\r\n>"), ("crlf_blank", b"\r\n> "), ("bare", b">"),
                              ("bare_blank", b"> ")):
            s.set("prompt_form=" + value)
            s.write("AT+CIPSEND=1,1\r")
            self.assertEqual(s.read(len(prompt)), prompt)
            s.write("x")
            self.assertEqual(s.until("1,1\r\n"), b"\r\nOK\r\n\r\n+CIPSEND: 1,1,1\r\n")

    def buffered(self, *knobs, data=b"abcdef"):
        s = self.online(*knobs)
        s.cmd("AT+CIPRXGET=1")
        peer = self.tcp(s)
        peer.sendall(data)
        s.until("1,1\r\n")
        s.wait(lambda: s.stats()["links"][1]["unread"] == len(data))
        return s

    def test_rx_tail(self):
        s = self.buffered("rx_tail=crlf_crlf")
        self.assertEqual(s.cmd("AT+CIPRXGET=2,1,6"),
                         b"\r\n+CIPRXGET: 2,1,6,0\r\nabcdef\r\n\r\nOK\r\n")

    def test_hex_case(self):
        s = self.buffered("hex_case=lower", data=b"\xab\xcd")
        self.assertIn(b"\r\nabcd\r\n", s.cmd("AT+CIPRXGET=3,1,2"))

    def test_urc_space(self):
        s = self.sim("urc_space=none")
        self.assertEqual(s.cmd("AT+CSQ"), b"\r\n+CSQ:23,0\r\n\r\nOK\r\n")

    def pushed(self, *knobs):
        s = self.online(*knobs)
        s.cmd("AT+CIPSRIP=0")
        peer = self.tcp(s)
        peer.sendall(b"abcd")
        out = s.until("abcd")
        peer.close()
        return out + s.until("IPCLOSE: 1,1\r\n")

    def test_push_framing(self):
        self.assertEqual(self.pushed(), b"\r\n+IPD4\r\nabcd\r\n+IPCLOSE: 1,1\r\n")
        self.assertEqual(self.pushed("push_trailing_crlf=yes"),
                         b"\r\n+IPD4\r\nabcd\r\n\r\n+IPCLOSE: 1,1\r\n")
        self.assertEqual(self.pushed("push_leading_crlf=no"),
                         b"+IPD4\r\nabcd\r\n+IPCLOSE: 1,1\r\n")
        self.assertEqual(self.pushed("push_colon=yes"),
                         b"\r\n+IPD4:\r\nabcd\r\n+IPCLOSE: 1,1\r\n")

    def test_push_header_matrix(self):
        rows = {  # CIPHEAD, CIPSRIP, HeaderType: header of 4 bytes on link 1
            (1, 1, 0): b"\r\nRECV FROM:%s\r\n+IPD4\r\n", (1, 0, 0): b"\r\n+IPD4\r\n",
            (0, 1, 0): b"\r\nRECV FROM:%s\r\n", (0, 0, 0): b"",
            (1, 0, 1): b"\r\n+RECEIVE,1,4\r\n",
            (1, 1, 1): b"\r\nRECV FROM:%s\r\n+RECEIVE,1,4\r\n",
            (0, 0, 1): b"\r\n+RECEIVE,1,4\r\n"}
        s = self.online()
        peer = self.tcp(s)
        name = b"127.0.0.1:%d" % peer.getsockname()[1]
        for (head, srip, kind), form in rows.items():
            s.cmd("AT+CIPHEAD=%d" % head)
            s.cmd("AT+CIPSRIP=%d" % srip)
            s.cmd("AT+CIPCCFG=10,0,0,1,%d,0,500" % kind)
            peer.sendall(b"abcd")
            self.assertEqual(s.until("abcd"), form.replace(b"%s", name) + b"abcd")
        s.set("push_header_matrix=none")
        peer.sendall(b"abcd")
        self.assertEqual(s.until("abcd"), b"abcd")

    def test_err_mode_and_numbers(self):
        s = self.sim("err_mode=numeric")
        self.assertEqual(s.cmd("AT+IPADDR"), b"\r\n+IP ERROR: 8" + OK_ERROR)
        s.cmd("AT+CIPRXGET=1")
        self.assertEqual(s.cmd("AT+CIPRXGET=2,1"), b"\r\n+IP ERROR: 22" + OK_ERROR)
        s.set("err_numbers=shifted")
        self.assertEqual(s.cmd("AT+CIPRXGET=2,1"), b"\r\n+IP ERROR: 21" + OK_ERROR)
        s.cmd("AT+CIPCCFG=10,0,0,1,0,0,500")
        self.assertEqual(s.cmd("AT+CIPRXGET=2,1"), b"\r\n+IP ERROR: No data" + OK_ERROR)

    def test_double_error(self):
        s = self.online("double_error=on")
        s.write("AT+CIPSEND=1,4\r")
        self.assertEqual(s.until("ERROR\r\n\r\nERROR\r\n"),
                         b"\r\n+CIPERROR: 4\r\n\r\nERROR\r\n\r\nERROR\r\n")

    def test_unknown_err_code(self):
        s = self.online("open_result=12")
        s.write('AT+CIPOPEN=1,"TCP","192.0.2.1",80\r')
        s.until("\r\n+CIPOPEN: 1,12\r\n")
        s.set("unknown_err_code=255")
        s.write('AT+CIPOPEN=1,"TCP","192.0.2.1",80\r')
        s.until("\r\n+CIPOPEN: 1,255\r\n")

    def test_closelist_fields(self):
        s = self.sim("closelist_fields=9")
        self.assertEqual(s.cmd("AT+CIPCLOSE?"), b"\r\n+CIPCLOSE: 0,0,0,0,0,0,0,0,0\r\n" + OK)
        s.set("closelist_fields=truncated")
        self.assertEqual(s.cmd("AT+CIPCLOSE?"), b"\r\n+CIPCLOSE: 0,0,0,0,0\r\n" + OK)

    def test_netopen_query_fields(self):
        s = self.online("netopen_query_fields=2")
        self.assertEqual(s.cmd("AT+NETOPEN?"), b"\r\n+NETOPEN: 1,0\r\n" + OK)

    def test_cgpaddr_quotes(self):
        s = self.sim()
        self.assertEqual(s.cmd("AT+CGPADDR"), b"\r\n+CGPADDR: 1,10.148.0.17\r\n" + OK)
        s.set("cgpaddr_quotes=on")
        self.assertEqual(s.cmd("AT+CGPADDR=1"), b'\r\n+CGPADDR: 1,"10.148.0.17"\r\n' + OK)

    def test_client_quotes(self):
        s = self.online("client_quotes=on")
        port = free_port()
        s.cmd("AT+SERVERSTART=%d,0" % port)
        with harness.socket.create_connection(("127.0.0.1", port)) as peer:
            self.assertEqual(s.until('"\r\n'),
                             b'\r\n+CLIENT: 0,0,"127.0.0.1:%d"\r\n' % port_of(peer))


class Ordering(Case):
    def open_line(self, s, link=1):
        server = listener()
        self.addCleanup(server.close)
        s.write('AT+CIPOPEN=%d,"TCP","127.0.0.1",%d\r' % (link, port_of(server)))
        peer = server.accept()[0]
        self.addCleanup(peer.close)
        return peer

    def test_order_tcp_open(self):
        s = self.online("order_tcp_open=urc_first")
        self.open_line(s)
        self.assertEqual(s.until("OK\r\n"), b"\r\n+CIPOPEN: 1,0\r\n\r\nOK\r\n")
        s.set("open_result=10")
        self.assertEqual(s.cmd('AT+CIPOPEN=2,"TCP","192.0.2.1",80'),
                         b"\r\n+CIPOPEN: 2,10\r\n\r\nERROR\r\n")

    def test_order_udp_open_and_close(self):
        s = self.online("order_udp_open=ok_first", "order_udp_close=ok_first")
        s.write('AT+CIPOPEN=1,"UDP",,,%d\r' % free_udp_port())
        self.assertEqual(s.until("1,0\r\n"), b"\r\nOK\r\n\r\n+CIPOPEN: 1,0\r\n")
        s.write("AT+CIPCLOSE=1\r")
        self.assertEqual(s.until("1,0\r\n"), b"\r\nOK\r\n\r\n+CIPCLOSE: 1,0\r\n")

    def test_order_tcp_close(self):
        s = self.online("order_tcp_close=urc_first")
        self.tcp(s)
        self.assertEqual(s.cmd("AT+CIPCLOSE=1"), b"\r\n+CIPCLOSE: 1,0\r\n\r\nOK\r\n")

    def test_closed_line_and_ipclose_on_local_close(self):
        for knob, expected in (
                ("closed_line=always", b"\r\nOK\r\n\r\nCLOSED\r\n\r\n+CIPCLOSE: 1,0\r\n"),
                ("closed_line=never", b"\r\nOK\r\n\r\n+CIPCLOSE: 1,0\r\n"),
                ("ipclose_on_local_close=before",
                 b"\r\nOK\r\n\r\n+IPCLOSE: 1,0\r\n\r\n+CIPCLOSE: 1,0\r\n"),
                ("ipclose_on_local_close=after",
                 b"\r\nOK\r\n\r\n+CIPCLOSE: 1,0\r\n\r\n+IPCLOSE: 1,0\r\n")):
            s = self.online(knob)
            self.tcp(s)
            s.write("AT+CIPCLOSE=1\r")
            self.assertEqual(s.only(expected), expected, knob)

    def test_order_serverstop(self):
        s = self.online("order_serverstop=ok_first")
        s.cmd("AT+SERVERSTART=%d,1" % free_port())
        s.write("AT+SERVERSTOP=1\r")
        self.assertEqual(s.until("1,0\r\n"), b"\r\nOK\r\n\r\n+SERVERSTOP: 1,0\r\n")

    def test_open_error_form(self):
        s = self.sim("open_error_form=ok_urc")
        s.write('AT+CIPOPEN=1,"TCP","192.0.2.1",80\r')
        self.assertEqual(s.until("1,2\r\n"), b"\r\nOK\r\n\r\n+CIPOPEN: 1,2\r\n")
        s.set("open_error_form=error")
        self.assertEqual(s.cmd('AT+CIPOPEN=1,"TCP","192.0.2.1",80'), b"\r\nERROR\r\n")

    def test_urc_in_response(self):
        s = self.sim()
        quiet = b"".join(s.cmd("AT+CSQ") for _ in range(200))
        self.assertEqual(quiet, b"\r\n+CSQ: 23,0\r\n\r\nOK\r\n" * 200)
        counts = {}
        for value in ("rare", "often"):
            s.set("urc_in_response=" + value)
            noisy = b"".join(s.cmd("AT+CSQ") for _ in range(200))
            counts[value] = noisy.count(b"\r\n") - 2 * 200 * 2
            self.assertEqual(noisy.count(b"\r\n+CSQ: 23,0\r\n"), 200)
        self.assertGreater(counts["rare"], 0)
        self.assertGreater(counts["often"], 5 * counts["rare"])

    def test_urc_in_response_never_enters_counted_payload(self):
        s = self.online("urc_in_response=often")
        s.cmd("AT+CIPRXGET=1")
        peer = self.tcp_noisy(s)
        peer.sendall(bytes(range(256)) * 20)
        s.wait(lambda: s.stats()["links"][1]["unread"] == 5120)
        data = b""
        while len(data) < 5120:
            s.write("AT+CIPRXGET=2,1,700\r")
            head = s.until("+CIPRXGET: 2,1,") + s.until("\r\n")
            n = int(head.rsplit(b": 2,1,", 1)[1].split(b",")[0])
            data += s.read(n)
            s.until("\r\nOK\r\n")
        self.assertEqual(data, bytes(range(256)) * 20)

    def tcp_noisy(self, s):
        peer = self.open_line(s)
        s.until("+CIPOPEN: 1,0\r\n")
        return peer

    def test_urc_glue(self):
        s = self.sim("urc_glue=on")
        s.cmd("ATE1")
        self.assertEqual(s.cmd("AT+CSQ"), b"\r\n+CREG: 1AT+CSQ\r\r\n+CSQ: 23,0\r\n\r\nOK\r\n")

    def test_push_between_ok_and_cipsend(self):
        orders = {}
        for value in ("possible", "never"):
            s = self.online("push_between_ok_and_cipsend=" + value, "send_confirm_delay_ms=1000")
            s.cmd("AT+CIPSRIP=0")
            peer = self.tcp(s)
            s.write("AT+CIPSEND=1,1\r")
            s.until(">")
            s.write("x")
            peer.recv(1)
            peer.sendall(b"abc")
            out = s.until("OK\r\n")
            while b"abc" not in out or b"+CIPSEND: 1,1,1\r\n" not in out:
                out += s.read(1)
            orders[value] = out
        self.assertEqual(orders["possible"],
                         b"\r\nOK\r\n\r\n+IPD3\r\nabc\r\n+CIPSEND: 1,1,1\r\n")
        self.assertEqual(orders["never"], b"\r\nOK\r\n\r\n+CIPSEND: 1,1,1\r\n\r\n+IPD3\r\nabc")

    def test_passive_close_form(self):
        for value, expected in (("ipclose", b"\r\n+IPCLOSE: 1,1\r\n"),
                                ("cipclose", b"\r\n+CIPCLOSE: 1,0\r\n"),
                                ("both", b"\r\n+IPCLOSE: 1,1\r\n\r\n+CIPCLOSE: 1,0\r\n"),
                                ("none", b"")):
            s = self.online("passive_close_form=" + value)
            self.tcp(s).close()
            s.wait(lambda: s.stats()["links_open"] == 0)
            self.assertEqual(s.only(expected), expected)

    def test_netclose_with_sockets(self):
        s = self.online("netclose_with_sockets=refuses")
        self.tcp(s)
        self.assertEqual(s.cmd("AT+NETCLOSE"), b"\r\n+NETCLOSE: 9\r\n\r\nERROR\r\n")
        s.set("netclose_with_sockets=silent")
        s.write("AT+NETCLOSE\r")
        self.assertEqual(s.until("SE: 0\r\n"), b"\r\nOK\r\n\r\n+NETCLOSE: 0\r\n")

    def test_cipevent_closes(self):
        event = b"\r\n+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY\r\n"
        for value, lines, listed in (("silent", event, b"0"),
                                     ("ipclose", event + b"\r\n+IPCLOSE: 1,1\r\n", b"0"),
                                     ("zombie", event, b"1")):
            s = self.online("cipevent_closes=" + value)
            self.tcp(s)
            s.ctl("cipevent")
            self.assertEqual(s.only(lines), lines)
            self.assertIn(b"\r\n+CIPCLOSE: 0," + listed, s.cmd("AT+CIPCLOSE?"))
            self.assertIn(b"+CIPERROR: 4", s.cmd("AT+CIPSEND=1,1"))

    def test_netopen_state_after_cipevent(self):
        s = self.online("netopen_state_after_cipevent=1")
        s.ctl("cipevent")
        s.until("LY\r\n")
        self.assertEqual(s.cmd("AT+NETOPEN?"), b"\r\n+NETOPEN: 1\r\n" + OK)
        s.cmd("AT+NETCLOSE")
        s.until("\r\n+NETCLOSE: 0\r\n")


class Line(Case):
    def test_byte_split_gives_the_same_bytes_in_small_reads(self):
        s = self.sim()
        whole = s.cmd("ATI")
        s.set("byte_split=on")
        most = 0
        for _ in range(20):  # a reader that comes late finds the pieces together
            s.write("ATI\r")
            reads = 0
            while len(s.got) < len(whole):
                reads += s.read_some()
            self.assertEqual(s.read(len(whole)), whole)
            most = max(most, reads)
            if most > 2:
                break
        self.assertGreater(most, 2)

    def test_coalesce_joins_lines_that_come_apart(self):
        s = self.sim("coalesce=on")
        both = b"\r\n+CREG: 1\r\n\r\n+CREG: 2\r\n"
        joined = False
        for _ in range(20):  # they may come too far apart on a busy machine
            s.ctl("urc +CREG: 1")
            s.ctl("urc +CREG: 2")
            s.read_some()
            joined = joined or s.got == both
            self.assertEqual(s.read(len(both)), both)
            if joined:
                break
        self.assertTrue(joined)

    def test_a_burst_that_is_fragmented_leaves_at_once(self):
        s = self.online("coalesce=on", "byte_split=on")
        peer = self.tcp(s)
        peer.sendall(b"x" * 32768)
        # read() gives up after ten seconds; 16 bytes each 30 ms would take a minute.
        self.assertEqual(len(s.read(30000)), 30000)

    def test_line_noise_changes_bytes(self):
        s = self.sim()
        s.set("line_noise=0.2")
        for _ in range(20):
            s.ctl("urc +CREG: 1")
        self.assertNotEqual(s.silent(0.1), b"\r\n+CREG: 1\r\n" * 20)

    def test_mid_payload_pause_stops_the_line_inside_a_payload(self):
        s = self.online("mid_payload_pause=300")
        s.cmd("AT+CIPSRIP=0")
        peer = self.tcp(s)
        start = time.monotonic()
        peer.sendall(b"x" * 100)
        s.until("+IPD100\r\n")
        self.assertEqual(s.read(100), b"x" * 100)
        self.assertGreaterEqual(time.monotonic() - start, 0.3)

    def test_uart_overrun_drops_what_the_host_does_not_read(self):
        s = self.online()
        s.cmd("AT+CIPSRIP=0")
        peer = self.tcp(s)
        before = s.stats()["overrun"]
        s.set("uart_overrun=64")
        for _ in range(20):
            peer.sendall(b"y" * 200)
            time.sleep(0.005)
        s.wait(lambda: s.stats()["overrun"] > before)

    def test_uart_overrun_off_waits_for_the_host(self):
        s = self.online()
        s.cmd("AT+CIPSRIP=0")
        before = s.stats()["overrun"]
        peer = self.tcp(s)
        peer.sendall(b"y" * 20000)
        time.sleep(0.2)
        total = b""
        while total.count(b"y") < 20000:
            total += s.read(1)
        self.assertEqual(s.stats()["overrun"], before)

    def test_uart_overrun_drop_loses_when_the_tty_is_full(self):
        s = self.online()
        peer = self.tcp(s)
        s.set("uart_overrun=drop")
        before = s.stats()["overrun"]
        peer.sendall(b"y" * 100000)
        s.wait(lambda: s.stats()["overrun"] > before)

    def test_closed_tty(self):
        s = self.sim()
        harness.os.close(s.fd)
        time.sleep(0.05)
        s.ctl("urc +CREG: 1")
        time.sleep(0.05)
        s.open()
        self.assertEqual(s.silent(0.1), b"")
        s.set("closed_tty=keep")
        harness.os.close(s.fd)
        time.sleep(0.05)
        s.ctl("urc +CREG: 2")
        time.sleep(0.05)
        s.open()
        kept = b"\r\n+CREG: 2\r\n"
        self.assertEqual(s.only(kept), kept)


if __name__ == "__main__":
    harness.BINARY = sys.argv.pop(1)
    unittest.main()
