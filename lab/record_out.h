/**
 * JSON that flows, for record_write.c: nothing is held but a buffer.
 */
#ifndef LAB_RECORD_OUT_H
#define LAB_RECORD_OUT_H

#include "lab/record.h"

/** Where a record is written to. */
struct out {
    record_sink sink;
    void *context;
    int error;
    size_t used;
    bool comma; /**< Something stands before what comes next, in the same object or array. */
    /* base64 */
    uint32_t group;
    int group_bytes;
    int64_t last;
    char room[16384];
};

void out_flush(struct out *out);
void out_char(struct out *out, char c);
/** A text in quotation marks. What could end a script in HTML, or is no UTF-8, does not come out as it is. */
void out_quoted(struct out *out, const char *text);
/** What stands before a value: a comma, and in an object its name (NULL in an array). */
void out_next(struct out *out, const char *name);
/** Begins an object or an array with its bracket, and ends it. */
void out_open(struct out *out, const char *name, char bracket);
void out_close(struct out *out, char bracket);
void out_text(struct out *out, const char *name, const char *text);
void out_number(struct out *out, const char *name, int64_t value);
void out_bool(struct out *out, const char *name, bool value);
/** A column: its numbers one by one; or bytes in base64, with out_byte. */
void out_column_begin(struct out *out, const char *name);
void out_value(struct out *out, int64_t value);
void out_byte(struct out *out, uint8_t byte);
void out_column_end(struct out *out);

#endif
