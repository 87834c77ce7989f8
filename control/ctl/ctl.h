/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the parts of volleyctl alone, by file below: ctl_main.c (arguments) calls the commands in
 * ctl_alias.c, ctl_commands.c, ctl_defence.c, ctl_drops.c, ctl_feed.c, ctl_health.c, ctl_keys.c, ctl_pool.c,
 * ctl_top.c, ctl_zone.c,
 * ctl_zone_edit.c, which ask volley-control, and in ctl_check.c, ctl_preflight.c and ctl_exec.c, which do not; all of them use ctl_client.c (the
 * socket), ctl_output.c (the end of output), ctl_print.c and ctl_stats.c (answers for people). One
 * thread, and every function may block. Answers are trusted: they come from volley-control. */
#ifndef VLY_CONTROL_CTL_H
#define VLY_CONTROL_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Exit codes, a contract with scripts. */
enum vly_ctl_exit {
	VLY_CTL_OK = 0,
	VLY_CTL_FAILED = 1,
	VLY_CTL_USAGE = 2,
	VLY_CTL_NO_CONTROL = 3,
	VLY_CTL_NO_DATAPLANE = 4,
};

struct vly_ctl {
	const char *socket;
	bool json;
	bool follow;
	bool once;
	bool reveal;
	bool force;
	bool print;
	bool past;
	const char *duration; /* NULL: for good */
	const char *file;
	const char *next;
	const char *config; /* NULL: not given */
};

/*
 * Sends `request` (taken over) and waits for the final answer; shows progress on a terminal.
 * Returns VLY_CTL_OK with the answer in *answer, the caller's; or another code, and the reason has
 * been printed.
 */
__attribute__((nonnull, warn_unused_result)) enum vly_ctl_exit
vly_ctl_call(const struct vly_ctl *ctl, json_t *request, json_t **answer);

/* Prints JSON and a newline. */
__attribute__((nonnull)) void vly_ctl_print_json(json_t *json, size_t flags);

/* To be called last. If not all of the output could be written, prints that, and returns a failure
 * in place of `code`; silently if only the reader has gone, such as head(1). */
enum vly_ctl_exit vly_ctl_end(enum vly_ctl_exit code);

/* Prints a sentence about wrong arguments. Returns VLY_CTL_USAGE. */
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_fail_usage(const char *text);

/* Returns the exit code for an answer. */
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_exit_of(json_t *answer);

/* Prints an answer (taken over): as JSON, or for people by `print`, when it is ok or
 * `print_failed`; and its error. */
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_show(const struct vly_ctl *ctl, json_t *answer,
							bool print_failed,
							void (*print)(json_t *answer));

/* Sends a request, and prints the answer. */
__attribute__((nonnull)) enum vly_ctl_exit
vly_ctl_call_and_show(const struct vly_ctl *ctl, json_t *request, void (*print)(json_t *answer));

/* Shows a line on the terminal that the next one overwrites, once a zone has taken a while; ""
 * clears it. Does nothing when stderr is not a terminal. */
__attribute__((nonnull)) void vly_ctl_progress(const char *name, uint64_t record_cnt,
					       double seconds);
void vly_ctl_progress_clear(void);

/* 1234567 as 1,234,567. */
#define VLY_CTL_NUMBER_BYTES 28
__attribute__((nonnull)) const char *vly_ctl_number(uint64_t number,
						    char out[VLY_CTL_NUMBER_BYTES]);

/* Members of an answer: 0 or "" when there is no such one. */
__attribute__((nonnull(2))) uint64_t vly_ctl_number_at(json_t *object, const char *key);
__attribute__((nonnull(2))) const char *vly_ctl_text_at(json_t *object, const char *key);

/* "2 d 3 h", "5 s". Returns `out`. */
__attribute__((nonnull)) const char *vly_ctl_age(double seconds, char *out, size_t bytes);

/* Print answers for people. */
__attribute__((nonnull)) void vly_ctl_print_status(json_t *answer);
__attribute__((nonnull)) void vly_ctl_print_reload(json_t *answer);
/* One page of zones, the first one with a head. */
__attribute__((nonnull)) void vly_ctl_print_zones(json_t *answer, bool is_first);
__attribute__((nonnull)) void vly_ctl_print_stats(json_t *answer);

/* Commands, with the arguments behind their name. */
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_status(const struct vly_ctl *ctl, char **args,
							  int arg_cnt);
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_reload(const struct vly_ctl *ctl, char **args,
							  int arg_cnt);
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_zones(const struct vly_ctl *ctl, char **args,
							 int arg_cnt);
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_stats(const struct vly_ctl *ctl, char **args,
							 int arg_cnt);
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_defence(const struct vly_ctl *ctl, char **args,
							   int arg_cnt);
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_cookies(const struct vly_ctl *ctl, char **args,
							   int arg_cnt);
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_drops(const struct vly_ctl *ctl, char **args,
							 int arg_cnt);
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_top(const struct vly_ctl *ctl, char **args,
						       int arg_cnt);

__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_zone(const struct vly_ctl *ctl, char **args,
							int arg_cnt);

/* Whether the text is a serial; *serial is set then. */
__attribute__((nonnull)) bool vly_ctl_read_serial(const char *text, uint32_t *serial);

/* zone status, refresh, retransfer, notify, accept, reject */
__attribute__((nonnull)) enum vly_ctl_exit
vly_ctl_zone_feed(const struct vly_ctl *ctl, const char *verb, char **args, int arg_cnt);

__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_transfers(const struct vly_ctl *ctl, char **args,
							     int arg_cnt);

__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_checks(const struct vly_ctl *ctl, char **args,
							  int arg_cnt);
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_aliases(const struct vly_ctl *ctl, char **args,
							   int arg_cnt);

/* keys, and keys add, remove, disable, enable */
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_keys(const struct vly_ctl *ctl, char **args,
							int arg_cnt);
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_pool(const struct vly_ctl *ctl, char **args,
							int arg_cnt);
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_steer(const struct vly_ctl *ctl, char **args,
							 int arg_cnt);

/* Writes a living zone to an empty file, a line for each record. */
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_zone_fetch(const struct vly_ctl *ctl,
							      const char *zone, FILE *out);

/* Opens an editor on a zone, and has `send` submit what has been changed. */
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_zone_edit(
	const struct vly_ctl *ctl, const char *zone,
	enum vly_ctl_exit (*send)(const struct vly_ctl *ctl, const char *zone, const char *text));

/* Loads every zone of the configuration without serving it, and prints all errors. */
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_check(const struct vly_ctl *ctl,
							 const char *config_path);

/* The same for one zone file, with the default severities. With ctl->print, a zone without errors is
 * printed (zone/zone_print.h), and findings go to stderr. */
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_check_zone(const struct vly_ctl *ctl, char *name,
							      char *file);

/* Checks whether this machine is fit for the configuration. Returns VLY_CTL_FAILED when a check
 * fails; a warning is no failure. */
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_preflight(const struct vly_ctl *ctl);

/* Executes volley-dataplane in this process, with the flags of the configuration and `extra_cnt`
 * more. Returns only on failure. With `retry`, which the dataplane gets, too, it retries until it
 * succeeds. */
__attribute__((nonnull(1))) enum vly_ctl_exit vly_ctl_exec(const char *config_path, bool retry,
							   char *const *extra, unsigned extra_cnt);

#endif
