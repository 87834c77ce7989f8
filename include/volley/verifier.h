/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For code that the XDP program shares with native code: what the BPF verifier of old kernels needs
 * to see.
 *
 * Use: VLY_VERIFIER_HIDE() a number right before it is masked or compared, when the compiler could
 * prove the result without that and leave it out. Native code is not touched.
 *
 * Linux 6.1 follows less than a compiler does:
 *   - OR, XOR, multiplications and shifts by a register that isn't constant make a number unknown;
 *   - a test for zero gives no lower bound;
 *   - comparisons of 32 bits say nothing about the upper half of a register.
 */
#ifndef VLY_VERIFIER_H
#define VLY_VERIFIER_H

#ifdef __bpf__
#define VLY_VERIFIER_HIDE(number) __asm__("" : "+r"(number))
#else
#define VLY_VERIFIER_HIDE(number) ((void)(number))
#endif

#endif
