/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system registers: what they read as, who may access them, and what a
 * write does beside storing.
 */
#include "../../accel/interp/id.h"
#include "../../accel/interp/sysreg.h"
#include "interp-program.h"

#define MRS(encoding, rt) (0xd5200000u | (encoding) << 5 | (rt))
#define MSR(encoding, rt) (0xd5000000u | (encoding) << 5 | (rt))

enum {
    NZCV = SYSREG(3, 3, 4, 2, 0),
    DAIF = SYSREG(3, 3, 4, 2, 1),
    FPCR = SYSREG(3, 3, 4, 4, 0),
    FPSR = SYSREG(3, 3, 4, 4, 1),
    SPSEL = SYSREG(3, 0, 4, 2, 0),
    SP_EL0 = SYSREG(3, 0, 4, 1, 0),
    SCTLR = SYSREG(3, 0, 1, 0, 0),
    TTBR0 = SYSREG(3, 0, 2, 0, 0),
    MIDR_REG = SYSREG(3, 0, 0, 0, 0),
    MPIDR = SYSREG(3, 0, 0, 0, 5),
    PFR0_REG = SYSREG(3, 0, 0, 4, 0),
    ISAR0_REG = SYSREG(3, 0, 0, 6, 0),
    MMFR0_REG = SYSREG(3, 0, 0, 7, 0),
    ID_RESERVED = SYSREG(3, 0, 0, 7, 7),
    CTR_REG = SYSREG(3, 3, 0, 0, 1),
    DCZID_REG = SYSREG(3, 3, 0, 0, 7),
    TPIDR_EL0 = SYSREG(3, 3, 13, 0, 2),
    TPIDRRO = SYSREG(3, 3, 13, 0, 3),
    TPIDR_EL1 = SYSREG(3, 0, 13, 0, 4),
    CNTFRQ = SYSREG(3, 3, 14, 0, 0),
    CNTVCT = SYSREG(3, 3, 14, 0, 2),
    ICC_IAR1 = SYSREG(3, 0, 12, 12, 0),
    PMCR = SYSREG(3, 3, 9, 12, 0),
};

static World world;

static void begin(unsigned pstate)
{
    world_init(&world);
    cpu_set_pstate(world.cpu, pstate);
    world.cpu->sys.cpacr_el1 = CPACR_FPEN;
    cpu_mode_changed(world.cpu);
}

static void end(void)
{
    world_finish(&world);
}

/* What EL0 or EL1 (by @pstate) reads; the access must work. */
static uint64_t read_reg(uint32_t encoding)
{
    g_assert_cmpuint(PROGRAM_RUN(&world, MRS(encoding, 5)), ==, EC_BRK);
    return world.cpu->x[5];
}

static void write_reg(uint32_t encoding, uint64_t value)
{
    world.cpu->x[6] = value;
    g_assert_cmpuint(PROGRAM_RUN(&world, MSR(encoding, 6)), ==, EC_BRK);
}

static void test_identification(void)
{
    begin(5);
    g_assert_cmphex(read_reg(MIDR_REG), ==, MIDR);
    g_assert_cmphex(read_reg(MPIDR), ==, 1u << 31);
    /* Without a GICv3 there are no registers of it. */
    g_assert_cmphex(read_reg(PFR0_REG), ==, PFR0);
    g_assert_cmphex(read_reg(ISAR0_REG) >> 16 & 15, ==, 1);
    g_assert_cmphex(read_reg(ISAR0_REG) >> 20 & 15, ==, 2);
    g_assert_cmphex(read_reg(MMFR0_REG) & ~(uint64_t)15, ==, MMFR0);
    g_assert_cmphex(read_reg(ID_RESERVED), ==, 0);
    g_assert_cmphex(read_reg(CNTFRQ), ==, 62500000);
    end();
}

static void test_storage(void)
{
    static const uint32_t both[] = {TPIDR_EL0, NZCV, FPCR, FPSR};
    static const uint64_t values[] = {0x123456789abcdef0, 0xa0000000,
                                      0x01c00000, 0x0800009f};

    for (unsigned pstate = 0; pstate <= 5; pstate += 5) {
        begin(pstate);
        for (unsigned i = 0; i < G_N_ELEMENTS(both); i++) {
            world.cpu->x[6] = values[i];
            g_assert_cmpuint(
                PROGRAM_RUN(&world, MSR(both[i], 6), MRS(both[i], 5)), ==,
                EC_BRK);
            g_assert_cmphex(world.cpu->x[5], ==, values[i]);
            cpu_set_pstate(world.cpu, pstate);
        }
        end();
    }
    begin(5);
    write_reg(TPIDR_EL1, 0xfedcba9876543210);
    g_assert_cmphex(read_reg(TPIDR_EL1), ==, 0xfedcba9876543210);
    /* Fields that are not there read as zero. */
    write_reg(FPCR, UINT64_MAX);
    g_assert_cmphex(read_reg(FPCR), ==, 0x07c00000);
    end();
}

/* An access from EL0, and the exception that it makes. */
static void expect_el0(uint32_t insn, unsigned ec)
{
    begin(0);
    g_assert_cmpuint(PROGRAM_RUN(&world, insn), ==, ec);
    if (ec == EC_SYSREG) {
        uint32_t encoding = insn >> 5 & 0xffff;

        g_assert_cmphex(world.cpu->sys.esr_el1 & 0x1ffffff, ==,
                        (encoding >> 14) << 20 | (encoding & 7) << 17 |
                            (encoding >> 11 & 7) << 14 |
                            (encoding >> 7 & 15) << 10 | (insn & 31) << 5 |
                            (encoding >> 3 & 15) << 1 | (insn >> 21 & 1));
    }
    end();
}

