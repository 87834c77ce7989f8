/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "defender_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"

static void run_next(struct vly_defender *defender);

static void
finish(struct vly_defender *defender, enum vly_defender_code code, const char *text)
{
	struct vly_defence_change *change = defender->running;
	struct vly_defender_report report = {.code = code, .text = text};

	defender->running = NULL;
	change->done(change->arg, &report);
	vly_defence_change_free(change);
	run_next(defender);
}

/* Has `work` do what blocks, for the change that is running; then `done` goes on. */
static void
carry_out(struct vly_defender *defender, void (*work)(void *arg), void (*done)(void *arg))
{
	struct vly_defence_change *change = defender->running;

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
adopt(struct vly_defender *defender, struct vly_defence_change *change)
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
	defender->is_behind = false;
	vly_defender_start_clock(defender);
}

static void
ignore_outcome(void *arg, enum vly_publish_outcome outcome, const char *text)
{
	(void)arg;
	(void)outcome;
	(void)text;
}

static int
take_block(struct vly_defence_change *change)
{
	int fd = change->fd;

	change->fd = -1;
	return fd;
}

static void
on_restored(void *arg)
{
	struct vly_defence_change *change = arg;
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
	struct vly_defence_change *change = defender->running;

	if (outcome == VLY_PUBLISH_DENIED) {
		snprintf(change->refusal, sizeof(change->refusal), "%s", text);
		carry_out(defender, vly_defence_change_restore, on_restored);
		return;
	}
	adopt(defender, change);
	if (defender->store.state_trouble[0] && change->kind == VLY_DEFENCE_CHANGE)
		finish(defender, VLY_DEFENDER_NOT_KEPT, defender->store.state_trouble);
	else if (outcome == VLY_PUBLISH_ABSENT)
		finish(defender, VLY_DEFENDER_NO_DATAPLANE, "saved, but no dataplane is connected");
	else
		finish(defender, VLY_DEFENDER_OK, "");
}

/* Makes next_state, of kinds that change the state; `change` is the loop's to call. Returns 0, or
 * -1 with change->reason. */
static int
prepare(struct vly_defender *defender, struct vly_defence_change *change)
{
	change->before = defender->live;
	change->next = defender->live;
	snprintf(change->reason, sizeof(change->reason), "out of memory");
	if (change->kind == VLY_DEFENCE_CONFIGURE)
		change->next.config = change->config;
	if (change->kind == VLY_DEFENCE_CONFIGURE || change->kind == VLY_DEFENCE_ROLL)
		return 0;
	change->next_state = vly_defence_state_copy(defender->state);
	if (!change->next_state)
		return -1;
	change->next.state = change->next_state;
	change->is_new = vly_defence_state_expire(change->next_state, vly_defender_now_s());
	change->is_new |= change->kind == VLY_DEFENCE_CHANGE;
	return change->change ? change->change(change->arg, change->next_state, change->reason,
					       sizeof(change->reason))
			      : 0;
}

static void
on_made(void *arg)
{
	struct vly_defence_change *change = arg;
	struct vly_defender *defender = change->defender;

	defender->store = change->store;
	if (change->fd < 0)
		finish(defender, VLY_DEFENDER_FAILED, change->reason);
	else
		vly_publisher_defend(defender->publisher, take_block(change), on_defended,
				     defender);
}

static void
begin(struct vly_defender *defender, struct vly_defence_change *change)
{
	if (change->is_dropped) {
		finish(defender, VLY_DEFENDER_FAILED, "the change was cancelled");
		return;
	}
	change->has_begun = true;
	if (prepare(defender, change) < 0)
		finish(defender, VLY_DEFENDER_FAILED, change->reason);
	else
		carry_out(defender, vly_defence_change_make, on_made);
}

/* What was set at run time could not be read before, and must not be lost by a change. */
static void
on_reread(void *arg)
{
	struct vly_defence_change *change = arg;
	struct vly_defender *defender = change->defender;

	defender->store = change->store;
	if (!change->reread) {
		finish(defender, VLY_DEFENDER_FAILED, change->reason);
		return;
	}
	vly_defence_state_free(defender->state);
	defender->state = change->reread;
	defender->live.state = change->reread;
	change->reread = NULL;
	begin(defender, change);
}

static void
run_next(struct vly_defender *defender)
{
	struct vly_defence_change *change = defender->queue;

	if (defender->running || !change)
		return;
	defender->queue = change->later;
	defender->running = change;
	if (defender->store.state_unread)
		carry_out(defender, vly_defence_change_reread, on_reread);
	else
		begin(defender, change);
}

void
vly_defender_request(struct vly_defender *defender, const struct vly_defence_change *what)
{
	struct vly_defence_change *change = malloc(sizeof(*change));
	struct vly_defence_change **last = &defender->queue;

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
	vly_defender_request(defender, &(struct vly_defence_change){.kind = VLY_DEFENCE_CONFIGURE,
								    .config = config,
								    .done = done,
								    .arg = arg});
}

void
vly_defender_change(struct vly_defender *defender,
		    int (*change)(void *arg, struct vly_defence_state *state, char *reason,
				  size_t bytes),
		    void (*done)(void *arg, const struct vly_defender_report *report), void *arg)
{
	vly_defender_request(defender, &(struct vly_defence_change){.kind = VLY_DEFENCE_CHANGE,
								    .change = change,
								    .done = done,
								    .arg = arg});
}

void
vly_defender_roll(struct vly_defender *defender, const uint8_t fresh[VLY_COOKIE_SECRET_BYTES],
		  void (*done)(void *arg, const struct vly_defender_report *report), void *arg)
{
	struct vly_defence_change change = {
		.kind = VLY_DEFENCE_ROLL, .has_fresh = fresh, .done = done, .arg = arg};

	if (fresh)
		memcpy(change.fresh, fresh, sizeof(change.fresh));
	vly_defender_request(defender, &change);
	explicit_bzero(change.fresh, sizeof(change.fresh));
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
		 "cookies are not in use: %.400s; correct this, then run volleyctl reload", reason);
	vly_log_error("%s", store->secrets_trouble);
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
		snprintf(reason, reason_bytes,
			 "the kernel returned no random bits for the source rates: %s",
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
	uv_timer_init(loop, &defender->clock);
	defender->clock.data = defender;
	/* the first block is there before a dataplane can be given zones */
	defender->starting = true;
	vly_defender_catch_up(defender);
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
	struct vly_defence_change **link = &defender->queue;

	while (*link && (*link)->arg != arg)
		link = &(*link)->later;
	struct vly_defence_change *queued = *link;
	if (queued) {
		*link = queued->later;
		vly_defence_change_free(queued);
		return false;
	}
	struct vly_defence_change *running = defender->running;
	if (!running || running->arg != arg)
		return true;
	running->done = ignore_report;
	running->is_dropped = !running->has_begun;
	return running->has_begun;
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
		struct vly_defence_change *change = defender->queue;
		defender->queue = change->later;
		vly_defence_change_free(change);
	}
	if (defender->running)
		vly_defence_change_free(defender->running);
	vly_config_defence_free(defender->config);
	vly_defence_state_free(defender->state);
	vly_defence_store_close(&defender->store);
	explicit_bzero(&defender->live.secrets, sizeof(defender->live.secrets));
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
	uv_close((uv_handle_t *)&defender->clock, on_timer_closed);
	vly_side_work_close(&defender->side, on_closed, defender);
}
