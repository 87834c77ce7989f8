/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/timer_heap.h"
#include "config/config.h"
#include "secondary/reach.h"
#include "secondary/schedule.h"

static const struct vly_config_times times = {2, 86400, 2, 86400, 60, 28 * 86400};

Test(schedule, times_of_the_soa_are_bounded_and_shortened)
{
	struct vly_transfer_soa soa = {.refresh = 1000, .retry = 100, .expire = 9999};

	cr_expect_eq(vly_schedule_refresh_ms(&times, &soa, 0), 1000000);
	for (uint32_t i = 0; i < 100; i++) {
		uint64_t ms = vly_schedule_refresh_ms(&times, &soa, i * 42949672u);
		cr_expect(ms > 749000 && ms <= 1000000);
	}
	cr_expect_eq(vly_schedule_retry_ms(&times, &soa, 5, 0), 100000);
	soa.expire = 10;
	cr_expect_eq(vly_schedule_expire_ms(&times, &soa), 60000);
	soa = (struct vly_transfer_soa){.refresh = 0, .retry = UINT32_MAX, .expire = UINT32_MAX};
	cr_expect_eq(vly_schedule_refresh_ms(&times, &soa, 0), 2000);
	cr_expect_eq(vly_schedule_retry_ms(&times, &soa, 1, 0), 86400000);
	cr_expect_eq(vly_schedule_expire_ms(&times, &soa), UINT64_C(28) * 86400 * 1000);
}

Test(schedule, a_zone_is_asked_about_before_it_expires)
{
	const struct vly_transfer_soa soa = {.refresh = 3600, .retry = 900, .expire = 600};

	cr_expect_eq(vly_schedule_refresh_ms(&times, &soa, 0), 300000);
	cr_expect_eq(vly_schedule_retry_ms(&times, &soa, 1, 0), 300000);
}

Test(schedule, a_zone_without_an_soa_is_asked_about_less_and_less)
{
	cr_expect_eq(vly_schedule_retry_ms(&times, NULL, 1, 0), VLY_SCHEDULE_FIRST_MS);
	cr_expect_eq(vly_schedule_retry_ms(&times, NULL, 3, 0), 4 * VLY_SCHEDULE_FIRST_MS);
	cr_expect_eq(vly_schedule_retry_ms(&times, NULL, 1000000, 0), VLY_SCHEDULE_LAST_MS);
}

Test(schedule, a_check_is_repeated_soon_and_then_at_the_retry_time)
{
	const struct vly_transfer_soa soa = {.refresh = 3600, .retry = 5, .expire = 86400};

	cr_expect_eq(vly_schedule_soon_ms(&times, &soa, 1, 0), 1000);
	cr_expect_eq(vly_schedule_soon_ms(&times, &soa, 2, 0), 2000);
	cr_expect_eq(vly_schedule_soon_ms(&times, &soa, 3, 0), 4000);
	cr_expect_eq(vly_schedule_soon_ms(&times, &soa, 4, 0), 5000);
	cr_expect_eq(vly_schedule_soon_ms(&times, &soa, UINT8_MAX, 0), 5000);
	cr_expect_geq(vly_schedule_soon_ms(&times, &soa, 1, UINT32_MAX), 750);
	cr_expect_eq(vly_schedule_soon_ms(&times, NULL, 1, 0), 1000);
	cr_expect_eq(vly_schedule_soon_ms(&times, NULL, UINT8_MAX, 0), VLY_SCHEDULE_LAST_MS);
}

Test(schedule, a_clock_that_was_put_back_makes_no_age)
{
	cr_expect_eq(vly_schedule_age_ms(1000, 1060), 60000);
	cr_expect_eq(vly_schedule_age_ms(1060, 1000), 0);
}

#define TIMERS 1000

