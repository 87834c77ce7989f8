/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Appends finished answers to the image, and lists them for types. */
#include <stdlib.h>

#include <volley/checksum.h>

#include "compiler.h"
#include "zone/rdata.h"

static void
make_head(const struct vly_compiler *compiler, struct vly_image_answer *head)
{
	const struct vly_answer_writer *writer = compiler->writer;
	bool moves_additional =
		compiler->dnssec && compiler->in_wildcard && writer->insert_off < writer->wire_len;
	uint8_t flags = writer->flags;

	/* pieces of the query's own go to the same place */
	if (compiler->piece_cnt > 0 || moves_additional)
		flags |= VLY_ANSWER_PROVED;
	*head = (struct vly_image_answer){
		.wire_len = (uint16_t)writer->wire_len,
		.keep_len = writer->keep_len,
		.ancount = writer->count[VLY_SECTION_ANSWER],
		.nscount = writer->count[VLY_SECTION_AUTHORITY],
		.arcount = writer->count[VLY_SECTION_ADDITIONAL],
		.sum = vly_sum_fold(vly_sum_octets(writer->wire, writer->wire_len)),
		.fix_cnt = (uint16_t)writer->fix_cnt,
		.anchor_len = writer->anchor_len,
		.flags = flags,
	};
}

/* Whether the answer at hand has the same octets as `plain`. What is kept follows from what is
 * written. */
static bool
is_same(const struct vly_compiler *compiler, vly_image_ref plain,
	const struct vly_image_answer *head)
{
	const struct vly_answer_writer *writer = compiler->writer;
	const uint8_t *heap = compiler->draft->file.base + VLY_DRAFT_HEAP_OFF;
	const struct vly_image_answer *other = vly_image_at(heap, plain);

	return memcmp(head, other, sizeof(*head)) == 0 &&
	       memcmp(writer->fix, other->fix, writer->fix_cnt * sizeof(other->fix[0])) == 0 &&
	       memcmp(writer->wire, vly_image_answer_wire(other), writer->wire_len) == 0;
}

static void
write_proof(const struct vly_compiler *compiler, struct vly_image_answer *answer)
{
	struct vly_image_proof *proof =
		(void *)((uint8_t *)answer + vly_image_answer_proof_off(answer));

	proof->insert_off = compiler->writer->insert_off;
	proof->piece_cnt = (uint16_t)compiler->piece_cnt;
	memcpy(proof->piece, compiler->piece, compiler->piece_cnt * sizeof(proof->piece[0]));
}

/* Appends the finished answer to the heap. All of it is kept, unless a part was marked as optional.
 * Returns 0 when there is no memory. */
static vly_image_ref
append_answer(struct vly_compiler *compiler, vly_image_ref plain)
{
	struct vly_answer_writer *writer = compiler->writer;
	struct vly_arena *file = &compiler->draft->file;

	if (!writer->kept)
		vly_answer_keep(writer);
	struct vly_image_answer head;
	make_head(compiler, &head);
	if (plain != 0 && is_same(compiler, plain, &head))
		return plain;
	unsigned wire_off = vly_image_answer_wire_off(head.fix_cnt);
	unsigned tail = vly_image_answer_tail_bytes(&head);
	unsigned bytes = wire_off + writer->wire_len + tail;
	if (head.flags & VLY_ANSWER_PROVED)
		bytes = vly_image_answer_proof_off(&head) + sizeof(struct vly_image_proof) +
			compiler->piece_cnt * (unsigned)sizeof(compiler->piece[0]);
	uint64_t off = vly_arena_append(file, bytes, VLY_IMAGE_REF_BYTES);
	if (off == 0) {
		(void)vly_compiler_fail_memory(compiler);
		return 0;
	}
	struct vly_image_answer *answer = (void *)(file->base + off);
	*answer = head;
	memcpy(answer->fix, writer->fix, writer->fix_cnt * sizeof(answer->fix[0]));
	memcpy(file->base + off + wire_off, writer->wire, writer->wire_len);
	memcpy(file->base + off + wire_off + writer->wire_len, &writer->keep_arcount, tail);
	if (head.flags & VLY_ANSWER_PROVED)
		write_proof(compiler, answer);
	if (compiler->piece_cnt > 0 &&
	    vly_denial_note_proof(&compiler->denial, off + vly_image_answer_proof_off(&head)) !=
		    0) {
		(void)vly_compiler_fail_memory(compiler);
		return 0;
	}
	return (vly_image_ref)((off - VLY_DRAFT_HEAP_OFF) / VLY_IMAGE_REF_BYTES);
}

