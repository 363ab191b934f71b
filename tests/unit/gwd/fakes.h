/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The gateway with both its sides played by the test: every function of stack/stack.h and
 * modem/modem.h that the gateway calls is defined in fakes.c, records what was asked, and the test
 * answers through the callbacks the gateway gave. Time only moves when the test says so.
 */
#ifndef TESTS_GWD_FAKES_H
#define TESTS_GWD_FAKES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway.h"

#define HOSTS_MAX 400

/* One endpoint as the fake stack keeps it. */
struct stack_tcp {
	void *user;
	bool alive;	/* the gateway may still use it */
	struct endpoint local, remote; /* of one that the gateway began */
	bool accepted, refused, aborted, abort_when_acked, shut_down, detached;
	enum stack_answer answer;
	usec_t last_syn;
	uint8_t rx[16384]; /* from the host, unconfirmed */
	size_t rx_len;
	size_t confirmed;
	uint8_t tx[131072]; /* to the host */
	size_t tx_len;
	size_t tx_space; /* what it still takes */
	size_t unacked;  /* of what it took */
};

struct fake_link {
	enum modem_link_state state;
	enum modem_link_type type;
	struct endpoint remote;
	unsigned closes, resumes, queries;
	size_t room;
	bool report_close; /* closed()/opened(CANCELLED) is due at the next modem_run() */
};

struct world {
	struct gateway *gw;
	struct config config;
	usec_t now;
	/* the host's side */
	const struct stack_ops *stack;
	void *stack_user;
	struct stack_tcp *hosts;
	unsigned n_hosts;
	struct {
		struct endpoint remote, local;
		uint8_t p[2048];
		size_t n;
	} datagrams[128];
	unsigned n_datagrams;
	unsigned n_udp_refused, n_too_big;
	enum stack_answer udp_answer;
	unsigned too_big_mtu;
	/* the module's side */
	const struct modem_ops *modem;
	void *modem_user;
	struct fake_link links[MODEM_LINKS];
	enum modem_receive receive;
	bool adaptive;		/* modem_want_buffer() is granted */
	unsigned buffer_wanted; /* how often it was asked */
	unsigned opens;
	char names[MODEM_RESOLVE_MAX][MODEM_NAME_MAX + 1]; /* being resolved, the first is the next */
	unsigned n_names;
	uint16_t ports[MODEM_SERVERS]; /* that the module is to listen on; 0: none */
	int connect_result; /* of stack_tcp_connect() */
	uint32_t random;
	struct {
		struct addr to;
		size_t size;
		unsigned ttl;
		bool busy;
	} ping; /* the last one */
	unsigned pings;
	int ping_error; /* what modem_ping() returns */
	/* what became of echo requests */
	struct {
		struct endpoint local, remote; /* port: id, seq */
		size_t n;
		uint8_t first;
		bool refused;
		enum stack_answer answer;
	} echoes[64];
	unsigned n_echoes;
	/* owner look-ups */
	int owner_result;
	struct tun_owner owner;
	unsigned owner_lookups;
	/* what the gateway told of itself, and was told of its options */
	void (*on_event)(const struct gateway_event *e);
	unsigned mtu, connect_timeouts_set, dns_set;
};

extern struct world *world;

/* cmocka fixtures: a gateway whose bearer is up. */
int world_setup(void **state);
int world_teardown(void **state);

struct endpoint ep(const char *text);
void bearer(bool up);
void run(void);
void advance(usec_t t); /* moves the clock and runs */

/* A SYN of the host; the endpoint, or NULL when it was refused at once (see the last host). */
struct stack_tcp *host_syn(const char *local, const char *remote);
void host_event(struct stack_tcp *t, unsigned events);
void host_sends(struct stack_tcp *t, const void *p, size_t n);

/* The link that is opening or open to @remote, -1: none. */
int link_to(const char *remote);
void module_opens(int link, int result);
void module_data(int link, const void *p, size_t n, const char *from);
void module_closes(int link, enum modem_close_reason reason);
void module_frees(int link);
/* A client came to @server and has @link. */
void module_accepts(int link, unsigned server, const char *remote);
/* Lets the scheduler offer a send; its length, 0 when it has none. */
size_t module_takes(struct modem_send *send, uint8_t *buf);
void module_confirms(const struct modem_send *send, size_t n);

void module_acks(int link, uint64_t sent, uint64_t acked); /* CIPACK's answer */
void module_acks_not(int link); /* there is none */

/* The end of the first look-up. */
void module_resolves(int result, const char *address);

/* A connection up to OPEN: its endpoint; the link through @link. */
struct stack_tcp *connected(const char *local, const char *remote, int *link);
bool host_sends_datagram(const char *local, const char *remote, const void *p, size_t n);

#endif
