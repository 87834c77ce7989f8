/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "zone_edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "working_set.h"
#include "zone/domain.h"
#include "zone/rdata.h"
#include "zone/rdata_read.h"
#include "zone/rr_type.h"

/* TTLs above are invalid (RFC 2181 §8). */
#define TTL_MAX UINT32_C(0x7fffffff)

struct parse {
	struct vly_lexed lexed;
	uint8_t apex[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES];
	unsigned apex_len;
	uint32_t line;
	uint8_t *data; /* [VLY_RDATA_BYTES_MAX] */
	char *reason;
};

static int
fail(struct parse *parse, const char *why)
{
	snprintf(parse->reason, VLY_REASON_BYTES, "line %u: %s", parse->line, why);
	return -1;
}

/* Reads the owner, which must be in the zone. */
static int
read_owner(struct parse *parse, const struct vly_token *token, struct vly_zone_edit_step *step)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	struct vly_name name;
	const char *why = "malformed name";
	unsigned len = vly_token_name(token, parse->apex, wire, &why);

	if (len == 0 || vly_name_scan(&name, wire, len) == 0)
		return fail(parse, why);
	if (len < parse->apex_len ||
	    memcmp(name.lower + len - parse->apex_len, parse->apex, parse->apex_len) != 0)
		return fail(parse, "the name is not in the zone");
	for (unsigned i = 0; i <= name.label_cnt; i++)
		if (name.start[i] == len - parse->apex_len) {
			step->owner_len = (uint8_t)len;
			memcpy(step->owner, name.lower, len);
			return 0;
		}
	return fail(parse, "the name is not in the zone");
}

/* Reads TTL and class, in any order. Returns how many words they are. */
static unsigned
read_middle(const struct parse *parse, struct vly_zone_edit_step *step)
{
	unsigned at = 2;

	for (; at < parse->lexed.cnt && at < 4; at++) {
		const struct vly_token *token = &parse->lexed.token[at];
		if (vly_token_is(token, "IN"))
			continue;
		if (step->has_ttl || token->len == 0 || token->text[0] < '0' ||
		    token->text[0] > '9' || !vly_token_ttl(token, &step->ttl))
			break;
		step->has_ttl = true;
	}
	return at;
}

static int
read_data(struct parse *parse, unsigned at, struct vly_zone_edit_step *step)
{
	char why[200] = "malformed data";
	int len = vly_rdata_read(step->type, parse->lexed.token + at, parse->lexed.cnt - at,
				 parse->apex, parse->data, why, sizeof(why));

	if (len < 0)
		return fail(parse, why);
	step->data = malloc((size_t)len + 1);
	if (!step->data)
		return fail(parse, "out of memory");
	memcpy(step->data, parse->data, (size_t)len);
	if (step->type == VLY_TYPE_ALIAS &&
	    !vly_rdata_is_sound(step->type, step->data, (unsigned)len))
		return fail(parse, "malformed data");
	step->data_len = (uint16_t)len;
	return 0;
}

static int
read_step(struct parse *parse, struct vly_zone_edit_step *step)
{
	const struct vly_lexed *lexed = &parse->lexed;

	*step = (struct vly_zone_edit_step){.line = parse->line};
	step->adds = vly_token_is(&lexed->token[0], "+");
	if (!step->adds && !vly_token_is(&lexed->token[0], "-"))
		return fail(parse, "a change must begin with + or -");
	if (lexed->cnt < 2)
		return fail(parse, "a name is missing");
	if (read_owner(parse, &lexed->token[1], step) != 0)
		return -1;
	unsigned at = read_middle(parse, step);
	if (step->has_ttl && step->ttl > TTL_MAX)
		return fail(parse, "the TTL is larger than 2147483647");
	if (at == lexed->cnt)
		return step->adds ? fail(parse, "a type is missing") : 0;
	step->type = vly_rr_type_read(lexed->token[at].text, lexed->token[at].len);
	if (step->type == 0 || !vly_rr_type_is_data(step->type))
		return fail(parse, "unknown type");
	step->type = vly_rr_type_from_text(step->type);
	if (++at == lexed->cnt && !step->adds)
		return 0;
	return read_data(parse, at, step);
}

