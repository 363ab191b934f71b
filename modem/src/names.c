/* SPDX-License-Identifier: BSD-3-Clause */
#include "private.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const char *modem_state_name(enum modem_state s)
{
	static const char *const names[] = {
		"absent", "probe", "configure", "sim", "register", "activate", "up", "recover",
		"stopping", "stopped",
	};

	_Static_assert(COUNT(names) == MODEM_STATE_STOPPED + 1, "a name for each state");
	return names[s];
}

const char *modem_state_awaits(enum modem_state s)
{
	static const char *const waits[] = {
		"no tty", "the module has not answered yet", "the module is being set up",
		"the SIM is not ready yet", "not registered yet", "the network is not open yet", "",
		"recovering", "", "",
	};

	_Static_assert(COUNT(waits) == MODEM_STATE_STOPPED + 1, "a text for each state");
	return waits[s];
}

const char *modem_receive_name(enum modem_receive r)
{
	static const char *const names[] = {"push", "buffer", "transparent", "auto"};

	_Static_assert(COUNT(names) == MODEM_RECEIVE_AUTO + 1, "a name for each mode");
	return names[r];
}

const char *modem_failure_name(enum modem_failure f)
{
	static const char *const names[] = {"none", "pin", "puk", "sim", "denied", "apn", "ip"};

	_Static_assert(COUNT(names) == MODEM_FAILURE_IP + 1, "a name for each failure");
	return names[f];
}

const char *modem_link_state_name(enum modem_link_state s)
{
	static const char *const names[] = {"free", "opening", "open", "draining", "closing"};

	_Static_assert(COUNT(names) == MODEM_LINK_CLOSING + 1, "a name for each state");
	return names[s];
}

const char *modem_server_state_name(enum modem_server_state s)
{
	static const char *const names[] = {"idle", "starting", "listening", "stopping", "failed"};

	_Static_assert(COUNT(names) == MODEM_SERVER_FAILED + 1, "a name for each state");
	return names[s];
}

const char *modem_open_result_name(int result)
{
	/* NOTE 4.1, <err>. */
	static const char *const errors[] = {
		"ok", "network failure", "network not opened", "wrong parameter", "not supported",
		"socket failed", "bind failed", "already listening", "busy", "sockets opened",
		"timeout", "dns failed", "unknown",
	};
	static const char *const ours[] = {"silence", "error", "lost", "cancelled"};

	_Static_assert(COUNT(errors) == MODEM_OPEN_UNKNOWN + 1, "a name for each <err>");
	_Static_assert(COUNT(ours) == MODEM_OPEN_CANCELLED - MODEM_OPEN_SILENCE + 1, "and of ours");
	if (result >= MODEM_OPEN_SILENCE && result <= MODEM_OPEN_CANCELLED)
		return ours[result - MODEM_OPEN_SILENCE];
	return result >= 0 && result <= MODEM_OPEN_UNKNOWN ? errors[result] : "unknown";
}

const char *modem_close_reason_name(enum modem_close_reason r)
{
	static const char *const names[] = {"local", "remote", "timeout", "lost", "send", "data"};

	_Static_assert(COUNT(names) == MODEM_CLOSE_DATA + 1, "a name for each reason");
	return names[r];
}

const char *modem_ping_result_name(enum modem_ping_result r)
{
	static const char *const names[] = {"reply", "timeout", "failed", "unsupported", "lost"};

	_Static_assert(COUNT(names) == MODEM_PING_LOST + 1, "a name for each result");
	return names[r];
}
