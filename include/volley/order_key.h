/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The keys by which a zone's names are in canonical order (struct vly_image_order in image.h). The
 * compiler sorts by them, and the dataplane looks them up. Pure; any thread.
 */
#ifndef VLY_ORDER_KEY_H
#define VLY_ORDER_KEY_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <volley/dns.h>

/* Octets of a key that an order compares at once. */
#define VLY_ORDER_HEAD_BYTES 8

/* Octets of the longest key: labels of 254 octets with two each; then as many zeros as a number in
 * an order has octets. */
#define VLY_ORDER_KEY_BYTES (2 * VLY_NAME_BYTES_MAX + 8)

/* The key of the name that is the `bytes` (0..254) octets of whole labels at `labels`, in lower
 * case and without the apex. Returns its octets; behind them are eight zeros. */
__attribute__((nonnull)) static inline unsigned
vly_order_key(uint8_t key[VLY_ORDER_KEY_BYTES], const uint8_t *labels, unsigned bytes)
{
	uint8_t start[VLY_NAME_LABELS_MAX];
	unsigned label_cnt = 0;
	uint8_t *to = key;

	for (unsigned at = 0; at < bytes && label_cnt < VLY_NAME_LABELS_MAX; at += labels[at] + 1u)
		start[label_cnt++] = (uint8_t)at;
	while (label_cnt-- > 0) {
		const uint8_t *label = labels + start[label_cnt];
		for (unsigned i = 1; i <= label[0]; i++) {
			unsigned escaped = label[i] < 2;
			*to = 1;
			to += escaped;
			*to++ = (uint8_t)(label[i] + escaped);
		}
		*to++ = 0;
	}
	memset(to, 0, VLY_ORDER_HEAD_BYTES);
	return (unsigned)(to - key);
}

/* Compares two keys as memcmp() would, a shorter one before its extensions. */
__attribute__((nonnull)) static inline int
vly_order_key_compare(const uint8_t *a, unsigned a_len, const uint8_t *b, unsigned b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order != 0 ? order : (int)a_len - (int)b_len;
}

#endif
