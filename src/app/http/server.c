/**
 * The HTTP/1.1 server of a folder: connections, requests in turn, and errors (RFC 9112 9, RFC 9110 9, 15).
 *
 * One fiber per connection. Requests are answered in the order they came (RFC 9112 9.3.2); what is read ahead
 * stays in the stream's buffer. A request that could be read in two ways ends the connection after its
 * answer.
 */
#include "app/http/server.h"
#include "app/options.h"
#include "app/programs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int64_t wall_s(struct http_session *session)
{
    return strata_rt_wall(session->rt) / STRATA_SECOND;
}

void http_session_write(struct http_session *session, const void *data, size_t size)
{
    if (session->failed)
        return;
    strata_time limit = HTTP_SERVER_GRACE_NS + (strata_time)(size / HTTP_SERVER_BODY_RATE) * STRATA_SECOND;
    int64_t sent = strata_rt_write(session->stream.conn, data, size, strata_rt_now(session->rt) + limit);
    if (sent != (int64_t)size)
        session->failed = true;
}

void http_session_begin(struct http_session *session, int status)
{
    char date[HTTP_DATE_TEXT];
    http_date_format(wall_s(session), date);
    session->status = status;
    session->maker = (struct http_maker){session->out, 0, HTTP_SERVER_OUTPUT_BYTES, false};
    http_make_line(&session->maker, "HTTP/1.1 %d %s", status, http_reason(status));
    http_make_field(&session->maker, "Date", "%s", date); // RFC 9110-10
    http_make_field(&session->maker, "Server", "strata");
    if (session->close)
        http_make_field(&session->maker, "Connection", "close");
    else if (session->minor == 0)
        http_make_field(&session->maker, "Connection", "keep-alive");
}

void http_session_send(struct http_session *session, const char *content, size_t length)
{
    struct http_maker *maker = &session->maker;
    http_make_end(maker);
    if (maker->failed || length > maker->size - maker->length) {
        session->failed = true;
        return;
    }
    if (session->method == HTTP_HEAD) // RFC 9110-2
        length = 0;
    if (length > 0)
        memcpy(maker->text + maker->length, content, length);
    session->sent_bytes += length;
    http_session_write(session, maker->text, maker->length + length);
}

void http_session_answer(struct http_session *session, int status, const char *field, const char *value)
{
    char content[128];
    int length = 0;
    http_session_begin(session, status);
    if (field)
        http_make_field(&session->maker, field, "%s", value);
    if (status != 204 && status != 304) {
        length = snprintf(content, sizeof content, "%d %s\n", status, http_reason(status));
        http_make_field(&session->maker, "Content-Type", "text/plain; charset=utf-8");
        http_make_field(&session->maker, "Content-Length", "%d", length);
    }
    http_session_send(session, content, (size_t)length);
}

/* ---- One request --------------------------------------------------------------------------------- */

/** Reads a whole head. @return its length; 0: the peer has closed; minus a status; -EPIPE: give up in
 * silence. */
static int read_head(struct http_session *session)
{
    struct http_stream *stream = &session->stream;
    strata_time now = strata_rt_now(session->rt);
    strata_time deadline =
        now + (http_stream_pending(stream) > 0 ? HTTP_SERVER_HEAD_NS : HTTP_SERVER_IDLE_NS);
    bool begun = http_stream_pending(stream) > 0;
    for (;;) {
        if (http_stream_pending(stream) > 0) {
            int result = http_request_parse(&session->head, stream->buffer + stream->start,
                                            http_stream_pending(stream));
            if (result != 0)
                return result;
        }
        int64_t got = http_stream_fill(stream, deadline);
        if (got == -ETIMEDOUT)
            return begun ? -408 : 0;
        if (got <= 0)
            return got < 0 || begun ? -EPIPE : 0;
        if (!begun)
            deadline = strata_rt_now(session->rt) + HTTP_SERVER_HEAD_NS;
        begun = true;
    }
}

