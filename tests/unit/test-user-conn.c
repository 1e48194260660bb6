/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * user-conn.c and user-reader.c against a server that the test plays: what is
 * asked and answered, by one thread and by several, the server's commands
 * between, and what a server may do wrong (test-user-conn-bad.c has the rest
 * of that). No test depends on how long anything takes; the ones of a timeout
 * wait for it.
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include "../../hw/vfio/user-caps.h"
#include "user-fixture.h"
#include "util/main-loop.h"

static const VFIOUserRegionAccess region_head = {
    .offset = 8, .region = 1, .count = 4};

/* One more call, to its end: the connection works. */
static void check_works(Session *s)
{
    g_autofree Call *call = g_new(Call, 1);
    g_autofree Message *m = g_new(Message, 1);

    call_start(call, s, VFIO_USER_REGION_READ, 100);
    receive_request(s->main, VFIO_USER_REGION_READ, m);
    send_reply(s->main, m, &region_head, sizeof(region_head));
    g_assert_cmpint(call_join(call), ==, 0);
    g_assert_cmpmem(call->req.reply, call->req.reply_size, &region_head,
                    sizeof(region_head));
    g_assert_cmpuint(call->req.num_reply_fds, ==, 0);
    g_assert_false(user_conn_broken(s->conn));
    g_assert_null(user_conn_reason(s->conn));
    g_assert_cmpuint(atomic_load(&s->user.broken), ==, 0);
}

static void test_call(void)
{
    Session s;

    session_open(&s, false, PATIENCE_MS);
    g_assert_cmpuint(user_conn_caps(s.conn)->minor, ==, 2);
    g_assert_false(user_conn_caps(s.conn)->twin_socket);
    check_works(&s);
    check_works(&s);
    session_finish(&s);

    session_open(&s, true, PATIENCE_MS);
    g_assert_true(user_conn_caps(s.conn)->twin_socket);
    check_works(&s);
    session_finish(&s);
}

/* All parts of a request and of a reply. */
static void test_payloads(void)
{
    const int fds[3] = {STDIN_FILENO, STDIN_FILENO, STDIN_FILENO};
    g_autofree Call *call = g_new(Call, 1);
    g_autofree Message *m = g_new(Message, 1);
    VFIOUserHeader header = {.flags = VFIO_USER_FLAG_REPLY};
    uint8_t data[32768];
    Session s;

    session_open(&s, false, PATIENCE_MS);
    memset(data, 0x33, sizeof(data));
    call_init(call, &s, VFIO_USER_REGION_WRITE, 60, 5);
    call->req.head = &region_head;
    call->req.head_size = sizeof(region_head);
    call->req.data = data;
    call->req.data_size = sizeof(data);
    call->req.fds = fds;
    call->req.num_fds = 3;
    call_begin(call);
    receive_request(s.main, VFIO_USER_REGION_WRITE, m);
    g_assert_cmpuint(m->header.flags, ==, 0);
    g_assert_cmpuint(m->header.error, ==, 0);
    g_assert_cmpuint(m->size, ==, sizeof(region_head) + sizeof(data));
    g_assert_cmpmem(m->payload, sizeof(region_head), &region_head,
                    sizeof(region_head));
    g_assert_cmpmem(m->payload + sizeof(region_head), sizeof(data), data,
                    sizeof(data));
    g_assert_cmpuint(m->num_fds, ==, 3);
    header.id = m->header.id;
    header.command = m->header.command;
    send_message(s.main, header, data, 60, m->fds, 3);
    g_assert_cmpint(call_join(call), ==, 0);
    g_assert_cmpmem(call->req.reply, call->req.reply_size, data, 60);
    g_assert_cmpuint(call->req.num_reply_fds, ==, 3);
    for (unsigned i = 0; i < 3; i++) {
        g_assert_cmpint(fcntl(call->fds[i], F_GETFD), ==, FD_CLOEXEC);
        fd_close(&call->fds[i]);
        fd_close(&m->fds[i]);
    }
    session_finish(&s);
}

