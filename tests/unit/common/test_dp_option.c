/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "common/dp_option.h"

static char reason[VLY_DP_REASON_BYTES];
static unsigned number;

static void
expect(enum vly_dp_option option, const char *text, unsigned wanted)
{
	cr_expect_eq(vly_dp_option_read(option, text, &number, reason), 0, "%s: %s", text, reason);
	cr_expect_eq(number, wanted, "%s: %u", text, number);
}

static void
expect_refused(enum vly_dp_option option, const char *text, const char *wanted)
{
	cr_expect_eq(vly_dp_option_read(option, text, &number, reason), -1, "%s", text);
	cr_expect_str_eq(reason, wanted, "%s: %s", text, reason);
}

/* Each row can be what it says. */
Test(dp_option, table)
{
	for (unsigned i = 0; i < VLY_DP_OPTION_CNT; i++) {
		const struct vly_dp_option_row *row = &vly_dp_option_row[i];
		cr_expect_eq(*row->argument == '\0', row->kind == VLY_DP_KIND_SWITCH, "%s",
			     row->name);
		cr_expect_leq(row->min, row->max, "%s", row->name);
		cr_expect_neq(*row->help, '\0', "%s", row->name);
		cr_expect_eq(row->help[strlen(row->help) - 1], '.', "%s", row->name);
		if (row->preset)
			cr_expect_eq(vly_dp_option_read(i, row->preset, &number, reason), 0,
				     "%s: %s", row->name, reason);
		for (unsigned k = 0; k < i; k++)
			cr_expect_str_neq(vly_dp_option_row[k].name, row->name);
	}
}

Test(dp_option, numbers)
{
	expect(VLY_DP_memory, "1", 1);
	expect(VLY_DP_memory, "1048576", 1048576);
	expect_refused(VLY_DP_memory, "0", "must be a number from 1 to 1048576 (MiB)");
	expect_refused(VLY_DP_memory, "1048577", "must be a number from 1 to 1048576 (MiB)");
	expect(VLY_DP_stream_threads, "0", 0);
	expect_refused(VLY_DP_stream_threads, "65", "must be a number from 0 to 64");
	expect_refused(VLY_DP_stream_idle, "", "must be a number from 1 to 3600 (seconds)");
	expect(VLY_DP_watchdog_ms, "0", 0);
	expect(VLY_DP_watchdog_ms, "500", 500);
	expect_refused(VLY_DP_watchdog_ms, "499",
		       "must be a number from 500 to 60000 (milliseconds), or 0");
	expect_refused(VLY_DP_watchdog_ms, "60001",
		       "must be a number from 500 to 60000 (milliseconds), or 0");
}

Test(dp_option, words)
{
	expect(VLY_DP_idle, "sleep", 0);
	expect(VLY_DP_idle, "spin", 1);
	expect(VLY_DP_log_level, "error", 0);
	expect(VLY_DP_log_level, "debug", 3);
	expect_refused(VLY_DP_idle, "sleep|spin", "must be sleep or spin");
	expect_refused(VLY_DP_idle, "spi", "must be sleep or spin");
	expect_refused(VLY_DP_idle, "", "must be sleep or spin");
	expect_refused(VLY_DP_log_level, "loud", "must be error, warning, info or debug");
}

Test(dp_option, texts)
{
	char text[300] = "";

	memset(text, 'x', 107);
	expect(VLY_DP_socket, text, 0);
	text[107] = 'x';
	expect_refused(VLY_DP_socket, text, "a socket's path has at most 107 octets");
	memset(text, 'x', 255);
	expect(VLY_DP_id_server, text, 0);
	expect(VLY_DP_xdp_program, text, 0);
	text[255] = 'x';
	expect_refused(VLY_DP_version_server, text, "the text has at most 255 octets");
	expect(VLY_DP_listen, "::1", 0);
	expect_refused(VLY_DP_listen, "192.0.2.256", "192.0.2.256 is not an IPv4 or IPv6 address");
	expect(VLY_DP_port, "ring", 0);
	expect_refused(VLY_DP_port, "tap", "tap needs a name: tap:NAME");
}

Test(dp_option, cpus)
{
	static const uint16_t wanted[] = {0, 2, 3, 4, 1023};
	struct vly_cpu_list list;

	cr_assert_eq(vly_cpu_list_read(&list, "0,2-4,1023", reason), 0);
	cr_assert_eq(list.cnt, 5);
	cr_expect_arr_eq(list.cpu, wanted, sizeof(wanted));
	cr_expect_eq(vly_cpu_list_read(&list, "1-127", reason), 0);
	cr_expect_eq(list.cnt, 127);
	expect_refused(VLY_DP_cpus, "0-127", "must have at most 127 CPUs");
	expect_refused(VLY_DP_cpus, "0-126,127", "must have at most 127 CPUs");
	static const char *const wrong[] = {"", ",", "1,", "3-1", "1-2-3", "1 2", "1024", "-1"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		expect_refused(VLY_DP_cpus, wrong[i],
			       "must be a list of CPUs from 0 to 1023, such as 1-3,5");
}

Test(dp_option, nsid)
{
	uint8_t octets[VLY_NSID_BYTES_MAX];
	char text[300] = "0x";

	cr_expect_eq(vly_nsid_read(octets, "pop1"), 4);
	cr_expect_arr_eq(octets, "pop1", 4);
	cr_expect_eq(vly_nsid_read(octets, "0x00fFA9"), 3);
	cr_expect_arr_eq(octets, "\0\xff\xa9", 3);
	cr_expect_eq(vly_nsid_read(octets, ""), -1);
	cr_expect_eq(vly_nsid_read(octets, "0x"), -1);
	cr_expect_eq(vly_nsid_read(octets, "0x1"), -1);
	cr_expect_eq(vly_nsid_read(octets, "0x1g"), -1);
	memset(text + 2, 'a', 256);
	cr_expect_eq(vly_nsid_read(octets, text), 128);
	memset(text + 2, 'a', 258);
	cr_expect_eq(vly_nsid_read(octets, text), -1);
	memset(text, 'a', 128);
	text[128] = '\0';
	cr_expect_eq(vly_nsid_read(octets, text), 128);
	expect_refused(VLY_DP_nsid, "0xz",
		       "must be 1 to 128 octets, as text or as 0x and hexadecimal digits");
}
