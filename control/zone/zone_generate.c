/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "zone_generate.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/number.h"

#define DIRECTIVE "$GENERATE"

/* As in BIND. An IPv6 address in nibbles, with the dot behind each, takes 64. */
#define WIDTH_MAX 127

struct out {
	char *at;
	char *end;
	bool overflow;
};

/* ${offset,width,base} */
struct format {
	int64_t offset;
	unsigned width;
	char base;
};

static void
put(struct out *out, char c)
{
	if (out->at == out->end)
		out->overflow = true;
	else
		*out->at++ = c;
}

bool
vly_generate_is(const char *line, size_t len)
{
	size_t directive_len = strlen(DIRECTIVE);

	return len > directive_len && strncasecmp(line, DIRECTIVE, directive_len) == 0 &&
	       isspace((unsigned char)line[directive_len]);
}

/* A decimal number below 2^31 at *at; false: there is none. */
static bool
read_number(const char **at, const char *end, uint32_t *value)
{
	uint64_t number;
	const char *rest = vly_number_read(*at, (size_t)(end - *at), 0, INT32_MAX, &number);

	if (rest == NULL)
		return false;
	*at = rest;
	*value = (uint32_t)number;
	return true;
}

static bool
take(const char **at, const char *end, char c)
{
	if (*at == end || **at != c)
		return false;
	++*at;
	return true;
}

static void
skip_space(const char **at, const char *end)
{
	while (*at < end && isspace((unsigned char)**at))
		++*at;
}

/* Behind the word at `at`; a quoted part of it may have blanks. NULL: a quotation mark is not closed.
 */
static const char *
word_end(const char *at, const char *end)
{
	bool quoted = false;

	for (; at < end && (quoted || (!isspace((unsigned char)*at) && *at != ';')); at++) {
		if (*at == '"')
			quoted = !quoted;
		else if (*at == '\\' && at + 1 < end)
			at++;
	}
	return quoted ? NULL : at;
}

/* Whether a word is a TTL or a class, which may stand before the type. */
static bool
is_ttl_or_class(const char *word, size_t len)
{
	return isdigit((unsigned char)word[0]) || (len == 2 && strncasecmp(word, "IN", 2) == 0) ||
	       (len > 5 && strncasecmp(word, "CLASS", 5) == 0);
}

/* Whether a word is one quoted string. Its quotation marks are known to be in pairs. */
static bool
is_quoted(const char *word, const char *word_end)
{
	const char *at = word + 1;

	if (*word != '"')
		return false;
	while (*at != '"')
		at += *at == '\\' ? 2 : 1;
	return at + 1 == word_end && at > word + 1;
}

/* Finds the end of the text in `line`, before a comment, and the data when it is all in quotes:
 * that is one word behind the type. Returns NULL, or what is wrong. */
static const char *
find_data(struct vly_generate *generate, const char *at, const char *end)
{
	const char *text = at;
	const char *last = at; /* the end of the last word */
	const char *data = NULL;
	unsigned word_cnt = 0; /* without TTL and class */

	while (at < end && *at != ';') {
		const char *word = at;
		at = word_end(word, end);
		if (at == NULL)
			return "a quotation mark is not closed";
		if (word_cnt != 1 || !is_ttl_or_class(word, (size_t)(at - word)))
			word_cnt++;
		if (word_cnt == 3) /* owner, type, and this */
			data = is_quoted(word, at) ? word : NULL;
		else if (word_cnt > 3)
			data = NULL;
		last = at;
		skip_space(&at, end);
	}
	generate->text = text;
	generate->text_len = (size_t)((data != NULL ? data : last) - text);
	generate->quoted = data != NULL ? data + 1 : NULL;
	generate->quoted_len = data != NULL ? (size_t)(last - data) - 2 : 0;
	return last > text ? NULL : "there is nothing to generate after the range";
}

const char *
vly_generate_parse(struct vly_generate *generate, const char *line, size_t len)
{
	const char *at = line + strlen(DIRECTIVE);
	const char *end = line + len;

	skip_space(&at, end);
	generate->step = 1;
	if (!read_number(&at, end, &generate->start) || !take(&at, end, '-') ||
	    !read_number(&at, end, &generate->stop) ||
	    (take(&at, end, '/') && !read_number(&at, end, &generate->step)) || at == end ||
	    !isspace((unsigned char)*at))
		return "the range must be start-stop or start-stop/step";
	if (generate->stop < generate->start || generate->step == 0)
		return "the range is empty";
	if ((generate->stop - generate->start) / generate->step >= VLY_GENERATE_LINES_MAX)
		return "the range generates more than 16,777,216 lines";
	skip_space(&at, end);
	return find_data(generate, at, end);
}

