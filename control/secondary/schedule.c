/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "schedule.h"

#include "config/config.h"

/* Refresh and retry of 0 would be a query after the other. */
#define TIME_MIN_S 1

static uint64_t
bound_ms(uint32_t seconds, uint32_t min_s, uint32_t max_s)
{
	if (seconds > max_s)
		seconds = max_s;
	if (seconds < min_s)
		seconds = min_s;
	return (seconds < TIME_MIN_S ? TIME_MIN_S : seconds) * UINT64_C(1000);
}

static uint64_t
shorten(uint64_t ms, uint32_t random)
{
	return ms - (ms / 4 * (random >> 16) >> 16);
}

/* At least one more try before the zone expires. */
static uint64_t
before_expiry_ms(const struct vly_config_times *times, const struct vly_transfer_soa *soa,
		 uint64_t ms)
{
	const uint64_t half = vly_schedule_expire_ms(times, soa) / 2;

	return ms < half ? ms : half;
}

uint64_t
vly_schedule_refresh_ms(const struct vly_config_times *times, const struct vly_transfer_soa *soa,
			uint32_t random)
{
	const uint64_t ms = bound_ms(soa->refresh, times->refresh_min_s, times->refresh_max_s);

	return shorten(before_expiry_ms(times, soa, ms), random);
}

/* Doubles from the first time on. */
static uint64_t
back_off_ms(uint64_t first_ms, uint64_t last_ms, unsigned cnt)
{
	uint64_t ms = first_ms;

	for (unsigned i = 1; i < cnt && ms < last_ms; i++)
		ms *= 2;
	return ms < last_ms ? ms : last_ms;
}

uint64_t
vly_schedule_retry_ms(const struct vly_config_times *times, const struct vly_transfer_soa *soa,
		      unsigned failure_cnt, uint32_t random)
{
	if (soa)
		return shorten(before_expiry_ms(times, soa,
						bound_ms(soa->retry, times->retry_min_s,
							 times->retry_max_s)),
			       random);
	return shorten(back_off_ms(VLY_SCHEDULE_FIRST_MS, VLY_SCHEDULE_LAST_MS, failure_cnt),
		       random);
}

uint64_t
vly_schedule_soon_ms(const struct vly_config_times *times, const struct vly_transfer_soa *soa,
		     unsigned soon_cnt, uint32_t random)
{
	const uint64_t last = vly_schedule_retry_ms(times, soa, UINT16_MAX, 0);

	return shorten(back_off_ms(VLY_SCHEDULE_SOON_MS, last, soon_cnt), random);
}

uint64_t
vly_schedule_expire_ms(const struct vly_config_times *times, const struct vly_transfer_soa *soa)
{
	return bound_ms(soa->expire, times->expire_min_s, times->expire_max_s);
}
