/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The steps of an IXFR as one change: a record that is added by one step and removed by another is in
 * neither list. */
#ifndef VLY_CONTROL_NET_CHANGE_H
#define VLY_CONTROL_NET_CHANGE_H

#include "change/change.h"
#include "spool.h"

/* Reads the spool into the empty `change`. Returns NULL or a sentence. Blocks for the disk. */
__attribute__((nonnull, warn_unused_result)) const char *
vly_net_change(struct vly_change *change, struct vly_spool *spool, uint32_t step_cnt);

/* Adds all of `from` to `to`. Returns 0, or -1 with errno. */
__attribute__((nonnull, warn_unused_result)) int vly_change_add_all(struct vly_change *to,
								    const struct vly_change *from);

#endif
