/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RFC 2136: prerequisites (§2.4, §3.2) and changes (§2.5, §3.4.2), by hand. The comparison with
 * BIND has them at random. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "update.h"

#define SOA(serial) "z. 300 SOA ns.y. m.y. " #serial " 2 3 4 60\n"
#define NS          "z. 300 NS ns.y.\n"

/* Applies an update to a zone, and expects an RCODE and the zone after it. */
static void
expect(const char *zone, const char *update, enum vly_rcode rcode_wanted, const char *wanted)
{
	static uint8_t message[VLY_MESSAGE_BYTES_MAX];
	struct vly_test_model model = {0};
	size_t len = vly_test_update_write(message, "z.", update);

	vly_test_model_read(&model, zone);
	enum vly_rcode rcode = vly_test_model_update(&model, message, len);
	cr_expect_eq(rcode, rcode_wanted, "%s: %d (%s)", update, rcode, model.why);
	char *text = vly_test_model_text(&model);
	cr_expect_str_eq(text, wanted, "%s:\n%s", update, text);
	free(text);
	vly_test_model_free(&model);
}

/* Expects that the zone stays as it is. */
static void
expect_same(const char *zone, const char *update, enum vly_rcode rcode)
{
	expect(zone, update, rcode, zone);
}

#define ONE "a.z. 60 A 192.0.2.1\n" NS SOA(7)

Test(update_apply, prerequisites)
{
	expect_same(ONE, "p a.z. 0 ANY ANY\n", VLY_RCODE_NOERROR);
	expect_same(ONE, "p b.z. 0 ANY ANY\n", VLY_RCODE_NXDOMAIN);
	expect_same(ONE, "p a.z. 0 NONE ANY\n", VLY_RCODE_YXDOMAIN);
	expect_same(ONE, "p b.z. 0 NONE ANY\n", VLY_RCODE_NOERROR);
	expect_same(ONE, "p a.z. 0 ANY A\n", VLY_RCODE_NOERROR);
	expect_same(ONE, "p a.z. 0 ANY AAAA\n", VLY_RCODE_NXRRSET);
	expect_same(ONE, "p a.z. 0 NONE A\n", VLY_RCODE_YXRRSET);
	expect_same(ONE, "p a.z. 0 NONE AAAA\n", VLY_RCODE_NOERROR);
	expect_same(ONE, "p A.Z. 0 IN A 192.0.2.1\n", VLY_RCODE_NOERROR);
	expect_same(ONE, "p a.z. 0 IN A 192.0.2.2\n", VLY_RCODE_NXRRSET);
	expect_same(ONE, "p a.z. 0 IN A 192.0.2.1\np a.z. 0 IN A 192.0.2.2\n", VLY_RCODE_NXRRSET);
	expect_same(ONE, "p z. 0 IN NS NS.Y.\n", VLY_RCODE_NOERROR);
	expect_same(ONE, "p z. 0 ANY ANY\n", VLY_RCODE_NOERROR);
}

/* §3.2.3: the sets are the same as a whole. */
Test(update_apply, a_value_is_all_of_an_rrset)
{
	static const char two[] = "a.z. 60 A 192.0.2.1\na.z. 60 A 192.0.2.2\n" NS SOA(7);

	expect_same(two, "p a.z. 0 IN A 192.0.2.1\n", VLY_RCODE_NXRRSET);
	expect_same(two, "p a.z. 0 IN A 192.0.2.2\np a.z. 0 IN A 192.0.2.1\n", VLY_RCODE_NOERROR);
	expect_same(two, "p a.z. 0 IN A 192.0.2.1\np a.z. 0 IN A 192.0.2.1\n", VLY_RCODE_NXRRSET);
}

/* §2.4.4: names that exist by those below them are not in use. */
Test(update_apply, empty_non_terminals_are_not_in_use)
{
	static const char zone[] = "a.b.z. 60 A 192.0.2.1\n" NS SOA(7);

	expect_same(zone, "p b.z. 0 ANY ANY\n", VLY_RCODE_NXDOMAIN);
	expect_same(zone, "p b.z. 0 NONE ANY\n", VLY_RCODE_NOERROR);
}

Test(update_apply, wildcards_are_names)
{
	static const char zone[] = "*.z. 60 A 192.0.2.1\n" NS SOA(7);

	expect_same(zone, "p b.z. 0 ANY ANY\n", VLY_RCODE_NXDOMAIN);
	expect_same(zone, "p *.z. 0 ANY A\n", VLY_RCODE_NOERROR);
	expect(zone, "u b.z. 0 ANY ANY\nu *.z. 60 IN A 192.0.2.2\n", VLY_RCODE_NOERROR,
	       "*.z. 60 A 192.0.2.1\n*.z. 60 A 192.0.2.2\n" NS SOA(8));
}

