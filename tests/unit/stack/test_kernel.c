/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stack against the kernel's own TCP and UDP, through a TUN in a network namespace of this
 * process: what does connect() return when we answer so? Needs root; otherwise it is skipped.
 *
 * Nothing is measured by the clock: "at once" means before the kernel repeated its SYN.
 */
#include "host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SKIPPED 77
#define ROUNDS 200

static struct rig r;
static int tun = -1;

static usec_t monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (usec_t)t.tv_sec * 1000000u + (usec_t)t.tv_nsec / 1000u;
}

static int set_v6_address(int index)
{
	union {
		struct in6_ifreq v6;
		struct ifreq any; /* what memcheck takes it for */
	} req;
	int fd = socket(AF_INET6, SOCK_DGRAM, 0), err;

	if (fd < 0)
		return -1;
	memset(&req, 0, sizeof(req));
	req.v6.ifr6_ifindex = index;
	req.v6.ifr6_prefixlen = 64;
	inet_pton(AF_INET6, "2001:db8:7::1", &req.v6.ifr6_addr);
	err = ioctl(fd, SIOCSIFADDR, &req);
	close(fd);
	return err;
}

static int set_up_interface(const char *name)
{
	struct ifreq req = {0};
	struct sockaddr_in *a = (struct sockaddr_in *)(void *)&req.ifr_addr;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), index;

	memcpy(req.ifr_name, name, strlen(name));
	if (fd < 0 || ioctl(fd, SIOCGIFINDEX, &req) < 0)
		return -1;
	index = req.ifr_ifindex;
	a->sin_family = AF_INET;
	a->sin_addr.s_addr = htonl(0x0a070001); /* 10.7.0.1 */
	if (ioctl(fd, SIOCSIFADDR, &req) < 0)
		return -1;
	a->sin_addr.s_addr = htonl(0xffffff00);
	if (ioctl(fd, SIOCSIFNETMASK, &req) < 0)
		return -1;
	req.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &req) < 0)
		return -1;
	close(fd);
	return set_v6_address(index);
}

/* The kernel makes a new address usable from a worker of its own, even where it looks for no duplicate;
 * until then connect() says EADDRNOTAVAIL. */
static int await_v6_address(void)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = -1;

	inet_pton(AF_INET6, "2001:db8:7::9", &to.sin6_addr);
	for (int i = 0; fd >= 0 && rc < 0 && i < ROUNDS; i++) {
		rc = connect(fd, (struct sockaddr *)&to, sizeof(to));
		if (rc < 0)
			poll(NULL, 0, 50);
	}
	close(fd);
	return rc;
}

/* -1 when this machine does not let us. */
static int open_tun(void)
{
	struct ifreq req = {.ifr_flags = IFF_TUN | IFF_NO_PI};

	if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0)
		return -1;
	tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tun < 0 || ioctl(tun, TUNSETIFF, &req) < 0)
		return -1;
	return set_up_interface(req.ifr_name) < 0 ? -1 : await_v6_address();
}

static void pump(void)
{
	uint8_t buf[2000];
	ssize_t n;

	r.now = monotonic();
	while ((n = read(tun, buf, sizeof(buf))) > 0)
		rig_input(&r, buf, (size_t)n);
	rig_run(&r);
	for (size_t i = 0; i < r.sent_n; i++)
		assert_int_equal(write(tun, r.sent[i].bytes, r.sent[i].n), r.sent[i].n);
	rig_forget(&r);
}

/* Carries packets; true when @fd has one of @events. */
static bool step(int fd, short events)
{
	struct pollfd p[2] = {{.fd = fd, .events = events}, {.fd = tun, .events = POLLIN}};

	pump();
	poll(p, 2, 50);
	return p[0].revents;
}

static bool until(int fd, short events)
{
	for (int i = 0; i < ROUNDS; i++) {
		if (step(fd, events))
			return true;
	}
	return false;
}

static int connect_to(const char *addr, uint16_t port, int type)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	bool is_v6 = inet_pton(AF_INET6, addr, &v6.sin6_addr) == 1;
	int fd = socket(is_v6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	inet_pton(AF_INET, addr, &v4.sin_addr);
	assert_true(fd >= 0);
	err = is_v6 ? connect(fd, (struct sockaddr *)&v6, sizeof(v6))
		    : connect(fd, (struct sockaddr *)&v4, sizeof(v4));
	assert_true(err == 0 || errno == EINPROGRESS);
	return fd;
}

