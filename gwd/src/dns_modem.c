/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names by the module's resolver (decision 23). CDNSGIP knows one thing: the address of a name, of the
 * bearer's family. That is answered; for the other family and for the types that clients ask beside an
 * address, "no such record" is close enough to the truth and stops them from asking on; of all the rest
 * the gateway knows nothing and says so.
 *
 * A failed look-up is SERVFAIL, never NXDOMAIN: the module does not tell a name that does not exist from
 * a server that did not answer, and clients remember NXDOMAIN.
 */
#include "gateway.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static enum dns_type address_type(const struct unit *u)
{
	return u->address.family == 6 ? DNS_TYPE_AAAA : DNS_TYPE_A;
}

/* What is answered without a look-up; true: this one needs it. */
static bool needs_lookup(const struct unit *u, const struct dns_request *r, enum dns_rcode *rcode)
{
	*rcode = r->rcode;
	if (r->rcode != DNS_NOERROR)
		return false;
	switch (r->class == DNS_CLASS_IN ? r->type : 0) {
	case DNS_TYPE_A:
	case DNS_TYPE_AAAA:
		*rcode = DNS_SERVFAIL; /* of a name that is no host's */
		if (r->type == address_type(u))
			return r->name[0];
		*rcode = DNS_NOERROR;
		return false;
	case DNS_TYPE_SVCB:
	case DNS_TYPE_HTTPS:
		*rcode = DNS_NOERROR;
		return false;
	default:
		*rcode = DNS_NOTIMP;
		return false;
	}
}

bool dns_modem_query(struct gateway *gw, const struct stack_datagram *d)
{
	struct dns_request r;
	enum dns_rcode rcode;
	uint8_t out[DNS_REPLY_MAX];
	bool fresh;

	/* What has no header or is an answer gets none (RFC 1035 7.3). */
	if (d->n < DNS_HEADER || dns_is_answer(d->p)) {
		gw->count.udp_dropped_send++;
		return true;
	}
	gw->count.dns_queries++;
	dns_parse_request(&r, d->p, d->n);
	if (needs_lookup(&gw->units[0], &r, &rcode)) {
		dns_keep(gw, d, &d->remote, DNS_BY_MODEM, &fresh);
		return true;
	}
	gw->count.dns_failed += rcode == DNS_SERVFAIL;
	gw->count.dns_answers += rcode == DNS_NOERROR;
	stack_udp_send(gw->stack, &d->remote, &d->local, out,
		dns_reply(out, d->p, &r, rcode, NULL, 0));
	return true;
}

/* The modem keeps few names at a time; the table keeps the rest. */
void dns_modem_run(struct gateway *gw)
{
	struct query *q;

	/* Handed over now they would be asked when nobody waits any more. */
	if (unit_line_taken(&gw->units[0]))
		return;
	while (gw->units[0].up && (q = dns_waiting(gw, DNS_BY_MODEM, NULL))) {
		struct dns_request r;
		int rc;

		dns_request_of(q, &r);
		rc = modem_resolve(gw->units[0].modem, r.name);
		if (rc == -ENOBUFS || rc == -ENETDOWN)
			return;
		q->sent = true;
		if (rc < 0)
			dns_finish(gw, q, DNS_SERVFAIL, NULL);
	}
}

void dns_modem_resolved(struct unit *u, const char *name, int result, const struct addr *a)
{
	struct gateway *gw = u->gw;
	bool usable = result == 0 && a->family == u->address.family;

	gw->dns.again = true;
	for (unsigned i = 0; i < DNS_MAX; i++) {
		struct query *q = &gw->dns.queries[i];
		struct dns_request r;

		if (!q->used || q->way != DNS_BY_MODEM || !q->sent)
			continue;
		dns_request_of(q, &r);
		if (strcasecmp(r.name, name) != 0)
			continue;
		gw->count.dns_answers += usable;
		dns_finish(gw, q, usable ? DNS_NOERROR : DNS_SERVFAIL, usable ? a : NULL);
	}
}
