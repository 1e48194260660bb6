/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GICv2 and GICv3 for the payloads, at the addresses of the machine "virt".
 * All interrupts are group 0 on GICv2 and group 1 on GICv3, as both KVM and
 * an emulated GIC without the security extensions have it. The trigger type
 * is left alone unless the boot argument icfgr=1 is there: a guest that
 * never writes GICD_ICFGR must get its level interrupts too.
 */
#include "internal.h"

#define GICD 0x08000000UL
#define GICC 0x08010000UL
#define GICR 0x080a0000UL
#define GICR_STRIDE 0x20000UL

#define GICD_CTLR 0x000
#define GICD_IGROUPR 0x080
#define GICD_ISENABLER 0x100
#define GICD_ICENABLER 0x180
#define GICD_IPRIORITYR 0x400
#define GICD_ITARGETSR 0x800
#define GICD_ICFGR 0xc00
#define GICD_IROUTER 0x6000

#define GICC_CTLR 0x00
#define GICC_PMR 0x04
#define GICC_IAR 0x0c
#define GICC_EOIR 0x10

#define GICR_TYPER 0x08
#define GICR_WAKER 0x14
#define GICR_SGI 0x10000

#define SPECIAL_INTID 1020
#define MAX_SPI_WORDS 8 /* INTIDs 0 to 255: all that the machine has */

unsigned gic_version;
volatile uint64_t irq_none, irq_unclaimed;
static IrqHandler *volatile handlers[MAX_SPI_WORDS * 32];

static uint64_t redistributor(void)
{
    uint64_t mpidr = SYSREG_READ(mpidr_el1) & 0xffffff;
    uint64_t base = GICR;

    while (read64(base + GICR_TYPER) >> 32 != mpidr) {
        base += GICR_STRIDE;
    }
    return base;
}

void gic_init(void)
{
    if (gic_version == 2) {
        write32(GICD + GICD_CTLR, 1);
        return;
    }
    for (unsigned i = 1; i < MAX_SPI_WORDS; i++) {
        write32(GICD + GICD_IGROUPR + 4 * i, ~0u);
    }
    write32(GICD + GICD_CTLR, 1 << 4 | 1 << 1); /* ARE_NS, group 1 */
}

static void cpu_init_v3(void)
{
    uint64_t rd = redistributor();

    write32(rd + GICR_WAKER, read32(rd + GICR_WAKER) & ~2u);
    while (read32(rd + GICR_WAKER) & 4) {
    }
    write32(rd + GICR_SGI + GICD_IGROUPR, ~0u);
    write32(rd + GICR_SGI + GICD_ISENABLER, 1u << TIMER_INTID);
    SYSREG_WRITE(S3_0_C12_C12_5, 1);  /* ICC_SRE_EL1: system registers */
    SYSREG_WRITE(S3_0_C4_C6_0, 0xff); /* ICC_PMR_EL1 */
    SYSREG_WRITE(S3_0_C12_C12_3, 0);  /* ICC_BPR1_EL1 */
    SYSREG_WRITE(S3_0_C12_C12_7, 1);  /* ICC_IGRPEN1_EL1 */
}

void gic_cpu_init(void)
{
    if (gic_version == 3) {
        cpu_init_v3();
        return;
    }
    write32(GICD + GICD_ISENABLER, 1u << TIMER_INTID);
    write32(GICC + GICC_PMR, 0xff);
    write32(GICC + GICC_CTLR, 1);
}

void gic_spoil_groups(void)
{
    for (unsigned i = 0; gic_version == 2 && i < MAX_SPI_WORDS; i++) {
        write32(GICD + GICD_IGROUPR + 4 * i, ~0u);
    }
}

static void set_trigger(unsigned intid, bool edge)
{
    uint64_t reg = GICD + GICD_ICFGR + intid / 16 * 4;
    uint32_t bit = 2u << intid % 16 * 2;
    uint32_t v = read32(reg) & ~bit;

    write32(reg, edge ? v | bit : v);
}

void irq_enable(unsigned intid, bool edge, unsigned cpu, uint8_t priority,
                IrqHandler *handler)
{
    handlers[intid] = handler;
    if (arg("icfgr", 0)) {
        set_trigger(intid, edge);
    }
    *(volatile uint8_t *)(GICD + GICD_IPRIORITYR + intid) = priority;
    if (gic_version == 3) {
        write64(GICD + GICD_IROUTER + 8 * intid, cpu % 16 | (uint64_t)(cpu / 16)
                                                                << 8);
    } else {
        *(volatile uint8_t *)(GICD + GICD_ITARGETSR + intid) = 1u << cpu;
    }
    write32(GICD + GICD_ISENABLER + intid / 32 * 4, 1u << intid % 32);
}

void irq_disable(unsigned intid)
{
    write32(GICD + GICD_ICENABLER + intid / 32 * 4, 1u << intid % 32);
}

static unsigned acknowledge(void)
{
    return gic_version == 3 ? SYSREG_READ(S3_0_C12_C12_0) & 0xffffff
                            : read32(GICC + GICC_IAR) & 0x3ff;
}

void irq_end(unsigned intid)
{
    if (gic_version == 3) {
        SYSREG_WRITE(S3_0_C12_C12_1, intid);
    } else {
        write32(GICC + GICC_EOIR, intid);
    }
}

static bool timer_handler(unsigned intid, uint64_t entry)
{
    timer_stop();
    return true;
}

void gic_dispatch(uint64_t entry)
{
    unsigned intid = acknowledge();
    IrqHandler *handler;

    if (intid >= SPECIAL_INTID) {
        irq_none++;
        return;
    }
    handler = intid == TIMER_INTID ? timer_handler : NULL;
    if (intid < MAX_SPI_WORDS * 32 && handlers[intid]) {
        handler = handlers[intid];
    }
    if (!handler) {
        irq_unclaimed++;
        irq_disable(intid);
    }
    if (!handler || handler(intid, entry)) {
        irq_end(intid);
    }
}
