/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between health.c (what is wanted), health_link.c (the connection), health_saved.c (the file), health_log.c (flips)
 * and health_show.c (what people see). */
#ifndef VLY_CONTROL_HEALTH_PARTS_H
#define VLY_CONTROL_HEALTH_PARTS_H

#include <uthash.h>

#include "common/health/health_stream.h"
#include "health.h"

/* A check that is wanted. */
struct vly_health_entry {
	struct vly_health_check check;
	struct vly_health_state state;
	const char *name; /* one of its names */
	unsigned name_cnt;
	char refusal[VLY_HEALTH_REASON_BYTES];
	bool is_current;
	UT_hash_handle hh; /* by state.id */
};

struct vly_health_name {
	char *name;
	enum vly_health_source source;
	struct vly_health_entry *entry;
};

/* A state from the file. */
struct vly_health_saved {
	struct vly_health_state state;
	UT_hash_handle hh;
};

struct vly_health {
	uv_loop_t *loop;
	char *path;       /* of the socket; NULL: not known yet */
	char *file;       /* of the states */
	uv_timer_t timer; /* each second: connecting, silence, saving */
	void (*changed)(void *arg, const struct vly_health_state *state);
	void *changed_arg;

	struct vly_health_entry *table;
	struct vly_health_name *name; /* [name_cnt], in order */
	unsigned name_cnt;
	uint64_t flip_cnt;

	/* health_link.c */
	struct vly_health_stream *stream; /* NULL: not connected */
	uint64_t list;                    /* the number of what is wanted */
	struct vly_health_entry *next; /* to be sent; NULL with is_sending: only the end is left */
	bool is_sending;
	bool is_told;                   /* in the log: that there is no connection */
	uint64_t heard_ms;              /* the last line */
	uint64_t lost_ms;               /* since when there is no connection */
	char trouble[VLY_REASON_BYTES]; /* why there is none */
	unsigned running, waiting;
	uint64_t late_ms;
	long pid;

	/* health_saved.c */
	struct vly_health_saved *saved;
	uint64_t save_ms; /* when to save; 0: nothing to save */
	uv_work_t work;
	bool is_saving;
	bool is_save_failed; /* logged */
	char *text;
	size_t text_bytes;
	char save_reason[VLY_REASON_BYTES];

	/* health_log.c */
	uint64_t log_begin_ms;
	unsigned log_cnt;

	bool is_ending;
	bool is_closed; /* the handles are; memory goes when nothing is being saved */
};

/* health.c: frees the memory. */
__attribute__((nonnull)) void vly_health_finish(struct vly_health *health);

/* health_link.c: what is wanted has changed, or may not be sent any more. */
__attribute__((nonnull)) void vly_health_link_renew(struct vly_health *health);
__attribute__((nonnull)) void vly_health_link_tick(struct vly_health *health, uint64_t now_ms);
/* Takes a connected socket over. */
__attribute__((nonnull)) void vly_health_link_adopt(struct vly_health *health, int fd);
__attribute__((nonnull)) void vly_health_link_end(struct vly_health *health);

/* health_saved.c */
__attribute__((nonnull)) void vly_health_saved_load(struct vly_health *health);
__attribute__((nonnull)) const struct vly_health_state *
vly_health_saved_find(const struct vly_health *health, const char *id);
/* Saves within `delay_ms`. */
__attribute__((nonnull)) void vly_health_saved_touch(struct vly_health *health, uint64_t delay_ms);
__attribute__((nonnull)) void vly_health_saved_tick(struct vly_health *health, uint64_t now_ms);
__attribute__((nonnull)) void vly_health_saved_end(struct vly_health *health);

/* health_log.c: a flip, with the time that the state before it lasted. */
__attribute__((nonnull)) void vly_health_log_flip(struct vly_health *health,
						  const struct vly_health_entry *entry,
						  enum vly_health_status before,
						  uint64_t lasted_ms);
__attribute__((nonnull)) void vly_health_log_tick(struct vly_health *health, uint64_t now_ms);

#endif