static void check_error(Session *s, uint32_t error, size_t size, int expected)
{
    static const uint8_t junk[1000];
    const int fds[1] = {STDIN_FILENO};
    g_autofree Call *call = g_new(Call, 1);
    g_autofree Message *m = g_new(Message, 1);
    VFIOUserHeader header = {
        .flags = VFIO_USER_FLAG_REPLY | VFIO_USER_FLAG_ERROR, .error = error};

    call_init(call, s, VFIO_USER_DEVICE_GET_INFO, 16, 1);
    call_begin(call);
    receive_request(s->main, VFIO_USER_DEVICE_GET_INFO, m);
    header.id = m->header.id;
    header.command = m->header.command;
    send_message(s->main, header, junk, size, fds, size ? 1 : 0);
    g_assert_cmpint(call_join(call), ==, expected);
    g_assert_cmpuint(call->req.reply_size, ==, 0);
    g_assert_cmpuint(call->req.num_reply_fds, ==, 0);
}

/* A polite no, with a payload or not, even with descriptors. */
static void test_errors(void)
{
    Session s;

    session_open(&s, false, PATIENCE_MS);
    check_error(&s, EINVAL, 0, -EINVAL);
    check_error(&s, ENOSPC, 16, -ENOSPC);
    check_error(&s, EPERM, 1000, -EPERM);
    check_error(&s, 0, 0, -EIO);
    check_error(&s, 0, 8, -EIO);
    check_error(&s, 4095, 0, -4095);
    check_error(&s, 4096, 0, -EIO);
    check_error(&s, UINT32_MAX, 0, -EIO);
    check_error(&s, (uint32_t)-EINVAL, 0, -EIO);
    /* What a broken connection answers is no server's to say. */
    check_error(&s, ENOTCONN, 0, -EIO);
    check_works(&s);
    session_finish(&s);
}

static void test_post(void)
{
    static const uint32_t data = 5;
    const UserRequest req = {.command = VFIO_USER_REGION_WRITE,
                             .head = &region_head,
                             .head_size = sizeof(region_head),
                             .data = &data,
                             .data_size = sizeof(data)};
    g_autofree Message *m = g_new(Message, 1);
    Session s;

    session_open(&s, false, PATIENCE_MS);
    for (unsigned i = 0; i < 3; i++) {
        g_assert_cmpint(user_conn_post(s.conn, &req), ==, 0);
    }
    for (unsigned i = 0; i < 3; i++) {
        receive_request(s.main, VFIO_USER_REGION_WRITE, m);
        g_assert_cmphex(m->header.flags, ==, VFIO_USER_FLAG_NO_REPLY);
        g_assert_cmpuint(m->size, ==, sizeof(region_head) + sizeof(data));
    }
    check_works(&s);
    session_finish(&s);
}

/* An answer that comes byte by byte. */
static void test_fragments(void)
{
    g_autofree Call *call = g_new(Call, 1);
    g_autofree Message *m = g_new(Message, 1);
    uint8_t bytes[sizeof(VFIOUserHeader) + 40];
    VFIOUserHeader header = {.size = sizeof(bytes),
                             .flags = VFIO_USER_FLAG_REPLY};
    Session s;

    session_open(&s, false, PATIENCE_MS);
    memset(bytes, 0x77, sizeof(bytes));
    call_start(call, &s, VFIO_USER_DEVICE_FEATURE, 40);
    receive_request(s.main, VFIO_USER_DEVICE_FEATURE, m);
    header.id = m->header.id;
    header.command = m->header.command;
    memcpy(bytes, &header, sizeof(header));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        send_bytes(s.main, bytes + i, 1, NULL, 0);
        if (i % 8 == 0) {
            /* Now and then the reader has looked already. */
            g_usleep(100);
        }
    }
    g_assert_cmpint(call_join(call), ==, 0);
    g_assert_cmpmem(call->req.reply, call->req.reply_size,
                    bytes + sizeof(header), 40);
    session_finish(&s);
}

static atomic_uint signals;

static void on_signal(int signal)
{
    atomic_fetch_add(&signals, 1);
}

