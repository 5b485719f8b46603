/**
 * The map of sent ranges against a plain model: an array with an entry per octet.
 */
#include "tests/allocator.h"
#include "tests/test.h"
#include "transport/tcp/sent.h"

#define OCTETS 4000
#define ISN 0xfffffc00u

struct model {
    struct {
        strata_time when;
        unsigned times;
        bool lost, sacked;
        uint16_t ends; /**< What ended behind it. */
    } octet[OCTETS];
    uint32_t first, end;
};

#define ENDS (SENT_PUSHED | SENT_BURST)

/** What goes again first. */
static void check_first_lost(struct sent *sent, const struct model *model, bool any, uint32_t first)
{
    struct sent_lost lost;
    REQUIRE(sent_first_lost(sent, 100, &lost) == any);
    if (!any)
        return;
    REQUIRE(lost.start - ISN == first && seq_lt(lost.start, lost.end) && lost.end - lost.start <= 100);
    for (seq_t seq = lost.start; seq != lost.end; seq++)
        REQUIRE(model->octet[seq - ISN].lost);
    uint32_t end = lost.end - ISN;
    REQUIRE(lost.pushed == ((model->octet[end - 1].ends & SENT_PUSHED) != 0));
    REQUIRE(lost.last == (model->octet[end - 1].ends || end == model->end || !model->octet[end].lost));
    bool again = first > model->first && !model->octet[first - 1].ends && !model->octet[first - 1].sacked &&
                 model->octet[first - 1].times > 1;
    REQUIRE(lost.follows == (again ? model->octet[first - 1].when : STRATA_NEVER));
}

static void compare(struct sent *sent, const struct model *model)
{
    seq_t at = ISN + model->first;
    uint32_t lost = 0, sacked = 0, first_lost = OCTETS;
    struct sent_cursor cursor;
    sent_verify(sent, at, sent->count > 0 ? ISN + model->end : at);
    for (const struct sent_range *range = sent_find(sent, at, &cursor); range; range = sent_next(sent, &cursor)) {
        REQUIRE(range->start == at && seq_lt(range->start, range->end));
        for (seq_t seq = range->start; seq != range->end; seq++) {
            uint32_t octet = seq - ISN;
            REQUIRE(((range->flags & SENT_LOST) != 0) == model->octet[octet].lost);
            REQUIRE(((range->flags & SENT_SACKED) != 0) == model->octet[octet].sacked);
            lost += model->octet[octet].lost;
            sacked += model->octet[octet].sacked;
            if (model->octet[octet].sacked)
                continue; // how it was sent does not matter any more
            REQUIRE(range->last_sent == model->octet[octet].when);
            REQUIRE(range->times == model->octet[octet].times);
            REQUIRE(((range->flags & SENT_RESENT) != 0) == (model->octet[octet].times > 1));
            REQUIRE(model->octet[octet].ends == (seq + 1 == range->end ? range->flags & ENDS : 0));
            if (model->octet[octet].lost && first_lost == OCTETS)
                first_lost = octet;
        }
        at = range->end;
    }
    REQUIRE(at == ISN + model->end || sent->count == 0);
    REQUIRE(lost == sent->lost_bytes && sacked == sent->sacked_bytes);
    check_first_lost(sent, model, lost > 0, first_lost);
}

/** What an ACK of [a, b) must tell. */
static void check_acked(const struct model *model, uint32_t a, uint32_t b, const struct sent_acked *acked)
{
    struct sent_acked told = SENT_ACKED_NOTHING;
    for (uint32_t i = a; i < b; i++) {
        if (model->octet[i].sacked)
            continue;
        strata_time when = model->octet[i].when;
        told.bytes++;
        if (model->octet[i].times > 1) {
            if (told.resent_at == STRATA_NEVER || when >= told.resent_last) {
                told.resent_last = when;
                told.resent_end = ISN + i + 1;
            }
            told.resent_at = when < told.resent_at ? when : told.resent_at;
            continue;
        }
        if (told.first_sent == STRATA_NEVER)
            told.original = ISN + i;
        if (told.first_sent == STRATA_NEVER || when >= told.last_sent) {
            told.last_sent = when;
            told.last_end = ISN + i + 1;
        }
        told.first_sent = when < told.first_sent ? when : told.first_sent;
    }
    REQUIRE(acked->bytes == told.bytes);
    REQUIRE(acked->first_sent == told.first_sent && acked->resent_at == told.resent_at);
    if (told.first_sent != STRATA_NEVER)
        REQUIRE(acked->original == told.original && acked->last_sent == told.last_sent &&
                acked->last_end == told.last_end);
    if (told.resent_at != STRATA_NEVER)
        REQUIRE(acked->resent_last == told.resent_last && acked->resent_end == told.resent_end);
}

