/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vfio-user server that does what its test says, and what the protocol says
 * where the test says nothing. One thread accepts, reads and answers; what the
 * test's own thread may ask of it meanwhile is behind the lock.
 */

#include <errno.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "user-peer.h"

UserServer *user_server_new(const UserDeviceDesc *desc)
{
    UserServer *server = g_new0(UserServer, 1);
    pthread_condattr_t monotonic;

    server->desc = *desc;
    server->listener = -1;
    pthread_mutex_init(&server->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&server->cond, &monotonic);
    pthread_condattr_destroy(&monotonic);
    server->maps = g_array_new(false, false, sizeof(UserDmaMap));
    server->irq_fds = g_new(int, desc->num_irqs + 1);
    memset(server->irq_fds, -1, sizeof(int) * (desc->num_irqs + 1));
    server->mem = g_new0(uint8_t *, desc->num_regions + 1);
    for (unsigned i = 0; i < desc->num_regions; i++) {
        const UserRegionDesc *region = &desc->regions[i];

        if (region->fd <= 0 && region->size <= 1u << 24) {
            server->mem[i] = g_malloc0(region->size + 1);
        }
    }
    g_queue_init(&server->seen);
    g_queue_init(&server->later);
    return server;
}

/* What does not outlive a client. */
static void forget_client(UserServer *server)
{
    for (unsigned i = 0; i < server->desc.num_irqs; i++) {
        if (server->irq_fds[i] >= 0) {
            close(server->irq_fds[i]);
            server->irq_fds[i] = -1;
        }
    }
    for (unsigned i = 0; i < server->maps->len; i++) {
        UserDmaMap *map = &g_array_index(server->maps, UserDmaMap, i);

        if (map->fd >= 0) {
            close(map->fd);
        }
    }
    g_array_set_size(server->maps, 0);
    g_queue_clear_full(&server->later, (GDestroyNotify)user_msg_free);
}

void user_server_free(UserServer *server)
{
    if (!server) {
        return;
    }
    user_server_stop(server);
    for (unsigned i = 0; i < server->desc.num_regions; i++) {
        g_free(server->mem[i]);
    }
    g_free(server->mem);
    g_free(server->irq_fds);
    g_array_free(server->maps, true);
    user_server_forget(server);
    if (server->path) {
        g_autofree char *dir = g_path_get_dirname(server->path);

        g_unlink(server->path);
        if (server->own_dir) {
            g_rmdir(dir);
        }
        g_free(server->path);
    }
    pthread_cond_destroy(&server->cond);
    pthread_mutex_destroy(&server->lock);
    g_free(server);
}

/* ---- answers ---- */

static bool answer_version(UserServer *server, UserMsg *msg)
{
    static const char *const with_twin =
        "{\"capabilities\":{\"twin_socket\":"
        "{\"supported\":true,\"fd_index\":0}}}";
    const UserDeviceDesc *desc = &server->desc;
    const char *json = desc->json ? desc->json : desc->twin ? with_twin : "{}";
    g_autoptr(GByteArray) reply = g_byte_array_new();
    VFIOUserVersion version = {VFIO_USER_MAJOR, desc->minor};
    int fd = -1;

    g_byte_array_append(reply, (uint8_t *)&version, sizeof(version));
    if (json[0]) {
        g_byte_array_append(reply, (const uint8_t *)json, strlen(json) + 1);
    }
    if (desc->twin) {
        user_peer_free(server->twin);
        server->twin = user_peer_pair(&fd);
    }
    user_peer_reply(server->peer, msg, reply->data, reply->len, &fd,
                    desc->twin);
    if (fd >= 0) {
        close(fd);
    }
    return true;
}

static bool answer_info(UserServer *server, UserMsg *msg)
{
    VFIOUserDeviceInfo info = {
        .argsz = sizeof(info),
        .flags = server->desc.flags,
        .num_regions = server->desc.num_regions,
        .num_irqs = server->desc.num_irqs,
    };

    return msg->size == sizeof(info) &&
           user_peer_reply(server->peer, msg, &info, sizeof(info), NULL, 0);
}

