/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random records of every type: printed, and read by both readers. What is printed is read by
 * libzscanner and by vly_rdata_read() as the octets that it was made from; the type's own form by
 * vly_rdata_read(). VOLLEY_HEAVY: 10,000,000 records.
 */
#include <criterion/criterion.h>

#include "random_rdata.h"
#include "two_readers.h"
#include "zone/rdata.h"

struct run {
	struct random_rdata rdata;
	struct two_readers readers;
	char *text;
};

static struct run *
open_run(uint64_t seed)
{
	struct run *run = calloc(1, sizeof(*run));

	cr_assert_not_null(run);
	run->rdata.random.state = seed;
	run->text = malloc(VLY_RDATA_TEXT_BYTES);
	cr_assert_not_null(run->text);
	open_readers(&run->readers);
	return run;
}

static void
close_run(struct run *run)
{
	close_readers(&run->readers);
	free(run->text);
	free(run);
}

/* All types that have fields, but for ALIAS, which libzscanner does not know; returns how many. */
static unsigned
all_types(uint16_t types[128])
{
	unsigned cnt = 0;

	for (unsigned type = 1; type <= UINT16_MAX; type++)
		if (type != VLY_TYPE_ALIAS && vly_rr_fields((uint16_t)type) != NULL)
			types[cnt++] = (uint16_t)type;
	return cnt;
}

static bool
is_same(const struct run *run, int len, const uint8_t *data)
{
	return len == (int)run->rdata.len && memcmp(data, run->rdata.data, run->rdata.len) == 0;
}

/* Shows the text on failure. */
static void
check_record(struct run *run, uint16_t type)
{
	const struct random_rdata *rdata = &run->rdata;
	char mnemonic[VLY_RR_TYPE_BYTES];
	const char *name = vly_rr_type_name(type, mnemonic);

	size_t len = vly_rdata_print_form(type, rdata->data, rdata->len, run->text,
					  VLY_RDATA_TEXT_BYTES);
	cr_assert_lt(len, VLY_RDATA_TEXT_BYTES);
	if (len == 0 && rdata->len == 0)
		run->text[0] = '\0';
	else if (len == 0)
		cr_assert_fail("%s: no form", name);
	int second = read_second(&run->readers, type, run->text);
	cr_assert(is_same(run, second, run->readers.data), "%s %s: %s", name, run->text,
		  second < 0 ? run->readers.why : "other data");
	len = vly_rdata_print(type, rdata->data, rdata->len, run->text, VLY_RDATA_TEXT_BYTES);
	cr_assert_lt(len, VLY_RDATA_TEXT_BYTES);
	second = read_second(&run->readers, type, run->text);
	cr_assert(is_same(run, second, run->readers.data), "%s %s: %s", name, run->text,
		  second < 0 ? run->readers.why : "other data");
	int first = read_first(&run->readers, type, run->text);
	cr_assert(is_same(run, first, run->readers.scanner->r_data), "%s %s: libzscanner: %s", name,
		  run->text,
		  first < 0 ? zs_strerror(run->readers.scanner->error.code) : "other data");
}

Test(rdata_random, both_readers_read_what_is_printed)
{
	const unsigned record_cnt = getenv("VOLLEY_HEAVY") != NULL ? 10000000 : 200000;
	struct run *run = open_run(20);
	uint16_t types[128];
	const unsigned type_cnt = all_types(types);

	cr_assert_gt(type_cnt, 70);
	for (unsigned i = 0; i < record_cnt; i++) {
		uint16_t type = types[i % type_cnt];
		rdata_make(&run->rdata, type);
		check_record(run, type);
	}
	close_run(run);
}

