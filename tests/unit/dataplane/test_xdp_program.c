/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The XDP program gives the verdicts that native code gives: run in the kernel, on the same
 * frames. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <criterion/criterion.h>

#include <volley/xdp.h>

#include "address.h"
#include "verdicts.h"

static struct bpf_object *object;
static int program_fd;
static struct vly_xdp_cpu *cpu; /* what every CPU counts in here */

static int
map_fd(const char *name)
{
	return bpf_object__find_map_fd_by_name(object, name);
}

static int
create_inner(uint32_t value_bytes, uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = flags);

	return bpf_map_create(BPF_MAP_TYPE_ARRAY, "inner", 4, value_bytes, 1, &options);
}

/* All CPUs share one block: only one runs the program at a time. */
static void
give_cpu(void)
{
	int fd = create_inner(sizeof(*cpu), BPF_F_MMAPABLE);

	cr_assert_geq(fd, 0);
	cpu = mmap(NULL, sizeof(*cpu), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert_neq(cpu, MAP_FAILED);
	for (uint32_t i = 0; i < (uint32_t)libbpf_num_possible_cpus(); i++)
		cr_assert_eq(bpf_map_update_elem(map_fd(VLY_XDP_CPUS), &i, &fd, BPF_ANY), 0);
	close(fd);
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
	give_cpu();
}

static void
unload(void)
{
	munmap(cpu, sizeof(*cpu));
	bpf_object__close(object);
}

TestSuite(xdp_program, .init = load, .fini = unload);

static void
configure(enum vly_xdp_mode mode, const char *const *ours)
{
	struct vly_xdp_config config = {.mode = mode, .tick_units = VLY_RATE_UNITS_PER_S / 250};
	uint32_t key = 0;

	for (unsigned i = 0; ours != NULL && ours[i] != NULL; i++)
		cr_assert_eq(vly_addresses_add(&config.addresses, ours[i]), VLY_ADDRESSES_OK);
	cr_assert_eq(bpf_map_update_elem(map_fd(VLY_XDP_CONFIG), &key, &config, BPF_ANY), 0);
}

static const char *const test_addresses[] = {"192.0.2.53", "2001:db8::53", NULL};

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
	uint64_t before = cpu->verdict[counted];

	cr_expect_eq(run(frame), counted == VLY_VERDICT_pass ? XDP_PASS : XDP_DROP, "%s, l3 at %u",
		     what, frame->l3_off);
	cr_expect_eq(cpu->verdict[counted], before + 1, "%s, l3 at %u", what, frame->l3_off);
}

Test(xdp_program, verdicts)
{
	configure(VLY_XDP_SERVE, test_addresses);
	test_verdicts_each(check);
}

Test(xdp_program, passes_everything_until_configured)
{
	struct test_frame frame = test_frame_query(4, 0);

	bend_response(&frame);
	cr_expect_eq(run(&frame), XDP_PASS);
	cr_expect_eq(cpu->verdict[VLY_VERDICT_dns_response], 0);
	configure(VLY_XDP_SERVE, NULL);
	cr_expect_eq(run(&frame), XDP_DROP);
	configure(VLY_XDP_PASS, NULL);
	cr_expect_eq(run(&frame), XDP_PASS);
}
