#!/usr/bin/env bash
# The images: built from a base of our own, run as users run them, on a Docker engine.
#
#   container/tests/images.sh docker
# Engines: only docker
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
if [ "${1:-}" != docker ]; then
    skip "images are built and run" "that takes a Docker engine: run it as $0 docker"
    exit 0
fi
in_own_namespaces "$@"
engine=docker
world_up
containers_up_or_skip "images are built and run"

# A base that knows nothing of cai: busybox, and an account with the number that the agent would have.
make_plain_base() {
    local root=$world/plain
    make_rootfs "$root"
    rm -r "$root/usr/local/bin/cai" "$root/mnt/agent-data" "$root/home/agent"
    printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'node:x:1000:1000:node:/home/node:/bin/sh' >"$root/etc/passwd"
    printf '%s\n' 'root:x:0:' 'node:x:1000:' >"$root/etc/group"
    mkdir "$root/home/node"
    tar -C "$root" -c . | private_docker import --change "ENV PATH=$container_path" - plain >/dev/null
}
# The same with stand-ins for OpenCode and its broker: a web server on the port, and a process of that name with its socket.
make_opencode_base() {
    local root=$world/opencode
    cp -a "$world/plain" "$root"
    mkdir -p "$root/usr/local/lib/stand-in" "$root/www"
    echo '<html>opencode</html>' >"$root/www/index.html"
    install -m 755 "$(cai_binary)" "$root/usr/local/lib/stand-in/opencode-broker"
    cat >"$root/usr/local/bin/opencode-broker" <<'SH'
#!/bin/sh
exec /usr/local/lib/stand-in/opencode-broker serve --socket /run/opencode/auth.sock
SH
    cat >"$root/usr/local/bin/opencode" <<'SH'
#!/bin/sh
echo "$(id -un) $(pwd) $*" >"$HOME/workspace/started"
echo $$ >"$HOME/workspace/pid"
while [ "$1" != --port ]; do shift; done
exec busybox httpd -f -p "$2" -h /www
SH
    chmod 755 "$root/usr/local/bin/"*
    sed -i '/^node:/d' "$root/etc/passwd" "$root/etc/group"
    tar -C "$root" -c . | private_docker import --change "ENV PATH=$container_path" - opencode-base >/dev/null
}

run() { private_docker run --network none "$@"; }
starts() { run --detach --health-interval=1s --name "$@" >/dev/null; }
in_container() { private_docker exec --user "${3:-agent}" "$1" /bin/sh -c "cd ~${3:-agent}; $2"; }
# soon SENTENCE COMMAND…: the command succeeds within a minute.
soon() {
    local sentence=$1
    shift
    check "$sentence" timeout 60 "$BASH" -c "until $*; do sleep 0.1; done"
}
export world docker_client
export -f private_docker
health_is() { soon "$1" "[ \"\$(private_docker inspect -f '{{.State.Health.Status}}' $2)\" = $3 ]"; }
log_says() { private_docker logs "$1" 2>&1 | grep -- "$2" >/dev/null; }
log_says_not() { ! log_says "$@"; }
# How long `docker stop` took, in milliseconds, in `stop_time`; its exit code in `stopped_with`.
stops() {
    local from=${EPOCHREALTIME/./}
    private_docker stop --time 60 "$1" >/dev/null
    stop_time=$(((${EPOCHREALTIME/./} - from) / 1000))
    stopped_with=$(private_docker wait "$1")
}
image_of() { private_docker image inspect -f "$2" "$1"; }

make_plain_base
local_binary=(--build-arg BINARY=local --build-arg BASE=plain)

# --- the agent's image ---
check "an image is built from any base" docker_build "$here/Dockerfile" agent "${local_binary[@]}"
check_same "it declares no volume that would hide missing persistence" 'map[]' "$(image_of agent '{{.Config.Volumes}}' | sed 's/<nil>/map[]/')"
check_same "its account gets a number of its own when the base has given 1000 away" 'agent:x:1001:1001:agent:/home/agent:/bin/sh' \
    "$(run --rm --entrypoint cat agent /etc/passwd | grep ^agent)"
