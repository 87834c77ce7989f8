/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "compose.h"

#include <volley/rdata.h>

#include "resolve.h"
#include "wire.h"

/* Substitutions in one answer; as many as the compiler puts into a chain. */
#define HOPS_MAX 16

/* Suffixes that later names are compressed against: enough for a referral's name servers. More
 * would cost a comparison for each label of each name. */
#define TARGETS_MAX 96

/* CNAMEs and DNAMEs in one answer: two for each hop, and a compiled chain's. */
#define ALIASES_MAX (4 * HOPS_MAX)

struct alias {
	uint16_t type;
	uint16_t off; /* of its owner in the message */
};

/* A substitution: by the DNAME at `node`, behind `prefix_len` octets that stay. */
struct hop {
	const struct vly_image_node *node;
	unsigned prefix_len;
};

struct target {
	uint16_t off; /* in the message */
	uint8_t len;  /* octets of the name there, uncompressed */
};

struct composer {
	uint8_t *message; /* the question stands in it */
	unsigned len;
	unsigned len_max;
	bool overflow;
	uint16_t count[3]; /* answer, authority, additional */
	unsigned target_cnt;
	struct target target[TARGETS_MAX];
	unsigned alias_cnt;
	struct alias alias[ALIASES_MAX];
	unsigned hop_cnt;
	struct hop hop[HOPS_MAX];
};

/* One compiled answer as a message of its own, so that its pointers can be followed: only names are
 * expanded. */
struct unpacked {
	unsigned bytes;
	uint8_t message[VLY_MESSAGE_BYTES_MAX + VLY_IMAGE_SLACK_BYTES];
};

/* Half a lcore's stack would be too much, and an allocation in the packet path, too. */
static __thread struct unpacked scratch;

static void
put(struct composer *composer, const uint8_t *from, unsigned bytes)
{
	if (bytes > composer->len_max - composer->len) {
		composer->overflow = true;
		return;
	}
	memcpy(composer->message + composer->len, from, bytes);
	composer->len += bytes;
}

/*
 * Whether the name at `at` is `name`, which is uncompressed. The message is what we wrote up to
 * `len`, and nothing behind it is read; a pointer leads backwards, as ours do. So each step takes a
 * label of `name` or goes down in the message.
 */
static bool
is_name_at(const struct composer *composer, unsigned at, const uint8_t *name)
{
	unsigned below = composer->len;

	while (at < below) {
		const uint8_t *label = composer->message + at;
		if (*label >= 0xc0) {
			if (at + 2 > composer->len)
				return false;
			below = at;
			at = vly_read_u16(label) & VLY_POINTER_MAX;
			continue;
		}
		if (*label > VLY_LABEL_BYTES_MAX || at + *label + 1u > composer->len)
			return false;
		for (unsigned i = 0; i <= *label; i++)
			if (vly_ascii_lower(label[i]) != vly_ascii_lower(name[i]))
				return false;
		if (*label == 0)
			return true;
		at += *label + 1u;
		name += *label + 1;
		below = composer->len;
	}
	return false;
}

static const struct target *
find_target(const struct composer *composer, const uint8_t *name, unsigned len)
{
	for (unsigned i = 0; i < composer->target_cnt; i++)
		if (composer->target[i].len == len &&
		    is_name_at(composer, composer->target[i].off, name))
			return &composer->target[i];
	return NULL;
}

static void
add_target(struct composer *composer, unsigned off, unsigned len)
{
	if (composer->target_cnt < TARGETS_MAX && off <= VLY_POINTER_MAX)
		composer->target[composer->target_cnt++] =
			(struct target){(uint16_t)off, (uint8_t)len};
}

/* Writes a name of `len` octets, compressed against those that are there already. */
static void
put_name(struct composer *composer, const uint8_t *name, unsigned len)
{
	/* once there is no room, nothing was written where a target would be */
	while (*name != 0 && !composer->overflow) {
		const struct target *target = find_target(composer, name, len);
		if (target != NULL) {
			uint8_t pointer[2];
			vly_write_u16(pointer, VLY_POINTER_TAG | target->off);
			put(composer, pointer, sizeof(pointer));
			return;
		}
		unsigned off = composer->len;
		put(composer, name, *name + 1u);
		if (composer->overflow)
			return;
		add_target(composer, off, len);
		len -= *name + 1u;
		name += *name + 1;
	}
	put(composer, name, 1);
}

