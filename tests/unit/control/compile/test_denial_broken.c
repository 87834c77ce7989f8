/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chains that are not whole: the image is sound, and lists nothing that is not there. */
#include "common/nsec3_hash.h"
#include "signed_image.h"

#define RRSIG(type) " RRSIG " type " 13 1 300 20300101000000 20200101000000 1 z. AAAA\n"
#define SIGNED_APEX VLY_TEST_APEX "@" RRSIG("SOA")
#define SALT_A      "aa"
#define SALT_B      "bbcc"
#define NAMES_CNT   3

static const char *const names[NAMES_CNT] = {"z.", "a.z.", "b.z."};

/* Writes an NSEC3 record for each of the first `cnt` names, in a chain that is closed if that is
 * all. */
static void
write_chain(FILE *out, const char *salt, unsigned iterations, unsigned cnt)
{
	uint8_t octets[2] = {0xaa};
	struct vly_nsec3_params params = {.iterations = (uint16_t)iterations, .salt = octets};
	char label[NAMES_CNT][33];

	params.salt_len = (uint8_t)(strlen(salt) / 2);
	if (params.salt_len == 2)
		memcpy(octets, (uint8_t[]){0xbb, 0xcc}, 2);
	for (unsigned i = 0; i < NAMES_CNT; i++) {
		uint8_t wire[VLY_NAME_BYTES_MAX];
		uint8_t hash[VLY_NSEC3_HASH_BYTES];
		vly_nsec3_hash(&params, wire, vly_domain_wire(names[i], wire), hash);
		for (unsigned c = 0; c < 32; c++) {
			unsigned value = 0;
			for (unsigned bit = c * 5; bit < c * 5 + 5; bit++)
				value = value << 1 | (hash[bit / 8] >> (7 - bit % 8) & 1);
			label[i][c] = "0123456789abcdefghijklmnopqrstuv"[value];
		}
		label[i][32] = '\0';
	}
	qsort(label, cnt, sizeof(label[0]), (int (*)(const void *, const void *))strcmp);
	for (unsigned i = 0; i < cnt; i++)
		fprintf(out, "%s NSEC3 1 0 %u %s %s A\n", label[i], iterations, salt,
			label[cnt == NAMES_CNT ? (i + 1) % cnt : i]);
}

static void
open_chains(struct signed_image *image, const char *params, unsigned a_cnt, unsigned b_cnt)
{
	char *text;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	fprintf(out, SIGNED_APEX "%sa A 192.0.2.1\nb A 192.0.2.1\n", params);
	write_chain(out, SALT_A, 1, a_cnt);
	write_chain(out, SALT_B, 2, b_cnt);
	fclose(out);
	signed_image_open(image, "z.", text);
	free(text);
}

static void
expect_iterations(const char *params, unsigned a_cnt, unsigned b_cnt, unsigned iterations)
{
	struct signed_image image;

	open_chains(&image, params, a_cnt, b_cnt);
	cr_expect_eq(image.denial != NULL ? image.denial->iterations : 0, iterations,
		     "%u and %u names of %s", a_cnt, b_cnt, params);
	signed_image_close(&image);
}

#define PARAM_A "@ NSEC3PARAM 1 0 1 " SALT_A "\n"
#define PARAM_B "@ NSEC3PARAM 1 0 2 " SALT_B "\n"

/* RFC 5155 §7.3: a chain whose NSEC3PARAM is there should be complete; one may not be yet. */
Test(denial_broken, complete_chain_is_chosen)
{
	expect_iterations(PARAM_A, 3, 0, 1);
	expect_iterations(PARAM_A PARAM_B, 3, 1, 1);
	expect_iterations(PARAM_A PARAM_B, 1, 3, 2);
	expect_iterations(PARAM_B PARAM_A, 1, 3, 2);
	expect_iterations(PARAM_A PARAM_B, 3, 0, 1);
	expect_iterations(PARAM_A PARAM_B, 0, 3, 2);
	expect_iterations(PARAM_B, 3, 1, 2);
	expect_iterations(PARAM_B, 3, 0, 0);
	expect_iterations("", 3, 3, 0);
}

static void
check_no_denial(const char *zone, const char *rest)
{
	struct signed_image image;
	char text[4096];

	snprintf(text, sizeof(text), SIGNED_APEX "%s", rest);
	signed_image_open(&image, zone, text);
	cr_expect_null(image.denial, "%s", rest);
	cr_expect_neq(image.zone->signed_nxdomain, 0);
	const struct vly_image_node *apex = vly_image_at(image.heap, image.zone->apex);
	const struct vly_image_signed *refs = vly_image_node_signed(apex);
	cr_expect_eq(refs->other, image.zone->signed_nodata);
	cr_expect_eq(refs->denial | refs->cover | refs->no_wildcard, 0);
	signed_image_close(&image);
}

