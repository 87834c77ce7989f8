/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The DO forms of a signed zone's answers, and the pieces that belong to them. */
#include "common/nsec3_hash.h"
#include "message.h"
#include "signed_image.h"
#include "zone/rr_type.h"

#define RRSIG(type) " RRSIG " type " 13 1 300 20300101000000 20200101000000 1 z. AAAA\n"

/* The zone's names, each with its records; signatures and the chain are added. */
static const struct entry {
	const char *name;
	const char *records; /* NULL: an empty non-terminal */
	const char *rrsigs;  /* the signed types */
} entries[] = {
	{"z.", "z. SOA ns.z. mail.z. 7 2 3 4 60\nz. NS ns.z.\nz. NS ns.elsewhere.\n", "SOA NS"},
	{"ns.z.", "ns.z. A 192.0.2.1\n", "A"},
	{"a.z.", "a.z. A 192.0.2.2\na.z. A 192.0.2.3\n", "A"},
	{"ml.z.", "ml.z. MX 1 a.z.\n", "MX"},
	{"c1.z.", "c1.z. CNAME a.z.\n", "CNAME"},
	{"c2.z.", "c2.z. CNAME c1.z.\n", "CNAME"},
	{"c3.z.", "c3.z. CNAME x.nx.z.\n", "CNAME"},
	{"c4.z.", "c4.z. CNAME e.z.\n", "CNAME"},
	{"c5.z.", "c5.z. CNAME x.w.z.\n", "CNAME"},
	{"c6.z.", "c6.z. CNAME y.cw.z.\n", "CNAME"},
	{"c7.z.", "c7.z. CNAME insec.z.\n", "CNAME"},
	{"c8.z.", "c8.z. CNAME sec.z.\n", "CNAME"},
	{"c9.z.", "c9.z. CNAME q.d.z.\n", "CNAME"},
	{"e.z.", NULL, NULL},
	{"x.e.z.", "x.e.z. TXT x\n", "TXT"},
	{"d.z.", "d.z. DNAME w.z.\n", "DNAME"},
	{"w.z.", NULL, NULL},
	{"*.w.z.", "*.w.z. A 192.0.2.4\n*.w.z. MX 1 a.z.\n", "A MX"},
	{"cw.z.", NULL, NULL},
	{"*.cw.z.", "*.cw.z. CNAME a.z.\n", "CNAME"},
	{"r.z.", NULL, NULL},
	{"*.r.z.", "*.r.z. CNAME t.r.z.\n", "CNAME"},
	{"sec.z.",
	 "sec.z. NS ns.sec.z.\n"
	 "sec.z. DS 1 13 2 1111111111111111111111111111111111111111111111111111111111111111\n"
	 "ns.sec.z. A 192.0.2.5\n",
	 "DS"},
	{"insec.z.", "insec.z. NS ns.insec.z.\ninsec.z. NS ns.z.\nns.insec.z. A 192.0.2.6\n", ""},
	{"out.z.", "out.z. MX 1 ns.insec.z.\n", "MX"},
};

#define ENTRY_CNT (sizeof(entries) / sizeof(entries[0]))

static const struct vly_nsec3_params params = {0};

static unsigned
hash_of(const char *name, uint8_t hash[VLY_NSEC3_HASH_BYTES], char text[64])
{
	uint8_t wire[VLY_NAME_BYTES_MAX];
	unsigned len = vly_domain_wire(name, wire);

	vly_nsec3_hash(&params, wire, len, hash);
	for (unsigned i = 0; i < 32; i++) {
		unsigned value = 0;
		for (unsigned bit = i * 5; bit < i * 5 + 5; bit++)
			value = value << 1 | (hash[bit / 8] >> (7 - bit % 8) & 1);
		text[i] = "0123456789abcdefghijklmnopqrstuv"[value];
	}
	strcpy(text + 32, ".z.");
	return len;
}