static int error_of(int fd)
{
	int err = 0;
	socklen_t len = sizeof(err);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	return err;
}

static enum stack_answer chosen;

static void refuse(struct rig *rig, struct stack_tcp *tcp)
{
	(void)rig;
	stack_tcp_refuse(tcp, chosen);
}

static void refuse_udp(struct rig *rig, const struct stack_datagram *d)
{
	stack_udp_refuse(rig->s, d, chosen);
}

static void too_big(struct rig *rig, const struct stack_datagram *d)
{
	stack_udp_too_big(rig->s, d, 1300);
}

static int open_rig(void **state)
{
	const struct stack_config config = {.mtu = 1500, .held_max_age = SEC(30)};

	(void)state;
	memset(&r, 0, sizeof(r));
	rig_start(&r, &config);
	return 0;
}

static int close_rig(void **state)
{
	(void)state;
	pump();
	rig_close(&r);
	return 0;
}

/* The first answer is enough; but if this process had to wait for the processor longer than the kernel
 * waits before it repeats a SYN (1 s), there were two to answer. */
static void expect_connect_error(const char *addr, enum stack_answer answer, int err)
{
	usec_t start = monotonic();
	int fd = connect_to(addr, 4000, SOCK_STREAM);

	chosen = answer;
	r.on_syn = refuse;
	r.syns = 0;
	assert_true(until(fd, POLLOUT));
	assert_int_equal(error_of(fd), err);
	assert_true(r.syns >= 1);
	if (monotonic() - start < SEC(1))
		assert_int_equal(r.syns, 1);
	close(fd);
}

static void connect_returns_the_errno_of_the_answer_at_once(void **state)
{
	(void)state;
	expect_connect_error("10.7.0.9", STACK_ANSWER_RST, ECONNREFUSED);
	expect_connect_error("10.7.0.9", STACK_ANSWER_NET_UNREACH, ENETUNREACH);
	expect_connect_error("10.7.0.9", STACK_ANSWER_HOST_UNREACH, EHOSTUNREACH);
	expect_connect_error("10.7.0.9", STACK_ANSWER_PROHIBITED, EHOSTUNREACH);
	expect_connect_error("2001:db8:7::9", STACK_ANSWER_RST, ECONNREFUSED);
	expect_connect_error("2001:db8:7::9", STACK_ANSWER_NET_UNREACH, ENETUNREACH);
	expect_connect_error("2001:db8:7::9", STACK_ANSWER_HOST_UNREACH, EHOSTUNREACH);
	expect_connect_error("2001:db8:7::9", STACK_ANSWER_PROHIBITED, EACCES);
}

static void accept_it(struct rig *rig, struct stack_tcp *tcp)
{
	(void)rig;
	assert_int_equal(stack_tcp_accept(tcp), 0);
}

static void converse(const char *addr)
{
	int fd = connect_to(addr, 4000, SOCK_STREAM);
	uint8_t sent[STACK_WINDOW], got[sizeof(sent)];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (uint8_t)(i * 13);
	r.on_syn = accept_it;
	assert_true(until(fd, POLLOUT));
	assert_int_equal(error_of(fd), 0);
	assert_int_equal(write(fd, sent, sizeof(sent)), sizeof(sent));
	shutdown(fd, SHUT_WR);
	for (int i = 0; i < ROUNDS && stack_tcp_queued(r.syn) < sizeof(sent); i++)
		step(-1, 0);
	assert_int_equal(stack_tcp_read(r.syn, 0, got, sizeof(got)), sizeof(got));
	assert_memory_equal(got, sent, sizeof(got));
	/* The window is full; the kernel's FIN comes when it opens. */
	stack_tcp_confirm(r.syn, sizeof(got));
	assert_int_equal(stack_tcp_write(r.syn, sent, sizeof(sent)), sizeof(sent));
	stack_tcp_shutdown(r.syn);
	memset(got, 0, sizeof(got));
	for (ssize_t part = 1; part > 0; n += (size_t)part) {
		assert_true(until(fd, POLLIN));
		part = read(fd, got + n, sizeof(got) - n);
		assert_true(part >= 0);
	}
	assert_int_equal(n, sizeof(sent));
	assert_memory_equal(got, sent, sizeof(sent));
	close(fd);
	for (int i = 0; i < ROUNDS && !r.gone; i++)
		step(-1, 0);
	assert_int_equal(r.gone, 1);
	r.gone = 0;
}

