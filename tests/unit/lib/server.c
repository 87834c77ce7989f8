/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <volley/image_sum.h>

const struct vly_hash_key vly_test_key = {
	{UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210), UINT64_C(0x5851f42d4c957f2d),
	 UINT64_C(0x14057b7ef767814f)}};

int
vly_test_text_fd(const char *text, size_t bytes)
{
	int fd = memfd_create("zone-text", MFD_CLOEXEC);

	while (fd >= 0 && bytes > 0) {
		ssize_t written = write(fd, text, bytes);
		if (written <= 0) {
			close(fd);
			return -1;
		}
		text += written;
		bytes -= (size_t)written;
	}
	return fd;
}

void
vly_test_fd_path(int fd, char path[32])
{
	snprintf(path, 32, "/proc/self/fd/%d", fd);
}

int
vly_test_zone_add(struct vly_image_builder *builder, const struct vly_test_zone *zone,
		  struct vly_zone_error *error)
{
	if (strcmp(zone->text, VLY_TEST_NOT_LOADED) == 0)
		return vly_image_builder_add_unready(builder, zone->name, VLY_UNREADY_NOT_LOADED);
	if (strcmp(zone->text, VLY_TEST_EXPIRED) == 0)
		return vly_image_builder_add_unready(builder, zone->name, VLY_UNREADY_EXPIRED);
	int fd = vly_test_text_fd(zone->text, strlen(zone->text));
	struct vly_zone_report report;
	struct vly_zone_info info;
	char path[32];

	vly_zone_report_defaults(&report);
	if (fd < 0) {
		snprintf(error->text, sizeof(error->text), "no memfd for a test zone");
		return -1;
	}
	vly_test_fd_path(fd, path);
	int result = vly_image_builder_add_file(builder, zone->name, path, NULL, &report, &info);
	*error = report.first;
	close(fd);
	return result;
}

int
vly_test_image_build(const struct vly_test_zone *zone, size_t zone_cnt,
		     const struct vly_hash_key *key, struct vly_zone_error *error)
{
	struct vly_image_builder *builder = vly_image_builder_new(key);
	struct vly_built_image image;

	if (builder == NULL)
		return -1;
	for (size_t i = 0; i < zone_cnt; i++) {
		if (vly_test_zone_add(builder, &zone[i], error) != 0) {
			vly_image_builder_free(builder);
			return -1;
		}
	}
	return vly_image_builder_seal(builder, &image) == 0 ? image.fd : -1;
}

uint8_t *
vly_test_image_read(int fd, size_t *bytes)
{
	struct stat stat;

	if (fstat(fd, &stat) != 0)
		return NULL;
	*bytes = (size_t)stat.st_size;
	uint8_t *block = malloc(*bytes);
	if (block != NULL && pread(fd, block, *bytes, 0) != (ssize_t)*bytes) {
		free(block);
		return NULL;
	}
	/* In huge pages, the memfd is longer than the image. */
	if (block != NULL)
		*bytes = (size_t)((const struct vly_image_header *)block)->image_bytes;
	return block;
}

void
vly_test_image_reseal(uint8_t *block, size_t bytes)
{
	struct vly_image_header *header = (void *)block;

	header->checksum = vly_image_sum(block, bytes);
}

struct vly_image *
vly_test_image_open(const struct vly_test_zone *zone, size_t zone_cnt, uint64_t id)
{
	struct vly_zone_error zone_error = {0};
	struct vly_image_error error = {0};
	int fd = vly_test_image_build(zone, zone_cnt, &vly_test_key, &zone_error);

	if (fd < 0) {
		fprintf(stderr, "no image: %s:%llu: %s\n", zone_error.file,
			(unsigned long long)zone_error.line, zone_error.text);
		return NULL;
	}
	struct vly_image *image = vly_image_open(fd, id, NULL, &error);
	close(fd);
	if (image == NULL)
		fprintf(stderr, "image refused: %s\n", error.text);
	return image;
}

int
vly_test_server_open(struct vly_test_server *server, const struct vly_test_zone *zone,
		     size_t zone_cnt)
{
	struct vly_image_error error = {0};

	server->table = NULL;
	server->image = vly_test_image_open(zone, zone_cnt, 1);
	if (server->image == NULL)
		return -1;
	server->table = vly_table_build(&server->image, 1, &error);
	if (server->table != NULL)
		return 0;
	fprintf(stderr, "no table: %s\n", error.text);
	vly_test_server_close(server);
	return -1;
}

void
vly_test_server_close(struct vly_test_server *server)
{
	vly_table_free(server->table);
	vly_image_close(server->image);
}
