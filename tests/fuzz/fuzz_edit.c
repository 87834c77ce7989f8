/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any octets as the text of `volleyctl zone edit`, `set` and `unset`: reading it, and making the change
 * in a store. Checked: an edit that is refused leaves the steps before it as they were, a copy makes the
 * same change, and a change that is accepted is what the store has afterwards.
 */
#include "fixed_store.h"
#include "living/zone_edit.h"

/* More takes the search too long, and finds no other paths. */
#define TEXT_BYTES_MAX 4096

static enum vly_living_prepared
prepare(void *arg, struct vly_store_txn *txn, const struct vly_store_zone *zone,
	struct vly_change *change, char reason[VLY_REASON_BYTES])
{
	return vly_zone_edit_prepare(arg, txn, zone, change, reason);
}

/* Owners are names of the zone, and what has data has a type. */
static void
check_steps(const struct vly_zone_edit *edit)
{
	for (uint32_t i = 0; i < edit->cnt; i++) {
		const struct vly_zone_edit_step *step = &edit->step[i];
		require(step->owner_len >= 3 && step->line >= 1);
		require(memcmp(step->owner + step->owner_len - 3, "\1z", 3) == 0);
		require(step->type != 0 || step->data == NULL);
		require(step->data != NULL || !step->adds);
	}
}

static void
try_edit(const struct vly_zone_edit *edit)
{
	struct vly_zone_edit copy = {0};
	char reason[VLY_REASON_BYTES];
	char again[VLY_REASON_BYTES];

	check_steps(edit);
	require(vly_zone_edit_copy(&copy, edit) == 0 && copy.cnt == edit->cnt);
	enum vly_living_code code = vly_fuzz_store_try(prepare, (void *)(uintptr_t)edit, reason);
	require(vly_fuzz_store_try(prepare, &copy, again) == code);
	require(strcmp(reason, again) == 0);
	vly_zone_edit_free(&copy);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	vly_fuzz_store_open();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const char before[] = "+ a 60 A 192.0.2.9\n";
	struct vly_zone_edit edit = {0};
	char reason[VLY_REASON_BYTES] = "";

	if (bytes > TEXT_BYTES_MAX)
		return -1;
	char *text =
		malloc(bytes + 1); /* of its own, so that the sanitizer sees what is read beyond */
	require(text != NULL);
	memcpy(text + 1, data, bytes);
	require(vly_zone_edit_parse(&edit, FIXED_STORE_ZONE, before, strlen(before), reason) == 0);
	if (vly_zone_edit_parse(&edit, FIXED_STORE_ZONE, text + 1, bytes, reason) != 0) {
		require(edit.cnt == 1 && strncmp(reason, "line ", 5) == 0);
		bytes = 0;
	}
	free(text);
	if (bytes > 0)
		try_edit(&edit);
	vly_zone_edit_free(&edit);
	return 0;
}
