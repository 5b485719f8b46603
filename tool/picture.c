/*
 * Pictures of congestion control. Points are kept until the end; then gnuplot, which waits since the
 * beginning, is told what to draw and writes it to the file, which is its standard output.
 *
 * A picture has fewer columns than a transfer has acknowledgements. In each column a curve shows where it
 * begins, its least, its most and where it ends, so that no tooth is missed and files stay small.
 */
#include "tool/picture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/gnuplot.h"
#include "tool/tool.h"

/** Connections in one picture, at most: the busiest. */
#define PICTURE_PANELS 4
/** One with less than this share of the busiest's points is not worth a panel. */
#define PICTURE_LEAST_SHARE 20
#define PICTURE_COLUMNS 480
#define PICTURE_LEVELS 400
#define PICTURE_WIDTH 960
#define PICTURE_PANEL_HEIGHT 540

enum { CURVE_CWND, CURVE_SSTHRESH, CURVE_FLIGHT, CURVE_SRTT, CURVES };

struct moment {
    strata_time time;
    int64_t value[CURVES]; /**< Negative: there is none. */
};
struct panel {
    char *name;
    struct moment *moments;
    size_t count, room;
};
struct picture {
    char *title;
    struct gnuplot gnuplot;
    struct panel *panels;
    size_t count;
    bool no_memory;
};

/* ---- Beginning ----------------------------------------------------------------------------------------- */

static void picture_free(struct picture *picture)
{
    for (size_t i = 0; i < picture->count; i++) {
        free(picture->panels[i].name);
        free(picture->panels[i].moments);
    }
    free(picture->panels);
    free(picture->title);
    free(picture);
}

int picture_new(struct picture **made, const char *path, const char *title)
{
    struct picture *picture = calloc(1, sizeof *picture);
    if (picture)
        picture->title = strdup(title ? title : "");
    if (!picture || !picture->title) {
        free(picture);
        return tool_complain(TOOL_FAILED, "%s: out of memory", path);
    }
    int status = gnuplot_open(&picture->gnuplot, path);
    if (status)
        picture_free(picture);
    else
        *made = picture;
    return status;
}

/* ---- While it runs ------------------------------------------------------------------------------------- */

/** Connections come in the order of their numbers. @return NULL without memory. */
static struct panel *panel_of(struct picture *picture, const struct curve_point *point)
{
    if (point->connection < picture->count)
        return &picture->panels[point->connection];
    struct panel *panels = realloc(picture->panels, (point->connection + 1) * sizeof *panels);
    if (!panels)
        return NULL;
    picture->panels = panels;
    memset(panels + picture->count, 0, (point->connection + 1 - picture->count) * sizeof *panels);
    picture->count = point->connection + 1;
    return &panels[point->connection];
}

static bool name_panel(struct panel *panel, const struct curve_point *point)
{
    char local[STRATA_ENDPOINT_TEXT], remote[STRATA_ENDPOINT_TEXT];
    strata_endpoint_format(point->local, local, sizeof local);
    strata_endpoint_format(point->remote, remote, sizeof remote);
    return panel->name || asprintf(&panel->name, "%s, %s to %s", point->host, local, remote) > 0;
}

void picture_take(void *context, const struct curve_point *point)
{
    struct picture *picture = context;
    struct panel *panel = picture->no_memory ? NULL : panel_of(picture, point);
    if (panel && name_panel(panel, point) && panel->count == panel->room) {
        size_t room = panel->room ? 2 * panel->room : 64;
        struct moment *moments = realloc(panel->moments, room * sizeof *moments);
        panel->room = moments ? room : panel->room;
        panel->moments = moments ? moments : panel->moments;
    }
    if (!panel || !panel->name || panel->count == panel->room) {
        picture->no_memory = true;
        return;
    }
    panel->moments[panel->count++] =
        (struct moment){.time = point->time,
                        .value = {[CURVE_CWND] = point->cwnd,
                                  [CURVE_SSTHRESH] = point->ssthresh,
                                  [CURVE_FLIGHT] = point->flight,
                                  [CURVE_SRTT] = point->srtt_ns > 0 ? point->srtt_ns : -1}};
}

/* ---- Drawing ------------------------------------------------------------------------------------------- */

