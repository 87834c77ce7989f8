/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <xxhash.h>

#include "image.h"

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

__attribute__((format(printf, 2, 3), cold)) static int
refuse(struct vly_image_error *error, const char *format, ...)
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
			return refuse(checker->error, "answer %u: pointer position %u is outside",
				      ref, at);
		unsigned value = wire[at] << 8 | wire[at + 1];
		if (value < VLY_POINTER_TAG || value - VLY_POINTER_TAG > FIXABLE_POINTER_MAX)
			return refuse(checker->error, "answer %u: no movable pointer at %u", ref,
				      at);
		next = at + 2;
	}
	return 0;
}

static int
check_answer(const struct checker *checker, vly_image_ref ref, unsigned anchor_max)
{
	const struct vly_image_answer *answer;

	if (!heap_has(checker, ref, sizeof(*answer)))
		return refuse(checker->error, "answer %u is outside the heap", ref);
	answer = vly_image_at(checker->image->heap, ref);
	uint64_t bytes = (uint64_t)vly_image_answer_wire_off(answer->fix_cnt) + answer->wire_len +
			 vly_image_answer_tail_bytes(answer) + VLY_IMAGE_SLACK_BYTES;
	if (!heap_has(checker, ref, bytes))
		return refuse(checker->error, "answer %u runs out of the heap", ref);
	if (answer->keep_len > answer->wire_len ||
	    vly_image_answer_keep_arcount(answer) > answer->arcount)
		return refuse(checker->error, "answer %u keeps more than it has", ref);
	if (answer->anchor_len == 0 || answer->anchor_len > anchor_max)
		return refuse(checker->error, "answer %u: anchor of %u octets", ref,
			      answer->anchor_len);
	if (answer->flags & ~ANSWER_FLAGS)
		return refuse(checker->error, "answer %u: unknown flags 0x%x", ref, answer->flags);
	if ((answer->flags & VLY_ANSWER_ROTATES) &&
	    (answer->ancount == 0 || answer->fix_cnt != 0 ||
	     answer->wire_len % (2u * answer->ancount) != 0))
		return refuse(checker->error, "answer %u can't rotate", ref);
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
		return refuse(checker->error, "node %u is outside the heap", ref);
	node = vly_image_at(checker->image->heap, ref);
	if (!heap_has(checker, ref,
		      sizeof(*node) + node->type_cnt * sizeof(node->type[0]) + node->name_len +
			      NODE_SLACK_BYTES))
		return refuse(checker->error, "node %u runs out of the heap", ref);
	if (node->zone >= checker->image->header->zone_cnt)
		return refuse(checker->error, "node %u: no zone %u", ref, node->zone);
	if (node->flags & ~(VLY_NODE_APEX | VLY_NODE_CUT | VLY_NODE_DNAME))
		return refuse(checker->error, "node %u: unknown flags 0x%x", ref, node->flags);
	if (!name_is_valid(vly_image_node_name(node), node->name_len))
		return refuse(checker->error, "node %u: malformed name", ref);
	for (unsigned i = 0; i < node->type_cnt; i++) {
		if (node->type[i].type <= type_before)
			return refuse(checker->error, "node %u: types out of order", ref);
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
		return refuse(checker->error, "zone %u: unknown flags 0x%x", idx, zone->flags);
	if (check_node(checker, zone->apex) != 0)
		return -1;
	apex = vly_image_at(checker->image->heap, zone->apex);
	if (apex->zone != idx || !(apex->flags & VLY_NODE_APEX))
		return refuse(checker->error, "zone %u: node %u is not its apex", idx, zone->apex);
	if (zone->label_cnt > VLY_NAME_LABELS_MAX || zone->label_max > VLY_NAME_LABELS_MAX)
		return refuse(checker->error, "zone %u: impossible label count", idx);
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

/* What buckets refer to, ordered by window of the heap. */
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
count_nodes(const struct checker *checker, struct windows *windows)
{
	const struct vly_image *image = checker->image;

	for (uint32_t b = 0; b < image->header->bucket_cnt; b++) {
		const vly_image_ref *node = image->bucket[b].node;
		bool ended = false;
		for (unsigned i = 0; i < 8; i++) {
			if (ended && node[i] != 0)
				return refuse(checker->error, "a bucket goes on behind its end");
			ended = node[i] == 0;
			if (ended)
				continue;
			if (!heap_has(checker, node[i], sizeof(struct vly_image_node)))
				return refuse(checker->error, "node %u is outside the heap",
					      node[i]);
			windows->end[window_of(node[i])]++;
		}
	}
	return 0;
}

static int
collect_nodes(const struct checker *checker, struct windows *windows)
{
	const struct vly_image *image = checker->image;
	uint64_t total = 0;

	if (count_nodes(checker, windows) != 0)
		return -1;
	for (uint64_t w = 0; w < windows->cnt; w++) {
		uint64_t cnt = windows->end[w];
		windows->end[w] = total;
		total += cnt;
	}
	windows->ref = malloc((total + 1) * sizeof(*windows->ref));
	if (windows->ref == NULL)
		return refuse(checker->error, "no memory to verify an image of %llu names",
			      (unsigned long long)total);
	for (uint32_t b = 0; b < image->header->bucket_cnt; b++)
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
check_buckets(const struct checker *checker)
{
	struct windows windows = {.cnt = checker->heap_bytes / WINDOW_BYTES + 1};
	int result;

	windows.end = calloc(windows.cnt, sizeof(*windows.end));
	if (windows.end == NULL)
		return refuse(checker->error, "no memory to verify an image");
	result = collect_nodes(checker, &windows);
	if (result == 0)
		result = check_windows(checker, &windows);
	free(windows.ref);
	free(windows.end);
	return result;
}

static uint64_t
checksum_of(const uint8_t *block, size_t bytes)
{
	struct vly_image_header header;
	XXH3_state_t *state = XXH3_createState();
	uint64_t sum;

	if (state == NULL)
		return 0;
	memcpy(&header, block, sizeof(header));
	header.checksum = 0;
	XXH3_64bits_reset(state);
	XXH3_64bits_update(state, &header, sizeof(header));
	XXH3_64bits_update(state, block + sizeof(header), bytes - sizeof(header));
	sum = XXH3_64bits_digest(state);
	XXH3_freeState(state);
	return sum;
}

static int
check_header(const struct vly_image_header *header, size_t bytes, struct vly_image_error *error)
{
	if (bytes < sizeof(*header))
		return refuse(error, "%zu octets are no image: its header alone has %zu", bytes,
			      sizeof(*header));
	if (header->magic == __builtin_bswap64(VLY_IMAGE_MAGIC))
		return refuse(error, "the image was made on a machine of the other byte order");
	if (header->magic != VLY_IMAGE_MAGIC)
		return refuse(error, "not a zone image (magic number %016llx)",
			      (unsigned long long)header->magic);
	if (header->version != VLY_IMAGE_VERSION || header->header_bytes != sizeof(*header))
		return refuse(
			error,
			"image version %u, but this volley-dataplane reads version %d: install "
			"the same release of both programs",
			header->version, VLY_IMAGE_VERSION);
	uint64_t huge_bytes = (header->image_bytes + VLY_IMAGE_HUGE_BYTES - 1) /
			      VLY_IMAGE_HUGE_BYTES * VLY_IMAGE_HUGE_BYTES;
	if (header->image_bytes > bytes || header->image_bytes < sizeof(*header) ||
	    (header->image_bytes != bytes && huge_bytes != bytes))
		return refuse(error, "the image has %zu octets instead of %llu: truncated?", bytes,
			      (unsigned long long)header->image_bytes);
	return 0;
}

static bool
is_zero(const uint8_t *at, size_t bytes)
{
	return bytes == 0 || (at[0] == 0 && memcmp(at, at + 1, bytes - 1) == 0);
}

static int
check_sections(const struct vly_image_header *header, size_t bytes, struct vly_image_error *error)
{
	for (unsigned i = 0; i < VLY_SECTION_CNT; i++) {
		const struct vly_image_section *section = &header->section[i];
		if (i > VLY_SECTION_HEAP && section->bytes != 0)
			return refuse(error, "section %u is not known to this version", i);
		if (section->off % VLY_IMAGE_ALIGN != 0 || section->off > bytes ||
		    section->bytes > bytes - section->off)
			return refuse(error, "section %u is outside the image", i);
	}
	const struct vly_image_section *section = header->section;
	if (section[VLY_SECTION_ZONES].bytes !=
	    header->zone_cnt * (uint64_t)sizeof(struct vly_image_zone))
		return refuse(error, "the zone section does not hold %u zones", header->zone_cnt);
	if (header->bucket_cnt == 0 ||
	    section[VLY_SECTION_BUCKETS].bytes !=
		    header->bucket_cnt * (uint64_t)sizeof(struct vly_image_bucket))
		return refuse(error, "the bucket section does not hold %u buckets",
			      header->bucket_cnt);
	if (header->probe_max == 0 || header->probe_max > header->bucket_cnt)
		return refuse(error, "a search of %u buckets is impossible", header->probe_max);
	return 0;
}

int
vly_image_verify(const void *block, size_t bytes, struct vly_image *image,
		 struct vly_image_error *error)
{
	const uint8_t *base = block;
	const struct vly_image_header *header = block;

	if (check_header(header, bytes, error) != 0)
		return -1;
	image->mapped_bytes = bytes;
	if (!is_zero(base + header->image_bytes, bytes - header->image_bytes))
		return refuse(error, "something stands behind the image's end");
	bytes = header->image_bytes;
	if (check_sections(header, bytes, error) != 0)
		return -1;
	if (checksum_of(base, bytes) != header->checksum)
		return refuse(error, "the checksum does not fit: the image is damaged");

	image->header = header;
	image->zone = (const void *)(base + header->section[VLY_SECTION_ZONES].off);
	image->bucket = (const void *)(base + header->section[VLY_SECTION_BUCKETS].off);
	image->heap = base + header->section[VLY_SECTION_HEAP].off;
	image->bucket_cnt = header->bucket_cnt;
	image->probe_max = header->probe_max;
	const struct checker checker = {image, header->section[VLY_SECTION_HEAP].bytes, error};
	if (header->reserved != 0)
		return refuse(error, "the header has a field that is not known to this version");
	for (uint32_t i = 0; i < header->zone_cnt; i++)
		if (check_zone(&checker, i) != 0)
			return -1;
	return check_buckets(&checker);
}

struct vly_image *
vly_image_open(int fd, uint64_t id, struct vly_image_error *error)
{
	struct stat stat;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & VLY_IMAGE_SEALS) != VLY_IMAGE_SEALS) {
		refuse(error, "the descriptor is not a sealed memfd");
		return NULL;
	}
	if (fstat(fd, &stat) != 0 || stat.st_size <= 0) {
		refuse(error, "the memfd is empty");
		return NULL;
	}
	struct vly_image *image = calloc(1, sizeof(*image));
	if (image == NULL) {
		refuse(error, "no memory for an image's description");
		return NULL;
	}
	size_t bytes = (size_t)stat.st_size;
	void *block = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (block == MAP_FAILED) {
		refuse(error, "cannot map %zu octets: %s", bytes, strerror(errno));
		free(image);
		return NULL;
	}
	if (vly_image_verify(block, bytes, image, error) != 0) {
		munmap(block, bytes);
		free(image);
		return NULL;
	}
	image->id = id;
	return image;
}

void
vly_image_close(struct vly_image *image)
{
	if (image == NULL)
		return;
	munmap((void *)(uintptr_t)image->header, image->mapped_bytes);
	free(image);
}
