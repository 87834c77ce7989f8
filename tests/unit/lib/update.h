/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zones as plain lists of records, and update messages from text, for tests of dynamic update.
 *
 * Use: vly_test_model_add() the records; vly_test_update_write() a message; vly_test_model_update()
 * evaluates it and changes the list; vly_test_model_text() shows the list; vly_test_model_free().
 */
#ifndef VLY_TEST_UPDATE_H
#define VLY_TEST_UPDATE_H

#include "update/update_apply.h"

struct vly_test_model_record {
	uint8_t owner[VLY_NAME_BYTES_MAX];
	uint8_t owner_len;
	uint16_t type;
	uint32_t ttl;
	uint16_t data_len;
	uint8_t *data;
};

struct vly_test_model {
	struct vly_test_model_record *record;
	unsigned cnt;
	bool broken; /* can't be read */
	const char *why;
};

void vly_test_model_add(struct vly_test_model *model, const uint8_t *owner, unsigned owner_len,
			uint16_t type, uint32_t ttl, const uint8_t *data, unsigned data_len);

/* Adds the records of lines "OWNER TTL TYPE DATA", names absolute. */
void vly_test_model_read(struct vly_test_model *model, const char *text);

/*
 * Writes an update of `zone`. Each line of the text is a record: "p OWNER TTL CLASS TYPE DATA" a
 * prerequisite, "u ..." a change, "a ..." an additional record, with names absolute and CLASS IN,
 * ANY, NONE or CH. Without DATA, there is none. Returns the octets, at most 65535.
 */
size_t vly_test_update_write(uint8_t *to, const char *zone, const char *text);

/* Reads, checks and evaluates a message, and changes the model. The serial grows by one when the
 * change has no SOA. */
enum vly_rcode vly_test_model_update(struct vly_test_model *model, const uint8_t *message,
				     size_t len);

/* The records as sorted lines; the caller's to free. */
char *vly_test_model_text(const struct vly_test_model *model);

void vly_test_model_free(struct vly_test_model *model);

#endif
