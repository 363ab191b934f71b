/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one list of knobs: everything a real module was seen to do differently from another one, and
 * what tests need besides. It makes the enum, the parser, --list-knobs, KNOBS.md and the defaults.
 *
 * KNOB(ID, "name", "values", "default", "help"); values are alternatives separated by '|': a
 * literal word, a number range A..B, a word with a number WORD:A..B, or TEXT (free).
 * SECTION("title") groups them. KEYED(...) is a knob that also takes NAME@KEY=VALUE for one
 * destination.
 */
SECTION("Text framing")
KNOB(ECHO_AT_BOOT, "echo_at_boot", "on|off", "on", "command echo after power-on or reset")
KNOB(ECHO_PAYLOAD, "echo_payload", "off|on", "off", "echo CIPSEND payload too while echo is on")
KNOB(PROMPT_FORM, "prompt_form", "crlf|crlf_blank|bare|bare_blank", "crlf",
	"CIPSEND prompt: CRLF and >, the same with a blank after it, a bare >, a bare > with a blank")
KNOB(RX_TAIL, "rx_tail", "crlf|crlf_crlf", "crlf",
	"what stands between CIPRXGET data and OK: CRLF OK CRLF, or one more CRLF before it")
KNOB(PUSH_TRAILING_CRLF, "push_trailing_crlf", "no|yes", "no", "CRLF after pushed payload")
KNOB(PUSH_LEADING_CRLF, "push_leading_crlf", "yes|no", "yes", "CRLF before a push header")
KNOB(PUSH_COLON, "push_colon", "no|yes", "no", "colon after the length of a push header")
KNOB(URC_SPACE, "urc_space", "one|none", "one", "blank after the first colon of a line")
KNOB(ERR_MODE, "err_mode", "string|numeric", "string",
	"form of +IP ERROR after boot (CIPCCFG errMode)")
KNOB(ERR_NUMBERS, "err_numbers", "note|shifted", "note",
	"numbering of +IP ERROR: the note's table, or 21 = No Data and 22 = Port Overflow")
KNOB(DOUBLE_ERROR, "double_error", "off|on", "off", "two ERROR lines after +CIPERROR")
KNOB(UNKNOWN_ERR_CODE, "unknown_err_code", "12|255", "12", "what stands for \"unknown error\"")
KNOB(HEX_CASE, "hex_case", "upper|lower", "upper", "digits of CIPRXGET mode 3")
KNOB(CLOSELIST_FIELDS, "closelist_fields", "10|9|truncated", "10",
	"CIPCLOSE? with ten states, nine, or cut off after the fifth")
KNOB(NETOPEN_QUERY_FIELDS, "netopen_query_fields", "1|2", "1", "NETOPEN? as 1 or as 1,0")
KNOB(CGPADDR_QUOTES, "cgpaddr_quotes", "off|on", "off", "address of CGPADDR in quotes")
KNOB(CLIENT_QUOTES, "client_quotes", "off|on", "off", "ip:port of +CLIENT in quotes")

SECTION("Ordering and interleaving")
KNOB(ORDER_TCP_OPEN, "order_tcp_open", "ok_first|urc_first", "ok_first",
	"OK and +CIPOPEN of a TCP link; urc_first keeps the parser busy until the result")
KNOB(ORDER_UDP_OPEN, "order_udp_open", "urc_first|ok_first", "urc_first",
	"+CIPOPEN and OK of a UDP link")
KNOB(ORDER_TCP_CLOSE, "order_tcp_close", "ok_first|urc_first", "ok_first",
	"OK and +CIPCLOSE of a TCP link")
KNOB(ORDER_UDP_CLOSE, "order_udp_close", "urc_first|ok_first", "urc_first",
	"+CIPCLOSE and OK of a UDP link")
KNOB(CLOSED_LINE, "closed_line", "transparent|always|never", "transparent",
	"line CLOSED before +CIPCLOSE of a TCP link")
KNOB(ORDER_SERVERSTOP, "order_serverstop", "urc_first|ok_first", "urc_first",
	"+SERVERSTOP and OK")
KNOB(OPEN_ERROR_FORM, "open_error_form", "urc_error|ok_urc|error", "urc_error",
	"a CIPOPEN refused at once: +CIPOPEN: l,e and ERROR; OK and then +CIPOPEN: l,e; bare ERROR")
