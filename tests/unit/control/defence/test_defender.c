/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The defender with a disk, a thread and a dataplane that are played by the test: what they do
 * comes in every order, and some of it fails. The definitions below take the places of the
 * library's.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/side_work.h"
#include "common/log.h"
#include "config/cookie_secrets.h"
#include "defence/defence_store.h"
#include "defence/defender.h"
#include "lib/random.h"

#define SEEDS        2000
#define STEPS        80
#define REQUESTS_MAX 100
#define SETTING      VLY_DEFENCE_response_slip

enum asked {
	CHANGED, /* a value is set to the request's number */
	CHANGE_FAILS,
	EXPIRING, /* the same, and its time is over at once */
	ROLLED,
	CONFIGURED,
};

struct request {
	enum asked asked;
	unsigned number;
	unsigned called_cnt;
	unsigned report_cnt;
	bool is_forgotten;
	bool was_begun;
};

/* What a block is made of. */
struct content {
	unsigned value;
	uint8_t secret;
	const void *config;
	uint64_t generation;
};

static struct world {
	uint64_t seed;
	struct vly_test_random random;
	uv_loop_t loop;
	struct vly_defender *defender;
	struct request request[REQUESTS_MAX];
	unsigned request_cnt;
	unsigned config_cnt; /* that are not freed */
	bool may_fail;
	bool at_start;
	bool in_thread;

	/* the disk */
	unsigned disk_value;
	uint8_t disk_secret;
	bool is_stale;  /* the last write failed */
	bool is_unread; /* the state could not be read at the start */

	/* the thread */
	struct vly_side_work *side;
	bool has_worked;

	/* the dataplane */
	bool is_absent;
	bool has_block;
	struct content block; /* the latest */
	struct content obeyed;
	void (*done)(void *arg, enum vly_publish_outcome outcome, const char *text);
	void *done_arg;
} world;

/* Timers end at once. */
static bool is_fast;

/* No block can be made. */
static bool is_blocked;

static bool
fails(void)
{
	return world.may_fail && vly_test_random_chance(&world.random, 15);
}

static unsigned
value_of(const struct vly_defence_state *state)
{
	const char *text = state->set.text[SETTING];

	return text ? (unsigned)strtoul(text, NULL, 10) : 0;
}

static void
check_blocking(void)
{
	cr_assert(world.in_thread || world.at_start,
		  "seed %" PRIu64 ": the loop waits for the disk", world.seed);
}

void
vly_log(enum vly_log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
}

int
uv_timer_start(uv_timer_t *timer, uv_timer_cb call, uint64_t timeout, uint64_t repeat)
{
	static int (*real)(uv_timer_t *, uv_timer_cb, uint64_t, uint64_t);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "uv_timer_start");
	return real(timer, call, is_fast ? 0 : timeout, repeat);
}

void
vly_config_defence_free(struct vly_config_defence *config)
{
	world.config_cnt--;
	free(config);
}

int
vly_defence_store_open(struct vly_defence_store *store, const char *state_dir)
{
	memset(store, 0, sizeof(*store));
	store->state_path = strdup(state_dir);
	return 0;
}

void
vly_defence_store_close(struct vly_defence_store *store)
{
	free(store->state_path);
}

struct vly_defence_state *
vly_defence_store_load(struct vly_defence_store *store)
{
	store->state_unread = world.is_unread;
	return vly_defence_state_new();
}

int
vly_defence_store_retry(struct vly_defence_store *store, struct vly_defence_state **state,
			char *reason, size_t reason_bytes)
{
	if (!store->state_unread)
		return 0;
	check_blocking();
	snprintf(reason, reason_bytes, "it can't be read");
	if (world.at_start || fails())
		return -1;
	store->state_unread = false;
	vly_defence_state_free(*state);
	*state = vly_defence_state_new();
	return 0;
}

void
vly_defence_store_save(struct vly_defence_store *store, const struct vly_defence_state *state)
{
	check_blocking();
	world.is_stale = fails();
	snprintf(store->state_trouble, sizeof(store->state_trouble), "%s",
		 world.is_stale ? "the disk is full" : "");
	if (!world.is_stale)
		world.disk_value = value_of(state);
}

const char *
vly_defence_store_secrets_path(const struct vly_defence_store *store,
			       const struct vly_config_defence *config)
{
	(void)config;
	return store->state_path;
}

