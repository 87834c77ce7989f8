/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <volley/image.h>

#include "publish/publish_message.h"

static struct vly_publish_hello
hello(void)
{
	return (struct vly_publish_hello){
		.header = {.type = VLY_PUBLISH_HELLO, .bytes = sizeof(struct vly_publish_hello)},
		.publish_version = VLY_PUBLISH_VERSION,
		.image_version = VLY_IMAGE_VERSION,
	};
}

Test(publish_message, defence_is_a_header)
{
	struct vly_publish_header message;

	cr_expect_eq(vly_publish_write_block(&message, VLY_PUBLISH_DEFENCE, 9), sizeof(message));
	cr_expect_eq(message.type, VLY_PUBLISH_DEFENCE);
	cr_expect_eq(message.bytes, sizeof(message));
	cr_expect_eq(message.seq, 9);
}

Test(publish_message, hello)
{
	struct vly_publish_hello message = hello();

	cr_expect_null(vly_publish_check_hello(&message, sizeof(message)));
	cr_expect_not_null(vly_publish_check_hello(&message, sizeof(message) - 1));
	cr_expect_not_null(vly_publish_check_hello(&message, 3));
	message.image_version++;
	cr_expect_not_null(strstr(vly_publish_check_hello(&message, sizeof(message)),
				  "version of zone images"));
	message = hello();
	message.publish_version++;
	cr_expect_not_null(
		strstr(vly_publish_check_hello(&message, sizeof(message)), "publish protocol"));
	message = hello();
	message.header.type = VLY_PUBLISH_COMMIT;
	cr_expect_not_null(vly_publish_check_hello(&message, sizeof(message)));
}

/* A HELLO of a later version may be longer: what it must not be is a riddle. */
Test(publish_message, longer_hello_of_another_version)
{
	struct {
		struct vly_publish_hello hello;
		uint64_t more[8];
	} message = {.hello = hello()};

	message.hello.header.bytes = sizeof(message);
	message.hello.publish_version++;
	cr_expect_not_null(
		strstr(vly_publish_check_hello(&message, sizeof(message)), "publish protocol"));
}

Test(publish_message, result)
{
	struct vly_publish_result message = {
		.header = {.type = VLY_PUBLISH_RESULT, .bytes = sizeof(message), .seq = 9},
	};

	cr_expect_null(vly_publish_check_result(&message, sizeof(message)));
	memset(message.text, 'x', sizeof(message.text));
	cr_expect_not_null(vly_publish_check_result(&message, sizeof(message)));
	message.text[0] = '\0';
	message.header.bytes++;
	cr_expect_not_null(vly_publish_check_result(&message, sizeof(message)));
	cr_expect_not_null(vly_publish_check_result(&message, sizeof(message) - 8));
}

/* `cnt` images with ids from `first` on, newest first. */
static struct vly_image_list *
list_of(uint64_t first, unsigned cnt)
{
	struct vly_image_list *list = vly_image_list_new();

	for (unsigned i = 0; i < cnt; i++) {
		struct vly_live_image *image =
			vly_live_image_new(first + i, open("/dev/null", O_RDONLY), 1, 1);
		cr_assert_not_null(image);
		cr_assert_eq(vly_image_list_add(list, image), 0);
		vly_live_image_put(image);
	}
	vly_image_list_sort(list);
	return list;
}

