/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * platypus-device: models of devices, each behind a socket of its own that
 * the emulator connects to. Several of them are several threads that share
 * nothing. A signal stops all, and then sockets and links are removed; the
 * end of one by an error is the end of all.
 */

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "model.h"

#define MAX_MODELS 64

typedef struct Instance {
    const ModelClass *klass;
    const char *socket;
    const char *fd;
    const char *values[MODEL_MAX_OPTIONS];
    void *model;
    PlatypusDevice *dev;
    pthread_t thread;
    bool has_thread;
    int status; /* of platypus_device_run() */
} Instance;

#define MODEL_ENTRY(name) &name##_model,
static const ModelClass *const classes[] = {MODEL_LIST(MODEL_ENTRY)};

static Instance instances[MAX_MODELS];
static unsigned num_instances;

#define NUM_CLASSES (sizeof(classes) / sizeof(classes[0]))

void model_error(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    flockfile(stderr);
    fputs("platypus-device: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    funlockfile(stderr);
    va_end(ap);
}

PlatypusDevice *model_new_device(const PlatypusDeviceDesc *desc, void *model)
{
    PlatypusDevice *dev = platypus_device_new(desc, model);

    if (!dev) {
        model_error("%s: no device: %s", desc->name, strerror(errno));
    }
    return dev;
}

bool model_parse_number(const char *text, unsigned long max,
                        unsigned long *value)
{
    char *end;

    if (*text < '0' || *text > '9') {
        return false;
    }
    errno = 0;
    *value = strtoul(text, &end, 10);
    return !errno && !*end && *value <= max;
}

/* ---- the command line ---- */

static void print_options(const ModelClass *klass)
{
    const ModelOption *o = klass->options;

    for (; o && o->name; o++) {
        char head[64];

        snprintf(head, sizeof(head), "--%s %s", o->name, o->arg ? o->arg : "");
        printf("  %-18s %s\n", head, o->help);
    }
}

static void print_help(void)
{
    printf("usage: platypus-device MODEL --socket PATH [OPTION]... "
           "[-- MODEL ...]...\n"
           "\n"
           "Models of devices for platypus -device "
           "vfio-user-platform,socket=PATH.\n"
           "After -- comes one more model, in a thread of its own.\n"
           "\n"
           "  --socket PATH      listen on a new socket at PATH\n"
           "  --fd N             or serve the connected socket N until the "
           "client leaves\n"
           "  --help             this text\n"
           "  --list             the models, one a line\n"
           "  --version          the version\n");
    for (size_t i = 0; i < NUM_CLASSES; i++) {
        printf("\n%s: %s\n", classes[i]->name, classes[i]->summary);
        print_options(classes[i]);
    }
}

static void print_list(void)
{
    for (size_t i = 0; i < NUM_CLASSES; i++) {
        printf("%-10s %s\n", classes[i]->name, classes[i]->summary);
    }
}

static const ModelClass *find_class(const char *name)
{
    for (size_t i = 0; i < NUM_CLASSES; i++) {
        if (!strcmp(classes[i]->name, name)) {
            return classes[i];
        }
    }
    model_error("no model '%s'; see --list", name);
    return NULL;
}

/* Where the value of an option goes; NULL if there is no such option. */
static const char **find_option(Instance *in, const char *name, size_t len,
                                bool *wants_arg)
{
    const ModelOption *o = in->klass->options;

    *wants_arg = true;
    if (len == 6 && !strncmp(name, "socket", len)) {
        return &in->socket;
    }
    if (len == 2 && !strncmp(name, "fd", len)) {
        return &in->fd;
    }
    for (unsigned i = 0; o && o[i].name; i++) {
        if (strlen(o[i].name) == len && !strncmp(o[i].name, name, len)) {
            *wants_arg = o[i].arg;
            return &in->values[i];
        }
    }
    return NULL;
}

/*
 * --NAME, --NAME VALUE or --NAME=VALUE at argv[0]; how many words it takes, or
 * 0 after an error.
 */
static unsigned parse_option(Instance *in, char **argv)
{
    const char *word = argv[0], *name = word + strspn(word, "-");
    const char *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const char *model = in->klass->name;
    const char **value;
    bool wants_arg;

    value = find_option(in, name, len, &wants_arg);
    if (strncmp(word, "--", 2) || !value) {
        model_error("%s: no option '%s'; see --help", model, word);
    } else if (*value) {
        model_error("%s: --%.*s is given twice", model, (int)len, name);
    } else if (!wants_arg && equals) {
        model_error("%s: --%.*s takes no value", model, (int)len, name);
    } else if (!wants_arg) {
        *value = "";
        return 1;
    } else if (equals) {
        *value = equals + 1;
        return 1;
    } else if (!argv[1] || !strcmp(argv[1], "--")) {
        model_error("%s: --%s needs a value", model, name);
    } else {
        *value = argv[1];
        return 2;
    }
    return 0;
}

/* One model, up to a "--" or the end; NULL after an error. */
static char **parse_model(Instance *in, char **argv)
{
    in->klass = find_class(*argv++);
    if (!in->klass) {
        return NULL;
    }
    while (*argv && strcmp(*argv, "--")) {
        unsigned taken = parse_option(in, argv);

        if (!taken) {
            return NULL;
        }
        argv += taken;
    }
    if (!in->socket == !in->fd) {
        model_error("%s: give one of --socket PATH and --fd N",
                    in->klass->name);
        return NULL;
    }
    return argv;
}

static bool parse_models(char **argv)
{
    while (*argv) {
        if (num_instances == MAX_MODELS) {
            model_error("more than %d models", MAX_MODELS);
            return false;
        }
        argv = parse_model(&instances[num_instances++], argv);
        if (!argv) {
            return false;
        }
        if (*argv && !*++argv) {
            model_error("'--' is followed by no model");
            return false;
        }
    }
    return true;
}

/* ---- serving ---- */

static void stop_all(int sig)
{
    int saved = errno;

    for (unsigned i = 0; i < num_instances; i++) {
        platypus_device_stop(instances[i].dev);
    }
    errno = saved;
}

static void set_signals(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};

    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

static int attach(PlatypusDevice *dev, const char *text)
{
    unsigned long fd;
    struct stat st;

    if (!model_parse_number(text, INT_MAX, &fd) || fstat(fd, &st) < 0) {
        return -EBADF;
    }
    return S_ISSOCK(st.st_mode) ? platypus_device_attach(dev, fd) : -ENOTSOCK;
}

static bool connect_instance(Instance *in)
{
    int err;

    if (in->socket) {
        /* Which says itself why it cannot be. */
        return platypus_device_listen(in->dev, in->socket) == 0;
    }
    err = attach(in->dev, in->fd);
    if (err) {
        model_error("%s: --fd %s: %s", in->klass->name, in->fd, strerror(-err));
    }
    return !err;
}

static bool open_all(void)
{
    for (unsigned i = 0; i < num_instances; i++) {
        Instance *in = &instances[i];

        in->model = in->klass->open(in->values, &in->dev);
        if (!in->model || !connect_instance(in)) {
            return false;
        }
    }
    return true;
}

static void close_all(void)
{
    for (unsigned i = 0; i < num_instances; i++) {
        if (instances[i].model) {
            instances[i].klass->close(instances[i].model);
        }
    }
}

static void *serve(void *opaque)
{
    Instance *in = opaque;

    in->status = platypus_device_run(in->dev);
    if (in->status) {
        model_error("%s: %s", in->klass->name, strerror(-in->status));
        stop_all(0);
    }
    return NULL;
}

/* The first model in this thread; true if all ended well. */
static bool serve_all(void)
{
    bool ok = true;

    for (unsigned i = 1; ok && i < num_instances; i++) {
        Instance *in = &instances[i];

        in->has_thread = !pthread_create(&in->thread, NULL, serve, in);
        ok = in->has_thread;
    }
    if (ok) {
        serve(&instances[0]);
    } else {
        model_error("no thread");
        stop_all(0);
    }
    for (unsigned i = 0; i < num_instances; i++) {
        if (instances[i].has_thread) {
            pthread_join(instances[i].thread, NULL);
        }
        ok = ok && !instances[i].status;
    }
    return ok;
}

static bool serve_models(char **argv)
{
    bool ok = parse_models(argv) && open_all();

    if (ok) {
        set_signals(stop_all);
        ok = serve_all();
    }
    set_signals(SIG_IGN); /* the devices go */
    close_all();
    return ok;
}

int main(int argc, char **argv)
{
    bool ok = true;

    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        model_error("which model? see --help");
        return 1;
    }
    if (argc == 2 && !strcmp(argv[1], "--help")) {
        print_help();
    } else if (argc == 2 && !strcmp(argv[1], "--list")) {
        print_list();
    } else if (argc == 2 && !strcmp(argv[1], "--version")) {
        printf("platypus-device %s\n", PLATYPUS_VERSION);
    } else {
        ok = serve_models(argv + 1);
    }
    return ok && fflush(stdout) == 0 ? 0 : 1;
}
