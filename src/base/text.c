/*
 * Text without stdio.
 */
#include "base/text.h"

struct text text_of(char *data, size_t size)
{
    if (size > 0)
        data[0] = '\0';
    return (struct text){.data = data, .size = size};
}

void text_char(struct text *text, char c)
{
    if (text->size - text->length < 2 || text->size == 0)
        return;
    text->data[text->length++] = c;
    text->data[text->length] = '\0';
}

void text_string(struct text *text, const char *string)
{
    while (*string)
        text_char(text, *string++);
}

void text_span(struct text *text, const char *string, size_t length)
{
    for (size_t i = 0; i < length && string[i]; i++)
        text_char(text, string[i]);
}

void text_unsigned(struct text *text, uint64_t value)
{
    char digits[20];
    int count = 0;
    do
        digits[count++] = (char)('0' + value % 10);
    while (value /= 10);
    while (count > 0)
        text_char(text, digits[--count]);
}

void text_signed(struct text *text, int64_t value)
{
    if (value < 0)
        text_char(text, '-');
    text_unsigned(text, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void text_hex(struct text *text, uint64_t value, unsigned digits)
{
    unsigned needed = 1;
    while (needed < 16 && value >> 4 * needed)
        needed++;
    for (unsigned i = digits > needed ? digits : needed; i-- > 0;)
        text_char(text, i >= 16 ? '0' : "0123456789abcdef"[value >> 4 * i & 15]);
}

void text_mac(struct text *text, const uint8_t mac[6])
{
    for (int i = 0; i < 6; i++) {
        if (i > 0)
            text_char(text, ':');
        text_hex(text, mac[i], 2);
    }
}

void text_escaped(struct text *text, const void *bytes, size_t size)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < size; i++) {
        if (p[i] >= 0x20 && p[i] < 0x7f && p[i] != '\\') {
            text_char(text, (char)p[i]);
            continue;
        }
        text_char(text, '\\');
        switch (p[i]) {
        case '\n':
            text_char(text, 'n');
            break;
        case '\r':
            text_char(text, 'r');
            break;
        case '\t':
            text_char(text, 't');
            break;
        case '\\':
            text_char(text, '\\');
            break;
        default:
            text_char(text, 'x');
            text_hex(text, p[i], 2);
        }
    }
}
