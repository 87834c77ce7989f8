/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "socket/feed_json.h"

/* 2026-11-30T14:00:00Z */
#define TIME UINT64_C(1796047200)

static struct vly_secondary_state
current(void)
{
	return (struct vly_secondary_state){
		.is_loaded = true,
		.received = {4, TIME},
		.committed = {4, TIME},
		.answered = {4, TIME},
		.contact_s = TIME,
		.why = "",
		.review = "",
		.primary_cnt = 2,
		.primary = {{"up", "192.0.2.1@53", {4, TIME}, 0, ""},
			    {"other", "192.0.2.2@53", {0, 0}, 3, "connection refused"}},
	};
}

static void
expect_word(const struct vly_secondary_state *state, const char *word, const char *sentence)
{
	char text[VLY_FEED_TEXT_BYTES];

	cr_expect_str_eq(vly_feed_secondary_word(state, text), word);
	cr_expect_str_eq(text, sentence);
}

Test(feed_json, a_zone_is_current_only_when_that_is_known)
{
	struct vly_secondary_state state = current();

	expect_word(&state, "current", "");
	state.why = "all primaries fail";
	expect_word(&state, "unconfirmed",
		    "no primary has confirmed 4 since 2026-11-30T14:00:00Z; all primaries fail");
	state.contact_s = 0;
	state.why = "";
	expect_word(&state, "unconfirmed", "no primary has confirmed 4 since the start");
}

Test(feed_json, a_stale_zone_names_the_newest_version)
{
	struct vly_secondary_state state = current();

	state.is_stale = true;
	state.primary[0].said.serial = 5;
	state.primary[1].said = (struct vly_secondary_mark){6, TIME};
	expect_word(&state, "stale",
		    "primary other says 6, we have answered 4 since 2026-11-30T14:00:00Z");
	state.why = "the transfer was refused";
	expect_word(&state, "stale",
		    "primary other says 6, we have answered 4 since 2026-11-30T14:00:00Z; the "
		    "transfer was refused");
	/* the order of RFC 1982 */
	state.why = "";
	state.answered.serial = UINT32_MAX;
	state.primary[1].said.serial = UINT32_MAX;
	state.primary[0].said.serial = 1;
	expect_word(&state, "stale",
		    "primary up says 1, we have answered 4294967295 since 2026-11-30T14:00:00Z");
	state.primary_cnt = 0;
	expect_word(&state, "stale",
		    "there is a newer version, we have answered 4294967295 since "
		    "2026-11-30T14:00:00Z");
}

Test(feed_json, the_worst_comes_first)
{
	struct vly_secondary_state state = current();

	state.is_stale = true;
	state.held = (struct vly_secondary_mark){5, TIME};
	expect_word(&state, "held", "5 waits for volleyctl zone accept, 4 is answered");
	state.review = "the review command runs";
	expect_word(&state, "held",
		    "5 waits for volleyctl zone accept, 4 is answered; the review command runs");
	state.is_expired = true;
	expect_word(&state, "expired",
		    "no primary has confirmed 4 since 2026-11-30T14:00:00Z; queries get SERVFAIL");
	state.is_loaded = false;
	state.committed = (struct vly_secondary_mark){0};
	expect_word(&state, "uncommitted",
		    "4 is answered, and is being written to disk; a restart before that is done "
		    "transfers it again");
	state.answered = (struct vly_secondary_mark){0};
	expect_word(&state, "no data", "no primary has sent the zone yet");
	state.why = "connection refused";
	expect_word(&state, "no data", "connection refused");
}

Test(feed_json, a_secondary)
{
	struct vly_secondary_state state = current();

	state.phase = VLY_SECONDARY_RECEIVING;
	state.is_incremental = true;
	state.bytes = 1000;
	state.message_cnt = 2;
	json_t *json = vly_feed_secondary_json(&state);
	json_t *primaries = json_object_get(json, "primaries");
	json_t *transfer = json_object_get(json, "transfer");

	cr_expect_str_eq(json_string_value(json_object_get(json, "phase")), "receiving");
	cr_expect_eq(
		json_integer_value(json_object_get(json_object_get(json, "answered"), "serial")),
		4);
	cr_expect_null(json_object_get(json, "held"));
	cr_expect_null(json_object_get(json, "expires_unix_s"));
	cr_assert_eq(json_array_size(primaries), 2);
	cr_expect_not_null(json_object_get(json_array_get(primaries, 0), "said"));
	cr_expect_null(json_object_get(json_array_get(primaries, 1), "said"));
	cr_expect_str_eq(json_string_value(json_object_get(transfer, "kind")), "IXFR");
	json_decref(json);
	json = vly_feed_in_json("example.", &state);
	cr_expect_str_eq(json_string_value(json_object_get(json, "peer")), "192.0.2.1@53");
	cr_expect_str_eq(json_string_value(json_object_get(json, "direction")), "in");
	json_decref(json);
}

Test(feed_json, transfers_out_and_notifies)
{
	struct vly_transfer_state out = {
		.zone = "example.",
		.peer = {.address = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 7}, .port = 999},
		.key = "",
		.octet_cnt = 10,
		.start_ms = 100,
	};
	struct vly_notify_state notify = {
		.remote = "ns",
		.address = {0x20, 0x01, 0x0d, 0xb8, [15] = 1},
		.port = 53,
		.progress = VLY_NOTIFY_LOST,
		.problem = "no answer",
	};
	json_t *json = vly_feed_out_json(&out, 350);

	cr_expect_str_eq(json_string_value(json_object_get(json, "peer")), "192.0.2.7@999");
	cr_expect_eq(json_integer_value(json_object_get(json, "duration_ms")), 250);
	json_decref(json);
	json = vly_feed_notify_json(&notify);
	cr_expect_str_eq(json_string_value(json_object_get(json, "address")), "2001:db8::1@53");
	cr_expect_str_eq(json_string_value(json_object_get(json, "state")), "lost");
	json_decref(json);
}
