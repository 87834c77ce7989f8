/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Octets that come in at the end and go out in front. Memory grows by doubling, and is freed when
 * the queue is empty and large. Zero is an empty queue.
 *
 * Use: append with vly_octet_queue_add(), or write behind the end: vly_octet_queue_space(), then
 * `len` +=. Read at vly_octet_queue_front(), then vly_octet_queue_drop(). Any thread, one at a time.
 */
#ifndef VLY_CONTROL_OCTET_QUEUE_H
#define VLY_CONTROL_OCTET_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vly_octet_queue {
	uint8_t *octets;
	size_t at; /* the first octet */
	size_t len;
	size_t room;
};

/* Makes space for `len` octets behind the end, and moves the others if that helps. Returns where it
 * is, or NULL without memory. Valid until the next call, but for _drop(). */
__attribute__((nonnull, warn_unused_result)) uint8_t *
vly_octet_queue_space(struct vly_octet_queue *queue, size_t len);

/* Copies. Returns false without memory. */
__attribute__((nonnull(1), warn_unused_result)) bool
vly_octet_queue_add(struct vly_octet_queue *queue, const uint8_t *octets, size_t len);

/* Drops `len` octets in front, at most as many as there are. They stay readable until the next call. */
__attribute__((nonnull)) void vly_octet_queue_drop(struct vly_octet_queue *queue, size_t len);

/* Frees the memory of an empty queue if it has much. */
__attribute__((nonnull)) void vly_octet_queue_shrink(struct vly_octet_queue *queue);

__attribute__((nonnull)) void vly_octet_queue_free(struct vly_octet_queue *queue);

__attribute__((nonnull)) static inline const uint8_t *
vly_octet_queue_front(const struct vly_octet_queue *queue)
{
	return queue->octets + queue->at;
}

#endif
