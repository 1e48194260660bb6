/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the options of the command line are and mean: one const table, each
 * with its handler, which checks the argument and puts it into the Cmdline;
 * single values stay in argv. Like QEMU's, a later -kernel replaces an earlier
 * one, -machine options add up, and a plain number behind -m counts MiB.
 */

#include <string.h>

#include "cmdline-options.h"

#define MIB (1024ULL * 1024)
#define RAM_SIZE_MAX (1ULL << 46)
#define RAM_SIZE_UNIT 0x10000 /* the largest page of an arm64 host */
#define SMP_MAX 4096 /* machines and accelerators have limits of their own */

static void *member(Cmdline *c, const CmdlineOption *option)
{
    return (char *)c + option->offset;
}

static bool opt_flag(Cmdline *c, const CmdlineOption *option, const char *arg,
                     Error **errp)
{
    *(bool *)member(c, option) = true;
    return true;
}

static bool opt_text(Cmdline *c, const CmdlineOption *option, const char *arg,
                     Error **errp)
{
    *(const char **)member(c, option) = arg;
    return true;
}

/* An empty argument is a slip in a shell script. */
static bool check_not_empty(const CmdlineOption *option, const char *arg,
                            Error **errp)
{
    if (!*arg) {
        error_setg(errp, "-%s: empty; try: -%s %s", option->name, option->name,
                   option->argument);
        return false;
    }
    return true;
}

/* Short for an argument that another option takes. */
static bool opt_gdb_default(Cmdline *c, const CmdlineOption *option,
                            const char *arg, Error **errp)
{
    c->gdb = "tcp::1234";
    return true;
}

/* A file name or a chardev. */
static bool opt_file(Cmdline *c, const CmdlineOption *option, const char *arg,
                     Error **errp)
{
    return check_not_empty(option, arg, errp) && opt_text(c, option, arg, errp);
}

static bool opt_texts(Cmdline *c, const CmdlineOption *option, const char *arg,
                      Error **errp)
{
    if (!check_not_empty(option, arg, errp)) {
        return false;
    }
    g_ptr_array_add(*(GPtrArray **)member(c, option), (char *)arg);
    return true;
}

/* What QEMU has defaults of and this emulator does not have at all. */
static bool opt_none(Cmdline *c, const CmdlineOption *option, const char *arg,
                     Error **errp)
{
    if (strcmp(arg, "none") != 0) {
        error_setg(errp, "-%s: there is no '%s'; try: -%s none", option->name,
                   arg, option->name);
        return false;
    }
    return true;
}

/* The first request for help decides; it must not be overtaken. */
static bool request(Cmdline *c, CmdlineAction action, const char *subject)
{
    if (c->action == CMDLINE_RUN) {
        c->action = action;
        c->help_subject = g_strdup(subject);
    }
    return true;
}

static bool is_help(const char *text)
{
    return strcmp(text, "help") == 0 || strcmp(text, "?") == 0;
}

static bool wants_help(const OptionList *options)
{
    for (guint i = 0; i < options->options->len; i++) {
        const Option *option = g_ptr_array_index(options->options, i);

        if (option->bare && is_help(option->key)) {
            return true;
        }
    }
    return false;
}

static OptionList *parse_options(const CmdlineOption *option, const char *arg,
                                 const char *implied_key, Error **errp)
{
    OptionList *list;

    if (!check_not_empty(option, arg, errp)) {
        return NULL;
    }
    list = option_list_parse(arg, implied_key, errp);
    if (!list) {
        error_prepend(errp, "-%s: ", option->name);
    }
    return list;
}

/* Fails when the handler left a key untaken. */
static bool check_all_taken(const CmdlineOption *option, const OptionList *list,
                            Error **errp)
{
    if (list->options->len) {
        const Option *rest = g_ptr_array_index(list->options, 0);

        error_setg(errp, "-%s: unknown property '%s'; try: -%s %s",
                   option->name, rest->key, option->name, option->argument);
        return false;
    }
    return true;
}

static bool opt_help(Cmdline *c, const CmdlineOption *option, const char *arg,
                     Error **errp)
{
    return request(c, CMDLINE_HELP, NULL);
}

static bool opt_version(Cmdline *c, const CmdlineOption *option,
                        const char *arg, Error **errp)
{
    return request(c, CMDLINE_VERSION, NULL);
}

/* Moves every option behind those that are there already. */
static void merge_options(OptionList **into, OptionList *from)
{
    if (!*into) {
        *into = from;
        return;
    }
    g_ptr_array_extend_and_steal((*into)->options,
                                 g_ptr_array_ref(from->options));
    option_list_free(from);
}

