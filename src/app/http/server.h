/**
 * The parts of the HTTP server that its files share: the server, and one session per connection.
 */
#ifndef APP_HTTP_SERVER_H
#define APP_HTTP_SERVER_H

#include "app/http/stream.h"

/* Patience with peers. A whole head must come within HEAD, the next request begin within IDLE; a body and
 * what we write must move at BODY_RATE on the average after GRACE. */
#define HTTP_SERVER_HEAD_NS (20 * STRATA_SECOND)
#define HTTP_SERVER_IDLE_NS (60 * STRATA_SECOND)
#define HTTP_SERVER_GRACE_NS (60 * STRATA_SECOND)
#define HTTP_SERVER_BODY_RATE 1024 /* bytes per second */
/** A request body that nobody wants is read up to this, so that the connection can go on. */
#define HTTP_SERVER_DRAIN_BYTES (1u << 20)
/** Connections beyond those that are served which get an answer that says so. */
#define HTTP_SERVER_REFUSALS 64
#define HTTP_SERVER_INPUT_BYTES 65536u
#define HTTP_SERVER_OUTPUT_BYTES 131072u

struct http_server {
    struct strata_rt *rt;
    const char *folder;
    bool allow_put, listing, log;
    int64_t sessions, sessions_max;
};

/** One connection, and the request that is being answered on it. */
struct http_session {
    struct http_server *server;
    struct strata_rt *rt;
    struct http_stream stream;
    struct strata_endpoint peer;
    struct http_head head; /**< Its slices lie in the stream's buffer: gone once a body is read. */
    struct http_slice target;
    bool close;      /**< Ends after this response. */
    bool failed;     /**< The connection is of no use any more. */
    bool overloaded; /**< One connection too many: it hears 503. */
    bool expects;    /**< The client waits for 100 (Continue). */
    int minor;
    enum http_method method;
    char *out; /**< HTTP_SERVER_OUTPUT_BYTES, while a response is made. */
    struct http_maker maker;
    int status;
    char good_way[HTTP_PATH_MAX * 2]; /**< A path of folders that are no links. */
    uint64_t sent_bytes;              /**< Of content, for the log. */
};

/** Begins a response head with status, Date, Server and Connection. */
void http_session_begin(struct http_session *session, int status);
/** Ends the head and sends it with the content that follows it in memory. */
void http_session_send(struct http_session *session, const char *content, size_t length);
/** A whole response with a sentence as content. `field` and `value` are one more field, or NULL. */
void http_session_answer(struct http_session *session, int status, const char *field, const char *value);
/** Writes bytes; failed when the peer does not take them in time. */
void http_session_write(struct http_session *session, const void *data, size_t size);

/** Answers GET and HEAD. */
void http_session_get(struct http_session *session);
/** Answers PUT. */
void http_session_put(struct http_session *session);
/** A listing of a folder ("" or "a/b"), whose path on the disk is `path`. */
void http_session_listing(struct http_session *session, const char *path, const char *relative);

/** The path on the disk of what the request's target names. @return 0, or -status. */
int http_session_path(struct http_session *session, char *path, size_t size, char relative[HTTP_PATH_MAX],
                      bool *folder);
/** Makes an entity tag from size and time; weak while the file may still change within the second. */
void http_session_etag(struct http_session *session, const struct strata_stat *stat, char *text, size_t size);
/** Writes a path percent-encoded, so that it can stand in a URL. @return its length, cut to size - 1. */
size_t http_encode_path(const char *path, char *text, size_t size);

#endif