static void push_some(struct sent *sent, struct memory *memory, struct model *model, uint64_t *seed, strata_time now)
{
    uint32_t size = (uint32_t)test_below(seed, 50) + 1;
    if (model->end + size > OCTETS)
        size = OCTETS - model->end;
    if (size == 0)
        return;
    uint16_t ends = test_below(seed, 3) == 0 ? SENT_PUSHED : test_below(seed, 3) == 0 ? SENT_BURST : 0;
    sent_push(sent, memory, ISN + model->end, ISN + model->end + size, now, 0, ends);
    for (; size > 0; size--, model->end++) {
        model->octet[model->end].when = now;
        model->octet[model->end].times = 1;
        model->octet[model->end].ends = size == 1 ? ends : 0;
    }
}

static void change(struct sent *sent, struct memory *memory, struct model *model, uint32_t a, uint32_t b, uint64_t what,
                   strata_time now)
{
    struct sent_acked acked = SENT_ACKED_NOTHING;
    if (a == b)
        return;
    if (what == 0) {
        sent_lose(sent, memory, ISN + a, ISN + b);
    } else if (what == 1) {
        sent_resend(sent, memory, ISN + a, ISN + b, now, 0);
    } else {
        sent_sack(sent, memory, ISN + a, ISN + b, 1, &acked);
        check_acked(model, a, b, &acked);
    }
    for (; a < b; a++) {
        if (what == 0) {
            model->octet[a].lost = !model->octet[a].sacked;
        } else if (what == 1) {
            model->octet[a].lost = false;
            model->octet[a].when = now;
            model->octet[a].times++;
        } else {
            model->octet[a].lost = false;
            model->octet[a].sacked = true;
        }
    }
}

static void change_all(struct sent *sent, struct model *model, uint64_t what, strata_time before)
{
    struct sent_cursor cursor;
    const struct sent_range *first = sent_find(sent, ISN + model->first, &cursor);
    seq_t first_end = first ? first->end : ISN;
    if (what == 0)
        sent_lose_all(sent, before);
    else
        sent_lose_nothing(sent);
    for (uint32_t a = model->first; a < model->end; a++) {
        bool old = model->octet[a].when < before || seq_lt(ISN + a, first_end);
        if (what == 0 && old && !model->octet[a].sacked)
            model->octet[a].lost = true;
        else if (what == 1)
            model->octet[a].lost = false;
    }
}

static void run(uint64_t seed, uint64_t changes)
{
    static struct model model;
    struct test_allocator allocator;
    test_allocator_init(&allocator);
    struct memory memory;
    memory_init(&memory, &allocator.allocator, 1 << 20);
    struct sent sent;
    sent_init(&sent);
    memset(&model, 0, sizeof model);
    for (strata_time now = 1; model.first < OCTETS; now += (strata_time)test_below(&seed, 2)) {
        uint32_t a = model.first + (uint32_t)test_below(&seed, model.end - model.first + 1);
        uint32_t b = a + (uint32_t)test_below(&seed, model.end - a + 1);
        if (b - a > 200 && test_below(&seed, 4) > 0)
            b = a + (uint32_t)test_below(&seed, 60);
        uint64_t what = test_below(&seed, 6 + changes);
        if (what < 2) {
            push_some(&sent, &memory, &model, &seed, now);
        } else if (what == 2 && test_below(&seed, 8) == 0) {
            change_all(&sent, &model, test_below(&seed, 2), now - (strata_time)test_below(&seed, 50));
        } else if (what == 3 && test_below(&seed, 6 + 4 * changes) == 0) {
            struct sent_acked acked = SENT_ACKED_NOTHING;
            sent_acknowledge(&sent, &memory, ISN + a, &acked);
            check_acked(&model, model.first, a, &acked);
            model.first = a;
        } else if (what > 3) {
            change(&sent, &memory, &model, a, b, what % 3, now);
        }
        compare(&sent, &model);
        if (model.end == OCTETS && test_below(&seed, 50) == 0) {
            struct sent_acked acked = SENT_ACKED_NOTHING;
            sent_acknowledge(&sent, &memory, ISN + OCTETS, &acked);
            model.first = OCTETS;
        }
    }
    CHECK_EQ(sent.count, 0);
    CHECK_EQ(memory.used_bytes, 0); // empty when idle
    CHECK_EQ(allocator.blocks, 0);
}

