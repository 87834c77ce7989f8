/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Types as data: single ones, and lists. */
#include "rdata_read_parts.h"
#include "rr_type.h"

/* Returns the type that a word names, or 0, and the reason has been written. */
static uint16_t
read_type(struct vly_rdata_reader *reader, const struct vly_token *token)
{
	char shown[VLY_TOKEN_SHOWN_BYTES];
	uint16_t type = vly_rr_type_read(token->text, token->len);

	if (type == 0)
		vly_rdata_fail(reader,
			       " has \"%s\", which is no type; other types are written "
			       "TYPE1 to TYPE65535",
			       vly_token_shown(token, shown));
	return type;
}

/* BIND writes the number of a type that it does not know. */
bool
vly_rdata_take_type(struct vly_rdata_reader *reader)
{
	const struct vly_token *token = vly_rdata_take(reader);
	uint64_t type;

	if (token == NULL)
		return false;
	if (!vly_token_number(token, UINT16_MAX, &type))
		type = read_type(reader, token);
	return type != 0 && vly_rdata_append_number(reader, type, 2);
}

/* RFC 4034 §4.1.2; an empty list is allowed. */
bool
vly_rdata_take_bitmap(struct vly_rdata_reader *reader)
{
	uint8_t bits[256][32] = {{0}};
	uint8_t lens[256] = {0};

	for (; reader->token < reader->end; reader->token++) {
		uint16_t type = read_type(reader, reader->token);
		uint8_t *len = &lens[type >> 8];
		unsigned octet = (type & 0xffu) / 8;
		if (type == 0)
			return false;
		bits[type >> 8][octet] |= (uint8_t)(0x80 >> type % 8);
		if (*len < octet + 1)
			*len = (uint8_t)(octet + 1);
	}
	for (unsigned window = 0; window < 256; window++) {
		if (lens[window] == 0)
			continue;
		if (!vly_rdata_append_number(reader, window << 8 | lens[window], 2) ||
		    !vly_rdata_append(reader, bits[window], lens[window]))
			return false;
	}
	return true;
}

/* RFC 2535 §5.2: one bitmap, of the types below 128. */
bool
vly_rdata_take_nxt_bitmap(struct vly_rdata_reader *reader)
{
	uint8_t bits[16] = {0};
	unsigned len = 0;

	for (; reader->token < reader->end; reader->token++) {
		uint16_t type = read_type(reader, reader->token);
		if (type == 0)
			return false;
		if (type > 127)
			return vly_rdata_fail(reader, " may have types up to 127 only");
		bits[type / 8] |= (uint8_t)(0x80 >> type % 8);
		if (len < type / 8 + 1u)
			len = type / 8 + 1u;
	}
	return vly_rdata_append(reader, bits, len);
}
