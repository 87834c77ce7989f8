/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The publisher with a link and a dataplane of the test's own: requests, answers (good, wrong, late
 * or none), connections, ends and timers come in every order. No socket, and no time passes. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <volley/image.h>

#include "common/log.h"
#include "publish/publisher_parts.h"
#include "random.h"

#define HELD_MAX  4096
#define LISTS_MAX 6

/* What the dataplane is, and what it was asked. */
static struct {
	struct vly_publish_link *link;
	bool listens;
	bool is_open;
	bool greeted;
	uint64_t start_unix_ns;
	uint64_t generation;
	uint64_t held[HELD_MAX];
	unsigned held_cnt;
	unsigned committed_cnt; /* of held[]: these outlive a connection */
	bool asked;
	bool forgot;        /* it lost images, so a commit may name some that it does not have */
	unsigned unfounded; /* commits of images that it was never sent */
} plane;

/* The last request: its answer may come later. */
static union {
	struct vly_publish_header header;
	struct vly_publish_image image;
	struct vly_publish_commit commit;
	uint8_t octets[sizeof(struct vly_publish_commit) + HELD_MAX * 8];
} request;

void
vly_log(enum vly_log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
}

void
vly_publish_link_init(struct vly_publish_link *link, uv_loop_t *loop, const char *path,
		      const struct vly_publish_link_events *events, void *arg)
{
	*link = (struct vly_publish_link){.loop = loop, .path = path, .events = events, .arg = arg};
	plane.link = link;
}

int
vly_publish_link_open(struct vly_publish_link *link, char *reason, size_t reason_bytes)
{
	(void)link;
	snprintf(reason, reason_bytes, "nobody listens");
	cr_assert(!plane.is_open, "opened twice");
	plane.is_open = plane.listens;
	plane.greeted = false;
	return plane.is_open ? 0 : -1;
}

static bool
holds(uint64_t id)
{
	for (unsigned i = 0; i < plane.held_cnt; i++)
		if (plane.held[i] == id)
			return true;
	return false;
}

/* It is answered later. */
void
vly_publish_link_send(struct vly_publish_link *link, const void *message, size_t bytes, int fd)
{
	(void)link;
	if (!plane.is_open)
		return;
	cr_assert(!plane.asked, "a second request before the answer to the first");
	cr_assert_leq(bytes, sizeof(request));
	memcpy(&request, message, bytes);
	plane.asked = true;
	if (request.header.type == VLY_PUBLISH_IMAGE)
		cr_assert_geq(fcntl(fd, F_GETFD), 0, "an image that is closed");
	if (request.header.type != VLY_PUBLISH_COMMIT)
		return;
	for (unsigned i = 0; i < request.commit.image_cnt; i++)
		plane.unfounded += !holds(request.commit.image_id[i]) && !plane.forgot;
	cr_assert_gt(request.commit.generation, plane.generation);
}

static void
hang_up(void)
{
	plane.is_open = false;
	plane.asked = false;
	plane.held_cnt = plane.committed_cnt;
}

void
vly_publish_link_close(struct vly_publish_link *link, const char *reason)
{
	if (!plane.is_open)
		return;
	hang_up();
	link->events->down(link->arg, reason);
}

void
vly_publish_link_free(struct vly_publish_link *link, void (*freed)(void *arg))
{
	plane.is_open = false;
	freed(link->arg);
}

static void
say_hello(void)
{
	struct vly_publish_hello hello = {
		.header = {.type = VLY_PUBLISH_HELLO, .bytes = sizeof(hello)},
		.publish_version = VLY_PUBLISH_VERSION,
		.image_version = VLY_IMAGE_VERSION,
		.start_unix_ns = plane.start_unix_ns,
		.generation = plane.generation,
	};

	plane.greeted = true;
	plane.link->events->message(plane.link->arg, &hello, sizeof(hello), -1);
}

static void
say_result(uint64_t seq, enum vly_publish_code code)
{
	struct vly_publish_result result = {
		.header = {.type = VLY_PUBLISH_RESULT, .bytes = sizeof(result), .seq = seq},
		.code = code,
		.text = "because",
	};

	plane.link->events->message(plane.link->arg, &result, sizeof(result), -1);
}

/* Does what it was asked, as the real one would. */
static enum vly_publish_code
obey(void)
{
	const struct vly_publish_commit *commit = &request.commit;

	if (request.header.type == VLY_PUBLISH_IMAGE) {
		cr_assert_lt(plane.held_cnt, HELD_MAX);
		plane.held[plane.held_cnt++] = request.image.image_id;
	}
	if (request.header.type != VLY_PUBLISH_COMMIT)
		return VLY_PUBLISH_OK;
	for (unsigned i = 0; i < commit->image_cnt; i++)
		if (!holds(commit->image_id[i]))
			return VLY_PUBLISH_UNKNOWN;
	memcpy(plane.held, commit->image_id, commit->image_cnt * sizeof(plane.held[0]));
	plane.held_cnt = plane.committed_cnt = commit->image_cnt;
	plane.generation = commit->generation;
	plane.forgot = false;
	return VLY_PUBLISH_OK;
}

