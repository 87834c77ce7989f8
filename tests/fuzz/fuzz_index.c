/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The indexes of the image cache and of the forms of living zones: any octets, and the same with a last line that has the right
 * checksum. What is accepted is written again. */
#include <stdlib.h>
#include <string.h>

#include "living/form_index.h"
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

/* As it is, and with a last line that has the right checksum. */
static void
try_forms(const char *octets, size_t size)
{
	struct vly_index_text text = {0};
	struct vly_form_entry entry;
	char *copy = malloc(size + 1);

	memcpy(copy, octets, size + 1);
	(void)vly_form_index_find(copy, size, SETTINGS, "a.", &entry);
	memcpy(copy, octets, size + 1);
	text.text = copy;
	text.len = strlen(copy);
	text.size = size + 1;
	if (vly_form_index_end(&text) == 0)
		(void)vly_form_index_find(text.text, text.len, SETTINGS, "a.", &entry);
	free(text.text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vly_index_text text = {0};
	char *copy = malloc(size + 1);

	memcpy(copy, data, size);
	copy[size] = '\0';
	try_forms(copy, size);
	text.text = strdup(copy);
	text.len = strlen(copy);
	text.size = text.len + 1;
	try_text(copy, size);
	if (vly_index_end(&text) == 0)
		try_text(text.text, text.len);
	return 0;
}
