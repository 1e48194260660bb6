/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * el1-exceptions: what is taken to EL1 by which vector with which syndrome, and
 * what is trapped or undefined at EL0 and EL1. Arm ARM, D1.3 and D19.2.37.
 */
#include "el1.h"

CODE(code_svc, "svc #0x1234");
CODE(code_brk, "brk #0xabc");
CODE(code_udf, "nop\n\t.inst 0");
CODE(code_hlt, "hlt #1");
CODE(code_dcps, "dcps1");
CODE(code_eret, "eret");
CODE(code_hvc, "hvc #0");
CODE(code_smc, "smc #0");
CODE(code_flags, "mov x2, #0x50000000\n\tmsr nzcv, x2\n\tsvc #1");
CODE(code_sp_load, "nop\n\tldr x2, [sp]");
CODE(code_sp_store, "str x2, [sp, #8]");
CODE(code_sp_pair, "stp x2, x3, [sp, #-16]!");
CODE(code_branch, "br x0");
CODE(code_fp, "fmov d0, x0");
CODE(code_fpcr, "mrs x2, fpcr");
CODE(code_simd_load, "ldr q0, [sp]");
CODE(code_return, "msr spsr_el1, x0\n\tadr x2, 1f\n\tmsr elr_el1, x2\n\t"
                  "isb\n\teret\n1:\tnop");
CODE(code_nzcv, "mrs x0, nzcv");

static void exceptions_by_level(void)
{
    show("svc at el0", run(MODE_EL0, code_svc, 0, 0));
    show("svc at el1t", run(MODE_EL1T, code_svc, 0, 0));
    show("svc at el1h", run(MODE_EL1H, code_svc, 0, 0));
    show("brk at el0", run(MODE_EL0, code_brk, 0, 0));
    show("brk at el1t", run(MODE_EL1T, code_brk, 0, 0));
    show("brk at el1h", run(MODE_EL1H, code_brk, 0, 0));
    show("udf at el0", run(MODE_EL0, code_udf, 0, 0));
    show("udf at el1t", run(MODE_EL1T, code_udf, 0, 0));
    show("udf at el1h", run(MODE_EL1H, code_udf, 0, 0));
    show("hlt at el0", run(MODE_EL0, code_hlt, 0, 0));
    show("hlt at el1h", run(MODE_EL1H, code_hlt, 0, 0));
    show("dcps1 at el1h", run(MODE_EL1H, code_dcps, 0, 0));
    show("eret at el0", run(MODE_EL0, code_eret, 0, 0));
    show("hvc at el0", run(MODE_EL0, code_hvc, 0, 0));
    show("smc at el0", run(MODE_EL0, code_smc, 0, 0));
}

static void pstate_after(const char *name)
{
    print("%s: after %s: CurrentEL=%lx SPSel=%lx DAIF=%lx\n", el1_name, name,
          SYSREG_READ(CurrentEL), SYSREG_READ(SPSel), SYSREG_READ(DAIF));
}

static void pstate(void)
{
    show("flags at el0", run(MODE_EL0 | 0xau << 28, code_flags, 0, 0));
    show("flags before", run(MODE_EL0 | 0xau << 28, code_svc, 0, 0));
    show_number("nzcv read", run(MODE_EL0 | 0x6u << 28, code_nzcv, 0, 0)->x[0]);
    for (unsigned daif = 0; daif < 16; daif++) {
        /* A and F have nothing to deliver, I is masked at the GIC. */
        show("daif at el0", run(daif << 6, code_svc, 0, 0));
    }
    pstate_after("svc from el0");
    run(5, code_svc, 0, 0);
    pstate_after("svc from el1h");
    run(4, code_svc, 0, 0);
    pstate_after("svc from el1t");
}

static void pan(void)
{
    uint64_t pan;

    SYSREG_WRITE(sctlr_el1, SYSREG_READ(sctlr_el1) & ~SCTLR_SPAN);
    SYSREG_WRITE(S3_0_C4_C2_3, 0);
    show("svc with SPAN 0", run(MODE_EL0, code_svc, 0, 0));
    pan = SYSREG_READ(S3_0_C4_C2_3);
    show_number("PAN after", pan);
    SYSREG_WRITE(S3_0_C4_C2_3, 0);
    show("svc at el1h with SPAN 0", run(MODE_EL1H, code_svc, 0, 0));
    show_number("PAN after", SYSREG_READ(S3_0_C4_C2_3));
    SYSREG_WRITE(sctlr_el1, SYSREG_READ(sctlr_el1) | SCTLR_SPAN);
    SYSREG_WRITE(S3_0_C4_C2_3, 0);
    run(MODE_EL0, code_svc, 0, 0);
    show_number("PAN after, with SPAN 1", SYSREG_READ(S3_0_C4_C2_3));
    show("svc with PAN", run(MODE_EL1H | PSTATE_PAN, code_svc, 0, 0));
    show_number("PAN is kept with SPAN 1", SYSREG_READ(S3_0_C4_C2_3));
    SYSREG_WRITE(S3_0_C4_C2_3, 0);
}

