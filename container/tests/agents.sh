#!/usr/bin/env bash
# The real Claude Code and Codex under `cai entrypoint`: logins, settings and conversations survive a killed container.
# Their services are a stub on loopback (container/agents/stub); the programs come from PyPI (container/agents/versions).
#
#   container/tests/agents.sh [ENGINE]        Engines: namespaces docker
#
#   CAI_AGENTS=DIR    where the programs are installed (.build/agents)
#   CAI_THOROUGH=1    more token refreshes, more turns, and a kill at more moments
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$here/agents/lib.sh"
in_own_namespaces "$@"
engine=${1:-namespaces}
world_up
agents_up_or_skip "logins, settings and conversations of the real agents survive their container"

several=1
[ -z "${CAI_THOROUGH:-}" ] || several=10

claude() { agent "$1" "claude --dangerously-skip-permissions ${*:2}"; }
codex() { agent "$1" "codex exec --skip-git-repo-check --dangerously-bypass-approvals-and-sandbox ${*:2} 2>/dev/null"; }
says() { grep -q -- "$1" <<<"$("${@:2}" 2>&1)" || { "${@:2}" && return 1; }; }
# The files of a volume that contain a text, as paths on the volume; what `cai` put aside is not among them.
live_files_with() { container_volume "$1" -type f -not -path '*/.containai/*' -exec grep -lF -- "$2" {} + || true; }
files_with() { container_volume "$1" -type f -exec grep -lF -- "$2" {} + || true; }
new_id() { cat /proc/sys/kernel/random/uuid; }
credential() { agent "$1" "grep -o '\"$3\": *\"[^\"]*' $2 | head -n 1 | grep -o '[^\"]*\$'"; }
claude_token() { credential "$1" '~/.claude/.credentials.json' refreshToken; }
codex_token() { credential "$1" '~/.codex/auth.json' refresh_token; }