static GByteArray *region_caps(const UserRegionDesc *region)
{
    GByteArray *caps = g_byte_array_new();

    if (region->areas) {
        VFIOUserCapSparse sparse = {
            .cap = {.id = VFIO_USER_CAP_SPARSE_MMAP, .version = 1},
            .nr_areas = region->num_areas,
        };

        g_byte_array_append(caps, (uint8_t *)&sparse, sizeof(sparse));
        g_byte_array_append(caps, (const uint8_t *)region->areas,
                            sizeof(VFIOUserArea) * region->num_areas);
    } else if (region->caps) {
        g_byte_array_append(caps, region->caps, region->caps_size);
    }
    return caps;
}

static bool answer_region(UserServer *server, UserMsg *msg)
{
    const VFIOUserRegionInfo *asked = (void *)msg->payload;
    const UserRegionDesc *region;
    g_autoptr(GByteArray) reply = g_byte_array_new();
    g_autoptr(GByteArray) caps = NULL;
    VFIOUserRegionInfo info;

    if (msg->size != sizeof(info) || asked->argsz < sizeof(info) ||
        asked->index >= server->desc.num_regions) {
        return false;
    }
    region = &server->desc.regions[asked->index];
    caps = region_caps(region);
    info = (VFIOUserRegionInfo){
        .argsz = sizeof(info) + caps->len,
        .flags = region->flags | (caps->len ? VFIO_USER_REGION_F_CAPS : 0),
        .index = asked->index,
        .size = region->size,
        .offset = region->offset,
    };
    if (caps->len && asked->argsz >= info.argsz) {
        info.cap_offset = sizeof(info);
    }
    g_byte_array_append(reply, (uint8_t *)&info, sizeof(info));
    if (info.cap_offset) {
        g_byte_array_append(reply, caps->data, caps->len);
    }
    return user_peer_reply(server->peer, msg, reply->data, reply->len,
                           &region->fd, region->fd > 0);
}

static bool answer_io_fds(UserServer *server, UserMsg *msg)
{
    const VFIOUserIoFds *asked = (void *)msg->payload;
    g_autoptr(GByteArray) reply = g_byte_array_new();
    const UserRegionDesc *region;
    VFIOUserIoFds info;
    bool fits;

    if (msg->size != sizeof(info) || asked->argsz < sizeof(info) ||
        asked->index >= server->desc.num_regions) {
        return false;
    }
    region = &server->desc.regions[asked->index];
    info = (VFIOUserIoFds){
        .argsz = sizeof(info) + region->io_fds_size,
        .index = asked->index,
        .count = region->num_io_fds,
    };
    fits = asked->argsz >= info.argsz;
    g_byte_array_append(reply, (uint8_t *)&info, sizeof(info));
    if (fits && region->io_fds_size) {
        g_byte_array_append(reply, region->io_fds, region->io_fds_size);
    }
    return user_peer_reply(server->peer, msg, reply->data, reply->len,
                           region->io_fd_fds, fits ? region->num_io_fd_fds : 0);
}

static bool answer_irq(UserServer *server, UserMsg *msg)
{
    const VFIOUserIrqInfo *asked = (void *)msg->payload;
    VFIOUserIrqInfo info;

    if (msg->size != sizeof(info) || asked->index >= server->desc.num_irqs) {
        return false;
    }
    info = (VFIOUserIrqInfo){
        .argsz = sizeof(info),
        .flags = server->desc.irqs[asked->index].flags,
        .index = asked->index,
        .count = server->desc.irqs[asked->index].count,
    };
    return user_peer_reply(server->peer, msg, &info, sizeof(info), NULL, 0);
}

