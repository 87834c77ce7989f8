/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The words of zone files (RFC 1035 §5.1): a lexer that cuts one record or directive out of a text,
 * and functions that read words as octets, names, numbers and TTLs. All text is untrusted, and any
 * octet may stand in it.
 *
 * Use: begin with a zeroed struct vly_lexed; call vly_lex() for one record after the other, each
 * from where the one before has its `end`; vly_lexed_free(). The tokens point into the text. One
 * thread at a time for each struct; nothing blocks but for memory.
 */
#ifndef VLY_CONTROL_TOKEN_H
#define VLY_CONTROL_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A word of a record as it stands in the file: escapes are still in it; quotes around it are not. */
struct vly_token {
	const char *text;
	uint32_t len;
	bool quoted;
};

/*
 * A record cut out of a zone file: its tokens without comments and parentheses.
 *
 * Lines end with LF, CR LF or CR, as in BIND and NSD; only LF counts as a line. Blanks are space
 * and tab. A form feed is an octet of a word, as in BIND and NSD, unless form_feed_is_blank.
 */
struct vly_lexed {
	struct vly_token *token;
	unsigned cnt;
	unsigned max;            /* tokens that there is memory for */
	bool form_feed_is_blank; /* set by the caller */

	bool owner_omitted; /* it begins with a blank */
	bool form_feed;     /* there is one in it, outside quotes */
	const char *end;    /* behind its last line, also after an error */
	uint32_t line;      /* lines before it begins */
	uint32_t line_cnt;  /* lines before `end` */
	const char *why;    /* after an error: a sentence */
	uint32_t why_line;  /* lines before the one with the error */
};

/* Cuts the next record out of `text`, which ends at `end`. Returns 1; 0 when there are only blanks
 * and comments left; or -1 with `why`, `why_line` and `end` set: unclosed quotes or parentheses, or
 * no memory. Lines are counted from `text`. */
__attribute__((nonnull, warn_unused_result)) int vly_lex(struct vly_lexed *lexed, const char *text,
							 const char *end);

void vly_lexed_free(struct vly_lexed *lexed);

/* Writes the octets that the token stands for, with \X and \DDD resolved. Returns how many they
 * are, or -1: more than `size`, or a malformed escape. */
__attribute__((nonnull(1), warn_unused_result)) int vly_token_octets(const struct vly_token *token,
								     uint8_t *to, size_t size);

/* Writes the name that the token stands for in wire form: absolute, below `origin` (wire form), or
 * the origin itself ("@"). `to` has room for VLY_NAME_BYTES_MAX octets. Returns its length, or 0
 * with a sentence in *why. */
__attribute__((nonnull, warn_unused_result)) unsigned
vly_token_name(const struct vly_token *token, const uint8_t *origin, uint8_t *to, const char **why);

/* Reads a decimal number from 0 to max. */
__attribute__((nonnull, warn_unused_result)) bool vly_token_number(const struct vly_token *token,
								   uint64_t max, uint64_t *value);

/* Reads a time of at most 4294967295 s: in seconds, or with units as in 1w2d3h4m5s. */
__attribute__((nonnull, warn_unused_result)) bool vly_token_ttl(const struct vly_token *token,
								uint32_t *seconds);

/* True when the token is `word`, without regard to case, and not quoted. */
__attribute__((nonnull)) bool vly_token_is(const struct vly_token *token, const char *word);

/* Room for a token as messages show it. */
#define VLY_TOKEN_SHOWN_BYTES 64

/* Writes the token's beginning in printable characters, for messages. Returns `to`. */
__attribute__((nonnull)) const char *vly_token_shown(const struct vly_token *token,
						     char to[VLY_TOKEN_SHOWN_BYTES]);

#endif
