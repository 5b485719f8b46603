/**
 * DHCP messages: parsed, printed and written again; taken by a client in every state, and by a server.
 */
#include "app/dhcp/client.h"
#include "app/dhcp/server.h"
#include "base/assert.h"

#define S STRATA_SECOND

static void parse(const uint8_t *data, size_t size)
{
    struct dhcp_message message, back;
    uint8_t room[1200];
    char line[200];
    struct text text = text_of(line, sizeof line);
    dhcp_print(&text, data, size);
    if (dhcp_parse(&message, data, size) < 0)
        return;
    size_t length = dhcp_emit(room, sizeof room, &message);
    ASSERT(length > 0 && dhcp_parse(&back, room, length) == 0);
    ASSERT(back.type == message.type && back.present == message.present && back.lease_s == message.lease_s);
}

static void client_side(const uint8_t *data, size_t size)
{
    struct dhcp_client client;
    struct dhcp_client_config config = {.mac = {2, 0, 0, 0, 0, 1}};
    strata_time now = 0;
    uint8_t message[600];
    dhcp_client_init(&client, &config, now);
    // Each piece of the input: its length, then a message whose xid and address are made ours.
    while (size > 1) {
        size_t part = data[0] * 3u < size - 1 ? data[0] * 3u : size - 1;
        part = part < sizeof message ? part : sizeof message;
        memcpy(message, data + 1, part);
        if (part > 40) {
            bytes_put32(message + 4, client.xid);
            memcpy(message + 28, config.mac, 6);
        }
        dhcp_client_receive(&client, message, part, now);
        struct dhcp_step step;
        for (int i = 0; dhcp_client_next(&client, &step); i++) {
            ASSERT(i < 8);
            if (step.kind == DHCP_STEP_SEND)
                ASSERT(dhcp_emit(message, DHCP_MESSAGE_BYTES, &step.message) > 0);
            if (step.kind == DHCP_STEP_PROBE)
                dhcp_client_probed(&client, data[1] == 0xee, now);
        }
        if (data[1] & 1 && dhcp_client_deadline(&client) != STRATA_NEVER) {
            now = dhcp_client_deadline(&client) > now ? dhcp_client_deadline(&client) : now;
            dhcp_client_advance(&client, now);
        }
        ASSERT(client.state != DHCP_STATE_BOUND || client.lease.address != 0);
        data += 1 + part;
        size -= 1 + part;
    }
}

static void server_side(const uint8_t *data, size_t size)
{
    static struct dhcp_binding bindings[4];
    struct dhcp_server server;
    struct dhcp_server_config config = {.server = 0x0a000001,
                                        .first = 0x0a000064,
                                        .last = 0x0a000067,
                                        .subnet_mask = 0xffffff00,
                                        .lease_s = 3600};
    memset(bindings, 0, sizeof bindings);
    dhcp_server_init(&server, &config, bindings);
    for (strata_time now = 0; size > 1; now += S) {
        size_t part = data[0] * 3u < size - 1 ? data[0] * 3u : size - 1;
        struct dhcp_reply reply;
        uint8_t room[DHCP_MESSAGE_BYTES];
        if (dhcp_server_receive(&server, data + 1, part, &reply, now)) {
            ASSERT(dhcp_emit(room, sizeof room, &reply.message) > 0);
            ASSERT(reply.message.yiaddr == 0 ||
                   (reply.message.yiaddr >= config.first && reply.message.yiaddr <= config.last));
        }
        data += 1 + part;
        size -= 1 + part;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] % 3 == 0)
        parse(data + 1, size - 1);
    else if (data[0] % 3 == 1)
        client_side(data + 1, size - 1);
    else
        server_side(data + 1, size - 1);
    return 0;
}
