/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets that are full, of answers that a vfio-user server does not read yet
 * and of writes that nobody waits for: who reads late loses nothing, who never
 * reads loses the connection, and the main loop waits for nobody. Timeouts are
 * waited for, never measured.
 */

#include <poll.h>

#include "../../hw/vfio/user-reader.h"
#include "user-fixture.h"
#include "util/main-loop.h"

/* For answers that do not come. */
#define SHORT_MS 50

/* More than a socket has room for, and than one side may have buffered. */
#define MANY 64
#define LARGE 32768

/* All at once, before an answer is read. */
static void ask_many(int fd)
{
    for (unsigned i = 0; i < MANY; i++) {
        send_dma(fd, i, false, i, LARGE, NULL, 0);
    }
}

/* Reads all the answers, and answers @requests that come on the main socket,
 * if there is no twin anywhere between them. */
static void serve_many(Session *s, unsigned requests)
{
    g_autofree Message *m = g_new(Message, 1);
    unsigned answers = 0;

    while (answers < MANY || requests > 0) {
        bool twin = s->twin >= 0 && answers < MANY;

        receive_message(twin ? s->twin : s->main, m);
        if (m->header.flags == 0) {
            g_assert_cmpuint(requests--, >, 0);
            send_reply(s->main, m, NULL, 0);
            continue;
        }
        g_assert_cmphex(m->header.flags, ==, VFIO_USER_FLAG_REPLY);
        g_assert_cmpuint(m->header.id, ==, answers);
        g_assert_cmpmem(m->payload + sizeof(VFIOUserDmaAccess),
                        m->size - sizeof(VFIOUserDmaAccess),
                        s->user.ram + answers, LARGE);
        answers++;
    }
}

static void open_many(Session *s, bool twin, uint32_t timeout_ms)
{
    session_open(s, twin, timeout_ms);
    for (unsigned i = 0; i < sizeof(s->user.ram); i++) {
        s->user.ram[i] = i * 7 + (i >> 8);
    }
    ask_many(twin ? s->twin : s->main);
}

/* Commands whose answers it does not read: as if it had not answered. */
static void test_answers_unread(void)
{
    for (int twin = 0; twin < 2; twin++) {
        g_autofree Call *call = g_new(Call, 1);
        Session s;

        open_many(&s, twin, 8 * SHORT_MS);
        call_start(call, &s, VFIO_USER_REGION_READ, 24);
        expect_call_broken(call);
        expect_broken(&s, USER_UNREAD);
        session_finish(&s);
    }
}

/* It sends all its commands first, and its own answer; only then it reads. */
static void test_answers_late(void)
{
    for (int twin = 0; twin < 2; twin++) {
        g_autofree Call *calls = g_new(Call, 2);
        g_autofree Message *m = g_new(Message, 1);
        Session s;

        open_many(&s, twin, PATIENCE_MS);
        call_start(&calls[0], &s, VFIO_USER_DEVICE_GET_INFO, 0);
        receive_request(s.main, VFIO_USER_DEVICE_GET_INFO, m);
        send_reply(s.main, m, NULL, 0);
        /* Without a twin it waits behind an answer. */
        call_start(&calls[1], &s, VFIO_USER_DEVICE_RESET, 0);
        serve_many(&s, 1);
        g_assert_cmpint(call_join(&calls[0]), ==, 0);
        g_assert_cmpint(call_join(&calls[1]), ==, 0);
        g_assert_false(user_conn_broken(s.conn));
        session_finish(&s);
    }
}

typedef struct LateReader {
    Session *s;
    unsigned requests;
    atomic_bool done;
    pthread_t thread;
} LateReader;

static void *late_thread(void *opaque)
{
    LateReader *reader = opaque;

    serve_many(reader->s, reader->requests);
    atomic_store(&reader->done, true);
    main_loop_wake();
    return NULL;
}

static void late_start(LateReader *reader, Session *s, unsigned requests)
{
    *reader = (LateReader){.s = s, .requests = requests};
    pthread_create(&reader->thread, NULL, late_thread, reader);
}

