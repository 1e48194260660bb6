/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * debug.c: the guest's own breakpoints, watchpoints and software steps, each
 * with what must not trigger it, and how a debugger's go before them. The rest
 * of the debugger's side is test-gdb's.
 */
#include "../../accel/interp/debug.h"
#include "interp-program.h"

#define ADD_X0_1 0x91000400u /* add x0, x0, #1 */
#define STR_X1_X2 0xf9000041u
#define LDR_X1_X2 0xf9400041u
#define STRB_W1_X2 0x39000041u
#define LDXR_X1_X2 0xc85f7c41u
#define STP_X0_X1_X2 0xa9000440u
#define SVC 0xd4000001u

#define MDSCR_SS (1u << 0)
#define MDSCR_KDE (1u << 13)
#define MDSCR_MDE (1u << 15)

#define E_EL0 (1u | 2u << 1)
#define E_EL1 (1u | 1u << 1)
#define LOADS (1u << 3)
#define STORES (1u << 4)
#define BAS(bytes) ((bytes) << 5)
#define SECURE (2u << 14)
#define LINKED(n) (1u << 20 | (n) << 16)
#define CONTEXT (3u << 20)

static World world;
static unsigned hits;
static DebugHit last_hit;

static void on_hit(void *opaque, const DebugHit *hit)
{
    hits++;
    last_hit = *hit;
}

static InterpCpu *begin(unsigned el)
{
    InterpCpu *cpu;

    world_init(&world);
    cpu = world.cpu;
    cpu->sys.oslsr_el1 = 0;
    cpu->sys.mdscr_el1 = MDSCR_MDE;
    cpu_set_pstate(cpu, el ? 5 : 0);
    cpu->x[2] = DATA;
    hits = 0;
    accel_debug_set_handler(on_hit, NULL);
    return cpu;
}

static void end(void)
{
    accel_debug_set_handler(NULL, NULL);
    world_finish(&world);
}

/* Three sums; the break is to be at the second. */
static unsigned run_break(unsigned el, uint64_t control, uint64_t mdscr,
                          uint32_t context)
{
    InterpCpu *cpu = begin(el);
    unsigned ec;

    cpu->sys.mdscr_el1 = mdscr;
    cpu->sys.contextidr_el1 = context;
    cpu->sys.dbgbvr[0] = PROGRAM + 4;
    cpu->sys.dbgbcr[0] = control | BAS(15);
    cpu->sys.dbgbvr[4] = 77;
    cpu->sys.dbgbcr[4] = E_EL0 | E_EL1 | CONTEXT;
    debug_points_changed(cpu);
    ec = PROGRAM_RUN(&world, ADD_X0_1, ADD_X0_1, ADD_X0_1);
    if (ec != EC_BRK) {
        g_assert_cmpuint(program_stopped_at(&world), ==, 1);
        g_assert_cmpuint(cpu->x[0], ==, 1);
        g_assert_cmphex(cpu->sys.esr_el1 & 0x1ffffff, ==, 0x22);
    } else {
        g_assert_cmpuint(cpu->x[0], ==, 3);
    }
    end();
    return ec;
}

static void test_break(void)
{
    unsigned kde = MDSCR_MDE | MDSCR_KDE;

    g_assert_cmphex(run_break(0, E_EL0, MDSCR_MDE, 0), ==, 0x30);
    g_assert_cmphex(run_break(0, E_EL1, MDSCR_MDE, 0), ==, EC_BRK);
    g_assert_cmphex(run_break(0, E_EL0 & ~1u, MDSCR_MDE, 0), ==, EC_BRK);
    g_assert_cmphex(run_break(0, E_EL0, 0, 0), ==, EC_BRK);
    g_assert_cmphex(run_break(0, E_EL0 | SECURE, MDSCR_MDE, 0), ==, EC_BRK);
    g_assert_cmphex(run_break(1, E_EL1, kde, 0), ==, 0x31);
    g_assert_cmphex(run_break(1, E_EL1, MDSCR_MDE, 0), ==, EC_BRK);
    g_assert_cmphex(run_break(1, E_EL0, kde, 0), ==, EC_BRK);
}

static void test_break_linked(void)
{
    g_assert_cmphex(run_break(0, E_EL0 | LINKED(4), MDSCR_MDE, 77), ==, 0x30);
    g_assert_cmphex(run_break(0, E_EL0 | LINKED(4), MDSCR_MDE, 78), ==, EC_BRK);
    /* Not there, not for contexts, not enabled. */
    g_assert_cmphex(run_break(0, E_EL0 | LINKED(9), MDSCR_MDE, 77), ==, EC_BRK);
    g_assert_cmphex(run_break(0, E_EL0 | LINKED(1), MDSCR_MDE, 77), ==, EC_BRK);
    g_assert_cmphex(run_break(0, E_EL0 | LINKED(5), MDSCR_MDE, 77), ==, EC_BRK);
}

