/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a parsed command line to a machine, and back. The order is the one in
 * which parts need each other: chardevs, accelerator, board, devices, images,
 * first reset, and only then monitors and qtest, which may ask for anything.
 * Down it goes in reverse; system_free() also takes half a system.
 */

#include <string.h>

#include "hw/core/machine.h"
#include "hw/core/reset.h"
#include "system/gdbstub.h"
#include "system/monitor.h"
#include "system/qtest.h"
#include "system/system.h"
#include "system/vm.h"

#define DEFAULT_PHYS_END (1ULL << 40)

/* NamedChardev: of -chardev; one user each. */
typedef struct NamedChardev {
    const char *id;
    Chardev *chr;
    bool used;
} NamedChardev;

struct System {
    const Cmdline *cmdline;
    GArray *named;      /* of NamedChardev */
    GPtrArray *unnamed; /* of Chardev: -serial, -qmp, -qtest */
    Chardev *serial;
    Accel *accel;
    MachineState *machine;
    bool machine_begun; /* init was called: finish must be */
    GPtrArray *devices; /* of DeviceState, with a reference each */
    GPtrArray *monitors;
    QtestServer *qtest;
    GdbServer *gdb;
};

static bool open_named(System *sys, const CmdlineItem *item, Error **errp)
{
    NamedChardev named = {
        .id = item->id,
        .chr = chardev_new_options(item->id, item->options, errp),
    };

    if (!named.chr) {
        error_prepend(errp, "-chardev %s: ", item->text);
        return false;
    }
    g_array_append_val(sys->named, named);
    return true;
}

/* The -chardev @id for its one user, or NULL with an error. */
static Chardev *take_named(System *sys, const char *option, const char *id,
                           Error **errp)
{
    for (guint i = 0; i < sys->named->len; i++) {
        NamedChardev *named = &g_array_index(sys->named, NamedChardev, i);

        if (strcmp(named->id, id) == 0) {
            if (named->used) {
                error_setg(errp, "%s: chardev '%s' has a user already", option,
                           id);
                return NULL;
            }
            named->used = true;
            return named->chr;
        }
    }
    error_setg(errp, "%s: no chardev '%s'; try: -chardev BACKEND,id=%s", option,
               id, id);
    return NULL;
}

/* What @spec, the argument of @option, says; "chardev:ID" is one of those. */
static Chardev *open_unnamed(System *sys, const char *option, const char *label,
                             const char *spec, Error **errp)
{
    Chardev *chr;

    if (g_str_has_prefix(spec, "chardev:")) {
        return take_named(sys, option, spec + strlen("chardev:"), errp);
    }
    chr = chardev_new(label, spec, errp);
    if (!chr) {
        error_prepend(errp, "%s %s: ", option, spec);
        return NULL;
    }
    g_ptr_array_add(sys->unnamed, chr);
    return chr;
}

/* Machines have one serial port, or none: more may only be "none". */
static bool open_serials(System *sys, bool has_port, Error **errp)
{
    const Cmdline *c = sys->cmdline;
    const char *spec = c->nographic && !c->nodefaults ? "mon:stdio" : "none";

    for (guint i = 0; i < c->serials->len; i++) {
        const char *text = g_ptr_array_index(c->serials, i);

        if (i == 0) {
            spec = text;
        }
        if ((i > 0 || !has_port) && strcmp(text, "none") != 0) {
            error_setg(errp,
                       "-serial %s: the machine has %s; try: -serial none",
                       text, has_port ? "one serial port" : "no serial port");
            return false;
        }
    }
    if (!has_port || strcmp(spec, "none") == 0) {
        return true;
    }
    sys->serial = open_unnamed(sys, "-serial", "serial0", spec, errp);
    return sys->serial;
}

static bool open_chardevs(System *sys, Error **errp)
{
    for (guint i = 0; i < sys->cmdline->chardevs->len; i++) {
        if (!open_named(sys, g_ptr_array_index(sys->cmdline->chardevs, i),
                        errp)) {
            return false;
        }
    }
    return true;
}

static void find_default(ObjectClass *klass, void *opaque)
{
    MachineClass **mc = opaque;

    if (MACHINE_CLASS(klass)->is_default) {
        *mc = MACHINE_CLASS(klass);
    }
}

static MachineClass *choose_machine(const Cmdline *c, Error **errp)
{
    MachineClass *mc = NULL;

    if (c->machine) {
        mc = machine_class_find(c->machine);
        if (!mc) {
            system_set_unknown(errp, "-M", c->machine, TYPE_MACHINE,
                               MACHINE_TYPE_NAME(""));
        }
        return mc;
    }
    object_class_foreach(TYPE_MACHINE, find_default, &mc);
    if (!mc) {
        error_setg(errp, "no machine is given; try: -M virt");
    }
    return mc;
}