Test(publish_message, commit_has_what_leaves_and_what_comes)
{
	struct vly_publish_commit *message = malloc(VLY_PUBLISH_COMMIT_BYTES_MAX);
	struct vly_held_images held = {0};
	struct vly_publish_change change = {0};
	struct vly_image_list *before = list_of(100, 20);
	struct vly_image_list *after = list_of(103, 20);

	cr_assert_eq(vly_held_images_reserve(&held, before->cnt), 0);
	vly_held_images_commit(&held, before);
	cr_assert_eq(vly_publish_change_begin(&change, &held, after, 76, 77), 0);
	size_t bytes = vly_publish_write_commit(message, 5, &change);
	cr_expect_eq(bytes, sizeof(*message) + 6 * sizeof(uint64_t));
	cr_expect_eq(message->header.bytes, bytes);
	cr_expect_eq(message->header.seq, 5);
	cr_expect_eq(message->generation, 77);
	cr_expect_eq(message->since, 76);
	cr_expect_eq(message->flags, 0);
	cr_expect_eq(message->removed_cnt, 3);
	cr_expect_eq(message->added_cnt, 3);
	for (unsigned i = 0; i < 3; i++) {
		cr_expect_eq(message->image_id[i], 100 + i);
		cr_expect_eq(message->image_id[3 + i], 120 + i);
	}
	cr_expect(vly_publish_change_is_sent(&change));
	/* from nothing: the whole list */
	cr_assert_eq(vly_publish_change_begin(&change, &held, after, 0, 77), 0);
	cr_expect_not(vly_publish_change_is_sent(&change));
	vly_publish_write_commit(message, 6, &change);
	cr_expect_eq(message->removed_cnt, 0);
	cr_expect_eq(message->added_cnt, 20);
	cr_expect_eq(message->since, 0);
	vly_publish_change_free(&change);
	vly_held_images_free(&held);
	vly_image_list_free(before);
	vly_image_list_free(after);
	free(message);
}

Test(publish_message, commit_of_nothing_is_one_message)
{
	struct vly_publish_commit message;
	struct vly_held_images held = {0};
	struct vly_publish_change change = {0};
	struct vly_image_list *none = vly_image_list_new();

	cr_assert_eq(vly_publish_change_begin(&change, &held, none, 0, 1), 0);
	cr_expect_eq(vly_publish_write_commit(&message, 1, &change), sizeof(message));
	cr_expect_eq(message.flags, 0);
	vly_publish_change_free(&change);
	vly_image_list_free(none);
}

/* Each id is in one message, whichever number of images leaves and comes. */
Test(publish_message, long_commit_takes_several_messages)
{
	struct vly_publish_commit *message = malloc(VLY_PUBLISH_COMMIT_BYTES_MAX);
	static const unsigned cnts[] = {0,
					1,
					VLY_PUBLISH_IDS_MAX - 1,
					VLY_PUBLISH_IDS_MAX,
					VLY_PUBLISH_IDS_MAX + 1,
					2 * VLY_PUBLISH_IDS_MAX};
	struct vly_publish_change change = {0};

	change.id = calloc(4 * VLY_PUBLISH_IDS_MAX, sizeof(*change.id));
	for (unsigned i = 0; i < 4 * VLY_PUBLISH_IDS_MAX; i++)
		change.id[i] = i + 1;
	for (unsigned i = 0; i < 36; i++) {
		unsigned removed = 0, added = 0;
		change.removed_cnt = cnts[i / 6];
		change.added_cnt = cnts[i % 6];
		change.sent_cnt = 0;
		do {
			vly_publish_write_commit(message, 1, &change);
			for (unsigned j = 0; j < message->removed_cnt; j++)
				cr_assert_eq(message->image_id[j], ++removed);
			for (unsigned j = 0; j < message->added_cnt; j++)
				cr_assert_eq(message->image_id[message->removed_cnt + j],
					     change.removed_cnt + ++added);
			cr_assert_eq(message->flags,
				     vly_publish_change_is_sent(&change) ? 0 : VLY_COMMIT_MORE);
		} while (!vly_publish_change_is_sent(&change));
		cr_assert_eq(removed, change.removed_cnt);
		cr_assert_eq(added, change.added_cnt);
	}
	vly_publish_change_free(&change);
	free(message);
}

Test(publish_message, image)
{
	struct vly_publish_image message;

	cr_expect_eq(vly_publish_write_image(&message, 3, 44), sizeof(message));
	cr_expect_eq(message.header.type, VLY_PUBLISH_IMAGE);
	cr_expect_eq(message.header.seq, 3);
	cr_expect_eq(message.image_id, 44);
}
