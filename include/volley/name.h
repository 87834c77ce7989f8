/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names in wire form, scanned once for bounds, lower case and label starts, with the hashes of all
 * suffixes.
 *
 * The hash is part of the image format: volley-control places names with it and volley-dataplane
 * finds them with it, so both compile this header.
 *
 * Use:
 *   1. vly_name_scan() a name (untrusted) from a packet or a zone into a struct vly_name;
 *   2. vly_name_hash() it: hash[i] is then the hash of the suffix that starts at label i;
 *   3. look up the name itself with hash[0], and its ancestors with hash[i].
 *
 * The hash is computed from the root label leftwards, with one multiplication per 16 octets of a
 * label. It is keyed with 256 random bits, so that clients can't choose names that collide. Pure;
 * any thread.
 */
#ifndef VLY_NAME_H
#define VLY_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <volley/dns.h>
#include <volley/octets.h>

/* Octets that may be read behind the end of a name, but are not used: names are copied in
 * blocks. */
#define VLY_NAME_SLACK_BYTES 32

struct vly_hash_key {
	uint64_t word[4];
};

struct vly_name {
	/* [i]: of the suffix from label i on; [label_cnt]: of the root */
	uint64_t hash[VLY_NAME_LABELS_MAX + 1];
	/* [i]: offset of label i's length octet */
	uint8_t start[VLY_NAME_LABELS_MAX + 1];
	uint8_t label_cnt; /* without the root label: 0..127 */
	uint8_t len;       /* octets with the root label: 1..255 */
	/* wire form, A-Z in lower case */
	uint8_t lower[VLY_NAME_BYTES_MAX + 1 + VLY_NAME_SLACK_BYTES];
};

/* The lower case of ASCII letters; other octets stay (RFC 4343 §3). Length octets are below 'A', so
 * whole blocks of wire form can be converted. */
static inline uint8_t
vly_ascii_lower(uint8_t c)
{
	return (uint8_t)(c | ((uint8_t)(c - 'A') < 26 ? 0x20 : 0));
}

/* As wide as a register: compilers split wider vectors into octets. */
typedef uint8_t vly_octets __attribute__((vector_size(16)));

static inline void
vly_ascii_lower_block(uint8_t *to, const uint8_t *from)
{
	for (unsigned at = 0; at < VLY_NAME_SLACK_BYTES; at += sizeof(vly_octets)) {
		vly_octets octets;
		memcpy(&octets, from + at, sizeof(octets));
		vly_octets upper = (vly_octets)((vly_octets)(octets - 'A') < 26);
		octets |= upper & 0x20;
		memcpy(to + at, &octets, sizeof(octets));
	}
}

/*
 * Scans an uncompressed name of at most `avail` octets (untrusted) at `wire` into `name`, except
 * for hash[]. VLY_NAME_SLACK_BYTES behind wire + avail must be readable. Returns its length in
 * octets, or 0 if it does not end in time, is longer than 255 octets, or has a label type other
 * than 00 (RFC 1035 §4.1.4, RFC 6891 §5).
 */
static inline unsigned
vly_name_scan(struct vly_name *name, const uint8_t *wire, size_t avail)
{
	size_t max = avail < VLY_NAME_BYTES_MAX ? avail : VLY_NAME_BYTES_MAX;
	uint8_t *start = name->start;
	size_t pos = 0;
	size_t len = 1;

	for (; pos < max; pos += len + 1) {
		len = wire[pos];
		*start++ = (uint8_t)pos;
		if (len - 1 >= VLY_LABEL_BYTES_MAX) /* the root label, or no label at all */
			break;
	}
	if (pos >= max || len != 0)
		return 0;
	pos++;
	name->label_cnt = (uint8_t)(start - name->start - 1);
	name->len = (uint8_t)pos;
	/* enough for most names */
	vly_ascii_lower_block(name->lower, wire);
	for (size_t at = VLY_NAME_SLACK_BYTES; at < pos; at += VLY_NAME_SLACK_BYTES)
		vly_ascii_lower_block(name->lower + at, wire + at);
	return (unsigned)pos;
}

static inline uint64_t
vly_hash_fold(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 wide;
	wide product = (wide)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The hash of a label (length octet first, in lower case, 16 octets readable behind it) in front of
 * a suffix with the hash `suffix`. */
static inline uint64_t
vly_hash_label(const struct vly_hash_key *key, uint64_t suffix, const uint8_t *label)
{
	/* From [15 - n] on, a mask for the first n + 1 of 16 octets. Without a branch, since the
	 * length of a label can't be predicted. */
	static const uint8_t mask[32] = {255, 255, 255, 255, 255, 255, 255, 255,
					 255, 255, 255, 255, 255, 255, 255, 255};
	size_t left = label[0]; /* octets left, without the first of them */
	uint64_t hash = suffix;

	while (__builtin_expect(left > 15, 0)) {
		hash = vly_hash_fold(hash ^ VLY_OCTETS_LOAD(64, label) ^ key->word[0],
				     VLY_OCTETS_LOAD(64, label + 8) ^ key->word[1]);
		label += 16;
		left -= 16;
	}
	const uint8_t *kept = mask + 15 - left;
	uint64_t low = VLY_OCTETS_LOAD(64, label) & VLY_OCTETS_LOAD(64, kept);
	uint64_t high = VLY_OCTETS_LOAD(64, label + 8) & VLY_OCTETS_LOAD(64, kept + 8);
	return vly_hash_fold(hash ^ (low ^ key->word[0]), high ^ key->word[1]);
}

static inline uint64_t
vly_hash_root(const struct vly_hash_key *key)
{
	return key->word[2];
}

/* Fills hash[] of a scanned name. */
static inline void
vly_name_hash(struct vly_name *name, const struct vly_hash_key *key)
{
	const struct vly_hash_key kept = *key; /* not reloaded after stores to hash[] */
	uint64_t hash = vly_hash_root(&kept);

	name->hash[name->label_cnt] = hash;
	for (unsigned i = name->label_cnt; i-- > 0;) {
		hash = vly_hash_label(&kept, hash, name->lower + name->start[i]);
		name->hash[i] = hash;
	}
}

/* Octets of the suffix that starts at label `label_idx` (0..label_cnt). */
static inline unsigned
vly_name_suffix_len(const struct vly_name *name, unsigned label_idx)
{
	return (unsigned)name->len - name->start[label_idx];
}

/* The index of the label at which the suffix of the last label_cnt labels starts; 0 if the name has
 * no more labels. */
static inline unsigned
vly_name_last_labels(const struct vly_name *name, unsigned label_cnt)
{
	return name->label_cnt > label_cnt ? name->label_cnt - label_cnt : 0;
}

#endif
