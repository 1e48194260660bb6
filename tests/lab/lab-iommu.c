// SPDX-License-Identifier: GPL-2.0
/*
 * lab-iommu: an IOMMU that only keeps books, for the lab's board.
 *
 * The emulated board has no IOMMU in front of its platform devices, and VFIO
 * wants one. This driver gives each device whose device-tree node names it in
 * "iommus" a group of its own, records what is mapped and answers
 * iova_to_phys from that. It translates nothing: a device that does DMA must
 * not be assigned behind it, unless IOVA equals physical address.
 */
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/platform_device.h>
#include <linux/xarray.h>

static struct iommu_device lab_iommu;

struct lab_domain {
	struct iommu_domain domain;
	struct xarray pages;	/* IOVA page number -> physical page number */
};

static struct lab_domain *to_lab(struct iommu_domain *d)
{
	return container_of(d, struct lab_domain, domain);
}

static bool lab_capable(struct device *dev, enum iommu_cap cap)
{
	return cap == IOMMU_CAP_CACHE_COHERENCY;
}

static int lab_attach(struct iommu_domain *d, struct device *dev)
{
	return 0;
}

static int lab_map(struct iommu_domain *d, unsigned long iova, phys_addr_t pa, size_t pgsize,
		   size_t count, int prot, gfp_t gfp, size_t *mapped)
{
	size_t i, n = (pgsize >> PAGE_SHIFT) * count;

	for (i = 0; i < n; i++) {
		void *old = xa_store(&to_lab(d)->pages, (iova >> PAGE_SHIFT) + i,
				     xa_mk_value((pa >> PAGE_SHIFT) + i), gfp);
		if (xa_is_err(old))
			return xa_err(old);
		*mapped += PAGE_SIZE;
	}
	return 0;
}

static size_t lab_unmap(struct iommu_domain *d, unsigned long iova, size_t pgsize, size_t count,
			struct iommu_iotlb_gather *gather)
{
	size_t i, n = (pgsize >> PAGE_SHIFT) * count;

	for (i = 0; i < n; i++)
		if (!xa_erase(&to_lab(d)->pages, (iova >> PAGE_SHIFT) + i))
			break;
	return i << PAGE_SHIFT;
}

static phys_addr_t lab_iova_to_phys(struct iommu_domain *d, dma_addr_t iova)
{
	void *e = xa_load(&to_lab(d)->pages, iova >> PAGE_SHIFT);

	return e ? ((phys_addr_t)xa_to_value(e) << PAGE_SHIFT) | (iova & ~PAGE_MASK) : 0;
}

static void lab_free(struct iommu_domain *d)
{
	xa_destroy(&to_lab(d)->pages);
	kfree(to_lab(d));
}

static const struct iommu_domain_ops lab_domain_ops = {
	.attach_dev = lab_attach,
	.map_pages = lab_map,
	.unmap_pages = lab_unmap,
	.iova_to_phys = lab_iova_to_phys,
	.free = lab_free,
};

static struct iommu_domain *lab_domain_alloc(struct device *dev)
{
	struct lab_domain *l = kzalloc(sizeof(*l), GFP_KERNEL);

	if (!l)
		return NULL;
	xa_init(&l->pages);
	l->domain.geometry.aperture_end = DMA_BIT_MASK(40);
	l->domain.geometry.force_aperture = true;
	return &l->domain;
}

static const struct iommu_domain_ops lab_identity_ops = { .attach_dev = lab_attach };
static struct iommu_domain lab_identity = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &lab_identity_ops,
};

static struct iommu_device *lab_probe_device(struct device *dev)
{
	return &lab_iommu;
}

static int lab_def_domain_type(struct device *dev)
{
	return IOMMU_DOMAIN_IDENTITY;
}

static int lab_of_xlate(struct device *dev, const struct of_phandle_args *args)
{
	u32 id = args->args[0];

	return iommu_fwspec_add_ids(dev, &id, 1);
}

static const struct iommu_ops lab_ops = {
	.identity_domain = &lab_identity,
	.blocked_domain = &lab_identity,
	.capable = lab_capable,
	.domain_alloc_paging = lab_domain_alloc,
	.probe_device = lab_probe_device,
	.device_group = generic_device_group,
	.def_domain_type = lab_def_domain_type,
	.of_xlate = lab_of_xlate,
	.pgsize_bitmap = SZ_4K | SZ_2M | SZ_1G,
	.default_domain_ops = &lab_domain_ops,
	.owner = THIS_MODULE,
};

static int lab_probe(struct platform_device *pdev)
{
	int ret = iommu_device_sysfs_add(&lab_iommu, &pdev->dev, NULL, "lab-iommu");

	if (ret)
		return ret;
	dev_info(&pdev->dev, "bookkeeping IOMMU, no translation\n");
	return iommu_device_register(&lab_iommu, &lab_ops, &pdev->dev);
}

static const struct of_device_id lab_match[] = { { .compatible = "lab,iommu" }, {} };
static struct platform_driver lab_driver = {
	.probe = lab_probe,
	.driver = { .name = "lab-iommu", .of_match_table = lab_match, .suppress_bind_attrs = true },
};
static int __init lab_init(void)
{
	return platform_driver_register(&lab_driver);
}
arch_initcall(lab_init);
