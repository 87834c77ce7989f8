/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernel_option.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "address_text.h"
#include "number.h"

/* What is allowed in a name by systemd-networkd and ifupdown, too. */
static bool
is_name(const char *text)
{
	for (const char *at = text; *at != '\0'; at++)
		if (!isalnum((unsigned char)*at) && strchr("_-.", *at) == NULL)
			return false;
	return text[0] != '\0' && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

const char *
vly_kernel_option_name(struct vly_port_spec *spec, const char *text, size_t len)
{
	if (len >= sizeof(spec->kernel))
		return "it takes a name of 1 to 15 letters, digits, \".\", \"-\" and \"_\"";
	memcpy(spec->kernel, text, len);
	spec->kernel[len] = '\0';
	if (!is_name(spec->kernel))
		return "it takes a name of 1 to 15 letters, digits, \".\", \"-\" and \"_\"";
	spec->kernel_off = strcmp(spec->kernel, "off") == 0;
	if (spec->kernel_off)
		spec->kernel[0] = '\0';
	return NULL;
}

const char *
vly_kernel_option_address(struct vly_port_spec *spec, const char *text, size_t len)
{
	static const char wanted[] = "it takes an address and its network's prefix length, such as "
				     "192.0.2.2/24";
	char copy[64];
	struct vly_port_address *address = &spec->address[spec->address_cnt];

	if (spec->address_cnt == VLY_PORT_ADDRESSES_MAX)
		return "one interface takes at most 8 addresses here";
	if (len >= sizeof(copy))
		return wanted;
	memcpy(copy, text, len);
	copy[len] = '\0';
	char *slash = strchr(copy, '/');
	if (slash == NULL)
		return wanted;
	*slash = '\0';
	uint64_t bits;
	unsigned bits_max = vly_address_read(copy, &address->address);
	if (!vly_number_is(slash + 1, strlen(slash + 1), 1, bits_max, &bits))
		return wanted;
	address->prefix_bits = (unsigned)bits;
	spec->address_cnt++;
	return NULL;
}

bool
vly_kernel_option_is_on(const struct vly_port_spec *spec)
{
	return !spec->kernel_off && (spec->kind == VLY_PORT_PCI || spec->kernel[0] != '\0');
}

void
vly_kernel_option_complete(struct vly_port_spec *spec, unsigned port_idx)
{
	if (vly_kernel_option_is_on(spec) && spec->kernel[0] == '\0')
		snprintf(spec->kernel, sizeof(spec->kernel), "volley%u", port_idx);
}
