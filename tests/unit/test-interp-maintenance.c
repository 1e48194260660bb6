/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AT, TLBI, DC and IC of the software CPU: who may, what they find, and what
 * they ask of the other vCPU.
 */
#include "interp-world.h"

#include "../../accel/interp/maintenance.h"
#include "accel/soft-gic.h"

#define VA UINT64_C(0x10000000)
#define PA (RAM_BASE + 0x100000)
#define L3 (TABLES + 0x2000)
#define PAGE 0x403u
#define USER (1u << 6)
#define RO (1u << 7)
#define DEVICE (1u << 2)
#define NORMAL_NC (2u << 2)
#define INNER (3u << 8)

#define EL0 0u
#define EL1_PAN (5u | 1u << 22)
#define EL1 5u

#define IC_IALLUIS SYSREG(1, 0, 7, 1, 0)
#define IC_IALLU SYSREG(1, 0, 7, 5, 0)
#define IC_IVAU SYSREG(1, 3, 7, 5, 1)
#define DC_IVAC SYSREG(1, 0, 7, 6, 1)
#define DC_ISW SYSREG(1, 0, 7, 6, 2)
#define DC_CVAC SYSREG(1, 3, 7, 10, 1)
#define DC_CVAU SYSREG(1, 3, 7, 11, 1)
#define DC_CIVAC SYSREG(1, 3, 7, 14, 1)
#define DC_CSW SYSREG(1, 0, 7, 10, 2)
#define DC_CISW SYSREG(1, 0, 7, 14, 2)
#define DC_ZVA SYSREG(1, 3, 7, 4, 1)
#define AT_S1E1R SYSREG(1, 0, 7, 8, 0)
#define AT_S1E1W SYSREG(1, 0, 7, 8, 1)
#define AT_S1E0R SYSREG(1, 0, 7, 8, 2)
#define AT_S1E0W SYSREG(1, 0, 7, 8, 3)
#define AT_S1E1RP SYSREG(1, 0, 7, 9, 0)
#define TLBI_IS(op2) SYSREG(1, 0, 8, 3, op2)
#define TLBI(op2) SYSREG(1, 0, 8, 7, op2)
enum { VMALLE1 = 0, VAE1 = 1, ASIDE1 = 2, VAAE1 = 3, VALE1 = 5, VAALE1 = 7 };

static World world;

static uint64_t *table(uint64_t pa)
{
    return (uint64_t *)world_ram(&world, pa);
}

static void map(unsigned page, uint64_t pa, uint64_t flags)
{
    table(L3)[page] = pa | flags | PAGE;
}

static InterpCpu *begin(void)
{
    InterpCpu *cpu;

    world_init(&world);
    table(TABLES)[VA >> 30] = (TABLES + 0x1000) | 3;
    table(TABLES + 0x1000)[VA >> 21 & 511] = L3 | 3;
    for (unsigned i = 0; i < 2; i++) {
        cpu = world.cpus[i];
        cpu->sys.ttbr0_el1 = TABLES;
        cpu->sys.tcr_el1 = 25 | 1u << 23 | UINT64_C(2) << 32;
        cpu->sys.mair_el1 = 0x4404ff;
        cpu->sys.sctlr_el1 |= SCTLR_M;
        work_run(cpu);
        tlb_flush_all(cpu);
    }
    return world.cpu;
}

static void end(void)
{
    world_finish(&world);
}

static bool run(InterpCpu *cpu, uint32_t encoding, uint64_t arg)
{
    const SysInsn *insn = sys_find(encoding);
    Op *op = &world.block->ops[4];

    g_assert_nonnull(insn);
    op->rd = 7;
    op->sub = encoding;
    cpu->x[7] = arg;
    return insn->fn(cpu, op);
}

static void assert_raised(InterpCpu *cpu, uint32_t pstate, uint32_t esr)
{
    g_assert_cmphex(cpu->sys.esr_el1, ==, esr);
    g_assert_cmphex(cpu->sys.elr_el1, ==, OP_PC);
    cpu_set_pstate(cpu, pstate);
}

