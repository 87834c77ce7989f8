/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NSID, class CH, Extended DNS Errors, and the order of RRsets. */
#include <criterion/criterion.h>

#include "answer/identity.h"
#include "message.h"
#include "server.h"

static const struct vly_test_zone zone = {
	"z.", VLY_TEST_APEX "a A 192.0.2.1\na A 192.0.2.2\na A 192.0.2.3\n"
			    "b AAAA 2001:db8::1\nb AAAA 2001:db8::2\none A 192.0.2.1\n"};

static struct vly_test_server server;

static void
open_server(void)
{
	vly_identity = (struct vly_identity){0};
	cr_assert_eq(vly_test_server_open(&server, &zone, 1), 0);
}

static void
close_server(void)
{
	vly_test_server_close(&server);
}

TestSuite(identity, .init = open_server, .fini = close_server);

static void
ask_chaos(const char *name, unsigned type, struct vly_test_response *response)
{
	vly_test_ask(
		server.table,
		&(struct vly_test_question){
			.name = name, .type = (uint16_t)type, .class = VLY_CLASS_CH, .edns = true},
		response);
	cr_expect_null(response->fault, "%s: %s", name, response->fault);
}

/* RFC 4892 §3.1 */
Test(identity, tells_what_is_set_and_refuses_the_rest)
{
	static const struct {
		const char *name;
		const char *text; /* NULL: refused */
	} cases[] = {
		{"id.server.", "pop1"},
		{"hostname.BIND.", "pop1"},
		{"version.server.", NULL},
		{"version.bind.", NULL},
		{"authors.bind.", NULL},
		{"server.", NULL},
		{".", NULL},
		{"a.z.", NULL},
	};
	struct vly_test_response response;

	vly_identity.id_server = "pop1";
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask_chaos(cases[i].name, VLY_TYPE_TXT, &response);
		if (cases[i].text == NULL) {
			cr_expect_eq(response.flags & VLY_FLAG_RCODE, VLY_RCODE_REFUSED, "%s",
				     cases[i].name);
			cr_expect_eq(response.record_cnt, 0);
		} else {
			size_t len = strlen(cases[i].text);
			cr_assert_eq(response.record_cnt, 1, "%s", cases[i].name);
			cr_expect_eq(response.record[0].class, VLY_CLASS_CH);
			cr_expect_eq(response.record[0].ttl, 0);
			cr_expect_eq(response.record[0].data_len, len + 1);
			cr_expect_eq(response.record[0].data[0], len);
			cr_expect_eq(memcmp(response.record[0].data + 1, cases[i].text, len), 0);
		}
		vly_test_response_free(&response);
	}
}

Test(identity, has_only_text)
{
	struct vly_test_response response;

	vly_identity.version = "1";
	ask_chaos("version.server.", VLY_TYPE_A, &response);
	cr_expect_eq(response.flags & VLY_FLAG_RCODE, VLY_RCODE_NOERROR);
	cr_expect_eq(response.record_cnt, 0);
	vly_test_response_free(&response);
	ask_chaos("version.server.", VLY_TYPE_ANY, &response);
	cr_expect_eq(response.record_cnt, 1);
	vly_test_response_free(&response);
}

/* The longest text fits: 12 + 20 + 268 octets and the OPT are below 512. */
Test(identity, fits_the_longest_text_without_edns)
{
	char text[VLY_CHAOS_BYTES_MAX + 1] = {0};
	struct vly_test_response response;

	memset(text, 'x', VLY_CHAOS_BYTES_MAX);
	vly_identity.version = text;
	vly_test_ask(server.table,
		     &(struct vly_test_question){
			     .name = "version.bind.", .type = VLY_TYPE_TXT, .class = VLY_CLASS_CH},
		     &response);
	cr_expect_null(response.fault);
	cr_assert_eq(response.record_cnt, 1);
	cr_expect_eq(response.record[0].data_len, VLY_CHAOS_BYTES_MAX + 1);
	vly_test_response_free(&response);
}

