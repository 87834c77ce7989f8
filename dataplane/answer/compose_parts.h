/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A response that is being composed: what compose.c, which substitutes, and compose_copy.c, which
 * copies compiled answers, share.
 *
 * Nothing here reads the message: the client's octets stand in it until they are written over.
 * Compression needs no search either, since the place of each suffix of the name in question is
 * known: its first `prefix_len` octets are in the CNAME that was made last, what follows is in the
 * DNAME that it was made by. Before the first substitution all of it is in the question.
 */
#ifndef VLY_DATAPLANE_COMPOSE_PARTS_H
#define VLY_DATAPLANE_COMPOSE_PARTS_H

#include <volley/alias.h>

#include "base/wire.h"
#include "query.h"

/* How composing ends. */
enum vly_compose_end {
	VLY_COMPOSE_DONE,
	VLY_COMPOSE_NO_ROOM, /* or the image is broken */
	VLY_COMPOSE_NO_WORK, /* the budget is spent */
};

/* A substitution: `name`, of `name_len` octets in lower case, became the owner of a CNAME, by the
 * DNAME of a node, whose target stands at `target_off` in the message. */
struct vly_compose_hop {
	struct vly_alias_hop by; /* a struct vly_image_node; the octets of the name that stayed */
	uint16_t target_off;
	uint8_t name_len;
	uint8_t name[VLY_NAME_BYTES_MAX];
};

struct vly_composer {
	uint8_t *message; /* the question stands in it */
	unsigned len;
	unsigned len_max;
	unsigned work_left;
	enum vly_compose_end end;
	uint16_t count[3]; /* answer, authority, additional */
	/* where the name in question stands */
	uint16_t prefix_off;
	uint16_t prefix_len;
	uint16_t target_off;
	unsigned hop_cnt;
	struct vly_compose_hop hop[VLY_ALIAS_HOPS_MAX];
};

/* Each of these returns whether composing goes on. */

static inline bool
vly_composer_end(struct vly_composer *composer, enum vly_compose_end end)
{
	composer->end = end;
	return false;
}

/* Takes units of work (compose.h) from the budget. */
static inline bool
vly_composer_work(struct vly_composer *composer, unsigned units)
{
	if (units > composer->work_left) {
		composer->work_left = 0;
		return vly_composer_end(composer, VLY_COMPOSE_NO_WORK);
	}
	composer->work_left -= units;
	return true;
}

/* Writes octets that are nowhere in the message. */
__attribute__((nonnull)) bool vly_composer_put(struct vly_composer *composer, const uint8_t *from,
					       unsigned bytes);

static inline bool
vly_composer_put_pointer(struct vly_composer *composer, unsigned off)
{
	if (composer->len_max - composer->len < 2)
		return vly_composer_end(composer, VLY_COMPOSE_NO_ROOM);
	vly_put_be16(composer->message + composer->len, VLY_POINTER_TAG | off);
	composer->len += 2;
	return true;
}

/* Where the suffix of the name in question stands that begins `at` octets into it. */
static inline unsigned
vly_composer_suffix_off(const struct vly_composer *composer, unsigned at)
{
	return at < composer->prefix_len ? composer->prefix_off + at
					 : composer->target_off + at - composer->prefix_len;
}

/* Appends an answer for `name`, the name in question: of the additional section only what must be
 * kept. */
__attribute__((nonnull)) bool vly_composer_copy(struct vly_composer *composer,
						const struct vly_image_answer *answer,
						const struct vly_name *name);

#endif
