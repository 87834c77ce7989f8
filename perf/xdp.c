/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Nanoseconds that the XDP program takes for a packet, by BPF_PROG_TEST_RUN: for a query that is
 * served and for each kind of drop, with all rules on and as many denied prefixes of each family as
 * --prefixes says; beside the smallest program (smallest.bpf.c) on a query of the same IP version.
 *
 * Times are CPU time of this thread, the kernel's loop around the program included: "nothing" is
 * that loop with a program of two instructions. All take turns, --rounds times. Prints one JSON
 * object.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/if_xdp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/prefix_table.h"
#include "port/xdp.h"
#include "tests/unit/dataplane/verdicts.h"
#include "tests/unit/lib/random.h"
#include "tool.h"

/* The prefix of denied packets, in the midst of the others: 99.1.2.0/24, 2a02:dead::/32. */
#define DENIED4 "\x63\1\2"
#define DENIED6 "\x2a\2\xde\xad"

struct kind {
	const char *name;
	int version;
	void (*bend)(struct test_frame *frame);
	enum vly_verdict verdict;
	bool busy; /* as a network is that comes near its rate */
};

static uint8_t *
source_of(struct test_frame *frame)
{
	bool ipv4 = frame->l4_off - frame->l3_off == VLY_IPV4_BYTES;

	return frame->octet + frame->l3_off + (ipv4 ? 12 : 8);
}

static void
bend_denied(struct test_frame *frame)
{
	if (frame->l4_off - frame->l3_off == VLY_IPV4_BYTES)
		memcpy(source_of(frame), DENIED4, 3);
	else
		memcpy(source_of(frame), DENIED6, 4);
}

/* Its neighbour: the search is the same. */
static void
bend_near_denied(struct test_frame *frame)
{
	bend_denied(frame);
	source_of(frame)[2] ^= 0x10;
}

/* A busy kind comes behind the same that is not. */
static const struct kind kinds[] = {
	{"served IPv4", 4, bend_near_denied, VLY_VERDICT_serve, false},
	{"served IPv4, busy", 4, bend_near_denied, VLY_VERDICT_serve, true},
	{"served IPv6", 6, bend_near_denied, VLY_VERDICT_serve, false},
	{"served IPv6, busy", 6, bend_near_denied, VLY_VERDICT_serve, true},
	{"truncated", 4, bend_cut_udp, VLY_VERDICT_truncated, false},
	{"bad_length", 4, bend_udp_too_long, VLY_VERDICT_bad_length, false},
	{"bad_source", 4, bend_source_port_0, VLY_VERDICT_bad_source, false},
	{"dns_short", 4, bend_short_dns, VLY_VERDICT_dns_short, false},
	{"dns_response IPv4", 4, bend_response, VLY_VERDICT_dns_response, false},
	{"dns_response IPv6", 6, bend_response, VLY_VERDICT_dns_response, false},
	{"reflector", 4, bend_from_chargen, VLY_VERDICT_reflector, false},
	{"denied IPv4", 4, bend_denied, VLY_VERDICT_denied, false},
	{"denied IPv6", 6, bend_denied, VLY_VERDICT_denied, false},
	{"unserved", 4, bend_status, VLY_VERDICT_unserved, false},
	{"source_rate IPv4", 4, bend_near_denied, VLY_VERDICT_source_rate, false},
	{"source_rate IPv6", 6, bend_near_denied, VLY_VERDICT_source_rate, false},
};

#define KIND_CNT (sizeof(kinds) / sizeof(kinds[0]))

struct bench {
	const char *program_path;
	const char *smallest_path;
	unsigned prefix_cnt;
	unsigned repeat;
	unsigned round_cnt;
	struct bpf_object *program;
	struct bpf_object *smallest;
	struct vly_xdp xdp;
	struct vly_policy_rules *rules;
};

static int
program_fd(struct bpf_object *object, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(object, name));
}

static int
map_fd(const struct bench *bench, const char *name)
{
	return bpf_object__find_map_fd_by_name(bench->program, name);
}

/* With a socket on queue 0, where test packets arrive. */
static struct bpf_object *
load(const char *path)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	int fd = socket(AF_XDP, SOCK_RAW, 0);
	uint32_t queue = 0;

	if (object == NULL || bpf_object__load(object) != 0)
		vly_tool_fail("%s: can't be loaded: %s", path, strerror(errno));
	if (fd < 0 || bpf_map_update_elem(bpf_object__find_map_fd_by_name(object, "xsks_map"),
					  &queue, &fd, BPF_ANY) != 0)
		vly_tool_fail("no AF_XDP socket: %s", strerror(errno));
	return object;
}

