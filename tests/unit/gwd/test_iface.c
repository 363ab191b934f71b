/* SPDX-License-Identifier: BSD-3-Clause */
/* What is done to the device, and when; the kernel is played by the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway.h"
#include "iface.h"

struct tun_setup {
	int unused;
};

struct tun_monitor {
	int unused;
};

static struct {
	struct config config;
	struct iface iface;
	struct tun_setup setup;
	struct tun_monitor monitor;
	tun_monitor_cb changed;
	unsigned addresses, defaults, hosts; /* routes that are there */
	uint32_t metric;
	bool carrier;
} w;

/* ---- tun/ ---- */

int tun_open(struct tun *t, const char *name)
{
	*t = (struct tun){.fd = 100, .ifindex = 7};
	strncpy(t->name, name, sizeof(t->name) - 1);
	return 0;
}

void tun_close(struct tun *t)
{
	t->fd = -1;
	w.addresses = w.defaults = w.hosts = 0;
}

int tun_write(struct tun *t, const struct iovec *iov, int n)
{
	(void)t, (void)iov, (void)n;
	return 0;
}

int tun_set_carrier(struct tun *t, bool on)
{
	assert_true(t->fd >= 0);
	w.carrier = on;
	return 0;
}

int tun_setup_new(struct tun_setup **out)
{
	*out = &w.setup;
	return 0;
}

void tun_setup_free(struct tun_setup *s)
{
	assert_ptr_equal(s, &w.setup);
}

int tun_setup_link(struct tun_setup *s, unsigned ifindex, unsigned mtu, unsigned txqueuelen, bool up)
{
	assert_ptr_equal(s, &w.setup);
	(void)ifindex, (void)mtu, (void)txqueuelen, (void)up;
	return 0;
}

int tun_setup_addr_add(struct tun_setup *s, unsigned ifindex, const struct addr *a, unsigned prefix)
{
	assert_ptr_equal(s, &w.setup);
	(void)ifindex, (void)a, (void)prefix;
	w.addresses++;
	return 0;
}

int tun_setup_addr_del(struct tun_setup *s, unsigned ifindex, const struct addr *a, unsigned prefix)
{
	assert_ptr_equal(s, &w.setup);
	(void)ifindex, (void)a, (void)prefix;
	w.addresses--;
	return 0;
}

int tun_setup_default_add(struct tun_setup *s, unsigned ifindex, uint8_t family, uint32_t metric)
{
	assert_ptr_equal(s, &w.setup);
	(void)ifindex, (void)family;
	w.defaults++;
	w.metric = metric;
	return 0;
}

int tun_setup_default_del(struct tun_setup *s, unsigned ifindex, uint8_t family, uint32_t metric)
{
	assert_ptr_equal(s, &w.setup);
	(void)ifindex, (void)family;
	assert_int_equal(metric, w.metric);
	w.defaults--;
	return 0;
}

int tun_setup_host_add(struct tun_setup *s, unsigned ifindex, const struct addr *a)
{
	assert_ptr_equal(s, &w.setup);
	(void)ifindex, (void)a;
	w.hosts++;
	return 0;
}

int tun_setup_host_del(struct tun_setup *s, unsigned ifindex, const struct addr *a)
{
	assert_ptr_equal(s, &w.setup);
	(void)ifindex, (void)a;
	w.hosts--;
	return 0;
}

int tun_monitor_new(struct tun_monitor **out, unsigned ifindex, tun_monitor_cb cb, void *user)
{
	(void)ifindex, (void)user;
	w.changed = cb;
	*out = &w.monitor;
	return 0;
}

void tun_monitor_free(struct tun_monitor *m)
{
	assert_ptr_equal(m, &w.monitor);
}

/* ---- forward.c ---- */

struct addr forward_address(const struct addr *own, unsigned prefix)
{
	(void)prefix;
	return *own;
}

/* ---- tests ---- */

static const struct addr address = {.family = 4, .b = {10, 148, 0, 17}};

static int setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	config_defaults(&w.config);
	w.config.interface.default_route = true;
	w.config.forward.source = CONFIG_FORWARD_GATEWAY;
	w.config.forward.tcp.n = 1;
	assert_int_equal(iface_open(&w.iface, &w.config), 0);
	iface_bearer(&w.iface, &address);
	return 0;
}

