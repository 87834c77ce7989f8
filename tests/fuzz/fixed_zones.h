/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zones with every kind of answer: what the fuzz targets ask, and where their images begin; and the
 * deep zones: with the longest chains, the deepest names and the largest answers that there can be.
 *
 * Use: vly_deep_zone() makes the text of the deep zone once more, the caller's to free.
 */
#ifndef VLY_FUZZ_FIXED_ZONES_H
#define VLY_FUZZ_FIXED_ZONES_H

#include <stdio.h>
#include <stdlib.h>

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
			     "$GENERATE 1-5000 j.b SRV 1 1 $ too-large\n"
			     "e.n.t A 192.0.2.4\n"},
	{"c.z.", VLY_TEST_APEX "a A 192.0.2.5\n"},
	{".", VLY_TEST_APEX "z NS ns.z\nns.z A 192.0.2.6\n"},
	/* signed ones, made by zones/make */
	{
		"s.",
#include "zones/nsec.inc"
	},
	{
		"t.",
#include "zones/optout.inc"
	},
	{
		"r.",
#include "zones/nsec3.inc"
	},
	{"u.z.", VLY_TEST_EXPIRED},
};

#define FIXED_ZONE_CNT (sizeof(fixed_zones) / sizeof(fixed_zones[0]))

#define DEEP_ZONE_NAME "y."

/* What the names below lead to, by one substitution or more. */
#define DEEP_ENDS(X)                                                                               \
	X(other)   /* wildcard A */                                                                \
	X(nothing) /* NXDOMAIN */                                                                  \
	X(alias)   /* wildcard CNAME into a chain of 30 */                                         \
	X(again)   /* DNAME to the first name of its chain */                                      \
	X(outside) /* DNAME out of the zone */                                                     \
	X(mx)      /* wildcard MX: 240, with names of 107 labels */                                \
	X(addr)    /* wildcard A: 1,500 */                                                         \
	X(some)    /* wildcard A: as many as 1,232 octets hold */                                  \
	X(text)    /* wildcard TXT: 62 KiB */                                                      \
	X(cut)     /* a delegation with 200 glue records */                                        \
	X(long)    /* DNAME to a name of 200 octets */                                             \
	X(longest) /* wildcard MX to a name of 255 octets */                                       \
	X(back)    /* wildcard CNAME to where it came from */

/* DNAMEs in the chains that lead to each of them. */
static const unsigned deep_chain_len[] = {1, 3, 4, 12, 16};
#define DEEP_CHAIN_CNT (sizeof(deep_chain_len) / sizeof(deep_chain_len[0]))

static const char *const deep_end[] = {
#define X(name) #name,
	DEEP_ENDS(X)
#undef X
};
#define DEEP_END_CNT (sizeof(deep_end) / sizeof(deep_end[0]))

/* DNAMEs with owners of that many labels, one leading to the other. */
#define DEEP_OWNER_LABELS 60
#define DEEP_OWNER_CNT    16

/* The owner of the DNAME that a chain begins with: what is below it is substituted. The last are
 * those whose owners are deep. */
#define DEEP_START_CNT (DEEP_CHAIN_CNT * DEEP_END_CNT + 1)

static inline void
deep_labels(FILE *file, unsigned cnt)
{
	for (unsigned i = 0; i < cnt; i++)
		fputs(i == 0 ? "a" : ".a", file);
}

static inline void
deep_start(FILE *file, unsigned idx)
{
	if (idx == DEEP_START_CNT - 1) {
		fputs("d0.", file);
		deep_labels(file, DEEP_OWNER_LABELS - 1);
	} else {
		fprintf(file, "%s-%u-0", deep_end[idx / DEEP_CHAIN_CNT],
			deep_chain_len[idx % DEEP_CHAIN_CNT]);
	}
}

/* The same as the text of a whole name. Returns 0, or -1: no memory. */
static inline int
deep_start_text(char text[VLY_NAME_BYTES_MAX + 1], unsigned idx)
{
	FILE *file = fmemopen(text, VLY_NAME_BYTES_MAX + 1, "w");

	if (file == NULL)
		return -1;
	deep_start(file, idx);
	fputs("." DEEP_ZONE_NAME, file);
	return fclose(file);
}

