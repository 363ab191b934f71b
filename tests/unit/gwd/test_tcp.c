/* SPDX-License-Identifier: BSD-3-Clause */
/* One flow, one link: what the host is told, and that a stream is whole or reset. */
#include "fakes.h"

#include <errno.h>
#include <string.h>

static const char local[] = "10.148.0.17:40000", remote[] = "198.51.100.7:80";

static void the_handshake_waits_for_the_module(void **state)
{
	struct stack_tcp *t = host_syn(local, remote);

	(void)state;
	assert_int_equal(link_to(remote), 9);
	assert_false(t->accepted || t->refused);
	module_opens(9, MODEM_OPEN_OK);
	assert_true(t->accepted);
}

static void each_open_code_tells_the_host_the_truth(void **state)
{
	static const struct {
		int result;
		enum stack_answer answer;
	} rows[] = {
		{MODEM_OPEN_NETWORK_FAILURE, STACK_ANSWER_RST},
		{MODEM_OPEN_NETWORK_NOT_OPENED, STACK_ANSWER_NET_UNREACH},
		{MODEM_OPEN_WRONG_PARAMETER, STACK_ANSWER_RST},
		{MODEM_OPEN_SOCKET_FAILED, STACK_ANSWER_RST},
		{MODEM_OPEN_BIND_FAILED, STACK_ANSWER_RST},
		{MODEM_OPEN_LISTENING, STACK_ANSWER_RST},
		{MODEM_OPEN_TIMEOUT, STACK_ANSWER_HOST_UNREACH},
		{MODEM_OPEN_DNS_FAILED, STACK_ANSWER_RST},
		{MODEM_OPEN_UNKNOWN, STACK_ANSWER_RST},
		{MODEM_OPEN_SILENCE, STACK_ANSWER_HOST_UNREACH},
		{MODEM_OPEN_ERROR, STACK_ANSWER_RST},
		{MODEM_OPEN_LOST, STACK_ANSWER_NET_UNREACH},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stack_tcp *t = host_syn(local, remote);

		module_opens(link_to(remote), rows[i].result);
		assert_true(t->refused);
		assert_int_equal(t->answer, rows[i].answer);
		advance(SEC(10)); /* what is remembered of the destination fades */
	}
}

static void busy_and_a_taken_link_are_tried_again(void **state)
{
	static const int results[] = {MODEM_OPEN_BUSY, MODEM_OPEN_NOT_SUPPORTED,
		MODEM_OPEN_SOCKETS_OPENED};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct stack_tcp *t = host_syn(local, remote);
		int link = link_to(remote);

		module_opens(link, results[i]);
		assert_false(t->refused);
		assert_int_equal(link_to(remote), -1);
		advance(SEC(1));
		module_opens(link_to(remote), MODEM_OPEN_OK);
		assert_true(t->accepted);
		link = link_to(remote);
		host_event(t, STACK_TCP_GONE);
		module_frees(link);
	}
}

static void a_module_that_is_busy_for_long_refuses_nobody(void **state)
{
	struct stack_tcp *t = host_syn(local, remote);

	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		t->last_syn = world->now;
		module_opens(link_to(remote), MODEM_OPEN_BUSY);
		advance(MSEC(310));
		assert_true(t->alive);
	}
	module_opens(link_to(remote), MODEM_OPEN_OK);
	assert_true(t->accepted);
}

static void a_number_that_was_refused_is_used_last(void **state)
{
	(void)state;
	host_syn(local, remote);
	module_opens(9, MODEM_OPEN_NOT_SUPPORTED);
	advance(SEC(1));
	assert_int_equal(link_to(remote), 8);
	module_opens(8, MODEM_OPEN_NOT_SUPPORTED);
	advance(SEC(1));
	assert_int_equal(link_to(remote), 7);
}

static void a_link_that_is_never_free_ends_in_a_reset(void **state)
{
	struct stack_tcp *t = host_syn(local, remote);

	(void)state;
	for (unsigned i = 0; i < 6 && !t->refused; i++) {
		module_opens(link_to(remote), MODEM_OPEN_NOT_SUPPORTED);
		advance(SEC(2));
	}
	assert_true(t->refused);
	assert_int_equal(t->answer, STACK_ANSWER_RST);
}

