/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The compiler's own state, and its two halves: compile.c walks the zone and writes nodes,
 * compile_answers.c decides and writes the answers of one node. Nobody else includes this.
 */
#ifndef VLY_CONTROL_COMPILER_H
#define VLY_CONTROL_COMPILER_H

#include "answer.h"
#include "chain.h"
#include "compile.h"
#include "rrset.h"

struct vly_compiler {
	struct vly_image_draft *draft;
	struct vly_zone *zone;
	uint32_t zone_idx;
	struct vly_zone_report *report;
	struct vly_answer_writer *writer;
	struct vly_rrsets own;    /* of the node at hand */
	struct vly_rrsets target; /* of the end of its CNAME chain */
	struct vly_rrsets glue;
	struct vly_chain chain;
	const struct vly_zone_record *soa;
	const struct vly_zone_record *blamed; /* when an answer can't be: the last one tried */
	uint32_t negative_ttl;                /* seconds */
	vly_image_ref nodata;
	vly_image_ref nxdomain;
	bool by_wildcard; /* the node at hand, a wildcard, is asked with names that it stands for */
	struct vly_image_type *type; /* of the node at hand */
	unsigned type_cnt;
	unsigned type_size;
};

/* Notes why the zone can't be compiled, at the line of `record` unless that is NULL. Returns -1. */
__attribute__((nonnull(1, 3), cold)) int vly_compiler_fail(struct vly_compiler *compiler,
							   const struct vly_zone_record *record,
							   const char *text);

/* The same for want of memory. */
__attribute__((nonnull, cold)) int vly_compiler_fail_memory(struct vly_compiler *compiler);

/* Compiles the zone's NXDOMAIN or NODATA answer, once compiler->soa is set. 0: failed. */
__attribute__((nonnull)) vly_image_ref vly_compile_negative(struct vly_compiler *compiler,
							    enum vly_rcode rcode);

/* Compiles all answers of node `idx`, whose records are in compiler->own, into compiler->type.
 * Returns the answer for all other types; 0: failed. */
__attribute__((nonnull)) vly_image_ref vly_compile_answers(struct vly_compiler *compiler,
							   uint32_t idx);

#endif
