/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clocks and timers. One sorted list per clock, under the machine lock; two
 * timerfds, because the virtual clock is CLOCK_MONOTONIC plus an offset. Both
 * are armed by absolute time, so that a jump of the host's clock moves HOST
 * timers as it moves the clock. A timerfd is re-armed only for an earlier
 * deadline: pushing a timeout out, the commonest call, costs no system call
 * but one early wake-up that finds nothing to run.
 */

#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>

#include "util/fd.h"
#include "util/lock.h"
#include "util/main-loop.h"
#include "util/timer.h"

#define NEVER INT64_MAX

typedef struct TimerFd {
    int fd;
    int64_t armed_ns; /* NEVER: it will not fire */
} TimerFd;

static const clockid_t fd_clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME};
#define FD_CLOCKS G_N_ELEMENTS(fd_clocks)

static TimerFd timer_fds[FD_CLOCKS] = {
    {.fd = -1, .armed_ns = NEVER},
    {.fd = -1, .armed_ns = NEVER},
};
static Timer *pending[CLOCK_TYPES]; /* by expiry, then by age */
static Timer *due;                  /* expired, about to be run */
static bool firing;

/* Its own lock, since any thread may ask for the time. */
static struct {
    Mutex lock;
    bool running;
    bool manual;
    int64_t ns;       /* the reading when last started, stopped or moved */
    int64_t start_ns; /* CLOCK_MONOTONIC when last started */
} virtual = {.lock = MUTEX_INITIALIZER};

static int64_t host_ns(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static int64_t virtual_ns_locked(void)
{
    if (virtual.manual || !virtual.running) {
        return virtual.ns;
    }
    return virtual.ns + host_ns(CLOCK_MONOTONIC) - virtual.start_ns;
}

int64_t clock_get_ns(ClockType type)
{
    switch (type) {
    case CLOCK_REAL:
        return host_ns(CLOCK_MONOTONIC);
    case CLOCK_HOST:
        return host_ns(CLOCK_REALTIME);
    case CLOCK_VIRTUAL: {
        MUTEX_GUARD(&virtual.lock);
        return virtual_ns_locked();
    }
    default:
        g_assert_not_reached();
    }
}

/* When @expire_ns of the virtual clock comes on CLOCK_MONOTONIC. */
static int64_t virtual_to_monotonic(int64_t expire_ns)
{
    MUTEX_GUARD(&virtual.lock);
    int64_t ns;

    if (!virtual.running) {
        return NEVER;
    }
    if (virtual.manual) {
        return expire_ns <= virtual.ns ? 0 : NEVER;
    }
    if (__builtin_add_overflow(expire_ns - virtual.ns, virtual.start_ns, &ns)) {
        return NEVER;
    }
    return MAX(ns, 0);
}

static int64_t next_deadline(size_t i)
{
    int64_t real_ns = NEVER, virtual_ns = NEVER;

    if (fd_clocks[i] == CLOCK_REALTIME) {
        return pending[CLOCK_HOST] ? pending[CLOCK_HOST]->expire_ns : NEVER;
    }
    if (pending[CLOCK_REAL]) {
        real_ns = pending[CLOCK_REAL]->expire_ns;
    }
    if (pending[CLOCK_VIRTUAL]) {
        virtual_ns = virtual_to_monotonic(pending[CLOCK_VIRTUAL]->expire_ns);
    }
    return MIN(real_ns, virtual_ns);
}

static void arm(void)
{
    for (size_t i = 0; i < FD_CLOCKS && !firing; i++) {
        /* A value of 0 would disarm. */
        int64_t ns = MAX(next_deadline(i), 1);
        struct itimerspec spec = {
            .it_value = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S},
        };

        if (ns < timer_fds[i].armed_ns) {
            timerfd_settime(timer_fds[i].fd, TFD_TIMER_ABSTIME, &spec, NULL);
            timer_fds[i].armed_ns = ns;
        }
    }
}

static void list_insert(Timer **list, Timer *timer)
{
    while (*list && (*list)->expire_ns <= timer->expire_ns) {
        list = &(*list)->next;
    }
    timer->next = *list;
    *list = timer;
}

static bool list_remove(Timer **list, Timer *timer)
{
    for (; *list; list = &(*list)->next) {
        if (*list == timer) {
            *list = timer->next;
            timer->next = NULL;
            return true;
        }
    }
    return false;
}

/*
 * Runs what has expired by @now_ns. The timers are set aside first: one that
 * re-arms itself for the past waits for the next round of the main loop.
 */
