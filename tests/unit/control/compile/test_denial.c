/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pieces of nodes, the order of NSEC and the buckets of NSEC3 in images of random zones,
 * against scans over all owners. */
#include "common/nsec3_hash.h"
#include "random.h"
#include "signed_image.h"

#define NAMES_MAX 300
#define QUERIES   300
#define ROUNDS    60

enum owns {
	OWNS_DATA,
	OWNS_NOTHING, /* exists only if a name below it does */
	OWNS_CUT,
	OWNS_SECURE_CUT,
};

struct name {
	uint8_t wire[VLY_NAME_BYTES_MAX + 1];
	unsigned len;
	enum owns owns;
	bool exists;
	bool has_record; /* NSEC or NSEC3 */
	uint8_t hash[VLY_NSEC3_HASH_BYTES];
};

struct world {
	struct vly_test_random random;
	bool nsec3;
	bool opt_out;
	struct vly_nsec3_params params;
	uint8_t salt[8];
	const char *apex;
	struct name name[NAMES_MAX];
	unsigned cnt;
	struct signed_image image;
};

/* Labels of few and extreme octets, which often begin with one another. */
static unsigned
random_label(struct vly_test_random *random, uint8_t *label)
{
	static const char *const words[] = {
		"*",   "a", "aaaaaaa", "aaaaaaaa", "aaaaaaaaaaaaaaaaaaaaa",
		"www", "-", "!",       "host0001", "host00000001"};
	static const uint8_t octets[] = {0, 1, 2, '*', 'a', 'b', '[', 255};
	unsigned len = 0;

	if (vly_test_random_chance(random, 70)) {
		const char *word =
			words[vly_test_random_below(random, sizeof(words) / sizeof(words[0]))];
		len = (unsigned)strlen(word);
		memcpy(label + 1, word, len);
	}
	unsigned more = vly_test_random_below(random, 3) + (len == 0);
	while (more-- > 0)
		label[1 + len++] = octets[vly_test_random_below(random, sizeof(octets))];
	label[0] = (uint8_t)len;
	return len + 1;
}

static const struct name *
find(const struct world *world, const uint8_t *wire)
{
	for (unsigned i = 0; i < world->cnt; i++)
		if (canonical_compare(world->name[i].wire, wire) == 0)
			return &world->name[i];
	return NULL;
}

/* A label in front of a name of the world. */
static bool
random_name(struct world *world, const struct name *above, struct name *name)
{
	uint8_t label[VLY_LABEL_BYTES_MAX + 1];
	unsigned len = random_label(&world->random, label);

	*name = (struct name){0};
	if (len + above->len > VLY_NAME_BYTES_MAX)
		return false;
	memcpy(name->wire, label, len);
	memcpy(name->wire + len, above->wire, above->len);
	name->len = len + above->len;
	return true;
}

static const struct name *
random_above(struct world *world)
{
	return &world->name[vly_test_random_below(&world->random, world->cnt)];
}

static void
add_names(struct world *world, unsigned cnt)
{
	static const enum owns kinds[] = {OWNS_DATA, OWNS_DATA, OWNS_DATA,      OWNS_NOTHING,
					  OWNS_CUT,  OWNS_CUT,  OWNS_SECURE_CUT};
	struct name name;

	for (unsigned i = 0; i < cnt; i++) {
		const struct name *above = random_above(world);
		if (above->owns >= OWNS_CUT || !random_name(world, above, &name) ||
		    find(world, name.wire) != NULL)
			continue;
		name.owns = kinds[vly_test_random_below(&world->random,
							sizeof(kinds) / sizeof(kinds[0]))];
		if (name.wire[0] == 1 && name.wire[1] == '*' && name.owns != OWNS_CUT)
			name.owns = OWNS_DATA;
		world->name[world->cnt++] = name;
	}
}

static struct name *
parent(const struct world *world, const struct name *name)
{
	return (struct name *)find(world, name->wire + name->wire[0] + 1);
}

/* Parents come before their children. */
static void
mark_names(struct world *world)
{
	for (unsigned i = world->cnt; i-- > 0;) {
		struct name *name = &world->name[i];
		bool is_left_out = world->opt_out && name->owns == OWNS_CUT;
		name->exists |= name->owns != OWNS_NOTHING;
		if (world->nsec3)
			name->has_record |= name->owns != OWNS_NOTHING && !is_left_out;
		else
			name->has_record = name->owns != OWNS_NOTHING;
		if (world->nsec3)
			vly_nsec3_hash(&world->params, name->wire, name->len, name->hash);
		if (i == 0)
			continue;
		parent(world, name)->exists |= name->exists;
		if (world->nsec3)
			parent(world, name)->has_record |= name->has_record;
	}
}

