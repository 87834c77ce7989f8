/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the files of this room alone:
 *
 *     aliases.c         the list of ALIAS records, configuration, what is shown
 *     alias_scan.c      which ALIAS records zones have
 *     alias_work.c      an attempt, from its beginning to the plan for the next one
 *     alias_hops.c      targets in zones of ours
 *     alias_outside.c   targets elsewhere: turns, the resolver
 *     alias_submit.c    changes of zones
 *     alias_note.c      what is kept over restarts
 *     alias_look.c, alias_plan.c, alias_resolver.c, alias_set.c: know nothing of the list
 *
 * An attempt goes through these states:
 *
 *     IDLE ─► HOPPING ─► IDLE              the target is in zones of ours
 *       │        ▼
 *       └──► QUEUED ─► ASKING ─► IDLE      it is not
 */
#ifndef VLY_CONTROL_ALIAS_PARTS_H
#define VLY_CONTROL_ALIAS_PARTS_H

#include <uthash.h>

#include "alias_look.h"
#include "alias_resolver.h"
#include "aliases.h"
#include "base/note_file.h"
#include "base/timer_heap.h"
#include "living/living_read.h"
#include "zone/domain.h"

/* CNAME records that an attempt follows in zones of ours. More: nobody means that. */
#define VLY_ALIAS_HOPS_MAX 16

/* Zones that an attempt may go through. */
#define VLY_ALIAS_DEPS_MAX 4

enum vly_alias_step {
	VLY_ALIAS_IDLE,
	VLY_ALIAS_HOPPING,
	VLY_ALIAS_QUEUED,
	VLY_ALIAS_ASKING,
};

/* Addresses in as much memory as they need. */
struct vly_alias_kept {
	uint8_t *address;
	uint16_t cnt;
	uint8_t octets;
};

/* A zone that has ALIAS records, or that targets are in. */
struct vly_alias_zone {
	struct vly_alias *first;         /* its ALIAS records */
	struct vly_alias_change *change; /* under way, or NULL */
	struct vly_alias_zone *scan_next;
	uint32_t dep_cnt;    /* attempts that went through it */
	uint32_t wanted_cnt; /* of its ALIAS records: with `wanted` */
	bool is_dirty;       /* it has changed */
	bool wants_scan;
	UT_hash_handle hh;
	char name[];
};

struct vly_alias {
	struct vly_timer timer; /* first */
	char *key;              /* zone, a blank, and the owner, both canonical */
	char *target;           /* canonical */
	struct vly_alias_zone *zone;
	struct vly_alias *zone_next;
	struct vly_alias *queue_next;                   /* of the queue that its step says */
	struct vly_alias_kept kept[VLY_ALIAS_FAMILIES]; /* as the zone has them */
	struct vly_alias_wanted *wanted;                /* what is to be changed, or NULL */
	struct vly_alias_past past;
	char *trouble;     /* or NULL */
	char *source;      /* the key of the ALIAS of ours that its addresses come from; or NULL */
	uint32_t ttl;      /* of the record */
	uint32_t kept_ttl; /* of the addresses */
	uint64_t next_s;
	uint32_t pin_cnt; /* of work that refers to it */
	uint32_t scan;    /* the number of the scan that has seen it last */
	uint8_t step;     /* enum vly_alias_step */
	uint8_t hop_cnt;
	uint8_t dep_cnt;
	bool is_outside; /* the last attempt asked the resolver */
	bool is_again;   /* something has changed since the attempt began */
	bool is_removed;
	bool is_missing;
	bool is_tried; /* an attempt has ended */
	struct vly_alias_zone *dep[VLY_ALIAS_DEPS_MAX];
	uint8_t owner_len;
	uint8_t name_len;
	uint8_t owner[VLY_NAME_BYTES_MAX];
	uint8_t name[VLY_NAME_BYTES_MAX]; /* that the attempt is at */
	UT_hash_handle hh;
};

/* Addresses that a zone is to have. */
struct vly_alias_wanted {
	struct vly_alias_set set[VLY_ALIAS_FAMILIES];
	bool takes[VLY_ALIAS_FAMILIES]; /* false: they stay as they are */
};

struct vly_alias_list_head {
	struct vly_alias *first;
	struct vly_alias **end;
	uint32_t cnt;
};

struct vly_aliases {
	struct vly_aliases_settings settings;
	struct vly_alias_policy policy;
	char **allow;
	unsigned allow_cnt;
	char **forwarder;
	unsigned forwarder_cnt;
	struct vly_alias_resolver *resolver; /* NULL: there is none */
	char resolver_trouble[VLY_REASON_BYTES];
	struct vly_note_file *notes;

	struct vly_alias *by_key;
	struct vly_alias_zone *zones;
	struct vly_timer_heap heap;
	uv_timer_t timer; /* of the heap */
	uv_timer_t turn;  /* for names that wait outside */
	uv_timer_t flush; /* of changes, and of zones that have changed */
	unsigned handle_cnt;

	struct vly_alias_scan *scan; /* under way */
	struct vly_alias_zone *scan_first;
	struct vly_alias_zone **scan_end;
	uint32_t scan_cnt;

	struct vly_alias_hops *hops; /* under way */
	struct vly_alias_list_head hopping;
	uint64_t dirty_after_ms; /* changed zones are looked at no earlier */
	bool is_dirty;

	struct vly_alias_list_head queued;
	struct vly_alias_asking *asking; /* under way */
	uint32_t asking_cnt;
	uint32_t parallel_max;
	uint32_t rate_per_s;
	struct vly_alias_rate rate;

	uint64_t resolved_cnt;
	uint64_t failed_cnt;
	char trouble[VLY_TROUBLE_BYTES];
};