KNOB(URC_IN_RESPONSE, "urc_in_response", "rare|never|often", "rare",
	"foreign lines between command and answer, answer and OK, prompt and OK")
KNOB(URC_GLUE, "urc_glue", "off|on", "off",
	"a line without its end of line glued to the echo of the next command")
KNOB(PUSH_BETWEEN, "push_between_ok_and_cipsend", "possible|never", "possible",
	"pushed data between OK and +CIPSEND")
KNOB(PASSIVE_CLOSE_FORM, "passive_close_form", "ipclose|cipclose|both|none", "ipclose",
	"how a close by the peer is told")
KNOB(IPCLOSE_ON_LOCAL, "ipclose_on_local_close", "no|before|after", "no",
	"+IPCLOSE: l,0 around +CIPCLOSE of a local close")
KNOB(NETCLOSE_WITH_SOCKETS, "netclose_with_sockets", "closes|refuses|silent", "closes",
	"NETCLOSE with open links: +CIPCLOSE for each, error 9, or closed without a word")
KNOB(CIPEVENT_CLOSES, "cipevent_closes", "silent|ipclose|zombie", "silent",
	"links at +CIPEVENT: gone, +IPCLOSE for each, or listed open although CIPSEND answers 4")
KNOB(NETOPEN_AFTER_CIPEVENT, "netopen_state_after_cipevent", "0|1", "0",
	"NETOPEN? after +CIPEVENT")

SECTION("Sending")
KNOB(SEND_MAX, "send_max", "1500|1460|1024|2048", "1500", "largest CIPSEND length")
KNOB(SEND_OVERLEN, "send_overlen", "ciperror|error|clamp", "ciperror",
	"CIPSEND above it: +CIPERROR: 3 and ERROR, bare ERROR, or silently less")
KNOB(EARLY_BYTES, "early_bytes", "kept|dropped|drop:1..1500|abort", "kept",
	"payload before the prompt: counted, dropped, the first N dropped, ERROR")
KNOB(LF_AFTER_CR, "lf_after_cr", "swallowed|counted", "swallowed",
	"LF after the CR of CIPSEND: ignored or the first payload byte")
KNOB(CTRLZ_AFTER_FIXED, "ctrlz_after_fixed", "ignored|stray|esc_ignored", "ignored",
	"Ctrl+Z after counted payload: ignored, echoed as a stray byte, ignored and an ESC as well")
KNOB(SEND_BUSY_SCOPE, "send_busy_scope", "module|link|none", "module",
	"what a missing +CIPSEND makes busy (code 8)")
KNOB(SEND_CONFIRM, "send_confirm", "full|partial:0..1500|0|-1|never", "full",
	"cnfSendLength: all, at most K, nothing, connection lost, no +CIPSEND at all")
KNOB(SHORT_CONFIRM_ONCE, "short_confirm_once", "off|0..1500", "off",
	"the next CIPSEND confirms only so many bytes; then off by itself")
KNOB(SEND_AFTER_IPCLOSE, "send_after_ipclose", "minus1|error|ok_only", "minus1",
	"payload of a link that closed after the prompt: -1, ERROR, or OK without +CIPSEND")
KNOB(SEND_CONFIRM_DELAY, "send_confirm_delay_ms", "0..120000|at_ack", "3",
	"last payload byte to +CIPSEND; at_ack waits for the peer (as CIPSENDMODE=1)")
KNOB(PROMPT_DELAY, "prompt_delay_ms", "0..5000|never", "39",
	"CIPSEND to prompt; never: data entry without a prompt")
KNOB(TX_BUFFER, "tx_buffer_bytes", "256..65536", "6144", "unacknowledged bytes a TCP link holds")
KNOB(TX_FULL, "tx_full", "delay|partial|zero", "delay",
	"CIPSEND into a full buffer: +CIPSEND late, confirms what fits, confirms 0 if not all fits")
KNOB(DATA_ENTRY_TIMEOUT, "data_entry_timeout", "none|1..600000", "none",
	"ERROR after so many ms in data entry")
