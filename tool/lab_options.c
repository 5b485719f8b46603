/*
 * The options of strata lab: one table, of which the reader and the help are made.
 */
#include "tool/lab.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lab/scenario_yaml.h"
#include "tool/lab_wireshark.h"
#include "tool/picture.h"
#include "tool/sheet.h"

int lab_wrong(const char *format, const char *value)
{
    char text[300];
    snprintf(text, sizeof text, format, value);
    return tool_complain(TOOL_USAGE, "%s; 'strata lab --help' explains", text);
}

/** A row of the table. Without a name it is a heading, which `help` says. */
struct row {
    const char *name;
    const char *value; /**< What the help calls its value; NULL: it takes none. "[=...": it may have one. */
    char letter;       /**< The short one, or 0. */
    enum { HEADING, FLAG, COUNT, TEXT, CALL } kind;
    size_t at; /**< FLAG, COUNT, TEXT: where in struct lab_options the bool, int or const char * is. */
    int (*call)(struct lab_options *options, const char *text); /**< CALL: @return 0 or the exit status. */
    const char *help;                                           /**< A line feed begins another line. */
    unsigned verbs; /**< What it goes with: bits of enum lab_verb; 0: with one run. */
    bool again;     /**< It belongs to the command that replays a run. */
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

/** @return 0 or the exit status. */
static int read_time(const char *text, strata_time *time, const char *complaint)
{
    return parse_duration(text, time) != 0 || *time == 0 ? lab_wrong(complaint, text) : 0;
}

static int set_duration(struct lab_options *options, const char *text)
{
    return read_time(text, &options->scenario.duration, "--duration %s: expected a time such as 90s");
}

static int set_from(struct lab_options *options, const char *text)
{
    return read_time(text, &options->from, "--from %s: expected a time such as 1.5s");
}

static int set_until(struct lab_options *options, const char *text)
{
    return read_time(text, &options->scenario.until, "--until %s: expected a time such as 2.5s");
}

static int set_timeout(struct lab_options *options, const char *text)
{
    strata_time time = 0;
    int status = read_time(text, &time, "--timeout %s: expected a time such as 10s");
    options->timeout_ns = time;
    options->timeout_text = text;
    return status;
}

static int set_curve(struct lab_options *options, const char *text)
{
    *(picture_wanted(text) ? &options->picture : &options->curve) = text;
    return 0;
}

static int add_set(struct lab_options *options, const char *text)
{
    const char **sets = realloc(options->sets, (options->set_count + 1) * sizeof *sets);
    if (!sets)
        return tool_complain(TOOL_FAILED, "out of memory");
    options->sets = sets;
    sets[options->set_count++] = text;
    return 0;
}

static int set_wireshark(struct lab_options *options, const char *text)
{
    options->wireshark = text ? text : LAB_WIRESHARK;
    return 0;
}

static int set_seeds(struct lab_options *options, const char *text)
{
    return seeds_parse(&options->seeds, text) ? 0
                                              : lab_wrong("--seeds %s: expected seeds such as 1-1000 or 1-10,17", text);
}

static int set_shard(struct lab_options *options, const char *text)
{
    return seeds_parse_shard(&options->seeds, text)
               ? 0
               : lab_wrong("--shard %s: expected which of how many, such as 2/8", text);
}

static int set_jobs(struct lab_options *options, const char *text)
{
    char *end;
    unsigned long jobs = *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;
    if (jobs == 0 || jobs > 1024 || *end)
        return lab_wrong("--jobs %s: expected a number of processes from 1 to 1024", text);
    options->jobs = (unsigned)jobs;
    return 0;
}

static int add_measure(struct lab_options *options, const char *text)
{
    return figures_add(&options->figures, text) ? 0 : lab_wrong("--measure %s: that is one too many", text);
}

static int add_grid(struct lab_options *options, const char *text)
{
    const char *wrong = grid_add(&options->grid, text);
    return wrong ? tool_complain(TOOL_USAGE, "--grid %s: %s", text, wrong) : 0;
}

static int set_plot(struct lab_options *options, const char *text)
{
    options->plot = text;
    return picture_wanted(text) ? 0 : lab_wrong("--plot %s: a picture is a .svg or a .png", text);
}

static int set_port(struct lab_options *options, const char *text)
{
    char *end;
    long port = strtol(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || port > 65535)
        return lab_wrong("--port %s: expected a number from 0 to 65535", text);
    options->port = (uint16_t)port;
    return 0;
}

static int show_help(struct lab_options *options, const char *text);

/** What goes with one run and with many; and with many alone. */
#define MANY_TOO (LAB_RUN | LAB_MANY | LAB_SWEEP)
#define MANY_ONLY (LAB_MANY | LAB_SWEEP)
#define AT(field) offsetof(struct lab_options, field)
static const struct row rows[] = {
    {.help = "the run"},
    {"seed", "N", 0, CALL, 0, set_seed, "other randomness; the same seed gives the same bytes",
     MANY_TOO, false},
    {"duration", "T", 0, CALL, 0, set_duration, "virtual time that it may take, such as 90s", MANY_TOO,
     true},
    {"until", "T", 0, CALL, 0, set_until, "go to that point of virtual time, and no further", LAB_RUN, false},
    {"set", "NAME=VALUE", 0, CALL, 0, add_set, "a parameter of the scenario; FILE --help lists them", ~0u, true},
    {"real", NULL, 0, FLAG, AT(real), NULL,
     "keep pace with the machine's clock; nodes that are outside are then real machines", LAB_RUN, true},
    {"timeout", "T", 0, CALL, 0, set_timeout, "real time that a run may take", MANY_TOO, false},

    {"live", NULL, 0, FLAG, AT(live), NULL,
     "the page of --report while the lab runs, served on the loopback, with play, pause, step, speed, cables to cut "
     "and hosts to crash",
     LAB_RUN, false},
    {"port", "N", 0, CALL, 0, set_port, "of --live; any that is free unless given", LAB_RUN, false},

    {.help = "many runs"},
    {"seeds", "LIST", 0, CALL, 0, set_seeds, "a run with each of them, such as 1-10000 or 1-10,17", MANY_ONLY, false},
    {"jobs", "N", 'j', CALL, 0, set_jobs, "processes that share the work; as many as processors unless given",
     MANY_ONLY, false},
    {"keep-going", NULL, 'k', FLAG, AT(keep_going), NULL, "do not stop at the first run that fails", LAB_MANY, false},
    {"shard", "I/N", 0, CALL, 0, set_shard, "of all runs only the I-th of N parts, for a job on each of N machines",
     MANY_ONLY, false},
    {"measure", "WHAT", 0, CALL, 0, add_measure,
     "tell this number of the runs: a check's name, a counter, NODE:COUNTER, NODE:goodput, LINK:lost, LINK:throughput, "
     "done, frames ...; may be repeated",
     MANY_ONLY, false},
    {"grid", "NAME=V,V ...", 0, CALL, 0, add_grid,
     "of sweep: a parameter of the scenario and its values; may be repeated, for every combination", LAB_SWEEP, false},

    {.help = "what is shown"},
    {"timeline", NULL, 0, FLAG, AT(timeline), NULL, "what happens, one line each (the default)", LAB_RUN, false},
    {"from", "T", 0, CALL, 0, set_from, "the timeline begins at that point", LAB_RUN, false},
    {"verbose", NULL, 'v', COUNT, AT(verbose), NULL, "more of it; twice: every frame on every cable", LAB_RUN, false},
    {"quiet", NULL, 'q', FLAG, AT(quiet), NULL, "only the checks, or only what fails", MANY_TOO, false},
    {"stats", NULL, 0, FLAG, AT(stats), NULL, "what each host and cable counted", LAB_RUN, false},
    {"json", NULL, 0, FLAG, AT(json), NULL, "the result as one JSON object", MANY_TOO | LAB_CHECK, false},
    {"jsonl", NULL, 0, FLAG, AT(jsonl), NULL,
     "JSON, a line for each thing that happens, or for each run; the last is the result", MANY_TOO, false},

    {.help = "what is written"},
    {"pcap", "FILE", 0, TEXT, AT(pcap), NULL, "every frame as pcapng, with a comment on each fault", LAB_RUN, false},
    {"pcap-dir", "DIR", 0, TEXT, AT(pcap_folder), NULL, "the same, a file per cable", LAB_RUN, false},
    {"pcap-hosts", "DIR", 0, TEXT, AT(pcap_hosts), NULL, "a file per host: what it sent and what came to it", LAB_RUN,
     false},
    {"wireshark", "[=COMMAND]", 0, CALL, 0, set_wireshark,
     "pipe them to Wireshark while the world runs, or to another command: --wireshark='tshark -r -'", LAB_RUN, false},
    {"curve", "FILE", 0, CALL, 0, set_curve,
     "windows, flight, round-trip times and queues over time as CSV; to a .svg or .png, a picture of them (needs "
     "gnuplot); may be both",
     LAB_RUN, false},
    {"junit", "FILE", 0, TEXT, AT(junit), NULL, "checks, or runs, as test cases in JUnit's XML", MANY_TOO, false},
    {"csv", "FILE", 0, TEXT, AT(csv), NULL, "of sweep: what was measured at each point as CSV; - is standard output",
     LAB_SWEEP, false},
    {"plot", "FILE", 0, CALL, 0, set_plot, "of sweep: a picture of it, .svg or .png (needs gnuplot)", LAB_SWEEP, false},
    {"shrink", "FILE", 0, TEXT, AT(shrink), NULL,
     "where a run fails: a scenario that is as small as can be and fails in the same way", LAB_RUN | LAB_MANY, false},
    {"report", "FILE", 0, TEXT, AT(report), NULL,
     "a page that shows the whole run and opens in any browser: network, diagrams, curves, every frame; to a .json, "
     "its data",
     LAB_RUN, false},

    {.help = "the rest"},
    {"expanded", NULL, 0, FLAG, AT(expanded), NULL,
     "of check: the scenario as it is without includes, parameters, templates and repetition", LAB_CHECK, false},
    {"help", NULL, 'h', CALL, 0, show_help, "explain all this; with FILE: what may be chosen of it", ~0u, false},
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])
enum { LONG_BASE = 256 };

