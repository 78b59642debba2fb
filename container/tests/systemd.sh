#!/usr/bin/env bash
# systemd as process 1: the units reach active, the service is reloaded, watched and started by its socket, and ssh starts
# although a boot fails.
#
#   container/tests/systemd.sh [ENGINE]        Engines: namespaces docker
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
in_own_namespaces "$@"
engine=${1:-namespaces}
world_up
if why=$(systemd_is_missing); then
    [ -z "${CI:-}" ] || die "$why"
    skip "systemd is process 1 of containers" "$why"
    exit 0
fi
systemd_up

on() { container_exec "$1" --user "$2" -- /bin/sh -c "$3"; }
# soon NAME SENTENCE CONDITION: waits for something in a container, a minute at most.
soon() { check "$2" container_exec "$1" -- timeout 60 /bin/sh -c "until $3; do sleep 0.05; done"; }
# fresh NAME [OPTION…]: a container that is up.
fresh() {
    local name=$1
    shift
    systemd_start "$name" --volume vol:data:/mnt/agent-data "$@"
    soon "$name" "systemd comes up" 'systemctl is-active --quiet multi-user.target'
}
is_active() { check "$2 is active" on "$1" root "systemctl is-active $2"; }
show() { on "$1" root "systemctl show --property $3 --value $2"; }
socket=/run/containai/agent.sock
ask='curl --silent --fail --unix-socket /run/containai/agent.sock --output /dev/null http://cai/v1/health'

# --- a container in which everything is as it should be ---
odd=$'a "b" $c `d` \\e\n\tnext'
fresh one --env "CAI_ODD=$odd" --env SECRET_TOKEN=sesame
for unit in cai-init.service cai-agent.service cai-agent.socket ssh.service; do is_active one "$unit"; done
check_same "no unit failed" '' "$(on one root 'systemctl --failed --no-legend --plain')"
check_same "systemd-analyze finds nothing wrong with the units" '' "$(on one root 'systemd-analyze verify \
    cai-init.service cai-agent.service cai-agent.socket ssh.service 2>&1 | grep -i cai')"
note "$(on one root 'systemd-analyze security --no-pager cai-agent.service' | tail -n 1)"
check_same "ssh comes behind the boot" yes "$(on one root 'a=$(systemctl show -P ExecMainExitTimestampMonotonic cai-init.service)
    b=$(systemctl show -P ExecMainStartTimestampMonotonic ssh.service); [ "$a" -gt 0 ] && [ "$a" -le "$b" ] && echo yes')"
check_same "the socket is for the agent" '660 root agent' "$(on one root "stat -c '%a %U %G' $socket")"
check_same "and so is its directory" '750 root agent' "$(on one root "stat -c '%a %U %G' ${socket%/*}")"
check "the agent may ask for the health" on one agent "$ask"
check_status "others may not even connect" 7 on one root "setpriv --reuid 1234 --regid 1234 --clear-groups $ask"
check_status "and who can connect without being allowed to is refused" 22 \
    on one root "setpriv --reuid 1234 --regid 1000 --clear-groups $ask"
soon one "the journal has an entry with fields for that" \
    'journalctl --unit cai-agent.service --output json CAI_PEER_UID=1234 PRIORITY=4 | grep -q "refused a request"'
check "the links are made" on one agent 'test "$(readlink ~/.claude)" = /mnt/agent-data/claude'

# --- the environment ---
main() { show one cai-agent.service MainPID; }
check_same "a variable of the container reaches the service as it is" "CAI_ODD=$odd" \
    "$(on one root "tr '\\0' '\\1' < /proc/$(main)/environ" | tr '\1' '\0' | grep -z '^CAI_ODD=' | tr -d '\0')"
check_same "those of others do not" '' "$(on one root "tr '\\0' '\\n' < /proc/$(main)/environ | grep SECRET")"
check_same "nor do they reach the file" '600 0' "$(on one root 'echo $(stat -c %a /run/containai/environment) \
    $(grep -c sesame /run/containai/environment)')"

# --- reload ---
on one root 'rm /home/agent/.claude; printf "socket_uids = [1234]\n" > /etc/containai/agent.toml; systemctl reload cai-agent.service'
soon one "a reload mends links" '[ -L /home/agent/.claude ]'
soon one "reads the settings again" "setpriv --reuid 1234 --regid 1000 --clear-groups $ask"
soon one "and tells what it did" 'systemctl show --property StatusText cai-agent.service | grep -q "change"'
is_active one cai-agent.service

# --- the watchdog ---
on one root 'mkdir -p /run/systemd/system/cai-agent.service.d
    printf "[Service]\nWatchdogSec=1\n" > /run/systemd/system/cai-agent.service.d/watchdog.conf
    systemctl daemon-reload; systemctl restart cai-agent.service'
before=$(main)
on one root "kill -STOP $before"
soon one "a service that hangs is killed and started again" \
    "[ \"\$(systemctl show --property NRestarts --value cai-agent.service)\" -ge 1 ] && systemctl is-active --quiet cai-agent.service"
check "by the watchdog" on one root 'journalctl --unit cai-agent.service | grep -q "Watchdog timeout"'
check "it answers again" on one agent "$ask"
on one root "kill -KILL $(main)"
soon one "so is one that is killed" "$ask"

# --- socket activation ---
on one root 'systemctl stop cai-agent.service' 2>/dev/null
check_status "a service that was stopped is stopped" 3 on one root 'systemctl is-active cai-agent.service'
check "a connection starts it" on one agent "$ask"
is_active one cai-agent.service
container_destroy one

# --- a boot that fails ---
hooks=/home/agent/startup.d
mkdir "$world/startup"
printf '#!/bin/sh\nexit 9\n' >"$world/startup/a.sh"
chmod -R 755 "$world/startup"
fresh two --env "CAI_STARTUP_HOOKS=$hooks" --env CAI_STRICT=hooks --volume "bind:$world/startup:$hooks"
check_same "a hook that fails can fail the boot" failed "$(on two root 'systemctl is-active cai-init.service || true')"
is_active two ssh.service
check "and whoever wants in gets in" on two root "timeout 20 bash -c 'exec 3<>/dev/tcp/127.0.0.1/22; read -r line <&3; [[ \$line == SSH-* ]]'"
is_active two cai-agent.service
check_status "which tells that the container is not well" 22 on two agent "$ask"
container_destroy two

# --- a boot that hangs ---
printf '#!/bin/sh\nexec sleep 3600\n' >"$world/startup/a.sh"
mkdir "$world/timeout"
printf '[Service]\nTimeoutStartSec=2\n' >"$world/timeout/timeout.conf"
fresh three --env "CAI_STARTUP_HOOKS=$hooks" --env CAI_HOOK_TIMEOUT_SECONDS=1000 --volume "bind:$world/startup:$hooks" \
    --volume "bind:$world/timeout:/etc/systemd/system/cai-init.service.d"
is_active three ssh.service
container_destroy three

# --- cai entrypoint, which becomes systemd ---
fresh four --env USE_SYSTEMD=1 --env CAI_WORD=passed-on -- /usr/local/bin/cai entrypoint --
check_same "process 1 is systemd" systemd "$(on four root 'cat /proc/1/comm')"
is_active four cai-agent.service
check "the agent may ask for the health" on four agent "$ask"
check "the environment gets through both" on four root \
    "tr '\\0' '\\n' < /proc/\$(systemctl show -P MainPID cai-agent.service)/environ | grep -qx CAI_WORD=passed-on"
container_destroy four
finish
