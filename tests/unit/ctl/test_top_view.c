/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Screens of gwctl top against those in top/: what a terminal of that size shows of snapshot.json.
 * After a wanted change look at the new ones and keep them: GWD_KEEP_SCREENS=1 test_ctl_top_view
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot.h"
#include "top_view.h"

#define SAMPLES 64
#define SCREEN_MAX (4 * TOP_WIDTH_MAX * 64)

struct fixture {
	struct snapshot s;
	struct top_model *m;
	struct top_choice choice;
	struct top_canvas c;
	char screen[SCREEN_MAX];
};

/* A minute of curves: the line up in waves, down in steps, the signal fading. */
static void give_history(struct fixture *f)
{
	static const char *const owners[] = {
		"ada/curl", "root/sshd", "1001", "", "ada/firefox", "ada", "", "ntp"};
	char value[16];

	for (unsigned i = 0; i < SAMPLES; i++) {
		snprintf(value, sizeof(value), "%.3f", i == SAMPLES - 1 ? 0.146 : (i * 7 % 20) / 50.);
		snapshot_set(snapshot_modem(&f->s), "tx_line_share", value);
		snprintf(value, sizeof(value), "%.3f", i == SAMPLES - 1 ? 0.868 : (i / 8) / 8.);
		snapshot_set(snapshot_modem(&f->s), "rx_line_share", value);
		snprintf(value, sizeof(value), "%d", -58 - (int)i * 23 / (SAMPLES - 1));
		snapshot_set(snapshot_modem(&f->s), "rssi_dbm", value);
		snapshot_give(&f->s, f->m, i);
	}
	for (unsigned i = 0; i < f->m->n_flows; i++)
		snprintf(f->m->flows[i].owner, sizeof(f->m->flows[i].owner), "%s", owners[i]);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	f->s = snapshot_load();
	f->m = top_model_new();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	snapshot_free(&f->s);
	free(f->m);
	free(f);
	return 0;
}

static const char *draw(struct fixture *f, int width, int height, bool utf8)
{
	char line[4 * TOP_WIDTH_MAX + 1];
	size_t n = 0;

	assert_int_equal(top_canvas_init(&f->c, width, height, utf8), 0);
	top_view_draw(&f->c, f->m, &f->choice);
	for (int y = 0; y < f->c.height && n < sizeof(f->screen); y++)
		n += (size_t)snprintf(f->screen + n, sizeof(f->screen) - n, "%s\n",
			top_canvas_line(&f->c, y, line));
	top_canvas_free(&f->c);
	return f->screen;
}

static void compare(const char *name, const char *screen)
{
	char path[512], *kept = NULL;
	size_t n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.txt", TOP_FOLDER, name);
	if (getenv("GWD_KEEP_SCREENS")) {
		file = fopen(path, "w");
		assert_non_null(file);
		fputs(screen, file);
		fclose(file);
	}
	file = fopen(path, "r");
	assert_non_null(file);
	if (getdelim(&kept, &n, '\0', file) < 0 || strcmp(kept, screen) != 0)
		print_error("%s.txt is\n%s\nbut the screen is\n%s", name, kept ? kept : "", screen);
	assert_string_equal(kept, screen);
	free(kept);
	fclose(file);
}

static void a_large_terminal_shows_all_of_it(void **state)
{
	struct fixture *f = *state;

	give_history(f);
	compare("120x40", draw(f, 120, 40, true));
}

static void an_ordinary_terminal_leaves_columns_out(void **state)
{
	struct fixture *f = *state;

	give_history(f);
	compare("80x24", draw(f, 80, 24, true));
}

static void a_small_one_keeps_what_matters_most(void **state)
{
	struct fixture *f = *state;

	give_history(f);
	compare("40x10", draw(f, 40, 10, true));
}

static void without_utf8_curves_are_of_ascii(void **state)
{
	struct fixture *f = *state;

	give_history(f);
	compare("80x24-ascii", draw(f, 80, 24, false));
	for (const char *s = f->screen; *s; s++)
		assert_true((unsigned char)*s < 0x80);
}

static void a_bearer_that_is_down_says_why(void **state)
{
	struct fixture *f = *state;
	struct json_object *modem = snapshot_modem(&f->s);

	snapshot_set(modem, "state", "\"register\"");
	snapshot_set(modem, "reason", "\"not registered yet\"");
	snapshot_set(modem, "rung", "2");
	snapshot_set(modem, "rung_name", "\"CFUN\"");
	snapshot_set(modem, "rssi_dbm", "null");
	snapshot_set(f->s.flows, "flows", "[]");
	snapshot_set(f->s.links, "links", "[]");
	snapshot_give(&f->s, f->m, 1);
	compare("80x24-down", draw(f, 80, 24, true));
}

static void help_takes_the_place_of_the_flows(void **state)
{
	struct fixture *f = *state;

	give_history(f);
	f->choice.help = true;
	compare("80x24-help", draw(f, 80, 24, true));
	compare("40x10-help", draw(f, 40, 10, true));
}

static void text_is_as_high_as_it_must_be(void **state)
{
	struct fixture *f = *state;

	give_history(f);
	f->choice.batch = true;
	compare("batch", draw(f, 120, top_view_height(f->m, &f->choice, 120), true));
}

static void old_figures_say_that_they_are(void **state)
{
	struct fixture *f = *state;

	give_history(f);
	f->choice.trouble = "gwd closed the connection; trying again";
	assert_ptr_equal(strstr(draw(f, 80, 24, true), f->choice.trouble), f->screen);
	assert_ptr_equal(strstr(draw(f, 40, 10, true), f->choice.trouble), f->screen);
}

