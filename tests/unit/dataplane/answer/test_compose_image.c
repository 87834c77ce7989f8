/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Composed answers from an image that passes its check, but that no compiler of ours writes. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "message.h"
#include "server.h"

static const struct vly_test_zone zone = {
	"z.",
	VLY_TEST_APEX "@ RRSIG SOA 13 1 300 20300101000000 20200101000000 1 z. aaaabbbbcccc\n"
		      "d DNAME e\n"
		      "d RRSIG DNAME 13 2 300 20300101000000 20200101000000 1 z. aaaabbbbcccc\n"};

/* A copy of an image; what is behind it cannot be read. */
static uint8_t *
copy_to_edge(const uint8_t *from, size_t bytes)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t size = (bytes + page - 1) / page * page;
	uint8_t *map =
		mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(map, MAP_FAILED);
	cr_assert_eq(mprotect(map + size, page, PROT_NONE), 0);
	memcpy(map + size - bytes, from, bytes);
	return map + size - bytes;
}

/* The DO form of the zone's DNAME. */
static struct vly_image_answer *
find_dname(const struct vly_image *image)
{
	for (uint32_t i = 0; i < 8 * image->header->bucket_cnt; i++) {
		const vly_image_ref ref = image->bucket[i / 8].node[i % 8];
		const struct vly_image_node *node = vly_image_at(image->heap, ref);
		for (unsigned t = 0; ref != 0 && t < node->type_cnt; t++)
			if (node->type[t].type == VLY_TYPE_DNAME)
				return (void *)(uintptr_t)vly_image_at(
					image->heap, vly_image_node_signed(node)->answer[t]);
	}
	cr_assert_fail("no DNAME");
	return NULL;
}

/* The octets that are kept end before the DNAME does; its signature ends behind the image. */
static void
damage(struct vly_image_answer *dname)
{
	uint8_t *wire = (uint8_t *)dname + vly_image_answer_wire_off(dname->fix_cnt);
	uint8_t *signature = wire + 12 + vly_be16(wire + 10);

	cr_assert_eq(dname->ancount, 2);
	cr_assert_eq(vly_be16(signature + 2), VLY_TYPE_RRSIG);
	vly_put_be16(signature + 10, 60000);
	dname->keep_len = 0;
	dname->arcount = UINT16_MAX;
}

Test(compose_image, dname_beyond_what_is_kept)
{
	const struct vly_test_question question = {.name = "x.d.z",
						   .type = VLY_TYPE_A,
						   .dnssec_ok = true,
						   .edns = true,
						   .stream = true};
	struct vly_test_response response;
	struct vly_zone_error zone_error;
	struct vly_image_error error;
	struct vly_image image = {0};
	struct vly_image *images[] = {&image};
	size_t bytes;

	int fd = vly_test_image_build(&zone, 1, &vly_test_key, &zone_error);
	uint8_t *built = vly_test_image_read(fd, &bytes);
	uint8_t *block = copy_to_edge(built, bytes);
	cr_assert_eq(vly_image_verify(block, bytes, NULL, &image, &error), 0);
	damage(find_dname(&image));
	vly_test_image_reseal(block, bytes);
	cr_assert_eq(vly_image_verify(block, bytes, NULL, &image, &error), 0, "%s", error.text);
	struct vly_table *table = vly_table_build(images, 1, &error);
	cr_assert_not_null(table, "%s", error.text);
	vly_test_ask(table, &question, &response);
	cr_expect_null(response.fault, "%s", response.fault);
	cr_expect_eq(response.record_cnt, 0, "%u records", response.record_cnt);
	vly_test_response_free(&response);
	free(table);
	free(built);
	close(fd);
}