check "another number can be asked for" docker_build "$here/Dockerfile" agent-4000 "${local_binary[@]}" --build-arg AGENT_UID=4000
check_same "and is the account's" 4000 "$(run --rm --entrypoint id agent-4000 -u agent)"

workload='trap "exit 3" TERM; touch /tmp/started; while :; do sleep 3600 & wait $!; done'
starts one --volume data:/mnt/agent-data --volume work:/home/agent/workspace agent /bin/sh -c "$workload"
health_is "a container with named volumes turns healthy" one healthy
check "its log has no warning of missing persistence" log_says_not one 'WARNING: Persistence'
check "an agent logs in" in_container one 'umask 077; echo "{\"login\":1}" > .codex/auth.json.tmp && mv .codex/auth.json.tmp .codex/auth.json'
check "its shells see what the volume adds" in_container one \
    'echo "alias hello=\"echo hi\"" > /mnt/agent-data/shell/bash_aliases && . ~/.bashrc && alias hello'
private_docker restart --time 30 one >/dev/null
health_is "it turns healthy again after a restart" one healthy
stops one
check_same "docker wait has the exit code of the workload" 3 "$stopped_with"
note "(stopped in $stop_time ms)"
private_docker rm one >/dev/null
starts one --volume data:/mnt/agent-data --volume work:/home/agent/workspace agent /bin/sh -c "$workload"
soon "a recreated container starts" private_docker exec one test -e /tmp/started
check_same "the login survives it" '{"login":1}' "$(in_container one 'cat .codex/auth.json')"
check_same "its directory is on the volume" /mnt/agent-data/codex "$(in_container one 'readlink .codex')"
in_container one 'rm .claude'
soon "a link that was removed comes back, and the container is well" \
    private_docker exec one /bin/sh -c "'[ -L /home/agent/.claude ] && cai health'"
private_docker kill one >/dev/null
check_same "docker kill is 137" 137 "$(private_docker wait one)"
private_docker start one >/dev/null
health_is "after a kill it starts, and turns healthy" one healthy
check_same "nothing of the login is lost" '{"login":1}' "$(in_container one 'cat .codex/auth.json')"
private_docker rm --force one >/dev/null

starts anonymous --volume /mnt/agent-data --volume work:/home/agent/workspace agent /bin/sh -c "$workload"
soon "a container with an anonymous volume starts" private_docker exec anonymous test -e /tmp/started
check "and is told what that means" log_says anonymous 'WARNING: Persistence is not configured'
check "with the kind" log_says anonymous '/mnt/agent-data (anonymous volume'
starts none --health-start-period=1ms agent /bin/sh -c "$workload"
soon "a container without a volume starts all the same" private_docker exec none test -e /tmp/started
check "and is told the line that mends it" log_says none 'containai-data:/mnt/agent-data'
health_is "but is not healthy" none unhealthy
private_docker rm --force --volumes anonymous none >/dev/null
check_status "the exit code of a command comes through" 7 run --rm --volume data:/mnt/agent-data agent /bin/sh -c 'exit 7'
check_same "a container of an arbitrary user starts" 'uid=65534' \
    "$(run --rm --user 65534:65534 --tmpfs /mnt/agent-data agent /bin/sh -c 'id' 2>/dev/null | cut -d' ' -f1)"
check_same "one that may write nothing starts" 'started' \
    "$(run --rm --read-only --user 65534:65534 --security-opt no-new-privileges agent /bin/sh -c 'echo started' 2>/dev/null)"

# --- nothing but the binary ---
check "the binary alone is an image" docker_build "$here/Dockerfile" minimal --target minimal --build-arg BINARY=local
check "it runs" run --rm minimal /cai version
check "it boots, and every link is right" run --rm --volume fresh:/mnt/agent-data --volume home:/home/agent minimal \
    /cai links check

# --- OpenCode ---
make_opencode_base
check "the image of OpenCode is built" docker_build "$here/opencode.Dockerfile" opencode \
    --build-arg CAI=minimal --build-arg BASE=opencode-base
check_same "it declares no volume either" 'map[]' "$(image_of opencode '{{.Config.Volumes}}' | sed 's/<nil>/map[]/')"
seven=()
for path in .local/share/opencode .local/state/opencode .cache/opencode .config/opencode .ssh workspace; do
    seven+=(--volume "oc-${path//\//-}:/home/opencoder/$path")