static void test_break_masked(void)
{
    InterpCpu *cpu = begin(1);

    cpu->sys.mdscr_el1 |= MDSCR_KDE;
    cpu->daif = 8;
    cpu->sys.dbgbvr[0] = PROGRAM;
    cpu->sys.dbgbcr[0] = E_EL1;
    debug_points_changed(cpu);
    g_assert_cmphex(PROGRAM_RUN(&world, ADD_X0_1), ==, EC_BRK);
    /* The OS lock, too. */
    cpu_set_pstate(cpu, 5);
    cpu->sys.oslsr_el1 = 2;
    g_assert_cmphex(PROGRAM_RUN(&world, ADD_X0_1), ==, EC_BRK);
    cpu_set_pstate(cpu, 5);
    cpu->sys.oslsr_el1 = 0;
    g_assert_cmphex(PROGRAM_RUN(&world, ADD_X0_1), ==, 0x31);
    end();
}

/* One access of @insn at DATA + @offset. */
static unsigned run_watch(uint32_t insn, unsigned offset, uint64_t value,
                          uint64_t control)
{
    InterpCpu *cpu = begin(0);
    unsigned ec;

    cpu->sys.dbgwvr[1] = value;
    cpu->sys.dbgwcr[1] = control;
    debug_points_changed(cpu);
    program_set_data(&world, offset, 5);
    cpu->x[1] = 6;
    cpu->x[2] = DATA + offset;
    ec = PROGRAM_RUN(&world, ADD_X0_1, insn);
    if (ec != EC_BRK) {
        g_assert_cmpuint(program_stopped_at(&world), ==, 1);
        g_assert_cmpuint(cpu->sys.far_el1 - (DATA + offset), <, 16);
        /* It has not been made. */
        g_assert_cmpuint(program_data(&world, offset), ==, 5);
        g_assert_cmpuint(cpu->x[1], ==, 6);
        ec |= cpu->sys.esr_el1 & 0x40;
    }
    end();
    return ec;
}

static void test_watch(void)
{
    uint64_t all = E_EL0 | LOADS | STORES | BAS(0xff);

    g_assert_cmphex(run_watch(STR_X1_X2, 0, DATA, all), ==, 0x34 | 0x40);
    g_assert_cmphex(run_watch(LDR_X1_X2, 0, DATA, all), ==, 0x34);
    g_assert_cmphex(run_watch(LDXR_X1_X2, 0, DATA, all), ==, 0x34);
    g_assert_cmphex(run_watch(STP_X0_X1_X2, 0, DATA + 8, all), ==, 0x34 | 0x40);
    g_assert_cmphex(run_watch(LDR_X1_X2, 0, DATA, all & ~(uint64_t)LOADS), ==,
                    EC_BRK);
    g_assert_cmphex(run_watch(STR_X1_X2, 0, DATA, all & ~(uint64_t)STORES), ==,
                    EC_BRK);
    g_assert_cmphex(run_watch(STR_X1_X2, 8, DATA, all), ==, EC_BRK);
    g_assert_cmphex(run_watch(STR_X1_X2, 0, DATA, all & ~1ull), ==, EC_BRK);
    g_assert_cmphex(run_watch(STR_X1_X2, 0, DATA, all | LINKED(4)), ==, EC_BRK);
}

static void test_watch_ranges(void)
{
    uint64_t some = E_EL0 | STORES;

    g_assert_cmphex(run_watch(STRB_W1_X2, 3, DATA, some | BAS(8)), ==,
                    0x34 | 0x40);
    g_assert_cmphex(run_watch(STRB_W1_X2, 4, DATA, some | BAS(8)), ==, EC_BRK);
    g_assert_cmphex(
        run_watch(STP_X0_X1_X2, 0xff8, DATA + 0x1000, some | BAS(1)), ==,
        0x34 | 0x40);
    g_assert_cmphex(
        run_watch(STR_X1_X2, 0x7f8, DATA, some | BAS(0xff) | 11u << 24), ==,
        0x34 | 0x40);
    g_assert_cmphex(
        run_watch(STR_X1_X2, 0x800, DATA, some | BAS(0xff) | 11u << 24), ==,
        EC_BRK);
}

/* At EL0, under software step, as after an ERET that has set PSTATE.SS. */
static InterpCpu *begin_step(uint32_t insn)
{
    InterpCpu *cpu = begin(0);
    const uint32_t code[] = {insn, ADD_X0_1};

    memcpy(world_ram(&world, PROGRAM), code, sizeof(code));
    work_enter_guest(cpu);
    cpu->pc = PROGRAM;
    cpu->sys.mdscr_el1 = MDSCR_SS;
    cpu->ss = true;
    debug_step_changed(cpu);
    g_assert_true(atomic_load(&cpu->event) & EVENT_STEP);
    return cpu;
}

