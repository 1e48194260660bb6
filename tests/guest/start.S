/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entry of the payloads, for the first CPU and for those started by PSCI, and
 * the EL1 exception vectors. The MMU stays off, so every access is to Device
 * memory: the code is built with -mstrict-align and without FP registers.
 *
 * The very first instruction leaves a mark that main checks: a vCPU that is
 * reset before KVM has completed a pending MMIO read starts at entry + 4.
 */
    .section .text.start, "ax"
    .globl _start
_start:
    movz    x19, #0x5a5a
    mov     x20, x0
    adrp    x1, __bss_start
    add     x1, x1, :lo12:__bss_start
    adrp    x2, __bss_end
    add     x2, x2, :lo12:__bss_end
1:  cmp     x1, x2
    b.eq    2f
    stp     xzr, xzr, [x1], #16
    b       1b
2:  adrp    x1, stacks + STACK_SIZE
    add     x1, x1, :lo12:stacks + STACK_SIZE
    mov     sp, x1
    bl      set_vectors
    mov     x0, x20
    mov     x1, x19
    bl      lib_main
halt:
    wfi
    b       halt

/* A CPU started by PSCI comes here with its number in x0. */
    .globl secondary_entry
secondary_entry:
    mov     x20, x0
    mov     x2, #STACK_SIZE
    madd    x2, x0, x2, x2
    adrp    x1, stacks
    add     x1, x1, :lo12:stacks
    add     x1, x1, x2
    mov     sp, x1
    bl      set_vectors
    mov     x0, x20
    bl      lib_secondary
    b       halt

set_vectors:
    adrp    x3, vectors
    add     x3, x3, :lo12:vectors
    msr     vbar_el1, x3
    mov     x3, #(3 << 20)          /* FP registers usable: probe needs q0 */
    msr     cpacr_el1, x3
    isb
    ret

    .macro  entry, kind
    .balign 0x80
    stp     x0, x1, [sp, #-192]!
    mrs     x0, cntvct_el0
    mov     x1, #\kind
    b       common
    .endm

    .text
    .balign 0x800
vectors:
    .irp    kind, 0, 1, 2, 3        /* current EL with SP_EL0: never used */
    entry   \kind
    .endr
    .irp    kind, 4, 5, 6, 7        /* sync, IRQ, FIQ, SError with SP_ELx */
    entry   \kind
    .endr
    .irp    kind, 8, 9, 10, 11, 12, 13, 14, 15
    entry   \kind
    .endr

common:
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x29, [sp, #144]
    str     x30, [sp, #160]
    bl      lib_exception
    ldr     x30, [sp, #160]
    ldp     x18, x29, [sp, #144]
    ldp     x16, x17, [sp, #128]
    ldp     x14, x15, [sp, #112]
    ldp     x12, x13, [sp, #96]
    ldp     x10, x11, [sp, #80]
    ldp     x8, x9, [sp, #64]
    ldp     x6, x7, [sp, #48]
    ldp     x4, x5, [sp, #32]
    ldp     x2, x3, [sp, #16]
    ldp     x0, x1, [sp], #192
    eret

    .bss
    .balign 16
stacks:
    .skip   STACK_SIZE * MAX_CPUS
