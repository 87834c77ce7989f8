/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The findings about a zone while it is read and compiled. Each check has a severity, and an
 * operator can change most of them.
 *
 * Use: set severity[] (vly_zone_report_defaults()), and on_finding to receive each finding; read
 * and compile the zone; it is good if error_cnt is 0. `first` has the first error. One thread at a
 * time; no function blocks.
 */
#ifndef VLY_CONTROL_ZONE_REPORT_H
#define VLY_CONTROL_ZONE_REPORT_H

#include <stdbool.h>
#include <stdint.h>

/* After this many errors, the rest of the zone is not read. */
#define VLY_ZONE_ERRORS_MAX 1000

enum vly_zone_severity {
	VLY_ZONE_IGNORE,
	VLY_ZONE_WARNING,
	VLY_ZONE_ERROR, /* the zone is not served */
};

/*
 * id, name in the configuration, default severity, description. With a severity below error, a
 * record out of the zone is left out, a duplicate is dropped, and everything else is served as it
 * is in the file.
 */
#define VLY_ZONE_CHECKS(X)                                                                         \
	X(out_of_zone, "out-of-zone", WARNING, "a record whose owner is not in the zone")          \
	X(no_ns, "no-ns", WARNING, "no NS record at the apex (RFC 1035 §5.2)")                     \
	X(below_dname, "below-dname", WARNING, "records below a DNAME are hidden (RFC 6672 §2.4)") \
	X(below_cut, "below-cut", IGNORE,                                                          \
	  "records below a delegation, other than glue, are hidden")                               \
	X(missing_glue, "missing-glue", WARNING,                                                   \
	  "a name server inside the delegated domain has no address (RFC 9471)")                   \
	X(no_address, "no-address", WARNING, "the target of an NS, MX or SRV has no address here") \
	X(alias_target, "alias-target", WARNING,                                                   \
	  "the target of an NS, MX or SRV is an alias (RFC 2181 §10.3)")                           \
	X(ds_at_apex, "ds-at-apex", WARNING,                                                       \
	  "a DS record at the apex, where none belongs (RFC 4035 §2.4)")                           \
	X(digest_length, "digest-length", WARNING,                                                 \
	  "a digest has another length than its type (DS, CDS, DLV, SSHFP, TLSA, SMIMEA, ZONEMD)") \
	X(cds, "cds", WARNING, "no CDS or CDNSKEY record matches a DNSKEY record (RFC 7344 §4.1)") \
	X(location, "location", WARNING,                                                           \
	  "a LOC record beyond 90 degrees of latitude or 180 of longitude (RFC 1876 §2)")          \
	X(svcb, "svcb", WARNING, "parameters of an SVCB or HTTPS record break RFC 9460")           \
	X(answer_size, "answer-size", WARNING,                                                     \
	  "an answer is larger than any DNS message, 65,535 octets, and becomes SERVFAIL")         \
	X(ttl_range, "ttl-range", WARNING, "a TTL above 2147483647 is treated as 0 (RFC 2181 §8)") \
	X(ttl_differs, "ttl-differs", WARNING, "the TTLs in an RRset differ (RFC 2181 §5.2)")      \
	X(duplicate, "duplicate", IGNORE, "a duplicate record (RFC 2181 §5)")                      \
	X(signature_missing, "signature-missing", WARNING,                                         \
	  "an RRset of a signed zone has no signature (RFC 4035 §2.2)")                            \
	X(signature_invalid, "signature-invalid", WARNING,                                         \
	  "an RRset has no signature that validators accept (RFC 4035 §5.3)")                      \
	X(signature_expired, "signature-expired", WARNING,                                         \
	  "the signatures of an RRset have expired, or are not yet valid (RFC 4035 §5.3.1)")       \
	X(nsec_chain, "nsec-chain", WARNING,                                                       \
	  "the NSEC records do not list the names and types of the zone (RFC 4035 §2.3)")          \
	X(nsec3_chain, "nsec3-chain", WARNING,                                                     \
	  "the NSEC3 records do not list the names and types of the zone (RFC 5155 §7.1)")         \
	X(nsec3_iterations, "nsec3-iterations", WARNING,                                           \
	  "validators treat the zone as insecure: too many iterations (RFC 9276 §3.2)")            \
	X(nsec3_costly, "nsec3-costly", IGNORE,                                                    \
	  "NSEC3 with iterations or a salt, which protect nothing (RFC 9276 §3.1)")                \
	X(zonemd, "zonemd", WARNING, "no digest of the zone verifies (RFC 8976 §4)")

enum vly_zone_check {
#define X(id, name, severity, help) VLY_ZONE_CHECK_##id,
	VLY_ZONE_CHECKS(X)
#undef X
		VLY_ZONE_CHECK_CNT,
	VLY_ZONE_CHECK_must, /* for findings that are always errors */
};

/* An error, or a warning. `line` is 0 when it is in no line of the file. */
struct vly_zone_finding {
	bool is_error;
	const char *check; /* its name in the configuration, or "error" */
	const char *file;
	uint64_t line;
	const char *text; /* without file and line */
};

/* Why a zone was not loaded. */
struct vly_zone_error {
	char file[256];
	uint64_t line;  /* 0: in no line of the file */
	char text[300]; /* without file and line */
};

struct vly_zone_report {
	uint8_t severity[VLY_ZONE_CHECK_CNT]; /* enum vly_zone_severity */
	void (*on_finding)(void *context, const struct vly_zone_finding *finding); /* may be NULL */
	void *context;
	bool takes_alias; /* ALIAS records are no error: the zone lives */

	uint32_t error_cnt;
	uint32_t warning_cnt;
	struct vly_zone_error first;
};

/* Sets the default severities and forgets findings and callback. */
__attribute__((nonnull)) void vly_zone_report_defaults(struct vly_zone_report *report);

/* Name of a check in the configuration (0..VLY_ZONE_CHECK_CNT - 1). */
const char *vly_zone_check_name(unsigned check);

/* Reports a finding at `line` of `file`. Returns true when it is an error. */
__attribute__((format(printf, 5, 6), nonnull(1, 3, 5), cold)) bool
vly_zone_report_add(struct vly_zone_report *report, unsigned check, const char *file, uint64_t line,
		    const char *format, ...);

/* True when the rest of the zone need not be read. */
static inline bool
vly_zone_report_is_full(const struct vly_zone_report *report)
{
	return report->error_cnt >= VLY_ZONE_ERRORS_MAX;
}

#endif
