/*
 * A world for programs: the kernel's, or a Strata host tied to a TAP or TUN interface or a Unix socket.
 *
 * Files, clock and randomness are the kernel's in both. With a host there is one loop: frames between the
 * interface and the host, the host's events to the runtime, fibers, and one poll that waits for all of them.
 */
#include "tool/world.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "app/programs.h"
#include "tool/recorder.h"
#include "tool/tool.h"

/** How long to wait for a lease before giving up. */
#define WORLD_DHCP_TIMEOUT (30 * STRATA_SECOND)
/** How long connections may take to close after the last program has ended. */
#define WORLD_CLOSE_TIMEOUT (5 * STRATA_SECOND)

/** A program that was asked for. */
struct world_program {
    struct world *world;
    const char *name;
    strata_program program;
    int argc;
    char **argv;
    bool essential, started;
};

struct world {
    const struct world_options *options;
    struct strata_kernel *kernel;
    struct strata_rt *rt;
    struct strata_host *host; /**< NULL: the kernel's sockets. */
    struct strata_host_net *net;
    struct strata_loop *loop;
    struct recorder *recorder;
    int port;
    int poll_fd, signal_fd;
    struct world_program programs[WORLD_PROGRAMS];
    int program_count, essential_left, status;
    bool stopped;   /**< By a signal. */
    bool finishing; /**< The programs have ended; connections still say goodbye. */
};

const char world_help[] =
    "\nwhere it runs (without these words: on the kernel's sockets):\n"
    "  --tap NAME          on a Strata host behind a TAP interface, made if need be (needs CAP_NET_ADMIN)\n"
    "  --tun NAME          the same with a TUN interface: bare IP, no Ethernet\n"
    "  --unix PATH         the same over a Unix socket that another program listens at: 'strata link', or a\n"
    "                      virtual machine (QEMU's -netdev stream); no privilege needed\n"
    "  --address A/LEN     the host's address, 192.0.2.2/24 or 2001:db8::2/64; may be repeated\n"
    "  --gateway G         its default route\n"
    "  --dhcp              get address, route and name server by DHCP\n"
    "  --nameserver A      the name server to ask\n"
    "  --mac MAC           station address, 02:00:00:00:00:01\n"
    "  --mtu N             bytes per datagram; the interface's by default\n"
    "  --set NAME=VALUE    a setting of the host ('strata settings' lists them); may be repeated\n"
    "  --seed N            make the host's randomness repeatable (for experiments only)\n"
    "  --pcap FILE         write all frames to a pcapng file\n"
    "  --stats             print the counters at the end; with --json as JSON\n";

/** The value of argv[*index], which is the next word. NULL: complained. */
static const char *option_value(int argc, char **argv, int *index)
{
    if (*index + 1 >= argc) {
        tool_complain(TOOL_USAGE, "%s needs a value", argv[*index]);
        return NULL;
    }
    return argv[++*index];
}

static int option_append(const char **list, unsigned *count, unsigned limit, const char *word,
                         const char *value)
{
    if (*count == limit) {
        tool_complain(TOOL_USAGE, "more than %u times %s", limit, word);
        return -1;
    }
    list[(*count)++] = value;
    return 1;
}

static int option_mtu(struct world_options *options, const char *value)
{
    char *end;
    unsigned long mtu = strtoul(value, &end, 10);
    if (*end || mtu < 68 || mtu > 65535) {
        tool_complain(TOOL_USAGE, "--mtu takes 68 to 65535, not '%s'", value);
        return -1;
    }
    options->mtu_bytes = (unsigned)mtu;
    return 1;
}