static bool answer_set_irqs(UserServer *server, UserMsg *msg)
{
    const VFIOUserIrqSet *set = (void *)msg->payload;
    bool trigger, eventfd;

    if (msg->size < sizeof(*set) || set->index >= server->desc.num_irqs) {
        return false;
    }
    trigger = set->flags & VFIO_USER_IRQ_ACTION_TRIGGER;
    eventfd = set->flags & VFIO_USER_IRQ_DATA_EVENTFD;
    if (trigger && (eventfd || !set->count)) {
        int fd = msg->num_fds ? user_msg_take_fd(msg, 0) : -1;
        int old;

        pthread_mutex_lock(&server->lock);
        old = server->irq_fds[set->index];
        server->irq_fds[set->index] = fd;
        pthread_cond_broadcast(&server->cond);
        pthread_mutex_unlock(&server->lock);
        if (old >= 0) {
            close(old);
        }
    }
    return user_peer_reply(server->peer, msg, NULL, 0, NULL, 0);
}

static bool answer_dma_map(UserServer *server, UserMsg *msg)
{
    UserDmaMap map;

    if (msg->size != sizeof(map.map)) {
        return false;
    }
    memcpy(&map.map, msg->payload, sizeof(map.map));
    map.fd = msg->num_fds ? user_msg_take_fd(msg, 0) : -1;
    pthread_mutex_lock(&server->lock);
    g_array_append_val(server->maps, map);
    pthread_cond_broadcast(&server->cond);
    pthread_mutex_unlock(&server->lock);
    return user_peer_reply(server->peer, msg, NULL, 0, NULL, 0);
}

static bool answer_dma_unmap(UserServer *server, UserMsg *msg)
{
    const VFIOUserDmaUnmap *unmap = (void *)msg->payload;
    bool found = false;

    if (msg->size != sizeof(*unmap)) {
        return false;
    }
    pthread_mutex_lock(&server->lock);
    for (unsigned i = 0; i < server->maps->len && !found; i++) {
        UserDmaMap *map = &g_array_index(server->maps, UserDmaMap, i);

        found = map->map.iova == unmap->iova && map->map.size == unmap->size;
        if (found) {
            if (map->fd >= 0) {
                close(map->fd);
            }
            g_array_remove_index(server->maps, i);
        }
    }
    pthread_mutex_unlock(&server->lock);
    return found &&
           user_peer_reply(server->peer, msg, msg->payload, msg->size, NULL, 0);
}

/* Whether [@offset, @offset + @count) is in the region; reads or writes it. */
static bool region_access(UserServer *server,
                          const VFIOUserRegionAccess *access, void *buf,
                          bool write)
{
    const UserRegionDesc *region;

    if (access->region >= server->desc.num_regions) {
        return false;
    }
    region = &server->desc.regions[access->region];
    if (access->offset > region->size ||
        access->count > region->size - access->offset) {
        return false;
    }
    if (region->fd > 0) {
        off_t at = region->offset + access->offset;
        ssize_t n = write ? pwrite(region->fd, buf, access->count, at)
                          : pread(region->fd, buf, access->count, at);

        return n == access->count;
    }
    if (!server->mem[access->region]) {
        return false;
    }
    if (write) {
        memcpy(server->mem[access->region] + access->offset, buf,
               access->count);
    } else {
        memcpy(buf, server->mem[access->region] + access->offset,
               access->count);
    }
    return true;
}

static bool answer_read(UserServer *server, UserMsg *msg)
{
    const VFIOUserRegionAccess *access = (void *)msg->payload;
    g_autofree uint8_t *reply = NULL;

    if (msg->size != sizeof(*access) ||
        access->count > VFIO_USER_DEFAULT_DATA_XFER_SIZE) {
        return false;
    }
    reply = g_malloc(sizeof(*access) + access->count);
    memcpy(reply, access, sizeof(*access));
    return region_access(server, access, reply + sizeof(*access), false) &&
           user_peer_reply(server->peer, msg, reply,
                           sizeof(*access) + access->count, NULL, 0);
}

static bool answer_write(UserServer *server, UserMsg *msg)
{
    const VFIOUserRegionAccess *access = (void *)msg->payload;

    return msg->size >= sizeof(*access) &&
           msg->size - sizeof(*access) == access->count &&
           region_access(server, access, msg->payload + sizeof(*access),
                         true) &&
           user_peer_reply(server->peer, msg, access, sizeof(*access), NULL, 0);
}

