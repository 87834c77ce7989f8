/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Programs that an operator wants run for an event: started with arguments, ended after a time, known by their exit
 * status and the last line that they wrote.
 *
 * Use:
 *   1. vly_child_run(); `done` is called once, on the loop, when the program has ended;
 *   2. vly_child_stop() before that, if the answer is not wanted any more: the program is killed, and `done` is not
 *      called.
 *
 * The program reads /dev/null, and its output and errors come here. It has a process group of its own, which is killed as
 * a whole. What it leaves running in the background does not delay `done`.
 *
 * Threads: the loop's. Nothing blocks but the start of the program. The memory is freed when the loop has closed the
 * handles, after `done` or vly_child_stop().
 */
#ifndef VLY_CONTROL_CHILD_H
#define VLY_CONTROL_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "reason.h"

/* Longer lines are cut. */
#define VLY_CHILD_LINE_BYTES 256

struct vly_child_end {
	bool is_late;     /* it was killed after its time */
	int status;       /* exit status, if signal is 0 */
	int signal;       /* that ended it, or 0 */
	const char *line; /* the last one that is not empty, printable; or "" */
};

struct vly_child_settings {
	uv_loop_t *loop;
	const char *const *argument;    /* ends with NULL; [0] is the path of the program */
	const char *const *environment; /* "NAME=VALUE" besides ours; ends with NULL */
	uint64_t time_max_ms;
	void (*done)(void *arg, const struct vly_child_end *end);
	void *arg;
};

struct vly_child;

/* The settings may go afterwards. Returns NULL with a reason if the program can't be started. */
__attribute__((nonnull, warn_unused_result)) struct vly_child *
vly_child_run(const struct vly_child_settings *settings, char reason[VLY_REASON_BYTES]);

void vly_child_stop(struct vly_child *child);

#endif
