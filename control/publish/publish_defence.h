/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The defence block in the publisher: the block that the dataplane should have, and whether it has
 * taken it.
 *
 * Use, by the parts of the publisher: _set() for each new block, _connect() at HELLO, _send() when a
 * block _is_due(), _result() at its RESULT, _disconnect() when the connection has ended. All zeros
 * is the state before the first block. Owns the memfd. The loop's thread; no function blocks.
 */
#ifndef VLY_CONTROL_PUBLISH_DEFENCE_H
#define VLY_CONTROL_PUBLISH_DEFENCE_H

#include "publisher.h"

struct vly_publish_defence {
	bool is_set; /* `fd` is a block */
	bool due;    /* it must be sent */
	bool asked;  /* it was sent, and its RESULT has not come */
	int fd;
	char error[VLY_PUBLISH_TEXT_BYTES + 40]; /* why the dataplane refused it, or "" */
	void (*done)(void *arg, enum vly_publish_outcome outcome, const char *text);
	void *arg;
};

/* Sets the next block, the sealed memfd `fd`, which is taken over. `done` is called once, with the
 * outcome. */
__attribute__((nonnull)) void
vly_publish_defence_set(struct vly_publish_defence *defence, int fd,
			void (*done)(void *arg, enum vly_publish_outcome outcome, const char *text),
			void *arg);

/* No dataplane is connected: reports ABSENT if a report is due. */
__attribute__((nonnull)) void vly_publish_defence_disconnect(struct vly_publish_defence *defence);

/* A new dataplane, or a new connection: the block is due again. */
__attribute__((nonnull)) void vly_publish_defence_connect(struct vly_publish_defence *defence);

__attribute__((nonnull)) bool vly_publish_defence_is_due(const struct vly_publish_defence *defence);

/* The dataplane has taken the last block. */
__attribute__((nonnull)) bool
vly_publish_defence_is_settled(const struct vly_publish_defence *defence);

/* The block is being sent. Returns the descriptor for DEFENCE, which stays ours. */
__attribute__((nonnull)) int vly_publish_defence_send(struct vly_publish_defence *defence);

/* The RESULT (checked) of DEFENCE: reports DONE or DENIED. */
__attribute__((nonnull)) void vly_publish_defence_result(struct vly_publish_defence *defence,
							 const struct vly_publish_result *result);

/* Closes the memfd, and drops a report that is due. */
__attribute__((nonnull)) void vly_publish_defence_clear(struct vly_publish_defence *defence);

#endif