static bool answer_write_multi(UserServer *server, UserMsg *msg)
{
    const VFIOUserWriteMulti *multi = (void *)msg->payload;
    VFIOUserWrite *writes = (void *)(msg->payload + sizeof(*multi));

    if (msg->size < sizeof(*multi) ||
        (msg->size - sizeof(*multi)) / sizeof(*writes) != multi->count ||
        (msg->size - sizeof(*multi)) % sizeof(*writes)) {
        return false;
    }
    for (uint64_t i = 0; i < multi->count; i++) {
        VFIOUserRegionAccess access = {writes[i].offset, writes[i].region,
                                       writes[i].count};

        if (access.count > sizeof(writes[i].data) ||
            !region_access(server, &access, writes[i].data, true)) {
            return false;
        }
    }
    return user_peer_reply(server->peer, msg, multi, sizeof(*multi), NULL, 0);
}

static bool answer_reset(UserServer *server, UserMsg *msg)
{
    return !msg->size && user_peer_reply(server->peer, msg, NULL, 0, NULL, 0);
}

void user_server_answer(UserServer *server, UserMsg *msg)
{
    static bool (*const answers[])(UserServer * server, UserMsg * msg) = {
        [VFIO_USER_VERSION] = answer_version,
        [VFIO_USER_DMA_MAP] = answer_dma_map,
        [VFIO_USER_DMA_UNMAP] = answer_dma_unmap,
        [VFIO_USER_DEVICE_GET_INFO] = answer_info,
        [VFIO_USER_DEVICE_GET_REGION_INFO] = answer_region,
        [VFIO_USER_DEVICE_GET_REGION_IO_FDS] = answer_io_fds,
        [VFIO_USER_DEVICE_GET_IRQ_INFO] = answer_irq,
        [VFIO_USER_DEVICE_SET_IRQS] = answer_set_irqs,
        [VFIO_USER_REGION_READ] = answer_read,
        [VFIO_USER_REGION_WRITE] = answer_write,
        [VFIO_USER_REGION_WRITE_MULTI] = answer_write_multi,
        [VFIO_USER_DEVICE_RESET] = answer_reset,
    };
    uint16_t command = msg->head.command;
    unsigned sent = user_peer_sent(server->peer);
    bool quiet = msg->head.flags & VFIO_USER_FLAG_NO_REPLY;
    bool good = command < G_N_ELEMENTS(answers) && answers[command] &&
                answers[command](server, msg);

    /* No reply yet means refused; the peer that has gone gets none either. */
    if (!good && !quiet && user_peer_sent(server->peer) == sent) {
        user_peer_reply_error(server->peer, msg, EINVAL, NULL, 0);
    }
}

/* ---- the thread ---- */

/* A copy of @msg, without descriptors, for the test. */
static void remember(UserServer *server, const UserMsg *msg)
{
    UserMsg *copy = g_new0(UserMsg, 1);

    *copy = *msg;
    copy->fds = NULL;
    copy->num_fds = 0;
    copy->payload = g_memdup2(msg->payload, msg->size + 1);
    pthread_mutex_lock(&server->lock);
    g_queue_push_tail(&server->seen, copy);
    pthread_cond_broadcast(&server->cond);
    pthread_mutex_unlock(&server->lock);
}

/* NULL: the client has gone. A server may wait for ever. */
static UserMsg *next_message(UserServer *server)
{
    struct pollfd pollfd = {user_peer_fd(server->peer), POLLIN, 0};
    UserMsg *msg = g_queue_pop_head(&server->later);

    while (!msg && poll(&pollfd, 1, -1) < 0) {
        g_assert_cmpint(errno, ==, EINTR);
    }
    return msg ? msg : user_peer_receive(server->peer);
}

static void serve_client(UserServer *server)
{
    for (;;) {
        g_autoptr(UserMsg) msg = next_message(server);

        if (!msg) {
            return;
        }
        /* The answer to a command that the test did not wait for. */
        if (msg->head.flags & VFIO_USER_FLAG_TYPE) {
            continue;
        }
        remember(server, msg);
        if (!server->hook || !server->hook(server, msg, server->hook_opaque)) {
            user_server_answer(server, msg);
        }
    }
}

