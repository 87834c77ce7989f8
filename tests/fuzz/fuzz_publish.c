/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Publish messages as control might send them: the first octet is the number of file
 * descriptors. Or, with an octet of 0xdf, what stands in a block of the defence from its first
 * field on, and from its table of prefixes on. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "guard/defence.h"
#include "publish/publish_decode.h"
#include "target.h"

#define HEAD_BYTES offsetof(struct vly_defence, rules.source_key)

static struct vly_defence block = {
	.magic = VLY_DEFENCE_MAGIC,
	.version = VLY_DEFENCE_VERSION,
	.total_bytes = sizeof(block),
	.responses = {.prefix4_bits = 24, .prefix6_bits = 56},
};

/* What was accepted must be as every reader takes it for granted. */
static void
expect_sound(const struct vly_defence *defence)
{
	const struct vly_policy_rules *rules = &defence->rules;
	struct vly_rate rate[VLY_SOURCE_LEVEL_CNT + VLY_RESPONSE_KIND_CNT + 1];

	memcpy(rate, rules->source.level, sizeof(rules->source.level));
	memcpy(rate + VLY_SOURCE_LEVEL_CNT, defence->responses.rate,
	       sizeof(defence->responses.rate));
	rate[VLY_SOURCE_LEVEL_CNT + VLY_RESPONSE_KIND_CNT] = rules->unserved;
	for (size_t i = 0; i < sizeof(rate) / sizeof(rate[0]); i++)
		if (rate[i].cost > rate[i].burst || rate[i].burst > INT32_MAX)
			abort();
	if (rules->source_mode > VLY_LIMIT_ON || defence->responses.mode > VLY_LIMIT_ON ||
	    defence->responses.prefix4_bits - 1 > 31 || defence->responses.prefix6_bits - 1 > 63 ||
	    (defence->cookies.enabled && !(defence->cookies.secret_mask & 1)))
		abort();
}

static void
check_defence(const uint8_t *data, size_t bytes)
{
	static uint8_t kept[HEAD_BYTES];
	size_t head = bytes < HEAD_BYTES ? bytes : HEAD_BYTES;
	size_t rest = bytes - head;

	memcpy(kept, &block, head);
	memcpy(&block, data, head);
	memcpy(&block.rules.prefixes, data + head, rest);
	if (vly_defence_check(&block) == NULL)
		expect_sound(&block);
	memcpy(&block, kept, head);
	memset(&block.rules.prefixes, 0, rest);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct vly_publish_request request;

	if (bytes == 0)
		return 0;
	if (data[0] == 0xdf && bytes - 1 <= HEAD_BYTES + sizeof(block.rules.prefixes)) {
		check_defence(data + 1, bytes - 1);
		return 0;
	}
	/* A block of the exact size, aligned: reads beyond it are seen. */
	uint64_t *message = malloc(bytes > 1 ? bytes - 1 : 1);
	memcpy(message, data + 1, bytes - 1);
	if (vly_publish_decode(message, bytes - 1, data[0] % 4, &request) == NULL) {
		const struct vly_publish_difference *difference = &request.difference;
		uint64_t sum = 0;
		for (uint32_t i = 0; i < difference->removed_cnt; i++)
			sum += difference->removed[i];
		for (uint32_t i = 0; i < difference->added_cnt; i++)
			sum += difference->added[i];
		if (request.type == VLY_PUBLISH_IMAGE && (request.image_id == 0 || sum != 0))
			abort();
	}
	free(message);
	return 0;
}
