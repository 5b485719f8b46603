/**
 * Strata: an Internet protocol stack as a library.
 *
 * A *host* is a machine on the network that lives inside your program. It has ports (network
 * interfaces), addresses, routes and sockets, and nothing else: it reads no clock, draws no
 * randomness, does no input or output and starts no thread. You hand it the frames that arrive and
 * the time; it hands you the frames to send and the time at which it wants to be called again:
 *
 *     strata_host_input(host, port, frame, length, NULL, now);        a frame has come
 *     while ((port = strata_host_ready(host)) >= 0)                   something to say?
 *         length = strata_host_output(host, port, room, sizeof room, NULL, now);
 *     strata_host_advance(host, now);                                 fire what is due
 *     wake_me_at(strata_host_deadline(host));
 *
 * Programs use the host through sockets (below), or through the fibers of `rt.h`. A whole network of
 * hosts in virtual time is in `lab.h`.
 *
 * Conventions of this header
 * - Errors are negative errno values (`-EAGAIN`); 0 or a positive number is success.
 * - Time is nanoseconds in 64 bits from an origin of your choice, up to 146 years later. It never runs
 * backwards.
 * - Byte counts are `size_t`, units stand in names where a number has one.
 * - A host belongs to one thread at a time. Different hosts share nothing.
 * - Structs that may grow begin with `size`: set it to `sizeof` of the struct, zero the rest.
 */
#ifndef STRATA_STRATA_H
#define STRATA_STRATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) && defined(STRATA_BUILDING)
#define STRATA_API __attribute__((visibility("default")))
#else
#define STRATA_API
#endif

#define STRATA_VERSION_MAJOR 0
#define STRATA_VERSION_MINOR 1
#define STRATA_VERSION_PATCH 0

/** The library's version as text, such as "0.1.0". */
STRATA_API const char *strata_version(void);

/* ---- Time ------------------------------------------------------------------------------------- */

/** Nanoseconds since an origin of the caller's choice. */
typedef int64_t strata_time;

/** A deadline that never comes. */
#define STRATA_NEVER INT64_MAX
#define STRATA_MICROSECOND ((strata_time)1000)
#define STRATA_MILLISECOND ((strata_time)1000000)
#define STRATA_SECOND ((strata_time)1000000000)

/* ---- Addresses -------------------------------------------------------------------------------- */

/** An IPv6 address, or an IPv4 address in its v4-mapped form ::ffff:a.b.c.d (RFC 4291 2.5.5.2). */
struct strata_address {
    uint8_t bytes[16];
};

/** Where a datagram or segment comes from or goes to. */
struct strata_endpoint {
    struct strata_address address;
    uint32_t scope; /**< The port of a link-local address, otherwise 0. */
    uint16_t port;  /**< Transport port number, host byte order; 0 where it does not apply. */
};

/** An IPv4 address from its four octets. */
static inline struct strata_address strata_ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    struct strata_address address = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}};
    return address;
}

/** Whether an address is IPv4 (v4-mapped). */
static inline bool strata_address_is_ipv4(const struct strata_address *address)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(address->bytes, mapped, sizeof mapped) == 0;
}

/** Room that strata_address_format needs at most, with the ending NUL. */
#define STRATA_ADDRESS_TEXT 46
/** Room that strata_endpoint_format needs at most, with the ending NUL. */
#define STRATA_ENDPOINT_TEXT 72

/** Reads "192.0.2.1" or "2001:db8::1". @return 0, or -EINVAL. */
STRATA_API int strata_address_parse(const char *text, struct strata_address *address);
/** Writes an address as text (IPv6 in the form of RFC 5952). @return the length of the text. */
STRATA_API size_t strata_address_format(const struct strata_address *address, char *text, size_t size);
/** Reads "192.0.2.1:80" or "[2001:db8::1]:80". @return 0, or -EINVAL. */
STRATA_API int strata_endpoint_parse(const char *text, struct strata_endpoint *endpoint);
/** Writes "192.0.2.1:80" or "[2001:db8::1]:80". @return the length of the text. */
STRATA_API size_t strata_endpoint_format(const struct strata_endpoint *endpoint, char *text, size_t size);
/** Reads "192.0.2.0/24"; the prefix length is 0 to 32 for IPv4, 0 to 128 for IPv6. @return 0, or -EINVAL. */
STRATA_API int strata_prefix_parse(const char *text, struct strata_address *address, unsigned *prefix_length);

/* ---- Hosts ------------------------------------------------------------------------------------ */

/** A machine on the network. Opaque. */
struct strata_host;

/** Where a host gets its memory. Both functions are called only inside calls into that host. */
struct strata_allocator {
    void *context;
    /** @return `bytes` of memory aligned for any type, or NULL. */
    void *(*allocate)(void *context, size_t bytes);
    /** Takes back what allocate gave; `bytes` is what was asked for then. */
    void (*release)(void *context, void *block, size_t bytes);
};

struct strata_trace_record; /* below */

/** Everything a host is born with. */
struct strata_config {
    size_t size;      /**< sizeof(struct strata_config). */
    uint8_t seed[32]; /**< All randomness of the host comes from here. Use getrandom() outside a lab. */
    const char *name; /**< For traces; may be NULL. Copied, at most 31 bytes. */
    const struct strata_allocator *allocator; /**< NULL: malloc and free of the C library. */
    size_t memory_bytes; /**< The budget for everything the host allocates; 0: 256 MiB. */
    /** Called for everything that happens (see the trace section); NULL: nobody listens, costs nothing. */
    void (*trace)(void *context, const struct strata_trace_record *record);
    void *trace_context;
    /** The allocator is quick and serves many hosts: this one keeps no pages of its own that are not in use. */
    bool shares_pages;
};

