/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Grants: what a key may change in a zone. A grant limits names, types, TTLs, the time, the clients
 * and the rate; what it does not mention is not limited, except that NS, SOA and DNAME must be
 * listed.
 *
 * Use:
 *   1. vly_grant_read() makes a grant from its words, as the configuration and `volleyctl keys`
 *      have them;
 *   2. vly_grant_holds(): does it hold now, for this client;
 *   3. vly_grant_allows() for each record of an update;
 *   4. vly_grant_take(), once for each update that it allows;
 *   5. vly_grant_free().
 *
 * A pattern of names is a name, absolute with a final dot, or relative to the zone; @ is the zone
 * itself. One label may be *, which stands for any number of labels, none included: `*.dyn` is dyn
 * and all names below it, `_acme-challenge.*` are all names that begin with that label. \* is the
 * label of a wildcard.
 *
 * The caller owns all; no global state; one thread at a time; no function blocks.
 */
#ifndef VLY_CONTROL_GRANT_H
#define VLY_CONTROL_GRANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <volley/dns.h>

#include "base/prefix_list.h"

/* The words of a grant; NULL or none where it says nothing. */
struct vly_grant_text {
	char *key;
	char **names;
	unsigned name_cnt;
	char **types;
	unsigned type_cnt;
	char *ttl_min;
	char *ttl_max;
	char *until; /* YYYY-MM-DD, its end in UTC, or YYYY-MM-DDThh:mm:ssZ */
	char **sources;
	unsigned source_cnt;
	char *rate; /* updates, as 10/s, 100/m, 1000/h or 5000/d */
};

struct vly_grant_pattern {
	bool has_star;
	uint8_t head_len; /* labels in front of the star; 0 without a star */
	uint8_t tail_len; /* labels behind it, the root label included */
	uint8_t head[VLY_NAME_BYTES_MAX];
	uint8_t tail[VLY_NAME_BYTES_MAX];
};

struct vly_grant {
	struct vly_grant_pattern *pattern; /* none: all names of the zone */
	unsigned pattern_cnt;
	uint16_t *type; /* none: all but NS, SOA and DNAME */
	unsigned type_cnt;
	bool all_types; /* ANY is listed */
	uint32_t ttl_min;
	uint32_t ttl_max;
	uint64_t until;                /* seconds since 1970; UINT64_MAX: for ever */
	struct vly_prefix_list source; /* none: all clients */
	uint32_t rate;                 /* updates in `rate_seconds`; 0: no limit */
	uint32_t rate_seconds;
	uint64_t full_ns; /* when the bucket will be full again; CLOCK_MONOTONIC */
};

#define VLY_GRANT_REASON_BYTES 256

/*
 * Reads the words (untrusted) of a grant for the zone `zone`, a name as vly_domain_canonical()
 * writes it. Returns 0; or -1 with nothing to free, the key of the wrong word in *member (such as
 * "names[2]") and a sentence about it in `reason`.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_grant_read(struct vly_grant *grant, const struct vly_grant_text *text, const char *zone,
	       char member[32], char reason[VLY_GRANT_REASON_BYTES]);

__attribute__((nonnull)) void vly_grant_free(struct vly_grant *grant);

/* Does the grant hold at a time (seconds since 1970), for a client (IPv4 as ::ffff:a.b.c.d)?
 * Returns NULL, or the key of the limit that is against it. */
__attribute__((nonnull)) const char *vly_grant_holds(const struct vly_grant *grant, uint64_t now,
						     const uint8_t client[16]);

/*
 * Does it allow a change of `type` at `owner` (wire form, lower case)? `ttl` is NULL when a record
 * is removed. Type ANY, the removal of a whole name, is allowed where any type is; the caller asks
 * again for the types that are there. Returns NULL, or the key of the limit that is against it.
 */
__attribute__((nonnull(1, 2))) const char *vly_grant_allows(const struct vly_grant *grant,
							    const uint8_t *owner,
							    unsigned owner_len, uint16_t type,
							    const uint32_t *ttl);

/* Takes one update from the rate at a time (CLOCK_MONOTONIC); false: there is none left, and
 * nothing is taken. */
__attribute__((nonnull)) bool vly_grant_take(struct vly_grant *grant, uint64_t now_ns);

#endif