int
vly_defence_store_read_secrets(struct vly_defence_store *store,
			       const struct vly_config_defence *config,
			       struct vly_cookie_secrets *secrets, char *reason,
			       size_t reason_bytes)
{
	(void)store;
	(void)config;
	check_blocking();
	snprintf(reason, reason_bytes, "no secrets");
	if (fails())
		return -1;
	secrets->secret[0][0] = world.disk_secret;
	return 0;
}

int
vly_cookie_secrets_write(const struct vly_cookie_secrets *secrets, const char *path, char *reason,
			 size_t reason_bytes)
{
	(void)path;
	check_blocking();
	snprintf(reason, reason_bytes, "the disk is full");
	if (fails())
		return -1;
	world.disk_secret = secrets->secret[0][0];
	return 0;
}

int
vly_cookie_secrets_roll(struct vly_cookie_secrets *secrets,
			const uint8_t fresh[VLY_COOKIE_SECRET_BYTES], char *reason,
			size_t reason_bytes)
{
	(void)reason;
	(void)reason_bytes;
	secrets->secret[0][0] = fresh[0];
	return 0;
}

int
vly_defence_block_make(const struct vly_defence_sources *sources, uint64_t generation, char *reason,
		       size_t reason_bytes)
{
	struct content content = {
		.value = value_of(sources->state),
		.secret = sources->secrets.secret[0][0],
		.config = sources->config,
		.generation = generation,
	};

	check_blocking();
	snprintf(reason, reason_bytes, "no memory");
	if (is_blocked || fails())
		return -1;
	int fd = memfd_create("block", MFD_CLOEXEC);
	cr_assert_eq(write(fd, &content, sizeof(content)), (ssize_t)sizeof(content));
	return fd;
}

static void
answer(enum vly_publish_outcome outcome)
{
	void (*done)(void *, enum vly_publish_outcome, const char *) = world.done;

	world.done = NULL;
	if (outcome == VLY_PUBLISH_DONE)
		world.obeyed = world.block;
	if (done)
		done(world.done_arg, outcome, outcome == VLY_PUBLISH_DENIED ? "refused" : "");
}

/* As the real one: an earlier block that is not answered yet gives way. */
void
vly_publisher_defend(struct vly_publisher *publisher, int fd,
		     void (*done)(void *arg, enum vly_publish_outcome outcome, const char *text),
		     void *arg)
{
	uint64_t before = world.has_block ? world.block.generation : 0;

	(void)publisher;
	cr_assert_eq(pread(fd, &world.block, sizeof(world.block), 0), (ssize_t)sizeof(world.block));
	close(fd);
	cr_assert_gt(world.block.generation, before, "seed %" PRIu64, world.seed);
	world.has_block = true;
	world.done = done;
	world.done_arg = arg;
	if (world.is_absent)
		answer(VLY_PUBLISH_ABSENT);
}

int
vly_side_work_init(struct vly_side_work *side, uv_loop_t *loop)
{
	(void)loop;
	*side = (struct vly_side_work){0};
	return 0;
}

void
vly_side_work_run(struct vly_side_work *side, void (*work)(void *arg), void (*done)(void *arg),
		  void *arg)
{
	cr_assert_null(world.side, "seed %" PRIu64 ": two at a time", world.seed);
	side->work = work;
	side->done = done;
	side->arg = arg;
	world.side = side;
	world.has_worked = false;
}

bool
vly_side_work_is_running(const struct vly_side_work *side)
{
	return world.side == side;
}

void
vly_side_work_close(struct vly_side_work *side, void (*closed)(void *arg), void *arg)
{
	side->closed = closed;
	side->closed_arg = arg;
	if (world.side == side)
		return;
	closed(arg);
}

static void
work(void)
{
	world.in_thread = true;
	world.side->work(world.side->arg);
	world.in_thread = false;
	world.has_worked = true;
}

static void
hear_end_of_work(void)
{
	struct vly_side_work *side = world.side;

	world.side = NULL;
	if (side->closed)
		side->closed(side->closed_arg);
	else
		side->done(side->arg);
}

static unsigned
value_in_force(void)
{
	return value_of(vly_defender_look(world.defender).sources->state);
}

static void ask(void);