/** --tap, --tun or --unix. @return 1: taken, 0: not ours, -1: complained. */
static int option_wire(struct world_options *options, int argc, char **argv, int *index)
{
    static const char *const words[] = {
        [WORLD_TAP] = "--tap", [WORLD_TUN] = "--tun", [WORLD_UNIX] = "--unix"};
    unsigned wire = 0;
    while (wire < sizeof words / sizeof words[0] && strcmp(argv[*index], words[wire]) != 0)
        wire++;
    if (wire == sizeof words / sizeof words[0])
        return 0;
    if (options->interface) {
        tool_complain(TOOL_USAGE, "a host has one wire: %s %s, or %s?", words[options->wire],
                      options->interface, argv[*index]);
        return -1;
    }
    options->wire = (enum world_wire)wire;
    options->link = options->wire == WORLD_TUN ? STRATA_LINK_IP : STRATA_LINK_ETHERNET;
    return (options->interface = option_value(argc, argv, index)) ? 1 : -1;
}

int world_option(struct world_options *options, int argc, char **argv, int *index)
{
    const char *word = argv[*index];
    const struct {
        const char *word;
        bool *flag;
    } flags[] = {{"--dhcp", &options->dhcp}, {"--stats", &options->stats}, {"--json", &options->json}};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (!strcmp(word, flags[i].word)) {
            *flags[i].flag = true;
            return 1;
        }
    const struct {
        const char *word;
        const char **value;
    } values[] = {{"--gateway", &options->gateway},
                  {"--nameserver", &options->nameserver},
                  {"--mac", &options->mac},
                  {"--seed", &options->seed},
                  {"--pcap", &options->pcap}};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (!strcmp(word, values[i].word))
            return (*values[i].value = option_value(argc, argv, index)) ? 1 : -1;
    int taken = option_wire(options, argc, argv, index);
    if (taken)
        return taken;
    bool address = !strcmp(word, "--address"), setting = !strcmp(word, "--set"), mtu = !strcmp(word, "--mtu");
    if (!address && !setting && !mtu)
        return 0;
    const char *value = option_value(argc, argv, index);
    if (!value)
        return -1;
    if (mtu)
        return option_mtu(options, value);
    return address ? option_append(options->addresses, &options->address_count, WORLD_ADDRESSES, word, value)
                   : option_append(options->settings, &options->setting_count, WORLD_SETTINGS, word, value);
}

/* ---- Opening ------------------------------------------------------------------------------------ */

/** What keeps an interface from being opened, in a sentence. */
static int complain_interface(enum world_wire wire, const char *name, int error)
{
    const char *kind = wire == WORLD_TUN ? "TUN" : "TAP";
    switch (-error) {
    case EPERM:
    case EACCES:
        return tool_complain(
            TOOL_FAILED,
            "not permitted to open %s interface %s: run as root, or let root make it for you: "
            "ip tuntap add dev %s mode %s user $USER",
            kind, name, name, wire == WORLD_TUN ? "tun" : "tap");
    case EBUSY:
        return tool_complain(TOOL_FAILED, "%s interface %s is in use by another program", kind, name);
    case EINVAL:
        return tool_complain(TOOL_FAILED,
                             "'%s' is not a %s interface or not a usable name (at most 15 characters)", name,
                             kind);
    case ENOENT:
    case ENODEV:
        return tool_complain(TOOL_FAILED, "this machine has no /dev/net/tun: load the kernel's module 'tun'");
    default:
        return tool_complain(TOOL_FAILED, "cannot open %s interface %s: %s", kind, name, strerror(-error));
    }
}

/** The same of a Unix socket. */
static int complain_unix(const char *path, int error)
{
    switch (-error) {
    case ENOENT:
        return tool_complain(TOOL_FAILED,
                             "there is no socket %s: start what listens there first, such as "
                             "'strata link --between unix:%s ...'",
                             path, path);
    case ECONNREFUSED:
        return tool_complain(TOOL_FAILED, "nobody listens at %s", path);
    case ENAMETOOLONG:
        return tool_complain(TOOL_FAILED, "'%s' is too long for a socket: at most 107 characters", path);
    case EACCES:
    case EPERM:
        return tool_complain(TOOL_FAILED, "not permitted to connect to %s", path);
    case ETIMEDOUT:
        return tool_complain(TOOL_FAILED, "who listens at %s does not accept", path);
    case EINVAL:
        return tool_complain(TOOL_USAGE, "--unix takes the path of a socket, not '%s'", path);
    default:
        return tool_complain(TOOL_FAILED, "cannot connect to %s: %s", path, strerror(-error));
    }
}

