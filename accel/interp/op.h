/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Internal operations: what the decoder makes of the guest's instructions, and
 * all that execute.c (or a translator to host code in its place) has to know.
 */
typedef struct InterpCpu InterpCpu;
typedef struct Op Op;

/*
 * Register operands are indices into InterpCpu.x. The decoder chooses what
 * number 31 of an instruction means.
 */
enum {
    X_LR = 30,
    X_SP = 31,   /* the stack pointer in use */
    X_ZR = 32,   /* reads as zero; nothing is ever written to it */
    X_SINK = 33, /* takes what is written to the zero register */
    X_TMP = 34,  /* between the operations of one instruction */
    NUM_X = 35,
};

/** What each of them does is said in ops.h. */
typedef enum OpCode {
#define OP(name) OP_##name,
#include "ops.h"
#undef OP
    NUM_OPS,
} OpCode;

struct Op {
    uint16_t code; /* an OpCode */
    uint8_t rd;
    uint8_t rn;
    uint8_t rm;
    uint8_t ra;
    uint16_t sub; /* a small operand: shift, condition, register's encoding */
    uint64_t imm;
};

/**
 * What OP_CALL calls; @op's other fields are the function's to use. False:
 * leave the block, InterpCpu.pc says where to go on (an exception was taken,
 * or the CPU's state changed).
 */
typedef bool OpFn(InterpCpu *cpu, const Op *op);
