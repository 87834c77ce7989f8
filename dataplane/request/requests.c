/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "requests.h"

#include <stdlib.h>
#include <string.h>

int
vly_requests_open(struct vly_requests *requests, uv_loop_t *loop, uv_async_cb wake)
{
	memset(requests, 0, sizeof(*requests));
	STAILQ_INIT(&requests->waiting);
	pthread_mutex_init(&requests->lock, NULL);
	return uv_async_init(loop, &requests->wake, wake);
}

void
vly_requests_close(struct vly_requests *requests)
{
	for (unsigned i = 0; i < VLY_REQUESTS_MAX; i++)
		vly_request_free(requests->slot[i]);
	memset(requests->slot, 0, sizeof(requests->slot));
	uv_close((uv_handle_t *)&requests->wake, NULL);
	pthread_mutex_destroy(&requests->lock);
}

static void
on_arrival(uv_async_t *arrival)
{
	struct vly_requests_client *client = arrival->data;

	client->arrived(client->arg);
}

int
vly_requests_join(struct vly_requests *requests, struct vly_requests_client *client,
		  uv_loop_t *loop, void (*arrived)(void *arg), void *arg)
{
	*client =
		(struct vly_requests_client){.requests = requests, .arrived = arrived, .arg = arg};
	STAILQ_INIT(&client->done);
	client->arrival.data = client;
	return uv_async_init(loop, &client->arrival, on_arrival);
}

/* The request leaves the table. */
static void
release_slot(struct vly_requests *requests, struct vly_request *request)
{
	requests->slot[request->id % VLY_REQUESTS_MAX] = NULL;
	requests->cnt--;
	if (!request->sent)
		STAILQ_REMOVE(&requests->waiting, request, vly_request, link);
}

/* Gives the request back to the thread that put it, or frees it. */
static void
end_request(struct vly_requests *requests, struct vly_request *request)
{
	release_slot(requests, request);
	if (request->forgotten) {
		vly_request_free(request);
		return;
	}
	STAILQ_INSERT_TAIL(&request->client->done, request, link);
	uv_async_send(&request->client->arrival);
}

void
vly_requests_leave(struct vly_requests_client *client)
{
	struct vly_requests *requests = client->requests;
	struct vly_request *request;

	pthread_mutex_lock(&requests->lock);
	for (unsigned i = 0; i < VLY_REQUESTS_MAX; i++)
		if (requests->slot[i] != NULL && requests->slot[i]->client == client)
			requests->slot[i]->forgotten = true;
	pthread_mutex_unlock(&requests->lock);
	while ((request = vly_requests_take(client)) != NULL)
		vly_request_free(request);
	if (!uv_is_closing((uv_handle_t *)&client->arrival))
		uv_close((uv_handle_t *)&client->arrival, NULL);
}

/* A free slot; there is one. */
static unsigned
find_slot(struct vly_requests *requests)
{
	while (requests->slot[requests->next_slot] != NULL) /* at most VLY_REQUESTS_MAX steps */
		requests->next_slot = (requests->next_slot + 1) % VLY_REQUESTS_MAX;
	return requests->next_slot;
}

static struct vly_request *
make(struct vly_requests_client *client, const struct vly_request_origin *origin,
     const struct vly_request_message *message, uint64_t now_ms)
{
	struct vly_request *request =
		malloc(sizeof(*request) + message->bytes + message->draft_bytes);

	if (request == NULL)
		return NULL;
	*request = (struct vly_request){
		.client = client,
		.origin = *origin,
		.since_ms = now_ms,
		.bytes = message->bytes,
		.draft_bytes = message->draft_bytes,
	};
	memcpy(request->message, message->octets, message->bytes);
	if (message->draft_bytes != 0)
		memcpy(request->message + message->bytes, message->draft, message->draft_bytes);
	return request;
}

void
vly_requests_set_sender(struct vly_requests *requests,
			bool (*send)(int fd, const struct vly_request *request), int fd)
{
	pthread_mutex_lock(&requests->lock);
	requests->send = send;
	requests->send_fd = fd;
	pthread_mutex_unlock(&requests->lock);
}

static void
set_held(struct vly_requests *requests, bool is_held)
{
	pthread_mutex_lock(&requests->lock);
	requests->is_held = is_held;
	pthread_mutex_unlock(&requests->lock);
}

