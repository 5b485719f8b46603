/*
 * strata capture: prints the frames that pass an interface, or that a capture holds, a line each; writes them
 * to a pcapng file.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strata/driver.h>
#include <time.h>

#include "drivers/pcapng.h"
#include "tool/tool.h"
#include "tool/world.h"

static const char capture_help[] =
    "usage: strata capture [--interface NAME | --tap NAME | --tun NAME | --unix PATH | --read FILE] [OPTION "
    "...]\n\n"
    "Prints the frames that pass, one line each.\n"
    "  --interface NAME    an existing interface, both directions (needs CAP_NET_RAW)\n"
    "  --tap, --tun NAME   what the kernel sends into this interface, which is made if need be (needs "
    "CAP_NET_ADMIN)\n"
    "  --unix PATH         what comes from a Unix socket that speaks QEMU's -netdev stream\n"
    "  --read FILE         a pcapng file\n"
    "  --write FILE        also write them to a pcapng file\n"
    "  --count N           stop after N frames\n"
    "  --json              one JSON object per frame and line: time, interface, length, comment, text\n"
    "  --quiet             print nothing but errors\n"
    "\nexamples:\n"
    "  sudo strata capture --interface lo --count 10\n"
    "  strata capture --read build/demo.pcapng\n";

#define CAPTURE_FRAME_BYTES (262144 + 64)

struct capture {
    const char *interface, *tap, *tun, *unix_path, *read, *write;
    uint64_t limit, count;
    bool json, quiet;
    FILE *output;
    struct pcapng_writer writer;
};

/** Set by a signal: stop after the present frame. */
static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

static int capture_parse(struct capture *capture, int argc, char **argv)
{
    const struct {
        const char *word;
        const char **value;
    } values[] = {
        {"--interface", &capture->interface}, {"--tap", &capture->tap},   {"--tun", &capture->tun},
        {"--unix", &capture->unix_path},      {"--read", &capture->read}, {"--write", &capture->write}};
    for (int i = 1; i < argc; i++) {
        bool known = false;
        for (size_t k = 0; k < sizeof values / sizeof values[0]; k++)
            if (!strcmp(argv[i], values[k].word) && i + 1 < argc) {
                *values[k].value = argv[++i];
                known = true;
                break;
            }
        if (known)
            continue;
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            fputs(capture_help, stdout);
            return TOOL_OK;
        } else if (!strcmp(argv[i], "--json")) {
            capture->json = true;
        } else if (!strcmp(argv[i], "--quiet")) {
            capture->quiet = true;
        } else if (!strcmp(argv[i], "--count") && i + 1 < argc) {
            char *end;
            capture->limit = strtoull(argv[++i], &end, 10);
            if (*end || capture->limit == 0)
                return tool_complain(TOOL_USAGE, "--count takes a number above 0, not '%s'", argv[i]);
        } else {
            return tool_complain(TOOL_USAGE,
                                 "capture: no option '%s', or it needs a value; see 'strata capture --help'",
                                 argv[i]);
        }
    }
    int sources =
        !!capture->interface + !!capture->tap + !!capture->tun + !!capture->unix_path + !!capture->read;
    if (sources != 1)
        return tool_complain(TOOL_USAGE, "capture takes one of --interface, --tap, --tun, --unix and --read");
    return -1;
}

/** Text as a JSON string. */
static void print_json_string(const char *text)
{
    putchar('"');
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (*p == '"' || *p == '\\')
            printf("\\%c", *p);
        else if (*p < 0x20)
            printf("\\u%04x", *p);
        else
            putchar(*p);
    putchar('"');
}

/** A frame that was cut when it was captured is printed by what is left of it: its header tells its length. */
static const uint8_t *whole_frame(const struct pcapng_packet *packet, size_t *length)
{
    static uint8_t whole[CAPTURE_FRAME_BYTES];
    *length = packet->length;
    if (packet->original_length <= packet->length || packet->original_length > sizeof whole)
        return packet->frame;
    *length = packet->original_length;
    memcpy(whole, packet->frame, packet->length);
    memset(whole + packet->length, 0, *length - packet->length);
    return whole;
}

/** Several comments of a packet in one line. */
static void join_comments(const char *comments, char *line, size_t size)
{
    size_t length = 0;
    for (; *comments && length + 3 < size; comments++)
        if (*comments == '\n')
            length += (size_t)snprintf(line + length, size - length, ", ");
        else
            line[length++] = *comments;
    line[length] = '\0';
}

static void capture_print(const struct capture *capture, const struct pcapng_packet *packet)
{
    char line[512], clock[32];
    size_t length;
    const uint8_t *frame = whole_frame(packet, &length);
    enum strata_link link = packet->link_type == PCAPNG_ETHERNET ? STRATA_LINK_ETHERNET : STRATA_LINK_IP;
    if (packet->link_type == PCAPNG_ETHERNET || packet->link_type == PCAPNG_RAW)
        strata_frame_print(link, frame, length, line, sizeof line);
    else
        snprintf(line, sizeof line, "link type %u, %zu bytes", packet->link_type, packet->length);
    char comment[300] = "";
    if (packet->comment)
        join_comments(packet->comment, comment, sizeof comment);
    if (capture->json) {
        printf("{\"number\": %" PRIu64 ", \"time_ns\": %" PRId64
               ", \"interface\": %u, \"length\": %zu, \"text\": ",
               capture->count, packet->time_ns, packet->interface, packet->length);
        print_json_string(line);
        if (packet->comment) {
            fputs(", \"comment\": ", stdout);
            print_json_string(comment);
        }
        puts("}");
        return;
    }
    time_t seconds = (time_t)(packet->time_ns / STRATA_SECOND);
    struct tm local;
    localtime_r(&seconds, &local);
    strftime(clock, sizeof clock, "%H:%M:%S", &local);
    printf("%s.%06" PRId64 " [%u] %s%s%s\n", clock, packet->time_ns % STRATA_SECOND / 1000, packet->interface,
           line, packet->comment ? "  # " : "", comment);
}

