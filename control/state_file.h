/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small files that must survive: replaced as a whole or not at all. No state; any thread. */
#ifndef VLY_CONTROL_STATE_FILE_H
#define VLY_CONTROL_STATE_FILE_H

#include <stddef.h>

/*
 * Makes text[0..bytes-1] the contents of `path`, with mode 0600: written to `path`.new, synced, and
 * renamed. Returns 0; or -1 with "path: why" in `reason`, and the file is as it was.
 */
__attribute__((nonnull, warn_unused_result)) int vly_state_file_write(const char *path,
								      const char *text,
								      size_t bytes, char *reason,
								      size_t reason_bytes);

#endif
