/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"

const struct vly_config_unit vly_config_no_units[] = {{0}};
const struct vly_config_unit vly_config_size_units[] = {
	{'k', 1u << 10}, {'M', 1u << 20}, {'G', 1u << 30}, {0}};
const struct vly_config_unit vly_config_time_units[] = {
	{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {0}};

bool
vly_config_number_read(const char *text, const struct vly_config_unit *units, uint64_t min,
		       uint64_t max, uint64_t *number)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 12)
		return false;
	*number = strtoull(text, NULL, 10);
	if (text[digits] != '\0') {
		while (units->letter && units->letter != text[digits])
			units++;
		if (!units->letter || text[digits + 1] != '\0')
			return false;
		*number *= units->factor;
	}
	return *number >= min && *number <= max;
}
