/**
 * Heads, framing and chunks: what is accepted, and with which status everything else is refused.
 */
#include "app/http/message.h"
#include "tests/test.h"

#include <errno.h>

static struct http_head head;

static int parse(const char *text)
{
    return http_request_parse(&head, text, strlen(text));
}

/** Parses a request and looks at its body's framing. @return 0 or minus a status. */
static int frame(const char *fields, struct http_framing *framing)
{
    char text[1024];
    snprintf(text, sizeof text, "PUT /x HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
    int length = parse(text);
    return length < 0 ? length : http_request_framing(&head, framing);
}

TEST(a_request_is_taken_apart)
{
    const char text[] =
        "GET /a/b?c=d HTTP/1.1\r\nHost: example.org:8080\r\nX-Empty:\r\nx-Two: \t v w \t\r\n\r\nrest";
    CHECK_EQ(parse(text), sizeof text - 1 - 4);
    CHECK_EQ(head.method, HTTP_GET);
    CHECK(http_slice_is(head.target, "/a/b?c=d"));
    CHECK_EQ(head.minor, 1);
    CHECK_EQ(head.field_count, 3);
    CHECK(http_slice_is(http_field_find(&head, "HOST", 0)->value, "example.org:8080"));
    CHECK(http_slice_is(http_field_find(&head, "x-empty", 0)->value, ""));
    CHECK(http_slice_is(http_field_find(&head, "X-two", 0)->value, "v w"));
    CHECK(!http_field_find(&head, "host", 1));
}

TEST(every_prefix_of_a_head_asks_for_more)
{
    // RFC 9110-7: nothing is acted on before the whole head section is there.
    const char text[] = "\r\nPUT /p HTTP/1.0\r\nHost: h\r\nContent-Length: 3\r\n\r\n";
    for (size_t size = 0; size + 1 < sizeof text - 1; size++)
        CHECK_EQ(http_request_parse(&head, text, size), 0);
    CHECK_EQ(parse(text), sizeof text - 1);
    CHECK_EQ(head.minor, 0);
}

TEST(malformed_requests_are_refused)
{
    static const struct {
        const char *text;
        int result;
    } cases[] = {
        {"\r\n\r\nGET / HTTP/1.1\r\n\r\n", 22},         // RFC 9112-4: empty lines before it are ignored.
        {"GET / HTTP/1.1\nHost: a\n\n", 24},            // RFC 9112-3: a lone LF ends a line.
        {"GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", -400},    // RFC 9112-2: a bare CR
        {"GET /\r HTTP/1.1\r\n\r\n", -400},             // RFC 9112-2
        {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", -400},   // RFC 9112-5: white space before the first field
        {"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", -400}, // RFC 9112-14: line folding
        {"GET / HTTP/1.1\r\nA : b\r\n\r\n", -400},      // RFC 9112-13: white space before the colon
        {"GET / HTTP/1.1\r\nA\r\n\r\n", -400},          // RFC 9112-6: no field at all
        {"GET / HTTP/1.1\r\n: b\r\n\r\n", -400},        // RFC 9112-6
        {"GET / HTTP/1.1\r\nA: b\001c\r\n\r\n", -400},  // RFC 9112-6
        {"GET  / HTTP/1.1\r\n\r\n", -400},              // RFC 9112-7: two spaces
        {"GET / HTTP/1.1 \r\n\r\n", -400},              // RFC 9112-7: a space at the end
        {"GET /a b HTTP/1.1\r\n\r\n", -400},            // RFC 9112-7: a space in the target
        {" GET / HTTP/1.1\r\n\r\n", -400},              // RFC 9112-7
        {"GET /\r\n\r\n", -400},                        // HTTP/0.9
        {"GET / HTTP/1.1.1\r\n\r\n", -400},             //
        {"GET / http/1.1\r\n\r\n", -400},               //
        {"GET / HTTP/2.0\r\n\r\n", -505},               //
        {"GET / HTTP/1.7\r\n\r\n", 18},                 //
        {"G\xc3\x89T / HTTP/1.1\r\n\r\n", -400},        // RFC 9112-1: octets, not characters
        {"GET /\xe2\x80\x8b HTTP/1.1\r\n\r\n", -400},   // RFC 9112-1
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZ / HTTP/1.1\r\n\r\n", -501}, // RFC 9112-8: an overlong method
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (!CHECK_EQ(parse(cases[i].text), cases[i].result))
            printf("        %s\n", cases[i].text);
    // RFC 9110-3: NUL in a value.
    CHECK_EQ(http_request_parse(&head, "GET / HTTP/1.1\r\nA: b\0c\r\n\r\n", 25), -400);
}

TEST(sizes_are_bounded)
{
    static char text[HTTP_HEAD_MAX_BYTES + 16];
    // RFC 9112-8: 8000 octets of target are taken, and beyond 8192 it is 414.
    for (size_t length = 8000; length <= 9000; length += 1000) {
        memset(text, 'a', sizeof text);
        memcpy(text, "GET /", 5);
        memcpy(text + 4 + length, " HTTP/1.1\r\n\r\n", 13);
        CHECK_EQ(http_request_parse(&head, text, 4 + length + 13), length == 8000 ? 8017 : -414);
    }
    // RFC 9112-8: a target that never ends is 414 when the head's room is full.
    memset(text, 'a', sizeof text);
    memcpy(text, "GET /", 5);
    CHECK_EQ(http_request_parse(&head, text, HTTP_HEAD_MAX_BYTES - 1), 0);
    CHECK_EQ(http_request_parse(&head, text, HTTP_HEAD_MAX_BYTES), -414);
    // RFC 9110-6: a field that never ends is 431, and so are too many.
    memcpy(text, "GET / HTTP/1.1\r\nA: ", 19);
    CHECK_EQ(http_request_parse(&head, text, HTTP_HEAD_MAX_BYTES), -431);
    size_t length = 16;
    for (unsigned i = 0; i <= HTTP_FIELDS_MAX; i++)
        length += (size_t)sprintf(text + length, "A: b\r\n");
    CHECK_EQ(http_request_parse(&head, text, length), -431);
}

TEST(targets_and_hosts)
{
    static const struct {
        const char *text;
        int result;
        const char *target, *authority;
    } cases[] = {
        {"GET /a HTTP/1.1\r\nHost: h\r\n\r\n", 0, "/a", "h"},
        {"GET /a HTTP/1.0\r\n\r\n", 0, "/a", ""},
        {"GET /a HTTP/1.1\r\n\r\n", -400, NULL, NULL},                       // RFC 9112-9: no Host
        {"GET /a HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", -400, NULL, NULL}, // RFC 9112-9: two
        {"GET /a HTTP/1.0\r\nHost: h\r\nHost: i\r\n\r\n", -400, NULL, NULL}, // RFC 9112-9
        {"GET /a HTTP/1.1\r\nHost: h, i\r\n\r\n", -400, NULL, NULL},         // RFC 9112-9: no host
        {"GET /a HTTP/1.1\r\nHost: h:99999\r\n\r\n", -400, NULL, NULL},      // RFC 9112-9
        {"GET /a HTTP/1.1\r\nHost: user@h\r\n\r\n", -400, NULL, NULL},       // RFC 9112-9
        {"GET /a HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 0, "/a", "[::1]:80"},
        {"GET /a HTTP/1.1\r\nHost: [::1\r\n\r\n", -400, NULL, NULL},
        {"GET http://other/a?b HTTP/1.1\r\nHost: h\r\n\r\n", 0, "/a?b", "other"}, // RFC 9112-10
        {"GET HTTP://other:81 HTTP/1.1\r\nHost: h\r\n\r\n", 0, "/", "other:81"},  // RFC 9112-10
        {"GET http:///a HTTP/1.1\r\nHost: h\r\n\r\n", -400, NULL, NULL},
        {"GET a HTTP/1.1\r\nHost: h\r\n\r\n", -400, NULL, NULL},
        {"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", 0, "h:443", "h:443"}, // RFC 9112-12
        {"CONNECT /a HTTP/1.1\r\nHost: h\r\n\r\n", -400, NULL, NULL},       // RFC 9112-12
        {"CONNECT h HTTP/1.1\r\nHost: h\r\n\r\n", -400, NULL, NULL},        // RFC 9112-12
        {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 0, "*", "h"},             // RFC 9112-12
        {"GET * HTTP/1.1\r\nHost: h\r\n\r\n", -400, NULL, NULL},            // RFC 9112-12
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_slice target, authority;
        REQUIRE(parse(cases[i].text) > 0);
        if (!CHECK_EQ(http_request_target(&head, &target, &authority), cases[i].result))
            printf("        %s\n", cases[i].text);
        if (cases[i].target) {
            CHECK(http_slice_is(target, cases[i].target));
            CHECK(http_slice_is(authority, cases[i].authority));
        }
    }
}

TEST(framing_of_requests)
{
    static const struct {
        const char *fields;
        int result;
        enum http_body body;
        uint64_t length;
    } cases[] = {
        {"", 0, HTTP_BODY_NONE, 0}, // RFC 9112-23
        {"Content-Length: 5\r\n", 0, HTTP_BODY_LENGTH, 5},
        {"Content-Length: 0\r\n", 0, HTTP_BODY_NONE, 0},
        {"Content-Length: 5, 5\r\n", 0, HTTP_BODY_LENGTH, 5},                   // RFC 9112-21: identical ones
        {"Content-Length: 5\r\nContent-Length: 5\r\n", 0, HTTP_BODY_LENGTH, 5}, // RFC 9112-21
        {"Content-Length: 5\r\nContent-Length: 6\r\n", -400, HTTP_BODY_NONE, 0}, // RFC 9112-21
        {"Content-Length: 5, 6\r\n", -400, HTTP_BODY_NONE, 0},                   // RFC 9112-21
        {"Content-Length: \r\n", -400, HTTP_BODY_NONE, 0},                       // RFC 9112-21
        {"Content-Length: +5\r\n", -400, HTTP_BODY_NONE, 0},                     // RFC 9112-21
        {"Content-Length: -5\r\n", -400, HTTP_BODY_NONE, 0},                     // RFC 9112-21
        {"Content-Length: 0x5\r\n", -400, HTTP_BODY_NONE, 0},                    // RFC 9112-21
        {"Content-Length: 5 5\r\n", -400, HTTP_BODY_NONE, 0},                    // RFC 9112-21
        {"Content-Length: 18446744073709551615\r\n", 0, HTTP_BODY_LENGTH, UINT64_MAX},
        {"Content-Length: 18446744073709551616\r\n", -400, HTTP_BODY_NONE, 0},    // RFC 9110-11: overflow
        {"Content-Length: 99999999999999999999999\r\n", -400, HTTP_BODY_NONE, 0}, // RFC 9110-11
        {"Transfer-Encoding: chunked\r\n", 0, HTTP_BODY_CHUNKED, 0},
        {"Transfer-Encoding: , ChunKed ,\r\n", 0, HTTP_BODY_CHUNKED, 0}, // RFC 9110-8: empty elements
        {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", -400, HTTP_BODY_NONE, 0}, // RFC 9112-17
        {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", -400, HTTP_BODY_NONE, 0}, // RFC 9112-17
        {"Transfer-Encoding: chunked, chunked\r\n", -400, HTTP_BODY_NONE, 0},             // RFC 9112-27
        {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", -400, HTTP_BODY_NONE,
         0},                                                               // RFC 9112-27
        {"Transfer-Encoding: chunked, gzip\r\n", -400, HTTP_BODY_NONE, 0}, // RFC 9112-20, RFC 9112-27
        {"Transfer-Encoding: identity\r\n", -400, HTTP_BODY_NONE, 0},      // RFC 9112-20
        {"Transfer-Encoding: \r\n", -400, HTTP_BODY_NONE, 0},              // RFC 9112-20
        {"Transfer-Encoding: xchunked\r\n", -400, HTTP_BODY_NONE, 0},      // RFC 9112-20
        {"Transfer-Encoding: chunked;q=1\r\n", -400, HTTP_BODY_NONE, 0},   // RFC 9112-20
        {"Transfer-Encoding: \"chunked\"\r\n", -400, HTTP_BODY_NONE, 0},   // RFC 9112-20
        {"Transfer-Encoding: gzip, chunked\r\n", -501, HTTP_BODY_NONE, 0}, // RFC 9112-26
        {"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", -501, HTTP_BODY_NONE, 0}, // RFC 9112-26
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_framing framing;
        bool good = CHECK_EQ(frame(cases[i].fields, &framing), cases[i].result);
        if (good && cases[i].result == 0)
            good = CHECK_EQ(framing.body, cases[i].body) && CHECK_EQ(framing.length, cases[i].length);
        if (!good)
            printf("        %s\n", cases[i].fields);
    }
    // RFC 9112-25: a transfer coding in HTTP/1.0 is faulty framing.
    struct http_framing framing;
    REQUIRE(parse("PUT /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") > 0);
    CHECK_EQ(http_request_framing(&head, &framing), -400);
}

TEST(framing_of_responses)
{
    static const struct {
        const char *text;
        enum http_method method;
        int result;
        enum http_body body;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", HTTP_GET, 0, HTTP_BODY_LENGTH},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", HTTP_HEAD, 0, HTTP_BODY_NONE}, // RFC 9112-16
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", HTTP_GET, 0,
         HTTP_BODY_NONE}, // RFC 9112-16
        {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_GET, 0,
         HTTP_BODY_NONE},                                                                    // RFC 9112-16
        {"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n", HTTP_PUT, 0, HTTP_BODY_NONE}, // RFC 9112-16
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", HTTP_CONNECT, 0, HTTP_BODY_NONE},   // RFC 9110-32
        {"HTTP/1.1 200 OK\r\n\r\n", HTTP_GET, 0, HTTP_BODY_UNTIL_CLOSE},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_GET, 0, HTTP_BODY_CHUNKED},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", HTTP_GET, -EBADMSG, 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", HTTP_GET, -EBADMSG, 0},
        {"HTTP/1.1 299 \r\nContent-Length: 5\r\n\r\n", HTTP_GET, 0, HTTP_BODY_LENGTH},
        {"HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", HTTP_GET, 0, HTTP_BODY_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_framing framing;
        size_t size = strlen(cases[i].text);
        for (size_t part = 0; part < size; part++)
            CHECK_EQ(http_response_parse(&head, cases[i].text, part), 0);
        REQUIRE(http_response_parse(&head, cases[i].text, size) == (int)size);
        CHECK_EQ(http_response_framing(&head, cases[i].method, &framing), cases[i].result);
        if (cases[i].result == 0)
            CHECK_EQ(framing.body, cases[i].body);
    }
}

TEST(what_is_no_response)
{
    static const char *const cases[] = {
        "HTTP/1.1 20 OK\r\n\r\n",      "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",     "HTTP/2.0 200 OK\r\n\r\n",
        "ICY 200 OK\r\n\r\n",          "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 200 O\001\r\n\r\n",  "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "\r\nHTTP/1.1 200 OK\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_EQ(http_response_parse(&head, cases[i], strlen(cases[i])), -EBADMSG);
}

TEST(when_the_connection_ends)
{
    static const struct {
        const char *version, *fields;
        bool closes;
    } cases[] = {
        {"1.1", "", false}, // RFC 9112-32: persistent by default
        {"1.1", "Connection: close\r\n", true},
        {"1.1", "Connection: x, Close\r\n", true},
        {"1.1", "Connection: x\r\nConnection: close\r\n", true}, // RFC 9110-5: lines of a list are one list
        {"1.1", "Connection: closed\r\n", false},
        {"1.0", "", true},
        {"1.0", "Connection: keep-alive\r\n", false},
        {"1.0", "Connection: keep-alive, close\r\n", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, "GET / HTTP/%s\r\n%s\r\n", cases[i].version, cases[i].fields);
        REQUIRE(parse(text) > 0);
        CHECK_EQ(http_head_closes(&head), cases[i].closes);
    }
}

/* ---- Chunks -------------------------------------------------------------------------------------- */

/** Decodes with `step` bytes at a time. @return content length, or -1 if refused, -2 if it is not complete.
 */
static int decode(const char *text, size_t size, size_t step, char *content, size_t *used_up)
{
    struct http_chunks chunks = {0};
    size_t length = 0, position = 0;
    while (position < size) {
        size_t end = position + step < size ? position + step : size;
        while (position < end) {
            size_t used, got;
            const uint8_t *data;
            int result = http_chunks_take(&chunks, (const uint8_t *)text + position, end - position, &used,
                                          &data, &got);
            if (result < 0)
                return -1;
            memcpy(content + length, got ? data : (const uint8_t *)"", got);
            length += got;
            position += used;
            *used_up = position;
            if (result == 1)
                return (int)length;
        }
    }
    return -2;
}

TEST(chunks_are_decoded)
{
    // RFC 9112-28: sizes in hex, extensions that nobody knows, RFC 9112-30: trailers that are dropped.
    const char text[] = "5\r\nhello\r\n1;x=\"a;b\"\r\n,\r\n006 ;y\r\n world\r\n0\r\nT: x\r\nU: y\r\n\r\nGET";
    for (size_t step = 1; step < sizeof text; step++) {
        char content[64] = "";
        size_t used = 0;
        CHECK_EQ(decode(text, sizeof text - 1, step, content, &used), 12);
        CHECK_STR(content, "hello, world");
        CHECK_EQ(used, sizeof text - 1 - 3);
    }
}

TEST(bad_chunks_are_refused)
{
    static const char *const cases[] = {
        "\r\n",                     // no size
        "g\r\n",                    //
        "-1\r\n",                   //
        "0x5\r\nhello\r\n",         //
        " 5\r\nhello\r\n",          //
        "5\nhello\r\n",             // the line ends in LF alone
        "5;a\nb\r\nhello\r\n",      //
        "5\r\nhelloXX",             // more data than announced
        "5\r\nhello\n",             //
        "5\rXhello",                //
        "1000000000000000\r\n",     // RFC 9112-28: 16 digits
        "0000000000000000\r\n\r\n", // RFC 9112-28
        "ffffffffffffffffffff\r\n", // RFC 9112-28: overflow
        "0\r\n bad\r\n\r\n",        // a trailer that is none
        "0\r\nT: x\n\r\n",          //
        "0\r\n\rX",                 //
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char content[64];
        size_t used;
        if (!CHECK_EQ(decode(cases[i], strlen(cases[i]), 1, content, &used), -1))
            printf("        %s\n", cases[i]);
    }
}

TEST(extensions_and_trailers_are_bounded)
{
    // RFC 9112-29: the extensions of all chunks together.
    static char text[65536];
    char content[8192];
    size_t length = 0, used;
    for (int i = 0; i < 1000; i++)
        length += (size_t)sprintf(text + length, "1;12345678\r\nx\r\n");
    CHECK_EQ(decode(text, length, 4096, content, &used), -1);
    length = (size_t)sprintf(text, "0\r\n");
    for (int i = 0; i < 1000; i++)
        length += (size_t)sprintf(text + length, "T: 12345678\r\n");
    CHECK_EQ(decode(text, length, 4096, content, &used), -1);
    length = 0;
    for (int i = 0; i < 1000; i++)
        length += (size_t)sprintf(text + length, "1;123\r\nx\r\n");
    length += (size_t)sprintf(text + length, "0\r\n\r\n");
    CHECK_EQ(decode(text, length, 4096, content, &used), 1000);
}

/* ---- Making heads -------------------------------------------------------------------------------- */

TEST(values_cannot_split_a_head)
{
    // RFC 9112-36, RFC 9112-15: a value with a line end is refused, so nothing sent is folded or split
    // either.
    static const char *const values[] = {"a\r\nSet-Cookie: b", "a\nb", "a\rb", "a\r\n b"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char text[256];
        struct http_maker maker = {text, 0, sizeof text, false};
        http_make_field(&maker, "Location", "%s", values[i]);
        CHECK(maker.failed);
    }
    char text[64];
    struct http_maker maker = {text, 0, sizeof text, false};
    http_make_line(&maker, "HTTP/1.1 %d %s", 200, http_reason(200));
    http_make_field(&maker, "A", "%d", 5);
    http_make_end(&maker);
    CHECK(!maker.failed);
    text[maker.length] = 0;
    CHECK_STR(text, "HTTP/1.1 200 OK\r\nA: 5\r\n\r\n");
    http_make_field(&maker, "B", "%s", "0123456789012345678901234567890123456789");
    CHECK(maker.failed);
}

TEST_MAIN(TEST_ENTRY(a_request_is_taken_apart), TEST_ENTRY(every_prefix_of_a_head_asks_for_more),
          TEST_ENTRY(malformed_requests_are_refused), TEST_ENTRY(sizes_are_bounded),
          TEST_ENTRY(targets_and_hosts), TEST_ENTRY(framing_of_requests), TEST_ENTRY(framing_of_responses),
          TEST_ENTRY(what_is_no_response), TEST_ENTRY(when_the_connection_ends),
          TEST_ENTRY(chunks_are_decoded), TEST_ENTRY(bad_chunks_are_refused),
          TEST_ENTRY(extensions_and_trailers_are_bounded), TEST_ENTRY(values_cannot_split_a_head))
