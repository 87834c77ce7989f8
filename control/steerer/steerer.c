/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "steerer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "base/side_work.h"
#include "common/log.h"

/* A file of a map is written in several steps, or with others. Shorter: it is read while it is written, and
 * once more. Longer: its clients wait. */
#define GATHER_MS 200

/* Wishes that end are looked at once in a second: people give times in minutes. */
#define CLOCK_MS 1000

/* A block in the making, in the thread. */
struct making {
	struct vly_steer_model *model; /* a reference */
	const struct vly_steer_maps *old;
	uint64_t generation;
	struct vly_steer_maps *maps;
	struct vly_steer_block block;
	bool is_made;
	char reason[VLY_REASON_BYTES];
};

struct vly_steerer {
	uv_loop_t *loop;
	struct vly_publisher *publisher;
	struct vly_steer_states *states;
	struct vly_steer_model *model; /* wanted; a reference, or NULL */
	struct vly_steer_maps *maps;
	struct vly_steer_slots *slots; /* of the last block */
	struct vly_steer_slots *old;   /* that the dataplane may still read, or NULL */
	struct vly_side_work side;
	struct making making;
	bool is_due;     /* a block must be made */
	bool is_made;    /* the last one is of `model` */
	bool has_failed; /* and was logged */
	uint64_t generation;
	char trouble[VLY_REASON_BYTES];
	int inotify; /* -1: none */
	uv_poll_t poll;
	uv_timer_t gather;
	uv_timer_t clock;
	unsigned handle_cnt; /* not yet closed, when freeing */
};

static void make_next(struct vly_steerer *steerer);

static void
fill(struct vly_steerer *steerer, struct vly_steer_slots *slots,
     const struct vly_steer_slots *before)
{
	vly_steer_slots_fill(slots, vly_steer_states_flags(steerer->states), before);
}

/* States are numbered as in the wanted model; slots of an older one do not change any more, until they are
 * replaced. */
static void
on_states(void *arg)
{
	struct vly_steerer *steerer = arg;

	if (steerer->slots && steerer->slots->model == steerer->model)
		fill(steerer, steerer->slots, NULL);
	if (steerer->old && steerer->old->model == steerer->model)
		fill(steerer, steerer->old, NULL);
}

static void
work(void *arg)
{
	struct making *making = arg;

	snprintf(making->reason, sizeof(making->reason), "out of memory");
	making->maps = vly_steer_maps_read(making->model, making->old);
	making->is_made =
		making->maps && vly_steer_block_make(&making->block, making->model, making->maps,
						     making->generation, making->reason) == 0;
}

static void
on_published(void *arg, enum vly_publish_outcome outcome, const char *text)
{
	struct vly_steerer *steerer = arg;

	(void)text; /* the publisher has logged it, and shows it */
	if (outcome == VLY_PUBLISH_DENIED)
		return; /* the dataplane goes on reading the old slots */
	vly_steer_slots_free(steerer->old);
	steerer->old = NULL;
}

/* Logs what is wrong with maps, once. */
static void
report_maps(const struct vly_steer_model *model, const struct vly_steer_maps *maps,
	    const struct vly_steer_maps *before)
{
	for (unsigned i = 0; i < maps->map_cnt; i++) {
		const bool is_known = before && i < before->map_cnt &&
				      strcmp(before->trouble[i], maps->trouble[i]) == 0;
		if (*maps->trouble[i] && !is_known)
			vly_log_error("map %s: %s", model->config->maps[i].name, maps->trouble[i]);
	}
}

static int
take_block(struct vly_steerer *steerer, struct making *making)
{
	int slots_fd;
	struct vly_steer_slots *slots =
		vly_steer_slots_make(&making->block, making->model, &slots_fd);

	if (!slots) {
		snprintf(making->reason, sizeof(making->reason), "slots could not be made: %s",
			 strerror(errno));
		close(making->block.fd);
		free(making->block.row);
		return -1;
	}
	fill(steerer, slots, steerer->slots);
	/* of three, the one in the middle was never live, or is not any more when this one is */
	if (!steerer->old) {
		steerer->old = steerer->slots;
	} else {
		vly_steer_slots_free(steerer->slots);
	}
	steerer->slots = slots;
	steerer->generation = making->generation;
	if (making->model->kind_cnt > 0)
		vly_log_info("steering: %u policies and types, %u classes of clients, %u slots, "
			     "generation %llu",
			     making->model->kind_cnt, making->model->row_cnt, slots->slot_cnt,
			     (unsigned long long)making->generation);
	vly_publisher_steer(steerer->publisher, making->block.fd, slots_fd, on_published, steerer);
	return 0;
}

