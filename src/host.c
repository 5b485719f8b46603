/**
 * A host: the rooms put together, and the boundary through which frames and time come and go.
 *
 *     struct strata_host
 *         sockets   what programs hold                    src/socket
 *         tcp, udp  connections and datagrams             src/transport
 *         net       addresses, routes, ICMP, fragments    src/net, with the ports of src/link
 *         core      memory, timers, randomness, counters  src/base
 *
 * This is the only file that knows all rooms. Everything a host holds is charged to its own budget; when it
 * is freed, everything goes, in the reverse order of its making.
 */
#include "link/neighbour.h"
#include "socket/socket.h"

#include <errno.h>

struct strata_host {
    struct sockets sockets; /**< First: the socket room takes a host for its sockets. */
    struct core core;
    struct net *net;
    struct tcp *tcp;
    struct udp *udp;
};
_Static_assert(offsetof(struct strata_host, sockets) == 0, "see sockets_of");

/** Makes the rooms, each with those below it. */
static int furnish(struct strata_host *host)
{
    struct tcp_events tcp_events;
    struct udp_events udp_events;
    sockets_init(&host->sockets, &host->core);
    sockets_tcp_events(&host->sockets, &tcp_events);
    sockets_udp_events(&host->sockets, &udp_events);
    int error = net_new(&host->net, &host->core);
    if (error == 0)
        error = tcp_new(&host->tcp, host->net, &tcp_events);
    if (error == 0)
        error = udp_new(&host->udp, host->net, &udp_events);
    host->sockets.net = host->net;
    host->sockets.tcp = host->tcp;
    host->sockets.udp = host->udp;
    return error;
}

/** The allocator a config names, or the C library's. */
static struct strata_allocator allocator_of(const struct strata_config *config)
{
    size_t end = offsetof(struct strata_config, allocator) + sizeof config->allocator;
    return config->size >= end && config->allocator ? *config->allocator : *allocator_default();
}

int strata_host_new(struct strata_host **result, const struct strata_config *config)
{
    if (!result)
        return -EINVAL;
    *result = NULL;
    if (!config || config->size < sizeof config->size)
        return -EINVAL;
    struct strata_allocator allocator = allocator_of(config);
    if (!allocator.allocate || !allocator.release)
        return -EINVAL;
    struct strata_host *host = allocator.allocate(allocator.context, sizeof *host);
    if (!host)
        return -ENOMEM;
    memset(host, 0, sizeof *host);
    int error = core_init(&host->core, config, 0);
    struct memory *memory = &host->core.memory;
    if (error) {
        allocator.release(allocator.context, host, sizeof *host);
        return error;
    }
    // The host itself counts too.
    error = memory_available(memory) < sizeof *host ? -ENOMEM : 0;
    memory->used_bytes += sizeof *host;
    memory->peak_bytes = memory->used_bytes;
    if (error == 0)
        error = furnish(host);
    if (error) {
        strata_host_free(host);
        return error;
    }
    *result = host;
    return 0;
}

void strata_host_free(struct strata_host *host)
{
    if (!host)
        return;
    sockets_free(&host->sockets);
    if (host->udp)
        udp_free(host->udp);
    if (host->tcp)
        tcp_free(host->tcp);
    if (host->net)
        net_free(host->net);
    struct strata_allocator allocator = host->core.memory.allocator;
    host->core.memory.used_bytes -= sizeof *host;
    core_free(&host->core);
    allocator.release(allocator.context, host, sizeof *host);
}

/* ---- the boundary ------------------------------------------------------------------------------ */

void strata_host_input(struct strata_host *host, int port, const void *frame, size_t length,
                       const struct strata_meta *meta, strata_time now)
{
    static const struct strata_meta nothing;
    struct port *arrival = links_port(net_links(host->net), port);
    core_at(&host->core, now);
    if (arrival && port != STRATA_PORT_LOOPBACK)
        port_input(arrival, frame, length, meta ? meta : &nothing);
    else // one that was taken away while the frame was under way
        core_drop(&host->core, COUNTER_port_drop_down, port, frame, length);
}

int strata_host_ready(struct strata_host *host)
{
    return links_ready(net_links(host->net));
}

