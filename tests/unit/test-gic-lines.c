/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gic-lines.c with each version of the controller: who hears of an interrupt's
 * end and when, trigger types, reset of the lines, and what realize refuses.
 */
#include "gic-fixture.h"

/* How a CPU takes and ends interrupts, in whichever version. */
typedef struct Version {
    bool v3;
    bool split;
} Version;

typedef struct Fixture {
    GicFixture f;
    const Version *version;
    unsigned ends[64]; /* by INTID */
    int level_at_end;  /* of line 40, as GICD_ISPENDR has it */
    IrqLine *detach;   /* by the next end */
    IrqLine *raise;
} Fixture;

static Fixture *now;

/* All SPIs to CPU 0. */
static void open_cpu(Fixture *t)
{
    GicFixture *f = &t->f;

    gicd_write(f, GICD_CTLR, 3);
    gicd_write(f, GICD_ISENABLER + 4, ~0u);
    if (t->version->v3) {
        gicd_write(f, GICD_IGROUPR + 4, ~0u);
        msr(f, 0, PMR, 0xff);
        msr(f, 0, IGRPEN1, 1);
        msr(f, 0, ICC_CTLR, t->version->split ? 2 : 0);
    } else {
        for (unsigned i = 32; i < 64; i += 4) {
            gicd_write(f, GICD_ITARGETSR + i, 0x01010101);
        }
        gicc_write(f, 0, GICC_PMR, 0xff);
        gicc_write(f, 0, GICC_CTLR, t->version->split ? 0x201 : 1);
    }
}

static void set_up(Fixture *t, gconstpointer version)
{
    *t = (Fixture){.version = version};
    now = t;
    gic_fixture_start(&t->f, t->version->v3, 2, 32, &gic_fixture_ops);
    open_cpu(t);
}

static void tear_down(Fixture *t, gconstpointer version)
{
    gic_fixture_stop(&t->f);
}

static unsigned take(Fixture *t)
{
    return t->version->v3 ? mrs(&t->f, 0, IAR1) : gicc_read(&t->f, 0, GICC_IAR);
}

static void eoi(Fixture *t, unsigned intid)
{
    if (t->version->v3) {
        msr(&t->f, 0, EOIR1, intid);
    } else {
        gicc_write(&t->f, 0, GICC_EOIR, intid);
    }
}

/* Takes the interrupt and ends it in whole. */
static void handle(Fixture *t, unsigned intid)
{
    g_assert_cmpuint(take(t), ==, intid);
    eoi(t, intid);
    if (t->version->split && t->version->v3) {
        msr(&t->f, 0, ICC_DIR, intid);
    } else if (t->version->split) {
        gicc_write(&t->f, 0, GICC_DIR, intid);
    }
}

static void on_eoi(void *opaque)
{
    g_assert_true(machine_locked());
    now->ends[GPOINTER_TO_UINT(opaque)]++;
    now->level_at_end = gicd_read(&now->f, GICD_ISPENDR + 4) >> 8 & 1;
    irq_detach_eoi(now->detach);
    irq_set(now->raise, 1);
}

static void attach(Fixture *t, unsigned intid)
{
    Error *err = NULL;

    g_assert_true(irq_attach_eoi(gic_spi(&t->f, intid), on_eoi,
                                 GUINT_TO_POINTER(intid), &err));
    g_assert_null(err);
}

