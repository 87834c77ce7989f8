/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A member of a catalog becomes a zone with the settings of a template.
 *
 * Use: vly_member_templates_make() for a catalog's entry of the configuration; vly_member_zone_make() for each
 * member; vly_member_templates_free(). The results refer to the configuration. No state; one thread; no
 * function blocks.
 */
#ifndef VLY_CONTROL_MEMBER_TEMPLATE_H
#define VLY_CONTROL_MEMBER_TEMPLATE_H

#include <limits.h>

#include "owners.h"

/* The templates of one catalog. */
struct vly_member_templates {
	const struct vly_config_feed *feed;          /* NULL: it is not consumed */
	const struct vly_config_template **by_group; /* [feed->catalog_template_cnt] */
};

/* `name`: of the catalog. Returns 0, or -1 without memory. If `config` does not consume it, `feed` is NULL. */
__attribute__((nonnull, warn_unused_result)) int
vly_member_templates_make(struct vly_member_templates *templates, const struct vly_config *config,
			  const char *name);

/*
 * Writes the zone that a member is: its file is in `file`. The first template whose group the member has
 * counts, else the one without a group. Returns VLY_MEMBER_NO_PROBLEM, or why there is no such zone;
 * *zone has the name alone then.
 */
__attribute__((nonnull, warn_unused_result)) enum vly_member_problem
vly_member_zone_make(const struct vly_member_templates *templates,
		     const struct vly_catalog_member *member, struct vly_config_zone *zone,
		     char file[PATH_MAX]);

/* One sentence about a problem, "" for none. */
const char *vly_member_problem_text(enum vly_member_problem problem);

__attribute__((nonnull)) void vly_member_templates_free(struct vly_member_templates *templates);

#endif
