/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Publish messages as control might send them: the first octet is the number of file
 * descriptors. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "publish_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct vly_publish_request request;

	if (bytes == 0)
		return 0;
	/* A block of the exact size, aligned: reads beyond it are seen. */
	uint64_t *message = malloc(bytes > 1 ? bytes - 1 : 1);
	memcpy(message, data + 1, bytes - 1);
	if (vly_publish_decode(message, bytes - 1, data[0] % 4, &request) == NULL) {
		uint64_t sum = 0;
		for (uint32_t i = 0; i < request.image_cnt; i++)
			sum += request.image_ids[i];
		if (request.type == VLY_PUBLISH_IMAGE && (request.image_id == 0 || sum != 0))
			abort();
	}
	free(message);
	return 0;
}
