/**
 * The HTTP server over Strata's TCP in a lab, spoken to in raw bytes: what it answers, in which order, and
 * when it closes the connection.
 */
#include "tests/app/stage.h"

#include <errno.h>

/** One conversation: pieces are sent with a pause between; all that comes back is kept. */
struct talk {
    const char *pieces[4];
    strata_time pause_ns;
    bool half_close; /**< Finish our direction after the last piece. */
    char reply[262144];
    size_t length;
    bool closed; /**< By the server, in order. */
    strata_time took_ns;
};

static struct talk talk;

static int talk_main(struct strata_rt *rt, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct strata_endpoint server = {.address = strata_ipv4(10, 0, 0, 1), .port = 80};
    struct strata_conn *conn;
    strata_time begin = strata_rt_now(rt);
    if (strata_rt_dial(rt, &server, begin + 5 * STRATA_SECOND, &conn) < 0)
        return 1;
    for (int i = 0; i < 4 && talk.pieces[i]; i++) {
        if (i > 0)
            strata_rt_sleep(rt, strata_rt_now(rt) + talk.pause_ns);
        strata_rt_write(conn, talk.pieces[i], strlen(talk.pieces[i]), strata_rt_now(rt) + 5 * STRATA_SECOND);
    }
    if (talk.half_close)
        strata_rt_shutdown(conn, STRATA_SHUTDOWN_WRITE);
    for (;;) {
        int64_t got = strata_rt_read(conn, talk.reply + talk.length, sizeof talk.reply - 1 - talk.length,
                                     strata_rt_now(rt) + 3 * STRATA_SECOND);
        talk.closed = got == 0;
        if (got <= 0)
            break;
        talk.length += (size_t)got;
    }
    talk.took_ns = strata_rt_now(rt) - begin;
    strata_rt_close(conn);
    return 0;
}

static struct stage *stage;
static struct strata_node *server, *client;

static void open_stage(const char *options)
{
    char line[200];
    stage = stage_new(1);
    server = stage_host(stage, "server", "10.0.0.1/24");
    client = stage_host(stage, "client", "10.0.0.2/24");
    stage_put(server, "www/index.html", "<p>home", 7);
    stage_put(server, "www/a.txt", "0123456789", 10);
    stage_put(server, "www/sub/b.txt", "b", 1);
    snprintf(line, sizeof line, "http-server www --port 80 %s", options);
    stage_start(server, line, true, NULL);
}

static void close_stage(void)
{
    stage_free(stage);
}

/** Says one thing and hears the answer. */
static const char *say(const char *request)
{
    memset(&talk, 0, sizeof talk);
    talk.pieces[0] = request;
    int status;
    stage_call(client, talk_main, "talk", false, &status);
    CHECK(stage_finish(stage, 200));
    CHECK_EQ(status, 0);
    return talk.reply;
}

static unsigned count_of(const char *text, const char *what)
{
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        count++;
    return count;
}

static bool has(const char *text)
{
    if (strstr(talk.reply, text))
        return true;
    printf("        \"%s\" is not in\n%s\n", text, talk.reply);
    return false;
}

#define HOST "Host: s\r\n"

