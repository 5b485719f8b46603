/**
 * Text into a buffer of fixed size, for the rooms that have no stdio. What does not fit is cut; the text always ends
 * with NUL as long as the buffer has room for one.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
    char *data;
    size_t size;   /**< Of the buffer. */
    size_t length; /**< So far, without the NUL; below size unless size is 0. */
};

struct text text_of(char *data, size_t size);
void text_char(struct text *text, char c);
void text_string(struct text *text, const char *string);
/** At most `length` characters of a string that need not end with NUL. */
void text_span(struct text *text, const char *string, size_t length);
void text_unsigned(struct text *text, uint64_t value);
void text_signed(struct text *text, int64_t value);
/** Lower-case hexadecimal with at least `digits` digits. */
void text_hex(struct text *text, uint64_t value, unsigned digits);
/** "02:00:00:00:00:01" */
void text_mac(struct text *text, const uint8_t mac[6]);
/** Bytes as text on one line: what is not printable ASCII, and the backslash, as \n, \r, \t, \\ or \xHH. */
void text_escaped(struct text *text, const void *bytes, size_t size);

#endif
