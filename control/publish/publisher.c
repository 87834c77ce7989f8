/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publisher_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/plural.h"
#include "counters_map.h"
#include "publish_message.h"

/* The inotify watch on the directory reacts at once. Retries are for the time when the directory
 * does not exist, and for the moment between bind() and listen(). The first pause is far below
 * anything that a person or a resolver notices; the last costs four system calls a second while
 * there is no dataplane. */
#define RETRY_FIRST_MS 10
#define RETRY_LAST_MS  250

/* HELLO is the first thing a dataplane sends; it does so as soon as its main thread turns to the
 * socket. */
#define GREETING_MS 1000

static void connect_now(struct vly_publisher *publisher);

static void
on_retry(uv_timer_t *timer)
{
	connect_now(timer->data);
}

/* The cause is logged when it changes, not at every attempt. */
static void
set_error(struct vly_publisher *publisher, enum vly_log_level level, const char *text)
{
	if (strcmp(publisher->error, text) == 0)
		return;
	snprintf(publisher->error, sizeof(publisher->error), "%s", text);
	if (*text)
		vly_log(level, "dataplane: %s", text);
}

static void
report(struct vly_publisher *publisher, const struct vly_publish_report *what)
{
	void (*done)(void *, const struct vly_publish_report *) = publisher->done;

	publisher->done = NULL;
	if (done)
		done(publisher->done_arg, what);
}

static void
settle_next(struct vly_publisher *publisher)
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

	settle_next(publisher);
	report(publisher, &absent);
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
	set_error(publisher, was_up ? VLY_LOG_WARNING : VLY_LOG_INFO, reason);
	if (was_up) {
		publisher->away_since_ms = uv_now(publisher->loop);
		publisher->retry_ms = RETRY_FIRST_MS;
	}
	if (publisher->next)
		wait_away(publisher);
	retry_later(publisher);
	vly_publish_block_disconnect(&publisher->defence);
	vly_publish_block_disconnect(&publisher->steering);
}

static void
on_link_appears(void *arg)
{
	struct vly_publisher *publisher = arg;

	if (publisher->state != VLY_PUBLISHER_DOWN)
		return;
	publisher->retry_ms = RETRY_FIRST_MS;
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
	set_error(publisher, VLY_LOG_INFO, reason);
	retry_later(publisher);
}

static void
on_denied(struct vly_publisher *publisher, const char *text)
{
	char reason[VLY_PUBLISH_TEXT_BYTES + 40];
	struct vly_publish_report denied = {.outcome = VLY_PUBLISH_DENIED, .text = reason};

	snprintf(reason, sizeof(reason), "the dataplane refused the zones: %s", text);
	set_error(publisher, VLY_LOG_ERROR, reason);
	if (publisher->asked != publisher->next) {
		publisher->deaf = !publisher->next;
		vly_publisher_step(publisher);
		return;
	}
	vly_image_list_free(publisher->next);
	publisher->next = NULL;
	vly_publisher_step(publisher);
	report(publisher, &denied);
}

static void
on_committed(struct vly_publisher *publisher, const struct vly_publish_result *result)
{
	struct vly_image_list *list = publisher->asked;
	bool published = list == publisher->next;
	struct vly_publish_report done = {
		.outcome = VLY_PUBLISH_DONE,
		.generation = ++publisher->generation,
		.zone_cnt = result->zone_cnt,
	};

	/* changes of living zones make many commits */
	enum vly_log_level level =
		publisher->zone_cnt == result->zone_cnt && publisher->generation > 1 ? VLY_LOG_DEBUG
										     : VLY_LOG_INFO;
	publisher->zone_cnt = result->zone_cnt;
	vly_held_images_commit(&publisher->held, list);
	publisher->retried_commit = false;
	publisher->refused[0] = '\0';
	if (published)
		settle_next(publisher);
	/* if the list was replaced meanwhile, the dataplane does not have the right one yet */
	vly_publisher_hold(&publisher->committed, list == publisher->settled ? list : NULL);
	set_error(publisher, VLY_LOG_INFO, "");
	vly_log(level, "dataplane: serves %" PRIu32 " zone%s, generation %" PRIu64, done.zone_cnt,
		vly_plural(done.zone_cnt), done.generation);
	vly_publisher_step(publisher);
	if (published)
		report(publisher, &done);
}

/* The dataplane has other images than we thought, or another generation: the whole list follows. */
static bool
is_out_of_step(const struct vly_publisher *publisher, const struct vly_publish_result *result)
{
	return !publisher->retried_commit &&
	       (result->code == VLY_PUBLISH_UNKNOWN || result->code == VLY_PUBLISH_STALE);
}

