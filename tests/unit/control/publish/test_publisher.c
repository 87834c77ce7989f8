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
	unsigned asked;         /* requests that are not answered */
	bool forgot;        /* it lost images, so a commit may name some that it does not have */
	unsigned unfounded; /* commits of images that it was never sent */
} plane;

/* A commit may follow an image that is not answered. */
#define ASKED_MAX 2

union asked {
	struct vly_publish_header header;
	struct vly_publish_image image;
	struct vly_publish_commit commit;
	uint8_t octets[sizeof(struct vly_publish_commit) + HELD_MAX * 8];
};

/* The first of them is answered next: its answer may come later. */
static union asked asked[ASKED_MAX];
#define request asked[0]

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
vly_publish_link_send(struct vly_publish_link *link, const void *message, size_t bytes,
		      const int *fd, unsigned fd_cnt)
{
	(void)link;
	if (!plane.is_open)
		return;
	const struct vly_publish_header *header = message;
	const bool is_commit = header->type == VLY_PUBLISH_COMMIT;
	cr_assert(plane.asked == 0 || (plane.asked == 1 && is_commit &&
				       request.header.type == VLY_PUBLISH_IMAGE),
		  "a second request before the answer to the first");
	union asked *to = &asked[plane.asked++];
	cr_assert_leq(bytes, sizeof(*to));
	memcpy(to, message, bytes);
	for (unsigned i = 0; i < fd_cnt; i++)
		cr_assert_geq(fcntl(fd[i], F_GETFD), 0, "a descriptor that is closed");
	cr_assert_eq(fd_cnt, header->type == VLY_PUBLISH_STEER    ? 2
			     : header->type == VLY_PUBLISH_COMMIT ? 0
								  : 1);
	if (!is_commit)
		return;
	for (unsigned i = 0; i < to->commit.removed_cnt + to->commit.added_cnt; i++)
		plane.unfounded +=
			!holds(to->commit.image_id[i]) && !plane.forgot &&
			!(plane.asked == 2 && to->commit.image_id[i] == request.image.image_id);
	cr_assert_gt(to->commit.generation, plane.generation);
}

static struct {
	struct vly_publish_header header;
	uint8_t message[24];
	size_t bytes;
} offered;

void
vly_publish_link_offer(struct vly_publish_link *link, const void *message, size_t bytes)
{
	(void)link;
	cr_assert_leq(bytes, sizeof(offered.header) + sizeof(offered.message));
	memcpy(&offered, message, bytes);
	offered.bytes = bytes;
}

static void
hang_up(void)
{
	plane.is_open = false;
	plane.asked = 0;
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
	plane.link->events->message(plane.link->arg, &hello, sizeof(hello), &(int){-1});
}

static void
say_result(uint64_t seq, enum vly_publish_code code)
{
	struct vly_publish_result result = {
		.header = {.type = VLY_PUBLISH_RESULT, .bytes = sizeof(result), .seq = seq},
		.code = code,
		.text = "because",
	};

	plane.link->events->message(plane.link->arg, &result, sizeof(result), &(int){-1});
}

