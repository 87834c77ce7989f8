/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "compose.h"

#include <volley/rdata.h>

#include "resolve.h"
#include "wire.h"

/* Substitutions in one answer; as many as the compiler puts into a chain. */
#define HOPS_MAX 16

struct composer {
	uint8_t *to;
	unsigned len;
	unsigned space;
	bool overflow;
	uint16_t count[3]; /* answer, authority, additional */
};

/* One compiled answer as a message of its own, so that its pointers can be followed: only names are expanded. */
struct unpacked {
	unsigned bytes;
	uint8_t message[VLY_MESSAGE_BYTES_MAX + VLY_IMAGE_SLACK_BYTES];
};

/* Half a lcore's stack would be too much, and an allocation in the packet path, too. */
static __thread struct unpacked scratch;

static void
put(struct composer *composer, const uint8_t *from, unsigned bytes)
{
	if (bytes > composer->space - composer->len) {
		composer->overflow = true;
		return;
	}
	memcpy(composer->to + composer->len, from, bytes);
	composer->len += bytes;
}

/* The name at `at` in the unpacked message, without compression; its end in *next. Returns its octets, 0 if broken. */
static unsigned
expand_name(const struct unpacked *unpacked, unsigned at, uint8_t *name, unsigned *next)
{
	unsigned len = 0;
	unsigned jumps = 0;

	*next = 0;
	while (at < unpacked->bytes) {
		unsigned octet = unpacked->message[at];
		if (octet >= 0xc0) {
			if (*next == 0)
				*next = at + 2;
			if (++jumps > VLY_NAME_LABELS_MAX || at + 2 > unpacked->bytes)
				return 0;
			at = vly_read_u16(unpacked->message + at) & VLY_POINTER_MAX;
			continue;
		}
		if (octet > VLY_LABEL_BYTES_MAX || len + octet + 1 > VLY_NAME_BYTES_MAX ||
		    at + octet + 1 > unpacked->bytes)
			return 0;
		memcpy(name + len, unpacked->message + at, octet + 1);
		len += octet + 1;
		at += octet + 1;
		if (octet != 0)
			continue;
		if (*next == 0)
			*next = at;
		return len;
	}
	return 0;
}

static bool
copy_name(struct composer *composer, const struct unpacked *unpacked, unsigned *at)
{
	uint8_t name[VLY_NAME_BYTES_MAX];
	unsigned next;
	unsigned len = expand_name(unpacked, *at, name, &next);

	put(composer, name, len);
	*at = next;
	return len != 0;
}

/* Copies one record from *at on, expanding its names; false: broken, or no space. */
static bool
copy_record(struct composer *composer, const struct unpacked *unpacked, unsigned *at)
{
	if (!copy_name(composer, unpacked, at) || *at + 10 > unpacked->bytes)
		return false;
	const uint8_t *fixed = unpacked->message + *at;
	const struct vly_rdata_names *names = vly_rdata_names((uint16_t)vly_read_u16(fixed));
	unsigned end = *at + 10 + vly_read_u16(fixed + 8);
	if (end > unpacked->bytes)
		return false;
	put(composer, fixed, 10);
	unsigned data_at = composer->len;
	*at += 10;
	if (names != NULL) {
		put(composer, unpacked->message + *at, names->skip);
		*at += names->skip;
		for (unsigned i = 0; i < names->cnt; i++)
			if (!copy_name(composer, unpacked, at))
				return false;
	}
	put(composer, unpacked->message + *at, end - *at);
	*at = end;
	if (composer->overflow)
		return false;
	vly_write_u16(composer->to + data_at - 2, composer->len - data_at);
	return true;
}

/* Lays a compiled answer out behind a question for `name`. */
static void
unpack(const struct vly_image_answer *answer, const struct vly_name *name)
{
	uint8_t *wire = scratch.message + VLY_DNS_HEADER_BYTES + name->len + 4;
	unsigned delta = (unsigned)name->len - answer->anchor_len;

	memcpy(scratch.message + VLY_DNS_HEADER_BYTES, name->lower, name->len);
	memcpy(wire, vly_image_answer_wire(answer), answer->wire_len);
	for (unsigned i = 0; i < answer->fix_cnt; i++) {
		uint8_t *pointer = wire + answer->fix[i];
		vly_write_u16(pointer, vly_read_u16(pointer) + delta);
	}
	scratch.bytes = VLY_DNS_HEADER_BYTES + name->len + 4u + answer->wire_len;
}

/* Appends an answer as it is for `name`: the first `keep` sections count, the additional section is left out when
 * it has nothing that must be kept. */
