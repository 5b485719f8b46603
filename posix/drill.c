/**
 * The world around one host: a clock, a wire of IP packets, descriptors, and calls that wait.
 */
#include "posix/drill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MTU_DEFAULT 1500
/** IPv4's and TCP's, without options. */
#define MERGED_HEADERS 40
/** So much that buffers may be as large as scripts like. */
#define MEMORY_BYTES (SIZE_MAX / 2 < ((uint64_t)8 << 30) ? SIZE_MAX / 2 : (size_t)((uint64_t)8 << 30))
/** The clock's first reading: an afternoon in 2023. */
#define TIME_BEGINS (1700000000 * STRATA_SECOND)
/** Nobody waits longer for a packet than this: whatever still fires then will fire for ever. */
#define PATIENCE (24 * 3600 * STRATA_SECOND)

/** All there are, so that a descriptor leads to its host: getsockopt is called without saying which one. */
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct drill *all;

/** When the call that this thread slept in was finished; 0: it has looked at the clock since. */
static __thread strata_time woken_at;

/* ---- Birth and death --------------------------------------------------------------------------------------- */

/** What --so_flags said. */
struct flags {
    const struct sysctl_row *profile;
    struct strata_address local[4];
    unsigned locals;
    uint32_t mtu_bytes;
    uint16_t merged_bytes;
};

static int take_flag(struct flags *flags, char *flag)
{
    char *value = strchr(flag, '=');
    struct strata_address remote;
    if (!value)
        return -EINVAL;
    *value++ = '\0';
    if (strcmp(flag, "profile") == 0)
        return (flags->profile = sysctl_profile(value)) ? 0 : -EINVAL;
    if (strcmp(flag, "local") == 0)
        return flags->locals < 4 ? strata_address_parse(value, &flags->local[flags->locals++]) : -EINVAL;
    if (strcmp(flag, "remote") == 0) // the default route leads to it and to everybody else
        return strata_address_parse(value, &remote);
    bool merged = strcmp(flag, "merged") == 0;
    if (!merged && strcmp(flag, "mtu") != 0)
        return -EINVAL;
    char *end;
    unsigned long bytes = strtoul(value, &end, 10);
    if (merged)
        flags->merged_bytes = (uint16_t)bytes;
    else
        flags->mtu_bytes = (uint32_t)bytes;
    return *value && !*end && bytes >= (merged ? 1 : 68) && bytes <= DRILL_PACKET_BYTES ? 0 : -EINVAL;
}

static int read_flags(const char *text, struct flags *flags)
{
    char copy[512], *rest = copy, *flag;
    *flags = (struct flags){.mtu_bytes = MTU_DEFAULT};
    if (!text || strlen(text) >= sizeof copy)
        return -EINVAL;
    memcpy(copy, text, strlen(text) + 1);
    while ((flag = strsep(&rest, ","))) {
        if (*flag && take_flag(flags, flag) != 0) {
            fprintf(stderr, "strata: flag not understood: %s\n", flag);
            return -EINVAL;
        }
    }
    return flags->profile ? 0 : -EINVAL;
}

static int add_address(struct drill *drill, const struct strata_address *address)
{
    unsigned prefix_length = strata_address_is_ipv4(address) ? 32 : 128;
    return strata_address_add(drill->host, drill->port, address, prefix_length, drill->now);
}

/** The port is the whole network: everybody is reached over it, without a gateway. */
static int make_port(struct drill *drill, const struct flags *flags)
{
    struct strata_port_config config = {
        .size = sizeof config, .name = "drill0", .link = STRATA_LINK_IP, .mtu_bytes = flags->mtu_bytes};
    drill->mtu_bytes = flags->mtu_bytes;
    drill->merged_bytes = flags->merged_bytes;
    if (!flags->merged_bytes)
        drill->merged_bytes = flags->mtu_bytes > MERGED_HEADERS ? (uint16_t)(flags->mtu_bytes - MERGED_HEADERS) : 1;
    drill->port = strata_port_add(drill->host, &config);
    if (drill->port < 0)
        return drill->port;
    struct strata_route route = {.destination = strata_ipv4(0, 0, 0, 0), .port = drill->port};
    int error = strata_route_add(drill->host, &route);
    if (!error && flags->mtu_bytes >= 1280) {
        route.destination = (struct strata_address){{0}};
        error = strata_route_add(drill->host, &route);
    }
    for (unsigned i = 0; !error && i < flags->locals; i++)
        error = add_address(drill, &flags->local[i]);
    drill->learns = flags->locals == 0;
    return error;
}

