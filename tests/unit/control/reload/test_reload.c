/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reloader with real files and threads, but a publisher and a defender that answer when and
 * what the test likes, in every order. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "random.h"
#include "reload/reload.h"

#define ZONE_CNT    3 /* a., b., c.; c. is not always in the configuration */
#define REQUEST_MAX 400

static struct {
	struct vly_image_list *list;
	void (*done)(void *arg, const struct vly_publish_report *report);
	void *arg;
	bool held_back;
	uint64_t generation;
	uint32_t last_cnt; /* images of the list before */
} publisher;

static struct {
	struct vly_config_defence *config;
	void (*done)(void *arg, const struct vly_defender_report *report);
	void *arg;
} defender;

void
vly_log(enum vly_log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
}

void
vly_publisher_publish(struct vly_publisher *self, struct vly_image_list *list, bool hold,
		      void (*done)(void *arg, const struct vly_publish_report *report), void *arg)
{
	(void)self;
	(void)hold;
	cr_assert_null(publisher.done, "two publications at once");
	for (uint32_t i = 0; i < list->cnt; i++)
		cr_assert_geq(fcntl(list->image[i]->fd, F_GETFD), 0, "an image that is closed");
	publisher.list = list;
	publisher.done = done;
	publisher.arg = arg;
}

void
vly_publisher_status(const struct vly_publisher *self, struct vly_publisher_status *status)
{
	(void)self;
	memset(status, 0, sizeof(*status));
	status->held_back = publisher.held_back;
}

bool
vly_publisher_is_holding(const struct vly_publisher *self)
{
	(void)self;
	return publisher.held_back;
}

void
vly_publisher_on_commit(struct vly_publisher *self, void (*commit)(void *arg, uint64_t seq),
			void *arg)
{
	(void)self;
	(void)commit;
	(void)arg;
}

void
vly_defender_configure(struct vly_defender *self, struct vly_config_defence *config,
		       void (*done)(void *arg, const struct vly_defender_report *report), void *arg)
{
	(void)self;
	cr_assert_null(defender.done, "two defences at once");
	defender.config = config;
	defender.done = done;
	defender.arg = arg;
}

static void
answer_publication(enum vly_publish_outcome outcome)
{
	void (*done)(void *arg, const struct vly_publish_report *report) = publisher.done;
	struct vly_publish_report report = {.outcome = outcome, .text = "it does not like it"};

	if (!done)
		return;
	publisher.done = NULL;
	if (outcome == VLY_PUBLISH_DONE)
		report.generation = ++publisher.generation;
	vly_image_list_free(publisher.list);
	publisher.list = NULL;
	done(publisher.arg, &report);
}

static void
answer_defence(enum vly_defender_code code)
{
	void (*done)(void *arg, const struct vly_defender_report *report) = defender.done;
	struct vly_defender_report report = {.code = code, .text = "it does not like that"};

	if (!done)
		return;
	defender.done = NULL;
	vly_config_defence_free(defender.config);
	done(defender.arg, &report);
}

static char directory[] = "/tmp/volley-reload-XXXXXX";
static char config_path[100];
static uv_loop_t loop;
static struct vly_publish_turns *turns;
static struct vly_living *living;
static struct vly_reloader *reloader;
static unsigned serial[ZONE_CNT];
static bool is_broken[ZONE_CNT];

struct request {
	unsigned zone; /* ZONE_CNT: everything */
	unsigned serial;
	bool may_fail; /* its file was broken then */
	bool returned;
	unsigned answers;
	enum vly_reload_code code;
};

static struct request requests[REQUEST_MAX];
static unsigned request_cnt;

static void
write_zone(unsigned zone)
{
	char path[120];

	snprintf(path, sizeof(path), "%s/%c", directory, 'a' + (int)zone);
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file);
	serial[zone]++;
	fprintf(file, "$TTL 60\n@ SOA ns h %u 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n%s", serial[zone],
		is_broken[zone] ? "nonsense\n" : "");
	fclose(file);
}

static void
write_config(unsigned zone_cnt, const char *more)
{
	FILE *file = fopen(config_path, "w");

	cr_assert_not_null(file);
	fprintf(file, "control: {state-dir: %s/state}\n%szones:\n", directory, more);
	for (unsigned i = 0; i < zone_cnt; i++)
		fprintf(file, "- {name: %c, file: %c}\n", 'a' + (int)i, 'a' + (int)i);
	fclose(file);
}

