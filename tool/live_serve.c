/*
 * The server of a live lab: HTTP/1.1 on the loopback by the project's own runtime and parser. A fiber per
 * connection.
 *
 * Who may do what. The address holds a token of 128 random bits, without which there is nothing but 404. That
 * keeps out other users and other pages, which cannot know it. Besides: the Host field must be ours, so that
 * no name that points to 127.0.0.1 leads here (DNS rebinding); an Origin must be ours, and a browser that
 * says where a request comes from (Sec-Fetch-Site) must say from here; what changes something is POST of
 * JSON, which a foreign page cannot send without being asked first, and the answer to that is no.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <strata/rt.h>

#include "app/http/stream.h"
#include "lab/page.h"
#include "tool/live.h"

#define CONNECTIONS_MOST 24u
#define BODY_MOST 4096u
#define HEAD_PATIENCE (10 * STRATA_SECOND)
#define IDLE_PATIENCE (60 * STRATA_SECOND)
#define WRITE_PATIENCE (30 * STRATA_SECOND)
#define HEARTBEAT (15 * STRATA_SECOND)

struct piece {
    char *text;
    size_t length;
};

struct live_server {
    struct live *live;
    struct strata_kernel *kernel;
    struct strata_rt *rt;
    struct strata_conn *listener;
    uint16_t port;
    char token[33];
    char address[100];
    struct piece *news; /**< All of them: who comes late hears all. */
    unsigned news_count, news_room;
    uint64_t version; /**< Of what live_state says. */
    unsigned connections;
    struct strata_fiber *hearers[CONNECTIONS_MOST];
    bool asked; /**< Somebody asked for something since the last poll. */
};

struct session {
    struct live_server *server;
    struct http_stream stream;
    struct http_head head;
    struct http_slice target;
    bool close;
    struct strata_fiber *hearer; /**< Of news; told when the browser has gone. */
    bool gone;
};

/* ---- Answers ---------------------------------------------------------------------------------------- */

static bool write_all(struct session *session, const void *data, size_t size)
{
    strata_time limit = strata_rt_now(session->server->rt) + WRITE_PATIENCE;
    if (strata_rt_write(session->stream.conn, data, size, limit) == (int64_t)size)
        return true;
    session->close = true;
    return false;
}

static bool write_head(struct session *session, int status, const char *type, size_t length, bool stream)
{
    char text[2048], policy[PAGE_POLICY_BYTES];
    struct http_maker maker = {text, 0, sizeof text, false};
    page_policy(policy, true);
    http_make_line(&maker, "HTTP/1.1 %d %s", status, http_reason(status));
    http_make_field(&maker, "Content-Type", "%s", type);
    if (!stream)
        http_make_field(&maker, "Content-Length", "%zu", length);
    http_make_field(&maker, "Cache-Control", "no-store");
    http_make_field(&maker, "Content-Security-Policy", "%s", policy);
    http_make_field(&maker, "X-Content-Type-Options", "nosniff");
    http_make_field(&maker, "X-Frame-Options", "DENY");
    http_make_field(&maker, "Referrer-Policy", "no-referrer");
    http_make_field(&maker, "Cross-Origin-Resource-Policy", "same-origin");
    http_make_field(&maker, "Cross-Origin-Opener-Policy", "same-origin");
    if (stream || session->close) {
        session->close = true;
        http_make_field(&maker, "Connection", "close");
    }
    http_make_end(&maker);
    if (maker.failed)
        session->close = true;
    return !maker.failed && write_all(session, maker.text, maker.length);
}

static void answer(struct session *session, int status, const char *type, const char *content, size_t length)
{
    if (write_head(session, status, type, length, false) && session->head.method != HTTP_HEAD)
        write_all(session, content, length);
}

static void answer_text(struct session *session, int status, const char *sentence)
{
    char line[400];
    int length = snprintf(line, sizeof line, "%s\n", sentence);
    answer(session, status, "text/plain; charset=utf-8", line, (size_t)length);
}

/* ---- Who may ask ------------------------------------------------------------------------------------ */

/** Whether a text is `before`, then 127.0.0.1 or localhost, and our port. */
static bool is_ours(const struct live_server *server, struct http_slice value, const char *before)
{
    static const char *const names[] = {"127.0.0.1", "localhost"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char wanted[80];
        snprintf(wanted, sizeof wanted, "%s%s:%u", before, names[i], (unsigned)server->port);
        if (http_slice_is_nocase(value, wanted))
            return true;
        snprintf(wanted, sizeof wanted, "%s%s", before, names[i]);
        if (server->port == 80 && http_slice_is_nocase(value, wanted))
            return true;
    }
    return false;
}