TEST(the_map_is_the_model)
{
    for (uint64_t seed = 1; seed <= 60; seed++)
        run(seed, seed % 3 * 6);
}

#define SEGMENT 1000u

/** Sends `segments`, every one at its own time; then SACKs all but each `gap`-th, in an order that jumps about, finds
 * the losses and repairs them. @return the steps it took for one segment. */
static uint32_t steps_per_segment(uint32_t segments, uint32_t gap)
{
    struct test_allocator allocator;
    test_allocator_init(&allocator);
    struct memory memory;
    memory_init(&memory, &allocator.allocator, 1 << 28);
    struct sent sent;
    struct sent_acked acked = SENT_ACKED_NOTHING;
    sent_init(&sent);
    for (uint32_t i = 0; i < segments; i++)
        sent_push(&sent, &memory, ISN + i * SEGMENT, ISN + (i + 1) * SEGMENT, i, 0, 0);
    for (uint32_t n = 0; n < segments; n++) {
        uint32_t i = n * 7919u % segments;
        if (i % gap > 0)
            sent_sack(&sent, &memory, ISN + i * SEGMENT, ISN + (i + 1) * SEGMENT, 1, &acked);
        else if (i % (2 * gap) == 0)
            sent_lose(&sent, &memory, ISN + i * SEGMENT, ISN + (i + 1) * SEGMENT);
    }
    struct sent_lost lost;
    while (sent_first_lost(&sent, SEGMENT, &lost))
        sent_resend(&sent, &memory, lost.start, lost.end, segments, 0);
    uint32_t steps = sent.steps / segments;
    sent_verify(&sent, ISN, ISN + segments * SEGMENT);
    sent_acknowledge(&sent, &memory, ISN + segments * SEGMENT, &acked);
    CHECK_EQ(memory.used_bytes, 0);
    CHECK_EQ(allocator.blocks, 0);
    return steps;
}

/* A hundred thousand segments out of order cost per segment what a thousand do, and the height of the tree. */
TEST(the_work_grows_with_the_logarithm)
{
    for (uint32_t gap = 2; gap <= 50; gap += 16) {
        uint32_t few = steps_per_segment(1000, gap), many = steps_per_segment(100003, gap);
        printf("    gap %u: %u steps a segment of 1000, %u of 100000\n", gap, few, many);
        CHECK(many < 2 * few + 20);
        CHECK(many < 150);
    }
}

/* A receiver cannot make the map larger by SACKing single octets where it must not be split. */
TEST(what_may_not_be_split_is_sacked_as_a_whole_or_not)
{
    struct test_allocator allocator;
    test_allocator_init(&allocator);
    struct memory memory;
    memory_init(&memory, &allocator.allocator, 1 << 20);
    struct sent sent;
    sent_init(&sent);
    for (uint32_t i = 0; i < 10; i++)
        sent_push(&sent, &memory, i * 10, i * 10 + 10, i, 0, 0);
    struct sent_acked acked = SENT_ACKED_NOTHING;
    sent_sack(&sent, &memory, 15, 45, 0, &acked);
    CHECK_EQ(acked.bytes, 20);
    CHECK_EQ(sent.sacked_bytes, 20);
    CHECK_EQ(sent.count, 9);
    sent_sack(&sent, &memory, 16, 17, 0, &acked);
    sent_sack(&sent, &memory, 46, 49, 0, &acked);
    CHECK_EQ(sent.count, 9);
    sent_forget_sacked(&sent);
    CHECK_EQ(sent.sacked_bytes, 0);
    CHECK_EQ(sent.lost_bytes, 20);
    sent_verify(&sent, 0, 100);
    sent_clear(&sent, &memory);
}