static void silence_ends_as_host_unreachable(void **state)
{
	struct stack_tcp *t = host_syn(local, remote);

	(void)state;
	world->owner_result = 0;
	for (unsigned i = 0; i < 29; i++) {
		t->last_syn = world->now;
		advance(SEC(1));
	}
	assert_false(t->refused);
	advance(SEC(2));
	assert_true(t->refused);
	assert_int_equal(t->answer, STACK_ANSWER_HOST_UNREACH);
	assert_int_equal(world->links[9].closes, 1);
}

static void bytes_are_confirmed_to_the_host_when_the_module_took_them(void **state)
{
	uint8_t buf[1500];
	struct modem_send send;
	int link;
	struct stack_tcp *t = connected(local, remote, &link);

	(void)state;
	host_sends(t, "hello", 5);
	assert_int_equal(module_takes(&send, buf), 5);
	assert_memory_equal(buf, "hello", 5);
	assert_int_equal(t->confirmed, 0);
	module_confirms(&send, 5);
	assert_int_equal(t->confirmed, 5);
	assert_int_equal(module_takes(&send, buf), 0);
}

static void the_rest_of_a_short_confirm_is_offered_again(void **state)
{
	uint8_t buf[1500];
	struct modem_send send;
	int link;
	struct stack_tcp *t = connected(local, remote, &link);

	(void)state;
	host_sends(t, "abcdef", 6);
	module_takes(&send, buf);
	module_confirms(&send, 2);
	assert_int_equal(module_takes(&send, buf), 4);
	assert_memory_equal(buf, "cdef", 4);
}

static void bytes_gather_while_a_send_is_under_way(void **state)
{
	uint8_t buf[1500];
	struct modem_send send;
	int link;
	struct stack_tcp *t = connected(local, remote, &link);

	(void)state;
	host_sends(t, "a", 1);
	assert_int_equal(module_takes(&send, buf), 1);
	for (unsigned i = 0; i < 10; i++)
		host_sends(t, "b", 1);
	module_confirms(&send, 1);
	assert_int_equal(module_takes(&send, buf), 10);
}

static void received_bytes_reach_the_host_in_order(void **state)
{
	int link;
	struct stack_tcp *t = connected(local, remote, &link);

	(void)state;
	t->tx_space = 3;
	module_data(link, "abcdef", 6, NULL);
	module_data(link, "gh", 2, NULL);
	assert_int_equal(t->tx_len, 3);
	t->tx_space = 100;
	host_event(t, STACK_TCP_WRITABLE);
	assert_int_equal(t->tx_len, 8);
	assert_memory_equal(t->tx, "abcdefgh", 8);
}

static void bytes_that_come_before_the_hosts_ack_wait(void **state)
{
	struct stack_tcp *t = host_syn(local, remote);

	(void)state;
	module_opens(9, MODEM_OPEN_OK);
	module_data(9, "banner", 6, NULL);
	assert_int_equal(t->tx_len, 0);
	module_closes(9, MODEM_CLOSE_REMOTE);
	host_event(t, STACK_TCP_ESTABLISHED);
	assert_memory_equal(t->tx, "banner", 6);
	assert_true(t->shut_down);
}

static void a_host_that_does_not_read_is_reset_at_its_cap_in_push_mode(void **state)
{
	static uint8_t chunk[1460];
	int link, other;
	struct stack_tcp *t = connected(local, remote, &link);
	struct stack_tcp *o = connected("10.148.0.17:40001", "198.51.100.8:80", &other);
	unsigned n = 0;

	(void)state;
	t->tx_space = 0;
	while (t->alive && n++ < 1000)
		module_data(link, chunk, sizeof(chunk), NULL);
	assert_true(t->aborted);
	assert_in_range(n * sizeof(chunk), world->config.tcp.buffer,
		world->config.tcp.buffer + 2 * sizeof(chunk));
	assert_int_equal(world->links[link].closes, 1);
	module_data(other, "x", 1, NULL);
	assert_int_equal(o->tx_len, 1);
}