/* Until the main loop has an answer that it cannot send, and so sleeps. */
static void fill_in_loop(Session *s)
{
    unsigned before;

    user_conn_watch(s->conn, true);
    do {
        before = atomic_load(&s->user.reads);
        for (unsigned i = 0; i < 4; i++) {
            main_loop_iterate(false);
        }
    } while (before == 0 || atomic_load(&s->user.reads) != before);
    g_assert_cmpuint(before, <, MANY);
}

/* The same in the main loop, which never waits. */
static void test_answers_late_in_loop(void)
{
    for (int twin = 0; twin < 2; twin++) {
        LateReader reader;
        Session s;

        main_loop_init(NULL);
        open_many(&s, twin, PATIENCE_MS);
        fill_in_loop(&s);
        late_start(&reader, &s, 0);
        while (!atomic_load(&reader.done)) {
            main_loop_iterate(true);
        }
        pthread_join(reader.thread, NULL);
        g_assert_false(user_conn_broken(s.conn));
        user_conn_watch(s.conn, false);
        session_finish(&s);
        main_loop_finish();
    }
}

/* ... and whose thread has to send something itself meanwhile. */
static void test_answers_late_and_call(void)
{
    for (int twin = 0; twin < 2; twin++) {
        UserRequest req = {.command = VFIO_USER_DEVICE_RESET};
        LateReader reader;
        Session s;

        main_loop_init(NULL);
        open_many(&s, twin, PATIENCE_MS);
        fill_in_loop(&s);
        late_start(&reader, &s, 1);
        g_assert_cmpint(user_conn_call(s.conn, &req), ==, 0);
        while (!atomic_load(&reader.done)) {
            main_loop_iterate(true);
        }
        pthread_join(reader.thread, NULL);
        /* The main loop hears of what comes then. */
        send_dma(twin ? s.twin : s.main, 1, true, 3, 1, "v",
                 VFIO_USER_FLAG_NO_REPLY);
        while (atomic_load(&s.user.writes) == 0) {
            main_loop_iterate(true);
        }
        user_conn_watch(s.conn, false);
        session_finish(&s);
        main_loop_finish();
    }
}

/* Nobody else is there to notice. */
static void test_answers_unread_in_loop(void)
{
    for (int how = 0; how < 4; how++) {
        bool twin = how & 1;
        bool close = how & 2;
        Session s;

        main_loop_init(NULL);
        open_many(&s, twin, close ? PATIENCE_MS : SHORT_MS);
        user_conn_watch(s.conn, true);
        main_loop_iterate(true);
        if (close) {
            fill_in_loop(&s);
            fd_close(twin ? &s.twin : &s.main);
        }
        while (!user_conn_broken(s.conn)) {
            main_loop_iterate(true);
        }
        expect_broken(&s, close ? "cannot send to the server: *" : USER_UNREAD);
        /* No handler is left that would spin. */
        main_loop_iterate(false);
        main_loop_iterate(false);
        user_conn_watch(s.conn, false);
        session_finish(&s);
        main_loop_finish();
    }
}

typedef struct Poster {
    Session *s;
    unsigned want;
    atomic_uint posted;
    int ret;
    pthread_t thread;
} Poster;

#define POST_SIZE 20000

static void *post_thread(void *opaque)
{
    g_autofree uint8_t *data = g_malloc(POST_SIZE);
    Poster *poster = opaque;
    UserRequest req = {.command = VFIO_USER_REGION_WRITE,
                       .data = data,
                       .data_size = POST_SIZE};

    for (unsigned i = 0; i < poster->want && poster->ret == 0; i++) {
        memset(data, i, POST_SIZE);
        poster->ret = user_conn_post(poster->s->conn, &req);
        atomic_fetch_add(&poster->posted, 1);
    }
    return NULL;
}

static void poster_start(Poster *poster, Session *s, unsigned want)
{
    *poster = (Poster){.s = s, .want = want};
    pthread_create(&poster->thread, NULL, post_thread, poster);
}

/* Until it has not got on for a while: it is stuck, or as good as that. */
static void wait_until_stuck(Poster *poster)
{
    unsigned before;

    do {
        before = atomic_load(&poster->posted);
        g_usleep(20000);
    } while (before == 0 || atomic_load(&poster->posted) != before);
}