static void test_told(Fixture *t, gconstpointer version)
{
    IrqLine *line = gic_spi(&t->f, 40);

    attach(t, 40);
    irq_raise(line);
    g_assert_cmpuint(take(t), ==, 40);
    run_main_loop();
    g_assert_cmpuint(t->ends[40], ==, 0);
    eoi(t, 40);
    if (t->version->split) {
        /* The drop of its priority is not the end. */
        run_main_loop();
        g_assert_cmpuint(t->ends[40], ==, 0);
        g_assert_cmphex(gicd_read(&t->f, GICD_ISPENDR + 4), ==, 1 << 8);
        if (t->version->v3) {
            msr(&t->f, 0, ICC_DIR, 40);
        } else {
            gicc_write(&t->f, 0, GICC_DIR, 40);
        }
    }
    /* Lowered at once, or it would be taken again; told in the main loop. */
    g_assert_cmphex(gicd_read(&t->f, GICD_ISPENDR + 4), ==, 0);
    g_assert_false(t->f.irq[0]);
    g_assert_cmpuint(t->ends[40], ==, 0);
    run_main_loop();
    g_assert_cmpuint(t->ends[40], ==, 1);
    g_assert_cmpint(t->level_at_end, ==, 0);
    run_main_loop();
    g_assert_cmpuint(t->ends[40], ==, 1);
    /* The next one, whatever the line's driver thinks of its level. */
    irq_raise(line);
    handle(t, 40);
    run_main_loop();
    g_assert_cmpuint(t->ends[40], ==, 2);
    irq_detach_eoi(line);
}

/* Without a listener the level is the device's alone. */
static void test_not_attached(Fixture *t, gconstpointer version)
{
    attach(t, 41);
    irq_raise(gic_spi(&t->f, 40));
    handle(t, 40);
    g_assert_true(t->f.irq[0]);
    irq_lower(gic_spi(&t->f, 40));
    irq_detach_eoi(gic_spi(&t->f, 41));
    irq_raise(gic_spi(&t->f, 41));
    handle(t, 41);
    g_assert_true(t->f.irq[0]);
    run_main_loop();
    g_assert_cmpuint(t->ends[40] + t->ends[41], ==, 0);
}

/* What is no end: nothing active, a disabled one, ICACTIVER, another one. */
static void test_no_end(Fixture *t, gconstpointer version)
{
    GicFixture *f = &t->f;

    attach(t, 40);
    irq_raise(gic_spi(f, 40));
    eoi(t, 40);
    gicd_write(f, GICD_ICENABLER + 4, 1 << 8);
    gicd_write(f, GICD_ISENABLER + 4, 1 << 8);
    g_assert_cmpuint(take(t), ==, 40);
    gicd_write(f, GICD_ICACTIVER + 4, 1 << 8);
    eoi(t, 40);
    run_main_loop();
    g_assert_cmpuint(t->ends[40], ==, 0);
    g_assert_true(f->irq[0]); /* so its end will come */
    handle(t, 40);
    run_main_loop();
    g_assert_cmpuint(t->ends[40], ==, 1);
    irq_detach_eoi(gic_spi(f, 40));
}

/* Several ends of a line before anybody hears of them are one. */
static void test_coalesced(Fixture *t, gconstpointer version)
{
    attach(t, 40);
    attach(t, 63);
    for (unsigned i = 0; i < 3; i++) {
        irq_raise(gic_spi(&t->f, 40));
        handle(t, 40);
    }
    irq_raise(gic_spi(&t->f, 63));
    handle(t, 63);
    run_main_loop();
    g_assert_cmpuint(t->ends[40], ==, 1);
    g_assert_cmpuint(t->ends[63], ==, 1);
    irq_detach_eoi(gic_spi(&t->f, 40));
    irq_detach_eoi(gic_spi(&t->f, 63));
}

static void test_detach(Fixture *t, gconstpointer version)
{
    IrqLine *line40 = gic_spi(&t->f, 40), *line50 = gic_spi(&t->f, 50);
    Error *err = NULL;

    attach(t, 40);
    g_assert_false(irq_attach_eoi(line40, on_eoi, NULL, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "SPI 8 is attached"));
    error_free(err);
    irq_raise(line40);
    handle(t, 40);
    irq_detach_eoi(line40);
    run_main_loop();
    g_assert_cmpuint(t->ends[40], ==, 0);
    /* A listener that has another one detached, whose turn comes next. */
    attach(t, 40);
    attach(t, 50);
    t->detach = line50;
    irq_raise(line40);
    handle(t, 40);
    irq_raise(line50);
    handle(t, 50);
    run_main_loop();
    g_assert_cmpuint(t->ends[40], ==, 1);
    g_assert_cmpuint(t->ends[50], ==, 0);
    irq_detach_eoi(line40);
}

