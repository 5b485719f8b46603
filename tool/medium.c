/*
 * strata medium: measures the shared medium and puts what comes out beside what theory says.
 *
 * The measuring is done by the very code that hosts of the lab are on (lab/medium.c), with stations that only
 * speak. A curve is a row of the table below; each of its points is a run of its own.
 */
#include "tool/tool.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/medium_load.h"
#include "tool/gnuplot.h"

#define FRAME_NS STRATA_MILLISECOND
#define POINTS_MAX 16
#define MILLION UINT64_C(1000000)
/** Propagation of the carrier sense curves, in frame times. */
#define CSMA_A_PPM 50000u
/** What theory and measurement may differ by. */
#define OFF_MAX_PER_MILLE 30
#define CROWD 60u
#define RING 20u

static const char help[] =
    "usage: strata medium [OPTION ...]\n"
    "\n"
    "Measures how much gets through a shared medium, and compares it with the formulas of the textbooks.\n"
    "\n"
    "  --access WORD     only this one: aloha, slotted-aloha, csma-non-persistent, csma, csma-cd or token\n"
    "  --frames N        so many frames get through per point, 20000 unless given; more is more exact\n"
    "  --seed N          other randomness; the same seed gives the same table\n"
    "  --json            an array of objects, one per point\n"
    "  --curve FILE      draw it to a .svg or .png (needs gnuplot), or write a .csv\n"
    "  --quiet, -q       only what is off\n"
    "\n"
    "exit status: 0 all points lie within 3 % of their formulas where these hold, 1 some do not, 2 called wrongly\n"
    "\n"
    "examples:\n"
    "  strata medium\n"
    "  strata medium --access csma-cd --frames 100000\n"
    "  strata medium --curve medium.svg --quiet\n";

/** One curve: an access method, what it is measured over, and its formula. */
struct curve {
    const char *word, *title, *over, *formula_text, *colour;
    enum strata_access access;
    bool crowd;           /**< All stations always have something to say; otherwise frames come up at random. */
    uint32_t holds_until; /**< The formula holds up to this x; 0: everywhere. */
    uint64_t (*formula)(uint64_t x_ppm);
    uint32_t x_ppm[POINTS_MAX]; /**< Ends with 0. */
};

static uint64_t non_persistent(uint64_t x_ppm)
{
    return formula_non_persistent(x_ppm, CSMA_A_PPM);
}

static uint64_t persistent(uint64_t x_ppm)
{
    return formula_persistent(x_ppm, CSMA_A_PPM);
}

/** A ring of stations evenly along the wire: a round is there and back. */
static uint64_t token(uint64_t x_ppm)
{
    return formula_token(2 * x_ppm / RING);
}

static const struct curve curves[] = {
    {"aloha", "pure ALOHA", "G", "G e^-2G", "#b4461f", STRATA_ACCESS_ALOHA, false, 0, formula_aloha,
     {50000, 100000, 200000, 300000, 400000, 500000, 600000, 800000, 1000000, 1250000, 1500000}},
    {"slotted-aloha", "slotted ALOHA", "G", "G e^-G", "#8a6d1c", STRATA_ACCESS_SLOTTED_ALOHA, false, 0,
     formula_slotted,
     {50000, 100000, 250000, 500000, 750000, 1000000, 1250000, 1500000, 2000000, 3000000}},
    {"csma-non-persistent", "non-persistent CSMA, a = 0.05", "G", "G e^-aG / (G(1+2a) + e^-aG)", "#14508c",
     STRATA_ACCESS_CSMA_NON_PERSISTENT, false, 0, non_persistent,
     {100000, 250000, 500000, 1000000, 1500000, 2000000, 3000000}},
    {"csma", "1-persistent CSMA, a = 0.05", "G", "Kleinrock and Tobagi's", "#3b7d3f", STRATA_ACCESS_CSMA, false, 0,
     persistent,
     {100000, 250000, 500000, 750000, 1000000, 1500000, 2000000, 3000000}},
    {"csma-cd", "CSMA/CD, 60 stations that always have something to say", "t_prop/t_trans", "1 / (1 + 5a)", "#6b3fa0",
     STRATA_ACCESS_CSMA_CD, true, 60000, formula_csma_cd,
     {1000, 2000, 5000, 10000, 20000, 30000, 40000, 50000, 60000, 80000, 100000, 200000, 400000}},
    {"token", "token passing, 20 stations that always have something to say", "t_prop/t_trans", "1 / (1 + 2a/20)",
     "#45556a", STRATA_ACCESS_TOKEN, true, 0, token,
     {1000, 10000, 20000, 50000, 100000, 200000, 500000, 1000000, 2000000}},
};
#define CURVES (sizeof curves / sizeof curves[0])