done
seven+=(--volume oc-users:/var/lib/opencode-users)
starts opencode --env OPENCODE_PORT=3123 "${seven[@]}" opencode
health_is "it turns healthy: server, broker and socket" opencode healthy
check "its log has no warning of missing persistence" log_says_not opencode 'WARNING: Persistence'
check_same "the server runs as opencoder, in its workspace, on the port asked for" \
    'opencoder /home/opencoder/workspace web --port 3123 --hostname 0.0.0.0' \
    "$(in_container opencode 'cat workspace/started' opencoder)"
check "its log shows a code for the first login" log_says opencode 'INITIAL ONE-TIME PASSWORD (IOTP): '
check "the helper of the server says that there is one" in_container opencode \
    'opencode-cloud-bootstrap status | grep -q "\"active\":true"' root
check_same "the broker runs as root" 0 "$(in_container opencode 'stat -c %u /proc/$(pidof opencode-broker)' root)"
in_container opencode 'kill -KILL $(pidof opencode-broker)' root
soon "a broker that was killed comes back" private_docker exec opencode /bin/sh -c "'pidof opencode-broker && [ -S /run/opencode/auth.sock ]'"
in_container opencode 'kill -STOP $(cat ~opencoder/workspace/pid)' root
check_status "a server that does not answer is not healthy" 1 private_docker exec --env OPENCODE_PORT=3123 opencode cai health
private_docker rm --force opencode >/dev/null

# --- compose ---
cat >"$world/compose.override.yaml" <<'YAML'
version: "2.4"
services: {agent: {network_mode: none}}
YAML
compose() {
    (cd "$world" && IMAGE=agent WORKSPACE=$world/work SOCKET_DIRECTORY=$world/run VOLUME=composed private_compose \
        --project-directory "$here" -f "$here/compose.yaml" -f "$world/compose.override.yaml" "$@")
}
mkdir -p "$world/work" "$world/run"
check "the compose file is understood" compose config --quiet
check "and brings the agent up" compose up --no-build --detach
container=$(compose ps -q agent)
health_is "which turns healthy" "$container" healthy
in_container "$container" 'echo kept > .vimrc.new && mv .vimrc.new .vimrc'
check "down and up again" compose down
check "makes a new container" compose up --no-build --detach
container=$(compose ps -q agent)
soon "with what was saved" "private_docker exec $container grep -qx kept /home/agent/.vimrc"
check "the agent service listens in the directory of the host" test -S "$world/run/agent.sock"
check "down -v removes the volume, as it says" compose down --volumes
check "the compose file of OpenCode is understood" private_compose -f "$here/opencode.compose.yaml" config --quiet

# --- dev container feature ---
feature=$world/feature
check "the feature is made" "$here/feature" "$feature"
printf '%s\n' 'FROM plain' 'ARG ENABLECREDENTIALS=false' 'COPY . /feature' \
    'RUN _REMOTE_USER=node ENABLECREDENTIALS=$ENABLECREDENTIALS /feature/install.sh' \
    'ENTRYPOINT ["/bin/sh", "-c", "/usr/local/share/containai/post-start && exec \"$@\"", "sh"]' >"$feature/Dockerfile"
top=$feature check "and installs itself in an image" docker_build "$feature/Dockerfile" dev
top=$feature check "with credentials too" docker_build "$feature/Dockerfile" dev-with --build-arg ENABLECREDENTIALS=true
linked() { run --rm --volume "$1:/mnt/agent-data" "$1" /bin/sh -c 'find /home/node -type l | wc -l'; }
without=$(linked dev) with=$(linked dev-with)
check "a dev container has links" test "$without" -gt 40
check "those to secrets only when asked for" test "$with" -gt "$without"
secret_links() {
    run --rm --volume "$1:/mnt/agent-data" "$1" /bin/sh -c 'find /home/node -type l -exec readlink {} ";"' |
        grep -cE '/claude$|/codex$|auth.json|credentials.json|gh/hosts.yml|claude/claude.json' || true
}
check_same "all links to logins with the option" 4 "$(secret_links dev-with)"
check_same "none without" 0 "$(secret_links dev)"
finish