/** Makes a host. @return 0, -EINVAL, -ENOMEM. The host takes at most 16 KiB at first. */
STRATA_API int strata_host_new(struct strata_host **host, const struct strata_config *config);
/** Frees a host and all that it holds, at once and without a word to its peers. NULL is allowed. */
STRATA_API void strata_host_free(struct strata_host *host);

/* ---- The boundary: frames and time ------------------------------------------------------------ */

/** What hardware does for us, per frame. Zero means: nothing. */
struct strata_meta {
    uint32_t flags;              /**< STRATA_META_* */
    uint16_t segment_size_bytes; /**< Payload bytes per segment of a super-frame, 0: not one. */
    uint16_t checksum_start;     /**< With STRATA_META_PARTIAL: from which offset to sum ... */
    uint16_t checksum_offset;    /**< ... and where, counted from there, the result goes. */
};
/** Input: the transport checksum was verified by whoever received it. */
#define STRATA_META_VERIFIED 1u
/** Input and output: the transport checksum field holds the pseudo-header's sum only, yet to be completed. */
#define STRATA_META_PARTIAL 2u

/**
 * A frame (or, on a port of link type IP, a datagram) has come in at a port. The bytes are borrowed for
 * the time of the call. Never sends: look at strata_host_ready afterwards.
 * `meta` may be NULL. A frame that cannot be right is dropped and counted, see strata_counter.
 */
STRATA_API void strata_host_input(struct strata_host *host, int port, const void *frame, size_t length,
                                  const struct strata_meta *meta, strata_time now);
/** A port that can speak now, or -1. The cost does not grow with silent ports. */
STRATA_API int strata_host_ready(struct strata_host *host);
/**
 * Writes the next frame of a port into `room`.
 * @return its length; 0 when there is nothing to say now or what there is does not fit, in which case
 * nothing is consumed. A room of the port's MTU plus 18 bytes always suffices.
 * `meta` may be NULL; otherwise flags say on input what the driver can do and on output what it must do.
 */
STRATA_API size_t strata_host_output(struct strata_host *host, int port, void *room, size_t size,
                                     struct strata_meta *meta, strata_time now);
/** Fires the timers that are due and pumps the internal loopback, a bounded number of frames. */
STRATA_API void strata_host_advance(struct strata_host *host, strata_time now);
/** When strata_host_advance wants to be called next; STRATA_NEVER: only after input or a socket call. */
STRATA_API strata_time strata_host_deadline(struct strata_host *host);

/* ---- Devices: anything with ports -------------------------------------------------------------- */

/** The same boundary as a table, for whatever has ports: hosts, switches, hubs. `self` is the device. */
struct strata_device_ops {
    void (*input)(void *self, int port, const void *frame, size_t length, const struct strata_meta *meta,
                  strata_time now);
    int (*ready)(void *self);
    size_t (*output)(void *self, int port, void *room, size_t size, struct strata_meta *meta,
                     strata_time now);
    void (*advance)(void *self, strata_time now);
    strata_time (*deadline)(void *self);
    void (*free)(void *self);
};
/** A device of any kind. */
struct strata_device {
    const struct strata_device_ops *ops;
    void *self;
};
/** A host seen as a device. */
STRATA_API struct strata_device strata_host_device(struct strata_host *host);

/** A learning bridge (IEEE 802.1D relay): see strata_bridge_new. */
struct strata_bridge;
/** How a bridge is made. */
struct strata_bridge_config {
    size_t size;
    unsigned ports;         /**< Number of ports, numbered from 1. */
    bool hub;               /**< Repeat every frame to every other port, learn nothing. */
    strata_time ageing_ns;  /**< How long a silent address is remembered; 0: 300 s. */
    unsigned table_entries; /**< How many addresses at most; 0: 4096. */
    unsigned queue_frames;  /**< Output queue of each port, in frames; 0: 256. */
    const struct strata_allocator *allocator;
    uint8_t seed[32];
};
/** Makes a bridge. @return 0, -EINVAL, -ENOMEM. Freed through its device table. */
STRATA_API int strata_bridge_new(struct strata_bridge **bridge, const struct strata_bridge_config *config);
STRATA_API struct strata_device strata_bridge_device(struct strata_bridge *bridge);
/** What a bridge has learned of a station. */
struct strata_bridge_station {
    size_t size;
    uint8_t mac[6];
    int port;           /**< It is behind that one. */
    strata_time heard;  /**< Last. */
};
/** The index-th station that is not forgotten, the one heard last first. @return 0, -EINVAL, -ENOENT after the last. */
STRATA_API int strata_bridge_station(const struct strata_bridge *bridge, unsigned index, strata_time now,
                                     struct strata_bridge_station *station);
/** Counters of a bridge, by the names of strata_counter_name; 0 for what a bridge does not count. */
STRATA_API uint64_t strata_bridge_counter(const struct strata_bridge *bridge, unsigned counter);

/* ---- Ports, addresses, routes ------------------------------------------------------------------ */

enum strata_link {
    STRATA_LINK_ETHERNET = 0, /**< Frames with an Ethernet header, without FCS. */
    STRATA_LINK_IP = 1,       /**< Bare IPv4 and IPv6 datagrams: TUN, a VPN. No neighbours. */
};

/** How a port is made. */
struct strata_port_config {
    size_t size;
    const char *name; /**< "eth0"; NULL: made up. At most 15 bytes. */
    enum strata_link link;
    uint8_t mac[6];          /**< All zero: a locally administered one is drawn from the seed. */
    uint32_t mtu_bytes;      /**< 0: 1500. At least 68 (RFC 791), 1280 to carry IPv6. */
    uint32_t queue_packets;  /**< Output queue for forwarded packets; 0: 256. */
};

/** Port 0 of every host is its internal loopback with 127.0.0.1 and ::1. */
#define STRATA_PORT_LOOPBACK 0

/** Adds a port, up at once. @return its number (1 or more; not one that a port had which was removed, until
 * 32767 were given), -EINVAL, -ENOMEM, -ENOSPC. */
