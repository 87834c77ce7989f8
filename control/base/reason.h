/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sizes of buffers for sentences that go into the log or an answer. A function that fails writes
 * one sentence, in most cases with a path, to `reason`; its caller may put that into a sentence of
 * its own. Longer text is cut.
 */
#ifndef VLY_CONTROL_REASON_H
#define VLY_CONTROL_REASON_H

/* A sentence with a path of 300 octets or so. Smaller: the end of it, which says what went wrong, is
 * lost behind long paths. Larger: nothing is gained. */
#define VLY_REASON_BYTES 512

/* A sentence that quotes a reason. */
#define VLY_TROUBLE_BYTES (VLY_REASON_BYTES + 128)

#endif
