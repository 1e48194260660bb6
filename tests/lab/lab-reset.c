// SPDX-License-Identifier: GPL-2.0
/*
 * lab-reset: VFIO's reset handler for the board's RTC (a PL031), on both buses.
 *
 * With it the RTC has VFIO_DEVICE_FLAGS_RESET and VFIO_DEVICE_RESET works. The
 * GPIO has no handler on purpose: it stands for a device without a reset.
 */
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/module.h>

#include "vfio_platform_private.h"

#define RTC_MR		0x04
#define RTC_IMSC	0x10
#define RTC_ICR		0x1c

static int lab_reset_rtc(struct vfio_platform_device *vdev)
{
	struct vfio_platform_region *reg = &vdev->regions[0];

	if (!reg->ioaddr) {
		reg->ioaddr = ioremap(reg->addr, reg->size);
		if (!reg->ioaddr)
			return -ENOMEM;
	}
	writel(0, reg->ioaddr + RTC_IMSC);
	writel(0, reg->ioaddr + RTC_MR);
	writel(1, reg->ioaddr + RTC_ICR);
	return 0;
}

static struct vfio_platform_reset_node lab_rtc_platform = {
	.compat = "lab,pl031", .of_reset = lab_reset_rtc, .owner = THIS_MODULE,
};
static struct vfio_platform_reset_node lab_rtc_amba = {
	.compat = "arm,pl031", .of_reset = lab_reset_rtc, .owner = THIS_MODULE,
};

static int __init lab_reset_init(void)
{
	__vfio_platform_register_reset(&lab_rtc_platform);
	__vfio_platform_register_reset(&lab_rtc_amba);
	return 0;
}
subsys_initcall(lab_reset_init);
