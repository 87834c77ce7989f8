/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "exception.h"

#include <stdlib.h>

#include <rte_ethdev.h>

#include "exception_parts.h"
#include "tap.h"

/* VLAN tags stay in the frames, in both directions. */
#define HEADERS_BYTES (VLY_ETHERNET_BYTES + VLY_VLAN_TAGS_MAX * VLY_VLAN_BYTES)

/* To the kernel, for each class and lcore. The thread empties a ring within a millisecond if it
 * gets a CPU; rings hold several milliseconds. Rates are those that a busy machine may need of a
 * class: scp at a gigabit a second is 80,000 packets. A packet and its answer take the kernel 5
 * to 10 µs. */
static const struct {
	unsigned slot_cnt;
	uint32_t per_s;
} classes[VLY_EXCEPTION_CLASS_CNT] = {
	[VLY_EXCEPTION_LINK] = {128, 10000},
	[VLY_EXCEPTION_ROUTING] = {128, 20000},
	[VLY_EXCEPTION_TCP] = {512, 100000},
	[VLY_EXCEPTION_OTHER] = {128, 10000},
};

/* Packets come in bursts. The rings do not hold longer ones. */
#define BURST_MS 10

/* Frames from the kernel that wait for the lcore. More wait in the queue of the tap. */
#define SEND_SLOT_CNT 256

/* At once, between two bursts of queries: copying and sending so many takes 3 µs. */
#define SEND_MAX 32

static int
create_rings(struct vly_exception *exception, unsigned frame_max)
{
	exception->from_kernel = vly_frame_ring_create(SEND_SLOT_CNT, frame_max);
	if (exception->from_kernel == NULL)
		return -1;
	for (unsigned i = 0; i < exception->queue_cnt; i++)
		for (unsigned class = 0; class < VLY_EXCEPTION_CLASS_CNT; class ++) {
			struct vly_frame_ring **ring = &exception->queue[i].ring[class];
			*ring = vly_frame_ring_create(classes[class].slot_cnt, frame_max);
			if (*ring == NULL)
				return -1;
		}
	return 0;
}

static struct vly_exception *
create(const struct vly_exception_plan *plan)
{
	unsigned queue_cnt = plan->spec->queue_cnt;
	struct vly_exception *exception = aligned_alloc(64, sizeof(*exception));

	if (exception == NULL)
		return NULL;
	memset(exception, 0, sizeof(*exception));
	exception->tap_fd = -1;
	exception->spec = plan->spec;
	exception->port_id = plan->port_id;
	exception->pool = plan->pool;
	exception->queue_cnt = queue_cnt;
	exception->queue = aligned_alloc(64, queue_cnt * sizeof(*exception->queue));
	if (exception->queue != NULL)
		memset(exception->queue, 0, queue_cnt * sizeof(*exception->queue));
	if (exception->queue == NULL || create_rings(exception, plan->mtu + HEADERS_BYTES) != 0) {
		vly_exception_close(exception);
		return NULL;
	}
	return exception;
}

struct vly_exception *
vly_exception_open(const struct vly_exception_plan *plan)
{
	const struct vly_port_spec *spec = plan->spec;
	struct vly_exception *exception = create(plan);

	if (exception == NULL) {
		vly_log_error("port %s: no memory for the rings to its interface %s", spec->name,
			      spec->kernel);
		return NULL;
	}
	exception->tap_fd = vly_tap_open(plan->spec, plan->addresses, plan->mac, plan->mtu);
	if (exception->tap_fd < 0) {
		vly_exception_close(exception);
		return NULL;
	}
	int error = vly_exception_thread_start(exception);
	if (error != 0) {
		vly_log_error("port %s: no thread for its interface %s: %s", spec->name,
			      spec->kernel, uv_strerror(error));
		vly_exception_close(exception);
		return NULL;
	}
	vly_log_info("port %s: other packets than queries go to the kernel through interface %s",
		     spec->name, spec->kernel);
	return exception;
}

struct vly_exception_queue *
vly_exception_queue_of(struct vly_exception *exception, unsigned queue_idx)
{
	return &exception->queue[queue_idx];
}

