/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>

#include <volley/retry.h>

#include "random.h"

static char program[] = "program";
static char flag[] = VLY_RETRY_FLAG;
static char *with_flag[] = {program, program, flag, NULL};
static char *without_flag[] = {program, program, NULL};

static void
begin(struct vly_retry *retry, const char *state, char *const *argv)
{
	if (state != NULL)
		setenv(VLY_RETRY_STATE, state, 1);
	else
		unsetenv(VLY_RETRY_STATE);
	vly_retry_begin(retry, argv);
}

/* What vly_retry_pause() and vly_retry_exec() do, but for the waiting and the new process. */
static void
begin_again(struct vly_retry *retry)
{
	char state[VLY_RETRY_STATE_BYTES];

	retry->failed_cnt++;
	retry->before = retry->said;
	vly_retry_save(retry, state);
	begin(retry, state, with_flag);
}

Test(retry, is_wanted_by_its_flag_alone)
{
	struct vly_retry retry;

	begin(&retry, NULL, without_flag);
	cr_assert(!retry.wanted && !retry.starting);
	begin(&retry, "3 1f", without_flag);
	cr_assert(!retry.wanted && retry.failed_cnt == 0);
	begin(&retry, NULL, with_flag);
	cr_assert(retry.wanted && retry.starting && retry.failed_cnt == 0);
}

Test(retry, says_a_reason_once_and_again_when_it_changes)
{
	struct vly_retry retry;

	begin(&retry, NULL, with_flag);
	cr_assert(vly_retry_is_news(&retry, "first"));
	cr_assert(vly_retry_is_news(&retry, "second"));
	for (unsigned i = 1; i <= 5; i++) {
		begin_again(&retry);
		cr_assert_eq(retry.failed_cnt, i);
		cr_assert(!vly_retry_is_news(&retry, "first"));
		cr_assert(!vly_retry_is_news(&retry, "second"));
	}
	begin_again(&retry);
	cr_assert(vly_retry_is_news(&retry, "third"));
	begin_again(&retry);
	cr_assert(!vly_retry_is_news(&retry, "third"));
	cr_assert(vly_retry_is_news(&retry, "first"));
}

Test(retry, says_everything_once_started)
{
	struct vly_retry retry;

	begin(&retry, NULL, with_flag);
	cr_assert(vly_retry_is_news(&retry, "line"));
	begin_again(&retry);
	cr_assert_eq(vly_retry_started(&retry), 1);
	cr_assert(vly_retry_is_news(&retry, "line"));
	cr_assert_null(getenv(VLY_RETRY_STATE));
}

Test(retry, remembers_no_more_lines_than_it_has_room_for)
{
	struct vly_retry retry;
	char line[16];

	begin(&retry, NULL, with_flag);
	for (unsigned attempt = 0; attempt < 3; attempt++) {
		for (unsigned i = 0; i < 3 * VLY_RETRY_LINES_MAX; i++) {
			snprintf(line, sizeof(line), "line %u", i);
			cr_assert_eq(vly_retry_is_news(&retry, line), attempt == 0, "%u: %s",
				     attempt, line);
		}
		begin_again(&retry);
	}
}

Test(retry, waits_longer_each_time_up_to_a_bound)
{
	unsigned last = 0;

	cr_assert_eq(vly_retry_pause_ms(1), VLY_RETRY_MIN_MS);
	for (unsigned failed_cnt = 1; failed_cnt < 40; failed_cnt++) {
		unsigned ms = vly_retry_pause_ms(failed_cnt);
		cr_assert(ms > last || ms == VLY_RETRY_MAX_MS, "%u", failed_cnt);
		last = ms;
	}
	cr_assert_eq(vly_retry_pause_ms(0), VLY_RETRY_MIN_MS);
	cr_assert_eq(vly_retry_pause_ms(UINT32_MAX), VLY_RETRY_MAX_MS);
}

/* Somebody may have set the variable by hand. */
Test(retry, takes_any_state)
{
	static const char alphabet[] = "0123456789abcdefxg -+\n";
	struct vly_test_random random = {7};
	char state[4 * VLY_RETRY_STATE_BYTES];

	for (unsigned run = 0; run < 2000; run++) {
		struct vly_retry retry;
		size_t len = vly_test_random_below(&random, sizeof(state));
		for (size_t i = 0; i < len; i++)
			state[i] = alphabet[vly_test_random_below(&random, sizeof(alphabet) - 1)];
		state[len] = '\0';
		begin(&retry, state, with_flag);
		cr_assert_leq(retry.before.cnt, VLY_RETRY_LINES_MAX);
		begin_again(&retry);
	}
}

Test(retry, splits_a_command_into_its_words)
{
	char *words[VLY_RETRY_WORDS_MAX + 1];
	char command[] = "/usr/bin/volleyctl\nexec\n\ndata plane\n";
	char many[4 * VLY_RETRY_WORDS_MAX];

	cr_assert_eq(vly_retry_split(command, words), 5);
	cr_assert_str_eq(words[0], "/usr/bin/volleyctl");
	cr_assert_str_eq(words[1], "exec");
	cr_assert_str_eq(words[2], "");
	cr_assert_str_eq(words[3], "data plane");
	cr_assert_str_eq(words[4], "");
	cr_assert_null(words[5]);
	memset(many, '\n', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	cr_assert_eq(vly_retry_split(many, words), VLY_RETRY_WORDS_MAX);
}
