/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between the parts of the configuration reader: config.c (reading), config_schema.c (keys),
 * config_alias.c, config_check.c, config_defence.c, config_keys.c, config_living.c and config_feed*.c (values),
 * config_steer*.c (steering), config_locate.c (lines), config_source.c (changes). A finding names what is
 * wrong by the path of its node in the file, such as "zones[3].file" (counted from 0; "" is the
 * whole file); lines are looked up afterwards, in one pass.
 */
#ifndef VLY_CONTROL_CONFIG_PARTS_H
#define VLY_CONTROL_CONFIG_PARTS_H

#include <cyaml/cyaml.h>
#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "config.h"

#define VLY_CONFIG_PATH_BYTES 512

/* A zone as the file has it. */
struct vly_config_entry {
	struct vly_config_zone zone;
	struct vly_config_feed feed;
};

extern const cyaml_config_t vly_cyaml_settings;

extern const cyaml_schema_value_t vly_config_schema;
extern const cyaml_schema_value_t vly_config_schema_map;  /* `zones` is not a list, but one entry */
extern const cyaml_schema_value_t vly_config_schema_read; /* to free what has been read */
extern const cyaml_schema_value_t vly_config_defence_schema;
extern const cyaml_schema_value_t vly_config_template_schema;
extern const cyaml_schema_field_t vly_config_steer_fields[];

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

/* Sets the defaults of `control.journal`. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_config_living_defaults(struct vly_config *config);

__attribute__((nonnull)) void vly_config_living_check(const struct vly_config *config,
						      struct vly_config_findings *findings);

/* Sets the defaults of `alias`. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_config_alias_defaults(struct vly_config *config);

/* Checks `alias`, and reads what it means. */
__attribute__((nonnull)) void vly_config_alias_check(struct vly_config *config,
						     struct vly_config_findings *findings);

/* Reads an address, and "@port" if that may follow. */
__attribute__((nonnull)) bool vly_config_address_read(const char *text, unsigned port,
						      bool takes_port,
						      struct sockaddr_storage *address);

/* Sets config->zones: moves the entries there, and what they say about transfers to zone->own. Returns 0,
 * or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int vly_config_take_entries(struct vly_config *config);

/* Sets the defaults of `tls` and `transfers`. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_config_feed_defaults(struct vly_config *config);

/* Checks `tls`, `remotes`, `transfers`, `templates` and the feeds of zones, reads what they mean, and sets
 * zone->feed. The names of `keys` are in canonical spelling. */
__attribute__((nonnull)) void vly_config_feed_check(struct vly_config *config,
						    struct vly_config_findings *findings);

/* Checks what the feed of a zone and its other keys say together. */
__attribute__((nonnull)) void vly_config_feed_check_zone(const struct vly_config_zone *zone,
							 unsigned idx,
							 struct vly_config_findings *findings);

/* Checks `catalog-zone` of the zones, whose names are in canonical spelling. */
__attribute__((nonnull)) void vly_config_catalogs_check(const struct vly_config *config,
							struct vly_config_findings *findings);

/* Checks whether the files of TLS can be used. */
__attribute__((nonnull)) void vly_config_feed_check_files(const struct vly_config *config,
							  struct vly_config_findings *findings);

/* Frees what has been read from the words, and the feeds that zones own. */
__attribute__((nonnull)) void vly_config_feeds_free(struct vly_config *config);

/* Sets the defaults of `steer`. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_config_steer_defaults(struct vly_config *config);

/* Checks `steer` and that of the zones, whose names are in canonical spelling, and reads what they mean. */
__attribute__((nonnull)) void vly_config_steer_check(struct vly_config *config,
						     struct vly_config_findings *findings);

/* Frees what has been read from the words. */
__attribute__((nonnull)) void vly_config_steer_forget(struct vly_config *config);

/* Reads maps, pools and their members. */
__attribute__((nonnull)) void vly_config_steer_read(struct vly_config_steer *steer,
						    struct vly_config_findings *findings);

/* Reads the checks of pools, whose members have been read, and health.checks, too. */
__attribute__((nonnull)) void vly_config_steer_read_checks(struct vly_config_steer *steer,
							   const struct vly_config_health *health,
							   struct vly_config_findings *findings);

/* Reads policies, whose pools have been read. Returns whether all of them lead somewhere. */
__attribute__((nonnull, warn_unused_result)) bool
vly_config_steer_read_policies(struct vly_config_steer *steer,
			       struct vly_config_findings *findings);

