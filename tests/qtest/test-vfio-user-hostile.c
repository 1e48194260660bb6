/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vfio-user-platform on servers that mean no good: scripted ones, in a thread
 * of the test, which hang up at any byte, talk nonsense, flood, or fall silent,
 * and the emulator must answer QMP, find back and lose no descriptor. The
 * choices come from the test's seed.
 */

#include <fcntl.h>
#include <glib/gstdio.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "../lib/qtest-client.h"
#include "user-peer.h"

#define RAM UINT64_C(0x40000000)
#define BASE UINT64_C(0x0c000000)
#define MAPPED (BASE + 0x1000)
#define FLOOD 0x100 /* a read of it starts the flood */
#define ROUNDS 200

#define RW (VFIO_USER_REGION_F_READ | VFIO_USER_REGION_F_WRITE)

static const char *program;

typedef struct Fixture {
    UserServer *server;
    QtestClient *c;
    int fd;
    UserRegionDesc regions[2];
    GRand *rand;       /* the server's thread */
    atomic_int left;   /* messages until it hangs up; negative: never */
    atomic_int rounds; /* how often it did, or talked nonsense */
    atomic_int kind;   /* of flood, or nonsense: 1 is on */
    atomic_bool stop;  /* the flood */
    unsigned fds;      /* of the emulator */
} Fixture;

static const UserIrqDesc irqs[] = {
    {VFIO_USER_IRQ_F_EVENTFD | VFIO_USER_IRQ_F_MASKABLE |
         VFIO_USER_IRQ_F_AUTOMASKED,
     1},
    {VFIO_USER_IRQ_F_EVENTFD, 1},
};

static unsigned emulator_fds(Fixture *f)
{
    g_autofree char *path =
        g_strdup_printf("/proc/%d/fd", (int)qtest_client_pid(f->c));
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    unsigned n = 0;

    g_assert_nonnull(dir);
    while (g_dir_read_name(dir)) {
        n++;
    }
    return n;
}

static void setup(Fixture *f, bool twin, UserServerHook hook,
                  UserPeerFilter filter, const char *more)
{
    UserDeviceDesc desc = {
        .minor = 2,
        .flags = VFIO_USER_DEVICE_PLATFORM | VFIO_USER_DEVICE_RESETTABLE,
        .regions = f->regions,
        .num_regions = 2,
        .irqs = irqs,
        .num_irqs = 2,
        .twin = twin,
    };

    memset(f, 0, sizeof(*f));
    f->left = -1;
    f->rand = g_rand_new_with_seed(g_test_rand_int());
    f->fd = memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    g_assert_no_errno(ftruncate(f->fd, 4096));
    g_assert_no_errno(fcntl(f->fd, F_ADD_SEALS, F_SEAL_SHRINK));
    f->regions[0] = (UserRegionDesc){.size = 4096, .flags = RW};
    f->regions[1] = (UserRegionDesc){
        .size = 4096, .flags = RW | VFIO_USER_REGION_F_MMAP, .fd = f->fd};
    f->server = user_server_new(&desc);
    f->server->hook = hook;
    f->server->hook_opaque = f;
    f->server->filter = filter;
    f->server->filter_opaque = f;
    user_server_listen(f->server, NULL);
    f->c = qtest_client_new("-M virt -m 64M -D /dev/null -device "
                            "vfio-user-platform,id=dev,socket=%s,"
                            "compatible=x,x-irq-route=trap%s",
                            f->server->path, more);
    f->fds = emulator_fds(f);
}

static void teardown(Fixture *f)
{
    qtest_client_quit(f->c);
    user_server_free(f->server);
    g_rand_free(f->rand);
    close(f->fd);
}

/* QMP answers; the device's state. Caller frees. */
static char *ask_state(Fixture *f)
{
    json_object *answer = qtest_qmp(
        f->c, "{\"execute\": \"qom-get\", \"arguments\": {\"path\": "
              "\"/machine/peripheral/dev\", \"property\": \"state\"}}");
    char *state = g_strdup(json_text_at(answer, "return"));

    json_object_put(answer);
    return state;
}

