/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random RDATA that has its type's form, made from the table of fields, and not by the reader or
 * the printer. */
#ifndef VLY_TEST_RANDOM_RDATA_H
#define VLY_TEST_RANDOM_RDATA_H

#include <string.h>

#include "random.h"
#include "zone/rr_fields.h"

struct random_rdata {
	struct vly_test_random random;
	uint8_t data[65535];
	unsigned len;
};

static inline unsigned
rdata_below(struct random_rdata *rdata, unsigned cnt)
{
	return vly_test_random_below(&rdata->random, cnt);
}

static inline bool
rdata_chance(struct random_rdata *rdata, unsigned percent)
{
	return vly_test_random_chance(&rdata->random, percent);
}

static inline void
rdata_octet(struct random_rdata *rdata, unsigned octet)
{
	rdata->data[rdata->len++] = (uint8_t)octet;
}

static inline void
rdata_fill(struct random_rdata *rdata, unsigned octets)
{
	vly_test_random_fill(&rdata->random, rdata->data + rdata->len, octets);
	rdata->len += octets;
}

/* A number, or one at an end of its range. */
static inline void
rdata_number(struct random_rdata *rdata, unsigned octets)
{
	unsigned at = rdata->len;

	rdata_fill(rdata, octets);
	if (rdata_chance(rdata, 10))
		memset(rdata->data + at, rdata_chance(rdata, 50) ? 0 : 0xff, octets);
	else if (rdata_chance(rdata, 50))
		memset(rdata->data + at, 0, octets - 1);
}

/* Any octet, or one that text is likely to have. */
static inline unsigned
rdata_text_octet(struct random_rdata *rdata)
{
	static const char likely[] = "abcXYZ0189-_.,;:@$\\\"()+=* \t\n/'";

	return rdata_chance(rdata, 70) ? (uint8_t)likely[rdata_below(rdata, sizeof(likely) - 1)]
				       : rdata_below(rdata, 256);
}

static inline void
rdata_text(struct random_rdata *rdata, unsigned octets)
{
	for (unsigned i = 0; i < octets; i++)
		rdata_octet(rdata, rdata_text_octet(rdata));
}

static inline unsigned
rdata_string_len(struct random_rdata *rdata, unsigned least)
{
	unsigned len = rdata_chance(rdata, 90) ? rdata_below(rdata, 20) : rdata_below(rdata, 256);

	return len < least ? least : len;
}

static inline void
rdata_string(struct random_rdata *rdata)
{
	unsigned len = rdata_string_len(rdata, 0);

	rdata_octet(rdata, len);
	rdata_text(rdata, len);
}

static inline void
rdata_string_of(struct random_rdata *rdata, const char *digits)
{
	unsigned len = rdata_string_len(rdata, 1);

	rdata_octet(rdata, len);
	for (unsigned i = 0; i < len; i++)
		rdata_octet(rdata, (uint8_t)digits[rdata_below(rdata, (unsigned)strlen(digits))]);
}

static inline void
rdata_name(struct random_rdata *rdata)
{
	unsigned room = 254;

	for (unsigned i = rdata_below(rdata, rdata_chance(rdata, 95) ? 5 : 128); i > 0; i--) {
		unsigned len = 1 + rdata_below(rdata, rdata_chance(rdata, 90)   ? 8
						      : rdata_chance(rdata, 50) ? 63
										: 1);
		if (len + 1 > room)
			break;
		room -= len + 1;
		rdata_octet(rdata, len);
		rdata_text(rdata, len);
	}
	rdata_octet(rdata, 0);
}

/* A bitmap whose last octet is not 0, and without type 0. */
static inline void
rdata_bits(struct random_rdata *rdata, unsigned len, bool has_type_0)
{
	unsigned at = rdata->len;

	for (unsigned i = 0; i < len; i++)
		rdata_octet(rdata, rdata_chance(rdata, 50) ? 0 : rdata_below(rdata, 256));
	rdata->data[rdata->len - 1] |= 1;
	if (has_type_0)
		rdata->data[at] &= 0x7f;
}

static inline void
rdata_bitmap(struct random_rdata *rdata)
{
	unsigned window = rdata_chance(rdata, 80) ? 0 : rdata_below(rdata, 256);

	for (unsigned i = rdata_below(rdata, 4); i > 0 && window < 256; i--) {
		unsigned len = 1 + rdata_below(rdata, rdata_chance(rdata, 90) ? 8 : 32);
		rdata_octet(rdata, window);
		rdata_octet(rdata, len);
		rdata_bits(rdata, len, window == 0);
		window += 1 + rdata_below(rdata, 130);
	}
}

static inline void
rdata_loc(struct random_rdata *rdata)
{
	rdata_octet(rdata, 0);
	for (unsigned i = 0; i < 3; i++)
		rdata_octet(rdata, rdata_chance(rdata, 10) ? 0
							   : (1 + rdata_below(rdata, 9)) << 4 |
								     rdata_below(rdata, 10));
	for (unsigned i = 0; i < 2; i++) {
		unsigned max = (i == 0 ? 91 : 181) * 3600000u - 1;
		uint32_t wire = 0x80000000u - max + rdata_below(rdata, 2 * max + 1);
		for (unsigned j = 0; j < 4; j++)
			rdata_octet(rdata, wire >> (24 - 8 * j));
	}
	rdata_number(rdata, 4);
}

