/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A machine that is made up: folders for /proc and /sys, and what the kernel would answer. As it
 * begins, every check is content with it.
 *
 * Use: machine_begin(), change what the test is about, machine_expect(), machine_end().
 */
#ifndef VLY_TESTS_MACHINE_H
#define VLY_TESTS_MACHINE_H

#include "common/preflight/facts.h"

#define MACHINE_RESULTS_MAX 64

struct machine {
	char root[64];
	struct vly_preflight_plan plan; /* af_xdp:eth0 with two queues, on CPUs 2 and 3 */
	struct vly_preflight_facts facts;
	struct vly_preflight_result result[MACHINE_RESULTS_MAX];
	unsigned result_cnt;
};

void machine_begin(struct machine *machine);
void machine_end(struct machine *machine);

/* Writes a file, with the folders above it. */
void machine_put(struct machine *machine, const char *path, const char *text);

/* Makes a symbolic link. */
void machine_link(struct machine *machine, const char *path, const char *target);

/* Removes a file, a link, or an empty folder. */
void machine_remove(struct machine *machine, const char *path);

/* Runs all checks. Returns the worst status. */
enum vly_preflight_status machine_run(struct machine *machine, enum vly_preflight_extent extent);

/* Runs all checks, and expects a result of `check` with that status, and with `reason` and
 * `cure` in it; and, for OK, no other result of it that is worse. */
void machine_expect(struct machine *machine, const char *check, enum vly_preflight_status status,
		    const char *reason, const char *cure);

#endif
