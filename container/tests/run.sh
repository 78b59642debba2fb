#!/usr/bin/env bash
# cai run as the first process of a container: signals from outside, orphans, shutdown, exit codes.
#
#   container/tests/run.sh [ENGINE]        Engines: namespaces
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
in_own_namespaces "$@"
engine=${1:-namespaces}
world_up
containers_up_or_skip "cai run is the first process of a container"

code_of() {
    local status=0
    container_run -- "$@" >/dev/null 2>&1 || status=$?
    echo "$status"
}
check_same "the container ends with the code of its command" 7 "$(code_of cai run -- /bin/sh -c 'exit 7')"
check_same "or with 128 and the signal that ended it" 143 "$(code_of cai run -- /bin/sh -c 'kill $$')"
check_same "with 127 when there is no such command" 127 "$(code_of cai run -- nonesuch)"
check_same "with 126 when it cannot be executed" 126 "$(code_of cai run -- /)"

# Twice forked, so that process 1 gets them all; the last line counts what is left of them.
check_same "it reaps 100,000 orphans" 0 "$(container_run -- cai run -- /bin/sh -c '
    i=0
    while [ $i -lt 2000 ]; do
        (for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 \
            26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50; do : & done)
        i=$((i + 1))
    done
    while grep -qs "^State:.Z" /proc/[0-9]*/status; do :; done
    grep -ls "^State:.Z" /proc/[0-9]*/status | wc -l')"
finish
