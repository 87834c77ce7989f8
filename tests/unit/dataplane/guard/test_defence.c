/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <urcu-qsbr.h>

#include <criterion/criterion.h>

#include "guard/defence.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static struct vly_defence block;

static void
set_up(void)
{
	struct vly_rate source[VLY_SOURCE_LEVEL_CNT];

	memset(&block, 0, sizeof(block));
	block.magic = VLY_DEFENCE_MAGIC;
	block.version = VLY_DEFENCE_VERSION;
	block.total_bytes = sizeof(block);
	block.responses.mode = VLY_LIMIT_ON;
	block.responses.prefix4_bits = 24;
	block.responses.prefix6_bits = 56;
	for (unsigned i = 0; i < VLY_RESPONSE_KIND_CNT; i++)
		block.responses.rate[i] = vly_rate_make(1000, 100);
	block.cookies.enabled = 1;
	block.cookies.secret_mask = 1;
	block.rules.source_mode = VLY_LIMIT_DRY_RUN;
	for (unsigned i = 0; i < VLY_SOURCE_LEVEL_CNT; i++)
		source[i] = vly_rate_make(100000, 100);
	block.rules.source = vly_sketch_rates(source);
	block.rules.unserved = vly_rate_make(100, 100);
}

TestSuite(defence, .init = set_up);

static int
memfd(size_t bytes, int seals)
{
	int fd = memfd_create("defence", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, (off_t)bytes), 0);
	cr_assert_eq(pwrite(fd, &block, bytes < sizeof(block) ? bytes : sizeof(block), 0),
		     (ssize_t)(bytes < sizeof(block) ? bytes : sizeof(block)));
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void
expect_refused(const char *part)
{
	const char *reason = vly_defence_check(&block);

	cr_assert_not_null(reason, "accepted, wanted: %s", part);
	cr_expect_not_null(strstr(reason, part), "%s, wanted: %s", reason, part);
	set_up();
}

Test(defence, a_sound_block)
{
	cr_expect_null(vly_defence_check(&block), "%s", vly_defence_check(&block));
	memset(block.responses.rate, 0, sizeof(block.responses.rate));
	block.cookies.enabled = 0;
	block.cookies.secret_mask = 0;
	cr_expect_null(vly_defence_check(&block), "no limit at all");
}

Test(defence, of_something_else)
{
	block.magic++;
	expect_refused("not a defence block");
	block.version++;
	expect_refused("another version");
	block.total_bytes -= 8;
	expect_refused("another size");
}

Test(defence, modes)
{
	block.responses.mode = VLY_LIMIT_ON + 1;
	expect_refused("response limits: unknown mode");
	block.rules.source_mode = UINT32_MAX;
	expect_refused("source rates: unknown mode");
	block.responses.badcookie = 2;
	expect_refused("badcookie");
}

Test(defence, prefix_lengths)
{
	block.responses.prefix4_bits = 0;
	expect_refused("IPv4");
	block.responses.prefix4_bits = 33;
	expect_refused("IPv4");
	block.responses.prefix6_bits = 0;
	expect_refused("IPv6");
	block.responses.prefix6_bits = 65;
	expect_refused("IPv6");
}

Test(defence, rates)
{
	block.responses.rate[VLY_RESPONSE_nxdomain].burst = 1;
	expect_refused("response limits");
	cr_expect_gt(block.rules.source.screen.burst, 0);
	cr_expect_null(vly_defence_check(&block));
	block.rules.source.screen.burst++;
	expect_refused("screen");
	block.rules.source.screen.burst = 0;
	expect_refused("screen");
	block.rules.source.screen.cost = 1;
	expect_refused("screen");
	block.rules.source.level[2].burst = UINT32_C(1) << 31;
	expect_refused("source rates");
	block.rules.source.level[0].cost = 0;
	expect_refused("source rates");
	block.rules.unserved.cost = UINT32_MAX;
	expect_refused("unserved");
}

Test(defence, reflectors)
{
	vly_policy_add_reflector(&block.rules, 123);
	vly_policy_add_reflector(&block.rules, 123);
	cr_expect_eq(block.rules.reflector_cnt, 1);
	cr_expect_null(vly_defence_check(&block));
	block.rules.reflector_cnt = 0;
	expect_refused("reflector ports");
}

Test(defence, prefixes)
{
	block.rules.prefixes.range4_cnt = VLY_PREFIX_RANGES_MAX + 1;
	expect_refused("prefix table");
	block.rules.prefixes.range6_cnt = 1;
	expect_refused("prefix table");
}

Test(defence, cookies)
{
	block.cookies.enabled = 2;
	expect_refused("enabled must be 0 or 1");
	block.cookies.secret_mask = 8;
	expect_refused("too many secrets");
	block.cookies.secret_mask = 6;
	expect_refused("no current secret");
}

Test(defence, only_a_sealed_memfd_of_the_right_size)
{
	const struct {
		size_t bytes;
		int seals;
		const char *part;
	} bad[] = {
		{sizeof(block), 0, "sealed"},
		{sizeof(block), F_SEAL_SHRINK | F_SEAL_GROW, "sealed"},
		{sizeof(block) - 1, SEALS, "size"},
		{sizeof(block) + 1, SEALS, "size"},
		{0, SEALS, "size"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *reason = NULL;
		int fd = memfd(bad[i].bytes, bad[i].seals);
		cr_expect_null(vly_defence_map(fd, &reason));
		cr_assert_not_null(reason);
		cr_expect_not_null(strstr(reason, bad[i].part), "%s", reason);
		close(fd);
	}
	const char *reason = NULL;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	cr_expect_null(vly_defence_map(fd, &reason));
	close(fd);
}

Test(defence, published_and_replaced)
{
	const char *reason = NULL;

	cr_expect_eq(vly_defence_live()->rules.source_mode, VLY_LIMIT_OFF);
	for (uint64_t generation = 1; generation <= 3; generation++) {
		block.generation = generation;
		int fd = memfd(sizeof(block), SEALS);
		struct vly_defence *mapped = vly_defence_map(fd, &reason);
		close(fd);
		cr_assert_not_null(mapped, "%s", reason);
		vly_defence_publish(mapped);
		cr_expect_eq(vly_defence_live()->generation, generation);
		cr_expect_eq(vly_defence_live()->rules.source_mode, VLY_LIMIT_DRY_RUN);
	}
}