/* ---- AT ---- */

static void assert_par(InterpCpu *cpu, uint32_t encoding, uint64_t va,
                       uint64_t par)
{
    g_assert_true(run(cpu, encoding, va));
    g_assert_cmphex(cpu->sys.par_el1, ==, par);
}

/* PAR_EL1 of a fault: bit 11 is 1, F is 1. */
static uint64_t fault_par(unsigned fault)
{
    return 0x801 | fault << 1;
}

/* PAR_EL1 of a page: bit 11 and NS are 1. */
static uint64_t page_par(uint64_t pa, uint64_t attr, uint64_t sh)
{
    return attr << 56 | pa | 0xa00 | sh << 7;
}

static void test_at(void)
{
    InterpCpu *cpu = begin();

    map(0, PA, USER | INNER);
    map(1, PA + 0x5000, RO | DEVICE);
    map(2, PA, USER | RO | NORMAL_NC | INNER);
    assert_par(cpu, AT_S1E1R, VA + 0x123, page_par(PA, 0xff, 3));
    assert_par(cpu, AT_S1E0W, VA + 0x123, page_par(PA, 0xff, 3));
    assert_par(cpu, AT_S1E1R, VA + 0x1000, page_par(PA + 0x5000, 0x04, 2));
    assert_par(cpu, AT_S1E1W, VA + 0x1000, fault_par(0x0f));
    assert_par(cpu, AT_S1E0R, VA + 0x1000, fault_par(0x0f));
    assert_par(cpu, AT_S1E0R, VA + 0x2000, page_par(PA, 0x44, 2));
    assert_par(cpu, AT_S1E0W, VA + 0x2000, fault_par(0x0f));
    assert_par(cpu, AT_S1E1R, VA + 0x3000, fault_par(0x07));
    assert_par(cpu, AT_S1E1R, VA + 0x200000, fault_par(0x06));
    assert_par(cpu, AT_S1E1R, VA << 32, fault_par(0x04));
    /* PAN is nothing to it. */
    cpu_set_pstate(cpu, EL1_PAN);
    assert_par(cpu, AT_S1E1R, VA, page_par(PA, 0xff, 3));
    end();
}

static void test_at_off(void)
{
    InterpCpu *cpu = begin();

    cpu->sys.sctlr_el1 &= ~(uint64_t)SCTLR_M;
    assert_par(cpu, AT_S1E0W, 0x12345678, page_par(0x12345000, 0, 2));
    assert_par(cpu, AT_S1E1R, UINT64_C(1) << 41, fault_par(0));
    end();
}

/* It looks at the tables, not at what the TLB has of them. */
static void test_at_fresh(void)
{
    InterpCpu *cpu = begin();
    uint64_t value;

    map(0, PA, 0);
    g_assert_true(mem_load(cpu, world.op, VA, 8, &value));
    map(0, PA + 0x1000, 0);
    assert_par(cpu, AT_S1E1R, VA, page_par(PA + 0x1000, 0xff, 0));
    end();
}

/* A table where no memory is: no result, an abort of the instruction. */
static void test_at_abort(void)
{
    InterpCpu *cpu = begin();

    table(TABLES + 0x1000)[1] = 0x1000 | 3;
    cpu->sys.par_el1 = 0x77;
    g_assert_false(run(cpu, AT_S1E1R, 0x200000));
    g_assert_cmphex(cpu->sys.far_el1, ==, 0x200000);
    /* The table of the first GiB is VA's, too. */
    assert_raised(cpu, EL1, 0x96000157);
    g_assert_cmphex(cpu->sys.par_el1, ==, 0x77);
    g_assert_null(sys_find(AT_S1E1RP));
    end();
}

/* ---- who may ---- */

