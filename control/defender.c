/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "defender.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "cookie_secrets.h"
#include "defence_store.h"
#include "log.h"

/* The clock of the ends may be set: no timer runs longer than until this look at it. */
#define LOOK_MS 60000

/* Between two attempts to read what was set at run time, when the first one failed. Shorter:
 * nothing is gained that a person or a restart of the dataplane would notice. */
#define RETRY_MS 5000

enum kind {
	CONFIGURE,
	CHANGE,
	ROLL,
	EXPIRE,
};

struct change {
	enum kind kind;
	struct change *later;
	struct vly_config_defence *config;
	int (*change)(void *arg, struct vly_defence_state *state, char *reason, size_t bytes);
	bool has_fresh;
	uint8_t fresh[VLY_COOKIE_SECRET_BYTES];
	void (*done)(void *arg, const struct vly_defender_report *report);
	void *arg;
	/* made when its turn comes */
	bool is_new; /* next_state is not what is on disk */
	struct vly_defence_sources next;
	struct vly_defence_state *next_state;
};

struct vly_defender {
	struct vly_publisher *publisher;
	struct vly_defence_store store;
	struct vly_config_defence *config;
	struct vly_defence_state *state;
	struct vly_defence_sources live; /* of these two */
	uint64_t generation;
	struct change *running;
	struct change *queue;
	uv_timer_t expiry;
};

static void run_next(struct vly_defender *defender);
static void look_at_clock(uv_timer_t *timer);

static int64_t
now_s(void)
{
	return (int64_t)time(NULL);
}

static void
start_timer(struct vly_defender *defender)
{
	int64_t next_s = vly_defence_state_next(defender->state);
	int64_t left_ms = (next_s - now_s()) * 1000;

	if (next_s == 0)
		uv_timer_stop(&defender->expiry);
	else
		uv_timer_start(&defender->expiry, look_at_clock,
			       left_ms < 0         ? 0
			       : left_ms > LOOK_MS ? LOOK_MS
						   : (uint64_t)left_ms,
			       0);
}

static void
free_change(struct change *change)
{
	if (change->config)
		vly_config_defence_free(change->config);
	vly_defence_state_free(change->next_state);
	explicit_bzero(change, sizeof(*change)); /* it has secrets */
	free(change);
}

static void
finish(struct vly_defender *defender, enum vly_defender_code code, const char *text)
{
	struct change *change = defender->running;
	struct vly_defender_report report = {.code = code, .text = text};

	defender->running = NULL;
	change->done(change->arg, &report);
	free_change(change);
	run_next(defender);
}

/* What is on disk follows what is in force. Returns 0, or -1 with `reason` when there must be no
 * change then. */
static int
keep(struct vly_defender *defender, const struct change *change,
     const struct vly_defence_sources *sources, char *reason, size_t reason_bytes)
{
	if (change->kind == ROLL)
		return vly_cookie_secrets_write(
			&sources->secrets,
			vly_defence_store_secrets_path(&defender->store, defender->config), reason,
			reason_bytes);
	if (change->is_new)
		vly_defence_store_save(&defender->store, sources->state);
	return 0;
}

static void
adopt(struct vly_defender *defender, struct change *change)
{
	if (change->config) {
		vly_config_defence_free(defender->config);
		defender->config = change->config;
		change->config = NULL;
	}
	if (change->next_state) {
		vly_defence_state_free(defender->state);
		defender->state = change->next_state;
		change->next_state = NULL;
	}
	defender->live = change->next;
	start_timer(defender);
}

static void
ignore_outcome(void *arg, enum vly_publish_outcome outcome, const char *text)
{
	(void)arg;
	(void)outcome;
	(void)text;
}

/* Refused: the disk, and a dataplane that connects later, get what was there before. */
static void
take_back(struct vly_defender *defender, const struct change *change)
{
	char reason[500];

	if (keep(defender, change, &defender->live, reason, sizeof(reason)) < 0)
		vly_log(VLY_LOG_ERROR, "the secrets of cookies could not be put back: %s", reason);
	int fd = vly_defence_block_make(&defender->live, ++defender->generation, reason,
					sizeof(reason));
	if (fd < 0)
		vly_log(VLY_LOG_ERROR, "%s", reason);
	else
		vly_publisher_defend(defender->publisher, fd, ignore_outcome, defender);
}

