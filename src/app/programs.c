/**
 * The table of built-in programs.
 */
#include "app/programs.h"

#include <stddef.h>
#include <string.h>

static const struct strata_program_entry programs[] = {
    {"http-server", program_http_server, "serve the files of a folder by HTTP/1.1"},
    {"http-client", program_http_client, "fetch URLs, or send a file to one"},
    {"fetch", program_http_client, "the same as http-client"},
    {"dhcp-server", program_dhcp_server, "lend the addresses of a range"},
    {"dhcp-client", program_dhcp_client, "get an address, a route and a name server, and keep them"},
    {"dns-server", program_dns_server, "answer for the zones of master files"},
    {"dns-resolver", program_dns_resolver, "look names up for others, from the root down, and remember"},
    {"dig", program_dig, "ask a name server"},
    {"echo-server", program_echo_server, "give back what comes by TCP and UDP"},
    {"echo-client", program_echo_client, "send messages to an echo server and check what comes back"},
    {"detect", program_detect, "error detection: parity, checksum, CRC-32, and what each misses"},
    {"address", program_address, "IPv4 addresses: classes, prefixes, and which one is longest"},
    {"talk", program_talk, "one end of a TCP conversation, step by step"},
    {"ping", program_ping, "send echo requests to a host"},
    {"traceroute", program_traceroute, "show the routers on the way to a host"},
    {"traffic", program_traffic, "send packets: constant, Poisson, in bursts, on and off; or ask for answers"},
    {"swarm", program_swarm, "distribute a file: a server alone, or with its peers"},
    {"insist", program_insist, "send at a fixed rate, and again what is not acknowledged in time"},
    {"traffic-sink", program_traffic_sink, "count traffic that arrives and measure its delay"},
    {"traffic-server", program_traffic_server, "answer traffic with as much as it asks for"},
    {"traffic-cache", program_traffic_cache, "answer a share of the traffic, and ask a server for the rest"},
    {"rdt-sender", program_rdt_sender, "send by rdt 1.0 to 3.0, Go-Back-N or Selective Repeat, and tell the story"},
    {"rdt-receiver", program_rdt_receiver, "the other side of it"},
    {"users", program_users, "users that are active now and then: how often are many of them at once?"},
};

/* Where the linker gathers the programs that files with STRATA_PROGRAM bring along; nowhere when there are
 * none. */
extern const struct strata_program_entry *const __start_strata_programs[] __attribute__((weak));
extern const struct strata_program_entry *const __stop_strata_programs[] __attribute__((weak));

const struct strata_program_entry *program_get(unsigned index)
{
    size_t built_in = sizeof programs / sizeof *programs;
    if (index < built_in)
        return &programs[index];
    const struct strata_program_entry *const *linked = __start_strata_programs;
    size_t linked_count = ((uintptr_t)__stop_strata_programs - (uintptr_t)linked) / sizeof *linked;
    return index - built_in < linked_count ? linked[index - built_in] : NULL;
}

bool program_explains(const struct strata_program_entry *entry)
{
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        if (entry == &programs[i])
            return true;
    return false;
}

const struct strata_program_entry *program_find(const char *name)
{
    const struct strata_program_entry *entry;
    for (unsigned i = 0; (entry = program_get(i)); i++)
        if (strcmp(entry->name, name) == 0)
            return entry;
    return NULL;
}
