/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pacer.h"

uint64_t
vly_pacer_wait_us(const struct vly_pacer *pacer, uint64_t now_us)
{
	if (pacer->running >= pacer->running_max)
		return UINT64_MAX;
	return pacer->next_us > now_us ? pacer->next_us - now_us : 0;
}

void
vly_pacer_start(struct vly_pacer *pacer, uint64_t now_us)
{
	const uint64_t oldest_us = now_us > VLY_PACER_BURST_US ? now_us - VLY_PACER_BURST_US : 0;

	if (pacer->next_us < oldest_us)
		pacer->next_us = oldest_us;
	pacer->next_us += 1000000 / pacer->rate;
	pacer->running++;
}

void
vly_pacer_end(struct vly_pacer *pacer)
{
	pacer->running--;
}
