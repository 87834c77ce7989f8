/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which catalog a zone belongs to, and when its data are removed. */
#include "catalog/owners.h"
#include "catalog_text.h"

static struct vly_owners owners;
static char text[2000];

struct differences {
	struct vly_catalog_difference item[100];
	uint32_t cnt;
};

static void
note(void *arg, const struct vly_catalog_member *before, const struct vly_catalog_member *after)
{
	struct differences *differences = arg;

	cr_assert_lt(differences->cnt, 100);
	differences->item[differences->cnt++] = (struct vly_catalog_difference){before, after};
}

/* Gives a catalog these members; NULL: it is not consumed any more. */
static void
take_why(const char *name, const char *members, enum vly_owners_why why)
{
	struct vly_catalog_source *source = vly_owners_source(&owners, name);
	struct differences differences = {.cnt = 0};
	struct vly_catalog *next = NULL;
	char lines[1000];
	char reason[VLY_REASON_BYTES];

	if (!source)
		source = vly_owners_add(&owners, name);
	snprintf(lines, sizeof(lines), VERSION "%s", members ? members : "");
	if (members) {
		next = catalog_from_text(name, lines, reason);
		cr_assert(next, "%s", reason);
	}
	vly_catalog_compare(source->catalog, next, note, &differences);
	vly_catalog_free(
		vly_owners_take(&owners, source, next, differences.item, differences.cnt, why));
	if (!members)
		vly_owners_drop(&owners, source);
}

static void
take(const char *name, const char *members)
{
	take_why(name, members, VLY_OWNERS_UPDATE);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp((*(struct vly_owned_zone *const *)a)->name,
		      (*(struct vly_owned_zone *const *)b)->name);
}

/* What was touched, such as "z.=a. " (belongs to a.), "z.=a.! " (and is reset), "z.- " (goes), "z.~ " (goes, its
 * data stay). */
static const char *
touched(void)
{
	struct vly_owned_zone *all[100];
	struct vly_owned_zone *zone;
	unsigned cnt = 0;

	while ((zone = vly_owners_next_dirty(&owners)) != NULL)
		all[cnt++] = zone;
	qsort(all, cnt, sizeof(all[0]), compare_names);
	*text = '\0';
	for (unsigned i = 0; i < cnt; i++) {
		sprintf(text + strlen(text), "%s%s%s%s ", all[i]->name,
			all[i]->owner        ? "="
			: all[i]->keeps_data ? "~"
					     : "-",
			all[i]->owner ? all[i]->owner->name : "", all[i]->is_reset ? "!" : "");
		all[i]->is_reset = false;
		if (!all[i]->owner)
			vly_owners_forget(&owners, all[i]);
	}
	return text;
}

static void
expect(const char *expected)
{
	const char *is = touched();

	cr_expect_str_eq(is, expected, "%s, not %s", is, expected);
}

static void
begin(void)
{
	owners = (struct vly_owners){0};
}

static void
end(void)
{
	cr_expect_not(owners.is_out_of_memory);
	vly_owners_clear(&owners);
}

TestSuite(owners, .init = begin, .fini = end);

Test(owners, members_come_change_and_go)
{
	take("a.", "1.zones PTR x.\n2.zones PTR y.\n");
	expect("x.=a. y.=a. ");
	take("a.", "1.zones PTR x.\n2.zones PTR y.\n");
	expect("");
	take("a.", "1.zones PTR x.\ngroup.1.zones TXT g\n2.zones PTR y.\n");
	expect("x.=a. ");
	take("a.", "2.zones PTR y.\n3.zones PTR z.\n");
	expect("x.- z.=a. ");
}

Test(owners, a_new_label_resets_a_zone)
{
	take("a.", "1.zones PTR x.\n");
	expect("x.=a. ");
	take("a.", "2.zones PTR x.\n");
	expect("x.=a.! ");
}

Test(owners, the_first_catalog_keeps_a_zone)
{
	take("a.", "1.zones PTR x.\n");
	expect("x.=a. ");
	take("b.", "1.zones PTR x.\n2.zones PTR y.\n");
	expect("y.=b. ");
	cr_expect_eq(HASH_COUNT(vly_owners_source(&owners, "b.")->contested), 1);
	/* a coo that names another catalog is none for this one */
	take("a.", "1.zones PTR x.\ncoo.1.zones PTR c.\n");
	expect("x.=a. ");
	take("b.", "1.zones PTR x.\n2.zones PTR y.\ngroup.1.zones TXT g\n");
	expect("");
	take("b.", "2.zones PTR y.\n");
	expect("");
	cr_expect_eq(HASH_COUNT(vly_owners_source(&owners, "b.")->contested), 0);
}

