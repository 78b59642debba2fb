# How the tests in container/tests speak: one line per sentence, "ok - …", "not ok - …" or "skip - … # why". Sourced.
# shellcheck shell=bash

failures=0

ok() { printf '%sok%s - %s\n' "$green" "$plain" "$1"; }
not_ok() {
    printf '%snot ok%s - %s\n' "$red" "$plain" "$1"
    failures=$((failures + 1))
}
skip() { printf '%sskip%s - %s # %s\n' "$yellow" "$plain" "$1" "$2"; }

# check SENTENCE COMMAND…: the command succeeds; what it said is shown only if it does not.
check() {
    local sentence=$1 said
    shift
    if said=$("$@" 2>&1); then ok "$sentence"; else
        not_ok "$sentence"
        printf '%s\n' "$said" | sed 's/^/    /'
    fi
}

# check_same SENTENCE EXPECTED ACTUAL: two texts are equal.
check_same() {
    if [ "$2" = "$3" ]; then ok "$1"; else
        not_ok "$1"
        diff -u --label expected <(printf '%s\n' "$2") --label actual <(printf '%s\n' "$3") | sed 's/^/    /' || true
    fi
}

# check_status SENTENCE STATUS COMMAND…: the command ends with that exit status.
check_status() {
    local sentence=$1 expected=$2 status=0 said
    shift 2
    said=$("$@" 2>&1) || status=$?
    if [ "$status" -eq "$expected" ]; then ok "$sentence"; else
        not_ok "$sentence"
        printf '%s\n' "exit status $status instead of $expected" "$said" | sed 's/^/    /'
    fi
}

# The last line of every test file.
finish() { [ "$failures" -eq 0 ]; }

# A test that `set -e` or `die` ends says where, in a line like those of its other failures.
if [[ $0 == */tests/*.sh ]]; then
    set -E
    stopped_at='a call of die'
    trap 'stopped_at="line $LINENO of ${BASH_SOURCE[0]##*/}: $BASH_COMMAND"' ERR
    # Run with the exit status in `status`.
    at_exit '[ "$status" -eq 0 ] || [ "$failures" -ne 0 ] || not_ok "the test ended early with $status, at $stopped_at"'
fi

# The binary under test.
cai_binary() {
    local file=${CAI_BINARY:-$top/.build/cai}
    [ -x "$file" ] || die "there is no $file; run container/build first"
    printf '%s\n' "$file"
}
