# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the scripts have in common; sourced by bash, never run. Installing
# packages, finding Debian's mirror, the cache outside of the repository, and
# one way to say what goes on. Sets $top (the repository) and $me.

top=$(dirname "$(dirname "$(realpath "${BASH_SOURCE[0]}")")")
me=$(basename "$0")
export LC_ALL=C.UTF-8

# What each step needs, as Debian packages.
pkgs_build=(gcc libc6-dev meson ninja-build pkg-config libglib2.0-dev
            libfdt-dev libjson-c-dev zlib1g-dev)
pkgs_arm64=(gcc-aarch64-linux-gnu meson ninja-build pkg-config dpkg)
pkgs_demo=(device-tree-compiler cpio python3)
# The oracle of tests/interp, and a C library to build it with.
pkgs_interp=(qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross)
pkgs_lab=(qemu-system-arm device-tree-compiler cpio)
pkgs_kernel=(make gcc libc6-dev gcc-aarch64-linux-gnu flex bison bc libssl-dev
             libelf-dev cpio rsync xz-utils perl)

die()
{
    printf '%s: %s\n' "$me" "$*" >&2
    exit 1
}

# say TEXT: a line of progress with the time since the script began
say()
{
    printf '[%3d:%02d] %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"
}

# Where kernels and sysroots are kept between runs and between clones.
cache_dir()
{
    local home=${HOME:-}

    [ -n "$home" ] || home=$(getent passwd "$(id -u)" | cut -d: -f6)
    printf '%s/platypus-lab\n' "${XDG_CACHE_HOME:-$home/.cache}"
}

# missing_packages PACKAGE...: those that dpkg does not have installed
missing_packages()
{
    local p

    for p in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = \
            installed ] || printf '%s\n' "$p"
    done | sort -u
}

# The package index is fetched only when installing from the present one
# failed: there is none yet, or it names files the mirror no longer has.
apt_install()
{
    local log cmd=("$@")
    shift $#

    log=$(mktemp)
    if ! "${apt_run[@]}" install "${cmd[@]}" >"$log" 2>&1 </dev/null; then
        "${apt_run[@]}" update >"$log" 2>&1 </dev/null &&
        "${apt_run[@]}" install "${cmd[@]}" >"$log" 2>&1 </dev/null || {
            grep '^E:' "$log" >&2
            rm -f "$log"
            return 1
        }
    fi
    rm -f "$log"
}

# need_packages PACKAGE...: installs what is missing, as root or by sudo; ends
# the script with the line to run where neither is to be had.
need_packages()
{
    local missing line apt_run

    command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
        die "this is no Debian; install the like of: $*"
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    line="apt-get install --no-install-recommends ${missing[*]}"
    apt_run=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y
             --no-install-recommends)
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; } ||
            die "packages are missing and there is no root here; run: sudo $line"
        apt_run=(sudo "${apt_run[@]}")
    fi
    say "installing ${missing[*]}"
    apt_install "${missing[@]}" || die "installing failed; try: $line"
}

# need_tools TOOL=PACKAGE...: for scripts that install nothing themselves
need_tools()
{
    local t missing=()

    for t in "$@"; do
        command -v "${t%%=*}" >/dev/null || missing+=("${t#*=}")
    done
    [ ${#missing[@]} -eq 0 ] ||
        die "missing tools; run: apt-get install ${missing[*]}"
}

# The mirror that apt itself uses for bookworm, whatever the file it is named
# in; works before the first `apt-get update` too.
debian_mirror()
{
    local uri=${LAB_MIRROR:-}

    [ -n "$uri" ] || uri=$(
        apt-get indextargets --no-release-info \
            --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 2>/dev/null |
        awk '$1 == "bookworm" && $2 == "main" && $3 !~ /^cdrom/ \
             { print $3; exit }')
    [ -n "$uri" ] || die "apt's sources name no mirror of Debian bookworm;" \
        "set LAB_MIRROR=http://deb.debian.org/debian or the like"
    printf '%s\n' "${uri%/}"
}

# private_apt DIR ARCH SUITE: reads that suite's index into DIR and leaves in
# the array `apt` the command that uses it. Needs no root; apt's own
# configuration, lists and dpkg's architectures stay as they are.
private_apt()
{
    local dir=$1 arch=$2 suite=$3 mirror log

    mirror=$(debian_mirror) || exit 1
    mkdir -p "$dir"/{lists/partial,cache/archives/partial}
    : > "$dir/status"
    printf 'deb [arch=%s signed-by=%s] %s %s main\n' "$arch" \
        /usr/share/keyrings/debian-archive-keyring.gpg "$mirror" "$suite" \
        > "$dir/sources.list"
    apt=(apt-get -q -o "APT::Architecture=$arch"
         -o "APT::Architectures=$arch" -o "Dir::State::status=$dir/status"
         -o "Dir::State::lists=$dir/lists" -o "Dir::Cache=$dir/cache"
         -o "Dir::Etc::sourcelist=$dir/sources.list"
         -o Dir::Etc::sourceparts=- -o APT::Sandbox::User=root)
    log=$("${apt[@]}" update 2>&1) && ! grep -Eq '^(E|W: Failed)' <<< "$log" ||
        die "cannot read $suite from $mirror:" \
            "$(grep -Em1 '^(E|W: Failed)' <<< "$log")"
}
