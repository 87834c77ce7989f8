/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Data of records of any type. Its first octet says what follows the type: octets, which are
 * printed and read again; or text, which is read, printed and read again.
 */
#include <string.h>

#include "../unit/control/zone/two_readers.h"
#include "target.h"

static struct two_readers readers;
static char *printed;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	open_readers(&readers);
	printed = malloc(VLY_RDATA_TEXT_BYTES);
	require(printed != NULL);
	return 0;
}

/* The text that was printed is the data again. */
static void
read_again(uint16_t type, const uint8_t *data, unsigned len)
{
	require(read_second(&readers, type, printed) == (int)len);
	require(memcmp(readers.data, data, len) == 0);
}

static void
try_octets(uint16_t type, const uint8_t *data, unsigned len)
{
	size_t text_len = vly_rdata_print(type, data, len, printed, VLY_RDATA_TEXT_BYTES);
	require(text_len < VLY_RDATA_TEXT_BYTES && strlen(printed) == text_len);
	read_again(type, data, len);
	text_len = vly_rdata_print_form(type, data, len, printed, VLY_RDATA_TEXT_BYTES);
	require(text_len < VLY_RDATA_TEXT_BYTES);
	if (text_len > 0)
		read_again(type, data, len);
	/* less room, and nothing beyond it */
	char *less = malloc(len + 1u);
	require(less != NULL);
	vly_rdata_print(type, data, len, less, len + 1u);
	require(strnlen(less, len + 1u) <= len);
	free(less);
}

static void
try_text(uint16_t type, const char *text)
{
	uint8_t *data;
	int len = read_second(&readers, type, text);

	if (len < 0) {
		require(readers.why[0] != '\0');
		return;
	}
	data = malloc((size_t)len + 1);
	require(data != NULL);
	memcpy(data, readers.data, (size_t)len);
	require(strstr(text, "\\#") != NULL || vly_rdata_has_form(type, data, (unsigned)len));
	try_octets(type, data, (unsigned)len);
	free(data);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *text;

	if (bytes < 3 || bytes > 8192)
		return -1;
	uint16_t type = (uint16_t)(data[1] << 8 | data[2]);
	if (data[0] % 2 == 0) {
		try_octets(type, data + 3, (unsigned)bytes - 3);
		return 0;
	}
	text = malloc(bytes - 2);
	require(text != NULL);
	memcpy(text, data + 3, bytes - 3);
	text[bytes - 3] = '\0';
	try_text(type, text);
	free(text);
	return 0;
}
