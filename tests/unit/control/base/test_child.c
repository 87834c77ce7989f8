/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/child.h"

struct seen {
	unsigned done_cnt;
	struct vly_child_end end;
	char line[VLY_CHILD_LINE_BYTES];
};

static void
on_done(void *arg, const struct vly_child_end *end)
{
	struct seen *seen = arg;

	seen->done_cnt++;
	seen->end = *end;
	snprintf(seen->line, sizeof(seen->line), "%s", end->line);
}

static struct vly_child *
begin(uv_loop_t *loop, struct seen *seen, const char *script, uint64_t time_max_ms)
{
	const char *const argument[] = {"/bin/sh", "-c", script, "sh", "one", NULL};
	const char *const environment[] = {"VOLLEY_TEST=two", NULL};
	const struct vly_child_settings settings = {
		.loop = loop,
		.argument = argument,
		.environment = environment,
		.time_max_ms = time_max_ms,
		.done = on_done,
		.arg = seen,
	};
	char reason[VLY_REASON_BYTES];

	*seen = (struct seen){0};
	cr_assert_eq(uv_loop_init(loop), 0);
	struct vly_child *child = vly_child_run(&settings, reason);
	cr_assert_not_null(child, "%s", reason);
	return child;
}

static void
run(struct seen *seen, const char *script, uint64_t time_max_ms)
{
	uv_loop_t loop;

	(void)begin(&loop, seen, script, time_max_ms);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_assert_eq(uv_loop_close(&loop), 0);
	cr_expect_eq(seen->done_cnt, 1);
}

Test(child, ends_with_its_status_and_last_line)
{
	struct seen seen;

	run(&seen, "echo first; echo \"$1 $VOLLEY_TEST\" >&2; echo; exit 3", 60000);
	cr_expect(!seen.end.is_late);
	cr_expect_eq(seen.end.signal, 0);
	cr_expect_eq(seen.end.status, 3);
	cr_expect_str_eq(seen.line, "one two");
}

Test(child, a_last_line_needs_no_end_and_is_printable_and_bounded)
{
	struct seen seen;

	run(&seen, "printf 'a\\nb\\033\\tc'", 60000);
	cr_expect_str_eq(seen.line, "b??c");
	run(&seen, "head -c 100000 /dev/zero | tr '\\0' x", 60000);
	cr_expect_eq(strlen(seen.line), VLY_CHILD_LINE_BYTES - 1);
}

Test(child, that_writes_endlessly_loses_its_output)
{
	struct seen seen;

	run(&seen, "exec yes", 60000);
	cr_expect(!seen.end.is_late);
	cr_expect_eq(seen.end.signal, SIGPIPE);
	cr_expect_str_eq(seen.line, "y");
}

Test(child, is_killed_with_its_own_children_when_it_is_late)
{
	struct seen seen;

	run(&seen, "echo begun; sleep 1000 & wait", 1500);
	cr_expect(seen.end.is_late);
	cr_expect_eq(seen.end.signal, SIGKILL);
	cr_expect_str_eq(seen.line, "begun");
}

Test(child, does_not_wait_for_what_it_leaves_in_the_background)
{
	struct seen seen;

	/* the time is less than that of the program in the background, which is so not waited for */
	run(&seen, "sleep 60 & echo over", 30000);
	cr_expect(!seen.end.is_late);
	cr_expect_eq(seen.end.status, 0);
	cr_expect_str_eq(seen.line, "over");
}

Test(child, that_is_stopped_says_nothing)
{
	struct seen seen;
	uv_loop_t loop;

	vly_child_stop(begin(&loop, &seen, "sleep 1000", 600000));
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_assert_eq(uv_loop_close(&loop), 0);
	cr_expect_eq(seen.done_cnt, 0);
}

Test(child, that_does_not_start_gives_a_reason)
{
	const char *const argument[] = {"/nonexistent/program", NULL};
	const char *const environment[] = {NULL};
	char reason[VLY_REASON_BYTES] = "";
	struct seen seen = {0};
	uv_loop_t loop;
	const struct vly_child_settings settings = {
		.loop = &loop,
		.argument = argument,
		.environment = environment,
		.time_max_ms = 1000,
		.done = on_done,
		.arg = &seen,
	};

	cr_assert_eq(uv_loop_init(&loop), 0);
	cr_expect_null(vly_child_run(&settings, reason));
	cr_expect_str_eq(reason, "no such file or directory");
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_assert_eq(uv_loop_close(&loop), 0);
	cr_expect_eq(seen.done_cnt, 0);
}
