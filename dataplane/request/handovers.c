/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "handovers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int
vly_handovers_open(struct vly_handovers *handovers, uv_loop_t *loop, uv_async_cb wake)
{
	memset(handovers, 0, sizeof(*handovers));
	STAILQ_INIT(&handovers->waiting);
	pthread_mutex_init(&handovers->lock, NULL);
	return uv_async_init(loop, &handovers->wake, wake);
}

void
vly_handovers_close(struct vly_handovers *handovers)
{
	vly_handovers_drop(handovers);
	uv_close((uv_handle_t *)&handovers->wake, NULL);
	pthread_mutex_destroy(&handovers->lock);
}

static bool
reserve(struct vly_handovers *handovers)
{
	pthread_mutex_lock(&handovers->lock);
	const bool has_room = handovers->cnt < VLY_HANDOVERS_MAX;
	handovers->cnt += has_room;
	handovers->full_cnt += !has_room;
	pthread_mutex_unlock(&handovers->lock);
	return has_room;
}

static void
release(struct vly_handovers *handovers)
{
	pthread_mutex_lock(&handovers->lock);
	handovers->cnt--;
	pthread_mutex_unlock(&handovers->lock);
}

struct vly_handover *
vly_handover_make(struct vly_handovers *handovers, int fd, uint32_t flags, const uint8_t *octets,
		  size_t bytes)
{
	struct vly_handover *handover = malloc(sizeof(*handover) + bytes);
	socklen_t client_len = sizeof(handover->client);
	socklen_t local_len = sizeof(handover->local);

	if (handover == NULL || !reserve(handovers)) {
		free(handover);
		return NULL;
	}
	*handover = (struct vly_handover){
		.handovers = handovers, .fd = -1, .flags = flags, .octet_bytes = (uint32_t)bytes};
	if (bytes > 0)
		memcpy(handover->octets, octets, bytes);
	if (getpeername(fd, (struct sockaddr *)&handover->client, &client_len) == 0 &&
	    getsockname(fd, (struct sockaddr *)&handover->local, &local_len) == 0)
		return handover;
	vly_handover_free(handover);
	return NULL;
}

void
vly_handovers_put(struct vly_handover *handover, int fd, uint64_t now_ms)
{
	struct vly_handovers *handovers = handover->handovers;

	handover->fd = fd;
	handover->since_ms = now_ms;
	pthread_mutex_lock(&handovers->lock);
	STAILQ_INSERT_TAIL(&handovers->waiting, handover, link);
	pthread_mutex_unlock(&handovers->lock);
	uv_async_send(&handovers->wake);
}

void
vly_handover_free(struct vly_handover *handover)
{
	if (handover == NULL)
		return;
	if (handover->fd >= 0)
		close(handover->fd);
	release(handover->handovers);
	free(handover);
}

/* The first one, if it was put before; counted as late then, unless it is only taken. */
static struct vly_handover *
take_first(struct vly_handovers *handovers, uint64_t before_ms, bool is_late)
{
	pthread_mutex_lock(&handovers->lock);
	struct vly_handover *first = STAILQ_FIRST(&handovers->waiting);
	if (first != NULL && first->since_ms > before_ms)
		first = NULL;
	if (first != NULL) {
		STAILQ_REMOVE_HEAD(&handovers->waiting, link);
		handovers->late_cnt += is_late;
	}
	pthread_mutex_unlock(&handovers->lock);
	return first;
}

struct vly_handover *
vly_handovers_next(struct vly_handovers *handovers)
{
	return take_first(handovers, UINT64_MAX, false);
}

static void
end_before(struct vly_handovers *handovers, uint64_t before_ms)
{
	struct vly_handover *handover;

	while ((handover = take_first(handovers, before_ms, true)) != NULL)
		vly_handover_free(handover);
}

void
vly_handovers_expire(struct vly_handovers *handovers, uint64_t now_ms)
{
	if (now_ms > VLY_HANDOVERS_MS)
		end_before(handovers, now_ms - VLY_HANDOVERS_MS);
}

void
vly_handovers_drop(struct vly_handovers *handovers)
{
	end_before(handovers, UINT64_MAX);
}
