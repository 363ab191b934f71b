/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netns.h"
#include "tun/owner.h"

/* linux/tcp.h's TCP_* states are netinet/tcp.h's. */

struct fixture {
	struct tun tun;
	struct tun_owner_lookup *lookup;
	struct tun_owner owner;
};

static int enter(void **state)
{
	static struct fixture f;

	netns_enter();
	netns_tun(&f.tun, "cell0");
	assert_int_equal(tun_owner_lookup_new(&f.lookup), 0);
	*state = &f;
	return 0;
}

static int leave(void **state)
{
	struct fixture *f = *state;

	tun_owner_lookup_free(f->lookup);
	tun_close(&f->tun);
	return 0;
}

static struct endpoint endpoint_of(const char *addr, uint16_t port)
{
	return (struct endpoint){.addr = addr_of(addr), .port = port};
}

/* A v6 socket writes IPv4 peers as ::ffff:a.b.c.d; a flow has the plain form. */
static struct sockaddr_in6 sin6_of(const struct endpoint *e)
{
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(e->port)};
	uint8_t *b = sin6.sin6_addr.s6_addr;

	if (e->addr.family == 4) {
		b[10] = b[11] = 0xff;
		memcpy(b + 12, e->addr.b, 4);
	} else {
		memcpy(b, e->addr.b, 16);
	}
	return sin6;
}

static int connect_to(int fd, int family, const struct endpoint *e)
{
	struct sockaddr_in6 sin6 = sin6_of(e);
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(e->port)};

	memcpy(&sin.sin_addr, e->addr.b, 4);
	return family == AF_INET6 ? connect(fd, (void *)&sin6, sizeof(sin6))
				  : connect(fd, (void *)&sin, sizeof(sin));
}

/* The local end as the flow's packets show it. */
static struct endpoint local_of(int fd)
{
	struct sockaddr_storage ss;
	const struct sockaddr_in *sin = (void *)&ss;
	const struct sockaddr_in6 *sin6 = (void *)&ss;
	socklen_t len = sizeof(ss);
	struct endpoint e;

	assert_int_equal(getsockname(fd, (void *)&ss, &len), 0);
	e.port = ntohs(sin6->sin6_port);
	if (ss.ss_family == AF_INET)
		e.addr = addr_v4(&sin->sin_addr);
	else if (IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr))
		e.addr = addr_v4(sin6->sin6_addr.s6_addr + 12);
	else
		e.addr = addr_v6(&sin6->sin6_addr);
	return e;
}

static uint32_t inode_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return (uint32_t)st.st_ino;
}

static int listen_on(const char *addr, uint16_t port)
{
	struct endpoint e = endpoint_of(addr, port);
	struct sockaddr_in6 sin6 = sin6_of(&e);
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (void *)&sin6, sizeof(sin6)), 0);
	assert_int_equal(listen(fd, 5), 0);
	return fd;
}

static void check_syn_sent(struct fixture *f, int family, const char *to)
{
	struct endpoint remote = endpoint_of(to, 80), local;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_int_equal(connect_to(fd, family, &remote), -1);
	assert_int_equal(errno, EINPROGRESS);
	local = local_of(fd);
	assert_int_equal(fchown(fd, 1234, 1234), 0);
	assert_int_equal(tun_owner_tcp(f->lookup, &local, &remote, &f->owner), 0);
	assert_int_equal(f->owner.tcp_state, TCP_SYN_SENT);
	assert_int_equal(f->owner.inode, inode_of(fd));
	assert_int_equal(f->owner.uid, 1234);
	close(fd);
	assert_int_equal(tun_owner_tcp(f->lookup, &local, &remote, &f->owner), -ENOENT);
}

static void a_connecting_socket_is_found_by_its_syn_and_gone_when_closed(void **state)
{
	check_syn_sent(*state, AF_INET, "10.9.0.2");
	check_syn_sent(*state, AF_INET6, "fd09::2");
}

static void a_v6_socket_that_speaks_v4_is_found_by_the_v4_flow(void **state)
{
	check_syn_sent(*state, AF_INET6, "10.9.0.2");
}

static void an_owner_has_its_cgroup(void **state)
{
	struct fixture *f = *state;
	struct endpoint remote = endpoint_of("10.9.0.2", 80), local;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	connect_to(fd, AF_INET, &remote);
	local = local_of(fd);
	assert_int_equal(tun_owner_tcp(f->lookup, &local, &remote, &f->owner), 0);
	assert_int_not_equal(f->owner.cgroup_id, 0);
	close(fd);
}