static void
on_done(void *arg, const struct vly_reload_report *report)
{
	struct request *request = arg;

	cr_assert(request->returned, "answered before it was asked");
	cr_assert_eq(request->answers++, 0, "answered twice");
	request->code = report->code;
	cr_assert_eq(report->code == VLY_RELOAD_OK, report->text[0] == '\0');
	if (report->code != VLY_RELOAD_OK || request->zone == ZONE_CNT)
		return;
	cr_assert_eq(report->zone_cnt, 1);
	cr_assert_eq(report->zones[0]->name[0], (char)('a' + request->zone), "another zone");
	cr_assert_geq(report->zones[0]->info.serial, request->serial, "an older file");
}

static void
ask(unsigned zone)
{
	char name[3] = {(char)('a' + zone), '.'};
	char *names[] = {name};
	struct request *request = &requests[request_cnt++];

	*request = (struct request){.zone = zone, .serial = zone < ZONE_CNT ? serial[zone] : 0};
	cr_assert_not_null(
		vly_reloader_request(reloader, names, zone < ZONE_CNT, on_done, request));
	request->returned = true;
	cr_assert_leq(vly_reloader_pending(reloader), 2 * ZONE_CNT + 3, "they are not joined");
}

static void
drain(void)
{
	while (vly_reloader_pending(reloader) > 0) {
		answer_publication(VLY_PUBLISH_DONE);
		answer_defence(VLY_DEFENDER_OK);
		uv_run(&loop,
		       vly_reloader_pending(reloader) > 0 && !publisher.done && !defender.done
			       ? UV_RUN_ONCE
			       : UV_RUN_NOWAIT);
	}
}

static void
set_up(void)
{
	struct vly_config_errors errors;
	struct vly_hash_key key = {{1, 2, 3, 4}};
	char state[120];
	char reason[VLY_REASON_BYTES];

	cr_assert_not_null(mkdtemp(directory));
	snprintf(config_path, sizeof(config_path), "%s/volley.yaml", directory);
	snprintf(state, sizeof(state), "%s/state", directory);
	cr_assert_eq(mkdir(state, 0700), 0);
	for (unsigned i = 0; i < ZONE_CNT; i++)
		write_zone(i);
	write_config(ZONE_CNT, "");
	cr_assert_eq(uv_loop_init(&loop), 0);
	struct vly_config *config = vly_config_load(config_path, &errors);
	cr_assert_not_null(config, "%s", errors.cnt ? errors.text[0] : "");
	turns = vly_publish_turns_new((struct vly_publisher *)&publisher);
	cr_assert_not_null(turns);
	living = vly_living_new(&loop, state, &key, turns, reason, sizeof(reason));
	cr_assert_not_null(living, "%s", reason);
	reloader = vly_reloader_new(&loop, config_path, config, &key, true,
				    (struct vly_publisher *)&publisher, turns,
				    (struct vly_defender *)&defender, living);
	cr_assert_not_null(reloader);
	ask(ZONE_CNT);
}

static void
tear_down(void)
{
	char command[100];

	drain();
	while (vly_reloader_is_storing(reloader))
		uv_run(&loop, UV_RUN_ONCE);
	vly_reloader_free(reloader);
	vly_living_free(living);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_expect_eq(uv_loop_close(&loop), 0);
	vly_publish_turns_free(turns);
	for (unsigned i = 0; i < request_cnt; i++)
		cr_expect_eq(requests[i].answers, 1, "request %u", i);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	cr_expect_eq(system(command), 0);
}

TestSuite(reload, .init = set_up, .fini = tear_down);

/* Until the first publication. */
static void
wait_for_publication(void)
{
	while (!publisher.done)
		uv_run(&loop, UV_RUN_ONCE);
}

