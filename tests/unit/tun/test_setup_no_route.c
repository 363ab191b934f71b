/* SPDX-License-Identifier: BSD-3-Clause */
/* What tun/setup.h does when it is built without libnl-route. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netns.h"

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
}

static void an_interface_that_comes_up_has_no_link_local_address_and_sends_nothing(void **state)
{
	struct fixture *f = *state;
	uint8_t packet[1500];

	assert_int_equal(tun_setup_link(f->setup, f->tun.ifindex, 1500, 64, true), 0);
	assert_int_equal(netns_addresses(f->tun.ifindex, NULL, 0, NULL, NULL), 0);
	assert_int_equal(tun_read(&f->tun, packet, sizeof(packet)), -EAGAIN);
}

static void addresses_and_routes_are_refused_and_it_says_so_before(void **state)
{
	struct fixture *f = *state;
	struct addr a = addr_of("10.9.0.1");
	unsigned ifindex = f->tun.ifindex;

	assert_false(tun_setup_has_addresses());
	tun_setup_link(f->setup, ifindex, 1500, 64, true);
	assert_int_equal(tun_setup_addr_add(f->setup, ifindex, &a, 32), -EOPNOTSUPP);
	assert_int_equal(tun_setup_addr_del(f->setup, ifindex, &a, 32), -EOPNOTSUPP);
	assert_int_equal(tun_setup_default_add(f->setup, ifindex, 4, 700), -EOPNOTSUPP);
	assert_int_equal(tun_setup_default_del(f->setup, ifindex, 4, 700), -EOPNOTSUPP);
	assert_int_equal(tun_setup_host_add(f->setup, ifindex, &a), -EOPNOTSUPP);
	assert_int_equal(tun_setup_host_del(f->setup, ifindex, &a), -EOPNOTSUPP);
	assert_int_equal(netns_addresses(ifindex, NULL, 0, NULL, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(mtu_queue_length_and_state_are_set, enter, leave),
		cmocka_unit_test_setup_teardown(the_kernels_own_error_comes_back, enter, leave),
		cmocka_unit_test_setup_teardown(
			an_interface_that_comes_up_has_no_link_local_address_and_sends_nothing,
			enter, leave),
		cmocka_unit_test_setup_teardown(
			addresses_and_routes_are_refused_and_it_says_so_before, enter, leave),
	};

	return netns_possible() ? cmocka_run_group_tests(tests, NULL, NULL) : SKIP;
}