/** One frame has come. @return false: enough, or writing failed. */
static bool capture_frame(struct capture *capture, const struct pcapng_packet *packet)
{
    capture->count++;
    if (!capture->quiet)
        capture_print(capture, packet);
    if (capture->output && pcapng_packet(&capture->writer, packet) < 0)
        return false;
    return !interrupted && capture->count != capture->limit;
}

static void capture_interface(struct capture *capture, const char *name, uint16_t link_type)
{
    if (capture->output)
        pcapng_interface(&capture->writer, &(struct pcapng_interface){.name = name, .link_type = link_type});
}

static int capture_open(struct capture *capture, struct strata_driver **driver)
{
    const char *name = capture->interface ? capture->interface
                       : capture->tap     ? capture->tap
                       : capture->tun     ? capture->tun
                                          : capture->unix_path;
    if (!capture->interface) {
        enum world_wire wire = capture->tap ? WORLD_TAP : capture->tun ? WORLD_TUN : WORLD_UNIX;
        int status = world_wire_open(driver, wire, name);
        if (status)
            return status;
    } else {
        int error = strata_packet_open(driver, name);
        if (error == -EPERM || error == -EACCES)
            return tool_complain(TOOL_FAILED,
                                 "not permitted to capture from %s: run as root, or give the program "
                                 "CAP_NET_RAW and CAP_NET_ADMIN",
                                 name);
        if (error)
            return tool_complain(TOOL_FAILED, "cannot capture from %s: %s", name, strerror(-error));
    }
    capture_interface(capture, name,
                      strata_driver_link(*driver) == STRATA_LINK_ETHERNET ? PCAPNG_ETHERNET : PCAPNG_RAW);
    return 0;
}

static int capture_live(struct capture *capture)
{
    struct strata_driver *driver;
    int status = capture_open(capture, &driver);
    if (status)
        return status;
    uint8_t *frame = malloc(CAPTURE_FRAME_BYTES);
    bool more = frame != NULL;
    long length = 0;
    while (more && length >= 0 && !interrupted) {
        struct pollfd wait = {.fd = strata_driver_fd(driver), .events = POLLIN};
        fflush(stdout);
        if (poll(&wait, 1, -1) < 0)
            break;
        while (more && (length = strata_driver_receive(driver, frame, CAPTURE_FRAME_BYTES)) > 0) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            bool ethernet = strata_driver_link(driver) == STRATA_LINK_ETHERNET;
            more = capture_frame(capture, &(struct pcapng_packet){
                                              .time_ns = now.tv_sec * STRATA_SECOND + now.tv_nsec,
                                              .frame = frame,
                                              .length = (size_t)length,
                                              .link_type = ethernet ? PCAPNG_ETHERNET : PCAPNG_RAW,
                                          });
        }
    }
    free(frame);
    strata_driver_close(driver);
    if (length == -EPIPE)
        return tool_complain(TOOL_FAILED, "the other end of %s is gone", capture->unix_path);
    if (length < 0)
        return tool_complain(TOOL_FAILED, "cannot capture any more: %s", strerror(-(int)length));
    return 0;
}

static int capture_file(struct capture *capture)
{
    FILE *file = fopen(capture->read, "rb");
    if (!file)
        return tool_complain(TOOL_FAILED, "cannot read %s: %s", capture->read, strerror(errno));
    struct pcapng_reader reader;
    struct pcapng_packet packet;
    pcapng_read_begin(&reader, pcapng_from_file(file));
    int result;
    uint32_t described = 0;
    bool more = true;
    while (more && (result = pcapng_read(&reader, &packet)) == 1) {
        for (; described < reader.interface_count; described++)
            capture_interface(capture, reader.interfaces[described].name,
                              reader.interfaces[described].link_type);
        more = capture_frame(capture, &packet);
    }
    int status = TOOL_OK;
    if (more && result < 0)
        status = tool_complain(TOOL_FAILED, "%s: at byte %" PRIu64 ": %s", capture->read, reader.offset,
                               reader.problem ? reader.problem : strerror(-result));
    pcapng_read_end(&reader);
    fclose(file);
    return status;
}

int tool_capture(int argc, char **argv)
{
    struct capture capture = {0};
    int status = capture_parse(&capture, argc, argv);
    if (status >= 0)
        return status;
    if (capture.write) {
        capture.output = fopen(capture.write, "wb");
        if (!capture.output)
            return tool_complain(TOOL_FAILED, "cannot write %s: %s", capture.write, strerror(errno));
        pcapng_begin(&capture.writer, pcapng_to_file(capture.output), "strata capture");
    }
    struct sigaction action = {.sa_handler = interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    status = capture.read ? capture_file(&capture) : capture_live(&capture);
    if (capture.output) {
        int error = capture.writer.error;
        if (fclose(capture.output) != 0 && !error)
            error = -errno;
        if (error && !status)
            status = tool_complain(TOOL_FAILED, "%s is not whole: %s", capture.write, strerror(-error));
    }
    return status;
}
