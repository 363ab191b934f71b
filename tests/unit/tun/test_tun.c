/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netns.h"

#define NOBODY 65534

static int enter(void **state)
{
	(void)state;
	netns_enter();
	return 0;
}

static struct sockaddr_in sin_of(const char *text, uint16_t port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(port)};

	assert_int_equal(inet_pton(AF_INET, text, &sin.sin_addr), 1);
	return sin;
}

/* Sends a UDP datagram whose payload is @mark towards the TUN. */
static void send_mark(int fd, uint32_t mark)
{
	struct sockaddr_in to = sin_of("10.9.0.2", 9999);

	assert_int_equal(sendto(fd, &mark, sizeof(mark), 0, (void *)&to, sizeof(to)), sizeof(mark));
}

static uint16_t ip_checksum(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void a_packet_sent_to_the_interface_is_read_whole(void **state)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	uint8_t packet[1500];
	struct tun t;

	(void)state;
	netns_tun(&t, "cell0");
	send_mark(fd, 0x11223344);
	assert_int_equal(tun_read(&t, packet, sizeof(packet)), 20 + 8 + 4);
	assert_int_equal(packet[0], 0x45);
	assert_memory_equal(packet + 16, "\x0a\x09\x00\x02", 4);
	assert_memory_equal(packet + 28, &(uint32_t){0x11223344}, 4);
	assert_int_equal(tun_read(&t, packet, sizeof(packet)), -EAGAIN);
	tun_close(&t);
	close(fd);
}

static void a_wake_up_brings_as_many_packets_as_there_are_in_order(void **state)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct pollfd pfd;
	uint8_t packet[1500];
	struct tun t;

	(void)state;
	netns_tun(&t, "cell0");
	for (uint32_t i = 0; i < 64; i++)
		send_mark(fd, i);
	pfd = (struct pollfd){.fd = t.fd, .events = POLLIN};
	assert_int_equal(poll(&pfd, 1, 1000), 1);
	for (uint32_t i = 0; i < 64; i++) {
		assert_int_equal(tun_read(&t, packet, sizeof(packet)), 32);
		assert_memory_equal(packet + 28, &i, 4);
	}
	assert_int_equal(tun_read(&t, packet, sizeof(packet)), -EAGAIN);
	tun_close(&t);
	close(fd);
}

static void a_packet_written_in_pieces_reaches_its_socket(void **state)
{
	struct sockaddr_in local = sin_of("10.9.0.1", 7777), from;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	uint8_t ip[20] = {0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 10, 9, 0, 2, 10, 9, 0, 1};
	uint8_t udp[8] = {0x27, 0x0f, 0x1e, 0x61, 0, 12, 0, 0};
	struct iovec iov[3] = {{ip, sizeof(ip)}, {udp, sizeof(udp)}, {(char[]){"data"}, 4}};
	socklen_t len = sizeof(from);
	char got[16];
	uint16_t sum = ip_checksum(ip, sizeof(ip));
	struct tun t;

	(void)state;
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	netns_tun(&t, "cell0");
	assert_int_equal(bind(fd, (void *)&local, sizeof(local)), 0);
	assert_int_equal(tun_write(&t, iov, 3), 0);
	assert_int_equal(recvfrom(fd, got, sizeof(got), MSG_DONTWAIT, (void *)&from, &len), 4);
	assert_memory_equal(got, "data", 4);
	assert_int_equal(ntohs(from.sin_port), 9999);
	tun_close(&t);
	close(fd);
}

static void what_is_no_ip_packet_is_refused(void **state)
{
	struct iovec iov = {(char[]){"\xff\xff\xff\xff"}, 4};
	struct tun t;

	(void)state;
	netns_tun(&t, "cell0");
	assert_int_equal(tun_write(&t, &iov, 1), -EINVAL);
	tun_close(&t);
}

static void a_name_with_percent_d_is_completed(void **state)
{
	struct tun a, b;

	(void)state;
	assert_int_equal(tun_open(&a, "cell%d"), 0);
	assert_int_equal(tun_open(&b, "cell%d"), 0);
	assert_string_equal(a.name, "cell0");
	assert_string_equal(b.name, "cell1");
	assert_int_equal(b.ifindex, if_nametoindex("cell1"));
	tun_close(&a);
	tun_close(&b);
}