/* A listener that raises its line: pending anew. */
static void test_raised_again(Fixture *t, gconstpointer version)
{
    attach(t, 40);
    t->raise = gic_spi(&t->f, 40);
    irq_raise(t->raise);
    for (unsigned i = 1; i <= 3; i++) {
        handle(t, 40);
        g_assert_false(t->f.irq[0]);
        run_main_loop();
        g_assert_cmpuint(t->ends[40], ==, i);
        g_assert_true(t->f.irq[0]);
    }
    irq_detach_eoi(gic_spi(&t->f, 40));
}

static void test_trigger(Fixture *t, gconstpointer version)
{
    GicFixture *f = &t->f;
    IrqLine *line = gic_spi(f, 40);

    irq_set_trigger(line, IRQ_TRIGGER_EDGE);
    g_assert_cmphex(gicd_read(f, GICD_ICFGR + 8), ==, 2u << 16);
    attach(t, 40);
    irq_pulse(line);
    g_assert_true(f->irq[0]);
    handle(t, 40);
    g_assert_false(f->irq[0]);
    run_main_loop();
    g_assert_cmpuint(t->ends[40], ==, 1);
    irq_detach_eoi(line);
    /* The guest's own configuration lasts until the next reset. */
    gicd_write(f, GICD_ICFGR + 8, 2);
    reset_all();
    g_assert_cmphex(gicd_read(f, GICD_ICFGR + 8), ==, 2u << 16);
    irq_set_trigger(line, IRQ_TRIGGER_LEVEL);
    g_assert_cmphex(gicd_read(f, GICD_ICFGR + 8), ==, 0);
    gicd_write(f, GICD_ICFGR + 8, ~0u);
    reset_all();
    g_assert_cmphex(gicd_read(f, GICD_ICFGR + 8), ==, 0);
    /* At once: a high line that becomes level is pending. */
    open_cpu(t);
    irq_set_trigger(line, IRQ_TRIGGER_EDGE);
    irq_raise(line);
    gicd_write(f, GICD_ICPENDR + 4, ~0u);
    g_assert_false(f->irq[0]);
    irq_set_trigger(line, IRQ_TRIGGER_LEVEL);
    g_assert_true(f->irq[0]);
    irq_set_trigger(line, IRQ_TRIGGER_EDGE);
    g_assert_false(f->irq[0]);
}

/* An end that nobody has heard of is forgotten; who listens, listens on. */
static void test_reset(Fixture *t, gconstpointer version)
{
    GicFixture *f = &t->f;
    IrqLine *line40 = gic_spi(f, 40), *line41 = gic_spi(f, 41);

    attach(t, 40);
    attach(t, 41);
    irq_raise(line40);
    handle(t, 40);
    irq_raise(line41);
    g_assert_cmpuint(take(t), ==, 41);
    irq_raise(line40);
    reset_all();
    run_main_loop();
    g_assert_false(f->irq[0]);
    g_assert_cmpuint(t->ends[40] + t->ends[41], ==, 0);
    g_assert_cmphex(gicd_read(f, GICD_ISPENDR + 4), ==, 0);
    g_assert_cmphex(gicd_read(f, GICD_ISACTIVER + 4), ==, 0);
    /* Low now, so this is a change. */
    open_cpu(t);
    irq_raise(line41);
    handle(t, 41);
    run_main_loop();
    g_assert_cmpuint(t->ends[41], ==, 1);
    irq_detach_eoi(line40);
    irq_detach_eoi(line41);
}

static void refuse(bool v3, unsigned cpus, unsigned spis, const char *why)
{
    GicFixture f = {0};
    g_autoptr(SoftGic) gic = NULL;
    Error *err = NULL;

    g_assert_true(main_loop_init(NULL));
    gic = gic_fixture_new(&f, v3, cpus, spis, &gic_fixture_ops);
    g_assert_false(qdev_realize(DEVICE(gic), &err));
    g_assert_nonnull(strstr(error_get_pretty(err), why));
    g_assert_nonnull(strstr(error_get_pretty(err), "gic"));
    error_free(err);
    object_unparent(OBJECT(gic));
    object_root_free();
    reset_all();
    g_clear_pointer(&gic, object_unref_void);
    main_loop_finish();
}

