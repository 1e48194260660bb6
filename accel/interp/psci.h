/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "cpu.h"

/**
 * HVC or SMC: a call of the firmware, by the SMC Calling Convention. Serves
 * PSCI 1.1 (Arm DEN 0022); everything else is NOT_SUPPORTED. Returns false
 * when the vCPU is not to go on with the next instruction at once.
 */
bool psci_call(InterpCpu *cpu);
