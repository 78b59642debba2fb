#!/usr/bin/env bash
# A volume moves to another machine: exported from one container, imported into a fresh one.
#
#   container/tests/archive.sh [ENGINE]        Engines: namespaces docker
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
in_own_namespaces "$@"
engine=${1:-namespaces}
world_up
containers_up_or_skip "a volume moves from container to container"

on() { container_exec "$1" --user "$2" -- /bin/sh -c "cd; $3"; }
fresh() { container_start "$1" --volume "vol:$2:/mnt/agent-data"; }
# Everything on a volume with inode and times, the records of cai itself left out.
traces() { container_volume "$1" ! -path '*/.containai*' -mindepth 1 -printf '%P %i %T@ %C@\n' | sort; }
# Every file and symlink of a volume with mode, time and content, and the modes of its directories. Links to what is local
# to a container are no part of it: an export leaves them out, and each start makes them.
facts() {
    on "$1" agent 'cd /mnt/agent-data
        find . ! -path "./.containai*" ! -lname "/tmp/.containai/*" ! -type d -exec stat -c "%n %a %Y %F" {} + | sort
        find . ! -path "./.containai*" -type d ! -path . -exec stat -c "%n %a" {} + | sort
        find . ! -path "./.containai*" -type l ! -lname "/tmp/.containai/*" -exec readlink {} ";" | sort
        find . ! -path "./.containai*" -type f -exec sha256sum {} + | sort'
}

fresh one first
on one root 'cai init' >/dev/null 2>&1
on one agent 'sh -s' <"$here/lib/example-home"
on one agent 'cai sync' >/dev/null 2>&1
on one agent 'printf "\\377 odd" > "/mnt/agent-data/claude/plugins/a name"; touch -d "2001-02-03 04:05:06" /mnt/agent-data/claude/plugins/*name'
before=$(facts one)
check "the volume holds what agents wrote" test "$(wc -l <<<"$before")" -gt 60
check "a container exports its volume" on one agent 'cai export -o /tmp/volume.tgz'
on one agent 'cat /tmp/volume.tgz' >"$world/volume.tgz"
on one agent 'cai export --format tar.zst -o -' >"$world/volume.tar.zst" 2>/dev/null
on one agent 'cai export --no-secrets -o -' >"$world/plain.tgz" 2>/dev/null
check "an export without secrets holds none" on one agent \
    '! cai export --no-secrets -o - 2>/dev/null | gzip -dc | grep -e fake- -e oauthAccount'
check "and holds the rest" test "$(tar -tzf "$world/plain.tgz" | grep -c -e claude/CLAUDE.md -e codex/config.toml)" = 2
check_same "what is exported is as it was" "$before" "$(facts one)"
container_destroy one

for archive in volume.tgz volume.tar.zst; do
    volume=of-${archive//./-}
    fresh two "$volume"
    check "$archive: a fresh container imports it" on two agent 'cai import --from -' <"$world/$archive"
    check_same "$archive: every file has the same content, mode and time" "$before" "$(facts two)"
    traces=$(traces "$volume")
    check "$archive: importing it again ends well" on two agent 'cai import --from -' <"$world/$archive"
    check_same "$archive: and touches nothing" "$traces" "$(traces "$volume")"
    check "$archive: the next boot is well" on two root 'cai init'
    check_same "$archive: and changes nothing of it" "$before" "$(facts two)"
    check_same "$archive: the login is where Codex looks for it" "fake-refresh-2" \
        "$(on two agent 'grep -o fake-refresh-2 .codex/auth.json')"
    on two agent 'echo changed > /mnt/agent-data/claude/CLAUDE.md'
    check "$archive: an undo ends well" on two agent 'cai undo'
    check_same "$archive: and leaves what was changed since" "./claude/CLAUDE.md" \
        "$(on two agent 'cd /mnt/agent-data && find . -type f ! -path "./.containai*"')"
    container_destroy two
done
finish