static bool opt_machine(Cmdline *c, const CmdlineOption *option,
                        const char *arg, Error **errp)
{
    g_autoptr(OptionList) list = NULL;
    char *text;

    if (is_help(arg)) {
        return request(c, CMDLINE_HELP_MACHINES, NULL);
    }
    list = parse_options(option, arg, "type", errp);
    if (!list) {
        return false;
    }
    text = option_list_take(list, "type");
    if (text) {
        g_free(c->machine);
        c->machine = text;
    }
    if (wants_help(list)) {
        return request(c, CMDLINE_HELP_MACHINE, c->machine);
    }
    text = option_list_take(list, "accel");
    if (text) {
        g_free(c->accels);
        c->accels = text;
    }
    merge_options(&c->machine_options, g_steal_pointer(&list));
    return true;
}

static bool opt_accel(Cmdline *c, const CmdlineOption *option, const char *arg,
                      Error **errp)
{
    g_autoptr(OptionList) list = NULL;
    g_autofree char *name = NULL;
    char *joined;

    if (is_help(arg)) {
        return request(c, CMDLINE_HELP_ACCELS, NULL);
    }
    list = parse_options(option, arg, "accel", errp);
    if (!list) {
        return false;
    }
    name = option_list_take(list, "accel");
    if (!name || !*name) {
        error_setg(errp, "-accel: '%s' names no accelerator; try: -accel help",
                   arg);
        return false;
    }
    if (!check_all_taken(option, list, errp)) {
        return false;
    }
    joined = c->accels ? g_strconcat(c->accels, ":", name, NULL)
                       : g_steal_pointer(&name);
    g_free(c->accels);
    c->accels = joined;
    return true;
}

static bool opt_cpu(Cmdline *c, const CmdlineOption *option, const char *arg,
                    Error **errp)
{
    if (is_help(arg)) {
        return request(c, CMDLINE_HELP_CPUS, NULL);
    }
    if (!g_strv_contains((const char *const[]){"host", "interp", "max", NULL},
                         arg)) {
        error_setg(errp, "-cpu: no CPU model '%s'; try: -cpu max", arg);
        return false;
    }
    g_free(c->cpu);
    c->cpu = g_strdup(arg);
    return true;
}

static bool opt_memory(Cmdline *c, const CmdlineOption *option, const char *arg,
                       Error **errp)
{
    g_autoptr(OptionList) list = parse_options(option, arg, "size", errp);
    g_autofree char *text = NULL;
    g_autoptr(Error) not_a_number = NULL;
    uint64_t size;

    if (!list) {
        return false;
    }
    text = option_list_take(list, "size");
    if (!text) {
        error_setg(errp, "-m: '%s' has no size; try: -m 512M", arg);
        return false;
    }
    if (!check_all_taken(option, list, errp)) {
        return false;
    }
    if (parse_uint(text, RAM_SIZE_MAX / MIB, &size, "-m", &not_a_number)) {
        size *= MIB;
    } else if (!parse_size(text, RAM_SIZE_MAX, &size, "-m", errp)) {
        return false;
    }
    if (size == 0 || size % RAM_SIZE_UNIT) {
        error_setg(errp,
                   "-m: '%s' is not a multiple of 64k above 0; try: -m 512M",
                   text);
        return false;
    }
    c->ram_size = size;
    return true;
}

static bool opt_smp(Cmdline *c, const CmdlineOption *option, const char *arg,
                    Error **errp)
{
    g_autoptr(OptionList) list = parse_options(option, arg, "cpus", errp);
    g_autofree char *text = NULL;
    uint64_t n;

    if (!list) {
        return false;
    }
    text = option_list_take(list, "cpus");
    if (!text) {
        error_setg(errp, "-smp: '%s' has no cpus; try: -smp 2", arg);
        return false;
    }
    if (!check_all_taken(option, list, errp) ||
        !parse_uint(text, SMP_MAX, &n, "-smp", errp)) {
        return false;
    }
    if (n == 0) {
        error_setg(errp, "-smp: a machine has at least 1 CPU");
        return false;
    }
    c->smp = n;
    return true;
}

