/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * el1-timer: the physical and the virtual timer by their registers, at the
 * interrupt controller and as interrupts. Times are compared, never printed.
 * Arm ARM, D11.
 */
#include "el1-gic.h"

#define FAR_AWAY (1ull << 40)
#define MS 62500ull /* in ticks, checked by CNTFRQ_EL0 */

#define ISR_I (1u << 7)

CODE(code_loop, "1:\tb 1b");
CODE(code_wfi, "1:\twfi\n\tb 1b");

typedef struct TimerRegs {
    const char *name;
    unsigned intid;
    uint64_t (*ctl)(void), (*cval)(void), (*tval)(void), (*count)(void);
    void (*set_ctl)(uint64_t), (*set_cval)(uint64_t), (*set_tval)(uint64_t);
} TimerRegs;

#define TIMER_READ(name, reg)                 \
    static uint64_t name(void)                \
    {                                         \
        __asm__ volatile("isb" ::: "memory"); \
        return SYSREG_READ(reg);              \
    }
#define TIMER_WRITE(name, reg)       \
    static void name(uint64_t value) \
    {                                \
        SYSREG_WRITE(reg, value);    \
    }

TIMER_READ(v_ctl, cntv_ctl_el0)
TIMER_READ(v_cval, cntv_cval_el0)
TIMER_READ(v_tval, cntv_tval_el0)
TIMER_READ(v_count, cntvct_el0)
TIMER_WRITE(v_set_ctl, cntv_ctl_el0)
TIMER_WRITE(v_set_cval, cntv_cval_el0)
TIMER_WRITE(v_set_tval, cntv_tval_el0)
TIMER_READ(p_ctl, cntp_ctl_el0)
TIMER_READ(p_cval, cntp_cval_el0)
TIMER_READ(p_tval, cntp_tval_el0)
TIMER_READ(p_count, cntpct_el0)
TIMER_WRITE(p_set_ctl, cntp_ctl_el0)
TIMER_WRITE(p_set_cval, cntp_cval_el0)
TIMER_WRITE(p_set_tval, cntp_tval_el0)

static const TimerRegs timers[] = {
    {"virtual", 27, v_ctl, v_cval, v_tval, v_count, v_set_ctl, v_set_cval,
     v_set_tval},
    {"physical", 30, p_ctl, p_cval, p_tval, p_count, p_set_ctl, p_set_cval,
     p_set_tval},
};

static void counters(void)
{
    uint64_t p0 = p_count(), v = v_count(), p1 = p_count();

    show_number("CNTFRQ", SYSREG_READ(cntfrq_el0));
    show_bool("counters are one", p0 <= v && v <= p1 && p1 - p0 < 1000 * MS);
    v = v_count();
    while (v_count() == v) {
    }
    show_bool("counts up", v_count() > v);
}

static void registers(const TimerRegs *t)
{
    uint64_t now, value;

    t->set_ctl(0);
    t->set_cval(t->count() + FAR_AWAY);
    show_number("CTL, off", t->ctl());
    t->set_ctl(1);
    show_number("CTL, to come", t->ctl());
    t->set_ctl(3);
    show_number("CTL, to come, masked", t->ctl());
    t->set_cval(0);
    show_number("CTL, past, masked", t->ctl());
    t->set_ctl(1);
    show_number("CTL, past", t->ctl());
    t->set_ctl(~0ull);
    show_number("CTL, of ones", t->ctl());
    t->set_cval(~0ull);
    show_number("CTL, never", t->ctl());
    show_number("CVAL", t->cval());
    now = t->count();
    t->set_tval(0x7fffffff);
    value = t->cval();
    show_bool("CVAL by TVAL",
              value >= now + 0x7fffffff && value <= t->count() + 0x7fffffff);
    show_bool("TVAL", t->tval() <= 0x7fffffff && t->tval() > 0x7f000000);
    now = t->count();
    t->set_tval(0x80000000);
    value = t->cval();
    show_bool("CVAL by a negative TVAL",
              value >= now - 0x80000000u && value <= t->count() - 0x80000000u);
    show_number("CTL", t->ctl());
    t->set_tval(0);
    value = t->tval();
    show_bool("TVAL goes on below 0", !value || value >> 20 == 0xfff);
    show_number("CTL", t->ctl());
    t->set_ctl(0);
}