static void
on_defended(void *arg, enum vly_publish_outcome outcome, const char *text)
{
	struct vly_defender *defender = arg;
	struct change *change = defender->running;
	char copy[500];

	if (outcome == VLY_PUBLISH_DENIED) {
		snprintf(copy, sizeof(copy), "%s", text);
		take_back(defender, change);
		finish(defender, VLY_DEFENDER_FAILED, copy);
		return;
	}
	adopt(defender, change);
	if (defender->store.state_trouble[0] && change->kind == CHANGE)
		finish(defender, VLY_DEFENDER_NOT_KEPT, defender->store.state_trouble);
	else if (outcome == VLY_PUBLISH_ABSENT)
		finish(defender, VLY_DEFENDER_NO_DATAPLANE, "kept, but no dataplane is connected");
	else
		finish(defender, VLY_DEFENDER_OK, "");
}

/* Fills change->next. Returns 0, or -1 with `reason`. */
static int
prepare(struct vly_defender *defender, struct change *change, char *reason, size_t reason_bytes)
{
	struct vly_defence_sources *next = &change->next;

	if (vly_defence_store_retry(&defender->store, &defender->state, reason, reason_bytes) < 0)
		return -1;
	defender->live.state = defender->state;
	*next = defender->live;
	snprintf(reason, reason_bytes, "out of memory");
	if (change->kind == CONFIGURE) {
		next->config = change->config;
		return vly_defence_store_read_secrets(&defender->store, change->config,
						      &next->secrets, reason, reason_bytes);
	}
	if (change->kind == ROLL) {
		if (vly_defence_store_read_secrets(&defender->store, defender->config,
						   &next->secrets, reason, reason_bytes) < 0)
			return -1;
		return vly_cookie_secrets_roll(&next->secrets,
					       change->has_fresh ? change->fresh : NULL, reason,
					       reason_bytes);
	}
	change->next_state = vly_defence_state_copy(defender->state);
	if (!change->next_state)
		return -1;
	next->state = change->next_state;
	change->is_new = vly_defence_state_expire(change->next_state, now_s());
	change->is_new |= change->kind == CHANGE;
	return change->change
		       ? change->change(change->arg, change->next_state, reason, reason_bytes)
		       : 0;
}

static void
run_next(struct vly_defender *defender)
{
	struct change *change = defender->queue;
	char reason[600];

	if (defender->running || !change)
		return;
	defender->queue = change->later;
	defender->running = change;
	int fd = -1;
	if (prepare(defender, change, reason, sizeof(reason)) == 0)
		fd = vly_defence_block_make(&change->next, ++defender->generation, reason,
					    sizeof(reason));
	if (fd >= 0 && keep(defender, change, &change->next, reason, sizeof(reason)) < 0) {
		close(fd);
		fd = -1;
	}
	if (fd < 0)
		finish(defender, VLY_DEFENDER_FAILED, reason);
	else
		vly_publisher_defend(defender->publisher, fd, on_defended, defender);
}

static void
request(struct vly_defender *defender, const struct change *what)
{
	struct change *change = malloc(sizeof(*change));
	struct change **last = &defender->queue;

	if (!change) {
		struct vly_defender_report report = {VLY_DEFENDER_FAILED, "out of memory"};
		what->done(what->arg, &report);
		if (what->config)
			vly_config_defence_free(what->config);
		return;
	}
	*change = *what;
	while (*last)
		last = &(*last)->later;
	*last = change;
	run_next(defender);
}

void
vly_defender_configure(struct vly_defender *defender, struct vly_config_defence *config,
		       void (*done)(void *arg, const struct vly_defender_report *report), void *arg)
{
	request(defender,
		&(struct change){.kind = CONFIGURE, .config = config, .done = done, .arg = arg});
}

void
vly_defender_change(struct vly_defender *defender,
		    int (*change)(void *arg, struct vly_defence_state *state, char *reason,
				  size_t bytes),
		    void (*done)(void *arg, const struct vly_defender_report *report), void *arg)
{
	request(defender,
		&(struct change){.kind = CHANGE, .change = change, .done = done, .arg = arg});
}

void
vly_defender_roll(struct vly_defender *defender, const uint8_t fresh[VLY_COOKIE_SECRET_BYTES],
		  void (*done)(void *arg, const struct vly_defender_report *report), void *arg)
{
	struct change change = {.kind = ROLL, .has_fresh = fresh, .done = done, .arg = arg};

	if (fresh)
		memcpy(change.fresh, fresh, sizeof(change.fresh));
	request(defender, &change);
	explicit_bzero(change.fresh, sizeof(change.fresh));
}

