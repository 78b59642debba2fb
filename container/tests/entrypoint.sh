#!/usr/bin/env bash
# The binary as the entrypoint of containers: it boots, starts the workload as the agent, and ends in order.
#
#   container/tests/entrypoint.sh [ENGINE]        Engines: namespaces docker
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
in_own_namespaces "$@"
engine=${1:-namespaces}
world_up
containers_up_or_skip "the binary is the entrypoint of containers"

on() { container_exec "$1" --user "$2" -- /bin/sh -c "cd; $3"; }
# soon NAME SENTENCE CONDITION: waits for something in a container, a minute at most.
soon() { check "$2" container_exec "$1" --user root -- timeout 60 /bin/sh -c "until $3; do usleep 10000; done"; }
# Runs a command in a container of its own with an old volume; $2 is the exit status that it has to have.
once() {
    local sentence=$1 status=$2
    shift 2
    check_status "$sentence" "$status" container_run --volume vol:data:/mnt/agent-data --entrypoint cai -- entrypoint "$@"
}
workload='trap "echo workload >> /mnt/agent-data/order; exit 3" TERM
    echo "$(id -un) $(pwd) $HOME $WORD" > /mnt/agent-data/seen
    touch /tmp/started; while :; do sleep 3600 & wait $!; done'
# A container that stays. Its grace time is longer than any test may take.
fresh() {
    container_start "$1" --volume vol:data:/mnt/agent-data --entrypoint cai -- \
        entrypoint --grace 1000s -- /bin/sh -c "$workload"
    soon "$1" "the workload starts" "[ -e /tmp/started ]"
}

# --- a first container ---
fresh one
check_same "the workload is the agent's, at home" 'agent /home/agent /home/agent' "$(on one agent 'sed "s/ *$//" /mnt/agent-data/seen')"
check "the boot has left its report" on one agent 'test -s /run/containai/boot.json'
check "links are right" on one agent 'cai links check --quiet'
check "the container is well" on one root 'cai health'
on one root 'rm /home/agent/.claude'
check_status "and is not when a link is missing" 1 on one root 'cai health'
on one agent 'mkdir -p workspace/.containai/hooks/shutdown.d
    printf "#!/bin/sh\necho hook >> /mnt/agent-data/order\n" > workspace/.containai/hooks/shutdown.d/a.sh
    chmod +x workspace/.containai/hooks/shutdown.d/a.sh
    echo "{\"login\":1}" > .codex/auth.json.tmp && mv .codex/auth.json.tmp .codex/auth.json
    echo "login: 1" > .config/gh/hosts.yml.tmp && mv .config/gh/hosts.yml.tmp .config/gh/hosts.yml
    echo "WORD=from-the-volume" > /mnt/agent-data/.env; chmod 600 /mnt/agent-data/.env'
on one root 'kill -HUP 1'
soon one "SIGHUP adopts a login that replaced its link" "[ -L /home/agent/.config/gh/hosts.yml ]"
check "the container is well again" on one root 'timeout 60 sh -c "until cai health; do usleep 10000; done"'
container_stop one
check_same "the exit code of the workload is that of the container" 3 "$stopped_with"
container_destroy one

# --- the second one, with the volume of the first ---
fresh one
check_same "hooks ran before the workload was told to end" 'hook workload' "$(on one agent 'xargs < /mnt/agent-data/order')"
check_same "a login survives the container" '{"login":1}' "$(on one agent 'cat .codex/auth.json')"
check "links are right at once" on one agent 'cai links check --quiet'
check_same ".env is in the workload's environment" 'agent /home/agent /home/agent from-the-volume' \
    "$(on one agent 'cat /mnt/agent-data/seen')"
container_stop one
container_destroy one

# --- services ---
mkdir "$world/settings"
cat >"$world/settings/agent.toml" <<'EOF'
[service.first]
command = ': > /mnt/agent-data/end; echo out > /dev/stdout && echo err > /dev/stderr && touch /tmp/first; trap "echo first >> /mnt/agent-data/end; exit" TERM; while :; do sleep 3600 & wait $!; done'
ready = "exec:test -e /tmp/first"
essential = true
[service.second]
command = 'touch /tmp/second; trap "echo second >> /mnt/agent-data/end; exit" TERM; while :; do sleep 3600 & wait $!; done'
user = "root"
after = ["first"]
ready = "exec:test -e /tmp/second"
EOF
chmod -R a+rX "$world/settings"
served=(--env CAI_CONFIG=/settings/agent.toml --volume "bind:$world/settings:/settings" --volume vol:data:/mnt/agent-data --entrypoint cai --)
container_start served "${served[@]}" entrypoint --grace 1000s -- /bin/sh -c "$workload"
soon served "the workload starts after its services" "[ -e /tmp/started ]"
check "which are ready, also the agent's, which opens /dev/stdout and /dev/stderr" on served root 'test -e /tmp/first && test -e /tmp/second'
soon served "and the agent service runs beside them" \
    "grep -q '\"name\":\"agent\",\"state\":\"running\"' /run/containai/services.json"
check "the container is well" on served root 'cai health'
container_stop served
check_same "its exit code is the workload's" 3 "$stopped_with"
check_same "the services ended behind it, the last one first" 'second first' "$(container_volume data -name end -exec xargs -a {} ';')"
container_destroy served
printf '[service.broken]\ncommand = 7\n[service.short]\ncommand = ["false"]\nrestart = "no"\n' >"$world/settings/agent.toml"
check_status "services that fail do not keep the workload from starting" 5 \
    container_run "${served[@]}" entrypoint -- /bin/sh -c 'exit 5'
printf '[service.short]\ncommand = "exit 8"\nrestart = "no"\nessential = true\n' >"$world/settings/agent.toml"
check_status "unless one is essential, whose code is that of the container" 8 \
    container_run "${served[@]}" entrypoint -- /bin/sh -c "$workload"

# --- exit codes ---
once "an exit code comes through" 7 -- /bin/sh -c 'exit 7'
once "so does a signal" 143 -- /bin/sh -c 'kill -TERM $$'
once "what is not there is 127" 127 -- nonesuch
once "what cannot be executed is 126" 126 -- /etc/passwd
once "no command is a usage error" 64

# --- a boot that goes wrong ---
hooks=/home/agent/startup.d
broken=(--env "CAI_STARTUP_HOOKS=$hooks" --volume "bind:$world/startup:$hooks" --volume vol:data:/mnt/agent-data --entrypoint cai --)
mkdir "$world/startup"
printf '#!/bin/sh\nexit 9\n' >"$world/startup/a.sh"
chmod -R 755 "$world/startup"
check_status "a failing hook does not keep the workload from starting" 5 \
    container_run "${broken[@]}" entrypoint -- /bin/sh -c 'exit 5'
check_status "unless it was declared essential" 9 \
    container_run "${broken[@]}" entrypoint --strict=hooks -- /bin/sh -c 'exit 5'
printf '#!/bin/sh\nexec sleep 3600\n' >"$world/startup/a.sh"
check_status "a hook that hangs does not either" 5 \
    container_run "${broken[@]}" entrypoint --boot-timeout 1s -- /bin/sh -c 'exit 5'
finish
