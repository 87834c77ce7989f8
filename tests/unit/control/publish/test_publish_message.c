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

	cr_expect_eq(vly_publish_write_defence(&message, 9), sizeof(message));
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

Test(publish_message, commit_lists_newest_first)
{
	struct vly_publish_commit *message = malloc(VLY_PUBLISH_COMMIT_BYTES_MAX);
	struct vly_image_list *list = vly_image_list_new();
	uint64_t first_id = 0;

	for (int i = 0; i < 20; i++) {
		struct vly_live_image *image = vly_live_image_new(
			vly_live_image_next_id(), open("/dev/null", O_RDONLY), 1, 1);
		cr_assert_not_null(image);
		first_id = first_id ? first_id : image->id;
		cr_expect_neq(image->id, 0);
		cr_assert_eq(vly_image_list_add(list, image), 0);
		vly_live_image_put(image);
	}
	vly_image_list_sort(list);
	size_t bytes = vly_publish_write_commit(message, 5, 77, list);
	cr_expect_eq(bytes, sizeof(*message) + 20 * sizeof(uint64_t));
	cr_expect_eq(message->header.bytes, bytes);
	cr_expect_eq(message->header.seq, 5);
	cr_expect_eq(message->generation, 77);
	cr_expect_eq(message->image_cnt, 20);
	for (int i = 0; i < 20; i++)
		cr_expect_eq(message->image_id[i], first_id + 19 - (uint64_t)i);
	vly_image_list_free(list);
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
