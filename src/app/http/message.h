/**
 * HTTP/1.1 messages as bytes (RFC 9112) and the parts of their meaning that need no file or socket
 * (RFC 9110): heads, framing, chunks, dates, ranges, preconditions, targets and URLs.
 *
 * Everything here is pure: bytes in, decisions out. Parsers hand out slices of the caller's bytes, allocate
 * nothing and are strict where leniency lets requests be smuggled. What a request may not be is returned as
 * minus the status that answers it (-400, -414 ...).
 */
#ifndef APP_HTTP_MESSAGE_H
#define APP_HTTP_MESSAGE_H

#include "base/bytes.h"

/** Bounds: the whole head, the request target (RFC 9112 3 advises 8000), the method, fields per head. */
#define HTTP_HEAD_MAX_BYTES 16384u
#define HTTP_TARGET_MAX_BYTES 8192u
#define HTTP_METHOD_MAX_BYTES 24u
#define HTTP_FIELDS_MAX 96u
/** Chunk extensions and trailers of one message together (RFC 9112 7.1.1). */
#define HTTP_CHUNK_EXTRA_MAX_BYTES 8192u

/** Some of the caller's bytes; text may be NULL if length is 0. */
struct http_slice {
    const char *text;
    size_t length;
};
struct http_field {
    struct http_slice name, value;
};

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_CONNECT,
    HTTP_OPTIONS,
    HTTP_TRACE,
    HTTP_PATCH,
    HTTP_UNKNOWN,
};

/** The head of a request or response: start line and fields. */
struct http_head {
    enum http_method method;
    struct http_slice method_text, target; /**< Of a request. */
    int status;                            /**< Of a response, 100 to 999. */
    struct http_slice reason;
    int minor; /**< 0 for HTTP/1.0, 1 for HTTP/1.1 and above. */
    unsigned field_count;
    struct http_field fields[HTTP_FIELDS_MAX];
};

/**
 * Parses a request head from the bytes that have come so far.
 * @return its length with the empty line; 0: more bytes are needed; minus the status that refuses it.
 */
int http_request_parse(struct http_head *head, const void *bytes, size_t size);
/** Likewise of a response; -EBADMSG if it is none. */
int http_response_parse(struct http_head *head, const void *bytes, size_t size);
/** What the target names: a path with query ("/..."), "*", or host:port of CONNECT; its authority if it has
 * one.
 * @return 0, or -400: a form that does not fit the method, or Host missing, doubled or invalid. */
int http_request_target(const struct http_head *head, struct http_slice *target,
                        struct http_slice *authority);

bool http_slice_is(struct http_slice slice, const char *text);        /**< Byte by byte. */
bool http_slice_is_nocase(struct http_slice slice, const char *text); /**< ASCII case ignored. */
/** The `index`-th field of this name, in the order received; NULL: no more. */
const struct http_field *http_field_find(const struct http_head *head, const char *name, unsigned index);
/** Whether a list field (all its lines) has this token, ASCII case ignored. */
bool http_field_has_token(const struct http_head *head, const char *name, const char *token);
/** Takes the next element off a comma separated list, trimmed; empty ones are passed over. */
bool http_list_next(struct http_slice *list, struct http_slice *element);
/** Whether the connection ends after this message: Connection: close, or HTTP/1.0 without keep-alive. */
bool http_head_closes(const struct http_head *head);
/** Reads decimal digits only. @return 0, or -EINVAL: none, others, or more than 64 bits. */
int http_number(struct http_slice text, uint64_t *number);
bool http_is_token_byte(unsigned char c);
/** A reason phrase for a status, "" if it has none. */
const char *http_reason(int status);

/* ---- Framing ------------------------------------------------------------------------------------- */

enum http_body {
    HTTP_BODY_NONE,
    HTTP_BODY_LENGTH,
    HTTP_BODY_CHUNKED,
    HTTP_BODY_UNTIL_CLOSE, /**< Of responses only. */
};
struct http_framing {
    enum http_body body;
    uint64_t length; /**< With HTTP_BODY_LENGTH. */
};
/** How long the body of a request is (RFC 9112 6.3). @return 0, or -400, -501; then close the connection. */
int http_request_framing(const struct http_head *head, struct http_framing *framing);
/** Of a response to `method`. @return 0, or -EBADMSG. */
int http_response_framing(const struct http_head *head, enum http_method method,
                          struct http_framing *framing);

