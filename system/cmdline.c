/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: its words are matched with the table of options, and what
 * belongs to no single option (ids) is checked at the end. It is on the path
 * of every start, so it scans arrays instead of building tables.
 */

#include <stdio.h>
#include <string.h>

#include "cmdline-options.h"

#define DEFAULT_RAM_SIZE (128ULL << 20)

void cmdline_item_free(CmdlineItem *item)
{
    if (item) {
        g_free(item->type);
        g_free(item->id);
        option_list_free(item->options);
        g_free(item);
    }
}

bool cmdline_has_id(const GPtrArray *items, const char *id)
{
    for (guint i = 0; i < items->len; i++) {
        const CmdlineItem *item = g_ptr_array_index(items, i);

        if (g_strcmp0(item->id, id) == 0) {
            return true;
        }
    }
    return false;
}

static const CmdlineOption *find_option(const char *name)
{
    for (const CmdlineOption *o = cmdline_options; o->name; o++) {
        if (strcmp(o->name, name) == 0) {
            return o;
        }
    }
    return NULL;
}

static void set_unknown_option(const char *word, const char *name, Error **errp)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    const CmdlineOption *option = cmdline_options;
    const char *nearest;

    do {
        g_ptr_array_add(names, (char *)option->name);
    } while ((option++)->name);
    nearest = nearest_name(name, (const char *const *)names->pdata);
    error_setg(errp, "%s: unknown option; try: -%s", word,
               nearest ? nearest : "help");
}

/* The option that @word is, or NULL with an error. */
static const CmdlineOption *match_option(const char *word, Error **errp)
{
    const CmdlineOption *option;
    const char *name = word;

    if (name[0] == '-') {
        name += name[1] == '-' ? 2 : 1;
    }
    if (name == word || !*name) {
        error_setg(errp, "'%s' is not an option; try: -help", word);
        return NULL;
    }
    option = find_option(name);
    if (!option) {
        set_unknown_option(word, name, errp);
    }
    return option;
}

static Cmdline *cmdline_new(void)
{
    Cmdline *c = g_new0(Cmdline, 1);

    c->ram_size = DEFAULT_RAM_SIZE;
    c->smp = 1;
    c->devices =
        g_ptr_array_new_with_free_func((GDestroyNotify)cmdline_item_free);
    c->chardevs =
        g_ptr_array_new_with_free_func((GDestroyNotify)cmdline_item_free);
    c->monitors = g_ptr_array_new_with_free_func(g_free);
    c->traces = g_ptr_array_new_with_free_func(g_free);
    c->qmps = g_ptr_array_new();
    c->serials = g_ptr_array_new();
    return c;
}

static bool parse_words(Cmdline *c, int argc, char *const *argv, Error **errp)
{
    for (int i = 1; i < argc; i++) {
        const CmdlineOption *option = match_option(argv[i], errp);
        const char *arg = NULL;

        if (!option) {
            return false;
        }
        if (option->argument) {
            if (i + 1 == argc) {
                error_setg(errp, "%s: no argument; try: -%s %s", argv[i],
                           option->name, option->argument);
                return false;
            }
            arg = argv[++i];
        }
        if (!option->parse(c, option, arg, errp)) {
            return false;
        }
    }
    return true;
}

/* Every -mon names a -chardev, wherever that stands on the line. */
static bool check_monitors(const Cmdline *c, Error **errp)
{
    for (guint i = 0; i < c->monitors->len; i++) {
        const char *id = g_ptr_array_index(c->monitors, i);

        if (!cmdline_has_id(c->chardevs, id)) {
            error_setg(errp,
                       "-mon: no chardev '%s'; try: -chardev "
                       "socket,path=PATH,id=%s",
                       id, id);
            return false;
        }
    }
    return true;
}

Cmdline *cmdline_parse(int argc, char *const *argv, Error **errp)
{
    g_autoptr(Cmdline) c = cmdline_new();

    if (!parse_words(c, argc, argv, errp)) {
        return NULL;
    }
    if (c->action == CMDLINE_RUN && !check_monitors(c, errp)) {
        return NULL;
    }
    return g_steal_pointer(&c);
}

void cmdline_free(Cmdline *c)
{
    if (!c) {
        return;
    }
    g_free(c->help_subject);
    g_free(c->machine);
    option_list_free(c->machine_options);
    g_free(c->accels);
    g_free(c->cpu);
    g_free(c->name);
    g_ptr_array_unref(c->devices);
    g_ptr_array_unref(c->chardevs);
    g_ptr_array_unref(c->monitors);
    g_ptr_array_unref(c->traces);
    g_ptr_array_unref(c->qmps);
    g_ptr_array_unref(c->serials);
    g_free(c);
}

static void print_option(const CmdlineOption *option)
{
    g_autofree char *left = g_strdup_printf(
        "-%s %s", option->name, option->argument ? option->argument : "");
    g_auto(GStrv) lines = g_strsplit(option->help, "\n", -1);
    char **line = lines;

    g_strchomp(left);
    if (strlen(left) < 18) {
        printf("%-18s %s\n", left, *line++);
    } else {
        printf("%s\n", left);
    }
    for (; *line; line++) {
        printf("%-18s %s\n", "", *line);
    }
}

void cmdline_print_help(const char *program)
{
    printf("usage: %s -M MACHINE [OPTION...]\n"
           "Emulates a machine with a platform device of the host in it.\n\n",
           program);
    for (const CmdlineOption *o = cmdline_options; o->name; o++) {
        print_option(o);
    }
}
