/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "zone_scanner.h"

#include <stdlib.h>
#include <string.h>

#include <volley/dns.h>

static zs_scanner_t *
new_scanner(void)
{
	zs_scanner_t *zs = malloc(sizeof(*zs));

	if (zs == NULL || zs_init(zs, ".", VLY_CLASS_IN, 0) == 0)
		return zs;
	zs_deinit(zs);
	free(zs);
	return NULL;
}

int
vly_zone_scanner_begin(struct vly_zone_scanner *scanner, const uint8_t *origin, unsigned origin_len,
		       uint32_t default_ttl)
{
	if (scanner->zs == NULL) {
		scanner->zs = new_scanner();
		if (scanner->zs == NULL)
			return -1;
		scanner->start = scanner->zs->cs;
	}
	memcpy(scanner->zs->zone_origin, origin, origin_len);
	scanner->zs->zone_origin_length = origin_len;
	scanner->zs->r_owner_length = 0;
	scanner->zs->default_ttl = default_ttl;
	return 0;
}

void
vly_zone_scanner_restart(struct vly_zone_scanner *scanner, const char *text, size_t len,
			 uint64_t line)
{
	zs_scanner_t *zs = scanner->zs;

	(void)zs_set_input_string(zs, text, len); /* it copies pointers */
	zs->cs = scanner->start;
	zs->top = 0;
	zs->multiline = false;
	zs->long_string = false;
	zs->comma_list = false;
	zs->error.code = 0;
	zs->error.fatal = false;
	zs->line_counter = line;
}

void
vly_zone_scanner_free(struct vly_zone_scanner *scanner)
{
	if (scanner->zs != NULL)
		zs_deinit(scanner->zs);
	free(scanner->zs);
	*scanner = (struct vly_zone_scanner){0};
}
