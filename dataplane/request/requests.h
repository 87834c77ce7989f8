/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages that volley-control answers, such as dynamic updates: on their way from stream threads
 * to the publish socket, and their responses on the way back.
 *
 *     stream thread ── put ──► waiting ── next ──► sent ── answer, expire ──► done ── take ──► stream thread
 *                        │     main thread          ▲                                  that put it
 *                        └── at once, if none waits ┘
 *
 * Use:
 *   1. vly_requests_open() in the main thread, vly_requests_join() for each stream thread before it
 *      runs;
 *   2. in stream threads: vly_requests_want() a message? vly_requests_put(); when `arrived` is
 *      called, vly_requests_take() until it returns NULL, and free() each. A request whose
 *      connection ends is given up with vly_requests_forget();
 *   3. in the main thread: vly_requests_set_sender() while there is a connection to volley-control. When
 *      `wake` is called, vly_requests_hold(), vly_requests_next() until it returns NULL, and send each,
 *      vly_requests_release(); vly_requests_answer() with what comes back; vly_requests_expire() now and
 *      then;
 *   4. vly_requests_leave() in each stream thread's loop, and vly_requests_close() at the end.
 *
 * Bounds: VLY_REQUESTS_MAX at a time, each for at most VLY_REQUESTS_MS. Those that find no room, and
 * those that get no response in time, are counted and get none: the client asks again. Threads that
 * put wait for a lock, never for long; lcores have no part in it.
 */
#ifndef VLY_DATAPLANE_REQUESTS_H
#define VLY_DATAPLANE_REQUESTS_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <uv.h>

#include <volley/dns.h>
#include <volley/policy.h>

/* More than volley-control keeps in its queue at 10,000 updates a second for the time that a batch
 * takes; of the longest messages, 128 MiB with their drafts. */
#define VLY_REQUESTS_MAX 1024

/* Clients repeat a message after 3 to 5 s (nsupdate 3, knsupdate 5); what is answered later is of no
 * use to them. */
#define VLY_REQUESTS_MS 5000

#define VLY_REQUESTS_CONTROL_BYTES CMSG_SPACE(sizeof(struct in6_pktinfo))

struct vly_requests_client;

/* Where a response goes. */
struct vly_request_origin {
	void *connection; /* a stream's; NULL: a datagram */
	int fd;           /* of a datagram's socket */
	uint16_t control_bytes;
	struct sockaddr_in6 client; /* the larger of the two */
	_Alignas(struct cmsghdr) uint8_t control[VLY_REQUESTS_CONTROL_BYTES];
};

struct vly_request {
	STAILQ_ENTRY(vly_request) link; /* in `waiting`, or in a client's `done` */
	struct vly_requests_client *client;
	struct vly_request_origin origin;
	uint64_t id;
	uint64_t since_ms;
	bool sent;
	bool forgotten;
	uint8_t *response; /* NULL: there is none */
	uint16_t response_bytes;
	uint16_t bytes;
	uint16_t draft_bytes;
	uint8_t message[]; /* and behind it the draft */
};

/* A message, and for a signed query (signed_query.h) the response that volley-control is to sign. */
struct vly_request_message {
	const uint8_t *octets;
	const uint8_t *draft;
	uint16_t bytes;
	uint16_t draft_bytes; /* 0: none */
};

STAILQ_HEAD(vly_request_list, vly_request);

/* A stream thread's part. */
struct vly_requests_client {
	struct vly_requests *requests;
	struct vly_request_list done;
	uv_async_t arrival;
	void (*arrived)(void *arg);
	void *arg;
};

