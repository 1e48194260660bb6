/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory as KVM slots: one for each section of RAM or of a mapped device
 * that the address space shows. What has no slot is trapped and still works,
 * so a section that is not whole pages needs no more than that. A device whose
 * mapping comes and goes gets the same slot number each time, the lowest free
 * one; the slots of RAM are never touched by it, as a listener hears only of
 * what changed.
 */

#include <unistd.h>

#include "kvm-internal.h"
#include "trace.h"
#include "util/log.h"

static int set_slot(KvmAccel *kvm, unsigned n, const KvmRange *range,
                    uint32_t flags)
{
    struct kvm_userspace_memory_region region = {
        .slot = n,
        .flags = flags,
        .guest_phys_addr = range->gpa,
        .memory_size = range->size,
        .userspace_addr = range->host,
    };

    trace_kvm_slot_set(n, range->gpa, range->size, flags);
    return kvm_ioctl(kvm->vm_fd, KVM_SET_USER_MEMORY_REGION, &region);
}

/* The number of the slot of @size bytes at @gpa; with size 0 a free one. */
static unsigned find_slot(const KvmAccel *kvm, uint64_t gpa, uint64_t size)
{
    for (unsigned n = 0; n < kvm->slots->len; n++) {
        const KvmSlot *slot = &g_array_index(kvm->slots, KvmSlot, n);

        if (slot->size == size && (!size || slot->gpa == gpa)) {
            return n;
        }
    }
    return kvm->slots->len;
}

static bool section_range(const MemoryRegionSection *section, KvmRange *range)
{
    return memory_region_is_ram(section->mr) &&
           kvm_range_of_pages(section->offset_within_address_space,
                              section->size,
                              (uintptr_t)memory_region_section_ram(section),
                              getpagesize(), range);
}

static void kvm_region_add(MemoryListener *listener,
                           const MemoryRegionSection *section)
{
    KvmAccel *kvm = container_of(listener, KvmAccel, listener);
    static LogLimit limit; /* a mapping may come and go with each interrupt */
    KvmSlot slot;
    KvmRange range;
    unsigned n;
    int ret;

    if (!section_range(section, &range)) {
        return;
    }
    n = find_slot(kvm, 0, 0);
    ret = set_slot(kvm, n, &range, section->readonly ? KVM_MEM_READONLY : 0);
    if (ret < 0) {
        warn_report_limited(&limit,
                            "kvm: no slot for '%s' at 0x%" PRIx64
                            ", accesses are trapped: %s",
                            section->mr->name, range.gpa, g_strerror(-ret));
        return;
    }
    slot = (KvmSlot){range.gpa, range.size};
    if (n == kvm->slots->len) {
        g_array_append_val(kvm->slots, slot);
    } else {
        g_array_index(kvm->slots, KvmSlot, n) = slot;
    }
}

static void kvm_region_del(MemoryListener *listener,
                           const MemoryRegionSection *section)
{
    KvmAccel *kvm = container_of(listener, KvmAccel, listener);
    KvmRange range;
    unsigned n;
    int ret;

    /* Nothing runs any more, and the VM's end is the end of its slots. */
    if (kvm->ended || !section_range(section, &range)) {
        return;
    }
    n = find_slot(kvm, range.gpa, range.size);
    if (n == kvm->slots->len) {
        return;
    }
    range.size = 0;
    ret = set_slot(kvm, n, &range, 0);
    if (ret < 0) {
        kvm_fail(-ret, "cannot remove a memory slot");
    }
    g_array_index(kvm->slots, KvmSlot, n).size = 0;
}

void kvm_slots_init(KvmAccel *kvm)
{
    kvm->slots = g_array_new(FALSE, FALSE, sizeof(KvmSlot));
    kvm->listener = (MemoryListener){
        .name = "kvm",
        .region_add = kvm_region_add,
        .region_del = kvm_region_del,
    };
    memory_listener_register(&kvm->listener, address_space_memory());
}

void kvm_slots_finish(KvmAccel *kvm)
{
    if (kvm->slots) {
        memory_listener_unregister(&kvm->listener);
        g_array_free(kvm->slots, TRUE);
        kvm->slots = NULL;
    }
}
