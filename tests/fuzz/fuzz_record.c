/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any octets as a record, read in both ways: what libzscanner reads, the lexer and the second
 * reader read, too, and they make the same of it. And any octets go through the lexer.
 */
#include <string.h>

#include "target.h"
#include "zone/zone_record.h"

#define ORIGIN "\1z"

/* What one way has made of a record. */
struct outcome {
	uint8_t owner[VLY_NAME_BYTES_MAX];
	uint32_t owner_len;
	uint32_t ttl;
	uint16_t type;
	uint32_t data_len;
	uint8_t data[ZS_MAX_RDATA_LENGTH];
};

static struct vly_zone_scanner first;
static struct vly_zone_scanner second;

static void
begin(struct vly_zone_scanner *scanner)
{
	require(vly_zone_scanner_begin(scanner, (const uint8_t *)ORIGIN, sizeof(ORIGIN), 5) == 0);
	memcpy(scanner->zs->r_owner, "\1o", 3);
	scanner->zs->r_owner_length = 3;
}

static void
keep(struct outcome *outcome, const zs_scanner_t *zs)
{
	outcome->owner_len = zs->r_owner_length;
	memcpy(outcome->owner, zs->r_owner, zs->r_owner_length);
	outcome->ttl = zs->r_ttl;
	outcome->type = zs->r_type;
	outcome->data_len = zs->r_data_length;
	memcpy(outcome->data, zs->r_data, zs->r_data_length);
}

/* What zone_scan.c reads once more; and parentheses before a record without an owner, behind other
 * lines. */
static bool
is_read_otherwise(const struct vly_lexed *lexed, const char *text, const char *end)
{
	const char *record = lexed->token[0].text;

	return vly_zone_scanner_is_doubtful(&first, text, end,
					    memchr(text, '\\', (size_t)(end - text))) ||
	       (record > text && memchr(text, '(', (size_t)(record - text)) != NULL);
}

static void
require_same(const struct vly_lexed *lexed, const struct outcome *outcome)
{
	struct vly_zone_reader reader = {.scanner = second.zs};
	char why[VLY_ZONE_RECORD_WHY_BYTES];
	const zs_scanner_t *zs = second.zs;

	require(vly_zone_record_read(&reader, lexed, why));
	require(zs->r_owner_length == outcome->owner_len &&
		memcmp(zs->r_owner, outcome->owner, outcome->owner_len) == 0);
	require(zs->r_ttl == outcome->ttl && zs->r_type == outcome->type);
	require(zs->r_data_length == outcome->data_len &&
		memcmp(zs->r_data, outcome->data, outcome->data_len) == 0);
}

/* Each call takes an octet at least, and the tokens are within. */
static void
lex_all(struct vly_lexed *lexed, const char *text, const char *end)
{
	int result;

	while ((result = vly_lex(lexed, text, end)) != 0) {
		require(lexed->end > text && lexed->end <= end);
		for (unsigned i = 0; i < lexed->cnt && result > 0; i++)
			require(lexed->token[i].text >= text &&
				lexed->token[i].text + lexed->token[i].len <= lexed->end);
		text = lexed->end;
	}
	require(lexed->end == end);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct outcome outcome;
	static struct vly_lexed lexed;
	char *text = malloc(bytes); /* of its own, so that the sanitizer sees what is read beyond */

	if (text == NULL || bytes == 0 || memchr(data, '$', bytes) != NULL) {
		free(text);
		return -1;
	}
	memcpy(text, data, bytes);
	lexed.form_feed_is_blank = bytes % 2;
	lex_all(&lexed, text, text + bytes);
	begin(&first);
	vly_zone_scanner_restart(&first, text, bytes, 1);
	(void)zs_parse_record(first.zs);
	lexed.form_feed_is_blank = false;
	int result = vly_lex(&lexed, text, text + bytes);
	begin(&second);
	if (first.zs->state == ZS_STATE_DATA && result <= 0)
		require(first.zs->multiline);
	else if (first.zs->state == ZS_STATE_DATA &&
		 !is_read_otherwise(&lexed, text, text + bytes)) {
		keep(&outcome, first.zs);
		require_same(&lexed, &outcome);
	} else if (result > 0) {
		struct vly_zone_reader reader = {.scanner = second.zs};
		char why[VLY_ZONE_RECORD_WHY_BYTES] = "";
		require(vly_zone_record_read(&reader, &lexed, why) || why[0] != '\0');
	}
	free(text);
	return 0;
}