static void
answer(void)
{
	uint64_t seq = request.header.seq;
	enum vly_publish_code code = obey();

	plane.asked = false;
	say_result(seq, code);
}

static void
refuse(enum vly_publish_code code)
{
	plane.asked = false;
	say_result(request.header.seq, code);
}

static void
restart(void)
{
	plane.generation = 0;
	plane.held_cnt = plane.committed_cnt = 0;
	plane.start_unix_ns++;
	vly_publish_link_close(plane.link, "it ended");
}

/* What the test publishes, and what it hears of it. */
static struct {
	uv_loop_t loop;
	struct vly_publisher *publisher;
	struct vly_live_image *image[LISTS_MAX];
	bool publishing;
	bool defending;
	unsigned published_cnt, report_cnt;
	unsigned defended_cnt, defence_report_cnt;
	enum vly_publish_outcome outcome;
	uint64_t asked[LISTS_MAX]; /* ids of the list that is being published */
	unsigned asked_cnt;
	uint64_t wanted[LISTS_MAX]; /* of the last one that was not refused */
	unsigned wanted_cnt;
} self;

static void
on_published(void *arg, const struct vly_publish_report *report)
{
	cr_assert(self.publishing, "a second report");
	self.publishing = false;
	self.report_cnt++;
	self.outcome = report->outcome;
	cr_assert_eq(arg, &self);
	if (report->outcome == VLY_PUBLISH_DENIED)
		return;
	memcpy(self.wanted, self.asked, sizeof(self.wanted));
	self.wanted_cnt = self.asked_cnt;
	if (report->outcome == VLY_PUBLISH_DONE)
		cr_assert_eq(report->generation, plane.generation);
}

static void
on_defended(void *arg, enum vly_publish_outcome outcome, const char *text)
{
	(void)arg;
	(void)outcome;
	(void)text;
	cr_assert(self.defending, "a second report");
	self.defending = false;
	self.defence_report_cnt++;
}

static struct vly_live_image *
new_image(void)
{
	struct vly_live_image *image =
		vly_live_image_new(vly_live_image_next_id(), open("/dev/null", O_RDONLY), 1, 1);

	cr_assert_not_null(image);
	return image;
}

/* A list of `cnt` images, each new or as before. */
static void
publish(unsigned cnt, unsigned fresh, bool hold)
{
	struct vly_image_list *list = vly_image_list_new();

	for (unsigned i = 0; i < cnt; i++) {
		if (fresh & 1u << i || !self.image[i]) {
			vly_live_image_put(self.image[i]);
			self.image[i] = new_image();
		}
		cr_assert_eq(vly_image_list_add(list, self.image[i]), 0);
	}
	vly_image_list_sort(list);
	for (unsigned i = 0; i < cnt; i++)
		self.asked[i] = list->image[i]->id;
	self.asked_cnt = cnt;
	self.publishing = true;
	self.published_cnt++;
	vly_publisher_publish(self.publisher, list, hold, on_published, &self);
}

static void
defend(void)
{
	self.defending = true;
	self.defended_cnt++;
	vly_publisher_defend(self.publisher, open("/dev/null", O_RDONLY), on_defended, &self);
}

/* As if its time had come. */
static void
fire(uv_timer_t *timer)
{
	if (!uv_is_active((uv_handle_t *)timer))
		return;
	uv_timer_stop(timer);
	timer->timer_cb(timer);
}

static void
set_up(void)
{
	memset(&plane, 0, sizeof(plane));
	memset(&self, 0, sizeof(self));
	plane.start_unix_ns = 1;
	cr_assert_eq(uv_loop_init(&self.loop), 0);
	self.publisher = vly_publisher_new(&self.loop, "nowhere");
	cr_assert_not_null(self.publisher);
}

static void
tear_down(void)
{
	for (unsigned i = 0; i < LISTS_MAX; i++)
		vly_live_image_put(self.image[i]);
	vly_publisher_free(self.publisher);
	uv_run(&self.loop, UV_RUN_DEFAULT);
	cr_expect_eq(uv_loop_close(&self.loop), 0);
}

TestSuite(publisher, .init = set_up, .fini = tear_down);

static void
connect_it(void)
{
	plane.listens = true;
	fire(&self.publisher->retry);
	if (plane.is_open && !plane.greeted)
		say_hello();
}

/* All is answered well until nothing is asked any more. */
static void
settle(void)
{
	for (unsigned i = 0; plane.asked; i++) {
		cr_assert_lt(i, 1000, "it goes on asking");
		answer();
	}
}

static void
expect_table(void)
{
	cr_assert_eq(plane.committed_cnt, self.wanted_cnt);
	cr_assert_arr_eq(plane.held, self.wanted, self.wanted_cnt * sizeof(self.wanted[0]));
}

Test(publisher, publishes_and_says_so)
{
	connect_it();
	publish(3, 7, false);
	settle();
	cr_expect_eq(self.outcome, VLY_PUBLISH_DONE);
	expect_table();
	publish(3, 2, false);
	settle();
	expect_table();
	cr_expect_eq(self.report_cnt, 2);
}

