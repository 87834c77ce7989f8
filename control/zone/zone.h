/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A zone as it was read: a tree of names with their records. It exists only between the zone file
 * and the image.
 *
 * Use: vly_zone_read_file() (zone_file.h) makes one; the compiler reads it; vly_zone_free(). To make
 * one of other records: vly_zone_init(), vly_zone_add_file(), vly_zone_add_name() and
 * vly_zone_add_record() for each record, vly_zone_mark_hidden(). A
 * node's parent has a lower index than the node, so a pass over the nodes meets parents first.
 * Empty non-terminals have nodes without records. One thread at a time; no function blocks but for
 * memory.
 */
#ifndef VLY_CONTROL_ZONE_H
#define VLY_CONTROL_ZONE_H

#include <volley/name.h>

#include "arena.h"
#include "base/file_stamp.h"

#define VLY_ZONE_NONE UINT32_MAX /* no such node */

struct vly_zone_record {
	vly_arena_ref next; /* the record before it at the same node; 0 ends the list */
	uint32_t ttl;       /* seconds */
	uint32_t line;      /* in file file_idx */
	uint16_t file_idx;
	uint16_t type;
	uint16_t data_len;
	uint8_t data[]; /* RDATA, uncompressed */
};

enum vly_zone_node_flag {
	VLY_ZONE_CUT = 1,      /* owns NS and is not the apex */
	VLY_ZONE_DNAME = 2,    /* owns a DNAME */
	VLY_ZONE_CNAME = 4,    /* owns a CNAME */
	VLY_ZONE_OCCLUDED = 8, /* below a cut or a DNAME; see vly_zone_mark_hidden() */
	VLY_ZONE_ABSENT = 16,  /* owns NSEC3 alone, so that it does not exist for queries */
	VLY_ZONE_RETURNS = 32, /* a wildcard alias whose chain leads to its own name; see chain.h */
	VLY_ZONE_ADDRESS = 64, /* owns A or AAAA */
	VLY_ZONE_STEERED =
		128, /* some of its answers depend on who asks; see compile/compile_steer.h */
};

/* Nodes that no query finds. */
#define VLY_ZONE_HIDDEN (VLY_ZONE_OCCLUDED | VLY_ZONE_ABSENT)

struct vly_zone_node {
	uint64_t hash;
	vly_arena_ref name; /* a length octet, then the name in lower case */
	uint32_t parent;    /* node index; the apex's is VLY_ZONE_NONE */
	uint32_t
		wildcard; /* index of the child "*", or VLY_ZONE_NONE; one that is absent is none */
	vly_arena_ref records; /* the newest first */
	uint32_t image_ref;    /* of the compiled node, for the compiler */
	uint8_t flags;         /* enum vly_zone_node_flag */
	uint8_t label_cnt;
};

/* Where a name is: the upper half of its hash, whose top bits are the place, so that growing moves
 * names in order and without a look at the nodes. */
struct vly_zone_slot {
	uint32_t tag;
	uint32_t node; /* index + 1; 0: free */
};

struct vly_zone {
	struct vly_hash_key key;
	struct vly_arena arena; /* names and records */
	struct vly_arena nodes;
	struct vly_zone_node *node; /* in `nodes`; node[0] is the apex */
	uint32_t node_cnt;
	struct vly_zone_slot *slot; /* open addressing, at most three quarters full */
	unsigned slot_shift;        /* 32 - log2 of the number of slots */
	uint64_t record_cnt;
	char **file;                  /* names of the zone file and what it includes, by file_idx */
	struct vly_file_stamp *stamp; /* of them, from before they were read */
	uint16_t file_cnt;
	bool has_nsec3;
	bool has_alias;
};

/* Begins a zone with the given apex (scanned, not yet hashed). Returns 0, or -1 with errno. */
__attribute__((nonnull, warn_unused_result)) int
vly_zone_init(struct vly_zone *zone, const struct vly_hash_key *key, struct vly_name *apex);

void vly_zone_free(struct vly_zone *zone);

/* Moves what is large of a zone into two files, as vly_arena_move() does. They are
 * the zone's from then on, in any case. Returns 0; or -1 with errno, and the zone is as good as before. */
