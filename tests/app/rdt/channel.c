/*
 * The channel: packets are bytes with a time at which they arrive, in the order of these times and, within one, of
 * sending. Nothing overtakes anything else unless it is told to be late.
 */
#include "tests/app/rdt/channel.h"

#include "app/rdt/program.h"
#include "tests/test.h"

#define FLIGHTS 2048
#define TRAVEL  10
#define STEPS   200000
#define DATA    8

struct flight {
    bool used;
    int direction;
    unsigned long arrives, order;
    size_t size;
    uint8_t bytes[RDT_HEADER_BYTES + DATA];
};
struct rig {
    const struct channel_config *config;
    struct outcome *outcome;
    struct rdt_sender sender;
    struct rdt_receiver receiver;
    struct random random;
    struct flight flights[FLIGHTS];
    unsigned long now, order, timers[RDT_WINDOW_MAX], last[2];
    unsigned sent[2], given;
    bool fresh;
};

static void tell(struct rig *rig, const char *what, uint32_t number)
{
    size_t used = strlen(rig->outcome->story);
    snprintf(rig->outcome->story + used, CHANNEL_STORY - used, "%s%s%u", used ? " " : "", what, (unsigned)number);
}

static bool chance(struct rig *rig, unsigned percent)
{
    return percent > 0 && random_below(&rig->random, 100) < percent;
}

static bool is_listed(const unsigned list[4], unsigned number)
{
    for (int i = 0; i < 4; i++)
        if (list[i] == number)
            return true;
    return false;
}

