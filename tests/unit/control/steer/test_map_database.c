/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MaxMind databases: those of MaxMind, compared with the library's own lookups, and small ones with
 * aliases and damage. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <maxminddb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "database_writer.h"
#include "random.h"
#include "steer/map_database.h"
#include "steer/partition.h"

static char reason[VLY_REASON_BYTES];
static struct vly_map_about about;

/* The region of an address in text form, "" for none. */
static const char *
region_of(const struct vly_region_list *list, const char *address)
{
	struct vly_partition partition;
	struct vly_prefix_rule rule;
	enum vly_family family;

	cr_assert_null(vly_prefix_parse(address, &rule, reason), "%s", reason);
	struct vly_region_prefix prefix = vly_region_prefix_of(&rule, &family);
	cr_assert_eq(vly_partition_make(&partition, list), 0);
	uint32_t region = vly_partition_region(&partition, family, prefix.high, prefix.low);
	vly_partition_free(&partition);
	return region == 0 ? "" : vly_region_name(&list->names, region);
}

static const char *
geo_file(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", VLY_GEO, name);
	if (access(path, R_OK) != 0)
		cr_skip_test("%s is not here", path);
	return path;
}

/* What the library says about an address. */
static void
ask(const MMDB_s *db, enum vly_family family, uint64_t high, uint64_t low, const char *const *path,
    char text[64])
{
	struct sockaddr_in6 wide = {.sin6_family = AF_INET6};
	struct sockaddr_in narrow = {.sin_family = AF_INET};
	bool ipv4 = family == VLY_FAMILY_IPV4;
	MMDB_entry_data_s value;
	int status;

	narrow.sin_addr.s_addr = htonl((uint32_t)(high >> 32));
	for (unsigned i = 0; i < 8; i++) {
		wide.sin6_addr.s6_addr[i] = (uint8_t)(high >> (56 - 8 * i));
		wide.sin6_addr.s6_addr[8 + i] = (uint8_t)(low >> (56 - 8 * i));
	}
	MMDB_lookup_result_s found = MMDB_lookup_sockaddr(
		db, ipv4 ? (struct sockaddr *)&narrow : (struct sockaddr *)&wide, &status);
	cr_assert_eq(status, MMDB_SUCCESS);
	text[0] = '\0';
	if (found.found_entry && MMDB_aget_value(&found.entry, &value, path) == MMDB_SUCCESS &&
	    value.has_data) {
		if (value.type == MMDB_DATA_TYPE_UINT32)
			snprintf(text, 64, "AS%u", value.uint32);
		else
			snprintf(text, 64, "%.*s", (int)value.data_size, value.utf8_string);
	}
}

/* Addresses at the boundaries, and random ones behind them. */
static void
compare(const char *file, enum vly_map_by by, const char *const *path)
{
	const struct vly_map_choice choice = {.by = by};
	struct vly_test_random random = {.state = 5};
	struct vly_region_list list = {0};
	struct vly_partition partition;
	char wanted[64];
	MMDB_s db;

	const char *name = geo_file(file);
	cr_assert_eq(vly_map_database_read(name, &choice, &list, &about, reason), 0, "%s", reason);
	cr_assert_eq(MMDB_open(name, MMDB_MODE_MMAP, &db), MMDB_SUCCESS);
	cr_assert_eq(vly_partition_make(&partition, &list), 0);
	cr_assert_gt(list.cnt[VLY_FAMILY_IPV4], 3);
	cr_assert_gt(list.cnt[VLY_FAMILY_IPV6], 3);
	for (unsigned family = 0; family < VLY_FAMILY_CNT; family++)
		for (size_t i = 0; i < 20 * partition.part[family].cnt; i++) {
			const struct vly_boundary *at = &partition.part[family].boundary[i / 20];
			uint64_t high = at->high | vly_test_random_next(&random) >>
							   (1 + vly_test_random_below(&random, 63));
			uint64_t low = i % 20 == 0 ? at->low : vly_test_random_next(&random);
			high = i % 20 == 0 ? at->high : high;
			/* aliases of IPv4 are left out */
			if (family == VLY_FAMILY_IPV6 &&
			    (high >> 48 == 0x2002 || high >> 32 == 0x20010000 || high == 0))
				continue;
			ask(&db, family, high, low, path, wanted);
			uint32_t region = vly_partition_region(&partition, family, high,
							       family == VLY_FAMILY_IPV4 ? 0 : low);
			cr_assert_str_eq(region ? vly_region_name(&list.names, region) : "", wanted,
					 "%s, family %u, %016llx", file, family,
					 (unsigned long long)high);
		}
	vly_partition_free(&partition);
	vly_region_list_free(&list);
	MMDB_close(&db);
}

