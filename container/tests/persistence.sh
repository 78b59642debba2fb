#!/usr/bin/env bash
# What `cai persistence check` says of real mounts.
#
#   container/tests/persistence.sh [ENGINE]        Engines: namespaces docker
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
in_own_namespaces "$@"
engine=${1:-namespaces}
world_up
containers_up_or_skip "persistence is told from real mounts"
mkdir -p "$world/elsewhere"

# kind_of PATH: what the report calls what holds it. Keys come sorted, so `kind` stands before its `path`.
kind_of() { awk -F'"' -v path="$1" '$2 == "kind" { kind = $4 } $2 == "path" && $4 == path { print kind }' "$world/report"; }
report() {
    local status=0
    container_exec box --user agent -- cai persistence check --json "$@" >"$world/report" || status=$?
    echo "$status" >"$world/status"
}
says() { check_same "$1" "$3" "$(kind_of "$2")"; }
ends_with() { check_same "$1" "$2" "$(cat "$world/status")"; }

container_start box --volume vol:agent-data:/mnt/agent-data --volume "bind:$world/elsewhere:/home/agent/workspace" \
    --volume anon:/anonymous --volume tmpfs:/memory
report
says "a named volume is told" /mnt/agent-data named-volume
says "a bind mount is told" /home/agent/workspace bind-mount
ends_with "with both it exits 0" 0
report --path /anonymous --path /memory --path /etc
says "an anonymous volume is told, although its path looks like a named one's" /anonymous anonymous-volume
says "a tmpfs is told" /memory memory
says "the container's own layer is told" /etc container-layer
ends_with "with something that is lost it exits 1" 1

container_exec box -- /bin/sh -c 'ln -s /memory /looks-kept; ln -s /mnt/agent-data /looks-lost'
report --path /looks-kept --path /looks-lost
says "a link to a tmpfs is judged by the tmpfs" /looks-kept memory
says "a link to a volume is judged by the volume" /looks-lost named-volume
container_destroy box

container_start box
said=$(container_exec box --user agent -- cai persistence check) || true
check "without any volume it says so in a line of its own" \
    grep -q '^WARNING: Persistence is not configured' <<<"$said"
check "and names the line that mends it" grep -q -- '-v containai-data:/mnt/agent-data' <<<"$said"
finish
