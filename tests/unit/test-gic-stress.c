/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random accesses to each version of the controller and to a model of it, which
 * after each must agree on every CPU's inputs, and on what is read. The model
 * knows each interrupt by itself and looks at all of them each time, with
 * nothing kept that can be computed; g_test's seed repeats a run.
 */
#include "gic-fixture.h"

#define CPUS 4
#define SPIS 64
#define INTIDS (32 + SPIS)
#define NONE 1023
#define STEPS 30000

typedef struct Interrupt {
    bool line, latch, enabled, active, edge;
    unsigned group;
    unsigned priority;
    unsigned targets;
    bool any;
    unsigned senders;
} Interrupt;

typedef struct Cpu {
    Interrupt own[32];
    unsigned pmr, bpr[2];
    bool on[2], cbpr, split, fiq, ack_any;
    bool running[2][32]; /* priorities / 8 */
    unsigned taken[64], num_taken;
} Cpu;

typedef struct Model {
    GicFixture f;
    bool v3;
    bool on[2];
    Cpu cpus[CPUS];
    Interrupt shared[SPIS];
} Model;

static unsigned rnd(unsigned n)
{
    return g_test_rand_int_range(0, n);
}

static Interrupt *interrupt(Model *m, unsigned cpu, unsigned intid)
{
    return intid < 32 ? &m->cpus[cpu].own[intid] : &m->shared[intid - 32];
}

/* -- what it must be ------------------------------------------------------- */

static bool is_pending(const Interrupt *i)
{
    return i->latch || (!i->edge && i->line);
}

static bool goes_to(const Model *m, const Interrupt *i, unsigned cpu)
{
    if (i->any) {
        unsigned first = 0;

        while (first < CPUS && !m->cpus[first].on[i->group]) {
            first++;
        }
        return first == cpu;
    }
    return i->targets & 1u << cpu;
}

static unsigned most_urgent(Model *m, unsigned cpu)
{
    unsigned best = NONE, best_priority = 256;

    for (unsigned intid = INTIDS; intid-- > 0;) {
        const Interrupt *i = interrupt(m, cpu, intid);

        if (is_pending(i) && i->enabled && !i->active && m->on[i->group] &&
            m->cpus[cpu].on[i->group] && (intid < 32 || goes_to(m, i, cpu)) &&
            i->priority <= best_priority) {
            best = intid;
            best_priority = i->priority;
        }
    }
    return best;
}

static unsigned running_priority(const Cpu *c)
{
    for (unsigned p = 0; p < 32; p++) {
        if (c->running[0][p] || c->running[1][p]) {
            return p * 8;
        }
    }
    return 255;
}

/* The binary point cuts the priority: group 0 above bit n, group 1 from it. */
static unsigned group_priority(const Cpu *c, const Interrupt *i)
{
    unsigned low = i->group && !c->cbpr ? c->bpr[1] : c->bpr[0] + 1;

    return i->priority >> low << low;
}

static bool interrupts(Model *m, unsigned cpu, unsigned intid)
{
    const Cpu *c = &m->cpus[cpu];
    const Interrupt *i;

    if (intid == NONE) {
        return false;
    }
    i = interrupt(m, cpu, intid);
    return i->priority < c->pmr && group_priority(c, i) < running_priority(c);
}

static void check_inputs(Model *m)
{
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        unsigned intid = most_urgent(m, cpu);
        bool any = interrupts(m, cpu, intid);
        bool fiq = any && !interrupt(m, cpu, intid)->group &&
                   (m->v3 || m->cpus[cpu].fiq);

        g_assert_cmpint(m->f.fiq[cpu], ==, fiq);
        g_assert_cmpint(m->f.irq[cpu], ==, any && !fiq);
    }
}

/* -- registers of both versions -------------------------------------------- */

/* The distributor, or the redistributor of private interrupts. */
static uint32_t access_reg(Model *m, unsigned cpu, unsigned intid, hwaddr reg,
                           unsigned size, uint32_t value, bool is_write)
{
    GicFixture *f = &m->f;
    bool redist = m->v3 && intid < 32;
    hwaddr addr = redist ? cpu * GICR_STRIDE + GICR_SGI + reg : reg;

    if (is_write && redist) {
        cpuif_write_n(f, cpu, addr, value, size);
    } else if (is_write) {
        gicd_write_n(f, cpu, addr, value, size);
    } else {
        value = redist ? cpuif_read_n(f, cpu, addr, size)
                       : gicd_read_n(f, cpu, addr, size);
    }
    return value;
}

static void write_bit(Model *m, unsigned cpu, unsigned intid, hwaddr reg)
{
    access_reg(m, cpu, intid, reg + intid / 32 * 4, 4, 1u << intid % 32, true);
}

