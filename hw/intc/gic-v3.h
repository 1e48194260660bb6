/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "gic-core.h"

/** SoftGicClass.sysreg of GICv3. */
bool gic_v3_sysreg(SoftGic *soft, unsigned cpu, uint32_t reg, uint64_t *value,
                   bool is_write);
