/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines about flips. When a site fails, hundreds of checks flip at once: the first of them say enough. */
#include "common/log.h"
#include "common/plural.h"
#include "health_parts.h"

#define WINDOW_MS 10000
#define LINES_MAX 50

static void
end_window(struct vly_health *health, uint64_t now_ms)
{
	if (health->log_cnt > LINES_MAX)
		vly_log_warning(
			"%u more flip%s of health checks in %d s; volleyctl checks shows all",
			health->log_cnt - LINES_MAX, vly_plural(health->log_cnt - LINES_MAX),
			WINDOW_MS / 1000);
	health->log_cnt = 0;
	health->log_begin_ms = now_ms;
}

void
vly_health_log_tick(struct vly_health *health, uint64_t now_ms)
{
	if (now_ms - health->log_begin_ms >= WINDOW_MS)
		end_window(health, now_ms);
}

void
vly_health_log_flip(struct vly_health *health, const struct vly_health_entry *entry,
		    enum vly_health_status before, uint64_t lasted_ms)
{
	char target[VLY_HEALTH_TARGET_BYTES], more[40] = "";

	vly_health_log_tick(health, uv_now(health->loop));
	if (health->log_cnt++ >= LINES_MAX)
		return;
	if (entry->name_cnt > 1)
		snprintf(more, sizeof(more), " and %u more", entry->name_cnt - 1);
	vly_log(entry->state.status == VLY_HEALTH_UP ? VLY_LOG_INFO : VLY_LOG_WARNING,
		"check %s%s (%s) is %s after %.1f s %s: %s", entry->name, more,
		vly_health_check_target(&entry->check, target),
		vly_health_status_names[entry->state.status], (double)lasted_ms / 1000,
		vly_health_status_names[before], entry->state.reason);
}
