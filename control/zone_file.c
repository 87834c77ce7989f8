/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libzscanner/scanner.h>

#include "rdata.h"
#include "zone_file.h"

/* TTL of records before any $TTL and without one of their own: what Knot DNS takes, too. */
#define DEFAULT_TTL_S 3600

/* Records between two updates of the progress that other threads watch. */
#define PROGRESS_RECORDS 1024

struct reader {
	struct vly_zone *zone;
	struct vly_zone_error *error;
	struct vly_load_progress *progress;
	const char *name;
	uint64_t bytes_before; /* of progress->file_bytes_done, when this file began */
	bool failed;
	/* the owner before this one: most records share it */
	uint8_t owner[VLY_NAME_BYTES_MAX];
	unsigned owner_len;
	uint32_t owner_node;
};

__attribute__((format(printf, 3, 4), cold)) static void
fail(struct reader *reader, zs_scanner_t *scanner, const char *format, ...)
{
	va_list args;

	if (!reader->failed) {
		struct vly_zone_error *error = reader->error;
		snprintf(error->file, sizeof(error->file), "%s",
			 scanner->file.name != NULL ? scanner->file.name : "");
		error->line = scanner->line_counter;
		va_start(args, format);
		vsnprintf(error->text, sizeof(error->text), format, args);
		va_end(args);
	}
	reader->failed = true;
	scanner->state = ZS_STATE_STOP;
}

/* Index of the file being read, for the errors of later stages. */
static int
file_idx_of(struct vly_zone *zone, const char *name, uint16_t *idx)
{
	for (unsigned i = zone->file_cnt; i-- > 0;) {
		if (strcmp(zone->file[i], name) == 0) {
			*idx = (uint16_t)i;
			return 0;
		}
	}
	if (zone->file_cnt == UINT16_MAX)
		return -1;
	char **file = realloc(zone->file, (zone->file_cnt + 1u) * sizeof(*file));
	if (file == NULL)
		return -1;
	zone->file = file;
	if ((file[zone->file_cnt] = strdup(name)) == NULL)
		return -1;
	*idx = zone->file_cnt++;
	return 0;
}

/* The node of the scanner's current owner. */
static bool
enter_owner(struct reader *reader, zs_scanner_t *scanner)
{
	struct vly_zone *zone = reader->zone;
	struct vly_name name;

	if (scanner->r_owner_length == reader->owner_len &&
	    memcmp(scanner->r_owner, reader->owner, reader->owner_len) == 0)
		return true;
	if (vly_name_scan(&name, scanner->r_owner, scanner->r_owner_length) == 0) {
		fail(reader, scanner, "malformed owner name");
		return false;
	}
	if (!vly_zone_has_name(zone, &name)) {
		fail(reader, scanner, "the owner is not in zone %s", reader->name);
		return false;
	}
	vly_name_hash(&name, &zone->key);
	reader->owner_node = vly_zone_add_name(zone, &name);
	if (reader->owner_node == VLY_ZONE_NONE) {
		fail(reader, scanner, "no memory for the zone");
		return false;
	}
	reader->owner_len = scanner->r_owner_length;
	memcpy(reader->owner, scanner->r_owner, reader->owner_len);
	return true;
}

static bool
add_record(struct reader *reader, const zs_scanner_t *scanner)
{
	struct vly_zone *zone = reader->zone;
	uint16_t file_idx;

	if (file_idx_of(zone, scanner->file.name, &file_idx) != 0)
		return false;
	uint64_t off = vly_arena_append(&zone->arena,
					sizeof(struct vly_zone_record) + scanner->r_data_length,
					VLY_ARENA_REF_BYTES);
	if (off == 0)
		return false;
	struct vly_zone_record *record = (void *)(zone->arena.base + off);
	struct vly_zone_node *node = &zone->node[reader->owner_node];
	record->next = node->records;
	record->ttl = scanner->r_ttl;
	record->line = (uint32_t)scanner->line_counter;
	record->file_idx = file_idx;
	record->type = scanner->r_type;
	record->data_len = (uint16_t)scanner->r_data_length;
	memcpy(record->data, scanner->r_data, scanner->r_data_length);
	node->records = (vly_arena_ref)(off / VLY_ARENA_REF_BYTES);
	if (record->type == VLY_TYPE_NS && reader->owner_node != 0)
		node->flags |= VLY_ZONE_CUT;
	else if (record->type == VLY_TYPE_DNAME)
		node->flags |= VLY_ZONE_DNAME;
	else if (record->type == VLY_TYPE_CNAME)
		node->flags |= VLY_ZONE_CNAME;
	zone->record_cnt++;
	return true;
}

