/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "config/defence_settings.h"

static struct vly_defence block;

static const char *
check(const char *name, const char *value)
{
	static char reason[200];
	int setting = vly_defence_setting_find(name);

	cr_assert_geq(setting, 0, "%s", name);
	return vly_defence_setting_check(setting, value, reason, sizeof(reason)) < 0 ? reason
										     : NULL;
}

static void
expect_good(const char *name, const char *value)
{
	cr_expect_null(check(name, value), "%s %s: %s", name, value, check(name, value));
}

static void
expect_bad(const char *name, const char *value)
{
	cr_expect_not_null(check(name, value), "%s %s was taken", name, value);
}

Test(defence_settings, names)
{
	for (int i = 0; i < VLY_DEFENCE_SETTING_CNT; i++) {
		cr_expect_eq(vly_defence_setting_find(vly_defence_setting_name(i)), i);
		expect_good(vly_defence_setting_name(i), vly_defence_setting_default(i));
	}
	cr_expect_eq(vly_defence_setting_find("source-rate"), -1);
	cr_expect_eq(vly_defence_setting_find(""), -1);
}

Test(defence_settings, values)
{
	expect_good("source-rate.mode", "dry-run");
	expect_bad("source-rate.mode", "ON");
	expect_bad("source-rate.mode", "");
	expect_good("source-rate.address", "0");
	expect_good("source-rate.address", "62500000");
	expect_bad("source-rate.address", "62500001");
	expect_bad("source-rate.address", "4294967296");
	expect_bad("source-rate.address", "-1");
	expect_bad("source-rate.address", "1 ");
	expect_bad("source-rate.address", "");
	expect_bad("source-rate.burst-ms", "9");
	expect_good("source-rate.burst-ms", "10");
	expect_bad("cookies.mode", "dry-run");
	expect_good("reflector-ports", "none");
	expect_good("reflector-ports", "1,65535");
	expect_bad("reflector-ports", "0");
	expect_bad("reflector-ports", "1,");
	expect_bad("reflector-ports", ",1");
	expect_bad("reflector-ports", "1,,2");
	expect_bad("reflector-ports", "65536");
	expect_bad("reflector-ports", "");
	expect_bad("responses.ipv4-prefix", "0");
}

static void
write_with(const char *name, const char *value)
{
	const char *values[VLY_DEFENCE_SETTING_CNT];

	for (int i = 0; i < VLY_DEFENCE_SETTING_CNT; i++)
		values[i] = vly_defence_setting_default(i);
	if (name)
		values[vly_defence_setting_find(name)] = value;
	vly_defence_settings_write(values, &block);
}

static unsigned
port_cnt(void)
{
	unsigned cnt = 0;

	for (unsigned port = 0; port < 65536; port++)
		cnt += block.rules.reflector_port[port / 32] >> port % 32 & 1;
	return cnt;
}

Test(defence_settings, the_defaults_as_numbers)
{
	write_with(NULL, NULL);
	cr_expect_eq(block.rules.source_mode, VLY_LIMIT_ON);
	cr_expect_eq(block.rules.source.level[0].cost, VLY_RATE_UNITS_PER_S / 100000);
	cr_expect_eq(block.rules.source.level[2].cost, VLY_RATE_UNITS_PER_S / 400000);
	cr_expect_eq(block.rules.source.level[0].burst + block.rules.source.screen.burst,
		     VLY_RATE_UNITS_PER_S / 10);
	cr_expect_eq(block.rules.unserved.cost, VLY_RATE_UNITS_PER_S / 100);
	cr_expect_eq(port_cnt(), 16);
	cr_expect_eq(block.rules.reflector_cnt, 16);
	cr_expect_eq(block.rules.reflector_port[123 / 32] >> 123 % 32 & 1, 1);
	cr_expect_eq(block.responses.mode, VLY_LIMIT_ON);
	cr_expect_eq(block.responses.slip, 2);
	cr_expect_eq(block.responses.prefix4_bits, 24);
	cr_expect_eq(block.responses.prefix6_bits, 56);
	cr_expect_eq(block.responses.badcookie, 0);
	cr_expect_eq(block.responses.rate[VLY_RESPONSE_error].cost, VLY_RATE_UNITS_PER_S / 1000);
	cr_expect_eq(block.cookies.enabled, 1);
}

Test(defence_settings, other_numbers)
{
	write_with("source-rate.mode", "dry-run");
	cr_expect_eq(block.rules.source_mode, VLY_LIMIT_DRY_RUN);
	write_with("responses.mode", "off");
	cr_expect_eq(block.responses.mode, VLY_LIMIT_OFF);
	write_with("source-rate.wide", "0");
	cr_expect_eq(block.rules.source.level[2].cost, 0);
	write_with("reflector-ports", "none");
	cr_expect_eq(port_cnt(), 0);
	write_with("reflector-ports", "7,65535,7");
	cr_expect_eq(port_cnt(), 2);
}

/* A client that asks once must not be limited, whatever it asks for. */
Test(defence_settings, the_largest_response_fits_the_smallest_rate)
{
	write_with("responses.answer", "1");
	cr_expect_geq(block.responses.rate[VLY_RESPONSE_answer].burst,
		      4096 / VLY_RESPONSE_UNIT_BYTES *
			      block.responses.rate[VLY_RESPONSE_answer].cost);
	cr_expect_leq(block.responses.rate[VLY_RESPONSE_answer].burst, INT32_MAX);
}
