# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# What tests/bench/run has the board do: takes each figure of the floor
# (minivmm) and, where there is one, of the emulator, several times and by
# turns, and prints "bench: value GIC FIGURE floor|ours NUMBER". MODE says
# whether the board counts instructions (icount) or time (wall), or has been
# booted for a single start of Linux (start-floor, start-ours).
T=/tmp
. /lab/lib.sh
OURS="platypus -M virt,gic-version=$GIC -accel kvm -cpu host -nographic"
RUNS=5

# time_run TIMEIT-ARGUMENT... COMMAND...: its output in $T/out, timeit's line
# and what it says itself in $T/err
time_run()
{
    $PIN timeit -t 120 "$@" > "$T/out" 2> "$T/err" < /dev/null && return
    echo "bench: failed: $*"
    cat "$T/out" "$T/err"
    return 1
}

# number FILE NAME: the last NAME=number in it
number()
{
    sed -n "s/.*\<$2=\([0-9]*\).*/\1/p" "$T/$1" | tail -n 1
}

value() { echo "bench: value $GIC $1 $2 $3"; }

# floor FIGURE FILE FIELD PAYLOAD TREE ARGUMENT...: one run of minivmm
floor()
{
    _figure=$1 _file=$2 _field=$3 _bin=/lab/guest/$4.bin _dtb=/lab/dtb/$5.dtb
    shift 5
    time_run minivmm gic="$GIC" kernel="$_bin" dtb="$_dtb" "$@" &&
        value "$_figure" floor "$(number "$_file" "$_field")"
}

# ours FIGURE FILE FIELD PAYLOAD ARGUMENT...: one run of the emulator
ours()
{
    _figure=$1 _file=$2 _field=$3 _bin=/lab/guest/$4.bin
    shift 4
    [ -e /bin/platypus ] || return 0
    time_run $OURS -m 128M -kernel "$_bin" "$@" &&
        value "$_figure" ours "$(number "$_file" "$_field")"
}

# Everything on the CPU that takes the device's interrupt: under -icount the
# board's CPUs take turns of milliseconds, which a change of CPU would add.
instructions()
{
    PIN="taskset 1"
    floor off err ns off none idle=1
    ours off err ns off
    floor trapped-read out ns bench-read rtc device=$RTC idle=1
    ours trapped-read out ns bench-read \
        -device vfio-platform,host=$RTC,x-no-mmap=on
    floor mapped-read out ns bench-read rtc device=$RTC map=1
    ours mapped-read out ns bench-read -device vfio-platform,host=$RTC
    floor irq out median_ns bench-irq rtc device=$RTC map=1
    ours irq out median_ns bench-irq \
        -device vfio-platform,host=$RTC,x-irq-route=irqfd
}

# The trap route at work: an interrupt every 10 ms, mmap-timeout-ms=5
trap_route()
{
    [ -e /bin/platypus ] || return 0
    PIN="taskset 1"
    time_run $OURS -m 128M -kernel /lab/guest/trap-latency.bin -device \
        vfio-platform,host=$RTC,x-irq-route=trap,mmap-timeout-ms=5 || return
    value trap-slow ours $((100 - $(number out fast_percent)))
    value trap-restore ours "$(number out last_restore_us)"
    grep -a '^trap-latency' "$T/out"
}

# Once only: Linux takes the board ten seconds when it counts.
linux_instructions()
{
    PIN=
    linux_floor && value linux-count floor "$started"
    linux_ours && value linux-count ours "$started"
}

# linux_run COMMAND...: leaves the time to the guest's /init in $started. With
# huge pages, as Debian's kernels have them; the lab's knows no madvise.
linux_run()
{
    _thp=/sys/kernel/mm/transparent_hugepage/enabled
    echo always > $_thp
    time_run -m "bench: init" -r 128 "$@"
    _status=$?
    echo madvise > $_thp
    started=$(number err marker_ns)
    return $_status
}

linux_floor()
{
    linux_run minivmm gic="$GIC" smp=2 ram=128 kernel=/lab/Image \
        initrd=/lab/guest.cpio dtb=/lab/dtb/linux.dtb
}

linux_ours()
{
    [ -e /bin/platypus ] || return
    linux_run $OURS -smp 2 -m 128M -kernel /lab/Image \
        -initrd /lab/guest.cpio -append "console=ttyAMA0 quiet"
}

wall_time()
{
    PIN=
    floor memory-off err maxrss_kib off none idle=1
    ours memory-off err maxrss_kib off
    for route in irqfd eoi trap; do
        floor irq-wall-$route out median_ns bench-irq rtc device=$RTC map=1
        ours irq-wall-$route out median_ns bench-irq \
            -device vfio-platform,host=$RTC,x-irq-route=$route
    done
}

start_floor()
{
    PIN=
    linux_floor || return
    value linux-minivmm floor $((started / 1000))
    value memory-linux floor "$(number err own_kib)"
}

start_ours()
{
    PIN=
    linux_ours || return
    value linux ours $((started / 1000))
    value linux-minivmm ours $((started / 1000))
    value memory-linux ours "$(number err own_kib)"
}

# repeat COMMAND: RUNS times
repeat()
{
    n=0
    while [ $n -lt $RUNS ]; do
        "$1"
        n=$((n + 1))
    done
}

bind_vfio $RTC
case $MODE in
icount)
    repeat instructions
    trap_route
    linux_instructions
    ;;
wall) repeat wall_time ;;
start-floor) start_floor ;;
start-ours) start_ours ;;
esac
echo "bench: end"
