/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of an Arm GIC that both versions share (Arm IHI 0048 and IHI 0069):
 * which interrupts are pending, which of them a CPU is told of, and how it
 * takes and ends it. There is a single security state.
 *
 * A CPU's pick is kept up to date by whoever changes something: what changed
 * for one CPU updates that one, and what changed for an SPI updates all of
 * them, since it may go to any. Everything is called with the lock held.
 */

#include "gic-core.h"
#include "trace.h"

static unsigned group_of(const GicWord *word, unsigned i)
{
    return word->group1 >> i & 1;
}

/* Priority bits that count for preemption. */
static uint8_t group_mask(const GicCpu *c, unsigned group)
{
    return group && !c->cbpr ? 0xff << c->bpr[1] : 0xfe << c->bpr[0];
}

unsigned gic_read_bpr(const GicCpu *c, unsigned group)
{
    return group && c->cbpr ? MIN(c->bpr[0] + 1, 7) : c->bpr[group];
}

void gic_write_bpr(GicCpu *c, unsigned group, unsigned value)
{
    if (!group || !c->cbpr) {
        c->bpr[group] = MAX(value & 7, group ? GIC_BPR1_MIN : GIC_BPR0_MIN);
    }
}

/* -- what a CPU is told ---------------------------------------------------- */

/*
 * Of several CPUs that could take an interrupt it goes to the first whose CPU
 * interface has its group on; nothing balances the load.
 */
static bool is_first_taker(const GicCore *gic, unsigned cpu, unsigned group)
{
    for (unsigned i = 0; i < cpu; i++) {
        if (gic->cpus[i].groups >> group & 1) {
            return false;
        }
    }
    return true;
}

static bool is_target(const GicCore *gic, unsigned cpu, const GicWord *word,
                      unsigned i)
{
    if (word->one_of_n >> i & 1) {
        return is_first_taker(gic, cpu, group_of(word, i));
    }
    return word->targets[i] >> cpu & 1;
}

/* Of equal priorities the lowest INTID wins. */
static void pick_from(GicCore *gic, unsigned cpu, unsigned w, GicPick *pick)
{
    const GicWord *word = gic_word(gic, cpu, w);
    unsigned groups = gic->groups & gic->cpus[cpu].groups;
    uint32_t bits = gic_pending(word) & word->enabled & ~word->active;

    bits &= (groups & GIC_GROUP0 ? ~word->group1 : 0) |
            (groups & GIC_GROUP1 ? word->group1 : 0);
    for (; bits; bits &= bits - 1) {
        unsigned i = __builtin_ctz(bits);

        if (word->priority[i] < pick->priority &&
            (w == 0 || is_target(gic, cpu, word, i))) {
            pick->intid = w * 32 + i;
            pick->priority = word->priority[i];
            pick->group = group_of(word, i);
        }
    }
}

uint8_t gic_running_priority(const GicCore *gic, unsigned cpu)
{
    uint32_t active = gic->cpus[cpu].apr[0] | gic->cpus[cpu].apr[1];

    return active ? __builtin_ctz(active) << GIC_PRIORITY_SHIFT
                  : GIC_PRIORITY_IDLE;
}

bool gic_can_signal(const GicCore *gic, unsigned cpu)
{
    const GicCpu *c = &gic->cpus[cpu];
    const GicPick *pick = &c->pick;

    return pick->intid != GIC_INTID_NONE && pick->priority < c->pmr &&
           (pick->priority & group_mask(c, pick->group)) <
               gic_running_priority(gic, cpu);
}

void gic_update_cpu(GicCore *gic, unsigned cpu)
{
    const SoftGic *soft = &gic->parent_obj;
    GicCpu *c = &gic->cpus[cpu];
    bool signal, fiq;

    c->pick = (GicPick){GIC_INTID_NONE, GIC_PRIORITY_IDLE, 0};
    for (unsigned w = 0; w < gic->num_words; w++) {
        pick_from(gic, cpu, w, &c->pick);
    }
    signal = gic_can_signal(gic, cpu);
    fiq = signal && c->group0_fiq && c->pick.group == 0;
    if (c->fiq != fiq) {
        c->fiq = fiq;
        soft->cpu_ops->set_fiq(soft->cpu_opaque, cpu, fiq);
    }
    if (c->irq != (signal && !fiq)) {
        c->irq = signal && !fiq;
        soft->cpu_ops->set_irq(soft->cpu_opaque, cpu, c->irq);
    }
}

void gic_update_all(GicCore *gic)
{
    for (unsigned cpu = 0; cpu < gic->parent_obj.num_cpus; cpu++) {
        gic_update_cpu(gic, cpu);
    }
}

void gic_update(GicCore *gic, unsigned cpu, unsigned w)
{
    if (w) {
        gic_update_all(gic);
    } else {
        gic_update_cpu(gic, cpu);
    }
}

/* -- where interrupts come from -------------------------------------------- */

