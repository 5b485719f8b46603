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
    {"echo-server", program_echo_server, "give back what comes by TCP and UDP"},
    {"echo-client", program_echo_client, "send messages to an echo server and check what comes back"},
    {"ping", program_ping, "send echo requests to a host"},
    {"traceroute", program_traceroute, "show the routers on the way to a host"},
};

const struct strata_program_entry *program_get(unsigned index)
{
    return index < sizeof programs / sizeof *programs ? &programs[index] : NULL;
}

const struct strata_program_entry *program_find(const char *name)
{
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        if (strcmp(programs[i].name, name) == 0)
            return &programs[i];
    return NULL;
}
