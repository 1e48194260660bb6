/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * el1-gic: the distributor, the CPU interface and what a CPU is told, of GICv2
 * and GICv3 alike; SPIs are made pending by software, or by the timers and the
 * UART where a level is wanted. IHI 0048, IHI 0069.
 */
#include "el1-gic.h"

#define SPI 40u /* nothing is connected to it, nor to the next ones */
#define VTIMER 27u

CODE(code_loop, "1:\tb 1b");
CODE(code_nops, "nop\n\tnop\n\tnop\n\tnop");

static void show_state(const char *name, unsigned intid)
{
    begin_line(name);
    print(" pending %u active %u enabled %u\n", gic_get(GIC_ISPENDR, intid),
          gic_get(GIC_ISACTIVER, intid), gic_get(GIC_ISENABLER, intid));
}

/* INTID and, of GICv2's SGIs, whose. */
static void show_iar(const char *name)
{
    show_number(name, gic_read_iar());
}

static void show_cpu(const char *name)
{
    begin_line(name);
    print(" rpr %lx hppir %lx\n", gic_read_rpr(), gic_read_hppir());
}

/* Does an interrupt come at EL1 with I clear? */
static void show_taken(const char *name)
{
    const El1 *t = run(MODE_EL1H & ~PSTATE_I, code_nops, 0, 0);

    begin_line(name);
    if (is_done(t)) {
        print(" no interrupt\n");
    } else {
        print(" vector %lx\n", t->vector);
    }
}

static void prepare(unsigned intid, unsigned priority, bool edge)
{
    gic_set(GIC_ICENABLER, intid);
    gic_set(GIC_ICPENDR, intid);
    gic_set(GIC_ICACTIVER, intid);
    gic_priority(intid, priority);
    if (intid >= 32) {
        gic_edge(intid, edge);
        gic_route(intid, 0);
    }
    gic_set(GIC_ISENABLER, intid);
}

/* ---- SGIs ---- */

static void sgis(void)
{
    for (unsigned i = 0; i < 16; i++) {
        prepare(i, 0xa0, true);
    }
    show_iar("none");
    show_taken("none");
    gic_sgi(5, 1);
    show_state("SGI 5 sent", 5);
    show_taken("SGI 5");
    show_iar("SGI 5");
    show_state("SGI 5 taken", 5);
    show_cpu("SGI 5 taken");
    gic_sgi(5, 1);
    show_state("SGI 5 sent again", 5);
    show_iar("not while it is active");
    gic_write_eoir(5);
    show_state("SGI 5 ended", 5);
    show_iar("SGI 5 again");
    gic_write_eoir(5);
    show_cpu("all ended");
    for (unsigned i = 16; i-- > 0;) {
        gic_sgi(i, 1);
    }
    for (unsigned i = 0; i < 17; i++) {
        unsigned intid = gic_read_iar();

        show_number("in order", intid);
        gic_write_eoir(intid);
    }
    gic_sgi(3, 0);
    show_iar("to nobody");
    gic_set(GIC_ICENABLER, 3);
    show_number("SGI 3 disabled", gic_get(GIC_ISENABLER, 3));
    gic_set(GIC_ISENABLER, 3);
}

/* ---- SPIs by software ---- */

static void spi_states(bool edge)
{
    el1_context = edge ? "edge" : "level";
    prepare(SPI, 0xa0, edge);
    show_state("reset", SPI);
    gic_set(GIC_ISPENDR, SPI);
    show_state("set pending", SPI);
    gic_set(GIC_ICPENDR, SPI);
    show_state("cleared", SPI);
    show_iar("none");
    gic_set(GIC_ISPENDR, SPI);
    show_taken("pending");
    show_iar("taken");
    show_state("taken", SPI);
    gic_set(GIC_ISPENDR, SPI);
    show_state("active and pending", SPI);
    show_iar("not yet");
    gic_write_eoir(SPI);
    show_state("ended", SPI);
    show_iar("again");
    gic_write_eoir(SPI);
    show_state("idle", SPI);
    gic_set(GIC_ICENABLER, SPI);
    gic_set(GIC_ISPENDR, SPI);
    show_state("disabled", SPI);
    show_taken("disabled");
    show_iar("disabled");
    gic_set(GIC_ISENABLER, SPI);
    show_iar("enabled again");
    gic_set(GIC_ICACTIVER, SPI);
    show_state("made inactive", SPI);
    gic_write_eoir(SPI);
    gic_set(GIC_ISACTIVER, SPI);
    gic_set(GIC_ISPENDR, SPI);
    show_iar("made active");
    gic_set(GIC_ICACTIVER, SPI);
    show_iar("no longer");
    gic_write_eoir(SPI);
    show_cpu("end");
    el1_context = NULL;
}