KNOB(CMD_BETWEEN, "cmd_between_ok_and_cipsend", "accepted|error", "accepted",
	"commands before the +CIPSEND of the last send")
KNOB(CIPACK_THIRD, "cipack_third", "unacked|received", "unacked", "third field of CIPACK")
KNOB(CIPACK, "cipack", "on|error", "on", "whether CIPACK is known")

SECTION("Receiving")
KNOB(RX_MODE_AT_BOOT, "rx_mode_at_boot", "0|1", "0", "CIPRXGET mode after boot")
KNOB(PUSH_CHUNK_MAX, "push_chunk_max", "1..1500", "1460", "largest pushed piece of a TCP stream")
KNOB(PUSH_HEADER_MATRIX, "push_header_matrix", "ciphead1|none", "ciphead1",
	"HeaderType 1 with CIPHEAD 0: as with CIPHEAD 1, or no header")
KNOB(MID_PAYLOAD_PAUSE, "mid_payload_pause", "off|1..5000", "off",
	"ms of silence somewhere in each payload")
KNOB(RX_NOTIFY, "rx_notify", "edge|every|periodic:10..60000|lossy:0..1", "edge",
	"+CIPRXGET: 1,l once until drained, at every arrival, every N ms, or once but lost with "
	"probability p")
KNOB(RX_NOTIFY_FORM, "rx_notify_form", "ciprxget|receive", "ciprxget",
	"+CIPRXGET: 1,l or +RECEIVE,l,n")
KNOB(RX_EMPTY_READ, "rx_empty_read", "no_data|zero|error", "no_data",
	"mode 2 or 3 with nothing there: +IP ERROR: No data, 2,l,0,0 and OK, bare ERROR")
KNOB(RX_BUFFER, "rx_buffer_bytes", "256..65536", "8192", "receive buffer of a link in buffer mode")
KNOB(UDP_BOUNDARIES, "udp_boundaries", "merged|datagram|truncate", "merged",
	"mode 2 on UDP: bytes of all, never beyond one datagram, the unread rest of it is lost")
KNOB(UDP_SOURCE, "udp_source_in_buffer", "never|appended", "never",
	",ip:port at the end of the mode-2 line of a UDP link")
KNOB(RX_AFTER_IPCLOSE, "rx_after_ipclose", "kept|discarded|1..600000", "kept",
	"unread data of a link the peer closed: until read or reopened, lost, kept so many ms")
KNOB(BUFFER_TO_PUSH, "buffer_to_push", "stranded|pushed", "stranded",
	"unread data at CIPRXGET=0: stays until mode 1 comes back, or is pushed")
KNOB(RXGET_SWITCH, "rxget_switch", "accepted|refused", "accepted",
	"CIPRXGET=0 or 1 that changes the mode while a link is open: obeyed, or ERROR")
KNOB(UART_OVERRUN, "uart_overrun", "off|drop|16..4096", "off",
	"a host that does not read: wait, lose bytes when its tty is full, lose them above N unread")
KNOB(MODES234, "modes234_without_mode1", "error|work", "error", "CIPRXGET=2..4 in push mode")

SECTION("Links, servers, context")
KNOB(LINKS, "links", "1..10", "10", "number of links")
KNOB(ACCEPT_LINK, "accept_link_choice", "lowest|highest", "lowest", "link of an accepted client")
KNOB(ACCEPT_WHEN_FULL, "accept_when_full", "rst|ignore", "rst", "a client when no link is free")
KNOB(LISTENERS, "listeners", "1..4", "4", "number of servers")
KEYED(OPEN_DELAY, "open_delay_ms", "rtt|0..600000", "rtt",
	"CIPOPEN to +CIPOPEN at least; @HOST:PORT for one destination")
KEYED(OPEN_RESULT, "open_result", "real|1..255|never|late:0..600000", "real",
	"a real socket, a code, silence, a success N ms late; @HOST:PORT for one destination")
KNOB(CONCURRENT_OPEN, "concurrent_open", "accepted|busy", "accepted",
	"a CIPOPEN while another one waits: served, or code 8")
