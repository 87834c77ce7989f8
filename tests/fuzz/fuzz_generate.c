/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: any octets as the rest of a $GENERATE line. The first and last line that it stands
 * for are written to buffers of just the size that each needs, and of one octet less. */
#include <string.h>

#include "target.h"
#include "zone/zone_generate.h"

#define DIRECTIVE  "$GENERATE "
#define LINE_BYTES 4096

static void
expand(const struct vly_generate *generate, uint32_t number)
{
	char *whole = malloc(LINE_BYTES);

	require(whole != NULL);
	size_t bytes = vly_generate_expand(generate, number, whole, LINE_BYTES);
	require(bytes <= LINE_BYTES);
	for (unsigned less = 0; bytes > 0 && less < 2; less++) {
		char *exact = malloc(bytes - less + 1);
		require(exact != NULL);
		size_t again = vly_generate_expand(generate, number, exact, bytes - less);
		require(again == (less == 0 ? bytes : 0));
		require(less > 0 || memcmp(exact, whole, bytes) == 0);
		require(memchr(whole, '\n', bytes) == whole + bytes - 1);
		free(exact);
	}
	free(whole);
}

/* The reader passes one line, without its end. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct vly_generate generate;
	const size_t head = strlen(DIRECTIVE);
	char *line = malloc(head + bytes);

	require(line != NULL);
	memcpy(line, DIRECTIVE, head);
	memcpy(line + head, data, bytes);
	bool is_line = memchr(data, '\n', bytes) == NULL;
	require(vly_generate_is(line, head + bytes));
	if (is_line && vly_generate_parse(&generate, line, head + bytes) == NULL) {
		require(generate.step > 0 && generate.start <= generate.stop);
		require((generate.stop - generate.start) / generate.step < VLY_GENERATE_LINES_MAX);
		expand(&generate, generate.start);
		expand(&generate, generate.stop);
	}
	free(line);
	return is_line ? 0 : -1;
}
