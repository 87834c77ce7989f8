/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "state_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_text.h"
#include "new_file.h"

/* How many damaged files are kept. With more of them, nobody has looked at them for a long time. */
#define ASIDE_MAX 100

int
vly_state_dir_make(const char *path)
{
	if (mkdir(path, 0700) != 0)
		return errno == EEXIST ? 0 : -1;
	vly_new_file_sync_name(path);
	return 0;
}

enum vly_state_read
vly_state_file_read(const char *path, size_t bytes_max, char **text, size_t *bytes, char *reason,
		    size_t reason_bytes)
{
	const char *why;

	*text = vly_file_read_string(path, bytes_max, bytes, &why);
	if (*text)
		return VLY_STATE_READ;
	int error = errno;
	snprintf(reason, reason_bytes, "%s: %s", path, why);
	if (error == ENOENT || error == ENOTDIR)
		return VLY_STATE_NONE;
	return error == EFBIG ? VLY_STATE_DAMAGED : VLY_STATE_UNREADABLE;
}

/* link() fails if the name exists; rename() would replace the file. */
int
vly_state_file_set_aside(const char *path, char *aside, size_t aside_bytes)
{
	int result = -1;

	errno = EEXIST;
	for (unsigned i = 0; i < ASIDE_MAX && result < 0 && errno == EEXIST; i++) {
		int len = i == 0 ? snprintf(aside, aside_bytes, "%s.damaged", path)
				 : snprintf(aside, aside_bytes, "%s.damaged.%u", path, i);
		if (len < 0 || (size_t)len >= aside_bytes) {
			errno = ENAMETOOLONG;
			return -1;
		}
		result = link(path, aside);
	}
	return result == 0 ? unlink(path) : -1;
}

static int
write_file(const char *path, const char *text, size_t bytes)
{
	struct vly_new_file file;

	if (vly_new_file_open(&file, path, VLY_NEW_FILE_ENDING) < 0)
		return -1;
	if (vly_new_file_write(&file, text, bytes) == 0)
		return vly_new_file_replace(&file);
	vly_new_file_drop(&file);
	return -1;
}

int
vly_state_file_write(const char *path, const char *text, size_t bytes, char *reason,
		     size_t reason_bytes)
{
	int result = write_file(path, text, bytes);

	if (result < 0)
		snprintf(reason, reason_bytes, "%s: %s", path, strerror(errno));
	return result;
}
