/*
 * One hash table for all that a segment can belong to: half-open connections, connections, TIME-WAIT.
 *
 * The hash is keyed (SipHash), so that nobody outside can make all connections fall into one chain. The
 * record found last is tried first: segments come in trains.
 */
#include "transport/tcp/demux.h"

/** What of a record is hashed. */
#define KEY_BYTES 40

static void write_key(uint8_t bytes[KEY_BYTES], const struct tcp_record *record)
{
    memcpy(bytes, record->local.bytes, 16);
    memcpy(bytes + 16, record->remote.bytes, 16);
    bytes_put16(bytes + 32, record->local_port);
    bytes_put16(bytes + 34, record->remote_port);
    bytes_put32(bytes + 36, (uint32_t)record->scope);
}

uint64_t demux_hash(const struct siphash_key *key, const struct tcp_record *record)
{
    uint8_t bytes[KEY_BYTES];
    write_key(bytes, record);
    return siphash(key, bytes, sizeof bytes);
}

uint64_t demux_hash_with(const struct siphash_key *key, const struct tcp_record *record, uint32_t a, uint32_t b)
{
    uint8_t bytes[KEY_BYTES + 8];
    write_key(bytes, record);
    bytes_put32(bytes + KEY_BYTES, a);
    bytes_put32(bytes + KEY_BYTES + 4, b);
    return siphash(key, bytes, sizeof bytes);
}

/** Where a record stands in the table. Of IPv4 addresses only what differs is hashed. */
static uint32_t slot_of(const struct tcp *tcp, const struct tcp_record *record)
{
    uint8_t bytes[12];
    if (!strata_address_is_ipv4(&record->remote) || !strata_address_is_ipv4(&record->local))
        return (uint32_t)demux_hash(&tcp->demux_key, record);
    memcpy(bytes, record->local.bytes + 12, 4);
    memcpy(bytes + 4, record->remote.bytes + 12, 4);
    bytes_put16(bytes + 8, record->local_port);
    bytes_put16(bytes + 10, record->remote_port);
    return (uint32_t)siphash(&tcp->demux_key, bytes, sizeof bytes);
}

static int16_t scope_of(const struct strata_address *address, int port)
{
    return address_is_link_local(address) && !strata_address_is_ipv4(address) ? (int16_t)port : 0;
}

struct tcp_record demux_key(const struct net_packet *packet, const struct tcp_header *header)
{
    return (struct tcp_record){
        .local = packet->destination,
        .remote = packet->source,
        .local_port = header->destination_port,
        .remote_port = header->source_port,
        .scope = scope_of(&packet->source, packet->port),
    };
}

struct tcp_record demux_key_of(const struct strata_endpoint *local, const struct strata_endpoint *remote)
{
    return (struct tcp_record){
        .local = local->address,
        .remote = remote->address,
        .local_port = local->port,
        .remote_port = remote->port,
        .scope = scope_of(&remote->address, (int)(remote->scope ? remote->scope : local->scope)),
    };
}

static inline bool same_key(const struct tcp_record *a, const struct tcp_record *b)
{
    return a->local_port == b->local_port && a->remote_port == b->remote_port && a->scope == b->scope &&
           address_equal(&a->remote, &b->remote) && address_equal(&a->local, &b->local);
}

static bool equal(const struct table_entry *entry, const void *key)
{
    return same_key(CONTAINER_OF(entry, const struct tcp_record, entry), key);
}

struct tcp_record *demux_find(struct tcp *tcp, const struct tcp_record *key)
{
    if (tcp->last && same_key(tcp->last, key))
        return tcp->last;
    uint32_t hash = slot_of(tcp, key);
    struct table_entry *entry = table_find(&tcp->records, hash, equal, key);
    if (!entry)
        return NULL;
    tcp->last = CONTAINER_OF(entry, struct tcp_record, entry);
    return tcp->last;
}

static bool is_elsewhere(struct table_entry *entry, void *context)
{
    const struct tcp_record *record = CONTAINER_OF(entry, const struct tcp_record, entry);
    const struct binding *binding = *(const struct binding **)context;
    // A half-open one goes with its listener.
    if (record->local_port != binding->local.port || record->kind == TCP_RECORD_HALF_OPEN ||
        !binding_covers(binding, &record->local, record->scope))
        return true;
    *(const struct binding **)context = NULL;
    return false;
}

bool tcp_name_in_use(struct tcp *tcp, const struct binding *binding)
{
    // All are looked at, but only when a program names a port: what every connection would pay for a count of
    // those that share its port is more.
    table_each(&tcp->records, is_elsewhere, &binding);
    return binding == NULL;
}

int demux_add(struct tcp *tcp, struct tcp_record *record)
{
    ASSERT(!record->listed);
    uint32_t hash = slot_of(tcp, record);
    int error = table_insert(&tcp->records, &tcp->core->memory, &record->entry, hash);
    if (error)
        return error;
    record->listed = true;
    return 0;
}

void demux_remove(struct tcp *tcp, struct tcp_record *record)
{
    if (!record->listed)
        return;
    table_remove(&tcp->records, &tcp->core->memory, &record->entry);
    record->listed = false;
    if (tcp->last == record)
        tcp->last = NULL;
}

void demux_replace(struct tcp *tcp, struct tcp_record *old, struct tcp_record *record)
{
    uint32_t hash = old->entry.hash;
    // The table has its buckets, so that inserting cannot fail.
    int error = table_insert(&tcp->records, &tcp->core->memory, &record->entry, hash);
    ASSERT(error == 0);
    record->listed = true;
    demux_remove(tcp, old);
}