static void put(struct rig *rig, int direction, const uint8_t *bytes, size_t size, bool damage, unsigned late)
{
    for (unsigned i = 0; i < FLIGHTS; i++) {
        struct flight *flight = &rig->flights[i];
        if (flight->used)
            continue;
        *flight = (struct flight){.used = true, .direction = direction, .order = rig->order++, .size = size};
        memcpy(flight->bytes, bytes, size);
        if (damage) {
            uint64_t bit = random_below(&rig->random, size * 8);
            flight->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        flight->arrives = rig->now + TRAVEL + late;
        if (late == 0) {
            if (flight->arrives < rig->last[direction])
                flight->arrives = rig->last[direction];
            rig->last[direction] = flight->arrives;
        }
        return;
    }
    REQUIRE(!"so many packets are under way that something is wrong");
}

static void channel_send(struct rig *rig, int direction, const struct rdt_packet *packet)
{
    const struct faults *faults = direction == 0 ? &rig->config->forward : &rig->config->backward;
    uint8_t bytes[RDT_PACKET_MAX];
    size_t size = rdt_emit(bytes, packet);
    unsigned number = ++rig->sent[direction], late = 0;
    for (int i = 0; i < 2; i++)
        if (faults->delay[i].packet == number)
            late = faults->delay[i].time;
    if (chance(rig, faults->late))
        late = 1 + (unsigned)random_below(&rig->random, 100);
    bool lost = chance(rig, faults->loss) || is_listed(faults->lose, number);
    bool damaged = chance(rig, faults->corrupt) || is_listed(faults->damage, number);
    if (chance(rig, faults->duplicate))
        put(rig, direction, bytes, size, false, late);
    if (!lost)
        put(rig, direction, bytes, size, damaged, late);
}

static void sender_sends(void *self, const struct rdt_packet *packet)
{
    struct rig *rig = self;
    tell(rig, rig->fresh ? "send" : "again", packet->number);
    channel_send(rig, 0, packet);
}

static void receiver_sends(void *self, const struct rdt_packet *packet)
{
    struct rig *rig = self;
    tell(rig, packet->kind == RDT_NAK ? "nak" : "ack", packet->number);
    channel_send(rig, 1, packet);
}

static void deliver(void *self, uint32_t number, const uint8_t *data, size_t size)
{
    struct rig *rig = self;
    tell(rig, "deliver", number);
    rig->outcome->wrong |= rdt_check(data, size) != (int64_t)rig->outcome->delivered;
    rig->outcome->delivered++;
}

static void start_timer(void *self, uint64_t count)
{
    struct rig *rig = self;
    rig->timers[count % rig->sender.window] = rig->now + (rig->config->timeout ? rig->config->timeout : 30);
}

static void stop_timer(void *self, uint64_t count)
{
    struct rig *rig = self;
    rig->timers[count % rig->sender.window] = 0;
}

static const struct rdt_calls sender_calls = {
    .udt_send = sender_sends, .start_timer = start_timer, .stop_timer = stop_timer};
static const struct rdt_calls receiver_calls = {.udt_send = receiver_sends, .deliver_data = deliver};

static void arrive(struct rig *rig, struct flight *flight)
{
    struct rdt_packet packet;
    uint8_t bytes[sizeof flight->bytes];
    memcpy(bytes, flight->bytes, flight->size);
    rdt_parse(&packet, bytes, flight->size);
    flight->used = false;
    if (flight->direction == 0) {
        static const char *const words[] = {
            [RDT_BUFFERED] = "buffer", [RDT_DISCARDED] = "discard", [RDT_DAMAGED] = "damaged"};
        char before[CHANNEL_STORY];
        memcpy(before, rig->outcome->story, sizeof before);
        rig->outcome->story[0] = '\0'; // what the receiver does is told after what it made of the packet
        enum rdt_verdict verdict = rdt_receive(&rig->receiver, &packet);
        char after[CHANNEL_STORY];
        memcpy(after, rig->outcome->story, sizeof after);
        memcpy(rig->outcome->story, before, sizeof before);
        if (verdict != RDT_DELIVERED)
            tell(rig, words[verdict], packet.corrupt ? 0 : packet.number);
        size_t used = strlen(rig->outcome->story);
        if (after[0])
            snprintf(rig->outcome->story + used, CHANNEL_STORY - used, "%s%s", used ? " " : "", after);
    } else {
        tell(rig, packet.corrupt ? "<damaged" : packet.kind == RDT_NAK ? "<nak" : "<ack",
             packet.corrupt ? 0 : packet.number);
        rdt_receive_feedback(&rig->sender, &packet);
    }
}

/** The next thing that happens. @return false: nothing will. */
static bool step(struct rig *rig)
{
    struct flight *next = NULL;
    for (unsigned i = 0; i < FLIGHTS; i++) {
        struct flight *flight = &rig->flights[i];
        if (flight->used && (!next || flight->arrives < next->arrives ||
                             (flight->arrives == next->arrives && flight->order < next->order)))
            next = flight;
    }
    uint64_t count = 0;
    unsigned long due = 0;
    for (uint64_t i = rig->sender.base; i < rig->sender.next; i++) {
        unsigned long timer = rig->timers[i % rig->sender.window];
        if (timer > 0 && (due == 0 || timer < due)) {
            due = timer;
            count = i;
        }
    }
    if (!next && due == 0)
        return false;
    if (next && (due == 0 || next->arrives <= due)) {
        rig->now = next->arrives;
        arrive(rig, next);
        return true;
    }
    rig->now = due;
    rig->timers[count % rig->sender.window] = 0;
    tell(rig, "timeout", rdt_number(count, rig->sender.numbers));
    rdt_timeout(&rig->sender, count);
    return true;
}

static void give(struct rig *rig)
{
    uint8_t data[DATA];
    while (rig->given < rig->config->packets && rdt_may_send(&rig->sender)) {
        rdt_fill(data, sizeof data, rig->given++);
        rig->fresh = true;
        REQUIRE(rdt_send(&rig->sender, data, sizeof data));
        rig->fresh = false;
    }
}

void channel_run(const struct channel_config *config, struct outcome *outcome)
{
    static struct rig rig;
    uint8_t seed[32] = {0};
    memset(&rig, 0, sizeof rig);
    memset(outcome, 0, sizeof *outcome);
    rig.config = config;
    rig.outcome = outcome;
    seed[0] = (uint8_t)config->seed;
    seed[1] = (uint8_t)(config->seed >> 8);
    random_init(&rig.random, seed);
    const struct rdt_version *version = rdt_find(config->version);
    REQUIRE(version != NULL);
    REQUIRE(rdt_sender_init(&rig.sender, version, config->window, config->numbers, &sender_calls, &rig) == 0);
    REQUIRE(rdt_receiver_init(&rig.receiver, version, config->window, config->numbers, &receiver_calls, &rig) == 0);
    rig.sender.resend_garbled = config->resend_garbled;
    give(&rig);
    for (int i = 0; i < STEPS && step(&rig); i++)
        give(&rig);
    outcome->finished = rig.given == config->packets && rdt_is_done(&rig.sender);
    rdt_sender_free(&rig.sender);
    rdt_receiver_free(&rig.receiver);
}

bool channel_is_right(const struct channel_config *config, const struct outcome *outcome)
{
    return outcome->finished && !outcome->wrong && outcome->delivered == config->packets;
}
