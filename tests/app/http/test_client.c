/**
 * The HTTP client in the lab: against our own server, and against one that says what a literal tells it to.
 */
#include "tests/app/stage.h"

#include <errno.h>

/** What the scripted server sends for the n-th request it reads; NULL: it closes instead. */
static const char *replies[8];
static unsigned reply_count, request_count, connection_count;
static bool close_after, reset_after;
static char requests[16384];

static int script_server(struct strata_rt *rt, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct strata_endpoint local = {.port = 80};
    struct strata_conn *listener, *conn;
    static char buffer[8192];
    REQUIRE(strata_rt_listen(rt, &local, 8, &listener) == 0);
    while (strata_rt_accept(listener, STRATA_NEVER, &conn, NULL) == 0) {
        connection_count++;
        size_t length = 0;
        bool open = true;
        while (open) {
            int64_t got = strata_rt_read(conn, buffer + length, sizeof buffer - 1 - length,
                                         strata_rt_now(rt) + 30 * STRATA_SECOND);
            if (got <= 0)
                break;
            length += (size_t)got;
            buffer[length] = 0;
            if (!strstr(buffer, "\r\n\r\n"))
                continue;
            strncat(requests, buffer, sizeof requests - strlen(requests) - 1);
            length = 0;
            const char *reply = request_count < reply_count ? replies[request_count] : NULL;
            request_count++;
            if (reply)
                strata_rt_write(conn, reply, strlen(reply), strata_rt_now(rt) + STRATA_SECOND);
            open = reply && !close_after;
        }
        if (reset_after)
            strata_rt_abort(conn);
        else
            strata_rt_close(conn);
    }
    strata_rt_close(listener);
    return 0;
}

static struct stage *stage;
static struct strata_node *server, *client;

static void open_stage(void)
{
    stage = stage_new(1);
    server = stage_host(stage, "server", "10.0.0.1/24");
    client = stage_host(stage, "client", "10.0.0.2/24");
    memset(requests, 0, sizeof requests);
    request_count = reply_count = connection_count = 0;
    close_after = reset_after = false;
}

static int run(const char *line)
{
    int status;
    stage->length = 0;
    stage->said[0] = 0;
    stage_start(client, line, false, &status);
    CHECK(stage_finish(stage, 120));
    return status;
}

/** One reply of the scripted server to a plain fetch. */
static int fetch(const char *reply, bool then_close)
{
    open_stage();
    replies[0] = reply;
    reply_count = 1;
    close_after = then_close;
    stage_call(server, script_server, "script", true, NULL);
    return run("http-client http://10.0.0.1/x --timeout 5");
}

TEST(bodies_and_their_ends)
{
    static const struct {
        const char *reply;
        bool close;
        int status;
        const char *says;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, 0, "client: hello"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x\r\nllo\r\n0\r\nT: x\r\n\r\n",
         false, 0, "client: he"},
        {"HTTP/1.1 200 OK\r\n\r\nhello", true, 0, "client: hello"},
        {"HTTP/1.0 200 OK\r\n\r\nhello", true, 0, "client: hello"},
        // RFC 9112-37, RFC 9112-22: what is incomplete is said to be.
        {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", true, 1, "the content is incomplete"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", true, 1,
         "the content is incomplete"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxx\r\n", true, 1, "malformed message"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", true, 1,
         "malformed message"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\nabcd", true, 1, "malformed message"},
        {"SSH-2.0-x\r\n", true, 1, "malformed message"},
        // RFC 9110-17: any number of 1xx before the answer.
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 "
         "OK\r\nContent-Length: 5\r\n\r\nhello",
         false, 0, "client: hello"},
        {"HTTP/1.1 299 Odd\r\nContent-Length: 5\r\n\r\nhello", false, 0,
         "client: hello"}, // RFC 9110-17: like 200
        {"HTTP/1.1 499 Odd\r\nContent-Length: 5\r\n\r\nhello", false, 1, "the server says 499"},
        {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", false, 0,
         ""}, // RFC 9112-16: nothing is waited for
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false, 0, ""}, // RFC 9112-16
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", false, 1, "timed out"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool good = CHECK_EQ(fetch(cases[i].reply, cases[i].close), cases[i].status) &&
                    CHECK(stage_said(stage, cases[i].says));
        if (!good)
            printf("        %s\n", cases[i].reply);
        stage_free(stage);
    }
}