/* The name at `at` in the unpacked message, without compression; its end in *next. Returns its
 * octets, 0 if broken. */
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

	if (len == 0)
		return false;
	put_name(composer, name, len);
	*at = next;
	return true;
}

static bool
has_alias(const struct composer *composer, unsigned type, const uint8_t *owner)
{
	for (unsigned i = 0; i < composer->alias_cnt; i++)
		if (composer->alias[i].type == type &&
		    is_name_at(composer, composer->alias[i].off, owner))
			return true;
	return false;
}

/* Writes the owner of an alias in the answer section and remembers it. */
static void
put_alias(struct composer *composer, unsigned type, const uint8_t *owner, unsigned len)
{
	const unsigned off = composer->len;

	put_name(composer, owner, len);
	if (!composer->overflow && composer->alias_cnt < ALIASES_MAX)
		composer->alias[composer->alias_cnt++] =
			(struct alias){(uint16_t)type, (uint16_t)off};
}

/* Copies RDATA of `type` from `at` to `end`, compressing its names anew. */
static bool
copy_data(struct composer *composer, const struct unpacked *unpacked, unsigned type, unsigned at,
	  unsigned end)
{
	const struct vly_rdata_names *names = vly_rdata_names((uint16_t)type);
	unsigned start = composer->len;

	if (names != NULL) {
		put(composer, unpacked->message + at, names->skip);
		at += names->skip;
		for (unsigned i = 0; i < names->cnt; i++)
			if (!copy_name(composer, unpacked, &at))
				return false;
	}
	put(composer, unpacked->message + at, end - at);
	if (composer->overflow)
		return false;
	vly_write_u16(composer->message + start - 2, composer->len - start);
	return true;
}

/*
 * Copies one record from *at on; false: broken, or no space. A CNAME or DNAME that the answer
 * section has already is left out: a chain may come by where an earlier part of it was (RFC 2181
 * §5).
 */