Test(update_apply, adds)
{
	expect(ONE, "u b.Z. 10 IN TXT \"x\"\n", VLY_RCODE_NOERROR,
	       "a.z. 60 A 192.0.2.1\nb.z. 10 TXT \"x\"\n" NS SOA(8));
	expect(ONE, "u a.z. 60 IN A 192.0.2.2\n", VLY_RCODE_NOERROR,
	       "a.z. 60 A 192.0.2.1\na.z. 60 A 192.0.2.2\n" NS SOA(8));
	expect_same(ONE, "u a.z. 60 IN A 192.0.2.1\n", VLY_RCODE_NOERROR);
	expect(ONE, "u b.z. 2147483648 IN A 192.0.2.2\n", VLY_RCODE_NOERROR,
	       "a.z. 60 A 192.0.2.1\nb.z. 0 A 192.0.2.2\n" NS SOA(8));
	/* the TTL is that of the whole set */
	expect(ONE, "u a.z. 5 IN A 192.0.2.2\n", VLY_RCODE_NOERROR,
	       "a.z. 5 A 192.0.2.1\na.z. 5 A 192.0.2.2\n" NS SOA(8));
	expect(ONE, "u z. 300 IN NS NS.Y.\n", VLY_RCODE_NOERROR,
	       "a.z. 60 A 192.0.2.1\nz. 300 NS NS.Y.\n" SOA(8));
}

Test(update_apply, single_records_are_replaced)
{
	expect("c.z. 60 CNAME a.z.\n" NS SOA(7), "u c.z. 5 IN CNAME b.z.\n", VLY_RCODE_NOERROR,
	       "c.z. 5 CNAME b.z.\n" NS SOA(8));
	expect("d.z. 60 DNAME a.z.\n" NS SOA(7), "u d.z. 60 IN DNAME b.z.\n", VLY_RCODE_NOERROR,
	       "d.z. 60 DNAME b.z.\n" NS SOA(8));
	expect("w.z. 60 WKS 192.0.2.1 6 25\nw.z. 60 WKS 192.0.2.2 6 25\n" NS SOA(7),
	       "u w.z. 60 IN WKS 192.0.2.1 6 53\n", VLY_RCODE_NOERROR,
	       "w.z. 60 WKS \\# 12 C00002010600000000000004\n"
	       "w.z. 60 WKS \\# 9 C00002020600000040\n" NS SOA(8));
}

Test(update_apply, an_alias_stands_alone)
{
	expect_same(ONE, "u a.z. 60 IN CNAME b.z.\n", VLY_RCODE_NOERROR);
	expect_same("c.z. 60 CNAME a.z.\n" NS SOA(7), "u c.z. 60 IN A 192.0.2.1\n",
		    VLY_RCODE_NOERROR);
	expect(ONE, "u a.z. 0 ANY A\nu a.z. 60 IN CNAME b.z.\n", VLY_RCODE_NOERROR,
	       "a.z. 60 CNAME b.z.\n" NS SOA(8));
}

Test(update_apply, soa)
{
	expect(ONE, "u z. 5 IN SOA n.y. m.y. 9 1 1 1 1\n", VLY_RCODE_NOERROR,
	       "a.z. 60 A 192.0.2.1\n" NS "z. 5 SOA n.y. m.y. 9 1 1 1 1\n");
	expect_same(ONE, "u z. 5 IN SOA n.y. m.y. 7 1 1 1 1\n", VLY_RCODE_NOERROR);
	expect_same(ONE, "u z. 5 IN SOA n.y. m.y. 6 1 1 1 1\n", VLY_RCODE_NOERROR);
	expect_same(ONE, "u z. 5 IN SOA n.y. m.y. 2147483656 1 1 1 1\n", VLY_RCODE_NOERROR);
	expect_same(ONE, "u a.z. 5 IN SOA n.y. m.y. 9 1 1 1 1\n", VLY_RCODE_NOERROR);
	/* not back to where it was, by two steps */
	expect(ONE,
	       "u z. 300 IN SOA ns.y. m.y. 2000000000 2 3 4 60\n"
	       "u z. 300 IN SOA ns.y. m.y. 4000000000 2 3 4 60\n"
	       "u z. 300 IN SOA ns.y. m.y. 8 2 3 4 60\n",
	       VLY_RCODE_NOERROR, "a.z. 60 A 192.0.2.1\n" NS SOA(2000000000));
	expect_same(ONE, "u z. 0 NONE SOA ns.y. m.y. 7 2 3 4 60\n", VLY_RCODE_NOERROR);
	expect_same(ONE, "u z. 0 ANY SOA\n", VLY_RCODE_NOERROR);
	expect("z. 300 NS ns.y.\n" SOA(4294967295), "u z. 300 IN SOA ns.y. m.y. 3 2 3 4 60\n",
	       VLY_RCODE_NOERROR, NS SOA(3));
}

