/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "top_count.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct vly_top {
	UT_hash_handle hh;
	uint64_t weight;
	char name[];
};

void
vly_top_add(struct vly_top **top, const char *name, uint64_t weight)
{
	struct vly_top *found;

	HASH_FIND_STR(*top, name, found);
	if (!found) {
		found = calloc(1, sizeof(*found) + strlen(name) + 1);
		if (!found)
			return;
		strcpy(found->name, name);
		HASH_ADD_STR(*top, name, found);
		if (!found->hh.tbl) {
			free(found);
			return;
		}
	}
	found->weight += weight;
}

/* Equal ones by name, so that the list keeps still. */
static int
compare(const struct vly_top *a, const struct vly_top *b)
{
	if (a->weight != b->weight)
		return a->weight < b->weight ? 1 : -1;
	return strcmp(a->name, b->name);
}

json_t *
vly_top_json(struct vly_top **top, const char *key, size_t max, double seconds)
{
	json_t *array = json_array();

	HASH_SORT(*top, compare);
	for (struct vly_top *at = *top; at && max > 0; at = at->hh.next, max--)
		json_array_append_new(array, json_pack("{s:s,s:f}", key, at->name, "per_s",
						       (double)at->weight / seconds));
	vly_top_free(top);
	return array;
}

void
vly_top_free(struct vly_top **top)
{
	struct vly_top *at;
	struct vly_top *next;

	HASH_ITER(hh, *top, at, next)
	{
		HASH_DEL(*top, at);
		free(at);
	}
}
