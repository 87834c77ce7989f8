/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "zone_directive.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zone_scan.h"

/* Files that include each other: deeper than anyone means, it is a loop. */
#define INCLUDE_DEPTH_MAX 16

/* Reads a name into the scanner's origin. */
static bool
set_origin(struct vly_zone_reader *reader, const struct vly_token *token)
{
	zs_scanner_t *scanner = reader->scanner;
	uint8_t name[VLY_NAME_BYTES_MAX];
	char shown[VLY_TOKEN_SHOWN_BYTES];
	const char *why;
	unsigned len = vly_token_name(token, scanner->zone_origin, name, &why);

	if (len == 0)
		return vly_zone_reader_fail(reader, "origin %s: %s", vly_token_shown(token, shown),
					    why);
	memcpy(scanner->zone_origin, name, len);
	scanner->zone_origin_length = len;
	return true;
}

static bool
set_ttl(struct vly_zone_reader *reader, const struct vly_token *token)
{
	char shown[VLY_TOKEN_SHOWN_BYTES];

	return vly_token_ttl(token, &reader->scanner->default_ttl) ||
	       vly_zone_reader_fail(reader, "$TTL: %s is not a TTL", vly_token_shown(token, shown));
}

/* The path of an included file, which the caller frees. A relative one is found beside the file
 * that includes it, not where a link to that is. */
static char *
included_path(const char *file, const char *included)
{
	char *path = NULL;

	if (included[0] == '/')
		return strdup(included);
	char *real = realpath(file, NULL);
	char *name = real != NULL ? real : strdup(file); /* it may have lost its name */
	if (name != NULL && asprintf(&path, "%s/%s", dirname(name), included) < 0)
		path = NULL;
	free(name);
	return path;
}

static bool
include_file(struct vly_zone_reader *reader, const struct vly_token *token)
{
	char name[PATH_MAX];
	int len = vly_token_octets(token, (uint8_t *)name, sizeof(name) - 1);

	if (len <= 0 || memchr(name, '\0', (size_t)len) != NULL)
		return vly_zone_reader_fail(reader, "$INCLUDE: not the name of a file");
	name[len] = '\0';
	char *path = included_path(reader->file, name);
	if (path == NULL)
		return vly_zone_reader_fail_memory(reader);
	reader->include_depth++;
	bool done = vly_zone_include(reader, path);
	reader->include_depth--;
	free(path);
	return done;
}

/* The file begins with the current owner, and with the current origin or another one; both are
 * restored behind it. A $TTL in it stays in force (RFC 2308 §4). */
static bool
include(struct vly_zone_reader *reader, const struct vly_token *token, unsigned cnt)
{
	zs_scanner_t *scanner = reader->scanner;
	uint8_t origin[VLY_NAME_BYTES_MAX];
	const uint32_t origin_len = scanner->zone_origin_length;
	struct vly_zone_owner owner;

	if (reader->include_depth == INCLUDE_DEPTH_MAX)
		return vly_zone_reader_fail(reader, "$INCLUDE is nested more than %d deep",
					    INCLUDE_DEPTH_MAX);
	memcpy(origin, scanner->zone_origin, origin_len);
	vly_zone_owner_save(&owner, scanner);
	if ((cnt > 1 && !set_origin(reader, &token[1])) || !include_file(reader, &token[0]))
		return false;
	memcpy(scanner->zone_origin, origin, origin_len);
	scanner->zone_origin_length = origin_len;
	vly_zone_owner_restore(&owner, scanner);
	return true;
}

bool
vly_zone_directive(struct vly_zone_reader *reader)
{
	const struct vly_token *token = reader->lexed.token;
	const unsigned cnt = reader->lexed.cnt - 1;
	char shown[VLY_TOKEN_SHOWN_BYTES];
	const bool is_include = vly_token_is(token, "$INCLUDE");

	if (!is_include && !vly_token_is(token, "$ORIGIN") && !vly_token_is(token, "$TTL"))
		return vly_zone_reader_fail(reader, "unknown directive %s",
					    vly_token_shown(token, shown));
	if (cnt == 0 || cnt > 1u + is_include)
		return vly_zone_reader_fail(reader, "directive %s: %s",
					    vly_token_shown(token, shown),
					    cnt == 0 ? "nothing follows it" : "too many words");
	if (is_include)
		return include(reader, token + 1, cnt);
	return vly_token_is(token, "$ORIGIN") ? set_origin(reader, token + 1)
					      : set_ttl(reader, token + 1);
}
