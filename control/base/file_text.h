/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A regular file's text, read into memory. When somebody truncates the file meanwhile, the text
 * stays as it was read; a mapping of the file would end the process (SIGBUS).
 *
 * Use: vly_file_text_read(); parse it from the start to the end, with vly_file_text_release() of
 * what is done on the way; vly_file_text_free(). By one thread at a time; no other state.
 */
#ifndef VLY_CONTROL_FILE_TEXT_H
#define VLY_CONTROL_FILE_TEXT_H

#include <stddef.h>

#include "file_stamp.h"

struct vly_file_text {
	char *start;
	size_t len;
	size_t mapped_bytes; /* 0: on the heap */
	size_t released_bytes;
	struct vly_file_stamp stamp; /* from before it was read */
};

/*
 * Reads the file `path` (untrusted), which may be empty, or /dev/null. Returns NULL; or a sentence
 * without the path, with nothing to free. A file that changed while it was read is refused. Blocks
 * for the disk, but not for a FIFO.
 */
__attribute__((nonnull, warn_unused_result)) const char *
vly_file_text_read(struct vly_file_text *text, const char *path);

/* Frees the memory of the text before `to`, which must not be read again, so that a large file and
 * the zone that is made of it are not both in memory as a whole. Does nothing when `to` is not in
 * the text. */
__attribute__((nonnull)) void vly_file_text_release(struct vly_file_text *text, const char *to);

__attribute__((nonnull)) void vly_file_text_free(struct vly_file_text *text);

/* Reads a small file, which may be empty. Returns its text, the caller's to free, with a NUL after
 * it, and its length in *bytes; or NULL with a sentence in *why and errno: EFBIG when it has more
 * than bytes_max octets, 0 when the system reported no error. Blocks for the disk. */
__attribute__((nonnull, warn_unused_result)) char *
vly_file_read_string(const char *path, size_t bytes_max, size_t *bytes, const char **why);

#endif