struct vly_requests {
	_Atomic uint32_t opcodes; /* that volley-control wants; 0 while there is none */
	pthread_mutex_t lock;     /* of all that follows, but for `wake` */
	struct vly_request_list waiting;
	struct vly_request *slot[VLY_REQUESTS_MAX]; /* waiting and sent ones */
	unsigned cnt;
	unsigned next_slot;
	uint64_t next_serial;
	uint64_t full_cnt; /* found no room */
	uint64_t late_cnt; /* got no response */
	bool (*send)(int fd, const struct vly_request *request);
	int send_fd;
	bool is_held; /* the main thread sends */
	uv_async_t wake;
};

/* `wake` is called in the loop with requests->wake.data. Returns 0 or an error of libuv's. */
__attribute__((nonnull, warn_unused_result)) int
vly_requests_open(struct vly_requests *requests, uv_loop_t *loop, uv_async_cb wake);
__attribute__((nonnull)) void vly_requests_close(struct vly_requests *requests);

/* `arrived` is called in the client's loop. Returns 0 or an error of libuv's. */
__attribute__((nonnull, warn_unused_result)) int
vly_requests_join(struct vly_requests *requests, struct vly_requests_client *client,
		  uv_loop_t *loop, void (*arrived)(void *arg), void *arg);
/* In the client's loop, or after it has ended. */
__attribute__((nonnull)) void vly_requests_leave(struct vly_requests_client *client);

/* Whether volley-control answers messages with such a header (12 octets, untrusted). Any thread. */
static inline bool
vly_requests_want(const struct vly_requests *requests, const uint8_t *message)
{
	const unsigned opcode = message[2] >> 3 & 15;

	return opcode != VLY_OPCODE_QUERY && (message[2] & 0x80) == 0 &&
	       (atomic_load_explicit(&requests->opcodes, memory_order_relaxed) >> opcode & 1) != 0;
}

/* Whether volley-control signs responses to signed queries. Any thread. */
static inline bool
vly_requests_want_signed(const struct vly_requests *requests)
{
	return (atomic_load_explicit(&requests->opcodes, memory_order_relaxed) >>
			VLY_REQUEST_SIGNED_QUERY &
		1) != 0;
}

/* Has requests sent by the threads that put them, as long as `send` finds room and returns true: that
 * saves waking the main thread. NULL: no more, from when this returns. The main thread's. */
__attribute__((nonnull(1))) void
vly_requests_set_sender(struct vly_requests *requests,
			bool (*send)(int fd, const struct vly_request *request), int fd);

/* Copies a message. Returns the request, which belongs to `requests` until it is taken; NULL: there
 * is no room, and it is counted. */
__attribute__((nonnull)) struct vly_request *
vly_requests_put(struct vly_requests_client *client, const struct vly_request_origin *origin,
		 const struct vly_request_message *message, uint64_t now_ms);

/* Nobody wants the response any more. */
__attribute__((nonnull)) void vly_requests_forget(struct vly_requests_client *client,
						  struct vly_request *request);

/* The next request that has its response, or will not get one; NULL: there is none. Free it with
 * vly_request_free(). */
__attribute__((nonnull)) struct vly_request *vly_requests_take(struct vly_requests_client *client);

void vly_request_free(struct vly_request *request);

/* The main thread's, around what it sends: in between no other thread sends, so that no two count on the
 * same room in the socket. Requests that are put meanwhile wait. */
__attribute__((nonnull)) void vly_requests_hold(struct vly_requests *requests);
__attribute__((nonnull)) void vly_requests_release(struct vly_requests *requests);

/* The main thread's. The result of next() holds until answer(), expire() or drop(). */
__attribute__((nonnull)) const struct vly_request *vly_requests_next(struct vly_requests *requests);
/* 0 octets: there is no response. */
__attribute__((nonnull(1))) void vly_requests_answer(struct vly_requests *requests, uint64_t id,
						     const uint8_t *message, size_t bytes);
__attribute__((nonnull)) void vly_requests_expire(struct vly_requests *requests, uint64_t now_ms);
/* Ends all of them without a response: volley-control has gone. */
__attribute__((nonnull)) void vly_requests_drop(struct vly_requests *requests);

#endif
