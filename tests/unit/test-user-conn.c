/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * user-conn.c against a server that the test plays: what is asked and
 * answered, by one thread and by several, the server's commands between, and
 * every way in which a server can be wrong.
 */

#include "../../hw/vfio/user-caps.h"
#include "user-fixture.h"
#include "util/main-loop.h"

static void test_call(void)
{
    const VFIOUserRegionAccess head = {.offset = 8, .region = 1, .count = 4};
    g_autofree Call *call = g_new(Call, 1);
    g_autofree Message *m = g_new(Message, 1);
    Session s;

    session_open(&s, false, PATIENCE_MS);
    call_start(call, &s, VFIO_USER_REGION_READ, 100);
    receive_request(s.main, VFIO_USER_REGION_READ, m);
    g_assert_cmpuint(m->header.flags, ==, 0);
    g_assert_cmpuint(m->header.error, ==, 0);
    g_assert_cmpuint(m->header.size, ==, sizeof(m->header));
    send_reply(s.main, m, &head, sizeof(head));
    g_assert_cmpint(call_join(call), ==, 0);
    g_assert_cmpmem(call->req.reply, call->req.reply_size, &head, sizeof(head));
    g_assert_false(user_conn_broken(s.conn));
    g_assert_null(user_conn_reason(s.conn));
    session_finish(&s);
}

/* The answer to a command that came on @fd, where @ram was asked for. */
static void expect_dma_reply(int fd, uint16_t id, bool write, uint64_t iova,
                             uint64_t count, const uint8_t *ram)
{
    const VFIOUserDmaAccess access = {iova, count};
    g_autofree Message *m = g_new(Message, 1);

    receive_message(fd, m);
    g_assert_cmpuint(m->header.id, ==, id);
    g_assert_cmpuint(m->header.command, ==,
                     write ? VFIO_USER_DMA_WRITE : VFIO_USER_DMA_READ);
    g_assert_cmphex(m->header.flags, ==, VFIO_USER_FLAG_REPLY);
    g_assert_cmpuint(m->header.error, ==, 0);
    g_assert_cmpuint(m->size, ==, sizeof(access) + (write ? 0 : count));
    g_assert_cmpmem(m->payload, sizeof(access), &access, sizeof(access));
    if (!write) {
        g_assert_cmpmem(m->payload + sizeof(access), count, ram, count);
    }
}

/* The server cannot answer before it has had its DMA. */
static void check_dma_before_reply(bool twin)
{
    g_autofree Call *call = g_new(Call, 1);
    g_autofree Message *m = g_new(Message, 1);
    uint8_t data[300];
    Session s;
    int fd;

    session_open(&s, twin, PATIENCE_MS);
    fd = twin ? s.twin : s.main;
    memset(data, 0x5a, sizeof(data));
    call_start(call, &s, VFIO_USER_DEVICE_RESET, 0);
    receive_request(s.main, VFIO_USER_DEVICE_RESET, m);
    send_dma(fd, 77, true, 0x1000, sizeof(data), data, 0);
    expect_dma_reply(fd, 77, true, 0x1000, sizeof(data), NULL);
    send_dma(fd, 77, false, 0x1001, 200, NULL, 0);
    expect_dma_reply(fd, 77, false, 0x1001, 200, data);
    send_reply(s.main, m, NULL, 0);
    g_assert_cmpint(call_join(call), ==, 0);
    g_assert_cmpmem(s.user.ram + 0x1000, sizeof(data), data, sizeof(data));
    session_finish(&s);
}

static void test_dma_before_reply(void)
{
    check_dma_before_reply(false);
}

static void test_dma_before_reply_twin(void)
{
    check_dma_before_reply(true);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/user-conn/call", test_call);
    g_test_add_func("/user-conn/dma-before-reply", test_dma_before_reply);
    g_test_add_func("/user-conn/dma-before-reply-twin",
                    test_dma_before_reply_twin);
    return g_test_run();
}