static void
hash_text(const uint8_t hash[VLY_NSEC3_HASH_BYTES], char text[33])
{
	for (unsigned i = 0; i < 32; i++) {
		unsigned value = 0;
		for (unsigned bit = i * 5; bit < i * 5 + 5; bit++)
			value = value << 1 | (hash[bit / 8] >> (7 - bit % 8) & 1);
		text[i] = "0123456789abcdefghijklmnopqrstuv"[value];
	}
	text[32] = '\0';
}

static void
write_name(const struct world *world, const struct name *name, FILE *out)
{
	char text[VLY_DOMAIN_TEXT_BYTES];
	char hash[33];

	vly_domain_text(name->wire, text);
	if (name->owns == OWNS_DATA)
		fprintf(out, "%s A 192.0.2.1\n", text);
	if (name->owns >= OWNS_CUT)
		fprintf(out, "%s NS ns.elsewhere.\n", text);
	if (name->owns == OWNS_SECURE_CUT)
		fprintf(out, "%s DS 1 13 2 %064d\n", text, 1);
	if (!name->has_record)
		return;
	if (!world->nsec3) {
		fprintf(out,
			"%s NSEC z. A\n%s RRSIG NSEC 13 1 300 20300101000000 20200101000000 1 z. "
			"AAAA\n",
			text, text);
		return;
	}
	hash_text(name->hash, hash);
	fprintf(out, "%s NSEC3 1 0 %u ", hash, world->params.iterations);
	for (unsigned i = 0; i < world->params.salt_len; i++)
		fprintf(out, "%02x", world->salt[i]);
	fprintf(out, "%s %s A\n", world->params.salt_len == 0 ? "-" : "", hash);
}

static void
open_world(struct world *world)
{
	char *text;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	fprintf(out,
		VLY_TEST_APEX "@ RRSIG SOA 13 1 300 20300101000000 20200101000000 1 z. AAAA\n");
	if (world->nsec3) {
		fprintf(out, "@ NSEC3PARAM 1 0 %u ", world->params.iterations);
		for (unsigned i = 0; i < world->params.salt_len; i++)
			fprintf(out, "%02x", world->salt[i]);
		fprintf(out, "%s\n", world->params.salt_len == 0 ? "-" : "");
	}
	for (unsigned i = 0; i < world->cnt; i++)
		write_name(world, &world->name[i], out);
	fclose(out);
	signed_image_open(&world->image, world->apex, text);
	free(text);
	cr_assert_not_null(world->image.denial);
}

/* Whether `left` comes before `right` in the zone's chain. */
static int
chain_compare(const struct world *world, const struct name *left, const struct name *right)
{
	return world->nsec3 ? memcmp(left->hash, right->hash, VLY_NSEC3_HASH_BYTES)
			    : canonical_compare(left->wire, right->wire);
}

/* The owner of the last record that is not behind `name`, or else of the last one. */
static const struct name *
scan_cover(const struct world *world, const uint8_t *wire, unsigned len)
{
	const struct name *best = NULL;
	const struct name *last = NULL;
	struct name wanted = {.len = len};

	memcpy(wanted.wire, wire, len);
	if (world->nsec3)
		vly_nsec3_hash(&world->params, wire, len, wanted.hash);
	for (unsigned i = 0; i < world->cnt; i++) {
		const struct name *name = &world->name[i];
		if (!name->has_record)
			continue;
		if (last == NULL || chain_compare(world, last, name) < 0)
			last = name;
		if (chain_compare(world, name, &wanted) <= 0 &&
		    (best == NULL || chain_compare(world, best, name) < 0))
			best = name;
	}
	return best != NULL ? best : last;
}

static void
expect_piece(const struct world *world, vly_image_ref ref, const struct name *owner,
	     const struct name *about, const char *what)
{
	char wanted[VLY_DOMAIN_TEXT_BYTES] = "-";
	char about_text[VLY_DOMAIN_TEXT_BYTES];
	char text[VLY_DOMAIN_TEXT_BYTES];

	if (owner != NULL && world->nsec3) {
		hash_text(owner->hash, wanted);
		strcat(wanted, world->apex[0] == '.' ? "" : ".");
		strcat(wanted, world->apex);
	} else if (owner != NULL) {
		vly_domain_text(owner->wire, wanted);
	}
	cr_expect_str_eq(piece_owner(&world->image, ref, text), wanted, "%s of %s: %s, not %s",
			 what, vly_domain_text(about->wire, about_text),
			 piece_owner(&world->image, ref, text), wanted);
}

