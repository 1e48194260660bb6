/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A case of the differential test on which the two sides differ, as small as
 * it gets, and for a person; see diff-show.h.
 */

#include "diff-show.h"

#include <stdio.h>
#include <string.h>

#include "util/error.h"

#define NOP 0xd503201fu

static bool still(DiffJudge *judge, const DiffCase *c)
{
    DiffVerdict verdict;
    DiffResult oracle, ours;

    return !diff_judge(judge, c, 1, &verdict, &oracle, &ours, NULL) ||
           verdict == DIFF_DIFFERENT;
}

/* Sets @size bytes of @c at @at to @value's, if it still differs then. */
static void try(DiffJudge *judge, DiffCase *c, size_t at, const void *value,
                size_t size)
{
    DiffCase smaller = *c;

    memcpy((char *)&smaller + at, value, size);
    if (memcmp(&smaller, c, sizeof(*c)) && still(judge, &smaller)) {
        *c = smaller;
    }
}

void diff_minimise(DiffJudge *judge, DiffCase *c)
{
    static const uint64_t zero[2];

    for (unsigned i = 0; i < c->words; i++) {
        try(judge, c, G_STRUCT_OFFSET(DiffCase, code[i]), &(uint32_t){NOP}, 4);
    }
    for (unsigned i = 0; i < 31; i++) {
        try(judge, c, G_STRUCT_OFFSET(DiffCase, state.x[i]), zero, 8);
    }
    for (unsigned i = 0; i < 32; i++) {
        try(judge, c, G_STRUCT_OFFSET(DiffCase, state.v[i]), zero, 16);
        try(judge, c, G_STRUCT_OFFSET(DiffCase, state.v[i][0]), zero, 8);
        try(judge, c, G_STRUCT_OFFSET(DiffCase, state.v[i][1]), zero, 8);
    }
    try(judge, c, G_STRUCT_OFFSET(DiffCase, state.sp), zero, 8);
    try(judge, c, G_STRUCT_OFFSET(DiffCase, state.tpidr), zero, 8);
    try(judge, c, G_STRUCT_OFFSET(DiffCase, state.nzcv), zero, 4);
    try(judge, c, G_STRUCT_OFFSET(DiffCase, state.fpcr), zero, 4);
    try(judge, c, G_STRUCT_OFFSET(DiffCase, state.fpsr), zero, 4);
}

/* Where there is no objdump, the words must do. */
static void print_code(const DiffCase *c)
{
    g_autofree char *path = NULL, *out = NULL;
    g_autofree char *vma =
        g_strdup_printf("--adjust-vma=0x%llx", (unsigned long long)DIFF_START);
    int fd = g_file_open_tmp("diff-XXXXXX", &path, NULL);
    g_autofree char *command = NULL;
    g_auto(GStrv) argv = NULL;
    const char *at;

    command = g_strconcat("aarch64-linux-gnu-objdump -D -b binary -m aarch64 ",
                          vma, " ", path, NULL);
    if (fd >= 0 && write(fd, c->code, c->words * 4) == c->words * 4 &&
        g_shell_parse_argv(command, NULL, &argv, NULL)) {
        g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out,
                     NULL, NULL, NULL);
    }
    if (fd >= 0) {
        close(fd);
        unlink(path);
    }
    at = out ? strstr(out, "<.data>:\n") : NULL;
    if (!at) {
        for (unsigned i = 0; i < c->words; i++) {
            printf("#   %08x\n", c->code[i]);
        }
        return;
    }
    for (at = strchr(at, '\n') + 1; *at; at = strchr(at, '\n') + 1) {
        printf("# %.*s\n", (int)(strchr(at, '\n') - at), at);
    }
}

static void print_x(unsigned i, uint64_t value)
{
    printf(" x%u=%#" G_GINT64_MODIFIER "x", i, value);
}

static void print_v(unsigned i, const uint64_t value[2])
{
    printf(" v%u=%016" G_GINT64_MODIFIER "x:%016" G_GINT64_MODIFIER "x", i,
           value[1], value[0]);
}

static void print_word(const char *name, uint64_t value)
{
    printf(" %s=%#" G_GINT64_MODIFIER "x", name, value);
}

/* What of @state is not as in @other. */
static void print_state(const DiffState *state, const DiffState *other)
{
    const struct {
        const char *name;
        uint64_t value, other;
    } words[] = {
        {"sp", state->sp, other->sp},
        {"pc", state->pc, other->pc},
        {"nzcv", state->nzcv, other->nzcv},
        {"fpcr", state->fpcr, other->fpcr},
        {"fpsr", state->fpsr, other->fpsr},
        {"tpidr", state->tpidr, other->tpidr},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        if (words[i].value != words[i].other) {
            print_word(words[i].name, words[i].value);
        }
    }
    for (unsigned i = 0; i < 31; i++) {
        if (state->x[i] != other->x[i]) {
            print_x(i, state->x[i]);
        }
    }
    for (unsigned i = 0; i < 32; i++) {
        if (memcmp(state->v[i], other->v[i], 16)) {
            print_v(i, state->v[i]);
        }
    }
}

static const char *stop_name(unsigned stop)
{
    static const char *const names[] = {
        [DIFF_STOP_END] = "ran",
        [DIFF_STOP_ILL] = "SIGILL",
        [DIFF_STOP_SEGV] = "SIGSEGV",
        [DIFF_STOP_BUS] = "SIGBUS",
        [DIFF_STOP_TRAP] = "SIGTRAP",
        [DIFF_STOP_TIMEOUT] = "does not end",
        [DIFF_STOP_OTHER] = "another exception",
    };

    return stop < G_N_ELEMENTS(names) ? names[stop] : "?";
}

static void print_result(const char *who, const DiffResult *result,
                         const DiffResult *other)
{
    printf("# %s: %s", who, stop_name(result->stop));
    if (result->fault != other->fault) {
        print_word("fault", result->fault);
    }
    print_state(&result->state, &other->state);
    if (result->changed != other->changed || result->hash != other->hash) {
        printf(" memory:");
        for (unsigned i = 0; i < MIN(result->changed, DIFF_CHANGES); i++) {
            printf(" [%#" G_GINT64_MODIFIER "x]=%#" G_GINT64_MODIFIER "x",
                   (uint64_t)DIFF_DATA + result->change[i].offset,
                   result->change[i].value);
        }
    }
    putchar('\n');
}

void diff_show(DiffJudge *judge, const DiffCase *c)
{
    static const DiffState zero;
    DiffVerdict verdict;
    DiffResult oracle, ours;
    Error *err = NULL;

    print_code(c);
    printf("# before:");
    print_state(&c->state, &zero);
    putchar('\n');
    if (!diff_judge(judge, c, 1, &verdict, &oracle, &ours, &err)) {
        printf("# %s\n", error_get_pretty(err));
        error_free(err);
        return;
    }
    print_result(judge->oracle.name, &oracle, &ours);
    print_result(judge->ours.name, &ours, &oracle);
}
