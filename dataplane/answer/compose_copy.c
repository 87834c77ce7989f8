/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Copies a compiled answer to another place than directly behind the question that it was compiled
 * for.
 *
 * The answer's pointers were written as if its anchor were the question. So each pointer leads
 * either
 *   - into the anchor, that is, the name in question: vly_composer_put_suffix() knows the place of
 *     each of its suffixes; or
 *   - into the answer itself: `place` then has the new place of that label.
 * Copying a name costs as much as its octets in the answer: labels are copied, pointers translated.
 * A name is written in full only if the label that its pointer leads to was left out, or is out of
 * the reach of pointers.
 *
 * `at` and `to` are places in the answer's terms; `off` is a place in the message.
 */
#include "compose_parts.h"

#include <string.h>

#include <volley/rdata.h>

/* Units for a record, and log2 of the octets of an answer that cost one unit (measured, as are the
 * others: perf/run worst). */
#define RECORD_WORK       2
#define WORK_OCTETS_SHIFT 5

/* Units for a run of labels, and the labels that cost one unit more. */
#define RUN_WORK   2
#define RUN_LABELS 2

/* Units to look for an alias that the answer may have already; if one looks alike, to expand its
 * owner, and to compare that with the alias of each hop. */
#define ALIAS_WORK   2
#define EXPAND_WORK  8
#define COMPARE_WORK 2

/* The part of a compiled answer that must be kept (keep_len). */
struct source {
	const struct vly_image_answer *answer;
	const uint8_t *wire;
	unsigned wire_len;
	unsigned base;    /* the value of a pointer to wire[0] */
	unsigned fix_idx; /* index into the answer's fix[]: a guess where the next pointer is */
	unsigned delta;   /* octets by which the name in question is longer than the anchor */
	const struct vly_rdata_names *names; /* of names_type */
	unsigned names_type;
};

/* The place in the message of each label of an answer, by the value of a pointer to it in the
 * answer; 0: it was not written. Too large for the stack of an lcore. */
static __thread uint16_t place[VLY_POINTER_MAX + 1];

bool
vly_composer_put(struct vly_composer *composer, const uint8_t *from, unsigned bytes)
{
	if (bytes > composer->len_max - composer->len)
		return vly_composer_end(composer, VLY_COMPOSE_NO_ROOM);
	memcpy(composer->message + composer->len, from, bytes);
	composer->len += bytes;
	return true;
}

/* Whether the pointer at `at` is listed in fix[], that is, moves with the length of the question.
 * Usually it is the one behind the last that was looked up. */
