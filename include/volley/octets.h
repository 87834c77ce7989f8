/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads and writes integers of the wire, at any address, in host order. Bounds are the caller's to
 * check. Compiles for BPF, too.
 */
#ifndef VLY_OCTETS_H
#define VLY_OCTETS_H

#include <stdint.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define VLY_BE(bits, value) __builtin_bswap##bits(value)
#else
#define VLY_BE(bits, value) (value)
#endif

/* In BPF, memcpy() from an address of unknown alignment becomes one load per octet; the kernel
 * allows unaligned loads if the machine does. */
#ifdef __bpf__
#define VLY_OCTETS_LOAD(bits, at) (*(const uint##bits##_t *)(at))
#else
#define VLY_OCTETS_LOAD(bits, at)                                                                  \
	__extension__({                                                                            \
		uint##bits##_t value_;                                                             \
		__builtin_memcpy(&value_, (at), sizeof(value_));                                   \
		value_;                                                                            \
	})
#endif

static inline __attribute__((always_inline)) uint16_t
vly_be16(const uint8_t *at)
{
	return VLY_BE(16, VLY_OCTETS_LOAD(16, at));
}

static inline __attribute__((always_inline)) uint32_t
vly_be32(const uint8_t *at)
{
	return VLY_BE(32, VLY_OCTETS_LOAD(32, at));
}

static inline __attribute__((always_inline)) uint64_t
vly_be64(const uint8_t *at)
{
	return VLY_BE(64, VLY_OCTETS_LOAD(64, at));
}

static inline __attribute__((always_inline)) void
vly_put_be16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

#endif