static void wait_state(Fixture *f, const char *want)
{
    for (unsigned i = 0;; i++) {
        g_autofree char *state = ask_state(f);

        if (strcmp(state, want) == 0) {
            return;
        }
        g_assert_cmpuint(i, <, 20000);
        g_usleep(1000);
    }
}

/* The device is there, with all that it has, and nothing was left behind. */
static void expect_good(Fixture *f)
{
    wait_state(f, "connected");
    qtest_writel(f->c, BASE + 0x10, 0x12345678);
    g_assert_cmphex(qtest_readl(f->c, BASE + 0x10), ==, 0x12345678);
    qtest_writel(f->c, MAPPED + 0x20, 0xabcdef);
    g_assert_cmphex(qtest_readl(f->c, MAPPED + 0x20), ==, 0xabcdef);
    user_server_signal(f->server, 0);
    user_server_signal(f->server, 1);
    g_assert_cmpuint(emulator_fds(f), ==, f->fds);
}

/* Something of everything, whatever state the device is in. */
static void load(Fixture *f)
{
    for (unsigned i = 0; i < 8; i++) {
        qtest_writel(f->c, BASE + i * 4, i);
        qtest_readl(f->c, BASE + i * 4);
        qtest_writel(f->c, MAPPED + i * 4, i);
        qtest_readl(f->c, MAPPED + i * 4);
    }
    qtest_writel(f->c, RAM, 7);
    g_assert_cmphex(qtest_readl(f->c, RAM), ==, 7);
    g_free(ask_state(f));
}

/* ---- hanging up ---- */

static bool hang_up(void *opaque, unsigned n, GByteArray *bytes, GArray *fds)
{
    Fixture *f = opaque;

    if (f->left < 0 || f->left-- > 0) {
        return true;
    }
    f->left = g_rand_int_range(f->rand, 0, 60);
    f->rounds++;
    g_byte_array_set_size(bytes, g_rand_int_range(f->rand, 0, bytes->len + 1));
    return false;
}

static void test_hang_up(void)
{
    static const char *const ways[] = {"", ",x-dma-share=off",
                                       ",x-no-mmap=on,x-posted-writes=on"};

    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(ways); i++) {
        g_autofree char *more =
            g_strdup_printf(",reconnect-ms=1%s", ways[i / 2]);
        Fixture f;

        setup(&f, i & 1, NULL, hang_up, more);
        f.left = 3;
        while (f.rounds < ROUNDS / 4) {
            load(&f);
        }
        f.left = -1;
        expect_good(&f);
        teardown(&f);
    }
}

/* ---- nonsense ---- */

/* A message that looks like one, more or less. */
static void talk_nonsense(Fixture *f, UserPeer *peer)
{
    uint8_t payload[600];
    size_t size = g_rand_int_range(f->rand, 0, sizeof(payload));
    VFIOUserHeader head = {
        .id = g_rand_int_range(f->rand, 0, 4),
        .command = g_rand_int_range(f->rand, 0, 20),
        .size = 16 + size,
        .flags = g_rand_int_range(f->rand, 0, 4),
    };
    int fds[8];
    unsigned num_fds = g_rand_int_range(f->rand, 0, 9);

    for (unsigned i = 0; i < sizeof(payload); i++) {
        payload[i] = i < 24 ? g_rand_int_range(f->rand, 0, 5)
                            : g_rand_int_range(f->rand, 0, 256);
    }
    for (unsigned i = 0; i < num_fds; i++) {
        fds[i] = f->fd;
    }
    if (g_rand_boolean(f->rand)) {
        head.command = VFIO_USER_DMA_READ + g_rand_int_range(f->rand, 0, 2);
        head.flags = 0;
        memset(payload + 5, 0, 3);
        payload[3] = 0x40;
        memset(payload + 9, 0, 7);
    }
    if (g_rand_int_range(f->rand, 0, 4) == 0) {
        head.size = g_rand_int(f->rand) >> g_rand_int_range(f->rand, 0, 32);
    }
    user_peer_send(peer, &head, payload, size, fds, num_fds);
}

