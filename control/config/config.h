/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The configuration file: YAML, by a libcyaml schema, then checked value by value.
 *
 * Use:
 *   1. vly_config_load() reads and checks the file; defaults stand where it says nothing;
 *   2. read the fields;
 *   3. vly_config_free().
 * Errors are whole lines for people, each with the file, the line and the key:
 * "volley.yaml:12: dataplane.idle: must be sleep or spin". vly_config_load() finds all it can,
 * not only the first.
 *
 * A zone file that does not exist is no error here: one lost file must not keep all other zones
 * from being served. Whoever loads the zone reports it; vly_config_check_files() says it with the
 * line.
 *
 * Ownership: everything reached from a struct vly_config is its own. Threads: no global state; a
 * loaded configuration is only read.
 */
#ifndef VLY_CONTROL_CONFIG_H
#define VLY_CONTROL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <volley/dataplane_options.h>

#include "base/file_stamp.h"
#include "base/prefix_list.h"
#include "config_feed.h"
#include "defence_settings.h"
#include "key/grant.h"
#include "zone/dnssec_check.h"
#include "zone/zone_report.h"

/* Enough to correct a file in a few rounds. More would scroll the first one off the screen. */
#define VLY_CONFIG_ERRORS_MAX 20

struct vly_config_control {
	char *socket;
	char *socket_group; /* the group of the socket, if it exists */
	char *state_dir;
	char *image_cache; /* on or off */
	char *log_level;
	struct vly_config_journal *journal; /* set, all members too */
};

/* Bounds of the journal of each living zone. */
struct vly_config_journal {
	char *changes; /* a number */
	char *size;    /* octets: a number, also with k, M or G */
	char *age;     /* a time: a number with s, m, h or d */
};

/* Values in the words of the dataplane's options. Those with a default are set; the others are NULL
 * when the key is left out. Each member has the name of its row in the table. */
struct vly_config_dataplane {
#define X(id, ...)                                                                                 \
	char **id;                                                                                 \
	unsigned id##_cnt;
	VLY_DATAPLANE_LISTS(X)
#undef X
#define X(id, ...) char *id;
	VLY_DATAPLANE_SETTINGS(X)
#undef X
};

struct vly_config_zone {
	char *name; /* as vly_domain_canonical() writes it */
	char *file; /* absolute, or relative as the configuration file's own path was; NULL when it has
		       * primaries or is a produced catalog */
	char *living;                  /* true or false, or NULL */
	char *serial;                  /* increment, unixtime or dateserial, or NULL */
	struct vly_grant_text *update; /* who may change it by dynamic update; valid */
	unsigned update_cnt;
	char *template;                     /* a name, or NULL */
	const struct vly_config_feed *feed; /* NULL: it has no part in transfers */
	struct vly_config_template *own;    /* has `feed`, or NULL: that is a template's */
	char *directory; /* only while the configuration is read: in place of name and file */
	char *pattern;
};

/* A directory whose files are zones (zone_directory.h). */
struct vly_config_directory {
	char *path;    /* as the file of a zone */
	char *pattern; /* with one %s */
};

/* A key of TSIG; name, algorithm and `secret` are valid. One of `secret` and `secret_file` is set. */
struct vly_config_key {
	char *name; /* as vly_domain_canonical() writes it */
	char *algorithm;
	char *secret;      /* Base64 */
	char *secret_file; /* absolute, or relative as the file of a zone */
};

/* The severities of the zone checks, in words: error, warning or ignore. */
struct vly_config_checks {
#define X(id, name, severity, help) char *id;
	VLY_ZONE_CHECKS(X)
#undef X
	char *verify_signatures; /* none, sample or all */
};

struct vly_config_answers {
	char *any;        /* one or all */
	char *additional; /* none or addresses */
};

struct vly_config_defence {
	struct vly_defence_values values; /* all set and valid */
	char **reflector_ports;           /* joined in `values` */
	unsigned reflector_port_cnt;
	char **denied;
	unsigned denied_cnt;
	char **allowed;
	unsigned allowed_cnt;
	char *deny_file;               /* or NULL; absolute, or relative as the file of a zone */
	char *secrets_file;            /* the same */
	uint32_t request_opcodes;      /* that we answer (volley/policy.h) */
	uint32_t connections;          /* that we take over (volley/defence.h) */
	struct vly_prefix_list listed; /* `denied` and `allowed`; no prefix twice */
	struct vly_prefix_list
		in_file; /* the content of deny_file, set by vly_config_read_lists() */
	bool is_unread;  /* vly_config_read_lists() could not read it */
};

/* A file that belongs to the configuration: lists of prefixes, secrets. */
struct vly_config_list {
	char *path;
	struct vly_file_stamp stamp;
};

/* What the configuration was read from. */
struct vly_config_source {
	bool is_known; /* false: it counts as changed */
	uint64_t text_hash;
	struct vly_config_list *list; /* [list_cnt] */
	unsigned list_cnt;
};

