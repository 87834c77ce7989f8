/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "random.h"
#include "transfer/packer.h"
#include "unpack.h"

#define RECORDS 3000

static struct vly_test_random rng;

static unsigned
below(unsigned cnt)
{
	return vly_test_random_below(&rng, cnt);
}

struct made {
	uint8_t owner[VLY_NAME_BYTES_MAX];
	unsigned owner_len;
	uint16_t type;
	unsigned data_len;
	uint8_t data[2 * VLY_NAME_BYTES_MAX + 20];
};

/* Few labels, in two spellings, so that many names end alike. */
static unsigned
make_name(uint8_t *to)
{
	static const char *const labels[] = {"\001a",  "\001A",    "\003com", "\007example",
					     "\002ns", "\001\000", "\003www"};
	unsigned len = 0;

	for (unsigned i = below(6); i > 0; i--) {
		const char *label = labels[below(7)];
		memcpy(to + len, label, (unsigned)label[0] + 1);
		len += (unsigned)label[0] + 1;
	}
	if (below(50) == 0) /* a label that is long */
		for (unsigned i = below(3); i > 0; i--, len += 64)
			memset(to + len + 1, 'x', to[len] = 63);
	to[len] = 0;
	return len + 1;
}

static void
make_record(struct made *made)
{
	static const uint16_t types[] = {VLY_TYPE_A,   VLY_TYPE_NS,  VLY_TYPE_MX,   VLY_TYPE_SOA,
					 VLY_TYPE_SRV, VLY_TYPE_TXT, VLY_TYPE_MINFO};

	if (below(3) > 0 || made->owner_len == 0)
		made->owner_len = make_name(made->owner);
	made->type = types[below(7)];
	made->data_len = 0;
	switch (made->type) {
	case VLY_TYPE_A:
	case VLY_TYPE_TXT:
		made->data_len = made->type == VLY_TYPE_A ? 4 : 1 + below(300);
		vly_test_random_fill(&rng, made->data, made->data_len);
		return;
	case VLY_TYPE_MX:
		made->data_len = 2;
		break;
	case VLY_TYPE_SRV:
		made->data_len = 6;
		break;
	default:
		break;
	}
	vly_test_random_fill(&rng, made->data, made->data_len);
	made->data_len += make_name(made->data + made->data_len);
	if (made->type == VLY_TYPE_SOA || made->type == VLY_TYPE_MINFO)
		made->data_len += make_name(made->data + made->data_len);
	if (made->type == VLY_TYPE_SOA) {
		vly_test_random_fill(&rng, made->data + made->data_len, 20);
		made->data_len += 20;
	}
}

static struct vly_packer_record
as_record(const struct made *made, uint32_t ttl)
{
	return (struct vly_packer_record){.owner = made->owner,
					  .owner_len = (uint8_t)made->owner_len,
					  .type = made->type,
					  .ttl = ttl,
					  .data = made->data,
					  .data_len = (uint16_t)made->data_len};
}

static struct vly_packer *
new_packer(void)
{
	struct vly_packer *packer = calloc(1, sizeof(*packer));

	cr_assert_not_null(packer);
	return packer;
}

/* Adds a record, in the next message if need be. */
static void
put(struct vly_packer *packer, struct unpacked *all, const struct vly_packer_record *record)
{
	if (vly_packer_add(packer, record))
		return;
	cr_assert_gt(packer->record_cnt, 0);
	vly_packer_end(packer);
	unpack(all, packer->message, packer->len);
	vly_packer_begin(packer, NULL, 0, 0);
	cr_assert(vly_packer_add(packer, record));
}