Test(map_database, as_the_library_says)
{
	compare("GeoLite2-ASN-Test.mmdb", VLY_MAP_BY_ASN,
		(const char *const[]){"autonomous_system_number", NULL});
	compare("GeoIP2-Country-Test.mmdb", VLY_MAP_BY_CONTINENT,
		(const char *const[]){"continent", "code", NULL});
	compare("GeoIP2-City-Test.mmdb", VLY_MAP_BY_CONTINENT,
		(const char *const[]){"continent", "code", NULL});
}

static void
read_geo(const char *file, const struct vly_map_choice *choice, struct vly_region_list *list)
{
	memset(list, 0, sizeof(*list));
	cr_assert_eq(vly_map_database_read(geo_file(file), choice, list, &about, reason), 0, "%s",
		     reason);
}

Test(map_database, regions_of_known_addresses)
{
	struct vly_region_list list;

	read_geo("GeoIP2-Country-Test.mmdb", &(struct vly_map_choice){.by = VLY_MAP_BY_COUNTRY},
		 &list);
	cr_expect_str_eq(region_of(&list, "2.125.160.216"), "GB");
	cr_expect_str_eq(region_of(&list, "2001:218::1"), "JP");
	cr_expect_str_eq(region_of(&list, "192.0.2.1"), "");
	cr_expect_str_eq(about.type, "GeoIP2-Country");
	cr_expect_gt(about.built_s, 1400000000);
	vly_region_list_free(&list);
	read_geo("GeoIP2-City-Test.mmdb", &(struct vly_map_choice){.by = VLY_MAP_BY_SUBDIVISION},
		 &list);
	cr_expect_str_eq(region_of(&list, "2.125.160.216"), "GB-ENG");
	cr_expect_str_eq(region_of(&list, "2001:218::1"), "JP");
	vly_region_list_free(&list);
}

static const struct vly_map_place places[] = {
	{"london", 51.5, -0.13},
	{"tokyo", 35.7, 139.7},
	{"milwaukee", 43.0, -87.9},
};

Test(map_database, nearest_place)
{
	struct vly_map_choice choice = {.by = VLY_MAP_BY_CITY, .place = places, .place_cnt = 3};
	struct vly_region_list list;

	read_geo("GeoLite2-City-Test.mmdb", &choice, &list);
	cr_expect_str_eq(region_of(&list, "2.125.160.216"), "london");
	cr_expect_str_eq(region_of(&list, "2001:218::1"), "tokyo");
	cr_expect_str_eq(region_of(&list, "216.160.83.56"), "milwaukee");
	vly_region_list_free(&list);
	choice.km_max = 200; /* Boxford is near London; the middle of Japan is not near Tokyo */
	read_geo("GeoLite2-City-Test.mmdb", &choice, &list);
	cr_expect_str_eq(region_of(&list, "2.125.160.216"), "london");
	cr_expect_str_eq(region_of(&list, "216.160.83.56"), "");
	vly_region_list_free(&list);
}

static void
expect_refused(const char *file, const struct vly_map_choice *choice, const char *wanted)
{
	struct vly_region_list list = {0};
	const char *path = geo_file(file);

	cr_assert_eq(vly_map_database_read(path, choice, &list, &about, reason), -1, "%s", file);
	cr_expect_eq(strncmp(reason, path, strlen(path)), 0, "%s", reason);
	cr_expect_not_null(strstr(reason, wanted), "%s", reason);
	cr_expect(list.cnt[0] == 0 && list.cnt[1] == 0 && list.names.cnt == 0);
}

