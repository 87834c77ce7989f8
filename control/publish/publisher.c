/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publisher_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "counters_map.h"

/* Pauses grow up to this, which costs four system calls a second while there is no dataplane. */
#define RETRY_LAST_MS 250

/* HELLO is the first thing a dataplane sends; it does so as soon as its main thread turns to the
 * socket. */
#define GREETING_MS 1000

static void connect_now(struct vly_publisher *publisher);

static void
on_retry(uv_timer_t *timer)
{
	connect_now(timer->data);
}

void
vly_publisher_set_error(struct vly_publisher *publisher, enum vly_log_level level, const char *text)
{
	if (strcmp(publisher->error, text) == 0)
		return;
	snprintf(publisher->error, sizeof(publisher->error), "%s", text);
	if (*text)
		vly_log(level, "dataplane: %s", text);
}

void
vly_publisher_report(struct vly_publisher *publisher, const struct vly_publish_report *what)
{
	void (*done)(void *, const struct vly_publish_report *) = publisher->done;

	publisher->done = NULL;
	if (done)
		done(publisher->done_arg, what);
}

void
vly_publisher_settle_next(struct vly_publisher *publisher)
{
	if (!publisher->next)
		return;
	if (publisher->committed == publisher->settled)
		vly_publisher_hold(&publisher->committed, NULL);
	vly_image_list_free(publisher->settled);
	publisher->settled = publisher->next;
	publisher->next = NULL;
}

static void
on_away_too_long(uv_timer_t *timer)
{
	struct vly_publisher *publisher = timer->data;
	struct vly_publish_report absent = {.outcome = VLY_PUBLISH_ABSENT};

	vly_publisher_settle_next(publisher);
	vly_publisher_report(publisher, &absent);
}

/* While the dataplane is away, a new list waits for the rest of VLY_PUBLISH_AWAY_MS. */
static void
wait_away(struct vly_publisher *publisher)
{
	uint64_t wait_ms = publisher->state == VLY_PUBLISHER_GREETING ? GREETING_MS : 0;

	if (publisher->away_since_ms) {
		uint64_t away_ms = uv_now(publisher->loop) - publisher->away_since_ms;
		if (away_ms < VLY_PUBLISH_AWAY_MS)
			wait_ms = VLY_PUBLISH_AWAY_MS - away_ms;
	}
	uv_timer_start(&publisher->deadline, on_away_too_long, wait_ms, 0);
}

static void
retry_later(struct vly_publisher *publisher)
{
	uv_timer_start(&publisher->retry, on_retry, publisher->retry_ms, 0);
	publisher->retry_ms *= 2;
	if (publisher->retry_ms > RETRY_LAST_MS)
		publisher->retry_ms = RETRY_LAST_MS;
}

static void
on_link_down(void *arg, const char *reason)
{
	struct vly_publisher *publisher = arg;
	bool was_up = publisher->state > VLY_PUBLISHER_GREETING;

	publisher->state = VLY_PUBLISHER_DOWN;
	publisher->is_ahead = false;
	publisher->refused[0] = '\0';
	vly_held_images_disconnect(&publisher->held);
	vly_counters_unmap(publisher->counters);
	publisher->counters = NULL;
	uv_timer_stop(&publisher->deadline);
	vly_publisher_set_error(publisher, was_up ? VLY_LOG_WARNING : VLY_LOG_INFO, reason);
	if (was_up) {
		publisher->away_since_ms = uv_now(publisher->loop);
		publisher->retry_ms = VLY_PUBLISHER_RETRY_FIRST_MS;
	}
	if (publisher->next)
		wait_away(publisher);
	retry_later(publisher);
	vly_publish_defence_disconnect(&publisher->defence);
}

static void
on_link_appears(void *arg)
{
	struct vly_publisher *publisher = arg;

	if (publisher->state != VLY_PUBLISHER_DOWN)
		return;
	publisher->retry_ms = VLY_PUBLISHER_RETRY_FIRST_MS;
	connect_now(publisher);
}

static void
connect_now(struct vly_publisher *publisher)
{
	char reason[200];

	if (vly_publish_link_open(&publisher->link, reason, sizeof(reason)) == 0) {
		uv_timer_stop(&publisher->retry);
		publisher->state = VLY_PUBLISHER_GREETING;
		return;
	}
	vly_publisher_set_error(publisher, VLY_LOG_INFO, reason);
	retry_later(publisher);
}

static const struct vly_publish_link_events link_events = {
	.message = vly_publisher_take,
	.down = on_link_down,
	.appears = on_link_appears,
};

