/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "token.h"

#include <string.h>
#include <strings.h>

#include <volley/name.h>

#include "common/number.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads the octet at *at, escaped or not. Returns it, or -1 for a malformed escape. */
static int
read_octet(const char **at, const char *end)
{
	const char *text = *at;

	if (text[0] != '\\') {
		*at = text + 1;
		return (uint8_t)text[0];
	}
	if (end - text < 2)
		return -1;
	if (!is_digit(text[1])) {
		*at = text + 2;
		return (uint8_t)text[1];
	}
	if (end - text < 4 || !is_digit(text[2]) || !is_digit(text[3]))
		return -1;
	int value = (text[1] - '0') * 100 + (text[2] - '0') * 10 + (text[3] - '0');
	*at = text + 4;
	return value <= UINT8_MAX ? value : -1;
}

int
vly_token_octets(const struct vly_token *token, uint8_t *to, size_t size)
{
	const char *at = token->text;
	const char *end = at + token->len;
	size_t cnt = 0;

	if (token->len <= size && memchr(at, '\\', token->len) == NULL) {
		memcpy(to, at, token->len);
		return (int)token->len;
	}
	while (at < end) {
		int octet = read_octet(&at, end);
		if (octet < 0 || cnt == size)
			return -1;
		to[cnt++] = (uint8_t)octet;
	}
	return (int)cnt;
}

static unsigned
wire_len(const uint8_t *name)
{
	unsigned len = 0;

	while (name[len] != 0) /* ends with the 127th label at the latest */
		len += name[len] + 1u;
	return len + 1;
}

/* Appends the origin to the labels that `to` begins with. */
static unsigned
make_absolute(uint8_t *to, unsigned len, const uint8_t *origin, const char **why)
{
	unsigned origin_len = wire_len(origin);

	if (len + origin_len > VLY_NAME_BYTES_MAX) {
		*why = "the name is longer than 255 octets";
		return 0;
	}
	memcpy(to + len, origin, origin_len);
	return len + origin_len;
}

/* Reads one label, without the dot behind it, and appends it. Returns NULL, or a sentence. */
static const char *
read_label(const char **at, const char *end, uint8_t *to, unsigned *len)
{
	uint8_t *label = to + *len;
	unsigned label_len = 0;

	while (*at < end && **at != '.') {
		int octet = read_octet(at, end);
		if (octet < 0)
			return "the name has a malformed escape";
		if (label_len == VLY_LABEL_BYTES_MAX)
			return "a label is longer than 63 octets";
		/* a root label must follow */
		if (*len + label_len + 2 >= VLY_NAME_BYTES_MAX)
			return "the name is longer than 255 octets";
		label[++label_len] = (uint8_t)octet;
	}
	label[0] = (uint8_t)label_len;
	*len += label_len + 1;
	return label_len > 0 ? NULL : "the name has an empty label";
}

unsigned
vly_token_name(const struct vly_token *token, const uint8_t *origin, uint8_t *to, const char **why)
{
	const char *at = token->text;
	const char *end = at + token->len;
	unsigned len = 0;

	if (token->len == 1 && *at == '@')
		return make_absolute(to, 0, origin, why);
	if (token->len == 1 && *at == '.') {
		to[0] = 0;
		return 1;
	}
	*why = token->len > 0 ? NULL : "the name is empty";
	while (at < end && *why == NULL) {
		*why = read_label(&at, end, to, &len);
		if (*why != NULL || at == end)
			break;
		if (++at == end) { /* it ends with a dot */
			to[len] = 0;
			return len + 1;
		}
	}
	return *why == NULL ? make_absolute(to, len, origin, why) : 0;
}

bool
vly_token_number(const struct vly_token *token, uint64_t max, uint64_t *value)
{
	return vly_number_is(token->text, token->len, 0, max, value);
}

/* Seconds of a unit; 0: it is none. */
static uint32_t
unit_s(char c)
{
	switch (c | 0x20) {
	case 'w':
		return 604800;
	case 'd':
		return 86400;
	case 'h':
		return 3600;
	case 'm':
		return 60;
	case 's':
		return 1;
	default:
		return 0;
	}
}

bool
vly_token_ttl(const struct vly_token *token, uint32_t *seconds)
{
	const char *at = token->text;
	const char *end = at + token->len;
	uint64_t sum = 0;
	uint64_t value;

	if (vly_token_number(token, UINT32_MAX, &value)) {
		*seconds = (uint32_t)value;
		return true;
	}
	while (at < end) { /* a number and its unit */
		at = vly_number_read(at, (size_t)(end - at), 0, UINT32_MAX, &value);
		if (at == NULL || at == end || unit_s(*at) == 0)
			return false;
		sum += value * unit_s(*at++);
		if (sum > UINT32_MAX)
			return false;
	}
	*seconds = (uint32_t)sum;
	return token->len > 0;
}

bool
vly_token_is(const struct vly_token *token, const char *word)
{
	return !token->quoted && strlen(word) == token->len &&
	       strncasecmp(token->text, word, token->len) == 0;
}

const char *
vly_token_shown(const struct vly_token *token, char to[VLY_TOKEN_SHOWN_BYTES])
{
	unsigned len = 0;

	while (len < token->len && len < VLY_TOKEN_SHOWN_BYTES - 1) {
		char c = token->text[len];
		to[len++] = c >= ' ' && c <= '~' ? c : '?';
	}
	if (token->len > len)
		memcpy(to + len - 3, "...", 3);
	to[len] = '\0';
	return to;
}