/* `answers`: the wildcard would answer, so that it need not have an NSEC3. */
static const struct name *
cover_of_wildcard(const struct world *world, const struct name *name, bool answers)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + 2] = {1, '*'};

	memcpy(wire + 2, name->wire, name->len);
	const struct name *wildcard = find(world, wire);
	if (wildcard != NULL && (answers || wildcard->has_record))
		return NULL;
	return name->len + 2 > VLY_NAME_BYTES_MAX ? NULL : scan_cover(world, wire, name->len + 2);
}

static void
check_node(const struct world *world, const struct name *name)
{
	char text[VLY_DOMAIN_TEXT_BYTES];
	const struct vly_image_node *node =
		signed_image_node(&world->image, vly_domain_text(name->wire, text));
	const struct name *above = name;
	const struct name *cover = NULL;

	cr_assert_not_null(node, "%s", text);
	cr_assert(node->flags & VLY_NODE_SIGNED);
	const struct vly_image_signed *refs = vly_image_node_signed(node);
	if (!name->has_record)
		cover = scan_cover(world, name->wire, name->len);
	while (world->nsec3 && !above->has_record) {
		cover = scan_cover(world, above->wire, above->len);
		above = parent(world, above);
	}
	const struct name *denial = above->has_record ? above : NULL;
	const struct name *no_wildcard =
		name->owns >= OWNS_CUT ? NULL : cover_of_wildcard(world, above, above == name);
	if (name->owns == OWNS_SECURE_CUT)
		denial = cover = NULL;
	expect_piece(world, refs->denial, denial, name, "denial");
	expect_piece(world, refs->cover, cover, name, "cover");
	expect_piece(world, refs->no_wildcard, no_wildcard, name, "no_wildcard");
}

/* What the order or the buckets have for names that exist and names that don't. */
static void
check_search(struct world *world)
{
	uint8_t hash[VLY_NSEC3_HASH_BYTES];
	struct name name;

	for (unsigned i = 0; i < QUERIES; i++) {
		const struct name *above = random_above(world);
		if (!random_name(world, above, &name))
			name = *above;
		if (world->nsec3)
			vly_nsec3_hash(&world->params, name.wire, name.len, hash);
		expect_piece(world,
			     world->nsec3 ? bucket_cover(&world->image, hash)
					  : order_cover(&world->image, name.wire, name.len),
			     scan_cover(world, name.wire, name.len), &name, "search");
	}
	for (unsigned i = 0; i < world->cnt; i++)
		if (!world->nsec3)
			expect_piece(
				world,
				order_cover(&world->image, world->name[i].wire, world->name[i].len),
				scan_cover(world, world->name[i].wire, world->name[i].len),
				&world->name[i], "own name");
}

static void
check_world(struct world *world, unsigned name_cnt)
{
	world->name[0] = (struct name){.owns = OWNS_DATA};
	world->name[0].len = vly_domain_wire(world->apex, world->name[0].wire);
	world->cnt = 1;
	add_names(world, name_cnt);
	mark_names(world);
	open_world(world);
	for (unsigned i = 0; i < world->cnt; i++)
		if (world->name[i].exists)
			check_node(world, &world->name[i]);
	check_search(world);
	signed_image_close(&world->image);
}

static void
check_worlds(bool nsec3, bool opt_out)
{
	static const char *const apexes[] = {"z.", ".", "a.example."};
	struct world *world = malloc(sizeof(*world));

	for (unsigned round = 0; round < ROUNDS; round++) {
		*world = (struct world){.random = {round}, .nsec3 = nsec3, .opt_out = opt_out};
		world->apex = apexes[round % 3];
		vly_test_random_fill(&world->random, world->salt, sizeof(world->salt));
		world->params = (struct vly_nsec3_params){
			.iterations = (uint16_t)vly_test_random_below(&world->random, 3),
			.salt_len = (uint8_t)vly_test_random_below(&world->random, 8),
			.salt = world->salt};
		check_world(world, round == 0 ? 0 : round * (NAMES_MAX - 1) / ROUNDS);
	}
	free(world);
}

Test(denial, nsec_of_random_zones)
{
	check_worlds(false, false);
}

Test(denial, nsec3_of_random_zones)
{
	check_worlds(true, false);
}

Test(denial, nsec3_with_opt_out_of_random_zones)
{
	check_worlds(true, true);
}