static bool
is_listed(const uint64_t *ids, unsigned cnt, uint64_t id)
{
	for (unsigned i = 0; i < cnt; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static int
newest_first(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left < right) - (left > right);
}

/* Makes the change, unless it names images that are not here, or not in the table. */
static enum vly_publish_code
change(const struct vly_publish_commit *commit)
{
	const uint64_t *added = commit->image_id + commit->removed_cnt;
	unsigned cnt = 0;

	cr_assert_eq(commit->flags, 0, "more ids than fit into one message");
	for (unsigned i = 0; i < commit->removed_cnt; i++)
		if (!is_listed(plane.held, plane.committed_cnt, commit->image_id[i]))
			return VLY_PUBLISH_UNKNOWN;
	for (unsigned i = 0; i < commit->added_cnt; i++)
		if (!holds(added[i]))
			return VLY_PUBLISH_UNKNOWN;
	for (unsigned i = 0; i < plane.committed_cnt && commit->since != 0; i++)
		if (!is_listed(commit->image_id, commit->removed_cnt, plane.held[i]))
			plane.held[cnt++] = plane.held[i];
	for (unsigned i = 0; i < commit->added_cnt; i++) {
		cr_assert(!is_listed(plane.held, cnt, added[i]), "an image is listed twice");
		plane.held[cnt++] = added[i];
	}
	qsort(plane.held, cnt, sizeof(plane.held[0]), newest_first);
	plane.held_cnt = plane.committed_cnt = cnt;
	plane.generation = commit->generation;
	plane.forgot = false;
	return VLY_PUBLISH_OK;
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
	if (commit->since != 0 && commit->since != plane.generation)
		return VLY_PUBLISH_STALE;
	return change(commit);
}

/* The next one is the first one now. Returns the seq of the one that was. */
static uint64_t
take_request(void)
{
	uint64_t seq = request.header.seq;

	plane.asked--;
	asked[0] = asked[1];
	return seq;
}

static void
answer(void)
{
	enum vly_publish_code code = obey();

	say_result(take_request(), code);
}

static void
refuse(enum vly_publish_code code)
{
	say_result(take_request(), code);
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

/* The commit that came with a refused image changes nothing, and the reason is that of the image. */
Test(publisher, an_image_is_refused_whose_commit_is_under_way)
{
	connect_it();
	publish(2, 3, false);
	settle();
	publish(2, 2, false);
	cr_assert_eq(plane.asked, 2);
	cr_assert_eq(asked[1].header.type, VLY_PUBLISH_COMMIT);
	refuse(VLY_PUBLISH_REFUSED);
	cr_assert(self.publishing, "the commit is not answered yet");
	answer();
	cr_expect_eq(self.outcome, VLY_PUBLISH_DENIED);
	cr_expect_eq(plane.asked, 0);
	expect_table();
	publish(2, 2, false);
	settle();
	cr_expect_eq(self.outcome, VLY_PUBLISH_DONE);
	expect_table();
}

/* The dataplane gets all parts of the commit, so that it does not wait for the rest. */
Test(publisher, an_image_is_refused_whose_commit_is_in_parts)
{
	struct vly_image_list *list = vly_image_list_new();

	connect_it();
	for (unsigned i = 0; i <= VLY_PUBLISH_IDS_MAX; i++) {
		int fd = i == VLY_PUBLISH_IDS_MAX ? open("/dev/null", O_RDONLY) : -1;
		struct vly_live_image *image =
			vly_live_image_new(vly_live_image_next_id(), fd, 1, 1);
		cr_assert_not_null(image);
		cr_assert_eq(vly_image_list_add(list, image), 0);
		if (fd < 0)
			cr_assert_eq(vly_held_images_add(&self.publisher->held, image->id), 0);
		vly_live_image_put(image);
	}
	vly_image_list_sort(list);
	self.publishing = true;
	vly_publisher_publish(self.publisher, list, false, on_published, &self);
	cr_assert_eq(plane.asked, 2);
	cr_assert_eq(asked[1].commit.flags, VLY_COMMIT_MORE);
	refuse(VLY_PUBLISH_REFUSED);
	say_result(take_request(), VLY_PUBLISH_OK);
	cr_assert(self.publishing, "the last part is not answered yet");
	cr_assert_eq(plane.asked, 1);
	cr_expect_eq(request.header.type, VLY_PUBLISH_COMMIT);
	cr_expect_eq(request.commit.flags, 0);
	cr_expect_eq(request.commit.added_cnt, 1);
	refuse(VLY_PUBLISH_UNKNOWN);
	cr_expect_eq(self.outcome, VLY_PUBLISH_DENIED);
	cr_expect_eq(plane.asked, 0);
}

/* A commit that was carried out counts, whatever became of the image before it. */
Test(publisher, an_image_is_refused_but_its_commit_is_carried_out)
{
	connect_it();
	publish(2, 3, false);
	settle();
	publish(2, 2, false);
	cr_assert_eq(plane.asked, 2);
	plane.held[plane.held_cnt++] = request.image.image_id;
	refuse(VLY_PUBLISH_REFUSED);
	answer();
	cr_expect_eq(self.outcome, VLY_PUBLISH_DONE);
	expect_table();
	publish(2, 0, false);
	refuse(VLY_PUBLISH_STALE);
	settle();
	cr_expect_eq(self.outcome, VLY_PUBLISH_DONE, "the refusal is forgotten");
	expect_table();
}

/* Its answer must come before that of the commit. */
Test(publisher, the_answer_to_an_image_is_left_out)
{
	connect_it();
	publish(1, 1, false);
	cr_assert_eq(plane.asked, 2);
	say_result(asked[1].header.seq, VLY_PUBLISH_OK);
	cr_expect(!plane.is_open);
	connect_it();
	settle();
	expect_table();
}

static const uint8_t response[12];
static uint64_t commit_seqs[4];

static void
on_commit(void *arg, uint64_t seq)
{
	unsigned *cnt = arg;

	commit_seqs[(*cnt)++ % 4] = seq;
	vly_publisher_respond_after(self.publisher, seq, 77, response, 12);
}

/* Responses can follow the commit at once; if it is sent again, they do so again. */
Test(publisher, a_commit_that_responses_follow)
{
	const struct vly_publish_response_after *after = (void *)&offered;
	unsigned cnt = 0;

	connect_it();
	vly_publisher_on_commit(self.publisher, on_commit, &cnt);
	publish(1, 1, false);
	cr_assert_eq(cnt, 1);
	cr_expect_eq(commit_seqs[0], asked[1].header.seq);
	cr_expect_eq(after->header.type, VLY_PUBLISH_RESPONSE_AFTER);
	cr_expect_eq(after->header.seq, 77);
	cr_expect_eq(after->commit_seq, commit_seqs[0]);
	cr_expect_eq(offered.bytes, sizeof(*after) + 12);
	answer();
	refuse(VLY_PUBLISH_STALE);
	cr_assert_eq(cnt, 2);
	cr_expect_eq(commit_seqs[1], request.header.seq);
	settle();
	cr_expect_eq(self.outcome, VLY_PUBLISH_DONE);
	restart();
	connect_it();
	settle();
	cr_expect_eq(cnt, 2, "nobody waits for a list that is sent after a restart");
	expect_table();
}

static uint64_t from_client[16];

static void
on_request(void *arg, const struct vly_publish_client_request *got)
{
	*(unsigned *)arg += 1;
	cr_expect_eq(got->message_bytes, 12);
	vly_publisher_respond(self.publisher, got->header.seq, got->message, 12);
}

static void
say_request(size_t bytes)
{
	struct vly_publish_client_request *head = (void *)from_client;

	head->message_bytes = 12;
	head->message[0] = 9;
	head->header = (struct vly_publish_header){
		.type = VLY_PUBLISH_REQUEST, .bytes = (uint32_t)bytes, .seq = 77};
	plane.link->events->message(plane.link->arg, from_client, bytes, &(int){-1});
}

/* Also while an answer is awaited, and without disturbing it. */
Test(publisher, requests_of_clients_at_any_time)
{
	unsigned cnt = 0;

	connect_it();
	vly_publisher_on_request(self.publisher, on_request, &cnt);
	publish(1, 1, false);
	say_request(sizeof(struct vly_publish_client_request) + 12);
	cr_expect_eq(cnt, 1);
	cr_expect_eq(offered.header.type, VLY_PUBLISH_RESPONSE);
	cr_expect_eq(offered.header.seq, 77);
	cr_expect_eq(offered.bytes, sizeof(offered.header) + 12);
	cr_expect_eq(offered.message[0], 9);
	settle();
	cr_expect_eq(self.outcome, VLY_PUBLISH_DONE);
	say_request(sizeof(struct vly_publish_client_request) + 11);
	cr_expect(!plane.is_open, "a wrong size");
}

static void
on_connection(void *arg, int socket, const struct vly_publish_connection *got)
{
	*(int *)arg = socket;
	cr_expect_eq(got->octet_bytes, 14);
	cr_expect_eq(got->octets[1], 12);
}

static int
say_connection(uint32_t flags, uint32_t octet_bytes, uint8_t message_bytes, int fd)
{
	struct vly_publish_connection *head = (void *)from_client;
	const size_t bytes = sizeof(*head) + octet_bytes;

	memset(from_client, 0, sizeof(from_client));
	*head = (struct vly_publish_connection){
		.header = {.type = VLY_PUBLISH_CONNECTION, .bytes = (uint32_t)bytes},
		.flags = flags,
		.octet_bytes = octet_bytes,
	};
	if (octet_bytes > 1)
		head->octets[1] = message_bytes;
	plane.link->events->message(plane.link->arg, from_client, bytes, &fd);
	return fd;
}

/* The socket is the function's own, if there is one; otherwise the link closes it. */
Test(publisher, connections_of_clients_at_any_time)
{
	int taken = -1;

	connect_it();
	cr_expect_eq(say_connection(0, 14, 12, 9), 9, "nobody takes it");
	vly_publisher_on_connection(self.publisher, on_connection, &taken);
	publish(1, 1, false);
	cr_expect_eq(say_connection(0, 14, 12, 9), -1);
	cr_expect_eq(taken, 9);
	cr_expect_eq(say_connection(0, 14, 12, -1), -1, "the socket is lost, and nothing else");
	cr_expect(plane.is_open);
	settle();
	cr_expect_eq(self.outcome, VLY_PUBLISH_DONE);
}

Test(publisher, wrong_connections_end_the_connection)
{
	static const struct {
		uint32_t flags, octet_bytes;
		uint8_t message_bytes;
		int fd;
	} wrong[] = {
		{2, 14, 12, 9}, /* an unknown flag */
		{VLY_CONNECTION_TLS, 14, 12, 9},
		{0, 0, 0, 9},
		{0, 14, 13, 9}, /* a message that is not whole */
		{0, 14, 11, 9}, /* no header */
	};
	int taken = -1;

	vly_publisher_on_connection(self.publisher, on_connection, &taken);
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		connect_it();
		cr_expect_eq(say_connection(wrong[i].flags, wrong[i].octet_bytes,
					    wrong[i].message_bytes, wrong[i].fd),
			     wrong[i].fd);
		cr_expect(!plane.is_open, "%u", i);
	}
	cr_expect_eq(taken, -1);
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
	plane.link->events->message(plane.link->arg, &request, 3, &(int){-1});
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
