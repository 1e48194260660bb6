# SPDX-License-Identifier: GPL-2.0-or-later
# What jobs are written with; the runner starts each in a shell of its own
# with T (a folder of its own), JOB and VARIANT set, GIC (3 or 2) and BUS
# (platform or amba) being the board's. A job ends by pass, fail or skip;
# any helper that cannot do its work fails the job.

. /lab/config
RTC=9010000.pl031
GPIO=9030000.pl061
VIRTIO=a000000.virtio_mmio
VIRTIO2=a000200.virtio_mmio

# -- results ---------------------------------------------------------------

# The first failure stays: a subshell can fail the job, too.
result()
{
    [ -e "$T/result" ] || printf %s "$1" | tr '\n' ' ' > "$T/result"
    vm_kill
    model_kill
    unbind_all
    exit 0
}

pass() { result ok; }
fail() { result "not ok: $*"; }
skip() { result "skip: $*"; }

# note TEXT: shown with the result, whatever that is
note() { echo "$*" >> "$T/notes"; }

# eventually SECONDS COMMAND...: true as soon as the command is
eventually()
{
    _end=$(($(uptime_ms) + $1 * 1000))
    shift
    until "$@"; do
        [ "$(uptime_ms)" -lt "$_end" ] || return 1
        usleep 50000
    done
}

# What the RTC should read now.
rtc_now() { echo $(($(cat /run/epoch) + $(cut -d. -f1 /proc/uptime))); }

# Puts the RTC right: payloads of earlier jobs load it as they like.
rtc_set() { devmem 0x9010008 32 "$(rtc_now)"; }

uptime_ms()
{
    read -r _up _ < /proc/uptime
    # the 1 keeps a leading 0 from meaning octal
    echo $((${_up%.*} * 1000 + 1${_up#*.}0 - 1000))
}

# -- devices of the board --------------------------------------------------

device_dir()
{
    for _d in /sys/bus/platform/devices/$1 /sys/bus/amba/devices/$1; do
        [ ! -e "$_d" ] || { readlink -f "$_d"; return; }
    done
    fail "the board has no $1"
}

BOUND=

# bind_vfio DEVICE: away from its driver, to vfio-platform or vfio-amba
bind_vfio()
{
    _dir=$(device_dir "$1")
    _bus=$(basename "$(readlink -f "$_dir/subsystem")")
    [ ! -e "$_dir/driver" ] || echo "$1" > "$_dir/driver/unbind"
    echo "vfio-$_bus" > "$_dir/driver_override"
    echo "$1" > "/sys/bus/$_bus/drivers/vfio-$_bus/bind" ||
        fail "cannot bind $1 to vfio-$_bus"
    BOUND="$BOUND $1"
}

# unbind DEVICE: from whatever driver it has; back to its own at probe
unbind()
{
    _dir=$(device_dir "$1")
    [ ! -e "$_dir/driver" ] || echo "$1" > "$_dir/driver/unbind"
    echo > "$_dir/driver_override"
}

unbind_all()
{
    for _b in $BOUND; do
        unbind "$_b"
    done
    BOUND=
}

# host_irqs DEVICE: how often its lines, held by VFIO, interrupted the host.
# /proc/interrupts has the name of a platform device, and the peripheral ID of
# an AMBA one.
host_irqs()
{
    _id=$(cat "$(device_dir "$1")/id" 2> /dev/null)
    awk -v dev="($1)" -v amba="(vfio-amba-$_id)" \
        'index($0, dev) || index($0, amba) {
        for (i = 2; i <= NF && $i ~ /^[0-9]+$/; i++) n += $i }
        END { print n + 0 }' /proc/interrupts
}

# -- the emulator ----------------------------------------------------------

# The common part of every command line; the rest is the job's.
# Without an RTC of its own, so that the guest's only one is the assigned one.
vm_args="-M virt,gic-version=host,rtc=off -accel kvm -cpu host -m 128M -nographic"

# route_options: what VARIANT means for -device vfio-platform
route_options()
{
    case $VARIANT in
    irqfd | eoi | trap) echo "x-irq-route=$VARIANT" ;;
    no-mmap) echo "x-no-mmap=on" ;;
    *) fail "unknown variant $VARIANT" ;;
    esac
}

# vm_start ARGUMENT...: runs the emulator in the background. Its console goes
# to $T/console, what it says itself to $T/log; file descriptor 9 is its input.
vm_start()
{
    rm -f "$T/status" "$T/in" "$T/pid"
    : > "$T/console"
    mkfifo "$T/in"
    echo "platypus $*"
    (
        sh -c 'echo $$ > $0; exec platypus "$@"' "$T/pid" "$@" \
            < "$T/in" > "$T/console" 2> "$T/log"
        echo $? > "$T/status"
    ) &
    exec 9> "$T/in"
    eventually 10 test -s "$T/pid" || fail "platypus was not started"
}

# payload NAME BOOTARGS ARGUMENT...: runs a bare-metal payload of tests/guest.
# It waits ten seconds for what should come at once: on a busy machine the
# board stands still for one now and then, and late is not lost.
payload()
{
    _bin=/lab/guest/$1.bin
    _args="wait_ms=10000 $2"
    shift 2
    vm_start $vm_args -kernel $_bin -append "$_args" "$@"
}