static void set_peer(UserServer *server, UserPeer *peer)
{
    pthread_mutex_lock(&server->lock);
    user_peer_free(server->peer);
    server->peer = peer;
    server->connected = peer;
    if (peer) {
        server->clients++;
        user_peer_set_filter(peer, server->filter, server->filter_opaque);
        if (server->stop) {
            user_peer_hang_up(peer);
        }
    } else {
        forget_client(server);
        user_peer_free(g_steal_pointer(&server->twin));
    }
    pthread_cond_broadcast(&server->cond);
    pthread_mutex_unlock(&server->lock);
}

static void *serve_one(void *opaque)
{
    UserServer *server = opaque;

    serve_client(server);
    set_peer(server, NULL);
    return NULL;
}

static void *serve_all(void *opaque)
{
    UserServer *server = opaque;
    UserPeer *peer;

    while ((peer = user_peer_accept(server->listener))) {
        set_peer(server, peer);
        serve_client(server);
        set_peer(server, NULL);
    }
    return NULL;
}

static void start(UserServer *server, void *(*run)(void *opaque))
{
    g_assert_false(server->running);
    server->running = true;
    g_assert_cmpint(pthread_create(&server->thread, NULL, run, server), ==, 0);
}

void user_server_attach(UserServer *server, int fd)
{
    set_peer(server, user_peer_new(fd));
    start(server, serve_one);
}

void user_server_listen(UserServer *server, const char *path)
{
    if (!server->path && path) {
        server->path = g_strdup(path);
    } else if (!server->path) {
        g_autofree char *dir = g_dir_make_tmp("user-peer-XXXXXX", NULL);

        g_assert_nonnull(dir);
        server->path = g_build_filename(dir, "socket", NULL);
        server->own_dir = true;
    }
    server->listener = user_peer_listen(server->path);
    start(server, serve_all);
}

void user_server_hang_up(UserServer *server)
{
    pthread_mutex_lock(&server->lock);
    if (server->peer) {
        user_peer_hang_up(server->peer);
    }
    pthread_mutex_unlock(&server->lock);
}

void user_server_stop(UserServer *server)
{
    if (!server->running) {
        return;
    }
    pthread_mutex_lock(&server->lock);
    server->stop = true;
    if (server->peer) {
        user_peer_hang_up(server->peer);
    }
    pthread_mutex_unlock(&server->lock);
    if (server->listener >= 0) {
        shutdown(server->listener, SHUT_RDWR);
    }
    g_assert_cmpint(pthread_join(server->thread, NULL), ==, 0);
    if (server->listener >= 0) {
        close(server->listener);
        server->listener = -1;
    }
    server->running = false;
    server->stop = false;
}

/* ---- for the test's thread ---- */

/* Lock held, which it gives up meanwhile. */
static void wait_change(UserServer *server, const struct timespec *end,
                        const char *what)
{
    if (pthread_cond_timedwait(&server->cond, &server->lock, end) ==
        ETIMEDOUT) {
        fprintf(stderr, "Bail out! user-peer: waited %d s for %s\n",
                USER_PEER_DEADLINE_S, what);
        abort();
    }
}

static struct timespec deadline(void)
{
    struct timespec end;

    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += USER_PEER_DEADLINE_S;
    return end;
}

static GList *find_seen(UserServer *server, uint16_t command)
{
    GList *at = server->seen.head;

    while (at && ((UserMsg *)at->data)->head.command != command) {
        at = at->next;
    }
    return at;
}

UserMsg *user_server_seen(UserServer *server, uint16_t command)
{
    g_autofree char *what = g_strdup_printf("command %u", command);
    struct timespec end = deadline();
    UserMsg *msg;
    GList *at;

    pthread_mutex_lock(&server->lock);
    while (!(at = find_seen(server, command))) {
        wait_change(server, &end, what);
    }
    msg = at->data;
    g_queue_delete_link(&server->seen, at);
    pthread_mutex_unlock(&server->lock);
    return msg;
}