/* What was put in comes out, octet by octet, whatever the names. */
Test(packer, records_come_out_as_they_went_in)
{
	static struct made made[RECORDS];
	struct vly_packer *packer = new_packer();
	struct unpacked all = {0};
	size_t plain = 0;

	for (uint64_t seed = 1; seed <= 4; seed++) {
		rng.state = seed;
		packer->epoch = seed == 2 ? UINT32_MAX - 5 : packer->epoch;
		vly_packer_begin(packer, (const uint8_t *)"\007example\003com", 13, VLY_TYPE_AXFR);
		for (unsigned i = 0; i < RECORDS; i++) {
			if (i > 0)
				made[i] = made[i - 1];
			make_record(&made[i]);
			const struct vly_packer_record record = as_record(&made[i], i);
			put(packer, &all, &record);
			plain += record.owner_len + 10u + record.data_len;
		}
		vly_packer_end(packer);
		unpack(&all, packer->message, packer->len);
		cr_assert_eq(all.cnt, RECORDS);
		for (unsigned i = 0; i < RECORDS; i++) {
			const struct unpacked_record *got = &all.record[i];
			cr_assert_eq(got->ttl, i);
			cr_assert_eq(got->type, made[i].type);
			cr_assert_eq(got->owner.len, made[i].owner_len, "seed %llu record %u",
				     (unsigned long long)seed, i);
			cr_assert_eq(memcmp(got->owner.wire, made[i].owner, got->owner.len), 0);
			cr_assert_eq(got->data_len, made[i].data_len);
			cr_assert_eq(memcmp(got->data, made[i].data, got->data_len), 0);
		}
		cr_expect_eq(all.question_cnt, 1);
		cr_expect_eq(all.question_type, VLY_TYPE_AXFR);
		cr_expect_leq(all.longest, VLY_PACKER_BYTES);
		unpacked_free(&all);
	}
	cr_expect_gt(plain, 0);
	free(packer);
}

Test(packer, names_are_compressed)
{
	static const uint8_t apex[] = "\007example\003com";
	static const uint8_t host[] = "\003www\007example\003com";
	struct vly_packer *packer = new_packer();
	struct vly_packer_record record = {.owner = host,
					   .owner_len = sizeof(host),
					   .type = VLY_TYPE_NS,
					   .data = host,
					   .data_len = sizeof(host)};

	vly_packer_begin(packer, apex, sizeof(apex), VLY_TYPE_AXFR);
	size_t before = packer->len;
	cr_assert(vly_packer_add(packer, &record));
	/* www and a pointer to the question; then a pointer to the owner */
	cr_expect_eq(packer->len - before, 4 + 2 + 10 + 2);
	before = packer->len;
	cr_assert(vly_packer_add(packer, &record));
	cr_expect_eq(packer->len - before, 2 + 10 + 2);
	record.type = VLY_TYPE_DNAME; /* RFC 3597: not in types that came later */
	before = packer->len;
	cr_assert(vly_packer_add(packer, &record));
	cr_expect_eq(packer->len - before, 2 + 10 + sizeof(host));
	free(packer);
}

Test(packer, a_large_record_has_a_message_of_its_own)
{
	static uint8_t data[VLY_MESSAGE_BYTES_MAX];
	struct vly_packer *packer = new_packer();
	struct unpacked all = {0};
	const struct vly_packer_record small = {.owner = (const uint8_t *)"",
						.owner_len = 1,
						.type = VLY_TYPE_TXT,
						.data = data,
						.data_len = 10};
	struct vly_packer_record large = small;

	large.data_len = VLY_PACKER_RECORD_BYTES - VLY_DNS_HEADER_BYTES - 11;
	vly_packer_begin(packer, NULL, 0, 0);
	put(packer, &all, &small);
	put(packer, &all, &large);
	put(packer, &all, &small);
	vly_packer_end(packer);
	unpack(&all, packer->message, packer->len);
	cr_expect_eq(all.message_cnt, 3);
	cr_expect_eq(all.cnt, 3);
	cr_expect_eq(all.longest, VLY_PACKER_RECORD_BYTES);
	/* one octet more fits into no message */
	large.data_len++;
	vly_packer_begin(packer, NULL, 0, 0);
	cr_expect_not(vly_packer_add(packer, &large));
	cr_expect_eq(packer->record_cnt, 0);
	large.data_len = UINT16_MAX;
	cr_expect_not(vly_packer_add(packer, &large));
	unpacked_free(&all);
	free(packer);
}