/** Decodes chunks (RFC 9112 7.1); zero-initialised. */
struct http_chunks {
    uint8_t state;
    uint8_t digits;
    uint64_t left_bytes;  /**< Of the chunk that is being read. */
    uint32_t extra_bytes; /**< Extensions and trailers so far. */
};
/**
 * Takes bytes of a chunked body: `used` of them, of which `data` (length bytes, maybe none) is content.
 * @return 1 after the last byte of the trailer section, 0: call again with the rest, -EBADMSG.
 */
int http_chunks_take(struct http_chunks *chunks, const uint8_t *bytes, size_t size, size_t *used,
                     const uint8_t **data, size_t *length);

/* ---- Making heads -------------------------------------------------------------------------------- */

/** Writes text into a bounded head. */
struct http_maker {
    char *text;
    size_t length, size;
    bool failed; /**< Something did not fit, or a value held CR, LF or NUL. */
};
void http_make_line(struct http_maker *maker, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** A field line; refuses what would be another line (RFC 9112 11.1). */
void http_make_field(struct http_maker *maker, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** The empty line. */
void http_make_end(struct http_maker *maker);

/* ---- Dates --------------------------------------------------------------------------------------- */

#define HTTP_DATE_TEXT 30
/** "Sun, 06 Nov 1994 08:49:37 GMT" from seconds since 1970 (years 1970 to 9999). */
void http_date_format(int64_t seconds, char text[HTTP_DATE_TEXT]);
/** Reads any of the three formats of RFC 9110 5.6.7; `now_s` settles two-digit years. @return 0, -EINVAL. */
int http_date_parse(struct http_slice text, int64_t now_s, int64_t *seconds);

/* ---- Ranges and preconditions -------------------------------------------------------------------- */

#define HTTP_RANGES_MAX 16u
struct http_range {
    uint64_t first, last; /**< Both included. */
};
/**
 * Reads a Range field for content of `size` bytes. @return how many ranges are satisfiable (in `ranges`);
 * 0: the field is to be ignored; -416: none can be satisfied.
 */
int http_range_parse(struct http_slice value, uint64_t size, struct http_range ranges[HTTP_RANGES_MAX]);

/** What a resource is now, for preconditions. */
struct http_validators {
    bool exists;
    const char *etag; /**< With quotes, maybe W/ before it. */
    int64_t modified_s;
    int64_t now_s;
};
/** Evaluates If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since in the order of RFC 9110 13.2.2.
 * @return 0: go on; 304; 412. */
int http_condition(const struct http_head *head, const struct http_validators *resource);
/** Whether a Range may be honoured: no If-Range, or one that holds. */
bool http_condition_range(const struct http_head *head, const struct http_validators *resource);

/* ---- Targets and URLs ---------------------------------------------------------------------------- */

#define HTTP_PATH_MAX 1024u
/**
 * The relative path in a folder that a target ("/a/b%20c?q") names; "" is the folder itself. Decodes percent
 * escapes, drops the query, removes dot segments and never leaves the folder. @return 0, or -400: bad
 * escapes, NUL or an escaped slash, a path that climbs out; -414: too long.
 */
int http_target_path(struct http_slice target, char path[HTTP_PATH_MAX], bool *folder);

#define HTTP_HOST_MAX 256u
/** An http URL in parts. */
struct http_url {
    char host[HTTP_HOST_MAX]; /**< A name or an address, without brackets. */
    uint16_t port;
    bool literal6;                  /**< The host stood in brackets. */
    char target[HTTP_PATH_MAX * 2]; /**< Path and query, at least "/". */
};
/** Reads "http://host:port/path?query"; without scheme as well. @return 0, -EINVAL, -EPROTONOSUPPORT (https).
 */
int http_url_parse(struct http_slice text, struct http_url *url);
/** What a Location says, seen from `base`. @return 0, -EINVAL, -EPROTONOSUPPORT. */
int http_url_resolve(const struct http_url *base, struct http_slice location, struct http_url *url);
/** Host, and port unless it is 80, as the Host field wants it. */
void http_url_authority(const struct http_url *url, char *text, size_t size);

/** The media type of a file name. */
const char *http_media_type(const char *path);

#endif
