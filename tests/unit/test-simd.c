/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * simd.c, simd-*.c but for loads and stores: each group of Advanced SIMD
 * instructions is decoded and run on known operands, whose results are those of
 * the Arm ARM's pseudocode; and what is reserved is UNDEFINED. That all
 * operands do what they should is for the differential test.
 */

#include "../../accel/interp/cpu.h"
#include "../../accel/interp/decode.h"

#define X1 UINT64_C(0x8877665544332211)

/* v0 to v4, before; v0 takes the result. v3 has singles, v4 doubles. */
static const VReg operands[] = {
    {.d = {0x1111111122222222, 0x3333333344444444}},
    {.d = {0x7f80ff0102030405, 0x8000000012345678}},
    {.d = {0x01800102fe0a0003, 0x80000000ffffffff}},
    {.d = {0xbf40000040200000, 0x40c8000041200000}}, /* 2.5 -0.75 10 6.25 */
    {.d = {0x3ff8000000000000, 0xc010000000000000}}, /* 1.5 -4 */
};

static const VReg v31 = {.d = {0x0001020304050607, 0x08090a0b0c0d0e0f}};

typedef struct Known {
    const char *text;
    uint32_t insn;
    uint64_t low;
    uint64_t high;
    uint32_t fpsr;
} Known;