int world_wire_open(struct strata_driver **driver, enum world_wire wire, const char *name)
{
    int error;
    if (wire == WORLD_UNIX) {
        error = strata_unix_open(driver, name);
        return error ? complain_unix(name, error) : 0;
    }
    struct strata_tap_config tap = {
        .size = sizeof tap, .name = name, .link = wire == WORLD_TUN ? STRATA_LINK_IP : STRATA_LINK_ETHERNET};
    error = strata_tap_open(driver, &tap);
    return error ? complain_interface(wire, name, error) : 0;
}

/** A wire that was there and is no more. */
static int complain_gone(const struct world_options *options, int error)
{
    if (options->wire == WORLD_UNIX && error == -EPIPE)
        return tool_complain(TOOL_FAILED, "the other end of %s is gone", options->interface);
    if (options->wire == WORLD_UNIX && error == -EPROTO)
        return tool_complain(TOOL_FAILED,
                             "the other end of %s does not speak frames with their length in front",
                             options->interface);
    return tool_complain(TOOL_FAILED, "interface %s is gone: %s", options->interface, strerror(-error));
}

/** The host's seed: the kernel's randomness, or the number that was asked for. */
static int make_seed(const struct world_options *options, uint8_t seed[32])
{
    memset(seed, 0, 32);
    if (!options->seed)
        return getrandom(seed, 32, 0) == 32
                   ? 0
                   : tool_complain(TOOL_FAILED, "no randomness: %s", strerror(errno));
    char *end;
    unsigned long long number = strtoull(options->seed, &end, 0);
    if (*end || end == options->seed)
        return tool_complain(TOOL_USAGE, "--seed takes a number, not '%s'", options->seed);
    for (int i = 0; i < 8; i++)
        seed[i] = (uint8_t)(number >> (8 * i));
    return 0;
}

static int parse_mac(const char *text, uint8_t mac[6])
{
    int used = 0;
    if (sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4],
               &mac[5], &used) != 6 ||
        text[used] || mac[0] & 1)
        return tool_complain(TOOL_USAGE, "'%s' is no station address such as 02:00:00:00:00:01", text);
    return 0;
}

static int apply_settings(struct world *world)
{
    for (unsigned i = 0; i < world->options->setting_count; i++) {
        char name[128];
        const char *text = world->options->settings[i], *equals = strchr(text, '=');
        char *end = NULL;
        long long value = equals ? strtoll(equals + 1, &end, 0) : 0;
        if (!equals || (size_t)(equals - text) >= sizeof name || end == equals + 1 || *end)
            return tool_complain(TOOL_USAGE, "--set takes NAME=NUMBER, not '%s'", text);
        snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
        int error = strata_set(world->host, name, value);
        if (error)
            return tool_complain(TOOL_USAGE,
                                 error == -ENOENT ? "no setting '%s'; 'strata settings' lists them"
                                                  : "%s is out of bounds; 'strata settings' tells them",
                                 name);
    }
    return 0;
}

static int apply_gateway(struct world *world, const char *text)
{
    struct strata_route route = {.port = -1};
    if (strata_address_parse(text, &route.gateway))
        return tool_complain(TOOL_USAGE, "--gateway takes an address, not '%s'", text);
    if (strata_address_is_ipv4(&route.gateway))
        route.destination = strata_ipv4(0, 0, 0, 0);
    int error = strata_route_add(world->host, &route);
    if (error == -ENETUNREACH)
        return tool_complain(TOOL_USAGE, "gateway %s is in no subnet of --address", text);
    return error ? tool_complain(TOOL_FAILED, "cannot set gateway %s: %s", text, strerror(-error)) : 0;
}

