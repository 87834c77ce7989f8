/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The publisher, control's end of volley/publish.h: keeps the dataplane's table equal to a list of
 * images.
 *
 * Use:
 *   1. vly_publisher_new() begins to connect, and reconnects whenever the connection ends;
 *   2. vly_publisher_publish() a list; the next one only after its report;
 *   3. vly_publisher_defend() whenever the defence changes, vly_publisher_steer() whenever policies or maps do;
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
	const char *steer_error;             /* the same of steering */
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

/* The same for steering: `fd` has the block (volley/steer.h), and `slots_fd` its slots, which the caller goes
 * on writing. */
__attribute__((nonnull(1, 4))) void
vly_publisher_steer(struct vly_publisher *publisher, int fd, int slots_fd,
		    void (*done)(void *arg, enum vly_publish_outcome outcome, const char *text),
		    void *arg);

/* Registers the function that is called when the commit of the list that is being published has been
 * sent: vly_publisher_respond_after() takes its seq. If it has to be sent again, once more. */
__attribute__((nonnull(1))) void vly_publisher_on_commit(struct vly_publisher *publisher,
							 void (*commit)(void *arg, uint64_t seq),
							 void *arg);

/* Registers the function that gets requests of clients (checked; valid during the call), or NULL. */
__attribute__((nonnull(1))) void vly_publisher_on_request(
	struct vly_publisher *publisher,
	void (*request)(void *arg, const struct vly_publish_client_request *request), void *arg);

/* Registers the function that gets connections of clients, or NULL: then they are closed. `socket` is
 * the function's own, non-blocking; `connection` is checked, and valid during the call. */
__attribute__((nonnull(1))) void vly_publisher_on_connection(
	struct vly_publisher *publisher,
	void (*connection)(void *arg, int socket, const struct vly_publish_connection *connection),
	void *arg);

/* Sends the response of a request, by its seq; 0 octets: there is none, and the client may ask again.
 * Without a connection, or when the dataplane does not read, it is lost. */
__attribute__((nonnull(1))) void vly_publisher_respond(struct vly_publisher *publisher,
						       uint64_t seq, const uint8_t *message,
						       size_t bytes);

/* The same, but the dataplane sends the response only if it has carried out the commit with this seq,
 * which was the last one sent. */
__attribute__((nonnull)) void vly_publisher_respond_after(struct vly_publisher *publisher,
							  uint64_t commit_seq, uint64_t seq,
							  const uint8_t *message, size_t bytes);

__attribute__((nonnull)) void vly_publisher_status(const struct vly_publisher *publisher,
						   struct vly_publisher_status *status);

/* Whether the list published last is held back; also when no dataplane is connected, which decides
 * about it then. */
__attribute__((nonnull)) bool vly_publisher_is_holding(const struct vly_publisher *publisher);

/* Disconnects. The memory is freed when the loop has closed the handles. */
void vly_publisher_free(struct vly_publisher *publisher);

#endif