static void in_buffer_mode_the_module_is_asked_for_what_fits(void **state)
{
	static uint8_t chunk[1460];
	int link;
	struct stack_tcp *t = connected(local, remote, &link);
	size_t space;

	(void)state;
	t->tx_space = 0;
	space = world->modem->rx_space(world->modem_user, (unsigned)link);
	assert_int_equal(space, MODEM_TCP_CHUNK_MAX);
	while (world->modem->rx_space(world->modem_user, (unsigned)link) >= sizeof(chunk))
		module_data(link, chunk, sizeof(chunk), NULL);
	assert_true(t->alive);
	assert_int_equal(world->modem->rx_space(world->modem_user, (unsigned)link), 0);
	t->tx_space = 5000;
	host_event(t, STACK_TCP_WRITABLE);
	assert_true(world->links[link].resumes > 0);
	assert_int_equal(world->modem->rx_space(world->modem_user, (unsigned)link), MODEM_TCP_CHUNK_MAX);
}

static void a_remote_close_delivers_everything_then_fin(void **state)
{
	int link;
	struct stack_tcp *t = connected(local, remote, &link);

	(void)state;
	t->tx_space = 2;
	module_data(link, "abc", 3, NULL);
	module_closes(link, MODEM_CLOSE_REMOTE);
	assert_false(t->shut_down);
	t->tx_space = 10;
	host_event(t, STACK_TCP_WRITABLE);
	assert_memory_equal(t->tx, "abc", 3);
	assert_true(t->shut_down && t->alive);
	host_event(t, STACK_TCP_FIN);
	assert_true(t->detached);
	assert_int_equal(world->gw->n_flows, 0);
}

static void a_remote_close_with_unconfirmed_bytes_ends_in_a_reset_after_delivery(void **state)
{
	uint8_t buf[1500];
	struct modem_send send;
	int link;
	struct stack_tcp *t = connected(local, remote, &link);

	(void)state;
	host_sends(t, "lost", 4);
	module_takes(&send, buf);
	t->tx_space = 0;
	module_data(link, "abc", 3, NULL);
	module_closes(link, MODEM_CLOSE_REMOTE);
	assert_false(t->abort_when_acked);
	t->tx_space = 10;
	host_event(t, STACK_TCP_WRITABLE);
	assert_memory_equal(t->tx, "abc", 3);
	assert_true(t->abort_when_acked);
	assert_false(t->shut_down);
}

static void what_the_host_writes_after_a_remote_close_is_reset(void **state)
{
	int link;
	struct stack_tcp *t = connected(local, remote, &link);

	(void)state;
	module_closes(link, MODEM_CLOSE_REMOTE);
	assert_true(t->shut_down);
	host_sends(t, "too late", 8);
	assert_true(t->aborted);
}

static void every_other_end_of_a_link_is_a_reset(void **state)
{
	static const enum modem_close_reason reasons[] = {MODEM_CLOSE_TIMEOUT, MODEM_CLOSE_LOST,
		MODEM_CLOSE_SEND, MODEM_CLOSE_DATA};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		int link;
		struct stack_tcp *t = connected(local, remote, &link);

		module_data(link, "abc", 3, NULL);
		module_closes(link, reasons[i]);
		assert_true(t->aborted);
		assert_false(t->shut_down);
	}
	assert_int_equal(world->gw->n_flows, 0);
}

static void a_host_reset_closes_the_link_at_once(void **state)
{
	int link;
	struct stack_tcp *t = connected(local, remote, &link);

	(void)state;
	host_event(t, STACK_TCP_GONE);
	assert_int_equal(world->links[link].closes, 1);
	assert_int_equal(world->gw->n_flows, 0);
}

static void a_closed_socket_frees_its_link_once_the_peer_has_everything(void **state)
{
	uint8_t buf[1500];
	struct modem_send send;
	int link;
	struct stack_tcp *t;

	(void)state;
	world->owner_result = 0;
	world->owner = (struct tun_owner){.inode = 7, .tcp_state = 2};
	t = connected(local, remote, &link);
	host_sends(t, "bye", 3);
	world->owner = (struct tun_owner){.inode = 0, .tcp_state = 4};
	host_event(t, STACK_TCP_FIN);
	assert_int_equal(world->links[link].queries, 0);
	module_takes(&send, buf);
	module_confirms(&send, 3);
	assert_int_equal(world->links[link].queries, 1);
	module_acks(link, 3, 1);
	assert_int_equal(world->links[link].closes, 0);
	advance(MSEC(200));
	assert_int_equal(world->links[link].queries, 2);
	module_acks(link, 3, 3);
	assert_int_equal(world->links[link].closes, 1);
	assert_true(t->shut_down && t->detached);
}

