/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kvm-bits.c: page arithmetic of slots, register fields, and the reset of the
 * in-kernel GICs, played against a model that answers user space as KVM does.
 */

#include <glib.h>
#include <string.h>

#include "accel/kvm-bits.h"

#define PAGE 4096u

static void check_range(uint64_t gpa, uint64_t size, uint64_t host,
                        uint64_t skip, uint64_t expected)
{
    KvmRange range;

    g_assert_true(kvm_range_of_pages(gpa, size, host, PAGE, &range));
    g_assert_cmphex(range.gpa, ==, gpa + skip);
    g_assert_cmphex(range.host, ==, host + skip);
    g_assert_cmphex(range.size, ==, expected);
}

static void test_range(void)
{
    KvmRange range;

    check_range(0x40000000, 0x8000000, 0x7f0000000000, 0, 0x8000000);
    check_range(0x1000, PAGE, 0x5000, 0, PAGE);
    check_range(0x1200, 2 * PAGE, 0x5200, 0xe00, PAGE);
    check_range(0x1000, 2 * PAGE - 1, 0x5000, 0, PAGE);
    check_range(0x1fff, PAGE + 1, 0x5fff, 1, PAGE);
    g_assert_false(kvm_range_of_pages(0x1000, 512, 0x5000, PAGE, &range));
    g_assert_false(kvm_range_of_pages(0x1200, PAGE, 0x5200, PAGE, &range));
    g_assert_false(kvm_range_of_pages(0x1200, 16, 0x5200, PAGE, &range));
    g_assert_false(kvm_range_of_pages(0x1000, PAGE, 0x5004, PAGE, &range));
    g_assert_false(kvm_range_of_pages(0x1000, PAGE, 0x5000, 16 * PAGE, &range));
}

static void test_address_bits(void)
{
    g_assert_cmpuint(kvm_address_bits(0), ==, 0);
    g_assert_cmpuint(kvm_address_bits(1), ==, 0);
    g_assert_cmpuint(kvm_address_bits(2), ==, 1);
    g_assert_cmpuint(kvm_address_bits(0x100000000), ==, 32);
    g_assert_cmpuint(kvm_address_bits(0x100000001), ==, 33);
    g_assert_cmpuint(kvm_address_bits(UINT64_MAX), ==, 64);
}

static void test_affinity(void)
{
    g_assert_cmphex(kvm_vcpu_affinity(0), ==, 0);
    g_assert_cmphex(kvm_vcpu_affinity(15), ==, 0xf);
    g_assert_cmphex(kvm_vcpu_affinity(16), ==, 0x100);
    g_assert_cmphex(kvm_vcpu_affinity(122), ==, 0x70a);
    g_assert_cmphex(kvm_vcpu_affinity(4096), ==, 0x10000);
}

static void test_icfgr(void)
{
    g_assert_cmphex(kvm_icfgr_offset(32), ==, 0xc08);
    g_assert_cmphex(kvm_icfgr_offset(144), ==, 0xc24);
    g_assert_cmphex(kvm_icfgr_offset(159), ==, 0xc24);
    g_assert_cmphex(kvm_icfgr_with(0, 144, true), ==, 0x2);
    g_assert_cmphex(kvm_icfgr_with(0, 159, true), ==, 0x80000000);
    g_assert_cmphex(kvm_icfgr_with(0xaaaaaaaa, 145, false), ==, 0xaaaaaaa2);
    g_assert_cmphex(kvm_icfgr_with(0xaaaaaaaa, 145, true), ==, 0xaaaaaaaa);
    g_assert_cmpuint(kvm_gic_priority_bits(0x400), ==, 5);
    g_assert_cmpuint(kvm_gic_priority_bits(0x8600), ==, 7);
}

/*
 * A controller with everything on, by register offset as in kvm-bits.c, for
 * the interrupts of one CPU's bank and the SPIs.
 */
#define MODEL_IRQS 96
#define MODEL_CPUS 3

typedef struct ModelIrq {
    bool enabled, pending, active, edge, group1;
    uint8_t priority, targets;
    uint32_t route;
} ModelIrq;

typedef struct Model {
    KvmGicShape shape;
    ModelIrq spis[MODEL_IRQS];
    ModelIrq private[MODEL_CPUS][32];
    bool enabled;
    bool groups;          /* GICv2: can user space write IGROUPR? */
    GHashTable *cpu_regs; /* "CPU:REG" => value */
    unsigned writes;
    unsigned give_up_at; /* 0: never */
} Model;

