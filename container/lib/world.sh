# A world is a scratch folder in which containers are made and from which nothing escapes. Sourced.
#
#   $world/rootfs    a root file system for containers (make_rootfs)
#   $world/volumes   named and anonymous volumes, NAME/_data, on the disk
#   $world/ram       a tmpfs: what containers write elsewhere
# shellcheck shell=bash

container_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# Starts the calling script again in a mount and a process namespace of its own, as `in_own_namespaces "$@"`. Whatever
# it mounts or starts from then on is gone with it, even when it is killed.
in_own_namespaces() {
    [ -z "${CAI_OWN_NAMESPACES:-}" ] || return 0
    is_root || die "this makes namespaces and mounts: please run it as root, for instance: sudo $0 $*"
    unshare --mount --pid --fork true 2>/dev/null ||
        die "this machine does not let root make namespaces (in a container, that takes CAP_SYS_ADMIN)"
    export CAI_OWN_NAMESPACES=1
    exec unshare --mount --propagation private --pid --fork --kill-child --mount-proc -- "$(readlink -f "$0")" "$@"
}

# world_up: makes $world. The disk part is under CAI_SCRATCH (/var/tmp), because /tmp is often a tmpfs.
world_up() {
    world=$(mktemp -d "${CAI_SCRATCH:-/var/tmp}/cai-world.XXXXXX")
    at_exit world_down
    mkdir -p "$world/ram" "$world/volumes"
    chmod 755 "$world"
    mount -t tmpfs -o mode=755 cai-world "$world/ram"
}

world_down() {
    umount -l "$world/ram" 2>/dev/null
    rm -rf --one-file-system -- "$world"
}

# make_rootfs DIR: a root file system of busybox, a user `agent`, and the cai binary.
make_rootfs() {
    local root=$1 applet
    mkdir -p "$root"/{bin,dev,etc,home/agent,mnt/agent-data,proc,root,run,sys,tmp,usr/local/bin,var/tmp}
    install -m 755 "$(command -v busybox)" "$root/bin/busybox"
    for applet in $(busybox --list); do
        [ -e "$root/bin/$applet" ] || ln -s busybox "$root/bin/$applet"
    done
    install -m 755 "$(cai_binary)" "$root/usr/local/bin/cai"
    printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'agent:x:1000:1000:agent:/home/agent:/bin/sh' >"$root/etc/passwd"
    printf '%s\n' 'root:x:0:' 'agent:x:1000:' >"$root/etc/group"
    printf '%s\n' 'ID=cai-test' 'PRETTY_NAME="busybox and cai"' >"$root/etc/os-release"
    chown 1000:1000 "$root/home/agent" "$root/mnt/agent-data"
    chmod 1777 "$root/tmp" "$root/var/tmp"
}