static int begin(struct drill *drill, const struct flags *flags)
{
    struct strata_config config = {.size = sizeof config, .seed = "the same packets every time", .name = "drill",
                                   .memory_bytes = MEMORY_BYTES};
    int error = strata_host_new(&drill->host, &config);
    if (error)
        return error;
    struct sysctl_target target = {drill->host, &drill->rules};
    for (const struct sysctl_row *row = flags->profile; row->name; row++) {
        error = sysctl_set(&target, row->name, row->value);
        if (error)
            fprintf(stderr, "strata: profile: %s=%s: %s\n", row->name, row->value, strerror(-error));
    }
    return make_port(drill, flags);
}

struct drill *drill_new(const char *text)
{
    struct flags flags;
    if (read_flags(text, &flags) != 0) {
        fprintf(stderr, "strata: flags are profile=linux|freebsd[,local=ADDRESS][,remote=ADDRESS][,mtu=BYTES]"
                        "[,merged=BYTES]\n");
        return NULL;
    }
    struct drill *drill = calloc(1, sizeof *drill);
    if (!drill)
        return NULL;
    pthread_mutex_init(&drill->lock, NULL);
    drill->now = TIME_BEGINS;
    drill->driver = pthread_self();
    drill->last = &drill->first;
    drill->settings.path = getenv("STRATA_SYSCTL_FILE");
    int error = begin(drill, &flags);
    if (error) {
        fprintf(stderr, "strata: no host: %s\n", strerror(-error));
        strata_host_free(drill->host);
        free(drill);
        return NULL;
    }
    pthread_mutex_lock(&all_lock);
    drill->next = all;
    all = drill;
    pthread_mutex_unlock(&all_lock);
    return drill;
}

void drill_free(struct drill *drill)
{
    pthread_mutex_lock(&all_lock);
    for (struct drill **at = &all; *at; at = &(*at)->next) {
        if (*at == drill) {
            *at = drill->next;
            break;
        }
    }
    pthread_mutex_unlock(&all_lock);
    // The program has closed the descriptors behind our back, and their numbers may be somebody else's by now.
    for (int fd = 0; fd < DRILL_DESCRIPTORS; fd++) {
        free(drill->sockets[fd]);
        free(drill->epolls[fd]);
    }
    while (drill->first) {
        struct drill_packet *packet = drill->first;
        drill->first = packet->next;
        free(packet);
    }
    strata_host_free(drill->host);
    pthread_mutex_destroy(&drill->lock);
    free(drill);
}

struct drill *drill_find(int fd)
{
    struct drill *found = NULL;
    pthread_mutex_lock(&all_lock);
    for (struct drill *drill = all; drill && !found; drill = drill->next) {
        pthread_mutex_lock(&drill->lock);
        if (drill_socket(drill, fd))
            found = drill;
        pthread_mutex_unlock(&drill->lock);
    }
    pthread_mutex_unlock(&all_lock);
    return found;
}

/* ---- Descriptors --------------------------------------------------------------------------------------------- */

struct posix_socket *drill_socket(struct drill *drill, int fd)
{
    return fd >= 0 && fd < DRILL_DESCRIPTORS ? drill->sockets[fd] : NULL;
}

struct posix_epoll *drill_epoll(struct drill *drill, int fd)
{
    return fd >= 0 && fd < DRILL_DESCRIPTORS ? drill->epolls[fd] : NULL;
}

/** A real descriptor, so that nobody else gets the number and close() finds something. */
static int open_descriptor(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < DRILL_DESCRIPTORS)
        return fd < 0 ? -errno : fd;
    close(fd);
    return -EMFILE;
}

int drill_add(struct drill *drill, const struct posix_socket *socket)
{
    struct posix_socket *kept = malloc(sizeof *kept);
    int fd = kept ? open_descriptor() : -ENOMEM;
    if (fd < 0) {
        free(kept);
        return fd;
    }
    *kept = *socket;
    drill->sockets[fd] = kept;
    return fd;
}