static inline void
rdata_apl(struct random_rdata *rdata)
{
	for (unsigned i = rdata_below(rdata, 5); i > 0; i--) {
		unsigned family = 1 + rdata_below(rdata, 2);
		unsigned len = rdata_below(rdata, family == 1 ? 5 : 17);
		rdata_octet(rdata, 0);
		rdata_octet(rdata, family);
		rdata_octet(rdata, rdata_below(rdata, family == 1 ? 33 : 129));
		rdata_octet(rdata, len | (rdata_chance(rdata, 50) ? 0x80 : 0));
		if (len == 0)
			continue;
		rdata_fill(rdata, len);
		rdata->data[rdata->len - 1] |= 1;
	}
}

static inline void
rdata_gateway(struct random_rdata *rdata, unsigned type)
{
	if (type == 1 || type == 2)
		rdata_fill(rdata, type == 1 ? 4 : 16);
	if (type == 3)
		rdata_name(rdata);
}

static inline void
rdata_a6(struct random_rdata *rdata)
{
	unsigned bits = rdata_below(rdata, 129);

	rdata_octet(rdata, bits);
	if (bits < 128) {
		unsigned at = rdata->len;
		rdata_fill(rdata, 16 - bits / 8);
		rdata->data[at] &= 0xff >> bits % 8;
	}
	if (bits > 0)
		rdata_name(rdata);
}

static inline void
rdata_hip(struct random_rdata *rdata)
{
	unsigned tag_len = 1 + rdata_below(rdata, rdata_chance(rdata, 90) ? 20 : 255);
	unsigned key_len = 1 + rdata_below(rdata, rdata_chance(rdata, 90) ? 40 : 3000);

	rdata_octet(rdata, tag_len);
	rdata_number(rdata, 1);
	rdata_octet(rdata, key_len >> 8);
	rdata_octet(rdata, key_len);
	rdata_fill(rdata, tag_len + key_len);
	for (unsigned i = rdata_below(rdata, 3); i > 0; i--)
		rdata_name(rdata);
}

/* The value of a parameter; generic ones are those of keys without an entry. */
static inline void
rdata_svc_value(struct random_rdata *rdata, unsigned key)
{
	unsigned cnt = 1 + rdata_below(rdata, 4);

	switch (key) {
	case 1:  /* alpn */
	case 10: /* docpath */
		for (unsigned i = 0; i < cnt; i++) {
			unsigned len = rdata_string_len(rdata, 1);
			rdata_octet(rdata, len);
			if (rdata_chance(rdata, 50))
				rdata_text(rdata, len);
			else
				for (unsigned j = 0; j < len; j++)
					rdata_octet(rdata, 'a' + rdata_below(rdata, 26));
		}
		break;
	case 2: /* no-default-alpn */
	case 8: /* ohttp */
		break;
	case 3: /* port */
		rdata_number(rdata, 2);
		break;
	case 4: /* ipv4hint */
		rdata_fill(rdata, 4 * cnt);
		break;
	case 6: /* ipv6hint */
		rdata_fill(rdata, 16 * cnt);
		break;
	case 9: /* tls-supported-groups */
		rdata_fill(rdata, 2 * cnt);
		break;
	case 5: /* ech */
		rdata_fill(rdata, 1 + rdata_below(rdata, 60));
		break;
	default:
		rdata_text(rdata, rdata_string_len(rdata, key == 7));
	}
}

static inline void
rdata_svc_params(struct random_rdata *rdata)
{
	unsigned keys[8];
	unsigned cnt = 0;

	for (unsigned key = 1 + rdata_below(rdata, 4); key < 65536 && cnt < 8;
	     key += 1 + rdata_below(rdata, rdata_chance(rdata, 80) ? 4 : 20000))
		keys[cnt++] = key;
	if (rdata_chance(rdata, 20)) {
		unsigned listed = 1 + rdata_below(rdata, cnt);
		rdata_number(rdata, 2);
		memset(rdata->data + rdata->len - 2, 0, 2);
		rdata_octet(rdata, 0);
		rdata_octet(rdata, 2 * listed);
		for (unsigned i = 0; i < listed; i++) {
			rdata_octet(rdata, keys[i] >> 8);
			rdata_octet(rdata, keys[i]);
		}
	}
	for (unsigned i = 0; i < cnt; i++) {
		unsigned head = rdata->len;
		rdata->len += 4;
		rdata_svc_value(rdata, keys[i]);
		unsigned len = rdata->len - head - 4;
		const uint8_t octets[] = {(uint8_t)(keys[i] >> 8), (uint8_t)keys[i],
					  (uint8_t)(len >> 8), (uint8_t)len};
		memcpy(rdata->data + head, octets, 4);
	}
}

/* Octets to the end. */
static inline void
rdata_rest(struct random_rdata *rdata, unsigned least)
{
	unsigned max = rdata_chance(rdata, 95) ? 70 : 3000;

	rdata_fill(rdata, least + rdata_below(rdata, max));
}