STRATA_API int strata_port_add(struct strata_host *host, const struct strata_port_config *config);
/** Takes a port away with its addresses, neighbours and routes. @return 0, -ENODEV. */
STRATA_API int strata_port_remove(struct strata_host *host, int port);
/** Carrier found or lost. A port that is down neither takes nor gives frames; its routes are not used. */
STRATA_API int strata_port_set_up(struct strata_host *host, int port, bool up, strata_time now);
/**
 * As if the device's queue were full, for tests of what depends on it: what would be sent is refused with -ENOBUFS, and
 * connections try again later; what comes in is taken. @return 0, -ENODEV, -EINVAL (the loopback).
 */
STRATA_API int strata_port_set_full(struct strata_host *host, int port, bool full, strata_time now);
/** What a port is. */
struct strata_port_info {
    size_t size;
    char name[16];
    enum strata_link link;
    uint8_t mac[6];
    uint32_t mtu_bytes;
    bool up;
    uint64_t frames_in, frames_out, bytes_in, bytes_out;
};
STRATA_API int strata_port_info(struct strata_host *host, int port, struct strata_port_info *info);

/**
 * Gives a port an address; its connected route comes with it. On an Ethernet port that is up it is
 * announced by gratuitous ARP. @return 0, -EINVAL, -ENODEV, -EEXIST, -ENOSPC.
 */
STRATA_API int strata_address_add(struct strata_host *host, int port, const struct strata_address *address,
                                  unsigned prefix_length, strata_time now);
STRATA_API int strata_address_remove(struct strata_host *host, int port,
                                     const struct strata_address *address, strata_time now);
/** The index-th address of a port. @return 0, -ENODEV, -ENOENT after the last. */
STRATA_API int strata_address_get(struct strata_host *host, int port, unsigned index,
                                  struct strata_address *address, unsigned *prefix_length);

/**
 * Asks a link whether anybody uses an IPv4 address, before we do (RFC 5227 2.1.1: an ARP probe). Ask a few times
 * and wait a second or two; strata_probe_answered says whether somebody does. Only Ethernet ports have an answer.
 * @return 0, -ENODEV, -EINVAL.
 */
STRATA_API int strata_probe_address(struct strata_host *host, int port, const struct strata_address *address,
                                    strata_time now);
/** Whether somebody has claimed the address that was probed last. @return 1, 0, -ENODEV, -EINVAL. */
STRATA_API int strata_probe_answered(struct strata_host *host, int port, const struct strata_address *address);

/** A route: where datagrams to a prefix go. */
struct strata_route {
    struct strata_address destination; /**< ::ffff:0.0.0.0/0 or ::/0 is the default route. */
    unsigned prefix_length;            /**< 0 to 32 for IPv4 destinations, 0 to 128 for IPv6. */
    struct strata_address gateway;     /**< All zero: the destination is on the link. */
    int port;                          /**< -1: the port over which the gateway is reached. */
    uint32_t metric;                   /**< Among equal prefixes the lowest wins. */
};
/** @return 0, -EINVAL, -ENODEV, -EEXIST, -ENETUNREACH (gateway not on a link of ours), -ENOMEM. */
STRATA_API int strata_route_add(struct strata_host *host, const struct strata_route *route);
/** Removes the route with this destination, prefix length, gateway and port. @return 0, -ENOENT. */
STRATA_API int strata_route_remove(struct strata_host *host, const struct strata_route *route);
/** The index-th route. @return 0, -ENOENT after the last. */
STRATA_API int strata_route_get(struct strata_host *host, unsigned index, struct strata_route *route);

/**
 * Run-time settings, under the names of Linux's sysctls where there is one:
 * "net.ipv4.ip_forward", "net.ipv4.ip_default_ttl" ... The whole list with bounds and defaults is
 * docs/settings.md. @return 0, -ENOENT (no such name), -ERANGE.
 */
STRATA_API int strata_set(struct strata_host *host, const char *name, int64_t value);
STRATA_API int strata_get(struct strata_host *host, const char *name, int64_t *value);

/* ---- Sockets ------------------------------------------------------------------------------------ */

/**
 * A socket of one host: positive. A handle carries a generation, so that one that was closed is -EBADF
 * ever after and never somebody else's socket.
 */
typedef int64_t strata_socket;

enum strata_socket_type {
    STRATA_STREAM = 1,   /**< TCP. */
    STRATA_DATAGRAM = 2, /**< UDP. */
    /** ICMP echo, like Linux's ping sockets. What is sent is the data of an echo request, what is received that of a
     * reply; the socket's own port number is the identifier, the peer's is the sequence number (0: counted). */
    STRATA_ECHO = 3,
};

/** What a socket is ready for: level by asking (strata_readiness), edge by event (strata_event). */
enum {
    STRATA_READABLE = 1,  /**< Data, end of stream, or (listener) a connection to accept. */
    STRATA_WRITABLE = 2,  /**< Room to write; for a connecting stream: connected. */
    STRATA_HANGUP = 4,    /**< Both directions are finished. */
    STRATA_ERROR = 8,     /**< strata_take_error has something to say. */
    STRATA_PEER_CLOSED = 16, /**< The peer has sent its FIN. */
    STRATA_URGENT = 32,   /**< Urgent data pends (RFC 9293 3.8.5). */
};

/** Makes a socket. @return a handle, -EINVAL, -ENOMEM, -EMFILE. */
STRATA_API strata_socket strata_open(struct strata_host *host, enum strata_socket_type type);
/** Names the local end. Address all zero: any, both families unless STRATA_OPTION_V6ONLY; 0.0.0.0: any IPv4.
 * Port 0: one is chosen that cannot be guessed. A stream's port must be free of connections and TIME-WAIT,
 * too, unless STRATA_OPTION_REUSE_ADDRESS (or _PORT) was set before. @return 0, -EADDRINUSE, -EADDRNOTAVAIL,
 * -EINVAL, -EBADF. */