struct vly_publisher *
vly_publisher_new(uv_loop_t *loop, const char *path)
{
	struct vly_publisher *publisher = calloc(1, sizeof(*publisher));

	if (publisher)
		publisher->path = strdup(path);
	if (!publisher || !publisher->path) {
		free(publisher);
		return NULL;
	}
	publisher->loop = loop;
	publisher->retry_ms = VLY_PUBLISHER_RETRY_FIRST_MS;
	uv_timer_init(loop, &publisher->retry);
	uv_timer_init(loop, &publisher->deadline);
	publisher->retry.data = publisher;
	publisher->deadline.data = publisher;
	vly_publish_link_init(&publisher->link, loop, publisher->path, &link_events, publisher);
	connect_now(publisher);
	return publisher;
}

void
vly_publisher_on_commit(struct vly_publisher *publisher, void (*commit)(void *arg, uint64_t seq),
			void *arg)
{
	publisher->commit = commit;
	publisher->commit_arg = arg;
}

void
vly_publisher_on_request(struct vly_publisher *publisher,
			 void (*request)(void *arg,
					 const struct vly_publish_client_request *request),
			 void *arg)
{
	publisher->request = request;
	publisher->request_arg = arg;
}

void
vly_publisher_on_connection(struct vly_publisher *publisher,
			    void (*connection)(void *arg, int socket,
					       const struct vly_publish_connection *connection),
			    void *arg)
{
	publisher->connection = connection;
	publisher->connection_arg = arg;
}

void
vly_publisher_publish(struct vly_publisher *publisher, struct vly_image_list *list, bool hold,
		      void (*done)(void *arg, const struct vly_publish_report *report), void *arg)
{
	struct vly_publish_report held = {.outcome = VLY_PUBLISH_HELD};
	bool up = publisher->state > VLY_PUBLISHER_GREETING;

	publisher->next = list;
	publisher->done = done;
	publisher->done_arg = arg;
	publisher->deaf = false;
	/* without a dataplane, HELLO will decide */
	publisher->held_back = hold && (!up || publisher->hello.generation > 0);
	if (up && publisher->held_back) {
		vly_publisher_settle_next(publisher);
		vly_publisher_report(publisher, &held);
	} else if (!up) {
		wait_away(publisher);
	} else if (publisher->state == VLY_PUBLISHER_IDLE) {
		vly_publisher_step(publisher);
	}
}

void
vly_publisher_defend(struct vly_publisher *publisher, int fd,
		     void (*done)(void *arg, enum vly_publish_outcome outcome, const char *text),
		     void *arg)
{
	vly_publish_defence_set(&publisher->defence, fd, done, arg);
	if (publisher->state <= VLY_PUBLISHER_GREETING)
		vly_publish_defence_disconnect(&publisher->defence);
	else if (publisher->state == VLY_PUBLISHER_IDLE)
		vly_publisher_step(publisher);
}

void
vly_publisher_status(const struct vly_publisher *publisher, struct vly_publisher_status *status)
{
	memset(status, 0, sizeof(*status));
	status->connected = publisher->state > VLY_PUBLISHER_GREETING;
	status->held_back = publisher->held_back && status->connected;
	status->generation = publisher->committed ? publisher->generation : 0;
	status->zone_cnt = publisher->committed ? publisher->zone_cnt : 0;
	status->error = publisher->error;
	status->defended = status->connected && vly_publish_defence_is_settled(&publisher->defence);
	status->defence_error = publisher->defence.error;
	status->counters = publisher->counters;
	if (status->connected)
		status->hello = publisher->hello;
}

bool
vly_publisher_is_holding(const struct vly_publisher *publisher)
{
	return publisher->held_back;
}

static void
on_closed(void *arg)
{
	struct vly_publisher *publisher = arg;

	if (--publisher->handle_cnt > 0)
		return;
	vly_counters_unmap(publisher->counters);
	vly_image_list_free(publisher->settled);
	vly_image_list_free(publisher->next);
	vly_image_list_free(publisher->committed);
	vly_image_list_free(publisher->asked);
	vly_held_images_free(&publisher->held);
	vly_publish_change_free(&publisher->change);
	free(publisher->path);
	free(publisher);
}

static void
on_timer_closed(uv_handle_t *handle)
{
	on_closed(handle->data);
}

void
vly_publisher_free(struct vly_publisher *publisher)
{
	if (!publisher)
		return;
	publisher->handle_cnt = 3;
	publisher->done = NULL;
	vly_publish_defence_clear(&publisher->defence);
	uv_close((uv_handle_t *)&publisher->retry, on_timer_closed);
	uv_close((uv_handle_t *)&publisher->deadline, on_timer_closed);
	vly_publish_link_free(&publisher->link, on_closed);
}