static void before_the_first_answer_there_is_a_screen_too(void **state)
{
	struct fixture *f = *state;

	assert_non_null(strstr(draw(f, 80, 24, true), "q quit"));
}

/* Which of two strings the screen has first. */
static bool before(const char *screen, const char *a, const char *b)
{
	const char *x = strstr(screen, a), *y = strstr(screen, b);

	assert_non_null(x);
	assert_non_null(y);
	return x < y;
}

static void flows_stand_in_the_order_that_was_chosen(void **state)
{
	static const char fast[] = "198.51.100.1:443", old[] = "198.51.100.53:53";
	static const char fat[] = "198.51.100.22:22";
	struct fixture *f = *state;

	give_history(f);
	assert_true(before(draw(f, 80, 24, true), fast, fat));
	assert_true(before(f->screen, fat, old));
	f->choice.reverse = true;
	assert_true(before(draw(f, 80, 24, true), old, fast));
	f->choice = (struct top_choice){.sort = TOP_SORT_BYTES};
	assert_true(before(draw(f, 80, 24, true), fat, old));
	f->choice.sort = TOP_SORT_AGE;
	assert_true(before(draw(f, 80, 24, true), old, fat));
	assert_true(before(f->screen, fat, fast));
}

static void scrolling_leaves_out_the_first_ones(void **state)
{
	struct fixture *f = *state;

	give_history(f);
	f->choice.scroll = 1;
	assert_null(strstr(draw(f, 80, 24, true), "198.51.100.1:443"));
	assert_non_null(strstr(f->screen, "203.0.113.80:8080"));
	assert_non_null(strstr(draw(f, 40, 10, true), "2-5 of 8"));
	f->choice.scroll = 5000;
	assert_non_null(draw(f, 80, 24, true));
}

static void several_modules_have_a_block_each(void **state)
{
	struct fixture *f = *state;
	struct json_object *list = json_object_object_get(f->s.status, "modems"), *other = NULL;

	assert_int_equal(json_object_deep_copy(snapshot_modem(&f->s), &other, NULL), 0);
	snapshot_set(other, "modem", "1");
	snapshot_set(other, "operator", "\"Other Mobile\"");
	json_object_array_add(list, other);
	snapshot_set(snapshot_flow(&f->s, 2), "modem", "1");
	snapshot_give(&f->s, f->m, 1);
	draw(f, 120, 40, true);
	assert_non_null(strstr(f->screen, "Example Mobile"));
	assert_non_null(strstr(f->screen, "Other Mobile"));
	assert_non_null(strstr(f->screen, "1.2\n"));
}

/* Operator names come from the air, owners' from whoever starts a program. */
static void what_would_steer_a_terminal_is_shown_as_question_marks(void **state)
{
	struct fixture *f = *state;

	snapshot_set(snapshot_modem(&f->s), "operator",
		"\"a\\u001b[2Jb\\u009bc\\u202ed\\u0301e\\uff37f\\ud800g\\u044f\"");
	snapshot_give(&f->s, f->m, 1);
	snprintf(f->m->flows[0].owner, sizeof(f->m->flows[0].owner), "x\n\x80\xff\xc3(\xe2\x82");
	draw(f, 120, 40, true);
	assert_non_null(strstr(f->screen, "a?[2Jb?c?d?e?f"));
	assert_non_null(strstr(f->screen, "g\u044f"));
	assert_non_null(strstr(f->screen, "x???" "?(?"));
	assert_non_null(strstr(draw(f, 120, 40, false), "g?"));
}

/* Ten, or it would look as if there were fewer. */
static void all_ten_links_are_shown_from_thirty_columns_on(void **state)
{
	struct fixture *f = *state;

	snapshot_set(f->s.flows, "flows", "[]");
	snapshot_set(snapshot_link(&f->s, 9), "type", "\"tcp\"");
	snapshot_give(&f->s, f->m, 1);
	for (int width = 30; width < 140; width++)
		if (!strstr(draw(f, width, 12, true), "9T"))
			fail_msg("no tenth link in %d columns:\n%s", width, f->screen);
}

/* The sanitizers watch. */
static void no_size_is_too_small_or_too_large(void **state)
{
	struct fixture *f = *state;

	give_history(f);
	for (unsigned variant = 0; variant < 4; variant++) {
		f->choice.help = variant & 1;
		f->choice.trouble = variant & 2 ? "trouble" : NULL;
		for (int width = -1; width < 140; width += width < 14 ? 1 : 7)
			for (int height = 0; height < 45; height += height < 12 ? 1 : 11)
				draw(f, width, height, width % 2);
	}
	draw(f, 5000, 50, true);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_large_terminal_shows_all_of_it),
		TEST(an_ordinary_terminal_leaves_columns_out),
		TEST(a_small_one_keeps_what_matters_most),
		TEST(without_utf8_curves_are_of_ascii),
		TEST(a_bearer_that_is_down_says_why),
		TEST(help_takes_the_place_of_the_flows),
		TEST(text_is_as_high_as_it_must_be),
		TEST(old_figures_say_that_they_are),
		TEST(before_the_first_answer_there_is_a_screen_too),
		TEST(flows_stand_in_the_order_that_was_chosen),
		TEST(scrolling_leaves_out_the_first_ones),
		TEST(several_modules_have_a_block_each),
		TEST(what_would_steer_a_terminal_is_shown_as_question_marks),
		TEST(all_ten_links_are_shown_from_thirty_columns_on),
		TEST(no_size_is_too_small_or_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
