/*
 * lwIP as Debian ships it, under the same load as ours. Run by the benchmarks, not by hand.
 *
 * bulk      one connection over lwIP's loopback (a packet to an interface's own address), raw API, everything
 * in lwIP's own thread: one core, one copy into the send queue, one over the loopback, verified in place.
 * sockets   the same through the socket API: a writing and a reading thread beside lwIP's own, one copy more.
 * pairs     64 bytes there and back over the same loopback, raw API.
 * tap_in    the kernel sends over a TAP; a driver of ours in one thread, which reads many frames per wake-up
 * and calls lwIP under its core lock, so that no frame waits for another thread. tap_out   the same, lwIP
 * sends. tapif_out   the same over the driver that lwIP brings along, with its reading thread and its
 * mailbox. There is no tapif_in: that driver takes its buffers from the packet pool, whose elements are 616
 * bytes in Debian's build (2.1.3+dfsg1-2; glibc's TCP_MSS of 512 hides lwIP's own), and full frames overrun
 * them. For the same reason our driver takes its buffers from the heap.
 *
 * build: needs lwip
 */
#include "support.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lwip/init.h>
#include <lwip/ip.h>
#include <lwip/netif.h>
#include <lwip/sockets.h>
#include <lwip/tcp.h>
#include <lwip/tcpip.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>
#include <netif/etharp.h>
#include <netif/tapif.h>

/** Until the windows are open and the caches warm. */
#define WARM_NS 200000000
#define PAIR_BYTES 64u
#define FRAME_BYTES 1514u
#define READ_BATCH 64

static _Atomic uint64_t done; /**< Bytes, or pairs. */

/* ---- sending and receiving with the raw API ---- */

struct stream {
    size_t at;   /**< Position in the message. */
    size_t part; /**< Bytes of a pair that came so far. */
};
static struct stream sending, receiving;
static bool count_sent;
static unsigned segment_bytes; /**< What lwIP puts into a segment to its peer. */

static void fill(struct tcp_pcb *pcb)
{
    for (;;) {
        size_t size = BENCH_MESSAGE_BYTES - sending.at;
        if (size > tcp_sndbuf(pcb))
            size = tcp_sndbuf(pcb);
        if (size == 0 ||
            tcp_write(pcb, bench_message() + sending.at, (u16_t)size, TCP_WRITE_FLAG_COPY) != ERR_OK)
            break;
        sending.at = (sending.at + size) % BENCH_MESSAGE_BYTES;
    }
    tcp_output(pcb);
}

static err_t on_sent(void *argument, struct tcp_pcb *pcb, u16_t length)
{
    (void)argument;
    if (count_sent)
        atomic_fetch_add_explicit(&done, length, memory_order_relaxed);
    fill(pcb);
    return ERR_OK;
}

static err_t on_bulk(void *argument, struct tcp_pcb *pcb, struct pbuf *data, err_t error)
{
    (void)argument;
    (void)error;
    if (!data)
        bench_fail("lwIP closed the connection");
    for (struct pbuf *piece = data; piece; piece = piece->next)
        bench_verify(piece->payload, piece->len, &receiving.at);
    atomic_fetch_add_explicit(&done, data->tot_len, memory_order_relaxed);
    tcp_recved(pcb, data->tot_len);
    pbuf_free(data);
    return ERR_OK;
}

/** Both ends of a pair: gather 64 bytes, send 64 bytes. `argument` is not NULL at the asking end. */
static err_t on_pair(void *argument, struct tcp_pcb *pcb, struct pbuf *data, err_t error)
{
    struct stream *stream = argument ? &sending : &receiving;
    (void)error;
    if (!data)
        bench_fail("lwIP closed the connection");
    uint8_t bytes[PAIR_BYTES];
    size_t size = pbuf_copy_partial(data, bytes, PAIR_BYTES, 0);
    if (memcmp(bytes, bench_message(), size) != 0)
        bench_fail("what arrived is not what was sent");
    stream->part += data->tot_len;
    tcp_recved(pcb, data->tot_len);
    pbuf_free(data);
    if (stream->part < PAIR_BYTES)
        return ERR_OK;
    stream->part = 0;
    if (argument)
        atomic_fetch_add_explicit(&done, 1, memory_order_relaxed);
    tcp_write(pcb, bench_message(), PAIR_BYTES, TCP_WRITE_FLAG_COPY);
    tcp_output(pcb);
    return ERR_OK;
}

static void on_error(void *argument, err_t error)
{
    (void)argument;
    bench_fail("lwIP's connection died: %d", error);
}

static err_t on_accept_bulk(void *argument, struct tcp_pcb *pcb, err_t error)
{
    (void)argument;
    segment_bytes = tcp_mss(pcb);
    tcp_recv(pcb, on_bulk);
    tcp_err(pcb, on_error);
    return error;
}

