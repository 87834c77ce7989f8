/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tsig.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

#include <volley/octets.h>

#include "tsig_parts.h"

#define OTHER_BYTES 6 /* the server's time, with BADTIME (§5.2.3) */

static bool
read_data(struct vly_tsig *tsig, struct vly_message_reader *reader,
	  const struct vly_message_record *record)
{
	const uint8_t *message = reader->message;
	const size_t end = record->data_off + record->data_len;

	reader->at = record->data_off;
	if (!vly_message_name(reader, end, &tsig->algorithm) ||
	    end - reader->at < VLY_TSIG_TIME_BYTES + 2 + VLY_TSIG_TAIL_BYTES)
		return false;
	vly_message_name_lower(&tsig->algorithm);
	const uint8_t *at = message + reader->at;
	tsig->time = (uint64_t)vly_be16(at) << 32 | vly_be32(at + 2);
	tsig->fudge = vly_be16(at + 6);
	tsig->mac_len = vly_be16(at + VLY_TSIG_TIME_BYTES);
	at += VLY_TSIG_TIME_BYTES + 2;
	if ((size_t)(message + end - at) < (size_t)tsig->mac_len + VLY_TSIG_TAIL_BYTES)
		return false;
	memcpy(tsig->mac, at,
	       tsig->mac_len < sizeof(tsig->mac) ? tsig->mac_len : sizeof(tsig->mac));
	at += tsig->mac_len;
	tsig->original_id = vly_be16(at);
	tsig->error = vly_be16(at + 2);
	tsig->other_len = vly_be16(at + 4);
	tsig->other_off = (size_t)(at + VLY_TSIG_TAIL_BYTES - message);
	return tsig->other_off + tsig->other_len == end;
}

int
vly_tsig_find(struct vly_tsig *tsig, const uint8_t *message, size_t len)
{
	struct vly_message_reader reader;
	struct vly_message_record record;
	unsigned record_cnt;

	*tsig = (struct vly_tsig){0};
	if (len < VLY_DNS_HEADER_BYTES ||
	    !vly_message_records_begin(&reader, message, len, &record_cnt))
		return -1;
	for (unsigned left = record_cnt; left > 0; left--) {
		if (!vly_message_record(&reader, &record))
			return -1;
		if (record.type != VLY_TYPE_TSIG)
			continue;
		if (left > 1 || vly_be16(message + 10) == 0 || record.class != VLY_CLASS_ANY ||
		    record.ttl != 0 || reader.at != len)
			return -1;
		tsig->found = true;
		tsig->off = record.off;
		tsig->key = record.owner;
		vly_message_name_lower(&tsig->key);
		return read_data(tsig, &reader, &record) ? 0 : -1;
	}
	return 0;
}

/* The MAC of one message behind that of its request, if it has one. Returns 0, or -1 without
 * memory. */
static int
make_mac(const struct vly_tsig_key *key, const struct vly_tsig *request,
	 const struct vly_tsig_variables *variables, const uint8_t *message, size_t len,
	 uint16_t id, unsigned additional_cnt, uint8_t mac[VLY_TSIG_MAC_BYTES_MAX])
{
	static const struct vly_tsig none;
	gnutls_hmac_hd_t hmac;

	request = request != NULL ? request : &none;
	int result = vly_tsig_digest_begin(&hmac, key, request->mac, request->mac_len);
	if (hmac == NULL)
		return -1;
	result |= vly_tsig_digest_message(hmac, message, len, id, additional_cnt);
	result |= vly_tsig_digest_variables(hmac, key, variables);
	gnutls_hmac_deinit(hmac, mac);
	return result == 0 ? 0 : -1;
}

unsigned
vly_tsig_verify(const struct vly_tsig *tsig, const struct vly_tsig_key *key, const uint8_t *message,
		uint64_t now)
{
	struct vly_tsig_variables variables;
	uint8_t mac[VLY_TSIG_MAC_BYTES_MAX];

	if (key == NULL ||
	    vly_tsig_algorithm_find(tsig->algorithm.wire, tsig->algorithm.len) != key->algorithm)
		return VLY_TSIG_BADKEY;
	if (!vly_tsig_mac_len_is_good(key, tsig->mac_len))
		return VLY_TSIG_FORMERR;
	vly_tsig_variables_find(&variables, tsig, message);
	const bool same = make_mac(key, NULL, &variables, message, tsig->off, tsig->original_id,
				   vly_be16(message + 10) - 1u, mac) == 0 &&
			  gnutls_memcmp(mac, tsig->mac, tsig->mac_len) == 0;
	explicit_bzero(mac, sizeof(mac));
	if (!same)
		return VLY_TSIG_BADSIG;
	if (!vly_tsig_is_on_time(tsig, now))
		return VLY_TSIG_BADTIME;
	return tsig->mac_len < key->mac_len ? VLY_TSIG_BADTRUNC : VLY_TSIG_OK;
}

static unsigned
mac_bytes(const struct vly_tsig *request, const struct vly_tsig_key *key)
{
	bool half = vly_tsig_algorithm_is_half(request->algorithm.wire, request->algorithm.len);

	return half ? vly_tsig_mac_bytes(key->algorithm) / 2 : key->mac_len;
}

size_t
vly_tsig_append(uint8_t *response, size_t len, size_t room, const struct vly_tsig *request,
		const struct vly_tsig_key *key, unsigned error, uint64_t now)
{
	const bool is_signed = key != NULL && error != VLY_TSIG_BADKEY && error != VLY_TSIG_BADSIG;
	const unsigned mac_len = is_signed ? mac_bytes(request, key) : 0;
	const unsigned other_len = error == VLY_TSIG_BADTIME ? OTHER_BYTES : 0;
	uint8_t time[VLY_TSIG_TIME_BYTES];
	uint8_t tail[4 + OTHER_BYTES];
	uint8_t mac[VLY_TSIG_MAC_BYTES_MAX];
	const struct vly_tsig_variables variables = {.algorithm = &request->algorithm,
						     .time = time,
						     .tail = tail,
						     .tail_len = 4 + other_len};
	const size_t bytes = vly_tsig_record_bytes(request->key.len, &variables, mac_len);

	if (len > room || room - len < bytes)
		return 0;
	vly_tsig_put_time(time, error == VLY_TSIG_OK ? now : request->time); /* §5.2.3, §5.3.2 */
	vly_put_be16(time + 6, error == VLY_TSIG_OK ? VLY_TSIG_FUDGE_MAX : request->fudge);
	vly_put_be16(tail, error);
	vly_put_be16(tail + 2, other_len);
	vly_tsig_put_time(tail + 4, now);
	if (is_signed && make_mac(key, request, &variables, response, len, request->original_id,
				  vly_be16(response + 10), mac) != 0)
		return 0;
	vly_tsig_record_put(response, len, request->key.wire, request->key.len, &variables, mac,
			    mac_len, request->original_id);
	return len + bytes;
}
