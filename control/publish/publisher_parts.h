/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between the parts of the publisher: publisher.c (the connection, and what the dataplane says) and
 * publisher_send.c (what it is sent). */
#ifndef VLY_CONTROL_PUBLISHER_PARTS_H
#define VLY_CONTROL_PUBLISHER_PARTS_H

#include "held_images.h"
#include "publish_defence.h"
#include "publish_link.h"
#include "publisher.h"

enum vly_publisher_state {
	VLY_PUBLISHER_DOWN,
	VLY_PUBLISHER_GREETING, /* connected, waiting for HELLO */
	VLY_PUBLISHER_IDLE,
	VLY_PUBLISHER_SENDING,
	VLY_PUBLISHER_DEFENDING,
	VLY_PUBLISHER_COMMITTING,
};

struct vly_publisher {
	uv_loop_t *loop;
	struct vly_publish_link link;
	uv_timer_t retry;
	uv_timer_t deadline; /* for the dataplane to return, or to answer */
	unsigned handle_cnt; /* not yet closed, when freeing */
	char *path;
	enum vly_publisher_state state;
	uint64_t retry_ms;
	uint64_t away_since_ms; /* uv_now(); 0: never connected */
	bool deaf; /* refused: silent until something new is published or it reconnects */
	bool held_back;
	bool retried_commit;
	char error[400];

	/* references, each of its own: a list may be replaced while its commit is under way */
	struct vly_image_list *settled;   /* what the dataplane shall have */
	struct vly_image_list *next;      /* being published; becomes `settled` */
	struct vly_image_list *committed; /* what it has, of the two; NULL: something else */
	struct vly_image_list *asked;     /* what the request in flight is for */
	uint64_t generation;
	uint32_t zone_cnt; /* of that generation */
	struct vly_held_images held;
	uint64_t asked_id; /* its image, when it is one */
	struct vly_publish_defence defence;
	uint64_t seq;
	struct vly_publish_hello hello;
	struct vly_counters *counters;

	void (*done)(void *arg, const struct vly_publish_report *report);
	void *done_arg;
};

/* Has *place refer to `list`, or to nothing, in place of what it refers to. */
__attribute__((nonnull(1))) void vly_publisher_hold(struct vly_image_list **place,
						    struct vly_image_list *list);

/* Sends what the dataplane lacks, one request at a time: the defence first, then images, then the
 * commit. Called when there is no request under way. */
__attribute__((nonnull)) void vly_publisher_step(struct vly_publisher *publisher);

/* In publisher.c: the dataplane has not answered, or not come back, in time. */
__attribute__((nonnull)) void vly_publisher_on_deadline(uv_timer_t *timer);

#endif
