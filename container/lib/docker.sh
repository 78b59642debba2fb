# Containers on a private Docker engine: its own daemon, in mount and network namespaces of its own, with all its data
# in memory; no engine of the machine's is touched, nothing is pulled from anywhere. Sourced.
# See container.sh for the functions.
# shellcheck shell=bash

docker_image=cai-test
docker_made_cgroups=''

docker_up() {
    docker_engine_up
    tar -C "$world/rootfs" -c . | private_docker import --change "ENV PATH=$container_path" - "$docker_image" >/dev/null
}

# The command line, pointed at our engine only.
private_docker() { env -u DOCKER_CONTEXT DOCKER_CONFIG="$world/docker-config" "$docker_client" -H "unix://$world/docker.sock" "$@"; }
# Debian's own, which can build images with the engine beside it; another one on the PATH may lack the plug-in for that.
docker_client=docker
[ ! -x /usr/bin/docker ] || docker_client=/usr/bin/docker
private_compose() {
    env -u DOCKER_CONTEXT DOCKER_CONFIG="$world/docker-config" DOCKER_HOST="unix://$world/docker.sock" docker-compose "$@"
}

# docker_build FILE TAG [OPTION…]: an image from the repository, without a network.
docker_build() {
    local file=$1 tag=$2
    shift 2
    DOCKER_BUILDKIT=1 private_docker build --quiet --network none --file "$file" --tag "$tag" "$@" "$top"
}

docker_engine_up() {
    local i
    mkdir -p "$world/docker-config" "$world/engine"
    compgen -G "/sys/fs/cgroup/*/docker" >/dev/null || [ -d /sys/fs/cgroup/docker ] || docker_made_cgroups=1
    unshare --mount --propagation private --net -- "$here/lib/engine" "$world" >"$world/engine.log" 2>&1 </dev/null &
    docker_engine=$!
    at_exit docker_engine_down
    for ((i = 0; i < 300; i++)); do
        private_docker version >/dev/null 2>&1 && return
        [ -d "/proc/$docker_engine" ] || break
        sleep 0.1
    done
    tail -n 5 "$world/engine.log" >&2
    return 1
}

docker_engine_down() {
    local i
    private_docker ps -aq | while read -r id; do private_docker rm -f -v "$id" >/dev/null 2>&1 || true; done
    kill "$docker_engine" 2>/dev/null
    for ((i = 0; i < 100; i++)); do
        [ -d "/proc/$docker_engine" ] || break
        sleep 0.1
    done
    kill -KILL "$docker_engine" 2>/dev/null
    wait "$docker_engine" 2>/dev/null
    [ -z "$docker_made_cgroups" ] || docker_remove_cgroups
}

# The engine leaves its empty control groups behind. They go if they were not there before it; rmdir takes none in use.
docker_remove_cgroups() {
    local group
    for group in /sys/fs/cgroup/docker /sys/fs/cgroup/*/docker; do
        [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
    done
}

docker_start() {
    local name=$1 volumes environment user root tty entrypoint command_line
    shift
    container_options "$@"
    [ ${#command_line[@]} -gt 0 ] || command_line=("${idle_command[@]}")
    docker_words
    private_docker run --detach --name "$name" --hostname "$name" "${docker_words[@]}" "${command_line[@]}" >/dev/null
}

docker_log() { private_docker logs "$1" 2>&1; }

docker_run() {
    local volumes environment user root tty entrypoint command_line
    container_options "$@"
    docker_words
    private_docker run --rm --interactive "${docker_words[@]}" "${command_line[@]}"
}

# The options of a call in the engine's words, in `docker_words`, up to and including the image.
docker_words() {
    local volume rest variable
    docker_words=(--network none --user "$user")
    [ -z "$entrypoint" ] || docker_words+=(--entrypoint "$entrypoint")
    for variable in ${environment[@]+"${environment[@]}"}; do docker_words+=(--env "$variable"); done
    for volume in ${volumes[@]+"${volumes[@]}"}; do
        rest=${volume#*:}
        case $volume in
        vol:*:* | bind:*:*) docker_words+=(--volume "$rest") ;;
        anon:*) docker_words+=(--volume "$rest") ;;
        tmpfs:*) docker_words+=(--tmpfs "$rest") ;;
        *) die "unknown kind of volume: $volume" ;;
        esac
    done
    docker_words+=("$docker_image")
}

docker_exec() {
    local name=$1 options=(--interactive) variable volumes environment user root tty entrypoint command_line
    shift
    container_options "$@"
    [ -z "$tty" ] || options+=(--tty)
    [ "$user" = root ] || options+=(--env "HOME=/home/$user" --env "USER=$user")
    for variable in ${environment[@]+"${environment[@]}"}; do options+=(--env "$variable"); done
    private_docker exec "${options[@]}" --user "$user" "$name" "${command_line[@]}"
}

docker_stop() {
    private_docker stop --time 60 "$1" >/dev/null
    stopped_with=$(private_docker wait "$1")
}

docker_destroy() { private_docker rm --force --volumes "$1" >/dev/null; }

# The data of the engine are mounted where only the engine sees them.
docker_volume() {
    local name=$1
    shift
    nsenter --target "$docker_engine" --mount -- find "$world/engine/data/volumes/$name/_data" "$@"
}
