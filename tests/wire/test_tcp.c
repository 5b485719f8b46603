/*
 * TCP headers and options.
 */
#include "wire/tcp.h"
#include "tests/test.h"
#include "tests/wire/same.h"
#include "wire/checksum.h"

/** A header of 20 bytes and the options given, padded with `padding` to a multiple of four. */
struct segment {
    uint8_t bytes[64];
    size_t size;
};
static struct segment with_options(const uint8_t *options, size_t size, uint8_t padding)
{
    struct segment segment = {.size = 20 + (size + 3) / 4 * 4};
    memset(segment.bytes, padding, sizeof segment.bytes);
    memset(segment.bytes, 0, 20);
    segment.bytes[12] = (uint8_t)(segment.size / 4 << 4);
    memcpy(segment.bytes + 20, options, size);
    return segment;
}

static int parse_options(struct tcp_options *options, const void *bytes, size_t size)
{
    static struct segment segment; // options may point into it
    segment = with_options(bytes, size, 0);
    struct tcp_header header;
    int length = tcp_parse(&header, segment.bytes, segment.size);
    *options = header.options;
    return length;
}

TEST(a_syn_as_linux_sends_it)
{
    static const uint8_t known[40] = {0xa4, 0x10, 0x00, 0x50, 0x12, 0x34, 0x56, 0x78, 0x00, 0x00,
                                      0x00, 0x00, 0xa0, 0x02, 0xfa, 0xf0, 0x00, 0x00, 0x00, 0x00,
                                      0x02, 0x04, 0x05, 0xb4, 0x04, 0x02, 0x08, 0x0a, 0x00, 0x00,
                                      0x00, 0x07, 0x00, 0x00, 0x00, 0x00, 0x01, 0x03, 0x03, 0x07};
    struct tcp_header header;
    CHECK_EQ(tcp_parse(&header, known, sizeof known), 40);
    CHECK_EQ(header.source_port, 42000);
    CHECK_EQ(header.destination_port, 80);
    CHECK_EQ(header.seq, 0x12345678);
    CHECK_EQ(header.flags, TCP_SYN);
    CHECK_EQ(header.window, 64240);
    CHECK_EQ(header.header_bytes, 40);
    CHECK(header.options.has_mss && header.options.sack_permitted && header.options.has_timestamps &&
          header.options.has_scale);
    CHECK_EQ(header.options.mss, 1460);
    CHECK_EQ(header.options.ts_value, 7);
    CHECK_EQ(header.options.scale, 7);
    uint8_t room[60];
    CHECK_EQ(tcp_emit(room, &header), 40);
    CHECK_MEM(room, known, 40);
    tcp_put_checksum(room, 0xbeef);
    CHECK_EQ(tcp_parse(&header, room, 40), 40);
    CHECK_EQ(header.checksum, 0xbeef);
}

