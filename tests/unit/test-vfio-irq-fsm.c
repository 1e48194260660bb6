/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * irq-fsm.c, exhaustively: every state that three lines and the fast path can
 * reach together, under every event, for each mix of level and edge lines. A
 * model beside the tables knows what the host, the guest's controller and the
 * timer would be in; the invariants are checked after each step.
 */

#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "hw/vfio/irq-fsm.h"

#define LINES 3

/* Everything that decides what happens next; bytes, so that it can be a key. */
typedef struct World {
    uint8_t line[LINES];        /* VFIOIrqState */
    uint8_t host_masked[LINES]; /* level: the host signalled, not unmasked */
    uint8_t remembered[LINES];  /* edge: came while masked, not delivered */
    uint8_t up[LINES];          /* what the guest's controller sees */
    uint8_t masked[LINES];      /* asked for by the last mask or unmask */
    uint8_t path;               /* VFIOPathState */
    uint8_t mapped;
    uint8_t timer;
} World;

typedef struct Walk {
    bool level[LINES];
    GHashTable *seen; /* of World */
    GQueue *todo;
    unsigned most_active;
} Walk;

static guint world_hash(gconstpointer key)
{
    const uint8_t *bytes = key;
    guint hash = 5381;

    for (size_t i = 0; i < sizeof(World); i++) {
        hash = hash * 33 + bytes[i];
    }
    return hash;
}

static gboolean world_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(World)) == 0;
}

static unsigned active_lines(const World *w)
{
    unsigned n = 0;

    for (unsigned i = 0; i < LINES; i++) {
        n += w->line[i] == VFIO_IRQ_ACTIVE;
    }
    return n;
}

static void path_event(World *w, VFIOPathEvent event)
{
    VFIOPathStep step = vfio_path_fsm_step(w->path, event);

    w->path = step.next;
    if (step.actions & VFIO_PATH_DO_UNMAP) {
        g_assert_true(w->mapped);
        w->mapped = false;
    }
    if (step.actions & VFIO_PATH_DO_MAP) {
        g_assert_false(w->mapped);
        w->mapped = true;
    }
    if (step.actions & VFIO_PATH_DO_START_TIMER) {
        w->timer = true;
    }
    if (step.actions & VFIO_PATH_DO_STOP_TIMER) {
        w->timer = false;
    }
}

/* The actions in the order of their bits, which is the promise. */
static unsigned line_step(World *w, unsigned i, VFIOIrqEvent event, bool level)
{
    unsigned before = active_lines(w);
    VFIOIrqStep step = vfio_irq_fsm_step(w->line[i], event, level);

    w->line[i] = step.next;
    for (unsigned bit = 1; bit <= step.actions; bit <<= 1) {
        switch (step.actions & bit) {
        case VFIO_IRQ_DO_ACTIVATED:
            g_assert_false(w->up[i]);
            path_event(w, VFIO_PATH_EV_ACTIVE);
            break;
        case VFIO_IRQ_DO_LOWER:
            w->up[i] = false;
            break;
        case VFIO_IRQ_DO_RAISE:
            /* Never up with the fast path on. */
            g_assert_false(w->mapped);
            w->up[i] = true;
            break;
        case VFIO_IRQ_DO_PULSE:
            g_assert_false(w->up[i]);
            break;
        case VFIO_IRQ_DO_UNMASK_HOST:
            g_assert_false(w->up[i]);
            w->host_masked[i] = false;
            break;
        case VFIO_IRQ_DO_ENDED:
            g_assert_cmpuint(before, ==, active_lines(w) + 1);
            if (active_lines(w) == 0) {
                path_event(w, VFIO_PATH_EV_EOI);
                g_assert_cmpuint(w->path, ==, VFIO_PATH_WAITING);
            }
            break;
        }
    }
    return step.actions;
}