# What a user of the stub writes into ~/.codex/config.toml. Without analytics and apps a call ends 5 s earlier.
codex_settings='model = "gpt-5-codex"
model_provider = "stub"
[model_providers.stub]
name = "stub"
base_url = "http://127.0.0.1:8765/v1"
wire_api = "responses"
requires_openai_auth = true
[features]
apps = false
plugins = false
remote_plugin = false
[analytics]
enabled = false
[projects."/home/agent/workspace"]
trust_level = "trusted"'
configure_codex() { agent "$1" "mkdir -p ~/.codex; cat >~/.codex/config.toml <<'TOML'
$codex_settings
TOML"; }
# Logins without a browser: a refresh token in the environment, and a device code.
log_in_claude() {
    agent "$1" "CLAUDE_CODE_OAUTH_REFRESH_TOKEN=$(stub_token) CLAUDE_CODE_OAUTH_SCOPES='user:inference user:profile' claude auth login"
}
log_in_codex() { agent "$1" 'codex login --device-auth'; }

# kill_in_turn NAME REQUEST AGENT ARGUMENT…: kills the container when the stub has got the request.
kill_in_turn() {
    local name=$1 request=$2 turn
    "$3" "$name" "${@:4}" >/dev/null 2>&1 &
    turn=$!
    eventually stub_was_sent "$name" "$request" || true
    agents_kill "$name"
    wait "$turn" || true
}

# --- a fresh container ---
fresh_container() {
    agents_start one
    check "codex says that nobody is logged in" says 'Not logged in' agent one 'codex login status'
    check "claude says that nobody is logged in" says '"loggedIn": false' agent one 'claude auth status'
    check "the agent directories are on the volume as a whole" agent one \
        '[ "$(readlink ~/.claude)" = /mnt/agent-data/claude ] && [ "$(readlink ~/.codex)" = /mnt/agent-data/codex ]'
    check ".claude.json is a link to the file itself" agent one '[ "$(readlink ~/.claude.json)" = /mnt/agent-data/claude/claude.json ]'
    terminal_open codex one codex
    check "Codex shows its sign-in screen" terminal_shows codex 'Sign in with ChatGPT'
    terminal_close codex
    terminal_open claude one claude
    check "Claude Code shows its first screen" terminal_shows claude 'text style'
    terminal_key claude Enter
    check "and its sign-in screen" terminal_shows claude 'Select login method'
    sign_in_on_terminal
    configure_codex one
    check "Codex signs in with a device code" log_in_codex one
    check "and is signed in" says 'Logged in using ChatGPT' agent one 'codex login status'
}
# The line below the prompt of Claude Code.
claude_is_ready='shift+tab to cycle\|for shortcuts'
# As a user does: open the address in a browser, and paste the code that the page shows.
sign_in_on_terminal() {
    local state
    terminal_key claude Enter
    terminal_shows claude 'Paste code here' >/dev/null || true
    state=$(terminal_text claude | grep -o 'state=[A-Za-z0-9_-]*' | tail -n 1) || true
    terminal_type claude "code-1#${state#state=}"
    terminal_key claude Enter
    check "Claude Code signs in with a code from the browser" terminal_shows claude 'Login successful'
    terminal_key claude Enter
    terminal_shows claude 'Security notes' >/dev/null || true
    terminal_key claude Enter
    terminal_shows claude 'Yes, I trust this folder' >/dev/null || true
    terminal_choose claude '❯ Yes, I trust' Down || true
    terminal_key claude Enter
    terminal_shows claude "$claude_is_ready" >/dev/null || true
    terminal_type claude 'a question on the terminal'
    terminal_key claude Enter
    check "and answers on the terminal" terminal_shows claude 'echo: a question on the terminal'
    terminal_close claude
}

# --- settings, tools, plugins, skills ---
customized_agents() {
    check "claude mcp add succeeds" agent one 'claude mcp add --scope user keeper -- /bin/true'
    check "codex mcp add succeeds" agent one 'codex mcp add keeper -- /bin/true'
    agent one 'mkdir -p market/.claude-plugin market/hello/.claude-plugin market/hello/commands
        echo "{\"name\":\"market\",\"owner\":{\"name\":\"test\"},\"plugins\":[{\"name\":\"hello\",\"source\":\"./hello\"}]}" >market/.claude-plugin/marketplace.json
        echo "{\"name\":\"hello\",\"version\":\"1.0.0\"}" >market/hello/.claude-plugin/plugin.json
        echo "The words of the plugin." >market/hello/commands/greet.md'
    check "a plugin is installed" agent one 'claude plugin marketplace add ./market && claude plugin install hello@market'
    agent one 'for directory in ~/.claude ~/.codex; do mkdir -p $directory/skills/tidy
        printf "%s\n" --- "name: tidy" "description: Tidies." --- "The words of the skill." >$directory/skills/tidy/SKILL.md; done
        echo "{\"permissions\":{\"allow\":[\"Bash(ls:*)\"]}}" >~/.claude/settings.local.json'
    agents_customized one
}
agents_customized() {
    check "Claude Code has its MCP server" says keeper agent "$1" 'claude mcp get keeper'
    check "Codex has its MCP server" says keeper agent "$1" 'codex mcp list'
    check "Claude Code runs the command of its plugin" says 'The words of the plugin' claude "$1" -p /hello:greet
    check "Claude Code uses its skill" says 'The words of the skill' claude "$1" -p /tidy
    check "Codex uses its skill" says 'The words of the skill' codex "$1" "'\$tidy now'"
    check "Claude Code has its theme" agent "$1" 'grep -q hasCompletedOnboarding ~/.claude.json'
    check "Claude Code has its permissions" agent "$1" 'grep -q "Bash(ls" ~/.claude/settings.local.json'
}

# --- conversations ---
conversations() {
    claude_id=$(new_id)
    check_same "Claude Code answers" 'echo: the first question' "$(claude one --session-id "$claude_id" -p "'the first question'" 2>&1)"
    check "it writes a file" claude one -r "$claude_id" -p "'WRITE /home/agent/workspace/claude.txt written by claude'"
    check_same "with the text that was asked for" 'written by claude' "$(agent one 'cat claude.txt' 2>&1)"
    check "it runs a command" claude one -r "$claude_id" -p "'BASH echo made by claude > claude-command.txt'"
    check_same "whose output is in the workspace" 'made by claude' "$(agent one 'cat claude-command.txt' 2>&1)"
    check "it starts a sub-agent" claude one -r "$claude_id" -p "'TASK the question of claude to its helper'"
    check "which asks the model itself" grep -qF '[["user", "the question of claude to its helper"]]' "$world/stubs/one"

    codex_id=$(codex one --json "'the first question'" | grep -o '"thread_id":"[^"]*' | grep -o '[^"]*$') || true
    check "Codex answers" [ -n "$codex_id" ]
    check "it writes a file" codex one resume "$codex_id" "'WRITE /home/agent/workspace/codex.txt written by codex'"
    check_same "with the text that was asked for" 'written by codex' "$(agent one 'cat codex.txt' 2>&1)"
    check "it starts a sub-agent" codex one resume "$codex_id" "'TASK the question of codex to its helper'"
    check "which asks the model itself" grep -qF '["user", "the question of codex to its helper"]]' "$world/stubs/one"
}
claude_remembers=('the first question' 'echo: the first question' 'WRITE /home/agent/workspace/claude.txt'
    'made by claude > claude-command.txt' 'the question of claude to its helper')
codex_remembers=('the first question' 'echo: the first question' 'WRITE /home/agent/workspace/codex.txt'
    'the question of codex to its helper')

# --- killed in a turn, and recreated ---
killed_in_a_turn() {
    local turn
    codex one resume "$codex_id" "'HOLD the last words to codex'" >/dev/null 2>&1 &
    turn=$!
    eventually stub_was_sent one 'the last words to codex' || true
    kill_in_turn one 'the last words to claude' claude -r "$claude_id" -p "'HOLD the last words to claude'"
    wait "$turn" || true
    agents_start two
    logged_in two
    conversations_go_on two
    terminals_go_on two
    agents_customized two
    databases_are_whole two
    agents_kill two
}
# A kill while a tool runs, and some time after the start of a turn.
killed_at_more_moments() {
    local i agent_name
    agents_start two
    for ((i = 0; i < several; i++)); do
        for agent_name in claude codex; do
            agent two 'rm -f moment'
            case $agent_name in
            claude) claude two -r "$claude_id" -p "'BASH echo moment $i of $agent_name >moment; sleep 60'" >/dev/null 2>&1 & ;;
            codex) codex two resume "$codex_id" "'BASH echo moment $i of $agent_name >moment; sleep 60'" >/dev/null 2>&1 & ;;
            esac
            eventually container_exec two -- test -s /home/agent/workspace/moment || true
            agents_kill two
            wait $! || true
            agents_start two
        done
    done
    claude two -r "$claude_id" -p "'after all moments'" >/dev/null 2>&1 || true
    codex two resume "$codex_id" "'after every moment'" >/dev/null 2>&1 || true
    for ((i = 0; i < several; i++)); do
        check "Claude Code has the turn of kill $i" stub_was_sent two 'after all moments' "moment $i of claude"
        check "Codex has the turn of kill $i" stub_was_sent two 'after every moment' "moment $i of codex"
    done
    databases_are_whole two
    agents_kill two
}
logged_in() {
    check "Claude Code is still logged in" says '"loggedIn": true' agent "$1" 'claude auth status'
    check "Codex is still logged in" says 'Logged in using ChatGPT' agent "$1" 'codex login status'
}
conversations_go_on() {
    check_same "claude -r goes on" 'echo: and then' "$(claude "$1" -r "$claude_id" -p "'and then'" 2>&1)"
    check "with every turn from before, the one that was cut off included" \
        stub_was_sent "$1" 'and then' "${claude_remembers[@]}" 'the last words to claude'
    check_same "claude -c goes on" 'echo: once more' "$(claude "$1" -c -p "'once more'" 2>&1)"
    check "with the same turns" stub_was_sent "$1" 'once more' "${claude_remembers[@]}" 'and then'
    check_same "codex exec resume ID goes on" 'echo: and then' "$(codex "$1" resume "$codex_id" "'and then'" 2>&1)"
    check "with every turn from before, the one that was cut off included" \
        stub_was_sent "$1" 'and then' "${codex_remembers[@]}" 'the last words to codex'
    check_same "codex exec resume --last goes on" 'echo: once more' "$(codex "$1" resume --last "'once more'" 2>&1)"
    check "with the same turns" stub_was_sent "$1" 'once more' "${codex_remembers[@]}" 'and then'
}
terminals_go_on() {
    terminal_open claude "$1" "claude -r $claude_id"
    check "claude -r shows the turns from before on a terminal" terminal_shows claude 'echo: the first question'
    terminal_close claude
    terminal_open codex "$1" "codex resume $codex_id"
    check "so does codex resume" terminal_shows codex 'the last words to codex'
    terminal_close codex
}
databases_are_whole() {
    local report
    report=$("$here/agents/inside" "$(agents_pid "$1")" check .codex)
    check_same "every database of Codex is whole" '' "$(grep -v ' ok$' <<<"$report")"
    check "and there are some" grep -q state_ <<<"$report"
}

