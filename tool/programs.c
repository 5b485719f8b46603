/*
 * Verbs that run one of the built-in programs: on the kernel's sockets, or on a Strata host behind an
 * interface.
 *
 * The words of the world are taken out; all others are the program's, which checks them itself.
 */
#include "app/programs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/tool.h"
#include "tool/world.h"

/** Splits argv into world options and words for the program. @return an exit status, -1: go on. */
static int split_words(int argc, char **argv, struct world_options *options, char **words, int *count,
                       const char *help)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            fputs(help, stdout);
            fputs(world_help, stdout);
            return TOOL_OK;
        }
        int taken = world_option(options, argc, argv, &i);
        if (taken < 0)
            return TOOL_USAGE;
        if (taken == 0)
            words[(*count)++] = argv[i];
    }
    return -1;
}

static int run_program(const char *name, int argc, char **argv, const char *help)
{
    const struct strata_program_entry *entry = program_find(name);
    if (!entry)
        return tool_complain(TOOL_USAGE, "no program '%s'; 'strata run' lists them", name);
    struct world_options options = {0};
    char **words = calloc((size_t)argc + 2, sizeof *words);
    if (!words)
        return tool_complain(TOOL_FAILED, "out of memory");
    int count = 1;
    words[0] = (char *)entry->name;
    int status = split_words(argc, argv, &options, words, &count, help);
    struct world *world = NULL;
    if (status < 0)
        status = world_open(&world, &options);
    if (world) {
        status = world_start(world, entry->name, entry->main, count, words, true);
        if (!status)
            status = world_run(world);
        status = world_close(world, status);
    }
    free(words);
    return status;
}

/** `run NAME --help`: what the program says of itself. @return an exit status. */
static int explain(const struct strata_program_entry *entry)
{
    printf("%s: %s\n", entry->name, entry->help);
    if (program_explains(entry))
        putchar('\n');
    fflush(stdout);
    struct world *world = NULL;
    struct world_options options = {0};
    char *words[] = {(char *)entry->name, (char *)"--help", NULL};
    if (program_explains(entry) && world_open(&world, &options) >= 0 && world) {
        if (world_start(world, entry->name, entry->main, 2, words, true) == 0)
            world_run(world);
        world_close(world, TOOL_OK);
    }
    fputs(world_help, stdout);
    return TOOL_OK;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return true;
    return false;
}

int tool_fetch(int argc, char **argv)
{
    return run_program("http-client", argc, argv,
                       "usage: strata fetch URL... [-o FILE] [OPTION ...]\n\n"
                       "Fetches a page or file by HTTP/1.1 and writes it to standard output or FILE.\n"
                       "  -o FILE             write the body there\n"
                       "  --head              ask for the header only\n"
                       "  --include           print the header too\n"
                       "  --range FIRST-LAST  these bytes only\n"
                       "  --upload FILE       PUT a file there\n"
                       "  --close             a connection for each URL\n"
                       "  --parallel N        after the first URL, the others over N connections at once\n"
                       "  --pipeline          after the first URL, all other requests at once\n"
                       "\nexamples:\n"
                       "  strata fetch http://127.0.0.1:8080/index.html\n"
                       "  sudo strata fetch http://10.9.0.1/big -o big --tap tap0 --address 10.9.0.2/24\n");
}

int tool_ping(int argc, char **argv)
{
    return run_program(
        "ping", argc, argv,
        "usage: strata ping HOST [-c COUNT] [-s BYTES] [-i SECONDS] [-W SECONDS] [-t TTL] [OPTION ...]\n\n"
        "Sends ICMP echo requests and tells of the answers. Exit status 1: none came.\n"
        "\nexamples:\n"
        "  strata ping 127.0.0.1 -c 3\n"
        "  sudo strata ping 10.9.0.1 -s 8000 --tap tap0 --address 10.9.0.2/24\n");
}

int tool_traceroute(int argc, char **argv)
{
    return run_program(
        "traceroute", argc, argv,
        "usage: strata traceroute HOST [-m HOPS] [-w SECONDS] [OPTION ...]\n\n"
        "Sends UDP datagrams of growing TTL and tells who reports that they ended.\n"
        "\nexample:\n"
        "  sudo strata traceroute 192.0.2.1 --tap tap0 --address 10.9.0.2/24 --gateway 10.9.0.1\n");
}

int tool_dig(int argc, char **argv)
{
    return run_program("dig", argc, argv,
                       "usage: strata dig [@SERVER] NAME [TYPE] [OPTION ...]\n\n"
                       "Asks a name server and prints what it says.\n"
                       "\nexample:\n"
                       "  strata dig @127.0.0.1 www.example.test A\n");
}

int tool_run(int argc, char **argv)
{
    const struct strata_program_entry *known = argc >= 2 ? program_find(argv[1]) : NULL;
    if (known && asks_for_help(argc - 1, argv + 1))
        return explain(known);
    if (argc >= 2 && argv[1][0] != '-')
        return run_program(argv[1], argc - 1, argv + 1,
                           "usage: strata run PROGRAM [ARGUMENT ...] [OPTION ...]\n");
    puts("usage: strata run PROGRAM [ARGUMENT ...] [OPTION ...]\n\n"
         "Runs a built-in program, the same that scenarios of the lab run:\n");
    const struct strata_program_entry *entry;
    for (unsigned i = 0; (entry = program_get(i)); i++)
        printf("  %-18s%s\n", entry->name, entry->help);
    fputs(world_help, stdout);
    fputs("\nexamples:\n  strata run echo-server --port 7007\n  strata run traffic --help\n", stdout);
    return argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ? TOOL_OK : TOOL_USAGE;
}
