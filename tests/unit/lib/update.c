/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "update.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <volley/octets.h>

#include "zone/domain.h"
#include "zone/rdata_print.h"
#include "zone/rdata_read.h"
#include "zone/rr_type.h"

static void
require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "vly_test_update: %s\n", what);
	abort();
}

void
vly_test_model_add(struct vly_test_model *model, const uint8_t *owner, unsigned owner_len,
		   uint16_t type, uint32_t ttl, const uint8_t *data, unsigned data_len)
{
	model->record = reallocarray(model->record, model->cnt + 1, sizeof(*model->record));
	require(model->record != NULL, "out of memory");
	struct vly_test_model_record *record = &model->record[model->cnt++];
	*record = (struct vly_test_model_record){.owner_len = (uint8_t)owner_len,
						 .type = type,
						 .ttl = ttl,
						 .data_len = (uint16_t)data_len,
						 .data = malloc(data_len + 1)};
	require(record->data != NULL, "out of memory");
	memcpy(record->owner, owner, owner_len);
	memcpy(record->data, data, data_len);
}

/* Reads "TYPE DATA" from token[0] on. Returns the length of the data. */
static unsigned
read_data(const struct vly_token *token, unsigned cnt, uint16_t *type, uint8_t *data)
{
	char why[200] = "";

	*type = vly_rr_type_read(token[0].text, token[0].len);
	require(*type != 0, token[0].text);
	if (cnt == 1)
		return 0;
	int len = vly_rdata_read(*type, token + 1, cnt - 1, (const uint8_t *)"", data, why,
				 sizeof(why));
	require(len >= 0, why);
	return (unsigned)len;
}

static unsigned
read_owner(const struct vly_token *token, uint8_t *owner)
{
	const char *why = "";
	unsigned len = vly_token_name(token, (const uint8_t *)"", owner, &why);

	require(len != 0, why);
	return len;
}

void
vly_test_model_read(struct vly_test_model *model, const char *text)
{
	static uint8_t data[VLY_RDATA_BYTES_MAX];
	struct vly_lexed lexed = {0};
	const char *end = text + strlen(text);
	int result;

	while ((result = vly_lex(&lexed, text, end)) != 0) {
		uint8_t owner[VLY_NAME_BYTES_MAX];
		uint16_t type;
		require(result > 0 && lexed.cnt >= 4, text);
		unsigned owner_len = read_owner(&lexed.token[0], owner);
		unsigned len = read_data(lexed.token + 2, lexed.cnt - 2, &type, data);
		vly_test_model_add(model, owner, owner_len, type,
				   (uint32_t)strtoul(lexed.token[1].text, NULL, 10), data, len);
		text = lexed.end;
	}
	vly_lexed_free(&lexed);
}

static unsigned
read_class(const struct vly_token *token)
{
	switch (token->text[0]) {
	case 'A':
		return VLY_CLASS_ANY;
	case 'N':
		return VLY_UPDATE_CLASS_NONE;
	case 'C':
		return VLY_CLASS_CH;
	default:
		return VLY_CLASS_IN;
	}
}

/* Writes one record. Returns its end. */
static uint8_t *
write_record(uint8_t *at, const struct vly_lexed *lexed)
{
	const struct vly_token *token = lexed->token;
	uint32_t ttl = (uint32_t)strtoul(token[2].text, NULL, 10);
	uint16_t type;

	at += read_owner(&token[1], at);
	unsigned len = read_data(token + 4, lexed->cnt - 4, &type, at + 10);
	vly_put_be16(at, type);
	vly_put_be16(at + 2, read_class(&token[3]));
	vly_put_be16(at + 4, ttl >> 16);
	vly_put_be16(at + 6, ttl & 0xffff);
	vly_put_be16(at + 8, len);
	return at + 10 + len;
}

size_t
vly_test_update_write(uint8_t *to, const char *zone, const char *text)
{
	static const uint8_t head[VLY_DNS_HEADER_BYTES] = {0x12, 0x34, VLY_OPCODE_UPDATE << 3,
							   0,    0,    1};
	static const char sections[] = "pua";
	struct vly_lexed lexed = {0};
	const char *end = text + strlen(text);
	uint8_t *at = to + VLY_DNS_HEADER_BYTES;
	int result;

	memcpy(to, head, sizeof(head));
	at += vly_domain_wire(zone, at);
	vly_put_be16(at, VLY_TYPE_SOA);
	vly_put_be16(at + 2, VLY_CLASS_IN);
	at += 4;
	while ((result = vly_lex(&lexed, text, end)) != 0) {
		require(result > 0 && lexed.cnt >= 5, text);
		const char *section = strchr(sections, lexed.token[0].text[0]);
		require(section != NULL, text);
		at = write_record(at, &lexed);
		uint8_t *count = to + 6 + 2 * (section - sections);
		vly_put_be16(count, vly_be16(count) + 1u);
		text = lexed.end;
	}
	vly_lexed_free(&lexed);
	return (size_t)(at - to);
}

