#include "cplatform.h"

#include <crypt.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Calls crypt_r(3) in memory that is overwritten afterwards.
static int hash(const char *password, const char *setting, char *result, size_t size) {
    struct crypt_data *data = calloc(1, sizeof *data);
    if (!data) return -1;
    const char *text = crypt_r(password, setting, data);
    int status = -1;
    if (!text || text[0] == '*') {
        errno = EINVAL;
    } else if (strlen(text) >= size) {
        errno = ERANGE;
    } else {
        strcpy(result, text);
        status = 0;
    }
    explicit_bzero(data, sizeof *data);
    free(data);
    return status;
}

int cai_hash_password(const char *password, char *result, size_t size) {
    static const char *const methods[] = {"$y$", "$6$"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        char setting[CRYPT_GENSALT_OUTPUT_SIZE];
        if (crypt_gensalt_rn(methods[i], 0, NULL, 0, setting, sizeof setting) && hash(password, setting, result, size) == 0)
            return 0;
    }
    return -1;
}

int cai_password_matches(const char *password, const char *expected) {
    char result[CRYPT_OUTPUT_SIZE];
    if (hash(password, expected, result, sizeof result) != 0) return 0;
    size_t length = strlen(expected);
    if (strlen(result) != length) return 0;
    unsigned char difference = 0;
    for (size_t i = 0; i < length; i++) difference |= (unsigned char)(result[i] ^ expected[i]);
    return difference == 0;
}