static struct vly_zone_edit_step *
next_step(struct vly_zone_edit *edit)
{
	if (edit->cnt == edit->size) {
		uint32_t size = edit->size ? 2 * edit->size : 4;
		void *grown = realloc(edit->step, size * sizeof(*edit->step));
		if (!grown)
			return NULL;
		edit->step = grown;
		edit->size = size;
	}
	return &edit->step[edit->cnt];
}

static void
cut(struct vly_zone_edit *edit, uint32_t cnt)
{
	while (edit->cnt > cnt)
		free(edit->step[--edit->cnt].data);
}

static int
parse_lines(struct parse *parse, struct vly_zone_edit *edit, const char *text, const char *end)
{
	int result;

	parse->line = 1;
	while ((result = vly_lex(&parse->lexed, text, end)) == 1) {
		struct vly_zone_edit_step *step = next_step(edit);
		uint32_t line = parse->line;
		parse->line += parse->lexed.line;
		if (!step)
			return fail(parse, "out of memory");
		if (read_step(parse, step) != 0) {
			free(step->data);
			return -1;
		}
		edit->cnt++;
		parse->line = line + parse->lexed.line_cnt;
		text = parse->lexed.end;
	}
	return result == 0 ? 0 : fail(parse, parse->lexed.why);
}

int
vly_zone_edit_parse(struct vly_zone_edit *edit, const char *zone, const char *text, size_t bytes,
		    char reason[VLY_REASON_BYTES])
{
	const uint32_t before = edit->cnt;
	struct parse parse = {.reason = reason, .data = malloc(VLY_RDATA_BYTES_MAX)};
	int result = -1;

	parse.apex_len = vly_domain_wire(zone, parse.apex);
	if (parse.data)
		result = parse_lines(&parse, edit, text, text + bytes);
	else
		(void)fail(&parse, "out of memory");
	if (result != 0)
		cut(edit, before);
	free(parse.data);
	vly_lexed_free(&parse.lexed);
	return result;
}

void
vly_zone_edit_free(struct vly_zone_edit *edit)
{
	cut(edit, 0);
	free(edit->step);
	*edit = (struct vly_zone_edit){0};
}

int
vly_zone_edit_copy(struct vly_zone_edit *to, const struct vly_zone_edit *from)
{
	to->step = calloc(from->cnt + 1u, sizeof(*to->step));
	to->size = from->cnt + 1;
	for (uint32_t i = 0; to->step && i < from->cnt; i++) {
		struct vly_zone_edit_step *step = &to->step[to->cnt];
		*step = from->step[i];
		if (step->data && !(step->data = malloc(step->data_len + 1u)))
			break;
		if (step->data)
			memcpy(step->data, from->step[i].data, step->data_len);
		to->cnt++;
	}
	if (to->cnt == from->cnt && to->step)
		return 0;
	vly_zone_edit_free(to);
	return -1;
}

static int
take_step(struct vly_working_set *set, const struct vly_zone_edit_step *step, char *reason)
{
	char name[VLY_DOMAIN_TEXT_BYTES];
	char type[VLY_RR_TYPE_BYTES];

	if (step->adds)
		return vly_working_set_add(set, step->owner, step->owner_len, step->type,
					   step->has_ttl ? &step->ttl : NULL, step->data,
					   step->data_len);
	int cnt = vly_working_set_remove(set, step->owner, step->owner_len, step->type, step->data,
					 step->data_len);
	if (cnt != 0)
		return cnt < 0 ? -1 : 0;
	snprintf(reason, VLY_REASON_BYTES, "%.300s has no such %s%srecord",
		 vly_domain_text(step->owner, name),
		 step->type ? vly_rr_type_name(step->type, type) : "", step->type ? " " : "");
	return -1;
}

