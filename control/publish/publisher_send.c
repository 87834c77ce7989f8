/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "publish_message.h"
#include "publisher_parts.h"

/* Verifying an image reads all of it: ten seconds for the largest. An answer that takes longer
 * than this is a dataplane that hangs. */
#define RESULT_MS 300000

void
vly_publisher_hold(struct vly_image_list **place, struct vly_image_list *list)
{
	struct vly_image_list *before = *place;

	*place = list ? vly_image_list_get(list) : NULL;
	vly_image_list_free(before);
}

static void
on_no_result(uv_timer_t *timer)
{
	struct vly_publisher *publisher = timer->data;

	vly_publish_link_close(&publisher->link, "no reply for 300 s");
}

/* Sends a request, and waits for its result in `state`. */
static void
ask(struct vly_publisher *publisher, enum vly_publisher_state state, const void *message,
    size_t bytes, int fd)
{
	publisher->state = state;
	uv_timer_start(&publisher->deadline, on_no_result, RESULT_MS, 0);
	vly_publish_link_send(&publisher->link, message, bytes, fd);
}

static void
send_image(struct vly_publisher *publisher, struct vly_image_list *list,
	   const struct vly_live_image *image)
{
	struct vly_publish_image message;
	size_t bytes = vly_publish_write_image(&message, ++publisher->seq, image->id);

	vly_publisher_hold(&publisher->asked, list);
	publisher->asked_id = image->id;
	ask(publisher, VLY_PUBLISHER_SENDING, &message, bytes, image->fd);
}

static void
send_commit(struct vly_publisher *publisher, struct vly_image_list *list)
{
	struct vly_publish_commit *message = malloc(VLY_PUBLISH_COMMIT_BYTES_MAX);

	if (!message) {
		vly_publish_link_close(&publisher->link, "out of memory");
		return;
	}
	if (publisher->generation < publisher->hello.generation)
		publisher->generation = publisher->hello.generation;
	size_t bytes = vly_publish_write_commit(message, ++publisher->seq,
						publisher->generation + 1, list);
	vly_publisher_hold(&publisher->asked, list);
	ask(publisher, VLY_PUBLISHER_COMMITTING, message, bytes, -1);
	free(message);
}

static void
send_defence(struct vly_publisher *publisher)
{
	struct vly_publish_header message;
	size_t bytes = vly_publish_write_defence(&message, ++publisher->seq);

	ask(publisher, VLY_PUBLISHER_DEFENDING, &message, bytes,
	    vly_publish_defence_send(&publisher->defence));
}

void
vly_publisher_step(struct vly_publisher *publisher)
{
	struct vly_image_list *want = publisher->next ? publisher->next : publisher->settled;

	uv_timer_stop(&publisher->deadline);
	publisher->state = VLY_PUBLISHER_IDLE;
	if (vly_publish_defence_is_due(&publisher->defence)) {
		send_defence(publisher);
		return;
	}
	if (!want || want == publisher->committed || publisher->held_back || publisher->deaf)
		return;
	for (uint32_t i = 0; i < want->cnt; i++)
		if (!vly_held_images_have(&publisher->held, want->image[i]->id)) {
			send_image(publisher, want, want->image[i]);
			return;
		}
	send_commit(publisher, want);
}
