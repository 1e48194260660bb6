#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Finds or builds the lab's kernel and leaves it, unpacked, in OUT:
#
#     kernel.sh [--no-build] OUT
#
# LAB_KERNEL=FILE takes that Image (gzip or not), LAB_KERNEL=build builds one.
# Unset: shared/lab/Image.gz beside the checkout where there is one, else
# build. A built kernel is kept in the cache under a hash of all that it was
# made from. With --no-build, status 77 says that a build would be needed.
set -euo pipefail
. "$(dirname "$(realpath "$0")")/../../scripts/lib.sh"

build=yes
if [ "${1:-}" = --no-build ]; then
    build=no
    shift
fi
out=$(realpath -m "${1:?usage: kernel.sh [--no-build] OUT}")
lab=$top/tests/lab
kernel=${LAB_KERNEL:-$top/../shared/lab/Image.gz}
[ -n "${LAB_KERNEL:-}" ] || [ -e "$kernel" ] || kernel=build

if [ "$kernel" = build ]; then
    key=$(cat "$lab"/{build-kernel.sh,kernel.config,lab-iommu.c,lab-reset.c} |
          sha256sum | cut -c1-12)
    kernel=$(cache_dir)/Image-$key
    if [ ! -e "$kernel" ]; then
        if [ "$build" = no ]; then
            echo "$me: no kernel is built yet; run tests/lab/kernel.sh" \
                "or set LAB_KERNEL" >&2
            exit 77
        fi
        "$lab/build-kernel.sh" "$kernel.new"
        mv "$kernel.new" "$kernel"
    fi
fi
[ -r "$kernel" ] || die "LAB_KERNEL: cannot read $kernel"
[ ! "$out" -nt "$kernel" ] || exit 0
# Without -f, gzip refuses what it did not pack; with it, it copies that.
gzip -dcf < "$kernel" > "$out.new" || die "LAB_KERNEL: $kernel is damaged"
[ "$(od -An -c -j56 -N4 "$out.new" | tr -d ' ')" = 'ARMd' ] || {
    rm -f "$out.new"
    die "LAB_KERNEL: $kernel is no arm64 Image"
}
mv "$out.new" "$out"