struct vly_config {
	struct vly_config_control *control;
	struct vly_config_answers *answers;
	struct vly_config_checks *checks;
	struct vly_config_dataplane *dataplane;
	struct vly_config_defence *defence;
	struct vly_config_key *keys;
	unsigned key_cnt;
	struct vly_config_tls *tls;
	unsigned tls_cnt;
	struct vly_config_remote *remotes;
	unsigned remote_cnt;
	struct vly_config_transfers *transfers; /* set */
	struct vly_config_template *templates;
	unsigned template_cnt;
	struct vly_config_zone *zones;
	unsigned zone_cnt;
	struct vly_config_entry *entries; /* only while it is read: `zones` (config_parts.h) */
	unsigned entry_cnt;
	struct vly_config_directory *directories;
	unsigned directory_cnt;
	struct vly_config_source source;
};

struct vly_config_errors {
	unsigned
		cnt; /* entries in text[]; when it is VLY_CONFIG_ERRORS_MAX there may be more errors */
	char *text[VLY_CONFIG_ERRORS_MAX];
};

/* Reads and checks the file `path` (untrusted). Returns the configuration, the caller's; or NULL
 * with at least one line in *errors. Blocks for the disk. */
__attribute__((nonnull, warn_unused_result)) struct vly_config *
vly_config_load(const char *path, struct vly_config_errors *errors);

/*
 * Checks whether the zone files and the file of secrets of a configuration can be read, and whether
 * this machine has the CPUs that it names. `path` is the file that it came from. Returns the number
 * of failures, with a line in *errors for each as far as there is room. Blocks for the disk.
 */
__attribute__((nonnull)) unsigned vly_config_check_files(const struct vly_config *config,
							 const char *path,
							 struct vly_config_errors *errors);

/*
 * Reads the lists of prefixes (untrusted) that the configuration names; to be called once. Returns
 * 0; or -1 with lines in *errors, and the lists are empty. Blocks for the disk.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_config_read_lists(struct vly_config *config, struct vly_config_errors *errors);

/* Whether `path`, and the lists and secrets that belong to it, have not changed since `config` was read
 * from them; zone files are not looked at. Blocks for the disk. */
__attribute__((nonnull)) bool vly_config_is_unchanged(const struct vly_config *config,
						      const char *path);

struct vly_preflight_plan; /* common/preflight/preflight.h */

#define VLY_CONFIG_REASON_BYTES 80

/* Writes what volley-dataplane is to use of the machine, for checks of that. Returns 0, or -1 with the
 * reason when there is more than it can use. */
__attribute__((nonnull, warn_unused_result)) int
vly_config_plan(const struct vly_config_dataplane *dataplane, struct vly_preflight_plan *plan,
		char reason[VLY_CONFIG_REASON_BYTES]);

/* How the serial of a living zone goes on (RFC 1982). */
enum vly_config_serial {
	VLY_SERIAL_INCREMENT,
	VLY_SERIAL_UNIXTIME,
	VLY_SERIAL_DATESERIAL, /* YYYYMMDDnn */
};

/* Bounds of the journal, as numbers. */
struct vly_config_journal_bounds {
	uint64_t changes;
	uint64_t bytes;
	uint64_t age_s;
};

/* Whether the zone is a living one, which is changed while it is served: it has living, update, primaries,
 * transfer-to, notify or catalog. Others stay out of the store. */
__attribute__((nonnull)) bool vly_config_is_living(const struct vly_config_zone *zone);

/* Whether the dataplane has threads that take connections and dynamic updates. */
__attribute__((nonnull)) bool vly_config_has_streams(const struct vly_config_dataplane *dataplane);

__attribute__((nonnull)) enum vly_config_serial
vly_config_serial(const struct vly_config_zone *zone);

__attribute__((nonnull)) void vly_config_journal(const struct vly_config *config,
						 struct vly_config_journal_bounds *bounds);

/* Writes the severities of the zone checks (enum vly_zone_severity). */
__attribute__((nonnull)) void vly_config_severities(const struct vly_config *config,
						    uint8_t severity[VLY_ZONE_CHECK_CNT]);

/* Which signatures a load verifies. */
__attribute__((nonnull)) enum vly_dnssec_verify vly_config_verify(const struct vly_config *config);

/* Moves the section `defence` out of a configuration. The caller owns it then, and frees it with
 * vly_config_defence_free(). */
__attribute__((nonnull)) struct vly_config_defence *
vly_config_take_defence(struct vly_config *config);
void vly_config_defence_free(struct vly_config_defence *defence);

void vly_config_free(struct vly_config *config);
void vly_config_errors_free(struct vly_config_errors *errors);

/*
 * Makes the dataplane's argument list, which ends in NULL: `program`, the flags of the
 * configuration, and the `extra_cnt` flags of `extra`. Returns the list, to be freed with
 * vly_config_args_free(); or NULL without memory.
 */
__attribute__((nonnull(1, 2), warn_unused_result)) char **
vly_config_args(const struct vly_config *config, const char *program, char *const *extra,
		unsigned extra_cnt);

void vly_config_args_free(char **args);

#endif
