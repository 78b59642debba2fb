#include "cinit.h"

#include <errno.h>
#include <linux/openat2.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>

const char *cai_build_commit(void) { return CAI_COMMIT; }
const char *cai_build_date(void) { return CAI_BUILD_DATE; }

int cai_renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags) {
    int result = (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, flags);
    if (result == 0 || (errno != EPERM && errno != ENOSYS)) return result;
    // The older call, which sandboxes know that refuse the newer one.
    if (flags == 0) return renameat(from_directory, from, to_directory, to);
    // A sandbox answers EPERM to a descriptor that is none, the kernel EBADF.
    if (errno == EPERM) errno = syscall(SYS_renameat2, -1, "a", -1, "b", flags) != 0 && errno == EPERM ? ENOSYS : EPERM;
    return -1;
}

// access(2) as the C library works it out on kernels without faccessat2(2): the mode bits, and whether the file system can be
// written. Access lists are not known here.
static int is_allowed(int directory, const char *name, int mode, int flags) {
    struct stat status;
    struct statvfs system;
    if (fstatat(directory, name, &status, flags & AT_SYMLINK_NOFOLLOW) != 0) return -1;
    if ((mode & W_OK) && strcmp(name, ".") == 0 && fstatvfs(directory, &system) == 0 && (system.f_flag & ST_RDONLY)) {
        errno = EROFS;
        return -1;
    }
    unsigned wanted = (unsigned)mode & 7, granted;
    uid_t user = geteuid();
    gid_t groups[1024];
    int count = getgroups(sizeof groups / sizeof *groups, groups), is_member = status.st_gid == getegid();
    for (int i = 0; i < count; i++) is_member |= groups[i] == status.st_gid;
    if (user == 0)
        granted = S_ISDIR(status.st_mode) || (status.st_mode & 0111) ? 7 : 6;
    else
        granted = (status.st_mode >> (user == status.st_uid ? 6 : is_member ? 3 : 0)) & 7;
    if ((wanted & ~granted) == 0) return 0;
    errno = EACCES;
    return -1;
}

int cai_is_accessible(int directory, const char *name, int mode, int flags) {
    if (faccessat(directory, name, mode, flags | AT_EACCESS) == 0) return 0;
#ifdef SYS_faccessat2
    int error = errno;
    // A sandbox that does not know the call answers EPERM, and says nothing about the file.
    if (error == EPERM && syscall(SYS_faccessat2, -1, "a", mode, AT_EACCESS) != 0 && errno == EPERM)
        return is_allowed(directory, name, mode, flags);
    errno = error;
#endif
    return -1;
}

int cai_change_group(int directory, const char *name, gid_t gid, int flags) {
    gid_t real, effective, saved;
    if (getresgid(&real, &effective, &saved) != 0) return -1;
    // By system call, because the C library's function changes every thread of the process (nptl(7)).
    if (syscall(SYS_setresgid, (gid_t)-1, gid, (gid_t)-1) != 0) return -1;
    int result = fchownat(directory, name, (uid_t)-1, gid, flags), error = errno;
    syscall(SYS_setresgid, (gid_t)-1, effective, (gid_t)-1);
    errno = error;
    return result;
}

int cai_claim_address(int descriptor) {
    struct stat status;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    static const char prefix[] = "cai-lock-";
    if (fstat(descriptor, &status) != 0) return -1;
    // A first byte of zero: an abstract address, which vanishes with its socket (unix(7)).
    char *end = address.sun_path + 1;
    memcpy(end, prefix, sizeof prefix - 1);
    end += sizeof prefix - 1;
    memcpy(end, &status.st_dev, sizeof status.st_dev);
    end += sizeof status.st_dev;
    memcpy(end, &status.st_ino, sizeof status.st_ino);
    end += sizeof status.st_ino;
    int claim = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (claim < 0) return -1;
    if (bind(claim, (const struct sockaddr *)&address, (socklen_t)(end - (char *)&address)) == 0) return claim;
    int error = errno;
    close(claim);
    errno = error;
    return -1;
}

