/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The differential test of the software CPU at EL0: random instructions on
 * random operands, by our CPU and by an oracle (qemu-aarch64), must leave the
 * same registers, flags and memory. docs/testing.md has how to use it.
 *
 * Every class of instructions draws its cases from the seed and its own name:
 * one class alone shows what it showed among the others.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "diff-gen.h"
#include "diff-show.h"
#include "diff-values.h"
#include "util/error.h"

enum {
    GOOD_WORDS = 64, /* tried of each line, for sequences */
    MAX_DEATHS = 5,  /* of a program in a class: it costs time */
    MAX_DEADLY = 3,  /* classes with as many */
};

typedef struct Options {
    char *class;
    char *oracle;
    char *v8_0;
    char *ours;
    char *spoil;
    int sets;
    int sequences;
    int seed;
    int shown;
    gboolean tap;
    gboolean list;
} Options;

typedef struct Counts {
    unsigned sets;
    unsigned ran;       /* to the end, or to a BRK */
    unsigned undefined; /* on both sides */
    unsigned later;
    unsigned differences;
    unsigned deaths; /* of a program */
} Counts;

static const DiffClass special_classes[] = {
    {"sequences", DIFF_SEQUENCE, NULL},
    {"exclusive sequences", DIFF_EXCLUSIVE, NULL},
    {"unallocated", DIFF_UNALLOCATED, NULL},
    {"not implemented", DIFF_MISSING, NULL},
};

static void show(DiffJudge *judge, const DiffCase *c, bool died)
{
    DiffCase smaller = *c;

    if (!died) {
        diff_minimise(judge, &smaller);
    }
    diff_show(judge, &smaller);
    fflush(stdout);
}

static void count(Counts *counts, DiffVerdict verdict, const DiffResult *oracle)
{
    counts->sets++;
    counts->ran +=
        oracle->stop == DIFF_STOP_END || oracle->stop == DIFF_STOP_TRAP;
    counts->undefined += oracle->stop == DIFF_STOP_ILL;
    counts->later += verdict == DIFF_LATER;
    counts->differences += verdict == DIFF_DIFFERENT;
}

/* A program died of one of @n cases: which? */
static void one_by_one(DiffJudge *judge, const DiffCase *cases, unsigned n,
                       Counts *counts, int *to_show)
{
    DiffVerdict verdict;
    DiffResult oracle, ours;

    for (unsigned i = 0; i < n; i++) {
        if (diff_judge(judge, &cases[i], 1, &verdict, &oracle, &ours, NULL)) {
            count(counts, verdict, &oracle);
            continue;
        }
        counts->sets++;
        counts->differences++;
        if (++counts->deaths == MAX_DEATHS) {
            return;
        }
        if (*to_show > 0) {
            --*to_show;
            show(judge, &cases[i], true);
        }
    }
}

static bool batch(DiffJudge *judge, const DiffClass *class, unsigned n,
                  Counts *counts, int *to_show, uint64_t *random)
{
    static DiffCase cases[DIFF_BATCH];
    static DiffResult oracle[DIFF_BATCH], ours[DIFF_BATCH];
    DiffVerdict verdicts[DIFF_BATCH];

    if (!diff_generate(class, cases, n, random)) {
        return false;
    }
    if (!diff_judge(judge, cases, n, verdicts, oracle, ours, NULL)) {
        one_by_one(judge, cases, n, counts, to_show);
        return true;
    }
    for (unsigned i = 0; i < n; i++) {
        count(counts, verdicts[i], &oracle[i]);
        if (verdicts[i] == DIFF_DIFFERENT && *to_show > 0) {
            --*to_show;
            show(judge, &cases[i], false);
        }
    }
    return true;
}

/* What both sides run alike, of the words of @line. */
static bool find_good_words(DiffJudge *judge, DiffLine *line, uint64_t *random,
                            Error **errp)
{
    const DiffClass class = {line->name, DIFF_LINE, line};
    DiffCase cases[GOOD_WORDS];
    DiffResult oracle[GOOD_WORDS], ours[GOOD_WORDS];
    DiffVerdict verdicts[GOOD_WORDS];

    if (line->missing || line->good ||
        !diff_generate(&class, cases, GOOD_WORDS, random)) {
        return true;
    }
    if (!diff_judge(judge, cases, GOOD_WORDS, verdicts, oracle, ours, errp)) {
        return false;
    }
    line->good = g_new(uint32_t, GOOD_WORDS);
    for (unsigned i = 0; i < GOOD_WORDS; i++) {
        if (verdicts[i] == DIFF_EQUAL && oracle[i].stop == DIFF_STOP_END) {
            line->good[line->num_good++] = cases[i].code[0];
        }
    }
    return true;
}