int drill_add_epoll(struct drill *drill)
{
    struct posix_epoll *epoll = calloc(1, sizeof *epoll);
    int fd = epoll ? open_descriptor() : -ENOMEM;
    if (fd < 0)
        free(epoll);
    else
        drill->epolls[fd] = epoll;
    return fd;
}

void drill_remove(struct drill *drill, int fd)
{
    for (int i = 0; i < DRILL_DESCRIPTORS; i++)
        if (drill->epolls[i])
            epoll_forget(drill->epolls[i], fd);
    free(drill->sockets[fd]);
    free(drill->epolls[fd]);
    drill->sockets[fd] = NULL;
    drill->epolls[fd] = NULL;
    close(fd);
}

/* ---- The wire -------------------------------------------------------------------------------------------------- */

void drill_learn(struct drill *drill, const struct strata_address *address)
{
    static const struct strata_address none;
    struct strata_address any = strata_ipv4(0, 0, 0, 0);
    if (drill->learns && memcmp(address, &none, sizeof none) != 0 && memcmp(address, &any, sizeof any) != 0)
        (void)add_address(drill, address);
}

/** Where a packet goes to, as far as that can be said of anything that may come. */
static bool destination_of(const uint8_t *bytes, size_t length, struct strata_address *address)
{
    if (length >= 20 && bytes[0] >> 4 == 4) {
        *address = strata_ipv4(bytes[16], bytes[17], bytes[18], bytes[19]);
        return bytes[16] < 224;
    }
    if (length < 40 || bytes[0] >> 4 != 6)
        return false;
    memcpy(address->bytes, bytes + 24, 16);
    return address->bytes[0] != 0xff;
}

void drill_input(struct drill *drill, const void *packet, size_t length)
{
    struct strata_address to;
    if (drill->learns && destination_of(packet, length, &to))
        drill_learn(drill, &to);
    // What no link carries in one piece was put together by a driver on the way.
    struct strata_meta meta = {.segment_size_bytes = length > drill->mtu_bytes ? drill->merged_bytes : 0};
    strata_host_input(drill->host, drill->port, packet, length, &meta, drill->now);
}

/** Takes what the host has to say. */
static void fetch(struct drill *drill)
{
    int port;
    while ((port = strata_host_ready(drill->host)) >= 0) {
        size_t length = strata_host_output(drill->host, port, drill->room, sizeof drill->room, NULL, drill->now);
        if (length == 0)
            continue;
        struct drill_packet *packet = malloc(sizeof *packet + length);
        if (!packet)
            continue;
        packet->next = NULL;
        packet->sent_at = drill->now;
        packet->length = length;
        memcpy(packet->bytes, drill->room, length);
        *drill->last = packet;
        drill->last = &packet->next;
    }
}

/* ---- Calls that wait ------------------------------------------------------------------------------------------- */

static bool try_call(struct drill_call *call)
{
    call->result = call->attempt(call);
    if (call->result == -EAGAIN) {
        if (call->drill->now < call->deadline)
            return false;
        call->result = call->expired;
    }
    call->finished = true;
    call->finished_at = call->drill->now;
    return true;
}

/** Asks those that wait again, or only the eager ones. @return whether any is done. */
static bool ask_again(struct drill *drill, bool eager)
{
    bool moved = false;
    for (struct drill_call **at = &drill->waiting; *at;) {
        struct drill_call *call = *at;
        if ((eager && !call->eager) || !try_call(call)) {
            at = &call->next;
            continue;
        }
        *at = call->next;
        drill->woken = call->thread;
        pthread_cond_signal(&call->wake);
        moved = true;
    }
    return moved;
}

/** Until nothing moves any more: packets go out, and calls that wait are completed. Data that was waiting for the
 * connection goes with the ACK that completes it. */
static void settle(struct drill *drill)
{
    bool moved;
    do {
        moved = ask_again(drill, true);
        fetch(drill);
        moved |= ask_again(drill, false);
    } while (moved);
    for (int fd = 0; fd < DRILL_DESCRIPTORS; fd++)
        if (drill->epolls[fd])
            epoll_look(drill->epolls[fd]);
}

