/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "octet_queue.h"

#include <stdlib.h>
#include <string.h>

/* The first memory: most messages of clients fit. Doubled seven times it has the longest message with
 * its length, and little more. */
#define ROOM_MIN 516

/* An empty queue keeps as much. More: a thousand idle sessions hold as many times it. Less: sessions
 * with small messages allocate for each. */
#define ROOM_IDLE 4096

uint8_t *
vly_octet_queue_space(struct vly_octet_queue *queue, size_t len)
{
	if (queue->len == 0)
		queue->at = 0;
	if (queue->room - queue->at - queue->len >= len)
		return queue->octets + queue->at + queue->len;
	if (queue->at > 0) {
		memmove(queue->octets, queue->octets + queue->at, queue->len);
		queue->at = 0;
	}
	size_t room = queue->room < ROOM_MIN ? ROOM_MIN : queue->room;
	while (room - queue->len < len)
		room *= 2;
	if (room > queue->room) {
		uint8_t *octets = realloc(queue->octets, room);
		if (octets == NULL)
			return NULL;
		queue->octets = octets;
		queue->room = room;
	}
	return queue->octets + queue->len;
}

bool
vly_octet_queue_add(struct vly_octet_queue *queue, const uint8_t *octets, size_t len)
{
	if (len == 0)
		return true;
	uint8_t *to = vly_octet_queue_space(queue, len);

	if (to == NULL)
		return false;
	memcpy(to, octets, len);
	queue->len += len;
	return true;
}

void
vly_octet_queue_drop(struct vly_octet_queue *queue, size_t len)
{
	if (len > queue->len)
		len = queue->len;
	queue->at += len;
	queue->len -= len;
}

void
vly_octet_queue_shrink(struct vly_octet_queue *queue)
{
	if (queue->len == 0 && queue->room > ROOM_IDLE)
		vly_octet_queue_free(queue);
}

void
vly_octet_queue_free(struct vly_octet_queue *queue)
{
	free(queue->octets);
	*queue = (struct vly_octet_queue){0};
}
