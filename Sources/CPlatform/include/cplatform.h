/// What Swift cannot import or must not do itself: Linux headers outside the Glibc module, variadic calls, macros, and
/// everything between fork and exec. Nothing here formats text, decides anything or allocates after fork.
#pragma once

// Swift's own Glibc module is made without _GNU_SOURCE, with which fd_set has a member of another name; when both
// modules are made afresh the compiler finds two definitions and stops. So this one header is read as Swift reads it.
#undef _GNU_SOURCE
#include <sys/select.h>
#undef _FEATURES_H
#define _GNU_SOURCE

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#pragma clang assume_nonnull begin

/// The commit this binary was built from, and the UTC date of the build; "unknown" when the build was not told.
const char *cai_build_commit(void);
const char *cai_build_date(void);

/// Whether this executable has no program interpreter, that is: is fully static.
int cai_is_static(void);

/// Removes what the start-up code had to put into the environment on a machine without /proc. Call it first in main.
void cai_boot_restore_environment(void);

/// renameat2(2) by system call, for C libraries older than the call; renameat(2) without flags where there is no such call.
/// Returns 0, or -1 with errno: ENOSYS also if a sandbox refuses the call itself with EPERM.
int cai_renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags);

/// Asks for access with the effective ids of this thread (faccessat(2)); from the mode bits where a sandbox refuses to tell.
/// `flags` may be AT_SYMLINK_NOFOLLOW. Returns 0, or -1 with errno.
int cai_is_accessible(int directory, const char *name, int mode, int flags);

/// Gives a file of this process's own user to a group, for which it takes that group as its effective one for a moment: CAP_SETGID
/// suffices, where chown(2) otherwise takes CAP_CHOWN. `flags` are those of fchownat(2). Returns 0, or -1 with errno.
int cai_change_group(int directory, const char *name, gid_t gid, int flags);

/// Claims an abstract Unix address made of a file's device and inode. No other process of the network namespace gets it as
/// long as the descriptor is open. Returns the descriptor, or -1 with errno: EADDRINUSE if it is claimed already.
int cai_claim_address(int descriptor);

/// Returns the system call that an event loop needs and that this machine refuses, with errno; NULL if it has them all.
const char *_Nullable cai_missing_for_event_loop(void);

/// openat2(2) with RESOLVE_IN_ROOT: symlinks on the way are resolved as if the directory were `/`. Returns a descriptor,
/// or -1 with errno (ENOSYS on kernels before 5.6, EPERM below old seccomp filters).
int cai_open_in_root(int root, const char *path, int flags);

/// openat2(2) of a relative path with no symlink and no ".." out of `root` on the way. Returns a descriptor, or -1 with
/// errno: ENOSYS or EPERM where the kernel or a filter does not have it, EAGAIN when somebody renamed meanwhile.
int cai_open_beneath(int root, const char *path, int flags);

/// The file system's magic number (statfs(2) f_type) below an open descriptor. Returns 0, or -1 with errno.
int cai_filesystem_magic(int descriptor, uint64_t *magic);

/// The change time in nanoseconds since the epoch; the field is a macro in the C library.
int64_t cai_mtime_ns(const struct stat *status);
int64_t cai_ctime_ns(const struct stat *status);
int64_t cai_atime_ns(const struct stat *status);

/// Sets access and modification time (nanoseconds since the epoch) of an open file. Returns 0, or -1 with errno.
int cai_set_times(int descriptor, int64_t atime_ns, int64_t mtime_ns);

/// The same for a name below a directory; a symlink itself is changed, never what it points at.
int cai_set_link_times(int directory, const char *name, int64_t atime_ns, int64_t mtime_ns);

/// Opens with a mode; open(2) is variadic. Returns a descriptor, or -1 with errno.
int cai_openat(int directory, const char *name, int flags, mode_t mode);

/// Another descriptor for the same open file, close-on-exec, 3 or above. Returns it, or -1 with errno.
int cai_duplicate(int descriptor);

/// Takes a shared lock on a range of an open file without waiting, which conflicts with other processes' POSIX locks and
/// belongs to the open file (fcntl(2), F_OFD_SETLK). Returns 0, or -1 with errno: EAGAIN or EACCES when somebody holds it.
int cai_lock_range(int descriptor, int64_t start, int64_t length);

/// Gives such a lock up. Returns 0, or -1 with errno.
int cai_unlock_range(int descriptor, int64_t start, int64_t length);

/// How many processors this thread may run on (sched_getaffinity(2)); 1 when the kernel does not tell.
int cai_processor_count(void);

/// Starts a thread on another processor than this one is on, where there is one; it may run on all that this thread may run on
/// as soon as it has begun. Virtual machines often let a new thread wait behind the one that made it, for some milliseconds and
/// beside an idle processor. Returns what pthread_create(3) does.
int cai_create_thread_elsewhere(
    pthread_t *_Nonnull thread, void *_Nullable (*_Nonnull body)(void *_Nullable), void *_Nullable context);

