/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The publisher, control's end of volley/publish.h: keeps the dataplane's table equal to a list of
 * images.
 *
 * Use:
 *   1. vly_publisher_new() begins to connect, and reconnects whenever the connection ends;
 *   2. vly_publisher_publish() a list; the next one only after its report;
 *   3. vly_publisher_defend() whenever the defence changes;
 *   4. vly_publisher_status() at any time;
 *   5. vly_publisher_free().
 *
 * After a reconnect the dataplane gets the list that was published last, unless HELLO shows that it
 * still has it. While the dataplane is away, a new list waits until the dataplane has been away for
 * VLY_PUBLISH_AWAY_MS; then it is reported as absent, and published when the dataplane is back. A
 * refused list is dropped, and the one before it stays.
 *
 * Held back: control starts with nothing, and a dataplane may be answering from images that an
 * earlier control published. If zones failed in the first load, its commit would take them away
 * from a dataplane that still has them. So a list published with `hold` stays here while the
 * dataplane answers from images that this control did not send: until a list without `hold`
 * follows, or the dataplane restarts with nothing to lose. publisher_parts.h has the states.
 *
 * Threads: all functions are for the loop's thread, and none blocks.
 * Trust: messages from the dataplane are checked; its images and counters are its own.
 */
#ifndef VLY_CONTROL_PUBLISHER_H
#define VLY_CONTROL_PUBLISHER_H

#include <stdbool.h>
#include <uv.h>

#include <volley/counters.h>
#include <volley/publish.h>

#include "live_image.h"

/* How long a restart of the dataplane may take (EAL, ports) before a reload stops waiting for it.
 * Shorter: reloads during a restart end as "no dataplane". Longer: so do they, but later. */
#define VLY_PUBLISH_AWAY_MS 10000

enum vly_publish_outcome {
	VLY_PUBLISH_DONE,   /* every lcore answers from the list */
	VLY_PUBLISH_DENIED, /* the dataplane refused it, and answers as before */
	VLY_PUBLISH_ABSENT, /* no dataplane; it gets the list when it connects */
	VLY_PUBLISH_HELD,   /* held back, see above */
};

/* Valid during the call of `done`. */
struct vly_publish_report {
	enum vly_publish_outcome outcome;
	uint64_t generation; /* DONE */
	uint32_t zone_cnt;   /* DONE: zones in the dataplane's table */
	const char *text;    /* DENIED: the reason, one sentence */
};

struct vly_publisher;

/* The dataplane as control sees it. Strings are valid until the loop runs again. */
struct vly_publisher_status {
	bool connected;
	bool held_back;
	struct vly_publish_hello hello;      /* when connected */
	uint64_t generation;                 /* of the last acknowledged commit; 0: none */
	uint32_t zone_cnt;                   /* in that generation */
	const char *error;                   /* why it is not connected or out of sync, or "" */
	bool defended;                       /* it has taken the last defence block */
	const char *defence_error;           /* why it refused the last defence block, or "" */
	const struct vly_counters *counters; /* NULL when there are none */
};

/* Connects to the socket `path` (copied). Returns the publisher; or NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_publisher *
vly_publisher_new(uv_loop_t *loop, const char *path);

/*
 * Publishes `list` (at most VLY_PUBLISH_IMAGES_MAX images, newest first), whose reference the
 * publisher takes over. `done` is called exactly once, maybe before this returns; it is not called
 * if the publisher is freed first.
 */
__attribute__((nonnull(1, 2, 4))) void
vly_publisher_publish(struct vly_publisher *publisher, struct vly_image_list *list, bool hold,
		      void (*done)(void *arg, const struct vly_publish_report *report), void *arg);

/*
 * Sends the struct vly_defence (volley/defence.h) in the sealed memfd `fd`, which the publisher
 * takes over: now, and after each new connection before any zone. `done` is called as above, with
 * DONE, ABSENT, or DENIED and the reason; after DENIED the dataplane keeps the block that it had.
 * The next call only after the report.
 */
__attribute__((nonnull(1, 3))) void
vly_publisher_defend(struct vly_publisher *publisher, int fd,
		     void (*done)(void *arg, enum vly_publish_outcome outcome, const char *text),
		     void *arg);

__attribute__((nonnull)) void vly_publisher_status(const struct vly_publisher *publisher,
						   struct vly_publisher_status *status);

/* Disconnects. The memory is freed when the loop has closed the handles. */
void vly_publisher_free(struct vly_publisher *publisher);

#endif
