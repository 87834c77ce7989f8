/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between the parts of the configuration reader: config.c (reading), config_schema.c (keys),
 * config_check.c and config_defence.c (values), config_locate.c (lines). A finding names what is
 * wrong by the path of its node in the file, such as "zones[3].file" (counted from 0; "" is the
 * whole file); lines are looked up afterwards, in one pass.
 */
#ifndef VLY_CONTROL_CONFIG_PARTS_H
#define VLY_CONTROL_CONFIG_PARTS_H

#include <cyaml/cyaml.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"

#define VLY_CONFIG_PATH_BYTES 512

extern const cyaml_schema_value_t vly_config_schema;
extern const cyaml_schema_value_t vly_config_defence_schema;

struct vly_config_finding {
	char path[VLY_CONFIG_PATH_BYTES];
	char text[512];
	bool syntax;   /* not YAML: the parser's message replaces `text` and `path` */
	bool last;     /* if several nodes have this path, the last one is meant */
	uint64_t line; /* from 1; 0 when not known */
};

struct vly_config_findings {
	unsigned cnt;   /* entries in item[] */
	unsigned total; /* entries, and findings that there was no room for */
	struct vly_config_finding item[VLY_CONFIG_ERRORS_MAX];
};

/* Appends a finding. Returns it, or NULL when the list is full. `path` is a format with one
 * number, idx. */
__attribute__((nonnull, format(printf, 4, 5))) struct vly_config_finding *
vly_config_find(struct vly_config_findings *findings, const char *path, unsigned idx,
		const char *format, ...);

/* Sets the lines of the findings from the text of the file: that of the node, or of the closest one
 * above it. */
__attribute__((nonnull)) void vly_config_locate(const char *text, size_t bytes,
						struct vly_config_findings *findings);

/* Appends "file:line: key: text" to *errors, as far as there is room. A line of 0 and a key of ""
 * are left out. */
__attribute__((nonnull)) void vly_config_write_error(struct vly_config_errors *errors,
						     const char *path, uint64_t line,
						     const char *key, const char *text);

/* Sets the defaults of the section `defence`. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_config_defence_defaults(struct vly_config *config);

__attribute__((nonnull)) void vly_config_defence_check(struct vly_config_defence *defence,
						       struct vly_config_findings *findings);

/* Whether this machine has the CPUs that `dataplane` names, and those are enough for the queues. */
__attribute__((nonnull)) void vly_config_check_machine(const struct vly_config_dataplane *dataplane,
						       struct vly_config_findings *findings);

/* Checks every value, and replaces zone names by their canonical spelling. */
__attribute__((nonnull)) void vly_config_check(struct vly_config *config,
					       struct vly_config_findings *findings);

#endif
