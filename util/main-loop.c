/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main loop on the default GMainContext. One GSource per descriptor; the
 * context's poll function is ours and is the only place that gives up the
 * machine lock, so all that GLib does for us happens under that lock. Calls
 * from other threads go through a list with a lock of its own and an eventfd,
 * not through GLib's idle sources, whose locks ThreadSanitizer cannot see.
 */

#include <errno.h>
#include <poll.h>

#include "util/event-notifier.h"
#include "util/lock.h"
#include "util/main-loop.h"
#include "util/timer.h"

typedef struct FdHandler {
    GSource source;
    gpointer tag;
    GIOCondition events;
    int fd;
    MainLoopFdFn on_read;
    MainLoopFdFn on_write;
    void *opaque;
    struct FdHandler *next;
} FdHandler;

typedef struct Call {
    void (*fn)(void *opaque);
    void *opaque;
    struct Call *next;
} Call;

static Mutex machine_mutex = MUTEX_INITIALIZER;
static __thread bool holds_machine_lock;

static GMainContext *context;
static FdHandler *handlers;

static Mutex calls_lock = MUTEX_INITIALIZER;
static Call *calls;
static EventNotifier wake_notifier;

void machine_lock(void)
{
    g_assert(!holds_machine_lock);
    mutex_lock(&machine_mutex);
    holds_machine_lock = true;
}

void machine_unlock(void)
{
    g_assert(holds_machine_lock);
    holds_machine_lock = false;
    mutex_unlock(&machine_mutex);
}

bool machine_locked(void)
{
    return holds_machine_lock;
}

static gint poll_unlocked(GPollFD *fds, guint count, gint timeout_ms)
{
    int saved_errno;
    int n;

    /* GLib promises that GPollFD is laid out as the system's pollfd. */
    G_STATIC_ASSERT(sizeof(GPollFD) == sizeof(struct pollfd));
    machine_unlock();
    n = poll((struct pollfd *)fds, count, timeout_ms);
    saved_errno = errno;
    machine_lock();
    errno = saved_errno;
    return n;
}

static gboolean fd_dispatch(GSource *source, GSourceFunc unused, gpointer data)
{
    FdHandler *handler = (FdHandler *)source;
    GIOCondition ready = g_source_query_unix_fd(source, handler->tag);
    bool failed = ready & (G_IO_HUP | G_IO_ERR);

    /* Somebody closed the descriptor before removing it. */
    g_assert(!(ready & G_IO_NVAL));
    if (handler->on_read && ((ready & G_IO_IN) || failed)) {
        handler->on_read(handler->opaque);
        failed = false;
    }
    /* The first call may have removed or replaced the second. */
    if (!g_source_is_destroyed(source) && handler->on_write &&
        ((ready & G_IO_OUT) || failed)) {
        handler->on_write(handler->opaque);
    }
    return G_SOURCE_CONTINUE;
}

static FdHandler *fd_handler_new(int fd)
{
    static GSourceFuncs funcs = {.dispatch = fd_dispatch};
    FdHandler *handler = (FdHandler *)g_source_new(&funcs, sizeof(FdHandler));

    handler->fd = fd;
    handler->next = handlers;
    handlers = handler;
    return handler;
}

/* GLib wakes its poll for every change, so it hears of real ones only. */
static void fd_handler_watch(FdHandler *handler, GIOCondition events)
{
    if (!handler->tag) {
        handler->tag =
            g_source_add_unix_fd(&handler->source, handler->fd, events);
        g_source_attach(&handler->source, context);
    } else if (handler->events != events) {
        g_source_modify_unix_fd(&handler->source, handler->tag, events);
    }
    handler->events = events;
}

static void fd_handler_free(FdHandler **link)
{
    FdHandler *handler = *link;

    *link = handler->next;
    g_source_destroy(&handler->source);
    g_source_unref(&handler->source);
}

