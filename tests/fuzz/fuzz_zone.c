/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any octets as a zone file, through the whole compiler. A zone that loads makes an image that the
 * verifier accepts and that answers soundly; one that does not has a reason, and leaves the builder
 * able to seal what else it has.
 */
#include <stdlib.h>
#include <unistd.h>

#include "fixed_zones.h"
#include "message.h"
#include "target.h"

/* A zone file could include /dev/stdin or any file of this machine, and generate millions of lines.
 */
static const char *const forbidden[] = {"include", "generate"};

static bool
has_forbidden(const char *text)
{
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		if (strcasestr(text, forbidden[i]) != NULL)
			return true;
	return false;
}

/* Every name of the image, and one below it: what comes back must decode. */
static void
ask_all(const struct vly_image *image, const struct vly_table *table)
{
	static const uint16_t types[] = {1, 2, 5, 6, 39, 43, 255};
	uint8_t below[VLY_NAME_BYTES_MAX + 1] = {1, 'q'};

	for (uint32_t i = 0; i < image->header->bucket_cnt * 8 && i < 256; i++) {
		vly_image_ref ref = image->bucket[i / 8].node[i % 8];
		if (ref == 0)
			continue;
		const struct vly_image_node *node = vly_image_at(image->heap, ref);
		for (size_t j = 0; j < 2 * sizeof(types) / sizeof(types[0]); j++) {
			const uint8_t *name = vly_image_node_name(node);
			struct vly_test_response response;
			if (j & 1 && node->name_len <= VLY_NAME_BYTES_MAX - 2) {
				memcpy(below + 2, name, node->name_len);
				name = below;
			}
			vly_test_ask(table,
				     &(struct vly_test_question){
					     .wire = name, .type = types[j / 2], .stream = j & 2},
				     &response);
			require(response.fault == NULL);
			require((response.flags & 15) != VLY_RCODE_REFUSED);
			vly_test_response_free(&response);
		}
	}
}

static void
check_image(struct vly_image_builder *builder, bool loaded)
{
	struct vly_image_error error = {0};
	struct vly_built_image built;

	require(vly_image_builder_seal(builder, &built) == 0);
	require(built.zone_cnt == 1u + loaded);
	struct vly_image *image = vly_image_open(built.fd, 1, NULL, &error);
	require(image != NULL);
	struct vly_table *table = vly_table_build(&image, 1, &error);
	require(table != NULL);
	ask_all(image, table);
	free(table);
	vly_image_close(image);
	close(built.fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const struct vly_test_zone other = {"other.", VLY_TEST_APEX};
	struct vly_zone_error error = {0};
	char *text = malloc(bytes + 1);

	if (text == NULL || bytes > 8192) {
		free(text);
		return -1;
	}
	memcpy(text, data, bytes);
	text[bytes] = '\0';
	if (!has_forbidden(text) && strlen(text) == bytes) {
		struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);
		require(builder != NULL);
		require(vly_test_zone_add(builder, &other, &error) == 0);
		bool loaded = vly_test_zone_add(builder, &(struct vly_test_zone){"z.", text},
						&error) == 0;
		require(loaded || error.text[0] != '\0');
		check_image(builder, loaded);
	}
	free(text);
	return 0;
}