static void
on_made(void *arg)
{
	struct making *making = arg;
	struct vly_steerer *steerer =
		(void *)((char *)making - offsetof(struct vly_steerer, making));
	const bool is_wanted = making->model == steerer->model;

	if (making->maps) {
		report_maps(making->model, making->maps, steerer->maps);
		vly_steer_maps_free(steerer->maps);
		steerer->maps = making->maps;
	}
	if (making->is_made && !is_wanted) { /* its states are not known any more */
		close(making->block.fd);
		free(making->block.row);
	}
	bool failed = !making->is_made;
	if (making->is_made && is_wanted)
		failed = take_block(steerer, making) != 0;
	steerer->is_made = !failed && is_wanted;
	snprintf(steerer->trouble, sizeof(steerer->trouble), "%s", failed ? making->reason : "");
	if (failed)
		vly_log_error("steering stays as it was: %s", making->reason);
	vly_steer_model_put(making->model);
	make_next(steerer);
}

/* Also when nothing is steered: the dataplane may have a block of an older configuration, even from before
 * this control was started. */
static void
make_next(struct vly_steerer *steerer)
{
	if (!steerer->is_due || vly_side_work_is_running(&steerer->side))
		return;
	steerer->is_due = false;
	steerer->making = (struct making){
		.model = vly_steer_model_get(steerer->model),
		.old = steerer->maps,
		.generation = steerer->generation + 1,
	};
	vly_side_work_run(&steerer->side, work, on_made, &steerer->making);
}

static void
look_at_files(struct vly_steerer *steerer)
{
	if (steerer->model && steerer->maps &&
	    steerer->maps->cnt == steerer->model->partition_cnt && steerer->is_made &&
	    !vly_steer_maps_have_changed(steerer->model, steerer->maps))
		return;
	steerer->is_due = steerer->model != NULL;
	make_next(steerer);
}

static void
on_gathered(uv_timer_t *timer)
{
	look_at_files(timer->data);
}

static void
on_file_event(uv_poll_t *poll, int status, int events)
{
	struct vly_steerer *steerer = poll->data;
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

	(void)status;
	(void)events;
	/* which file it was does not matter: their stamps tell */
	while (read(steerer->inotify, buffer, sizeof(buffer)) > 0)
		;
	/* not put off by further events: a directory in which others write all the time has maps, too */
	if (!uv_is_active((uv_handle_t *)&steerer->gather))
		uv_timer_start(&steerer->gather, on_gathered, GATHER_MS, 0);
}

/* Watches the directories of the maps' files: a file is often replaced by another one. */
static void
watch(struct vly_steerer *steerer)
{
	const struct vly_config_steer *config = steerer->model->config;

	for (unsigned i = 0; i < config->map_cnt; i++) {
		const char *path =
			config->maps[i].mmdb ? config->maps[i].mmdb : config->maps[i].file;
		const char *slash = strrchr(path, '/');
		char *directory = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path))
					: strdup(".");
		if (!directory || steerer->inotify < 0 ||
		    inotify_add_watch(steerer->inotify, directory,
				      IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR) < 0)
			vly_log_warning("map %s is not watched: %s: %m; reload when it changes",
					config->maps[i].name, path);
		free(directory);
	}
}

static void
on_clock(uv_timer_t *timer)
{
	struct vly_steerer *steerer = timer->data;

	vly_steer_states_expire(steerer->states, (int64_t)time(NULL));
	if (vly_steer_states_next_end(steerer->states) == 0)
		uv_timer_stop(timer);
}

static void
start_clock(struct vly_steerer *steerer)
{
	if (vly_steer_states_next_end(steerer->states) != 0 &&
	    !uv_is_active((uv_handle_t *)&steerer->clock))
		uv_timer_start(&steerer->clock, on_clock, CLOCK_MS, CLOCK_MS);
}

