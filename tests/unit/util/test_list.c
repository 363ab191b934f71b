/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <string.h>

#include "util/list.h"
#include "util/time.h"

struct item {
	char name;
	struct list link;
};

static struct item a, b, c;
static struct list head;

static int three(void **state)
{
	(void)state;
	a.name = 'a';
	b.name = 'b';
	c.name = 'c';
	list_init(&head);
	list_add_tail(&head, &a.link);
	list_add_tail(&head, &b.link);
	list_add_tail(&head, &c.link);
	return 0;
}

/* The names in order. */
static const char *names(void)
{
	static char text[8];
	struct list *pos, *tmp;
	size_t n = 0;

	list_for_each_safe(pos, tmp, &head) text[n++] = list_entry(pos, struct item, link)->name;
	text[n] = '\0';
	return text;
}

static void items_stand_in_the_order_they_were_added(void **state)
{
	(void)state;
	assert_string_equal(names(), "abc");
}

static void adding_before_an_item_inserts_there(void **state)
{
	struct item x = {.name = 'x'};

	(void)state;
	list_add_tail(&b.link, &x.link);
	assert_string_equal(names(), "axbc");
}

static void a_deleted_item_is_in_no_list_and_can_be_deleted_again(void **state)
{
	(void)state;
	list_del(&b.link);
	assert_string_equal(names(), "ac");
	assert_true(list_empty(&b.link));
	list_del(&b.link);
	assert_string_equal(names(), "ac");
	list_add_tail(&head, &b.link);
	assert_string_equal(names(), "acb");
}

static void the_current_item_may_be_deleted_on_the_way(void **state)
{
	struct list *pos, *tmp;
	unsigned n = 0;

	(void)state;
	list_for_each_safe(pos, tmp, &head)
	{
		list_del(pos);
		n++;
	}
	assert_int_equal(n, 3);
	assert_true(list_empty(&head));
}

static void the_sooner_of_a_time_and_never_is_the_time(void **state)
{
	(void)state;
	assert_int_equal(usec_min(SEC(5), USEC_NEVER), 5000000);
	assert_int_equal(usec_min(MSEC(7), MSEC(6)), 6000);
	/* Beyond 32 bits: 5000 s. */
	assert_true(SEC(5000) == UINT64_C(5000000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(items_stand_in_the_order_they_were_added, three),
		cmocka_unit_test_setup(adding_before_an_item_inserts_there, three),
		cmocka_unit_test_setup(
			a_deleted_item_is_in_no_list_and_can_be_deleted_again, three),
		cmocka_unit_test_setup(the_current_item_may_be_deleted_on_the_way, three),
		cmocka_unit_test(the_sooner_of_a_time_and_never_is_the_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