/** A curve as gnuplot's data, drawn in steps: a value holds until the next. */
struct pen {
    FILE *to;
    int curve;
    int64_t grain; /**< Smaller differences cannot be seen. */
    int64_t last;  /**< What was written. */
};

static void write_value(struct pen *pen, strata_time time, int64_t value)
{
    pen->last = value;
    if (value >= 0)
        fprintf(pen->to, "%" PRId64 ".%06" PRId64 " %" PRId64 "\n", time / STRATA_SECOND,
                time % STRATA_SECOND / STRATA_MICROSECOND, value);
    else
        putc('\n', pen->to); // a gap
}

/** The moments of one column, [first, end): those that its picture needs, in their order. */
static void write_column(struct pen *pen, const struct moment *first, const struct moment *end)
{
    const struct moment *least = first, *most = first;
    for (const struct moment *m = first; m < end; m++) {
        if (m->value[pen->curve] < least->value[pen->curve])
            least = m;
        if (m->value[pen->curve] > most->value[pen->curve])
            most = m;
    }
    for (const struct moment *m = first; m < end; m++) {
        int64_t value = m->value[pen->curve];
        bool shows = m == first || m == least || m == most || m == end - 1;
        if (shows && (value - pen->last >= pen->grain || pen->last - value >= pen->grain))
            write_value(pen, m->time, value);
    }
}

static int64_t most_of(const struct panel *panel, int curve)
{
    int64_t most = -1;
    for (size_t i = 0; i < panel->count; i++)
        if (panel->moments[i].value[curve] > most)
            most = panel->moments[i].value[curve];
    return most;
}

static void write_curve(FILE *to, const struct panel *panel, strata_time length, size_t number, int curve)
{
    const struct moment *m = panel->moments, *end = m + panel->count;
    strata_time width = length / PICTURE_COLUMNS + 1;
    struct pen pen = {.to = to, .curve = curve, .grain = most_of(panel, curve) / PICTURE_LEVELS + 1};
    fprintf(to, "$p%zuc%d << end_of_data\n", number, curve);
    write_value(&pen, m->time, m->value[curve]);
    while (m < end) {
        const struct moment *first = m;
        while (m < end && m->time / width == first->time / width)
            m++;
        write_column(&pen, first, m);
    }
    write_value(&pen, end[-1].time, end[-1].value[curve]);
    fputs("end_of_data\n", to);
}

/** The panels worth one, the busiest first. @return how many. */
static size_t choose_panels(const struct picture *picture, const struct panel *chosen[PICTURE_PANELS])
{
    size_t count = 0;
    while (count < PICTURE_PANELS) {
        const struct panel *best = NULL;
        for (size_t i = 0; i < picture->count; i++) {
            const struct panel *panel = &picture->panels[i];
            bool taken = false;
            for (size_t k = 0; k < count; k++)
                taken |= chosen[k] == panel;
            if (!taken && panel->count > 1 && (!best || panel->count > best->count))
                best = panel;
        }
        if (!best || (count && best->count < chosen[0]->count / PICTURE_LEAST_SHARE))
            break;
        chosen[count++] = best;
    }
    return count;
}

/** A round number of which some four make `most`. */
static int64_t step_for(int64_t most)
{
    int64_t step = 1;
    for (;;) {
        static const int64_t round[] = {1, 2, 5};
        for (int i = 0; i < 3; i++)
            if (round[i] * step * 4 >= most)
                return round[i] * step;
        step *= 10;
    }
}

static void draw_windows(FILE *to, const struct panel *panel, size_t number)
{
    fputs("set tmargin 3.5\nset xlabel\nset ylabel 'KiB'\nset ytics autofreq\nset label 1 ", to);
    gnuplot_text(to, panel->name);
    fprintf(to,
            " at graph 0, 1.13 left textcolor rgb '#45556a'\n"
            "plot $p%zuc%d using 1:($2/1024) with steps linewidth 1 linecolor rgb '#8fb3d6' title "
            "'sent and not acknowledged', "
            "$p%zuc%d using 1:($2/1024) with steps linewidth 2 linecolor rgb '#14508c' title "
            "'congestion window'",
            number, CURVE_FLIGHT, number, CURVE_CWND);
    if (most_of(panel, CURVE_SSTHRESH) >= 0)
        fprintf(to,
                ", $p%zuc%d using 1:($2/1024) with steps linewidth 1.5 dashtype 2 linecolor rgb '#b4461f' "
                "title 'slow-start threshold'",
                number, CURVE_SSTHRESH);
    fputs("\nunset label 1\n", to);
}

