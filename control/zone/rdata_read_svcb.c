/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SvcParams (RFC 9460 §2.1, appendix A). */
#include <stdio.h>
#include <stdlib.h>

#include <volley/octets.h>

#include "rdata_read_parts.h"
#include "svc_params.h"

/* Sets the field's name, for messages, to that of the key. */
static void
name_field(struct vly_rdata_reader *reader, unsigned key, char field[64])
{
	char buffer[VLY_SVC_KEY_BYTES];

	snprintf(field, 64, "value of %s", vly_svc_key_name(key, buffer));
	reader->field = field;
}

/* Appends a string of a list: `text` up to a comma that no backslash is before, or to `end`.
 * Returns where the next one begins, behind `end` after the last one; NULL: it is malformed. */
static const uint8_t *
take_id(struct vly_rdata_reader *reader, const uint8_t *text, const uint8_t *end, bool may_be_empty)
{
	const unsigned begin = reader->len;

	if (!vly_rdata_append_number(reader, 0, 1))
		return NULL;
	for (; text < end && *text != ','; text++) {
		if (*text == '\\' && (++text == end || (*text != '\\' && *text != ','))) {
			vly_rdata_fail(reader, " has a \\ that is before neither \\ nor a comma, "
					       "after the escapes of the string are resolved");
			return NULL;
		}
		if (!vly_rdata_append(reader, text, 1))
			return NULL;
	}
	unsigned len = reader->len - begin - 1;
	if (len > UINT8_MAX || (len == 0 && !may_be_empty)) {
		vly_rdata_fail(reader, len > 0 ? " has a string longer than 255 octets"
					       : " has an empty string");
		return NULL;
	}
	reader->to[begin] = (uint8_t)len;
	return text + 1;
}

/* RFC 9460 appendix A.1: the escapes of the string are resolved first, then those of the list. */
static bool
take_ids(struct vly_rdata_reader *reader, const struct vly_token *value, bool is_path)
{
	uint8_t octets[VLY_RDATA_BYTES_MAX];
	int len = vly_token_octets(value, octets, sizeof(octets));
	const uint8_t *at = octets;

	if (len < 0)
		return vly_rdata_fail(reader, " is too long, or has a malformed escape");
	if (len == 0 && is_path)
		return true;
	for (const uint8_t *end = octets + len; at != NULL && at <= end;)
		at = take_id(reader, at, end, is_path);
	return at != NULL;
}

static bool
take_octets(struct vly_rdata_reader *reader, const struct vly_token *value)
{
	int len = vly_token_octets(value, reader->to + reader->len,
				   VLY_RDATA_BYTES_MAX - reader->len);

	if (len < 0)
		return vly_rdata_fail(reader, " is too long, or has a malformed escape");
	reader->len += (unsigned)len;
	return true;
}

static int
by_number(const void *left, const void *right)
{
	return memcmp(left, right, 2);
}

static bool
take_key(struct vly_rdata_reader *reader, const struct vly_token *item)
{
	char shown[VLY_TOKEN_SHOWN_BYTES];
	int key = vly_svc_key_read(item->text, item->len);

	return key >= 0 ? vly_rdata_append_number(reader, (unsigned)key, 2)
			: vly_rdata_fail(reader, " has \"%s\", which is no key",
					 vly_token_shown(item, shown));
}

/* Reads one item of a list as if it were a word of its own. */
static bool
take_item(struct vly_rdata_reader *reader, enum vly_svc_value kind, const struct vly_token *item)
{
	struct vly_rdata_reader alone = *reader;
	bool done;

	alone.token = item;
	alone.end = item + 1;
	if (kind == VLY_SVC_KEYS)
		done = take_key(&alone, item);
	else if (kind == VLY_SVC_IPV4)
		done = vly_rdata_take_ipv4(&alone);
	else if (kind == VLY_SVC_IPV6)
		done = vly_rdata_take_ipv6(&alone);
	else
		done = vly_rdata_take_number(&alone, UINT16_MAX, 2);
	reader->len = alone.len;
	return done;
}

/* A list whose items have no commas. */
static bool
take_list(struct vly_rdata_reader *reader, enum vly_svc_value kind, const struct vly_token *value)
{
	const char *end = value->text + value->len;
	const unsigned begin = reader->len;

	for (const char *at = value->text; at <= end;) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		const struct vly_token item = {
			.text = at, .len = (uint32_t)((comma != NULL ? comma : end) - at)};
		if (!take_item(reader, kind, &item))
			return false;
		at += item.len + 1;
	}
	if (kind == VLY_SVC_KEYS)
		qsort(reader->to + begin, (reader->len - begin) / 2, 2, by_number);
	return true;
}

static bool
take_value(struct vly_rdata_reader *reader, enum vly_svc_value kind, const struct vly_token *value)
{
	switch (kind) {
	case VLY_SVC_KEYS:
	case VLY_SVC_IPV4:
	case VLY_SVC_IPV6:
	case VLY_SVC_GROUPS:
		return take_list(reader, kind, value);
	case VLY_SVC_PORT:
		return take_item(reader, kind, value);
	case VLY_SVC_IDS:
	case VLY_SVC_PATH:
		return take_ids(reader, value, kind == VLY_SVC_PATH);
	case VLY_SVC_BASE64:
		return vly_rdata_take_base64_word(reader, value->text, value->len);
	default:
		return take_octets(reader, value);
	}
}