static inline void
rdata_list_field(struct random_rdata *rdata, unsigned kind)
{
	unsigned type;

	switch (kind) {
	case VLY_FIELD_BITMAP:
		rdata_bitmap(rdata);
		break;
	case VLY_FIELD_NXT_BITMAP:
		rdata_bits(rdata, 1 + rdata_below(rdata, 16), true);
		break;
	case VLY_FIELD_WKS:
		rdata_number(rdata, 1);
		rdata_bits(rdata, 1 + rdata_below(rdata, rdata_chance(rdata, 99) ? 50 : 8192),
			   false);
		break;
	case VLY_FIELD_ATMA:
		rdata_octet(rdata, rdata_below(rdata, 2));
		for (unsigned i = 1 + rdata_below(rdata, 20); i > 0; i--)
			rdata_octet(rdata, '0' + rdata_below(rdata, 10));
		break;
	case VLY_FIELD_LOC:
		rdata_loc(rdata);
		break;
	case VLY_FIELD_APL:
		rdata_apl(rdata);
		break;
	case VLY_FIELD_A6:
		rdata_a6(rdata);
		break;
	case VLY_FIELD_GATEWAY:
		type = rdata_below(rdata, 4);
		rdata_octet(rdata, type);
		rdata_number(rdata, 1);
		rdata_gateway(rdata, type);
		break;
	case VLY_FIELD_RELAY:
		type = rdata_below(rdata, 4);
		rdata_octet(rdata, type | (rdata_chance(rdata, 50) ? 0x80 : 0));
		rdata_gateway(rdata, type);
		break;
	case VLY_FIELD_HIP:
		rdata_hip(rdata);
		break;
	case VLY_FIELD_SVC_PARAMS:
		rdata_svc_params(rdata);
		break;
	default:
		rdata_rest(rdata, kind == VLY_FIELD_BASE64 || kind == VLY_FIELD_HEX ||
					  kind == VLY_FIELD_NSAP);
	}
}

static inline void
rdata_field(struct random_rdata *rdata, unsigned kind)
{
	static const uint8_t octets_of[VLY_FIELD_CNT] = {
		[VLY_FIELD_U8] = 1,          [VLY_FIELD_U16] = 2,
		[VLY_FIELD_U32] = 4,         [VLY_FIELD_U64] = 8,
		[VLY_FIELD_PERIOD] = 4,      [VLY_FIELD_TIME] = 4,
		[VLY_FIELD_ALGORITHM] = 1,   [VLY_FIELD_SCHEME] = 1,
		[VLY_FIELD_DIGEST_TYPE] = 1, [VLY_FIELD_HASH_ALGORITHM] = 1,
		[VLY_FIELD_PROTOCOL] = 1,    [VLY_FIELD_CERT_TYPE] = 2,
		[VLY_FIELD_KEY_FLAGS] = 2,   [VLY_FIELD_IPV4] = 4,
		[VLY_FIELD_IPV6] = 16,       [VLY_FIELD_LOCATOR64] = 8,
		[VLY_FIELD_EUI48] = 6,       [VLY_FIELD_EUI64] = 8,
	};
	unsigned at = rdata->len;

	if (octets_of[kind] != 0) {
		rdata_number(rdata, octets_of[kind]);
		return;
	}
	switch (kind) {
	case VLY_FIELD_NAME:
		rdata_name(rdata);
		break;
	case VLY_FIELD_TYPE:
		rdata_number(rdata, 2);
		rdata->data[at + 1] |= 1;
		break;
	case VLY_FIELD_STRING:
		rdata_string(rdata);
		break;
	case VLY_FIELD_STRING_MAY:
		if (rdata_chance(rdata, 50))
			rdata_string(rdata);
		break;
	case VLY_FIELD_STRINGS:
		for (unsigned i = 1 + rdata_below(rdata, 4); i > 0; i--)
			rdata_string(rdata);
		break;
	case VLY_FIELD_TEXT:
		rdata_text(rdata, rdata_string_len(rdata, 0) * (1 + rdata_below(rdata, 4)));
		break;
	case VLY_FIELD_TAG:
		rdata_string_of(rdata, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0189");
		break;
	case VLY_FIELD_DIGITS:
		rdata_string_of(rdata, "0123456789");
		break;
	case VLY_FIELD_SALT:
	case VLY_FIELD_HASH:
		rdata_octet(rdata, kind == VLY_FIELD_HASH && rdata_chance(rdata, 50)
					   ? 20
					   : rdata_string_len(rdata, kind == VLY_FIELD_HASH));
		rdata_fill(rdata, rdata->data[at]);
		break;
	default:
		rdata_list_field(rdata, kind);
	}
}

/* Data of a type that has fields. */
static inline void
rdata_make(struct random_rdata *rdata, uint16_t type)
{
	rdata->len = 0;
	for (const struct vly_rr_field *field = vly_rr_fields(type); field->kind != VLY_FIELD_END;
	     field++)
		rdata_field(rdata, field->kind);
}

#endif