/* What an edge line owes: each event pulsed once, now or at the unmask. */
static void check_edge(World *w, unsigned i, VFIOIrqEvent event,
                       unsigned actions)
{
    bool due = (event == VFIO_IRQ_EV_TRIGGER && !w->masked[i]) ||
               (event == VFIO_IRQ_EV_UNMASK && w->remembered[i]);

    g_assert_cmpuint(!!(actions & VFIO_IRQ_DO_PULSE), ==, due);
    g_assert_cmpuint(actions & ~VFIO_IRQ_DO_PULSE, ==, 0);
    if (event == VFIO_IRQ_EV_TRIGGER) {
        w->remembered[i] = w->masked[i];
    } else if (event == VFIO_IRQ_EV_UNMASK || event == VFIO_IRQ_EV_RESET) {
        w->remembered[i] = false;
    }
}

/* What a level line owes: up at once when it asks, no host mask left behind. */
static void check_level(World *w, unsigned i, VFIOIrqEvent event,
                        unsigned actions)
{
    g_assert_cmpuint(actions & VFIO_IRQ_DO_PULSE, ==, 0);
    if (event == VFIO_IRQ_EV_TRIGGER && !w->masked[i]) {
        g_assert_true(w->up[i]);
    }
    if (event == VFIO_IRQ_EV_EOI || event == VFIO_IRQ_EV_RESET) {
        g_assert_false(w->up[i]);
    }
}

static void line_event(const Walk *walk, World *w, unsigned i,
                       VFIOIrqEvent event)
{
    World before = *w;
    unsigned actions;

    if (event == VFIO_IRQ_EV_TRIGGER && walk->level[i]) {
        w->host_masked[i] = true;
    }
    actions = line_step(w, i, event, walk->level[i]);
    if (walk->level[i]) {
        check_level(w, i, event, actions);
    } else {
        check_edge(w, i, event, actions);
    }
    if (event == VFIO_IRQ_EV_MASK || event == VFIO_IRQ_EV_UNMASK) {
        w->masked[i] = event == VFIO_IRQ_EV_MASK;
    }
    for (unsigned j = 0; j < LINES; j++) {
        g_assert_true(j == i || (w->line[j] == before.line[j] &&
                                 w->up[j] == before.up[j]));
    }
}

static void check_world(Walk *walk, const World *w)
{
    unsigned active = active_lines(w);

    walk->most_active = MAX(walk->most_active, active);
    g_assert_cmpuint(w->path == VFIO_PATH_SLOW, ==, active > 0);
    g_assert_cmpuint(w->mapped, ==, w->path == VFIO_PATH_FAST);
    /* The timer only counts while it has something to bring back. */
    g_assert_cmpuint(w->timer, ==, w->path == VFIO_PATH_WAITING);
    for (unsigned i = 0; i < LINES; i++) {
        bool masked = w->line[i] <= VFIO_IRQ_MASKED_AGAIN;

        g_assert_cmpuint(masked, ==, w->masked[i]);
        g_assert_cmpuint(w->up[i], ==, w->line[i] == VFIO_IRQ_ACTIVE);
        if (!walk->level[i]) {
            g_assert_cmpuint(w->line[i], !=, VFIO_IRQ_ACTIVE);
            g_assert_cmpuint(w->line[i] == VFIO_IRQ_MASKED_AGAIN, ==,
                             w->remembered[i]);
        } else if (w->line[i] == VFIO_IRQ_INACTIVE) {
            g_assert_false(w->host_masked[i]);
        } else {
            g_assert_cmpuint(w->line[i], !=, VFIO_IRQ_MASKED_AGAIN);
        }
    }
}

static void visit(Walk *walk, const World *w)
{
    check_world(walk, w);
    if (!g_hash_table_contains(walk->seen, w)) {
        World *copy = g_memdup2(w, sizeof(*w));

        g_hash_table_add(walk->seen, copy);
        g_queue_push_tail(walk->todo, copy);
    }
}

