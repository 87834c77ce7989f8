/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernel_option.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static const char kernel_is[] = "kernel=";
static const char address_is[] = "address=";

static bool
begins_with(const char *option, size_t len, const char *head)
{
	return len >= strlen(head) && memcmp(option, head, strlen(head)) == 0;
}

bool
vly_kernel_option_is(const struct vly_port_spec *spec, const char *option, size_t len)
{
	/* beside packet sockets the kernel has the frames, too: of use in tests alone */
	if (spec->kind != VLY_PORT_PCI && spec->kind != VLY_PORT_AF_PACKET)
		return false;
	return begins_with(option, len, kernel_is) || begins_with(option, len, address_is);
}

/* What is allowed in a name by systemd-networkd and ifupdown, too. */
static bool
is_name(const char *text)
{
	for (const char *at = text; *at != '\0'; at++)
		if (!isalnum((unsigned char)*at) && strchr("_-.", *at) == NULL)
			return false;
	return text[0] != '\0' && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

static const char *
parse_name(struct vly_port_spec *spec, const char *text, size_t len)
{
	if (len >= sizeof(spec->kernel))
		return "a name of 1 to 15 letters, digits, \".\", \"-\" and \"_\" is needed";
	memcpy(spec->kernel, text, len);
	spec->kernel[len] = '\0';
	if (!is_name(spec->kernel))
		return "a name of 1 to 15 letters, digits, \".\", \"-\" and \"_\" is needed";
	spec->kernel_off = strcmp(spec->kernel, "off") == 0;
	if (spec->kernel_off)
		spec->kernel[0] = '\0';
	return NULL;
}

/* Writes the address and returns the longest prefix that it may have; 0: it is none. */
static unsigned
parse_ip(const char *text, struct vly_address *address)
{
	uint8_t wire[16];

	if (inet_pton(AF_INET, text, wire) == 1) {
		*address = vly_address_from_ipv4(wire);
		return 32;
	}
	if (inet_pton(AF_INET6, text, wire) == 1) {
		*address = vly_address_from_ipv6(wire);
		return 128;
	}
	return 0;
}

static const char *
parse_address(struct vly_port_spec *spec, const char *text, size_t len)
{
	static const char wanted[] = "an address and its network's prefix length are needed, such "
				     "as 192.0.2.2/24";
	char copy[64];
	struct vly_port_address *address = &spec->address[spec->address_cnt];

	if (spec->address_cnt == VLY_PORT_ADDRESSES_MAX)
		return "there are too many addresses for one interface";
	if (len >= sizeof(copy))
		return wanted;
	memcpy(copy, text, len);
	copy[len] = '\0';
	char *slash = strchr(copy, '/');
	if (slash == NULL || !isdigit((unsigned char)slash[1]))
		return wanted;
	*slash = '\0';
	char *end;
	unsigned long bits = strtoul(slash + 1, &end, 10);
	unsigned bits_max = parse_ip(copy, &address->address);
	if (*end != '\0' || bits < 1 || bits > bits_max)
		return wanted;
	address->prefix_bits = (unsigned)bits;
	spec->address_cnt++;
	return NULL;
}

const char *
vly_kernel_option_parse(struct vly_port_spec *spec, const char *option, size_t len)
{
	size_t head = begins_with(option, len, kernel_is) ? strlen(kernel_is) : strlen(address_is);

	if (head == strlen(kernel_is))
		return parse_name(spec, option + head, len - head);
	return parse_address(spec, option + head, len - head);
}

const char *
vly_kernel_option_complete(struct vly_port_spec *spec, unsigned port_idx)
{
	if (spec->kind == VLY_PORT_PCI && !spec->kernel_off && spec->kernel[0] == '\0')
		snprintf(spec->kernel, sizeof(spec->kernel), "volley%u", port_idx);
	if (spec->kernel[0] == '\0' && spec->address_cnt > 0)
		return "address= needs an interface to the kernel (kernel=NAME)";
	return NULL;
}
