/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values and their checksums. */
#include <stdlib.h>
#include <xxhash.h>

#include "zone_store_parts.h"

bool
vly_store_buffer_reserve(struct vly_store_buffer *buffer, size_t bytes)
{
	size_t size = buffer->size == 0 ? 512 : buffer->size;

	if (buffer->size - buffer->used >= bytes)
		return true;
	while (size - buffer->used < bytes)
		size *= 2;
	uint8_t *grown = realloc(buffer->octet, size);
	if (grown == NULL)
		return false;
	buffer->octet = grown;
	buffer->size = size;
	return true;
}

uint64_t
vly_store_hash(const struct vly_store_key *key, const uint8_t *octets, size_t bytes)
{
	return XXH3_64bits_withSeed(octets, bytes, XXH3_64bits(key->octet, key->len));
}

bool
vly_store_unseal(const struct vly_store_key *key, const MDB_val *value, const uint8_t **octets,
		 size_t *bytes, uint64_t *hash)
{
	uint32_t seal;

	if (value->mv_size < sizeof(seal))
		return false;
	memcpy(&seal, value->mv_data, sizeof(seal));
	*octets = (const uint8_t *)value->mv_data + sizeof(seal);
	*bytes = value->mv_size - sizeof(seal);
	*hash = vly_store_hash(key, *octets, *bytes);
	return (uint32_t)*hash == seal;
}

int
vly_store_read(struct vly_store_txn *txn, enum vly_store_table table,
	       const struct vly_store_key *key, const uint8_t **octets, size_t *bytes,
	       uint64_t *hash, const struct vly_store_zone *zone)
{
	MDB_val at = vly_store_key_val(key);
	MDB_val value;

	if (txn->failed != 0)
		return txn->failed;
	int error = mdb_get(txn->mdb, txn->store->table[table], &at, &value);
	if (error == MDB_NOTFOUND)
		return VLY_STORE_NONE;
	if (error != 0)
		return vly_store_fail_mdb(txn, error, NULL);
	if (!vly_store_unseal(key, &value, octets, bytes, hash))
		return vly_store_fail_damaged(txn, zone, NULL, "value");
	return VLY_STORE_OK;
}

void
vly_store_seal(const struct vly_store_key *key, uint8_t *octets, size_t bytes, uint64_t *hash)
{
	*hash = vly_store_hash(key, octets + VLY_STORE_SEAL_BYTES, bytes - VLY_STORE_SEAL_BYTES);
	uint32_t seal = (uint32_t)*hash;
	memcpy(octets, &seal, sizeof(seal));
}

int
vly_store_write(struct vly_store_txn *txn, enum vly_store_table table,
		const struct vly_store_key *key, uint8_t *octets, size_t bytes, uint64_t *hash)
{
	MDB_val at = vly_store_key_val(key);
	MDB_val value = {bytes, octets};

	if (txn->failed != 0)
		return txn->failed;
	vly_store_seal(key, octets, bytes, hash);
	int error = mdb_put(txn->mdb, txn->store->table[table], &at, &value, 0);
	return error == 0 ? VLY_STORE_OK : vly_store_fail_mdb(txn, error, NULL);
}

int
vly_store_delete(struct vly_store_txn *txn, enum vly_store_table table,
		 const struct vly_store_key *key)
{
	MDB_val at = vly_store_key_val(key);

	if (txn->failed != 0)
		return txn->failed;
	int error = mdb_del(txn->mdb, txn->store->table[table], &at, NULL);
	if (error == MDB_NOTFOUND)
		return VLY_STORE_NONE;
	return error == 0 ? VLY_STORE_OK : vly_store_fail_mdb(txn, error, NULL);
}
