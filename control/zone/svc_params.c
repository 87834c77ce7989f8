/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "svc_params.h"

#include <stdio.h>
#include <string.h>

#include <volley/octets.h>

#include "common/number.h"

static const struct {
	const char *name;
	enum vly_svc_value value;
} keys[] = {
	{"mandatory", VLY_SVC_KEYS},          /* RFC 9460 §8 */
	{"alpn", VLY_SVC_IDS},                /* §7.1 */
	{"no-default-alpn", VLY_SVC_NOTHING}, /* §7.1 */
	{"port", VLY_SVC_PORT},               /* §7.2 */
	{"ipv4hint", VLY_SVC_IPV4},           /* §7.3 */
	{"ech", VLY_SVC_BASE64},              /* RFC 9848 */
	{"ipv6hint", VLY_SVC_IPV6},           /* RFC 9460 §7.3 */
	{"dohpath", VLY_SVC_TEXT},            /* RFC 9461 §5 */
	{"ohttp", VLY_SVC_NOTHING},           /* RFC 9540 §4 */
	{"tls-supported-groups", VLY_SVC_GROUPS},
	{"docpath", VLY_SVC_PATH},
};

#define KEY_CNT (sizeof(keys) / sizeof(keys[0]))

int
vly_svc_key_read(const char *text, size_t len)
{
	uint64_t number;

	for (size_t i = 0; i < KEY_CNT; i++)
		if (strlen(keys[i].name) == len && memcmp(keys[i].name, text, len) == 0)
			return (int)i;
	if (len < 4 || memcmp(text, "key", 3) != 0 || (text[3] == '0' && len > 4) ||
	    !vly_number_is(text + 3, len - 3, 0, UINT16_MAX, &number))
		return -1;
	return (int)number;
}

const char *
vly_svc_key_name(unsigned key, char buffer[VLY_SVC_KEY_BYTES])
{
	if (key < KEY_CNT)
		return keys[key].name;
	snprintf(buffer, VLY_SVC_KEY_BYTES, "key%u", key);
	return buffer;
}

enum vly_svc_value
vly_svc_value_of(unsigned key)
{
	return key < KEY_CNT ? keys[key].value : VLY_SVC_GENERIC;
}

/* Keys in order, none twice, and not this one (RFC 9460 §8). */
static bool
are_keys(const uint8_t *value, unsigned len)
{
	unsigned last = VLY_SVC_MANDATORY;

	if (len == 0 || len % 2 != 0)
		return false;
	for (unsigned i = 0; i < len; i += 2) {
		unsigned key = vly_be16(value + i);
		if (key <= last)
			return false;
		last = key;
	}
	return true;
}

static bool
are_strings(const uint8_t *value, unsigned len, unsigned least)
{
	unsigned at = 0;

	while (at < len && value[at] >= least)
		at += value[at] + 1u;
	return at == len;
}

bool
vly_svc_value_is_sound(unsigned key, const uint8_t *value, unsigned len)
{
	switch (vly_svc_value_of(key)) {
	case VLY_SVC_KEYS:
		return are_keys(value, len);
	case VLY_SVC_IDS:
		return len > 0 && are_strings(value, len, 1);
	case VLY_SVC_PATH:
		return len != 1 && are_strings(value, len, 0); /* one empty string has no text */
	case VLY_SVC_NOTHING:
		return len == 0;
	case VLY_SVC_PORT:
		return len == 2;
	case VLY_SVC_IPV4:
		return len > 0 && len % 4 == 0;
	case VLY_SVC_IPV6:
		return len > 0 && len % 16 == 0;
	case VLY_SVC_GROUPS:
		return len > 0 && len % 2 == 0;
	case VLY_SVC_BASE64:
	case VLY_SVC_TEXT:
		return len > 0;
	default:
		return true;
	}
}

/* The mandatory keys are in ascending order, too. */
int
vly_svc_missing_key(const uint8_t *params, unsigned len)
{
	unsigned at = 0;

	if (len == 0 || vly_be16(params) != VLY_SVC_MANDATORY)
		return -1;
	const unsigned end = VLY_SVC_HEAD_BYTES + vly_be16(params + 2);
	for (unsigned i = VLY_SVC_HEAD_BYTES; i < end; i += 2) {
		const unsigned key = vly_be16(params + i);
		while (at < len && vly_be16(params + at) < key)
			at += VLY_SVC_HEAD_BYTES + vly_be16(params + at + 2);
		if (at == len || vly_be16(params + at) != key)
			return (int)key;
	}
	return -1;
}
