/*
 * The options of strata lab: one table, of which the reader and the help are made.
 */
#include "tool/lab.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "lab/scenario_yaml.h"
#include "tool/picture.h"

int lab_wrong(const char *format, const char *value)
{
    char text[300];
    snprintf(text, sizeof text, format, value);
    return tool_complain(TOOL_USAGE, "%s; 'strata lab --help' explains", text);
}

/** A row of the table. Without a name it is a heading, which `help` says. */
struct row {
    const char *name;
    const char *value; /**< What the help calls its value; NULL: it takes none. */
    char letter;       /**< The short one, or 0. */
    enum { HEADING, FLAG, COUNT, TEXT, CALL } kind;
    size_t at; /**< FLAG, COUNT, TEXT: where in struct lab_options the bool, int or const char * is. */
    int (*call)(struct lab_options *options, const char *text); /**< CALL: @return 0 or the exit status. */
    const char *help;                                           /**< A line feed begins another line. */
};

static int set_seed(struct lab_options *options, const char *text)
{
    char *end;
    errno = 0;
    options->scenario.seed = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || options->scenario.seed == 0 ||
        options->scenario.seed > INT64_MAX)
        return lab_wrong("--seed %s: expected a whole number from 1 on", text);
    return 0;
}

static int set_duration(struct lab_options *options, const char *text)
{
    if (parse_duration(text, &options->scenario.duration) != 0 || options->scenario.duration == 0)
        return lab_wrong("--duration %s: expected a time such as 90s", text);
    options->duration_text = text;
    return 0;
}

static int set_curve(struct lab_options *options, const char *text)
{
    *(picture_wanted(text) ? &options->picture : &options->curve) = text;
    return 0;
}

static int show_help(struct lab_options *options, const char *text);

#define AT(field) offsetof(struct lab_options, field)
static const struct row rows[] = {
    {.help = "the run"},
    {"seed", "N", 0, CALL, 0, set_seed, "other randomness; the same seed gives the same bytes"},
    {"duration", "T", 0, CALL, 0, set_duration, "run at most that long, such as 90s"},

    {.help = "what is shown"},
    {"timeline", NULL, 0, FLAG, AT(timeline), NULL, "show what happens, one line each (the default)"},
    {"verbose", NULL, 'v', COUNT, AT(verbose), NULL, "more of it; twice: every frame on every cable"},
    {"quiet", NULL, 'q', FLAG, AT(quiet), NULL, "only the checks"},
    {"stats", NULL, 0, FLAG, AT(stats), NULL, "what each host and cable counted"},
    {"json", NULL, 0, FLAG, AT(json), NULL, "one JSON object with the result"},

    {.help = "what is written"},
    {"pcap", "FILE", 0, TEXT, AT(pcap), NULL,
     "write every frame to a pcapng file, with a comment on each fault"},
    {"pcap-dir", "DIR", 0, TEXT, AT(pcap_folder), NULL, "the same, a file per cable"},
    {"curve", "FILE", 0, CALL, 0, set_curve,
     "write cwnd, ssthresh, flight, round-trip time and queues over time as CSV;\n"
     "to a .svg or .png, draw windows and round-trip times (needs gnuplot); may be both"},

    {.help = "the rest"},
    {"help", NULL, 'h', CALL, 0, show_help, "explain all this"},
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])
enum { LONG_BASE = 256 };

/* ---- The help -------------------------------------------------------------------------------------------- */

static const char opening[] = "usage: strata lab FILE [OPTION ...]     run a scenario\n"
                              "       strata lab check FILE            only look for mistakes in it\n";
static const char closing[] =
    "\n"
    "exit status: 0 all checks hold, 1 some do not, 2 the scenario or the command is wrong\n"
    "\n"
    "examples:\n"
    "  strata lab examples/day-in-the-life/day.yaml\n"
    "  strata lab examples/lossy-link/transfer.yaml --seed 7 --quiet --pcap out.pcapng\n";

enum { HELP_COLUMN = 20 };

static void print_row(const struct row *row)
{
    char left[60];
    int length = snprintf(left, sizeof left, "  --%s%s%s", row->name, row->value ? " " : "",
                          row->value ? row->value : "");
    if (row->letter)
        length = snprintf(left, sizeof left, "  -%c, --%s", row->letter, row->name);
    printf("%s", left);
    if (length >= HELP_COLUMN) {
        printf("\n");
        length = 0;
    }
    for (const char *line = row->help; line;) {
        const char *end = strchr(line, '\n');
        int size = end ? (int)(end - line) : (int)strlen(line);
        printf("%*s%.*s\n", HELP_COLUMN - length, "", size, line);
        length = 0;
        line = end ? end + 1 : NULL;
    }
}

static int show_help(struct lab_options *options, const char *text)
{
    (void)options, (void)text;
    fputs(opening, stdout);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].kind == HEADING)
            printf("\n%s:\n", rows[i].help);
        else
            print_row(&rows[i]);
    }
    fputs(closing, stdout);
    exit(fflush(stdout) == 0 ? TOOL_OK : TOOL_FAILED);
}

/* ---- Reading --------------------------------------------------------------------------------------------- */

static int take(struct lab_options *options, const struct row *row, const char *text)
{
    void *at = (char *)options + row->at;
    switch (row->kind) {
    case HEADING:
        break;
    case FLAG:
        *(bool *)at = true;
        break;
    case COUNT:
        ++*(int *)at;
        break;
    case TEXT:
        *(const char **)at = text;
        break;
    case CALL:
        return row->call(options, text);
    }
    return 0;
}

static const struct row *row_of(int choice)
{
    if (choice >= LONG_BASE)
        return &rows[choice - LONG_BASE];
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (rows[i].letter && rows[i].letter == choice)
            return &rows[i];
    return NULL;
}

/** The table as getopt_long takes it. */
static void make_getopt(struct option *longs, char *shorts)
{
    *shorts++ = ':';
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].kind == HEADING)
            continue;
        *longs++ = (struct option){rows[i].name, rows[i].value ? required_argument : no_argument, NULL,
                                   LONG_BASE + (int)i};
        if (rows[i].letter)
            *shorts++ = rows[i].letter;
    }
    *longs = (struct option){0};
    *shorts = '\0';
}

int lab_options_read(struct lab_options *options, int argc, char **argv)
{
    struct option longs[ROW_COUNT + 1];
    char shorts[ROW_COUNT + 2];
    make_getopt(longs, shorts);
    int choice, status = 0;
    optind = 1;
    opterr = 0;
    while (status == 0 && (choice = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        const struct row *row = row_of(choice);
        if (row)
            status = take(options, row, optarg);
        else if (choice == ':')
            status = lab_wrong("%s needs a value", argv[optind - 1]);
        else
            status = lab_wrong("there is no option %s", argv[optind - 1]);
    }
    if (status == 0 && optind < argc && strcmp(argv[optind], "check") == 0) {
        options->only_check = true;
        optind++;
    }
    if (status == 0 && optind == argc)
        status = lab_wrong("%s", "which scenario?");
    else if (status == 0 && optind + 1 < argc)
        status = lab_wrong("%s: one scenario at a time", argv[optind + 1]);
    if (status == 0)
        options->file = argv[optind];
    return status;
}
