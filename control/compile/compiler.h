/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the parts of the compiler alone, by file; each calls those below it: compile.c (walks the
 * zone, writes nodes), compile_answers.c (chooses and writes the answers of a node),
 * compile_choice.c (the alternatives of steered names), compile_chain.c (those of an alias), compile_additional.c (the additional section),
 * compile_store.c (appends answers to the image), compiler.c (errors, records).
 *
 * In a signed zone each node is compiled twice: its plain answers, then, with `dnssec` set, their
 * DO forms.
 */
#ifndef VLY_CONTROL_COMPILER_H
#define VLY_CONTROL_COMPILER_H

#include "answer.h"
#include "chain.h"
#include "compile.h"
#include "denial.h"
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

/* A type of the node at hand. */
struct vly_compiler_type {
	uint16_t type;
	vly_image_ref answer;
	vly_image_ref signed_answer;
};

struct vly_compiler {
	struct vly_image_draft *draft;
	struct vly_zone *zone;
	uint32_t zone_idx;
	const struct vly_compile_part *part; /* NULL: the whole zone is compiled */
	const uint8_t *state;                /* that of `part`, or NULL */
	struct vly_zone_report *report;
	struct vly_answer_writer *writer;
	struct vly_rrsets own; /* of the node at hand */
	struct vly_rrsets
		target; /* of the end of its CNAME chain, node target_idx; empty: of none so far */
	uint32_t target_idx;
	struct vly_rrsets hop; /* of a hop of its chain, node hop_idx; empty: of none so far */
	uint32_t hop_idx;
	struct vly_rrsets glue; /* of a host, node glue_idx; empty: of none so far */
	uint32_t glue_idx;
	struct vly_compiler_host *host;
	unsigned host_cnt;
	unsigned host_size;
	const struct vly_zone_record *soa;
	const struct vly_zone_record *blamed; /* when an answer is too large: a record of it */
	uint32_t blamed_idx;                  /* its node */
	uint32_t negative_ttl;                /* seconds */
	const struct vly_zone_record **soa_rrsig;
	unsigned soa_rrsig_cnt;
	bool size_reported; /* for the node at hand */
	vly_image_ref nodata;
	vly_image_ref nxdomain;
	vly_image_ref signed_nodata;
	vly_image_ref signed_nxdomain;
	vly_image_ref too_large; /* in place of answers that are; 0: there are none so far */
	bool by_wildcard; /* the node at hand, a wildcard, is asked with names that it stands for */
	struct vly_compiler_type *type; /* of the node at hand */
	unsigned type_cnt;
	unsigned type_size;
	vly_image_ref other;      /* of the node at hand: its plain answer for all other types */
	bool is_signed;           /* the zone */
	bool dnssec;              /* DO forms are written */
	bool in_wildcard;         /* the answer at hand is a wildcard's */
	bool proves_covers;       /* a DO form has pieces that cover a name */
	bool is_composed;         /* the node at hand does not list RRSIG and NSEC (image.h) */
	uint16_t insert_off;      /* of the referral at hand */
	vly_image_ref signed_any; /* for ANY, which the plain form does not list; 0: none */
	vly_image_ref piece[VLY_PIECES_MAX - 1]; /* that the DO form at hand needs */
	unsigned piece_cnt;
	const struct vly_steer_zone *steered;   /* the zone's steered names, or NULL */
	bool is_steered;                        /* the node at hand: refs are those of choices */
	vly_image_ref (*shared_choice)[2][256]; /* see compile_choice.c */
	struct vly_denial denial;
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

/* The RRSIG RRset of node `idx`, whose RRsets these are, if signatures of `type` belong into the
 * answer at hand; or NULL. */
__attribute__((nonnull)) const struct vly_rrset *
vly_compiler_signatures(const struct vly_compiler *compiler, const struct vly_rrsets *rrsets,
			uint32_t idx, uint16_t type);

/* Adds the records of an RRset to the answer, and those of `rrsigs` (may be NULL) that cover it;
 * `owner` as for struct vly_answer_record. */
__attribute__((nonnull(1, 4))) void vly_compiler_add_rrset(struct vly_compiler *compiler,
							   enum vly_section section,
							   const uint8_t *owner,
							   const struct vly_rrset *rrset,
							   const struct vly_rrset *rrsigs);

/* Adds the records of `rrsigs` (may be NULL) that cover `type`. */
__attribute__((nonnull(1))) void vly_compiler_add_rrsigs(struct vly_compiler *compiler,
							 enum vly_section section,
							 const uint8_t *owner, uint16_t type,
							 const struct vly_rrset *rrsigs);

/* Notes pieces for the DO form at hand: those of node `idx`. A plain answer has none. */
__attribute__((nonnull)) void vly_compiler_deny_type(struct vly_compiler *compiler, uint32_t idx);

/* Notes the piece that shows that the name of node `idx` does not exist, if the node was made for a
 * chain, and a wildcard provides what it has (chain.h). */
__attribute__((nonnull)) void vly_compiler_deny_copy(struct vly_compiler *compiler, uint32_t idx);

/* Notes the piece that shows that `name`, which a wildcard of node `encloser_idx` answers for, does
 * not exist. */
__attribute__((nonnull)) void vly_compiler_deny_match(struct vly_compiler *compiler,
						      uint32_t encloser_idx,
						      const struct vly_name *name);

/* Notes the piece that shows that node `idx`, or its closest provable encloser, exists. */
__attribute__((nonnull)) void vly_compiler_deny_encloser(struct vly_compiler *compiler,
							 uint32_t idx);

/* Notes the pieces that show that neither `name` nor a wildcard for it exists. */
__attribute__((nonnull)) void vly_compiler_deny_name(struct vly_compiler *compiler,
						     uint32_t encloser_idx,
						     const struct vly_name *name);

/* Begins an answer for node `idx`; a wildcard's is asked with names below its parent. */
__attribute__((nonnull)) void vly_compile_begin(struct vly_compiler *compiler, uint32_t idx,
						uint8_t flags);

/* Adds the SOA to the authority section. */
__attribute__((nonnull)) void vly_compile_add_negative(struct vly_compiler *compiler);

/* Adds the referral to the child zone at `cut_idx`, whose RRsets these are: authority section and
 * glue. Returns 0, or -1 on failure. */
__attribute__((nonnull)) int vly_compile_add_referral(struct vly_compiler *compiler,
						      uint32_t cut_idx,
						      const struct vly_rrsets *rrsets);

/* Appends the finished answer to the image. A DO form with the octets of `plain` (0: none) is not
 * appended: that one is returned. Returns 0 on failure. */
__attribute__((nonnull)) vly_image_ref vly_compile_store(struct vly_compiler *compiler,
							 vly_image_ref plain);

/* Appends the finished answer and lists it for `type`. Returns 0, or -1 on failure. */
__attribute__((nonnull)) int vly_compile_store_type(struct vly_compiler *compiler, uint16_t type);

/* Lists an answer for `type`, unless it is 0. Returns 0, or -1 on failure. */
__attribute__((nonnull)) int vly_compile_list_type(struct vly_compiler *compiler, uint16_t type,
						   vly_image_ref answer);

/* The same for a choice, of a steered node. */
__attribute__((nonnull)) int vly_compile_list_choice(struct vly_compiler *compiler, uint16_t type,
						     vly_image_ref choice);

/* Which kind of alternatives the node has for a type; NULL: that is not steered. */
__attribute__((nonnull)) const struct vly_steer_kind *
vly_compile_kind(const struct vly_compiler *compiler, uint32_t idx, uint16_t type);

/* Compiles the alternatives of a kind, and lists their choice for its type. Returns the choice; 0: failed. */
__attribute__((nonnull)) vly_image_ref
vly_compile_steered(struct vly_compiler *compiler, uint32_t idx, const struct vly_steer_kind *kind);

/* A choice with one answer; 0: failed, or the answer is. */
__attribute__((nonnull)) vly_image_ref vly_compile_only(struct vly_compiler *compiler,
							vly_image_ref answer);

/* The DO form listed for `type`; 0: none. */
__attribute__((nonnull)) vly_image_ref
vly_compile_listed_signed(const struct vly_compiler *compiler, uint16_t type);

/* Orders the list, once the node's answers in one form are in it. Returns 0, or -1 when there is no
 * memory. */
__attribute__((nonnull)) int vly_compile_finish_types(struct vly_compiler *compiler);

/* Compiles the answers of alias `idx` for what the end of its chain has. Returns the answer for all
 * other types; 0: failed. */
__attribute__((nonnull)) vly_image_ref vly_compile_alias(struct vly_compiler *compiler,
							 uint32_t idx);

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

/* Compiles all answers of node `idx`, whose records are in compiler->own, into compiler->type; with
 * compiler->dnssec the DO forms of these. Returns the answer for all other types; 0: failed. */
__attribute__((nonnull)) vly_image_ref vly_compile_answers(struct vly_compiler *compiler,
							   uint32_t idx);

#endif