static bool
copy_record(struct composer *composer, const struct unpacked *unpacked, unsigned section,
	    unsigned *at)
{
	uint8_t owner[VLY_NAME_BYTES_MAX];
	unsigned next;
	unsigned len = expand_name(unpacked, *at, owner, &next);

	if (len == 0 || next + 10 > unpacked->bytes)
		return false;
	const uint8_t *fixed = unpacked->message + next;
	unsigned type = vly_read_u16(fixed);
	*at = next + 10 + vly_read_u16(fixed + 8);
	if (*at > unpacked->bytes)
		return false;
	if (section == 0 && (type == VLY_TYPE_CNAME || type == VLY_TYPE_DNAME)) {
		if (has_alias(composer, type, owner))
			return true;
		put_alias(composer, type, owner, len);
	} else {
		put_name(composer, owner, len);
	}
	put(composer, fixed, 10);
	composer->count[section]++;
	return copy_data(composer, unpacked, type, next + 10, *at);
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

/* Appends an answer as it is for `name`: the first `keep` sections count, the additional section is
 * left out when it has nothing that must be kept. */
static void
append(struct composer *composer, const struct vly_image_answer *answer,
       const struct vly_name *name)
{
	const unsigned count[3] = {answer->ancount, answer->nscount,
				   vly_image_answer_keep_arcount(answer)};
	unsigned at = VLY_DNS_HEADER_BYTES + name->len + 4u;

	if (at + answer->wire_len > VLY_MESSAGE_BYTES_MAX) {
		composer->overflow = true;
		return;
	}
	unpack(answer, name);
	for (unsigned section = 0; section < 3; section++) {
		for (unsigned i = 0; i < count[section]; i++) {
			if (!copy_record(composer, &scratch, section, &at)) {
				composer->overflow = true;
				return;
			}
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

/* The first record of a DNAME answer: owner pointer, fixed part, and the target in full (RFC 6672
 * §2.5). */
enum { DNAME_TTL_OFF = 2 + 4, DNAME_LENGTH_OFF = 2 + 8, DNAME_TARGET_OFF = 2 + 10 };

/* Appends CNAME `name` → `target` with the DNAME's TTL. */
static void
append_cname(struct composer *composer, const struct vly_name *name, const uint8_t *ttl,
	     const uint8_t *target, unsigned target_len)
{
	static const uint8_t type_class[] = {0, VLY_TYPE_CNAME, 0, VLY_CLASS_IN};
	static const uint8_t length[2];

	put_alias(composer, VLY_TYPE_CNAME, name->lower, name->len);
	put(composer, type_class, sizeof(type_class));
	put(composer, ttl, 4);
	put(composer, length, sizeof(length));
	unsigned data_at = composer->len;
	put_name(composer, target, target_len);
	if (composer->overflow)
		return;
	vly_write_u16(composer->message + data_at - 2, composer->len - data_at);
	composer->count[0]++;
}

/* Whether names grow without end, so that the answer ends here: the DNAME at `node` comes by again,
 * and since its last time no hop has touched the `prefix_len` octets that stood before its owner
 * then. */
static bool
is_growing(const struct composer *composer, const struct vly_image_node *node, unsigned prefix_len)
{
	for (unsigned i = composer->hop_cnt; i-- > 0;) {
		const struct hop *hop = &composer->hop[i];
		if (hop->node == node && hop->prefix_len <= prefix_len)
			return true;
		if (prefix_len > hop->prefix_len)
			prefix_len = hop->prefix_len;
	}
	return false;
}

/* One substitution for the name in `step`, whose encloser is step->node. False: the answer ends
 * here. */
static bool
substitute(struct composer *composer, struct vly_query *step, struct vly_composed *composed)
{
	const struct vly_image_node *node = step->node;
	const struct vly_image_answer *answer = dname_answer(step, node);
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	struct vly_name owner;

	if (composer->hop_cnt == HOPS_MAX || answer == NULL ||
	    has_alias(composer, VLY_TYPE_CNAME, step->name.lower) ||
	    answer->wire_len < DNAME_TARGET_OFF ||
	    vly_name_scan(&owner, vly_image_node_name(node), node->name_len) == 0)
		return false;
	const uint8_t *record = vly_image_answer_wire(answer);
	unsigned target_len = vly_read_u16(record + DNAME_LENGTH_OFF);
	if (DNAME_TARGET_OFF + target_len > answer->wire_len)
		return false;
	unsigned prefix_len = (unsigned)step->name.len - node->name_len;
	if (prefix_len + target_len > VLY_NAME_BYTES_MAX) {
		append(composer, answer, &owner);
		composed->flags |= VLY_RCODE_YXDOMAIN;
		return false;
	}
	if (is_growing(composer, node, prefix_len))
		return false;
	append(composer, answer, &owner);
	if (composer->overflow)
		return false;
	composer->hop[composer->hop_cnt++] = (struct hop){node, prefix_len};
	memcpy(wire, step->name.lower, prefix_len);
	memcpy(wire + prefix_len, record + DNAME_TARGET_OFF, target_len);
	append_cname(composer, &step->name, record + DNAME_TTL_OFF, wire, prefix_len + target_len);
	/* The CNAME just made is what was asked for (RFC 1034 §4.3.2, 3a: "and QTYPE doesn't match
	 * CNAME"). */
	return !composer->overflow && step->qtype != VLY_TYPE_CNAME &&
	       step->qtype != VLY_TYPE_ANY &&
	       vly_name_scan(&step->name, wire, prefix_len + target_len) != 0;
}

void
vly_compose_dname(const struct vly_query *query, uint8_t *to, unsigned space,
		  struct vly_composed *composed)
{
	const unsigned start = VLY_DNS_HEADER_BYTES + query->question_bytes;
	struct composer composer = {.message = to - start, .len = start, .len_max = start + space};
	struct vly_query step = *query;

	*composed = (struct vly_composed){.flags = VLY_FLAG_AA};
	for (unsigned i = query->name.label_cnt; i-- > 0;)
		add_target(&composer, VLY_DNS_HEADER_BYTES + query->name.start[i],
			   vly_name_suffix_len(&query->name, i));
	while (substitute(&composer, &step, composed)) {
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
	composed->wire_len = (uint16_t)(composer.len - start);
}