static bool read_bit(Model *m, unsigned cpu, unsigned intid, hwaddr reg)
{
    return access_reg(m, cpu, intid, reg + intid / 32 * 4, 4, 0, false) >>
               intid % 32 &
           1;
}

static void do_enable(Model *m, unsigned cpu, unsigned intid)
{
    Interrupt *i = interrupt(m, cpu, intid);
    bool on = rnd(4) > 0;

    write_bit(m, cpu, intid, on ? GICD_ISENABLER : GICD_ICENABLER);
    i->enabled = on || (!m->v3 && intid < 16);
}

static void do_pend(Model *m, unsigned cpu, unsigned intid)
{
    bool on = rnd(3) > 0;

    write_bit(m, cpu, intid, on ? GICD_ISPENDR : GICD_ICPENDR);
    if (m->v3 || intid >= 16) {
        interrupt(m, cpu, intid)->latch = on;
    }
}

static void do_activate(Model *m, unsigned cpu, unsigned intid)
{
    bool on = rnd(4) == 0;

    write_bit(m, cpu, intid, on ? GICD_ISACTIVER : GICD_ICACTIVER);
    interrupt(m, cpu, intid)->active = on;
}

static void do_priority(Model *m, unsigned cpu, unsigned intid)
{
    unsigned value = rnd(256);

    access_reg(m, cpu, intid, GICD_IPRIORITYR + intid, 1, value, true);
    interrupt(m, cpu, intid)->priority = value / 8 * 8;
}

static void do_config(Model *m, unsigned cpu, unsigned intid)
{
    hwaddr reg = GICD_ICFGR + intid / 16 * 4;
    uint32_t bit = 2u << intid % 16 * 2;
    uint32_t old = access_reg(m, cpu, intid, reg, 4, 0, false);

    access_reg(m, cpu, intid, reg, 4, old ^ bit, true);
    if (intid >= 16) {
        interrupt(m, cpu, intid)->edge = !(old & bit);
    }
}

static void do_group(Model *m, unsigned cpu, unsigned intid)
{
    hwaddr reg = GICD_IGROUPR + intid / 32 * 4;
    uint32_t old = access_reg(m, cpu, intid, reg, 4, 0, false);

    access_reg(m, cpu, intid, reg, 4, old ^ 1u << intid % 32, true);
    interrupt(m, cpu, intid)->group ^= 1;
}

static void do_target(Model *m, unsigned cpu, unsigned intid)
{
    Interrupt *i = interrupt(m, cpu, intid);

    if (intid < 32) {
        return;
    }
    if (m->v3) {
        unsigned target = rnd(CPUS + 1); /* one that there is not */

        i->any = rnd(4) == 0;
        i->targets = 1u << target;
        gicd_write_n(&m->f, cpu, GICD_IROUTER + 8 * intid,
                     target | (i->any ? 1u << 31 : 0), 8);
    } else {
        i->targets = rnd(1 << CPUS);
        gicd_write_n(&m->f, cpu, GICD_ITARGETSR + intid, i->targets, 1);
    }
}

static void do_line(Model *m, unsigned cpu, unsigned intid)
{
    Interrupt *i = interrupt(m, cpu, intid);
    bool level = rnd(2);

    if (intid < 16) {
        return;
    }
    if (intid < 32) {
        set_ppi(&m->f, cpu, intid, level);
    } else {
        irq_set(gic_spi(&m->f, intid), level);
    }
    i->latch |= i->edge && level && !i->line;
    i->line = level;
}

static void do_sgi(Model *m, unsigned cpu, unsigned intid)
{
    unsigned list = rnd(1 << CPUS), kind = rnd(4);

    intid %= 16;
    if (m->v3) {
        kind = kind == 1; /* all others, or the list */
        msr(&m->f, cpu, SGI1R, (uint64_t)kind << 40 | intid << 24 | list);
    } else {
        gicd_write_n(&m->f, cpu, GICD_SGIR, kind << 24 | list << 16 | intid, 4);
    }
    for (unsigned to = 0; to < CPUS; to++) {
        bool sent = kind == 0   ? list & 1u << to
                    : kind == 1 ? to != cpu
                                : kind == 2 && to == cpu;

        if (sent) {
            m->cpus[to].own[intid].latch = true;
            m->cpus[to].own[intid].senders |= m->v3 ? 0 : 1u << cpu;
        }
    }
}

static void do_dist_ctlr(Model *m, unsigned cpu, unsigned unused)
{
    unsigned value = rnd(8) ? 3 : rnd(4);

    gicd_write(&m->f, GICD_CTLR, value);
    m->on[0] = value & 1;
    m->on[1] = value >> 1;
}