static bool find_all_good_words(DiffJudge *judge, uint64_t *random)
{
    Error *err = NULL;

    for (unsigned i = 0; i < num_diff_lines; i++) {
        if (!find_good_words(judge, &diff_lines[i], random, &err)) {
            printf("# %s: %s\n", diff_lines[i].name, error_get_pretty(err));
            error_free(err);
            return false;
        }
    }
    return true;
}

static void report(const DiffClass *class, const Counts *counts,
                   const Options *options, unsigned number)
{
    if (options->tap) {
        printf("%sok %u - %s\n", counts->differences ? "not " : "", number,
               class->name);
    } else {
        printf("%-32s %7u sets %7u ran %7u undefined %6u later %6u "
               "differences\n",
               class->name, counts->sets, counts->ran, counts->undefined,
               counts->later, counts->differences);
    }
    fflush(stdout);
}

/*
 * As many sets as wanted of those that are defined; an encoding that seldom is
 * gets no more than so many times that.
 */
static bool enough(const DiffClass *class, const Counts *counts,
                   unsigned wanted)
{
    if (counts->deaths >= MAX_DEATHS) {
        return true;
    }
    if (class->kind != DIFF_LINE) {
        return counts->sets >= wanted;
    }
    return counts->sets - counts->undefined >= wanted ||
           counts->sets >= 8 * wanted ||
           (counts->sets >= wanted && counts->sets == counts->undefined);
}

/* What happened in it. */
static Counts run_class(DiffJudge *judge, const DiffClass *class,
                        const Options *options, unsigned number)
{
    uint64_t random = (uint64_t)options->seed << 32 | g_str_hash(class->name);
    int to_show = options->shown;
    unsigned wanted = options->sets;
    Counts counts = {0};

    random |= 1;
    judge->undefined = class->kind == DIFF_MISSING;
    if (class->kind != DIFF_LINE) {
        wanted = options->sequences;
    } else {
        random ^= (uint64_t)g_str_hash(class->line->pattern) << 1;
    }
    if (class->kind == DIFF_SEQUENCE && !find_all_good_words(judge, &random)) {
        counts.differences = 1;
        counts.deaths = MAX_DEATHS;
    }
    while (!enough(class, &counts, wanted) &&
           batch(judge, class, MIN(wanted, DIFF_BATCH), &counts, &to_show,
                 &random)) {
    }
    report(class, &counts, options, number);
    return counts;
}

static bool is_tested(const DiffLine *line)
{
    const DiffClass class = {line->name, DIFF_LINE, line};
    uint64_t random = 1;
    DiffCase c;

    return !line->missing && diff_generate(&class, &c, 1, &random);
}

