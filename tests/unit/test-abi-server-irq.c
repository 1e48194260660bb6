/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server library's interrupts against the wire document: every flag, index
 * and count of SET_IRQS, and when a level and an edge signal.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "abi-model.h"

static void test_irq_info(void)
{
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);

    for (unsigned i = 0; i < ABI_LINES; i++) {
        VFIOUserIrqInfo info = {.argsz = sizeof(info), .index = i};
        g_autoptr(UserMsg) msg =
            user_peer_call(client, VFIO_USER_DEVICE_GET_IRQ_INFO, &info,
                           sizeof(info), NULL, 0);

        info.flags = i == ABI_LEVEL ? 7 : 1;
        info.count = 1;
        g_assert_cmpmem(msg->payload, msg->size, &info, sizeof(info));
        abi_check_lengths(client, VFIO_USER_DEVICE_GET_IRQ_INFO, &info,
                          sizeof(info));
    }
    for (unsigned i = 0; i < 2; i++) {
        VFIOUserIrqInfo info = {.argsz = sizeof(info),
                                .index = i ? UINT32_MAX : ABI_LINES};

        abi_refused(client, VFIO_USER_DEVICE_GET_IRQ_INFO, &info, sizeof(info),
                    NULL, 0);
    }
    abi_model_stop(&model, &client);
}

/* Exactly one DATA and one ACTION, and no other bit. */
static void test_set_irqs_flags(void)
{
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);

    for (uint32_t flags = 0; flags < 256; flags++) {
        struct {
            VFIOUserIrqSet set;
            uint8_t data[1];
        } request = {{.flags = flags, .index = ABI_LEVEL, .count = 1}};
        size_t size =
            sizeof(request.set) + ((flags & 7) == VFIO_USER_IRQ_DATA_BOOL);
        uint32_t data = flags & 7, action = flags & 0x38;
        bool good = data && !(data & (data - 1)) && action &&
                    !(action & (action - 1)) && flags < 64;
        int result;

        request.set.argsz = size;
        result =
            abi_try(client, VFIO_USER_DEVICE_SET_IRQS, &request, size, NULL, 0);
        if (!good) {
            g_assert_cmpint(result, ==, ABI_REFUSED);
        } else if (data != VFIO_USER_IRQ_DATA_EVENTFD ||
                   action == VFIO_USER_IRQ_ACTION_TRIGGER) {
            g_assert_cmpint(result, ==, 0);
        }
    }
    abi_model_stop(&model, &client);
}

static int try_irqs(UserPeer *client, VFIOUserIrqSet set, size_t data,
                    const int *fds, unsigned num_fds)
{
    uint8_t payload[sizeof(set) + 8] = {0};

    memcpy(payload, &set, sizeof(set));
    return abi_try(client, VFIO_USER_DEVICE_SET_IRQS, payload,
                   sizeof(set) + data, fds, num_fds);
}