static void
show_progress(struct reader *reader, const zs_scanner_t *scanner)
{
	struct vly_load_progress *progress = reader->progress;

	if (progress == NULL || reader->zone->record_cnt % PROGRESS_RECORDS != 0)
		return;
	atomic_fetch_add_explicit(&progress->record_cnt, PROGRESS_RECORDS, memory_order_relaxed);
	atomic_store_explicit(&progress->file_bytes_done,
			      reader->bytes_before +
				      (uint64_t)(scanner->input.current - scanner->input.start),
			      memory_order_relaxed);
}

static void
on_record(zs_scanner_t *scanner)
{
	struct reader *reader = scanner->process.data;

	if (scanner->r_class != VLY_CLASS_IN) {
		fail(reader, scanner, "only class IN is served, not class %u", scanner->r_class);
		return;
	}
	if (scanner->r_type >= VLY_TYPE_META_FIRST && scanner->r_type <= VLY_TYPE_ANY) {
		fail(reader, scanner, "type %u is for questions, not for zones", scanner->r_type);
		return;
	}
	if (!vly_rdata_is_sound(scanner->r_type, scanner->r_data, scanner->r_data_length)) {
		fail(reader, scanner, "the data does not have the form of type %u",
		     scanner->r_type);
		return;
	}
	if (!enter_owner(reader, scanner))
		return;
	if (!add_record(reader, scanner)) {
		fail(reader, scanner, "no memory for the zone");
		return;
	}
	show_progress(reader, scanner);
}

static void
on_error(zs_scanner_t *scanner)
{
	fail(scanner->process.data, scanner, "%s", zs_strerror(scanner->error.code));
}

/* What libzscanner would call just "cannot open" or "invalid": say which of the many reasons it is. */
static int
check_file(const char *path, struct vly_zone_error *error, uint64_t *bytes)
{
	struct stat stat_buf;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	const char *why = NULL;

	if (fd < 0 || fstat(fd, &stat_buf) != 0)
		why = strerror(errno);
	else if (S_ISDIR(stat_buf.st_mode))
		why = "it is a directory";
	else if (stat_buf.st_size == 0)
		why = "the file is empty";
	else
		*bytes = (uint64_t)stat_buf.st_size;
	if (fd >= 0)
		close(fd);
	if (why == NULL)
		return 0;
	snprintf(error->text, sizeof(error->text), "cannot read the zone file: %s", why);
	return -1;
}

static int
scan(zs_scanner_t *scanner, struct reader *reader, const char *name, const char *path)
{
	struct vly_name apex;
	const struct vly_hash_key key = reader->zone->key;
	int result = -1;

	if (zs_init(scanner, name, VLY_CLASS_IN, DEFAULT_TTL_S) != 0 ||
	    vly_name_scan(&apex, scanner->zone_origin, scanner->zone_origin_length) == 0) {
		snprintf(reader->error->text, sizeof(reader->error->text),
			 "%.100s is not a zone name", name);
		goto out;
	}
	if (vly_zone_init(reader->zone, &key, &apex) != 0) {
		snprintf(reader->error->text, sizeof(reader->error->text), "no memory");
		goto out;
	}
	if (zs_set_input_file(scanner, path) != 0 ||
	    zs_set_processing(scanner, on_record, on_error, reader) != 0) {
		snprintf(reader->error->text, sizeof(reader->error->text),
			 "cannot read the zone file: %s", zs_strerror(scanner->error.code));
		vly_zone_free(reader->zone);
		goto out;
	}
	(void)zs_parse_all(scanner);
	if (scanner->error.counter > 0 && !reader->failed)
		on_error(scanner);
	if (reader->failed)
		vly_zone_free(reader->zone);
	else
		result = 0;
out:
	zs_deinit(scanner);
	return result;
}

int
vly_zone_read_file(struct vly_zone *zone, const struct vly_hash_key *key, const char *name,
		   const char *path, struct vly_load_progress *progress,
		   struct vly_zone_error *error)
{
	struct reader reader = {.zone = zone, .error = error, .progress = progress, .name = name};
	uint64_t file_bytes = 0;

	*error = (struct vly_zone_error){0};
	snprintf(error->file, sizeof(error->file), "%s", path);
	if (check_file(path, error, &file_bytes) != 0)
		return -1;
	zs_scanner_t *scanner =
		malloc(sizeof(*scanner)); /* half a megabyte: too large for a stack */
	if (scanner == NULL) {
		snprintf(error->text, sizeof(error->text), "no memory");
		return -1;
	}
	*zone = (struct vly_zone){.key = *key};
	if (progress != NULL)
		reader.bytes_before = atomic_load(&progress->file_bytes_done);
	int result = scan(scanner, &reader, name, path);
	free(scanner);
	if (result == 0 && progress != NULL) {
		atomic_fetch_add(&progress->record_cnt, zone->record_cnt % PROGRESS_RECORDS);
		atomic_store(&progress->file_bytes_done, reader.bytes_before + file_bytes);
	}
	return result;
}
