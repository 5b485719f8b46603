/**
 * Go-Back-N: up to N packets are on their way. The receiver takes what is in order and nothing else, and each of its
 * ACKs is for everything up to a number. One timer runs, for the oldest packet; when it fires, all go again.
 *
 * The textbook's machine starts the timer anew with every ACK that is not damaged. We do so only where it acknowledges
 * something: an ACK that comes once more says nothing of the packet the timer is for.
 */
#include "app/rdt/rdt.h"

static void sent(struct rdt_sender *sender, uint64_t count)
{
    if (count == sender->base)
        sender->calls->start_timer(sender->self, count);
}

static enum rdt_verdict receive_feedback(struct rdt_sender *sender, const struct rdt_packet *packet)
{
    if (packet->corrupt)
        return RDT_DAMAGED;
    uint32_t ahead = rdt_ahead(packet->number, sender->base, sender->numbers);
    if (ahead >= sender->next - sender->base)
        return RDT_NOTHING_NEW; // of a packet before the window
    sender->calls->stop_timer(sender->self, sender->base);
    sender->base += ahead + 1;
    if (sender->base < sender->next)
        sender->calls->start_timer(sender->self, sender->base);
    return RDT_ACKNOWLEDGED;
}

static void timeout(struct rdt_sender *sender, uint64_t count)
{
    if (count != sender->base)
        return;
    sender->calls->start_timer(sender->self, count);
    for (uint64_t i = sender->base; i < sender->next; i++)
        rdt_transmit(sender, i);
}

static enum rdt_verdict receive(struct rdt_receiver *receiver, const struct rdt_packet *packet)
{
    bool expected = !packet->corrupt && packet->number == rdt_number(receiver->expected, receiver->numbers);
    if (expected)
        rdt_deliver(receiver, packet->data, packet->size);
    rdt_answer(receiver, RDT_ACK, rdt_number(receiver->expected + receiver->numbers - 1, receiver->numbers));
    return expected ? RDT_DELIVERED : packet->corrupt ? RDT_DAMAGED : RDT_DISCARDED;
}

const struct rdt_version rdt_go_back_n = {
    .name = "gbn",
    .help = "Go-Back-N: a window, one timer, ACKs for all up to a number",
    .numbers = 65536,
    .pipelined = true,
    .acknowledges = true,
    .receive_feedback = receive_feedback,
    .timeout = timeout,
    .sent = sent,
    .receive = receive,
};
