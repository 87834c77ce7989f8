/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include <criterion/criterion.h>

#include "publish/publish_decode.h"

static union {
	struct vly_publish_header header;
	struct vly_publish_image image;
	struct vly_publish_commit commit;
	struct vly_publish_response_after after;
	uint64_t room[VLY_PUBLISH_BYTES_MAX / 8 + 2];
} message;
static struct vly_publish_request request;

static void
set_header(uint32_t type, size_t bytes)
{
	message.header =
		(struct vly_publish_header){.type = type, .bytes = (uint32_t)bytes, .seq = 7};
}

static void
expect_malformed(size_t bytes, unsigned fd_cnt, const char *part)
{
	const char *wrong = vly_publish_decode(&message, bytes, fd_cnt, &request);

	cr_assert_not_null(wrong);
	cr_expect_not_null(strstr(wrong, part), "%s", wrong);
}

Test(publish_decode, image)
{
	set_header(VLY_PUBLISH_IMAGE, sizeof(message.image));
	message.image.image_id = 99;
	cr_assert_null(vly_publish_decode(&message, sizeof(message.image), 1, &request));
	cr_expect_eq(request.type, VLY_PUBLISH_IMAGE);
	cr_expect_eq(request.seq, 7);
	cr_expect_eq(request.image_id, 99);
	expect_malformed(sizeof(message.image), 0, "file descriptor");
	expect_malformed(sizeof(message.image), 2, "file descriptor");
	message.image.image_id = 0;
	expect_malformed(sizeof(message.image), 1, "not a valid image id");
}

Test(publish_decode, defence)
{
	set_header(VLY_PUBLISH_DEFENCE, sizeof(message.header));
	cr_assert_null(vly_publish_decode(&message, sizeof(message.header), 1, &request));
	cr_expect_eq(request.type, VLY_PUBLISH_DEFENCE);
	cr_expect_eq(request.seq, 7);
	expect_malformed(sizeof(message.header), 0, "file descriptor");
	expect_malformed(sizeof(message.header), 2, "file descriptor");
	set_header(VLY_PUBLISH_DEFENCE, sizeof(message.header) + 8);
	expect_malformed(sizeof(message.header) + 8, 1, "wrong length");
}

Test(publish_decode, steer)
{
	set_header(VLY_PUBLISH_STEER, sizeof(message.header));
	cr_assert_null(vly_publish_decode(&message, sizeof(message.header), 2, &request));
	cr_expect_eq(request.type, VLY_PUBLISH_STEER);
	cr_expect_eq(request.seq, 7);
	expect_malformed(sizeof(message.header), 0, "two file descriptors");
	expect_malformed(sizeof(message.header), 1, "two file descriptors");
	expect_malformed(sizeof(message.header), 3, "two file descriptors");
	set_header(VLY_PUBLISH_STEER, sizeof(message.header) + 8);
	expect_malformed(sizeof(message.header) + 8, 2, "wrong length");
}

Test(publish_decode, response_after)
{
	const size_t bytes = sizeof(message.after) + 20;

	set_header(VLY_PUBLISH_RESPONSE_AFTER, bytes);
	message.after.commit_seq = 5;
	cr_assert_null(vly_publish_decode(&message, bytes, 0, &request));
	cr_expect_eq(request.type, VLY_PUBLISH_RESPONSE_AFTER);
	cr_expect_eq(request.seq, 7);
	cr_expect_eq(request.commit_seq, 5);
	cr_expect_eq(request.response, message.after.message);
	cr_expect_eq(request.response_bytes, 20);
	expect_malformed(bytes, 1, "file descriptor");
	set_header(VLY_PUBLISH_RESPONSE_AFTER, sizeof(message.after) + 11);
	expect_malformed(sizeof(message.after) + 11, 0, "too short");
	set_header(VLY_PUBLISH_RESPONSE_AFTER, sizeof(message.header));
	expect_malformed(sizeof(message.header), 0, "too short");
	set_header(VLY_PUBLISH_RESPONSE_AFTER, sizeof(message.after) + VLY_MESSAGE_BYTES_MAX + 1);
	expect_malformed(sizeof(message.after) + VLY_MESSAGE_BYTES_MAX + 1, 0, "longer");
}