static void check_life(struct fixture *f, int family, const char *to)
{
	struct endpoint remote = endpoint_of(to, 8080), local;
	int listener = listen_on(to, 8080), fd = socket(family, SOCK_STREAM, 0), peer;

	assert_int_equal(connect_to(fd, family, &remote), 0);
	peer = accept(listener, NULL, NULL);
	local = local_of(fd);
	assert_int_equal(tun_owner_tcp(f->lookup, &local, &remote, &f->owner), 0);
	assert_int_equal(f->owner.tcp_state, TCP_ESTABLISHED);
	assert_int_equal(f->owner.inode, inode_of(fd));

	shutdown(fd, SHUT_WR);
	assert_int_equal(tun_owner_tcp(f->lookup, &local, &remote, &f->owner), 0);
	/* Which one depends on when the peer's kernel acknowledges the FIN. */
	assert_in_range(f->owner.tcp_state, TCP_FIN_WAIT1, TCP_FIN_WAIT2);
	assert_int_equal(f->owner.inode, inode_of(fd));

	close(fd);
	assert_int_equal(tun_owner_tcp(f->lookup, &local, &remote, &f->owner), 0);
	assert_int_equal(f->owner.inode, 0);
	close(peer);
	close(listener);
}

static void a_half_closed_socket_has_an_inode_and_a_closed_one_has_none(void **state)
{
	check_life(*state, AF_INET, "127.0.0.1");
	check_life(*state, AF_INET6, "::1");
}

static void a_socket_closed_with_its_fin_unanswered_has_no_inode(void **state)
{
	struct fixture *f = *state;
	struct endpoint remote = endpoint_of("127.0.0.1", 8080), local;
	int listener = listen_on("127.0.0.1", 8080), fd = socket(AF_INET, SOCK_STREAM, 0);
	char byte = 0;

	/* The peer's side vanishes without a word: the FIN stays unanswered. */
	assert_int_equal(connect_to(fd, AF_INET, &remote), 0);
	local = local_of(fd);
	netns_loopback(false);
	assert_int_equal(send(fd, &byte, 1, 0), 1);
	close(fd);
	assert_int_equal(tun_owner_tcp(f->lookup, &local, &remote, &f->owner), 0);
	assert_int_equal(f->owner.tcp_state, TCP_FIN_WAIT1);
	assert_int_equal(f->owner.inode, 0);
	close(listener);
}

static void a_listener_on_the_port_is_not_the_owner_of_a_flow(void **state)
{
	struct fixture *f = *state;
	struct endpoint local = endpoint_of("10.9.0.1", 8080), remote = endpoint_of("10.9.0.2", 80);
	int fd = listen_on("::", 8080);

	assert_int_equal(tun_owner_tcp(f->lookup, &local, &remote, &f->owner), -ENOENT);
	close(fd);
}

static void check_udp(struct fixture *f, int family, const char *to, bool connected)
{
	struct endpoint remote = endpoint_of(to, 53), local;
	struct sockaddr_in6 any6 = {.sin6_family = AF_INET6};
	struct sockaddr_in any = {.sin_family = AF_INET};
	int fd = socket(family, SOCK_DGRAM, 0);

	if (connected)
		assert_int_equal(connect_to(fd, family, &remote), 0);
	else if (family == AF_INET)
		assert_int_equal(bind(fd, (void *)&any, sizeof(any)), 0);
	else
		assert_int_equal(bind(fd, (void *)&any6, sizeof(any6)), 0);
	local = local_of(fd);
	local.addr = addr_of(remote.addr.family == 4 ? "10.9.0.1" : "fd09::1");
	assert_int_equal(tun_owner_udp(f->lookup, &local, &remote, &f->owner), 0);
	assert_int_equal(f->owner.inode, inode_of(fd));
	assert_int_equal(f->owner.tcp_state, 0);
	close(fd);
	assert_int_equal(tun_owner_udp(f->lookup, &local, &remote, &f->owner), -ENOENT);
}

static void udp_sockets_are_found_connected_and_not(void **state)
{
	check_udp(*state, AF_INET, "10.9.0.2", true);
	check_udp(*state, AF_INET, "10.9.0.2", false);
	check_udp(*state, AF_INET6, "fd09::2", true);
	check_udp(*state, AF_INET6, "fd09::2", false);
	check_udp(*state, AF_INET6, "10.9.0.2", true);
	check_udp(*state, AF_INET6, "10.9.0.2", false);
}

