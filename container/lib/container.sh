# One way to speak of containers, whatever runs them: `engine` is "namespaces" or "docker". Sourced.
#
#   containers_up                                   once, after world_up: makes $world/rootfs and what the engine needs
#   containers_up_or_skip SENTENCE                  the same in a test: an engine that cannot be had ends it as skipped,
#                                                   except on CI, where there is one and its absence is a failure
#   container_start NAME [OPTION…] [-- COMMAND…]    a container that stays; COMMAND is its PID 1 (an idle one if none)
#   container_exec  NAME [--user USER] [--tty] -- COMMAND…   runs in it; the status is that of COMMAND
#   container_run   [OPTION…] -- COMMAND…           a container for one command; the status is that of COMMAND
#   container_log   NAME                            what its PID 1 and all that it started said so far
#   container_stop NAME                             tells its PID 1 to end, and waits for it; `stopped_with` is its status
#   container_destroy NAME                          it and all that it wrote outside of named volumes is gone
#   container_volume NAME [ARGUMENT…]               runs find, with the arguments, on a named volume from outside
#
# Options: --entrypoint PROGRAM (COMMAND are its arguments); --volume vol:NAME:/to, anon:/to, bind:/from:/to or tmpfs:/to (in namespaces also cgroup2:/to); --env NAME=VALUE; --user USER;
#          and, in namespaces only, --root DIR (the root file system, "/" for the machine's own).
# shellcheck shell=bash

containers_up() {
    make_rootfs "$world/rootfs"
    "${engine}_up"
}
containers_up_or_skip() {
    local why
    if why=$(engine_is_missing); then
        [ -z "${CI:-}" ] || die "there is no engine: $why"
        skip "$1, on $engine" "$why"
        exit 0
    fi
    containers_up
}
# Succeeds, saying why, if the engine cannot be had here.
engine_is_missing() {
    [ "$engine" = docker ] || return 1
    has dockerd || { echo "there is no dockerd; container/setup engine installs one" && return; }
    has docker || { echo "there is no docker command; container/setup engine installs one" && return; }
    [ -d /sys/fs/cgroup ] || { echo "there are no control groups" && return; }
    return 1
}
container_start() { "${engine}_start" "$@"; }
container_exec() { "${engine}_exec" "$@"; }
container_run() { "${engine}_run" "$@"; }
container_log() { "${engine}_log" "$@"; }
container_volume() { "${engine}_volume" "$@"; }
container_stop() { "${engine}_stop" "$@"; }
container_destroy() { "${engine}_destroy" "$@"; }

# Takes the options of a call apart, into `volumes`, `environment`, `user`, `root`, `tty`, `entrypoint` and
# `command_line`.
container_options() {
    volumes=() environment=() user=root root=$world/rootfs tty='' entrypoint='' command_line=()
    while [ $# -gt 0 ]; do
        case $1 in
        --volume) volumes+=("$2") && shift 2 ;;
        --env) environment+=("$2") && shift 2 ;;
        --user) user=$2 && shift 2 ;;
        --root) root=$2 && shift 2 ;;
        --tty) tty=1 && shift ;;
        --entrypoint) entrypoint=$2 && shift 2 ;;
        --) shift && command_line=("$@") && return ;;
        *) die "unknown option for a container: $1" ;;
        esac
    done
}

# What an idle container runs: it ends at once when it is told to.
idle_command=(/bin/sh -c 'trap "exit 0" TERM; while :; do sleep 3600 & wait $!; done')
