/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zones with every kind of answer: what the fuzz targets ask, and where their images begin. */
#ifndef VLY_FUZZ_FIXED_ZONES_H
#define VLY_FUZZ_FIXED_ZONES_H

#include "server.h"

static const struct vly_test_zone fixed_zones[] = {
	{"z.", VLY_TEST_APEX "@ MX 1 a\n"
			     "a A 192.0.2.1\n"
			     "a A 192.0.2.2\n"
			     "*.b MX 1 mx.b\n"
			     "*.b TXT a-string-of-some-length\n"
			     "c NS ns.c\n"
			     "c NS s\n"
			     "c DS 1 8 1 000102030405060708090a0b0c0d0e0f10111213\n"
			     "ns.c A 192.0.2.3\n"
			     "s AAAA 2001:db8::1\n"
			     "d CNAME a\n"
			     "*.d CNAME x.b\n"
			     "e CNAME x.c\n"
			     "f DNAME b\n"
			     "g DNAME f.z.\n"
			     "h DNAME long-label-of-more-than-sixteen-octets.z.\n"
			     "l CNAME l\n"
			     "o CNAME out.elsewhere.\n"
			     "e.n.t A 192.0.2.4\n"},
	{"c.z.", VLY_TEST_APEX "a A 192.0.2.5\n"},
	{".", VLY_TEST_APEX "z NS ns.z\nns.z A 192.0.2.6\n"},
};

#define FIXED_ZONE_CNT (sizeof(fixed_zones) / sizeof(fixed_zones[0]))

#endif