#define LABEL_31 "0p9mhaveqvm6t7vbl5lop2u3t2rp3to"
#define LABEL_32 LABEL_31 "m"
#define NSEC3    " NSEC3 1 0 0 - " LABEL_32 " A\n"

Test(denial_broken, zone_without_a_chain_denies_nothing)
{
	static const char *const rests[] = {
		"",
		"a NSEC z. A\n",
		"@ NSEC3PARAM 1 0 0 -\n",
		"@ NSEC3PARAM 1 1 0 -\n" LABEL_32 NSEC3,
		"@ NSEC3PARAM 2 0 0 -\n" LABEL_32 NSEC3,
		"@ NSEC3PARAM \\# 4 01000000\n" LABEL_32 NSEC3,
		"@ NSEC3PARAM \\# 5 01000000ff\n" LABEL_32 NSEC3,
		"@ NSEC3PARAM 1 0 0 -\n" LABEL_32 " NSEC3 \\# 3 010000\n",
		"@ NSEC3PARAM 1 0 0 -\n" LABEL_31 "w" NSEC3 LABEL_31 NSEC3 LABEL_32 "0" NSEC3,
		"@ NSEC3PARAM 1 0 0 -\n" LABEL_32 ".a" NSEC3,
	};

	for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++)
		check_no_denial("z.", rests[i]);
}

/* A name of 224 octets has no room for the label of a hash. */
Test(denial_broken, apex_may_be_too_long_for_hashes)
{
	char apex[256] = "";

	for (unsigned i = 0; i < 3; i++)
		strcat(apex, "aaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbb123.");
	strcat(apex, "aaaaaaaaaabbbbbbbbbbaaaaaaaaaa.");
	check_no_denial(apex, "@ NSEC3PARAM 1 0 0 -\n");
}

/* The names around a missing NSEC are denied by the one before it. */
Test(denial_broken, nsec_is_missing)
{
	struct signed_image image;
	char text[VLY_DOMAIN_TEXT_BYTES];

	signed_image_open(&image, "z.",
			  SIGNED_APEX "@ NSEC a A\na A 192.0.2.1\nb A 192.0.2.1\nb NSEC z. A\n");
	const struct vly_image_signed *refs =
		vly_image_node_signed(signed_image_node(&image, "a.z."));
	cr_expect_eq(refs->denial, 0);
	cr_expect_str_eq(piece_owner(&image, refs->cover, text), "z.");
	cr_expect_str_eq(piece_owner(&image, refs->no_wildcard, text), "z.");
	signed_image_close(&image);
}

/* RFC 4034 §4 has one NSEC at a name. Two are served as they are. */
Test(denial_broken, two_nsec_at_one_name)
{
	struct signed_image image;

	signed_image_open(&image, "z.", SIGNED_APEX "@ NSEC a A\n@ NSEC b A\n@" RRSIG("NSEC"));
	const struct vly_image_node *apex = vly_image_at(image.heap, image.zone->apex);
	const struct vly_image_piece *piece =
		vly_image_at(image.heap, vly_image_node_signed(apex)->denial);
	cr_expect_eq(piece->record_cnt, 3);
	cr_expect_eq(piece->rrsig_off[0], piece->first_len);
	cr_expect_gt(piece->rrsig_off[1], piece->rrsig_off[0]);
	signed_image_close(&image);
}

/* Validators don't look at covers then, but must see the iterations in answers of wildcards: each
 * name lists its own NSEC3 as the cover of the names below it. */
Test(denial_broken, too_many_iterations)
{
	struct signed_image image;
	char *text;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	fputs(SIGNED_APEX "@ NSEC3PARAM 1 0 151 aa\na A 192.0.2.1\nb A 192.0.2.1\n", out);
	write_chain(out, SALT_A, 151, NAMES_CNT);
	fclose(out);
	signed_image_open(&image, "z.", text);
	free(text);
	cr_expect_null(image.denial);
	for (unsigned i = 0; i < NAMES_CNT; i++) {
		const struct vly_image_signed *refs =
			vly_image_node_signed(signed_image_node(&image, names[i]));
		cr_expect_neq(refs->denial, 0);
		cr_expect_eq(refs->cover, refs->denial);
		cr_expect_neq(refs->no_wildcard, 0);
	}
	signed_image_close(&image);
}