/* An id becomes a word of a path and of messages. */
static bool check_id(const CmdlineOption *option, const char *id, Error **errp)
{
    const char *p = id;

    if (g_ascii_isalpha(*p)) {
        do {
            p++;
        } while (g_ascii_isalnum(*p) || (*p && strchr("-._", *p)));
    }
    if (p == id || *p) {
        error_setg(errp,
                   "-%s: '%s' is not an id: a letter, then letters, digits, "
                   "'-', '.' and '_'",
                   option->name, id);
        return false;
    }
    return true;
}

/*
 * "TYPE,id=ID,key=value" to @items; the type's key is @type_key. @options is
 * the item's from success on.
 */
static bool add_item(GPtrArray *items, const CmdlineOption *option,
                     const char *arg, OptionList *options, const char *type_key,
                     Error **errp)
{
    g_autoptr(CmdlineItem) item = g_new0(CmdlineItem, 1);

    item->text = arg;
    item->type = g_strdup(option_list_get(options, type_key));
    item->id = g_strdup(option_list_get(options, "id"));
    if (!item->type || !*item->type) {
        error_setg(errp, "-%s: '%s' has no %s; try: -%s %s", option->name, arg,
                   type_key, option->name, option->argument);
        return false;
    }
    if (item->id) {
        if (!check_id(option, item->id, errp)) {
            return false;
        }
        if (cmdline_has_id(items, item->id)) {
            error_setg(errp, "-%s: the id '%s' is given twice", option->name,
                       item->id);
            return false;
        }
    }
    item->options = options;
    g_ptr_array_add(items, g_steal_pointer(&item));
    return true;
}

static bool opt_device(Cmdline *c, const CmdlineOption *option, const char *arg,
                       Error **errp)
{
    g_autoptr(OptionList) list = NULL;

    if (is_help(arg)) {
        return request(c, CMDLINE_HELP_DEVICES, NULL);
    }
    list = parse_options(option, arg, "driver", errp);
    if (!list) {
        return false;
    }
    if (wants_help(list)) {
        return request(c, CMDLINE_HELP_DEVICE, option_list_get(list, "driver"));
    }
    if (!add_item(c->devices, option, arg, list, "driver", errp)) {
        return false;
    }
    g_free(option_list_take(list, "driver"));
    g_free(option_list_take(list, "id"));
    g_steal_pointer(&list);
    return true;
}

static bool opt_chardev(Cmdline *c, const CmdlineOption *option,
                        const char *arg, Error **errp)
{
    g_autoptr(OptionList) list = parse_options(option, arg, "backend", errp);

    if (!list) {
        return false;
    }
    if (!option_list_get(list, "id")) {
        error_setg(errp, "-chardev: '%s' has no id; try: -chardev %s,id=char0",
                   arg, arg);
        return false;
    }
    if (!add_item(c->chardevs, option, arg, list, "backend", errp)) {
        return false;
    }
    g_steal_pointer(&list);
    return true;
}

static bool opt_mon(Cmdline *c, const CmdlineOption *option, const char *arg,
                    Error **errp)
{
    g_autoptr(OptionList) list = parse_options(option, arg, "chardev", errp);
    g_autofree char *chardev = NULL;
    g_autofree char *mode = NULL;

    if (!list) {
        return false;
    }
    chardev = option_list_take(list, "chardev");
    mode = option_list_take(list, "mode");
    if (!check_all_taken(option, list, errp)) {
        return false;
    }
    if (!chardev) {
        error_setg(errp, "-mon: '%s' has no chardev; try: -mon %s", arg,
                   option->argument);
        return false;
    }
    if (g_strcmp0(mode, "control") != 0) {
        error_setg(errp,
                   "-mon: mode '%s': the only monitor is QMP; try: "
                   "-mon chardev=%s,mode=control",
                   mode ? mode : "readline", chardev);
        return false;
    }
    g_ptr_array_add(c->monitors, g_steal_pointer(&chardev));
    return true;
}

static bool opt_name(Cmdline *c, const CmdlineOption *option, const char *arg,
                     Error **errp)
{
    g_autoptr(OptionList) list = parse_options(option, arg, "guest", errp);
    g_autofree char *name = NULL;

    if (!list) {
        return false;
    }
    name = option_list_take(list, "guest");
    if (!check_all_taken(option, list, errp)) {
        return false;
    }
    g_free(c->name);
    c->name = g_steal_pointer(&name);
    return true;
}

static bool opt_trace(Cmdline *c, const CmdlineOption *option, const char *arg,
                      Error **errp)
{
    g_autoptr(OptionList) list = NULL;
    g_autofree char *pattern = NULL;

    if (is_help(arg)) {
        return request(c, CMDLINE_HELP_TRACE, NULL);
    }
    list = parse_options(option, arg, "enable", errp);
    if (!list) {
        return false;
    }
    pattern = option_list_take(list, "enable");
    if (!check_all_taken(option, list, errp)) {
        return false;
    }
    g_ptr_array_add(c->traces, g_steal_pointer(&pattern));
    return true;
}

