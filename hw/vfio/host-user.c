/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VFIOHost behind a socket: each call is a message of the vfio-user protocol,
 * and what comes back is checked as the foreign input that it is. What the
 * device is was asked for when it was connected, and is not asked again.
 *
 * What would surprise: a server may go at any moment. Accesses of vCPUs hold
 * no lock, so they count themselves in while they use the connection; the main
 * thread takes it away and waits for the last of them, which a broken
 * connection sends back at once.
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "host-user.h"
#include "trace.h"
#include "util/container-of.h"
#include "util/log.h"

const char *const vfio_user_state_names[] = {
    [VFIO_USER_CONNECTED] = "connected",
    [VFIO_USER_RECONNECTING] = "reconnecting",
    [VFIO_USER_LOST] = "lost",
    NULL,
};

/* ---- the connection, as long as there is one ---- */

void host_user_leave(VFIOHostUser *user)
{
    atomic_fetch_sub(&user->users, 1);
}

UserConn *host_user_enter(VFIOHostUser *user)
{
    UserConn *conn;

    /* Without it nobody counts, or a lost device's guest would keep at it. */
    if (!atomic_load(&user->conn)) {
        return NULL;
    }
    atomic_fetch_add(&user->users, 1);
    conn = atomic_load(&user->conn);
    if (!conn) {
        host_user_leave(user);
    }
    return conn;
}

void host_user_attach(VFIOHostUser *user, UserLink *link)
{
    const UserCaps *caps = user_conn_caps(link->conn);

    user_close_fds((const int *)user->io_fds->data, user->io_fds->len);
    g_array_set_size(user->io_fds, 0);
    user_device_free(user->device);
    user->device = g_steal_pointer(&link->device);
    trace_vfio_user_connect(user->parent.name, user->target.socket, caps->minor,
                            caps->twin_socket, caps->write_multiple);
    user_conn_watch(link->conn, true);
    atomic_store(&user->parent.lost, false);
    atomic_store(&user->conn, g_steal_pointer(&link->conn));
}

void host_user_detach(VFIOHostUser *user)
{
    UserConn *conn = atomic_exchange(&user->conn, NULL);

    if (!conn) {
        return;
    }
    user_conn_watch(conn, false);
    if (atomic_load(&user->users) > 0) {
        user_conn_break(conn, "not used any more");
    }
    while (atomic_load(&user->users) > 0) {
        g_usleep(20);
    }
    user_conn_free(conn);
    user_post_drop(&user->post);
    user_dma_clear(&user->dma);
}

int host_user_result(VFIOHostUser *user, int ret)
{
    /* Another thread may not have told yet. */
    if (ret == -ENOTCONN) {
        atomic_store(&user->parent.lost, true);
    }
    return ret;
}

int host_user_call(VFIOHostUser *user, UserRequest *req, size_t least)
{
    UserConn *conn = host_user_enter(user);
    int ret;

    if (!conn) {
        return -ENOTCONN;
    }
    if (user->posted_writes) {
        user_post_flush(&user->post, conn);
    }
    if (req->num_fds > user_conn_caps(conn)->max_msg_fds) {
        ret = -EMFILE;
    } else {
        ret = host_user_result(user, user_ask(conn, req, least));
    }
    host_user_leave(user);
    return ret;
}

static int host_user_post(VFIOHostUser *user, const UserRequest *req)
{
    UserConn *conn = host_user_enter(user);
    int ret;

    if (!conn) {
        return -ENOTCONN;
    }
    if (user->posted_writes) {
        user_post_flush(&user->post, conn);
    }
    ret = host_user_result(user, user_conn_post(conn, req));
    host_user_leave(user);
    return ret;
}

void host_user_break(VFIOHostUser *user, const char *reason)
{
    UserConn *conn = host_user_enter(user);

    if (conn) {
        user_conn_break(conn, "%s", reason);
        host_user_leave(user);
    }
}

