/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Judges and reads the values of <volley/dataplane_options.h>, for the command line of
 * volley-dataplane and for volley.yaml alike. Values are text and not trusted. No state; any
 * thread.
 */
#ifndef VLY_COMMON_DP_OPTION_H
#define VLY_COMMON_DP_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <volley/dataplane_options.h>

enum vly_dp_option_kind {
	VLY_DP_KIND_PORT,
	VLY_DP_KIND_ADDRESS,
	VLY_DP_KIND_CPUS,
	VLY_DP_KIND_SOCKET,
	VLY_DP_KIND_PATH,
	VLY_DP_KIND_WORD,
	VLY_DP_KIND_NUMBER,
	VLY_DP_KIND_ZERO_OR_NUMBER,
	VLY_DP_KIND_TEXT,
	VLY_DP_KIND_NSID,
	VLY_DP_KIND_SWITCH, /* has no value */
};

/* A row of the table. */
struct vly_dp_option_row {
	const char *name;     /* without the "--" */
	const char *key;      /* in volley.yaml; NULL: none */
	const char *argument; /* a placeholder, or the words: "sleep|spin"; "" for a switch */
	const char *unit;     /* "" where there is none */
	const char *preset;   /* the default; NULL: none */
	const char *help;
	enum vly_dp_option_kind kind;
	uint32_t min;
	uint32_t max;
};

struct vly_cpu_list {
	uint16_t cpu[VLY_LCORES_MAX];
	unsigned cnt;
};

/* What the value must be: enough for each row. */
#define VLY_DP_REASON_BYTES 256

extern const struct vly_dp_option_row vly_dp_option_row[VLY_DP_OPTION_CNT];

/* Judges a value. Returns 0, with the number, or the index of the word, in *number; or -1 with
 * what the value must be in `reason`: "must be a number from 1 to 3600 (seconds)". */
__attribute__((nonnull, warn_unused_result)) int
vly_dp_option_read(enum vly_dp_option option, const char *text, unsigned *number,
		   char reason[VLY_DP_REASON_BYTES]);

/* Reads a list of CPUs such as "1-3,5". Returns 0, or -1 with a reason as above. */
__attribute__((nonnull, warn_unused_result)) int
vly_cpu_list_read(struct vly_cpu_list *list, const char *text, char reason[VLY_DP_REASON_BYTES]);

/* Reads an NSID from text, or from hexadecimal digits behind "0x". Returns the number of octets,
 * or -1 when it is empty, too long, or has a malformed digit. */
__attribute__((nonnull, warn_unused_result)) int vly_nsid_read(uint8_t octets[VLY_NSID_BYTES_MAX],
							       const char *text);

#endif