static void test_refused(void)
{
    for (unsigned v3 = 0; v3 < 2; v3++) {
        refuse(v3, 0, 32, "num-cpus=0");
        refuse(v3, 9, 32, "num-cpus=9; it has 1 to 8; try: -smp 8");
        refuse(v3, 1, 0, "num-spis=0");
        refuse(v3, 1, 992, "num-spis=992");
        refuse(v3, 1, 33, "num-spis=33 is no multiple of 32");
    }
}

/* The properties have the architecture's limits. */
static void test_properties(void)
{
    g_autoptr(Object) gic = object_new(TYPE_SOFT_GICV3);
    Error *err = NULL;

    g_assert_true(object_set_property(gic, "num-cpus", "8", NULL));
    g_assert_true(object_set_property(gic, "num-spis", "960", NULL));
    g_assert_cmpuint(SOFT_GIC(gic)->num_spis, ==, 960);
    g_assert_false(object_set_property(gic, "num-cpus", "9", &err));
    g_clear_pointer(&err, error_free);
    g_assert_false(object_set_property(gic, "num-spis", "961", &err));
    g_clear_pointer(&err, error_free);
}

/* As large as it gets: the last interrupt of 992 and the last CPU of 8. */
static void test_largest(gconstpointer v3)
{
    GicFixture f;

    gic_fixture_start(&f, v3 != NULL, 8, 960, &gic_fixture_ops);
    g_assert_cmpuint(gicd_read(&f, GICD_TYPER) & 0x1f, ==, 30);
    gicd_write(&f, GICD_CTLR, 1);
    gicd_write(&f, GICD_ISENABLER + 4 * 30, 1u << 31);
    if (v3) {
        gicd_write_n(&f, 0, GICD_IROUTER + 8 * 991, 7, 8);
        msr(&f, 7, PMR, 0xff);
        msr(&f, 7, IGRPEN0, 1);
    } else {
        gicd_write_n(&f, 0, GICD_ITARGETSR + 991, 0x80, 1);
        gicc_write(&f, 7, GICC_PMR, 0xff);
        gicc_write(&f, 7, GICC_CTLR, 1);
    }
    irq_raise(gic_spi(&f, 991));
    g_assert_true(v3 ? f.fiq[7] : f.irq[7]);
    g_assert_cmpuint(v3 ? mrs(&f, 7, IAR0) : gicc_read(&f, 7, GICC_IAR), ==,
                     991);
    g_assert_null(gic_spi(&f, 992));
    gic_fixture_stop(&f);
}

static void add_all(const char *name, const Version *version)
{
    static const struct {
        const char *name;
        void (*test)(Fixture *t, gconstpointer version);
    } tests[] = {
        {"told", test_told},       {"not-attached", test_not_attached},
        {"no-end", test_no_end},   {"coalesced", test_coalesced},
        {"detach", test_detach},   {"raised-again", test_raised_again},
        {"trigger", test_trigger}, {"reset", test_reset},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path =
            g_strdup_printf("/gic-lines/%s/%s", name, tests[i].name);

        g_test_add(path, Fixture, version, set_up, tests[i].test, tear_down);
    }
}

int main(int argc, char **argv)
{
    static const Version v2 = {false, false}, v2_split = {false, true};
    static const Version v3 = {true, false}, v3_split = {true, true};

    g_test_init(&argc, &argv, NULL);
    add_all("v2", &v2);
    add_all("v2-split", &v2_split);
    add_all("v3", &v3);
    add_all("v3-split", &v3_split);
    g_test_add_func("/gic-lines/refused", test_refused);
    g_test_add_func("/gic-lines/properties", test_properties);
    g_test_add_data_func("/gic-lines/largest-v2", NULL, test_largest);
    g_test_add_data_func("/gic-lines/largest-v3", "", test_largest);
    return g_test_run();
}
