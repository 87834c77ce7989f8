/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the parts of the compiler alone, by file; each calls those below it: compile.c (walks the
 * zone, writes nodes), compile_answers.c (chooses and writes the answers of a node),
 * compile_additional.c (the additional section), compiler.c (errors, records).
 */
#ifndef VLY_CONTROL_COMPILER_H
#define VLY_CONTROL_COMPILER_H

#include "answer.h"
#include "chain.h"
#include "compile.h"
#include "zone/rrset.h"

/* A host that records refer to. */
struct vly_compiler_host {
	const uint8_t *name; /* its owner, as for struct vly_answer_record */
	uint32_t node_idx;   /* that answers for it */
	uint16_t type;       /* wanted besides addresses, or 0 */
	uint8_t len;         /* octets of `name`; 0: it is the owner of the answer */
	bool addresses;      /* wanted */
};

/* Where an RRset in an answer comes from. */
struct vly_compiler_place {
	const uint8_t *owner; /* as for struct vly_answer_record */
	uint32_t node_idx;    /* that it was taken from */
	uint32_t cut_idx;     /* a referral's; VLY_ZONE_NONE: it is none */
};

struct vly_compiler {
	struct vly_image_draft *draft;
	struct vly_zone *zone;
	uint32_t zone_idx;
	struct vly_zone_report *report;
	struct vly_answer_writer *writer;
	struct vly_rrsets own; /* of the node at hand */
	struct vly_rrsets
		target; /* of the end of its CNAME chain, node target_idx; empty: of none so far */
	uint32_t target_idx;
	struct vly_rrsets glue; /* of a host, node glue_idx; empty: of none so far */
	uint32_t glue_idx;
	struct vly_compiler_host *host;
	unsigned host_cnt;
	unsigned host_size;
	const struct vly_zone_record *soa;
	const struct vly_zone_record *blamed; /* when an answer is too large: a record of it */
	uint32_t blamed_idx;                  /* its node */
	uint32_t negative_ttl;                /* seconds */
	vly_image_ref nodata;
	vly_image_ref nxdomain;
	vly_image_ref too_large; /* in place of answers that are; 0: there are none so far */
	bool by_wildcard; /* the node at hand, a wildcard, is asked with names that it stands for */
	struct vly_image_type *type; /* of the node at hand */
	unsigned type_cnt;
	unsigned type_size;
	struct vly_chain chain; /* of the alias at hand; not set before */
};

/* Notes why the zone can't be compiled, at the line of `record` unless that is NULL. Returns -1. */
__attribute__((nonnull(1, 3), cold)) int vly_compiler_fail(struct vly_compiler *compiler,
							   const struct vly_zone_record *record,
							   const char *text);

/* The same, when there is no memory. */
__attribute__((nonnull, cold)) int vly_compiler_fail_memory(struct vly_compiler *compiler);

/* Loads the RRsets of node `idx` that can be asked for. Returns 0, or -1 when there is no memory.
 */
__attribute__((nonnull)) int vly_compiler_load(struct vly_compiler *compiler,
					       struct vly_rrsets *rrsets, uint32_t idx);

/* Adds the records of an RRset to the answer; `owner` as for struct vly_answer_record. */
__attribute__((nonnull(1, 4))) void vly_compiler_add_rrset(struct vly_compiler *compiler,
							   enum vly_section section,
							   const uint8_t *owner,
							   const struct vly_rrset *rrset);

/* Reports that the answer at hand is too large for a message. Returns 0, or -1 when that is an
 * error. */
__attribute__((nonnull, cold)) int vly_compiler_report_size(struct vly_compiler *compiler,
							    const char *text);

/* Adds the glue that the referral to `cut_idx` with the name servers `ns` must have, as far as a
 * message has room. Returns 0, or -1 when there is no memory or not all of it fits and that is an
 * error. */
__attribute__((nonnull)) int vly_compile_glue(struct vly_compiler *compiler,
					      const struct vly_rrset *ns, uint32_t cut_idx);

/* Marks everything in the answer so far as mandatory, and adds optional records about the hosts
 * that `rrset` refers to. Returns 0, or -1 when there is no memory. */
__attribute__((nonnull)) int vly_compile_additional(struct vly_compiler *compiler,
						    const struct vly_rrset *rrset,
						    const struct vly_compiler_place *place);

/* Compiles the zone's NXDOMAIN or NODATA answer, once compiler->soa is set. 0: failed. */
__attribute__((nonnull)) vly_image_ref vly_compile_negative(struct vly_compiler *compiler,
							    enum vly_rcode rcode);

/* Compiles all answers of node `idx`, whose records are in compiler->own, into compiler->type.
 * Returns the answer for all other types; 0: failed. */
__attribute__((nonnull)) vly_image_ref vly_compile_answers(struct vly_compiler *compiler,
							   uint32_t idx);

#endif
