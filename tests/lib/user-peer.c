/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One vfio-user connection for tests. It receives as libvfio-user does: the
 * header with its descriptors by one call, the payload by the next; what does
 * not come so is put together all the same, and marked. Both directions have
 * the kernel's socket timeouts, so that a test that waits for what never comes
 * ends with a line that says so.
 */

#include <errno.h>
#include <linux/sockios.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "user-peer.h"

#define PAYLOAD_MAX (64u << 20)
#define LOG_LINES 40

struct UserPeer {
    int fd;
    uint16_t next_id;
    size_t split;
    unsigned sent;
    UserPeerFilter filter;
    void *opaque;
    GQueue log; /* of char *: the last messages */
};

void user_msg_free(UserMsg *msg)
{
    if (!msg) {
        return;
    }
    for (unsigned i = 0; i < msg->num_fds; i++) {
        if (msg->fds[i] >= 0) {
            close(msg->fds[i]);
        }
    }
    g_free(msg->fds);
    g_free(msg->payload);
    g_free(msg);
}

int user_msg_take_fd(UserMsg *msg, unsigned n)
{
    int fd;

    g_assert_cmpuint(n, <, msg->num_fds);
    fd = msg->fds[n];
    msg->fds[n] = -1;
    return fd;
}

static void set_deadline(int fd)
{
    struct timeval deadline = {.tv_sec = USER_PEER_DEADLINE_S};

    g_assert_no_errno(
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline)));
    g_assert_no_errno(
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof(deadline)));
}

UserPeer *user_peer_new(int fd)
{
    UserPeer *peer = g_new0(UserPeer, 1);

    peer->fd = fd;
    peer->next_id = 0x1001;
    g_queue_init(&peer->log);
    set_deadline(fd);
    return peer;
}

UserPeer *user_peer_pair(int *other)
{
    int fds[2];

    g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
    *other = fds[1];
    return user_peer_new(fds[0]);
}

static struct sockaddr_un address(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    g_assert_cmpuint(strlen(path), <, sizeof(addr.sun_path));
    strcpy(addr.sun_path, path);
    return addr;
}

