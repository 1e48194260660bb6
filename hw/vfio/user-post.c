/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes to registers that nobody waits for. A server that knows
 * REGION_WRITE_MULTI gets a message full of them at a time; another one gets a
 * message each.
 *
 * What would surprise: messages are sent with the lock held, so that writes of
 * two threads stay in the order in which they were taken. Whoever asks the
 * server for anything else has to flush before.
 */

#include <errno.h>
#include <string.h>

#include "host-user.h"
#include "trace.h"
#include "util/main-loop.h"

void user_post_init(UserPost *post, const char *name,
                    void (*flush)(void *opaque))
{
    mutex_init(&post->lock);
    post->name = name;
    post->flush = flush;
}

void user_post_finish(UserPost *post)
{
    main_loop_cancel(post);
    mutex_finish(&post->lock);
}

/* How many the server takes in a message; 0: it knows no such message. */
static unsigned user_post_max(UserConn *conn)
{
    const UserCaps *caps = user_conn_caps(conn);
    uint64_t max = caps->max_data_xfer_size / sizeof(VFIOUserWrite);

    return caps->write_multiple ? MIN(max, USER_POST_MAX) : 0;
}

static int user_post_one(UserConn *conn, const VFIOUserWrite *write)
{
    VFIOUserRegionAccess head = {
        .offset = write->offset,
        .region = write->region,
        .count = write->count,
    };
    UserRequest req = {
        .command = VFIO_USER_REGION_WRITE,
        .head = &head,
        .head_size = sizeof(head),
        .data = write->data,
        .data_size = write->count,
    };

    return user_conn_post(conn, &req);
}

static int user_post_flush_locked(UserPost *post, UserConn *conn)
{
    VFIOUserWriteMulti head = {.count = post->n};
    UserRequest req = {
        .command = VFIO_USER_REGION_WRITE_MULTI,
        .head = &head,
        .head_size = sizeof(head),
        .data = post->writes,
        .data_size = post->n * sizeof(post->writes[0]),
    };
    int ret;

    if (post->n == 0) {
        return 0;
    }
    ret = user_conn_post(conn, &req);
    trace_vfio_user_post(post->name, post->n, ret);
    post->n = 0;
    return ret;
}

int user_post_write(UserPost *post, UserConn *conn, const VFIOUserWrite *write)
{
    unsigned max = user_post_max(conn);

    MUTEX_GUARD(&post->lock);
    if (max == 0) {
        return user_post_one(conn, write);
    }
    post->writes[post->n++] = *write;
    if (post->n >= max) {
        return user_post_flush_locked(post, conn);
    }
    if (!post->scheduled) {
        post->scheduled = true;
        main_loop_schedule(post->flush, post);
    }
    return 0;
}

int user_post_flush(UserPost *post, UserConn *conn)
{
    MUTEX_GUARD(&post->lock);
    return user_post_flush_locked(post, conn);
}

void user_post_due(UserPost *post, UserConn *conn)
{
    MUTEX_GUARD(&post->lock);
    post->scheduled = false;
    if (conn) {
        user_post_flush_locked(post, conn);
    }
}

void user_post_drop(UserPost *post)
{
    MUTEX_GUARD(&post->lock);
    post->n = 0;
}
