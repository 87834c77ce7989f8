/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the configuration says about zones that are transferred: the sections `tls`, `remotes`,
 * `transfers` and `templates`, and the keys that zones and templates share, a `feed`.
 *
 * Use: read the fields of a loaded configuration (config.h includes this header). Each struct begins with
 * the words of the file, which are valid; behind "read:" stands the meaning of these, with defaults.
 *   - zone->feed is NULL, or has the keys of the zone and, where it has none of a kind, those of its
 *     template. Zones without keys of their own share the feed of their template.
 *   - A member of a catalog has the feed of vly_config_template_find().
 *   - Names of remotes and of TLS profiles are resolved; keys of TSIG are named only, because they may be
 *     added and disabled at run time (update/keyring.h).
 *
 * Ownership and threads: as config.h.
 */
#ifndef VLY_CONTROL_CONFIG_FEED_H
#define VLY_CONTROL_CONFIG_FEED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/prefix_list.h"

struct vly_config;
struct vly_config_zone;

#define VLY_PIN_BYTES 32 /* SHA-256 of a SubjectPublicKeyInfo */

#define VLY_PORT_DNS 53
#define VLY_PORT_TLS 853

/* A profile of TLS. */
struct vly_config_tls {
	char *name;
	char *certificate_file; /* ours; set with key_file, or neither is; paths as the file of a zone */
	char *key_file;
	char *ca_file;  /* NULL: the system's */
	char *hostname; /* that the peer's certificate must have; NULL: any that a pin stands for */
	char **pins;    /* Base64 of VLY_PIN_BYTES octets */
	unsigned pin_cnt;
	char *verify; /* strict or opportunistic */
	/* read: */
	bool is_opportunistic;
	uint8_t (*pin)[VLY_PIN_BYTES]; /* [pin_cnt] */
};

/* Another server. */
struct vly_config_remote {
	char *name;
	char **addresses; /* with "@port" or without */
	unsigned address_cnt;
	char *key; /* of TSIG, as vly_domain_canonical() writes it; or NULL */
	char *tls; /* NULL: plain DNS */
	char *source;
	/* read: */
	struct sockaddr_storage *address; /* [address_cnt], with ports */
	struct sockaddr_storage from;     /* ss_family is 0 when there is no `source`; port 0 */
	const struct vly_config_tls *profile;
};

/* Bounds for all transfers. */
struct vly_config_transfers {
	char *in_max;
	char *in_rate;
	char *in_size;
	char *in_time;
	char *review_size;
	char *review_time;
	char *out_max;
	char *out_time;
	char *tls;
	/* read: */
	uint32_t in_cnt_max;                  /* at a time */
	uint64_t in_bytes_max;                /* of one transfer */
	uint32_t in_time_s;                   /* for one transfer */
	uint64_t in_bytes_per_s;              /* 0: no limit */
	uint64_t review_bytes_max;            /* of all versions that wait for an operator */
	uint32_t review_time_s;               /* for one run of a review command */
	uint32_t out_cnt_max;                 /* at a time */
	uint32_t out_time_s;                  /* for one transfer */
	const struct vly_config_tls *profile; /* that we serve with, has a certificate; or NULL */
};

/* An entry of `transfer-to`: all that it gives must hold. */
struct vly_config_acl {
	char *key; /* as vly_domain_canonical() writes it; or NULL */
	char **from;
	unsigned from_cnt;
	char *tls; /* "required" or NULL */
	char **certificate_pins;
	unsigned certificate_pin_cnt;
	/* read: */
	bool needs_tls;                /* `tls`, or certificates */
	struct vly_prefix_list source; /* of `from`; none: all clients */
	uint8_t (*pin)[VLY_PIN_BYTES]; /* [certificate_pin_cnt]: one must be the client's */
};

/* Which template the members of a group have. */
struct vly_config_catalog_template {
	char *group;    /* NULL: the members of all other groups, and of none */
	char *template; /* its name */
};

enum vly_config_on_bogus {
	VLY_BOGUS_REFUSE,
	VLY_BOGUS_WARN,
};

enum vly_config_catalog {
	VLY_CATALOG_NONE,
	VLY_CATALOG_CONSUMER,
	VLY_CATALOG_PRODUCER,
};

/* Bounds on the times of a SOA record. */
struct vly_config_times {
	uint32_t refresh_min_s;
	uint32_t refresh_max_s;
	uint32_t retry_min_s;
	uint32_t retry_max_s;
	uint32_t expire_min_s;
	uint32_t expire_max_s;
};

/* Keys with one value: member and key. */
#define VLY_CONFIG_FEED_TEXTS(X)                                                                   \
	X(refresh_min, "refresh-min")                                                              \
	X(refresh_max, "refresh-max")                                                              \
	X(retry_min, "retry-min")                                                                  \
	X(retry_max, "retry-max")                                                                  \
	X(expire_min, "expire-min")                                                                \
	X(expire_max, "expire-max")                                                                \
	X(pin_primary, "pin-primary")                                                              \
	X(on_bogus, "on-bogus")                                                                    \
	X(hold, "hold")                                                                            \
	X(review_command, "review-command")                                                        \
	X(catalog, "catalog")                                                                      \
	X(catalog_zone, "catalog-zone")                                                            \
	X(catalog_group, "catalog-group")

/* Lists of texts: member, its count, and key. */
#define VLY_CONFIG_FEED_LISTS(X)                                                                   \
	X(primaries, primary_cnt, "primaries")                                                     \
	X(notify, notify_cnt, "notify")                                                            \
	X(notify_from, notify_from_cnt, "notify-from")

struct vly_config_feed {
#define X(id, key) char *id;
	VLY_CONFIG_FEED_TEXTS(X)
#undef X
#define X(id, cnt, key)                                                                            \
	char **id;                                                                                 \
	unsigned cnt;
	VLY_CONFIG_FEED_LISTS(X)
#undef X
	struct vly_config_acl *transfer_to;
	unsigned transfer_to_cnt;
	struct vly_config_catalog_template *catalog_templates;
	unsigned catalog_template_cnt;
	/* read: */
	const struct vly_config_remote **primary; /* [primary_cnt], in their order */
	const struct vly_config_remote **target;  /* [target_cnt], of `notify` */
	unsigned target_cnt;
	bool notifies_ns;                     /* `notify` has "ns" */
	struct vly_prefix_list notify_source; /* of `notify-from`: besides the primaries */
	struct vly_config_times times;
	bool pins_primary;
	bool is_reviewed; /* `hold: review` */
	enum vly_config_on_bogus bogus;
	enum vly_config_catalog role; /* `catalog_zone` is canonical */
};

struct vly_config_template {
	char *name; /* NULL: the keys of one zone */
	char *file; /* of members of catalogs, with one %s for the name without its last dot; or NULL; a
		       * path as the file of a zone */
	char *living; /* of these: true or false, or NULL */
	struct vly_config_feed feed;
};

/* The template of that name, or NULL. */
__attribute__((nonnull)) const struct vly_config_template *
vly_config_template_find(const struct vly_config *config, const char *name);

/* Whether the zone comes from primaries. It has no file then. */
__attribute__((nonnull)) bool vly_config_is_secondary(const struct vly_config_zone *zone);

#endif