KNOB(OPEN_USED_LINK, "open_used_link", "4|8|error", "4", "CIPOPEN of a link in use")
KNOB(SEND_ERR_CLOSED, "send_err_when_service_closed", "4|2", "4", "CIPSEND without NETOPEN")
KNOB(CLOSE_DELAY, "close_delay_ms", "0..120000|never", "20",
	"CIPCLOSE to +CIPCLOSE; never: the link is closed but nothing says so")
KNOB(CLOSE_UNSENT, "close_unsent", "sent|lost", "sent",
	"bytes not yet on their way at CIPCLOSE: sent first, or lost")
KNOB(STALE_OPEN_STATE, "stale_open_state", "off|on", "off",
	"CIPCLOSE? lists a dead link as open once more")
KNOB(REOPEN_QUARANTINE, "reopen_quarantine_ms", "0..60000", "0",
	"a link opened again within so many ms gets +IPCLOSE: l,1 at once")
KNOB(NETOPEN_DELAY, "netopen_delay_ms", "0..120000", "5", "NETOPEN to +NETOPEN")
KNOB(NETOPEN_RESULT, "netopen_result", "0|1|never|error", "0",
	"+NETOPEN: 0 or 1, no +NETOPEN, bare ERROR")
KNOB(STATE_SURVIVES, "state_survives_host_restart", "yes|no", "yes",
	"what unplug MS leaves: the module's state, or a reset")
KNOB(IPV6, "ipv6", "off|on", "off", "on: CSOCKSETPN=1,6 gives an IPv6 service (and no IPv4)")
KNOB(IP6_LITERAL, "ip6_literal", "any|plain|brackets", "any",
	"form of an IPv6 address in CIPOPEN, CIPSEND and CPING; another one is error 3")
KNOB(CSOCKSETPN_2ND, "csocksetpn_2nd_arg", "accepted|error", "accepted",
	"second argument of CSOCKSETPN")
KEYED(DNS, "dns", "host|fail|delay:0..120000", "host",
	"names by the host's resolver, error 11, host's resolver after N ms; @NAME=ADDRESS or fail "
	"for one name")
KNOB(HALF_CLOSE, "half_close", "full|writable:1..600000", "full",
	"the peer's FIN closes the link, or leaves it writable for N ms")
KNOB(APN_REQUIRED, "apn_required", "off|TEXT", "off", "NETOPEN fails with any other APN")
KNOB(APN_LOGIN, "apn_login", "off|TEXT", "off",
	"NETOPEN fails without this log-in: pap:USER:PASSWORD or chap:USER:PASSWORD")
KNOB(CGAUTH, "cgauth", "user_first|password_first|error", "user_first",
	"order of the strings of CGAUTH, or ERROR")
KNOB(IP_ADDRESS, "ip_address", "TEXT", "10.148.0.17", "address of the PDP context")
KNOB(IP6_ADDRESS, "ip6_address", "TEXT", "2409:8960:1e64:94d8:1:0:3b3b:7118",
	"address of the PDP context in IPv6 service")
KNOB(OPERATOR_DNS, "operator_dns", "TEXT", "192.0.2.53,192.0.2.54",
	"the DNS servers of CGCONTRDP, two at most; error: it answers ERROR")
KEYED(PING_RESULT, "ping_result", "ok:0..60000|timeout|error", "ok:42",
	"CPING: answers after N ms, +CPING: 2, ERROR; also for one address as written in CPING")
KNOB(HEADERTYPE1, "headertype1", "accepted|error|ignored", "accepted",
	"CIPCCFG with HeaderType 1: obeyed, ERROR, or OK and nothing changes")
KNOB(CIPCCFG, "cipccfg", "accepted|error", "accepted", "CIPCCFG=: known or ERROR")

SECTION("Module life")
KNOB(BOOT_PROFILE, "boot_profile", "a76xx|sim7600|none", "a76xx",
	"banner: *ATREADY: 1 and friends, RDY and friends, nothing")
KNOB(BOOT_TIME, "boot_time_s", "0..120", "6", "power-on or reset to the banner")
KNOB(AT_BEFORE_BANNER, "at_before_banner", "dropped|answered", "dropped", "commands during boot")
KNOB(RESET_AT, "reset_at", "never|time:1..86400000|bytes:1..1000000000|open|send", "never",
	"reset by itself once: after N ms, after N bytes to the host, in a CIPOPEN, in data entry")
