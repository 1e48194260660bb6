/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a server is lost and found again. Lost is when the connection breaks,
 * whichever thread sees it; the main thread then takes the connection away
 * from everybody and tells the device. Every reconnect-ms an attempt is made
 * in a thread of its own, and what it comes back with is put to use here.
 *
 * What would surprise: the server of an attempt may be gone again by the time
 * that the main thread hears of it, or be another device; then the next
 * attempt follows, and nothing was ever said to the device's client.
 */

#include "host-user.h"
#include "trace.h"
#include "util/log.h"
#include "util/main-loop.h"

static void user_reconnect_wait(VFIOHostUser *user)
{
    timer_mod_ns(&user->timer,
                 clock_get_ns(CLOCK_REAL) + user->reconnect_ms * NS_PER_MS);
}

static void user_reconnect_set_state(VFIOHostUser *user, VFIOUserState state)
{
    *user->state = state;
    trace_vfio_user_state(user->parent.name, vfio_user_state_names[state]);
}

/* Takes @err. A server that is not there is nothing to talk about. */
static void user_reconnect_failed(VFIOHostUser *user, Error *err, bool gone)
{
    trace_vfio_user_try(user->parent.name, error_get_pretty(err));
    if (gone || user->told) {
        error_free(err);
    } else {
        user->told = true;
        error_append(&err, "; the server is back and cannot be used, so it "
                           "will be tried again");
        warn_report_err(err);
    }
    user_reconnect_wait(user);
}

/*
 * The device gets its connection, and may find that it is none for it. *@gone:
 * it broke meanwhile, as any may.
 */
static bool user_reconnect_use(VFIOHostUser *user, UserLink *link, bool *gone,
                               Error **errp)
{
    const VFIOHostClient *client = user->parent.client;

    if (!host_user_check(user, link->device, errp)) {
        error_prepend(errp, "vfio %s: ", user->parent.name);
        user_link_finish(link);
        return false;
    }
    host_user_attach(user, link);
    if (client && !client->back(user->parent.client_opaque, errp)) {
        *gone = user_conn_broken(atomic_load(&user->conn));
        atomic_store(&user->parent.lost, true);
        host_user_detach(user);
        return false;
    }
    return true;
}

static void user_reconnect_done(void *opaque)
{
    VFIOHostUser *user = opaque;
    UserLink link;
    bool gone = false;
    Error *err = NULL;

    if (!user_attempt_take(&user->attempt, &link, &err)) {
        user_reconnect_failed(user, err, true);
    } else if (!user_reconnect_use(user, &link, &gone, &err)) {
        user_reconnect_failed(user, err, gone);
    } else {
        user->told = false;
        user_reconnect_set_state(user, VFIO_USER_CONNECTED);
        info_report("vfio %s: the server is back", user->parent.name);
    }
}

static void user_reconnect_on_timer(void *opaque)
{
    VFIOHostUser *user = opaque;
    Error *err = NULL;

    if (!user_attempt_start(&user->attempt, &user->target, user_reconnect_done,
                            &err)) {
        user_reconnect_failed(user, err, true);
    }
}

static void user_reconnect_on_broken(void *opaque)
{
    VFIOHostUser *user = opaque;
    const VFIOHostClient *client = user->parent.client;
    UserConn *conn = atomic_load(&user->conn);
    Error *err = NULL;

    /* One that was never in use, or is not any more. */
    if (!conn || !user_conn_broken(conn)) {
        return;
    }
    error_setg(&err, "vfio %s: %s", user->parent.name, user_conn_reason(conn));
    trace_vfio_user_lost(user->parent.name, user_conn_reason(conn));
    host_user_detach(user);
    if (user->reconnect_ms > 0) {
        error_append(&err, "; trying to reconnect, and until then the device "
                           "reads as ones");
        user_reconnect_set_state(user, VFIO_USER_RECONNECTING);
        user_reconnect_wait(user);
    } else {
        error_append(&err, "; from now on the device reads as ones");
        user_reconnect_set_state(user, VFIO_USER_LOST);
    }
    if (client) {
        client->lost(user->parent.client_opaque, err);
    } else {
        error_report_err(err);
    }
}

void user_reconnect_broken(void *opaque)
{
    VFIOHostUser *user = opaque;

    atomic_store(&user->parent.lost, true);
    main_loop_schedule(user_reconnect_on_broken, opaque);
}

void user_reconnect_init(VFIOHostUser *user)
{
    timer_init(&user->timer, CLOCK_REAL, user_reconnect_on_timer, user);
}

void user_reconnect_finish(VFIOHostUser *user)
{
    user_attempt_cancel(&user->attempt);
    main_loop_cancel(user);
    timer_finish(&user->timer);
}
