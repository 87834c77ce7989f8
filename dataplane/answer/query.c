/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parses messages: from their octets to a question, or to the fate of a message without one. */
#include "query.h"
#include "base/wire.h"
#include "identity.h"
#include "subnet.h"
#include "tsig_error.h"
#include "version.h"

static void
set_fate(struct vly_query *query, enum vly_query_fate fate, enum vly_rcode rcode)
{
	query->fate = fate;
	vly_query_set_rcode(query, rcode);
}

static void
set_error(struct vly_query *query, enum vly_rcode rcode, enum vly_ede ede)
{
	vly_version_drop(query);
	set_fate(query, VLY_QUERY_ERROR, rcode);
	query->ede = (uint16_t)ede;
	if (query->opt_bytes != 0)
		query->opt_bytes += VLY_OPTION_HEAD_BYTES + sizeof(query->ede);
}

void
vly_query_refuse(struct vly_query *query, enum vly_ede ede)
{
	set_error(query, VLY_RCODE_REFUSED, ede);
}

void
vly_query_fail(struct vly_query *query, enum vly_ede ede)
{
	set_error(query, VLY_RCODE_SERVFAIL, ede);
}

/* Clients send this option empty; over UDP it is ignored (RFC 7828 §3.2.1, §3.3.1). */
static bool
parse_keepalive(struct vly_query *query, unsigned bytes)
{
	if (!query->stream || (query->asks & VLY_ASKS_KEEPALIVE))
		return true;
	query->asks |= VLY_ASKS_KEEPALIVE;
	query->opt_bytes += VLY_OPTION_HEAD_BYTES + sizeof(query->keepalive);
	return bytes == 0;
}

static void
parse_nsid(struct vly_query *query)
{
	if ((query->asks & VLY_ASKS_NSID) || vly_identity.nsid_len == 0)
		return;
	query->asks |= VLY_ASKS_NSID;
	query->opt_bytes =
		(uint8_t)(query->opt_bytes + VLY_OPTION_HEAD_BYTES + vly_identity.nsid_len);
}

/* Only the first COOKIE option is used (RFC 7873 §5). */
static void
parse_cookie(struct vly_query *query, const uint8_t *option, unsigned bytes)
{
	if (query->cookie_state != VLY_COOKIE_NONE)
		return;
	query->cookie_state = VLY_COOKIE_UNSEEN;
	query->cookie_off = (uint16_t)(option + VLY_OPTION_HEAD_BYTES - query->message);
	query->cookie_bytes = bytes < UINT8_MAX ? (uint8_t)bytes : UINT8_MAX;
}

/* Reads the options, which must fill the RDATA (RFC 6891 §6.1.2). Returns false if they do not, or
 * if one has impossible content. */
__attribute__((noinline)) static bool
parse_options(struct vly_query *query, const uint8_t *rdata, unsigned bytes)
{
	struct vly_cursor cursor = {rdata, rdata + bytes};

	while (cursor.at < cursor.end) {
		const uint8_t *option = cursor.at;
		if (!vly_cursor_skip(&cursor, VLY_OPTION_HEAD_BYTES))
			return false;
		unsigned option_bytes = vly_be16(option + 2);
		if (!vly_cursor_skip(&cursor, option_bytes))
			return false;
		unsigned code = vly_be16(option);
		if (code == VLY_OPTION_KEEPALIVE && !parse_keepalive(query, option_bytes))
			return false;
		if (code == VLY_OPTION_SUBNET && !vly_subnet_take(query, option, option_bytes))
			return false;
		if (code == VLY_OPTION_NSID)
			parse_nsid(query);
		if (code == VLY_OPTION_COOKIE)
			parse_cookie(query, option, option_bytes);
		if (code == VLY_OPTION_VERSION)
			vly_version_ask(query);
	}
	return true;
}

