/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libplatypus-device: lines. Levels that mask themselves, edges that are kept,
 * what a client may do to both, and what it may not.
 */

#include <fcntl.h>

#include "device-fixture.h"

#define NONE VFIO_USER_IRQ_DATA_NONE
#define BOOL VFIO_USER_IRQ_DATA_BOOL
#define EVENTFD VFIO_USER_IRQ_DATA_EVENTFD
#define MASK VFIO_USER_IRQ_ACTION_MASK
#define UNMASK VFIO_USER_IRQ_ACTION_UNMASK
#define TRIGGER VFIO_USER_IRQ_ACTION_TRIGGER

static void test_level(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    toy_write_reg(&toy, 0, TOY_RAISE, 0, 4);
    /* It was up before anybody listened. */
    toy_listen_to(&toy, 0, fd);
    g_assert_cmpuint(toy_events(fd), ==, 1);
    toy_write_reg(&toy, 0, TOY_RAISE, 0, 4);
    g_assert_cmpuint(toy_events(fd), ==, 0);
    /* Still up: again. */
    toy_unmask(&toy, 0);
    g_assert_cmpuint(toy_events(fd), ==, 1);
    toy_write_reg(&toy, 0, TOY_LOWER, 0, 4);
    toy_unmask(&toy, 0);
    g_assert_cmpuint(toy_events(fd), ==, 0);
    /* Masked by the client. */
    toy_set_irqs(&toy, 0, NONE | MASK, 1, NULL, 0);
    toy_write_reg(&toy, 0, TOY_RAISE, 0, 4);
    g_assert_cmpuint(toy_events(fd), ==, 0);
    toy_unmask(&toy, 0);
    g_assert_cmpuint(toy_events(fd), ==, 1);
    /* Up and down while masked. */
    toy_write_reg(&toy, 0, TOY_LOWER, 0, 4);
    toy_write_reg(&toy, 0, TOY_RAISE, 0, 4);
    toy_write_reg(&toy, 0, TOY_LOWER, 0, 4);
    g_assert_cmpuint(toy_events(fd), ==, 0);
    toy_unmask(&toy, 0);
    g_assert_cmpuint(toy_events(fd), ==, 0);
    toy_leave(&toy);
    close(fd);
    toy_finish(&toy);
}

static void test_edge(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    toy_write_reg(&toy, 0, TOY_RAISE, 1, 4);
    toy_write_reg(&toy, 0, TOY_RAISE, 1, 4);
    toy_listen_to(&toy, 1, fd);
    g_assert_cmpuint(toy_events(fd), ==, 1);
    toy_write_reg(&toy, 0, TOY_RAISE, 1, 4);
    toy_write_reg(&toy, 0, TOY_LOWER, 1, 4);
    toy_write_reg(&toy, 0, TOY_RAISE, 1, 4);
    g_assert_cmpuint(toy_events(fd), ==, 2);
    /* Nobody listens: one of them is kept. */
    toy_listen_to(&toy, 1, -1);
    toy_write_reg(&toy, 0, TOY_RAISE, 1, 4);
    toy_write_reg(&toy, 0, TOY_RAISE, 1, 4);
    g_assert_cmpuint(toy_events(fd), ==, 0);
    toy_listen_to(&toy, 1, fd);
    g_assert_cmpuint(toy_events(fd), ==, 1);
    /* Out of range: nothing. */
    toy_write_reg(&toy, 0, TOY_RAISE, 2, 4);
    toy_write_reg(&toy, 0, TOY_LOWER, 77, 4);
    toy_leave(&toy);
    close(fd);
    toy_finish(&toy);
}

static void set_bool(Toy *toy, unsigned line, uint32_t action, uint8_t value)
{
    uint8_t payload[21];
    VFIOUserIrqSet set = {sizeof(payload), BOOL | action, line, 0, 1};

    memcpy(payload, &set, sizeof(set));
    payload[20] = value;
    user_msg_free(user_peer_call(toy->peer, VFIO_USER_DEVICE_SET_IRQS, payload,
                                 sizeof(payload), NULL, 0));
}

