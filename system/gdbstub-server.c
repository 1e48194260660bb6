/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the gdb stub listens. A peer's socket becomes a chardev, which does
 * the buffering, and while there is one any other is taken and closed at once:
 * left in the queue it would look like a stub that does not answer.
 */

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "system/channel.h"
#include "system/gdbstub.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/main-loop.h"
#include "util/option.h"
#include "util/socket.h"
#include "util/timer.h"

#define RETRY_NS (50 * NS_PER_MS)

struct GdbServer {
    Accel *accel;
    unsigned num_cpus;
    int listen_fd;
    char *unlink_path; /* of a local socket */
    Timer retry;       /* a connection could not be taken */
    Chardev *chr;      /* the peer's, or of one that has just gone */
    int peer_fd;       /* the chardev's */
    Channel channel;
    GdbSession *session; /* NULL: no peer */
};

static void on_connection(void *opaque);

static void write_channel(void *opaque, const char *data, size_t size)
{
    GdbServer *server = opaque;

    channel_write(&server->channel, data, size);
}

static void opened(void *opaque)
{
    GdbServer *server = opaque;

    server->session =
        gdb_session_new(server->accel, server->num_cpus, write_channel, server);
}

/* A chardev is not to be freed from its own handler. */
static void drop_peer(void *opaque)
{
    GdbServer *server = opaque;

    if (server->chr && !server->session) {
        channel_finish(&server->channel);
        g_clear_pointer(&server->chr, chardev_free);
    }
}

static void closed(void *opaque)
{
    GdbServer *server = opaque;

    g_clear_pointer(&server->session, gdb_session_free);
    main_loop_schedule(drop_peer, server);
}

static void receive(void *opaque, const uint8_t *data, size_t size)
{
    GdbServer *server = opaque;

    gdb_session_feed(server->session, data, size);
}

static const ChannelHandlers handlers = {
    .opened = opened,
    .closed = closed,
    .receive = receive,
};

/* Takes @fd over. */
static void meet_peer(GdbServer *server, int fd)
{
    g_autofree char *text = g_strdup_printf("socket,fd=%d", fd);
    g_autoptr(OptionList) options = option_list_parse(text, "backend", NULL);

    server->peer_fd = fd;
    server->chr = chardev_new_options("gdb", options, NULL);
    g_assert(server->chr); /* a socket of our own is one */
    channel_init(&server->channel, server->chr, &handlers, server);
}

static void refuse_peer(int fd)
{
    static LogLimit limit;

    warn_report_limited(&limit, "gdb: a second debugger is refused");
    close(fd);
}

static void on_retry(void *opaque)
{
    GdbServer *server = opaque;

    main_loop_set_fd(server->listen_fd, on_connection, NULL, server);
}

/* The socket stays readable: to look again at once would be a busy loop. */
static void accept_later(GdbServer *server)
{
    main_loop_set_fd(server->listen_fd, NULL, NULL, NULL);
    timer_mod_ns(&server->retry, clock_get_ns(CLOCK_REAL) + RETRY_NS);
}

static void accept_failed(GdbServer *server)
{
    static LogLimit limit;

    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
        warn_report_limited(&limit, "gdb: cannot accept a connection: %s",
                            g_strerror(errno));
        accept_later(server);
    }
}

/* The peer has gone, and the main loop has not come to that yet. */
static bool is_going(const GdbServer *server)
{
    struct pollfd pfd = {.fd = server->peer_fd, .events = POLLRDHUP};

    return server->session && poll(&pfd, 1, 0) > 0;
}

static void on_connection(void *opaque)
{
    GdbServer *server = opaque;
    int fd;

    if (is_going(server)) {
        accept_later(server);
        return;
    }
    fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        accept_failed(server);
        return;
    }
    drop_peer(server);
    if (server->chr) {
        refuse_peer(fd);
    } else {
        meet_peer(server, fd);
    }
}

/* "HOST:PORT"; an IPv6 address is in brackets, since it has colons. */
static int listen_tcp(char *address, Error **errp)
{
    char *colon = strrchr(address, ':');
    char *host = address;
    uint64_t port;

    if (!colon) {
        error_setg(errp, "no port; try: tcp:%s:1234", address);
        return -1;
    }
    *colon = '\0';
    if (!parse_uint(colon + 1, UINT16_MAX, &port, "port", errp)) {
        return -1;
    }
    if (host[0] == '[' && colon[-1] == ']') {
        colon[-1] = '\0';
        host++;
    }
    return socket_listen_tcp(host, port, errp);
}

