/**
 * A connection that carries HTTP messages one after another: buffered heads and bodies, for server and
 * client.
 */
#ifndef APP_HTTP_STREAM_H
#define APP_HTTP_STREAM_H

#include "app/http/message.h"

#include <strata/rt.h>

struct http_stream {
    struct strata_rt *rt;
    struct strata_conn *conn;
    uint8_t *buffer; /**< Bytes start .. end were read and not consumed. */
    size_t size, start, end;
    bool ended; /**< The peer has finished its direction. */
    /* The body that is being read. */
    struct http_framing framing;
    struct http_chunks chunks;
    uint64_t left_bytes, body_bytes;
    bool body_done;
};

/** @return 0, -ENOMEM. `size` at least HTTP_HEAD_MAX_BYTES. Takes the connection over. */
int http_stream_init(struct http_stream *stream, struct strata_rt *rt, struct strata_conn *conn, size_t size);
/** Frees the buffer and closes the connection. */
void http_stream_close(struct http_stream *stream);
/** Reads more behind what is there. @return bytes read; 0 at the end of the stream; -ENOBUFS: full; an errno.
 */
int64_t http_stream_fill(struct http_stream *stream, strata_time deadline);
/** Bytes that have come and were not consumed. */
size_t http_stream_pending(const struct http_stream *stream);
/** Begins to read a body. */
void http_stream_body_begin(struct http_stream *stream, const struct http_framing *framing);
/**
 * The next bytes of the body, in the stream's buffer and valid until the next call.
 * @return 1; 0: the body is complete; -EBADMSG; -EPIPE: the stream ended before the body did; another errno.
 */
int http_stream_body(struct http_stream *stream, const uint8_t **data, size_t *length, strata_time deadline);

#endif
