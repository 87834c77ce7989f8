/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The defender: keeps the dataplane's defence equal to the configuration, what operators set at run
 * time, and the secrets of cookies; and keeps the latter two in the state directory.
 *
 * Use:
 *   1. vly_defender_new() with the configuration read at start; the dataplane gets the first block
 *      when it connects;
 *   2. vly_defender_configure() after each reload, vly_defender_change() and vly_defender_roll()
 *      for operators; changes are carried out one after the other;
 *   3. vly_defender_look() at what is in force; vly_defender_free().
 *
 * A change is made in a copy, kept on disk, published, and only then takes the place of what was
 * there. When the dataplane refuses it, all stays as it was, on disk too. When the disk refuses it,
 * it is in force all the same, for an attack does not wait for room, and the report says that it
 * will not survive a restart. Rolled secrets are the exception: what other servers rely on must
 * not go back.
 *
 * What has come to its end is taken back by itself.
 *
 * Threads: the loop's. What takes long, or waits for the disk, is done in a thread of its own
 * (side_work.h), for the one change that is under way; the loop does not touch that change
 * meanwhile, and the thread nothing else but what is in force, which does not change. The publisher
 * must outlive the defender.
 */
#ifndef VLY_CONTROL_DEFENDER_H
#define VLY_CONTROL_DEFENDER_H

#include <uv.h>

#include "defence_block.h"
#include "publish/publisher.h"

enum vly_defender_code {
	VLY_DEFENDER_OK,
	VLY_DEFENDER_FAILED,       /* nothing has changed */
	VLY_DEFENDER_NOT_KEPT,     /* in force, but not on disk */
	VLY_DEFENDER_NO_DATAPLANE, /* kept; in force when a dataplane connects */
};

/* The result of a change. Valid during the call of `done`. */
struct vly_defender_report {
	enum vly_defender_code code;
	const char *text; /* a sentence when the code is not OK, else "" */
};

struct vly_defender;

/* The defence in force. Valid until the loop runs again. */
struct vly_defender_view {
	const struct vly_defence_sources *sources;
	uint64_t generation;
	const char *secrets_path;
	const char *state_trouble;   /* why changes are not kept, or were lost; or "" */
	const char *secrets_trouble; /* why there are no cookies, or they are not kept; or "" */
};

/* Makes a defender, which owns `config` from then on. Blocks for the disk: it is called before the
 * loop runs. Returns NULL with `reason` without memory or random bits, and `config` is freed. */
__attribute__((nonnull, warn_unused_result)) struct vly_defender *
vly_defender_new(uv_loop_t *loop, const char *state_dir, struct vly_config_defence *config,
		 struct vly_publisher *publisher, char *reason, size_t reason_bytes);

/*
 * Each of the following requests a change. `done` is called once, maybe before this returns; it is
 * not called if the defender is freed first. Without memory it is called with a failure.
 */

/* Takes over a new configuration, and reads the secrets again. */
__attribute__((nonnull)) void
vly_defender_configure(struct vly_defender *defender, struct vly_config_defence *config,
		       void (*done)(void *arg, const struct vly_defender_report *report),
		       void *arg);

/* `change` is called on the loop, with a copy of the state and `arg`, maybe later; it returns 0, or
 * -1 with a sentence in `reason`. */
__attribute__((nonnull)) void vly_defender_change(
	struct vly_defender *defender,
	int (*change)(void *arg, struct vly_defence_state *state, char *reason, size_t bytes),
	void (*done)(void *arg, const struct vly_defender_report *report), void *arg);

/* Rolls the secrets; the next one becomes `fresh` (copied), or a random one when it is NULL. */
__attribute__((nonnull(1, 3))) void
vly_defender_roll(struct vly_defender *defender, const uint8_t fresh[VLY_COOKIE_SECRET_BYTES],
		  void (*done)(void *arg, const struct vly_defender_report *report), void *arg);

__attribute__((nonnull)) struct vly_defender_view
vly_defender_look(const struct vly_defender *defender);

/* Drops the change that was requested with `arg`: neither `change` nor `done` is called after this.
 * Returns false when the change had not begun, and will not be made; true: it goes on. */
__attribute__((nonnull)) bool vly_defender_forget(struct vly_defender *defender, const void *arg);

/* True while a block is made or a file is written. The process may exit meanwhile: files are
 * replaced as a whole. */
__attribute__((nonnull)) bool vly_defender_is_busy(const struct vly_defender *defender);

/* The memory is freed when the loop has closed the handles and the thread has ended. */
void vly_defender_free(struct vly_defender *defender);

#endif
