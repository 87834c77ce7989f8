/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "number_table.h"
#include "partition.h"

struct product {
	struct vly_partition *to;
	struct vly_number_table number; /* of a pair, plus 1 */
	struct vly_region_pair *pair;
	uint32_t pair_room;
};

/* Gives the pair the next number. */
static int
add_pair(struct product *product, uint32_t a, uint32_t b)
{
	uint32_t cnt = product->to->region_cnt;

	if (cnt == VLY_REGION_MAX) {
		errno = E2BIG;
		return -1;
	}
	if (cnt == product->pair_room) {
		uint32_t room = cnt ? 2 * cnt : 64;
		void *grown = realloc(product->pair, room * sizeof(*product->pair));
		if (grown == NULL)
			return -1;
		product->pair = grown;
		product->pair_room = room;
	}
	product->pair[cnt] = (struct vly_region_pair){.a = a, .b = b};
	product->to->region_cnt = cnt + 1;
	return 0;
}

static int
number_of(struct product *product, uint32_t a, uint32_t b, uint32_t *region)
{
	uint32_t *place = vly_number_table_place(&product->number, (uint64_t)a << 32 | b);

	if (place == NULL)
		return -1;
	if (*place == 0) {
		if (add_pair(product, a, b) != 0)
			return -1;
		*place = product->to->region_cnt;
	}
	*region = *place - 1;
	return 0;
}

static bool
is_below(const struct vly_boundary *a, const struct vly_boundary *b)
{
	return a->high != b->high ? a->high < b->high : a->low < b->low;
}

/* Merges the boundaries of one family. At each of them, one of the regions changes, or both: so
 * neighbours are different pairs. */
static int
merge(struct product *product, struct vly_part *to, const struct vly_part *a,
      const struct vly_part *b)
{
	size_t i = 0; /* the boundaries that are at or before the place */
	size_t j = 0;

	to->boundary = malloc((a->cnt + b->cnt) * sizeof(*to->boundary));
	if (to->boundary == NULL)
		return -1;
	while (i < a->cnt || j < b->cnt) {
		bool from_a =
			j == b->cnt || (i < a->cnt && !is_below(&b->boundary[j], &a->boundary[i]));
		bool from_b =
			i == a->cnt || (j < b->cnt && !is_below(&a->boundary[i], &b->boundary[j]));
		struct vly_boundary at = from_a ? a->boundary[i] : b->boundary[j];
		i += from_a;
		j += from_b;
		/* both have a boundary at 0, so i and j are not 0 */
		if (number_of(product, a->boundary[i - 1].region, b->boundary[j - 1].region,
			      &at.region) != 0)
			return -1;
		to->boundary[to->cnt++] = at;
	}
	return 0;
}

int
vly_partition_product(struct vly_partition *to, struct vly_region_pair **pair,
		      const struct vly_partition *a, const struct vly_partition *b)
{
	struct product product = {.to = to};
	int error = 0;

	memset(to, 0, sizeof(*to));
	errno = ENOMEM;
	for (unsigned family = 0; family < VLY_FAMILY_CNT && error == 0; family++)
		error = merge(&product, &to->part[family], &a->part[family], &b->part[family]);
	vly_number_table_free(&product.number);
	if (error != 0) {
		int code = errno;
		free(product.pair);
		vly_partition_free(to);
		errno = code;
		return -1;
	}
	*pair = product.pair;
	return 0;
}
