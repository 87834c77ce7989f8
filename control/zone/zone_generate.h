/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * $GENERATE, the directive of BIND's zone files: one line that stands for many.
 *
 *     $GENERATE start-stop[/step] owner [TTL] [class] type data
 *
 * In the text after the range, $ stands for the number, ${offset,width,base} for the number plus an
 * offset, with leading zeros, in base d, o, x, X, or n and N (hexadecimal digits in reverse, with
 * dots between); \$ and $$ for a dollar sign.
 *
 * In BIND the data is one word, so data with blanks is in quotes. They are not part of it: TXT
 * "a $" has two strings, and so has TXT "\"a\" \"$\"". That is done here, too; and data may be
 * several words, as in any other line.
 */
#ifndef VLY_CONTROL_ZONE_GENERATE_H
#define VLY_CONTROL_ZONE_GENERATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most lines that one directive may generate: those of an IPv4 /8. */
#define VLY_GENERATE_LINES_MAX (1u << 24)

struct vly_generate {
	uint32_t start;
	uint32_t stop; /* inclusive, not below start */
	uint32_t step; /* at least 1 */
	const char *text;
	size_t text_len;
	const char *quoted; /* data that is all in quotes, without these, behind `text`; or NULL */
	size_t quoted_len;
};

/* True when the line is a $GENERATE directive. */
bool vly_generate_is(const char *line, size_t len);

/* Parses the directive in `line` (untrusted), which must outlive *generate. Returns NULL, or a
 * sentence about the error. */
__attribute__((nonnull, warn_unused_result)) const char *
vly_generate_parse(struct vly_generate *generate, const char *line, size_t len);

/* Writes the line for `number`, with a newline, to `to`. Returns its octets, or 0 when it has more
 * than `size` or the text has a malformed ${}. */
__attribute__((nonnull, warn_unused_result)) size_t
vly_generate_expand(const struct vly_generate *generate, uint32_t number, char *to, size_t size);

#endif