static int apply_addresses(struct world *world)
{
    const struct world_options *options = world->options;
    for (unsigned i = 0; i < options->address_count; i++) {
        struct strata_address address;
        unsigned length;
        if (strata_prefix_parse(options->addresses[i], &address, &length))
            return tool_complain(TOOL_USAGE, "--address takes ADDRESS/LENGTH such as 192.0.2.2/24, not '%s'",
                                 options->addresses[i]);
        int error = strata_address_add(world->host, world->port, &address, length, strata_clock_monotonic());
        if (error)
            return tool_complain(TOOL_FAILED, "cannot use address %s: %s", options->addresses[i],
                                 strerror(-error));
    }
    return options->gateway ? apply_gateway(world, options->gateway) : 0;
}

static int add_port(struct world *world, struct strata_driver *driver)
{
    const struct world_options *options = world->options;
    struct strata_port_config config = {.size = sizeof config, .name = "eth0", .link = options->link};
    int mtu = strata_driver_mtu(driver);
    config.mtu_bytes = options->mtu_bytes ? options->mtu_bytes : mtu > 0 ? (unsigned)mtu : 1500;
    if (options->mac && parse_mac(options->mac, config.mac))
        return TOOL_USAGE;
    world->port = strata_port_add(world->host, &config);
    if (world->port < 0)
        return tool_complain(TOOL_FAILED, "cannot add a port: %s", strerror(-world->port));
    return 0;
}

/** The host with its port, addresses and routes, tied to the interface. */
static int open_host(struct world *world)
{
    const struct world_options *options = world->options;
    struct strata_config config = {.size = sizeof config, .name = options->interface};
    int status = make_seed(options, config.seed);
    if (status)
        return status;
    if (options->pcap) {
        int error = recorder_open(&world->recorder, options->pcap, options->interface, options->link);
        if (error)
            return tool_complain(TOOL_FAILED, "cannot write %s: %s", options->pcap, strerror(-error));
        config.trace = recorder_trace;
        config.trace_context = world->recorder;
    }
    int error = strata_host_new(&world->host, &config);
    if (!error)
        error = strata_loop_new(&world->loop);
    if (error)
        return tool_complain(TOOL_FAILED, "cannot make a host: %s", strerror(-error));
    struct strata_driver *driver;
    status = world_wire_open(&driver, options->wire, options->interface);
    if (status)
        return status;
    status = add_port(world, driver);
    error = status ? 0 : strata_loop_add(world->loop, strata_host_device(world->host), world->port, driver);
    if (status || error) {
        strata_driver_close(driver);
        return status ? status
                      : tool_complain(TOOL_FAILED, "cannot watch the interface: %s", strerror(-error));
    }
    status = apply_settings(world);
    return status ? status : apply_addresses(world);
}

static strata_time clock_now(void *clock)
{
    (void)clock;
    return strata_clock_monotonic();
}

static const struct strata_clock_ops host_clock = {.now = clock_now};

static int open_runtime(struct world *world)
{
    int error = strata_kernel_new(&world->kernel);
    if (error)
        return tool_complain(TOOL_FAILED, "cannot start: %s", strerror(-error));
    struct strata_rt_config config = {.size = sizeof config};
    strata_kernel_config(world->kernel, &config);
    if (world->host) {
        error = strata_host_net_new(&world->net, world->host, &host_clock, NULL);
        config.net = strata_host_net_ops();
        config.net_self = world->net;
    }
    if (!error)
        error = strata_rt_new(&world->rt, &config);
    if (error)
        return tool_complain(TOOL_FAILED, "cannot start: %s", strerror(-error));
    struct strata_endpoint server = {.port = 53};
    if (world->options->nameserver) {
        if (strata_address_parse(world->options->nameserver, &server.address))
            return tool_complain(TOOL_USAGE, "--nameserver takes an address, not '%s'",
                                 world->options->nameserver);
        strata_rt_set_resolver(world->rt, &server);
    }
    return 0;
}

/** One descriptor to wait for signals and, with a host, for frames. */
static int open_poll(struct world *world)
{
    world->signal_fd = tool_open_signals();
    world->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    if (world->signal_fd < 0 || world->poll_fd < 0 ||
        epoll_ctl(world->poll_fd, EPOLL_CTL_ADD, world->signal_fd, &event) < 0 ||
        (world->loop && epoll_ctl(world->poll_fd, EPOLL_CTL_ADD, strata_loop_fd(world->loop), &event) < 0))
        return tool_complain(TOOL_FAILED, "cannot poll: %s", strerror(errno));
    return 0;
}

