// What the tests and measurements of `cai run` run below it, above it and beside it. It makes no promise to anybody else.
//
//   probe show               all that a program is started with, one fact a line
//   probe signals            blocks every signal, says "ready", tells each one it gets, and ends at the end of its input
//   probe pause              waits for a signal to end it
//   probe together N CODE    N orphans end in the same instant as it does with CODE
//   probe orphans N          makes N orphans, one hundred at a time, and waits until all of them have been reaped
//   probe storm PID          sends SIGUSR1 to a process until it is gone or standard input ends
//   probe hostile WHAT… -- COMMAND…
//       starts COMMAND in its place with SIGCHLD ignored (ignore=17), signals blocked (block=15), descriptors closed
//       (close=0), many open (open=10), all but one used up (descriptors=20), no process allowed any more (processes=0)
//   probe notify TEXT        sends TEXT to the socket in NOTIFY_SOCKET and waits for a signal to end it
//   probe listen PATH        listens on a Unix socket and waits for a signal to end it
//   probe refuse CALL=ERROR… -- COMMAND…
//       starts COMMAND in its place with these system calls refused, also CALL/ARGUMENT/MASK=ERROR; see refuse.c
//   probe latency N INIT…    starts INIT with a command that answers signals; the median time to an answer, in microseconds
//   probe stop N INIT…       the median time from SIGTERM to the end of INIT with a command that handles nothing
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "refuse.h"

extern char **environ;

static void block_everything(void) {
    uint64_t all = ~(uint64_t)0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof all);
}

static int show(int argc, char **argv) {
    uint64_t mask;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &mask, sizeof mask);
    printf("blocked %016llx\n", (unsigned long long)mask);
    printf("ignored");
    for (int number = 1; number <= 64; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN) printf(" %d", number);
    }
    printf("\n");
    for (int i = 0; i < argc; i++) printf("argument %s\n", argv[i]);
    for (char **variable = environ; *variable; variable++) printf("variable %s\n", *variable);
    char path[4096];
    printf("directory %s\n", getcwd(path, sizeof path) ? path : strerror(errno));
    for (int descriptor = 0; descriptor < 64; descriptor++)
        if (fcntl(descriptor, F_GETFD) >= 0) printf("descriptor %d\n", descriptor);
    gid_t groups[64];
    int count = getgroups(64, groups);
    printf("ids %u %u", getuid(), getgid());
    for (int i = 0; i < count; i++) printf(" %u", groups[i]);
    printf("\n");
    struct rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    printf("limit %llu\n", (unsigned long long)limit.rlim_cur);
    mode_t mode = umask(0);
    umask(mode);
    printf("umask %o\n", mode);
    printf("niceness %d\n", getpriority(PRIO_PROCESS, 0));
    char input[256];
    ssize_t got = read(0, input, sizeof input - 1);
    if (got >= 0) {
        input[got] = 0;
        printf("input %s\n", input);
    }
    printf("process %d\n", getpid());
    printf("leads %d\n", getpgrp() == getpid());
    for (int standard = 0; standard < 3; standard++)
        if (tcgetpgrp(standard) >= 0) {
            printf("foreground %d\n", tcgetpgrp(standard) == getpgrp());
            break;
        }
    return 0;
}

static int signals(void) {
    block_everything();
    uint64_t all = ~(uint64_t)0;
    int queue = (int)syscall(SYS_signalfd4, -1, &all, sizeof all, SFD_CLOEXEC | SFD_NONBLOCK);
    printf("ready %d\n", getpid());
    fflush(stdout);
    struct pollfd waits[2] = {{.fd = queue, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    for (;;) {
        poll(waits, 2, -1);
        struct signalfd_siginfo information;
        while (read(queue, &information, sizeof information) > 0) {
            printf("%u %d %d\n", information.ssi_signo, information.ssi_code, information.ssi_int);
            fflush(stdout);
        }
        if (waits[1].revents) {
            char byte;
            if (read(0, &byte, 1) <= 0) return 0;
        }
    }
}

// Makes grandchildren that are orphans when this returns, and wait for the end of a pipe. Returns its writing end.
static int make_orphans(int count, int code) {
    int gate[2];
    if (pipe(gate) != 0) exit(70);
    pid_t middle = fork();
    if (middle == 0) {
        for (int i = 0; i < count; i++) {
            pid_t orphan = fork();
            if (orphan < 0) _exit(71);
            if (orphan == 0) {
                close(gate[1]);
                char byte;
                while (read(gate[0], &byte, 1) < 0 && errno == EINTR) {}
                _exit(code);
            }
        }
        _exit(0);
    }
    int status;
    waitpid(middle, &status, 0);
    if (status != 0) exit(71);
    close(gate[0]);
    return gate[1];
}

static int together(int count, int code) {
    int gate = make_orphans(count, 99);
    close(gate);
    _exit(code);
}

// Orphans that end at once. The last holder of the pipe is an orphan, so that its end tells that all have ended.
static int orphans(int count) {
    for (int done = 0; done < count; done += 100) {
        int ends[2];
        if (pipe(ends) != 0) return 70;
        pid_t middle = fork();
        if (middle == 0) {
            for (int i = 0; i < 100 && done + i < count; i++)
                if (fork() == 0) _exit(0);
            _exit(0);
        }
        close(ends[1]);
        int status;
        waitpid(middle, &status, 0);
        char byte;
        while (read(ends[0], &byte, 1) < 0 && errno == EINTR) {}
        close(ends[0]);
    }
    return 0;
}

static int storm(pid_t target) {
    struct pollfd input = {.fd = 0, .events = POLLIN};
    printf("ready\n");
    fflush(stdout);
    while (kill(target, SIGUSR1) == 0)
        if (poll(&input, 1, 0) > 0) break;
    return 0;
}

static int value_of(const char *word, const char *name) {
    size_t length = strlen(name);
    return strncmp(word, name, length) == 0 && word[length] == '=' ? atoi(word + length + 1) : -1;
}

// Leaves one: a dynamic program does not start without.
static void use_up_descriptors(rlim_t limit) {
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){limit, limit});
    int last = -1, next;
    while ((next = open("/", O_RDONLY)) >= 0) last = next;
    close(last);
}

