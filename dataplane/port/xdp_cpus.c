/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "xdp_cpus.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "xdp_map.h"

/* Samples of one cause that a CPU may take between two reads: with ten reads a second, 70 of the
 * 100 that a cause may have from all CPUs. */
#define CREDIT 7

/* Before the next read, a CPU may use the credit that it had left and then that which it is
 * given. */
static_assert(2 * CREDIT * (VLY_VERDICT_XDP_CNT - VLY_VERDICT_serve - 1) <= VLY_XDP_SAMPLES_MAX,
	      "samples could be overwritten before they are read");

/* Creates a map for each CPU, and the keys of the outer map. Returns 0 or a negative errno;
 * cpus->cnt is the number of maps in either case. */
static int
create_maps(struct vly_xdp_cpus *cpus, int *fd, uint32_t *cpu, uint32_t cnt)
{
	for (uint32_t i = 0; i < cnt; i++) {
		void *counted;
		fd[i] = vly_xdp_map_create("vly_cpu", sizeof(struct vly_xdp_cpu), &counted);
		if (fd[i] < 0)
			return fd[i];
		cpus->cpu[cpus->cnt++] = counted;
		cpu[i] = i;
	}
	return 0;
}

/* All maps are added at once: after each update of a map of maps the kernel waits for a grace
 * period, 10 to 15 ms, and machines may have hundreds of CPUs. */
int
vly_xdp_cpus_add(struct vly_xdp_cpus *cpus, int cpus_fd)
{
	int cnt = libbpf_num_possible_cpus();
	int error = -ENOMEM;

	if (cnt < 0)
		return cnt;
	int *fd = calloc((size_t)cnt, sizeof(*fd));
	uint32_t *cpu = calloc((size_t)cnt, sizeof(*cpu));
	cpus->cpu = calloc((size_t)cnt, sizeof(*cpus->cpu));
	cpus->sample_cnt = calloc((size_t)cnt, sizeof(*cpus->sample_cnt));
	if (fd != NULL && cpu != NULL && cpus->cpu != NULL && cpus->sample_cnt != NULL)
		error = create_maps(cpus, fd, cpu, (uint32_t)cnt);
	uint32_t added = cpus->cnt;
	if (error == 0)
		error = bpf_map_update_batch(cpus_fd, cpu, fd, &added, NULL);
	for (unsigned i = 0; i < cpus->cnt; i++)
		close(fd[i]);
	free(fd);
	free(cpu);
	return error;
}

static uint64_t
look_at(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

void
vly_xdp_cpus_read(const struct vly_xdp_cpus *cpus, struct vly_port_counters *counters)
{
	uint64_t sum[VLY_VERDICT_CNT] = {0};
	uint64_t dry_run = 0;

	for (unsigned i = 0; i < cpus->cnt; i++) {
		for (unsigned verdict = 0; verdict < VLY_VERDICT_CNT; verdict++)
			sum[verdict] += look_at(&cpus->cpu[i]->verdict[verdict]);
		dry_run += look_at(&cpus->cpu[i]->state.source_dry_run);
	}
	memcpy(counters->xdp_verdict, sum, sizeof(sum));
	counters->xdp_source_dry_run = dry_run;
}

static void
take_sample(const struct vly_xdp_sample *sample, struct vly_sampler *sampler, uint32_t now)
{
	uint32_t weight = sample->weight < UINT32_MAX ? (uint32_t)sample->weight : UINT32_MAX;

	if (sample->cause < VLY_VERDICT_CNT &&
	    vly_sampler_wants(sampler, sample->cause, weight, now))
		vly_sampler_keep(sampler, sample->cause, sample->frame, sample->frame_len, now);
}

void
vly_xdp_cpus_sample(struct vly_xdp_cpus *cpus, struct vly_sampler *sampler, uint32_t now)
{
	for (unsigned i = 0; i < cpus->cnt; i++) {
		struct vly_xdp_cpu *cpu = cpus->cpu[i];
		uint64_t cnt = __atomic_load_n(&cpu->sample_cnt, __ATOMIC_ACQUIRE);
		for (; cpus->sample_cnt[i] < cnt; cpus->sample_cnt[i]++)
			take_sample(&cpu->sample[cpus->sample_cnt[i] % VLY_XDP_SAMPLES_MAX],
				    sampler, now);
		for (unsigned verdict = VLY_VERDICT_serve + 1; verdict < VLY_VERDICT_XDP_CNT;
		     verdict++)
			__atomic_store_n(&cpu->credit[verdict], CREDIT, __ATOMIC_RELEASE);
	}
}

/* Whether any CPU has marked the queue. Clears the mark. */
static bool
take_mark(struct vly_xdp_cpus *cpus, unsigned queue)
{
	uint8_t marked = 0;

	for (unsigned i = 0; i < cpus->cnt; i++)
		if (__atomic_load_n(&cpus->cpu[i]->no_lcore[queue], __ATOMIC_RELAXED) != 0)
			marked |= __atomic_exchange_n(&cpus->cpu[i]->no_lcore[queue], 0,
						      __ATOMIC_RELAXED);
	return marked != 0;
}

struct vly_xdp_queues
vly_xdp_cpus_take_queues(struct vly_xdp_cpus *cpus)
{
	struct vly_xdp_queues queues = {0};

	for (unsigned queue = 0; queue < VLY_XDP_QUEUES_MAX; queue++) {
		if (!take_mark(cpus, queue))
			continue;
		if (queues.cnt++ == 0)
			queues.first = queue;
		queues.last = queue;
	}
	return queues;
}

void
vly_xdp_cpus_free(struct vly_xdp_cpus *cpus)
{
	for (unsigned i = 0; i < cpus->cnt; i++)
		munmap(cpus->cpu[i], sizeof(struct vly_xdp_cpu));
	free(cpus->cpu);
	free(cpus->sample_cnt);
	*cpus = (struct vly_xdp_cpus){0};
}
