/*
 * The small things of the base room that live in headers, and text without stdio: readers and writers, lists,
 * sequence numbers.
 */
#include "base/bytes.h"
#include "base/list.h"
#include "base/seq.h"
#include "base/text.h"
#include "tests/test.h"

TEST(a_reader_never_passes_its_end)
{
    static const uint8_t bytes[] = {0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde};
    struct reader reader = reader_of(bytes, sizeof bytes);
    CHECK_EQ(reader_u8(&reader), 0x12);
    CHECK_EQ(reader_u16(&reader), 0x3456);
    CHECK_EQ(reader_left(&reader), 4);
    CHECK_EQ(reader_u32(&reader), 0x789abcdeu);
    CHECK(!reader.failed);
    CHECK_EQ(reader_u8(&reader), 0);
    CHECK(reader.failed);
    reader = reader_of(bytes, sizeof bytes);
    uint8_t copy[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    reader_copy(&reader, copy, 8);
    CHECK(reader.failed);
    CHECK_EQ(reader_left(&reader), 0);
    for (int i = 0; i < 8; i++)
        CHECK_EQ(copy[i], 0);
    CHECK(reader_take(&reader, 0) != NULL);
    CHECK(reader_take(&reader, SIZE_MAX) == NULL);
}

TEST(a_writer_never_passes_its_end)
{
    uint8_t room[8];
    struct writer writer = writer_of(room, 7);
    writer_u8(&writer, 0x12);
    writer_u16(&writer, 0x3456);
    writer_u32(&writer, 0x789abcde);
    CHECK(!writer.failed);
    CHECK_MEM(room, "\x12\x34\x56\x78\x9a\xbc\xde", 7);
    writer_u8(&writer, 1);
    CHECK(writer.failed);
    CHECK_EQ(writer.position, 7);
    writer_bytes(&writer, "x", 1);
    CHECK_EQ(writer.position, 7);
}

TEST(numbers_in_network_order)
{
    uint8_t bytes[8];
    bytes_put64(bytes, 0x0123456789abcdefu);
    CHECK_MEM(bytes, "\x01\x23\x45\x67\x89\xab\xcd\xef", 8);
    CHECK_EQ(bytes_get64(bytes), 0x0123456789abcdef);
    CHECK_EQ(bytes_get32(bytes + 4), 0x89abcdefu);
    CHECK_EQ(bytes_get16(bytes + 6), 0xcdef);
}

TEST(lists_keep_their_order)
{
    struct list head, a, b, c;
    list_init(&head);
    list_init(&a);
    list_init(&b);
    list_init(&c);
    CHECK(list_is_empty(&head) && list_first(&head) == NULL && !list_is_linked(&a));
    list_push_back(&head, &b);
    list_push_back(&head, &c);
    list_push_front(&head, &a);
    CHECK(list_first(&head) == &a && a.next == &b && b.next == &c && c.next == &head);
    LIST_FOR_EACH_SAFE(link, &head)
    if (link == &b)
        list_remove(link);
    CHECK(a.next == &c && c.previous == &a && !list_is_linked(&b));
    list_remove(&b);
    int count = 0;
    LIST_FOR_EACH(link, &head)
    count++;
    CHECK_EQ(count, 2);
}

TEST(sequence_numbers_wrap)
{
    // RFC 9293-10: 2^32 - 1 comes before 0 and 10, and that is 11 apart.
    const seq_t last = UINT32_MAX;
    CHECK(seq_lt(last, 0) && seq_lt(last, 10) && seq_gt(10, last) && seq_le(last, last) && seq_ge(0, last));
    CHECK(!seq_gt(last, 10) && !seq_lt(10, last) && !seq_lt(5, 5) && !seq_gt(5, 5));
    CHECK_EQ(seq_diff(10, last), 11);
    CHECK_EQ(seq_diff(last, 10), -11);
    CHECK_EQ(seq_max(last, 10), 10);
    CHECK_EQ(seq_min(last, 10), last);
    CHECK(seq_within(5, last, 7) && !seq_within(6, last, 7) && seq_within(last, last, 1) &&
          !seq_within(last, last, 0));
    CHECK(!seq_within(last - 1, last, 7));
}

TEST(text_is_cut_and_ended)
{
    char room[8];
    struct text text = text_of(room, sizeof room);
    CHECK_STR(room, "");
    text_string(&text, "abc");
    text_unsigned(&text, 12345);
    CHECK_STR(room, "abc1234");
    CHECK_EQ(text.length, 7);
    text_char(&text, 'x');
    CHECK_EQ(text.length, 7);
    text = text_of(NULL, 0);
    text_string(&text, "nowhere");
    CHECK_EQ(text.length, 0);
}

TEST(numbers_as_text)
{
    char room[100];
    struct text text = text_of(room, sizeof room);
    text_unsigned(&text, UINT64_MAX);
    text_char(&text, ' ');
    text_signed(&text, INT64_MIN);
    text_char(&text, ' ');
    text_signed(&text, 0);
    text_char(&text, ' ');
    text_hex(&text, 0xab, 4);
    text_char(&text, ' ');
    text_hex(&text, 0xfedcba9876543210u, 1);
    CHECK_STR(room, "18446744073709551615 -9223372036854775808 0 00ab fedcba9876543210");
    text = text_of(room, sizeof room);
    text_mac(&text, (const uint8_t[]){2, 0, 0, 0xff, 0x10, 1});
    text_span(&text, " abcdef", 4);
    CHECK_STR(room, "02:00:00:ff:10:01 abc");
    text = text_of(room, sizeof room);
    text_escaped(&text, "a\"\\\r\n\t\0\x7f\xff", 9);
    CHECK_STR(room, "a\"\\\\\\r\\n\\t\\x00\\x7f\\xff");
}

TEST_MAIN(TEST_ENTRY(a_reader_never_passes_its_end), TEST_ENTRY(a_writer_never_passes_its_end),
          TEST_ENTRY(numbers_in_network_order), TEST_ENTRY(lists_keep_their_order),
          TEST_ENTRY(sequence_numbers_wrap), TEST_ENTRY(text_is_cut_and_ended), TEST_ENTRY(numbers_as_text))
