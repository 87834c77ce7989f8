/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: a sample of a packet as the dataplane kept it. The first octet is its cause, the
 * second what is added to its length. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "socket/sample_decode.h"
#include "target.h"

/* What goes to a terminal must not command it. */
static void
expect_printable(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text > '~')
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct vly_sample sample = {.seq = 1};
	struct vly_sample_view view;
	char source[VLY_SAMPLE_SOURCE_BYTES];

	if (bytes < 2)
		return 0;
	size_t kept = bytes - 2 < VLY_SAMPLE_FRAME_BYTES ? bytes - 2 : VLY_SAMPLE_FRAME_BYTES;
	sample.cause = data[0];
	sample.kept_len = (uint16_t)(kept + data[1]);
	memcpy(sample.frame, data + 2, kept);
	vly_sample_decode(&sample, &view);
	if (view.has_question && (view.name[0] == '\0' || view.type[0] == '\0'))
		abort();
	expect_printable(view.reason);
	expect_printable(view.name);
	expect_printable(view.type);
	expect_printable(vly_sample_source(&view, source));
	return 0;
}