size_t strata_host_output(struct strata_host *host, int port, void *bytes, size_t size,
                          struct strata_meta *meta, strata_time now)
{
    struct port *leaving = links_port(net_links(host->net), port);
    core_at(&host->core, now);
    if (!leaving || port == STRATA_PORT_LOOPBACK)
        return 0;
    struct strata_meta work = {.flags = meta ? meta->flags : 0};
    struct room room = {.bytes = bytes, .size = size, .meta = &work, .now = host->core.now};
    size_t length = port_output(leaving, &room);
    // Flags came as what the driver can do. No checksum lies at the start of what it covers: 0 means none was
    // asked.
    if (work.checksum_offset == 0)
        work.flags &= ~STRATA_META_PARTIAL;
    if (meta)
        *meta = work;
    return length;
}

void strata_host_advance(struct strata_host *host, strata_time now)
{
    core_at(&host->core, now);
    wheel_advance(&host->core.wheel, host->core.now);
    (void)net_pump_loopback(host->net);
}

strata_time strata_host_deadline(struct strata_host *host)
{
    return net_loopback_waiting(host->net) ? host->core.now : wheel_next(&host->core.wheel);
}

static void device_input(void *self, int port, const void *frame, size_t length,
                         const struct strata_meta *meta, strata_time now)
{
    strata_host_input(self, port, frame, length, meta, now);
}

static int device_ready(void *self)
{
    return strata_host_ready(self);
}

static size_t device_output(void *self, int port, void *room, size_t size, struct strata_meta *meta,
                            strata_time now)
{
    return strata_host_output(self, port, room, size, meta, now);
}

static void device_advance(void *self, strata_time now)
{
    strata_host_advance(self, now);
}

static strata_time device_deadline(void *self)
{
    return strata_host_deadline(self);
}

static void device_free(void *self)
{
    strata_host_free(self);
}

struct strata_device strata_host_device(struct strata_host *host)
{
    static const struct strata_device_ops ops = {
        device_input, device_ready, device_output, device_advance, device_deadline, device_free,
    };
    return (struct strata_device){&ops, host};
}

/* ---- ports, addresses, routes ------------------------------------------------------------------ */

int strata_port_add(struct strata_host *host, const struct strata_port_config *config)
{
    if (!config || config->size < offsetof(struct strata_port_config, link) + sizeof config->link)
        return -EINVAL;
    struct strata_port_config whole = {.size = sizeof whole};
    memcpy(&whole, config, config->size < sizeof whole ? config->size : sizeof whole);
    return links_add_port(net_links(host->net), &whole);
}

int strata_port_remove(struct strata_host *host, int port)
{
    if (port == STRATA_PORT_LOOPBACK)
        return -EINVAL;
    return links_remove_port(net_links(host->net), port);
}

int strata_port_set_up(struct strata_host *host, int number, bool up, strata_time now)
{
    struct port *port = links_port(net_links(host->net), number);
    core_at(&host->core, now);
    if (!port)
        return -ENODEV;
    return number == STRATA_PORT_LOOPBACK ? -EINVAL : port_set_up(port, up);
}

int strata_port_set_full(struct strata_host *host, int number, bool full, strata_time now)
{
    struct port *port = links_port(net_links(host->net), number);
    core_at(&host->core, now);
    if (!port)
        return -ENODEV;
    if (number == STRATA_PORT_LOOPBACK)
        return -EINVAL;
    port_set_full(port, full);
    return 0;
}

int strata_port_info(struct strata_host *host, int number, struct strata_port_info *info)
{
    const struct port *port = links_port(net_links(host->net), number);
    if (!port)
        return -ENODEV;
    struct strata_port_info whole = {
        .size = sizeof whole,
        .link = port->link,
        .mtu_bytes = port->mtu_bytes,
        .up = port->up,
        .frames_in = port->frames_in,
        .frames_out = port->frames_out,
        .bytes_in = port->bytes_in,
        .bytes_out = port->bytes_out,
    };
    memcpy(whole.name, port->name, sizeof whole.name);
    memcpy(whole.mac, port->mac, sizeof whole.mac);
    return info ? sized_copy(info, &whole, sizeof whole) : -EINVAL;
}

/** Whether a prefix length fits the family of its address. */
static bool prefix_fits(const struct strata_address *address, unsigned prefix_length)
{
    return prefix_length <= (strata_address_is_ipv4(address) ? 32u : 128u);
}