/* So many that hashing the names would take minutes: the apex' record stands for all. */
Test(denial_broken, far_too_many_iterations)
{
	struct signed_image image;
	char *text;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	fputs(SIGNED_APEX "@ NSEC3PARAM 1 0 65535 aa\na A 192.0.2.1\nb A 192.0.2.1\n", out);
	write_chain(out, SALT_A, 65535, NAMES_CNT);
	for (unsigned i = 0; i < 1000; i++)
		fprintf(out, "h%u A 192.0.2.1\n", i);
	fclose(out);
	signed_image_open(&image, "z.", text);
	free(text);
	const struct vly_image_signed *apex =
		vly_image_node_signed(signed_image_node(&image, "z."));
	cr_expect_neq(apex->denial, 0);
	cr_expect_eq(vly_image_node_signed(signed_image_node(&image, "a.z."))->denial,
		     apex->denial);
	cr_expect_eq(vly_image_node_signed(signed_image_node(&image, "h999.z."))->denial,
		     apex->denial);
	signed_image_close(&image);
}

/* Labels that are no hashes would make a bucket that each query has to search. */
Test(denial_broken, owners_that_begin_alike_are_refused)
{
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);
	struct vly_zone_error error = {0};
	char *text;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	fputs(SIGNED_APEX "@ NSEC3PARAM 1 0 1 aa\na A 192.0.2.1\nb A 192.0.2.1\n", out);
	write_chain(out, SALT_A, 1, NAMES_CNT);
	for (unsigned i = 0; i < 100; i++)
		fprintf(out, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%02u NSEC3 1 0 1 aa " LABEL_32 " A\n",
			i);
	fclose(out);
	cr_expect_eq(vly_test_zone_add(builder, &(struct vly_test_zone){"z.", text}, &error), -1);
	cr_expect_not_null(strstr(error.text, "begin alike"), "%s", error.text);
	cr_expect_gt(error.line, 9);
	vly_image_builder_free(builder);
	free(text);
}

/* Buckets with more than seven hashes continue elsewhere. */
Test(denial_broken, crowded_bucket_has_extra_ones)
{
	struct signed_image image;
	char *text;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	uint8_t hash[VLY_NSEC3_HASH_BYTES] = {0x52, 0x94, 0xa5, 0x29, 0x4a, 0x52, 0x94, 0xa5, 0x29,
					      0x4a, 0x52, 0x94, 0xa5, 0x29, 0x4a, 0x52, 0x94, 0xa5};

	fputs(SIGNED_APEX "@ NSEC3PARAM 1 0 1 aa\na A 192.0.2.1\nb A 192.0.2.1\n", out);
	write_chain(out, SALT_A, 1, NAMES_CNT);
	for (unsigned i = 0; i < 30; i++)
		fprintf(out, "aaaaaaaaaaaaaaaaaaaaaaaaaa%02uaaaa NSEC3 1 0 1 aa " LABEL_32 " A\n",
			i);
	fclose(out);
	signed_image_open(&image, "z.", text);
	free(text);
	cr_assert_not_null(image.denial);
	cr_expect_gt(image.denial->extra_cnt, 2);
	char owner[VLY_DOMAIN_TEXT_BYTES];
	memset(hash + 16, 0xff, 4);
	cr_expect_str_eq(piece_owner(&image, bucket_cover(&image, hash), owner),
			 "aaaaaaaaaaaaaaaaaaaaaaaaaa29aaaa.z.");
	signed_image_close(&image);
}

/* A piece has room for 16,383 octets: the record is left out, with a warning. */
Test(denial_broken, signatures_may_be_too_large)
{
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);
	struct vly_zone_error error = {0};
	struct signed_image image;
	char *text;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	fputs(SIGNED_APEX "@ NSEC a A\na A 192.0.2.1\na NSEC z. A\na RRSIG \\# 17000 002f", out);
	for (unsigned i = 2; i < 17000; i++)
		fputs("00", out);
	fputs("\n", out);
	fclose(out);
	signed_image_open(&image, "z.", text);
	const struct vly_image_signed *refs =
		vly_image_node_signed(signed_image_node(&image, "a.z."));
	char owner[VLY_DOMAIN_TEXT_BYTES];
	cr_expect_eq(refs->denial, 0);
	cr_expect_str_eq(piece_owner(&image, refs->cover, owner), "z.");
	signed_image_close(&image);
	cr_expect_eq(vly_test_zone_add(builder, &(struct vly_test_zone){"z.", text}, &error), 0);
	vly_image_builder_free(builder);
	free(text);
}