/* ---- a level that stays ---- */

static void level(void)
{
    prepare(VTIMER, 0xa0, false);
    SYSREG_WRITE(cntv_cval_el0, 0);
    SYSREG_WRITE(cntv_ctl_el0, 1);
    show_state("high", VTIMER);
    gic_set(GIC_ICPENDR, VTIMER);
    show_state("cannot be cleared", VTIMER);
    show_iar("taken");
    show_state("active, still high", VTIMER);
    gic_write_eoir(VTIMER);
    show_iar("taken again");
    SYSREG_WRITE(cntv_ctl_el0, 0);
    show_state("low", VTIMER);
    gic_write_eoir(VTIMER);
    show_iar("none");
    SYSREG_WRITE(cntv_ctl_el0, 1);
    SYSREG_WRITE(cntv_ctl_el0, 0);
    show_state("a pulse is forgotten", VTIMER);
    gic_set(GIC_ISPENDR, VTIMER);
    show_state("by software", VTIMER);
    show_iar("by software");
    show_state("taken", VTIMER);
    gic_write_eoir(VTIMER);
}

/* ---- priorities ---- */

static void priorities(void)
{
    prepare(SPI, 0x80, true);
    prepare(SPI + 1, 0x40, true);
    prepare(SPI + 2, 0xc0, true);
    gic_set(GIC_ISPENDR, SPI);
    gic_set(GIC_ISPENDR, SPI + 2);
    show_cpu("two pending");
    show_iar("0x80 first");
    show_cpu("0x80 taken");
    show_iar("0xc0 waits");
    gic_set(GIC_ISPENDR, SPI + 1);
    show_cpu("0x40 pending");
    show_taken("0x40 preempts");
    show_iar("0x40");
    show_cpu("0x40 taken");
    gic_write_eoir(SPI + 1);
    show_cpu("0x40 ended");
    gic_write_eoir(SPI);
    show_cpu("0x80 ended");
    show_iar("0xc0");
    gic_write_eoir(SPI + 2);
    for (unsigned i = 0; i < 3; i++) {
        prepare(SPI + i, 0x80, true);
        gic_set(GIC_ISPENDR, SPI + i);
    }
    for (unsigned i = 0; i < 3; i++) {
        unsigned intid = gic_read_iar();

        show_number("equal priorities", intid);
        gic_write_eoir(intid);
    }
}

static void mask(void)
{
    static const uint8_t masks[] = {0, 0x40, 0x78, 0x80, 0x88, 0xf0, 0xf8};

    prepare(SPI, 0x80, true);
    gic_set(GIC_ISPENDR, SPI);
    for (unsigned i = 0; i < sizeof(masks); i++) {
        gic_write_pmr(masks[i]);
        show_number("PMR", gic_read_pmr());
        show_number("HPPIR under PMR", gic_read_hppir());
        show_taken("0x80 under it");
    }
    gic_write_pmr(0xff);
    gic_write_eoir(gic_read_iar());
}

