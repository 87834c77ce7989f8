/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What libzscanner reads, but not as RFCs have it. */
#include <ctype.h>
#include <string.h>

#include <volley/dns.h>

#include "zone_scanner.h"

/* Of YYYYMMDDHHmmSS (RFC 4034 §3.2). */
#define DATE_DIGITS 14

/* Serial and flags are before it (RFC 7477 §2.1). */
#define CSYNC_TYPES_AT 6

/* \256 in a name is read as \000. A backslash at the end of a line makes one name of the next line's
 * first word, too, so that the record there is lost. */
static bool
has_bad_escape(const char *at, const char *end)
{
	while ((at = memchr(at, '\\', (size_t)(end - at))) != NULL) {
		if (end - at > 3 && memcmp(at + 1, "255", 3) > 0 && at[1] <= '9' && at[2] >= '0' &&
		    at[2] <= '9' && at[3] >= '0' && at[3] <= '9')
			return true;
		if (end - at > 1 && (at[1] == '\n' || at[1] == '\r'))
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

static unsigned
two_digits(const char *at)
{
	return (unsigned)(at[0] - '0') * 10 + (unsigned)(at[1] - '0');
}

/* True when the month of YYYYMMDDHHmmSS has no such day. */
static bool
is_impossible_day(const char *date)
{
	static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	unsigned century = two_digits(date), year = two_digits(date + 2);
	unsigned month = two_digits(date + 4), day = two_digits(date + 6);
	bool is_leap = year % 4 == 0 && (year != 0 || century % 4 == 0);
	unsigned missing = month == 2 && !is_leap;

	return month < 1 || month > 12 || day < 1 || day > days[month - 1] - missing;
}

/* True when one of the two dates of a signature has a day that does not exist, which libzscanner
 * reads as another day. */
static bool
has_impossible_day(const char *at, const char *end)
{
	unsigned digit_cnt = 0;

	for (unsigned date_cnt = 0; at < end && date_cnt < 2; at++) {
		digit_cnt = *at >= '0' && *at <= '9' ? digit_cnt + 1 : 0;
		if (digit_cnt != DATE_DIGITS)
			continue;
		if (is_impossible_day(at + 1 - DATE_DIGITS))
			return true;
		date_cnt++;
	}
	return false;
}

/* True when the list of types that begins at offset `at` of the data has type 0. */
static bool
lists_type_zero(const zs_scanner_t *zs, unsigned at)
{
	return at + 2 < zs->r_data_length && zs->r_data[at] == 0 &&
	       (zs->r_data[at + 2] & 0x80) != 0;
}

/* True for a signature of type 0. */
static bool
covers_type_zero(const zs_scanner_t *zs)
{
	return zs->r_data_length >= 2 && zs->r_data[0] == 0 && zs->r_data[1] == 0;
}

/* The octets of the name that the data of NSEC begins with. */
static unsigned
name_bytes(const zs_scanner_t *zs)
{
	unsigned at = 0;

	while (at < zs->r_data_length && zs->r_data[at] != 0)
		at += zs->r_data[at] + 1u;
	return at + 1;
}

/* Offset of the list of types in the data of NSEC3: behind salt and hash. */
static unsigned
nsec3_types_at(const zs_scanner_t *zs)
{
	const uint8_t *salt = zs->r_data + 4;
	const uint8_t *hash = salt + 1 + salt[0];

	return (unsigned)(hash + 1 + hash[0] - zs->r_data);
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
is_doubtful_for_type(const zs_scanner_t *zs, const char *text, const char *end)
{
	switch (zs->r_type) {
	case VLY_TYPE_SVCB:
	case VLY_TYPE_HTTPS:
		/* lists with escapes become other lists (RFC 9460 appendix A.1), Base64 goes on behind
		 * its padding, and values of key7 or key07 are not checked */
		return true;
	case VLY_TYPE_LOC:
		return has_large_number(text, end);
	case VLY_TYPE_HINFO:
	case VLY_TYPE_TXT:
	case VLY_TYPE_NAPTR:
	case VLY_TYPE_SPF:
	case VLY_TYPE_URI:
		return has_parenthesis(zs);
	case VLY_TYPE_CAA:
		return has_parenthesis(zs) || has_odd_tag(zs);
	case VLY_TYPE_KEY:
	case VLY_TYPE_CERT:
	case VLY_TYPE_IPSECKEY:
	case VLY_TYPE_DNSKEY:
	case VLY_TYPE_DHCID:
	case VLY_TYPE_CDNSKEY:
	case VLY_TYPE_OPENPGPKEY:
		return has_padding_inside(text, end);
	case VLY_TYPE_RRSIG:
		return has_padding_inside(text, end) || has_impossible_day(text, end) ||
		       covers_type_zero(zs);
	case VLY_TYPE_NSEC:
		return lists_type_zero(zs, name_bytes(zs));
	case VLY_TYPE_CSYNC:
		return lists_type_zero(zs, CSYNC_TYPES_AT);
	case VLY_TYPE_NSEC3: /* RFC 5155 §3.3: without padding */
		return memchr(text, '=', (size_t)(end - text)) != NULL ||
		       lists_type_zero(zs, nsec3_types_at(zs));
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
	return zs->multiline || zs->r_type == 0 || begins_with_parenthesis(text, end) ||
	       (escape != NULL && has_bad_escape(escape, end)) ||
	       is_doubtful_for_type(zs, text, end);
}
