/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "file_look.h"

#include <limits.h>
#include <sys/stat.h>

#include "store/image_index.h"

bool
vly_includes_unchanged(const char *includes)
{
	struct vly_file_stamp then;
	char file[PATH_MAX];
	struct stat status;

	while (vly_index_next_include(&includes, &then, file, sizeof(file))) {
		if (stat(file, &status) != 0)
			return false;
		struct vly_file_stamp now = vly_file_stamp(&status);
		if (!vly_file_stamp_equals(&now, &then))
			return false;
	}
	return true;
}

void
vly_file_look(struct vly_load_item *item)
{
	struct stat status;

	if (!item->file[0] || stat(item->file, &status) != 0)
		return; /* the builder says why, or there is none */
	item->stamp = vly_file_stamp(&status);
	item->is_unchanged =
		item->held != NULL && vly_file_stamp_equals(&item->stamp, &item->held->stamp) &&
		(item->held_includes == NULL || vly_includes_unchanged(item->held_includes));
}
