/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One record's data through both readers: libzscanner and vly_rdata_read(). The origin is
 * "origin.test.".
 *
 * Use: a zeroed struct two_readers; open_readers(); read_first(), read_second(); close_readers().
 */
#ifndef VLY_TEST_TWO_READERS_H
#define VLY_TEST_TWO_READERS_H

#include <libzscanner/scanner.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zone/rdata_print.h"
#include "zone/rdata_read.h"
#include "zone/rr_fields.h"
#include "zone/rr_type.h"

#define RECORD_TEXT_BYTES (VLY_RDATA_TEXT_BYTES + 64)

struct two_readers {
	zs_scanner_t *scanner;
	struct vly_lexed lexed;
	char *line;
	uint8_t data[VLY_RDATA_BYTES_MAX];
	char why[256];
};

static inline void
open_readers(struct two_readers *readers)
{
	readers->scanner = malloc(sizeof(*readers->scanner));
	readers->line = malloc(RECORD_TEXT_BYTES);
	if (readers->scanner == NULL || readers->line == NULL ||
	    zs_init(readers->scanner, "origin.test.", 1, 3600) != 0)
		abort();
}

static inline void
close_readers(struct two_readers *readers)
{
	zs_deinit(readers->scanner);
	free(readers->scanner);
	free(readers->line);
	vly_lexed_free(&readers->lexed);
}

/* Returns the data's length, which is in scanner->r_data; -1: libzscanner does not read it. */
static inline int
read_first(struct two_readers *readers, uint16_t type, const char *text)
{
	zs_scanner_t *scanner = readers->scanner;
	char mnemonic[VLY_RR_TYPE_BYTES];
	int len = snprintf(readers->line, RECORD_TEXT_BYTES, "x 1 IN %s %s\n",
			   vly_rr_type_portable(type, mnemonic), text);

	if (zs_set_input_string(scanner, readers->line, (size_t)len) != 0 ||
	    zs_parse_record(scanner) != 0 || scanner->state != ZS_STATE_DATA)
		return -1;
	return (int)scanner->r_data_length;
}

/* Returns the data's length, which is in readers->data; -1, and the reason is in readers->why. */
static inline int
read_second(struct two_readers *readers, uint16_t type, const char *text)
{
	static const uint8_t origin[] = "\6origin\4test";

	if (vly_lex(&readers->lexed, text, text + strlen(text)) < 0) {
		snprintf(readers->why, sizeof(readers->why), "%s", readers->lexed.why);
		return -1;
	}
	return vly_rdata_read(type, readers->lexed.token, readers->lexed.cnt, origin, readers->data,
			      readers->why, sizeof(readers->why));
}

#endif
