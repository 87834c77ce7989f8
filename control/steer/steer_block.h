/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The steering block and its slots (volley/steer.h), made of a model and of client maps.
 *
 * Use: vly_steer_maps_read() reads what the partitions of a model need, or keeps what is there;
 * vly_steer_block_make(); vly_steer_slots_make() and _fill(); vly_steer_slots_free().
 *
 * Threads: reading and making blocks take up to seconds, and block for the disk: not for the loop. Filling is
 * for one thread at a time.
 */
#ifndef VLY_CONTROL_STEER_BLOCK_H
#define VLY_CONTROL_STEER_BLOCK_H

#include "base/file_stamp.h"
#include "base/reason.h"
#include "map_builder.h"
#include "steer_model.h"
#include "steer_slots.h"

/* A client map of a partition; references, with an atomic count. */
struct vly_steer_map_block {
	_Atomic uint32_t ref_cnt;
	uint64_t hash; /* of the partition */
	struct vly_built_map map;
	struct vly_file_stamp stamp; /* of the file, from before it was read */
	uint64_t read_s;             /* when, in Unix time */
	uint64_t built_s;            /* what a database says about itself; 0: nothing */
	uint64_t prefix_cnt;
};

/* The maps of a model's partitions. */
struct vly_steer_maps {
	struct vly_steer_map_block **block; /* [cnt]; NULL: it could not be read */
	unsigned cnt;                       /* partitions */
	char (*trouble)
		[VLY_REASON_BYTES]; /* [map_cnt]: why a map of the configuration was not read, or "" */
	unsigned map_cnt;
};

void vly_steer_maps_free(struct vly_steer_maps *maps);

/* Reads the maps of a model. A partition keeps the block that `old` (or NULL) has for it, if the file has not
 * changed since, or can't be read now. Returns NULL without memory. */
__attribute__((nonnull(1), warn_unused_result)) struct vly_steer_maps *
vly_steer_maps_read(const struct vly_steer_model *model, const struct vly_steer_maps *old);

/* Whether the file of a map is another one than that of a block. Blocks for the disk. */
__attribute__((nonnull)) bool vly_steer_maps_have_changed(const struct vly_steer_model *model,
							  const struct vly_steer_maps *maps);

struct vly_steer_block {
	int fd;                    /* sealed memfd */
	struct vly_steer_row *row; /* [row_cnt], of the model's kinds in order */
	unsigned row_cnt;
	uint32_t slot_cnt;
};

/* Makes a block. Returns 0; or -1 with a sentence. */
__attribute__((nonnull, warn_unused_result)) int
vly_steer_block_make(struct vly_steer_block *block, const struct vly_steer_model *model,
		     const struct vly_steer_maps *maps, uint64_t generation,
		     char reason[VLY_REASON_BYTES]);

/* Slots that are written. */
struct vly_steer_slots {
	struct vly_steer_model *model; /* a reference */
	struct vly_steer_row *row;
	struct vly_steer_outcome *outcome; /* [row_cnt], of the last filling */
	unsigned row_cnt;
	uint32_t slot_cnt;
	uint16_t *slot; /* mapped */
	bool is_filled;
};

/* Makes the slots of a block, whose rows are taken over. Returns them, and their memfd in *fd; or NULL with
 * errno. */
__attribute__((nonnull, warn_unused_result)) struct vly_steer_slots *
vly_steer_slots_make(struct vly_steer_block *block, struct vly_steer_model *model, int *fd);

/* Writes all rows. Where the first filling would leave a row as it was, rows of the same kind and class in
 * `before` (or NULL) are copied. */
__attribute__((nonnull(1, 2))) void vly_steer_slots_fill(struct vly_steer_slots *slots,
							 const uint8_t *flags,
							 const struct vly_steer_slots *before);

void vly_steer_slots_free(struct vly_steer_slots *slots);

#endif