static int check_options(const struct world_options *options)
{
    if (options->interface)
        return options->address_count || options->dhcp
                   ? 0
                   : tool_complain(TOOL_USAGE, "%s needs an address: --address A/LEN, or --dhcp",
                                   options->interface);
    if (options->address_count || options->gateway || options->dhcp || options->mac || options->pcap ||
        options->mtu_bytes || options->setting_count)
        return tool_complain(TOOL_USAGE,
                             "--address, --gateway, --dhcp, --mac, --mtu, --set and --pcap need --tap or "
                             "--tun NAME, or --unix PATH");
    return 0;
}

int world_open(struct world **made, const struct world_options *options)
{
    *made = NULL;
    int status = check_options(options);
    if (status)
        return status;
    struct world *world = calloc(1, sizeof *world);
    if (!world)
        return tool_complain(TOOL_FAILED, "out of memory");
    world->options = options;
    world->poll_fd = world->signal_fd = -1;
    status = options->interface ? open_host(world) : 0;
    if (!status)
        status = open_runtime(world);
    if (!status)
        status = open_poll(world);
    if (status) {
        (void)world_close(world, status);
        return status;
    }
    *made = world;
    return 0;
}

/* ---- Running ------------------------------------------------------------------------------------ */

static void program_done(void *context, int status)
{
    struct world_program *program = context;
    if (status)
        program->world->status = status == TOOL_USAGE ? TOOL_USAGE : TOOL_FAILED;
    if (program->essential)
        program->world->essential_left--;
}

int world_start(struct world *world, const char *name, strata_program program, int argc, char *const *argv,
                bool essential)
{
    if (world->program_count == WORLD_PROGRAMS)
        return tool_complain(TOOL_USAGE, "more than %d programs", WORLD_PROGRAMS);
    world->programs[world->program_count++] = (struct world_program){.world = world,
                                                                     .name = name,
                                                                     .program = program,
                                                                     .argc = argc,
                                                                     .argv = (char **)argv,
                                                                     .essential = essential};
    world->essential_left += essential;
    return 0;
}

static int start_program(struct world_program *program)
{
    program->started = true;
    return strata_rt_start(program->world->rt, program->name, program->program, program->argc, program->argv,
                           program_done, program, NULL);
}

/** With --dhcp the others wait for the lease. */
static bool has_address(struct world *world)
{
    struct strata_address address;
    unsigned length;
    return strata_address_get(world->host, world->port, 0, &address, &length) == 0;
}

static void start_waiting_programs(struct world *world)
{
    if (world->host && world->options->dhcp && !has_address(world))
        return;
    for (int i = 0; i < world->program_count; i++)
        if (!world->programs[i].started && start_program(&world->programs[i])) {
            world->status = tool_complain(TOOL_FAILED, "cannot start %s", world->programs[i].name);
            world->stopped = true;
        }
}

static void print_stats(struct world *world);

static void take_signals(struct world *world)
{
    struct signalfd_siginfo signal;
    while (read(world->signal_fd, &signal, sizeof signal) == sizeof signal) {
        if (signal.ssi_signo == SIGUSR1)
            print_stats(world);
        else
            world->stopped = true;
    }
}

/** Whether nothing is left to be said on any connection. */
static bool is_finished(const struct world *world)
{
    struct strata_memory memory = {.size = sizeof memory};
    strata_memory(world->host, &memory);
    return memory.connections == 0 && strata_host_ready(world->host) < 0;
}

