/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any octets as a dynamic update of a small zone: reading, checking and evaluating it, and finding and
 * verifying a TSIG record, and signing the response. After an update the zone has one SOA and a name
 * server.
 */
#include <string.h>

#include <volley/octets.h>

#include "key/tsig.h"
#include "target.h"
#include "update.h"

#define NOW UINT64_C(1700000000)

static const char zone_text[] =
	"z. 300 SOA ns.y. m.y. 7 2 3 4 60\nz. 300 NS ns.y.\na.z. 60 A 192.0.2.1\n"
	"*.b.z. 60 MX 1 a.z.\nc.z. 60 CNAME a.z.\nd.z. 60 DNAME a.z.\n";

static void
verify(const uint8_t *octets, size_t bytes)
{
	struct vly_tsig_key key;
	struct vly_tsig tsig;
	uint8_t response[2048] = {0};

	require(vly_tsig_key_read(&key, "k.", "hmac-sha256", "c2VjcmV0") == NULL);
	if (vly_tsig_find(&tsig, octets, bytes) != 0 || !tsig.found)
		return;
	unsigned error = vly_tsig_verify(&tsig, &key, octets, NOW);
	size_t len = vly_tsig_append(response, VLY_DNS_HEADER_BYTES, sizeof(response), &tsig, &key,
				     error, NOW);
	require(len > VLY_DNS_HEADER_BYTES && vly_tsig_find(&tsig, response, len) == 0 &&
		tsig.found);
}

static void
change_zone(const uint8_t *octets, size_t bytes)
{
	struct vly_test_model model = {0};
	unsigned soa_cnt = 0;
	unsigned ns_cnt = 0;

	vly_test_model_read(&model, zone_text);
	(void)vly_test_model_update(&model, octets, bytes);
	for (unsigned i = 0; i < model.cnt; i++) {
		bool apex = model.record[i].owner_len == 3;
		soa_cnt += model.record[i].type == VLY_TYPE_SOA;
		ns_cnt += apex && model.record[i].type == VLY_TYPE_NS;
	}
	require(soa_cnt == 1 && ns_cnt >= 1);
	vly_test_model_free(&model);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	uint8_t *octets =
		malloc(bytes); /* of its own, so that the sanitizer sees what is read beyond */

	if (octets == NULL || bytes > VLY_MESSAGE_BYTES_MAX) {
		free(octets);
		return -1;
	}
	memcpy(octets, data, bytes);
	verify(octets, bytes);
	change_zone(octets, bytes);
	free(octets);
	return 0;
}
