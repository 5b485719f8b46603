/*
 * strata settings, strata counters: what a host can be told, and what it counts.
 */
#include <stdio.h>
#include <string.h>
#include <strata/strata.h>

#include "base/settings.h"
#include "tool/tool.h"

/** @return an exit status, or -1: print the list, *json says how. */
static int list_words(int argc, char **argv, const char *help, bool *json)
{
    *json = false;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--json")) {
            *json = true;
        } else if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            fputs(help, stdout);
            return TOOL_OK;
        } else {
            return tool_complain(TOOL_USAGE, "%s takes no '%s'", argv[0], argv[i]);
        }
    }
    return -1;
}

int tool_settings(int argc, char **argv)
{
    bool json;
    int status = list_words(argc, argv,
                            "usage: strata settings [--json]\n\n"
                            "Lists every setting of a host with its bounds, default and meaning.\n"
                            "\nexample:\n  strata settings | grep ttl\n",
                            &json);
    if (status >= 0)
        return status;
    int64_t minimum, maximum, initial;
    const char *name, *meaning;
    if (json)
        putchar('[');
    for (unsigned i = 0; (name = settings_name(i, &minimum, &maximum, &initial, &meaning)); i++)
        if (json)
            printf("%s{\"name\": \"%s\", \"minimum\": %lld, \"maximum\": %lld, \"default\": %lld, "
                   "\"meaning\": \"%s\"}",
                   i ? ",\n " : "", name, (long long)minimum, (long long)maximum, (long long)initial,
                   meaning);
        else
            printf("%-42s %10lld  (%lld to %lld)\n    %s\n", name, (long long)initial, (long long)minimum,
                   (long long)maximum, meaning);
    if (json)
        puts("]");
    return TOOL_OK;
}

int tool_counters(int argc, char **argv)
{
    bool json;
    int status = list_words(argc, argv,
                            "usage: strata counters [--json]\n\n"
                            "Lists everything a host counts, drop reasons included.\n"
                            "\nexample:\n  strata counters | grep drop\n",
                            &json);
    if (status >= 0)
        return status;
    if (json)
        putchar('[');
    for (unsigned i = 1; i < strata_counters(); i++)
        if (json)
            printf("%s{\"name\": \"%s\", \"meaning\": \"%s\"}", i > 1 ? ",\n " : "", strata_counter_name(i),
                   strata_counter_help(i));
        else
            printf("%-36s %s\n", strata_counter_name(i), strata_counter_help(i));
    if (json)
        puts("]");
    return TOOL_OK;
}