/** One round: frames, events, fibers; then waits for what comes first, at most until `until`. */
static int world_step(struct world *world, strata_time until)
{
    strata_time next = STRATA_NEVER;
    if (world->loop) {
        next = strata_loop_work(world->loop);
        if (next < 0)
            return complain_gone(world->options, (int)next);
        strata_host_net_events(world->net, world->rt);
    }
    strata_rt_run(world->rt);
    take_signals(world);
    if (world->stopped || (world->essential_left == 0 && !world->finishing))
        return 0;
    if (world->finishing && is_finished(world))
        return 0;
    if (world->host && strata_host_ready(world->host) >= 0 && !strata_loop_blocked(world->loop))
        next = 0;
    strata_time deadline = strata_rt_deadline(world->rt), now = strata_clock_monotonic();
    next = deadline < next ? deadline : next;
    next = until < next ? until : next;
    strata_time wait = next == STRATA_NEVER ? STRATA_NEVER : next > now ? next - now : 0;
    strata_kernel_poll(world->kernel, world->rt, wait, world->poll_fd);
    return 0;
}

/** Lets connections say goodbye after the last program has ended. */
static void finish_connections(struct world *world)
{
    strata_time until = strata_clock_monotonic() + WORLD_CLOSE_TIMEOUT;
    world->finishing = true;
    while (!world->stopped && strata_clock_monotonic() < until) {
        if (is_finished(world) || world_step(world, until))
            return;
    }
}

static int start_dhcp(struct world *world)
{
    char name[] = "dhcp-client";
    char *const words[] = {name, NULL};
    const struct strata_program_entry *client = program_find("dhcp-client");
    if (!client)
        return tool_complain(TOOL_FAILED, "this build has no DHCP client");
    return strata_rt_start(world->rt, "dhcp-client", client->main, 1, words, NULL, NULL, NULL)
               ? tool_complain(TOOL_FAILED, "cannot start the DHCP client")
               : 0;
}

int world_run(struct world *world)
{
    bool dhcp = world->host && world->options->dhcp;
    if (dhcp && start_dhcp(world))
        return TOOL_FAILED;
    strata_time lease_until = dhcp ? strata_clock_monotonic() + WORLD_DHCP_TIMEOUT : STRATA_NEVER;
    while (!world->stopped && world->essential_left > 0) {
        start_waiting_programs(world);
        if (dhcp && has_address(world))
            lease_until = STRATA_NEVER;
        if (strata_clock_monotonic() > lease_until)
            return tool_complain(TOOL_FAILED, "no DHCP server gave %s an address within %d s",
                                 world->options->interface, (int)(WORLD_DHCP_TIMEOUT / STRATA_SECOND));
        if (world_step(world, lease_until))
            return TOOL_FAILED;
    }
    if (world->host)
        finish_connections(world);
    if (world->options->stats)
        print_stats(world);
    return world->status;
}

/* ---- Closing ------------------------------------------------------------------------------------ */

static void print_stats(struct world *world)
{
    if (!world->host) {
        fputs("strata: the kernel counts its own packets; --stats needs --tap, --tun or --unix\n", stderr);
        return;
    }
    bool first = true;
    for (unsigned i = 1; i < strata_counters(); i++) {
        uint64_t value = strata_counter(world->host, i);
        if (value == 0)
            continue;
        if (world->options->json)
            fprintf(stderr, "%s\"%s\": %llu", first ? "{" : ", ", strata_counter_name(i),
                    (unsigned long long)value);
        else
            fprintf(stderr, "%12llu %-36s %s\n", (unsigned long long)value, strata_counter_name(i),
                    strata_counter_help(i));
        first = false;
    }
    if (world->options->json)
        fputs(first ? "{}\n" : "}\n", stderr);
}

int world_close(struct world *world, int status)
{
    if (!world)
        return status;
    strata_rt_free(world->rt);
    strata_host_net_free(world->net);
    strata_loop_free(world->loop);
    strata_host_free(world->host);
    strata_kernel_free(world->kernel);
    if (world->recorder) {
        int error = recorder_close(world->recorder);
        if (error)
            status = tool_complain(TOOL_FAILED, "the capture %s is not whole: %s", world->options->pcap,
                                   strerror(-error));
    }
    if (world->signal_fd >= 0)
        close(world->signal_fd);
    if (world->poll_fd >= 0)
        close(world->poll_fd);
    free(world);
    return status;
}
