/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "zone_generate.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DIRECTIVE "$GENERATE"

/* Digits that a width may ask for: more would not fit into any label. */
#define WIDTH_MAX 63

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
	const char *first = *at;
	uint64_t number = 0;

	for (; *at < end && isdigit((unsigned char)**at); ++*at) {
		number = number * 10 + (uint64_t)(**at - '0');
		if (number > INT32_MAX)
			return false;
	}
	*value = (uint32_t)number;
	return *at > first;
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
	generate->text = at;
	generate->text_len = (size_t)(end - at);
	return generate->text_len > 0 ? NULL : "there is nothing to generate after the range";
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
		if (*at == end || strchr("doxXnN", **at) == NULL)
			return false;
		format->base = *(*at)++;
	}
	return take(at, end, '}');
}

/* Hexadecimal digits, the last one first, with dots between; the width counts the dots. */
static void
put_nibbles(struct out *out, uint64_t value, const struct format *format)
{
	const char *digits = format->base == 'n' ? "0123456789abcdef" : "0123456789ABCDEF";
	unsigned width = 0;

	do {
		put(out, digits[value % 16]);
		value /= 16;
		width++;
		if (value == 0 && width + 1 >= format->width)
			break;
		put(out, '.');
		width++;
	} while (true);
}

static bool
put_number(struct out *out, uint32_t number, const struct format *format)
{
	int64_t value = (int64_t)number + format->offset;
	char text[WIDTH_MAX + 32];
	int len;

	if (value < 0)
		return false;
	switch (format->base) {
	case 'n':
	case 'N':
		put_nibbles(out, (uint64_t)value, format);
		return true;
	case 'o':
		len = snprintf(text, sizeof(text), "%0*llo", (int)format->width,
			       (unsigned long long)value);
		break;
	case 'x':
		len = snprintf(text, sizeof(text), "%0*llx", (int)format->width,
			       (unsigned long long)value);
		break;
	case 'X':
		len = snprintf(text, sizeof(text), "%0*llX", (int)format->width,
			       (unsigned long long)value);
		break;
	default:
		len = snprintf(text, sizeof(text), "%0*lld", (int)format->width, (long long)value);
	}
	for (int i = 0; i < len; i++)
		put(out, text[i]);
	return true;
}

/* What stands for the dollar sign at **at, which has been stepped over. */
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
	return put_number(out, number, &format);
}

size_t
vly_generate_expand(const struct vly_generate *generate, uint32_t number, char *to, size_t size)
{
	struct out out = {.at = to, .end = to + size};
	const char *at = generate->text;
	const char *end = at + generate->text_len;

	while (at < end) {
		char c = *at++;
		if (c == '$') {
			if (!put_dollar(&out, &at, end, number))
				return 0;
			continue;
		}
		put(&out, c);
		if (c == '\\' && at < end)
			put(&out, *at++);
	}
	put(&out, '\n');
	return out.overflow ? 0 : (size_t)(out.at - to);
}