/* -- the CPU interface ----------------------------------------------------- */

static void do_pmr(Model *m, unsigned cpu, unsigned unused)
{
    unsigned value = rnd(3) ? 255 : rnd(256);

    if (m->v3) {
        msr(&m->f, cpu, PMR, value);
    } else {
        gicc_write(&m->f, cpu, GICC_PMR, value);
    }
    m->cpus[cpu].pmr = value / 8 * 8;
}

static void do_bpr(Model *m, unsigned cpu, unsigned unused)
{
    Cpu *c = &m->cpus[cpu];
    unsigned group = rnd(2), value = rnd(8);

    if (m->v3) {
        msr(&m->f, cpu, group ? BPR1 : BPR0, value);
    } else {
        gicc_write(&m->f, cpu, group ? GICC_ABPR : GICC_BPR, value);
    }
    if (!group || !c->cbpr) {
        c->bpr[group] = MAX(value, 2 + group);
    }
}

static void do_ctlr(Model *m, unsigned cpu, unsigned unused)
{
    Cpu *c = &m->cpus[cpu];

    c->cbpr = rnd(4) == 0;
    c->split = rnd(2);
    c->on[0] = rnd(8) > 0;
    c->on[1] = rnd(8) > 0;
    c->fiq = rnd(2);
    c->ack_any = rnd(2);
    if (m->v3) {
        msr(&m->f, cpu, ICC_CTLR, c->cbpr | c->split << 1);
        msr(&m->f, cpu, IGRPEN0, c->on[0]);
        msr(&m->f, cpu, IGRPEN1, c->on[1]);
    } else {
        gicc_write(&m->f, cpu, GICC_CTLR,
                   c->on[0] | c->on[1] << 1 | c->ack_any << 2 | c->fiq << 3 |
                       c->cbpr << 4 | c->split << 9);
    }
}

/* What IAR of @group says of @intid, without the sender; GICv2's AckCtl. */
static unsigned seen_as(Model *m, unsigned cpu, unsigned group, unsigned intid)
{
    unsigned of = intid == NONE ? group : interrupt(m, cpu, intid)->group;

    if (of == group || (!m->v3 && !group && m->cpus[cpu].ack_any)) {
        return intid;
    }
    return m->v3 || group ? NONE : 1022;
}

static void do_take(Model *m, unsigned cpu, unsigned unused)
{
    Cpu *c = &m->cpus[cpu];
    unsigned group = rnd(2), intid = most_urgent(m, cpu), expected, source = 0;
    unsigned got = m->v3 ? mrs(&m->f, cpu, group ? IAR1 : IAR0)
                         : gicc_read(&m->f, cpu, group ? GICC_AIAR : GICC_IAR);
    Interrupt *i;

    intid = interrupts(m, cpu, intid) ? intid : NONE;
    expected = seen_as(m, cpu, group, intid);
    if (expected >= 1022) {
        g_assert_cmpuint(got, ==, expected);
        return;
    }
    i = interrupt(m, cpu, intid);
    i->latch = false;
    if (intid < 16 && !m->v3) {
        while (!(i->senders & 1u << source)) {
            source++;
        }
        i->senders &= ~(1u << source);
        i->latch = i->senders != 0;
    }
    g_assert_cmpuint(got, ==, expected | source << 10);
    i->active = true;
    c->running[i->group][group_priority(c, i) / 8] = true;
    if (c->num_taken < G_N_ELEMENTS(c->taken)) {
        c->taken[c->num_taken++] = intid;
    }
}

/* True if EOIR of @group is for what runs. */
static bool drop(Model *m, Cpu *c, unsigned group)
{
    unsigned p = running_priority(c);

    if (p == 255) {
        return true;
    }
    for (unsigned g = 0; g < 2; g++) {
        bool meant = g == group || (!m->v3 && !group && c->ack_any);

        if (meant && c->running[g][p / 8]) {
            c->running[g][p / 8] = false;
            return true;
        }
    }
    return false;
}

static void do_end(Model *m, unsigned cpu, unsigned intid)
{
    Cpu *c = &m->cpus[cpu];
    unsigned group = rnd(2);

    if (c->num_taken && rnd(8)) {
        intid = c->taken[--c->num_taken];
        group = rnd(8) ? interrupt(m, cpu, intid)->group : group;
    }
    if (m->v3) {
        msr(&m->f, cpu, group ? EOIR1 : EOIR0, intid);
    } else {
        gicc_write(&m->f, cpu, group ? GICC_AEOIR : GICC_EOIR, intid);
    }
    if (drop(m, c, group) && !c->split &&
        seen_as(m, cpu, group, intid) == intid) {
        interrupt(m, cpu, intid)->active = false;
    }
    if (c->split && rnd(4)) {
        if (m->v3) {
            msr(&m->f, cpu, ICC_DIR, intid);
        } else {
            gicc_write(&m->f, cpu, GICC_DIR, intid);
        }
        interrupt(m, cpu, intid)->active = false;
    }
}

