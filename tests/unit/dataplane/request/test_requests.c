/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "request/requests.h"

static uv_loop_t loop;
static struct vly_requests requests;
static struct vly_requests_client client;
static unsigned wake_cnt, arrival_cnt;
static const struct vly_request_origin origin = {.fd = 7};

static void
on_wake(uv_async_t *wake)
{
	(void)wake;
	wake_cnt++;
}

static void
on_arrival(void *arg)
{
	cr_expect_eq(arg, &client);
	arrival_cnt++;
}

static void
open_all(void)
{
	cr_assert_eq(uv_loop_init(&loop), 0);
	cr_assert_eq(vly_requests_open(&requests, &loop, on_wake), 0);
	cr_assert_eq(vly_requests_join(&requests, &client, &loop, on_arrival, &client), 0);
}

static void
close_all(void)
{
	vly_requests_leave(&client);
	vly_requests_close(&requests);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_expect_eq(uv_loop_close(&loop), 0);
}

TestSuite(requests, .init = open_all, .fini = close_all);

static struct vly_request *
put(const char *text, uint64_t now_ms)
{
	const struct vly_request_message message = {
		.octets = (const uint8_t *)text,
		.bytes = (uint16_t)strlen(text),
	};
	return vly_requests_put(&client, &origin, &message, now_ms);
}

Test(requests, there_and_back)
{
	struct vly_request *put_one = put("message", 1);

	cr_assert_not_null(put_one);
	uv_run(&loop, UV_RUN_NOWAIT);
	cr_expect_eq(wake_cnt, 1);
	const struct vly_request *next = vly_requests_next(&requests);
	cr_assert_eq(next, put_one);
	cr_expect_eq(next->bytes, 7);
	cr_expect_arr_eq(next->message, "message", 7);
	cr_expect_null(vly_requests_next(&requests));
	cr_expect_null(vly_requests_take(&client));
	vly_requests_answer(&requests, next->id + VLY_REQUESTS_MAX, (const uint8_t *)"wrong", 5);
	cr_expect_null(vly_requests_take(&client));
	vly_requests_answer(&requests, next->id, (const uint8_t *)"answer", 6);
	uv_run(&loop, UV_RUN_NOWAIT);
	cr_expect_eq(arrival_cnt, 1);
	struct vly_request *taken = vly_requests_take(&client);
	cr_assert_eq(taken, put_one);
	cr_expect_eq(taken->origin.fd, 7);
	cr_expect_eq(taken->response_bytes, 6);
	cr_expect_arr_eq(taken->response, "answer", 6);
	vly_requests_answer(&requests, taken->id, (const uint8_t *)"twice", 5);
	cr_expect_null(vly_requests_take(&client));
	vly_request_free(taken);
	cr_expect_eq(requests.cnt, 0);
}

static unsigned sent_cnt;
static bool has_room;

static bool
on_send(int fd, const struct vly_request *request)
{
	cr_expect_eq(fd, 9);
	cr_expect_eq(request->bytes, strlen("first"));
	sent_cnt += has_room;
	return has_room;
}

/* Sent by the thread that puts it, but never before one that waits. */
Test(requests, at_once)
{
	has_room = true;
	vly_requests_set_sender(&requests, on_send, 9);
	const struct vly_request *first = put("first", 1);
	cr_assert_not_null(first);
	uv_run(&loop, UV_RUN_NOWAIT);
	cr_expect_eq(sent_cnt, 1);
	cr_expect_eq(wake_cnt, 0);
	cr_expect_null(vly_requests_next(&requests));
	vly_requests_answer(&requests, first->id, (const uint8_t *)"answer", 6);
	struct vly_request *taken = vly_requests_take(&client);
	cr_assert_eq(taken, first);
	vly_request_free(taken);

	has_room = false;
	const struct vly_request *waiting = put("first", 1);
	has_room = true;
	const struct vly_request *behind = put("first", 1);
	uv_run(&loop, UV_RUN_NOWAIT);
	cr_expect_eq(sent_cnt, 1);
	cr_expect_eq(wake_cnt, 1);
	cr_expect_eq(vly_requests_next(&requests), waiting);
	cr_expect_eq(vly_requests_next(&requests), behind);

	vly_requests_set_sender(&requests, NULL, -1);
	cr_assert_not_null(put("later", 1));
	cr_expect_eq(sent_cnt, 1);
	cr_expect_not_null(vly_requests_next(&requests));
}

