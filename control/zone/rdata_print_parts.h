/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For rdata_print.c and the printers of kinds of fields alone, by file below. Each prints one field
 * of untrusted data. Returns false when the data does not have the field's form, or a form that
 * vly_rdata_read() would not read as the same octets.
 */
#ifndef VLY_CONTROL_RDATA_PRINT_PARTS_H
#define VLY_CONTROL_RDATA_PRINT_PARTS_H

#include "rdata_print.h"
#include "rr_fields.h"

struct vly_rdata_printer {
	char *out;
	size_t size;
	size_t len;          /* of the whole text; what is beyond `size` is not written */
	const uint8_t *data; /* what is left */
	unsigned data_len;
	uint16_t type;
	uint8_t kind;    /* of the field */
	bool is_odd;     /* the text is right, but not all servers read it */
	bool no_key;     /* of IPSECKEY: the algorithm is 0 */
	bool has_escape; /* a name has been printed with one */
};

/* rdata_print.c */
__attribute__((nonnull)) void vly_rdata_put(struct vly_rdata_printer *printer, char c);
__attribute__((format(printf, 2, 3), nonnull)) void
vly_rdata_put_text(struct vly_rdata_printer *printer, const char *format, ...);

/* Puts a blank before a word that is not the first one. */
__attribute__((nonnull)) void vly_rdata_put_blank(struct vly_rdata_printer *printer);

/* Takes `len` octets off the data. Returns them, or NULL: there are fewer. */
__attribute__((nonnull)) const uint8_t *vly_rdata_cut(struct vly_rdata_printer *printer,
						      unsigned len);

/* An octet of a string in quotes. */
__attribute__((nonnull)) void vly_rdata_put_octet(struct vly_rdata_printer *printer, uint8_t octet);
__attribute__((nonnull)) void vly_rdata_put_hex(struct vly_rdata_printer *printer,
						const uint8_t *octets, unsigned len);
__attribute__((nonnull)) void vly_rdata_put_base64(struct vly_rdata_printer *printer,
						   const uint8_t *octets, unsigned len);
__attribute__((nonnull)) bool vly_rdata_put_number(struct vly_rdata_printer *printer,
						   unsigned octets);
__attribute__((nonnull)) bool vly_rdata_put_name(struct vly_rdata_printer *printer);

/* rdata_print_field.c: a field of any kind */
__attribute__((nonnull)) bool vly_rdata_put_field(struct vly_rdata_printer *printer);

/* rdata_print_list.c: lists of types, services and hashes */
__attribute__((nonnull)) bool vly_rdata_put_hash(struct vly_rdata_printer *printer);
__attribute__((nonnull)) bool vly_rdata_put_bitmap(struct vly_rdata_printer *printer);
__attribute__((nonnull)) bool vly_rdata_put_nxt_bitmap(struct vly_rdata_printer *printer);
__attribute__((nonnull)) bool vly_rdata_put_wks(struct vly_rdata_printer *printer);

/* rdata_print_place.c: addresses and places */
__attribute__((nonnull)) bool vly_rdata_put_ipv4(struct vly_rdata_printer *printer);
__attribute__((nonnull)) bool vly_rdata_put_ipv6(struct vly_rdata_printer *printer);
__attribute__((nonnull)) bool vly_rdata_put_a6(struct vly_rdata_printer *printer);
__attribute__((nonnull)) bool vly_rdata_put_apl(struct vly_rdata_printer *printer);
__attribute__((nonnull)) bool vly_rdata_put_gateway(struct vly_rdata_printer *printer);
__attribute__((nonnull)) bool vly_rdata_put_relay(struct vly_rdata_printer *printer);
__attribute__((nonnull)) bool vly_rdata_put_hip(struct vly_rdata_printer *printer);
__attribute__((nonnull)) bool vly_rdata_put_loc(struct vly_rdata_printer *printer);
__attribute__((nonnull)) bool vly_rdata_put_atma(struct vly_rdata_printer *printer);

/* rdata_print_svcb.c */
__attribute__((nonnull)) bool vly_rdata_put_svc_params(struct vly_rdata_printer *printer);

#endif
