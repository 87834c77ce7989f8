/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "domain.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <volley/name.h>

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads one octet of a label, escaped or not. Returns the characters used, or 0 for a bad
 * escape. */
static unsigned
read_octet(const char *text, uint8_t *octet)
{
	*octet = (uint8_t)text[0];
	if (text[0] != '\\')
		return 1;
	*octet = (uint8_t)text[1];
	if (!is_digit(text[1]))
		return text[1] ? 2 : 0;
	if (!is_digit(text[2]) || !is_digit(text[3]))
		return 0;
	int value = (text[1] - '0') * 100 + (text[2] - '0') * 10 + (text[3] - '0');
	*octet = (uint8_t)value;
	return value <= 255 ? 4 : 0;
}

/* Returns where the text ends. */
static char *
write_octet(char *out, uint8_t octet)
{
	if (octet <= ' ' || octet >= 0x7f)
		return out + sprintf(out, "\\%03u", octet);
	if (strchr("\".;()@$\\", octet))
		*out++ = '\\';
	*out++ = (char)octet;
	return out;
}

const char *
vly_domain_canonical(const char *text, char out[VLY_DOMAIN_TEXT_BYTES])
{
	unsigned label_len = 0;
	unsigned wire_len = 1;

	if (strcmp(text, ".") == 0) {
		strcpy(out, ".");
		return NULL;
	}
	if (!*text)
		return "the name is empty";
	while (*text) {
		uint8_t octet;
		if (*text == '.') {
			if (label_len == 0)
				return "the name has an empty label";
			label_len = 0;
			*out++ = '.';
			text++;
			continue;
		}
		unsigned used = read_octet(text, &octet);
		if (used == 0)
			return "the name has a bad escape";
		text += used;
		wire_len += label_len == 0 ? 2 : 1;
		if (++label_len > VLY_LABEL_BYTES_MAX)
			return "a label is longer than 63 octets";
		if (wire_len > VLY_NAME_BYTES_MAX)
			return "the name is longer than 255 octets";
		out = write_octet(out, vly_ascii_lower(octet));
	}
	if (label_len > 0)
		*out++ = '.';
	*out = '\0';
	return NULL;
}

unsigned
vly_domain_wire(const char *text, uint8_t wire[VLY_NAME_BYTES_MAX])
{
	uint8_t *label = wire; /* its length octet */
	uint8_t *at = wire + 1;

	while (*text && strcmp(text, ".") != 0) {
		while (*text != '.')
			text += read_octet(text, at++);
		text++;
		*label = (uint8_t)(at - label - 1);
		label = at++;
	}
	*label = 0;
	return (unsigned)(label + 1 - wire);
}

const char *
vly_domain_text(const uint8_t *wire, char out[VLY_DOMAIN_TEXT_BYTES])
{
	char *at = out;

	if (wire[0] == 0)
		*at++ = '.';
	while (wire[0] != 0) { /* ends with the 127th label at the latest */
		for (unsigned i = 1; i <= wire[0]; i++)
			at = write_octet(at, wire[i]);
		*at++ = '.';
		wire += wire[0] + 1;
	}
	*at = '\0';
	return out;
}