static void check_stepped(InterpCpu *cpu, uint64_t pc, uint32_t iss)
{
    g_assert_cmphex(cpu->pc, ==, pc);
    g_assert_false(cpu->ss);
    debug_step(cpu);
    g_assert_cmphex(cpu->sys.esr_el1 >> 26, ==, 0x32);
    g_assert_cmphex(cpu->sys.esr_el1 & 0x1ffffff, ==, 0x22 | iss);
    g_assert_cmphex(cpu->sys.elr_el1, ==, pc);
    /* EL1 is not stepped, though it runs one instruction at a time. */
    g_assert_cmpuint(cpu->el, ==, 1);
    memcpy(world_ram(&world, 0x40900400), &(uint32_t){ADD_X0_1}, 4);
    debug_step(cpu);
    g_assert_cmphex(cpu->pc, ==, 0x40900404);
    g_assert_cmpuint(cpu->el, ==, 1);
    cpu->sys.mdscr_el1 = 0;
    debug_step_changed(cpu);
    g_assert_false(atomic_load(&cpu->event) & EVENT_STEP);
}

static void test_step(void)
{
    InterpCpu *cpu = begin_step(ADD_X0_1);

    debug_step(cpu);
    g_assert_cmpuint(cpu->x[0], ==, 1);
    check_stepped(cpu, PROGRAM + 4, 1u << 24);
    end();
    cpu = begin_step(LDXR_X1_X2);
    debug_step(cpu);
    check_stepped(cpu, PROGRAM + 4, 1u << 24 | 1u << 6);
    end();
    /* A branch to where nothing can be fetched: the step is first. */
    cpu = begin_step(0xd61f0000); /* br x0 */
    debug_step(cpu);
    check_stepped(cpu, 0, 1u << 24);
    end();
}

/* What was stepped is taken as done by SVC, and as not done by a fault. */
static void test_step_exceptions(void)
{
    InterpCpu *cpu = begin_step(SVC);

    debug_step(cpu);
    g_assert_cmphex(cpu->sys.esr_el1 >> 26, ==, EC_SVC64);
    g_assert_false(cpu->sys.spsr_el1 & PSTATE_SS);
    end();
    cpu = begin_step(STR_X1_X2);
    cpu->sys.sctlr_el1 |= 2; /* A */
    cpu->x[2] = DATA + 1;
    debug_step(cpu);
    g_assert_cmphex(cpu->sys.esr_el1 >> 26, ==, EC_DABT_LOWER);
    g_assert_true(cpu->sys.spsr_el1 & PSTATE_SS);
    end();
}

static void test_debugger(void)
{
    DebugPoint point = {DEBUG_BREAK, PROGRAM, 4};
    InterpCpu *cpu = begin_step(ADD_X0_1);

    cpu->sys.mdscr_el1 = MDSCR_MDE;
    cpu->ss = false;
    debug_step_changed(cpu);
    cpu->sys.dbgbvr[0] = PROGRAM;
    cpu->sys.dbgbcr[0] = E_EL0;
    debug_add_point(cpu, &point);
    /* It hears of it before the guest does. */
    cpu_execute(cpu, NULL);
    g_assert_cmpuint(hits, ==, 1);
    g_assert_cmpint(last_hit.reason, ==, DEBUG_HIT_BREAK);
    g_assert_cmphex(last_hit.point.addr, ==, PROGRAM);
    g_assert_cmphex(cpu->pc, ==, PROGRAM);
    g_assert_true(atomic_load(&cpu->event) & EVENT_STOP);
    /* Its step goes on from there; the guest's breakpoint is met. */
    atomic_store(&cpu->event, 0);
    cpu->debug->resume = DEBUG_STEP;
    debug_step_changed(cpu);
    debug_step(cpu);
    g_assert_cmpuint(hits, ==, 2);
    g_assert_cmpint(last_hit.reason, ==, DEBUG_HIT_STEP);
    g_assert_cmphex(cpu->sys.esr_el1 >> 26, ==, 0x30);
    debug_remove_point(cpu, &point);
    g_assert_cmpuint(cpu->debug->points->len, ==, 0);
    end();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/interp-debug/break", test_break);
    g_test_add_func("/interp-debug/break-linked", test_break_linked);
    g_test_add_func("/interp-debug/break-masked", test_break_masked);
    g_test_add_func("/interp-debug/watch", test_watch);
    g_test_add_func("/interp-debug/watch-ranges", test_watch_ranges);
    g_test_add_func("/interp-debug/step", test_step);
    g_test_add_func("/interp-debug/step-exceptions", test_step_exceptions);
    g_test_add_func("/interp-debug/debugger", test_debugger);
    return g_test_run();
}