/* clang-format off */
static const Known known[] = {
    {"add v0.16b, v1.16b, v2.16b", 0x4e228420,
     0x80000003000d0408, 0x11335577, 0},
    {"add v0.4s, v1.4s, v2.4s", 0x4ea28420,
     0x81010003000d0408, 0x12345677, 0},
    {"sub v0.4h, v1.4h, v2.4h", 0x2e628420,
     0x7e00fdff03f90402, 0, 0},
    {"add d0, d1, d2", 0x5ee28420,
     0x81010004000d0408, 0, 0},
    {"shadd v0.16b, v1.16b, v2.16b", 0x4e220420,
     0x4080000100060204, 0x8000000008192a3b, 0},
    {"urhadd v0.8h, v1.8h, v2.8h", 0x6e621420,
     0x4080800280070204, 0x80000000891aab3c, 0},
    {"sqadd v0.16b, v1.16b, v2.16b", 0x4e220c20,
     0x7f800003000d0408, 0x8000000011335577, FPSR_QC},
    {"uqsub v0.8b, v1.8b, v2.8b", 0x2e222c20,
     0x7e00fe0000000402, 0, FPSR_QC},
    {"sqsub v0.2d, v1.2d, v2.2d", 0x4ee22c20,
     0x7e00fdfe03f90402, 0xffffffff12345679, 0},
    {"uqadd b0, b1, b2", 0x7e220c20,
     0x8, 0, 0},
    {"sqsub h0, h1, h2", 0x5e622c20,
     0x402, 0, 0},
    {"saba v0.8h, v1.8h, v2.8h", 0x4e627c20,
     0x8f111312261b2624, 0x3333333356799abd, 0},
    {"uabd v0.16b, v1.16b, v2.16b", 0x6e227420,
     0x7e00fe01fc070402, 0xedcba987, 0},
    {"cmgt v0.16b, v1.16b, v2.16b", 0x4e223420,
     0xff000000ff00ffff, 0xffffffff, 0},
    {"cmhi v0.8h, v1.8h, v2.8h", 0x6e623420,
     0xffffffff0000ffff, 0, 0},
    {"cmtst v0.4s, v1.4s, v2.4s", 0x4ea28c20,
     0xffffffffffffffff, 0xffffffffffffffff, 0},
    {"cmeq d0, d1, d1", 0x7ee18c20,
     0xffffffffffffffff, 0, 0},
    {"smax v0.4s, v1.4s, v2.4s", 0x4ea26420,
     0x7f80ff0102030405, 0x8000000012345678, 0},
    {"umin v0.8b, v1.8b, v2.8b", 0x2e226c20,
     0x180010102030003, 0, 0},
    {"ushl v0.16b, v1.16b, v2.16b", 0x6e224420,
     0xfe00fe0400000428, 0x91a2b3c, 0},
    {"srshl v0.8h, v1.8h, v2.8h", 0x4e625420,
     0xfc040c002028, 0x80000000091a2b3c, 0},
    {"sqshl v0.16b, v1.16b, v2.16b", 0x4e224c20,
     0x7ffffe04007f0428, 0xff000000091a2b3c, FPSR_QC},
    {"uqrshl s0, s1, s2", 0x7ea25c20,
     0x10182028, 0, 0},
    {"mul v0.8h, v1.8h, v2.8h", 0x4e629c20,
     0x4000ff020e1e0c0f, 0xedcca988, 0},
    {"mls v0.4s, v1.4s, v2.4s", 0x6ea29420,
     0xf90120ffde71613, 0x3333333356789abc, 0},
    {"pmul v0.16b, v1.16b, v2.16b", 0x6e229c20,
     0x7f00ff02fc1e000f, 0xeec3228, 0},
    {"sqdmulh v0.8h, v1.8h, v2.8h", 0x4e62b420,
     0x17efffdfff80000, 0x7fff0000ffffffff, FPSR_QC},
    {"sqrdmulh v0.4s, v1.4s, v2.4s", 0x6ea2b420,
     0x17e83fefff81c2c, 0x7fffffff00000000, FPSR_QC},
    {"bic v0.16b, v1.16b, v2.16b", 0x4e621c20,
     0x7e00fe0100010404, 0, 0},
    {"orr v0.8b, v1.8b, v1.8b", 0x0ea11c20,
     0x7f80ff0102030405, 0, 0},
    {"mov v0.16b, v1.16b", 0x4ea11c20,
     0x7f80ff0102030405, 0x8000000012345678, 0},
    {"bsl v0.16b, v1.16b, v2.16b", 0x6e621c20,
     0x11801103de0a0001, 0x80000000bbbffffb, 0},
    {"bit v0.16b, v1.16b, v2.16b", 0x6ea21c20,
     0x1191111102222221, 0xb333333312345678, 0},
    {"bif v0.16b, v1.16b, v2.16b", 0x6ee21c20,
     0x7f00ff0122030406, 0x44444444, 0},
    {"addp v0.16b, v1.16b, v2.16b", 0x4e22bc20,
     0x800046ceff000509, 0x8000fefe81030803, 0},
    {"addp v0.8b, v1.8b, v2.8b", 0x0e22bc20,
     0x81030803ff000509, 0, 0},
    {"uminp v0.4h, v1.4h, v2.4h", 0x2e62ac20,
     0x10200037f800203, 0, 0},
    {"addp d0, v1.2d", 0x5ef1b820,
     0xff80ff0114375a7d, 0, 0},
    {"rev64 v0.8h, v1.8h", 0x4e600820,
     0x4050203ff017f80, 0x5678123400008000, 0},
    {"rev32 v0.16b, v1.16b", 0x6e200820,
     0x1ff807f05040302, 0x8078563412, 0},
    {"rev16 v0.8b, v1.8b", 0x0e201820,
     0x807f01ff03020504, 0, 0},
    {"zip2 v0.8b, v1.8b, v2.8b", 0x0e027820,
     0x17f808001ff0201, 0, 0},
    {"zip1 v0.8h, v1.8h, v2.8h", 0x4e423820,
     0xfe0a020300030405, 0x1807f800102ff01, 0},
    {"uzp2 v0.16b, v1.16b, v2.16b", 0x4e025820,
     0x800012567fff0204, 0x8000ffff0101fe00, 0},
    {"trn1 v0.2d, v1.2d, v2.2d", 0x4ec22820,
     0x7f80ff0102030405, 0x1800102fe0a0003, 0},
    {"ext v0.16b, v1.16b, v2.16b, #5", 0x6e022820,
     0x123456787f80ff, 0x2fe0a0003800000, 0},
    {"ext v0.8b, v1.8b, v2.8b, #7", 0x2e023820,
     0x800102fe0a00037f, 0, 0},
    {"tbl v0.16b, {v31.16b, v0.16b}, v2.16b", 0x4e0223e0,
     0x6000605000d0704, 0x7070700000000, 0},
    {"tbx v0.8b, {v1.16b}, v2.8b", 0x0e021020,
     0x411040322340502, 0, 0},
    {"dup v0.8h, v1.h[3]", 0x4e0e0420,
     0x7f807f807f807f80, 0x7f807f807f807f80, 0},
    {"dup s0, v1.s[3]", 0x5e1c0420,
     0x80000000, 0, 0},
    {"dup v0.4h, w1", 0x0e020c20,
     0x2211221122112211, 0, 0},
    {"mov v0.b[15], w1", 0x4e1f1c20,
     0x1111111122222222, 0x1133333344444444, 0},
    {"mov v0.h[1], v1.h[4]", 0x6e064420,
     0x1111111156782222, 0x3333333344444444, 0},
    {"movi v0.4s, #0x5a, msl #8", 0x4f02c740,
     0x5aff00005aff, 0x5aff00005aff, 0},
    {"mvni v0.8h, #0x5a, lsl #8", 0x6f02a740,
     0xa5ffa5ffa5ffa5ff, 0xa5ffa5ffa5ffa5ff, 0},
    {"movi v0.2d, #0xff00ff0000ff00ff", 0x6f05e4a0,
     0xff00ff0000ff00ff, 0xff00ff0000ff00ff, 0},
    {"movi d0, #0xff00ff0000ff00ff", 0x2f05e4a0,
     0xff00ff0000ff00ff, 0, 0},
    {"movi v0.8b, #0x5a", 0x0f02e740,
     0x5a5a5a5a5a5a5a5a, 0, 0},
    {"orr v0.4s, #0x80, lsl #24", 0x4f047400,
     0x91111111a2222222, 0xb3333333c4444444, 0},
    {"bic v0.4h, #0xf", 0x2f0095e0,
     0x1110111022202220, 0, 0},
    {"fmov v0.4s, #-2.5", 0x4f04f480,
     0xc0200000c0200000, 0xc0200000c0200000, 0},
    {"fmov v0.2d, #0.125", 0x6f02f400,
     0x3fc0000000000000, 0x3fc0000000000000, 0},
    {"addv b0, v1.16b", 0x4e31b820,
     0xa1, 0, 0},
    {"uaddlv h0, v1.8b", 0x2e303820,
     0x20d, 0, 0},
    {"saddlv d0, v2.4s", 0x4eb03840,
     0xffffffff7f8a0104, 0, 0},
    {"sminv h0, v1.8h", 0x4e71a820,
     0x8000, 0, 0},
    {"umaxv b0, v1.8b", 0x2e30a820,
     0xff, 0, 0},
    {"fmaxv s0, v3.4s", 0x6e30f860,
     0x41200000, 0, 0},
    {"fminnmv s0, v3.4s", 0x6eb0c860,
     0xbf400000, 0, 0},
    {"faddp s0, v3.2s", 0x7e30d860,
     0x3fe00000, 0, 0},
    {"fmaxp d0, v4.2d", 0x7e70f880,
     0x3ff8000000000000, 0, 0},
    {"saddl v0.8h, v1.8b, v2.8b", 0x0e220020,
     0xd00040008, 0x80ff0000000003, 0},
    {"usubl2 v0.4s, v1.8h, v2.8h", 0x6e622020,
     0xffff1235ffff5679, 0, 0},
    {"saddw2 v0.2d, v1.2d, v2.4s", 0x4ea21020,
     0x7f80ff0102030404, 0x7fffffff92345678, 0},
    {"addhn v0.8b, v1.8h, v2.8h", 0x0e224020,
     0x125681000004, 0, 0},
    {"rsubhn2 v0.4s, v1.2d, v2.2d", 0x6ea26020,
     0x1111111122222222, 0xffffffff7e00fdfe, 0},
    {"uabal v0.8h, v1.8b, v2.8b", 0x2e225020,
     0x120d111822262224, 0x33b1333345424445, 0},
    {"smlal2 v0.4s, v1.8h, v2.8h", 0x4e628020,
     0x1110fedd2221cbaa, 0x7333333344444444, 0},
    {"umull v0.2d, v1.2s, v2.2s", 0x2ea2c020,
     0x1ff121b243b0c0f, 0xbf41ff0180ff02, 0},
    {"sqdmull v0.4s, v1.4h, v2.4h", 0x0e62d020,
     0xfff81c3c0000181e, 0x17e8000fffdfe04, 0},
    {"sqdmlsl2 v0.2d, v1.4s, v2.4s", 0x4ea2b020,
     0x11111111468acf12, 0xb333333344444445, FPSR_QC},
    {"sqdmlal s0, h1, h2", 0x5e629020,
     0x22223a40, 0, 0},
    {"pmull2 v0.8h, v1.16b, v2.16b", 0x4e22e020,
     0xe0e13ec32322828, 0x4000000000000000, 0},
    {"mla v0.8h, v1.8h, v2.h[7]", 0x6f720820,
     0x11119111a222a222, 0x3333333344444444, 0},
    {"smull2 v0.2d, v1.4s, v2.s[3]", 0x4fa2a820,
     0xf6e5d4c400000000, 0x4000000000000000, 0},
    {"sqrdmulh h0, h1, v2.h[1]", 0x5f52d020,
     0xfff0, 0, 0},
    {"sqdmull d0, s1, v2.s[1]", 0x5fa2b020,
     0x609101d141a14, 0, 0},
    {"fmul v0.4s, v3.4s, v3.s[1]", 0x4fa39060,
     0x3f100000bff00000, 0xc0960000c0f00000, 0},
    {"fmla d0, d4, v4.d[1]", 0x5fc41880,
     0xc018000000000000, 0, FPSR_IXC},
    {"sshr v0.16b, v1.16b, #8", 0x4f080420,
     0xffff0000000000, 0xff00000000000000, 0},
    {"usra v0.2d, v1.2d, #64", 0x6f401420,
     0x1111111122222222, 0x3333333344444444, 0},
    {"urshr v0.4s, v1.4s, #32", 0x6f202420,
     0x0, 0x100000000, 0},
    {"shl v0.8h, v1.8h, #15", 0x4f1f5420,
     0x800080008000, 0, 0},
    {"sli v0.4s, v1.4s, #4", 0x6f245420,
     0xf80ff01120304052, 0x323456784, 0},
    {"sri v0.16b, v1.16b, #4", 0x6f0c4420,
     0x17181f1020202020, 0x3830303041434547, 0},
    {"sqshlu v0.4h, v1.4h, #1", 0x2f116420,
     0xff0000000406080a, 0, FPSR_QC},
    {"shrn2 v0.16b, v1.8h, #4", 0x4f0c8420,
     0x1111111122222222, 0x2367f8f02040, 0},
    {"sqrshrun v0.8b, v1.8h, #3", 0x2f0d8c20,
     0xffffff004081, 0, FPSR_QC},
    {"uqshrn s0, d1, #32", 0x7f209420,
     0x7f80ff01, 0, 0},
    {"sshll2 v0.8h, v1.16b, #3", 0x4f0ba420,
     0x9001a002b003c0, 0xfc00000000000000, 0},
    {"scvtf v0.4s, v1.4s, #8", 0x4f38e420,
     0x4aff01fe4800c101, 0xcb0000004991a2b4, FPSR_IXC},
    {"fcvtzs v0.2d, v4.2d, #4", 0x4f7cfc80,
     0x18, 0xffffffffffffffc0, 0},
    {"abs v0.16b, v1.16b", 0x4e20b820,
     0x7f80010102030405, 0x8000000012345678, 0},
    {"neg d0, d1", 0x7ee0b820,
     0x807f00fefdfcfbfb, 0, 0},
    {"sqabs v0.2d, v1.2d", 0x4ee07820,
     0x7f80ff0102030405, 0x7fffffffedcba988, 0},
    {"suqadd v0.16b, v1.16b", 0x4e203820,
     0x7f7f7f1224252627, 0x7f33333356787f7f, FPSR_QC},
    {"usqadd b0, b1", 0x7e203820,
     0x27, 0, 0},
    {"cmle v0.8h, v1.8h, #0", 0x6e609820,
     0xffff00000000, 0xffffffff00000000, 0},
    {"clz v0.8h, v1.8h", 0x6e604820,
     0x1000000060005, 0x1000030001, 0},
    {"cls v0.4s, v1.4s", 0x4ea04820,
     0x5, 0x2, 0},
    {"cnt v0.16b, v1.16b", 0x4e205820,
     0x701080101020102, 0x100000002030404, 0},
    {"mvn v0.8b, v1.8b", 0x2e205820,
     0x807f00fefdfcfbfa, 0, 0},
    {"rbit v0.16b, v1.16b", 0x6e605820,
     0xfe01ff8040c020a0, 0x1000000482c6a1e, 0},
    {"uadalp v0.4h, v1.8b", 0x2e206820,
     0x121012112227222b, 0, 0},
    {"saddlp v0.2d, v1.4s", 0x4ea02820,
     0x81840306, 0xffffffff92345678, 0},
    {"xtn2 v0.16b, v1.8h", 0x4e212820,
     0x1111111122222222, 0x347880010305, 0},
    {"sqxtun h0, s1", 0x7e612820,
     0xffff, 0, FPSR_QC},
    {"uqxtn v0.4h, v1.4s", 0x2e614820,
     0xffffffffffffffff, 0, FPSR_QC},
    {"shll v0.2d, v1.2s, #32", 0x2ea13820,
     0x203040500000000, 0x7f80ff0100000000, 0},
    {"urecpe v0.4s, v1.4s", 0x4ea1c820,
     0xffffffffffffffff, 0xff800000ffffffff, 0},
    {"ursqrte v0.2s, v2.2s", 0x2ea1c840,
     0xffffffff80800000, 0, 0},
    {"fadd v0.4s, v3.4s, v3.4s", 0x4e23d460,
     0xbfc0000040a00000, 0x4148000041a00000, 0},
    {"fsub v0.2s, v3.2s, v1.2s", 0x0ea1d460,
     0x7fc0ff0140200000, 0, FPSR_IXC | FPSR_IOC},
    {"fdiv v0.2d, v4.2d, v4.2d", 0x6e64fc80,
     0x3ff0000000000000, 0x3ff0000000000000, 0},
    {"fmls v0.2d, v4.2d, v4.2d", 0x4ee4cc80,
     0xc002000000000000, 0xc030000000000000, FPSR_IXC},
    {"fmaxnm v0.4s, v1.4s, v3.4s", 0x4e23c420,
     0x7fc0ff0140200000, 0x40c8000041200000, FPSR_IOC},
    {"fmulx s0, s3, s3", 0x5e23dc60,
     0x40c80000, 0, 0},
    {"frecps v0.2d, v4.2d, v4.2d", 0x4e64fc80,
     0xbfd0000000000000, 0xc02c000000000000, 0},
    {"frsqrts d0, d4, d4", 0x5ee4fc80,
     0x3fd8000000000000, 0, 0},
    {"fabd v0.4s, v3.4s, v1.4s", 0x6ea1d460,
     0x7fc0ff0140200000, 0x40c8000041200000, FPSR_IXC | FPSR_IOC},
    {"fcmge v0.4s, v3.4s, v2.4s", 0x6e22e460,
     0xffffffff, 0xffffffff00000000, FPSR_IOC},
    {"facgt d0, d4, d1", 0x7ee1ec80,
     0x0, 0, 0},
    {"faddp v0.4s, v3.4s, v3.4s", 0x6e23d460,
     0x418200003fe00000, 0x418200003fe00000, 0},
    {"fminp v0.2s, v3.2s, v3.2s", 0x2ea3f460,
     0xbf400000bf400000, 0, 0},
    {"fabs v0.2d, v4.2d", 0x4ee0f880,
     0x3ff8000000000000, 0x4010000000000000, 0},
    {"fneg v0.2s, v3.2s", 0x2ea0f860,
     0x3f400000c0200000, 0, 0},
    {"fsqrt v0.4s, v3.4s", 0x6ea1f860,
     0x7fc000003fca62c2, 0x40200000404a62c2, FPSR_IXC | FPSR_IOC},
    {"fcmlt v0.4s, v3.4s, #0.0", 0x4ea0e860,
     0xffffffff00000000, 0, 0},
    {"frinta v0.4s, v3.4s", 0x6e218860,
     0xbf80000040400000, 0x40c0000041200000, 0},
    {"frintx v0.2s, v3.2s", 0x2e219860,
     0xbf80000040000000, 0, FPSR_IXC},
    {"fcvtps v0.4s, v3.4s", 0x4ea1a860,
     0x3, 0x70000000a, FPSR_IXC},
    {"fcvtzu d0, d4", 0x7ee1b880,
     0x1, 0, FPSR_IXC},
    {"ucvtf v0.2d, v1.2d", 0x6e61d820,
     0x43dfe03fc04080c1, 0x43e000000002468b, FPSR_IXC},
    {"frecpe v0.4s, v3.4s", 0x4ea1d860,
     0xbfaa80003ecc8000, 0x3e2380003dcc8000, 0},
    {"frsqrte d0, d4", 0x7ee1d880,
     0x3fea200000000000, 0, 0},
    {"frecpx s0, s3", 0x5ea1f860,
     0x3f800000, 0, 0},
    {"fcvtl v0.4s, v1.4h", 0x0e217820,
     0x3800c0003880a000, 0x7ff00000ffe02000, 0},
    {"fcvtn2 v0.4s, v4.2d", 0x4e616880,
     0x1111111122222222, 0xc08000003fc00000, 0},
    {"fcvtn v0.4h, v3.4s", 0x0e216860,
     0x46404900ba004100, 0, 0},
    {"fcvtxn s0, d4", 0x7e616880,
     0x3fc00000, 0, 0},
};
/* clang-format on */

