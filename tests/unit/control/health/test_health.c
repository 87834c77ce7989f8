/* SPDX-License-Identifier: GPL-3.0-or-later */
/* volley-health is played by the test, at the other end of a pair of sockets. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "health/health_parts.h"

static uv_loop_t loop;
static struct vly_health *health;
static int peer;
static char dir[] = "/tmp/vly-health-XXXXXX";
static unsigned change_cnt;
static struct vly_health_state last;

static void
on_changed(void *arg, const struct vly_health_state *state)
{
	(void)arg;
	change_cnt++;
	last = *state;
}

static void
connect_health(void)
{
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	peer = ends[1];
	vly_health_link_adopt(health, ends[0]);
}

static void
new_health(void)
{
	health = vly_health_new(&loop, dir);
	cr_assert_not_null(health);
	vly_health_on_change(health, on_changed, NULL);
}

static void
set_up(void)
{
	vly_log_level_set(VLY_LOG_ERROR);
	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(uv_loop_init(&loop), 0);
	new_health();
}

static void
free_health(void)
{
	vly_health_free(health);
	uv_run(&loop, UV_RUN_DEFAULT);
}

static void
tear_down(void)
{
	char command[100];

	free_health();
	cr_expect_eq(uv_loop_close(&loop), 0);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	cr_expect_eq(system(command), 0);
}

TestSuite(health, .init = set_up, .fini = tear_down);

static struct vly_health_check
icmp_check(unsigned number, char id[VLY_HEALTH_ID_BYTES])
{
	struct vly_health_check check;
	char why[VLY_HEALTH_WHY_BYTES];
	json_t *object = json_pack("{s:s,s:o}", "type", "icmp", "address",
				   json_sprintf("192.0.2.%u", number));

	cr_assert_eq(vly_health_check_decode(object, &check, why), 0, "%s", why);
	json_decref(object);
	cr_assert(vly_health_check_id(&check, id));
	return check;
}

/* Wants checks of these addresses, named a, b and so on. */
static void
want(enum vly_health_source source, const unsigned *number, unsigned cnt)
{
	struct vly_health_check check[8];
	struct vly_health_wanted wanted[8] = {0};
	char name[8][2], id[VLY_HEALTH_ID_BYTES];

	for (unsigned i = 0; i < cnt; i++) {
		check[i] = icmp_check(number[i], id);
		name[i][0] = (char)('a' + i);
		name[i][1] = '\0';
		wanted[i] = (struct vly_health_wanted){name[i], &check[i]};
	}
	cr_assert_eq(vly_health_want(health, source, wanted, cnt), 0);
	for (unsigned i = 0; i < cnt; i++)
		vly_health_check_clear(&check[i]);
}

