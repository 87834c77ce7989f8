/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/cookie_secrets.h"

#define ONE   "000102030405060708090a0b0c0d0e0f"
#define TWO   "101112131415161718191A1B1C1D1E1F"
#define THREE "202122232425262728292a2b2c2d2e2f"

static char directory[] = "/tmp/volley-secrets-XXXXXX";
static char path[64];
static char reason[400];

static void
set_up(void)
{
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/cookie-secrets", directory);
}

static void
tear_down(void)
{
	unlink(path);
	rmdir(directory);
}

TestSuite(cookie_secrets, .init = set_up, .fini = tear_down);

static int
read_text(const char *text, mode_t mode, struct vly_cookie_secrets *secrets)
{
	FILE *file = fopen(path, "w");

	fputs(text, file);
	fclose(file);
	chmod(path, mode);
	memset(secrets, 0, sizeof(*secrets));
	return vly_cookie_secrets_read(secrets, path, reason, sizeof(reason));
}

Test(cookie_secrets, one_two_or_three)
{
	struct vly_cookie_secrets secrets;

	cr_assert_eq(read_text(ONE, 0600, &secrets), 0, "%s", reason);
	cr_expect_eq(secrets.secret_mask, 1);
	cr_expect_eq(secrets.secret[VLY_COOKIE_CURRENT][15], 15);
	cr_assert_eq(read_text("# ours\n" ONE " # current\n\n" TWO "\r\n", 0600, &secrets), 0);
	cr_expect_eq(secrets.secret_mask, 3);
	cr_expect_eq(secrets.secret[VLY_COOKIE_PREVIOUS][15], 0x1f);
	cr_assert_eq(read_text(ONE "\n-\n" THREE "\n", 0400, &secrets), 0);
	cr_expect_eq(secrets.secret_mask, 5);
	cr_expect_eq(secrets.secret[VLY_COOKIE_NEXT][0], 0x20);
}

static void
expect_refused(const char *text, const char *part)
{
	struct vly_cookie_secrets secrets;

	cr_expect_eq(read_text(text, 0600, &secrets), -1, "%s", text);
	cr_expect_not_null(strstr(reason, part), "%s", reason);
	cr_expect_eq(secrets.secret_mask, 0);
}

