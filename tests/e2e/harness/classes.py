# SPDX-License-Identifier: BSD-3-Clause
"""What each value of each knob of the simulated modem must lead to.

One row: a knob, values of it (separated by blanks), the expected class, and the reason where it is not
"works". A word of a76sim's list that stands in no row, a range without a number in a row, a row for a
value that a76sim does not take: each of them fails the suite.

`also` turns other knobs without which this one changes nothing; `gwd` are options of the daemon;
`size` is for values that make every byte dear.
"""
from __future__ import annotations

import dataclasses

from .sweep import FORWARD, SIZE, Class, Run

WORKS, SLOWER, RESET, NO_BEARER, UNSOUND = Class

# Options that choose the receive mode; the first is the default of the daemon.
DEFAULT_MODE, BUFFER = "default", "buffer"
MODES = {DEFAULT_MODE: {}, BUFFER: {"modem.receive": "buffer"}}

# Knobs that say nothing about how bytes are received need one mode only.
ONE_MODE = {knob: mode for mode, knobs in {
    DEFAULT_MODE: """
        echo_at_boot push_trailing_crlf push_leading_crlf push_colon push_header_matrix
        push_chunk_max err_numbers unknown_err_code closelist_fields netopen_query_fields
        cgpaddr_quotes client_quotes order_tcp_open order_udp_open order_tcp_close order_udp_close
        closed_line order_serverstop open_error_form ipclose_on_local_close netclose_with_sockets
        cipevent_closes netopen_state_after_cipevent send_max lf_after_cr early_bytes
        ctrlz_after_fixed cmd_between_ok_and_cipsend cipack_third accept_link_choice
        accept_when_full listeners open_delay_ms open_result open_used_link
        send_err_when_service_closed stale_open_state netopen_delay_ms netopen_result
        state_survives_host_restart ipv6 csocksetpn_2nd_arg dns apn_required ip_address
        ip6_address operator_dns ping_result cipccfg boot_profile at_before_banner cpin_early
        registration pb_done_without_reset baud_switch baud_store baud_mismatch flow_control
        cme_text transparent_remote_close escape_guard_ms data_while_escaped sim pin pin_tries
        rssi model revision iccid seed closed_tty boot_time_s prompt_delay_ms line_noise
        at_timeout concurrent_open
    """,
    BUFFER: """
        rx_tail hex_case rx_notify rx_notify_form rx_empty_read rx_buffer_bytes udp_boundaries
        udp_source_in_buffer
    """}.items() for knob in knobs.split()}

PIN = {"modem.pin_file": "1234"}
SIX = {"modem.ip": 6}
BY_MODULE = {"dns.mode": "modem"}
LEARNS = "a limit is learned by the send that is refused"
SILENT = "where the result comes before OK, the command gets no answer at all in time"
FED = "a module that shows no prompt and waits is fed until it answers"


@dataclasses.dataclass(frozen=True)
class Row:
    knob: str
    values: str
    expected: Class = WORKS
    why: str = ""
    also: dict[str, str] = dataclasses.field(default_factory=dict)
    gwd: dict[str, object] = dataclasses.field(default_factory=dict)
    size: int = SIZE
    modes: str = ""        # "" takes ONE_MODE's, then both
    chance: bool = False   # the class is the worst; luck may do better
    mistakes: str = ""     # why the simulator may note mistakes
    tail: str = ""         # why bytes before a reset may be none of the stream's
    secrets: dict[str, str] = dataclasses.field(default_factory=dict)
    alone: bool = False    # not for combinations: it needs what `also`, `gwd` or `secrets` give

    def in_modes(self) -> list[str]:
        return (self.modes or ONE_MODE.get(self.knob, f"{DEFAULT_MODE} {BUFFER}")).split()

    def run(self, value: str, mode: str) -> Run:
        return Run({**self.also, self.knob: value}, {**MODES[mode], **self.gwd}, self.size,
                   self.expected, self.chance, self.mistakes, self.tail, self.secrets)


