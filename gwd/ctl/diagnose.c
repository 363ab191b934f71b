/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * A module that is not up has one cause, looked up by its `failure`, else by its state, or by the reason of
 * its recovery where the state is only one that each round of it passes through. One that is
 * up can be slow for several reasons at once; each has a rule, which says its sentence or nothing.
 * Sentences name the flow and its process where there is one, because that is what can be stopped.
 */
#include "diagnose.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "field.h"
#include "format.h"

#define RSSI_WEAK_DBM (-100) /* about where LTE modules begin to repeat and to lose the cell */
#define LINE_FULL 0.9
#define PATIENCE_S 10 /* a module may be starting or in data entry */
#define CHUNK 1460. /* bytes of payload that a prompt is waited for */
#define PROMPTS_FULL 0.85 /* of what they allow: headers and confirmations take the rest */

/* What the rules look at. */
struct facts {
	struct json_object *m, *flows;
	const struct owners *owners;
};

/* ---- registration ---- */

int registration(struct json_object *m)
{
	/* From the most telling to the least. */
	static const int order[] = {1, 5, 9, 10, 3, 2, 8, 6, 7, 11, 4, 0};
	static const char *const keys[] = {"cereg", "cgreg", "creg"};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
			if (field_has(m, keys[k]) && (int)field_number(m, keys[k]) == order[i])
				return order[i];
	return -1;
}

/* ---- down ---- */

static const struct advice {
	const char *key; /* of a failure or a state; a part of a reason */
	const char *what, *then;
	bool say_reason; /* it says more than `what` */
} failures[] = {
	{"pin", "the SIM's PIN is missing or wrong", "put the right one into modem.pin_file", true},
	{"puk", "the SIM is locked and wants its PUK", "unlock it in a telephone", false},
	{"sim", "no SIM, or it cannot be read", "look at the card and its holder", false},
	{"denied", "the network refuses this SIM", "ask the operator: is it active, may it roam?", false},
	{"apn", "the network refuses the access point or its log-in",
		"check modem.apn, modem.auth and modem.user", true},
	{"ip", "the module or the network does not do this IP version", "try the other modem.ip", true},
}, states[] = {
	{"absent", "the port cannot be opened",
		"is it there, and has no other program (ModemManager) got it?", false},
	{"probe", "no module answers on the port",
		"check its power, its wiring, modem.device and modem.baud", false},
	{"looked for", "the module is being looked for", "this takes seconds", true},
	{"configure", "the module is being set up", "this takes seconds", false},
	{"sim", "the SIM is not ready", "is there one, and is it the right way round?", false},
	{"register", "not registered with a network", "check antenna and coverage", false},
	{"activate", "registered, but the network has given no address yet",
		"check modem.apn if it stays so", false},
	{"recover", "recovering", "it goes on by itself", true},
	{"stopping", "gwd is ending", "", false},
	{"stopped", "gwd is ending", "", false},
}, recoveries[] = { /* instead of the last words of "recover" */
	{"NETOPEN", NULL, "if it stays so, check modem.apn", true},
	{"PDP", NULL, "if it stays so, check modem.apn", true},
	{"answer", NULL, "check its power and its wiring", true},
};

static const struct advice *find_advice(const struct advice *rows, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].key, key) == 0)
			return &rows[i];
	return NULL;
}

#define FIND(rows, key) find_advice(rows, sizeof(rows) / sizeof((rows)[0]), key)

static const char *what_then(struct json_object *m, const struct advice *a)
{
	const char *reason = field_text(m, "reason", "");

	if (strcmp(a->key, "recover") == 0)
		for (size_t i = 0; i < sizeof(recoveries) / sizeof(recoveries[0]); i++)
			if (strstr(reason, recoveries[i].key))
				return recoveries[i].then;
	return a->then;
}

/* In brackets, what the registration, the recovery or the reason have to add; "" for nothing. */
static void say_more(struct json_object *m, const struct advice *a, char *text, size_t size)
{
	const char *reason = field_text(m, "reason", "");
	bool climbs = field_number(m, "rung") > 0;

	text[0] = '\0';
	if (strcmp(a->key, "register") == 0)
		snprintf(text, size, " (%s, signal %s%s)", format_registration(registration(m)),
			field_text(m, "rssi_dbm", "unknown"), field_has(m, "rssi_dbm") ? " dBm" : "");
	else if (a->say_reason && (reason[0] || climbs))
		snprintf(text, size, " (%s%s%s%s)", reason, reason[0] && climbs ? "; " : "",
			climbs ? "recovery by " : "", climbs ? field_text(m, "rung_name", "-") : "");
}

/*
 * Each round of recovery goes through the states of a first start. What they wait for just then is no
 * news, the reason of the recovery is; but SIM and registration say more than any reason.
 */
