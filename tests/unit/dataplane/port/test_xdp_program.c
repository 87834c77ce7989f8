/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The XDP program gives the verdicts that native code gives: run in the kernel, on the same
 * frames. */
#include <errno.h>
#include <linux/if_xdp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <criterion/criterion.h>

#include "base/address.h"
#include "packet_list.h"
#include "port/xdp.h"
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
	/* ticks of no length: time stands still */
	struct vly_xdp_config config = {.mode = mode, .mac = test_frame_mac()};
	uint32_t key = 0;

	for (unsigned i = 0; ours != NULL && ours[i] != NULL; i++)
		cr_assert_eq(vly_addresses_add(&config.addresses, ours[i]), VLY_ADDRESSES_OK);
	cr_assert_eq(bpf_map_update_elem(map_fd(VLY_XDP_CONFIG), &key, &config, BPF_ANY), 0);
}

static const char *const test_addresses[] = {"192.0.2.53", "2001:db8::53", NULL};

/* An AF_XDP socket for queue 0, where test packets arrive. */
static void
give_socket(void)
{
	uint32_t queue = 0;
	int fd = socket(AF_XDP, SOCK_RAW, 0);

	cr_assert_geq(fd, 0);
	cr_assert_eq(bpf_map_update_elem(map_fd("xsks_map"), &queue, &fd, BPF_ANY), 0);
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

static uint32_t
action_of(enum vly_verdict verdict)
{
	if (verdict == VLY_VERDICT_serve)
		return XDP_REDIRECT;
	return verdict < VLY_VERDICT_serve ? XDP_PASS : XDP_DROP;
}

static void
check(const struct test_frame *frame, enum vly_verdict verdict, const char *what)
{
	uint64_t before = cpu->verdict[verdict];

	cr_assert_eq(run(frame), action_of(verdict), "%s, l3 at %u", what, frame->l3_off);
	cr_assert_eq(cpu->verdict[verdict], before + 1, "%s, l3 at %u", what, frame->l3_off);
}

Test(xdp_program, verdicts)
{
	configure(VLY_XDP_SERVE, test_addresses);
	give_socket();
	test_verdicts_each(check);
}

/* With no socket to give it to, what would be served goes to the kernel, is counted so, and the
 * queue is marked. */
Test(xdp_program, without_a_socket)
{
	struct test_frame frame = test_frame_query(4, 0);

	configure(VLY_XDP_SERVE, test_addresses);
	check(&frame, VLY_VERDICT_no_lcore, "no socket");
	cr_expect_eq(cpu->no_lcore[0], 1);
	cr_expect_eq(cpu->no_lcore[1], 0);
}

/* The list of packets that native code goes through (test_policy.c). */
Test(xdp_program, the_list)
{
	struct vly_xdp xdp = {.interface = "test", .rules_fd = map_fd(VLY_XDP_RULES)};

	configure(VLY_XDP_SERVE, test_addresses);
	give_socket();
	for (int set = 0; set < TEST_RULES_CNT; set++) {
		struct vly_policy_rules *rules = test_rules_make((enum test_rule_set)set);
		memset(&cpu->state, 0, sizeof(cpu->state));
		cr_assert_eq(vly_xdp_set_rules(&xdp, rules), 0);
		for (unsigned i = 0; i < TEST_PACKETS; i++) {
			struct test_packet packet = test_packet((enum test_rule_set)set, i);
			check(&packet.frame, packet.verdict, packet.what);
		}
		cr_expect_eq(cpu->state.source_dry_run, test_packets_dry_run());
		free(rules);
	}
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

/* Far below the kernel's limit of a million, so that kernels which count differently take it, too.
 */
Test(xdp_program, verifier_has_little_work)
{
	struct bpf_prog_info info = {0};
	uint32_t bytes = sizeof(info);

	cr_assert_eq(bpf_obj_get_info_by_fd(program_fd, &info, &bytes), 0);
	printf("verified instructions: %u\n", info.verified_insns);
	fflush(stdout);
	cr_expect_gt(info.verified_insns, 0);
	cr_expect_leq(info.verified_insns, 250000);
}

Test(xdp_program, rules_are_swapped)
{
	struct vly_xdp xdp = {.interface = "test", .rules_fd = map_fd(VLY_XDP_RULES)};
	struct vly_policy_rules *rules = test_rules_make(TEST_RULES_NONE);
	struct test_frame frame = test_frame_query(6, 0);

	configure(VLY_XDP_SERVE, test_addresses);
	give_socket();
	check(&frame, VLY_VERDICT_serve, "before any rules");
	vly_policy_add_reflector(rules, 5353);
	cr_assert_eq(vly_xdp_set_rules(&xdp, rules), 0);
	check(&frame, VLY_VERDICT_reflector, "from a listed port");
	memset(rules->reflector_port, 0, sizeof(rules->reflector_port));
	rules->reflector_cnt = 0;
	check(&frame, VLY_VERDICT_reflector, "rules not given yet");
	cr_assert_eq(vly_xdp_set_rules(&xdp, rules), 0);
	check(&frame, VLY_VERDICT_serve, "taken back");
	free(rules);
}

/* A map of another kind: rules can't go in, and those in force stay. */
Test(xdp_program, rules_stay_when_new_ones_fail)
{
	struct vly_xdp xdp = {.interface = "test", .rules_fd = map_fd(VLY_XDP_RULES)};
	struct vly_xdp wrong = {.interface = "test", .rules_fd = map_fd(VLY_XDP_CPUS)};
	struct vly_policy_rules *rules = test_rules_make(TEST_RULES_NONE);
	struct test_frame frame = test_frame_query(4, 1);

	configure(VLY_XDP_SERVE, test_addresses);
	vly_policy_add_reflector(rules, 5353);
	cr_assert_eq(vly_xdp_set_rules(&xdp, rules), 0);
	cr_expect_eq(vly_xdp_set_rules(&wrong, rules), -1);
	check(&frame, VLY_VERDICT_reflector, "as before");
	free(rules);
}

/* What it counts is then in one block. */
static void
stay_on_this_cpu(void)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	cr_assert_eq(sched_setaffinity(0, sizeof(here), &here), 0);
}

static unsigned
count_samples(const struct vly_sample_ring *ring, enum vly_verdict verdict, uint64_t *weight)
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < VLY_SAMPLE_RING_CNT; i++) {
		const struct vly_sample *sample = &ring->sample[i];
		if (sample->seq == 0 || sample->cause != verdict)
			continue;
		cnt++;
		*weight += sample->weight;
	}
	return cnt;
}

