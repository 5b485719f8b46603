/**
 * Sysctls of Linux and FreeBSD to Strata's settings. Most of Linux's have the same name here; the table below tells of
 * those that have several values, another unit or another name.
 */
#include "posix/sysctl.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/** One value of a sysctl. */
struct alias {
    const char *name;    /**< Elsewhere. */
    const char *setting; /**< Here; "" : known, and of no consequence here. */
    int64_t multiply, divide, add;
};

static const struct alias aliases[] = {
    // FreeBSD
    {"net.inet.tcp.recvspace", "net.ipv4.tcp_rmem.default", 1, 1, 0},
    {"net.inet.tcp.sendspace", "net.ipv4.tcp_wmem.default", 1, 1, 0},
    {"net.inet.tcp.delacktime", "strata.tcp_delayed_ack_ms", 1, 1, 0},
    {"net.inet.tcp.msl", "strata.tcp_msl_ms", 1, 1, 0},
    {"net.inet.tcp.keepidle", "net.ipv4.tcp_keepalive_time", 1, 1000, 0},
    {"net.inet.tcp.keepintvl", "net.ipv4.tcp_keepalive_intvl", 1, 1000, 0},
    {"net.inet.tcp.keepcnt", "net.ipv4.tcp_keepalive_probes", 1, 1, 0},
    {"net.inet.tcp.rexmit_initial", "strata.tcp_rto_initial_ms", 1, 1, 0},
    {"net.inet.tcp.rexmit_min", "strata.tcp_rto_min_ms", 1, 1, 0},
    {"net.inet.tcp.rexmit_slop", "strata.tcp_rto_slop_ms", 1, 1, 0},
    {"net.inet.tcp.insecure_rst", "strata.tcp_insecure_rst", 1, 1, 0},
    {"net.inet.tcp.insecure_syn", "strata.tcp_insecure_syn", 1, 1, 0},
    {"net.inet.tcp.icmp_may_rst", "strata.tcp_icmp_ends_opening", -1, 1, 3},
    {"net.inet.tcp.sack.enable", "net.ipv4.tcp_sack", 1, 1, 0},
    {"net.inet.tcp.ecn.enable", "net.ipv4.tcp_ecn", 1, 1, 0},
    {"net.inet.tcp.rfc1323", "net.ipv4.tcp_timestamps", 1, 1, 0},
    {"net.inet.tcp.rfc1323", "net.ipv4.tcp_window_scaling", 1, 1, 0},
    {"net.inet.tcp.tolerate_missing_ts", "strata.tcp_missing_timestamps", 1, 1, 0},
    {"kern.ipc.maxsockbuf", "net.ipv4.tcp_rmem.max", 1, 1, 0},
    {"kern.ipc.maxsockbuf", "net.ipv4.tcp_wmem.max", 1, 1, 0},
    {"net.inet.tcp.hostcache.purgenow", "strata.tcp_fast_open_epoch", 1, 1, 0},
    // Linux of some makers: changed to make the host forget its cookies
    {"net.ipv4.tcp_fastopen_cookies", "strata.tcp_fast_open_epoch", 1, 1, 0},
};

/** More than any buffer can have is as much as there can be. */
#define BUFFER_MOST ((int64_t)1 << 30)

static int set_number(struct strata_host *host, const char *name, int64_t value)
{
    int error = strata_set(host, name, value);
    return error == -ERANGE && value > BUFFER_MOST ? strata_set(host, name, BUFFER_MOST) : error;
}

/** The next number of a text. @return whether there was one. */
static bool next_number(const char **text, int64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoll(*text, &end, 0);
    if (end == *text || errno)
        return false;
    while (isspace((unsigned char)*end))
        end++;
    *text = end;
    return true;
}

/** A sysctl of two or three values is as many settings. */
static int set_several(struct strata_host *host, const char *name, const int64_t *values, unsigned count)
{
    static const char *const three[] = {"min", "default", "max"}, *const two[] = {"first", "last"};
    char setting[96];
    int found = -ENOENT;
    for (unsigned i = 0; i < count; i++) {
        snprintf(setting, sizeof setting, "%s.%s", name, count == 3 ? three[i] : two[i]);
        int error = set_number(host, setting, values[i]);
        if (error == 0)
            found = found == -ENOENT ? 0 : found;
        else if (error != -ENOENT)
            found = error;
    }
    return found;
}

static int set_congestion(struct strata_host *host, const char *value)
{
    for (unsigned i = 0; strata_congestion_name(i); i++)
        if (strcmp(strata_congestion_name(i), value) == 0)
            return set_number(host, "strata.tcp_congestion", i);
    return -EINVAL;
}

/** A key of 128 bits, four words in hexadecimal with dashes, is as many settings. A second key behind a comma, which
 * Linux accepts beside the first, is not used. */