static enum vly_living_prepared
end_set(struct vly_working_set *set, struct vly_change *change, bool good)
{
	good = good && vly_working_set_change(set, change) == 0;
	vly_working_set_free(set);
	return good ? VLY_LIVING_CHANGE : VLY_LIVING_REFUSE;
}

enum vly_living_prepared
vly_zone_edit_prepare(const struct vly_zone_edit *edit, struct vly_store_txn *txn,
		      const struct vly_store_zone *zone, struct vly_change *change,
		      char reason[VLY_REASON_BYTES])
{
	struct vly_working_set set;
	bool good = true;

	vly_working_set_init(&set, txn, zone, reason);
	for (uint32_t i = 0; i < edit->cnt && good; i++)
		good = take_step(&set, &edit->step[i], reason) == 0;
	return end_set(&set, change, good);
}

/* The entries of the journal behind a version. */
struct entries {
	struct vly_store_entry *entry;
	size_t cnt;
	size_t size;
	bool failed;
};

static bool
collect(void *arg, const struct vly_store_entry *entry)
{
	struct entries *entries = arg;

	if (entries->cnt == entries->size) {
		size_t size = entries->size ? 2 * entries->size : 16;
		void *grown = realloc(entries->entry, size * sizeof(*entries->entry));
		entries->failed = !grown;
		if (!grown)
			return false;
		entries->entry = grown;
		entries->size = size;
	}
	entries->entry[entries->cnt++] = *entry;
	return true;
}

static bool
undo(struct vly_working_set *set, const struct vly_store_entry *entry)
{
	struct vly_change change;
	bool good;

	vly_change_init(&change);
	good = vly_change_decode(&change, entry->octets, entry->bytes) == 0;
	if (!good)
		snprintf(set->reason, VLY_REASON_BYTES, "the journal is damaged");
	for (size_t i = 0; good && i < change.added.cnt; i++) {
		const struct vly_change_record *record = &change.added.record[i];
		good = vly_working_set_remove(set, record->owner, record->owner_len, record->type,
					      record->data, record->data_len) >= 0;
	}
	for (size_t i = 0; good && i < change.removed.cnt; i++) {
		const struct vly_change_record *record = &change.removed.record[i];
		good = vly_working_set_add(set, record->owner, record->owner_len, record->type,
					   &record->ttl, record->data, record->data_len) == 0;
	}
	vly_change_free(&change);
	return good;
}

static bool
undo_all(struct vly_working_set *set, uint64_t version)
{
	struct entries entries = {0};
	int result = vly_store_journal(set->txn, set->zone, version, collect, &entries);
	bool good = result == VLY_STORE_OK && !entries.failed;

	if (entries.failed)
		snprintf(set->reason, VLY_REASON_BYTES, "out of memory");
	else if (!good)
		snprintf(set->reason, VLY_REASON_BYTES, "%s",
			 result == VLY_STORE_NONE ? "the journal does not reach back to this serial"
						  : vly_store_reason(set->txn));
	for (size_t i = entries.cnt; good && i-- > 0;)
		good = undo(set, &entries.entry[i]);
	free(entries.entry);
	return good;
}

enum vly_living_prepared
vly_zone_revert_prepare(uint32_t serial, struct vly_store_txn *txn,
			const struct vly_store_zone *zone, struct vly_change *change,
			char reason[VLY_REASON_BYTES])
{
	struct vly_working_set set;
	uint64_t version;
	int result = vly_store_find_serial(txn, zone, serial, &version);

	if (result != VLY_STORE_OK) {
		snprintf(reason, VLY_REASON_BYTES, "%s",
			 result == VLY_STORE_NONE
				 ? "the journal does not have this serial; to list those that it "
				   "has: volleyctl zone history"
				 : vly_store_reason(txn));
		return VLY_LIVING_REFUSE;
	}
	vly_working_set_init(&set, txn, zone, reason);
	set.is_exact = true;
	bool good = undo_all(&set, version);
	vly_working_set_keep_serial(&set);
	return end_set(&set, change, good);
}