void gic_set_line(GicCore *gic, unsigned cpu, unsigned intid, bool level)
{
    GicWord *word = gic_word(gic, cpu, intid / 32);
    uint32_t bit = 1u << intid % 32;

    if (!(word->line & bit) == !level) {
        return;
    }
    trace_gic_set_line(cpu, intid, level);
    word->line ^= bit;
    if (level) {
        word->latch |= word->edge & bit;
    }
    gic_update(gic, cpu, intid / 32);
}

void gic_send_sgi(GicCore *gic, unsigned cpu, unsigned intid, unsigned targets)
{
    trace_gic_sgi(cpu, intid, targets);
    for (unsigned i = 0; i < gic->parent_obj.num_cpus; i++) {
        GicCpu *c = &gic->cpus[i];

        if (targets >> i & 1) {
            c->priv.latch |= 1u << intid;
            c->sgi_sources[intid] |= gic->sgis_v2 ? 1u << cpu : 0;
            gic_update_cpu(gic, i);
        }
    }
}

/* -- what a CPU does with them --------------------------------------------- */

/*
 * Takes one of the senders of an SGI of GICv2, where it is pending because of
 * at least one; the others' stay pending.
 */
static unsigned take_source(GicCpu *c, unsigned sgi)
{
    uint8_t *sources = &c->sgi_sources[sgi];
    unsigned source = __builtin_ctz(*sources);

    *sources &= *sources - 1;
    if (*sources) {
        c->priv.latch |= 1u << sgi;
    }
    return source;
}

unsigned gic_acknowledge(GicCore *gic, unsigned cpu, unsigned *source)
{
    GicCpu *c = &gic->cpus[cpu];
    GicPick pick = c->pick;
    GicWord *word = gic_word(gic, cpu, pick.intid / 32);
    uint32_t bit = 1u << pick.intid % 32;
    uint8_t priority = pick.priority & group_mask(c, pick.group);

    trace_gic_ack(cpu, pick.intid, pick.priority);
    c->apr[pick.group] |= 1u << (priority >> GIC_PRIORITY_SHIFT);
    word->active |= bit;
    word->latch &= ~bit;
    if (source) {
        *source = pick.intid < GIC_SGIS ? take_source(c, pick.intid) : 0;
    }
    gic_update(gic, cpu, pick.intid / 32);
    return pick.intid;
}

/*
 * Ends the most urgent active priority. Without any, as after a guest has
 * cleared the active priorities, there is nothing to drop and that is fine.
 */
static bool drop_priority(GicCpu *c, unsigned groups)
{
    uint32_t active = c->apr[0] | c->apr[1];
    uint32_t top = active & -active;

    for (unsigned g = 0; g < 2; g++) {
        if (groups >> g & 1 && c->apr[g] & top) {
            c->apr[g] &= ~top;
            return true;
        }
    }
    return !active;
}

static void deactivate(GicCore *gic, unsigned cpu, unsigned intid)
{
    GicWord *word = gic_word(gic, cpu, intid / 32);
    uint32_t bit = 1u << intid % 32;

    if (word->active & bit) {
        trace_gic_deactivate(cpu, intid);
        word->active &= ~bit;
        if (word->notify & bit) {
            gic_tell_later(gic, intid);
        }
        gic_update(gic, cpu, intid / 32);
    }
}

void gic_end(GicCore *gic, unsigned cpu, unsigned groups, unsigned intid)
{
    GicCpu *c = &gic->cpus[cpu];

    if (!gic_intid_valid(gic, intid)) {
        return; /* a special INTID, which nobody has to end */
    }
    trace_gic_eoi(cpu, intid);
    if (!drop_priority(c, groups)) {
        return;
    }
    if (!c->split_eoi &&
        groups >> group_of(gic_word(gic, cpu, intid / 32), intid % 32) & 1) {
        deactivate(gic, cpu, intid);
    }
    gic_update_cpu(gic, cpu);
}

void gic_deactivate(GicCore *gic, unsigned cpu, unsigned intid)
{
    if (gic->cpus[cpu].split_eoi && gic_intid_valid(gic, intid)) {
        deactivate(gic, cpu, intid);
    }
}

/* -- reset ----------------------------------------------------------------- */

static void reset_word(GicWord *word)
{
    *word = (GicWord){
        .line = word->line,
        .edge = word->edge_source,
        .edge_source = word->edge_source,
        .notify = word->notify,
        .ended = word->ended,
    };
}

void gic_reset(GicCore *gic)
{
    gic->groups = 0;
    for (unsigned w = 1; w < gic->num_words; w++) {
        reset_word(gic_word(gic, 0, w));
    }
    for (unsigned cpu = 0; cpu < gic->parent_obj.num_cpus; cpu++) {
        GicCpu *c = &gic->cpus[cpu];

        reset_word(&c->priv);
        *c = (GicCpu){
            .priv = c->priv,
            .bpr = {GIC_BPR0_MIN, GIC_BPR1_MIN},
            .irq = c->irq,
            .fiq = c->fiq,
        };
        c->priv.edge = (1u << GIC_SGIS) - 1;
        c->priv.enabled = gic->sgis_v2;
    }
    GIC_CORE_GET_CLASS(gic)->reset(gic);
    gic_update_all(gic);
}
