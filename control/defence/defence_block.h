/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Makes the defence block (volley/defence.h) from the configuration, the run-time settings, which
 * override it, and the cookie secrets. No state; any thread.
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

/* Appends every prefix in force, each once and sorted. The lists of the configuration override
 * its deny-file, and run-time entries override both. Returns 0, or -1 without memory. Does not
 * block. */
__attribute__((nonnull, warn_unused_result)) int
vly_defence_prefixes(const struct vly_defence_sources *sources, struct vly_prefix_list *list);

/* Makes a block. Returns a sealed memfd, the caller's; or -1 with `reason`. Blocks, for
 * VLY_SEAL_SECONDS (seal.h) at worst. */
__attribute__((nonnull, warn_unused_result)) int
vly_defence_block_make(const struct vly_defence_sources *sources, uint64_t generation, char *reason,
		       size_t reason_bytes);

#endif
