#!/usr/bin/env bash
# The users of a container come back in the next one.
#
#   container/tests/users.sh [ENGINE]        Engines: namespaces docker
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
in_own_namespaces "$@"
engine=${1:-namespaces}
world_up
containers_up_or_skip "the users of a container come back in the next one"
mkdir -p "$world/volumes/users/_data" "$world/volumes/homes/_data"
chmod 700 "$world/volumes/users/_data"

on() { container_exec "$1" -- /bin/sh -c "$2"; }
# fresh NAME [OPTION…]: a container of the preset opencode, with the volumes in `kept`.
kept=(--volume vol:users:/var/lib/opencode-users --volume vol:homes:/home)
fresh() {
    local name=$1
    shift
    container_start "$name" ${kept[@]+"${kept[@]}"} --env CAI_PRESET=opencode \
        --env CAI_USER=agent --env CAI_HOME=/root "$@" --entrypoint cai -- entrypoint --user 0 -- /bin/sh -c \
        'tr "\0" "\n" < /proc/self/environ > /tmp/environment; umask > /tmp/umask; echo started > /tmp/started; exec sleep 1000'
    container_exec "$name" -- timeout 60 /bin/sh -c 'until [ -e /tmp/started ]; do usleep 10000; done'
}
# Where there is no shadow, the hash is in passwd (passwd(5)).
secrets='$([ -e /etc/shadow ] && echo /etc/shadow || echo /etc/passwd)'
facts() { on "$1" "grep '^$2:' /etc/passwd /etc/group $secrets"; }
# password_is CONTAINER USER PASSWORD: asked of the system's own crypt.
password_is() {
    on "$1" "sed -n 's/^$2:\\([^:]*\\):.*/\\1/p' $secrets" |
        python3 -W ignore -c 'import crypt, sys; h = sys.stdin.read().strip(); sys.exit(crypt.crypt(sys.argv[1], h) != h)' "$3"
}

# An image of the Docker engine has the file that it was made with, which is none.
printf '%s\n' 'root:*:1::::::' 'agent:*:1::::::' >"$world/rootfs/etc/shadow"
chmod 600 "$world/rootfs/etc/shadow"
fresh one --env OPENCODE_BOOTSTRAP_USER=alice --env OPENCODE_BOOTSTRAP_PASSWORD=First-Password-1
check "the first user comes from the environment" on one "grep -q '^alice:[^:]*:1' /etc/passwd"
check "its password is the one of the environment" password_is one alice First-Password-1
check "the password is in the environment of nothing that starts later (2.13, 14)" on one \
    'grep -q OPENCODE_BOOTSTRAP_USER /tmp/environment && ! grep -q First-Password /tmp/environment'
check "the password is not in the environment of process 1" on one '! grep -q First-Password /proc/1/environ'
check "the password is in no file of the users volume" on one '! grep -rq First-Password /var/lib/opencode-users'
check "the workload has its umask although records were written (2.13, 13)" on one "grep -qx '0*22' /tmp/umask"
check "the home belongs to the user" on one 'test "$(stat -c %U /home/alice)" = alice'
check "a second user is added" on one "echo Second-Password-2 | cai users add bob --password-file -"
check "a third user is added and locked" on one "echo Third-Password-3 | cai users add carol && cai users lock carol"
check "a user that is not the first is removed" on one "echo Extra-Password-4 | cai users add aaron && cai users remove aaron"
on one 'echo data > /home/bob/notes && chown bob: /home/bob/notes'
before=$(facts one alice && facts one bob && facts one carol)
container_destroy one

fresh two --env OPENCODE_BOOTSTRAP_USER=mallory --env OPENCODE_BOOTSTRAP_PASSWORD=Other-Password-9
check_same "a new container has the same users with the same ids and hashes" "$before" \
    "$(facts two alice && facts two bob && facts two carol)"
check "the files of a user are still its own" on two 'test "$(stat -c %U /home/bob/notes)" = bob'
check "a password still works" password_is two bob Second-Password-2
check "a locked user stays locked" on two "grep -q '^carol:!' $secrets"
check "the environment makes no user where there are records" on two "! grep -q mallory /etc/passwd"
check "boot says that all is well with the users" on two \
    'cai users lint >/dev/null && cai users restore 2>&1 | grep -q "Nothing to do"'
check "a user that somebody else makes is kept" on two 'echo dave:x:1500:1500::/home/dave:/bin/sh >> /etc/passwd &&
    if [ -e /etc/shadow ]; then echo "dave:*:1::::::" >> /etc/shadow; fi && echo dave:x:1500: >> /etc/group && cai users persist'
container_destroy two

fresh three
check "that user is there in the next container" on three "grep -q '^dave:[^:]*:1500:1500:' /etc/passwd"
container_destroy three

# --- the first login, with a code ---
codes_of() { container_log "$1" | sed -n 's/^INITIAL ONE-TIME PASSWORD (IOTP): //p'; }
# shown NAME: the code in its log; an engine may take a moment to pass it on.
shown() {
    local code
    for _ in {1..100}; do
        code=$(codes_of "$1")
        [ -z "$code" ] || break
        sleep 0.1
    done
    echo "$code"
}
# create NAME CODE USER: makes a user with a code, as the login page does.
create() {
    on "$1" "printf '{\"otp\":\"%s\",\"username\":\"%s\",\"password\":\"First-Password-1\"}' $2 $3 | cai bootstrap create-user"
}
refused() { ! "$@"; }

kept=()
fresh four
code=$(shown four)
check_same "without users the log of a start shows one code" 96 "${#code}"
check "the report of the boot does not hold it" on four "! grep -q $code /run/containai/boot.json"
check "no file of the users holds it" on four "! grep -rq $code /var/lib/opencode-users"
check "it makes a user" create four "$code" alice
check "who can log in" password_is four alice First-Password-1
check "it works once only" refused create four "$code" bob
check "no password is in the log" refused eval "container_log four | grep -q First-Password"
container_destroy four
fresh five
other=$(shown five)
check "a container that forgot its users shows another code" test "$other" -a "$other" != "$code"
check "the code of the container before does not work there" refused create five "$code" bob
container_destroy five

kept=(--volume vol:first:/var/lib/opencode-users)
mkdir -p "$world/volumes/first/_data" && chmod 700 "$world/volumes/first/_data"
fresh six
code=$(shown six)
check "a code makes a user on a kept volume" create six "$code" alice
container_destroy six
fresh seven
check "that user can log in to the next container" password_is seven alice First-Password-1
check_same "which shows no code" '' "$(codes_of seven)"
check "and takes the old one no more" refused create seven "$code" bob
container_destroy seven
finish
