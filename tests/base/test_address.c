/*
 * Kinds of addresses, prefixes, and addresses as text: RFC 4291 2.2 and RFC 5952, with libc for comparison.
 */
#include "base/address.h"
#include "tests/test.h"

#include <arpa/inet.h>
#include <errno.h>

static struct strata_address address(const char *text)
{
    struct strata_address parsed;
    REQUIRE(strata_address_parse(text, &parsed) == 0);
    return parsed;
}

TEST(kinds_of_addresses)
{
    static const struct {
        const char *text;
        bool unspecified, loopback, multicast, link_local, broadcast, reserved;
    } rows[] = {
        {.text = "0.0.0.0", .unspecified = true},
        {.text = "::", .unspecified = true},
        {.text = "0.0.0.1"},
        {.text = "127.0.0.1", .loopback = true},
        {.text = "127.255.0.9", .loopback = true},
        {.text = "::1", .loopback = true},
        {.text = "::2"},
        {.text = "223.255.255.255"},
        {.text = "224.0.0.1", .multicast = true},
        {.text = "239.255.255.255", .multicast = true},
        {.text = "ff02::1", .multicast = true},
        {.text = "fe00::1"},
        {.text = "169.254.1.1", .link_local = true},
        {.text = "169.253.1.1"},
        {.text = "fe80::1", .link_local = true},
        {.text = "febf::1", .link_local = true},
        {.text = "fec0::1"},
        {.text = "240.0.0.1", .reserved = true},
        {.text = "255.255.255.254", .reserved = true},
        {.text = "255.255.255.255", .broadcast = true},
        {.text = "10.1.2.3"},
        {.text = "2001:db8::1"},
        {.text = "ffff::1", .multicast = true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct strata_address a = address(rows[i].text);
        bool same = address_is_unspecified(&a) == rows[i].unspecified;
        same = same && address_is_loopback(&a) == rows[i].loopback;
        same = same && address_is_multicast(&a) == rows[i].multicast;
        same = same && address_is_link_local(&a) == rows[i].link_local;
        same = same && address_is_limited_broadcast(&a) == rows[i].broadcast;
        same = same && address_is_reserved(&a) == rows[i].reserved;
        if (!CHECK(same))
            printf("        %s\n", rows[i].text);
    }
    struct strata_address zero = {{0}}, any = strata_ipv4(0, 0, 0, 0);
    CHECK(address_is_zero(&zero));
    CHECK(!address_is_zero(&any));
}

TEST(ipv4_addresses_as_numbers)
{
    // 169.229.60.83 = 0xA9E53C53
    struct strata_address a = address("169.229.60.83"), b = address_from_v4(0xa9e53c53),
                          c = address("2001:db8::1");
    CHECK_EQ(address_v4(&a), 0xa9e53c53u);
    CHECK(address_equal(&a, &b));
    CHECK_EQ(address_v4(&c), 0);
}

TEST(prefixes_match_mask_and_broadcast)
{
    struct strata_address a = address("200.23.19.77"), b = address("200.23.16.1"), c = address("200.23.20.1");
    CHECK(address_matches(&a, &b, ADDRESS_V4_BITS + 22));
    CHECK(!address_matches(&a, &b, ADDRESS_V4_BITS + 23));
    CHECK(!address_matches(&a, &c, ADDRESS_V4_BITS + 22));
    CHECK(address_matches(&a, &c, ADDRESS_V4_BITS + 21));
    CHECK(address_matches(&a, &a, 128));
    CHECK(!address_matches(&a, &b, 128));
    struct strata_address v6 = address("2001:db8::1");
    CHECK(address_matches(&a, &v6, 0));
    struct strata_address mask = address_mask(&a, ADDRESS_V4_BITS + 23), expected = address("200.23.18.0");
    CHECK(address_equal(&mask, &expected));
    mask = address_mask(&a, 128);
    CHECK(address_equal(&mask, &a));
    struct strata_address broadcast = address_broadcast(&a, ADDRESS_V4_BITS + 23);
    expected = address("200.23.19.255");
    CHECK(address_equal(&broadcast, &expected));
    broadcast = address_broadcast(&a, 128);
    CHECK(address_equal(&broadcast, &a));
}

TEST(addresses_that_are_none)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "1",
                                      "1.2.3",
                                      "1.2.3.",
                                      "1.2.3.4.",
                                      "1.2.3.4.5",
                                      "256.0.0.1",
                                      "1.2.3.04",
                                      "01.2.3.4",
                                      "1.2.3.-4",
                                      "1.2.3.4 ",
                                      " 1.2.3.4",
                                      "1.2.3.4/8",
                                      "1..2.3",
                                      ".1.2.3",
                                      "1.2.3.a",
                                      "4294967297.1.1.1",
                                      ":",
                                      ":::",
                                      "1:2",
                                      "1:2:3:4:5:6:7",
                                      "1:2:3:4:5:6:7:8:9",
                                      "1:2:3:4:5:6:7:8::",
                                      "::1:2:3:4:5:6:7:8",
                                      "1::2::3",
                                      "12345::",
                                      "g::",
                                      "1:",
                                      "1::2:",
                                      ":1::2",
                                      ":1",
                                      "1:::2",
                                      "::1.2.3",
                                      "::1.2.3.4.5",
                                      "::1.2.3.4:5",
                                      "1:2:3:4:5:6:7:1.2.3.4",
                                      "::256.1.1.1",
                                      "fe80::1%1",
                                      "[::1]",
                                      "::1 ",
                                      "1.2.3.4:80",
                                      "::/0",
                                      "::1.2.3.04"};
    struct strata_address a = strata_ipv4(9, 9, 9, 9), before = a;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!CHECK_EQ(strata_address_parse(bad[i], &a), -EINVAL))
            printf("        %s\n", bad[i]);
    CHECK_EQ(strata_address_parse(NULL, &a), -EINVAL);
    CHECK(address_equal(&a, &before));
}

