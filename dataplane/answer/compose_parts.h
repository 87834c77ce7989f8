/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The state of a response while it is composed, shared by compose.c, which substitutes,
 * compose_copy.c, which copies compiled answers, and compose_signatures.c, which collects
 * signatures from them.
 *
 * Example: `y.x.a.z. A`, with `a.z. DNAME b.z.` and `x.b.z. DNAME c.z.` (upper case: compression
 * pointers into the message):
 *
 *     question   y.x.a.z.                  all of the name is in the question
 *     1st hop    A.Z.       DNAME b.z.     prefix "y.x": four octets, before the DNAME's owner
 *                Y.X.A.Z.   CNAME y.x.B.Z.    now the name in question
 *     2nd hop    X.B.Z.     DNAME c.z.     prefix "y": two octets
 *                Y.X.B.Z.   CNAME y.C.Z.      now the name in question
 *     copied     Y.C.Z.     A ...
 *
 * Two rules:
 *   - The response is written in place of the query, so the message holds octets of the client
 *     until they are written over. Nothing here reads the message back, not even octets that were
 *     just written: names are compared in `hop[]` and in the image. Otherwise a client could place
 *     a pointer that leads to itself where a name is expected.
 *   - Compression needs no search. The place of each suffix of the name in question is known: its
 *     first `prefix_len` octets are in the last CNAME, the rest is the target of the DNAME from
 *     which that CNAME was made. Before the first hop, all of it is in the question.
 *
 * An alias (CNAME or DNAME) that the response already has is not written again (RFC 2181 §5).
 */
#ifndef VLY_DATAPLANE_COMPOSE_PARTS_H
#define VLY_DATAPLANE_COMPOSE_PARTS_H

#include <volley/alias.h>

#include "base/wire.h"
#include "pieces.h"
#include "query.h"

/* How composing ends. After any end but DONE nothing more is written. */
enum vly_compose_end {
	VLY_COMPOSE_DONE,
	VLY_COMPOSE_NO_ROOM, /* the response is full, or the image is broken */
	VLY_COMPOSE_NO_WORK, /* the budget is spent */
	VLY_COMPOSE_FAILED,  /* the answer for the last name is too large for any message */
};

/* A substitution: `name`, of `name_len` octets in lower case, became the owner of a CNAME because
 * of the DNAME at a node, whose target is at `target_off` in the message. */
struct vly_compose_hop {
	struct vly_alias_hop by; /* a struct vly_image_node; octets of the name before its owner */
	uint16_t target_off;
	uint8_t name_len;
	uint8_t name[VLY_NAME_BYTES_MAX];
};

struct vly_composer {
	uint8_t *message; /* only written; begins with header and question */
	unsigned len;
	unsigned len_max;
	unsigned work_left;
	enum vly_compose_end end;
	uint16_t count[3];           /* answer, authority, additional */
	const struct vly_name *name; /* the name in question */
	/* the places of the name in question, in octets from `message` on */
	uint16_t prefix_off;
	uint16_t prefix_len;
	uint16_t target_off;
	unsigned hop_cnt;
	struct vly_compose_hop hop[VLY_ALIAS_HOPS_MAX];
};

/* Each of these functions returns true if composing goes on. */

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

/* Appends octets. `from` must not be in the message. */
__attribute__((nonnull)) bool vly_composer_put(struct vly_composer *composer, const uint8_t *from,
					       unsigned bytes);

/* `off` is within the reach of pointers. */
static inline bool
vly_composer_put_pointer(struct vly_composer *composer, unsigned off)
{
	if (composer->len_max - composer->len < 2)
		return vly_composer_end(composer, VLY_COMPOSE_NO_ROOM);
	vly_put_be16(composer->message + composer->len, VLY_POINTER_TAG | off);
	composer->len += 2;
	return true;
}

/* The place in the message of the suffix that begins `at` octets into the name in question. */
static inline unsigned
vly_composer_suffix_off(const struct vly_composer *composer, unsigned at)
{
	return at < composer->prefix_len ? composer->prefix_off + at
					 : composer->target_off + at - composer->prefix_len;
}

/* Appends the suffix that begins `at` octets into the name in question: a pointer, or all of its
 * labels if it is beyond the reach of pointers, behind large signatures. */
static inline bool
vly_composer_put_suffix(struct vly_composer *composer, unsigned at)
{
	const struct vly_name *name = composer->name;
	const unsigned off = vly_composer_suffix_off(composer, at);

	if (__builtin_expect(off <= VLY_POINTER_MAX, 1))
		return vly_composer_put_pointer(composer, off);
	return at < name->len ? vly_composer_put(composer, name->lower + at, name->len - at)
			      : vly_composer_end(composer, VLY_COMPOSE_NO_ROOM);
}

/* Appends the compiled answer for `name`, the name in question, and in its authority section
 * `pieces` (NULL: none); of the additional section only the required glue. */
__attribute__((nonnull(1, 2, 4))) bool vly_composer_copy(struct vly_composer *composer,
							 const struct vly_image_answer *answer,
							 const struct vly_pieces *pieces,
							 const struct vly_name *name);

/* Appends pieces to the authority section. Nothing leads to them but their own pointers. */
__attribute__((nonnull)) bool vly_composer_put_pieces(struct vly_composer *composer,
						      const struct vly_pieces *pieces);

/* Appends the records of type RRSIG or NSEC that the name in question has: step->node answers for
 * it, and step->fate is VLY_QUERY_SIGNATURES. */
__attribute__((nonnull)) bool vly_composer_put_signatures(struct vly_composer *composer,
							  const struct vly_query *step);

#endif