TEST(the_order_of_options)
{
    // RFC 7413-2, RFC 5482-1: as kind 34 and kind 28 look on the wire.
    static const uint8_t cookie[] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const struct {
        struct tcp_options options;
        size_t size;
        uint8_t bytes[40];
    } rows[] = {
        {{.has_mss = true, .mss = 536}, 4, {2, 4, 2, 24}},
        {{.has_mss = true, .mss = 1460, .has_scale = true, .scale = 14}, 8, {2, 4, 5, 180, 1, 3, 3, 14}},
        {{.has_mss = true, .mss = 1460, .has_scale = true, .scale = 2, .sack_permitted = true},
         12,
         {2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 2}},
        {{.has_mss = true, .mss = 1460, .has_timestamps = true, .ts_value = 1, .ts_echo = 2},
         16,
         {2, 4, 5, 180, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2}},
        {{.has_timestamps = true, .ts_value = 1, .ts_echo = 2}, 12, {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2}},
        {{.sack_count = 1, .sack = {{1, 2}}}, 12, {1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2}},
        {{.has_timestamps = true, .ts_value = 1, .ts_echo = 2, .sack_count = 1, .sack = {{3, 4}}},
         24,
         {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4}},
        {{.has_user_timeout = true, .user_timeout = TCP_USER_TIMEOUT_MINUTES | 5}, 4, {28, 4, 0x80, 5}},
        {{.has_fast_open = true}, 4, {34, 2, 1, 1}},
        {{.has_fast_open = true, .fast_open_experimental = true}, 4, {254, 4, 0xf9, 0x89}},
        {{.has_mss = true, .mss = 1460, .has_fast_open = true, .fast_open_bytes = 8, .fast_open = cookie},
         16,
         {2, 4, 5, 180, 34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1}},
        {{.has_user_timeout = true, .user_timeout = 9, .has_fast_open = true, .fast_open_experimental = true,
          .fast_open_bytes = 4, .fast_open = cookie},
         12,
         {28, 4, 0, 9, 254, 8, 0xf9, 0x89, 1, 2, 3, 4}},
        // As BSD orders them.
        {{.has_mss = true, .mss = 1460, .sack_permitted = true, .scale_first = true}, 8, {2, 4, 5, 180, 4, 2, 0, 0}},
        {{.has_mss = true, .mss = 1460, .has_scale = true, .scale = 6, .has_timestamps = true, .ts_value = 1,
          .scale_first = true},
         20,
         {2, 4, 5, 180, 1, 3, 3, 6, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0}},
        {{.has_mss = true, .mss = 1460, .has_scale = true, .scale = 6, .sack_permitted = true, .has_timestamps = true,
          .ts_value = 1, .has_fast_open = true, .scale_first = true},
         24,
         {2, 4, 5, 180, 1, 3, 3, 6, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 34, 2, 0, 0}},
        {{.has_mss = true, .mss = 1460, .sack_permitted = true, .has_fast_open = true, .fast_open_bytes = 4,
          .fast_open = cookie, .scale_first = true},
         16,
         {2, 4, 5, 180, 4, 2, 1, 1, 34, 6, 1, 2, 3, 4, 0, 0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tcp_header header = {.flags = TCP_ACK, .options = rows[i].options};
        uint8_t room[60];
        CHECK_EQ(tcp_options_bytes(&header.options), rows[i].size);
        CHECK_EQ(tcp_emit(room, &header), 20 + rows[i].size);
        CHECK_MEM(room + 20, rows[i].bytes, rows[i].size);
        struct tcp_options parsed;
        CHECK_EQ(parse_options(&parsed, rows[i].bytes, rows[i].size), (int)(20 + rows[i].size));
        CHECK(same_options(&parsed, &rows[i].options));
    }
    struct tcp_options most = {.has_timestamps = true, .sack_count = 3};
    CHECK_EQ(tcp_options_bytes(&most), 40);
}

TEST(end_nop_and_mss_are_known)
{
    // RFC 9293 MUST-4
    struct tcp_options options;
    CHECK_EQ(parse_options(&options, "\x01\x01\x02\x04\x02\x18\x00", 7), 28);
    CHECK(options.has_mss);
    CHECK_EQ(options.mss, 536);
    CHECK_EQ(parse_options(&options, "\x00", 1), 24);
    CHECK(!options.has_mss);
}

TEST(unknown_options_are_skipped_by_their_length)
{
    // RFC 9293 MUST-6, RFC 9293 MUST-68: kinds that nobody has defined yet have a length byte too.
    for (unsigned kind = 9; kind < 256; kind++) {
        uint8_t bytes[12] = {(uint8_t)kind, 6, 2, 4, 0, 1, 2, 4, 5, 180};
        struct tcp_options options;
        CHECK_EQ(parse_options(&options, bytes, sizeof bytes), 32);
        CHECK(options.has_mss);
        CHECK_EQ(options.mss, 1460);
        CHECK(!options.has_timestamps && !options.sack_permitted && !options.has_scale &&
              options.sack_count == 0);
    }
    // A known kind with a length it cannot have is an unknown option.
    struct tcp_options options;
    static const uint8_t odd[] = {2, 3, 5, 3, 2, 8, 3, 4, 4, 4, 0, 0, 5, 9, 0, 0, 0, 1, 0, 0, 0, 5, 2, 0};
    CHECK_EQ(parse_options(&options, odd, sizeof odd), 44);
    CHECK(!options.has_mss && !options.has_scale && !options.has_timestamps && !options.sack_permitted);
    CHECK_EQ(options.sack_count, 0);
}

TEST(a_cookie_has_an_even_number_of_4_to_16_octets)
{
    // RFC 7413-2: all other lengths are ignored, in the form of the experiment too; none at all is a request.
    for (uint8_t length = 0; length <= 20; length++) {
        uint8_t bytes[2][24] = {{34, (uint8_t)(2 + length)}, {254, (uint8_t)(4 + length), 0xf9, 0x89}};
        for (int form = 0; form < 2; form++) {
            struct tcp_options options;
            size_t size = (form ? 4u : 2u) + length;
            memset(bytes[form] + (form ? 4 : 2), 0xab, length);
            CHECK_EQ(parse_options(&options, bytes[form], size), (int)(20 + (size + 3) / 4 * 4));
            bool good = length == 0 || (length >= 4 && length <= 16 && length % 2 == 0);
            CHECK_EQ(options.has_fast_open, good);
            CHECK_EQ(options.fast_open_bytes, good ? length : 0);
            CHECK_EQ(options.fast_open_experimental, good && form == 1);
        }
    }
    struct tcp_options options;
    CHECK_EQ(parse_options(&options, "\xfe\x04\xf9\x88\xfe\x03\xf9", 7), 28); // another experiment; one without a name
    CHECK(!options.has_fast_open);
}

TEST(lengths_that_lie_are_survived)
{
    // RFC 9293 MUST-7: zero, one, and more than there is.
    static const uint8_t lies[][4] = {{2, 0, 5, 180}, {2, 1, 5, 180}, {8, 10, 0, 0},
                                      {1, 1, 1, 2},   {99, 0, 0, 0},  {99, 255, 0, 0}};
    struct tcp_options options;
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
        CHECK_EQ(parse_options(&options, lies[i], 4), WIRE_BAD(tcp_drop_options));
    CHECK_EQ(parse_options(&options, "\x01\x01\x01\x00", 4), 24);
}

TEST(options_begin_at_any_byte)
{
    // RFC 9293 MUST-64: an option is the same behind zero to seven NOPs.
    for (size_t shift = 0; shift < 8; shift++) {
        uint8_t bytes[40];
        memset(bytes, 1, sizeof bytes);
        static const uint8_t timestamps[] = {8, 10, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
        static const uint8_t sack[] = {5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4};
        memcpy(bytes + shift, timestamps, sizeof timestamps);
        memcpy(bytes + shift + 10, sack, sizeof sack);
        memcpy(bytes + shift + 28, "\x02\x04\x05\xb4", 4);
        struct tcp_options options;
        CHECK_EQ(parse_options(&options, bytes, 40), 60);
        CHECK(options.has_timestamps && options.has_mss);
        CHECK_EQ(options.ts_value, 0x11223344);
        CHECK_EQ(options.ts_echo, 0x55667788);
        CHECK_EQ(options.mss, 1460);
        CHECK_EQ(options.sack_count, 2);
        CHECK_EQ(options.sack[1].start, 3);
        CHECK_EQ(options.sack[1].end, 4);
    }
}

TEST(behind_the_end_there_is_only_padding)
{
    // RFC 9293 MUST-69: what follows the end of the list is never read as options, and what we pad is valid.
    struct tcp_options options;
    CHECK_EQ(parse_options(&options, "\x00\x02\x04\x05\xb4\x63\x00\x00", 8), 28);
    CHECK(!options.has_mss);
    CHECK_EQ(parse_options(&options, "\x02\x04\x02\x18\x00\xff\xff\xff", 8), 28);
    CHECK_EQ(options.mss, 536);
    // Our own options fill whole words, so that there is no end and no padding: each byte belongs to one.
    struct tcp_header header = {.options = {.has_mss = true, .has_scale = true, .sack_permitted = true}};
    uint8_t room[60];
    size_t size = tcp_emit(room, &header);
    CHECK_EQ(size % 4, 0);
    for (size_t at = 20; at < size; at += room[at] == 1 ? 1 : room[at + 1])
        CHECK(room[at] != 0);
}

TEST(the_common_form_is_parsed_as_the_others_are)
{
    static const uint8_t aligned[] = {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8};
    static const uint8_t shifted[] = {1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1};
    struct tcp_options a, b;
    CHECK_EQ(parse_options(&a, aligned, 12), 32);
    CHECK_EQ(parse_options(&b, shifted, 12), 32);
    CHECK(same_options(&a, &b));
    CHECK_EQ(a.ts_value, 0x01020304);
    CHECK_EQ(a.ts_echo, 0x05060708);
}

TEST(of_two_options_of_a_kind_the_last_counts)
{
    static const uint8_t twice[] = {2, 4, 0, 1, 5, 18, 0, 0, 0, 1,  0, 0, 0, 2, 0, 0, 0, 3,
                                    0, 0, 0, 4, 2, 4,  0, 9, 5, 10, 0, 0, 0, 5, 0, 0, 0, 6};
    struct tcp_options options, expected = {.has_mss = true, .mss = 9, .sack_count = 1, .sack = {{5, 6}}};
    CHECK_EQ(parse_options(&options, twice, sizeof twice), 56);
    CHECK(same_options(&options, &expected));
}

TEST(header_lengths_that_lie_are_refused)
{
    uint8_t bytes[60] = {0};
    struct tcp_header header;
    for (uint8_t words = 0; words < 16; words++) {
        bytes[12] = (uint8_t)(words << 4);
        for (size_t size = 0; size <= 60; size++) {
            bool right = words >= 5 && size >= words * 4u;
            CHECK_EQ(tcp_parse(&header, bytes, size), right ? words * 4 : WIRE_BAD(tcp_drop_short));
        }
    }
}

TEST(what_is_emitted_is_parsed)
{
    uint64_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        struct tcp_header header = {0}, parsed = {0};
        header.source_port = (uint16_t)test_random(&seed);
        header.destination_port = (uint16_t)test_random(&seed);
        header.seq = (seq_t)test_random(&seed);
        header.ack = (seq_t)test_random(&seed);
        header.flags = (uint16_t)test_below(&seed, 512);
        header.window = (uint16_t)test_random(&seed);
        header.urgent = (uint16_t)test_random(&seed);
        uint64_t which = test_random(&seed);
        struct tcp_options *options = &header.options;
        if (which & 1) {
            options->has_mss = true;
            options->mss = (uint16_t)test_random(&seed);
        }
        if (which & 2) {
            options->has_scale = true;
            options->scale = (uint8_t)test_random(&seed);
        }
        if (which & 4) {
            options->has_timestamps = true;
            options->ts_value = (uint32_t)test_random(&seed);
            options->ts_echo = (uint32_t)test_random(&seed);
        }
        options->sack_permitted = which & 8;
        while (options->sack_count < (which >> 4) % 5) {
            struct tcp_sack_block *block = &options->sack[options->sack_count++];
            block->start = (seq_t)test_random(&seed);
            block->end = (seq_t)test_random(&seed);
            if (tcp_options_bytes(options) > 40) {
                *block = (struct tcp_sack_block){0};
                options->sack_count--;
                break;
            }
        }
        uint8_t cookie[TCP_COOKIE_MAX];
        memset(cookie, (int)(which >> 20), sizeof cookie);
        if (which & 1 << 8 && tcp_options_bytes(options) <= 36) {
            options->has_user_timeout = true;
            options->user_timeout = (uint16_t)test_random(&seed);
        }
        if (which & 1 << 9 && tcp_options_bytes(options) <= 20) {
            options->has_fast_open = true;
            options->fast_open_experimental = which >> 10 & 1;
            options->fast_open_bytes = (uint8_t)(which >> 11 & 1 ? 0 : 4 + 2 * (which >> 12 & 3));
            options->fast_open = cookie;
        }
        uint8_t room[60];
        size_t size = tcp_emit(room, &header);
        CHECK_EQ(size, 20 + tcp_options_bytes(options));
        CHECK_EQ(tcp_parse(&parsed, room, size), (int)size);
        header.header_bytes = (uint8_t)size;
        CHECK(same_tcp(&parsed, &header));
    }
}

TEST(flags_as_text)
{
    char text[40];
    CHECK_EQ(tcp_flags_print(TCP_SYN | TCP_ACK, text, sizeof text), 7);
    CHECK_STR(text, "SYN,ACK");
    tcp_flags_print(0x1ff, text, sizeof text);
    CHECK_STR(text, "SYN,FIN,RST,PSH,ACK,URG,ECE,CWR,AE");
    CHECK_EQ(tcp_flags_print(0, text, sizeof text), 0);
    CHECK_STR(text, "");
    CHECK_EQ(tcp_flags_print(0x1ff, text, 6), 5);
    CHECK_STR(text, "SYN,F");
}

TEST(an_mss_is_clamped_and_the_checksum_stays_true)
{
    // Wherever the option stands: even, odd, behind others, twice.
    static const struct {
        uint8_t options[12];
        size_t size;
        bool lowered;
    } cases[] = {
        {{2, 4, 0x05, 0xb4}, 4, true},
        {{1, 2, 4, 0x05, 0xb4, 1, 1, 1}, 8, true},
        {{3, 3, 7, 2, 4, 0x05, 0xb4, 0}, 8, true},
        {{2, 4, 0x05, 0xb4, 2, 4, 0xff, 0xff}, 8, true},
        {{2, 3, 0x05, 2, 4, 0x05, 0xb4, 0}, 8, true}, // the first is none
        {{2, 4, 0x03, 0xe8}, 4, false},               // 1000 is little enough
        {{0, 2, 4, 0x05, 0xb4}, 5, false},            // behind the end
        {{1, 1, 1, 1}, 4, false},
        {{2, 5, 0x05, 0xb4, 0}, 5, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int syn = 0; syn < 2; syn++) {
            struct segment segment = with_options(cases[i].options, cases[i].size, 0), before;
            segment.bytes[13] = syn ? TCP_SYN : TCP_ACK;
            bytes_put16(segment.bytes, (uint16_t)(12345 + i));
            tcp_put_checksum(segment.bytes, checksum_finish(checksum_add(0, segment.bytes, segment.size)));
            before = segment;
            bool lowered = tcp_clamp_mss(segment.bytes, segment.size, 1200);
            CHECK_EQ(lowered, cases[i].lowered && syn);
            CHECK(checksum_valid(checksum_add(0, segment.bytes, segment.size))); // RFC 1624, RFC 1071-4
            if (!lowered) {
                CHECK_MEM(segment.bytes, before.bytes, segment.size);
                continue;
            }
            struct tcp_header header;
            CHECK(tcp_parse(&header, segment.bytes, segment.size) > 0);
            CHECK_EQ(header.options.mss, 1200);
        }
    }
    CHECK(!tcp_clamp_mss((uint8_t[20]){0}, 19, 1200));
}

TEST_MAIN(TEST_ENTRY(a_syn_as_linux_sends_it), TEST_ENTRY(the_order_of_options),
          TEST_ENTRY(end_nop_and_mss_are_known), TEST_ENTRY(unknown_options_are_skipped_by_their_length),
          TEST_ENTRY(a_cookie_has_an_even_number_of_4_to_16_octets), TEST_ENTRY(lengths_that_lie_are_survived),
          TEST_ENTRY(options_begin_at_any_byte),
          TEST_ENTRY(behind_the_end_there_is_only_padding),
          TEST_ENTRY(the_common_form_is_parsed_as_the_others_are),
          TEST_ENTRY(of_two_options_of_a_kind_the_last_counts),
          TEST_ENTRY(header_lengths_that_lie_are_refused), TEST_ENTRY(what_is_emitted_is_parsed),
          TEST_ENTRY(flags_as_text),
          TEST_ENTRY(an_mss_is_clamped_and_the_checksum_stays_true))
