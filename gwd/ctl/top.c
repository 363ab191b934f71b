/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gwctl top: what goes through gwd, live.
 *
 * Theory of operation
 *
 * One connection, kept open. At each turn three requests go out together (status, flows, links);
 * the snapshot is complete when the third answer is there, and then the screen is painted. The next
 * turn is `delay` later, or when the answers have come, whichever is last, so a slow gwd is never
 * asked twice. The loop sleeps in poll(): keys, signals (signalfd, so none interrupts anything), the
 * socket. A gwd that goes away leaves its last figures, faded, under a line that says so, until a new
 * connection brings others.
 *
 * Without a terminal, or with -b, the same screen is printed as text, as high as it needs to be.
 */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "commands.h"
#include "field.h"
#include "owner.h"
#include "top_terminal.h"
#include "top_view.h"

#define DELAY_S 1.
#define DELAY_LEAST_S 0.2
#define DELAY_MOST_S 3600.
#define RETRY_S 1. /* a gwd that is gone is looked for at least this often */
#define BATCH_WIDTH 120 /* columns, when nobody says how wide */

static const char *const requests[] = {"status", "flows", "links"};

#define N_REQUESTS (sizeof(requests) / sizeof(requests[0]))

struct top {
	const struct ctl *ctl;
	struct client client;
	bool connected;
	unsigned answered;			  /* of the requests that are out */
	struct json_object *answers[N_REQUESTS]; /* those that came */
	bool asking;
	double asked, next; /* when the requests went out; when they will again */
	double delay;
	struct top_model *model;
	struct top_choice choice;
	char trouble[sizeof(((struct client *)0)->error) + 32];
	bool utf8;
	bool ended;
	int signal; /* what ended it, if a signal did that shall look so to the caller */
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- a snapshot ---- */

/* /proc is read when there is a new flow with a known socket, not at each turn. */
static void name_owners(struct top_model *m, struct json_object *flows)
{
	struct owners owners;
	unsigned unnamed = 0;

	for (unsigned i = 0; i < m->n_flows; i++)
		unnamed += m->flows[i].inode && !m->flows[i].owner[0];
	if (!unnamed)
		return;
	owners_find(&owners, flows);
	for (unsigned i = 0; i < m->n_flows; i++) {
		struct json_object *flow = field_at(flows, "flows", i);
		const struct owner *o = owners_of(&owners, flow);
		struct top_flow *f = &m->flows[i];

		if (f->inode && !f->owner[0])
			snprintf(f->owner, sizeof(f->owner), "%.20s%s%s", owner_user(flow, false).s,
				o ? "/" : "", o ? o->process : "");
	}
	owners_free(&owners);
}

static void forget_answers(struct top *t)
{
	for (unsigned i = 0; i < N_REQUESTS; i++)
		json_object_put(t->answers[i]);
	memset(t->answers, 0, sizeof(t->answers));
	t->answered = 0;
	t->asking = false;
}

static int take_snapshot(struct top *t)
{
	int e = top_model_update(t->model, t->answers[0], t->answers[1], t->answers[2], now_s());

	if (e == 0)
		name_owners(t->model, t->answers[1]);
	forget_answers(t);
	if (e)
		snprintf(t->client.error, sizeof(t->client.error), "cannot read gwd's answers");
	return e ? CTL_FAILED : CTL_OK;
}

static int ask(struct top *t)
{
	int status = CTL_OK;

	forget_answers(t);
	for (unsigned i = 0; i < N_REQUESTS && status == CTL_OK; i++)
		status = client_send(&t->client, requests[i], NULL);
	t->asking = status == CTL_OK;
	t->asked = now_s();
	return status;
}

/* The next answer; when it was the last, the snapshot. */
static int take_answer(struct top *t, int timeout_ms)
{
	struct json_object *line;
	int status = client_line(&t->client, timeout_ms, &line);

	if (status != CTL_OK)
		return status;
	t->answers[t->answered] = json_object_get(field(line, requests[t->answered]));
	t->answered++;
	json_object_put(line);
	return t->answered == N_REQUESTS ? take_snapshot(t) : CTL_OK;
}

static void disconnect(struct top *t)
{
	forget_answers(t);
	client_close(&t->client);
	t->connected = false;
}

/* ---- as text ---- */

static int text_width(void)
{
	const char *columns = getenv("COLUMNS");
	long width = columns ? strtol(columns, NULL, 10) : 0;
	struct winsize size;

	if (width <= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		width = size.ws_col;
	return width <= 0 ? BATCH_WIDTH : width < TOP_WIDTH_MAX ? (int)width : TOP_WIDTH_MAX;
}

static int print_screen(const struct top *t)
{
	int width = text_width();
	char line[4 * TOP_WIDTH_MAX + 1];
	struct top_canvas c;

	if (top_canvas_init(&c, width, top_view_height(t->model, &t->choice, width), t->utf8) < 0)
		return CTL_FAILED;
	top_view_draw(&c, t->model, &t->choice);
	for (int y = 0; y < c.height; y++)
		puts(top_canvas_line(&c, y, line));
	top_canvas_free(&c);
	return fflush(stdout) == 0 ? CTL_OK : CTL_FAILED;
}

static void sleep_until(double when)
{
	struct timespec t = {.tv_sec = (time_t)when};

	t.tv_nsec = (long)((when - (double)t.tv_sec) * 1e9);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

/* COUNT screens, 0: until it is ended. */
static int run_batch(struct top *t, long count)
{
	int status = client_open(&t->client, t->ctl);

	for (long i = 0; status == CTL_OK && (count == 0 || i < count); i++) {
		if (i > 0) {
			sleep_until(t->asked + t->delay);
			putchar('\n');
		}
		status = ask(t);
		while (status == CTL_OK && t->asking)
			status = take_answer(t, CLIENT_ANSWER_MS);
		if (status == CTL_OK && (status = print_screen(t)) != CTL_OK)
			snprintf(t->client.error, sizeof(t->client.error), "%s", strerror(errno));
	}
	return status == CTL_OK ? status : ctl_complain(&t->client, status);
}

/* ---- live ---- */

static void paint(const struct top *t)
{
	struct top_canvas c;
	int width, height;

	top_terminal_size(&width, &height);
	if (top_canvas_init(&c, width, height, t->utf8) < 0)
		return; /* the old screen is better than none */
	top_view_draw(&c, t->model, &t->choice);
	top_terminal_show(&c);
	top_canvas_free(&c);
}

static void lose(struct top *t)
{
	snprintf(t->trouble, sizeof(t->trouble), "%s; trying again", t->client.error);
	t->choice.trouble = t->trouble;
	t->next = now_s() + (t->delay < RETRY_S ? t->delay : RETRY_S);
	disconnect(t);
	paint(t);
}

/* The turn has come: ask, over a new connection if there is none. */
static void begin_turn(struct top *t)
{
	int status = CTL_OK;

	t->next = now_s() + t->delay;
	if (!t->connected) {
		status = client_open(&t->client, t->ctl);
		t->connected = status == CTL_OK;
	}
	if (status == CTL_OK)
		status = ask(t);
	if (status != CTL_OK)
		lose(t);
}

static void scroll_by(struct top *t, long n)
{
	long last = t->model->n_flows ? (long)t->model->n_flows - 1 : 0;
	long to = (long)t->choice.scroll + n;

	t->choice.scroll = (unsigned)(to < 0 ? 0 : to > last ? last : to);
}

static void on_answer(struct top *t)
{
	int status;

	do
		status = take_answer(t, 0);
	while (status == CTL_OK && t->asking);
	if (status == CTL_OK) {
		t->choice.trouble = NULL;
		scroll_by(t, 0); /* flows may have ended */
		paint(t);
	} else if (status != CTL_TIMED_OUT) {
		lose(t);
	}
}

static long page(const struct top *t)
{
	int width, height, rows;

	top_terminal_size(&width, &height);
	rows = top_view_page(t->model, &t->choice, width, height);
	return rows > 1 ? rows : 1;
}

static void on_key(struct top *t, int key)
{
	struct top_choice *c = &t->choice;

	switch (key) {
	case 'q':
		t->ended = true;
		break;
	case 's':
		c->sort = (c->sort + 1) % TOP_SORTS;
		break;
	case 'r':
		c->reverse = !c->reverse;
		break;
	case 'p':
		c->paused = !c->paused;
		t->next = now_s();
		break;
	case '?':
	case 'h':
		c->help = !c->help;
		break;
	case TOP_KEY_REPAINT:
		top_terminal_resized();
		break;
	case TOP_KEY_UP:
		scroll_by(t, -1);
		break;
	case TOP_KEY_DOWN:
		scroll_by(t, 1);
		break;
	case TOP_KEY_PAGE_UP:
		scroll_by(t, -page(t));
		break;
	case TOP_KEY_PAGE_DOWN:
		scroll_by(t, page(t));
		break;
	case TOP_KEY_HOME:
		c->scroll = 0;
		break;
	case TOP_KEY_END:
		scroll_by(t, (long)t->model->n_flows - page(t) - (long)c->scroll);
		break;
	default:
		break;
	}
}

static void on_keys(struct top *t)
{
	int key;

	while (!t->ended && (key = top_terminal_key()) != TOP_KEY_NONE)
		on_key(t, key);
	paint(t);
}

/* As a program without a handler stops; what follows runs when the shell lets it go on. */
static void stop(void)
{
	sigset_t set;

	top_terminal_close();
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void on_signal(struct top *t, int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGTSTP || info.ssi_signo == SIGWINCH) {
		if (info.ssi_signo == SIGTSTP) {
			stop();
			t->asked = now_s(); /* an answer is not late for that */
		}
		top_terminal_resized();
		paint(t);
		return;
	}
	t->ended = true;
	if (info.ssi_signo != SIGINT) /* the usual way to leave, like q */
		t->signal = (int)info.ssi_signo;
}

/* Until the next turn; an answer that is late has its own limit. */
static int turn_timeout_ms(const struct top *t)
{
	double until = t->asking ? t->asked + CLIENT_ANSWER_MS / 1e3 : t->next;
	double left = until - now_s();

	if (t->choice.paused && !t->asking)
		return -1;
	return left > 0 ? (int)(left * 1e3) + 1 : 0;
}

static void on_turn(struct top *t)
{
	if (!t->asking) {
		begin_turn(t);
	} else if (now_s() - t->asked > CLIENT_ANSWER_MS / 1e3) {
		snprintf(t->client.error, sizeof(t->client.error), "gwd does not answer");
		lose(t);
	}
}

static void loop(struct top *t, int signals)
{
	while (!t->ended) {
		struct pollfd p[] = {
			{.fd = STDIN_FILENO, .events = POLLIN},
			{.fd = signals, .events = POLLIN},
			{.fd = t->asking ? t->client.fd : -1, .events = POLLIN},
		};
		int n = poll(p, sizeof(p) / sizeof(p[0]), turn_timeout_ms(t));

		if (n < 0 && errno != EINTR)
			return;
		if (n > 0 && p[1].revents)
			on_signal(t, signals);
		if (n > 0 && p[2].revents)
			on_answer(t);
		if (n > 0 && p[0].revents & (POLLHUP | POLLERR | POLLNVAL))
			t->ended = true; /* the terminal is gone */
		else if (n > 0 && p[0].revents)
			on_keys(t);
		if (!t->ended && turn_timeout_ms(t) == 0)
			on_turn(t);
	}
}

static int run_live(struct top *t)
{
	static const int taken[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};
	sigset_t set, before;
	const char *why;
	int signals, status = client_open(&t->client, t->ctl);

	if (status != CTL_OK)
		return ctl_complain(&t->client, status);
	t->connected = true;
	sigemptyset(&set);
	for (unsigned i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		sigaddset(&set, taken[i]);
	sigprocmask(SIG_BLOCK, &set, &before);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	why = signals < 0 ? strerror(errno) : top_terminal_open(t->ctl->color);
	if (why) {
		fprintf(stderr, "gwctl: %s\n", why);
		status = CTL_FAILED;
	} else {
		paint(t);
		loop(t, signals);
		top_terminal_close();
	}
	if (signals >= 0)
		close(signals);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return status;
}

/* ---- the command ---- */

static int read_delay(const struct ctl *ctl, double *delay)
{
	const char *text = ctl_value(ctl, 'd');
	char *end;

	*delay = DELAY_S;
	if (!text)
		return CTL_OK;
	*delay = strtod(text, &end);
	if (end == text || *end || !(*delay >= DELAY_LEAST_S && *delay <= DELAY_MOST_S))
		return ctl_usage(ctl, "-d wants seconds from %.1f to %.0f, not \"%s\"", DELAY_LEAST_S,
			DELAY_MOST_S, text);
	return CTL_OK;
}

static int run(const struct ctl *ctl)
{
	struct top t = {.ctl = ctl, .client = {.fd = -1}};
	long count = 0;
	int status = read_delay(ctl, &t.delay);

	if (status != CTL_OK || (status = ctl_number(ctl, 'n', 1, 1000000000, &count)) != CTL_OK)
		return status;
	if (ctl->json)
		return ctl_usage(ctl, "there is no --json; see status, flows and links");
	t.choice.batch = ctl_given(ctl, 'b') || !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO);
	if (count && !t.choice.batch)
		return ctl_usage(ctl, "-n is for -b");
	setlocale(LC_CTYPE, "");
	t.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	t.model = top_model_new();
	if (!t.model) {
		fprintf(stderr, "gwctl: no memory\n");
		return CTL_FAILED;
	}
	status = t.choice.batch ? run_batch(&t, count) : run_live(&t);
	disconnect(&t);
	free(t.model);
	if (t.signal)
		raise(t.signal);
	return status;
}

const struct command command_top = {
	.name = "top",
	.args = "",
	.help = "live view: the line, the ten links, flows by rate",
	.flags = {
		{'b', "batch", NULL, "print text, one screen after the other"},
		{'n', "count", "N", "with -b: N screens (default: until it is ended)"},
		{'d', "delay", "SECONDS", "between screens (default: 1)"},
	},
	.run = run,
};