Test(publish_decode, commit)
{
	const struct vly_publish_difference *difference = &request.difference;
	size_t bytes = sizeof(message.commit) + 3 * sizeof(uint64_t);

	set_header(VLY_PUBLISH_COMMIT, bytes);
	message.commit.generation = 3;
	message.commit.since = 2;
	message.commit.removed_cnt = 1;
	message.commit.added_cnt = 2;
	message.commit.flags = VLY_COMMIT_MORE;
	message.commit.image_id[0] = 4;
	message.commit.image_id[2] = 5;
	cr_assert_null(vly_publish_decode(&message, bytes, 0, &request));
	cr_expect_eq(request.type, VLY_PUBLISH_COMMIT);
	cr_expect_eq(difference->generation, 3);
	cr_expect_eq(difference->since, 2);
	cr_expect(difference->more);
	cr_expect_eq(difference->removed_cnt, 1);
	cr_expect_eq(difference->added_cnt, 2);
	cr_expect_eq(difference->removed[0], 4);
	cr_expect_eq(difference->added[1], 5);
	expect_malformed(bytes, 1, "file descriptor");
	message.commit.flags = 2;
	expect_malformed(bytes, 0, "flags");
	message.commit.flags = 0;
	message.commit.since = 0;
	expect_malformed(bytes, 0, "removes nothing");
	message.commit.since = 2;
	message.commit.added_cnt = 3;
	expect_malformed(bytes, 0, "number of images");
	message.commit.added_cnt = UINT32_MAX;
	expect_malformed(bytes, 0, "too many");
	message.commit.removed_cnt = UINT32_MAX;
	expect_malformed(bytes, 0, "too many");
}

Test(publish_decode, commit_of_nothing)
{
	set_header(VLY_PUBLISH_COMMIT, sizeof(message.commit));
	message.commit.generation = 1;
	cr_assert_null(vly_publish_decode(&message, sizeof(message.commit), 0, &request));
	cr_expect_eq(request.difference.added_cnt, 0);
}

Test(publish_decode, largest)
{
	set_header(VLY_PUBLISH_COMMIT, VLY_PUBLISH_COMMIT_BYTES);
	message.commit.added_cnt = VLY_PUBLISH_IDS_MAX;
	cr_expect_null(vly_publish_decode(&message, VLY_PUBLISH_COMMIT_BYTES, 0, &request));
	expect_malformed(VLY_PUBLISH_COMMIT_BYTES + 1, 0, "length");
}

Test(publish_decode, headers)
{
	for (size_t bytes = 0; bytes < sizeof(message.header); bytes++)
		expect_malformed(bytes, 0, "shorter");
	set_header(VLY_PUBLISH_IMAGE, sizeof(message.header));
	expect_malformed(sizeof(message.image), 0, "does not match the packet");
	expect_malformed(sizeof(message.header), 0, "wrong length");
	set_header(VLY_PUBLISH_COMMIT, sizeof(message.header));
	expect_malformed(sizeof(message.header), 0, "too short");
	cr_expect_eq(request.seq, 7);
	for (uint32_t type = 0; type < 9; type++) {
		if (type == VLY_PUBLISH_IMAGE || type == VLY_PUBLISH_COMMIT ||
		    type == VLY_PUBLISH_DEFENCE || type == VLY_PUBLISH_RESPONSE ||
		    type == VLY_PUBLISH_RESPONSE_AFTER)
			continue;
		set_header(type, sizeof(message.header));
		expect_malformed(sizeof(message.header), 0, "unknown request type");
	}
}
