/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * op-atomic.c: FEAT_LSE by value, its faults, and that increments of two
 * vCPUs, each by a thread of its own, are all there in the end, whatever
 * instructions make them.
 */

#include <pthread.h>

#include "interp-program.h"
#include "translate-cases.h"

#define FSC_ALIGNMENT 0x21
#define FSC_ATOMIC 0x35 /* unsupported exclusive or atomic access */

/* ---- one vCPU ---- */

typedef struct Atomic {
    uint32_t insn; /* of Xs = X1, Xt = X3, [X2] */
    uint64_t operand;
    uint64_t before;
    uint64_t after;
    uint64_t result;
} Atomic;

#define HIGH UINT64_C(0x8000000000000000)

static void test_values(void)
{
    static const Atomic atomics[] = {
        {0xf8210043 /* ldadd x1, x3, [x2] */, 2, UINT64_MAX, 1, UINT64_MAX},
        {0xb8e10043 /* ldaddal w1, w3, [x2] */, 2, UINT64_MAX,
         0xffffffff00000001, 0xffffffff},
        {0x78210043 /* ldaddh w1, w3, [x2] */, 0x10001, 0xffff, 0, 0xffff},
        {0x38a10043 /* ldaddab w1, w3, [x2] */, 1, 0xffff, 0xff00, 0xff},
        {0xf8211043 /* ldclr x1, x3, [x2] */, 0xf0, 0xff, 0x0f, 0xff},
        {0xf8612043 /* ldeorl x1, x3, [x2] */, 0xf0, 0xff, 0x0f, 0xff},
        {0xb8213043 /* ldset w1, w3, [x2] */, 0xf0, 0x0f, 0xff, 0x0f},
        {0xf8214043 /* ldsmax x1, x3, [x2] */, HIGH, 1, 1, 1},
        {0xf8215043 /* ldsmin x1, x3, [x2] */, HIGH, 1, HIGH, 1},
        {0xf8216043 /* ldumax x1, x3, [x2] */, HIGH, 1, HIGH, 1},
        {0xf8217043 /* ldumin x1, x3, [x2] */, HIGH, 1, 1, 1},
        {0x38214043 /* ldsmaxb w1, w3, [x2] */, 0x80, 0x101, 0x101, 1},
        {0x38215043 /* ldsminb w1, w3, [x2] */, 0x80, 0x101, 0x180, 1},
        {0x38216043 /* ldumaxb w1, w3, [x2] */, 0x80, 0x101, 0x180, 1},
        {0x78217043 /* lduminh w1, w3, [x2] */, 0x18000, 0xffff, 0x8000,
         0xffff},
        {0x78214043 /* ldsmaxh w1, w3, [x2] */, 0x7fff, 0x8000, 0x7fff, 0x8000},
        {0xb8215043 /* ldsmin w1, w3, [x2] */, 0x80000000, 0, 0x80000000, 0},
        {0xf8218043 /* swp x1, x3, [x2] */, 5, 6, 5, 6},
        {0x38e18043 /* swpalb w1, w3, [x2] */, 0x5555, 0x6666, 0x6655, 0x66},
        {0xb821005f /* stadd w1, [x2] */, 5, 6, 11, 0xdead},
    };
    World w;

    world_init(&w);
    for (unsigned i = 0; i < G_N_ELEMENTS(atomics); i++) {
        const Atomic *a = &atomics[i];

        w.cpu->x[1] = a->operand;
        w.cpu->x[2] = DATA;
        w.cpu->x[3] = 0xdead;
        program_set_data(&w, 0, a->before);
        g_assert_cmphex(program_run(&w, &a->insn, 1), ==, EC_BRK);
        g_assert_cmphex(program_data(&w, 0), ==, a->after);
        g_assert_cmphex(w.cpu->x[3], ==, a->result);
        g_assert_cmphex(w.cpu->x[1], ==, a->operand);
    }
    world_finish(&w);
}

static void test_cas(void)
{
    World w;
    InterpCpu *cpu;

    world_init(&w);
    cpu = w.cpu;
    cpu->x[2] = DATA;
    cpu->x[3] = UINT64_C(0x1122334455667788);
    program_set_data(&w, 0, UINT64_C(0x8182838485868788));
    g_assert_cmphex(PROGRAM_RUN(&w, 0xc8aa7c43 /* cas x10, x3, [x2] */,
                                0xaa0a03eb /* mov x11, x10 */,
                                0xc8ab7c43 /* cas x11, x3, [x2] */,
                                0x529ff10c /* mov w12, #0xff88 */,
                                0x08ec7c5f /* casab w12, wzr, [x2] */,
                                0x528ee00d /* mov w13, #0x7700 */,
                                0x48edfc42 /* casalh w13, w2, [x2] */,
                                0x9280000e /* mov x14, #-1 */,
                                0x88aefc43 /* casl w14, w3, [x2] */,
                                0x88bf7c43 /* cas wzr, w3, [x2] */),
                    ==, EC_BRK);
    g_assert_cmphex(cpu->x[10], ==, 0x8182838485868788);
    g_assert_cmphex(cpu->x[11], ==, 0x8182838485868788);
    g_assert_cmphex(cpu->x[12], ==, 0x88);
    g_assert_cmphex(cpu->x[13], ==, 0x7700);
    g_assert_cmphex(cpu->x[14], ==, 0x55660000);
    g_assert_cmphex(program_data(&w, 0), ==, 0x1122334455660000);
    g_assert_cmphex(cpu->x[X_ZR], ==, 0);
    world_finish(&w);
}

