/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sends messages and connections of clients to volley-control, as long as its socket has room. In the
 * main thread, which holds the requests meanwhile; nothing blocks. */
#ifndef VLY_DATAPLANE_PUBLISH_CLIENTS_H
#define VLY_DATAPLANE_PUBLISH_CLIENTS_H

#include "request/handovers.h"
#include "request/requests.h"

/* Each returns 0, or a negative errno that ends the connection to volley-control. *cnt counts the
 * connections. */
__attribute__((nonnull, warn_unused_result)) int
vly_publish_send_requests(int fd, struct vly_requests *requests);
__attribute__((nonnull, warn_unused_result)) int
vly_publish_send_connections(int fd, struct vly_handovers *handovers, uint64_t *cnt);

/* Sends one request. Returns false if it was not sent: there is no room, or the connection has failed, as
 * the main thread will find out. Any thread. */
__attribute__((nonnull, warn_unused_result)) bool
vly_publish_send_request(int fd, const struct vly_request *request);

#endif