/* Some writes have waited long enough. */
static void host_user_post_due(void *opaque)
{
    VFIOHostUser *user = container_of(opaque, VFIOHostUser, post);
    UserConn *conn = host_user_enter(user);

    user_post_due(&user->post, conn);
    if (conn) {
        host_user_leave(user);
    }
}

/* The server's own access to memory; any thread. */
static int host_user_dma(void *opaque, bool write, uint64_t iova, void *buf,
                         uint64_t size)
{
    VFIOHostUser *user = opaque;
    int ret = user_dma_access(&user->dma, write, iova, buf, size);

    trace_vfio_user_dma(user->parent.name, write, iova, size, ret);
    return ret;
}

static const UserConnClient host_user_conn_client = {
    .dma = host_user_dma,
    .broken = user_reconnect_broken,
};

/* ---- what the device is ---- */

static int host_user_get_info(VFIOHost *host, VFIODeviceInfo *info)
{
    *info = to_user(host)->device->info;
    return 0;
}

static int host_user_get_region(VFIOHost *host, unsigned index,
                                VFIORegionInfo *info)
{
    const VFIORegionInfo *from = &to_user(host)->device->regions[index].info;

    *info = *from;
    info->maps = g_memdup2(from->maps, from->num_maps * sizeof(*from->maps));
    return 0;
}

static int host_user_get_irq(VFIOHost *host, unsigned index, VFIOIrqInfo *info)
{
    *info = to_user(host)->device->irqs[index];
    return 0;
}

static const VFIOHostNode *host_user_get_node(VFIOHost *host)
{
    return to_user(host)->node;
}

static int host_user_get_ioeventfds(VFIOHost *host, unsigned index,
                                    VFIOIoEventFd **fds, unsigned *n)
{
    VFIOHostUser *user = to_user(host);
    g_autoptr(GArray) found = g_array_new(false, false, sizeof(VFIOIoEventFd));
    UserConn *conn;
    int ret = 0;

    *fds = NULL;
    *n = 0;
    conn = host_user_enter(user);
    if (!conn) {
        return -ENOTCONN;
    }
    /* An eventfd would overtake what was posted before. */
    if (!user->posted_writes) {
        ret = user_io_fds_read(conn, host->name, index,
                               user->device->regions[index].info.size, found,
                               user->io_fds);
    }
    host_user_result(user, ret);
    host_user_leave(user);
    if (ret < 0) {
        return ret;
    }
    *n = found->len;
    *fds = (VFIOIoEventFd *)g_array_free(g_steal_pointer(&found), false);
    return 0;
}

/* ---- lines and reset ---- */

typedef struct UserIrqEncoding {
    uint32_t flags;
    uint32_t count;
} UserIrqEncoding;

/*
 * No eventfd for unmasking: the specification has the server write it, the
 * kernel's meaning is the other way round. TRIGGER_OFF is an EVENTFD without
 * one.
 */
static const UserIrqEncoding irq_encodings[] = {
    [VFIO_IRQ_PROBE] = {VFIO_USER_IRQ_DATA_NONE | VFIO_USER_IRQ_ACTION_TRIGGER,
                        0},
    [VFIO_IRQ_TRIGGER_FD] = {VFIO_USER_IRQ_DATA_EVENTFD |
                                 VFIO_USER_IRQ_ACTION_TRIGGER,
                             1},
    [VFIO_IRQ_TRIGGER_OFF] = {VFIO_USER_IRQ_DATA_EVENTFD |
                                  VFIO_USER_IRQ_ACTION_TRIGGER,
                              1},
    [VFIO_IRQ_UNMASK_NOW] = {VFIO_USER_IRQ_DATA_NONE |
                                 VFIO_USER_IRQ_ACTION_UNMASK,
                             1},
    [VFIO_IRQ_UNMASK_FD] = {0},
    [VFIO_IRQ_UNMASK_OFF] = {0},
};

