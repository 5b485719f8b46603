/*
 * Values with units: 10ms, 2.5gbit, 3%, 1MiB. Everything is computed in integers; what is finer than the unit
 * of the result is refused rather than rounded.
 */
#include "lab/scenario_yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit {
    const char *name;
    uint64_t factor;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/** A decimal number and a unit. A unit "" in the table allows a number alone. */
static int parse_scaled(const char *text, const struct unit *units, uint64_t *value)
{
    uint64_t whole = 0, part = 0, power = 1;
    if (!is_digit(*text))
        return -EINVAL;
    for (; is_digit(*text); text++)
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, (uint64_t)(*text - '0'), &whole))
            return -ERANGE;
    if (*text == '.') {
        text++;
        if (!is_digit(*text))
            return -EINVAL;
        for (; is_digit(*text); text++) {
            if (power > UINT64_C(1000000000000))
                return -ERANGE;
            part = part * 10 + (uint64_t)(*text - '0');
            power *= 10;
        }
    }
    while (*text == ' ')
        text++;
    while (units->name && strcasecmp(units->name, text) != 0)
        units++;
    if (!units->name)
        return -EINVAL;
    uint64_t scaled_part;
    if (__builtin_mul_overflow(part, units->factor, &scaled_part) || scaled_part % power != 0)
        return -ERANGE; // finer than can be told
    if (__builtin_mul_overflow(whole, units->factor, value) ||
        __builtin_add_overflow(*value, scaled_part / power, value))
        return -ERANGE;
    return 0;
}

int parse_duration(const char *text, strata_time *value)
{
    static const struct unit units[] = {{"ns", 1},
                                        {"us", 1000},
                                        {"ms", 1000000},
                                        {"s", 1000000000},
                                        {"m", UINT64_C(60000000000)},
                                        {"min", UINT64_C(60000000000)},
                                        {"h", UINT64_C(3600000000000)},
                                        {"d", UINT64_C(86400000000000)},
                                        {NULL, 0}};
    uint64_t parsed = 0;
    int error = strcmp(text, "0") == 0 ? 0 : parse_scaled(text, units, &parsed);
    if (error)
        return error;
    if (parsed > (uint64_t)(366 * 86400 * STRATA_SECOND))
        return -ERANGE;
    *value = (strata_time)parsed;
    return 0;
}

int parse_rate(const char *text, uint64_t *value)
{
    static const struct unit units[] = {{"bit", 1},
                                        {"bps", 1},
                                        {"bit/s", 1},
                                        {"kbit", 1000},
                                        {"kbps", 1000},
                                        {"kbit/s", 1000},
                                        {"mbit", 1000000},
                                        {"mbps", 1000000},
                                        {"mbit/s", 1000000},
                                        {"gbit", 1000000000},
                                        {"gbps", 1000000000},
                                        {"gbit/s", 1000000000},
                                        {"tbit", UINT64_C(1000000000000)},
                                        {"tbps", UINT64_C(1000000000000)},
                                        {NULL, 0}};
    int error = parse_scaled(text, units, value);
    return error ? error : *value == 0 || *value > UINT64_C(1000000000000000) ? -ERANGE : 0;
}

int parse_share(const char *text, uint32_t *value)
{
    static const struct unit units[] = {{"%", 10000}, {"ppm", 1}, {NULL, 0}};
    uint64_t parsed = 0;
    int error = strcmp(text, "0") == 0 ? 0 : parse_scaled(text, units, &parsed);
    if (!error && parsed > 1000000)
        error = -ERANGE;
    *value = error ? 0 : (uint32_t)parsed;
    return error;
}

int parse_bytes(const char *text, uint64_t *value)
{
    static const struct unit units[] = {{"", 1},           {"b", 1},           {"kb", 1000},
                                        {"mb", 1000000},   {"gb", 1000000000}, {"kib", 1u << 10},
                                        {"mib", 1u << 20}, {"gib", 1u << 30},  {NULL, 0}};
    return parse_scaled(text, units, value);
}

/** The text of a scalar, or NULL with a complaint that says what was expected. */
static const char *scalar(struct reader_state *reader, const yaml_node_t *node, const char *expected)
{
    if (node->type != YAML_SCALAR_NODE ||
        (node->data.scalar.length == 0 && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)) {
        complain(reader->complaints, place_of(node), "expected %s, found %s", expected,
                 node->type == YAML_SCALAR_NODE     ? "nothing"
                 : node->type == YAML_SEQUENCE_NODE ? "a list"
                                                    : "a mapping");
        return NULL;
    }
    if (strlen((const char *)node->data.scalar.value) != node->data.scalar.length) {
        complain(reader->complaints, place_of(node), "expected %s, found a text with a zero byte", expected);
        return NULL;
    }
    return (const char *)node->data.scalar.value;
}

