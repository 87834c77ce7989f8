/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unready.h"

static vly_image_ref
append(struct vly_image_draft *draft, uint64_t bytes)
{
	uint64_t off = vly_arena_append(&draft->file, bytes, VLY_IMAGE_REF_BYTES);

	return off == 0 ? 0 : (vly_image_ref)((off - VLY_DRAFT_HEAP_OFF) / VLY_IMAGE_REF_BYTES);
}

static void *
at(struct vly_image_draft *draft, vly_image_ref ref)
{
	return draft->file.base + VLY_DRAFT_HEAP_OFF + (uint64_t)ref * VLY_IMAGE_REF_BYTES;
}

/* The answer for all names. */
static vly_image_ref
append_answer(struct vly_image_draft *draft, unsigned apex_len, enum vly_image_unready why)
{
	vly_image_ref ref = append(draft, sizeof(struct vly_image_answer));

	if (ref == 0)
		return 0;
	*(struct vly_image_answer *)at(draft, ref) = (struct vly_image_answer){
		.sum = why == VLY_UNREADY_NOT_LOADED ? VLY_EDE_NOT_READY : VLY_EDE_NONE,
		.anchor_len = (uint8_t)apex_len,
		.flags = VLY_ANSWER_FAILS | VLY_RCODE_SERVFAIL,
	};
	return ref;
}

static vly_image_ref
append_apex(struct vly_image_draft *draft, const struct vly_name *apex, vly_image_ref answer,
	    uint32_t zone_idx)
{
	vly_image_ref ref = append(draft, sizeof(struct vly_image_node) + apex->len);

	if (ref == 0)
		return 0;
	struct vly_image_node *node = at(draft, ref);
	*node = (struct vly_image_node){
		.zone = zone_idx,
		.name_len = apex->len,
		.flags = VLY_NODE_APEX | VLY_NODE_CUT,
		.other = answer,
	};
	memcpy(node->type, apex->lower, apex->len);
	return ref;
}

int
vly_compile_unready(struct vly_image_draft *draft, const struct vly_hash_key *key,
		    struct vly_name *apex, enum vly_image_unready why, uint32_t zone_idx,
		    struct vly_image_zone *compiled)
{
	vly_image_ref answer = append_answer(draft, apex->len, why);
	vly_image_ref node = answer != 0 ? append_apex(draft, apex, answer, zone_idx) : 0;
	uint64_t off = node != 0 ? vly_arena_append(&draft->names, sizeof(struct vly_image_name),
						    VLY_ARENA_REF_BYTES)
				 : 0;

	if (off == 0)
		return -1;
	vly_name_hash(apex, key);
	*(struct vly_image_name *)(draft->names.base + off) =
		(struct vly_image_name){apex->hash[0], node};
	draft->name_cnt++;
	*compiled = (struct vly_image_zone){
		.apex = node,
		.nxdomain = answer,
		.nodata = answer,
		.node_cnt = 1,
		.flags = VLY_IMAGE_UNREADY,
		.label_cnt = apex->label_cnt,
		.label_max = apex->label_cnt,
	};
	return 0;
}
