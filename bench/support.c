/*
 * What the benchmarks share: clocks, the message, results, and how a peer program is run.
 */
#include "support.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#endif

int64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t bench_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

uint64_t bench_cycles(void)
{
#if defined(__x86_64__) || defined(__i386__)
    return __rdtsc();
#else
    return (uint64_t)bench_now_ns();
#endif
}

long bench_peak_kib(void)
{
    // Not getrusage: what it says may be of the program that started this one.
    char line[256];
    long peak = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %ld", &peak) == 1)
            break;
    if (status)
        fclose(status);
    return peak;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

const uint8_t *bench_message(void)
{
    static uint8_t message[BENCH_MESSAGE_BYTES];
    if (message[1] == 0) {
        uint32_t state = 2463534242u;
        for (size_t i = 0; i < sizeof message; i++) {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            message[i] = (uint8_t)(state >> 11);
        }
        message[1] |= 1;
    }
    return message;
}

void bench_verify(const void *data, size_t size, size_t *at)
{
    const uint8_t *message = bench_message();
    const uint8_t *bytes = data;
    while (size > 0) {
        size_t piece = BENCH_MESSAGE_BYTES - *at < size ? BENCH_MESSAGE_BYTES - *at : size;
        if (memcmp(bytes, message + *at, piece) != 0)
            bench_fail("what arrived is not what was sent, near byte %zu of the message", *at);
        bytes += piece;
        size -= piece;
        *at = *at + piece == BENCH_MESSAGE_BYTES ? 0 : *at + piece;
    }
}

void bench_result(const char *name, double value, const char *unit, bool higher_is_better, const char *more)
{
    printf("{\"name\": \"%s\", \"value\": %.6g, \"unit\": \"%s\", \"higher_is_better\": %s%s}\n", name, value,
           unit, higher_is_better ? "true" : "false", more);
    fflush(stdout);
}

void bench_skip(const char *why, ...)
{
    va_list arguments;
    va_start(arguments, why);
    printf("SKIPPED: ");
    vprintf(why, arguments);
    printf("\n");
    va_end(arguments);
    exit(BENCH_SKIPPED);
}

void bench_fail(const char *what, ...)
{
    va_list arguments;
    va_start(arguments, what);
    fprintf(stderr, "FAILED: ");
    vfprintf(stderr, what, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    exit(1);
}

/** "key: text" without its newline. */
static bool take(const char *line, const char *key, char *text, size_t size)
{
    size_t length = strlen(key);
    if (strncmp(line, key, length) != 0)
        return false;
    snprintf(text, size, "%.*s", (int)strcspn(line + length, "\n"), line + length);
    return true;
}

struct bench_peer bench_run_peer(const char *program, const char *mode, double seconds)
{
    struct bench_peer peer = {0};
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 64);
    if (length <= 0)
        return peer;
    path[length] = 0;
    strcpy(strrchr(path, '/') + 1, program);
    if (access(path, X_OK) != 0)
        return peer;
    char command[4200];
    snprintf(command, sizeof command, "exec '%s' %s %g", path, mode, seconds);
    FILE *out = popen(command, "r");
    if (!out)
        bench_fail("cannot run %s", path);
    char line[512];
    char number[64] = "";
    while (fgets(line, sizeof line, out))
        if (!take(line, "value: ", number, sizeof number) &&
            !take(line, "name: ", peer.name, sizeof peer.name) &&
            !take(line, "options: ", peer.options, sizeof peer.options))
            fputs(line, stdout);
    int status = pclose(out);
    if (WIFEXITED(status) && WEXITSTATUS(status) == BENCH_SKIPPED)
        return peer;
    if (status != 0)
        bench_fail("%s %s ended with status %d", program, mode, status);
    peer.there = true;
    peer.value = strtod(number, NULL);
    return peer;
}

const char *bench_peer_json(const struct bench_peer *peer, double median)
{
    static char text[640];
    text[0] = 0;
    if (peer->there)
        snprintf(text, sizeof text, ", \"peer\": \"%s\", \"peer_value\": %.6g, \"peer_options\": \"%s\"",
                 peer->name, median, peer->options);
    return text;
}
