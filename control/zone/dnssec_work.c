/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <volley/octets.h>

#include "common/plural.h"
#include "dnssec_parts.h"
#include "rdata.h"
#include "zone_check_parts.h"

/* A thread takes this many nodes at once, and is started for at least THREAD_NODES: to start one
 * takes as long as to look at 50 nodes. */
#define CHUNK_NODES  64
#define THREAD_NODES 256

#define THREADS_MAX 256

struct share {
	struct vly_dnssec *dnssec;
	uint32_t cnt;
	_Atomic uint64_t next;
	int (*run)(struct vly_dnssec_worker *worker, uint32_t idx);
	const void *job;
};

static void
run_chunk(struct share *share, struct vly_dnssec_worker *worker, uint64_t from)
{
	uint64_t end = from + CHUNK_NODES < share->cnt ? from + CHUNK_NODES : share->cnt;

	for (uint64_t i = from; i < end; i++)
		if (share->run(worker, (uint32_t)i) != 0) {
			share->dnssec->failed = true;
			return;
		}
}

/* Adds what a worker has found out. */
static void
merge(struct vly_dnssec *dnssec, const struct vly_dnssec_worker *worker)
{
	struct vly_dnssec_facts *facts = dnssec->facts;

	pthread_mutex_lock(&dnssec->lock);
	if (worker->expiry_s < facts->expiry_s)
		facts->expiry_s = worker->expiry_s;
	if (worker->ttl_max > facts->margin_s)
		facts->margin_s = worker->ttl_max;
	facts->rrset_cnt += worker->rrset_cnt;
	facts->verified_cnt += worker->verified_cnt;
	pthread_mutex_unlock(&dnssec->lock);
}

static void *
work(void *arg)
{
	struct share *share = arg;
	struct vly_dnssec_worker worker = {
		.dnssec = share->dnssec, .job = share->job, .expiry_s = UINT64_MAX};
	uint64_t from;

	while (!share->dnssec->failed &&
	       (from = atomic_fetch_add(&share->next, CHUNK_NODES)) < share->cnt)
		run_chunk(share, &worker, from);
	merge(share->dnssec, &worker);
	vly_rrsets_free(&worker.own);
	free(worker.octets);
	free(worker.sorted);
	free(worker.rrsig);
	return NULL;
}

void
vly_dnssec_share(struct vly_dnssec *dnssec, uint32_t cnt,
		 int (*run)(struct vly_dnssec_worker *worker, uint32_t idx), const void *job)
{
	struct share share = {.dnssec = dnssec, .cnt = cnt, .run = run, .job = job};
	pthread_t thread[THREADS_MAX];
	unsigned max = dnssec->settings->thread_max;
	unsigned started = 0;

	while (started + 1 < max && started < THREADS_MAX && (started + 1) * THREAD_NODES < cnt &&
	       pthread_create(&thread[started], NULL, work, &share) == 0)
		started++;
	work(&share); /* also does what threads would that could not be started */
	for (unsigned i = 0; i < started; i++)
		pthread_join(thread[i], NULL);
}

/* In the order of the file; what is in no line of it is last. */
static bool
is_before(const struct vly_dnssec_finding *left, const struct vly_dnssec_finding *right)
{
	if (left->record == NULL || right->record == NULL)
		return left->record != NULL || (right->record == NULL && left->idx < right->idx);
	if (left->record->file_idx != right->record->file_idx)
		return left->record->file_idx < right->record->file_idx;
	return left->record->line < right->record->line;
}

/* Threads come in any order, but the report is always the same. */
static void
keep(struct vly_dnssec_findings *findings, const struct vly_dnssec_finding *finding)
{
	unsigned at = findings->cnt < VLY_DNSSEC_FINDINGS_MAX ? (unsigned)findings->cnt
							      : VLY_DNSSEC_FINDINGS_MAX;

	findings->cnt++;
	if (at == VLY_DNSSEC_FINDINGS_MAX && !is_before(finding, &findings->first[--at]))
		return;
	for (; at > 0 && is_before(finding, &findings->first[at - 1]); at--)
		findings->first[at] = findings->first[at - 1];
	findings->first[at] = *finding;
}

void
vly_dnssec_add(struct vly_dnssec *dnssec, unsigned check, uint32_t idx,
	       const struct vly_zone_record *record, const char *format, ...)
{
	struct vly_dnssec_finding finding = {.idx = idx, .record = record};
	va_list args;

	va_start(args, format);
	vsnprintf(finding.text, sizeof(finding.text), format, args);
	va_end(args);
	pthread_mutex_lock(&dnssec->lock);
	keep(&dnssec->findings[check], &finding);
	pthread_mutex_unlock(&dnssec->lock);
}

