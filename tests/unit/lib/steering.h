/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Steered names without a compiler of them, and steering blocks from plain descriptions.
 *
 * Use: vly_test_steered_build() makes names of an image steered: the answers of other names become
 * their alternatives. vly_test_steer_make() makes the memfds of a steering block, which a test maps
 * with vly_steer_map(), and whose slots it goes on writing.
 */
#ifndef VLY_TEST_STEERING_H
#define VLY_TEST_STEERING_H

#include "server.h"
#include "steer/steer.h"

#define VLY_TEST_ALTS_MAX 8

/* A name that has records of the type, and the names whose answers for it are the alternatives; ""
 * stands for the zone's NODATA. Names in text, absolute. */
struct vly_test_steered {
	const char *name;
	uint16_t type;
	uint64_t policy;
	unsigned alt_cnt;
	const char *alt[VLY_TEST_ALTS_MAX];
};

/* The octets of the image of `bytes` octets at `block` with these names steered, resealed; the
 * caller's to free. */
uint8_t *vly_test_steered_build(const uint8_t *block, size_t bytes,
				const struct vly_test_steered *steered, size_t cnt,
				size_t *made_bytes);

/* An entry of a client map. */
struct vly_test_prefix {
	bool is_ipv4;
	uint64_t word[2]; /* as in vly_steer_sticky_idx() */
	uint8_t bits;
	uint32_t class;
};

struct vly_test_map {
	uint32_t class_cnt;
	size_t cnt;
	const struct vly_test_prefix *prefix;
};

struct vly_test_row {
	enum vly_steer_method method;
	uint8_t bits;
	uint8_t sticky4_bits;
	uint8_t sticky6_bits;
	const uint16_t *slot; /* [1 << bits] */
};

struct vly_test_policy {
	uint64_t key;
	uint32_t map; /* or VLY_STEER_NO_MAP */
	uint8_t flags;
	uint32_t class_cnt;
	const struct vly_test_row *row; /* [class_cnt] */
};

struct vly_test_steer {
	bool ecs;
	uint32_t resolver_map;
	uint64_t generation;
	unsigned policy_cnt;
	const struct vly_test_policy *policy;
	unsigned map_cnt;
	const struct vly_test_map *map;
};

/* The memfds: both sealed. *slot is a writable mapping of the slots, for as long as the process
 * lives. */
struct vly_test_steer_fds {
	int block;
	int slots;
	uint16_t *slot;
	size_t block_bytes;
	uint32_t slot_cnt;
};

void vly_test_steer_make(const struct vly_test_steer *steer, struct vly_test_steer_fds *made);
void vly_test_steer_close(struct vly_test_steer_fds *made);

/* A memfd with these octets and seals. */
int vly_test_sealed_fd(const void *octets, size_t bytes, int seals);

/* Makes them, and maps them as the dataplane does. Aborts with the reason if it refuses. */
struct vly_steer *vly_test_steer_map(const struct vly_test_steer *steer, uint16_t **slot);

#endif
