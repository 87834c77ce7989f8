/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For zone_file.c alone: reads the text of a zone file in two ways. libzscanner reads the records,
 * fast. What it refuses, or reads wrongly, is cut out of the text and read by zone_record.c, which
 * knows every type and every spelling; then libzscanner goes on. Directives are read here. Between
 * records, the current origin, owner and default TTL are in the scanner.
 */
#ifndef VLY_CONTROL_ZONE_SCAN_H
#define VLY_CONTROL_ZONE_SCAN_H

#include "base/file_text.h"
#include "zone_reader.h"

/* Reads all records of the text of reader->file, also those behind an error. Returns false when an
 * error ended it early, or the rest is not worth reading. */
__attribute__((nonnull, warn_unused_result)) bool vly_zone_scan(struct vly_zone_reader *reader,
								struct vly_file_text *text);

/* In zone_file.c: reads the file that an $INCLUDE in reader->line names. */
__attribute__((nonnull, warn_unused_result)) bool vly_zone_include(struct vly_zone_reader *reader,
								   const char *path);

#endif
