/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the request decoder alone: request.c (commands, and which parameters each has) calls
 * request_members.c (the parameters). No state; any thread; no function blocks. */
#ifndef VLY_CONTROL_REQUEST_PARTS_H
#define VLY_CONTROL_REQUEST_PARTS_H

#include <jansson.h>

#include "request.h"

enum vly_request_member {
	VLY_MEMBER_COMMAND,
	VLY_MEMBER_ZONES,
	VLY_MEMBER_AFTER,
	VLY_MEMBER_LIMIT,
	VLY_MEMBER_KEY,
	VLY_MEMBER_VALUE,
	VLY_MEMBER_FOR,
	VLY_MEMBER_PREFIXES,
	VLY_MEMBER_TEXT,
	VLY_MEMBER_NAME,
	VLY_MEMBER_REVEAL,
	VLY_MEMBER_NEXT,
	VLY_MEMBER_CURSOR,
	VLY_MEMBER_FORCE,
	VLY_MEMBER_ZONE,
	VLY_MEMBER_SERIAL,
	VLY_MEMBER_CNT
};

extern const char *const vly_member_names[VLY_MEMBER_CNT];
extern const char *const vly_command_names[VLY_COMMAND_CNT];

/* Reads one parameter (untrusted). Returns true; or false with a sentence in `reason`. */
__attribute__((nonnull, warn_unused_result)) bool
vly_request_read_member(struct vly_request *request, enum vly_request_member member,
			const json_t *value, char *reason, size_t bytes);

#endif
