/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes small MaxMind databases (format 2.0), sound or damaged, for tests.
 *
 * Use: vly_database_begin(); a record for each kind of network; vly_database_place() of records, or
 * vly_database_link() to a node; vly_database_end() writes the octets, the caller's to free.
 */
#ifndef VLY_TEST_DATABASE_WRITER_H
#define VLY_TEST_DATABASE_WRITER_H

#include <stddef.h>
#include <stdint.h>

#define VLY_DATABASE_NODES_MAX 4096
#define VLY_DATABASE_DATA_MAX  65536

struct vly_database {
	unsigned ip_version;
	uint32_t node[VLY_DATABASE_NODES_MAX][2]; /* 0: empty; see database_writer.c */
	uint32_t node_cnt;
	uint8_t data[VLY_DATABASE_DATA_MAX];
	size_t data_bytes;
};

void vly_database_begin(struct vly_database *db, unsigned ip_version);

/* Appends a record: {"country": {"iso_code": text}}, or another key and its key. Returns its
 * offset. */
uint32_t vly_database_text(struct vly_database *db, const char *key, const char *inner,
			   const char *text);

/* {"autonomous_system_number": number} */
uint32_t vly_database_asn(struct vly_database *db, uint32_t number);

/* {"location": {"latitude": north, "longitude": east}} */
uint32_t vly_database_location(struct vly_database *db, double north, double east);

/* Gives the network of an address, in text form, a record. */
void vly_database_place(struct vly_database *db, const char *address, unsigned bits,
			uint32_t record);

/* Makes the network lead to the node at which another network begins: an alias, or a loop. */
void vly_database_link(struct vly_database *db, const char *address, unsigned bits,
		       const char *target, unsigned target_bits);

uint8_t *vly_database_end(struct vly_database *db, size_t *bytes);

#endif