static void test_posts_unread(void)
{
    for (int twin = 0; twin < 2; twin++) {
        Poster poster;
        Session s;

        session_open(&s, twin, SHORT_MS);
        poster_start(&poster, &s, 10000);
        pthread_join(poster.thread, NULL);
        g_assert_cmpint(poster.ret, ==, -ENOTCONN);
        expect_broken(&s, "the server has read nothing for 50 ms");
        session_finish(&s);
    }
}

/* The server closes under a sender that waits. */
static void test_posts_close(void)
{
    for (int twin = 0; twin < 2; twin++) {
        Poster poster;
        Session s;

        session_open(&s, twin, PATIENCE_MS);
        poster_start(&poster, &s, 10000);
        wait_until_stuck(&poster);
        fd_close(&s.main);
        pthread_join(poster.thread, NULL);
        g_assert_cmpint(poster.ret, ==, -ENOTCONN);
        expect_broken(&s, "cannot send to the server: *");
        session_finish(&s);
    }
}

/* Reads @count posts, whole and in order. */
static void read_posts(Session *s, unsigned first, unsigned count)
{
    g_autofree Message *m = g_new(Message, 1);

    for (unsigned i = first; i < first + count; i++) {
        receive_request(s->main, VFIO_USER_REGION_WRITE, m);
        g_assert_cmpuint(m->size, ==, POST_SIZE);
        g_assert_cmpuint(m->payload[0], ==, (uint8_t)i);
        g_assert_cmpuint(m->payload[POST_SIZE - 1], ==, (uint8_t)i);
    }
}

/* It reads late, but it reads. With a twin it wants its DMA first. */
static void test_posts_late(void)
{
    for (int twin = 0; twin < 2; twin++) {
        g_autofree Message *m = g_new(Message, 1);
        Poster poster;
        Session s;

        session_open(&s, twin, PATIENCE_MS);
        poster_start(&poster, &s, 60);
        wait_until_stuck(&poster);
        if (twin) {
            send_dma(s.twin, 1, true, 9, 1, "p", 0);
            receive_message(s.twin, m);
            g_assert_cmphex(m->header.flags, ==, VFIO_USER_FLAG_REPLY);
        }
        read_posts(&s, 0, 60);
        pthread_join(poster.thread, NULL);
        g_assert_cmpint(s.user.ram[9], ==, twin ? 'p' : 0);
        g_assert_cmpint(poster.ret, ==, 0);
        g_assert_false(user_conn_broken(s.conn));
        session_finish(&s);
    }
}

/*
 * A sender waits while somebody reads; the reader has its answer and leaves
 * the twin to the sender; another caller waits for its turn to send.
 */
static void test_posts_and_reader(void)
{
    g_autofree Call *first = g_new(Call, 1);
    g_autofree Call *second = g_new(Call, 1);
    g_autofree Message *request = g_new(Message, 1);
    g_autofree Message *m = g_new(Message, 1);
    Poster poster;
    Session s;

    session_open(&s, true, PATIENCE_MS);
    call_start(first, &s, VFIO_USER_DEVICE_GET_INFO, 0);
    receive_request(s.main, VFIO_USER_DEVICE_GET_INFO, request);
    poster_start(&poster, &s, 60);
    wait_until_stuck(&poster);
    call_start(second, &s, VFIO_USER_DEVICE_RESET, 0);
    for (unsigned i = 0; i < 2; i++) {
        /* Served by the reader, and then by the sender. */
        send_dma(s.twin, i, true, 9 + i, 1, "q", 0);
        receive_message(s.twin, m);
        g_assert_cmphex(m->header.flags, ==, VFIO_USER_FLAG_REPLY);
        if (i == 0) {
            send_reply(s.main, request, NULL, 0);
            g_assert_cmpint(call_join(first), ==, 0);
        }
    }
    for (unsigned posts = 0, calls = 0; posts < 60 || calls < 1;) {
        receive_message(s.main, m);
        if (m->header.command == VFIO_USER_DEVICE_RESET) {
            calls++;
            send_reply(s.main, m, NULL, 0);
        } else {
            g_assert_cmpuint(m->payload[POST_SIZE - 1], ==, (uint8_t)posts);
            posts++;
        }
    }
    g_assert_cmpint(call_join(second), ==, 0);
    pthread_join(poster.thread, NULL);
    g_assert_cmpint(poster.ret, ==, 0);
    g_assert_cmpmem(s.user.ram + 9, 2, "qq", 2);
    session_finish(&s);
}

