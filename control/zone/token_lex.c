/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "token.h"

/* Tokens that there is memory for at first. Fewer: long records grow it more often. */
#define TOKENS_MIN 64

/* A record may have so many: twice as many as data in hexadecimal digits with a blank behind each.
 * More: a file that is one record takes sixteen times its size. */
#define TOKENS_MAX (1u << 18)

/* What an octet means outside quotes; every other one belongs to a word. */
enum kind {
	WORD,
	BLANK,
	NEWLINE,
	RETURN,
	FORM_FEED,
	QUOTE,
	OPEN,
	CLOSE,
	COMMENT,
	ESCAPE,
};

static const uint8_t kinds[256] = {
	[' '] = BLANK, ['\t'] = BLANK, ['\n'] = NEWLINE, ['\r'] = RETURN, ['\f'] = FORM_FEED,
	['"'] = QUOTE, ['('] = OPEN,   [')'] = CLOSE,    [';'] = COMMENT, ['\\'] = ESCAPE,
};

struct lexer {
	struct vly_lexed *lexed;
	const char *at;
	const char *end;
	unsigned depth;     /* open parentheses */
	uint32_t line;      /* lines before `at` */
	uint32_t open_line; /* the outermost parenthesis: lines before it */
	bool begun;         /* `at` is in a record, and not in blank lines before one */
	bool too_many;      /* tokens: those beyond TOKENS_MAX are dropped */
	bool has_long;      /* a quoted string of several lines was seen, */
	uint32_t long_line; /* with so many lines before it */
};

static enum kind
kind_at(const struct lexer *lexer)
{
	return (enum kind)kinds[(uint8_t)*lexer->at];
}

static const char *
line_end(const struct lexer *lexer)
{
	const char *newline = memchr(lexer->at, '\n', (size_t)(lexer->end - lexer->at));

	return newline != NULL ? newline : lexer->end;
}

/* Sets the error; the record ends with the line that `at` is in. */
static int
fail(struct lexer *lexer, uint32_t line, const char *why)
{
	lexer->at = line_end(lexer);
	if (lexer->at < lexer->end) {
		lexer->at++;
		lexer->line++;
	}
	lexer->lexed->why = why;
	lexer->lexed->why_line = line;
	return -1;
}

static struct vly_token *
add_token(struct lexer *lexer)
{
	struct vly_lexed *lexed = lexer->lexed;

	if (lexed->cnt == TOKENS_MAX) {
		lexer->too_many = true;
		lexed->cnt--;
	}
	if (lexed->cnt == lexed->max) {
		unsigned max = lexed->max == 0 ? TOKENS_MIN : lexed->max * 2;
		struct vly_token *grown = reallocarray(lexed->token, max, sizeof(*grown));
		if (grown == NULL)
			return NULL;
		lexed->token = grown;
		lexed->max = max;
	}
	return &lexed->token[lexed->cnt++];
}

/* Skips a backslash and the octet after it. */
static void
skip_escape(struct lexer *lexer)
{
	lexer->at++;
	if (lexer->at == lexer->end)
		return;
	lexer->line += *lexer->at == '\n';
	lexer->at++;
}

/* A line that ends with a backslash is not continued, as in BIND: the next record would be lost. The
 * word ends with a malformed escape. */
static bool
is_before_line_end(const struct lexer *lexer)
{
	return lexer->end - lexer->at > 1 && (lexer->at[1] == '\n' || lexer->at[1] == '\r');
}

static int
lex_word(struct lexer *lexer)
{
	struct vly_lexed *lexed = lexer->lexed;
	struct vly_token *token = add_token(lexer);

	if (token == NULL)
		return fail(lexer, lexer->line, "out of memory");
	*token = (struct vly_token){.text = lexer->at};
	while (lexer->at < lexer->end) {
		enum kind kind = kind_at(lexer);
		if (kind == FORM_FEED) {
			lexed->form_feed = true;
			kind = lexed->form_feed_is_blank ? BLANK : WORD;
		}
		if (kind == ESCAPE && !is_before_line_end(lexer))
			skip_escape(lexer);
		else if (kind == WORD || kind == ESCAPE)
			lexer->at++;
		else
			break;
	}
	token->len = (uint32_t)(lexer->at - token->text);
	return 0;
}

/* When a quote is missing, the first string that ends in another line is the likely place. */
static void
note_long(struct lexer *lexer, uint32_t line)
{
	if (!lexer->has_long)
		lexer->long_line = line;
	lexer->has_long = true;
}

