/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main() for a fuzz target without libFuzzer: feeds every file of the
 * directories given, in the order of their names, and reports TAP. An input
 * lies in a block of exactly its size, so that ASan sees an overrun of one
 * byte. An empty directory fails: it is more likely a wrong path.
 */

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "fuzz.h"

#pragma weak LLVMFuzzerInitialize

static bool replay_file(const char *path)
{
    g_autofree char *text = NULL;
    g_autofree uint8_t *data = NULL;
    gsize size;

    if (!g_file_get_contents(path, &text, &size, NULL)) {
        return false;
    }
    data = malloc(size);
    if (size > 0) {
        memcpy(data, text, size);
    }
    return LLVMFuzzerTestOneInput(data, size) == 0;
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Adds to *@count; false when something was wrong with the directory. */
static bool replay_directory(const char *directory, int *count)
{
    struct dirent **entries;
    int found = scandir(directory, &entries, not_hidden, alphasort);
    bool ok = found > 0;

    if (!ok) {
        printf("Bail out! %s: %s\n", directory,
               found < 0 ? strerror(errno) : "no inputs");
    }
    for (int i = 0; i < found; i++) {
        g_autofree char *path =
            g_build_filename(directory, entries[i]->d_name, NULL);
        bool fed = replay_file(path);

        printf("%sok %d %s\n", fed ? "" : "not ", ++*count, entries[i]->d_name);
        fflush(stdout);
        ok = ok && fed;
        free(entries[i]);
    }
    if (found >= 0) {
        free(entries);
    }
    return ok;
}

int main(int argc, char **argv)
{
    bool ok = argc > 1;
    int count = 0;

    if (LLVMFuzzerInitialize) {
        LLVMFuzzerInitialize(&argc, &argv);
    }
    for (int i = 1; i < argc; i++) {
        ok = replay_directory(argv[i], &count) && ok;
    }
    printf("1..%d\n", count);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