TABLE = [
    # -- text framing
    Row("echo_at_boot", "on off"),
    Row("echo_payload", "off on"),
    Row("prompt_form", "crlf crlf_blank bare bare_blank"),
    Row("rx_tail", "crlf crlf_crlf"),
    Row("push_trailing_crlf", "no yes"),
    Row("push_leading_crlf", "yes no"),
    Row("push_colon", "no yes"),
    Row("urc_space", "one none"),
    Row("err_mode", "string numeric"),
    Row("err_numbers", "note shifted", also={"err_mode": "numeric"}),
    Row("double_error", "off on"),
    Row("unknown_err_code", "12 255"),
    Row("hex_case", "upper lower", gwd={"modem.hex": "yes"}, alone=True),
    Row("closelist_fields", "10 9 truncated"),
    Row("netopen_query_fields", "1 2"),
    Row("cgpaddr_quotes", "off on"),
    Row("client_quotes", "off on", gwd=FORWARD, alone=True),

    # -- ordering and interleaving
    Row("order_tcp_open", "ok_first urc_first"),
    Row("order_udp_open", "urc_first ok_first"),
    Row("order_tcp_close", "ok_first urc_first"),
    Row("order_udp_close", "urc_first ok_first"),
    Row("closed_line", "transparent always never"),
    Row("order_serverstop", "urc_first ok_first", gwd=FORWARD, alone=True),
    Row("open_error_form", "urc_error ok_urc", also={"concurrent_open": "busy"}),
    Row("open_error_form", "error", RESET, "a bare ERROR does not say that it is only busy", chance=True,
        also={"concurrent_open": "busy"}),
    Row("urc_in_response", "rare never often"),
    Row("urc_glue", "off on"),
    Row("push_between_ok_and_cipsend", "possible never"),
    Row("passive_close_form", "ipclose cipclose both"),
    Row("passive_close_form", "none", RESET, "a link that the slow watch finds dead is never a clean end"),
    Row("ipclose_on_local_close", "no before after"),
    Row("netclose_with_sockets", "closes refuses silent"),
    Row("cipevent_closes", "silent ipclose zombie"),
    Row("netopen_state_after_cipevent", "0 1"),

    # -- sending
    Row("send_max", "1500 1460 2048"),
    Row("send_max", "1024", mistakes=LEARNS),
    Row("send_overlen", "ciperror error", also={"send_max": "1024"}, mistakes=LEARNS),
    Row("send_overlen", "clamp", RESET, "what is beyond the module's silent limit are commands to it",
        also={"send_max": "1024"}, mistakes=LEARNS),
    Row("early_bytes", "kept dropped drop:1 drop:1500 abort"),
    Row("lf_after_cr", "swallowed counted"),
    Row("ctrlz_after_fixed", "ignored stray esc_ignored"),
    Row("send_busy_scope", "module link none"),
    Row("send_confirm", "full partial:1500"),
    Row("send_confirm", "partial:700", SLOWER, "an acknowledgement is awaited every 700 bytes", size=8192),
    Row("send_confirm", "partial:1", SLOWER, "an acknowledgement is awaited for every byte", size=16),
    Row("send_confirm", "partial:0 0", RESET, "the module takes nothing, ever"),
    Row("send_confirm", "-1", RESET, "the module says that the connection is lost"),
    Row("send_confirm", "never", RESET, "nobody knows what the module took"),
    Row("short_confirm_once", "off 0 1 700 1500"),
    Row("send_after_ipclose", "minus1 error ok_only"),
    Row("send_confirm_delay_ms", "0 3 at_ack"),
    Row("send_confirm_delay_ms", "300", SLOWER, "45 sends and more, 300 ms each", size=16384),
    Row("prompt_delay_ms", "0 39"),
    Row("prompt_delay_ms", "1000", SLOWER, "a second for each send", size=8192),
    Row("prompt_delay_ms", "never", RESET, "nobody knows whether the module waits for bytes",
        mistakes=FED, tail=FED),
    Row("tx_buffer_bytes", "256 1460 6144 65536"),
    Row("tx_full", "delay partial", also={"tx_buffer_bytes": "1460", "uplink_bps": "1000000"}, size=16384),
    Row("tx_full", "zero", RESET, "nothing is taken of a send that does not fit whole", chance=True,
        also={"tx_buffer_bytes": "1460", "uplink_bps": "1000000"}, size=16384),
    Row("data_entry_timeout", "none 1000"),
    Row("data_entry_timeout", "1", RESET, "the prompt is withdrawn before a host can answer it", chance=True,
        mistakes="payload is on its way when the prompt is withdrawn"),
    Row("cmd_between_ok_and_cipsend", "accepted error"),
    Row("cipack_third", "unacked received"),
    Row("cipack", "on error"),

    # -- receiving
    Row("rx_mode_at_boot", "0 1"),
    Row("push_chunk_max", "1 512 1460 1500"),
    Row("push_header_matrix", "ciphead1 none"),
    Row("mid_payload_pause", "off 1 20"),
    Row("mid_payload_pause", "250", SLOWER, "a pause in each payload", size=16384),
    Row("rx_notify", "edge every periodic:10 periodic:1000 lossy:0 lossy:0.3 lossy:1"),
    Row("rx_notify_form", "ciprxget receive"),
    Row("rx_empty_read", "no_data zero error"),
    Row("rx_buffer_bytes", "256 2000 8192 65536"),
    Row("udp_boundaries", "merged datagram truncate"),
    Row("udp_source_in_buffer", "never appended"),
    Row("rx_after_ipclose", "kept 1000"),
    Row("rx_after_ipclose", "discarded 1", RESET, "buffer mode: the module throws the stream's end away",
        chance=True),
    Row("buffer_to_push", "stranded pushed"),
    Row("rxget_switch", "accepted refused"),
    Row("uart_overrun", "off"),
    Row("uart_overrun", "drop 4096 16", RESET, "bytes are lost when the host is late", chance=True,
        also={"baud": "921600"}, mistakes="a prompt or a result may be lost",
        tail="what is lost inside a payload is noticed behind it"),
    Row("modes234_without_mode1", "error work"),

    # -- links, servers, context
    Row("links", "10"),
    Row("links", "1 2 9", RESET, "the note's modules have ten; a number that is refused is used last",
        chance=True),
    Row("accept_link_choice", "lowest highest", gwd=FORWARD, alone=True),
    Row("accept_when_full", "rst ignore", gwd=FORWARD, alone=True),
    Row("listeners", "1 4", gwd=FORWARD, alone=True),
    Row("open_delay_ms", "rtt 0 500 4000"),
    Row("open_delay_ms", "20000", RESET, "longer than tcp.connect_timeout", mistakes=SILENT),
    Row("open_result", "real late:0 late:1000"),
    Row("open_result", "1 2 3 4 5 6 7 8 9 10 11 12 255", RESET, "every open fails"),
    Row("open_result", "never", RESET, "no open has a result", mistakes=SILENT),
    Row("open_result", "late:20000", RESET, "success after tcp.connect_timeout", mistakes=SILENT),
    Row("concurrent_open", "accepted busy"),
    Row("open_used_link", "4 8 error"),
    Row("send_err_when_service_closed", "4 2"),
    Row("close_delay_ms", "0 20 1000"),
    Row("close_unsent", "sent lost", also={"uplink_bps": "1000000"}),
    Row("close_delay_ms", "never"),
    Row("stale_open_state", "off on"),
    Row("reopen_quarantine_ms", "0 5000"),
    Row("netopen_delay_ms", "0 5 1500"),
    Row("netopen_result", "0"),
    Row("netopen_result", "1", NO_BEARER, "the PDP context cannot be activated"),
    Row("netopen_result", "error", NO_BEARER, "NETOPEN is refused"),
    Row("netopen_result", "never", NO_BEARER, "NETOPEN has no result"),
    Row("state_survives_host_restart", "yes no"),
    Row("ipv6", "off on"),
    Row("ipv6", "on", gwd=SIX, modes=f"{DEFAULT_MODE} {BUFFER}", alone=True),
    Row("ip6_literal", "any plain brackets", also={"ipv6": "on"}, gwd=SIX, alone=True),
    Row("csocksetpn_2nd_arg", "accepted error"),
    Row("dns", "host delay:0 delay:500", gwd=BY_MODULE, also={"dns@h7.test": "198.51.100.7"}, alone=True),
    Row("dns", "fail", RESET, "no name", gwd=BY_MODULE, alone=True),
    Row("half_close", "full writable:1 writable:1000"),
    Row("half_close", "writable:600000", RESET, "the module does not tell that the peer has closed"),
    Row("apn_login", "off"),
    Row("apn_login", "pap:ann:secret", gwd={"modem.auth": "pap", "modem.user": "ann"}, alone=True,
        secrets={"modem.password_file": "secret"}),
    Row("cgauth", "user_first password_first error"),
    Row("apn_required", "off internet"),
    Row("apn_required", "other", NO_BEARER, "the network wants another APN"),
    Row("ip_address", "10.148.0.17 100.64.0.1"),
    Row("ip6_address", "2409:8960:1e64:94d8:1:0:3b3b:7118 2001:db8::1"),
    Row("operator_dns", "192.0.2.53,192.0.2.54 error"),
    Row("ping_result", "ok:0 ok:42 timeout error"),
    Row("headertype1", "accepted error"),
    Row("headertype1", "ignored", RESET, "no header names the link: the flows of one peer are in doubt",
        modes=DEFAULT_MODE, chance=True),
    Row("headertype1", "ignored", modes=BUFFER),
    Row("cipccfg", "accepted error"),

    # -- module life
    Row("boot_profile", "a76xx sim7600 none"),
    Row("boot_time_s", "0 1 6"),
    Row("at_before_banner", "dropped answered", also={"boot_time_s": "1"}),
    Row("reset_at", "never"),
    Row("reset_at", "time:1 time:600 bytes:1 bytes:40000", RESET,
        "a reset in the middle of the streams", chance=True,
        mistakes="the module forgets a dialogue in the middle of it",
        tail="a banner in the middle of counted payload is payload"),
    Row("reset_at", "open send", RESET, "a reset in the middle of a command",
        mistakes="the module forgets a dialogue in the middle of it",
        tail="a banner in the middle of counted payload is payload"),
    Row("line_noise", "off 0"),
    Row("line_noise", "0.0001 1", UNSOUND, "no check sum protects the tty",
        mistakes="commands are answered wrongly"),
    Row("cpin_early", "ready failure:1 failure:3"),
    Row("registration", "home roaming lte_only"),
    Row("registration", "searching denied", NO_BEARER, "not registered"),
    Row("pb_done_without_reset", "off on"),
    Row("baud_switch", "immediate delayed:100"),
    Row("baud_store", "volatile persistent"),
    Row("baud_mismatch", "ignored"),
    Row("baud_mismatch", "garbled", also={"baud": "921600"}),
    Row("flow_control", "none rtscts"),
    Row("cme_text", "text numeric error"),
    Row("at_timeout", "none"),
    Row("at_timeout", "1 30 60", NO_BEARER, "the module is deaf until its power is cut", chance=True,
        mistakes="the commands of the probe end in nothing"),
    Row("transparent_remote_close", "closed closed_ipclose no_carrier"),
    Row("escape_guard_ms", "100 1000 5000"),
    Row("data_while_escaped", "held pushed"),
    Row("urc_storm", "off 10 1000"),
    Row("sim", "ready"),
    Row("sim", "absent", NO_BEARER, "no card"),
    Row("sim", "puk", NO_BEARER, "the card wants its PUK"),
    Row("pin", "off"),
    Row("pin", "1234", secrets=PIN, alone=True),
    Row("pin_tries", "3 2", secrets=PIN, also={"pin": "1234"}, alone=True),
    Row("pin_tries", "1", NO_BEARER, "the last try is left to people", secrets=PIN, also={"pin": "1234"}),
    Row("spic", "on error"),
    Row("rssi", "0 23 31 99"),
    Row("model", "A7670E-FASE SIMCOM_SIM7600E-H"),
    Row("revision", "A131B04A7670M6C LE20B03SIM7600M22"),
    Row("iccid", "89860000000000000017"),

    # -- timing, line rate and network
    Row("seed", "clock 0 4000000000"),
    Row("baud", "0 921600 4000000"),
    Row("baud", "115200", SLOWER, "11 kB/s each way", size=16384),
    Row("baud", "9600", SLOWER, "1 kB/s each way", size=2048),
    Row("parser_latency_ms", "0 5"),
    Row("parser_latency_ms", "100", SLOWER, "100 ms more for every command", size=16384),
    Row("rtt_ms", "0 50"),
    Row("rtt_ms", "600", SLOWER, "as over a satellite"),
    Row("loss", "0"),
    Row("loss", "0.3", RESET, "a name may be asked for in vain every time", chance=True),
    Row("loss", "1", RESET, "no datagram arrives: no name", modes=DEFAULT_MODE),
    Row("loss", "1", modes=BUFFER),  # names go by TCP
    Row("uplink_bps", "0 1000000 100000000"),
    Row("uplink_bps", "64000", SLOWER, "8 kB/s up", size=16384),
    Row("downlink_bps", "0 1000000 100000000"),
    Row("downlink_bps", "64000", SLOWER, "8 kB/s down", size=16384),
    Row("byte_split", "off on"),
    Row("coalesce", "off on"),
    Row("closed_tty", "discard keep"),
]
