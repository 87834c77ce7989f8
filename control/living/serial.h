/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Serials of zones (RFC 1982). Pure; any thread. */
#ifndef VLY_CONTROL_SERIAL_H
#define VLY_CONTROL_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"

/* Whether serial `a` is larger than `b`. If they are 2^31 apart, neither is. */
static inline bool
vly_serial_is_larger(uint32_t a, uint32_t b)
{
	return a != b && (uint32_t)(a - b) < UINT32_C(0x80000000);
}

/* The serial that follows `serial` at the time unix_s. It is larger in any case: where the time yields
 * none that is, it is larger by one. 0 is passed over, as it means "none" to some programs. */
uint32_t vly_serial_next(enum vly_config_serial policy, uint32_t serial, int64_t unix_s);

#endif
