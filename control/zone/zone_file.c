/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Walks a zone file and its included files. libzscanner reads the records; $INCLUDE and $GENERATE
 * are handled here. */
#include "zone_file.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "base/file_text.h"
#include "zone_generate.h"
#include "zone_reader.h"

/* Files that include each other: deeper than anyone means, it is a loop. */
#define INCLUDE_DEPTH_MAX 16

/* Octets of a generated line: an owner and a name, both written with \DDD. */
#define GENERATED_BYTES_MAX 4096

struct text {
	const char *start;
	size_t len;
	struct vly_file_text *file; /* that it is a part of, or NULL */
};

static bool read_file(struct vly_zone_reader *reader, const char *path, const char *origin,
		      uint32_t default_ttl, unsigned depth);

/* Reads the file that a scanner has just found an $INCLUDE for. */
static bool
include(struct vly_zone_reader *reader, const zs_scanner_t *scanner, unsigned depth)
{
	const char *file = reader->file;
	uint16_t file_idx = reader->file_idx;

	reader->line = scanner->line_counter;
	if (depth == INCLUDE_DEPTH_MAX)
		return vly_zone_reader_fail(reader, "$INCLUDE is nested more than %d deep",
					    INCLUDE_DEPTH_MAX);
	bool done = read_file(reader, scanner->include_filename, (const char *)scanner->buffer,
			      scanner->default_ttl, depth + 1);
	reader->file = file;
	reader->file_idx = file_idx;
	return done;
}

/* Scans all records of `text`, also those behind an error. The lines of a $GENERATE (line != 0)
 * count as that one. */
static bool
scan(struct vly_zone_reader *reader, zs_scanner_t *scanner, struct text text, uint64_t line,
     unsigned depth)
{
	if (text.len == 0)
		return true;
	if (zs_set_input_string(scanner, text.start, text.len) != 0)
		return vly_zone_reader_fail(reader, "%s", zs_strerror(scanner->error.code));
	for (;;) {
		if (zs_parse_record(scanner) != 0)
			return vly_zone_reader_fail(reader, "%s", zs_strerror(scanner->error.code));
		reader->line = line != 0 ? line : scanner->line_counter;
		if (text.file != NULL)
			vly_file_text_release(text.file, scanner->input.current);
		switch (scanner->state) {
		case ZS_STATE_DATA:
			vly_zone_reader_add(reader, scanner);
			break;
		case ZS_STATE_INCLUDE:
			if (!include(reader, scanner, depth))
				return false;
			break;
		case ZS_STATE_ERROR:
			vly_zone_reader_fail(reader, "%s", zs_strerror(scanner->error.code));
			if (scanner->error.fatal)
				return false;
			break;
		default:
			return true;
		}
		if (reader->gave_up || vly_zone_report_is_full(reader->report))
			return false;
	}
}

static bool
generate(struct vly_zone_reader *reader, zs_scanner_t *scanner, struct text line, uint64_t line_no,
	 unsigned depth)
{
	struct vly_generate directive;
	char buffer[GENERATED_BYTES_MAX];

	reader->line = line_no;
	const char *why = vly_generate_parse(&directive, line.start, line.len);
	if (why != NULL)
		return vly_zone_reader_fail(reader, "$GENERATE: %s", why);
	for (uint64_t i = directive.start; i <= directive.stop; i += directive.step) {
		size_t len = vly_generate_expand(&directive, (uint32_t)i, buffer, sizeof(buffer));
		if (len == 0)
			return vly_zone_reader_fail(
				reader,
				"$GENERATE: malformed ${}, or a line of more than %d octets",
				GENERATED_BYTES_MAX);
		if (!scan(reader, scanner, (struct text){.start = buffer, .len = len}, line_no,
			  depth))
			return false;
	}
	return true;
}

/* The next line that begins with a $GENERATE, from `text` on; its length is 0 when there is none.
 */
