#include "cinit.h"

#include <errno.h>
#include <nss.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mount.h>

static char **argument_vector;
static pid_t first_parent;
static int environment_was_changed;
static const char *backtrace_setting;  // what it was before

// Exported by libswiftCore. A statically linked runtime otherwise finds its arguments by scanning the stack through
// /proc/self/maps, which yields none when /proc is absent or when setenv() has moved the environment.
extern void _swift_stdlib_overrideUnsafeArgvArgc(char **argv, int argc);

int cai_is_static(void) { return getauxval(AT_BASE) == 0; }

char *const *cai_argument_vector(void) { return argument_vector; }

pid_t cai_first_parent(void) { return first_parent; }

// Priority 101 runs before the runtime's own constructors. glibc hands argc, argv and envp to constructors.
__attribute__((constructor(101))) static void cai_boot_early(int argc, char **argv, char **envp) {
    (void)envp;
    argument_vector = argv;
    // An init that waits for its first line of Swift has lost what was sent before. It mounts nothing: its command starts on
    // the machine as it was found, and one thread without dispatch has no use for /proc.
    int is_init = argc > 1 && (strcmp(argv[1], "run") == 0 || strcmp(argv[1], "entrypoint") == 0);
    if (is_init) cai_hold_signals();
    first_parent = getppid();
    _swift_stdlib_overrideUnsafeArgvArgc(argv, argc);
    if (cai_is_static()) {
        // A static program must never load the machine's libnss_*.so: built for another glibc, they crash it.
        __nss_configure_lookup("hosts", "files dns");
        static const char *const databases[] = {"passwd",   "group",     "shadow",  "initgroups",
                                                "services", "protocols", "networks"};
        for (unsigned i = 0; i < sizeof databases / sizeof *databases; i++)
            __nss_configure_lookup(databases[i], "files");
    }
    if (!is_init && getpid() == 1 && access("/proc/self/stat", R_OK) != 0) {
        mkdir("/proc", 0555);
        mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, 0);
    }
    // The runtime aborts when it cannot read /proc/self/exe, unless it is told where a backtracer would be.
    backtrace_setting = getenv("SWIFT_BACKTRACE");
    if (access("/proc/self/exe", F_OK) != 0 && !(backtrace_setting && strstr(backtrace_setting, "swift-backtrace="))) {
        setenv("SWIFT_BACKTRACE", "enable=no,swift-backtrace=/-", 1);
        environment_was_changed = 1;
    }
}

void cai_boot_restore_environment(void) {
    if (!environment_was_changed) return;
    if (backtrace_setting)
        setenv("SWIFT_BACKTRACE", backtrace_setting, 1);
    else
        unsetenv("SWIFT_BACKTRACE");
}

// Linked with --wrap: with --eh-frame-hdr the unwinder finds its tables by binary search and needs no registration.
void __wrap___register_frame_info(const void *begin, void *object);
void *__wrap___deregister_frame_info(const void *begin);
void __wrap___register_frame_info(const void *begin, void *object) {
    (void)begin;
    (void)object;
}
void *__wrap___deregister_frame_info(const void *begin) {
    (void)begin;
    return (void *)0;
}

#ifdef CAI_WRAPS_CLONE3
// Linked with --wrap: the C library starts threads with clone3(2), and with clone(2) only if the kernel answers ENOSYS. Older
// sandboxes answer EPERM to calls that they do not know (Docker before 20.10.10), which would leave no thread at all.
int __real___clone3(void *arguments, size_t size, int (*function)(void *), void *context);
int __wrap___clone3(void *arguments, size_t size, int (*function)(void *), void *context);
int __wrap___clone3(void *arguments, size_t size, int (*function)(void *), void *context) {
    int result = __real___clone3(arguments, size, function, context);
    if (result == -1 && errno == EPERM) errno = ENOSYS;
    return result;
}
#endif
