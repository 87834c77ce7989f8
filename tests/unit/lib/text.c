/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names and responses as text, and back. */
#include "message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* One octet of a name's text, escapes resolved. */
static const char *
take_char(const char *at, uint8_t *octet)
{
	if (*at != '\\') {
		*octet = (uint8_t)*at;
		return at + 1;
	}
	if (!is_digit(at[1]) || !is_digit(at[2]) || !is_digit(at[3])) {
		*octet = (uint8_t)at[1];
		return at[1] != '\0' ? at + 2 : at + 1;
	}
	*octet = (uint8_t)((at[1] - '0') * 100 + (at[2] - '0') * 10 + (at[3] - '0'));
	return at + 4;
}

unsigned
vly_test_name_wire(uint8_t wire[VLY_NAME_BYTES_MAX], const char *name)
{
	unsigned head = 0; /* of the label at hand */
	unsigned at = 1;

	if (strcmp(name, ".") == 0)
		name++;
	while (*name != '\0') {
		if (at >= VLY_NAME_BYTES_MAX)
			return 0;
		if (*name == '.') {
			wire[head] = (uint8_t)(at - head - 1);
			if (wire[head] == 0)
				return 0;
			head = at++;
			name++;
			continue;
		}
		name = take_char(name, &wire[at++]);
		if (at - head > 64)
			return 0;
	}
	wire[head] = (uint8_t)(at - head - 1);
	if (wire[head] == 0)
		return at;
	if (at >= VLY_NAME_BYTES_MAX)
		return 0;
	wire[at++] = 0;
	return at;
}

void
vly_test_name_text(char text[VLY_TEST_NAME_CHARS], const uint8_t *wire)
{
	char *to = text;

	if (wire[0] == 0)
		*to++ = '.';
	while (wire[0] != 0) {
		for (unsigned i = 1; i <= wire[0]; i++) {
			uint8_t c = wire[i];
			bool plain = c > ' ' && c < 127 && strchr(".\\\"();@$", c) == NULL;
			to += plain ? sprintf(to, "%c", c) : sprintf(to, "\\%03u", c);
		}
		*to++ = '.';
		wire += wire[0] + 1;
	}
	*to = '\0';
}

static void
lower_text(char *text)
{
	for (; *text != '\0'; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text + 32);
}

static const uint8_t *
print_name(FILE *out, const uint8_t *wire)
{
	char text[VLY_TEST_NAME_CHARS];

	vly_test_name_text(text, wire);
	lower_text(text); /* which letters are large depends on what was compressed */
	fputs(text, out);
	while (*wire != 0)
		wire += *wire + 1;
	return wire + 1;
}

static void
print_data(FILE *out, const struct vly_test_record *record)
{
	const uint8_t *data = record->data;

	switch (record->type) {
	case VLY_TYPE_A:
		fprintf(out, "%u.%u.%u.%u", data[0], data[1], data[2], data[3]);
		return;
	case VLY_TYPE_NS:
	case VLY_TYPE_CNAME:
	case 12: /* PTR */
		(void)print_name(out, data);
		return;
	case VLY_TYPE_MX:
		fprintf(out, "%u ", data[0] << 8 | data[1]);
		(void)print_name(out, data + 2);
		return;
	case VLY_TYPE_SOA:
		data = print_name(out, data);
		fputc(' ', out);
		data = print_name(out, data);
		for (unsigned i = 0; i < 5; i++, data += 4)
			fprintf(out, " %u",
				(unsigned)data[0] << 24 | data[1] << 16 | data[2] << 8 | data[3]);
		return;
	default:
		fputs("\\# ", out);
		for (unsigned i = 0; i < record->data_len; i++)
			fprintf(out, "%02x", data[i]);
	}
}

const char *
vly_test_type_text(unsigned type, char buffer[16])
{
	static const struct {
		unsigned type;
		const char *text;
	} known[] = {{1, "A"},   {2, "NS"},   {5, "CNAME"}, {6, "SOA"},    {12, "PTR"},
		     {15, "MX"}, {16, "TXT"}, {28, "AAAA"}, {39, "DNAME"}, {43, "DS"}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].type == type)
			return known[i].text;
	snprintf(buffer, 16, "TYPE%u", type);
	return buffer;
}

static char *
record_line(const struct vly_test_record *record)
{
	static const char *const section[] = {"an", "ns", "ad"};
	char owner[VLY_TEST_NAME_CHARS];
	char type[16];
	char *line = NULL;
	size_t size;
	FILE *out = open_memstream(&line, &size);

	if (out == NULL)
		abort();
	strcpy(owner, record->owner);
	lower_text(owner);
	fprintf(out, "%s %s %u %s ", section[record->section], owner, record->ttl,
		vly_test_type_text(record->type, type));
	print_data(out, record);
	fputc('\n', out);
	fclose(out);
	return line;
}

/* an before ns before ad, else by the alphabet */
int
vly_test_line_order(const void *a, const void *b)
{
	const char *left = *(char *const *)a;
	const char *right = *(char *const *)b;
	int left_is = left[0] == 'n' ? 1 : left[1] == 'd' ? 2 : 0;
	int right_is = right[0] == 'n' ? 1 : right[1] == 'd' ? 2 : 0;

	return left_is != right_is ? left_is - right_is : strcmp(left, right);
}

static void
print_head(FILE *out, const struct vly_test_response *response)
{
	static const char *const rcode[] = {"NOERROR",  "FORMERR", "SERVFAIL",
					    "NXDOMAIN", "NOTIMP",  "REFUSED"};
	unsigned code = (response->flags & 15u) | (unsigned)response->opt_rcode << 4;

	if (code < sizeof(rcode) / sizeof(rcode[0]))
		fputs(rcode[code], out);
	else
		fprintf(out, "RCODE%u", code);
	fputs(response->flags & VLY_FLAG_AA ? " aa" : "", out);
	fputs(response->flags & VLY_FLAG_TC ? " tc" : "", out);
	fputs(response->has_opt ? " opt" : "", out);
	fputc('\n', out);
}

char *
vly_test_response_text(const struct vly_test_response *response)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	char **line = calloc(response->record_cnt + 1u, sizeof(*line));

	if (out == NULL || line == NULL)
		abort();
	if (response->fault != NULL)
		fprintf(out, "FAULT: %s\n", response->fault);
	else if (response->len == 0)
		fputs("SILENCE\n", out);
	else
		print_head(out, response);
	for (unsigned i = 0; i < response->record_cnt; i++)
		line[i] = record_line(&response->record[i]);
	qsort(line, response->record_cnt, sizeof(*line), vly_test_line_order);
	for (unsigned i = 0; i < response->record_cnt; i++) {
		fputs(line[i], out);
		free(line[i]);
	}
	free(line);
	fclose(out);
	return text;
}
