#!/usr/bin/env bash
# `cai` at work while an agent saves, and several `cai` at once.
#
#   container/tests/race.sh
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
in_own_namespaces "$@"
engine=namespaces
world_up
containers_up
on() { container_exec box --user "$1" -- /bin/sh -c "cd; $2"; }
container_start box --volume vol:agent-data:/mnt/agent-data
on agent 'sh -s' <"$here/lib/example-home"
on root 'cai init' >/dev/null 2>&1
on agent 'cai sync && echo "{\"n\":0}" > .claude.json' >/dev/null 2>&1

# --- an agent that saves without a pause ---
saves=1500
on agent "i=0; while [ \$i -lt $saves ]; do i=\$((i + 1))
    echo \"{\\\"n\\\":\$i}\" > .claude.json.tmp && mv .claude.json.tmp .claude.json; done; touch /tmp/saved" &
saver=$!
on agent 'while [ ! -e /tmp/saved ]; do cat .claude.json; done' >"$world/read" 2>"$world/not-read" &
reader=$!
repairs=$(on agent 'n=0; while [ ! -e /tmp/saved ]; do cai links repair >/dev/null 2>&1; n=$((n + 1)); done; echo $n')
wait "$saver" "$reader"
check "links repair works while an agent saves ($saves saves, $repairs repairs)" on agent 'cai links repair'
check_same "the last save has won" "{\"n\":$saves}" "$(on agent 'cat .claude.json')"
check "and it is a link again" on agent 'test -L .claude.json'
check_same "nobody found the file missing in between" "" "$(sort -u "$world/not-read")"
check_same "or half written" "" "$(grep -v '^{.*}$' "$world/read" | head -n 3)"

# --- several runs at once ---
on agent 'for f in .claude.json .gitconfig .config/gh/hosts.yml; do
    cat "$f" > new && printf "\n" >> new && mv new "$f"; done'
before=$(on agent 'sha256sum .claude.json .gitconfig .config/gh/hosts.yml')
runs=()
for command in 'cai sync' 'cai links repair' 'cai links repair' 'cai sync'; do
    on agent "$command" >/dev/null 2>&1 &
    runs+=($!)
done
on root 'cai init' >/dev/null 2>&1 &
runs+=($!)
odd=''
for run in "${runs[@]}"; do
    status=0
    wait "$run" || status=$?
    case $status in 0 | 75) ;; *) odd+=" $status" ;; esac
done
check_same "five runs at once succeed, or say that another one works (75)" "" "$odd"
check_same "and every byte is there" "$before" "$(on agent 'sha256sum .claude.json .gitconfig .config/gh/hosts.yml')"
check "and all links are right" on agent 'cai links check'
finish
