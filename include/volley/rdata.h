/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The names inside RDATA that may be compressed: those of the types of RFC 1035, and no others (RFC
 * 3597 §4). The compiler compresses them; code that takes a compiled answer apart expands them.
 * Pure.
 */
#ifndef VLY_RDATA_H
#define VLY_RDATA_H

#include <stddef.h>
#include <stdint.h>

#include <volley/dns.h>

struct vly_rdata_names {
	uint8_t type;
	uint8_t skip;  /* octets before the first name */
	uint8_t cnt;   /* names, one behind the other */
	uint8_t after; /* octets behind the last name */
};

/* Returns the names of a type, or NULL if it has none that may be compressed. */
static inline const struct vly_rdata_names *
vly_rdata_names(uint16_t type)
{
	static const struct vly_rdata_names with_names[] = {
		{VLY_TYPE_NS, 0, 1, 0},  {VLY_TYPE_CNAME, 0, 1, 0}, {VLY_TYPE_SOA, 0, 2, 20},
		{VLY_TYPE_PTR, 0, 1, 0}, {VLY_TYPE_MX, 2, 1, 0},    {VLY_TYPE_MD, 0, 1, 0},
		{VLY_TYPE_MF, 0, 1, 0},  {VLY_TYPE_MB, 0, 1, 0},    {VLY_TYPE_MG, 0, 1, 0},
		{VLY_TYPE_MR, 0, 1, 0},  {VLY_TYPE_MINFO, 0, 2, 0},
	};

	for (size_t i = 0; i < sizeof(with_names) / sizeof(with_names[0]); i++)
		if (with_names[i].type == type)
			return &with_names[i];
	return NULL;
}

#endif
