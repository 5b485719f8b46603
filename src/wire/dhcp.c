/**
 * DHCP messages: parse and emit (RFC 2131 2 and 4.1, RFC 2132, RFC 3396).
 *
 * Parts of an option that comes several times are joined before they are read. That needs a buffer per option
 * only where an option is longer than what we keep: what is beyond is dropped, as are options we do not know.
 */
#include "wire/dhcp.h"

#include <errno.h>

static const uint8_t cookie[4] = {99, 130, 83, 99};

enum {
    SNAME_OFFSET = 44,
    SNAME_BYTES = 64,
    FILE_OFFSET = 108,
    FILE_BYTES = 128,
};

/** How an option's bytes are kept. */
enum kind { KIND_U8, KIND_U16, KIND_U32, KIND_ADDRESSES, KIND_BYTES, KIND_TEXT };

struct shape {
    uint8_t code;
    enum kind kind;
    uint16_t offset; /**< In struct dhcp_message. */
    uint8_t most;    /**< Of KIND_BYTES. */
};

#define SHAPE(code, kind, field, most)                                                                       \
    {                                                                                                        \
        code, kind, offsetof(struct dhcp_message, field), most                                               \
    }
/** In the order in which they are sent; the type comes first, as most expect. */
static const struct shape shapes[] = {
    SHAPE(DHCP_OPTION_SERVER_ID, KIND_U32, server_id, 0),
    SHAPE(DHCP_OPTION_LEASE_TIME, KIND_U32, lease_s, 0),
    SHAPE(DHCP_OPTION_RENEWAL, KIND_U32, renewal_s, 0),
    SHAPE(DHCP_OPTION_REBINDING, KIND_U32, rebinding_s, 0),
    SHAPE(DHCP_OPTION_REQUESTED, KIND_U32, requested, 0),
    SHAPE(DHCP_OPTION_SUBNET_MASK, KIND_U32, subnet_mask, 0),
    SHAPE(DHCP_OPTION_BROADCAST, KIND_U32, broadcast_address, 0),
    SHAPE(DHCP_OPTION_ROUTER, KIND_ADDRESSES, routers, 0),
    SHAPE(DHCP_OPTION_DNS, KIND_ADDRESSES, dns, 0),
    SHAPE(DHCP_OPTION_MTU, KIND_U16, mtu, 0),
    SHAPE(DHCP_OPTION_MAX_SIZE, KIND_U16, max_size, 0),
    SHAPE(DHCP_OPTION_PARAMETERS, KIND_BYTES, parameters, DHCP_PARAMETERS_MAX),
    SHAPE(DHCP_OPTION_CLIENT_ID, KIND_BYTES, client_id, DHCP_CLIENT_ID_MAX),
    SHAPE(DHCP_OPTION_HOST_NAME, KIND_TEXT, host_name, 0),
    SHAPE(DHCP_OPTION_DOMAIN, KIND_TEXT, domain, 0),
    SHAPE(DHCP_OPTION_MESSAGE, KIND_TEXT, message, 0),
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* ---- Parsing ------------------------------------------------------------------------------------- */

/** The three fields that may hold options, in the order in which they are read (RFC 2131-13). */
struct fields {
    const uint8_t *bytes[3];
    size_t size[3];
    unsigned count;
};

/** Walks over the options of all fields. @return the next one's code, 0: no more, -EBADMSG. */
static int next_option(const struct fields *fields, unsigned *field, size_t *at, const uint8_t **data,
                       size_t *length)
{
    while (*field < fields->count) {
        const uint8_t *bytes = fields->bytes[*field];
        size_t size = fields->size[*field];
        if (*at >= size || bytes[*at] == DHCP_OPTION_END) {
            (*field)++;
            *at = 0;
            continue;
        }
        if (bytes[*at] == DHCP_OPTION_PAD) {
            (*at)++;
            continue;
        }
        if (size - *at < 2 || size - *at - 2 < bytes[*at + 1])
            return -EBADMSG;
        int code = bytes[*at];
        *length = bytes[*at + 1];
        *data = bytes + *at + 2;
        *at += 2 + *length;
        return code;
    }
    return 0;
}

/** All parts of an option joined, cut to the room (RFC 3396). @return its length, or -1: it is not there. */
static int gather(const struct fields *fields, uint8_t wanted, uint8_t *room, size_t size)
{
    unsigned field = 0;
    size_t at = 0, length, total = 0;
    const uint8_t *data;
    bool found = false;
    int code;
    while ((code = next_option(fields, &field, &at, &data, &length)) > 0) {
        if (code != wanted)
            continue;
        found = true;
        size_t take = length < size - total ? length : size - total;
        memcpy(room + total, data, take);
        total += take;
    }
    return found ? (int)total : -1;
}

static int keep_addresses(struct dhcp_addresses *addresses, const uint8_t *data, size_t length)
{
    if (length < 4 || length % 4 != 0)
        return -EBADMSG;
    addresses->count = 0;
    for (size_t i = 0; i < length && addresses->count < DHCP_ADDRESSES_MAX; i += 4)
        addresses->address[addresses->count++] = bytes_get32(data + i);
    return 0;
}

static void keep_text(struct dhcp_text *text, const uint8_t *data, size_t length)
{
    text->length = 0;
    // Some senders count a NUL at the end; a text ends there in any case.
    for (size_t i = 0; i < length && i < DHCP_TEXT_MAX && data[i] != 0; i++)
        text->text[text->length++] = (char)data[i];
    text->text[text->length] = 0;
}

static int keep(struct dhcp_message *message, const struct shape *shape, const uint8_t *data, size_t length)
{
    void *to = (char *)message + shape->offset;
    switch (shape->kind) {
    case KIND_U16:
        if (length != 2)
            return -EBADMSG;
        *(uint16_t *)to = bytes_get16(data);
        return 0;
    case KIND_U32:
        if (length != 4)
            return -EBADMSG;
        *(uint32_t *)to = bytes_get32(data);
        return 0;
    case KIND_ADDRESSES:
        return keep_addresses(to, data, length);
    case KIND_TEXT:
        keep_text(to, data, length);
        return 0;
    default: {
        struct dhcp_bytes *bytes = to;
        bytes->length = (uint8_t)(length < shape->most ? length : shape->most);
        memcpy(bytes->bytes, data, bytes->length);
        return length > 0 ? 0 : -EBADMSG;
    }
    }
}

static int parse_options(struct dhcp_message *message, const struct fields *fields)
{
    uint8_t room[256];
    int length = gather(fields, DHCP_OPTION_TYPE, room, sizeof room);
    if (length != 1 || room[0] < DHCP_DISCOVER || room[0] > DHCP_INFORM)
        return -EBADMSG;
    message->type = (enum dhcp_type)room[0];
    dhcp_set(message, DHCP_OPTION_TYPE);
    for (size_t i = 0; i < SHAPES; i++) {
        length = gather(fields, shapes[i].code, room, sizeof room);
        if (length < 0)
            continue;
        if (keep(message, &shapes[i], room, (size_t)length) < 0)
            return -EBADMSG;
        dhcp_set(message, shapes[i].code);
    }
    return 0;
}

/** Finds the fields with options, and that all options keep within them. */
static int find_fields(struct fields *fields, const uint8_t *bytes, size_t size)
{
    const uint8_t *data;
    size_t at = 0, length;
    unsigned field = 0;
    int code;
    *fields = (struct fields){{bytes + DHCP_FIXED_BYTES}, {size - DHCP_FIXED_BYTES}, 1};
    uint8_t overload = 0;
    while ((code = next_option(fields, &field, &at, &data, &length)) > 0)
        if (code == DHCP_OPTION_OVERLOAD && length == 1)
            overload = data[0];
    if (code < 0)
        return code;
    if (overload & 1) {
        fields->bytes[fields->count] = bytes + FILE_OFFSET;
        fields->size[fields->count++] = FILE_BYTES;
    }
    if (overload & 2) {
        fields->bytes[fields->count] = bytes + SNAME_OFFSET;
        fields->size[fields->count++] = SNAME_BYTES;
    }
    field = 0;
    at = 0;
    while ((code = next_option(fields, &field, &at, &data, &length)) > 0)
        ;
    return code;
}

int dhcp_parse(struct dhcp_message *message, const uint8_t *bytes, size_t size)
{
    memset(message, 0, sizeof *message); // Padding too, so that equal messages are equal bytes.
    if (size < DHCP_FIXED_BYTES || memcmp(bytes + DHCP_FIXED_BYTES - 4, cookie, sizeof cookie) != 0)
        return -EBADMSG;
    struct reader r = reader_of(bytes, size);
    message->op = reader_u8(&r);
    message->hardware_type = reader_u8(&r);
    message->hardware_length = reader_u8(&r);
    message->hops = reader_u8(&r);
    message->xid = reader_u32(&r);
    message->seconds = reader_u16(&r);
    message->broadcast = reader_u16(&r) >> 15;
    message->ciaddr = reader_u32(&r);
    message->yiaddr = reader_u32(&r);
    message->siaddr = reader_u32(&r);
    message->giaddr = reader_u32(&r);
    reader_copy(&r, message->chaddr, sizeof message->chaddr);
    if ((message->op != DHCP_BOOTREQUEST && message->op != DHCP_BOOTREPLY) || message->hardware_length > 16)
        return -EBADMSG;
    struct fields fields;
    if (find_fields(&fields, bytes, size) < 0)
        return -EBADMSG;
    return parse_options(message, &fields);
}

/* ---- Writing ------------------------------------------------------------------------------------- */

static void emit_option(struct writer *w, uint8_t code, const void *data, size_t length)
{
    writer_u8(w, code);
    writer_u8(w, (uint8_t)length);
    writer_bytes(w, data, length);
}

static void emit_shape(struct writer *w, const struct dhcp_message *message, const struct shape *shape)
{
    const void *from = (const char *)message + shape->offset;
    uint8_t room[4 * DHCP_ADDRESSES_MAX];
    switch (shape->kind) {
    case KIND_U16:
        bytes_put16(room, *(const uint16_t *)from);
        emit_option(w, shape->code, room, 2);
        break;
    case KIND_U32:
        bytes_put32(room, *(const uint32_t *)from);
        emit_option(w, shape->code, room, 4);
        break;
    case KIND_ADDRESSES: {
        const struct dhcp_addresses *addresses = from;
        for (unsigned i = 0; i < addresses->count; i++)
            bytes_put32(room + 4 * i, addresses->address[i]);
        emit_option(w, shape->code, room, 4u * addresses->count);
        break;
    }
    case KIND_TEXT:
        emit_option(w, shape->code, ((const struct dhcp_text *)from)->text,
                    ((const struct dhcp_text *)from)->length);
        break;
    default:
        emit_option(w, shape->code, ((const struct dhcp_bytes *)from)->bytes,
                    ((const struct dhcp_bytes *)from)->length);
    }
}

size_t dhcp_emit(uint8_t *room, size_t size, const struct dhcp_message *message)
{
    struct writer w = writer_of(room, size);
    static const uint8_t nothing[SNAME_BYTES + FILE_BYTES];
    uint8_t type = (uint8_t)message->type;
    writer_u8(&w, message->op);
    writer_u8(&w, message->hardware_type);
    writer_u8(&w, message->hardware_length);
    writer_u8(&w, message->hops);
    writer_u32(&w, message->xid);
    writer_u16(&w, message->seconds);
    writer_u16(&w, message->broadcast ? 0x8000 : 0);
    writer_u32(&w, message->ciaddr);
    writer_u32(&w, message->yiaddr);
    writer_u32(&w, message->siaddr);
    writer_u32(&w, message->giaddr);
    writer_bytes(&w, message->chaddr, sizeof message->chaddr);
    writer_bytes(&w, nothing, sizeof nothing);
    writer_bytes(&w, cookie, sizeof cookie);
    emit_option(&w, DHCP_OPTION_TYPE, &type, 1);
    for (size_t i = 0; i < SHAPES; i++)
        if (dhcp_has(message, shapes[i].code))
            emit_shape(&w, message, &shapes[i]);
    writer_u8(&w, DHCP_OPTION_END);
    while (w.position < DHCP_MESSAGE_LEAST_BYTES && !w.failed)
        writer_u8(&w, DHCP_OPTION_PAD);
    return w.failed ? 0 : w.position;
}

/* ---- Text ---------------------------------------------------------------------------------------- */

const char *dhcp_type_name(enum dhcp_type type)
{
    static const char *const names[] = {"?",   "DISCOVER", "OFFER",   "REQUEST", "DECLINE",
                                        "ACK", "NAK",      "RELEASE", "INFORM"};
    return type >= DHCP_DISCOVER && type <= DHCP_INFORM ? names[type] : names[0];
}

static void print_address(struct text *text, const char *name, uint32_t ipv4)
{
    char room[STRATA_ADDRESS_TEXT];
    struct strata_address address = address_from_v4(ipv4);
    if (ipv4 == 0)
        return;
    strata_address_format(&address, room, sizeof room);
    text_char(text, ' ');
    text_string(text, name);
    text_char(text, '=');
    text_string(text, room);
}

void dhcp_print(struct text *text, const uint8_t *bytes, size_t size)
{
    struct dhcp_message message;
    if (dhcp_parse(&message, bytes, size) < 0) {
        text_string(text, "DHCP malformed");
        return;
    }
    text_string(text, "DHCP ");
    text_string(text, dhcp_type_name(message.type));
    text_string(text, " xid=");
    text_hex(text, message.xid, 8);
    print_address(text, "client", message.ciaddr);
    print_address(text, "requested", message.requested);
    print_address(text, "yours", message.yiaddr);
    print_address(text, "server", message.server_id);
    if (dhcp_has(&message, DHCP_OPTION_LEASE_TIME)) {
        text_string(text, " lease=");
        text_unsigned(text, message.lease_s);
    }
    if (message.message.length > 0) {
        text_string(text, " \"");
        text_escaped(text, message.message.text, message.message.length);
        text_char(text, '"');
    }
}