/* BPR 3: the upper four bits say who preempts, of group 0's; see BPR1. */
static void binary_point(void)
{
    static const uint8_t others[] = {0x40, 0x80, 0xa0, 0xa8};

    for (unsigned bpr = 3; bpr < 8; bpr++) {
        gic_write_bpr(bpr);
        show_number("BPR", gic_read_bpr());
        for (unsigned i = 0; i < sizeof(others); i++) {
            prepare(SPI, 0xb0, true);
            prepare(SPI + 1, others[i], true);
            gic_set(GIC_ISPENDR, SPI);
            gic_read_iar();
            gic_set(GIC_ISPENDR, SPI + 1);
            show_cpu("running, pending");
            show_taken("preempts");
            if (gic_read_iar() == SPI + 1) {
                show_cpu("preempted");
                gic_write_eoir(SPI + 1);
                gic_write_eoir(SPI);
            } else {
                gic_write_eoir(SPI);
                gic_write_eoir(gic_read_iar());
            }
            show_cpu("idle");
        }
    }
    gic_write_bpr(0);
}

/* ---- EOImode 1 ---- */

static void eoi_mode(bool split)
{
    if (gic_version == 2) {
        write32(GICC_BASE, split ? 1 | 1 << 9 : 1);
    } else {
        SYSREG_WRITE(S3_0_C12_C12_4, split ? 2 : 0);
    }
}

static void split_end(void)
{
    eoi_mode(true);
    prepare(SPI, 0x80, true);
    prepare(SPI + 1, 0x80, true);
    gic_set(GIC_ISPENDR, SPI);
    show_iar("first");
    show_cpu("first");
    gic_write_eoir(SPI);
    show_state("priority dropped", SPI);
    show_cpu("priority dropped");
    gic_set(GIC_ISPENDR, SPI);
    show_iar("not while it is active");
    gic_set(GIC_ISPENDR, SPI + 1);
    show_iar("another may come");
    gic_write_eoir(SPI + 1);
    gic_write_dir(SPI);
    show_state("first deactivated", SPI);
    show_iar("first again");
    gic_write_eoir(SPI);
    gic_write_dir(SPI);
    gic_write_dir(SPI + 1);
    show_state("first", SPI);
    show_state("second", SPI + 1);
    eoi_mode(false);
}

/* ---- enables and groups ---- */

static void enables(void)
{
    uint32_t ctlr = read32(GICD_BASE);

    prepare(SPI, 0x80, true);
    gic_set(GIC_ISPENDR, SPI);
    write32(GICD_BASE, ctlr & ~3u);
    show_taken("distributor off");
    show_iar("distributor off");
    show_state("distributor off", SPI);
    write32(GICD_BASE, ctlr);
    show_taken("distributor on");
    if (gic_version == 2) {
        write32(GICC_BASE, 0);
    } else {
        SYSREG_WRITE(S3_0_C12_C12_7, 0);
    }
    show_taken("CPU interface off");
    if (gic_version == 2) {
        write32(GICC_BASE, 1);
    } else {
        SYSREG_WRITE(S3_0_C12_C12_7, 1);
    }
    show_taken("CPU interface on");
    show_iar("on");
    gic_write_eoir(SPI);
}

/* GICv3: group 0 comes as FIQ. */
static void groups_v3(void)
{
    const El1 *t;
    uint64_t group = GICD_BASE + GIC_IGROUPR + SPI / 32 * 4;

    prepare(SPI, 0x80, true);
    write32(group, read32(group) & ~(1u << SPI % 32));
    show_number("group", gic_get(GIC_IGROUPR, SPI));
    write32(GICD_BASE, read32(GICD_BASE) | 1);
    SYSREG_WRITE(S3_0_C12_C12_6, 1); /* ICC_IGRPEN0_EL1 */
    gic_set(GIC_ISPENDR, SPI);
    t = run(MODE_EL1H & ~(PSTATE_I | 1u << 6), code_nops, 0, 0);
    show_number("vector", t->vector);
    show_iar("not by IAR1");
    show_number("HPPIR0", SYSREG_READ(S3_0_C12_C8_2));
    show_number("IAR0", SYSREG_READ(S3_0_C12_C8_0));
    show_cpu("taken");
    SYSREG_WRITE(S3_0_C12_C8_1, SPI); /* ICC_EOIR0_EL1 */
    show_state("ended", SPI);
    SYSREG_WRITE(S3_0_C12_C12_6, 0);
    write32(group, read32(group) | 1u << SPI % 32);
}

