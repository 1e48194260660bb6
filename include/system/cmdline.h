/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>
#include "util/error.h"
#include "util/option.h"

/*
 * The command line, parsed. Parsing looks at nothing but the words themselves:
 * it opens no file, creates no object and knows no type names, so that the
 * same words always give the same result. system/setup.h acts on it.
 */
typedef enum CmdlineAction {
    CMDLINE_RUN,
    CMDLINE_HELP,
    CMDLINE_VERSION,
    CMDLINE_HELP_MACHINES,
    CMDLINE_HELP_MACHINE, /* -M NAME,help */
    CMDLINE_HELP_ACCELS,
    CMDLINE_HELP_CPUS,
    CMDLINE_HELP_DEVICES,
    CMDLINE_HELP_DEVICE, /* -device TYPE,help */
    CMDLINE_HELP_TRACE,
} CmdlineAction;

/** CmdlineItem: a repeatable option with sub-options, as it was written. */
typedef struct CmdlineItem {
    const char *text;    /* for messages; points into argv */
    char *type;          /* of -device and -chardev: the first word */
    char *id;            /* NULL: none given */
    OptionList *options; /* of -device: without the type and the id */
} CmdlineItem;

/** Cmdline: strings without an owner named here point into argv. */
typedef struct Cmdline {
    CmdlineAction action; /* the first one of the line; the rest is ignored */
    char *help_subject;   /* machine or device type of -X NAME,help */

    char *machine;               /* NULL: the default one */
    OptionList *machine_options; /* NULL: none */
    uint64_t ram_size;
    char *cpu; /* NULL: the accelerator's */
    unsigned smp;
    char *accels; /* "kvm:qtest"; NULL: the default ones */
    const char *kernel;
    const char *initrd;
    const char *append;
    const char *dtb;

    GPtrArray *devices;  /* of CmdlineItem; in order, like all arrays here */
    GPtrArray *chardevs; /* of CmdlineItem; type is the backend */
    GPtrArray *monitors; /* of char *: the id of a -chardev */
    GPtrArray *qmps;     /* of const char *: "unix:PATH,server=on" */
    GPtrArray *serials;  /* of const char *: "stdio", "file:PATH" */
    GPtrArray *traces;   /* of char *: patterns */

    const char *gdb; /* "tcp::1234"; NULL: no stub */
    const char *qtest;
    const char *qtest_log;
    const char *log;
    char *name;
    const char *pidfile;
    bool nographic;
    bool nodefaults;
    bool no_reboot;
    bool paused;
    bool no_user_config;
} Cmdline;

/**
 * Parses @argv[1..@argc). Options are written -opt or --opt. The caller frees
 * the result; @argv must live as long. Errors name the option, and the nearest
 * one when it is unknown.
 */
Cmdline *cmdline_parse(int argc, char *const *argv, Error **errp);
/** NULL is fine. */
void cmdline_free(Cmdline *cmdline);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Cmdline, cmdline_free)

/** The text of -help, on standard output. */
void cmdline_print_help(const char *program);
