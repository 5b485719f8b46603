/**
 * Dates, preconditions, ranges, paths and URLs.
 */
#include "app/http/message.h"
#include "tests/test.h"

#include <errno.h>

static struct http_head head;

static struct http_slice slice(const char *text)
{
    return (struct http_slice){text, strlen(text)};
}

static const struct http_head *request(const char *method, const char *fields)
{
    static char text[1024];
    snprintf(text, sizeof text, "%s / HTTP/1.1\r\nHost: a\r\n%s\r\n", method, fields);
    REQUIRE(http_request_parse(&head, text, strlen(text)) > 0);
    return &head;
}

TEST(dates_are_written_in_one_format)
{
    // RFC 9110-9: IMF-fixdate is sent.
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"},
        {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {-5, "Thu, 01 Jan 1970 00:00:00 GMT"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[HTTP_DATE_TEXT];
        http_date_format(cases[i].seconds, text);
        CHECK_STR(text, cases[i].text);
    }
}

TEST(dates_are_read_in_three_formats)
{
    // RFC 9110-9: IMF-fixdate, RFC 850 and asctime; a two-digit year more than 50 years ahead is a past one.
    const int64_t in_2024 = 1709210096;
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},     {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},          {"Sun Nov 16 08:49:37 1994", 784975777},
        {"Tuesday, 06-Nov-74 08:49:37 GMT", 3308719777},  // 2074: 50 years ahead
        {"Wednesday, 06-Nov-75 08:49:37 GMT", 184495777}, // 1975: 2075 would be 51
        {"Thu, 29 Feb 2024 12:34:56 GMT", 1709210096},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t seconds = -1;
        CHECK_EQ(http_date_parse(slice(cases[i].text), in_2024, &seconds), 0);
        CHECK_EQ(seconds, cases[i].seconds);
    }
    static const char *const bad[] = {
        "",
        "yesterday",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 32 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "784111777",
        "Sun Nov",
        "Sun,",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t seconds;
        if (!CHECK_EQ(http_date_parse(slice(bad[i]), in_2024, &seconds), -EINVAL))
            printf("        %s\n", bad[i]);
    }
}

TEST(every_date_that_is_written_is_read_back)
{
    uint64_t random = 7;
    for (int i = 0; i < 2000; i++) {
        char text[HTTP_DATE_TEXT];
        int64_t seconds = (int64_t)test_below(&random, 253402300800), back = -1;
        http_date_format(seconds, text);
        CHECK_EQ(http_date_parse(slice(text), 0, &back), 0);
        CHECK_EQ(back, seconds);
    }
}

#define MODIFIED "Sun, 06 Nov 1994 08:49:37 GMT"
#define EARLIER "Sun, 06 Nov 1994 08:49:36 GMT"