static void illegal_returns(void)
{
    static const struct {
        const char *name;
        unsigned spsr;
    } returns[] = {
        {"return to el2h", 0x3c9},
        {"return to el2t", 0x3c8},
        {"return to el3h", 0x3cd},
        {"return to el0h", 0x3c1},
        {"return to mode 6", 0x3c6},
        {"return to aarch32 user", 0x3d0},
        {"return to aarch32 svc", 0x3d3},
        {"return to el1h", 0x3c5},
        {"return with IL", 0x1003c5},
        {"return to el0 with IL", 0x1003c0},
        {"return to el1t with flags", 0x600003c4},
        {"illegal return with flags", 0xa00002c9},
    };

    for (unsigned i = 0; i < sizeof(returns) / sizeof(returns[0]); i++) {
        show(returns[i].name,
             run(MODE_EL1H | 1u << 30, code_return, returns[i].spsr, 0));
    }
    pstate_after("an illegal return");
}

static void alignment(void)
{
    uint64_t user = (uint64_t)code_sp_load + USER_OFFSET;
    uint64_t sp = other_stack() - 64;
    uint64_t sctlr = SYSREG_READ(sctlr_el1);

    for (unsigned i = 0; i <= 16; i += 4) {
        show("load by SP at el0",
             run_at(MODE_EL0, user, sp + USER_OFFSET + i, 0, 0));
        show("load by SP at el1t",
             run_at(MODE_EL1T, (uint64_t)code_sp_load, sp + i, 0, 0));
        show("load by SP at el1h",
             run_at(MODE_EL1H, (uint64_t)code_sp_load, sp + i, 0, 0));
    }
    show("store by SP",
         run_at(MODE_EL1H, (uint64_t)code_sp_store, sp + 8, 0, 0));
    show("pair by SP", run_at(MODE_EL1H, (uint64_t)code_sp_pair, sp + 8, 0, 0));
    SYSREG_WRITE(sctlr_el1, sctlr & ~SCTLR_SA);
    show("with SA 0 at el1h",
         run_at(MODE_EL1H, (uint64_t)code_sp_load, sp + 8, 0, 0));
    show("with SA 0 at el0",
         run_at(MODE_EL0, user, sp + USER_OFFSET + 8, 0, 0));
    SYSREG_WRITE(sctlr_el1, sctlr & ~SCTLR_SA0);
    show("with SA0 0 at el1h",
         run_at(MODE_EL1H, (uint64_t)code_sp_load, sp + 8, 0, 0));
    show("with SA0 0 at el0",
         run_at(MODE_EL0, user, sp + USER_OFFSET + 8, 0, 0));
    SYSREG_WRITE(sctlr_el1, sctlr);
}

static void pc_alignment(const char *name, unsigned mode, uint64_t offset)
{
    for (unsigned i = 1; i < 4; i++) {
        uint64_t to = (uint64_t)code_svc + offset + i;
        El1 *t = run(mode, code_branch, to, 0);

        show_fault(name, t, to);
        print("%s: %s: elr at +%ld\n", el1_name, name,
              (int64_t)(t->elr - (to - i)));
    }
    show_fault(name, run_at(mode, (uint64_t)code_svc + offset + 2, 0, 0, 0),
               (uint64_t)code_svc + offset + 2);
}

static void fp_traps(void)
{
    for (unsigned fpen = 0; fpen < 4; fpen++) {
        print("%s: FPEN=%u\n", el1_name, fpen);
        SYSREG_WRITE(cpacr_el1, fpen << 20);
        show("fmov at el0", run(MODE_EL0, code_fp, 0, 0));
        show("fmov at el1h", run(MODE_EL1H, code_fp, 0, 0));
        show("mrs fpcr at el0", run(MODE_EL0, code_fpcr, 0, 0));
        show("mrs fpcr at el1h", run(MODE_EL1H, code_fpcr, 0, 0));
        show("ldr q0 at el0", run(MODE_EL0, code_simd_load, 0, 0));
    }
    SYSREG_WRITE(cpacr_el1, 3 << 20);
}

