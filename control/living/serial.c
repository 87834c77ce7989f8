/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serial.h"

#include <time.h>

/* YYYYMMDD00 in UTC, so that a change of the local time does not turn it back. */
static uint32_t
date_serial(int64_t unix_s)
{
	time_t now = (time_t)unix_s;
	struct tm tm;

	if (!gmtime_r(&now, &tm))
		return 0;
	uint64_t date = (uint64_t)(tm.tm_year + 1900) * 10000 + (uint64_t)(tm.tm_mon + 1) * 100 +
			(uint64_t)tm.tm_mday;
	return (uint32_t)(date * 100);
}

uint32_t
vly_serial_next(enum vly_config_serial policy, uint32_t serial, int64_t unix_s)
{
	uint32_t next = serial + 1 != 0 ? serial + 1 : 1;
	uint32_t wanted = policy == VLY_SERIAL_UNIXTIME     ? (uint32_t)unix_s
			  : policy == VLY_SERIAL_DATESERIAL ? date_serial(unix_s)
							    : next;

	return wanted != 0 && vly_serial_is_larger(wanted, serial) ? wanted : next;
}