/* One answer stands for all that are too large. */
vly_image_ref
vly_compile_store(struct vly_compiler *compiler, vly_image_ref plain)
{
	unsigned len;

	if (!compiler->writer->overflow)
		return append_answer(compiler, plain);
	if (vly_compiler_report_size(compiler, "an answer with this record is larger than any DNS "
					       "message (65,535 octets) and becomes SERVFAIL") != 0)
		return 0;
	if (compiler->too_large == 0) {
		const uint8_t *apex = vly_zone_node_name(compiler->zone, 0, &len);
		vly_answer_begin(compiler->writer, apex, len, VLY_ANSWER_FAILS | VLY_RCODE_SERVFAIL,
				 false);
		compiler->piece_cnt = 0;
		compiler->too_large = append_answer(compiler, 0);
	}
	return compiler->too_large;
}

static int
by_type(const void *a, const void *b)
{
	const struct vly_compiler_type *left = a;
	const struct vly_compiler_type *right = b;

	return left->type < right->type ? -1 : left->type > right->type;
}

/* Only when DO forms are written: the list is in order then. */
static struct vly_compiler_type *
find_type(const struct vly_compiler *compiler, uint16_t type)
{
	const struct vly_compiler_type wanted = {.type = type};

	return bsearch(&wanted, compiler->type, compiler->type_cnt, sizeof(wanted), by_type);
}

vly_image_ref
vly_compile_listed_signed(const struct vly_compiler *compiler, uint16_t type)
{
	const struct vly_compiler_type *entry = find_type(compiler, type);

	return entry != NULL ? entry->signed_answer : 0;
}

static int
append_type(struct vly_compiler *compiler, uint16_t type, vly_image_ref answer)
{
	if (compiler->type_cnt == compiler->type_size) {
		unsigned size = compiler->type_size == 0 ? 16 : compiler->type_size * 2;
		void *grown = realloc(compiler->type, size * sizeof(*compiler->type));
		if (grown == NULL)
			return vly_compiler_fail_memory(compiler);
		compiler->type = grown;
		compiler->type_size = size;
	}
	compiler->type[compiler->type_cnt++] =
		(struct vly_compiler_type){.type = type, .answer = answer};
	return 0;
}

int
vly_compile_list_choice(struct vly_compiler *compiler, uint16_t type, vly_image_ref choice)
{
	return choice != 0 ? append_type(compiler, type, choice) : -1;
}

/* Both forms list the same types, but for ANY (list_any() in compile_answers.c). */
int
vly_compile_list_type(struct vly_compiler *compiler, uint16_t type, vly_image_ref answer)
{
	if (answer == 0)
		return -1;
	if (!compiler->dnssec)
		return vly_compile_list_choice(
			compiler, type,
			compiler->is_steered ? vly_compile_only(compiler, answer) : answer);
	struct vly_compiler_type *entry = find_type(compiler, type);
	if (entry != NULL)
		entry->signed_answer = answer;
	else
		compiler->signed_any = answer;
	return 0;
}

int
vly_compile_store_type(struct vly_compiler *compiler, uint16_t type)
{
	const struct vly_compiler_type *entry = compiler->dnssec ? find_type(compiler, type) : NULL;
	vly_image_ref plain = entry != NULL ? entry->answer : 0;

	return vly_compile_list_type(compiler, type, vly_compile_store(compiler, plain));
}

/* A type that one form alone lists is answered as the first type in the other one. */
int
vly_compile_finish_types(struct vly_compiler *compiler)
{
	if (compiler->signed_any != 0) {
		if (append_type(compiler, VLY_TYPE_ANY, compiler->type[0].answer) != 0)
			return -1;
		compiler->type[compiler->type_cnt - 1].signed_answer = compiler->signed_any;
		compiler->signed_any = 0;
	}
	for (unsigned i = 0; compiler->dnssec && i < compiler->type_cnt; i++)
		if (compiler->type[i].signed_answer == 0)
			compiler->type[i].signed_answer = compiler->type[0].signed_answer;
	if (compiler->type_cnt > 1)
		qsort(compiler->type, compiler->type_cnt, sizeof(*compiler->type), by_type);
	return 0;
}
