/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds a type among those of a node. Pure; any thread inside the read side of the image. */
#ifndef VLY_DATAPLANE_CHOOSE_H
#define VLY_DATAPLANE_CHOOSE_H

#include <volley/image.h>

/* Up to so many types of a node are compared one after the other. Real nodes have fewer, but a zone
 * may have a node with all 65,535. */
#define VLY_TYPES_IN_TURN 32

/* The index into node->type[], or type_cnt if the type is not listed. */
static inline unsigned
vly_choose_in_turn(const struct vly_image_node *node, unsigned type)
{
	unsigned i = 0;

	while (i < node->type_cnt && node->type[i].type != type)
		i++;
	return i;
}

/* The same by bisection: types are in ascending order. */
__attribute__((nonnull)) unsigned vly_choose_among_many(const struct vly_image_node *node,
							unsigned type);

static inline unsigned
vly_choose_type(const struct vly_image_node *node, unsigned type)
{
	return __builtin_expect(node->type_cnt > VLY_TYPES_IN_TURN, 0)
		       ? vly_choose_among_many(node, type)
		       : vly_choose_in_turn(node, type);
}

#endif