# --- token refreshes ---
token_refreshes() {
    local of_claude of_codex line i
    # Claude Code refreshes a token that lives for less than five minutes before each use; Codex does so once.
    agents_start three --token-life 60
    log_in_claude three >/dev/null 2>&1 || true
    of_claude=$(claude_token three)
    line=$(container_log three | wc -l)
    for ((i = 0; i < several; i++)); do claude three -p hello >/dev/null 2>&1 || true; done
    check "Claude Code refreshes its token" [ "$of_claude" != "$(claude_token three)" ]
    log_in_codex three >/dev/null 2>&1 || true
    of_codex=$(codex_token three)
    codex three hello >/dev/null 2>&1 || true
    check "Codex refreshes its token" [ "$of_codex" != "$(codex_token three)" ]
    check_same "the log of the container says nothing about it" '' "$(container_log three | tail -n "+$((line + 1))")"
    check_same "the old token of Claude Code is nowhere on the volume" '' "$(files_with data "$of_claude")"
    check_same "the old token of Codex is nowhere on the volume" '' "$(files_with data "$of_codex")"
    for ((i = 0; i < several; i++)); do
        log_in_claude three >/dev/null 2>&1 || true
        killed_at_refresh .claude/.credentials.json refreshToken claude three -p hello
        check_same "a container is killed as Claude Code refreshes its token" watching "$(cat "$world/watch")"
        check_same "a token of Claude Code outlives it" 'echo: still there' \
            "$(claude three -p "'still there'" 2>&1)"
        log_in_codex three >/dev/null 2>&1 || true
        killed_at_refresh .codex/auth.json refresh_token codex three hello
        check_same "a container is killed as Codex refreshes its token" watching "$(cat "$world/watch")"
        check_same "a token of Codex outlives it" 'echo: still there' "$(codex three "'still there'" 2>&1)"
    done
}
# killed_at_refresh FILE KEY COMMAND…: kills the container as soon as the new token can be read.
killed_at_refresh() {
    local turn watch
    rm -f "$world/watch"
    "$here/agents/inside" "$(agents_pid three)" kill "$1" "$2" >"$world/watch" 2>&1 &
    watch=$!
    eventually grep -q watching "$world/watch"
    "${@:3}" >/dev/null 2>&1 &
    turn=$!
    wait "$watch" || true
    agents_kill three
    wait "$turn" || true
    agents_start three --token-life 60
}