/* Each is run at EL0 with a bit of a register clear and then set. */
#define GATED(name, insn)              \
    CODE(code_##name, "nop\n\t" insn); \
    static const char name_##name[] = insn

GATED(ctr, "mrs x3, ctr_el0");
GATED(dczid, "mrs x3, dczid_el0");
GATED(zva, "dc zva, x0");
GATED(cvau, "dc cvau, x0");
GATED(cvac, "dc cvac, x0");
GATED(civac, "dc civac, x0");
GATED(ivau, "ic ivau, x0");
GATED(daif_read, "mrs x4, daif");
GATED(daif_write, "msr daif, x5");
GATED(daifset, "msr daifset, #5");
GATED(daifclr, "msr daifclr, #8");
GATED(wfi, "wfi");
GATED(cntfrq, "mrs x6, cntfrq_el0");
GATED(cntvct, "mrs x7, cntvct_el0");
GATED(cntpct, "mrs x8, cntpct_el0");
GATED(cntv_ctl, "mrs x9, cntv_ctl_el0");
GATED(cntv_cval, "msr cntv_cval_el0, x10");
GATED(cntv_tval, "mrs x11, cntv_tval_el0");
GATED(cntp_ctl, "mrs x12, cntp_ctl_el0");
GATED(cntp_cval, "msr cntp_cval_el0, x13");
GATED(cntp_tval, "msr cntp_tval_el0, xzr");

static void gated(const char *name, const uint32_t *code)
{
    show(name, run(MODE_EL0, code, other_stack() + USER_OFFSET - 1024, 0));
}

#define GATE(name) gated(name_##name, code_##name)

#define SCTLR_GATES (SCTLR_UCT | SCTLR_DZE | SCTLR_UMA | SCTLR_NTWI | SCTLR_UCI)

static void sctlr_gates(unsigned bit)
{
    uint64_t sctlr = SYSREG_READ(sctlr_el1);

    SYSREG_WRITE(sctlr_el1, (sctlr & ~(uint64_t)SCTLR_GATES) | bit);
    print("%s: SCTLR_EL1 with %x of UCI nTWI UCT DZE UMA\n", el1_name, bit);
    GATE(ctr);
    GATE(dczid);
    GATE(zva);
    GATE(cvau);
    GATE(cvac);
    GATE(civac);
    GATE(ivau);
    GATE(daif_read);
    GATE(daif_write);
    GATE(daifset);
    GATE(daifclr);
    SYSREG_WRITE(sctlr_el1, sctlr);
}

static void wfi_gate(void)
{
    uint64_t sctlr = SYSREG_READ(sctlr_el1);

    SYSREG_WRITE(sctlr_el1, sctlr & ~(uint64_t)SCTLR_NTWI);
    GATE(wfi);
    SYSREG_WRITE(sctlr_el1, sctlr);
}

static void timer_gates(unsigned cntkctl)
{
    SYSREG_WRITE(cntkctl_el1, cntkctl);
    print("%s: CNTKCTL_EL1=%x\n", el1_name, cntkctl);
    GATE(cntfrq);
    GATE(cntvct);
    GATE(cntpct);
    GATE(cntv_ctl);
    GATE(cntv_cval);
    GATE(cntv_tval);
    GATE(cntp_ctl);
    GATE(cntp_cval);
    GATE(cntp_tval);
}

/* What EL0 never has, whatever the control bits say. */
#define PRIVILEGED(name, insn) GATED(p_##name, insn)
PRIVILEGED(sctlr, "mrs x0, sctlr_el1");
PRIVILEGED(current, "mrs x0, CurrentEL");
PRIVILEGED(vbar, "msr vbar_el1, x0");
PRIVILEGED(spsel, "msr spsel, #1");
PRIVILEGED(pan, ".inst 0xd500419f");
PRIVILEGED(tpidrro, "msr tpidrro_el0, x0");
PRIVILEGED(tlbi, "tlbi vmalle1");
PRIVILEGED(at, "at s1e0r, x0");
PRIVILEGED(isw, "dc isw, x0");
PRIVILEGED(ivac, "dc ivac, x0");
PRIVILEGED(iallu, "ic iallu");
PRIVILEGED(mdscr, "mrs x0, mdscr_el1");
PRIVILEGED(oslar, "msr oslar_el1, x0");
PRIVILEGED(cntkctl, "msr cntkctl_el1, x0");

/* What EL1 has not. */
PRIVILEGED(ctr_write, "msr s3_3_c0_c0_1, x0");
PRIVILEGED(midr_write, "msr s3_0_c0_c0_0, x0");
PRIVILEGED(oslar_read, "mrs x0, s2_0_c1_c0_4");
PRIVILEGED(cntvct_write, "msr s3_3_c14_c0_2, x0");
PRIVILEGED(hcr, "mrs x0, hcr_el2");
PRIVILEGED(sp_el1, "mrs x0, sp_el1");
PRIVILEGED(vbar_el3, "msr vbar_el3, x0");
PRIVILEGED(nowhere, "mrs x0, s3_5_c13_c7_3");
PRIVILEGED(sys_nowhere, "sys #3, c7, c9, #6, x0");
PRIVILEGED(sp_el0, "mrs x0, sp_el0");

static void privileged(unsigned mode)
{
#define PRIV(n) show(name_p_##n, run(mode, code_p_##n, 0, 0))
    if (!(mode & 0xf)) {
        PRIV(sctlr);
        PRIV(current);
        PRIV(vbar);
        PRIV(spsel);
        PRIV(pan);
        PRIV(tpidrro);
        PRIV(tlbi);
        PRIV(at);
        PRIV(isw);
        PRIV(ivac);
        PRIV(iallu);
        PRIV(mdscr);
        PRIV(oslar);
        PRIV(cntkctl);
    }
    PRIV(ctr_write);
    PRIV(midr_write);
    PRIV(oslar_read);
    PRIV(cntvct_write);
    PRIV(hcr);
    PRIV(sp_el1);
    PRIV(vbar_el3);
    PRIV(nowhere);
    PRIV(sys_nowhere);
    PRIV(sp_el0);
#undef PRIV
}

/* A handler that takes an exception itself loses ELR, SPSR and ESR. */
static void nested(void)
{
    El1 *t = run(MODE_EL0 | 1u << 31, code_svc, 0, 0);

    show("outer", t);
    t = run(MODE_EL1H, code_brk, 0, 0);
    show("inner", t);
    show_bool("ELR_EL1 is the inner one's", SYSREG_READ(elr_el1) == t->elr);
    show_bool("ESR_EL1 is the inner one's", SYSREG_READ(esr_el1) == t->esr);
}

CODE(code_stacks, "mrs x0, sp_el0\n\tmov x1, sp\n\tmsr spsel, #0\n\t"
                  "mov x2, sp\n\tmov sp, x3\n\tmsr spsel, #1\n\t"
                  "mrs x3, sp_el0\n\tmov x4, sp");

static void stacks(void)
{
    El1 *t;

    SYSREG_WRITE(sp_el0, 0x123450);
    t = run(MODE_EL1H, code_stacks, 0, 0);
    show_bool("SP_EL0 by its name", t->x[0] == 0x123450);
    show_bool("SP is SP_EL1", t->x[1] == other_stack());
    show_bool("SP is SP_EL0", t->x[2] == 0x123450);
    show_bool("SP_EL0 after a write to SP", t->x[3] == 0);
    show_bool("SP_EL1 is kept", t->x[4] == other_stack());
}

CODE(code_ldxr, "ldxr x2, [x0]");
CODE(code_stxr, "mov w3, #9\n\tstxr w3, x1, [x0]");
CODE(code_exclusive, "mov w3, #9\n\tldxr x2, [x0]\n\tstxr w3, x1, [x0]");
CODE(code_clrex, "ldxr x2, [x0]\n\tclrex\n\tmov w3, #9\n\t"
                 "stxr w3, x1, [x0]");

/* ERET clears the monitor. */
static void monitor(void)
{
    static uint64_t word[2] __attribute__((aligned(16)));
    uint64_t at = (uint64_t)word;

    show_number("stxr after ldxr", run(MODE_EL1H, code_exclusive, at, 1)->x[3]);
    show_number("stxr after clrex", run(MODE_EL1H, code_clrex, at, 2)->x[3]);
    run(MODE_EL1H, code_ldxr, at, 0);
    show_number("stxr after eret", run(MODE_EL1H, code_stxr, at, 3)->x[3]);
    show_number("stored", read64(at));
}

void payload_main(void)
{
    static Space space;

    el1_name = "el1-exceptions";
    mmu_start(&space);
    exceptions_by_level();
    pstate();
    pan();
    illegal_returns();
    alignment();
    pc_alignment("pc at el0", MODE_EL0, USER_OFFSET);
    pc_alignment("pc at el1h", MODE_EL1H, 0);
    fp_traps();
    sctlr_gates(0);
    sctlr_gates(SCTLR_UCI);
    sctlr_gates(SCTLR_UCT);
    sctlr_gates(SCTLR_DZE);
    sctlr_gates(SCTLR_UMA);
    wfi_gate();
    for (unsigned bit = 0; bit < 10; bit++) {
        if (bit < 2 || bit >= 8) {
            timer_gates(1u << bit);
        }
    }
    timer_gates(0);
    privileged(MODE_EL0);
    privileged(MODE_EL1T);
    nested();
    stacks();
    monitor();
    print("%s: done\n", el1_name);
}
