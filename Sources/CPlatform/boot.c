#include "cplatform.h"

#include <nss.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mount.h>

static int environment_was_changed;
static const char *backtrace_setting;  // what it was before

// Exported by libswiftCore. A statically linked runtime otherwise finds its arguments by scanning the stack through
// /proc/self/maps, which yields none when /proc is absent or when setenv() has moved the environment.
extern void _swift_stdlib_overrideUnsafeArgvArgc(char **argv, int argc);

int cai_is_static(void) { return getauxval(AT_BASE) == 0; }

// Priority 101 runs before the runtime's own constructors. glibc hands argc, argv and envp to constructors.
__attribute__((constructor(101))) static void cai_boot_early(int argc, char **argv, char **envp) {
    (void)envp;
    _swift_stdlib_overrideUnsafeArgvArgc(argv, argc);
    if (cai_is_static()) {
        // A static program must never load the machine's libnss_*.so: built for another glibc, they crash it.
        __nss_configure_lookup("hosts", "files dns");
        static const char *const databases[] = {"passwd",   "group",     "shadow",  "initgroups",
                                                "services", "protocols", "networks"};
        for (unsigned i = 0; i < sizeof databases / sizeof *databases; i++)
            __nss_configure_lookup(databases[i], "files");
    }
    if (getpid() == 1 && access("/proc/self/stat", R_OK) != 0) {
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
