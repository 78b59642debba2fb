#!/usr/bin/env bash
# What an agent keeps survives its container.
#
#   container/tests/recreate.sh [ENGINE]        Engines: namespaces docker
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
in_own_namespaces "$@"
engine=${1:-namespaces}
world_up
containers_up_or_skip "what an agent keeps survives its container"

on() { container_exec "$1" --user "$2" -- /bin/sh -c "cd; $3"; }
fresh() { container_start "$1" --volume "vol:$2:/mnt/agent-data"; }
# The files of the example home, and the folders in the one that is moved whole.
list() { on one agent '{ find -L . -type f; find -L .claude/plugins -mindepth 1 -type d; } | sort' >"$world/list"; }
# Their modes, times and content, however many links lie between.
facts() {
    on "$1" agent 'xargs stat -L -c "%n %a %Y"' <"$world/list"
    on "$1" agent 'xargs sha256sum 2>/dev/null || true' <"$world/list"
}
# Everything on a volume with inode and times: different after any write.
traces() { container_volume "$1" -printf '%P %i %m %U %s %T@ %C@\n' | sort; }

# --- a fresh volume ---
fresh one first
check "init works on a fresh volume" on one root 'cai init'
check "a fresh volume gets its structure" on one agent \
    'test -d /mnt/agent-data/claude && test -d /mnt/agent-data/codex && test -f /mnt/agent-data/shell/zshrc'
check "a fresh volume belongs to the agent" on one agent \
    'test -z "$(find /mnt/agent-data ! -path "*/.containai*" ! -user agent)"'
check "secrets get an empty placeholder of mode 0600" on one agent \
    'test "$(stat -c %a /mnt/agent-data/config/gh/hosts.yml)" = 600'
check "the home has its links" on one agent \
    'test "$(readlink .claude)" = /mnt/agent-data/claude'
before=$(traces first)
check "a second init succeeds" on one root 'cai init'
check_same "a second init writes nothing" "$before" "$(traces first)"
container_destroy one

# --- live configs, moved ---
fresh one second
on one agent 'sh -s' <"$here/lib/example-home"
list
before=$(facts one)
check "init works beside live configs" on one root 'cai init'
check_same "init moves whole agent directories, those of optional agents included" /mnt/agent-data/gemini \
    "$(on one agent 'readlink .gemini')"
check "sync moves live configs to the volume" on one agent 'cai sync'
check_same "every byte, mode and time is as before sync" "$before" "$(facts one)"
check "links check finds nothing to do" on one agent 'cai links check'
check "secrets are 0600 on the volume" on one agent \
    'test "$(stat -c %a /mnt/agent-data/codex/auth.json /mnt/agent-data/config/gh/hosts.yml | sort -u)" = 600'
container_destroy one

fresh one second
check "init works in a new container with the old volume" on one root 'cai init'
check_same "every byte, mode and time is there in the new container" "$before" "$(facts one)"
check_same "a link inside a moved folder is still that link" cache/example/notes \
    "$(on one agent 'readlink .claude/plugins/notes')"

# --- edits through links, and saves that replace a link ---
on one agent 'echo "# by the agent" >> .claude/CLAUDE.md; echo new > .claude/plugins/new'
on one agent 'umask 077; echo "{\"renewed\":true}" > .codex/auth.json.tmp && mv .codex/auth.json.tmp .codex/auth.json'
check "a login that is saved by rename in an agent directory needs no repair" on one agent 'cai links check'
on one agent 'umask 077; echo "renewed: true" > .config/gh/hosts.yml.tmp && mv .config/gh/hosts.yml.tmp .config/gh/hosts.yml'
check_status "links check reports a link that was replaced by a file" 1 on one agent 'cai links check'
check "links repair adopts it" on one agent 'cai links repair'
check "links check is content afterwards" on one agent 'cai links check'
on one root 'echo keep > /mnt/agent-data/marker'
container_destroy one
fresh one second
check "init works once more" on one root 'cai init'
check_same "a login has its newest content" '{"renewed":true}' "$(on one agent 'cat .codex/auth.json')"
check_same "an adopted file has its newest content" 'renewed: true' "$(on one agent 'cat .config/gh/hosts.yml')"
check_same "its mode is still 600" 600 "$(on one agent 'stat -L -c %a .config/gh/hosts.yml')"
check_same "an edit through a link survives" '# by the agent' "$(on one agent 'tail -n 1 .claude/CLAUDE.md')"
check_same "a file made in a linked folder survives" new "$(on one agent 'cat .claude/plugins/new')"
check_same "files that cai knows nothing of survive" keep "$(on one root 'cat /mnt/agent-data/marker')"

# --- two containers, two volumes ---
fresh two third
check "init works in a second container with a volume of its own" on two root 'cai init'
on two agent 'echo "{\"mine\":2}" > .claude/settings.json'
check "two containers with two volumes do not see each other" on one agent '! grep -q mine .claude/settings.json'
container_destroy one
container_destroy two

# --- no volume ---
container_start bare
on bare agent 'sh -s' <"$here/lib/example-home"
before=$(facts bare)
check_status "sync refuses to work without a mounted volume" 1 on bare agent 'cai sync'
check_same "and touches nothing" "$before" "$(facts bare)"
container_destroy bare
finish