struct options {
    const char *access, *curve;
    uint64_t frames, seed;
    bool json, quiet;
};
struct point {
    const struct curve *curve;
    uint64_t x_ppm, measured_ppm, formula_ppm;
    struct strata_bus_counts counts;
    bool holds, off;
};
struct points {
    struct point point[CURVES * POINTS_MAX];
    unsigned count;
};

/* ---- Measuring ------------------------------------------------------------------------------------------------ */

static struct medium_load load_of(const struct curve *curve, uint64_t x_ppm, const struct options *options)
{
    bool senses = curve->access == STRATA_ACCESS_CSMA || curve->access == STRATA_ACCESS_CSMA_NON_PERSISTENT;
    uint64_t a_ppm = curve->crowd ? x_ppm : senses ? CSMA_A_PPM : 0;
    struct medium_load load = {
        .air_ns = FRAME_NS,
        .frames = options->frames,
        .medium = {.access = curve->access,
                   .stations = !curve->crowd ? 1000 : curve->access == STRATA_ACCESS_TOKEN ? RING : CROWD,
                   .span_ns = (strata_time)(a_ppm * FRAME_NS / MILLION),
                   .star = curve->access != STRATA_ACCESS_TOKEN,
                   .slot_ns = FRAME_NS,
                   .unit_ns = FRAME_NS,
                   .attempts = curve->crowd ? 16 : 1,
                   .queue_frames = 4}};
    if (curve->access == STRATA_ACCESS_CSMA_CD)
        load.medium.slot_ns = 2 * load.medium.span_ns; // there and back
    if (!curve->crowd) {
        load.offered_ppm = (uint32_t)x_ppm;
        load.frames = options->frames * x_ppm / (curve->formula(x_ppm) + 1);
    }
    for (int i = 0; i < 8; i++)
        load.medium.seed[i] = (uint8_t)(options->seed >> (8 * i));
    load.medium.seed[8] = (uint8_t)curve->access;
    return load;
}

static int measure(struct points *points, const struct options *options)
{
    for (size_t i = 0; i < CURVES; i++) {
        const struct curve *curve = &curves[i];
        if (options->access && strcmp(options->access, curve->word) != 0)
            continue;
        for (unsigned j = 0; j < POINTS_MAX && curve->x_ppm[j]; j++) {
            struct point *point = &points->point[points->count++];
            struct medium_load load = load_of(curve, curve->x_ppm[j], options);
            struct medium_measured measured;
            int error = medium_measure(&load, &measured);
            if (error)
                return tool_complain(TOOL_FAILED, "%s: %s", curve->word, strerror(-error));
            *point = (struct point){.curve = curve,
                                    .x_ppm = curve->x_ppm[j],
                                    .measured_ppm = measured.throughput_ppm,
                                    .formula_ppm = curve->formula(curve->x_ppm[j]),
                                    .counts = measured.counts,
                                    .holds = !curve->holds_until || curve->x_ppm[j] <= curve->holds_until};
            int64_t difference = (int64_t)point->measured_ppm - (int64_t)point->formula_ppm;
            uint64_t away = (uint64_t)(difference < 0 ? -difference : difference);
            point->off = point->holds && away * 1000 > point->formula_ppm * OFF_MAX_PER_MILLE;
        }
    }
    return 0;
}

/* ---- Telling -------------------------------------------------------------------------------------------------- */

/** How far off, in hundredths of a per cent. */
static int64_t off_by(const struct point *point)
{
    int64_t difference = (int64_t)point->measured_ppm - (int64_t)point->formula_ppm;
    return difference * 10000 / (int64_t)point->formula_ppm;
}

static void print_share(FILE *to, int width, uint64_t ppm)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64 ".%04" PRIu64, ppm / MILLION, ppm % MILLION / 100);
    fprintf(to, "%*s", width, text);
}