TEST(requests_that_end_the_connection)
{
    open_stage("--allow-put");
    static const struct {
        const char *request, *status;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", "400"},                                       // RFC 9112-9
        {"GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n", "400"},                      // RFC 9112-13
        {"GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", "400"},                 // RFC 9112-14
        {"GET / HTTP/1.1\r\n" HOST "A: b\001\r\n\r\n", "400"},                   // RFC 9112-6
        {"PUT /x HTTP/1.1\r\n" HOST "Content-Length: 5, 6\r\n\r\nhello", "400"}, // RFC 9112-21
        {"PUT /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
         "400"}, // RFC 9112-20
        {"PUT /x HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
         "501"}, // RFC 9112-26
        {"PUT /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
         "400"},                                                                   // RFC 9112-18
        {"PUT /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"}, // RFC 9112-25
        {"PUT /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "400"},
        {"GET / HTTP/3.0\r\n" HOST "\r\n", "505"},
        {"GET / HTTP/1.1\r\n" HOST "Expect: a miracle\r\n\r\n", "417"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        // What stands behind the bad request must never be answered.
        char request[512];
        snprintf(request, sizeof request, "%sGET /a.txt HTTP/1.1\r\n" HOST "\r\n", cases[i].request);
        say(request);
        bool good = CHECK_MEM(talk.reply, "HTTP/1.1 ", 9) && CHECK_MEM(talk.reply + 9, cases[i].status, 3) &&
                    CHECK_EQ(count_of(talk.reply, "HTTP/1.1 "), 1) && CHECK(talk.closed) &&
                    CHECK(has("Connection: close"));
        if (!good)
            printf("        %s\n", cases[i].request);
    }
    close_stage();
}

TEST(methods)
{
    open_stage("");
    say("GET /a.txt HTTP/1.1\r\n" HOST "\r\nHEAD /a.txt HTTP/1.1\r\n" HOST "\r\nBREW /a.txt HTTP/1.1\r\n" HOST
        "\r\nDELETE /a.txt HTTP/1.1\r\n" HOST "\r\nPUT /a.txt HTTP/1.1\r\n" HOST
        "Content-Length: 1\r\n\r\nxOPTIONS * HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    // RFC 9112-33: answers in the order of the requests, on one connection (RFC 9112-32).
    static const char *const order[] = {"HTTP/1.1 200", "0123456789",   "HTTP/1.1 200", "HTTP/1.1 501",
                                        "HTTP/1.1 405", "HTTP/1.1 405", "HTTP/1.1 204"};
    const char *at = talk.reply;
    for (size_t i = 0; i < sizeof order / sizeof *order && at; i++)
        CHECK(at = strstr(at, order[i]));
    CHECK_EQ(count_of(talk.reply, "0123456789"), 1); // RFC 9110-2: HEAD has no content
    CHECK_EQ(count_of(talk.reply, "Content-Length: 10"), 2);
    CHECK_EQ(count_of(talk.reply, "Allow: GET, HEAD, OPTIONS\r\n"), 3); // RFC 9110-1
    CHECK_EQ(count_of(talk.reply, "\r\nDate: Thu, 01 Jan 2026 "), 6);   // RFC 9110-10
    CHECK(talk.closed);
    close_stage();
}

TEST(after_close_nothing_is_answered)
{
    open_stage("");
    // RFC 9112-34
    say("GET /a.txt HTTP/1.1\r\n" HOST "Connection: close\r\n\r\nGET /a.txt HTTP/1.1\r\n" HOST "\r\n");
    CHECK_EQ(count_of(talk.reply, "HTTP/1.1 200"), 1);
    CHECK(has("Connection: close"));
    CHECK(talk.closed); // RFC 9112-35: by FIN, though a request was left unread
    say("GET /a.txt HTTP/1.0\r\n\r\n");
    CHECK(talk.closed);
    say("GET /a.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /a.txt HTTP/1.0\r\n\r\n");
    CHECK_EQ(count_of(talk.reply, "HTTP/1.1 200"), 2);
    CHECK(talk.closed);
    say("GET /a.txt HTTP/1.1\r\n" HOST "\r\n");
    CHECK(!talk.closed); // RFC 9112-32: it waits for the next request
    close_stage();
}

TEST(what_nobody_knows_is_ignored)
{
    open_stage("");
    // RFC 9110-4: fields; RFC 9110-14: an offer to speak something else.
    say("GET /a.txt HTTP/1.1\r\n" HOST
        "X-Odd: \t\x80\xff \"\r\nUpgrade: h2c, websocket\r\nConnection: Upgrade\r\n\r\n"
        "GET /a.txt HTTP/1.0\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n");
    CHECK_EQ(count_of(talk.reply, "HTTP/1.1 200 "), 2);
    CHECK(!strstr(talk.reply, "101") && !strstr(talk.reply, "Upgrade"));
    CHECK_EQ(count_of(talk.reply, "0123456789"), 2);
    close_stage();
}

TEST(a_client_that_half_closes_gets_its_answer)
{
    open_stage("");
    memset(&talk, 0, sizeof talk);
    talk.pieces[0] = "GET /a.txt HTTP/1.1\r\n" HOST "\r\n";
    talk.half_close = true;
    int status;
    stage_call(client, talk_main, "talk", false, &status);
    CHECK(stage_finish(stage, 60));
    CHECK(has("0123456789"));
    CHECK(talk.closed);
    close_stage();
}

TEST(bytes_that_trickle)
{
    open_stage("");
    memset(&talk, 0, sizeof talk);
    talk.pieces[0] = "GET /a.t";
    talk.pieces[1] = "xt HTTP/1.1\r\nHos";
    talk.pieces[2] = "t: s\r\nConnection: close\r\n\r";
    talk.pieces[3] = "\n";
    talk.pause_ns = 2 * STRATA_SECOND;
    int status;
    stage_call(client, talk_main, "talk", false, &status);
    CHECK(stage_finish(stage, 60));
    CHECK(has("0123456789"));
    // Too slow: the head has 20 seconds.
    memset(&talk, 0, sizeof talk);
    talk.pieces[0] = "GET /a.txt HTTP/1.1\r\n";
    talk.pieces[1] = HOST;
    talk.pieces[2] = "A: b\r\n";
    talk.pieces[3] = "\r\n";
    talk.pause_ns = 9 * STRATA_SECOND;
    stage_call(client, talk_main, "talk", false, &status);
    CHECK(stage_finish(stage, 60));
    CHECK(has("HTTP/1.1 408 "));
    CHECK(talk.closed);
    close_stage();
}

TEST(an_idle_connection_is_closed)
{
    open_stage("");
    memset(&talk, 0, sizeof talk);
    talk.pieces[0] = "GET /a.txt HTTP/1.1\r\n" HOST "\r\n";
    talk.pieces[1] = "";
    talk.pause_ns = 70 * STRATA_SECOND;
    int status;
    stage_call(client, talk_main, "talk", false, &status);
    CHECK(stage_finish(stage, 100));
    CHECK(talk.closed);
    CHECK_EQ(count_of(talk.reply, "HTTP/1.1 "), 1);
    close_stage();
}

TEST(ranges_of_a_file)
{
    open_stage("");
    say("GET /a.txt HTTP/1.1\r\n" HOST "Range: bytes=2-4\r\n\r\n");
    // RFC 9110-25: one range in the head
    CHECK(has("HTTP/1.1 206 Partial Content") && has("Content-Range: bytes 2-4/10\r\n") &&
          has("Content-Length: 3\r\n") && has("\r\n\r\n234"));
    say("GET /a.txt HTTP/1.1\r\n" HOST "Range: bytes=0-1,8-\r\nConnection: close\r\n\r\n");
    // RFC 9110-25: several ranges in parts
    CHECK(has("Content-Type: multipart/byteranges; boundary=") &&
          has("Content-Range: bytes 0-1/10\r\n\r\n01\r\n--") &&
          has("Content-Range: bytes 8-9/10\r\n\r\n89\r\n--"));
    const char *head_end = strstr(talk.reply, "\r\n\r\n");
    REQUIRE(head_end);
    const char *field = strstr(talk.reply, "Content-Length: ");
    REQUIRE(field);
    CHECK_EQ(atoi(field + 16), talk.length - (size_t)(head_end + 4 - talk.reply));
    say("GET /a.txt HTTP/1.1\r\n" HOST "Range: bytes=10-\r\n\r\n");
    CHECK(has("HTTP/1.1 416 ") && has("Content-Range: bytes */10\r\n")); // RFC 9110-26
    say("GET /a.txt HTTP/1.1\r\n" HOST "Range: lines=1-2\r\n\r\n");
    CHECK(has("HTTP/1.1 200 ") && has("0123456789")); // RFC 9110-24
    say("HEAD /a.txt HTTP/1.1\r\n" HOST "Range: bytes=2-4\r\n\r\n");
    CHECK(has("HTTP/1.1 200 ") && has("Content-Length: 10\r\n")); // RFC 9110-24
    say("GET /a.txt HTTP/1.1\r\n" HOST "Range: bytes=2-4\r\nIf-Range: \"other\"\r\n\r\n");
    CHECK(has("HTTP/1.1 200 ") && has("0123456789")); // RFC 9110-28
    close_stage();
}

TEST(conditions)
{
    open_stage("");
    say("GET /a.txt HTTP/1.1\r\n" HOST "\r\n");
    char etag[64], request[256];
    const char *field = strstr(talk.reply, "ETag: ");
    REQUIRE(field);
    snprintf(etag, sizeof etag, "%.*s", (int)strcspn(field + 6, "\r"), field + 6);
    snprintf(request, sizeof request, "GET /a.txt HTTP/1.1\r\n" HOST "If-None-Match: %s\r\n\r\n", etag);
    say(request);
    CHECK(has("HTTP/1.1 304 ") && has(etag) && has("Date: ")); // RFC 9110-19: ETag and Date again
    CHECK(!strstr(talk.reply, "0123456789") && !strstr(talk.reply, "Content-Length"));
    say("GET /a.txt HTTP/1.1\r\n" HOST "If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n");
    CHECK(has("HTTP/1.1 304 "));
    say("GET /a.txt HTTP/1.1\r\n" HOST "If-Match: \"x\"\r\n\r\n");
    CHECK(has("HTTP/1.1 412 "));
    snprintf(request, sizeof request,
             "GET /a.txt HTTP/1.1\r\n" HOST "Range: bytes=0-0\r\nIf-Range: %s\r\n\r\n", etag);
    say(request);
    CHECK(has("HTTP/1.1 206 "));
    close_stage();
}

TEST(folders)
{
    open_stage("--listing");
    say("GET / HTTP/1.1\r\n" HOST "\r\n");
    CHECK(has("<p>home") && has("Content-Type: text/html"));
    say("GET /sub HTTP/1.1\r\n" HOST "\r\n");
    CHECK(has("HTTP/1.1 301 ") && has("Location: /sub/\r\n"));
    say("GET //sub HTTP/1.1\r\n" HOST "\r\n");
    CHECK(has("Location: /sub/\r\n")); // not //sub/, which would be another server
    say("GET /sub/ HTTP/1.1\r\n" HOST "\r\n");
    CHECK(has("Transfer-Encoding: chunked\r\n") && has("b.txt") && has("\r\n0\r\n\r\n"));
    CHECK(!strstr(talk.reply, "Content-Length")); // RFC 9112-24
    say("GET /sub/ HTTP/1.0\r\n\r\n");
    CHECK(!strstr(talk.reply, "Transfer-Encoding") && has("</html>"));
    CHECK(talk.closed);
    say("GET /a.txt/ HTTP/1.1\r\n" HOST "\r\n");
    CHECK(has("HTTP/1.1 404 "));
    say("GET /../www/a.txt HTTP/1.1\r\n" HOST "\r\n");
    CHECK(has("HTTP/1.1 400 "));
    close_stage();
}

TEST(files_are_put)
{
    open_stage("--allow-put");
    say("PUT /new.txt HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhelloGET /new.txt HTTP/1.1\r\n" HOST
        "\r\n");
    CHECK(has("HTTP/1.1 201 ") && has("hello"));
    say("PUT /new.txt HTTP/1.1\r\n" HOST
        "Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n"
        "GET /new.txt HTTP/1.1\r\n" HOST "\r\n");
    CHECK(has("HTTP/1.1 204 ") && has("abcde")); // RFC 9112-28
    CHECK(!strstr(talk.reply, "T: v"));          // RFC 9112-30
    say("PUT /new.txt HTTP/1.1\r\n" HOST "Content-Length: 1\r\nIf-None-Match: *\r\n\r\nx");
    CHECK(has("HTTP/1.1 412 "));
    say("PUT /none/x HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx");
    CHECK(has("HTTP/1.1 409 "));
    say("PUT /sub HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx");
    CHECK(has("HTTP/1.1 409 "));
    say("PUT /x HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Range: bytes 0-0/5\r\n\r\nx");
    CHECK(has("HTTP/1.1 400 "));
    // RFC 9112-22: a body that ends early is not taken for whole.
    memset(&talk, 0, sizeof talk);
    talk.pieces[0] = "PUT /half.txt HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nhello";
    talk.half_close = true;
    int status;
    stage_call(client, talk_main, "talk", false, &status);
    CHECK(stage_finish(stage, 60));
    CHECK(has("HTTP/1.1 400 "));
    CHECK(talk.closed);
    say("GET /half.txt HTTP/1.1\r\n" HOST "\r\n");
    CHECK(has("HTTP/1.1 404 "));
    close_stage();
}

TEST(continue_is_said_when_it_is_awaited)
{
    open_stage("--allow-put");
    memset(&talk, 0, sizeof talk);
    // RFC 9110-15
    talk.pieces[0] = "PUT /c.txt HTTP/1.1\r\n" HOST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    talk.pieces[1] = "hello";
    talk.pause_ns = STRATA_SECOND;
    int status;
    stage_call(client, talk_main, "talk", false, &status);
    CHECK(stage_finish(stage, 60));
    CHECK_MEM(talk.reply, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 ", 38);
    // RFC 9110-15: or the final answer at once.
    say("PUT /none/c.txt HTTP/1.1\r\n" HOST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    CHECK_MEM(talk.reply, "HTTP/1.1 409 ", 13);
    CHECK(talk.closed);
    // RFC 9110-15, RFC 9110-16: never to HTTP/1.0.
    memset(&talk, 0, sizeof talk);
    talk.pieces[0] = "PUT /d.txt HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    talk.pieces[1] = "hello";
    talk.pause_ns = STRATA_SECOND;
    stage_call(client, talk_main, "talk", false, &status);
    CHECK(stage_finish(stage, 60));
    CHECK_MEM(talk.reply, "HTTP/1.1 201 ", 13);
    close_stage();
}

TEST(too_many_connections)
{
    open_stage("--connections 1");
    memset(&talk, 0, sizeof talk);
    talk.pieces[0] = "GET /a.txt HTTP/1.1\r\n" HOST "\r\n";
    int first, second;
    stage_call(client, talk_main, "talk", false, &first);
    strata_world_run(stage->world, strata_world_now(stage->world) + STRATA_SECOND);
    CHECK(has("HTTP/1.1 200 "));
    talk.length = 0;
    stage_call(client, talk_main, "talk", false, &second);
    CHECK(stage_finish(stage, 60));
    CHECK(has("HTTP/1.1 503 "));
    close_stage();
}

TEST_MAIN(TEST_ENTRY(requests_that_end_the_connection), TEST_ENTRY(methods),
          TEST_ENTRY(after_close_nothing_is_answered), TEST_ENTRY(what_nobody_knows_is_ignored),
          TEST_ENTRY(a_client_that_half_closes_gets_its_answer), TEST_ENTRY(bytes_that_trickle),
          TEST_ENTRY(an_idle_connection_is_closed), TEST_ENTRY(ranges_of_a_file), TEST_ENTRY(conditions),
          TEST_ENTRY(folders), TEST_ENTRY(files_are_put), TEST_ENTRY(continue_is_said_when_it_is_awaited),
          TEST_ENTRY(too_many_connections))