static void
on_expired(void *arg, const struct vly_defender_report *report)
{
	struct vly_defender *defender = arg;

	if (report->code == VLY_DEFENDER_FAILED) {
		vly_log(VLY_LOG_ERROR, "what came to its end could not be taken back: %s",
			report->text);
		uv_timer_start(&defender->expiry, look_at_clock, LOOK_MS, 0);
		return;
	}
	vly_log(VLY_LOG_INFO, "defence: what came to its end was taken back");
}

/* That it can't be read was said when it was found out. */
static void
on_retried(void *arg, const struct vly_defender_report *report)
{
	struct vly_defender *defender = arg;

	(void)report;
	if (defender->store.state_unread)
		uv_timer_start(&defender->expiry, look_at_clock, RETRY_MS, 0);
}

static void
look_at_clock(uv_timer_t *timer)
{
	struct vly_defender *defender = timer->data;

	if (defender->store.state_unread)
		request(defender,
			&(struct change){.kind = EXPIRE, .done = on_retried, .arg = defender});
	else if (vly_defence_state_next(defender->state) > now_s())
		start_timer(defender);
	else
		request(defender,
			&(struct change){.kind = EXPIRE, .done = on_expired, .arg = defender});
}

struct vly_defender_view
vly_defender_look(const struct vly_defender *defender)
{
	return (struct vly_defender_view){
		.sources = &defender->live,
		.generation = defender->generation,
		.secrets_path = vly_defence_store_secrets_path(&defender->store, defender->config),
		.state_trouble = defender->store.state_trouble,
		.secrets_trouble = defender->store.secrets_trouble,
	};
}

static void
on_first(void *arg, const struct vly_defender_report *report)
{
	struct vly_defender *defender = arg;

	if (report->code == VLY_DEFENDER_FAILED && !defender->store.state_unread)
		vly_log(VLY_LOG_ERROR,
			"the dataplane keeps the defence that it has: %s; correct it, then "
			"volleyctl "
			"reload",
			report->text);
	on_retried(defender, report);
}

/* Cookies wait for good secrets, the rest of the defence does not. */
static void
read_first_secrets(struct vly_defender *defender)
{
	struct vly_defence_store *store = &defender->store;
	char reason[500];

	if (vly_defence_store_read_secrets(store, defender->config, &defender->live.secrets, reason,
					   sizeof(reason)) == 0)
		return;
	snprintf(store->secrets_trouble, sizeof(store->secrets_trouble),
		 "no cookies: %.400s; correct it, then volleyctl reload", reason);
	vly_log(VLY_LOG_ERROR, "%s", store->secrets_trouble);
}

struct vly_defender *
vly_defender_new(uv_loop_t *loop, const char *state_dir, struct vly_config_defence *config,
		 struct vly_publisher *publisher)
{
	struct vly_defender *defender = calloc(1, sizeof(*defender));
	struct timespec now;

	if (defender && vly_defence_store_open(&defender->store, state_dir) == 0)
		defender->state = vly_defence_store_load(&defender->store);
	if (!defender || !defender->state) {
		if (defender)
			vly_defence_store_close(&defender->store);
		free(defender);
		return NULL;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	/* later than those of an earlier volley-control */
	defender->generation = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / (1000 * 1000);
	defender->publisher = publisher;
	defender->config = config;
	defender->live.config = config;
	defender->live.state = defender->state;
	if (getrandom(&defender->live.source_key, sizeof(defender->live.source_key), 0) < 0)
		vly_log(VLY_LOG_WARNING, "no random bits for the counts of sources");
	read_first_secrets(defender);
	uv_timer_init(loop, &defender->expiry);
	defender->expiry.data = defender;
	request(defender, &(struct change){.kind = EXPIRE, .done = on_first, .arg = defender});
	return defender;
}

static void
on_closed(uv_handle_t *handle)
{
	struct vly_defender *defender = handle->data;

	while (defender->queue) {
		struct change *change = defender->queue;
		defender->queue = change->later;
		free_change(change);
	}
	if (defender->running)
		free_change(defender->running);
	vly_config_defence_free(defender->config);
	vly_defence_state_free(defender->state);
	vly_defence_store_close(&defender->store);
	explicit_bzero(&defender->live.secrets, sizeof(defender->live.secrets));
	free(defender);
}

void
vly_defender_free(struct vly_defender *defender)
{
	if (defender)
		uv_close((uv_handle_t *)&defender->expiry, on_closed);
}
