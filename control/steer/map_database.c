/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map_database.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file_text.h"
#include "map_database_parts.h"

const char *const vly_map_by_name[VLY_MAP_BY_CNT] = {
	[VLY_MAP_BY_COUNTRY] = "country",
	[VLY_MAP_BY_CONTINENT] = "continent",
	[VLY_MAP_BY_SUBDIVISION] = "subdivision",
	[VLY_MAP_BY_ASN] = "asn",
	[VLY_MAP_BY_CITY] = "city",
};

int
vly_map_walk_refuse(struct vly_map_walk *walk, const char *format, ...)
{
	char sentence[VLY_REASON_BYTES / 2];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	snprintf(walk->reason, VLY_REASON_BYTES, "%s: %s", walk->file, sentence);
	return -1;
}

/* libmaxminddb maps a file, and a file that somebody truncates ends the process (SIGBUS): so it gets
 * a memfd. Returns that, or -1 with errno. */
static int
copy_to_memfd(const char *octets, size_t bytes)
{
	int fd = memfd_create("volley-map", MFD_CLOEXEC);
	size_t done = 0;

	while (fd >= 0 && done < bytes) {
		ssize_t written = write(fd, octets + done, bytes - done);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0) {
			int error = errno;
			close(fd);
			errno = error;
			return -1;
		}
		done += (size_t)written;
	}
	return fd;
}

/* A database of another kind than `by` asks for has no region at all. */
static int
check_regions(struct vly_map_walk *walk)
{
	if (vly_region_cnt(&walk->list->names) > 1 || walk->choice->km_max > 0)
		return 0;
	return vly_map_walk_refuse(walk,
				   "no network has a region by %s: is a database of type %.60s the "
				   "right one for that?",
				   vly_map_by_name[walk->choice->by],
				   walk->db.metadata.database_type);
}

static int
read_open(struct vly_map_walk *walk, struct vly_map_about *about)
{

	about->built_s = walk->db.metadata.build_epoch;
	snprintf(about->type, sizeof(about->type), "%s", walk->db.metadata.database_type);
	int error = vly_map_walk_points(walk);
	if (error == 0)
		error = vly_map_walk_tree(walk);
	if (error == 0)
		error = check_regions(walk);
	/* The tree is walked in the order of addresses, and a network is in it once: so the list is
	 * settled. */
	free(walk->point);
	vly_number_table_free(&walk->region);
	return error;
}

/* Closes `fd`. */
static int
read_memfd(struct vly_map_walk *walk, int fd, struct vly_map_about *about)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int status = MMDB_open(path, MMDB_MODE_MMAP, &walk->db);
	close(fd);
	if (status != MMDB_SUCCESS)
		return vly_map_walk_refuse(walk, "not a MaxMind database, or a damaged one: %s",
					   MMDB_strerror(status));
	int error = read_open(walk, about);
	MMDB_close(&walk->db);
	if (error != 0)
		vly_region_list_free(walk->list);
	return error;
}

int
vly_map_database_parse(const char *file, const void *octets, size_t bytes,
		       const struct vly_map_choice *choice, struct vly_region_list *list,
		       struct vly_map_about *about, char reason[VLY_REASON_BYTES])
{
	struct vly_map_walk walk = {.file = file, .choice = choice, .list = list, .reason = reason};
	int fd = copy_to_memfd(octets, bytes);

	return fd < 0 ? vly_map_walk_refuse(&walk, "%s", strerror(errno))
		      : read_memfd(&walk, fd, about);
}

int
vly_map_database_read(const char *path, const struct vly_map_choice *choice,
		      struct vly_region_list *list, struct vly_map_about *about,
		      char reason[VLY_REASON_BYTES])
{
	struct vly_map_walk walk = {.file = path, .choice = choice, .list = list, .reason = reason};
	struct vly_file_text text;
	const char *why = vly_file_text_read(&text, path);

	if (why != NULL)
		return vly_map_walk_refuse(&walk, "%s", why);
	int fd = copy_to_memfd(text.start, text.len);
	int error = errno;
	vly_file_text_free(&text);
	return fd < 0 ? vly_map_walk_refuse(&walk, "%s", strerror(error))
		      : read_memfd(&walk, fd, about);
}
