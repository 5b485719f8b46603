/**
 * How long a body is (RFC 9112 6) and the chunked coding (RFC 9112 7.1).
 *
 * This is where requests are smuggled: two parties that read a different length see different requests. So
 * whatever can be read in two ways is refused and the connection ends.
 */
#include "app/http/message.h"

#include <errno.h>

/** Transfer-Encoding: 0 absent, 1 exactly "chunked", -501 chunked after codings we do not know, -400 others.
 */
static int transfer_coding(const struct http_head *head)
{
    const struct http_field *field;
    unsigned count = 0, chunked = 0;
    bool last_is_chunked = false;
    for (unsigned i = 0; (field = http_field_find(head, "Transfer-Encoding", i)) != NULL; i++) {
        struct http_slice list = field->value, coding;
        while (http_list_next(&list, &coding)) {
            last_is_chunked = http_slice_is_nocase(coding, "chunked");
            chunked += last_is_chunked;
            count++;
        }
    }
    if (!http_field_find(head, "Transfer-Encoding", 0))
        return 0;
    if (count == 0 || !last_is_chunked || chunked > 1) // RFC 9112-20, RFC 9112-27
        return -400;
    return count == 1 ? 1 : -501; // RFC 9112-26
}

/** Content-Length: 0 absent, 1 valid, -400. A list of identical values passes (RFC 9112-21). */
static int content_length(const struct http_head *head, uint64_t *length)
{
    const struct http_field *field;
    bool found = false;
    for (unsigned i = 0; (field = http_field_find(head, "Content-Length", i)) != NULL; i++) {
        struct http_slice list = field->value, element;
        bool any = false;
        while (http_list_next(&list, &element)) {
            uint64_t value;
            if (http_number(element, &value) < 0 || (found && value != *length))
                return -400;
            *length = value;
            found = any = true;
        }
        if (!any)
            return -400;
    }
    return found;
}

int http_request_framing(const struct http_head *head, struct http_framing *framing)
{
    *framing = (struct http_framing){HTTP_BODY_NONE, 0};
    int coding = transfer_coding(head);
    int length = content_length(head, &framing->length);
    if (coding < 0 || length < 0)
        return coding == -501 && length >= 0 ? -501 : -400;
    // Both fields (RFC 9112-17, RFC 9112-18), or a coding in HTTP/1.0 (RFC 9112-25): refused, and then
    // closed.
    if (coding && (length || head->minor == 0))
        return -400;
    if (coding)
        framing->body = HTTP_BODY_CHUNKED;
    else if (length && framing->length > 0)
        framing->body = HTTP_BODY_LENGTH;
    return 0; // RFC 9112-23: with neither there is no body.
}

int http_response_framing(const struct http_head *head, enum http_method method, struct http_framing *framing)
{
    *framing = (struct http_framing){HTTP_BODY_NONE, 0};
    // RFC 9112-16: whatever the fields say.
    if (method == HTTP_HEAD || head->status < 200 || head->status == 204 || head->status == 304)
        return 0;
    if (method == HTTP_CONNECT && head->status < 300)
        return 0;
    int coding = transfer_coding(head);
    int length = content_length(head, &framing->length);
    if (length < 0 || (coding && length) || (coding && head->minor == 0))
        return -EBADMSG;
    if (coding < 0)
        return -EBADMSG;
    if (coding)
        framing->body = HTTP_BODY_CHUNKED;
    else if (!length)
        framing->body = HTTP_BODY_UNTIL_CLOSE;
    else if (framing->length > 0)
        framing->body = HTTP_BODY_LENGTH;
    return 0;
}

/* ---- Chunks -------------------------------------------------------------------------------------- */

