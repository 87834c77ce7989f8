/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Makes the block of the defence (volley/defence.h) from all that has a say in it: the
 * configuration, what was set at run time, which goes before it, and the cookies' secrets. No
 * state; any thread.
 */
#ifndef VLY_CONTROL_DEFENCE_BLOCK_H
#define VLY_CONTROL_DEFENCE_BLOCK_H

#include "config/config.h"
#include "defence_state.h"

struct vly_defence_sources {
	const struct vly_config_defence *config;
	const struct vly_defence_state *state;
	struct vly_cookie_secrets secrets;
	uint64_t source_key; /* random; the same for all blocks, so that counts of sources go on */
};

/* The value in force. */
__attribute__((nonnull)) const char *vly_defence_value(const struct vly_defence_sources *sources,
						       enum vly_defence_setting setting);

/* Appends every prefix in force, each once and sorted: the configuration's deny-file gives way to
 * its lists, and both to what was entered at run time. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_defence_prefixes(const struct vly_defence_sources *sources, struct vly_prefix_list *list);

/* Blocks, for VLY_SEAL_SECONDS (seal.h) at worst. Returns a sealed memfd, the caller's; or -1 with
 * the reason in `reason`. */
__attribute__((nonnull, warn_unused_result)) int
vly_defence_block_make(const struct vly_defence_sources *sources, uint64_t generation, char *reason,
		       size_t reason_bytes);

#endif
