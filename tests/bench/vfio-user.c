/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a device of another process costs, each figure against the least that
 * two processes can do it with, by turns in one run; README.md says what the
 * figures mean. Everything of the emulator that is on the way is there, from
 * address_space_rw() and the main loop down; only the vCPU is a plain thread,
 * and the controller is a line that notes the time.
 *
 *     vfio-user-bench [--one-cpu|--try] MODEL
 *
 * MODEL is the program vfio-user-model. Relies on two CPUs, one for each side.
 * Status 1: a figure is past its limit. No limits hold with --one-cpu, where
 * both sides share one, and --try, a short run on any.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hw/vfio/device.h"
#include "hw/vfio/user.h"
#include "hw/vfio/user-wire.h"
#include "util/log.h"
#include "util/main-loop.h"
#include "vfio-user.h"

#define MAX_ACCESSES 2000
#define MAX_INTERRUPTS 200
#define START_TRIES 500 /* of 10 ms */
#define PER_MILLION 1000000LL
#define OUR_CPU 0
#define THEIR_CPU 1

/* The message sizes of one access to a register of four bytes. */
#define ACCESS_HEAD (sizeof(VFIOUserHeader) + sizeof(VFIOUserRegionAccess))

static bool one_cpu, trying;
static int rounds = 11, accesses = MAX_ACCESSES, interrupts = MAX_INTERRUPTS;

static void G_GNUC_PRINTF(1, 2) G_GNUC_NORETURN die(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fputs("vfio-user-bench: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(2);
}

static void run_on(int cpu)
{
    cpu_set_t set;

    if (trying) {
        return;
    }
    CPU_ZERO(&set);
    CPU_SET(one_cpu ? OUR_CPU : cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) < 0) {
        die("CPU %d: %s", cpu, g_strerror(errno));
    }
}

