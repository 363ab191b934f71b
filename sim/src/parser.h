/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command side: what a byte from the host means depends on the mode; a complete line is run
 * command by command through the table of commands.c.
 */
#ifndef SIM_PARSER_H
#define SIM_PARSER_H

#include <stdbool.h>
#include <stdint.h>

#define COMMAND_LINE_MAX 556 /* longer lines answer ERROR */
#define ARGS_MAX 16

struct sim;

enum mode {
	MODE_OFF,     /* AT+CPOF: deaf for good */
	MODE_BOOT,    /* deaf until the banner */
	MODE_COMMAND, /* collects a line */
	MODE_BUSY,    /* a command runs; bytes wait on the line */
	MODE_PROMPT,  /* CIPSEND accepted, prompt not out yet */
	MODE_ENTRY,   /* counted or Ctrl+Z payload */
	MODE_ONLINE,  /* transparent */
	MODE_COUNT
};

struct parser {
	enum mode mode;
	int64_t since;
	char line[COMMAND_LINE_MAX + 1];
	unsigned len;
	bool overlong, after_cr, warned;
	bool ctrlz_ok;	   /* a Ctrl+Z may follow the payload just counted */
	bool frozen, hung; /* control command; knob at_timeout */
	bool ran;	   /* a command of this line was executed */
	long commands;
	int64_t arrived; /* last byte of the command in hand */
	const char *next;
};

enum form { FORM_RUN, FORM_SET, FORM_READ, FORM_TEST };

enum result {
	RESULT_OK,
	RESULT_ERROR,
	RESULT_PENDING, /* parser_done() follows */
	RESULT_SILENT,	/* the final result or the mode is taken care of */
};

struct arg {
	const char *text; /* without quotes; empty when left out */
	bool quoted;
};

struct command;

struct call {
	const struct command *command;
	enum form form;
	struct arg arg[ARGS_MAX];
	int args;
	const char *raw; /* the text after '=' */
};

typedef enum result command_fn(struct sim *sim, const struct call *call);

struct command {
	const char *name;
	command_fn *fn;
	const char *test; /* what the test form prints after the name; NULL: just OK */
	unsigned setting; /* commands that only set one number: its offset in struct module */
	int min, max;
};

const struct command *command_find(const char *name);
const struct command *command_basic(const char *text);
/* Parses argument i as a number of min..max; false when it is missing or wrong. */
bool arg_int(const struct call *call, int i, long min, long max, long *out);
bool arg_given(const struct call *call, int i);

bool parser_ready(struct sim *sim, uint8_t byte);
void parser_byte(struct sim *sim, uint8_t byte, int64_t arrived);
void parser_mode(struct sim *sim, enum mode mode);
const char *parser_mode_name(enum mode mode);
/* The result of a command that was RESULT_PENDING. */
void parser_done(struct sim *sim, enum result result);
/* Final results; the parser is free after them. */
void final_result(struct sim *sim, const char *text);
enum result ip_error(struct sim *sim, int number);   /* +IP ERROR: ..., ERROR */
enum result cip_error(struct sim *sim, int number);  /* +CIPERROR: n, ERROR */
enum result cme_error(struct sim *sim, int number);  /* +CME ERROR: ... */
void parser_reset(struct sim *sim);

#endif
