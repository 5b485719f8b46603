/**
 * A sender and a receiver with a channel between them that does what it is told to, by script or by chance. What
 * happens on both sides is told in one line of words.
 */
#ifndef TESTS_APP_RDT_CHANNEL_H
#define TESTS_APP_RDT_CHANNEL_H

#include "app/rdt/packet.h"
#include "base/random.h"

#define CHANNEL_STORY 4000

/** What befalls a direction, in percent of packets; or by number, from 1. */
struct faults {
    unsigned loss, corrupt, duplicate, late;
    unsigned lose[4], damage[4];
    struct {
        unsigned packet, time;
    } delay[2];
};
struct channel_config {
    const char *version;
    uint32_t window, numbers;
    unsigned packets;
    unsigned timeout; /**< In units of which a packet needs 10 to the other side; 0: 30. */
    bool resend_garbled;
    struct faults forward, backward;
    uint64_t seed;
};
struct outcome {
    unsigned delivered; /**< Data that went up. */
    bool wrong;         /**< Not those that were due. */
    bool finished;      /**< The sender was told of all. */
    char story[CHANNEL_STORY]; /**< "send0 deliver0 ack0 ..."; what a side hears stands with a <. */
};
void channel_run(const struct channel_config *config, struct outcome *outcome);
/** All data arrived, in order, once, and the sender knows. */
bool channel_is_right(const struct channel_config *config, const struct outcome *outcome);

#endif
