/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reloads that wait, in the order in which they were asked for. Who asks for what a waiting reload
 * is going to read anyway joins it, for it reads what the files hold after that:
 *   - everything: a waiting reload of everything;
 *   - zones: a waiting reload of the same zones, or of everything.
 * So there is one waiting reload of everything at most, and one of the same zones.
 *
 * Use: vly_reload_queue_ask(), vly_reload_queue_take() when nothing runs; every asker of a reload
 * gets an answer of its own, then vly_reload_free(). All zeros is an empty queue. No loop, no
 * clock, no files; one thread.
 */
#ifndef VLY_CONTROL_RELOAD_QUEUE_H
#define VLY_CONTROL_RELOAD_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

struct vly_reload;
struct vly_reload_report;

struct vly_reload_asker {
	struct vly_reload_asker *next;
	char **names;              /* sorted, each once */
	uint32_t name_cnt;         /* 0: everything */
	struct vly_reload *reload; /* that will answer it */
	uint64_t asked_ms;
	void (*done)(void *arg, const struct vly_reload_report *report);
	void *arg;
};

struct vly_reload_queue {
	struct vly_reload *first;
	uint32_t cnt;
};

/*
 * Enters a request for names[0..name_cnt-1] (copied), or for everything when name_cnt is 0. With
 * `alone` nobody joins the reload, and it joins none. Returns the request, the reload's, or NULL
 * without memory.
 */
__attribute__((nonnull(1, 6))) struct vly_reload_asker *
vly_reload_queue_ask(struct vly_reload_queue *queue, char *const *names, uint32_t name_cnt,
		     bool alone, uint64_t now_ms,
		     void (*done)(void *arg, const struct vly_reload_report *report), void *arg);

/* Takes out the reload whose turn it is: nobody joins it any more. NULL: there is none. */
__attribute__((nonnull)) struct vly_reload *vly_reload_queue_take(struct vly_reload_queue *queue);

/* Puts those who asked for zones back, before all others, because a reload of everything that has
 * been taken out does not come to read zones. */
__attribute__((nonnull)) void vly_reload_queue_put_back(struct vly_reload_queue *queue,
							struct vly_reload *reload);

#endif