static void
write_entry(const struct entry *entry, bool nsec3, FILE *out)
{
	uint8_t hash[VLY_NSEC3_HASH_BYTES];
	char owner[64];
	char types[64] = "";

	fputs(entry->records != NULL ? entry->records : "", out);
	strcpy(types, entry->rrsigs != NULL ? entry->rrsigs : "");
	for (char *type = strtok(types, " "); type != NULL; type = strtok(NULL, " "))
		fprintf(out, "%s RRSIG %s 13 1 300 20300101000000 20200101000000 1 z. AAAA\n",
			entry->name, type);
	if (!nsec3 && entry->records != NULL)
		fprintf(out, "%s NSEC z. A\n%s" RRSIG("NSEC"), entry->name, entry->name);
	if (!nsec3)
		return;
	hash_of(entry->name, hash, owner);
	fprintf(out, "%s NSEC3 1 0 0 - %.32s A\n%s" RRSIG("NSEC3"), owner, owner, owner);
}

static void
open_zone(struct signed_image *image, bool nsec3)
{
	char *text;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	fputs("$TTL 300\n", out);
	if (nsec3)
		fputs("z. NSEC3PARAM 1 0 0 -\nz." RRSIG("NSEC3PARAM"), out);
	for (size_t i = 0; i < ENTRY_CNT; i++)
		write_entry(&entries[i], nsec3, out);
	fclose(out);
	signed_image_open(image, "z.", text);
	free(text);
}

/* The owner of the piece that `what` stands for: "=NAME" matches the name, "!NAME" covers it. */
static void
wanted_owner(bool nsec3, const char *what, char owner[VLY_DOMAIN_TEXT_BYTES])
{
	uint8_t best[2][VLY_NAME_BYTES_MAX];
	uint8_t wanted[VLY_NAME_BYTES_MAX];
	uint8_t wire[VLY_NAME_BYTES_MAX];
	char text[64];
	const struct entry *found[2] = {NULL, NULL}; /* the last one before it, and of all */

	if (nsec3)
		hash_of(what + 1, wanted, text);
	else
		vly_domain_wire(what + 1, wanted);
	for (size_t i = 0; i < ENTRY_CNT; i++) {
		if (!nsec3 && entries[i].records == NULL)
			continue;
		if (nsec3)
			hash_of(entries[i].name, wire, text);
		else
			vly_domain_wire(entries[i].name, wire);
		for (int all = 0; all < 2; all++) {
			int order =
				nsec3 ? memcmp(wire, wanted, 20) : canonical_compare(wire, wanted);
			if (!all && order > 0)
				continue;
			if (found[all] != NULL && (nsec3 ? memcmp(best[all], wire, 20)
							 : canonical_compare(best[all], wire)) > 0)
				continue;
			found[all] = &entries[i];
			memcpy(best[all], wire, sizeof(wire));
		}
	}
	const struct entry *entry = found[0] != NULL ? found[0] : found[1];
	cr_assert_eq(what[0] == '=', strcmp(entry->name, what + 1) == 0, "%s: %s", what,
		     entry->name);
	if (nsec3)
		hash_of(entry->name, wanted, owner);
	else
		strcpy(owner, entry->name);
}

/* Checks the pieces behind an answer: `wanted` is a list of what wanted_owner() knows; NULL: the
 * answer has no struct vly_image_proof. */
