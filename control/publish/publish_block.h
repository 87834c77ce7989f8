/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A block in the publisher, of the defence or of steering: the one that the dataplane should have, and whether
 * it has taken it.
 *
 * Use, by the parts of the publisher: _init(); _set() for each new block, _connect() at HELLO, _send() when a
 * block _is_due(), _result() at its RESULT, _disconnect() when the connection has ended. Owns the memfds. The
 * loop's thread; no function blocks.
 */
#ifndef VLY_CONTROL_PUBLISH_BLOCK_H
#define VLY_CONTROL_PUBLISH_BLOCK_H

#include "publish_link.h"
#include "publisher.h"

struct vly_publish_block {
	const char *what; /* "the defence", for messages */
	bool is_set;      /* `fd` is a block */
	bool due;         /* it must be sent */
	bool asked;       /* it was sent, and its RESULT has not come */
	int fd[VLY_PUBLISH_FDS_MAX];
	unsigned fd_cnt;
	char error[VLY_PUBLISH_TEXT_BYTES + 40]; /* why the dataplane refused it, or "" */
	void (*done)(void *arg, enum vly_publish_outcome outcome, const char *text);
	void *arg;
};

/* The state before the first block. `what` is a literal. */
__attribute__((nonnull)) void vly_publish_block_init(struct vly_publish_block *block,
						     const char *what);

/* Sets the next block, the memfds `fd`, which are taken over. `done` is called once, with the outcome. */
__attribute__((nonnull(1, 2))) void
vly_publish_block_set(struct vly_publish_block *block, const int *fd, unsigned fd_cnt,
		      void (*done)(void *arg, enum vly_publish_outcome outcome, const char *text),
		      void *arg);

/* No dataplane is connected: reports ABSENT if a report is due. */
__attribute__((nonnull)) void vly_publish_block_disconnect(struct vly_publish_block *block);

/* A new dataplane, or a new connection: the block is due again. */
__attribute__((nonnull)) void vly_publish_block_connect(struct vly_publish_block *block);

__attribute__((nonnull)) bool vly_publish_block_is_due(const struct vly_publish_block *block);

/* The dataplane has taken the last block. */
__attribute__((nonnull)) bool vly_publish_block_is_settled(const struct vly_publish_block *block);

/* The block is being sent: its descriptors, fd[fd_cnt], stay ours. */
__attribute__((nonnull)) void vly_publish_block_send(struct vly_publish_block *block);

/* The RESULT (checked) of the block: reports DONE or DENIED. */
__attribute__((nonnull)) void vly_publish_block_result(struct vly_publish_block *block,
						       const struct vly_publish_result *result);

/* Closes the memfds, and drops a report that is due. */
__attribute__((nonnull)) void vly_publish_block_clear(struct vly_publish_block *block);

#endif