/* Lists. */
static inline void
vly_alias_push(struct vly_alias_list_head *list, struct vly_alias *alias)
{
	if (list->first == NULL)
		list->end = &list->first;
	alias->queue_next = NULL;
	*list->end = alias;
	list->end = &alias->queue_next;
	list->cnt++;
}

static inline struct vly_alias *
vly_alias_pop(struct vly_alias_list_head *list)
{
	struct vly_alias *alias = list->first;

	if (alias != NULL) {
		list->first = alias->queue_next;
		list->cnt--;
	}
	return alias;
}

/* aliases.c */

/* The entry of a zone, a new one if there is none. NULL: no memory. */
__attribute__((nonnull)) struct vly_alias_zone *vly_alias_zone_get(struct vly_aliases *aliases,
								   const char *name);
__attribute__((nonnull)) struct vly_alias_zone *
vly_alias_zone_find(const struct vly_aliases *aliases, const char *name);

/* Frees the entry of a zone that is of no use any more. */
__attribute__((nonnull)) void vly_alias_zone_leave(struct vly_aliases *aliases,
						   struct vly_alias_zone *zone);

/* ALIAS records are due. */
__attribute__((nonnull)) void vly_alias_on_due(uv_timer_t *timer);

/* Frees an alias that was removed, if nothing refers to it. */
__attribute__((nonnull)) void vly_alias_unpin(struct vly_aliases *aliases, struct vly_alias *alias);

/* Takes it out of the list. */
__attribute__((nonnull)) void vly_alias_remove(struct vly_aliases *aliases,
					       struct vly_alias *alias);

/* Sets what is shown as trouble; NULL: none. */
__attribute__((nonnull(1))) void vly_alias_set_trouble(struct vly_alias *alias, const char *text);

/* Sets addresses; false: no memory, and they are as before. */
__attribute__((nonnull)) bool vly_alias_keep(struct vly_alias_kept *kept,
					     const struct vly_alias_set *set);
__attribute__((nonnull)) bool vly_alias_keeps(const struct vly_alias_kept *kept,
					      const struct vly_alias_set *set);

/* The time of the next attempt; not in the past. */
__attribute__((nonnull)) void vly_alias_set_timer(struct vly_aliases *aliases,
						  struct vly_alias *alias, uint64_t pause_ms);

/* Sets the key of the ALIAS that the addresses come from; NULL: none of ours. */
__attribute__((nonnull(1))) void vly_alias_set_source(struct vly_alias *alias, const char *key);

/* alias_scan.c */

/* Writes a name as it is in keys. */
__attribute__((nonnull)) void vly_alias_spell(const uint8_t *wire, char out[VLY_DOMAIN_TEXT_BYTES]);
__attribute__((nonnull)) void vly_alias_want_scan(struct vly_aliases *aliases, const char *zone);

/* alias_work.c */

/* Begins an attempt, or notes that one more is wanted. */
__attribute__((nonnull)) void vly_alias_begin(struct vly_aliases *aliases, struct vly_alias *alias);

/* Whether the addresses of an ALIAS come from itself, by way of others; the attempt ends by it. */
__attribute__((nonnull)) bool vly_alias_is_round(const struct vly_aliases *aliases,
						 const struct vly_alias *alias);

/* The attempt goes on with alias->name: in a zone of ours, or outside. */
__attribute__((nonnull)) void vly_alias_go_on(struct vly_aliases *aliases, struct vly_alias *alias);

/* The attempt has failed. */
__attribute__((nonnull)) void vly_alias_fail(struct vly_aliases *aliases, struct vly_alias *alias,
					     const char *why);

/* It has ended, with what was found. */
__attribute__((nonnull)) void vly_alias_end(struct vly_aliases *aliases, struct vly_alias *alias,
					    const struct vly_alias_found found[VLY_ALIAS_FAMILIES]);

__attribute__((nonnull)) void vly_alias_forget_deps(struct vly_aliases *aliases,
						    struct vly_alias *alias);

/* alias_hops.c */
__attribute__((nonnull)) void vly_alias_hop_later(struct vly_aliases *aliases,
						  struct vly_alias *alias);
/* Has all attempts made again that went through zones that have changed. */
__attribute__((nonnull)) void vly_alias_look_at_dirty(struct vly_aliases *aliases);

/* alias_outside.c */
__attribute__((nonnull)) void vly_alias_ask_later(struct vly_aliases *aliases,
						  struct vly_alias *alias);
__attribute__((nonnull)) void vly_alias_turns(struct vly_aliases *aliases);
/* Ends the resolver; those that were being asked are queued again. */
__attribute__((nonnull)) void vly_alias_end_resolver(struct vly_aliases *aliases);

/* alias_submit.c */

/* Gives an alias the addresses; takes[i] false: the family stays as it is. */
__attribute__((nonnull)) void vly_alias_want(struct vly_aliases *aliases, struct vly_alias *alias,
					     const struct vly_alias_wanted *wanted);
/* Submits what is wanted. */
__attribute__((nonnull)) void vly_alias_submit(struct vly_aliases *aliases);
/* Has vly_alias_submit() and vly_alias_look_at_dirty() called soon. */
__attribute__((nonnull)) void vly_alias_flush_soon(struct vly_aliases *aliases);

/* alias_note.c */
__attribute__((nonnull, warn_unused_result)) struct vly_note_file *
vly_alias_notes_open(uv_loop_t *loop, const char *state_dir, uint64_t now_s);
/* Takes what is known about an ALIAS with this target. Returns when it is due, in seconds since 1970; 0: nothing
 * is known. */
__attribute__((nonnull)) uint64_t vly_alias_note_take(struct vly_aliases *aliases,
						      struct vly_alias *alias);
__attribute__((nonnull)) void vly_alias_note_put(struct vly_aliases *aliases,
						 const struct vly_alias *alias);

#endif