static void
turn(void)
{
	for (unsigned i = 0; i < 5; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
}

/* What volley-health has been sent by now. */
static const char *
sent(void)
{
	static char text[100000];
	size_t bytes = 0;
	ssize_t got;

	turn();
	while ((got = recv(peer, text + bytes, sizeof(text) - 1 - bytes, MSG_DONTWAIT)) > 0)
		bytes += (size_t)got;
	text[bytes] = '\0';
	return text;
}

static unsigned
count(const char *text, const char *what)
{
	unsigned cnt = 0;

	for (; (text = strstr(text, what)) != NULL; text++)
		cnt++;
	return cnt;
}

static void
say(const char *id, const char *state, unsigned since_ms)
{
	char line[300];

	int bytes = snprintf(
		line, sizeof(line),
		"{\"state\":{\"id\":\"%s\",\"state\":\"%s\",\"since_ms\":%u,\"last_ms\":%u,"
		"\"flaps\":2,\"reason\":\"because\"}}\n",
		id, state, since_ms, since_ms + 1);
	cr_assert_eq(send(peer, line, (size_t)bytes, 0), bytes);
	turn();
}

Test(health, equal_checks_are_one_and_go_with_the_last_who_wants_them)
{
	struct vly_health_counts counts;
	char id[VLY_HEALTH_ID_BYTES];
	struct vly_health_check check = icmp_check(1, id);

	vly_health_check_clear(&check);
	connect_health();
	want(VLY_HEALTH_OF_CONFIG, (unsigned[]){1, 1, 2}, 3);
	want(VLY_HEALTH_OF_POOLS, (unsigned[]){1}, 1);
	vly_health_count(health, &counts);
	cr_expect_eq(counts.names, 4);
	cr_expect_eq(counts.checks, 2);
	const char *text = sent();
	const char *list = strstr(text, "{\"list\":2}\n");
	cr_assert_not_null(list, "%s", text);
	cr_expect_eq(count(list, "{\"check\":"), 2, "%s", text);
	cr_expect_not_null(strstr(list, "{\"end\":2}\n"));
	want(VLY_HEALTH_OF_CONFIG, NULL, 0);
	cr_expect_not_null(vly_health_find(health, id), "the pool wants it");
	want(VLY_HEALTH_OF_POOLS, NULL, 0);
	cr_expect_null(vly_health_find(health, id));
}

/* Of both together there are more than may be at a time. */
Test(health, a_full_list_replaces_a_full_list)
{
	struct vly_health_wanted *wanted = calloc(VLY_HEALTH_CHECKS_MAX + 1, sizeof(*wanted));
	struct vly_health_check *check = calloc(VLY_HEALTH_CHECKS_MAX + 1, sizeof(*check));
	char why[VLY_HEALTH_WHY_BYTES];
	struct vly_health_counts counts;

	for (unsigned round = 0; round < 3; round++) {
		const unsigned cnt = VLY_HEALTH_CHECKS_MAX + (round == 2);
		for (unsigned i = 0; i < cnt; i++) {
			json_t *object =
				json_pack("{s:s,s:o}", "type", "icmp", "address",
					  json_sprintf("10.%u.%u.%u", round, i >> 8, i & 255));
			cr_assert_eq(vly_health_check_decode(object, &check[i], why), 0, "%s", why);
			json_decref(object);
			wanted[i] = (struct vly_health_wanted){"same", &check[i]};
		}
		cr_expect_eq(vly_health_want(health, VLY_HEALTH_OF_CONFIG, wanted, cnt),
			     round == 2 ? -1 : 0);
		vly_health_count(health, &counts);
		cr_expect_eq(counts.checks, VLY_HEALTH_CHECKS_MAX);
		for (unsigned i = 0; i < cnt; i++)
			vly_health_check_clear(&check[i]);
	}
	want(VLY_HEALTH_OF_CONFIG, NULL, 0);
	free(wanted);
	free(check);
}

Test(health, only_flips_are_told)
{
	char id[VLY_HEALTH_ID_BYTES], other[VLY_HEALTH_ID_BYTES];
	struct vly_health_check check = icmp_check(1, id), strange = icmp_check(9, other);

	vly_health_check_clear(&check);
	vly_health_check_clear(&strange);
	want(VLY_HEALTH_OF_CONFIG, (unsigned[]){1}, 1);
	connect_health();
	say(id, "up", 1000);
	cr_expect_eq(change_cnt, 1);
	cr_expect_eq(last.status, VLY_HEALTH_UP);
	say(id, "up", 1000);
	say(other, "down", 1000);
	cr_expect_eq(change_cnt, 1, "no flip, and a check that nobody wants");
	say(id, "down", 5000);
	cr_expect_eq(change_cnt, 2);
	cr_expect_str_eq(last.id, id);
	cr_expect_eq(last.since_unix_ms, 5000);
	cr_expect_str_eq(last.reason, "because");
}

/* The end of the connection, and of the program, changes no state, and both sides get it again. */
Test(health, states_outlive_the_connection_and_the_program)
{
	char id[VLY_HEALTH_ID_BYTES];
	struct vly_health_check check = icmp_check(1, id);
	char trouble[VLY_TROUBLE_BYTES];

	vly_health_check_clear(&check);
	want(VLY_HEALTH_OF_CONFIG, (unsigned[]){1}, 1);
	connect_health();
	say(id, "down", 7000);
	cr_expect_str_eq(vly_health_trouble(health, trouble), "");
	close(peer);
	turn();
	cr_expect_not_null(strstr(vly_health_trouble(health, trouble), "is not connected"));
	cr_expect_eq(vly_health_find(health, id)->status, VLY_HEALTH_DOWN);
	connect_health();
	cr_expect_not_null(strstr(sent(), "\"state\":\"down\",\"since_ms\":7000"));
	free_health();
	new_health();
	want(VLY_HEALTH_OF_CONFIG, (unsigned[]){1, 2}, 2);
	cr_expect_eq(vly_health_find(health, id)->status, VLY_HEALTH_DOWN);
	cr_expect_eq(vly_health_find(health, id)->since_unix_ms, 7000);
	cr_expect_eq(vly_health_find(health, id)->flaps, 2);
}

Test(health, a_damaged_file_costs_only_its_damaged_lines)
{
	char path[100], id[VLY_HEALTH_ID_BYTES], behind[VLY_HEALTH_ID_BYTES];
	struct vly_health_check check = icmp_check(1, id);

	vly_health_check_clear(&check);
	check = icmp_check(2, behind);
	vly_health_check_clear(&check);
	free_health();
	snprintf(path, sizeof(path), "%s/health.json", dir);
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file);
	fprintf(file, "{\"state\":{\"id\":\"%s\",\"state\":\"up\",\"last_ms\":5}}\n{\"sta\n\n7\n",
		id);
	fwrite("\0\0\n", 1, 3, file); /* a crash */
	fprintf(file, "{\"state\":{\"id\":\"%s\",\"state\":\"down\",\"last_ms\":5}}\n", behind);
	fclose(file);
	new_health();
	want(VLY_HEALTH_OF_CONFIG, (unsigned[]){1, 2}, 2);
	cr_expect_eq(vly_health_find(health, id)->status, VLY_HEALTH_UP);
	cr_expect_eq(vly_health_find(health, behind)->status, VLY_HEALTH_DOWN);
}

