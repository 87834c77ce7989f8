/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the handlers of commands alone, by file: alias_commands.c (aliases), command_answer.c (helpers), commands.c (dispatch,
 * status, zones, reload, stats), defence_commands.c and defence_show.c (defence, cookies),
 * drops_command.c, feed_commands.c (transfers), health_command.c (checks), keys_commands.c, steer_commands.c, top_command.c, zone_commands.c and
 * zone_reads.c (living zones). A handler answers at once or later (server.h), and may take members out of the
 * request, which is checked (request.h).
 *
 * Threads: the loop's; no function blocks.
 */
#ifndef VLY_CONTROL_COMMAND_PARTS_H
#define VLY_CONTROL_COMMAND_PARTS_H

#include "commands.h"

/* Makes an answer for a failed command. */
__attribute__((nonnull)) json_t *vly_command_error(const char *code, const char *text);

/* Makes a string of text that may not be UTF-8, which JSON must be: in that case all octets but
 * ASCII become '?'. */
__attribute__((nonnull)) json_t *vly_command_text(const char *text);

/* Lists the problems of the defence and its files, as an array of sentences. */
__attribute__((nonnull)) json_t *vly_command_defence_trouble(const struct vly_commands *commands);

/* Appends the problems of catalogs and members to an array of sentences. */
__attribute__((nonnull)) void vly_command_catalog_trouble(const struct vly_commands *commands,
							  json_t *array);

/* Adds what a zone is as a catalog or as a member of one. */
__attribute__((nonnull)) void vly_command_add_catalog(const struct vly_commands *commands,
						      json_t *json, const char *zone);

/* Returns the counters; or NULL, and in *error an answer with the reason. */
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

__attribute__((nonnull)) void vly_command_aliases(const struct vly_commands *commands,
						  struct vly_client *client,
						  struct vly_request *request);
/* Adds the numbers of ALIAS records to a status. */
__attribute__((nonnull)) void vly_command_add_aliases(const struct vly_commands *commands,
						      json_t *answer);
__attribute__((nonnull)) void vly_command_keys(const struct vly_commands *commands,
					       struct vly_client *client,
					       struct vly_request *request);
__attribute__((nonnull)) void vly_command_key_add(const struct vly_commands *commands,
						  struct vly_client *client,
						  struct vly_request *request);
/* remove, disable, enable */
__attribute__((nonnull)) void vly_command_key_change(const struct vly_commands *commands,
						     struct vly_client *client,
						     struct vly_request *request);

__attribute__((nonnull)) void vly_command_checks(const struct vly_commands *commands,
						 struct vly_client *client,
						 struct vly_request *request);

/* What is known of one health check. */
__attribute__((nonnull)) json_t *vly_command_check_json(const struct vly_health_row *row);

/* What is known of all health checks. */
__attribute__((nonnull)) json_t *vly_command_health_json(const struct vly_commands *commands);
/* Appends the problems of steering to an array of sentences. */
__attribute__((nonnull)) void vly_command_steer_trouble(const struct vly_commands *commands,
							json_t *array);
__attribute__((nonnull)) void vly_command_pools(const struct vly_commands *commands,
						struct vly_client *client,
						struct vly_request *request);
/* up, down, drain */
__attribute__((nonnull)) void vly_command_pool_change(const struct vly_commands *commands,
						      struct vly_client *client,
						      struct vly_request *request);
__attribute__((nonnull)) void vly_command_steer(const struct vly_commands *commands,
						struct vly_client *client,
						struct vly_request *request);

/* Why a zone can't be read or changed in the store; NULL: it can. */
__attribute__((nonnull)) const char *vly_command_zone_refusal(const struct vly_commands *commands,
							      const char *zone);
/* edit, begin, commit, abort, revert */
__attribute__((nonnull)) void vly_command_zone_change(const struct vly_commands *commands,
						      struct vly_client *client,
						      struct vly_request *request);
/* The state of one zone. */
__attribute__((nonnull)) void vly_command_zone_status(const struct vly_commands *commands,
						      struct vly_client *client,
						      struct vly_request *request);
/* refresh, retransfer, notify, accept, reject */
__attribute__((nonnull)) void vly_command_zone_act(const struct vly_commands *commands,
						   struct vly_client *client,
						   struct vly_request *request);
__attribute__((nonnull)) void vly_command_transfers(const struct vly_commands *commands,
						    struct vly_client *client,
						    struct vly_request *request);
__attribute__((nonnull)) void vly_command_transfers_past(const struct vly_commands *commands,
							 struct vly_client *client,
							 struct vly_request *request);
/* show, history, diff */
__attribute__((nonnull)) void vly_command_zone_read(const struct vly_commands *commands,
						    struct vly_client *client,
						    struct vly_request *request);

#endif
