/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When a secondary zone asks its primaries, and when it expires (RFC 1035 §3.3.13), in milliseconds
 * of a clock that is a parameter. Pure.
 *
 * The times of the SOA are the primary's, so that they are put between the bounds of the
 * configuration, and refresh and retry are at most half of the expire time. They are shortened by up
 * to a quarter at random: zones that were loaded together do not ask together.
 */
#ifndef VLY_CONTROL_SCHEDULE_H
#define VLY_CONTROL_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "transfer_reader.h"

/* RFC 1035 names no times for a zone that has no SOA yet. Shorter: a primary that is down gets more
 * queries. Longer: a zone is served later when the primary comes up. */
#define VLY_SCHEDULE_FIRST_MS 2000
#define VLY_SCHEDULE_LAST_MS  (10 * 60 * 1000)

/* Shorter: a primary that has a lot to load is asked in vain. Longer: zones get changes later. */
#define VLY_SCHEDULE_SOON_MS 1000

struct vly_config_times;

/* `random` is any number. */
__attribute__((nonnull)) uint64_t vly_schedule_refresh_ms(const struct vly_config_times *times,
							  const struct vly_transfer_soa *soa,
							  uint32_t random);

/* After failure_cnt failures in a row, at least 1. Without an SOA (NULL) the time grows from one to the
 * next. */
__attribute__((nonnull(1))) uint64_t vly_schedule_retry_ms(const struct vly_config_times *times,
							   const struct vly_transfer_soa *soa,
							   unsigned failure_cnt, uint32_t random);

/* When a check is repeated that failed because no connection could be made, or one broke, while something new is
 * awaited: a primary that loads its zones again may be away for a moment. After 1 s, then 2 s, and so on, to the
 * retry time. soon_cnt: so many times, at least 1. */
__attribute__((nonnull(1))) uint64_t vly_schedule_soon_ms(const struct vly_config_times *times,
							  const struct vly_transfer_soa *soa,
							  unsigned soon_cnt, uint32_t random);

__attribute__((nonnull)) uint64_t vly_schedule_expire_ms(const struct vly_config_times *times,
							 const struct vly_transfer_soa *soa);

/* The age of a contact that was at contact_s, at now_s, both of the wall clock, after a restart. A clock
 * that was put back makes it 0. */
static inline uint64_t
vly_schedule_age_ms(uint64_t contact_s, uint64_t now_s)
{
	return now_s > contact_s ? (now_s - contact_s) * 1000 : 0;
}

#endif