/* Without a twin the answer to a command waits until the message is out. */
static void test_posts_and_command(void)
{
    g_autofree Call *call = g_new(Call, 1);
    g_autofree Message *request = g_new(Message, 1);
    g_autofree Message *m = g_new(Message, 1);
    unsigned posts = 0;
    bool answered = false;
    Poster poster;
    Session s;

    session_open(&s, false, PATIENCE_MS);
    call_start(call, &s, VFIO_USER_DEVICE_GET_INFO, 0);
    receive_request(s.main, VFIO_USER_DEVICE_GET_INFO, request);
    poster_start(&poster, &s, 60);
    wait_until_stuck(&poster);
    send_dma(s.main, 7, true, 9, 1, "r", 0);
    while (!answered || posts < 60) {
        receive_message(s.main, m);
        if (m->header.flags & VFIO_USER_FLAG_REPLY) {
            g_assert_cmpuint(m->header.id, ==, 7);
            answered = true;
        } else {
            g_assert_cmpuint(m->payload[POST_SIZE - 1], ==, (uint8_t)posts);
            posts++;
        }
    }
    send_reply(s.main, request, NULL, 0);
    g_assert_cmpint(call_join(call), ==, 0);
    pthread_join(poster.thread, NULL);
    g_assert_cmpint(poster.ret, ==, 0);
    g_assert_false(user_conn_broken(s.conn));
    session_finish(&s);
}

/* The same in the main loop: it does not wait, and is called back. */
static void test_posts_and_loop(void)
{
    g_autofree Message *m = g_new(Message, 1);
    Poster poster;
    Session s;

    main_loop_init(NULL);
    session_open(&s, false, PATIENCE_MS);
    user_conn_watch(s.conn, true);
    main_loop_iterate(true);
    poster_start(&poster, &s, 60);
    wait_until_stuck(&poster);
    send_dma(s.main, 7, true, 9, 1, "l", 0);
    /* If this waited, nobody would ever read. */
    main_loop_iterate(false);
    main_loop_iterate(false);
    g_assert_cmpuint(atomic_load(&s.user.writes), ==, 0);
    read_posts(&s, 0, 60);
    pthread_join(poster.thread, NULL);
    g_assert_cmpint(poster.ret, ==, 0);
    while (atomic_load(&s.user.writes) == 0) {
        main_loop_iterate(true);
    }
    receive_message(s.main, m);
    g_assert_cmphex(m->header.flags, ==, VFIO_USER_FLAG_REPLY);

    /* Not if it is told to stay away meanwhile, */
    poster_start(&poster, &s, 60);
    wait_until_stuck(&poster);
    send_dma(s.main, 8, true, 9, 1, "m", 0);
    main_loop_iterate(false);
    user_conn_watch(s.conn, false);
    read_posts(&s, 0, 60);
    pthread_join(poster.thread, NULL);
    main_loop_iterate(false);
    g_assert_cmpuint(atomic_load(&s.user.writes), ==, 1);
    user_conn_watch(s.conn, true);
    main_loop_iterate(true);
    g_assert_cmpuint(atomic_load(&s.user.writes), ==, 2);

    /* ... and if the server goes it hears of that, too. */
    poster_start(&poster, &s, 10000);
    wait_until_stuck(&poster);
    send_dma(s.main, 9, true, 9, 1, "n", 0);
    main_loop_iterate(false);
    fd_close(&s.main);
    pthread_join(poster.thread, NULL);
    g_assert_cmpint(poster.ret, ==, -ENOTCONN);
    main_loop_iterate(true);
    main_loop_iterate(true);
    expect_broken(&s, "cannot send to the server: *");
    session_finish(&s);
    main_loop_finish();
}

/* Everything at once: a server that reads when it likes, as long as it does. */
typedef struct Stress {
    Session *s;
    unsigned calls;
    unsigned posts;
    unsigned rounds;
    atomic_bool done;
} Stress;