/* Any octet may stand in quotes. That a line ends there is taken for a forgotten quote unless there
 * are parentheses around it: else the next quote, many records later, would end the string. */
static int
lex_quoted(struct lexer *lexer)
{
	uint32_t line = lexer->line;
	struct vly_token *token = add_token(lexer);

	if (token == NULL)
		return fail(lexer, line, "out of memory");
	lexer->at++;
	*token = (struct vly_token){.text = lexer->at, .quoted = true};
	while (lexer->at < lexer->end && *lexer->at != '"') {
		if (*lexer->at == '\\') {
			skip_escape(lexer);
			continue;
		}
		if (*lexer->at == '\n') {
			if (lexer->depth == 0)
				break;
			lexer->line++;
			note_long(lexer, line);
		}
		lexer->at++;
	}
	if (lexer->at == lexer->end || *lexer->at != '"')
		return fail(lexer, lexer->has_long ? lexer->long_line : line,
			    "a quote is not closed");
	token->len = (uint32_t)(lexer->at - token->text);
	lexer->at++;
	return 0;
}

static void
skip_return(struct lexer *lexer)
{
	lexer->at++;
	if (lexer->at < lexer->end && *lexer->at == '\n') {
		lexer->at++;
		lexer->line++;
	}
}

/* Handles the end of a line. Returns true when the record ends with it. */
static bool
end_line(struct lexer *lexer)
{
	if (kind_at(lexer) == RETURN) {
		skip_return(lexer);
	} else {
		lexer->at++;
		lexer->line++;
	}
	if (lexer->depth > 0)
		return false;
	lexer->begun = false;
	return lexer->lexed->cnt > 0;
}

/* Notes where a record begins: with its first octet that is neither a blank nor a comment. */
static void
begin(struct lexer *lexer, const char *line_start)
{
	if (lexer->begun)
		return;
	lexer->begun = true;
	lexer->lexed->line = lexer->line;
	lexer->lexed->owner_omitted = lexer->at != line_start;
}

static int
open_parenthesis(struct lexer *lexer)
{
	if (lexer->depth++ == 0)
		lexer->open_line = lexer->line;
	lexer->at++;
	return 0;
}

static int
close_parenthesis(struct lexer *lexer)
{
	if (lexer->depth == 0)
		return fail(lexer, lexer->line, "a closing parenthesis has no opening one");
	lexer->depth--;
	lexer->at++;
	return 0;
}

static int
lex_any(struct lexer *lexer, enum kind kind)
{
	switch (kind) {
	case QUOTE:
		return lex_quoted(lexer);
	case OPEN:
		return open_parenthesis(lexer);
	case CLOSE:
		return close_parenthesis(lexer);
	default:
		return lex_word(lexer);
	}
}

/* The result of vly_lex(); sets all but `end` and `line_cnt`. */
static int
lex(struct lexer *lexer)
{
	const char *line_start = lexer->at;

	while (lexer->at < lexer->end) { /* each turn takes an octet at least */
		enum kind kind = kind_at(lexer);
		if (kind == FORM_FEED && lexer->lexed->form_feed_is_blank)
			kind = BLANK;
		if (kind == BLANK) {
			lexer->at++;
		} else if (kind == COMMENT) {
			lexer->at = line_end(lexer);
		} else if (kind == NEWLINE || kind == RETURN) {
			if (end_line(lexer))
				return 1;
			line_start = lexer->at;
		} else {
			begin(lexer, line_start);
			if (lex_any(lexer, kind) != 0)
				return -1;
		}
	}
	if (lexer->depth > 0)
		return fail(lexer, lexer->open_line, "a parenthesis is not closed");
	return lexer->lexed->cnt > 0;
}

int
vly_lex(struct vly_lexed *lexed, const char *text, const char *end)
{
	struct lexer lexer = {.lexed = lexed, .at = text, .end = end};

	lexed->cnt = 0;
	lexed->form_feed = false;
	int result = lex(&lexer);
	if (result > 0 && lexer.too_many) {
		lexed->why = "the record has more than 262,144 words";
		lexed->why_line = lexed->line;
		result = -1;
	}
	lexed->end = lexer.at;
	lexed->line_cnt = lexer.line;
	return result;
}

void
vly_lexed_free(struct vly_lexed *lexed)
{
	free(lexed->token);
	*lexed = (struct vly_lexed){0};
}
