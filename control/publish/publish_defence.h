/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The publisher's share of the defence: the block that the dataplane shall follow, and whether it
 * does.
 *
 * Use, by publisher.c: _set() when control has made one, _connect() at HELLO, _send() when one
 * _is_due(), _result() and _disconnect(). All zeros is the state before the first block. The loop's
 * thread. Owns the memfd.
 */
#ifndef VLY_CONTROL_PUBLISH_DEFENCE_H
#define VLY_CONTROL_PUBLISH_DEFENCE_H

#include "publisher.h"

struct vly_publish_defence {
	bool is_set; /* `fd` has a block */
	bool due;    /* it is to be sent */
	bool asked;  /* it was sent, and is not answered */
	int fd;
	char error[VLY_PUBLISH_TEXT_BYTES + 40]; /* why the dataplane does not follow it, or "" */
	void (*done)(void *arg, enum vly_publish_outcome outcome, const char *text);
	void *arg;
};

/* Takes over `fd`. `done` is called once, with the outcome. */
__attribute__((nonnull)) void
vly_publish_defence_set(struct vly_publish_defence *defence, int fd,
			void (*done)(void *arg, enum vly_publish_outcome outcome, const char *text),
			void *arg);

/* Reports the absence of a dataplane to who waits. */
__attribute__((nonnull)) void vly_publish_defence_disconnect(struct vly_publish_defence *defence);

__attribute__((nonnull)) void vly_publish_defence_connect(struct vly_publish_defence *defence);

__attribute__((nonnull)) bool vly_publish_defence_is_due(const struct vly_publish_defence *defence);

/* The dataplane has said that it follows it. */
__attribute__((nonnull)) bool
vly_publish_defence_is_settled(const struct vly_publish_defence *defence);

/* Returns the descriptor to be sent with DEFENCE. */
__attribute__((nonnull)) int vly_publish_defence_send(struct vly_publish_defence *defence);

__attribute__((nonnull)) void vly_publish_defence_result(struct vly_publish_defence *defence,
							 const struct vly_publish_result *result);

__attribute__((nonnull)) void vly_publish_defence_clear(struct vly_publish_defence *defence);

#endif
