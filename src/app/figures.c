/**
 * Figures for people, in integer arithmetic.
 */
#include "app/figures.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/** `digits` decimals of which the zeros at the end go. */
static const char *with_decimals(uint64_t whole, uint64_t part, int digits, const char *unit, char room[FIGURE_TEXT])
{
    char decimals[24] = "";
    if (part > 0) {
        snprintf(decimals, sizeof decimals, ".%0*" PRIu64, digits, part);
        size_t length = strlen(decimals);
        while (decimals[length - 1] == '0')
            decimals[--length] = '\0';
    }
    snprintf(room, FIGURE_TEXT, "%" PRIu64 "%s%s", whole, decimals, unit);
    return room;
}

const char *figure_time(strata_time time, char room[FIGURE_TEXT])
{
    uint64_t ns = time > 0 ? (uint64_t)time : 0;
    return with_decimals(ns / 1000000, ns % 1000000, 6, " ms", room);
}

/** a * b / c for a result that fits; c > 0. */
static uint64_t scaled(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t whole = a / c * b, rest = a % c, product;
    while (__builtin_mul_overflow(rest, b, &product)) { // the last digits go
        rest >>= 1;
        c = c >> 1 ? c >> 1 : 1;
    }
    return whole + product / c;
}

const char *figure_rate(uint64_t bits, strata_time time, char room[FIGURE_TEXT])
{
    static const struct {
        uint64_t factor;
        const char *unit;
    } units[] = {{1000000000, " Gbit/s"}, {1000000, " Mbit/s"}, {1000, " kbit/s"}, {1, " bit/s"}};
    uint64_t millibits = time > 0 ? scaled(bits, UINT64_C(1000000000000), (uint64_t)time) : 0; // a second
    size_t i = 0;
    while (i < 3 && millibits / 1000 < units[i].factor)
        i++;
    uint64_t thousandths = millibits / units[i].factor;
    return with_decimals(thousandths / 1000, thousandths % 1000, 3, units[i].unit, room);
}

const char *figure_ratio(uint64_t part, uint64_t whole, char room[FIGURE_TEXT])
{
    uint64_t billionths = whole > 0 ? scaled(part, 1000000000, whole) : 0;
    return with_decimals(billionths / 1000000000, billionths % 1000000000, 9, "", room);
}
