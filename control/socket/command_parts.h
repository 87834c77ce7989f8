/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between the parts of what requests on the control socket do: commands.c (dispatch, status, zones,
 * reload), defence_commands.c and defence_show.c, drops_command.c, top_command.c. Each handler
 * answers now or later; it may take over members of the request.
 */
#ifndef VLY_CONTROL_COMMAND_PARTS_H
#define VLY_CONTROL_COMMAND_PARTS_H

#include "commands.h"

/* An answer that is not ok. */
__attribute__((nonnull)) json_t *vly_command_error(const char *code, const char *text);

/* Text that may not be UTF-8, which JSON can't have: other octets become '?' then. */
__attribute__((nonnull)) json_t *vly_command_text(const char *text);

/* What is wrong with the defence and with what it keeps, as an array of sentences. */
__attribute__((nonnull)) json_t *vly_command_defence_trouble(const struct vly_commands *commands);

/* The counters, or NULL and the answer that says why there are none in *error. */
__attribute__((nonnull)) const struct vly_counters *
vly_command_counters(const struct vly_commands *commands, json_t **error);

__attribute__((nonnull)) void vly_command_defence_show(const struct vly_commands *commands,
						       struct vly_client *client,
						       struct vly_request *request);
/* set, unset, deny, allow, forget */
__attribute__((nonnull)) void vly_command_defence_change(const struct vly_commands *commands,
							 struct vly_client *client,
							 struct vly_request *request);
__attribute__((nonnull)) void vly_command_cookies_show(const struct vly_commands *commands,
						       struct vly_client *client,
						       struct vly_request *request);
__attribute__((nonnull)) void vly_command_cookies_roll(const struct vly_commands *commands,
						       struct vly_client *client,
						       struct vly_request *request);
__attribute__((nonnull)) void vly_command_drops(const struct vly_commands *commands,
						struct vly_client *client,
						struct vly_request *request);
__attribute__((nonnull)) void vly_command_top(const struct vly_commands *commands,
					      struct vly_client *client,
					      struct vly_request *request);

#endif