Test(health, another_protocol_and_malformed_lines_end_the_connection)
{
	static const char *const lines[] = {
		"{\"hello\":{\"protocol\":2}}\n",
		"{\"state\":{\"id\":\"x\"}}\n",
		"hello\n",
	};
	struct vly_health_counts counts;

	want(VLY_HEALTH_OF_CONFIG, (unsigned[]){1}, 1);
	for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		connect_health();
		cr_assert_gt(send(peer, lines[i], strlen(lines[i]), 0), 0);
		turn();
		vly_health_count(health, &counts);
		cr_expect_not(counts.is_connected, "%s", lines[i]);
		close(peer);
	}
}

/* A list that is larger than what waits for a peer that does not read: it comes in order, and whole. */
Test(health, a_long_list_waits_for_its_reader)
{
	enum { CNT = 4000 };
	struct vly_health_check *check = calloc(CNT, sizeof(*check));
	struct vly_health_wanted *wanted = calloc(CNT, sizeof(*wanted));
	char id[VLY_HEALTH_ID_BYTES];
	unsigned lines = 0;
	bool is_whole = false;

	for (unsigned i = 0; i < CNT; i++) {
		check[i] = icmp_check(1, id);
		check[i].number[VLY_HEALTH_NUMBER_INTERVAL] += i;
		wanted[i] = (struct vly_health_wanted){"many", &check[i]};
	}
	cr_assert_eq(vly_health_want(health, VLY_HEALTH_OF_POOLS, wanted, CNT), 0);
	connect_health();
	for (unsigned i = 0; i < 100000 && !is_whole; i++) {
		const char *text = sent();
		lines += count(text, "{\"check\":");
		is_whole = strstr(text, "{\"end\":1}\n") != NULL;
	}
	cr_expect(is_whole);
	cr_expect_geq(lines, CNT - 100, "some are cut in two by the reading");
	for (unsigned i = 0; i < CNT; i++)
		vly_health_check_clear(&check[i]);
	free(check);
	free(wanted);
}

Test(health, names_come_in_order_and_in_pages)
{
	struct vly_health_row row;
	unsigned at = 0;

	want(VLY_HEALTH_OF_CONFIG, (unsigned[]){5, 4, 3}, 3);
	for (char name = 'a'; name <= 'c'; name++) {
		cr_assert(vly_health_row_next(health, &at, &row));
		cr_expect_eq(row.name[0], name);
		cr_expect_eq(vly_health_row_behind(health, row.name), at);
	}
	cr_expect_not(vly_health_row_next(health, &at, &row));
}