Test(update_apply, removes)
{
	static const char zone[] =
		"a.z. 60 A 192.0.2.1\na.z. 60 A 192.0.2.2\na.z. 60 TXT \"x\"\n" NS SOA(7);

	expect(zone, "u a.z. 0 NONE A 192.0.2.1\n", VLY_RCODE_NOERROR,
	       "a.z. 60 A 192.0.2.2\na.z. 60 TXT \"x\"\n" NS SOA(8));
	expect_same(zone, "u a.z. 0 NONE A 192.0.2.3\n", VLY_RCODE_NOERROR);
	expect(zone, "u a.z. 0 ANY A\n", VLY_RCODE_NOERROR, "a.z. 60 TXT \"x\"\n" NS SOA(8));
	expect(zone, "u a.z. 0 ANY ANY\n", VLY_RCODE_NOERROR, NS SOA(8));
	expect_same(zone, "u b.z. 0 ANY ANY\n", VLY_RCODE_NOERROR);
	expect("m.z. 60 MX 1 Host.y.\n" NS SOA(7), "u m.z. 0 NONE MX 1 hOST.y.\n",
	       VLY_RCODE_NOERROR, NS SOA(8));
}

/* §3.4.2.3, §3.4.2.4 */
Test(update_apply, the_apex_keeps_its_soa_and_a_name_server)
{
	static const char two[] = "z. 300 NS ns1.y.\nz. 300 NS ns2.y.\n" SOA(7) "z. 60 TXT \"x\"\n";

	expect(two, "u z. 0 ANY ANY\n", VLY_RCODE_NOERROR,
	       "z. 300 NS ns1.y.\nz. 300 NS ns2.y.\n" SOA(8));
	expect_same(two, "u z. 0 ANY NS\n", VLY_RCODE_NOERROR);
	expect(two, "u z. 0 NONE NS ns1.y.\nu z. 0 NONE NS ns2.y.\n", VLY_RCODE_NOERROR,
	       "z. 300 NS ns2.y.\n" SOA(8) "z. 60 TXT \"x\"\n");
	expect(NS SOA(7) "zz.z. 60 NS a.y.\n", "u zz.z. 0 NONE NS a.y.\n", VLY_RCODE_NOERROR,
	       NS SOA(8));
}

/* The serial stays when the zone does. */
Test(update_apply, no_effect_is_no_change)
{
	expect_same(ONE, "u a.z. 0 ANY ANY\nu a.z. 60 IN A 192.0.2.1\n", VLY_RCODE_NOERROR);
	expect_same(ONE, "u b.z. 60 IN A 192.0.2.1\nu b.z. 0 NONE A 192.0.2.1\n",
		    VLY_RCODE_NOERROR);
	expect_same(ONE,
		    "u a.z. 5 IN A 192.0.2.2\nu a.z. 60 IN A 192.0.2.1\nu a.z. 0 NONE A "
		    "192.0.2.2\n",
		    VLY_RCODE_NOERROR);
}

/* What fails late takes back what came before. */
Test(update_apply, all_or_nothing)
{
	expect_same(ONE, "p b.z. 0 ANY A\nu a.z. 0 ANY ANY\n", VLY_RCODE_NXRRSET);
	expect_same(ONE, "u a.z. 0 ANY ANY\nu a.y. 60 IN A 192.0.2.1\n", VLY_RCODE_NOTZONE);
}

Test(update_apply, signed_zones_and_what_signers_make)
{
	static const char with_chain[] = NS "z. 300 NSEC z. NS SOA NSEC\n" SOA(7);

	expect_same(with_chain, "u a.z. 60 IN A 192.0.2.1\n", VLY_RCODE_REFUSED);
	expect_same(ONE, "u a.z. 60 IN NSEC z. A\n", VLY_RCODE_REFUSED);
	expect_same(ONE, "u z. 0 ANY DNSKEY\n", VLY_RCODE_REFUSED);
	expect_same(ONE, "u z. 0 ANY ZONEMD\n", VLY_RCODE_REFUSED);
}

