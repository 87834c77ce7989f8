/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Control's end of volley/publish.h: keeps the dataplane's table equal to a list of images.
 *
 * Use:
 *   1. vly_publisher_new() begins to connect, and goes on reconnecting whatever happens;
 *   2. vly_publisher_publish() a list; one at a time, until its report;
 *   3. vly_publisher_defend() whenever the defence changes;
 *   4. vly_publisher_status() at any time; vly_publisher_free().
 *
 * A new connection gets what was published last, unless HELLO shows that the dataplane still has
 * it. When the dataplane is away, a list is waited with until the dataplane has been away for
 * VLY_PUBLISH_AWAY_MS; then the report says so, and the list is published when it is back. A
 * refused list is dropped, and the one before it stays.
 *
 * Held back: control starts with nothing, and a dataplane may be answering from images that an
 * earlier control published. If zones failed in the first load, its commit would take them away
 * from a dataplane that still has them. A list published with `hold` is therefore kept here while
 * the dataplane answers something that did not come from here: until a list without `hold` follows,
 * or the dataplane restarts with nothing to lose.
 *
 * Threads: everything on the loop's. Ownership: a list that was passed in is the publisher's.
 */
#ifndef VLY_CONTROL_PUBLISHER_H
#define VLY_CONTROL_PUBLISHER_H

#include <stdbool.h>
#include <uv.h>

#include <volley/counters.h>
#include <volley/publish.h>

#include "live_image.h"

/* How long a restart of the dataplane may take (EAL, ports) before a reload stops waiting for
 * it. */
#define VLY_PUBLISH_AWAY_MS 10000

enum vly_publish_outcome {
	VLY_PUBLISH_DONE,   /* every lcore answers from the list */
	VLY_PUBLISH_DENIED, /* the dataplane refused it; it answers as before */
	VLY_PUBLISH_ABSENT, /* no dataplane; it gets the list when it connects */
	VLY_PUBLISH_HELD,   /* see above */
};

struct vly_publish_report {
	enum vly_publish_outcome outcome;
	uint64_t generation; /* DONE */
	uint32_t zone_cnt;   /* DONE: zones in the dataplane's table */
	const char *text;    /* DENIED: the reason */
};

struct vly_publisher;

/* The dataplane as control sees it. Strings are valid until the loop runs again. */
struct vly_publisher_status {
	bool connected;
	bool held_back;
	struct vly_publish_hello hello;      /* when connected */
	uint64_t generation;                 /* of the last acknowledged commit; 0: none */
	uint32_t zone_cnt;                   /* that it made live */
	const char *error;                   /* why it is not connected or not in step, or "" */
	bool defended;                       /* it follows the last defence */
	const char *defence_error;           /* why it refused the last defence, or "" */
	const struct vly_counters *counters; /* NULL when there are none */
};

/* Connects to `path` (copied). Returns the publisher, or NULL with errno. */
__attribute__((nonnull, warn_unused_result)) struct vly_publisher *
vly_publisher_new(uv_loop_t *loop, const char *path);

/*
 * Publishes `list` (taken over; at most VLY_PUBLISH_IMAGES_MAX images, newest first). `done` is
 * called exactly once, maybe before this returns, unless the publisher is freed first.
 */
__attribute__((nonnull(1, 2, 4))) void
vly_publisher_publish(struct vly_publisher *publisher, struct vly_image_list *list, bool hold,
		      void (*done)(void *arg, const struct vly_publish_report *report), void *arg);

/*
 * Has the dataplane follow the struct vly_defence (volley/defence.h) in the sealed memfd `fd`
 * (taken over): now, and after each new connection before any zone. `done` is called exactly once,
 * maybe before this returns, unless the publisher is freed first: DONE, ABSENT, or DENIED with the
 * reason; then the dataplane goes on with the one before. One at a time, until its report.
 */
__attribute__((nonnull(1, 3))) void
vly_publisher_defend(struct vly_publisher *publisher, int fd,
		     void (*done)(void *arg, enum vly_publish_outcome outcome, const char *text),
		     void *arg);

__attribute__((nonnull)) void vly_publisher_status(const struct vly_publisher *publisher,
						   struct vly_publisher_status *status);

/* Disconnects; the memory goes when the loop has closed its handles. */
void vly_publisher_free(struct vly_publisher *publisher);

#endif
