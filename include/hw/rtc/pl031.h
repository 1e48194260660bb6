/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hw/core/sysbus.h"

/*
 * Arm PrimeCell real time clock (PL031): one region of 4 KiB, one level
 * interrupt. Source: Arm DDI 0224.
 */
#define TYPE_PL031 "pl031"
OBJECT_DECLARE_SIMPLE_TYPE(PL031State, PL031)
