/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dp_option.h"

#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "address_text.h"
#include "number.h"
#include "port_spec.h"

const struct vly_dp_option_row vly_dp_option_row[VLY_DP_OPTION_CNT] = {
#define X(id, name, key, kind, argument, min, max, unit, preset, help)                             \
	{name, key, argument, unit, preset, help, VLY_DP_KIND_##kind, min, max},
	VLY_DATAPLANE_OPTIONS(X)
#undef X
};

static int
read_number(const struct vly_dp_option_row *row, const char *text, unsigned *number, char *reason)
{
	bool or_zero = row->kind == VLY_DP_KIND_ZERO_OR_NUMBER;
	const char *unit = row->unit;
	uint64_t value;

	if (!vly_number_is(text, strlen(text), or_zero ? 0 : row->min, row->max, &value) ||
	    (value < row->min && value != 0)) {
		snprintf(reason, VLY_DP_REASON_BYTES, "must be a number from %u to %u%s%s%s%s",
			 row->min, row->max, *unit ? " (" : "", unit, *unit ? ")" : "",
			 or_zero ? ", or 0" : "");
		return -1;
	}
	*number = (unsigned)value;
	return 0;
}

/* "must be error, warning, info or debug" */
static void
write_words(const char *words, char *reason)
{
	size_t at = (size_t)snprintf(reason, VLY_DP_REASON_BYTES, "must be ");

	for (const char *word = words; *word != '\0';) {
		size_t len = strcspn(word, "|");
		const char *next = word + len + (word[len] == '|');
		const char *between = *next == '\0'               ? ""
				      : strchr(next, '|') != NULL ? ", "
								  : " or ";
		at += (size_t)snprintf(reason + at, VLY_DP_REASON_BYTES - at, "%.*s%s", (int)len,
				       word, between);
		word = next;
	}
}

static int
read_word(const struct vly_dp_option_row *row, const char *text, unsigned *number, char *reason)
{
	size_t text_len = strlen(text);
	unsigned idx = 0;

	for (const char *word = row->argument; *word != '\0'; idx++) {
		size_t len = strcspn(word, "|");
		if (len == text_len && memcmp(word, text, len) == 0) {
			*number = idx;
			return 0;
		}
		word += len + (word[len] == '|');
	}
	write_words(row->argument, reason);
	return -1;
}

static int
check_address(const char *text, char *reason)
{
	struct vly_address address;

	if (vly_address_read(text, &address) != 0)
		return 0;
	snprintf(reason, VLY_DP_REASON_BYTES, "%.64s is not an IPv4 or IPv6 address", text);
	return -1;
}

static int
check_length(const char *text, size_t max, const char *what, char *reason)
{
	if (strlen(text) <= max)
		return 0;
	snprintf(reason, VLY_DP_REASON_BYTES, "%s has at most %zu octets", what, max);
	return -1;
}

int
vly_cpu_list_read(struct vly_cpu_list *list, const char *text, char reason[VLY_DP_REASON_BYTES])
{
	const char *end = text + strlen(text);
	const char *at = text;

	list->cnt = 0;
	for (;;) { /* each round reads at least one octet of `text` */
		uint64_t first, last;
		at = vly_number_read(at, (size_t)(end - at), 0, VLY_CPU_ID_MAX, &first);
		last = first;
		if (at != NULL && *at == '-')
			at = vly_number_read(at + 1, (size_t)(end - at - 1), first, VLY_CPU_ID_MAX,
					     &last);
		if (at == NULL || (*at != ',' && *at != '\0')) {
			snprintf(reason, VLY_DP_REASON_BYTES,
				 "must be a list of CPUs from 0 to %d, such as 1-3,5",
				 VLY_CPU_ID_MAX);
			return -1;
		}
		if (last - first >= VLY_LCORES_MAX - list->cnt) {
			snprintf(reason, VLY_DP_REASON_BYTES, "must have at most %d CPUs",
				 VLY_LCORES_MAX);
			return -1;
		}
		for (uint64_t cpu = first; cpu <= last; cpu++)
			list->cpu[list->cnt++] = (uint16_t)cpu;
		if (*at == '\0')
			return 0;
		at++;
	}
}

static int
digit_of(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at =
		c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

int
vly_nsid_read(uint8_t octets[VLY_NSID_BYTES_MAX], const char *text)
{
	bool is_hex = strncmp(text, "0x", 2) == 0;
	const char *from = is_hex ? text + 2 : text;
	size_t len = strlen(from);

	if (len == 0 || (is_hex && len % 2 != 0) || (is_hex ? len / 2 : len) > VLY_NSID_BYTES_MAX)
		return -1;
	if (!is_hex) {
		memcpy(octets, text, len);
		return (int)len;
	}
	for (size_t i = 0; i < len; i += 2) {
		int high = digit_of(from[i]);
		int low = digit_of(from[i + 1]);
		if (high < 0 || low < 0)
			return -1;
		octets[i / 2] = (uint8_t)(high << 4 | low);
	}
	return (int)(len / 2);
}

static int
check_nsid(const char *text, char *reason)
{
	uint8_t octets[VLY_NSID_BYTES_MAX];

	if (vly_nsid_read(octets, text) > 0)
		return 0;
	snprintf(reason, VLY_DP_REASON_BYTES,
		 "must be 1 to %d octets, as text or as 0x and hexadecimal digits",
		 VLY_NSID_BYTES_MAX);
	return -1;
}

int
vly_dp_option_read(enum vly_dp_option option, const char *text, unsigned *number,
		   char reason[VLY_DP_REASON_BYTES])
{
	const struct vly_dp_option_row *row = &vly_dp_option_row[option];
	struct vly_port_spec spec;
	struct vly_cpu_list cpus;

	*number = 0;
	switch (row->kind) {
	case VLY_DP_KIND_PORT:
		return vly_port_spec_read(&spec, text, reason, VLY_DP_REASON_BYTES);
	case VLY_DP_KIND_ADDRESS:
		return check_address(text, reason);
	case VLY_DP_KIND_CPUS:
		return vly_cpu_list_read(&cpus, text, reason);
	case VLY_DP_KIND_SOCKET:
		return check_length(text, sizeof(((struct sockaddr_un *)0)->sun_path) - 1,
				    "a socket's path", reason);
	case VLY_DP_KIND_WORD:
		return read_word(row, text, number, reason);
	case VLY_DP_KIND_NUMBER:
	case VLY_DP_KIND_ZERO_OR_NUMBER:
		return read_number(row, text, number, reason);
	case VLY_DP_KIND_TEXT:
		return check_length(text, row->max, "the text", reason);
	case VLY_DP_KIND_NSID:
		return check_nsid(text, reason);
	case VLY_DP_KIND_PATH:
	case VLY_DP_KIND_SWITCH:
		break;
	}
	return 0;
}
