/// What an init needs from Linux that Swift cannot import: signals with all the kernel says about them, the one process it
/// starts, and the two settings of prctl(2) that make it an init outside a PID namespace of its own.
#pragma once
#include "cplatform.h"

#pragma clang assume_nonnull begin

/// The words this program was started with, as the kernel handed them over; also without /proc.
char *_Nullable const *_Nonnull cai_argument_vector(void);

/// The process that started this program, or whoever had adopted it by then.
pid_t cai_first_parent(void);

/// Blocks every signal there is, also 32 and 33 that the C library keeps for itself. For `cai run` and `cai entrypoint` the start-up code has
/// done that already, before anything else.
void cai_hold_signals(void);

/// The signal mask with which this program was started, one bit for each signal, the lowest for signal 1. Only of use after
/// `cai_hold_signals`.
uint64_t cai_inherited_signal_mask(void);

/// Puts the inherited signal mask back, if signals are held.
void cai_release_signals(void);

/// Takes the next of the wanted signals, one bit for each, off the queue and waits for it if there is none
/// (rt_sigtimedwait(2)). The others stay there. Without a limit for a negative number of nanoseconds. Returns the signal, 0 when the time is over, or -1 with errno (EINTR after
/// this process was stopped and continued).
int cai_next_signal(uint64_t wanted, siginfo_t *information, int64_t nanoseconds);

/// A descriptor that can be read while one of the wanted signals waits (signalfd(2)); `old` is one to change, or -1. What
/// waits is taken with `cai_next_signal`, which knows more of it. Returns the descriptor, or -1 with errno.
int cai_watch_signals(int old, uint64_t wanted);

/// Waits until one of the descriptors has something to say, or until the time is over; without a limit for a negative
/// number of nanoseconds (ppoll(2)). Returns how many have, or -1 with errno.
int cai_wait_for(struct pollfd *_Nullable descriptors, size_t count, int64_t nanoseconds);

/// Receives one message of a datagram socket without waiting, and who sent it as seen from this PID namespace (SO_PASSCRED,
/// unix(7)); descriptors that came with it are closed. Returns its length, or -1 with errno.
ssize_t cai_receive_message(int socket, void *buffer, size_t size, pid_t *sender);

/// Whose signal it was, as seen from this PID namespace: 0 for the kernel and for processes outside.
pid_t cai_signal_sender(const siginfo_t *information);

/// Queues a signal with all that came with it, which the kernel allows for those that were queued (sigqueue(3)). Returns
/// 0, or -1 with errno; EAGAIN when the queue is full.
int cai_queue_signal(pid_t pid, int signal, const siginfo_t *information);

/// Lets a signal do to this process, or to all of its process group, what it does by default, however it was handled here
/// before, and comes back with every signal blocked again: after SIGCONT for one that stops, at once where the kernel does not let it stop (process 1, a
/// process group without a shell).
void cai_suffer_signal(int signal, int with_group);

/// Has ended children wait to be waited for, which they do not where SIGCHLD is ignored. Returns whether it was.
int cai_expect_child_ends(void);

/// The signal that stopped a child, from its wait status; 0 for one that was not stopped.
int cai_stop_signal(int wait_status);

/// Makes orphans below this process its children (PR_SET_CHILD_SUBREAPER). Returns 0, or -1 with errno.
int cai_become_subreaper(void);

/// Has the kernel send this process a signal when its parent ends (PR_SET_PDEATHSIG). Returns 0, or -1 with errno.
int cai_set_parent_death_signal(int signal);

/// Sends a signal to the process that a descriptor stands for (pidfd_send_signal(2), Linux 5.1). Returns 0, or -1 with errno.
int cai_pidfd_send_signal(int process, int signal);

/// A nameless file in memory that programs started from here inherit (memfd_create(2)); where that is refused, one in
/// /dev/shm, /run, /tmp or /var/tmp. Returns a descriptor, or -1 with the errno of memfd_create(2).
int cai_make_memory_file(const char *name);

/// The path with which this program was executed, NULL where the kernel does not tell.
const char *_Nullable cai_program_path(void);

/// Closes every descriptor from this one on.
void cai_close_from(unsigned first);

/// Closes every descriptor from the first to the last.
void cai_close_between(unsigned first, unsigned last);

/// Gives up the memory in which the kernel keeps the file of a static program mapped: code, and data that was not written
/// to. What is needed again comes back from the page cache by itself. A start touches most of it, the rest of an init's life
/// a few pages.
void cai_release_program_memory(void);

/// A descriptor that a program gets under another number.
struct cai_placement {
    int from;
    int to;
};

/// What an init starts. Every pointer stays owned by the caller and valid until the call returns.
struct cai_command {
    char *_Nullable const *_Nonnull candidates;        ///< paths to try in this order, NULL-terminated
    char *_Nullable const *_Nonnull arguments;         ///< NULL-terminated
    char *_Nullable *_Nonnull script_arguments;        ///< "/bin/sh", room for a path, the arguments but the first, NULL
    char *_Nullable const *_Nonnull environment;       ///< NULL-terminated
    char *_Nullable const *_Nonnull process_id_places;  ///< where its decimal id is written, 11 bytes each, NULL-terminated
    char *_Nullable const *_Nonnull working_directories;  ///< the first one to be had, NULL-terminated; the one of this process if empty
    int terminal;                                      ///< whose foreground it becomes, or -1
    int leads_session;                                 ///< whether it leads a session instead of a process group: no terminal
    int closes_rest;                                   ///< whether it gets the standard descriptors and the placed ones only
    const struct cai_placement *_Nullable placements;  ///< descriptors that it gets, each `to` once and below 1000
    size_t placement_count;
    int ignores_child_ends;                            ///< whether it starts with SIGCHLD ignored
    int holds_signals;                                 ///< nonzero: it starts with every signal blocked
    int64_t patience_ns;                               ///< the most time until it has been executed
    int change_identity;                               ///< 0: keep ids and groups
    uid_t uid;
    gid_t gid;
    const gid_t *_Nullable groups;
    size_t group_count;
};

/// What could not be done.
enum cai_command_step {
    cai_command_started = 0,
    cai_command_fork,
    cai_command_descriptors,
    cai_command_identity,
    cai_command_directory,
    cai_command_exec,
    cai_command_exec_of_directory,    ///< the file is a directory
    cai_command_exec_of_damage,       ///< the file is no script and has no format the kernel knows
    cai_command_exec_of_shell,        ///< the file is a script without #!, and there is no /bin/sh
    cai_command_exec_of_interpreter,  ///< the file is there, the program that its first line or its header names is not
    cai_command_late,                 ///< it was not executed in time: ETIMEDOUT, or EINTR when SIGTERM or SIGINT came meanwhile
};

/// Why a command was not started, and which of its candidates the report is about.
struct cai_command_failure {
    enum cai_command_step step;
    int error;
    int candidate;
};

/// Starts the command as the leader of a process group of its own, with the inherited signal mask and everything else that
/// this process was started with. It returns when the command has been executed, so that a signal sent then reaches it and
/// nothing before it. Returns the process id, or -1 with the failure; then there is no child, but one that hangs in the
/// kernel, which was killed.
///
/// Until it is executed the child may already be of the command's user, who can stop it or have it wait for a file; this
/// process never waits longer than `patience_ns`, and no longer than a second once SIGTERM or SIGINT waits for it.
///
/// Call it with signals held. A candidate that is a script without `#!` runs under /bin/sh (execvp(3)).
pid_t cai_start_command(const struct cai_command *command, struct cai_command_failure *failure);

#pragma clang assume_nonnull end
