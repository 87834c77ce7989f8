/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "zone_record.h"

#include <stdarg.h>
#include <stdio.h>

#include "rdata_read.h"
#include "rr_type.h"

/* A record that is being read. */
struct record {
	zs_scanner_t *scanner;
	const struct vly_token *at; /* the words that have not been read yet */
	const struct vly_token *end;
	char *why;
};

/* Always returns false. */
__attribute__((format(printf, 2, 3), cold)) static bool
fail(struct record *record, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(record->why, VLY_ZONE_RECORD_WHY_BYTES, format, args);
	va_end(args);
	return false;
}

static bool
read_owner(struct record *record)
{
	zs_scanner_t *scanner = record->scanner;
	char shown[VLY_TOKEN_SHOWN_BYTES];
	const char *why;

	scanner->r_owner_length =
		vly_token_name(record->at, scanner->zone_origin, scanner->r_owner, &why);
	if (scanner->r_owner_length == 0)
		return fail(record, "owner %s: %s", vly_token_shown(record->at, shown), why);
	record->at++;
	return true;
}

/* Reads n of CLASSn (RFC 3597 §5). */
static bool
read_class_number(const struct vly_token *token, uint64_t *class)
{
	static const unsigned prefix_len = 5;
	struct vly_token prefix = {.text = token->text, .len = prefix_len};
	struct vly_token number = {.text = token->text + prefix_len,
				   .len = token->len - prefix_len};

	return token->len > prefix_len && vly_token_is(&prefix, "CLASS") &&
	       vly_token_number(&number, UINT16_MAX, class);
}

/* False: the word is not a class. */
static bool
read_class(const struct vly_token *token, uint64_t *class)
{
	static const struct {
		const char *name;
		uint16_t class;
	} classes[] = {{"IN", VLY_CLASS_IN}, {"CH", 3}, {"CHAOS", 3}, {"HS", 4}, {"HESIOD", 4}};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (vly_token_is(token, classes[i].name)) {
			*class = classes[i].class;
			return true;
		}
	}
	return read_class_number(token, class);
}

/* A TTL and a class, in any order, each at most once (RFC 1035 §5.1). */
static bool
read_ttl_and_class(struct record *record)
{
	uint32_t ttl = record->scanner->default_ttl;
	uint64_t class = VLY_CLASS_IN;
	bool has_ttl = false;
	bool has_class = false;

	for (; record->at < record->end && !record->at->quoted; record->at++) {
		if (!has_class && read_class(record->at, &class))
			has_class = true;
		else if (!has_ttl && vly_token_ttl(record->at, &ttl))
			has_ttl = true;
		else
			break;
	}
	record->scanner->r_ttl = ttl;
	record->scanner->r_class = (uint16_t) class;
	return class == VLY_CLASS_IN ||
	       fail(record, "only class IN is served, not class %u", (unsigned)class);
}

static bool
read_type(struct record *record)
{
	char shown[VLY_TOKEN_SHOWN_BYTES];

	if (record->at == record->end)
		return fail(record, "the record has no type");
	record->scanner->r_type =
		record->at->quoted ? 0 : vly_rr_type_read(record->at->text, record->at->len);
	if (record->scanner->r_type == 0)
		return fail(record, "unknown record type %s", vly_token_shown(record->at, shown));
	record->at++;
	return true;
}

static bool
read_data(struct record *record)
{
	zs_scanner_t *scanner = record->scanner;
	char why[VLY_ZONE_RECORD_WHY_BYTES - VLY_RR_TYPE_BYTES - 2];
	char type[VLY_RR_TYPE_BYTES];
	int len = vly_rdata_read(scanner->r_type, record->at, (unsigned)(record->end - record->at),
				 scanner->zone_origin, scanner->r_data, why, sizeof(why));

	if (len < 0)
		return fail(record, "%s: %s", vly_rr_type_name(scanner->r_type, type), why);
	scanner->r_data_length = (uint32_t)len;
	return true;
}

bool
vly_zone_record_read(struct vly_zone_reader *reader, const struct vly_lexed *lexed,
		     char why[VLY_ZONE_RECORD_WHY_BYTES])
{
	struct record record = {
		.scanner = reader->scanner,
		.at = lexed->token,
		.end = lexed->token + lexed->cnt,
		.why = why,
	};

	if (!lexed->owner_omitted) {
		if (!read_owner(&record))
			return false;
	} else if (reader->scanner->r_owner_length == 0) {
		return fail(&record, "the record has no owner, and there is none before it");
	}
	return read_ttl_and_class(&record) && read_type(&record) && read_data(&record);
}