static struct text
find_generate(struct text text)
{
	const char *end = text.start + text.len;
	const char *at = text.start;

	while ((at = memchr(at, '$', (size_t)(end - at))) != NULL) {
		if ((at == text.start || at[-1] == '\n') &&
		    vly_generate_is(at, (size_t)(end - at))) {
			const char *newline = memchr(at, '\n', (size_t)(end - at));
			return (struct text){
				.start = at,
				.len = (size_t)((newline != NULL ? newline : end) - at)};
		}
		at++;
	}
	return (struct text){.start = end};
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

/* Scans the text, with the lines that each $GENERATE directive generates in its place. */
static bool
read_text(struct vly_zone_reader *reader, zs_scanner_t *scanner, struct vly_file_text *file,
	  unsigned depth)
{
	struct text text = {.start = file->start, .len = file->len};
	const char *end = text.start + text.len;
	uint64_t line_no = 1;

	for (;;) {
		struct text directive = find_generate(text);
		struct text before = {.start = text.start,
				      .len = (size_t)(directive.start - text.start),
				      .file = file};
		scanner->line_counter = line_no;
		/* noted here, because scanning frees the text */
		line_no += directive.len == 0 ? 0 : count_lines(before.start, directive.start);
		if (!scan(reader, scanner, before, 0, depth))
			return false;
		if (directive.len == 0)
			return true;
		if (!generate(reader, scanner, directive, line_no++, depth))
			return false;
		text.start = directive.start + directive.len + 1;
		if (text.start >= end)
			return true;
		text.len = (size_t)(end - text.start);
	}
}

/* Gives the file its number in the zone, for error messages of later stages. */
static bool
enter_file(struct vly_zone_reader *reader, const char *path, const struct vly_file_stamp *stamp)
{
	struct vly_zone *zone = reader->zone;

	if (zone->file_cnt == UINT16_MAX)
		return vly_zone_reader_fail(reader, "more than %d files", UINT16_MAX);
	char **file = realloc(zone->file, (zone->file_cnt + 1u) * sizeof(*file));
	if (file != NULL)
		zone->file = file;
	struct vly_file_stamp *stamps =
		realloc(zone->stamp, (zone->file_cnt + 1u) * sizeof(*stamps));
	if (stamps != NULL)
		zone->stamp = stamps;
	if (file == NULL || stamps == NULL || (file[zone->file_cnt] = strdup(path)) == NULL)
		return vly_zone_reader_fail_memory(reader);
	stamps[zone->file_cnt] = *stamp;
	reader->file = file[zone->file_cnt];
	reader->file_idx = zone->file_cnt++;
	return true;
}

/* Included files are found beside the file, not where its links are. The scanner would find that
 * out for itself, but only with the file mapped. */
static bool
set_directory(struct vly_zone_reader *reader, zs_scanner_t *scanner, const char *path)
{
	char *real = realpath(path, NULL);
	char *name = real != NULL ? real : strdup(path); /* it may have lost its name */
	char *directory = name != NULL ? strdup(dirname(name)) : NULL;

	free(name);
	if (directory == NULL)
		return vly_zone_reader_fail_memory(reader);
	free(scanner->path);
	scanner->path = directory;
	return true;
}

static bool
start_scanner(struct vly_zone_reader *reader, zs_scanner_t *scanner, const char *path,
	      const char *origin, uint32_t default_ttl)
{
	if (zs_init(scanner, origin, VLY_CLASS_IN, default_ttl) != 0)
		return vly_zone_reader_fail(reader, "%s", zs_strerror(scanner->error.code));
	return set_directory(reader, scanner, path);
}

static bool
read_file(struct vly_zone_reader *reader, const char *path, const char *origin,
	  uint32_t default_ttl, unsigned depth)
{
	struct vly_file_text text;
	zs_scanner_t *scanner =
		malloc(sizeof(*scanner)); /* half a megabyte: too large for a stack */

	if (scanner == NULL)
		return vly_zone_reader_fail_memory(reader);
	const char *why = vly_file_text_read(&text, path);
	bool done = why == NULL || vly_zone_reader_fail(reader, "cannot read %s: %s", path, why);
	if (done) {
		done = start_scanner(reader, scanner, path, origin, default_ttl) &&
		       enter_file(reader, path, &text.stamp) &&
		       read_text(reader, scanner, &text, depth);
		zs_deinit(scanner);
		vly_file_text_free(&text);
	}
	free(scanner);
	return done;
}

/* The zone's name, from presentation form: libzscanner reads that, too. */
static bool
scan_apex(struct vly_zone_reader *reader, struct vly_name *apex)
{
	zs_scanner_t *scanner = malloc(sizeof(*scanner));

	if (scanner == NULL)
		return vly_zone_reader_fail_memory(reader);
	bool done = zs_init(scanner, reader->name, VLY_CLASS_IN, 0) == 0 &&
		    vly_name_scan(apex, scanner->zone_origin, scanner->zone_origin_length) != 0;
	zs_deinit(scanner);
	free(scanner);
	return done || vly_zone_reader_fail(reader, "%.150s is not a zone name", reader->name);
}

int
vly_zone_read_file(struct vly_zone *zone, const struct vly_hash_key *key, const char *name,
		   const char *path, struct vly_load_progress *progress,
		   struct vly_zone_report *report)
{
	struct vly_name apex;
	struct vly_zone_reader reader = {
		.zone = zone,
		.report = report,
		.progress = progress,
		.name = name,
		.file = path,
		.last_ttl = VLY_READER_NO_TTL,
	};

	if (!scan_apex(&reader, &apex))
		return -1;
	if (vly_zone_init(zone, key, &apex) != 0) {
		vly_zone_reader_fail_memory(&reader);
		return -1;
	}
	bool done = read_file(&reader, path, name, VLY_READER_NO_TTL, 0);
	vly_zone_reader_end(&reader);
	if (!done || reader.gave_up) {
		vly_zone_free(zone);
		return -1;
	}
	vly_zone_mark_hidden(zone);
	return 0;
}
