/*
 * A bridge (first byte odd: a hub) of four ports under whatever frames.
 *
 * An input is a byte, then records: a byte of port and time, a byte of length, a frame. Bits 0 to 2 of the
 * first are the port (some do not exist), bit 3: nothing is taken out; bits 4 to 7: so many times 50 s pass.
 *
 * Every frame is counted exactly once, comes out unchanged, and never where it came in.
 */
#include "base/assert.h"
#include "base/counters.h"
#include "wire/ethernet.h"

#include <stdlib.h>
#include <string.h>

#define PORTS 4

static uint64_t counted(const struct strata_bridge *bridge)
{
    static const enum counter counters[] = {COUNTER_bridge_forwarded, COUNTER_bridge_flooded,
                                            COUNTER_bridge_filtered, COUNTER_bridge_drop_reserved,
                                            COUNTER_bridge_drop_malformed};
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
        sum += strata_bridge_counter(bridge, counters[i]);
    return sum;
}

static void drain(struct strata_device device, int from, const uint8_t *frame, size_t length, bool one,
                  strata_time now)
{
    uint8_t room[300];
    unsigned said[PORTS + 1] = {0};
    int port;
    while ((port = device.ops->ready(device.self)) >= 0) {
        ASSERT(port >= 1 && port <= PORTS);
        if (one) // a room too small takes nothing
            ASSERT(device.ops->output(device.self, port, room, length - 1, NULL, now) == 0);
        size_t size = device.ops->output(device.self, port, room, sizeof room, NULL, now);
        ASSERT(size > 0);
        if (!one)
            continue; // several are on their way
        ASSERT(port != from && said[port]++ == 0);
        ASSERT(size == length && memcmp(room, frame, length) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strata_bridge *bridge;
    struct strata_bridge_config config = {
        .size = sizeof config, .ports = PORTS, .table_entries = 8, .queue_frames = 4};
    if (size == 0)
        return 0;
    config.hub = data[0] & 1;
    ASSERT(strata_bridge_new(&bridge, &config) == 0);
    struct strata_device device = strata_bridge_device(bridge);
    strata_time now = STRATA_SECOND;
    uint64_t frames = 0;
    bool one = true; // nothing is queued but what this frame brings
    data++;
    size--;
    while (size >= 2) {
        int port = data[0] & 7;
        bool keep = data[0] & 8;
        now += (data[0] >> 4) * 50 * STRATA_SECOND;
        size_t length = data[1] <= size - 2 ? data[1] : size - 2;
        uint8_t *frame = malloc(length ? length : 1);
        ASSERT(frame);
        memcpy(frame, data + 2, length);
        device.ops->input(device.self, port, frame, length, NULL, now);
        frames += port >= 1 && port <= PORTS;
        ASSERT(counted(bridge) == frames);
        if (!keep)
            drain(device, port, frame, length, one, now);
        one = !keep;
        free(frame);
        data += 2 + length;
        size -= 2 + length;
    }
    device.ops->free(device.self);
    return 0;
}
