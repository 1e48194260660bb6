/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmdline.c: what words become, and what each wrong word is answered with. The
 * errors that need types or files are in tests/qtest/test-cmdline.c.
 */

#include <string.h>

#include "system/cmdline.h"

#define MIB (1024ULL * 1024)

/* Parsed words; the strings of a Cmdline point into argv. */
typedef struct Parsed {
    char **argv;
    Cmdline *cmdline;
    Error *err;
} Parsed;

static void parsed_clear(Parsed *p)
{
    cmdline_free(p->cmdline);
    error_free(p->err);
    g_strfreev(p->argv);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Parsed, parsed_clear)

/* Words are separated by blanks; there are no quotes. */
static void parse(Parsed *p, const char *line)
{
    g_autofree char *text = g_strconcat("platypus ", line, NULL);

    g_strchomp(text);
    p->argv = g_strsplit(text, " ", -1);
    p->cmdline = cmdline_parse(g_strv_length(p->argv), p->argv, &p->err);
    g_assert_true(!p->cmdline == !!p->err);
}

static const Cmdline *parse_ok(Parsed *p, const char *line)
{
    parse(p, line);
    if (p->err) {
        g_error("%s: %s", line, error_get_pretty(p->err));
    }
    return p->cmdline;
}

static void test_defaults(void)
{
    g_auto(Parsed) p = {0};
    const Cmdline *c = parse_ok(&p, "");

    g_assert_cmpint(c->action, ==, CMDLINE_RUN);
    g_assert_null(c->machine);
    g_assert_null(c->accels);
    g_assert_cmpuint(c->ram_size, ==, 128 * MIB);
    g_assert_cmpuint(c->smp, ==, 1);
    g_assert_false(c->nographic || c->paused || c->no_reboot || c->nodefaults);
    g_assert_cmpuint(c->devices->len, ==, 0);
}

static void test_values(void)
{
    g_auto(Parsed) p = {0};
    const Cmdline *c = parse_ok(
        &p, "-kernel k --initrd i -append console=ttyAMA0,115200 -dtb d "
            "-D log -pidfile pid -name guest=n -qtest unix:q -qtest-log l "
            "-nographic -no-reboot -S -nodefaults -no-user-config "
            "-serial stdio -serial none -qmp unix:m -trace a* "
            "-trace enable=b* -display none -audio none -monitor none "
            "-cpu host -kernel k2");

    g_assert_cmpstr(c->kernel, ==, "k2");
    g_assert_cmpstr(c->initrd, ==, "i");
    g_assert_cmpstr(c->append, ==, "console=ttyAMA0,115200");
    g_assert_cmpstr(c->dtb, ==, "d");
    g_assert_cmpstr(c->log, ==, "log");
    g_assert_cmpstr(c->pidfile, ==, "pid");
    g_assert_cmpstr(c->name, ==, "n");
    g_assert_cmpstr(c->qtest, ==, "unix:q");
    g_assert_cmpstr(c->qtest_log, ==, "l");
    g_assert_true(c->nographic && c->no_reboot && c->paused && c->nodefaults);
    g_assert_cmpuint(c->serials->len, ==, 2);
    g_assert_cmpstr(g_ptr_array_index(c->serials, 0), ==, "stdio");
    g_assert_cmpstr(g_ptr_array_index(c->qmps, 0), ==, "unix:m");
    g_assert_cmpstr(g_ptr_array_index(c->traces, 0), ==, "a*");
    g_assert_cmpstr(g_ptr_array_index(c->traces, 1), ==, "b*");
}

static void test_machine(void)
{
    g_auto(Parsed) p = {0};
    const Cmdline *c =
        parse_ok(&p, "-M virt,rtc=off -machine dumpdtb=f,accel=kvm:qtest");

    g_assert_cmpstr(c->machine, ==, "virt");
    g_assert_cmpstr(c->accels, ==, "kvm:qtest");
    g_assert_cmpuint(c->machine_options->options->len, ==, 2);
    g_assert_cmpstr(option_list_get(c->machine_options, "rtc"), ==, "off");
    g_assert_cmpstr(option_list_get(c->machine_options, "dumpdtb"), ==, "f");
}

static void test_machine_again(void)
{
    g_auto(Parsed) p = {0};
    const Cmdline *c = parse_ok(&p, "-M none -M type=virt");

    g_assert_cmpstr(c->machine, ==, "virt");
    g_assert_cmpuint(c->machine_options->options->len, ==, 0);
}

static void test_accels(void)
{
    g_auto(Parsed) p = {0};
    const Cmdline *c = parse_ok(&p, "-accel kvm -accel accel=qtest");

    g_assert_cmpstr(c->accels, ==, "kvm:qtest");
}

static void check_memory(const char *line, uint64_t size)
{
    g_auto(Parsed) p = {0};

    g_assert_cmpuint(parse_ok(&p, line)->ram_size, ==, size);
}