static void bytes_and_half_closes_pass_both_ways(void **state)
{
	(void)state;
	converse("10.7.0.9");
	converse("2001:db8:7::9");
}

static void expect_reset(const char *addr)
{
	int fd = connect_to(addr, 4000, SOCK_STREAM);
	uint8_t byte;

	r.on_syn = accept_it;
	assert_true(until(fd, POLLOUT));
	stack_tcp_abort(r.syn);
	assert_true(until(fd, POLLIN));
	assert_int_equal(read(fd, &byte, 1), -1);
	assert_int_equal(errno, ECONNRESET);
	close(fd);
}

static void abort_is_a_reset_for_the_client(void **state)
{
	(void)state;
	expect_reset("10.7.0.9");
	expect_reset("2001:db8:7::9");
}

static void expect_udp_error(const char *addr, enum stack_answer answer, int err)
{
	int fd = connect_to(addr, 4000, SOCK_DGRAM);
	const int on = 1;

	/* Over IPv4 Linux reports "unreachable" only to those who asked for it. */
	setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
	chosen = answer;
	r.on_udp = refuse_udp;
	assert_int_equal(write(fd, "x", 1), 1);
	assert_true(until(fd, POLLERR));
	assert_int_equal(error_of(fd), err);
	close(fd);
}

static void refused_datagrams_return_the_errno(void **state)
{
	(void)state;
	expect_udp_error("10.7.0.9", STACK_ANSWER_RST, ECONNREFUSED);
	expect_udp_error("10.7.0.9", STACK_ANSWER_NET_UNREACH, ENETUNREACH);
	expect_udp_error("10.7.0.9", STACK_ANSWER_HOST_UNREACH, EHOSTUNREACH);
	expect_udp_error("2001:db8:7::9", STACK_ANSWER_RST, ECONNREFUSED);
	expect_udp_error("2001:db8:7::9", STACK_ANSWER_NET_UNREACH, ENETUNREACH);
	expect_udp_error("2001:db8:7::9", STACK_ANSWER_HOST_UNREACH, EHOSTUNREACH);
}

static void expect_mtu(const char *addr, int level, int option)
{
	int fd = connect_to(addr, 4000, SOCK_DGRAM), mtu = 0;
	socklen_t len = sizeof(mtu);
	uint8_t data[1400] = {0};

	r.on_udp = too_big;
	assert_int_equal(write(fd, data, sizeof(data)), sizeof(data));
	assert_true(until(fd, POLLERR));
	assert_int_equal(error_of(fd), EMSGSIZE);
	assert_int_equal(getsockopt(fd, level, option, &mtu, &len), 0);
	assert_int_equal(mtu, 1300);
	close(fd);
}

static void too_large_datagram_teaches_the_mtu(void **state)
{
	(void)state;
	expect_mtu("10.7.0.9", IPPROTO_IP, IP_MTU);
	expect_mtu("2001:db8:7::9", IPPROTO_IPV6, IPV6_MTU);
}

static void expect_datagrams(const char *addr)
{
	static uint8_t sent[20000], got[sizeof(sent)];
	int fd = connect_to(addr, 4000, SOCK_DGRAM);

	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (uint8_t)(i * 17);
	r.on_udp = NULL;
	r.udps = 0;
	assert_int_equal(write(fd, sent, sizeof(sent)), sizeof(sent));
	pump();
	assert_int_equal(r.udps, 1);
	assert_int_equal(r.udp.n, sizeof(sent));
	assert_memory_equal(r.udp_bytes, sent, sizeof(sent));
	stack_udp_send(r.s, &r.udp.remote, &r.udp.local, sent, sizeof(sent));
	assert_true(until(fd, POLLIN));
	assert_int_equal(read(fd, got, sizeof(got)), sizeof(sent));
	assert_memory_equal(got, sent, sizeof(sent));
	close(fd);
}