static void
append(struct composer *composer, const struct vly_image_answer *answer,
       const struct vly_name *name)
{
	const unsigned count[3] = {answer->ancount, answer->nscount, answer->keep_arcount};
	unsigned at = VLY_DNS_HEADER_BYTES + name->len + 4u;

	if (at + answer->wire_len > VLY_MESSAGE_BYTES_MAX) {
		composer->overflow = true;
		return;
	}
	unpack(answer, name);
	for (unsigned section = 0; section < 3; section++) {
		for (unsigned i = 0; i < count[section]; i++) {
			if (!copy_record(composer, &scratch, &at)) {
				composer->overflow = true;
				return;
			}
			composer->count[section]++;
		}
	}
}

/* The DNAME record's answer, as compiled for its owner; RDATA in *target. */
static const struct vly_image_answer *
dname_answer(const struct vly_query *query, const struct vly_image_node *node)
{
	for (unsigned i = 0; i < node->type_cnt; i++)
		if (node->type[i].type == VLY_TYPE_DNAME)
			return vly_image_at(query->image->heap, node->type[i].answer);
	return NULL;
}

/* The first record of a DNAME answer: owner pointer, fixed part, and the target in full (RFC 6672 §2.5). */
enum { DNAME_TTL_OFF = 2 + 4, DNAME_LENGTH_OFF = 2 + 8, DNAME_TARGET_OFF = 2 + 10 };

/* Appends CNAME `name` → `target` with the DNAME's TTL. */
static void
append_cname(struct composer *composer, const struct vly_name *name, const uint8_t *ttl,
	     const uint8_t *target, unsigned target_len)
{
	static const uint8_t type_class[] = {0, VLY_TYPE_CNAME, 0, VLY_CLASS_IN};
	const uint8_t length[] = {0, (uint8_t)target_len};

	put(composer, name->lower, name->len);
	put(composer, type_class, sizeof(type_class));
	put(composer, ttl, 4);
	put(composer, length, sizeof(length));
	put(composer, target, target_len);
	composer->count[0]++;
}

/* One substitution for the name in `step`, whose encloser is step->node. False: the answer ends here. */
static bool
substitute(struct composer *composer, struct vly_query *step, struct vly_composed *composed)
{
	const struct vly_image_node *node = step->node;
	const struct vly_image_answer *answer = dname_answer(step, node);
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	struct vly_name owner;

	if (answer == NULL || answer->wire_len < DNAME_TARGET_OFF ||
	    vly_name_scan(&owner, vly_image_node_name(node), node->name_len) == 0)
		return false;
	append(composer, answer, &owner);
	const uint8_t *record = vly_image_answer_wire(answer);
	unsigned target_len = vly_read_u16(record + DNAME_LENGTH_OFF);
	unsigned prefix_len = (unsigned)step->name.len - node->name_len;
	if (prefix_len + target_len > VLY_NAME_BYTES_MAX) {
		composed->flags |= VLY_RCODE_YXDOMAIN;
		return false;
	}
	if (DNAME_TARGET_OFF + target_len > answer->wire_len)
		return false;
	memcpy(wire, step->name.lower, prefix_len);
	memcpy(wire + prefix_len, record + DNAME_TARGET_OFF, target_len);
	append_cname(composer, &step->name, record + DNAME_TTL_OFF, wire, prefix_len + target_len);
	return vly_name_scan(&step->name, wire, prefix_len + target_len) != 0;
}

void
vly_compose_dname(const struct vly_query *query, uint8_t *to, unsigned space,
		  struct vly_composed *composed)
{
	struct composer composer = {.to = to, .space = space};
	struct vly_query step = *query;

	*composed = (struct vly_composed){.flags = VLY_FLAG_AA};
	for (unsigned hop = 0; hop < HOPS_MAX && substitute(&composer, &step, composed); hop++) {
		const struct vly_image_answer *answer = vly_resolve_again(&step);
		if (answer == NULL && step.node != NULL)
			continue; /* below another DNAME */
		if (answer != NULL) {
			append(&composer, answer, &step.name);
			composed->flags |= answer->flags & VLY_ANSWER_RCODE;
			composed->is_referral = answer->flags & VLY_ANSWER_REFERRAL;
		}
		break;
	}
	if (composer.overflow) {
		composed->flags |= VLY_FLAG_TC;
		return;
	}
	composed->ancount = composer.count[0];
	composed->nscount = composer.count[1];
	composed->arcount = composer.count[2];
	composed->wire_len = (uint16_t)composer.len;
}
