/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Small files that must survive: replaced as a whole or not at all, and never thrown away because
 * they could not be read. No state; any thread. Blocks.
 */
#ifndef VLY_CONTROL_STATE_FILE_H
#define VLY_CONTROL_STATE_FILE_H

#include <stddef.h>

/*
 * Makes the state directory, for its owner alone, when it is missing. Its parents are not made.
 * Returns 0, also when it was there; or -1 with errno.
 */
__attribute__((nonnull, warn_unused_result)) int vly_state_dir_make(const char *path);

/* What came of reading a file of the state directory. */
enum vly_state_read {
	VLY_STATE_READ,
	VLY_STATE_NONE,       /* there is no such file */
	VLY_STATE_UNREADABLE, /* what it holds is not known, and may be good: leave it as it is */
	VLY_STATE_DAMAGED,    /* it was read, and holds nothing of use */
};

/*
 * Reads a regular file of at most bytes_max octets. Returns VLY_STATE_READ with its text, which has
 * a NUL behind it, in *text, the caller's to free, and its octets in *bytes; else `reason` has
 * "path: why". A larger file is damaged.
 */
__attribute__((nonnull, warn_unused_result)) enum vly_state_read
vly_state_file_read(const char *path, size_t bytes_max, char **text, size_t *bytes, char *reason,
		    size_t reason_bytes);

/*
 * Gives a damaged file the first free name of `path`.damaged, `path`.damaged.1 and so on, written
 * to `aside`. Returns 0; or -1 with errno, and the file is where it was.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_state_file_set_aside(const char *path, char *aside, size_t aside_bytes);

/*
 * Makes text[0..bytes-1] the contents of `path`, with mode 0600, by new_file.h. Returns 0; or -1 with "path: why" in `reason`, and the file is as it was.
 */
__attribute__((nonnull, warn_unused_result)) int vly_state_file_write(const char *path,
								      const char *text,
								      size_t bytes, char *reason,
								      size_t reason_bytes);

#endif
