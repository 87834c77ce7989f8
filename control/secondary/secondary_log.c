/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>

#include "common/log.h"
#include "secondary_parts.h"

/* Lines of a kind in a minute. Each is a write that may wait for the journal: with a primary that is down, 100,000
 * zones fail at once. */
#define LINES_MAX 100
#define MINUTE_MS 60000

static const char *const kind_text[VLY_SECONDARY_LINE_KINDS] = {
	[VLY_SECONDARY_LINE_WHY] = "why secondary zones are not current",
	[VLY_SECONDARY_LINE_NEXT] = "primaries that have failed",
	[VLY_SECONDARY_LINE_EXPIRED] = "secondary zones that have expired",
};

bool
vly_secondary_may_log(struct vly_secondaries *secondaries, enum vly_secondary_line kind)
{
	struct vly_secondary_lines *line = &secondaries->line[kind];

	if (line->cnt++ == 0)
		line->start_ms = uv_now(secondaries->loop);
	return line->cnt <= LINES_MAX;
}

void
vly_secondary_count_lines(struct vly_secondaries *secondaries)
{
	const uint64_t now = uv_now(secondaries->loop);

	for (unsigned i = 0; i < VLY_SECONDARY_LINE_KINDS; i++) {
		struct vly_secondary_lines *line = &secondaries->line[i];
		if (line->cnt == 0 || now - line->start_ms < MINUTE_MS)
			continue;
		if (line->cnt > LINES_MAX)
			vly_log_warning("%" PRIu32 " more lines about %s were not logged: "
					"volleyctl zone status has the state of each zone",
					line->cnt - LINES_MAX, kind_text[i]);
		line->cnt = 0;
	}
}