static bool nonsense(UserServer *server, UserMsg *msg, void *opaque)
{
    Fixture *f = opaque;

    if (f->left < 0 || f->left-- > 0) {
        return false;
    }
    f->left = g_rand_int_range(f->rand, 0, 40);
    f->rounds++;
    talk_nonsense(f, server->twin && g_rand_boolean(f->rand) ? server->twin
                                                             : server->peer);
    if (g_rand_boolean(f->rand)) {
        return false;
    }
    user_server_answer(server, msg);
    talk_nonsense(f, server->peer);
    return true;
}

static void test_nonsense(void)
{
    for (unsigned twin = 0; twin < 2; twin++) {
        Fixture f;

        setup(&f, twin, nonsense, NULL, ",reconnect-ms=1,timeout-ms=300");
        f.left = 3;
        while (f.rounds < ROUNDS / 2) {
            load(&f);
        }
        f.left = -1;
        /* What came last may still have to be found out. */
        user_server_hang_up(f.server);
        while (qtest_readl(f.c, BASE + 0x10) == UINT32_MAX) {
            wait_state(&f, "connected");
        }
        expect_good(&f);
        teardown(&f);
    }
}

/* ---- floods ---- */

enum {
    NO_FLOOD,
    READS,   /* commands whose replies nobody reads */
    WRITES,  /* commands without replies, valid ones */
    REPLIES, /* to nothing */
    IDLE,    /* WRITES, while the emulator waits for nothing */
    KINDS,
};

/* True while the other side is there and takes it. */
static bool pour(Fixture *f, UserPeer *peer)
{
    static uint8_t payload[16 + 4096];
    VFIOUserDmaAccess access = {RAM + 0x100000, 4096};
    VFIOUserHeader head = {.id = 7, .command = VFIO_USER_DMA_WRITE};
    size_t size = sizeof(payload);

    if (f->kind == READS) {
        head.command = VFIO_USER_DMA_READ;
        size = sizeof(access);
        access.count = 32768;
    } else {
        head.flags =
            f->kind == REPLIES ? VFIO_USER_FLAG_REPLY : VFIO_USER_FLAG_NO_REPLY;
    }
    head.size = sizeof(head) + size;
    memcpy(payload, &access, sizeof(access));
    return user_peer_send(peer, &head, payload, size, NULL, 0);
}

static bool flood(UserServer *server, UserMsg *msg, void *opaque)
{
    Fixture *f = opaque;
    UserPeer *peer = server->twin ? server->twin : server->peer;
    const VFIOUserRegionAccess *access = (void *)msg->payload;

    if (msg->head.command != VFIO_USER_REGION_READ || access->offset != FLOOD ||
        f->kind == NO_FLOOD) {
        return false;
    }
    if (f->kind == IDLE) {
        user_server_answer(server, msg);
    }
    while (!f->stop && pour(f, peer)) {
    }
    f->kind = NO_FLOOD;
    user_peer_hang_up(server->peer);
    return true;
}

/* The access that started it ends, by the timeout at the latest. */
static void test_flood(void)
{
    for (unsigned i = 0; i < 2 * KINDS; i++) {
        unsigned kind = i / 2;
        Fixture f;

        if (kind == NO_FLOOD) {
            continue;
        }
        setup(&f, i & 1, flood, NULL, ",reconnect-ms=1,timeout-ms=300");
        for (unsigned round = 0; round < 2; round++) {
            f.stop = false;
            f.kind = kind;
            g_assert_cmphex(qtest_readl(f.c, BASE + FLOOD), ==,
                            kind == IDLE ? 0 : UINT32_MAX);
            /* The main loop has its turns while the flood goes on. */
            for (unsigned n = 0; kind == IDLE && n < 200; n++) {
                g_autofree char *state = ask_state(&f);

                g_assert_cmpstr(state, ==, "connected");
                qtest_writel(f.c, RAM, n);
                g_assert_cmphex(qtest_readl(f.c, RAM), ==, n);
            }
            f.stop = true;
            while (f.kind != NO_FLOOD) {
                g_free(ask_state(&f));
            }
            while (qtest_readl(f.c, BASE + 0x10) == UINT32_MAX) {
                wait_state(&f, "connected");
            }
            expect_good(&f);
        }
        teardown(&f);
    }
}

