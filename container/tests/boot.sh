#!/usr/bin/env bash
# `cai init` where things are not as they should be: real owners, real mounts, a hostile agent.
#
#   container/tests/boot.sh
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
in_own_namespaces "$@"
engine=namespaces
world_up
containers_up

on() { container_exec "$1" --user "$2" -- /bin/sh -c "cd; $3"; }
fresh() { container_start "$1" --volume "vol:$2:/mnt/agent-data"; }
# Ends by itself after 20 seconds: a command that hangs fails.
soon() { container_exec "$1" --user "$2" -- timeout 20 /bin/sh -c "cd; $3"; }
links_work() { on "$1" agent 'test "$(readlink .claude)" = /mnt/agent-data/claude'; }
sums() { on "$1" root "find $2 -type f | sort | xargs sha256sum"; }

# --- whose the volume is ---
fresh box root-owned
on box root 'chown 0:0 /mnt/agent-data; mkdir -p /mnt/agent-data/claude; echo "{}" > /mnt/agent-data/claude/settings.json
    mkdir /mnt/agent-data/shifted; echo x > /mnt/agent-data/shifted/file; chown -R 65534:65534 /mnt/agent-data/shifted
    ln -s /etc/passwd /mnt/agent-data/shifted/link'
check "init works on a volume that belongs to root" on box root 'cai init'
check "the volume belongs to the agent afterwards" on box root \
    'test -z "$(find /mnt/agent-data ! -user agent)"'
check "nothing outside of the volume changed hands through a link" on box root 'test "$(stat -c %u /etc/passwd)" = 0'
check "init leaves a report for the status" on box root 'test -s /run/containai/boot.json'
container_destroy box

# --- volumes that cannot be written ---
mkdir -p "$world/read-only"
chown 1000:1000 "$world/read-only"
mount --bind "$world/read-only" "$world/read-only"
mount -o remount,bind,ro "$world/read-only"
container_start box --volume "bind:$world/read-only:/mnt/agent-data"
on box agent 'sh -s' <"$here/lib/example-home"
before=$(sums box /home/agent)
check "init ends on a read-only volume" soon box root 'cai init; test $? -lt 3'
check "sync says that a read-only volume cannot be written" soon box agent '! cai sync'
check_same "a read-only volume costs no byte of the home" "$before" "$(sums box /home/agent)"
container_destroy box
umount "$world/read-only"

mkdir -p "$world/small"
mount -t tmpfs -o size=256k,uid=1000,gid=1000,mode=755 small "$world/small"
container_start box --volume "bind:$world/small:/mnt/agent-data"
on box agent 'sh -s' <"$here/lib/example-home"
on box agent 'head -c 400000 /dev/urandom > .claude/plugins/large'
before=$(sums box /home/agent | cut -d' ' -f1 | sort)
check "sync to a volume that is too small fails" soon box agent '! cai sync'
everything() { sums "$1" '/home/agent /mnt/agent-data' | cut -d' ' -f1 | sort -u; }
check_same "and costs no byte" "$before" "$(comm -12 <(everything box) <(sort -u <<<"$before"))"
mount -o remount,size=4m "$world/small"
check "with more room it succeeds" soon box agent 'cai sync'
check_same "and still every byte is there" "$before" "$(comm -12 <(everything box) <(sort -u <<<"$before"))"
check "the large file is on the volume now" on box agent 'test -f /mnt/agent-data/claude/plugins/large'
container_destroy box
umount "$world/small"

# --- what an agent may leave in its home ---
fresh box odd
on box agent 'mkdir -p .claude .config .codex
    ln -s nowhere .zshrc; ln -s .vimrc .vimrc; mkfifo .inputrc; mkdir .gitconfig; echo file > .codex/skills
    touch "$(printf "odd\nname")"; mkdir -p .claude/plugins; touch ".claude/plugins/-rf" "$(printf ".claude/plugins/a\nb")"
    mkdir -p /mnt/agent-data/containai/manifests; echo "[[entries" > /mnt/agent-data/containai/manifests/bad.toml
    printf "[[entries]]\nsource = \"../../etc\"\ntarget = \"x\"\ncontainer_link = \"../../etc\"\nflags = \"dR\"\n" \
        > /mnt/agent-data/containai/manifests/escape.toml'
etc=$(sums box /etc)
check "init ends in spite of a fifo, loops, wrong types and broken manifests" \
    soon box root 'cai init; test $? -lt 3'
check "and the rest works" links_work box
check "files with odd names are on the volume" on box agent \
    'test -e /mnt/agent-data/claude/plugins/-rf && test -e "$(printf "/mnt/agent-data/claude/plugins/a\nb")"'
check "a folder where a file belongs is still there" on box agent 'test -d .gitconfig || test -d /mnt/agent-data/.containai/displaced'
check_same "a manifest that names /etc changes nothing there" "$etc" "$(sums box /etc)"
container_destroy box

# --- a hostile agent, while root works ---
fresh box hostile
on box agent 'sh -s' <"$here/lib/example-home"
on box root 'cai init' >/dev/null 2>&1
before=$(container_exec box -- /bin/sh -c 'find /etc /root /usr/local | sort | xargs stat -c "%n %i %u %a %y"')
on box agent 'cd /home/agent; (while [ ! -e /tmp/stop ]; do
    mv .claude .aside && ln -s /etc .claude && rm .claude && mv .aside .claude; done) >/dev/null 2>&1 &
    cd /mnt/agent-data; (while [ ! -e /tmp/stop ]; do
    mv codex aside && ln -s /etc codex && rm codex && mv aside codex; done) >/dev/null 2>&1 &'
for _ in $(seq 40); do on box root 'cai init; rm -rf /home/agent/.zshrc' >/dev/null 2>&1 || true; done
on box root 'touch /tmp/stop'
check_same "root never writes through a link that the agent plants while it works" "$before" \
    "$(container_exec box -- /bin/sh -c 'find /etc /root /usr/local | sort | xargs stat -c "%n %i %u %a %y"')"
container_destroy box

# --- the environment and hooks ---
fresh box hooks
on box root 'mkdir -p /etc/containai/template-hooks/startup.d; cd /etc/containai/template-hooks/startup.d
    printf "#!/bin/sh\nid -u > /tmp/who; echo \$PROJECT_TOKEN > /tmp/token\n" > 10-first.sh
    printf "#!/bin/sh\nsleep 1000\n" > 20-forever.sh; printf "#!/bin/sh\nexit 3\n" > 30-fails.sh; chmod 755 *.sh
    printf "#!/bin/sh\ntouch /tmp/not-executable-ran\n" > 40-not-executable.sh'
on box agent 'umask 077; echo "PROJECT_TOKEN=fake-hook-token" > /mnt/agent-data/.env'
container_exec box --env CAI_HOOK_TIMEOUT_SECONDS=2 -- cai init >"$world/said" 2>&1 || true
check_same "hooks run as the agent" 1000 "$(on box root 'cat /tmp/who')"
check_same "hooks see .env" fake-hook-token "$(on box root 'cat /tmp/token')"
check "no value of .env is in what init says" eval '! grep -q fake-hook-token "$world/said"'
check "no value of .env is in the report" on box root '! grep -q fake-hook-token /run/containai/boot.json'
check "a hook that fails is named" grep -q 30-fails "$world/said"
check "a hook that never ends is stopped and named" grep -q 20-forever "$world/said"
check "a hook that is not executable does not run" on box root 'test ! -e /tmp/not-executable-ran'
check "no process of a stopped hook stays" on box root '! ps | grep -q "[s]leep 1000"'
check "a failing hook does not keep the links from being made" links_work box
container_destroy box
finish
