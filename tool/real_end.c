/*
 * Nodes that are outside: a TAP, an interface that is there already, or a Unix socket. Each is a device of
 * one port in a world of the lab, whose other side is a driver.
 */
#include "tool/real.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tool/tool.h"
#include "tool/world.h"

/** What a peer that is not scheduled for a while may have waiting: a third of a second at 100 Mbit/s. A cable
 * does not know that its other end is busy. */
#define REAL_BUFFER_BYTES (4u << 20)
/** The same of a TAP's queue towards us. */
#define REAL_QUEUE_FRAMES 10000

/* ---- Opening --------------------------------------------------------------------------------------------
 */

static int open_unix(struct real_end *end, const char *path)
{
    end->path = path;
    end->listener = strata_unix_listen(path);
    switch (-end->listener) {
    case EADDRINUSE:
        return tool_complain(TOOL_FAILED, "another program listens at %s", path);
    case EEXIST:
        return tool_complain(TOOL_FAILED, "%s is there and is no socket", path);
    case ENAMETOOLONG:
        return tool_complain(TOOL_FAILED, "'%s' is too long for a socket: at most 107 characters", path);
    case EINVAL:
        return tool_complain(TOOL_USAGE, "unix: needs the path of a socket, as in unix:/tmp/b");
    default:
        return end->listener < 0
                   ? tool_complain(TOOL_FAILED, "cannot listen at %s: %s", path, strerror(-end->listener))
                   : 0;
    }
}

/** An interface that somebody else made: what it receives enters the cable, whomever it is for; what this
 * machine itself sends there does not. */
static int open_interface(struct real_end *end, const char *name)
{
    int error = strata_packet_open(&end->driver, name);
    if (error == -EPERM || error == -EACCES)
        return tool_complain(TOOL_FAILED, "not permitted to open interface %s: run as root", name);
    if (error == -ENODEV || error == -EINVAL)
        return tool_complain(TOOL_FAILED, "there is no interface %s", name);
    if (error)
        return tool_complain(TOOL_FAILED, "cannot open interface %s: %s", name, strerror(-error));
    if (strata_driver_link(end->driver) != STRATA_LINK_ETHERNET)
        return tool_complain(TOOL_FAILED, "interface %s is no Ethernet", name);
    const int yes = 1, bytes = REAL_BUFFER_BYTES;
    struct packet_mreq everything = {.mr_ifindex = (int)if_nametoindex(name), .mr_type = PACKET_MR_PROMISC};
    int fd = strata_driver_fd(end->driver);
    // Where this is not permitted, bursts may be lost before they reach the cable.
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
    if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof yes) < 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &everything, sizeof everything) < 0)
        return tool_complain(TOOL_FAILED, "cannot listen to all of %s: %s", name, strerror(errno));
    return 0;
}

static int open_tap(struct real_end *end, const char *name)
{
    int status = world_wire_open(&end->driver, WORLD_TAP, name);
    if (status)
        return status;
    // The kernel's queue before us must hold what comes while we are not scheduled; where this is not
    // permitted, it keeps its own length.
    struct ifreq request = {.ifr_qlen = REAL_QUEUE_FRAMES};
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        (void)ioctl(fd, SIOCSIFTXQLEN, &request);
        close(fd);
    }
    return 0;
}

int real_end_open(struct real_end *end, const char *text)
{
    end->text = text;
    if (!strncmp(text, "unix:", 5))
        return open_unix(end, text + 5);
    if (!strncmp(text, "if:", 3))
        return open_interface(end, text + 3);
    return open_tap(end, strncmp(text, "tap:", 4) ? text : text + 4);
}

void real_end_close(struct real_end *end)
{
    strata_driver_close(end->driver);
    if (end->listener >= 0) {
        close(end->listener);
        unlink(end->path);
    }
}

/* ---- Frames ---------------------------------------------------------------------------------------------
 */

/** The peer of a socket has left, or speaks something else: the next one may come. */
static void lose_peer(struct real_end *end)
{
    strata_driver_close(end->driver);
    end->driver = NULL;
    end->waits = end->more = false;
}

long real_end_receive(struct real_end *end)
{
    long length = strata_driver_receive(end->driver, end->real->frame, REAL_FRAME_BYTES);
    if (length >= 0)
        return length;
    if (!end->path) {
        tool_complain(TOOL_FAILED, "interface %s is gone: %s", end->text, strerror((int)-length));
        return -1;
    }
    if (length == -EPROTO)
        tool_complain(TOOL_FAILED, "%s: who connected does not speak frames with their length in front",
                      end->text);
    lose_peer(end);
    return 0;
}

void real_end_accept(struct real_end *end)
{
    int fd = accept4(end->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    // A cable has one plug at each end.
    if (end->driver)
        close(fd);
    else if (strata_unix_attach(&end->driver, fd, REAL_BUFFER_BYTES) < 0)
        end->driver = NULL;
}

void real_end_flush(struct real_end *end)
{
    if (!end->driver)
        return;
    // What else may be wrong is found when it is read.
    end->waits = strata_driver_flush(end->driver) == -EAGAIN;
}

/** A frame has arrived at this end of the cable. */
static void end_input(void *self, int port, const void *frame, size_t length, const struct strata_meta *meta,
                      strata_time now)
{
    struct real_end *end = self;
    (void)port, (void)meta;
    strata_time late = real_now(end->real) - now;
    end->late_sum += late;
    end->late_count++;
    if (late > end->late_most)
        end->late_most = late;
    if (!end->driver || strata_driver_send(end->driver, frame, length) < 0)
        end->unheard++;
}

/** What it has to say, it says by itself: strata_node_say. */
static int end_ready(void *self)
{
    (void)self;
    return -1;
}

static size_t end_output(void *self, int port, void *room, size_t size, struct strata_meta *meta, strata_time now)
{
    (void)self, (void)port, (void)room, (void)size, (void)meta, (void)now;
    return 0;
}

struct strata_device real_end_device(struct real_end *end)
{
    static const struct strata_device_ops ops = {.input = end_input,
                                                 .ready = end_ready,
                                                 .output = end_output};
    return (struct strata_device){.ops = &ops, .self = end};
}
