/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cookie_secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/state_file.h"

/* Three secrets and more comments than anybody writes. */
#define FILE_BYTES_MAX 16384

int
vly_cookie_secret_parse(const char *text, uint8_t secret[VLY_COOKIE_SECRET_BYTES])
{
	if (strlen(text) != VLY_COOKIE_SECRET_TEXT_BYTES - 1 ||
	    strspn(text, "0123456789abcdefABCDEF") != VLY_COOKIE_SECRET_TEXT_BYTES - 1)
		return -1;
	for (unsigned i = 0; i < VLY_COOKIE_SECRET_BYTES; i++) {
		unsigned octet;
		if (sscanf(text + i * 2, "%2x", &octet) != 1)
			return -1;
		secret[i] = (uint8_t)octet;
	}
	return 0;
}

void
vly_cookie_secret_format(const uint8_t secret[VLY_COOKIE_SECRET_BYTES],
			 char out[VLY_COOKIE_SECRET_TEXT_BYTES])
{
	for (unsigned i = 0; i < VLY_COOKIE_SECRET_BYTES; i++)
		sprintf(out + i * 2, "%02x", secret[i]);
}

/* 32 bits of a hash: enough to compare servers by, and 96 bits of the secret stay unknown. */
void
vly_cookie_secret_fingerprint(const uint8_t secret[VLY_COOKIE_SECRET_BYTES],
			      char out[VLY_COOKIE_FINGERPRINT_BYTES])
{
	XXH64_hash_t hash = XXH3_64bits(secret, VLY_COOKIE_SECRET_BYTES);

	snprintf(out, VLY_COOKIE_FINGERPRINT_BYTES, "%08x", (unsigned)(hash & 0xffffffff));
}

/* Reads the whole file. Returns its octets, or -1 with `reason`. */
static ssize_t
read_file(int fd, char text[FILE_BYTES_MAX], const char *path, char *reason, size_t reason_bytes)
{
	struct stat status;

	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
		snprintf(reason, reason_bytes, "%s: not a regular file", path);
		return -1;
	}
	if (status.st_mode & 077) {
		snprintf(reason, reason_bytes,
			 "%s: users other than the owner have access to the secrets: run chmod 600 "
			 "%s",
			 path, path);
		return -1;
	}
	ssize_t bytes = read(fd, text, FILE_BYTES_MAX);
	if (bytes < 0)
		snprintf(reason, reason_bytes, "%s: %s", path, strerror(errno));
	if (bytes == FILE_BYTES_MAX) {
		snprintf(reason, reason_bytes, "%s: the file is too large for secrets", path);
		return -1;
	}
	return bytes;
}

/* One line without its comment. Returns 1 when it was a secret or "-", 0 when empty, else -1. */
static int
read_line(const char *line, size_t len, struct vly_cookie_secrets *secrets, unsigned idx)
{
	char word[VLY_COOKIE_SECRET_TEXT_BYTES + 1];
	size_t end = 0;

	while (len > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	while (end < len && line[end] != '#')
		end++;
	while (end > 0 && (line[end - 1] == ' ' || line[end - 1] == '\t' || line[end - 1] == '\r'))
		end--;
	if (end == 0)
		return 0;
	if (idx >= VLY_COOKIE_SECRET_CNT)
		return -1;
	snprintf(word, sizeof(word), "%.*s", (int)(end < sizeof(word) ? end : sizeof(word)), line);
	bool is_none = strcmp(word, "-") == 0;
	bool good = is_none || vly_cookie_secret_parse(word, secrets->secret[idx]) == 0;
	explicit_bzero(word, sizeof(word));
	if (good && !is_none)
		secrets->secret_mask |= UINT32_C(1) << idx;
	return good ? 1 : -1;
}

static int
read_text(struct vly_cookie_secrets *secrets, const char *text, size_t bytes, const char *path,
	  char *reason, size_t reason_bytes)
{
	const char *end = text + bytes;
	unsigned cnt = 0;

	for (unsigned line = 1; text < end; line++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t len = (size_t)((newline ? newline : end) - text);
		int found = read_line(text, len, secrets, cnt);
		if (found < 0) {
			snprintf(reason, reason_bytes,
				 "%s:%u: a line must be a secret of 32 hexadecimal digits, or -, "
				 "and the file has at most three lines",
				 path, line);
			return -1;
		}
		cnt += (unsigned)found;
		text += len + (newline != NULL);
	}
	if (secrets->secret_mask & 1 << VLY_COOKIE_CURRENT)
		return 0;
	snprintf(reason, reason_bytes, "%s: the current secret, which must come first, is missing",
		 path);
	return -1;
}

int
vly_cookie_secrets_read(struct vly_cookie_secrets *secrets, const char *path, char *reason,
			size_t reason_bytes)
{
	char text[FILE_BYTES_MAX];
	struct vly_cookie_secrets found = {.enabled = secrets->enabled};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		snprintf(reason, reason_bytes, "%s: %s", path, strerror(errno));
		return errno == ENOENT || errno == ENOTDIR ? 1 : -1;
	}
	ssize_t bytes = read_file(fd, text, path, reason, reason_bytes);
	close(fd);
	bool good = bytes >= 0 &&
		    read_text(&found, text, (size_t)bytes, path, reason, reason_bytes) == 0;
	if (good)
		*secrets = found;
	explicit_bzero(text, sizeof(text));
	explicit_bzero(&found, sizeof(found));
	return good ? 0 : -1;
}