/* ---- silence ---- */

/* With left = 0: no answer to an access, none to a VERSION. */
static bool be_silent(UserServer *server, UserMsg *msg, void *opaque)
{
    Fixture *f = opaque;

    f->rounds += msg->head.command == VFIO_USER_VERSION;
    return f->left == 0;
}

/* Only an access waits for the timeout; attempts to connect wait elsewhere. */
static void test_silent(void)
{
    Fixture f;

    setup(&f, false, be_silent, NULL, ",reconnect-ms=1,timeout-ms=1000");
    for (unsigned round = 0; round < 2; round++) {
        int attempts;

        f.left = 0;
        g_assert_cmphex(qtest_readl(f.c, BASE), ==, UINT32_MAX);
        /* Until it waits for the answer to VERSION. */
        attempts = f.rounds;
        while (f.rounds == attempts) {
            g_autofree char *state = ask_state(&f);

            g_assert_cmpstr(state, ==, "reconnecting");
        }
        attempts = f.rounds;
        for (unsigned i = 0; i < 200; i++) {
            g_autofree char *state = ask_state(&f);

            g_assert_cmpstr(state, ==, "reconnecting");
            g_assert_cmphex(qtest_readl(f.c, BASE), ==, UINT32_MAX);
            qtest_writel(f.c, RAM, i);
        }
        /* A main loop that waited would have let one time out for each. */
        g_assert_cmpint(f.rounds, <, attempts + 50);
        f.left = -1;
        user_server_hang_up(f.server);
        expect_good(&f);
    }
    teardown(&f);
}

/* Nothing asked, nothing lost: it may be silent for longer than the timeout. */
static void test_stopped(void)
{
    Fixture f;

    setup(&f, true, be_silent, NULL, ",timeout-ms=1000");
    f.left = 0;
    for (unsigned i = 0; i < 120; i++) {
        g_autofree char *state = ask_state(&f);

        g_assert_cmpstr(state, ==, "connected");
        qtest_writel(f.c, MAPPED, i);
        g_assert_cmphex(qtest_readl(f.c, MAPPED), ==, i);
        g_usleep(10000);
    }
    f.left = -1;
    expect_good(&f);
    teardown(&f);
}

/* ---- killed ---- */

#define SCRATCH (BASE + 0x1000) /* of the model dma-edu */

typedef struct Killer {
    const char *model;
    char *dir;
    char *path;
    GPid pid;
    GRand *rand;
    pthread_t thread;
    atomic_int kills;
} Killer;

static void start_model(Killer *k)
{
    const char *argv[] = {program, k->model, "--socket", k->path, NULL};
    g_autoptr(GError) error = NULL;

    g_spawn_async(NULL, (char **)argv, NULL,
                  G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDERR_TO_DEV_NULL, NULL,
                  NULL, &k->pid, &error);
    g_assert_no_error(error);
}

static void stop_model(Killer *k)
{
    g_assert_cmpint(kill(k->pid, SIGKILL), ==, 0);
    g_assert_cmpint(waitpid(k->pid, NULL, 0), ==, k->pid);
}

/* A client that comes and goes, which a server must bear. */
static void wait_listening(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path));
    while (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
        g_usleep(1000);
    }
    close(fd);
}

static void killer_init(Killer *k, const char *model)
{
    *k =
        (Killer){.model = model, .dir = g_dir_make_tmp("hostile-XXXXXX", NULL)};
    k->path = g_build_filename(k->dir, "socket", NULL);
    k->rand = g_rand_new_with_seed(g_test_rand_int());
    start_model(k);
    wait_listening(k->path);
}

static void killer_finish(Killer *k)
{
    stop_model(k);
    g_unlink(k->path);
    g_assert_cmpint(g_rmdir(k->dir), ==, 0);
    g_rand_free(k->rand);
    g_free(k->path);
    g_free(k->dir);
}

