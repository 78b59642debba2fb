# Containers in Linux namespaces, without an engine: an overlay root, volumes, and a PID 1. Sourced.
# See container.sh for the functions, enter for what happens inside.
# shellcheck shell=bash

declare -A namespaces_pid=() namespaces_keeper=()

namespaces_up() { mkdir -p "$world/ram/containers"; }

namespaces_start() {
    local name=$1 mounts volumes environment user root tty entrypoint command_line
    shift
    container_options "$@"
    [ ${#command_line[@]} -gt 0 ] || command_line=("${idle_command[@]}")
    namespaces_prepare "$name"
    "${namespaces_command[@]}" "${command_line[@]}" </dev/null >"$world/ram/containers/$name/log" 2>&1 8>&"$ready" &
    namespaces_keeper[$name]=$!
    namespaces_await "$name"
    exec {ready}>&-
}

namespaces_log() { cat "$world/ram/containers/$1/log"; }

# Waits until the container has said the process id of its PID 1.
namespaces_await() {
    local outside=''
    while ! read -r -t 0.2 outside <&"$ready"; do
        [ -d "/proc/${namespaces_keeper[$1]}" ] && continue
        sed 's/^/    /' "$world/ram/containers/$1/log" >&2
        die "the container $1 did not start"
    done
    namespaces_pid[$1]=$outside
}

namespaces_run() {
    local status=0 name=once-$BASHPID-$RANDOM mounts volumes environment user root tty entrypoint command_line
    container_options "$@"
    namespaces_prepare "$name"
    "${namespaces_command[@]}" "${command_line[@]}" 8>&"$ready" || status=$?
    exec {ready}>&-
    rm -rf --one-file-system -- "$world/ram/containers/$name"
    return "$status"
}

# Makes the folder of a container, in `ready` the pipe on which it announces itself, and in `namespaces_command` the
# words that start it.
namespaces_prepare() {
    local folder=$world/ram/containers/$1
    mkdir "$folder"
    mkfifo "$folder/ready"
    exec {ready}<>"$folder/ready"
    namespaces_mounts
    namespaces_command=(
        env -i PATH="$container_path" HOME=/root TERM="${TERM:-dumb}" container=cai-test
        ${environment[@]+"${environment[@]}"}
        unshare --mount --propagation private --pid --fork --kill-child --uts --ipc --net --
        "$here/lib/enter" "$root" "$folder" "$1" ${mounts[@]+"${mounts[@]}"} --
    )
    [ -z "$entrypoint" ] || command_line=("$entrypoint" "${command_line[@]}")
    [ "$user" = root ] || die "a container starts as root; use container_exec --user"
}

# Turns volume options into sources and targets, making the volumes that do not exist yet.
namespaces_mounts() {
    local volume rest source
    mounts=()
    for volume in ${volumes[@]+"${volumes[@]}"}; do
        rest=${volume#*:}
        case $volume in
        vol:*:*) source=$world/volumes/${rest%%:*}/_data ;;
        anon:*) source=$world/volumes/$(od -An -vtx1 -N32 /dev/urandom | tr -d ' \n')/_data ;;
        bind:*:*) source=${rest%%:*} ;;
        tmpfs:*) source=tmpfs ;;
        cgroup2:*) source=cgroup2 ;;
        *) die "unknown kind of volume: $volume" ;;
        esac
        case $source in tmpfs | cgroup2) ;; *) [ -e "$source" ] || install -d -m 755 -o 1000 -g 1000 "$source" ;; esac
        mounts+=("$source:${rest##*:}")
    done
}

namespaces_exec() {
    local name=$1 identity=() home=/root volumes environment user root tty entrypoint command_line
    shift
    container_options "$@"
    if [ "$user" != root ]; then
        identity=(--setuid 1000 --setgid 1000)
        home=/home/$user
    fi
    env -i PATH="$container_path" HOME="$home" USER="$user" TERM="${TERM:-dumb}" container=cai-test \
        ${environment[@]+"${environment[@]}"} \
        nsenter --target "${namespaces_pid[$name]}" --mount --uts --ipc --net --pid --root --wd \
        ${identity[@]+"${identity[@]}"} -- "${command_line[@]}"
}

namespaces_stop() {
    stopped_with=0
    kill -TERM "${namespaces_pid[$1]}"
    # Its number may soon be somebody else's.
    namespaces_pid[$1]=''
    wait "${namespaces_keeper[$1]}" || stopped_with=$?
}

namespaces_destroy() {
    local name=$1
    kill -KILL "${namespaces_pid[$name]}" 2>/dev/null || true
    wait "${namespaces_keeper[$name]}" 2>/dev/null || true
    rm -rf --one-file-system -- "$world/ram/containers/$name"
    unset "namespaces_pid[$name]" "namespaces_keeper[$name]"
}

namespaces_volume() {
    local name=$1
    shift
    find "$world/volumes/$name/_data" "$@"
}
