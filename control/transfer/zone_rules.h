/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds what the configuration says about a zone, by name: 16 octets for each zone. Zones that are not
 * in the configuration's list, such as members of catalogs, can be added and removed.
 *
 * The zones must stay valid until they are removed or replaced, or another configuration is taken;
 * those that were added stay then. The loop's thread.
 */
#ifndef VLY_CONTROL_ZONE_RULES_H
#define VLY_CONTROL_ZONE_RULES_H

#include <uthash.h>

#include "config/config.h"

struct vly_zone_rules_extra;

struct vly_zone_rules {
	const struct vly_config_zone **slot;
	size_t slot_cnt; /* a power of two; 0: none */
	struct vly_zone_rules_extra *extra;
};

/* Takes the zones of a configuration in place of those of the one before. Returns 0, or -1 without
 * memory: the rules know no zone of a configuration then. */
__attribute__((nonnull, warn_unused_result)) int
vly_zone_rules_configure(struct vly_zone_rules *rules, const struct vly_config *config);

__attribute__((nonnull, warn_unused_result)) int
vly_zone_rules_add(struct vly_zone_rules *rules, const struct vly_config_zone *zone);
__attribute__((nonnull)) void vly_zone_rules_remove(struct vly_zone_rules *rules, const char *name);

/* The zone of that name, as vly_domain_canonical() writes it; NULL: there is none. One that was added
 * comes before one of the configuration. */
__attribute__((nonnull)) const struct vly_config_zone *
vly_zone_rules_find(const struct vly_zone_rules *rules, const char *name);

__attribute__((nonnull)) void vly_zone_rules_free(struct vly_zone_rules *rules);

#endif