static void
hear_report(void *arg, const struct vly_defender_report *report)
{
	struct request *request = arg;
	struct vly_defender_view view = vly_defender_look(world.defender);
	bool is_value = request->asked == CHANGED;

	request->report_cnt++;
	cr_assert_eq(request->report_cnt, 1, "seed %" PRIu64 ": two reports", world.seed);
	cr_assert_not(request->is_forgotten, "seed %" PRIu64 ": a report for nobody", world.seed);
	cr_assert_eq(report->code == VLY_DEFENDER_OK, *report->text == '\0');
	if (request->asked == CHANGE_FAILS)
		cr_assert_eq(report->code, VLY_DEFENDER_FAILED);
	if (is_value)
		cr_assert_eq(value_in_force() == request->number,
			     report->code != VLY_DEFENDER_FAILED, "seed %" PRIu64, world.seed);
	if (is_value && report->code == VLY_DEFENDER_OK) {
		cr_assert_eq(world.obeyed.value, request->number, "seed %" PRIu64, world.seed);
		cr_assert_eq(world.disk_value, request->number, "seed %" PRIu64, world.seed);
	}
	if (is_value && report->code == VLY_DEFENDER_NOT_KEPT)
		cr_assert(world.is_stale && *view.state_trouble);
	if (request->asked == ROLLED && report->code == VLY_DEFENDER_OK)
		cr_assert_eq(world.disk_secret, world.obeyed.secret, "seed %" PRIu64, world.seed);
	if (vly_test_random_chance(&world.random, 20))
		ask();
}

static int
change(void *arg, struct vly_defence_state *state, char *reason, size_t bytes)
{
	struct request *request = arg;
	char text[16];

	request->called_cnt++;
	cr_assert_eq(request->called_cnt, 1, "seed %" PRIu64, world.seed);
	cr_assert_not(world.in_thread, "seed %" PRIu64 ": in a thread", world.seed);
	cr_assert(!request->is_forgotten || request->was_begun, "seed %" PRIu64, world.seed);
	snprintf(reason, bytes, "not like that");
	if (request->asked == CHANGE_FAILS)
		return -1;
	snprintf(text, sizeof(text), "%u", request->number);
	return vly_defence_state_set(state, SETTING, text, request->asked == EXPIRING ? 1 : 0);
}

static struct vly_config_defence *
new_config(void)
{
	world.config_cnt++;
	return calloc(1, sizeof(struct vly_config_defence));
}

static void
ask(void)
{
	struct request *request = &world.request[world.request_cnt];
	uint8_t fresh[VLY_COOKIE_SECRET_BYTES] = {(uint8_t)(world.request_cnt + 1)};

	if (world.request_cnt == REQUESTS_MAX)
		return;
	*request = (struct request){
		.asked = vly_test_random_below(&world.random, CONFIGURED + 1),
		.number = ++world.request_cnt,
	};
	if (request->asked == CONFIGURED)
		vly_defender_configure(world.defender, new_config(), hear_report, request);
	else if (request->asked == ROLLED)
		vly_defender_roll(world.defender, fresh, hear_report, request);
	else
		vly_defender_change(world.defender, change, hear_report, request);
}

static void
forget(void)
{
	if (world.request_cnt == 0)
		return;
	struct request *request =
		&world.request[vly_test_random_below(&world.random, world.request_cnt)];
	if (request->report_cnt > 0 || request->is_forgotten)
		return;
	request->was_begun = vly_defender_forget(world.defender, request);
	request->is_forgotten = true;
}

/* Returns whether anything could happen. */
static bool
go_on(void)
{
	if (world.side && !world.has_worked)
		work();
	else if (world.side)
		hear_end_of_work();
	else if (world.done)
		answer(VLY_PUBLISH_DONE);
	else
		return false;
	return true;
}

static void
step(void)
{
	switch (vly_test_random_below(&world.random, 8)) {
	case 0:
		ask();
		break;
	case 1:
	case 2:
		if (world.side && !world.has_worked)
			work();
		break;
	case 3:
	case 4:
		if (world.side && world.has_worked)
			hear_end_of_work();
		break;
	case 5:
		if (world.done)
			answer(vly_test_random_below(&world.random, VLY_PUBLISH_ABSENT + 1));
		break;
	case 6:
		uv_run(&world.loop, UV_RUN_NOWAIT);
		break;
	default:
		if (vly_test_random_chance(&world.random, 20))
			forget();
		if (vly_test_random_chance(&world.random, 5))
			world.is_absent = !world.is_absent;
	}
}

static unsigned
count_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned cnt = 0;

	while (readdir(dir))
		cnt++;
	closedir(dir);
	return cnt;
}