/* Splits key=value. The value may be in quotes, and is the next word then. */
static void
split(struct vly_rdata_reader *reader, struct vly_token *key, struct vly_token *value)
{
	const struct vly_token *word = reader->token++;
	const struct vly_token *next = reader->token;
	const char *equals = memchr(word->text, '=', word->len);
	const char *end = word->text + word->len;

	*key = *value = *word;
	key->len = (uint32_t)((equals != NULL ? equals : end) - word->text);
	value->text = equals != NULL ? equals + 1 : end;
	value->len = (uint32_t)(end - value->text);
	if (equals != NULL && value->len == 0 && !word->quoted && next < reader->end &&
	    next->quoted && next->text == end + 1)
		*value = *reader->token++;
}

static bool
take_param(struct vly_rdata_reader *reader)
{
	const unsigned param = reader->len;
	char shown[VLY_TOKEN_SHOWN_BYTES];
	char field[64];
	struct vly_token name;
	struct vly_token value;

	split(reader, &name, &value);
	int key = vly_svc_key_read(name.text, name.len);
	if (key < 0)
		return vly_rdata_fail(reader,
				      " \"%s\" has no known key; other keys are written key0 to "
				      "key65535, in lower case and without leading zeros",
				      vly_token_shown(&name, shown));
	name_field(reader, (unsigned)key, field);
	/* keyN takes the octets as they go over the wire */
	enum vly_svc_value kind = memcmp(name.text, "key", 3) == 0
					  ? VLY_SVC_GENERIC
					  : vly_svc_value_of((unsigned)key);
	bool done = vly_rdata_append_number(reader, (unsigned)key << 16, VLY_SVC_HEAD_BYTES) &&
		    take_value(reader, kind, &value);
	if (done) {
		unsigned len = reader->len - param - VLY_SVC_HEAD_BYTES;
		reader->to[param + 2] = (uint8_t)(len >> 8);
		reader->to[param + 3] = (uint8_t)len;
		done = vly_svc_value_is_sound((unsigned)key,
					      reader->to + param + VLY_SVC_HEAD_BYTES, len) ||
		       vly_rdata_fail(reader, value.len == 0 ? " is missing"
							     : " is not allowed for this key");
	}
	reader->field = "parameter";
	return done;
}

/* A parameter, to be sorted. */
struct place {
	uint16_t key;
	uint16_t at; /* where it is */
};

static int
by_key(const void *left, const void *right)
{
	return ((const struct place *)left)->key - ((const struct place *)right)->key;
}

/* Lists the parameters from `begin` on. Returns how many there are; *sorted: in ascending order. */
static unsigned
list_params(const struct vly_rdata_reader *reader, unsigned begin, struct place *place,
	    bool *sorted)
{
	unsigned cnt = 0;

	*sorted = true;
	for (unsigned at = begin; at < reader->len;
	     at += VLY_SVC_HEAD_BYTES + vly_be16(reader->to + at + 2)) {
		place[cnt] = (struct place){(uint16_t)vly_be16(reader->to + at), (uint16_t)at};
		*sorted &= cnt == 0 || place[cnt].key > place[cnt - 1].key;
		cnt++;
	}
	return cnt;
}

/* RFC 9460 §2.2: in ascending order of the keys, none twice. */
static bool
sort_params(struct vly_rdata_reader *reader, unsigned begin)
{
	struct place place[VLY_RDATA_BYTES_MAX / VLY_SVC_HEAD_BYTES];
	uint8_t copy[VLY_RDATA_BYTES_MAX];
	char field[64];
	bool sorted;
	unsigned cnt = list_params(reader, begin, place, &sorted);
	unsigned to = begin;

	if (sorted)
		return true;
	qsort(place, cnt, sizeof(place[0]), by_key);
	memcpy(copy, reader->to, reader->len);
	for (unsigned i = 0; i < cnt; i++) {
		const uint8_t *from = copy + place[i].at;
		const unsigned len = VLY_SVC_HEAD_BYTES + vly_be16(from + 2);
		if (i > 0 && place[i].key == place[i - 1].key) {
			name_field(reader, place[i].key, field);
			return vly_rdata_fail(reader, " is there twice");
		}
		memcpy(reader->to + to, from, len);
		to += len;
	}
	return true;
}

static bool
check_mandatory(struct vly_rdata_reader *reader, unsigned begin)
{
	const int missing = vly_svc_missing_key(reader->to + begin, reader->len - begin);
	char buffer[VLY_SVC_KEY_BYTES];

	return missing < 0 || vly_rdata_fail(reader, " %s is mandatory, but not there",
					     vly_svc_key_name((unsigned)missing, buffer));
}

bool
vly_rdata_take_svc_params(struct vly_rdata_reader *reader)
{
	const unsigned begin = reader->len;

	while (reader->token < reader->end) /* each turn takes a word at least */
		if (!take_param(reader))
			return false;
	return sort_params(reader, begin) && check_mandatory(reader, begin);
}