static void fragments_of_the_kernel_and_ours_understand_each_other(void **state)
{
	(void)state;
	expect_datagrams("10.7.0.10");
	expect_datagrams("2001:db8:7::10");
}

/* A server of this namespace: its listening socket. */
static int serve(const char *addr, uint16_t port)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	bool is_v6 = inet_pton(AF_INET6, addr, &v6.sin6_addr) == 1;
	int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, addr, &v4.sin_addr);
	assert_true(fd >= 0);
	assert_int_equal(is_v6 ? bind(fd, (struct sockaddr *)&v6, sizeof(v6))
			       : bind(fd, (struct sockaddr *)&v4, sizeof(v4)), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static struct stack_tcp *dial(const char *server, const char *client)
{
	struct endpoint local = ep(server), remote = ep(client);
	struct stack_tcp *tcp = NULL;

	rig_events(&r);
	r.now = monotonic();
	assert_int_equal(stack_tcp_connect(r.s, &local, &remote, &tcp), 0);
	return tcp;
}

static void expect_visit(const char *addr, const char *server, const char *client)
{
	int listener = serve(addr, 8080), fd;
	struct stack_tcp *tcp = dial(server, client);
	uint8_t sent[5000], got[sizeof(sent)];
	size_t n = 0;

	assert_true(until(listener, POLLIN));
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (uint8_t)(i * 19);
	assert_int_equal(stack_tcp_write(tcp, sent, sizeof(sent)), sizeof(sent));
	while (n < sizeof(got)) {
		ssize_t part;

		assert_true(until(fd, POLLIN));
		part = read(fd, got + n, sizeof(got) - n);
		assert_true(part > 0);
		n += (size_t)part;
	}
	assert_memory_equal(got, sent, sizeof(got));
	assert_int_equal(write(fd, sent, sizeof(sent)), sizeof(sent));
	close(fd);
	for (int i = 0; i < ROUNDS && stack_tcp_queued(tcp) < sizeof(sent); i++)
		step(-1, 0);
	assert_int_equal(stack_tcp_read(tcp, 0, got, sizeof(got)), sizeof(got));
	assert_memory_equal(got, sent, sizeof(got));
	stack_tcp_confirm(tcp, sizeof(got));
	stack_tcp_shutdown(tcp);
	stack_tcp_detach(tcp);
	close(listener);
}

static void kernel_accepts_a_visitor_from_anywhere(void **state)
{
	(void)state;
	expect_visit("10.7.0.1", "10.7.0.1:8080", "10.7.0.77:51000");
	expect_visit("2001:db8:7::1", "[2001:db8:7::1]:8080", "[2001:db8:7::77]:51000");
}

static void kernel_refuses_where_nobody_listens(void **state)
{
	(void)state;
	dial("10.7.0.1:8081", "10.7.0.77:51001");
	r.gone = 0;
	for (int i = 0; i < ROUNDS && !r.gone; i++)
		step(-1, 0);
	assert_int_equal(r.gone, 1);
}

static void abort_reaches_the_kernels_server(void **state)
{
	int listener = serve("10.7.0.1", 8082), fd;
	struct stack_tcp *tcp = dial("10.7.0.1:8082", "10.7.0.77:51002");
	uint8_t byte;

	(void)state;
	assert_true(until(listener, POLLIN));
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	stack_tcp_abort(tcp);
	assert_true(until(fd, POLLIN));
	assert_int_equal(read(fd, &byte, 1), -1);
	assert_int_equal(errno, ECONNRESET);
	close(fd);
	close(listener);
}

#define test(f) cmocka_unit_test_setup_teardown(f, open_rig, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(connect_returns_the_errno_of_the_answer_at_once),
		test(bytes_and_half_closes_pass_both_ways),
		test(abort_is_a_reset_for_the_client),
		test(refused_datagrams_return_the_errno),
		test(too_large_datagram_teaches_the_mtu),
		test(fragments_of_the_kernel_and_ours_understand_each_other),
		test(kernel_accepts_a_visitor_from_anywhere),
		test(kernel_refuses_where_nobody_listens),
		test(abort_reaches_the_kernels_server),
	};

	if (open_tun() < 0)
		return SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