static void
begin(uint64_t seed)
{
	char reason[200];

	world = (struct world){.seed = seed, .random = {seed}, .at_start = true};
	cr_assert_eq(uv_loop_init(&world.loop), 0);
	world.is_absent = vly_test_random_chance(&world.random, 30);
	world.is_unread = vly_test_random_chance(&world.random, 30);
	/* the publisher is only handed on */
	world.defender = vly_defender_new(&world.loop, "dir", new_config(),
					  (struct vly_publisher *)&world, reason, sizeof(reason));
	cr_assert_not_null(world.defender);
	cr_assert_eq(world.has_block, !world.is_unread && !is_blocked,
		     "seed %" PRIu64 ": the first block", seed);
	world.at_start = false;
	world.may_fail = true;
}

/* All that was asked for is carried out, and what is in force, on disk and obeyed is the same. */
static void
settle(void)
{
	world.may_fail = false;
	world.is_absent = false;
	do
		uv_run(&world.loop, UV_RUN_NOWAIT); /* ends of what was set */
	while (go_on());
	for (unsigned i = 0; i < world.request_cnt; i++)
		cr_assert_eq(world.request[i].report_cnt, !world.request[i].is_forgotten,
			     "seed %" PRIu64 ": request %u of kind %d has %u reports", world.seed,
			     i, (int)world.request[i].asked, world.request[i].report_cnt);
	struct vly_defender_view view = vly_defender_look(world.defender);
	if (!*view.state_trouble)
		cr_assert_eq(world.disk_value, value_in_force(), "seed %" PRIu64, world.seed);
}

static void
end(void)
{
	unsigned report_cnt = 0;
	unsigned after_cnt = 0;

	for (unsigned i = 0; i < world.request_cnt; i++)
		report_cnt += world.request[i].report_cnt;
	vly_defender_free(world.defender);
	world.done = NULL; /* the publisher is freed next */
	uv_run(&world.loop, UV_RUN_NOWAIT);
	while (world.side)
		go_on();
	uv_run(&world.loop, UV_RUN_DEFAULT);
	cr_assert_eq(uv_loop_close(&world.loop), 0);
	for (unsigned i = 0; i < world.request_cnt; i++)
		after_cnt += world.request[i].report_cnt;
	cr_assert_eq(after_cnt, report_cnt, "seed %" PRIu64 ": reports after the end", world.seed);
	cr_assert_eq(world.config_cnt, 0, "seed %" PRIu64, world.seed);
}

/* Half of the runs are ended in the middle of everything. */
Test(defender, events_in_any_order)
{
	begin(0); /* libuv opens files of its own once */
	end();
	unsigned file_cnt = count_files();

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		begin(seed);
		unsigned step_cnt = vly_test_random_below(&world.random, STEPS);
		for (unsigned i = 0; i < step_cnt; i++)
			step();
		if (seed % 2)
			settle();
		end();
		cr_assert_eq(count_files(), file_cnt, "seed %" PRIu64 ": files are open", seed);
	}
}

/* Reading it was one thing. Nobody would look at its ends, and what it denies would not be denied.
 */
Test(defender, what_is_read_late_comes_into_force_even_later)
{
	uint64_t seed = 1;

	is_fast = true;
	for (begin(seed); !world.is_unread || world.is_absent; begin(++seed))
		end();
	world.may_fail = false;
	is_blocked = true;
	for (unsigned i = 0; i < 3; i++) {
		uv_run(&world.loop, UV_RUN_NOWAIT);
		while (go_on())
			;
		cr_assert_not(world.has_block, "attempt %u", i);
	}
	is_blocked = false;
	uv_run(&world.loop, UV_RUN_NOWAIT);
	while (go_on())
		;
	cr_assert(world.has_block);
	cr_assert_eq(world.obeyed.generation, world.block.generation);
	is_fast = false;
	end();
}

/* The same without anything that was to be read. */
Test(defender, the_first_block_is_made_when_it_can_be)
{
	uint64_t seed = 1;

	is_fast = true;
	is_blocked = true;
	for (begin(seed); world.is_unread || world.is_absent; begin(++seed))
		end();
	is_blocked = false;
	world.may_fail = false;
	uv_run(&world.loop, UV_RUN_NOWAIT);
	while (go_on())
		;
	cr_assert(world.has_block);
	is_fast = false;
	end();
}