static void a_real_half_close_keeps_the_answer(void **state)
{
	int link;
	struct stack_tcp *t;

	(void)state;
	world->owner_result = 0;
	world->owner = (struct tun_owner){.inode = 7, .tcp_state = 5};
	t = connected(local, remote, &link);
	host_event(t, STACK_TCP_FIN);
	advance(SEC(100));
	assert_true(t->alive);
	assert_int_equal(world->links[link].closes, 0);
	module_data(link, "answer", 6, NULL);
	module_closes(link, MODEM_CLOSE_REMOTE);
	assert_memory_equal(t->tx, "answer", 6);
	assert_true(t->shut_down && t->detached);
}

static void a_shutdown_followed_by_close_is_noticed(void **state)
{
	int link;
	struct stack_tcp *t;

	(void)state;
	world->owner_result = 0;
	world->owner = (struct tun_owner){.inode = 7, .tcp_state = 5};
	t = connected(local, remote, &link);
	host_event(t, STACK_TCP_FIN);
	advance(MSEC(500));
	assert_true(t->alive);
	world->owner.inode = 0;
	advance(SEC(1));
	assert_true(t->detached);
	assert_int_equal(world->links[link].closes, 1);
}

static void a_half_close_of_another_namespace_lasts_linger_from_the_last_byte(void **state)
{
	int link;
	struct stack_tcp *t = connected(local, remote, &link); /* owner: ENOENT */

	(void)state;
	host_event(t, STACK_TCP_FIN);
	advance(SEC(8));
	module_data(link, "x", 1, NULL);
	advance(SEC(8));
	assert_true(t->alive);
	advance(SEC(3));
	assert_true(t->aborted);
	assert_int_equal(world->links[link].closes, 1);
}

static void a_living_half_close_follows_idle_timeout_not_linger(void **state)
{
	int link;
	struct stack_tcp *t;

	(void)state;
	world->config.tcp.idle_timeout = SEC(3600);
	world->owner_result = 0;
	world->owner = (struct tun_owner){.inode = 7, .tcp_state = 5};
	t = connected(local, remote, &link);
	host_event(t, STACK_TCP_FIN);
	advance(SEC(100));
	module_data(link, "x", 1, NULL);
	advance(SEC(100));
	assert_true(t->alive);
	advance(SEC(3600));
	assert_true(t->aborted);
}

/* The last byte counts when it came, not when the daemon woke up before it. */
static void linger_counts_from_the_byte_itself(void **state)
{
	int link;
	struct stack_tcp *t = connected(local, remote, &link);

	(void)state;
	host_event(t, STACK_TCP_FIN);
	world->now += MSEC(9900);
	module_data(link, "x", 1, NULL);
	advance(MSEC(9900));
	assert_true(t->alive);
	advance(MSEC(200));
	assert_true(t->aborted);
}

static void begin_confirm(struct stack_tcp *t, int link)
{
	struct modem_send send;
	uint8_t buf[1500];

	host_sends(t, "0123456789", 10);
	host_event(t, STACK_TCP_FIN);
	module_takes(&send, buf);
	module_confirms(&send, 10);
	assert_int_equal(world->links[link].queries, 1);
}

static void a_peer_that_acknowledges_slowly_is_waited_for(void **state)
{
	int link;
	struct stack_tcp *t = connected(local, remote, &link);

	(void)state;
	begin_confirm(t, link);
	for (uint64_t acked = 1; acked < 10; acked++) {
		module_acks(link, 10, acked);
		advance(SEC(20));
		assert_true(t->alive);
		assert_int_equal(world->links[link].closes, 0);
	}
}

static void without_cipack_a_close_waits_for_what_is_under_way(void **state)
{
	int link;
	struct stack_tcp *t;

	(void)state;
	world->owner_result = 0;
	world->owner = (struct tun_owner){.inode = 7, .tcp_state = 2};
	t = connected(local, remote, &link);
	world->owner.inode = 0; /* closed */
	begin_confirm(t, link);
	module_acks_not(link);
	advance(SEC(2));
	assert_int_equal(world->links[link].closes, 0);
	advance(SEC(2));
	module_acks_not(link);
	assert_int_equal(world->links[link].closes, 1);
	assert_false(t->aborted);
}

