/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Connections that volley-control takes over, such as those of zone transfers: on their way from
 * stream threads to the publish socket. None comes back.
 *
 *     stream thread ── make ──► its own ── put ──► waiting ── next ──► sent, and freed
 *                                                  main thread
 *
 * Use:
 *   1. vly_handovers_open() in the main thread, before stream threads run;
 *   2. in stream threads: does vly_handovers_want() this kind? vly_handover_make(); let go of the
 *      socket, but leave it open; vly_handovers_put(). Or vly_handover_free(): the socket stays the
 *      thread's;
 *   3. in the main thread: when `wake` is called, vly_handovers_next() until it returns NULL; send
 *      each, and free it, which closes the socket here; vly_handovers_expire() now and then;
 *   4. vly_handovers_close() at the end, after the threads have.
 *
 * Bounds: VLY_HANDOVERS_MAX at a time, each for at most VLY_HANDOVERS_MS: then it is closed. Threads
 * that put wait for a lock, never for long; lcores have no part in it.
 */
#ifndef VLY_DATAPLANE_HANDOVERS_H
#define VLY_DATAPLANE_HANDOVERS_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

#include <volley/defence.h>

/* They wait only while volley-control does not read. Its bound on connections is its own; more here
 * would take descriptors from the streams. */
#define VLY_HANDOVERS_MAX 256

/* Clients wait for 10 s or more for a transfer to begin. */
#define VLY_HANDOVERS_MS 5000

struct vly_handovers;

struct vly_handover {
	STAILQ_ENTRY(vly_handover) link; /* in `waiting` */
	struct vly_handovers *handovers;
	uint64_t since_ms;
	int fd;                     /* -1: the thread's, until it is put */
	uint32_t flags;             /* enum vly_publish_connection_flag */
	struct sockaddr_in6 client; /* the larger of the two */
	struct sockaddr_in6 local;
	uint32_t octet_bytes;
	uint8_t octets[]; /* as in struct vly_publish_connection */
};

STAILQ_HEAD(vly_handover_list, vly_handover);

struct vly_handovers {
	_Atomic uint32_t wishes; /* of volley-control, enum vly_connection_wish; 0 without one */
	pthread_mutex_t lock;    /* of all that follows, but for `wake` */
	struct vly_handover_list waiting;
	unsigned cnt;      /* made and not freed */
	uint64_t full_cnt; /* found no room */
	uint64_t late_cnt; /* were not sent in time */
	uv_async_t wake;
};

/* `wake` is called in the loop with handovers->wake.data. Returns 0 or an error of libuv's. */
__attribute__((nonnull, warn_unused_result)) int
vly_handovers_open(struct vly_handovers *handovers, uv_loop_t *loop, uv_async_cb wake);
__attribute__((nonnull)) void vly_handovers_close(struct vly_handovers *handovers);

/* Whether volley-control takes connections of this kind. Any thread. */
static inline bool
vly_handovers_want(const struct vly_handovers *handovers, enum vly_connection_wish wish)
{
	return (atomic_load_explicit(&handovers->wishes, memory_order_relaxed) & wish) != 0;
}

/*
 * Prepares to hand over the connected socket `fd`, of which these octets have been read (at most
 * VLY_PUBLISH_OCTETS_MAX; copied). The socket stays the caller's. Returns NULL if there is no room,
 * which is counted, or if the client has gone.
 */
__attribute__((nonnull(1), warn_unused_result)) struct vly_handover *
vly_handover_make(struct vly_handovers *handovers, int fd, uint32_t flags, const uint8_t *octets,
		  size_t bytes);

/* Hands over the socket `fd` and the hand-over. No loop may watch the socket any more. */
__attribute__((nonnull)) void vly_handovers_put(struct vly_handover *handover, int fd,
						uint64_t now_ms);

/* Closes the socket, if it was put. */
void vly_handover_free(struct vly_handover *handover);

/* The main thread's. The next one, the caller's; NULL: there is none. */
__attribute__((nonnull, warn_unused_result)) struct vly_handover *
vly_handovers_next(struct vly_handovers *handovers);
__attribute__((nonnull)) void vly_handovers_expire(struct vly_handovers *handovers,
						   uint64_t now_ms);
/* Ends all that wait: volley-control has gone. */
__attribute__((nonnull)) void vly_handovers_drop(struct vly_handovers *handovers);

#endif