static const char *telling_state(struct json_object *m)
{
	const char *state = field_text(m, "state", "");
	bool probing = strcmp(state, "probe") == 0;

	if (field_number(m, "rung") > 0 && (probing || strcmp(state, "configure") == 0 ||
		strcmp(state, "activate") == 0))
		return "recover";
	if (probing && field_has(m, "since_s") && field_number(m, "since_s") < PATIENCE_S)
		return "looked for";
	return state;
}

static const struct advice *advice_for(struct json_object *m)
{
	const struct advice *a = FIND(failures, field_text(m, "failure", ""));

	if (!a && field_is(m, "state", "register") && registration(m) == 3)
		a = FIND(failures, "denied");
	return a ? a : FIND(states, telling_state(m));
}

static void say_down(struct json_object *m, struct diagnosis *d)
{
	const struct advice *a = advice_for(m);
	const char *then;
	char more[160];

	d->down = true;
	if (field_is(m, "state", "absent") && !field_has(m, "device")) {
		snprintf(d->text, sizeof(d->text), "no module found on USB: is it plugged in and powered? "
			"(modem.device = auto looks for SIMCom's ports)");
		return;
	}
	if (!a) {
		snprintf(d->text, sizeof(d->text), "the module is in state %s",
			field_text(m, "state", "unknown"));
		return;
	}
	then = what_then(m, a);
	say_more(m, a, more, sizeof(more));
	snprintf(d->text, sizeof(d->text), "%s%s%s%s", a->what, more, then[0] ? ": " : "", then);
}

/* ---- up, but ---- */

/* The flow for which `weight` is the greatest, and not 0; NULL: none. */
static struct json_object *greatest(const struct facts *f, const char *weight)
{
	struct json_object *best = NULL;
	double most = 0;

	for (size_t i = 0; i < field_count(f->flows, "flows"); i++) {
		struct json_object *flow = field_at(f->flows, "flows", i);

		if (field_number(flow, weight) > most) {
			most = field_number(flow, weight);
			best = flow;
		}
	}
	return best;
}

struct phrase {
	char s[192];
};

/* "flow 12 of curl/1234 (198.51.100.1:80)", or "" for none. */
static struct phrase name_flow(const struct facts *f, struct json_object *flow)
{
	struct phrase p = {""};

	if (flow)
		snprintf(p.s, sizeof(p.s), "flow %s of %s (%s)", field_text(flow, "id", "-"),
			owner_describe(f->owners, flow).s, field_text(flow, "remote", "-"));
	return p;
}

static void slow_reader(const struct facts *f, char *text, size_t size)
{
	struct phrase p = name_flow(f, greatest(f, "rx_buffered_bytes"));

	if (field_is(f->m, "receive", "buffer") && field_is(f->m, "receive_configured", "auto"))
		snprintf(text, size, "buffer mode, which is slower, until the last TCP flow ends: a program "
			"reads slower than the line%s%s", p.s[0] ? ", now " : "", p.s);
}

static bool holds_link(struct json_object *flow)
{
	return field_is(flow, "protocol", "tcp") && field_has(flow, "link");
}

/* Who has most links, by the owner's name; at most ten flows are looked at closely. */
static unsigned most_links(const struct facts *f, struct owner_name *holder)
{
	size_t n = field_count(f->flows, "flows");
	unsigned most = 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *flow = field_at(f->flows, "flows", i);
		struct owner_name name;
		unsigned count = 0;

		if (!holds_link(flow))
			continue;
		name = owner_describe(f->owners, flow);
		for (size_t k = i; k < n; k++) {
			struct json_object *other = field_at(f->flows, "flows", k);

			count += holds_link(other) &&
				strcmp(owner_describe(f->owners, other).s, name.s) == 0;
		}
		if (count > most) {
			most = count;
			*holder = name;
		}
	}
	return most;
}

static const char free_link[] = "a free link"; /* as gwd says it */

/* How many, and what the first of them waits for. */
static unsigned waiting_flows(const struct facts *f, const char **why)
{
	unsigned n = 0;

	for (size_t i = 0; i < field_count(f->flows, "flows"); i++) {
		struct json_object *flow = field_at(f->flows, "flows", i);

		if (!field_is(flow, "state", "waiting"))
			continue;
		if (n++ == 0)
			*why = field_text(flow, "why", free_link);
	}
	return n;
}