TEST(what_a_request_says)
{
    fetch("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false);
    // RFC 9112-11: Host, and a path.
    CHECK_MEM(requests, "GET /x HTTP/1.1\r\nHost: 10.0.0.1\r\n", 33);
    CHECK(!strstr(requests, "Content-Length") && !strstr(requests, "Transfer-Encoding"));
    stage_free(stage);
    open_stage();
    replies[0] = replies[1] =
        "HTTP/1.1 206 Partial Content\r\nContent-Length: 1\r\nContent-Range: bytes 2-2/9\r\n\r\nx";
    reply_count = 2;
    stage_call(server, script_server, "script", true, NULL);
    CHECK_EQ(run("http-client http://10.0.0.1?q --range 2-2 --header X-Y:z --include"), 0);
    CHECK(strstr(requests, "GET /?q HTTP/1.1\r\n") != NULL);
    CHECK(strstr(requests, "Range: bytes=2-2\r\n") != NULL);
    CHECK(strstr(requests, "\r\nX-Y:z\r\n") != NULL);
    CHECK(stage_said(stage, "client: Content-Range: bytes 2-2/9"));
    stage_free(stage);
}

TEST(redirections)
{
    static const struct {
        const char *first;
        int status;
        const char *asks, *says;
    } cases[] = {
        {"HTTP/1.1 302 Found\r\nLocation: /y?z\r\nContent-Length: 3\r\n\r\nxyz", 0, "GET /y?z HTTP/1.1",
         "client: hello"},
        {"HTTP/1.1 301 Moved\r\nLocation: y\r\nContent-Length: 0\r\n\r\n", 0, "GET /y HTTP/1.1",
         "client: hello"},
        {"HTTP/1.1 308 Moved\r\nLocation: //10.0.0.1/y\r\nContent-Length: 0\r\n\r\n", 0, "GET /y HTTP/1.1",
         "client: hello"},
        {"HTTP/1.1 302 Found\r\nLocation: https://10.0.0.1/\r\nContent-Length: 0\r\n\r\n", 1, "GET /x",
         "protocol not supported"},
        {"HTTP/1.1 300 Choices\r\nLocation: /y\r\nContent-Length: 2\r\n\r\nab", 0, "GET /x", "client: ab"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_stage();
        replies[0] = cases[i].first;
        replies[1] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        reply_count = 2;
        stage_call(server, script_server, "script", true, NULL);
        CHECK_EQ(run("http-client http://10.0.0.1/x"), cases[i].status);
        CHECK(strstr(requests, cases[i].asks) != NULL);
        CHECK(stage_said(stage, cases[i].says));
        CHECK_EQ(connection_count, 1); // RFC 9112-32: the connection is kept
        stage_free(stage);
    }
    open_stage(); // Round and round.
    for (reply_count = 0; reply_count < 8; reply_count++)
        replies[reply_count] = "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n";
    stage_call(server, script_server, "script", true, NULL);
    CHECK_EQ(run("http-client http://10.0.0.1/x --redirects 3"), 1);
    CHECK(stage_said(stage, "too many redirections"));
    CHECK_EQ(request_count, 4);
    stage_free(stage);
}

TEST(an_upload_that_is_redirected)
{
    // RFC 9110-30: 307 keeps the method and the content; 303 asks for the result.
    for (int i = 0; i < 2; i++) {
        open_stage();
        replies[0] = i ? "HTTP/1.1 303 See Other\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n"
                       : "HTTP/1.1 307 Temporary Redirect\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n";
        replies[1] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        reply_count = 2;
        stage_call(server, script_server, "script", true, NULL);
        stage_put(client, "f", "abc", 3);
        CHECK_EQ(run("http-client http://10.0.0.1/x --upload f"), 0);
        CHECK(strstr(requests, "PUT /x HTTP/1.1\r\n") != NULL);
        CHECK(strstr(requests, i ? "GET /y HTTP/1.1\r\n" : "PUT /y HTTP/1.1\r\n") != NULL);
        stage_free(stage);
    }
}

TEST(bytes_behind_a_response)
{
    // RFC 9112-31: what nobody asked for is no answer to the next request.
    open_stage();
    replies[0] =
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    replies[1] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood";
    reply_count = 2;
    stage_call(server, script_server, "script", true, NULL);
    CHECK_EQ(run("http-client http://10.0.0.1/a http://10.0.0.1/b"), 0);
    CHECK(stage_said(stage, "client: good"));
    CHECK(!strstr(stage->said, "evil"));
    CHECK_EQ(connection_count, 2);
    stage_free(stage);
}

TEST(a_kept_connection_that_was_closed)
{
    open_stage();
    for (reply_count = 0; reply_count < 3; reply_count++)
        replies[reply_count] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    close_after = true;
    stage_call(server, script_server, "script", true, NULL);
    CHECK_EQ(run("http-client http://10.0.0.1/a --count 3 --discard"), 0);
    CHECK_EQ(connection_count, 3);
    CHECK_EQ(request_count, 3);
    stage_free(stage);
    // A new connection that dies is an error, and the request is not sent again.
    open_stage();
    stage_call(server, script_server, "script", true, NULL);
    CHECK_EQ(run("http-client http://10.0.0.1/a"), 1);
    CHECK_EQ(request_count, 1);
    CHECK(stage_said(stage, "connection closed by the peer"));
    stage_free(stage);
}

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"

/* Requests that are sent ahead: answers belong to them in order, in as many pieces as they like. RFC 9112-33. */
TEST(requests_sent_ahead)
{
    open_stage();
    replies[0] = OK "pg";
    replies[1] = OK "bb" OK "cc" OK "dd";
    reply_count = 2;
    stage_call(server, script_server, "script", true, NULL);
    CHECK_EQ(run("http-client http://10.0.0.1/a http://10.0.0.1/b http://10.0.0.1/c http://10.0.0.1/d --pipeline"), 0);
    const char *b = strstr(stage->said, "bb"), *c = strstr(stage->said, "cc"), *d = strstr(stage->said, "dd");
    CHECK(b && c && d && b < c && c < d);
    CHECK_EQ(connection_count, 1);
    stage_free(stage);
    // The server closes, or points elsewhere: what is left is asked for again.
    static const char *const firsts[] = {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nbb",
                                         "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /z\r\n\r\n"};
    for (int i = 0; i < 2; i++) {
        open_stage();
        replies[0] = OK "pg";
        replies[1] = firsts[i];
        replies[2] = i ? firsts[1] : OK "cc";
        replies[3] = OK "bb";
        replies[4] = OK "cc";
        reply_count = 5;
        stage_call(server, script_server, "script", true, NULL);
        CHECK_EQ(run("http-client http://10.0.0.1/a http://10.0.0.1/b http://10.0.0.1/c --pipeline"), 0);
        CHECK(stage_said(stage, "client: bb") && stage_said(stage, "client: cc"));
        CHECK_EQ(connection_count, 2);
        stage_free(stage);
    }
    open_stage();
    replies[0] = OK "pg";
    replies[1] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n" OK "cc";
    reply_count = 2;
    stage_call(server, script_server, "script", true, NULL);
    CHECK_EQ(run("http-client http://10.0.0.1/a http://10.0.0.1/b http://10.0.0.1/c --pipeline"), 1);
    CHECK(stage_said(stage, "http://10.0.0.1/b: the server says 404"));
    stage_free(stage);
}

/* A connection for each URL, one after the other or several at once. */
TEST(connections_that_are_not_kept)
{
    static const struct {
        const char *options;
        unsigned connections;
        int status;
    } rows[] = {{"", 1, 0}, {"--close", 4, 0}, {"--close --parallel 2", 4, 0}, {"--parallel 2", 3, 0},
                {"--parallel 9", 4, 0}, {"--parallel 2 http://10.0.0.1/none", 0, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        open_stage();
        static const char *const names[] = {"www/a", "www/b", "www/c", "www/d"};
        for (int j = 0; j < 4; j++)
            stage_put(server, names[j], "data", 4);
        stage_start(server, "http-server www", true, NULL);
        char line[300];
        snprintf(line, sizeof line,
                 "http-client http://10.0.0.1/a http://10.0.0.1/b http://10.0.0.1/c http://10.0.0.1/d --discard %s",
                 rows[i].options);
        CHECK_EQ(run(line), rows[i].status);
        if (rows[i].connections > 0) {
            CHECK_EQ(strata_node_counter(client, "tcp_opened"), rows[i].connections);
            CHECK(stage_said(stage, "4 URLs in "));
        }
        stage_free(stage);
    }
}

TEST(files_there_and_back)
{
    open_stage();
    static uint8_t data[300000];
    uint64_t random = 5;
    test_fill(&random, data, sizeof data);
    stage_put(server, "www/big", data, sizeof data);
    stage_put(server, "www/empty", "", 0);
    stage_start(server, "http-server www --allow-put --log", true, NULL);
    CHECK_EQ(run("http-client http://10.0.0.1/big -o copy"), 0);
    CHECK(stage_said(stage, "200, 300000 bytes"));
    CHECK_EQ(run("http-client http://10.0.0.1/back --upload copy"), 0); // RFC 9110-15: it waits for 100
    CHECK(stage_said(stage, "\"PUT /back\" 201"));
    CHECK_EQ(run("http-client http://10.0.0.1/back -o again"), 0);
    CHECK_EQ(run("http-client http://10.0.0.1/empty -o again"), 0);
    CHECK_EQ(run("http-client http://10.0.0.1/big --head"), 0);
    CHECK(stage_said(stage, "client: Content-Length: 300000"));
    CHECK_EQ(run("http-client http://10.0.0.1/big --count 20 --discard"), 0);
    // The copy of the copy is the file.
    struct strata_memory_disk *disk = strata_node_disk(server);
    const struct strata_disk_ops *ops = strata_memory_disk_ops();
    void *file;
    static uint8_t back[sizeof data + 1];
    REQUIRE(ops->open(disk, "www/back", 0, &file) == 0);
    int64_t length = 0, got;
    while ((got = ops->read(disk, file, back + length, sizeof back - (size_t)length, (uint64_t)length)) > 0)
        length += got;
    ops->close(disk, file);
    CHECK_EQ(length, sizeof data);
    CHECK_MEM(back, data, sizeof data);
    stage_free(stage);
}

TEST(errors_in_a_sentence)
{
    static const struct {
        const char *line;
        int status;
        const char *says;
    } cases[] = {
        {"http-client http://10.0.0.1/", 1, "10.0.0.1:80: connection refused"},
        {"http-client https://10.0.0.1/", 1, "protocol not supported"},
        {"http-client http://10.0.0.1:x/", 1, "not valid"},
        {"http-client http://10.0.0.99/ --timeout 2", 1, "10.0.0.99:80: "},
        {"http-client http://172.16.0.1/", 1, "no route"},
        {"http-client http://10.0.0.1/ --upload none", 1, "none: not found"},
        {"http-client", 2, "which URL?"},
        {"http-client http://a http://b --parallel 2 --pipeline", 2, "only one"},
        {"http-client http://a http://b --parallel 2 -o file", 2, "-o does not go with"},
        {"http-client http://a http://b --pipeline --close", 2, "nothing to pipeline on"},
        {"http-client --port 5 x", 2, "has no option --port"},
        {"http-client x --count zwei", 2, "cannot take this number: zwei"},
        {"http-server nowhere", 1, "nowhere: not found"},
        {"echo-client 10.0.0.1", 1, "connection refused"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_stage();
        bool good = CHECK_EQ(run(cases[i].line), cases[i].status) && CHECK(stage_said(stage, cases[i].says));
        if (!good)
            printf("        %s\n", cases[i].line);
        stage_free(stage);
    }
}

TEST_MAIN(TEST_ENTRY(bodies_and_their_ends), TEST_ENTRY(what_a_request_says), TEST_ENTRY(redirections),
          TEST_ENTRY(an_upload_that_is_redirected), TEST_ENTRY(bytes_behind_a_response),
          TEST_ENTRY(a_kept_connection_that_was_closed), TEST_ENTRY(requests_sent_ahead),
          TEST_ENTRY(connections_that_are_not_kept), TEST_ENTRY(files_there_and_back),
          TEST_ENTRY(errors_in_a_sentence))