static err_t on_accept_pair(void *argument, struct tcp_pcb *pcb, err_t error)
{
    (void)argument;
    tcp_arg(pcb, NULL);
    tcp_nagle_disable(pcb);
    tcp_recv(pcb, on_pair);
    tcp_err(pcb, on_error);
    return error;
}

static err_t on_connected_bulk(void *argument, struct tcp_pcb *pcb, err_t error)
{
    (void)argument;
    segment_bytes = tcp_mss(pcb);
    tcp_sent(pcb, on_sent);
    fill(pcb);
    return error;
}

static err_t on_connected_pair(void *argument, struct tcp_pcb *pcb, err_t error)
{
    (void)argument;
    tcp_nagle_disable(pcb);
    tcp_recv(pcb, on_pair);
    tcp_write(pcb, bench_message(), PAIR_BYTES, TCP_WRITE_FLAG_COPY);
    tcp_output(pcb);
    return error;
}

static void raw_listen(tcp_accept_fn accepted)
{
    struct tcp_pcb *pcb = tcp_new();
    if (tcp_bind(pcb, IP_ANY_TYPE, BENCH_PORT) != ERR_OK)
        bench_fail("lwIP does not bind");
    tcp_accept(tcp_listen(pcb), accepted);
}

static void raw_connect(const char *address, tcp_connected_fn connected)
{
    ip_addr_t peer;
    ipaddr_aton(address, &peer);
    struct tcp_pcb *pcb = tcp_new();
    tcp_arg(pcb, &sending);
    tcp_err(pcb, on_error);
    if (tcp_connect(pcb, &peer, BENCH_PORT, connected) != ERR_OK)
        bench_fail("lwIP does not connect");
}

/* ---- the socket API, two threads ---- */

static void fill_address(struct sockaddr_in *address)
{
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = lwip_htons(BENCH_PORT)};
    ip4_addr_t ip;
    ip4addr_aton(BENCH_STACK_ADDRESS, &ip);
    address->sin_addr.s_addr = ip.addr;
}

static void *socket_reader(void *argument)
{
    static uint8_t data[BENCH_MESSAGE_BYTES];
    int connection = lwip_accept(*(int *)argument, NULL, NULL);
    size_t at = 0;
    for (;;) {
        ssize_t got = lwip_read(connection, data, sizeof data);
        if (got <= 0)
            bench_fail("lwIP's read: %zd", got);
        bench_verify(data, (size_t)got, &at);
        atomic_fetch_add_explicit(&done, (uint64_t)got, memory_order_relaxed);
    }
    return NULL;
}

static void *socket_writer(void *argument)
{
    for (;;)
        if (lwip_write(*(int *)argument, bench_message(), BENCH_MESSAGE_BYTES) !=
            (ssize_t)BENCH_MESSAGE_BYTES)
            bench_fail("lwIP's write");
    return NULL;
}

static void start_sockets(void)
{
    static int listener, writer;
    static pthread_t threads[2];
    struct sockaddr_in address;
    fill_address(&address);
    listener = lwip_socket(AF_INET, SOCK_STREAM, 0);
    writer = lwip_socket(AF_INET, SOCK_STREAM, 0);
    if (lwip_bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        lwip_listen(listener, 1) != 0)
        bench_fail("lwIP does not listen");
    pthread_create(&threads[0], NULL, socket_reader, &listener);
    if (lwip_connect(writer, (struct sockaddr *)&address, sizeof address) != 0)
        bench_fail("lwIP does not connect");
    pthread_create(&threads[1], NULL, socket_writer, &writer);
}

/* ---- interfaces ---- */

static struct netif netif;
static int tap_fd;

/** Nothing leaves the loopback's interface: what is sent goes to its own address. */
static err_t no_output(struct netif *interface, struct pbuf *packet)
{
    (void)interface;
    (void)packet;
    return ERR_IF;
}

static err_t loop_init(struct netif *interface)
{
    interface->mtu = 1500;
    interface->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
    interface->output = etharp_output;
    interface->linkoutput = no_output;
    return ERR_OK;
}

static err_t tap_output(struct netif *interface, struct pbuf *packet)
{
    (void)interface;
    uint8_t frame[FRAME_BYTES];
    const void *bytes = packet->payload;
    if (packet->next) {
        pbuf_copy_partial(packet, frame, sizeof frame, 0);
        bytes = frame;
    }
    return write(tap_fd, bytes, packet->tot_len) < 0 ? ERR_IF : ERR_OK;
}

static err_t tap_init(struct netif *interface)
{
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 2};
    interface->mtu = 1500;
    interface->hwaddr_len = sizeof mac;
    memcpy(interface->hwaddr, mac, sizeof mac);
    interface->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
    interface->output = etharp_output;
    interface->linkoutput = tap_output;
    return ERR_OK;
}