STRATA_API int strata_bind(struct strata_host *host, strata_socket socket, const struct strata_endpoint *local);
/** Waits for connections; `backlog` bounds those not accepted yet (0: a default). */
STRATA_API int strata_listen(struct strata_host *host, strata_socket socket, int backlog, strata_time now);
/** The next connection, or -EAGAIN. `peer` may be NULL. */
STRATA_API strata_socket strata_accept(struct strata_host *host, strata_socket listener,
                                       struct strata_endpoint *peer, strata_time now);
/** Begins to connect a stream (-EINPROGRESS, then STRATA_WRITABLE or STRATA_ERROR), or sets the peer of a
 * datagram socket (0). */
STRATA_API int strata_connect(struct strata_host *host, strata_socket socket,
                              const struct strata_endpoint *peer, strata_time now);
/** Reads from a stream. @return bytes; 0 at its end; -EAGAIN; -ECONNRESET, -ETIMEDOUT ...; -ENOTCONN. */
STRATA_API int64_t strata_read(struct strata_host *host, strata_socket socket, void *data, size_t size,
                               strata_time now);
/** Writes to a stream. @return bytes taken (as many as there is room for); -EAGAIN; -EPIPE ... */
STRATA_API int64_t strata_write(struct strata_host *host, strata_socket socket, const void *data, size_t size,
                                strata_time now);
/** As strata_write, and more will follow soon: bytes that do not fill a segment wait for it, until something is
 * acknowledged or written without this, or as long as with STRATA_OPTION_CORK (RFC 9293 MAY-16). */
STRATA_API int64_t strata_write_more(struct strata_host *host, strata_socket socket, const void *data, size_t size,
                                     strata_time now);
/** As strata_write, and what is written later goes in segments of its own: the end of a record. Only as many ends as
 * are useful are kept: sixteen that are not acknowledged. */
STRATA_API int64_t strata_write_record(struct strata_host *host, strata_socket socket, const void *data, size_t size,
                                       strata_time now);
/** Looks at readable bytes without taking them. */
STRATA_API int64_t strata_peek(struct strata_host *host, strata_socket socket, void *data, size_t size);

/** A piece of memory. */
struct strata_iovec {
    void *base;
    size_t length;
};
/**
 * Views of a stream's rings, for programs that can do without a copy. `data` lends the readable bytes,
 * `consume` takes the first of them away; `space` lends room to write in (it allocates up to `size` bytes),
 * `commit` sends the first of it. A view is valid until the next call for that socket or input to the host.
 * @return the number of pieces filled in (0: none), or a negative errno like read and write.
 */
STRATA_API int strata_data(struct strata_host *host, strata_socket socket, struct strata_iovec *pieces, int count);
STRATA_API int strata_consume(struct strata_host *host, strata_socket socket, size_t bytes, strata_time now);
STRATA_API int strata_space(struct strata_host *host, strata_socket socket, size_t size,
                            struct strata_iovec *pieces, int count);
STRATA_API int strata_commit(struct strata_host *host, strata_socket socket, size_t bytes, strata_time now);

enum strata_shutdown { STRATA_SHUTDOWN_READ = 1, STRATA_SHUTDOWN_WRITE = 2, STRATA_SHUTDOWN_BOTH = 3 };
/** Finishes one or both directions of a stream: WRITE sends a FIN after what was written. */
STRATA_API int strata_shutdown(struct strata_host *host, strata_socket socket, enum strata_shutdown how,
                               strata_time now);
/** Gives the handle up. What was written is still sent, the connection closes in order in the background. */
STRATA_API int strata_close(struct strata_host *host, strata_socket socket, strata_time now);
/** Ends a connection with RST and gives the handle up (RFC 9293 3.10.5 ABORT). */
STRATA_API int strata_abort(struct strata_host *host, strata_socket socket, strata_time now);

/** A datagram's envelope, for sending and receiving. Zero fields of one to be sent mean: the socket's own. */
struct strata_envelope {
    size_t size;
    struct strata_endpoint peer;  /**< Send: destination (all zero: the connected peer). Receive: source. */
    struct strata_endpoint local; /**< Send: source address to use. Receive: destination it was sent to. */
    int port;                     /**< Receive: arrival port. Send: 0, or the port to leave by. */
    uint8_t ttl;                  /**< Receive: as it arrived. Send: 0: the socket's. */
    uint8_t tos;                  /**< Traffic class, both ways. */
    bool truncated;               /**< Receive: the datagram was longer than the buffer. */
    int error;                    /**< strata_receive_error: the errno it stands for, positive. */
    uint8_t icmp_type, icmp_code; /**< strata_receive_error: as received; ICMPv6 if the peer is IPv6. */
    uint32_t icmp_info;           /**< strata_receive_error: next-hop MTU of a "too big". */
    struct strata_address reporter; /**< strata_receive_error: who sent the ICMP message. */
    uint8_t options_length; /**< Of IPv4 options, both ways: a multiple of 4, at most 40 (RFC 1122 4.1.3.2). */
    uint8_t options[40];    /**< As they stand in the header. */
};
/** Sends one datagram. @return `size`, -EMSGSIZE, -EAGAIN, -ENETUNREACH, -EDESTADDRREQ, an earlier ICMP error. */
STRATA_API int64_t strata_send(struct strata_host *host, strata_socket socket, const void *data, size_t size,
                               const struct strata_envelope *envelope, strata_time now);
/** Receives one datagram. @return its length, cut to `size` (see truncated), -EAGAIN, an ICMP error once. */
STRATA_API int64_t strata_receive(struct strata_host *host, strata_socket socket, void *data, size_t size,
                                  struct strata_envelope *envelope, strata_time now);
