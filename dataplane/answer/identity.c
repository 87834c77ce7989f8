/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "identity.h"

#include "common/dp_option.h"

struct vly_identity vly_identity;

int
vly_identity_set_nsid(struct vly_identity *identity, const char *text)
{
	int len = vly_nsid_read(identity->nsid, text);

	if (len < 0)
		return -1;
	identity->nsid_len = (uint8_t)len;
	return 0;
}

const char *
vly_identity_chaos(const struct vly_name *name)
{
	const struct {
		const char *wire; /* the NUL at its end is the root label */
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