int
vly_cookie_secrets_write(const struct vly_cookie_secrets *secrets, const char *path, char *reason,
			 size_t reason_bytes)
{
	static const char *const names[] = {"current", "previous", "next"};
	char line[VLY_COOKIE_SECRET_CNT][VLY_COOKIE_SECRET_TEXT_BYTES] = {"-", "-", "-"};
	char text[400];

	for (unsigned i = 0; i < VLY_COOKIE_SECRET_CNT; i++)
		if (secrets->secret_mask & UINT32_C(1) << i)
			vly_cookie_secret_format(secrets->secret[i], line[i]);
	int bytes = snprintf(
		text, sizeof(text),
		"# DNS cookie secrets: servers that share an address must have the same ones\n"
		"%s # %s\n%s # %s\n%s # %s\n",
		line[0], names[0], line[1], names[1], line[2], names[2]);
	int result = vly_state_file_write(path, text, (size_t)bytes, reason, reason_bytes);
	explicit_bzero(text, sizeof(text));
	explicit_bzero(line, sizeof(line));
	return result;
}

static int
make_secret(struct vly_cookie_secrets *secrets, enum vly_cookie_secret idx)
{
	if (getrandom(secrets->secret[idx], VLY_COOKIE_SECRET_BYTES, 0) != VLY_COOKIE_SECRET_BYTES)
		return -1;
	secrets->secret_mask |= UINT32_C(1) << idx;
	return 0;
}

int
vly_cookie_secrets_make(struct vly_cookie_secrets *secrets)
{
	secrets->secret_mask = 0;
	memset(secrets->secret, 0, sizeof(secrets->secret));
	if (make_secret(secrets, VLY_COOKIE_CURRENT) < 0)
		return -1;
	return make_secret(secrets, VLY_COOKIE_NEXT);
}

int
vly_cookie_secrets_roll(struct vly_cookie_secrets *secrets,
			const uint8_t fresh[VLY_COOKIE_SECRET_BYTES], char *reason,
			size_t reason_bytes)
{
	uint8_t(*secret)[VLY_COOKIE_SECRET_BYTES] = secrets->secret;

	/* a secret of our own making would be unknown to the other servers */
	if (!(secrets->secret_mask & 1 << VLY_COOKIE_NEXT)) {
		snprintf(reason, reason_bytes,
			 "there is no next secret to roll to: add the same one on all servers, as "
			 "the third line of the file");
		return -1;
	}
	memcpy(secret[VLY_COOKIE_PREVIOUS], secret[VLY_COOKIE_CURRENT], VLY_COOKIE_SECRET_BYTES);
	memcpy(secret[VLY_COOKIE_CURRENT], secret[VLY_COOKIE_NEXT], VLY_COOKIE_SECRET_BYTES);
	secrets->secret_mask |= 1 << VLY_COOKIE_PREVIOUS;
	if (fresh) {
		memcpy(secret[VLY_COOKIE_NEXT], fresh, VLY_COOKIE_SECRET_BYTES);
		return 0;
	}
	if (make_secret(secrets, VLY_COOKIE_NEXT) == 0)
		return 0;
	snprintf(reason, reason_bytes, "the kernel returned no random bits: %s", strerror(errno));
	return -1;
}