/* ---- The help -------------------------------------------------------------------------------------------- */

static const char opening[] = "usage: strata lab FILE [OPTION ...]                run a scenario\n"
                              "       strata lab FILE --seeds LIST [OPTION ...]   run it again and again\n"
                              "       strata lab sweep FILE --grid NAME=V,V ...   one run for each value\n"
                              "       strata lab check FILE ...                   look for mistakes in it\n"
                              "       strata lab FILE --help                      what may be chosen of it\n"
                              "       strata lab schema                           the language as a JSON schema\n";
static const char closing[] =
    "\n"
    "exit status: 0 all checks hold, 1 some do not or something went wrong, 2 the\n"
    "scenario or the command is wrong; 130 and 143: ended by SIGINT or SIGTERM, after\n"
    "what was gathered was written\n"
    "\n"
    "examples:\n"
    "  strata lab examples/day-in-the-life/day.yaml\n"
    "  strata lab examples/lossy-link/transfer.yaml --seed 7 --quiet --pcap x.pcapng\n"
    "  strata lab examples/lossy-link/transfer.yaml --seeds 1-1000 --keep-going\n"
    "  strata lab sweep examples/lossy-link/transfer.yaml --grid loss=0%,5%,10% \\\n"
    "      --seeds 1-20 --plot loss.svg\n"
    "  strata lab examples/lossy-link/transfer.yaml --quiet --report run.html\n"
    "  strata lab examples/day-in-the-life/day.yaml --live\n"
    "  sudo strata lab examples/real/machine.yaml --real --set machine=real\n";