int strata_address_add(struct strata_host *host, int port, const struct strata_address *address,
                       unsigned prefix_length, strata_time now)
{
    core_at(&host->core, now);
    if (!links_port(net_links(host->net), port))
        return -ENODEV;
    if (!address || !prefix_fits(address, prefix_length))
        return -EINVAL;
    return net_address_add(host->net, port, address, prefix_length);
}

int strata_address_remove(struct strata_host *host, int port, const struct strata_address *address,
                          strata_time now)
{
    core_at(&host->core, now);
    if (!links_port(net_links(host->net), port))
        return -ENODEV;
    return address ? net_address_remove(host->net, port, address) : -EINVAL;
}

int strata_address_get(struct strata_host *host, int number, unsigned index, struct strata_address *address,
                       unsigned *prefix_length)
{
    const struct port *port = links_port(net_links(host->net), number);
    if (!port)
        return -ENODEV;
    if (index >= port->address_count)
        return -ENOENT;
    const struct port_address *found = &port->addresses[index];
    *address = found->address;
    if (prefix_length)
        *prefix_length = found->prefix_bits - (strata_address_is_ipv4(&found->address) ? ADDRESS_V4_BITS : 0);
    return 0;
}

int strata_probe_address(struct strata_host *host, int number, const struct strata_address *address, strata_time now)
{
    core_at(&host->core, now);
    struct port *port = links_port(net_links(host->net), number);
    if (!port)
        return -ENODEV;
    if (!address || !strata_address_is_ipv4(address))
        return -EINVAL;
    arp_probe(port, address);
    return 0;
}

int strata_probe_answered(struct strata_host *host, int number, const struct strata_address *address)
{
    const struct port *port = links_port(net_links(host->net), number);
    if (!port)
        return -ENODEV;
    return address ? arp_probe_answered(port, address) : -EINVAL;
}

int strata_route_add(struct strata_host *host, const struct strata_route *route)
{
    if (!route || !prefix_fits(&route->destination, route->prefix_length))
        return -EINVAL;
    return net_route_add(host->net, route);
}

int strata_route_remove(struct strata_host *host, const struct strata_route *route)
{
    if (!route || !prefix_fits(&route->destination, route->prefix_length))
        return -EINVAL;
    return net_route_remove(host->net, route);
}

int strata_route_get(struct strata_host *host, unsigned index, struct strata_route *route)
{
    return net_route_get(host->net, index, route);
}

/* ---- settings, counters, memory, trace
 * ---------------------------------------------------------------------- */

int strata_set(struct strata_host *host, const char *name, int64_t value)
{
    return settings_set(&host->core.settings, name, value);
}

int strata_get(struct strata_host *host, const char *name, int64_t *value)
{
    return settings_get(&host->core.settings, name, value);
}

unsigned strata_counters(void)
{
    return COUNTER_COUNT;
}

const char *strata_counter_name(unsigned counter)
{
    return counter < COUNTER_COUNT ? counter_name((enum counter)counter) : NULL;
}

const char *strata_counter_help(unsigned counter)
{
    return counter < COUNTER_COUNT ? counter_help((enum counter)counter) : NULL;
}

uint64_t strata_counter(const struct strata_host *host, unsigned counter)
{
    return counter < COUNTER_COUNT ? host->core.counters.value[counter] : 0;
}

int strata_memory(const struct strata_host *host, struct strata_memory *memory)
{
    if (!memory)
        return -EINVAL;
    const struct memory *held = &host->core.memory;
    struct strata_memory whole = {.size = sizeof whole};
    tcp_memory(host->tcp, &whole);
    net_memory(host->net, &whole);
    whole.budget_bytes = held->budget_bytes;
    whole.used_bytes = held->used_bytes;
    whole.peak_bytes = held->peak_bytes;
    whole.pages = held->pages;
    whole.sockets = host->sockets.count;
    return sized_copy(memory, &whole, sizeof whole);
}

void strata_trace_note(struct strata_host *host, const char *text, strata_time now)
{
    core_at(&host->core, now);
    if (!core_traces(&host->core))
        return;
    struct strata_trace_record record = {.kind = STRATA_TRACE_NOTE, .port = -1, .text = text};
    core_trace(&host->core, &record);
}
