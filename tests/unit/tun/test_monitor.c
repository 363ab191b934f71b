/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netns.h"
#include "tun/monitor.h"

#define EVENTS_MAX 64

struct fixture {
	struct tun tun, other;
	struct tun_setup *setup;
	struct tun_monitor *monitor;
	struct tun_event events[EVENTS_MAX];
	unsigned n;
};

static void keep_event(void *user, const struct tun_event *e)
{
	struct fixture *f = user;

	if (f->n < EVENTS_MAX)
		f->events[f->n++] = *e;
}

/* The interface is up when the monitor begins; another one lives beside it. */
static int enter(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	netns_enter();
	assert_int_equal(tun_setup_new(&f.setup), 0);
	assert_int_equal(tun_open(&f.tun, "cell0"), 0);
	assert_int_equal(tun_open(&f.other, "other"), 0);
	assert_int_equal(tun_setup_link(f.setup, f.tun.ifindex, 1500, 64, true), 0);
	assert_int_equal(tun_setup_link(f.setup, f.other.ifindex, 1500, 64, true), 0);
	assert_int_equal(tun_monitor_new(&f.monitor, f.tun.ifindex, keep_event, &f), 0);
	*state = &f;
	return 0;
}

static int leave(void **state)
{
	struct fixture *f = *state;

	tun_monitor_free(f->monitor);
	tun_setup_free(f->setup);
	tun_close(&f->tun);
	tun_close(&f->other);
	return 0;
}

/* The first event of a kind among those that have come, NULL if none; waits up to 3 s for one. */
static const struct tun_event *wait_for(struct fixture *f, enum tun_change change)
{
	struct pollfd pfd = {.fd = tun_monitor_fd(f->monitor), .events = POLLIN};

	do {
		assert_int_equal(tun_monitor_process(f->monitor), 0);
		for (unsigned i = 0; i < f->n; i++)
			if (f->events[i].change == change)
				return &f->events[i];
	} while (poll(&pfd, 1, 3000) > 0);
	return NULL;
}

/* Waits for the LINK event with this MTU and state; there may be others before it. */
static bool wait_for_link(struct fixture *f, unsigned mtu, bool up)
{
	do {
		for (unsigned i = 0; i < f->n; i++) {
			const struct tun_event *e = &f->events[i];

			if (e->change == TUN_CHANGE_LINK && e->mtu == mtu && e->up == up)
				return true;
		}
		f->n = 0;
	} while (wait_for(f, TUN_CHANGE_LINK));
	return false;
}

static void mtu_and_down_are_link_events(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(tun_setup_link(f->setup, f->tun.ifindex, 1400, 64, true), 0);
	assert_true(wait_for_link(f, 1400, true));
	assert_int_equal(tun_setup_link(f->setup, f->tun.ifindex, 1400, 64, false), 0);
	assert_true(wait_for_link(f, 1400, false));
}

static bool wait_for_carrier(struct fixture *f, bool on)
{
	f->n = 0;
	/* The kernel may gather carrier changes for a second, and say something else before. */
	for (unsigned i = 0; i < 3; i++) {
		const struct tun_event *e = wait_for(f, TUN_CHANGE_LINK);

		if (e && f->events[f->n - 1].carrier == on)
			return true;
		f->n = 0;
	}
	return false;
}

static void carrier_off_and_on_are_link_events(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(tun_set_carrier(&f->tun, false), 0);
	assert_true(wait_for_carrier(f, false));
	assert_int_equal(tun_set_carrier(&f->tun, true), 0);
	assert_true(wait_for_carrier(f, true));
}

static void check_addr(struct fixture *f, const char *text, unsigned prefix)
{
	struct addr a = addr_of(text);
	const struct tun_event *e;

	f->n = 0;
	assert_int_equal(tun_setup_addr_add(f->setup, f->tun.ifindex, &a, prefix), 0);
	e = wait_for(f, TUN_CHANGE_ADDR_ADDED);
	assert_non_null(e);
	assert_true(addr_equal(&e->addr, &a));
	assert_int_equal(e->prefix, prefix);

	assert_int_equal(tun_setup_addr_del(f->setup, f->tun.ifindex, &a, prefix), 0);
	e = wait_for(f, TUN_CHANGE_ADDR_REMOVED);
	assert_non_null(e);
	assert_true(addr_equal(&e->addr, &a));
	assert_int_equal(e->prefix, prefix);
}

static void addresses_that_come_and_go_are_events(void **state)
{
	check_addr(*state, "10.9.0.1", 24);
	check_addr(*state, "fd09::1", 64);
}

static void check_default(struct fixture *f, uint8_t family)
{
	const struct addr none = {.family = family};
	const struct tun_event *e;

	f->n = 0;
	assert_int_equal(tun_setup_default_add(f->setup, f->tun.ifindex, family, 700), 0);
	e = wait_for(f, TUN_CHANGE_ROUTE_ADDED);
	assert_non_null(e);
	assert_true(addr_equal(&e->addr, &none));
	assert_int_equal(e->prefix, 0);
	assert_int_equal(e->protocol, TUN_ROUTE_PROTOCOL);

	assert_int_equal(tun_setup_default_del(f->setup, f->tun.ifindex, family, 700), 0);
	e = wait_for(f, TUN_CHANGE_ROUTE_REMOVED);
	assert_non_null(e);
	assert_int_equal(e->protocol, TUN_ROUTE_PROTOCOL);
}

static void default_routes_that_come_and_go_are_events(void **state)
{
	check_default(*state, 4);
	check_default(*state, 6);
}

