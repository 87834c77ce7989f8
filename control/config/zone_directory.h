/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zones that the configuration does not list, but whose files are in a directory that it names: the name of
 * such a file is the zone's name in a pattern, such as "%s.zone".
 *
 * Use: vly_zone_directories_scan() lists the zones of all directories; vly_found_zones_free(). Or, for one file,
 * vly_zone_directory_match().
 * Names that fit the pattern but are no domain names are reported. All other files are left alone: editors
 * and copying programs keep files under other names for a while.
 *
 * Trust: file names are untrusted. Threads: any; vly_zone_directories_scan() blocks for the disk.
 */
#ifndef VLY_CONTROL_ZONE_DIRECTORY_H
#define VLY_CONTROL_ZONE_DIRECTORY_H

#include "base/reason.h"
#include "config.h"
#include "zone/domain.h"

/* The pattern that stands where the configuration gives none. */
#define VLY_ZONE_PATTERN "%s.zone"

struct vly_found_zone {
	char *name; /* as vly_domain_canonical() writes it; `file` is behind it */
	const char *file;
	uint16_t directory; /* index into config->directories */
};

struct vly_found_zones {
	struct vly_found_zone *zone; /* in the order of directories */
	uint32_t cnt;
	uint32_t room;
};

enum vly_directory_match {
	VLY_DIRECTORY_OTHER, /* the file is none of a zone's */
	VLY_DIRECTORY_ZONE,
	VLY_DIRECTORY_BAD, /* it fits the pattern, but has no domain name */
};

/* Whether `file`, without its directory, is the file of a zone. Writes the zone's name, or why it has none
 * to *why. */
__attribute__((nonnull)) enum vly_directory_match
vly_zone_directory_match(const char *pattern, const char *file, char name[VLY_DOMAIN_TEXT_BYTES],
			 const char **why);

/* Returns NULL, or what is wrong with a pattern. */
__attribute__((nonnull)) const char *vly_zone_pattern_check(const char *pattern);

/* Returns 0 with *scan, the caller's to free; or -1 with a sentence that names the directory which can't
 * be read, and nothing to free. Bad names are logged, as far as there are few. */
__attribute__((nonnull, warn_unused_result)) int
vly_zone_directories_scan(const struct vly_config *config, struct vly_found_zones *scan,
			  char reason[VLY_REASON_BYTES]);

__attribute__((nonnull)) void vly_found_zones_free(struct vly_found_zones *scan);

#endif
