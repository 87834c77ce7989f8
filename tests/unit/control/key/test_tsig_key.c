/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "key/tsig_key.h"

Test(tsig_key, is_read)
{
	struct vly_tsig_key key;

	cr_assert_null(vly_tsig_key_read(&key, "k.example.", "hmac-sha256", "c2VjcmV0"));
	cr_expect_eq(key.name_len, 11);
	cr_expect_arr_eq(key.name, "\1k\7example", 11);
	cr_expect_eq(key.algorithm, VLY_TSIG_HMAC_SHA256);
	cr_expect_eq(key.mac_len, 32);
	cr_expect_eq(key.secret_len, 6);
	cr_expect_arr_eq(key.secret, "secret", 6);
	cr_assert_null(vly_tsig_key_read(&key, "k.", "hmac-sha512-256", "c2VjcmV0"));
	cr_expect_eq(key.mac_len, 32);
	cr_assert_null(vly_tsig_key_read(&key, "k.", "hmac-sha1-80", "c2VjcmV0"));
	cr_expect_eq(key.mac_len, 10);
	vly_tsig_key_wipe(&key);
	cr_expect_eq(key.secret[0], 0);
}

Test(tsig_key, wrong_words)
{
	static const char bits[] =
		"a truncated MAC must have at least half of the MAC's bits and at "
		"least 80, in whole octets";
	static const char names[] =
		"must be hmac-sha256, hmac-sha384, hmac-sha512, hmac-sha224 or hmac-sha1";
	static const struct {
		const char *algorithm, *secret, *why;
	} wrong[] = {
		{"hmac-md5", "c2VjcmV0", "hmac-md5 is not safe and not supported; use hmac-sha256"},
		{"hmac-sha3", "c2VjcmV0", names},
		{"", "c2VjcmV0", names},
		{"hmac-sha256-120", "c2VjcmV0", bits},
		{"hmac-sha256-264", "c2VjcmV0", bits},
		{"hmac-sha256-129", "c2VjcmV0", bits},
		{"hmac-sha1-72", "c2VjcmV0", bits},
		{"hmac-sha256", "", "the secret is empty"},
		{"hmac-sha256", "c2Vj!", "the secret is not valid Base64"},
	};
	struct vly_tsig_key key;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *why =
			vly_tsig_key_read(&key, "k.", wrong[i].algorithm, wrong[i].secret);
		cr_assert_not_null(why, "%s", wrong[i].algorithm);
		cr_expect_str_eq(why, wrong[i].why, "%s: %s", wrong[i].algorithm, why);
		cr_expect_eq(key.secret_len, 0);
	}
}

Test(tsig_key, a_long_secret_is_refused)
{
	char text[700 + 1];
	struct vly_tsig_key key;

	memset(text, 'A', 700);
	text[700] = '\0';
	cr_expect_str_eq(vly_tsig_key_read(&key, "k.", "hmac-sha256", text),
			 "the secret is longer than 512 octets");
	text[680] = '\0';
	cr_expect_null(vly_tsig_key_read(&key, "k.", "hmac-sha256", text));
	cr_expect_eq(key.secret_len, 510);
}

static void
expect_file(const char *path, const char *wanted, const char *why)
{
	char reason[200] = "";
	char expected[200];
	char *text = vly_tsig_secret_read_file(path, reason, sizeof(reason));

	if (wanted != NULL) {
		cr_assert_not_null(text, "%s", reason);
		cr_expect_str_eq(text, wanted);
	} else {
		cr_expect_null(text);
		snprintf(expected, sizeof(expected), "%s: %s", path, why);
		cr_expect_str_eq(reason, expected);
	}
	free(text);
}

Test(tsig_key, files)
{
	char path[] = "/tmp/volley-secret-XXXXXX";
	char large[1024];
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, " c2Vj\n cmV0\r\n", 13), 13);
	expect_file(path, "c2VjcmV0", NULL);
	cr_assert_eq(fchmod(fd, 0640), 0);
	expect_file(path, NULL,
		    "users other than the owner have access to the secret: run chmod 600");
	cr_assert_eq(fchmod(fd, 0600), 0);
	memset(large, 'A', sizeof(large));
	cr_assert_eq(write(fd, large, sizeof(large)), sizeof(large));
	expect_file(path, NULL, "the file is too large for a secret");
	unlink(path);
	close(fd);
	expect_file(path, NULL, "No such file or directory");
	expect_file("/tmp", NULL, "not a regular file");
}
