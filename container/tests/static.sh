#!/usr/bin/env bash
# The binary is one file that runs where there is nothing else.
#
#   container/tests/static.sh        CAI_BINARY names the binary (.build/cai)
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
! is_root || in_own_namespaces "$@"
binary=$(cai_binary)
limit=$((40 * 1000 * 1000))

is_static() { [[ $(ldd "$1" 2>&1) =~ 'not a dynamic executable'|'statically linked' ]]; }
has_no_symbols() { [ -z "$(nm "$1" 2>/dev/null)" ]; }
facts() { "$@" version --json 2>&1 || echo "exit status $?"; }

check "it is not a dynamic executable" is_static "$binary"
check "it is stripped" has_no_symbols "$binary"
size=$(stat -c %s "$binary")
check "its size, $size bytes, is below 40 MB" test "$size" -lt "$limit"
check "it says what it is" "$binary" version --json

if ! is_root; then
    skip "it runs in an empty root" "making one takes root"
    finish
    exit
fi
world_up
expected=$(facts "$binary")
empty=$world/ram/empty
mkdir "$empty"
install -m 755 "$binary" "$empty/cai"

check_same "it runs in an empty root without /proc" "$expected" "$(facts chroot "$empty" /cai)"
check_same "also where the environment speaks of backtraces" "$expected" \
    "$(SWIFT_BACKTRACE=enable=no facts chroot "$empty" /cai)"
mkdir "$empty/proc"
mount -t proc proc "$empty/proc"
check_same "it runs in an empty root with only /proc" "$expected" "$(facts chroot "$empty" /cai)"
umount "$empty/proc"
rmdir "$empty/proc"
check_same "it runs as process 1 of an empty root" "$expected" \
    "$(facts unshare --mount --pid --fork --kill-child chroot "$empty" /cai)"
finish