UserPeer *user_peer_connect(const char *path)
{
    struct sockaddr_un addr = address(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_no_errno(fd);
    g_assert_no_errno(connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
    return user_peer_new(fd);
}

int user_peer_listen(const char *path)
{
    struct sockaddr_un addr = address(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_no_errno(fd);
    unlink(path);
    g_assert_no_errno(bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
    g_assert_no_errno(listen(fd, 8));
    return fd;
}

UserPeer *user_peer_accept(int listener)
{
    int fd;

    do {
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    return fd < 0 ? NULL : user_peer_new(fd);
}

void user_peer_free(UserPeer *peer)
{
    if (peer) {
        close(peer->fd);
        g_queue_clear_full(&peer->log, g_free);
        g_free(peer);
    }
}

int user_peer_fd(const UserPeer *peer)
{
    return peer->fd;
}

unsigned user_peer_sent(const UserPeer *peer)
{
    return peer->sent;
}

void user_peer_hang_up(UserPeer *peer)
{
    shutdown(peer->fd, SHUT_RDWR);
}

void user_peer_set_filter(UserPeer *peer, UserPeerFilter filter, void *opaque)
{
    peer->filter = filter;
    peer->opaque = opaque;
}

void user_peer_split(UserPeer *peer, size_t at)
{
    peer->split = at;
}

void user_peer_fail(UserPeer *peer, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    for (GList *line = peer->log.head; line; line = line->next) {
        fprintf(stderr, "# user-peer: %s\n", (char *)line->data);
    }
    fprintf(stderr, "Bail out! user-peer: %s\n", text);
    abort();
}

static void log_message(UserPeer *peer, const char *way,
                        const VFIOUserHeader *head, size_t size,
                        unsigned num_fds)
{
    g_queue_push_tail(
        &peer->log,
        g_strdup_printf("%s command %u id 0x%x size %u flags 0x%x error %u: "
                        "%zu bytes, %u fds",
                        way, head->command, head->id, head->size, head->flags,
                        head->error, size, num_fds));
    if (peer->log.length > LOG_LINES) {
        g_free(g_queue_pop_head(&peer->log));
    }
}

/* ---- sending ---- */

bool user_peer_send_bytes(UserPeer *peer, const void *bytes, size_t size,
                          const int *fds, unsigned num_fds)
{
    g_autofree char *control = g_malloc0(CMSG_SPACE(sizeof(int) * num_fds));
    struct iovec iov = {(void *)bytes, size};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    size_t done = 0;

    if (num_fds) {
        struct cmsghdr *cmsg = (struct cmsghdr *)control;

        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof(int) * num_fds);
        memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * num_fds);
        msg.msg_control = control;
        msg.msg_controllen = CMSG_SPACE(sizeof(int) * num_fds);
    }
    while (done < size) {
        ssize_t n = sendmsg(peer->fd, &msg, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            user_peer_fail(peer, "the other side has read nothing for %d s",
                           USER_PEER_DEADLINE_S);
        }
        if (n < 0) {
            return false;
        }
        done += n;
        iov.iov_base = (char *)bytes + done;
        iov.iov_len = size - done;
        msg.msg_control = NULL;
        msg.msg_controllen = 0;
    }
    return true;
}

/* Waits until the other side has read all. */
static void wait_read(UserPeer *peer)
{
    gint64 end =
        g_get_monotonic_time() + USER_PEER_DEADLINE_S * G_TIME_SPAN_SECOND;
    int unread = 1;

    while (ioctl(peer->fd, SIOCOUTQ, &unread) == 0 && unread) {
        if (g_get_monotonic_time() > end) {
            user_peer_fail(peer, "the other side does not read");
        }
        g_usleep(50);
    }
}

static bool send_split(UserPeer *peer, const GByteArray *bytes,
                       const GArray *fds)
{
    if (!user_peer_send_bytes(peer, bytes->data, peer->split,
                              (const int *)fds->data, fds->len)) {
        return false;
    }
    wait_read(peer);
    return user_peer_send_bytes(peer, bytes->data + peer->split,
                                bytes->len - peer->split, NULL, 0);
}

bool user_peer_send(UserPeer *peer, const VFIOUserHeader *head,
                    const void *payload, size_t size, const int *fds,
                    unsigned num_fds)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GArray) all = g_array_new(false, false, sizeof(int));
    bool goes_on = true, sent;

    g_byte_array_append(bytes, (const uint8_t *)head, sizeof(*head));
    if (size) {
        g_byte_array_append(bytes, payload, size);
    }
    if (num_fds) {
        g_array_append_vals(all, fds, num_fds);
    }
    log_message(peer, "sent", head, size, num_fds);
    if (peer->filter) {
        goes_on = peer->filter(peer->opaque, peer->sent, bytes, all);
    }
    peer->sent++;
    if (peer->split && peer->split < bytes->len) {
        sent = send_split(peer, bytes, all);
    } else {
        sent = user_peer_send_bytes(peer, bytes->data, bytes->len,
                                    (int *)(void *)all->data, all->len);
    }
    if (!goes_on) {
        user_peer_hang_up(peer);
    }
    return sent;
}

uint16_t user_peer_command(UserPeer *peer, uint16_t command, uint32_t flags,
                           const void *payload, size_t size, const int *fds,
                           unsigned num_fds)
{
    VFIOUserHeader head = {
        .id = peer->next_id++,
        .command = command,
        .size = sizeof(head) + size,
        .flags = flags,
    };

    user_peer_send(peer, &head, payload, size, fds, num_fds);
    return head.id;
}

bool user_peer_reply(UserPeer *peer, const UserMsg *to, const void *payload,
                     size_t size, const int *fds, unsigned num_fds)
{
    VFIOUserHeader head = {
        .id = to->head.id,
        .command = to->head.command,
        .size = sizeof(head) + size,
        .flags = VFIO_USER_FLAG_REPLY,
    };

    if (to->head.flags & VFIO_USER_FLAG_NO_REPLY) {
        return true;
    }
    return user_peer_send(peer, &head, payload, size, fds, num_fds);
}

bool user_peer_reply_error(UserPeer *peer, const UserMsg *to, uint32_t error,
                           const void *payload, size_t size)
{
    VFIOUserHeader head = {
        .id = to->head.id,
        .command = to->head.command,
        .size = sizeof(head) + size,
        .flags = VFIO_USER_FLAG_REPLY | VFIO_USER_FLAG_ERROR,
        .error = error,
    };

    if (to->head.flags & VFIO_USER_FLAG_NO_REPLY) {
        return true;
    }
    return user_peer_send(peer, &head, payload, size, NULL, 0);
}

/* ---- receiving ---- */

static void take_fds(UserMsg *msg, struct msghdr *from)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(from); c; c = CMSG_NXTHDR(from, c)) {
        unsigned n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
            msg->fds = g_renew(int, msg->fds, msg->num_fds + n);
            memcpy(msg->fds + msg->num_fds, CMSG_DATA(c), n * sizeof(int));
            msg->num_fds += n;
        }
    }
}