Test(cookie_secrets, damaged_files)
{
	char long_text[20000];

	expect_refused("", "the current secret");
	expect_refused("-\n" TWO "\n", "the current secret");
	expect_refused("# " ONE "\n", "the current secret");
	expect_refused(ONE "\nabc\n", "cookie-secrets:2: a line must be a secret");
	expect_refused(ONE "0\n", "cookie-secrets:1: a line must be a secret");
	expect_refused("x" ONE "\n", "cookie-secrets:1: a line must be a secret");
	expect_refused(ONE "\n" ONE "\n" ONE "\n\n" ONE "\n",
		       "cookie-secrets:5: a line must be a secret");
	memset(long_text, '#', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = '\0';
	expect_refused(long_text, "too large");
}

Test(cookie_secrets, nobody_else_may_read_them)
{
	struct vly_cookie_secrets secrets;

	cr_expect_eq(read_text(ONE, 0640, &secrets), -1);
	cr_expect_not_null(strstr(reason, "chmod 600"), "%s", reason);
	cr_expect_eq(read_text(ONE, 0604, &secrets), -1);
	cr_expect_eq(vly_cookie_secrets_read(&secrets, directory, reason, sizeof(reason)), -1);
	cr_expect_eq(vly_cookie_secrets_read(&secrets, "/nowhere/x", reason, sizeof(reason)), 1);
	cr_expect_eq(vly_cookie_secrets_write(&secrets, "/nowhere/x", reason, sizeof(reason)), -1);
}

Test(cookie_secrets, rolled_twice_and_written)
{
	struct vly_cookie_secrets secrets = {0};
	struct vly_cookie_secrets again = {0};
	struct vly_cookie_secrets first;
	struct stat status;
	uint8_t fresh[VLY_COOKIE_SECRET_BYTES];

	cr_assert_eq(vly_cookie_secrets_make(&secrets), 0);
	cr_expect_eq(secrets.secret_mask, 5);
	first = secrets;
	cr_assert_eq(vly_cookie_secret_parse(TWO, fresh), 0);
	cr_assert_eq(vly_cookie_secrets_roll(&secrets, fresh, reason, sizeof(reason)), 0);
	cr_expect_eq(secrets.secret_mask, 7);
	cr_expect_arr_eq(secrets.secret[VLY_COOKIE_PREVIOUS], first.secret[VLY_COOKIE_CURRENT], 16);
	cr_expect_arr_eq(secrets.secret[VLY_COOKIE_CURRENT], first.secret[VLY_COOKIE_NEXT], 16);
	cr_expect_arr_eq(secrets.secret[VLY_COOKIE_NEXT], fresh, 16);
	cr_assert_eq(vly_cookie_secrets_roll(&secrets, NULL, reason, sizeof(reason)), 0);
	cr_expect_arr_eq(secrets.secret[VLY_COOKIE_PREVIOUS], first.secret[VLY_COOKIE_NEXT], 16);
	cr_expect_arr_eq(secrets.secret[VLY_COOKIE_CURRENT], fresh, 16);
	cr_assert_eq(vly_cookie_secrets_write(&secrets, path, reason, sizeof(reason)), 0);
	cr_assert_eq(stat(path, &status), 0);
	cr_expect_eq(status.st_mode & 0777, 0600);
	cr_assert_eq(vly_cookie_secrets_read(&again, path, reason, sizeof(reason)), 0);
	cr_expect_arr_eq(&again, &secrets, sizeof(again));
}

Test(cookie_secrets, no_roll_without_a_next_one)
{
	struct vly_cookie_secrets secrets;

	cr_assert_eq(read_text(ONE "\n" TWO "\n", 0600, &secrets), 0);
	cr_expect_eq(vly_cookie_secrets_roll(&secrets, NULL, reason, sizeof(reason)), -1);
	cr_expect_not_null(strstr(reason, "no next secret"), "%s", reason);
	cr_expect_eq(secrets.secret[VLY_COOKIE_CURRENT][0], 0);
}

Test(cookie_secrets, fingerprints)
{
	char a[VLY_COOKIE_FINGERPRINT_BYTES];
	char b[VLY_COOKIE_FINGERPRINT_BYTES];
	uint8_t secret[VLY_COOKIE_SECRET_BYTES];

	cr_assert_eq(vly_cookie_secret_parse(ONE, secret), 0);
	vly_cookie_secret_fingerprint(secret, a);
	vly_cookie_secret_fingerprint(secret, b);
	cr_expect_str_eq(a, b);
	cr_expect_eq(strlen(a), 8);
	secret[15] ^= 1;
	vly_cookie_secret_fingerprint(secret, b);
	cr_expect_str_neq(a, b);
}

static void *
read_once(void *arg)
{
	struct vly_cookie_secrets *secrets = arg;

	(void)!vly_cookie_secrets_read(secrets, path, reason, sizeof(reason));
	return NULL;
}

/* Runs it on a stack of ours, and looks through that for the text and the octets of a secret. */
static void
expect_wiped(const char *text)
{
	static _Alignas(4096) uint8_t stack[1 << 20];
	static const uint8_t octets[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	struct vly_cookie_secrets secrets;
	pthread_attr_t attributes;
	pthread_t thread;

	(void)read_text(text, 0600, &secrets);
	memset(stack, 0, sizeof(stack));
	cr_assert_eq(pthread_attr_init(&attributes), 0);
	cr_assert_eq(pthread_attr_setstack(&attributes, stack, sizeof(stack)), 0);
	cr_assert_eq(pthread_create(&thread, &attributes, read_once, &secrets), 0);
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attributes);
	cr_expect_null(memmem(stack, sizeof(stack), ONE, strlen(ONE)), "text is left: %s", text);
	cr_expect_null(memmem(stack, sizeof(stack), octets, sizeof(octets)), "left: %s", text);
}

Test(cookie_secrets, nothing_is_left_on_the_stack)
{
	expect_wiped(ONE "\n");
	expect_wiped(ONE "\nwrong\n");
	expect_wiped("-\n" ONE "\n");
}