/* The main thread has measured the room in the socket, and sends: others must not fill it. */
Test(requests, while_the_main_thread_sends)
{
	has_room = true;
	vly_requests_set_sender(&requests, on_send, 9);
	vly_requests_hold(&requests);
	const struct vly_request *meanwhile = put("first", 1);
	cr_assert_not_null(meanwhile);
	cr_expect_eq(sent_cnt, 0);
	cr_expect_eq(vly_requests_next(&requests), meanwhile);
	const struct vly_request *after = put("first", 1);
	cr_assert_not_null(after);
	cr_expect_eq(sent_cnt, 0, "the main thread has not sent what it took");
	vly_requests_release(&requests);
	uv_run(&loop, UV_RUN_NOWAIT);
	cr_expect_eq(wake_cnt, 1);
	cr_expect_eq(vly_requests_next(&requests), after);
	cr_assert_not_null(put("first", 1));
	cr_expect_eq(sent_cnt, 1);
}

Test(requests, what_waits_too_long_gets_no_response)
{
	cr_assert_not_null(put("first", 1000));
	cr_assert_not_null(put("second", 1001));
	const struct vly_request *first = vly_requests_next(&requests);
	vly_requests_expire(&requests, 1000 + VLY_REQUESTS_MS - 1);
	cr_expect_null(vly_requests_take(&client));
	vly_requests_expire(&requests, 1000 + VLY_REQUESTS_MS);
	struct vly_request *late = vly_requests_take(&client);
	cr_assert_eq(late, first);
	cr_expect_null(late->response);
	vly_request_free(late);
	/* one that was never sent */
	vly_requests_drop(&requests);
	late = vly_requests_take(&client);
	cr_assert_not_null(late);
	cr_expect_arr_eq(late->message, "second", 6);
	vly_request_free(late);
	cr_expect_null(vly_requests_next(&requests));
	cr_expect_eq(requests.late_cnt, 2);
}

Test(requests, forgotten_ones_are_not_given_back)
{
	struct vly_request *forgotten = put("message", 1);

	cr_assert_not_null(forgotten);
	vly_requests_forget(&client, forgotten);
	const struct vly_request *next = vly_requests_next(&requests);
	cr_assert_not_null(next);
	vly_requests_answer(&requests, next->id, (const uint8_t *)"answer", 6);
	cr_expect_null(vly_requests_take(&client));
	cr_expect_eq(requests.cnt, 0);
}

Test(requests, there_is_a_bound)
{
	for (unsigned i = 0; i < VLY_REQUESTS_MAX; i++)
		cr_assert_not_null(put("message", 1));
	cr_expect_null(put("message", 1));
	cr_expect_eq(requests.full_cnt, 1);
	const struct vly_request *next = vly_requests_next(&requests);
	vly_requests_answer(&requests, next->id, NULL, 0);
	vly_request_free(vly_requests_take(&client));
	cr_expect_not_null(put("message", 1));
}

Test(requests, only_opcodes_that_are_wanted)
{
	const uint8_t update[12] = {0, 0, 5 << 3}, notify[12] = {0, 0, 4 << 3}, query[12] = {0};
	const uint8_t response[12] = {0, 0, 0x80 | 5 << 3};

	cr_expect(!vly_requests_want(&requests, update));
	requests.opcodes = 1u << 5 | 1u;
	cr_expect(vly_requests_want(&requests, update));
	cr_expect(!vly_requests_want(&requests, notify));
	cr_expect(!vly_requests_want(&requests, query));
	cr_expect(!vly_requests_want(&requests, response));
}