static void test_memory(void)
{
    check_memory("-m 1", MIB);
    check_memory("-m 0x200", 512 * MIB);
    check_memory("-m 2G", 2048 * MIB);
    check_memory("-m size=64k", 65536);
    check_memory("-m 64T", 64 * MIB * MIB);
}

static void test_smp(void)
{
    g_auto(Parsed) p = {0};
    g_auto(Parsed) q = {0};

    g_assert_cmpuint(parse_ok(&p, "-smp 4")->smp, ==, 4);
    g_assert_cmpuint(parse_ok(&q, "-smp cpus=8")->smp, ==, 8);
}

static void test_devices(void)
{
    g_auto(Parsed) p = {0};
    const Cmdline *c = parse_ok(&p, "-device a,id=x,p=1 -device driver=b "
                                    "-device a");
    const CmdlineItem *a = g_ptr_array_index(c->devices, 0);
    const CmdlineItem *b = g_ptr_array_index(c->devices, 1);

    g_assert_cmpuint(c->devices->len, ==, 3);
    g_assert_cmpstr(a->type, ==, "a");
    g_assert_cmpstr(a->id, ==, "x");
    g_assert_cmpuint(a->options->options->len, ==, 1);
    g_assert_cmpstr(option_list_get(a->options, "p"), ==, "1");
    g_assert_cmpstr(b->type, ==, "b");
    g_assert_null(b->id);
}

/* A -mon may stand before its -chardev. */
static void test_monitor(void)
{
    g_auto(Parsed) p = {0};
    const Cmdline *c = parse_ok(&p, "-mon char0,mode=control "
                                    "-chardev socket,path=x,id=char0");
    const CmdlineItem *chardev = g_ptr_array_index(c->chardevs, 0);

    g_assert_cmpstr(g_ptr_array_index(c->monitors, 0), ==, "char0");
    g_assert_cmpstr(chardev->type, ==, "socket");
    g_assert_cmpstr(chardev->id, ==, "char0");
    g_assert_cmpstr(option_list_get(chardev->options, "path"), ==, "x");
}

static void check_gdb(const char *line, const char *gdb)
{
    g_auto(Parsed) p = {0};

    g_assert_cmpstr(parse_ok(&p, line)->gdb, ==, gdb);
}

static void test_gdb(void)
{
    check_gdb("", NULL);
    check_gdb("-S", NULL);
    check_gdb("-s -S", "tcp::1234");
    check_gdb("-gdb unix:a,,b", "unix:a,,b");
    /* The last one counts. */
    check_gdb("-s -gdb tcp::5", "tcp::5");
    check_gdb("-gdb tcp::5 -s", "tcp::1234");
}

static void check_action(const char *line, CmdlineAction action,
                         const char *subject)
{
    g_auto(Parsed) p = {0};
    const Cmdline *c = parse_ok(&p, line);

    g_assert_cmpint(c->action, ==, action);
    g_assert_cmpstr(c->help_subject, ==, subject);
}

static void test_actions(void)
{
    check_action("-help", CMDLINE_HELP, NULL);
    check_action("--help -version", CMDLINE_HELP, NULL);
    check_action("-h", CMDLINE_HELP, NULL);
    check_action("-version", CMDLINE_VERSION, NULL);
    check_action("-M help", CMDLINE_HELP_MACHINES, NULL);
    check_action("-M ?", CMDLINE_HELP_MACHINES, NULL);
    check_action("-M virt,help", CMDLINE_HELP_MACHINE, "virt");
    check_action("-accel help", CMDLINE_HELP_ACCELS, NULL);
    check_action("-cpu help", CMDLINE_HELP_CPUS, NULL);
    check_action("-device help", CMDLINE_HELP_DEVICES, NULL);
    check_action("-device pl031,help", CMDLINE_HELP_DEVICE, "pl031");
    check_action("-trace help", CMDLINE_HELP_TRACE, NULL);
    /* A help request does not ask for the rest to be complete. */
    check_action("-mon chardev=x,mode=control -help", CMDLINE_HELP, NULL);
}

