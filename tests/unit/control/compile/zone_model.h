/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A zone as a list of records, in a name space so small that everything meets everything: it changes
 * at random, gives its records to the overlay compiler by looking through all of them, and is
 * compiled as a whole.
 */
#ifndef VLY_TEST_ZONE_MODEL_H
#define VLY_TEST_ZONE_MODEL_H

#include "compile/image_builder.h"
#include "random.h"

#define VLY_MODEL_RECORDS_MAX 400
#define VLY_MODEL_NAME_BYTES  48
#define VLY_MODEL_DATA_BYTES  64

/* Labels below the apex that names of records, and questions, have at most. */
#define VLY_MODEL_DEPTH 3

struct vly_model_record {
	uint8_t owner[VLY_MODEL_NAME_BYTES]; /* wire form, lower case */
	uint16_t type;
	uint32_t ttl;
	uint8_t data[VLY_MODEL_DATA_BYTES];
	unsigned data_len;
};

struct vly_model {
	const char *apex; /* "z." */
	uint32_t serial;
	unsigned cnt;
	struct vly_model_record record[VLY_MODEL_RECORDS_MAX]; /* the SOA first */
};

/* Two versions of a zone: what a source has. */
struct vly_model_pair {
	const struct vly_model *after;
	const struct vly_model *before;
	bool proves_covers; /* struct vly_overlay_change */
};

void vly_model_begin(struct vly_model *model, const char *apex, struct vly_test_random *random);

/* Adds an address. */
void vly_model_add_a(struct vly_model *model, const char *owner);

/* Adds and removes a few records, and increments the serial. */
void vly_model_change(struct vly_model *model, struct vly_test_random *random);

/* Changes the SOA in more than its numbers. */
void vly_model_change_soa(struct vly_model *model);

/* A name in wire form that is in the name space, or just out of it. Returns its octets. */
unsigned vly_model_random_name(const struct vly_model *model, struct vly_test_random *random,
			       unsigned depth, uint8_t name[VLY_MODEL_NAME_BYTES]);

/* How a zone denies names. All zero: with NSEC. */
struct vly_model_chain {
	bool nsec3;
	bool opt_out;
	uint16_t iterations;
	uint8_t salt_len; /* up to 4 */
};

/* The same zone, signed, but by no key: each signature is made of its RRset and `epoch`. */
void vly_model_sign(const struct vly_model *model, struct vly_model *into,
		    const struct vly_model_chain *chain, uint32_t epoch);

/* The zone file, on stderr: for failures. */
void vly_model_print(const struct vly_model *model);

/* Compiles all of it. */
void vly_model_compile(const struct vly_model *model, struct vly_image_builder *builder,
		       uint64_t version);

/* The pair as a source. */
struct vly_overlay_source vly_model_source(struct vly_model_pair *pair);

/* Compiles an overlay of what has changed between the versions of the pair, with its source or
 * another one. */
enum vly_overlay_result vly_model_add_overlay(const struct vly_model_pair *pair,
					      const struct vly_overlay_source *source,
					      struct vly_image_builder *builder, uint64_t version,
					      uint64_t below, struct vly_zone_report *report,
					      const char **why);

/* The same, which has to be possible; or a complete form is wanted. */
enum vly_overlay_result vly_model_compile_overlay(struct vly_model_pair *pair,
						  struct vly_image_builder *builder,
						  uint64_t version, uint64_t below);

/* Expects this of compiling an overlay, and the reason for a complete form to have `part`. */
void vly_model_expect_overlay(const struct vly_model_pair *pair, enum vly_overlay_result expected,
			      const char *part);

#endif