/** What else could be said of a value that cannot be read would only follow from that. */
static void say_alone(struct reader_state *reader)
{
    reader->complaints->items[reader->complaints->count - 1].alone = true;
}

static void refuse(struct reader_state *reader, const yaml_node_t *node, int error, const char *expected)
{
    const char *text = (const char *)node->data.scalar.value;
    complain(reader->complaints, place_of(node),
             error == -ERANGE ? "%s is too large, too small or too fine: expected %s" : "%s is not %s", text,
             expected);
    say_alone(reader);
}

const char *read_text(struct reader_state *reader, const yaml_node_t *node)
{
    const char *text = scalar(reader, node, "a text");
    return text ? arena_text(&reader->scenario->arena, text, strlen(text)) : "";
}

bool read_bool(struct reader_state *reader, const yaml_node_t *node)
{
    const char *text = scalar(reader, node, "true or false");
    if (!text)
        return false;
    if (strcmp(text, "true") == 0 || strcmp(text, "yes") == 0 || strcmp(text, "on") == 0)
        return true;
    if (strcmp(text, "false") != 0 && strcmp(text, "no") != 0 && strcmp(text, "off") != 0)
        refuse(reader, node, -EINVAL, "true or false");
    return false;
}

int64_t read_integer(struct reader_state *reader, const yaml_node_t *node, int64_t least, int64_t most)
{
    char expected[80];
    snprintf(expected, sizeof expected, "a whole number from %lld to %lld", (long long)least,
             (long long)most);
    const char *text = scalar(reader, node, expected);
    if (!text)
        return least;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end || errno || value < least || value > most || !(is_digit(*text) || *text == '-')) {
        complain(reader->complaints, place_of(node), "%s is not %s", text, expected);
        return least;
    }
    return value;
}

strata_time read_duration(struct reader_state *reader, const yaml_node_t *node)
{
    static const char expected[] = "a time with a unit such as 250us, 10ms, 1.5s or 2m";
    strata_time value = 0;
    const char *text = scalar(reader, node, expected);
    int error = text ? parse_duration(text, &value) : 0;
    if (error)
        refuse(reader, node, error, expected);
    return error ? 0 : value;
}

uint64_t read_rate(struct reader_state *reader, const yaml_node_t *node)
{
    static const char expected[] = "a rate with a unit such as 64kbit, 10mbit or 2.5gbit";
    uint64_t value = 0;
    const char *text = scalar(reader, node, expected);
    int error = text ? parse_rate(text, &value) : 0;
    if (error)
        refuse(reader, node, error, expected);
    return error ? 0 : value;
}

uint32_t read_share(struct reader_state *reader, const yaml_node_t *node)
{
    static const char expected[] = "a share such as 3% or 0.01%";
    uint32_t value = 0;
    const char *text = scalar(reader, node, expected);
    int error = text ? parse_share(text, &value) : 0;
    uint32_t meant = 0;
    char percent[40];
    snprintf(percent, sizeof percent, "%s%%", text ? text : "");
    if (error == -EINVAL && text && strncmp(text, "0.", 2) == 0 && parse_share(percent, &meant) == 0) {
        complain(reader->complaints, place_of(node), "%s is not %s (did you mean %u.%02u%%?)", text, expected,
                 (unsigned)(meant / 100), (unsigned)(meant % 100));
        say_alone(reader);
    } else if (error) {
        refuse(reader, node, error, expected);
    }
    return value;
}

uint64_t read_bytes(struct reader_state *reader, const yaml_node_t *node)
{
    static const char expected[] = "a size such as 1500, 64KiB or 1MiB";
    uint64_t value = 0;
    const char *text = scalar(reader, node, expected);
    int error = text ? parse_bytes(text, &value) : 0;
    if (error)
        refuse(reader, node, error, expected);
    return error ? 0 : value;
}

int read_word(struct reader_state *reader, const yaml_node_t *node, const char *const *words)
{
    char expected[200] = "";
    size_t length = 0;
    for (int i = 0; words[i]; i++)
        length += (size_t)snprintf(expected + length, sizeof expected - length, "%s%s",
                                   i == 0         ? ""
                                   : words[i + 1] ? ", "
                                                  : " or ",
                                   words[i]);
    const char *text = scalar(reader, node, expected);
    if (!text)
        return -1;
    struct nearest nearest;
    nearest_begin(&nearest, text);
    for (int i = 0; words[i]; i++) {
        if (strcmp(words[i], text) == 0)
            return i;
        nearest_try(&nearest, words[i]);
    }
    complain(reader->complaints, place_of(node), "%s is not %s%s", text, expected, nearest_text(&nearest));
    return -1;
}
