/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <string.h>

#include "common/log.h"
#include "common/plural.h"
#include "counters_map.h"
#include "publish_message.h"
#include "publisher_parts.h"

static void
on_denied(struct vly_publisher *publisher, const char *text)
{
	char reason[VLY_PUBLISH_TEXT_BYTES + 40];
	struct vly_publish_report denied = {.outcome = VLY_PUBLISH_DENIED, .text = reason};

	snprintf(reason, sizeof(reason), "the dataplane refused the zones: %s", text);
	vly_publisher_set_error(publisher, VLY_LOG_ERROR, reason);
	if (publisher->asked != publisher->next) {
		publisher->deaf = !publisher->next;
		vly_publisher_step(publisher);
		return;
	}
	vly_image_list_free(publisher->next);
	publisher->next = NULL;
	vly_publisher_step(publisher);
	vly_publisher_report(publisher, &denied);
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
		vly_publisher_settle_next(publisher);
	/* if the list was replaced meanwhile, the dataplane does not have the right one yet */
	vly_publisher_hold(&publisher->committed, list == publisher->settled ? list : NULL);
	vly_publisher_set_error(publisher, VLY_LOG_INFO, "");
	vly_log(level, "dataplane: serves %" PRIu32 " zone%s, generation %" PRIu64, done.zone_cnt,
		vly_plural(done.zone_cnt), done.generation);
	vly_publisher_step(publisher);
	if (published)
		vly_publisher_report(publisher, &done);
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
		vly_publish_defence_result(&publisher->defence, result);
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
	publisher->retry_ms = VLY_PUBLISHER_RETRY_FIRST_MS;
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
	vly_publish_defence_connect(&publisher->defence);
	publisher->held_back = publisher->held_back && hello->generation > 0;
	vly_publisher_set_error(publisher, VLY_LOG_INFO, "");
	vly_log_info("dataplane: connected, pid %" PRIu32 ", %" PRIu32
		     " lcore%s, generation %" PRIu64,
		     hello->pid, hello->lcore_cnt, vly_plural(hello->lcore_cnt), hello->generation);
	bool held = publisher->held_back && publisher->next;
	if (held)
		vly_publisher_settle_next(publisher);
	vly_publisher_step(publisher);
	if (held)
		vly_publisher_report(publisher,
				     &(struct vly_publish_report){.outcome = VLY_PUBLISH_HELD});
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

void
vly_publisher_take(void *arg, const void *message, size_t bytes, int *fd)
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
