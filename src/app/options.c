/**
 * Options of the built-in programs, and errors in words.
 */
#include "app/options.h"

#include <errno.h>
#include <string.h>

static int complain(struct strata_rt *rt, const char *program, const char *usage, const char *what,
                    const char *text)
{
    strata_rt_complain(rt, "%s: %s %s\nusage: %s\n", program, what, text, usage);
    return -EINVAL;
}

static bool parse_number(const char *text, int64_t least, int64_t most, int64_t *value)
{
    bool negative = *text == '-';
    int64_t number = 0;
    const char *digit = text + negative;
    if (*digit == 0 || strlen(digit) > 18)
        return false;
    for (; *digit; digit++) {
        if (*digit < '0' || *digit > '9')
            return false;
        number = number * 10 + (*digit - '0');
    }
    *value = negative ? -number : number;
    return *value >= least && *value <= most;
}

/** What a time is measured in; nothing means seconds. */
static int64_t unit_of(const char *text)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"", STRATA_SECOND},
                 {"s", STRATA_SECOND},
                 {"ms", STRATA_MILLISECOND},
                 {"us", STRATA_MICROSECOND},
                 {"ns", 1},
                 {"min", 60 * STRATA_SECOND},
                 {"h", 3600 * STRATA_SECOND}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(units[i].name, text) == 0)
            return units[i].ns;
    return 0;
}

/** "0.25", "250ms": seconds unless a unit says otherwise, no finer than a nanosecond, as nanoseconds. */
static bool parse_seconds(const char *text, int64_t least, int64_t most, int64_t *value)
{
    char whole[12] = "0";
    size_t digits = strspn(text, "0123456789"), decimals = 0;
    const char *point = text + digits;
    if (*point == '.')
        decimals = strspn(point + 1, "0123456789");
    int64_t unit = unit_of(point + (*point == '.') + decimals), count;
    if (digits >= sizeof whole || digits + decimals == 0 || unit == 0)
        return false;
    if (digits > 0) {
        memcpy(whole, text, digits);
        whole[digits] = '\0';
    }
    if (!parse_number(whole, 0, INT32_MAX, &count) || count > INT64_MAX / 2 / unit)
        return false;
    *value = count * unit;
    for (size_t i = 0; i < decimals; i++) {
        if (unit % 10 != 0)
            return false;
        unit /= 10;
        *value += (point[1 + i] - '0') * unit;
    }
    return *value >= least && *value <= most;
}

/** The entry that `text` names, up to its "=" if it has one. */
static const struct option_entry *find(const struct option_entry *entries, int count, const char *text)
{
    size_t length = strncmp(text, "--", 2) == 0 ? strcspn(text, "=") : strlen(text);
    for (int i = 0; i < count; i++)
        if (strlen(entries[i].name) == length && strncmp(entries[i].name, text, length) == 0)
            return &entries[i];
    return NULL;
}

static bool take_value(const struct option_entry *entry, const char *text)
{
    switch (entry->kind) {
    case OPTION_NUMBER:
        return parse_number(text, entry->least, entry->most, entry->value);
    case OPTION_SECONDS:
        return parse_seconds(text, entry->least, entry->most, entry->value);
    default:
        *(const char **)entry->value = text;
        return true;
    }
}

int options_parse(struct strata_rt *rt, int argc, char **argv, const char *usage,
                  const struct option_entry *entries, int count, const char **words, int words_max)
{
    const char *program = argc > 0 ? argv[0] : "program";
    int found = 0;
    bool ended = false;
    for (int i = 1; i < argc; i++) {
        const char *text = argv[i];
        if (!ended && strcmp(text, "--") == 0) {
            ended = true;
            continue;
        }
        if (ended || text[0] != '-' || text[1] == 0) {
            if (found == words_max)
                return complain(rt, program, usage, "does not know what to do with", text);
            words[found++] = text;
            continue;
        }
        const struct option_entry *entry = find(entries, count, text);
        if (!entry && strcmp(text, "--help") == 0) {
            strata_rt_print(rt, "usage: %s\n", usage);
            return -EINVAL;
        }
        if (!entry)
            return complain(rt, program, usage, "has no option", text);
        bool joined = strlen(entry->name) < strlen(text);
        if (entry->kind == OPTION_FLAG && joined)
            return complain(rt, program, usage, "takes no value in", text);
        if (entry->kind == OPTION_FLAG) {
            *(bool *)entry->value = true;
            continue;
        }
        if (!joined && ++i == argc)
            return complain(rt, program, usage, "wants a value after", text);
        const char *value = joined ? text + strlen(entry->name) + 1 : argv[i];
        if (!take_value(entry, value))
            return complain(rt, program, usage, "cannot take this number:", value);
    }
    return found;
}

const char *error_text(int error)
{
    static const struct {
        int error;
        const char *text;
    } texts[] = {
        {EPERM, "not permitted"},
        {ENOENT, "not found"},
        {EIO, "input/output error"},
        {EACCES, "permission denied"},
        {EEXIST, "exists already"},
        {ENOTDIR, "not a folder"},
        {EISDIR, "is a folder"},
        {EINVAL, "not valid"},
        {ENFILE, "too many open files"},
        {EMFILE, "too many open files"},
        {ENOSPC, "no space left on the disk"},
        {EROFS, "the disk is read-only"},
        {EPIPE, "connection closed by the peer"},
        {ENOMEM, "out of memory"},
        {EMSGSIZE, "message too long"},
        {EPROTONOSUPPORT, "protocol not supported"},
        {EADDRINUSE, "address or port in use"},
        {EADDRNOTAVAIL, "no such address here"},
        {ENETUNREACH, "no route to that network"},
        {EHOSTUNREACH, "host unreachable"},
        {EHOSTDOWN, "host is down"},
        {ECONNABORTED, "connection aborted"},
        {ECONNRESET, "connection reset by the peer"},
        {ETIMEDOUT, "timed out"},
        {ECONNREFUSED, "connection refused"},
        {EBADMSG, "malformed message"},
        {EPROTO, "protocol error"},
        {ELOOP, "too many redirections"},
        {ECANCELED, "cancelled"},
        {ENODEV, "no such device"},
        {ENODATA, "no such data"},
    };
    if (error < 0)
        error = -error;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].error == error)
            return texts[i].text;
    return "failed";
}