Test(owners, who_contests_gets_a_zone_anew_when_its_owner_drops_it)
{
	take("a.", "1.zones PTR x.\n");
	take("b.", "1.zones PTR x.\n");
	expect("x.=a. ");
	take("a.", "");
	expect("x.=b.! ");
	cr_expect_eq(HASH_COUNT(vly_owners_source(&owners, "b.")->contested), 0);
	take("b.", "");
	expect("x.- ");
}

Test(owners, coo_moves_a_zone_with_its_data)
{
	take("a.", "1.zones PTR x.\ncoo.1.zones PTR b.\n");
	expect("x.=a. ");
	take("b.", "1.zones PTR x.\n");
	expect("x.=b. ");
	take("a.", "");
	expect("");
	take("a.", "1.zones PTR x.\n");
	expect("");
}

Test(owners, coo_with_another_label_resets)
{
	take("a.", "1.zones PTR x.\ncoo.1.zones PTR b.\n");
	take("b.", "2.zones PTR x.\n");
	expect("x.=b.! ");
}

Test(owners, coo_may_come_after_the_new_owners_entry)
{
	take("b.", "");
	take("a.", "1.zones PTR x.\n");
	take("b.", "1.zones PTR x.\n");
	expect("x.=a. ");
	take("a.", "1.zones PTR x.\ncoo.1.zones PTR b.\n");
	expect("x.=b. ");
	cr_expect_eq(HASH_COUNT(vly_owners_source(&owners, "a.")->contested), 1);
	cr_expect_eq(HASH_COUNT(vly_owners_source(&owners, "b.")->contested), 0);
}

Test(owners, nothing_is_reset_at_the_start)
{
	take_why("a.", "1.zones PTR x.\ncoo.1.zones PTR b.\n", VLY_OWNERS_START);
	take_why("b.", "2.zones PTR x.\n", VLY_OWNERS_START);
	expect("x.=b. ");
}

Test(owners, data_stay_when_a_catalog_is_consumed_no_more)
{
	take("a.", "1.zones PTR x.\n2.zones PTR y.\n");
	take("b.", "9.zones PTR y.\n");
	expect("x.=a. y.=a. ");
	take_why("a.", NULL, VLY_OWNERS_GONE);
	expect("x.~ y.=b. ");
	take("b.", "9.zones PTR y.\n1.zones PTR x.\n");
	expect("x.=b. ");
}

Test(owners, a_zone_that_comes_back_before_it_is_gone_is_reset)
{
	take("a.", "1.zones PTR x.\n");
	expect("x.=a. ");
	take("a.", "");
	take("a.", "1.zones PTR x.\n");
	expect("x.=a.! ");
}

/* Any sequence of versions: a zone belongs to a catalog that lists it, if there is one, and what is contested is
 * what others list. */
Test(owners, random_versions)
{
	static const char *const names[] = {"a.", "b.", "c."};
	unsigned long long state = 1;

	for (unsigned round = 0; round < 3000; round++) {
		char members[600] = "";
		for (unsigned zone = 0; zone < 6; zone++) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			unsigned draw = (unsigned)(state >> 33);
			if (draw % 3 == 0)
				continue;
			sprintf(members + strlen(members), "%u%u.zones PTR z%u.\n", zone,
				draw / 3 % 2, zone);
			if (draw / 6 % 3 == 0)
				sprintf(members + strlen(members), "coo.%u%u.zones PTR %s\n", zone,
					draw / 3 % 2, names[draw / 18 % 3]);
		}
		take(names[round % 3], members);
		(void)touched();
		for (unsigned zone = 0; zone < 6; zone++) {
			char name[8];
			unsigned listed = 0;
			unsigned contested = 0;
			sprintf(name, "z%u.", zone);
			const struct vly_owned_zone *owned = vly_owners_find(&owners, name);
			for (const struct vly_catalog_source *source = owners.sources; source;
			     source = source->next) {
				struct vly_contested *entry;
				HASH_FIND_STR(source->contested, name, entry);
				contested += entry != NULL;
				listed += vly_catalog_find(source->catalog, name) != NULL;
			}
			cr_assert_eq(owned != NULL, listed > 0, "round %u", round);
			cr_assert_eq(contested, listed > 0 ? listed - 1 : 0, "round %u", round);
			cr_assert(!owned || vly_owners_member(owned), "round %u", round);
		}
	}
}