/** @return NULL, or a sentence that refuses the request. */
static const char *foreign(const struct session *session)
{
    const struct http_field *host = http_field_find(&session->head, "Host", 0);
    const struct http_field *origin = http_field_find(&session->head, "Origin", 0);
    const struct http_field *site = http_field_find(&session->head, "Sec-Fetch-Site", 0);
    if (!host || !is_ours(session->server, host->value, ""))
        return "This lab answers only to 127.0.0.1 and localhost.";
    if (origin && !is_ours(session->server, origin->value, "http://"))
        return "Other pages may not drive this lab.";
    if (site && !http_slice_is_nocase(site->value, "same-origin") &&
        !http_slice_is_nocase(site->value, "none"))
        return "Other pages may not drive this lab.";
    return NULL;
}

/** The part of the target behind the token, or NULL: the token is not ours. In the same time for every wrong
 * token. */
static const char *behind_token(const struct session *session, char room[64])
{
    const struct http_slice *target = &session->target;
    size_t size = sizeof session->server->token - 1;
    if (target->length < size + 2 || target->length - size - 2 >= 64 || target->text[0] != '/' ||
        target->text[size + 1] != '/')
        return NULL;
    unsigned different = 0;
    for (size_t i = 0; i < size; i++)
        different |= (unsigned char)target->text[i + 1] ^ (unsigned char)session->server->token[i];
    if (different)
        return NULL;
    memcpy(room, target->text + size + 2, target->length - size - 2);
    room[target->length - size - 2] = '\0';
    return room;
}

/* ---- What is asked for ------------------------------------------------------------------------------ */

static int gather(void *context, const char *text, size_t length)
{
    struct piece *to = context;
    char *larger = realloc(to->text, to->length + length + 1);
    if (!larger)
        return -ENOMEM;
    to->text = larger;
    memcpy(to->text + to->length, text, length);
    to->length += length;
    return 0;
}

static void give_page(struct session *session)
{
    struct piece page = {0};
    if (page_write(NULL, NULL, gather, &page) == 0)
        answer(session, 200, "text/html; charset=utf-8", page.text, page.length);
    else
        answer_text(session, 500, "Out of memory.");
    free(page.text);
}

static void give_packets(struct session *session)
{
    size_t length;
    char *text = live_packets(session->server->live, &length);
    if (text)
        answer(session, 200, "application/x-pcapng", text, length);
    else
        answer_text(session, 500, "Out of memory.");
    free(text);
}

/** One event of text/event-stream. */
static bool write_event(struct session *session, const char *name, const char *text, size_t length)
{
    char head[60];
    int size = snprintf(head, sizeof head, "event: %s\ndata: ", name);
    return write_all(session, head, (size_t)size) && write_all(session, text, length) &&
           write_all(session, "\n\n", 2);
}

/** A browser that listens says nothing more: when its connection can be read, it has ended. */
static void watch_browser(void *argument)
{
    struct session *session = argument;
    char rest[64];
    while (strata_rt_read(session->stream.conn, rest, sizeof rest, STRATA_NEVER) > 0)
        continue;
    session->gone = true;
    strata_rt_wake_fiber(session->server->rt, session->hearer);
}

/** News and states, until the browser goes away. */
static void tell_events(struct session *session)
{
    struct live_server *server = session->server;
    unsigned heard = 0;
    uint64_t version = 0;
    bool well = write_head(session, 200, "text/event-stream", 0, true);
    while (well && !session->gone) {
        if (heard < server->news_count) {
            // The list may move while we wait for the peer, the text does not.
            struct piece piece = server->news[heard++];
            well = write_event(session, "news", piece.text, piece.length);
        } else if (version != server->version) {
            version = server->version;
            const char *state = live_state(server->live);
            char *copy = state ? strdup(state) : NULL;
            well = copy && write_event(session, "state", copy, strlen(copy));
            free(copy);
        } else {
            int woken = strata_rt_park(server->rt, strata_rt_now(server->rt) + HEARTBEAT);
            well = woken == 0 || (woken == -ETIMEDOUT && write_all(session, ": still here\n\n", 14));
        }
    }
}

static void give_events(struct session *session)
{
    struct live_server *server = session->server;
    struct strata_fiber *watcher = NULL;
    unsigned place = 0;
    session->close = true;
    while (place < CONNECTIONS_MOST && server->hearers[place])
        place++;
    session->hearer = strata_rt_self(server->rt);
    if (place == CONNECTIONS_MOST ||
        strata_rt_spawn(server->rt, "watch", watch_browser, session, &watcher) != 0) {
        answer_text(session, 503, "Too many pages listen already.");
        return;
    }
    server->hearers[place] = session->hearer;
    tell_events(session);
    server->hearers[place] = NULL;
    strata_rt_cancel(server->rt, watcher);
    strata_rt_join(server->rt, STRATA_NEVER);
}