/* Options that only make sense together, or not on this machine. */
static bool check_config(const Cmdline *c, const MachineClass *mc, Error **errp)
{
    unsigned max_cpus = mc->no_cpus ? 1 : mc->max_cpus;
    const struct {
        const char *option, *value;
    } boot[] = {
        {"-initrd", c->initrd},
        {"-append", c->append},
        {"-dtb", c->dtb},
    };

    if (c->smp > max_cpus) {
        error_setg(errp, "-smp %u: the machine has at most %u CPU%s", c->smp,
                   max_cpus, max_cpus == 1 ? "" : "s");
        return false;
    }
    if (c->gdb && mc->no_cpus) {
        error_setg(errp, "-gdb %s: the machine has no CPU to debug", c->gdb);
        return false;
    }
    if (c->qtest_log && !c->qtest) {
        error_setg(errp, "-qtest-log: only with qtest; try: -qtest CHARDEV");
        return false;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(boot); i++) {
        if (boot[i].value && !c->kernel) {
            error_setg(errp, "%s: only with a kernel; try: -kernel FILE",
                       boot[i].option);
            return false;
        }
    }
    return true;
}

static bool set_options(Object *obj, const OptionList *list, const char *option,
                        Error **errp)
{
    for (guint i = 0; list && i < list->options->len; i++) {
        const Option *o = g_ptr_array_index(list->options, i);

        if (!object_set_property(obj, o->key, o->value, errp)) {
            error_prepend(errp, "%s: ", option);
            return false;
        }
    }
    return true;
}

static bool create_machine(System *sys, MachineClass *mc, Error **errp)
{
    const Cmdline *c = sys->cmdline;

    sys->machine = MACHINE(object_new(OBJECT_CLASS(mc)->type->name));
    sys->machine->config = (MachineConfig){
        .ram_size = c->ram_size,
        .cpu_model = c->cpu,
        .smp = c->smp,
        .kernel = c->kernel,
        .initrd = c->initrd,
        .append = c->append,
        .dtb = c->dtb,
        .serial = sys->serial,
        .no_reboot = c->no_reboot,
    };
    return object_add_child(object_root(), "machine", OBJECT(sys->machine),
                            errp) &&
           set_options(OBJECT(sys->machine), c->machine_options, "-M", errp);
}

/* What can run an arm64 guest here. */
#ifdef __aarch64__
#define DEFAULT_ACCEL "kvm"
#else
#define DEFAULT_ACCEL "interp"
#endif

static bool create_accel(System *sys, const MachineClass *mc, Error **errp)
{
    const char *names = sys->cmdline->accels;
    unsigned max_vcpus;

    if (!names) {
        names = sys->cmdline->qtest ? "qtest" : DEFAULT_ACCEL;
    }
    sys->accel = accel_create(
        names, mc->phys_end ? mc->phys_end(sys->machine) : DEFAULT_PHYS_END,
        errp);
    if (!sys->accel) {
        return false;
    }
    max_vcpus = ACCEL_GET_CLASS(sys->accel)->max_vcpus(sys->accel);
    if (sys->cmdline->smp > max_vcpus) {
        error_setg(errp, "-smp %u: the accelerator has at most %u CPUs",
                   sys->cmdline->smp, max_vcpus);
        return false;
    }
    sys->machine->accel = sys->accel;
    return true;
}

/* As far as the command line tells; what is wrong with it is said later. */
static bool wants_shared_ram(const Cmdline *c)
{
    for (guint i = 0; i < c->devices->len; i++) {
        const CmdlineItem *item = g_ptr_array_index(c->devices, i);
        const ObjectClass *klass = object_class_by_name(item->type);

        if (klass && object_class_is(klass, TYPE_DEVICE) &&
            DEVICE_CLASS(klass)->shares_ram) {
            return true;
        }
    }
    return false;
}

static bool check_device_type(const char *type, Error **errp)
{
    const ObjectClass *klass = object_class_by_name(type);

    if (!klass || klass->type->abstract ||
        !object_class_is(klass, TYPE_DEVICE)) {
        system_set_unknown(errp, "-device", type, TYPE_DEVICE, "");
        return false;
    }
    if (!DEVICE_CLASS(klass)->user_creatable) {
        error_setg(errp,
                   "-device: a '%s' is only a part of machines that have one; "
                   "try: -device help",
                   type);
        return false;
    }
    return true;
}

static bool add_device(System *sys, const CmdlineItem *item, Error **errp)
{
    DeviceState *dev;

    if (!check_device_type(item->type, errp)) {
        return false;
    }
    dev = qdev_new(item->type);
    g_ptr_array_add(sys->devices, dev);
    return machine_place_device(sys->machine, dev, item->id, errp) &&
           set_options(OBJECT(dev), item->options, "-device", errp) &&
           machine_add_device(sys->machine, dev, errp);
}

