/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The option table as the files of this room see it: one row an option (options.c), and how a row's
 * value is read from and written as text (value.c).
 */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include "config/config.h"

enum option_type {
	OPTION_BOOL,
	OPTION_UINT,
	OPTION_SIZE,     /* bytes; "64k", "1M" */
	OPTION_DURATION, /* usec_t; "30", "30s", "2m", "500ms" */
	OPTION_ENUM,     /* an enum or unsigned, by names */
	OPTION_TEXT,
	OPTION_LIST, /* struct config_list; the key may repeat */
	OPTION_ADDRESS,
};

struct option_name {
	const char *name; /* NULL ends the array */
	unsigned value;
};

struct option {
	const char *section, *key;
	enum option_type type;
	size_t offset, size; /* of the field in struct config */
	uint64_t min, max;   /* UINT; SIZE in bytes; DURATION in microseconds */
	const struct option_name *names;
	bool (*valid)(const char *text); /* TEXT and each item of LIST, when not empty */
	const char *def;                 /* text of the default; "" is "not set" */
	const char *arg;     /* what stands for the value in help; NULL: made from the type */
	const char *expect;  /* "expected ..." in errors; NULL: made from the type */
	const char *example; /* a value for the example file, where the default is none */
	const char *help;
	bool live; /* a reload can change it */
	bool secret; /* never printed or named in an error */
};

#define OPTION_MAX (sizeof(((struct config_overrides *)0)->seen) / sizeof(bool))
#define OPTION_EXPECT_MAX 128

extern const struct option options[];
extern const unsigned options_count;

/* Longest "section.key" with its NUL; checked by a unit test. */
#define OPTION_NAME_MAX 64

const char *option_name(const struct option *o, char buf[OPTION_NAME_MAX]);
const struct option *option_find(const char *section, const char *key);
bool option_section_known(const char *section);
/* The option whose name is nearest to a mistyped one, NULL if none is near. */
const struct option *option_nearest(const char *section, const char *key);

/* Sets the option from @text; a LIST gets one more item, or becomes empty by "". -EINVAL when the
 * text is not what value_expect() says (then @c is as before). */
int value_set(const struct option *o, struct config *c, const char *text);
/* The value in the form that value_set() reads; item @i of a LIST. */
const char *value_format(
	const struct option *o, const struct config *c, unsigned i, char buf[CONFIG_TEXT_MAX]);
struct config_list *value_list(const struct option *o, struct config *c);
/* How many lines the option takes in a file: 1, or the items of a LIST (an empty one takes 1). */
unsigned value_lines(const struct option *o, const struct config *c);
const char *value_expect(const struct option *o, char buf[OPTION_EXPECT_MAX]);

/* Validators of the table. */
bool valid_ifname(const char *text);
bool valid_path(const char *text);
bool valid_device(const char *text);
bool valid_socket_path(const char *text);
bool valid_listen(const char *text);
bool valid_group(const char *text);
bool valid_apn(const char *text);
bool valid_at_command(const char *text);
bool valid_forward(const char *text);
/* One that a host may have and that leaves its link: neither unspecified, loopback, link-local,
 * multicast nor class E. stack/ takes no other from the interface. */
bool is_host_address(const struct addr *a);
bool valid_login(const char *text);
bool valid_host_address(const char *text);

/* forward.c: how the forwards agree with each other and the rest */
int forward_check(const struct config *c, struct config_error *err);
/* Whether the kernel would throw away what comes from the true addresses of clients; @conf is the
 * folder of net.ipv4.conf. Only a warning: routes may be made later. */
bool forward_filtered(const struct config *c, const char *conf);

/* Fills in @err and returns -EINVAL. */
int config_fail(struct config_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