static void test_casp(void)
{
    World w;
    InterpCpu *cpu;

    world_init(&w);
    cpu = w.cpu;
    cpu->x[2] = DATA;
    cpu->x[30] = 1;
    for (unsigned i = 0; i < 4; i++) {
        program_set_data(&w, i * 8, i + 1);
        cpu->x[4 + i] = i + 1;
        cpu->x[8 + i] = 0x10 + i;
    }
    g_assert_cmphex(PROGRAM_RUN(&w,
                                0x4864fc48 /* caspal x4, x5, x8, x9, [x2] */,
                                0x48267c48 /* casp x6, x7, x8, x9, [x2] */,
                                0x91004042 /* add x2, x2, #16 */,
                                0x086a7c48 /* caspa w10, w11, w8, w9, [x2] */,
                                0x483e7c48 /* casp x30, xzr, x8, x9, [x2] */),
                    ==, EC_BRK);
    g_assert_cmphex(program_data(&w, 0), ==, 0x10);
    g_assert_cmphex(program_data(&w, 8), ==, 0x11);
    g_assert_cmphex(cpu->x[4], ==, 1);
    g_assert_cmphex(cpu->x[5], ==, 2);
    g_assert_cmphex(cpu->x[6], ==, 0x10);
    g_assert_cmphex(cpu->x[7], ==, 0x11);
    g_assert_cmphex(cpu->x[10], ==, 3);
    g_assert_cmphex(cpu->x[11], ==, 0);
    g_assert_cmphex(cpu->x[30], ==, 3);
    g_assert_cmphex(cpu->x[X_ZR], ==, 0);
    g_assert_cmphex(program_data(&w, 16), ==, 3);
    world_finish(&w);
}

/* The pairs of CASP begin with an even register. */
static void test_reserved(void)
{
    static const uint32_t insns[] = {0x48217c82, 0x48207c83, 0x08217c82};

    check_reserved(insns, G_N_ELEMENTS(insns));
}

static void check_abort(World *w, uint32_t insn, uint32_t iss)
{
    g_assert_cmphex(program_run(w, &insn, 1), ==, EC_DABT);
    g_assert_cmphex(w->cpu->sys.esr_el1 & 0x7f, ==, iss);
    g_assert_cmphex(w->cpu->sys.far_el1, ==, w->cpu->x[2]);
}

static void test_faults(void)
{
    static const uint32_t insns[] = {
        0xf8210043 /* ldadd x1, x3, [x2] */, 0x78218043 /* swph w1, w3, [x2] */,
        0x88a17c43 /* cas w1, w3, [x2] */,
        0x48247c46 /* casp x4, x5, x6, x7, [x2] */,
        0x08247c46 /* casp w4, w5, w6, w7, [x2] */
    };
    World w;

    world_init(&w);
    for (unsigned i = 0; i < G_N_ELEMENTS(insns); i++) {
        w.cpu->x[2] = DATA + 1;
        check_abort(&w, insns[i], FSC_ALIGNMENT);
        w.cpu->x[2] = UINT64_C(0x10000000);
        check_abort(&w, insns[i], FSC_ATOMIC | ISS_WNR);
    }
    g_assert_cmphex(w.cpu->x[3], ==, 0);
    world_finish(&w);
}

/* What a read would have raised, too, is said to be a read's. */
static void test_fault_is_reads(void)
{
    const uint64_t block = RAM_BASE | 1 | 3 << 8 | 1 << 10;
    const uint64_t read_only = block | 1 << 7;
    World w;
    InterpCpu *cpu;

    world_init(&w);
    cpu = w.cpu;
    memcpy(world_ram(&w, TABLES + 8), &read_only, 8);
    cpu->sys.ttbr0_el1 = TABLES;
    cpu->sys.tcr_el1 = 32 | 1ull << 23;
    cpu->sys.mair_el1 = 0xff;
    cpu->sys.sctlr_el1 |= SCTLR_M;
    tlb_flush_all(cpu);
    cpu->x[2] = UINT64_C(0x10000000);
    check_abort(&w, 0xf8210043 /* ldadd x1, x3, [x2] */, 0x05);
    cpu->x[2] = DATA;
    check_abort(&w, 0xf8210043 /* ldadd x1, x3, [x2] */, 0x0d | ISS_WNR);
    world_finish(&w);
}

