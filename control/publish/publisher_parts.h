/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the parts of the publisher alone, by file: publisher.c (the connection, and what is to be published),
 * publisher_take.c (messages from the dataplane), publisher_send.c (messages to it).
 *
 * The connection (enum vly_publisher_state). One request is in flight at a time; vly_publisher_step()
 * chooses the next one:
 *
 *     DOWN ──connected──► GREETING ──HELLO──► IDLE ◄──RESULT───┐
 *      ▲                                       │               │
 *      │                                       ├─► DEFENDING ──┤   the defence block is due
 *      │                                       ├─► SENDING ────┤   an image of the list is missing
 *      │                                       └─► COMMITTING ─┘   all images are there
 *      └── from every state, when the connection ends; tried again by timer and by inotify
 *
 * The lists. vly_publisher_publish() sets `next`, or `settled` at once when it is held back:
 *
 *     publish ──► next ──┬─ committed ──────────────► settled, committed     reports DONE
 *                        ├─ refused ────────────────► dropped                reports DENIED
 *                        ├─ away for too long ──────► settled                reports ABSENT
 *                        └─ held_back ──────────────► settled                reports HELD
 *
 *     settled    the list that the dataplane should have: it is sent when there is no `next`
 *     committed  the list that it has, if it is `settled` (see on_committed()); NULL: another one,
 *                or unknown. While it equals `settled`, there is nothing to do
 *     asked      the list that the last request was for. When its RESULT comes, `settled` and `next`
 *                may have been replaced by other lists
 *
 * held_back is set by vly_publisher_publish() with `hold`, while the dataplane answers from images
 * of an earlier volley-control. It keeps `settled` here unsent, until a list without `hold` is
 * published, or the dataplane connects with nothing to lose (generation 0).
 */
#ifndef VLY_CONTROL_PUBLISHER_PARTS_H
#define VLY_CONTROL_PUBLISHER_PARTS_H

#include "base/reason.h"
#include "common/log.h"
#include "held_images.h"
#include "publish_change.h"
#include "publish_defence.h"
#include "publish_link.h"
#include "publisher.h"

enum vly_publisher_state {
	VLY_PUBLISHER_DOWN,
	VLY_PUBLISHER_GREETING, /* connected; waits for HELLO */
	VLY_PUBLISHER_IDLE,
	VLY_PUBLISHER_SENDING, /* this and the following: waits for the RESULT of a request */
	VLY_PUBLISHER_DEFENDING,
	VLY_PUBLISHER_COMMITTING,
};

struct vly_publisher {
	uv_loop_t *loop;
	struct vly_publish_link link;
	uv_timer_t retry;
	uv_timer_t deadline; /* for the dataplane to return (DOWN, GREETING), or for its RESULT */
	unsigned handle_cnt; /* not yet closed, when freeing */
	char *path;
	enum vly_publisher_state state;
	uint64_t retry_ms;
	uint64_t away_since_ms; /* uv_now(); 0: never connected */
	bool deaf; /* it refused `settled`: not sent again until the next list, or connection */
	bool held_back;
	bool retried_commit; /* after VLY_PUBLISH_UNKNOWN or _STALE: once, from nothing */
	char error[VLY_REASON_BYTES];

	/* each a reference of its own: a list may be replaced while its commit is in flight */
	struct vly_image_list *settled;
	struct vly_image_list *next; /* being published */
	struct vly_image_list *committed;
	struct vly_image_list *asked;
	uint64_t generation;         /* of the last commit that it acknowledged */
	uint32_t zone_cnt;           /* of that generation */
	struct vly_held_images held; /* images that it has */
	uint64_t asked_id;           /* SENDING, is_ahead: the image in flight */
	/* COMMITTING: the commit follows an image whose RESULT is awaited first */
	bool is_ahead;
	char refused[VLY_PUBLISH_TEXT_BYTES]; /* why that image was refused, or "" */
	uint32_t unsent_cnt; /* SENDING: the first images of `asked` that may be missing */
	struct vly_publish_change change; /* COMMITTING: what is being committed */
	struct vly_publish_defence defence;
	uint64_t seq;                   /* of the last request */
	struct vly_publish_hello hello; /* the last one */
	struct vly_counters *counters;  /* mapped while connected, or NULL */

	void (*request)(void *arg, const struct vly_publish_client_request *request);
	void *request_arg;
	void (*connection)(void *arg, int socket, const struct vly_publish_connection *connection);
	void *connection_arg;
	bool is_short_of_files; /* the last one came without its socket, which was logged */
	void (*done)(void *arg, const struct vly_publish_report *report);
	void *done_arg;
	void (*commit)(void *arg, uint64_t seq);
	void *commit_arg;
};

/* The first pause before the connection is tried again. The inotify watch on the directory reacts at once; retries
 * are for the time when the directory does not exist, and for the moment between bind() and listen(). This is far
 * below anything that a person or a resolver notices. */
#define VLY_PUBLISHER_RETRY_FIRST_MS 10

/* publisher.c */

/* Sets the error that the status shows. The cause is logged when it changes, not at every attempt. */
__attribute__((nonnull)) void vly_publisher_set_error(struct vly_publisher *publisher,
						      enum vly_log_level level, const char *text);

/* Reports the end of a publication to whoever has asked for it. */
__attribute__((nonnull)) void vly_publisher_report(struct vly_publisher *publisher,
						   const struct vly_publish_report *what);

/* `next` becomes `settled`, if there is one. */
__attribute__((nonnull)) void vly_publisher_settle_next(struct vly_publisher *publisher);

/* publisher_take.c */

/* Takes a message of the dataplane (untrusted); arg: the publisher. */
__attribute__((nonnull)) void vly_publisher_take(void *arg, const void *message, size_t bytes,
						 int *fd);

/* publisher_send.c */

/* Replaces the reference at *place by one to `list`, or by none when it is NULL. */
__attribute__((nonnull(1))) void vly_publisher_hold(struct vly_image_list **place,
						    struct vly_image_list *list);

/* Sends the dataplane what it lacks, one request: the defence first, then images, then the commit.
 * If there is nothing to send, the state is IDLE. To be called when no request is in flight; does
 * not block. */
__attribute__((nonnull)) void vly_publisher_step(struct vly_publisher *publisher);

/* Sends the next part of the commit that is under way. Returns false if all of it was sent. */
__attribute__((nonnull, warn_unused_result)) bool
vly_publisher_continue(struct vly_publisher *publisher);

#endif
