/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "netns.h"

#define METRIC 700

struct fixture {
	struct tun tun;
	struct tun_setup *setup;
};

static int enter(void **state)
{
	static struct fixture f;

	netns_enter();
	assert_int_equal(tun_open(&f.tun, "cell0"), 0);
	assert_int_equal(tun_setup_new(&f.setup), 0);
	*state = &f;
	return 0;
}

static int leave(void **state)
{
	struct fixture *f = *state;

	tun_setup_free(f->setup);
	tun_close(&f->tun);
	return 0;
}

static int link_value(unsigned long request)
{
	struct ifreq ifr = {.ifr_name = "cell0"};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(ioctl(fd, request, &ifr), 0);
	close(fd);
	if (request == SIOCGIFFLAGS)
		return ifr.ifr_flags & IFF_UP;
	return request == SIOCGIFMTU ? ifr.ifr_mtu : ifr.ifr_qlen;
}

static void mtu_queue_length_and_state_are_set(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(tun_setup_link(f->setup, f->tun.ifindex, 1400, 64, true), 0);
	assert_int_equal(link_value(SIOCGIFMTU), 1400);
	assert_int_equal(link_value(SIOCGIFTXQLEN), 64);
	assert_int_equal(link_value(SIOCGIFFLAGS), IFF_UP);

	assert_int_equal(tun_setup_link(f->setup, f->tun.ifindex, 1280, 32, false), 0);
	assert_int_equal(link_value(SIOCGIFMTU), 1280);
	assert_int_equal(link_value(SIOCGIFTXQLEN), 32);
	assert_int_equal(link_value(SIOCGIFFLAGS), 0);
}

static void the_kernels_own_error_comes_back(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(tun_setup_link(f->setup, 4711, 1400, 64, true), -ENODEV);
	assert_int_equal(tun_setup_link(f->setup, f->tun.ifindex, 1 << 20, 64, true), -EINVAL);
	assert_int_equal(tun_setup_default_add(f->setup, f->tun.ifindex, 4, METRIC), -ENETDOWN);
}

static void an_interface_that_comes_up_sends_nothing_by_itself(void **state)
{
	struct fixture *f = *state;
	struct addr v6 = addr_of("fd09::1");
	uint8_t packet[1500];

	assert_int_equal(tun_setup_link(f->setup, f->tun.ifindex, 1500, 64, true), 0);
	assert_int_equal(netns_addresses(f->tun.ifindex, NULL, 0, NULL, NULL), 0);
	assert_int_equal(tun_setup_addr_add(f->setup, f->tun.ifindex, &v6, 128), 0);
	assert_int_equal(netns_addresses(f->tun.ifindex, NULL, 0, NULL, NULL), 1);
	assert_int_equal(tun_read(&f->tun, packet, sizeof(packet)), -EAGAIN);
}

static void addresses_of_both_families_are_added_twice_and_removed_twice(void **state)
{
	const struct {
		struct addr addr;
		unsigned prefix;
	} cases[] = {
		{addr_of("10.9.0.1"), 32}, {addr_of("100.64.3.4"), 29}, {addr_of("fd09::1"), 64}};
	struct fixture *f = *state;
	unsigned ifindex = f->tun.ifindex;
	uint32_t flags;

	tun_setup_link(f->setup, ifindex, 1500, 64, true);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct addr *a = &cases[i].addr;
		unsigned prefix = cases[i].prefix;

		assert_int_equal(tun_setup_addr_add(f->setup, ifindex, a, prefix), 0);
		assert_int_equal(tun_setup_addr_add(f->setup, ifindex, a, prefix), 0);
		assert_int_equal(netns_addresses(ifindex, a, prefix, NULL, &flags), 1);
		if (a->family == 6)
			assert_int_equal(flags & (IFA_F_NODAD | IFA_F_TENTATIVE), IFA_F_NODAD);
		assert_int_equal(tun_setup_addr_del(f->setup, ifindex, a, prefix), 0);
		assert_int_equal(tun_setup_addr_del(f->setup, ifindex, a, prefix), 0);
		assert_int_equal(netns_addresses(ifindex, a, prefix, NULL, NULL), 0);
	}
}

static void an_address_carries_our_protocol_where_the_kernel_keeps_it(void **state)
{
	struct fixture *f = *state;
	struct addr a = addr_of("10.9.0.1");
	struct utsname u;
	int major, minor;
	uint8_t protocol;

	assert_int_equal(uname(&u), 0);
	assert_int_equal(sscanf(u.release, "%d.%d", &major, &minor), 2);
	if (major < 5 || (major == 5 && minor < 18))
		skip();
	assert_int_equal(tun_setup_addr_add(f->setup, f->tun.ifindex, &a, 32), 0);
	assert_int_equal(netns_addresses(f->tun.ifindex, &a, 32, &protocol, NULL), 1);
	assert_int_equal(protocol, TUN_ROUTE_PROTOCOL);
}

static void an_address_that_is_none_is_refused(void **state)
{
	struct fixture *f = *state;
	struct addr none = {0}, v4 = addr_of("10.9.0.1");

	assert_int_equal(tun_setup_addr_add(f->setup, f->tun.ifindex, &none, 0), -EINVAL);
	assert_int_equal(tun_setup_addr_add(f->setup, f->tun.ifindex, &v4, 33), -EINVAL);
	assert_int_equal(tun_setup_addr_del(f->setup, f->tun.ifindex, &v4, 33), -EINVAL);
}

