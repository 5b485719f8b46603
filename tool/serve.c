/*
 * strata serve: a folder by HTTP; a zone by DNS, addresses by DHCP, echo, side by side on one host.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/programs.h"
#include "tool/tool.h"
#include "tool/world.h"

static const char serve_help[] =
    "usage: strata serve [DIR] [OPTION ...]\n\n"
    "Serves a folder by HTTP/1.1 (default: the current one), and more when asked.\n"
    "  --port N                    HTTP port; 80 on a host of its own, 8080 on the kernel's sockets\n"
    "  --allow-put                 accept uploads by PUT\n"
    "  --listing                   list folders that have no index.html\n"
    "  --no-http                   do not serve a folder\n"
    "  --dns ZONEFILE              answer for a zone (RFC 1035 master file) at port 53\n"
    "  --dhcp-range FIRST-LAST     give addresses to others (with --tap or --unix)\n"
    "  --lease SECONDS             for how long\n"
    "  --router A, --dns-server A  what to tell them besides\n"
    "  --echo                      echo at port 7, TCP and UDP\n"
    "\nlimits for peers that are slow on purpose, on a host of its own (--tap, --tun, --unix):\n"
    "  --set strata.tcp_send_stall_ms=N     end who takes nothing of what waits for him in so many ms\n"
    "  --set strata.tcp_receive_stall_ms=N  end who sends nothing, idle or in the middle of a request\n"
    "  --set strata.tcp_send_rate=N, --set strata.tcp_receive_rate=N\n"
    "                              end who takes, or sends, fewer octets a second over 10 s\n"
    "\nexamples:\n"
    "  strata serve ~/public --port 8080\n"
    "  sudo strata serve . --tap tap0 --address 10.9.0.2/24\n"
    "      then: sudo ip addr add 10.9.0.1/24 dev tap0; sudo ip link set tap0 up; curl http://10.9.0.2/\n";

/** Words for one of the programs. */
struct words {
    char *list[24];
    int count;
};

static void add_word(struct words *words, const char *word)
{
    if (words->count < 23)
        words->list[words->count++] = (char *)word;
}

struct serve {
    struct world_options world;
    struct words http, dns, dhcp, echo;
    const char *folder, *port;
    bool no_http, use_dns, use_dhcp, use_echo;
};

/** Words that take a value and belong to one of the programs. @return 1: taken, 0: not ours, -1: complained.
 */
static int serve_value(struct serve *serve, int argc, char **argv, int *index)
{
    const char *word = argv[*index];
    const struct {
        const char *word, *passed; /**< As the program calls it; NULL: without a word. */
        struct words *words;
        bool *use;
    } table[] = {
        {"--dns", NULL, &serve->dns, &serve->use_dns},
        {"--dhcp-range", "--range", &serve->dhcp, &serve->use_dhcp},
        {"--lease", "--lease", &serve->dhcp, NULL},
        {"--router", "--router", &serve->dhcp, NULL},
        {"--dns-server", "--dns-server", &serve->dhcp, NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(word, table[i].word))
            continue;
        if (*index + 1 >= argc) {
            tool_complain(TOOL_USAGE, "%s needs a value", word);
            return -1;
        }
        if (table[i].passed)
            add_word(table[i].words, table[i].passed);
        add_word(table[i].words, argv[++*index]);
        if (table[i].use)
            *table[i].use = true;
        return 1;
    }
    return 0;
}

static int serve_flag(struct serve *serve, int argc, char **argv, int *index)
{
    const char *word = argv[*index];
    if (!strcmp(word, "--allow-put") || !strcmp(word, "--listing"))
        add_word(&serve->http, word);
    else if (!strcmp(word, "--no-http"))
        serve->no_http = true;
    else if (!strcmp(word, "--echo"))
        serve->use_echo = true;
    else if (!strcmp(word, "--port") && *index + 1 < argc)
        serve->port = argv[++*index];
    else if (word[0] == '-')
        return tool_complain(TOOL_USAGE,
                             "serve: no option '%s', or it needs a value; see 'strata serve --help'", word);
    else if (serve->folder)
        return tool_complain(TOOL_USAGE, "serve takes one folder, not '%s' and '%s'", serve->folder, word);
    else
        serve->folder = word;
    return 0;
}

static int serve_parse(struct serve *serve, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            fputs(serve_help, stdout);
            fputs(world_help, stdout);
            return TOOL_OK;
        }
        int taken = world_option(&serve->world, argc, argv, &i);
        if (taken == 0)
            taken = serve_value(serve, argc, argv, &i);
        if (taken < 0 || (taken == 0 && serve_flag(serve, argc, argv, &i)))
            return TOOL_USAGE;
    }
    if (serve->use_dhcp && !serve->world.interface)
        return tool_complain(TOOL_USAGE, "--dhcp-range needs a wire of its own: --tap NAME or --unix PATH");
    return -1;
}

static int serve_start(struct world *world, const char *name, struct words *words)
{
    const struct strata_program_entry *entry = program_find(name);
    if (!entry)
        return tool_complain(TOOL_FAILED, "this build has no %s", name);
    return world_start(world, entry->name, entry->main, words->count, words->list, true);
}

int tool_serve(int argc, char **argv)
{
    struct serve serve = {0};
    add_word(&serve.http, "http-server");
    add_word(&serve.dns, "dns-server");
    add_word(&serve.dhcp, "dhcp-server");
    add_word(&serve.echo, "echo-server");
    int status = serve_parse(&serve, argc, argv);
    if (status >= 0)
        return status;
    add_word(&serve.http, serve.folder ? serve.folder : ".");
    add_word(&serve.http, "--port");
    add_word(&serve.http, serve.port ? serve.port : serve.world.interface ? "80" : "8080");
    struct world *world;
    status = world_open(&world, &serve.world);
    if (status)
        return status;
    if (!serve.no_http)
        status = serve_start(world, "http-server", &serve.http);
    if (!status && serve.use_dns)
        status = serve_start(world, "dns-server", &serve.dns);
    if (!status && serve.use_dhcp)
        status = serve_start(world, "dhcp-server", &serve.dhcp);
    if (!status && serve.use_echo)
        status = serve_start(world, "echo-server", &serve.echo);
    if (!status)
        status = world_run(world);
    return world_close(world, status);
}