# --- logout ---
logout() {
    local of_claude of_codex
    log_in_claude three >/dev/null 2>&1 || true
    log_in_codex three >/dev/null 2>&1 || true
    of_claude=$(claude_token three) of_codex=$(codex_token three)
    check "claude auth logout succeeds" agent three 'claude auth logout'
    check "codex logout succeeds" agent three 'codex logout'
    logged_out three
    check_same "the token of Claude Code is gone from the volume" '' "$(live_files_with data "${of_claude:-no token}")"
    check_same "the token of Codex is gone from the volume" '' "$(live_files_with data "${of_codex:-no token}")"
    agents_kill three
    agents_start four
    logged_out four
    check "Codex logs in with an API key" agent four 'echo sk-key-of-the-test | codex login --with-api-key'
    log_in_claude four >/dev/null
    agents_kill four
    agents_start four
    check "and is logged in with it in the next container" says 'Logged in using an API key' agent four 'codex login status'
    check "so is Claude Code with a new login" says '"loggedIn": true' agent four 'claude auth status'
    agents_kill four
}
logged_out() {
    check "Claude Code is logged out in container $1" says '"loggedIn": false' agent "$1" 'claude auth status'
    check "Codex is logged out in container $1" says 'Not logged in' agent "$1" 'codex login status'
}

# --- two containers on one volume ---
two_containers() {
    local side i turns=()
    agents_start left --token-life 60
    agents_start right --token-life 60
    log_in_claude left >/dev/null 2>&1 || true
    declare -A claude_of=([left]=$(new_id) [right]=$(new_id)) codex_of=()
    for side in left right; do
        claude "$side" --session-id "${claude_of[$side]}" -p "'turn 0 of $side'" >/dev/null 2>&1 || true
        codex_of[$side]=$(codex "$side" --json "'turn 0 of $side'" | grep -o '"thread_id":"[^"]*' | grep -o '[^"]*$') || true
    done
    for ((i = 1; i <= several + 1; i++)); do
        turns=()
        for side in left right; do
            claude "$side" -r "${claude_of[$side]}" -p "'turn $i of $side'" >/dev/null 2>&1 &
            turns+=($!)
            codex "$side" resume "${codex_of[$side]}" "'turn $i of $side'" >/dev/null 2>&1 &
            turns+=($!)
        done
        wait "${turns[@]}" || true
    done
    agents_kill left
    agents_kill right
    agents_start four
    check "Claude Code is logged in after $((2 * several + 2)) refreshes in two containers at once" \
        says '"loggedIn": true' agent four 'claude auth status'
    for side in left right; do
        mapfile -t turns < <(for ((i = 0; i <= several + 1; i++)); do echo "turn $i of $side"; done)
        claude four -r "${claude_of[$side]}" -p "'the end of $side'" >/dev/null 2>&1 || true
        check "no turn of Claude Code in the $side container is lost" stub_was_sent four "the end of $side" "${turns[@]}"
        codex four resume "${codex_of[$side]}" "'the finish of $side'" >/dev/null 2>&1 || true
        check "no turn of Codex in the $side container is lost" stub_was_sent four "the finish of $side" "${turns[@]}"
    done
    databases_are_whole four
    agents_kill four
}