TEST(addresses_as_rfc_5952_writes_them)
{
    static const char *const rows[][2] = {
        {"2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"},
        {"2001:DB8:AAAA:BBBB:CCCC:DDDD:EEEE:1", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"},
        {"2001:db8::0:1", "2001:db8::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, // 4.2.2: one group is not shortened
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},          // 4.2.3: the longest run
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},    // 4.2.3: the first of equals
        {"0:0:0:0:0:0:0:0", "::"},
        {"0:0:0:0:0:0:0:1", "::1"},
        {"1:0:0:0:0:0:0:0", "1::"},
        {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"::ffff:c000:201", "192.0.2.1"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[STRATA_ADDRESS_TEXT];
        struct strata_address a = address(rows[i][0]);
        CHECK_EQ(strata_address_format(&a, text, sizeof text), strlen(rows[i][1]));
        CHECK_STR(text, rows[i][1]);
    }
}

TEST(text_that_does_not_fit_is_cut)
{
    struct strata_address a = address("2001:db8:aaaa:bbbb:cccc:dddd:eeee:1111");
    char text[STRATA_ADDRESS_TEXT] = "untouched";
    CHECK_EQ(strata_address_format(&a, text, 0), 0);
    CHECK_STR(text, "untouched");
    CHECK_EQ(strata_address_format(&a, text, 1), 0);
    CHECK_STR(text, "");
    CHECK_EQ(strata_address_format(&a, text, 8), 7);
    CHECK_STR(text, "2001:db");
}

TEST(addresses_as_text_and_back)
{
    uint64_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        struct strata_address a, b;
        test_fill(&seed, &a, sizeof a);
        // Many zeros, so that every pattern of runs comes up.
        uint64_t zeros = test_random(&seed);
        for (int j = 0; j < 8; j++)
            if (zeros >> j & 1)
                a.bytes[2 * j] = a.bytes[2 * j + 1] = 0;
        if (i % 8 == 0)
            a = address_from_v4((uint32_t)test_random(&seed));
        char text[STRATA_ADDRESS_TEXT], libc[STRATA_ADDRESS_TEXT];
        size_t length = strata_address_format(&a, text, sizeof text);
        CHECK_EQ(length, strlen(text));
        CHECK_EQ(strata_address_parse(text, &b), 0);
        CHECK_MEM(&a, &b, sizeof a);
        // glibc writes ::/96 with dots, which nobody does any more, and mapped addresses as IPv6.
        static const uint8_t zero[12];
        if (memcmp(a.bytes, zero, 12) == 0)
            continue;
        if (strata_address_is_ipv4(&a))
            inet_ntop(AF_INET, a.bytes + 12, libc, sizeof libc);
        else
            inet_ntop(AF_INET6, a.bytes, libc, sizeof libc);
        CHECK_STR(text, libc);
    }
}

TEST(strings_are_taken_and_refused_as_libc_does)
{
    static const char alphabet[] = "0129afF:::::..%/ ";
    uint64_t seed = 2;
    unsigned taken = 0;
    for (int i = 0; i < 200000; i++) {
        char text[24];
        size_t length = test_below(&seed, sizeof text);
        for (size_t j = 0; j < length; j++)
            text[j] = alphabet[test_below(&seed, sizeof alphabet - 1)];
        text[length] = '\0';
        struct strata_address a;
        uint8_t v6[16], v4[4];
        bool ours = strata_address_parse(text, &a) == 0;
        bool is_v4 = inet_pton(AF_INET, text, v4) == 1, is_v6 = inet_pton(AF_INET6, text, v6) == 1;
        taken += ours;
        if (!CHECK_EQ(ours, is_v4 || is_v6))
            printf("        \"%s\"\n", text);
        else if (ours)
            CHECK_MEM(is_v4 ? a.bytes + 12 : a.bytes, is_v4 ? v4 : v6, is_v4 ? 4 : 16);
    }
    CHECK(taken > 100);
}