static void test_errors(void)
{
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"virt", "'virt' is not an option; try: -help"},
        {"-", "'-' is not an option; try: -help"},
        {"--", "'--' is not an option; try: -help"},
        {"-kernal x", "-kernal: unknown option; try: -kernel"},
        {"--no-reboo", "--no-reboo: unknown option; try: -no-reboot"},
        {"-zzzzzzzzzz", "-zzzzzzzzzz: unknown option; try: -help"},
        {"-kernel", "-kernel: no argument; try: -kernel FILE"},
        {"-M", "-M: no argument; try: -M NAME[,PROPERTY=VALUE...]"},
        {"-M a,,", NULL},
        {"-M  -S", "-M: empty; try: -M NAME[,PROPERTY=VALUE...]"},
        {"-smp  -S", "-smp: empty; try: -smp N"},
        {"-M ,", "-M: ',': empty word between commas"},
        {"-m 12Q", "-m: '12Q' is not a size; try: 512M, 2G or 0x1000"},
        {"-m -1", "-m: '-1' is not a size; try: 512M, 2G or 0x1000"},
        {"-m 0", "-m: '0' is not a multiple of 64k above 0; try: -m 512M"},
        {"-m 65537b",
         "-m: '65537b' is not a multiple of 64k above 0; try: -m 512M"},
        {"-m 65T", "-m: '65T' is more than 70368744177664 (0x400000000000)"},
        {"-m 99999999999999999999",
         "-m: '99999999999999999999' is more than 70368744177664 "
         "(0x400000000000)"},
        {"-m size=1G,slots=2", "-m: unknown property 'slots'; try: -m SIZE"},
        {"-m slots=2", "-m: 'slots=2' has no size; try: -m 512M"},
        {"-smp 0", "-smp: a machine has at least 1 CPU"},
        {"-smp x", "-smp: 'x' is not a number"},
        {"-smp 5000", "-smp: '5000' is more than 4096 (0x1000)"},
        {"-smp 2,sockets=1", "-smp: unknown property 'sockets'; try: -smp N"},
        {"-smp sockets=1", "-smp: 'sockets=1' has no cpus; try: -smp 2"},
        {"-cpu cortex-a57", "-cpu: no CPU model 'cortex-a57'; try: -cpu max"},
        {"-accel kvm,x=1", "-accel: unknown property 'x'; try: -accel NAME"},
        {"-accel x=1", "-accel: 'x=1' names no accelerator; try: -accel help"},
        {"-display gtk", "-display: there is no 'gtk'; try: -display none"},
        {"-device a,id=1x", "-device: '1x' is not an id: a letter, then "
                            "letters, digits, '-', '.' and '_'"},
        {"-device a,id=x -device b,id=x", "-device: the id 'x' is given twice"},
        {"-device id=x", "-device: 'id=x' has no driver; try: -device "
                         "TYPE[,id=ID][,PROPERTY=VALUE...]"},
        {"-chardev null", "-chardev: 'null' has no id; try: -chardev "
                          "null,id=char0"},
        {"-chardev null,id=a -chardev null,id=a",
         "-chardev: the id 'a' is given twice"},
        {"-chardev id=a", "-chardev: 'id=a' has no backend; try: -chardev "
                          "BACKEND,id=ID[,PROPERTY=VALUE...]"},
        {"-mon chardev=c,mode=control",
         "-mon: no chardev 'c'; try: -chardev socket,path=PATH,id=c"},
        {"-mon chardev=c", "-mon: mode 'readline': the only monitor is QMP; "
                           "try: -mon chardev=c,mode=control"},
        {"-mon mode=control", "-mon: 'mode=control' has no chardev; try: "
                              "-mon chardev=ID,mode=control"},
        {"-mon c,mode=control,x=1", "-mon: unknown property 'x'; try: -mon "
                                    "chardev=ID,mode=control"},
        {"-name guest=a,x=1", "-name: unknown property 'x'; try: -name TEXT"},
        {"-trace file=x", "-trace: unknown property 'file'; try: -trace "
                          "PATTERN"},
        {"-trace enable=x,file=y",
         "-trace: unknown property 'file'; try: -trace PATTERN"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(Parsed) p = {0};

        parse(&p, cases[i].line);
        g_assert_cmpstr(p.err ? error_get_pretty(p.err) : NULL, ==,
                        cases[i].message);
    }
}

static void check_empty(const char *option, const char *argument)
{
    char *argv[] = {(char *)"platypus", (char *)option, (char *)""};
    g_autofree char *message =
        g_strdup_printf("%s: empty; try: %s %s", option, option, argument);
    g_autoptr(Error) err = NULL;

    g_assert_null(cmdline_parse(3, argv, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, message);
}

static void test_empty(void)
{
    check_empty("-kernel", "FILE");
    check_empty("-serial", "CHARDEV");
    check_empty("-D", "FILE");
    check_empty("-gdb", "tcp:[HOST]:PORT");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cmdline/defaults", test_defaults);
    g_test_add_func("/cmdline/values", test_values);
    g_test_add_func("/cmdline/machine", test_machine);
    g_test_add_func("/cmdline/machine-again", test_machine_again);
    g_test_add_func("/cmdline/accels", test_accels);
    g_test_add_func("/cmdline/memory", test_memory);
    g_test_add_func("/cmdline/smp", test_smp);
    g_test_add_func("/cmdline/devices", test_devices);
    g_test_add_func("/cmdline/monitor", test_monitor);
    g_test_add_func("/cmdline/gdb", test_gdb);
    g_test_add_func("/cmdline/actions", test_actions);
    g_test_add_func("/cmdline/errors", test_errors);
    g_test_add_func("/cmdline/empty", test_empty);
    return g_test_run();
}