# --- databases with two openers ---
openers=()
# opener CONTAINER DATABASE ROWS: adds rows and keeps the database open until `openers_end`.
opener() {
    rm -f "$world/rows"
    "$here/agents/inside" "$(agents_pid "$1")" add "$2" "$3" >"$world/rows" 2>&1 &
    openers+=($!)
    eventually grep -q . "$world/rows"
}
openers_end() {
    kill "${openers[@]}" 2>/dev/null || true
    wait "${openers[@]}" || true
    openers=()
}
rows() { "$here/agents/inside" "$(agents_pid "$1")" count "$2" 2>&1 | tail -n 1; }
databases() {
    # An entry for a single database file, which does not exist yet.
    agents_start left
    agent left 'mkdir -p /mnt/agent-data/containai/manifests
        printf "%s\n" "[[entries]]" "source = \".mytool/data.sqlite\"" "target = \"mytool/data.sqlite\"" \
            "container_link = \".mytool/data.sqlite\"" "flags = \"fo\"" >/mnt/agent-data/containai/manifests/mytool.toml'
    agents_kill left
    agents_start left
    agents_start right
    opener left .codex/notes.sqlite 100
    opener right .codex/notes.sqlite 70
    check_same "two containers have one database of an agent directory open" '170 ok' "$(rows left .codex/notes.sqlite)"
    opener left .mytool/data.sqlite 100
    agent left 'cai links repair' >/dev/null 2>&1 || true
    check_same "a database with a log of its own is whole while its link is repaired" '100 ok' "$(rows left .mytool/data.sqlite)"
    opener left .mytool/data.sqlite 70
    check_same "a second program adds to the same database" '170 ok' "$(rows left .mytool/data.sqlite)"
    openers_end
    agent left 'cai links repair' >/dev/null 2>&1 || true
    agents_kill left
    agents_kill right
    agents_start left
    check_same "every row of the agent directory is in the next container" '170 ok' "$(rows left .codex/notes.sqlite)"
    check_same "so is every row of the single file" '170 ok' "$(rows left .mytool/data.sqlite)"
    agents_kill left
}

# --- the terminal, and what services print ---
terminals() {
    cat >"$world/test/noise.toml" <<'TOML'
[service.noise]
command = 'while :; do echo noise of a service; echo noise of a service >&2; touch /tmp/noise; sleep 1; done'
TOML
    cat >"$world/test/writer.toml" <<'TOML'
[service.writer]
command = 'echo a line for stderr >/dev/stderr && echo a line for stdout >/dev/stdout && touch /tmp/written; exec sleep 1000'
TOML
    # Claude Code as the command of the container. The lines of the boot are cleared away before.
    terminal_start screen --env CAI_CONFIG=/opt/test/noise.toml -- \
        /bin/sh -c 'cd ~/workspace; printf "\033[H\033[2J\033[3J"; exec claude'
    check "Claude Code is the command on the terminal of a container" terminal_shows screen "$claude_is_ready"
    terminal_type screen 'a question on the screen'
    terminal_key screen Enter
    check "it answers" terminal_shows screen 'echo: a question on the screen'
    agent screen 'echo "[user]" >~/.gitconfig.new && mv ~/.gitconfig.new ~/.gitconfig' || true
    check "the guard adopts a file meanwhile" eventually container_exec screen -- test -L /home/agent/.gitconfig
    check "a service prints meanwhile" eventually container_exec screen -- test -e /tmp/noise
    check_same "no line of them is on the terminal" '' "$(terminal_text screen |
        grep -E 'noise of a service|\[(agent|noise|OK|INFO|NOTICE|WARN|SKIP)\]|adopted|displaced')"
    agents_kill screen
    terminal_close screen
    agents_start five --env CAI_CONFIG=/opt/test/writer.toml
    check "a service writes to /dev/stderr and /dev/stdout" eventually container_exec five -- test -e /tmp/written
    check_same "and both lines are in the log" 2 "$(container_log five | grep -c 'a line for')"
    agents_kill five
}

