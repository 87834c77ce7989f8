/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When zones have their turn, and when they are asked about again; what is counted. There is no living zone, and no
 * primary: connections are refused, or wait. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "living/living_parts.h"
#include "secondary/secondary_parts.h"

#define ZONES 12

static const struct vly_hash_key key = {{1, 2, 3, 4}};
static char dir[] = "/tmp/volley-turns-XXXXXX";
static uv_loop_t loop;
static struct vly_living living;
static struct vly_secondaries *secondaries;
static struct sockaddr_storage closed_address;
static struct sockaddr_storage slow_address;
static int closed;
static int slow;
static char refusing[] = "refusing";
static char waiting[] = "waiting";
static struct vly_config_remote remotes[] = {
	{.name = refusing, .address = &closed_address, .address_cnt = 1},
	{.name = waiting, .address = &slow_address, .address_cnt = 1},
};
static const struct vly_config_remote *primaries[] = {&remotes[0], &remotes[1], NULL};
static char *names[] = {refusing, waiting};
static struct vly_config_feed of_refusing = {
	.primaries = names,
	.primary = primaries,
	.primary_cnt = 1,
	.times = {.retry_min_s = 2, .retry_max_s = 3600, .expire_max_s = 86400}};
static struct vly_config_feed of_waiting = {
	.primaries = names + 1, .primary = primaries + 1, .primary_cnt = 1};
static struct vly_config_feed of_both = {
	.primaries = names, .primary = primaries, .primary_cnt = 2};

void
vly_log(enum vly_log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
}

/* A port of loopback. With `listens`, connections are made, and nobody accepts them. */
static int
bind_port(struct sockaddr_storage *address, bool listens)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	if (listens)
		cr_assert_eq(listen(fd, 100), 0);
	memset(address, 0, sizeof(*address));
	memcpy(address, &in, sizeof(in));
	return fd;
}

static void
on_wake(uv_async_t *wake)
{
	struct vly_living_request *next;

	(void)wake;
	for (struct vly_living_request *request = living.refused; request; request = next) {
		next = request->next;
		vly_living_answer(&living, request);
	}
	living.refused = NULL;
}

static void
set_up(void)
{
	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(uv_loop_init(&loop), 0);
	cr_assert_eq(uv_async_init(&loop, &living.wake, on_wake), 0);
	const struct vly_secondaries_settings settings = {
		.loop = &loop, .state_dir = dir, .key = &key, .living = &living};
	secondaries = vly_secondaries_new(&settings);
	cr_assert_not_null(secondaries);
	closed = bind_port(&closed_address, false); /* kept, so that nobody else gets the port */
	slow = bind_port(&slow_address, true);
}