Test(map_database, broken_ones)
{
	const struct vly_map_choice city = {.by = VLY_MAP_BY_CITY, .place = places, .place_cnt = 3};
	const struct vly_map_choice country = {.by = VLY_MAP_BY_COUNTRY};
	const struct vly_map_choice asn = {.by = VLY_MAP_BY_ASN};

	expect_refused("GeoIP2-City-Test-Broken-Double-Format.mmdb", &city, "damaged");
	expect_refused("GeoIP2-City-Test-Invalid-Node-Count.mmdb", &country, "damaged");
	expect_refused("GeoIP2-Country-Test.mmdb", &asn, "no network has a region by asn");
	expect_refused("GeoIP2-Country-Test.mmdb", &city, "no network has a region by city");
	expect_refused("../README.md", &country, "not a MaxMind database");
	struct vly_region_list list = {0};
	cr_expect_eq(vly_map_database_read("/none", &asn, &list, &about, reason), -1);
	cr_expect_str_eq(reason, "/none: No such file or directory");
	cr_expect_eq(vly_map_database_read("/dev/null", &asn, &list, &about, reason), -1);
	cr_expect_not_null(strstr(reason, "/dev/null: not a MaxMind database"), "%s", reason);
}

static struct vly_database db;

static int
parse(enum vly_map_by by, struct vly_region_list *list)
{
	const struct vly_map_choice choice = {.by = by, .place = places, .place_cnt = 3};
	size_t bytes;
	uint8_t *octets = vly_database_end(&db, &bytes);

	memset(list, 0, sizeof(*list));
	int error =
		vly_map_database_parse("small.mmdb", octets, bytes, &choice, list, &about, reason);
	free(octets);
	return error;
}

Test(map_database, ipv4_only)
{
	struct vly_region_list list;

	vly_database_begin(&db, 4);
	vly_database_place(&db, "192.0.2.0", 24, vly_database_asn(&db, 64496));
	vly_database_place(&db, "192.0.3.7", 32, vly_database_asn(&db, 4294967295));
	cr_assert_eq(parse(VLY_MAP_BY_ASN, &list), 0, "%s", reason);
	cr_expect_eq(list.cnt[VLY_FAMILY_IPV4], 2);
	cr_expect_eq(list.cnt[VLY_FAMILY_IPV6], 0);
	cr_expect_str_eq(region_of(&list, "192.0.2.9"), "AS64496");
	cr_expect_str_eq(region_of(&list, "192.0.3.7"), "AS4294967295");
	cr_expect_str_eq(region_of(&list, "192.0.3.8"), "");
	cr_expect_eq(about.built_s, 1700000000);
	cr_expect_str_eq(about.type, "Volley-Test");
	vly_region_list_free(&list);
}

/* Networks of ::/96 are IPv4, and what leads there from elsewhere is left out. */
Test(map_database, aliases)
{
	struct vly_region_list list;

	vly_database_begin(&db, 6);
	uint32_t de = vly_database_text(&db, "country", "iso_code", "DE");
	uint32_t fr = vly_database_text(&db, "registered_country", "iso_code", "FR");
	vly_database_place(&db, "::192.0.2.0", 120, de);
	vly_database_place(&db, "::198.51.100.0", 120, fr);
	vly_database_place(&db, "2001:db8::", 32, de);
	vly_database_link(&db, "2002::", 16, "::", 96);
	vly_database_link(&db, "::ffff:0:0", 96, "::", 96);
	vly_database_link(&db, "2001::", 32, "::", 96);
	cr_assert_eq(parse(VLY_MAP_BY_COUNTRY, &list), 0, "%s", reason);
	cr_expect_eq(list.cnt[VLY_FAMILY_IPV4], 2);
	cr_expect_eq(list.cnt[VLY_FAMILY_IPV6], 1);
	cr_expect_str_eq(region_of(&list, "192.0.2.9"), "DE");
	cr_expect_str_eq(region_of(&list, "198.51.100.1"), "FR");
	cr_expect_str_eq(region_of(&list, "2001:db8::1"), "DE");
	cr_expect_str_eq(region_of(&list, "2002:c000:201::1"), "");
	vly_region_list_free(&list);
}

