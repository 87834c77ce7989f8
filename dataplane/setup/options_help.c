/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "options.h"

/* Two columns, as wide as a terminal is at the least. */
#define TEXT_COLUMN 25
#define WIDTH       80

static const struct {
	const char *name;
	const char *argument;
	const char *options;
	const char *help;
} port_kind[VLY_PORT_KIND_CNT] = {
#define X(id, name, target, argument, options, help) {name, argument, options, help},
	VLY_PORT_KINDS(X)
#undef X
};

/* Writes words, from the text's column to the width. The cursor is at that column. */
static void
write_wrapped(FILE *to, const char *text)
{
	size_t column = TEXT_COLUMN;

	while (*text != '\0') {
		size_t len = strcspn(text, " ");
		bool first = column == TEXT_COLUMN;
		if (!first && column + 1 + len > WIDTH) {
			fprintf(to, "\n%*s", TEXT_COLUMN, "");
			column = TEXT_COLUMN;
			first = true;
		}
		column += (size_t)fprintf(to, "%s%.*s", first ? "" : " ", (int)len, text);
		text += len + (text[len] == ' ');
	}
	fputc('\n', to);
}

/* Range and default: "(1 to 3600; default: 10)". */
static void
write_range(const struct vly_dp_option_row *row, char *to, size_t room)
{
	bool is_number = row->kind == VLY_DP_KIND_NUMBER;
	bool or_zero = row->kind == VLY_DP_KIND_ZERO_OR_NUMBER;
	char range[64] = "";

	if (is_number || or_zero)
		snprintf(range, sizeof(range), "%s%u to %u", or_zero ? "0, or " : "", row->min,
			 row->max);
	else if (row->max != 0 && row->kind != VLY_DP_KIND_CPUS)
		snprintf(range, sizeof(range), "up to %u octets", row->max);
	if (range[0] != '\0' || row->preset != NULL)
		snprintf(to, room, "(%s%s%s%s)", range,
			 range[0] != '\0' && row->preset != NULL ? "; " : "",
			 row->preset != NULL ? "default: " : "",
			 row->preset != NULL ? row->preset : "");
}

static void
write_option(FILE *to, const struct vly_dp_option_row *row)
{
	char range[128] = "";
	int len = fprintf(to, "  --%s%s%s", row->name, *row->argument != '\0' ? " " : "",
			  row->argument);

	if (len >= TEXT_COLUMN) {
		fputc('\n', to);
		len = 0;
	}
	fprintf(to, "%*s", TEXT_COLUMN - len, "");
	write_range(row, range, sizeof(range));
	write_wrapped(to, row->help);
	if (range[0] != '\0')
		fprintf(to, "%*s%s\n", TEXT_COLUMN, "", range);
}

static void
write_ports(FILE *to)
{
	char spec[64];

	for (unsigned i = 0; i < VLY_PORT_KIND_CNT; i++) {
		snprintf(spec, sizeof(spec), "%s%s%s%s", port_kind[i].name,
			 *port_kind[i].argument != '\0' ? ":" : "", port_kind[i].argument,
			 port_kind[i].options);
		fprintf(to, "%*s  %-27s %s\n", TEXT_COLUMN, "", spec, port_kind[i].help);
	}
}

void
vly_options_help(FILE *to)
{
	fputs("Usage: volley-dataplane --port SPEC [option]...\n\nOptions:\n", to);
	for (unsigned i = 0; i < VLY_DP_OPTION_CNT; i++) {
		write_option(to, &vly_dp_option_row[i]);
		if (i == VLY_DP_port)
			write_ports(to);
	}
	fputs("\n"
	      "Exit status:\n"
	      "  0   a signal ended the program\n"
	      "  1   the program could not start, or no port works any more\n"
	      "  2   an option is wrong\n"
	      "  70  the watchdog ended the program\n",
	      to);
}
