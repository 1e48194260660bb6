/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * a64-list: prints docs/a64-missing.md, the encodings that the decoder knows
 * by name and that the software CPU has not got, from the decoder's table.
 */

#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "decode.h"

static const A64Insn insns[] = {
#define A64_MISSING(name, feature, pattern) \
    {name, NULL, pattern, feature, false},
#define A64(name, fn, pattern)
#include "a64-table.h"
};

static const char intro[] =
    "<!-- SPDX-License-Identifier: GPL-2.0-or-later -->\n"
    "# A64 encodings that `-accel interp` has not got\n"
    "\n"
    "The software CPU is Armv8.0-A with FEAT_CRC32, FEAT_LSE and FEAT_PAN, at\n"
    "EL0 and EL1. What follows is of later extensions of the architecture or\n"
    "optional: each is an Undefined Instruction exception in the guest and "
    "one\n"
    "line in the log, which has the name that stands here. An encoding that "
    "is\n"
    "in no table of this page and is not implemented either is `not "
    "allocated`\n"
    "to the log. System registers and the operations of SYS and HINT are not\n"
    "here: these instructions exist and look at the numbers themselves.\n"
    "\n"
    "`name:width` is a field, everything else the bits themselves, from 31 to\n"
    "0. The page is made from the decoder's table:\n"
    "`build/accel/a64-list > docs/a64-missing.md`; a test compares the two.\n";

static bool is_first_of_feature(const A64Insn *insn)
{
    for (const A64Insn *i = insns; i < insn; i++) {
        if (!strcmp(i->feature, insn->feature)) {
            return false;
        }
    }
    return true;
}

static void print_feature(const char *feature)
{
    printf("\n## %s\n\n| Instruction | Encoding |\n|---|---|\n", feature);
    for (unsigned i = 0; i < G_N_ELEMENTS(insns); i++) {
        if (!strcmp(insns[i].feature, feature)) {
            printf("| %s | `%s` |\n", insns[i].name, insns[i].pattern);
        }
    }
}

int main(void)
{
    fputs(intro, stdout);
    for (unsigned i = 0; i < G_N_ELEMENTS(insns); i++) {
        if (is_first_of_feature(&insns[i])) {
            print_feature(insns[i].feature);
        }
    }
    return ferror(stdout) || fflush(stdout);
}