static void
report_check(struct vly_dnssec *dnssec, unsigned check)
{
	const struct vly_dnssec_findings *findings = &dnssec->findings[check];
	const struct vly_check_place place = {dnssec->zone, dnssec->report, 0};

	for (unsigned i = 0; i < findings->cnt && i < VLY_DNSSEC_FINDINGS_MAX; i++) {
		struct vly_check_place at = place;
		at.idx = findings->first[i].idx;
		vly_check_add(&at, check, findings->first[i].record, "%s", findings->first[i].text);
	}
	if (findings->cnt > VLY_DNSSEC_FINDINGS_MAX)
		vly_zone_report_add(dnssec->report, check, dnssec->zone->file[0], 0,
				    "%llu more finding%s of this kind",
				    (unsigned long long)findings->cnt - VLY_DNSSEC_FINDINGS_MAX,
				    vly_plural(findings->cnt - VLY_DNSSEC_FINDINGS_MAX));
}

void
vly_dnssec_report(struct vly_dnssec *dnssec)
{
	for (unsigned check = 0; check < VLY_ZONE_CHECK_CNT; check++)
		report_check(dnssec, check);
	if (dnssec->failed)
		vly_zone_report_add(dnssec->report, VLY_ZONE_CHECK_must, dnssec->zone->file[0], 0,
				    "out of memory");
}

const struct vly_zone_record *const *
vly_dnssec_sort(struct vly_dnssec_worker *worker, const struct vly_rrset *rrset)
{
	if (rrset->record_cnt == 1)
		return rrset->record;
	if (rrset->record_cnt > worker->sorted_max) {
		void *sorted =
			reallocarray(worker->sorted, rrset->record_cnt, sizeof(*worker->sorted));
		if (sorted == NULL)
			return NULL;
		worker->sorted = sorted;
		worker->sorted_max = rrset->record_cnt;
	}
	memcpy(worker->sorted, rrset->record, rrset->record_cnt * sizeof(*worker->sorted));
	qsort(worker->sorted, rrset->record_cnt, sizeof(*worker->sorted), vly_rrset_by_data);
	return worker->sorted;
}

int
vly_dnssec_reserve(struct vly_dnssec_worker *worker, size_t bytes)
{
	if (bytes <= worker->octets_max)
		return 0;
	uint8_t *octets = realloc(worker->octets, bytes * 2);
	if (octets == NULL)
		return -1;
	worker->octets = octets;
	worker->octets_max = bytes * 2;
	return 0;
}

uint8_t *
vly_dnssec_put_record(uint8_t *at, const uint8_t *owner, unsigned owner_len,
		      const struct vly_zone_record *record, uint32_t ttl)
{
	memcpy(at, owner, owner_len);
	at += owner_len;
	vly_put_be16(at, record->type);
	vly_put_be16(at + 2, 1); /* class IN */
	vly_put_be16(at + 4, ttl >> 16);
	vly_put_be16(at + 6, ttl & 0xffff);
	vly_put_be16(at + 8, record->data_len);
	memcpy(at + VLY_DNSSEC_RECORD_BYTES, record->data, record->data_len);
	vly_rdata_make_canonical(record->type, at + VLY_DNSSEC_RECORD_BYTES, record->data_len);
	return at + VLY_DNSSEC_RECORD_BYTES + record->data_len;
}

/* Appends a window that is not empty (RFC 4034 §4.1.2). */
static uint8_t *
put_window(uint8_t *at, unsigned window, const uint8_t bits[32])
{
	unsigned len = 32;

	while (len > 0 && bits[len - 1] == 0)
		len--;
	if (len == 0)
		return at;
	at[0] = (uint8_t)window;
	at[1] = (uint8_t)len;
	memcpy(at + 2, bits, len);
	return at + 2 + len;
}

/* At a cut, only what the parent zone has counts. */
static bool
is_listed(const struct vly_zone_node *node, uint16_t type)
{
	return !(node->flags & VLY_ZONE_CUT) || type == VLY_TYPE_NS || type == VLY_TYPE_DS ||
	       type == VLY_TYPE_RRSIG || type == VLY_TYPE_NSEC;
}

bool
vly_dnssec_bitmap_is(struct vly_dnssec_worker *worker, uint32_t idx, bool with_rrsig,
		     const uint8_t *bitmap, unsigned len)
{
	const struct vly_zone_node *node = &worker->dnssec->zone->node[idx];
	uint8_t *at = worker->bitmap;
	uint8_t bits[32] = {0};
	unsigned window = 0;

	if (with_rrsig)
		bits[VLY_TYPE_RRSIG / 8] |= (uint8_t)(0x80 >> VLY_TYPE_RRSIG % 8);
	for (unsigned i = 0; i < worker->own.cnt; i++) { /* in ascending order */
		unsigned type = worker->own.rrset[i].type;
		if (!is_listed(node, (uint16_t)type))
			continue;
		if (type >> 8 != window) {
			at = put_window(at, window, bits);
			memset(bits, 0, sizeof(bits));
			window = type >> 8;
		}
		bits[type % 256 / 8] |= (uint8_t)(0x80 >> type % 8);
	}
	at = put_window(at, window, bits);
	return (unsigned)(at - worker->bitmap) == len && memcmp(worker->bitmap, bitmap, len) == 0;
}
