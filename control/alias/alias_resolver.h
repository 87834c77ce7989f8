/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Resolves names to addresses, by libunbound with forwarders: a thread of libunbound's sends the queries, and
 * its descriptor wakes the loop.
 *
 * Use: vly_alias_resolver_new(); vly_alias_resolver_ask() for each name, whose `done` is called once, never
 * before this returns; vly_alias_resolver_free(), after which no `done` is called.
 *
 * Trust: libunbound parses what forwarders send; the lengths of addresses are checked here.
 * Threads: the loop's. vly_alias_resolver_free() waits for libunbound's thread, which ends at once.
 */
#ifndef VLY_CONTROL_ALIAS_RESOLVER_H
#define VLY_CONTROL_ALIAS_RESOLVER_H

#include <uv.h>

#include "alias_plan.h"
#include "alias_set.h"

#define VLY_ALIAS_WHY_BYTES 240

struct vly_alias_resolver;

/* What is known about addresses of one family. */
struct vly_alias_found {
	enum vly_alias_outcome outcome;
	bool is_no_name; /* MISSING: the name does not exist, and not only its addresses */
	uint32_t ttl_s;
	struct vly_alias_set set;
	char why[VLY_ALIAS_WHY_BYTES]; /* FAILED */
};

struct vly_alias_query {
	const char *name; /* in presentation form; stays until `done` */
	void (*done)(struct vly_alias_query *query);
	struct vly_alias_found found[VLY_ALIAS_FAMILIES];

	/* private */
	struct vly_alias_resolver *resolver;
	struct vly_alias_lookup {
		struct vly_alias_query *query;
		int id;
		bool is_waiting;
	} lookup[VLY_ALIAS_FAMILIES];
	struct vly_alias_query *next; /* that is under way, or that can't be asked */
	struct vly_alias_query *before;
};

/* `forwarder`: addresses, "@port" may follow. Returns NULL with a sentence. */
__attribute__((nonnull, warn_unused_result)) struct vly_alias_resolver *
vly_alias_resolver_new(uv_loop_t *loop, char *const *forwarder, unsigned forwarder_cnt,
		       uint32_t ttl_max_s, char *reason, size_t reason_bytes);

__attribute__((nonnull)) void vly_alias_resolver_ask(struct vly_alias_resolver *resolver,
						     struct vly_alias_query *query);

void vly_alias_resolver_free(struct vly_alias_resolver *resolver);

#endif