/** Takes an ICMP error about an earlier datagram with the beginning of that datagram. @return as receive. */
STRATA_API int64_t strata_receive_error(struct strata_host *host, strata_socket socket, void *data, size_t size,
                                        struct strata_envelope *envelope);

/** Socket options; values are int64_t. Which type they are for in brackets. */
enum strata_option {
    STRATA_OPTION_SEND_BUFFER = 1, /**< Bytes at most [all]. */
    STRATA_OPTION_RECEIVE_BUFFER,  /**< Bytes at most [all]. A stream's buffers tune themselves until one is set. */
    STRATA_OPTION_REUSE_ADDRESS,   /**< Bind despite TIME-WAIT [stream]; share multicast [datagram]. */
    STRATA_OPTION_REUSE_PORT,      /**< Several sockets on one port; spread by a keyed hash [all]. */
    STRATA_OPTION_V6ONLY,          /**< An unspecified local address means IPv6 only [all]. */
    STRATA_OPTION_TTL,             /**< 1 to 255 [all]. RFC 9293 MUST-49. */
    STRATA_OPTION_TOS,             /**< Diffserv and ECN byte [all]; may change at any time. RFC 9293 MUST-48. */
    STRATA_OPTION_NO_DELAY,        /**< 1: Nagle's algorithm off [stream]. RFC 9293 MUST-17. */
    STRATA_OPTION_KEEP_ALIVE,      /**< 1: on [stream]. RFC 9293 MUST-24. */
    STRATA_OPTION_KEEP_IDLE_NS,    /**< Idle before the first probe; 7,200 s [stream]. */
    STRATA_OPTION_KEEP_INTERVAL_NS, /**< Between probes; 75 s [stream]. */
    STRATA_OPTION_KEEP_COUNT,      /**< Unanswered probes until the end; 9 [stream]. */
    STRATA_OPTION_USER_TIMEOUT_NS, /**< R2: how long data may stay unacknowledged; 0: default [stream]. MUST-21. */
    STRATA_OPTION_LINGER_NS,       /**< -1: off; 0: close resets; else close waits no longer [stream]. */
    STRATA_OPTION_MAX_SEGMENT,     /**< Bound on the MSS, set before connecting; read: effective [stream]. */
    /** 1: urgent data stays in the stream (RFC 6093; the default). 0: its last octet is apart from it: strata_read and
     * strata_data end before that octet and go on behind it, and strata_read_urgent reads it [stream]. */
    STRATA_OPTION_URGENT_INLINE,
    STRATA_OPTION_CONGESTION,      /**< Index of an algorithm, see strata_congestion_name [stream]. */
    STRATA_OPTION_BROADCAST,       /**< 1: sending to broadcast addresses is allowed [datagram]. */
    STRATA_OPTION_MULTICAST_TTL,   /**< Default 1 [datagram]. */
    STRATA_OPTION_MULTICAST_LOOP,  /**< Own members hear what we send; default 1 [datagram]. */
    STRATA_OPTION_MULTICAST_PORT,  /**< The port multicast leaves by; 0: by route [datagram]. */
    STRATA_OPTION_DONT_FRAGMENT,   /**< 1: set DF and refuse what is larger than the path MTU [datagram]. */
    STRATA_OPTION_RECEIVE_ERRORS,  /**< 1: keep ICMP errors for strata_receive_error [all]. MUST-47, SHLD-20. */
    STRATA_OPTION_BIND_PORT,       /**< Only frames in and out of this port; 0: any [all]. */
    STRATA_OPTION_FILTER,          /**< Listener: connections wait for strata_decide [stream]. See below. */
    /** What is for the address and port of any host is ours; bound to an address or port: for that one. A socket may
     * then also speak under addresses that are not ours [all]. */
    STRATA_OPTION_TRANSPARENT,
    /** Listener: so many connections at most whose SYN brought data and a good cookie and whose handshake is not done;
     * 0: none, see net.ipv4.tcp_fastopen [stream]. RFC 7413. */
    STRATA_OPTION_FAST_OPEN,
    /** 1: connecting waits for the first write, which goes with the SYN where a cookie of the server is known; without
     * one the SYN asks for it. strata_connect is 0 when it waits [stream]. RFC 7413. */
    STRATA_OPTION_FAST_OPEN_CONNECT,
    STRATA_OPTION_FAST_OPEN_NO_COOKIE, /**< 1: Fast Open without cookies, as client and as listener [stream]. */
    /** Listener: a connection counts only when data came, or so late; 0: off [stream]. */
    STRATA_OPTION_DEFER_ACCEPT_NS,
    STRATA_OPTION_SYN_RETRIES,     /**< SYNs sent again until the end; 0: net.ipv4.tcp_syn_retries [stream]. */
    /** 1: full segments only, until it is taken away; what is less goes when nothing was acknowledged for a
     * retransmission timeout, a little more than 200 ms, all the same [stream]. */
    STRATA_OPTION_CORK,
    /** 1: segments are acknowledged at once from now on; 0: ACKs wait for data of ours, or for their time. Read:
     * whether they are quick now. Without it the host chooses, see strata.tcp_quick_acks [stream]. */
    STRATA_OPTION_QUICK_ACK,
    /** Writable only with less than half of so many bytes not sent even once, and no more is taken beyond it than makes
     * the last piece full; 0: net.ipv4.tcp_notsent_lowat [stream]. */
    STRATA_OPTION_UNSENT_LOW,
    STRATA_OPTION_SEND_LOW,    /**< Writable with room for so many bytes; 0: a third of the buffer [stream]. */
    STRATA_OPTION_RECEIVE_LOW, /**< Readable from so many bytes on, or when no more would come; 1 [stream]. */
    STRATA_OPTION_WINDOW_CLAMP, /**< The receive window is never larger; 0: no bound [stream]. */
    STRATA_OPTION_PACING_RATE, /**< Bytes a second at most; 0: no bound [stream]. */
    STRATA_OPTION_MIN_TTL,     /**< What arrives with less TTL is dropped (RFC 5082); 0: none is [stream]. */
    STRATA_OPTION_RECEIVED_TOS, /**< Only to be read: the traffic class of what came last [stream]. RFC 9293 MAY-9. */
    /** 1: set DF and refuse only what is larger than the port's MTU, whatever was heard of the path: for a program that
     * finds out by itself, by datagrams that its peer acknowledges (RFC 8899; QUIC). Messages of routers come by
     * strata_receive_error [datagram]. */
    STRATA_OPTION_PATH_MTU_PROBE,
    /** How long the peer may take nothing of what waits for it; then the connection is reset and ends with -ETIMEDOUT,
     * not later than a quarter after. A closed window is no excuse. For servers that may meet peers which are slow on
     * purpose; 0: off [stream]. */
    STRATA_OPTION_SEND_STALL_NS,
    STRATA_OPTION_RECEIVE_STALL_NS, /**< Likewise, how long it may send nothing new though it could [stream]. */
    STRATA_OPTION_SEND_RATE,        /**< Likewise, octets a second that it must take in any 10 s [stream]. */
    /** Likewise, octets a second that it must send in any 10 s; set it while a request is due only, or idle connections
     * end [stream]. */
    STRATA_OPTION_RECEIVE_RATE,
    /** The user timeout that is told to the peer, who may tell its own; STRATA_OPTION_USER_TIMEOUT_NS follows both
     * unless it is set. 0: neither told nor heard (RFC 5482) [stream]. */
    STRATA_OPTION_ADVERTISED_TIMEOUT_NS,
    /** 1: datagrams over IPv4 carry no checksum, so that the program hears of damage by itself; those over IPv6 always
     * do [datagram]. RFC 768. */
    STRATA_OPTION_NO_CHECKSUM,
};
STRATA_API int strata_set_option(struct strata_host *host, strata_socket socket, enum strata_option option,
                                 int64_t value, strata_time now);