static ModelIrq *model_irq(Model *m, unsigned cpu, unsigned intid)
{
    g_assert_cmpuint(intid, <, m->shape.num_irqs);
    g_assert_cmpuint(cpu, <, m->shape.num_cpus);
    return intid < 32 ? &m->private[cpu][intid] : &m->spis[intid];
}

/* Registers of one bit an interrupt; false if @reg is none of them. */
static bool model_write_bit(Model *m, ModelIrq *irq, uint32_t reg, bool bit)
{
    switch (reg) {
    case 0x080:
        irq->group1 = m->shape.v3 || m->groups ? bit : irq->group1;
        return true;
    case 0x100:
        irq->enabled |= bit;
        return true;
    case 0x180:
        irq->enabled &= !bit;
        return true;
    case 0x200: /* KVM's own meaning for user space on GICv3 */
        g_assert_true(m->shape.v3);
        irq->pending = bit;
        return true;
    case 0x280: /* ignored by KVM on GICv3: a reset that relies on it is wrong
                 */
        g_assert_false(m->shape.v3);
        irq->pending &= !bit;
        return true;
    case 0x380:
        irq->active &= !bit;
        return true;
    default:
        return false;
    }
}

static void model_write_fields(Model *m, unsigned cpu, uint32_t reg,
                               uint32_t value)
{
    if (reg >= 0x400 && reg < 0x800) {
        for (unsigned i = 0; i < 4; i++) {
            model_irq(m, cpu, reg - 0x400 + i)->priority = value >> 8 * i;
        }
    } else if (reg >= 0x800 && reg < 0xc00) {
        g_assert_false(m->shape.v3);
        for (unsigned i = 0; i < 4; i++) {
            model_irq(m, cpu, reg - 0x800 + i)->targets = value >> 8 * i;
        }
    } else if (reg >= 0xc00 && reg < 0xd00) {
        for (unsigned i = 0; i < 16; i++) {
            model_irq(m, cpu, (reg - 0xc00) * 4 + i)->edge =
                value >> (2 * i + 1) & 1;
        }
    } else {
        g_assert_true(m->shape.v3);
        g_assert_cmphex(reg, >=, 0x6000);
        model_irq(m, cpu, (reg - 0x6000) / 8)->route = value;
    }
}

static void model_write_irqs(Model *m, unsigned cpu, uint32_t reg,
                             uint32_t value)
{
    for (unsigned i = 0; i < 32; i++) {
        unsigned intid = (reg & 0x7f) * 8 + i;

        if (reg >= 0x400 || !model_write_bit(m, model_irq(m, cpu, intid),
                                             reg & ~0x7fu, value >> i & 1)) {
            model_write_fields(m, cpu, reg, value);
            return;
        }
    }
}

static void model_write_cpu(Model *m, const KvmGicWrite *w)
{
    char *key = g_strdup_printf("%u:%x", w->cpu, w->reg);

    g_assert_cmpuint(w->value, ==, 0);
    g_hash_table_insert(m->cpu_regs, key, GUINT_TO_POINTER(w->keep));
}

static bool model_write(void *opaque, const KvmGicWrite *w)
{
    Model *m = opaque;

    if (++m->writes == m->give_up_at) {
        return false;
    }
    g_assert_cmpuint(m->give_up_at ? m->writes : 0, <=, m->give_up_at);
    if (w->space == KVM_GIC_CPU) {
        model_write_cpu(m, w);
    } else if (w->space == KVM_GIC_REDIST) {
        g_assert_true(m->shape.v3);
        g_assert_cmphex(w->reg, >=, 0x10000);
        model_write_irqs(m, w->cpu, w->reg - 0x10000, w->value);
    } else if (w->reg == 0) {
        m->enabled = w->value;
    } else if (w->reg == 0x008) {
        g_assert_false(m->shape.v3);
        g_assert_cmphex(w->keep, ==, 0xffffffff);
        g_assert_cmphex(w->value, ==, 0);
        m->groups = true;
    } else {
        g_assert_true(w->cpu == 0 || !m->shape.v3);
        model_write_irqs(m, w->cpu, w->reg, w->value);
    }
    return true;
}