TEST(endpoints_as_text_and_back)
{
    static const struct {
        const char *text;
        const char *address;
        uint32_t scope;
        uint16_t port;
    } rows[] = {
        {"192.0.2.1:80", "192.0.2.1", 0, 80},
        {"0.0.0.0:0", "0.0.0.0", 0, 0},
        {"[2001:db8::1]:65535", "2001:db8::1", 0, 65535},
        {"[fe80::1%3]:22", "fe80::1", 3, 22},
        {"[169.254.1.1%2]:22", "169.254.1.1", 2, 22},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct strata_endpoint endpoint, expected = {address(rows[i].address), rows[i].scope, rows[i].port};
        CHECK_EQ(strata_endpoint_parse(rows[i].text, &endpoint), 0);
        CHECK(endpoint_equal(&endpoint, &expected));
        char text[STRATA_ENDPOINT_TEXT];
        CHECK_EQ(strata_endpoint_format(&endpoint, text, sizeof text), strlen(rows[i].text));
        CHECK_STR(text, rows[i].text);
    }
    static const char *const bad[] = {"",
                                      "192.0.2.1",
                                      "192.0.2.1:",
                                      "192.0.2.1:65536",
                                      "192.0.2.1:080",
                                      "192.0.2.1:8 ",
                                      "2001:db8::1:80",
                                      "[::1]",
                                      "[::1]80",
                                      "[::1:80",
                                      "[fe80::1%]:1",
                                      "[fe80::1%x]:1",
                                      "192.0.2.1%1:80",
                                      "[192.0.2.1:80",
                                      ":80",
                                      "[]:80",
                                      "192.0.2.1:+80"};
    struct strata_endpoint endpoint;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!CHECK_EQ(strata_endpoint_parse(bad[i], &endpoint), -EINVAL))
            printf("        %s\n", bad[i]);
    CHECK_EQ(strata_endpoint_parse(NULL, &endpoint), -EINVAL);
    // The longest there is.
    endpoint =
        (struct strata_endpoint){address("1111:2222:3333:4444:5555:6666:7777:8888"), UINT32_MAX, 65535};
    char text[STRATA_ENDPOINT_TEXT];
    strata_endpoint_format(&endpoint, text, sizeof text);
    CHECK_STR(text, "[1111:2222:3333:4444:5555:6666:7777:8888%4294967295]:65535");
}

TEST(prefixes_as_text)
{
    struct strata_address a, expected = strata_ipv4(200, 23, 16, 0);
    unsigned length;
    CHECK_EQ(strata_prefix_parse("200.23.16.0/23", &a, &length), 0);
    CHECK(address_equal(&a, &expected));
    CHECK_EQ(length, 23);
    CHECK_EQ(strata_prefix_parse("::ffff:200.23.16.0/119", &a, &length), 0);
    CHECK(address_equal(&a, &expected));
    CHECK_EQ(length, 23);
    CHECK_EQ(strata_prefix_parse("0.0.0.0/0", &a, &length), 0);
    CHECK_EQ(length, 0);
    CHECK_EQ(strata_prefix_parse("::/0", &a, &length), 0);
    CHECK_EQ(length, 0);
    CHECK_EQ(strata_prefix_parse("2001:db8::/128", &a, &length), 0);
    CHECK_EQ(length, 128);
    static const char *const bad[] = {"",           "1.2.3.4",    "1.2.3.4/", "1.2.3.4/33",
                                      "1.2.3.4/-1", "1.2.3.4/8x", "::/129",   "::ffff:1.2.3.4/95",
                                      "1.2.3/8",    "::1",        "/8",       "1.2.3.4/08"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!CHECK_EQ(strata_prefix_parse(bad[i], &a, &length), -EINVAL))
            printf("        %s\n", bad[i]);
    CHECK_EQ(strata_prefix_parse(NULL, &a, &length), -EINVAL);
}

TEST_MAIN(TEST_ENTRY(kinds_of_addresses), TEST_ENTRY(ipv4_addresses_as_numbers),
          TEST_ENTRY(prefixes_match_mask_and_broadcast), TEST_ENTRY(addresses_that_are_none),
          TEST_ENTRY(addresses_as_rfc_5952_writes_them), TEST_ENTRY(text_that_does_not_fit_is_cut),
          TEST_ENTRY(addresses_as_text_and_back), TEST_ENTRY(strings_are_taken_and_refused_as_libc_does),
          TEST_ENTRY(endpoints_as_text_and_back), TEST_ENTRY(prefixes_as_text))