static void test_software_trigger(void)
{
    int fds[2] = {eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                  eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    /* Nobody listens. */
    toy_set_irqs(&toy, 0, NONE | TRIGGER, 1, NULL, 0);
    toy_set_irqs(&toy, 1, NONE | TRIGGER, 1, NULL, 0);
    for (unsigned i = 0; i < 2; i++) {
        toy_listen_to(&toy, i, fds[i]);
        g_assert_cmpuint(toy_events(fds[i]), ==, 0);
        toy_set_irqs(&toy, i, NONE | TRIGGER, 1, NULL, 0);
        set_bool(&toy, i, TRIGGER, 0);
        set_bool(&toy, i, TRIGGER, 1);
        /* A level masks itself. */
        g_assert_cmpuint(toy_events(fds[i]), ==, i == 0 ? 1 : 2);
    }
    set_bool(&toy, 0, UNMASK, 0);
    set_bool(&toy, 0, TRIGGER, 1);
    g_assert_cmpuint(toy_events(fds[0]), ==, 0);
    set_bool(&toy, 0, UNMASK, 1);
    set_bool(&toy, 0, MASK, 1);
    set_bool(&toy, 0, TRIGGER, 1);
    g_assert_cmpuint(toy_events(fds[0]), ==, 0);
    /* Disabled: nobody listens. */
    toy_set_irqs(&toy, 1, NONE | TRIGGER, 0, NULL, 0);
    toy_write_reg(&toy, 0, TOY_RAISE, 1, 4);
    g_assert_cmpuint(toy_events(fds[1]), ==, 0);
    toy_leave(&toy);
    close(fds[0]);
    close(fds[1]);
    toy_finish(&toy);
}

static void refuse_irqs(Toy *toy, uint32_t error, VFIOUserIrqSet set,
                        size_t size, const int *fds, unsigned num_fds)
{
    uint8_t payload[32] = {0};

    memcpy(payload, &set, sizeof(set));
    user_peer_refused(toy->peer, error, VFIO_USER_DEVICE_SET_IRQS, payload,
                      size, fds, num_fds);
}

static void test_bad_irqs(void)
{
    int events[2] = {eventfd(0, EFD_CLOEXEC), eventfd(0, EFD_CLOEXEC)};
    int file = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int ends[2];
    Toy toy;

    g_assert_cmpint(pipe(ends), ==, 0);
    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    /* Each of three bits once. */
    for (uint32_t flags = 0; flags < 128; flags++) {
        if (__builtin_popcount(flags & 7) != 1 ||
            __builtin_popcount(flags & 0x38) != 1 || flags > 63) {
            refuse_irqs(&toy, EINVAL, (VFIOUserIrqSet){20, flags, 0, 0, 1}, 20,
                        NULL, 0);
        }
    }
    refuse_irqs(&toy, EINVAL, (VFIOUserIrqSet){20, NONE | MASK, 2, 0, 1}, 20,
                NULL, 0);
    refuse_irqs(&toy, EINVAL, (VFIOUserIrqSet){20, NONE | MASK, 0, 1, 1}, 20,
                NULL, 0);
    refuse_irqs(&toy, EINVAL, (VFIOUserIrqSet){20, NONE | MASK, 0, 0, 2}, 20,
                NULL, 0);
    refuse_irqs(&toy, EINVAL, (VFIOUserIrqSet){20, NONE | MASK, 0, 0, 0}, 20,
                NULL, 0);
    refuse_irqs(&toy, EINVAL, (VFIOUserIrqSet){20, BOOL | TRIGGER, 0, 0, 0}, 20,
                NULL, 0);
    refuse_irqs(&toy, EINVAL,
                (VFIOUserIrqSet){20, NONE | TRIGGER, 0, UINT32_MAX, 1}, 20,
                NULL, 0);
    /* An edge cannot be masked. */
    refuse_irqs(&toy, EINVAL, (VFIOUserIrqSet){20, NONE | MASK, 1, 0, 1}, 20,
                NULL, 0);
    refuse_irqs(&toy, EINVAL, (VFIOUserIrqSet){20, NONE | UNMASK, 1, 0, 1}, 20,
                NULL, 0);
    /* Sizes. */
    refuse_irqs(&toy, EINVAL, (VFIOUserIrqSet){19, NONE | MASK, 0, 0, 1}, 19,
                NULL, 0);
    refuse_irqs(&toy, EINVAL, (VFIOUserIrqSet){20, NONE | MASK, 0, 0, 1}, 21,
                NULL, 0);
    refuse_irqs(&toy, EINVAL, (VFIOUserIrqSet){21, NONE | MASK, 0, 0, 1}, 21,
                NULL, 0);
    refuse_irqs(&toy, EINVAL, (VFIOUserIrqSet){19, NONE | MASK, 0, 0, 1}, 20,
                NULL, 0);
    refuse_irqs(&toy, EINVAL, (VFIOUserIrqSet){20, BOOL | MASK, 0, 0, 1}, 20,
                NULL, 0);
    /* Descriptors. */
    refuse_irqs(&toy, EINVAL, (VFIOUserIrqSet){20, EVENTFD | TRIGGER, 0, 0, 1},
                20, events, 2);
    refuse_irqs(&toy, EINVAL, (VFIOUserIrqSet){20, EVENTFD | TRIGGER, 0, 0, 1},
                20, &ends[1], 1);
    refuse_irqs(&toy, EINVAL, (VFIOUserIrqSet){20, EVENTFD | TRIGGER, 0, 0, 1},
                20, &file, 1);
    refuse_irqs(&toy, ENOTSUP, (VFIOUserIrqSet){20, EVENTFD | UNMASK, 0, 0, 1},
                20, events, 1);
    refuse_irqs(&toy, ENOTSUP, (VFIOUserIrqSet){20, EVENTFD | MASK, 0, 0, 1},
                20, events, 1);
    toy_leave(&toy);
    for (unsigned i = 0; i < 2; i++) {
        close(events[i]);
        close(ends[i]);
    }
    close(file);
    toy_finish(&toy);
}

/* The kernel's structure holds the descriptor: a client may count it. */
static void test_counted_descriptors(void)
{
    VFIOUserIrqSet set = {24, EVENTFD | TRIGGER, 1, 0, 1};
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    user_msg_free(user_peer_call(toy.peer, VFIO_USER_DEVICE_SET_IRQS, &set,
                                 sizeof(set), &fd, 1));
    toy_write_reg(&toy, 0, TOY_RAISE, 1, 4);
    g_assert_cmpuint(toy_events(fd), ==, 1);
    toy_leave(&toy);
    close(fd);
    toy_finish(&toy);
}

/* The counter is the client's: full, it must not stop the device. */
static void test_full_eventfd(void)
{
    int fd = eventfd(0, EFD_CLOEXEC);
    const uint64_t full = UINT64_MAX - 1;
    Toy toy;

    g_assert_cmpint(write(fd, &full, sizeof(full)), ==, sizeof(full));
    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    toy_listen_to(&toy, 1, fd);
    toy_write_reg(&toy, 0, TOY_RAISE, 1, 4);
    g_assert_cmphex(toy_events(fd), ==, full);
    toy_write_reg(&toy, 0, TOY_RAISE, 1, 4);
    g_assert_cmphex(toy_events(fd), ==, 1);
    toy_leave(&toy);
    close(fd);
    toy_finish(&toy);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/platypus-line/level", test_level);
    g_test_add_func("/platypus-line/edge", test_edge);
    g_test_add_func("/platypus-line/software-trigger", test_software_trigger);
    g_test_add_func("/platypus-line/bad-irqs", test_bad_irqs);
    g_test_add_func("/platypus-line/counted-descriptors",
                    test_counted_descriptors);
    g_test_add_func("/platypus-line/full-eventfd", test_full_eventfd);
    return g_test_run();
}
