/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * el1_run(): ERET to code, and back to the caller from whatever exception it
 * takes. The vectors are in place only meanwhile and use no stack, so SP may be
 * anything. TPIDR_EL1 has the El1 of el1.h; TPIDRRO_EL0 is for scratch.
 */
    .set    X, 112
    .set    VECTOR, X + 31 * 8

    .text
    .globl  el1_run
el1_run:
    stp     x19, x20, [x0, #0]
    stp     x21, x22, [x0, #16]
    stp     x23, x24, [x0, #32]
    stp     x25, x26, [x0, #48]
    stp     x27, x28, [x0, #64]
    stp     x29, x30, [x0, #80]
    mov     x9, sp
    mrs     x10, vbar_el1
    stp     x9, x10, [x0, #96]
    msr     tpidr_el1, x0
    adrp    x9, el1_vectors
    add     x9, x9, :lo12:el1_vectors
    msr     vbar_el1, x9
    msr     elr_el1, x1
    msr     spsr_el1, x2
    tbz     x2, #0, 1f
    mov     sp, x3
    b       2f
1:  msr     sp_el0, x3
2:  isb
    mov     x30, x0
    ldp     x0, x1, [x30, #X]
    ldp     x2, x3, [x30, #X + 16]
    ldp     x4, x5, [x30, #X + 32]
    ldp     x6, x7, [x30, #X + 48]
    ldp     x8, x9, [x30, #X + 64]
    ldp     x10, x11, [x30, #X + 80]
    ldp     x12, x13, [x30, #X + 96]
    ldp     x14, x15, [x30, #X + 112]
    ldp     x16, x17, [x30, #X + 128]
    ldp     x18, x19, [x30, #X + 144]
    ldp     x20, x21, [x30, #X + 160]
    ldp     x22, x23, [x30, #X + 176]
    ldp     x24, x25, [x30, #X + 192]
    ldp     x26, x27, [x30, #X + 208]
    ldp     x28, x29, [x30, #X + 224]
    ldr     x30, [x30, #X + 240]
    eret

    .macro  vector, n
    .balign 0x80
    msr     tpidrro_el0, x0
    mrs     x0, tpidr_el1
    stp     x1, x2, [x0, #X + 8]
    mov     x1, #\n
    b       trap
    .endm

    .balign 0x800
    .globl  el1_vectors
el1_vectors:
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vector  \n
    .endr
    .balign 0x80

trap:
    stp     x3, x4, [x0, #X + 24]
    stp     x5, x6, [x0, #X + 40]
    stp     x7, x8, [x0, #X + 56]
    stp     x9, x10, [x0, #X + 72]
    stp     x11, x12, [x0, #X + 88]
    stp     x13, x14, [x0, #X + 104]
    stp     x15, x16, [x0, #X + 120]
    stp     x17, x18, [x0, #X + 136]
    stp     x19, x20, [x0, #X + 152]
    stp     x21, x22, [x0, #X + 168]
    stp     x23, x24, [x0, #X + 184]
    stp     x25, x26, [x0, #X + 200]
    stp     x27, x28, [x0, #X + 216]
    stp     x29, x30, [x0, #X + 232]
    mrs     x2, tpidrro_el0
    str     x2, [x0, #X]
    mrs     x2, esr_el1
    stp     x1, x2, [x0, #VECTOR]
    mrs     x2, elr_el1
    mrs     x3, far_el1
    stp     x2, x3, [x0, #VECTOR + 16]
    mov     x3, sp
    lsr     x4, x1, #2
    cmp     x4, #1
    b.eq    1f
    mrs     x3, sp_el0
1:  mrs     x2, spsr_el1
    stp     x2, x3, [x0, #VECTOR + 32]
    ldp     x9, x10, [x0, #96]
    mov     sp, x9
    msr     vbar_el1, x10
    isb
    ldp     x19, x20, [x0, #0]
    ldp     x21, x22, [x0, #16]
    ldp     x23, x24, [x0, #32]
    ldp     x25, x26, [x0, #48]
    ldp     x27, x28, [x0, #64]
    ldp     x29, x30, [x0, #80]
    ret