static void
check_pieces(const struct signed_image *image, const struct vly_image_answer *answer,
	     const char *wanted, const char *about)
{
	bool nsec3 = image->denial->kind == VLY_DENIAL_NSEC3;
	char owner[VLY_DOMAIN_TEXT_BYTES + 2];
	char text[VLY_DOMAIN_TEXT_BYTES];
	char list[256];
	char got[2048] = " ";
	char expected[2048] = " ";

	cr_expect_eq(wanted != NULL, (answer->flags & VLY_ANSWER_PROVED) != 0, "%s", about);
	if (wanted == NULL || !(answer->flags & VLY_ANSWER_PROVED))
		return;
	const struct vly_image_proof *proof = vly_image_answer_proof(answer);
	for (unsigned i = 0; i < proof->piece_cnt; i++)
		sprintf(got + strlen(got), "%s ", piece_owner(image, proof->piece[i], text));
	strcpy(list, wanted);
	for (char *what = strtok(list, " "); what != NULL; what = strtok(NULL, " ")) {
		owner[0] = ' ';
		wanted_owner(nsec3, what, owner + 1);
		strcat(owner, " ");
		if (strstr(expected, owner) == NULL)
			strcat(expected, owner + 1);
	}
	cr_expect_str_eq(got, expected, "%s: pieces %s, not %s", about, got, expected);
}

/* A message with the question NAME/TYPE and a compiled answer, as image.h says it is made. */
static void
compose(const struct vly_image_answer *answer, const char *name, unsigned type,
	struct vly_test_response *response)
{
	uint8_t message[4096] = {0, 0, 0x80, 0, 0, 1};
	unsigned len = vly_domain_wire(name, message + 12);
	unsigned delta = len - answer->anchor_len;
	uint8_t *wire = message + 12 + len + 4;

	cr_assert_leq(answer->anchor_len, len);
	vly_put_be16(message + 6, answer->ancount);
	vly_put_be16(message + 8, answer->nscount);
	vly_put_be16(message + 10, answer->arcount);
	vly_put_be16(message + 12 + len, type);
	vly_put_be16(message + 12 + len + 2, 1);
	memcpy(wire, vly_image_answer_wire(answer), answer->wire_len);
	for (unsigned i = 0; i < answer->fix_cnt; i++)
		vly_put_be16(wire + answer->fix[i], vly_be16(wire + answer->fix[i]) + delta);
	cr_expect_eq(answer->sum,
		     vly_test_naive_sum(vly_image_answer_wire(answer), answer->wire_len));
	vly_test_response_decode(response, message, (size_t)(wire + answer->wire_len - message));
	cr_assert_null(response->fault, "%s: %s", name, response->fault);
}

/* The records in the order of the message: section, owner, type, and the type that an RRSIG
 * covers. */
static void
list_records(const struct vly_test_response *response, char *to)
{
	char buffer[2][VLY_RR_TYPE_BYTES];

	*to = '\0';
	for (unsigned i = 0; i < response->record_cnt; i++) {
		const struct vly_test_record *record = &response->record[i];
		to += sprintf(to, "%.2s %s %s", &"annsad"[2 * record->section], record -> owner,
			      vly_rr_type_name(record->type, buffer[0]));
		if (record->type == VLY_TYPE_RRSIG)
			to += sprintf(to, "(%s)",
				      vly_rr_type_name(vly_be16(record->data), buffer[1]));
		to += sprintf(to, "\n");
	}
}

struct expected {
	const char *node;
	const char *name; /* in question; NULL: the node's */
	unsigned type;
	const char *records;
	const char *nsec; /* pieces behind the answer; NULL: no struct vly_image_proof */
	const char *nsec3;
};

#define SOA_SIGNED "ns z. SOA\nns z. RRSIG(SOA)\n"
#define A_SIGNED   "an a.z. A\nan a.z. A\nan a.z. RRSIG(A)\n"