static void test_el1_only(void)
{
    static const uint32_t insns[] = {
        IC_IALLUIS,     IC_IALLU,        DC_IVAC,          DC_ISW,
        DC_CSW,         DC_CISW,         AT_S1E1R,         AT_S1E1W,
        AT_S1E0R,       AT_S1E0W,        TLBI(VMALLE1),    TLBI(VAE1),
        TLBI(ASIDE1),   TLBI(VAAE1),     TLBI(VALE1),      TLBI(VAALE1),
        TLBI_IS(VAE1),  TLBI_IS(ASIDE1), TLBI_IS(VMALLE1), TLBI_IS(VAALE1),
        TLBI_IS(VAAE1), TLBI_IS(VALE1)};
    InterpCpu *cpu = begin();

    map(0, PA, USER);
    cpu->sys.sctlr_el1 |= SCTLR_UCI | SCTLR_DZE;
    for (unsigned i = 0; i < G_N_ELEMENTS(insns); i++) {
        cpu_set_pstate(cpu, EL0);
        atomic_store(&world.cpus[1]->event, 0);
        g_assert_false(run(cpu, insns[i], VA));
        assert_raised(cpu, EL1, 0x02000000);
        g_assert_cmphex(atomic_load(&world.cpus[1]->event), ==, 0);
        g_assert_true(run(cpu, insns[i], VA));
    }
    end();
}

typedef struct Gate {
    uint32_t encoding;
    uint32_t bit;
    uint32_t esr; /* of the trap: op2, op1, CRn, Rt, CRm, a write */
} Gate;

static void test_gates(void)
{
    static const Gate gates[] = {{IC_IVAU, SCTLR_UCI, 0x6212dcea},
                                 {DC_CVAC, SCTLR_UCI, 0x6212dcf4},
                                 {DC_CVAU, SCTLR_UCI, 0x6212dcf6},
                                 {DC_CIVAC, SCTLR_UCI, 0x6212dcfc},
                                 {DC_ZVA, SCTLR_DZE, 0x6212dce8}};
    InterpCpu *cpu = begin();

    map(0, PA, USER);
    for (unsigned i = 0; i < G_N_ELEMENTS(gates); i++) {
        cpu->sys.sctlr_el1 &= ~(uint64_t)(SCTLR_UCI | SCTLR_DZE);
        g_assert_true(run(cpu, gates[i].encoding, VA));
        cpu_set_pstate(cpu, EL0);
        g_assert_false(run(cpu, gates[i].encoding, VA));
        assert_raised(cpu, EL0, gates[i].esr);
        cpu->sys.sctlr_el1 |= gates[i].bit;
        g_assert_true(run(cpu, gates[i].encoding, VA));
        cpu_set_pstate(cpu, EL1);
    }
    end();
}

/* ---- by address ---- */

static void test_dc_faults(void)
{
    static const uint32_t insns[] = {IC_IVAU, DC_CVAC, DC_CVAU, DC_CIVAC};
    InterpCpu *cpu = begin();

    map(0, PA, 0);
    cpu->sys.sctlr_el1 |= SCTLR_UCI;
    for (unsigned i = 0; i < G_N_ELEMENTS(insns); i++) {
        cpu_set_pstate(cpu, EL0);
        g_assert_false(run(cpu, insns[i], VA + 5));
        g_assert_cmphex(cpu->sys.far_el1, ==, VA + 5);
        assert_raised(cpu, EL0, 0x9200014f);
        g_assert_false(run(cpu, insns[i], VA + 0x1000));
        assert_raised(cpu, EL1, 0x92000147);
        g_assert_true(run(cpu, insns[i], VA + 5));
        g_assert_false(run(cpu, insns[i], VA + 0x1000));
        assert_raised(cpu, EL1, 0x96000147);
    }
    end();
}

