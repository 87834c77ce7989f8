/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream_answer.h"

#include <string.h>

#include <rte_cycles.h>

#include "base/wire.h"
#include "guard/defence.h"

/* The stages before writing. The messages stay in the place where they were read. */
static void
look_up(struct vly_stream_answerer *answerer, const struct vly_stream_asker *asker,
	const struct vly_stream_message *message, unsigned cnt)
{
	const struct vly_table *table = vly_table_live();

	for (unsigned i = 0; i < cnt; i++) {
		struct vly_query *query = &answerer->query[i];
		query->message = message[i].octets;
		query->message_len = message[i].bytes;
		query->room = VLY_MESSAGE_BYTES_MAX;
		query->limit_max = answerer->limit_max;
		query->limit = query->room;
		query->stream = true;
		query->keepalive = asker->keepalive;
		query->client_is_ipv4 = asker->ipv4;
		query->frame_off = 0;
		query->client = asker->address;
	}
	atomic_store_explicit(&answerer->held_cnt, cnt, memory_order_relaxed);
	vly_guard_begin(&answerer->guard, vly_defence_live(), rte_rdtsc());
	vly_steering_begin(&answerer->steering, vly_steer_live());
	vly_query_look_up(answerer->query, cnt, table);
}

/* Writes the response in place of a copy of the query: a response may be longer than its query, and
 * must not cover the next one. */
static void
write_one(struct vly_stream_answerer *answerer, const struct vly_stream_asker *asker,
	  struct vly_query *query)
{
	struct vly_lcore_counters *counters = &answerer->counters->answers;
	uint8_t *prefix = answerer->out + answerer->out_bytes;

	query->message =
		memcpy(prefix + VLY_STREAM_PREFIX_BYTES, query->message, query->message_len);
	vly_query_write(query, 1, &answerer->guard, counters);
	counters->rx_packets++;
	counters->rx_bytes += query->message_len;
	counters->queries_ipv4 += asker->ipv4;
	counters->queries_ipv6 += !asker->ipv4;
	if (query->response_len == 0)
		return;
	vly_put_be16(prefix, query->response_len);
	answerer->out_bytes += VLY_STREAM_PREFIX_BYTES + query->response_len;
	counters->tx_packets++;
	counters->tx_bytes += query->response_len;
}

unsigned
vly_stream_answer(struct vly_stream_answerer *answerer, const struct vly_stream_asker *asker,
		  const struct vly_stream_message *message, unsigned cnt)
{
	unsigned done = 0;

	rcu_thread_online();
	look_up(answerer, asker, message, cnt);
	while (done < cnt && VLY_STREAM_OUT_BYTES - answerer->out_bytes >=
				     VLY_STREAM_PREFIX_BYTES + VLY_MESSAGE_BYTES_MAX)
		write_one(answerer, asker, &answerer->query[done++]);
	rcu_thread_offline();
	atomic_store_explicit(&answerer->held_cnt, 0, memory_order_relaxed);
	answerer->counters->answers.bursts++;
	return done;
}