static void run_expired(ClockType type, int64_t now_ns)
{
    Timer **end = &due;

    while (*end) {
        end = &(*end)->next;
    }
    *end = pending[type];
    while (*end && (*end)->expire_ns <= now_ns) {
        end = &(*end)->next;
    }
    pending[type] = *end;
    *end = NULL;
    while (due) {
        Timer *timer = due;

        due = timer->next;
        timer->next = NULL;
        timer->expire_ns = -1;
        timer->fn(timer->opaque);
    }
}

static void fire(void *opaque)
{
    TimerFd *timer_fd = opaque;
    uint64_t expirations;
    bool virtual_runs;

    /* Nothing to read: it was re-armed between poll and here. */
    if (read(timer_fd->fd, &expirations, sizeof(expirations)) < 0) {
        return;
    }
    timer_fd->armed_ns = NEVER;
    mutex_lock(&virtual.lock);
    virtual_runs = virtual.running;
    mutex_unlock(&virtual.lock);
    firing = true;
    run_expired(CLOCK_REAL, clock_get_ns(CLOCK_REAL));
    run_expired(CLOCK_HOST, clock_get_ns(CLOCK_HOST));
    if (virtual_runs) {
        run_expired(CLOCK_VIRTUAL, clock_get_ns(CLOCK_VIRTUAL));
    }
    firing = false;
    arm();
}

bool timers_init(Error **errp)
{
    for (size_t i = 0; i < FD_CLOCKS; i++) {
        TimerFd *timer_fd = &timer_fds[i];

        timer_fd->fd = timerfd_create(fd_clocks[i], TFD_NONBLOCK | TFD_CLOEXEC);
        if (timer_fd->fd < 0) {
            error_setg_errno(errp, errno, "cannot create a timerfd");
            timers_finish();
            return false;
        }
        timer_fd->armed_ns = NEVER;
        main_loop_set_fd(timer_fd->fd, fire, NULL, timer_fd);
    }
    return true;
}

void timers_finish(void)
{
    g_assert(!due);
    for (int type = 0; type < CLOCK_TYPES; type++) {
        g_assert(!pending[type]);
    }
    for (size_t i = 0; i < FD_CLOCKS; i++) {
        if (timer_fds[i].fd >= 0) {
            main_loop_set_fd(timer_fds[i].fd, NULL, NULL, NULL);
            fd_close(&timer_fds[i].fd);
        }
    }
}

/* Starts or stops; the reading is the same before and after. */
static void virtual_set_running(bool running)
{
    g_assert(machine_locked());
    mutex_lock(&virtual.lock);
    if (virtual.running != running) {
        virtual.ns = virtual_ns_locked();
        virtual.start_ns = host_ns(CLOCK_MONOTONIC);
        virtual.running = running;
    }
    mutex_unlock(&virtual.lock);
    arm();
}

void clock_virtual_start(void)
{
    virtual_set_running(true);
}

void clock_virtual_stop(void)
{
    virtual_set_running(false);
}

void clock_virtual_set_manual(void)
{
    MUTEX_GUARD(&virtual.lock);

    g_assert(machine_locked());
    virtual.ns = virtual_ns_locked();
    virtual.manual = true;
}

static void virtual_move(int64_t ns)
{
    MUTEX_GUARD(&virtual.lock);

    g_assert(virtual.manual);
    virtual.ns = MAX(virtual.ns, ns);
}

void clock_virtual_advance_to(int64_t ns)
{
    int64_t next_ns;

    g_assert(machine_locked());
    while ((next_ns = clock_virtual_deadline_ns()) >= 0 && next_ns <= ns) {
        virtual_move(next_ns);
        run_expired(CLOCK_VIRTUAL, next_ns);
    }
    virtual_move(ns);
}

int64_t clock_virtual_deadline_ns(void)
{
    g_assert(machine_locked());
    return pending[CLOCK_VIRTUAL] ? pending[CLOCK_VIRTUAL]->expire_ns : -1;
}

void timer_init(Timer *timer, ClockType type, void (*fn)(void *opaque),
                void *opaque)
{
    *timer = (Timer){
        .type = type,
        .expire_ns = -1,
        .fn = fn,
        .opaque = opaque,
    };
}

void timer_finish(Timer *timer)
{
    timer_del(timer);
    *timer = (Timer){0};
}

void timer_mod_ns(Timer *timer, int64_t expire_ns)
{
    g_assert(machine_locked() && timer->fn);
    timer_del(timer);
    timer->expire_ns = MAX(expire_ns, 0);
    list_insert(&pending[timer->type], timer);
    arm();
}

void timer_del(Timer *timer)
{
    if (timer_pending(timer)) {
        bool found = list_remove(&pending[timer->type], timer) ||
                     list_remove(&due, timer);

        g_assert(machine_locked() && found);
        timer->expire_ns = -1;
    }
}

bool timer_pending(const Timer *timer)
{
    return timer->fn && timer->expire_ns >= 0;
}
