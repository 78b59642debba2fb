# Containers in which the real Claude Code and Codex run, as the user `agent`, against a stub of their services. Sourced
# after lib.sh.
#
#   agents_up_or_skip SENTENCE        installs the programs, makes a root file system for them, starts the engine
#   agents_start NAME [OPTION…] [-- COMMAND…]   a container under `cai entrypoint`, its stub, and COMMAND (an idle one);
#                                     options of container_start, and --token-life SECONDS for the stub
#   agents_plain NAME [OPTION…]       the same without `cai`
#   agents_kill NAME                  SIGKILL to the whole container; it and all outside of volumes is gone
#   agent NAME SCRIPT                 runs a bash script as the agent in the workspace, for at most 60 s
#   stub_was_sent NAME TEXT EARLIER…  true if a model request with TEXT also had every EARLIER text
#   terminal_start NAME [OPTION…] -- COMMAND…   as agents_start, with COMMAND on a terminal
#   terminal_open TERMINAL NAME SCRIPT          runs a script as the agent on a terminal, in a running container
#   terminal_shows TERMINAL PATTERN   waits until the terminal shows PATTERN (grep)
#   terminal_choose TERMINAL PATTERN KEY        presses KEY until the terminal shows PATTERN
#   terminal_type TERMINAL TEXT, terminal_key TERMINAL KEY…, terminal_text TERMINAL, terminal_close TERMINAL
#   eventually COMMAND…               polls COMMAND until it succeeds, for at most 60 s
#
# Volumes: `data` unless an option names another for /mnt/agent-data; the workspace is the volume `work`.
# shellcheck shell=bash

declare -A stub_pid=()

# --- the programs ---

agents_folder=${CAI_AGENTS:-$top/.build/agents}

agents_up_or_skip() {
    local why
    if why=$(agents_are_missing) || why=$(engine_is_missing); then
        [ -z "${CI:-}" ] || die "the agents cannot be tested: $why"
        skip "$1, on $engine" "$why"
        exit 0
    fi
    agents_up
}

# Succeeds and prints the reason if the programs cannot be installed here.
agents_are_missing() {
    local program
    for program in python3 tmux openssl; do
        has "$program" || { echo "there is no $program; container/setup agents installs it" && return; }
    done
    cmp -s "$here/agents/versions" "$agents_folder/versions" && return 1
    python3 -m pip --version >/dev/null 2>&1 || { echo "there is no pip; container/setup agents installs it" && return; }
    agents_install >&2 && return 1
    echo "pip cannot install what container/agents/versions names"
}

agents_install() {
    rm -rf -- "$agents_folder"
    mkdir -p "$agents_folder"
    python3 -m pip install --quiet --disable-pip-version-check --retries 5 --timeout 60 --no-deps --no-compile \
        --target "$agents_folder" --requirement "$here/agents/versions" &&
        cp "$here/agents/versions" "$agents_folder/versions"
}

# --- the root file system ---

agents_up() {
    agents_rootfs
    "${engine}_up"
    mkdir "$world/tokens" "$world/stubs"
    at_exit agents_down
}

agents_rootfs() {
    make_rootfs "$world/rootfs"
    # Claude Code runs commands in bash; Codex asks ps for start times in a format that busybox does not have.
    copy_programs "$world/rootfs" /bin/bash /bin/ps
    copy_libraries "$world/rootfs" "$agents_folder/claude_agent_sdk/_bundled/claude"
    ln -s /opt/agents/claude_agent_sdk/_bundled/claude "$world/rootfs/usr/local/bin/claude"
    ln -s /opt/agents/codex_cli_bin/bin/codex "$world/rootfs/usr/local/bin/codex"
    install -d -o 1000 -g 1000 "$world/rootfs/home/agent/workspace"
    install -d "$world/rootfs/opt/agents" "$world/rootfs/opt/test"
    agents_certificate
    cp "$world/test/hosts" "$world/rootfs/etc/hosts"
}

copy_programs() {
    local root=$1
    shift
    cp -L --parents --remove-destination "$@" "$root"
    copy_libraries "$root" "$@"
}
copy_libraries() {
    local root=$1
    shift
    ldd "$@" | grep -o '/[^ ]*\.so[^ ]*' | sort -u | xargs cp -L --parents -t "$root"
}

