/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tsig_key.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/number.h"
#include "zone/domain.h"

/* A secret in Base64, with blanks and line ends. */
#define SECRET_FILE_BYTES_MAX 1024

/* RFC 8945 §5.2.2.1: no MAC is shorter. */
#define MAC_BYTES_MIN 10

static const struct {
	const char *name;
	const char *wire;
	uint8_t mac_bytes;
} algorithms[] = {
	[VLY_TSIG_HMAC_SHA1] = {"hmac-sha1", "\011hmac-sha1", 20},
	[VLY_TSIG_HMAC_SHA224] = {"hmac-sha224", "\013hmac-sha224", 28},
	[VLY_TSIG_HMAC_SHA256] = {"hmac-sha256", "\013hmac-sha256", 32},
	[VLY_TSIG_HMAC_SHA384] = {"hmac-sha384", "\013hmac-sha384", 48},
	[VLY_TSIG_HMAC_SHA512] = {"hmac-sha512", "\013hmac-sha512", 64},
};

unsigned
vly_tsig_mac_bytes(enum vly_tsig_algorithm algorithm)
{
	return algorithms[algorithm].mac_bytes;
}

const char *
vly_tsig_algorithm_name(enum vly_tsig_algorithm algorithm)
{
	return algorithms[algorithm].name;
}

/* Names for MACs of half the octets (RFC 8945 §6). Others name truncated MACs as whole ones. */
static const struct {
	const char *wire;
	uint8_t algorithm;
} halves[] = {
	{"\017hmac-sha256-128", VLY_TSIG_HMAC_SHA256},
	{"\017hmac-sha384-192", VLY_TSIG_HMAC_SHA384},
	{"\017hmac-sha512-256", VLY_TSIG_HMAC_SHA512},
};

int
vly_tsig_algorithm_find(const uint8_t *wire, unsigned len)
{
	for (int i = 0; i < VLY_TSIG_ALGORITHM_CNT; i++)
		if (len == strlen(algorithms[i].wire) + 1 &&
		    memcmp(wire, algorithms[i].wire, len) == 0)
			return i;
	for (unsigned i = 0; i < sizeof(halves) / sizeof(halves[0]); i++)
		if (len == strlen(halves[i].wire) + 1 && memcmp(wire, halves[i].wire, len) == 0)
			return halves[i].algorithm;
	return -1;
}

bool
vly_tsig_algorithm_is_half(const uint8_t *wire, unsigned len)
{
	int algorithm = vly_tsig_algorithm_find(wire, len);

	return algorithm >= 0 && len != strlen(algorithms[algorithm].wire) + 1;
}

/* Reads "hmac-sha256" or "hmac-sha256-128". Returns NULL or a sentence. */
static const char *
read_algorithm(const char *text, uint8_t *algorithm, uint8_t *mac_len)
{
	for (uint8_t i = 0; i < VLY_TSIG_ALGORITHM_CNT; i++) {
		size_t len = strlen(algorithms[i].name);
		const unsigned whole = algorithms[i].mac_bytes;
		const unsigned least = whole / 2 > MAC_BYTES_MIN ? whole / 2 : MAC_BYTES_MIN;
		uint64_t bits;
		if (strncmp(text, algorithms[i].name, len) != 0 ||
		    (text[len] != '\0' && text[len] != '-'))
			continue;
		*algorithm = i;
		*mac_len = (uint8_t)whole;
		if (text[len] == '\0')
			return NULL;
		text += len + 1;
		if (!vly_number_is(text, strlen(text), least * 8, whole * 8, &bits) ||
		    bits % 8 != 0)
			return "a truncated MAC must have at least half of the MAC's bits and at "
			       "least 80, in whole octets";
		*mac_len = (uint8_t)(bits / 8);
		return NULL;
	}
	if (strncmp(text, "hmac-md5", 8) == 0)
		return "hmac-md5 is not safe and not supported; use hmac-sha256";
	return "must be hmac-sha256, hmac-sha384, hmac-sha512, hmac-sha224 or hmac-sha1";
}

const char *
vly_tsig_algorithm_check(const char *algorithm)
{
	uint8_t number;
	uint8_t mac_len;

	return read_algorithm(algorithm, &number, &mac_len);
}

static const char *
read_secret(struct vly_tsig_key *key, const char *secret)
{
	const gnutls_datum_t text = {(uint8_t *)(uintptr_t)secret, (unsigned)strlen(secret)};
	gnutls_datum_t octets = {NULL, 0};
	const char *why = NULL;

	if (gnutls_base64_decode2(&text, &octets) != 0)
		return "the secret is not valid Base64";
	if (octets.size == 0)
		why = "the secret is empty";
	else if (octets.size > VLY_TSIG_SECRET_BYTES_MAX)
		why = "the secret is longer than 512 octets";
	if (why == NULL) {
		memcpy(key->secret, octets.data, octets.size);
		key->secret_len = (uint16_t)octets.size;
	}
	explicit_bzero(octets.data, octets.size);
	gnutls_free(octets.data);
	return why;
}

const char *
vly_tsig_key_read(struct vly_tsig_key *key, const char *name, const char *algorithm,
		  const char *secret)
{
	memset(key, 0, sizeof(*key));
	key->name_len = (uint8_t)vly_domain_wire(name, key->name);
	const char *why = read_algorithm(algorithm, &key->algorithm, &key->mac_len);
	if (why == NULL)
		why = read_secret(key, secret);
	if (why != NULL)
		vly_tsig_key_wipe(key);
	return why;
}

/* Reads the open file. Returns NULL or why not. */
static const char *
read_text(int fd, char text[SECRET_FILE_BYTES_MAX])
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return strerror(errno);
	if (!S_ISREG(status.st_mode))
		return "not a regular file";
	if ((status.st_mode & 077) != 0)
		return "users other than the owner have access to the secret: run chmod 600";
	ssize_t bytes = read(fd, text, SECRET_FILE_BYTES_MAX);
	if (bytes < 0)
		return strerror(errno);
	if (bytes == SECRET_FILE_BYTES_MAX)
		return "the file is too large for a secret";
	text[bytes] = '\0';
	return NULL;
}

/* Removes blanks and line ends. */
static void
squeeze(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++)
		if (strchr(" \t\r\n", *text) == NULL)
			*to++ = *text;
	*to = '\0';
}

char *
vly_tsig_secret_read_file(const char *path, char *reason, size_t reason_bytes)
{
	char *text = malloc(SECRET_FILE_BYTES_MAX);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *why = text == NULL ? "out of memory" : NULL;

	if (fd < 0)
		why = strerror(errno);
	if (why == NULL)
		why = read_text(fd, text);
	if (fd >= 0)
		close(fd);
	if (why == NULL) {
		squeeze(text);
		return text;
	}
	snprintf(reason, reason_bytes, "%s: %s", path, why);
	if (text != NULL)
		explicit_bzero(text, SECRET_FILE_BYTES_MAX);
	free(text);
	return NULL;
}

void
vly_tsig_key_wipe(struct vly_tsig_key *key)
{
	explicit_bzero(key, sizeof(*key));
}