TEST(preconditions_in_their_order)
{
    static const struct {
        const char *method, *fields;
        int result;
    } cases[] = {
        {"GET", "", 0},
        {"GET", "If-None-Match: \"a\"\r\n", 304},  // RFC 9110-23: a hit is 304 for GET and HEAD
        {"HEAD", "If-None-Match: \"a\"\r\n", 304}, // RFC 9110-23
        {"PUT", "If-None-Match: \"a\"\r\n", 412},  // RFC 9110-23: and 412 otherwise
        {"PUT", "If-None-Match: *\r\n", 412},      // RFC 9110-23
        {"GET", "If-None-Match: \"b\"\r\n", 0},
        {"GET", "If-None-Match: W/\"a\"\r\n", 304},        // RFC 9110-21: If-None-Match compares weakly
        {"GET", "If-None-Match: \"x\", , \"a\"\r\n", 304}, // RFC 9110-8
        {"GET", "If-None-Match: \"x,\"a\r\n", 0},
        {"GET", "If-Match: \"a\"\r\n", 0},
        {"GET", "If-Match: W/\"a\"\r\n", 412}, // RFC 9110-21: If-Match compares strongly
        {"GET", "If-Match: \"b\"\r\n", 412},
        {"GET", "If-Match: *\r\n", 0},
        {"GET", "If-Modified-Since: " MODIFIED "\r\n", 304},
        {"GET", "If-Modified-Since: " EARLIER "\r\n", 0},
        {"PUT", "If-Modified-Since: " MODIFIED "\r\n", 0},
        {"GET", "If-Modified-Since: never\r\n", 0},   // RFC 9110-22: an invalid date is ignored
        {"GET", "If-Unmodified-Since: never\r\n", 0}, // RFC 9110-22
        {"GET", "If-Unmodified-Since: " EARLIER "\r\n", 412},
        {"GET", "If-Unmodified-Since: " MODIFIED "\r\n", 0},
        // RFC 9110-22: If-None-Match present, so If-Modified-Since is ignored.
        {"GET", "If-None-Match: \"b\"\r\nIf-Modified-Since: " MODIFIED "\r\n", 0},
        // RFC 9110-20: If-Match before If-Unmodified-Since, both before If-None-Match.
        {"GET", "If-Match: \"a\"\r\nIf-Unmodified-Since: " EARLIER "\r\n", 0},
        {"GET", "If-Match: \"b\"\r\nIf-None-Match: \"a\"\r\n", 412},
        {"GET", "If-Unmodified-Since: " EARLIER "\r\nIf-None-Match: \"a\"\r\n", 412},
    };
    const struct http_validators resource = {
        .exists = true, .etag = "\"a\"", .modified_s = 784111777, .now_s = 1 << 30};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (!CHECK_EQ(http_condition(request(cases[i].method, cases[i].fields), &resource), cases[i].result))
            printf("        %s %s\n", cases[i].method, cases[i].fields);
    const struct http_validators nothing = {.now_s = 1 << 30};
    CHECK_EQ(http_condition(request("PUT", "If-None-Match: *\r\n"), &nothing), 0);
    CHECK_EQ(http_condition(request("PUT", "If-Match: *\r\n"), &nothing), 412);
    const struct http_validators weak = {.exists = true, .etag = "W/\"a\"", .modified_s = 5, .now_s = 6};
    CHECK_EQ(http_condition(request("GET", "If-Match: W/\"a\"\r\n"), &weak), 412);    // RFC 9110-21
    CHECK_EQ(http_condition(request("GET", "If-None-Match: \"a\"\r\n"), &weak), 304); // RFC 9110-21
}

TEST(if_range_holds_only_for_what_is_the_same)
{
    // RFC 9110-28
    static const struct {
        const char *fields;
        bool holds;
    } cases[] = {
        {"", true},
        {"If-Range: \"a\"\r\n", true},
        {"If-Range: \"b\"\r\n", false},
        {"If-Range: W/\"a\"\r\n", false},
        {"If-Range: " MODIFIED "\r\n", true},
        {"If-Range: " EARLIER "\r\n", false},
        {"If-Range: never\r\n", false},
    };
    const struct http_validators resource = {
        .exists = true, .etag = "\"a\"", .modified_s = 784111777, .now_s = 1 << 30};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_EQ(http_condition_range(request("GET", cases[i].fields), &resource), cases[i].holds);
}