/* At any moment: before it listens, in a handshake, in an access, in DMA. */
static void *kill_often(void *opaque)
{
    Killer *k = opaque;

    while (k->kills < ROUNDS / 2) {
        g_usleep(g_rand_int_range(k->rand, 0, 30000));
        stop_model(k);
        start_model(k);
        k->kills++;
    }
    return NULL;
}

/* Whatever the device says, which may be ones; the machine goes on. */
static void use_model(Fixture *f, unsigned n)
{
    qtest_writel(f->c, BASE + 0x08, 1); /* copy 64 KiB */
    qtest_writel(f->c, BASE + 0x10, RAM);
    qtest_writel(f->c, BASE + 0x18, RAM + 0x100000);
    qtest_writel(f->c, BASE + 0x20, 0x10000);
    qtest_writel(f->c, BASE + 0x58, 1);
    qtest_readl(f->c, BASE + 0x30);
    qtest_writel(f->c, SCRATCH, n);
    qtest_readl(f->c, SCRATCH);
    qtest_writel(f->c, RAM, n);
    g_assert_cmpuint(qtest_readl(f->c, RAM), ==, n);
    g_free(ask_state(f));
}

static void test_killed(void)
{
    static const char *const ways[] = {"", ",x-dma-share=off"};

    for (unsigned i = 0; i < G_N_ELEMENTS(ways); i++) {
        Fixture f = {0};
        Killer k;

        killer_init(&k, "dma-edu");
        f.c = qtest_client_new("-M virt -m 64M -D /dev/null -device "
                               "vfio-user-platform,id=dev,socket=%s,"
                               "compatible=x,x-irq-route=trap,reconnect-ms=1%s",
                               k.path, ways[i]);
        f.fds = emulator_fds(&f);
        g_assert_cmpint(pthread_create(&k.thread, NULL, kill_often, &k), ==, 0);
        for (unsigned n = 0; k.kills < ROUNDS / 2; n++) {
            use_model(&f, n);
        }
        g_assert_cmpint(pthread_join(k.thread, NULL), ==, 0);
        wait_listening(k.path);
        while (qtest_readl(f.c, BASE) == UINT32_MAX) {
            wait_state(&f, "connected");
        }
        g_assert_cmphex(qtest_readl(f.c, BASE), ==, 0x2d414d44);
        qtest_writel(f.c, SCRATCH, 0xcafe);
        g_assert_cmphex(qtest_readl(f.c, SCRATCH), ==, 0xcafe);
        g_assert_cmpuint(emulator_fds(&f), ==, f.fds);
        qtest_client_quit(f.c);
        killer_finish(&k);
    }
}

/* ---- two clients ---- */

/* The second emulator is told why, the first goes on, a third may come. */
static void test_two_clients(void)
{
    Killer k;

    killer_init(&k, "pl031");
    for (unsigned i = 0; i < 5; i++) {
        QtestClient *c = qtest_client_new(
            "-M virt -D /dev/null -device vfio-user-platform,socket=%s,"
            "compatible=x,x-irq-route=trap",
            k.path);

        g_assert_cmphex(qtest_readl(c, BASE + 0xfe0), ==, 0x31);
        emulator_expect_error("another client",
                              "-M virt -accel qtest -device "
                              "vfio-user-platform,socket=%s,compatible=x",
                              k.path);
        g_assert_cmphex(qtest_readl(c, BASE + 0xfe0), ==, 0x31);
        qtest_client_quit(c);
    }
    killer_finish(&k);
}

int main(int argc, char **argv)
{
    qtest_client_init(&argc, &argv);
    g_assert_cmpint(argc, >=, 3);
    program = argv[2];
    g_test_add_func("/vfio-user-hostile/hang-up", test_hang_up);
    g_test_add_func("/vfio-user-hostile/nonsense", test_nonsense);
    g_test_add_func("/vfio-user-hostile/flood", test_flood);
    g_test_add_func("/vfio-user-hostile/silent", test_silent);
    g_test_add_func("/vfio-user-hostile/stopped", test_stopped);
    g_test_add_func("/vfio-user-hostile/killed", test_killed);
    g_test_add_func("/vfio-user-hostile/two-clients", test_two_clients);
    return g_test_run();
}
