/**
 * Quantities with units, as scenarios expect them and programs print them: "20.5 ms", "266.6 kbit/s", "0.000267",
 * "3%". What is printed in one unit may be expected in another of the same dimension.
 */
#ifndef LAB_SCENARIO_QUANTITY_H
#define LAB_SCENARIO_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dimension {
    DIMENSION_NUMBER, /**< In thousand-millionths. */
    DIMENSION_TIME,   /**< In nanoseconds. */
    DIMENSION_RATE,   /**< In bits per second. */
};
struct quantity {
    enum dimension dimension;
    uint64_t value;
};

/** Reads a quantity at the beginning of a text, digits beyond the resolution are dropped; a word behind the number that
 * is no unit is left alone. @return how many characters it has, -EINVAL: it begins with no number, -ERANGE. */
int quantity_scan(const char *text, struct quantity *quantity);
/** The whole text is a quantity. @return 0, -EINVAL, -ERANGE. */
int quantity_parse(const char *text, struct quantity *quantity);
/** "20.5 ms" */
const char *quantity_format(struct quantity quantity, char *room, size_t size);
/** Whether `found` is away from `expected` by at most so many millionths of it. */
bool quantity_is_near(struct quantity found, struct quantity expected, uint32_t within_ppm);
/** a/b as a number; 0 when b is. */
struct quantity quantity_ratio(uint64_t a, uint64_t b);

#endif