/* Both NULL removes. */
static void set_handler(int fd, MainLoopFdFn on_read, MainLoopFdFn on_write,
                        GIOCondition events, void *opaque)
{
    FdHandler **link = &handlers;
    FdHandler *handler;

    g_assert(machine_locked() && context);
    while (*link && (*link)->fd != fd) {
        link = &(*link)->next;
    }
    if (!on_read && !on_write) {
        if (*link) {
            fd_handler_free(link);
        }
        return;
    }
    handler = *link ? *link : fd_handler_new(fd);
    handler->on_read = on_read;
    handler->on_write = on_write;
    handler->opaque = opaque;
    fd_handler_watch(handler, events);
}

void main_loop_set_fd(int fd, MainLoopFdFn on_read, MainLoopFdFn on_write,
                      void *opaque)
{
    set_handler(fd, on_read, on_write,
                (on_read ? G_IO_IN : 0) | (on_write ? G_IO_OUT : 0), opaque);
}

/* The kernel reports these two unasked; GLib wants to be asked for something
 * and does not hand them on to the kernel. */
void main_loop_set_hang_up(int fd, MainLoopFdFn on_hang_up, void *opaque)
{
    set_handler(fd, on_hang_up, NULL, G_IO_HUP | G_IO_ERR, opaque);
}

void main_loop_wake(void)
{
    int saved_errno = errno;

    /* A signal may come before the loop is there, or after. */
    if (event_notifier_get_fd(&wake_notifier) >= 0) {
        event_notifier_set(&wake_notifier);
    }
    errno = saved_errno;
}

void main_loop_schedule(void (*fn)(void *opaque), void *opaque)
{
    Call *call = g_new(Call, 1);
    Call **end = &calls;

    *call = (Call){.fn = fn, .opaque = opaque};
    mutex_lock(&calls_lock);
    while (*end) {
        end = &(*end)->next;
    }
    *end = call;
    mutex_unlock(&calls_lock);
    main_loop_wake();
}

static unsigned count_calls(void)
{
    MUTEX_GUARD(&calls_lock);
    unsigned count = 0;

    for (const Call *call = calls; call; call = call->next) {
        count++;
    }
    return count;
}

static Call *take_call(void)
{
    MUTEX_GUARD(&calls_lock);
    Call *call = calls;

    if (call) {
        calls = call->next;
    }
    return call;
}

/*
 * A call that schedules another one waits for the next round, for which it has
 * set the notifier again.
 */
static void run_calls(void *opaque)
{
    event_notifier_test_and_clear(&wake_notifier);
    for (unsigned count = count_calls(); count > 0; count--) {
        g_autofree Call *call = take_call();

        if (!call) {
            return;
        }
        call->fn(call->opaque);
    }
}

void main_loop_cancel(void *opaque)
{
    MUTEX_GUARD(&calls_lock);
    Call **link = &calls;

    g_assert(machine_locked());
    while (*link) {
        Call *call = *link;

        if (call->opaque == opaque) {
            *link = call->next;
            g_free(call);
        } else {
            link = &call->next;
        }
    }
}

bool main_loop_init(Error **errp)
{
    g_assert(!context);
    if (!event_notifier_init(&wake_notifier, errp)) {
        return false;
    }
    machine_lock();
    context = g_main_context_default();
    g_main_context_set_poll_func(context, poll_unlocked);
    main_loop_set_fd(event_notifier_get_fd(&wake_notifier), run_calls, NULL,
                     NULL);
    if (!timers_init(errp)) {
        main_loop_finish();
        return false;
    }
    return true;
}

void main_loop_finish(void)
{
    timers_finish();
    main_loop_set_fd(event_notifier_get_fd(&wake_notifier), NULL, NULL, NULL);
    g_assert(!handlers);
    g_assert(count_calls() == 0);
    g_main_context_set_poll_func(context, NULL);
    context = NULL;
    event_notifier_finish(&wake_notifier);
    machine_unlock();
}

void main_loop_iterate(bool may_block)
{
    g_assert(machine_locked());
    g_main_context_iteration(context, may_block);
}
