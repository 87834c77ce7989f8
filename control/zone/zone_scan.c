/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "zone_scan.h"

#include <stdio.h>
#include <string.h>

#include "zone_directive.h"
#include "zone_generate.h"
#include "zone_record.h"

/* Octets of a generated line: an owner and a name, both written with \DDD. */
#define GENERATED_BYTES_MAX 4096

/* Octets that are searched for a backslash at once, shortly before libzscanner reads them. More:
 * they leave the cache meanwhile. */
#define SEARCHED_BYTES 4096

/* So many records go the second way at once, without trying libzscanner, when as many went it
 * before. More: a stretch of plain records behind odd ones is read slowly for longer. */
#define AT_ONCE_MAX 64

/* A text that is being read. */
struct walk {
	struct vly_zone_reader *reader;
	struct vly_file_text *file; /* that the text is of; NULL: a $GENERATE made it, in a line */
	const char *at;             /* what is before has been read */
	const char *end;
	uint64_t line;         /* of `at` */
	const char *directive; /* the next line that begins with '$', from `at` on, or the end */
	const char *clear;     /* there is no backslash from the record at hand to there */
	unsigned refused_cnt;  /* records one behind the other that libzscanner refused */
	unsigned at_once_cnt;  /* records that go the second way at once */
	const char *skipped;   /* what is before that, libzscanner has gone through in vain */
};

static bool walk_text(struct walk *walk);

static void
set_line(const struct walk *walk, uint64_t line)
{
	if (walk->file != NULL)
		walk->reader->line = line;
}

/* Finds the next line from `at` on that begins with a dollar sign. */
static void
find_directive(struct walk *walk)
{
	const char *at = walk->at;

	if (walk->directive != NULL && walk->directive >= at)
		return;
	while ((at = memchr(at, '$', (size_t)(walk->end - at))) != NULL) {
		if (at == walk->at || at[-1] == '\n')
			break;
		at++;
	}
	walk->directive = at != NULL ? at : walk->end;
}

static uint64_t
count_lines(const char *from, const char *to)
{
	uint64_t cnt = 0;

	while ((from = memchr(from, '\n', (size_t)(to - from))) != NULL) {
		from++;
		cnt++;
	}
	return cnt;
}

/* The lines of a $GENERATE count as that one. */
static bool
generate_all(struct vly_zone_reader *reader, const struct vly_generate *directive)
{
	char buffer[GENERATED_BYTES_MAX];

	for (uint64_t i = directive->start; i <= directive->stop; i += directive->step) {
		size_t bytes = vly_generate_expand(directive, (uint32_t)i, buffer, sizeof(buffer));
		if (bytes == 0)
			return vly_zone_reader_fail(
				reader,
				"$GENERATE: malformed ${}, or a line of more than %d octets",
				GENERATED_BYTES_MAX);
		if (!walk_text(
			    &(struct walk){.reader = reader, .at = buffer, .end = buffer + bytes}))
			return false;
	}
	return true;
}

/* A record without an owner behind a $GENERATE belongs to the owner before it, as in BIND. */
static bool
generate(struct walk *walk, const char *line, size_t len)
{
	struct vly_zone_reader *reader = walk->reader;
	zs_scanner_t *scanner = reader->scanner;
	struct vly_generate directive;
	struct vly_zone_owner owner;

	const char *why = vly_generate_parse(&directive, line, len);
	if (why != NULL)
		return vly_zone_reader_fail(reader, "$GENERATE: %s", why);
	vly_zone_owner_save(&owner, scanner);
	bool done = generate_all(reader, &directive);
	vly_zone_owner_restore(&owner, scanner);
	return done;
}

/* A $GENERATE is a line as it stands. */
static bool
generate_line(struct walk *walk)
{
	const char *line = walk->at;
	const char *newline = memchr(line, '\n', (size_t)(walk->end - line));
	const char *end = newline != NULL ? newline : walk->end;

	walk->at = newline != NULL ? newline + 1 : walk->end;
	walk->line++;
	if (end > line && end[-1] == '\r')
		end--;
	return generate(walk, line, (size_t)(end - line));
}

