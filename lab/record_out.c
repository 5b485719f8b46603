/*
 * JSON that flows: objects, arrays, texts, and columns of numbers as docs/trace.md has them.
 */
#include "lab/record_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- Text --------------------------------------------------------------------------------------- */

void out_flush(struct out *out)
{
    if (!out->error && out->used > 0)
        out->error = out->sink(out->context, out->room, out->used);
    out->used = 0;
}

void out_char(struct out *out, char c)
{
    if (out->used == sizeof out->room)
        out_flush(out);
    out->room[out->used++] = c;
}

static void puts_plain(struct out *out, const char *text)
{
    for (; *text; text++)
        out_char(out, *text);
}

/** How many bytes of UTF-8 begin here; 0: none that is valid. */
static size_t utf8_length(const uint8_t *c)
{
    size_t length = c[0] < 0x80                   ? 1
                    : c[0] >= 0xc2 && c[0] < 0xe0 ? 2
                    : c[0] >= 0xe0 && c[0] < 0xf0 ? 3
                    : c[0] >= 0xf0 && c[0] < 0xf5 ? 4
                                                  : 0;
    for (size_t i = 1; i < length; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xf0 && c[1] < 0x90);
    bool surrogate = c[0] == 0xed && c[1] >= 0xa0, beyond = c[0] == 0xf4 && c[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : length;
}

/** A text in quotation marks. What could end a script in HTML, or is no UTF-8, does not come out as it is. */
void out_quoted(struct out *out, const char *text)
{
    out_char(out, '"');
    for (const uint8_t *c = (const uint8_t *)(text ? text : ""); *c;) {
        size_t length = utf8_length(c);
        char escape[8];
        if (length == 0) {
            puts_plain(out, "\\ufffd");
            c++;
        } else if (length == 1 && (*c < 32 || *c == 127 || strchr("\"\\<>&'", *c))) {
            snprintf(escape, sizeof escape, "\\u%04x", *c);
            puts_plain(out, escape);
            c++;
        } else if (length == 3 && c[0] == 0xe2 && c[1] == 0x80 && (c[2] & 0xfe) == 0xa8) {
            puts_plain(out, c[2] & 1 ? "\\u2029" : "\\u2028");
            c += 3;
        } else {
            while (length-- > 0)
                out_char(out, (char)*c++);
        }
    }
    out_char(out, '"');
}

/** What stands before a value: a comma, and its name in an object. */
void out_next(struct out *out, const char *name)
{
    if (out->comma)
        out_char(out, ',');
    out->comma = true;
    if (name) {
        out_quoted(out, name);
        out_char(out, ':');
    }
}

void out_open(struct out *out, const char *name, char bracket)
{
    out_next(out, name);
    out_char(out, bracket);
    out->comma = false;
}

void out_close(struct out *out, char bracket)
{
    out_char(out, bracket);
    out->comma = true;
}

void out_text(struct out *out, const char *name, const char *text)
{
    out_next(out, name);
    out_quoted(out, text);
}

void out_number(struct out *out, const char *name, int64_t value)
{
    char text[24];
    out_next(out, name);
    snprintf(text, sizeof text, "%" PRId64, value);
    puts_plain(out, text);
}

void out_bool(struct out *out, const char *name, bool value)
{
    out_next(out, name);
    puts_plain(out, value ? "true" : "false");
}

/* ---- Columns ---------------------------------------------------------------------------------------- */

static void put_group(struct out *out, int bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t group = out->group << (8 * (3 - bytes));
    for (int i = 0; i < 4; i++)
        out_char(out, i <= bytes ? digits[group >> (18 - 6 * i) & 63] : '=');
    out->group = 0;
    out->group_bytes = 0;
}

void out_byte(struct out *out, uint8_t byte)
{
    out->group = out->group << 8 | byte;
    if (++out->group_bytes == 3)
        put_group(out, 3);
}

void out_column_begin(struct out *out, const char *name)
{
    out_next(out, name);
    out_char(out, '"');
    out->last = 0;
}

void out_value(struct out *out, int64_t value)
{
    int64_t change = (int64_t)((uint64_t)value - (uint64_t)out->last);
    uint64_t zigzag = (uint64_t)change << 1 ^ (uint64_t)(change < 0 ? -1 : 0);
    out->last = value;
    for (; zigzag >= 128; zigzag >>= 7)
        out_byte(out, (uint8_t)(zigzag | 128));
    out_byte(out, (uint8_t)zigzag);
}

void out_column_end(struct out *out)
{
    if (out->group_bytes > 0)
        put_group(out, out->group_bytes);
    out_char(out, '"');
}
