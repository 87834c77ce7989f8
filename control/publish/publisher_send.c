/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include <volley/dns.h>

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
    size_t bytes, const int *fd, unsigned fd_cnt)
{
	publisher->state = state;
	uv_timer_start(&publisher->deadline, on_no_result, RESULT_MS, 0);
	vly_publish_link_send(&publisher->link, message, bytes, fd, fd_cnt);
}

static void
send_image(struct vly_publisher *publisher, struct vly_image_list *list,
	   const struct vly_live_image *image)
{
	struct vly_publish_image message;
	size_t bytes = vly_publish_write_image(&message, ++publisher->seq, image->id);

	vly_publisher_hold(&publisher->asked, list);
	publisher->asked_id = image->id;
	ask(publisher, VLY_PUBLISHER_SENDING, &message, bytes, &image->fd, 1);
}

/* Sends the next part of the change. */
static void
send_change(struct vly_publisher *publisher)
{
	struct vly_publish_commit *message = malloc(VLY_PUBLISH_COMMIT_BYTES_MAX);

	if (!message) {
		vly_publish_link_close(&publisher->link, "out of memory");
		return;
	}
	size_t bytes = vly_publish_write_commit(message, ++publisher->seq, &publisher->change);
	ask(publisher, VLY_PUBLISHER_COMMITTING, message, bytes, NULL, 0);
	free(message);
	if (publisher->commit && publisher->asked == publisher->next &&
	    publisher->state == VLY_PUBLISHER_COMMITTING &&
	    vly_publish_change_is_sent(&publisher->change))
		publisher->commit(publisher->commit_arg, publisher->seq);
}

static void
send_commit(struct vly_publisher *publisher, struct vly_image_list *list)
{
	struct vly_held_images *held = &publisher->held;
	uint64_t since = held->is_known ? publisher->generation : 0;

	if (publisher->generation < publisher->hello.generation)
		publisher->generation = publisher->hello.generation;
	if (vly_held_images_reserve(held, list->cnt) < 0 ||
	    vly_publish_change_begin(&publisher->change, held, list, since,
				     publisher->generation + 1) < 0) {
		vly_publish_link_close(&publisher->link, "out of memory");
		return;
	}
	vly_publisher_hold(&publisher->asked, list);
	send_change(publisher);
}

bool
vly_publisher_continue(struct vly_publisher *publisher)
{
	if (vly_publish_change_is_sent(&publisher->change))
		return false;
	send_change(publisher);
	return true;
}

/* The next image of the list that the dataplane lacks, the oldest first; NULL: none. */
static const struct vly_live_image *
find_missing(struct vly_publisher *publisher, const struct vly_image_list *list)
{
	uint32_t left = list->cnt;

	/* without this, each image would cost a look at all before it */
	if (publisher->asked == list && publisher->state == VLY_PUBLISHER_SENDING &&
	    publisher->unsent_cnt < left)
		left = publisher->unsent_cnt;
	while (left > 0 && vly_held_images_have(&publisher->held, list->image[left - 1]->id))
		left--;
	publisher->unsent_cnt = left;
	return left > 0 ? list->image[left - 1] : NULL;
}

/* Sends an image. The commit follows at once if it is the last one, which saves waiting for the
 * dataplane once more: a change of a living zone is one image. If the dataplane refuses the image, it
 * refuses the commit, too. */
static void
send_missing(struct vly_publisher *publisher, struct vly_image_list *list,
	     const struct vly_live_image *image)
{
	send_image(publisher, list, image);
	if (image != list->image[0] || publisher->state != VLY_PUBLISHER_SENDING)
		return;
	publisher->refused[0] = '\0';
	publisher->is_ahead = true;
	send_commit(publisher, list);
}

static void
send_block(struct vly_publisher *publisher, struct vly_publish_block *block,
	   enum vly_publisher_state state, enum vly_publish_type type)
{
	struct vly_publish_header message;
	size_t bytes = vly_publish_write_block(&message, type, ++publisher->seq);

	vly_publish_block_send(block);
	ask(publisher, state, &message, bytes, block->fd, block->fd_cnt);
}

void
vly_publisher_step(struct vly_publisher *publisher)
{
	struct vly_image_list *want = publisher->next ? publisher->next : publisher->settled;
	const struct vly_live_image *missing = NULL;

	uv_timer_stop(&publisher->deadline);
	publisher->is_ahead = false;
	if (want)
		missing = find_missing(publisher, want);
	publisher->state = VLY_PUBLISHER_IDLE;
	if (vly_publish_block_is_due(&publisher->defence))
		send_block(publisher, &publisher->defence, VLY_PUBLISHER_DEFENDING,
			   VLY_PUBLISH_DEFENCE);
	else if (vly_publish_block_is_due(&publisher->steering))
		send_block(publisher, &publisher->steering, VLY_PUBLISHER_STEERING,
			   VLY_PUBLISH_STEER);
	else if (!want || want == publisher->committed || publisher->held_back || publisher->deaf)
		return;
	else if (missing)
		send_missing(publisher, want, missing);
	else
		send_commit(publisher, want);
}

/* Offers a RESPONSE, or a RESPONSE_AFTER the commit with this seq. */
static void
offer_response(struct vly_publisher *publisher, enum vly_publish_type type, uint64_t commit_seq,
	       uint64_t seq, const uint8_t *message, size_t bytes)
{
	static uint8_t packet[sizeof(struct vly_publish_response_after) + VLY_MESSAGE_BYTES_MAX];
	struct vly_publish_response_after head = {.commit_seq = commit_seq};
	const size_t head_bytes = type == VLY_PUBLISH_RESPONSE ? sizeof(head.header) : sizeof(head);

	head.header = (struct vly_publish_header){
		.type = type,
		.bytes = (uint32_t)(head_bytes + bytes),
		.seq = seq,
	};
	memcpy(packet, &head, head_bytes);
	if (bytes > 0)
		memcpy(packet + head_bytes, message, bytes);
	vly_publish_link_offer(&publisher->link, packet, head_bytes + bytes);
}

void
vly_publisher_respond(struct vly_publisher *publisher, uint64_t seq, const uint8_t *message,
		      size_t bytes)
{
	offer_response(publisher, VLY_PUBLISH_RESPONSE, 0, seq, message, bytes);
}

void
vly_publisher_respond_after(struct vly_publisher *publisher, uint64_t commit_seq, uint64_t seq,
			    const uint8_t *message, size_t bytes)
{
	offer_response(publisher, VLY_PUBLISH_RESPONSE_AFTER, commit_seq, seq, message, bytes);
}
