#include "cinit.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include "start.h"

// The kernel's own calls and its own eight bytes of mask: the C library leaves signals 32 and 33 out.
static const uint64_t every_signal = ~(uint64_t)0;

static void set_mask(uint64_t mask) { syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask); }

void cai_hold_signals(void) {
    if (cai_start_signals_are_held) return;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &every_signal, &cai_start_signal_mask, sizeof every_signal);
    cai_start_signals_are_held = 1;
}

uint64_t cai_inherited_signal_mask(void) { return cai_start_signal_mask; }

void cai_release_signals(void) {
    if (!cai_start_signals_are_held) return;
    set_mask(cai_start_signal_mask);
    cai_start_signals_are_held = 0;
}

int cai_next_signal(uint64_t wanted, siginfo_t *information, int64_t nanoseconds) {
    struct timespec limit = {.tv_sec = (time_t)(nanoseconds / 1000000000), .tv_nsec = (long)(nanoseconds % 1000000000)};
    int got = (int)syscall(
        SYS_rt_sigtimedwait, &wanted, information, nanoseconds < 0 ? NULL : &limit, sizeof wanted);
    return got < 0 && errno == EAGAIN ? 0 : got;
}

int cai_watch_signals(int old, uint64_t wanted) {
    return (int)syscall(SYS_signalfd4, old, &wanted, sizeof wanted, SFD_CLOEXEC | SFD_NONBLOCK);
}

int cai_wait_for(struct pollfd *descriptors, size_t count, int64_t nanoseconds) {
    struct timespec limit = {.tv_sec = (time_t)(nanoseconds / 1000000000), .tv_nsec = (long)(nanoseconds % 1000000000)};
    return ppoll(descriptors, count, nanoseconds < 0 ? NULL : &limit, NULL);
}

ssize_t cai_receive_message(int socket, void *buffer, size_t size, pid_t *sender) {
    // Room for the credentials and for every descriptor that may come along (SCM_MAX_FD).
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(253 * sizeof(int))];
    } control;
    struct iovec part = {.iov_base = buffer, .iov_len = size};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    *sender = 0;
    ssize_t length = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length < 0) return length;
    for (struct cmsghdr *next = CMSG_FIRSTHDR(&message); next; next = CMSG_NXTHDR(&message, next)) {
        if (next->cmsg_level != SOL_SOCKET) continue;
        if (next->cmsg_type == SCM_CREDENTIALS) *sender = ((const struct ucred *)(const void *)CMSG_DATA(next))->pid;
        if (next->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (next->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) close(((const int *)(const void *)CMSG_DATA(next))[i]);
    }
    return length;
}

pid_t cai_signal_sender(const siginfo_t *information) { return information->si_pid; }

int cai_queue_signal(pid_t pid, int signal, const siginfo_t *information) {
    return (int)syscall(SYS_rt_sigqueueinfo, pid, signal, information);
}

void cai_suffer_signal(int signal, int with_group) {
    struct sigaction by_default = {.sa_handler = SIG_DFL}, before;
    sigaction(signal, &by_default, &before);
    // Once only: a SIGCONT that comes before this process has stopped takes back what waits, and not what is sent later.
    kill(with_group ? 0 : getpid(), signal);
    set_mask(every_signal & ~((uint64_t)1 << (signal - 1)));
    set_mask(every_signal);
    sigaction(signal, &before, NULL);
}

int cai_expect_child_ends(void) {
    struct sigaction by_default = {.sa_handler = SIG_DFL}, before;
    return sigaction(SIGCHLD, &by_default, &before) == 0 && before.sa_handler == SIG_IGN;
}

int cai_stop_signal(int wait_status) { return WIFSTOPPED(wait_status) ? WSTOPSIG(wait_status) : 0; }

int cai_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int cai_set_parent_death_signal(int signal) { return prctl(PR_SET_PDEATHSIG, (unsigned long)signal, 0, 0, 0); }

int cai_pidfd_send_signal(int process, int signal) {
#ifdef SYS_pidfd_send_signal
    return (int)syscall(SYS_pidfd_send_signal, process, signal, NULL, 0u);
#else
    (void)process;
    (void)signal;
    errno = ENOSYS;
    return -1;
#endif
}