/** Checks what every request must fulfil. @return 0, or the status that refuses it. */
static int check_request(struct http_session *session, struct http_framing *framing)
{
    const struct http_head *head = &session->head;
    struct http_slice authority;
    session->method = head->method;
    session->minor = head->minor;
    session->close = http_head_closes(head);
    int result = http_request_framing(head, framing);
    if (result == 0)
        result = http_request_target(head, &session->target, &authority);
    session->expects = false;
    if (result < 0)
        return -result;
    const struct http_field *expect = http_field_find(head, "Expect", 0);
    if (expect && head->minor > 0) { // RFC 9110-15
        if (!http_slice_is_nocase(expect->value, "100-continue"))
            return 417;
        session->expects = framing->body != HTTP_BODY_NONE;
    }
    return 0;
}

static void dispatch(struct http_session *session)
{
    const char *allow = session->server->allow_put ? "GET, HEAD, OPTIONS, PUT" : "GET, HEAD, OPTIONS";
    switch (session->method) {
    case HTTP_GET:
    case HTTP_HEAD:
        http_session_get(session);
        return;
    case HTTP_OPTIONS:
        http_session_answer(session, 204, "Allow", allow);
        return;
    case HTTP_UNKNOWN: // RFC 9110-1
        http_session_answer(session, 501, NULL, NULL);
        return;
    case HTTP_PUT:
        if (session->server->allow_put) {
            http_session_put(session);
            return;
        }
        break;
    default:
        break;
    }
    http_session_answer(session, 405, "Allow", allow);
}

/** Reads what is left of the request's body, so that the next request is found (RFC 9112-32). */
static void drain_body(struct http_session *session)
{
    struct http_stream *stream = &session->stream;
    strata_time deadline = strata_rt_now(session->rt) + HTTP_SERVER_HEAD_NS;
    uint64_t limit = stream->body_bytes + HTTP_SERVER_DRAIN_BYTES;
    // A client that waits for 100 (Continue) and was told otherwise may or may not send its body.
    if (session->expects && !stream->body_done)
        session->close = true;
    while (!session->close && !session->failed && !stream->body_done) {
        const uint8_t *data;
        size_t length;
        if (http_stream_body(stream, &data, &length, deadline) < 0 || stream->body_bytes > limit)
            session->close = true;
    }
}

static void log_request(struct http_session *session, const char *line)
{
    if (!session->server->log)
        return;
    char peer[STRATA_ENDPOINT_TEXT];
    strata_endpoint_format(&session->peer, peer, sizeof peer);
    strata_rt_print(session->rt, "http-server: %s \"%s\" %d, %llu bytes%s\n", peer, line, session->status,
                    (unsigned long long)session->sent_bytes, session->failed ? ", broken off" : "");
}

/** Reads and answers one request. @return false: the connection is over. */
static bool serve_request(struct http_session *session)
{
    struct http_framing framing = {HTTP_BODY_NONE, 0};
    char line[160] = "-";
    int length = read_head(session);
    if (length == 0 || length == -EPIPE)
        return false;
    session->sent_bytes = 0;
    session->out = malloc(HTTP_SERVER_OUTPUT_BYTES);
    if (!session->out)
        return false;
    if (length < 0) { // No request that could be understood: RFC 9112-6.
        session->method = HTTP_GET;
        session->minor = 1;
        session->close = true;
        http_session_answer(session, -length, NULL, NULL);
    } else {
        const struct http_head *head = &session->head;
        snprintf(line, sizeof line, "%.*s %.*s", (int)head->method_text.length, head->method_text.text,
                 (int)head->target.length, head->target.text);
        session->stream.start += (size_t)length;
        int refused = session->overloaded ? 503 : check_request(session, &framing);
        if (refused) {
            session->close = true;
            http_session_answer(session, refused, NULL, NULL);
        } else {
            http_stream_body_begin(&session->stream, &framing);
            dispatch(session);
            drain_body(session);
        }
    }
    log_request(session, line);
    free(session->out);
    session->out = NULL;
    return !session->close && !session->failed;
}