static inline void
deep_chains(FILE *file)
{
	for (unsigned end = 0; end < DEEP_END_CNT; end++) {
		for (unsigned chain = 0; chain < DEEP_CHAIN_CNT; chain++) {
			const unsigned len = deep_chain_len[chain];
			for (unsigned i = 0; i + 1 < len; i++)
				fprintf(file, "%s-%u-%u DNAME %s-%u-%u\n", deep_end[end], len, i,
					deep_end[end], len, i + 1);
			fprintf(file, "%s-%u-%u DNAME %s\n", deep_end[end], len, len - 1,
				deep_end[end]);
		}
	}
	for (unsigned i = 0; i < DEEP_OWNER_CNT; i++) {
		fprintf(file, "d%u.", i);
		deep_labels(file, DEEP_OWNER_LABELS - 1);
		fprintf(file, " DNAME d%u.", i + 1);
		deep_labels(file, DEEP_OWNER_LABELS - 1);
		fputs("\n", file);
	}
}

static inline void
deep_large_sets(FILE *file)
{
	for (unsigned i = 0; i < 240; i++) {
		fprintf(file, "*.mx MX %u m%u.", i, i);
		deep_labels(file, 106);
		fputs("\n", file);
	}
	for (unsigned i = 0; i < 1500; i++)
		fprintf(file, "*.addr A 10.1.%u.%u\n", i >> 8, i & 255);
	for (unsigned i = 0; i < 60; i++)
		fprintf(file, "*.some A 10.2.0.%u\n", i);
	for (unsigned i = 0; i < 248; i++)
		fprintf(file, "*.text TXT %03u%0240u\n", i, 0);
	for (unsigned i = 0; i < 200; i++)
		fprintf(file, "cut NS ns%u.cut\nns%u.cut A 10.3.0.%u\n", i, i, i);
	for (unsigned i = 0; i < 30; i++)
		fprintf(file, "c%u CNAME c%u\n", i, i + 1);
	fputs("c30 A 192.0.2.30\n", file);
	/* a node with more types than anybody has */
	for (unsigned type = 300; type < 20300; type++)
		fprintf(file, "*.types TYPE%u \\# 1 00\n", type);
	/* a delegation to servers with more addresses than fit */
	for (unsigned i = 0; i < 16 * 230; i++) {
		if (i % 230 == 0)
			fprintf(file, "fat NS fat%u\n", i / 230);
		fprintf(file, "fat%u A 10.4.%u.%u\n", i / 230, i / 230, i % 230);
	}
}

/* The text of the deep zone; NULL: no memory. */
static inline char *
vly_deep_zone(void)
{
	char *text = NULL;
	size_t bytes;
	FILE *file = open_memstream(&text, &bytes);

	if (file == NULL)
		return NULL;
	fputs(VLY_TEST_APEX "a A 192.0.2.1\n"
			    "*.other A 192.0.2.2\n"
			    "*.other MX 1 mail.other\n"
			    "*.alias CNAME c0\n"
			    "again DNAME again-3-0\n"
			    "outside DNAME elsewhere.\n"
			    "*.back CNAME x.back-3-0\n",
	      file);
	fprintf(file, "long DNAME %060u.%060u.%060u.other\n", 0, 0, 0);
	fprintf(file, "*.longest MX 1 %063u.%063u.%063u.%055u.xxx\n", 0, 0, 0, 0);
	deep_chains(file);
	deep_large_sets(file);
	if (fclose(file) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* Opens all of these zones. Returns 0, or -1 with the reason on stderr. */
static inline int
vly_deep_server_open(struct vly_test_server *server)
{
	struct vly_test_zone zones[FIXED_ZONE_CNT + 1];
	char *text = vly_deep_zone();

	if (text == NULL)
		return -1;
	memcpy(zones, fixed_zones, sizeof(fixed_zones));
	zones[FIXED_ZONE_CNT] = (struct vly_test_zone){DEEP_ZONE_NAME, text};
	int result = vly_test_server_open(server, zones, FIXED_ZONE_CNT + 1);
	free(text);
	return result;
}

#endif
