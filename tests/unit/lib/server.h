/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zones from text to a table, through the real builder, verifier and table: what a test asks its
 * questions.
 *
 * Use: vly_test_server_open() with the zones; ask (message.h) its `table`; vly_test_server_close().
 * For tests of the steps between: vly_test_text_fd(), vly_test_image_build(),
 * vly_test_image_read().
 */
#ifndef VLY_TEST_SERVER_H
#define VLY_TEST_SERVER_H

#include "compile/image_builder.h"
#include "image/table.h"

struct vly_test_zone {
	const char *name;
	const char *text;
};

struct vly_test_server {
	struct vly_image *image;
	struct vly_table *table;
};

/* In place of the text: zones without data. */
#define VLY_TEST_NOT_LOADED "not loaded"
#define VLY_TEST_EXPIRED    "expired"

extern const struct vly_hash_key vly_test_key;

/* The head that most test zones share: SOA with serial 7 and TTL 300, negative TTL 60, one NS out
 * of the zone. */
#define VLY_TEST_APEX                                                                              \
	"$TTL 300\n"                                                                               \
	"@ SOA ns.elsewhere. mail.elsewhere. 7 2 3 4 60\n"                                         \
	"@ NS ns.elsewhere.\n"

/* A memfd that holds `text`; the caller's to close. vly_test_fd_path() names it. */
int vly_test_text_fd(const char *text, size_t bytes);
void vly_test_fd_path(int fd, char path[32]);

/* Adds a zone to a builder. Returns what the builder returns. */
int vly_test_zone_add(struct vly_image_builder *builder, const struct vly_test_zone *zone,
		      struct vly_zone_error *error);

/* Builds and seals an image; returns its memfd, or -1 with *error filled. */
int vly_test_image_build(const struct vly_test_zone *zone, size_t zone_cnt,
			 const struct vly_hash_key *key, struct vly_zone_error *error);

/* The octets of an image or file, the caller's to free. */
uint8_t *vly_test_image_read(int fd, size_t *bytes);

/* Writes the right checksum into an image of `bytes` octets. */
void vly_test_image_reseal(uint8_t *block, size_t bytes);

/* The image of `zone_cnt` zones, opened; NULL, with the reason on stderr, when that fails. */
struct vly_image *vly_test_image_open(const struct vly_test_zone *zone, size_t zone_cnt,
				      uint64_t id);

/* Returns 0, or -1 with the reason on stderr. */
int vly_test_server_open(struct vly_test_server *server, const struct vly_test_zone *zone,
			 size_t zone_cnt);
void vly_test_server_close(struct vly_test_server *server);

#endif
