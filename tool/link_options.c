/*
 * The words of `strata link`. Impairments have the words and units of scenarios (docs/scenarios.md);
 * --reorder is netem's, frames that go early, unless --reorder-delay makes them late.
 */
#include "tool/link.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/scenario_yaml.h"
#include "tool/tool.h"

#define LINK_WORDS_MAX 32

static const char link_help[] =
    "usage: strata link --between A --between B [OPTION ...]\n\n"
    "A cable in real time: what enters at one end leaves at the other, late, lost or damaged as asked for.\n"
    "An end is\n"
    "  NAME                a TAP interface, made if need be (needs CAP_NET_ADMIN); also tap:NAME\n"
    "  if:NAME             an interface that is there, such as one of a veth pair (needs CAP_NET_RAW); "
    "frames\n"
    "                      must come to it complete: ethtool -K PEER tx off at its other side\n"
    "  unix:PATH           a Unix socket at which link listens: any verb with --unix PATH connects, and so "
    "does\n"
    "                      a virtual machine (QEMU's -netdev stream); no privilege needed\n"
    "\nfor both directions:\n"
    "  --rate R            bits per second: 100mbit; frames wait for their turn\n"
    "  --limit N           so many frames wait at most, 1000 unless given\n"
    "  --delay T           propagation: 20ms. The round trip is twice that\n"
    "  --jitter T          each frame takes up to so much longer; the order is kept\n"
    "  --loss P            each frame is lost with this probability: 1%\n"
    "  --gemodel P:R[:L]   bursts after Gilbert and Elliott: from good to bad, back, loss in the bad state "
    "(100%)\n"
    "  --duplicate P       a second copy travels by itself\n"
    "  --corrupt P         one bit is flipped\n"
    "  --reorder P         this share goes at once, without the delay, and so passes others, as with netem\n"
    "  --reorder-delay T   this share is late by T instead\n"
    "for one direction, instead of the above; may be repeated:\n"
    "  --a-to-b WORD=VALUE[,WORD=VALUE ...]    from the first end to the second: --a-to-b loss=2%,delay=5ms\n"
    "  --b-to-a WORD=VALUE[,WORD=VALUE ...]    back\n"
    "\n"
    "  --seed N            other randomness. The same seed loses the same frames of each direction, by "
    "number\n"
    "  --duration T        end after that long; otherwise a signal ends it\n"
    "  --stats [T]         a line per direction each second, or each T\n"
    "  --json              the result as one JSON object; with --stats one more per interval and line\n"
    "  --pcap FILE         write every frame to a pcapng file, with a comment on each fault\n"
    "  --no-realtime       do not ask the kernel for real-time priority\n"
    "\nSIGUSR1 prints the statistics so far; SIGINT and SIGTERM end it with them.\n"
    "\nexamples:\n"
    "  sudo strata link --between tap0 --between tap1 --rate 100mbit --delay 20ms --loss 1%\n"
    "  strata link --between unix:/tmp/a --between unix:/tmp/b --delay 50ms &\n"
    "  strata serve . --unix /tmp/a --address 10.9.0.1/24 &\n"
    "  strata fetch http://10.9.0.1/README.md --unix /tmp/b --address 10.9.0.2/24\n";

/* ---- Impairments ----------------------------------------------------------------------------------------
 */

static int set_gemodel(struct strata_impairment *impairment, const char *text)
{
    char copy[64], *rest = copy;
    if (strlen(text) >= sizeof copy)
        return -EINVAL;
    strcpy(copy, text);
    uint32_t *const into[] = {&impairment->burst_enter_ppm, &impairment->burst_leave_ppm,
                              &impairment->burst_loss_ppm};
    unsigned count = 0;
    for (char *part; (part = strsep(&rest, ":")) != NULL; count++) {
        int error = count == 3 ? -EINVAL : parse_share(part, into[count]);
        if (error)
            return error;
    }
    return count < 2 ? -EINVAL : 0;
}

static int set_rate(struct strata_impairment *impairment, const char *text)
{
    return parse_rate(text, &impairment->rate_bps);
}

static int set_delay(struct strata_impairment *impairment, const char *text)
{
    return parse_duration(text, &impairment->delay_ns);
}

static int set_jitter(struct strata_impairment *impairment, const char *text)
{
    return parse_duration(text, &impairment->jitter_ns);
}

static int set_loss(struct strata_impairment *impairment, const char *text)
{
    return parse_share(text, &impairment->loss_ppm);
}

static int set_duplicate(struct strata_impairment *impairment, const char *text)
{
    return parse_share(text, &impairment->duplicate_ppm);
}

static int set_corrupt(struct strata_impairment *impairment, const char *text)
{
    return parse_share(text, &impairment->corrupt_ppm);
}

static int set_reorder(struct strata_impairment *impairment, const char *text)
{
    return parse_share(text, &impairment->reorder_ppm);
}

