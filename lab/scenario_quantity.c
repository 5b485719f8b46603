/*
 * Quantities with units, in whole numbers.
 */
#include "lab/scenario_quantity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BILLION UINT64_C(1000000000)

struct unit {
    const char *name;
    enum dimension dimension;
    uint64_t factor;
};
/* In each dimension the largest unit that is used for printing comes first. */
static const struct unit units[] = {
    {"s", DIMENSION_TIME, BILLION},
    {"ms", DIMENSION_TIME, 1000000},
    {"us", DIMENSION_TIME, 1000},
    {"ns", DIMENSION_TIME, 1},
    {"min", DIMENSION_TIME, 60 * BILLION},
    {"h", DIMENSION_TIME, 3600 * BILLION},
    {"Gbit/s", DIMENSION_RATE, BILLION},
    {"Mbit/s", DIMENSION_RATE, 1000000},
    {"kbit/s", DIMENSION_RATE, 1000},
    {"bit/s", DIMENSION_RATE, 1},
    {"Gbit", DIMENSION_RATE, BILLION},
    {"Mbit", DIMENSION_RATE, 1000000},
    {"kbit", DIMENSION_RATE, 1000},
    {"bit", DIMENSION_RATE, 1},
    {"MB/s", DIMENSION_RATE, 8000000},
    {"kB/s", DIMENSION_RATE, 8000},
    {"B/s", DIMENSION_RATE, 8},
    {"%", DIMENSION_NUMBER, BILLION / 100},
    {"ppm", DIMENSION_NUMBER, 1000},
};
#define UNITS (sizeof units / sizeof *units)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/** a * b / c, rounded down. @return false: too large. */
static bool scale(uint64_t a, uint64_t b, uint64_t c, uint64_t *result)
{
    // (q c + r) b / c = q b + r b / c, and r b stays small: b and c are at most 3.6e12 and 1e9 here.
    uint64_t left = a / c, right;
    if (__builtin_mul_overflow(left, b, &left) || __builtin_mul_overflow(a % c, b, &right))
        return false;
    return !__builtin_add_overflow(left, right / c, result);
}

/** The unit that a text begins with, and the length of its name; a number alone has none. */
static const struct unit *find_unit(const char *text, size_t *length)
{
    *length = *text == '%' ? 1 : strcspn(text, " \t\r\n.,;:()%");
    for (size_t i = 0; i < UNITS; i++)
        if (strlen(units[i].name) == *length && strncasecmp(units[i].name, text, *length) == 0)
            return &units[i];
    *length = 0;
    return NULL;
}

int quantity_scan(const char *text, struct quantity *quantity)
{
    const char *at = text;
    uint64_t whole = 0, part = 0, power = 1;
    if (!is_digit(*at))
        return -EINVAL;
    for (; is_digit(*at); at++)
        if (__builtin_mul_overflow(whole, 10, &whole) || __builtin_add_overflow(whole, (uint64_t)(*at - '0'), &whole))
            return -ERANGE;
    if (*at == '.' && is_digit(at[1]))
        for (at++; is_digit(*at); at++)
            if (power < BILLION) {
                part = part * 10 + (uint64_t)(*at - '0');
                power *= 10;
            }
    size_t length;
    const char *unit_at = *at == ' ' ? at + 1 : at;
    const struct unit *unit = find_unit(unit_at, &length);
    uint64_t factor = unit ? unit->factor : BILLION, fraction;
    if (!scale(part, factor, power, &fraction) || __builtin_mul_overflow(whole, factor, &whole) ||
        __builtin_add_overflow(whole, fraction, &quantity->value))
        return -ERANGE;
    quantity->dimension = unit ? unit->dimension : DIMENSION_NUMBER;
    return (int)((unit ? unit_at + length : at) - text);
}

int quantity_parse(const char *text, struct quantity *quantity)
{
    int length = quantity_scan(text, quantity);
    return length < 0 ? length : text[length] ? -EINVAL : 0;
}

const char *quantity_format(struct quantity quantity, char *room, size_t size)
{
    const struct unit *unit = NULL;
    for (size_t i = 0; i < UNITS && quantity.dimension != DIMENSION_NUMBER; i++)
        if (units[i].dimension == quantity.dimension) {
            unit = &units[i];
            if (unit->factor <= quantity.value || unit->factor == 1)
                break;
        }
    uint64_t factor = unit ? unit->factor : BILLION, digits = 0;
    uint64_t rest = quantity.value % factor;
    for (uint64_t power = factor; power > 1; power /= 10)
        digits++;
    char decimals[24] = "";
    if (rest > 0) {
        snprintf(decimals, sizeof decimals, ".%0*" PRIu64, (int)digits, rest);
        size_t length = strlen(decimals);
        while (decimals[length - 1] == '0')
            decimals[--length] = '\0';
    }
    snprintf(room, size, "%" PRIu64 "%s%s%s", quantity.value / factor, decimals, unit ? " " : "",
             unit ? unit->name : "");
    return room;
}

bool quantity_is_near(struct quantity found, struct quantity expected, uint32_t within_ppm)
{
    uint64_t away = found.value > expected.value ? found.value - expected.value : expected.value - found.value, allowed;
    if (found.dimension != expected.dimension)
        return false;
    return !scale(expected.value, within_ppm, 1000000, &allowed) || away <= allowed;
}

struct quantity quantity_ratio(uint64_t a, uint64_t b)
{
    struct quantity ratio = {.dimension = DIMENSION_NUMBER};
    // Both lose digits until the product fits: nine digits behind the point are more than anybody measures.
    while (a > UINT64_MAX / BILLION && b > 1) {
        a >>= 1;
        b >>= 1;
    }
    if (b > 0 && !__builtin_mul_overflow(a, BILLION, &ratio.value))
        ratio.value /= b;
    return ratio;
}