/* Reads the fixed part of an OPT record (RFC 6891 §6.1), except its version. */
static inline void
take_opt(struct vly_query *query, const uint8_t *fixed)
{
	unsigned payload = vly_be16(fixed + 2);

	query->opt_bytes = VLY_OPT_BYTES;
	query->dnssec_ok = (fixed[6] & 0x80) != 0;
	if (payload > query->limit) /* never true over a stream, where limit is the room */
		query->limit = payload < query->limit_max ? (uint16_t)payload : query->limit_max;
}

/* Reads an OPT record. Returns false if it is not allowed here, or if its options are malformed. */
static bool
parse_opt(struct vly_query *query, const struct vly_record *record)
{
	unsigned options_bytes = vly_be16(record->fixed + 8);

	if (query->opt_bytes != 0 || record->owner[0] != 0)
		return false; /* §6.1.1: a second one, or not owned by the root */
	take_opt(query, record->fixed);
	if (record->fixed[5] != 0)
		set_fate(query, VLY_QUERY_ERROR, VLY_RCODE_BADVERS);
	/* The options of another version may have another format. */
	return options_bytes == 0 || record->fixed[5] != 0 ||
	       parse_options(query, record->fixed + 10, options_bytes);
}

/* Reads a TSIG record. Returns false if it is not the last record (RFC 8945 §5.1), or malformed.
 * The rest of the query, even its EDNS version, does not matter, since its key is not known. */
__attribute__((cold, noinline)) static bool
parse_tsig(struct vly_query *query, const struct vly_record *record, unsigned behind_cnt)
{
	if (behind_cnt != 0 || !vly_tsig_take(query, record))
		return false;
	set_fate(query, VLY_QUERY_TSIG, VLY_RCODE_NOTAUTH);
	return true;
}

/* Reads OPT and TSIG in the additional section. Returns false if the records are malformed. */
static bool
parse_additional(struct vly_query *query, struct vly_cursor *cursor, unsigned record_cnt)
{
	struct vly_record record;

	while (record_cnt-- > 0) {
		if (!vly_cursor_record(cursor, &record))
			return false;
		unsigned type = vly_be16(record.fixed);
		if (type == VLY_TYPE_OPT && !parse_opt(query, &record))
			return false;
		if (type == VLY_TYPE_TSIG && !parse_tsig(query, &record, record_cnt))
			return false;
	}
	return true;
}

/* Zone transfers are not served here. */
static bool
type_is_refused(unsigned qtype)
{
	return qtype == VLY_TYPE_AXFR || qtype == VLY_TYPE_IXFR;
}

/* Whether eight octets are as expected under a mask. */
static inline bool
octets_are(const uint8_t *octets, const uint8_t mask[8], const uint8_t expected[8])
{
	return (VLY_OCTETS_LOAD(64, octets) & VLY_OCTETS_LOAD(64, mask)) ==
	       VLY_OCTETS_LOAD(64, expected);
}

/* Whether the header is that of most queries: opcode QUERY, one question, no answer or authority
 * records (RFC 9619 §4). */