/* The RESULT of an image whose commit has been sent, too. */
static void
on_image_ahead(struct vly_publisher *publisher, const struct vly_publish_result *result)
{
	publisher->is_ahead = false;
	if (result->code != VLY_PUBLISH_OK)
		snprintf(publisher->refused, sizeof(publisher->refused), "%s",
			 *result->text ? result->text : "no reason given");
	else if (vly_held_images_add(&publisher->held, publisher->asked_id) < 0)
		vly_publish_link_close(&publisher->link, "out of memory");
}

/* The RESULT of a commit, or of a part of it. If an image was refused, its commit fails as a whole: the
 * dataplane gets all parts, or it would take those of the next commit for the rest. */
static void
on_commit_result(struct vly_publisher *publisher, const struct vly_publish_result *result)
{
	char text[sizeof(publisher->refused)];

	if (result->code == VLY_PUBLISH_OK) {
		if (!vly_publisher_continue(publisher))
			on_committed(publisher, result);
	} else if (publisher->refused[0] != '\0') {
		memcpy(text, publisher->refused, sizeof(text));
		publisher->refused[0] = '\0';
		on_denied(publisher, text);
	} else if (is_out_of_step(publisher, result)) {
		publisher->retried_commit = true;
		if (result->code == VLY_PUBLISH_UNKNOWN)
			vly_held_images_clear(&publisher->held);
		publisher->held.is_known = false;
		vly_publisher_step(publisher);
	} else {
		on_denied(publisher, result->text);
	}
}

static void
on_result(struct vly_publisher *publisher, const struct vly_publish_result *result)
{
	if (publisher->state < VLY_PUBLISHER_SENDING ||
	    result->header.seq != publisher->seq - publisher->is_ahead) {
		vly_publish_link_close(&publisher->link, "unexpected reply (no request pending)");
		return;
	}
	if (publisher->is_ahead) {
		on_image_ahead(publisher, result);
	} else if (publisher->state == VLY_PUBLISHER_COMMITTING) {
		on_commit_result(publisher, result);
	} else if (publisher->state == VLY_PUBLISHER_DEFENDING) {
		vly_publish_block_result(&publisher->defence, result);
		vly_publisher_step(publisher);
	} else if (publisher->state == VLY_PUBLISHER_STEERING) {
		vly_publish_block_result(&publisher->steering, result);
		vly_publisher_step(publisher);
	} else if (result->code != VLY_PUBLISH_OK) {
		on_denied(publisher, result->text);
	} else if (vly_held_images_add(&publisher->held, publisher->asked_id) < 0) {
		on_denied(publisher, "out of memory");
	} else {
		vly_publisher_step(publisher);
	}
}

static void
on_hello(struct vly_publisher *publisher, const struct vly_publish_hello *hello, int counters_fd)
{
	const char *reason = "no counters came with HELLO";
	bool same = hello->start_unix_ns == publisher->hello.start_unix_ns && hello->generation &&
		    hello->generation == publisher->generation;

	publisher->hello = *hello;
	publisher->retry_ms = RETRY_FIRST_MS;
	publisher->deaf = false;
	publisher->retried_commit = false;
	if (counters_fd >= 0)
		publisher->counters = vly_counters_map(counters_fd, &reason);
	if (!publisher->counters)
		vly_log_warning("dataplane: no statistics: %s", reason);
	if (!same) {
		vly_publisher_hold(&publisher->committed, NULL);
		vly_held_images_clear(&publisher->held);
	}
	vly_publish_block_connect(&publisher->defence);
	vly_publish_block_connect(&publisher->steering);
	publisher->held_back = publisher->held_back && hello->generation > 0;
	set_error(publisher, VLY_LOG_INFO, "");
	vly_log_info("dataplane: connected, pid %" PRIu32 ", %" PRIu32
		     " lcore%s, generation %" PRIu64,
		     hello->pid, hello->lcore_cnt, vly_plural(hello->lcore_cnt), hello->generation);
	bool held = publisher->held_back && publisher->next;
	if (held)
		settle_next(publisher);
	vly_publisher_step(publisher);
	if (held)
		report(publisher, &(struct vly_publish_report){.outcome = VLY_PUBLISH_HELD});
}

/* Whether the message is of this type, one of those that come at any time after HELLO, also while a
 * RESULT is awaited. */
static bool
is_from_client(const struct vly_publisher *publisher, const void *message, size_t bytes,
	       enum vly_publish_type type)
{
	const struct vly_publish_header *header = message;

