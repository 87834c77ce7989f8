/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Small files of /proc and /sys, below a root that tests choose, and lists of CPUs as they stand in
 * there. Paths are formatted. Any thread. The content is the kernel's, or a test's.
 */
#ifndef VLY_PREFLIGHT_FILES_H
#define VLY_PREFLIGHT_FILES_H

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>

/* Opens it to read. Returns NULL with errno set when that can't be done. */
__attribute__((nonnull(1, 2), format(printf, 2, 3), warn_unused_result)) FILE *
vly_preflight_open(const char *root, const char *format, ...);

/* Reads its first line, without the newline and cut to `room`. Returns false, and "" in `line`,
 * when there is no such file. */
__attribute__((nonnull(1, 2, 4), format(printf, 4, 5))) bool
vly_preflight_read_line(const char *root, char *line, size_t room, const char *format, ...);

/* Reads a number. Returns `otherwise` when there is none. */
__attribute__((nonnull(1, 3), format(printf, 3, 4))) long
vly_preflight_read_number(const char *root, long otherwise, const char *format, ...);

/* Reads a list of CPUs. Returns false, and an empty set, when there is no such file. */
__attribute__((nonnull(1, 2, 3), format(printf, 3, 4))) bool
vly_preflight_read_cpus(const char *root, cpu_set_t *cpus, const char *format, ...);

/* Reads the last part of the target of a symbolic link, such as a driver's name. Returns false, and
 * "" in `name`, when there is no such link. */
__attribute__((nonnull(1, 2, 4), format(printf, 4, 5))) bool
vly_preflight_read_link(const char *root, char *name, size_t room, const char *format, ...);

__attribute__((nonnull(1, 2), format(printf, 2, 3))) bool
vly_preflight_exists(const char *root, const char *format, ...);

/* Parses "0-3,8"; CPUs beyond the set's end are left out. Returns false when it is no such list. */
__attribute__((nonnull)) bool vly_preflight_parse_cpus(const char *list, cpu_set_t *cpus);

/* Writes "0-3,8"; with "..." at the end when there is no room. Returns `list`. */
#define VLY_PREFLIGHT_LIST_CHARS 96
__attribute__((nonnull)) const char *vly_preflight_list_cpus(const cpu_set_t *cpus,
							     char list[VLY_PREFLIGHT_LIST_CHARS]);

#endif
