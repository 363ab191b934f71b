/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ten links and four servers: real sockets behind CIPOPEN and SERVERSTART.
 */
#ifndef SIM_LINKS_H
#define SIM_LINKS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal.h"
#include "parser.h"

#define SERVERS_MAX 4
#define RESOLVERS_MAX 12
#define DGRAMS_MAX 256
#define LINK_BUFFER_MAX 65536 /* upper end of rx_buffer_bytes and tx_buffer_bytes */
struct sim;
struct loop;

#define SEND_MAX 2048
#define CONFIRMS_MAX 12

/*
 *  state       entered by               leaves by
 *  FREE        start, every close       CIPOPEN, accept
 *  RESOLVING   CIPOPEN of a name        answer, CIPTIMEOUT, CIPCLOSE
 *  CONNECTING  CIPOPEN, answer          connected, refused, CIPTIMEOUT (code 10), CIPCLOSE
 *  OPEN        connected, accept        CIPCLOSE, peer, NETCLOSE, +CIPEVENT, half_close timer
 *  CLOSING     CIPCLOSE                 send buffer empty (at most 120 s) and close_delay_ms
 *  ZOMBIE      +CIPEVENT (cipevent_closes=zombie)   CIPCLOSE, NETOPEN, reset
 */
enum link_state {
	LINK_FREE,
	LINK_RESOLVING,
	LINK_CONNECTING,
	LINK_OPEN,
	LINK_CLOSING,
	LINK_ZOMBIE,
};

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct link {
	enum link_state state;
	unsigned gen; /* one more for each opening: what a timer must match */
	bool udp, transparent, accepted;
	int fd, server;
	union address peer;
	char host[128], key[160]; /* as the host wrote them: HOST and HOST:PORT */
	long port, local_port;
	int64_t opened_at, deadline; /* CIPOPEN: when it began, when it times out */
	int64_t closed_at, told_at;  /* when it closed, when the host was told */
	int64_t ready_at;	     /* received data is held until then (rtt_ms, CIPCCFG DelayTm) */
	bool flowing, half_closed, stale;
	bool announced; /* +CIPRXGET: 1 since the buffer was last empty */
	uint64_t sent, received;
	int open_error;	     /* CIPOPEN's result, when it is only due later */
	bool parser_waits;   /* that result is also the parser's final one */

	uint8_t rx[LINK_BUFFER_MAX];
	size_t rx_head, rx_len;
	struct {
		uint16_t len;
		union address from;
	} dgram[DGRAMS_MAX];
	unsigned dgram_head, dgrams;

	uint8_t tx[LINK_BUFFER_MAX];
	size_t tx_head, tx_len;
};

struct server {
	int fd;
	long port;
};

/* A name on its way: a child process asks the host's resolver and writes the answer into a pipe. */
struct resolver {
	int fd; /* -1: the answer is here already */
	bool used, answered;
	unsigned id;
	int64_t not_before; /* knob dns=delay:N */
	union address answer;
	void (*done)(struct sim *sim, int arg, unsigned gen, const union address *a);
	int arg;
	unsigned gen;
};

/* +CIPSEND lines that are due. */
enum confirm_state { CONFIRM_FREE, CONFIRM_ROOM, CONFIRM_ACK, CONFIRM_TIME, CONFIRM_NEVER };

struct confirm {
	enum confirm_state state;
	int link;
	unsigned gen;
	long req, cnf;
	uint64_t ack_target;
	int64_t due, deadline;
	size_t off, len; /* payload that still waits for room */
	uint8_t data[SEND_MAX];
};

struct send {
	int link;
	unsigned gen;
	long want, got;
	bool variable, escaped, closed_meanwhile;
	union address to;
	int64_t entered, complete_at, last_byte;
	int probe; /* bytes of a command seen in the payload, -1 none */
	long dropped; /* early bytes so far (knob early_bytes=drop:N) */
	uint8_t data[SEND_MAX];
	struct confirm confirm[CONFIRMS_MAX];
	int64_t uplink_clock, downlink_clock;
};

/* links.c */
void links_init(struct sim *sim);
void links_reset(struct sim *sim);
void links_watch(struct sim *sim, struct loop *loop);
void links_run(struct sim *sim);
int64_t links_deadline(struct sim *sim);
const char *link_state_name(enum link_state s);
bool link_open(const struct sim *sim, int l);
void link_free(struct sim *sim, int l, bool abort); /* closes the socket, keeps unread data */
void link_remote_closed(struct sim *sim, int l, int reason);
void link_tell_closed(struct sim *sim, int l, int reason);
void link_set_state(struct sim *sim, int l, enum link_state s);
void links_lost(struct sim *sim);
int link_pick(struct sim *sim); /* a free link for an accepted client, or -1 */
void link_discard_rx(struct link *k);
command_fn cmd_cipclose;
void link_begin(struct sim *sim, int l, bool udp);   /* a new life of the link */

/* open.c */
command_fn cmd_cipopen;
void link_connect_event(struct sim *sim, int l);
void link_open_failed(struct sim *sim, int l, int error); /* CIPOPEN is over */
void link_socket_options(int fd, bool udp);

/* resolve.c */
int resolve_start(struct sim *sim, const char *name,
	void (*done)(struct sim *, int, unsigned, const union address *), int arg, unsigned gen);
void resolve_watch(struct sim *sim, struct loop *loop);
void resolve_reset(struct sim *sim);
bool literal_form(const struct sim *sim, const char *text); /* knob ip6_literal */
bool address_parse(const char *text, long port, union address *out);
void address_print(const union address *a, char *out, size_t size);	 /* host */
void address_print_full(const union address *a, char *out, size_t size); /* host:port */
long address_port(const union address *a);
socklen_t address_len(const union address *a);

/* server.c */
command_fn cmd_serverstart, cmd_serverstop;
void servers_watch(struct sim *sim, struct loop *loop);
void servers_reset(struct sim *sim);

/* send.c */
command_fn cmd_cipsend, cmd_cipack;
void send_early(struct sim *sim, uint8_t byte, int64_t at);
void send_payload(struct sim *sim, uint8_t byte, int64_t at);
void send_link_closed(struct sim *sim, int l);
void send_reset(struct sim *sim);
bool send_unconfirmed(const struct sim *sim);
void confirms_run(struct sim *sim);
int64_t confirms_deadline(const struct sim *sim);
/* Puts bytes into the send buffer of a TCP link; returns how many fit. */
size_t link_queue(struct sim *sim, int l, const uint8_t *p, size_t n);
size_t link_tx_room(const struct sim *sim, int l);
void link_flush(struct sim *sim, int l);
uint64_t link_acked(const struct sim *sim, int l);

/* receive.c */
command_fn cmd_ciprxget;
/* Whether the link's socket is worth polling now. */
bool receive_wanted(struct sim *sim, int l);
void receive_event(struct sim *sim, int l);
int64_t receive_deadline(const struct sim *sim, int l);
void receive_run(struct sim *sim);
/* Reads what is there without waiting for the next round. */
void receive_now(struct sim *sim);

#endif
