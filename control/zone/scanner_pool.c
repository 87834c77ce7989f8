/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scanner_pool.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <volley/name.h>

/* "$ORIGIN ", a name of which each octet is written as \DDD, a dot, a newline and a NUL. */
#define ORIGIN_LINE_BYTES (8 + 4 * VLY_NAME_BYTES_MAX + 3)

/*
 * What zs_init() has set, beside the scanner: all but its three large buffers, which it clears and
 * nobody reads before they are written. The record before leaves its data in them, too.
 */
struct vly_pooled_scanner {
	zs_scanner_t scanner;
	uint8_t before_buffers[offsetof(zs_scanner_t, buffer)];
	uint8_t behind_buffers[offsetof(zs_scanner_t, r_data) - offsetof(zs_scanner_t, path)];
};

#define FIELD_BYTES(field) sizeof(((zs_scanner_t *)NULL)->field)

_Static_assert(offsetof(zs_scanner_t, path) - offsetof(zs_scanner_t, buffer) <
		       FIELD_BYTES(buffer) + FIELD_BYTES(include_filename) + sizeof(char *),
	       "no other field is between the buffers and the path");
_Static_assert(sizeof(zs_scanner_t) - offsetof(zs_scanner_t, r_data) <
		       FIELD_BYTES(r_data) + sizeof(uint64_t),
	       "no other field is behind the data");

static struct vly_pooled_scanner *
new_scanner(void)
{
	struct vly_pooled_scanner *pooled = malloc(sizeof(*pooled));

	if (pooled == NULL)
		return NULL;
	if (zs_init(&pooled->scanner, ".", VLY_CLASS_IN, 0) != 0) {
		zs_deinit(&pooled->scanner);
		free(pooled);
		return NULL;
	}
	free(pooled->scanner.path); /* each file has its own */
	pooled->scanner.path = NULL;
	memcpy(pooled->before_buffers, &pooled->scanner, sizeof(pooled->before_buffers));
	memcpy(pooled->behind_buffers, &pooled->scanner.path, sizeof(pooled->behind_buffers));
	return pooled;
}

/* Pointers from the scanner into itself stay right: it has not moved. */
static void
restore(struct vly_pooled_scanner *pooled)
{
	free(pooled->scanner.path);
	memcpy(&pooled->scanner, pooled->before_buffers, sizeof(pooled->before_buffers));
	memcpy(&pooled->scanner.path, pooled->behind_buffers, sizeof(pooled->behind_buffers));
	pooled->scanner.path = strdup(".");
}

/* As zs_init() does it. Returns 0, or an error code. */
static int
set_origin(zs_scanner_t *scanner, const char *origin)
{
	char line[ORIGIN_LINE_BYTES];
	size_t len = strlen(origin);
	const char *dot = len > 0 && origin[len - 1] == '.' ? "" : ".";
	int line_len = snprintf(line, sizeof(line), "$ORIGIN %s%s\n", origin, dot);

	if (scanner->path == NULL)
		return ZS_ENOMEM;
	if (line_len < 0 || (size_t)line_len >= sizeof(line))
		return ZS_BAD_ORIGIN;
	if (zs_set_input_string(scanner, line, (size_t)line_len) == 0 && zs_parse_all(scanner) == 0)
		return ZS_OK;
	return scanner->error.code != ZS_OK ? scanner->error.code : ZS_BAD_ORIGIN;
}

zs_scanner_t *
vly_scanner_pool_take(struct vly_scanner_pool *pool, unsigned depth, const char *origin,
		      uint32_t default_ttl, int *error)
{
	struct vly_pooled_scanner **pooled = &pool->scanner[depth];

	if (*pooled == NULL)
		*pooled = new_scanner();
	if (*pooled == NULL) {
		*error = ZS_ENOMEM;
		return NULL;
	}
	zs_scanner_t *scanner = &(*pooled)->scanner;
	restore(*pooled);
	*error = set_origin(scanner, origin);
	if (*error != ZS_OK)
		return NULL;
	scanner->default_ttl = default_ttl;
	scanner->line_counter = 1;
	scanner->state = ZS_STATE_NONE;
	scanner->process.automatic = false;
	return scanner;
}

void
vly_scanner_pool_free(struct vly_scanner_pool *pool)
{
	for (unsigned i = 0; i < VLY_POOLED_SCANNERS; i++) {
		if (pool->scanner[i] != NULL)
			zs_deinit(&pool->scanner[i]->scanner);
		free(pool->scanner[i]);
	}
	*pool = (struct vly_scanner_pool){0};
}