/* What the dataplane had to commit is replaced before it says that it has. */
Test(publisher, a_list_is_replaced_while_its_commit_is_under_way)
{
	plane.generation = 5;
	publish(2, 3, false);
	fire(&self.publisher->deadline);
	cr_assert_eq(self.outcome, VLY_PUBLISH_ABSENT);
	connect_it();
	answer();
	answer();
	cr_assert(plane.asked);
	cr_assert_eq(request.header.type, VLY_PUBLISH_COMMIT);
	publish(1, 1, true);
	cr_assert_eq(self.outcome, VLY_PUBLISH_HELD);
	settle();
	publish(2, 0, false);
	settle();
	cr_expect_eq(self.outcome, VLY_PUBLISH_DONE);
	expect_table();
}

Test(publisher, wrong_answers_end_the_connection)
{
	connect_it();
	say_result(0, VLY_PUBLISH_OK);
	cr_expect(!plane.is_open, "nobody asked");
	connect_it();
	publish(1, 1, false);
	say_result(request.header.seq + 1, VLY_PUBLISH_OK);
	cr_expect(!plane.is_open, "another number");
	connect_it();
	say_hello();
	cr_expect(!plane.is_open, "HELLO twice");
	connect_it();
	plane.link->events->message(plane.link->arg, &request, 3, -1);
	cr_expect(!plane.is_open, "no message");
	cr_expect(self.publishing);
	connect_it();
	settle();
	cr_expect_eq(self.outcome, VLY_PUBLISH_DONE);
	expect_table();
}

Test(publisher, an_answer_that_does_not_come)
{
	connect_it();
	publish(1, 1, false);
	fire(&self.publisher->deadline);
	cr_expect(!plane.is_open);
	cr_expect(self.publishing, "it waits for the dataplane to return");
	fire(&self.publisher->deadline);
	cr_expect_eq(self.outcome, VLY_PUBLISH_ABSENT);
	connect_it();
	settle();
	expect_table();
	cr_expect_eq(self.report_cnt, 1);
}

static void
act(struct vly_test_random *random)
{
	switch (vly_test_random_below(random, 16)) {
	case 0:
		if (!self.publishing)
			publish(vly_test_random_below(random, LISTS_MAX + 1),
				vly_test_random_below(random, 1 << LISTS_MAX),
				vly_test_random_chance(random, 20));
		break;
	case 1:
		if (!self.defending)
			defend();
		break;
	case 2:
		plane.listens = !plane.listens;
		break;
	case 3:
		fire(&self.publisher->retry);
		break;
	case 4:
		fire(&self.publisher->deadline);
		break;
	case 5:
		vly_publish_link_close(plane.link, "lost");
		break;
	case 6:
		if (vly_test_random_chance(random, 20))
			restart();
		break;
	case 7:
		if (plane.asked)
			refuse(VLY_PUBLISH_REFUSED);
		break;
	case 8: /* it has lost images that are not live */
		if (plane.is_open && !plane.asked && vly_test_random_chance(random, 20)) {
			plane.held_cnt = plane.committed_cnt;
			plane.forgot = true;
		}
		break;
	case 9:
		if (plane.is_open && vly_test_random_chance(random, 30))
			say_result(vly_test_random_below(random, 100) + 1000000, VLY_PUBLISH_OK);
		break;
	case 10:
		plane.link->events->appears(plane.link->arg);
		break;
	case 11:
	case 12:
		if (plane.is_open && !plane.greeted)
			say_hello();
		break;
	default:
		if (plane.asked)
			answer();
	}
}

/* From wherever it is: with a dataplane that works, the newest list that was accepted is live. */
static void
expect_convergence(void)
{
	bool was_held = self.publisher->held_back;

	vly_publish_link_close(plane.link, "for the last time");
	connect_it();
	settle();
	cr_assert(plane.is_open);
	cr_assert(!self.defending);
	cr_assert(!self.publishing);
	if (!was_held && !self.publisher->held_back && self.report_cnt > 0 && self.wanted_cnt > 0)
		expect_table();
	publish(LISTS_MAX, vly_test_random_below(&(struct vly_test_random){self.published_cnt}, 64),
		false);
	settle();
	cr_assert_eq(self.outcome, VLY_PUBLISH_DONE);
	expect_table();
	cr_assert_eq(plane.unfounded, 0, "a commit of images that were not sent");
	cr_assert_eq(self.report_cnt, self.published_cnt);
	cr_assert_eq(self.defence_report_cnt, self.defended_cnt);
}

Test(publisher, in_every_order)
{
	struct vly_test_random random = {(uint64_t)time(NULL)};
	const char *seed = getenv("VOLLEY_SEED");

	if (seed)
		random.state = strtoull(seed, NULL, 10);
	fprintf(stderr, "VOLLEY_SEED=%llu\n", (unsigned long long)random.state);
	for (unsigned trial = 0; trial < 2000; trial++) {
		unsigned steps = vly_test_random_below(&random, 100);
		for (unsigned i = 0; i < steps; i++)
			act(&random);
		expect_convergence();
		if (trial % 10 == 9) {
			tear_down();
			set_up();
		}
	}
}