static void
tear_down(void)
{
	char command[100];

	vly_secondaries_free(secondaries);
	uv_close((uv_handle_t *)&living.wake, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_expect_eq(uv_loop_close(&loop), 0);
	close(closed);
	close(slow);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	cr_expect_eq(system(command), 0);
}

TestSuite(turns, .init = set_up, .fini = tear_down);

static struct vly_secondary_zone *
put(char letter, const struct vly_config_feed *feed)
{
	char name[] = {letter, '.', '\0'};
	const struct vly_config_zone zone = {.name = name, .feed = feed};

	cr_assert_eq(vly_secondaries_add(secondaries, &zone), 0);
	struct vly_secondary_zone *found = vly_secondary_find(secondaries, name);
	found->next_ms = UINT64_MAX; /* it is begun by hand */
	vly_secondary_set_timer(found);
	return found;
}

static void
check(struct vly_secondary_zone *zone)
{
	const uint32_t failure_cnt = zone->failure_cnt;

	vly_reach_forget(&secondaries->reach);
	vly_secondary_enqueue(zone, VLY_QUEUE_TRANSFER);
	while (zone->failure_cnt == failure_cnt)
		uv_run(&loop, UV_RUN_ONCE);
}

static uint64_t
wait_ms(const struct vly_secondary_zone *zone)
{
	return zone->next_ms - uv_now(&loop);
}

Test(turns, what_was_notified_is_asked_for_again_soon)
{
	struct vly_secondary_zone *zone = put('a', &of_refusing);

	vly_secondary_set_places(secondaries, 1, 1);
	zone->is_loaded = zone->has_soa = true;
	zone->soa = (struct vly_transfer_soa){.refresh = 3600, .retry = 600, .expire = 86400};
	zone->is_notified = true;
	for (uint64_t ms = 1000; ms <= 8000; ms *= 2) {
		check(zone);
		cr_expect_leq(wait_ms(zone), ms);
		cr_expect_geq(wait_ms(zone), ms / 2);
		cr_expect(zone->is_notified, "it is transferred then");
	}
	zone->is_notified = false;
	check(zone);
	cr_expect_geq(wait_ms(zone), 400000, "a refresh waits for the retry time");
}

Test(turns, a_zone_without_data_is_asked_for_again_soon)
{
	struct vly_secondary_zone *zone = put('a', &of_refusing);

	vly_secondary_set_places(secondaries, 1, 1);
	check(zone);
	cr_expect_leq(wait_ms(zone), 1000);
}

static unsigned
running(const struct vly_config_remote *remote)
{
	unsigned cnt = 0;

	for (const struct vly_secondary_job *job = secondaries->jobs; job; job = job->next)
		cnt += job->zone && vly_secondary_job_remote(job) == remote;
	return cnt;
}

Test(turns, a_primary_that_waits_leaves_places_to_others)
{
	vly_secondary_set_places(secondaries, 4, 2);
	for (unsigned i = 0; i < ZONES; i++)
		vly_secondary_enqueue(put((char)('a' + i), &of_waiting), VLY_QUEUE_TRANSFER);
	struct vly_secondary_zone *other = put('z', &of_refusing);
	check(other);
	cr_expect_eq(running(&remotes[1]), 2);
	cr_expect_eq(secondaries->lanes[VLY_QUEUE_TRANSFER].waiting_cnt, ZONES - 2);
}

/* Whether the first primary of one of them has not been tried yet. */
static bool
has_untried(struct vly_secondary_zone *const zone[ZONES])
{
	for (unsigned i = 0; i < ZONES; i++)
		if (zone[i]->job ? zone[i]->job->at == 0 && zone[i]->tried == 0
				 : zone[i]->tried == 0)
			return true;
	return false;
}

/* The first primary refuses, and the second one has no place left: each zone waits for it without a job. */
Test(turns, what_the_first_primary_does_not_have_waits_for_the_second)
{
	struct vly_secondary_zone *zone[ZONES];

	vly_secondary_set_places(secondaries, 4, 2);
	for (unsigned i = 0; i < ZONES; i++) {
		zone[i] = put((char)('a' + i), &of_both);
		vly_secondary_enqueue(zone[i], VLY_QUEUE_TRANSFER);
	}
	while (has_untried(zone) || running(&remotes[1]) < 2)
		uv_run(&loop, UV_RUN_ONCE);
	cr_expect_eq(running(&remotes[1]), 2);
	cr_expect_eq(secondaries->lanes[VLY_QUEUE_TRANSFER].waiting_cnt, ZONES - 2);
	for (unsigned i = 0; i < ZONES; i++)
		cr_expect_eq(zone[i]->failure_cnt, 0, "the check is not over");
}

Test(turns, places_are_those_of_jobs)
{
	vly_secondary_set_places(secondaries, 4, 2);
	for (unsigned i = 0; i < ZONES; i++)
		vly_secondary_enqueue(put((char)('a' + i), i % 2 ? &of_waiting : &of_both),
				      VLY_QUEUE_TRANSFER);
	while (running(&remotes[1]) < 2)
		uv_run(&loop, UV_RUN_ONCE);
	for (unsigned i = 0; i < ZONES; i++) {
		const char name[] = {(char)('a' + i), '.', '\0'};
		vly_secondaries_remove(secondaries, name);
	}
	cr_expect_eq(secondaries->lanes[VLY_QUEUE_TRANSFER].place_cnt, 0);
	cr_expect_eq(secondaries->lanes[VLY_QUEUE_TRANSFER].waiting_cnt, 0);
	cr_expect_null(secondaries->lanes[VLY_QUEUE_TRANSFER].by_name);
}

static struct vly_secondary_numbers
count_all(void)
{
	struct vly_secondary_numbers numbers = {0};

	for (const struct vly_secondary_zone *zone = secondaries->by_name; zone;
	     zone = zone->hh.next) {
		const struct vly_secondary_mark *said = zone->peer_cnt ? &zone->peer[0].said : NULL;
		const bool has_said = said && said->time_s != 0;
		numbers.loaded_cnt += zone->is_loaded;
		numbers.expired_cnt += zone->is_expired;
		numbers.stale_cnt +=
			has_said && (!zone->is_loaded || said->serial > zone->answered.serial);
		numbers.behind_cnt +=
			has_said && (!zone->is_loaded || said->serial > zone->committed.serial);
	}
	return numbers;
}

/* The zone was received, and the checks refuse it: it is the same at the primary's other address. */
Test(turns, a_refused_zone_is_not_received_from_another_address)
{
	static struct sockaddr_storage addresses[2];
	static struct vly_config_remote remote = {
		.name = waiting, .address = addresses, .addresses = names, .address_cnt = 2};
	static const struct vly_config_remote *primary[] = {&remote, NULL};
	static const struct vly_config_feed feed = {
		.primaries = names + 1, .primary = primary, .primary_cnt = 1};

	addresses[0] = addresses[1] = slow_address;
	struct vly_secondary_zone *zone = put('a', &feed);
	struct vly_secondary_zone *other = put('b', &feed);

	vly_secondary_set_places(secondaries, 1, 1);
	vly_secondary_enqueue(zone, VLY_QUEUE_TRANSFER);
	while (!zone->job)
		uv_run(&loop, UV_RUN_ONCE);
	zone->job->phase = VLY_SECONDARY_CHECKING;
	vly_secondary_job_pass(zone->job);
	vly_secondary_enqueue(other, VLY_QUEUE_TRANSFER);
	while (!other->job)
		uv_run(&loop, UV_RUN_ONCE);
	snprintf(zone->job->reason, sizeof(zone->job->reason), "it is bogus");
	vly_secondary_job_fail(zone->job);
	cr_expect_eq(zone->failure_cnt, 1);
	cr_expect_eq(zone->queue, VLY_QUEUE_NONE, "it is not received again at once");
	cr_assert_eq(zone->peer_cnt, 1);
	cr_expect_str_eq(zone->peer[0].why, "it is bogus");
}

/* Against a count of all zones. */
Test(turns, zones_are_counted_as_they_change)
{
	static const uint64_t now_ms = 1;
	unsigned seed = 1;

	for (unsigned step = 0; step < 5000; step++) {
		const char letter = (char)('a' + (unsigned)rand_r(&seed) % ZONES);
		const char name[] = {letter, '.', '\0'};
		const uint32_t serial = 1 + (uint32_t)rand_r(&seed) % 5;
		struct vly_secondary_zone *zone = put(letter, &of_waiting);
		switch (rand_r(&seed) % 5) {
		case 0:
			vly_secondaries_remove(secondaries, name);
			break;
		case 1:
			vly_secondary_said(zone, 0, serial);
			break;
		case 2:
			zone->expires_ms = now_ms;
			vly_secondary_expire(zone);
			break;
		default:
			zone->is_loaded = true;
			zone->committed.serial = serial;
			zone->answered.serial = serial - (unsigned)rand_r(&seed) % 2;
			vly_secondary_count(zone);
		}
		const struct vly_secondary_numbers all = count_all();
		cr_assert_arr_eq(&secondaries->numbers, &all, sizeof(all), "step %u", step);
	}
}