/* Nor where only whole units of what is in a range count. */
TEST(units_are_counted_from_where_a_range_begins)
{
    struct test_allocator allocator;
    test_allocator_init(&allocator);
    struct memory memory;
    memory_init(&memory, &allocator.allocator, 1 << 20);
    struct sent sent;
    struct sent_acked acked = SENT_ACKED_NOTHING;
    sent_init(&sent);
    sent_push(&sent, &memory, 3, 28, 1, 0, 0); // units 3:13, 13:23 and the rest
    sent_push(&sent, &memory, 28, 48, 2, 0, 0);
    sent_sack(&sent, &memory, 4, 22, 10, &acked);
    sent_sack(&sent, &memory, 24, 28, 10, &acked);
    sent_sack(&sent, &memory, 24, 37, 10, &acked);
    CHECK_EQ(sent.sacked_bytes, 0);
    CHECK_EQ(sent.count, 2);
    sent_sack(&sent, &memory, 12, 39, 10, &acked);
    CHECK_EQ(sent.sacked_bytes, 25);
    struct sent_cursor at;
    const struct sent_range *range = sent_find(&sent, 13, &at);
    CHECK(range->flags & SENT_SACKED && range->start == 13 && range->end == 38);
    sent_sack(&sent, &memory, 30, 48, 10, &acked); // from within what is known
    CHECK_EQ(sent.sacked_bytes, 35);
    sent_verify(&sent, 3, 48);
    sent_clear(&sent, &memory);
}

TEST(one_range_needs_no_memory)
{
    struct test_allocator allocator;
    test_allocator_init(&allocator);
    allocator.allowed = 0;
    struct memory memory;
    memory_init(&memory, &allocator.allocator, 1 << 20);
    struct sent sent;
    sent_init(&sent);
    sent_push(&sent, &memory, 10, 20, 1, 0, 0);
    sent_push(&sent, &memory, 20, 30, 1, 0, 0); // the same story: one range
    CHECK_EQ(sent.count, 1);
    // A second one would need memory: both are told of as one, of which no time can be taken.
    sent_push(&sent, &memory, 30, 40, 5, 0, 0);
    CHECK_EQ(sent.count, 1);
    struct sent_acked acked = SENT_ACKED_NOTHING;
    sent_acknowledge(&sent, &memory, 40, &acked);
    CHECK(acked.resent_at == 5 && acked.first_sent == STRATA_NEVER);
    CHECK_EQ(sent.count, 0);
    // Losses without memory: what cannot be split is treated as a whole, and sending it again ends.
    sent_push(&sent, &memory, 40, 100, 1, 0, 0);
    sent_lose(&sent, &memory, 40, 50);
    CHECK_EQ(sent.lost_bytes, 60);
    sent_resend(&sent, &memory, 40, 50, 2, 0);
    CHECK_EQ(sent.lost_bytes, 0);
    // What was SACKed in part only is not known to be there.
    sent_sack(&sent, &memory, 40, 60, 1, &acked);
    CHECK_EQ(sent.sacked_bytes, 0);
    sent_sack(&sent, &memory, 40, 100, 1, &acked);
    CHECK_EQ(sent.sacked_bytes, 60);
    // And new data behind it is not SACKed with it.
    sent_push(&sent, &memory, 100, 110, 3, 0, 0);
    CHECK_EQ(sent.sacked_bytes, 0);
    sent_verify(&sent, 40, 110);
    sent_clear(&sent, &memory);
}

TEST_MAIN(TEST_ENTRY(the_map_is_the_model), TEST_ENTRY(the_work_grows_with_the_logarithm),
          TEST_ENTRY(what_may_not_be_split_is_sacked_as_a_whole_or_not),
          TEST_ENTRY(units_are_counted_from_where_a_range_begins), TEST_ENTRY(one_range_needs_no_memory))
