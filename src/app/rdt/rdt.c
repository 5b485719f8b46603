/**
 * What all versions share: keeping copies, making packets, and the table of versions.
 */
#include "app/rdt/rdt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct rdt_version *const versions[] = {&rdt_1_0, &rdt_2_0,       &rdt_2_1,             &rdt_2_2,
                                                     &rdt_3_0, &rdt_go_back_n, &rdt_selective_repeat};
#define VERSIONS (sizeof versions / sizeof *versions)

const struct rdt_version *rdt_version(unsigned index)
{
    return index < VERSIONS ? versions[index] : NULL;
}

const struct rdt_version *rdt_find(const char *name)
{
    for (unsigned i = 0; i < VERSIONS; i++)
        if (strcmp(versions[i]->name, name) == 0)
            return versions[i];
    return NULL;
}

/** Fills in what was left open. @return 0, -EINVAL. */
static int choose(const struct rdt_version *version, uint32_t *window, uint32_t *numbers)
{
    if (!version->pipelined && (*window > 1 || *numbers > 0))
        return -EINVAL;
    if (*window == 0)
        *window = 1;
    if (*numbers == 0)
        *numbers = version->numbers;
    return *window > RDT_WINDOW_MAX || *window > *numbers ? -EINVAL : 0;
}

int rdt_sender_init(struct rdt_sender *sender, const struct rdt_version *version, uint32_t window, uint32_t numbers,
                    const struct rdt_calls *calls, void *self)
{
    int error = choose(version, &window, &numbers);
    if (error)
        return error;
    *sender = (struct rdt_sender){
        .version = version, .calls = calls, .self = self, .window = window, .numbers = numbers};
    sender->copies = calloc(window, sizeof *sender->copies);
    return sender->copies ? 0 : -ENOMEM;
}

void rdt_sender_free(struct rdt_sender *sender)
{
    free(sender->copies);
    sender->copies = NULL;
}

int rdt_receiver_init(struct rdt_receiver *receiver, const struct rdt_version *version, uint32_t window,
                      uint32_t numbers, const struct rdt_calls *calls, void *self)
{
    int error = choose(version, &window, &numbers);
    if (error)
        return error;
    *receiver = (struct rdt_receiver){
        .version = version, .calls = calls, .self = self, .window = window, .numbers = numbers};
    receiver->copies = calloc(window, sizeof *receiver->copies);
    return receiver->copies ? 0 : -ENOMEM;
}

void rdt_receiver_free(struct rdt_receiver *receiver)
{
    free(receiver->copies);
    receiver->copies = NULL;
}

bool rdt_may_send(const struct rdt_sender *sender)
{
    return sender->next - sender->base < sender->window;
}

bool rdt_send(struct rdt_sender *sender, const void *data, size_t size)
{
    if (!rdt_may_send(sender) || size > RDT_DATA_MAX)
        return false;
    uint64_t count = sender->next++;
    struct rdt_copy *copy = &sender->copies[count % sender->window];
    copy->size = size;
    copy->acknowledged = false;
    memcpy(copy->data, data, size);
    rdt_transmit(sender, count);
    if (sender->version->sent)
        sender->version->sent(sender, count);
    return true;
}

void rdt_transmit(struct rdt_sender *sender, uint64_t count)
{
    const struct rdt_copy *copy = &sender->copies[count % sender->window];
    sender->calls->udt_send(sender->self, &(struct rdt_packet){
                                              .kind = RDT_DATA,
                                              .number = rdt_number(count, sender->numbers),
                                              .data = copy->data,
                                              .size = copy->size,
                                          });
}

enum rdt_verdict rdt_receive_feedback(struct rdt_sender *sender, const struct rdt_packet *packet)
{
    return sender->version->receive_feedback ? sender->version->receive_feedback(sender, packet) : RDT_NOTHING_NEW;
}

void rdt_timeout(struct rdt_sender *sender, uint64_t count)
{
    if (sender->version->timeout)
        sender->version->timeout(sender, count);
}

bool rdt_is_done(const struct rdt_sender *sender)
{
    return !sender->version->acknowledges || sender->base == sender->next;
}

void rdt_answer(struct rdt_receiver *receiver, enum rdt_kind kind, uint32_t number)
{
    receiver->calls->udt_send(receiver->self, &(struct rdt_packet){.kind = kind, .number = number});
}

void rdt_deliver(struct rdt_receiver *receiver, const uint8_t *data, size_t size)
{
    uint32_t number = rdt_number(receiver->expected++, receiver->numbers);
    receiver->calls->deliver_data(receiver->self, number, data, size);
}

enum rdt_verdict rdt_receive(struct rdt_receiver *receiver, const struct rdt_packet *packet)
{
    return receiver->version->receive(receiver, packet);
}
