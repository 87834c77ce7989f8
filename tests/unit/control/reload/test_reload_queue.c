/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who waits for which reload: first case by case, then requests, begins and failures in any order.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "reload/reload_parts.h"

static struct vly_reload_queue queue;

static void
done(void *arg, const struct vly_reload_report *report)
{
	(void)arg;
	(void)report;
}

static struct vly_reload *
ask(const char *a, const char *b)
{
	char *names[2] = {(char *)(uintptr_t)a, (char *)(uintptr_t)b};
	struct vly_reload_asker *asker =
		vly_reload_queue_ask(&queue, names, a ? (b ? 2 : 1) : 0, false, 1, done, NULL);

	cr_assert_not_null(asker);
	return asker->reload;
}

static void
release(struct vly_reload *reload)
{
	vly_reload_free_askers(reload);
	free(reload);
}

static void
empty(void)
{
	struct vly_reload *reload;

	while ((reload = vly_reload_queue_take(&queue)) != NULL)
		release(reload);
	cr_expect_eq(queue.cnt, 0);
}

TestSuite(reload_queue, .fini = empty);

Test(reload_queue, one_of_everything_waits)
{
	struct vly_reload *all = ask(NULL, NULL);

	cr_expect_eq(ask(NULL, NULL), all);
	cr_expect_eq(queue.cnt, 1);
	cr_expect_eq(vly_reload_queue_take(&queue), all);
	cr_expect_neq(ask(NULL, NULL), all, "it has begun");
	release(all);
}

Test(reload_queue, zones_join_the_same_zones_and_everything)
{
	struct vly_reload *one = ask("a.", NULL);
	struct vly_reload *two = ask("b.", "a.");

	cr_expect_eq(ask("a.", NULL), one);
	cr_expect_eq(ask("a.", "b."), two);
	cr_expect_eq(ask("a.", "a."), one, "named twice");
	cr_expect_neq(ask("b.", NULL), two, "an unknown zone fails a reload");
	cr_expect_eq(queue.cnt, 3);
	struct vly_reload *all = ask(NULL, NULL);
	cr_expect_eq(ask("c.", NULL), all);
	cr_expect_eq(ask("a.", NULL), one, "that comes first");
	cr_expect_eq(queue.cnt, 4);
	cr_expect_eq(vly_reload_queue_take(&queue), one);
	cr_expect_eq(ask("a.", NULL), all);
	release(one);
}

Test(reload_queue, the_first_load_is_joined_by_nobody)
{
	struct vly_reload_asker *first = vly_reload_queue_ask(&queue, NULL, 0, true, 1, done, NULL);

	cr_expect_neq(ask(NULL, NULL), first->reload);
	cr_expect_neq(ask("a.", NULL), first->reload);
	cr_expect_eq(queue.cnt, 2);
	cr_expect_eq(queue.first, first->reload);
}

Test(reload_queue, zones_are_put_back_before_all_others)
{
	struct vly_reload *all = ask(NULL, NULL);

	cr_expect_eq(ask("a.", NULL), all);
	cr_expect_eq(ask("b.", NULL), all);
	cr_expect_eq(ask("a.", NULL), all);
	cr_expect_eq(vly_reload_queue_take(&queue), all);
	struct vly_reload *later = ask("c.", NULL);
	vly_reload_queue_put_back(&queue, all);
	cr_expect_eq(queue.cnt, 3);
	cr_expect_str_eq(queue.first->askers->names[0], "a.");
	cr_expect_not_null(queue.first->askers->next, "both who asked for it");
	cr_expect_str_eq(queue.first->later->askers->names[0], "b.");
	cr_expect_eq(queue.first->later->later, later);
	cr_expect_null(all->askers->next, "who asked for everything stays");
	cr_expect_eq(queue.first->askers->reload, queue.first);
	release(all);
}

/* The number of a request, and when its answer was seen to be due. */
#define ROUNDS   20000
#define ZONE_CNT 4

struct request {
	unsigned asked_at;
	unsigned zone; /* ZONE_CNT: everything */
	unsigned answers;
};

static struct request requests[ROUNDS];

static void
finish(struct vly_reload *reload, unsigned begun_at)
{
	for (struct vly_reload_asker *asker = reload->askers; asker; asker = asker->next) {
		struct request *request = asker->arg;
		request->answers++;
		cr_assert_lt(request->asked_at, begun_at, "answered with what was read before");
		cr_assert_eq(asker->reload, reload);
		cr_assert(reload->is_full || asker->name_cnt == 1);
		cr_assert(reload->is_full || strcmp(asker->names[0], reload->askers->names[0]) == 0,
			  "another zone's reload");
	}
	release(reload);
}

static void
check_bounds(void)
{
	unsigned full = 0;
	unsigned cnt = 0;
	unsigned of_zone[ZONE_CNT] = {0};

	for (const struct vly_reload *reload = queue.first; reload; reload = reload->later) {
		cnt++;
		full += reload->is_full;
		if (!reload->is_full)
			of_zone[reload->askers->names[0][0] - 'a']++;
	}
	cr_assert_eq(cnt, queue.cnt);
	cr_assert_leq(full, 1);
	for (unsigned i = 0; i < ZONE_CNT; i++)
		cr_assert_leq(of_zone[i], 2, "once, and once put back before it");
}

Test(reload_queue, in_every_order)
{
	unsigned seed = (unsigned)time(NULL);
	struct vly_reload *running = NULL;
	unsigned begun_at = 0;

	fprintf(stderr, "seed %u\n", seed);
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned what = (unsigned)rand_r(&seed) % 8;
		char name[3] = {(char)('a' + (unsigned)rand_r(&seed) % ZONE_CNT), '.'};
		char *names[] = {name};
		requests[i] = (struct request){.asked_at = i, .answers = what < 5 ? 0 : 1};
		if (what < 5) {
			cr_assert_not_null(vly_reload_queue_ask(&queue, names, what < 4, false, i,
								done, &requests[i]));
		} else if (!running) {
			running = vly_reload_queue_take(&queue);
			begun_at = i;
		} else {
			if (what == 7 && running->is_full)
				vly_reload_queue_put_back(&queue, running);
			finish(running, begun_at);
			running = NULL;
		}
		check_bounds();
	}
	if (running)
		finish(running, begun_at);
	while ((running = vly_reload_queue_take(&queue)) != NULL)
		finish(running, ROUNDS);
	for (unsigned i = 0; i < ROUNDS; i++)
		cr_expect_eq(requests[i].answers, 1, "request %u", i);
}