static void bytes_known_to_be_missing_stay_missing_when_cipack_fails(void **state)
{
	int link;
	struct stack_tcp *t = connected(local, remote, &link);

	(void)state;
	begin_confirm(t, link);
	module_acks(link, 10, 5);
	for (unsigned i = 0; i < 40; i++) {
		advance(SEC(1));
		if (t->alive)
			module_acks_not(link);
	}
	assert_true(t->aborted);
}

/* Nine half-closed flows hold all links that TCP may have; of the second one alone the owner is not
 * known. */
static void under_pressure_a_known_half_close_goes_last(void **state)
{
	struct stack_tcp *t[TCP_LINKS_MAX];
	char to[32];
	int link;

	(void)state;
	world->config.tcp.linger = SEC(300);
	world->owner = (struct tun_owner){.inode = 7, .tcp_state = 2};
	for (int i = 0; i < TCP_LINKS_MAX; i++) {
		snprintf(to, sizeof(to), "198.51.100.%d:80", i + 1);
		world->owner_result = i == 1 ? -ENOENT : 0;
		t[i] = connected(local, to, &link);
		host_event(t[i], STACK_TCP_FIN);
		world->owner_result = 0;
		advance(MSEC(100));
	}
	advance(SEC(2));
	host_syn(local, "198.51.100.99:80");
	advance(SEC(1));
	for (int i = 0; i < TCP_LINKS_MAX; i++)
		assert_int_equal(t[i]->aborted, i == 1);
}

static void a_look_up_that_fails_leaves_it_to_linger(void **state)
{
	int link;
	struct stack_tcp *t;

	(void)state;
	world->owner_result = 0;
	world->owner = (struct tun_owner){.inode = 7, .tcp_state = 2};
	t = connected(local, remote, &link);
	world->owner_result = -ETIMEDOUT;
	host_event(t, STACK_TCP_FIN);
	advance(SEC(9));
	assert_true(t->alive);
	advance(SEC(2));
	assert_true(t->aborted);
}

static void bytes_the_peer_never_acknowledges_end_in_a_reset(void **state)
{
	int link;
	struct stack_tcp *t = connected(local, remote, &link);

	(void)state;
	begin_confirm(t, link);
	for (unsigned i = 0; i < 40; i++) {
		if (t->alive)
			module_acks(link, 10, 5);
		advance(SEC(1));
	}
	assert_true(t->aborted);
	assert_false(t->shut_down);
}

static void a_host_that_reads_its_last_bytes_slowly_gets_them(void **state)
{
	int link;
	struct stack_tcp *t = connected(local, remote, &link);

	(void)state;
	module_data(link, "abc", 3, NULL);
	t->unacked = 3;
	module_closes(link, MODEM_CLOSE_REMOTE);
	assert_true(t->shut_down);
	advance(SEC(500));
	assert_true(t->alive);
	t->unacked = 0;
	host_event(t, STACK_TCP_ACKED);
	advance(SEC(100));
	assert_true(t->alive);
	host_event(t, STACK_TCP_FIN);
	assert_true(t->detached);
}

static void sockets_left_open_by_programs_do_not_stop_new_connections(void **state)
{
	struct stack_tcp *t = NULL;

	(void)state;
	for (unsigned i = 0; i < FLOWS_MAX + 20; i++) {
		int link;

		t = connected(local, remote, &link);
		assert_true(t->accepted);
		module_closes(link, MODEM_CLOSE_REMOTE);
	}
	assert_true(t->alive);
}

static void an_idle_flow_is_reset_only_when_asked_for(void **state)
{
	int link;
	struct stack_tcp *t = connected(local, remote, &link);

	(void)state;
	advance(SEC(100000));
	assert_true(t->alive);
	host_event(t, STACK_TCP_GONE);
	module_frees(link);
	world->config.tcp.idle_timeout = SEC(60);
	t = connected(local, remote, &link);
	advance(SEC(50));
	module_data(link, "x", 1, NULL);
	advance(SEC(50));
	assert_true(t->alive);
	advance(SEC(11));
	assert_true(t->aborted);
}

static void a_bearer_that_is_down_is_network_unreachable(void **state)
{
	struct stack_tcp *t;

	(void)state;
	bearer(false);
	t = host_syn(local, remote);
	assert_true(t->refused);
	assert_int_equal(t->answer, STACK_ANSWER_NET_UNREACH);
}