static void test_el0(void)
{
    expect_el0(MRS(SCTLR, 0), EC_UNKNOWN);
    expect_el0(MSR(TTBR0, 0), EC_UNKNOWN);
    expect_el0(MRS(TPIDR_EL1, 0), EC_UNKNOWN);
    expect_el0(MSR(TPIDRRO, 0), EC_UNKNOWN);
    expect_el0(MRS(TPIDRRO, 0), EC_BRK);
    expect_el0(MRS(CTR_REG, 3), EC_SYSREG);
    expect_el0(MRS(CTR_REG, 31), EC_SYSREG);
    expect_el0(MSR(DAIF, 7), EC_SYSREG);
    expect_el0(MRS(CNTVCT, 9), EC_SYSREG);
    expect_el0(MRS(DCZID_REG, 1), EC_BRK);
    expect_el0(MRS(ICC_IAR1, 1), EC_UNKNOWN);
    expect_el0(MRS(PMCR, 1), EC_UNKNOWN);
}

static void test_gates(void)
{
    begin(0);
    world.cpu->sys.sctlr_el1 |= SCTLR_UCT | SCTLR_UMA;
    g_assert_cmphex(read_reg(CTR_REG), ==, CTR);
    end();
    begin(0);
    world.cpu->sys.cntkctl_el1 = 2;
    g_assert_cmpuint(PROGRAM_RUN(&world, MRS(CNTVCT, 5)), ==, EC_BRK);
    end();
    begin(0);
    g_assert_cmphex(read_reg(DCZID_REG), ==, DCZID | 1 << 4);
    end();
    begin(0);
    world.cpu->sys.sctlr_el1 |= SCTLR_DZE;
    g_assert_cmphex(read_reg(DCZID_REG), ==, DCZID);
    end();
}

static void test_fp_trap(void)
{
    begin(0);
    world.cpu->sys.cpacr_el1 = 1 << 20; /* EL1 only */
    cpu_mode_changed(world.cpu);
    g_assert_cmpuint(PROGRAM_RUN(&world, MRS(FPSR, 0)), ==, EC_FP);
    g_assert_cmpuint(PROGRAM_RUN(&world, MRS(FPSR, 0)), ==, EC_BRK);
    end();
}

static void test_stack(void)
{
    begin(5);
    world.cpu->x[X_SP] = 0x1000;
    write_reg(SP_EL0, 0x2000);
    g_assert_cmphex(world.cpu->x[X_SP], ==, 0x1000);
    write_reg(SPSEL, 0);
    g_assert_cmphex(world.cpu->x[X_SP], ==, 0x1000); /* BRK took SP_EL1 */
    g_assert_cmphex(world.cpu->sys.sp_el0, ==, 0x2000);
    cpu_set_pstate(world.cpu, 4);
    g_assert_cmphex(world.cpu->x[X_SP], ==, 0x2000);
    /* Not by its name while it is in use. */
    g_assert_cmpuint(PROGRAM_RUN(&world, MRS(SP_EL0, 1)), ==, EC_UNKNOWN);
    end();
}

static void test_not_there(void)
{
    g_assert_null(sysreg_find(PMCR));
    g_assert_null(sysreg_find(SYSREG(3, 4, 1, 0, 0))); /* SCTLR_EL2 */
    g_assert_null(sysreg_find(SYSREG(3, 6, 1, 0, 0)));
    begin(5);
    g_assert_cmpuint(PROGRAM_RUN(&world, MRS(PMCR, 1)), ==, EC_UNKNOWN);
    g_assert_cmpuint(PROGRAM_RUN(&world, MSR(MIDR_REG, 1)), ==, EC_UNKNOWN);
    g_assert_cmpuint(PROGRAM_RUN(&world, MRS(ICC_IAR1, 1)), ==, EC_UNKNOWN);
    end();
}

/* Turning the MMU on takes effect, and what was cached is gone. */
static void test_sctlr(void)
{
    uint64_t epoch;

    begin(5);
    epoch = world.cpu->epoch[0];
    write_reg(SCTLR, world.cpu->sys.sctlr_el1);
    write_reg(SCTLR, UINT64_MAX & ~(uint64_t)SCTLR_M);
    g_assert_cmphex(world.cpu->sys.sctlr_el1, ==,
                    (SCTLR_MASK & ~SCTLR_M) | SCTLR_RES1);
    g_assert_cmpuint(world.cpu->epoch[0], !=, epoch);
    end();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/interp/sysreg/identification", test_identification);
    g_test_add_func("/interp/sysreg/storage", test_storage);
    g_test_add_func("/interp/sysreg/el0", test_el0);
    g_test_add_func("/interp/sysreg/gates", test_gates);
    g_test_add_func("/interp/sysreg/fp-trap", test_fp_trap);
    g_test_add_func("/interp/sysreg/stack", test_stack);
    g_test_add_func("/interp/sysreg/not-there", test_not_there);
    g_test_add_func("/interp/sysreg/sctlr", test_sctlr);
    return g_test_run();
}
