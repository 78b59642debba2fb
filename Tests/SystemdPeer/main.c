// What the tests hold the service-manager protocol against: libsystemd itself, in a process of its own.
//
//   systemd-peer notify TEXT [FILE…]   sd_pid_notify_with_fds with these files open
//   systemd-peer watchdog              the interval of sd_watchdog_enabled in microseconds, 0 for none
//   systemd-peer listen                the names of sd_listen_fds_with_names, one a line, or "error"
//   systemd-peer read DIR MATCH        waits for the first entry of a journal that matches, and prints its fields: name,
//                                      length of the value, value
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>

static int notify(int argc, char **argv) {
    int files[16];
    unsigned count = 0;
    for (int i = 3; i < argc && count < 16; i++) files[count++] = open(argv[i], O_RDONLY | O_CLOEXEC);
    return sd_pid_notify_with_fds(0, 0, argv[2], files, count) > 0 ? 0 : 1;
}

static int watchdog(void) {
    uint64_t interval = 0;
    int result = sd_watchdog_enabled(0, &interval);
    printf("%llu\n", result > 0 ? (unsigned long long)interval : 0);
    return result < 0;
}

static int listen_names(void) {
    char **names = NULL;
    int count = sd_listen_fds_with_names(0, &names);
    if (count < 0) printf("error\n");
    for (int i = 0; i < count; i++) printf("%s\n", names[i]);
    return 0;
}

static int read_journal(char **argv) {
    sd_journal *journal;
    if (sd_journal_open_directory(&journal, argv[2], 0) < 0) return 1;
    sd_journal_set_data_threshold(journal, 0);
    if (sd_journal_add_match(journal, argv[3], 0) < 0) return 1;
    while (sd_journal_next(journal) == 0)
        if (sd_journal_wait(journal, UINT64_MAX) < 0) return 1;
    const void *data;
    size_t size;
    SD_JOURNAL_FOREACH_DATA(journal, data, size) {
        const char *equals = memchr(data, '=', size);
        if (!equals) continue;
        int name = (int)(equals - (const char *)data);
        printf("%.*s %zu ", name, (const char *)data, size - name - 1);
        fwrite(equals + 1, 1, size - name - 1, stdout);
        printf("\n");
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc >= 3 && strcmp(argv[1], "notify") == 0) return notify(argc, argv);
    if (argc == 2 && strcmp(argv[1], "watchdog") == 0) return watchdog();
    if (argc == 2 && strcmp(argv[1], "listen") == 0) return listen_names();
    if (argc == 4 && strcmp(argv[1], "read") == 0) return read_journal(argv);
    return 64;
}