/* Reads the names of all zones. With `can_check`, whether their policies have records for them, too. */
__attribute__((nonnull)) void vly_config_steer_read_zones(struct vly_config *config, bool can_check,
							  struct vly_config_findings *findings);

/* Names of a section, to look up what has them. */
struct vly_config_named {
	const char *name;
	const void *object;
	UT_hash_handle hh;
};

struct vly_config_names {
	struct vly_config_named *item; /* [room] */
	struct vly_config_named *table;
	unsigned cnt;
};

/* Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_config_names_begin(struct vly_config_names *names, unsigned room);

/* Returns whether the name is new; at most `room` times. `name` must stay. */
__attribute__((nonnull)) bool vly_config_names_add(struct vly_config_names *names, const char *name,
						   const void *object);

__attribute__((nonnull)) const void *vly_config_names_find(const struct vly_config_names *names,
							   const char *name);
__attribute__((nonnull)) void vly_config_names_free(struct vly_config_names *names);

/* What feeds refer to. */
struct vly_config_refs {
	struct vly_config_names keys;
	struct vly_config_names tls;
	struct vly_config_names remotes;
	struct vly_config_names templates;
	const struct vly_config_transfers *transfers;
};

/* Reads the meaning of a feed's words. `path` is that of its node, such as "zones[3]". The feed has no
 * meaning yet. */
__attribute__((nonnull)) void vly_config_feed_read(struct vly_config_feed *feed, const char *path,
						   const struct vly_config_refs *refs,
						   struct vly_config_findings *findings);

/* Frees the meaning, and leaves the words. */
__attribute__((nonnull)) void vly_config_feed_forget(struct vly_config_feed *feed);

/* Copies what `feed` has no words for from a template. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_config_feed_inherit(struct vly_config_feed *feed, const struct vly_config_feed *from);

/* Reads pins of certificates into *pin, a new array; with findings, whose path `path` begins. */
__attribute__((nonnull(3, 4, 5))) void vly_config_pins_read(char *const *text, unsigned cnt,
							    uint8_t (**pin)[VLY_PIN_BYTES],
							    const char *path,
							    struct vly_config_findings *findings);

/* Replaces a domain name by its canonical spelling. Returns NULL, or a sentence why it is none. */
__attribute__((nonnull)) const char *vly_config_settle_name(char **name);

/* A letter behind a number, and its factor; the last one has none. */
struct vly_config_unit {
	char letter;
	uint64_t factor;
};

extern const struct vly_config_unit vly_config_no_units[];
extern const struct vly_config_unit vly_config_size_units[]; /* k, M, G */
extern const struct vly_config_unit vly_config_time_units[]; /* s, m, h, d */

/* Reads digits, and a unit if there is one. Returns false for anything else. */
__attribute__((nonnull)) bool vly_config_number_read(const char *text,
						     const struct vly_config_unit *units,
						     uint64_t min, uint64_t max, uint64_t *number);

/* Checks `keys`, and replaces their names by their canonical spelling. */
__attribute__((nonnull)) void vly_config_keys_check(struct vly_config *config,
						    struct vly_config_findings *findings);

/* Checks `update` of the zones. */
__attribute__((nonnull)) void vly_config_grants_check(struct vly_config *config,
						      struct vly_config_findings *findings);

/* Checks whether the files of secrets can be used. */
__attribute__((nonnull)) void vly_config_keys_check_files(const struct vly_config *config,
							  struct vly_config_findings *findings);

/* Whether this machine has the CPUs that `dataplane` names, and those are enough for the queues. */
__attribute__((nonnull)) void vly_config_check_machine(const struct vly_config_dataplane *dataplane,
						       struct vly_config_findings *findings);

/* Notes what a good configuration was read from. */
__attribute__((nonnull)) void vly_config_source_set(struct vly_config *config, const char *text,
						    size_t bytes);
__attribute__((nonnull)) void vly_config_source_clear(struct vly_config *config);

/* Sets the defaults of the section `health`. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_config_health_defaults(struct vly_config *config);

/* Checks the section `health`, and reads its checks. */
__attribute__((nonnull)) void vly_config_health_check(struct vly_config_health *health,
						      struct vly_config_findings *findings);

/* Frees what was read. */
void vly_config_health_clear(struct vly_config_health *health);

/* Checks every value, and replaces zone names by their canonical spelling. */
__attribute__((nonnull)) void vly_config_check(struct vly_config *config,
					       struct vly_config_findings *findings);

#endif