enum { HELP_COLUMN = 20 };

static void print_row(const struct row *row)
{
    char left[60], letter[8] = "";
    if (row->letter)
        snprintf(letter, sizeof letter, "-%c, ", row->letter);
    bool joined = row->value && *row->value == '[';
    int length = snprintf(left, sizeof left, "  %s--%s%s%s", letter, row->name, row->value && !joined ? " " : "",
                          row->value ? row->value : "");
    fputs(left, stdout);
    if (length >= HELP_COLUMN) {
        putchar('\n');
        length = 0;
    }
    printf("%*s", HELP_COLUMN - length, "");
    sheet_fold(stdout, row->help, HELP_COLUMN, HELP_COLUMN, SHEET_WIDTH);
}

static int show_help(struct lab_options *options, const char *text)
{
    (void)text;
    options->help = true;
    return 0;
}

static void print_help(void)
{
    fputs(opening, stdout);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].kind == HEADING)
            printf("\n%s:\n", rows[i].help);
        else
            print_row(&rows[i]);
    }
    fputs(closing, stdout);
    exit(tool_flush(TOOL_OK));
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

static int value_of_row(const struct row *row)
{
    return !row->value ? no_argument : *row->value == '[' ? optional_argument : required_argument;
}

/** The table as getopt_long takes it. */
static void make_getopt(struct option *longs, char *shorts)
{
    *shorts++ = ':';
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].kind == HEADING)
            continue;
        *longs++ = (struct option){rows[i].name, value_of_row(&rows[i]), NULL,
                                   LONG_BASE + (int)i};
        if (rows[i].letter)
            *shorts++ = rows[i].letter;
        if (rows[i].letter && rows[i].value)
            *shorts++ = ':';
    }
    *longs = (struct option){0};
    *shorts = '\0';
}