static int
get(void *arg, const uint8_t *owner, unsigned owner_len, struct vly_update_records *records)
{
	const struct vly_test_model *model = arg;

	for (unsigned i = 0; i < model->cnt; i++) {
		const struct vly_test_model_record *record = &model->record[i];
		if (record->owner_len == owner_len && memcmp(record->owner, owner, owner_len) == 0)
			vly_update_records_add(records, record->type, record->ttl, record->data,
					       record->data_len);
	}
	return model->broken ? -1 : 0;
}

static void
remove_one(struct vly_test_model *model, const struct vly_change_record *removed)
{
	for (unsigned i = 0; i < model->cnt; i++) {
		struct vly_test_model_record *record = &model->record[i];
		if (record->owner_len != removed->owner_len || record->type != removed->type ||
		    record->ttl != removed->ttl || record->data_len != removed->data_len ||
		    memcmp(record->owner, removed->owner, removed->owner_len) != 0 ||
		    memcmp(record->data, removed->data, removed->data_len) != 0)
			continue;
		free(record->data);
		*record = model->record[--model->cnt];
		return;
	}
	require(false, "the change removes a record that is not there");
}

static void
change_model(struct vly_test_model *model, const struct vly_change *change)
{
	for (size_t i = 0; i < change->removed.cnt; i++)
		remove_one(model, &change->removed.record[i]);
	for (size_t i = 0; i < change->added.cnt; i++) {
		const struct vly_change_record *added = &change->added.record[i];
		vly_test_model_add(model, added->owner, added->owner_len, added->type, added->ttl,
				   added->data, added->data_len);
	}
	if (change->to != change->from || vly_change_is_empty(change))
		return;
	for (unsigned i = 0; i < model->cnt; i++) {
		uint8_t *serial = model->record[i].data + model->record[i].data_len - 20;
		if (model->record[i].type != VLY_TYPE_SOA)
			continue;
		uint32_t next = vly_be32(serial) + 1;
		next += next == 0;
		vly_put_be16(serial, next >> 16);
		vly_put_be16(serial + 2, next & 0xffff);
	}
}

enum vly_rcode
vly_test_model_update(struct vly_test_model *model, const uint8_t *message, size_t len)
{
	const struct vly_update_zone zone = {.get = get, .arg = model};
	struct vly_update_message update;
	struct vly_change change;
	enum vly_rcode rcode = vly_update_message_read(&update, message, len);

	model->why = "";
	if (rcode != VLY_RCODE_NOERROR)
		return rcode;
	vly_change_init(&change);
	rcode = vly_update_message_check(&update, &model->why);
	if (rcode == VLY_RCODE_NOERROR)
		rcode = vly_update_apply(&update, &zone, &change, &model->why);
	if (rcode == VLY_RCODE_NOERROR)
		change_model(model, &change);
	vly_change_free(&change);
	vly_update_message_free(&update);
	return rcode;
}

static int
by_text(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

static char *
record_text(const struct vly_test_model_record *record)
{
	static char data[VLY_RDATA_TEXT_BYTES];
	char owner[VLY_DOMAIN_TEXT_BYTES];
	char type[VLY_RR_TYPE_BYTES];
	char *line;

	vly_rdata_print(record->type, record->data, record->data_len, data, sizeof(data));
	require(asprintf(&line, "%s %u %s %s\n", vly_domain_text(record->owner, owner), record->ttl,
			 vly_rr_type_name(record->type, type), data) >= 0,
		"out of memory");
	return line;
}

char *
vly_test_model_text(const struct vly_test_model *model)
{
	char **line = calloc(model->cnt + 1, sizeof(*line));
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	require(line != NULL && out != NULL, "out of memory");
	for (unsigned i = 0; i < model->cnt; i++)
		line[i] = record_text(&model->record[i]);
	qsort(line, model->cnt, sizeof(*line), by_text);
	for (unsigned i = 0; i < model->cnt; i++) {
		fputs(line[i], out);
		free(line[i]);
	}
	free(line);
	fclose(out);
	return text;
}

void
vly_test_model_free(struct vly_test_model *model)
{
	for (unsigned i = 0; i < model->cnt; i++)
		free(model->record[i].data);
	free(model->record);
	*model = (struct vly_test_model){0};
}