/* What QEMU's users write; other values would mean another kind of thing. */
static bool check_option(OptionList *options, const char *key, bool wanted,
                         const char *way_out, Error **errp)
{
    g_autofree char *text = option_list_take(options, key);
    bool value = wanted;

    if (text && !parse_bool(text, &value, key, errp)) {
        return false;
    }
    if (value != wanted) {
        error_setg(errp, "%s=%s is not what a gdb stub does; %s", key, text,
                   way_out);
    }
    return value == wanted;
}

/* The options behind the address, which is put under the key "address". */
static OptionList *parse_spec(const char *spec, bool *tcp, Error **errp)
{
    g_autoptr(OptionList) options = NULL;
    g_autofree char *text = NULL;

    *tcp = g_str_has_prefix(spec, "tcp:");
    if (!*tcp && !g_str_has_prefix(spec, "unix:")) {
        error_setg(errp, "neither tcp:HOST:PORT nor unix:PATH; try: tcp::1234");
        return NULL;
    }
    text = g_strconcat("address=", strchr(spec, ':') + 1, NULL);
    options = option_list_parse(text, NULL, errp);
    if (!options ||
        !check_option(options, "server", true, "gdb connects to it", errp) ||
        !check_option(options, "wait", false, "try: -S", errp)) {
        return NULL;
    }
    if (options->options->len > 1) {
        const Option *rest = g_ptr_array_index(options->options, 1);

        error_setg(errp, "'%s' is no option of a gdb stub; leave it out",
                   rest->key);
        return NULL;
    }
    return g_steal_pointer(&options);
}

static bool server_listen(GdbServer *server, const char *spec, Error **errp)
{
    g_autoptr(OptionList) options = NULL;
    g_autofree char *address = NULL;
    bool tcp;

    options = parse_spec(spec, &tcp, errp);
    if (!options) {
        return false;
    }
    address = option_list_take(options, "address");
    if (!*address) {
        error_setg(errp, "no address; try: tcp::1234");
        return false;
    }
    server->listen_fd =
        tcp ? listen_tcp(address, errp) : socket_listen_unix(address, errp);
    if (server->listen_fd < 0) {
        return false;
    }
    server->unlink_path = tcp ? NULL : g_steal_pointer(&address);
    main_loop_set_fd(server->listen_fd, on_connection, NULL, server);
    return true;
}

GdbServer *gdb_server_new(const char *spec, Accel *accel, unsigned num_cpus,
                          Error **errp)
{
    g_autoptr(GdbServer) server = NULL;

    if (!ACCEL_GET_CLASS(accel)->debug) {
        const char *name = OBJECT(accel)->klass->type->name;

        error_setg(errp, "guests of the accelerator '%.*s' cannot be debugged",
                   (int)(strlen(name) - strlen(ACCEL_TYPE_NAME(""))), name);
        return NULL;
    }
    server = g_new0(GdbServer, 1);
    server->accel = accel;
    server->num_cpus = num_cpus;
    server->listen_fd = -1;
    timer_init(&server->retry, CLOCK_REAL, on_retry, server);
    return server_listen(server, spec, errp) ? g_steal_pointer(&server) : NULL;
}

unsigned gdb_server_port(const GdbServer *server)
{
    struct sockaddr_in6 addr = {0}; /* the port is where sockaddr_in has it */
    socklen_t size = sizeof(addr);

    getsockname(server->listen_fd, (struct sockaddr *)&addr, &size);
    return server->unlink_path ? 0 : ntohs(addr.sin6_port);
}

void gdb_server_free(GdbServer *server)
{
    if (!server) {
        return;
    }
    g_clear_pointer(&server->session, gdb_session_free);
    main_loop_cancel(server);
    drop_peer(server);
    timer_finish(&server->retry);
    if (server->listen_fd >= 0) {
        main_loop_set_fd(server->listen_fd, NULL, NULL, NULL);
        fd_close(&server->listen_fd);
    }
    if (server->unlink_path) {
        unlink(server->unlink_path);
    }
    g_free(server->unlink_path);
    g_free(server);
}
