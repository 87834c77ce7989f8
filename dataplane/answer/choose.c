/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "choose.h"

unsigned
vly_choose_among_many(const struct vly_image_node *node, unsigned type)
{
	unsigned low = 0;
	unsigned high = node->type_cnt;

	while (low < high) { /* halves 65,535, or less */
		unsigned middle = (low + high) / 2;
		if (node->type[middle].type == type)
			return middle;
		if (node->type[middle].type < type)
			low = middle + 1;
		else
			high = middle;
	}
	return node->type_cnt;
}
