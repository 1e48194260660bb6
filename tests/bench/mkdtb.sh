#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Writes the device tree of a guest under minivmm:
#
#     mkdtb.sh OUT.dtb [gic=3|2] [smp=N] [mem=MIB] [initrd=FILE]
#              [devices='rtc gpio edge'] [bootargs='...']
#
# Devices stand at 0x0c000000 + n * 0x10000 with SPI 112 + n, in their order,
# as minivmm places them; the initrd is where it loads it.
set -euo pipefail

out=${1:?usage: mkdtb.sh OUT.dtb [NAME=VALUE...]}
gic=3 smp=1 mem=128 initrd='' devices='' bootargs=''
for a in "${@:2}"; do
    case ${a%%=*} in
    gic | smp | mem | initrd | devices | bootargs)
        declare "${a%%=*}=${a#*=}" ;;
    *) echo "mkdtb.sh: what is '$a'?" >&2; exit 1 ;;
    esac
done

cpus()
{
    local i

    for ((i = 0; i < smp; i++)); do
        printf 'cpu@%x { device_type = "cpu"; reg = <0x%x>;\n' "$i" "$i"
        echo 'compatible = "arm,cortex-a72"; enable-method = "psci"; };'
    done
}

intc()
{
    if [ "$gic" = 3 ]; then
        echo 'compatible = "arm,gic-v3";'
        echo 'reg = <0 0x8000000 0 0x10000>, <0 0x80a0000 0 0xf60000>;'
    else
        echo 'compatible = "arm,cortex-a15-gic";'
        echo 'reg = <0 0x8000000 0 0x10000>, <0 0x8010000 0 0x10000>;'
    fi
}

node() # INDEX COMPATIBLE SIZE TRIGGER
{
    local at=$((0x10000 * $1))

    printf 'device@%x { compatible = "%s"; reg = <0x%x %s>;\n' \
        "$at" "$2" "$at" "$3"
    printf 'interrupts = <0 %d %d>; };\n' $((112 + $1)) "$4"
}

bus()
{
    local n=0 d

    for d in $devices; do
        case $d in
        rtc) node "$n" lab,pl031 0x1000 4 ;;
        gpio) node "$n" lab,pl061 0x1000 4 ;;
        edge) node "$n" virtio,mmio 0x200 1 ;;
        *) echo "mkdtb.sh: no device '$d'" >&2; return 1 ;;
        esac
        n=$((n + 1))
    done
}

chosen()
{
    echo "bootargs = \"$bootargs\"; stdout-path = \"/pl011@9000000\";"
    [ -n "$initrd" ] || return 0
    echo 'linux,initrd-start = <0 0x44000000>;'
    printf 'linux,initrd-end = <0 0x%x>;\n' \
        $((0x44000000 + $(stat -c %s "$initrd")))
}

nodes=$(bus)
dtc -q -I dts -O dtb -o "$out" << END
/dts-v1/;
/ {
    compatible = "linux,dummy-virt";
    #address-cells = <2>;
    #size-cells = <2>;
    interrupt-parent = <&gic>;
    chosen { $(chosen) };
    memory@40000000 {
        device_type = "memory";
        reg = /bits/ 64 <0x40000000 $(printf 0x%x $((mem << 20)))>;
    };
    cpus {
        #address-cells = <1>;
        #size-cells = <0>;
        $(cpus)
    };
    psci {
        compatible = "arm,psci-1.0", "arm,psci-0.2";
        method = "hvc";
    };
    timer {
        compatible = "arm,armv8-timer";
        always-on;
        interrupts = <1 13 0xf04>, <1 14 0xf04>, <1 11 0xf04>, <1 10 0xf04>;
    };
    gic: intc@8000000 {
        $(intc)
        interrupt-controller;
        #interrupt-cells = <3>;
    };
    clk: clock {
        compatible = "fixed-clock";
        #clock-cells = <0>;
        clock-frequency = <24000000>;
    };
    pl011@9000000 {
        compatible = "arm,pl011", "arm,primecell";
        reg = <0 0x9000000 0 0x1000>;
        interrupts = <0 1 4>;
        clocks = <&clk>, <&clk>;
        clock-names = "uartclk", "apb_pclk";
        arm,primecell-periphid = <0x00241011>;
    };
    platform-bus@c000000 {
        compatible = "simple-bus";
        #address-cells = <1>;
        #size-cells = <1>;
        ranges = <0 0 0xc000000 0x2000000>;
        $nodes
    };
};
END