static void transfer(int fd, void *data, size_t size, bool out)
{
    ssize_t n = out ? write(fd, data, size) : read(fd, data, size);

    if (n != (ssize_t)size) {
        die("a process of the benchmark has gone");
    }
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Of things that others on the machine may have come between. */
static int64_t median(int64_t *values, size_t n)
{
    qsort(values, n, sizeof(values[0]), compare);
    return values[n / 2];
}

/* ---- the floor: two processes and nothing else ---- */

/* Starts @fn(a socket, @opaque) in a process of the other side. */
static int start_peer(void (*fn)(int fd, void *opaque), void *opaque)
{
    int fds[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
        die("socketpair: %s", g_strerror(errno));
    }
    pid = fork();
    if (pid == 0) {
        close(fds[0]);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        run_on(THEIR_CPU);
        fn(fds[1], opaque);
        _exit(0);
    }
    if (pid < 0) {
        die("fork: %s", g_strerror(errno));
    }
    close(fds[1]);
    return fds[0];
}

typedef struct PingPong {
    int fd;
    size_t request;
    size_t reply;
} PingPong;

static void answer(int fd, void *opaque)
{
    const PingPong *p = opaque;
    char buffer[64] = {0};

    while (read(fd, buffer, p->request) == (ssize_t)p->request &&
           write(fd, buffer, p->reply) == (ssize_t)p->reply) {
        /* again */
    }
}

static int64_t ping_pong(void *opaque)
{
    const PingPong *p = opaque;
    char buffer[64] = {0};
    int64_t ns[MAX_ACCESSES];

    for (int i = 0; i < accesses; i++) {
        int64_t start = bench_ns();

        transfer(p->fd, buffer, p->request, true);
        transfer(p->fd, buffer, p->reply, false);
        ns[i] = bench_ns() - start;
    }
    return median(ns, accesses);
}

/* An interrupt, noted by whoever hears of it. */
static sem_t arrived;
static int64_t arrived_ns;

static void note_arrival(void)
{
    arrived_ns = bench_ns();
    sem_post(&arrived);
}

static void await(sem_t *sem)
{
    while (sem_wait(sem) < 0) {
        /* a signal */
    }
}

typedef struct Signaller {
    int fd;    /* its process's */
    int event; /* what it writes */
    GArray *poll_fds;
} Signaller;

/* A byte: signal; another: when was that? */
static void signal_event(int fd, void *opaque)
{
    const Signaller *s = opaque;
    const uint64_t one = 1;
    int64_t raised;
    char byte;

    while (read(fd, &byte, 1) == 1) {
        usleep(BENCH_SETTLE_US);
        raised = bench_ns();
        transfer(s->event, (void *)&one, sizeof(one), true);
        if (read(fd, &byte, 1) == 1) {
            transfer(fd, &raised, sizeof(raised), true);
        }
    }
}

static void *poll_loop(void *opaque)
{
    const Signaller *s = opaque;
    uint64_t count;

    for (;;) {
        poll((struct pollfd *)s->poll_fds->data, s->poll_fds->len, -1);
        transfer(s->event, &count, sizeof(count), false);
        note_arrival();
    }
    return NULL;
}

static int new_eventfd(void)
{
    int fd = eventfd(0, EFD_CLOEXEC);

    if (fd < 0) {
        die("eventfd: %s", g_strerror(errno));
    }
    return fd;
}

/* As many as the main loop has; the last one is the signaller's. */
static void start_poll_loop(Signaller *s)
{
    int timeout;
    int n = g_main_context_query(g_main_context_default(), G_MAXINT, &timeout,
                                 NULL, 0);
    pthread_t thread;

    s->poll_fds = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
    for (int i = 0; i < n; i++) {
        struct pollfd p = {.fd = i == n - 1 ? s->event : new_eventfd(),
                           .events = POLLIN};

        g_array_append_val(s->poll_fds, p);
    }
    if (pthread_create(&thread, NULL, poll_loop, s) != 0) {
        die("no thread");
    }
    pthread_detach(thread);
}

static int64_t floor_interrupts(void *opaque)
{
    const Signaller *s = opaque;
    int64_t ns[MAX_INTERRUPTS], raised;
    char byte = 0;

    for (int i = 0; i < interrupts; i++) {
        transfer(s->fd, &byte, 1, true);
        await(&arrived);
        transfer(s->fd, &byte, 1, true);
        transfer(s->fd, &raised, sizeof(raised), false);
        ns[i] = arrived_ns - raised;
    }
    return median(ns, interrupts);
}

/* ---- our side: a device and its model ---- */

typedef struct BenchLine {
    IrqLine line;
    IrqEoiFn eoi;
    void *eoi_opaque;
} BenchLine;

typedef struct Model {
    const char *name;
    bool posted;
    hwaddr base;
    char *socket;
    pid_t pid;
    int control;
    int state;
    VFIODevice vdev;
    BenchLine lines[BENCH_LINES];
} Model;

static void line_set(IrqLine *line, int level)
{
    if (level) {
        note_arrival();
    }
}

static bool line_attach_eoi(IrqLine *line, IrqEoiFn fn, void *opaque,
                            Error **errp)
{
    BenchLine *bl = line->opaque;

    bl->eoi = fn;
    bl->eoi_opaque = opaque;
    return true;
}

static void line_detach_eoi(IrqLine *line)
{
    ((BenchLine *)line->opaque)->eoi = NULL;
}

static const IrqLineOps line_ops = {
    .set = line_set,
    .attach_eoi = line_attach_eoi,
    .detach_eoi = line_detach_eoi,
};

static void start_model(Model *m, const char *program, const char *dir)
{
    g_autofree char *control = NULL;
    int fds[2];

    m->socket = g_build_filename(dir, m->name, NULL);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0 ||
        fcntl(fds[0], F_SETFD, FD_CLOEXEC) < 0) {
        die("socketpair: %s", g_strerror(errno));
    }
    control = g_strdup_printf("%d", fds[1]);
    m->pid = fork();
    if (m->pid == 0) {
        close(fds[0]);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        run_on(THEIR_CPU);
        execl(program, program, m->socket, control, NULL);
        die("%s: %s", program, g_strerror(errno));
    }
    close(fds[1]);
    m->control = fds[0];
}

