/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Steered names: an answer for each alternative, and the choices that list them (volley/image.h). */
#include <stdlib.h>

#include "compile_steer.h"
#include "compiler.h"

/* Appends a choice. Returns 0 when there is no memory. */
static vly_image_ref
append_choice(struct vly_compiler *compiler, uint64_t policy, const vly_image_ref *alt,
	      unsigned cnt)
{
	struct vly_arena *file = &compiler->draft->file;
	const uint64_t bytes = sizeof(struct vly_image_choice) + cnt * sizeof(alt[0]);
	uint64_t off = vly_arena_append(file, bytes, VLY_IMAGE_REF_BYTES);

	if (off == 0) {
		(void)vly_compiler_fail_memory(compiler);
		return 0;
	}
	struct vly_image_choice *choice = (void *)(file->base + off);
	*choice = (struct vly_image_choice){.policy = policy, .alt_cnt = (uint16_t)cnt};
	memcpy(choice->alt, alt, cnt * sizeof(alt[0]));
	return (vly_image_ref)((off - VLY_DRAFT_HEAP_OFF) / VLY_IMAGE_REF_BYTES);
}

vly_image_ref
vly_compile_only(struct vly_compiler *compiler, vly_image_ref answer)
{
	return answer != 0 ? append_choice(compiler, 0, &answer, 1) : 0;
}

static vly_image_ref
compile_alternative(struct vly_compiler *compiler, uint32_t idx, const struct vly_steer_kind *kind,
		    unsigned number)
{
	const uint16_t type = vly_steer_rr_type[kind->type];
	struct vly_steer_alternative alternative;

	vly_steer_alternative(compiler->draft->steer, kind, number, &alternative);
	if (alternative.cnt == 0)
		return compiler->nodata;
	compiler->blamed = compiler->soa;
	compiler->blamed_idx = idx;
	vly_compile_begin(compiler, idx, VLY_ANSWER_AA);
	for (unsigned i = 0; i < alternative.cnt; i++)
		vly_answer_add(compiler->writer, VLY_SECTION_ANSWER,
			       &(struct vly_answer_record){
				       .owner = NULL,
				       .type = type,
				       .ttl = alternative.ttl,
				       .data = alternative.record[i]->data,
				       .data_len = alternative.record[i]->len,
			       });
	if (alternative.cnt > 1 && (type == VLY_TYPE_A || type == VLY_TYPE_AAAA))
		compiler->writer->flags |= VLY_ANSWER_ROTATES;
	return vly_compile_store(compiler, 0);
}

/* Answers that have no name in them are the same for all names of one length, and wildcards of one depth.
 * Returns where the choice of such names is noted; NULL: nowhere. */
static vly_image_ref *
shared_place(struct vly_compiler *compiler, uint32_t idx, const struct vly_steer_kind *kind)
{
	const struct vly_zone_node *node = &compiler->zone->node[idx];
	const bool is_wildcard =
		node->parent != VLY_ZONE_NONE && compiler->zone->node[node->parent].wildcard == idx;
	const unsigned place = (unsigned)(kind - compiler->draft->steer->kind);
	unsigned len;

	if (kind->type != VLY_STEER_A && kind->type != VLY_STEER_AAAA &&
	    kind->type != VLY_STEER_TXT)
		return NULL;
	if (!compiler->shared_choice)
		compiler->shared_choice =
			calloc(compiler->draft->steer->kind_cnt, sizeof(*compiler->shared_choice));
	if (!compiler->shared_choice)
		return NULL;
	vly_zone_node_name(compiler->zone, is_wildcard ? node->parent : idx, &len);
	return &compiler->shared_choice[place][is_wildcard][len & 255];
}

static vly_image_ref
compile_choice(struct vly_compiler *compiler, uint32_t idx, const struct vly_steer_kind *kind)
{
	vly_image_ref *shared = shared_place(compiler, idx, kind);
	vly_image_ref result = 0;

	if (shared && *shared != 0)
		return *shared;
	vly_image_ref *alt = malloc(kind->alt_cnt * sizeof(*alt));
	if (!alt) {
		(void)vly_compiler_fail_memory(compiler);
		return 0;
	}
	unsigned i = 0;
	while (i < kind->alt_cnt && (alt[i] = compile_alternative(compiler, idx, kind, i)) != 0)
		i++;
	if (i == kind->alt_cnt)
		result = append_choice(compiler, kind->key, alt, kind->alt_cnt);
	free(alt);
	if (shared)
		*shared = result;
	return result;
}

const struct vly_steer_kind *
vly_compile_kind(const struct vly_compiler *compiler, uint32_t idx, uint16_t type)
{
	const struct vly_steer_model *model = compiler->draft->steer;
	unsigned len;
	const uint8_t *wire = vly_zone_node_name(compiler->zone, idx, &len);
	const struct vly_steer_name *name =
		compiler->steered ? vly_steer_zone_find(compiler->steered, wire, len) : NULL;

	for (unsigned i = 0; name && i < name->type_cnt; i++)
		if (vly_steer_rr_type[model->kind[name->kind[i]].type] == type)
			return &model->kind[name->kind[i]];
	return NULL;
}

vly_image_ref
vly_compile_steered(struct vly_compiler *compiler, uint32_t idx, const struct vly_steer_kind *kind)
{
	vly_image_ref choice = compile_choice(compiler, idx, kind);

	return vly_compile_list_choice(compiler, vly_steer_rr_type[kind->type], choice) == 0
		       ? choice
		       : 0;
}