static void draw_round_trip(FILE *to, const struct panel *panel, size_t number)
{
    int64_t most = most_of(panel, CURVE_SRTT);
    if (most < 0)
        return;
    bool long_ones = most >= 4 * STRATA_MILLISECOND;
    strata_time unit = long_ones ? STRATA_MILLISECOND : STRATA_MICROSECOND;
    fprintf(to,
            "set tmargin 1.5\nset xlabel 'seconds'\nset ylabel '%s'\nset ytics %" PRId64 "\n"
            "plot $p%zuc%d using 1:($2/%" PRId64 ".0) with steps linewidth 1.5 linecolor rgb '#3b7d3f' title "
            "'smoothed round-trip time'\n",
            long_ones ? "ms" : "us", step_for(most / unit), number, CURVE_SRTT, unit);
}

/** Windows above, two thirds of the height, and the round-trip time below. */
static void draw_panel(FILE *to, const struct panel *panel, size_t number, size_t panels)
{
    // In thousandths of the picture: gnuplot counts from the bottom.
    size_t height = 950 / panels, bottom = (panels - 1 - number) * height;
    fprintf(to, "set origin 0, 0.%03zu\nset size 1, 0.%03zu\n", bottom + height / 3, height * 2 / 3);
    draw_windows(to, panel, number);
    fprintf(to, "set origin 0, 0.%03zu\nset size 1, 0.%03zu\n", bottom, height / 3);
    draw_round_trip(to, panel, number);
}

/** Text, axes and colours of all of it. */
static void write_style(const struct picture *picture, size_t panels, strata_time from, strata_time until)
{
    FILE *to = picture->gnuplot.script;
    gnuplot_terminal(&picture->gnuplot, PICTURE_WIDTH, PICTURE_PANEL_HEIGHT * (unsigned)(panels ? panels : 1));
    fputs("set multiplot title ", to);
    gnuplot_text(to, picture->title);
    fprintf(to,
            "\nset lmargin 9\nset rmargin 3\nset grid linecolor rgb '#dde3ea'\n"
            "set border 3 linecolor rgb '#6b7a8d'\nset tics nomirror\nset yrange [0:*]\n"
            "set key at graph 1, 1.08 right horizontal maxrows 1 samplen 2\n"
            "set xrange [%" PRId64 ".%03" PRId64 ":%" PRId64 ".%03" PRId64 "]\n",
            from / STRATA_SECOND, from % STRATA_SECOND / STRATA_MILLISECOND, until / STRATA_SECOND,
            until % STRATA_SECOND / STRATA_MILLISECOND);
}

static void write_script(const struct picture *picture)
{
    const struct panel *chosen[PICTURE_PANELS];
    size_t panels = choose_panels(picture, chosen);
    FILE *to = picture->gnuplot.script;
    strata_time from = STRATA_NEVER, until = 0;
    for (size_t i = 0; i < panels; i++) {
        const struct panel *panel = chosen[i];
        from = panel->moments[0].time < from ? panel->moments[0].time : from;
        until = panel->moments[panel->count - 1].time > until ? panel->moments[panel->count - 1].time : until;
    }
    until += STRATA_MILLISECOND; // an axis has a length
    if (from < until / 5 || !panels)
        from = 0;
    for (size_t i = 0; i < panels; i++)
        for (int curve = 0; curve < CURVES; curve++)
            write_curve(to, chosen[i], until - from, i, curve);
    write_style(picture, panels, from, until);
    for (size_t i = 0; i < panels; i++)
        draw_panel(to, chosen[i], i, panels);
    if (!panels)
        fputs("set label 1 'no connection sent anything' at graph 0.5, 0.5 center\nset yrange [0:1]\nset "
              "xrange [0:1]\n"
              "plot -1 notitle\n",
              to);
    fputs("unset multiplot\n", to);
}

int picture_close(struct picture *picture)
{
    if (picture->no_memory)
        gnuplot_abandon(&picture->gnuplot);
    else
        write_script(picture);
    int status = gnuplot_close(&picture->gnuplot);
    if (picture->no_memory)
        status = tool_complain(TOOL_FAILED, "%s: out of memory", picture->gnuplot.path);
    picture_free(picture);
    return status;
}
