# SPDX-License-Identifier: GPL-2.0-or-later
# boards: bus=platform
# seconds: 60
# A debugger of a guest of two CPUs: breakpoints, watchpoints and steps by the
# CPU's own debug registers, registers, memory, and both CPUs. The guest is the
# one of tests/qtest/test-gdb.c, where its instructions are listed.
make_guest()
{
    printf '\140\000\200\322\000\200\270\362\041\000\200\322\202\001\000\020'
    printf '\043\000\200\322\002\000\000\324\304\001\000\020\023\000\200\322'
    printf '\024\000\200\322\163\006\000\221\223\000\000\371\002\000\000\224'
    printf '\375\377\377\027\224\002\023\213\300\003\137\326\244\000\000\020'
    printf '\025\000\200\322\265\006\000\221\205\000\100\371\376\377\377\027'
    printf '\000\000\000\000\000\000\000\000'
}
make_guest > "$T/kernel"
func=40080034 store=40080028 again=40080044 load=40080048 data=40080050
func_le=3400084000000000 store_le=2800084000000000
again_le=4400084000000000 load_le=4800084000000000
gdb() { gdb-send "$T/gdb" "$@" || fail "the stub: see the console"; }

vm_start $vm_args $vm_qmp -smp 2 -S -kernel "$T/kernel" -gdb "unix:$T/gdb"
# Registers, and a first breakpoint; CPU 0 comes there in its first round.
gdb 'qSupported:swbreak+;hwbreak+' '*vContSupported+*' \
    '?' 'T05thread:01;' \
    "Z1,$func,4" OK \
    'vCont;c' 'T05thread:01;hwbreak:;' \
    p20 $func_le p13 0100000000000000 "m$data,8" 0100000000000000 \
    "z1,$func,4" OK \
    'vCont;s:1' 'T05thread:01;' p20 3800084000000000 \
    p14 0100000000000000 \
    'P14=0010000000000000' OK p14 0010000000000000 \
    'P22=0123456789abcdef0123456789abcdef' OK \
    p22 0123456789abcdef0123456789abcdef \
    "Z1,$again,4" OK \
    'vCont;c' 'T05thread:02;hwbreak:;' p20 $again_le "z1,$again,4" OK \
    D OK
# A write that is about to be made, and the step over it.
gdb '?' 'T05thread:01;' \
    "Z2,$data,8" OK \
    'vCont;c' "T05thread:01;watch:$data;" p20 $store_le \
    "z2,$data,8" OK \
    'vCont;s:1' 'T05thread:01;' p20 2c00084000000000 \
    "Z3,$data,8" OK \
    'vCont;c' "T05thread:02;rwatch:$data;" p20 $load_le \
    "z3,$data,8" OK \
    "Z2,${data}1,8" E01 \
    D OK
# The debugger stops what runs; what it leaves, runs on.
qmp query-status | grep -q '"running"' || fail "it does not run"
gdb '?' 'T05thread:01;' 'm3f000000,4' E01
qmp query-status | grep -q '"running"' || fail "it was left standing"
qmp quit
vm_wait 20
pass
