# How the scripts talk, fail and tidy up. Sourced, never run.
# shellcheck shell=bash

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
    bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' plain=$'\e[0m'
else
    bold='' dim='' red='' green='' yellow='' plain=''
fi

step() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
say() { printf '%s\n' "$*"; }
note() { printf '%s%s%s\n' "$dim" "$*" "$plain"; }
warn() { printf '%s%s: %s%s\n' "$yellow" "${0##*/}" "$*" "$plain" >&2; }
die() {
    printf '%s%s: %s%s\n' "$red" "${0##*/}" "$*" "$plain" >&2
    exit 1
}
# A call that cannot be understood: exit 64, as `cai` itself does.
die_usage() {
    printf '%s: %s\nTry: %s --help\n' "${0##*/}" "$*" "$0" >&2
    exit 64
}

# The comment at the head of the running script, without its marks, is its help.
show_help() { sed -n '2,/^[^#]/{/^#/!q;s/^# \{0,1\}//;p}' "$0"; }

is_root() { [ "$(id -u)" -eq 0 ]; }
has() { command -v "$1" >/dev/null 2>&1; }

# --- Tidying up: the last thing made is the first to go, whether the script succeeds, fails or is interrupted. ---
_leave=()
at_exit() { _leave+=("$1"); }
_run_leave() {
    local status=$? i
    trap '' INT TERM HUP
    for ((i = ${#_leave[@]} - 1; i >= 0; i--)); do eval "${_leave[i]}" || true; done
    exit "$status"
}
trap _run_leave EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