# The services have their real names and a certificate of our own in the containers; they are the stub on loopback.
agents_certificate() {
    local name alternatives=DNS:localhost
    mkdir "$world/test"
    echo "127.0.0.1 localhost" >"$world/test/hosts"
    for name in api.anthropic.com platform.claude.com console.anthropic.com claude.ai claude.com \
        mcp-proxy.anthropic.com auth.openai.com api.openai.com chatgpt.com; do
        alternatives+=,DNS:$name
        echo "127.0.0.1 $name" >>"$world/test/hosts"
    done
    printf '%s\n' '[req]' distinguished_name=name x509_extensions=extensions prompt=no '[name]' CN=stub \
        '[extensions]' basicConstraints=critical,CA:FALSE "subjectAltName=$alternatives" >"$world/test/openssl.cnf"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -config "$world/test/openssl.cnf" \
        -keyout "$world/key.pem" -out "$world/test/certificate.pem" 2>/dev/null
    chmod -R a+rX "$world/test"
}

# --- containers ---

agents_variables=(
    SHELL=/bin/bash LANG=C.UTF-8
    NODE_EXTRA_CA_CERTS=/opt/test/certificate.pem CODEX_CA_CERTIFICATE=/opt/test/certificate.pem
    DISABLE_AUTOUPDATER=1 DISABLE_TELEMETRY=1 CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1
    # The address that a user opens in a browser, in full: the test takes the `state` from it.
    CLAUDE_CODE_FULL_SIGN_IN_LINK=1
)
# The command of a container: says that it was started, keeps its environment for `agent`, and idles.
agents_idle=(/bin/sh -c 'tr "\0" "\n" </proc/self/environ >/tmp/environment; touch /tmp/started
    trap "exit 0" TERM; while :; do sleep 3600 & wait $!; done')

# Takes the options of a start apart, into `agents_options`, `agents_command` and `token_life`.
agents_take_options() {
    local variable
    token_life=28800 agents_command=("${agents_idle[@]}") agents_options=()
    [[ " $* " == *:/mnt/agent-data\ * ]] || agents_options+=(--volume vol:data:/mnt/agent-data)
    while [ $# -gt 0 ]; do
        case $1 in
        --token-life) token_life=$2 && shift 2 ;;
        --) shift && agents_command=("$@") && break ;;
        *) agents_options+=("$1" "$2") && shift 2 ;;
        esac
    done
    # After the options, one of which may mount the home around the workspace.
    agents_options+=(--volume vol:work:/home/agent/workspace --volume "bind:$agents_folder:/opt/agents"
        --volume "bind:$world/test:/opt/test")
    for variable in "${agents_variables[@]}"; do agents_options+=(--env "$variable"); done
}

agents_start() {
    local name=$1 token_life agents_options agents_command
    shift
    agents_take_options "$@"
    container_start "$name" "${agents_options[@]}" --entrypoint cai -- entrypoint --grace 1000s -- "${agents_command[@]}"
    stub_start "$name" "$token_life"
    eventually container_exec "$name" -- test -e /tmp/started
}
agents_plain() {
    local name=$1 token_life agents_options agents_command
    shift
    agents_take_options "$@"
    container_start "$name" "${agents_options[@]}" -- "${agents_idle[@]}"
    stub_start "$name" "$token_life"
    eventually container_exec "$name" -- test -e /tmp/started
}
agents_kill() {
    if [ "$engine" = namespaces ] && terminal has-session -t "=$1" 2>/dev/null; then
        kill -KILL "${namespaces_pid[$1]}" 2>/dev/null || true
        eventually terminal_has_ended "$1"
    fi
    container_destroy "$1"
    stub_end "$1"
}
agents_down() {
    local name
    tmux -S "$world/tmux" kill-server 2>/dev/null
    for name in "${!stub_pid[@]}"; do agents_kill "$name"; done
}

# With the environment of the container's command, so that variables which `cai` sets for it hold.
as_command='while IFS= read -r line; do export "$line"; done </tmp/environment; HOME=/home/agent USER=agent; cd ~/workspace; '
agent() { container_exec "$1" --user agent -- timeout 60 /bin/bash -c "$as_command$2" </dev/null; }

# The number of a container's process 1, as seen from here.
agents_pid() {
    if [ "$engine" = docker ]; then private_docker inspect -f '{{.State.Pid}}' "$1"; else echo "${namespaces_pid[$1]}"; fi
}

# --- the stub ---

# The stub runs in the network namespace of its container, but not in it: its log outlives a killed container.
stub_start() {
    local name=$1 life=$2
    container_exec "$name" -- /bin/sh -c 'cat /opt/test/hosts >/etc/hosts'
    : >"$world/stubs/$name"
    nsenter --target "$(agents_pid "$name")" --net -- "$here/agents/stub" --log "$world/stubs/$name" \
        --tokens "$world/tokens" --token-life "$life" --tls "$world/test/certificate.pem" "$world/key.pem" </dev/null &
    stub_pid[$name]=$!
    eventually grep -q '"listening"' "$world/stubs/$name"
    container_exec "$name" -- touch /tmp/stub-is-ready
}
stub_end() {
    kill "${stub_pid[$1]}" 2>/dev/null || true
    wait "${stub_pid[$1]}" 2>/dev/null || true
    unset "stub_pid[$1]"
}