/* GICv2 without security: group 1 by the alias registers, group 0 first. */
static void groups_v2(void)
{
    uint64_t group = GICD_BASE + GIC_IGROUPR + SPI / 32 * 4;

    prepare(SPI, 0x80, true);
    prepare(SPI + 1, 0x80, true);
    write32(group, read32(group) | 1u << SPI % 32);
    show_number("group", gic_get(GIC_IGROUPR, SPI));
    write32(GICD_BASE, 3);
    write32(GICC_BASE, 3);
    gic_set(GIC_ISPENDR, SPI);
    show_taken("group 1");
    show_iar("IAR of group 1");
    show_number("AHPPIR", read32(GICC_BASE + 0x28));
    show_number("AIAR", read32(GICC_BASE + 0x20));
    write32(GICC_BASE + 0x24, SPI);
    show_state("AEOIR", SPI);
    write32(GICC_BASE, 1);
    write32(GICD_BASE, 1);
    write32(group, read32(group) & ~(1u << SPI % 32));
}

/* ---- registers ---- */

static void registers(void)
{
    uint64_t priority = GICD_BASE + GIC_IPRIORITYR + SPI;

    write32(priority, 0xf8c08008);
    show_number("IPRIORITYR", read32(priority));
    show_number("a byte of it", *(volatile uint8_t *)(priority + 2));
    *(volatile uint8_t *)(priority + 1) = 0x18;
    show_number("IPRIORITYR", read32(priority));
    gic_edge(SPI, true);
    gic_edge(SPI + 1, false);
    show_number("ICFGR",
                read32(GICD_BASE + GIC_ICFGR + SPI / 16 * 4) >> SPI % 16 * 2 &
                    0xf);
    show_number("ICFGR of SGIs", read32(gic_frame(0) + GIC_ICFGR));
    if (gic_version == 2) {
        write32(GICD_BASE + GIC_ITARGETSR + SPI, 0x01010001);
        show_number("ITARGETSR", read32(GICD_BASE + GIC_ITARGETSR + SPI));
    } else {
        write64(GICD_BASE + GIC_IROUTER + SPI * 8, 0x80000000);
        show_number("IROUTER", read64(GICD_BASE + GIC_IROUTER + SPI * 8));
        write64(GICD_BASE + GIC_IROUTER + SPI * 8, 0);
        show_number("ICC_SRE", SYSREG_READ(S3_0_C12_C12_5) & 1);
    }
    show_number("ICENABLER reads as ISENABLER",
                read32(GICD_BASE + GIC_ICENABLER + 4) ==
                    read32(GICD_BASE + GIC_ISENABLER + 4));
}

/* A CPU that waits in a loop is interrupted, at each level. */
static void delivered(void)
{
    static const unsigned modes[] = {MODE_EL0, MODE_EL1T, MODE_EL1H};

    prepare(7, 0xa0, true);
    for (unsigned i = 0; i < 3; i++) {
        const El1 *t;

        gic_sgi(7, 1);
        t = run(modes[i] & ~PSTATE_I, code_loop, 0, 0);
        show_number("vector", t->vector);
        gic_write_eoir(gic_read_iar());
        gic_sgi(7, 1);
        show("masked", run(modes[i], code_nops, 0, 0));
        gic_write_eoir(gic_read_iar());
    }
}

void payload_main(void)
{
    static Space space;

    el1_name = gic_version == 2 ? "el1-gic2" : "el1-gic3";
    mmu_start(&space);
    gic_init();
    gic_cpu_init();
    gic_set(GIC_ICENABLER, VTIMER);
    registers();
    sgis();
    spi_states(true);
    spi_states(false);
    level();
    priorities();
    mask();
    binary_point();
    split_end();
    enables();
    if (gic_version == 2) {
        groups_v2();
    } else {
        groups_v3();
    }
    delivered();
    print("%s: done\n", el1_name);
}