/* A link can be free and yet not for them: names, UDP and quick destinations have some kept for them. */
static void no_links(const struct facts *f, char *text, size_t size)
{
	const char *why = NULL;
	unsigned waiting = waiting_flows(f, &why), most;
	struct owner_name holder;
	bool kept;

	if (!waiting || field_is(f->m, "receive", "transparent"))
		return;
	kept = field_number(f->m, "links_free") > 0 && strcmp(why, free_link) == 0;
	most = most_links(f, &holder);
	snprintf(text, size, "%u TCP flow%s for %.64s, TCP has %s of the ten links%s", waiting,
		waiting == 1 ? " waits" : "s wait", why, field_text(f->m, "links_tcp", "all"),
		kept ? " and the rest is kept for others" : "");
	if (most > 1)
		snprintf(text + strlen(text), size - strlen(text), "; %s holds most, %u", holder.s, most);
}

static void line_taken(const struct facts *f, char *text, size_t size)
{
	const char *why = NULL;
	unsigned waiting = waiting_flows(f, &why);

	if (waiting && field_is(f->m, "receive", "transparent"))
		snprintf(text, size, "transparent mode: one flow has the line and %u wait%s for it",
			waiting, waiting == 1 ? "s" : "");
}

static void line_full(const struct facts *f, char *text, size_t size)
{
	double tx = field_number(f->m, "tx_line_share"), rx = field_number(f->m, "rx_line_share");
	bool up = tx > rx;
	struct phrase p = name_flow(f, greatest(f, up ? "tx_bytes_per_s" : "rx_bytes_per_s"));

	if (tx < LINE_FULL && rx < LINE_FULL)
		return;
	snprintf(text, size, "the line is full %swards, %s of %s%s%s", up ? "up" : "down",
		format_share(up ? tx : rx).s, format_rate(field_number(f->m, "line_bytes_per_s")).s,
		p.s[0] ? "; most is " : "", p.s);
}

/* Each chunk waits for the module's prompt, and only then for the line. */
static void slow_prompts(const struct facts *f, char *text, size_t size)
{
	double prompt_s = field_number(f->m, "prompt_delay_ms") / 1000;
	double line = field_number(f->m, "line_bytes_per_s");
	double rate = field_number(f->m, "tx_payload_bytes_per_s");
	struct phrase p = name_flow(f, greatest(f, "tx_bytes_per_s"));
	double most = prompt_s > 0 && line > 0 ? CHUNK / (prompt_s + CHUNK / line) : 0;

	if (most > 0 && rate > PROMPTS_FULL * most && field_number(f->m, "tx_line_share") < LINE_FULL)
		snprintf(text, size, "the upload is as fast as the module lets it, which takes %.0f ms "
			"before each chunk: %s%s%s", prompt_s * 1000,
			format_rate(rate).s, p.s[0] ? "; most is " : "", p.s);
}

static void weak_signal(const struct facts *f, char *text, size_t size)
{
	double rssi = field_number(f->m, "rssi_dbm");

	if (rssi < RSSI_WEAK_DBM)
		snprintf(text, size, "very weak signal, %.0f dBm: look at the antenna and its place", rssi);
}

static void second_generation(const struct facts *f, char *text, size_t size)
{
	const char *technology = field_text(f->m, "technology", "");

	if (strcmp(technology, "GSM") == 0)
		snprintf(text, size, "on GSM (2G): a few kB/s and long delays are normal there");
}

static void roaming(const struct facts *f, char *text, size_t size)
{
	int stat = registration(f->m);

	if (stat == 5 || stat == 10)
		snprintf(text, size, "roaming with %s: this may cost more",
			field_text(f->m, "operator", "a foreign network"));
}

static void half_recovered(const struct facts *f, char *text, size_t size)
{
	if (field_number(f->m, "rung") > 0)
		snprintf(text, size, "back by recovery (%s) for %s: %s", field_text(f->m, "rung_name", "-"),
			format_age(field_number(f->m, "since_s")).s,
			field_text(f->m, "reason", "it is being watched"));
}

static void (*const rules[])(const struct facts *f, char *text, size_t size) = {
	line_taken, no_links, slow_reader, line_full, slow_prompts, weak_signal, second_generation, half_recovered,
	roaming,
};

_Static_assert(sizeof(rules) / sizeof(rules[0]) <= DIAGNOSES_MAX, "room for what each rule says");

size_t diagnose(struct json_object *m, struct json_object *flows, const struct owners *owners,
	struct diagnosis out[DIAGNOSES_MAX])
{
	static const struct owners nobody;
	struct facts f = {.m = m, .flows = flows, .owners = owners ? owners : &nobody};
	size_t n = 0;

	if (!field_is(m, "state", "up")) {
		say_down(m, &out[0]);
		return 1;
	}
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		out[n] = (struct diagnosis){0};
		rules[i](&f, out[n].text, sizeof(out[n].text));
		n += out[n].text[0] != '\0';
	}
	return n;
}