static void test_zva(void)
{
    InterpCpu *cpu = begin();
    uint8_t *host = world_ram(&world, PA);

    map(0, PA, USER);
    map(1, PA, USER | RO);
    memset(host, 0xff, 256);
    g_assert_true(run(cpu, DC_ZVA, VA + 0x7f));
    g_assert_cmphex(host[0x3f], ==, 0xff);
    g_assert_cmphex(host[0x40], ==, 0);
    g_assert_cmphex(host[0x7f], ==, 0);
    g_assert_cmphex(host[0x80], ==, 0xff);
    g_assert_false(run(cpu, DC_ZVA, VA + 0x1004));
    g_assert_cmphex(cpu->sys.far_el1, ==, VA + 0x1004);
    assert_raised(cpu, EL1, 0x9600004f);
    end();
}

/* ---- TLBI ---- */

static bool is_cached(InterpCpu *cpu, uint64_t va)
{
    return mem_fast_read(cpu->tlb, va, 8) != NULL;
}

static void touch_all(void)
{
    for (unsigned i = 0; i < 2; i++) {
        uint64_t value;

        atomic_store(&world.cpus[i]->event, 0);
        g_assert_true(mem_load(world.cpus[i], world.op, VA, 8, &value));
        g_assert_true(
            mem_load(world.cpus[i], world.op, VA + 0x1000, 8, &value));
    }
}

/* @page: the other page stays. */
static void check_tlbi(InterpCpu *cpu, unsigned op2, uint64_t arg, bool page)
{
    InterpCpu *other = world.cpus[1];

    touch_all();
    g_assert_true(run(cpu, TLBI(op2), arg));
    g_assert_false(is_cached(cpu, VA));
    g_assert_cmpint(is_cached(cpu, VA + 0x1000), ==, page);
    g_assert_cmphex(atomic_load(&other->event), ==, 0);

    touch_all();
    g_assert_true(run(cpu, TLBI_IS(op2), arg));
    g_assert_false(is_cached(cpu, VA));
    g_assert_true(is_cached(other, VA));
    g_assert_true(atomic_load(&other->event) & EVENT_WORK);
    work_run(other);
    g_assert_false(is_cached(other, VA));
    g_assert_cmpint(is_cached(other, VA + 0x1000), ==, page);
}

static void test_tlbi(void)
{
    InterpCpu *cpu = begin();
    uint64_t arg = VA >> 12 | UINT64_C(9) << 48;

    map(0, PA, 0);
    map(1, PA, 0);
    check_tlbi(cpu, VMALLE1, 0, false);
    check_tlbi(cpu, VAE1, arg, true);
    check_tlbi(cpu, VAAE1, arg, true);
    check_tlbi(cpu, VALE1, arg, true);
    check_tlbi(cpu, VAALE1, arg, true);
    for (unsigned i = 0; i < 2; i++) {
        world.cpus[i]->sys.ttbr0_el1 |= UINT64_C(9) << 48;
        tlb_asid_changed(world.cpus[i]);
    }
    check_tlbi(cpu, ASIDE1, UINT64_C(9) << 48, false);
    /* Another one's is nothing here. */
    touch_all();
    g_assert_true(run(cpu, TLBI_IS(ASIDE1), UINT64_C(8) << 48));
    work_run(world.cpus[1]);
    g_assert_true(is_cached(cpu, VA) && is_cached(world.cpus[1], VA));
    end();
}

/* Bits 43:0 are the page's number, of both halves. */
static void test_tlbi_high(void)
{
    InterpCpu *cpu = begin();
    uint64_t high = UINT64_C(0xffffff8000000000) | VA;
    uint64_t value;

    cpu->sys.ttbr1_el1 = TABLES;
    cpu->sys.tcr_el1 = 25 | 25 << 16 | UINT64_C(2) << 30 | UINT64_C(2) << 32;
    map(0, PA, 0);
    g_assert_true(mem_load(cpu, world.op, high, 8, &value));
    g_assert_true(mem_load(cpu, world.op, VA, 8, &value));
    g_assert_true(mem_load(cpu, world.op, high, 8, &value));
    g_assert_true(is_cached(cpu, high));
    g_assert_true(run(cpu, TLBI(VAE1), VA >> 12));
    g_assert_true(is_cached(cpu, high));
    g_assert_true(run(cpu, TLBI(VAE1), high << 8 >> 20));
    g_assert_false(is_cached(cpu, high));
    end();
}