/* /17 to /32 anywhere, and /32 to /64 in the blocks that registries give addresses out of:
 * 2400::/12, 2600::/12, and so on to 2c00::/12. */
static void
random_rules(struct vly_test_random *random, struct vly_prefix_rule *four,
	     struct vly_prefix_rule *six)
{
	vly_test_random_fill(random, four->address, 16);
	memcpy(four->address, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
	four->bits = (uint8_t)(96 + 17 + vly_test_random_below(random, 16));
	four->action = VLY_PREFIX_DENY;
	vly_test_random_fill(random, six->address, 16);
	six->address[0] = (uint8_t)(0x24 + 2 * vly_test_random_below(random, 5));
	six->address[1] &= 15;
	six->bits = (uint8_t)(32 + vly_test_random_below(random, 33));
	six->action = VLY_PREFIX_DENY;
}

static void
deny(struct bench *bench)
{
	size_t cnt = 2 * (size_t)bench->prefix_cnt;
	struct vly_prefix_rule *rule = calloc(cnt, sizeof(*rule));
	struct vly_test_random random = {53};

	if (rule == NULL)
		vly_tool_fail("out of memory");
	for (size_t i = 0; i < cnt; i += 2)
		random_rules(&random, &rule[i], &rule[i + 1]);
	memcpy(rule[0].address + 12, DENIED4, 3);
	rule[0].bits = 96 + 24;
	memcpy(rule[1].address, DENIED6, 4);
	rule[1].bits = 32;
	int error = vly_prefix_table_build(&bench->rules->prefixes, rule, cnt);
	if (error != 0)
		vly_tool_fail("no table of prefixes: %s", strerror(-error));
	free(rule);
}

static void
set_up(struct bench *bench)
{
	static const char *const ours[] = {"192.0.2.53", "2001:db8::53", "192.0.2.54"};
	struct vly_addresses addresses = {0};

	bench->program = load(bench->program_path);
	bench->smallest = load(bench->smallest_path);
	bench->rules = calloc(1, sizeof(*bench->rules));
	if (bench->rules == NULL)
		vly_tool_fail("out of memory");
	deny(bench);
	vly_policy_add_reflector(bench->rules, 19);
	bench->rules->source_key = 0x5353535353;
	bench->rules->source_mode = 2;
	bench->rules->unserved = vly_rate_make(1, 1);
	bench->xdp = (struct vly_xdp){.interface = "test",
				      .config_fd = map_fd(bench, VLY_XDP_CONFIG),
				      .rules_fd = map_fd(bench, VLY_XDP_RULES),
				      .cpus_fd = map_fd(bench, VLY_XDP_CPUS)};
	if (vly_xdp_cpus_add(&bench->xdp.cpus, bench->xdp.cpus_fd) != 0)
		vly_tool_fail("no memory for CPUs");
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (vly_addresses_add(&addresses, ours[i]) != VLY_ADDRESSES_OK)
			vly_tool_fail("%s: no address", ours[i]);
	if (vly_xdp_serve(&bench->xdp, test_frame_mac(), &addresses) != 0)
		exit(1);
}

/* Rates that a single source can't reach here, or does at once. */
static void
set_rates(struct bench *bench, bool reached)
{
	struct vly_rate rate[VLY_SOURCE_LEVEL_CNT];

	for (unsigned i = 0; i < VLY_SOURCE_LEVEL_CNT; i++)
		rate[i] = vly_rate_make(reached ? 1 : VLY_RATE_UNITS_PER_S, 100);
	bench->rules->source = vly_sketch_rates(rate);
	if (vly_xdp_set_rules(&bench->xdp, bench->rules) != 0)
		exit(1);
}

/* Either nobody has sent anything, or every network that was seen has spent a second's budget, so
 * that the levels have to tell. */
static void
make_busy(struct bench *bench, bool busy)
{
	for (unsigned i = 0; i < bench->xdp.cpus.cnt; i++) {
		struct vly_sketch *sketch = &bench->xdp.cpus.cpu[i]->state.sketch;
		if (!busy)
			memset(sketch, 0, sizeof(*sketch));
		for (unsigned at = 0; at < 1 << VLY_SKETCH_ROW_BITS; at++)
			sketch->screen[at] += sketch->screen[at] != 0 ? VLY_RATE_UNITS_PER_S : 0;
	}
}

/* Nanoseconds per packet. */
static double
measure(const struct bench *bench, int fd, const struct test_frame *frame, uint32_t action)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->octet, .data_size_in = frame->len,
		    .repeat = (int)bench->repeat);
	uint64_t start_ns = vly_tool_now_ns(CLOCK_THREAD_CPUTIME_ID);

	if (bpf_prog_test_run_opts(fd, &options) != 0)
		vly_tool_fail("BPF_PROG_TEST_RUN: %s", strerror(errno));
	if (options.retval != action)
		vly_tool_fail("the program returned %u instead of %u", options.retval, action);
	return (double)(vly_tool_now_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns) / bench->repeat;
}