static void test_set_irqs_bad(void)
{
    enum { TF = 36, TN = 33, TB = 34, UN = 17 }; /* TRIGGER, UNMASK; DATA */
    static const struct {
        VFIOUserIrqSet set;
        size_t data;
        unsigned num_fds;
    } bad[] = {
        {{20, TF, ABI_LINES, 0, 1}, 0, 1},  {{20, TF, UINT32_MAX, 0, 1}, 0, 1},
        {{20, TF, 0, 1, 1}, 0, 1},          {{20, TF, 0, 0, 2}, 0, 2},
        {{20, TF, 0, 0, 2}, 0, 1},          {{20, TF, 0, 0, 1}, 0, 2},
        {{20, TF, 0, UINT32_MAX, 1}, 0, 1}, {{20, TF, 0, UINT32_MAX, 2}, 0, 1},
        {{20, TF, 0, 1, UINT32_MAX}, 0, 1}, {{20, TF, 0, 0, UINT32_MAX}, 0, 0},
        {{20, TN, 0, 0, 2}, 0, 0},          {{20, TN, 0, 2, 0}, 0, 0},
        {{20, UN, 0, 1, 1}, 0, 0},          {{20, UN, 0, 0, 2}, 0, 0},
        {{20, UN, ABI_LINES, 0, 1}, 0, 0},  {{20, TB, 0, 0, 1}, 0, 0},
        {{21, TB, 0, 0, 1}, 0, 0},          {{22, TB, 0, 0, 2}, 2, 0},
        {{21, TB, 0, 1, 1}, 1, 0},          {{19, TN, 0, 0, 1}, 0, 0},
        {{0, TN, 0, 0, 1}, 0, 0},
    };
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);
    int fds[2] = {eventfd(0, EFD_CLOEXEC), eventfd(0, EFD_CLOEXEC)};
    uint64_t n;

    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        if (try_irqs(client, bad[i].set, bad[i].data, fds, bad[i].num_fds) !=
            ABI_REFUSED) {
            g_test_message("case %u was not refused", i);
            g_test_fail();
        }
    }
    for (size_t size = 0; size < sizeof(VFIOUserIrqSet); size++) {
        VFIOUserIrqSet set = {20, TN, 0, 0, 1};

        abi_refused(client, VFIO_USER_DEVICE_SET_IRQS, &set, size, NULL, 0);
    }
    /* None of it armed a line. */
    abi_write(client, ABI_REGS, ABI_RAISE, 4, ABI_LEVEL);
    abi_write(client, ABI_REGS, ABI_RAISE, 4, ABI_EDGE);
    for (unsigned i = 0; i < 2; i++) {
        g_assert_cmpint(fcntl(fds[i], F_SETFL, O_NONBLOCK), ==, 0);
        g_assert_cmpint(read(fds[i], &n, 8), ==, -1);
        close(fds[i]);
    }
    abi_model_stop(&model, &client);
}

static bool signalled(int fd)
{
    struct pollfd pollfd = {fd, POLLIN, 0};
    uint64_t n;

    return poll(&pollfd, 1, 0) == 1 && read(fd, &n, sizeof(n)) == sizeof(n);
}

/* A level signals, is masked by that, and signals again when it is unmasked. */
static void test_level(void)
{
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);
    int fd = eventfd(0, EFD_CLOEXEC);

    abi_write(client, ABI_REGS, ABI_RAISE, 4, ABI_LEVEL);
    g_assert_cmpint(abi_set_irq(client, 36, ABI_LEVEL, 1, fd), ==, 0);
    g_assert_true(signalled(fd)); /* it was up already */
    abi_write(client, ABI_REGS, ABI_RAISE, 4, ABI_LEVEL);
    g_assert_false(signalled(fd));
    g_assert_cmpint(abi_set_irq(client, 17, ABI_LEVEL, 1, -1), ==, 0);
    g_assert_true(signalled(fd));
    abi_write(client, ABI_REGS, ABI_LOWER, 4, ABI_LEVEL);
    g_assert_cmpint(abi_set_irq(client, 17, ABI_LEVEL, 1, -1), ==, 0);
    g_assert_false(signalled(fd));
    abi_write(client, ABI_REGS, ABI_RAISE, 4, ABI_LEVEL);
    g_assert_true(signalled(fd));
    /* Masked by its signal, whatever the device does meanwhile. */
    abi_write(client, ABI_REGS, ABI_LOWER, 4, ABI_LEVEL);
    abi_write(client, ABI_REGS, ABI_RAISE, 4, ABI_LEVEL);
    g_assert_false(signalled(fd));
    /* Masked by the client: silent until the client unmasks. */
    g_assert_cmpint(abi_set_irq(client, 17, ABI_LEVEL, 1, -1), ==, 0);
    g_assert_true(signalled(fd));
    abi_write(client, ABI_REGS, ABI_LOWER, 4, ABI_LEVEL);
    g_assert_cmpint(abi_set_irq(client, 17, ABI_LEVEL, 1, -1), ==, 0);
    g_assert_cmpint(abi_set_irq(client, 9, ABI_LEVEL, 1, -1), ==, 0);
    abi_write(client, ABI_REGS, ABI_RAISE, 4, ABI_LEVEL);
    g_assert_false(signalled(fd));
    g_assert_cmpint(abi_set_irq(client, 17, ABI_LEVEL, 1, -1), ==, 0);
    g_assert_true(signalled(fd));
    /* Switched off: silent, and still up for the next one who listens. */
    g_assert_cmpint(abi_set_irq(client, 33, ABI_LEVEL, 0, -1), ==, 0);
    g_assert_cmpint(abi_set_irq(client, 17, ABI_LEVEL, 1, -1), ==, 0);
    g_assert_false(signalled(fd));
    g_assert_cmpint(abi_set_irq(client, 36, ABI_LEVEL, 1, fd), ==, 0);
    g_assert_true(signalled(fd));
    close(fd);
    abi_model_stop(&model, &client);
}

