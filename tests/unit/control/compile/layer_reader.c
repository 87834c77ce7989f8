/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "layer_reader.h"

#include <stdio.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include <volley/checksum.h>

#include "server.h"
#include "zone/domain.h"
#include "zone/rdata.h"
#include "zone_model.h"

static const uint16_t types[] = {
	VLY_TYPE_A,  VLY_TYPE_NS,    VLY_TYPE_CNAME, VLY_TYPE_SOA, VLY_TYPE_MX,    VLY_TYPE_TXT,
	VLY_TYPE_DS, VLY_TYPE_DNAME, VLY_TYPE_AAAA,  VLY_TYPE_SRV, VLY_TYPE_HTTPS, VLY_TYPE_ANY,
};

enum place { AT_NODE, BELOW_CUT, BELOW_DNAME, AT_WILDCARD, NOWHERE };

/* Where a name's answers are from, and how that was found. */
struct found {
	enum place place;
	const struct vly_merge_layer *layer;
	const struct vly_image_node *node; /* NOWHERE: NULL */
};

struct vly_image *
vly_test_seal(struct vly_image_builder *builder)
{
	struct vly_image_error error = {{0}};
	struct vly_built_image built;
	static uint64_t id;

	cr_assert_eq(vly_image_builder_seal(builder, &built), 0);
	struct vly_image *image = vly_image_open(built.fd, ++id, NULL, &error);
	cr_assert_not_null(image, "%s", error.text);
	close(built.fd);
	return image;
}

static const struct vly_image_zone *
zone_of(const struct vly_merge_layer *layer)
{
	return &layer->image->zone[layer->zone_idx];
}

static const struct vly_image_node *
find_in_bucket(const struct vly_merge_layer *layer, const struct vly_image_bucket *bucket,
	       const struct vly_name *name, unsigned label)
{
	const unsigned len = vly_name_suffix_len(name, label);

	for (unsigned i = 0; i < 8 && bucket->node[i] != 0; i++) {
		const struct vly_image_node *node =
			vly_image_at(layer->image->heap, bucket->node[i]);
		if (bucket->tag[i] == vly_image_tag(name->hash[label]) &&
		    node->zone == layer->zone_idx && node->name_len == len &&
		    memcmp(vly_image_node_name(node), name->lower + name->start[label], len) == 0)
			return node;
	}
	return NULL;
}

static const struct vly_image_node *
find_in_layer(const struct vly_merge_layer *layer, const struct vly_name *name, unsigned label)
{
	const struct vly_image *image = layer->image;
	uint32_t at = vly_image_bucket_idx(name->hash[label], image->bucket_cnt);

	for (uint32_t probe = 0; probe < image->probe_max; probe++) {
		const struct vly_image_bucket *bucket =
			&image->bucket[(at + probe) % image->bucket_cnt];
		const struct vly_image_node *node = find_in_bucket(layer, bucket, name, label);
		if (node != NULL || !vly_image_bucket_overflows(bucket))
			return node;
	}
	return NULL;
}

/* The node of the newest layer that has one, unless it is gone. */
static bool
find_node(const struct vly_test_layers *layers, const struct vly_name *name, unsigned label,
	  struct found *found)
{
	for (unsigned i = layers->cnt; i-- > 0;) {
		found->layer = &layers->layer[i];
		found->node = find_in_layer(found->layer, name, label);
		if (found->node != NULL)
			return !(found->node->flags & VLY_NODE_GONE);
	}
	return false;
}

static void
find_name(const struct vly_test_layers *layers, const struct vly_name *name, struct found *found)
{
	unsigned label = 0;

	while (!find_node(layers, name, label, found))
		label++; /* ends at the apex, at the latest */
	const struct vly_image_node *node = found->node;
	if (label == 0) {
		found->place = AT_NODE;
	} else if (node->flags & VLY_NODE_CUT) {
		found->place = BELOW_CUT;
	} else if (node->flags & VLY_NODE_DNAME) {
		found->place = BELOW_DNAME;
	} else if (node->wildcard != 0) {
		found->place = AT_WILDCARD;
		found->node = vly_image_at(found->layer->image->heap, node->wildcard);
	} else {
		*found = (struct found){NOWHERE, &layers->layer[layers->cnt - 1], NULL};
	}
}