static InterpCpu *start(void)
{
    InterpCpu *cpu = g_new0(InterpCpu, 1);

    memcpy(cpu->v, operands, sizeof(operands));
    cpu->v[31] = v31;
    cpu->x[1] = X1;
    return cpu;
}

static void run(InterpCpu *cpu, uint32_t insn)
{
    Op ops[OPS_PER_INSN];
    uint8_t insn_of[OPS_PER_INSN];
    Translator t = {.ops = ops, .insn_of = insn_of, .fp_checked = true};

    a64_translate(&t, insn);
    g_assert_false(t.ends);
    g_assert_true(ops[0].code == OP_CALL || ops[0].code == OP_CALLD);
    g_assert_true(((OpFn *)(uintptr_t)ops[0].imm)(cpu, &ops[0]));
}

static void test_known(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(known); i++) {
        const Known *k = &known[i];
        g_autofree InterpCpu *cpu = start();

        run(cpu, k->insn);
        if (cpu->v[0].d[0] != k->low || cpu->v[0].d[1] != k->high ||
            cpu->fp.fpsr != k->fpsr) {
            g_error("%s: 0x%" PRIx64 " 0x%" PRIx64 ", flags 0x%x", k->text,
                    cpu->v[0].d[0], cpu->v[0].d[1], cpu->fp.fpsr);
        }
        g_assert_cmpmem(&cpu->v[1], sizeof(VReg) * 4, &operands[1],
                        sizeof(VReg) * 4);
    }
}

