/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading messages, by code of its own: it must not make the mistakes that it is there to find. */
#include "message.h"

#include <stdlib.h>
#include <string.h>

/* RDATA has at most two names (RFC 1035 §3.3.13): it grows by no more when they are expanded. */
#define DATA_GROWTH 512

struct reader {
	const uint8_t *octets;
	size_t bytes;
	size_t at;
	const char *fault;
};

static unsigned
take(struct reader *reader, unsigned octet_cnt)
{
	unsigned value = 0;

	if (reader->fault != NULL || reader->bytes - reader->at < octet_cnt) {
		reader->fault =
			reader->fault != NULL ? reader->fault : "the message ends too early";
		return 0;
	}
	while (octet_cnt-- > 0)
		value = value << 8 | reader->octets[reader->at++];
	return value;
}

/* Copies the name at the reader, decompressed, to `name`; returns its octets, 0 with a fault. A
 * pointer must lead back to before the name it is in (RFC 1035 §4.1.4: "a prior occurrence"). */
static unsigned
take_name(struct reader *reader, uint8_t name[VLY_NAME_BYTES_MAX])
{
	size_t behind = 0;
	size_t before = reader->at;
	unsigned len = 0;

	while (reader->fault == NULL) {
		unsigned label = take(reader, 1);
		if (label >= 192) {
			size_t target = (label & 63) << 8 | take(reader, 1);
			behind = behind == 0 ? reader->at : behind;
			if (target >= before || target < 12)
				reader->fault = "a pointer does not lead back";
			reader->at = before = target;
		} else if (label > 63 || len + 1 + label > 255 ||
			   reader->bytes - reader->at < label) {
			reader->fault = reader->fault ? reader->fault : "a malformed name";
		} else {
			name[len++] = (uint8_t)label;
			memcpy(name + len, reader->octets + reader->at, label);
			len += label;
			reader->at += label;
			if (label == 0)
				break;
		}
	}
	if (behind != 0)
		reader->at = behind;
	return reader->fault == NULL ? len : 0;
}

/* How RDATA of a type with compressible names is laid out. */
static bool
has_names(unsigned type, unsigned *skip, unsigned *cnt)
{
	*skip = type == 15 ? 2 : 0;
	*cnt = type == 6 || type == 14 ? 2 : 1;
	return (type >= 2 && type <= 9) || type == 12 || type == 14 || type == 15;
}

/* Copies the RDATA at the reader to `to` with its names whole. */
static unsigned
take_data(struct reader *reader, unsigned type, unsigned data_len, uint8_t *to)
{
	size_t end = reader->at + data_len;
	unsigned len = 0;
	unsigned skip, name_cnt;

	if (end > reader->bytes) {
		reader->fault = "RDATA runs out of the message";
		return 0;
	}
	if (has_names(type, &skip, &name_cnt)) {
		for (; skip > 0; skip--)
			to[len++] = (uint8_t)take(reader, 1);
		for (; name_cnt > 0; name_cnt--)
			len += take_name(reader, to + len);
	}
	if (reader->at > end)
		reader->fault = "RDLENGTH is too small";
	for (; reader->fault == NULL && reader->at < end; reader->at++)
		to[len++] = reader->octets[reader->at];
	return len;
}

static void
take_opt(struct vly_test_response *response, struct reader *reader, bool is_root)
{
	if (response->has_opt || !is_root)
		reader->fault = "two OPTs, or one that is not at the root";
	response->has_opt = true;
	response->opt_payload = (uint16_t)take(reader, 2);
	response->opt_rcode = (uint8_t)take(reader, 1);
	response->opt_version = (uint8_t)take(reader, 1);
	response->opt_flags = (uint16_t)take(reader, 2);
	reader->at += take(reader, 2);
	if (reader->at > reader->bytes)
		reader->fault = "the OPT runs out of the message";
}

static uint8_t *
take_record(struct vly_test_response *response, struct reader *reader, unsigned section,
	    uint8_t *data)
{
	struct vly_test_record *record = &response->record[response->record_cnt];
	uint8_t owner[VLY_NAME_BYTES_MAX];
	unsigned owner_len = take_name(reader, owner);

	if (owner_len == 0)
		return data;
	record->type = (uint16_t)take(reader, 2);
	if (record->type == 41 && section == 2) {
		take_opt(response, reader, owner_len == 1);
		return data;
	}
	vly_test_name_text(record->owner, owner);
	record->section = (uint8_t)section;
	record->class = (uint16_t)take(reader, 2);
	record->ttl = take(reader, 4);
	unsigned data_len = take(reader, 2);
	if (reader->fault != NULL)
		return data;
	record->data = data;
	record->data_len = (uint16_t)take_data(reader, record->type, data_len, data);
	response->record_cnt++;
	return data + record->data_len;
}

static void
take_question(struct vly_test_response *response, struct reader *reader)
{
	size_t from = reader->at;
	uint8_t name[VLY_NAME_BYTES_MAX];

	for (unsigned i = 0; i < response->count[0]; i++) {
		if (take_name(reader, name) == 0)
			return;
		(void)take(reader, 4);
	}
	response->question = response->octets + from;
	response->question_bytes = (unsigned)(reader->at - from);
}

void
vly_test_response_decode(struct vly_test_response *response, const uint8_t *octets, size_t bytes)
{
	unsigned record_max = (unsigned)(bytes / 11) + 1; /* the smallest has 11 octets */

	response->octets = malloc(bytes + 1);
	response->record = calloc(record_max, sizeof(*response->record));
	response->data = malloc(bytes + (size_t)record_max * DATA_GROWTH);
	if (response->octets == NULL || response->record == NULL || response->data == NULL)
		abort();
	memcpy(response->octets, octets, bytes);
	struct reader reader = {response->octets, bytes, 0, NULL};
	uint8_t *data = response->data;

	response->len = (unsigned)bytes;
	response->id = (uint16_t)take(&reader, 2);
	response->flags = (uint16_t)take(&reader, 2);
	for (unsigned i = 0; i < 4; i++)
		response->count[i] = (uint16_t)take(&reader, 2);
	take_question(response, &reader);
	for (unsigned section = 0; section < 3; section++)
		for (unsigned i = 0; i < response->count[section + 1] && reader.fault == NULL; i++)
			data = take_record(response, &reader, section, data);
	if (reader.fault == NULL && reader.at != bytes)
		reader.fault = "octets behind the last record";
	response->fault = reader.fault;
}

void
vly_test_response_free(struct vly_test_response *response)
{
	free(response->octets);
	free(response->record);
	free(response->data);
}

uint16_t
vly_test_naive_sum(const uint8_t *octets, size_t bytes)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < bytes; i += 2) {
		uint16_t word;
		const uint8_t pair[2] = {octets[i], i + 1 < bytes ? octets[i + 1] : 0};
		memcpy(&word, pair, sizeof(word));
		sum += word;
		if (sum > 0xffff)
			sum -= 0xffff;
	}
	return (uint16_t)sum;
}