# --- what is kept, in words and in an archive ---
reports() {
    agents_start five
    check "cai status names what is kept of Claude Code" says claude agent five 'cai status'
    check "and of Codex" says codex agent five 'cai status'
    check "cai health names both" agent five 'cai health | grep -i claude && cai health | grep -i codex'
    check_same "cai health and cai links check count the same links" \
        "$(agent five 'cai health' 2>&1 | grep -i links | grep -oE '[0-9]+' | head -n 1)" \
        "$(agent five 'cai links check' 2>&1 | grep -oE '[0-9]+' | head -n 1)"
    check_same "an export has every conversation" \
        "$(agent five 'cd /mnt/agent-data && find claude/projects codex/sessions -name "*.jsonl" | sort' 2>&1)" \
        "$(agent five 'cai export -o /tmp/export.tgz >/dev/null 2>&1; tar -tzf /tmp/export.tgz' |
            sed 's,^\./,,' | grep -E '^(claude/projects|codex/sessions)/.*\.jsonl$' | sort)"
    agents_kill five
}

# --- homes and volumes of before ---
# A home as agents leave it without `cai`, on the volume `donor`.
make_donor() {
    donor_id=$(new_id)
    agents_plain donor --volume vol:none:/mnt/agent-data --volume vol:donor:/home/agent
    configure_codex donor
    log_in_claude donor >/dev/null
    log_in_codex donor >/dev/null 2>&1
    check_same "Claude Code works without cai" 'echo: a question of before' "$(claude donor --session-id "$donor_id" -p "'a question of before'" 2>&1)"
    donor_codex_id=$(codex donor --json "'a question of before'" | grep -o '"thread_id":"[^"]*' | grep -o '[^"]*$') || true
    check "so does Codex" [ -n "$donor_codex_id" ]
    agent donor 'claude mcp add --scope user before -- /bin/true && codex mcp add before -- /bin/true
        mkdir -p ~/.vibe/bin; echo one >~/.vibe/one; ln ~/.vibe/one ~/.vibe/two
        echo "#!/bin/sh" >~/.vibe/bin/run; chmod 755 ~/.vibe/bin/run' >/dev/null
    agents_kill donor
}
# copy_volume FROM TO
copy_volume() {
    container_run --volume "vol:$1:/from" --volume "vol:$2:/to" -- /bin/sh -c 'cp -a /from/. /to/ && chown 1000:1000 /to'
}
# Turns a home into one with links to single files of the volume, as cai 0.1 made it, placeholders included.
older_layout='cd /home/agent; volume=/mnt/agent-data; mkdir -p .claude .codex $volume/claude $volume/codex
    while read -r home target kind; do
        if [ -e "$home" ]; then mv "$home" "$volume/$target"
        else case $kind in d) mkdir "$volume/$target" ;; j) echo "{}" >"$volume/$target" ;; f) : >"$volume/$target" ;; esac; fi
        ln -s "$volume/$target" "$home"
    done <<LIST
.claude.json claude/claude.json j
.claude/.credentials.json claude/credentials.json j
.claude/settings.json claude/settings.json j
.claude/settings.local.json claude/settings.local.json j
.claude/plugins claude/plugins d
.claude/skills claude/skills d
.claude/commands claude/commands d
.claude/agents claude/agents d
.claude/hooks claude/hooks d
.claude/CLAUDE.md claude/CLAUDE.md f
.codex/config.toml codex/config.toml f
.codex/auth.json codex/auth.json j
.codex/skills codex/skills d
LIST
    chmod 600 $volume/claude/credentials.json $volume/claude/claude.json $volume/codex/auth.json
    chown -R 1000:1000 /home/agent $volume'
make_older() { container_run --volume "vol:$1:/home/agent" --volume "vol:$2:/mnt/agent-data" -- /bin/sh -c "$older_layout"; }

