/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hw/core/sysbus.h"
#include "util/chardev.h"

/*
 * Arm PrimeCell UART (PL011): one region of 4 KiB, one level interrupt, the
 * combined one. Source: Arm DDI 0183.
 */
#define TYPE_PL011 "pl011"
OBJECT_DECLARE_SIMPLE_TYPE(PL011State, PL011)

/**
 * What the UART's wires lead to, before realize; NULL: nothing, output is
 * dropped. @chr stays the caller's and must outlive the realized device.
 */
void pl011_set_chardev(PL011State *s, Chardev *chr);