/* Reads offset,width,base} behind "${". */
static bool
read_format(const char **at, const char *end, struct format *format)
{
	uint32_t value;
	bool negative = take(at, end, '-');

	if (!negative)
		(void)take(at, end, '+');
	if (!read_number(at, end, &value))
		return false;
	format->offset = negative ? -(int64_t)value : (int64_t)value;
	if (take(at, end, ',')) {
		if (!read_number(at, end, &value) || value > WIDTH_MAX)
			return false;
		format->width = value;
	}
	if (take(at, end, ',')) {
		if (*at == end || memchr("doxXnN", **at, 6) == NULL)
			return false;
		format->base = *(*at)++;
	}
	return take(at, end, '}');
}

/* Hexadecimal digits, the last one first, with a dot behind each but the last. The width counts the
 * dots; an even one asks for a dot behind the last digit, too. */
static void
put_nibbles(struct out *out, uint32_t value, const struct format *format)
{
	const char *digits = format->base == 'n' ? "0123456789abcdef" : "0123456789ABCDEF";
	unsigned width = 0;

	do { /* eight digits, or as many as the width has room for */
		put(out, digits[value % 16]);
		value /= 16;
		width++;
		if (value == 0 && width >= format->width)
			break;
		put(out, '.');
		width++;
	} while (value != 0 || width < format->width);
}

/* Negative numbers are written with a sign in base d, as two's complement of 32 bits in the others.
 */
static void
put_number(struct out *out, uint32_t number, const struct format *format)
{
	const int64_t value = (int64_t)number + format->offset;
	const uint32_t bits = (uint32_t)value; /* at most 2^32 - 2 */
	const int width = (int)format->width;
	char text[WIDTH_MAX + 32];
	int len;

	switch (format->base) {
	case 'n':
	case 'N':
		put_nibbles(out, bits, format);
		return;
	case 'o':
		len = snprintf(text, sizeof(text), "%0*" PRIo32, width, bits);
		break;
	case 'x':
		len = snprintf(text, sizeof(text), "%0*" PRIx32, width, bits);
		break;
	case 'X':
		len = snprintf(text, sizeof(text), "%0*" PRIX32, width, bits);
		break;
	default:
		len = snprintf(text, sizeof(text), "%0*" PRId64, width, value);
	}
	for (int i = 0; i < len; i++)
		put(out, text[i]);
}

/* Expands the dollar sign before *at. */
static bool
put_dollar(struct out *out, const char **at, const char *end, uint32_t number)
{
	struct format format = {.base = 'd'};

	if (take(at, end, '$')) {
		put(out, '\\'); /* a dollar sign, and not the begin of a directive */
		put(out, '$');
		return true;
	}
	if (take(at, end, '{') && !read_format(at, end, &format))
		return false;
	put_number(out, number, &format);
	return true;
}

/* Expands the text. Inside quotes, a backslash before a quotation mark goes, as the quotes do. */
static bool
put_text(struct out *out, const char *at, size_t len, bool quoted, uint32_t number)
{
	const char *end = at + len;

	while (at < end) {
		char c = *at++;
		if (c == '$') {
			if (!put_dollar(out, &at, end, number))
				return false;
			continue;
		}
		if (!(quoted && c == '\\' && at < end && *at == '"'))
			put(out, c);
		if (c == '\\' && at < end)
			put(out, *at++);
	}
	return true;
}

size_t
vly_generate_expand(const struct vly_generate *generate, uint32_t number, char *to, size_t size)
{
	struct out out = {.at = to, .end = to + size};

	if (!put_text(&out, generate->text, generate->text_len, false, number) ||
	    (generate->quoted != NULL &&
	     !put_text(&out, generate->quoted, generate->quoted_len, true, number)))
		return 0;
	put(&out, '\n');
	return out.overflow ? 0 : (size_t)(out.at - to);
}
