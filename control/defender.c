/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "defender.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "cookie_secrets.h"
#include "defence_store.h"
#include "log.h"
#include "side_work.h"

/* The clock of the ends may be set: no timer runs longer than until this look at it. */
#define LOOK_MS 60000

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
	struct vly_defender *defender;
	/* made when its turn comes; a thread's as long as defender->side runs */
	bool is_new; /* next_state is not what is on disk */
	struct vly_defence_sources before;
	struct vly_defence_sources next;
	struct vly_defence_state *next_state;
	struct vly_defence_store store; /* a copy: its troubles go back to the defender */
	uint64_t generation;
	int fd; /* of the block, or -1 */
	char reason[600];
	char refusal[600]; /* the dataplane's */
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
	struct vly_side_work side;
	bool starting;       /* the loop does not run yet, so nobody is kept waiting */
	unsigned handle_cnt; /* not yet closed, when freeing */
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
	if (change->fd >= 0)
		close(change->fd);
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

/* What is on disk follows what is in force. Returns 0, or -1 with change->reason when there must be
 * no change then. In a thread. */
static int
keep(struct change *change, const struct vly_defence_sources *sources)
{
	if (change->kind == ROLL)
		return vly_cookie_secrets_write(
			&sources->secrets,
			vly_defence_store_secrets_path(&change->store, sources->config),
			change->reason, sizeof(change->reason));
	if (change->is_new)
		vly_defence_store_save(&change->store, sources->state);
	return 0;
}