static void obey(struct session *session, const char *body, size_t length)
{
    const struct http_field *type = http_field_find(&session->head, "Content-Type", 0);
    if (!type || !(http_slice_is_nocase(type->value, "application/json") ||
                   http_slice_is_nocase(type->value, "application/json; charset=utf-8"))) {
        answer_text(session, 415, "Commands are application/json.");
        return;
    }
    const char *problem = live_command(session->server->live, body, length);
    session->server->asked = true;
    if (problem)
        answer_text(session, 400, problem);
    else
        answer_text(session, 200, "done");
}

static void dispatch(struct session *session, const char *body, size_t length)
{
    char room[64];
    const char *problem = foreign(session);
    const char *path = problem ? NULL : behind_token(session, room);
    bool get = session->head.method == HTTP_GET || session->head.method == HTTP_HEAD;
    if (problem)
        answer_text(session, 403, problem);
    else if (!path)
        answer_text(session, 404, "Nothing is here: the address that strata printed has a token in it.");
    else if (get && *path == '\0')
        give_page(session);
    else if (get && strcmp(path, "events") == 0)
        give_events(session);
    else if (get && strcmp(path, "packets.pcapng") == 0)
        give_packets(session);
    else if (session->head.method == HTTP_POST && strcmp(path, "do") == 0)
        obey(session, body, length);
    else if (get ? strcmp(path, "do") == 0 : strcmp(path, "do") != 0)
        answer_text(session, 405, "That cannot be asked for in this way.");
    else
        answer_text(session, 404, "Nothing is here.");
}

/* ---- Connections ------------------------------------------------------------------------------------ */

/** Reads a head. @return its length, 0: the peer has gone, or minus the status that refuses it. */
static int read_head(struct session *session)
{
    struct http_stream *stream = &session->stream;
    strata_time begun = strata_rt_now(session->server->rt);
    strata_time deadline = begun + IDLE_PATIENCE;
    for (;;) {
        size_t pending = http_stream_pending(stream);
        int length =
            pending ? http_request_parse(&session->head, stream->buffer + stream->start, pending) : 0;
        if (length != 0)
            return length;
        if (pending && deadline > begun + HEAD_PATIENCE)
            deadline = strata_rt_now(session->server->rt) + HEAD_PATIENCE;
        int64_t got = http_stream_fill(stream, deadline);
        if (got <= 0)
            return 0;
    }
}

/** Reads a body of at most BODY_MOST bytes. @return its length, or minus the status that refuses it. */
static int read_body(struct session *session, char *body)
{
    struct http_framing framing;
    struct http_slice authority;
    size_t length = 0, size;
    const uint8_t *data;
    int result = http_request_framing(&session->head, &framing);
    if (result == 0)
        result = http_request_target(&session->head, &session->target, &authority);
    if (result < 0)
        return result;
    if (framing.body == HTTP_BODY_NONE)
        return 0;
    http_stream_body_begin(&session->stream, &framing);
    strata_time deadline = strata_rt_now(session->server->rt) + HEAD_PATIENCE;
    while ((result = http_stream_body(&session->stream, &data, &size, deadline)) > 0) {
        if (size > BODY_MOST - length)
            return -413;
        memcpy(body + length, data, size);
        length += size;
    }
    return result < 0 ? -400 : (int)length;
}

/** One request. The head lies in the stream's buffer, which reading a body moves: so commands, which have
 * one, are copied first. @return false: that was the last one. */
static bool serve_request(struct session *session)
{
    char copy[HTTP_HEAD_MAX_BYTES], body[BODY_MOST];
    int head = read_head(session);
    if (head == 0)
        return false;
    if (head < 0) {
        session->close = true;
        answer_text(session, -head, "This is no request that can be understood.");
        return false;
    }
    memcpy(copy, session->stream.buffer + session->stream.start, (size_t)head);
    if (http_request_parse(&session->head, copy, (size_t)head) != head)
        return false;
    session->stream.start += (size_t)head;
    session->close = http_head_closes(&session->head);
    int length = read_body(session, body);
    if (length < 0) {
        session->close = true;
        answer_text(session, -length, "This is no request that can be understood.");
        return false;
    }
    dispatch(session, body, (size_t)length);
    return !session->close;
}

static void serve_connection(void *argument)
{
    struct session *session = argument;
    struct live_server *server = session->server;
    while (serve_request(session))
        continue;
    http_stream_close(&session->stream);
    server->connections--;
    free(session);
}

