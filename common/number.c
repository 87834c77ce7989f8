/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "number.h"

const char *
vly_number_read(const char *text, size_t len, uint64_t min, uint64_t max, uint64_t *value)
{
	uint64_t number = 0;
	size_t i = 0;

	for (; i < len && text[i] >= '0' && text[i] <= '9'; i++) {
		uint64_t digit = (uint64_t)(text[i] - '0');
		if (number > max / 10 || digit > max - number * 10)
			return NULL;
		number = number * 10 + digit;
	}
	if (i == 0 || number < min)
		return NULL;
	*value = number;
	return text + i;
}

bool
vly_number_is(const char *text, size_t len, uint64_t min, uint64_t max, uint64_t *value)
{
	return vly_number_read(text, len, min, max, value) == text + len;
}
