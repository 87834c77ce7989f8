/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plans from text, and lists of CPUs. */
#include <criterion/criterion.h>
#include <string.h>

#include "common/preflight/files.h"
#include "common/preflight/preflight.h"

Test(preflight_plan, ports)
{
	struct vly_preflight_plan plan = {0};
	struct vly_port_spec spec = {.kind = VLY_PORT_AF_XDP, .target = "eth0", .queue_cnt = 4};

	cr_assert(vly_preflight_plan_port(&plan, &spec));
	cr_assert_eq(plan.port[0].kind, VLY_PORT_AF_XDP);
	cr_assert_str_eq(plan.port[0].target, "eth0");
	spec.queue_cnt = 1;
	while (plan.port_cnt < VLY_PORTS_MAX)
		cr_assert(vly_preflight_plan_port(&plan, &spec));
	cr_assert_not(vly_preflight_plan_port(&plan, &spec));
	cr_assert_eq(vly_preflight_plan_queues(&plan), 4 + VLY_PORTS_MAX - 1);
}

Test(preflight_plan, addresses)
{
	struct vly_preflight_plan plan = {0};

	cr_assert(vly_preflight_plan_listen(&plan, "192.0.2.53"));
	cr_assert(vly_preflight_plan_listen(&plan, "2001:db8::53"));
	cr_assert_not(vly_preflight_plan_listen(&plan, "eth0"));
	cr_assert_eq(plan.listen_cnt, 2);
	while (plan.listen_cnt < VLY_ADDRESSES_MAX)
		cr_assert(vly_preflight_plan_listen(&plan, "::1"));
	cr_assert_not(vly_preflight_plan_listen(&plan, "::1"));
}

Test(preflight_plan, lists_of_cpus)
{
	static const char *const good[] = {"", "0", "0-3,8", "1,3,5", "1022-1023"};
	static const char *const bad[] = {"x", "1-", "1,,2", "-3", "1,"};
	char list[VLY_PREFLIGHT_LIST_CHARS];
	cpu_set_t cpus;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		cr_expect(vly_preflight_parse_cpus(good[i], &cpus), "%s", good[i]);
		cr_expect_str_eq(vly_preflight_list_cpus(&cpus, list), good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect(!vly_preflight_parse_cpus(bad[i], &cpus), "%s", bad[i]);
	/* those beyond the set's end are left out */
	cr_expect(vly_preflight_parse_cpus("1023-1030,4294967296", &cpus));
	cr_expect_str_eq(vly_preflight_list_cpus(&cpus, list), "1023");
}

Test(preflight_plan, long_lists_are_cut)
{
	char list[VLY_PREFLIGHT_LIST_CHARS];
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	for (unsigned i = 0; i < CPU_SETSIZE; i += 2)
		CPU_SET(i, &cpus);
	vly_preflight_list_cpus(&cpus, list);
	cr_assert(strlen(list) < sizeof(list));
	cr_assert_str_eq(list + strlen(list) - 4, ",...");
}