static vly_image_ref
answer_of_node(const struct vly_image_node *node, uint16_t type)
{
	for (unsigned i = 0; i < node->type_cnt; i++)
		if (node->type[i].type == type)
			return node->type[i].answer;
	return type == VLY_TYPE_ANY && node->type_cnt > 0 && !(node->flags & VLY_NODE_CUT)
		       ? node->type[0].answer
		       : node->other;
}

/* What is listed for the type: below a DNAME, the answer that the dataplane goes on with. */
static vly_image_ref
ref_of(const struct found *found, uint16_t type)
{
	vly_image_ref ref = found->place == NOWHERE     ? zone_of(found->layer)->nxdomain
			    : found->place == BELOW_CUT ? found->node->other
			    : found->place == BELOW_DNAME
				    ? answer_of_node(found->node, VLY_TYPE_DNAME)
				    : answer_of_node(found->node, type);

	return ref;
}

/* The alternatives of a steered name; NULL: there are none. */
static const struct vly_image_choice *
choice_of(const struct found *found, uint16_t type)
{
	return found->node != NULL && (found->node->flags & VLY_NODE_STEERED)
		       ? vly_image_at(found->layer->image->heap, ref_of(found, type))
		       : NULL;
}

static const struct vly_image_answer *
answer_of(const struct found *found, uint16_t type, unsigned alternative)
{
	const struct vly_image_choice *choice = choice_of(found, type);

	return vly_image_at(found->layer->image->heap,
			    choice != NULL ? choice->alt[alternative] : ref_of(found, type));
}

static const uint8_t *
soa_tail(const struct vly_merge_layer *layer)
{
	const struct vly_image_answer *nodata =
		vly_image_at(layer->image->heap, zone_of(layer)->nodata);

	return vly_image_answer_wire(nodata) + nodata->wire_len - VLY_SOA_TAIL_BYTES;
}

/* The octets of the answer, with what a newer SOA makes of them. */
static unsigned
write_answer(const struct vly_test_layers *layers, const struct found *found, uint16_t type,
	     unsigned alternative, uint8_t *to)
{
	const struct vly_merge_layer *newest = &layers->layer[layers->cnt - 1];
	const struct vly_image_answer *answer = answer_of(found, type, alternative);

	if (answer == vly_image_at(found->layer->image->heap, zone_of(found->layer)->nodata))
		answer = vly_image_at(newest->image->heap, zone_of(newest)->nodata);
	unsigned head = vly_image_answer_wire_off(answer->fix_cnt);
	unsigned bytes = head + answer->wire_len + vly_image_answer_tail_bytes(answer);
	uint8_t *tail = to + head + answer->wire_len - VLY_SOA_TAIL_BYTES;
	const uint8_t *wire = vly_image_answer_wire(answer);
	if (answer->sum != vly_sum_fold(vly_sum_octets(wire, answer->wire_len)))
		cr_assert_fail("a wrong sum");
	memcpy(to, answer, bytes);
	if (found->node != NULL && (found->node->flags & VLY_NODE_ALIAS) &&
	    answer->wire_len >= VLY_SOA_TAIL_BYTES &&
	    memcmp(tail, soa_tail(found->layer), VLY_SOA_TAIL_BYTES) == 0)
		memcpy(tail, soa_tail(newest), VLY_SOA_TAIL_BYTES);
	struct vly_image_answer *copy = (void *)to;
	copy->sum = vly_sum_fold(vly_sum_octets(to + head, answer->wire_len));
	return bytes;
}

