/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Requests on the control socket: one line of JSON in, one struct out. A pure function of
 * untrusted bytes.
 *
 *     {"command":"status"}
 *     {"command":"reload"}                      everything, configuration too
 *     {"command":"reload","force":true}         the same, unchanged zone files too
 *     {"command":"reload","zones":["example."]}
 *     {"command":"zones","after":"example.","limit":1000}
 *     {"command":"stats"}
 *     {"command":"defence-show"}
 *     {"command":"defence-set","key":"source-rate.address","value":"50000","for":"10m"}
 *     {"command":"defence-unset","key":"source-rate.address"}
 *     {"command":"defence-deny","prefixes":["192.0.2.0/24"],"for":"10m"}; also -allow, -forget
 *     {"command":"defence-deny","text":"192.0.2.0/24\n2001:db8::/32\n","name":"bad.txt"}
 *     {"command":"cookies-show","reveal":true}
 *     {"command":"cookies-roll","next":"000102030405060708090a0b0c0d0e0f"}
 *     {"command":"drops","cursor":[5,0,17]}     behind these numbers of samples, ring by ring
 *     {"command":"aliases","zone":"example.","name":"example. www.example.","limit":1000}; behind that one
 *     {"command":"keys"}
 *     {"command":"key-add","text":"an object as in update/added_keys.h"}
 *     {"command":"key-remove","name":"acme.example."}
 *     {"command":"key-disable","name":"acme.example."}; also -enable
 *     {"command":"zone-edit","zone":"example.","text":"+ www 300 A 192.0.2.1\n- old A\n"}
 *     {"command":"zone-begin","zone":"example.","name":"who begins it"}; zone-commit, zone-abort, zone-diff
 *     {"command":"zone-revert","zone":"example.","serial":7}
 *     {"command":"zone-show","zone":"example.","after":"a.example.","limit":1000}, or "name":"www"
 *     {"command":"zone-history","zone":"example.","limit":20}
 *     {"command":"zone-status","zone":"example."}; also -refresh, -retransfer, -notify
 *     {"command":"zone-accept","zone":"example.","serial":7}; also -reject, and without a serial
 *     {"command":"transfers"}
 *     {"command":"transfers-past"}              those that have ended, the newest first
 *     {"command":"checks","name":"fra1","limit":1000}   health checks behind this name
 *     {"command":"pools"}                       or with "name":"eu", with its members
 *     {"command":"pool-down","name":"eu/fra1","for":"10m"}; also -up, -drain, and of a whole pool
 *     {"command":"steer"}                       maps and policies
 *     {"command":"top"}                         answered after a second of watching
 */
#ifndef VLY_CONTROL_REQUEST_H
#define VLY_CONTROL_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <volley/defence.h>

#include "base/prefix_list.h"
#include "config/defence_settings.h"

/* The most zones in one answer: about 200 kB, which a client that does not read may cost, and a few
 * milliseconds of the loop. A million zones take a thousand requests. */
#define VLY_REQUEST_ZONES_MAX 1000

/* The most rings: one for each lcore and thread. */
#define VLY_REQUEST_CURSOR_MAX 4096

