/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How vfio-user-platform starts, or does not: options that make no sense,
 * sockets that are none, servers that are not for us or lie, and what the
 * guest's tree says of a device. Each failure is one line and status 1.
 */

#include <fcntl.h>
#include <glib/gstdio.h>
#include <libfdt.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/qtest-client.h"
#include "user-peer.h"

#define MACHINE "-accel qtest -M virt -m 16M"
#define DEVICE MACHINE " -device vfio-user-platform"
#define RW (VFIO_USER_REGION_F_READ | VFIO_USER_REGION_F_WRITE)

static const UserRegionDesc region = {.size = 0x1000, .flags = RW};
static const UserIrqDesc irq = {VFIO_USER_IRQ_F_EVENTFD, 1};
static const UserDeviceDesc device = {
    .minor = VFIO_USER_MINOR,
    .flags = VFIO_USER_DEVICE_PLATFORM,
    .regions = &region,
    .num_regions = 1,
    .irqs = &irq,
    .num_irqs = 1,
};

/* ---- options ---- */

static void test_options(void)
{
    emulator_expect_error("vfio-user-platform: which server? try: socket=PATH",
                          DEVICE);
    emulator_expect_error("vfio-user-platform: which server? try: socket=PATH",
                          DEVICE ",socket=");
    emulator_expect_error("timeout-ms=0 gives the server no time to answer; "
                          "try: timeout-ms=5000",
                          DEVICE ",socket=/s,timeout-ms=0");
    emulator_expect_error("timeout-ms", DEVICE ",socket=/s,timeout-ms=1s");
    emulator_expect_error("reconnect-ms",
                          DEVICE ",socket=/s,reconnect-ms=9999999999");
    emulator_expect_error("did you mean 'socket'?", DEVICE ",sockets=/s");
    emulator_expect_error("state", DEVICE ",socket=/s,state=lost");
    emulator_expect_error("x-irqfd=off and x-irq-route=irqfd contradict",
                          DEVICE ",socket=/s,x-irqfd=off,x-irq-route=irqfd");
}

static void test_help(void)
{
    static const char *const names[] = {
        "socket=",      "timeout-ms=", "reconnect-ms=",
        "x-dma-share=", "dtb-node=",   "x-posted-writes=",
        "x-no-mmap=",   "compatible=", "x-irq-route=",
    };
    g_autoptr(EmulatorResult) result =
        emulator_run("-device vfio-user-platform,help");

    g_assert_cmpint(result->status, ==, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_assert_nonnull(strstr(result->out, names[i]));
    }
    g_assert_null(strstr(result->out, "state="));
}

/* ---- sockets ---- */

