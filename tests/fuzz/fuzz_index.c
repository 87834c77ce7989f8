/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The index of the image cache: any octets, and the same with a last line that has the right
 * checksum. What is accepted is written again. */
#include <stdlib.h>
#include <string.h>

#include "store/image_index.h"
#include "target.h"

#define SETTINGS 1

static void
try_text(char *text, size_t len)
{
	struct vly_image_index index;
	struct vly_index_text again = {0};

	if (vly_image_index_parse(&index, text, len, SETTINGS) != 0)
		return;
	vly_index_begin(&again, SETTINGS);
	for (uint32_t i = 0; i < index.image_cnt; i++)
		vly_index_add_image(&again, &index.image[i]);
	for (uint32_t i = 0; i < index.zone_cnt; i++) {
		const struct vly_index_zone *zone = &index.zone[i];
		const char *includes = zone->includes;
		struct vly_file_stamp stamp;
		char file[64];
		while (vly_index_next_include(&includes, &stamp, file, sizeof(file)))
			;
		if (zone->image >= index.image_cnt || !vly_index_add_zone(&again, zone))
			abort();
	}
	(void)vly_index_end(&again);
	free(again.text);
	vly_image_index_free(&index);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vly_index_text text = {0};
	char *copy = malloc(size + 1);

	memcpy(copy, data, size);
	copy[size] = '\0';
	text.text = strdup(copy);
	text.len = strlen(copy);
	text.size = text.len + 1;
	try_text(copy, size);
	if (vly_index_end(&text) == 0)
		try_text(text.text, text.len);
	return 0;
}
