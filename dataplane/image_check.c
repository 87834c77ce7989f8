/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "image_check.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Octets behind a node's name that a comparison may read. */
#define NODE_SLACK_BYTES VLY_NAME_SLACK_BYTES

/* The largest pointer that can still grow by a whole name and stay a pointer. */
#define FIXABLE_POINTER_MAX (VLY_POINTER_MAX - VLY_NAME_BYTES_MAX)

#define ANSWER_FLAGS (VLY_ANSWER_RCODE | VLY_ANSWER_AA | VLY_ANSWER_REFERRAL | VLY_ANSWER_ROTATES)

/* Nodes are checked window by window of the heap: one fits into a core's own cache, and its pages
 * into the TLB. Smaller: more windows to sort into than there are lines in the first cache. */
#define WINDOW_BYTES (UINT64_C(1) << 20)

/* Nodes between a look at a node and its check: what a core can fetch meanwhile. */
#define NODES_AHEAD 12

struct checker {
	const struct vly_image *image;
	uint64_t heap_bytes;
	struct vly_image_error *error;
};

/* Of zones or buckets: those of one part. */
struct range {
	uint32_t begin;
	uint32_t end;
};

int
vly_image_refuse(struct vly_image_error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return -1;
}

static bool
heap_has(const struct checker *checker, vly_image_ref ref, uint64_t bytes)
{
	uint64_t off = (uint64_t)ref * VLY_IMAGE_REF_BYTES;

	return ref != 0 && off <= checker->heap_bytes && bytes <= checker->heap_bytes - off;
}

static int
check_fixes(const struct checker *checker, vly_image_ref ref, const struct vly_image_answer *answer)
{
	const uint8_t *wire = vly_image_answer_wire(answer);
	unsigned next = 0;

	for (unsigned i = 0; i < answer->fix_cnt; i++) {
		unsigned at = answer->fix[i];
		if (at < next || at + 2u > answer->wire_len)
			return vly_image_refuse(checker->error,
						"answer %u: pointer position %u is outside", ref,
						at);
		unsigned value = wire[at] << 8 | wire[at + 1];
		if (value < VLY_POINTER_TAG || value - VLY_POINTER_TAG > FIXABLE_POINTER_MAX)
			return vly_image_refuse(checker->error,
						"answer %u: no movable pointer at %u", ref, at);
		next = at + 2;
	}
	return 0;
}

static int
check_answer(const struct checker *checker, vly_image_ref ref, unsigned anchor_max)
{
	const struct vly_image_answer *answer;

	if (!heap_has(checker, ref, sizeof(*answer)))
		return vly_image_refuse(checker->error, "answer %u is outside the heap", ref);
	answer = vly_image_at(checker->image->heap, ref);
	uint64_t bytes = (uint64_t)vly_image_answer_wire_off(answer->fix_cnt) + answer->wire_len +
			 vly_image_answer_tail_bytes(answer) + VLY_IMAGE_SLACK_BYTES;
	if (!heap_has(checker, ref, bytes))
		return vly_image_refuse(checker->error, "answer %u runs out of the heap", ref);
	if (answer->keep_len > answer->wire_len ||
	    vly_image_answer_keep_arcount(answer) > answer->arcount)
		return vly_image_refuse(checker->error, "answer %u keeps more than it has", ref);
	if (answer->anchor_len == 0 || answer->anchor_len > anchor_max)
		return vly_image_refuse(checker->error, "answer %u: anchor of %u octets", ref,
					answer->anchor_len);
	if (answer->flags & ~ANSWER_FLAGS)
		return vly_image_refuse(checker->error, "answer %u: unknown flags 0x%x", ref,
					answer->flags);
	if ((answer->flags & VLY_ANSWER_ROTATES) &&
	    (answer->ancount == 0 || answer->fix_cnt != 0 ||
	     answer->wire_len % (2u * answer->ancount) != 0))
		return vly_image_refuse(checker->error, "answer %u can't rotate", ref);
	return check_fixes(checker, ref, answer);
}

static bool
name_is_valid(const uint8_t *name, unsigned len)
{
	unsigned pos = 0;

	while (pos < len && name[pos] != 0) {
		if (name[pos] > VLY_LABEL_BYTES_MAX)
			return false;
		pos += name[pos] + 1u;
	}
	return pos + 1 == len;
}

static int
check_node(const struct checker *checker, vly_image_ref ref)
{
	const struct vly_image_node *node;
	unsigned type_before = 0;

	if (!heap_has(checker, ref, sizeof(*node)))
		return vly_image_refuse(checker->error, "node %u is outside the heap", ref);
	node = vly_image_at(checker->image->heap, ref);
	if (!heap_has(checker, ref,
		      sizeof(*node) + node->type_cnt * sizeof(node->type[0]) + node->name_len +
			      NODE_SLACK_BYTES))
		return vly_image_refuse(checker->error, "node %u runs out of the heap", ref);
	if (node->zone >= checker->image->header->zone_cnt)
		return vly_image_refuse(checker->error, "node %u: no zone %u", ref, node->zone);
	if (node->flags & ~(VLY_NODE_APEX | VLY_NODE_CUT | VLY_NODE_DNAME))
		return vly_image_refuse(checker->error, "node %u: unknown flags 0x%x", ref,
					node->flags);
	if (!name_is_valid(vly_image_node_name(node), node->name_len))
		return vly_image_refuse(checker->error, "node %u: malformed name", ref);
	for (unsigned i = 0; i < node->type_cnt; i++) {
		if (node->type[i].type <= type_before)
			return vly_image_refuse(checker->error, "node %u: types out of order", ref);
		type_before = node->type[i].type;
		if (check_answer(checker, node->type[i].answer, node->name_len) != 0)
			return -1;
	}
	return check_answer(checker, node->other, node->name_len);
}