static void routes_follow_the_bearer_and_a_reload(void **state)
{
	(void)state;
	assert_int_equal(w.defaults, 1);
	assert_int_equal(w.hosts, 1);
	assert_true(w.carrier);
	w.config.interface.metric = 5;
	iface_reconfigure(&w.iface);
	assert_int_equal(w.defaults, 1);
	assert_int_equal(w.metric, 5);
	iface_bearer(&w.iface, NULL);
	assert_int_equal(w.defaults, 0);
	assert_int_equal(w.hosts, 0);
	assert_false(w.carrier);
}

/* Their flows are left alone, and replies still have to find them. */
static void the_route_to_clients_outlives_the_rules(void **state)
{
	const struct addr another = {.family = 4, .b = {10, 148, 0, 99}};

	(void)state;
	w.config.forward.source = CONFIG_FORWARD_REMOTE;
	iface_reconfigure(&w.iface);
	assert_int_equal(w.hosts, 1);
	w.config.forward.source = CONFIG_FORWARD_GATEWAY;
	w.config.forward.tcp.n = 0;
	iface_reconfigure(&w.iface);
	assert_int_equal(w.hosts, 1);
	w.config.forward.tcp.n = 1;
	iface_bearer(&w.iface, &another);
	assert_int_equal(w.hosts, 1);
	w.config.forward.tcp.n = 0;
	iface_bearer(&w.iface, NULL);
	assert_int_equal(w.hosts, 0);
}

/* The device was deleted; it is made again a second later. */
static void a_reload_without_a_device_touches_nothing(void **state)
{
	(void)state;
	iface_close(&w.iface);
	w.config.interface.metric = 5;
	w.config.forward.source = CONFIG_FORWARD_REMOTE;
	iface_reconfigure(&w.iface);
	assert_false(w.iface.carrier || w.iface.routed || w.iface.address.family);
	assert_int_equal(iface_open(&w.iface, &w.config), 0);
	iface_bearer(&w.iface, &address);
	assert_int_equal(w.defaults, 1);
	assert_int_equal(w.metric, 5);
}

static void change(enum tun_change what, bool up)
{
	const struct tun_event e = {
		.change = what, .up = up, .mtu = w.config.interface.mtu, .addr = address, .prefix = 29};

	w.changed(&w.iface, &e);
}

/* interface.address = none: it is announced, and shown once somebody has set it. */
static void an_address_that_others_set_is_told_and_not_touched(void **state)
{
	unsigned prefix;
	struct addr told;

	(void)state;
	iface_close(&w.iface);
	w.config.interface.address.kind = CONFIG_ADDRESS_NONE;
	assert_int_equal(iface_open(&w.iface, &w.config), 0);
	iface_bearer(&w.iface, &address);
	told = iface_announced(&w.iface, &prefix);
	assert_true(addr_equal(&told, &address) && prefix == 32);
	assert_true(w.carrier);
	assert_int_equal(w.addresses + w.defaults + w.hosts, 0);
	assert_int_equal(w.iface.address.family, 0);
	w.config.interface.default_route = false;
	w.config.forward.tcp.n = 0;
	change(TUN_CHANGE_ADDR_ADDED, true);
	assert_true(addr_equal(&w.iface.address, &address) && w.iface.prefix == 29);
	change(TUN_CHANGE_ADDR_REMOVED, true);
	assert_int_equal(w.iface.address.family, 0);
	change(TUN_CHANGE_LINK, false);
	change(TUN_CHANGE_LINK, true);
	iface_bearer(&w.iface, NULL);
	iface_bearer(&w.iface, &address);
	assert_int_equal(w.addresses + w.defaults + w.hosts, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(routes_follow_the_bearer_and_a_reload, setup),
		cmocka_unit_test_setup(the_route_to_clients_outlives_the_rules, setup),
		cmocka_unit_test_setup(an_address_that_others_set_is_told_and_not_touched, setup),
		cmocka_unit_test_setup(a_reload_without_a_device_touches_nothing, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
