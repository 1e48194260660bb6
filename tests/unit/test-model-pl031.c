/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model pl031 of platypus-device, by its socket. Where a second has to
 * pass the test waits for the event and looks at no clock but the model's.
 */

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "model-client.h"

enum {
    DR = 0x00,
    MR = 0x04,
    LR = 0x08,
    CR = 0x0c,
    IMSC = 0x10,
    RIS = 0x14,
    MIS = 0x18,
    ICR = 0x1c,
};

static ModelClient *start(void)
{
    return model_client_new(true, (const char *const[]){"pl031", NULL});
}

static uint32_t get(ModelClient *c, unsigned reg)
{
    return model_read(c, 0, reg, 4);
}

static void set(ModelClient *c, unsigned reg, uint32_t value)
{
    model_write(c, 0, reg, 4, value);
}

/* However slow this machine is, it reads soon after. */
static void assert_counts_from(ModelClient *c, uint32_t value)
{
    g_assert_cmpuint(get(c, DR) - value, <, USER_PEER_DEADLINE_S);
}

static void test_id(void)
{
    static const uint8_t id[] = {0x31, 0x10, 0x04, 0x00,
                                 0x0d, 0xf0, 0x05, 0xb1};
    ModelClient *c = start();

    for (unsigned i = 0; i < G_N_ELEMENTS(id); i++) {
        g_assert_cmphex(get(c, 0xfe0 + 4 * i), ==, id[i]);
    }
    g_assert_cmphex(get(c, 0x20), ==, 0);
    g_assert_cmphex(get(c, 0xfdc), ==, 0);
    g_assert_cmphex(get(c, ICR), ==, 0);
    g_assert_cmphex(get(c, CR), ==, 1);
    model_no_register(c, 0, DR, 1);
    model_no_register(c, 0, DR, 2);
    model_no_register(c, 0, DR, 8);
    model_client_quit(c, SIGTERM);
}

static void test_time(void)
{
    ModelClient *c = start();
    uint32_t before = time(NULL), now = get(c, DR);

    g_assert_cmpuint(now, >=, before - 1);
    g_assert_cmpuint(now, <=, time(NULL));
    set(c, CR, 0); /* what runs goes on */
    set(c, DR, 5); /* read-only */
    g_assert_cmpuint(get(c, CR), ==, 1);
    g_assert_cmpuint(get(c, DR), >=, now);
    model_client_quit(c, SIGTERM);
}

static void test_load(void)
{
    ModelClient *c = start();

    set(c, LR, 1000);
    g_assert_cmpuint(get(c, LR), ==, 1000);
    assert_counts_from(c, 1000);
    set(c, MR, 77);
    g_assert_cmpuint(get(c, MR), ==, 77);
    g_assert_cmpuint(get(c, RIS), ==, 0);
    model_client_quit(c, SIGTERM);
}

/* Either write can make the two equal. */
static void test_match_at_once(void)
{
    ModelClient *c = start();

    set(c, MR, 1000);
    g_assert_cmpuint(get(c, RIS), ==, 0);
    set(c, LR, 1000);
    g_assert_cmpuint(get(c, RIS), ==, 1);
    set(c, ICR, 0);
    g_assert_cmpuint(get(c, RIS), ==, 1);
    set(c, ICR, 1);
    g_assert_cmpuint(get(c, RIS), ==, 0);
    /* The second may tick between the two. */
    for (unsigned tries = 0; !get(c, RIS); tries++) {
        g_assert_cmpuint(tries, <, 100);
        set(c, MR, get(c, DR));
    }
    model_client_quit(c, SIGTERM);
}

static void test_mask(void)
{
    ModelClient *c = start();
    int irq = model_arm(c, 0);

    set(c, MR, 1000);
    set(c, LR, 1000);
    g_assert_cmpuint(get(c, MIS), ==, 0);
    g_assert_false(model_signalled(irq));
    set(c, IMSC, 0xff);
    g_assert_cmpuint(get(c, IMSC), ==, 1);
    g_assert_cmpuint(get(c, MIS), ==, 1);
    g_assert_true(model_signalled(irq));
    close(irq);
    model_client_quit(c, SIGTERM);
}