KNOB(LINE_NOISE, "line_noise", "off|0..1", "off",
	"probability that a byte to the host is lost or wrong")
KNOB(CPIN_EARLY, "cpin_early", "ready|failure:1..600", "ready",
	"CPIN? after the banner: READY, or +CME ERROR: SIM failure for N s")
KNOB(REGISTRATION, "registration", "home|roaming|lte_only|searching|denied", "home",
	"CREG 0,1; 0,5; CREG 0,3 with CEREG 0,5; 0,2; 0,3")
KNOB(PB_DONE, "pb_done_without_reset", "off|on", "off", "SMS DONE and PB DONE after a re-attach")
KNOB(BAUD_SWITCH, "baud_switch", "immediate|delayed:1..5000", "immediate",
	"AT+IPR: right after OK, or N ms later")
KNOB(BAUD_STORE, "baud_store", "volatile|persistent", "volatile", "AT+IPR over a reset")
KNOB(BAUD_MISMATCH, "baud_mismatch", "ignored|garbled", "ignored",
	"a host whose tty has another speed")
KNOB(FLOW_CONTROL, "flow_control", "none|rtscts", "none",
	"data mode with a full send buffer: bytes are lost, or the host waits")
KNOB(CME_TEXT, "cme_text", "text|numeric|error", "text", "+CME ERROR after boot (until AT+CMEE)")
KNOB(AT_TIMEOUT, "at_timeout", "none|1..1000000", "none",
	"the Nth command from now hangs the parser until a reset")
KNOB(TRANSPARENT_CLOSE, "transparent_remote_close", "closed|closed_ipclose|no_carrier", "closed",
	"the peer closes in data mode: CLOSED, CLOSED and +IPCLOSE: 0,1, NO CARRIER")
KNOB(ESCAPE_GUARD, "escape_guard_ms", "100..5000", "1000",
	"silence around +++; its own gaps may be nine tenths of it")
KNOB(DATA_WHILE_ESCAPED, "data_while_escaped", "held|pushed", "held",
	"data of link 0 while escaped: after ATO, or with a push header")
KNOB(URC_STORM, "urc_storm", "off|1..1000", "off", "foreign lines per second")
KNOB(SIM, "sim", "ready|absent|puk", "ready", "the card")
KNOB(PIN, "pin", "off|TEXT", "off", "PIN the card asks for")
KNOB(PIN_TRIES, "pin_tries", "1..3", "3", "tries left; setting it gives the card so many again")
KNOB(SPIC, "spic", "on|error", "on", "whether SPIC tells the tries left")
KNOB(RSSI, "rssi", "0..31|99", "23", "CSQ")
KNOB(MODEL, "model", "TEXT", "A7670E-FASE", "ATI, CGMM")
KNOB(REVISION, "revision", "TEXT", "A131B04A7670M6C", "ATI, CGMR")
KNOB(ICCID, "iccid", "TEXT", "89860000000000000017", "CICCID")

SECTION("Timing, line rate and network")
KNOB(SEED, "seed", "clock|0..4000000000", "clock",
	"start of the sequence that everything random follows; setting it starts anew")
KNOB(BAUD, "baud", "0..4000000", "115200", "line rate both ways, 10 bits a byte; 0 is unpaced")
KNOB(PARSER_LATENCY, "parser_latency_ms", "0..5000", "5", "last byte of a command to its answer")
KNOB(RTT, "rtt_ms", "0..10000", "0",
	"added to opening, to data after a pause and to confirmation by ack")
KNOB(LOSS, "loss", "0..1", "0", "probability that a UDP datagram is lost, each way")
KNOB(UPLINK, "uplink_bps", "0..100000000", "0", "bit/s to the network; 0 is no limit")
KNOB(DOWNLINK, "downlink_bps", "0..100000000", "0", "bit/s from the network; 0 is no limit")
KNOB(BYTE_SPLIT, "byte_split", "off|on", "off", "bytes to the host in random fragments")
KNOB(COALESCE, "coalesce", "off|on", "off", "bytes to the host in bursts of 30 ms")
KNOB(CLOSED_TTY, "closed_tty", "discard|keep", "discard",
	"output while no process has the tty open: lost as on a UART, or kept for the next one")