/* Data that has a form is read back; data that has none is printed, and refused in the form \#. */
static void
check_hostile(struct run *run, uint16_t type, const uint8_t *data, unsigned data_len)
{
	size_t len = vly_rdata_print(type, data, data_len, run->text, VLY_RDATA_TEXT_BYTES);

	cr_assert_lt(len, VLY_RDATA_TEXT_BYTES);
	cr_assert_eq(strlen(run->text), len);
	int second = read_second(&run->readers, type, run->text);
	cr_assert_eq(second, (int)data_len, "TYPE%u %s: %s", type, run->text, run->readers.why);
	cr_assert_arr_eq(run->readers.data, data, data_len);
}

Test(rdata_random, data_that_is_cut_or_changed_is_printed_nonetheless)
{
	struct run *run = open_run(21);
	struct random_rdata *rdata = &run->rdata;
	uint16_t types[128];
	const unsigned type_cnt = all_types(types);

	for (unsigned i = 0; i < 100000; i++) {
		uint16_t type = types[i % type_cnt];
		rdata_make(rdata, type);
		for (unsigned j = rdata_below(rdata, 3); j > 0 && rdata->len > 0; j--)
			rdata->data[rdata_below(rdata, rdata->len)] ^=
				(uint8_t)(1 << rdata_below(rdata, 8));
		unsigned cut =
			rdata_chance(rdata, 50) ? rdata_below(rdata, rdata->len + 1) : rdata->len;
		/* of its own, so that a sanitizer sees what is read beyond it */
		uint8_t *data = malloc(cut + 1u);
		memcpy(data, rdata->data, cut);
		data = realloc(data, cut > 0 ? cut : 1);
		check_hostile(run, type, data, cut);
		free(data);
	}
	close_run(run);
}

/* The most text that each kind of data can need. */
Test(rdata_random, no_text_is_longer_than_its_room)
{
	static const struct {
		uint16_t type;
		uint8_t octets[4];
		unsigned period; /* after so many octets they begin again */
	} longest[] = {
		{16, {1, 0}, 2}, {16, {0}, 1},       {42, {0, 1, 32, 0x80}, 4}, {256, {0xff}, 1},
		{258, {0}, 1},   {65000, {0xff}, 1}, {10, {0xff}, 1},
	};
	struct run *run = open_run(22);
	uint8_t *data = run->rdata.data;

	for (size_t i = 0; i < sizeof(longest) / sizeof(longest[0]); i++) {
		unsigned len = 65535 / longest[i].period * longest[i].period;
		for (unsigned j = 0; j < len; j++)
			data[j] = longest[i].octets[j % longest[i].period];
		check_hostile(run, longest[i].type, data, len);
	}
	/* every service, every type, and each mandatory key */
	memset(data, 0xff, 65535);
	memcpy(data, (const uint8_t[]){192, 0, 2, 1, 6}, 5);
	cr_expect(vly_rdata_has_form(11, data, 5 + 8192));
	check_hostile(run, 11, data, 5 + 8192);
	data[0] = 0;
	for (unsigned window = 0; window < 256; window++) {
		data[1 + 34 * window] = (uint8_t)window;
		data[2 + 34 * window] = 32;
	}
	data[3] = 0x7f;
	cr_expect(vly_rdata_has_form(47, data, 1 + 34 * 256));
	check_hostile(run, 47, data, 1 + 34 * 256);
	close_run(run);
}

Test(rdata_random, text_ends_where_its_room_ends)
{
	struct run *run = open_run(23);
	char text[64];

	for (unsigned size = 0; size <= sizeof(text); size++) {
		static const uint8_t mx[] = {0, 10, 1, 'a', 1, 'b', 0};
		memset(text, '#', sizeof(text));
		cr_expect_eq(vly_rdata_print(15, mx, sizeof(mx), text, size), 7);
		for (unsigned i = size; i < sizeof(text); i++)
			cr_expect_eq(text[i], '#');
		cr_expect(size == 0 || strncmp(text, "10 a.b.", size - 1) == 0);
		cr_expect(size == 0 || strnlen(text, size) < size);
	}
	close_run(run);
}