/* Does what the directive at `at` says. */
static bool
read_directive(struct walk *walk)
{
	struct vly_lexed *lexed = &walk->reader->lexed;

	set_line(walk, walk->line);
	if (walk->file == NULL)
		return vly_zone_reader_fail(walk->reader, "$GENERATE can't make directives");
	if (vly_generate_is(walk->at, (size_t)(walk->end - walk->at)))
		return generate_line(walk);
	if (vly_lex(lexed, walk->at, walk->end) < 0) {
		set_line(walk, walk->line + lexed->why_line);
		return vly_zone_reader_fail(walk->reader, "%s", lexed->why);
	}
	walk->at = lexed->end;
	walk->line += lexed->line_cnt;
	return vly_zone_directive(walk->reader);
}

static bool
is_directive(const struct walk *walk, const struct vly_lexed *lexed)
{
	const char *text = lexed->token[0].text;

	return text[0] == '$' && (text == walk->at || text[-1] == '\n' || text[-1] == '\r');
}

/* Cuts out the record at `at` and reads it. Returns false when it is not good, with the reason in
 * `why`, and its line set. */
static bool
cut_and_read(struct walk *walk, bool *is_record, char why[VLY_ZONE_RECORD_WHY_BYTES])
{
	struct vly_lexed *lexed = &walk->reader->lexed;
	int result = vly_lex(lexed, walk->at, walk->end);

	*is_record = result > 0;
	if (result < 0) {
		set_line(walk, walk->line + lexed->why_line);
		snprintf(why, VLY_ZONE_RECORD_WHY_BYTES, "%s", lexed->why);
		return false;
	}
	if (result > 0 && is_directive(walk, lexed)) {
		*is_record = false;
		lexed->end = lexed->token[0].text;
		lexed->line_cnt = (uint32_t)count_lines(walk->at, lexed->end);
		return true;
	}
	set_line(walk, walk->line + lexed->line);
	return result == 0 || vly_zone_record_read(walk->reader, lexed, why);
}

/* A form feed is an octet of a word for BIND and NSD. Where that can't be, it is a blank. */
static bool
read_with_form_feeds(struct walk *walk, bool *is_record, char why[VLY_ZONE_RECORD_WHY_BYTES])
{
	struct vly_zone_reader *reader = walk->reader;
	struct vly_zone_owner owner;

	vly_zone_owner_save(&owner, reader->scanner);
	if (cut_and_read(walk, is_record, why))
		return true;
	if (!reader->lexed.form_feed)
		return false;
	vly_zone_owner_restore(&owner, reader->scanner);
	reader->lexed.form_feed_is_blank = true;
	bool result = cut_and_read(walk, is_record, why);
	reader->lexed.form_feed_is_blank = false;
	return result;
}

/* The second way: reads the record at `at`, if there is one before the next directive. */
static void
read_record(struct walk *walk)
{
	struct vly_zone_reader *reader = walk->reader;
	const struct vly_lexed *lexed = &reader->lexed;
	char why[VLY_ZONE_RECORD_WHY_BYTES];
	bool is_record;
	bool is_good = read_with_form_feeds(walk, &is_record, why);

	walk->at = lexed->end;
	walk->line += lexed->line_cnt;
	if (!is_good) {
		vly_zone_reader_fail(reader, "%s", why);
	} else if (is_record) {
		/* that of its end, as libzscanner counts */
		set_line(walk, walk->line - (walk->at[-1] == '\n'));
		vly_zone_reader_add(reader, reader->scanner);
	}
	if (walk->file != NULL)
		vly_file_text_release(walk->file, walk->at);
}