stub_was_sent() {
    local request text
    request=$(grep -F '"texts"' "$world/stubs/$1" | grep -F -- "$2" | tail -n 1)
    [ -n "$request" ] || { echo "no request with: $2" && return 1; }
    for text in "${@:3}"; do
        grep -qF -- "$text" <<<"$request" || { echo "not in the request: $text" && return 1; }
    done
}

# A refresh token that the stub accepts once.
stub_token() {
    local name=sk-ant-ort01-$RANDOM$RANDOM
    : >"$world/tokens/$name"
    echo "$name"
}

# --- terminals ---

terminal() { tmux -S "$world/tmux" "$@"; }

# terminal_run TERMINAL COMMAND…: runs a command on a new terminal. It is wide, so that no address is wrapped.
terminal_run() {
    local name=$1
    shift
    # The server stays when its last terminal is closed: a call that meets it on its way out would fail.
    terminal -f /dev/null start-server \; set -s exit-empty off \; \
        set -g remain-on-exit on \; set -g history-limit 10000 \; \
        new-session -d -s "$name" -x 600 -y 50 -- "$@"
}

terminal_open() {
    {
        declare -p engine world here container_path docker_client docker_image namespaces_pid
        declare -f die container_exec container_options namespaces_exec docker_exec private_docker
    } >"$world/state"
    terminal_run "$1" "$BASH" -c '. "$1"; container_exec "$2" --user agent --tty -- /bin/bash -c "$3"' - "$world/state" "$2" \
        "$as_command$3"
}

terminal_start() {
    local name=$1 token_life agents_options agents_command
    shift
    agents_take_options "$@"
    agents_command=(entrypoint --grace 1000s -- /bin/sh -c
        'tr "\0" "\n" </proc/self/environ >/tmp/environment; touch /tmp/started
        until [ -e /tmp/stub-is-ready ]; do usleep 10000; done; exec "$@"' - "${agents_command[@]}")
    "terminal_start_$engine" "$name"
    stub_start "$name" "$token_life"
}
terminal_start_docker() {
    local name=$1 docker_words volumes environment user root tty entrypoint command_line
    container_options "${agents_options[@]}" --entrypoint cai --
    docker_words
    terminal_run "$name" env -u DOCKER_CONTEXT DOCKER_CONFIG="$world/docker-config" "$docker_client" \
        -H "unix://$world/docker.sock" run --interactive --tty --name "$name" "${docker_words[@]}" "${agents_command[@]}"
    eventually container_exec "$name" -- test -e /tmp/started
}
terminal_start_namespaces() {
    local name=$1 mounts volumes environment user root tty entrypoint command_line
    container_options "${agents_options[@]}" --entrypoint cai -- "${agents_command[@]}"
    namespaces_prepare "$name"
    touch "$world/ram/containers/$name/log"
    terminal_run "$name" "$BASH" -c 'exec "$@" 8>"$0"' "$world/ram/containers/$name/ready" \
        "${namespaces_command[@]}" "${command_line[@]}"
    namespaces_keeper[$name]=$(terminal display -p -t "$name" '#{pane_pid}')
    namespaces_await "$name"
    exec {ready}>&-
    eventually container_exec "$name" -- test -e /tmp/started
}

terminal_text() { terminal capture-pane -p -J -S - -t "$1"; }
terminal_shows() {
    eventually terminal_has_or_ended "$1" "$2" && terminal_has "$1" "$2" && return
    terminal_text "$1" | grep -v '^ *$' | tail -n 20
    return 1
}
terminal_has() { terminal_text "$1" | grep -q -- "$2"; }
# True once the command on the terminal has ended. The text says so too, but not on top of every screen.
terminal_has_ended() { [ "$(terminal display-message -p -t "$1" '#{pane_dead}')" = 1 ]; }
terminal_has_or_ended() { terminal_has "$@" || terminal_has_ended "$1"; }
# terminal_choose TERMINAL PATTERN KEY: presses KEY until the terminal shows PATTERN. A dialog may ignore its first keys.
terminal_choose() {
    local i
    for ((i = 0; i < 60; i++)); do
        ! terminal_has "$1" "$2" || return 0
        terminal_key "$1" "$3"
        sleep 0.5
    done
    return 1
}
terminal_type() { terminal send-keys -t "$1" -l "$2"; }
terminal_key() { terminal send-keys -t "$1" "${@:2}"; }
terminal_close() { terminal kill-session -t "$1"; }

# --- waiting ---

eventually() {
    local end=$((SECONDS + 60))
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.05
    done
}