static int host_user_set_irq(VFIOHost *host, unsigned index,
                             VFIOIrqAction action, int fd)
{
    const UserIrqEncoding *encoding = &irq_encodings[action];
    VFIOUserIrqSet set = {
        .argsz = sizeof(set),
        .flags = encoding->flags,
        .index = index,
        .count = encoding->count,
    };
    UserRequest req = {
        .command = VFIO_USER_DEVICE_SET_IRQS,
        .head = &set,
        .head_size = sizeof(set),
        .fds = &fd,
        .num_fds = action == VFIO_IRQ_TRIGGER_FD ? 1 : 0,
    };

    if (encoding->flags == 0) {
        return -EOPNOTSUPP;
    }
    /* The guest's EOI: nobody waits for what the server says to it. */
    return action == VFIO_IRQ_UNMASK_NOW
               ? host_user_post(to_user(host), &req)
               : host_user_call(to_user(host), &req, 0);
}

static int host_user_reset(VFIOHost *host)
{
    UserRequest req = {.command = VFIO_USER_DEVICE_RESET};

    return host_user_call(to_user(host), &req, 0);
}

/* ---- DMA ---- */

/* What the server said that it takes. */
static int host_user_check_map(UserConn *conn, const VFIODmaMap *map)
{
    uint64_t pgsizes = user_conn_caps(conn)->pgsizes;
    uint64_t smallest = pgsizes & -pgsizes;

    return (map->iova | map->size) & (smallest - 1) ? -EINVAL : 0;
}

static int host_user_send_map(VFIOHostUser *user, UserConn *conn,
                              const VFIODmaMap *map)
{
    bool share = user->share_dma && map->fd >= 0 &&
                 user_conn_caps(conn)->max_msg_fds > 0;
    VFIOUserDmaMap head = {
        .argsz = sizeof(head),
        .flags =
            VFIO_USER_DMA_F_READ | (map->readonly ? 0 : VFIO_USER_DMA_F_WRITE),
        .fd_offset = share ? map->fd_offset : 0,
        .iova = map->iova,
        .size = map->size,
    };
    UserRequest req = {
        .command = VFIO_USER_DMA_MAP,
        .head = &head,
        .head_size = sizeof(head),
        .fds = &map->fd,
        .num_fds = share ? 1 : 0,
    };

    return host_user_call(user, &req, 0);
}

static int host_user_dma_map(VFIOHost *host, const VFIODmaMap *map)
{
    VFIOHostUser *user = to_user(host);
    UserConn *conn = host_user_enter(user);
    int ret;

    if (!conn) {
        return -ENOTCONN;
    }
    ret = host_user_check_map(conn, map);
    if (ret == 0) {
        ret = user_dma_add(&user->dma, map, user_conn_caps(conn)->max_dma_maps);
    }
    if (ret == 0) {
        ret = host_user_send_map(user, conn, map);
        if (ret < 0) {
            user_dma_remove(&user->dma, map->iova, map->size);
        }
    }
    host_user_leave(user);
    return ret;
}

static int host_user_dma_unmap(VFIOHost *host, uint64_t iova, uint64_t size)
{
    VFIOHostUser *user = to_user(host);
    VFIOUserDmaUnmap head = {
        .argsz = sizeof(head),
        .iova = iova,
        .size = size,
    };
    VFIOUserDmaUnmap reply;
    UserRequest req = {
        .command = VFIO_USER_DMA_UNMAP,
        .head = &head,
        .head_size = sizeof(head),
        .reply = &reply,
        .reply_size = sizeof(reply),
    };
    int ret = host_user_call(user, &req, 0);

    /* Until it has answered it may still use it; afterwards it is gone. */
    user_dma_remove(&user->dma, iova, size);
    /* A reply without a payload comes from libvfio-user. */
    if (ret == 0 && req.reply_size > 0 &&
        (req.reply_size != sizeof(reply) || reply.iova != iova ||
         reply.size != size)) {
        host_user_break(user, "the reply to DMA_UNMAP is about other memory");
        ret = -ENOTCONN;
    }
    return ret;
}

/* ---- life ---- */