/* It may not listen yet. */
static VFIOHost *open_host(Model *m)
{
    VFIOUserConfig config = {
        .name = m->name,
        .socket = m->socket,
        .timeout_ms = 5000,
        .share_dma = true,
        .posted_writes = m->posted,
    };

    for (int i = 0;; i++) {
        g_autoptr(Error) err = NULL;
        VFIOHost *host = vfio_host_user_open(&config, &m->state, &err);

        if (host) {
            return host;
        }
        if (i == START_TRIES) {
            die("%s", error_get_pretty(err));
        }
        g_usleep(10000);
    }
}

static void open_model(Model *m)
{
    const VFIODeviceConfig config = {.mmap_timeout_ms = 50};
    g_autoptr(Error) err = NULL;

    if (!vfio_device_init(&m->vdev, open_host(m), NULL, &config, &err)) {
        die("%s", error_get_pretty(err));
    }
    memory_region_add_subregion(get_system_memory(), m->base,
                                &m->vdev.regions[0].mr);
    for (unsigned i = 0; i < BENCH_LINES; i++) {
        irq_init(&m->lines[i].line, &line_ops, &m->lines[i], i);
        m->vdev.irqs[i].line = &m->lines[i].line;
    }
}

static void close_model(Model *m)
{
    vfio_device_quiesce(&m->vdev);
    memory_region_del_subregion(get_system_memory(), &m->vdev.regions[0].mr);
    vfio_device_finish(&m->vdev);
    close(m->control);
    waitpid(m->pid, NULL, 0);
    g_free(m->socket);
}

static void tell(Model *m, BenchAction action, unsigned line, unsigned piece,
                 bool write)
{
    BenchCommand c = {action, line, piece, write};

    transfer(m->control, &c, sizeof(c), true);
}

static int64_t ask(Model *m, BenchAction action, unsigned line, unsigned piece,
                   bool write)
{
    int64_t ns;

    tell(m, action, line, piece, write);
    transfer(m->control, &ns, sizeof(ns), false);
    return ns;
}

static void access_register(Model *m, bool write)
{
    uint32_t value = 1;

    if (address_space_rw(address_space_memory(), m->base, &value, 4, write) !=
        MEMTX_OK) {
        die("%s: an access failed", m->name);
    }
}

static int64_t time_accesses(Model *m, bool write)
{
    int64_t ns[MAX_ACCESSES];

    for (int i = 0; i < accesses; i++) {
        int64_t start = bench_ns();

        access_register(m, write);
        ns[i] = bench_ns() - start;
    }
    return median(ns, accesses);
}

static int64_t reads(void *opaque)
{
    return time_accesses(opaque, false);
}

static int64_t writes(void *opaque)
{
    return time_accesses(opaque, true);
}

/* The read is for what was posted: afterwards all of it has been done. */
static int64_t burst(void *opaque)
{
    int64_t start = bench_ns();

    for (int i = 0; i < accesses; i++) {
        access_register(opaque, true);
    }
    access_register(opaque, false);
    return (bench_ns() - start) / accesses;
}

typedef struct Interrupts {
    Model *m;
    unsigned line;
    sem_t ended;
} Interrupts;

/* As the guest does, in the main thread. */
static void end_interrupt(void *opaque)
{
    Interrupts *in = opaque;
    BenchLine *bl = &in->m->lines[in->line];

    if (bl->eoi) {
        bl->eoi(bl->eoi_opaque);
    }
    sem_post(&in->ended);
}