/* Rd as Rn or Rm: operands are read before anything is written. */
static void test_same_register(void)
{
    static const struct {
        uint32_t insn;
        uint64_t low;
        uint64_t high;
    } cases[] = {
        /* zip1 v0.8b, v0.8b, v0.8b */
        {0x0e003800, 0x2222222222222222, 0},
        /* ext v0.16b, v0.16b, v1.16b, #8 */
        {0x6e014000, 0x3333333344444444, 0x7f80ff0102030405},
        /* addp v0.4s, v1.4s, v0.4s */
        {0x4ea0bc20, 0x9234567881840306, 0x7777777733333333},
        /* mul v0.4s, v0.4s, v0.s[0] */
        {0x4f808000, 0x0eca86421d950c84, 0x2c5f92c63b2a1908},
        /* uaddl v0.2d, v0.2s, v0.2s */
        {0x2ea00000, 0x44444444, 0x22222222},
        /* tbl v0.16b, {v31.16b, v0.16b}, v0.16b */
        {0x4e0023e0, 0x2222222200000000, 0},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree InterpCpu *cpu = start();

        run(cpu, cases[i].insn);
        g_assert_cmphex(cpu->v[0].d[0], ==, cases[i].low);
        g_assert_cmphex(cpu->v[0].d[1], ==, cases[i].high);
    }
}

