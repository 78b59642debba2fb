// A sandbox: starts a program under a seccomp filter that lets single system calls fail, as the profiles of container
// runtimes and some file systems do.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "refuse.h"

#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif

static const struct {
    const char *name;
    unsigned number;
} calls[] = {
    {"clone3", SYS_clone3},
    {"close_range", SYS_close_range},
    {"copy_file_range", SYS_copy_file_range},
    {"epoll_create1", SYS_epoll_create1},
    {"eventfd2", SYS_eventfd2},
    {"faccessat2", SYS_faccessat2},
    {"fchmod", SYS_fchmod},
    {"fchmodat", SYS_fchmodat},
    {"fchown", SYS_fchown},
    {"fchownat", SYS_fchownat},
    {"fgetxattr", SYS_fgetxattr},
    {"flistxattr", SYS_flistxattr},
    {"flock", SYS_flock},
    {"fsetxattr", SYS_fsetxattr},
    {"fsync", SYS_fsync},
    {"inotify_add_watch", SYS_inotify_add_watch},
    {"inotify_init1", SYS_inotify_init1},
    {"linkat", SYS_linkat},
    {"memfd_create", SYS_memfd_create},
    {"openat", SYS_openat},
    {"openat2", SYS_openat2},
    {"pidfd_open", SYS_pidfd_open},
    {"pidfd_send_signal", SYS_pidfd_send_signal},
    {"renameat2", SYS_renameat2},
    {"statx", SYS_statx},
    {"symlinkat", SYS_symlinkat},
    {"syncfs", SYS_syncfs},
    {"timerfd_create", SYS_timerfd_create},
    {"utimensat", SYS_utimensat},
};

static const struct {
    const char *name;
    int number;
} errors[] = {
    {"EACCES", EACCES}, {"EINVAL", EINVAL},         {"ENOLCK", ENOLCK}, {"ENOSPC", ENOSPC},
    {"ENOSYS", ENOSYS}, {"EOPNOTSUPP", EOPNOTSUPP}, {"EPERM", EPERM},   {"EMFILE", EMFILE},
};

static int error_number(const char *name) {
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strcmp(errors[i].name, name) == 0) return errors[i].number;
    return -1;
}

static long call_number(const char *name, size_t length) {
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (strlen(calls[i].name) == length && memcmp(calls[i].name, name, length) == 0) return calls[i].number;
    return -1;
}

/// The instructions so far.
struct program {
    struct sock_filter lines[256];
    unsigned short count;
};

static void add(struct program *program, uint16_t code, uint8_t if_true, uint8_t if_false, uint32_t value) {
    program->lines[program->count++] = (struct sock_filter){code, if_true, if_false, value};
}

// Adds one rule, "CALL=ERROR" or "CALL/ARGUMENT/MASK=ERROR". Returns 0, or -1 for words that are no rule.
static int add_rule(struct program *program, const char *rule) {
    const char *equals = strchr(rule, '='), *slash = strchr(rule, '/');
    if (!equals) return -1;
    long number = call_number(rule, (size_t)((slash && slash < equals ? slash : equals) - rule));
    int error = error_number(equals + 1);
    if (number < 0 || error < 0 || program->count > 240) return -1;
    uint32_t answer = SECCOMP_RET_ERRNO | (uint32_t)error;
    add(program, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
    if (slash && slash < equals) {
        char *end;
        unsigned long argument = strtoul(slash + 1, &end, 10);
        if (*end != '/') return -1;
        uint32_t mask = (uint32_t)strtoul(end + 1, NULL, 0);
        add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 3, (uint32_t)number);
        // The lower half of the argument: these processors are little-endian.
        add(program, BPF_LD | BPF_W | BPF_ABS, 0, 0,
            (uint32_t)(offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t)));
        add(program, BPF_JMP | BPF_JSET | BPF_K, 0, 1, mask);
    } else {
        add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (uint32_t)number);
    }
    add(program, BPF_RET | BPF_K, 0, 0, answer);
    return 0;
}

int refuse(char **words) {
    struct program program = {.count = 0};
#if defined(__x86_64__)
    uint32_t architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
    uint32_t architecture = AUDIT_ARCH_AARCH64;
#else
#error "The numbers of system calls are those of one architecture."
#endif
    add(&program, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
    add(&program, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, architecture);
    add(&program, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
    for (; *words && strcmp(*words, "--") != 0; words++) {
        if (add_rule(&program, *words) == 0) continue;
        fprintf(stderr, "probe refuse: %s is no rule\n", *words);
        return 64;
    }
    add(&program, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
    if (!*words || !words[1]) return 64;
    struct sock_fprog filter = {.len = program.count, .filter = program.lines};
    // Root needs no promise that nothing gains privileges, and its programs may then change their user.
    if (geteuid() != 0) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
        perror("probe refuse: seccomp");
        return 69;
    }
    execvp(words[1], words + 1);
    perror(words[1]);
    return 127;
}