static int set_reorder_delay(struct strata_impairment *impairment, const char *text)
{
    int error = parse_duration(text, &impairment->reorder_ns);
    return !error && impairment->reorder_ns == 0 ? -ERANGE : error;
}

static int set_limit(struct strata_impairment *impairment, const char *text)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end)
        return -EINVAL;
    if (errno || value == 0 || value > 100000000)
        return -ERANGE;
    impairment->queue_frames = (uint32_t)value;
    return 0;
}

static const struct impairment_word {
    const char *word;
    int (*set)(struct strata_impairment *impairment, const char *text);
    const char *expected;
} impairment_words[] = {
    {"rate", set_rate, "a rate such as 64kbit, 10mbit or 2.5gbit"},
    {"delay", set_delay, "a time such as 250us, 10ms or 1.5s"},
    {"jitter", set_jitter, "a time such as 250us, 10ms or 1.5s"},
    {"loss", set_loss, "a share such as 3% or 0.01%"},
    {"gemodel", set_gemodel, "two or three shares such as 1%:20% or 1%:20%:80%"},
    {"duplicate", set_duplicate, "a share such as 3% or 0.01%"},
    {"corrupt", set_corrupt, "a share such as 3% or 0.01%"},
    {"reorder", set_reorder, "a share such as 3% or 0.01%"},
    {"reorder-delay", set_reorder_delay, "a time such as 250us, 10ms or 1.5s"},
    {"limit", set_limit, "a whole number from 1 to 100000000"},
};
#define IMPAIRMENT_WORDS (sizeof impairment_words / sizeof impairment_words[0])

static const struct impairment_word *find_word(const char *name)
{
    for (size_t i = 0; i < IMPAIRMENT_WORDS; i++)
        if (!strcmp(impairment_words[i].word, name))
            return &impairment_words[i];
    return NULL;
}

/** @return 0, or TOOL_USAGE and a complaint that begins with `where`. */
static int set_impairment(struct strata_impairment *impairment, const char *where, const char *name,
                          const char *value)
{
    const struct impairment_word *word = find_word(name);
    if (!word)
        return tool_complain(TOOL_USAGE, "%s: there is no '%s'; 'strata link --help' lists the words", where,
                             name);
    int error = word->set(impairment, value);
    return error ? tool_complain(TOOL_USAGE,
                                 error == -ERANGE ? "%s: %s is too large, too small or too fine: expected %s"
                                                  : "%s: %s is not %s",
                                 where, value, word->expected)
                 : 0;
}

/** "loss=2%,delay=5ms" */
static int set_direction(struct strata_impairment *impairment, const char *where, const char *text)
{
    char copy[256], *rest = copy;
    if (strlen(text) >= sizeof copy)
        return tool_complain(TOOL_USAGE, "%s: that is too long", where);
    strcpy(copy, text);
    for (char *part; (part = strsep(&rest, ",")) != NULL;) {
        char *value = strchr(part, '=');
        if (!value)
            return tool_complain(TOOL_USAGE, "%s takes WORD=VALUE such as loss=2%%, not '%s'", where, part);
        *value++ = 0;
        if (set_impairment(impairment, where, part, value))
            return TOOL_USAGE;
    }
    return 0;
}

/* ---- All words ------------------------------------------------------------------------------------------
 */

/** What can only be applied when everything was read. */
struct reading {
    struct link_options *options;
    const char *directed[LINK_WORDS_MAX]; /**< Values of --a-to-b and --b-to-a. */
    int directed_to[LINK_WORDS_MAX];
    unsigned directed_count;
};

static int read_seed(struct link_options *options, const char *text)
{
    char *end;
    errno = 0;
    options->seed = strtoull(text, &end, 10);
    return *text < '0' || *text > '9' || *end || errno || options->seed == 0
               ? tool_complain(TOOL_USAGE, "--seed takes a whole number from 1 on, not '%s'", text)
               : 0;
}

static int read_time(strata_time *time, const char *word, const char *text)
{
    return parse_duration(text, time) || *time == 0
               ? tool_complain(TOOL_USAGE, "%s takes a time such as 90s, not '%s'", word, text)
               : 0;
}

/** --stats takes a time or none. @return 1: the value was taken, 0: it was not. */
static int read_stats(struct link_options *options, const char *value)
{
    strata_time time;
    bool given = value && parse_duration(value, &time) == 0 && time > 0;
    options->stats_every = given ? time : STRATA_SECOND;
    return given;
}

