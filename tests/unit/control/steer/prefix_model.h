/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A naive model of client maps: the longest prefix of a list, found by looking at all of them, and
 * the widest aligned prefix of addresses with one class. And lists to try it with.
 *
 * Use: vly_model_random() makes a list; vly_model_class() and vly_model_scope() say what is right.
 * Both are slow: of small lists, vly_model_make_points() first asks at all places where the class may
 * change; of large ones, vly_model_is_uniform() tells whether a scope is right.
 */
#ifndef VLY_TEST_PREFIX_MODEL_H
#define VLY_TEST_PREFIX_MODEL_H

#include <stdlib.h>

#include <volley/client_map.h>

#include "random.h"
#include "steer/map_builder.h"

__extension__ typedef unsigned __int128 vly_u128;

struct vly_model_address {
	enum vly_family family;
	vly_u128 number; /* of IPv4, in the upper 32 bits */
};

/* The points at which the class may change, with the class from there on: of one family. */
struct vly_model_points {
	vly_u128 *at;
	uint32_t *class;
	size_t cnt;
};

struct vly_model {
	struct vly_region_list list; /* settled */
	uint32_t *class_of;          /* by region */
	uint32_t class_cnt;
	struct vly_model_points points[VLY_FAMILY_CNT];
};

/* What random lists are like. */
struct vly_model_shape {
	size_t prefix_cnt;   /* of each family */
	unsigned region_cnt; /* that prefixes have */
	unsigned class_cnt;
	unsigned nested;   /* so many prefixes of a hundred are inside another one */
	unsigned bits_min; /* of prefixes that are not; IPv6: as many again */
	unsigned bits_max;
};

void vly_model_random(struct vly_model *model, const struct vly_model_shape *shape,
		      struct vly_test_random *random);

/* Computes the points, which vly_model_scope() needs. Takes time with the square of the list. */
void vly_model_make_points(struct vly_model *model);

/* An address anywhere, or beside the first or last address of a prefix, or inside one. */
struct vly_model_address vly_model_address(const struct vly_model *model,
					   struct vly_test_random *random);

uint32_t vly_model_class(const struct vly_model *model, const struct vly_model_address *address);

/* The same by the points: the class at the last one up to the address. */
uint32_t vly_model_point_class(const struct vly_model *model,
			       const struct vly_model_address *address);

/* The length of the widest prefix around the address in which all addresses have its class. */
unsigned vly_model_scope(const struct vly_model *model, const struct vly_model_address *address);

/* Whether all addresses with the same first bits have the same class, from the list alone. */
bool vly_model_is_uniform(const struct vly_model *model, const struct vly_model_address *address,
			  unsigned bits);

/* The map of the model, aligned: the caller's to free. Its check is made, too. */
struct vly_client_map *vly_model_map(const struct vly_model *model);

/* Writes the map of a partition; the caller frees it. */
struct vly_client_map *vly_model_write(const struct vly_built_map *built);

uint32_t vly_model_look_up(const struct vly_client_map *map,
			   const struct vly_model_address *address);

void vly_model_free(struct vly_model *model);

#endif
