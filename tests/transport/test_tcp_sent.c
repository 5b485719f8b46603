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
        bool lost;
    } octet[OCTETS];
    uint32_t first, end;
};

static void compare(struct sent *sent, const struct model *model)
{
    seq_t at = ISN + model->first;
    uint32_t lost = 0, first_lost = OCTETS;
    for (uint32_t i = 0; i < sent->count; i++) {
        const struct sent_range *range = sent_at(sent, i);
        REQUIRE(range->start == at && seq_lt(range->start, range->end));
        for (seq_t seq = range->start; seq != range->end; seq++) {
            uint32_t octet = seq - ISN;
            REQUIRE(range->last_sent == model->octet[octet].when);
            REQUIRE(range->times == model->octet[octet].times);
            REQUIRE(((range->flags & SENT_LOST) != 0) == model->octet[octet].lost);
            REQUIRE(((range->flags & SENT_RESENT) != 0) == (model->octet[octet].times > 1));
            lost += model->octet[octet].lost;
            if (model->octet[octet].lost && first_lost == OCTETS)
                first_lost = octet;
        }
        at = range->end;
    }
    REQUIRE(at == ISN + model->end || sent->count == 0);
    REQUIRE(lost == sent->lost_bytes);
    seq_t start, end;
    bool any = sent_first_lost(sent, 100, &start, &end);
    REQUIRE(any == (lost > 0));
    if (any)
        REQUIRE(start - ISN == first_lost && seq_lt(start, end) && end - start <= 100);
    for (; any && start != end; start++)
        REQUIRE(model->octet[start - ISN].lost);
}

static void run(uint64_t seed)
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
        switch (test_below(&seed, 6)) {
        case 0:
        case 1: {
            uint32_t size = (uint32_t)test_below(&seed, 50) + 1;
            if (model.end + size > OCTETS)
                size = OCTETS - model.end;
            if (size == 0)
                break;
            sent_push(&sent, &memory, ISN + model.end, ISN + model.end + size, now, 0);
            for (; size > 0; size--, model.end++) {
                model.octet[model.end].when = now;
                model.octet[model.end].times = 1;
            }
            break;
        }
        case 2:
            if (a == b)
                break;
            sent_lose(&sent, &memory, ISN + a, ISN + b);
            for (; a < b; a++)
                model.octet[a].lost = true;
            break;
        case 3:
            if (a == b)
                break;
            sent_resend(&sent, &memory, ISN + a, ISN + b, now, 0);
            for (; a < b; a++) {
                model.octet[a].lost = false;
                model.octet[a].when = now;
                model.octet[a].times++;
            }
            break;
        case 4:
            if (test_below(&seed, 8) == 0) {
                sent_lose_all(&sent);
                for (a = model.first; a < model.end; a++)
                    model.octet[a].lost = true;
            }
            break;
        default:
            if (test_below(&seed, 3) == 0) {
                bool resent = false;
                for (uint32_t i = model.first; i < a; i++)
                    resent |= model.octet[i].times > 1;
                struct sent_acked acked = sent_acknowledge(&sent, &memory, ISN + a);
                CHECK_EQ(acked.resent_at != STRATA_NEVER, resent);
                CHECK(a == model.first || resent || acked.first_sent != STRATA_NEVER);
                model.first = a;
            }
        }
        compare(&sent, &model);
        if (model.end == OCTETS && test_below(&seed, 50) == 0) {
            sent_acknowledge(&sent, &memory, ISN + OCTETS);
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
        run(seed);
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
    sent_push(&sent, &memory, 10, 20, 1, 0);
    sent_push(&sent, &memory, 20, 30, 1, 0); // the same story: one range
    CHECK_EQ(sent.count, 1);
    // A second one would need memory: both are told of as one, of which no time can be taken.
    sent_push(&sent, &memory, 30, 40, 5, 0);
    CHECK_EQ(sent.count, 1);
    struct sent_acked acked = sent_acknowledge(&sent, &memory, 40);
    CHECK(acked.resent_at == 5 && acked.first_sent == STRATA_NEVER);
    CHECK_EQ(sent.count, 0);
    // Losses without memory: what cannot be split is treated as a whole, and sending it again ends.
    sent_push(&sent, &memory, 40, 100, 1, 0);
    sent_lose(&sent, &memory, 40, 50);
    CHECK_EQ(sent.lost_bytes, 60);
    sent_resend(&sent, &memory, 40, 50, 2, 0);
    CHECK_EQ(sent.lost_bytes, 0);
    sent_clear(&sent, &memory);
}

TEST_MAIN(TEST_ENTRY(the_map_is_the_model), TEST_ENTRY(one_range_needs_no_memory))
