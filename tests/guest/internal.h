/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the library's own files tell each other; start.S has the callers. */
#ifndef GUEST_INTERNAL_H
#define GUEST_INTERNAL_H

#include "guest.h"

/* What _start's first instruction leaves in x19 */
#define ENTRY_MARK 0x5a5a

void secondary_entry(void);
void lib_main(const void *dtb, uint64_t mark);
void lib_secondary(unsigned cpu);
void lib_exception(uint64_t entry, uint64_t kind);
void gic_dispatch(uint64_t entry);

/* dtb, when it is none, falls back to the start of RAM (an ELF file's). */
void fdt_init(const void *dtb);

#endif