/** Remembers an option for the command that replays. */
static int keep(struct lab_options *options, const struct row *row, const char *text)
{
    char *words = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&words, &size);
    if (to) {
        fprintf(to, "%s --%s", options->again ? options->again : "", row->name);
        if (text) {
            fputc(' ', to);
            lab_print_word(to, text);
        }
        fclose(to);
    }
    if (!words)
        return tool_complain(TOOL_FAILED, "out of memory");
    free(options->again);
    options->again = words;
    return 0;
}

void lab_print_word(FILE *to, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%^";
    if (*word && strspn(word, plain) == strlen(word)) {
        fputs(word, to);
        return;
    }
    fputc('\'', to);
    for (; *word; word++) {
        if (*word == '\'')
            fputs("'\\'", to);
        fputc(*word, to);
    }
    fputc('\'', to);
}

void lab_print_again(FILE *to, const struct lab_options *options, uint64_t seed)
{
    fputs("strata lab ", to);
    lab_print_word(to, options->file);
    fprintf(to, " --seed %" PRIu64 "%s\n", seed, options->again ? options->again : "");
}

/** The words that are no options: what to do, and with which scenario. */
static int read_words(struct lab_options *options, int argc, char **argv)
{
    static const struct {
        const char *word;
        enum lab_verb verb;
    } verbs[] = {{"check", LAB_CHECK}, {"sweep", LAB_SWEEP}, {"schema", LAB_SCHEMA}};
    options->verb = LAB_RUN;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs && optind < argc; i++)
        if (strcmp(argv[optind], verbs[i].word) == 0) {
            options->verb = verbs[i].verb;
            optind++;
            break;
        }
    // What is to be shrunk may crash: that is a matter for workers too.
    if (options->verb == LAB_RUN && (options->seeds.count > 0 || options->shrink))
        options->verb = LAB_MANY;
    if (options->seeds.count > 0 && options->scenario.seed)
        return lab_wrong("%s", "--seed and --seeds do not go together");
    if (optind >= argc && options->help)
        print_help();
    if (options->json && options->expanded)
        return lab_wrong("%s", "--json and --expanded do not go together");
    if (options->verb == LAB_SCHEMA)
        return optind < argc ? lab_wrong("schema takes no scenario: %s", argv[optind]) : 0;
    if (optind >= argc)
        return tool_complain(TOOL_USAGE, "which scenario? 'strata lab --help' explains");
    options->files = argv + optind;
    options->file_count = argc - optind;
    if (optind + 1 < argc && options->verb != LAB_CHECK)
        return lab_wrong("%s: one scenario at a time", argv[optind + 1]);
    options->file = argv[optind];
    return 0;
}

/** Whether every option that was used goes with what is to be done. */
static int check_uses(const struct lab_options *options, const bool *used)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (used[i] && !((rows[i].verbs ? rows[i].verbs : LAB_RUN) & options->verb))
            return lab_wrong(options->verb == LAB_SWEEP   ? "--%s does not go with 'sweep'"
                             : options->verb == LAB_MANY    ? "--%s goes with one run, not with --seeds or --shrink"
                             : rows[i].verbs == LAB_SWEEP ? "--%s goes with 'strata lab sweep'"
                             : rows[i].verbs == LAB_CHECK ? "--%s goes with 'strata lab check'"
                             : options->verb == LAB_CHECK ? "--%s does not go with 'check', which runs nothing"
                                                          : "--%s goes with many runs: give --seeds too",
                             rows[i].name);
    return 0;
}

int lab_options_read(struct lab_options *options, int argc, char **argv)
{
    struct option longs[ROW_COUNT + 1];
    char shorts[2 * ROW_COUNT + 2];
    bool used[ROW_COUNT] = {false};
    make_getopt(longs, shorts);
    int choice, status = 0;
    optind = 1;
    opterr = 0;
    while (status == 0 && (choice = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        const struct row *row = row_of(choice);
        if (row) {
            used[row - rows] = true;
            status = take(options, row, optarg);
            if (!status && row->again)
                status = keep(options, row, optarg);
        } else if (choice == ':') {
            status = lab_wrong("%s needs a value", argv[optind - 1]);
        } else {
            status = lab_wrong("there is no option %s", argv[optind - 1]);
        }
    }
    if (status == 0)
        status = read_words(options, argc, argv);
    return status ? status : check_uses(options, used);
}