migrations() {
    make_donor
    copy_volume donor real
    if [ "$engine" = namespaces ]; then
        # In a layer of the image, from which directories cannot be renamed.
        mkdir -p "$world/layer/home" && cp -a "$world/volumes/real/_data" "$world/layer/home/agent"
        agents_start six --root "$world/layer:$world/rootfs" --volume vol:real-data:/mnt/agent-data
    else
        agents_start six --volume vol:real:/home/agent --volume vol:real-data:/mnt/agent-data
    fi
    is_migrated six "a home with real directories"
    check_same "hard links of an adopted directory are hard links" 2 "$(agent six 'stat -L -c %h ~/.vibe/one')"
    check_same "programs of an adopted directory can be executed" 755 "$(agent six 'stat -L -c %a ~/.vibe/bin/run')"
    agents_kill six
    agents_start six --volume vol:real-data:/mnt/agent-data
    is_migrated six "the next container after it"
    agents_kill six

    copy_volume donor older
    make_older older older-data
    copy_volume older-data older-fresh-data
    agents_start six --volume vol:older:/home/agent --volume vol:older-data:/mnt/agent-data
    is_migrated six "a home with links to single files"
    check_same "the credentials of Claude Code have their own name on the volume" '.credentials.json' \
        "$(container_volume older-data -name '*credentials.json' -not -path '*/.containai/*' -printf '%f\n')"
    agents_kill six
    agents_start six --volume vol:older-data:/mnt/agent-data
    is_migrated six "the next container after it"
    agents_kill six

    agents_start six --volume vol:older-fresh-data:/mnt/agent-data
    has_logins six "a volume of single files"
    agents_kill six

    make_older empty empty-data
    agents_start six --volume vol:empty-data:/mnt/agent-data
    check "a volume with placeholders: Claude Code is not logged in" says '"loggedIn": false' agent six 'claude auth status'
    check "and neither is Codex" says 'Not logged in' agent six 'codex login status'
    agents_kill six

    copy_volume donor used
    agents_plain busy --volume vol:used:/home/agent --volume vol:used-data:/mnt/agent-data
    opener busy .codex/notes.sqlite 100
    agents_start six --volume vol:used:/home/agent --volume vol:used-data:/mnt/agent-data
    opener busy .codex/notes.sqlite 70
    openers_end
    agents_kill busy
    agents_kill six
    agents_start six --volume vol:used:/home/agent --volume vol:used-data:/mnt/agent-data
    check_same "what a program writes during a start is there after the next one" '170 ok' "$(rows six .codex/notes.sqlite)"
    is_migrated six "a home that was in use at the first start"
    agents_kill six

    copy_volume donor both
    copy_volume data both-data
    agents_start six --volume vol:both:/home/agent --volume vol:both-data:/mnt/agent-data
    is_migrated six "a home and a volume with content"
    check_same "and claude -r goes on with a conversation of the volume" 'echo: both sides' "$(claude six -r "$claude_id" -p "'both sides'" 2>&1)"
    check "with its turns" stub_was_sent six 'both sides' "${claude_remembers[@]}"
    check_same "and codex exec resume does" 'echo: on both' "$(codex six resume "$codex_id" "'on both'" 2>&1)"
    check "with its turns" stub_was_sent six 'on both' "${codex_remembers[@]}"
    databases_are_whole six
    agents_kill six
}
has_logins() {
    check "$2: Claude Code is logged in" says '"loggedIn": true' agent "$1" 'claude auth status'
    check "and so is Codex" says 'Logged in using ChatGPT' agent "$1" 'codex login status'
    check "Claude Code has its MCP server" says before agent "$1" 'claude mcp get before'
    check "Codex has its MCP server" says before agent "$1" 'codex mcp list'
}
is_migrated() {
    has_logins "$1" "$2"
    check "its agent directories are links" agent "$1" '[ -L ~/.claude ] && [ -L ~/.codex ]'
    check_same "and claude -r goes on" "echo: a question on $1" "$(claude "$1" -r "$donor_id" -p "'a question on $1'" 2>&1)"
    check "with the turns of before" stub_was_sent "$1" "a question on $1" 'a question of before'
    check_same "codex exec resume goes on" "echo: a matter on $1" "$(codex "$1" resume "$donor_codex_id" "'a matter on $1'" 2>&1)"
    check "with the turns of before" stub_was_sent "$1" "a matter on $1" 'a question of before'
    databases_are_whole "$1"
}

