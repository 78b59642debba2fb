# Containers whose process 1 is systemd, in namespaces and on a Docker engine. Sourced. See container.sh for the other
# functions: exec and destroy work on them as on any other.
#
#   systemd_up                              once, after world_up: makes $world/ram/sysroot, a layer in which the agent has an
#                                           account, and cai and its units are installed: in namespaces it lies over the
#                                           machine's own root, for Docker over what the machine's packages of systemd have
#   systemd_is_missing                      succeeds, saying why, if systemd cannot be had here
#   systemd_start NAME [OPTION…] [-- COMMAND…]   COMMAND becomes process 1; systemd itself if there is none
#   systemd_log NAME                        what it said on its console
# shellcheck shell=bash

systemd_is_missing() {
    [ -x /lib/systemd/systemd ] || { echo "there is no systemd; container/setup test installs it" && return; }
    if [ "$engine" = docker ]; then
        engine_is_missing
        return
    fi
    mkdir -p "$world/ram/cgroup"
    mount -t cgroup2 none "$world/ram/cgroup" 2>/dev/null || { echo "there are no unified control groups" && return; }
    return 1
}

systemd_up() {
    local root=$world/ram/sysroot unit
    mkdir -p "$root"/{etc/systemd/system,etc/containai,home/agent,mnt/agent-data,usr/local/bin,var/log/journal}
    # The number of the agent is that of the volumes; whoever has it on this machine is not needed.
    { grep -v ':1000:' /etc/passwd && echo 'agent:x:1000:1000:agent:/home/agent:/bin/bash'; } >"$root/etc/passwd"
    { grep -v ':1000:' /etc/group && echo 'agent:x:1000:'; } >"$root/etc/group"
    chown 1000:1000 "$root/home/agent" "$root/mnt/agent-data"
    # Without one systemd takes this for a first start and enables whatever it finds.
    tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
    # What the machine has besides is not of interest, and some of it would wait for hardware or a network.
    for unit in docker.service docker.socket containerd.service systemd-networkd-wait-online.service \
        systemd-resolved.service systemd-logind.service apt-daily.timer apt-daily-upgrade.timer; do
        ln -s /dev/null "$root/etc/systemd/system/$unit"
    done
    "$(cai_binary)" systemd install --root "$root" >/dev/null 2>&1
    mkdir -p "$root/etc/ssh" && ssh-keygen -A -f "$root" >/dev/null
    ln -s /lib/systemd/system/ssh.service "$root/etc/systemd/system/multi-user.target.wants/ssh.service"
    "systemd_${engine}_up"
}

systemd_namespaces_up() { namespaces_up; }

systemd_docker_up() {
    docker_engine_up
    mkdir "$world/image"
    systemd_files | tar -C / -c --no-recursion --ignore-failed-read -T - 2>/dev/null | tar -C "$world/image" -x
    cp -a "$world/ram/sysroot/." "$world/image"
    mkdir -p "$world/image"/{proc,sys,dev,run,tmp,root} && chmod 1777 "$world/image/tmp"
    tar -C "$world/image" -c . | private_docker import --change "ENV PATH=$container_path" - "$docker_image" >/dev/null
    rm -rf "$world/image"
}

# The files of systemd, ssh and a few tools, with those of all packages that they need, and what the installation of those
# has made.
systemd_files() {
    local packages
    mapfile -t packages < <(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
        --no-replaces --no-enhances systemd systemd-sysv dbus openssh-server curl bash coreutils util-linux procps \
        findutils grep sed tar dash base-files base-passwd | grep '^[a-z0-9]' | sort -u)
    printf '%s\n' etc usr bin sbin lib lib32 lib64 libx32 etc/ld.so.cache etc/nsswitch.conf etc/shadow etc/profile usr/bin/sh
    find /etc/pam.d /etc/alternatives /etc/ssh/sshd_config | sed 's,^/,,'
    # Some of the packages are alternatives that this machine does not have; files have names in them that lead through
    # links to below /usr.
    { dpkg-query --listfiles "${packages[@]}" 2>/dev/null || true; } | sed -n 's,^/\(..*\),\1,p' |
        sed -e 's,^\(bin\|sbin\|lib\|lib32\|lib64\|libx32\)/,usr/&,' | grep -v -e '^[a-z0-9]*$' |
        grep -v -e '^usr/share/\(doc\|man\|locale\|info\|zoneinfo\)' | sort -u
}

systemd_start() { "systemd_${engine}_start" "$@"; }

systemd_docker_start() {
    local name=$1 volumes environment user root tty entrypoint command_line
    shift
    container_options "$@"
    [ ${#command_line[@]} -gt 0 ] || command_line=(/lib/systemd/systemd --unit=multi-user.target)
    docker_words
    private_docker run --detach --name "$name" --hostname "$name" --env container=docker --tmpfs /run --tmpfs /run/lock \
        --tmpfs /tmp --cgroupns private --cap-add SYS_ADMIN --security-opt apparmor=unconfined \
        "${docker_words[@]}" "${command_line[@]}" >/dev/null
}

systemd_namespaces_start() {
    local name=$1 group=$world/ram/cgroup/cai-${world##*.}-$1 mounts volumes environment user root tty entrypoint command_line
    shift
    container_options --root "$world/ram/sysroot:/" --volume tmpfs:/run --volume tmpfs:/tmp \
        --volume cgroup2:/sys/fs/cgroup "$@"
    [ ${#command_line[@]} -gt 0 ] || command_line=(/lib/systemd/systemd --unit=multi-user.target)
    namespaces_prepare "$name"
    mkdir "$group"
    at_exit "systemd_remove_group '$group'"
    # Its control group is the root of those that it sees.
    (echo 0 >"$group/cgroup.procs" && exec unshare --cgroup -- "${namespaces_command[@]}" "${command_line[@]}") \
        </dev/null >"$world/ram/containers/$name/log" 2>&1 8>&"$ready" &
    namespaces_keeper[$name]=$!
    namespaces_await "$name"
    exec {ready}>&-
}

# A control group goes when the last process in it is gone, which takes a moment.
systemd_remove_group() {
    local i
    echo 1 >"$1/cgroup.kill" 2>/dev/null || true
    for ((i = 0; i < 100; i++)); do
        find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
        [ -d "$1" ] || return 0
        sleep 0.05
    done
}

systemd_log() {
    container_log "$1"
}