int cai_make_memory_file(const char *name) {
    int file = memfd_create(name, 0);
    if (file >= 0) return file;
    int error = errno;
    static const char *const places[] = {"/dev/shm", "/run", "/tmp", "/var/tmp"};
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
        file = open(places[i], O_TMPFILE | O_RDWR | O_EXCL, 0600);
        if (file >= 0) return file;
        // A file system without nameless files: the name is gone at once.
        char path[32];
        strcpy(path, places[i]);
        strcat(path, "/.cai-XXXXXX");
        file = mkstemp(path);
        if (file < 0) continue;
        unlink(path);
        return file;
    }
    errno = error;
    return -1;
}

const char *cai_program_path(void) { return (const char *)getauxval(AT_EXECFN); }

static const uintptr_t stretch = 256 << 10;

// What proc_pid_pagemap(5) says of a page: in memory (63) or swapped out (62), and no longer the file's (61).
static bool was_written(uint64_t entry) { return entry >> 62 && !(entry >> 61 & 1); }

// Of memory that may have been written to, only the pages that were not are given up: the others have no other copy.
// Without /proc nobody knows which these are, and all stay.
static void release_unwritten(uintptr_t start, uintptr_t end) {
    enum { batch = 256 };
    uint64_t entries[batch];
    uintptr_t page = (uintptr_t)getpagesize();
    int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (pagemap < 0) return;
    for (uintptr_t at = start; at < end;) {
        uintptr_t left = (end - at) / page;
        size_t count = left < batch ? left : batch;
        ssize_t got = pread(pagemap, entries, count * sizeof entries[0], (off_t)(at / page * sizeof entries[0]));
        if (got <= 0) break;
        count = (size_t)got / sizeof entries[0];
        for (size_t i = 0, run = 0; i < count; i += run) {
            for (run = 1; i + run < count && was_written(entries[i]) == was_written(entries[i + run]);) run++;
            if (!was_written(entries[i])) madvise((void *)(at + i * page), run * page, MADV_DONTNEED);
        }
        at += count * page;
    }
    close(pagemap);
}

void cai_release_program_memory(void) {
    const Elf64_Phdr *header = (const Elf64_Phdr *)getauxval(AT_PHDR);
    if (!cai_is_static() || !header) return;
    for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++) {
        // A static program is loaded where it says.
        if (header[i].p_type != PT_LOAD) continue;
        uintptr_t page = (uintptr_t)getpagesize() - 1;
        uintptr_t start = (header[i].p_vaddr + page) & ~page, end = (header[i].p_vaddr + header[i].p_filesz) & ~page;
        if (start >= end) continue;
        if (header[i].p_flags & PF_W) {
            release_unwritten(start, end);
            continue;
        }
        // Where the page cache has the file in large pieces, up to 2 MiB, one touch maps all of a piece, but no more than one
        // mapping: so make many, different in a property that means nothing here.
        for (uintptr_t at = start; at < end; at += 2 * stretch)
            madvise((void *)at, end - at < stretch ? end - at : stretch, MADV_NOHUGEPAGE);
        madvise((void *)start, end - start, MADV_DONTNEED);
    }
}

// Everything from here to `cai_start_command` runs in the child, which has a copy of the parent's memory. `failure` is in a
// page that both share.

_Noreturn static void give_up(struct cai_command_failure *failure, enum cai_command_step step, int candidate) {
    failure->error = errno;
    failure->candidate = candidate;
    failure->step = step;
    _exit(127);
}

static void write_process_id(char *const *places) {
    char digits[11];
    int count = 0;
    for (unsigned rest = (unsigned)getpid(); rest > 0; rest /= 10) digits[count++] = (char)('0' + rest % 10);
    for (; *places; places++) {
        for (int i = 0; i < count; i++) (*places)[i] = digits[count - 1 - i];
        (*places)[count] = 0;
    }
}

// The system calls themselves: the C library's functions are for all threads of a process, and this is none of its own.
static int become(const struct cai_command *command) {
    // To the kernel -1 means "leave it", which is root.
    if (command->uid == (uid_t)-1 || command->gid == (gid_t)-1) {
        errno = EINVAL;
        return -1;
    }
    if (syscall(SYS_setgroups, command->group_count, command->groups) != 0) return -1;
    if (syscall(SYS_setresgid, command->gid, command->gid, command->gid) != 0) return -1;
    return (int)syscall(SYS_setresuid, command->uid, command->uid, command->uid);
}