/* id, name */
#define VLY_COMMANDS(X)                                                                            \
	X(STATUS, "status")                                                                        \
	X(RELOAD, "reload")                                                                        \
	X(ZONES, "zones")                                                                          \
	X(STATS, "stats")                                                                          \
	X(DEFENCE_SHOW, "defence-show")                                                            \
	X(DEFENCE_SET, "defence-set")                                                              \
	X(DEFENCE_UNSET, "defence-unset")                                                          \
	X(DEFENCE_DENY, "defence-deny")                                                            \
	X(DEFENCE_ALLOW, "defence-allow")                                                          \
	X(DEFENCE_FORGET, "defence-forget")                                                        \
	X(COOKIES_SHOW, "cookies-show")                                                            \
	X(COOKIES_ROLL, "cookies-roll")                                                            \
	X(DROPS, "drops")                                                                          \
	X(TOP, "top")                                                                              \
	X(ALIASES, "aliases")                                                                      \
	X(KEYS, "keys")                                                                            \
	X(KEY_ADD, "key-add")                                                                      \
	X(KEY_REMOVE, "key-remove")                                                                \
	X(KEY_DISABLE, "key-disable")                                                              \
	X(KEY_ENABLE, "key-enable")                                                                \
	X(ZONE_EDIT, "zone-edit")                                                                  \
	X(ZONE_BEGIN, "zone-begin")                                                                \
	X(ZONE_COMMIT, "zone-commit")                                                              \
	X(ZONE_ABORT, "zone-abort")                                                                \
	X(ZONE_REVERT, "zone-revert")                                                              \
	X(ZONE_SHOW, "zone-show")                                                                  \
	X(ZONE_HISTORY, "zone-history")                                                            \
	X(ZONE_DIFF, "zone-diff")                                                                  \
	X(ZONE_STATUS, "zone-status")                                                              \
	X(ZONE_REFRESH, "zone-refresh")                                                            \
	X(ZONE_RETRANSFER, "zone-retransfer")                                                      \
	X(ZONE_NOTIFY, "zone-notify")                                                              \
	X(ZONE_ACCEPT, "zone-accept")                                                              \
	X(ZONE_REJECT, "zone-reject")                                                              \
	X(TRANSFERS, "transfers")                                                                  \
	X(TRANSFERS_PAST, "transfers-past")                                                        \
	X(CHECKS, "checks")                                                                        \
	X(POOLS, "pools")                                                                          \
	X(POOL_UP, "pool-up")                                                                      \
	X(POOL_DOWN, "pool-down")                                                                  \
	X(POOL_DRAIN, "pool-drain")                                                                \
	X(STEER, "steer")

enum vly_command {
#define X(id, name) VLY_COMMAND_##id,
	VLY_COMMANDS(X)
#undef X
		VLY_COMMAND_CNT
};

struct vly_request {
	enum vly_command command;
	char **zones; /* reload: as vly_domain_canonical() writes them; none: all */
	uint32_t zone_cnt;
	bool force;     /* reload: read files that have not changed, too */
	char *after;    /* zones: begin behind this one, or NULL */
	uint32_t limit; /* zones: 1..VLY_REQUEST_ZONES_MAX */

	char *zone;      /* zone-*: the zone */
	uint32_t serial; /* zone-revert, -accept, -reject */
	bool has_serial;

	int setting;                     /* defence-set and -unset: enum vly_defence_setting */
	char *value;                     /* defence-set: a good one */
	int64_t for_s;                   /* 0: for good */
	struct vly_prefix_list prefixes; /* without an action */
	char *text;                      /* prefixes as in a file, or NULL */
	size_t text_bytes;
	char *name;  /* of that file; checks: begin behind this one; or NULL */
	bool reveal; /* cookies-show */
	bool has_next;
	uint8_t next[VLY_COOKIE_SECRET_BYTES]; /* cookies-roll */
	uint64_t *cursor;                      /* drops */
	uint32_t cursor_cnt;
};

/*
 * Decodes line[0..bytes-1] (untrusted, without the newline). Returns 0 with *request, to be cleared
 * with vly_request_clear(); or -1 with a sentence in `reason`, and nothing to clear.
 */
__attribute__((nonnull, warn_unused_result)) int vly_request_decode(const char *line, size_t bytes,
								    struct vly_request *request,
								    char *reason,
								    size_t reason_bytes);

__attribute__((nonnull)) void vly_request_clear(struct vly_request *request);

/* "90", "90s", "10m", "2h", "7d": seconds, 1 to ten years. Returns -1 for anything else. */
__attribute__((nonnull)) int64_t vly_request_read_time(const char *text);

#endif