# --- variables and mounts instead of links ---
placements() {
    cat >"$world/test/variable.toml" <<'TOML'
[agents.claude]
placement = "variable"
[agents.codex]
placement = "variable"
[service.witness]
command = 'env >/tmp/witness; exec sleep 1000'
TOML
    local variable="CODEX_HOME=/mnt/agent-data/codex"
    agents_start seven --env CAI_CONFIG=/opt/test/variable.toml --volume vol:placed:/mnt/agent-data
    check "with the placement \"variable\" the command has CODEX_HOME" container_exec seven -- grep -qx "$variable" /tmp/environment
    check "and CLAUDE_CONFIG_DIR" container_exec seven -- grep -q '^CLAUDE_CONFIG_DIR=/mnt/agent-data/claude$' /tmp/environment
    check "services have it" eventually container_exec seven -- grep -qx "$variable" /tmp/witness
    check "there is no link" container_exec seven -- /bin/sh -c '! [ -L /home/agent/.codex ]'
    agent seven "cat >\$CODEX_HOME/config.toml <<'TOML'
$codex_settings
TOML
        echo sk-key-of-the-test | codex login --with-api-key" >/dev/null 2>&1 || true
    log_in_claude seven >/dev/null 2>&1 || true
    check_same "Codex answers" 'echo: a variable' "$(codex seven "'a variable'" 2>&1)"
    check_same "Claude Code answers" 'echo: a variable' "$(claude seven -p "'a variable'" 2>&1)"
    agents_kill seven
    agents_start seven --env CAI_CONFIG=/opt/test/variable.toml --volume vol:placed:/mnt/agent-data
    check_same "codex exec resume --last goes on in the next container" 'echo: another' "$(codex seven resume --last "'another'" 2>&1)"
    check "with the turns of before" stub_was_sent seven another 'a variable'
    check_same "claude -c goes on" 'echo: one more' "$(claude seven -c -p "'one more'" 2>&1)"
    check "with the turns of before" stub_was_sent seven 'one more' 'a variable'
    agents_kill seven
}

mounted_placement() {
    [ "$engine" = namespaces ] || return 0
    local options=(--env CAI_CONFIG=/opt/test/mount.toml --volume vol:mounted:/mnt/agent-data
        --volume "bind:$world/volumes/mounted/_data/codex:/home/agent/.codex")
    printf '%s\n' '[agents.codex]' 'placement = "mount"' >"$world/test/mount.toml"
    install -d -o 1000 -g 1000 "$world/volumes/mounted/_data/codex"
    agents_start seven "${options[@]}"
    configure_codex seven
    log_in_codex seven >/dev/null 2>&1 || true
    check_same "with the placement \"mount\" Codex answers" 'echo: a mount' "$(codex seven "'a mount'" 2>&1)"
    check "cai health is content with it" agent seven 'cai health'
    agents_kill seven
    agents_start seven "${options[@]}"
    check_same "codex exec resume --last goes on in the next container" 'echo: mounted' "$(codex seven resume --last mounted 2>&1)"
    check "with the turns of before" stub_was_sent seven mounted 'a mount'
    agents_kill seven
}

# --- other agents, with files as they write them ---
other_agents() {
    agents_start eight --volume vol:others:/mnt/agent-data
    agent eight 'mkdir -p ~/.copilot ~/.vibe/bin
        printf "%s\n" "// managed by the program" "{ \"copilotTokens\": { \"example\": \"gho_0123456789abcdefghijklmnopqrstuvwxyz\" } }" >~/.copilot/config.json
        echo "{\"theme\":\"dark\"}" >~/.copilot/settings.json'
    check "cai secrets list finds a token in JSON with comments" says copilot agent eight 'cai secrets list'
    agents_kill eight
    agents_start eight --volume vol:others:/mnt/agent-data
    check_same "the settings of Copilot are in the next container" '{"theme":"dark"}' "$(agent eight 'cat ~/.copilot/settings.json' 2>&1)"
    # A home of another path, as an archive of the host.
    agent eight 'mkdir -p /tmp/other/.claude/plugins
        echo "{\"version\":2,\"plugins\":{\"hello@market\":[{\"scope\":\"user\",\"installPath\":\"/Users/me/.claude/plugins/cache/market/hello/1.0.0\",\"version\":\"1.0.0\"}]}}" >/tmp/other/.claude/plugins/installed_plugins.json
        echo "{\"market\":{\"source\":{\"source\":\"directory\",\"path\":\"/Users/me/market\"},\"installLocation\":\"/Users/me/.claude/plugins/marketplaces/market\"}}" >/tmp/other/.claude/plugins/known_marketplaces.json
        tar -czf /tmp/other.tgz -C /tmp/other .claude'
    check "a home of another path is imported" agent eight 'cai import --from /tmp/other.tgz'
    check_same "the plugins in it have paths of this home" '/home/agent/.claude/plugins/cache/market/hello/1.0.0 /home/agent/.claude/plugins/marketplaces/market' \
        "$(agent eight 'cat ~/.claude/plugins/*.json | grep -oE "\"(installPath|installLocation)\": *\"[^\"]*" | grep -o "[^\"]*\$" | xargs' 2>&1)"
    agents_kill eight
}

fresh_container
customized_agents
conversations
killed_in_a_turn
[ -z "${CAI_THOROUGH:-}" ] || killed_at_more_moments
token_refreshes
logout
two_containers
databases
terminals
reports
migrations
placements
mounted_placement
other_agents
finish
