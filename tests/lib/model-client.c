/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client of platypus-device: the program runs as it is installed, one
 * process for each, and dies with the test.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model-client.h"

static const char *program;

void model_client_init(int *argc, char ***argv)
{
    g_test_init(argc, argv, NULL);
    g_assert_cmpint(*argc, >=, 2);
    program = (*argv)[1];
}

const char *model_client_program(void)
{
    return program;
}

static void run_program(char **argv, int in, int out, int socket)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    if (socket >= 0) {
        fcntl(socket, F_SETFD, 0);
    }
    execv(program, argv);
    _exit(127);
}

static GStrv make_argv(const char *const *args, int socket)
{
    g_autoptr(GStrvBuilder) argv = g_strv_builder_new();

    g_strv_builder_add(argv, program);
    g_strv_builder_addv(argv, (const char **)args);
    if (socket >= 0) {
        g_autofree char *fd = g_strdup_printf("--fd=%d", socket);

        g_strv_builder_add(argv, fd);
    }
    return g_strv_builder_end(argv);
}

static void say_hello(ModelClient *client)
{
    user_msg_free(user_peer_hello(client->peer,
                                  "{\"capabilities\":{\"max_msg_fds\":8}}"));
}

static ModelClient *spawn(bool socket, int in, int out, const char *const *args)
{
    ModelClient *client = g_new0(ModelClient, 1);
    g_auto(GStrv) argv = NULL;
    int other = -1;

    if (socket) {
        client->peer = user_peer_pair(&other);
    }
    argv = make_argv(args, other);
    client->in = -1;
    client->out = -1;
    client->pid = fork();
    g_assert_no_errno(client->pid);
    if (!client->pid) {
        run_program(argv, in, out, other);
    }
    if (socket) {
        close(other);
        say_hello(client);
    }
    return client;
}

ModelClient *model_client_new(bool socket, const char *const *args)
{
    ModelClient *client;
    int in[2], out[2];

    g_assert_no_errno(pipe2(in, O_CLOEXEC));
    g_assert_no_errno(pipe2(out, O_CLOEXEC));
    client = spawn(socket, in[0], out[1], args);
    close(in[0]);
    close(out[1]);
    client->in = in[1];
    client->out = out[0];
    return client;
}

ModelClient *model_client_new_on(int in, int out, const char *const *args)
{
    return spawn(true, in, out, args);
}

static int try_connect(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_no_errno(fd);
    g_assert_cmpuint(strlen(path), <, sizeof(addr.sun_path));
    strcpy(addr.sun_path, path);
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0) {
        return fd;
    }
    close(fd);
    return -1;
}

void model_client_connect(ModelClient *client, const char *path)
{
    int tries = USER_PEER_DEADLINE_S * 100;
    int fd;

    while ((fd = try_connect(path)) < 0) {
        g_assert_cmpint(tries--, >, 0);
        g_usleep(10000);
    }
    client->peer = user_peer_new(fd);
    say_hello(client);
}

void model_client_hang_up(ModelClient *client)
{
    g_clear_pointer(&client->peer, user_peer_free);
}

void model_client_quit(ModelClient *client, int sig)
{
    int status;

    if (sig) {
        g_assert_no_errno(kill(client->pid, sig));
    }
    g_assert_cmpint(waitpid(client->pid, &status, 0), ==, client->pid);
    g_assert_cmpint(status, ==, 0);
    user_peer_free(client->peer);
    close(client->in);
    close(client->out);
    g_free(client);
}

uint64_t model_read(ModelClient *client, unsigned region, uint64_t offset,
                    unsigned size)
{
    VFIOUserRegionAccess access = {offset, region, size};
    g_autoptr(UserMsg) reply = user_peer_call(
        client->peer, VFIO_USER_REGION_READ, &access, sizeof(access), NULL, 0);
    uint64_t value = 0;

    g_assert_cmpuint(reply->size, ==, sizeof(access) + size);
    memcpy(&value, reply->payload + sizeof(access), size);
    return value;
}

void model_write(ModelClient *client, unsigned region, uint64_t offset,
                 unsigned size, uint64_t value)
{
    VFIOUserRegionAccess access = {offset, region, size};
    uint8_t payload[sizeof(access) + 8];

    memcpy(payload, &access, sizeof(access));
    memcpy(payload + sizeof(access), &value, size);
    user_msg_free(user_peer_call(client->peer, VFIO_USER_REGION_WRITE, payload,
                                 sizeof(access) + size, NULL, 0));
}

void model_no_register(ModelClient *client, unsigned region, uint64_t offset,
                       unsigned size)
{
    uint64_t ones = size == 8 ? UINT64_MAX : (1ULL << size * 8) - 1;

    g_assert_cmphex(model_read(client, region, offset, size), ==, ones);
    model_write(client, region, offset, size, 0);
    g_assert_cmphex(model_read(client, region, offset, size), ==, ones);
}

void model_reset(ModelClient *client)
{
    user_msg_free(
        user_peer_call(client->peer, VFIO_USER_DEVICE_RESET, NULL, 0, NULL, 0));
}

static void set_irq(ModelClient *client, unsigned line, uint32_t flags, int *fd)
{
    VFIOUserIrqSet set = {
        .argsz = sizeof(set),
        .flags = flags,
        .index = line,
        .count = 1,
    };

    user_msg_free(user_peer_call(client->peer, VFIO_USER_DEVICE_SET_IRQS, &set,
                                 sizeof(set), fd, fd ? 1 : 0));
}

int model_arm(ModelClient *client, unsigned line)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    g_assert_no_errno(fd);
    set_irq(client, line,
            VFIO_USER_IRQ_DATA_EVENTFD | VFIO_USER_IRQ_ACTION_TRIGGER, &fd);
    return fd;
}

void model_unmask(ModelClient *client, unsigned line)
{
    set_irq(client, line, VFIO_USER_IRQ_DATA_NONE | VFIO_USER_IRQ_ACTION_UNMASK,
            NULL);
}

bool model_signalled(int eventfd)
{
    uint64_t n;

    return read(eventfd, &n, sizeof(n)) == sizeof(n);
}

void model_wait_signal(int eventfd)
{
    struct pollfd p = {.fd = eventfd, .events = POLLIN};

    g_assert_cmpint(poll(&p, 1, USER_PEER_DEADLINE_S * 1000), ==, 1);
    g_assert_true(model_signalled(eventfd));
}

void model_dma_map(ModelClient *client, uint64_t iova, uint64_t size, int fd,
                   unsigned flags)
{
    VFIOUserDmaMap map = {
        .argsz = sizeof(map),
        .flags = flags,
        .iova = iova,
        .size = size,
    };

    user_msg_free(user_peer_call(client->peer, VFIO_USER_DMA_MAP, &map,
                                 sizeof(map), &fd, fd >= 0));
}
