/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "transfer_parts.h"

void
vly_transfer_client_address(const struct vly_transfer_client *client, char out[INET6_ADDRSTRLEN])
{
	if (memcmp(client->peer.address, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0)
		inet_ntop(AF_INET, client->peer.address + 12, out, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, client->peer.address, out, INET6_ADDRSTRLEN);
}

void
vly_transfer_note_past(const struct vly_transfer_client *client)
{
	char peer[INET6_ADDRSTRLEN + 8];

	if (!client->is_transfer || !client->answer || client->octet_cnt == 0 || client->is_current)
		return;
	vly_transfer_client_address(client, peer);
	snprintf(peer + strlen(peer), 8, "@%u", client->peer.port);
	vly_past_add(
		&client->transfers->past,
		&(struct vly_past_transfer){
			.zone = client->zone,
			.peer = peer,
			.why = client->end ? client->end : "the connection was closed",
			.is_incremental = client->answer->kind == VLY_ANSWER_DIFFERENCE,
			.is_tls = client->peer.is_tls,
			.has_failed = !client->end || *client->end,
			.serial = atomic_load(&client->answer->serial),
			.bytes = client->octet_cnt,
			.message_cnt = client->message_cnt,
			.duration_ms = uv_now(client->transfers->settings.loop) - client->start_ms,
		});
}

const struct vly_past *
vly_transfers_past(const struct vly_transfers *transfers)
{
	return &transfers->past;
}