/* Lanes to general registers, the zero register among them. */
static void test_to_general(void)
{
    g_autofree InterpCpu *cpu = start();

    run(cpu, 0x0e0d3c22 /* umov w2, v1.b[6] */);
    g_assert_cmphex(cpu->x[2], ==, 0x80);
    run(cpu, 0x0e0d2c22 /* smov w2, v1.b[6] */);
    g_assert_cmphex(cpu->x[2], ==, 0xffffff80);
    run(cpu, 0x4e0d2c22 /* smov x2, v1.b[6] */);
    g_assert_cmphex(cpu->x[2], ==, 0xffffffffffffff80);
    run(cpu, 0x4e183c22 /* mov x2, v1.d[1] */);
    g_assert_cmphex(cpu->x[2], ==, 0x8000000012345678);
    run(cpu, 0x4e183c3f /* mov xzr, v1.d[1] */);
    g_assert_cmphex(cpu->x[X_ZR], ==, 0);
    run(cpu, 0x4e081fe0 /* mov v0.d[0], xzr */);
    g_assert_cmphex(cpu->v[0].d[0], ==, 0);
}

/* FPSR.QC stays, and lanes that take no part leave it alone. */
static void test_saturation(void)
{
    g_autofree InterpCpu *cpu = start();

    cpu->v[1] = (VReg){.d = {0, INT64_MIN}};
    run(cpu, 0x0ea07820 /* sqabs v0.2s, v1.2s */);
    run(cpu, 0x5e207820 /* sqabs b0, b1 */);
    run(cpu, 0x0e214820 /* sqxtn v0.8b, v1.8h: of all of v1 */);
    g_assert_cmphex(cpu->fp.fpsr, ==, FPSR_QC);
    cpu->fp.fpsr = 0;
    run(cpu, 0x5e214820 /* sqxtn b0, h1 */);
    g_assert_cmphex(cpu->fp.fpsr, ==, 0);
    run(cpu, 0x4ee07820 /* sqabs v0.2d, v1.2d */);
    run(cpu, 0x4e228420 /* add v0.16b, v1.16b, v2.16b */);
    g_assert_cmphex(cpu->fp.fpsr, ==, FPSR_QC);
}