/* The option `code` in the OPT that ends a response; NULL: it is not there. */
static const uint8_t *
find_option(const struct vly_test_response *response, unsigned code, unsigned *len)
{
	/* our OPT comes last, and its options are shorter than 256 octets: look back for its head
	 */
	for (unsigned rdlength = 0; rdlength + 11 <= response->len; rdlength++) {
		const uint8_t *opt = response->octets + response->len - 11 - rdlength;
		if (opt[0] != 0 || opt[1] != 0 || opt[2] != VLY_TYPE_OPT ||
		    (opt[9] << 8 | opt[10]) != (int)rdlength)
			continue;
		for (const uint8_t *at = opt + 11; at < opt + 11 + rdlength;) {
			*len = (unsigned)(at[2] << 8 | at[3]);
			if ((unsigned)(at[0] << 8 | at[1]) == code)
				return at + 4;
			at += 4 + *len;
		}
	}
	return NULL;
}

/* A question for a.z./A with an OPT that has the given options. */
static void
ask_with_options(const char *options, unsigned bytes, struct vly_test_response *response)
{
	uint8_t message[300];
	const struct vly_test_question question = {
		.name = "one.z.", .type = VLY_TYPE_A, .edns = true};
	unsigned len = vly_test_question_write(message, &question);

	message[len - 1] = (uint8_t)bytes;
	memcpy(message + len, options, bytes);
	vly_test_exchange(server.table, message, len + bytes, &question, response);
	cr_expect_null(response->fault, "%s", response->fault);
}

/* RFC 5001 §2.1, §2.2: only who asks is told, and only when there is something to tell. */
Test(identity, answers_nsid_to_who_asks)
{
	struct vly_test_response response;
	unsigned len;

	ask_with_options("\0\3\0\0", 4, &response);
	cr_expect_null(find_option(&response, VLY_OPTION_NSID, &len));
	vly_test_response_free(&response);

	cr_assert_eq(vly_identity_set_nsid(&vly_identity, "0x00ff41"), 0);
	ask_with_options("", 0, &response);
	cr_expect_null(find_option(&response, VLY_OPTION_NSID, &len));
	vly_test_response_free(&response);

	ask_with_options("\0\3\0\0\0\3\0\0", 8, &response); /* twice is once */
	const uint8_t *nsid = find_option(&response, VLY_OPTION_NSID, &len);
	cr_assert_not_null(nsid);
	cr_expect_eq(len, 3);
	cr_expect_eq(memcmp(nsid, "\0\377A", 3), 0);
	cr_expect_eq(response.record_cnt, 1);
	vly_test_response_free(&response);
}

Test(identity, judges_nsid_texts)
{
	struct vly_identity identity = {0};
	char text[2 * VLY_NSID_BYTES_MAX + 8] = "0x";

	cr_expect_eq(vly_identity_set_nsid(&identity, ""), -1);
	cr_expect_eq(vly_identity_set_nsid(&identity, "0x"), -1);
	cr_expect_eq(vly_identity_set_nsid(&identity, "0x123"), -1);
	cr_expect_eq(vly_identity_set_nsid(&identity, "0x1g"), -1);
	memset(text + 2, 'a', 2 * VLY_NSID_BYTES_MAX);
	cr_expect_eq(vly_identity_set_nsid(&identity, text), 0);
	cr_expect_eq(identity.nsid_len, VLY_NSID_BYTES_MAX);
	memset(text + 2, 'a', 2 * VLY_NSID_BYTES_MAX + 2);
	cr_expect_eq(vly_identity_set_nsid(&identity, text), -1);
	memset(text, 'b', VLY_NSID_BYTES_MAX);
	text[VLY_NSID_BYTES_MAX] = '\0';
	cr_expect_eq(vly_identity_set_nsid(&identity, text), 0);
	text[VLY_NSID_BYTES_MAX] = 'b';
	text[VLY_NSID_BYTES_MAX + 1] = '\0';
	cr_expect_eq(vly_identity_set_nsid(&identity, text), -1);
}