enum {
    CHUNK_SIZE,      /**< Digits of the size. */
    CHUNK_EXTENSION, /**< Up to the CR. */
    CHUNK_SIZE_LF,   /**< The LF after it. */
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER, /**< At the beginning of a trailer line. */
    CHUNK_TRAILER_LINE,
    CHUNK_TRAILER_LF,
    CHUNK_END_LF,
    CHUNK_DONE,
};

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/** One byte of a chunk's first line. @return the next state, or -1. */
static int chunk_line_byte(struct http_chunks *chunks, uint8_t c)
{
    int digit;
    switch (chunks->state) {
    case CHUNK_SIZE:
        digit = hex_digit(c);
        if (digit >= 0) {
            if (chunks->digits >= 15) // RFC 9112-28: 15 digits never overflow.
                return -1;
            chunks->left_bytes = chunks->left_bytes << 4 | (unsigned)digit;
            chunks->digits++;
            return CHUNK_SIZE;
        }
        if (chunks->digits == 0)
            return -1;
        if (c == '\r')
            return CHUNK_SIZE_LF;
        return c == ';' || c == ' ' || c == '\t' ? CHUNK_EXTENSION : -1;
    case CHUNK_EXTENSION:
        if (++chunks->extra_bytes > HTTP_CHUNK_EXTRA_MAX_BYTES || c == '\n' || c == 0) // RFC 9112-29
            return -1;
        return c == '\r' ? CHUNK_SIZE_LF : CHUNK_EXTENSION;
    default: // CHUNK_SIZE_LF
        if (c != '\n')
            return -1;
        chunks->digits = 0;
        return chunks->left_bytes > 0 ? CHUNK_DATA : CHUNK_TRAILER;
    }
}

/** One byte after the last chunk. Trailers are read and dropped (RFC 9112-30). @return the next state, or -1.
 */
static int chunk_trailer_byte(struct http_chunks *chunks, uint8_t c)
{
    if (++chunks->extra_bytes > HTTP_CHUNK_EXTRA_MAX_BYTES)
        return -1;
    switch (chunks->state) {
    case CHUNK_TRAILER:
        if (c == '\r')
            return CHUNK_END_LF;
        return http_is_token_byte(c) ? CHUNK_TRAILER_LINE : -1;
    case CHUNK_TRAILER_LINE:
        if (c == '\n' || c == 0)
            return -1;
        return c == '\r' ? CHUNK_TRAILER_LF : CHUNK_TRAILER_LINE;
    case CHUNK_TRAILER_LF:
        return c == '\n' ? CHUNK_TRAILER : -1;
    default: // CHUNK_END_LF
        return c == '\n' ? CHUNK_DONE : -1;
    }
}

static int chunk_byte(struct http_chunks *chunks, uint8_t c)
{
    if (chunks->state <= CHUNK_SIZE_LF)
        return chunk_line_byte(chunks, c);
    if (chunks->state == CHUNK_DATA_CR)
        return c == '\r' ? CHUNK_DATA_LF : -1;
    if (chunks->state == CHUNK_DATA_LF)
        return c == '\n' ? CHUNK_SIZE : -1;
    return chunk_trailer_byte(chunks, c);
}

int http_chunks_take(struct http_chunks *chunks, const uint8_t *bytes, size_t size, size_t *used,
                     const uint8_t **data, size_t *length)
{
    size_t i = 0;
    *length = 0;
    *data = NULL;
    while (i < size && chunks->state != CHUNK_DATA && chunks->state != CHUNK_DONE) {
        int next = chunk_byte(chunks, bytes[i++]);
        if (next < 0)
            return -EBADMSG;
        chunks->state = (uint8_t)next;
    }
    if (chunks->state == CHUNK_DATA && i < size) {
        *length = chunks->left_bytes < size - i ? (size_t)chunks->left_bytes : size - i;
        *data = bytes + i;
        i += *length;
        chunks->left_bytes -= *length;
        if (chunks->left_bytes == 0)
            chunks->state = CHUNK_DATA_CR;
    }
    *used = i;
    return chunks->state == CHUNK_DONE;
}