static void a_name_that_is_none_or_of_another_kind_is_refused(void **state)
{
	struct tun t;

	(void)state;
	assert_int_equal(tun_open(&t, ""), -EINVAL);
	assert_int_equal(tun_open(&t, "sixteen-letters-"), -EINVAL);
	assert_int_equal(tun_open(&t, "a/b"), -EINVAL);
	assert_int_equal(tun_open(&t, "lo"), -EINVAL);
	assert_int_equal(t.fd, -1);
}

static void a_device_that_is_in_use_is_busy(void **state)
{
	struct tun a, b;

	(void)state;
	assert_int_equal(tun_open(&a, "cell0"), 0);
	assert_int_equal(tun_open(&b, "cell0"), -EBUSY);
	assert_int_equal(b.fd, -1);
	tun_close(&a);
}

static void a_closed_device_is_gone_and_a_persistent_one_stays(void **state)
{
	struct tun t;

	(void)state;
	assert_int_equal(tun_open(&t, "cell0"), 0);
	tun_close(&t);
	assert_int_equal(if_nametoindex("cell0"), 0);

	assert_int_equal(tun_open(&t, "cell0"), 0);
	assert_int_equal(ioctl(t.fd, TUNSETPERSIST, 1), 0);
	tun_close(&t);
	assert_int_not_equal(if_nametoindex("cell0"), 0);
	assert_int_equal(tun_open(&t, "cell0"), 0);
	assert_int_equal(ioctl(t.fd, TUNSETPERSIST, 0), 0);
	tun_close(&t);
}

static void a_persistent_device_loses_the_offloads_of_its_last_owner(void **state)
{
	struct tun t;

	(void)state;
	assert_int_equal(tun_open(&t, "cell0"), 0);
	assert_int_equal(ioctl(t.fd, TUNSETPERSIST, 1), 0);
	assert_int_equal(ioctl(t.fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4), 0);
	tun_close(&t);
	netns_tun(&t, "cell0");

	/* With checksum offload left on, the kernel would leave the UDP checksum to us. */
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	uint8_t packet[64], pseudo[12 + 12];

	send_mark(fd, 0x11223344);
	assert_int_equal(tun_read(&t, packet, sizeof(packet)), 32);
	memcpy(pseudo, packet + 12, 8);
	memcpy(pseudo + 8, "\0\x11\0\x0c", 4);
	memcpy(pseudo + 12, packet + 20, 12);
	assert_int_equal(ip_checksum(pseudo, sizeof(pseudo)), 0);
	ioctl(t.fd, TUNSETPERSIST, 0);
	tun_close(&t);
	close(fd);
}

/* IFF_RUNNING follows the carrier late; ethtool's answer does not. */
static bool has_carrier(const char *name)
{
	struct ethtool_value value = {.cmd = ETHTOOL_GLINK};
	struct ifreq ifr = {.ifr_data = (void *)&value};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	strcpy(ifr.ifr_name, name);
	assert_int_equal(ioctl(fd, SIOCETHTOOL, &ifr), 0);
	close(fd);
	return value.data;
}

static void carrier_goes_off_and_on(void **state)
{
	struct tun t;

	(void)state;
	netns_tun(&t, "cell0");
	assert_int_equal(tun_set_carrier(&t, false), 0);
	assert_false(has_carrier("cell0"));
	assert_int_equal(tun_set_carrier(&t, true), 0);
	assert_true(has_carrier("cell0"));
	tun_close(&t);
}

