/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Requests on the control socket: one line of JSON in, one struct out. A pure function of
 * untrusted bytes.
 *
 *     {"command":"status"}
 *     {"command":"reload"}                      everything, configuration too
 *     {"command":"reload","zones":["example."]}
 *     {"command":"zones","after":"example.","limit":1000}
 *     {"command":"stats"}
 */
#ifndef VLY_CONTROL_REQUEST_H
#define VLY_CONTROL_REQUEST_H

#include <stddef.h>
#include <stdint.h>

/* Zones in one answer: keeps an answer below a few megabytes and the loop free for others. */
#define VLY_REQUEST_ZONES_MAX 10000

enum vly_command {
	VLY_COMMAND_STATUS,
	VLY_COMMAND_RELOAD,
	VLY_COMMAND_ZONES,
	VLY_COMMAND_STATS,
};

struct vly_request {
	enum vly_command command;
	char **zones; /* reload: as vly_domain_canonical() writes them; none: all */
	uint32_t zone_cnt;
	char *after;    /* zones: begin behind this one, or NULL */
	uint32_t limit; /* zones: 1..VLY_REQUEST_ZONES_MAX */
};

/*
 * Decodes line[0..bytes-1] (untrusted, without the newline). Returns 0 and fills *request, for
 * vly_request_clear(); or -1 with a sentence for people in `reason`, and nothing to clear.
 */
__attribute__((nonnull, warn_unused_result)) int vly_request_decode(const char *line, size_t bytes,
								    struct vly_request *request,
								    char *reason,
								    size_t reason_bytes);

__attribute__((nonnull)) void vly_request_clear(struct vly_request *request);

#endif