static int set_key(struct strata_host *host, const char *name, const char *value)
{
    unsigned words[4];
    char setting[96];
    if (sscanf(value, "%8x-%8x-%8x-%8x", &words[0], &words[1], &words[2], &words[3]) != 4)
        return -EINVAL;
    for (unsigned i = 0; i < 4; i++) {
        snprintf(setting, sizeof setting, "%s.%u", name, i);
        int error = set_number(host, setting, words[i]);
        if (error)
            return error;
    }
    return 0;
}

static int set_rule(struct posix_rules *rules, const char *name, const char *value)
{
    bool *rule = strcmp(name, "double_buffers") == 0    ? &rules->double_buffers
                 : strcmp(name, "implied_connect") == 0 ? &rules->implied_connect
                 : strcmp(name, "link_full") == 0       ? &rules->link_full
                                                        : NULL;
    if (!rule)
        return -ENOENT;
    if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
        return -EINVAL;
    *rule = *value == '1';
    return 0;
}

int sysctl_set(const struct sysctl_target *target, const char *name, const char *value)
{
    struct strata_host *host = target->host;
    if (strncmp(name, "posix.", 6) == 0)
        return set_rule(target->rules, name + 6, value);
    if (strcmp(name, "net.ipv4.tcp_congestion_control") == 0)
        return set_congestion(host, value);
    if (strcmp(name, "net.ipv4.tcp_fastopen_key") == 0)
        return set_key(host, name, value);
    int64_t numbers[3];
    unsigned count = 0;
    const char *rest = value;
    while (count < 3 && next_number(&rest, &numbers[count]))
        count++;
    bool number = count == 1 && !*rest;
    int error = -ENOENT;
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        const struct alias *alias = &aliases[i];
        if (strcmp(alias->name, name) != 0)
            continue;
        if (!number)
            return -EINVAL;
        int64_t here = numbers[0] * alias->multiply / alias->divide + alias->add;
        error = *alias->setting ? set_number(host, alias->setting, here) : 0;
        if (error)
            return error;
    }
    if (error != -ENOENT)
        return error;
    if (count > 1 && !*rest)
        return set_several(host, name, numbers, count);
    int64_t before;
    error = strata_get(host, name, &before);
    if (error)
        return error;
    return number ? set_number(host, name, numbers[0]) : -EINVAL;
}

/** Name and value of a line, without the blanks around them; both end in `copy`. */
static bool split(const char *line, char *copy, size_t size, char **name, char **value)
{
    snprintf(copy, size, "%s", line);
    char *equals = strchr(copy, '=');
    if (!equals)
        return false;
    *equals = '\0';
    *name = copy;
    *value = equals + 1;
    for (char **part = name;; part = value) {
        while (isspace((unsigned char)**part))
            (*part)++;
        for (char *end = *part + strlen(*part); end > *part && isspace((unsigned char)end[-1]);)
            *--end = '\0';
        if (part == value)
            return true;
    }
}

static bool is_empty(const char *line)
{
    while (isspace((unsigned char)*line))
        line++;
    return *line == '\0' || *line == '#';
}

int sysctl_line(const struct sysctl_target *target, const char *line)
{
    char copy[512], *name, *value;
    if (is_empty(line))
        return 0;
    if (!split(line, copy, sizeof copy, &name, &value))
        return -EINVAL;
    // net/ipv4/tcp_sack is the same as net.ipv4.tcp_sack.
    bool path = !strchr(name, '.');
    for (char *slash = name; path && (slash = strchr(slash, '/'));)
        *slash = '.';
    return sysctl_set(target, name, value);
}

/** Says once that a line could not be obeyed. */
static void complain(struct sysctl_file *file, const char *line, int error)
{
    char copy[512], *name = copy, *value;
    if (!split(line, copy, sizeof copy, &name, &value))
        snprintf(copy, sizeof copy, "%s", line);
    for (unsigned i = 0; i < file->unknown_count; i++)
        if (strncmp(file->unknown[i], name, sizeof *file->unknown - 1) == 0)
            return;
    if (file->unknown_count < sizeof file->unknown / sizeof *file->unknown)
        snprintf(file->unknown[file->unknown_count++], sizeof *file->unknown, "%.63s", name);
    const char *reason = error == -ENOENT ? "no such setting" : error == -ERANGE ? "out of bounds" : "not understood";
    fprintf(stderr, "strata: %s: %s: %s\n", file->path, name, reason);
}

void sysctl_follow(struct sysctl_file *file, const struct sysctl_target *target)
{
    struct stat status;
    if (!file->path || stat(file->path, &status) != 0 || status.st_size == file->offset)
        return;
    FILE *stream = fopen(file->path, "re");
    if (!stream)
        return;
    if (status.st_size < file->offset) // begun anew
        file->offset = 0;
    char line[512];
    if (fseek(stream, file->offset, SEEK_SET) == 0) {
        while (fgets(line, sizeof line, stream)) {
            line[strcspn(line, "\n")] = '\0';
            int error = sysctl_line(target, line);
            if (error)
                complain(file, line, error);
        }
        file->offset = ftell(stream);
    }
    fclose(stream);
}
