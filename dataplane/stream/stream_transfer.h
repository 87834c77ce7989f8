/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages on a stream with which volley-control takes the connection over. Pure; any thread. */
#ifndef VLY_DATAPLANE_STREAM_TRANSFER_H
#define VLY_DATAPLANE_STREAM_TRANSFER_H

#include "stream_input.h"

/* Whether the message (untrusted) is a query for AXFR or IXFR of class IN. */
__attribute__((nonnull, pure, warn_unused_result)) bool
vly_stream_is_transfer(const struct vly_stream_message *message);

#endif