vm_status() { cat "$T/status" 2> /dev/null; }
vm_ended() { [ -e "$T/status" ]; }

# vm_wait SECONDS: until the emulator ended, which must be by itself with 0
vm_wait()
{
    eventually "$1" vm_ended || fail "the machine still ran after $1 s"
    exec 9>&-
    [ "$(vm_status)" = 0 ] ||
        fail "platypus ended with $(vm_status): $(tail -n 1 "$T/log")"
}

vm_kill()
{
    [ -s "$T/pid" ] || return 0
    vm_ended || kill -9 "$(cat "$T/pid")" 2> /dev/null
    eventually 5 vm_ended
    exec 9>&-
}

console_has() { [ "$(grep -c -E -e "$1" "$T/console")" -ge "${2:-1}" ]; }
said_or_ended() { console_has "$1" "$2" || vm_ended; }

# vm_expect SECONDS REGEX [N]: until the console has N (1) such lines
vm_expect()
{
    eventually "$1" said_or_ended "$2" "${3:-1}"
    console_has "$2" "${3:-1}" && return
    vm_ended && fail "platypus ended with $(vm_status) before '$2':" \
        "$(tail -n 1 "$T/log")"
    fail "no '$2' within $1 s, but: $(tail -n 1 "$T/console")"
}

# qmp COMMAND...: through the socket of vm_qmp, each must succeed
vm_qmp="-chardev socket,path=/tmp/qmp,id=qmp,server=on,wait=off \
-mon chardev=qmp,mode=control"
qmp()
{
    qmp-send /tmp/qmp "$@" || fail "QMP: $* failed"
}

# refuse REGEX ARGUMENT...: this command line must end at once with status 1
# and say just one line, which has REGEX
refuse()
{
    _want=$1
    shift
    echo "platypus $*"
    timeout -s KILL 20 platypus "$@" > "$T/console" 2> "$T/log" < /dev/null
    _status=$?
    [ $_status = 1 ] || fail "status $_status, not 1, for: $*"
    [ "$(wc -l < "$T/log")" = 1 ] ||
        fail "$(wc -l < "$T/log") lines, not 1, for: $*"
    grep -q -E -e "$_want" "$T/log" ||
        fail "no '$_want' in: $(cat "$T/log")"
}

# -- devices of another process --------------------------------------------

# model_start MODEL ARGUMENT...: platypus-device in the background, its socket
# is $T/socket; what it says goes to $T/model
model_start()
{
    platypus-device "$@" --socket "$T/socket" > "$T/model" 2>&1 < /dev/null &
    echo $! > "$T/model-pid"
    eventually 10 test -S "$T/socket" || fail "no model: $(cat "$T/model")"
}

# As if it had crashed: its socket stays.
model_kill()
{
    [ -s "$T/model-pid" ] || return 0
    _pid=$(cat "$T/model-pid")
    kill -9 "$_pid" 2> /dev/null
    wait "$_pid" 2> /dev/null
    rm "$T/model-pid"
}

# model_stop: by SIGTERM; it must end with status 0 and leave no socket
model_stop()
{
    _pid=$(cat "$T/model-pid")
    rm "$T/model-pid"
    kill -TERM "$_pid"
    wait "$_pid" || fail "platypus-device ended with $?: $(cat "$T/model")"
    [ ! -e "$T/socket" ] || fail "platypus-device left its socket"
}

# -- numbers ---------------------------------------------------------------

# field NAME: the number in NAME=number of the console's last such line
field()
{
    sed -n "s/.*\<$1=\([0-9]*\).*/\1/p" "$T/console" | tail -n 1
}

# field_is NAME NUMBER...: it must be one of these
field_is()
{
    _name=$1
    _got=$(field "$1")
    shift
    for _n in "$@"; do
        [ "$_got" != "$_n" ] || return 0
    done
    fail "$_name is ${_got:-missing}, not $*: $(tail -n 1 "$T/console")"
}

field_at_least()
{
    [ "$(field "$1")" -ge "$2" ] 2> /dev/null ||
        fail "$1 is $(field "$1"), less than $2: $(tail -n 1 "$T/console")"
}

# found_clear NAME ROUTE: the field counts entries whose handler found the
# device's status clear. By the route trap, the first access after an interrupt
# is taken for its end, and there are some. By the others there are none but
# those of the host's own kernel: unmasked by one CPU while another is between
# taking the interrupt and looking whether it is masked, it is signalled once
# more. Seen once in 100,000, on a busy machine with the vCPU on another CPU.
found_clear()
{
    if [ "$2" = trap ]; then
        note "$1: $(field "$1")"
    elif [ "$(field "$1")" = 1 ]; then
        note "$1: 1, which is the host's kernel's"
    else
        field_is "$1" 0
    fi
}

if [ -n "${JOB:-}" ]; then
    . "/lab/jobs/$JOB.sh"
    fail "the job came to its end without a result"
fi