static bool build_machine(System *sys, MachineClass *mc, Error **errp)
{
    memory_ram_set_shared(wants_shared_ram(sys->cmdline));
    sys->machine_begun = true;
    if (!mc->init(sys->machine, errp)) {
        return false;
    }
    for (guint i = 0; i < sys->cmdline->devices->len; i++) {
        if (!add_device(sys, g_ptr_array_index(sys->cmdline->devices, i),
                        errp)) {
            return false;
        }
    }
    return mc->done(sys->machine, errp);
}

static void add_monitor(System *sys, Chardev *chr)
{
    g_ptr_array_add(sys->monitors, monitor_new(chr));
}

static bool open_monitors(System *sys, Error **errp)
{
    const Cmdline *c = sys->cmdline;
    Chardev *chr;

    monitor_set_guest_name(c->name);
    for (guint i = 0; i < c->monitors->len; i++) {
        chr = take_named(sys, "-mon", g_ptr_array_index(c->monitors, i), errp);
        if (!chr) {
            return false;
        }
        add_monitor(sys, chr);
    }
    for (guint i = 0; i < c->qmps->len; i++) {
        chr = open_unnamed(sys, "-qmp", "qmp", g_ptr_array_index(c->qmps, i),
                           errp);
        if (!chr) {
            return false;
        }
        add_monitor(sys, chr);
    }
    return true;
}

static bool open_qtest(System *sys, Error **errp)
{
    const Cmdline *c = sys->cmdline;
    Chardev *chr;

    if (!c->qtest) {
        return true;
    }
    chr = open_unnamed(sys, "-qtest", "qtest", c->qtest, errp);
    if (!chr) {
        return false;
    }
    sys->qtest = qtest_server_new(chr, c->qtest_log, errp);
    return sys->qtest;
}

static bool open_gdb(System *sys, Error **errp)
{
    const Cmdline *c = sys->cmdline;

    if (!c->gdb) {
        return true;
    }
    sys->gdb = gdb_server_new(c->gdb, sys->accel, c->smp, errp);
    if (!sys->gdb) {
        error_prepend(errp, "-gdb %s: ", c->gdb);
    }
    return sys->gdb;
}

System *system_new(const Cmdline *cmdline, Error **errp)
{
    g_autoptr(System) sys = g_new0(System, 1);
    MachineClass *mc = choose_machine(cmdline, errp);

    sys->cmdline = cmdline;
    sys->named = g_array_new(FALSE, FALSE, sizeof(NamedChardev));
    sys->unnamed = g_ptr_array_new_with_free_func((GDestroyNotify)chardev_free);
    sys->devices = g_ptr_array_new();
    sys->monitors =
        g_ptr_array_new_with_free_func((GDestroyNotify)monitor_free);
    if (!mc || !check_config(cmdline, mc, errp) || !open_chardevs(sys, errp) ||
        !open_serials(sys, !mc->no_cpus, errp) ||
        !create_machine(sys, mc, errp) || !create_accel(sys, mc, errp)) {
        return NULL;
    }
    vm_init(sys->accel, cmdline->no_reboot);
    if (!build_machine(sys, mc, errp)) {
        return NULL;
    }
    if (sys->machine->finished) {
        return g_steal_pointer(&sys);
    }
    reset_all();
    if (!open_monitors(sys, errp) || !open_qtest(sys, errp) ||
        !open_gdb(sys, errp)) {
        return NULL;
    }
    return g_steal_pointer(&sys);
}

int system_run(System *sys)
{
    if (sys->machine->finished) {
        return 0;
    }
    return vm_run(!sys->cmdline->paused);
}

static void free_devices(System *sys)
{
    for (guint i = sys->devices->len; i > 0; i--) {
        Object *obj = g_ptr_array_index(sys->devices, i - 1);

        object_unparent(obj);
        object_unref(obj);
    }
    g_ptr_array_unref(sys->devices);
}

static void free_machine(System *sys)
{
    if (sys->machine_begun) {
        MACHINE_GET_CLASS(sys->machine)->finish(sys->machine);
    }
    if (sys->machine) {
        object_unparent(OBJECT(sys->machine));
        object_unref(OBJECT(sys->machine));
    }
}

void system_free(System *sys)
{
    if (!sys) {
        return;
    }
    gdb_server_free(sys->gdb);
    qtest_server_free(sys->qtest);
    g_ptr_array_unref(sys->monitors);
    free_devices(sys);
    free_machine(sys);
    vm_finish();
    accel_destroy(sys->accel);
    g_ptr_array_unref(sys->unnamed);
    for (guint i = 0; i < sys->named->len; i++) {
        chardev_free(g_array_index(sys->named, NamedChardev, i).chr);
    }
    g_array_unref(sys->named);
    monitor_set_guest_name(NULL);
    g_free(sys);
}
