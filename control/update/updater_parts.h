/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the parts of the updater alone: updater.c answers messages, updater_keys.c changes the keys. On the loop. */
#ifndef VLY_CONTROL_UPDATER_PARTS_H
#define VLY_CONTROL_UPDATER_PARTS_H

#include "replay.h"
#include "updater.h"

struct vly_updater {
	struct vly_publisher *publisher;
	struct vly_living *living;
	struct vly_keyring *keyring;
	/* NULL: zones are being loaded, and nothing is answered */
	const struct vly_config *config;
	json_t *added; /* keys of the state directory */
	/* of them, and of those that are disabled, each on disk; read by other threads */
	_Atomic uint64_t change_cnt;
	char added_trouble
		[VLY_REASON_BYTES]; /* why their file can't be read, so that it is not replaced, or "" */
	char disabled_trouble[VLY_REASON_BYTES]; /* why all keys are disabled, or "" */
	struct vly_replay replay;
	struct vly_updater_counts counts;
	char *state_dir;
	uint64_t lines_second; /* of which `line_cnt` counts the lines */
	unsigned line_cnt;
};

#endif
