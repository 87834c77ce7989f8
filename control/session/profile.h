/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Profiles of TLS, as the configuration has them, as sources of credentials. Pure; any thread. */
#ifndef VLY_CONTROL_PROFILE_H
#define VLY_CONTROL_PROFILE_H

#include "config/config.h"
#include "credentials.h"

/* The source points into the profile. A server has no peer with a name, and is never opportunistic. */
static inline struct vly_credentials_source
vly_profile_source(const struct vly_config_tls *profile, enum vly_credentials_roles roles)
{
	const bool is_client = (roles & VLY_CREDENTIALS_CLIENT) != 0;

	return (struct vly_credentials_source){
		.name = profile->name,
		.roles = roles,
		.certificate_file = profile->certificate_file,
		.key_file = profile->key_file,
		.ca_file = profile->ca_file,
		.hostname = is_client ? profile->hostname : NULL,
		.pins = (const uint8_t(*)[VLY_PIN_BYTES])profile->pin,
		.pin_cnt = profile->pin_cnt,
		.opportunistic = is_client && profile->is_opportunistic,
	};
}

#endif