/* ---- two vCPUs ---- */

enum { COUNT = 20000 };

typedef struct Counter {
    InterpCpu *cpu;
    pthread_t thread;
} Counter;

static void *count_thread(void *opaque)
{
    InterpCpu *cpu = opaque;

    work_enter_guest(cpu);
    cpu->pc = PROGRAM;
    while (!program_ended(cpu)) {
        Block *block = block_find(cpu);

        cpu_post(cpu, EVENT_STOP);
        cpu_execute(cpu, block);
        work_run(cpu);
    }
    work_leave_guest(cpu);
    return NULL;
}

/* Both run @code, of which each turn of a loop adds one at DATA and after. */
static void check_count(const uint32_t *code, unsigned n, unsigned words)
{
    Counter counters[2];
    World w;

    world_init(&w);
    memcpy(world_ram(&w, PROGRAM), code, n * 4);
    memcpy(world_ram(&w, PROGRAM + n * 4), &(uint32_t){BRK}, 4);
    for (unsigned i = 0; i < 2; i++) {
        InterpCpu *cpu = w.cpus[i];

        cpu->x[0] = COUNT;
        cpu->x[1] = 1;
        cpu->x[2] = DATA;
        counters[i].cpu = cpu;
        g_assert_false(
            pthread_create(&counters[i].thread, NULL, count_thread, cpu));
    }
    for (unsigned i = 0; i < 2; i++) {
        pthread_join(counters[i].thread, NULL);
        g_assert_cmphex(counters[i].cpu->sys.esr_el1 >> 26, ==, EC_BRK);
    }
    for (unsigned i = 0; i < words; i++) {
        g_assert_cmpuint(program_data(&w, i * 8), ==, 2 * COUNT);
    }
    world_finish(&w);
}

#define COUNT_BY(words, ...)                                                \
    check_count((const uint32_t[]){__VA_ARGS__},                            \
                sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), \
                (words))

static void test_count(void)
{
    COUNT_BY(1, 0xf8210043 /* ldadd x1, x3, [x2] */,
             0xd1000400 /* sub x0, x0, #1 */, 0xb5ffffc0 /* cbnz x0, .-8 */);
    COUNT_BY(
        1, 0xc85ffc43 /* ldaxr x3, [x2] */, 0x91000463 /* add x3, x3, #1 */,
        0xc804fc43 /* stlxr w4, x3, [x2] */, 0x35ffffa4 /* cbnz w4, .-12 */,
        0xd1000400 /* sub x0, x0, #1 */, 0xb5ffff60 /* cbnz x0, .-20 */);
    COUNT_BY(1, 0xf9400043 /* ldr x3, [x2] */, 0xaa0303e4 /* mov x4, x3 */,
             0x91000465 /* add x5, x3, #1 */, 0xc8a47c45 /* cas x4, x5, [x2] */,
             0xeb04007f /* cmp x3, x4 */, 0x54ffff61 /* b.ne .-20 */,
             0xd1000400 /* sub x0, x0, #1 */, 0xb5ffff20 /* cbnz x0, .-28 */);
}

static void test_count_pairs(void)
{
    COUNT_BY(2, 0xc87f1444 /* ldxp x4, x5, [x2] */,
             0x91000484 /* add x4, x4, #1 */, 0x910004a5 /* add x5, x5, #1 */,
             0xc8261444 /* stxp w6, x4, x5, [x2] */,
             0x35ffff86 /* cbnz w6, .-16 */, 0xd1000400 /* sub x0, x0, #1 */,
             0xb5ffff40 /* cbnz x0, .-24 */);
    COUNT_BY(2, 0xa9401444 /* ldp x4, x5, [x2] */, 0xaa0403e6 /* mov x6, x4 */,
             0xaa0503e7 /* mov x7, x5 */, 0x91000488 /* add x8, x4, #1 */,
             0x910004a9 /* add x9, x5, #1 */,
             0x4866fc48 /* caspal x6, x7, x8, x9, [x2] */,
             0xeb06009f /* cmp x4, x6 */, 0xfa4700a0 /* ccmp x5, x7, #0, eq */,
             0x54ffff01 /* b.ne .-32 */, 0xd1000400 /* sub x0, x0, #1 */,
             0xb5fffec0 /* cbnz x0, .-40 */);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/op-atomic/values", test_values);
    g_test_add_func("/op-atomic/cas", test_cas);
    g_test_add_func("/op-atomic/casp", test_casp);
    g_test_add_func("/op-atomic/reserved", test_reserved);
    g_test_add_func("/op-atomic/faults", test_faults);
    g_test_add_func("/op-atomic/fault-is-reads", test_fault_is_reads);
    g_test_add_func("/op-atomic/count", test_count);
    g_test_add_func("/op-atomic/count-pairs", test_count_pairs);
    return g_test_run();
}