static void line(const TimerRegs *t)
{
    t->set_ctl(0);
    show_number("pending, off", gic_get(GIC_ISPENDR, t->intid));
    t->set_cval(0);
    show_number("pending, off, past", gic_get(GIC_ISPENDR, t->intid));
    t->set_ctl(1);
    show_number("pending, past", gic_get(GIC_ISPENDR, t->intid));
    show_number("ISR_EL1", SYSREG_READ(isr_el1) & ISR_I);
    t->set_ctl(3);
    show_number("pending, masked", gic_get(GIC_ISPENDR, t->intid));
    show_number("ISR_EL1", SYSREG_READ(isr_el1) & ISR_I);
    t->set_ctl(1);
    show_number("pending, unmasked", gic_get(GIC_ISPENDR, t->intid));
    t->set_cval(t->count() + FAR_AWAY);
    show_number("pending, put off", gic_get(GIC_ISPENDR, t->intid));
    t->set_tval(MS);
    while (!gic_get(GIC_ISPENDR, t->intid)) {
    }
    show_number("pending by itself, CTL", t->ctl());
    t->set_tval(1 << 30);
    show_number("pending, put off", gic_get(GIC_ISPENDR, t->intid));
    t->set_ctl(0);
}

/* In WFI with the interrupt masked, which wakes it all the same. */
static void wake(const TimerRegs *t)
{
    bool early = false, unset = false;

    for (unsigned i = 0; i < 20; i++) {
        uint64_t end = t->count() + MS / 4 * i;

        t->set_cval(end);
        t->set_ctl(1);
        __asm__ volatile("wfi" ::: "memory");
        early |= t->count() < end;
        unset |= t->ctl() != 5;
        t->set_ctl(0);
    }
    show_bool("WFI ended early", early);
    show_bool("without ISTATUS", unset);
}

static void interrupt(const TimerRegs *t, const char *name, unsigned mode,
                      const uint32_t *code)
{
    uint64_t end = t->count() + 3 * MS;
    const El1 *trap;
    uint64_t intid;

    t->set_cval(end);
    t->set_ctl(1);
    trap = run(mode & ~PSTATE_I, code, 0, 0);
    show_bool("early", t->count() < end);
    intid = gic_read_iar();
    print("%s: %s: %s: vector %lx intid %lu pending %u active %u\n", el1_name,
          el1_context, name, trap->vector, intid,
          gic_get(GIC_ISPENDR, t->intid), gic_get(GIC_ISACTIVER, t->intid));
    /* A level that is still there is pending again. */
    gic_write_eoir(intid);
    show_number("again", gic_read_iar());
    t->set_ctl(0);
    gic_write_eoir(intid);
    show_number("no more", gic_read_iar());
}

static void both(void)
{
    v_set_cval(0);
    p_set_cval(0);
    p_set_ctl(1);
    v_set_ctl(1);
    show_number("first", gic_read_iar());
    gic_write_eoir(27);
    v_set_ctl(0);
    show_number("then", gic_read_iar());
    p_set_ctl(0);
    gic_write_eoir(30);
    show_number("none", gic_read_iar());
}

void payload_main(void)
{
    static Space space;

    el1_name = "el1-timer";
    mmu_start(&space);
    gic_init();
    gic_cpu_init();
    gic_set(GIC_ISENABLER, 30);
    counters();
    for (unsigned i = 0; i < 2; i++) {
        const TimerRegs *t = &timers[i];

        el1_context = t->name;
        registers(t);
        line(t);
        wake(t);
        interrupt(t, "loop at el0", MODE_EL0, code_loop);
        interrupt(t, "loop at el1", MODE_EL1H, code_loop);
        interrupt(t, "wfi at el0", MODE_EL0, code_wfi);
        interrupt(t, "wfi at el1", MODE_EL1H, code_wfi);
    }
    el1_context = NULL;
    both();
    print("%s: done\n", el1_name);
}