static void held_syns_hear_of_a_bearer_loss(void **state)
{
	struct stack_tcp *t[12];

	(void)state;
	for (unsigned i = 0; i < 12; i++)
		t[i] = host_syn(local, remote);
	for (unsigned i = 0; i < MODEM_LINKS; i++) {
		if (world->links[i].state != MODEM_LINK_OPENING)
			continue;
		world->links[i].state = MODEM_LINK_FREE;
		world->modem->opened(world->modem_user, i, MODEM_OPEN_LOST);
		world->modem->link_free(world->modem_user, i);
	}
	bearer(false);
	run();
	for (unsigned i = 0; i < 12; i++) {
		assert_true(t[i]->refused);
		assert_int_equal(t[i]->answer, STACK_ANSWER_NET_UNREACH);
	}
	assert_int_equal(world->gw->n_flows, 0);
}

static void a_v6_destination_on_a_v4_bearer_is_unreachable(void **state)
{
	struct stack_tcp *t = host_syn("[2001:db8::2]:4000", "[2001:db8::1]:80");

	(void)state;
	assert_true(t->refused);
	assert_int_equal(t->answer, STACK_ANSWER_NET_UNREACH);
}

static void a_thousand_connections_leave_nothing_behind(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		int link;
		struct stack_tcp *t;

		world->n_hosts = 0;
		memset(world->hosts, 0, sizeof(*world->hosts));
		t = connected(local, remote, &link);
		module_data(link, "x", 1, NULL);
		module_closes(link, MODEM_CLOSE_REMOTE);
		host_event(t, STACK_TCP_FIN);
		assert_true(t->detached);
	}
	assert_int_equal(world->gw->n_flows, 0);
	assert_int_equal(world->gw->n_buffers, 0);
	assert_int_equal(world->gw->pool.n_free, world->gw->pool.n);
	assert_int_equal(unit_links_in_use(&world->gw->units[0], LINK_UNUSED), MODEM_LINKS);
	assert_int_equal(gateway_deadline(world->gw), USEC_NEVER);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(the_handshake_waits_for_the_module),
		T(each_open_code_tells_the_host_the_truth),
		T(busy_and_a_taken_link_are_tried_again),
		T(a_number_that_was_refused_is_used_last),
		T(a_link_that_is_never_free_ends_in_a_reset),
		T(silence_ends_as_host_unreachable),
		T(bytes_are_confirmed_to_the_host_when_the_module_took_them),
		T(the_rest_of_a_short_confirm_is_offered_again),
		T(bytes_gather_while_a_send_is_under_way),
		T(received_bytes_reach_the_host_in_order),
		T(bytes_that_come_before_the_hosts_ack_wait),
		T(a_host_that_does_not_read_is_reset_at_its_cap_in_push_mode),
		T(in_buffer_mode_the_module_is_asked_for_what_fits),
		T(a_remote_close_delivers_everything_then_fin),
		T(a_remote_close_with_unconfirmed_bytes_ends_in_a_reset_after_delivery),
		T(what_the_host_writes_after_a_remote_close_is_reset),
		T(every_other_end_of_a_link_is_a_reset),
		T(a_host_reset_closes_the_link_at_once),
		T(a_closed_socket_frees_its_link_once_the_peer_has_everything),
		T(a_real_half_close_keeps_the_answer),
		T(a_shutdown_followed_by_close_is_noticed),
		T(a_half_close_of_another_namespace_lasts_linger_from_the_last_byte),
		T(a_living_half_close_follows_idle_timeout_not_linger),
		T(linger_counts_from_the_byte_itself),
		T(without_cipack_a_close_waits_for_what_is_under_way),
		T(bytes_known_to_be_missing_stay_missing_when_cipack_fails),
		T(under_pressure_a_known_half_close_goes_last),
		T(a_look_up_that_fails_leaves_it_to_linger),
		T(a_peer_that_acknowledges_slowly_is_waited_for),
		T(bytes_the_peer_never_acknowledges_end_in_a_reset),
		T(a_host_that_reads_its_last_bytes_slowly_gets_them),
		T(sockets_left_open_by_programs_do_not_stop_new_connections),
		T(a_module_that_is_busy_for_long_refuses_nobody),
		T(an_idle_flow_is_reset_only_when_asked_for),
		T(a_bearer_that_is_down_is_network_unreachable),
		T(held_syns_hear_of_a_bearer_loss),
		T(a_v6_destination_on_a_v4_bearer_is_unreachable),
		T(a_thousand_connections_leave_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