const char *cai_missing_for_event_loop(void) {
    int descriptor = epoll_create1(EPOLL_CLOEXEC);
    if (descriptor < 0) return "epoll_create1";
    close(descriptor);
    descriptor = eventfd(0, EFD_CLOEXEC);
    if (descriptor < 0) return "eventfd2";
    close(descriptor);
    descriptor = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (descriptor < 0) return "timerfd_create";
    close(descriptor);
    return NULL;
}

int cai_open_in_root(int root, const char *path, int flags) {
    struct open_how how = {.flags = (uint64_t)(unsigned)flags, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

int cai_open_beneath(int root, const char *path, int flags) {
    struct open_how how = {.flags = (uint64_t)(unsigned)flags, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

int cai_filesystem_magic(int descriptor, uint64_t *magic) {
    struct statfs status;
    if (fstatfs(descriptor, &status) != 0) return -1;
    *magic = (uint64_t)(unsigned long)status.f_type;
    return 0;
}

static int64_t nanoseconds(struct timespec time) { return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec; }

int64_t cai_mtime_ns(const struct stat *status) { return nanoseconds(status->st_mtim); }
int64_t cai_ctime_ns(const struct stat *status) { return nanoseconds(status->st_ctim); }
int64_t cai_atime_ns(const struct stat *status) { return nanoseconds(status->st_atim); }

static struct timespec timespec_of(int64_t ns) {
    int64_t seconds = ns / 1000000000, rest = ns % 1000000000;
    if (rest < 0) {
        seconds -= 1;
        rest += 1000000000;
    }
    return (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)rest};
}

int cai_set_times(int descriptor, int64_t atime_ns, int64_t mtime_ns) {
    struct timespec times[2] = {timespec_of(atime_ns), timespec_of(mtime_ns)};
    return futimens(descriptor, times);
}

int cai_set_link_times(int directory, const char *name, int64_t atime_ns, int64_t mtime_ns) {
    struct timespec times[2] = {timespec_of(atime_ns), timespec_of(mtime_ns)};
    return utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW);
}

int cai_processor_count(void) {
    cpu_set_t processors;
    return sched_getaffinity(0, sizeof processors, &processors) == 0 ? CPU_COUNT(&processors) : 1;
}

/// What a thread that was started elsewhere does first, and then.
struct beginning {
    cpu_set_t processors;
    void *(*body)(void *);
    void *context;
};

static void *begin(void *argument) {
    struct beginning beginning = *(struct beginning *)argument;
    free(argument);
    pthread_setaffinity_np(pthread_self(), sizeof beginning.processors, &beginning.processors);
    return beginning.body(beginning.context);
}

int cai_create_thread_elsewhere(pthread_t *thread, void *(*body)(void *), void *context) {
    cpu_set_t others;
    struct beginning *beginning = malloc(sizeof *beginning);
    int here = sched_getcpu();
    if (beginning && here >= 0 && here < CPU_SETSIZE &&
        sched_getaffinity(0, sizeof beginning->processors, &beginning->processors) == 0) {
        beginning->body = body;
        beginning->context = context;
        others = beginning->processors;
        CPU_CLR(here, &others);
        pthread_attr_t attributes;
        if (CPU_COUNT(&others) > 0 && pthread_attr_init(&attributes) == 0) {
            int result = pthread_attr_setaffinity_np(&attributes, sizeof others, &others);
            if (result == 0) result = pthread_create(thread, &attributes, begin, beginning);
            pthread_attr_destroy(&attributes);
            if (result == 0) return 0;
        }
    }
    free(beginning);
    return pthread_create(thread, NULL, body, context);
}

void cai_give_back_memory(void) { malloc_trim(0); }

void cai_share_memory(void) { mallopt(M_ARENA_MAX, 1); }

void cai_take_memory_in_large_pieces(void) { mallopt(M_TOP_PAD, 2 << 20); }

int cai_duplicate(int descriptor) { return fcntl(descriptor, F_DUPFD_CLOEXEC, 3); }

static int set_range(int descriptor, short type, int64_t start, int64_t length) {
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return fcntl(descriptor, F_OFD_SETLK, &range);
}

int cai_lock_range(int descriptor, int64_t start, int64_t length) {
    return set_range(descriptor, F_RDLCK, start, length);
}

int cai_unlock_range(int descriptor, int64_t start, int64_t length) {
    return set_range(descriptor, F_UNLCK, start, length);
}

int cai_openat(int directory, const char *name, int flags, mode_t mode) { return openat(directory, name, flags, mode); }

// By system call, because the C library's functions change every thread of the process (nptl(7)).
int cai_become(uid_t uid, gid_t gid, int permanent) {
    // To the kernel -1 means "leave it", which is root.
    if (uid == (uid_t)-1 || gid == (gid_t)-1) {
        errno = EINVAL;
        return -1;
    }
    if (syscall(SYS_setgroups, (size_t)1, &gid) != 0) return -1;
    if (syscall(SYS_setresgid, permanent ? gid : (gid_t)-1, gid, permanent ? gid : (gid_t)-1) != 0) return -1;
    return (int)syscall(SYS_setresuid, permanent ? uid : (uid_t)-1, uid, permanent ? uid : (uid_t)-1);
}

int cai_become_root_again(void) {
    if (syscall(SYS_setresuid, (uid_t)-1, (uid_t)0, (uid_t)-1) != 0) return -1;
    gid_t root = 0;
    if (syscall(SYS_setresgid, (gid_t)-1, root, (gid_t)-1) != 0) return -1;
    return (int)syscall(SYS_setgroups, (size_t)1, &root);
}

int cai_enter_alone(int directory) {
    if (unshare(CLONE_FS) != 0) return -1;
    return fchdir(directory);
}

int cai_is_being_written(int descriptor) {
    // SIGIO, the default, would end the process.
    if (fcntl(descriptor, F_SETSIG, SIGURG) != 0) return -1;
    if (fcntl(descriptor, F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN ? 1 : -1;
    fcntl(descriptor, F_SETLEASE, F_UNLCK);
    return 0;
}

int cai_is_open_elsewhere(int descriptor) {
    // SIGIO, the default, would end the process.
    if (fcntl(descriptor, F_SETSIG, SIGURG) != 0) return -1;
    if (fcntl(descriptor, F_SETLEASE, F_WRLCK) != 0) return errno == EAGAIN ? 1 : -1;
    fcntl(descriptor, F_SETLEASE, F_UNLCK);
    return 0;
}

int cai_exit_code(int wait_status) {
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

// Runs in the child: reports errno through the pipe and ends it.
_Noreturn static void give_up(int report) {
    int error = errno;
    ssize_t written = write(report, &error, sizeof error);
    (void)written;
    _exit(127);
}

// Closes every descriptor from `first` to `last`, on kernels without close_range(2) one by one.
static void close_between(unsigned first, unsigned last) {
    if (first > last || syscall(SYS_close_range, first, last, 0u) == 0) return;
    long limit = sysconf(_SC_OPEN_MAX);
    unsigned end = limit > 0 && limit < 65536 ? (unsigned)limit : 65536;
    for (unsigned descriptor = first; descriptor <= last && descriptor < end; descriptor++) close((int)descriptor);
}

void cai_close_from(unsigned first) { close_between(first, ~0u); }

void cai_close_between(unsigned first, unsigned last) { close_between(first, last); }

// /dev/null, or an empty pipe where there is no /dev: both read as end of file.
static int empty_input(void) {
    int input = open("/dev/null", O_RDONLY);
    if (input >= 0) return input;
    int ends[2];
    if (pipe(ends) != 0) return -1;
    close(ends[1]);
    return ends[0];
}

_Noreturn static void become_program(const struct cai_program *what, int report) {
    int kept = fcntl(report, F_DUPFD_CLOEXEC, 3);
    if (kept < 0) give_up(report);
    int output = fcntl(what->standard_output, F_DUPFD, 3);
    if (output < 0) give_up(kept);
    setpgid(0, 0);
    for (int number = 1; number <= 64; number++) signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (what->working_directory >= 0 && fchdir(what->working_directory) != 0) give_up(kept);
    int input = empty_input();
    if (input < 0 || dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0) give_up(kept);
    close_between(3, (unsigned)kept - 1);
    close_between((unsigned)kept + 1, ~0u);
    if (what->change_identity && cai_become(what->uid, what->gid, 1) != 0) give_up(kept);
    execve(what->path, (char *const *)what->arguments, (char *const *)what->environment);
    give_up(kept);
}

// The most time for a child from fork to exec.
static const int64_t spawn_nanoseconds = 5000000000;

// Waits for the report of a child: an errno, or the end when the program was executed. The child may be of the agent's user
// already, who can stop it; so the time is bounded. Returns the errno, or 0.
static int report_of_child(int report) {
    int from_child = 0;
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    while (1) {
        struct pollfd state = {.fd = report, .events = POLLIN};
        if (poll(&state, 1, 100) == 1) {
            ssize_t got = read(report, &from_child, sizeof from_child);
            if (got == sizeof from_child) return from_child;
            if (got >= 0 || errno != EINTR) return 0;
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (nanoseconds(now) - nanoseconds(start) > spawn_nanoseconds) return ETIMEDOUT;
    }
}

pid_t cai_spawn(const struct cai_program *what) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) return -1;
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t child = fork();
    if (child == 0) become_program(what, report[1]);
    int error = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (child > 0) {
        int from_child = report_of_child(report[0]);
        if (from_child != 0) {
            int status;
            // Without it a stopped child never ends.
            kill(child, SIGKILL);
            while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
            error = from_child;
            child = -1;
        }
    }
    close(report[0]);
    errno = error;
    return child;
}

int cai_pidfd_open(pid_t pid) {
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, pid, 0u);
#else
    (void)pid;
    errno = ENOSYS;
    return -1;
#endif
}

int cai_make_sealable_file(const char *name) { return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING); }

int cai_seal_file(int descriptor) {
    return fcntl(descriptor, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
}

int cai_mount_id(int descriptor, uint64_t *id, int *is_root) {
#ifdef STATX_MNT_ID
    struct statx status;
    // AT_STATX_DONT_SYNC: a network file system answers from memory; nothing waits for its server.
    if (statx(descriptor, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &status) != 0) return -1;
    if (status.stx_mask & STATX_MNT_ID) {
        *id = status.stx_mnt_id;
#ifdef STATX_ATTR_MOUNT_ROOT
        if (status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT)
            *is_root = (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
        else
#endif
            *is_root = -1;
        return 0;
    }
#endif
    errno = ENOSYS;
    return -1;
}

int cai_is_mount_point(int directory, const char *name) {
#ifdef STATX_ATTR_MOUNT_ROOT
    struct statx status;
    int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
    if (statx(directory, name, flags, STATX_TYPE, &status) != 0) return -1;
    if (status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
#else
    (void)directory;
    (void)name;
#endif
    return -1;
}

int cai_path_facts(const char *path, uint64_t *mount, unsigned *flags) {
    struct statx status;
    *mount = 0;
    *flags = 0;
    unsigned mask = STATX_TYPE;
#ifdef STATX_MNT_ID
    mask |= STATX_MNT_ID;
#endif
    int how = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
    if (statx(AT_FDCWD, path, how, mask, &status) != 0) return -1;
#ifdef STATX_MNT_ID
    if (status.stx_mask & STATX_MNT_ID) *mount = status.stx_mnt_id;
#endif
#ifdef STATX_ATTR_MOUNT_ROOT
    if (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) *flags |= 1;
#endif
    if (status.stx_attributes & STATX_ATTR_IMMUTABLE) *flags |= 2;
    if (status.stx_attributes & STATX_ATTR_APPEND) *flags |= 4;
    return 0;
}

void cai_leave_to_collector(int descriptor) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) != 0) return;
    // A socket that only its own queue still holds is what the collector looks for.
    int passed[2] = {descriptor, pair[1]};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof passed)];
    } control = {0};
    char nothing = 0;
    struct iovec data = {.iov_base = &nothing, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof passed);
    memcpy(CMSG_DATA(header), passed, sizeof passed);
    (void)!sendmsg(pair[0], &message, MSG_DONTWAIT);
    close(pair[0]);
    close(pair[1]);
}

int cai_lock_exclusively(int descriptor) {
    if (set_range(descriptor, F_WRLCK, 0, 0) == 0) return 0;
    if (errno != EINVAL) return -1;
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(descriptor, F_SETLK, &range);
}
