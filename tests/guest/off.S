/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * off: powers the machine off with its first two instructions. What it costs
 * from exec to exit is the cost of the machine itself.
 */
    .section .text.start, "ax"
    .globl _start
_start:
    ldr     w0, =0x84000008         /* PSCI SYSTEM_OFF */
    hvc     #0
1:  wfi
    b       1b
