/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "certificates.h"
#include "session/credentials_parts.h"

static struct certificate ca, leaf;

static void
set_up(void)
{
	certificate_dir_make();
	certificate_make(&ca, "ca", NULL, 30);
	certificate_make(&leaf, "leaf.example", &ca, 30);
}

static void
tear_down(void)
{
	certificate_free(&ca);
	certificate_free(&leaf);
	certificate_dir_remove();
}

TestSuite(credentials, .init = set_up, .fini = tear_down);

static void
expect_reason(const struct vly_credentials_source *source, const char *expected)
{
	char reason[512] = "";

	cr_expect_null(vly_credentials_load(source, reason, sizeof(reason)), "%s", expected);
	cr_expect_eq(strncmp(reason, expected, strlen(expected)), 0, "%s", reason);
}

/* Each reason says which profile and which file. */
Test(credentials, reasons)
{
	struct vly_credentials_source source = {.name = "xot", .roles = VLY_CREDENTIALS_SERVER};
	char text[256], junk[128], none[128];

	snprintf(junk, sizeof(junk), "%s/junk", certificate_dir);
	snprintf(none, sizeof(none), "%s/none", certificate_dir);
	write_file(junk, "no PEM", 6);
	expect_reason(&source, "tls `xot`: a server needs `certificate-file` and `key-file`");
	source.certificate_file = none;
	expect_reason(&source,
		      "tls `xot`: `certificate-file` and `key-file` are needed both, or neither");
	source.key_file = leaf.key_path;
	snprintf(text, sizeof(text), "tls `xot`: %s: ", none);
	expect_reason(&source, text);
	source.certificate_file = junk;
	snprintf(text, sizeof(text), "tls `xot`: %s: this is no certificate in PEM: ", junk);
	expect_reason(&source, text);
	source.certificate_file = leaf.path;
	source.key_file = junk;
	snprintf(text, sizeof(text),
		 "tls `xot`: %s: this is no key in PEM without a password: ", junk);
	expect_reason(&source, text);
	source.key_file = ca.key_path;
	snprintf(text, sizeof(text), "tls `xot`: %s: this key does not belong to the certificate",
		 ca.key_path);
	expect_reason(&source, text);
	source = (struct vly_credentials_source){.name = "up", .roles = VLY_CREDENTIALS_CLIENT};
	expect_reason(&source, "tls `up`: a client that verifies needs `hostname` or `pins`");
	source.hostname = "leaf.example";
	source.ca_file = none;
	snprintf(text, sizeof(text), "tls `up`: %s: ", none);
	expect_reason(&source, text);
	source.ca_file = junk;
	snprintf(text, sizeof(text), "tls `up`: %s: there is no certificate in it", junk);
	expect_reason(&source, text);
}

Test(credentials, good)
{
	const struct vly_credentials_source source = {
		.name = "xot",
		.roles = VLY_CREDENTIALS_SERVER | VLY_CREDENTIALS_CLIENT,
		.certificate_file = leaf.path,
		.key_file = leaf.key_path,
		.ca_file = ca.path,
		.hostname = "leaf.example",
		.pins = &ca.pin,
		.pin_cnt = 1,
	};
	const struct vly_credentials_source plain = {
		.name = "plain", .roles = VLY_CREDENTIALS_CLIENT, .opportunistic = true};
	char reason[512] = "";
	struct vly_credentials *credentials = vly_credentials_load(&source, reason, sizeof(reason));

	cr_assert_not_null(credentials, "%s", reason);
	cr_expect_not(vly_credentials_is_opportunistic(credentials));
	cr_expect_eq(vly_credentials_hold(credentials), credentials);
	vly_credentials_release(credentials);
	struct vly_credentials *other = vly_credentials_load(&plain, reason, sizeof(reason));
	cr_assert_not_null(other, "%s", reason);
	cr_expect(vly_credentials_is_opportunistic(other));
	vly_credentials_inherit(other, credentials); /* has no tickets to give */
	vly_credentials_release(other);
	vly_credentials_release(credentials);
	vly_credentials_release(NULL);
}

Test(credentials, pin_text)
{
	uint8_t pin[VLY_PIN_BYTES];
	char text[VLY_PIN_TEXT_BYTES];

	memset(pin, 0xfb, sizeof(pin));
	vly_pin_print(text, pin);
	cr_expect_str_eq(text, "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=");
}

static struct sockaddr_storage
address_of(unsigned number)
{
	struct sockaddr_storage address;

	memset(&address, 0, sizeof(address));
	address.ss_family = AF_INET;
	memcpy((uint8_t *)&address + 2, &number, sizeof(number));
	return address;
}

static gnutls_datum_t
ticket_of(unsigned number)
{
	gnutls_datum_t ticket = {gnutls_malloc(sizeof(number)), sizeof(number)};

	memcpy(ticket.data, &number, sizeof(number));
	return ticket;
}

/* Each address has its ticket, the newer one, which is given out once. With more addresses than are
 * kept, the oldest go. */
Test(credentials, tickets)
{
	const struct vly_credentials_source source = {
		.name = "plain", .roles = VLY_CREDENTIALS_CLIENT, .opportunistic = true};
	char reason[512] = "";
	struct vly_credentials *credentials = vly_credentials_load(&source, reason, sizeof(reason));
	const unsigned cnt = VLY_TICKET_MAX + 10;
	gnutls_datum_t got;

	for (unsigned i = 0; i < cnt; i++) {
		const struct sockaddr_storage address = address_of(i);
		const gnutls_datum_t old = ticket_of(i + 1000), ticket = ticket_of(i);
		vly_credentials_ticket_keep(credentials, &address, &old);
		vly_credentials_ticket_keep(credentials, &address, &ticket);
	}
	for (unsigned i = 0; i < cnt; i++) {
		const struct sockaddr_storage address = address_of(i);
		const bool there = vly_credentials_ticket_take(credentials, &address, &got);
		cr_expect_eq(there, i >= 10, "%u", i);
		if (!there)
			continue;
		cr_expect_eq(memcmp(got.data, &i, sizeof(i)), 0);
		gnutls_free(got.data);
		cr_expect_not(vly_credentials_ticket_take(credentials, &address, &got));
	}
	const struct sockaddr_storage address = address_of(1);
	const gnutls_datum_t left = ticket_of(1);
	vly_credentials_ticket_keep(credentials, &address, &left); /* freed with the rest */
	vly_credentials_release(credentials);
}
