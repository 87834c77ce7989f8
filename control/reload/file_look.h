/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the files of a zone have changed since it was read, by their stamps alone: no file is
 * opened. Any thread; blocks for the disk. */
#ifndef VLY_CONTROL_FILE_LOOK_H
#define VLY_CONTROL_FILE_LOOK_H

#include "load_item.h"

/* Sets item->stamp; and item->is_unchanged, if the item's files are those of item->held. */
__attribute__((nonnull)) void vly_file_look(struct vly_load_item *item);

/* Whether the included files are as they were. `includes` as in struct vly_load_item, untrusted. */
__attribute__((nonnull)) bool vly_includes_unchanged(const char *includes);

#endif