Test(reload, who_joins_hears_of_what_it_asked_for)
{
	drain();
	ask(1);
	wait_for_publication();
	is_broken[0] = true;
	write_zone(0);
	write_zone(1);
	unsigned first = request_cnt;
	ask(ZONE_CNT);
	ask(0);
	ask(1);
	ask(ZONE_CNT);
	cr_expect_eq(vly_reloader_pending(reloader), 2);
	drain();
	cr_expect_eq(requests[first].code, VLY_RELOAD_FAILED);
	cr_expect_eq(requests[first + 1].code, VLY_RELOAD_FAILED);
	cr_expect_eq(requests[first + 2].code, VLY_RELOAD_OK, "the other zone is broken");
	cr_expect_eq(requests[first + 3].code, VLY_RELOAD_FAILED);
}

Test(reload, a_zone_does_not_need_the_configuration)
{
	drain();
	ask(1);
	wait_for_publication();
	write_config(ZONE_CNT, "surprise: 1\n");
	write_zone(0);
	unsigned first = request_cnt;
	ask(ZONE_CNT);
	ask(0);
	drain();
	cr_expect_eq(requests[first].code, VLY_RELOAD_FAILED);
	cr_expect_eq(requests[first + 1].code, VLY_RELOAD_OK);
}

Test(reload, the_defence_is_not_a_zone)
{
	drain();
	ask(1);
	wait_for_publication();
	write_config(ZONE_CNT, "# not as it was: else its defence is left alone\n");
	unsigned first = request_cnt;
	ask(ZONE_CNT);
	ask(0);
	while (!defender.done) {
		answer_publication(VLY_PUBLISH_DONE);
		if (!defender.done)
			uv_run(&loop, UV_RUN_ONCE);
	}
	answer_defence(VLY_DEFENDER_FAILED);
	cr_expect_eq(requests[first].code, VLY_RELOAD_FAILED);
	cr_expect_eq(requests[first + 1].code, VLY_RELOAD_OK);
}

static void
act(struct vly_test_random *random)
{
	unsigned zone = vly_test_random_below(random, ZONE_CNT);

	switch (vly_test_random_below(random, 12)) {
	case 0:
		ask(ZONE_CNT);
		break;
	case 1:
	case 2:
		ask(zone);
		break;
	case 3:
		is_broken[zone] = vly_test_random_chance(random, 30);
		write_zone(zone);
		break;
	case 4:
		write_config(ZONE_CNT - vly_test_random_chance(random, 30),
			     vly_test_random_chance(random, 20) ? "surprise: 1\n" : "");
		break;
	case 5:
		publisher.held_back = vly_test_random_chance(random, 20);
		break;
	case 6:
		answer_publication(VLY_PUBLISH_DONE);
		break;
	case 7:
		answer_publication((enum vly_publish_outcome)vly_test_random_below(random, 4));
		break;
	case 8:
		answer_defence((enum vly_defender_code)vly_test_random_below(random, 4));
		break;
	default:
		uv_run(&loop, UV_RUN_NOWAIT);
	}
}

/* From wherever it is: with good files all is loaded, in its newest version. */
static void
expect_convergence(void)
{
	drain();
	for (unsigned i = 0; i < ZONE_CNT; i++) {
		is_broken[i] = false;
		write_zone(i);
	}
	write_config(ZONE_CNT, "");
	ask(ZONE_CNT);
	drain();
	cr_assert_eq(requests[request_cnt - 1].code, VLY_RELOAD_OK);
	for (unsigned i = 0; i < ZONE_CNT; i++) {
		char name[3] = {(char)('a' + i), '.'};
		const struct vly_served_zone *zone =
			vly_served_zones_find(vly_reloader_served(reloader), name);
		cr_assert_not_null(zone);
		cr_assert_null(zone->error);
		cr_assert_eq(zone->info.serial, serial[i]);
	}
	for (unsigned i = 0; i < request_cnt; i++)
		cr_assert_eq(requests[i].answers, 1, "request %u", i);
	request_cnt = 0;
}

Test(reload, in_every_order, .timeout = 120)
{
	struct vly_test_random random = {(uint64_t)time(NULL)};
	const char *seed = getenv("VOLLEY_SEED");

	if (seed)
		random.state = strtoull(seed, NULL, 10);
	fprintf(stderr, "VOLLEY_SEED=%llu\n", (unsigned long long)random.state);
	for (unsigned trial = 0; trial < 40; trial++) {
		unsigned steps = vly_test_random_below(&random, REQUEST_MAX - 2);
		for (unsigned i = 0; i < steps; i++)
			act(&random);
		expect_convergence();
	}
}