static inline bool
header_is_plain(const uint8_t *message)
{
	static const uint8_t mask[8] = {0xf8, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t plain[8] = {0, 0, 0, 1};

	return octets_are(message + 2, mask, plain);
}

/* Looks for the OPT of a message with records in any section: if there is one, the response must
 * have one, too (RFC 6891 §6.1.1). Returns the type of the last record before the additional
 * section, or
 * 0. */
static bool
parse_sections(struct vly_query *query, unsigned *last_type)
{
	const uint8_t *message = query->message;
	struct vly_cursor cursor = {message + VLY_DNS_HEADER_BYTES, message + query->message_len};
	struct vly_record record;

	*last_type = 0;
	for (unsigned cnt = vly_be16(message + 4); cnt > 0; cnt--)
		if (!vly_cursor_skip_name(&cursor) || !vly_cursor_skip(&cursor, 4))
			return false;
	for (unsigned cnt = vly_be16(message + 6) + vly_be16(message + 8); cnt > 0; cnt--) {
		if (!vly_cursor_record(&cursor, &record))
			return false;
		*last_type = vly_be16(record.fixed);
	}
	return parse_additional(query, &cursor, vly_be16(message + 10));
}

/* Reads the question behind the header. Returns false if it is malformed. parse_one() has the same
 * lines, since that is a cycle faster. */
static bool
read_question(struct vly_query *query)
{
	const uint8_t *question = query->message + VLY_DNS_HEADER_BYTES;
	const uint8_t *end = query->message + query->message_len;
	unsigned name_len = vly_name_scan(&query->name, question, (size_t)(end - question));

	if (name_len == 0 || end - question < name_len + 4)
		return false;
	query->question_bytes = (uint16_t)(name_len + 4);
	query->qtype = (uint16_t)vly_be16(question + name_len);
	return true;
}

/* Over UDP, the SOA alone answers IXFR: it shows the client whether to use TCP (RFC 1995 §2, §4). */
static void
judge_ixfr(struct vly_query *query)
{
	const uint8_t *question = query->message + VLY_DNS_HEADER_BYTES;

	if (query->stream || vly_be16(question + query->question_bytes - 2) != VLY_CLASS_IN) {
		vly_query_refuse(query, VLY_EDE_NOT_SUPPORTED);
		return;
	}
	query->qtype = VLY_TYPE_SOA;
	query->dnssec_ok = false;
	query->asks |= VLY_ASKS_IXFR;
}

/* The fate of a query with records in its answer or authority section. Only IXFR may have one: the
 * SOA of the client's version (RFC 1995 §3). */
static void
judge_records(struct vly_query *query, bool sound, unsigned last_type)
{
	static const uint8_t one_in_authority[4] = {0, 0, 0, 1};

	if (!sound || query->qtype != VLY_TYPE_IXFR || last_type != VLY_TYPE_SOA ||
	    memcmp(query->message + 6, one_in_authority, sizeof(one_in_authority)) != 0)
		set_fate(query, VLY_QUERY_ERROR, VLY_RCODE_FORMERR);
	else if (query->fate == VLY_QUERY_LOOKUP)
		judge_ixfr(query);
}

/* The fate of a message whose header is not plain. */
__attribute__((cold, noinline)) static void
judge_header(struct vly_query *query, const struct vly_table *table)
{
	static const uint8_t nothing[6];
	unsigned flags = vly_be16(query->message + 2);
	unsigned last_type;

	if (flags & VLY_FLAG_QR) {
		set_fate(query, VLY_QUERY_DROP, VLY_RCODE_FORMERR);
		return;
	}
	bool has_question = vly_be16(query->message + 4) == 1 && read_question(query);
	bool sound = parse_sections(query, &last_type);
	if (flags & VLY_FLAG_OPCODE)
		set_fate(query, VLY_QUERY_HEADER, VLY_RCODE_NOTIMP);
	else if (has_question)
		judge_records(query, sound, last_type);
	else if (sound && query->cookie_state != VLY_COOKIE_NONE &&
		 memcmp(query->message + 4, nothing, sizeof(nothing)) == 0)
		set_fate(query, VLY_QUERY_COOKIE, VLY_RCODE_FORMERR);
	else
		set_fate(query, VLY_QUERY_HEADER, VLY_RCODE_FORMERR);
	if (query->asks & VLY_ASKS_VERSION)
		vly_version_find(query, table);
}

/* Whether the message ends like most queries: one OPT of version 0 without options. */
static inline bool
rest_is_plain_opt(const uint8_t *message, const uint8_t *rest, const uint8_t *end)
{
	/* owner, type, UDP payload size, extended RCODE, version and the DO bit; then the other
	 * flags and RDLENGTH */
	static const uint8_t mask[8] = {0xff, 0xff, 0xff, 0, 0, 0, 0xff, 0};
	static const uint8_t plain[8] = {0, 0, VLY_TYPE_OPT};

	return VLY_OCTETS_LOAD(16, message + 10) == VLY_BE(16, 1) && end - rest >= VLY_OPT_BYTES &&
	       octets_are(rest, mask, plain) && VLY_OCTETS_LOAD(16, rest + 9) == 0;
}

/* Parses any other end of a query. */
__attribute__((noinline)) static void
parse_rest(struct vly_query *query, const uint8_t *rest, const struct vly_table *table)
{
	const uint8_t *message = query->message;
	struct vly_cursor cursor = {rest, message + query->message_len};

	if (!parse_additional(query, &cursor, vly_be16(message + 10)))
		set_fate(query, VLY_QUERY_ERROR, VLY_RCODE_FORMERR);
	if (query->asks & VLY_ASKS_VERSION)
		vly_version_find(query, table);
}

/* The fate of a question that no zone can answer. */
__attribute__((cold, noinline)) static void
judge_question(struct vly_query *query, unsigned qclass)
{
	if (query->fate != VLY_QUERY_LOOKUP)
		return; /* malformed behind the question */
	if (qclass == VLY_CLASS_CH)
		set_fate(query, VLY_QUERY_CHAOS, VLY_RCODE_NOERROR);
	else
		vly_query_refuse(query, VLY_EDE_NOT_SUPPORTED);
}

static_assert(offsetof(struct vly_query, part) ==
		      offsetof(struct vly_query, parsed) + sizeof(((struct vly_query *)0)->parsed),
	      "parsed[] covers all members of the struct beside it");
static_assert(VLY_QUERY_LOOKUP == 0 && VLY_COURSE_NAME == 0 && VLY_RCODE_NOERROR == 0 &&
		      VLY_COOKIE_NONE == 0 && VLY_EDE_NONE == 0,
	      "parsing begins with the values of most queries");

static inline void
parse_one(struct vly_query *query, const struct vly_table *table)
{
	const uint8_t *message = query->message;
	const uint8_t *question = message + VLY_DNS_HEADER_BYTES;
	const uint8_t *end = message + query->message_len;

	query->parsed[0] = query->parsed[1] = 0;
	if (query->message_len < VLY_DNS_HEADER_BYTES) {
		set_fate(query, VLY_QUERY_DROP, VLY_RCODE_FORMERR);
		return;
	}
	if (!header_is_plain(message)) {
		judge_header(query, table);
		return;
	}
	unsigned name_len = vly_name_scan(&query->name, question, (size_t)(end - question));
	const uint8_t *type = question + name_len;
	if (name_len == 0 || end - type < 4) {
		set_fate(query, VLY_QUERY_HEADER, VLY_RCODE_FORMERR);
		return;
	}
	query->question_bytes = (uint16_t)(name_len + 4);
	query->qtype = (uint16_t)vly_be16(type);
	if (__builtin_expect(rest_is_plain_opt(message, type + 4, end), 1))
		take_opt(query, type + 5);
	else
		parse_rest(query, type + 4, table);
	if (__builtin_expect(VLY_OCTETS_LOAD(16, type + 2) != VLY_BE(16, VLY_CLASS_IN) ||
				     type_is_refused(query->qtype),
			     0))
		judge_question(query, vly_be16(type + 2));
}

void
vly_query_parse(struct vly_query *query, unsigned cnt, const struct vly_table *table)
{
	for (unsigned i = 0; i < cnt; i++) {
		parse_one(&query[i], table);
		if (query[i].fate != VLY_QUERY_LOOKUP)
			continue;
		if (table == NULL)
			vly_query_refuse(&query[i], VLY_EDE_NOT_READY);
		else if (table->part == NULL)
			vly_query_refuse(&query[i], VLY_EDE_NOT_AUTHORITATIVE);
		else
			vly_name_hash(&query[i].name, &table->key);
	}
}
