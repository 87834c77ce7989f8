/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "subnet.h"

#include "base/wire.h"
#include "steered.h"

/* FAMILY (RFC 7871 §6). With a source prefix of 0 there is no address, and some clients give no family
 * either: they only want no subnet to be used, which is not malformed. */
enum { FAMILY_NONE = 0, FAMILY_IPV4 = 1, FAMILY_IPV6 = 2 };

/* Bits of an address of the family. */
static const uint8_t address_bits[] = {[FAMILY_NONE] = 0, [FAMILY_IPV4] = 32, [FAMILY_IPV6] = 128};

/* Octets in front of ADDRESS. */
#define HEAD_BYTES 4

/* Whether the content is as §6 says: as many octets of the address as the prefix needs, zero behind
 * the prefix, and scope 0, as in all queries. */
static bool
is_sound(const uint8_t *content, unsigned bytes)
{
	if (bytes < HEAD_BYTES || vly_be16(content) > FAMILY_IPV6)
		return false;
	const unsigned source = content[VLY_SUBNET_SOURCE];
	if (source > address_bits[vly_be16(content)] || content[VLY_SUBNET_SCOPE] != 0 ||
	    bytes != HEAD_BYTES + (source + 7) / 8)
		return false;
	return source % 8 == 0 || (content[bytes - 1] & 0xff >> source % 8) == 0;
}

bool
vly_subnet_take(struct vly_query *query, const uint8_t *option, unsigned bytes)
{
	const uint8_t *content = option + VLY_OPTION_HEAD_BYTES;
	struct vly_query_subnet *subnet = &query->subnet;
	const struct vly_steer_client resolver = vly_steered_source(query);

	if ((query->asks & VLY_ASKS_SUBNET) || !vly_steering_takes_ecs(query->steering, &resolver))
		return true;
	if (!is_sound(content, bytes))
		return false;
	memset(subnet->octets, 0, sizeof(subnet->octets));
	memcpy(subnet->octets, content, bytes);
	subnet->bytes = (uint8_t)bytes;
	query->asks |= VLY_ASKS_SUBNET;
	query->opt_bytes = (uint8_t)(query->opt_bytes + VLY_OPTION_HEAD_BYTES + bytes);
	query->steering->counters->ecs_queries++;
	return true;
}

struct vly_steer_client
vly_subnet_client(const struct vly_query *query)
{
	const uint8_t *address = query->subnet.octets + HEAD_BYTES;

	return (struct vly_steer_client){
		.word = {vly_be64(address), vly_be64(address + 8)},
		.is_ipv4 = vly_be16(query->subnet.octets) == FAMILY_IPV4,
	};
}

unsigned
vly_subnet_write(uint8_t *to, const struct vly_query *query)
{
	vly_put_be16(to, VLY_OPTION_SUBNET);
	vly_put_be16(to + 2, query->subnet.bytes);
	memcpy(to + VLY_OPTION_HEAD_BYTES, query->subnet.octets, query->subnet.bytes);
	return VLY_OPTION_HEAD_BYTES + query->subnet.bytes;
}
