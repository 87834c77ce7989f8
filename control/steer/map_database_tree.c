/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map_database_parts.h"

/* The IPv4 networks of a tree of both families are behind so many zero bits. */
#define IPV4_DEPTH 96

/* How often a node may be reached on average. Once in a tree; a writer that shares equal subtrees
 * makes it a few times. A damaged tree with loops would be walked for years. */
#define VISITS_OF_NODE_MAX 4

struct net {
	enum vly_family family;
	struct vly_region_prefix prefix;
};

static int walk_node(struct vly_map_walk *walk, uint32_t node, struct net net);

static bool
is_zero(const struct net *net)
{
	return net->family == VLY_FAMILY_IPV6 && (net->prefix.high | net->prefix.low) == 0;
}

static int
add(struct vly_map_walk *walk, MMDB_entry_s *entry, const struct net *net)
{
	static const struct vly_region_prefix all_ipv4;
	struct vly_region_prefix prefix = net->prefix;
	struct vly_region_prefix ipv4 = all_ipv4;
	uint32_t region;
	int error = 0;

	if (vly_map_walk_region(walk, entry, &region) != 0)
		return -1;
	prefix.region = ipv4.region = region & (VLY_REGION_MAX - 1);
	if (is_zero(net) && prefix.bits <= IPV4_DEPTH)
		error = vly_region_list_add(walk->list, VLY_FAMILY_IPV4, &ipv4);
	if (error == 0 && !(is_zero(net) && prefix.bits == IPV4_DEPTH))
		error = vly_region_list_add(walk->list, net->family, &prefix);
	return error == 0 ? 0 : vly_map_walk_refuse(walk, "out of memory");
}

static int
walk_record(struct vly_map_walk *walk, uint64_t value, uint8_t type, MMDB_entry_s *entry,
	    const struct net *net)
{
	switch (type) {
	case MMDB_RECORD_TYPE_EMPTY:
		return 0;
	case MMDB_RECORD_TYPE_DATA:
		return add(walk, entry, net);
	case MMDB_RECORD_TYPE_SEARCH_NODE:
		return walk_node(walk, (uint32_t)value, *net);
	default:
		return vly_map_walk_refuse(walk,
					   "the database is damaged: a record of its search tree");
	}
}

/* One of the halves of a net. */
static struct net
half_of(const struct net *net, unsigned bit)
{
	struct net half = *net;
	unsigned at = half.prefix.bits++;

	if (at < 64)
		half.prefix.high |= (uint64_t)bit << (63 - at);
	else
		half.prefix.low |= (uint64_t)bit << (127 - at);
	return half;
}

/* Whether the node is where IPv4 begins, but the net is another one. */
static bool
is_alias(const struct vly_map_walk *walk, uint32_t node, const struct net *net)
{
	return net->family == VLY_FAMILY_IPV6 && walk->db.metadata.ip_version == 6 &&
	       walk->db.ipv4_start_node.netmask == IPV4_DEPTH &&
	       node == walk->db.ipv4_start_node.node_value;
}

/* A node is reached after at most 128 bits: so deep is the recursion. */
static int
walk_node(struct vly_map_walk *walk, uint32_t node, struct net net)
{
	MMDB_search_node_s record;

	if (is_zero(&net) && net.prefix.bits == IPV4_DEPTH)
		net = (struct net){.family = VLY_FAMILY_IPV4};
	else if (is_alias(walk, node, &net))
		return 0;
	if (net.prefix.bits == (net.family == VLY_FAMILY_IPV4 ? 32 : 128))
		return vly_map_walk_refuse(
			walk, "the database is damaged: its search tree is deeper than an address");
	if (walk->visits_left-- == 0)
		return vly_map_walk_refuse(walk,
					   "the database is damaged: its search tree has loops");
	int status = MMDB_read_node(&walk->db, node, &record);
	if (status != MMDB_SUCCESS)
		return vly_map_walk_refuse(walk, "the database is damaged: %s",
					   MMDB_strerror(status));
	struct net left = half_of(&net, 0);
	struct net right = half_of(&net, 1);
	if (walk_record(walk, record.left_record, record.left_record_type,
			&record.left_record_entry, &left) != 0)
		return -1;
	return walk_record(walk, record.right_record, record.right_record_type,
			   &record.right_record_entry, &right);
}

int
vly_map_walk_tree(struct vly_map_walk *walk)
{
	struct net all = {.family = walk->db.metadata.ip_version == 4 ? VLY_FAMILY_IPV4
								      : VLY_FAMILY_IPV6};

	walk->visits_left = (uint64_t)walk->db.metadata.node_count * VISITS_OF_NODE_MAX;
	return walk_node(walk, 0, all);
}