__attribute__((nonnull, warn_unused_result)) int vly_zone_move(struct vly_zone *zone,
							       const int file[2]);

/* Nodes that are gone through before vly_zone_rest(): fewer: more system calls; more: more memory, some 80
 * octets for each. */
#define VLY_ZONE_REST_NODES 65536

/* Of a zone in files, what was read so far takes no memory any more (vly_arena_rest()). */
static inline void
vly_zone_rest(const struct vly_zone *zone)
{
	vly_arena_rest(&zone->arena);
	vly_arena_rest(&zone->nodes);
}

/* For passes over all nodes: rests now and then. */
static inline void
vly_zone_pass(const struct vly_zone *zone, uint32_t node_idx)
{
	if (node_idx % VLY_ZONE_REST_NODES == 0 && zone->arena.is_file)
		vly_zone_rest(zone);
}

/* The node of a name at or below the apex, made with its ancestors when missing; VLY_ZONE_NONE with
 * errno when there is no memory. `name` is hashed. */
__attribute__((nonnull, warn_unused_result)) uint32_t
vly_zone_add_name(struct vly_zone *zone, const struct vly_name *name);

/* Notes the file that records come from, with a stamp from before it was read; `path` is copied. The
 * first one also stands for the zone in findings. Returns 0, or -1 when there is no memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_zone_add_file(struct vly_zone *zone, const char *path, const struct vly_file_stamp *stamp);

/* Adds a record (sound: vly_rdata_is_sound()) to a node, as line 0 of file 0. Within a type, records
 * are served in the order in which they were added. Returns 0, or -1 with errno. */
__attribute__((nonnull, warn_unused_result)) int
vly_zone_add_record(struct vly_zone *zone, uint32_t node_idx, uint16_t type, uint32_t ttl,
		    const uint8_t *data, unsigned data_len);

/* Puts a record that is in the arena at a node, and notes what the node owns. */
__attribute__((nonnull)) void vly_zone_link_record(struct vly_zone *zone, uint32_t node_idx,
						   vly_arena_ref record);

/* The node of the suffix of `name` (hashed) that starts at label_idx, or VLY_ZONE_NONE. */
__attribute__((nonnull)) uint32_t vly_zone_find(const struct vly_zone *zone,
						const struct vly_name *name, unsigned label_idx);

/* Prefetches the slot that vly_zone_add_name() will read: with ten million names each is a cache
 * miss. */
static inline void
vly_zone_prefetch(const struct vly_zone *zone, const struct vly_name *name)
{
	__builtin_prefetch(&zone->slot[(uint32_t)(name->hash[0] >> 32) >> zone->slot_shift], 1);
}

/* True when `name` (scanned) is that of a node, or below it. */
__attribute__((nonnull)) bool vly_zone_is_below(const struct vly_zone *zone, uint32_t node_idx,
						const struct vly_name *name);

/* True for NSEC3, and for an RRSIG that covers it. */
static inline bool
vly_zone_record_is_nsec3(const struct vly_zone_record *record)
{
	return record->type == VLY_TYPE_NSEC3 ||
	       (record->type == VLY_TYPE_RRSIG && record->data_len >= 2 && record->data[0] == 0 &&
		record->data[1] == VLY_TYPE_NSEC3);
}

/* Whether a node owns something else than NSEC3 and its signatures. */
__attribute__((nonnull)) bool vly_zone_owns_data(const struct vly_zone *zone, uint32_t node_idx);

/* True when `name` is the apex or below it. */
static inline bool
vly_zone_has_name(const struct vly_zone *zone, const struct vly_name *name)
{
	return vly_zone_is_below(zone, 0, name);
}

/* Marks the nodes that queries do not find, once all records are in: those below cuts and DNAMEs
 * (RFC 9499 §7), and those that exist only because of an NSEC3 record or its RRSIG at or below them
 * (RFC 5155 §7.2.8). */
__attribute__((nonnull)) void vly_zone_mark_hidden(struct vly_zone *zone);

static inline const uint8_t *
vly_zone_node_name(const struct vly_zone *zone, uint32_t node_idx, unsigned *len)
{
	const uint8_t *name = vly_arena_at(&zone->arena, zone->node[node_idx].name);

	*len = name[0];
	return name + 1;
}

#endif
