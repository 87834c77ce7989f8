/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The SOA at the end of answers of an older layer (volley/image.h), which the dataplane renews when it
 * writes them, and volley-control when it merges layers. Of verified images. Any thread; does not block.
 */
#ifndef VLY_IMAGE_SOA_H
#define VLY_IMAGE_SOA_H

#include <stdbool.h>

#include <volley/image.h>

/* The last VLY_SOA_TAIL_BYTES of an answer that has so many: of a NODATA, the serial and the timers. */
static inline const uint8_t *
vly_image_soa_tail(const struct vly_image_answer *answer)
{
	return vly_image_answer_wire(answer) + answer->wire_len - VLY_SOA_TAIL_BYTES;
}

/* Whether the answer ends in a SOA, and that in the octets of `nodata`, its own layer's: it is a negative
 * response, or that of an alias of the apex. */
__attribute__((nonnull)) bool vly_image_ends_in_soa(const struct vly_image_answer *answer,
						    const struct vly_image_answer *nodata);

/* The same of DO forms: octets at the end of a signed NODATA from the serial on, with the signatures of
 * the SOA. 0: it is not made of a SOA and its signatures. */
__attribute__((nonnull)) unsigned vly_image_signed_soa_bytes(const struct vly_image_answer *nodata);

/* Whether a DO form ends in these octets of its own layer's signed NODATA, whatever the signatures'
 * owners and TTLs are. */
__attribute__((nonnull)) bool vly_image_ends_in_signed_soa(const struct vly_image_answer *answer,
							   const struct vly_image_answer *nodata);

/* Whether two signed NODATAs end in records of the same lengths, so that one's may replace the other's. */
__attribute__((nonnull)) bool vly_image_has_same_signed_soa(const struct vly_image_answer *a,
							    const struct vly_image_answer *b);

/* Replaces the octets before `end`, where an answer ends in a SOA of the same form, by those of the
 * newest signed NODATA. */
__attribute__((nonnull)) void vly_image_renew_signed_soa(uint8_t *end,
							 const struct vly_image_answer *newest);

#endif