static void
copy_frame(struct vly_frame *frame, const struct rte_mbuf *mbuf)
{
	const void *octets = rte_pktmbuf_read(mbuf, 0, mbuf->pkt_len, frame->octet);

	/* rte_pktmbuf_read() copies only a frame of several segments */
	if (octets != frame->octet)
		memcpy(frame->octet, octets, mbuf->pkt_len);
	frame->bytes = mbuf->pkt_len;
}

enum vly_verdict
vly_exception_offer(struct vly_exception_queue *queue, const struct rte_mbuf *mbuf, uint32_t now)
{
	enum vly_exception_class class = vly_exception_classify(
		rte_pktmbuf_mtod(mbuf, const uint8_t *), rte_pktmbuf_data_len(mbuf));
	struct vly_rate rate = vly_rate_make(classes[class].per_s, BURST_MS);
	struct vly_frame_ring *ring = queue->ring[class];
	uint32_t *cell = &queue->cell[class];

	if (mbuf->pkt_len > ring->frame_max)
		return VLY_VERDICT_too_large;
	if (!vly_rate_has(*cell, now, rate, rate.cost))
		return VLY_VERDICT_exception_full;
	struct vly_frame *frame = vly_frame_ring_room(ring);
	if (frame == NULL)
		return VLY_VERDICT_exception_full;
	*cell = vly_rate_spend(*cell, now, rate, rate.cost);
	copy_frame(frame, mbuf);
	vly_frame_ring_put(ring);
	return VLY_VERDICT_pass;
}

/* Copies the oldest frames into packets of the queue's own pool; returns how many. */
static uint16_t
take_frames(struct vly_exception *exception, struct rte_mbuf *packet[SEND_MAX])
{
	struct vly_frame_ring *ring = exception->from_kernel;
	const struct vly_frame *frame;
	uint16_t cnt = 0;

	while (cnt < SEND_MAX && (frame = vly_frame_ring_first(ring)) != NULL) {
		struct rte_mbuf *mbuf = rte_pktmbuf_alloc(exception->pool);
		if (mbuf == NULL) /* the frame waits */
			break;
		void *octets = rte_pktmbuf_append(mbuf, (uint16_t)frame->bytes);
		if (octets == NULL) {
			rte_pktmbuf_free(mbuf);
			exception->sender.lost_cnt++;
		} else {
			memcpy(octets, frame->octet, frame->bytes);
			packet[cnt++] = mbuf;
		}
		vly_frame_ring_take(ring);
	}
	return cnt;
}

bool
vly_exception_send(struct vly_exception *exception)
{
	struct rte_mbuf *packet[SEND_MAX];

	if (vly_frame_ring_first(exception->from_kernel) == NULL)
		return false;
	uint16_t cnt = take_frames(exception, packet);
	uint16_t sent = rte_eth_tx_burst(exception->port_id, 0, packet, cnt);
	exception->sender.sent_cnt += sent;
	exception->sender.lost_cnt += cnt - sent;
	if (sent < cnt)
		rte_pktmbuf_free_bulk(packet + sent, cnt - sent);
	return true;
}

void
vly_exception_read(struct vly_exception *exception, struct vly_port_counters *counters)
{
	counters->to_kernel = __atomic_load_n(&exception->thread_cnt.written, __ATOMIC_RELAXED);
	counters->from_kernel = __atomic_load_n(&exception->sender.sent_cnt, __ATOMIC_RELAXED);
	counters->kernel_lost = __atomic_load_n(&exception->sender.lost_cnt, __ATOMIC_RELAXED) +
				__atomic_load_n(&exception->thread_cnt.refused, __ATOMIC_RELAXED);
	if (atomic_load_explicit(&exception->gone, memory_order_relaxed) && !exception->gone_told) {
		exception->gone_told = true;
		vly_log_error("port %s: its interface %s is gone: nothing goes to the kernel until "
			      "volley-dataplane is restarted",
			      exception->spec->name, exception->spec->kernel);
	}
}

void
vly_exception_close(struct vly_exception *exception)
{
	if (exception == NULL)
		return;
	vly_exception_thread_stop(exception);
	for (unsigned i = 0; exception->queue != NULL && i < exception->queue_cnt; i++)
		for (unsigned class = 0; class < VLY_EXCEPTION_CLASS_CNT; class ++)
			free(exception->queue[i].ring[class]);
	free(exception->queue);
	free(exception->from_kernel);
	if (exception->tap_fd >= 0)
		close(exception->tap_fd);
	free(exception);
}
