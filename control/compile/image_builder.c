/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "image_builder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compile_steer.h"
#include "image_builder_parts.h"
#include "store/image_index.h"
#include "unready.h"
#include "zone/domain.h"
#include "zone/zone_check.h"
#include "zone/zone_file.h"

/* An image up to here is cleared in place; the memory of a larger one goes back to the system. Larger:
 * more memory that waits for the next large zone. Smaller: more system calls. */
#define CLEARED_BYTES_MAX (UINT64_C(1) << 20)

/* The first ref of the heap is never used: 0 means none. */
#define HEAP_BEGIN (VLY_DRAFT_HEAP_OFF + VLY_IMAGE_REF_BYTES)

static int
open_draft(struct vly_image_builder *builder)
{
	struct vly_image_draft *draft = &builder->draft;

	return vly_arena_open(&draft->names, -1, VLY_IMAGE_ALIGN) == 0
		       ? vly_arena_open(&draft->file, builder->fd, HEAP_BEGIN)
		       : -1;
}

struct vly_image_builder *
vly_image_builder_new(const struct vly_hash_key *key)
{
	struct vly_image_builder *builder = calloc(1, sizeof(*builder));

	if (builder == NULL)
		return NULL;
	builder->key = *key;
	builder->fd = memfd_create("volley-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (builder->fd >= 0 && open_draft(builder) == 0)
		return builder;
	int saved = errno;
	vly_image_builder_free(builder);
	errno = saved;
	return NULL;
}

int
vly_image_builder_clear(struct vly_image_builder *builder)
{
	struct vly_image_draft *draft = &builder->draft;

	builder->zone_cnt = 0;
	draft->name_cnt = 0;
	if (draft->file.size + draft->names.size <= CLEARED_BYTES_MAX) {
		vly_arena_rewind(&draft->file, HEAP_BEGIN);
		vly_arena_rewind(&draft->names, VLY_IMAGE_ALIGN);
		return 0;
	}
	vly_arena_close(&draft->file);
	vly_arena_close(&draft->names);
	return ftruncate(builder->fd, 0) == 0 ? open_draft(builder) : -1;
}

void
vly_image_builder_free(struct vly_image_builder *builder)
{
	if (builder == NULL)
		return;
	vly_arena_close(&builder->draft.file);
	vly_arena_close(&builder->draft.names);
	if (builder->fd >= 0)
		close(builder->fd);
	vly_steer_model_put(builder->draft.steer);
	free(builder->zone);
	free(builder->includes);
	vly_zone_scanner_free(&builder->scanner);
	free(builder);
}

void
vly_image_builder_answer_any_all(struct vly_image_builder *builder)
{
	builder->draft.any_all = true;
}

void
vly_image_builder_answer_additional_none(struct vly_image_builder *builder)
{
	builder->draft.additional_none = true;
}

void
vly_image_builder_steer(struct vly_image_builder *builder, struct vly_steer_model *model)
{
	vly_steer_model_put(builder->draft.steer);
	builder->draft.steer = vly_steer_model_get(model);
}

void
vly_image_builder_check_signed(struct vly_image_builder *builder,
			       const struct vly_dnssec_settings *settings)
{
	builder->dnssec = *settings;
	builder->checks_signed = true;
}

uint32_t
vly_image_builder_node_cnt(const struct vly_image_builder *builder)
{
	return builder->zone_cnt > 0 ? builder->zone[builder->zone_cnt - 1].node_cnt : 0;
}

uint32_t
vly_image_builder_zone_cnt(const struct vly_image_builder *builder)
{
	return builder->zone_cnt;
}

uint64_t
vly_image_builder_bytes(const struct vly_image_builder *builder)
{
	return builder->draft.file.used;
}

char *
vly_image_builder_take_includes(struct vly_image_builder *builder)
{
	char *includes = builder->includes;

	builder->includes = NULL;
	return includes;
}

static struct vly_image_zone *
next_zone(struct vly_image_builder *builder)
{
	if (builder->zone_cnt == builder->zone_size) {
		uint32_t size = builder->zone_size == 0 ? 4 : builder->zone_size * 2;
		void *zone = realloc(builder->zone, size * sizeof(*builder->zone));
		if (zone == NULL)
			return NULL;
		builder->zone = zone;
		builder->zone_size = size;
	}
	return &builder->zone[builder->zone_cnt];
}

/* Leaves errno as it is, which says why the zone is not added. */
static void
rewind_to(struct vly_image_builder *builder, const struct vly_image_draft *before)
{
	struct vly_image_draft *draft = &builder->draft;
	int saved = errno;

	vly_arena_rewind(&draft->file, before->file.used);
	vly_arena_rewind(&draft->names, before->names.used);
	draft->name_cnt = before->name_cnt;
	errno = saved;
}

/* The zone at hand has been compiled. */
static void
take_zone(struct vly_image_builder *builder, const struct vly_zone_report *report,
	  struct vly_zone_info *info)
{
	const struct vly_image_zone *compiled = &builder->zone[builder->zone_cnt++];

	*info = (struct vly_zone_info){
		.serial = compiled->serial,
		.record_cnt = compiled->record_cnt,
		.node_cnt = compiled->node_cnt,
		.warning_cnt = report->warning_cnt,
		.is_signed = compiled->signed_nodata != 0,
		.proves_covers = (compiled->flags & VLY_IMAGE_PROVES_COVERS) != 0,
	};
}

static int
report_no_memory(struct vly_zone_report *report, const char *file)
{
	vly_zone_report_add(report, VLY_ZONE_CHECK_must, file, 0, "out of memory");
	return -1;
}

/* Compiles a zone that has been found good; on failure the draft is as it was before. */
static int
add_zone(struct vly_image_builder *builder, struct vly_zone *zone, struct vly_zone_report *report,
	 struct vly_zone_info *info)
{
	const struct vly_image_draft before = builder->draft;
	struct vly_image_zone *compiled = next_zone(builder);

	if (compiled == NULL)
		return report_no_memory(report, zone->file[0]);
	if (vly_compile_zone(&builder->draft, zone, builder->zone_cnt, compiled, report) != 0) {
		rewind_to(builder, &before);
		return -1;
	}
	take_zone(builder, report, info);
	return 0;
}

/* Notes the files that the zone was read from. If the stamp of one can't be described or trusted,
 * the zone's own stamp becomes invalid. */
static void
note_files(struct vly_image_builder *builder, const struct vly_zone *zone,
	   struct vly_zone_info *info)
{
	struct vly_index_text text = {0};
	bool known = true;

	for (unsigned i = 1; i < zone->file_cnt; i++)
		known &= zone->stamp[i].inode != 0 &&
			 vly_index_add_include(&text, &zone->stamp[i], zone->file[i]);
	info->stamp = zone->stamp[0];
	if (!known || text.failed)
		info->stamp.inode = 0;
	free(builder->includes);
	builder->includes = text.text;
}

int
vly_image_builder_add_file(struct vly_image_builder *builder, const char *name, const char *path,
			   struct vly_load_progress *progress, struct vly_zone_report *report,
			   struct vly_zone_info *info)
{
	struct vly_dnssec_facts facts = {0};
	struct vly_zone zone;

	if (vly_zone_read_file(&zone, &builder->scanner, &builder->key, name, path, progress,
			       report) != 0)
		return -1;
	vly_zone_check(&zone, report);
	if (vly_compile_steer_prepare(&zone, builder->draft.steer, false, report) != 0)
		; /* it has an error, too */
	else if (builder->checks_signed && report->error_cnt == 0)
		vly_dnssec_check(&zone, &builder->dnssec, report, &facts);
	int result = report->error_cnt == 0 ? add_zone(builder, &zone, report, info) : -1;
	if (result == 0) {
		info->expiry_s = facts.expiry_s;
		info->margin_s = facts.margin_s;
		note_files(builder, &zone, info);
	}
	vly_zone_free(&zone);
	return result;
}

int
vly_image_builder_add_zone(struct vly_image_builder *builder, struct vly_zone *zone,
			   uint64_t version, struct vly_zone_report *report,
			   struct vly_zone_info *info)
{
	vly_zone_check(zone, report);
	return report->error_cnt == 0
		       ? vly_image_builder_add_checked(builder, zone, version, report, info)
		       : -1;
}

int
vly_image_builder_add_checked(struct vly_image_builder *builder, struct vly_zone *zone,
			      uint64_t version, struct vly_zone_report *report,
			      struct vly_zone_info *info)
{
	int result = vly_compile_steer_prepare(zone, builder->draft.steer, true, report);
	if (result == 0)
		result = add_zone(builder, zone, report, info);
	vly_compile_steer_undo(zone, builder->draft.steer); /* callers go on to store the records */
	if (result != 0)
		return -1;
	builder->zone[builder->zone_cnt - 1].version = version;
	return 0;
}

enum vly_overlay_result
vly_image_builder_add_overlay(struct vly_image_builder *builder,
			      const struct vly_overlay_source *source,
			      const struct vly_overlay_change *change,
			      struct vly_zone_report *report, struct vly_zone_info *info,
			      const char **why)
{
	const struct vly_image_draft before = builder->draft;
	struct vly_image_zone *compiled = next_zone(builder);

	if (compiled == NULL) {
		report_no_memory(report, "update");
		return VLY_OVERLAY_FAILED;
	}
	enum vly_overlay_result result =
		vly_compile_overlay(&builder->draft, &builder->key, source, change,
				    builder->zone_cnt, compiled, report, why);
	if (result == VLY_OVERLAY_DONE)
		take_zone(builder, report, info);
	else
		rewind_to(builder, &before);
	return result;
}

int
vly_image_builder_add_unready(struct vly_image_builder *builder, const char *apex,
			      enum vly_image_unready why)
{
	const struct vly_image_draft before = builder->draft;
	struct vly_image_zone *compiled = next_zone(builder);
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	char text[VLY_DOMAIN_TEXT_BYTES];
	struct vly_name name;

	if (compiled == NULL)
		return -1;
	if (vly_domain_canonical(apex, text) != NULL ||
	    vly_name_scan(&name, wire, vly_domain_wire(text, wire)) == 0) {
		errno = EINVAL;
		return -1;
	}
	if (vly_compile_unready(&builder->draft, &builder->key, &name, why, builder->zone_cnt,
				compiled) != 0) {
		rewind_to(builder, &before);
		return -1;
	}
	builder->zone_cnt++;
	return 0;
}

int
vly_image_builder_add_layers(struct vly_image_builder *builder, const struct vly_merge_layer *layer,
			     unsigned layer_cnt)
{
	const struct vly_image_draft before = builder->draft;
	struct vly_image_zone *copied = next_zone(builder);

	if (copied == NULL)
		return -1;
	if (vly_merge_layers(&builder->draft, &builder->key, layer, layer_cnt, builder->zone_cnt,
			     copied) != 0) {
		rewind_to(builder, &before);
		return -1;
	}
	builder->zone_cnt++;
	return 0;
}