	return publisher->state != VLY_PUBLISHER_GREETING && bytes >= sizeof(*header) &&
	       header->type == type;
}

static void
take_request(struct vly_publisher *publisher, const struct vly_publish_client_request *request,
	     size_t bytes)
{
	const char *reason = vly_publish_check_request(request, bytes);

	if (reason)
		vly_publish_link_close(&publisher->link, reason);
	else if (publisher->request)
		publisher->request(publisher->request_arg, request);
}

static void
take_connection(struct vly_publisher *publisher, const struct vly_publish_connection *connection,
		size_t bytes, int *fd)
{
	const char *reason = vly_publish_check_connection(connection, bytes);

	if (reason) {
		vly_publish_link_close(&publisher->link, reason);
	} else if (*fd < 0) { /* the kernel has closed it, and the client connects again */
		if (!publisher->is_short_of_files)
			vly_log_warning("a client's connection is lost: no more files may be open "
					"(ulimit -n, LimitNOFILE=)");
		publisher->is_short_of_files = true;
	} else if (publisher->connection) {
		publisher->is_short_of_files = false;
		int taken = *fd;
		*fd = -1;
		publisher->connection(publisher->connection_arg, taken, connection);
	}
}

static void
on_link_message(void *arg, const void *message, size_t bytes, int *fd)
{
	struct vly_publisher *publisher = arg;
	const struct vly_publish_header *header = message;
	const struct vly_publish_result *result = message;
	bool greeting = publisher->state == VLY_PUBLISHER_GREETING;

	if (is_from_client(publisher, message, bytes, VLY_PUBLISH_REQUEST)) {
		take_request(publisher, message, bytes);
		return;
	}
	if (is_from_client(publisher, message, bytes, VLY_PUBLISH_CONNECTION)) {
		take_connection(publisher, message, bytes, fd);
		return;
	}
	bool is_result = bytes >= sizeof(*header) && header->type == VLY_PUBLISH_RESULT;
	const char *reason = greeting && !is_result ? vly_publish_check_hello(message, bytes)
						    : vly_publish_check_result(message, bytes);

	if (reason)
		vly_publish_link_close(&publisher->link, reason);
	else if (greeting && is_result)
		vly_publish_link_close(&publisher->link,
				       result->code == VLY_PUBLISH_BUSY
					       ? "another volley-control is connected"
					       : result->text);
	else if (greeting)
		on_hello(publisher, message, *fd);
	else
		on_result(publisher, result);
}

static const struct vly_publish_link_events link_events = {
	.message = on_link_message,
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
	vly_publish_block_init(&publisher->defence, "the defence");
	vly_publish_block_init(&publisher->steering, "steering");
	publisher->loop = loop;
	publisher->retry_ms = RETRY_FIRST_MS;
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
		settle_next(publisher);
		report(publisher, &held);
	} else if (!up) {
		wait_away(publisher);
	} else if (publisher->state == VLY_PUBLISHER_IDLE) {
		vly_publisher_step(publisher);
	}
}

static void
give_block(struct vly_publisher *publisher, struct vly_publish_block *block, const int *fd,
	   unsigned fd_cnt,
	   void (*done)(void *arg, enum vly_publish_outcome outcome, const char *text), void *arg)
{
	vly_publish_block_set(block, fd, fd_cnt, done, arg);
	if (publisher->state <= VLY_PUBLISHER_GREETING)
		vly_publish_block_disconnect(block);
	else if (publisher->state == VLY_PUBLISHER_IDLE)
		vly_publisher_step(publisher);
}

void
vly_publisher_defend(struct vly_publisher *publisher, int fd,
		     void (*done)(void *arg, enum vly_publish_outcome outcome, const char *text),
		     void *arg)
{
	give_block(publisher, &publisher->defence, &fd, 1, done, arg);
}

void
vly_publisher_steer(struct vly_publisher *publisher, int fd, int slots_fd,
		    void (*done)(void *arg, enum vly_publish_outcome outcome, const char *text),
		    void *arg)
{
	const int fds[] = {fd, slots_fd};

	give_block(publisher, &publisher->steering, fds, 2, done, arg);
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
	status->defended = status->connected && vly_publish_block_is_settled(&publisher->defence);
	status->defence_error = publisher->defence.error;
	status->steer_error = publisher->steering.error;
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
	vly_publish_block_clear(&publisher->defence);
	vly_publish_block_clear(&publisher->steering);
	uv_close((uv_handle_t *)&publisher->retry, on_timer_closed);
	uv_close((uv_handle_t *)&publisher->deadline, on_timer_closed);
	vly_publish_link_free(&publisher->link, on_closed);
}
