/**
 * Buffered messages of a connection (RFC 9112 6, 8): a body is complete when its framing says so, and nothing
 * after it is taken for a part of it.
 */
#include "app/http/stream.h"

#include <errno.h>
#include <stdlib.h>

int http_stream_init(struct http_stream *stream, struct strata_rt *rt, struct strata_conn *conn, size_t size)
{
    *stream = (struct http_stream){.rt = rt, .conn = conn, .size = size, .body_done = true};
    stream->buffer = malloc(size);
    return stream->buffer ? 0 : -ENOMEM;
}

void http_stream_close(struct http_stream *stream)
{
    free(stream->buffer);
    stream->buffer = NULL;
    strata_rt_close(stream->conn);
    stream->conn = NULL;
}

size_t http_stream_pending(const struct http_stream *stream)
{
    return stream->end - stream->start;
}

int64_t http_stream_fill(struct http_stream *stream, strata_time deadline)
{
    if (stream->ended)
        return 0;
    if (stream->start == stream->end)
        stream->start = stream->end = 0;
    if (stream->end == stream->size && stream->start > 0) {
        memmove(stream->buffer, stream->buffer + stream->start, stream->end - stream->start);
        stream->end -= stream->start;
        stream->start = 0;
    }
    if (stream->end == stream->size)
        return -ENOBUFS;
    int64_t got =
        strata_rt_read(stream->conn, stream->buffer + stream->end, stream->size - stream->end, deadline);
    if (got > 0)
        stream->end += (size_t)got;
    if (got == 0)
        stream->ended = true;
    return got;
}

void http_stream_body_begin(struct http_stream *stream, const struct http_framing *framing)
{
    stream->framing = *framing;
    stream->chunks = (struct http_chunks){0};
    stream->left_bytes = framing->length;
    stream->body_bytes = 0;
    stream->body_done = framing->body == HTTP_BODY_NONE;
}

/** Takes what the buffer holds of the body. @return 1: some of it, 0: nothing yet or done, -EBADMSG. */
static int take(struct http_stream *stream, const uint8_t **data, size_t *length)
{
    const uint8_t *bytes = stream->buffer + stream->start;
    size_t available = http_stream_pending(stream), used = available;
    *data = bytes;
    *length = available;
    if (stream->framing.body == HTTP_BODY_CHUNKED) {
        int result = http_chunks_take(&stream->chunks, bytes, available, &used, data, length);
        if (result < 0)
            return result;
        stream->body_done = result == 1;
    } else if (stream->framing.body == HTTP_BODY_LENGTH) {
        if (used > stream->left_bytes)
            used = (size_t)stream->left_bytes;
        *length = used;
        stream->left_bytes -= used;
        stream->body_done = stream->left_bytes == 0;
    }
    stream->start += used;
    stream->body_bytes += *length;
    return *length > 0;
}

int http_stream_body(struct http_stream *stream, const uint8_t **data, size_t *length, strata_time deadline)
{
    while (!stream->body_done) {
        if (http_stream_pending(stream) > 0) {
            int result = take(stream, data, length);
            if (result != 0)
                return result;
            continue;
        }
        int64_t got = http_stream_fill(stream, deadline);
        if (got < 0)
            return (int)got;
        if (got == 0 && stream->framing.body != HTTP_BODY_UNTIL_CLOSE)
            return -EPIPE; // RFC 9112-22, RFC 9112-37: incomplete.
        if (got == 0)
            stream->body_done = true;
    }
    return 0;
}
