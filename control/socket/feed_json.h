/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is known about secondary zones and transfers, as JSON and in words. Pure functions of what is given; any
 * thread.
 *
 * A secondary is "current" only when its primaries have confirmed the version that every lcore answers
 * from. Otherwise one of the other words is its state, and a sentence says why.
 */
#ifndef VLY_CONTROL_FEED_JSON_H
#define VLY_CONTROL_FEED_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "secondary/secondary.h"
#include "transfer/transfer.h"

#define VLY_FEED_TEXT_BYTES 512

/* Returns a word for the state of a secondary, and writes a sentence about it, or "" when it is current. */
__attribute__((nonnull)) const char *
vly_feed_secondary_word(const struct vly_secondary_state *state, char text[VLY_FEED_TEXT_BYTES]);

/* All that is known about a secondary. */
__attribute__((nonnull)) json_t *vly_feed_secondary_json(const struct vly_secondary_state *state);

/* A transfer under way; `now_ms` is uv_now(). */
__attribute__((nonnull)) json_t *vly_feed_in_json(const char *zone,
						  const struct vly_secondary_state *state);
struct vly_past_transfer;

__attribute__((nonnull)) json_t *vly_feed_past_json(const struct vly_past_transfer *past);
__attribute__((nonnull)) json_t *vly_feed_out_json(const struct vly_transfer_state *state,
						   uint64_t now_ms);

/* The last NOTIFY to one address. */
__attribute__((nonnull)) json_t *vly_feed_notify_json(const struct vly_notify_state *state);

__attribute__((nonnull)) json_t *
vly_feed_secondary_counts_json(const struct vly_secondary_counts *counts);
__attribute__((nonnull)) json_t *
vly_feed_transfer_counts_json(const struct vly_transfers_counts *counts);

#endif
