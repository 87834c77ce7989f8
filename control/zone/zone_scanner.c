/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "zone_scanner.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <volley/dns.h>

static zs_scanner_t *
new_scanner(void)
{
	zs_scanner_t *zs = malloc(sizeof(*zs));

	if (zs == NULL || zs_init(zs, ".", VLY_CLASS_IN, 0) == 0)
		return zs;
	zs_deinit(zs);
	free(zs);
	return NULL;
}

int
vly_zone_scanner_begin(struct vly_zone_scanner *scanner, const uint8_t *origin, unsigned origin_len,
		       uint32_t default_ttl)
{
	if (scanner->zs == NULL) {
		scanner->zs = new_scanner();
		if (scanner->zs == NULL)
			return -1;
		scanner->start = scanner->zs->cs;
	}
	memcpy(scanner->zs->zone_origin, origin, origin_len);
	scanner->zs->zone_origin_length = origin_len;
	scanner->zs->r_owner_length = 0;
	scanner->zs->default_ttl = default_ttl;
	return 0;
}

void
vly_zone_scanner_restart(struct vly_zone_scanner *scanner, const char *text, size_t len,
			 uint64_t line)
{
	zs_scanner_t *zs = scanner->zs;

	(void)zs_set_input_string(zs, text, len); /* it copies pointers */
	zs->cs = scanner->start;
	zs->top = 0;
	zs->multiline = false;
	zs->long_string = false;
	zs->comma_list = false;
	zs->error.code = 0;
	zs->error.fatal = false;
	zs->line_counter = line;
}

/* Such an escape in a name is read as another octet: \256 as \000. */
static bool
has_escape_above_255(const char *at, const char *end)
{
	while ((at = memchr(at, '\\', (size_t)(end - at))) != NULL) {
		if (end - at > 3 && memcmp(at + 1, "255", 3) > 0 && at[1] <= '9' && at[2] >= '0' &&
		    at[2] <= '9' && at[3] >= '0' && at[3] <= '9')
			return true;
		at += end - at > 1 ? 2 : 1;
	}
	return false;
}

/* A parenthesis beside a word that is not in quotes becomes part of the string: in TXT (x y) the
 * last one is "y)". */
static bool
has_parenthesis(const zs_scanner_t *zs)
{
	return memchr(zs->r_data, ')', zs->r_data_length) != NULL ||
	       memchr(zs->r_data, '(', zs->r_data_length) != NULL;
}

/* A record that begins with a parenthesis gets the owner of the record before. */
static bool
begins_with_parenthesis(const char *at, const char *end)
{
	while (at < end && *at == '\n')
		at++;
	return at < end && *at == '(';
}

/* The altitude and sizes of a LOC record have eight digits at most (RFC 1876 §2). Larger ones become
 * other numbers. */
static bool
has_large_number(const char *at, const char *end)
{
	unsigned digit_cnt = 0;

	for (; at < end && digit_cnt <= 8; at++)
		digit_cnt = *at >= '0' && *at <= '9' ? digit_cnt + 1 : 0;
	return digit_cnt > 8;
}

/* True when there is an escape other than \# of RFC 3597 §5, which stands alone. */
static bool
has_escape_in_word(const char *at, const char *end)
{
	while ((at = memchr(at, '\\', (size_t)(end - at))) != NULL) {
		if (end - at < 3 || at[1] != '#' || (at[2] != ' ' && at[2] != '\t'))
			return true;
		at++;
	}
	return false;
}

/* Padding ends data in Base64 (RFC 4648 §3.2), and Base32hex has none (RFC 5155 §3.3). Data behind it
 * become part of the RDATA. */
static bool
has_padding_inside(const char *text, const char *end)
{
	const char *at = memchr(text, '=', (size_t)(end - text));

	if (at == NULL)
		return false;
	while (at < end && memchr("= \t\r\n()", *at, 7) != NULL)
		at++;
	return at < end && *at != ';';
}

/* True when a parameter of SVCB may be written with leading zeros, as key07. */
static bool
has_leading_zero(const char *text, const char *end)
{
	return memmem(text, (size_t)(end - text), "key0", 4) != NULL;
}

/* A tag has letters and digits (RFC 8659 §4.1). */
static bool
has_odd_tag(const zs_scanner_t *zs)
{
	const uint8_t *tag = zs->r_data + 2;

	if (zs->r_data_length < 2 || zs->r_data[1] == 0)
		return true;
	for (unsigned i = 0; i < zs->r_data[1]; i++)
		if (!isalnum(tag[i]))
			return true;
	return false;
}

/* In words that libzscanner's grammar for the type lets pass. */
static bool
is_doubtful_for_type(const zs_scanner_t *zs, const char *text, const char *end, const char *escape)
{
	switch (zs->r_type) {
	case VLY_TYPE_SVCB:
	case VLY_TYPE_HTTPS: /* lists with escapes become other lists (RFC 9460 appendix A.1) */
		return (escape != NULL && has_escape_in_word(escape, end)) || has_parenthesis(zs) ||
		       has_leading_zero(text, end);
	case VLY_TYPE_LOC:
		return escape == NULL && has_large_number(text, end);
	case VLY_TYPE_HINFO:
	case VLY_TYPE_TXT:
	case VLY_TYPE_NAPTR:
	case VLY_TYPE_SPF:
	case VLY_TYPE_URI:
		return has_parenthesis(zs);
	case VLY_TYPE_CAA:
		return has_parenthesis(zs) ||
		       ((escape == NULL || has_escape_in_word(escape, end)) && has_odd_tag(zs));
	case VLY_TYPE_KEY:
	case VLY_TYPE_CERT:
	case VLY_TYPE_IPSECKEY:
	case VLY_TYPE_RRSIG:
	case VLY_TYPE_DNSKEY:
	case VLY_TYPE_DHCID:
	case VLY_TYPE_CDNSKEY:
	case VLY_TYPE_OPENPGPKEY:
		return has_padding_inside(text, end);
	case VLY_TYPE_NSEC3: /* RFC 5155 §3.3: without padding */
		return memchr(text, '=', (size_t)(end - text)) != NULL;
	default:
		return false;
	}
}

bool
vly_zone_scanner_is_doubtful(const struct vly_zone_scanner *scanner, const char *text,
			     const char *end, const char *escape)
{
	const zs_scanner_t *zs = scanner->zs;

	/* it is not behind the record yet when a closing parenthesis has a line of its own */
	return zs->multiline || begins_with_parenthesis(text, end) ||
	       (escape != NULL && has_escape_above_255(escape, end)) ||
	       is_doubtful_for_type(zs, text, end, escape);
}

void
vly_zone_scanner_free(struct vly_zone_scanner *scanner)
{
	if (scanner->zs != NULL)
		zs_deinit(scanner->zs);
	free(scanner->zs);
	*scanner = (struct vly_zone_scanner){0};
}
