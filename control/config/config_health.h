/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The section `health` of the configuration, and checks wherever they stand. Part of config.h. */
#ifndef VLY_CONTROL_CONFIG_HEALTH_H
#define VLY_CONTROL_CONFIG_HEALTH_H

#include <cyaml/cyaml.h>

#include "common/health/health_check.h"

/* The words of a check, as the file has them; NULL: left out. */
struct vly_config_check {
	char *name; /* of entries of health.checks; NULL elsewhere */
	char *use;  /* in a pool: the name of one of health.checks, and nothing else is given */
	char *type;
	char *number[VLY_HEALTH_NUMBER_CNT];
	char *text[VLY_HEALTH_TEXT_CNT];
	char **command;
	unsigned command_cnt;
};

struct vly_config_health {
	char *socket; /* set */
	struct vly_config_check *checks;
	unsigned check_cnt;
	/* read */
	struct vly_health_check *read; /* [check_cnt] */
};

/* The keys of a check, for schemas: those of a block `check` of a pool, and those of an entry of health.checks. */
extern const cyaml_schema_field_t vly_config_check_fields[];
extern const cyaml_schema_field_t vly_config_health_fields[];

/*
 * Makes a check of its words. `address` stands where the words have none, if its type takes one; it may be NULL. Returns
 * 0 with a check that is settled, the caller's; or -1 with the key that is to blame (static) in *key, and in `why` what
 * it must be.
 */
__attribute__((nonnull(1, 3, 4, 5), warn_unused_result)) int
vly_config_check_read(const struct vly_config_check *words, const char *address,
		      struct vly_health_check *check, const char **key,
		      char why[VLY_HEALTH_WHY_BYTES]);

#endif