static void begin_session(struct live_server *server, struct strata_conn *conn)
{
    struct session *session = server->connections < CONNECTIONS_MOST ? calloc(1, sizeof *session) : NULL;
    if (!session) {
        strata_rt_abort(conn);
        return;
    }
    session->server = server;
    if (http_stream_init(&session->stream, server->rt, conn, 2 * HTTP_HEAD_MAX_BYTES) != 0) {
        strata_rt_abort(conn);
        free(session);
        return;
    }
    server->connections++;
    if (strata_rt_spawn_sized(server->rt, "browser", 256 * 1024, serve_connection, session, NULL) != 0) {
        http_stream_close(&session->stream);
        server->connections--;
        free(session);
    }
}

static void accept_browsers(void *argument)
{
    struct live_server *server = argument;
    struct strata_conn *conn;
    for (;;) {
        int error = strata_rt_accept(server->listener, STRATA_NEVER, &conn, NULL);
        if (error == 0)
            begin_session(server, conn);
        else if (error == -ECANCELED || error == -EBADF ||
                 strata_rt_sleep(server->rt, strata_rt_now(server->rt) + STRATA_SECOND / 10) != 0)
            return;
    }
}

/* ---- For live.c ------------------------------------------------------------------------------------- */

static int open_listener(struct live_server *server, uint16_t port)
{
    struct strata_endpoint local;
    int error = strata_endpoint_parse("127.0.0.1:0", &local);
    if (error)
        return error;
    local.port = port;
    error = strata_rt_listen(server->rt, &local, 16, &server->listener);
    if (!error)
        error = strata_rt_local(server->listener, &local);
    server->port = local.port;
    return error;
}

static int make_address(struct live_server *server)
{
    uint8_t random[16];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return -EIO;
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(server->token + 2 * i, 3, "%02x", random[i]);
    snprintf(server->address, sizeof server->address, "http://127.0.0.1:%u/%s/", (unsigned)server->port,
             server->token);
    return 0;
}

int live_server_new(struct live_server **made, struct live *live, uint16_t port)
{
    struct live_server *server = calloc(1, sizeof *server);
    if (!server)
        return -ENOMEM;
    server->live = live;
    server->version = 1;
    int error = strata_kernel_new(&server->kernel);
    if (!error) {
        struct strata_rt_config config = {.size = sizeof config};
        strata_kernel_config(server->kernel, &config);
        error = strata_rt_new(&server->rt, &config);
    }
    if (!error)
        error = open_listener(server, port);
    if (!error)
        error = make_address(server);
    if (!error)
        error = strata_rt_spawn(server->rt, "accept", accept_browsers, server, NULL);
    if (error) {
        live_server_free(server);
        return error;
    }
    *made = server;
    return 0;
}

void live_server_free(struct live_server *server)
{
    if (!server)
        return;
    if (server->rt)
        strata_rt_free(server->rt);
    if (server->kernel)
        strata_kernel_free(server->kernel);
    for (unsigned i = 0; i < server->news_count; i++)
        free(server->news[i].text);
    free(server->news);
    free(server);
}

const char *live_server_address(const struct live_server *server)
{
    return server->address;
}

void live_server_poll(struct live_server *server, int64_t timeout_ns)
{
    server->asked = false;
    strata_rt_run(server->rt);
    strata_time deadline = strata_rt_deadline(server->rt), now = strata_rt_now(server->rt);
    if (server->asked || timeout_ns < 0)
        timeout_ns = 0;
    if (deadline != STRATA_NEVER && deadline - now < timeout_ns)
        timeout_ns = deadline > now ? deadline - now : 0;
    strata_kernel_poll(server->kernel, server->rt, timeout_ns, -1);
    strata_rt_run(server->rt);
}

static void wake_hearers(struct live_server *server)
{
    for (unsigned i = 0; i < CONNECTIONS_MOST; i++)
        if (server->hearers[i])
            strata_rt_wake_fiber(server->rt, server->hearers[i]);
}

void live_server_news(struct live_server *server, char *text, size_t length)
{
    if (server->news_count == server->news_room) {
        unsigned room = server->news_room ? server->news_room * 2 : 64;
        struct piece *news = realloc(server->news, room * sizeof *news);
        if (!news) {
            free(text);
            return;
        }
        server->news = news;
        server->news_room = room;
    }
    server->news[server->news_count++] = (struct piece){text, length};
    server->version++;
    wake_hearers(server);
}

void live_server_changed(struct live_server *server)
{
    server->version++;
    wake_hearers(server);
}