/* The host signals a masked line no more; but an old signal may be read. */
static void explore(Walk *walk, const World *from)
{
    World w;

    for (unsigned event = 0; event < VFIO_IRQ_EVENTS; event++) {
        for (unsigned i = 0; i < LINES; i++) {
            w = *from;
            line_event(walk, &w, i, event);
            visit(walk, &w);
        }
        w = *from;
        for (unsigned i = 0; i < LINES; i++) {
            line_event(walk, &w, i, event);
        }
        visit(walk, &w);
    }
    if (from->timer) {
        w = *from;
        w.timer = false;
        path_event(&w, VFIO_PATH_EV_TIMER);
        visit(walk, &w);
    }
    w = *from;
    for (unsigned i = 0; i < LINES; i++) {
        line_event(walk, &w, i, VFIO_IRQ_EV_MASK);
        line_event(walk, &w, i, VFIO_IRQ_EV_RESET);
    }
    path_event(&w, VFIO_PATH_EV_RESET);
    g_assert_true(w.mapped);
    visit(walk, &w);
}

static void test_walk(gconstpointer data)
{
    unsigned mix = GPOINTER_TO_UINT(data);
    unsigned levels = 0;
    World start;
    Walk walk = {
        .seen = g_hash_table_new_full(world_hash, world_equal, g_free, NULL),
        .todo = g_queue_new(),
    };
    World *next;

    memset(&start, 0, sizeof(start));
    start.path = VFIO_PATH_FAST;
    start.mapped = true;
    memset(start.masked, true, sizeof(start.masked));
    for (unsigned i = 0; i < LINES; i++) {
        walk.level[i] = mix & (1 << i);
        levels += walk.level[i];
    }
    visit(&walk, &start);
    while ((next = g_queue_pop_head(walk.todo))) {
        explore(&walk, next);
    }
    g_test_message("%u states", g_hash_table_size(walk.seen));
    g_assert_cmpuint(walk.most_active, ==, levels);
    g_assert_cmpuint(g_hash_table_size(walk.seen), >=, 27);
    g_queue_free(walk.todo);
    g_hash_table_unref(walk.seen);
}

/* The cells that the walk cannot reach lead back to where the line belongs. */
static void test_unreachable(void)
{
    for (unsigned event = 0; event < VFIO_IRQ_EVENTS; event++) {
        VFIOIrqStep edge = vfio_irq_fsm_step(VFIO_IRQ_ACTIVE, event, false);
        VFIOIrqStep level =
            vfio_irq_fsm_step(VFIO_IRQ_MASKED_AGAIN, event, true);

        g_assert_cmpuint(edge.next, !=, VFIO_IRQ_ACTIVE);
        g_assert_cmpuint(edge.actions & VFIO_IRQ_DO_LOWER, !=, 0);
        g_assert_cmpuint(edge.actions & VFIO_IRQ_DO_ENDED, !=, 0);
        g_assert_cmpuint(level.next, !=, VFIO_IRQ_MASKED_AGAIN);
    }
    g_assert_cmpuint(
        vfio_path_fsm_step(VFIO_PATH_SLOW, VFIO_PATH_EV_TIMER).next, ==,
        VFIO_PATH_SLOW);
    g_assert_cmpuint(
        vfio_path_fsm_step(VFIO_PATH_FAST, VFIO_PATH_EV_TIMER).actions, ==,
        VFIO_PATH_DO_NOTHING);
    g_assert_cmpuint(
        vfio_path_fsm_step(VFIO_PATH_FAST, VFIO_PATH_EV_EOI).actions, ==,
        VFIO_PATH_DO_NOTHING);
}

static void test_names(void)
{
    g_assert_cmpstr(vfio_irq_state_name(VFIO_IRQ_ACTIVE), ==, "active");
    g_assert_cmpstr(vfio_irq_event_name(VFIO_IRQ_EV_EOI), ==, "eoi");
    g_assert_cmpstr(vfio_path_state_name(VFIO_PATH_WAITING), ==, "waiting");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned mix = 0; mix < 1 << LINES; mix++) {
        g_autofree char *path = g_strdup_printf("/vfio-irq-fsm/walk/%u", mix);

        g_test_add_data_func(path, GUINT_TO_POINTER(mix), test_walk);
    }
    g_test_add_func("/vfio-irq-fsm/unreachable", test_unreachable);
    g_test_add_func("/vfio-irq-fsm/names", test_names);
    return g_test_run();
}