static void do_running(Model *m, unsigned cpu, unsigned unused)
{
    Cpu *c = &m->cpus[cpu];
    unsigned g = rnd(2);
    uint32_t expected = 0;

    g_assert_cmpuint(m->v3 ? mrs(&m->f, cpu, RPR)
                           : gicc_read(&m->f, cpu, GICC_RPR),
                     ==, running_priority(c));
    for (unsigned p = 0; p < 32; p++) {
        expected |= c->running[g][p] ? 1u << p : 0;
    }
    g_assert_cmphex(m->v3 ? mrs(&m->f, cpu, g ? AP1R0 : AP0R0)
                          : gicc_read(&m->f, cpu, g ? GICC_NSAPR0 : GICC_APR0),
                    ==, expected);
    if (rnd(16) == 0) { /* lest all of them be active one day */
        memset(c->running, 0, sizeof(c->running));
        for (g = 0; g < 2; g++) {
            if (m->v3) {
                msr(&m->f, cpu, g ? AP1R0 : AP0R0, 0);
            } else {
                gicc_write(&m->f, cpu, g ? GICC_NSAPR0 : GICC_APR0, 0);
            }
        }
    }
}

static void do_look(Model *m, unsigned cpu, unsigned intid)
{
    const Interrupt *i = interrupt(m, cpu, intid);
    unsigned group = rnd(2), pick = most_urgent(m, cpu), got;

    g_assert_cmpint(read_bit(m, cpu, intid, GICD_ISPENDR), ==, is_pending(i));
    g_assert_cmpint(read_bit(m, cpu, intid, GICD_ISACTIVER), ==, i->active);
    g_assert_cmpint(read_bit(m, cpu, intid, GICD_ISENABLER), ==, i->enabled);
    got = m->v3 ? mrs(&m->f, cpu, group ? HPPIR1 : HPPIR0)
                : gicc_read(&m->f, cpu, group ? GICC_AHPPIR : GICC_HPPIR);
    g_assert_cmpuint(got & 1023, ==, seen_as(m, cpu, group, pick));
}

static void model_reset(Model *m)
{
    m->on[0] = m->on[1] = false;
    for (unsigned i = 0; i < SPIS; i++) {
        m->shared[i] = (Interrupt){.targets = m->v3 ? 1 : 0};
    }
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        Cpu *c = &m->cpus[cpu];

        for (unsigned i = 0; i < 32; i++) {
            c->own[i] = (Interrupt){.line = c->own[i].line};
            c->own[i].edge = i < 16;
            c->own[i].enabled = i < 16 && !m->v3;
        }
        c->pmr = 0;
        c->bpr[0] = 2;
        c->bpr[1] = 3;
        c->on[0] = c->on[1] = false;
        c->cbpr = c->split = c->fiq = c->ack_any = false;
        memset(c->running, 0, sizeof(c->running));
        c->num_taken = 0;
    }
}

static void do_reset(Model *m, unsigned cpu, unsigned unused)
{
    if (rnd(64) == 0) {
        reset_all();
        model_reset(m);
    }
}

static void test_stress(gconstpointer v3)
{
    static void (*const actions[])(Model * m, unsigned cpu, unsigned intid) = {
        do_enable, do_enable, do_pend, do_activate, do_priority, do_config,
        do_group,  do_target, do_line, do_line,     do_line,     do_line,
        do_sgi,    do_sgi,    do_pmr,  do_bpr,      do_ctlr,     do_dist_ctlr,
        do_take,   do_take,   do_take, do_take,     do_take,     do_end,
        do_end,    do_end,    do_end,  do_running,  do_look,     do_look,
        do_reset,
    };
    g_autofree Model *m = g_new0(Model, 1);
    unsigned taken = 0;

    m->v3 = v3 != NULL;
    gic_fixture_start(&m->f, m->v3, CPUS, SPIS, &gic_fixture_ops);
    model_reset(m);
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned cpu = rnd(CPUS), before = m->cpus[cpu].num_taken;

        actions[rnd(G_N_ELEMENTS(actions))](m, cpu, rnd(INTIDS));
        check_inputs(m);
        taken += m->cpus[cpu].num_taken > before;
    }
    /* Or nothing much was tried. */
    g_assert_cmpuint(taken, >, STEPS / 100);
    gic_fixture_stop(&m->f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/gic-stress/v2", NULL, test_stress);
    g_test_add_data_func("/gic-stress/v3", "", test_stress);
    return g_test_run();
}