/* RFC 8914 §5.2 */
Test(identity, says_why_it_refuses)
{
	static const struct {
		const char *name;
		unsigned type;
		unsigned code;
	} cases[] = {
		{"elsewhere.", VLY_TYPE_A, VLY_EDE_NOT_AUTHORITATIVE},
		{"z.", VLY_TYPE_AXFR, VLY_EDE_NOT_SUPPORTED},
		{"a.z.", VLY_TYPE_A, VLY_EDE_NONE},
	};
	struct vly_test_response response;
	unsigned len;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vly_test_ask(server.table,
			     &(struct vly_test_question){.name = cases[i].name,
							 .type = (uint16_t)cases[i].type,
							 .edns = true},
			     &response);
		cr_expect_null(response.fault);
		const uint8_t *ede = find_option(&response, VLY_OPTION_EDE, &len);
		if (cases[i].code == VLY_EDE_NONE) {
			cr_expect_null(ede);
		} else {
			cr_assert_not_null(ede, "%s", cases[i].name);
			cr_expect_eq(len, 2);
			cr_expect_eq((unsigned)(ede[0] << 8 | ede[1]), cases[i].code);
		}
		vly_test_response_free(&response);
	}
	vly_test_ask(NULL,
		     &(struct vly_test_question){.name = "a.z.", .type = VLY_TYPE_A, .edns = true},
		     &response);
	const uint8_t *ede = find_option(&response, VLY_OPTION_EDE, &len);
	cr_assert_not_null(ede);
	cr_expect_eq(ede[1], VLY_EDE_NOT_READY);
	vly_test_response_free(&response);
}

/* Asks with message id `id`; returns the last octet of the first address, and checks that all are
 * there. */
static unsigned
first_address(const char *name, unsigned type, unsigned id, unsigned cnt)
{
	uint8_t message[300];
	const struct vly_test_question question = {
		.name = name, .type = (uint16_t)type, .edns = true};
	unsigned len = vly_test_question_write(message, &question);
	struct vly_test_response response;
	unsigned seen = 0;

	message[0] = (uint8_t)(id >> 8);
	message[1] = (uint8_t)id;
	vly_test_exchange(server.table, message, len, &question, &response);
	cr_expect_null(response.fault, "%s", response.fault); /* the sum, too */
	cr_assert_eq(response.record_cnt, cnt);
	for (unsigned i = 0; i < cnt; i++) {
		const struct vly_test_record *record = &response.record[i];
		seen |= 1u << record->data[record->data_len - 1];
	}
	cr_expect_eq(seen, (2u << cnt) - 2, "%s: every record, once", name);
	unsigned first = response.record[0].data[response.record[0].data_len - 1];
	vly_test_response_free(&response);
	return first;
}

Test(identity, rotates_addresses_when_told_to)
{
	unsigned begins[2][4] = {{0}};

	for (unsigned id = 0; id < 65536; id += 257)
		cr_expect_eq(first_address("a.z.", VLY_TYPE_A, id, 3), 1, "fixed is the default");
	vly_identity.rotate = true;
	for (unsigned id = 0; id < 65536; id += 257) {
		begins[0][first_address("a.z.", VLY_TYPE_A, id, 3)]++;
		begins[1][first_address("b.z.", VLY_TYPE_AAAA, id, 2)]++;
		cr_expect_eq(first_address("one.z.", VLY_TYPE_A, id, 1), 1);
	}
	for (unsigned i = 1; i <= 3; i++)
		cr_expect(begins[0][i] > 80 && begins[0][i] < 90, "a third of 256, not %u",
			  begins[0][i]);
	cr_expect_eq(begins[1][1], 128);
	cr_expect_eq(begins[1][2], 128);
}
