/* SPDX-License-Identifier: GPL-3.0-or-later */
/* volleyctl's parts: ctl_main.c (arguments), ctl_client.c (the socket), ctl_output.c (whether all
 * was written), ctl_commands.c (requests and answers), ctl_print.c and ctl_stats.c (for people),
 * ctl_defence.c, ctl_drops.c and ctl_top.c (the defence), ctl_check.c, ctl_preflight.c and
 * ctl_exec.c (without the socket). One thread. */
#ifndef VLY_CONTROL_CTL_H
#define VLY_CONTROL_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

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
	const char *duration; /* NULL: for good */
	const char *file;
	const char *next;
	const char *config; /* NULL: not given */
};

/*
 * Sends `request` (taken over) and waits for the final answer, showing progress on a terminal.
 * Returns VLY_CTL_OK and the answer in *answer, the caller's; or another code after saying why.
 */
__attribute__((nonnull, warn_unused_result)) enum vly_ctl_exit
vly_ctl_call(const struct vly_ctl *ctl, json_t *request, json_t **answer);

/* Prints it and a newline. */
__attribute__((nonnull)) void vly_ctl_print_json(json_t *json, size_t flags);

/* The last thing of all: when not all of the output could be written, says so and makes a failure
 * of `code`. Silent when only the reader has gone, such as head(1). */
enum vly_ctl_exit vly_ctl_end(enum vly_ctl_exit code);

/* Says what is wrong with the arguments. */
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_fail_usage(const char *text);

/* What an answer means for the exit code. */
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_exit_of(json_t *answer);

/* Prints an answer (taken over): as JSON, or for people by `print`, when it is ok or
 * `print_failed`; and its error. */
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_show(const struct vly_ctl *ctl, json_t *answer,
							bool print_failed,
							void (*print)(json_t *answer));

/* Calls, and shows the answer. */
__attribute__((nonnull)) enum vly_ctl_exit
vly_ctl_call_and_show(const struct vly_ctl *ctl, json_t *request, void (*print)(json_t *answer));

/* A line on the terminal that the next one overwrites, once `seconds` have been taken by
 * something; "" clears it. Nothing when stderr is no terminal. */
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
__attribute__((nonnull)) void vly_ctl_print_zones(json_t *zones);
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

/* Loads every zone of the configuration without serving it, and tells all errors. */
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_check(const struct vly_ctl *ctl,
							 const char *config_path);

/* The same for one zone file, with the default severities. */
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_check_zone(const struct vly_ctl *ctl, char *name,
							      char *file);

/* Checks whether this machine is fit for what the configuration asks for. Returns VLY_CTL_FAILED when
 * a check fails; a warning is no failure. */
__attribute__((nonnull)) enum vly_ctl_exit vly_ctl_preflight(const struct vly_ctl *ctl);

/* Becomes volley-dataplane with the flags of the configuration and `extra_cnt` more. Returns
 * only on failure; with `retry`, which the dataplane gets too, it waits until it works. */
__attribute__((nonnull(1))) enum vly_ctl_exit vly_ctl_exec(const char *config_path, bool retry,
							   char *const *extra, unsigned extra_cnt);

#endif
