/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers that GICv2's distributor, GICv3's and GICv3's redistributors
 * have at the same offsets: one bit, one byte or two bits an interrupt. Which
 * interrupts are there is the caller's to say: each of GICv3's two has a part.
 *
 * ICACTIVER tells no listener of an end: nothing says that the interrupt was
 * handled. Its level stays, so it is pending again, and its next end is told.
 */

#include "gic-core.h"

/* Registers of a bit each stand at multiples of 0x80. */
enum {
    IGROUPR = 1,
    ISENABLER,
    ICENABLER,
    ISPENDR,
    ICPENDR,
    ISACTIVER,
    ICACTIVER,
    IPRIORITYR,
    ICFGR = 24,
    COMMON_END = 26,
};

static MemTxResult region_read(void *opaque, hwaddr addr, uint64_t *value,
                               unsigned size)
{
    GicRegion *region = opaque;
    GicAccess a = {.addr = addr, .size = size};
    MemTxResult result;

    MUTEX_GUARD(&region->gic->lock);
    result = region->access(region->gic, &a);
    *value = a.value;
    return result;
}

static MemTxResult region_write(void *opaque, hwaddr addr, uint64_t value,
                                unsigned size)
{
    GicRegion *region = opaque;
    GicAccess a = {
        .is_write = true, .addr = addr, .size = size, .value = value};

    MUTEX_GUARD(&region->gic->lock);
    return region->access(region->gic, &a);
}

static const MemoryRegionOps region_ops = {
    .read = region_read,
    .write = region_write,
    .lockless = true,
};

void gic_region_init(GicRegion *region, GicCore *gic, const char *name,
                     uint64_t size,
                     MemTxResult (*access)(GicCore *gic, GicAccess *a))
{
    region->gic = gic;
    region->access = access;
    memory_region_init_io(&region->mr, OBJECT(gic), &region_ops, region, name,
                          size);
    sysbus_init_mmio(SYS_BUS_DEVICE(gic), &region->mr);
}

MemTxResult gic_access_constant(GicAccess *a, uint32_t value)
{
    a->value = value;
    return a->size == 4 ? MEMTX_OK : MEMTX_DECODE_ERROR;
}

static bool is_seen(const GicAccess *a, unsigned w)
{
    return w >= a->first_word && w < a->end_word;
}

static uint32_t read_bits(const GicWord *word, unsigned reg)
{
    switch (reg) {
    case IGROUPR:
        return word->group1;
    case ISENABLER:
    case ICENABLER:
        return word->enabled;
    case ISPENDR:
    case ICPENDR:
        return gic_pending(word);
    default:
        return word->active;
    }
}

/* @fixed: GICv2's SGIs, which are always enabled and have senders. */
static void write_bits(GicWord *word, unsigned reg, uint32_t bits,
                       uint32_t fixed)
{
    switch (reg) {
    case IGROUPR:
        word->group1 = bits;
        break;
    case ISENABLER:
        word->enabled |= bits;
        break;
    case ICENABLER:
        word->enabled &= ~bits | fixed;
        break;
    case ISPENDR:
        word->latch |= bits & ~fixed;
        break;
    case ICPENDR:
        word->latch &= ~bits | fixed;
        break;
    case ISACTIVER:
        word->active |= bits;
        break;
    case ICACTIVER:
        word->active &= ~bits;
        break;
    }
}

static MemTxResult access_bits(GicCore *gic, GicAccess *a, unsigned reg)
{
    unsigned w = (a->addr & 0x7f) / 4;
    GicWord *word;

    if (a->size != 4) {
        return MEMTX_DECODE_ERROR;
    }
    if (!is_seen(a, w)) {
        return gic_access_constant(a, 0);
    }
    word = gic_word(gic, a->cpu, w);
    if (a->is_write) {
        write_bits(word, reg, a->value, w ? 0 : gic->sgis_v2);
        gic_update(gic, a->cpu, w);
    } else {
        a->value = read_bits(word, reg);
    }
    return MEMTX_OK;
}

/* By bytes, too. A word's four interrupts are all there or none. */
static MemTxResult access_priority(GicCore *gic, GicAccess *a)
{
    unsigned intid = a->addr & 0x3ff;
    uint8_t *priority;

    if (a->size != 1 && a->size != 4) {
        return MEMTX_DECODE_ERROR;
    }
    if (!is_seen(a, intid / 32)) {
        a->value = 0;
        return MEMTX_OK;
    }
    priority = &gic_word(gic, a->cpu, intid / 32)->priority[intid % 32];
    if (a->is_write) {
        for (unsigned i = 0; i < a->size; i++) {
            priority[i] = a->value >> 8 * i & GIC_PRIORITY_MASK;
        }
        gic_update(gic, a->cpu, intid / 32);
        return MEMTX_OK;
    }
    a->value = 0;
    for (unsigned i = 0; i < a->size; i++) {
        a->value |= (uint64_t)priority[i] << 8 * i;
    }
    return MEMTX_OK;
}

/* Two bits an interrupt, the upper of which is edge. SGIs cannot be changed. */
static MemTxResult access_config(GicCore *gic, GicAccess *a)
{
    unsigned reg = (a->addr & 0xff) / 4;
    unsigned w = reg / 2, shift = reg % 2 * 16;
    uint32_t value = a->value;
    GicWord *word;

    if (a->size != 4) {
        return MEMTX_DECODE_ERROR;
    }
    a->value = 0;
    if (!is_seen(a, w)) {
        return MEMTX_OK;
    }
    word = gic_word(gic, a->cpu, w);
    for (unsigned i = 0; i < 16; i++) {
        uint32_t bit = 1u << (shift + i);

        if (!a->is_write) {
            a->value |= word->edge & bit ? 2u << 2 * i : 0;
        } else if (reg > 0) {
            word->edge =
                value >> 2 * i & 2 ? word->edge | bit : word->edge & ~bit;
        }
    }
    if (a->is_write) {
        gic_update(gic, a->cpu, w);
    }
    return MEMTX_OK;
}

MemTxResult gic_access_common(GicCore *gic, GicAccess *a)
{
    unsigned reg = a->addr >> 7;

    if (reg >= IGROUPR && reg <= ICACTIVER) {
        return access_bits(gic, a, reg);
    }
    if (reg >= IPRIORITYR && reg < IPRIORITYR + 8) {
        return access_priority(gic, a);
    }
    if (reg >= ICFGR && reg < COMMON_END) {
        return access_config(gic, a);
    }
    a->value = 0;
    return MEMTX_OK;
}
