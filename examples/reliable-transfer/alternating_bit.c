/*
 * The alternating bit in C, from nothing: two devices of the lab, without hosts, addresses and sockets, and a cable
 * that loses and damages a third of all frames. A frame is three bytes: kind and number, a letter, and a checksum. The
 * sender has a text to say, one letter at a time, and is done when the receiver has it all.
 *
 *     build/examples/reliable-transfer_alternating_bit [SEED]
 *
 * A device answers four questions: here is a frame (input); which port can speak (ready), and what does it say
 * (output); when do you want to be called (deadline), and now it is that time (advance).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strata/lab.h>

#define TEXT    "Whatever can go wrong on the way does."
#define TIMEOUT (25 * STRATA_MILLISECOND) /* a little more than a round trip */

enum { DATA = 0x10, ACK = 0x20 };

static uint8_t check_of(const uint8_t *frame)
{
    return (uint8_t)~(frame[0] + frame[1]); // every flip of one bit is noticed
}

static bool is_whole(const uint8_t *frame, size_t length)
{
    return length == 3 && frame[2] == check_of(frame);
}

static size_t make(uint8_t *frame, uint8_t kind_and_number, char letter)
{
    frame[0] = kind_and_number;
    frame[1] = (uint8_t)letter;
    frame[2] = check_of(frame);
    return 3;
}

/* ---- The sender: rdt 3.0 ------------------------------------------------------------------------- */

struct sender {
    size_t position; /**< Of the letter that is on its way; its number is that modulo 2. */
    bool speaks;     /**< It has something to say at once. */
    strata_time timer;
    unsigned sent;
};

static void sender_input(void *self, int port, const void *bytes, size_t length, const struct strata_meta *meta,
                         strata_time now)
{
    struct sender *sender = self;
    const uint8_t *frame = bytes;
    (void)port;
    (void)meta;
    (void)now;
    if (!is_whole(frame, length) || frame[0] != (ACK | sender->position % 2))
        return; // damaged, or for the other number: the timer will see to it
    sender->position++;
    sender->speaks = sender->position < sizeof TEXT - 1;
    sender->timer = STRATA_NEVER;
}

static int sender_ready(void *self)
{
    return ((struct sender *)self)->speaks ? 1 : 0;
}

static size_t sender_output(void *self, int port, void *room, size_t size, struct strata_meta *meta, strata_time now)
{
    struct sender *sender = self;
    (void)port;
    (void)meta;
    if (!sender->speaks || size < 3)
        return 0;
    sender->speaks = false;
    sender->timer = now + TIMEOUT;
    sender->sent++;
    return make(room, (uint8_t)(DATA | sender->position % 2), TEXT[sender->position]);
}

static strata_time sender_deadline(void *self)
{
    return ((struct sender *)self)->timer;
}

static void sender_advance(void *self, strata_time now)
{
    struct sender *sender = self;
    if (now < sender->timer)
        return;
    sender->timer = STRATA_NEVER;
    sender->speaks = true; // again
}

static const struct strata_device_ops sender_ops = {.input = sender_input, .ready = sender_ready,
                                                    .output = sender_output, .advance = sender_advance,
                                                    .deadline = sender_deadline};

/* ---- The receiver -------------------------------------------------------------------------------- */

struct receiver {
    char text[sizeof TEXT];
    size_t length;
    unsigned discarded;
    bool speaks;
};

static void receiver_input(void *self, int port, const void *bytes, size_t length, const struct strata_meta *meta,
                           strata_time now)
{
    struct receiver *receiver = self;
    const uint8_t *frame = bytes;
    (void)port;
    (void)meta;
    (void)now;
    bool whole = is_whole(frame, length);
    if (whole && frame[0] == (DATA | receiver->length % 2) && receiver->length < sizeof TEXT - 1)
        receiver->text[receiver->length++] = (char)frame[1];
    else
        receiver->discarded++;
    receiver->speaks = whole || receiver->length > 0;
}

static int receiver_ready(void *self)
{
    return ((struct receiver *)self)->speaks ? 1 : 0;
}

/** An ACK for the last letter that came well. */
static size_t receiver_output(void *self, int port, void *room, size_t size, struct strata_meta *meta, strata_time now)
{
    struct receiver *receiver = self;
    (void)port;
    (void)meta;
    (void)now;
    if (!receiver->speaks || size < 3)
        return 0;
    receiver->speaks = false;
    return make(room, (uint8_t)(ACK | (receiver->length + 1) % 2), 0);
}

static strata_time receiver_deadline(void *self)
{
    (void)self;
    return STRATA_NEVER;
}

static void receiver_advance(void *self, strata_time now)
{
    (void)self;
    (void)now;
}

static const struct strata_device_ops receiver_ops = {.input = receiver_input, .ready = receiver_ready,
                                                      .output = receiver_output, .advance = receiver_advance,
                                                      .deadline = receiver_deadline};

int main(int argc, char **argv)
{
    struct sender sender = {.speaks = true, .timer = STRATA_NEVER};
    struct receiver receiver = {.length = 0};
    struct strata_world *world;
    struct strata_world_config config = {.size = sizeof config, .seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1};
    struct strata_impairment bad = {.delay_ns = 10 * STRATA_MILLISECOND, .loss_ppm = 200000, .corrupt_ppm = 150000};
    struct strata_cable_config channel = {.size = sizeof channel, .forward = bad, .backward = bad};
    if (strata_world_new(&world, &config) != 0)
        return 1;
    struct strata_node *a = strata_world_device(world, "a", (struct strata_device){&sender_ops, &sender});
    struct strata_node *b = strata_world_device(world, "b", (struct strata_device){&receiver_ops, &receiver});
    struct strata_cable *cable = strata_world_cable(world, a, b, &channel);
    if (!cable)
        return 1;
    strata_node_touch(a);
    strata_world_run(world, 60 * STRATA_SECOND);
    bool right = strcmp(receiver.text, TEXT) == 0 && sender.position == sizeof TEXT - 1;
    printf("%s\n", receiver.text);
    printf("%zu letters, %u frames sent, %u discarded by the receiver: %s\n", receiver.length, sender.sent,
           receiver.discarded, right ? "right" : "WRONG");
    strata_world_free(world);
    return right ? 0 : 1;
}