/* Against the smallest one, found by looking at all. */
Test(timer_heap, the_first_one_is_the_soonest)
{
	static struct vly_timer timer[TIMERS];
	struct vly_timer_heap heap = {0};
	unsigned seed = 1;

	cr_assert(vly_timer_reserve(&heap, TIMERS));
	for (unsigned step = 0; step < 20000; step++) {
		struct vly_timer *at = &timer[(unsigned)rand_r(&seed) % TIMERS];
		if (rand_r(&seed) % 3 == 0)
			vly_timer_clear(&heap, at);
		else
			vly_timer_set(&heap, at, (uint64_t)rand_r(&seed) % 5000);
		if (step % 50 != 0)
			continue;
		const struct vly_timer *first = NULL;
		unsigned cnt = 0;
		for (unsigned i = 0; i < TIMERS; i++) {
			cnt += timer[i].place != 0;
			if (timer[i].place && (!first || timer[i].due_ms < first->due_ms))
				first = &timer[i];
		}
		cr_assert_eq(heap.cnt, cnt);
		cr_assert_eq(vly_timer_first(&heap) ? vly_timer_first(&heap)->due_ms : 0,
			     first ? first->due_ms : 0);
	}
	vly_timer_heap_free(&heap);
}

static struct sockaddr_storage
address_of(const char *text, uint16_t port)
{
	struct sockaddr_storage address = {0};
	struct sockaddr_in *in4 = (void *)&address;

	in4->sin_family = AF_INET;
	in4->sin_port = htons(port);
	cr_assert_eq(inet_pton(AF_INET, text, &in4->sin_addr), 1);
	return address;
}

Test(reach, an_address_is_down_for_a_while_in_one_way)
{
	const struct sockaddr_storage address = address_of("192.0.2.1", 53);
	const struct sockaddr_storage other = address_of("192.0.2.1", 5353);
	struct vly_reach reach = {0};

	vly_reach_failed(&reach, &address, VLY_REACH_TCP, 0, 1000);
	cr_expect(vly_reach_is_down(&reach, &address, VLY_REACH_TCP, 1000 + VLY_REACH_MS - 1));
	cr_expect_not(vly_reach_is_down(&reach, &address, VLY_REACH_TCP, 1000 + VLY_REACH_MS));
	cr_expect_not(vly_reach_is_down(&reach, &address, VLY_REACH_UDP, 1000));
	cr_expect_not(vly_reach_is_down(&reach, &other, VLY_REACH_TCP, 1000));
	vly_reach_forget(&reach);
	cr_expect_not(vly_reach_is_down(&reach, &address, VLY_REACH_TCP, 1000));
}

/* Whoever refuses costs little, and is tried again soon. */
Test(reach, an_address_that_refuses_is_down_for_longer_and_longer)
{
	const struct sockaddr_storage address = address_of("192.0.2.1", 53);
	struct vly_reach reach = {0};
	uint64_t now = 100;

	for (uint64_t ms = VLY_REACH_FIRST_MS; ms < VLY_REACH_MS; ms *= 2) {
		vly_reach_failed(&reach, &address, VLY_REACH_TCP, now, now);
		vly_reach_failed(&reach, &address, VLY_REACH_TCP, now, now); /* counts once */
		cr_expect(vly_reach_is_down(&reach, &address, VLY_REACH_TCP, now + ms - 1));
		cr_expect_not(vly_reach_is_down(&reach, &address, VLY_REACH_TCP, now + ms));
		now += ms;
	}
	vly_reach_failed(&reach, &address, VLY_REACH_TCP, now, now);
	cr_expect(vly_reach_is_down(&reach, &address, VLY_REACH_TCP, now + VLY_REACH_MS - 1));
	vly_reach_forget_address(&reach, &address);
	vly_reach_failed(&reach, &address, VLY_REACH_TCP, now, now);
	cr_expect_not(vly_reach_is_down(&reach, &address, VLY_REACH_TCP, now + VLY_REACH_FIRST_MS));
	vly_reach_forget(&reach);
}

/* Far more than are kept: the memory is bounded. */
Test(reach, many_addresses)
{
	struct vly_reach reach = {0};

	for (unsigned i = 0; i < 20000; i++) {
		const struct sockaddr_storage address = address_of("192.0.2.1", (uint16_t)i);
		vly_reach_failed(&reach, &address, VLY_REACH_UDP, 0, 0);
		cr_expect(vly_reach_is_down(&reach, &address, VLY_REACH_UDP, 1));
	}
	vly_reach_forget(&reach);
}