static bool
is_moved(struct source *source, unsigned at)
{
	const struct vly_image_answer *answer = source->answer;
	unsigned low = 0;
	unsigned high = answer->fix_cnt;

	unsigned middle = source->fix_idx;
	for (; low < high; middle = (low + high) / 2) { /* halves 65,535, or less */
		if (answer->fix[middle] == at) {
			source->fix_idx = middle + (middle + 1 < answer->fix_cnt);
			return true;
		}
		if (answer->fix[middle] < at)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* The place in the name in question, in octets of it, of the suffix that the pointer at `at` refers
 * to with the value `to`. */
static unsigned
question_at(struct source *source, unsigned at, unsigned to)
{
	unsigned in_name = to - VLY_DNS_HEADER_BYTES;

	return source->delta != 0 && is_moved(source, at) ? in_name + source->delta : in_name;
}

/* Octets of the labels from `at` on, up to the pointer or the root label that ends them. *end_len:
 * 2 if a pointer ends them, 1 if the root label does, 0 if the name is broken. */
static unsigned
label_bytes(const struct source *source, unsigned at, unsigned *end_len)
{
	const unsigned start = at;

	*end_len = 0;
	/* Each step takes an octet at least, and a name has no more than VLY_NAME_BYTES_MAX. */
	while (at < source->wire_len && at - start < VLY_NAME_BYTES_MAX) {
		unsigned octet = source->wire[at];
		if (octet == 0 || octet >= 0xc0) {
			*end_len = octet == 0 ? 1 : at + 2 <= source->wire_len ? 2 : 0;
			break;
		}
		if (octet > VLY_LABEL_BYTES_MAX)
			break;
		at += octet + 1;
	}
	return at - start;
}

/* Notes that the labels in the `bytes` octets from `at` on will be at `off` and behind. Returns the
 * number of labels. */
static unsigned
note_places(const struct source *source, unsigned at, unsigned bytes, unsigned off)
{
	unsigned label_cnt = 0;

	for (unsigned end = at + bytes; at < end; label_cnt++) {
		unsigned step = source->wire[at] + 1u;
		/* no pointer reaches further */
		if (source->base + at > VLY_POINTER_MAX || off > VLY_POINTER_MAX)
			return label_cnt;
		place[source->base + at] = (uint16_t)off;
		at += step;
		off += step;
	}
	return label_cnt;
}

/* Copies the name at *at, and advances *at behind it. */
static bool
copy_name(struct vly_composer *composer, struct source *source, unsigned *at)
{
	unsigned from = *at;
	unsigned octets = 0;
	unsigned end_len;

	/* A pointer ends each run of labels but the last, so there are no more runs than labels. */
	for (unsigned run = 0; run <= VLY_NAME_LABELS_MAX; run++) {
		unsigned bytes = label_bytes(source, from, &end_len);
		octets += bytes;
		if (end_len == 0 || octets >= VLY_NAME_BYTES_MAX)
			break;
		if (bytes > 0) {
			unsigned cnt = note_places(source, from, bytes, composer->len);
			if (!vly_composer_work(composer, RUN_WORK + cnt / RUN_LABELS) ||
			    !vly_composer_put(composer, source->wire + from, bytes))
				return false;
			from += bytes;
		}
		if (run == 0)
			*at = from + end_len;
		if (end_len == 1)
			return vly_composer_put(composer, source->wire + from, 1);
		unsigned to = vly_be16(source->wire + from) & VLY_POINTER_MAX;
		if (to < VLY_DNS_HEADER_BYTES || to >= source->base + source->wire_len)
			break;
		if (to < source->base)
			return vly_composer_put_suffix(composer, question_at(source, from, to));
		if (place[to] != 0)
			return vly_composer_put_pointer(composer, place[to]);
		from = to - source->base;
	}
	return vly_composer_end(composer, VLY_COMPOSE_NO_ROOM);
}

/* Writes the name at `at` to `name`, uncompressed and in lower case. Returns its octets, 0:
 * broken. */
static unsigned
expand_name(struct source *source, const struct vly_name *question, unsigned at,
	    uint8_t name[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES])
{
	unsigned len = 0;
	unsigned end_len;

	for (unsigned run = 0; run <= VLY_NAME_LABELS_MAX; run++) { /* as in copy_name() */
		unsigned bytes = label_bytes(source, at, &end_len);
		if (end_len == 0 || len + bytes >= VLY_NAME_BYTES_MAX)
			return 0;
		/* In blocks: both have VLY_NAME_SLACK_BYTES behind their ends. */
		for (unsigned i = 0; i < bytes; i += VLY_NAME_SLACK_BYTES)
			vly_ascii_lower_block(name + len + i, source->wire + at + i);
		len += bytes;
		at += bytes;
		if (end_len == 1) {
			name[len] = 0;
			return len + 1;
		}
		unsigned to = vly_be16(source->wire + at) & VLY_POINTER_MAX;
		if (to < VLY_DNS_HEADER_BYTES)
			return 0;
		if (to < source->base) {
			unsigned in_name = question_at(source, at, to);
			if (in_name >= question->len ||
			    len + question->len - in_name > VLY_NAME_BYTES_MAX)
				return 0;
			memcpy(name + len, question->lower + in_name, question->len - in_name);
			return len + question->len - in_name;
		}
		at = to - source->base;
	}
	return 0;
}

/* The first label of the name at `at`, NULL: broken. */
static const uint8_t *
first_label(struct source *source, const struct vly_name *question, unsigned at)
{
	/* The compiler writes one pointer; more would be an image of another maker. */
	for (unsigned jump = 0; jump < 4; jump++) {
		if (at + 2 > source->wire_len)
			return NULL;
		if (source->wire[at] < 0xc0)
			return source->wire + at;
		unsigned to = vly_be16(source->wire + at) & VLY_POINTER_MAX;
		if (to < VLY_DNS_HEADER_BYTES)
			return NULL;
		if (to < source->base) {
			unsigned in_name = question_at(source, at, to);
			return in_name < question->len ? question->lower + in_name : NULL;
		}
		at = to - source->base;
	}
	return NULL;
}

/* The owner of the CNAME or of the DNAME of a hop. */
static const uint8_t *
hop_owner(const struct vly_compose_hop *hop, unsigned type, unsigned *len)
{
	const struct vly_image_node *node = hop->by.alias;

	*len = type == VLY_TYPE_CNAME ? hop->name_len : node->name_len;
	return type == VLY_TYPE_CNAME ? hop->name : vly_image_node_name(node);
}

/* Whether the owner of any hop's alias may be the one that begins with `label`, by the label's
 * length and first octet. */
static bool
may_have_alias(const struct vly_composer *composer, unsigned type, const uint8_t *label)
{
	unsigned len;

	for (unsigned i = 0; i < composer->hop_cnt; i++) {
		const uint8_t *owner = hop_owner(&composer->hop[i], type, &len);
		if (owner[0] == label[0] &&
		    (owner[0] == 0 || owner[1] == vly_ascii_lower(label[1])))
			return true;
	}
	return false;
}

/* Whether a hop has written this CNAME or DNAME already: a chain may lead to a name that it has
 * passed (RFC 2181 §5). */
static bool
has_alias(const struct vly_composer *composer, unsigned type, const uint8_t *owner, unsigned len)
{
	unsigned other_len;

	for (unsigned i = 0; i < composer->hop_cnt; i++) {
		const uint8_t *other = hop_owner(&composer->hop[i], type, &other_len);
		if (other_len == len && memcmp(other, owner, len) == 0)
			return true;
	}
	return false;
}

/* The type of the alias to which a record belongs: its own, or that which an RRSIG signs. `end` is
 * that of the record. */
static unsigned
alias_type(const struct source *source, unsigned type, unsigned fixed, unsigned end)
{
	return type == VLY_TYPE_RRSIG && fixed + 12 <= end ? vly_be16(source->wire + fixed + 10)
							   : type;
}

/* Whether the record at `at`, of an alias's type, belongs to one that the response already has. */
static bool
is_left_out(struct vly_composer *composer, struct source *source, const struct vly_name *question,
	    unsigned type, unsigned at)
{
	uint8_t owner[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES];

	if (type != VLY_TYPE_CNAME && type != VLY_TYPE_DNAME)
		return false;
	const uint8_t *label = first_label(source, question, at);
	if (!vly_composer_work(composer, ALIAS_WORK) || label == NULL ||
	    !may_have_alias(composer, type, label) ||
	    !vly_composer_work(composer, EXPAND_WORK + COMPARE_WORK * composer->hop_cnt))
		return false;
	unsigned len = expand_name(source, question, at, owner);
	return len != 0 && has_alias(composer, type, owner, len);
}

/* Whether the only name in the RDATA is at its end, uncompressed, and beyond the reach of pointers:
 * then it is copied without looking at its labels, of which an RRset of deep names has
 * thousands. */
static bool
is_full_name(const struct source *source, unsigned at, unsigned end)
{
	const struct vly_rdata_names *names = source->names;

	return names->cnt == 1 && names->after == 0 && source->base + at > VLY_POINTER_MAX &&
	       end - at >= names->skip + 2u && source->wire[end - 1] == 0 &&
	       source->wire[end - 2] < 0xc0; /* no pointer */
}

/* Copies the rest of a record behind its owner: the fixed part at `at`, and RDATA up to `end`. */
static bool
copy_rest(struct vly_composer *composer, struct source *source, unsigned at, unsigned end)
{
	const struct vly_rdata_names *names = source->names;
	unsigned data_at = at + 10;

	if (names == NULL || is_full_name(source, data_at, end))
		return vly_composer_put(composer, source->wire + at, end - at);
	const unsigned start = composer->len + 10;
	if (names->skip > end - data_at)
		return vly_composer_end(composer, VLY_COMPOSE_NO_ROOM);
	if (!vly_composer_put(composer, source->wire + at, 10u + names->skip))
		return false;
	data_at += names->skip;
	for (unsigned i = 0; i < names->cnt; i++)
		if (!copy_name(composer, source, &data_at))
			return false;
	if (data_at > end)
		return vly_composer_end(composer, VLY_COMPOSE_NO_ROOM);
	if (!vly_composer_put(composer, source->wire + data_at, end - data_at))
		return false;
	vly_put_be16(composer->message + start - 2, composer->len - start);
	return true;
}

/* Copies the record at *at, and advances *at behind it. */
static bool
copy_record(struct vly_composer *composer, struct source *source, const struct vly_name *question,
	    unsigned section, unsigned *at)
{
	unsigned end_len;
	unsigned fixed = *at + label_bytes(source, *at, &end_len) + end_len;

	if (end_len == 0 || fixed + 10 > source->wire_len)
		return vly_composer_end(composer, VLY_COMPOSE_NO_ROOM);
	const unsigned type = vly_be16(source->wire + fixed);
	const unsigned data_len = vly_be16(source->wire + fixed + 8);
	unsigned owner = *at;
	*at = fixed + 10 + data_len;
	if (*at > source->wire_len)
		return vly_composer_end(composer, VLY_COMPOSE_NO_ROOM);
	if (!vly_composer_work(composer, RECORD_WORK))
		return false;
	if (section == 0 &&
	    is_left_out(composer, source, question, alias_type(source, type, fixed, *at), owner))
		return true;
	if (composer->end != VLY_COMPOSE_DONE)
		return false;
	if (type != source->names_type) {
		source->names_type = type;
		source->names = vly_rdata_names((uint16_t)type);
	}
	if (!copy_name(composer, source, &owner) || !copy_rest(composer, source, fixed, *at))
		return false;
	composer->count[section]++;
	return true;
}

/* Forgets the places of an earlier answer. */
static void
clear_places(const struct source *source)
{
	unsigned end = source->base + source->wire_len;

	if (end > VLY_POINTER_MAX + 1)
		end = VLY_POINTER_MAX + 1;
	memset(place + source->base, 0, (end - source->base) * sizeof(place[0]));
}

/* Whether the first record of an answer may be left out, so that its length in the message is not
 * known. */
static bool
begins_with_alias(const struct source *source)
{
	unsigned end_len;
	unsigned fixed = label_bytes(source, 0, &end_len) + end_len;

	if (end_len == 0 || fixed + 2 > source->wire_len)
		return false;
	unsigned type = vly_be16(source->wire + fixed);
	return type == VLY_TYPE_CNAME || type == VLY_TYPE_DNAME;
}

bool
vly_composer_put_pieces(struct vly_composer *composer, const struct vly_pieces *pieces)
{
	unsigned bytes = vly_pieces_bytes(pieces, composer->len);

	if (bytes > composer->len_max - composer->len)
		return vly_composer_end(composer, VLY_COMPOSE_NO_ROOM);
	(void)vly_pieces_put(pieces, composer->message, composer->len);
	composer->len += bytes;
	composer->count[1] = (uint16_t)(composer->count[1] + pieces->record_cnt);
	return true;
}

bool
vly_composer_copy(struct vly_composer *composer, const struct vly_image_answer *answer,
		  const struct vly_pieces *pieces, const struct vly_name *name)
{
	const unsigned count[3] = {answer->ancount, answer->nscount,
				   vly_image_answer_keep_arcount(answer)};
	struct source source = {
		.answer = answer,
		.wire = vly_image_answer_wire(answer),
		.wire_len = answer->keep_len,
		.base = VLY_DNS_HEADER_BYTES + answer->anchor_len + 4u,
		.delta = (unsigned)name->len - answer->anchor_len,
	};
	unsigned at = 0;

	if (answer->anchor_len > name->len)
		return vly_composer_end(composer, VLY_COMPOSE_NO_ROOM);
	/* An answer that is too large costs no work. */
	if (answer->keep_len > composer->len_max - composer->len && !begins_with_alias(&source))
		return vly_composer_end(composer, VLY_COMPOSE_NO_ROOM);
	if (!vly_composer_work(composer, answer->keep_len >> WORK_OCTETS_SHIFT))
		return false;
	clear_places(&source);
	for (unsigned section = 0; section < 3; section++) {
		if (section == 2 && pieces != NULL && !vly_composer_put_pieces(composer, pieces))
			return false;
		for (unsigned i = 0; i < count[section]; i++)
			if (!copy_record(composer, &source, name, section, &at))
				return false;
	}
	return true;
}
