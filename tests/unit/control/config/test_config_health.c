/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"

static struct vly_config_errors errors;

static struct vly_config *
load(const char *text)
{
	char path[] = "/tmp/vly-config-health-XXXXXX";
	int fd = mkstemp(path);

	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	struct vly_config *config = vly_config_load(path, &errors);
	unlink(path);
	return config;
}

static void
expect_error(const char *keys, const char *text)
{
	char yaml[2000];

	snprintf(yaml, sizeof(yaml), "zones: []\nhealth:\n  checks:\n    - {name: one, %s}\n",
		 keys);
	cr_assert_null(load(yaml), "%s", keys);
	cr_assert_geq(errors.cnt, 1);
	cr_expect(strstr(errors.text[0], text) && strstr(errors.text[0], ":4: "), "%s",
		  errors.text[0]);
	vly_config_errors_free(&errors);
}

Test(config_health, words_become_numbers)
{
	struct vly_config *config = load(
		"zones: []\nhealth:\n  socket: /run/x.sock\n  checks:\n"
		"  - {name: a, type: http, address: 192.0.2.1, interval: 500ms, timeout: 500ms, "
		"size-max: 2k, hold-down-max: 1h}\n"
		"  - {name: b, type: tls, address: 192.0.2.1, verify: false, certificate-min: 7d}\n"
		"  - {name: c, type: dns, address: 192.0.2.1, query: example., query-type: mx, "
		"rcode: REFUSED}\n");

	cr_assert_not_null(config, "%s", errors.text[0]);
	const struct vly_health_check *read = config->health->read;
	cr_expect_eq(read[0].number[VLY_HEALTH_NUMBER_INTERVAL], 500);
	cr_expect_eq(read[0].number[VLY_HEALTH_NUMBER_SIZE_MAX], 2048);
	cr_expect_eq(read[0].number[VLY_HEALTH_NUMBER_HOLD_DOWN_MAX], 3600000);
	cr_expect_eq(read[1].number[VLY_HEALTH_NUMBER_VERIFY], 0);
	cr_expect_eq(read[1].number[VLY_HEALTH_NUMBER_CERTIFICATE_MIN], 7u * 86400000);
	cr_expect_eq(read[2].number[VLY_HEALTH_NUMBER_QUERY_TYPE], 15);
	cr_expect_eq(read[2].number[VLY_HEALTH_NUMBER_RCODE], 5);
	vly_config_free(config);
}

Test(config_health, an_address_from_elsewhere_stands_in)
{
	struct vly_config_check words = {.type = (char[]){"tcp"}};
	struct vly_health_check check;
	char why[VLY_HEALTH_WHY_BYTES];
	const char *key;

	words.number[VLY_HEALTH_NUMBER_PORT] = (char[]){"25"};
	cr_assert_eq(vly_config_check_read(&words, NULL, &check, &key, why), -1);
	cr_expect_str_eq(key, "address");
	cr_assert_eq(vly_config_check_read(&words, "192.0.2.7", &check, &key, why), 0);
	cr_expect_str_eq(check.text[VLY_HEALTH_TEXT_ADDRESS], "192.0.2.7");
	vly_health_check_clear(&check);
}

Test(config_health, errors_name_line_and_key)
{
	expect_error("type: gopher", "health.checks[0].type: must be tcp, tls,");
	expect_error("type: tcp, address: 192.0.2.1, port: 0",
		     "health.checks[0].port: must be a number from 1 to 65535");
	expect_error("type: icmp, address: 192.0.2.1, interval: 50ms",
		     "health.checks[0].interval: must be a time from 100ms to 1d");
	expect_error("type: tls, address: 192.0.2.1, verify: maybe",
		     "health.checks[0].verify: must be true or false");
	expect_error("type: dns, address: 192.0.2.1, query: a., query-type: NONE",
		     "health.checks[0].query-type: must be a type of records");
	expect_error("type: dns, address: 192.0.2.1, query: a., rcode: FINE",
		     "health.checks[0].rcode: must be NOERROR,");
	expect_error("type: http, address: 192.0.2.1, size-max: 1G",
		     "health.checks[0].size-max: must be a number of octets");
	expect_error("type: icmp, address: 192.0.2.1, jitter: 60",
		     "health.checks[0].jitter: must be a number from 0 to 50, in percent");
}

Test(config_health, names_are_different)
{
	cr_assert_null(load("zones: []\nhealth:\n  checks:\n"
			    "  - {name: a, type: icmp, address: 192.0.2.1}\n"
			    "  - {name: a, type: icmp, address: 192.0.2.2}\n"));
	cr_expect(strstr(errors.text[0], ":5: health.checks[1].name: another check has this name"),
		  "%s", errors.text[0]);
	vly_config_errors_free(&errors);
}
