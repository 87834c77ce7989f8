/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A process that commits changes is killed at any moment, 200 times. Then the store has all changes
 * that were acknowledged, and at most the one batch that was on its way, as a whole.
 */
#include <signal.h>
#include <sys/wait.h>

#include "random.h"
#include "store_fixture.h"

#define KILLS    200
#define BATCH    3
#define NAMES    40
#define FIRST    7
#define ACKS_MAX 6
#define DELAY_NS 400000

/* Change number n sets the address of name n % NAMES to n. */
static void
set_address(struct vly_change *change, bool is_added, uint32_t n)
{
	uint8_t data[4] = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
	char owner[32];

	snprintf(owner, sizeof(owner), "n%u.z.", n % NAMES);
	store_fixture_put(change, is_added, owner, VLY_TYPE_A, 300, data, sizeof(data));
}

static void
change_once(struct vly_store_txn *outer, struct store_fixture *fixture)
{
	struct vly_store_txn *txn;
	struct vly_store_zone zone;
	struct vly_change change = {0};

	cr_assert_eq(vly_store_begin_nested(outer, &txn, fixture->reason, sizeof(fixture->reason)),
		     VLY_STORE_OK);
	store_fixture_find(txn, "z.", &zone);
	uint32_t n = zone.serial + 1;
	if (n > FIRST + NAMES)
		set_address(&change, false, n - NAMES);
	set_address(&change, true, n);
	cr_assert_eq(store_fixture_apply(txn, &zone, &change), VLY_STORE_OK, "%s",
		     vly_store_reason(txn));
	vly_change_free(&change);
	store_fixture_commit(txn);
}

/* Commits batches, and says so, until it is killed. */
static _Noreturn void
commit_for_ever(struct store_fixture *fixture, int ack_fd)
{
	struct vly_store_zone zone;

	store_fixture_open(fixture);
	for (;;) {
		struct vly_store_txn *txn = store_fixture_write(fixture);
		for (unsigned i = 0; i < BATCH; i++)
			change_once(txn, fixture);
		store_fixture_find(txn, "z.", &zone);
		store_fixture_commit(txn);
		if (write(ack_fd, &zone.serial, sizeof(zone.serial)) != sizeof(zone.serial))
			_exit(1);
	}
}

/* The last acknowledged serial, or `serial`. */
static uint32_t
run_and_kill(struct store_fixture *fixture, struct vly_test_random *rng, uint32_t serial)
{
	struct timespec delay = {0, (long)vly_test_random_below(rng, DELAY_NS)};
	unsigned acks = vly_test_random_below(rng, ACKS_MAX);
	int ack[2];

	cr_assert_eq(pipe(ack), 0);
	pid_t pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0)
		commit_for_ever(fixture, ack[1]);
	close(ack[1]);
	for (unsigned i = 0; i < acks; i++)
		cr_assert_eq(read(ack[0], &serial, sizeof(serial)), sizeof(serial));
	nanosleep(&delay, NULL); /* any moment of the next commit */
	kill(pid, SIGKILL);
	int status;
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status), "the process ended by itself");
	while (read(ack[0], &serial, sizeof(serial)) == sizeof(serial))
		;
	close(ack[0]);
	return serial;
}

static void
expect_text(struct vly_store_txn *txn, const struct vly_store_zone *zone)
{
	struct vly_store_records records;
	struct vly_store_record record;
	struct vly_name name;
	char owner[32];

	uint32_t changes = zone->serial - FIRST;
	cr_assert_eq(zone->record_cnt, 1 + (changes < NAMES ? changes : NAMES));
	for (uint32_t n = zone->serial; n > FIRST && n + NAMES > zone->serial; n--) {
		snprintf(owner, sizeof(owner), "n%u.z.", n % NAMES);
		store_fixture_name(&name, owner);
		cr_assert_eq(vly_store_get(txn, zone, &name, &records), VLY_STORE_OK);
		cr_assert(vly_store_next_record(&records, &record));
		cr_assert_eq(record.data[1] << 16 | record.data[2] << 8 | record.data[3], (int)n);
	}
	free(store_fixture_text(txn, zone));
}

static bool
follows(void *arg, const struct vly_store_entry *entry)
{
	uint32_t *serial = arg;

	cr_assert_eq(entry->head.from, *serial);
	*serial = entry->head.to;
	return true;
}

/* Returns the serial. */
static uint32_t
expect_whole(struct store_fixture *fixture, uint32_t acknowledged)
{
	store_fixture_open(fixture);
	struct vly_store_txn *txn = store_fixture_read(fixture);
	struct vly_store_zone zone;
	uint32_t serial = FIRST;

	store_fixture_find(txn, "z.", &zone);
	cr_assert(zone.serial == acknowledged || zone.serial == acknowledged + BATCH,
		  "serial %u, acknowledged %u", zone.serial, acknowledged);
	expect_text(txn, &zone);
	cr_assert_eq(vly_store_journal(txn, &zone, 0, follows, &serial), VLY_STORE_OK, "%s",
		     vly_store_reason(txn));
	cr_assert_eq(serial, zone.serial);
	vly_store_abort(txn);
	vly_zone_store_close(fixture->store);
	fixture->store = NULL;
	return zone.serial;
}

Test(store_kill, leaves_what_was_acknowledged)
{
	struct vly_test_random rng = {(uint64_t)getpid()};
	struct store_fixture fixture;
	struct vly_store_zone zone;
	uint32_t serial = FIRST;

	store_fixture_begin(&fixture);
	store_fixture_import(&fixture, "z.", "@ 300 SOA ns.elsewhere. mail.elsewhere. 7 2 3 4 60\n",
			     &zone);
	vly_zone_store_close(fixture.store);
	fixture.store = NULL;
	for (unsigned i = 0; i < KILLS; i++)
		serial = expect_whole(&fixture, run_and_kill(&fixture, &rng, serial));
	cr_expect_gt(serial, FIRST + KILLS);
	store_fixture_end(&fixture);
}