static void check_default_route(struct fixture *f, uint8_t family, uint8_t scope)
{
	struct route r[4];

	assert_int_equal(tun_setup_default_add(f->setup, f->tun.ifindex, family, METRIC), 0);
	assert_int_equal(tun_setup_default_add(f->setup, f->tun.ifindex, family, METRIC), 0);
	assert_int_equal(netns_default_routes(family, r, 4), 1);
	assert_int_equal(r[0].protocol, TUN_ROUTE_PROTOCOL);
	assert_int_equal(r[0].oif, f->tun.ifindex);
	assert_int_equal(r[0].metric, METRIC);
	assert_int_equal(r[0].type, RTN_UNICAST);
	assert_int_equal(r[0].scope, scope);
	assert_int_equal(tun_setup_default_del(f->setup, f->tun.ifindex, family, METRIC), 0);
	assert_int_equal(tun_setup_default_del(f->setup, f->tun.ifindex, family, METRIC), 0);
	assert_int_equal(netns_default_routes(family, r, 4), 0);
}

static void default_routes_carry_our_protocol_and_come_and_go_idempotently(void **state)
{
	struct fixture *f = *state;

	tun_setup_link(f->setup, f->tun.ifindex, 1500, 64, true);
	check_default_route(f, 4, RT_SCOPE_LINK);
	check_default_route(f, 6, RT_SCOPE_UNIVERSE);
	assert_int_equal(tun_setup_default_add(f->setup, f->tun.ifindex, 5, METRIC), -EINVAL);
	assert_int_equal(tun_setup_default_del(f->setup, f->tun.ifindex, 0, METRIC), -EINVAL);
}

/* Another interface with a default route of the same metric keeps it, before and after ours. */
static void check_foreign_default(struct fixture *f, uint8_t family)
{
	struct route r[4];
	struct tun other;

	assert_int_equal(tun_open(&other, "other"), 0);
	tun_setup_link(f->setup, other.ifindex, 1500, 64, true);
	assert_int_equal(tun_setup_default_add(f->setup, other.ifindex, family, METRIC), 0);
	assert_int_equal(tun_setup_default_add(f->setup, f->tun.ifindex, family, METRIC), 0);
	assert_int_equal(netns_default_routes(family, r, 4), 2);
	assert_int_equal(r[0].oif, other.ifindex);
	assert_int_equal(r[1].oif, f->tun.ifindex);
	assert_int_equal(tun_setup_default_del(f->setup, f->tun.ifindex, family, METRIC), 0);
	assert_int_equal(netns_default_routes(family, r, 4), 1);
	assert_int_equal(r[0].oif, other.ifindex);
	tun_close(&other);
}

static void a_default_route_of_somebody_else_is_left_alone(void **state)
{
	struct fixture *f = *state;

	tun_setup_link(f->setup, f->tun.ifindex, 1500, 64, true);
	check_foreign_default(f, 4);
	check_foreign_default(f, 6);
}

static bool kernel_lists(const char *path, const char *destination)
{
	FILE *in = fopen(path, "r");
	char line[512];
	bool found = false;

	assert_non_null(in);
	while (fgets(line, sizeof(line), in))
		found = found || (strstr(line, destination) && strstr(line, "cell0"));
	fclose(in);
	return found;
}

static void check_host_route(struct fixture *f, const char *text, const char *path, const char *listed)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text, strlen(text)), 0);
	assert_int_equal(tun_setup_host_add(f->setup, f->tun.ifindex, &a), 0);
	assert_int_equal(tun_setup_host_add(f->setup, f->tun.ifindex, &a), 0);
	assert_true(kernel_lists(path, listed));
	assert_int_equal(tun_setup_host_del(f->setup, f->tun.ifindex, &a), 0);
	assert_int_equal(tun_setup_host_del(f->setup, f->tun.ifindex, &a), 0);
	assert_false(kernel_lists(path, listed));
}

static void a_route_to_one_address_comes_and_goes_idempotently(void **state)
{
	struct fixture *f = *state;

	tun_setup_link(f->setup, f->tun.ifindex, 1500, 64, true);
	check_host_route(f, "10.148.0.17", "/proc/net/route", "\t1100940A\t");
	check_host_route(f, "2001:db8::5", "/proc/net/ipv6_route",
		"20010db8000000000000000000000005 80 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(mtu_queue_length_and_state_are_set, enter, leave),
		cmocka_unit_test_setup_teardown(the_kernels_own_error_comes_back, enter, leave),
		cmocka_unit_test_setup_teardown(
			an_interface_that_comes_up_sends_nothing_by_itself, enter, leave),
		cmocka_unit_test_setup_teardown(
			addresses_of_both_families_are_added_twice_and_removed_twice, enter, leave),
		cmocka_unit_test_setup_teardown(
			an_address_carries_our_protocol_where_the_kernel_keeps_it, enter, leave),
		cmocka_unit_test_setup_teardown(an_address_that_is_none_is_refused, enter, leave),
		cmocka_unit_test_setup_teardown(
			default_routes_carry_our_protocol_and_come_and_go_idempotently, enter,
			leave),
		cmocka_unit_test_setup_teardown(
			a_default_route_of_somebody_else_is_left_alone, enter, leave),
		cmocka_unit_test_setup_teardown(
			a_route_to_one_address_comes_and_goes_idempotently, enter, leave),
	};

	return netns_possible() ? cmocka_run_group_tests(tests, NULL, NULL) : SKIP;
}
