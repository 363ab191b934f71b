/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names and addresses. A name that no knob answers is asked of the host's resolver in a child
 * process: getaddrinfo() blocks, and the loop must not. The child has nothing open but the pipe,
 * so that it keeps no pty alive.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sim.h"

bool literal_form(const struct sim *sim, const char *text)
{
	const char *wanted = text[0] == '[' ? "brackets" : "plain";

	return !strchr(text, ':') || knob_is(&sim->knobs, KNOB_IP6_LITERAL, "any") ||
	       knob_is(&sim->knobs, KNOB_IP6_LITERAL, wanted);
}

bool address_parse(const char *text, long port, union address *out)
{
	char host[64];
	size_t n = strlen(text);

	memset(out, 0, sizeof(*out));
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	if (n >= sizeof(host))
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	if (inet_pton(AF_INET, host, &out->in.sin_addr) == 1) {
		out->in.sin_family = AF_INET;
		out->in.sin_port = htons((uint16_t)port);
		return true;
	}
	if (inet_pton(AF_INET6, host, &out->in6.sin6_addr) == 1) {
		out->in6.sin6_family = AF_INET6;
		out->in6.sin6_port = htons((uint16_t)port);
		return true;
	}
	return false;
}

socklen_t address_len(const union address *a)
{
	return a->sa.sa_family == AF_INET6 ? sizeof(a->in6) : sizeof(a->in);
}

long address_port(const union address *a)
{
	return ntohs(a->sa.sa_family == AF_INET6 ? a->in6.sin6_port : a->in.sin_port);
}

void address_print(const union address *a, char *out, size_t size)
{
	const void *bytes = &a->in.sin_addr;

	out[0] = '\0';
	if (a->sa.sa_family == AF_INET6)
		bytes = &a->in6.sin6_addr;
	if (a->sa.sa_family)
		inet_ntop(a->sa.sa_family, bytes, out, (socklen_t)size);
}

void address_print_full(const union address *a, char *out, size_t size)
{
	char host[64];

	address_print(a, host, sizeof(host));
	snprintf(out, size, "%s:%ld", host, address_port(a));
}

static void answer(struct sim *sim, int i, unsigned id)
{
	struct resolver *r = &sim->resolver[i], copy = *r;

	if (!r->used || r->id != id)
		return;
	r->used = false;
	copy.done(sim, copy.arg, copy.gen, copy.answer.sa.sa_family ? &copy.answer : NULL);
}

static void answer_at(struct sim *sim, int i)
{
	struct resolver *r = &sim->resolver[i];

	r->answered = true;
	timer_set(&sim->timers, r->not_before > sim->now ? r->not_before : sim->now, answer, i,
		r->id);
}

static void child_answered(struct sim *sim, int i, short revents)
{
	struct resolver *r = &sim->resolver[i];

	(void)revents;
	if (!r->used || r->answered)
		return;
	if (read(r->fd, &r->answer, sizeof(r->answer)) != (ssize_t)sizeof(r->answer))
		memset(&r->answer, 0, sizeof(r->answer)); /* no such name */
	close(r->fd);
	r->fd = -1;
	answer_at(sim, i);
}

static _Noreturn void ask_host(const char *name, int family, int out)
{
	struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM}, *list = NULL;
	union address a = {0};

	dup2(out, 0);
	syscall(SYS_close_range, 1U, ~0U, 0U); /* no libc function in musl */
	if (getaddrinfo(name, NULL, &hints, &list) == 0 && list->ai_addrlen <= sizeof(a)) {
		memcpy(&a, list->ai_addr, list->ai_addrlen);
		if (write(0, &a, sizeof(a)) < 0)
			_exit(1);
	}
	_exit(0);
}

static int ask_child(struct sim *sim, struct resolver *r, const char *name)
{
	bool ip6 = sim->module.socket_ip6 && knob_is(&sim->knobs, KNOB_IPV6, "on");
	int pipes[2];
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		ask_host(name, ip6 ? AF_INET6 : AF_INET, pipes[1]);
	close(pipes[1]);
	if (pid < 0) {
		close(pipes[0]);
		return -EAGAIN;
	}
	r->fd = pipes[0];
	return 0;
}

int resolve_start(struct sim *sim, const char *name,
	void (*done)(struct sim *, int, unsigned, const union address *), int arg, unsigned gen)
{
	const struct knob_value *v = knob_for_strict(&sim->knobs, KNOB_DNS, name);
	struct resolver *r = NULL;
	int i;

	for (i = 0; i < RESOLVERS_MAX && !r; i++)
		if (!sim->resolver[i].used)
			r = &sim->resolver[i];
	if (!r)
		return -EBUSY;
	*r = (struct resolver){.fd = -1, .used = true, .id = r->id + 1, .done = done, .arg = arg,
		.gen = gen};
	i = (int)(r - sim->resolver);
	if (knob_is(&sim->knobs, KNOB_DNS, "delay"))
		r->not_before = sim->now + knob_num(&sim->knobs, KNOB_DNS) * MS;
	if (address_parse(name, 0, &r->answer) || (v && address_parse(v->text, 0, &r->answer)) || v ||
		knob_is(&sim->knobs, KNOB_DNS, "fail")) {
		answer_at(sim, i);
		return 0;
	}
	if (ask_child(sim, r, name) < 0) {
		r->used = false;
		return -EAGAIN;
	}
	return 0;
}

void resolve_watch(struct sim *sim, struct loop *loop)
{
	for (int i = 0; i < RESOLVERS_MAX; i++)
		if (sim->resolver[i].used && !sim->resolver[i].answered)
			loop_watch(loop, sim->resolver[i].fd, POLLIN, child_answered, i);
}

void resolve_reset(struct sim *sim)
{
	for (int i = 0; i < RESOLVERS_MAX; i++) {
		struct resolver *r = &sim->resolver[i];

		if (r->used && r->fd >= 0)
			close(r->fd);
		r->used = false;
	}
}