/* However many are dropped, few are kept, whole up to their length, and they say how many they
 * stand for. */
Test(xdp_program, samples)
{
	struct vly_sample_ring *ring = calloc(1, sizeof(*ring));
	struct vly_xdp_cpus cpus = {0};
	struct vly_sampler sampler;
	struct test_frame frame = test_frame_query(4, 2);
	uint64_t weight = 0;

	cr_assert_not_null(ring);
	stay_on_this_cpu();
	cr_assert_eq(vly_xdp_cpus_add(&cpus, map_fd(VLY_XDP_CPUS)), 0);
	configure(VLY_XDP_SERVE, test_addresses);
	vly_sampler_start(&sampler, ring, 3);
	bend_response(&frame);
	vly_xdp_cpus_sample(&cpus, &sampler, VLY_RATE_UNITS_PER_S);
	for (int i = 0; i < 1000; i++)
		run(&frame);
	frame.len = 300;
	bend_source_port_0(&frame);
	run(&frame);
	vly_xdp_cpus_sample(&cpus, &sampler, VLY_RATE_UNITS_PER_S);

	unsigned cnt = count_samples(ring, VLY_VERDICT_dns_response, &weight);
	cr_expect_eq(cnt, 7);
	cr_expect_eq(weight, cnt, "the first ones are taken, one by one");
	cr_expect_eq(ring->sample[0].port_idx, 3);
	cr_expect_eq(ring->sample[0].frame_len, frame.dns_off + TEST_DNS_BYTES);
	cr_expect_eq(ring->sample[0].kept_len, frame.dns_off + TEST_DNS_BYTES);
	cr_expect_eq(ring->sample[cnt].cause, VLY_VERDICT_bad_source);
	cr_expect_eq(ring->sample[cnt].frame_len, 300);
	cr_expect_eq(ring->sample[cnt].kept_len, VLY_SAMPLE_FRAME_BYTES);
	cr_expect_eq(memcmp(ring->sample[cnt].frame, frame.octet, VLY_SAMPLE_FRAME_BYTES), 0);

	/* a second later, the next sample stands for those that were passed over */
	frame.len = (uint16_t)(frame.dns_off + TEST_DNS_BYTES);
	test_put16(frame.octet + frame.l4_off, 5353);
	run(&frame);
	vly_xdp_cpus_sample(&cpus, &sampler, 2 * VLY_RATE_UNITS_PER_S);
	weight = 0;
	cr_expect_eq(count_samples(ring, VLY_VERDICT_dns_response, &weight), cnt + 1);
	cr_expect_eq(weight, 1001);
	vly_xdp_cpus_free(&cpus);
	free(ring);
}