/* Each raise is an event; one is kept while nobody listens. */
static void test_edge(void)
{
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);
    int fd = eventfd(0, EFD_CLOEXEC);
    uint64_t n = 0;

    abi_write(client, ABI_REGS, ABI_RAISE, 4, ABI_EDGE);
    abi_write(client, ABI_REGS, ABI_RAISE, 4, ABI_EDGE);
    g_assert_cmpint(abi_set_irq(client, 36, ABI_EDGE, 1, fd), ==, 0);
    g_assert_cmpint(read(fd, &n, 8), ==, 8);
    g_assert_cmpuint(n, ==, 1);
    abi_write(client, ABI_REGS, ABI_RAISE, 4, ABI_EDGE);
    abi_write(client, ABI_REGS, ABI_RAISE, 4, ABI_EDGE);
    g_assert_cmpint(read(fd, &n, 8), ==, 8);
    g_assert_cmpuint(n, ==, 2);
    abi_write(client, ABI_REGS, ABI_LOWER, 4, ABI_EDGE);
    g_assert_false(signalled(fd));
    /* No descriptor: de-assigned. */
    g_assert_cmpint(abi_set_irq(client, 36, ABI_EDGE, 1, -1), ==, 0);
    abi_write(client, ABI_REGS, ABI_RAISE, 4, ABI_EDGE);
    g_assert_false(signalled(fd));
    close(fd);
    abi_model_stop(&model, &client);
}

/* TRIGGER without an eventfd: the line fires as if the device had done it. */
static void test_trigger_by_hand(void)
{
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);
    int fd = eventfd(0, EFD_CLOEXEC);
    struct {
        VFIOUserIrqSet set;
        uint8_t value;
    } request = {{21, 34, ABI_EDGE, 0, 1}, 0};

    g_assert_cmpint(abi_set_irq(client, 36, ABI_EDGE, 1, fd), ==, 0);
    g_assert_cmpint(abi_set_irq(client, 33, ABI_EDGE, 1, -1), ==, 0);
    g_assert_true(signalled(fd));
    g_assert_cmpint(
        abi_try(client, VFIO_USER_DEVICE_SET_IRQS, &request, 21, NULL, 0), ==,
        0);
    g_assert_false(signalled(fd));
    request.value = 1;
    g_assert_cmpint(
        abi_try(client, VFIO_USER_DEVICE_SET_IRQS, &request, 21, NULL, 0), ==,
        0);
    g_assert_true(signalled(fd));
    close(fd);
    abi_model_stop(&model, &client);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/abi-server-irq/irq-info", test_irq_info);
    g_test_add_func("/abi-server-irq/set-irqs-flags", test_set_irqs_flags);
    g_test_add_func("/abi-server-irq/set-irqs-bad", test_set_irqs_bad);
    g_test_add_func("/abi-server-irq/level", test_level);
    g_test_add_func("/abi-server-irq/edge", test_edge);
    g_test_add_func("/abi-server-irq/trigger-by-hand", test_trigger_by_hand);
    return g_test_run();
}
