/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "identity.h"

#include <ctype.h>
#include <stdlib.h>

struct vly_identity vly_identity;

static int
set_nsid_hex(struct vly_identity *identity, const char *digits, size_t digit_cnt)
{
	if (digit_cnt == 0 || digit_cnt % 2 != 0 || digit_cnt / 2 > VLY_NSID_BYTES_MAX)
		return -1;
	for (size_t i = 0; i < digit_cnt; i += 2) {
		const char octet[3] = {digits[i], digits[i + 1]};
		if (!isxdigit((unsigned char)octet[0]) || !isxdigit((unsigned char)octet[1]))
			return -1;
		identity->nsid[i / 2] = (uint8_t)strtoul(octet, NULL, 16);
	}
	identity->nsid_len = (uint8_t)(digit_cnt / 2);
	return 0;
}

int
vly_identity_set_nsid(struct vly_identity *identity, const char *text)
{
	size_t len = strlen(text);

	if (strncmp(text, "0x", 2) == 0)
		return set_nsid_hex(identity, text + 2, len - 2);
	if (len == 0 || len > VLY_NSID_BYTES_MAX)
		return -1;
	memcpy(identity->nsid, text, len);
	identity->nsid_len = (uint8_t)len;
	return 0;
}

const char *
vly_identity_chaos(const struct vly_name *name)
{
	const struct {
		const char *wire; /* its NUL is the root label */
		const char *text;
	} names[] = {
		{"\2id\6server", vly_identity.id_server},
		{"\10hostname\4bind", vly_identity.id_server},
		{"\7version\6server", vly_identity.version},
		{"\7version\4bind", vly_identity.version},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i].wire) + 1u == name->len &&
		    memcmp(names[i].wire, name->lower, name->len) == 0)
			return names[i].text;
	return NULL;
}