// Follows the test of shells: a script has no zero byte in its first line. A file that cannot be read is left to the shell,
// which reports it. The user of the command may have put a FIFO or a device in its place: opening it waits for nothing.
static int is_script(const char *path) {
    char start[128];
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (file < 0) return 1;
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(file);
        return 0;
    }
    ssize_t count = read(file, start, sizeof start);
    close(file);
    for (ssize_t i = 0; i < count && start[i] != '\n'; i++)
        if (start[i] == 0) return 0;
    return count < 4 || start[0] != 0x7F || start[1] != 'E' || start[2] != 'L' || start[3] != 'F';
}

// Why a candidate could not be executed. `exists` is set for one that is there.
static enum cai_command_step reason(const char *path, int error, int *exists) {
    struct stat status;
    *exists = error != ENOENT && error != ENOTDIR;
    if (error == ENOENT && stat(path, &status) == 0) {
        *exists = 1;
        return cai_command_exec_of_interpreter;
    }
    if (error == EACCES && stat(path, &status) == 0 && S_ISDIR(status.st_mode)) return cai_command_exec_of_directory;
    return cai_command_exec;
}

// As execvp(3) goes through the search path: what cannot be executed is remembered and the rest is tried.
_Noreturn static void execute(const struct cai_command *command, struct cai_command_failure *failure) {
    struct cai_command_failure best = {.step = cai_command_exec, .error = ENOENT, .candidate = 0};
    int best_exists = 0;
    for (int i = 0; command->candidates[i]; i++) {
        char *path = command->candidates[i];
        execve(path, (char *const *)command->arguments, (char *const *)command->environment);
        int error = errno, exists;
        if (error == ENOEXEC) {
            if (!is_script(path)) {
                errno = error;
                give_up(failure, cai_command_exec_of_damage, i);
            }
            command->script_arguments[1] = path;
            execve(command->script_arguments[0], (char *const *)command->script_arguments,
                   (char *const *)command->environment);
            give_up(failure, cai_command_exec_of_shell, i);
        }
        enum cai_command_step step = reason(path, error, &exists);
        if (i == 0 || (exists && !best_exists)) {
            best = (struct cai_command_failure){.step = step, .error = error, .candidate = i};
            best_exists = exists;
        }
        if (error != ENOENT && error != ENOTDIR && error != EACCES && error != ESTALE && error != ENODEV &&
            error != ETIMEDOUT)
            break;
    }
    errno = best.error;
    give_up(failure, best.step, best.candidate);
}

// Goes to the first directory that it can; the error is that of the first.
static int go_to_first(char *const *directories) {
    int error = 0;
    for (; *directories; directories++) {
        if (chdir(*directories) == 0) return 0;
        if (error == 0) error = errno;
    }
    errno = error;
    return error == 0 ? 0 : -1;
}

// The highest number that anything is to be placed at.
static int last_place(const struct cai_command *command) {
    int last = 2;
    for (size_t i = 0; i < command->placement_count; i++)
        if (command->placements[i].to > last) last = command->placements[i].to;
    return last;
}

// A descriptor that has a number which another one is to get is moved first. `report` stays open until the command is executed.
static int place(const struct cai_command *command, int report) {
    int from[1000], last = last_place(command);
    if (command->placement_count > sizeof from / sizeof *from) return -1;
    for (size_t i = 0; i < command->placement_count; i++) {
        from[i] = command->placements[i].from;
        if (from[i] <= last) from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, last + 1);
        if (from[i] < 0) return -1;
    }
    for (size_t i = 0; i < command->placement_count; i++)
        if (dup2(from[i], command->placements[i].to) < 0) return -1;
    if (!command->closes_rest) return 0;
    if (report > last) {
        cai_close_between((unsigned)last + 1, (unsigned)report - 1);
        last = report;
    }
    cai_close_between((unsigned)last + 1, ~0u);
    return 0;
}