static bool
agree_on_answer(const struct vly_test_layers *left, const struct found *of_left,
		const struct vly_test_layers *right, const struct found *of_right, uint16_t type,
		unsigned alternative)
{
	static uint8_t left_octets[UINT16_MAX * 2], right_octets[UINT16_MAX * 2];
	unsigned left_bytes = write_answer(left, of_left, type, alternative, left_octets);
	unsigned right_bytes = write_answer(right, of_right, type, alternative, right_octets);

	if (left_bytes == right_bytes && memcmp(left_octets, right_octets, left_bytes) == 0)
		return true;
	fprintf(stderr, "type %u: %u octets and %u octets, layers %u and %u", type, left_bytes,
		right_bytes, (unsigned)(of_left->layer - left->layer),
		(unsigned)(of_right->layer - right->layer));
	for (unsigned i = 0; i < left_bytes || i < right_bytes; i++)
		fprintf(stderr, "%s%02x/%02x", i % 16 == 0 ? "\n" : " ",
			i < left_bytes ? left_octets[i] : 0, i < right_bytes ? right_octets[i] : 0);
	fputc('\n', stderr);
	return false;
}

static bool
agree_on_type(const struct vly_test_layers *left, const struct found *of_left,
	      const struct vly_test_layers *right, const struct found *of_right, uint16_t type)
{
	const struct vly_image_choice *a = choice_of(of_left, type);
	const struct vly_image_choice *b = choice_of(of_right, type);
	const unsigned cnt = a != NULL ? a->alt_cnt : 1;
	bool agree = true;

	if ((a == NULL) != (b == NULL) ||
	    (a != NULL && (a->policy != b->policy || a->alt_cnt != b->alt_cnt))) {
		fprintf(stderr, "type %u: other alternatives\n", type);
		return false;
	}
	for (unsigned i = 0; i < cnt && agree; i++)
		agree = agree_on_answer(left, of_left, right, of_right, type, i);
	return agree;
}

static bool
agree_on(const struct vly_test_layers *left, const struct vly_test_layers *right,
	 const uint8_t *name, unsigned len)
{
	struct vly_name scanned;
	struct found of_left, of_right;
	char text[VLY_DOMAIN_TEXT_BYTES];
	bool agree = true;

	(void)!vly_rdata_scan_name(&scanned, name, len);
	vly_name_hash(&scanned, &vly_test_key);
	find_name(left, &scanned, &of_left);
	find_name(right, &scanned, &of_right);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) && agree; i++)
		agree = (of_left.place == BELOW_DNAME) == (of_right.place == BELOW_DNAME) &&
			agree_on_type(left, &of_left, right, &of_right, types[i]);
	if (!agree)
		fprintf(stderr, "%s\n", vly_domain_text(name, text));
	return agree;
}

static bool
agree_below(const struct vly_test_layers *left, const struct vly_test_layers *right, uint8_t *name,
	    unsigned at, unsigned depth)
{
	static const char labels[] = "abc*";

	if (!agree_on(left, right, name + at, VLY_MODEL_NAME_BYTES - at))
		return false;
	for (unsigned i = 0; depth > 0 && i < sizeof(labels) - 1; i++) {
		name[at - 2] = 1;
		name[at - 1] = (uint8_t)labels[i];
		if (!agree_below(left, right, name, at - 2, depth - 1))
			return false;
	}
	return true;
}

bool
vly_test_layers_agree(const struct vly_test_layers *left, const struct vly_test_layers *right,
		      const char *apex)
{
	uint8_t name[VLY_MODEL_NAME_BYTES];
	uint8_t wire[VLY_NAME_BYTES_MAX];
	unsigned len = vly_domain_wire(apex, wire);

	memcpy(name + sizeof(name) - len, wire, len);
	return agree_below(left, right, name, (unsigned)sizeof(name) - len, VLY_MODEL_DEPTH + 1);
}