/* Copes with half of an open. */
static void host_user_close(VFIOHost *host)
{
    VFIOHostUser *user = to_user(host);
    UserConn *conn = host_user_enter(user);

    if (conn) {
        user_post_flush(&user->post, conn);
        host_user_leave(user);
    }
    host_user_detach(user);
    user_reconnect_finish(user);
    user_post_finish(&user->post);
    user_dma_finish(&user->dma);
    user_close_fds((const int *)user->io_fds->data, user->io_fds->len);
    g_array_unref(user->io_fds);
    user_device_free(user->device);
    g_free(user->target.socket);
    g_free(host->name);
    g_free(user);
}

static const VFIOHostOps host_user_ops = {
    .get_info = host_user_get_info,
    .get_region = host_user_get_region,
    .get_irq = host_user_get_irq,
    .set_irq = host_user_set_irq,
    .region_read = user_region_read,
    .region_write = user_region_write,
    .region_map = user_region_map,
    .region_unmap = user_region_unmap,
    .reset = host_user_reset,
    .dma_map = host_user_dma_map,
    .dma_unmap = host_user_dma_unmap,
    .get_node = host_user_get_node,
    .get_ioeventfds = host_user_get_ioeventfds,
    .close = host_user_close,
    .access8 = true,
};

bool host_user_check(const VFIOHostUser *user, const UserDevice *device,
                     Error **errp)
{
    for (unsigned i = 0; user->posted_writes && i < device->info.num_regions;
         i++) {
        if (device->regions[i].info.num_maps > 0) {
            error_setg(errp,
                       "x-posted-writes=on: region %u can be mapped, and a "
                       "mapped access would overtake a posted write; try: "
                       "x-no-mmap=on",
                       i);
            return false;
        }
    }
    return true;
}

/* One line, however many regions there are. */
static void host_user_warn(const VFIOHostUser *user)
{
    const UserDevice *device = user->device;
    g_autoptr(GString) line = g_string_new(NULL);
    unsigned more = 0;

    for (unsigned i = 0; i < device->info.num_regions; i++) {
        const char *why = device->regions[i].unmapped;

        if (why && line->len == 0) {
            g_string_printf(line,
                            "vfio %s: region %u: trapped, though the server "
                            "offers to map it: %s",
                            user->parent.name, i, why);
        } else if (why) {
            more++;
        }
    }
    if (more > 0) {
        g_string_append_printf(line, "; %u more regions are trapped", more);
    }
    if (line->len > 0) {
        warn_report("%s", line->str);
    }
}

static VFIOHostUser *host_user_new(const VFIOUserConfig *config, int *state)
{
    VFIOHostUser *user = g_new0(VFIOHostUser, 1);

    user->parent.ops = &host_user_ops;
    user->parent.name = g_strdup(config->name);
    user->target = (UserTarget){
        .socket = g_strdup(config->socket),
        .timeout_ms = config->timeout_ms,
        .no_mmap = config->no_mmap,
        .client = &host_user_conn_client,
        .opaque = user,
    };
    user->reconnect_ms = config->reconnect_ms;
    user->share_dma = config->share_dma;
    user->posted_writes = config->posted_writes;
    user->node = config->node;
    user->state = state;
    user->io_fds = g_array_new(false, false, sizeof(int));
    user_dma_init(&user->dma);
    user_post_init(&user->post, user->parent.name, host_user_post_due);
    user_reconnect_init(user);
    return user;
}

VFIOHost *vfio_host_user_open(const VFIOUserConfig *config, int *state,
                              Error **errp)
{
    VFIOHostUser *user = host_user_new(config, state);
    UserLink link;

    if (!user_connect(&user->target, &link, errp) ||
        !host_user_check(user, link.device, errp)) {
        error_prepend(errp, "vfio-user: %s: ", config->socket);
        user_link_finish(&link);
        host_user_close(&user->parent);
        return NULL;
    }
    host_user_attach(user, &link);
    host_user_warn(user);
    *state = VFIO_USER_CONNECTED;
    return &user->parent;
}