static uint64_t
count(const struct bench *bench, enum vly_verdict verdict)
{
	struct vly_port_counters counters;

	vly_xdp_cpus_read(&bench->xdp.cpus, &counters);
	return counters.xdp_verdict[verdict];
}

static void
run_kind(struct bench *bench, const struct kind *kind, bool last)
{
	struct test_frame query = test_frame_query(kind->version, 0);
	struct test_frame frame = query;
	int fd = program_fd(bench->program, VLY_XDP_PROGRAM);
	uint64_t before = count(bench, kind->verdict);

	kind->bend(&frame);
	make_busy(bench, kind->busy);
	double volley = measure(bench, fd, &frame,
				kind->verdict == VLY_VERDICT_serve ? XDP_REDIRECT : XDP_DROP);
	double smallest =
		measure(bench, program_fd(bench->smallest, "smallest"), &query, XDP_REDIRECT);
	/* the first few may still be within a rate */
	if (count(bench, kind->verdict) < before + bench->repeat - 2)
		vly_tool_fail("%s: another verdict", kind->name);
	printf("\"%s\": [%.2f, %.2f]%s", kind->name, volley, smallest, last ? "" : ", ");
}

static void
run_round(struct bench *bench)
{
	struct test_frame frame = test_frame_query(4, 0);

	set_rates(bench, false);
	printf("{\"nothing\": %.2f, ",
	       measure(bench, program_fd(bench->smallest, "nothing"), &frame, XDP_DROP));
	for (size_t i = 0; i < KIND_CNT; i++) {
		if (kinds[i].verdict == VLY_VERDICT_source_rate)
			set_rates(bench, true);
		run_kind(bench, &kinds[i], i + 1 == KIND_CNT);
	}
	printf("}");
}

static void
print_info(const struct bench *bench)
{
	struct bpf_prog_info info = {0};
	uint32_t bytes = sizeof(info);

	if (bpf_obj_get_info_by_fd(program_fd(bench->program, VLY_XDP_PROGRAM), &info, &bytes) != 0)
		vly_tool_fail("the kernel does not tell of the program: %s", strerror(errno));
	printf("{\"instructions\": %u, \"machine_code_bytes\": %u, \"verified_instructions\": %u, "
	       "\"prefixes_of_each_family\": %u, ",
	       info.xlated_prog_len / 8, info.jited_prog_len, info.verified_insns,
	       bench->prefix_cnt);
}

static void
parse_arguments(struct bench *bench, int argc, char **argv)
{
	static const struct option options[] = {
		{"program", required_argument, NULL, 'p'},
		{"smallest", required_argument, NULL, 's'},
		{"prefixes", required_argument, NULL, 'n'},
		{"repeat", required_argument, NULL, 'r'},
		{"rounds", required_argument, NULL, 'o'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			bench->program_path = optarg;
			break;
		case 's':
			bench->smallest_path = optarg;
			break;
		case 'n':
			bench->prefix_cnt = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'r':
			bench->repeat = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'o':
			bench->round_cnt = (unsigned)strtoul(optarg, NULL, 10);
			break;
		default:
			exit(2);
		}
	}
	if (bench->program_path == NULL || bench->smallest_path == NULL || bench->repeat == 0 ||
	    bench->prefix_cnt == 0)
		vly_tool_fail("needs --program, --smallest, --prefixes, --repeat and --rounds");
}

int
main(int argc, char **argv)
{
	struct bench bench = {0};

	parse_arguments(&bench, argc, argv);
	set_up(&bench);
	print_info(&bench);
	printf("\"rounds\": [");
	for (unsigned i = 0; i < bench.round_cnt; i++) {
		run_round(&bench);
		printf(i + 1 < bench.round_cnt ? ", " : "");
	}
	printf("]}\n");
	vly_xdp_cpus_free(&bench.xdp.cpus);
	bpf_object__close(bench.program);
	bpf_object__close(bench.smallest);
	free(bench.rules);
	return 0;
}