TEST(ranges)
{
    static const struct {
        const char *value;
        int count;
        uint64_t first, last;
    } cases[] = {
        {"bytes=0-499", 1, 0, 499},
        {"bytes=500-", 1, 500, 999},
        {"bytes=-100", 1, 900, 999},
        {"bytes=-5000", 1, 0, 999},
        {"bytes=0-99999", 1, 0, 999},
        {"BYTES=999-999", 1, 999, 999},
        {"bytes=0-0, -1", 2, 0, 0},
        {"bytes= 0-0 ,, 5-6 ", 2, 0, 0}, // RFC 9110-8
        {"bytes=2000-, 5-6", 1, 5, 6},
        {"bytes=1000-", -416, 0, 0},            // RFC 9110-26
        {"bytes=-0", -416, 0, 0},               // RFC 9110-26
        {"bytes=1000-, 2000-3000", -416, 0, 0}, // RFC 9110-26
        {"lines=0-5", 0, 0, 0},                 // RFC 9110-24: an unknown unit
        {"bytes 0-5", 0, 0, 0},                 // RFC 9110-24
        {"bytes=", 0, 0, 0},
        {"bytes=5-4", 0, 0, 0},
        {"bytes=a-b", 0, 0, 0},
        {"bytes=-", 0, 0, 0},
        {"bytes=5", 0, 0, 0},
        {"bytes=1-2-3", 0, 0, 0},
        {"bytes=0-18446744073709551616", 0, 0, 0},
        {"bytes=0-,0-,0-", 0, 0, 0},                                      // RFC 9110-27: they overlap
        {"bytes=1-1,3-3,5-5,7-7,9-9,11-11,13-13,15-15,17-17,19-19,21-21," // RFC 9110-27: too many
         "23-23,25-25,27-27,29-29,31-31,33-33",
         0, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_range found[HTTP_RANGES_MAX];
        int count = http_range_parse(slice(cases[i].value), 1000, found);
        bool good = CHECK_EQ(count, cases[i].count);
        if (good && count > 0)
            good = CHECK_EQ(found[0].first, cases[i].first) && CHECK_EQ(found[0].last, cases[i].last);
        if (!good)
            printf("        %s\n", cases[i].value);
    }
    struct http_range none[HTTP_RANGES_MAX];
    CHECK_EQ(http_range_parse(slice("bytes=0-"), 0, none), -416); // RFC 9110-26: no content at all
    CHECK_EQ(http_range_parse(slice("bytes=-1"), 0, none), -416);
}

TEST(no_target_leaves_the_folder)
{
    static const struct {
        const char *target;
        int result;
        const char *path;
        bool folder;
    } cases[] = {
        {"/", 0, "", true},
        {"/a/b.html", 0, "a/b.html", false},
        {"/a/b/", 0, "a/b", true},
        {"//a///b", 0, "a/b", false},
        {"/a?x=/../..", 0, "a", false},
        {"/a%20b%C3%A9", 0, "a b\xc3\xa9", false},
        {"/./a/./b/.", 0, "a/b", true},
        {"/a/../b", 0, "b", false},
        {"/a/b/..", 0, "a", true},
        {"/a/..", 0, "", true},
        {"/..", -400, NULL, false},
        {"/../etc/passwd", -400, NULL, false},
        {"/a/../../etc/passwd", -400, NULL, false},
        {"/%2e%2e/etc/passwd", -400, NULL, false},
        {"/%2E./etc/passwd", -400, NULL, false},
        {"/..%2fetc/passwd", -400, NULL, false},
        {"/a%2f..%2f..%2fb", -400, NULL, false},
        {"/a%00.html", -400, NULL, false},
        {"/a%", -400, NULL, false},
        {"/a%2", -400, NULL, false},
        {"/a%zz", -400, NULL, false},
        {"/...", 0, "...", false},
        {"/..a", 0, "..a", false},
        {"?a", 0, "", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[HTTP_PATH_MAX];
        bool folder;
        int result = http_target_path(slice(cases[i].target), path, &folder);
        bool good = CHECK_EQ(result, cases[i].result);
        if (good && result == 0)
            good = CHECK_STR(path, cases[i].path) && CHECK_EQ(folder, cases[i].folder);
        if (!good)
            printf("        %s\n", cases[i].target);
    }
    char target[2048], path[HTTP_PATH_MAX];
    bool folder;
    memset(target, 'a', sizeof target);
    target[0] = '/';
    CHECK_EQ(http_target_path((struct http_slice){target, sizeof target}, path, &folder), -414);
}

TEST(urls)
{
    static const struct {
        const char *text;
        int result;
        const char *host;
        unsigned port;
        const char *target;
    } cases[] = {
        {"http://example.org", 0, "example.org", 80, "/"},
        {"HTTP://example.org:8080/a?b#c", 0, "example.org", 8080, "/a?b"},
        {"example.org/x", 0, "example.org", 80, "/x"},
        {"http://10.0.0.1?q", 0, "10.0.0.1", 80, "/?q"},
        {"http://[2001:db8::1]:81/", 0, "2001:db8::1", 81, "/"},
        {"http://a/?u=http://b/", 0, "a", 80, "/?u=http://b/"},
        {"https://example.org/", -EPROTONOSUPPORT, NULL, 0, NULL},
        {"http://", -EINVAL, NULL, 0, NULL},
        {"http://a:0/", -EINVAL, NULL, 0, NULL},
        {"http://a:65536/", -EINVAL, NULL, 0, NULL},
        {"http://a:b/", -EINVAL, NULL, 0, NULL},
        {"http://u@a/", -EINVAL, NULL, 0, NULL},
        {"http://a b/", -EINVAL, NULL, 0, NULL},
        {"http://a/b c", -EINVAL, NULL, 0, NULL},
        {"http://a/b\r\nX: y", -EINVAL, NULL, 0, NULL},
        {"http://[::1/", -EINVAL, NULL, 0, NULL},
        {"", -EINVAL, NULL, 0, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_url url;
        int result = http_url_parse(slice(cases[i].text), &url);
        bool good = CHECK_EQ(result, cases[i].result);
        if (good && result == 0)
            good = CHECK_STR(url.host, cases[i].host) && CHECK_EQ(url.port, cases[i].port) &&
                   CHECK_STR(url.target, cases[i].target); // RFC 9112-11: the path is at least "/"
        if (!good)
            printf("        %s\n", cases[i].text);
    }
}

TEST(locations)
{
    static const struct {
        const char *location;
        int result;
        const char *host, *target;
    } cases[] = {
        {"http://other:81/x", 0, "other", "/x"},
        {"/x?y", 0, "base", "/x?y"},
        {"//other/x", 0, "other", "/x"},
        {"x", 0, "base", "/a/x"},
        {"?z", 0, "base", "/a/b?z"},
        {"#f", 0, "base", "/a/b?q"},
        {"ftp://x/", -EPROTONOSUPPORT, "", ""},
        {"mailto:x", -EPROTONOSUPPORT, "", ""},
        {"", -EINVAL, "", ""},
        {"/x y", -EINVAL, "", ""},
    };
    struct http_url base, url;
    REQUIRE(http_url_parse(slice("http://base/a/b?q"), &base) == 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int result = http_url_resolve(&base, slice(cases[i].location), &url);
        CHECK_EQ(result, cases[i].result);
        if (result == 0) {
            CHECK_STR(url.host, cases[i].host);
            CHECK_STR(url.target, cases[i].target);
        }
    }
}

TEST(media_types)
{
    CHECK_STR(http_media_type("a/index.HTML"), "text/html; charset=utf-8");
    CHECK_STR(http_media_type("a.d/png"), "application/octet-stream");
    CHECK_STR(http_media_type("x.tar.gz"), "application/gzip");
}

TEST_MAIN(TEST_ENTRY(dates_are_written_in_one_format), TEST_ENTRY(dates_are_read_in_three_formats),
          TEST_ENTRY(every_date_that_is_written_is_read_back), TEST_ENTRY(preconditions_in_their_order),
          TEST_ENTRY(if_range_holds_only_for_what_is_the_same), TEST_ENTRY(ranges),
          TEST_ENTRY(no_target_leaves_the_folder), TEST_ENTRY(urls), TEST_ENTRY(locations),
          TEST_ENTRY(media_types))