void drill_enter(struct drill *drill)
{
    pthread_mutex_lock(&drill->lock);
    struct sysctl_target target = {drill->host, &drill->rules};
    bool full = drill->rules.link_full;
    sysctl_follow(&drill->settings, &target);
    if (drill->rules.link_full != full)
        (void)strata_port_set_full(drill->host, drill->port, !full, drill->now);
}

void drill_leave(struct drill *drill)
{
    settle(drill);
    pthread_mutex_unlock(&drill->lock);
}

/** Whether a thread of ours sleeps, by the third field of its status. */
static bool is_asleep(pid_t thread)
{
    char path[64], text[256];
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)thread);
    FILE *file = fopen(path, "re");
    if (!file)
        return true;
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    const char *name = strrchr(text, ')');
    return !name || name[1] == '\0' || name[2] == 'S';
}

void drill_yield(struct drill *drill)
{
    pthread_mutex_lock(&drill->lock);
    pid_t thread = drill->woken;
    drill->woken = 0;
    pthread_mutex_unlock(&drill->lock);
    if (thread == 0 || thread == gettid())
        return;
    // It has to be seen asleep more than once: on the way it may wait for a lock that is held for a moment only.
    for (int asleep = 0, tries = 0; asleep < 3 && tries < 200; tries++) {
        usleep(100);
        asleep = is_asleep(thread) ? asleep + 1 : 0;
    }
}

/* ---- Time -------------------------------------------------------------------------------------------------------- */

/** When something happens by itself. */
static strata_time next_event(struct drill *drill)
{
    strata_time next = strata_host_deadline(drill->host);
    for (struct drill_call *call = drill->waiting; call; call = call->next)
        next = call->deadline < next ? call->deadline : next;
    return next;
}

/** Moves the clock to an instant up to which nothing happens, and lets what is due then happen. */
static void step(struct drill *drill, strata_time to)
{
    if (drill->now < to)
        drill->now = to;
    if (strata_host_deadline(drill->host) <= drill->now)
        strata_host_advance(drill->host, drill->now);
    settle(drill);
}

/** Takes a call off the list that nothing will ever complete. */
static void give_up(struct drill_call *call)
{
    for (struct drill_call **at = &call->drill->waiting; *at; at = &(*at)->next) {
        if (*at == call) {
            *at = call->next;
            break;
        }
    }
    call->result = -EDEADLK;
    call->finished = true;
}

/** The thread that drives the clock waits: nobody else will move it. */
static void drive(struct drill_call *call)
{
    struct drill *drill = call->drill;
    strata_time latest = drill->now + PATIENCE, next;
    while (!call->finished) {
        if ((next = next_event(drill)) < latest)
            step(drill, next);
        else
            give_up(call);
    }
}

int64_t drill_wait(struct drill_call *call)
{
    struct drill *drill = call->drill;
    call->finished = false;
    if (try_call(call))
        return call->result;
    struct drill_call **last = &drill->waiting;
    while (*last)
        last = &(*last)->next;
    call->next = NULL;
    call->thread = gettid();
    *last = call;
    pthread_cond_init(&call->wake, NULL);
    settle(drill); // what it has done so far, such as a part of a write, may go out
    if (pthread_equal(drill->driver, pthread_self())) {
        drive(call);
    } else if (!call->finished) {
        while (!call->finished)
            pthread_cond_wait(&call->wake, &drill->lock);
        woken_at = call->finished_at;
    }
    pthread_cond_destroy(&call->wake);
    return call->result;
}

void drill_advance(struct drill *drill, strata_time until)
{
    strata_time next;
    while ((next = next_event(drill)) <= until)
        step(drill, next);
    if (drill->now < until)
        drill->now = until;
}

struct drill_packet *drill_output(struct drill *drill)
{
    strata_time latest = drill->now + PATIENCE, next;
    settle(drill);
    while (!drill->first && (next = next_event(drill)) < latest)
        step(drill, next);
    struct drill_packet *packet = drill->first;
    if (packet) {
        drill->first = packet->next;
        if (!drill->first)
            drill->last = &drill->first;
    }
    return packet;
}

strata_time drill_clock(struct drill *drill)
{
    strata_time woken = woken_at;
    woken_at = 0;
    if (woken)
        return woken;
    drill_advance(drill, drill->now + STRATA_MICROSECOND);
    return drill->now;
}