unsigned user_server_count(UserServer *server, uint16_t command)
{
    unsigned n = 0;

    pthread_mutex_lock(&server->lock);
    for (GList *at = server->seen.head; at; at = at->next) {
        n += ((UserMsg *)at->data)->head.command == command;
    }
    pthread_mutex_unlock(&server->lock);
    return n;
}

void user_server_forget(UserServer *server)
{
    pthread_mutex_lock(&server->lock);
    g_queue_clear_full(&server->seen, (GDestroyNotify)user_msg_free);
    pthread_mutex_unlock(&server->lock);
}

void user_server_wait_gone(UserServer *server)
{
    struct timespec end = deadline();

    pthread_mutex_lock(&server->lock);
    while (server->connected) {
        wait_change(server, &end, "the client to leave");
    }
    pthread_mutex_unlock(&server->lock);
}

void user_server_signal(UserServer *server, unsigned n)
{
    struct timespec end = deadline();
    uint64_t one = 1;

    g_assert_cmpuint(n, <, server->desc.num_irqs);
    pthread_mutex_lock(&server->lock);
    while (server->irq_fds[n] < 0) {
        wait_change(server, &end, "an interrupt to be armed");
    }
    g_assert_cmpint(write(server->irq_fds[n], &one, sizeof(one)), ==,
                    sizeof(one));
    pthread_mutex_unlock(&server->lock);
}

bool user_server_armed(UserServer *server, unsigned n)
{
    bool armed;

    pthread_mutex_lock(&server->lock);
    armed = server->irq_fds[n] >= 0;
    pthread_mutex_unlock(&server->lock);
    return armed;
}

bool user_server_dma_map(UserServer *server, uint64_t iova, UserDmaMap *map)
{
    bool found = false;

    pthread_mutex_lock(&server->lock);
    for (unsigned i = 0; i < server->maps->len && !found; i++) {
        *map = g_array_index(server->maps, UserDmaMap, i);
        found = iova - map->map.iova < map->map.size;
    }
    pthread_mutex_unlock(&server->lock);
    return found;
}

/* The reply to @id; what else comes on the main socket waits. */
static UserMsg *dma_reply(UserServer *server, UserPeer *peer, uint16_t command,
                          uint16_t id)
{
    for (;;) {
        UserMsg *msg = user_peer_receive(peer);

        if (!msg || (msg->head.flags & VFIO_USER_FLAG_TYPE)) {
            if (msg && (msg->head.id != id || msg->head.command != command)) {
                user_peer_fail(peer,
                               "the last one should be the reply to "
                               "command %u, id 0x%x",
                               command, id);
            }
            return msg;
        }
        if (peer == server->twin) {
            user_peer_fail(peer, "a command came by the twin socket");
        }
        g_queue_push_tail(&server->later, msg);
    }
}

int user_server_dma(UserServer *server, bool write, uint64_t iova, void *buf,
                    uint64_t size)
{
    uint16_t command = write ? VFIO_USER_DMA_WRITE : VFIO_USER_DMA_READ;
    UserPeer *peer = server->twin ? server->twin : server->peer;
    VFIOUserDmaAccess access = {iova, size};
    g_autoptr(GByteArray) payload = g_byte_array_new();
    g_autoptr(UserMsg) reply = NULL;
    uint16_t id;

    g_byte_array_append(payload, (uint8_t *)&access, sizeof(access));
    if (write) {
        g_byte_array_append(payload, buf, size);
    }
    id = user_peer_command(peer, command, 0, payload->data, payload->len, NULL,
                           0);
    reply = dma_reply(server, peer, command, id);
    if (!reply) {
        return -1;
    }
    if (reply->head.flags & VFIO_USER_FLAG_ERROR) {
        g_assert_cmpuint(reply->size, ==, 0);
        return reply->head.error;
    }
    g_assert_cmpuint(reply->num_fds, ==, 0);
    g_assert_cmpuint(reply->size, ==, sizeof(access) + (write ? 0 : size));
    g_assert_cmpmem(reply->payload, sizeof(access), &access, sizeof(access));
    if (!write) {
        memcpy(buf, reply->payload + sizeof(access), size);
    }
    return 0;
}
