/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The XDP program gives the verdicts that native code gives: run in the kernel, on the same
 * frames. */
#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <criterion/criterion.h>

#include <volley/xdp.h>

#include "verdicts.h"

static struct bpf_object *object;
static int program_fd;

static int
map_fd(const char *name)
{
	return bpf_object__find_map_fd_by_name(object, name);
}

static void
load(void)
{
	object = bpf_object__open_file(XDP_PROGRAM, NULL);
	cr_assert_not_null(object);
	int error = bpf_object__load(object);
	if (error == -EPERM)
		cr_skip("loading BPF programs is not allowed here");
	cr_assert_eq(error, 0);
	program_fd = bpf_program__fd(bpf_object__find_program_by_name(object, VLY_XDP_PROGRAM));
	cr_assert_geq(program_fd, 0);
}

static void
unload(void)
{
	bpf_object__close(object);
}

TestSuite(xdp_program, .init = load, .fini = unload);

static void
configure(enum vly_xdp_mode mode)
{
	static const struct vly_address ours[] = {
		{{[10] = 0xff, 0xff, 192, 0, 2, 53}},
		{{0x20, 1, 0xd, 0xb8, [15] = 0x53}},
	};
	struct vly_xdp_config config = {.mode = mode};
	uint32_t key = 0;
	uint8_t value = 1;

	cr_assert_eq(bpf_map_update_elem(map_fd(VLY_XDP_CONFIG), &key, &config, BPF_ANY), 0);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(
			bpf_map_update_elem(map_fd(VLY_XDP_ADDRESSES), &ours[i], &value, BPF_ANY),
			0);
}

static uint64_t
verdict_cnt(uint32_t verdict)
{
	int cpu_cnt = libbpf_num_possible_cpus();
	uint64_t value[cpu_cnt];
	uint64_t sum = 0;

	cr_assert_eq(bpf_map_lookup_elem(map_fd(VLY_XDP_VERDICTS), &verdict, value), 0);
	for (int i = 0; i < cpu_cnt; i++)
		sum += value[i];
	return sum;
}

static uint32_t
run(const struct test_frame *frame)
{
	uint8_t out[1024];
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->octet, .data_size_in = frame->len,
		    .data_out = out, .data_size_out = sizeof(out));

	cr_assert_eq(bpf_prog_test_run_opts(program_fd, &options), 0);
	return options.retval;
}

/* There is no socket: what would be served falls back to the kernel, and is counted so. */
static void
check(const struct test_frame *frame, enum vly_verdict verdict, const char *what)
{
	enum vly_verdict counted = verdict == VLY_VERDICT_serve ? VLY_VERDICT_pass : verdict;
	uint64_t before = verdict_cnt(counted);

	cr_expect_eq(run(frame), counted == VLY_VERDICT_pass ? XDP_PASS : XDP_DROP, "%s, l3 at %u",
		     what, frame->l3_off);
	cr_expect_eq(verdict_cnt(counted), before + 1, "%s, l3 at %u", what, frame->l3_off);
}

Test(xdp_program, verdicts)
{
	configure(VLY_XDP_LISTED);
	test_verdicts_each(check);
}

Test(xdp_program, passes_everything_until_configured)
{
	struct test_frame frame = test_frame_query(4, 0);

	bend_response(&frame);
	cr_expect_eq(run(&frame), XDP_PASS);
	cr_expect_eq(verdict_cnt(VLY_VERDICT_dns_response), 0);
	configure(VLY_XDP_ANY);
	cr_expect_eq(run(&frame), XDP_DROP);
	configure(VLY_XDP_PASS);
	cr_expect_eq(run(&frame), XDP_PASS);
}