/// What to start and as whom. Every pointer stays owned by the caller.
struct cai_program {
    const char *path;                                   ///< executable, absolute
    char *_Nullable const *_Nonnull arguments;          ///< NULL-terminated
    char *_Nullable const *_Nonnull environment;        ///< NULL-terminated
    int working_directory;                              ///< open directory to start in, or -1
    int standard_output;                                ///< becomes descriptors 1 and 2 of the child
    uid_t uid;
    gid_t gid;
    int change_identity;                                ///< 0: keep the ids
};

/// Starts a program in a process group of its own with /dev/null as input, default signal handlers, an empty signal
/// mask and no other descriptor. Groups, gid and uid are set in that order. Returns the process id, or -1 with errno
/// (the child's own errno when it failed before exec; ETIMEDOUT for one that did not get there within 5 s, which was killed).
pid_t cai_spawn(const struct cai_program *what);

/// A descriptor that becomes readable when the process ends (pidfd_open(2), Linux 5.3), close-on-exec. Returns -1 with
/// errno, ENOSYS or EPERM where there is no such call.
int cai_pidfd_open(pid_t pid);

/// Gives up the effective user and group ids of this thread, in the order groups, gid, uid; groups even when empty.
/// With `permanent`, real and saved ids too. Other threads keep theirs; threads that this one starts have its own.
/// Returns 0, or -1 with errno.
int cai_become(uid_t uid, gid_t gid, int permanent);

/// Takes the effective ids of the saved root identity back for this thread. Returns 0, or -1 with errno.
int cai_become_root_again(void);

/// A nameless file in memory that can be sealed, close-on-exec (memfd_create(2)). Returns a descriptor, or -1 with errno.
int cai_make_sealable_file(const char *name);

/// Makes what such a file holds final. Returns 0, or -1 with errno.
int cai_seal_file(int descriptor);

/// Makes `directory` this thread's current directory and no other thread's (unshare(2), CLONE_FS). Returns 0, or -1 with
/// errno.
int cai_enter_alone(int directory);

/// Whether somebody has an open file open for writing, asked with a read lease that is given back at once (fcntl(2),
/// F_SETLEASE). Whoever opens it for writing in that moment waits for microseconds; the signal that the kernel then sends
/// is one that nobody heeds. Returns 1 or 0; -1 with errno where that cannot be told.
int cai_is_being_written(int descriptor);

/// Reports whether a file has another open description, or is executed, anywhere on this kernel: in other containers too.
/// Asks with a write lease that is given back at once (fcntl(2), F_SETLEASE); a process that opens the file in that moment
/// waits for microseconds. Returns 1 or 0; -1 with errno where the file system has no leases or the file belongs to another
/// user.
int cai_is_open_elsewhere(int descriptor);

/// Makes the kernel's collector of unreachable sockets (unix(7), descriptors in flight) the last holder of an open file: the
/// caller's close of the descriptor, or its end, then waits for nothing. Closing an inotify descriptor takes 4 to 15 ms
/// otherwise, because the kernel waits until no processor looks at its watches any more. Where this cannot be had, or the
/// collector works within the closing process (before Linux 6.10), the close takes as long as it does.
void cai_leave_to_collector(int descriptor);

/// Hashes a password for shadow(5) with a fresh salt: yescrypt, or sha512crypt where the library has none (crypt(5)).
/// Returns 0, or -1 with errno.
int cai_hash_password(const char *password, char *result, size_t size);

/// Whether a password is the one of a hash; compared in constant time. 0 also for what is no hash.
int cai_password_matches(const char *password, const char *expected);

/// Takes the exclusive lock of a whole file without waiting, which conflicts with other processes' POSIX locks, lckpwdf(3)
/// among them, and belongs to the open file (fcntl(2), F_OFD_SETLK), or to this process on kernels without such locks. Returns
/// 0, or -1 with errno.
int cai_lock_exclusively(int descriptor);

/// The exit code a shell would report for a wait status: the code, or 128 + the signal.
int cai_exit_code(int wait_status);

/// The number of the mount below an open descriptor (statx(2), Linux 5.8), and whether the descriptor is that mount's root
/// directory: 1, 0, or -1 when the kernel does not tell. Returns 0, or -1 with errno; ENOSYS on an older kernel.
int cai_mount_id(int descriptor, uint64_t *id, int *is_root);

/// Whether a mount begins at a name below a directory, which is not followed (statx(2), Linux 5.8): 1, 0, or -1 when the
/// kernel does not tell or the name cannot be looked at.
int cai_is_mount_point(int directory, const char *name);

/// The number of the mount below a path, which is not followed at its end, or 0, and the sum of: 1 if a mount begins there,
/// 2 for an immutable entry, 4 for one that can only be added to (statx(2)). Returns 0, or -1 with errno.
int cai_path_facts(const char *path, uint64_t *mount, unsigned *flags);

/// Gives the kernel back what nobody has allocated (malloc_trim(3)).
void cai_give_back_memory(void);

/// Has the heap grow by two megabytes more than is needed (mallopt(3)).
void cai_take_memory_in_large_pieces(void);

/// Has all threads allocate from one place (mallopt(3)).
void cai_share_memory(void);

#pragma clang assume_nonnull end
