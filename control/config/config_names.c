/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"
#include "zone/domain.h"

int
vly_config_names_begin(struct vly_config_names *names, unsigned room)
{
	*names = (struct vly_config_names){.item = calloc(room + 1, sizeof(*names->item))};
	return names->item != NULL ? 0 : -1;
}

bool
vly_config_names_add(struct vly_config_names *names, const char *name, const void *object)
{
	struct vly_config_named *item = &names->item[names->cnt];

	if (vly_config_names_find(names, name) != NULL)
		return false;
	names->cnt++;
	item->name = name;
	item->object = object;
	HASH_ADD_KEYPTR(hh, names->table, item->name, strlen(item->name), item);
	return true;
}

const void *
vly_config_names_find(const struct vly_config_names *names, const char *name)
{
	struct vly_config_named *item;

	HASH_FIND_STR(names->table, name, item);
	return item != NULL ? item->object : NULL;
}

void
vly_config_names_free(struct vly_config_names *names)
{
	HASH_CLEAR(hh, names->table);
	free(names->item);
	*names = (struct vly_config_names){0};
}

const char *
vly_config_settle_name(char **name)
{
	char canonical[VLY_DOMAIN_TEXT_BYTES];
	const char *why = vly_domain_canonical(*name, canonical);
	char *copy = why == NULL ? strdup(canonical) : NULL;

	if (copy != NULL) {
		free(*name);
		*name = copy;
	}
	return why != NULL || copy != NULL ? why : "out of memory";
}