static int64_t our_interrupts(void *opaque)
{
    Interrupts *in = opaque;
    int64_t ns[MAX_INTERRUPTS];

    for (int i = 0; i < interrupts; i++) {
        tell(in->m, BENCH_RAISE, in->line, 0, false);
        await(&arrived);
        ns[i] = arrived_ns - ask(in->m, BENCH_LOWER, in->line, 0, false);
        main_loop_schedule(end_interrupt, in);
        await(&in->ended);
        /* The unmasking has been done when this is answered. */
        access_register(in->m, false);
    }
    return median(ns, interrupts);
}

typedef struct Dma {
    Model *m;
    unsigned piece;
    bool write;
} Dma;

static int64_t dma(void *opaque)
{
    Dma *d = opaque;

    return ask(d->m, BENCH_DMA, 0, d->piece, d->write);
}

static int64_t copy(void *opaque)
{
    Dma *d = opaque;

    return ask(d->m, BENCH_COPY, 0, d->piece, d->write);
}

/* ---- the figures ---- */

typedef int64_t (*SideFn)(void *opaque);

typedef struct Side {
    SideFn fn;
    void *opaque;
} Side;

/* What both sides take, by turns; the first round is for warming up. */
typedef struct Figure {
    double ours; /* us */
    double floor;
    double slower; /* ours / floor, of turns that followed each other */
} Figure;

static Figure take(Side ours, Side bottom)
{
    g_autofree int64_t *a = g_new(int64_t, rounds);
    g_autofree int64_t *b = g_new(int64_t, rounds);
    g_autofree int64_t *ratio = g_new(int64_t, rounds);

    ours.fn(ours.opaque);
    bottom.fn(bottom.opaque);
    for (int i = 0; i < rounds; i++) {
        a[i] = ours.fn(ours.opaque);
        b[i] = bottom.fn(bottom.opaque);
        ratio[i] = a[i] * PER_MILLION / b[i];
    }
    return (Figure){median(a, rounds) / 1000.0, median(b, rounds) / 1000.0,
                    median(ratio, rounds) / (double)PER_MILLION};
}

static bool failed;

static void print(const char *name, Figure f, double ratio, double limit,
                  bool at_least)
{
    bool ok = at_least ? ratio >= limit : ratio <= limit;
    bool unlimited = trying || one_cpu;

    printf("%-18s %12.2f %12.2f %8.3f   %s %.2f%s\n", name, f.ours, f.floor,
           ratio, at_least ? ">=" : "<=", limit,
           ok || unlimited ? "" : "  FAILED");
    fflush(stdout);
    failed |= !ok && !unlimited;
}

static void figure_slower(const char *name, Side ours, Side bottom,
                          double limit)
{
    Figure f = take(ours, bottom);

    print(name, f, f.slower, limit, false);
}

static void figure_faster(const char *name, Side ours, Side bottom,
                          double limit)
{
    Figure f = take(ours, bottom);

    print(name, f, 1 / f.slower, limit, true);
}

static void dma_figures(Model *m)
{
    static const unsigned pieces[] = {BENCH_MIN_PIECE, 256 << 10,
                                      BENCH_MAX_PIECE};

    for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
        for (int w = 0; w < 2; w++) {
            Dma d = {m, pieces[i], w};
            g_autofree char *name = g_strdup_printf(
                "dma-%s-%uk", w ? "write" : "read", pieces[i] >> 10);

            figure_faster(name, (Side){dma, &d}, (Side){copy, &d}, 0.9);
        }
    }
}

/* ---- the whole ---- */

enum { ANSWERED, POSTED, MODELS };

typedef struct Bench {
    Model models[MODELS];
    PingPong read;
    PingPong write;
    Signaller signaller;
    atomic_bool done;
} Bench;