Test(update_apply, a_zone_that_cannot_be_read)
{
	static uint8_t message[VLY_MESSAGE_BYTES_MAX];
	struct vly_test_model model = {.broken = true};
	size_t len = vly_test_update_write(message, "z.", "u a.z. 60 IN A 192.0.2.1\n");

	cr_expect_eq(vly_test_model_update(&model, message, len), VLY_RCODE_SERVFAIL);
}

static bool
permits_but_txt(void *arg, const uint8_t *owner, unsigned owner_len, uint16_t type)
{
	(void)owner;
	*(unsigned *)arg += owner_len == 5;
	return type != VLY_TYPE_TXT;
}

static int
get_two_types(void *arg, const uint8_t *owner, unsigned owner_len,
	      struct vly_update_records *records)
{
	(void)arg;
	(void)owner;
	if (owner_len != 5)
		return 0;
	vly_update_records_add(records, VLY_TYPE_A, 60, (const uint8_t *)"\1\2\3\4", 4);
	vly_update_records_add(records, VLY_TYPE_TXT, 60, (const uint8_t *)"\1x", 2);
	return 0;
}

Test(update_apply, the_removal_of_a_name_needs_a_permit_for_each_type)
{
	static uint8_t octets[VLY_MESSAGE_BYTES_MAX];
	unsigned asked_cnt = 0;
	const struct vly_update_zone zone = {get_two_types, permits_but_txt, &asked_cnt};
	size_t len = vly_test_update_write(octets, "z.", "u a.z. 0 ANY ANY\n");
	struct vly_update_message message;
	struct vly_change change;
	const char *why;

	vly_change_init(&change);
	cr_assert_eq(vly_update_message_read(&message, octets, len), VLY_RCODE_NOERROR);
	cr_expect_eq(vly_update_apply(&message, &zone, &change, &why), VLY_RCODE_REFUSED);
	cr_expect_str_eq(why, "a type at a name that is to be removed may not be changed");
	cr_expect_eq(asked_cnt, 2);
	cr_expect(vly_change_is_empty(&change));
	vly_change_free(&change);
	vly_update_message_free(&message);
}

#define SET_CNT 4000

static unsigned set_cnt; /* records that get_set() gives */

static int
get_set(void *arg, const uint8_t *owner, unsigned owner_len, struct vly_update_records *records)
{
	static uint8_t data[SET_CNT][4];

	(void)arg;
	(void)owner;
	if (owner_len != 5)
		return 0;
	for (unsigned i = 0; i < set_cnt; i++) {
		uint8_t *address = data[i % SET_CNT];
		address[2] = (uint8_t)(i % SET_CNT >> 8);
		address[3] = (uint8_t)(i % SET_CNT);
		vly_update_records_add(records, VLY_TYPE_A, 60, address, 4);
	}
	return 0;
}

/* SET_CNT changes, each of which gives all records of the set another TTL. */
static enum vly_rcode
change_all_ttls(struct vly_change *change, const char **why)
{
	static uint8_t octets[VLY_MESSAGE_BYTES_MAX];
	const struct vly_update_zone zone = {.get = get_set};
	struct vly_update_message message;
	struct vly_update_record *many = calloc(SET_CNT, sizeof(*many));
	size_t len = vly_test_update_write(octets, "z.", "u a.z. 60 IN A 255.255.255.255\n");

	cr_assert_not_null(many);
	cr_assert_eq(vly_update_message_read(&message, octets, len), VLY_RCODE_NOERROR);
	const struct vly_update_record *one = message.change;
	for (unsigned i = 0; i < SET_CNT; i++) {
		many[i] = *one;
		many[i].ttl = i % 2 + 1;
	}
	message.change = many;
	message.change_cnt = SET_CNT;
	vly_change_init(change);
	enum vly_rcode rcode = vly_update_apply(&message, &zone, change, why);
	vly_update_message_free(&message);
	free(many);
	return rcode;
}

/* A record has one entry, however often its TTL changes. */
Test(update_apply, a_ttl_that_changes_often)
{
	struct vly_change change;
	const char *why;

	set_cnt = SET_CNT;
	cr_expect_eq(change_all_ttls(&change, &why), VLY_RCODE_NOERROR);
	cr_expect_eq(change.removed.cnt, SET_CNT);
	cr_expect_eq(change.added.cnt, SET_CNT + 1);
	vly_change_free(&change);
}

Test(update_apply, too_many_changes_at_a_name_with_very_many_records)
{
	struct vly_change change;
	const char *why;

	set_cnt = 2 * SET_CNT;
	cr_expect_eq(change_all_ttls(&change, &why), VLY_RCODE_REFUSED);
	cr_expect_str_eq(why, "too many changes at a name with so many records: divide the update");
	cr_expect(vly_change_is_empty(&change));
	vly_change_free(&change);
}