_Noreturn static void become_command(
    const struct cai_command *command, int report, struct cai_command_failure *failure) {
    if (command->leads_session)
        setsid();
    else
        setpgid(0, 0);
    // Allowed from the background because SIGTTOU is blocked. A terminal that is gone meanwhile is no reason to fail.
    if (command->terminal >= 0) tcsetpgrp(command->terminal, getpid());
    write_process_id(command->process_id_places);
    if (report >= 0 && report <= last_place(command)) {
        report = fcntl(report, F_DUPFD_CLOEXEC, last_place(command) + 1);
        if (report < 0) give_up(failure, cai_command_descriptors, 0);
    }
    if (place(command, report) != 0) give_up(failure, cai_command_descriptors, 0);
    if (command->change_identity) {
        // The copy of the parent's memory stays closed to the new user, whatever fs.suid_dumpable says.
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        if (become(command) != 0) give_up(failure, cai_command_identity, 0);
    }
    if (go_to_first(command->working_directories) != 0) give_up(failure, cai_command_directory, 0);
    if (command->ignores_child_ends) signal(SIGCHLD, SIG_IGN);
    if (!command->holds_signals) set_mask(cai_start_signal_mask);
    execute(command, failure);
}

static int64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void sleep_ms(long milliseconds) {
    struct timespec time = {.tv_nsec = milliseconds * 1000000};
    nanosleep(&time, NULL);
}

// True if SIGTERM or SIGINT waits for this process, which has every signal blocked.
static bool is_asked_to_end(void) {
    uint64_t waiting = 0;
    if (syscall(SYS_rt_sigpending, &waiting, sizeof waiting) != 0) return false;
    return (waiting & (((uint64_t)1 << (SIGTERM - 1)) | ((uint64_t)1 << (SIGINT - 1)))) != 0;
}

static bool has_ended(pid_t child) {
    siginfo_t information = {0};
    return waitid(P_PID, (id_t)child, &information, WEXITED | WNOHANG | WNOWAIT) != 0 || information.si_signo == SIGCHLD;
}

// Where no descriptor is left for a pipe, setpgid(2) tells: it fails with EACCES for a child that has executed a program.
static bool has_executed(pid_t child) { return setpgid(child, child) != 0 && errno == EACCES; }

// Waits until the child has executed its program or has ended: then the kernel has closed its end of the pipe. The child
// may have the agent's identity already, and the agent can stop or block it; so the time is bounded. Returns 0, or an errno:
// ETIMEDOUT, or EINTR if this process was asked to end meanwhile.
static int await_execution(const struct cai_command *command, pid_t child, int report) {
    int64_t start = now_ns(), deadline = start + command->patience_ns;
    while (1) {
        int64_t left = (deadline - now_ns()) / 1000000;
        if (report >= 0) {
            struct pollfd state = {.fd = report, .events = POLLIN};
            if (poll(&state, 1, left < 0 ? 0 : left < 100 ? (int)left + 1 : 100) == 1) return 0;
        } else {
            if (has_ended(child) || has_executed(child)) return 0;
            sleep_ms(1);
        }
        if (now_ns() >= deadline) return ETIMEDOUT;
        // A start that is only a little slow still gets the signal afterwards.
        if (now_ns() - start > 1000000000 && is_asked_to_end()) return EINTR;
    }
}

// Ends a child that has not become the command, and takes what is left of it. One that hangs in the kernel is left to the
// next look for ended children.
static void remove_child(pid_t child) {
    kill(child, SIGKILL);
    for (int i = 0; i < 100 && waitpid(child, NULL, WNOHANG) == 0; i++) sleep_ms(1);
}

static pid_t start_command(
    const struct cai_command *command, const int report[2], struct cai_command_failure *shared,
    struct cai_command_failure *failure) {
    pid_t child = fork();
    int problem = errno;
    if (child == 0) become_command(command, report[1], shared);
    if (report[1] >= 0) close(report[1]);
    if (child < 0) {
        *failure = (struct cai_command_failure){.step = cai_command_fork, .error = problem};
        return -1;
    }
    int error = await_execution(command, child, report[0]);
    *failure = *shared;
    if (error != 0) *failure = (struct cai_command_failure){.step = cai_command_late, .error = error};
    if (failure->step == cai_command_started) return child;
    remove_child(child);
    return -1;
}

pid_t cai_start_command(const struct cai_command *command, struct cai_command_failure *failure) {
    int report[2] = {-1, -1};
    struct cai_command_failure *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        *failure = (struct cai_command_failure){.step = cai_command_fork, .error = errno};
        return -1;
    }
    pid_t child = -1;
    if (pipe2(report, O_CLOEXEC) != 0 && (errno != EMFILE || command->leads_session)) {
        *failure = (struct cai_command_failure){.step = cai_command_descriptors, .error = errno};
    } else {
        child = start_command(command, report, shared, failure);
    }
    if (report[0] >= 0) close(report[0]);
    munmap(shared, sizeof *shared);
    return child;
}