/* Those of the table that this CPU has and that can be tested, and more. */
static GArray *all_classes(const char *pattern)
{
    GArray *classes = g_array_new(false, false, sizeof(DiffClass));

    for (unsigned i = 0; i < num_diff_lines; i++) {
        DiffClass class = {diff_lines[i].name, DIFF_LINE, &diff_lines[i]};

        if (g_pattern_match_simple(pattern, class.name) &&
            is_tested(class.line)) {
            g_array_append_val(classes, class);
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(special_classes); i++) {
        if (g_pattern_match_simple(pattern, special_classes[i].name)) {
            g_array_append_val(classes, special_classes[i]);
        }
    }
    return classes;
}

/* What was not said: the programs beside this one. */
static void default_commands(Options *options, const char *program)
{
    g_autofree char *beside = g_path_get_dirname(program);
    g_autofree char *quoted = g_shell_quote(beside);

    /*
     * Without pointer authentication, of which some instructions are hints to
     * an older CPU, and without SVE, whose part of a signal's context would
     * replace the vector registers that the oracle sets.
     */
    if (!options->oracle) {
        options->oracle = g_strdup_printf(
            "qemu-aarch64 -cpu max,pauth=off,sve=off %s/oracle", quoted);
    }
    if (!options->v8_0) {
        options->v8_0 =
            g_strdup_printf("qemu-aarch64 -cpu cortex-a57 %s/oracle", quoted);
    }
    if (!options->ours) {
        options->ours = g_strdup_printf("%s/diff-ours", quoted);
    }
}

static void options_finish(Options *options)
{
    g_free(options->class);
    g_free(options->oracle);
    g_free(options->v8_0);
    g_free(options->ours);
    g_free(options->spoil);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_finish)

static int run(const Options *options, GArray *classes)
{
    DiffJudge judge = {
        .oracle = {.name = "oracle", .command = options->oracle},
        .v8_0 = {.name = "oracle of v8.0", .command = options->v8_0},
        .ours = {.name = "ours", .command = options->ours},
        .spoil = options->spoil,
    };
    unsigned bad = 0, deadly = 0;

    if (options->tap) {
        printf("1..%u\n", classes->len);
    }
    for (unsigned i = 0; i < classes->len && deadly < MAX_DEADLY; i++) {
        const DiffClass *class = &g_array_index(classes, DiffClass, i);
        Counts counts = run_class(&judge, class, options, i + 1);

        bad += counts.differences != 0;
        deadly += counts.deaths >= MAX_DEATHS;
    }
    if (deadly == MAX_DEADLY) {
        puts("Bail out! a program dies again and again");
    }
    diff_runner_finish(&judge.oracle);
    diff_runner_finish(&judge.v8_0);
    diff_runner_finish(&judge.ours);
    for (unsigned i = 0; i < num_diff_lines; i++) {
        g_free(diff_lines[i].good);
    }
    if (!options->tap) {
        printf("%u classes, %u with differences\n", classes->len, bad);
    }
    return bad || classes->len == 0;
}

int main(int argc, char **argv)
{
    g_auto(Options)
        options = {.sets = 2000, .sequences = -1, .seed = 1, .shown = 1};
    const GOptionEntry entries[] = {
        {"class", 0, 0, G_OPTION_ARG_STRING, &options.class,
         "Only these, a pattern with * and ?", "NAME"},
        {"sets", 0, 0, G_OPTION_ARG_INT, &options.sets,
         "Sets of operands for each class (2000)", "N"},
        {"sequences", 0, 0, G_OPTION_ARG_INT, &options.sequences,
         "Of the classes that are no instruction (20 times as many)", "N"},
        {"seed", 0, 0, G_OPTION_ARG_INT, &options.seed, "Of all that (1)", "N"},
        {"show", 0, 0, G_OPTION_ARG_INT, &options.shown,
         "How many differences of a class to print (1)", "N"},
        {"oracle", 0, 0, G_OPTION_ARG_STRING, &options.oracle,
         "Program that is right", "COMMAND"},
        {"v8.0", 0, 0, G_OPTION_ARG_STRING, &options.v8_0,
         "The same without later architectures", "COMMAND"},
        {"ours", 0, 0, G_OPTION_ARG_STRING, &options.ours, "Program under test",
         "COMMAND"},
        {"spoil", 0, 0, G_OPTION_ARG_STRING, &options.spoil,
         "Falsify that part of its results, to test the test", "PART"},
        {"tap", 0, 0, G_OPTION_ARG_NONE, &options.tap,
         "Report as the Test Anything Protocol has it", NULL},
        {"list", 0, 0, G_OPTION_ARG_NONE, &options.list,
         "Only print the names of the classes", NULL},
        {NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) failed = NULL;
    g_autoptr(GArray) classes = NULL;

    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &failed)) {
        fprintf(stderr, "%s: %s\n", argv[0], failed->message);
        return 2;
    }
    if (options.sequences < 0) {
        options.sequences = 20 * options.sets;
    }
    if (!diff_table_init()) {
        return 2;
    }
    default_commands(&options, argv[0]);
    signal(SIGPIPE, SIG_IGN);
    classes = all_classes(options.class ? options.class : "*");
    if (options.list) {
        for (unsigned i = 0; i < classes->len; i++) {
            puts(g_array_index(classes, DiffClass, i).name);
        }
        return 0;
    }
    return run(&options, classes);
}
