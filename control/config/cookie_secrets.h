/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file of DNS cookie secrets, and how they are rolled (RFC 9018 section 5). It has up to three
 * lines of 32 hexadecimal digits: the current secret, the previous one, the next one. "-" means
 * that there is none, and a # begins a comment. Only its owner may have access to it. All servers
 * of an address have the same file. The functions leave `enabled` of struct vly_cookie_secrets
 * alone. No state; any thread; _read() and _write() block for the disk.
 */
#ifndef VLY_CONTROL_COOKIE_SECRETS_H
#define VLY_CONTROL_COOKIE_SECRETS_H

#include <stddef.h>

#include <volley/defence.h>

#define VLY_COOKIE_SECRET_TEXT_BYTES (2 * VLY_COOKIE_SECRET_BYTES + 1)
#define VLY_COOKIE_FINGERPRINT_BYTES 9

/* In the state directory, unless the configuration names another file. */
#define VLY_COOKIE_SECRETS_FILE "cookie-secrets"

/* Reads the file (untrusted). Returns 0; 1 when it does not exist; or -1 when it can't be used.
 * `reason` is "path: why" unless 0 is returned. */
__attribute__((nonnull, warn_unused_result)) int
vly_cookie_secrets_read(struct vly_cookie_secrets *secrets, const char *path, char *reason,
			size_t reason_bytes);

/* Replaces the file as a whole. Returns 0, or -1 with "path: why" in `reason`. */
__attribute__((nonnull, warn_unused_result)) int
vly_cookie_secrets_write(const struct vly_cookie_secrets *secrets, const char *path, char *reason,
			 size_t reason_bytes);

/* Makes a random current and next secret. Returns 0, or -1 without random bits. */
__attribute__((nonnull, warn_unused_result)) int
vly_cookie_secrets_make(struct vly_cookie_secrets *secrets);

/* Rolls the secrets: previous := current, current := next, next := `fresh`, or a random one when
 * that is NULL. Returns 0; or -1 with a sentence in `reason`. */
__attribute__((nonnull(1, 3), warn_unused_result)) int
vly_cookie_secrets_roll(struct vly_cookie_secrets *secrets,
			const uint8_t fresh[VLY_COOKIE_SECRET_BYTES], char *reason,
			size_t reason_bytes);

/* Reads 32 hexadecimal digits. Returns 0 or -1. */
__attribute__((nonnull, warn_unused_result)) int
vly_cookie_secret_parse(const char *text, uint8_t secret[VLY_COOKIE_SECRET_BYTES]);

__attribute__((nonnull)) void
vly_cookie_secret_format(const uint8_t secret[VLY_COOKIE_SECRET_BYTES],
			 char out[VLY_COOKIE_SECRET_TEXT_BYTES]);

/* Writes the fingerprint of a secret: it differs between secrets, and does not reveal them. */
__attribute__((nonnull)) void
vly_cookie_secret_fingerprint(const uint8_t secret[VLY_COOKIE_SECRET_BYTES],
			      char out[VLY_COOKIE_FINGERPRINT_BYTES]);

#endif