static const struct expected expected[] = {
	{"a.z.", NULL, 1, A_SIGNED, NULL, NULL},
	{"a.z.", NULL, 16, SOA_SIGNED, NULL, NULL},
	{"ml.z.", NULL, 15,
	 "an ml.z. MX\nan ml.z. RRSIG(MX)\nad a.z. A\nad a.z. A\nad a.z. RRSIG(A)\n", NULL, NULL},
	{"e.z.", NULL, 1, SOA_SIGNED, NULL, NULL},
	{"sec.z.", NULL, 1, "ns sec.z. NS\nns sec.z. DS\nns sec.z. RRSIG(DS)\nad ns.sec.z. A\n",
	 NULL, NULL},
	{"sec.z.", "x.sec.z.", 1,
	 "ns sec.z. NS\nns sec.z. DS\nns sec.z. RRSIG(DS)\nad ns.sec.z. A\n", NULL, NULL},
	{"sec.z.", NULL, VLY_TYPE_DS, "an sec.z. DS\nan sec.z. RRSIG(DS)\n", NULL, NULL},
	{"insec.z.", NULL, 1,
	 "ns insec.z. NS\nns insec.z. NS\nad ns.insec.z. A\nad ns.z. A\nad ns.z. RRSIG(A)\n", NULL,
	 NULL},
	{"insec.z.", NULL, VLY_TYPE_DS, SOA_SIGNED, NULL, NULL},
	{"out.z.", NULL, 15, "an out.z. MX\nan out.z. RRSIG(MX)\n", NULL, NULL},
	{"*.w.z.", "y.w.z.", 1, "an y.w.z. A\nan y.w.z. RRSIG(A)\n", NULL, NULL},
	{"*.w.z.", "y.w.z.", 15,
	 "an y.w.z. MX\nan y.w.z. RRSIG(MX)\nad a.z. A\nad a.z. A\nad a.z. RRSIG(A)\n", "", ""},
	{"c1.z.", NULL, 1, "an c1.z. CNAME\nan c1.z. RRSIG(CNAME)\n" A_SIGNED, NULL, NULL},
	{"c1.z.", NULL, 16, "an c1.z. CNAME\nan c1.z. RRSIG(CNAME)\n" SOA_SIGNED, "=a.z.", "=a.z."},
	{"c2.z.", NULL, 1,
	 "an c2.z. CNAME\nan c2.z. RRSIG(CNAME)\nan c1.z. CNAME\nan c1.z. RRSIG(CNAME)\n" A_SIGNED,
	 NULL, NULL},
	{"c3.z.", NULL, 1, "an c3.z. CNAME\nan c3.z. RRSIG(CNAME)\n" SOA_SIGNED, "!x.nx.z. !*.z.",
	 "=z. !nx.z. !*.z."},
	{"c4.z.", NULL, 1, "an c4.z. CNAME\nan c4.z. RRSIG(CNAME)\n" SOA_SIGNED, "!e.z.", "=e.z."},
	{"c5.z.", NULL, 1,
	 "an c5.z. CNAME\nan c5.z. RRSIG(CNAME)\nan x.w.z. A\nan x.w.z. RRSIG(A)\n", "!x.w.z.",
	 "!x.w.z."},
	{"c5.z.", NULL, 15,
	 "an c5.z. CNAME\nan c5.z. RRSIG(CNAME)\nan x.w.z. MX\nan x.w.z. RRSIG(MX)\n"
	 "ad a.z. A\nad a.z. A\nad a.z. RRSIG(A)\n",
	 "!x.w.z.", "!x.w.z."},
	{"c5.z.", NULL, 16, "an c5.z. CNAME\nan c5.z. RRSIG(CNAME)\n" SOA_SIGNED, "!x.w.z. =*.w.z.",
	 "=w.z. !x.w.z. =*.w.z."},
	{"c6.z.", NULL, 1,
	 "an c6.z. CNAME\nan c6.z. RRSIG(CNAME)\nan y.cw.z. CNAME\n"
	 "an y.cw.z. RRSIG(CNAME)\n" A_SIGNED,
	 "!y.cw.z.", "!y.cw.z."},
	{"c6.z.", NULL, 16,
	 "an c6.z. CNAME\nan c6.z. RRSIG(CNAME)\nan y.cw.z. CNAME\n"
	 "an y.cw.z. RRSIG(CNAME)\n" SOA_SIGNED,
	 "!y.cw.z. =a.z.", "!y.cw.z. =a.z."},
	{"c7.z.", NULL, 1,
	 "an c7.z. CNAME\nan c7.z. RRSIG(CNAME)\nns insec.z. NS\nns insec.z. NS\n"
	 "ad ns.insec.z. A\nad ns.z. A\nad ns.z. RRSIG(A)\n",
	 "=insec.z.", "=insec.z."},
	{"c7.z.", NULL, VLY_TYPE_DS, "an c7.z. CNAME\nan c7.z. RRSIG(CNAME)\n" SOA_SIGNED,
	 "=insec.z.", "=insec.z."},
	{"c8.z.", NULL, 1,
	 "an c8.z. CNAME\nan c8.z. RRSIG(CNAME)\nns sec.z. NS\nns sec.z. DS\n"
	 "ns sec.z. RRSIG(DS)\nad ns.sec.z. A\n",
	 NULL, NULL},
	{"c8.z.", NULL, VLY_TYPE_DS,
	 "an c8.z. CNAME\nan c8.z. RRSIG(CNAME)\nan sec.z. DS\nan sec.z. RRSIG(DS)\n", NULL, NULL},
	{"c9.z.", NULL, 1,
	 "an c9.z. CNAME\nan c9.z. RRSIG(CNAME)\nan d.z. DNAME\nan d.z. RRSIG(DNAME)\n"
	 "an q.d.z. CNAME\nan q.w.z. A\nan q.w.z. RRSIG(A)\n",
	 "!q.w.z.", "!q.w.z."},
	{"d.z.", NULL, VLY_TYPE_DNAME, "an d.z. DNAME\nan d.z. RRSIG(DNAME)\n", NULL, NULL},
	{"*.cw.z.", "u.cw.z.", 1, "an u.cw.z. CNAME\nan u.cw.z. RRSIG(CNAME)\n" A_SIGNED, NULL,
	 NULL},
	{"*.cw.z.", "u.cw.z.", VLY_TYPE_ANY, "an u.cw.z. CNAME\nan u.cw.z. RRSIG(CNAME)\n", NULL,
	 NULL},
	/* a name that only a wildcard provides, but that has a node: its own cover is listed */
	{"t.r.z.", NULL, 1, "an t.r.z. CNAME\nan t.r.z. RRSIG(CNAME)\n", "!t.r.z.", "!t.r.z."},
	{"t.r.z.", NULL, VLY_TYPE_CNAME, "an t.r.z. CNAME\nan t.r.z. RRSIG(CNAME)\n", "!t.r.z.",
	 "!t.r.z."},
	{"*.r.z.", "u.r.z.", 1,
	 "an u.r.z. CNAME\nan u.r.z. RRSIG(CNAME)\nan t.r.z. CNAME\nan t.r.z. RRSIG(CNAME)\n",
	 "!t.r.z.", "!t.r.z."},
};

static void
check_answer(const struct signed_image *image, const struct expected *wanted)
{
	const struct vly_image_node *node = signed_image_node(image, wanted->node);
	const char *name = wanted->name != NULL ? wanted->name : wanted->node;
	const struct vly_image_answer *answer = signed_answer(image, node, wanted->type);
	struct vly_test_response response = {0};
	char about[64];
	char records[4096];

	if (answer == NULL)
		answer = vly_image_at(image->heap, vly_image_node_signed(node)->other);
	snprintf(about, sizeof(about), "%s type %u", name, wanted->type);
	compose(answer, name, wanted->type, &response);
	list_records(&response, records);
	cr_expect_str_eq(records, wanted->records, "%s: %s", about, records);
	vly_test_response_free(&response);
	check_pieces(image, answer,
		     image->denial->kind == VLY_DENIAL_NSEC3 ? wanted->nsec3 : wanted->nsec, about);
}

static void
check_zone(bool nsec3)
{
	struct signed_image image;

	open_zone(&image, nsec3);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		check_answer(&image, &expected[i]);
	signed_image_close(&image);
}

Test(signed, answers_of_an_nsec_zone)
{
	check_zone(false);
}

Test(signed, answers_of_an_nsec3_zone)
{
	check_zone(true);
}
