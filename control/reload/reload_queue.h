/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The queue of reloads. A request joins a waiting reload that reads its zones anyway, because that
 * reload will read what the files hold after the request:
 *   - a request for everything joins a waiting full reload;
 *   - a request for zones joins a waiting reload of the same zones, or a full one.
 * So at most one full reload waits, and at most one of the same zones.
 *
 * Use: vly_reload_queue_ask(); vly_reload_queue_take() when no reload runs; answer each request of
 * the reload, then vly_reload_free(). All zeros is an empty queue. One thread; no loop, no clock,
 * no files.
 */
#ifndef VLY_CONTROL_RELOAD_QUEUE_H
#define VLY_CONTROL_RELOAD_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

struct vly_reload;
struct vly_reload_report;

/* One request. */
struct vly_reload_asker {
	struct vly_reload_asker *next;
	char **names;              /* sorted, each once */
	uint32_t name_cnt;         /* 0: everything */
	struct vly_reload *reload; /* which it has joined */
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
 * `alone` it gets a reload of its own, which no other request joins. Returns the request, which the
 * reload owns; or NULL without memory.
 */
__attribute__((nonnull(1, 6))) struct vly_reload_asker *
vly_reload_queue_ask(struct vly_reload_queue *queue, char *const *names, uint32_t name_cnt,
		     bool alone, uint64_t now_ms,
		     void (*done)(void *arg, const struct vly_reload_report *report), void *arg);

/* Takes out the first reload, which the caller owns then, and which no request joins any more.
 * Returns NULL when the queue is empty. */
__attribute__((nonnull)) struct vly_reload *vly_reload_queue_take(struct vly_reload_queue *queue);

/* For a full reload that was taken out and can't read zones, because the configuration has errors:
 * puts its requests for zones back, at the front of the queue. */
__attribute__((nonnull)) void vly_reload_queue_put_back(struct vly_reload_queue *queue,
							struct vly_reload *reload);

#endif
