/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "update/replay.h"

static struct vly_tsig
signed_at(uint64_t time, uint32_t number)
{
	struct vly_tsig tsig = {.found = true, .time = time, .mac_len = 32};

	memcpy(tsig.mac, &number, sizeof(number));
	return tsig;
}

Test(replay, a_message_is_new_once)
{
	struct vly_replay replay = {0};
	struct vly_replay_entry *fresh;
	struct vly_tsig first = signed_at(1000, 1);
	struct vly_tsig second = signed_at(1000, 2);

	cr_expect_null(vly_replay_add(&replay, &first, 1000, &fresh));
	cr_assert_not_null(fresh);
	const struct vly_replay_entry *again = vly_replay_add(&replay, &first, 1001, &fresh);
	cr_expect_null(fresh);
	cr_assert_not_null(again);
	cr_expect(!again->ended);
	vly_replay_end(&replay, first.mac, 8);
	again = vly_replay_add(&replay, &first, 1002, &fresh);
	cr_assert_not_null(again);
	cr_expect(again->ended);
	cr_expect_eq(again->rcode, 8);
	cr_expect_null(vly_replay_add(&replay, &second, 1002, &fresh));
	cr_expect_not_null(fresh);
	vly_replay_free(&replay);
}

/* As long as TSIG takes it for good, and no longer. */
Test(replay, old_messages_are_forgotten)
{
	struct vly_replay replay = {0};
	struct vly_replay_entry *fresh;

	for (uint32_t i = 0; i < 10000; i++) {
		struct vly_tsig tsig = signed_at(1000 + i, i);
		cr_expect_null(vly_replay_add(&replay, &tsig, 1000 + i, &fresh));
		cr_expect_leq(replay.cnt, VLY_REPLAY_SECONDS + 2);
	}
	struct vly_tsig kept =
		signed_at(1000 + 9999 - VLY_REPLAY_SECONDS, 9999 - VLY_REPLAY_SECONDS);
	cr_expect_not_null(vly_replay_add(&replay, &kept, 1000 + 9999, &fresh));
	cr_expect(!vly_replay_is_stale(&replay, &kept));
	vly_replay_free(&replay);
}

/* Where too many have come, messages as old as those that were forgotten are stale. */
Test(replay, too_many_messages)
{
	struct vly_replay replay = {0};
	struct vly_replay_entry *fresh;

	for (uint32_t i = 0; i <= VLY_REPLAY_MAX; i++) {
		struct vly_tsig tsig = signed_at(1000 + i / 100000, i);
		cr_assert_null(vly_replay_add(&replay, &tsig, 1010, &fresh));
	}
	cr_expect_eq(replay.cnt, VLY_REPLAY_MAX);
	const struct vly_tsig stale = signed_at(1000, 0), later = signed_at(1001, 0);
	cr_expect(vly_replay_is_stale(&replay, &stale));
	cr_expect(!vly_replay_is_stale(&replay, &later));
	struct vly_tsig other_key = signed_at(1000, 0);
	memcpy(other_key.key.wire, "\1k", 3);
	other_key.key.len = 3;
	cr_expect(!vly_replay_is_stale(&replay, &other_key));
	vly_replay_free(&replay);
}
