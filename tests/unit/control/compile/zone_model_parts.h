/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For zone_model.c and zone_model_source.c alone: names in wire form and lower case. */
#ifndef VLY_TEST_ZONE_MODEL_PARTS_H
#define VLY_TEST_ZONE_MODEL_PARTS_H

#include <string.h>

#include "zone/domain.h"
#include "zone_model.h"

static inline unsigned
name_len(const uint8_t *name)
{
	unsigned len = 1;

	for (; *name != 0; name += *name + 1u)
		len += *name + 1u;
	return len;
}

static inline bool
is_same_name(const uint8_t *left, const uint8_t *right)
{
	unsigned len = name_len(left);

	return len == name_len(right) && memcmp(left, right, len) == 0;
}

/* Writes a short name in wire form. Returns its octets. */
static inline unsigned
put_name(const char *text, uint8_t *to)
{
	uint8_t wire[VLY_NAME_BYTES_MAX];
	unsigned len = vly_domain_wire(text, wire);

	memcpy(to, wire, len);
	return len;
}

#endif