static void print_table(const struct points *points, const struct options *options)
{
    const struct curve *curve = NULL;
    for (unsigned i = 0; i < points->count; i++) {
        const struct point *point = &points->point[i];
        if (options->quiet && !point->off)
            continue;
        if (point->curve != curve) {
            curve = point->curve;
            printf("%s%s\n  %14s %10s %10s %9s %11s   S = %s\n", i && !options->quiet ? "\n" : "", curve->title,
                   curve->over, "measured", "formula", "off", "collided", curve->formula_text);
        }
        int64_t off = off_by(point);
        char text[32];
        snprintf(text, sizeof text, "%c%lld.%02lld %%", off < 0 ? '-' : '+', llabs(off) / 100,
                 llabs(off) % 100);
        print_share(stdout, 16, point->x_ppm);
        print_share(stdout, 11, point->measured_ppm);
        print_share(stdout, 11, point->formula_ppm);
        printf(" %9s %11" PRIu64 "%s\n", text, point->counts.collided,
               point->off      ? "   OFF"
               : point->holds ? ""
                              : "   beyond where it holds");
    }
}

static void print_json(const struct points *points)
{
    printf("[");
    for (unsigned i = 0; i < points->count; i++) {
        const struct point *p = &points->point[i];
        printf("%s\n  {\"access\": \"%s\", \"over\": \"%s\", \"x_ppm\": %" PRIu64 ", \"measured_ppm\": %" PRIu64
               ", \"formula_ppm\": %" PRIu64 ", \"holds\": %s, \"ok\": %s, \"sent\": %" PRIu64
               ", \"attempts\": %" PRIu64 ", \"collided\": %" PRIu64 "}",
               i ? "," : "", p->curve->word, p->curve->over, p->x_ppm, p->measured_ppm, p->formula_ppm,
               p->holds ? "true" : "false", p->off ? "false" : "true", p->counts.sent, p->counts.attempts,
               p->counts.collided);
    }
    printf("\n]\n");
}

/* ---- Drawing -------------------------------------------------------------------------------------------------- */

static int write_csv(const struct points *points, const char *path)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return tool_complain(TOOL_FAILED, "%s: %s", path, strerror(errno));
    fprintf(file, "access,over,x,measured,formula,holds\n");
    for (unsigned i = 0; i < points->count; i++) {
        const struct point *p = &points->point[i];
        fprintf(file, "%s,%s,", p->curve->word, p->curve->over);
        print_share(file, 0, p->x_ppm);
        putc(',', file);
        print_share(file, 0, p->measured_ppm);
        putc(',', file);
        print_share(file, 0, p->formula_ppm);
        fprintf(file, ",%s\n", p->holds ? "yes" : "no");
    }
    bool failed = ferror(file);
    errno = 0;
    if (fclose(file) != 0 || failed)
        return tool_complain(TOOL_FAILED, "%s: %s", path, strerror(errno ? errno : EIO));
    return 0;
}

/** Formulas as fine lines of many points, measurements as points of few. */
static void write_data(FILE *to, const struct points *points, size_t which)
{
    const struct curve *curve = &curves[which];
    fprintf(to, "$measured%zu << end_of_data\n", which);
    uint64_t most = 0;
    for (unsigned i = 0; i < points->count; i++)
        if (points->point[i].curve == curve) {
            most = points->point[i].x_ppm;
            print_share(to, 0, most);
            print_share(to, 10, points->point[i].measured_ppm);
            putc('\n', to);
        }
    fprintf(to, "end_of_data\n$formula%zu << end_of_data\n", which);
    for (uint64_t x = curve->x_ppm[0]; x <= most; x += x / 40 + 1) {
        print_share(to, 0, x);
        print_share(to, 10, curve->formula(x));
        putc('\n', to);
    }
    fprintf(to, "end_of_data\n");
}

static void draw_panel(FILE *to, const struct points *points, bool crowd)
{
    bool any = false;
    for (unsigned i = 0; i < points->count; i++)
        any = any || points->point[i].curve->crowd == crowd;
    if (!any)
        return;
    fprintf(to, "set xlabel '%s'\nset ylabel '%s'\n%s\nplot ",
            crowd ? "t_prop / t_trans" : "G: frames offered per frame time",
            crowd ? "efficiency" : "S: share of the time in which frames get through",
            crowd ? "set logscale x\nset key left bottom" : "unset logscale x\nset key right top");
    bool first = true;
    for (size_t i = 0; i < CURVES; i++) {
        const struct curve *curve = &curves[i];
        bool there = false;
        for (unsigned j = 0; j < points->count; j++)
            there = there || points->point[j].curve == curve;
        if (!there || curve->crowd != crowd)
            continue;
        fprintf(to, "%s$formula%zu with lines linewidth 1.5 linecolor rgb '%s' title ", first ? "" : ", ", i,
                curve->colour);
        gnuplot_text(to, curve->title);
        fprintf(to, ", $measured%zu with points pointtype 7 pointsize 0.6 linecolor rgb '%s' notitle", i,
                curve->colour);
        first = false;
    }
    fprintf(to, "\n");
}