static void *tap_thread(void *argument)
{
    (void)argument;
    uint8_t frame[FRAME_BYTES];
    struct pollfd wait = {.fd = tap_fd, .events = POLLIN};
    for (;;) {
        poll(&wait, 1, -1);
        LOCK_TCPIP_CORE();
        for (int i = 0; i < READ_BATCH; i++) {
            ssize_t length = read(tap_fd, frame, sizeof frame);
            if (length <= 0)
                break;
            struct pbuf *packet = pbuf_alloc(PBUF_RAW, (u16_t)length, PBUF_RAM);
            if (!packet)
                break;
            pbuf_take(packet, frame, (u16_t)length);
            if (netif.input(packet, &netif) != ERR_OK)
                pbuf_free(packet);
        }
        UNLOCK_TCPIP_CORE();
    }
    return NULL;
}

static void add_interface(netif_init_fn init, netif_input_fn input)
{
    ip4_addr_t address, mask, gateway = {0};
    ip4addr_aton(BENCH_STACK_ADDRESS, &address);
    ip4addr_aton("255.255.255.0", &mask);
    LOCK_TCPIP_CORE();
    if (!netif_add(&netif, &address, &mask, &gateway, NULL, init, input))
        bench_fail("lwIP does not take the interface");
    netif_set_default(&netif);
    netif_set_link_up(&netif);
    netif_set_up(&netif);
    UNLOCK_TCPIP_CORE();
}

/* ---- modes ---- */

static void start_tap(const char *mode)
{
    bool own = strncmp(mode, "tap_", 4) == 0;
    bool in = strstr(mode, "_in") != NULL;
    if (own) {
        static pthread_t thread;
        tap_fd = bench_open_tap();
        add_interface(tap_init, ethernet_input);
        pthread_create(&thread, NULL, tap_thread, NULL);
    } else {
        setenv("PRECONFIGURED_TAPIF", BENCH_TAP_NAME, 1);
        add_interface(tapif_init, tcpip_input);
    }
    bench_configure_tap();
    count_sent = !in;
    if (in) {
        LOCK_TCPIP_CORE();
        raw_listen(on_accept_bulk);
        UNLOCK_TCPIP_CORE();
        bench_start_kernel(BENCH_KERNEL_SENDS, BENCH_PORT);
    } else {
        bench_start_kernel(BENCH_KERNEL_RECEIVES, BENCH_PORT);
        LOCK_TCPIP_CORE();
        raw_connect(BENCH_KERNEL_ADDRESS, on_connected_bulk);
        UNLOCK_TCPIP_CORE();
    }
}

static void start_loop(const char *mode)
{
    bool pairs = strcmp(mode, "pairs") == 0;
    add_interface(loop_init, tcpip_input);
    if (strcmp(mode, "sockets") == 0) {
        start_sockets();
        return;
    }
    LOCK_TCPIP_CORE();
    raw_listen(pairs ? on_accept_pair : on_accept_bulk);
    raw_connect(BENCH_STACK_ADDRESS, pairs ? on_connected_pair : on_connected_bulk);
    UNLOCK_TCPIP_CORE();
}

static void wait_ns(int64_t ns)
{
    int64_t end = bench_now_ns() + ns;
    for (int64_t left = ns; left > 0; left = end - bench_now_ns())
        usleep((useconds_t)(left / 1000 + 1));
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "bulk";
    double seconds = argc > 2 ? strtod(argv[2], NULL) : 1;
    bool tap = strncmp(mode, "tap", 3) == 0;
    bench_message();
    if (tap)
        bench_enter_namespace();
    tcpip_init(NULL, NULL);
    if (tap)
        start_tap(mode);
    else
        start_loop(mode);
    wait_ns(WARM_NS);
    // Over the loopback one thread does everything, and is measured as ours is: by its processor time.
    bool one_thread = strcmp(mode, "bulk") == 0 || strcmp(mode, "pairs") == 0;
    uint64_t before = atomic_load(&done);
    int64_t began = one_thread ? bench_cpu_ns() : bench_now_ns();
    wait_ns((int64_t)(seconds * 1e9));
    uint64_t count = atomic_load(&done) - before;
    int64_t took = (one_thread ? bench_cpu_ns() : bench_now_ns()) - began;
    if (count == 0)
        bench_fail("lwIP moved nothing");
    double rate = (double)count * 1e9 / (double)took;
    printf("value: %.6g\n", strcmp(mode, "pairs") == 0 ? rate : rate * 8 / 1e9);
    printf("name: lwIP %s (%s)\n", LWIP_VERSION_STRING, mode);
    printf("options: TCP_WND %u, TCP_SND_BUF %u, segments of %u bytes, window scaling %d, timestamps %d, "
           "SACK %d, "
           "checksum on copy %d%s%s\n",
           (unsigned)TCP_WND, (unsigned)TCP_SND_BUF, segment_bytes, LWIP_WND_SCALE, LWIP_TCP_TIMESTAMPS,
           LWIP_TCP_SACK_OUT, LWIP_CHECKSUM_ON_COPY, tap ? ", kernel's sockets: " : "",
           tap ? bench_congestion() : "");
    fflush(stdout);
    _exit(0);
}
