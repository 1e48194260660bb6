/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The emulator's main(), alone in its file: everything else is in libraries,
 * which the test emulator links as well.
 */

#include "system/system.h"

int main(int argc, char **argv)
{
    return system_main(argc, argv);
}
