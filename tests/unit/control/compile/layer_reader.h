/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A zone as a stack of layers, looked up as image.h says it, one layer and one label after the other;
 * and a comparison of two stacks that are to give the same answers.
 */
#ifndef VLY_TEST_LAYER_READER_H
#define VLY_TEST_LAYER_READER_H

#include "compile/image_builder.h"

#define VLY_TEST_LAYERS_MAX 16

struct vly_test_layers {
	unsigned cnt;
	struct vly_merge_layer layer[VLY_TEST_LAYERS_MAX]; /* the lowest first */
};

/* Seals and opens an image; it is closed by the caller (vly_image_close()). */
struct vly_image *vly_test_seal(struct vly_image_builder *builder);

/* Whether both give the same octets for all types of all names of a model's name space, and those a
 * label below; says on stderr what differs. */
bool vly_test_layers_agree(const struct vly_test_layers *left, const struct vly_test_layers *right,
			   const char *apex);

#endif