/** Listener: keys of its own for Fast Open cookies, 16 octets each; the first makes cookies, all of them (at most two)
 * are good. 0 keys: the host's. @return 0, -EINVAL, -EBADF, -ENOPROTOOPT. */
STRATA_API int strata_set_fast_open_keys(struct strata_host *host, strata_socket socket, const uint8_t *keys,
                                         unsigned count);
STRATA_API int strata_get_option(struct strata_host *host, strata_socket socket, enum strata_option option,
                                 int64_t *value);
/** Joins or leaves a multicast group at a port (0: by route). @return 0, -EADDRINUSE, -EADDRNOTAVAIL. */
STRATA_API int strata_join(struct strata_host *host, strata_socket socket, const struct strata_address *group,
                           int port, strata_time now);
STRATA_API int strata_leave(struct strata_host *host, strata_socket socket, const struct strata_address *group,
                            int port, strata_time now);

STRATA_API int strata_local(struct strata_host *host, strata_socket socket, struct strata_endpoint *local);
STRATA_API int strata_peer(struct strata_host *host, strata_socket socket, struct strata_endpoint *peer);
/** The pending error, positive errno, and clears it; 0: none. Negative: -EBADF. */
STRATA_API int strata_take_error(struct strata_host *host, strata_socket socket);
/** Which of STRATA_READABLE ... hold now, or -EBADF. */
STRATA_API int strata_readiness(struct strata_host *host, strata_socket socket);
/** A pointer of the program's own, handed back with events. */
STRATA_API int strata_set_user(struct strata_host *host, strata_socket socket, void *user);

/** Something became ready since it was last reported. */
struct strata_event {
    strata_socket socket;
    void *user;
    uint32_t ready; /**< What became ready: STRATA_READABLE ... */
};
/** Takes the oldest event. @return 1, or 0: none. A socket is in the queue at most once. */
STRATA_API int strata_event_next(struct strata_host *host, struct strata_event *event);

/**
 * Connections as a gateway wants them: a listener with STRATA_OPTION_FILTER holds each SYN back and is
 * READABLE; strata_pending shows the oldest, strata_decide answers it.
 */
struct strata_syn {
    size_t size;
    uint64_t id;                  /**< For strata_decide. */
    struct strata_endpoint local; /**< The address and port the SYN was sent to. */
    struct strata_endpoint peer;
    int port;                     /**< Where it arrived. */
};
enum strata_decision { STRATA_ACCEPT, STRATA_REFUSE /* with RST */, STRATA_IGNORE /* in silence */ };
STRATA_API int strata_pending(struct strata_host *host, strata_socket listener, struct strata_syn *syn);
STRATA_API int strata_decide(struct strata_host *host, strata_socket listener, uint64_t id,
                             enum strata_decision decision, strata_time now);

/**
 * Connects and writes at once: where a Fast Open cookie is known the data goes out with the SYN (RFC 7413). It may
 * reach the server twice then (RFC 7413 2.1). @return octets taken, which is less than a segment; -EINPROGRESS: none,
 * the connection is being opened as by strata_connect (and asks for a cookie); otherwise as strata_connect, or
 * strata_write when connected; -EOPNOTSUPP: net.ipv4.tcp_fastopen does not allow it.
 */
STRATA_API int64_t strata_connect_write(struct strata_host *host, strata_socket socket,
                                        const struct strata_endpoint *peer, const void *data, size_t size,
                                        strata_time now);
/** Sends urgent data: like write, and the urgent pointer marks the end of it (RFC 9293 3.8.5). */
STRATA_API int64_t strata_write_urgent(struct strata_host *host, strata_socket socket, const void *data,
                                       size_t size, strata_time now);
/** Bytes from the next one to be read to the end of urgent data; 0: none pends. RFC 9293 MUST-33. The last urgent octet
 * is the mark: with 1, reading stands at it (what SIOCATMARK asks). */