static int hostile(char **words) {
    sigset_t blocked;
    sigemptyset(&blocked);
    for (; *words && strcmp(*words, "--") != 0; words++) {
        int value;
        if ((value = value_of(*words, "ignore")) > 0) signal(value, SIG_IGN);
        if ((value = value_of(*words, "block")) > 0) sigaddset(&blocked, value);
        if ((value = value_of(*words, "close")) >= 0) close(value);
        if ((value = value_of(*words, "open")) > 0)
            while (value-- > 0 && open("/", O_RDONLY) >= 0) {}
        if ((value = value_of(*words, "descriptors")) >= 0)
            use_up_descriptors((rlim_t)value);
        if ((value = value_of(*words, "processes")) >= 0)
            setrlimit(RLIMIT_NPROC, &(struct rlimit){(rlim_t)value, (rlim_t)value});
    }
    if (!*words) return 64;
    sigprocmask(SIG_SETMASK, &blocked, NULL);
    execvp(words[1], words + 1);
    return 127;
}

static double microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int compare(const void *left, const void *right) {
    double difference = *(const double *)left - *(const double *)right;
    return difference < 0 ? -1 : difference > 0;
}

// Says one byte when it is ready and one for every SIGUSR1.
static int answer(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int signal = 0;; sigwait(&set, &signal))
        if (write(1, "x", 1) != 1) return 0;
}

// Starts INIT with this program as its command, and waits until that is ready. Returns the process and what it says.
static pid_t start(char **init, const char *role, int *says) {
    int count = 0, ends[2];
    while (init[count]) count++;
    char **words = calloc((size_t)count + 3, sizeof *words);
    memcpy(words, init, (size_t)count * sizeof *words);
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0 || pipe2(ends, O_CLOEXEC) != 0) exit(70);
    self[length] = 0;
    words[count] = self;
    words[count + 1] = (char *)role;
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 1);
        execvp(words[0], words);
        _exit(127);
    }
    close(ends[1]);
    free(words);
    char byte;
    if (read(ends[0], &byte, 1) != 1) exit(71);
    *says = ends[0];
    return child;
}

static int measure(int count, char **init, int measures_stop) {
    double *times = calloc((size_t)count, sizeof *times);
    int says = -1, status;
    char byte;
    pid_t child = measures_stop ? 0 : start(init, "answer", &says);
    for (int i = 0; i < count; i++) {
        if (measures_stop) child = start(init, "idle", &says);
        usleep(1000);
        double began = microseconds();
        kill(child, measures_stop ? SIGTERM : SIGUSR1);
        if (measures_stop) waitpid(child, &status, 0);
        else if (read(says, &byte, 1) != 1) return 71;
        times[i] = microseconds() - began;
        if (measures_stop) close(says);
    }
    if (!measures_stop) kill(child, SIGTERM);
    qsort(times, (size_t)count, sizeof *times, compare);
    printf("%.1f\n", times[count / 2]);
    free(times);
    return 0;
}

static socklen_t address_of(struct sockaddr_un *address, const char *path) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    size_t length = strnlen(path, sizeof address->sun_path - 1);
    memcpy(address->sun_path, path, length);
    if (path[0] == '@') address->sun_path[0] = 0;
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (path[0] != '@'));
}

static int notify(const char *text) {
    struct sockaddr_un address;
    const char *path = getenv("NOTIFY_SOCKET");
    if (!path) return 65;
    socklen_t length = address_of(&address, path);
    int sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (sendto(sender, text, strlen(text), 0, (struct sockaddr *)&address, length) < 0) return 66;
    for (;;) pause();
}

static int listen_on(const char *path) {
    struct sockaddr_un address;
    socklen_t length = address_of(&address, path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 1) != 0) return 66;
    for (;;) pause();
}

static int idle(void) {
    if (write(1, "x", 1) != 1) return 71;
    for (;;) pause();
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "show") == 0) return show(argc, argv);
    if (strcmp(what, "signals") == 0) return signals();
    if (strcmp(what, "pause") == 0)
        for (;;) pause();
    if (strcmp(what, "together") == 0 && argc == 4) return together(atoi(argv[2]), atoi(argv[3]));
    if (strcmp(what, "orphans") == 0 && argc == 3) return orphans(atoi(argv[2]));
    if (strcmp(what, "storm") == 0 && argc == 3) return storm(atoi(argv[2]));
    if (strcmp(what, "latency") == 0 && argc > 3) return measure(atoi(argv[2]), argv + 3, 0);
    if (strcmp(what, "stop") == 0 && argc > 3) return measure(atoi(argv[2]), argv + 3, 1);
    if (strcmp(what, "answer") == 0) return answer();
    if (strcmp(what, "idle") == 0) return idle();
    if (strcmp(what, "notify") == 0 && argc == 3) return notify(argv[2]);
    if (strcmp(what, "listen") == 0 && argc == 3) return listen_on(argv[2]);
    if (strcmp(what, "hostile") == 0) return hostile(argv + 2);
    if (strcmp(what, "refuse") == 0) return refuse(argv + 2);
    return 64;
}