void
vly_requests_hold(struct vly_requests *requests)
{
	set_held(requests, true);
}

void
vly_requests_release(struct vly_requests *requests)
{
	set_held(requests, false);
}

/* Sends a request that is in the table, or has it wait. Returns whether it waits. */
static bool
send_or_wait(struct vly_requests *requests, struct vly_request *request)
{
	if (requests->send != NULL && !requests->is_held && STAILQ_EMPTY(&requests->waiting) &&
	    requests->send(requests->send_fd, request)) {
		request->sent = true;
		return false;
	}
	STAILQ_INSERT_TAIL(&requests->waiting, request, link);
	return true;
}

struct vly_request *
vly_requests_put(struct vly_requests_client *client, const struct vly_request_origin *origin,
		 const struct vly_request_message *message, uint64_t now_ms)
{
	struct vly_requests *requests = client->requests;
	struct vly_request *request = make(client, origin, message, now_ms);

	pthread_mutex_lock(&requests->lock);
	/* Signed queries, which nobody limits on ports without rules, leave room for the others. */
	const unsigned max = message->draft_bytes != 0 ? VLY_REQUESTS_MAX / 2 : VLY_REQUESTS_MAX;
	if (request == NULL || requests->cnt >= max) {
		requests->full_cnt++;
		pthread_mutex_unlock(&requests->lock);
		free(request);
		return NULL;
	}
	const unsigned slot = find_slot(requests);
	request->id = ++requests->next_serial * VLY_REQUESTS_MAX + slot;
	requests->slot[slot] = request;
	requests->cnt++;
	const bool waits = send_or_wait(requests, request);
	pthread_mutex_unlock(&requests->lock);
	if (waits)
		uv_async_send(&requests->wake);
	return request;
}

void
vly_requests_forget(struct vly_requests_client *client, struct vly_request *request)
{
	pthread_mutex_lock(&client->requests->lock);
	request->forgotten = true;
	pthread_mutex_unlock(&client->requests->lock);
}

struct vly_request *
vly_requests_take(struct vly_requests_client *client)
{
	pthread_mutex_lock(&client->requests->lock);
	struct vly_request *request = STAILQ_FIRST(&client->done);
	if (request != NULL)
		STAILQ_REMOVE_HEAD(&client->done, link);
	pthread_mutex_unlock(&client->requests->lock);
	return request;
}

void
vly_request_free(struct vly_request *request)
{
	if (request != NULL)
		free(request->response);
	free(request);
}

/* A waiting request stays in place when it is forgotten: only the main thread ends requests. */
const struct vly_request *
vly_requests_next(struct vly_requests *requests)
{
	pthread_mutex_lock(&requests->lock);
	struct vly_request *request = STAILQ_FIRST(&requests->waiting);
	if (request != NULL) {
		STAILQ_REMOVE_HEAD(&requests->waiting, link);
		request->sent = true;
	}
	pthread_mutex_unlock(&requests->lock);
	return request;
}

void
vly_requests_answer(struct vly_requests *requests, uint64_t id, const uint8_t *message,
		    size_t bytes)
{
	pthread_mutex_lock(&requests->lock);
	struct vly_request *request = requests->slot[id % VLY_REQUESTS_MAX];
	if (request != NULL && request->id == id && request->sent) {
		request->response = bytes > 0 ? malloc(bytes) : NULL;
		if (request->response != NULL) {
			memcpy(request->response, message, bytes);
			request->response_bytes = (uint16_t)bytes;
		}
		end_request(requests, request);
	}
	pthread_mutex_unlock(&requests->lock);
}

static void
end_before(struct vly_requests *requests, uint64_t since_ms)
{
	pthread_mutex_lock(&requests->lock);
	for (unsigned i = 0; i < VLY_REQUESTS_MAX && requests->cnt > 0; i++) {
		struct vly_request *request = requests->slot[i];
		if (request == NULL || request->since_ms > since_ms)
			continue;
		requests->late_cnt++;
		end_request(requests, request);
	}
	pthread_mutex_unlock(&requests->lock);
}

void
vly_requests_expire(struct vly_requests *requests, uint64_t now_ms)
{
	if (now_ms > VLY_REQUESTS_MS)
		end_before(requests, now_ms - VLY_REQUESTS_MS);
}

void
vly_requests_drop(struct vly_requests *requests)
{
	end_before(requests, UINT64_MAX);
}