STRATA_API int64_t strata_urgent_mark(struct strata_host *host, strata_socket socket);

/**
 * Reads the last urgent octet where it is apart from the stream (STRATA_OPTION_URGENT_INLINE 0), as MSG_OOB does;
 * once, unless `peek`. It can be read before what precedes it, and no more once strata_read has passed it. There is
 * one: where more urgent data comes before it was passed, it is data like any other again. @return 1; -EAGAIN: it is
 * announced, but has not come; 0: nor will it; -EINVAL: there is none, or it was read.
 */
STRATA_API int strata_read_urgent(struct strata_host *host, strata_socket socket, void *octet, int peek,
                                  strata_time now);

/** States of a TCP connection (RFC 9293 3.3.2). */
enum strata_tcp_state {
    STRATA_TCP_CLOSED, STRATA_TCP_LISTEN, STRATA_TCP_SYN_SENT, STRATA_TCP_SYN_RECEIVED, STRATA_TCP_ESTABLISHED,
    STRATA_TCP_FIN_WAIT_1, STRATA_TCP_FIN_WAIT_2, STRATA_TCP_CLOSE_WAIT, STRATA_TCP_CLOSING,
    STRATA_TCP_LAST_ACK, STRATA_TCP_TIME_WAIT,
};
/** "ESTABLISHED" and so on. */
STRATA_API const char *strata_tcp_state_name(enum strata_tcp_state state);

/** What a connection knows of itself. Times in nanoseconds, sizes in bytes. */
struct strata_tcp_info {
    size_t size;
    enum strata_tcp_state state;
    uint32_t mss_send, mss_receive;
    uint32_t cwnd, ssthresh, flight;
    uint32_t send_window, receive_window;
    uint8_t send_scale, receive_scale;
    bool timestamps, sack, ecn;
    uint8_t recovery;  /**< 0: open, 1: disorder, 2: recovery, 3: loss (after a timeout),
                            4: the window comes down because of an ECN mark, nothing is lost. */
    strata_time srtt_ns, rttvar_ns, min_rtt_ns, rto_ns;
    uint32_t backoff;  /**< Consecutive timeouts. */
    uint64_t bytes_sent, bytes_acked, bytes_received, bytes_retransmitted;
    uint64_t segments_sent, segments_received, segments_retransmitted, timeouts, fast_retransmits;
    uint64_t delivered; /**< Segments known to have arrived. */
    uint32_t send_queue, receive_queue; /**< Bytes in the rings. */
    uint32_t out_of_order_bytes;
    const char *congestion;
    bool syn_data; /**< Data went with the SYN, ours or the peer's, and was taken (RFC 7413). */
    uint32_t sacked_bytes; /**< Of what is in flight: acknowledged selectively. */
    uint32_t lost_bytes;   /**< Believed to be lost, sent again meanwhile or not. */
    uint32_t resent_bytes; /**< Sent again and not known to have arrived. */
    uint32_t reordering;   /**< By how many segments the path lets one be overtaken: 3 until more was seen. */
    bool scaling;  /**< Windows are scaled (RFC 7323). */
    bool ecn_seen; /**< The peer has sent ECN-capable segments. */
    bool app_limited; /**< The program was the bound when delivery_rate was measured. */
    uint32_t timeouts_in_row;  /**< Timeouts since the peer last acknowledged something new. */
    uint32_t probes;           /**< Window or keep-alive probes that nobody has answered. */
    /** Segments sent and not acknowledged; of these: SACKed, believed to be lost, sent again. */
    uint32_t unacked, sacked, lost, retransmitted;
    uint32_t unsent;           /**< Bytes written and not sent even once. */
    uint32_t path_mtu, mss_advertised;
    uint32_t receive_buffer;   /**< Bytes of the receive buffer as it has tuned itself. */
    uint32_t receive_space;    /**< Bytes the program read in the best round trip. */
    strata_time receive_rtt_ns; /**< The round trip as the receiver sees it. */
    strata_time ack_delay_ns;  /**< How long an ACK waits at most; 0: no data has come. */
    /** Before the time of the host's last call; where nothing was sent or came, since it was established. */
    strata_time data_sent_ago_ns, data_received_ago_ns, received_ago_ns;
    uint64_t pacing_rate, pacing_rate_most; /**< Bytes a second; UINT64_MAX: no bound. */
    uint64_t delivery_rate;    /**< Bytes a second that arrived of late; 0: not known. */
    uint64_t data_segments_sent, data_segments_received; /**< Modulo 2^32, as are the counts of all segments. */
    /** How long there was something to send; how long of that the peer's window, the send buffer was the bound. */
    strata_time busy_ns, window_limited_ns, buffer_limited_ns;
    uint64_t delivered_ce;     /**< Of delivered, what ACKs with ECE told of. */
    uint64_t duplicates;       /**< Segments that the peer says to have got twice. */
    uint64_t reorderings;      /**< How often the path was seen to reorder. */
    uint64_t out_of_order_segments; /**< Received ahead of their turn. */
    uint64_t timeout_runs;     /**< Timeouts, those in a row counted once. */
    strata_time timeout_ns;    /**< How long those lasted until something was acknowledged. */
};
STRATA_API int strata_tcp_info(struct strata_host *host, strata_socket socket, struct strata_tcp_info *info);

/** The same in the layout of Linux's struct tcp_info, for programs that know that one; see tcp(7). Counts are in
 * segments, times in microseconds unless the name says milliseconds, as there. */
