/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include "system/cmdline.h"

/**
 * The whole program: parses the command line, does what it says and returns
 * the exit status: 0 after help, a guest's power-off, a signal or quit, and 1
 * after one line that says what is wrong.
 */
int system_main(int argc, char **argv);

/** System: what a command line asked for, put together. Machine lock. */
typedef struct System System;

/**
 * Opens the chardevs, chooses the accelerator, builds the machine and its
 * devices, and resets it once. @cmdline must live as long as the result.
 */
System *system_new(const Cmdline *cmdline, Error **errp);
/**
 * Takes all of it down in reverse. NULL is fine, and so is a system that was
 * not finished being built.
 */
void system_free(System *system);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(System, system_free)

/** Starts the machine (unless -S) and runs it to its end; the exit status. */
int system_run(System *system);

/**
 * Prints what a CMDLINE_HELP_* action asks for. False: there is no such type,
 * or standard output does not take it.
 */
bool system_help(const Cmdline *cmdline, const char *program, Error **errp);

/**
 * Sets "OPTION: there is no 'NAME'" with the nearest name, or help, as the way
 * out. The candidates are the types of @base, called without @suffix.
 */
void system_set_unknown(Error **errp, const char *option, const char *name,
                        const char *base, const char *suffix);