/* A thread that waits is interrupted, as vCPUs are, and goes on waiting. */
static void test_signals(void)
{
    const struct sigaction action = {.sa_handler = on_signal};
    g_autofree Call *calls = g_new(Call, 2);
    g_autofree Message *requests = g_new(Message, 2);
    struct sigaction old;
    Session s;

    sigaction(SIGUSR1, &action, &old);
    session_open(&s, true, PATIENCE_MS);
    for (unsigned i = 0; i < 2; i++) {
        call_start(&calls[i], &s, VFIO_USER_DEVICE_RESET, 0);
        receive_request(s.main, VFIO_USER_DEVICE_RESET, &requests[i]);
    }
    for (unsigned i = 0; i < 40; i++) {
        unsigned before = atomic_load(&signals);

        pthread_kill(calls[i % 2].thread, SIGUSR1);
        while (atomic_load(&signals) == before) {
            g_usleep(100);
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        send_reply(s.main, &requests[i], NULL, 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        g_assert_cmpint(call_join(&calls[i]), ==, 0);
    }
    session_finish(&s);
    sigaction(SIGUSR1, &old, NULL);
}

/* -- Threads -- */

#define CALLS 5

/* All ask, and are answered in the order of @order. */
static void check_order(const unsigned *order)
{
    g_autofree Call *calls = g_new(Call, CALLS);
    g_autofree Message *requests = g_new(Message, CALLS);
    Session s;

    session_open(&s, false, PATIENCE_MS);
    for (unsigned i = 0; i < CALLS; i++) {
        /* Told apart by the command. */
        call_start(&calls[i], &s, VFIO_USER_DMA_MAP + i, 8);
    }
    for (unsigned i = 0; i < CALLS; i++) {
        receive_message(s.main, &requests[i]);
        for (unsigned j = 0; j < i; j++) {
            g_assert_cmpuint(requests[i].header.id, !=, requests[j].header.id);
        }
    }
    for (unsigned i = 0; i < CALLS; i++) {
        const Message *m = &requests[order[i]];
        uint64_t answer = m->header.command;

        send_reply(s.main, m, &answer, sizeof(answer));
        /* Each alone, so that the reader changes. */
        g_assert_cmpint(
            call_join(&calls[m->header.command - VFIO_USER_DMA_MAP]), ==, 0);
    }
    for (unsigned i = 0; i < CALLS; i++) {
        uint64_t answer;

        g_assert_cmpuint(calls[i].req.reply_size, ==, 8);
        memcpy(&answer, calls[i].reply, 8);
        g_assert_cmpuint(answer, ==, VFIO_USER_DMA_MAP + i);
    }
    session_finish(&s);
}

static void test_order(void)
{
    static const unsigned orders[][CALLS] = {
        {0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {2, 0, 4, 1, 3}, {1, 4, 0, 3, 2}};

    for (unsigned i = 0; i < G_N_ELEMENTS(orders); i++) {
        check_order(orders[i]);
    }
}

#define STRESS_THREADS 3
#define STRESS_CALLS 300

typedef struct Stress {
    Session *s;
    unsigned seed;
    pthread_t thread;
} Stress;

static void *stress_thread(void *opaque)
{
    Stress *stress = opaque;

    for (unsigned i = 0; i < STRESS_CALLS; i++) {
        uint64_t question = stress->seed * 1000000ULL + i;
        uint64_t answer = 0;
        UserRequest req = {.command = VFIO_USER_REGION_READ,
                           .head = &question,
                           .head_size = sizeof(question),
                           .reply = &answer,
                           .reply_size = sizeof(answer)};

        if (i % 5 == 4) {
            g_assert_cmpint(user_conn_post(stress->s->conn, &req), ==, 0);
            continue;
        }
        g_assert_cmpint(user_conn_call(stress->s->conn, &req), ==, 0);
        g_assert_cmpuint(req.reply_size, ==, sizeof(answer));
        g_assert_cmpuint(answer, ==, question + 1);
    }
    return NULL;
}

static void answer_question(Session *s, const Message *m)
{
    uint64_t question;

    memcpy(&question, m->payload, sizeof(question));
    question++;
    send_reply(s->main, m, &question, sizeof(question));
}

static bool readable(int fd)
{
    struct pollfd pfd = {.fd = fd, .events = POLLIN};

    return poll(&pfd, 1, 0) > 0;
}

/* DMA that the server waits for, where it can: true when it has been had. */
static bool stress_dma(Session *s, uint16_t id)
{
    const uint64_t word = id;
    g_autofree Message *m = g_new(Message, 1);

    if (s->twin < 0) {
        send_dma(s->main, id, true, 8, sizeof(word), &word, 0);
        return false;
    }
    send_dma(s->twin, id, true, 8, sizeof(word), &word, 0);
    receive_message(s->twin, m);
    g_assert_cmphex(m->header.flags, ==, VFIO_USER_FLAG_REPLY);
    return true;
}

/*
 * Answers @calls requests: DMA before some of the answers, and now and then
 * one is overtaken by the next, if one is there already.
 */
static void serve_stress(Session *s, unsigned calls)
{
    g_autofree Message *held = g_new(Message, 1);
    g_autofree Message *m = g_new(Message, 1);
    unsigned waiting = 0; /* answers to commands, on the main socket */
    bool holding = false;

    while (calls > 0 || waiting > 0 || holding) {
        if (holding && !readable(s->main)) {
            answer_question(s, held);
            holding = false;
            continue;
        }
        receive_message(s->main, m);
        if (m->header.flags & VFIO_USER_FLAG_REPLY) {
            waiting--;
            continue;
        }
        if (m->header.flags & VFIO_USER_FLAG_NO_REPLY) {
            continue;
        }
        calls--;
        if (calls % 3 == 0 && !stress_dma(s, calls)) {
            waiting++;
        }
        if (!holding && calls % 7 == 0) {
            memcpy(held, m, sizeof(*m));
            holding = true;
        } else {
            answer_question(s, m);
        }
    }
}

#define STRESS_ANSWERS (STRESS_THREADS * STRESS_CALLS / 5 * 4)
#define STRESS_DMA (STRESS_ANSWERS / 3)

static void *serve_thread(void *opaque)
{
    serve_stress(opaque, STRESS_ANSWERS);
    return NULL;
}

static void check_stress(bool twin)
{
    Stress stress[STRESS_THREADS];
    Session s;

    session_open(&s, twin, PATIENCE_MS);
    for (unsigned i = 0; i < STRESS_THREADS; i++) {
        stress[i] = (Stress){.s = &s, .seed = i};
        pthread_create(&stress[i].thread, NULL, stress_thread, &stress[i]);
    }
    serve_stress(&s, STRESS_ANSWERS);
    for (unsigned i = 0; i < STRESS_THREADS; i++) {
        pthread_join(stress[i].thread, NULL);
    }
    g_assert_cmpuint(atomic_load(&s.user.writes), ==, STRESS_DMA);
    session_finish(&s);
}

static void test_stress(void)
{
    check_stress(false);
    check_stress(true);
}

/* The ids of a whole round of posts leave out the one that is pending. */
static void test_ids(void)
{
    const UserRequest req = {.command = VFIO_USER_DEVICE_RESET};
    g_autofree Call *call = g_new(Call, 1);
    g_autofree Message *pending = g_new(Message, 1);
    g_autofree Message *m = g_new(Message, 1);
    Session s;

    session_open(&s, false, PATIENCE_MS);
    call_start(call, &s, VFIO_USER_DEVICE_GET_INFO, 0);
    receive_request(s.main, VFIO_USER_DEVICE_GET_INFO, pending);
    for (unsigned i = 0; i < 65536; i++) {
        g_assert_cmpint(user_conn_post(s.conn, &req), ==, 0);
        receive_request(s.main, VFIO_USER_DEVICE_RESET, m);
        g_assert_cmpuint(m->header.id, !=, pending->header.id);
    }
    send_reply(s.main, pending, NULL, 0);
    g_assert_cmpint(call_join(call), ==, 0);
    session_finish(&s);
}

/* -- The server's commands -- */

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

/* An answer of nothing but a header that says @error. */
static void expect_refusal(int fd, uint16_t id, uint16_t command, int error)
{
    g_autofree Message *m = g_new(Message, 1);

    receive_message(fd, m);
    g_assert_cmpuint(m->header.id, ==, id);
    g_assert_cmpuint(m->header.command, ==, command);
    g_assert_cmphex(m->header.flags, ==,
                    VFIO_USER_FLAG_REPLY | VFIO_USER_FLAG_ERROR);
    g_assert_cmpint(m->header.error, ==, error);
    g_assert_cmpuint(m->size, ==, 0);
}

/* The server cannot answer before it has had its DMA, on @fd. */
static void check_dma_before_reply(bool twin, bool on_main)
{
    g_autofree Call *call = g_new(Call, 1);
    g_autofree Message *m = g_new(Message, 1);
    uint8_t data[32768];
    Session s;
    int fd;

    session_open(&s, twin, PATIENCE_MS);
    fd = on_main ? s.main : s.twin;
    memset(data, 0x5a, sizeof(data));
    call_start(call, &s, VFIO_USER_DEVICE_RESET, 0);
    receive_request(s.main, VFIO_USER_DEVICE_RESET, m);
    send_dma(fd, 77, true, 0x1000, sizeof(data), data, 0);
    expect_dma_reply(fd, 77, true, 0x1000, sizeof(data), NULL);
    /* The same id as the client's, which is its own business. */
    send_dma(fd, m->header.id, false, 0x1001, 200, NULL, 0);
    expect_dma_reply(fd, m->header.id, false, 0x1001, 200, data);
    send_dma(fd, 78, false, 0x1000, sizeof(data), NULL, 0);
    expect_dma_reply(fd, 78, false, 0x1000, sizeof(data), data);
    send_reply(s.main, m, NULL, 0);
    g_assert_cmpint(call_join(call), ==, 0);
    g_assert_cmpmem(s.user.ram + 0x1000, sizeof(data), data, sizeof(data));
    check_works(&s);
    session_finish(&s);
}

static void test_dma_before_reply(void)
{
    check_dma_before_reply(false, true);
    check_dma_before_reply(true, false);
    check_dma_before_reply(true, true);
}

/* What the server may ask while a call is under way, on @fd. */
static void ask_oddly(int fd)
{
    const VFIOUserDmaAccess access = {0, 8};
    const int fds[2] = {STDIN_FILENO, STDIN_FILENO};
    VFIOUserHeader header = {.id = 1, .command = VFIO_USER_DMA_READ};
    uint8_t data[64] = {1, 2, 3};

    send_dma(fd, 2, false, 0, 32769, NULL, 0);
    expect_refusal(fd, 2, VFIO_USER_DMA_READ, EINVAL);
    send_dma(fd, 3, false, 0, UINT64_MAX, NULL, 0);
    expect_refusal(fd, 3, VFIO_USER_DMA_READ, EINVAL);
    send_dma(fd, 4, false, UINT64_MAX, 2, NULL, 0);
    expect_refusal(fd, 4, VFIO_USER_DMA_READ, EINVAL);
    send_dma(fd, 5, true, UINT64_MAX - 3, 8, data, 0);
    expect_refusal(fd, 5, VFIO_USER_DMA_WRITE, EINVAL);
    /* The user's own refusal. */
    send_dma(fd, 6, false, 1 << 20, 8, NULL, 0);
    expect_refusal(fd, 6, VFIO_USER_DMA_READ, EFAULT);
    send_dma(fd, 7, true, 65536 - 7, 8, data, 0);
    expect_refusal(fd, 7, VFIO_USER_DMA_WRITE, EFAULT);
    /* Nothing is nothing, wherever. */
    send_dma(fd, 8, false, 1 << 20, 0, NULL, 0);
    expect_dma_reply(fd, 8, false, 1 << 20, 0, NULL);
    send_dma(fd, 9, true, 1 << 20, 0, NULL, 0);
    expect_dma_reply(fd, 9, true, 1 << 20, 0, NULL);
    /* Of a wrong length. */
    send_message(fd, header, NULL, 0, NULL, 0);
    expect_refusal(fd, 1, VFIO_USER_DMA_READ, EINVAL);
    send_message(fd, header, &access, 12, NULL, 0);
    expect_refusal(fd, 1, VFIO_USER_DMA_READ, EINVAL);
    send_message(fd, header, data, 24, NULL, 0);
    expect_refusal(fd, 1, VFIO_USER_DMA_READ, EINVAL);
    header.command = VFIO_USER_DMA_WRITE;
    memcpy(data, &access, sizeof(access));
    send_message(fd, header, data, sizeof(access) + 7, NULL, 0);
    expect_refusal(fd, 1, VFIO_USER_DMA_WRITE, EINVAL);
    send_message(fd, header, data, sizeof(access) + 9, NULL, 0);
    expect_refusal(fd, 1, VFIO_USER_DMA_WRITE, EINVAL);
    /* With descriptors, which nobody wants. */
    send_message(fd, header, data, sizeof(access) + 8, fds, 2);
    expect_dma_reply(fd, 1, true, 0, 8, NULL);
    /* No command of a server's. */
    header.command = VFIO_USER_REGION_READ;
    send_message(fd, header, data, 16, fds, 1);
    expect_refusal(fd, 1, VFIO_USER_REGION_READ, ENOTSUP);
    header.command = 0xffff;
    send_message(fd, header, NULL, 0, NULL, 0);
    expect_refusal(fd, 1, 0xffff, ENOTSUP);
    /* The same without an answer: the next one is to the last. */
    header.flags = VFIO_USER_FLAG_NO_REPLY;
    send_message(fd, header, NULL, 0, NULL, 0);
    send_dma(fd, 10, true, 1 << 20, 8, data, VFIO_USER_FLAG_NO_REPLY);
    send_dma(fd, 11, false, 0, 8, NULL, VFIO_USER_FLAG_NO_REPLY);
    send_dma(fd, 12, true, 0x300, 4, "abcd", VFIO_USER_FLAG_NO_REPLY);
    send_dma(fd, 13, false, 0x300, 4, NULL, 0);
    expect_dma_reply(fd, 13, false, 0x300, 4, (const uint8_t *)"abcd");
}

static void test_odd_commands(void)
{
    for (int twin = 0; twin < 2; twin++) {
        g_autofree Call *call = g_new(Call, 1);
        g_autofree Message *m = g_new(Message, 1);
        Session s;

        session_open(&s, twin, PATIENCE_MS);
        call_start(call, &s, VFIO_USER_DEVICE_RESET, 0);
        receive_request(s.main, VFIO_USER_DEVICE_RESET, m);
        ask_oddly(twin ? s.twin : s.main);
        send_reply(s.main, m, NULL, 0);
        g_assert_cmpint(call_join(call), ==, 0);
        check_works(&s);
        session_finish(&s);
    }
}

/* -- The main loop -- */

static void loop_init(void)
{
    Error *err = NULL;

    main_loop_init(&err);
    g_assert_null(err);
}

/* Until @fd has something to read. */
static void iterate_until_readable(int fd)
{
    while (!readable(fd)) {
        main_loop_iterate(true);
    }
}

static void test_idle_dma(void)
{
    for (int twin = 0; twin < 2; twin++) {
        Session s;
        int fd;

        loop_init();
        session_open(&s, twin, PATIENCE_MS);
        fd = twin ? s.twin : s.main;
        user_conn_watch(s.conn, true);
        user_conn_watch(s.conn, true);
        s.user.ram[5] = 0x11;
        send_dma(fd, 1, false, 5, 1, NULL, 0);
        iterate_until_readable(fd);
        expect_dma_reply(fd, 1, false, 5, 1, &s.user.ram[5]);
        check_works(&s);
        send_dma(fd, 2, true, 6, 1, "x", 0);
        iterate_until_readable(fd);
        expect_dma_reply(fd, 2, true, 6, 1, NULL);
        g_assert_cmpint(s.user.ram[6], ==, 'x');
        /* Not any more; the next call serves it. */
        user_conn_watch(s.conn, false);
        user_conn_watch(s.conn, false);
        send_dma(fd, 3, true, 7, 1, "y", VFIO_USER_FLAG_NO_REPLY);
        main_loop_iterate(false);
        g_assert_cmpint(s.user.ram[7], ==, 0);
        if (!twin) {
            check_works(&s);
            g_assert_cmpint(s.user.ram[7], ==, 'y');
        }
        session_finish(&s);
        main_loop_finish();
    }
}

/* With a twin, what comes on the main socket wakes nobody but who waits. */
static void test_idle_main(void)
{
    Session s;

    loop_init();
    session_open(&s, true, PATIENCE_MS);
    user_conn_watch(s.conn, true);
    main_loop_iterate(true);
    send_dma(s.main, 1, true, 0, 1, "z", VFIO_USER_FLAG_NO_REPLY);
    main_loop_iterate(false);
    g_assert_cmpint(s.user.ram[0], ==, 0);
    /* It does hear of the end, and what came before counts. */
    fd_close(&s.main);
    while (!user_conn_broken(s.conn)) {
        main_loop_iterate(true);
    }
    g_assert_cmpint(s.user.ram[0], ==, 'z');
    g_assert_cmpstr(user_conn_reason(s.conn), ==,
                    "the server closed the connection");
    g_assert_cmpuint(atomic_load(&s.user.broken), ==, 1);
    session_finish(&s);
    main_loop_finish();
}

/* Each end of each socket; and no handler is left that would spin. */
static void test_idle_close(void)
{
    static const struct {
        bool twin;
        bool close_main;
    } cases[] = {{false, true}, {true, true}, {true, false}};

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        Session s;

        loop_init();
        session_open(&s, cases[i].twin, PATIENCE_MS);
        user_conn_watch(s.conn, true);
        fd_close(cases[i].close_main ? &s.main : &s.twin);
        while (atomic_load(&s.user.broken) == 0) {
            main_loop_iterate(true);
        }
        g_assert_cmpstr(user_conn_reason(s.conn), ==,
                        "the server closed the connection");
        /* main_loop_finish() asserts that no handler is left. */
        session_finish(&s);
        main_loop_finish();
    }
}

/* It asks, and goes before it can be answered. */
static void test_idle_ask_and_close(void)
{
    for (int twin = 0; twin < 2; twin++) {
        Session s;

        loop_init();
        session_open(&s, twin, PATIENCE_MS);
        user_conn_watch(s.conn, true);
        send_dma(twin ? s.twin : s.main, 1, false, 0, 8, NULL, 0);
        fd_close(twin ? &s.twin : &s.main);
        while (atomic_load(&s.user.broken) == 0) {
            main_loop_iterate(true);
        }
        g_assert_cmpuint(atomic_load(&s.user.reads), ==, 1);
        g_assert_cmpstr(user_conn_reason(s.conn), ==,
                        "cannot send to the server: Broken pipe");
        session_finish(&s);
        main_loop_finish();
    }
}

/* Broken by somebody else, the main loop lets go too. */
static void test_idle_broken(void)
{
    for (int twin = 0; twin < 2; twin++) {
        Session s;

        loop_init();
        session_open(&s, twin, PATIENCE_MS);
        user_conn_watch(s.conn, true);
        user_conn_break(s.conn, "for the test's %s", "reason");
        g_assert_cmpstr(user_conn_reason(s.conn), ==, "for the test's reason");
        /* The shutdown shows at both sockets, and to the server. */
        main_loop_iterate(true);
        main_loop_iterate(false);
        main_loop_iterate(false);
        user_conn_free(g_steal_pointer(&s.conn));
        session_finish(&s);
        main_loop_finish();
    }
}

static void note_turn(void *opaque)
{
    unsigned *seen = opaque;

    *seen = 1;
}

/*
 * A flood: others have their turn before it is all served, and yet all of it
 * is served without another byte from the server.
 */
static void test_idle_burst(void)
{
    for (int twin = 0; twin < 2; twin++) {
        unsigned turn = 0;
        Session s;
        int fd;

        loop_init();
        session_open(&s, twin, PATIENCE_MS);
        fd = twin ? s.twin : s.main;
        user_conn_watch(s.conn, true);
        main_loop_iterate(true);
        for (unsigned i = 0; i < 200; i++) {
            send_dma(fd, i, true, i, 1, "w", VFIO_USER_FLAG_NO_REPLY);
        }
        main_loop_iterate(true);
        g_assert_cmpuint(atomic_load(&s.user.writes), >, 0);
        g_assert_cmpuint(atomic_load(&s.user.writes), <, 100);
        main_loop_schedule(note_turn, &turn);
        while (atomic_load(&s.user.writes) < 200) {
            main_loop_iterate(true);
            g_assert_true(turn);
        }
        user_conn_watch(s.conn, false);
        session_finish(&s);
        main_loop_finish();
    }
}

/* What the main loop's turn leaves is the next caller's. */
static void test_burst_then_call(void)
{
    for (int twin = 0; twin < 2; twin++) {
        Session s;
        int fd;

        loop_init();
        session_open(&s, twin, PATIENCE_MS);
        fd = twin ? s.twin : s.main;
        user_conn_watch(s.conn, true);
        main_loop_iterate(true);
        for (unsigned i = 0; i < 100; i++) {
            send_dma(fd, i, true, i, 1, "w", VFIO_USER_FLAG_NO_REPLY);
        }
        main_loop_iterate(true);
        g_assert_cmpuint(atomic_load(&s.user.writes), <, 100);
        user_conn_watch(s.conn, false);
        check_works(&s);
        g_assert_cmpuint(atomic_load(&s.user.writes), ==, 100);
        session_finish(&s);
        main_loop_finish();
    }
}

/* Commands right behind the answer to VERSION wait for the user. */
static void test_early_command(void)
{
    g_autofree Message *request = g_new(Message, 1);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GByteArray) version = version_payload(2, NULL);
    const VFIOUserDmaAccess access = {3, 1};
    VFIOUserHeader header = {.command = VFIO_USER_VERSION,
                             .flags = VFIO_USER_FLAG_REPLY,
                             .size = sizeof(header) + version->len};
    Session s;

    loop_init();
    session_start(&s, PATIENCE_MS);
    receive_request(s.main, VFIO_USER_VERSION, request);
    header.id = request->header.id;
    g_byte_array_append(bytes, (guint8 *)&header, sizeof(header));
    g_byte_array_append(bytes, version->data, version->len);
    header = (VFIOUserHeader){.command = VFIO_USER_DMA_WRITE,
                              .size = sizeof(header) + sizeof(access) + 1};
    g_byte_array_append(bytes, (guint8 *)&header, sizeof(header));
    g_byte_array_append(bytes, (const guint8 *)&access, sizeof(access));
    g_byte_array_append(bytes, (const guint8 *)"e", 1);
    send_bytes(s.main, bytes->data, bytes->len, NULL, 0);
    session_join(&s);
    g_assert_nonnull(s.conn);
    g_assert_cmpint(s.user.ram[3], ==, 0);
    user_conn_watch(s.conn, true);
    iterate_until_readable(s.main);
    expect_dma_reply(s.main, 0, true, 3, 1, NULL);
    g_assert_cmpint(s.user.ram[3], ==, 'e');
    user_conn_watch(s.conn, false);
    session_finish(&s);
    main_loop_finish();
}

/* Callers in threads, commands meanwhile, the main loop between them all. */
static void check_loop_stress(bool twin)
{
    Stress stress[STRESS_THREADS];
    pthread_t server;
    Session s;

    loop_init();
    session_open(&s, twin, PATIENCE_MS);
    user_conn_watch(s.conn, true);
    for (unsigned i = 0; i < STRESS_THREADS; i++) {
        stress[i] = (Stress){.s = &s, .seed = i};
        pthread_create(&stress[i].thread, NULL, stress_thread, &stress[i]);
    }
    pthread_create(&server, NULL, serve_thread, &s);
    while (atomic_load(&s.user.writes) < STRESS_DMA) {
        main_loop_iterate(false);
    }
    for (unsigned i = 0; i < STRESS_THREADS; i++) {
        pthread_join(stress[i].thread, NULL);
    }
    pthread_join(server, NULL);
    user_conn_watch(s.conn, false);
    session_finish(&s);
    main_loop_finish();
}

static void test_loop_stress(void)
{
    check_loop_stress(false);
    check_loop_stress(true);
}

static void test_names(void)
{
    g_assert_cmpstr(user_command_name(VFIO_USER_VERSION), ==, "VERSION");
    g_assert_cmpstr(user_command_name(VFIO_USER_MIG_DATA_WRITE), ==,
                    "MIG_DATA_WRITE");
    g_assert_cmpstr(user_command_name(0), ==, "an unknown command");
    g_assert_cmpstr(user_command_name(14), ==, "an unknown command");
    g_assert_cmpstr(user_command_name(19), ==, "an unknown command");
    g_assert_cmpstr(user_command_name(65535), ==, "an unknown command");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/user-conn/call", test_call);
    g_test_add_func("/user-conn/payloads", test_payloads);
    g_test_add_func("/user-conn/errors", test_errors);
    g_test_add_func("/user-conn/post", test_post);
    g_test_add_func("/user-conn/fragments", test_fragments);
    g_test_add_func("/user-conn/signals", test_signals);
    g_test_add_func("/user-conn/order", test_order);
    g_test_add_func("/user-conn/stress", test_stress);
    g_test_add_func("/user-conn/ids", test_ids);
    g_test_add_func("/user-conn/dma-before-reply", test_dma_before_reply);
    g_test_add_func("/user-conn/odd-commands", test_odd_commands);
    g_test_add_func("/user-conn/idle-dma", test_idle_dma);
    g_test_add_func("/user-conn/idle-main", test_idle_main);
    g_test_add_func("/user-conn/idle-close", test_idle_close);
    g_test_add_func("/user-conn/idle-ask-and-close", test_idle_ask_and_close);
    g_test_add_func("/user-conn/idle-broken", test_idle_broken);
    g_test_add_func("/user-conn/idle-burst", test_idle_burst);
    g_test_add_func("/user-conn/burst-then-call", test_burst_then_call);
    g_test_add_func("/user-conn/early-command", test_early_command);
    g_test_add_func("/user-conn/loop-stress", test_loop_stress);
    g_test_add_func("/user-conn/names", test_names);
    return g_test_run();
}