struct strata_linux_tcp_info {
    uint8_t state, ca_state, retransmits, probes, backoff, options;
    uint8_t scales; /**< Ours in the upper half, the peer's in the lower. */
    uint8_t limits; /**< Bit 0: the program limited delivery_rate. */
    uint32_t rto, ato, snd_mss, rcv_mss;
    uint32_t unacked, sacked, lost, retrans, fackets;
    uint32_t last_data_sent_ms, last_ack_sent_ms, last_data_recv_ms, last_ack_recv_ms;
    uint32_t pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering;
    uint32_t rcv_rtt, rcv_space, total_retrans;
    uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
    uint32_t segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out;
    uint64_t delivery_rate, busy_time, rwnd_limited, sndbuf_limited;
    uint32_t delivered, delivered_ce;
    uint64_t bytes_sent, bytes_retrans;
    uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd, rehash;
    uint16_t total_rto, total_rto_recoveries;
    uint32_t total_rto_time_ms;
};
/** Fills in as much of `info` as `size` bytes hold. @return how many that were, or a negative errno. */
STRATA_API int strata_linux_tcp_info(struct strata_host *host, strata_socket socket, void *info, size_t size);
/** Linux's TCP_CC_INFO: what the algorithm knows, as 32-bit words. vegas: enabled, samples of this round, least
 * round-trip time of all and of this round in microseconds. bbr: bandwidth in octets a second (low and high word),
 * least round-trip time in microseconds, gains of pacing and of the window in 256ths. Others have nothing to tell.
 * @return how many octets `info` got, or a negative errno. */
STRATA_API int strata_linux_tcp_cc_info(struct strata_host *host, strata_socket socket, void *info, size_t size);
/** Names of the congestion control algorithms: "cubic", "newreno", "reno", "tahoe", "vegas", "bbr"; NULL after the
 * last. The setting strata.tcp_congestion chooses for new sockets. */
STRATA_API const char *strata_congestion_name(unsigned index);
/** Chooses one by its name. @return 0, -ENOENT (no such name), -EBADF, -ENOPROTOOPT (no stream). */
STRATA_API int strata_set_congestion(struct strata_host *host, strata_socket socket, const char *name, strata_time now);
/** The name of a stream's; NULL: no such stream. */
STRATA_API const char *strata_get_congestion(struct strata_host *host, strata_socket socket);

/* ---- Counters ------------------------------------------------------------------------------------ */

/** Every reason for a drop and every other count has a name; src/base/counters.def lists and explains them. */
STRATA_API unsigned strata_counters(void);
/** "ipv4_drop_checksum" ...; NULL when out of range. */
STRATA_API const char *strata_counter_name(unsigned counter);
/** A sentence that explains it. */
STRATA_API const char *strata_counter_help(unsigned counter);
STRATA_API uint64_t strata_counter(const struct strata_host *host, unsigned counter);

/** What the host holds of memory, in bytes. */
struct strata_memory {
    size_t size;
    size_t budget_bytes, used_bytes, peak_bytes;
    size_t pages;       /**< Of 4096 bytes, in rings and queues. */
    unsigned sockets, connections, half_open, time_wait, reassemblies, neighbours;
};
STRATA_API int strata_memory(const struct strata_host *host, struct strata_memory *memory);

/* ---- Trace: one hook, one record format ------------------------------------------------------------ */

/** Kinds of trace records, and what `value` holds. Numbers never change meaning; new ones are appended. */
enum strata_trace_kind {
    STRATA_TRACE_FRAME_IN = 1,  /**< frame, length. */
    STRATA_TRACE_FRAME_OUT,     /**< frame, length. */
    STRATA_TRACE_DROP,          /**< value[0] = counter; frame and length where there is one. */
    STRATA_TRACE_TCP_STATE,     /**< value[0] = from, value[1] = to (enum strata_tcp_state). */
    /** value: seq, ack, flags, window, payload length, 1 if retransmitted; seq relative to ISN in [6]. */
    STRATA_TRACE_TCP_SEND,
    STRATA_TRACE_TCP_RECEIVE,   /**< as TCP_SEND without the retransmission mark. */
    STRATA_TRACE_TCP_CWND,      /**< value: cwnd, ssthresh, flight, recovery state. */
    STRATA_TRACE_TCP_RTT,       /**< value: sample_ns, srtt_ns, rttvar_ns, rto_ns. */
    /** value[0] = which (1 retransmission, 2 persist, 3 delayed ACK, 4 keep-alive, 5 TIME-WAIT, 6 user timeout),
     * value[1] = count. */
    STRATA_TRACE_TCP_TIMER,
    /** remote.address; value[0] = new state (0 gone, 1 incomplete, 2 reachable, 3 stale, 4 failed). */
    STRATA_TRACE_NEIGHBOUR,
    STRATA_TRACE_ADDRESS,       /**< local.address; value[0] = 1 added, 0 removed; value[1] = prefix length. */
    STRATA_TRACE_ROUTE,         /**< remote.address = destination; value: 1 added or 0 removed, prefix length. */
    STRATA_TRACE_PORT,          /**< value[0] = 1 up, 0 down. */
    STRATA_TRACE_SOCKET,        /**< value[0] = 1 opened, 0 closed; value[1] = type. */
    STRATA_TRACE_NOTE,          /**< text: whatever a program says. */
};
/** One thing that happened. Valid only during the call. */
struct strata_trace_record {
    strata_time time;
    uint16_t kind; /**< enum strata_trace_kind */
    int16_t port;  /**< -1: none. */
    uint32_t length;
    const uint8_t *frame;
    strata_socket socket; /**< 0: none. */
    struct strata_endpoint local, remote;
    int64_t value[8];
    const char *text;
};
/** Lets a program put a note into its host's trace. */
STRATA_API void strata_trace_note(struct strata_host *host, const char *text, strata_time now);
/** One line, without a newline, that says what a frame carries: "10.0.0.1:42000 > 10.0.0.2:80 TCP SYN seq=..".
 * @return its length, cut to size. */
STRATA_API size_t strata_frame_print(enum strata_link link, const void *frame, size_t length, char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