static Model *model_new(bool v3, unsigned priority_bits)
{
    Model *m = g_new0(Model, 1);

    memset(m->spis, 1, sizeof(m->spis));
    memset(m->private, 1, sizeof(m->private));
    m->shape = (KvmGicShape){v3, MODEL_CPUS, MODEL_IRQS, priority_bits};
    m->enabled = true;
    m->cpu_regs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return m;
}

static void model_free(Model *m)
{
    g_hash_table_destroy(m->cpu_regs);
    g_free(m);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Model, model_free)

static void check_irq(const Model *m, const ModelIrq *irq, bool enabled)
{
    g_assert_cmpint(irq->enabled, ==, enabled);
    g_assert_false(irq->pending);
    g_assert_false(irq->active);
    g_assert_cmpuint(irq->priority, ==, 0);
    g_assert_cmpint(irq->group1, ==, m->shape.v3);
}

static void check_reset(Model *m)
{
    g_assert_true(kvm_gic_reset_writes(&m->shape, model_write, m));
    g_assert_false(m->enabled);
    for (unsigned i = 32; i < MODEL_IRQS; i++) {
        check_irq(m, &m->spis[i], false);
        g_assert_false(m->spis[i].edge);
        g_assert_cmphex(m->shape.v3 ? m->spis[i].route : m->spis[i].targets, ==,
                        0);
    }
    for (unsigned cpu = 0; cpu < MODEL_CPUS; cpu++) {
        for (unsigned i = 0; i < 32; i++) {
            check_irq(m, &m->private[cpu][i], i < 16);
        }
    }
}

static bool has_cpu_reg(const Model *m, unsigned cpu, uint32_t reg)
{
    g_autofree char *key = g_strdup_printf("%u:%x", cpu, reg);

    return g_hash_table_contains(m->cpu_regs, key);
}

static void test_reset_v2(void)
{
    static const uint32_t regs[] = {0x00, 0x04, 0x08, 0x1c, 0xd0};
    g_autoptr(Model) m = model_new(false, 0);

    check_reset(m);
    g_assert_cmpuint(g_hash_table_size(m->cpu_regs), ==,
                     MODEL_CPUS * G_N_ELEMENTS(regs));
    for (unsigned i = 0; i < G_N_ELEMENTS(regs); i++) {
        g_assert_true(has_cpu_reg(m, 2, regs[i]));
    }
}

/* Encodings by the Arm ARM: op0 op1 CRn CRm op2 from bit 14 down. */
static void test_reset_v3(void)
{
    static const uint32_t regs[] = {
        0xc230, /* ICC_PMR_EL1 */ 0xc643,     /* ICC_BPR0_EL1 */
        0xc644, /* ICC_AP0R0_EL1 */ 0xc648,   /* ICC_AP1R0_EL1 */
        0xc663, /* ICC_BPR1_EL1 */ 0xc664,    /* ICC_CTLR_EL1 */
        0xc666, /* ICC_IGRPEN0_EL1 */ 0xc667, /* ICC_IGRPEN1_EL1 */
    };
    g_autoptr(Model) m = model_new(true, 5);
    gpointer keep;

    check_reset(m);
    g_assert_cmpuint(g_hash_table_size(m->cpu_regs), ==,
                     MODEL_CPUS * G_N_ELEMENTS(regs));
    for (unsigned i = 0; i < G_N_ELEMENTS(regs); i++) {
        g_assert_true(has_cpu_reg(m, 1, regs[i]));
    }
    /* the fields that tell of the host must be written as they are */
    keep = g_hash_table_lookup(m->cpu_regs, "0:c664");
    g_assert_cmphex(GPOINTER_TO_UINT(keep), ==, 0xfffffffc);
}

static void test_priority_bits(void)
{
    g_autoptr(Model) six = model_new(true, 6);
    g_autoptr(Model) seven = model_new(true, 7);

    check_reset(six);
    g_assert_true(has_cpu_reg(six, 0, 0xc645)); /* ICC_AP0R1_EL1 */
    g_assert_true(has_cpu_reg(six, 0, 0xc649)); /* ICC_AP1R1_EL1 */
    g_assert_false(has_cpu_reg(six, 0, 0xc646));
    check_reset(seven);
    g_assert_true(has_cpu_reg(seven, 2, 0xc647)); /* ICC_AP0R3_EL1 */
    g_assert_true(has_cpu_reg(seven, 2, 0xc64b)); /* ICC_AP1R3_EL1 */
}