/** Half-closes, and reads on for a moment so that no RST destroys the last response (RFC 9112-35). */
static void linger(struct http_session *session)
{
    struct http_stream *stream = &session->stream;
    strata_time deadline = strata_rt_now(session->rt) + 2 * STRATA_SECOND;
    size_t total = 0;
    if (session->failed || strata_rt_shutdown(stream->conn, STRATA_SHUTDOWN_WRITE) < 0)
        return;
    while (total < 4 * HTTP_SERVER_DRAIN_BYTES) {
        stream->start = stream->end = 0;
        int64_t got = http_stream_fill(stream, deadline);
        if (got <= 0)
            return;
        total += (size_t)got;
    }
}

/* ---- Connections --------------------------------------------------------------------------------- */

static void session_main(void *argument)
{
    struct http_session *session = argument;
    struct http_server *server = session->server;
    strata_rt_set_option(session->stream.conn, STRATA_OPTION_NO_DELAY, 1);
    while (serve_request(session))
        ;
    linger(session);
    http_stream_close(&session->stream);
    server->sessions--;
    free(session);
}

static void start_session(struct http_server *server, struct strata_conn *conn,
                          const struct strata_endpoint *peer)
{
    // A few more than are served are told so; those beyond are cut off.
    bool refused = server->sessions >= server->sessions_max + HTTP_SERVER_REFUSALS;
    struct http_session *session = refused ? NULL : calloc(1, sizeof *session);
    if (!session) {
        strata_rt_abort(conn);
        return;
    }
    session->overloaded = server->sessions >= server->sessions_max;
    session->server = server;
    session->rt = server->rt;
    session->peer = *peer;
    if (http_stream_init(&session->stream, server->rt, conn, HTTP_SERVER_INPUT_BYTES) < 0 ||
        strata_rt_spawn(server->rt, "http-session", session_main, session, NULL) < 0) {
        http_stream_close(&session->stream);
        free(session);
        return;
    }
    server->sessions++;
}

int program_http_server(struct strata_rt *rt, int argc, char **argv)
{
    struct http_server server = {.rt = rt, .folder = ".", .sessions_max = 1024};
    int64_t port = 80;
    const struct option_entry entries[] = {
        {"--port", OPTION_NUMBER, &port, 0, 65535},
        {"--allow-put", OPTION_FLAG, &server.allow_put, 0, 0},
        {"--listing", OPTION_FLAG, &server.listing, 0, 0},
        {"--log", OPTION_FLAG, &server.log, 0, 0},
        {"--connections", OPTION_NUMBER, &server.sessions_max, 1, 1000000},
    };
    int words = options_parse(
        rt, argc, argv, "http-server [DIR] [--port N] [--allow-put] [--listing] [--log] [--connections N]",
        entries, sizeof entries / sizeof *entries, &server.folder, 1);
    if (words < 0)
        return 2;
    struct strata_stat stat;
    int result = strata_rt_stat(rt, server.folder, &stat);
    if (result < 0 || !stat.folder) {
        strata_rt_complain(rt, "http-server: %s: %s\n", server.folder,
                           result < 0 ? error_text(result) : "not a folder");
        return 1;
    }
    struct strata_endpoint local = {.port = (uint16_t)port};
    struct strata_conn *listener, *conn;
    result = strata_rt_listen(rt, &local, 512, &listener);
    if (result < 0) {
        strata_rt_complain(rt, "http-server: cannot listen at port %d: %s\n", (int)port, error_text(result));
        return 1;
    }
    if (strata_rt_local(listener, &local) == 0)
        strata_rt_print(rt, "http-server: serving %s at port %u\n", server.folder, local.port);
    for (;;) {
        struct strata_endpoint peer = {0};
        result = strata_rt_accept(listener, STRATA_NEVER, &conn, &peer);
        if (result == 0)
            start_session(&server, conn, &peer);
        else if (result == -ECANCELED ||
                 strata_rt_sleep(rt, strata_rt_now(rt) + 100 * STRATA_MILLISECOND) < 0)
            break; // Otherwise it passes: a connection that was gone before it was taken, or no memory.
    }
    strata_rt_close(listener);
    strata_rt_join(rt, STRATA_NEVER);
    return 0;
}