#define MEMBER(_name) .offset = offsetof(Cmdline, _name)

/* In the order of -help. */
const CmdlineOption cmdline_options[] = {
    {"M", "NAME[,PROPERTY=VALUE...]",
     "the machine: -M help lists them, -M NAME,help their\n"
     "properties; accel=A:B tries accelerators in order,\n"
     "dumpdtb=FILE writes the device tree and ends",
     opt_machine},
    {"machine", "NAME[,PROPERTY=VALUE...]", "the same as -M", opt_machine},
    {"accel", "NAME",
     "what runs the CPUs; given several times, the first one\n"
     "that works; -accel help lists them",
     opt_accel},
    {"cpu", "MODEL", "the CPU model: host (kvm), interp, max", opt_cpu},
    {"m", "SIZE", "guest memory, in MiB or with a suffix (128M)", opt_memory},
    {"smp", "N", "number of CPUs (1)", opt_smp},
    {"kernel", "FILE",
     "an arm64 Image (also gzip), an ELF file or a raw binary", opt_file,
     MEMBER(kernel)},
    {"initrd", "FILE", "the initial ramdisk", opt_file, MEMBER(initrd)},
    {"append", "TEXT", "the kernel's command line", opt_text, MEMBER(append)},
    {"dtb", "FILE",
     "the device tree, used as it is but for /chosen and\n/memory", opt_file,
     MEMBER(dtb)},
    {"device", "TYPE[,id=ID][,PROPERTY=VALUE...]",
     "adds a device: -device help lists the types,\n"
     "-device TYPE,help a type's properties",
     opt_device},
    {"serial", "CHARDEV",
     "where the serial port goes: stdio, mon:stdio, file:PATH,\n"
     "pty, unix:PATH[,server=on][,wait=off], chardev:ID, null\n"
     "or none; mon:stdio with -nographic, else none",
     opt_texts, MEMBER(serials)},
    {"chardev", "BACKEND,id=ID[,PROPERTY=VALUE...]",
     "a character device for -mon, -serial chardev:ID", opt_chardev},
    {"mon", "chardev=ID,mode=control", "a QMP monitor on a -chardev", opt_mon},
    {"qmp", "CHARDEV", "a QMP monitor: unix:PATH,server=on,wait=off", opt_texts,
     MEMBER(qmps)},
    {"nographic", NULL, "-serial mon:stdio, unless -serial is given", opt_flag,
     MEMBER(nographic)},
    {"display", "none", "there is no display: only none", opt_none},
    {"audio", "none", "there is no sound: only none", opt_none},
    {"monitor", "none", "there is no human monitor: only none", opt_none},
    {"no-reboot", NULL, "a reset ends the emulator", opt_flag,
     MEMBER(no_reboot)},
    {"S", NULL, "waits for cont on a QMP monitor or from a debugger", opt_flag,
     MEMBER(paused)},
    {"gdb", "tcp:[HOST]:PORT",
     "serves gdb at this TCP port, of this machine alone unless\n"
     "a HOST is given, or at a socket: unix:PATH",
     opt_file, MEMBER(gdb)},
    {"s", NULL, "short for -gdb tcp::1234", opt_gdb_default},
    {"name", "TEXT", "the guest's name, for query-name", opt_name},
    {"pidfile", "FILE", "the process's id; locked, removed at the end",
     opt_file, MEMBER(pidfile)},
    {"D", "FILE", "the log, instead of standard error", opt_file, MEMBER(log)},
    {"trace", "PATTERN", "enables trace events; -trace help lists them",
     opt_trace},
    {"qtest", "CHARDEV", "serves the qtest protocol", opt_file, MEMBER(qtest)},
    {"qtest-log", "FILE", "logs the qtest protocol (none)", opt_file,
     MEMBER(qtest_log)},
    {"nodefaults", NULL, "-nographic alone gives no serial port", opt_flag,
     MEMBER(nodefaults)},
    {"no-user-config", NULL, "there are no configuration files", opt_flag,
     MEMBER(no_user_config)},
    {"version", NULL, "prints the version", opt_version},
    {"help", NULL, "prints this", opt_help},
    {"h", NULL, "prints this", opt_help},
    {0},
};