static void test_level(void)
{
    g_autoptr(Model) m = model_new(true, 5);

    g_assert_true(kvm_gic_level_writes(&m->shape, model_write, m));
    g_assert_cmpuint(m->writes, ==, (MODEL_IRQS - 32) / 16);
    for (unsigned i = 32; i < MODEL_IRQS; i++) {
        g_assert_false(m->spis[i].edge);
        g_assert_true(m->spis[i].enabled && m->spis[i].pending);
    }
}

/* Whichever write fails, it is the last. */
static void test_gives_up(void)
{
    for (int v3 = 0; v3 < 2; v3++) {
        g_autoptr(Model) m = model_new(v3, 7);
        unsigned total;

        g_assert_true(kvm_gic_reset_writes(&m->shape, model_write, m));
        total = m->writes;
        for (m->give_up_at = 1; m->give_up_at <= total; m->give_up_at++) {
            m->writes = 0;
            g_assert_false(kvm_gic_reset_writes(&m->shape, model_write, m));
            g_assert_cmpuint(m->writes, ==, m->give_up_at);
        }
    }
}

static void test_break(void)
{
    KvmDebugReg reg = kvm_break_reg(0xffff800010001236);

    g_assert_cmphex(reg.value, ==, 0xffff800010001234);
    g_assert_cmphex(reg.control, ==, 0x1e7);
}

static void check_watch(uint64_t addr, uint64_t size, uint64_t value,
                        uint64_t control)
{
    KvmDebugReg reg;

    g_assert_true(kvm_watch_reg(addr, size, false, true, &reg));
    g_assert_cmphex(reg.value, ==, value);
    g_assert_cmphex(reg.control, ==, control);
}

static void test_watch(void)
{
    KvmDebugReg reg;

    check_watch(0x1000, 8, 0x1000, 0x17 | 0xff << 5);
    check_watch(0x1000, 1, 0x1000, 0x17 | 0x01 << 5);
    check_watch(0x1007, 1, 0x1000, 0x17 | 0x80 << 5);
    check_watch(0x1004, 4, 0x1000, 0x17 | 0xf0 << 5);
    check_watch(0x1003, 3, 0x1000, 0x17 | 0x38 << 5);
    check_watch(0x1000, 16, 0x1000, 0x17 | 0xff << 5 | 4 << 24);
    check_watch(0x80000000, 1ull << 31, 0x80000000,
                0x17 | 0xff << 5 | 31 << 24);
    g_assert_true(kvm_watch_reg(8, 8, true, false, &reg));
    g_assert_cmphex(reg.control, ==, 0x0f | 0xff << 5);
    g_assert_true(kvm_watch_reg(8, 8, true, true, &reg));
    g_assert_cmphex(reg.control, ==, 0x1f | 0xff << 5);
}

static void test_watch_bad(void)
{
    KvmDebugReg reg;

    g_assert_false(kvm_watch_reg(0x1000, 0, true, true, &reg));
    g_assert_false(kvm_watch_reg(0x1001, 8, true, true, &reg));
    g_assert_false(kvm_watch_reg(0x1006, 4, true, true, &reg));
    g_assert_false(kvm_watch_reg(0x1000, 12, true, true, &reg));
    g_assert_false(kvm_watch_reg(0x1008, 16, true, true, &reg));
    g_assert_false(kvm_watch_reg(0, 1ull << 32, true, true, &reg));
    g_assert_false(kvm_watch_reg(0, UINT64_MAX, true, true, &reg));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kvm-bits/range", test_range);
    g_test_add_func("/kvm-bits/address-bits", test_address_bits);
    g_test_add_func("/kvm-bits/affinity", test_affinity);
    g_test_add_func("/kvm-bits/icfgr", test_icfgr);
    g_test_add_func("/kvm-bits/reset-v2", test_reset_v2);
    g_test_add_func("/kvm-bits/reset-v3", test_reset_v3);
    g_test_add_func("/kvm-bits/priority-bits", test_priority_bits);
    g_test_add_func("/kvm-bits/level", test_level);
    g_test_add_func("/kvm-bits/gives-up", test_gives_up);
    g_test_add_func("/kvm-bits/break", test_break);
    g_test_add_func("/kvm-bits/watch", test_watch);
    g_test_add_func("/kvm-bits/watch-bad", test_watch_bad);
    return g_test_run();
}
