/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer_rules.h"

#include <string.h>

static bool
is_ipv4(const uint8_t address[16])
{
	return memcmp(address, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0;
}

/* ::/0 is IPv6 alone, though IPv4 is written as a part of it. */
static bool
is_within(const struct vly_prefix_rule *rule, const uint8_t address[16])
{
	const unsigned whole = rule->bits / 8;
	const unsigned rest = rule->bits % 8;

	if (rule->bits < 96 && is_ipv4(address))
		return false;
	if (memcmp(rule->address, address, whole) != 0)
		return false;
	return rest == 0 || (rule->address[whole] ^ address[whole]) >> (8 - rest) == 0;
}

static bool
is_in_list(const struct vly_prefix_list *list, const uint8_t address[16])
{
	for (size_t i = 0; i < list->cnt; i++)
		if (is_within(&list->rule[i], address))
			return true;
	return list->cnt == 0;
}

static bool
has_pin(const struct vly_config_acl *acl, const uint8_t *pin)
{
	for (unsigned i = 0; pin != NULL && i < acl->certificate_pin_cnt; i++)
		if (memcmp(acl->pin[i], pin, VLY_PIN_BYTES) == 0)
			return true;
	return acl->certificate_pin_cnt == 0;
}

/* Why an entry does not permit it; *rank is how near it comes. */
static const char *
judge(const struct vly_config_acl *acl, const struct vly_transfer_client_facts *facts,
      unsigned *rank)
{
	*rank = 1;
	if (!is_in_list(&acl->source, facts->address))
		return "the address is in no prefix of transfer-to";
	*rank = 2;
	if (acl->key != NULL && facts->key == NULL)
		return "the request is not signed";
	if (acl->key != NULL && strcmp(acl->key, facts->key) != 0)
		return "the request is signed with another key";
	*rank = 3;
	if (acl->needs_tls && !facts->is_tls)
		return "TLS is required";
	*rank = 4;
	if (!has_pin(acl, facts->pin))
		return facts->pin == NULL ? "the client has no certificate"
					  : "the client has another certificate";
	return NULL;
}

const char *
vly_transfer_rules_judge(const struct vly_config_feed *feed,
			 const struct vly_transfer_client_facts *facts)
{
	const char *nearest = "the zone has no transfer-to";
	unsigned best = 0;

	for (unsigned i = 0; i < feed->transfer_to_cnt; i++) {
		unsigned rank;
		const char *why = judge(&feed->transfer_to[i], facts, &rank);
		if (why == NULL)
			return NULL;
		if (rank > best) {
			best = rank;
			nearest = why;
		}
	}
	return nearest;
}