/* ---- IC ---- */

static _Atomic uint8_t *code_flag(void)
{
    return ram_code_flag(ram_find(atomic_load(&world.accel.ram), PA), PA);
}

static uint32_t other_events(void)
{
    return atomic_exchange(&world.cpus[1]->event, 0);
}

static void test_ic(void)
{
    InterpCpu *cpu = begin();
    uint64_t epoch;

    map(0, PA, 0);
    other_events();
    /* Nothing was decoded there: nothing to forget. */
    epoch = cpu->epoch[0];
    g_assert_true(run(cpu, IC_IVAU, VA + 0x40));
    g_assert_cmpuint(cpu->epoch[0], ==, epoch);
    g_assert_cmphex(other_events(), ==, 0);
    atomic_store(code_flag(), 1);
    g_assert_true(run(cpu, IC_IVAU, VA + 0x40));
    g_assert_cmpuint(atomic_load(code_flag()), ==, 0);
    g_assert_cmpuint(cpu->epoch[0], !=, epoch);
    g_assert_cmphex(other_events(), ==, EVENT_WORK);

    epoch = cpu->epoch[0];
    g_assert_true(run(cpu, IC_IALLU, 0));
    g_assert_cmpuint(cpu->epoch[0], !=, epoch);
    g_assert_cmphex(other_events(), ==, 0);
    epoch = cpu->epoch[0];
    g_assert_true(run(cpu, IC_IALLUIS, 0));
    g_assert_cmpuint(cpu->epoch[0], !=, epoch);
    g_assert_cmphex(other_events(), ==, EVENT_WORK);
    end();
}

static atomic_bool is_over;

static void *other_thread(void *opaque)
{
    g_assert_true(run(opaque, IC_IVAU, VA));
    atomic_store(&is_over, true);
    return NULL;
}

/*
 * Another vCPU forgets the page's code and has not told all so far: who does
 * the same waits for it, or would go on with what it has decoded.
 */
static void test_ic_meanwhile(void)
{
    InterpCpu *cpu = begin();
    pthread_t thread;

    map(0, PA, 0);
    atomic_fetch_and(&cpu->event, ~(uint32_t)EVENT_WORK);
    mutex_lock(&world.accel.code_lock);
    atomic_store(code_flag(), CODE_LEAVING);
    g_assert_cmpint(pthread_create(&thread, NULL, other_thread, cpu), ==, 0);
    g_usleep(2000);
    g_assert_false(atomic_load(&is_over));
    work_post(&world.accel, world.cpus[1], WORK_FORGET, 0);
    atomic_store(code_flag(), CODE_NONE);
    mutex_unlock(&world.accel.code_lock);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
    g_assert_true(atomic_load(&cpu->event) & EVENT_WORK);
    /* What is decoded while the flag is about to go sets it again. */
    atomic_store(code_flag(), CODE_LEAVING);
    cpu->pc = VA;
    g_assert_nonnull(block_find(cpu));
    g_assert_cmpuint(atomic_load(code_flag()), ==, CODE_HERE);
    end();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/interp/at/pages", test_at);
    g_test_add_func("/interp/at/off", test_at_off);
    g_test_add_func("/interp/at/fresh", test_at_fresh);
    g_test_add_func("/interp/at/abort", test_at_abort);
    g_test_add_func("/interp/sys/el1-only", test_el1_only);
    g_test_add_func("/interp/sys/gates", test_gates);
    g_test_add_func("/interp/dc/faults", test_dc_faults);
    g_test_add_func("/interp/dc/zva", test_zva);
    g_test_add_func("/interp/tlbi/all", test_tlbi);
    g_test_add_func("/interp/tlbi/high", test_tlbi_high);
    g_test_add_func("/interp/ic/all", test_ic);
    g_test_add_func("/interp/ic/meanwhile", test_ic_meanwhile);
    return g_test_run();
}