/* The upper lanes of a shorter form raise no floating-point flag. */
static void test_flags(void)
{
    g_autofree InterpCpu *cpu = start();

    cpu->v[1] = (VReg){.s = {0x3f800000, 0x3f800000, 0, 0}};
    run(cpu, 0x2e21fc20 /* fdiv v0.2s, v1.2s, v1.2s */);
    g_assert_cmphex(cpu->fp.fpsr, ==, 0);
    g_assert_cmphex(cpu->v[0].d[0], ==, 0x3f8000003f800000);
    g_assert_cmphex(cpu->v[0].d[1], ==, 0);
    run(cpu, 0x6e21fc20 /* fdiv v0.4s, v1.4s, v1.4s */);
    g_assert_cmphex(cpu->fp.fpsr, ==, FPSR_IOC);
}

/* Sizes that an instruction has not got, and lanes of 64 bits without Q. */
static void test_reserved(void)
{
    static const uint32_t insns[] = {
        0x0ee28420, /* ADD, 1D */
        0x5ea28420, /* scalar ADD, S */
        0x4ee29c20, /* MUL, 2D */
        0x6e629c20, /* PMUL, 8H */
        0x4e22b420, /* SQDMULH, 16B */
        0x5e22b420, /* scalar, B */
        0x4ee20420, /* SHADD, 2D */
        0x0ec23820, /* ZIP1, 1D */
        0x2e024020, /* EXT, 8B, from byte 8 on */
        0x0e000420, /* DUP, imm5 = 0 */
        0x0e080420, /* DUP, 1D */
        0x4e100420, /* DUP, imm5 = 16 */
        0x4e043c20, /* UMOV of 32 bits to an X register */
        0x0e083c20, /* UMOV of 64 bits to a W register */
        0x0e042c20, /* SMOV of 32 bits to a W register */
        0x4e101c20, /* INS, imm5 = 16 */
        0x6e100420, /* INS (element), imm5 = 16 */
        0x0eb1b820, /* ADDV, 2S */
        0x4ef1b820, /* ADDV, 2D */
        0x4ee20020, /* SADDL of 64 bits */
        0x0e22d020, /* SQDMULL of bytes */
        0x0ee2e020, /* PMULL of 64 bits: another extension's */
        0x2f000020, /* MLA by element, of bytes */
        0x4fe29020, /* FMUL by element of 2D, L set */
        0x0fc29020, /* FMUL by element, 1D */
        0x0f400420, /* SSHR, 1D */
        0x5f200420, /* SSHR, scalar, S */
        0x0f000420 | 1 << 11 | 1 << 14, /* immh = 0 */
        0x4f408420,                     /* SHRN to 64 bits */
        0x0f40a420,                     /* SSHLL of 64 bits */
        0x0f08e420,                     /* SCVTF, fixed-point, of bytes */
        0x4ee00820,                     /* REV64, 2D */
        0x6ea00820,                     /* REV32, 4S */
        0x4e601820,                     /* REV16, 8H */
        0x4e605820,                     /* CNT, 8H */
        0x4ee04820,                     /* CLS, 2D */
        0x0ee0b820,                     /* ABS, 1D */
        0x5ea0b820,                     /* scalar ABS, S */
        0x4ee12820,                     /* XTN to 64 bits */
        0x0e62d420,                     /* FADD, 1D */
        0x0ee0f820,                     /* FABS, 1D */
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(insns); i++) {
        Op ops[OPS_PER_INSN];
        uint8_t insn_of[OPS_PER_INSN];
        Translator t = {.ops = ops, .insn_of = insn_of, .fp_checked = true};

        a64_translate(&t, insns[i]);
        if (!t.ends) {
            g_error("0x%08x is a %s", insns[i], a64_find(insns[i])->name);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/simd/known", test_known);
    g_test_add_func("/simd/same-register", test_same_register);
    g_test_add_func("/simd/to-general", test_to_general);
    g_test_add_func("/simd/saturation", test_saturation);
    g_test_add_func("/simd/flags", test_flags);
    g_test_add_func("/simd/reserved", test_reserved);
    return g_test_run();
}