static int
check_zone(const struct checker *checker, uint32_t idx)
{
	const struct vly_image_zone *zone = &checker->image->zone[idx];
	const struct vly_image_node *apex;

	if (zone->flags != 0)
		return vly_image_refuse(checker->error, "zone %u: unknown flags 0x%x", idx,
					zone->flags);
	if (check_node(checker, zone->apex) != 0)
		return -1;
	apex = vly_image_at(checker->image->heap, zone->apex);
	if (apex->zone != idx || !(apex->flags & VLY_NODE_APEX))
		return vly_image_refuse(checker->error, "zone %u: node %u is not its apex", idx,
					zone->apex);
	if (zone->label_cnt > VLY_NAME_LABELS_MAX || zone->label_max > VLY_NAME_LABELS_MAX)
		return vly_image_refuse(checker->error, "zone %u: impossible label count", idx);
	if (apex->wildcard != 0 && check_node(checker, apex->wildcard) != 0)
		return -1;
	if (check_answer(checker, zone->nxdomain, apex->name_len) != 0)
		return -1;
	return check_answer(checker, zone->nodata, apex->name_len);
}

static int
check_reachable(const struct checker *checker, vly_image_ref ref)
{
	if (check_node(checker, ref) != 0)
		return -1;
	const struct vly_image_node *node = vly_image_at(checker->image->heap, ref);
	return node->wildcard == 0 ? 0 : check_node(checker, node->wildcard);
}

/* What buckets of a part refer to, ordered by window of the heap. */
struct windows {
	vly_image_ref *ref;
	uint64_t *end; /* [window]: where its refs end, in ref[] */
	uint64_t cnt;
};

static uint64_t
window_of(vly_image_ref ref)
{
	return (uint64_t)ref * VLY_IMAGE_REF_BYTES / WINDOW_BYTES;
}

/* Counts the nodes of each window, and checks the buckets themselves. */
static int
count_nodes(const struct checker *checker, struct range buckets, struct windows *windows)
{
	const struct vly_image *image = checker->image;

	for (uint32_t b = buckets.begin; b < buckets.end; b++) {
		const vly_image_ref *node = image->bucket[b].node;
		bool ended = false;
		for (unsigned i = 0; i < 8; i++) {
			if (ended && node[i] != 0)
				return vly_image_refuse(checker->error,
							"a bucket goes on behind its end");
			ended = node[i] == 0;
			if (ended)
				continue;
			if (!heap_has(checker, node[i], sizeof(struct vly_image_node)))
				return vly_image_refuse(checker->error,
							"node %u is outside the heap", node[i]);
			windows->end[window_of(node[i])]++;
		}
	}
	return 0;
}

static int
collect_nodes(const struct checker *checker, struct range buckets, struct windows *windows)
{
	const struct vly_image *image = checker->image;
	uint64_t total = 0;

	if (count_nodes(checker, buckets, windows) != 0)
		return -1;
	for (uint64_t w = 0; w < windows->cnt; w++) {
		uint64_t cnt = windows->end[w];
		windows->end[w] = total;
		total += cnt;
	}
	windows->ref = malloc((total + 1) * sizeof(*windows->ref));
	if (windows->ref == NULL)
		return vly_image_refuse(checker->error,
					"no memory to verify an image of %llu names",
					(unsigned long long)total);
	for (uint32_t b = buckets.begin; b < buckets.end; b++)
		for (unsigned i = 0; i < 8 && image->bucket[b].node[i] != 0; i++) {
			vly_image_ref ref = image->bucket[b].node[i];
			windows->ref[windows->end[window_of(ref)]++] = ref;
		}
	return 0;
}

static int
check_windows(const struct checker *checker, const struct windows *windows)
{
	uint64_t end = windows->cnt == 0 ? 0 : windows->end[windows->cnt - 1];

	for (uint64_t i = 0; i < end; i++) {
		if (i + NODES_AHEAD < end)
			__builtin_prefetch(
				vly_image_at(checker->image->heap, windows->ref[i + NODES_AHEAD]));
		if (check_reachable(checker, windows->ref[i]) != 0)
			return -1;
	}
	return 0;
}

/* Every node that a lookup can reach is in a bucket, is an apex, or is a wildcard of one of them.
 * Buckets have them in the order of their hashes, where each would be a miss of cache and TLB; so
 * they are put into the order of the heap, about. */
static int
check_buckets(const struct checker *checker, struct range buckets)
{
	struct windows windows = {.cnt = checker->heap_bytes / WINDOW_BYTES + 1};
	int result;

	windows.end = calloc(windows.cnt, sizeof(*windows.end));
	if (windows.end == NULL)
		return vly_image_refuse(checker->error, "no memory to verify an image");
	result = collect_nodes(checker, buckets, &windows);
	if (result == 0)
		result = check_windows(checker, &windows);
	free(windows.ref);
	free(windows.end);
	return result;
}

static struct range
range_of(uint32_t cnt, unsigned part, unsigned part_cnt)
{
	return (struct range){(uint32_t)((uint64_t)cnt * part / part_cnt),
			      (uint32_t)((uint64_t)cnt * (part + 1) / part_cnt)};
}

int
vly_image_check_part(const struct vly_image *image, unsigned part, unsigned part_cnt,
		     struct vly_image_error *error)
{
	const struct vly_image_header *header = image->header;
	const struct checker checker = {image, header->section[VLY_SECTION_HEAP].bytes, error};
	struct range zones = range_of(header->zone_cnt, part, part_cnt);

	for (uint32_t i = zones.begin; i < zones.end; i++)
		if (check_zone(&checker, i) != 0)
			return -1;
	return check_buckets(&checker, range_of(header->bucket_cnt, part, part_cnt));
}
