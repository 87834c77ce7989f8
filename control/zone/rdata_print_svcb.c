/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>

#include <volley/octets.h>

#include "rdata_print_parts.h"
#include "svc_params.h"

/* Items that have no commas, of so many octets. */
static void
put_items(struct vly_rdata_printer *printer, enum vly_svc_value kind, const uint8_t *value,
	  unsigned len, unsigned item_len)
{
	char buffer[VLY_SVC_KEY_BYTES];
	char text[INET6_ADDRSTRLEN];

	for (unsigned i = 0; i < len; i += item_len) {
		unsigned number = vly_be16(value + i);
		if (i > 0)
			vly_rdata_put(printer, ',');
		if (kind == VLY_SVC_KEYS)
			vly_rdata_put_text(printer, "%s", vly_svc_key_name(number, buffer));
		else if (item_len == 2)
			vly_rdata_put_text(printer, "%u", number);
		else
			vly_rdata_put_text(printer, "%s",
					   inet_ntop(item_len == 4 ? AF_INET : AF_INET6, value + i,
						     text, sizeof(text)));
	}
}

/* RFC 9460 appendix A.1: a comma and a backslash of an item get a backslash, which gets another one
 * as all backslashes of a string do. The peers' readers do not agree on them. */
static void
put_ids(struct vly_rdata_printer *printer, const uint8_t *value, unsigned len)
{
	vly_rdata_put(printer, '"');
	for (unsigned at = 0; at < len; at += value[at] + 1u) {
		if (at > 0)
			vly_rdata_put(printer, ',');
		for (unsigned i = 1; i <= value[at]; i++) {
			uint8_t octet = value[at + i];
			bool is_special = octet == ',' || octet == '\\';
			printer->is_odd |=
				is_special || octet <= ' ' || octet > '~' || octet == '"';
			if (is_special)
				vly_rdata_put_octet(printer, '\\');
			vly_rdata_put_octet(printer, octet);
		}
	}
	vly_rdata_put(printer, '"');
}

static void
put_value(struct vly_rdata_printer *printer, enum vly_svc_value kind, const uint8_t *value,
	  unsigned len)
{
	switch (kind) {
	case VLY_SVC_KEYS:
	case VLY_SVC_PORT:
	case VLY_SVC_GROUPS:
		put_items(printer, kind, value, len, 2);
		break;
	case VLY_SVC_IPV4:
	case VLY_SVC_IPV6:
		put_items(printer, kind, value, len, kind == VLY_SVC_IPV4 ? 4 : 16);
		break;
	case VLY_SVC_IDS:
	case VLY_SVC_PATH:
		put_ids(printer, value, len);
		break;
	case VLY_SVC_BASE64:
		vly_rdata_put_base64(printer, value, len);
		break;
	default:
		vly_rdata_put(printer, '"');
		for (unsigned i = 0; i < len; i++)
			vly_rdata_put_octet(printer, value[i]);
		vly_rdata_put(printer, '"');
	}
}

static bool
put_param(struct vly_rdata_printer *printer, int *last)
{
	const uint8_t *head = vly_rdata_cut(printer, VLY_SVC_HEAD_BYTES);
	char buffer[VLY_SVC_KEY_BYTES];

	if (head == NULL)
		return false;
	const int key = vly_be16(head);
	const unsigned len = vly_be16(head + 2);
	const uint8_t *value = vly_rdata_cut(printer, len);
	if (value == NULL || key <= *last || !vly_svc_value_is_sound((unsigned)key, value, len))
		return false;
	*last = key;
	printer->is_odd |= key > VLY_SVC_COMMON_MAX;
	vly_rdata_put_text(printer, " %s", vly_svc_key_name((unsigned)key, buffer));
	if (len == 0)
		return true;
	vly_rdata_put(printer, '=');
	put_value(printer, vly_svc_value_of((unsigned)key), value, len);
	return true;
}

bool
vly_rdata_put_svc_params(struct vly_rdata_printer *printer)
{
	const uint8_t *params = printer->data;
	const unsigned len = printer->data_len;
	int last = -1;

	while (printer->data_len > 0) /* each turn takes four octets at least */
		if (!put_param(printer, &last))
			return false;
	return vly_svc_missing_key(params, len) < 0;
}