/* The line is masked as it signals, and signals again while it is up. */
static void test_level(void)
{
    ModelClient *c = start();
    int irq = model_arm(c, 0);

    set(c, IMSC, 1);
    set(c, MR, 1000);
    set(c, LR, 1000);
    g_assert_true(model_signalled(irq));
    model_unmask(c, 0);
    g_assert_true(model_signalled(irq));
    set(c, ICR, 1);
    model_unmask(c, 0);
    g_assert_false(model_signalled(irq));
    set(c, LR, 1000);
    g_assert_true(model_signalled(irq));
    close(irq);
    model_client_quit(c, SIGTERM);
}

static void test_alarm(void)
{
    ModelClient *c = start();
    int irq = model_arm(c, 0);
    uint32_t at = get(c, DR) + 2;

    set(c, MR, at);
    set(c, IMSC, 1);
    model_wait_signal(irq);
    g_assert_cmpuint(get(c, RIS), ==, 1);
    assert_counts_from(c, at);
    close(irq);
    model_client_quit(c, SIGTERM);
}

/* A match in the past is one after the counter has wrapped. */
static void test_wrap(void)
{
    ModelClient *c = start();
    int irq = model_arm(c, 0);

    set(c, IMSC, 1);
    set(c, MR, 0);
    set(c, LR, 0xffffffff);
    model_wait_signal(irq);
    assert_counts_from(c, 0);
    set(c, ICR, 1);
    set(c, MR, get(c, DR) - 1);
    g_assert_cmpuint(get(c, RIS), ==, 0);
    close(irq);
    model_client_quit(c, SIGTERM);
}

static void test_reset(void)
{
    ModelClient *c = start();
    int irq = model_arm(c, 0);

    set(c, IMSC, 1);
    set(c, MR, 5000);
    set(c, LR, 5000);
    g_assert_true(model_signalled(irq));
    model_reset(c);
    model_unmask(c, 0);
    g_assert_false(model_signalled(irq));
    for (unsigned reg = MR; reg <= MIS; reg += 4) {
        g_assert_cmpuint(get(c, reg), ==, reg == CR);
    }
    assert_counts_from(c, 5000);
    close(irq);
    model_client_quit(c, SIGTERM);
}

static void test_no_battery(void)
{
    static const char *const args[] = {"pl031", "--no-battery", NULL};
    ModelClient *c = model_client_new(true, args);
    int irq = model_arm(c, 0);

    g_assert_cmpuint(get(c, CR), ==, 0);
    g_assert_cmpuint(get(c, DR), ==, 0);
    set(c, MR, 42);
    set(c, IMSC, 1);
    set(c, LR, 41);
    g_assert_cmpuint(get(c, DR), ==, 41);
    set(c, CR, 0);
    g_assert_cmpuint(get(c, CR), ==, 0);
    set(c, CR, 1);
    g_assert_cmpuint(get(c, CR), ==, 1);
    model_wait_signal(irq);
    assert_counts_from(c, 42);
    model_reset(c);
    g_assert_cmpuint(get(c, CR), ==, 0);
    g_assert_cmpuint(get(c, DR), ==, 0);
    close(irq);
    model_client_quit(c, SIGTERM);
}

int main(int argc, char **argv)
{
    model_client_init(&argc, &argv);
    g_test_add_func("/model-pl031/id", test_id);
    g_test_add_func("/model-pl031/time", test_time);
    g_test_add_func("/model-pl031/load", test_load);
    g_test_add_func("/model-pl031/match-at-once", test_match_at_once);
    g_test_add_func("/model-pl031/mask", test_mask);
    g_test_add_func("/model-pl031/level", test_level);
    g_test_add_func("/model-pl031/alarm", test_alarm);
    g_test_add_func("/model-pl031/wrap", test_wrap);
    g_test_add_func("/model-pl031/reset", test_reset);
    g_test_add_func("/model-pl031/no-battery", test_no_battery);
    return g_test_run();
}
