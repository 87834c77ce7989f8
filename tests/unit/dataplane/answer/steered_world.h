/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A zone with names that are steered in every way, a steering block for it, and a naive reference of
 * both: which alternatives a client may get, and with what scope.
 *
 * Use: world_open(); world_ask() bursts, or ask `table` by other means with world.steering;
 * world_expect() for each; world_close().
 */
#ifndef STEERED_WORLD_H
#define STEERED_WORLD_H

#include "answer/guard.h"
#include "steering.h"

enum world_policy {
	WORLD_RANDOM = 1,
	WORLD_ROTATE,
	WORLD_STICKY,
	WORLD_SOURCE, /* does not use client subnets */
	WORLD_FLAT,   /* without a map; sticky */
	WORLD_UNKNOWN /* not in the block */
};

/* Names of the world, below "z."; all but the last ones own A records. */
struct world_name {
	const char *name;
	unsigned policy; /* 0: not steered */
	uint16_t type;
};

extern const struct world_name world_name[];
extern const unsigned world_name_cnt;

#define WORLD_CLASSES 4
#define WORLD_ALTS    6 /* 192.0.2.0 to .4, and NODATA */

struct world {
	struct vly_image *image;
	struct vly_image *overlay; /* or NULL */
	struct vly_table *table;
	struct vly_steer *steer;
	uint16_t *slot;
	struct vly_steering steering;
	struct vly_lcore_counters counters;
};

/* A client and what a resolver says of it. */
struct world_client {
	struct vly_steer_client source;
	bool has_subnet;
	struct vly_steer_client subnet; /* bits behind `prefix` are 0 */
	uint8_t prefix;
};

enum world_form {
	WORLD_PLAIN,
	WORLD_LAYERED, /* with an overlay, in which other names have changed */
	WORLD_MOVED,   /* the zone was copied to another image */
	WORLD_FOLDED,  /* it was merged with that overlay */
};

void world_open(struct world *world, enum world_form form);

/* The octets of the plain image, the caller's to free. */
uint8_t *world_block(size_t *bytes);

void world_close(struct world *world);

/* Makes a steering block of the world. */
struct vly_steer *world_steer(uint64_t generation, uint16_t **slot);

/* The message of a question. Returns its length; the buffer has 512 octets. */
unsigned world_message(uint8_t *to, const char *name, unsigned type,
		       const struct world_client *client);

/* Writes the address of the source to `to`, as a caller of vly_query_answer() has it. */
void world_address(const struct world_client *client, uint8_t to[16]);

/* What a response says: the last octet of the address, VLY_TEST_ALTS_MAX for none; the scope, -1: no
 * client subnet. */
struct world_answer {
	unsigned rcode;
	unsigned alt;
	unsigned ancount;
	int scope;
	int source;
};

struct world_answer world_decode(const uint8_t *message, unsigned len);

/* Bits of the alternatives that the client may get, and the scope for it. */
unsigned world_expect(const struct world_name *name, const struct world_client *client,
		      unsigned *scope);

/* The class of an address, and the shortest prefix around it in which all have that class. */
uint32_t world_class(const struct vly_steer_client *client, unsigned *bits);

/* A random address, mostly near the edges of prefixes. */
struct vly_steer_client world_random_client(uint64_t *seed);

uint64_t world_random(uint64_t *seed);

#endif