static int draw(const struct points *points, const char *path)
{
    if (!picture_wanted(path))
        return write_csv(points, path);
    struct gnuplot gnuplot;
    int status = gnuplot_open(&gnuplot, path);
    if (status)
        return status;
    FILE *to = gnuplot.script;
    for (size_t i = 0; i < CURVES; i++)
        write_data(to, points, i);
    gnuplot_terminal(&gnuplot, 960, 900);
    fprintf(to,
            "set multiplot layout 2,1 title 'Sharing a medium: measured (points) and what theory says (lines)'\n"
            "set grid linecolor rgb '#dde3ea'\nset border 3 linecolor rgb '#6b7a8d'\nset tics nomirror\n"
            "set yrange [0:1]\nset key samplen 2 spacing 1.2\n");
    draw_panel(to, points, false);
    draw_panel(to, points, true);
    fprintf(to, "unset multiplot\n");
    return gnuplot_close(&gnuplot);
}

/* ---- The command ---------------------------------------------------------------------------------------------- */

static int wrong(const char *format, const char *value)
{
    char text[300];
    snprintf(text, sizeof text, format, value);
    return tool_complain(TOOL_USAGE, "%s; 'strata medium --help' explains", text);
}

static int set_number(uint64_t *number, const char *option, const char *text, uint64_t most)
{
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    if (*text >= '0' && *text <= '9' && !*end && !errno && *number > 0 && *number <= most)
        return 0;
    return tool_complain(TOOL_USAGE, "%s %s: expected a whole number from 1 to %" PRIu64, option, text, most);
}

static int set_access(struct options *options, const char *word)
{
    for (size_t i = 0; i < CURVES; i++)
        if (!strcmp(curves[i].word, word)) {
            options->access = word;
            return 0;
        }
    return wrong("--access %s: expected aloha, slotted-aloha, csma-non-persistent, csma, csma-cd or token", word);
}

static int read_options(struct options *options, int argc, char **argv)
{
    static const struct option longs[] = {
        {"access", required_argument, NULL, 'a'}, {"frames", required_argument, NULL, 'f'},
        {"seed", required_argument, NULL, 's'},   {"json", no_argument, NULL, 'j'},
        {"curve", required_argument, NULL, 'c'},  {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    int choice, status = 0;
    optind = 1;
    opterr = 0;
    while (status == 0 && (choice = getopt_long(argc, argv, ":qh", longs, NULL)) != -1) {
        switch (choice) {
        case 'a':
            status = set_access(options, optarg);
            break;
        case 'f':
            status = set_number(&options->frames, "--frames", optarg, 10000000);
            break;
        case 's':
            status = set_number(&options->seed, "--seed", optarg, INT64_MAX);
            break;
        case 'j':
            options->json = true;
            break;
        case 'c':
            options->curve = optarg;
            break;
        case 'q':
            options->quiet = true;
            break;
        case 'h':
            fputs(help, stdout);
            exit(tool_flush(TOOL_OK));
        case ':':
            status = wrong("%s needs a value", argv[optind - 1]);
            break;
        default:
            status = wrong("there is no option %s", argv[optind - 1]);
        }
    }
    return status == 0 && optind < argc ? wrong("%s: no argument is expected", argv[optind]) : status;
}

int tool_medium(int argc, char **argv)
{
    struct options options = {.frames = 20000, .seed = 1};
    static struct points points;
    int status = read_options(&options, argc, argv);
    if (status == 0)
        status = measure(&points, &options);
    if (status)
        return status;
    if (options.json)
        print_json(&points);
    else
        print_table(&points, &options);
    unsigned off = 0;
    for (unsigned i = 0; i < points.count; i++)
        off += points.point[i].off;
    if (!options.json)
        printf("%s%u points, %u off by more than 3 %%\n", options.quiet ? "" : "\n", points.count, off);
    if (options.curve)
        status = draw(&points, options.curve);
    return status ? status : off ? TOOL_FAILED : TOOL_OK;
}