/* Has `work` do what blocks, for the change that is running; then `done` goes on. */
static void
carry_out(struct vly_defender *defender, void (*work)(void *arg), void (*done)(void *arg))
{
	struct change *change = defender->running;

	change->store = defender->store;
	change->generation = ++defender->generation;
	if (defender->starting) {
		work(change);
		done(change);
	} else {
		vly_side_work_run(&defender->side, work, done, change);
	}
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

/* Refused: the disk, and a dataplane that connects later, get what was there before. In a thread.
 */
static void
restore(void *arg)
{
	struct change *change = arg;

	if (keep(change, &change->before) < 0)
		vly_log(VLY_LOG_ERROR, "the secrets of cookies could not be put back: %s",
			change->reason);
	change->fd = vly_defence_block_make(&change->before, change->generation, change->reason,
					    sizeof(change->reason));
	if (change->fd < 0)
		vly_log(VLY_LOG_ERROR, "%s", change->reason);
}

static int
take_block(struct change *change)
{
	int fd = change->fd;

	change->fd = -1;
	return fd;
}

static void
on_restored(void *arg)
{
	struct change *change = arg;
	struct vly_defender *defender = change->defender;

	defender->store = change->store;
	if (change->fd >= 0)
		vly_publisher_defend(defender->publisher, take_block(change), ignore_outcome,
				     defender);
	finish(defender, VLY_DEFENDER_FAILED, change->refusal);
}

static void
on_defended(void *arg, enum vly_publish_outcome outcome, const char *text)
{
	struct vly_defender *defender = arg;
	struct change *change = defender->running;

	if (outcome == VLY_PUBLISH_DENIED) {
		snprintf(change->refusal, sizeof(change->refusal), "%s", text);
		carry_out(defender, restore, on_restored);
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

/* Makes next_state, of kinds that change the state; `change` is the loop's to call. Returns 0, or
 * -1 with change->reason. */
static int
prepare(struct vly_defender *defender, struct change *change)
{
	change->before = defender->live;
	change->next = defender->live;
	snprintf(change->reason, sizeof(change->reason), "out of memory");
	if (change->kind == CONFIGURE)
		change->next.config = change->config;
	if (change->kind == CONFIGURE || change->kind == ROLL)
		return 0;
	change->next_state = vly_defence_state_copy(defender->state);
	if (!change->next_state)
		return -1;
	change->next.state = change->next_state;
	change->is_new = vly_defence_state_expire(change->next_state, now_s());
	change->is_new |= change->kind == CHANGE;
	return change->change ? change->change(change->arg, change->next_state, change->reason,
					       sizeof(change->reason))
			      : 0;
}

/* Returns 0, or -1 with change->reason. */
static int
renew_secrets(struct change *change)
{
	struct vly_cookie_secrets *secrets = &change->next.secrets;

	if (change->kind != CONFIGURE && change->kind != ROLL)
		return 0;
	if (vly_defence_store_read_secrets(&change->store, change->next.config, secrets,
					   change->reason, sizeof(change->reason)) < 0)
		return -1;
	if (change->kind == CONFIGURE)
		return 0;
	return vly_cookie_secrets_roll(secrets, change->has_fresh ? change->fresh : NULL,
				       change->reason, sizeof(change->reason));
}

/* Makes the block, and keeps what it is made of. In a thread. */
static void
make(void *arg)
{
	struct change *change = arg;

	if (renew_secrets(change) < 0)
		return;
	int fd = vly_defence_block_make(&change->next, change->generation, change->reason,
					sizeof(change->reason));
	if (fd >= 0 && keep(change, &change->next) < 0)
		close(fd);
	else
		change->fd = fd;
}

static void
on_made(void *arg)
{
	struct change *change = arg;
	struct vly_defender *defender = change->defender;

	defender->store = change->store;
	if (change->fd < 0)
		finish(defender, VLY_DEFENDER_FAILED, change->reason);
	else
		vly_publisher_defend(defender->publisher, take_block(change), on_defended,
				     defender);
}

static void
run_next(struct vly_defender *defender)
{
	struct change *change = defender->queue;

	if (defender->running || !change)
		return;
	defender->queue = change->later;
	defender->running = change;
	if (prepare(defender, change) < 0)
		finish(defender, VLY_DEFENDER_FAILED, change->reason);
	else
		carry_out(defender, make, on_made);
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
	change->defender = defender;
	change->fd = -1;
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

static void
look_at_clock(uv_timer_t *timer)
{
	struct vly_defender *defender = timer->data;

	if (vly_defence_state_next(defender->state) > now_s())
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
	(void)arg;
	if (report->code == VLY_DEFENDER_FAILED)
		vly_log(VLY_LOG_ERROR,
			"the dataplane keeps the defence that it has: %s; correct it, then "
			"volleyctl "
			"reload",
			report->text);
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

static struct vly_defender *
allocate(uv_loop_t *loop, const char *state_dir)
{
	struct vly_defender *defender = calloc(1, sizeof(*defender));

	if (defender && vly_defence_store_open(&defender->store, state_dir) == 0)
		defender->state = vly_defence_store_load(&defender->store);
	if (defender && defender->state && vly_side_work_init(&defender->side, loop) == 0)
		return defender;
	if (defender) {
		vly_defence_state_free(defender->state);
		vly_defence_store_close(&defender->store);
	}
	free(defender);
	return NULL;
}

struct vly_defender *
vly_defender_new(uv_loop_t *loop, const char *state_dir, struct vly_config_defence *config,
		 struct vly_publisher *publisher, char *reason, size_t reason_bytes)
{
	struct vly_defender *defender = NULL;
	uint64_t source_key;
	struct timespec now;

	if (getrandom(&source_key, sizeof(source_key), 0) == (ssize_t)sizeof(source_key)) {
		snprintf(reason, reason_bytes, "out of memory");
		defender = allocate(loop, state_dir);
	} else {
		snprintf(reason, reason_bytes, "no random bits for the counts of sources: %s",
			 strerror(errno));
	}
	if (!defender) {
		vly_config_defence_free(config);
		return NULL;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	/* later than those of an earlier volley-control */
	defender->generation = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / (1000 * 1000);
	defender->publisher = publisher;
	defender->config = config;
	defender->live.config = config;
	defender->live.state = defender->state;
	defender->live.source_key = source_key;
	read_first_secrets(defender);
	uv_timer_init(loop, &defender->expiry);
	defender->expiry.data = defender;
	/* the first block is there before a dataplane can be given zones */
	defender->starting = true;
	request(defender, &(struct change){.kind = EXPIRE, .done = on_first, .arg = defender});
	defender->starting = false;
	return defender;
}

static void
ignore_report(void *arg, const struct vly_defender_report *report)
{
	(void)arg;
	(void)report;
}

bool
vly_defender_forget(struct vly_defender *defender, const void *arg)
{
	struct change **link = &defender->queue;

	while (*link && (*link)->arg != arg)
		link = &(*link)->later;
	struct change *queued = *link;
	if (queued) {
		*link = queued->later;
		free_change(queued);
		return false;
	}
	if (defender->running && defender->running->arg == arg)
		defender->running->done = ignore_report;
	return true;
}

bool
vly_defender_is_busy(const struct vly_defender *defender)
{
	return vly_side_work_is_running(&defender->side);
}

static void
on_closed(void *arg)
{
	struct vly_defender *defender = arg;

	if (--defender->handle_cnt > 0)
		return;
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
	free(defender);
}

static void
on_timer_closed(uv_handle_t *handle)
{
	on_closed(handle->data);
}

void
vly_defender_free(struct vly_defender *defender)
{
	if (!defender)
		return;
	defender->handle_cnt = 2;
	uv_close((uv_handle_t *)&defender->expiry, on_timer_closed);
	vly_side_work_close(&defender->side, on_closed, defender);
}
