/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The instructions SYS by their encodings: the one list of them.
 */
#include "maintenance.h"

static const SysInsn sys_insns[] = {
    {NULL, 0, NULL, false},
};

const SysInsn *sys_find(uint32_t encoding)
{
    for (size_t i = 0; i < G_N_ELEMENTS(sys_insns); i++) {
        if (sys_insns[i].fn && sys_insns[i].encoding == encoding) {
            return &sys_insns[i];
        }
    }
    return NULL;
}
