/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A query over UDP that is repeated until it is answered: for SOA and NOTIFY.
 *
 * Use: vly_datagram_send(); then `answer` or `failed` is called, or vly_datagram_cancel() ends it.
 * A socket of its own, with a port that the system picks at random, for each query: the caller
 * limits how many there are.
 *
 * A response has the query's ID, opcode and question, and comes from the address that was asked. All
 * others are ignored, at most VLY_DATAGRAM_IGNORED_MAX. The query object frees itself on the loop.
 *
 * Threads: the loop's. No function blocks. Responses are untrusted.
 */
#ifndef VLY_CONTROL_DATAGRAM_H
#define VLY_CONTROL_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

/* Responses that do not fit before the query fails. Less: somebody who can send from the address
 * of the peer ends queries sooner. More: more work for nothing. */
#define VLY_DATAGRAM_IGNORED_MAX 64

struct vly_datagram;

struct vly_datagram_query {
	struct sockaddr_storage address; /* with the port */
	struct sockaddr_storage source;  /* family 0: the system's choice */
	const uint8_t *message;          /* with header and one question; copied */
	size_t len;                      /* at most 4096 */
	unsigned tries;                  /* 1 to 10 */
	uint64_t wait_ms; /* after the first try; twice as long after each further one */
};

struct vly_datagram_callbacks {
	/* A response. Returns whether it is good, and the query over: false if its signature is wrong,
	 * and the query goes on waiting (RFC 8945 §5.4.1). May cancel. */
	bool (*answer)(void *arg, const uint8_t *message, size_t len);
	/* No response was good. `reason` is one sentence. The query is over. */
	void (*failed)(void *arg, const char *reason);
};

/* Returns NULL with a sentence: no memory, no descriptor, a wrong message, or a source address that
 * can't be used. Nothing is called then, nor from within this function. */
__attribute__((nonnull(1, 2, 3, 5), warn_unused_result)) struct vly_datagram *
vly_datagram_send(uv_loop_t *loop, const struct vly_datagram_query *query,
		  const struct vly_datagram_callbacks *callbacks, void *arg, char *reason,
		  size_t reason_bytes);

/* Ends the query. Nothing is called any more. */
__attribute__((nonnull)) void vly_datagram_cancel(struct vly_datagram *datagram);

/* A random ID for a query, over UDP or in a session. */
uint16_t vly_datagram_id(void);

#endif