static void a_deleted_device_is_an_error_at_every_call_not_silence(void **state)
{
	struct iovec iov = {(char[]){"\x45"}, 1};
	struct pollfd pfd;
	uint8_t packet[64];
	struct tun t;

	(void)state;
	netns_tun(&t, "cell0");
	netns_delete_link(t.ifindex);
	pfd = (struct pollfd){.fd = t.fd, .events = POLLIN};
	assert_int_equal(poll(&pfd, 1, 0), 1);
	assert_true(pfd.revents & POLLERR);
	assert_int_equal(tun_read(&t, packet, sizeof(packet)), -EBADFD);
	assert_int_equal(tun_read(&t, packet, sizeof(packet)), -EBADFD);
	assert_int_equal(tun_write(&t, &iov, 1), -EBADFD);
	assert_int_equal(tun_set_carrier(&t, true), -EBADFD);
	tun_close(&t);
	assert_int_equal(t.fd, -1);
}

/* Runs @body in a child that is NOBODY with a /dev/net/tun everybody may open; its result. */
static int as_normal_user(bool ambient, int (*body)(void))
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (unshare(CLONE_NEWNS) < 0 ||
			mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
			mount("tmpfs", "/dev/net", "tmpfs", 0, "mode=755") < 0 ||
			mknod("/dev/net/tun", S_IFCHR | 0666, makedev(10, 200)) < 0 ||
			chmod("/dev/net/tun", 0666) < 0 || prctl(PR_SET_KEEPCAPS, 1) < 0 ||
			setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
			setresuid(NOBODY, NOBODY, NOBODY) < 0)
			_exit(100);
		data[0].permitted = data[0].effective = data[0].inheritable =
			ambient ? 1u << CAP_NET_ADMIN : 0;
		if (syscall(SYS_capset, &header, data) < 0)
			_exit(101);
		if (ambient && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0) < 0)
			_exit(102);
		_exit(body());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* 0, or the step that failed; as exit statuses go, -EPERM is 200. */
static int set_everything_up(void)
{
	struct addr v4 = addr_of("10.9.0.1");
	struct tun_setup *s;
	struct tun t;
	int rc = tun_open(&t, "cell0");

	if (rc < 0)
		return rc == -EPERM ? 200 : 1;
	if (tun_setup_new(&s) < 0)
		return 2;
	if (tun_setup_link(s, t.ifindex, 1400, 50, true) < 0)
		return 3;
	if (tun_setup_addr_add(s, t.ifindex, &v4, 32) < 0)
		return 4;
	if (tun_setup_default_add(s, t.ifindex, 4, 700) < 0)
		return 5;
	if (tun_set_carrier(&t, false) < 0)
		return 6;
	tun_setup_free(s);
	tun_close(&t);
	return 0;
}

static void a_normal_user_with_ambient_net_admin_can_do_all_that_root_can(void **state)
{
	(void)state;
	assert_int_equal(as_normal_user(true, set_everything_up), 0);
}

static void a_normal_user_without_it_gets_eperm(void **state)
{
	(void)state;
	assert_int_equal(as_normal_user(false, set_everything_up), 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_packet_sent_to_the_interface_is_read_whole, enter),
		cmocka_unit_test_setup(
			a_wake_up_brings_as_many_packets_as_there_are_in_order, enter),
		cmocka_unit_test_setup(a_packet_written_in_pieces_reaches_its_socket, enter),
		cmocka_unit_test_setup(what_is_no_ip_packet_is_refused, enter),
		cmocka_unit_test_setup(a_name_with_percent_d_is_completed, enter),
		cmocka_unit_test_setup(a_name_that_is_none_or_of_another_kind_is_refused, enter),
		cmocka_unit_test_setup(a_device_that_is_in_use_is_busy, enter),
		cmocka_unit_test_setup(a_closed_device_is_gone_and_a_persistent_one_stays, enter),
		cmocka_unit_test_setup(
			a_persistent_device_loses_the_offloads_of_its_last_owner, enter),
		cmocka_unit_test_setup(carrier_goes_off_and_on, enter),
		cmocka_unit_test_setup(
			a_deleted_device_is_an_error_at_every_call_not_silence, enter),
		cmocka_unit_test_setup(
			a_normal_user_with_ambient_net_admin_can_do_all_that_root_can, enter),
		cmocka_unit_test_setup(a_normal_user_without_it_gets_eperm, enter),
	};

	return netns_possible() ? cmocka_run_group_tests(tests, NULL, NULL) : SKIP;
}
