/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "zone_verdict.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <volley/octets.h>

#include "rrset.h"

/* From the end of the SOA's data (RFC 1035 §3.3.13): SERIAL, EXPIRE. */
#define SOA_SERIAL_FROM_END 20
#define SOA_EXPIRE_FROM_END 8

/* The checks that lead to faults. */
static const struct {
	unsigned check;
	enum vly_fault fault;
	bool is_whole; /* it needs all names */
} kinds[] = {
	{VLY_ZONE_CHECK_signature_missing, VLY_FAULT_BOGUS, false},
	{VLY_ZONE_CHECK_signature_invalid, VLY_FAULT_BOGUS, false},
	{VLY_ZONE_CHECK_nsec_chain, VLY_FAULT_BOGUS, true},
	{VLY_ZONE_CHECK_nsec3_chain, VLY_FAULT_BOGUS, true},
	{VLY_ZONE_CHECK_signature_expired, VLY_FAULT_EXPIRED, false},
	{VLY_ZONE_CHECK_zonemd, VLY_FAULT_ZONEMD, true},
};

#define KIND_CNT (sizeof(kinds) / sizeof(kinds[0]))

__attribute__((format(printf, 4, 5))) static void
add(struct vly_zone_verdict *verdict, enum vly_fault fault, enum vly_fault_severity severity,
    const char *format, ...)
{
	va_list args;

	if (verdict->severity[fault] != VLY_FAULT_NONE)
		return;
	va_start(args, format);
	vsnprintf(verdict->text[fault], sizeof(verdict->text[fault]), format, args);
	va_end(args);
	verdict->severity[fault] = (uint8_t)severity;
	if (severity > verdict->worst)
		verdict->worst = severity;
}

static void
on_finding(void *context, const struct vly_zone_finding *finding)
{
	struct vly_zone_verdict *verdict = context;

	for (size_t i = 0; i < KIND_CNT; i++)
		if (strcmp(finding->check, vly_zone_check_name(kinds[i].check)) == 0)
			add(verdict, kinds[i].fault, VLY_FAULT_ERROR, "%s", finding->text);
}

static void
check_zone(const struct vly_zone *zone, bool is_whole, const struct vly_dnssec_settings *settings,
	   struct vly_zone_verdict *verdict)
{
	struct vly_zone_report report;

	vly_zone_report_defaults(&report);
	memset(report.severity, VLY_ZONE_IGNORE, sizeof(report.severity));
	for (size_t i = 0; i < KIND_CNT; i++)
		if (is_whole || !kinds[i].is_whole)
			report.severity[kinds[i].check] = VLY_ZONE_WARNING;
	report.on_finding = on_finding;
	report.context = verdict;
	vly_dnssec_check(zone, settings, &report, &verdict->facts);
	verdict->failed = report.error_cnt > 0;
}

static void
check_expiry(uint64_t now_s, uint32_t soa_expire_s, struct vly_zone_verdict *verdict)
{
	const uint64_t expiry_s = verdict->facts.expiry_s;
	time_t when = (time_t)expiry_s;
	char date[32] = "a date out of range";
	struct tm tm;

	if (expiry_s == 0 || expiry_s < now_s || expiry_s - now_s >= soa_expire_s)
		return;
	if (gmtime_r(&when, &tm) != NULL)
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S UTC", &tm);
	add(verdict, VLY_FAULT_EXPIRES_EARLY, VLY_FAULT_WARNING,
	    "signatures expire on %s, sooner than the SOA's expire of %" PRIu32
	    " s from now: without its primary, the zone would be served with expired signatures",
	    date, soa_expire_s);
}

static void
compare(const struct vly_verdict_before *before, uint32_t serial, struct vly_zone_verdict *verdict)
{
	if (before->serial == serial && before->differs)
		add(verdict, VLY_FAULT_SAME_SERIAL, VLY_FAULT_WARNING,
		    "its records have changed, but its serial, %" PRIu32
		    ", has not: sign it again with a larger serial",
		    serial);
	if (before->is_signed && !verdict->facts.is_signed)
		add(verdict, VLY_FAULT_UNSIGNED, VLY_FAULT_WARNING,
		    "it is not signed, and the version before it was: validators refuse it as long "
		    "as the parent zone has its DS records");
}

static void
judge(const struct vly_zone *zone, bool is_whole, const struct vly_dnssec_settings *settings,
      const struct vly_verdict_before *before, struct vly_zone_verdict *verdict)
{
	struct vly_rrsets apex = {0};

	memset(verdict, 0, sizeof(*verdict));
	check_zone(zone, is_whole, settings, verdict);
	verdict->failed |= vly_rrsets_load(&apex, zone, 0) != 0;
	const struct vly_rrset *soa = verdict->failed ? NULL : vly_rrsets_find(&apex, VLY_TYPE_SOA);
	if (soa != NULL && soa->record[0]->data_len >= SOA_SERIAL_FROM_END) {
		const uint8_t *end = soa->record[0]->data + soa->record[0]->data_len;
		check_expiry(settings->now_s, vly_be32(end - SOA_EXPIRE_FROM_END), verdict);
		if (before != NULL && before->is_known)
			compare(before, vly_be32(end - SOA_SERIAL_FROM_END), verdict);
	}
	vly_rrsets_free(&apex);
}

void
vly_zone_verdict(const struct vly_zone *zone, const struct vly_dnssec_settings *settings,
		 const struct vly_verdict_before *before, struct vly_zone_verdict *verdict)
{
	judge(zone, true, settings, before, verdict);
}

void
vly_zone_verdict_part(const struct vly_zone *zone, const struct vly_dnssec_settings *settings,
		      struct vly_zone_verdict *verdict)
{
	judge(zone, false, settings, NULL, verdict);
}

const char *
vly_verdict_text(const struct vly_zone_verdict *verdict)
{
	if (verdict->failed)
		return "out of memory";
	for (unsigned i = 0; i < VLY_FAULT_CNT; i++)
		if (verdict->severity[i] != VLY_FAULT_NONE &&
		    verdict->severity[i] == verdict->worst)
			return verdict->text[i];
	return "";
}

const char *
vly_fault_name(enum vly_fault fault)
{
	static const char *const names[] = {
		[VLY_FAULT_BOGUS] = "bogus",
		[VLY_FAULT_EXPIRED] = "expired",
		[VLY_FAULT_EXPIRES_EARLY] = "expires-early",
		[VLY_FAULT_ZONEMD] = "zonemd",
		[VLY_FAULT_SAME_SERIAL] = "same-serial",
		[VLY_FAULT_UNSIGNED] = "unsigned",
	};

	return names[fault];
}