static void test_sockets(void)
{
    g_autofree char *dir = g_dir_make_tmp("start-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "s", NULL);
    g_autofree char *name = g_strnfill(200, 's');

    emulator_expect_error("s: no socket to connect to: No such file or "
                          "directory; start the server first\n",
                          DEVICE ",socket=%s", path);
    emulator_expect_error("the path is longer than a socket's can be",
                          DEVICE ",socket=%s", name);
    g_assert_true(g_file_set_contents(path, "x", 1, NULL));
    emulator_expect_error("s: not a socket", DEVICE ",socket=%s", path);
    g_unlink(path);
    close(user_peer_listen(path));
    emulator_expect_error("s: nobody listens there", DEVICE ",socket=%s", path);
    g_unlink(path);
    g_rmdir(dir);
}

/* ---- servers ---- */

/* The whole of standard error is "platypus: vfio-user: PATH: " and this. */
static void expect_refusal(UserServer *server, const char *message,
                           const char *more)
{
    g_autofree char *line =
        g_strdup_printf("platypus: vfio-user: %s: %s\n", server->path, message);
    g_autoptr(EmulatorResult) result =
        emulator_run(DEVICE ",socket=%s%s", server->path, more);

    g_assert_cmpstr(result->err, ==, line);
    g_assert_cmpstr(result->out, ==, "");
    g_assert_cmpint(result->status, ==, 1);
}

static void check_refusal(const UserDeviceDesc *desc, const char *message,
                          const char *more)
{
    g_autoptr(UserServer) server = user_server_new(desc);

    user_server_listen(server, NULL);
    expect_refusal(server, message, more);
}

static void test_not_ours(void)
{
    UserDeviceDesc desc = device;

    desc.flags = VFIO_USER_DEVICE_PCI;
    check_refusal(&desc, "a PCI device; this machine has a system bus only",
                  "");
    desc.flags = 0;
    check_refusal(&desc,
                  "no platform device (its flags are 0x0); the server must set "
                  "0x4",
                  "");
}

static void test_posted_mapped(void)
{
    UserRegionDesc mapped = region;
    UserDeviceDesc desc = device;
    int fd = memfd_create("region", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    g_assert_cmpint(ftruncate(fd, 0x1000), ==, 0);
    g_assert_cmpint(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), ==, 0);
    mapped.flags |= VFIO_USER_REGION_F_MMAP;
    mapped.fd = fd;
    desc.regions = &mapped;
    check_refusal(&desc,
                  "x-posted-writes=on: region 0 can be mapped, and a mapped "
                  "access would overtake a posted write; try: x-no-mmap=on",
                  ",x-posted-writes=on");
    close(fd);
}

/* One line of the first that is wrong, and no crash, for any length. */
static bool cut(void *opaque, unsigned n, GByteArray *bytes, GArray *fds)
{
    unsigned *left = opaque;

    if (bytes->len > *left) {
        g_byte_array_set_size(bytes, *left);
        return false;
    }
    *left -= bytes->len;
    return true;
}

static void test_cut_off(void)
{
    /* VERSION, and a bit of what comes behind it. */
    for (unsigned bytes = 0; bytes < 60; bytes += 3) {
        g_autoptr(UserServer) server = user_server_new(&device);
        unsigned left = bytes;

        server->filter = cut;
        server->filter_opaque = &left;
        user_server_listen(server, NULL);
        emulator_expect_error("the server closed the connection",
                              DEVICE ",socket=%s", server->path);
    }
}

/* Somebody else has it: as our library does, it is closed at once. */
static bool hang_up(UserServer *server, UserMsg *msg, void *opaque)
{
    user_peer_hang_up(server->peer);
    return true;
}

static void test_taken(void)
{
    g_autoptr(UserServer) server = user_server_new(&device);

    server->hook = hang_up;
    user_server_listen(server, NULL);
    expect_refusal(
        server, "the server closed the connection; has it another client?", "");
}

static void test_no_line(void)
{
    const UserIrqDesc bad = {VFIO_USER_IRQ_F_EVENTFD, 2};
    UserDeviceDesc desc = device;
    g_autoptr(UserServer) server = NULL;

    desc.irqs = &bad;
    server = user_server_new(&desc);
    user_server_listen(server, NULL);
    emulator_expect_error("vfio dev: line 0: 2 interrupts, which is no line",
                          DEVICE ",id=dev,socket=%s", server->path);
}

/* ---- the guest's tree ---- */

typedef struct Tree {
    UserServer *server;
    char *dir;
    char *file; /* for dtb-node= */
    char *dumped;
} Tree;

static void tree_init(Tree *t, const char *name)
{
    t->server = user_server_new(&device);
    user_server_listen(t->server, NULL);
    t->dir = g_dir_make_tmp("start-XXXXXX", NULL);
    t->file = g_build_filename(t->dir, name, NULL);
    t->dumped = g_build_filename(t->dir, "dumped", NULL);
}

static void tree_finish(Tree *t)
{
    user_server_free(t->server);
    g_unlink(t->file);
    g_unlink(t->dumped);
    g_assert_cmpint(g_rmdir(t->dir), ==, 0);
    g_free(t->dir);
    g_free(t->file);
    g_free(t->dumped);
}

/* The text of a property of the guest's node at @node, or NULL. */
static char *tree_text(Tree *t, const char *options, const char *node,
                       const char *property)
{
    g_autofree char *path = g_strdup_printf("/platform-bus@c000000/%s", node);
    g_autofree char *blob = NULL;
    g_autoptr(EmulatorResult) result =
        emulator_run("-accel qtest -M virt,dumpdtb=%s -device "
                     "vfio-user-platform,socket=%s%s",
                     t->dumped, t->server->path, options);
    gsize size;

    g_assert_cmpint(result->status, ==, 0);
    g_assert_true(g_file_get_contents(t->dumped, &blob, &size, NULL));
    g_assert_cmpint(fdt_check_full(blob, size), ==, 0);
    return g_strdup(
        fdt_getprop(blob, fdt_path_offset(blob, path), property, NULL));
}

static void test_names(void)
{
    g_autofree char *given = NULL;
    Tree t;

    tree_init(&t, "unused");
    given = tree_text(&t, ",compatible=arm,,pl031", "socket@0", "compatible");
    g_assert_cmpstr(given, ==, "arm,pl031");
    tree_finish(&t);
}

static void write_blob(const char *path)
{
    char blob[1024];

    g_assert_cmpint(fdt_create(blob, sizeof(blob)), ==, 0);
    g_assert_cmpint(fdt_finish_reservemap(blob), ==, 0);
    fdt_begin_node(blob, "");
    fdt_begin_node(blob, "rtc");
    fdt_property_string(blob, "compatible", "arm,pl031");
    fdt_property_string(blob, "model", "a;b");
    fdt_end_node(blob);
    fdt_end_node(blob);
    g_assert_cmpint(fdt_finish(blob), ==, 0);
    g_assert_true(g_file_set_contents(path, blob, fdt_totalsize(blob), NULL));
}

/* With a quoted name: it may have blanks and more. */
static char *dtb_node(const Tree *t)
{
    g_autofree char *quoted = g_shell_quote(t->file);

    return g_strdup_printf(",dtb-node=%s", quoted);
}

static void check_node(Tree *t)
{
    g_autofree char *options = dtb_node(t);
    g_autofree char *compatible = tree_text(t, options, "rtc@0", "compatible");
    g_autofree char *model = tree_text(t, options, "rtc@0", "model");

    g_assert_cmpstr(compatible, ==, "arm,pl031");
    g_assert_cmpstr(model, ==, "a;b");
}

static void test_dtb(void)
{
    Tree t;

    tree_init(&t, "node.dtb");
    write_blob(t.file);
    check_node(&t);
    tree_finish(&t);
}

static void check_bad_node(Tree *t, const char *message)
{
    g_autofree char *options = dtb_node(t);
    g_autofree char *line = g_strdup_printf(
        "platypus: vfio-user-platform: dtb-node=%s: %s", t->file, message);

    emulator_expect_error(line, DEVICE ",socket=%s%s", t->server->path,
                          options);
}

static void test_bad_dtb(void)
{
    Tree t;

    tree_init(&t, "node.dtb");
    check_bad_node(&t, "cannot read it: No such file or directory");
    g_assert_true(g_file_set_contents(t.file, "no tree", -1, NULL));
    check_bad_node(&t, "");
    g_assert_true(g_file_set_contents(t.file, "", 0, NULL));
    check_bad_node(&t, "");
    g_assert_cmpint(truncate(t.file, 1024 * 1024 + 1), ==, 0);
    check_bad_node(&t, "not a file of at most 1048576 bytes\n");
    g_assert_cmpint(g_unlink(t.file), ==, 0);
    g_assert_cmpint(g_mkdir(t.file, 0700), ==, 0);
    check_bad_node(&t, "not a file of at most 1048576 bytes\n");
    g_assert_cmpint(g_rmdir(t.file), ==, 0);
    g_assert_cmpint(mkfifo(t.file, 0600), ==, 0);
    check_bad_node(&t, "not a file of at most 1048576 bytes\n");
    g_assert_cmpint(g_unlink(t.file), ==, 0);
    /* Nothing is mapped at address 0. */
    g_assert_cmpint(symlink("/proc/self/mem", t.file), ==, 0);
    check_bad_node(&t, "cannot read all of it: Input/output error\n");
    tree_finish(&t);
}

/* ---- source, by a dtc of ours ---- */

typedef struct Dtc {
    Tree t;
    char *path; /* the environment's, for later */
    char *program;
    char *blob;
} Dtc;

static void dtc_init(Dtc *d, const char *body)
{
    g_autofree char *script = NULL;

    /* A name that a shell would make something of. */
    tree_init(&d->t, "a node $(x).dts");
    g_assert_true(g_file_set_contents(d->t.file, "/dts-v1/;", -1, NULL));
    d->program = g_build_filename(d->t.dir, "dtc", NULL);
    d->blob = g_build_filename(d->t.dir, "blob", NULL);
    write_blob(d->blob);
    script = g_strdup_printf("#!/bin/sh\n%s\n", body);
    g_assert_true(g_file_set_contents(d->program, script, -1, NULL));
    g_assert_cmpint(g_chmod(d->program, 0755), ==, 0);
    d->path = g_strdup(g_getenv("PATH"));
    g_setenv("PATH", d->t.dir, true);
}

static void dtc_finish(Dtc *d)
{
    g_setenv("PATH", d->path, true);
    g_free(d->path);
    g_unlink(d->program);
    g_free(d->program);
    g_unlink(d->blob);
    g_free(d->blob);
    tree_finish(&d->t);
}

static void test_dts(void)
{
    Dtc d;

    dtc_init(&d,
             "[ \"$*\" = \"-q -I dts -O dtb -o $7 -- $9\" ] && [ -f \"$9\" ]"
             " && exec /bin/cat \"${9%/*}/blob\" > \"$7\"");
    check_node(&d.t);
    dtc_finish(&d);
}

static void test_bad_dts(void)
{
    Dtc d;

    dtc_init(&d, "echo x.dts:1.2 syntax error >&2; echo FATAL ERROR >&2;"
                 "exit 1");
    check_bad_node(&d.t, "dtc does not compile it: x.dts:1.2 syntax error "
                         "FATAL ERROR\n");
    g_assert_cmpint(g_chmod(d.program, 0), ==, 0);
    check_bad_node(&d.t, "there is no dtc in PATH to compile it; try: install "
                         "device-tree-compiler, or give a .dtb\n");
    g_assert_cmpint(g_chmod(d.program, 0755), ==, 0);
    g_setenv("TMPDIR", "/nonexistent", true);
    check_bad_node(&d.t, "no temporary file: ");
    g_unsetenv("TMPDIR");
    g_assert_true(g_file_set_contents(d.program, "#!/nonexistent\n", -1, NULL));
    g_assert_cmpint(g_chmod(d.program, 0755), ==, 0);
    check_bad_node(&d.t, "cannot run ");
    dtc_finish(&d);
    /* It says that all is well, and has written nothing. */
    dtc_init(&d, "exit 0");
    check_bad_node(&d.t, "");
    dtc_finish(&d);
}

int main(int argc, char **argv)
{
    qtest_client_init(&argc, &argv);
    g_test_add_func("/vfio-user-start/options", test_options);
    g_test_add_func("/vfio-user-start/help", test_help);
    g_test_add_func("/vfio-user-start/sockets", test_sockets);
    g_test_add_func("/vfio-user-start/not-ours", test_not_ours);
    g_test_add_func("/vfio-user-start/posted-mapped", test_posted_mapped);
    g_test_add_func("/vfio-user-start/cut-off", test_cut_off);
    g_test_add_func("/vfio-user-start/taken", test_taken);
    g_test_add_func("/vfio-user-start/no-line", test_no_line);
    g_test_add_func("/vfio-user-start/names", test_names);
    g_test_add_func("/vfio-user-start/dtb", test_dtb);
    g_test_add_func("/vfio-user-start/bad-dtb", test_bad_dtb);
    g_test_add_func("/vfio-user-start/dts", test_dts);
    g_test_add_func("/vfio-user-start/bad-dts", test_bad_dts);
    return g_test_run();
}
