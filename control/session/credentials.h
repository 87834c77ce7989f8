/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Certificates, keys, and whom we believe: a profile of TLS, loaded into GnuTLS. One object serves
 * both roles, and any number of sessions.
 *
 * Use:
 *   1. vly_credentials_load();
 *   2. vly_session_connect() or vly_session_adopt() with it, as often as needed;
 *   3. on reload vly_credentials_load() again; vly_credentials_inherit() on the loop, so that clients
 *      can resume their sessions; vly_credentials_release() of the old object.
 *
 * Ownership: references are counted. Who loads holds one; each session holds one until it has
 * closed. Threads: loading may happen in any thread; afterwards the loop's alone.
 *
 * What is checked. As client:
 *   - strict: with `pins`, the peer's key is one of them; with `hostname`, the peer's certificate
 *     has that name and a chain to `ca_file`, or to the system's authorities without one. What is
 *     given must hold: both, if both are. One of the two is needed.
 *   - opportunistic: nothing, but the connection is encrypted. The caller falls back to TCP if it
 *     wants to, see enum vly_session_end.
 * As server: a certificate is requested, but a client may have none. With `pins`, the client must
 * have a certificate whose key is one of them. With `ca_file`, `verified` of struct vly_session_peer
 * shows whether a chain leads there; a client without such a chain is not refused, because the
 * access list of a zone may permit its pin.
 */
#ifndef VLY_CONTROL_CREDENTIALS_H
#define VLY_CONTROL_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets of a pin: SHA-256 of the SubjectPublicKeyInfo. */
#define VLY_PIN_BYTES 32

enum vly_credentials_roles {
	VLY_CREDENTIALS_CLIENT = 1,
	VLY_CREDENTIALS_SERVER = 2, /* needs a certificate */
};

/* Strings are NULL when not given. All stay the caller's, and are not used after loading. */
struct vly_credentials_source {
	const char *name;             /* of the profile, for reasons */
	unsigned roles;               /* enum vly_credentials_roles */
	const char *certificate_file; /* PEM, with its chain; both or neither */
	const char *key_file;
	const char *ca_file;
	const char *hostname; /* without a dot at the end, or an address */
	const uint8_t (*pins)[VLY_PIN_BYTES];
	unsigned pin_cnt;
	bool opportunistic; /* client */
};

struct vly_credentials;

/*
 * Reads the files. Blocks, for the disk; the system's authorities take some 10 ms. Returns an object
 * with one reference; or NULL with one sentence that has the profile and the file.
 */
__attribute__((nonnull, warn_unused_result)) struct vly_credentials *
vly_credentials_load(const struct vly_credentials_source *source, char *reason,
		     size_t reason_bytes);

/* Lets clients of `previous`, a server, resume their sessions with `credentials`. They are checked
 * again by the new ones. What we have ourselves as client is not inherited: our certificate may
 * be another one. */
__attribute__((nonnull)) void vly_credentials_inherit(struct vly_credentials *credentials,
						      const struct vly_credentials *previous);

__attribute__((nonnull, returns_nonnull)) struct vly_credentials *
vly_credentials_hold(struct vly_credentials *credentials);

/* NULL is permitted. */
void vly_credentials_release(struct vly_credentials *credentials);

/* Whether the client does not check whom it speaks to. */
__attribute__((nonnull)) bool
vly_credentials_is_opportunistic(const struct vly_credentials *credentials);

/* Octets of a pin as text, with the zero. */
#define VLY_PIN_TEXT_BYTES 45

__attribute__((nonnull)) void vly_pin_print(char text[VLY_PIN_TEXT_BYTES],
					    const uint8_t pin[VLY_PIN_BYTES]);

#endif