/* All of @size; false at the end of the stream. */
static bool receive_bytes(UserPeer *peer, UserMsg *msg, void *buf, size_t size)
{
    char control[CMSG_SPACE(sizeof(int) * VFIO_USER_MAX_FDS)];
    size_t done = 0;

    while (done < size) {
        struct iovec iov = {(char *)buf + done, size - done};
        struct msghdr from = {.msg_iov = &iov,
                              .msg_iovlen = 1,
                              .msg_control = control,
                              .msg_controllen = sizeof(control)};
        ssize_t n = recvmsg(peer->fd, &from, MSG_CMSG_CLOEXEC);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            user_peer_fail(peer, "nothing came for %d s", USER_PEER_DEADLINE_S);
        }
        if (n <= 0) {
            return false;
        }
        take_fds(msg, &from);
        done += n;
        msg->whole = msg->whole && done == size;
    }
    return true;
}

UserMsg *user_peer_receive(UserPeer *peer)
{
    g_autoptr(UserMsg) msg = g_new0(UserMsg, 1);
    unsigned with_header;

    msg->whole = true;
    if (!receive_bytes(peer, msg, &msg->head, sizeof(msg->head))) {
        return NULL;
    }
    with_header = msg->num_fds;
    if (msg->head.size < sizeof(msg->head) ||
        msg->head.size - sizeof(msg->head) > PAYLOAD_MAX) {
        user_peer_fail(peer, "a message of %u bytes came", msg->head.size);
    }
    msg->size = msg->head.size - sizeof(msg->head);
    msg->payload = g_malloc(msg->size + 1);
    msg->payload[msg->size] = 0;
    if (!receive_bytes(peer, msg, msg->payload, msg->size)) {
        return NULL;
    }
    msg->whole = msg->whole && msg->num_fds == with_header;
    log_message(peer, "received", &msg->head, msg->size, msg->num_fds);
    return g_steal_pointer(&msg);
}

UserMsg *user_peer_expect_command(UserPeer *peer, uint16_t command)
{
    UserMsg *msg = user_peer_receive(peer);

    if (!msg) {
        user_peer_fail(peer, "the end came instead of command %u", command);
    }
    if (msg->head.command != command ||
        (msg->head.flags & VFIO_USER_FLAG_TYPE) != 0) {
        user_peer_fail(peer, "the last one should be command %u", command);
    }
    return msg;
}

UserMsg *user_peer_expect(UserPeer *peer, uint16_t command, const void *payload,
                          size_t size)
{
    UserMsg *msg = user_peer_expect_command(peer, command);

    g_assert_cmpmem(msg->payload, msg->size, payload, size);
    return msg;
}

UserMsg *user_peer_expect_reply(UserPeer *peer, uint16_t command, uint16_t id,
                                uint32_t error)
{
    UserMsg *msg = user_peer_receive(peer);
    uint32_t flags = VFIO_USER_FLAG_REPLY | (error ? VFIO_USER_FLAG_ERROR : 0);

    if (!msg) {
        user_peer_fail(peer, "the end came instead of the reply to %u",
                       command);
    }
    if (msg->head.command != command || msg->head.id != id ||
        msg->head.flags != flags || (error && msg->head.error != error) ||
        (error && (msg->size || msg->num_fds))) {
        user_peer_fail(peer,
                       "the last one should be the reply to command %u, "
                       "id 0x%x, with error %u",
                       command, id, error);
    }
    return msg;
}

void user_peer_expect_end(UserPeer *peer)
{
    g_autoptr(UserMsg) msg = user_peer_receive(peer);

    if (msg) {
        user_peer_fail(peer, "the last one should be the end instead");
    }
}

UserMsg *user_peer_call(UserPeer *peer, uint16_t command, const void *payload,
                        size_t size, const int *fds, unsigned num_fds)
{
    uint16_t id =
        user_peer_command(peer, command, 0, payload, size, fds, num_fds);

    return user_peer_expect_reply(peer, command, id, 0);
}

void user_peer_refused(UserPeer *peer, uint32_t error, uint16_t command,
                       const void *payload, size_t size, const int *fds,
                       unsigned num_fds)
{
    uint16_t id =
        user_peer_command(peer, command, 0, payload, size, fds, num_fds);

    user_msg_free(user_peer_expect_reply(peer, command, id, error));
}

UserMsg *user_peer_hello(UserPeer *peer, const char *json)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    VFIOUserVersion version = {VFIO_USER_MAJOR, VFIO_USER_MINOR};

    g_byte_array_append(bytes, (uint8_t *)&version, sizeof(version));
    if (json) {
        g_byte_array_append(bytes, (const uint8_t *)json, strlen(json) + 1);
    }
    return user_peer_call(peer, VFIO_USER_VERSION, bytes->data, bytes->len,
                          NULL, 0);
}