static void of_two_udp_sockets_on_a_port_the_connected_one_owns_its_flow(void **state)
{
	struct fixture *f = *state;
	struct endpoint one = endpoint_of("10.9.0.2", 53), two = endpoint_of("10.9.0.3", 53);
	struct endpoint local = endpoint_of("10.9.0.1", 5353);
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(5353)};
	int fd[2], yes = 1;

	for (int i = 0; i < 2; i++) {
		fd[i] = socket(AF_INET, SOCK_DGRAM, 0);
		setsockopt(fd[i], SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
		assert_int_equal(bind(fd[i], (void *)&sin, sizeof(sin)), 0);
	}
	assert_int_equal(connect_to(fd[0], AF_INET, &one), 0);
	assert_int_equal(tun_owner_udp(f->lookup, &local, &one, &f->owner), 0);
	assert_int_equal(f->owner.inode, inode_of(fd[0]));
	assert_int_equal(tun_owner_udp(f->lookup, &local, &two, &f->owner), 0);
	assert_int_equal(f->owner.inode, inode_of(fd[1]));
	close(fd[0]);
	close(fd[1]);
}

static void sockets_bound_to_the_device_are_found_when_it_is_known(void **state)
{
	struct fixture *f = *state;
	struct endpoint remote = endpoint_of("10.9.0.2", 80), local;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "cell0", 6), 0);
	connect_to(fd, AF_INET, &remote);
	local = local_of(fd);
	tun_owner_set_interface(f->lookup, f->tun.ifindex);
	assert_int_equal(tun_owner_tcp(f->lookup, &local, &remote, &f->owner), 0);
	assert_int_equal(f->owner.inode, inode_of(fd));
	close(fd);

	/* And those that are not bound still are. */
	check_syn_sent(f, AF_INET, "10.9.0.2");
	check_udp(f, AF_INET6, "10.9.0.2", false);
}

static void sockets_of_another_namespace_are_not_found(void **state)
{
	struct fixture *f = *state;
	struct endpoint remote = endpoint_of("10.9.0.2", 80), local;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct tun_owner_lookup *elsewhere;

	connect_to(fd, AF_INET, &remote);
	local = local_of(fd);
	netns_enter();
	assert_int_equal(tun_owner_lookup_new(&elsewhere), 0);
	assert_int_equal(tun_owner_tcp(elsewhere, &local, &remote, &f->owner), -ENOENT);
	assert_int_equal(tun_owner_tcp(f->lookup, &local, &remote, &f->owner), 0);
	tun_owner_lookup_free(elsewhere);
	close(fd);
}

static void a_flow_without_two_addresses_of_one_family_is_refused(void **state)
{
	struct fixture *f = *state;
	struct endpoint v4 = endpoint_of("10.9.0.1", 1), v6 = endpoint_of("fd09::1", 1), none = {0};

	assert_int_equal(tun_owner_tcp(f->lookup, &v4, &v6, &f->owner), -EINVAL);
	assert_int_equal(tun_owner_udp(f->lookup, &none, &none, &f->owner), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_connecting_socket_is_found_by_its_syn_and_gone_when_closed, enter, leave),
		cmocka_unit_test_setup_teardown(
			a_v6_socket_that_speaks_v4_is_found_by_the_v4_flow, enter, leave),
		cmocka_unit_test_setup_teardown(an_owner_has_its_cgroup, enter, leave),
		cmocka_unit_test_setup_teardown(
			a_half_closed_socket_has_an_inode_and_a_closed_one_has_none, enter, leave),
		cmocka_unit_test_setup_teardown(
			a_socket_closed_with_its_fin_unanswered_has_no_inode, enter, leave),
		cmocka_unit_test_setup_teardown(
			a_listener_on_the_port_is_not_the_owner_of_a_flow, enter, leave),
		cmocka_unit_test_setup_teardown(
			udp_sockets_are_found_connected_and_not, enter, leave),
		cmocka_unit_test_setup_teardown(
			of_two_udp_sockets_on_a_port_the_connected_one_owns_its_flow, enter, leave),
		cmocka_unit_test_setup_teardown(
			sockets_bound_to_the_device_are_found_when_it_is_known, enter, leave),
		cmocka_unit_test_setup_teardown(
			sockets_of_another_namespace_are_not_found, enter, leave),
		cmocka_unit_test_setup_teardown(
			a_flow_without_two_addresses_of_one_family_is_refused, enter, leave),
	};

	return netns_possible() ? cmocka_run_group_tests(tests, NULL, NULL) : SKIP;
}