/* True when there is a backslash from `at` to `end`. */
static bool
has_backslash(struct walk *walk, const char *end)
{
	if (walk->clear < walk->at)
		walk->clear = walk->at;
	while (walk->clear < end) {
		size_t rest = (size_t)(walk->end - walk->clear);
		size_t bytes = rest < SEARCHED_BYTES ? rest : SEARCHED_BYTES;
		const char *found = memchr(walk->clear, '\\', bytes);
		walk->clear = found != NULL ? found : walk->clear + bytes;
		if (found != NULL)
			return found < end;
	}
	return false;
}

/* True when the record from `at` to `end` must be read once more. */
static bool
is_doubtful(struct walk *walk, const char *end)
{
	bool escapes = has_backslash(walk, end);

	return vly_zone_scanner_is_doubtful(walk->reader->zone_scanner, walk->at, end,
					    escapes ? walk->clear : NULL);
}

/* Where libzscanner is: behind the last record, before the end of its line. */
static const char *
scanned_to(const struct walk *walk)
{
	const char *to = walk->reader->scanner->input.current;

	/* at the end of its input it reads a newline of its own */
	return (uintptr_t)to >= (uintptr_t)walk->at && (uintptr_t)to <= (uintptr_t)walk->directive
		       ? to
		       : walk->directive;
}

/* libzscanner goes on to the next newline behind an error, past lines that end with CR alone. It
 * must not read them once more for each record: what it went through is read the second way. */
static void
note_refused(struct walk *walk, bool is_first)
{
	walk->skipped = scanned_to(walk);
	walk->refused_cnt = is_first ? 1 : walk->refused_cnt + 1;
	walk->at_once_cnt = walk->refused_cnt < AT_ONCE_MAX ? walk->refused_cnt : AT_ONCE_MAX;
	walk->refused_cnt += walk->at_once_cnt;
}

static bool
is_over(const struct vly_zone_reader *reader)
{
	return reader->gave_up || vly_zone_report_is_full(reader->report);
}

/* Reads records with libzscanner, until there is a directive or a record that it refuses. */
static void
scan(struct walk *walk)
{
	struct vly_zone_reader *reader = walk->reader;
	zs_scanner_t *scanner = reader->scanner;
	const char *start = walk->at;

	vly_zone_scanner_restart(reader->zone_scanner, start, (size_t)(walk->directive - start),
				 walk->line);
	while (!is_over(reader)) {
		uint32_t owner_len = scanner->r_owner_length;
		(void)zs_parse_record(scanner);
		if (scanner->state == ZS_STATE_EOF) {
			walk->line += count_lines(walk->at, walk->directive);
			walk->at = walk->directive;
			return;
		}
		const char *to = scanned_to(walk);
		if (scanner->state != ZS_STATE_DATA || is_doubtful(walk, to)) {
			scanner->r_owner_length = owner_len;
			note_refused(walk, walk->at != start);
			read_record(walk);
			return;
		}
		set_line(walk, scanner->line_counter);
		vly_zone_reader_add(reader, scanner);
		walk->at = to;
		walk->line = scanner->line_counter;
		if (walk->file != NULL)
			vly_file_text_release(walk->file, to);
	}
}

/* Reads all of the text. Returns false when the rest is not worth reading. */
static bool
walk_text(struct walk *walk)
{
	while (walk->at < walk->end && !is_over(walk->reader)) {
		if (*walk->at == '$') {
			if (!read_directive(walk))
				return false;
		} else if (walk->at_once_cnt > 0 ||
			   (uintptr_t)walk->at < (uintptr_t)walk->skipped) {
			walk->at_once_cnt -= walk->at_once_cnt > 0;
			read_record(walk);
		} else {
			find_directive(walk);
			scan(walk);
		}
	}
	return !is_over(walk->reader);
}

bool
vly_zone_scan(struct vly_zone_reader *reader, struct vly_file_text *text)
{
	return walk_text(&(struct walk){
		.reader = reader,
		.file = text,
		.at = text->start,
		.end = text->start + text->len,
		.line = 1,
	});
}