/** A word with a value. @return an exit status. */
static int read_value(struct reading *reading, const char *word, const char *value)
{
    struct link_options *options = reading->options;
    if (!strcmp(word, "--between")) {
        if (options->between_count == 2)
            return tool_complain(TOOL_USAGE, "a cable has two ends, not '%s' besides", value);
        options->between[options->between_count++] = value;
    } else if (!strcmp(word, "--a-to-b") || !strcmp(word, "--b-to-a")) {
        if (reading->directed_count == LINK_WORDS_MAX)
            return tool_complain(TOOL_USAGE, "more than %d times --a-to-b and --b-to-a", LINK_WORDS_MAX);
        reading->directed_to[reading->directed_count] = word[2] == 'b';
        reading->directed[reading->directed_count++] = value;
    } else if (!strcmp(word, "--seed")) {
        return read_seed(options, value);
    } else if (!strcmp(word, "--duration")) {
        return read_time(&options->duration, word, value);
    } else if (!strcmp(word, "--pcap")) {
        options->pcap = value;
    } else if (set_impairment(&options->direction[0], word, word + 2, value)) {
        return TOOL_USAGE;
    }
    return 0;
}

static bool takes_value(const char *word)
{
    static const char *const words[] = {"--between", "--a-to-b",   "--b-to-a",
                                        "--seed",    "--duration", "--pcap"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (!strcmp(word, words[i]))
            return true;
    return !strncmp(word, "--", 2) && find_word(word + 2);
}

static int apply_directions(struct reading *reading)
{
    struct strata_impairment *direction = reading->options->direction;
    direction[1] = direction[0];
    for (unsigned i = 0; i < reading->directed_count; i++)
        if (set_direction(&direction[reading->directed_to[i]],
                          reading->directed_to[i] ? "--b-to-a" : "--a-to-b", reading->directed[i]))
            return TOOL_USAGE;
    for (int i = 0; i < 2; i++) {
        direction[i].reorder_early = direction[i].reorder_ns == 0;
        if (direction[i].reorder_ppm && direction[i].reorder_early && direction[i].delay_ns == 0)
            return tool_complain(TOOL_USAGE,
                                 "reorder without a delay changes nothing: give --delay or --reorder-delay");
    }
    return -1;
}

int link_options_read(struct link_options *options, int argc, char **argv)
{
    struct reading reading = {.options = options};
    *options = (struct link_options){.seed = 1};
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
            fputs(link_help, stdout);
            return TOOL_OK;
        }
        if (!strcmp(word, "--json")) {
            options->json = true;
        } else if (!strcmp(word, "--no-realtime")) {
            options->no_realtime = true;
        } else if (!strcmp(word, "--stats")) {
            i += read_stats(options, value);
        } else if (!takes_value(word)) {
            return tool_complain(TOOL_USAGE, "link: no option '%s'; see 'strata link --help'", word);
        } else if (!value) {
            return tool_complain(TOOL_USAGE, "%s needs a value", word);
        } else if (read_value(&reading, word, value)) {
            return TOOL_USAGE;
        } else {
            i++;
        }
    }
    if (options->between_count < 2)
        return tool_complain(TOOL_USAGE, "a cable has two ends: --between A --between B");
    if (!strcmp(options->between[0], options->between[1]))
        return tool_complain(TOOL_USAGE, "both ends are %s", options->between[0]);
    return apply_directions(&reading);
}

/* ---- And back in words ----------------------------------------------------------------------------------
 */

__attribute__((format(printf, 4, 5))) static void append(char *text, size_t size, size_t *length,
                                                         const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(text + *length, size - *length, format, arguments);
    va_end(arguments);
    *length = more < 0 || (size_t)more >= size - *length ? size - 1 : *length + (size_t)more;
}

static void append_time(char *text, size_t size, size_t *length, const char *word, strata_time time)
{
    if (time > 0)
        append(text, size, length, ", %s %" PRId64 ".%03" PRId64 " ms", word, time / STRATA_MILLISECOND,
               time % STRATA_MILLISECOND / 1000);
}

static void append_share(char *text, size_t size, size_t *length, const char *word, uint32_t ppm)
{
    if (ppm > 0)
        append(text, size, length, ", %s %u.%04u %%", word, ppm / 10000, ppm % 10000);
}

void link_describe(const struct strata_impairment *impairment, char *text, size_t size)
{
    size_t length = 0;
    if (impairment->rate_bps)
        append(text, size, &length, "%" PRIu64 " bit/s", impairment->rate_bps);
    else
        append(text, size, &length, "any rate");
    append_time(text, size, &length, "delay", impairment->delay_ns);
    append_time(text, size, &length, "jitter", impairment->jitter_ns);
    append_share(text, size, &length, "loss", impairment->loss_ppm);
    append_share(text, size, &length, "bursts", impairment->burst_enter_ppm);
    append_share(text, size, &length, "duplicate", impairment->duplicate_ppm);
    append_share(text, size, &length, "corrupt", impairment->corrupt_ppm);
    append_share(text, size, &length, impairment->reorder_early ? "early" : "late", impairment->reorder_ppm);
    if (impairment->queue_frames)
        append(text, size, &length, ", limit %u", impairment->queue_frames);
}