/* One record for all of IPv4, and one that is wider. */
Test(map_database, ipv4_as_a_whole)
{
	for (unsigned bits = 8; bits <= 96; bits += 88) {
		struct vly_region_list list;
		vly_database_begin(&db, 6);
		vly_database_place(&db, "::", bits,
				   vly_database_text(&db, "continent", "code", "EU"));
		cr_assert_eq(parse(VLY_MAP_BY_CONTINENT, &list), 0, "%s", reason);
		cr_expect_eq(list.cnt[VLY_FAMILY_IPV4], 1);
		cr_expect_eq(list.cnt[VLY_FAMILY_IPV6], bits == 8);
		cr_expect_str_eq(region_of(&list, "203.0.113.1"), "EU");
		vly_region_list_free(&list);
	}
}

static void
expect_damage(enum vly_map_by by, const char *wanted)
{
	struct vly_region_list list;

	cr_assert_eq(parse(by, &list), -1, "no \"%s\"", wanted);
	cr_expect_eq(strncmp(reason, "small.mmdb: ", 12), 0, "%s", reason);
	cr_expect_not_null(strstr(reason, wanted), "%s, not %s", reason, wanted);
	cr_expect(list.cnt[0] == 0 && list.cnt[1] == 0 && list.names.cnt == 0);
}

Test(map_database, damage)
{
	/* a loop: as deep as an address, or walked too often */
	vly_database_begin(&db, 4);
	vly_database_place(&db, "0.0.0.0", 8, vly_database_asn(&db, 1));
	vly_database_link(&db, "64.0.0.0", 2, "0.0.0.0", 1);
	expect_damage(VLY_MAP_BY_ASN, "damaged");
	vly_database_begin(&db, 6);
	vly_database_place(&db, "2001:db8::", 32, vly_database_asn(&db, 1));
	vly_database_link(&db, "3000::", 4, "2000::", 3);
	expect_damage(VLY_MAP_BY_ASN, "loops");
	/* values of other types, and out of range */
	vly_database_begin(&db, 4);
	vly_database_place(&db, "10.0.0.0", 8,
			   vly_database_text(&db, "location", "latitude", "north"));
	expect_damage(VLY_MAP_BY_CITY, "location has another type");
	vly_database_begin(&db, 4);
	vly_database_place(&db, "10.0.0.0", 8, vly_database_location(&db, 90.5, 0));
	expect_damage(VLY_MAP_BY_CITY, "latitude is out of range");
	vly_database_begin(&db, 4);
	vly_database_place(&db, "10.0.0.0", 8, vly_database_location(&db, 0, 0.0 / 0.0));
	expect_damage(VLY_MAP_BY_CITY, "longitude is out of range");
	vly_database_begin(&db, 4);
	vly_database_place(&db, "10.0.0.0", 8, vly_database_text(&db, "continent", "code", "a b"));
	expect_damage(VLY_MAP_BY_CONTINENT, "continent is no name");
	vly_database_begin(&db, 4);
	vly_database_place(&db, "10.0.0.0", 8, 60000);
	expect_damage(VLY_MAP_BY_COUNTRY, "damaged");
}

/* A tree that is deeper than an address. */
Test(map_database, depth)
{
	vly_database_begin(&db, 4);
	vly_database_place(&db, "10.0.0.0", 24, vly_database_asn(&db, 1));
	vly_database_place(&db, "10.1.0.0", 24, vly_database_asn(&db, 1));
	vly_database_link(&db, "10.0.1.0", 24, "10.1.0.0", 16);
	struct vly_region_list list;
	cr_assert_eq(parse(VLY_MAP_BY_ASN, &list), 0, "%s", reason); /* just as deep */
	cr_expect_str_eq(region_of(&list, "10.0.1.0"), "AS1");
	vly_region_list_free(&list);
	vly_database_begin(&db, 4);
	vly_database_place(&db, "10.0.0.0", 25, vly_database_asn(&db, 1));
	vly_database_place(&db, "10.1.0.0", 32, vly_database_asn(&db, 1));
	vly_database_link(&db, "10.0.0.128", 25, "10.1.0.0", 16);
	expect_damage(VLY_MAP_BY_ASN, "deeper than an address");
}