static void *vcpu(void *opaque)
{
    Bench *b = opaque;
    Model *m = &b->models[ANSWERED];
    Interrupts level = {m, BENCH_LEVEL}, edge = {m, BENCH_EDGE};

    sem_init(&level.ended, 0, 0);
    sem_init(&edge.ended, 0, 0);
    printf("%-18s %12s %12s %8s   limit\n", "us, medians", "ours", "floor",
           "ratio");
    figure_slower("read", (Side){reads, m}, (Side){ping_pong, &b->read}, 1.25);
    figure_slower("write", (Side){writes, m}, (Side){ping_pong, &b->write},
                  1.25);
    figure_faster("posted-write", (Side){burst, &b->models[POSTED]},
                  (Side){burst, m}, 5);
    figure_slower("irq-level", (Side){our_interrupts, &level},
                  (Side){floor_interrupts, &b->signaller}, 1.5);
    figure_slower("irq-edge", (Side){our_interrupts, &edge},
                  (Side){floor_interrupts, &b->signaller}, 1.5);
    dma_figures(m);
    atomic_store(&b->done, true);
    main_loop_wake();
    return NULL;
}

static void run(Bench *b)
{
    pthread_t thread;

    start_poll_loop(&b->signaller);
    if (pthread_create(&thread, NULL, vcpu, b) != 0) {
        die("no thread");
    }
    while (!atomic_load(&b->done)) {
        main_loop_iterate(true);
    }
    pthread_join(thread, NULL);
}

static void run_machine(Bench *b)
{
    g_autoptr(Error) err = NULL;
    MemoryRegion ram;

    if (!main_loop_init(&err)) {
        die("%s", error_get_pretty(err));
    }
    memory_ram_set_shared(true);
    if (!memory_region_init_ram(&ram, NULL, "ram", BENCH_RAM_SIZE, &err)) {
        die("%s", error_get_pretty(err));
    }
    memset(ram.ram, 1, BENCH_RAM_SIZE);
    memory_region_add_subregion(get_system_memory(), BENCH_RAM, &ram);
    for (int i = 0; i < MODELS; i++) {
        open_model(&b->models[i]);
    }
    reset_all();
    run_state_set(true);
    run(b);
    run_state_set(false);
    for (int i = 0; i < MODELS; i++) {
        close_model(&b->models[i]);
    }
    memory_region_del_subregion(get_system_memory(), &ram);
    memory_region_finish(&ram);
    main_loop_finish();
}

static void parse(int argc, char **argv)
{
    one_cpu = argc == 3 && strcmp(argv[1], "--one-cpu") == 0;
    trying = argc == 3 && strcmp(argv[1], "--try") == 0;
    if (argc != 2 + (one_cpu || trying)) {
        die("usage: vfio-user-bench [--one-cpu|--try] MODEL");
    }
    if (trying) {
        rounds = 1;
        accesses = 100;
        interrupts = 5;
    }
}

int main(int argc, char **argv)
{
    g_autofree char *dir = g_dir_make_tmp("vfio-user-XXXXXX", NULL);
    Bench b = {
        .models = {[ANSWERED] = {.name = "answered", .base = 0x10000000},
                   [POSTED] = {.name = "posted",
                               .posted = true,
                               .base = 0x10010000}},
        .read = {.request = ACCESS_HEAD, .reply = ACCESS_HEAD + 4},
        .write = {.request = ACCESS_HEAD + 4, .reply = ACCESS_HEAD},
    };

    parse(argc, argv);
    b.read.fd = start_peer(answer, &b.read);
    b.write.fd = start_peer(answer, &b.write);
    b.signaller.event = new_eventfd();
    b.signaller.fd = start_peer(signal_event, &b.signaller);
    /* After those, which would keep the models' sockets open. */
    for (int i = 0; i < MODELS; i++) {
        start_model(&b.models[i], argv[argc - 1], dir);
    }
    run_on(OUR_CPU);
    sem_init(&arrived, 0, 0);
    run_machine(&b);
    rmdir(dir);
    return failed;
}