/* What comes on @fd; whether it was an answer. */
static bool stress_receive(Stress *stress, int fd, Message *m)
{
    receive_message(fd, m);
    if (m->header.flags & VFIO_USER_FLAG_REPLY) {
        return true;
    }
    if (m->header.flags & VFIO_USER_FLAG_NO_REPLY) {
        stress->posts--;
    } else {
        stress->calls--;
        send_reply(fd, m, NULL, 0);
    }
    return false;
}

static void *stress_server(void *opaque)
{
    g_autofree Message *m = g_new(Message, 1);
    Stress *stress = opaque;
    Session *s = stress->s;
    bool twin = s->twin >= 0;
    struct pollfd fds[] = {{.fd = s->main, .events = POLLIN},
                           {.fd = s->twin, .events = POLLIN}};
    unsigned owed = 0;

    while (owed || stress->rounds || stress->posts || stress->calls) {
        if (owed == 0 && stress->rounds > 0) {
            ask_many(twin ? s->twin : s->main);
            owed = MANY;
            stress->rounds--;
        }
        poll(fds, G_N_ELEMENTS(fds), -1);
        for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++) {
            if (fds[i].revents & POLLIN &&
                stress_receive(stress, fds[i].fd, m)) {
                owed--;
            }
        }
    }
    atomic_store(&stress->done, true);
    main_loop_wake();
    return NULL;
}

#define STRESS_CALLS 200

static void *stress_calls(void *opaque)
{
    UserRequest req = {.command = VFIO_USER_DEVICE_RESET};

    for (unsigned i = 0; i < STRESS_CALLS; i++) {
        g_assert_cmpint(user_conn_call(opaque, &req), ==, 0);
    }
    return NULL;
}

static void test_stress(void)
{
    for (int twin = 0; twin < 2; twin++) {
        UserRequest req = {.command = VFIO_USER_DEVICE_RESET};
        Stress stress = {
            .calls = 2 * STRESS_CALLS + 20, .posts = 300, .rounds = 20};
        pthread_t threads[3];
        Poster poster;
        Session s;

        main_loop_init(NULL);
        session_open(&s, twin, PATIENCE_MS);
        user_conn_watch(s.conn, true);
        stress.s = &s;
        pthread_create(&threads[0], NULL, stress_server, &stress);
        pthread_create(&threads[1], NULL, stress_calls, s.conn);
        pthread_create(&threads[2], NULL, stress_calls, s.conn);
        poster_start(&poster, &s, 300);
        for (unsigned i = 0; i < 20; i++) {
            main_loop_iterate(false);
            g_assert_cmpint(user_conn_call(s.conn, &req), ==, 0);
        }
        while (!atomic_load(&stress.done)) {
            main_loop_iterate(true);
        }
        pthread_join(poster.thread, NULL);
        for (unsigned i = 0; i < G_N_ELEMENTS(threads); i++) {
            pthread_join(threads[i], NULL);
        }
        g_assert_cmpint(poster.ret, ==, 0);
        g_assert_false(user_conn_broken(s.conn));
        user_conn_watch(s.conn, false);
        session_finish(&s);
        main_loop_finish();
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/user-conn-full/answers-unread", test_answers_unread);
    g_test_add_func("/user-conn-full/answers-late", test_answers_late);
    g_test_add_func("/user-conn-full/answers-late-in-loop",
                    test_answers_late_in_loop);
    g_test_add_func("/user-conn-full/answers-late-and-call",
                    test_answers_late_and_call);
    g_test_add_func("/user-conn-full/answers-unread-in-loop",
                    test_answers_unread_in_loop);
    g_test_add_func("/user-conn-full/posts-unread", test_posts_unread);
    g_test_add_func("/user-conn-full/posts-close", test_posts_close);
    g_test_add_func("/user-conn-full/posts-late", test_posts_late);
    g_test_add_func("/user-conn-full/posts-and-reader", test_posts_and_reader);
    g_test_add_func("/user-conn-full/posts-and-command",
                    test_posts_and_command);
    g_test_add_func("/user-conn-full/posts-and-loop", test_posts_and_loop);
    g_test_add_func("/user-conn-full/stress", test_stress);
    return g_test_run();
}