void
vly_steerer_configure(struct vly_steerer *steerer, struct vly_steer_model *model)
{
	if (model == steerer->model)
		return;
	if (vly_steer_states_configure(steerer->states, model) != 0) {
		snprintf(steerer->trouble, sizeof(steerer->trouble), "out of memory");
		vly_log_error("steering stays as it was: out of memory");
		return;
	}
	vly_steer_model_put(steerer->model);
	steerer->model = vly_steer_model_get(model);
	steerer->is_made = false;
	steerer->is_due = true;
	watch(steerer);
	start_clock(steerer);
	make_next(steerer);
}

void
vly_steerer_reread(struct vly_steerer *steerer)
{
	if (!steerer->model)
		return;
	watch(steerer); /* a directory may have come, or be another one */
	look_at_files(steerer);
}

bool
vly_steerer_set(struct vly_steerer *steerer, const char *id, bool is_healthy, const char *reason,
		int64_t now_s)
{
	return vly_steer_states_set(steerer->states, id, is_healthy, reason, now_s);
}

void
vly_steerer_forget(struct vly_steerer *steerer, const char *id)
{
	vly_steer_states_forget(steerer->states, id);
}

unsigned
vly_steerer_wish(struct vly_steerer *steerer, const char *name, enum vly_steer_wish wish,
		 int64_t for_s, char trouble[VLY_STEER_REASON_BYTES])
{
	const int64_t now_s = (int64_t)time(NULL);
	unsigned cnt = vly_steer_states_wish(steerer->states, name, wish, now_s,
					     for_s > 0 ? now_s + for_s : 0, trouble);

	start_clock(steerer);
	return cnt;
}

struct vly_steerer_view
vly_steerer_look(const struct vly_steerer *steerer)
{
	return (struct vly_steerer_view){
		.model = steerer->model,
		.maps = steerer->maps,
		.slots = steerer->slots,
		.states = steerer->states,
		.generation = steerer->generation,
		.is_made = steerer->is_made,
		.trouble = steerer->trouble,
	};
}

bool
vly_steerer_is_busy(const struct vly_steerer *steerer)
{
	return vly_side_work_is_running(&steerer->side);
}

static int
open_files(struct vly_steerer *steerer, const char *state_dir)
{
	char *path;

	if (asprintf(&path, "%s/pools.json", state_dir) < 0)
		return -1;
	steerer->states = vly_steer_states_new(path, on_states, steerer);
	free(path);
	if (!steerer->states || vly_side_work_init(&steerer->side, steerer->loop) != 0)
		return -1;
	steerer->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	return 0;
}

struct vly_steerer *
vly_steerer_new(uv_loop_t *loop, const char *state_dir, struct vly_publisher *publisher)
{
	struct vly_steerer *steerer = calloc(1, sizeof(*steerer));

	if (!steerer)
		return NULL;
	steerer->loop = loop;
	steerer->publisher = publisher;
	if (open_files(steerer, state_dir) != 0) {
		vly_steer_states_free(steerer->states);
		free(steerer);
		return NULL;
	}
	uv_timer_init(loop, &steerer->gather);
	uv_timer_init(loop, &steerer->clock);
	steerer->gather.data = steerer;
	steerer->clock.data = steerer;
	if (steerer->inotify >= 0) {
		uv_poll_init(loop, &steerer->poll, steerer->inotify);
		steerer->poll.data = steerer;
		uv_poll_start(&steerer->poll, UV_READABLE, on_file_event);
	}
	return steerer;
}

static void
on_closed(void *arg)
{
	struct vly_steerer *steerer = arg;

	if (--steerer->handle_cnt > 0)
		return;
	if (steerer->inotify >= 0)
		close(steerer->inotify);
	vly_steer_slots_free(steerer->slots);
	vly_steer_slots_free(steerer->old);
	vly_steer_maps_free(steerer->maps);
	vly_steer_states_free(steerer->states);
	vly_steer_model_put(steerer->model);
	free(steerer);
}

static void
on_handle_closed(uv_handle_t *handle)
{
	on_closed(handle->data);
}

void
vly_steerer_free(struct vly_steerer *steerer)
{
	if (!steerer)
		return;
	steerer->handle_cnt = 3 + (steerer->inotify >= 0);
	uv_close((uv_handle_t *)&steerer->gather, on_handle_closed);
	uv_close((uv_handle_t *)&steerer->clock, on_handle_closed);
	if (steerer->inotify >= 0)
		uv_close((uv_handle_t *)&steerer->poll, on_handle_closed);
	vly_side_work_close(&steerer->side, on_closed, steerer);
}
