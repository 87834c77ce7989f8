/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>

#include "transfer/transfer_rules.h"

static const uint8_t inside[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 130};
static const uint8_t outside[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 127};
static uint8_t pins[2][VLY_PIN_BYTES] = {{1}, {2}};
static const uint8_t other_pin[VLY_PIN_BYTES] = {3};

/* 192.0.2.128/25 */
static struct vly_prefix_rule half = {
	.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 128}, .bits = 96 + 25};

static char key[] = "k.", other_key[] = "other.";

static const char *
judge(struct vly_config_acl *acl, unsigned cnt, const struct vly_transfer_client_facts *facts)
{
	const struct vly_config_feed feed = {.transfer_to = acl, .transfer_to_cnt = cnt};

	return vly_transfer_rules_judge(&feed, facts);
}

Test(transfer_rules, nobody_without_entries)
{
	const struct vly_transfer_client_facts facts = {.address = inside, .key = "k."};

	cr_expect_str_eq(judge(NULL, 0, &facts), "the zone has no transfer-to");
}

Test(transfer_rules, prefixes)
{
	struct vly_config_acl acl = {.source = {.rule = &half, .cnt = 1}};

	cr_expect_null(judge(&acl, 1, &(struct vly_transfer_client_facts){.address = inside}));
	cr_expect_str_eq(judge(&acl, 1, &(struct vly_transfer_client_facts){.address = outside}),
			 "the address is in no prefix of transfer-to");
	half.bits = 96; /* 0.0.0.0/0 */
	cr_expect_null(judge(&acl, 1, &(struct vly_transfer_client_facts){.address = outside}));
	half.bits = 128;
	cr_expect_not_null(judge(&acl, 1, &(struct vly_transfer_client_facts){.address = inside}));
}

Test(transfer_rules, all_of_ipv6_is_not_all_of_ipv4)
{
	static const uint8_t ipv6[16] = {0x20, 1, 0xd, 0xb8};
	struct vly_prefix_rule all = {.bits = 0};
	struct vly_config_acl acl = {.source = {.rule = &all, .cnt = 1}};

	cr_expect_null(judge(&acl, 1, &(struct vly_transfer_client_facts){.address = ipv6}));
	cr_expect_not_null(judge(&acl, 1, &(struct vly_transfer_client_facts){.address = inside}));
}

Test(transfer_rules, keys)
{
	struct vly_config_acl acl = {.key = key};
	struct vly_transfer_client_facts facts = {.address = inside};

	cr_expect_str_eq(judge(&acl, 1, &facts), "the request is not signed");
	facts.key = "other.";
	cr_expect_str_eq(judge(&acl, 1, &facts), "the request is signed with another key");
	facts.key = "k.";
	cr_expect_null(judge(&acl, 1, &facts));
}

/* The key does not go round the requirement of TLS. */
Test(transfer_rules, tls)
{
	struct vly_config_acl acl = {.key = key, .needs_tls = true};
	struct vly_transfer_client_facts facts = {.address = inside, .key = "k."};

	cr_expect_str_eq(judge(&acl, 1, &facts), "TLS is required");
	facts.is_tls = true;
	cr_expect_null(judge(&acl, 1, &facts));
	facts.key = NULL;
	cr_expect_str_eq(judge(&acl, 1, &facts), "the request is not signed");
}

Test(transfer_rules, certificates)
{
	struct vly_config_acl acl = {.needs_tls = true, .pin = pins, .certificate_pin_cnt = 2};
	struct vly_transfer_client_facts facts = {.address = inside, .is_tls = true};

	cr_expect_str_eq(judge(&acl, 1, &facts), "the client has no certificate");
	facts.pin = other_pin;
	cr_expect_str_eq(judge(&acl, 1, &facts), "the client has another certificate");
	facts.pin = pins[1];
	cr_expect_null(judge(&acl, 1, &facts));
}

/* All of one entry, and not one of each. */
Test(transfer_rules, conditions_of_two_entries_do_not_mix)
{
	struct vly_config_acl acl[2] = {{.key = key, .needs_tls = true},
					{.key = other_key, .source = {.rule = &half, .cnt = 1}}};
	struct vly_transfer_client_facts facts = {.address = inside, .key = "k."};

	half.bits = 96 + 25;
	cr_expect_str_eq(judge(acl, 2, &facts), "TLS is required");
	facts.key = "other.";
	cr_expect_null(judge(acl, 2, &facts));
	facts.address = outside;
	facts.is_tls = true;
	cr_expect_not_null(judge(acl, 2, &facts));
}
