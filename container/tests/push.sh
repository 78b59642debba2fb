#!/usr/bin/env bash
# A host pushes configuration into a container that runs: nothing restarts, and an agent sees it.
#
#   container/tests/push.sh docker
# Engines: only docker
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
if [ "${1:-}" != docker ]; then
    skip "a host pushes into a running container" "that takes a Docker engine: run it as $0 docker"
    exit 0
fi
in_own_namespaces "$@"
engine=docker
world_up
containers_up_or_skip "a host pushes into a running container"

cai=$world/rootfs/usr/local/bin/cai
[ -x "$cai" ] || cai=$(cai_binary)
home=$world/host-home
mkdir -p "$home/.claude/skills/one" "$world/run-containai"
echo '{"first":true}' >"$home/.claude/settings.json"
echo skill >"$home/.claude/skills/one/skill.md"

# The agent of the container shows what it sees each time it changes.
watching='cai serve & seen=; while :; do now=$(cat /home/agent/.claude/settings.json 2>/dev/null || true)
    [ "$now" = "$seen" ] || { seen=$now; echo "$now" >>/tmp/seen; }; sleep 0.05; done'
started_at() { private_docker inspect --format '{{.State.StartedAt}}' "$1"; }
until_true() { local i; for ((i = 0; i < 600; i++)); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done; return 1; }
answers() { container_exec "$1" --user root -- /bin/sh -c 'test -S /run/containai/agent.sock && cai links check --quiet'; }
inside() { container_exec "$1" --user agent -- /bin/sh -c "$2"; }
sees() { [ "$(inside "$1" 'tail -n 1 /tmp/seen')" = "$2" ]; }

for way in socket exec; do
    options=()
    [ "$way" = exec ] || options=(--volume "bind:$world/run-containai:/run/containai")
    container_start "$way" --volume "vol:$way:/mnt/agent-data" ${options[@]+"${options[@]}"} -- /bin/sh -c "$watching"
    check "$way: the agent service of the container is there" until_true answers "$way"
    before=$(started_at "$way")
    case $way in
    socket) push=("$cai" push --socket "$world/run-containai/agent.sock" --from "$home") ;;
    exec)
        cat >"$world/into" <<SCRIPT
#!/bin/sh
exec env -u DOCKER_CONTEXT DOCKER_CONFIG="$world/docker-config" "$docker_client" -H "unix://$world/docker.sock" exec -i exec cai receive
SCRIPT
        chmod 755 "$world/into"
        push=("$cai" push --exec "$world/into" --from "$home")
        ;;
    esac
    echo "{\"pushed\":\"$way\"}" >"$home/.claude/settings.json"
    check "$way: a push ends well" "${push[@]}"
    check "$way: a process in the container sees it" until_true sees "$way" "{\"pushed\":\"$way\"}"
    check_same "$way: the files are the agent's" "1000 1000" \
        "$(inside "$way" 'stat -c "%u %g" /mnt/agent-data/claude/skills/one/skill.md | sort -u')"
    inode=$(inside "$way" 'stat -c "%i %Y" /mnt/agent-data/claude/skills/one/skill.md')
    echo "{\"again\":\"$way\"}" >"$home/.claude/settings.json"
    check "$way: a second push of one changed file ends well" "${push[@]}"
    check "$way: that is seen too" until_true sees "$way" "{\"again\":\"$way\"}"
    check_same "$way: what did not change was not touched" "$inode" \
        "$(inside "$way" 'stat -c "%i %Y" /mnt/agent-data/claude/skills/one/skill.md')"
    check_same "$way: the container was not started again" "$before" "$(started_at "$way")"
    container_destroy "$way"
done
finish
