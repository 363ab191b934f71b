/* SPDX-License-Identifier: BSD-3-Clause */
/* The links as others see them: by links.c's phases, which nobody else needs to know. */
#include "private.h"

enum modem_link_state modem_link_state(const struct modem *m, unsigned link)
{
	static const enum modem_link_state states[] = {
		[LINK_IDLE] = MODEM_LINK_FREE,
		[LINK_OPEN_WANTED] = MODEM_LINK_OPENING,
		[LINK_OPEN_SENT] = MODEM_LINK_OPENING,
		[LINK_UP] = MODEM_LINK_OPEN,
		[LINK_DRAIN] = MODEM_LINK_DRAINING,
		[LINK_CLOSE_WANTED] = MODEM_LINK_CLOSING,
		[LINK_CLOSE_SENT] = MODEM_LINK_CLOSING,
		[LINK_ABANDONED] = MODEM_LINK_CLOSING,
		[LINK_REVOKE_SENT] = MODEM_LINK_CLOSING,
		[LINK_QUARANTINE] = MODEM_LINK_CLOSING,
		[LINK_FREED] = MODEM_LINK_CLOSING,
	};

	_Static_assert(sizeof(states) / sizeof(states[0]) == LINK_PHASES, "each phase has a state");
	return link < MODEM_LINKS ? states[m->links[link].phase] : MODEM_LINK_FREE;
}

enum modem_link_type modem_link_type(const struct modem *m, unsigned link)
{
	return link < MODEM_LINKS ? m->links[link].type : MODEM_LINK_TCP;
}

bool links_idle(const struct modem *m)
{
	for (unsigned l = 0; l < MODEM_LINKS; l++)
		if (m->links[l].phase != LINK_IDLE && m->links[l].phase != LINK_FREED)
			return false;
	return true;
}

unsigned links_open(const struct modem *m)
{
	unsigned n = 0;

	for (unsigned l = 0; l < MODEM_LINKS; l++)
		n += link_alive(&m->links[l]);
	return n;
}