static void a_route_to_a_network_has_its_destination_and_the_local_table_is_silent(void **state)
{
	struct addr a = addr_of("10.9.0.1"), net = addr_of("10.9.0.0");
	struct fixture *f = *state;
	unsigned routes = 0;

	/* An address brings one route of the main table and two or three of the local one. */
	assert_int_equal(tun_setup_addr_add(f->setup, f->tun.ifindex, &a, 24), 0);
	assert_non_null(wait_for(f, TUN_CHANGE_ROUTE_ADDED));
	assert_int_equal(tun_monitor_process(f->monitor), 0);
	for (unsigned i = 0; i < f->n; i++)
		if (f->events[i].change == TUN_CHANGE_ROUTE_ADDED) {
			routes++;
			assert_true(addr_equal(&f->events[i].addr, &net));
			assert_int_equal(f->events[i].prefix, 24);
			assert_int_equal(f->events[i].protocol, RTPROT_KERNEL);
		}
	assert_int_equal(routes, 1);
}

static void a_multipath_route_through_the_interface_is_an_event(void **state)
{
	struct fixture *f = *state;
	const struct tun_event *e;

	netns_multipath("198.51.100.0", 24, f->other.ifindex, f->tun.ifindex);
	e = wait_for(f, TUN_CHANGE_ROUTE_ADDED);
	assert_non_null(e);
	assert_int_equal(e->prefix, 24);
	assert_memory_equal(e->addr.b, "\xc6\x33\x64\x00", 4);
}

static void deletion_is_an_event(void **state)
{
	struct fixture *f = *state;

	netns_delete_link(f->tun.ifindex);
	assert_non_null(wait_for(f, TUN_CHANGE_DELETED));
}

static void other_interfaces_are_none_of_our_business(void **state)
{
	struct addr a = addr_of("10.8.0.1"), ours = addr_of("10.9.0.1");
	struct fixture *f = *state;

	assert_int_equal(tun_setup_link(f->setup, f->other.ifindex, 1400, 64, true), 0);
	assert_int_equal(tun_setup_addr_add(f->setup, f->other.ifindex, &a, 24), 0);
	assert_int_equal(tun_setup_default_add(f->setup, f->other.ifindex, 4, 700), 0);
	netns_multipath("198.51.100.0", 24, f->other.ifindex, if_nametoindex("lo"));
	netns_delete_link(f->other.ifindex);
	/* A change of ours behind them proves that they were read. */
	assert_int_equal(tun_setup_addr_add(f->setup, f->tun.ifindex, &ours, 32), 0);
	assert_non_null(wait_for(f, TUN_CHANGE_ADDR_ADDED));
	for (unsigned i = 0; i < f->n; i++) {
		assert_int_equal(f->events[i].change, TUN_CHANGE_ADDR_ADDED);
		assert_true(addr_equal(&f->events[i].addr, &ours));
	}
}

static void overflow_is_told_and_what_comes_later_still_arrives(void **state)
{
	struct fixture *f = *state;
	struct addr a = addr_of("10.9.0.1");
	int small = 1;

	assert_int_equal(setsockopt(tun_monitor_fd(f->monitor), SOL_SOCKET, SO_RCVBUF, &small,
				 sizeof(small)),
		0);
	for (unsigned i = 0; i < 50; i++)
		tun_setup_link(f->setup, f->tun.ifindex, 1400 + i, 64, true);
	assert_non_null(wait_for(f, TUN_CHANGE_LOST));
	f->n = 0;
	assert_int_equal(tun_setup_addr_add(f->setup, f->tun.ifindex, &a, 32), 0);
	assert_non_null(wait_for(f, TUN_CHANGE_ADDR_ADDED));
}

/* Another program's message to the monitor's port, which only a privileged one can send. */
static void messages_that_are_not_the_kernels_are_dropped(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_nl to;
	socklen_t len = sizeof(to);
	struct {
		struct nlmsghdr h;
		struct ifinfomsg im;
	} forged = {
		.h = {.nlmsg_len = sizeof(forged), .nlmsg_type = RTM_DELLINK},
		.im = {.ifi_index = (int)f->tun.ifindex},
	};
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	assert_int_equal(getsockname(tun_monitor_fd(f->monitor), (void *)&to, &len), 0);
	to.nl_groups = 0;
	assert_int_equal(
		sendto(fd, &forged, sizeof(forged), 0, (void *)&to, sizeof(to)), sizeof(forged));
	assert_int_equal(tun_setup_link(f->setup, f->tun.ifindex, 1300, 64, true), 0);
	assert_non_null(wait_for(f, TUN_CHANGE_LINK));
	for (unsigned i = 0; i < f->n; i++)
		assert_int_not_equal(f->events[i].change, TUN_CHANGE_DELETED);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(mtu_and_down_are_link_events, enter, leave),
		cmocka_unit_test_setup_teardown(carrier_off_and_on_are_link_events, enter, leave),
		cmocka_unit_test_setup_teardown(
			addresses_that_come_and_go_are_events, enter, leave),
		cmocka_unit_test_setup_teardown(
			default_routes_that_come_and_go_are_events, enter, leave),
		cmocka_unit_test_setup_teardown(
			a_route_to_a_network_has_its_destination_and_the_local_table_is_silent,
			enter, leave),
		cmocka_unit_test_setup_teardown(
			a_multipath_route_through_the_interface_is_an_event, enter, leave),
		cmocka_unit_test_setup_teardown(deletion_is_an_event, enter, leave),
		cmocka_unit_test_setup_teardown(
			other_interfaces_are_none_of_our_business, enter, leave),
		cmocka_unit_test_setup_teardown(
			overflow_is_told_and_what_comes_later_still_arrives, enter, leave),
		cmocka_unit_test_setup_teardown(
			messages_that_are_not_the_kernels_are_dropped, enter, leave),
	};

	return netns_possible() ? cmocka_run_group_tests(tests, NULL, NULL) : SKIP;
}
